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
    void *notes;
};

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
// At an exit to `offset`: goes on in the region instead when that is a member of the plan. False: it is to be an exit.
bool ir_region_goes_on(struct ir_builder *b, int32_t offset);
