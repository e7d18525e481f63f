// SPDX-License-Identifier: MIT
// Shifts and rotates. A count of zero leaves all flags as they were; counts are taken modulo 32, or 64 for 64 bits.

#include "target-x86/translate.h"

// The masked count as the operand's type; true when it is known, in *known.
static bool shift_count(struct x86_translator *x, const struct x86_decoded *in, unsigned n, unsigned size, ir_ref *count,
                        unsigned *known)
{
    unsigned mask = size == 3 ? 63 : 31;
    if (in->op[n].kind == X86_ARG_IMM) {
        *known = in->imm & mask;
        *count = tx_imm(x, size, *known);
        return true;
    }
    ir_ref raw = ir_get(x->b, SLOT_GPR + X86_RCX);
    *count = ir_andi(x->b, size == 3 ? raw : ir_trunc(x->b, raw), mask);
    return false;
}

static ir_ref shifted(struct x86_translator *x, enum x86_shift op, ir_ref value, ir_ref count)
{
    return ir_op2(x->b, op == SHIFT_SHL ? IR_SHL : op == SHIFT_SHR ? IR_SHR : IR_SAR, value, count);
}

bool x86_tr_shift(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size, known = 0;
    enum x86_shift op = in->row->arg;
    ir_ref count, value = tx_read(x, in, 0);
    bool constant = shift_count(x, in, 1, size, &count, &known);
    if (constant && !known) {
        tx_write(x, in, 0, value); // 32 bits clear the upper half even so
        return true;
    }
    // Narrow values are shifted as 32 bits, where counts up to 31 do what they should.
    if (op != SHIFT_SHL)
        value = op == SHIFT_SHR ? tx_zx(x, value, size) : tx_sx(x, value, size);
    // The shift by one less shows the bit that goes last into CF.
    ir_ref before = shifted(x, op, value, ir_addi(x->b, count, -1));
    ir_ref result = constant ? shifted(x, op, value, count) : shifted(x, op, before, tx_imm(x, size, 1));
    if (!constant)
        result = ir_select(x->b, IR_EQ, count, tx_imm(x, size, 0), value, result);
    tx_write(x, in, 0, result);
    enum x86_cc_kind kind = op == SHIFT_SHL ? CC_SHL : CC_SHR;
    if (constant)
        tx_set_cc(x, kind, size, result, before, IR_NONE);
    else
        tx_set_cc_if(x, count, kind, size, result, before);
    return true;
}

static ir_ref rotated(struct x86_translator *x, bool left, unsigned size, ir_ref value, ir_ref count)
{
    if (size < 2) {
        // Copies side by side make a 32-bit rotation of it.
        value = tx_zx(x, value, size);
        if (size == 0)
            value = ir_or(x->b, value, ir_shli(x->b, value, 8));
        value = ir_or(x->b, value, ir_shli(x->b, value, 16));
    }
    return ir_op2(x->b, IR_ROR, value, left ? ir_op1(x->b, IR_NEG, count) : count);
}

bool x86_tr_rotate(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size, known = 0, top = tx_bits(size) - 1;
    bool left = in->row->arg == SHIFT_ROL;
    ir_ref count, value = tx_read(x, in, 0);
    bool constant = shift_count(x, in, 1, size, &count, &known);
    ir_ref result = constant && !known ? value : rotated(x, left, size, value, count);
    tx_write(x, in, 0, result);
    if (constant && !known)
        return true;
    // CF is the bit that went around; OF is it against its neighbour.
    ir_ref high = ir_trunc(x->b, ir_extract(x->b, result, top, 1)), other;
    ir_ref carry = high;
    if (left) {
        carry = ir_trunc(x->b, ir_extract(x->b, result, 0, 1));
        other = carry;
    } else {
        other = ir_trunc(x->b, ir_extract(x->b, result, top - 1, 1));
    }
    ir_ref overflow = ir_shli(x->b, ir_xor(x->b, high, other), 11);
    ir_ref old = tx_flags(x);
    ir_ref flags = ir_or(x->b, ir_andi(x->b, old, FLAGS_ARITH & ~(FLAG_O | FLAG_C)), ir_or(x->b, carry, overflow));
    if (!constant)
        flags = ir_select(x->b, IR_EQ, count, tx_imm(x, size, 0), old, flags);
    tx_set_flags(x, flags);
    return true;
}

