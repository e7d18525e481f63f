// SPDX-License-Identifier: MIT
// The IR builder: emission with folding, newest values of state slots, snapshots.
#include "tcg/builder-private.h"

#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

enum { MAX_SLOTS = 256 };

static struct ir_ins *append(struct ir_builder *b, const struct ir_ins *ins)
{
    struct ir_region *r = b->region;
    assert(b->block != IR_NONE);
    IR_GROW(r, ins, ins);
    r->ins[r->ins_count] = *ins;
    return &r->ins[r->ins_count++];
}

ir_ref ir_builder_append(struct ir_builder *b, const struct ir_ins *ins)
{
    return (ir_ref)(append(b, ins) - b->region->ins);
}

static uint32_t new_block(struct ir_builder *b, bool join)
{
    struct ir_region *r = b->region;
    IR_GROW(r, blocks, block);
    r->blocks[r->block_count] = (struct ir_block){0};
    b->blocks = ir_grow(r->arena, b->blocks, &b->block_state_capacity, r->block_count, sizeof(*b->blocks));
    b->blocks[r->block_count] = (struct ir_block_state){.join = join};
    return r->block_count++;
}

static void forget_slots(struct ir_builder *b)
{
    static const struct ir_slot_state unknown[MAX_SLOTS] = {[0 ... MAX_SLOTS - 1] = {IR_NONE}};
    memcpy(b->slots, unknown, sizeof(*b->slots) * b->region->slot_count);
    b->dirty = (struct ir_slot_set){0};
}

void ir_builder_init(struct ir_builder *b, struct ir_region *region)
{
    assert(region->slot_count <= MAX_SLOTS);
    *b = (struct ir_builder){.region = region, .block = IR_NONE};
    b->slots = ARENA_ARRAY_RAW(region->arena, struct ir_slot_state, region->slot_count);
    forget_slots(b);
    uint32_t entry = new_block(b, true);
    b->block = entry;
    region->blocks[entry].begin = 0;
}

void ir_begin_insn(struct ir_builder *b, int32_t pc_offset)
{
    b->pc_offset = pc_offset;
}

// --- constants ---

ir_ref ir_add_const(struct ir_region *r, enum ir_type type, uint64_t lo, uint64_t hi)
{
    uint32_t first = r->const_count > 12 ? r->const_count - 12 : 0;
    for (uint32_t i = r->const_count; i-- > first;)
        if (r->consts[i].lo == lo && r->consts[i].hi == hi && r->consts[i].type == type)
            return i | IR_CONST_BIT;
    IR_GROW(r, consts, const);
    r->consts[r->const_count] = (struct ir_const){type, lo, hi};
    return r->const_count++ | IR_CONST_BIT;
}

ir_ref ir_i32(struct ir_builder *b, uint32_t value)
{
    return ir_add_const(b->region, IR_I32, value, 0);
}

ir_ref ir_i64(struct ir_builder *b, uint64_t value)
{
    return ir_add_const(b->region, IR_I64, value, 0);
}

ir_ref ir_imm(struct ir_builder *b, enum ir_type type, uint64_t value)
{
    return type == IR_I32 ? ir_i32(b, (uint32_t)value) : ir_i64(b, value);
}

ir_ref ir_v128(struct ir_builder *b, uint64_t lo, uint64_t hi)
{
    return ir_add_const(b->region, IR_V128, lo, hi);
}

bool ir_const_value(const struct ir_builder *b, ir_ref ref, uint64_t *value)
{
    if (!ir_is_const(ref) || !ir_type_is_int(ir_const(b->region, ref)->type))
        return false;
    *value = ir_const(b->region, ref)->lo;
    return true;
}

// --- state ---

// Anything may look at the state now: what has not been written on the way here shows its value from before.
static void expose(struct ir_builder *b)
{
    for (unsigned w = 0; w < ARRAY_SIZE(b->written.bits); w++)
        b->use.exposed.bits[w] |= ~b->written.bits[w];
}

ir_ref ir_get(struct ir_builder *b, unsigned slot)
{
    struct ir_slot_state *s = &b->slots[slot];
    if (s->value != IR_NONE)
        return s->value;
    if (!ir_slot_set_has(&b->written, slot)) {
        ir_slot_set_add(&b->use.read, slot);
        ir_slot_set_add(&b->use.exposed, slot);
    }
    struct ir_ins ins = {.op = IR_GETSLOT, .type = b->region->slots[slot].type, .imm = slot,
                         .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE}};
    ir_ref value = ir_builder_append(b, &ins);
    if (slot != IR_SLOT_EXIT_REQUEST) // read anew each time
        s->value = value;
    return value;
}

