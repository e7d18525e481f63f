// SPDX-License-Identifier: MIT
// String instructions. A single one is inline; with REP a helper does as much as it can, whole pages at a time, and is
// entered again for the rest, so that interrupts are seen.

#include "target-x86/translate.h"

static void advance(struct x86_translator *x, const struct x86_decoded *in, unsigned reg, unsigned size)
{
    ir_ref down = ir_extract(x->b, ir_get(x->b, SLOT_EFLAGS), 10, 1);
    ir_ref delta = ir_sub(x->b, tx_i32(x, 1u << size), ir_shli(x->b, down, size + 1));
    unsigned width = in->addrsize;
    ir_ref value = tx_gpr(x, reg, width);
    tx_set_gpr(x, reg, width, ir_add(x->b, value, width == 3 ? ir_sext(x->b, delta) : delta));
}

static ir_ref source(struct x86_translator *x, const struct x86_decoded *in, unsigned size)
{
    unsigned segment = in->segment_prefix ? in->segment : X86_DS;
    return tx_linear(x, segment, tx_gpr_address(x, X86_RSI, in->addrsize), 1u << size, false);
}

static ir_ref destination(struct x86_translator *x, const struct x86_decoded *in, unsigned size, bool write)
{
    return tx_linear(x, X86_ES, tx_gpr_address(x, X86_RDI, in->addrsize), 1u << size, write);
}

static bool by_helper(struct x86_translator *x, const struct x86_decoded *in, enum x86_string op, unsigned size)
{
    unsigned segment = in->segment_prefix ? in->segment : X86_DS;
    ir_ref what = tx_i32(x, op | size << 4 | in->addrsize << 8 | segment << 12 | (in->rep ? 1u << 16 : 0) |
                                 (in->rep == 0xf2 ? 1u << 17 : 0) | x->mmu << 20);
    ir_ref more = tx_call1(x, &x86_helper_string, what);
    x->notes.cc.kind = CC_DYNAMIC;
    uint32_t again = ir_new_side(x->b), done = ir_new_side(x->b);
    ir_brcond(x->b, IR_NE, more, tx_i32(x, 0), again, done);
    ir_begin_block(x->b, again);
    tx_exit_anew(x, x->pc);
    ir_begin_block(x->b, done);
    return tx_exit_anew(x, x->next);
}

bool x86_tr_string(struct x86_translator *x, const struct x86_decoded *in)
{
    enum x86_string op = in->row->arg;
    unsigned size = in->opcode & 1 ? in->opsize : 0;
    if (in->rep)
        return by_helper(x, in, op, size);
    ir_ref a, b;
    switch (op) {
    case STRING_MOVS:
        a = tx_load(x, source(x, in, size), size);
        tx_store(x, destination(x, in, size, true), size, a);
        advance(x, in, X86_RSI, size);
        advance(x, in, X86_RDI, size);
        break;
    case STRING_STOS:
        tx_store(x, destination(x, in, size, true), size, tx_gpr(x, X86_RAX, size));
        advance(x, in, X86_RDI, size);
        break;
    case STRING_LODS:
        tx_set_gpr(x, X86_RAX, size, tx_load(x, source(x, in, size), size));
        advance(x, in, X86_RSI, size);
        break;
    case STRING_CMPS:
        b = tx_load(x, destination(x, in, size, false), size);
        a = tx_load(x, source(x, in, size), size);
        advance(x, in, X86_RSI, size);
        advance(x, in, X86_RDI, size);
        tx_set_cc_cmp(x, size, a, b);
        break;
    default:
        a = tx_gpr(x, X86_RAX, size);
        b = tx_load(x, destination(x, in, size, false), size);
        advance(x, in, X86_RDI, size);
        tx_set_cc_cmp(x, size, a, b);
    }
    return true;
}

bool x86_tr_ins_outs(struct x86_translator *x, const struct x86_decoded *in)
{
    bool out = in->row->arg & 2;
    unsigned size = in->row->arg & 1 ? (in->opsize > 2 ? 2 : in->opsize) : 0;
    return by_helper(x, in, out ? STRING_OUTS : STRING_INS, size);
}
