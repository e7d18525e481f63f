// SPDX-License-Identifier: MIT
// The IR builder's operations: constants, folding, equal operations once, comparisons seen through, conditions on flags.
#include "tcg/builder-private.h"

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

// --- constants ---

ir_ref ir_add_const(struct ir_region *r, enum ir_type type, uint64_t lo, uint64_t hi)
{
    uint32_t first = r->const_count > 12 ? r->const_count - 12 : 0;
    for (uint32_t i = r->const_count; i-- > first;)
        if (r->consts[i].lo == lo && r->consts[i].hi == hi && r->consts[i].type == type)
            return i | IR_CONST_BIT;
    IR_GROW(r, consts, const);
    r->consts[r->const_count] = (struct ir_const){type, lo, hi};
    return r->const_count++ | IR_CONST_BIT;
}

ir_ref ir_i32(struct ir_builder *b, uint32_t value)
{
    return ir_add_const(b->region, IR_I32, value, 0);
}

ir_ref ir_i64(struct ir_builder *b, uint64_t value)
{
    return ir_add_const(b->region, IR_I64, value, 0);
}

ir_ref ir_imm(struct ir_builder *b, enum ir_type type, uint64_t value)
{
    return type == IR_I32 ? ir_i32(b, (uint32_t)value) : ir_i64(b, value);
}

ir_ref ir_v128(struct ir_builder *b, uint64_t lo, uint64_t hi)
{
    return ir_add_const(b->region, IR_V128, lo, hi);
}

bool ir_const_value(const struct ir_builder *b, ir_ref ref, uint64_t *value)
{
    if (!ir_is_const(ref) || !ir_type_is_int(ir_const(b->region, ref)->type))
        return false;
    *value = ir_const(b->region, ref)->lo;
    return true;
}

// --- operations ---

static bool same(const struct ir_ins *a, const struct ir_ins *c)
{
    return a->op == c->op && a->type == c->type && a->aux == c->aux && a->imm == c->imm && a->arg[0] == c->arg[0] &&
           a->arg[1] == c->arg[1] && a->arg[2] == c->arg[2] && a->arg[3] == c->arg[3];
}

// A pure operation: the same one that was emitted before, if that holds here and is remembered.
static ir_ref emit_pure(struct ir_builder *b, const struct ir_ins *ins)
{
    uint64_t h = (ins->op | (uint64_t)ins->arg[0] << 8 | (uint64_t)ins->arg[1] << 36) ^ ins->imm << 20 ^ ins->aux;
    ir_ref *place = &b->recent[h * UINT64_C(0x9e3779b97f4a7c15) >> 58];
    if (*place && same(&b->region->ins[*place - 1], ins))
        return *place - 1;
    ir_ref made = ir_builder_append(b, ins);
    *place = made + 1;
    return made;
}

void ir_builder_forget_recent(struct ir_builder *b, uint32_t count)
{
    for (unsigned i = 0; i < IR_RECENT; i++)
        if (b->recent[i] > count)
            b->recent[i] = 0;
}

static ir_ref emit(struct ir_builder *b, struct ir_ins *ins)
{
    if (ir_ops[ins->op].properties & IR_PROP_PURE) {
        ir_ref folded = ir_fold(b->region, ins);
        return folded != IR_NONE ? folded : emit_pure(b, ins);
    }
    if (ir_ops[ins->op].properties & IR_PROP_MEM) {
        ins->snapshot = ir_builder_snapshot(b);
        if (ir_type_of(b->region, ins->arg[0]) == IR_I32)
            ins->imm |= ir_mem_pack((struct ir_mem){.narrow = true});
    }
    return ir_builder_append(b, ins);
}

ir_ref ir_emit(struct ir_builder *b, enum ir_op op, enum ir_type type, unsigned aux, ir_ref a, ir_ref c, ir_ref d,
               uint64_t imm)
{
    struct ir_ins ins = {.op = op, .type = type, .aux = aux, .arg = {a, c, d, IR_NONE}, .imm = imm};
    if (ir_ops[op].result != 'n')
        ins.type = ir_result_type(&ins);
    return emit(b, &ins);
}

ir_ref ir_host_op(struct ir_builder *b, bool fp, enum ir_type type, uint64_t op, const ir_ref *args, unsigned count,
                  uint64_t stub)
{
    struct ir_ins ins = {.op = fp ? IR_HOSTFP : IR_HOST, .type = type, .imm = op};
    for (unsigned i = 0; i < 3; i++)
        ins.arg[i] = args[i < count ? i : 0];
    ins.arg[3] = ir_i64(b, stub);
    return emit(b, &ins);
}

ir_ref ir_op1(struct ir_builder *b, enum ir_op op, ir_ref a)
{
    return ir_emit(b, op, ir_type_of(b->region, a), 0, a, IR_NONE, IR_NONE, 0);
}

ir_ref ir_op2(struct ir_builder *b, enum ir_op op, ir_ref a, ir_ref c)
{
    return ir_emit(b, op, ir_type_of(b->region, a), 0, a, c, IR_NONE, 0);
}