bool x86_tr_rotate_carry(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size, known;
    ir_ref count, value = tx_read(x, in, 0), flags = tx_flags(x);
    shift_count(x, in, 1, size, &count, &known);
    ir_ref args[] = {tx_zx64(x, value, size), ir_trunc(x->b, count), flags,
                     tx_i32(x, size | (in->row->arg == SHIFT_RCL ? 4u : 0))};
    ir_ref result = ir_call(x->b, &x86_helper_rotate_carry, args);
    ir_ref new_flags = ir_call(x->b, &x86_helper_rotate_carry_flags, args);
    tx_write(x, in, 0, size == 3 ? result : ir_trunc(x->b, result));
    tx_set_flags(x, new_flags);
    return true;
}

// SHLD and SHRD. The 16-bit forms work on 32 bits and more; counts above the width are undefined and do as processors do.
bool x86_tr_double_shift(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size, bits = tx_bits(size), known = 0;
    bool right = in->row->arg;
    struct ir_builder *b = x->b;
    ir_ref count, dst = tx_read(x, in, 0), src = tx_read(x, in, 1);
    bool constant = shift_count(x, in, 2, size, &count, &known);
    if (constant && !known) {
        tx_write(x, in, 0, dst);
        return true;
    }
    ir_ref one_less = ir_addi(b, count, -1), back = ir_sub(b, tx_imm(x, size, bits), count), before, result;
    if (size == 1) {
        // dst:src:dst as 48 bits
        ir_ref d = tx_zx64(x, dst, 1), s = tx_zx64(x, src, 1), n = ir_zext(b, count);
        ir_ref outer = right ? ir_or(b, ir_shli(b, d, 32), ir_or(b, ir_shli(b, s, 16), d))
                             : ir_or(b, ir_shli(b, d, 32), ir_or(b, ir_shli(b, s, 16), d));
        ir_ref less = ir_addi(b, n, -1);
        result = right ? ir_op2(b, IR_SHR, outer, n) : ir_shri(b, ir_op2(b, IR_SHL, outer, n), 32);
        before = right ? ir_op2(b, IR_SHR, outer, less) : ir_shri(b, ir_op2(b, IR_SHL, outer, less), 32);
        result = ir_trunc(b, result);
        before = ir_trunc(b, before);
    } else if (constant) {
        before = ir_op2(b, right ? IR_SHR : IR_SHL, dst, one_less);
        result = ir_emit(b, IR_EXTR, tx_type(size), 0, right ? src : dst, right ? dst : src, IR_NONE,
                         right ? known : bits - known);
    } else {
        ir_ref part = ir_op2(b, right ? IR_SHL : IR_SHR, src, back);
        before = ir_op2(b, right ? IR_SHR : IR_SHL, dst, one_less);
        result = ir_or(b, ir_op2(b, right ? IR_SHR : IR_SHL, dst, count), part);
    }
    if (!constant)
        result = ir_select(b, IR_EQ, count, tx_imm(x, size, 0), dst, result);
    tx_write(x, in, 0, result);
    enum x86_cc_kind kind = right ? CC_SHR : CC_SHL;
    if (constant)
        tx_set_cc(x, kind, size, result, before, IR_NONE);
    else
        tx_set_cc_if(x, count, kind, size, result, before);
    return true;
}

bool x86_tr_shiftx(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref value = tx_read(x, in, 1);
    tx_write(x, in, 0, shifted(x, in->row->arg, value, tx_read(x, in, 2)));
    return true;
}

bool x86_tr_rorx(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref count = tx_imm(x, size, in->imm & (tx_bits(size) - 1));
    tx_write(x, in, 0, ir_op2(x->b, IR_ROR, tx_read(x, in, 1), count));
    return true;
}
