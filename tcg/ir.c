// SPDX-License-Identifier: MIT
// Tables of the IR and the growth of regions.
#include "tcg/ir-private.h"

#include <string.h>

#define PURE IR_PROP_PURE
#define COMM IR_PROP_COMM
#define MEM IR_PROP_MEM
#define STATE IR_PROP_STATE
#define EFFECT IR_PROP_EFFECT
#define END IR_PROP_END
#define CMP IR_PROP_CMP
#define LANE IR_PROP_LANE
#define FP IR_PROP_FP
#define LISTS IR_PROP_LISTS
const struct ir_op_info ir_ops[IR_OP_COUNT] = {
#define OP(name, text, operands, result, properties)                                                                   \
    [IR_##name] = {text, operands, result, properties, sizeof(operands) - 1},
#include "tcg/ops.inc"
#undef OP
};
#undef PURE
#undef COMM
#undef MEM
#undef STATE
#undef EFFECT
#undef END
#undef CMP
#undef LANE
#undef FP
#undef LISTS

enum ir_cond ir_cond_swap(enum ir_cond cond)
{
    static const uint8_t swapped[IR_COND_COUNT] = {
        [IR_EQ] = IR_EQ,   [IR_NE] = IR_NE,   [IR_LTU] = IR_GTU, [IR_GEU] = IR_LEU,     [IR_LEU] = IR_GEU,
        [IR_GTU] = IR_LTU, [IR_LT] = IR_GT,   [IR_GE] = IR_LE,   [IR_LE] = IR_GE,       [IR_GT] = IR_LT,
        [IR_TSTEQ] = IR_TSTEQ, [IR_TSTNE] = IR_TSTNE,
    };
    return swapped[cond];
}

enum ir_type ir_result_type(const struct ir_ins *ins)
{
    switch (ir_ops[ins->op].result) {
    case 'n':
        return IR_VOID;
    case 'i':
        return IR_I32;
    case 'l':
        return IR_I64;
    case 'v':
        return IR_V128;
    default:
        return ins->type;
    }
}

const char *ir_type_name(enum ir_type type)
{
    static const char *const names[IR_TYPE_COUNT] = {"void", "i32", "i64", "f32", "f64", "v128"};
    return names[type];
}

void ir_region_init(struct ir_region *region, struct arena *arena, const struct ir_slot *slots, unsigned slot_count)
{
    *region = (struct ir_region){.arena = arena, .slots = slots, .slot_count = slot_count, .heat = -1, .entries = -1};
}

void *ir_grown(struct arena *arena, void *old, uint32_t *capacity, uint32_t count, size_t size)
{
    uint32_t grown = *capacity ? *capacity * 2 : 64;
    void *p = arena_alloc_raw(arena, grown * size);
    if (count)
        memcpy(p, old, count * size);
    *capacity = grown;
    return p;
}
