// SPDX-License-Identifier: MIT
// Single bits, bit counts, byte order, CRC32.

#include "target-x86/translate.h"

static enum ir_op bit_op(enum x86_bit op)
{
    return op == BIT_BTS ? IR_OR : op == BIT_BTR ? IR_ANDN : IR_XOR;
}

// CF becomes the bit, ZF stays, the others are undefined.
static void set_carry(struct x86_translator *x, ir_ref bit)
{
    const struct x86_cc cc = x->notes.cc;
    if (cc.kind == CC_FLAGS || cc.kind >= CC_DYNAMIC)
        tx_set_some_flags(x, FLAG_C, ir_trunc(x->b, bit));
    else
        tx_set_cc(x, CC_CARRY, cc.size, tx_cc_result(x), bit, IR_NONE);
}

// Memory with the bit offset in a register: the operand is the unit that the offset falls into.
static ir_ref bit_address(struct x86_translator *x, const struct x86_decoded *in, unsigned size, ir_ref index)
{
    ir_ref unit = tx_as_gpr(x, ir_shli(x->b, ir_sari(x->b, tx_sx64(x, index, size), 3 + size), size));
    ir_ref offset = tx_cut_address(x, ir_add(x->b, tx_offset(x, in), unit), in->addrsize);
    return tx_linear(x, in->segment, offset, 1u << size, in->row->arg != BIT_BT);
}

bool x86_tr_bit_test(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->op[0].size, mask = tx_bits(size) - 1;
    enum x86_bit op = in->row->arg;
    ir_ref index = in->op[1].kind == X86_ARG_IMM ? tx_imm(x, size, in->imm) : tx_read(x, in, 1);
    ir_ref count = ir_andi(b, index, mask), one = tx_imm(x, size, 1), value, address = IR_NONE;
    ir_ref bit_mask = ir_op2(b, IR_SHL, one, count);
    if (x86_in_memory(in, 0)) {
        address = in->op[1].kind == X86_ARG_IMM ? tx_address(x, in, 1u << size, op != BIT_BT)
                                               : bit_address(x, in, size, index);
        struct ir_mem mem = tx_mem(x, size);
        mem.ordered = true;
        if (in->lock) {
            enum ir_atomic kind = op == BIT_BTS ? IR_ATOMIC_OR : op == BIT_BTR ? IR_ATOMIC_AND : IR_ATOMIC_XOR;
            ir_ref operand = op == BIT_BTR ? tx_zx(x, ir_op1(b, IR_NOT, bit_mask), size) : bit_mask;
            value = ir_atomic(b, kind, address, operand, mem);
        } else {
            value = tx_load(x, address, size);
        }
    } else {
        value = tx_read(x, in, 0);
    }
    ir_ref bit = ir_andi(b, ir_op2(b, IR_SHR, tx_zx(x, value, size), count), 1);
    if (op != BIT_BT && !in->lock) {
        ir_ref result = ir_op2(b, bit_op(op), value, bit_mask);
        if (address != IR_NONE)
            tx_store(x, address, size, result);
        else
            tx_write(x, in, 0, result);
    }
    set_carry(x, bit);
    return true;
}

bool x86_tr_bit_scan(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->op[0].size, bits = tx_bits(size);
    enum x86_scan op = in->row->arg;
    // Processors without the counting forms ignore the prefix.
    if (op == SCAN_TZCNT && !x86_has(x->cpu, X86_FEAT_BMI1))
        op = SCAN_BSF;
    if (op == SCAN_LZCNT && !x86_has(x->cpu, X86_FEAT_ABM))
        op = SCAN_BSR;
    ir_ref value = tx_zx(x, tx_read(x, in, 1), size), zero = tx_imm(x, size, 0), result;
    bool forward = op == SCAN_BSF || op == SCAN_TZCNT;
    if (forward)
        result = ir_op1(b, IR_CTZ, size == 1 ? ir_or(b, value, tx_i32(x, 0x10000)) : value);
    else
        result = ir_op1(b, IR_CLZ, value);
    if (op == SCAN_LZCNT && size == 1)
        result = ir_addi(b, result, -16);
    if (op == SCAN_BSR)
        result = ir_sub(b, tx_imm(x, size, size == 1 ? 31 : bits - 1), result);
    if (op == SCAN_BSF || op == SCAN_BSR) {
        // Zero leaves the destination as it was; 32 bits clear the upper half only when there is a bit.
        ir_ref old = ir_get(b, SLOT_GPR + in->op[0].reg);
        ir_ref wide = tx_as_gpr(x, result);
        if (size == 1)
            wide = ir_deposit(b, old, wide, 0, 16);
        ir_set(b, SLOT_GPR + in->op[0].reg, ir_select(b, IR_EQ, value, zero, old, wide));
        tx_set_cc(x, CC_LOGIC, size, value, IR_NONE, IR_NONE);
        return true;
    }
    ir_ref carry = ir_setcond(b, tx_word(x), IR_EQ, value, zero);
    tx_write(x, in, 0, result);
    tx_set_cc(x, CC_CARRY, size, result, carry, IR_NONE);
    return true;
}

bool x86_tr_popcnt(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref value = tx_zx64(x, tx_read(x, in, 1), size);
    ir_ref result = tx_call1(x, &x86_helper_popcnt, value);
    ir_ref zero = ir_shli(x->b, ir_setcond(x->b, IR_I32, IR_EQ, value, tx_i64(x, 0)), 6);
    tx_write(x, in, 0, size == 3 ? result : ir_trunc(x->b, result));
    tx_set_flags(x, zero);
    return true;
}

static ir_ref swapped(struct x86_translator *x, ir_ref value, unsigned size)
{
    if (size != 1)
        return ir_op1(x->b, IR_BSWAP, value);
    return ir_shri(x->b, ir_op1(x->b, IR_BSWAP, value), 16);
}

// With a 16-bit operand the result is zero on processors, although undefined.
bool x86_tr_bswap(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    tx_write(x, in, 0, size == 1 ? tx_i32(x, 0) : swapped(x, tx_read(x, in, 0), size));
    return true;
}

bool x86_tr_movbe(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_write(x, in, 0, swapped(x, tx_read(x, in, 1), in->op[0].size));
    return true;
}

bool x86_tr_crc32(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref data = tx_zx64(x, tx_read(x, in, 1), in->op[1].size);
    ir_ref crc = tx_call3(x, &x86_helper_crc32, tx_gpr(x, in->op[0].reg, 2), data, tx_i32(x, 1u << in->op[1].size));
    tx_set_gpr(x, in->op[0].reg, 2, crc);
    return true;
}
