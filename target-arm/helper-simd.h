// SPDX-License-Identifier: MIT
// C functions for vector operations, floating point and cryptography that the IR has no operations for. All work on
// operands alone (no state structure); vectors are pointers to 16 bytes. Private to target-arm.
#pragma once

#include "tcg/ir.h"

// --- integer lanes (helper-simd.c); pure ---

enum arm_simd_op {
    // Shifts of lanes of n by the signed low bytes of lanes of m. SIMD_ROUND and SIMD_SATURATE modify them.
    SIMD_SSHL,
    SIMD_USHL,
    SIMD_SQSHLU, // signed input, unsigned result
    SIMD_SUQADD, // d + n
    SIMD_USQADD,
    SIMD_SQRDMLAH, // on d
    SIMD_SQRDMLSH,
    SIMD_CLS,
    SIMD_CLZ,
    SIMD_PMUL,
    SIMD_PMULL,  // low halves
    SIMD_SDOT,   // on d; lanes of 4 bytes
    SIMD_UDOT,
    SIMD_USDOT,  // n unsigned, m signed
    SIMD_SMMLA,
    SIMD_UMMLA,
    SIMD_USMMLA,
    SIMD_URECPE,
    SIMD_URSQRTE,
};

// The control operand: op | size << 8 | modifiers.
enum {
    SIMD_ROUND = 1 << 16,
    SIMD_SATURATE = 1 << 17,
    SIMD_REPORT = 1 << 18, // give the lanes that saturated as ones instead of the result
};
// (n, m, d, control i32) -> v128
extern const struct ir_helper arm_helper_simd;

// --- floating point (helper-fp.c); raises cumulative flags ---

enum arm_fp_op {
    // with IR operations for single and double precision; two operands, and d where it is named
    FP_OP_ADD,
    FP_OP_SUB,
    FP_OP_MUL,
    FP_OP_NMUL,
    FP_OP_DIV,
    FP_OP_MIN,
    FP_OP_MAX,
    FP_OP_MINNM,
    FP_OP_MAXNM,
    FP_OP_FMA,   // d + n * m
    FP_OP_FMS,   // d - n * m
    FP_OP_NMADD, // -d - n * m
    FP_OP_NMSUB, // -d + n * m
    FP_OP_ABD,
    FP_OP_CMEQ,
    FP_OP_CMGE,
    FP_OP_CMGT,
    FP_OP_ACGE,
    FP_OP_ACGT,
    // the same, one operand
    FP_OP_SQRT,
    FP_OP_ABS,
    FP_OP_NEG,
    FP_OP_RINT, // extra: enum ir_round | IR_RINT_EXACT
    FP_OP_LAST_INLINE = FP_OP_RINT,
    // with IR operations for scalars; lanes to lanes of the same size
    FP_OP_TO_SI, // extra: enum ir_round | fraction bits << 4
    FP_OP_TO_UI,
    FP_OP_FROM_SI, // extra: fraction bits << 4
    FP_OP_FROM_UI,
    FP_OP_CONVERT, // extra: the size converted to | FP_CONVERT_*
    // without; one operand
    FP_OP_RINT32, // extra: enum ir_round
    FP_OP_RINT64,
    FP_OP_RECPE,
    FP_OP_RSQRTE,
    FP_OP_RECPX,
    // two operands
    FP_OP_MULX,
    FP_OP_RECPS,
    FP_OP_RSQRTS,
    // between lanes; `size` is that of d
    FP_OP_FCADD, // extra: rotate by 270 instead of 90
    FP_OP_FCMLA, // extra: rotation in units of 90
    FP_OP_FMLAL, // lanes of half precision of n and m, on lanes of single precision of d; extra: subtract
    FP_OP_BFDOT,
    FP_OP_BFMMLA,
    FP_OP_BFMLAL, // extra: odd lanes
};

enum { FP_CONVERT_ODD = 1 << 2, FP_CONVERT_TO_BF16 = 1 << 3 };

// The control operand: op | size << 8 | lanes << 10 | FPCR bits | extra << 20.
enum {
    FP_CONTROL_AHP = 1 << 15,
    FP_CONTROL_DN = 1 << 16,
    FP_CONTROL_FZ = 1 << 17,
    FP_CONTROL_FZ16 = 1 << 18,
    FP_CONTROL_EXTRA = 20,
};
// (n, m, d, control i32) -> v128; lanes from `lanes` on are zero.
extern const struct ir_helper arm_helper_fp;
// (n, m, control) -> packed flags; extra 1 signals on quiet NaNs
extern const struct ir_helper arm_helper_fp_compare;
// (n, control) -> i64; extra: enum ir_round | fraction bits << 4 | FP_TO_INT_*
enum { FP_TO_INT_64 = 1 << 11 };
extern const struct ir_helper arm_helper_fp_to_int;
// (i64, control) -> v128; extra: fraction bits << 4
extern const struct ir_helper arm_helper_fp_from_int;
// FJCVTZS: (n, control) -> i64: the result, with bit 32 set when it is exact
extern const struct ir_helper arm_helper_fjcvtzs;

// --- cryptography (helper-crypto.c, helper-hash.c); pure ---

struct arm_crypto_helpers {
    struct ir_helper aese, aesd; // (d, n) -> v128
    struct ir_helper aesmc, aesimc; // (n)
    struct ir_helper pmull; // (n, m): product of the low 64 bits
};
// In C, and the best that this host has.
extern const struct arm_crypto_helpers arm_crypto_helpers_c;
const struct arm_crypto_helpers *arm_crypto_helpers(void);

enum arm_hash_op {
    HASH_SHA1C,
    HASH_SHA1P,
    HASH_SHA1M,
    HASH_SHA1SU0,
    HASH_SHA1H,
    HASH_SHA1SU1,
    HASH_SHA256H,
    HASH_SHA256H2,
    HASH_SHA256SU0,
    HASH_SHA256SU1,
    HASH_SHA512H,
    HASH_SHA512H2,
    HASH_SHA512SU0,
    HASH_SHA512SU1,
    HASH_SM3PARTW1,
    HASH_SM3PARTW2,
    HASH_SM3SS1, // of n, m, a in the places of d, n, m
    HASH_SM3TT1A,
    HASH_SM3TT1B,
    HASH_SM3TT2A,
    HASH_SM3TT2B,
    HASH_SM4E,
    HASH_SM4EKEY,
};
// (d, n, m, op | index << 8) -> v128
extern const struct ir_helper arm_helper_hash;
