// SPDX-License-Identifier: MIT
// Checks a region against the rules of ir.h and ops.inc. Run after the builder and after each pass in debug builds
// and tests.
#include <stdarg.h>
#include <string.h>

#include "tcg/ir.h"

struct verifier {
    const struct ir_region *r;
    const char *message;
    uint8_t *defined; // by instruction: defined on every path to the current block so far
};

static bool fail(struct verifier *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct verifier *v, const char *format, ...)
{
    char *text = arena_alloc(v->r->arena, 160);
    va_list args;
    va_start(args, format);
    vsnprintf(text, 160, format, args);
    va_end(args);
    v->message = text;
    return false;
}

static bool check_use(struct verifier *v, uint32_t user, ir_ref ref)
{
    if (ir_is_const(ref)) {
        if ((ref & ~IR_CONST_BIT) >= v->r->const_count)
            return fail(v, "%%%u: constant out of range", user);
        return true;
    }
    if (ref >= v->r->ins_count)
        return fail(v, "%%%u: operand out of range", user);
    if (ir_result_type(&v->r->ins[ref]) == IR_VOID)
        return fail(v, "%%%u: operand %%%u has no value", user, ref);
    if (!v->defined[ref])
        return fail(v, "%%%u: operand %%%u is not defined here", user, ref);
    return true;
}

static bool type_fits(char letter, enum ir_type type, enum ir_type own)
{
    switch (letter) {
    case 't':
        return type == own;
    case 'i':
        return type == IR_I32;
    case 'l':
        return type == IR_I64;
    case 'v':
        return type == IR_V128;
    case 'g':
    case 'p':
        return ir_type_is_int(type);
    case 'f':
        return type == IR_F32 || type == IR_F64 || type == IR_V128;
    default:
        return type != IR_VOID;
    }
}

static bool check_snapshot_entry(struct verifier *v, uint32_t index, const struct ir_snapshot *s, uint32_t n)
{
    const struct ir_region *r = v->r;
    const struct ir_snapshot_entry *e = &r->snapshot_entries[s->first + n];
    bool is_operand = e->slot == IR_SNAPSHOT_OPERAND;
    if (e->value != IR_NONE && !check_use(v, index, e->value))
        return false;
    if (is_operand ? n + 1 == s->count || e->value == IR_NONE : e->slot >= r->slot_count)
        return fail(v, "%%%u: bad snapshot", index);
    if (e->value != IR_NONE) {
        bool fits = is_operand || ir_type_of(r, e->value) == r->slots[e->slot].type;
        return fits ? true : fail(v, "%%%u: snapshot of %s has another type", index, r->slots[e->slot].name);
    }
    for (unsigned i = 1; i <= IR_SNAPSHOT_OPERANDS; i++)
        if (n < i || e[-(int)i].slot != IR_SNAPSHOT_OPERAND)
            return fail(v, "%%%u: operands of a snapshot's operation", index);
    return true;
}

static bool check_operands(struct verifier *v, uint32_t index)
{
    const struct ir_region *r = v->r;
    const struct ir_ins *ins = &r->ins[index];
    const struct ir_op_info *info = &ir_ops[ins->op];
    enum ir_type same[2] = {IR_VOID, IR_VOID}; // of the letters g and f
    for (unsigned i = 0; i < info->operand_count; i++) {
        if (!check_use(v, index, ins->arg[i]))
            return false;
        enum ir_type type = ir_type_of(r, ins->arg[i]);
        char letter = info->operands[i];
        if (!type_fits(letter, type, ins->type))
            return fail(v, "%%%u: operand %u of %s has type %s", index, i, info->text, ir_type_name(type));
        if (letter == 'g' || letter == 'f') {
            enum ir_type *s = &same[letter == 'f'];
            if (*s != IR_VOID && *s != type)
                return fail(v, "%%%u: operands of %s differ in type", index, info->text);
            *s = type;
        }
    }
    if ((info->properties & IR_PROP_CMP) && ins->aux >= IR_COND_COUNT)
        return fail(v, "%%%u: bad condition", index);
    if ((ins->op == IR_SETCOND || ins->op == IR_SELECT) && ins->imm != (uint64_t)ir_type_of(r, ins->arg[0]))
        return fail(v, "%%%u: type of the comparison", index);
    if ((ins->op == IR_GETSLOT || ins->op == IR_SETSLOT) &&
        (ins->imm >= r->slot_count || r->slots[ins->imm].type != (enum ir_type)ins->type))
        return fail(v, "%%%u: bad slot", index);
    bool leaves = (info->properties & IR_PROP_MEM) || ins->op == IR_RAISE_IF;
    if (leaves && (!ins->snapshot || ins->snapshot > r->snapshot_count))
        return fail(v, "%%%u: %s without a snapshot", index, info->text);
    if ((info->properties & IR_PROP_MEM) &&
        ir_mem_unpack(ins->imm).narrow != (ir_type_of(r, ins->arg[0]) == IR_I32))
        return fail(v, "%%%u: width of the address", index);
    if (ins->op == IR_CALL) {
        const struct ir_helper *h = r->helpers[ins->imm];
        for (unsigned i = 0; i < h->arg_count; i++) {
            ir_ref ref = r->lists[ins->arg[1] + 1 + i];
            if (!check_use(v, index, ref))
                return false;
            if (ir_type_of(r, ref) != (enum ir_type)h->args[i])
                return fail(v, "%%%u: operand %u of helper %s", index, i, h->name);
        }
    }
    if (ins->snapshot) {
        const struct ir_snapshot *s = &r->snapshots[ins->snapshot - 1];
        for (uint32_t i = 0; i < s->count; i++) {
            if (!check_snapshot_entry(v, index, s, i))
                return false;
        }
    }
    return true;
}

