// SPDX-License-Identifier: MIT
// Lazy flags at translation time: the last operation that set them is known within a block, so that conditions become
// comparisons of its operands.

#include "target-x86/translate.h"
#include "tcg/base/bits.h"

static struct tx_condition never(struct x86_translator *x)
{
    return (struct tx_condition){IR_NE, tx_i32(x, 0), tx_i32(x, 0)};
}

static struct tx_condition against_zero(struct x86_translator *x, enum ir_cond cond, ir_ref value)
{
    return (struct tx_condition){cond, value, ir_imm(x->b, ir_type_of(x->b->region, value), 0)};
}

static struct tx_condition flag_set(struct x86_translator *x, uint32_t mask)
{
    return (struct tx_condition){IR_TSTNE, tx_flags(x), tx_i32(x, mask)};
}

static struct tx_condition compare(struct x86_translator *x, enum ir_cond cond, bool is_signed)
{
    unsigned size = x->notes.cc.size;
    ir_ref a = is_signed ? tx_sx(x, x->notes.cc.first, size) : tx_zx(x, x->notes.cc.first, size);
    ir_ref b = is_signed ? tx_sx(x, x->notes.cc.src, size) : tx_zx(x, x->notes.cc.src, size);
    return (struct tx_condition){cond, a, b};
}

// The carry comes last, for chains of it to be short.
ir_ref tx_carry_out(struct x86_translator *x, unsigned size, ir_ref a, ir_ref b, ir_ref carry)
{
    enum ir_type type = tx_type(size);
    ir_ref first = tx_zx(x, a, size), sum = tx_zx(x, ir_add(x->b, a, b), size);
    ir_ref full = ir_setcond(x->b, type, IR_EQ, sum, ir_imm(x->b, type, mask64(tx_bits(size))));
    return ir_or(x->b, ir_setcond(x->b, type, IR_LTU, sum, first), ir_and(x->b, carry, full));
}

static ir_ref borrow_out(struct x86_translator *x, const struct x86_cc *cc)
{
    enum ir_type type = tx_type(cc->size);
    ir_ref a = tx_zx(x, cc->first, cc->size), b = tx_zx(x, cc->src, cc->size);
    ir_ref equal = ir_setcond(x->b, type, IR_EQ, a, b);
    return ir_or(x->b, ir_setcond(x->b, type, IR_LTU, a, b), ir_and(x->b, cc->src2, equal));
}

static struct tx_condition carry(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    switch (cc->kind) {
    case CC_ADD:
        return (struct tx_condition){IR_LTU, tx_zx(x, cc->dst, cc->size), tx_zx(x, cc->src, cc->size)};
    case CC_SUB:
        return compare(x, IR_LTU, false);
    case CC_ADC:
        return against_zero(x, IR_NE, tx_carry_out(x, cc->size, cc->first, cc->src, cc->src2));
    case CC_SBB:
        return against_zero(x, IR_NE, borrow_out(x, cc));
    case CC_LOGIC:
        return never(x);
    case CC_INC:
    case CC_DEC:
    case CC_MUL:
    case CC_CARRY:
    case CC_CARRIES:
    case CC_APART:
        return against_zero(x, IR_NE, cc->src);
    case CC_SHL:
        return against_zero(x, IR_LT, tx_sx(x, cc->src, cc->size));
    case CC_SHR:
        return (struct tx_condition){IR_TSTNE, cc->src, ir_imm(x->b, ir_type_of(x->b->region, cc->src), 1)};
    default:
        return flag_set(x, FLAG_C);
    }
}

static struct tx_condition zero(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (cc->kind == CC_FLAGS || cc->kind == CC_DYNAMIC || cc->kind == CC_APART)
        return flag_set(x, FLAG_Z);
    return cc->kind == CC_SUB ? compare(x, IR_EQ, false) : against_zero(x, IR_EQ, tx_zx(x, cc->dst, cc->size));
}

static struct tx_condition below_or_equal(struct x86_translator *x)
{
    if (x->notes.cc.kind == CC_SUB)
        return compare(x, IR_LEU, false);
    return x->notes.cc.kind == CC_LOGIC ? zero(x) : flag_set(x, FLAG_C | FLAG_Z);
}

static struct tx_condition sign(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (cc->kind == CC_FLAGS || cc->kind == CC_DYNAMIC || cc->kind == CC_APART)
        return flag_set(x, FLAG_S);
    return against_zero(x, IR_LT, tx_sx(x, cc->dst, cc->size));
}

static struct tx_condition less(struct x86_translator *x, bool or_equal)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (cc->kind == CC_SUB)
        return compare(x, or_equal ? IR_LE : IR_LT, true);
    if (cc->kind == CC_LOGIC)
        return against_zero(x, or_equal ? IR_LE : IR_LT, tx_sx(x, cc->dst, cc->size));
    // SF and OF are four bits apart.
    ir_ref flags = tx_flags(x);
    ir_ref differ = ir_xor(x->b, flags, ir_shri(x->b, flags, 4));
    if (!or_equal)
        return (struct tx_condition){IR_TSTNE, differ, tx_i32(x, FLAG_S)};
    ir_ref both = ir_or(x->b, ir_andi(x->b, differ, FLAG_S), ir_andi(x->b, flags, FLAG_Z));
    return against_zero(x, IR_NE, both);
}

