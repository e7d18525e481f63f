// SPDX-License-Identifier: MIT
// Finds the streams of a loop: accesses whose address is the sum of values of slots at the loop's head that stay or change by
// constants from round to round. Reads the region as it is without versions; what it finds is said in terms of slots, so
// that it can be said again when the region is built with them.
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/builder-private.h"
#include "tcg/ir-private.h"
#include "tcg/region-plan.h"

enum { MAX_STEP = IR_STREAM_STEP, MAX_REACH = 1024, MAX_STEPS_BACK = 64, MAX_LOOP_MEMBERS = 8 };

struct finder {
    const struct ir_region *region;
    const struct ir_plan *plan;
    const struct ir_member *head;
    struct ir_versions *versions;
    ir_ref base[IR_STREAMS];
    uint32_t tests[2 * IR_STREAMS]; // that may be of an alignment
    unsigned test_count;
    // Of the search for changes of a parameter in a round:
    ir_ref param;
    unsigned left; // instructions that it may still look at
    int64_t lowest, highest;
    uint64_t bits; // of any distance
    unsigned by;   // as in struct ir_stream
    bool narrow;
};

// --- how a slot changes in a round ---

static bool changes(struct finder *f, ir_ref value, int64_t plus);

static bool is_in_loop(const struct finder *f, uint32_t index)
{
    for (uint32_t rest = f->head->loop; rest; rest &= rest - 1) {
        const struct ir_member *m = &f->plan->members[ctz32(rest)];
        if (m->first <= index && index < m->last)
            return true;
    }
    return false;
}

static uint32_t number_of(const struct ir_member *h, unsigned slot)
{
    uint32_t number = 0;
    while (h->params[number] != slot)
        number++;
    return number;
}

// What a jump to the block passes for its parameter, or IR_NONE when the block does not end with one. For a loop's head, only
// jumps from the loop count.
static ir_ref passed_from(const struct finder *f, uint32_t from, uint32_t block, uint32_t number)
{
    const struct ir_region *r = f->region;
    const struct ir_block *b = &r->blocks[from];
    const struct ir_ins *last = b->begin < b->end ? &r->ins[b->end - 1] : NULL;
    if (!last || last->op != IR_JUMP || ir_target(last, 0) != block || (block == f->head->head && !is_in_loop(f, b->end - 1)))
        return IR_NONE;
    return r->lists[last->arg[2] + 1 + number];
}

// Whether the slot has the same value in every round.
static bool stays(const struct finder *f, unsigned slot)
{
    const struct ir_member *h = f->head;
    for (uint32_t n = 0; n < f->region->block_count && ir_slot_set_has(&h->is_param, slot); n++) {
        ir_ref value = passed_from(f, n, h->head, number_of(h, slot));
        if (value != IR_NONE && value != h->slots[slot].value)
            return false;
    }
    return true;
}

// The same search for all that is passed to the block for its parameter.
static bool passed(struct finder *f, uint32_t block, uint32_t number, int64_t plus)
{
    bool any = false;
    for (uint32_t n = 0; n < f->region->block_count; n++) {
        ir_ref value = passed_from(f, n, block, number);
        if (value != IR_NONE && !changes(f, value, plus))
            return false;
        any |= value != IR_NONE;
    }
    return any;
}

// The slot that has the value at the head, or one behind the last.
static unsigned slot_of(const struct finder *f, ir_ref value)
{
    unsigned slot = IR_SLOT_PC_PAGE;
    while (slot < f->region->slot_count && f->head->slots[slot].value != value)
        slot++;
    return slot;
}

static ir_ref without_trunc(const struct finder *f, ir_ref value)
{
    bool is_cut = !ir_is_const(value) && f->region->ins[value].op == IR_TRUNC;
    return is_cut ? f->region->ins[value].arg[0] : value;
}

// The slot whose value is this one, shifted; the sum of the two was made one operation. One behind the last if there is none.
static unsigned slot_of_shifted(const struct finder *f, ir_ref value, uint64_t shift)
{
    unsigned slot = IR_SLOT_PC_PAGE;
    for (; slot < f->region->slot_count; slot++) {
        ir_ref of_slot = f->head->slots[slot].value;
        const struct ir_ins *ins = of_slot == IR_NONE || ir_is_const(of_slot) ? NULL : &f->region->ins[of_slot];
        if (ins && ins->op == IR_SHL && ins->arg[0] == value && ir_is_const(ins->arg[1]) &&
            ir_const(f->region, ins->arg[1])->lo == shift)
            break;
    }
    return slot;
}

