// SPDX-License-Identifier: MIT
// softfloat by x86 rules against the host's own arithmetic: results and cumulative flags, in every rounding mode.
#include <criterion/criterion.h>
#include <emmintrin.h>
#include <string.h>

#include "tcg/softfloat.h"

enum { ROUNDS = 400000 };

static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

// A double that is often special: zeros, denormals, infinities, NaNs, neighbours of one.
static uint64_t edge_double(uint64_t *seed)
{
    uint64_t r = next(seed), sign = r & UINT64_C(1) << 63;
    switch (next(seed) & 7) {
    case 0:
        return sign;
    case 1:
        return r & UINT64_C(0x800fffffffffffff);
    case 2:
        return sign | (UINT64_C(0x3ff) << 52) | (r & 7);
    case 3:
        return (r & UINT64_C(0x800fffffffffffff)) | UINT64_C(1) << 52;
    case 4:
        return sign | UINT64_C(0x7ff) << 52 | (r & 1) << 51;
    case 5:
        return (r & ~(UINT64_C(0x7ff) << 52)) | (UINT64_C(0x3f0) + (r >> 56 & 31)) << 52;
    default:
        return r;
    }
}

static const unsigned csr_rounding[] = {[IR_ROUND_NEAREST_EVEN] = 0, [IR_ROUND_UP] = 2, [IR_ROUND_DOWN] = 1,
                                        [IR_ROUND_ZERO] = 3};

static unsigned flags_of_csr(unsigned csr)
{
    return (csr & 1 ? FP_INVALID : 0) | (csr & 4 ? FP_DIVIDE : 0) | (csr & 8 ? FP_OVERFLOW : 0) |
           (csr & 16 ? FP_UNDERFLOW : 0) | (csr & 32 ? FP_INEXACT : 0);
}

static __m128d vector_of(uint64_t bits)
{
    return _mm_castsi128_pd(_mm_cvtsi64_si128((long long)bits));
}

static uint64_t bits_of(__m128d v)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_castpd_si128(v));
}

typedef uint64_t soft_fn(struct fp_context *c, uint64_t a, uint64_t b);

static uint64_t soft_sqrt(struct fp_context *c, uint64_t a, uint64_t b)
{
    (void)a;
    return fp_sqrt(c, &fp_double, b);
}

static uint64_t soft_narrow(struct fp_context *c, uint64_t a, uint64_t b)
{
    (void)a;
    return fp_convert(c, &fp_double, &fp_single, b);
}

#define SOFT(name)                                                                                                     \
    static uint64_t soft_##name(struct fp_context *c, uint64_t a, uint64_t b)                                          \
    {                                                                                                                  \
        return fp_##name(c, &fp_double, a, b);                                                                         \
    }
SOFT(add)
SOFT(sub)
SOFT(mul)
SOFT(div)
#undef SOFT

static uint64_t host(unsigned op, uint64_t a, uint64_t b)
{
    // The asm operands keep the compiler from moving the arithmetic past the control register.
    __m128d x = vector_of(a), y = vector_of(b);
    switch (op) {
    case 0:
        __asm__ volatile("addsd %1, %0" : "+x"(x) : "x"(y));
        break;
    case 1:
        __asm__ volatile("subsd %1, %0" : "+x"(x) : "x"(y));
        break;
    case 2:
        __asm__ volatile("mulsd %1, %0" : "+x"(x) : "x"(y));
        break;
    case 3:
        __asm__ volatile("divsd %1, %0" : "+x"(x) : "x"(y));
        break;
    case 4:
        __asm__ volatile("sqrtsd %1, %0" : "+x"(x) : "x"(y));
        break;
    default:
        __asm__ volatile("cvtsd2ss %1, %0" : "+x"(x) : "x"(y));
        return (uint32_t)bits_of(x);
    }
    return bits_of(x);
}

static void compare(unsigned op, soft_fn *soft)
{
    uint64_t seed = op + 1;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t a = edge_double(&seed), b = edge_double(&seed);
        unsigned rounding = next(&seed) & 3;
        struct fp_context c = {.rounding = (uint8_t)rounding};
        uint64_t got = soft(&c, a, b);
        _mm_setcsr(0x1f80 | csr_rounding[rounding] << 13);
        uint64_t want = host(op, a, b);
        unsigned flags = flags_of_csr(_mm_getcsr());
        _mm_setcsr(0x1f80);
        cr_assert(got == want && c.flags == flags, "op %u rounding %u of %#lx, %#lx: %#lx flags %#x, host %#lx flags %#x",
                  op, rounding, a, b, got, c.flags, want, flags);
    }
}

Test(softfloat, add)
{
    compare(0, soft_add);
}

Test(softfloat, subtract)
{
    compare(1, soft_sub);
}

Test(softfloat, multiply)
{
    compare(2, soft_mul);
}

Test(softfloat, divide)
{
    compare(3, soft_div);
}

Test(softfloat, square_root)
{
    compare(4, soft_sqrt);
}

Test(softfloat, double_to_single)
{
    compare(5, soft_narrow);
}

// Facts from the Arm ARM (shared/functions/float).
Test(softfloat, arm_rules)
{
    struct fp_context c = {.rules = {.nan_arm = true, .tiny_before = true}};
    const uint64_t quiet = UINT64_C(0x7ff8000000000001), signalling = UINT64_C(0x7ff0000000000002);
    cr_assert_eq(fp_add(&c, &fp_double, quiet, signalling), signalling | UINT64_C(1) << 51);
    cr_assert_eq(c.flags, FP_INVALID);
    c.flags = 0;
    cr_assert_eq(fp_mul(&c, &fp_double, UINT64_C(0x7ff) << 52, 0), UINT64_C(0x7ff8000000000000));
    c.flags = 0;
    cr_assert_eq(fp_max(&c, &fp_double, quiet, UINT64_C(0x3ff) << 52, true), UINT64_C(0x3ff) << 52);
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(fp_to_int(&c, &fp_double, UINT64_C(0xc3e) << 52, 32, true, 0), 0x80000000);
    cr_assert_eq(c.flags, FP_INVALID);
}

Test(softfloat, half_precision)
{
    struct fp_context c = {.rules = {.nan_arm = true, .tiny_before = true}};
    cr_assert_eq(fp_convert(&c, &fp_single, &fp_half, 0x3f800000), 0x3c00);
    cr_assert_eq(fp_convert(&c, &fp_single, &fp_half, 0x47800000), 0x7c00); // 65536 overflows
    cr_assert_eq(c.flags, FP_OVERFLOW | FP_INEXACT);
    c.flags = 0;
    cr_assert_eq(fp_convert(&c, &fp_single, &fp_half_alternative, 0x47800000), 0x7c00); // and does not there
    cr_assert_eq(c.flags, 0);
}