void ir_set(struct ir_builder *b, unsigned slot, ir_ref value)
{
    assert(ir_type_of(b->region, value) == b->region->slots[slot].type);
    if (b->slots[slot].value == value)
        return;
    b->slots[slot].value = value;
    ir_slot_set_add(&b->dirty, slot);
    ir_slot_set_add(&b->written, slot);
    ir_slot_set_add(&b->use.written, slot);
    ir_slot_set_add(&b->use.set, slot);
}

bool ir_builder_deferred(struct ir_builder *b, ir_ref value, struct ir_deferred *out)
{
    const struct ir_region *r = b->region;
    if (ir_is_const(value))
        return false;
    const struct ir_ins *ins = &r->ins[value];
    ir_ref when = IR_NONE;
    if (ins->deferred) {
        when = ins->arg[0];
        ins = &r->ins[ins->arg[2]];
    }
    if (ins->op != IR_FLAGSUB && ins->op != IR_FLAGADD && ins->op != IR_FLAGLOGIC)
        return false;
    *out = (struct ir_deferred){.op = ins->op, .type = (uint8_t)ir_type_of(r, ins->arg[0]), .when = when, .a = ins->arg[0],
                                .c = ins->op == IR_FLAGLOGIC ? ins->arg[0] : ins->arg[1]};
    if (when == IR_NONE)
        out->when = ir_i32(b, 1);
    return true;
}

static ir_ref again(struct ir_builder *b, ir_ref ref)
{
    struct ir_ins ins = b->region->ins[ref];
    return ir_builder_append(b, &ins);
}

// A value for a slot's memory: flags that another block made are made anew here, so that block may not need to.
static ir_ref value_to_flush(struct ir_builder *b, ir_ref value)
{
    struct ir_deferred d;
    if (ir_is_const(value) || value >= b->region->blocks[b->block].begin || !ir_builder_deferred(b, value, &d))
        return value;
    struct ir_ins ins = b->region->ins[value];
    if (!ins.deferred)
        return again(b, value);
    ins.arg[2] = again(b, ins.arg[2]);
    ins.arg[3] = again(b, ins.arg[3]);
    ins.deferred = false;
    return ir_builder_append(b, &ins);
}

void ir_builder_flush_slot(struct ir_builder *b, unsigned slot)
{
    struct ir_ins ins = {.op = IR_SETSLOT, .type = b->region->slots[slot].type, .imm = slot,
                         .arg = {value_to_flush(b, b->slots[slot].value), IR_NONE, IR_NONE, IR_NONE}};
    append(b, &ins);
    ir_slot_set_remove(&b->dirty, slot);
}

void ir_flush(struct ir_builder *b)
{
    expose(b);
    for (unsigned w = 0; w < ARRAY_SIZE(b->dirty.bits); w++)
        for (uint64_t bits = b->dirty.bits[w]; bits; bits &= bits - 1)
            ir_builder_flush_slot(b, w * 64 + ctz64(bits));
}

// The pc offset in memory, for a call that may leave by itself.
static void flush_with_pc(struct ir_builder *b)
{
    ir_set(b, IR_SLOT_PC_OFFSET, ir_i32(b, (uint32_t)b->pc_offset));
    ir_flush(b);
    // Memory holds it now, but no later instruction may rely on that.
    b->slots[IR_SLOT_PC_OFFSET].value = IR_NONE;
}

ir_ref ir_pc_plus(struct ir_builder *b, int64_t offset)
{
    return ir_addi(b, ir_get(b, IR_SLOT_PC_PAGE), offset);
}

static void add_to_snapshot(struct ir_builder *b, struct ir_snapshot_entry entry)
{
    struct ir_region *r = b->region;
    IR_GROW(r, snapshot_entries, snapshot_entry);
    r->snapshot_entries[r->snapshot_entry_count++] = entry;
}

static void show_in_snapshot(struct ir_builder *b, unsigned slot)
{
    ir_ref value = b->slots[slot].value;
    struct ir_deferred d;
    if (!ir_builder_deferred(b, value, &d)) {
        add_to_snapshot(b, (struct ir_snapshot_entry){.slot = (uint16_t)slot, .value = value});
        return;
    }
    const ir_ref operands[IR_SNAPSHOT_OPERANDS] = {d.when, d.a, d.c};
    for (unsigned i = 0; i < IR_SNAPSHOT_OPERANDS; i++)
        add_to_snapshot(b, (struct ir_snapshot_entry){.slot = IR_SNAPSHOT_OPERAND, .value = operands[i]});
    add_to_snapshot(b, (struct ir_snapshot_entry){.slot = (uint16_t)slot, .op = d.op, .type = d.type, .value = IR_NONE});
}

