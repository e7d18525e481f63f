// SPDX-License-Identifier: MIT
// Loops of two versions. The *checked* one is the loop as it is. When it has run some rounds, the pages of its streams are
// checked, and it is found for how many rounds all streams stay inside them. So many are run by the *sure* version, whose
// accesses to streams are host instructions and nothing else, and which does not poll; then they are checked anew. Where that
// fails, as for a round that reaches over a page's end, the checked version runs some rounds again.
//
// The sure version consists of copies of the loop's members. What it relies on holds until the next poll, as long as nothing
// in it enters the slow path for more than a read.
#include "tcg/base/bits.h"
#include "tcg/builder-private.h"
#include "tcg/region-plan.h"

enum { MAX_ROUNDS = 255, CHECKED_ROUNDS = 8, PAGE = 4096 };

static struct ir_member *add(struct ir_plan *plan, const struct ir_member *like, const struct ir_versions *v, bool is_head)
{
    struct ir_member *m = &plan->members[plan->count + plan->copies++];
    *m = *like;
    m->versions = NULL;
    m->counted = false;
    if (is_head)
        ir_plan_loop_slots(plan, m, v->loop);
    return m;
}

// A way from the end of a round to the choice.
static void add_way_to_choice(struct ir_member *m, const struct ir_versions *v)
{
    struct ir_edge way = {.offset = -1, .to = (int)v->choice, .written = IR_SLOT_SET_ALL};
    bool any = false;
    for (unsigned i = 0; i < m->edge_count; i++) {
        for (unsigned w = 0; w < ARRAY_SIZE(way.written.bits) && m->edges[i].to == (int)v->head; w++)
            way.written.bits[w] &= m->edges[i].written.bits[w];
        any |= m->edges[i].to == (int)v->head;
    }
    if (any)
        m->edges[m->edge_count++] = way;
}

void ir_versions_add(struct ir_plan *plan, unsigned head)
{
    struct ir_member *h = &plan->members[head];
    struct ir_versions *v = h->versions;
    for (uint32_t rest = v->loop; rest; rest &= rest - 1) {
        unsigned n = ctz32(rest);
        v->copy[n] = (int16_t)(plan->count + plan->copies);
        struct ir_member *m = add(plan, &plan->members[n], v, n == head);
        m->in = v;
        m->counted = n == head;
    }
    v->head = head;
    v->choice = plan->count + plan->copies;
    struct ir_member *choice = add(plan, h, v, true);
    choice->chooses = v;
    choice->use = (struct ir_slot_use){.read = {{0}}};
    choice->edge_count = 2;
    choice->edges[0] = (struct ir_edge){.offset = h->offset, .to = (int)head};
    choice->edges[1] = (struct ir_edge){.offset = h->offset, .to = v->copy[head]};
    for (uint32_t rest = v->loop; rest; rest &= rest - 1)
        add_way_to_choice(&plan->members[ctz32(rest)], v);
    h->counted = true;
}

static ir_ref part_of(struct ir_builder *b, const struct ir_stream *s, unsigned n)
{
    ir_ref value = ir_get(b, s->part[n].slot);
    return s->part[n].half ? ir_zext(b, ir_trunc(b, value)) : ir_addi(b, value, s->part[n].plus);
}

static ir_ref base_of(struct ir_builder *b, const struct ir_stream *s)
{
    ir_ref first = part_of(b, s, 0);
    if (s->count == 1)
        return first;
    ir_ref second = part_of(b, s, 1);
    return s->shift ? ir_emit(b, IR_ADDSHL, s->type, 0, first, second, IR_NONE, s->shift) : ir_add(b, first, second);
}

static struct ir_sure what_holds(const struct ir_stream *s)
{
    return (struct ir_sure){.lo = s->lo, .hi = s->hi, .aligned = s->aligned, .mmu_index = s->mmu_index, .written = s->written};
}

// Goes on where the condition does not hold; where it does, some rounds are checked.
static void leave_if(struct ir_builder *b, enum ir_cond cond, ir_ref a, uint64_t c, struct ir_member *to)
{
    uint32_t fails = ir_new_side(b), holds = ir_new_side(b);
    ir_brcond(b, cond, a, ir_imm(b, ir_type_of(b->region, a), c), fails, holds);
    ir_begin_block(b, fails);
    to->rounds_passed = ir_i32(b, CHECKED_ROUNDS);
    ir_region_jump_back(b, to);
    ir_begin_block(b, holds);
}

