// SPDX-License-Identifier: MIT
// Builds regions: the look at each member, and the edges and heads of the region itself.
//
// A way into a member that has not begun waits as a side block with all that is known there. When its turn comes, a member
// with one way in just goes on in that block. Else what the ways agree on stays known; slots that differ, or that change in the
// loop that the member is the head of, become parameters where the region reads them, and else go to memory, if anybody
// may look there before they are written again.
#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/builder-private.h"
#include "tcg/ir-private.h"
#include "tcg/region-plan.h"

enum { MAX_INT_PARAMS = 9, MAX_VECTOR_PARAMS = 10, FIRST_ROUNDS = 2 };

bool ir_at_member(const struct ir_builder *b, int32_t offset)
{
    if (b->stops && offset >= 0 && offset < IR_STOP_BITS && (b->stops[offset / 64] >> offset % 64 & 1))
        return true;
    return b->plan && ir_plan_find(b->plan, offset) >= 0;
}

// --- making: heads -------------------------------------------------------------------------------------------------

// What becomes of a slot at a join.
enum fate {
    KEPT,    // all ways have the same value, or none has one
    PARAM,   // different values
    MEMORY,  // the value is in memory
    DEFERRED, // flags that are not made
    LOST,    // nobody looks before it is written
};

struct joining {
    struct ir_builder *b;
    struct ir_member *m;
    unsigned ints, vectors;
    struct ir_slot_set to_memory; // whose fate that is
    uint8_t fate[256];
};

static bool takes_param(struct joining *j, unsigned slot)
{
    bool is_int = ir_type_is_int(j->b->region->slots[slot].type);
    unsigned *count = is_int ? &j->ints : &j->vectors;
    if (*count == (is_int ? MAX_INT_PARAMS : MAX_VECTOR_PARAMS))
        return false;
    ++*count;
    ir_slot_set_add(&j->m->is_param, slot);
    j->m->params[j->m->param_count++] = (uint8_t)slot;
    return true;
}

static bool agree(const struct joining *j, unsigned slot)
{
    const struct ir_block_state *states = j->b->blocks;
    ir_ref first = states[j->m->ways[0]].slots[slot].value;
    for (unsigned i = 1; i < j->m->way_count; i++)
        if (states[j->m->ways[i]].slots[slot].value != first)
            return false;
    return !j->m->two_ways || first == IR_NONE || ir_is_const(first) || first < j->b->plan->common;
}

// Whether the slot is the one whose flags are not made.
static bool defers(struct joining *j, unsigned slot)
{
    struct ir_member *m = j->m;
    if (m->defers || ir_slot_set_has(&m->live, slot))
        return false;
    if (m->loop_head)
        m->defers = m->flags.op != IR_NOP && m->flags.slot == slot && ir_slot_set_has(&m->changed, slot);
    else
        m->defers = ir_flags_of_ways(j->b, m, slot);
    return m->defers;
}

static bool is_vector_set(const struct joining *j, unsigned slot)
{
    return !ir_type_is_int(j->b->region->slots[slot].type) && ir_slot_set_has(&j->m->set, slot);
}

static void decide(struct joining *j)
{
    const struct ir_member *m = j->m;
    // First those that the loop reads, then those that something behind it does.
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned slot = 0; slot < j->b->region->slot_count; slot++) {
            bool early = ir_slot_set_has(&m->live, slot) && (!m->loop_head || ir_slot_set_has(&m->inside, slot));
            if (early != (pass == 0))
                continue;
            bool changes = m->loop_head && ir_slot_set_has(&m->changed, slot);
            if (slot == IR_SLOT_EXIT_REQUEST)
                j->fate[slot] = MEMORY;
            else if (!changes && agree(j, slot))
                j->fate[slot] = KEPT;
            else if (!ir_slot_set_has(&m->needed, slot))
                j->fate[slot] = LOST;
            else if (ir_slot_set_has(&m->live, slot) && takes_param(j, slot))
                j->fate[slot] = PARAM;
            else if (defers(j, slot))
                j->fate[slot] = DEFERRED;
            else if (changes && is_vector_set(j, slot) && takes_param(j, slot))
                j->fate[slot] = PARAM; // a store in each round is dearer than a register that nothing else wants
            else
                j->fate[slot] = MEMORY;
            if (j->fate[slot] == MEMORY)
                ir_slot_set_add(&j->to_memory, slot);
        }
    }
}

static bool is_dirty_on_some_way(const struct joining *j, unsigned slot)
{
    for (unsigned i = 0; i < j->m->way_count; i++)
        if (ir_slot_set_has(&j->b->blocks[j->m->ways[i]].dirty, slot))
            return true;
    return false;
}

