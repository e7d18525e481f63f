// SPDX-License-Identifier: MIT
// Liveness by backward data flow over bit sets.
#include "tcg/regalloc/liveness.h"

#include <string.h>

#include "tcg/base/bits.h"

static void each_of_list(const struct ir_region *r, uint32_t start, liveness_fn *fn, void *ctx)
{
    for (uint32_t i = 1; i <= r->lists[start]; i++)
        if (!ir_is_const(r->lists[start + i]))
            fn(ctx, r->lists[start + i]);
}

void liveness_for_each_use(const struct ir_region *r, const struct ir_ins *ins, liveness_fn *fn, void *ctx)
{
    unsigned n = ir_ops[ins->op].operand_count;
    for (unsigned i = 0; i < n; i++)
        if (!ir_is_const(ins->arg[i]))
            fn(ctx, ins->arg[i]);
    if (ins->op == IR_CALL)
        each_of_list(r, ins->arg[1], fn, ctx);
    if (ins->op == IR_JUMP || ins->op == IR_BRCOND) {
        for (unsigned i = 2; i < 4; i++)
            if (ins->arg[i] != IR_NONE)
                each_of_list(r, ins->arg[i], fn, ctx);
    }
    if (ins->snapshot) {
        const struct ir_snapshot *s = &r->snapshots[ins->snapshot - 1];
        for (uint32_t i = 0; i < s->count; i++) {
            ir_ref ref = r->snapshot_entries[s->first + i].value;
            if (!ir_is_const(ref))
                fn(ctx, ref);
        }
    }
}

static void mark(void *ctx, ir_ref ref)
{
    ((uint8_t *)ctx)[ref] = 1;
}

// Whether the instruction must stay although nobody uses its value.
static bool has_effect(const struct ir_region *r, const struct ir_ins *ins)
{
    if (ins->op == IR_CALL)
        return !(r->helpers[ins->imm]->flags & IR_HELPER_PURE);
    return ins->op == IR_SETSLOT || ins->op == IR_PARAM || (ir_ops[ins->op].properties & (IR_PROP_EFFECT | IR_PROP_FP));
}

void liveness_mark_used(const struct ir_region *r, uint8_t *used)
{
    // Definitions stand before their uses but for parameters, which always count as used.
    for (uint32_t i = r->ins_count; i-- > 0;) {
        if (used[i] || has_effect(r, &r->ins[i])) {
            used[i] = 1;
            liveness_for_each_use(r, &r->ins[i], mark, used);
        }
    }
}

static void set_live(void *ctx, ir_ref ref)
{
    ((uint64_t *)ctx)[ref / 64] |= BIT64(ref % 64);
}

void liveness_blocks(const struct ir_region *r, const uint8_t *used, uint64_t **in, uint32_t words)
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
                if (used[i])
                    liveness_for_each_use(r, &r->ins[i], set_live, live);
            }
            if (memcmp(in[n], live, words * sizeof(*live))) {
                memcpy(in[n], live, words * sizeof(*live));
                changed = true;
            }
        }
    }
}
