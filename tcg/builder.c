// SPDX-License-Identifier: MIT
// The IR builder: newest values of state slots, snapshots, calls, blocks and exits.
#include "tcg/builder-private.h"

#include <assert.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/ir-private.h"

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
    static const struct ir_slot_state unknown[IR_MAX_SLOTS] = {[0 ... IR_MAX_SLOTS - 1] = {IR_NONE}};
    memcpy(b->slots, unknown, sizeof(*b->slots) * b->region->slot_count);
    b->dirty = (struct ir_slot_set){0};
}

void ir_builder_init(struct ir_builder *b, struct ir_region *region)
{
    assert(region->slot_count <= IR_MAX_SLOTS);
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

void ir_forget(struct ir_builder *b, unsigned slot)
{
    if (!ir_slot_set_has(&b->dirty, slot))
        return;
    ir_slot_set_remove(&b->dirty, slot);
    b->slots[slot].value = IR_NONE;
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

// The same for those with a carry in, which joins do not know: that is in the place of `when`.
static bool left_to_reader(struct ir_builder *b, ir_ref value, struct ir_deferred *out)
{
    const struct ir_ins *ins = ir_is_const(value) ? NULL : &b->region->ins[value];
    if (!ins || ins->op != IR_FLAGADC)
        return ir_builder_deferred(b, value, out);
    *out = (struct ir_deferred){.op = IR_FLAGADC, .type = (uint8_t)ir_type_of(b->region, ins->arg[0]), .when = ins->arg[2],
                                .a = ins->arg[0], .c = ins->arg[1]};
    return true;
}

// Whether the slot's value is a sum that is for nobody else, as x86's operands of flags are, and the block is seldom run.
static bool is_better_made_here(const struct ir_builder *b, unsigned slot)
{
    const struct ir_ins *ins = &b->region->ins[b->slots[slot].value];
    return b->plan && b->region->blocks[b->block].cold && (ins->op == IR_ADD || ins->op == IR_SUB) &&
           !ir_region_reads(b, slot);
}

// A value for a slot's memory: flags that another block made are made anew here, so that block may not need to.
static ir_ref value_to_flush(struct ir_builder *b, unsigned slot)
{
    struct ir_deferred d;
    ir_ref value = b->slots[slot].value;
    if (ir_is_const(value) || value >= b->region->blocks[b->block].begin)
        return value;
    if (is_better_made_here(b, slot))
        return again(b, value);
    if (!left_to_reader(b, value, &d))
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
                         .arg = {value_to_flush(b, slot), IR_NONE, IR_NONE, IR_NONE}};
    append(b, &ins);
    ir_slot_set_remove(&b->dirty, slot);
}

void ir_builder_flush(struct ir_builder *b, const struct ir_slot_set *slots)
{
    for (unsigned w = 0; w < ARRAY_SIZE(b->dirty.bits); w++)
        for (uint64_t bits = b->dirty.bits[w] & slots->bits[w]; bits; bits &= bits - 1)
            ir_builder_flush_slot(b, w * 64 + ctz64(bits));
}

void ir_flush(struct ir_builder *b)
{
    expose(b);
    ir_builder_flush(b, &IR_SLOT_SET_ALL);
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

// Of i32 operands the reader takes the low half.
static ir_ref uncut(const struct ir_region *r, ir_ref ref)
{
    return !ir_is_const(ref) && r->ins[ref].op == IR_TRUNC ? r->ins[ref].arg[0] : ref;
}

static void show_in_snapshot(struct ir_builder *b, unsigned slot)
{
    ir_ref value = b->slots[slot].value;
    struct ir_deferred d;
    if (!left_to_reader(b, value, &d)) {
        add_to_snapshot(b, (struct ir_snapshot_entry){.slot = (uint16_t)slot, .value = value});
        return;
    }
    const ir_ref operands[IR_SNAPSHOT_OPERANDS] = {d.when, uncut(b->region, d.a), uncut(b->region, d.c)};
    for (unsigned i = 0; i < IR_SNAPSHOT_OPERANDS; i++)
        add_to_snapshot(b, (struct ir_snapshot_entry){.slot = IR_SNAPSHOT_OPERAND, .value = operands[i]});
    add_to_snapshot(b, (struct ir_snapshot_entry){.slot = (uint16_t)slot, .op = d.op, .type = d.type, .value = IR_NONE});
}

uint32_t ir_builder_snapshot(struct ir_builder *b)
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
        if (!(helper->flags & IR_HELPER_NORETURN)) // else nothing goes on with what it wrote
            b->use.written = IR_SLOT_SET_ALL;
    }
    if (!(helper->flags & IR_HELPER_PURE))
        ir_builder_forget_groups(b);
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
    s->group_count = b->group_count;
    if (b->group_count) {
        s->groups = ARENA_ARRAY_RAW(b->region->arena, struct ir_access_group, b->group_count);
        memcpy(s->groups, b->groups, sizeof(*s->groups) * b->group_count);
    }
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

// A comparison as branches take it: a constant, if there is one, second.
static struct ir_ins comparison(struct ir_builder *b, enum ir_op op, enum ir_cond cond, ir_ref a, ir_ref c)
{
    ir_builder_see_through(b, &cond, &a, &c);
    bool swap = ir_is_const(a) && !ir_is_const(c);
    return (struct ir_ins){.op = op, .type = ir_type_of(b->region, a), .aux = swap ? ir_cond_swap(cond) : cond,
                           .arg = {swap ? c : a, swap ? a : c, IR_NONE, IR_NONE}};
}

void ir_raise_if(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, uint32_t code)
{
    struct ir_ins ins = comparison(b, IR_RAISE_IF, cond, a, c);
    uint64_t mask;
    if (ins.aux == IR_TSTNE && ir_const_value(b, ins.arg[1], &mask) && ir_builder_is_aligned(b, ins.arg[0], mask))
        return;
    ins.imm = code;
    ins.snapshot = ir_builder_snapshot(b);
    append(b, &ins);
}

void ir_brcond(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, uint32_t if_true, uint32_t if_false)
{
    struct ir_ins ins = comparison(b, IR_BRCOND, cond, a, c);
    ins.imm = if_true | (uint64_t)if_false << 32;
    if (b->blocks[if_true].join || b->blocks[if_false].join)
        ir_flush(b);
    append(b, &ins);
    leave_to(b, if_true);
    leave_to(b, if_false);
    ir_builder_end_block(b);
}

void ir_begin_block(struct ir_builder *b, uint32_t block)
{
    assert(b->block == IR_NONE);
    b->block = block;
    ir_builder_forget_groups(b);
    b->region->blocks[block].begin = b->region->ins_count;
    const struct ir_block_state *s = &b->blocks[block];
    b->written = s->written;
    // All that is remembered holds where the last block ended; of that, what is older than the branch to this one, here too.
    if (s->join) {
        memset(b->recent, 0, sizeof(b->recent));
        forget_slots(b);
        return;
    }
    ir_builder_forget_recent(b, s->branched);
    assert(s->slots && "a side block begins after the branch to it");
    memcpy(b->slots, s->slots, sizeof(*s->slots) * b->region->slot_count);
    b->dirty = s->dirty;
    b->group_count = s->group_count;
    b->next_group = s->group_count % IR_ACCESS_GROUPS;
    if (s->group_count)
        memcpy(b->groups, s->groups, sizeof(*s->groups) * s->group_count);
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

static bool is_in_page(int64_t offset)
{
    return offset >= 0 && offset < 4096;
}

void ir_exit_anew(struct ir_builder *b, int64_t offset)
{
    if (!is_in_page(offset)) {
        ir_exit_indirect(b, ir_pc_plus(b, offset));
        return;
    }
    ir_flush(b);
    ir_emit(b, IR_EXIT_TO, IR_VOID, 0, IR_NONE, IR_NONE, IR_NONE, (uint64_t)offset);
    ir_builder_end_block(b);
}

void ir_exit_to(struct ir_builder *b, int64_t offset)
{
    if (!b->plan || !is_in_page(offset) || !ir_region_goes_on(b, (int32_t)offset))
        ir_exit_anew(b, offset);
}

void ir_exit_if(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, int64_t if_true, int64_t if_false)
{
    if (!b->plan)
        ir_flush(b);
    if (!b->plan && is_in_page(if_true) && is_in_page(if_false)) {
        struct ir_ins ins = comparison(b, IR_EXIT_IF, cond, a, c);
        ins.imm = (uint64_t)if_true | (uint64_t)if_false << 16;
        append(b, &ins);
        ir_builder_end_block(b);
        return;
    }
    uint32_t yes = ir_new_side(b), no = ir_new_side(b);
    ir_brcond(b, cond, a, c, yes, no);
    ir_begin_block(b, yes);
    ir_exit_to(b, if_true);
    ir_begin_block(b, no);
    ir_exit_to(b, if_false);
}

void ir_note_return(struct ir_builder *b, int64_t offset)
{
    if (b->plan && is_in_page(offset))
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