static void jump_to_head(struct ir_builder *b, const struct ir_member *m)
{
    ir_ref values[MAX_INT_PARAMS + MAX_VECTOR_PARAMS + IR_SNAPSHOT_OPERANDS + 1];
    unsigned count = 0;
    for (; count < m->param_count; count++)
        values[count] = ir_get(b, m->params[count]);
    if (m->defers)
        count += ir_flags_pass(b, m, values + count);
    if (m->counted)
        values[count++] = m->rounds_passed;
    ir_builder_jump(b, m->head, values, count);
}

// What the loop reads and never writes, it finds in registers: it is loaded on the only way in.
static bool is_loaded(const struct joining *j, unsigned slot)
{
    const struct ir_member *m = j->m;
    return m->loop_head && m->way_count == 1 && j->fate[slot] == KEPT && ir_slot_set_has(&m->inside, slot) &&
           !ir_slot_set_has(&m->changed, slot);
}

// For loops with two ways in, which have no place of their own for that.
static void load_constants(struct ir_builder *b)
{
    for (unsigned slot = 0; slot < b->region->slot_count; slot++)
        if (ir_slot_set_has(&b->plan->constant, slot))
            ir_get(b, slot);
}

static void finish_way(struct joining *j, uint32_t way)
{
    struct ir_builder *b = j->b;
    ir_begin_block(b, way);
    ir_builder_flush(b, &j->to_memory);
    for (unsigned slot = 0; slot < b->region->slot_count; slot++)
        if (is_loaded(j, slot))
            ir_get(b, slot);
    if (way == j->m->ways[0])
        memcpy(j->m->slots, b->slots, sizeof(*b->slots) * b->region->slot_count);
    jump_to_head(b, j->m);
}

// Whether the head will have a value for the slot.
static bool will_be_known(const struct joining *j, unsigned slot)
{
    const struct ir_member *m = j->m;
    if (j->fate[slot] != KEPT)
        return j->fate[slot] == PARAM;
    return j->b->blocks[m->ways[0]].slots[slot].value != IR_NONE || is_loaded(j, slot);
}

// Operands of flags that the head does not find in slots are parameters.
static void settle_flags(struct joining *j)
{
    struct ir_member *m = j->m;
    for (unsigned n = 0; m->defers && n < 2; n++) {
        struct ir_flags_operand *o = &m->flags.operands[n];
        if (!m->loop_head)
            *o = ir_flags_operand_of_ways(j->b, m, n);
        else if (o->kind == IR_FLAGS_SLOT && !will_be_known(j, o->slot))
            o->kind = IR_FLAGS_PARAM;
    }
}

static void begin_join(struct ir_builder *b, struct ir_member *m)
{
    struct joining j = {.b = b, .m = m};
    if (m->versions)
        m->rounds_passed = ir_i32(b, FIRST_ROUNDS);
    struct ir_slot_set dirty = {0};
    ir_ref params[IR_SNAPSHOT_OPERANDS];
    decide(&j);
    settle_flags(&j);
    m->head = ir_new_join(b);
    m->slots = ARENA_ARRAY(b->region->arena, struct ir_slot_state, b->region->slot_count);
    for (unsigned slot = 0; slot < b->region->slot_count; slot++)
        if ((j.fate[slot] == KEPT && is_dirty_on_some_way(&j, slot)) ||
            (j.fate[slot] == PARAM &&
             (is_dirty_on_some_way(&j, slot) || (m->loop_head && ir_slot_set_has(&m->changed, slot)))))
            ir_slot_set_add(&dirty, slot);
    for (unsigned i = 0; i < m->way_count; i++)
        finish_way(&j, m->ways[i]);
    ir_begin_block(b, m->head);
    for (unsigned i = 0; i < m->param_count; i++) {
        ir_ref param = m->slots[m->params[i]].value = ir_param(b, b->region->slots[m->params[i]].type);
        b->region->ins[param].imm = m->params[i] + 1u;
    }
    if (m->defers)
        ir_flags_params(b, m, params);
    if (m->counted)
        m->rounds = ir_param(b, IR_I32);
    for (unsigned slot = 0; slot < b->region->slot_count; slot++)
        if (j.fate[slot] == MEMORY || j.fate[slot] == LOST)
            m->slots[slot].value = IR_NONE;
    if (m->defers) {
        m->slots[m->flags.slot].value = ir_flags_make(b, m, params);
        ir_slot_set_add(&dirty, m->flags.slot);
    }
    m->dirty = b->dirty = dirty;
    memcpy(b->slots, m->slots, sizeof(*b->slots) * b->region->slot_count);
}

// --- making: edges -------------------------------------------------------------------------------------------------

