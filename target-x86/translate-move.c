// SPDX-License-Identifier: MIT
// Moves, address computation, conditional moves, and flag moves that need no privilege.

#include "target-x86/translate.h"

bool x86_tr_mov(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_write(x, in, 0, tx_read(x, in, 1));
    return true;
}

bool x86_tr_movsx(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned from = in->op[1].size, to = in->op[0].size;
    ir_ref value = tx_sx(x, tx_read(x, in, 1), from);
    tx_write(x, in, 0, to == 3 ? ir_sext(x->b, value) : value);
    return true;
}

bool x86_tr_movzx(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref value = tx_zx(x, tx_read(x, in, 1), in->op[1].size);
    tx_write(x, in, 0, in->op[0].size == 3 ? ir_zext(x->b, value) : value);
    return true;
}

bool x86_tr_lea(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref offset = tx_offset(x, in);
    tx_write(x, in, 0, in->op[0].size == 3 ? offset : ir_trunc(x->b, offset));
    return true;
}

// 90 is NOP; with REX.B it is an exchange with R8.
bool x86_tr_xchg_rax(struct x86_translator *x, const struct x86_decoded *in)
{
    if (in->op[0].reg == X86_RAX)
        return true;
    ir_ref a = tx_read(x, in, 0), b = tx_read(x, in, 1);
    tx_write(x, in, 0, b);
    tx_write(x, in, 1, a);
    return true;
}

bool x86_tr_cmov(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref value = tx_read(x, in, 1), old = tx_read(x, in, 0);
    struct tx_condition c = tx_condition(x, in->opcode & 15);
    tx_write(x, in, 0, ir_select(x->b, c.cond, c.a, c.b, value, old));
    return true;
}

bool x86_tr_setcc(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_write(x, in, 0, tx_setcond(x, IR_I32, in->opcode & 15));
    return true;
}

bool x86_tr_salc(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    tx_set_gpr(x, X86_RAX, 0, ir_op1(x->b, IR_NEG, ir_trunc(x->b, tx_carry(x))));
    return true;
}

bool x86_tr_xlat(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref index = tx_as_gpr(x, tx_zx(x, tx_gpr(x, X86_RAX, 0), 0));
    ir_ref sum = tx_cut_address(x, ir_add(x->b, ir_get(x->b, SLOT_GPR + X86_RBX), index), in->addrsize);
    tx_set_gpr(x, X86_RAX, 0, tx_load(x, tx_linear(x, in->segment, sum, 1, false), 0));
    return true;
}

bool x86_tr_lahf(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    ir_ref flags = ir_or(x->b, ir_andi(x->b, tx_flags(x), 0xff), tx_i32(x, FLAG_1));
    ir_ref rax = ir_get(x->b, SLOT_GPR + X86_RAX);
    ir_set(x->b, SLOT_GPR + X86_RAX, ir_deposit(x->b, rax, tx_as_gpr(x, flags), 8, 8));
    return true;
}

bool x86_tr_sahf(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    ir_ref ah = ir_trunc(x->b, ir_extract(x->b, ir_get(x->b, SLOT_GPR + X86_RAX), 8, 8));
    tx_set_some_flags(x, FLAG_S | FLAG_Z | FLAG_A | FLAG_P | FLAG_C, ah);
    return true;
}

// CLD, STD
bool x86_tr_direction(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref flags = ir_get(x->b, SLOT_EFLAGS);
    ir_set(x->b, SLOT_EFLAGS, in->row->arg ? ir_or(x->b, flags, tx_i32(x, FLAG_DF))
                                           : ir_andi(x->b, flags, ~(uint32_t)FLAG_DF));
    return true;
}

bool x86_tr_nop(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)x;
    (void)in;
    return true;
}

// Caches are not modelled; the address must be readable.
bool x86_tr_clflush(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_load(x, tx_address(x, in, 1, false), 0);
    return true;
}

bool x86_tr_fence(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_fence(x->b, (enum ir_fence)in->row->arg);
    return true;
}
