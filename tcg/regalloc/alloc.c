// SPDX-License-Identifier: MIT
// Register assignment within blocks and spilling. Edges between blocks are in edges.c.
#include "tcg/regalloc/alloc.h"

#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"
#include "tcg/regalloc/alloc-private.h"

enum { LOOK_AHEAD = 48 }; // instructions searched for the next use when something must be spilled

static bool has_calls(const struct ir_region *r)
{
    for (uint32_t n = 0; n < r->block_count; n++)
        for (uint32_t i = r->blocks[n].begin; !r->blocks[n].cold && i < r->blocks[n].end; i++)
            if (r->ins[i].op == IR_CALL)
                return true;
    return false;
}

void ra_init(struct ra *ra, struct ir_region *region, const struct ra_host *host, void *ctx)
{
    struct arena *a = region->arena;
    *ra = (struct ra){.region = region, .host = host, .ctx = ctx};
    ra->values = ARENA_ARRAY_RAW(a, struct ra_value, region->ins_count);
    for (uint32_t i = 0; i < region->ins_count; i++)
        ra->values[i] = (struct ra_value){.reg = RA_NO_REG};
    ra->const_reg = arena_alloc_raw(a, region->const_count);
    memset(ra->const_reg, RA_NO_REG, region->const_count);
    ra->slot_value = ARENA_ARRAY_RAW(a, ir_ref, region->slot_count);
    for (unsigned i = 0; i < RA_REGS; i++)
        ra->reg_value[i] = IR_NONE;
    ra->calls = has_calls(region);
    ra_init_blocks(ra);
}

static uint32_t class_mask(const struct ra *ra, enum ir_type type)
{
    return ir_type_is_int(type) ? ra->host->int_regs : ra->host->vector_regs;
}

// --- memory of values ---

static int32_t frame_alloc(struct ra *ra)
{
    for (unsigned w = 0; w < ARRAY_SIZE(ra->frame_used); w++) {
        if (~ra->frame_used[w]) {
            unsigned bit = ctz64(~ra->frame_used[w]);
            int32_t offset = (int32_t)(w * 64 + bit) * 16;
            if ((uint32_t)offset + 16 > ra->host->frame_bytes)
                break;
            ra->frame_used[w] |= BIT64(bit);
            return offset;
        }
    }
    ra->out_of_frame = true;
    return 0;
}

void ra_frame_release(struct ra *ra, int32_t offset)
{
    ra->frame_used[offset / 1024] &= ~BIT64(offset / 16 % 64);
}

// The value's place in the frame. One that lives in several blocks has it for good: a value that lay in different
// places on two paths could not be brought together without moving others out of the way.
int32_t ra_home(struct ra *ra, ir_ref ref)
{
    struct ra_value *v = &ra->values[ref];
    if (!ra_lives_on(ra, ref))
        return frame_alloc(ra);
    if (!v->home)
        v->home = (int16_t)(frame_alloc(ra) + 1);
    return v->home - 1;
}

int32_t ra_frame_temp(struct ra *ra)
{
    return frame_alloc(ra);
}

static ir_ref slot_owner(const struct ra *ra, unsigned slot)
{
    return ra->slot_known[slot / 64] >> (slot % 64) & 1 ? ra->slot_value[slot] : IR_NONE;
}

void ra_forget_slot(struct ra *ra, unsigned slot)
{
    ra->slot_known[slot / 64] &= ~BIT64(slot % 64);
}

void ra_set_memory(struct ra *ra, ir_ref ref, enum ra_mem_kind kind, int32_t where)
{
    struct ra_value *v = &ra->values[ref];
    if (kind == RA_MEM_STATE) {
        ra->slot_value[where] = ref;
        ra->slot_known[where / 64] |= BIT64(where % 64);
    }
    if (v->mem_kind == RA_MEM_NONE) {
        ra->in_memory = ir_grow(ra->region->arena, ra->in_memory, &ra->in_memory_capacity, ra->in_memory_count,
                                sizeof(*ra->in_memory));
        ra->in_memory[ra->in_memory_count++] = ref;
    }
    v->mem_kind = (uint8_t)kind;
    v->where = where;
}

