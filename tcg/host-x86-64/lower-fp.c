// SPDX-License-Identifier: MIT
// Floating point. What is not here is evaluated by a call.
#include "tcg/host-x86-64/lower.h"

bool lower_fp(struct lower *l, uint32_t index)
{
    (void)l;
    (void)index;
    return false;
}
