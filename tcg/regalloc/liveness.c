// SPDX-License-Identifier: MIT
// Next-use distances by backward data flow, after a look for loops.
#include "tcg/regalloc/liveness.h"

#include <string.h>

static bool is_built(const struct ir_region *r, uint32_t block)
{
    return r->blocks[block].begin < r->blocks[block].end;
}

static const struct ir_ins *last_of(const struct ir_region *r, uint32_t block)
{
    return &r->ins[r->blocks[block].end - 1];
}

static bool is_in(const struct ir_region *r, uint32_t block, ir_ref ref)
{
    return ref - r->blocks[block].begin < r->blocks[block].end - r->blocks[block].begin;
}

// --- loops ---

static bool jumps_back(const struct ir_region *r, uint32_t from, uint32_t to)
{
    return r->blocks[to].begin <= r->blocks[from].begin;
}

struct predecessors {
    uint32_t *start, *list; // list[start[n]] to list[start[n + 1]] are those of block n
};

static struct predecessors find_predecessors(const struct ir_region *r)
{
    struct predecessors p = {.start = ARENA_ARRAY(r->arena, uint32_t, r->block_count + 2),
                             .list = ARENA_ARRAY_RAW(r->arena, uint32_t, 2 * r->block_count)};
    // Counts first, one place too far, so that filling moves each start to where it belongs.
    for (uint32_t n = 0; n < r->block_count; n++)
        for (unsigned t = 0; is_built(r, n) && t < ir_target_count(last_of(r, n)); t++)
            p.start[ir_target(last_of(r, n), t) + 2]++;
    for (uint32_t n = 1; n <= r->block_count; n++)
        p.start[n + 1] += p.start[n];
    for (uint32_t n = 0; n < r->block_count; n++)
        for (unsigned t = 0; is_built(r, n) && t < ir_target_count(last_of(r, n)); t++)
            p.list[p.start[ir_target(last_of(r, n), t) + 1]++] = n;
    return p;
}

