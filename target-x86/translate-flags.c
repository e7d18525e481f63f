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

static bool is_difference(const struct x86_translator *x)
{
    return x->notes.cc.kind == CC_SUB || x->notes.cc.kind == CC_CMP;
}

// Whether the difference of numbers of two words, of which SBB has made the high one, is negative.
static struct tx_condition long_less(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    ir_ref a = tx_sx(x, cc->first, cc->size), b = tx_sx(x, cc->src, cc->size);
    ir_ref equal = ir_setcond(x->b, IR_I32, IR_EQ, a, b);
    return against_zero(x, IR_NE, ir_or(x->b, ir_setcond(x->b, IR_I32, IR_LT, a, b), ir_and(x->b, equal, cc->src2)));
}

static struct tx_condition compare(struct x86_translator *x, enum ir_cond cond, bool is_signed)
{
    unsigned size = x->notes.cc.size;
    ir_ref a = is_signed ? tx_sx(x, x->notes.cc.first, size) : tx_zx(x, x->notes.cc.first, size);
    ir_ref b = is_signed ? tx_sx(x, x->notes.cc.src, size) : tx_zx(x, x->notes.cc.src, size);
    return (struct tx_condition){cond, a, b};
}

// CF or OF where it is a value already; else IR_NONE.
static ir_ref known_bit(const struct x86_translator *x, bool overflow)
{
    const struct x86_cc *cc = &x->notes.cc;
    return cc->kind == CC_DYNAMIC ? IR_NONE : overflow ? cc->of : cc->cf;
}

static bool is_apart(const struct x86_translator *x, uint32_t what)
{
    return x->notes.cc.kind != CC_DYNAMIC && x->notes.cc.apart & what;
}

// Whether nothing but CF and OF can be known.
static bool is_unknown(const struct x86_translator *x)
{
    enum x86_cc_kind kind = x->notes.cc.kind;
    return kind == CC_FLAGS || kind == CC_DYNAMIC || kind == CC_APART;
}

