// SPDX-License-Identifier: MIT
// Which values are alive at the start of each block.
#pragma once

#include "tcg/ir.h"

// in[block][word]: bit set of instructions alive at the block's start, parameters excluded. `words` each.
void liveness_blocks(const struct ir_region *region, uint64_t **in, uint32_t words);