ir_ref ir_op3(struct ir_builder *b, enum ir_op op, ir_ref a, ir_ref c, ir_ref d)
{
    return ir_emit(b, op, ir_type_of(b->region, a), 0, a, c, d, 0);
}

ir_ref ir_v1(struct ir_builder *b, enum ir_op op, unsigned lane, ir_ref a, unsigned imm)
{
    return ir_emit(b, op, IR_V128, lane, a, IR_NONE, IR_NONE, imm);
}

ir_ref ir_v2(struct ir_builder *b, enum ir_op op, unsigned lane, ir_ref a, ir_ref c, unsigned imm)
{
    return ir_emit(b, op, IR_V128, lane, a, c, IR_NONE, imm);
}

static ir_ref with_imm(struct ir_builder *b, enum ir_op op, ir_ref a, uint64_t value)
{
    return ir_op2(b, op, a, ir_imm(b, ir_type_of(b->region, a), value));
}

ir_ref ir_addi(struct ir_builder *b, ir_ref a, int64_t value)
{
    return with_imm(b, IR_ADD, a, (uint64_t)value);
}

ir_ref ir_andi(struct ir_builder *b, ir_ref a, uint64_t value)
{
    return with_imm(b, IR_AND, a, value);
}

ir_ref ir_shli(struct ir_builder *b, ir_ref a, unsigned count)
{
    return with_imm(b, IR_SHL, a, count);
}

ir_ref ir_shri(struct ir_builder *b, ir_ref a, unsigned count)
{
    return with_imm(b, IR_SHR, a, count);
}

ir_ref ir_sari(struct ir_builder *b, ir_ref a, unsigned count)
{
    return with_imm(b, IR_SAR, a, count);
}

static ir_ref convert(struct ir_builder *b, enum ir_op op, enum ir_type type, ir_ref a)
{
    return ir_type_of(b->region, a) == type ? a : ir_emit(b, op, type, 0, a, IR_NONE, IR_NONE, 0);
}

ir_ref ir_trunc(struct ir_builder *b, ir_ref a)
{
    return convert(b, IR_TRUNC, IR_I32, a);
}

ir_ref ir_zext(struct ir_builder *b, ir_ref a)
{
    return convert(b, IR_ZEXT32, IR_I64, a);
}

ir_ref ir_sext(struct ir_builder *b, ir_ref a)
{
    return convert(b, IR_SEXT32, IR_I64, a);
}

ir_ref ir_extract(struct ir_builder *b, ir_ref a, unsigned start, unsigned length)
{
    return ir_emit(b, IR_EXTRACT, ir_type_of(b->region, a), 0, a, IR_NONE, IR_NONE, start | length << 8);
}

ir_ref ir_sextract(struct ir_builder *b, ir_ref a, unsigned start, unsigned length)
{
    return ir_emit(b, IR_SEXTRACT, ir_type_of(b->region, a), 0, a, IR_NONE, IR_NONE, start | length << 8);
}

ir_ref ir_deposit(struct ir_builder *b, ir_ref a, ir_ref field, unsigned start, unsigned length)
{
    return ir_emit(b, IR_DEPOSIT, ir_type_of(b->region, a), 0, a, field, IR_NONE, start | length << 8);
}

ir_ref ir_setcond(struct ir_builder *b, enum ir_type type, enum ir_cond cond, ir_ref a, ir_ref c)
{
    return ir_emit(b, IR_SETCOND, type, cond, a, c, IR_NONE, ir_type_of(b->region, a));
}

void ir_builder_see_through(struct ir_builder *b, enum ir_cond *cond, ir_ref *a, ir_ref *c)
{
    uint64_t value;
    while (!ir_is_const(*a) && ir_const_value(b, *c, &value) && value == 0 && (*cond == IR_NE || *cond == IR_EQ)) {
        const struct ir_ins *ins = &b->region->ins[*a];
        if (ins->op == IR_ZEXT32 || (ins->op == IR_TRUNC && !ir_is_const(ins->arg[0]) &&
                                     b->region->ins[ins->arg[0]].op == IR_SETCOND)) {
            *a = ins->arg[0];
            *c = ir_imm(b, ir_type_of(b->region, *a), 0);
            continue;
        }
        if (ins->op == IR_AND) {
            *c = ins->arg[1];
            *a = ins->arg[0];
            *cond = *cond == IR_NE ? IR_TSTNE : IR_TSTEQ;
            return;
        }
        if (ins->op != IR_SETCOND)
            return;
        *cond = *cond == IR_NE ? ins->aux : ir_cond_invert(ins->aux);
        *a = ins->arg[0];
        *c = ins->arg[1];
    }
}

ir_ref ir_select(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, ir_ref if_true, ir_ref if_false)
{
    ir_builder_see_through(b, &cond, &a, &c);
    struct ir_ins ins = {.op = IR_SELECT, .type = ir_type_of(b->region, if_true), .aux = cond,
                         .arg = {a, c, if_true, if_false}, .imm = ir_type_of(b->region, a)};
    return emit(b, &ins);
}