static struct tx_condition carry(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (known_bit(x, false) != IR_NONE)
        return against_zero(x, IR_NE, cc->cf);
    switch (cc->kind) {
    case CC_ADD:
        return (struct tx_condition){IR_LTU, tx_zx(x, cc->dst, cc->size), tx_zx(x, cc->src, cc->size)};
    case CC_SUB:
    case CC_CMP:
        return compare(x, IR_LTU, false);
    case CC_LOGIC:
        return never(x);
    case CC_INC:
    case CC_DEC:
    case CC_MUL:
    case CC_CARRY:
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
    if (is_unknown(x))
        return flag_set(x, FLAG_Z);
    return is_difference(x) ? compare(x, IR_EQ, false) : against_zero(x, IR_EQ, tx_zx(x, cc->dst, cc->size));
}

static struct tx_condition below_or_equal(struct x86_translator *x)
{
    if (is_apart(x, X86_CC_CF))
        return flag_set(x, FLAG_C | FLAG_Z);
    if (is_difference(x))
        return compare(x, IR_LEU, false);
    return x->notes.cc.kind == CC_LOGIC ? zero(x) : flag_set(x, FLAG_C | FLAG_Z);
}

static struct tx_condition sign(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (is_unknown(x))
        return flag_set(x, FLAG_S);
    return against_zero(x, IR_LT, tx_sx(x, tx_cc_result(x), cc->size));
}

static struct tx_condition less(struct x86_translator *x, bool or_equal)
{
    const struct x86_cc *cc = &x->notes.cc;
    bool apart = is_apart(x, X86_CC_OF);
    if (is_difference(x) && !apart)
        return compare(x, or_equal ? IR_LE : IR_LT, true);
    if (cc->kind == CC_SBB && !apart && !or_equal)
        return long_less(x);
    if (cc->kind == CC_LOGIC && !apart)
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
    const struct x86_cc *cc = &x->notes.cc;
    if (known_bit(x, true) != IR_NONE)
        return against_zero(x, IR_NE, cc->of);
    enum ir_type type = tx_type(cc->size);
    uint64_t top = UINT64_C(1) << (tx_bits(cc->size) - 1);
    switch (cc->kind) {
    case CC_LOGIC:
    case CC_CARRY:
        return never(x);
    case CC_INC:
    case CC_DEC:
        return (struct tx_condition){IR_EQ, tx_zx(x, cc->dst, cc->size), ir_imm(x->b, type, cc->kind == CC_DEC ? top - 1 : top)};
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
    ir_ref known = known_bit(x, false);
    return known != IR_NONE ? tx_as_gpr(x, known) : tx_setcond(x, tx_word(x), CC_B);
}

// Whether the flags, as they are now, may depend on what the slot holds.
static bool counts(const struct x86_translator *x, unsigned slot)
{
    const struct x86_cc *cc = &x->notes.cc;
    if (cc->kind >= CC_DYNAMIC)
        return true;
    return slot == SLOT_CC_SRC2 ? cc->kind == CC_ADC || cc->kind == CC_SBB
           : slot == SLOT_CC_CF ? cc->apart & X86_CC_CF
           : slot == SLOT_CC_OF ? cc->apart & X86_CC_OF
                                : true;
}

ir_ref tx_flags(struct x86_translator *x)
{
    if (x->notes.cc.kind == CC_FLAGS && !x->notes.cc.apart)
        return ir_trunc(x->b, ir_get(x->b, SLOT_CC_SRC));
    static const uint8_t slots[] = {SLOT_CC_OP, SLOT_CC_DST, SLOT_CC_SRC, SLOT_CC_SRC2, SLOT_CC_CF, SLOT_CC_OF};
    ir_ref args[ARRAY_SIZE(slots)];
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
        args[i] = counts(x, slots[i]) ? ir_get(x->b, slots[i]) : tx_i32(x, 0);
    ir_ref flags = tx_call(x, &x86_helper_flags_of, args);
    tx_set_flags(x, flags);
    return flags;
}

void tx_set_cc(struct x86_translator *x, enum x86_cc_kind kind, unsigned size, ir_ref dst, ir_ref src, ir_ref src2)
{
    ir_set(x->b, SLOT_CC_OP, tx_i32(x, x86_cc_op(kind, size)));
    if (dst != IR_NONE)
        ir_set(x->b, SLOT_CC_DST, tx_as_wide(x, dst));
    if (src != IR_NONE)
        ir_set(x->b, SLOT_CC_SRC, tx_as_wide(x, src));
    if (src2 != IR_NONE)
        ir_set(x->b, SLOT_CC_SRC2, src2);
    else
        ir_forget(x->b, SLOT_CC_SRC2);
    ir_forget(x->b, SLOT_CC_CF);
    ir_forget(x->b, SLOT_CC_OF);
    x->notes.cc = (struct x86_cc){kind, size, dst, src, src2, .first = IR_NONE, .cf = IR_NONE, .of = IR_NONE};
}

void tx_set_cc_sub(struct x86_translator *x, unsigned size, ir_ref dst, ir_ref first, ir_ref second)
{
    tx_set_cc(x, CC_SUB, size, dst, second, IR_NONE);
    x->notes.cc.first = first;
}

void tx_set_cc_cmp(struct x86_translator *x, unsigned size, ir_ref first, ir_ref second)
{
    tx_set_cc(x, CC_CMP, size, first, second, IR_NONE);
    x->notes.cc.first = first;
}

ir_ref tx_cc_result(struct x86_translator *x)
{
    const struct x86_cc *cc = &x->notes.cc;
    return cc->kind == CC_CMP ? ir_sub(x->b, cc->first, cc->src) : cc->dst;
}

// CF or OF of flags that a chain or a logical operation has made.
static ir_ref chained_or_zero(struct x86_translator *x, ir_ref op, bool overflow)
{
    ir_ref own = ir_andi(x->b, ir_get(x->b, overflow ? SLOT_CC_OF : SLOT_CC_CF), 1);
    return ir_select(x->b, IR_TSTNE, op, tx_i32(x, overflow ? X86_CC_OF : X86_CC_CF), own, tx_i32(x, 0));
}

// CF, and OF for chains of both, where nothing is known, as at the head of a loop: by what comes before a chain and by what one
// leaves. After anything else the flags become as if by a chain, and the block is entered again.
static void look_at_unknown(struct x86_translator *x, bool both)
{
    struct ir_builder *b = x->b;
    uint32_t apart = both ? X86_CC_CF | X86_CC_OF : X86_CC_CF, settle = ir_new_side(b), good = ir_new_side(b);
    ir_ref op = ir_get(b, SLOT_CC_OP), logic = tx_i32(x, x86_cc_op(CC_LOGIC, 0));
    ir_ref kind = ir_andi(b, op, X86_CC_KIND);
    b->region->blocks[settle].cold = true;
    ir_brcond(b, IR_NE, ir_select(b, IR_EQ, ir_andi(b, op, apart), tx_i32(x, apart), logic, kind), logic, settle, good);
    ir_begin_block(b, settle);
    tx_call0(x, &x86_helper_settle_flags);
    tx_exit_anew(x, x->pc);
    ir_begin_block(b, good);
    x->notes.cc = (struct x86_cc){.kind = CC_APART, .cf = chained_or_zero(x, op, false),
                                  .of = both ? chained_or_zero(x, op, true) : IR_NONE};
}

ir_ref tx_chained(struct x86_translator *x, bool overflow, bool both)
{
    ir_ref known = known_bit(x, overflow);
    if (known == IR_NONE && x->notes.cc.kind == CC_DYNAMIC && !tx_stands_alone(x) && !tx_flag(x, X86_BF_BREAKPOINTS)) {
        look_at_unknown(x, both);
        known = known_bit(x, overflow);
    }
    enum { CC_O = 0, CC_B = 2 };
    return known != IR_NONE ? known : tx_setcond(x, IR_I32, overflow ? CC_O : CC_B);
}

void tx_set_chained(struct x86_translator *x, bool overflow, ir_ref bit)
{
    struct x86_cc *cc = &x->notes.cc;
    uint32_t apart = overflow ? X86_CC_OF : X86_CC_CF;
    if (cc->kind == CC_DYNAMIC)
        *cc = (struct x86_cc){.kind = CC_APART, .cf = IR_NONE, .of = IR_NONE};
    if (!(cc->apart & apart)) {
        cc->apart |= apart;
        ir_set(x->b, SLOT_CC_OP, cc->kind == CC_APART ? ir_or(x->b, ir_get(x->b, SLOT_CC_OP), tx_i32(x, apart))
                                                     : tx_i32(x, x86_cc_op(cc->kind, cc->size) | cc->apart));
    }
    *(overflow ? &cc->of : &cc->cf) = bit;
    ir_set(x->b, overflow ? SLOT_CC_OF : SLOT_CC_CF, bit);
}

// A loop's counter between two links of a chain leaves the chain's CF, and OF, where the next link looks for them.
void tx_set_counted(struct x86_translator *x, bool dec, unsigned size, ir_ref result)
{
    enum x86_cc_kind kind = dec ? CC_DEC : CC_INC;
    ir_ref cf = known_bit(x, false);
    if (cf == IR_NONE) {
        tx_set_cc(x, kind, size, result, tx_carry(x), IR_NONE);
        return;
    }
    tx_set_cc(x, kind, size, result, IR_NONE, IR_NONE);
    struct tx_condition c = overflow(x);
    ir_ref of = ir_setcond(x->b, IR_I32, c.cond, c.a, c.b);
    tx_set_chained(x, false, cf);
    tx_set_chained(x, true, of);
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
