// SPDX-License-Identifier: MIT
// Blocks that are loops: found by looking ahead from where a jump back led, over conditional jumps forward, to the jump back
// to the same place. Calls, indirect jumps and repeated string instructions are in no such loop.

#include "target-x86/translate.h"

enum { LOOP_INSNS = 64 };

static bool leaves(const struct x86_decoded *in)
{
    x86_handler *h = in->row->translate;
    return h == x86_tr_call || h == x86_tr_call_indirect || h == x86_tr_ret || h == x86_tr_jmp_indirect ||
           (in->rep && h == x86_tr_string) || h == x86_tr_ins_outs;
}

bool tx_find_loop(struct x86_translator *x, uint32_t *insns)
{
    // Where the pc wraps or every instruction is a block there is nothing to gain.
    if (x->mode == 0 || tx_flag(x, X86_BF_CS_LIMITED) || tx_flag(x, X86_BF_BREAKPOINTS))
        return false;
    const struct tcg_translation *t = x->t;
    uint32_t offset = 0;
    for (uint32_t n = 1; n <= LOOP_INSNS; n++) {
        struct x86_decoded in;
        if (x86_decode(t->code + offset, t->code_bytes - offset, x->mode, &in) != X86_DECODE_OK || leaves(&in))
            return false;
        int64_t here = x->start + (int64_t)offset;
        offset += in.bytes;
        x86_handler *h = in.row->translate;
        bool conditional = h == x86_tr_jcc || h == x86_tr_loop;
        if (!conditional && h != x86_tr_jmp)
            continue;
        if (in.opsize == 1)
            return false;
        int64_t target = x->start + (int64_t)offset + (int64_t)in.imm;
        if (target == x->start) {
            x->last = (int32_t)here;
            *insns = n;
            return true;
        }
        if (!conditional || target <= here)
            return false;
    }
    return false;
}

void tx_before_branch(struct x86_translator *x)
{
    // Both ways write the same; in a loop one of them may not need to.
    if (x->loop == LOOP_NONE)
        ir_flush(x->b);
}

bool tx_not_taken(struct x86_translator *x, uint32_t next)
{
    ir_begin_block(x->b, next);
    if (x->loop != LOOP_NONE && x->pc != x->last)
        return true;
    return tx_exit_next(x);
}