// Conditions that are one comparison of the operands of the operation that made the flags.
static bool flag_cond_of_sub(enum ir_flag_cond cond, enum ir_cond *out)
{
    static const int8_t conds[] = {[IR_FC_EQ] = IR_EQ,  [IR_FC_NE] = IR_NE,  [IR_FC_CS] = IR_GEU, [IR_FC_CC] = IR_LTU,
                                   [IR_FC_MI] = -1,     [IR_FC_PL] = -1,     [IR_FC_VS] = -1,     [IR_FC_VC] = -1,
                                   [IR_FC_HI] = IR_GTU, [IR_FC_LS] = IR_LEU, [IR_FC_GE] = IR_GE,  [IR_FC_LT] = IR_LT,
                                   [IR_FC_GT] = IR_GT,  [IR_FC_LE] = IR_LE};
    *out = (enum ir_cond)conds[cond];
    return conds[cond] >= 0;
}

static ir_ref flag_test_logic(struct ir_builder *b, enum ir_type type, enum ir_flag_cond cond, ir_ref value)
{
    static const uint8_t conds[] = {[IR_FC_EQ] = IR_EQ, [IR_FC_NE] = IR_NE, [IR_FC_MI] = IR_LT, [IR_FC_PL] = IR_GE,
                                    [IR_FC_GE] = IR_GE, [IR_FC_LT] = IR_LT, [IR_FC_GT] = IR_GT, [IR_FC_LE] = IR_LE};
    switch (cond) {
    case IR_FC_CS:
    case IR_FC_VS:
    case IR_FC_HI:
        return ir_imm(b, type, 0);
    case IR_FC_CC:
    case IR_FC_VC:
    case IR_FC_LS:
        return ir_imm(b, type, 1);
    default:
        return ir_setcond(b, type, conds[cond], value, ir_imm(b, ir_type_of(b->region, value), 0));
    }
}

ir_ref ir_flag_test(struct ir_builder *b, enum ir_type type, enum ir_flag_cond cond, ir_ref flags)
{
    if (!ir_is_const(flags)) {
        const struct ir_ins *ins = &b->region->ins[flags];
        ir_ref x = ins->arg[0], y = ins->arg[1];
        enum ir_cond compare;
        if (ins->op == IR_FLAGLOGIC)
            return flag_test_logic(b, type, cond, x);
        if (ins->op == IR_FLAGSUB && flag_cond_of_sub(cond, &compare))
            return ir_setcond(b, type, compare, x, y);
        ir_ref zero = ins->op == IR_FLAGSUB || ins->op == IR_FLAGADD ? ir_imm(b, ir_type_of(b->region, x), 0) : 0;
        if (ins->op == IR_FLAGSUB && (cond == IR_FC_MI || cond == IR_FC_PL))
            return ir_setcond(b, type, cond == IR_FC_MI ? IR_LT : IR_GE, ir_sub(b, x, y), zero);
        ir_ref carry = ins->arg[2];
        if (ins->op == IR_FLAGADC && (cond == IR_FC_CS || cond == IR_FC_CC)) {
            ir_ref out = ir_emit(b, IR_CARRY, IR_I32, 0, x, y, carry, 0);
            out = cond == IR_FC_CS ? out : ir_xor(b, out, ir_i32(b, 1));
            return type == IR_I64 ? ir_zext(b, out) : out;
        }
        if (ins->op == IR_FLAGADC && (cond == IR_FC_EQ || cond == IR_FC_NE))
            return ir_setcond(b, type, cond == IR_FC_EQ ? IR_EQ : IR_NE, ir_op3(b, IR_ADDC, x, y, carry),
                              ir_imm(b, ir_type_of(b->region, x), 0));
        if (ins->op == IR_FLAGADD) {
            if (cond == IR_FC_EQ || cond == IR_FC_NE)
                return ir_setcond(b, type, cond == IR_FC_EQ ? IR_EQ : IR_NE, ir_add(b, x, y), zero);
            if (cond == IR_FC_MI || cond == IR_FC_PL)
                return ir_setcond(b, type, cond == IR_FC_MI ? IR_LT : IR_GE, ir_add(b, x, y), zero);
            if (cond == IR_FC_CS || cond == IR_FC_CC)
                return ir_setcond(b, type, cond == IR_FC_CS ? IR_LTU : IR_GEU, ir_add(b, x, y), x);
        }
    }
    static const uint16_t single[] = {[IR_FC_EQ / 2] = IR_FLAG_Z, [IR_FC_CS / 2] = IR_FLAG_C,
                                      [IR_FC_MI / 2] = IR_FLAG_N, [IR_FC_VS / 2] = IR_FLAG_V};
    if (cond <= IR_FC_VC)
        return ir_setcond(b, type, cond & 1 ? IR_TSTEQ : IR_TSTNE, flags, ir_i32(b, single[cond / 2]));
    return ir_emit(b, IR_FLAGTEST, type, cond, flags, IR_NONE, IR_NONE, 0);
}
