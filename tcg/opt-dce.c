// SPDX-License-Identifier: MIT
// Removes instructions that have no effect and whose value no kept instruction needs: they become NOPs, so that
// references stay as they are.
#include "tcg/ir-private.h"
#include "tcg/opt.h"

static bool has_effect(const struct ir_region *r, const struct ir_ins *ins)
{
    if (ins->op == IR_CALL)
        return !(r->helpers[ins->imm]->flags & IR_HELPER_PURE);
    return ins->op == IR_SETSLOT || ins->op == IR_PARAM || (ir_ops[ins->op].properties & (IR_PROP_EFFECT | IR_PROP_FP));
}

static void mark(void *ctx, ir_ref ref)
{
    ((uint8_t *)ctx)[ref] = 1;
}

void ir_opt_dce(struct ir_region *r)
{
    uint8_t *needed = arena_alloc(r->arena, r->ins_count + 1);
    // Definitions stand before their uses but for parameters, which stay.
    for (uint32_t i = r->ins_count; i-- > 0;) {
        if (needed[i] || has_effect(r, &r->ins[i]))
            ir_for_each_use(r, &r->ins[i], mark, needed);
        else
            ir_make_nop(&r->ins[i]);
    }
}