static void drop_memory(struct ra *ra, ir_ref ref)
{
    struct ra_value *v = &ra->values[ref];
    if (v->mem_kind == RA_MEM_FRAME && !v->home)
        ra_frame_release(ra, v->where);
    if (v->mem_kind == RA_MEM_STATE && slot_owner(ra, (unsigned)v->where) == ref)
        ra_forget_slot(ra, (unsigned)v->where);
    v->mem_kind = RA_MEM_NONE;
}

// --- registers ---

void ra_bind(struct ra *ra, unsigned reg, ir_ref ref)
{
    ra->reg_value[reg] = ref;
    ra->occupied |= BIT32(reg);
    if (ir_is_const(ref))
        ra->const_reg[ref & ~IR_CONST_BIT] = (uint8_t)reg;
    else
        ra->values[ref].reg = (uint8_t)reg;
}

void ra_unbind(struct ra *ra, unsigned reg)
{
    ir_ref ref = ra->reg_value[reg];
    if (ref == IR_NONE)
        return;
    if (ir_is_const(ref))
        ra->const_reg[ref & ~IR_CONST_BIT] = RA_NO_REG;
    else
        ra->values[ref].reg = RA_NO_REG;
    ra->reg_value[reg] = IR_NONE;
    ra->occupied &= ~BIT32(reg);
}

static unsigned reg_of(const struct ra *ra, ir_ref ref)
{
    return ir_is_const(ref) ? ra->const_reg[ref & ~IR_CONST_BIT] : ra->values[ref].reg;
}

static void store_to_frame(struct ra *ra, ir_ref ref)
{
    struct ra_value *v = &ra->values[ref];
    int32_t offset = ra_home(ra, ref);
    ra->host->store(ra->ctx, ra->region->ins[ref].type, v->reg, offset);
    ra_set_memory(ra, ref, RA_MEM_FRAME, offset);
}

// Empties a register; its value stays available in memory if it is needed at `needed_from` or later.
static void evict(struct ra *ra, unsigned reg, uint32_t needed_from)
{
    ir_ref ref = ra->reg_value[reg];
    if (ref == IR_NONE)
        return;
    if (!ir_is_const(ref) && ra->values[ref].mem_kind == RA_MEM_NONE && ra->values[ref].last_use >= needed_from)
        store_to_frame(ra, ref);
    ra_unbind(ra, reg);
}

struct use_search {
    const struct ra *ra;
    uint32_t wanted, distance;
    uint32_t distances[RA_REGS];
};

static void note_next_use(void *ctx, ir_ref ref)
{
    struct use_search *s = ctx;
    unsigned reg = s->ra->values[ref].reg;
    if (reg != RA_NO_REG && (s->wanted & BIT32(reg))) {
        s->wanted &= ~BIT32(reg);
        s->distances[reg] = s->distance;
    }
}

// The distance of a use that is not among the next LOOK_AHEAD instructions.
static uint32_t far_distance(const struct ra *ra, ir_ref ref)
{
    if (ir_is_const(ref))
        return UINT32_MAX; // dropped at no cost
    const struct ra_value *v = &ra->values[ref];
    const struct ir_block *b = &ra->region->blocks[ra->block];
    uint32_t best = LIVENESS_MEMORY;
    if (v->last_read >= ra->position)
        return v->last_read - ra->position;
    for (unsigned t = 0; v->last_use == UINT32_MAX && t < ir_target_count(&ra->region->ins[b->end - 1]); t++) {
        uint32_t target = ir_target(&ra->region->ins[b->end - 1], t);
        uint32_t distance = liveness_distance(&ra->live, target, ref);
        uint32_t exit = ra->live.depth[target] < ra->live.depth[ra->block] ? LIVENESS_LOOP_EXIT : 0;
        if (distance < best && distance + exit < best)
            best = distance + exit;
    }
    return b->end - ra->position + best;
}

static unsigned choose_victim(struct ra *ra, uint32_t candidates)
{
    unsigned best = RA_NO_REG;
    uint64_t best_score = 0;
    assert(candidates);
    struct use_search s = {.ra = ra, .wanted = candidates};
    uint32_t end = ra->region->blocks[ra->block].end;
    for (uint32_t i = ra->position; i < end && s.distance < LOOK_AHEAD && s.wanted; i++, s.distance++)
        ir_for_each_operand(ra->region, &ra->region->ins[i], note_next_use, &s);
    for (uint32_t m = candidates; m; m &= m - 1) {
        unsigned reg = ctz32(m);
        ir_ref ref = ra->reg_value[reg];
        bool free_to_drop = ir_is_const(ref) || ra->values[ref].mem_kind != RA_MEM_NONE;
        uint64_t distance = s.wanted & BIT32(reg) ? far_distance(ra, ref) : s.distances[reg];
        uint64_t score = distance * 2 + 1 + (free_to_drop ? 16 : 0);
        if (score > best_score) {
            best_score = score;
            best = reg;
        }
    }
    return best;
}

