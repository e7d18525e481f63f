// SPDX-License-Identifier: MIT
// Jumps, calls and returns, near and far; interrupts and system calls. Far transfers are helpers (segment.c,
// exception.c) that change modes and return the linear address to go on at.

#include "target-x86/translate.h"

static bool branch_relative(struct x86_translator *x, const struct x86_decoded *in, struct tx_condition c)
{
    if (tx_branches_inside(x, in)) {
        ir_exit_if(x->b, c.cond, c.a, c.b, x->next + (int64_t)in->imm, x->next);
        return false;
    }
    uint32_t taken = ir_new_side(x->b), next = ir_new_side(x->b);
    ir_brcond(x->b, c.cond, c.a, c.b, taken, next);
    ir_begin_block(x->b, taken);
    tx_exit_relative(x, in);
    ir_begin_block(x->b, next);
    return tx_exit_offset(x, x->next);
}

bool x86_tr_jcc(struct x86_translator *x, const struct x86_decoded *in)
{
    struct tx_condition c = tx_condition(x, in->opcode & 15);
    return branch_relative(x, in, c);
}

bool x86_tr_jmp(struct x86_translator *x, const struct x86_decoded *in)
{
    return tx_exit_relative(x, in);
}

bool x86_tr_jmp_indirect(struct x86_translator *x, const struct x86_decoded *in)
{
    return tx_exit_rip(x, tx_read(x, in, 0), in->opsize);
}

static ir_ref return_address(struct x86_translator *x, unsigned size)
{
    ir_ref rip = tx_next_rip(x);
    return size == 3 ? rip : ir_trunc(x->b, rip);
}

bool x86_tr_call(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_push(x, in->opsize, return_address(x, in->opsize));
    ir_note_return(x->b, x->next);
    return tx_exit_relative(x, in);
}

bool x86_tr_call_indirect(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref target = tx_read(x, in, 0);
    tx_push(x, in->opsize, return_address(x, in->opsize));
    return tx_exit_rip(x, target, in->opsize);
}

bool x86_tr_ret(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref target = tx_stack_top(x, in->opsize);
    tx_add_sp(x, (1 << in->opsize) + (int64_t)(in->imm & 0xffff));
    x->returns = true;
    return tx_exit_rip(x, target, in->opsize);
}

bool x86_tr_loop(struct x86_translator *x, const struct x86_decoded *in)
{
    enum { LOOPNE, LOOPE, LOOP, JCXZ };
    struct ir_builder *b = x->b;
    unsigned kind = in->row->arg, size = in->addrsize;
    ir_ref count = tx_gpr(x, X86_RCX, size);
    if (kind != JCXZ) {
        count = ir_addi(b, count, -1);
        tx_set_gpr(x, X86_RCX, size, count);
    }
    count = tx_zx(x, count, size);
    ir_ref zero = tx_imm(x, size, 0);
    ir_ref go = ir_setcond(b, IR_I32, kind == JCXZ ? IR_EQ : IR_NE, count, zero);
    if (kind < LOOP)
        go = ir_and(b, go, tx_setcond(x, IR_I32, kind == LOOPE ? 4 : 5));
    return branch_relative(x, in, (struct tx_condition){IR_NE, go, tx_i32(x, 0)});
}

// --- far -----------------------------------------------------------------------------------------------------------

static bool far_transfer(struct x86_translator *x, const struct x86_decoded *in, bool call, ir_ref selector, ir_ref offset)
{
    const struct ir_helper *helper = call ? &x86_helper_far_call : &x86_helper_far_jump;
    return tx_exit_pc(x, tx_call4(x, helper, selector, offset, tx_i32(x, in->opsize), tx_next_rip(x)));
}

bool x86_tr_far_pointer(struct x86_translator *x, const struct x86_decoded *in)
{
    return far_transfer(x, in, in->row->arg, tx_i32(x, in->imm2 & 0xffff), tx_i64(x, in->imm));
}

// Offset and selector of a far pointer in memory.
static void read_far(struct x86_translator *x, const struct x86_decoded *in, ir_ref *selector, ir_ref *offset)
{
    ir_ref address = tx_address(x, in, (1u << in->opsize) + 2, false);
    *offset = tx_zx64(x, tx_load(x, address, in->opsize), in->opsize);
    *selector = tx_load(x, ir_addi(x->b, address, 1 << in->opsize), 1);
}

