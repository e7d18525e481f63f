// SPDX-License-Identifier: MIT
// Cryptographic instructions (Arm ARM, C4.1.97): AES, SHA-1, SHA-2, SHA-3, SM3, SM4. Those of SHA-3 are logic and
// rotations; the others are helpers.

#include "target-arm/translate-simd.h"

// --- AES ---

static bool aes_round(struct a64 *a, uint32_t insn, const struct ir_helper *helper)
{
    if (!a64_fp_enabled(a))
        return false;
    a64_set_v(a, insn_rd(insn), a64_call2(a, helper, a64_v(a, insn_rd(insn)), a64_v(a, insn_rn(insn))));
    return true;
}

static bool aes_mix(struct a64 *a, uint32_t insn, const struct ir_helper *helper)
{
    if (!a64_fp_enabled(a))
        return false;
    a64_set_v(a, insn_rd(insn), a64_call1(a, helper, a64_v(a, insn_rn(insn))));
    return true;
}

bool a64_AESE(struct a64 *a, uint32_t insn)
{
    return aes_round(a, insn, &arm_crypto_helpers()->aese);
}
bool a64_AESD(struct a64 *a, uint32_t insn)
{
    return aes_round(a, insn, &arm_crypto_helpers()->aesd);
}
bool a64_AESMC(struct a64 *a, uint32_t insn)
{
    return aes_mix(a, insn, &arm_crypto_helpers()->aesmc);
}
bool a64_AESIMC(struct a64 *a, uint32_t insn)
{
    return aes_mix(a, insn, &arm_crypto_helpers()->aesimc);
}

// --- hashes, SM4 ---

static bool hash(struct a64 *a, uint32_t insn, enum arm_hash_op op)
{
    if (!a64_fp_enabled(a))
        return false;
    unsigned rd = insn_rd(insn), index = extract32(insn, 12, 2); // of SM3TT*
    ir_ref args[] = {a64_v(a, rd), a64_v(a, insn_rn(insn)), a64_v(a, insn_rm(insn)), ir_i32(a->b, op | index << 8)};
    a64_set_v(a, rd, ir_call(a->b, &arm_helper_hash, args));
    return true;
}

bool a64_SHA1C(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA1C);
}
bool a64_SHA1P(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA1P);
}
bool a64_SHA1M(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA1M);
}
bool a64_SHA1SU0(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA1SU0);
}
bool a64_SHA1H(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA1H);
}
bool a64_SHA1SU1(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA1SU1);
}
bool a64_SHA256H(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA256H);
}
bool a64_SHA256H2(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA256H2);
}
bool a64_SHA256SU0(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA256SU0);
}
bool a64_SHA256SU1(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA256SU1);
}
bool a64_SHA512H(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA512H);
}
bool a64_SHA512H2(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA512H2);
}
bool a64_SHA512SU0(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA512SU0);
}
bool a64_SHA512SU1(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SHA512SU1);
}
bool a64_SM3PARTW1(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM3PARTW1);
}
bool a64_SM3PARTW2(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM3PARTW2);
}
bool a64_SM3TT1A(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM3TT1A);
}
bool a64_SM3TT1B(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM3TT1B);
}
bool a64_SM3TT2A(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM3TT2A);
}
bool a64_SM3TT2B(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM3TT2B);
}
bool a64_SM4E(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM4E);
}
bool a64_SM4EKEY(struct a64 *a, uint32_t insn)
{
    return hash(a, insn, HASH_SM4EKEY);
}

bool a64_SM3SS1(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref args[] = {a64_v(a, insn_rn(insn)), a64_v(a, insn_rm(insn)), a64_v(a, insn_ra(insn)),
                     ir_i32(a->b, HASH_SM3SS1)};
    a64_set_v(a, insn_rd(insn), ir_call(a->b, &arm_helper_hash, args));
    return true;
}

// --- SHA-3 ---

static ir_ref logic(struct a64 *a, enum ir_op op, ir_ref x, ir_ref y)
{
    return ir_v2(a->b, op, 0, x, y, 0);
}

// Lanes of 64 bits rotated to the right.
static ir_ref rotate(struct a64 *a, ir_ref x, unsigned count)
{
    if (!count)
        return x;
    return logic(a, IR_VOR, ir_v1(a->b, IR_VSHR, 3, x, count), ir_v1(a->b, IR_VSHL, 3, x, 64 - count));
}

bool a64_EOR3(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref x = logic(a, IR_VXOR, a64_v(a, insn_rn(insn)), a64_v(a, insn_rm(insn)));
    a64_set_v(a, insn_rd(insn), logic(a, IR_VXOR, x, a64_v(a, insn_ra(insn))));
    return true;
}

bool a64_BCAX(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref cleared = logic(a, IR_VANDN, a64_v(a, insn_rm(insn)), a64_v(a, insn_ra(insn)));
    a64_set_v(a, insn_rd(insn), logic(a, IR_VXOR, a64_v(a, insn_rn(insn)), cleared));
    return true;
}

bool a64_RAX1(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref rotated = rotate(a, a64_v(a, insn_rm(insn)), 63);
    a64_set_v(a, insn_rd(insn), logic(a, IR_VXOR, a64_v(a, insn_rn(insn)), rotated));
    return true;
}

bool a64_XAR(struct a64 *a, uint32_t insn)
{
    if (!a64_fp_enabled(a))
        return false;
    ir_ref x = logic(a, IR_VXOR, a64_v(a, insn_rn(insn)), a64_v(a, insn_rm(insn)));
    a64_set_v(a, insn_rd(insn), rotate(a, x, extract32(insn, 10, 6)));
    return true;
}
