// SPDX-License-Identifier: MIT
// Register state across control-flow edges: what a block expects, and the parallel moves that bring it about.
#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"
#include "tcg/regalloc/alloc-private.h"
#include "tcg/regalloc/liveness.h"

static unsigned target_count(const struct ir_ins *ins)
{
    return ins->op == IR_BRCOND ? 2 : ins->op == IR_JUMP ? 1 : 0;
}

void ra_init_blocks(struct ra *ra)
{
    struct ir_region *r = ra->region;
    ra->blocks = ARENA_ARRAY(r->arena, struct ra_block, r->block_count);
    for (uint32_t n = 0; n < r->block_count; n++) {
        if (r->blocks[n].begin >= r->blocks[n].end)
            continue;
        const struct ir_ins *last = &r->ins[r->blocks[n].end - 1];
        for (unsigned t = 0; t < target_count(last); t++)
            ra->blocks[ir_target(last, t)].predecessors++;
    }
    if (r->block_count < 2)
        return;
    ra->live_words = (r->ins_count + 63) / 64;
    uint64_t **in = ARENA_ARRAY(r->arena, uint64_t *, r->block_count);
    for (uint32_t n = 0; n < r->block_count; n++)
        ra->blocks[n].live_in = in[n] = ARENA_ARRAY(r->arena, uint64_t, ra->live_words);
    liveness_blocks(r, in, ra->live_words);
}

static bool live_into(const struct ra *ra, uint32_t block, ir_ref ref)
{
    return ra->blocks[block].live_in[ref / 64] >> (ref % 64) & 1;
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

static void compute_last_uses(struct ra *ra, uint32_t block)
{
    const struct ir_region *r = ra->region;
    const struct ir_block *b = &r->blocks[block];
    const struct ir_ins *last = &r->ins[b->end - 1];
    struct ra_block *rb = &ra->blocks[block];
    for (uint32_t i = b->begin; i < b->end; i++)
        ra->values[i].last_use = i;
    if (rb->live_in) {
        for (uint32_t w = 0; w < ra->live_words; w++)
            for (uint64_t bits = rb->live_in[w]; bits; bits &= bits - 1)
                ra->values[w * 64 + ctz64(bits)].last_use = 0;
        for (unsigned t = 0; t < target_count(last); t++) {
            const uint64_t *live = ra->blocks[ir_target(last, t)].live_in;
            for (uint32_t w = 0; w < ra->live_words; w++)
                for (uint64_t bits = live[w]; bits; bits &= bits - 1)
                    ra->values[w * 64 + ctz64(bits)].last_use = UINT32_MAX;
        }
    }
    for (uint32_t i = b->begin; i < b->end; i++) {
        struct use_marker m = {ra, i};
        ir_for_each_use(r, &r->ins[i], note_use, &m);
    }
}

static void clear_state(struct ra *ra)
{
    for (unsigned reg = 0; reg < RA_REGS; reg++) {
        ir_ref ref = ra->reg_value[reg];
        if (ref == IR_NONE)
            continue;
        if (ir_is_const(ref))
            ra->const_reg[ref & ~IR_CONST_BIT] = RA_NO_REG;
        else
            ra->values[ref].reg = RA_NO_REG;
        ra->reg_value[reg] = IR_NONE;
    }
    for (uint32_t i = 0; i < ra->in_memory_count; i++)
        ra->values[ra->in_memory[i]].mem_kind = RA_MEM_NONE;
    ra->in_memory_count = 0;
    for (unsigned i = 0; i < ra->region->slot_count; i++)
        ra->slot_value[i] = IR_NONE;
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
        for (unsigned reg = 0; reg < RA_REGS; reg++)
            if (b->regs[reg] != IR_NONE)
                ra_bind(ra, reg, b->regs[reg]);
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

// The first edge into a join: every live value gets a register or a place in the frame, every parameter one of them.
static void fix_join(struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    uint32_t target = ir_target(ins, n);
    struct ra_block *b = &ra->blocks[target];
    // State memory may be overwritten on one of the ways in, so nothing lives there alone.
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        if (live_into(ra, target, ref) && v->reg == RA_NO_REG && v->mem_kind == RA_MEM_STATE) {
            ra_frame_copy(ra, ref);
            ra->pinned = 0;
        }
    }
    uint32_t taken = 0;
    for (unsigned reg = 0; reg < RA_REGS; reg++) {
        ir_ref ref = ra->reg_value[reg];
        b->regs[reg] = IR_NONE;
        if (ref != IR_NONE && !ir_is_const(ref) && live_into(ra, target, ref)) {
            b->regs[reg] = ref;
            taken |= BIT32(reg);
        }
    }
    unsigned params = param_count(ra, ins, n);
    b->memory = ARENA_ARRAY(ra->region->arena, struct ra_saved_memory, ra->in_memory_count + params + 1);
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        if (live_into(ra, target, ref) && v->reg == RA_NO_REG && v->mem_kind == RA_MEM_FRAME)
            b->memory[b->memory_count++] = (struct ra_saved_memory){ref, v->mem_kind, v->where};
    }
    for (unsigned i = 0; i < params; i++) {
        ir_ref param = ra->region->blocks[target].begin + i;
        bool is_int = ir_type_is_int(ra->region->ins[param].type);
        uint32_t free_regs = (is_int ? ra->host->int_regs : ra->host->vector_regs) & ~taken;
        ir_ref value = ra->region->lists[ins->arg[2 + n] + 1 + i];
        if (!ir_is_const(value) && ra->values[value].reg != RA_NO_REG && (free_regs & BIT32(ra->values[value].reg)))
            free_regs = BIT32(ra->values[value].reg);
        if (!free_regs) { // more live values than registers: the region is split smaller
            ra->out_of_frame = true;
            free_regs = is_int ? ra->host->int_regs : ra->host->vector_regs;
        }
        unsigned reg = ctz32(free_regs);
        b->regs[reg] = param;
        taken |= BIT32(reg);
    }
}

