// SPDX-License-Identifier: MIT
// How far away the next use of each value is at the start of each block.
//
// Most values are only used in the block that defines them. The others, and parameters, are *global*: they are numbered,
// and only they take part in the data flow, so that its cost does not grow with the square of a region's size.
#pragma once

#include "tcg/ir.h"

enum {
    LIVENESS_LOCAL = -1,
    LIVENESS_LOOP_EXIT = 1 << 16, // added to a distance where the way to the use leaves a loop
    LIVENESS_MEMORY = 1 << 24,    // only snapshots read it, for which any place is good
};
#define LIVENESS_DEAD UINT32_MAX

struct liveness {
    uint32_t count;      // of global values
    ir_ref *values;      // by number
    int32_t *number;     // by instruction; LIVENESS_LOCAL
    uint32_t *distance;  // [block * count + number], in instructions; LIVENESS_DEAD for what the block defines
    uint32_t *param_distance; // by number, at the start of the parameter's own block
    uint16_t *depth;     // by block: of how many loops it is part
    bool *loop_head;     // by block: it dominates all blocks that jump back to it
};

static inline unsigned ir_target_count(const struct ir_ins *last)
{
    return last->op == IR_BRCOND ? 2 : last->op == IR_JUMP ? 1 : 0;
}

// Memory comes from the region's arena.
void liveness_find(struct liveness *liveness, const struct ir_region *region);

static inline bool liveness_is_global(const struct liveness *l, ir_ref ref)
{
    return l->number[ref] != LIVENESS_LOCAL;
}

static inline uint32_t liveness_distance(const struct liveness *l, uint32_t block, ir_ref ref)
{
    return liveness_is_global(l, ref) ? l->distance[block * l->count + (uint32_t)l->number[ref]] : LIVENESS_DEAD;
}

// Whether a value that was defined before the block is used in it or after it.
static inline bool liveness_into(const struct liveness *l, uint32_t block, ir_ref ref)
{
    return liveness_distance(l, block, ref) != LIVENESS_DEAD;
}
