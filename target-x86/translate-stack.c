// SPDX-License-Identifier: MIT
// The stack: PUSH, POP and their relatives, ENTER, LEAVE.

#include "target-x86/translate.h"

bool x86_tr_push(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_push(x, in->opsize, tx_read(x, in, 0));
    return true;
}

bool x86_tr_pop(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize;
    ir_ref value = tx_stack_top(x, size);
    if (x86_in_memory(in, 0)) {
        // The address is computed with the stack pointer as it is after the pop.
        struct x86_decoded moved = *in;
        if (in->base == X86_RSP)
            moved.displacement += 1 << size;
        tx_store(x, tx_address(x, &moved, 1u << size, true), size, value);
        tx_add_sp(x, 1 << size);
        return true;
    }
    tx_add_sp(x, 1 << size);
    tx_set_gpr(x, in->op[0].reg, size, value);
    return true;
}

bool x86_tr_pusha(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize;
    for (unsigned n = 0; n < 8; n++) {
        int64_t offset = -(int64_t)((n + 1) << size);
        tx_store(x, tx_stack_address(x, offset, 1u << size, true), size, tx_gpr(x, n, size));
    }
    tx_add_sp(x, -(8 << size));
    return true;
}

bool x86_tr_popa(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize;
    ir_ref values[8];
    for (unsigned n = 0; n < 8; n++)
        values[n] = n == X86_RSP ? IR_NONE
                                 : tx_load(x, tx_stack_address(x, (7 - n) << size, 1u << size, false), size);
    for (unsigned n = 0; n < 8; n++)
        if (n != X86_RSP)
            tx_set_gpr(x, n, size, values[n]);
    tx_add_sp(x, 8 << size);
    return true;
}

bool x86_tr_pushf(struct x86_translator *x, const struct x86_decoded *in)
{
    if (tx_flag(x, X86_BF_VM86) && !tx_flag(x, X86_BF_IOPL_OK))
        return tx_raise(x, X86_GP);
    ir_ref system = ir_andi(x->b, ir_get(x->b, SLOT_EFLAGS), ~(uint32_t)(FLAG_RF | FLAG_VM));
    ir_ref value = ir_or(x->b, ir_or(x->b, system, tx_flags(x)), tx_i32(x, FLAG_1));
    tx_push(x, in->opsize, in->opsize == 3 ? ir_zext(x->b, value) : value);
    return true;
}

bool x86_tr_popf(struct x86_translator *x, const struct x86_decoded *in)
{
    if (tx_flag(x, X86_BF_VM86) && !tx_flag(x, X86_BF_IOPL_OK))
        return tx_raise(x, X86_GP);
    ir_ref value = ir_trunc(x->b, tx_stack_top(x, in->opsize));
    tx_add_sp(x, 1 << in->opsize);
    ir_ref changed = tx_call2(x, &x86_helper_popf, value, tx_i32(x, in->opsize));
    x->notes.cc.kind = CC_DYNAMIC;
    // Few changes of flags are changes of mode.
    uint32_t modes = ir_new_side(x->b), same = ir_new_side(x->b);
    ir_brcond(x->b, IR_NE, changed, tx_i32(x, 0), modes, same);
    ir_begin_block(x->b, modes);
    tx_exit_next_modes(x);
    ir_begin_block(x->b, same);
    return tx_exit_anew(x, x->next);
}

bool x86_tr_leave(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->opsize, stack = tx_stack_size(x);
    ir_ref frame = tx_gpr_address(x, X86_RBP, stack);
    ir_ref value = tx_load(x, tx_linear(x, X86_SS, frame, 1u << size, false), size);
    ir_ref sp = ir_addi(x->b, frame, 1 << size);
    tx_set_gpr(x, X86_RSP, stack, stack == 3 ? sp : ir_trunc(x->b, sp));
    tx_set_gpr(x, X86_RBP, size, value);
    return true;
}

// The frame pointers of the enclosing levels are copied from the old frame to the new one.
bool x86_tr_enter(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->opsize, stack = tx_stack_size(x), bytes = 1u << size, level = in->imm2 & 31;
    int64_t below = -(int64_t)bytes;
    tx_store(x, tx_stack_address(x, below, bytes, true), size, tx_gpr(x, X86_RBP, size));
    ir_ref frame = ir_addi(b, ir_get(b, SLOT_GPR + X86_RSP), below);
    if (level) {
        for (unsigned n = 1; n < level; n++) {
            ir_ref from = ir_addi(b, ir_get(b, SLOT_GPR + X86_RBP), -(int64_t)(n * bytes));
            from = tx_cut_address(x, from, stack);
            ir_ref value = tx_load(x, tx_linear(x, X86_SS, from, bytes, false), size);
            below -= bytes;
            tx_store(x, tx_stack_address(x, below, bytes, true), size, value);
        }
        below -= bytes;
        tx_store(x, tx_stack_address(x, below, bytes, true), size, size == 3 ? frame : ir_trunc(b, frame));
    }
    tx_add_sp(x, below - (int64_t)(in->imm & 0xffff));
    // The frame pointer is of the stack's size; a 16-bit operand cuts it.
    unsigned pointer = size < stack ? size : stack;
    tx_set_gpr(x, X86_RBP, pointer, pointer == 3 ? frame : ir_trunc(b, frame));
    return true;
}

bool x86_tr_push_seg(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref selector = ir_andi(x->b, ir_get(x->b, SLOT_SELECTOR + in->row->arg), 0xffff);
    tx_push(x, in->opsize, in->opsize == 3 ? ir_zext(x->b, selector) : selector);
    return true;
}

bool x86_tr_pop_seg(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned segment = in->row->arg;
    ir_ref selector = ir_trunc(x->b, tx_stack_top(x, in->opsize));
    // The pointer moves with the load: a fault in it leaves both.
    ir_ref changed = tx_call3(x, &x86_helper_pop_segment, tx_i32(x, segment), selector,
                              tx_i32(x, tx_stack_size(x) | (1u << in->opsize) << 4));
    return tx_segment_loaded(x, segment, changed);
}
