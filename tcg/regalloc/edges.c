// SPDX-License-Identifier: MIT
// Register state across control-flow edges: what a block expects, and the parallel moves that bring it about.
#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"
#include "tcg/regalloc/alloc-private.h"
#include "tcg/regalloc/liveness.h"

// True when there is a join among the blocks.
static bool note_predecessors(struct ra *ra)
{
    const struct ir_region *r = ra->region;
    bool joins = false;
    for (uint32_t n = 0; n < r->block_count; n++) {
        if (r->blocks[n].begin >= r->blocks[n].end)
            continue;
        const struct ir_ins *last = &r->ins[r->blocks[n].end - 1];
        for (unsigned t = 0; t < ir_target_count(last); t++)
            joins |= ++ra->blocks[ir_target(last, t)].predecessors > 1;
    }
    return joins;
}

static void note_written_slots(struct ra *ra)
{
    const struct ir_region *r = ra->region;
    for (uint32_t i = 0; i < r->ins_count; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ins->op == IR_SETSLOT)
            ra->written_slots[ins->imm / 64] |= BIT64(ins->imm % 64);
        else if (ins->op == IR_CALL && (r->helpers[ins->imm]->flags & (IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB)))
            memset(ra->written_slots, 0xff, sizeof(ra->written_slots));
    }
}

void ra_init_blocks(struct ra *ra)
{
    struct ir_region *r = ra->region;
    ra->blocks = ARENA_ARRAY_RAW(r->arena, struct ra_block, r->block_count);
    for (uint32_t n = 0; n < r->block_count; n++) {
        struct ra_block *b = &ra->blocks[n];
        b->predecessors = b->occupied = b->memory_count = 0;
        b->known = false;
    }
    if (r->block_count < 2)
        return;
    if (note_predecessors(ra))
        note_written_slots(ra);
    else
        memset(ra->written_slots, 0xff, sizeof(ra->written_slots));
    liveness_find(&ra->live, r);
}

struct use_marker {
    struct ra *ra;
    uint32_t position;
};

static void note_use(void *ctx, ir_ref ref)
{
    struct use_marker *m = ctx;
    if (m->ra->values[ref].last_use != UINT32_MAX)
        m->ra->values[ref].last_use = m->position;
}

static void note_read(void *ctx, ir_ref ref)
{
    struct use_marker *m = ctx;
    m->ra->values[ref].last_read = m->position;
    note_use(ctx, ref);
}

static void compute_last_uses(struct ra *ra, uint32_t block)
{
    const struct ir_region *r = ra->region;
    const struct ir_block *b = &r->blocks[block];
    const struct ir_ins *last = &r->ins[b->end - 1];
    for (uint32_t k = 0; k < ra->live.count; k++) {
        ir_ref ref = ra->live.values[k];
        struct ra_value *v = &ra->values[ref];
        if (liveness_into(&ra->live, block, ref))
            v->last_use = v->last_read = 0;
        for (unsigned t = 0; t < ir_target_count(last); t++)
            if (liveness_into(&ra->live, ir_target(last, t), ref))
                v->last_use = UINT32_MAX;
    }
    for (uint32_t i = b->begin; i < b->end; i++) {
        struct use_marker m = {ra, i};
        ra->values[i].last_read = i;
        note_use(&m, i);
        ir_for_each_operand(r, &r->ins[i], note_read, &m);
        ir_for_each_snapshot_value(r, &r->ins[i], note_use, &m);
    }
}

static void clear_state(struct ra *ra)
{
    for (uint32_t m = ra->occupied; m; m &= m - 1)
        ra_unbind(ra, ctz32(m));
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        struct ra_value *v = &ra->values[ra->in_memory[i]];
        if (v->mem_kind == RA_MEM_STATE)
            ra_forget_slot(ra, (unsigned)v->where);
        v->mem_kind = RA_MEM_NONE;
    }
    ra->in_memory_count = 0;
}

