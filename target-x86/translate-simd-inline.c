// SPDX-License-Identifier: MIT
// SIMD instructions as IR.

#include "target-x86/simd.h"
#include "target-x86/translate-simd.h"

enum simd_result tx_simd_inline(struct x86_translator *x, const struct x86_decoded *in)
{
    (void)x;
    (void)in;
    return SIMD_NOT_HERE;
}