static unsigned count_params(const struct ir_region *r, uint32_t block)
{
    unsigned n = 0;
    for (uint32_t i = r->blocks[block].begin; i < r->blocks[block].end && r->ins[i].op == IR_PARAM; i++)
        n++;
    return n;
}

static bool check_edge(struct verifier *v, uint32_t index, unsigned n, uint8_t **in, uint8_t *pending)
{
    const struct ir_region *r = v->r;
    const struct ir_ins *ins = &r->ins[index];
    uint32_t target = ir_target(ins, n);
    if (target >= r->block_count)
        return fail(v, "%%%u: no such block", index);
    unsigned given = ins->arg[2 + n] == IR_NONE ? 0 : r->lists[ins->arg[2 + n]];
    if (given != count_params(r, target))
        return fail(v, "%%%u: b%u takes %u parameters", index, target, count_params(r, target));
    for (unsigned i = 0; i < given; i++) {
        ir_ref value = r->lists[ins->arg[2 + n] + 1 + i];
        if (!check_use(v, index, value))
            return false;
        if (ir_type_of(r, value) != (enum ir_type)r->ins[r->blocks[target].begin + i].type)
            return fail(v, "%%%u: parameter %u of b%u", index, i, target);
    }
    // What is defined in the target is what all edges bring.
    bool changed = false;
    if (!in[target]) {
        in[target] = arena_alloc(r->arena, r->ins_count + 1);
        memcpy(in[target], v->defined, r->ins_count);
        changed = true;
    } else {
        for (uint32_t i = 0; i < r->ins_count; i++) {
            if (in[target][i] && !v->defined[i]) {
                in[target][i] = 0;
                changed = true;
            }
        }
    }
    if (changed)
        pending[target] = 1;
    return true;
}

static bool check_block(struct verifier *v, uint32_t block, uint8_t **in, uint8_t *pending)
{
    const struct ir_region *r = v->r;
    const struct ir_block *b = &r->blocks[block];
    if (b->begin >= b->end)
        return fail(v, "b%u is empty", block);
    memcpy(v->defined, in[block], r->ins_count);
    bool params = true;
    for (uint32_t i = b->begin; i < b->end; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ins->op >= IR_OP_COUNT)
            return fail(v, "%%%u: no such operation", i);
        if (ins->op == IR_PARAM && !params)
            return fail(v, "%%%u: parameter behind the start of b%u", i, block);
        params = params && ins->op == IR_PARAM;
        if (!check_operands(v, i))
            return false;
        v->defined[i] = 1;
        bool end = ir_ops[ins->op].properties & IR_PROP_END;
        if (end != (i == b->end - 1))
            return fail(v, "%%%u: b%u %s", i, block, end ? "ends early" : "does not end");
        if (ins->op == IR_JUMP && !check_edge(v, i, 0, in, pending))
            return false;
        if (ins->op == IR_BRCOND && (!check_edge(v, i, 0, in, pending) || !check_edge(v, i, 1, in, pending)))
            return false;
    }
    return true;
}

const char *ir_verify(const struct ir_region *r)
{
    struct verifier v = {.r = r, .defined = arena_alloc(r->arena, r->ins_count + 1)};
    uint8_t **in = ARENA_ARRAY(r->arena, uint8_t *, r->block_count + 1);
    uint8_t *pending = arena_alloc(r->arena, r->block_count + 1);
    if (!r->block_count)
        return "the region has no block";
    in[0] = arena_alloc(r->arena, r->ins_count + 1);
    pending[0] = 1;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t n = 0; n < r->block_count; n++) {
            if (!pending[n])
                continue;
            pending[n] = 0;
            again = true;
            if (!check_block(&v, n, in, pending))
                return v.message;
        }
    }
    return NULL;
}