static void fix_single(struct ra *ra, uint32_t target)
{
    struct ra_block *b = &ra->blocks[target];
    b->memory = ARENA_ARRAY(ra->region->arena, struct ra_saved_memory, ra->in_memory_count + 1);
    for (unsigned reg = 0; reg < RA_REGS; reg++) {
        ir_ref ref = ra->reg_value[reg];
        b->regs[reg] = ref != IR_NONE && (ir_is_const(ref) || live_into(ra, target, ref)) ? ref : IR_NONE;
    }
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        if (v->mem_kind != RA_MEM_NONE && live_into(ra, target, ref))
            b->memory[b->memory_count++] = (struct ra_saved_memory){ref, v->mem_kind, v->where};
    }
}

bool ra_edge_is_free(struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    const struct ra_block *b = &ra->blocks[ir_target(ins, n)];
    return b->predecessors == 1 && param_count(ra, ins, n) == 0;
}

void ra_prepare_edges(struct ra *ra, const struct ir_ins *ins)
{
    for (unsigned n = 0; n < target_count(ins); n++) {
        struct ra_block *b = &ra->blocks[ir_target(ins, n)];
        if (!b->known && !ra_edge_is_free(ra, ins, n)) {
            fix_join(ra, ins, n);
            b->known = true;
        }
    }
}

void ra_edge(struct ra *ra, const struct ir_ins *ins, unsigned n)
{
    uint32_t target = ir_target(ins, n);
    struct ra_block *b = &ra->blocks[target];
    if (ra_edge_is_free(ra, ins, n)) {
        fix_single(ra, target);
        b->known = true;
        return;
    }
    // Values that are expected in the frame and are not there yet.
    for (uint32_t i = 0; i < b->memory_count; i++) {
        const struct ra_saved_memory *m = &b->memory[i];
        const struct ra_value *v = &ra->values[m->ref];
        if (v->mem_kind == RA_MEM_FRAME && v->where == m->where)
            continue;
        enum ir_type type = ra->region->ins[m->ref].type;
        struct ra_location from = ra_locate(ra, m->ref);
        unsigned reg = from.reg;
        if (from.kind != RA_AT_REG) {
            // Through the vector scratch register, which holds any class's bits.
            reg = ra->host->vector_scratch;
            ra->host->load(ra->ctx, IR_V128, reg, from.kind == RA_AT_FRAME ? RA_MEM_FRAME : RA_MEM_STATE, from.where);
            type = IR_V128;
        }
        ra->host->store(ra->ctx, type, reg, m->where);
    }
    struct moves moves = {.count = 0};
    for (unsigned reg = 0; reg < RA_REGS; reg++) {
        ir_ref ref = b->regs[reg];
        if (ref == IR_NONE)
            continue;
        uint32_t begin = ra->region->blocks[target].begin;
        bool is_param = ref >= begin && ref < begin + param_count(ra, ins, n);
        ir_ref value = is_param ? ra->region->lists[ins->arg[2 + n] + 1 + (ref - begin)] : ref;
        add_move(&moves, reg, ra->region->ins[ref].type, ra_locate(ra, value));
    }
    perform_all(ra, &moves);
}
