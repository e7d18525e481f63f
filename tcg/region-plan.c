// SPDX-License-Identifier: MIT
// The analysis of a region's members: an order, natural loops, and backward data flow over sets of slots.
#include "tcg/region-plan.h"

#include "tcg/base/bits.h"

static void unite(struct ir_slot_set *a, const struct ir_slot_set *b)
{
    for (unsigned w = 0; w < ARRAY_SIZE(a->bits); w++)
        a->bits[w] |= b->bits[w];
}

int ir_plan_find(const struct ir_plan *plan, int32_t offset)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->members[i].offset == offset)
            return (int)i;
    return -1;
}

int ir_plan_target(const struct ir_plan *plan, int32_t offset)
{
    const struct ir_member *from = &plan->members[plan->current];
    int n = ir_plan_find(plan, offset);
    return n >= 0 && from->in && (from->in->loop & BIT32(n)) ? from->in->copy[n] : n;
}

// Depth first; the way that is followed last, the one that is not a taken branch, comes next in the order.
static void visit(struct ir_plan *plan, unsigned n, unsigned *left)
{
    struct ir_member *m = &plan->members[n];
    m->reached = true;
    for (unsigned i = 0; i < m->edge_count; i++)
        if (m->edges[i].to >= 0 && !plan->members[m->edges[i].to].reached)
            visit(plan, (unsigned)m->edges[i].to, left);
    m->order = --*left;
    plan->order[m->order] = n;
}

static void number(struct ir_plan *plan)
{
    unsigned count = plan->count + plan->copies, left = count;
    for (unsigned n = 0; n < count; n++)
        plan->members[n].reached = false;
    visit(plan, 0, &left);
    plan->reached = count - left;
    for (unsigned i = 0; i < plan->reached; i++) {
        plan->order[i] = plan->order[left + i];
        plan->members[plan->order[i]].order = i;
    }
}

static bool leads_to(const struct ir_member *m, unsigned n)
{
    for (unsigned i = 0; i < m->edge_count; i++)
        if (m->edges[i].to == (int)n)
            return true;
    return false;
}

// The members of the loop that a jump from `tail` back to `head` closes: those that reach `tail` and not through `head`.
static uint32_t loop_of(const struct ir_plan *plan, unsigned head, unsigned tail)
{
    uint32_t loop = BIT32(head) | BIT32(tail), todo = BIT32(tail) & ~BIT32(head);
    while (todo) {
        unsigned n = ctz32(todo);
        todo &= todo - 1;
        for (unsigned p = 0; p < plan->count; p++) {
            if (plan->members[p].reached && !(loop & BIT32(p)) && leads_to(&plan->members[p], n)) {
                loop |= BIT32(p);
                todo |= BIT32(p);
            }
        }
    }
    return loop;
}

void ir_plan_loop_slots(const struct ir_plan *plan, struct ir_member *h, uint32_t loop)
{
    static const struct ir_slot_set none;
    h->changed = h->inside = h->set = none;
    h->flags.op = IR_NOP;
    for (uint32_t rest = loop; rest; rest &= rest - 1) {
        const struct ir_member *m = &plan->members[ctz32(rest)];
        unite(&h->changed, &m->use.written);
        unite(&h->inside, &m->use.read);
        unite(&h->set, &m->use.set);
        for (unsigned i = 0; i < m->edge_count; i++)
            if (m->edges[i].offset == h->offset && m->edges[i].flags.op != IR_NOP)
                h->flags = m->edges[i].flags;
    }
}

static void find_loop(struct ir_plan *plan, unsigned head)
{
    struct ir_member *h = &plan->members[head];
    uint32_t loop = 0;
    for (unsigned p = 0; p < plan->count; p++)
        if (plan->members[p].reached && plan->members[p].order >= h->order && leads_to(&plan->members[p], head))
            loop |= loop_of(plan, head, p);
    h->loop_head = loop != 0;
    // Loops inside each other may share their head, as when the region is entered there. The innermost is what counts.
    h->loop = leads_to(h, head) ? BIT32(head) : loop;
    ir_plan_loop_slots(plan, h, loop);
    // What is known at this head may not hold on the other way in, but for what holds since the region's entry.
    h->two_ways = head != 0 && (loop & 1);
    plan->two_ways |= h->two_ways;
    if (h->two_ways)
        h->changed = plan->written;
}

