// SPDX-License-Identifier: MIT
// System instructions: segments, control and debug registers, descriptor tables, ports, MSRs, interrupt flag. Nearly all
// the work is in helpers; those that change modes end the block.

#include "target-x86/translate.h"

static bool changes_modes(struct x86_translator *x)
{
    x->notes.cc.kind = CC_DYNAMIC;
    return tx_exit_next_modes(x);
}

static ir_ref natural(struct x86_translator *x, ir_ref value)
{
    return ir_zext(x->b, value);
}

// --- segments ------------------------------------------------------------------------------------------------------

bool tx_segment_loaded(struct x86_translator *x, unsigned segment, ir_ref changed)
{
    x->notes.cc.kind = CC_DYNAMIC;
    if (segment == X86_SS)
        return tx_exit_next_modes(x);
    // In 64-bit code no block depends on the others.
    if (x->mode == 2)
        return true;
    uint32_t modes = ir_new_side(x->b), same = ir_new_side(x->b);
    ir_brcond(x->b, IR_NE, changed, tx_i32(x, 0), modes, same);
    ir_begin_block(x->b, modes);
    tx_exit_next_modes(x);
    ir_begin_block(x->b, same);
    return true;
}

bool x86_tr_mov_from_seg(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref selector = ir_andi(x->b, ir_get(x->b, SLOT_SELECTOR + in->op[1].reg), 0xffff);
    if (x86_in_memory(in, 0))
        tx_store(x, tx_address(x, in, 2, true), 1, selector);
    else
        tx_write(x, in, 0, in->op[0].size == 3 ? ir_zext(x->b, selector) : selector);
    return true;
}

bool x86_tr_mov_to_seg(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned segment = in->op[0].reg;
    if (segment == X86_CS)
        return tx_ud(x);
    ir_ref selector = tx_read(x, in, 1);
    ir_ref changed = tx_call2(x, &x86_helper_load_segment, tx_i32(x, segment), selector);
    if (segment == X86_SS)
        ir_set(x->b, SLOT_SHADOW, tx_i32(x, X86_SHADOW_SS));
    return tx_segment_loaded(x, segment, changed);
}

bool x86_tr_arpl(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    ir_ref dst = tx_zx(x, tx_read(x, in, 0), 1), src = tx_read(x, in, 1);
    ir_ref have = ir_andi(b, dst, 3), want = ir_andi(b, src, 3);
    ir_ref raised = ir_or(b, ir_andi(b, dst, 0xfffc), want);
    tx_write(x, in, 0, ir_select(b, IR_LTU, have, want, raised, dst));
    tx_set_some_flags(x, FLAG_Z, ir_shli(b, ir_setcond(b, IR_I32, IR_LTU, have, want), 6));
    return true;
}

// SLDT, STR, SMSW. A register gets the whole value, memory 16 bits.
bool x86_tr_store_system(struct x86_translator *x, const struct x86_decoded *in)
{
    if (tx_flag(x, X86_BF_UMIP) && x->cpl)
        return tx_raise(x, X86_GP);
    ir_ref value = tx_call1(x, &x86_helper_read_system, tx_i32(x, in->row->arg));
    if (x86_in_memory(in, 0))
        tx_store(x, tx_address(x, in, 2, true), 1, ir_trunc(x->b, value));
    else
        tx_write(x, in, 0, in->op[0].size == 3 ? value : ir_trunc(x->b, value));
    return true;
}

// LLDT, LTR, LMSW
bool x86_tr_load_system(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref value = tx_zx(x, tx_read(x, in, 0), 1);
    tx_call2(x, &x86_helper_load_system, tx_i32(x, in->row->arg), value);
    return changes_modes(x);
}

bool x86_tr_verify_segment(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref selector = tx_read(x, in, 0);
    ir_ref good = tx_call2(x, &x86_helper_verify_segment, selector, tx_i32(x, in->row->arg));
    tx_set_some_flags(x, FLAG_Z, ir_shli(x->b, good, 6));
    return true;
}

// LAR, LSL: the value in bits 31:0, whether there is one in bit 32.
bool x86_tr_lar(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref selector = tx_read(x, in, 1), old = tx_read(x, in, 0);
    ir_ref found = tx_call2(x, &x86_helper_lar, selector, tx_i32(x, in->row->arg));
    ir_ref good = ir_trunc(x->b, ir_shri(x->b, found, 32)), value = ir_trunc(x->b, found);
    if (in->op[0].size == 3)
        value = ir_zext(x->b, value);
    tx_write(x, in, 0, ir_select(x->b, IR_NE, good, tx_i32(x, 0), value, old));
    tx_set_some_flags(x, FLAG_Z, ir_shli(x->b, good, 6));
    return true;
}