void ir_region_wait_for(struct ir_builder *b, struct ir_member *m)
{
    uint32_t way = b->block;
    if (way == 0 || b->blocks[way].join || b->region->blocks[way].begin != b->region->ins_count) {
        way = ir_new_side(b);
        ir_builder_jump(b, way, NULL, 0);
    } else {
        ir_builder_save(b, way);
        b->block = IR_NONE;
    }
    m->ways[m->way_count++] = way;
}

// Whether what is known here can be brought to what the head expects.
static bool conforms(const struct ir_builder *b, const struct ir_member *m)
{
    for (unsigned slot = 0; slot < b->region->slot_count; slot++)
        if (m->slots[slot].value != IR_NONE && !ir_slot_set_has(&m->is_param, slot) &&
            m->slots[slot].value != b->slots[slot].value && !(m->defers && slot == m->flags.slot))
            return false;
    return true;
}

static void jump_again(struct ir_builder *b, const struct ir_member *m)
{
    struct ir_slot_set missing;
    for (unsigned w = 0; w < ARRAY_SIZE(missing.bits); w++)
        missing.bits[w] = m->needed.bits[w] & ~m->dirty.bits[w];
    ir_builder_flush(b, &missing);
    jump_to_head(b, m);
}

static bool can_jump(struct ir_builder *b, const struct ir_member *m)
{
    return m->begun && m->head != IR_NONE && conforms(b, m) && ir_flags_conform(b, m);
}

void ir_region_jump_back(struct ir_builder *b, struct ir_member *m)
{
    if (!can_jump(b, m)) {
        b->region->blocks[b->block].cold |= b->block != 0;
        ir_exit_anew(b, m->offset);
        return;
    }
    uint32_t out = ir_new_side(b), again = ir_new_side(b);
    b->region->blocks[out].cold = true;
    b->region->blocks[again].cold = b->region->blocks[b->block].cold;
    ir_brcond(b, IR_NE, ir_get(b, IR_SLOT_EXIT_REQUEST), ir_i32(b, 0), out, again);
    ir_begin_block(b, out);
    ir_exit_anew(b, m->offset);
    ir_begin_block(b, again);
    jump_again(b, m);
}

// At the end of a round: back to the version's head while there are rounds to go, then to choose a version.
static void count_round(struct ir_builder *b, struct ir_member *m, struct ir_member *choice)
{
    uint32_t again = ir_new_side(b), choose = ir_new_side(b);
    b->region->blocks[choose].cold = m->in != NULL;
    m->rounds_passed = ir_addi(b, m->rounds, -1);
    ir_brcond(b, IR_NE, m->rounds_passed, ir_i32(b, 0), again, choose);
    ir_begin_block(b, again);
    jump_again(b, m);
    ir_begin_block(b, choose);
    if (choice->begun)
        ir_region_jump_back(b, choice);
    else
        ir_region_wait_for(b, choice);
}

static bool waits(const struct ir_member *m)
{
    return !m->begun && m->way_count < ARRAY_SIZE(m->ways);
}

bool ir_region_goes_on(struct ir_builder *b, int32_t offset)
{
    struct ir_plan *plan = b->plan;
    if (!plan->making) {
        ir_region_note_edge(b, offset);
        return true;
    }
    int n = ir_plan_target(plan, offset);
    struct ir_member *m = n < 0 || !plan->members[n].reached ? NULL : &plan->members[n];
    if (!m || (m->begun && !can_jump(b, m)) || !(m->begun || waits(m))) {
        b->region->blocks[b->block].cold |= b->block != 0;
        return false;
    }
    const struct ir_versions *v = m->in ? m->in : m->versions;
    bool in_loop = m->in || (v && v->loop >> plan->members[plan->current].original & 1);
    if (!m->begun) {
        ir_region_wait_for(b, m);
    } else if (m->counted && in_loop) {
        count_round(b, m, &plan->members[v->choice]);
    } else {
        m->rounds_passed = ir_i32(b, FIRST_ROUNDS);
        ir_region_jump_back(b, m);
    }
    return true;
}

bool ir_region_reads(const struct ir_builder *b, unsigned slot)
{
    return ir_slot_set_has(&b->plan->read, slot);
}

void ir_region_call(struct ir_builder *b, int32_t return_offset)
{
    if (!b->plan->making)
        b->plan->members[b->plan->current].return_point = return_offset;
}

// Whether the address is known to be some offset from the page base.
static bool is_pc_plus(const struct ir_builder *b, ir_ref pc, int32_t *offset)
{
    const struct ir_ins *ins = ir_is_const(pc) ? NULL : &b->region->ins[pc];
    if (!ins || ins->op != IR_ADD || ins->arg[0] != b->slots[IR_SLOT_PC_PAGE].value || !ir_is_const(ins->arg[1]))
        return false;
    *offset = (int32_t)ir_const(b->region, ins->arg[1])->lo;
    return true;
}

