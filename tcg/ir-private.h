// SPDX-License-Identifier: MIT
// What the builder and the passes share.
#pragma once

#include "tcg/ir.h"

// A larger copy of `old`, which holds `count` elements, from the arena.
void *ir_grown(struct arena *arena, void *old, uint32_t *capacity, uint32_t count, size_t size);

// Room for one more element at index `count`: returns `old`, or a larger copy.
static inline void *ir_grow(struct arena *arena, void *old, uint32_t *capacity, uint32_t count, size_t size)
{
    return count < *capacity ? old : ir_grown(arena, old, capacity, count, size);
}

#define IR_GROW(region, list, name)                                                                                    \
    ((region)->list = ir_grow((region)->arena, (region)->list, &(region)->name##_capacity, (region)->name##_count,     \
                              sizeof(*(region)->list)))

// The constant's reference in the region's pool, added if it is new among the last few.
ir_ref ir_add_const(struct ir_region *region, enum ir_type type, uint64_t lo, uint64_t hi);

// Leaves nothing of an instruction but its place.
static inline void ir_make_nop(struct ir_ins *ins)
{
    *ins = (struct ir_ins){.op = IR_NOP, .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE}};
}

// Folds constants and identities. Returns the value that `ins` has, or IR_NONE when it must be emitted; may rewrite
// `ins` into a cheaper operation of equal value.
ir_ref ir_fold(struct ir_region *region, struct ir_ins *ins);
