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
    ir_ref regs[RA_REGS];
    struct ra_saved_memory *memory;
    uint32_t memory_count;
    uint64_t *live_in; // NULL in regions of one block
};

void ra_init_blocks(struct ra *ra);
void ra_bind(struct ra *ra, unsigned reg, ir_ref ref);
void ra_set_memory(struct ra *ra, ir_ref ref, enum ra_mem_kind kind, int32_t where);