static ir_ref step_by(struct ir_builder *b, const struct ir_stream *s)
{
    return ir_shli(b, ir_get(b, s->by), s->by_shift);
}

// Sums of 32 bits shall not pass 0 meanwhile, nor the upper half of the slot count. Each by itself: where two change, the
// address may go one way and one of them the other.
static void leave_if_cut(struct ir_builder *b, const struct ir_stream *s, struct ir_member *checked)
{
    const uint32_t most = (MAX_ROUNDS + 1) * IR_STREAM_STEP;
    for (unsigned i = 0; i < s->count; i++) {
        if (s->part[i].rises)
            leave_if(b, IR_GTU, ir_get(b, s->part[i].slot), UINT32_MAX - most, checked);
        if (s->part[i].falls)
            leave_if(b, IR_GTU, ir_addi(b, ir_get(b, s->part[i].slot), -(int64_t)most), UINT32_MAX - most, checked);
    }
}

// For how many more rounds than this one the stream stays in its page.
static ir_ref rounds_of(struct ir_builder *b, const struct ir_stream *s, ir_ref base)
{
    ir_ref low = ir_trunc(b, base);
    ir_ref room = s->step < 0 ? ir_addi(b, low, s->lo) : ir_sub(b, ir_i32(b, (uint32_t)-s->hi), low);
    uint32_t step = (uint32_t)(s->step < 0 ? -s->step : s->step);
    room = ir_andi(b, room, PAGE - 1);
    if (s->by != IR_SLOT_PC_PAGE)
        return ir_op2(b, IR_UDIV, room, ir_trunc(b, step_by(b, s)));
    if (is_power_of_two(step))
        return ir_shri(b, room, ctz32(step));
    return ir_shri(b, ir_op2(b, IR_MUL, room, ir_i32(b, (1 << 16) / step)), 16);
}

void ir_versions_choose(struct ir_builder *b, struct ir_member *m)
{
    struct ir_versions *v = m->chooses;
    struct ir_member *checked = &b->plan->members[v->head], *sure = &b->plan->members[v->copy[v->head]];
    for (unsigned i = 0; i < v->stream_count; i++)
        if (v->streams[i].by != IR_SLOT_PC_PAGE)
            leave_if(b, IR_GTU, ir_addi(b, step_by(b, &v->streams[i]), -1), IR_STREAM_STEP - 1, checked);
    ir_ref more = ir_i32(b, MAX_ROUNDS - 1);
    for (unsigned i = 0; i < v->stream_count; i++) {
        const struct ir_stream *s = &v->streams[i];
        ir_ref base = base_of(b, s);
        v->sure[i] = what_holds(s);
        v->sure[i].addend = ir_emit(b, IR_PROBE, IR_I64, (unsigned)(s->mmu_index << 1 | s->written), base, IR_NONE, IR_NONE,
                                    (uint32_t)s->lo | (uint64_t)(uint32_t)s->hi << 32);
        leave_if(b, IR_EQ, v->sure[i].addend, 0, checked);
        if (s->aligned)
            leave_if(b, IR_TSTNE, base, s->aligned, checked);
        if (!s->step && s->by == IR_SLOT_PC_PAGE)
            continue;
        leave_if_cut(b, s, checked);
        ir_ref rounds = rounds_of(b, s, base);
        more = ir_select(b, IR_LTU, rounds, more, rounds, more);
    }
    sure->rounds_passed = ir_addi(b, more, 1);
    ir_region_wait_for(b, sure);
}

void ir_versions_go_on_sure(struct ir_builder *b, struct ir_member *m)
{
    struct ir_versions *v = m->in;
    for (unsigned i = 0; m->counted && i < v->stream_count; i++) {
        const struct ir_stream *stream = &v->streams[i];
        if (!b->plan->making) {
            v->sure[i] = what_holds(stream);
            v->sure[i].addend = ir_i64(b, 0);
        }
        v->sure[i].base = base_of(b, stream);
    }
    b->sure = v->sure;
    b->sure_count = v->stream_count;
}