// A free register of `mask`, made free if none is. `across_call`: prefers one that calls preserve.
static unsigned take_register(struct ra *ra, uint32_t mask, bool across_call)
{
    uint32_t usable = mask & ~ra->pinned, free_regs = usable & ~ra->occupied;
    uint32_t saved = free_regs & ra->host->callee_saved, scratch = free_regs & ~ra->host->callee_saved;
    uint32_t preferred = across_call ? saved : scratch;
    if (preferred)
        return ctz32(preferred);
    if (free_regs)
        return ctz32(free_regs);
    unsigned reg = choose_victim(ra, usable);
    evict(ra, reg, ra->position);
    return reg;
}

static void fetch(struct ra *ra, ir_ref ref, unsigned reg)
{
    if (ir_is_const(ref)) {
        ra->host->load_const(ra->ctx, ir_const(ra->region, ref), reg);
        return;
    }
    const struct ra_value *v = &ra->values[ref];
    assert(v->mem_kind != RA_MEM_NONE);
    ra->host->load(ra->ctx, ra->region->ins[ref].type, reg, v->mem_kind, v->where);
}

unsigned ra_use(struct ra *ra, ir_ref ref)
{
    unsigned reg = reg_of(ra, ref);
    if (reg == RA_NO_REG) {
        bool across = !ir_is_const(ref) && ra->values[ref].last_use > ra->next_call;
        reg = take_register(ra, class_mask(ra, ir_type_of(ra->region, ref)), across);
        fetch(ra, ref, reg);
        ra_bind(ra, reg, ref);
    }
    ra->pinned |= BIT32(reg);
    return reg;
}

void ra_use_in(struct ra *ra, ir_ref ref, unsigned reg)
{
    unsigned from = reg_of(ra, ref);
    if (from != reg) {
        evict(ra, reg, ra->position);
        if (from == RA_NO_REG)
            fetch(ra, ref, reg);
        else
            ra->host->move(ra->ctx, ir_type_of(ra->region, ref), reg, from);
    } else {
        // The instruction overwrites it; a copy must survive if the value is read again, or is an operand twice.
        if (!ir_is_const(ref) && ra->values[ref].mem_kind == RA_MEM_NONE) {
            uint32_t others = class_mask(ra, ir_type_of(ra->region, ref)) & ~BIT32(reg);
            unsigned spare = take_register(ra, others, ra->values[ref].last_use > ra->next_call);
            ra->host->move(ra->ctx, ir_type_of(ra->region, ref), spare, reg);
            ra_unbind(ra, reg);
            ra_bind(ra, spare, ref);
        } else {
            ra_unbind(ra, reg);
        }
    }
    ra->pinned |= BIT32(reg);
    ra->temps |= BIT32(reg);
}

unsigned ra_temp(struct ra *ra, enum ir_type type)
{
    unsigned reg = take_register(ra, class_mask(ra, type), false);
    ra->pinned |= BIT32(reg);
    ra->temps |= BIT32(reg);
    return reg;
}

void ra_temp_in(struct ra *ra, unsigned reg)
{
    ir_ref ref = ra->reg_value[reg];
    if (ref != IR_NONE && !ir_is_const(ref) && ra->values[ref].mem_kind == RA_MEM_NONE &&
        ra->values[ref].last_use >= ra->position) {
        // A move is cheaper than memory, when there is room.
        uint32_t others = class_mask(ra, ra->region->ins[ref].type) & ~ra->pinned & ~ra->occupied;
        if (others) {
            unsigned spare = ctz32(others);
            ra->host->move(ra->ctx, ra->region->ins[ref].type, spare, reg);
            ra_unbind(ra, reg);
            ra_bind(ra, spare, ref);
            if (ra->pinned & BIT32(reg))
                ra->pinned |= BIT32(spare);
        }
    }
    evict(ra, reg, ra->position);
    ra->pinned |= BIT32(reg);
    ra->temps |= BIT32(reg);
}

