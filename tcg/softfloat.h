// SPDX-License-Identifier: MIT
// IEEE 754 arithmetic in integers: the reference for the FP operations of the IR, and their slow path. Every function is
// pure but for context->flags, to which it adds what the operation raised (FP_INVALID ... of tcg/fp-flags.h).
//
// Numbers are raw encodings in the low bits of a uint64_t.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tcg/fp-flags.h"
#include "tcg/ir.h"

struct fp_format {
    uint8_t exponent_bits, fraction_bits;
    bool no_special; // Arm's alternative half precision: the largest exponent holds numbers
};
extern const struct fp_format fp_half, fp_half_alternative, fp_bfloat16, fp_single, fp_double;

// Beyond enum ir_round: the result's last bit is set when it is inexact (FCVTXN).
enum { FP_ROUND_ODD = 7 };

struct fp_context {
    struct ir_fp_rules rules;
    uint8_t rounding; // enum ir_round (not CURRENT) or FP_ROUND_ODD
    unsigned flags;   // raised so far
};

enum fp_order { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED };

uint64_t fp_add(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
uint64_t fp_sub(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
uint64_t fp_mul(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
// Arm's FMULX: zero times infinity is two.
uint64_t fp_mulx(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
uint64_t fp_div(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b);
uint64_t fp_sqrt(struct fp_context *c, const struct fp_format *f, uint64_t a);
// a + b * d, rounded once; the NaN choice is in the order a, b, d. `halve` divides by two before rounding.
uint64_t fp_fma(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, uint64_t d, bool halve);
enum fp_order fp_compare(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool signalling);
// `number` chooses minNum and maxNum, which prefer a number to a quiet NaN.
uint64_t fp_min(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool number);
uint64_t fp_max(struct fp_context *c, const struct fp_format *f, uint64_t a, uint64_t b, bool number);
// To an integral value; raises inexact only with `exact`.
uint64_t fp_rint(struct fp_context *c, const struct fp_format *f, uint64_t a, bool exact);
uint64_t fp_convert(struct fp_context *c, const struct fp_format *from, const struct fp_format *to, uint64_t a);
// a * 2^fraction_bits as an integer of `width` (up to 64) bits, saturated with FP_INVALID; NaN gives 0.
uint64_t fp_to_int(struct fp_context *c, const struct fp_format *f, uint64_t a, unsigned width, bool is_signed,
                   unsigned fraction_bits);
// value / 2^fraction_bits.
uint64_t fp_from_int(struct fp_context *c, const struct fp_format *f, uint64_t value, bool is_signed,
                     unsigned fraction_bits);

bool fp_is_nan(const struct fp_format *f, uint64_t a);
bool fp_is_signalling(const struct fp_format *f, uint64_t a);
uint64_t fp_default_nan(const struct fp_context *c, const struct fp_format *f);
// The NaN result for operands of which at least one is a NaN; `count` up to 3.
uint64_t fp_propagate_nan(struct fp_context *c, const struct fp_format *f, const uint64_t *operands, unsigned count);
