// SPDX-License-Identifier: MIT
// What the files of the builder share.
#pragma once

#include "tcg/builder.h"

struct ir_slot_state {
    ir_ref value; // newest known value, or IR_NONE
};

// Emits without folding.
ir_ref ir_builder_append(struct ir_builder *b, const struct ir_ins *ins);
// A jump to a block with values for its parameters, without writing slots back.
void ir_builder_jump(struct ir_builder *b, uint32_t block, const ir_ref *values, unsigned count);
