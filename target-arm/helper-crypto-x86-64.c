// SPDX-License-Identifier: MIT
// AES and polynomial multiplication by the host's own instructions (Intel SDM volume 2: AESENC and its kin, PCLMULQDQ),
// chosen when the host has them. None of them touches MXCSR.

#include <immintrin.h>

#include "target-arm/helper-simd.h"
#include "target-arm/helper.h"

#define WITH_AES __attribute__((target("aes,pclmul")))

WITH_AES static void aese(void *result, const void *d, const void *n)
{
    __m128i x = _mm_xor_si128(_mm_loadu_si128(d), _mm_loadu_si128(n));
    _mm_storeu_si128(result, _mm_aesenclast_si128(x, _mm_setzero_si128()));
}

WITH_AES static void aesd(void *result, const void *d, const void *n)
{
    __m128i x = _mm_xor_si128(_mm_loadu_si128(d), _mm_loadu_si128(n));
    _mm_storeu_si128(result, _mm_aesdeclast_si128(x, _mm_setzero_si128()));
}

// There is no instruction for the mix alone: a round after the inverse of its other half.
WITH_AES static void aesmc(void *result, const void *n)
{
    __m128i zero = _mm_setzero_si128();
    _mm_storeu_si128(result, _mm_aesenc_si128(_mm_aesdeclast_si128(_mm_loadu_si128(n), zero), zero));
}

WITH_AES static void aesimc(void *result, const void *n)
{
    _mm_storeu_si128(result, _mm_aesimc_si128(_mm_loadu_si128(n)));
}

WITH_AES static void pmull(void *result, const void *n, const void *m)
{
    _mm_storeu_si128(result, _mm_clmulepi64_si128(_mm_loadu_si128(n), _mm_loadu_si128(m), 0));
}

enum { FLAGS = IR_HELPER_PURE | IR_HELPER_NO_ENV };

static const struct arm_crypto_helpers host_helpers = {
    .aese = {"aese", ARM_HELPER_FN(aese), FLAGS, IR_V128, 2, {IR_V128, IR_V128}},
    .aesd = {"aesd", ARM_HELPER_FN(aesd), FLAGS, IR_V128, 2, {IR_V128, IR_V128}},
    .aesmc = {"aesmc", ARM_HELPER_FN(aesmc), FLAGS, IR_V128, 1, {IR_V128}},
    .aesimc = {"aesimc", ARM_HELPER_FN(aesimc), FLAGS, IR_V128, 1, {IR_V128}},
    .pmull = {"pmull", ARM_HELPER_FN(pmull), FLAGS, IR_V128, 2, {IR_V128, IR_V128}},
};

const struct arm_crypto_helpers *arm_crypto_helpers(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") ? &host_helpers : &arm_crypto_helpers_c;
}
