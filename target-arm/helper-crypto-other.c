// SPDX-License-Identifier: MIT
// Hosts whose cryptographic instructions are not used.

#include "target-arm/helper-simd.h"

const struct arm_crypto_helpers *arm_crypto_helpers(void)
{
    return &arm_crypto_helpers_c;
}