// SGDT, SIDT
bool x86_tr_store_table(struct x86_translator *x, const struct x86_decoded *in)
{
    if (tx_flag(x, X86_BF_UMIP) && x->cpl)
        return tx_raise(x, X86_GP);
    unsigned size = x->mode == 2 ? 3 : 2;
    ir_ref address = tx_address(x, in, 2 + (1u << size), true);
    ir_ref base = tx_call1(x, &x86_helper_read_system, tx_i32(x, 4 + in->row->arg));
    ir_ref limit = tx_call1(x, &x86_helper_read_system, tx_i32(x, 6 + in->row->arg));
    tx_store(x, address, 1, ir_trunc(x->b, limit));
    tx_store(x, ir_addi(x->b, address, 2), size, size == 3 ? base : ir_trunc(x->b, base));
    return true;
}

// LGDT, LIDT; a 16-bit operand size takes 24 bits of base.
bool x86_tr_load_table(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = x->mode == 2 ? 3 : 2;
    ir_ref address = tx_address(x, in, 2 + (1u << size), false);
    ir_ref limit = tx_load(x, address, 1), base = tx_load(x, ir_addi(x->b, address, 2), size);
    base = natural(x, base);
    if (x->mode != 2 && in->opsize == 1)
        base = ir_andi(x->b, base, 0xffffff);
    tx_call3(x, &x86_helper_load_table, tx_i32(x, in->row->arg), limit, base);
    return true;
}

bool x86_tr_swapgs(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    tx_call0(x, &x86_helper_swapgs);
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_fsgsbase(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_flag(x, X86_BF_FSGSBASE))
        return tx_ud(x);
    unsigned size = in->op[0].size, segment = in->row->arg & 1 ? X86_GS : X86_FS;
    if (in->row->arg < 2) {
        ir_ref base = ir_get(x->b, SLOT_SEG_BASE + segment);
        tx_write(x, in, 0, size == 3 ? base : ir_trunc(x->b, base));
        return true;
    }
    ir_ref value = natural(x, tx_read(x, in, 0));
    if (size == 3)
        tx_raise_if(x, IR_NE, ir_sextract(x->b, value, 0, x86_has(x->cpu, X86_FEAT_LA57) ? 57 : 48), value, X86_GP);
    ir_set(x->b, SLOT_SEG_BASE + segment, value);
    return true;
}

// --- control and debug registers -----------------------------------------------------------------------------------

bool x86_tr_mov_from_cr(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned reg = in->op[1].reg | (in->lock ? 8 : 0);
    if (reg == 1 || (reg > 4 && reg != 8))
        return tx_ud(x);
    ir_ref value = tx_call1(x, &x86_helper_read_cr, tx_i32(x, reg));
    tx_write(x, in, 0, in->op[0].size == 3 ? value : ir_trunc(x->b, value));
    return true;
}

bool x86_tr_mov_to_cr(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned reg = in->op[0].reg;
    if (reg == 1 || (reg > 4 && reg != 8))
        return tx_ud(x);
    tx_call2(x, &x86_helper_write_cr, tx_i32(x, reg), natural(x, tx_read(x, in, 1)));
    return changes_modes(x);
}

bool x86_tr_mov_from_dr(struct x86_translator *x, const struct x86_decoded *in)
{
    if (in->op[1].reg > 7)
        return tx_ud(x);
    ir_ref value = tx_call1(x, &x86_helper_read_dr, tx_i32(x, in->op[1].reg));
    tx_write(x, in, 0, in->op[0].size == 3 ? value : ir_trunc(x->b, value));
    return true;
}

bool x86_tr_mov_to_dr(struct x86_translator *x, const struct x86_decoded *in)
{
    if (in->op[0].reg > 7)
        return tx_ud(x);
    tx_call2(x, &x86_helper_write_dr, tx_i32(x, in->op[0].reg), natural(x, tx_read(x, in, 1)));
    return changes_modes(x);
}

bool x86_tr_clts(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    tx_call0(x, &x86_helper_clts);
    return changes_modes(x);
}

bool x86_tr_invlpg(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref offset = tx_offset(x, in);
    if (x->mode != 2 || in->segment >= X86_FS)
        offset = ir_add(x->b, offset, tx_as_gpr(x, ir_get(x->b, SLOT_SEG_BASE + in->segment)));
    tx_call1(x, &x86_helper_invlpg, offset);
    return changes_modes(x);
}

bool x86_tr_invpcid(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref address = tx_address(x, in, 16, false), type = natural(x, tx_read(x, in, 0));
    ir_ref pcid = tx_load(x, address, 3), gva = tx_load(x, ir_addi(x->b, address, 8), 3);
    tx_call3(x, &x86_helper_invpcid, type, pcid, gva);
    return changes_modes(x);
}

