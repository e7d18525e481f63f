// SPDX-License-Identifier: MIT
// The arithmetic flags in lazy form: what made them, and with which values.
//
//   kind       cc_dst    cc_src           cc_src2
//   FLAGS      -         the EFLAGS bits  -
//   ADD, SUB   result    second operand   -
//   CMP        operand   second operand   -          a SUB with its first operand and no result
//   ADC, SBB   result    second operand   carry in
//   LOGIC      result    -                -          CF = OF = AF = 0
//   INC, DEC   result    CF               -
//   SHL        result    operand shifted by count - 1
//   SHR        result    the same, for SHR and SAR
//   MUL        low half  not zero: CF = OF = 1
//   CARRY      result    CF               -          OF = AF = 0
//
// ADCX and ADOX change CF or OF alone, and INC and DEC keep the CF of a chain: such flags are bit 0 of cc_cf and cc_of, and
// cc_op has X86_CC_CF or X86_CC_OF beside the kind that the other flags are of. Of cc_src2 too, bit 0 alone counts.
//
// Values of operands narrower than 64 bits may have anything above their size.
#pragma once

#include <stdint.h>

enum x86_cc_kind {
    CC_FLAGS, CC_ADD, CC_SUB, CC_CMP, CC_ADC, CC_SBB, CC_LOGIC, CC_INC, CC_DEC, CC_SHL, CC_SHR, CC_MUL, CC_CARRY,
    // Of translators only: known when the code runs; the same, but for CF or OF.
    CC_DYNAMIC, CC_APART,
};

enum { X86_CC_KIND = 15 << 2, X86_CC_CF = 1 << 6, X86_CC_OF = 1 << 7 };

// cc_op is kind << 2 | log2 of the operand's bytes.
static inline uint32_t x86_cc_op(enum x86_cc_kind kind, unsigned size)
{
    return (uint32_t)kind << 2 | size;
}

// The FLAGS_ARITH bits.
uint32_t x86_flags_of(uint32_t op, uint64_t dst, uint64_t src, uint32_t src2, uint32_t cf, uint32_t of);
struct x86_cpu;
uint32_t x86_arith_flags(const struct x86_cpu *cpu);