// Of a sum: whether it is the parameter and the value of a slot that stays, of which there is only one in the search.
static bool adds_slot(struct finder *f, const struct ir_ins *ins)
{
    ir_ref a = without_trunc(f, ins->arg[0]), c = without_trunc(f, ins->arg[1]);
    unsigned slot = ins->op == IR_ADDSHL ? slot_of_shifted(f, c, ins->imm) : slot_of(f, a == f->param ? c : a);
    bool has_param = a == f->param || (c == f->param && ins->op == IR_ADD);
    if (!has_param || slot >= f->region->slot_count || (f->by != IR_SLOT_PC_PAGE && f->by != slot) || !stays(f, slot))
        return false;
    f->by = slot;
    return changes(f, f->param, 0);
}

static uint32_t block_of(const struct ir_region *r, ir_ref value)
{
    uint32_t n = 0;
    while (n < r->block_count && !(r->blocks[n].begin <= value && value < r->blocks[n].end))
        n++;
    return n;
}

// Takes in the distance of a value, and `plus`, from the parameter. False when that is unknown.
static bool changes(struct finder *f, ir_ref value, int64_t plus)
{
    if (value == f->param) {
        f->lowest = f->lowest < plus ? f->lowest : plus;
        f->highest = f->highest > plus ? f->highest : plus;
        f->bits |= (uint64_t)plus;
        return true;
    }
    if (ir_is_const(value) || !f->left || plus > MAX_STEP || plus < -MAX_STEP)
        return false;
    f->left--;
    const struct ir_ins *ins = &f->region->ins[value];
    switch ((enum ir_op)ins->op) {
    case IR_ADD:
        if (!ir_is_const(ins->arg[1]))
            return plus == 0 && adds_slot(f, ins);
        uint64_t constant = ir_const(f->region, ins->arg[1])->lo;
        int64_t more = ins->type == IR_I32 ? (int32_t)constant : (int64_t)constant;
        return more >= -MAX_STEP && more <= MAX_STEP && changes(f, ins->arg[0], plus + more);
    case IR_ADDSHL:
        return plus == 0 && adds_slot(f, ins);
    case IR_ZEXT32: // of a sum of 32 bits
        f->narrow = true;
        return changes(f, ins->arg[0], plus);
    case IR_TRUNC:
        return changes(f, ins->arg[0], plus);
    case IR_SELECT:
        return changes(f, ins->arg[2], plus) && changes(f, ins->arg[3], plus);
    case IR_PARAM: {
        uint32_t block = block_of(f->region, value);
        return block != f->head->head && block < f->region->block_count &&
               passed(f, block, value - f->region->blocks[block].begin, plus);
    }
    default:
        return false;
    }
}

static bool step_of(struct finder *f, unsigned slot, int64_t *lowest, int64_t *highest)
{
    const struct ir_member *h = f->head;
    *lowest = *highest = 0;
    f->by = IR_SLOT_PC_PAGE;
    f->narrow = false;
    f->bits = 0;
    if (!ir_slot_set_has(&h->is_param, slot))
        return true;
    f->param = h->slots[slot].value;
    f->left = MAX_STEPS_BACK;
    f->lowest = INT64_MAX;
    f->highest = INT64_MIN;
    if (!passed(f, h->head, number_of(h, slot), 0))
        return false;
    *lowest = f->lowest;
    *highest = f->highest;
    return true;
}

// --- addresses ---

