// SPDX-License-Identifier: MIT
// SIMD instructions: checks, alignment, and the general way through the host's own instruction (native.h). What is worth
// it is inline in translate-simd-inline.c, which is asked first.

#include "target-x86/native.h"
#include "target-x86/simd.h"
#include "target-x86/translate-simd.h"
#include "target-x86/translate.h"

bool tx_simd_allowed(struct x86_translator *x, const struct x86_decoded *in, bool mmx)
{
    bool ts = x86_simd_flag(x, X86_BF_FPU_TS), em = x86_simd_flag(x, X86_BF_FPU_EM);
    if (in->vex) {
        bool feature = x86_has(x->cpu, X86_FEAT_AVX) &&
                       (!in->vex_l || !(in->row->arg & N_I) || x86_has(x->cpu, X86_FEAT_AVX2));
        if (!feature || !x86_simd_flag(x, X86_BF_AVX) || !tx_protected(x))
            return tx_ud(x);
    } else if (em || (!mmx && !x86_simd_flag(x, X86_BF_SSE))) {
        return tx_ud(x);
    }
    return ts ? tx_raise(x, X86_NM) : true;
}

bool tx_simd_uses_mmx(const struct x86_decoded *in)
{
    // CVTPI2PS and CVTPI2PD from memory leave the x87 registers alone.
    if (in->map == X86_MAP_0F && in->opcode == 0x2a && in->mod != 3)
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (in->row->forms[i] >> 4 == KIND_P || in->row->forms[i] >> 4 == KIND_Q)
            return true;
    return false;
}

int tx_simd_memory(const struct x86_decoded *in)
{
    for (int i = 0; i < 4; i++)
        if (in->op[i].kind == X86_ARG_MEM)
            return i;
    return -1;
}

ir_ref tx_simd_address(struct x86_translator *x, const struct x86_decoded *in, unsigned n, bool write)
{
    unsigned bytes = 1u << in->op[n].size;
    ir_ref address = tx_address(x, in, bytes, write);
    bool aligned = (in->row->arg & N_A) || (!in->vex && bytes == 16 && !(in->row->arg & N_U));
    if (aligned && bytes >= 16)
        tx_raise_if(x, IR_TSTNE, address, ir_imm(x->b, ir_type_of(x->b->region, address), bytes - 1), X86_GP);
    return address;
}

static uint64_t destination(const struct x86_decoded *in)
{
    const struct x86_operand *op = &in->op[0];
    unsigned kind = in->row->forms[0] >> 4, role, what;
    switch (kind) {
    case KIND_W:
    case KIND_E:
    case KIND_Q:
        role = 1;
        break;
    case KIND_H:
        role = 2;
        break;
    default:
        role = 0;
    }
    switch ((enum x86_arg_kind)op->kind) {
    case X86_ARG_XMM:
        what = NATIVE_XMM;
        break;
    case X86_ARG_MMX:
        what = NATIVE_MMX;
        break;
    case X86_ARG_GPR:
        what = op->size == 3 ? NATIVE_GPR64 : NATIVE_GPR32;
        break;
    default:
        what = NATIVE_NONE;
    }
    return (uint64_t)role << NATIVE_ROLE | (uint64_t)what << NATIVE_DST;
}

