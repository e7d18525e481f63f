// SPDX-License-Identifier: MIT
// Arithmetic and logic of two operands, INC, DEC, NEG, NOT, and the BMI and ADX forms of them.

#include "target-x86/translate.h"

// A result; of ADC and SBB with the carry that went in and the one that comes out, both i32.
struct outcome {
    ir_ref value, carry_in, carry_out;
};

// The carry out stands beside the sum: there it costs little, and what follows is likely to want it.
static struct outcome add_carry(struct x86_translator *x, bool subtract, unsigned size, ir_ref a, ir_ref b, ir_ref carry)
{
    struct outcome o = {.carry_in = carry};
    uint64_t known;
    if (size < 2) { // the sum has room for it
        ir_ref first = tx_zx(x, a, size), second = tx_zx(x, b, size);
        o.value = subtract ? ir_sub(x->b, ir_sub(x->b, first, second), carry) : ir_add(x->b, ir_add(x->b, first, second), carry);
        o.carry_out = ir_extract(x->b, o.value, tx_bits(size), 1);
    } else if (subtract && a == b) {
        o.value = ir_op3(x->b, IR_SUBB, a, b, carry);
        o.carry_out = carry;
    } else if (ir_const_value(x->b, carry, &known) && !known) {
        o.value = subtract ? ir_sub(x->b, a, b) : ir_add(x->b, a, b);
        o.carry_out = subtract ? ir_setcond(x->b, IR_I32, IR_LTU, a, b) : ir_setcond(x->b, IR_I32, IR_LTU, o.value, b);
    } else {
        o.value = ir_op3(x->b, subtract ? IR_SUBB : IR_ADDC, a, b, carry);
        o.carry_out = ir_emit(x->b, subtract ? IR_BORROW : IR_CARRY, IR_I32, 0, a, b, carry, 0);
    }
    return o;
}

static struct outcome compute(struct x86_translator *x, enum x86_alu op, unsigned size, ir_ref a, ir_ref b, ir_ref carry)
{
    switch (op) {
    case ALU_ADD:
        return (struct outcome){ir_add(x->b, a, b), IR_NONE, IR_NONE};
    case ALU_ADC:
    case ALU_SBB:
        return add_carry(x, op == ALU_SBB, size, a, b, carry);
    case ALU_OR:
        return (struct outcome){ir_or(x->b, a, b), IR_NONE, IR_NONE};
    case ALU_XOR:
        return (struct outcome){ir_xor(x->b, a, b), IR_NONE, IR_NONE};
    case ALU_AND:
    case ALU_TEST:
        return (struct outcome){ir_and(x->b, a, b), IR_NONE, IR_NONE};
    default:
        return (struct outcome){ir_sub(x->b, a, b), IR_NONE, IR_NONE};
    }
}

static void set_alu_flags(struct x86_translator *x, enum x86_alu op, unsigned size, struct outcome o, ir_ref a, ir_ref b)
{
    switch (op) {
    case ALU_ADD:
        tx_set_cc(x, CC_ADD, size, o.value, b, IR_NONE);
        break;
    case ALU_ADC:
    case ALU_SBB:
        tx_set_cc(x, op == ALU_ADC ? CC_ADC : CC_SBB, size, o.value, b, o.carry_in);
        x->notes.cc.first = a;
        x->notes.cc.cf = o.carry_out;
        break;
    case ALU_SUB:
        tx_set_cc_sub(x, size, o.value, a, b);
        break;
    default:
        tx_set_cc(x, CC_LOGIC, size, o.value, IR_NONE, IR_NONE);
    }
}

// The carry of ADC and SBB, an i32; else IR_NONE.
static ir_ref carry_in(struct x86_translator *x, enum x86_alu op)
{
    return op == ALU_ADC || op == ALU_SBB ? tx_chained(x, false, false) : IR_NONE;
}

