// SPDX-License-Identifier: MIT
// What the SIMD translators share. Private to target-x86.
#pragma once

#include "target-x86/translate.h"

static inline bool x86_simd_flag(const struct x86_translator *x, unsigned bit)
{
    return x->flags >> bit & 1;
}

static inline bool x86_simd_in_memory(const struct x86_decoded *in, unsigned n)
{
    return in->op[n].kind == X86_ARG_MEM;
}

static inline struct ir_mem x86_simd_mem(const struct x86_translator *x, unsigned size)
{
    return (struct ir_mem){.size_log2 = size, .mmu_index = x->mmu};
}

// False after #UD or #NM was raised.
bool tx_simd_allowed(struct x86_translator *x, const struct x86_decoded *in, bool mmx);
bool tx_simd_uses_mmx(const struct x86_decoded *in);
// The operand that is memory, or -1.
int tx_simd_memory(const struct x86_decoded *in);
// Its linear address, alignment checked.
ir_ref tx_simd_address(struct x86_translator *x, const struct x86_decoded *in, unsigned n, bool write);

// Translates what has an inline form.
enum simd_result { SIMD_NOT_HERE, SIMD_DONE, SIMD_RAISED };
enum simd_result tx_simd_inline(struct x86_translator *x, const struct x86_decoded *in);
