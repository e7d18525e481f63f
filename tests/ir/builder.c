// SPDX-License-Identifier: MIT
// What the builder promises: folding, one load and one store a slot, snapshots.
#include <criterion/criterion.h>

#include "tcg/builder.h"
#include "tcg/opt.h"

static const struct ir_slot slots[] = {{"pc_page", 0, IR_I64, false}, {"pc_offset", 8, IR_I32, false},
                                       {"exit_request", 12, IR_I32, false}, {"a", 16, IR_I64, false}, {"b", 24, IR_I64, false}};
enum { SLOT_A = IR_SLOT_FIRST_GUEST, SLOT_B, SLOT_COUNT };

static struct arena arena;
static struct ir_region region;
static struct ir_builder b;

static void begin(void)
{
    arena_reset(&arena);
    ir_region_init(&region, &arena, slots, SLOT_COUNT);
    ir_builder_init(&b, &region);
    ir_begin_insn(&b, 0x10);
}

static unsigned count_op(enum ir_op op)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < region.ins_count; i++)
        n += region.ins[i].op == op;
    return n;
}

Test(builder, constants_fold, .init = begin)
{
    uint64_t value;
    cr_assert(ir_const_value(&b, ir_add(&b, ir_i64(&b, 40), ir_i64(&b, 2)), &value));
    cr_assert_eq(value, 42);
    cr_assert(ir_const_value(&b, ir_op2(&b, IR_SAR, ir_i32(&b, 0x80000000), ir_i32(&b, 4)), &value));
    cr_assert_eq(value, 0xf8000000);
    cr_assert_eq(region.ins_count, 0);
}

Test(builder, identities, .init = begin)
{
    ir_ref a = ir_get(&b, SLOT_A);
    cr_assert_eq(ir_addi(&b, a, 0), a);
    cr_assert_eq(ir_addi(&b, ir_addi(&b, a, 5), -5), a);
    cr_assert_eq(ir_op1(&b, IR_NOT, ir_op1(&b, IR_NOT, a)), a);
    cr_assert_eq(ir_extract(&b, a, 0, 64), a);
}

// What a narrow load or another operation leaves zero is not cleared again.
Test(builder, zeros_stay_as_they_are, .init = begin)
{
    ir_ref a = ir_get(&b, SLOT_A);
    ir_ref byte = ir_load(&b, IR_I64, a, (struct ir_mem){.size_log2 = 0}), low = ir_op1(&b, IR_ZEXT8, a);
    ir_ref half = ir_load(&b, IR_I64, a, (struct ir_mem){.size_log2 = 1, .sign_extend = true});
    cr_assert_eq(ir_op1(&b, IR_ZEXT8, byte), byte);
    cr_assert_eq(ir_op1(&b, IR_SEXT16, byte), byte);
    cr_assert_eq(ir_andi(&b, byte, 0xfff), byte);
    cr_assert_eq(ir_op1(&b, IR_ZEXT8, low), low);
    cr_assert_neq(ir_op1(&b, IR_SEXT8, byte), byte);
    cr_assert_neq(ir_andi(&b, byte, 0xfe), byte);
    cr_assert_neq(ir_op1(&b, IR_ZEXT16, half), half);
}

// Operations on the low half of a vector keep the rest zero: to say so again does nothing.
Test(builder, half_vectors_stay_as_they_are, .init = begin)
{
    ir_ref x = ir_emit(&b, IR_VFROMI, IR_V128, 0, ir_get(&b, SLOT_A), IR_NONE, IR_NONE, 0);
    ir_ref sum = ir_v2(&b, IR_VADD, 2, ir_v1(&b, IR_VSHL, 2, x, 3), x, 0), not = ir_v1(&b, IR_VNOT, 0, sum, 0);
    ir_ref low = ir_emit(&b, IR_VLOW, IR_F64, 0, sum, IR_NONE, IR_NONE, 0);
    cr_assert_eq(ir_emit(&b, IR_VFROM, IR_V128, 0, low, IR_NONE, IR_NONE, 0), sum);
    low = ir_emit(&b, IR_VLOW, IR_F64, 0, not, IR_NONE, IR_NONE, 0);
    cr_assert_neq(ir_emit(&b, IR_VFROM, IR_V128, 0, low, IR_NONE, IR_NONE, 0), not);
}

Test(builder, slots_load_and_store_once, .init = begin)
{
    ir_set(&b, SLOT_B, ir_addi(&b, ir_get(&b, SLOT_A), 1));
    ir_set(&b, SLOT_B, ir_addi(&b, ir_get(&b, SLOT_B), 1));
    ir_set(&b, SLOT_B, ir_add(&b, ir_get(&b, SLOT_B), ir_get(&b, SLOT_A)));
    ir_exit_to(&b, 0x20);
    cr_assert_eq(count_op(IR_GETSLOT), 1);
    cr_assert_eq(count_op(IR_SETSLOT), 1);
    cr_assert_null(ir_verify(&region));
}

