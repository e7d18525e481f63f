// SPDX-License-Identifier: MIT
// The arithmetic flags in lazy form: what made them, and with which values.
//
//   kind       cc_dst    cc_src           cc_src2
//   FLAGS      -         the EFLAGS bits  -
//   ADD, SUB   result    second operand   -
//   ADC, SBB   result    second operand   carry in
//   LOGIC      result    -                -          CF = OF = AF = 0
//   INC, DEC   result    CF               -
//   SHL        result    operand shifted by count - 1
//   SHR        result    the same, for SHR and SAR
//   MUL        low half  not zero: CF = OF = 1
//   CARRY      result    CF               -          OF = AF = 0
//   CARRIES    result    CF               OF         AF = 0
//   APART      the rest  CF               OF
//
// Values of operands narrower than 64 bits may have anything above their size.
#pragma once

#include <stdint.h>

enum x86_cc_kind {
    CC_FLAGS, CC_ADD, CC_SUB, CC_ADC, CC_SBB, CC_LOGIC, CC_INC, CC_DEC, CC_SHL, CC_SHR, CC_MUL, CC_CARRY, CC_CARRIES,
    CC_APART,
    CC_DYNAMIC, // of translators only: known when the code runs
};

// cc_op is kind << 2 | log2 of the operand's bytes.
static inline uint32_t x86_cc_op(enum x86_cc_kind kind, unsigned size)
{
    return (uint32_t)kind << 2 | size;
}

// The FLAGS_ARITH bits.
uint32_t x86_flags_of(uint32_t op, uint64_t dst, uint64_t src, uint64_t src2);
