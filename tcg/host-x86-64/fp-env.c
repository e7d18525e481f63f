// SPDX-License-Identifier: MIT
// The guest's rounding mode and cumulative flags in MXCSR (Intel SDM volume 1, 10.2.3), which are in force whenever a
// vCPU thread is inside run(). C code called from there does no floating-point arithmetic but on the guest's behalf.
#include <stdbool.h>
#include <stdint.h>
#include <xmmintrin.h>

#include "tcg/fp-flags.h"

enum {
    CSR_INVALID = 1 << 0,
    CSR_DENORMAL = 1 << 1,
    CSR_DIVIDE = 1 << 2,
    CSR_OVERFLOW = 1 << 3,
    CSR_UNDERFLOW = 1 << 4,
    CSR_INEXACT = 1 << 5,
    CSR_FLAGS = 0x3f,
    CSR_MASKS = 0x1f80,
    CSR_RC_SHIFT = 13,
};

// Of a control value that is not in force, where MXCSR has nothing: denormal_flag.
#define CONTROL_DENORMAL (UINT32_C(1) << 31)

// Flags that MXCSR has no bit for on its own: an input flushed to zero is the guest's alone (the host sets its
// denormal flag for any denormal operand), so it is kept beside.
static unsigned from_csr(unsigned csr)
{
    return (csr & CSR_INVALID ? FP_INVALID : 0) | (csr & CSR_DIVIDE ? FP_DIVIDE : 0) |
           (csr & CSR_OVERFLOW ? FP_OVERFLOW : 0) | (csr & CSR_UNDERFLOW ? FP_UNDERFLOW : 0) |
           (csr & CSR_INEXACT ? FP_INEXACT : 0);
}

static unsigned to_csr(unsigned flags)
{
    return (flags & FP_INVALID ? CSR_INVALID : 0) | (flags & FP_DIVIDE ? CSR_DIVIDE : 0) |
           (flags & FP_OVERFLOW ? CSR_OVERFLOW : 0) | (flags & FP_UNDERFLOW ? CSR_UNDERFLOW : 0) |
           (flags & FP_INEXACT ? CSR_INEXACT : 0);
}

static __thread bool denormal_flag;

uint32_t fp_env_swap(uint32_t control)
{
    uint32_t old = _mm_getcsr() | (denormal_flag ? CONTROL_DENORMAL : 0);
    _mm_setcsr(control & ~CONTROL_DENORMAL);
    denormal_flag = control & CONTROL_DENORMAL;
    return old;
}

uint32_t fp_env_reset_control(void)
{
    return CSR_MASKS;
}

unsigned fp_env_flags(void)
{
    return from_csr(_mm_getcsr()) | (denormal_flag ? FP_DENORMAL : 0);
}

void fp_env_set_flags(unsigned flags)
{
    _mm_setcsr((_mm_getcsr() & ~(unsigned)CSR_FLAGS) | to_csr(flags));
    denormal_flag = flags & FP_DENORMAL;
}

void fp_env_raise(unsigned flags)
{
    if (flags & ~(unsigned)FP_DENORMAL)
        _mm_setcsr(_mm_getcsr() | to_csr(flags));
    if (flags & FP_DENORMAL)
        denormal_flag = true;
}

static const uint8_t csr_of_round[] = {[IR_ROUND_NEAREST_EVEN] = 0, [IR_ROUND_UP] = 2, [IR_ROUND_DOWN] = 1,
                                       [IR_ROUND_ZERO] = 3};

void fp_env_set_rounding(enum ir_round rounding)
{
    _mm_setcsr((_mm_getcsr() & ~(3u << CSR_RC_SHIFT)) | (unsigned)csr_of_round[rounding] << CSR_RC_SHIFT);
}

enum ir_round fp_env_rounding(void)
{
    static const uint8_t round_of_csr[] = {IR_ROUND_NEAREST_EVEN, IR_ROUND_DOWN, IR_ROUND_UP, IR_ROUND_ZERO};
    return round_of_csr[_mm_getcsr() >> CSR_RC_SHIFT & 3];
}
