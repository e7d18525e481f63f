// SPDX-License-Identifier: MIT
// Pointer authentication instructions (Arm ARM, C4.1.95.2 and D8.10). The codes are computed in helper-pauth.c.
// A disabled key (SCTLR_ELx.EnIA and so on) makes its instructions move the pointer unchanged; that is part of the
// block's flags, so no check is left at run time.

#include "target-arm/helper.h"
#include "target-arm/translate.h"

static bool key_enabled(const struct a64 *a, unsigned key)
{
    return a64_flag(a, ARM_BF_KEYS + key);
}

ir_ref a64_pauth_authenticate(struct a64 *a, ir_ref pointer, ir_ref modifier, unsigned key)
{
    if (!key_enabled(a, key))
        return pointer;
    return a64_call3(a, &arm_helper_pauth_aut, pointer, modifier, ir_i32(a->b, key));
}

ir_ref a64_pauth_add(struct a64 *a, ir_ref pointer, ir_ref modifier, unsigned key)
{
    if (!key_enabled(a, key))
        return pointer;
    return a64_call3(a, &arm_helper_pauth_pac, pointer, modifier, ir_i32(a->b, key));
}

static unsigned key_field(uint32_t insn)
{
    return extract32(insn, 10, 2);
}

bool a64_PAC(struct a64 *a, uint32_t insn)
{
    unsigned rd = insn_rd(insn);
    a64_set(a, rd, a64_pauth_add(a, a64_x(a, rd), a64_reg_sp(a, IR_I64, insn_rn(insn)), key_field(insn)));
    return true;
}

bool a64_AUT(struct a64 *a, uint32_t insn)
{
    unsigned rd = insn_rd(insn);
    ir_ref modifier = a64_reg_sp(a, IR_I64, insn_rn(insn));
    a64_set(a, rd, a64_pauth_authenticate(a, a64_x(a, rd), modifier, key_field(insn)));
    return true;
}

bool a64_PACZ(struct a64 *a, uint32_t insn)
{
    unsigned rd = insn_rd(insn);
    a64_set(a, rd, a64_pauth_add(a, a64_x(a, rd), ir_i64(a->b, 0), key_field(insn)));
    return true;
}

bool a64_AUTZ(struct a64 *a, uint32_t insn)
{
    unsigned rd = insn_rd(insn);
    a64_set(a, rd, a64_pauth_authenticate(a, a64_x(a, rd), ir_i64(a->b, 0), key_field(insn)));
    return true;
}

bool a64_XPAC(struct a64 *a, uint32_t insn)
{
    unsigned rd = insn_rd(insn);
    a64_set(a, rd, a64_call2(a, &arm_helper_pauth_strip, a64_x(a, rd), ir_i32(a->b, insn >> 10 & 1)));
    return true;
}

bool a64_PACGA(struct a64 *a, uint32_t insn)
{
    ir_ref modifier = a64_reg_sp(a, IR_I64, insn_rm(insn));
    a64_set(a, insn_rd(insn), a64_call2(a, &arm_helper_pauth_generic, a64_x(a, insn_rn(insn)), modifier));
    return true;
}

// The hint space, so that code with them runs on any processor: keys IA and IB, on X17 with X16 or on X30.
bool a64_pauth_hint(struct a64 *a, unsigned hint)
{
    enum { XPACLRI = 7, AUT_BIT = 4, B_BIT = 2 };
    if (!arm_has(a->cpu, ARM_FEAT_PAUTH))
        return true;
    if (hint == XPACLRI) {
        a64_set(a, 30, a64_call2(a, &arm_helper_pauth_strip, a64_x(a, 30), ir_i32(a->b, 0)));
        return true;
    }
    unsigned reg, key = hint & B_BIT ? 1 : 0;
    ir_ref modifier;
    if (hint < 16) { // PACIA1716 = 8, PACIB1716 = 10, AUTIA1716 = 12, AUTIB1716 = 14
        reg = 17;
        modifier = a64_x(a, 16);
    } else { // 24 to 31: bit 0 says SP, else zero
        reg = 30;
        modifier = hint & 1 ? a64_reg_sp(a, IR_I64, 31) : ir_i64(a->b, 0);
    }
    ir_ref pointer = a64_x(a, reg);
    a64_set(a, reg, hint & AUT_BIT ? a64_pauth_authenticate(a, pointer, modifier, key)
                                   : a64_pauth_add(a, pointer, modifier, key));
    return true;
}
