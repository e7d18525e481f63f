// SPDX-License-Identifier: MIT
// Loops of two versions. Where a loop begins, the pages of its streams are checked, and it is found for how many rounds all
// streams stay inside them. So many rounds are run by the *sure* version of the loop, whose accesses to streams are host
// instructions and nothing else, and which does not poll. Where a check fails, some rounds are run by the *checked* version,
// in which each access sees for itself; so are those that reach over a page's end. After either the loop begins anew.
//
// The place of the loop's head becomes that beginning; both versions are copies of the loop's members. What a sure version
// relies on holds until the next poll, as long as nothing in it enters the slow path for more than a read.
#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/builder-private.h"
#include "tcg/region-plan.h"

enum { MAX_ROUNDS = 255, CHECKED_ROUNDS = 8, PAGE = 4096 };

void ir_versions_add(struct ir_plan *plan, unsigned head)
{
    struct ir_member *h = &plan->members[head];
    struct ir_versions *v = h->versions;
    for (unsigned version = 0; version < IR_VERSIONS; version++) {
        for (uint32_t rest = v->loop; rest; rest &= rest - 1) {
            unsigned n = ctz32(rest), copy = plan->count + plan->copies++;
            struct ir_member *m = &plan->members[copy];
            *m = plan->members[n];
            m->versions = NULL;
            m->in = v;
            m->version = (enum ir_version)version;
            m->counted = n == head;
            if (m->counted)
                ir_plan_loop_slots(plan, m, v->loop);
            v->copy[version][n] = (int16_t)copy;
        }
    }
    h->edge_count = IR_VERSIONS;
    for (unsigned version = 0; version < IR_VERSIONS; version++)
        h->edges[version] = (struct ir_edge){.offset = h->offset, .to = v->copy[version][head]};
}

static ir_ref part_of(struct ir_builder *b, const struct ir_stream *s, unsigned n)
{
    return ir_addi(b, ir_get(b, s->part[n].slot), s->part[n].plus);
}

static ir_ref base_of(struct ir_builder *b, const struct ir_stream *s)
{
    ir_ref first = part_of(b, s, 0);
    if (s->count == 1)
        return first;
    ir_ref second = part_of(b, s, 1);
    return s->shift ? ir_emit(b, IR_ADDSHL, s->type, 0, first, second, IR_NONE, s->shift) : ir_add(b, first, second);
}

// For how many more rounds than this one the stream stays in its page.
static ir_ref rounds_of(struct ir_builder *b, const struct ir_stream *s, ir_ref base)
{
    ir_ref low = ir_trunc(b, base);
    ir_ref room = s->step > 0 ? ir_sub(b, ir_i32(b, (uint32_t)-s->hi), low) : ir_addi(b, low, s->lo);
    uint32_t step = (uint32_t)(s->step > 0 ? s->step : -s->step);
    room = ir_andi(b, room, PAGE - 1);
    if (is_power_of_two(step))
        return ir_shri(b, room, ctz32(step));
    return ir_shri(b, ir_op2(b, IR_MUL, room, ir_i32(b, (1 << 16) / step)), 16);
}

static struct ir_sure what_holds(const struct ir_stream *s)
{
    return (struct ir_sure){.lo = s->lo, .hi = s->hi, .aligned = s->aligned, .mmu_index = s->mmu_index, .written = s->written};
}

// Goes on where the condition does not hold; where it does, a way to the member.
static void leave_if(struct ir_builder *b, enum ir_cond cond, ir_ref a, uint64_t c, struct ir_member *to)
{
    uint32_t fails = ir_new_side(b), holds = ir_new_side(b);
    ir_brcond(b, cond, a, ir_imm(b, ir_type_of(b->region, a), c), fails, holds);
    ir_begin_block(b, fails);
    ir_region_wait_for(b, to);
    ir_begin_block(b, holds);
}

void ir_versions_choose(struct ir_builder *b, struct ir_member *m)
{
    struct ir_versions *v = m->versions;
    struct ir_plan *plan = b->plan;
    struct ir_member *checked = &plan->members[v->copy[IR_VERSION_CHECKED][m->original]];
    struct ir_member *sure = &plan->members[v->copy[IR_VERSION_SURE][m->original]];
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
        if (!s->step)
            continue;
        ir_ref rounds = rounds_of(b, s, base);
        more = ir_select(b, IR_LTU, rounds, more, rounds, more);
    }
    checked->rounds_passed = ir_i32(b, CHECKED_ROUNDS);
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
