// SPDX-License-Identifier: MIT
// Which values are used at all, and which are alive at the start of each block.
#pragma once

#include "tcg/ir.h"

// Calls fn for every value (not constant) that the instruction reads, its lists and snapshot included.
typedef void liveness_fn(void *ctx, ir_ref ref);
void liveness_for_each_use(const struct ir_region *region, const struct ir_ins *ins, liveness_fn *fn, void *ctx);

// used[i] = 1 for each instruction that has an effect or whose value is needed by one that has.
void liveness_mark_used(const struct ir_region *region, uint8_t *used);

// in[block][word]: bit set of instructions alive at the block's start, parameters excluded. `words` each.
void liveness_blocks(const struct ir_region *region, const uint8_t *used, uint64_t **in, uint32_t words);