bool ra_begin_block(struct ra *ra, uint32_t block)
{
    struct ra_block *b = &ra->blocks[block];
    if (block != 0 && !b->known)
        return false;
    ra->block = block;
    ra->next_call = 0;
    ra->pinned = ra->temps = 0;
    clear_state(ra);
    if (block != 0) {
        for (uint32_t m = b->occupied; m; m &= m - 1)
            ra_bind(ra, ctz32(m), b->regs[ctz32(m)]);
        for (uint32_t i = 0; i < b->memory_count; i++)
            ra_set_memory(ra, b->memory[i].ref, b->memory[i].kind, b->memory[i].where);
    }
    compute_last_uses(ra, block);
    return true;
}

// --- parallel moves ---

enum { MAX_MOVES = 64 };

struct move {
    uint8_t dst;
    enum ir_type type;
    struct ra_location from;
};

struct moves {
    struct move list[MAX_MOVES];
    unsigned count;
};

static void add_move(struct moves *m, unsigned dst, enum ir_type type, struct ra_location from)
{
    if (from.kind == RA_AT_REG && from.reg == dst)
        return;
    assert(m->count < MAX_MOVES);
    m->list[m->count++] = (struct move){(uint8_t)dst, type, from};
}

static bool is_source(const struct moves *m, unsigned reg)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->list[i].from.kind == RA_AT_REG && m->list[i].from.reg == reg)
            return true;
    return false;
}

static void perform(struct ra *ra, const struct move *move)
{
    switch (move->from.kind) {
    case RA_AT_REG:
        ra->host->move(ra->ctx, move->type, move->dst, move->from.reg);
        break;
    case RA_AT_CONST:
        ra->host->load_const(ra->ctx, move->from.constant, move->dst);
        break;
    default:
        ra->host->load(ra->ctx, move->type, move->dst,
                       move->from.kind == RA_AT_FRAME ? RA_MEM_FRAME : RA_MEM_STATE, move->from.where);
    }
}

// Performs moves whose destination nobody still reads; what remains are cycles, broken by a swap or the scratch.
static void perform_all(struct ra *ra, struct moves *m)
{
    while (m->count) {
        bool progress = false;
        for (unsigned i = 0; i < m->count; i++) {
            struct move move = m->list[i];
            m->list[i].from.kind = RA_AT_CONST; // its own source does not block it
            bool blocked = is_source(m, move.dst);
            m->list[i] = move;
            if (blocked)
                continue;
            perform(ra, &move);
            m->list[i--] = m->list[--m->count];
            progress = true;
        }
        if (progress || !m->count)
            continue;
        struct move *first = &m->list[0];
        unsigned a = first->dst, b = first->from.reg;
        if (ir_type_is_int(first->type)) {
            ra->host->swap(ra->ctx, a, b);
            for (unsigned i = 0; i < m->count; i++) {
                if (m->list[i].from.kind != RA_AT_REG)
                    continue;
                uint8_t *from = &m->list[i].from.reg;
                *from = (uint8_t)(*from == a ? b : *from == b ? a : *from);
            }
        } else {
            unsigned scratch = ra->host->vector_scratch;
            ra->host->move(ra->ctx, IR_V128, scratch, a);
            for (unsigned i = 0; i < m->count; i++)
                if (m->list[i].from.kind == RA_AT_REG && m->list[i].from.reg == a)
                    m->list[i].from.reg = (uint8_t)scratch;
        }
        for (unsigned i = 0; i < m->count; i++)
            if (m->list[i].from.kind == RA_AT_REG && m->list[i].from.reg == m->list[i].dst)
                m->list[i--] = m->list[--m->count];
    }
}

// --- edges ---

static unsigned param_count(const struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    return ins->arg[2 + n] == IR_NONE ? 0 : ra->region->lists[ins->arg[2 + n]];
}