bool x86_tr_far_memory(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref selector, offset;
    read_far(x, in, &selector, &offset);
    return far_transfer(x, in, in->row->arg, selector, offset);
}

bool x86_tr_load_far(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref selector, offset;
    read_far(x, in, &selector, &offset);
    ir_ref changed = tx_call2(x, &x86_helper_load_segment, tx_i32(x, in->row->arg), selector);
    tx_write(x, in, 0, in->opsize == 3 ? offset : ir_trunc(x->b, offset));
    return tx_segment_loaded(x, in->row->arg, changed);
}

bool x86_tr_retf(struct x86_translator *x, const struct x86_decoded *in)
{
    return tx_exit_pc(x, tx_call2(x, &x86_helper_far_return, tx_i32(x, in->opsize), tx_i32(x, in->imm & 0xffff)));
}

bool x86_tr_iret(struct x86_translator *x, const struct x86_decoded *in)
{
    if (tx_flag(x, X86_BF_VM86) && !tx_flag(x, X86_BF_IOPL_OK))
        return tx_raise(x, X86_GP);
    return tx_exit_pc(x, tx_call1(x, &x86_helper_iret, tx_i32(x, in->opsize)));
}

bool x86_tr_int(struct x86_translator *x, const struct x86_decoded *in)
{
    enum { INT_N, INT3, INTO, INT1 };
    unsigned kind = in->row->arg;
    if (kind == INT_N && tx_flag(x, X86_BF_VM86) && !tx_flag(x, X86_BF_IOPL_OK))
        return tx_raise(x, X86_GP);
    unsigned vector = kind == INT_N ? in->imm & 0xff : kind == INT3 ? X86_BP : kind == INTO ? X86_OF : X86_DB;
    uint32_t next = IR_NONE;
    if (kind == INTO) {
        struct tx_condition c = tx_condition(x, 1);
        uint32_t taken = ir_new_side(x->b);
        next = ir_new_side(x->b);
        ir_brcond(x->b, c.cond, c.a, c.b, next, taken);
        ir_begin_block(x->b, taken);
    }
    ir_ref pc = tx_call3(x, &x86_helper_software_interrupt, tx_i32(x, vector), tx_i32(x, kind == INT1),
                          tx_next_rip(x));
    if (tx_stands_alone(x))
        ir_exit_loop(x->b, pc);
    else
        ir_exit_indirect(x->b, pc);
    if (kind == INTO) {
        ir_begin_block(x->b, next);
        return tx_exit_offset(x, x->next);
    }
    return false;
}

bool x86_tr_bound(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize;
    ir_ref address = tx_address(x, in, 2u << size, false);
    ir_ref low = tx_sx(x, tx_load(x, address, size), size);
    ir_ref high = tx_sx(x, tx_load(x, ir_addi(x->b, address, 1 << size), size), size);
    ir_ref index = tx_sx(x, tx_read(x, in, 0), size);
    tx_raise_if(x, IR_LT, index, low, X86_BR);
    tx_raise_if(x, IR_GT, index, high, X86_BR);
    return true;
}

// --- system calls --------------------------------------------------------------------------------------------------

bool x86_tr_syscall(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_exit_pc(x, tx_call1(x, &x86_helper_syscall, tx_next_rip(x)));
}

bool x86_tr_sysret(struct x86_translator *x, const struct x86_decoded *in)
{
    return tx_exit_pc(x, tx_call1(x, &x86_helper_sysret, tx_i32(x, in->opsize)));
}

bool x86_tr_sysenter(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_exit_pc(x, tx_call0(x, &x86_helper_sysenter));
}

bool x86_tr_sysexit(struct x86_translator *x, const struct x86_decoded *in)
{
    return tx_exit_pc(x, tx_call1(x, &x86_helper_sysexit, tx_i32(x, in->opsize)));
}

bool x86_tr_rsm(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    if (!tx_flag(x, X86_BF_SMM))
        return tx_ud(x);
    ir_exit_loop(x->b, tx_call0(x, &x86_helper_rsm));
    return false;
}