// set |= from & ~without. True when that changed the set.
static bool add_without(struct ir_slot_set *set, const struct ir_slot_set *from, const struct ir_slot_set *without)
{
    uint64_t more = 0;
    for (unsigned w = 0; w < ARRAY_SIZE(set->bits); w++) {
        uint64_t bits = from->bits[w] & ~without->bits[w] & ~set->bits[w];
        set->bits[w] |= bits;
        more |= bits;
    }
    return more != 0;
}

static bool flow(struct ir_plan *plan, struct ir_member *m)
{
    bool changed = false;
    for (unsigned i = 0; i < m->edge_count; i++) {
        const struct ir_edge *e = &m->edges[i];
        changed |= add_without(&m->needed, e->to >= 0 ? &plan->members[e->to].needed : &IR_SLOT_SET_ALL, &e->written);
        if (e->to >= 0)
            changed |= add_without(&m->live, &plan->members[e->to].live, &e->written);
    }
    return changed;
}

// Returns lead behind the calls to members.
static void add_returns(struct ir_plan *plan)
{
    for (unsigned n = 0; n < plan->count && plan->return_point_count < IR_RETURN_POINTS; n++) {
        const struct ir_member *m = &plan->members[n];
        bool inside = false;
        for (unsigned i = 0; i < m->edge_count; i++)
            inside |= ir_plan_find(plan, m->edges[i].offset) >= 0;
        if (inside && m->return_point >= 0 && ir_plan_find(plan, m->return_point) >= 0)
            plan->return_points[plan->return_point_count++] = m->return_point;
    }
    for (unsigned n = 0; n < plan->count; n++) {
        struct ir_member *m = &plan->members[n];
        for (unsigned i = 0; m->returns && i < plan->return_point_count; i++)
            m->edges[m->edge_count++] = (struct ir_edge){.offset = plan->return_points[i], .written = m->return_written};
    }
}

static void flow_all(struct ir_plan *plan)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = plan->reached; i-- > 0;)
            again |= flow(plan, &plan->members[plan->order[i]]);
    }
}

void ir_plan_analyse(struct ir_plan *plan)
{
    add_returns(plan);
    for (unsigned n = 0; n < plan->count; n++) {
        struct ir_member *m = &plan->members[n];
        m->original = n;
        for (unsigned i = 0; i < m->edge_count; i++)
            m->edges[i].to = ir_plan_find(plan, m->edges[i].offset);
        m->live = m->use.read;
        m->needed = m->use.exposed;
        unite(&plan->written, &m->use.written);
        unite(&plan->read, &m->use.read);
    }
    for (unsigned w = 0; w < ARRAY_SIZE(plan->constant.bits); w++)
        plan->constant.bits[w] = plan->read.bits[w] & ~plan->written.bits[w];
    number(plan);
    for (unsigned i = 0; i < plan->reached; i++)
        find_loop(plan, plan->order[i]);
    flow_all(plan);
}

void ir_plan_analyse_copies(struct ir_plan *plan)
{
    for (unsigned n = 0; n < plan->count + plan->copies; n++) {
        struct ir_member *m = &plan->members[n];
        m->live = m->use.read;
        m->needed = m->use.exposed;
        for (unsigned i = 0; i < m->edge_count && m->in; i++) {
            int to = ir_plan_find(plan, m->edges[i].offset);
            bool inside = to >= 0 && (m->in->loop & BIT32(to));
            m->edges[i].to = !inside ? to : to == (int)m->in->head ? (int)m->in->choice : m->in->copy[to];
        }
    }
    number(plan);
    flow_all(plan);
}