static void expect_in_memory(struct ra_block *b, ir_ref ref, enum ra_mem_kind kind, int32_t where)
{
    b->memory[b->memory_count++] = (struct ra_saved_memory){ref, (uint8_t)kind, where};
}

static void expect_in_reg(struct ra_block *b, unsigned reg, ir_ref ref)
{
    b->regs[reg] = ref;
    b->occupied |= BIT32(reg);
}

// What may have a register at the start of a join.
struct contender {
    ir_ref ref, value; // the parameter and what the edge passes for it, or the same value twice
    uint32_t distance;
    bool has_reg;
};

struct contest {
    struct contender *list;
    unsigned count;
    unsigned left[2], unused_left[2]; // registers for vectors, integers; for what the loop does not use
};

static void enter(struct contest *c, struct contender contender)
{
    unsigned i = c->count++;
    for (; i && c->list[i - 1].distance > contender.distance; i--)
        c->list[i] = c->list[i - 1];
    c->list[i] = contender;
}

static struct contest open_contest(const struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    // In a loop, operations need some for themselves.
    enum { LEFT_FREE = 2 };
    uint32_t target = ir_target(ins, n);
    unsigned params = param_count(ra, ins, n);
    uint32_t begin = ra->region->blocks[target].begin;
    struct contest c = {.list = ARENA_ARRAY_RAW(ra->region->arena, struct contender,
                                                       params + RA_REGS + ra->in_memory_count)};
    const uint32_t masks[] = {ra->host->vector_regs, ra->host->int_regs};
    for (unsigned is_int = 0; is_int < 2; is_int++) {
        unsigned all = (unsigned)__builtin_popcount(masks[is_int]);
        c.left[is_int] = ra->live.loop_head[target] ? all - LEFT_FREE : all;
        c.unused_left[is_int] = ra->live.loop_head[target] ? all / 2 : all;
    }
    for (unsigned i = 0; i < params; i++) {
        uint32_t distance = ra->live.param_distance[ra->live.number[begin + i]];
        enter(&c, (struct contender){begin + i, ra->region->lists[ins->arg[2 + n] + 1 + i], distance, false});
    }
    for (uint32_t m = ra->occupied; m; m &= m - 1) {
        ir_ref ref = ra->reg_value[ctz32(m)];
        if (!ir_is_const(ref) && liveness_into(&ra->live, target, ref))
            enter(&c, (struct contender){ref, ref, liveness_distance(&ra->live, target, ref), false});
    }
    // A loop would fetch them in each round.
    for (uint32_t i = 0; ra->live.loop_head[target] && i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        if (v->reg == RA_NO_REG && v->mem_kind != RA_MEM_NONE && liveness_into(&ra->live, target, ref) &&
            liveness_distance(&ra->live, target, ref) < LIVENESS_LOOP_EXIT)
            enter(&c, (struct contender){ref, ref, liveness_distance(&ra->live, target, ref), false});
    }
    return c;
}

// Who is used soonest wins.
static void decide(const struct ra *ra, struct contest *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        bool is_int = ir_type_is_int(ra->region->ins[c->list[i].ref].type);
        bool unused = c->list[i].distance >= LIVENESS_LOOP_EXIT;
        c->list[i].has_reg = c->left[is_int] && (!unused || c->unused_left[is_int]);
        c->left[is_int] -= c->list[i].has_reg;
        c->unused_left[is_int] -= c->list[i].has_reg && c->unused_left[is_int];
    }
}

// A register for a parameter: that of the value passed for it, if nothing else is expected there.
static unsigned param_register(const struct ra *ra, const struct contender *c, uint32_t taken)
{
    bool is_int = ir_type_is_int(ra->region->ins[c->ref].type);
    uint32_t free_regs = (is_int ? ra->host->int_regs : ra->host->vector_regs) & ~taken;
    unsigned own = ir_is_const(c->value) ? RA_NO_REG : ra->values[c->value].reg;
    return own != RA_NO_REG && (free_regs & BIT32(own)) ? own : (unsigned)ctz32(free_regs);
}

