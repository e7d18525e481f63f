// SPDX-License-Identifier: MIT
// Multiplication, division, BCD adjustments, sign extension of the accumulator.

#include "target-x86/translate.h"

// rDX:rAX or AX from the two halves.
static void set_wide(struct x86_translator *x, unsigned size, ir_ref low, ir_ref high)
{
    tx_set_gpr(x, X86_RAX, size, low);
    tx_set_gpr(x, X86_RDX, size, high);
}

static ir_ref extended(struct x86_translator *x, bool is_signed, ir_ref value, unsigned size)
{
    return is_signed ? tx_sx64(x, value, size) : tx_zx64(x, value, size);
}

// Not 0 in the operand's bits when the product does not fit in them.
static ir_ref signed_excess(struct x86_translator *x, ir_ref product, ir_ref low, unsigned size)
{
    return ir_shri(x->b, ir_xor(x->b, product, tx_sx64(x, low, size)), tx_bits(size));
}

bool x86_tr_mul(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->op[0].size, bits = tx_bits(size);
    bool is_signed = in->row->arg;
    ir_ref a = tx_gpr(x, X86_RAX, size), y = tx_read(x, in, 0), low, high, excess;
    if (size == 3) {
        low = ir_op2(b, IR_MUL, a, y);
        high = ir_op2(b, is_signed ? IR_MULHS : IR_MULHU, a, y);
        excess = is_signed ? ir_xor(b, high, ir_sari(b, low, 63)) : high;
        set_wide(x, 3, low, high);
        tx_set_cc(x, CC_MUL, size, low, excess, IR_NONE);
        return true;
    }
    ir_ref product = ir_op2(b, IR_MUL, extended(x, is_signed, a, size), extended(x, is_signed, y, size));
    low = ir_trunc(b, product);
    excess = is_signed ? signed_excess(x, product, low, size) : ir_extract(b, product, bits, bits);
    if (size == 0)
        tx_set_gpr(x, X86_RAX, 1, low);
    else
        set_wide(x, size, low, ir_trunc(b, ir_shri(b, product, bits)));
    tx_set_cc(x, CC_MUL, size, low, excess, IR_NONE);
    return true;
}

bool x86_tr_imul3(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->op[0].size;
    bool three = in->op[2].kind == X86_ARG_IMM;
    ir_ref a = tx_read(x, in, 1), y = three ? tx_imm(x, size, in->imm) : tx_read(x, in, 0), low, excess;
    if (size == 3) {
        low = ir_op2(b, IR_MUL, a, y);
        excess = ir_xor(b, ir_op2(b, IR_MULHS, a, y), ir_sari(b, low, 63));
    } else {
        ir_ref product = ir_op2(b, IR_MUL, tx_sx64(x, a, size), tx_sx64(x, y, size));
        low = ir_trunc(b, product);
        excess = signed_excess(x, product, low, size);
    }
    tx_write(x, in, 0, low);
    tx_set_cc(x, CC_MUL, size, low, excess, IR_NONE);
    return true;
}

bool x86_tr_mulx(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->op[0].size;
    ir_ref a = tx_gpr(x, X86_RDX, size), y = tx_read(x, in, 2), low, high;
    if (size == 3) {
        low = ir_op2(b, IR_MUL, a, y);
        high = ir_op2(b, IR_MULHU, a, y);
    } else {
        ir_ref product = ir_op2(b, IR_MUL, ir_zext(b, a), ir_zext(b, y));
        low = ir_trunc(b, product);
        high = ir_trunc(b, ir_shri(b, product, 32));
    }
    tx_write(x, in, 1, low);
    tx_write(x, in, 0, high); // counts when both are one register
    return true;
}

// Division of 8 and 16 bits fits into 32 and of 32 bits into 64; the checks are for #DE.
static bool narrow_div(struct x86_translator *x, unsigned size, bool is_signed, ir_ref divisor)
{
    struct ir_builder *b = x->b;
    unsigned bits = tx_bits(size);
    ir_ref dividend;
    if (size == 0)
        dividend = extended(x, is_signed, tx_gpr(x, X86_RAX, 1), 1);
    else
        dividend = ir_or(b, ir_shli(b, extended(x, is_signed, tx_gpr(x, X86_RDX, size), size), bits),
                         tx_zx64(x, tx_gpr(x, X86_RAX, size), size));
    ir_ref d = extended(x, is_signed, divisor, size);
    tx_raise_if(x, IR_EQ, d, tx_i64(x, 0), X86_DE);
    ir_ref quotient = ir_op2(b, is_signed ? IR_SDIV : IR_UDIV, dividend, d);
    ir_ref remainder = ir_sub(b, dividend, ir_op2(b, IR_MUL, quotient, d));
    ir_ref low = ir_trunc(b, quotient);
    tx_raise_if(x, IR_NE, extended(x, is_signed, low, size), quotient, X86_DE);
    if (size == 0)
        tx_set_gpr(x, X86_RAX, 1,
                    ir_or(b, tx_zx(x, low, 0), ir_shli(b, tx_zx(x, ir_trunc(b, remainder), 0), 8)));
    else
        set_wide(x, size, low, ir_trunc(b, remainder));
    return true;
}

bool x86_tr_div(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    bool is_signed = in->row->arg;
    ir_ref divisor = tx_read(x, in, 0);
    if (size < 3)
        return narrow_div(x, size, is_signed, divisor);
    ir_ref args[] = {ir_get(x->b, SLOT_GPR + X86_RDX), ir_get(x->b, SLOT_GPR + X86_RAX), divisor};
    ir_ref quotient = ir_call(x->b, is_signed ? &x86_helper_idiv64 : &x86_helper_div64, args);
    ir_ref remainder = ir_sub(x->b, args[1], ir_op2(x->b, IR_MUL, quotient, divisor));
    set_wide(x, 3, quotient, remainder);
    return true;
}

bool x86_tr_bcd(struct x86_translator *x, const struct x86_decoded *in)
{
    enum x86_bcd op = in->row->arg;
    unsigned base = in->imm & 0xff;
    if (op == BCD_AAM && base == 0)
        return tx_raise(x, X86_DE);
    // AX in bits 15:0, flags in bits 31:16, both ways.
    ir_ref ax = tx_zx(x, tx_gpr(x, X86_RAX, 1), 1), flags = tx_flags(x);
    ir_ref both = tx_call3(x, &x86_helper_bcd, tx_i32(x, op | base << 8), ax, flags);
    tx_set_gpr(x, X86_RAX, 1, both);
    tx_set_flags(x, ir_shri(x->b, both, 16));
    return true;
}

// CBW, CWDE, CDQE
bool x86_tr_cbw(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize;
    ir_ref value = tx_gpr(x, X86_RAX, size - 1);
    tx_set_gpr(x, X86_RAX, size, size == 3 ? ir_sext(x->b, value) : tx_sx(x, value, size - 1));
    return true;
}

// CWD, CDQ, CQO
bool x86_tr_cwd(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize;
    ir_ref value = tx_sx(x, tx_gpr(x, X86_RAX, size), size);
    tx_set_gpr(x, X86_RDX, size, ir_sari(x->b, value, size == 3 ? 63 : 31));
    return true;
}
