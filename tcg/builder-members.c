// SPDX-License-Identifier: MIT
// The look at each member of a region: it is built by itself, to see where it leads and what it does with slots; so members are
// found that it leads to.
#include "tcg/builder-private.h"
#include "tcg/ir-private.h"
#include "tcg/region-plan.h"

enum { MAX_LOOKS = 256 };

void ir_region_start_over(struct ir_builder *b)
{
    struct ir_region *r = b->region, old = *r;
    struct ir_plan *plan = b->plan;
    const uint64_t *stops = b->stops;
    ir_region_init(r, old.arena, old.slots, old.slot_count);
    r->fp = old.fp;
    r->guest_pc = old.guest_pc;
    r->seen = old.seen;
    ir_builder_init(b, r);
    b->plan = plan;
    b->stops = stops;
}

void ir_region_note_edge(struct ir_builder *b, int32_t offset)
{
    struct ir_member *m = &b->plan->members[b->plan->current];
    if (m->edge_count == IR_MEMBER_EDGES - IR_RETURN_POINTS)
        m->too_many = true;
    else
        m->edges[m->edge_count++] = (struct ir_edge){.offset = offset, .written = b->written, .flags = ir_flags_note(b)};
    // Whatever ends the block: nobody will run it.
    ir_emit(b, IR_UNREACHABLE, IR_VOID, 0, IR_NONE, IR_NONE, IR_NONE, 0);
    ir_builder_end_block(b);
}

bool ir_region_look(struct ir_builder *b, unsigned n, const struct ir_region_source *source)
{
    struct ir_member *m = &b->plan->members[n];
    ir_region_start_over(b);
    b->plan->current = n;
    m->edge_count = 0;
    m->return_point = -1;
    m->returns = false;
    m->looked = true;
    if (m->in)
        ir_versions_go_on_sure(b, m);
    m->end = source->build(source->ctx, m->in ? m->original : n, m->offset);
    m->use = b->use;
    return m->end >= 0 && !m->too_many;
}

void ir_region_add_member(struct ir_plan *plan, int32_t offset)
{
    plan->members[plan->count++] = (struct ir_member){.offset = offset, .head = IR_NONE};
    // Who runs over its start is to end there.
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->members[i].offset < offset && offset < plan->members[i].end)
            plan->members[i].looked = false;
}

static void remove_last(struct ir_plan *plan, int32_t *refused, unsigned *refused_count)
{
    int32_t offset = refused[(*refused_count)++] = plan->members[--plan->count].offset;
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->members[i].end == offset)
            plan->members[i].looked = false; // it may have ended for that one
}

bool ir_among(const int32_t *list, unsigned count, int32_t offset)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i] == offset)
            return true;
    return false;
}

struct search {
    struct ir_builder *b;
    const struct ir_region_source *source;
    int32_t refused[IR_MEMBERS];
    unsigned refused_count, looks;
};

// Takes in what the member leads to. False when that is to be given up.
static bool follow(struct search *s, unsigned n, bool *found)
{
    struct ir_plan *plan = s->b->plan;
    const struct ir_member *m = &plan->members[n];
    for (unsigned i = 0; i <= m->edge_count && plan->count < IR_MEMBERS; i++) {
        int32_t to = i < m->edge_count ? m->edges[i].offset : m->return_point;
        if (to < 0 || ir_plan_find(plan, to) >= 0 || ir_among(s->refused, s->refused_count, to) ||
            !s->source->wanted(s->source->ctx, to))
            continue;
        ir_region_add_member(plan, to);
        *found = true;
        // At once, so that one that is refused is the last.
        if (ir_region_look(s->b, plan->count - 1, s->source))
            continue;
        if (s->refused_count == IR_MEMBERS)
            return false;
        remove_last(plan, s->refused, &s->refused_count);
    }
    return true;
}

bool ir_region_find_members(struct ir_builder *b, const struct ir_region_source *source)
{
    struct search s = {.b = b, .source = source};
    struct ir_plan *plan = b->plan;
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = 0; n < plan->count; n++) {
            if (!plan->members[n].looked) {
                again = true;
                if (++s.looks > MAX_LOOKS || !ir_region_look(b, n, source))
                    return false;
            }
            if (!follow(&s, n, &again))
                return false;
        }
    }
    return true;
}

