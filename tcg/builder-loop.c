// SPDX-License-Identifier: MIT
// Regions that are loops. The slots that a round reads and writes are parameters of the loop's head and stay in registers;
// their memory is behind the whole time, as snapshots and exits know. What a round writes before anything can look at the
// old value is not even written back at its end. The rest goes through memory from round to round.
#include "tcg/builder-private.h"

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

static bool has(const uint64_t *set, unsigned slot)
{
    return set[slot / 64] >> (slot % 64) & 1;
}

// Slots that pass from round to round, as many as registers allow: first those that a round also writes.
static void choose(struct ir_builder *b, const struct ir_slot_use *use)
{
    struct ir_loop *l = &b->loop;
    unsigned ints = 0, vectors = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned slot = 0; slot < b->region->slot_count; slot++) {
            bool is_int = ir_type_is_int(b->region->slots[slot].type);
            if (!has(use->read, slot) || has(use->written, slot) != (pass == 0) ||
                (is_int ? ints == IR_LOOP_INTS : vectors == IR_LOOP_VECTORS))
                continue;
            *(is_int ? &ints : &vectors) += 1;
            l->slots[l->count++] = (uint8_t)slot;
            l->carried[slot / 64] |= BIT64(slot % 64);
        }
    }
    for (unsigned w = 0; w < ARRAY_SIZE(l->dead); w++)
        l->dead[w] = use->written[w] & ~use->exposed[w];
}

static void jump_to_head(struct ir_builder *b)
{
    ir_ref values[IR_LOOP_INTS + IR_LOOP_VECTORS];
    for (unsigned i = 0; i < b->loop.count; i++)
        values[i] = ir_get(b, b->loop.slots[i]);
    ir_builder_jump(b, b->loop.head, values, b->loop.count);
}

static void begin(struct ir_builder *b, const struct ir_slot_use *use)
{
    choose(b, use);
    b->loop.head = ir_new_join(b);
    jump_to_head(b);
    ir_begin_block(b, b->loop.head);
    for (unsigned i = 0; i < b->loop.count; i++) {
        unsigned slot = b->loop.slots[i];
        b->slots[slot].value = ir_param(b, b->region->slots[slot].type);
        if (has(use->written, slot))
            b->dirty[slot / 64] |= BIT64(slot % 64);
    }
}

// The region and its builder as they were before anything was built.
static void start_over(struct ir_builder *b)
{
    struct ir_region *r = b->region, old = *r;
    ir_region_init(r, old.arena, old.slots, old.slot_count);
    r->fp = old.fp;
    r->guest_pc = old.guest_pc;
    ir_builder_init(b, r);
}

bool ir_build_loop(struct ir_builder *b, ir_loop_body *body, void *ctx)
{
    bool is_loop = body(ctx, false);
    struct ir_slot_use use = b->use;
    start_over(b);
    if (!is_loop)
        return false;
    begin(b, &use);
    body(ctx, true);
    return true;
}

// What is neither carried nor dead at the head goes to memory.
static void write_back_rest(struct ir_builder *b)
{
    uint64_t kept[4];
    for (unsigned w = 0; w < ARRAY_SIZE(kept); w++) {
        kept[w] = b->dirty[w] & (b->loop.carried[w] | b->loop.dead[w]);
        b->dirty[w] &= ~kept[w];
    }
    ir_flush(b);
    for (unsigned w = 0; w < ARRAY_SIZE(kept); w++)
        b->dirty[w] = kept[w];
}

void ir_loop_back(struct ir_builder *b, unsigned poll_slot, int64_t offset)
{
    uint32_t out = ir_new_side(b), again = ir_new_side(b);
    b->region->blocks[out].cold = true;
    write_back_rest(b);
    // Read each time: other threads write it.
    struct ir_ins poll = {.op = IR_GETSLOT, .type = IR_I32, .imm = poll_slot, .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE}};
    ir_brcond(b, IR_NE, ir_builder_append(b, &poll), ir_i32(b, 0), out, again);
    ir_begin_block(b, out);
    ir_exit_to(b, offset);
    ir_begin_block(b, again);
    jump_to_head(b);
}
