// SPDX-License-Identifier: MIT
// Flags at the joins of a region. Making them takes several host instructions, and mostly nobody looks: so a join knows them
// by their operation, and by operands that it finds in slots, that are constants or the same on all ways, or else are
// parameters. Where a way brings something else, that is put in the slot's memory, and a parameter says so.
#include "tcg/base/bits.h"
#include "tcg/builder-private.h"
#include "tcg/ir-private.h"
#include "tcg/region-plan.h"

// Whether the operand is the value or, an i32, its low half.
static bool is_in(const struct ir_region *r, ir_ref ref, ir_ref value)
{
    if (value == IR_NONE)
        return false;
    if (ir_is_const(value) && ir_is_const(ref)) {
        uint64_t whole = ir_const(r, value)->lo, cut = ir_type_of(r, ref) == IR_I32 ? (uint32_t)whole : whole;
        return cut == ir_const(r, ref)->lo;
    }
    if (value == ref || ir_is_const(value) || ir_is_const(ref))
        return value == ref;
    const struct ir_ins *whole = &r->ins[value], *low = &r->ins[ref];
    return (whole->op == IR_ZEXT32 && whole->arg[0] == ref) || (low->op == IR_TRUNC && low->arg[0] == value);
}

static struct ir_flags_operand note_operand(const struct ir_builder *b, ir_ref ref)
{
    if (ir_is_const(ref))
        return (struct ir_flags_operand){.kind = IR_FLAGS_CONST, .constant = ir_const(b->region, ref)->lo};
    for (unsigned slot = IR_SLOT_FIRST_GUEST; slot < b->region->slot_count; slot++)
        if (is_in(b->region, ref, b->slots[slot].value))
            return (struct ir_flags_operand){.kind = IR_FLAGS_SLOT, .slot = slot};
    return (struct ir_flags_operand){.kind = IR_FLAGS_PARAM};
}

struct ir_plan_flags ir_flags_note(struct ir_builder *b)
{
    for (unsigned w = 0; w < ARRAY_SIZE(b->dirty.bits); w++) {
        for (uint64_t bits = b->dirty.bits[w]; bits; bits &= bits - 1) {
            struct ir_deferred d;
            unsigned slot = w * 64 + ctz64(bits);
            if (ir_builder_deferred(b, b->slots[slot].value, &d))
                return (struct ir_plan_flags){.op = d.op, .type = d.type, .slot = (uint16_t)slot,
                                              .operands = {note_operand(b, d.a), note_operand(b, d.c)}};
        }
    }
    return (struct ir_plan_flags){.op = IR_NOP};
}

// --- what the ways to a join have in common ---

static bool on_way(struct ir_builder *b, uint32_t way, unsigned slot, struct ir_deferred *d)
{
    const struct ir_block_state *s = &b->blocks[way];
    return ir_slot_set_has(&s->dirty, slot) && ir_builder_deferred(b, s->slots[slot].value, d);
}

// The slot among the parameters that has the operand's value on every way that brings such flags, or -1.
static int slot_of_operand(struct ir_builder *b, const struct ir_member *m, unsigned n)
{
    for (unsigned p = 0; p < m->param_count; p++) {
        bool same = true;
        for (unsigned i = 0; i < m->way_count && same; i++) {
            struct ir_deferred d;
            if (on_way(b, m->ways[i], m->flags.slot, &d) && d.op == m->flags.op && d.type == m->flags.type)
                same = is_in(b->region, n ? d.c : d.a, b->blocks[m->ways[i]].slots[m->params[p]].value);
        }
        if (same)
            return m->params[p];
    }
    return -1;
}

struct ir_flags_operand ir_flags_operand_of_ways(struct ir_builder *b, const struct ir_member *m, unsigned n)
{
    ir_ref first = IR_NONE;
    bool same = true;
    for (unsigned i = 0; i < m->way_count; i++) {
        struct ir_deferred d;
        if (!on_way(b, m->ways[i], m->flags.slot, &d) || d.op != m->flags.op || d.type != m->flags.type)
            continue;
        ir_ref operand = n ? d.c : d.a;
        first = first == IR_NONE ? operand : first;
        same &= operand == first;
    }
    if (same && ir_is_const(first))
        return (struct ir_flags_operand){.kind = IR_FLAGS_CONST, .constant = ir_const(b->region, first)->lo};
    // A value that one way does not have is none to go by.
    if (same && m->flags.always)
        return (struct ir_flags_operand){.kind = IR_FLAGS_VALUE, .value = first};
    int slot = slot_of_operand(b, m, n);
    return slot < 0 ? (struct ir_flags_operand){.kind = IR_FLAGS_PARAM}
                    : (struct ir_flags_operand){.kind = IR_FLAGS_SLOT, .slot = (unsigned)slot};
}