static uint32_t take_snapshot(struct ir_builder *b)
{
    struct ir_region *r = b->region;
    expose(b);
    IR_GROW(r, snapshots, snapshot);
    struct ir_snapshot *s = &r->snapshots[r->snapshot_count];
    *s = (struct ir_snapshot){.pc_offset = b->pc_offset, .first = r->snapshot_entry_count};
    for (unsigned w = 0; w < ARRAY_SIZE(b->dirty.bits); w++)
        for (uint64_t bits = b->dirty.bits[w]; bits; bits &= bits - 1)
            show_in_snapshot(b, w * 64 + ctz64(bits));
    s->count = r->snapshot_entry_count - s->first;
    return ++r->snapshot_count;
}

// --- operations ---

static bool same(const struct ir_ins *a, const struct ir_ins *c)
{
    return a->op == c->op && a->type == c->type && a->aux == c->aux && a->imm == c->imm && a->arg[0] == c->arg[0] &&
           a->arg[1] == c->arg[1] && a->arg[2] == c->arg[2] && a->arg[3] == c->arg[3];
}

// A pure operation: the same one that was emitted before, if that holds here and is remembered.
static ir_ref emit_pure(struct ir_builder *b, const struct ir_ins *ins)
{
    uint64_t h = (ins->op | (uint64_t)ins->arg[0] << 8 | (uint64_t)ins->arg[1] << 36) ^ ins->imm << 20 ^ ins->aux;
    ir_ref *place = &b->recent[h * UINT64_C(0x9e3779b97f4a7c15) >> 58];
    if (*place && same(&b->region->ins[*place - 1], ins))
        return *place - 1;
    ir_ref made = ir_builder_append(b, ins);
    *place = made + 1;
    return made;
}

// What was emitted since there were `count` instructions may not hold any more.
static void forget_recent(struct ir_builder *b, uint32_t count)
{
    for (unsigned i = 0; i < IR_RECENT; i++)
        if (b->recent[i] > count)
            b->recent[i] = 0;
}

static ir_ref emit(struct ir_builder *b, struct ir_ins *ins)
{
    if (ir_ops[ins->op].properties & IR_PROP_PURE) {
        ir_ref folded = ir_fold(b->region, ins);
        return folded != IR_NONE ? folded : emit_pure(b, ins);
    }
    if (ir_ops[ins->op].properties & IR_PROP_MEM) {
        ins->snapshot = take_snapshot(b);
        if (ir_type_of(b->region, ins->arg[0]) == IR_I32)
            ins->imm |= ir_mem_pack((struct ir_mem){.narrow = true});
    }
    return (ir_ref)(append(b, ins) - b->region->ins);
}

ir_ref ir_emit(struct ir_builder *b, enum ir_op op, enum ir_type type, unsigned aux, ir_ref a, ir_ref c, ir_ref d,
               uint64_t imm)
{
    struct ir_ins ins = {.op = op, .type = type, .aux = aux, .arg = {a, c, d, IR_NONE}, .imm = imm};
    if (ir_ops[op].result != 'n')
        ins.type = ir_result_type(&ins);
    return emit(b, &ins);
}

ir_ref ir_host_op(struct ir_builder *b, bool fp, enum ir_type type, uint64_t op, const ir_ref *args, unsigned count,
                  uint64_t stub)
{
    struct ir_ins ins = {.op = fp ? IR_HOSTFP : IR_HOST, .type = type, .imm = op};
    for (unsigned i = 0; i < 3; i++)
        ins.arg[i] = args[i < count ? i : 0];
    ins.arg[3] = ir_i64(b, stub);
    return emit(b, &ins);
}

ir_ref ir_op1(struct ir_builder *b, enum ir_op op, ir_ref a)
{
    return ir_emit(b, op, ir_type_of(b->region, a), 0, a, IR_NONE, IR_NONE, 0);
}

ir_ref ir_op2(struct ir_builder *b, enum ir_op op, ir_ref a, ir_ref c)
{
    return ir_emit(b, op, ir_type_of(b->region, a), 0, a, c, IR_NONE, 0);
}

ir_ref ir_op3(struct ir_builder *b, enum ir_op op, ir_ref a, ir_ref c, ir_ref d)
{
    return ir_emit(b, op, ir_type_of(b->region, a), 0, a, c, d, 0);
}