Test(builder, memory_operations_record_dirty_slots, .init = begin)
{
    ir_ref value = ir_addi(&b, ir_get(&b, SLOT_A), 8);
    ir_set(&b, SLOT_A, value);
    ir_ref loaded = ir_load(&b, IR_I64, value, (struct ir_mem){.size_log2 = 3});
    const struct ir_snapshot *s = &region.snapshots[region.ins[loaded].snapshot - 1];
    cr_assert_eq(s->pc_offset, 0x10);
    cr_assert_eq(s->count, 1);
    cr_assert_eq(region.snapshot_entries[s->first].slot, SLOT_A);
    cr_assert_eq(region.snapshot_entries[s->first].value, value);
}

Test(builder, compare_and_branch_fuse, .init = begin)
{
    ir_ref a = ir_get(&b, SLOT_A), c = ir_get(&b, SLOT_B);
    ir_ref flags = ir_op2(&b, IR_FLAGSUB, a, c);
    uint32_t yes = ir_new_side(&b), no = ir_new_side(&b);
    ir_brcond(&b, IR_NE, ir_flag_test(&b, IR_I32, IR_FC_LT, flags), ir_i32(&b, 0), yes, no);
    const struct ir_ins *last = &region.ins[region.ins_count - 1];
    cr_assert_eq(last->op, IR_BRCOND);
    cr_assert_eq(last->aux, IR_LT);
    cr_assert_eq(last->arg[0], a);
    cr_assert_eq(last->arg[1], c);
}

Test(builder, exception_sees_what_is_not_in_memory_yet, .init = begin)
{
    ir_ref a = ir_get(&b, SLOT_A), sum = ir_addi(&b, a, 8);
    ir_set(&b, SLOT_B, sum);
    ir_raise_if(&b, IR_TSTNE, a, ir_i64(&b, 15), 7);
    const struct ir_ins *last = &region.ins[region.ins_count - 1];
    cr_assert_eq(last->op, IR_RAISE_IF);
    cr_assert_eq(last->imm, 7);
    const struct ir_snapshot *s = &region.snapshots[last->snapshot - 1];
    cr_assert_eq(s->pc_offset, 0x10);
    cr_assert_eq(s->count, 1);
    cr_assert_eq(region.snapshot_entries[s->first].slot, SLOT_B);
    cr_assert_eq(region.snapshot_entries[s->first].value, sum);
}

Test(builder, conditional_exit_is_one_operation_in_the_page, .init = begin)
{
    ir_exit_if(&b, IR_EQ, ir_get(&b, SLOT_A), ir_i64(&b, 1), 0x20, 0x30);
    const struct ir_ins *last = &region.ins[region.ins_count - 1];
    cr_assert_eq(last->op, IR_EXIT_IF);
    cr_assert_eq(ir_exit_offset(last, 0), 0x20);
    cr_assert_eq(ir_exit_offset(last, 1), 0x30);
    cr_assert_null(ir_verify(&region));
}

Test(builder, conditional_exit_leaves_the_page, .init = begin)
{
    ir_exit_if(&b, IR_EQ, ir_get(&b, SLOT_A), ir_i64(&b, 1), -4, 4096);
    cr_assert_eq(count_op(IR_BRCOND), 1);
    cr_assert_eq(count_op(IR_EXIT_INDIRECT), 2);
    cr_assert_null(ir_verify(&region));
}

Test(builder, verifier_finds_wrong_types, .init = begin)
{
    ir_ref a = ir_get(&b, SLOT_A);
    ir_set(&b, SLOT_B, ir_addi(&b, a, 1));
    ir_exit_to(&b, 0);
    cr_assert_null(ir_verify(&region));
    region.ins[a].type = IR_I32;
    cr_assert_not_null(ir_verify(&region));
}

Test(passes, dead_code_goes_and_effects_stay, .init = begin)
{
    static const struct ir_helper pure = {"pure", NULL, IR_HELPER_PURE, IR_I64, 1, {IR_I64}};
    static const struct ir_helper other = {"other", NULL, 0, IR_I64, 1, {IR_I64}};
    ir_ref a = ir_get(&b, SLOT_A), kept = ir_addi(&b, a, 1);
    ir_ref dead = ir_op2(&b, IR_MUL, kept, a);
    ir_call(&b, &pure, &dead);
    ir_call(&b, &other, &a);
    ir_set(&b, SLOT_B, kept);
    ir_exit_to(&b, 0x20);
    ir_opt_dce(&region);
    cr_assert_null(ir_verify(&region));
    cr_assert_eq(count_op(IR_MUL), 0);
    cr_assert_eq(count_op(IR_CALL), 1);
    cr_assert_eq(count_op(IR_ADD), 1);
    cr_assert_eq(count_op(IR_SETSLOT), 1);
}