static bool slot_is_written(const struct ra *ra, int32_t slot)
{
    return ra->written_slots[slot / 64] >> (slot % 64) & 1;
}

// The first edge into a join: every live value and every parameter gets a register or a place in memory.
static void fix_join(struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    uint32_t target = ir_target(ins, n);
    struct ra_block *b = &ra->blocks[target];
    struct contest c = open_contest(ra, ins, n);
    decide(ra, &c);
    b->memory = ARENA_ARRAY_RAW(ra->region->arena, struct ra_saved_memory, ra->in_memory_count + c.count);
    for (unsigned i = 0; i < c.count; i++)
        if (c.list[i].has_reg && c.list[i].ref == c.list[i].value && ra->values[c.list[i].ref].reg != RA_NO_REG)
            expect_in_reg(b, ra->values[c.list[i].ref].reg, c.list[i].ref);
    for (unsigned i = 0; i < c.count; i++) {
        const struct contender *one = &c.list[i];
        const struct ra_value *v = &ra->values[one->ref];
        bool stays = v->mem_kind == RA_MEM_STATE && !slot_is_written(ra, v->where);
        if (one->ref == one->value && !one->has_reg && !stays)
            ra_frame_copy(ra, one->ref);
        else if (one->has_reg && (one->ref != one->value || v->reg == RA_NO_REG))
            expect_in_reg(b, param_register(ra, one, b->occupied), one->ref);
        else if (one->ref != one->value)
            expect_in_memory(b, one->ref, RA_MEM_FRAME, ra_home(ra, one->ref));
    }
    ra->pinned = 0;
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        bool in_reg = v->reg != RA_NO_REG && b->regs[v->reg] == ref && (b->occupied & BIT32(v->reg));
        if (v->mem_kind == RA_MEM_NONE || !liveness_into(&ra->live, target, ref) ||
            (in_reg && !ra->live.loop_head[target]))
            continue;
        // State memory that is overwritten on one of the ways in is no place to live.
        if (v->mem_kind == RA_MEM_STATE && slot_is_written(ra, v->where)) {
            if (in_reg)
                continue;
            ra_state_to_frame(ra, ref);
        }
        expect_in_memory(b, ref, v->mem_kind, v->where);
    }
}

static void fix_single(struct ra *ra, uint32_t target)
{
    struct ra_block *b = &ra->blocks[target];
    b->memory = ARENA_ARRAY_RAW(ra->region->arena, struct ra_saved_memory, ra->in_memory_count);
    for (uint32_t m = ra->occupied; m; m &= m - 1) {
        ir_ref ref = ra->reg_value[ctz32(m)];
        if (ir_is_const(ref) || liveness_into(&ra->live, target, ref))
            expect_in_reg(b, ctz32(m), ref);
    }
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        if (v->mem_kind != RA_MEM_NONE && liveness_into(&ra->live, target, ref))
            expect_in_memory(b, ref, v->mem_kind, v->where);
    }
}

bool ra_edge_is_free(struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    const struct ra_block *b = &ra->blocks[ir_target(ins, n)];
    return b->predecessors == 1 && param_count(ra, ins, n) == 0;
}

void ra_prepare_edges(struct ra *ra, const struct ir_ins *ins)
{
    for (unsigned n = 0; n < ir_target_count(ins); n++) {
        struct ra_block *b = &ra->blocks[ir_target(ins, n)];
        if (!b->known && !ra_edge_is_free(ra, ins, n)) {
            fix_join(ra, ins, n);
            b->known = true;
        }
    }
}

// An edge as it is taken: parameters and what is passed for them.
struct edge {
    const struct ra_block *block;
    const ir_ref *values;
    uint32_t begin, params; // the parameters are instructions [begin, begin + params)
};

static bool is_param(const struct edge *e, ir_ref ref)
{
    return ref - e->begin < e->params;
}

