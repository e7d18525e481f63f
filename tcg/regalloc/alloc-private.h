// SPDX-License-Identifier: MIT
// What assignment (alloc.c) and edges (edges.c) share.
#pragma once

#include "tcg/regalloc/alloc.h"

struct ra_saved_memory {
    ir_ref ref;
    uint8_t kind;
    int32_t where;
};

// What a block expects at its start.
struct ra_block {
    unsigned predecessors;
    bool known;
    uint32_t occupied;         // registers with a value
    ir_ref regs[RA_REGS];
    struct ra_saved_memory *memory;
    uint32_t memory_count;
};

void ra_init_blocks(struct ra *ra);
// Whether blocks other than its own may know the value.
static inline bool ra_lives_on(const struct ra *ra, ir_ref ref)
{
    return ra->region->block_count > 1 && liveness_is_global(&ra->live, ref);
}
int32_t ra_home(struct ra *ra, ir_ref ref);
// The value, which lies in state memory alone, to its home in the frame.
void ra_state_to_frame(struct ra *ra, ir_ref ref);
void ra_bind(struct ra *ra, unsigned reg, ir_ref ref);
void ra_unbind(struct ra *ra, unsigned reg);
void ra_forget_slot(struct ra *ra, unsigned slot);
void ra_set_memory(struct ra *ra, ir_ref ref, enum ra_mem_kind kind, int32_t where);
