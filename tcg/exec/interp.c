// SPDX-License-Identifier: MIT
// The interpreter: executes a region's IR as it stands, with helpers called through libffi. The reference that every
// backend is compared with, and the engine of hosts without one.
#include "tcg/exec/private.h"

#include <assert.h>
#include <ffi.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/eval.h"

struct interp {
    struct tcg_cpu *cpu;
    const struct ir_region *region;
    union ir_value *values;
    const struct ir_ins *current; // the operation in hand that may leave
};

static union ir_value value_of(const struct interp *it, ir_ref ref)
{
    if (!ir_is_const(ref))
        return it->values[ref];
    const struct ir_const *c = ir_const(it->region, ref);
    return (union ir_value){.u64 = {c->lo, c->hi}};
}

static void *slot_place(const struct interp *it, uint64_t slot)
{
    return (uint8_t *)it->cpu + it->region->slots[slot].offset;
}

// Puts the snapshot of the operation in hand into the state, before a fault is raised.
static void restore(struct tcg_cpu *cpu)
{
    const struct interp *it = cpu->restore_data;
    const struct ir_snapshot *s = &it->region->snapshots[it->current->snapshot - 1];
    for (uint32_t i = 0; i < s->count; i++) {
        const struct ir_snapshot_entry *e = &it->region->snapshot_entries[s->first + i];
        union ir_value v = {.u64 = {0}};
        if (e->slot == IR_SNAPSHOT_OPERAND)
            continue;
        if (e->value != IR_NONE) {
            v = value_of(it, e->value);
        } else {
            union ir_value operands[IR_SNAPSHOT_OPERANDS];
            for (unsigned k = 0; k < IR_SNAPSHOT_OPERANDS; k++)
                operands[k] = value_of(it, e[(int)k - IR_SNAPSHOT_OPERANDS].value);
            if (!ir_eval_snapshot(e->op, e->type, operands, &v))
                continue;
        }
        memcpy(slot_place(it, e->slot), &v, ir_type_bytes(it->region->slots[e->slot].type));
    }
    cpu->pc_offset = (uint32_t)s->pc_offset;
    cpu->restore = NULL;
}

// Until cpu->restore is NULL again.
static void may_leave(struct interp *it, const struct ir_ins *ins)
{
    it->current = ins;
    it->cpu->restore = restore;
    it->cpu->restore_data = it;
}

static void memory_operation(struct interp *it, uint32_t index)
{
    const struct ir_ins *ins = &it->region->ins[index];
    union ir_value data = {.u64 = {0}}, data2 = {.u64 = {0}}, result = {.u64 = {0}};
    struct slow_request r = {.op = ins->op, .type = ins->type, .aux = ins->aux, .mem = ir_mem_unpack(ins->imm),
                             .data = &data, .data2 = &data2, .result = &result};
    unsigned count = ir_ops[ins->op].operand_count;
    r.address = slow_address(value_of(it, ins->arg[0]).u64[0], r.mem);
    if (count > 1)
        data = value_of(it, ins->arg[1]);
    if (count > 2)
        data2 = value_of(it, ins->arg[2]);
    may_leave(it, ins);
    slow_perform(it->cpu, &r);
    it->cpu->restore = NULL;
    it->values[index] = result;
}

static ffi_type *ffi_type_of(enum ir_type type)
{
    return type == IR_VOID ? &ffi_type_void : type == IR_I32 ? &ffi_type_uint32 : type == IR_I64 ? &ffi_type_uint64
                                                                                                 : &ffi_type_pointer;
}

static void call_helper(struct interp *it, uint32_t index)
{
    const struct ir_ins *ins = &it->region->ins[index];
    const struct ir_helper *h = it->region->helpers[ins->imm];
    ffi_type *types[IR_HELPER_MAX_ARGS + 2];
    void *pointers[IR_HELPER_MAX_ARGS + 2], *values[IR_HELPER_MAX_ARGS + 2];
    union ir_value args[IR_HELPER_MAX_ARGS], result = {.u64 = {0}};
    unsigned n = 0;
    bool vector_result = h->result != IR_VOID && !ir_type_is_int(h->result);
    if (!(h->flags & IR_HELPER_NO_ENV)) {
        pointers[n] = it->cpu;
        values[n] = &pointers[n];
        types[n++] = &ffi_type_pointer;
    }
    if (vector_result) {
        pointers[n] = &result;
        values[n] = &pointers[n];
        types[n++] = &ffi_type_pointer;
    }
    for (unsigned i = 0; i < h->arg_count; i++) {
        args[i] = value_of(it, it->region->lists[ins->arg[1] + 1 + i]);
        types[n] = ffi_type_of(h->args[i]);
        pointers[n] = &args[i];
        values[n] = types[n] == &ffi_type_pointer ? (void *)&pointers[n] : (void *)&args[i];
        n++;
    }
    ffi_cif cif;
    ffi_arg returned = 0;
    ffi_type *type = vector_result ? &ffi_type_void : ffi_type_of(h->result);
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, n, type, types) != FFI_OK)
        abort();
    ffi_call(&cif, h->fn, &returned, values);
    if (!vector_result && h->result != IR_VOID)
        result = (union ir_value){.u64 = {h->result == IR_I32 ? (uint32_t)returned : returned, 0}};
    it->values[index] = result;
}