// CLAC, STAC
bool x86_tr_clac(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref flags = ir_get(x->b, SLOT_EFLAGS);
    ir_set(x->b, SLOT_EFLAGS, in->row->arg ? ir_or(x->b, flags, tx_i32(x, FLAG_AC))
                                           : ir_andi(x->b, flags, ~(uint32_t)FLAG_AC));
    ir_ref pc = ir_pc_plus(x->b, x->next);
    tx_call0(x, &x86_helper_modes_changed);
    return tx_exit_pc(x, pc);
}

bool x86_tr_xgetbv(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_flag(x, X86_BF_XSAVE))
        return tx_ud(x);
    tx_call0(x, in->row->arg ? &x86_helper_xsetbv : &x86_helper_xgetbv);
    return changes_modes(x);
}

bool x86_tr_pkru(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_call1(x, &x86_helper_pkru, tx_i32(x, in->row->arg));
    return changes_modes(x);
}

// --- ports ---------------------------------------------------------------------------------------------------------

// The port of operand `n`.
static ir_ref port(struct x86_translator *x, const struct x86_decoded *in, unsigned n)
{
    return in->op[n].kind == X86_ARG_IMM ? tx_i32(x, in->imm & 0xff) : tx_zx(x, tx_gpr(x, X86_RDX, 1), 1);
}

bool x86_tr_in(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size > 2 ? 2 : in->op[0].size;
    ir_ref value = tx_call2(x, &x86_helper_in, port(x, in, 1), tx_i32(x, 1u << size));
    x->notes.cc.kind = CC_DYNAMIC;
    tx_set_gpr(x, X86_RAX, size, value);
    return tx_exit_anew(x, x->next);
}

bool x86_tr_out(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[1].size > 2 ? 2 : in->op[1].size;
    tx_call3(x, &x86_helper_out, port(x, in, 0), tx_i32(x, 1u << size), tx_zx(x, tx_gpr(x, X86_RAX, size), size));
    x->notes.cc.kind = CC_DYNAMIC;
    return tx_exit_anew(x, x->next);
}

// --- interrupts ----------------------------------------------------------------------------------------------------

bool x86_tr_hlt(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    tx_call0(x, &x86_helper_hlt);
    x->notes.cc.kind = CC_DYNAMIC;
    return tx_exit_next_loop(x);
}

bool x86_tr_cli(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    if (!tx_flag(x, X86_BF_IOPL_OK))
        return tx_raise(x, X86_GP);
    ir_set(x->b, SLOT_EFLAGS, ir_andi(x->b, ir_get(x->b, SLOT_EFLAGS), ~(uint32_t)FLAG_IF));
    return true;
}

bool x86_tr_sti(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    if (!tx_flag(x, X86_BF_IOPL_OK))
        return tx_raise(x, X86_GP);
    ir_set(x->b, SLOT_EFLAGS, ir_or(x->b, ir_get(x->b, SLOT_EFLAGS), tx_i32(x, FLAG_IF)));
    tx_call0(x, &x86_helper_poll);
    x->sti = true;
    return true;
}

// --- identification, counters, MSRs --------------------------------------------------------------------------------

bool x86_tr_rdtsc(struct x86_translator *x, const struct x86_decoded *in)
{
    if (tx_flag(x, X86_BF_TSD) && x->cpl)
        return tx_raise(x, X86_GP);
    ir_ref now = tx_call0(x, &x86_helper_rdtsc);
    tx_set_gpr(x, X86_RAX, 2, ir_trunc(x->b, now));
    tx_set_gpr(x, X86_RDX, 2, ir_trunc(x->b, ir_shri(x->b, now, 32)));
    if (in->row->arg)
        tx_set_gpr(x, X86_RCX, 2, ir_trunc(x->b, tx_call1(x, &x86_helper_read_system, tx_i32(x, 8))));
    return true;
}

bool x86_tr_rdpid(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref value = tx_call1(x, &x86_helper_read_system, tx_i32(x, 8));
    tx_write(x, in, 0, in->op[0].size == 3 ? value : ir_trunc(x->b, value));
    return true;
}

// There are no performance counters.
bool x86_tr_rdpmc(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    return tx_raise(x, X86_GP);
}

bool x86_tr_cpuid(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    tx_call0(x, &x86_helper_cpuid);
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_msr(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_call0(x, in->row->arg ? &x86_helper_wrmsr : &x86_helper_rdmsr);
    return changes_modes(x);
}

bool x86_tr_rdrand(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned size = in->op[0].size;
    ir_ref value = tx_call0(x, &x86_helper_random);
    tx_write(x, in, 0, size == 3 ? value : ir_trunc(x->b, value));
    tx_set_flags(x, tx_i32(x, FLAG_C));
    return true;
}