// Whether the value is a slot's at the head, and a constant, or its lower half.
static bool is_from_slot(const struct finder *f, ir_ref value, struct ir_stream_part *part)
{
    const struct ir_region *r = f->region;
    if (ir_is_const(value))
        return false;
    *part = (struct ir_stream_part){.slot = slot_of(f, value)};
    if (part->slot < r->slot_count)
        return true;
    const struct ir_ins *ins = &r->ins[value];
    if (ins->op == IR_ZEXT32 && !ir_is_const(ins->arg[0]) && r->ins[ins->arg[0]].op == IR_TRUNC) {
        part->half = true;
        value = r->ins[ins->arg[0]].arg[0];
    } else if (ins->op == IR_ADD && ir_is_const(ins->arg[1])) {
        uint64_t constant = ir_const(r, ins->arg[1])->lo;
        part->plus = ins->type == IR_I32 ? (int32_t)constant : (int64_t)constant;
        value = ins->arg[0];
    } else {
        return false;
    }
    part->slot = slot_of(f, value);
    return part->slot < r->slot_count;
}

static bool parse(struct finder *f, ir_ref base, struct ir_stream *s)
{
    s->type = ir_type_of(f->region, base);
    s->count = 1;
    if (!is_from_slot(f, base, &s->part[0])) {
        const struct ir_ins *ins = ir_is_const(base) ? NULL : &f->region->ins[base];
        if (!ins || (ins->op != IR_ADD && ins->op != IR_ADDSHL))
            return false;
        s->count = 2;
        s->shift = ins->op == IR_ADDSHL ? (unsigned)ins->imm : 0;
        for (unsigned i = 0; i < 2; i++)
            if (!is_from_slot(f, ins->arg[i], &s->part[i]))
                return false;
    }
    int64_t lowest = 0, highest = 0;
    s->by = IR_SLOT_PC_PAGE;
    for (unsigned i = 0; i < s->count; i++) {
        int64_t from, to;
        if (!step_of(f, s->part[i].slot, &from, &to))
            return false;
        if (from < -MAX_STEP || to > MAX_STEP)
            return false;
        bool narrow = f->narrow || s->part[i].half;
        s->part[i].rises = narrow && (to > 0 || f->by != IR_SLOT_PC_PAGE);
        s->part[i].falls = narrow && from < 0;
        if (f->by != IR_SLOT_PC_PAGE) {
            if (from || to || s->by != IR_SLOT_PC_PAGE)
                return false;
            s->by = f->by;
            s->by_shift = i ? s->shift : 0;
        }
        s->step_bits |= (uint32_t)(f->bits << (i ? s->shift : 0));
        lowest += from * (i ? INT64_C(1) << s->shift : 1);
        highest += to * (i ? INT64_C(1) << s->shift : 1);
    }
    s->step = (int32_t)(lowest < 0 ? lowest : highest);
    if (s->by != IR_SLOT_PC_PAGE)
        return s->step == 0;
    return (lowest >= 0 || highest <= 0) && s->step >= -MAX_STEP && s->step <= MAX_STEP;
}

// Takes an access in. False when it is no stream's.
static bool add(struct finder *f, ir_ref base, int32_t lo, int32_t hi, unsigned mmu_index, bool written)
{
    struct ir_versions *v = f->versions;
    for (unsigned i = 0; i < v->stream_count; i++) {
        struct ir_stream *s = &v->streams[i];
        int32_t from = s->lo < lo ? s->lo : lo, to = s->hi > hi ? s->hi : hi;
        if (f->base[i] != base || s->mmu_index != mmu_index || to - from > MAX_REACH)
            continue;
        s->lo = from;
        s->hi = to;
        s->written |= written;
        return true;
    }
    if (v->stream_count == IR_STREAMS)
        return false;
    struct ir_stream *s = &v->streams[v->stream_count];
    *s = (struct ir_stream){.lo = lo, .hi = hi, .mmu_index = (uint8_t)mmu_index, .written = written};
    if (!parse(f, base, s))
        return false;
    f->base[v->stream_count++] = base;
    return true;
}

// Takes a test of an address's alignment in, which comes out the same in every round when the step is a multiple of that.
static void add_test(struct finder *f, const struct ir_ins *ins)
{
    struct ir_mem mem = {.offset = 0};
    ir_ref base = ins->arg[0];
    if (ir_is_const(base) || !ir_is_const(ins->arg[1]))
        return;
    uint64_t mask = ir_const(f->region, ins->arg[1])->lo;
    ir_builder_split_address(f->region, &base, &mem);
    for (unsigned i = 0; i < f->versions->stream_count; i++) {
        struct ir_stream *s = &f->versions->streams[i];
        if (f->base[i] == base && s->by == IR_SLOT_PC_PAGE && is_power_of_two(mask + 1) && mask < MAX_STEP &&
            !((s->step_bits | (uint32_t)mem.offset) & mask) && mask > s->aligned)
            s->aligned = (uint32_t)mask;
    }
}