// All blocks that lead to those that jump back to `head`, without passing it. Where they include the region's entry, there
// is another way into the loop, and nothing is made of it.
static void find_loop(struct liveness *l, const struct ir_region *r, const struct predecessors *p, uint32_t head,
                      uint32_t *seen, uint32_t *list)
{
    uint32_t count = 0;
    seen[head] = head + 1;
    for (uint32_t i = p->start[head]; i < p->start[head + 1]; i++) {
        uint32_t from = p->list[i];
        if (jumps_back(r, from, head) && seen[from] != head + 1) {
            seen[from] = head + 1;
            list[count++] = from;
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        if (list[k] == 0)
            return;
        for (uint32_t i = p->start[list[k]]; i < p->start[list[k] + 1]; i++) {
            uint32_t from = p->list[i];
            if (seen[from] != head + 1) {
                seen[from] = head + 1;
                list[count++] = from;
            }
        }
    }
    l->loop_head[head] = true;
    l->depth[head]++;
    for (uint32_t k = 0; k < count; k++)
        l->depth[list[k]]++;
}

static void find_loops(struct liveness *l, const struct ir_region *r)
{
    bool any = false, *target = ARENA_ARRAY(r->arena, bool, r->block_count);
    for (uint32_t n = 0; n < r->block_count; n++) {
        for (unsigned t = 0; is_built(r, n) && t < ir_target_count(last_of(r, n)); t++) {
            uint32_t to = ir_target(last_of(r, n), t);
            any |= target[to] |= jumps_back(r, n, to);
        }
    }
    if (!any)
        return;
    struct predecessors p = find_predecessors(r);
    uint32_t *seen = ARENA_ARRAY(r->arena, uint32_t, r->block_count);
    uint32_t *list = ARENA_ARRAY_RAW(r->arena, uint32_t, r->block_count);
    for (uint32_t n = 0; n < r->block_count; n++)
        if (target[n])
            find_loop(l, r, &p, n, seen, list);
}

// --- distances ---

struct numbering {
    struct liveness *l;
    uint32_t begin, length; // of the block
};

static void give_number(struct liveness *l, ir_ref ref)
{
    if (liveness_is_global(l, ref))
        return;
    l->number[ref] = (int32_t)l->count;
    l->values[l->count++] = ref;
}

static void number_use(void *ctx, ir_ref ref)
{
    struct numbering *n = ctx;
    if (ref - n->begin >= n->length)
        give_number(n->l, ref);
}

static void find_globals(struct liveness *l, const struct ir_region *r)
{
    l->values = ARENA_ARRAY_RAW(r->arena, ir_ref, r->ins_count);
    l->number = ARENA_ARRAY_RAW(r->arena, int32_t, r->ins_count);
    memset(l->number, LIVENESS_LOCAL, r->ins_count * sizeof(*l->number));
    // Nothing dominates the entry, so it uses no values of others.
    for (uint32_t n = 1; n < r->block_count; n++) {
        const struct ir_block *b = &r->blocks[n];
        struct numbering numbering = {l, b->begin, b->end - b->begin};
        for (uint32_t i = b->begin; i < b->end; i++) {
            if (r->ins[i].op == IR_PARAM)
                give_number(l, i);
            ir_for_each_use(r, &r->ins[i], number_use, &numbering);
        }
    }
}

struct first_use {
    const struct liveness *l;
    uint32_t *row;
    uint32_t distance;
};

static void note_operand(void *ctx, ir_ref ref)
{
    struct first_use *f = ctx;
    if (liveness_is_global(f->l, ref) && f->row[f->l->number[ref]] >= LIVENESS_MEMORY)
        f->row[f->l->number[ref]] = f->distance;
}

static void note_snapshot(void *ctx, ir_ref ref)
{
    struct first_use *f = ctx;
    if (liveness_is_global(f->l, ref) && f->row[f->l->number[ref]] == LIVENESS_DEAD)
        f->row[f->l->number[ref]] = LIVENESS_MEMORY;
}

// Distances to uses in the block itself, its parameters among them.
static void find_first_uses(struct liveness *l, const struct ir_region *r, uint32_t block)
{
    const struct ir_block *b = &r->blocks[block];
    struct first_use f = {l, &l->distance[block * l->count], 0};
    for (uint32_t k = 0; k < l->count; k++)
        f.row[k] = LIVENESS_DEAD;
    for (uint32_t i = b->begin; i < b->end; i++, f.distance++) {
        ir_for_each_operand(r, &r->ins[i], note_operand, &f);
        ir_for_each_snapshot_value(r, &r->ins[i], note_snapshot, &f);
    }
    for (uint32_t k = 0; k < l->count; k++)
        if (is_in(r, block, l->values[k]) && r->ins[l->values[k]].op != IR_PARAM)
            f.row[k] = LIVENESS_DEAD;
}

// What is alive in the block's successors. True when that changed something.
static bool flow_back(struct liveness *l, const struct ir_region *r, uint32_t block)
{
    const struct ir_block *b = &r->blocks[block];
    uint32_t *row = &l->distance[block * l->count];
    bool changed = false;
    for (unsigned t = 0; t < ir_target_count(last_of(r, block)); t++) {
        uint32_t target = ir_target(last_of(r, block), t);
        const uint32_t *next = &l->distance[target * l->count];
        uint32_t way = b->end - b->begin + (l->depth[target] < l->depth[block] ? LIVENESS_LOOP_EXIT : 0);
        for (uint32_t k = 0; k < l->count; k++) {
            ir_ref ref = l->values[k];
            if (next[k] == LIVENESS_DEAD || row[k] < b->end - b->begin || is_in(r, target, ref) ||
                (is_in(r, block, ref) && r->ins[ref].op != IR_PARAM))
                continue;
            uint32_t distance = next[k] + way < LIVENESS_MEMORY ? next[k] + way : LIVENESS_MEMORY;
            if (distance < row[k]) {
                row[k] = distance;
                changed = true;
            }
        }
    }
    return changed;
}

static void set_params_apart(struct liveness *l, const struct ir_region *r)
{
    l->param_distance = ARENA_ARRAY_RAW(r->arena, uint32_t, l->count);
    for (uint32_t n = 0; n < r->block_count; n++) {
        uint32_t *row = &l->distance[n * l->count];
        for (uint32_t i = r->blocks[n].begin; i < r->blocks[n].end && r->ins[i].op == IR_PARAM; i++) {
            l->param_distance[l->number[i]] = row[l->number[i]];
            row[l->number[i]] = LIVENESS_DEAD;
        }
    }
}

// Blocks in the order of their instructions: ways forward lead to later ones.
static uint32_t sort_blocks(const struct ir_region *r, uint32_t *order)
{
    uint32_t *at = ARENA_ARRAY(r->arena, uint32_t, r->ins_count + 1), count = 0;
    for (uint32_t n = 0; n < r->block_count; n++)
        if (is_built(r, n))
            at[r->blocks[n].begin] = n + 1;
    for (uint32_t i = 0; i < r->ins_count; i++)
        if (at[i])
            order[count++] = at[i] - 1;
    return count;
}

void liveness_find(struct liveness *l, const struct ir_region *r)
{
    *l = (struct liveness){.count = 0};
    find_globals(l, r);
    l->depth = ARENA_ARRAY(r->arena, uint16_t, r->block_count);
    l->loop_head = ARENA_ARRAY(r->arena, bool, r->block_count);
    if (!l->count)
        return;
    find_loops(l, r);
    l->distance = ARENA_ARRAY_RAW(r->arena, uint32_t, (size_t)r->block_count * l->count);
    uint32_t *order = ARENA_ARRAY_RAW(r->arena, uint32_t, r->block_count), count = sort_blocks(r, order);
    for (uint32_t n = 0; n < r->block_count; n++)
        find_first_uses(l, r, n);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t k = count; k-- > 0;)
            changed |= flow_back(l, r, order[k]);
    }
    set_params_apart(l, r);
}
