// SPDX-License-Identifier: MIT
// Liveness by backward data flow over bit sets.
#include "tcg/regalloc/liveness.h"

#include <string.h>

#include "tcg/base/bits.h"

static void set_live(void *ctx, ir_ref ref)
{
    ((uint64_t *)ctx)[ref / 64] |= BIT64(ref % 64);
}

void liveness_blocks(const struct ir_region *r, uint64_t **in, uint32_t words)
{
    uint64_t *live = ARENA_ARRAY(r->arena, uint64_t, words);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = r->block_count; n-- > 0;) {
            const struct ir_block *b = &r->blocks[n];
            if (b->begin >= b->end)
                continue;
            const struct ir_ins *last = &r->ins[b->end - 1];
            memset(live, 0, words * sizeof(*live));
            unsigned targets = last->op == IR_BRCOND ? 2 : last->op == IR_JUMP ? 1 : 0;
            for (unsigned t = 0; t < targets; t++)
                for (uint32_t w = 0; w < words; w++)
                    live[w] |= in[ir_target(last, t)][w];
            for (uint32_t i = b->end; i-- > b->begin;) {
                live[i / 64] &= ~BIT64(i % 64);
                ir_for_each_use(r, &r->ins[i], set_live, live);
            }
            if (memcmp(in[n], live, words * sizeof(*live))) {
                memcpy(in[n], live, words * sizeof(*live));
                changed = true;
            }
        }
    }
}