// LOCK: ADD, AND, OR, XOR and SUB are one host operation, the others a loop over compare and swap.
static bool locked_alu(struct x86_translator *x, const struct x86_decoded *in, enum x86_alu op)
{
    unsigned size = in->op[0].size;
    struct ir_mem mem = tx_mem(x, size);
    mem.ordered = true;
    ir_ref b = tx_read(x, in, 1), address = tx_address(x, in, 1u << size, true), carry = carry_in(x, op);
    ir_ref wide = carry == IR_NONE || size < 3 ? carry : ir_zext(x->b, carry);
    static const int8_t kinds[] = {[ALU_ADD] = IR_ATOMIC_ADD, [ALU_OR] = IR_ATOMIC_OR, [ALU_AND] = IR_ATOMIC_AND,
                                   [ALU_XOR] = IR_ATOMIC_XOR};
    ir_ref operand = tx_zx(x, b, size);
    enum ir_atomic kind = IR_ATOMIC_ADD;
    if (op == ALU_SUB)
        operand = tx_zx(x, ir_op1(x->b, IR_NEG, b), size);
    else if (op == ALU_ADC)
        operand = tx_zx(x, ir_add(x->b, b, wide), size);
    else if (op == ALU_SBB)
        operand = tx_zx(x, ir_op1(x->b, IR_NEG, ir_add(x->b, b, wide)), size);
    else
        kind = (enum ir_atomic)kinds[op];
    ir_ref a = ir_atomic(x->b, kind, address, operand, mem);
    set_alu_flags(x, op, size, compute(x, op, size, a, b, carry), a, b);
    return true;
}

bool x86_tr_alu(struct x86_translator *x, const struct x86_decoded *in)
{
    enum x86_alu op = in->row->arg;
    unsigned size = in->op[0].size;
    if (in->lock)
        return locked_alu(x, in, op);
    bool same = in->op[0].kind == X86_ARG_GPR && in->op[1].kind == X86_ARG_GPR && in->op[0].reg == in->op[1].reg;
    ir_ref a = tx_read(x, in, 0), b = same ? a : tx_read(x, in, 1), carry = carry_in(x, op);
    if (op == ALU_CMP) {
        tx_set_cc_cmp(x, size, a, b);
        return true;
    }
    struct outcome o = compute(x, op, size, a, b, carry);
    if (op != ALU_TEST)
        tx_write(x, in, 0, o.value);
    set_alu_flags(x, op, size, o, a, b);
    return true;
}

bool x86_tr_incdec(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    bool dec = in->row->arg;
    ir_ref one = tx_imm(x, size, 1), result;
    if (in->lock) {
        struct ir_mem mem = tx_mem(x, size);
        mem.ordered = true;
        ir_ref operand = dec ? tx_zx(x, ir_op1(x->b, IR_NEG, one), size) : one;
        ir_ref old = ir_atomic(x->b, IR_ATOMIC_ADD, tx_address(x, in, 1u << size, true), operand, mem);
        result = ir_addi(x->b, old, dec ? -1 : 1);
    } else {
        result = ir_addi(x->b, tx_read(x, in, 0), dec ? -1 : 1);
        tx_write(x, in, 0, result);
    }
    tx_set_counted(x, dec, size, result);
    return true;
}

bool x86_tr_not(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    if (in->lock) {
        struct ir_mem mem = tx_mem(x, size);
        mem.ordered = true;
        ir_atomic(x->b, IR_ATOMIC_XOR, tx_address(x, in, 1u << size, true), tx_imm(x, size, ~UINT64_C(0)), mem);
        return true;
    }
    tx_write(x, in, 0, ir_op1(x->b, IR_NOT, tx_read(x, in, 0)));
    return true;
}

// Compare and swap until nobody came between.
static ir_ref locked_neg(struct x86_translator *x, const struct x86_decoded *in, unsigned size)
{
    ir_ref args[] = {tx_address(x, in, 1u << size, true), tx_i32(x, size | x->mmu << 4)};
    return tx_call(x, &x86_helper_locked_neg, args);
}

bool x86_tr_neg(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref zero = tx_imm(x, size, 0), a, result;
    if (in->lock) {
        a = locked_neg(x, in, size);
        a = size == 3 ? a : ir_trunc(x->b, a);
        result = ir_op1(x->b, IR_NEG, a);
    } else {
        a = tx_read(x, in, 0);
        result = ir_op1(x->b, IR_NEG, a);
        tx_write(x, in, 0, result);
    }
    tx_set_cc_sub(x, size, result, zero, a);
    return true;
}