ir_ref ir_v1(struct ir_builder *b, enum ir_op op, unsigned lane, ir_ref a, unsigned imm)
{
    return ir_emit(b, op, IR_V128, lane, a, IR_NONE, IR_NONE, imm);
}

ir_ref ir_v2(struct ir_builder *b, enum ir_op op, unsigned lane, ir_ref a, ir_ref c, unsigned imm)
{
    return ir_emit(b, op, IR_V128, lane, a, c, IR_NONE, imm);
}

static ir_ref with_imm(struct ir_builder *b, enum ir_op op, ir_ref a, uint64_t value)
{
    return ir_op2(b, op, a, ir_imm(b, ir_type_of(b->region, a), value));
}

ir_ref ir_addi(struct ir_builder *b, ir_ref a, int64_t value)
{
    return with_imm(b, IR_ADD, a, (uint64_t)value);
}

ir_ref ir_andi(struct ir_builder *b, ir_ref a, uint64_t value)
{
    return with_imm(b, IR_AND, a, value);
}

ir_ref ir_shli(struct ir_builder *b, ir_ref a, unsigned count)
{
    return with_imm(b, IR_SHL, a, count);
}

ir_ref ir_shri(struct ir_builder *b, ir_ref a, unsigned count)
{
    return with_imm(b, IR_SHR, a, count);
}

ir_ref ir_sari(struct ir_builder *b, ir_ref a, unsigned count)
{
    return with_imm(b, IR_SAR, a, count);
}

static ir_ref convert(struct ir_builder *b, enum ir_op op, enum ir_type type, ir_ref a)
{
    return ir_type_of(b->region, a) == type ? a : ir_emit(b, op, type, 0, a, IR_NONE, IR_NONE, 0);
}

ir_ref ir_trunc(struct ir_builder *b, ir_ref a)
{
    return convert(b, IR_TRUNC, IR_I32, a);
}

ir_ref ir_zext(struct ir_builder *b, ir_ref a)
{
    return convert(b, IR_ZEXT32, IR_I64, a);
}

ir_ref ir_sext(struct ir_builder *b, ir_ref a)
{
    return convert(b, IR_SEXT32, IR_I64, a);
}

ir_ref ir_extract(struct ir_builder *b, ir_ref a, unsigned start, unsigned length)
{
    return ir_emit(b, IR_EXTRACT, ir_type_of(b->region, a), 0, a, IR_NONE, IR_NONE, start | length << 8);
}

ir_ref ir_sextract(struct ir_builder *b, ir_ref a, unsigned start, unsigned length)
{
    return ir_emit(b, IR_SEXTRACT, ir_type_of(b->region, a), 0, a, IR_NONE, IR_NONE, start | length << 8);
}

ir_ref ir_deposit(struct ir_builder *b, ir_ref a, ir_ref field, unsigned start, unsigned length)
{
    return ir_emit(b, IR_DEPOSIT, ir_type_of(b->region, a), 0, a, field, IR_NONE, start | length << 8);
}

ir_ref ir_setcond(struct ir_builder *b, enum ir_type type, enum ir_cond cond, ir_ref a, ir_ref c)
{
    return ir_emit(b, IR_SETCOND, type, cond, a, c, IR_NONE, ir_type_of(b->region, a));
}

// A comparison of a 0-or-1 value with zero is the comparison that made it.
static void see_through_setcond(struct ir_builder *b, enum ir_cond *cond, ir_ref *a, ir_ref *c)
{
    uint64_t value;
    while (!ir_is_const(*a) && ir_const_value(b, *c, &value) && value == 0 && (*cond == IR_NE || *cond == IR_EQ)) {
        const struct ir_ins *ins = &b->region->ins[*a];
        if (ins->op == IR_ZEXT32 || (ins->op == IR_TRUNC && !ir_is_const(ins->arg[0]) &&
                                     b->region->ins[ins->arg[0]].op == IR_SETCOND)) {
            *a = ins->arg[0];
            *c = ir_imm(b, ir_type_of(b->region, *a), 0);
            continue;
        }
        if (ins->op == IR_AND) {
            *c = ins->arg[1];
            *a = ins->arg[0];
            *cond = *cond == IR_NE ? IR_TSTNE : IR_TSTEQ;
            return;
        }
        if (ins->op != IR_SETCOND)
            return;
        *cond = *cond == IR_NE ? ins->aux : ir_cond_invert(ins->aux);
        *a = ins->arg[0];
        *c = ins->arg[1];
    }
}