static bool run_native(struct x86_translator *x, const struct x86_decoded *in, uint64_t extra)
{
    bool mmx = tx_simd_uses_mmx(in), fp = in->row->arg & N_FP, flags = in->row->arg & N_FLAGS;
    if (!tx_simd_allowed(x, in, mmx))
        return false;
    if (mmx)
        tx_call0(x, &x86_helper_x87_pending);
    if (mmx)
        x->notes.x87 = 0;
    int m = tx_simd_memory(in);
    ir_ref address = tx_i64(x, 0);
    uint64_t is4 = 0;
    for (unsigned i = 0; i < 4; i++)
        if (in->row->forms[i] >> 4 == KIND_L)
            is4 = in->op[i].reg;
    uint64_t spec = in->reg | (uint64_t)in->rm << 4 | (uint64_t)in->vvvv << 8 | is4 << 12 |
                    (uint64_t)x->mmu << NATIVE_MMU | (uint64_t)in->vex << NATIVE_VEX | (uint64_t)fp << NATIVE_FP |
                    (uint64_t)flags << NATIVE_FLAGS | (uint64_t)mmx << NATIVE_WITH_MMX |
                    (uint64_t)(fp && x86_simd_flag(x, X86_BF_XM)) << NATIVE_TRAPS | extra;
    if (m >= 0) {
        address = tx_simd_address(x, in, (unsigned)m, m == 0);
        spec |= UINT64_C(1) << NATIVE_MEM | (uint64_t)(m == 0) << NATIVE_STORE | (uint64_t)in->op[m].size << NATIVE_SIZE;
    }
    // The registers that are not vectors have no number beyond 7 in MMX.
    if (mmx && in->op[0].kind == X86_ARG_MMX)
        spec &= ~(uint64_t)0x88 | (in->row->forms[0] >> 4 == KIND_Q ? 0x8 : 0x80);
    spec |= destination(in);
    struct x86_native *native = x->cpu->native;
    tx_call3(x, &x86_helper_native, tx_i64(x, x86_native_stub(native, in)), tx_i64(x, spec), address);
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_native(struct x86_translator *x, const struct x86_decoded *in)
{
    switch (tx_simd_inline(x, in)) {
    case SIMD_DONE:
        return true;
    case SIMD_RAISED:
        return false;
    default:
        return run_native(x, in, 0);
    }
}

// PCMPISTRI and its like have results in fixed registers.
bool x86_tr_string_compare(struct x86_translator *x, const struct x86_decoded *in)
{
    bool index = in->opcode & 1, lengths = !(in->opcode & 2);
    struct x86_decoded moved = *in;
    struct x86_operand none = {0};
    uint64_t extra = UINT64_C(1) << NATIVE_FLAGS | (index ? UINT64_C(1) << NATIVE_RCX : UINT64_C(1) << NATIVE_XMM0) |
                     (uint64_t)lengths << NATIVE_LENGTHS;
    // Unaligned memory is fine, and the first operand is only read.
    moved.op[0] = none;
    struct x86_row row = *in->row;
    row.arg = N_U;
    moved.row = &row;
    return run_native(x, &moved, extra);
}

// --- those that the general way does not fit -----------------------------------------------------------------------

static ir_ref second_vector(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!x86_simd_in_memory(in, 1))
        return ir_get(x->b, SLOT_XMM + in->op[1].reg);
    return ir_load(x->b, IR_V128, tx_simd_address(x, in, 1, false), x86_simd_mem(x, 4));
}

bool x86_tr_blendv(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_simd_allowed(x, in, false))
        return false;
    unsigned lane = in->opcode == 0x10 ? 1 : in->opcode == 0x14 ? 4 : 8;
    tx_call2(x, &x86_helper_blend, tx_i32(x, in->op[0].reg | lane << 4), second_vector(x, in));
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_sha256rnds2(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_simd_allowed(x, in, false))
        return false;
    tx_call2(x, &x86_helper_sha256rnds2, tx_i32(x, in->op[0].reg), second_vector(x, in));
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_maskmov(struct x86_translator *x, const struct x86_decoded *in)
{
    bool mmx = tx_simd_uses_mmx(in);
    if (!tx_simd_allowed(x, in, mmx))
        return false;
    if (mmx)
        x->notes.x87 = 0;
    unsigned bytes = mmx ? 8 : 16, segment = in->segment_prefix ? in->segment : X86_DS;
    ir_ref address = tx_linear(x, segment, tx_gpr_address(x, X86_RDI, in->addrsize), bytes, true);
    tx_call2(x, &x86_helper_maskmov, tx_i32(x, in->op[0].reg | in->op[1].reg << 4 | bytes << 8 | x->mmu << 16), address);
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_vmaskmov(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_simd_allowed(x, in, false))
        return false;
    bool store = x86_simd_in_memory(in, 0);
    unsigned bytes = in->vex_l ? 32 : 16, lane = in->row->arg ? 8 : 4;
    ir_ref address = tx_address(x, in, bytes, store);
    uint32_t what = in->reg | (uint32_t)in->vvvv << 4 | bytes << 8 | x->mmu << 16 | lane << 20 | (uint32_t)store << 24;
    tx_call2(x, &x86_helper_vmaskmov, tx_i32(x, what), address);
    x->notes.cc.kind = CC_DYNAMIC;
    return true;
}

bool x86_tr_emms(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_simd_allowed(x, in, true))
        return false;
    tx_mmx_end(x);
    return true;
}

// VZEROUPPER, VZEROALL
bool x86_tr_vzero(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_simd_allowed(x, in, false))
        return false;
    unsigned count = x->mode == 2 ? 16 : 8;
    for (unsigned n = 0; n < count; n++) {
        ir_set(x->b, SLOT_YMMH + n, ir_v128(x->b, 0, 0));
        if (in->row->arg)
            ir_set(x->b, SLOT_XMM + n, ir_v128(x->b, 0, 0));
    }
    return true;
}
