// SPDX-License-Identifier: MIT
// x87 instructions and state images: which forms exist, and the general way, by a helper. translate-x87-inline.c is asked
// first.

#include "target-x86/translate-simd.h"
#include "target-x86/translate.h"
#include "target-x86/x87.h"

// Register forms that exist, a bit each for C0 to FF.
static const uint64_t register_forms[8] = {
    ~UINT64_C(0),
    UINT64_C(0xffff7f33ff01ffff), // D9
    UINT64_C(0x00000200ffffffff), // DA: FCMOV, FUCOMPP
    UINT64_C(0x00ffff1fffffffff), // DB
    ~UINT64_C(0),
    UINT64_C(0x0000ffffffffffff), // DD
    UINT64_C(0xffffffff02ffffff), // DE
    UINT64_C(0x00ffff01ffffffff), // DF
};

static bool memory_form_exists(unsigned opcode, unsigned reg)
{
    return x87_is_image(opcode, reg) || x87_operand(opcode, reg).bytes;
}

// FLDENV, FNSTENV, FRSTOR, FNSAVE.
static bool state_image(struct x86_translator *x, const struct x86_decoded *in, uint32_t what)
{
    unsigned reg = in->modrm >> 3 & 7;
    bool wide = in->opsize != 1, store = reg == 6;
    unsigned bytes = (wide ? 28 : 14) + (in->opcode == 0xdd ? 80 : 0);
    what |= (uint32_t)wide << 20 | (uint32_t)tx_protected(x) << 21;
    tx_call2(x, &x86_helper_x87_image, tx_i32(x, what), tx_address(x, in, bytes, store));
    x->notes.x87 = 0;
    // Stores leave all exceptions masked.
    return store && tx_flag(x, X86_BF_X87_MASKED) ? true : tx_exit_next_modes(x);
}

bool x86_tr_x87(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned reg = in->modrm >> 3 & 7;
    bool memory = in->mod != 3;
    uint32_t what = (uint32_t)in->opcode << 8 | in->modrm | x->mmu << 16;
    if (x86_simd_flag(x, X86_BF_FPU_TRAP))
        return tx_raise(x, X86_NM);
    if (memory ? !memory_form_exists(in->opcode, reg) : !(register_forms[in->opcode & 7] >> (in->modrm & 63) & 1))
        return tx_ud(x);
    if (memory && x87_is_image(in->opcode, reg))
        return state_image(x, in, what);
    if (tx_x87_inline(x, in))
        return true;
    if (memory) {
        struct x87_operand o = x87_operand(in->opcode, reg);
        ir_ref offset = tx_offset(x, in);
        what |= (uint32_t)in->segment << 18;
        tx_call3(x, &x86_helper_x87_memory, tx_i32(x, what), tx_linear(x, in->segment, offset, o.bytes, o.store), offset);
    } else {
        tx_call1(x, &x86_helper_x87, tx_i32(x, what));
    }
    x->notes.x87 = 0;
    x->notes.cc.kind = CC_DYNAMIC;
    // Blocks depend on the masks, which FLDCW and FNINIT change.
    bool changes = memory ? in->opcode == 0xd9 && reg == 5 : (what & 0xffff) == X87_FNINIT;
    return changes ? tx_exit_next_modes(x) : true;
}

bool x86_tr_x87_wait(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)in;
    if (x86_simd_flag(x, X86_BF_FPU_MP) && x86_simd_flag(x, X86_BF_FPU_TS))
        return tx_raise(x, X86_NM);
    if (!tx_flag(x, X86_BF_X87_MASKED))
        tx_call0(x, &x86_helper_x87_pending);
    return true;
}

static bool image(struct x86_translator *x, const struct x86_decoded *in, const struct ir_helper *helper, unsigned bytes,
                  bool write)
{
    uint32_t what = in->row->arg | x->mmu << 8 | (in->rex & 8 ? 1u << 12 : 0);
    tx_call2(x, helper, tx_i32(x, what), tx_address(x, in, bytes, write));
    // MXCSR's masks are something that blocks depend on.
    x->notes.cc.kind = CC_DYNAMIC;
    return tx_exit_next_modes(x);
}

bool x86_tr_fxsave(struct x86_translator *x, const struct x86_decoded *in)
{
    if (x86_simd_flag(x, X86_BF_FPU_TRAP))
        return tx_raise(x, X86_NM);
    return image(x, in, &x86_helper_fxsave, 128, !in->row->arg);
}

bool x86_tr_xsave(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!x86_simd_flag(x, X86_BF_XSAVE))
        return tx_ud(x);
    if (x86_simd_flag(x, X86_BF_FPU_TS))
        return tx_raise(x, X86_NM);
    return image(x, in, &x86_helper_xsave, 128, in->row->arg != XSAVE_XRSTOR);
}

bool x86_tr_mxcsr(struct x86_translator *x, const struct x86_decoded *in)
{
    if (!tx_simd_allowed(x, in, false))
        return false;
    if (in->row->arg) {
        ir_ref address = tx_address(x, in, 4, true);
        tx_store(x, address, 2, tx_call0(x, &x86_helper_stmxcsr));
        return true;
    }
    tx_call1(x, &x86_helper_ldmxcsr, tx_read(x, in, 0));
    x->notes.cc.kind = CC_DYNAMIC;
    return tx_exit_next_modes(x);
}