ir_ref ir_select(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, ir_ref if_true, ir_ref if_false)
{
    see_through_setcond(b, &cond, &a, &c);
    struct ir_ins ins = {.op = IR_SELECT, .type = ir_type_of(b->region, if_true), .aux = cond,
                         .arg = {a, c, if_true, if_false}, .imm = ir_type_of(b->region, a)};
    return emit(b, &ins);
}

// Conditions that are one comparison of the operands of the operation that made the flags.
static bool flag_cond_of_sub(enum ir_flag_cond cond, enum ir_cond *out)
{
    static const int8_t conds[] = {[IR_FC_EQ] = IR_EQ,  [IR_FC_NE] = IR_NE,  [IR_FC_CS] = IR_GEU, [IR_FC_CC] = IR_LTU,
                                   [IR_FC_MI] = -1,     [IR_FC_PL] = -1,     [IR_FC_VS] = -1,     [IR_FC_VC] = -1,
                                   [IR_FC_HI] = IR_GTU, [IR_FC_LS] = IR_LEU, [IR_FC_GE] = IR_GE,  [IR_FC_LT] = IR_LT,
                                   [IR_FC_GT] = IR_GT,  [IR_FC_LE] = IR_LE};
    *out = (enum ir_cond)conds[cond];
    return conds[cond] >= 0;
}

static ir_ref flag_test_logic(struct ir_builder *b, enum ir_type type, enum ir_flag_cond cond, ir_ref value)
{
    static const uint8_t conds[] = {[IR_FC_EQ] = IR_EQ, [IR_FC_NE] = IR_NE, [IR_FC_MI] = IR_LT, [IR_FC_PL] = IR_GE,
                                    [IR_FC_GE] = IR_GE, [IR_FC_LT] = IR_LT, [IR_FC_GT] = IR_GT, [IR_FC_LE] = IR_LE};
    switch (cond) {
    case IR_FC_CS:
    case IR_FC_VS:
    case IR_FC_HI:
        return ir_imm(b, type, 0);
    case IR_FC_CC:
    case IR_FC_VC:
    case IR_FC_LS:
        return ir_imm(b, type, 1);
    default:
        return ir_setcond(b, type, conds[cond], value, ir_imm(b, ir_type_of(b->region, value), 0));
    }
}

ir_ref ir_flag_test(struct ir_builder *b, enum ir_type type, enum ir_flag_cond cond, ir_ref flags)
{
    if (!ir_is_const(flags)) {
        const struct ir_ins *ins = &b->region->ins[flags];
        ir_ref x = ins->arg[0], y = ins->arg[1];
        enum ir_cond compare;
        if (ins->op == IR_FLAGLOGIC)
            return flag_test_logic(b, type, cond, x);
        if (ins->op == IR_FLAGSUB && flag_cond_of_sub(cond, &compare))
            return ir_setcond(b, type, compare, x, y);
        ir_ref zero = ins->op == IR_FLAGSUB || ins->op == IR_FLAGADD ? ir_imm(b, ir_type_of(b->region, x), 0) : 0;
        if (ins->op == IR_FLAGSUB && (cond == IR_FC_MI || cond == IR_FC_PL))
            return ir_setcond(b, type, cond == IR_FC_MI ? IR_LT : IR_GE, ir_sub(b, x, y), zero);
        if (ins->op == IR_FLAGADD) {
            if (cond == IR_FC_EQ || cond == IR_FC_NE)
                return ir_setcond(b, type, cond == IR_FC_EQ ? IR_EQ : IR_NE, ir_add(b, x, y), zero);
            if (cond == IR_FC_MI || cond == IR_FC_PL)
                return ir_setcond(b, type, cond == IR_FC_MI ? IR_LT : IR_GE, ir_add(b, x, y), zero);
            if (cond == IR_FC_CS || cond == IR_FC_CC)
                return ir_setcond(b, type, cond == IR_FC_CS ? IR_LTU : IR_GEU, ir_add(b, x, y), x);
        }
    }
    static const uint16_t single[] = {[IR_FC_EQ / 2] = IR_FLAG_Z, [IR_FC_CS / 2] = IR_FLAG_C,
                                      [IR_FC_MI / 2] = IR_FLAG_N, [IR_FC_VS / 2] = IR_FLAG_V};
    if (cond <= IR_FC_VC)
        return ir_setcond(b, type, cond & 1 ? IR_TSTEQ : IR_TSTNE, flags, ir_i32(b, single[cond / 2]));
    return ir_emit(b, IR_FLAGTEST, type, cond, flags, IR_NONE, IR_NONE, 0);
}

// --- memory ---

static void forget_groups(struct ir_builder *b)
{
    b->group_count = b->next_group = 0;
}