bool ra_in_register(const struct ra *ra, ir_ref ref, unsigned reg)
{
    return ra->reg_value[reg] == ref;
}

void ra_use_at(struct ra *ra, ir_ref ref, unsigned reg)
{
    if (!ra_in_register(ra, ref, reg)) {
        ra_temp_in(ra, reg);
        ra->temps &= ~BIT32(reg);
        unsigned from = reg_of(ra, ref);
        if (from == RA_NO_REG) {
            fetch(ra, ref, reg);
        } else {
            ra->host->move(ra->ctx, ir_type_of(ra->region, ref), reg, from);
            ra_unbind(ra, from);
        }
        ra_bind(ra, reg, ref);
    }
    ra->pinned |= BIT32(reg);
}

bool ra_dies(const struct ra *ra, ir_ref ref)
{
    return ir_is_const(ref) || ra->values[ref].last_use <= ra->position;
}

static bool lives_across_call(const struct ra *ra, ir_ref ref)
{
    return ra->values[ref].last_use > ra->next_call;
}

unsigned ra_def(struct ra *ra, ir_ref ref)
{
    unsigned reg = take_register(ra, class_mask(ra, ra->region->ins[ref].type), lives_across_call(ra, ref));
    ra_bind(ra, reg, ref);
    ra->pinned |= BIT32(reg);
    return reg;
}

unsigned ra_def_over(struct ra *ra, ir_ref ref, ir_ref source)
{
    enum ir_type type = ra->region->ins[ref].type;
    unsigned from = reg_of(ra, source);
    if (from != RA_NO_REG && (ra_dies(ra, source) || ra->values[source].mem_kind != RA_MEM_NONE)) {
        bool worse = lives_across_call(ra, ref) && !(ra->host->callee_saved & BIT32(from)) && ir_type_is_int(type);
        if (ra_dies(ra, source) && !worse) {
            ra_unbind(ra, from);
            ra_bind(ra, from, ref);
            ra->pinned |= BIT32(from);
            return from;
        }
    }
    unsigned reg = take_register(ra, class_mask(ra, type), lives_across_call(ra, ref));
    if (from == RA_NO_REG)
        fetch(ra, source, reg);
    else
        ra->host->move(ra->ctx, ir_type_of(ra->region, source), reg, from);
    ra_bind(ra, reg, ref);
    ra->pinned |= BIT32(reg);
    return reg;
}

void ra_def_in(struct ra *ra, ir_ref ref, unsigned reg)
{
    assert(ra->reg_value[reg] == IR_NONE);
    ra->temps &= ~BIT32(reg);
    ra_bind(ra, reg, ref);
    ra->pinned |= BIT32(reg);
}

void ra_def_alias(struct ra *ra, ir_ref ref, ir_ref source)
{
    if (ir_is_const(source) || !ra_dies(ra, source) || reg_of(ra, source) == RA_NO_REG) {
        unsigned from = ra_use(ra, source);
        unsigned reg = ra_def(ra, ref);
        ra->host->move(ra->ctx, ra->region->ins[ref].type, reg, from);
        return;
    }
    unsigned reg = reg_of(ra, source);
    ra_unbind(ra, reg);
    ra_bind(ra, reg, ref);
    ra->pinned |= BIT32(reg);
}

void ra_def_slot(struct ra *ra, ir_ref ref, unsigned slot)
{
    ra_slot_overwritten(ra, slot, ref);
    ra_set_memory(ra, ref, RA_MEM_STATE, (int32_t)slot);
}

void ra_slot_overwritten(struct ra *ra, unsigned slot, ir_ref by)
{
    ir_ref old = slot_owner(ra, slot);
    if (old == IR_NONE || old == by)
        return;
    struct ra_value *v = &ra->values[old];
    if (v->mem_kind == RA_MEM_STATE && v->where == (int32_t)slot) {
        if (v->reg == RA_NO_REG && v->last_use > ra->position)
            ra_use(ra, old);
        v->mem_kind = RA_MEM_NONE;
    }
    ra_forget_slot(ra, slot);
}