static ir_ref passed_for(const struct edge *e, ir_ref ref)
{
    return is_param(e, ref) ? e->values[ref - e->begin] : ref;
}

static void copy_to_frame(struct ra *ra, ir_ref ref, int32_t where)
{
    struct ra_location from = ra_locate(ra, ref);
    unsigned scratch = ra->host->vector_scratch; // which holds any class's bits
    switch (from.kind) {
    case RA_AT_CONST:
        ra->host->store_const(ra->ctx, from.constant, where);
        return;
    case RA_AT_REG:
        ra->host->store(ra->ctx, ra->region->ins[ref].type, from.reg, where);
        return;
    default:
        ra->host->load(ra->ctx, IR_V128, scratch, from.kind == RA_AT_FRAME ? RA_MEM_FRAME : RA_MEM_STATE, from.where);
        ra->host->store(ra->ctx, IR_V128, scratch, where);
    }
}

// Whether the parameter's old value, which lies where the new one is to go, is passed on for another one.
static bool is_passed_on(const struct ra *ra, const struct edge *e, ir_ref param)
{
    const struct ra_value *v = &ra->values[param];
    if (v->mem_kind != RA_MEM_FRAME || v->reg != RA_NO_REG || passed_for(e, param) == param)
        return false;
    for (uint32_t i = 0; i < e->params; i++)
        if (e->values[i] == param)
            return true;
    return false;
}

// Brings values to where they are expected in the frame. Returns how many homes were copied out of the way, to `moved`,
// which stand for their values until restore_homes.
static uint32_t fill_homes(struct ra *ra, const struct edge *e, bool back, struct ra_saved_memory *moved)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->block->memory_count; i++) {
        const struct ra_saved_memory *m = &e->block->memory[i];
        if (!is_param(e, m->ref) || !is_passed_on(ra, e, m->ref))
            continue;
        int32_t where = ra_frame_temp(ra);
        copy_to_frame(ra, m->ref, where);
        ra->values[m->ref].where = where;
        moved[count++] = *m;
    }
    for (uint32_t i = 0; i < e->block->memory_count; i++) {
        const struct ra_saved_memory *m = &e->block->memory[i];
        ir_ref value = passed_for(e, m->ref);
        const struct ra_value *v = ir_is_const(value) ? NULL : &ra->values[value];
        // A home is filled once: what lay there when a loop was entered still does.
        bool there = v && v->mem_kind == m->kind && v->where == m->where;
        if (!there && m->kind == RA_MEM_FRAME && (is_param(e, m->ref) || !back))
            copy_to_frame(ra, value, m->where);
    }
    return count;
}

static void restore_homes(struct ra *ra, const struct ra_saved_memory *moved, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ra_frame_release(ra, ra->values[moved[i].ref].where);
        ra->values[moved[i].ref].where = moved[i].where;
    }
}

void ra_edge(struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    uint32_t target = ir_target(ins, n), params = param_count(ra, ins, n);
    struct ra_block *b = &ra->blocks[target];
    if (ra_edge_is_free(ra, ins, n)) {
        fix_single(ra, target);
        b->known = true;
        return;
    }
    struct edge e = {b, params ? &ra->region->lists[ins->arg[2 + n] + 1] : NULL, ra->region->blocks[target].begin, params};
    bool back = ra->live.loop_head[target] && e.begin <= ra->region->blocks[ra->block].begin;
    struct ra_saved_memory *moved = ARENA_ARRAY_RAW(ra->region->arena, struct ra_saved_memory, params);
    uint32_t moved_count = fill_homes(ra, &e, back, moved);
    struct moves moves = {.count = 0};
    for (uint32_t m = b->occupied; m; m &= m - 1) {
        ir_ref ref = b->regs[ctz32(m)];
        add_move(&moves, ctz32(m), ra->region->ins[ref].type, ra_locate(ra, passed_for(&e, ref)));
    }
    perform_all(ra, &moves);
    restore_homes(ra, moved, moved_count);
}