// Addresses of the form x + constant become base x and a larger offset, so that neighbours are recognised. A sum that
// passes 2^32 misses the inline check, which does not cut it, so large constants stay part of an i32.
static void split_address(const struct ir_builder *b, ir_ref *address, struct ir_mem *mem)
{
    bool narrow = ir_type_of(b->region, *address) == IR_I32;
    int64_t limit = narrow ? 1 << 15 : 1 << 30;
    while (!ir_is_const(*address)) {
        const struct ir_ins *ins = &b->region->ins[*address];
        if (ins->op != IR_ADD || !ir_is_const(ins->arg[1]))
            return;
        uint64_t constant = ir_const(b->region, ins->arg[1])->lo;
        int64_t sum = mem->offset + (narrow ? (int32_t)constant : (int64_t)constant);
        if (sum < -limit || sum > limit)
            return;
        mem->offset = (int32_t)sum;
        *address = ins->arg[0];
    }
}

static struct ir_access_group *find_group(struct ir_builder *b, ir_ref base, struct ir_mem mem)
{
    int32_t end = mem.offset + (1 << mem.size_log2);
    for (unsigned i = 0; i < b->group_count; i++) {
        struct ir_access_group *g = &b->groups[i];
        int32_t lo = g->lo < mem.offset ? g->lo : mem.offset, hi = g->hi > end ? g->hi : end;
        if (g->base == base && g->mmu_index == mem.mmu_index && hi - lo <= IR_ACCESS_REACH)
            return g;
    }
    return NULL;
}

static void open_group(struct ir_builder *b, ir_ref base, struct ir_mem mem)
{
    struct ir_ins nop;
    ir_make_nop(&nop);
    append(b, &nop);
    struct ir_access_group *g = &b->groups[b->next_group];
    b->next_group = (b->next_group + 1) % IR_ACCESS_GROUPS;
    if (b->group_count < IR_ACCESS_GROUPS)
        b->group_count++;
    *g = (struct ir_access_group){.base = base, .place = b->region->ins_count - 1, .first = b->region->ins_count,
                                  .lo = mem.offset, .hi = mem.offset + (1 << mem.size_log2),
                                  .mmu_index = mem.mmu_index};
}

// The access joins the group: the NOP before the first one becomes a check for all of them.
static void join_group(struct ir_builder *b, struct ir_access_group *g, struct ir_mem mem, bool write)
{
    struct ir_region *r = b->region;
    int32_t end = mem.offset + (1 << mem.size_log2);
    struct ir_ins *first = &r->ins[g->first];
    if (!g->shared) {
        g->shared = true;
        bool is_load = first->op == IR_LD;
        first->op = is_load ? IR_LDP : IR_STP;
        first->arg[is_load ? 1 : 2] = g->place;
        g->written = !is_load;
    }
    g->written |= write;
    g->lo = g->lo < mem.offset ? g->lo : mem.offset;
    g->hi = g->hi > end ? g->hi : end;
    r->ins[g->place] = (struct ir_ins){.op = IR_PROBE, .type = IR_I64,
                                       .aux = (uint8_t)(g->mmu_index << 1 | g->written),
                                       .arg = {g->base, IR_NONE, IR_NONE, IR_NONE},
                                       .imm = (uint32_t)g->lo | (uint64_t)(uint32_t)g->hi << 32};
}

static bool may_share(struct ir_mem mem)
{
    return !mem.align_log2 && !mem.ordered;
}

ir_ref ir_load(struct ir_builder *b, enum ir_type type, ir_ref address, struct ir_mem mem)
{
    split_address(b, &address, &mem);
    struct ir_access_group *g = may_share(mem) ? find_group(b, address, mem) : NULL;
    if (g) {
        join_group(b, g, mem, false);
        return ir_emit(b, IR_LDP, type, 0, address, g->place, IR_NONE, ir_mem_pack(mem));
    }
    if (may_share(mem))
        open_group(b, address, mem);
    return ir_emit(b, IR_LD, type, 0, address, IR_NONE, IR_NONE, ir_mem_pack(mem));
}

void ir_store(struct ir_builder *b, ir_ref value, ir_ref address, struct ir_mem mem)
{
    enum ir_type type = ir_type_of(b->region, value);
    split_address(b, &address, &mem);
    struct ir_access_group *g = may_share(mem) ? find_group(b, address, mem) : NULL;
    if (g) {
        join_group(b, g, mem, true);
        ir_emit(b, IR_STP, type, 0, address, value, g->place, ir_mem_pack(mem));
        return;
    }
    if (may_share(mem))
        open_group(b, address, mem);
    ir_emit(b, IR_ST, type, 0, address, value, IR_NONE, ir_mem_pack(mem));
}

