// SPDX-License-Identifier: MIT
// The IR as text, for -d op and for failing tests.
#include <inttypes.h>

#include "tcg/ir.h"

static const char *const cond_names[IR_COND_COUNT] = {"eq", "ne", "ltu", "geu", "leu", "gtu",
                                                      "lt", "ge", "le",  "gt",  "tsteq", "tstne"};

static void dump_ref(const struct ir_region *r, ir_ref ref, FILE *out)
{
    if (ref == IR_NONE) {
        fputs(" -", out);
    } else if (!ir_is_const(ref)) {
        fprintf(out, " %%%" PRIu32, ref);
    } else {
        const struct ir_const *c = ir_const(r, ref);
        if (c->type == IR_V128)
            fprintf(out, " $%#" PRIx64 ":%#" PRIx64, c->hi, c->lo);
        else
            fprintf(out, " $%#" PRIx64, c->lo);
    }
}

static void dump_list(const struct ir_region *r, uint32_t start, FILE *out)
{
    for (uint32_t i = 1; i <= r->lists[start]; i++)
        dump_ref(r, r->lists[start + i], out);
}

static void dump_snapshot(const struct ir_region *r, uint32_t number, FILE *out)
{
    const struct ir_snapshot *s = &r->snapshots[number - 1];
    fprintf(out, "  [pc+%#x", (unsigned)s->pc_offset);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct ir_snapshot_entry *e = &r->snapshot_entries[s->first + i];
        if (e->slot == IR_SNAPSHOT_OPERAND)
            fputs(" ?", out);
        else
            fprintf(out, " %s=", r->slots[e->slot].name);
        if (e->value == IR_NONE)
            fputs(ir_ops[e->op].text, out);
        else
            dump_ref(r, e->value, out);
    }
    fputc(']', out);
}

static void dump_ins(const struct ir_region *r, uint32_t index, FILE *out)
{
    const struct ir_ins *ins = &r->ins[index];
    const struct ir_op_info *info = &ir_ops[ins->op];
    if (ins->op == IR_NOP)
        return;
    if (ir_result_type(ins) != IR_VOID)
        fprintf(out, "  %%%-4" PRIu32 "= ", index);
    else
        fputs("         ", out);
    fputs(info->text, out);
    if (ins->type)
        fprintf(out, ".%s", ir_type_name(ins->type));
    if (info->properties & IR_PROP_CMP)
        fprintf(out, " %s", cond_names[ins->aux]);
    else if (ins->aux || (info->properties & IR_PROP_LANE && ins->type == IR_V128))
        fprintf(out, " /%u", ins->aux);
    for (unsigned i = 0; i < info->operand_count; i++)
        dump_ref(r, ins->arg[i], out);
    switch ((enum ir_op)ins->op) {
    case IR_GETSLOT:
    case IR_SETSLOT:
        fprintf(out, " %s", r->slots[ins->imm].name);
        break;
    case IR_LD:
    case IR_ST:
    case IR_CAS:
    case IR_ATOMIC:
    case IR_LDP:
    case IR_STP:
    case IR_LDS:
    case IR_STS: {
        struct ir_mem m = ir_mem_unpack(ins->imm);
        fprintf(out, " %+d size %u%s%s mmu %u", m.offset, 1u << m.size_log2, m.sign_extend ? " signed" : "",
                m.big_endian ? " be" : "", m.mmu_index);
        break;
    }
    case IR_CALL:
        fprintf(out, " %s", r->helpers[ins->imm]->name);
        dump_list(r, ins->arg[1], out);
        break;
    case IR_JUMP:
        fprintf(out, " b%" PRIu32, ir_target(ins, 0));
        if (ins->arg[2] != IR_NONE)
            dump_list(r, ins->arg[2], out);
        break;
    case IR_BRCOND:
        fprintf(out, " b%" PRIu32 " else b%" PRIu32, ir_target(ins, 0), ir_target(ins, 1));
        break;
    case IR_EXIT_IF:
        fprintf(out, " #%#" PRIx32 " else #%#" PRIx32, ir_exit_offset(ins, 0), ir_exit_offset(ins, 1));
        break;
    default:
        if (ins->imm)
            fprintf(out, " #%#" PRIx64, ins->imm);
    }
    if (ins->snapshot)
        dump_snapshot(r, ins->snapshot, out);
    fputc('\n', out);
}

void ir_dump(const struct ir_region *r, FILE *out)
{
    for (uint32_t n = 0; n < r->block_count; n++) {
        fprintf(out, " b%" PRIu32 ":\n", n);
        for (uint32_t i = r->blocks[n].begin; i < r->blocks[n].end; i++)
            dump_ins(r, i, out);
    }
}