void ir_region_return(struct ir_builder *b, ir_ref pc)
{
    struct ir_plan *plan = b->plan;
    struct ir_member *m = &plan->members[plan->current];
    int32_t known;
    if (!plan->making) {
        for (unsigned w = 0; w < ARRAY_SIZE(b->written.bits); w++)
            m->return_written.bits[w] = b->written.bits[w] & (m->returns ? m->return_written.bits[w] : ~UINT64_C(0));
        m->returns = true;
        return;
    }
    if (is_pc_plus(b, pc, &known)) {
        if (ir_among(plan->return_points, plan->return_point_count, known))
            ir_exit_to(b, known);
        return;
    }
    for (unsigned i = 0; i < plan->return_point_count; i++) {
        uint32_t here = ir_new_side(b), elsewhere = ir_new_side(b);
        ir_brcond(b, IR_EQ, pc, ir_pc_plus(b, plan->return_points[i]), here, elsewhere);
        ir_begin_block(b, here);
        ir_exit_to(b, plan->return_points[i]);
        ir_begin_block(b, elsewhere);
    }
}

// --- the region ----------------------------------------------------------------------------------------------------

static void make(struct ir_builder *b, const struct ir_region_source *source)
{
    struct ir_plan *plan = b->plan;
    ir_region_start_over(b);
    plan->making = true;
    plan->current = 0;
    if (plan->two_ways)
        load_constants(b);
    plan->common = b->region->ins_count;
    ir_region_goes_on(b, plan->members[0].offset);
    for (unsigned i = 0; i < plan->reached; i++) {
        struct ir_member *m = &plan->members[plan->order[i]];
        plan->current = plan->order[i];
        m->begun = true;
        b->notes = NULL; // they were the last one's
        b->sure_count = 0;
        if (!m->way_count)
            continue; // what led here was folded away
        if (m->way_count == 1 && !m->loop_head)
            ir_begin_block(b, m->ways[0]);
        else
            begin_join(b, m);
        if (m->chooses) {
            ir_versions_choose(b, m);
            continue;
        }
        if (m->in)
            ir_versions_go_on_sure(b, m);
        m->first = b->region->ins_count;
        source->build(source->ctx, m->original, m->offset);
        m->last = b->region->ins_count;
        assert(!ir_open(b));
    }
}

static struct ir_plan *copy_plan(const struct ir_builder *b)
{
    struct ir_plan *copy = arena_alloc_raw(b->region->arena, sizeof(*copy));
    memcpy(copy, b->plan, sizeof(*copy));
    return copy;
}

// Makes loops of the region, which has just been made from `built`, ones of two versions. False: none of them is to be.
static bool add_versions(struct ir_builder *b, const struct ir_plan *built, const struct ir_region_source *source)
{
    struct ir_plan *plan = b->plan;
    bool good = true;
    for (unsigned n = 0; n < plan->count; n++)
        plan->members[n].versions = ir_streams_find(b, built, n);
    for (unsigned n = 0; n < plan->count; n++)
        if (plan->members[n].versions)
            ir_versions_add(plan, n);
    for (unsigned n = plan->count; n < plan->count + plan->copies; n++)
        if (plan->members[n].in && plan->members[n].counted)
            good &= ir_region_look(b, n, source);
    if (good && plan->copies)
        ir_plan_analyse_copies(plan);
    return good && plan->copies;
}

// First without versions of loops, which shows what they do.
static void make_best(struct ir_builder *b, const struct ir_region_source *source)
{
    struct ir_plan *with_versions = copy_plan(b), *simple = b->plan;
    make(b, source);
    struct ir_region made = *b->region;
    b->plan = with_versions;
    if (add_versions(b, simple, source)) {
        make(b, source);
        if (ir_versions_hold(b))
            return;
    }
    // The builder is not used any more but for what it has built.
    b->plan = simple;
    *b->region = made;
}

unsigned ir_build_region(struct ir_builder *b, int32_t entry, const struct ir_region_source *source)
{
    struct ir_plan *plan = ARENA_ARRAY(b->region->arena, struct ir_plan, 1);
    b->plan = plan;
    ir_region_add_member(plan, entry);
    bool good = ir_region_find_members(b, source), loops = false;
    if (good)
        ir_plan_analyse(plan);
    for (unsigned n = 0; n < plan->count; n++)
        loops |= plan->members[n].reached && plan->members[n].loop_head;
    if (good && loops) {
        make_best(b, source);
        return plan->count;
    }
    if (good && plan->count > 1) {
        make(b, source);
        return plan->count;
    }
    b->plan = NULL;
    ir_region_start_over(b);
    return 0;
}