// Goes to a block, giving its parameters their values. All are read before any is written.
static uint32_t enter_block(struct interp *it, const struct ir_ins *branch, unsigned n)
{
    uint32_t target = ir_target(branch, n), begin = it->region->blocks[target].begin;
    if (branch->arg[2 + n] == IR_NONE)
        return begin;
    const ir_ref *list = &it->region->lists[branch->arg[2 + n]];
    union ir_value passed[64];
    assert(list[0] <= 64);
    for (uint32_t i = 0; i < list[0]; i++)
        passed[i] = value_of(it, list[1 + i]);
    memcpy(&it->values[begin], passed, list[0] * sizeof(passed[0]));
    return begin;
}

// The comparison of a branch.
static bool holds(const struct interp *it, const struct ir_ins *ins)
{
    return ir_cond_holds(ins->aux, ins->type, value_of(it, ins->arg[0]).u64[0], value_of(it, ins->arg[1]).u64[0]);
}

static void evaluate(struct interp *it, uint32_t index)
{
    const struct ir_ins *ins = &it->region->ins[index];
    struct ir_eval_op op;
    union ir_value in[4];
    ir_eval_prepare(&op, it->region, ins);
    unsigned count = ir_ops[ins->op].operand_count;
    for (unsigned i = 0; i < count; i++)
        in[i] = value_of(it, ins->arg[i]);
    ir_eval(&op, &it->values[index], count > 0 ? &in[0] : NULL, count > 1 ? &in[1] : NULL, count > 2 ? &in[2] : NULL,
            count > 3 ? &in[3] : NULL);
}

enum backend_exit interp_enter(struct tcg_cpu *cpu, struct tcg_block *block, struct tcg_exit **link)
{
    const struct ir_region *r = block->ir;
    struct interp it = {.cpu = cpu, .region = r};
    if (!(block->flags & TCG_FLAG_SINGLE) && atomic_load_explicit(&cpu->vcpu.exit_request, memory_order_relaxed))
        return BACKEND_EXIT_LOOP;
    union ir_value values[r->ins_count + 1];
    it.values = values;
    *link = NULL;
    for (uint32_t i = r->blocks[0].begin;;) {
        const struct ir_ins *ins = &r->ins[i];
        switch ((enum ir_op)ins->op) {
        case IR_NOP:
        case IR_PARAM:
            break;
        case IR_GETSLOT: {
            union ir_value v = {.u64 = {0}};
            memcpy(&v, slot_place(&it, ins->imm), ir_type_bytes(ins->type));
            values[i] = v;
            break;
        }
        case IR_SETSLOT: {
            union ir_value v = value_of(&it, ins->arg[0]);
            memcpy(slot_place(&it, ins->imm), &v, ir_type_bytes(ins->type));
            break;
        }
        case IR_LD:
        case IR_ST:
        case IR_LDP:
        case IR_STP:
        case IR_CAS:
        case IR_ATOMIC:
            memory_operation(&it, i);
            break;
        case IR_PROBE:
            values[i] = (union ir_value){.u64 = {0, 0}};
            break;
        case IR_RAISE_IF:
            if (holds(&it, ins)) {
                may_leave(&it, ins);
                slow_raise(cpu, (uint32_t)ins->imm);
            }
            break;
        case IR_FENCE:
            atomic_thread_fence(memory_order_seq_cst);
            break;
        case IR_CALL:
            call_helper(&it, i);
            break;
        case IR_JUMP:
            i = enter_block(&it, ins, 0);
            continue;
        case IR_BRCOND:
            i = enter_block(&it, ins, !holds(&it, ins));
            continue;
        case IR_EXIT_IF:
            cpu->pc_offset = ir_exit_offset(ins, !holds(&it, ins));
            return BACKEND_EXIT_LOOKUP;
        case IR_EXIT_TO:
            cpu->pc_offset = (uint32_t)ins->imm;
            return BACKEND_EXIT_LOOKUP;
        case IR_EXIT_INDIRECT:
            tcg_set_pc(cpu, value_of(&it, ins->arg[0]).u64[0]);
            return BACKEND_EXIT_LOOKUP;
        case IR_EXIT_LOOP:
            tcg_set_pc(cpu, value_of(&it, ins->arg[0]).u64[0]);
            return BACKEND_EXIT_LOOP;
        case IR_UNREACHABLE:
            abort();
        default:
            evaluate(&it, i);
        }
        i++;
    }
}