// CLC, STC, CMC
bool x86_tr_carry(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref flags = tx_flags(x);
    unsigned arg = in->row->arg;
    flags = arg == 2   ? ir_xor(x->b, flags, tx_i32(x, FLAG_C))
            : arg == 1 ? ir_or(x->b, flags, tx_i32(x, FLAG_C))
                       : ir_andi(x->b, flags, ~(uint32_t)FLAG_C);
    tx_set_flags(x, flags);
    return true;
}

// --- BMI, ADX ------------------------------------------------------------------------------------------------------

bool x86_tr_andn(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref result = ir_op2(x->b, IR_ANDN, tx_read(x, in, 2), tx_read(x, in, 1));
    tx_write(x, in, 0, result);
    tx_set_cc(x, CC_LOGIC, in->op[0].size, result, IR_NONE, IR_NONE);
    return true;
}

bool x86_tr_bls(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref a = tx_read(x, in, 1), zero = tx_imm(x, size, 0), below = ir_addi(x->b, a, -1), result;
    enum ir_cond cond = IR_EQ;
    switch ((enum x86_bls)in->row->arg) {
    case BLS_BLSR:
        result = ir_and(x->b, a, below);
        break;
    case BLS_BLSMSK:
        result = ir_xor(x->b, a, below);
        break;
    default:
        result = ir_and(x->b, a, ir_op1(x->b, IR_NEG, a));
        cond = IR_NE;
    }
    ir_ref carry = ir_setcond(x->b, IR_I64, cond, a, zero);
    tx_write(x, in, 0, result);
    tx_set_cc(x, CC_CARRY, size, result, carry, IR_NONE);
    return true;
}

// ADCX and ADOX: an addition that reads and writes CF or OF alone.
bool x86_tr_adx(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    bool by_overflow = in->row->arg;
    ir_ref a = tx_read(x, in, 0), b = tx_read(x, in, 1);
    struct outcome o = add_carry(x, false, size, a, b, tx_chained(x, by_overflow, true));
    tx_write(x, in, 0, o.value);
    tx_set_chained(x, by_overflow, o.carry_out);
    return true;
}

bool x86_tr_bzhi(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size, bits = tx_bits(size);
    ir_ref a = tx_read(x, in, 1), index = ir_andi(x->b, tx_read(x, in, 2), 0xff), width = tx_imm(x, size, bits);
    ir_ref mask = ir_op2(x->b, IR_SHL, tx_imm(x, size, ~UINT64_C(0)), index);
    ir_ref cut = ir_op2(x->b, IR_ANDN, a, mask);
    ir_ref result = ir_select(x->b, IR_LTU, index, width, cut, a);
    ir_ref carry = ir_setcond(x->b, IR_I64, IR_GEU, index, width);
    tx_write(x, in, 0, result);
    tx_set_cc(x, CC_CARRY, size, result, carry, IR_NONE);
    return true;
}

bool x86_tr_bextr(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size, bits = tx_bits(size);
    ir_ref a = tx_read(x, in, 1), control = tx_read(x, in, 2), width = tx_imm(x, size, bits);
    ir_ref start = ir_andi(x->b, control, 0xff), length = ir_extract(x->b, control, 8, 8), zero = tx_imm(x, size, 0);
    ir_ref shifted = ir_select(x->b, IR_LTU, start, width, ir_op2(x->b, IR_SHR, a, start), zero);
    ir_ref ones = ir_op2(x->b, IR_SHL, tx_imm(x, size, ~UINT64_C(0)), length);
    ir_ref result = ir_select(x->b, IR_LTU, length, width, ir_op2(x->b, IR_ANDN, shifted, ones), shifted);
    tx_write(x, in, 0, result);
    tx_set_cc(x, CC_LOGIC, size, result, IR_NONE, IR_NONE);
    return true;
}

bool x86_tr_pext(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref a = tx_zx64(x, tx_read(x, in, 1), size), mask = tx_zx64(x, tx_read(x, in, 2), size);
    ir_ref result = tx_call2(x, in->row->arg ? &x86_helper_pdep : &x86_helper_pext, a, mask);
    tx_write(x, in, 0, size == 3 ? result : ir_trunc(x->b, result));
    return true;
}
