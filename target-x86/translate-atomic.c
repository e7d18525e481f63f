// SPDX-License-Identifier: MIT
// Exchanges and compare-and-exchange. XCHG with memory is locked always, the others with the prefix; without it they use
// the same host operation, which nobody can tell from a plain one.

#include "target-x86/translate.h"

static struct ir_mem locked(const struct x86_translator *x, unsigned size)
{
    struct ir_mem mem = tx_mem(x, size);
    mem.ordered = true;
    return mem;
}

bool x86_tr_xchg(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref b = tx_read(x, in, 1);
    if (!x86_in_memory(in, 0)) {
        ir_ref a = tx_read(x, in, 0);
        tx_write(x, in, 0, b);
        tx_write(x, in, 1, a);
        return true;
    }
    ir_ref address = tx_address(x, in, 1u << size, true);
    tx_write(x, in, 1, ir_atomic(x->b, IR_ATOMIC_XCHG, address, tx_zx(x, b, size), locked(x, size)));
    return true;
}

bool x86_tr_xadd(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref a, b = tx_read(x, in, 1), sum;
    if (x86_in_memory(in, 0)) {
        ir_ref address = tx_address(x, in, 1u << size, true);
        a = ir_atomic(x->b, IR_ATOMIC_ADD, address, tx_zx(x, b, size), locked(x, size));
        sum = ir_add(x->b, a, b);
        tx_write(x, in, 1, a);
    } else {
        a = tx_read(x, in, 0);
        sum = ir_add(x->b, a, b);
        tx_write(x, in, 1, a);
        tx_write(x, in, 0, sum);
    }
    tx_set_cc(x, CC_ADD, size, sum, b, IR_NONE);
    return true;
}

bool x86_tr_cmpxchg(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    unsigned size = in->op[0].size;
    ir_ref accumulator = tx_gpr(x, X86_RAX, size), expected = tx_zx(x, accumulator, size);
    ir_ref source = tx_read(x, in, 1), old;
    if (x86_in_memory(in, 0)) {
        ir_ref address = tx_address(x, in, 1u << size, true);
        old = ir_cas(b, address, expected, tx_zx(x, source, size), locked(x, size));
    } else {
        old = tx_zx(x, tx_read(x, in, 0), size);
        // Not written at all when they differ: 32 bits keep the upper half.
        const struct x86_operand *op = &in->op[0];
        ir_ref before = ir_get(b, SLOT_GPR + op->reg);
        tx_write(x, in, 0, source);
        ir_ref after = ir_get(b, SLOT_GPR + op->reg);
        ir_set(b, SLOT_GPR + op->reg, ir_select(b, IR_EQ, old, expected, after, before));
    }
    // The accumulator keeps its upper half when the values were equal.
    ir_ref rax = ir_get(b, SLOT_GPR + X86_RAX);
    ir_ref loaded = tx_as_gpr(x, old);
    if (size < 2)
        loaded = ir_deposit(b, rax, loaded, 0, tx_bits(size));
    bool own = in->op[0].kind == X86_ARG_GPR && in->op[0].reg == X86_RAX;
    if (!own)
        ir_set(b, SLOT_GPR + X86_RAX, ir_select(b, IR_EQ, old, expected, rax, loaded));
    tx_set_cc_cmp(x, size, expected, old);
    return true;
}

// high:low, of 32 bits each.
static ir_ref pair(struct x86_translator *x, unsigned low, unsigned high)
{
    ir_ref wide = ir_zext(x->b, ir_get(x->b, SLOT_GPR + low));
    return ir_deposit(x->b, wide, ir_zext(x->b, ir_get(x->b, SLOT_GPR + high)), 32, 32);
}

bool x86_tr_cmpxchg8b(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    ir_ref rax = ir_get(b, SLOT_GPR + X86_RAX), rdx = ir_get(b, SLOT_GPR + X86_RDX);
    ir_ref expected = pair(x, X86_RAX, X86_RDX), desired = pair(x, X86_RBX, X86_RCX);
    ir_ref address = tx_address(x, in, 8, true);
    ir_ref old = ir_cas(b, address, expected, desired, locked(x, 3));
    ir_ref low = tx_as_gpr(x, ir_trunc(b, old)), high = tx_as_gpr(x, ir_shri(b, old, 32));
    ir_set(b, SLOT_GPR + X86_RAX, ir_select(b, IR_EQ, old, expected, rax, low));
    ir_set(b, SLOT_GPR + X86_RDX, ir_select(b, IR_EQ, old, expected, rdx, high));
    tx_set_some_flags(x, FLAG_Z, ir_shli(b, ir_setcond(b, IR_I32, IR_EQ, old, expected), 6));
    return true;
}

// By a helper that reads and writes the registers.
bool x86_tr_cmpxchg16b(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref address = tx_address(x, in, 16, true);
    tx_raise_if(x, IR_TSTNE, address, tx_i64(x, 15), X86_GP);
    tx_flags(x);
    tx_call2(x, &x86_helper_cmpxchg16b, address, tx_i32(x, x->mmu));
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}