// --- what else the loop does ---

static bool calls_and_returns(const struct ir_region *r, const struct ir_ins *ins)
{
    return ins->op == IR_CALL && !(r->helpers[ins->imm]->flags & (IR_HELPER_PURE | IR_HELPER_NORETURN));
}

// False: the instruction may change what the guest's addresses mean, as a device does that is written to.
static bool keeps_addresses(const struct ir_region *r, const struct ir_ins *ins)
{
    return ins->op != IR_ST && ins->op != IR_STP && ins->op != IR_CAS && ins->op != IR_ATOMIC && !calls_and_returns(r, ins);
}

// A PROBE that the builder put before accesses off one base, which will find a stream instead.
static bool is_for_group(const struct ir_region *r, uint32_t index)
{
    const struct ir_ins *next = &r->ins[index + 1];
    return (next->op == IR_LDP && next->arg[1] == index) || (next->op == IR_STP && next->arg[2] == index);
}

static bool take_in(struct finder *f, uint32_t index)
{
    const struct ir_region *r = f->region;
    const struct ir_ins *ins = &r->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    bool plain = !mem.ordered && !mem.align_log2 && !mem.big_endian;
    switch ((enum ir_op)ins->op) {
    case IR_PROBE: {
        int32_t lo = (int32_t)(uint32_t)ins->imm, hi = (int32_t)(uint32_t)(ins->imm >> 32);
        bool written = ins->aux & 1;
        return (is_for_group(r, index) && add(f, ins->arg[0], lo, hi, ins->aux >> 1, written)) || !written;
    }
    case IR_LD:
        if (plain)
            add(f, ins->arg[0], mem.offset, mem.offset + (1 << mem.size_log2), mem.mmu_index, false);
        return true;
    case IR_ST:
        return plain && add(f, ins->arg[0], mem.offset, mem.offset + (1 << mem.size_log2), mem.mmu_index, true);
    case IR_STP:
        return plain; // its PROBE is a stream
    case IR_RAISE_IF:
        if (ins->aux == IR_TSTNE)
            f->tests[f->test_count++ % ARRAY_SIZE(f->tests)] = index;
        return true;
    default:
        return keeps_addresses(r, ins);
    }
}

static bool may_have_versions(const struct ir_member *h)
{
    return h->reached && h->loop_head && !h->two_ways && h->head != IR_NONE &&
           __builtin_popcount(h->loop) <= MAX_LOOP_MEMBERS;
}

struct ir_versions *ir_streams_find(struct ir_builder *b, const struct ir_plan *built, unsigned head)
{
    const struct ir_member *h = &built->members[head];
    if (!may_have_versions(h))
        return NULL;
    struct ir_versions *versions = ARENA_ARRAY(b->region->arena, struct ir_versions, 1);
    struct finder f = {.region = b->region, .plan = built, .head = h, .versions = versions};
    versions->loop = h->loop;
    for (uint32_t rest = h->loop; rest; rest &= rest - 1) {
        const struct ir_member *m = &built->members[ctz32(rest)];
        if (m->returns || (m != h && m->loop_head))
            return NULL;
        for (uint32_t i = m->first; i < m->last; i++)
            if (!take_in(&f, i))
                return NULL;
    }
    for (unsigned i = 0; i < f.test_count && i < ARRAY_SIZE(f.tests); i++)
        add_test(&f, &b->region->ins[f.tests[i]]);
    return versions->stream_count ? versions : NULL;
}

bool ir_versions_hold(const struct ir_builder *b)
{
    const struct ir_plan *plan = b->plan;
    for (unsigned n = plan->count; n < plan->count + plan->copies; n++) {
        const struct ir_member *m = &plan->members[n];
        for (uint32_t i = m->first; m->in && i < m->last; i++)
            if (!keeps_addresses(b->region, &b->region->ins[i]))
                return false;
    }
    return true;
}