bool ir_flags_of_ways(struct ir_builder *b, struct ir_member *m, unsigned slot)
{
    struct ir_plan_flags *f = &m->flags;
    uint64_t when;
    *f = (struct ir_plan_flags){.op = IR_NOP, .always = true, .slot = (uint16_t)slot};
    for (unsigned i = 0; i < m->way_count; i++) {
        struct ir_deferred d;
        bool there = on_way(b, m->ways[i], slot, &d);
        if (there && f->op == IR_NOP) {
            f->op = d.op;
            f->type = d.type;
        }
        f->always &= there && d.op == f->op && d.type == f->type && ir_const_value(b, d.when, &when) && when;
    }
    return f->op != IR_NOP;
}

// --- jumping there ---

static bool is_expected(const struct ir_builder *b, const struct ir_flags_operand *o, ir_ref ref)
{
    switch (o->kind) {
    case IR_FLAGS_CONST:
        return ir_is_const(ref) && ir_const(b->region, ref)->lo == o->constant;
    case IR_FLAGS_SLOT:
        return is_in(b->region, ref, b->slots[o->slot].value);
    case IR_FLAGS_VALUE:
        return ref == o->value;
    default:
        return true;
    }
}

static bool fits(struct ir_builder *b, const struct ir_plan_flags *f, struct ir_deferred *d)
{
    return ir_slot_set_has(&b->dirty, f->slot) && ir_builder_deferred(b, b->slots[f->slot].value, d) && d->op == f->op &&
           d->type == f->type && is_expected(b, &f->operands[0], d->a) && is_expected(b, &f->operands[1], d->c);
}

bool ir_flags_conform(struct ir_builder *b, const struct ir_member *m)
{
    struct ir_deferred d;
    uint64_t when;
    return !m->defers || !m->flags.always ||
           (fits(b, &m->flags, &d) && ir_const_value(b, d.when, &when) && when);
}

unsigned ir_flags_pass(struct ir_builder *b, const struct ir_member *m, ir_ref *values)
{
    const struct ir_plan_flags *f = &m->flags;
    struct ir_deferred d;
    if (!fits(b, f, &d)) {
        if (ir_slot_set_has(&b->dirty, f->slot))
            ir_builder_flush_slot(b, f->slot);
        d.when = ir_i32(b, 0);
        d.a = d.c = ir_imm(b, (enum ir_type)f->type, 0);
    }
    unsigned count = 0;
    if (!f->always)
        values[count++] = d.when;
    if (f->operands[0].kind == IR_FLAGS_PARAM)
        values[count++] = d.a;
    if (f->operands[1].kind == IR_FLAGS_PARAM)
        values[count++] = d.c;
    return count;
}

// --- the head ---

void ir_flags_params(struct ir_builder *b, const struct ir_member *m, ir_ref params[IR_SNAPSHOT_OPERANDS])
{
    const struct ir_plan_flags *f = &m->flags;
    params[0] = f->always ? IR_NONE : ir_param(b, IR_I32);
    for (unsigned n = 0; n < 2; n++)
        params[1 + n] = f->operands[n].kind == IR_FLAGS_PARAM ? ir_param(b, (enum ir_type)f->type) : IR_NONE;
}

static ir_ref low_part(struct ir_builder *b, enum ir_type type, ir_ref value)
{
    return type == IR_I32 ? ir_trunc(b, value) : value;
}

ir_ref ir_flags_make(struct ir_builder *b, const struct ir_member *m, const ir_ref params[IR_SNAPSHOT_OPERANDS])
{
    const struct ir_plan_flags *f = &m->flags;
    ir_ref operands[2];
    for (unsigned n = 0; n < 2; n++) {
        const struct ir_flags_operand *o = &f->operands[n];
        operands[n] = o->kind == IR_FLAGS_CONST   ? ir_imm(b, (enum ir_type)f->type, o->constant)
                      : o->kind == IR_FLAGS_SLOT  ? low_part(b, (enum ir_type)f->type, m->slots[o->slot].value)
                      : o->kind == IR_FLAGS_VALUE ? o->value
                                                  : params[1 + n];
    }
    struct ir_ins flags = {.op = f->op, .type = IR_I32,
                           .arg = {operands[0], f->op == IR_FLAGLOGIC ? IR_NONE : operands[1], IR_NONE, IR_NONE}};
    ir_ref made = ir_builder_append(b, &flags);
    if (f->always)
        return made;
    struct ir_ins memory = {.op = IR_GETSLOT, .type = IR_I32, .imm = f->slot, .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE}};
    struct ir_ins select = {.op = IR_SELECT, .type = IR_I32, .aux = IR_NE, .imm = IR_I32, .deferred = true,
                            .arg = {params[0], ir_i32(b, 0), made, IR_NONE}};
    select.arg[3] = ir_builder_append(b, &memory);
    return ir_builder_append(b, &select);
}