ir_ref ir_cas(struct ir_builder *b, ir_ref address, ir_ref expected, ir_ref desired, struct ir_mem mem)
{
    return ir_emit(b, IR_CAS, ir_type_of(b->region, expected), 0, address, expected, desired, ir_mem_pack(mem));
}

ir_ref ir_atomic(struct ir_builder *b, enum ir_atomic kind, ir_ref address, ir_ref operand, struct ir_mem mem)
{
    return ir_emit(b, IR_ATOMIC, ir_type_of(b->region, operand), kind, address, operand, IR_NONE, ir_mem_pack(mem));
}

void ir_fence(struct ir_builder *b, enum ir_fence kind)
{
    ir_emit(b, IR_FENCE, IR_VOID, kind, IR_NONE, IR_NONE, IR_NONE, 0);
}

// --- calls ---

void ir_builder_end_block(struct ir_builder *b)
{
    b->region->blocks[b->block].end = b->region->ins_count;
    b->block = IR_NONE;
}

static uint32_t add_list(struct ir_region *r, const ir_ref *values, unsigned count)
{
    uint32_t start = r->list_count;
    for (unsigned i = 0; i <= count; i++) {
        IR_GROW(r, lists, list);
        r->lists[r->list_count++] = i ? values[i - 1] : count;
    }
    return start;
}

ir_ref ir_call(struct ir_builder *b, const struct ir_helper *helper, const ir_ref *args)
{
    struct ir_region *r = b->region;
    for (unsigned i = 0; i < helper->arg_count; i++)
        assert(ir_type_of(r, args[i]) == helper->args[i]);
    if (helper->flags & (IR_HELPER_MAY_FAULT | IR_HELPER_NORETURN))
        flush_with_pc(b);
    else if (helper->flags & (IR_HELPER_READS_STATE | IR_HELPER_WRITES_STATE))
        ir_flush(b);
    uint32_t number = 0;
    while (number < r->helper_count && r->helpers[number] != helper)
        number++;
    if (number == r->helper_count) {
        IR_GROW(r, helpers, helper);
        r->helpers[r->helper_count++] = helper;
    }
    struct ir_ins ins = {.op = IR_CALL, .type = helper->result, .imm = number,
                         .arg = {helper->arg_count, add_list(r, args, helper->arg_count), IR_NONE, IR_NONE}};
    ir_ref result = ir_builder_append(b, &ins);
    if (helper->flags & (IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB)) {
        forget_slots(b);
        b->use.written = IR_SLOT_SET_ALL;
    }
    if (!(helper->flags & IR_HELPER_PURE))
        forget_groups(b);
    if (helper->flags & IR_HELPER_NORETURN) {
        ir_emit(b, IR_UNREACHABLE, IR_VOID, 0, IR_NONE, IR_NONE, IR_NONE, 0);
        ir_builder_end_block(b);
    }
    return helper->result == IR_VOID ? IR_NONE : result;
}

// --- control ---

uint32_t ir_new_join(struct ir_builder *b)
{
    return new_block(b, true);
}

uint32_t ir_new_side(struct ir_builder *b)
{
    return new_block(b, false);
}

// What is known here goes to a side block whole; a join only learns what has been written on all ways there.
static void leave_to(struct ir_builder *b, uint32_t block)
{
    struct ir_block_state *s = &b->blocks[block];
    if (s->join && s->reached) {
        for (unsigned w = 0; w < ARRAY_SIZE(s->written.bits); w++)
            s->written.bits[w] &= b->written.bits[w];
        return;
    }
    assert(!s->reached && "a side block has one predecessor");
    s->reached = true;
    s->branched = b->region->ins_count;
    s->written = b->written;
    if (!s->join)
        ir_builder_save(b, block);
}

void ir_builder_save(struct ir_builder *b, uint32_t block)
{
    struct ir_block_state *s = &b->blocks[block];
    if (!s->slots)
        s->slots = ARENA_ARRAY_RAW(b->region->arena, struct ir_slot_state, b->region->slot_count);
    memcpy(s->slots, b->slots, sizeof(*s->slots) * b->region->slot_count);
    s->dirty = b->dirty;
    s->written = b->written;
    if (b->notes) {
        s->notes = arena_alloc_raw(b->region->arena, b->notes_bytes);
        memcpy(s->notes, b->notes, b->notes_bytes);
    }
}