void ra_state_overwritten(struct ra *ra)
{
    for (uint32_t i = 0; i < ra->in_memory_count; i++) {
        ir_ref ref = ra->in_memory[i];
        const struct ra_value *v = &ra->values[ref];
        if (v->mem_kind != RA_MEM_STATE)
            continue;
        if (v->reg == RA_NO_REG && v->last_use >= ra->position)
            ra_state_to_frame(ra, ref);
        else
            drop_memory(ra, ref);
    }
}

void ra_state_to_frame(struct ra *ra, ir_ref ref)
{
    // Through the vector scratch register, which holds any class's bits.
    struct ra_value *v = &ra->values[ref];
    int32_t offset = ra_home(ra, ref);
    ra->host->load(ra->ctx, IR_V128, ra->host->vector_scratch, RA_MEM_STATE, v->where);
    ra->host->store(ra->ctx, IR_V128, ra->host->vector_scratch, offset);
    ra_forget_slot(ra, (unsigned)v->where);
    v->mem_kind = RA_MEM_FRAME;
    v->where = offset;
}

void ra_slot_stored(struct ra *ra, unsigned slot, ir_ref ref)
{
    ra_slot_overwritten(ra, slot, ref);
    if (!ir_is_const(ref) && ra->values[ref].mem_kind == RA_MEM_NONE)
        ra_set_memory(ra, ref, RA_MEM_STATE, (int32_t)slot);
}

bool ra_in_reg(const struct ra *ra, ir_ref ref)
{
    return reg_of(ra, ref) != RA_NO_REG;
}

enum ra_mem_kind ra_memory(const struct ra *ra, ir_ref ref, int32_t *where)
{
    if (ir_is_const(ref) || ra->values[ref].reg != RA_NO_REG)
        return RA_MEM_NONE;
    *where = ra->values[ref].where;
    return ra->values[ref].mem_kind;
}

int32_t ra_frame_copy(struct ra *ra, ir_ref ref)
{
    if (ir_is_const(ref)) {
        unsigned reg = ra_use(ra, ref);
        int32_t offset = frame_alloc(ra);
        ra->host->store(ra->ctx, ir_const(ra->region, ref)->type, reg, offset);
        return offset;
    }
    struct ra_value *v = &ra->values[ref];
    if (v->mem_kind == RA_MEM_FRAME)
        return v->where;
    unsigned reg = ra_use(ra, ref);
    drop_memory(ra, ref);
    (void)reg;
    store_to_frame(ra, ref);
    return v->where;
}

void ra_clobber(struct ra *ra, uint32_t mask)
{
    for (uint32_t m = mask; m; m &= m - 1)
        evict(ra, ctz32(m), ra->position + 1);
}

static void free_if_dead(void *ctx, ir_ref ref)
{
    struct ra *ra = ctx;
    struct ra_value *v = &ra->values[ref];
    if (v->last_use > ra->position)
        return;
    if (v->reg != RA_NO_REG)
        ra_unbind(ra, v->reg);
    drop_memory(ra, ref);
}

void ra_end(struct ra *ra)
{
    const struct ir_ins *ins = &ra->region->ins[ra->position];
    ir_for_each_use(ra->region, ins, free_if_dead, ra);
    if (ir_ops[ins->op].result != 'n')
        free_if_dead(ra, ra->position);
    ra->pinned = 0;
    ra->temps = 0;
}

void ra_begin(struct ra *ra, uint32_t position)
{
    ra->position = position;
    if (position >= ra->next_call) {
        uint32_t end = ra->region->blocks[ra->block].end, i = position + 1;
        while (i < end && ra->region->ins[i].op != IR_CALL)
            i++;
        // Values that live on meet the calls of other blocks, if there are any that matter.
        ra->next_call = i < end ? i : ra->calls ? UINT32_MAX - 1 : UINT32_MAX;
    }
}

struct ra_location ra_locate(const struct ra *ra, ir_ref ref)
{
    if (ir_is_const(ref))
        return (struct ra_location){.kind = RA_AT_CONST, .constant = ir_const(ra->region, ref)};
    const struct ra_value *v = &ra->values[ref];
    if (v->reg != RA_NO_REG)
        return (struct ra_location){.kind = RA_AT_REG, .reg = v->reg};
    assert(v->mem_kind != RA_MEM_NONE);
    return (struct ra_location){.kind = v->mem_kind == RA_MEM_FRAME ? RA_AT_FRAME : RA_AT_STATE, .where = v->where};
}
