// SPDX-License-Identifier: MIT
// What the files of the builder share.
#pragma once

#include "tcg/builder.h"

struct ir_slot_state {
    ir_ref value; // newest known value, or IR_NONE
};

struct ir_block_state {
    bool join, reached;
    uint32_t branched; // instructions there were when it was first branched to
    struct ir_slot_set written;
    // Of a side block, when its predecessor branched to it:
    struct ir_slot_state *slots;
    struct ir_slot_set dirty;
    struct ir_access_group *groups;
    unsigned group_count;
    void *notes;
};

// Flags that are left to whoever looks (struct ir_snapshot_entry): op(a, c), if the i32 `when` is not 0, else what the slot's
// memory holds. At a loop's head such a value is a SELECT marked `deferred`, of a parameter, the operation and a GETSLOT.
struct ir_deferred {
    uint8_t op, type; // of the operands
    ir_ref when, a, c;
};
// Whether a value can be left to whoever looks.
bool ir_builder_deferred(struct ir_builder *b, ir_ref value, struct ir_deferred *out);

// Emits without folding.
ir_ref ir_builder_append(struct ir_builder *b, const struct ir_ins *ins);
// The state as it is, for an operation that may leave: a number for ir_ins.snapshot.
uint32_t ir_builder_snapshot(struct ir_builder *b);
// What was emitted since there were `count` instructions is not to be found again: it may not hold.
void ir_builder_forget_recent(struct ir_builder *b, uint32_t count);
// A comparison of a 0-or-1 value with zero is the comparison that made it.
void ir_builder_see_through(struct ir_builder *b, enum ir_cond *cond, ir_ref *a, ir_ref *c);
// What an access touches as far as is known: [lo, hi) off a base. `indexed`: a part of that, by a value that varies.
struct ir_range {
    ir_ref base;
    int32_t lo, hi;
    bool indexed;
};
struct ir_range ir_range_of(const struct ir_builder *b, ir_ref address, struct ir_mem mem);
// Whether it seems to lie in more than one page.
bool ir_range_may_cross(const struct ir_builder *b, const struct ir_range *range);
// Addresses of the form x + constant become base x and a larger offset.
void ir_builder_split_address(const struct ir_region *r, ir_ref *address, struct ir_mem *mem);
// Whether an address is known to have none of the low bits in `mask`.
bool ir_builder_is_aligned(const struct ir_builder *b, ir_ref address, uint64_t mask);
// No access joins others before this point.
void ir_builder_forget_groups(struct ir_builder *b);
// Writes the dirty ones among these slots back.
void ir_builder_flush(struct ir_builder *b, const struct ir_slot_set *slots);
// Writes one dirty slot back.
void ir_builder_flush_slot(struct ir_builder *b, unsigned slot);
// Keeps what is known here for a side block.
void ir_builder_save(struct ir_builder *b, uint32_t block);
void ir_builder_end_block(struct ir_builder *b);
// A jump to a block with values for its parameters, without writing slots back.
void ir_builder_jump(struct ir_builder *b, uint32_t block, const ir_ref *values, unsigned count);
// At a call of the region and at a return: what becomes of them in it.
void ir_region_call(struct ir_builder *b, int32_t return_offset);
void ir_region_return(struct ir_builder *b, ir_ref pc);
// Whether a member of the region reads a slot's value from before it.
bool ir_region_reads(const struct ir_builder *b, unsigned slot);
// At an exit to `offset`: goes on in the region instead when that is a member of the plan. False: it is to be an exit.
bool ir_region_goes_on(struct ir_builder *b, int32_t offset);