void ir_builder_jump(struct ir_builder *b, uint32_t block, const ir_ref *values, unsigned count)
{
    struct ir_ins ins = {.op = IR_JUMP, .imm = block, .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE}};
    if (count)
        ins.arg[2] = add_list(b->region, values, count);
    append(b, &ins);
    leave_to(b, block);
    ir_builder_end_block(b);
}

void ir_jump(struct ir_builder *b, uint32_t block)
{
    if (b->blocks[block].join)
        ir_flush(b);
    ir_builder_jump(b, block, NULL, 0);
}

void ir_jump_with(struct ir_builder *b, uint32_t block, ir_ref value)
{
    if (b->blocks[block].join)
        ir_flush(b);
    ir_builder_jump(b, block, &value, 1);
}

void ir_brcond(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, uint32_t if_true, uint32_t if_false)
{
    see_through_setcond(b, &cond, &a, &c);
    if (ir_is_const(a) && !ir_is_const(c)) {
        ir_ref t = a;
        a = c;
        c = t;
        cond = ir_cond_swap(cond);
    }
    if (b->blocks[if_true].join || b->blocks[if_false].join)
        ir_flush(b);
    struct ir_ins ins = {.op = IR_BRCOND, .type = ir_type_of(b->region, a), .aux = cond,
                         .arg = {a, c, IR_NONE, IR_NONE}, .imm = if_true | (uint64_t)if_false << 32};
    append(b, &ins);
    leave_to(b, if_true);
    leave_to(b, if_false);
    ir_builder_end_block(b);
}

void ir_branch_out(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, uint32_t if_true, uint32_t if_false)
{
    if (!b->plan)
        ir_flush(b);
    ir_brcond(b, cond, a, c, if_true, if_false);
}

void ir_begin_block(struct ir_builder *b, uint32_t block)
{
    assert(b->block == IR_NONE);
    b->block = block;
    forget_groups(b);
    b->region->blocks[block].begin = b->region->ins_count;
    const struct ir_block_state *s = &b->blocks[block];
    b->written = s->written;
    // All that is remembered holds where the last block ended; of that, what is older than the branch to this one, here too.
    if (s->join) {
        memset(b->recent, 0, sizeof(b->recent));
        forget_slots(b);
        return;
    }
    forget_recent(b, s->branched);
    assert(s->slots && "a side block begins after the branch to it");
    memcpy(b->slots, s->slots, sizeof(*s->slots) * b->region->slot_count);
    b->dirty = s->dirty;
    if (b->notes && s->notes)
        memcpy(b->notes, s->notes, b->notes_bytes);
}

void ir_keep_notes(struct ir_builder *b, void *notes, size_t bytes)
{
    b->notes = notes;
    b->notes_bytes = bytes;
    const struct ir_block_state *s = &b->blocks[b->block];
    if (s->notes)
        memcpy(notes, s->notes, bytes);
}

ir_ref ir_param(struct ir_builder *b, enum ir_type type)
{
    struct ir_ins ins = {.op = IR_PARAM, .type = type, .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE}};
    return ir_builder_append(b, &ins);
}

void ir_exit_anew(struct ir_builder *b, int64_t offset)
{
    if (offset < 0 || offset >= 4096) {
        ir_exit_indirect(b, ir_pc_plus(b, offset));
        return;
    }
    ir_flush(b);
    ir_emit(b, IR_EXIT_TO, IR_VOID, 0, IR_NONE, IR_NONE, IR_NONE, (uint64_t)offset);
    ir_builder_end_block(b);
}

void ir_exit_to(struct ir_builder *b, int64_t offset)
{
    bool inside = offset >= 0 && offset < 4096;
    if (!b->plan || !inside || !ir_region_goes_on(b, (int32_t)offset))
        ir_exit_anew(b, offset);
}

void ir_note_return(struct ir_builder *b, int64_t offset)
{
    if (b->plan && offset >= 0 && offset < 4096)
        ir_region_call(b, (int32_t)offset);
}

void ir_exit_return(struct ir_builder *b, ir_ref pc)
{
    if (b->plan)
        ir_region_return(b, pc);
    if (ir_open(b))
        ir_exit_indirect(b, pc);
}

void ir_exit_indirect(struct ir_builder *b, ir_ref pc)
{
    ir_flush(b);
    ir_emit(b, IR_EXIT_INDIRECT, IR_VOID, 0, pc, IR_NONE, IR_NONE, 0);
    ir_builder_end_block(b);
}

void ir_exit_loop(struct ir_builder *b, ir_ref pc)
{
    ir_flush(b);
    ir_emit(b, IR_EXIT_LOOP, IR_VOID, 0, pc, IR_NONE, IR_NONE, 0);
    ir_builder_end_block(b);
}
