// SPDX-License-Identifier: MIT
// Shared by the files of floating-point helpers. Private to them.
#pragma once

#include "tcg/eval.h"
#include "tcg/softfloat.h"

// Lane n of 1 << size bytes.
uint64_t arm_fp_lane(const void *v, unsigned size, unsigned n);
void arm_fp_set_lane(void *v, unsigned size, unsigned n, uint64_t value);

// The context for numbers of that size under a control word, and the flags it has gathered made cumulative.
struct fp_context arm_fp_context(uint32_t control, unsigned size);
void arm_fp_finish(const struct fp_context *c, unsigned size);

// --- helper-fp-estimate.c ---
uint64_t arm_fp_recip_estimate(struct fp_context *c, const struct fp_format *f, uint64_t a);
uint64_t arm_fp_rsqrt_estimate(struct fp_context *c, const struct fp_format *f, uint64_t a);
uint64_t arm_fp_recip_exponent(struct fp_context *c, const struct fp_format *f, uint64_t a);
// 2 + a * b and (3 + a * b) / 2; the caller has negated a.
uint64_t arm_fp_recip_step(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
uint64_t arm_fp_rsqrt_step(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
// RecipEstimate and RecipSqrtEstimate: tables of 9 bits, by their formulas.
unsigned arm_recip_estimate(unsigned a);
unsigned arm_rsqrt_estimate(unsigned a);

// --- helper-fp-mixed.c ---
// The operations from FP_OP_FCADD on.
void arm_fp_mixed(union ir_value *out, const void *n, const void *m, const void *d, uint32_t control);