static struct tx_condition overflow(struct x86_translator *x)
{
    switch (x->notes.cc.kind) {
    case CC_LOGIC:
    case CC_CARRY:
        return never(x);
    case CC_CARRIES:
    case CC_APART:
        return against_zero(x, IR_NE, x->notes.cc.src2);
    default:
        return flag_set(x, FLAG_O);
    }
}

struct tx_condition tx_condition(struct x86_translator *x, unsigned cc)
{
    struct tx_condition c;
    switch (cc >> 1) {
    case 0:
        c = overflow(x);
        break;
    case 1:
        c = carry(x);
        break;
    case 2:
        c = zero(x);
        break;
    case 3:
        c = below_or_equal(x);
        break;
    case 4:
        c = sign(x);
        break;
    case 5:
        c = flag_set(x, FLAG_P);
        break;
    default:
        c = less(x, cc >> 1 == 7);
    }
    if (cc & 1)
        c.cond = ir_cond_invert(c.cond);
    return c;
}

ir_ref tx_setcond(struct x86_translator *x, enum ir_type type, unsigned cc)
{
    struct tx_condition c = tx_condition(x, cc);
    return ir_setcond(x->b, type, c.cond, c.a, c.b);
}

ir_ref tx_carry(struct x86_translator *x)
{
    enum { CC_B = 2 };
    return tx_setcond(x, tx_word(x), CC_B);
}

ir_ref tx_flags(struct x86_translator *x)
{
    if (x->notes.cc.kind == CC_FLAGS)
        return ir_trunc(x->b, ir_get(x->b, SLOT_CC_SRC));
    ir_ref flags = tx_call4(x, &x86_helper_flags_of, ir_get(x->b, SLOT_CC_OP), ir_get(x->b, SLOT_CC_DST),
                             ir_get(x->b, SLOT_CC_SRC), ir_get(x->b, SLOT_CC_SRC2));
    tx_set_flags(x, flags);
    return flags;
}

void tx_set_cc(struct x86_translator *x, enum x86_cc_kind kind, unsigned size, ir_ref dst, ir_ref src, ir_ref src2)
{
    ir_set(x->b, SLOT_CC_OP, tx_i32(x, x86_cc_op(kind, size)));
    if (dst != IR_NONE)
        ir_set(x->b, SLOT_CC_DST, tx_as_gpr(x, dst));
    if (src != IR_NONE)
        ir_set(x->b, SLOT_CC_SRC, tx_as_gpr(x, src));
    if (src2 != IR_NONE)
        ir_set(x->b, SLOT_CC_SRC2, tx_as_gpr(x, src2));
    x->notes.cc = (struct x86_cc){kind, size, dst, src, src2, IR_NONE};
}

void tx_set_cc_sub(struct x86_translator *x, unsigned size, ir_ref dst, ir_ref first, ir_ref second)
{
    tx_set_cc(x, CC_SUB, size, dst, second, IR_NONE);
    x->notes.cc.first = first;
}

void tx_carries_apart(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (cc->kind == CC_CARRIES || cc->kind == CC_APART)
        return;
    ir_ref zero = ir_imm(x->b, tx_word(x), 0);
    if (cc->kind == CC_LOGIC) {
        tx_set_cc(x, CC_CARRIES, cc->size, cc->dst, zero, zero);
        return;
    }
    ir_ref flags = tx_flags(x);
    tx_set_cc(x, CC_APART, 0, flags, ir_extract(x->b, flags, 0, 1), ir_extract(x->b, flags, 11, 1));
}

void tx_set_flags(struct x86_translator *x, ir_ref flags)
{
    tx_set_cc(x, CC_FLAGS, 0, IR_NONE, flags, IR_NONE);
}

void tx_set_cc_if(struct x86_translator *x, ir_ref changes, enum x86_cc_kind kind, unsigned size, ir_ref dst,
                   ir_ref src)
{
    struct ir_builder *b = x->b;
    ir_ref zero = ir_imm(b, ir_type_of(b->region, changes), 0);
    ir_ref op = tx_i32(x, x86_cc_op(kind, size));
    ir_set(b, SLOT_CC_OP, ir_select(b, IR_NE, changes, zero, op, ir_get(b, SLOT_CC_OP)));
    ir_set(b, SLOT_CC_DST, ir_select(b, IR_NE, changes, zero, tx_as_gpr(x, dst), ir_get(b, SLOT_CC_DST)));
    ir_set(b, SLOT_CC_SRC, ir_select(b, IR_NE, changes, zero, tx_as_gpr(x, src), ir_get(b, SLOT_CC_SRC)));
    x->notes.cc.kind = CC_DYNAMIC;
}

void tx_set_some_flags(struct x86_translator *x, uint32_t mask, ir_ref flags)
{
    ir_ref old = tx_flags(x);
    tx_set_flags(x, ir_or(x->b, ir_andi(x->b, old, FLAGS_ARITH & ~mask), ir_andi(x->b, flags, mask)));
}
