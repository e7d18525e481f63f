// SPDX-License-Identifier: MIT
// Sums and differences with carry: a chain of them keeps it in the host's carry flag as long as nothing between changes that.
#include <string.h>

#include "tcg/host-x86-64/lower.h"

// Whether its instructions can leave the carry flag as it is.
static bool can_keep_carry(const struct lower *l, uint32_t index)
{
    const struct ir_ins *ins = &l->region->ins[index];
    switch ((enum ir_op)ins->op) {
    case IR_NOP:
    case IR_NOT:
    case IR_ADD: // by LEA
    case IR_ADDSHL:
    case IR_SEXT8:
    case IR_SEXT16:
    case IR_SEXT32:
    case IR_ZEXT8:
    case IR_ZEXT16:
    case IR_ZEXT32:
    case IR_TRUNC:
    case IR_GETSLOT:
    case IR_SETSLOT:
        return true;
    case IR_MUL:
        return lower_is_wide_product(l, index);
    case IR_MULHU:
        return l->bmi;
    case IR_LDS:
    case IR_STS:
        return !ir_mem_unpack(ins->imm).big_endian;
    default:
        return false;
    }
}

bool lower_keeps_carry(const struct lower *l, uint32_t index)
{
    return can_keep_carry(l, index) && (l->region->ins[index].op != IR_ADD || index < l->carry_until);
}

static bool reads(const struct ir_ins *ins, ir_ref value)
{
    for (unsigned i = 0; i < ir_ops[ins->op].operand_count; i++)
        if (ins->arg[i] == value)
            return true;
    return false;
}

// The first instruction behind this one that may change the flag, or that reads its value.
static uint32_t next_at_carry(const struct lower *l, uint32_t index)
{
    uint32_t next = index + 1;
    while (can_keep_carry(l, next) && !reads(&l->region->ins[next], index))
        next++;
    return next;
}

static bool takes_carry(const struct ir_ins *ins, ir_ref carry)
{
    return (ins->op == IR_ADDC || ins->op == IR_SUBB) && ins->arg[2] == carry && ins->arg[0] != carry && ins->arg[1] != carry;
}

static bool is_carry_out(const struct ir_ins *ins, const struct ir_ins *sum)
{
    return ins->op == (sum->op == IR_ADDC ? IR_CARRY : IR_BORROW) && !memcmp(ins->arg, sum->arg, 3 * sizeof(ir_ref));
}

// Whether nothing but bit 0 of it counts where it is used: in sums, and for slots of which nothing else does. Looks no further
// than chains reach.
static bool only_bit_counts(const struct lower *l, uint32_t index)
{
    enum { FAR = 64 };
    const struct ir_region *r = l->region;
    uint32_t last = l->ra.values[index].last_use;
    if (last > index + FAR)
        return false;
    for (uint32_t i = index + 1; i <= last; i++) {
        const struct ir_ins *ins = &r->ins[i];
        if (ir_ops[ins->op].properties & IR_PROP_LISTS)
            return false;
        bool sum = ins->op == IR_ADDC || ins->op == IR_SUBB || ins->op == IR_CARRY || ins->op == IR_BORROW;
        bool kept = ins->op == IR_SETSLOT && r->slots[ins->imm].low_bit;
        for (unsigned n = 0; n < ir_ops[ins->op].operand_count; n++)
            if (ins->arg[n] == index && !kept && !(sum && n == 2))
                return false;
        const struct ir_snapshot *s = ins->snapshot ? &r->snapshots[ins->snapshot - 1] : NULL;
        for (uint32_t n = 0; s && n < s->count; n++) {
            const struct ir_snapshot_entry *e = &r->snapshot_entries[s->first + n];
            if (e->value == index && (e->slot == IR_SNAPSHOT_OPERAND || !r->slots[e->slot].low_bit))
                return false;
        }
    }
    return true;
}

// The value, a 0 or 1, has no need of a register when only the sum behind it, and the carry out of that, want it.
void lower_define_carry(struct lower *l, uint32_t index)
{
    const struct ir_ins *ins = l->region->ins;
    uint32_t next = next_at_carry(l, index), last = l->ra.values[index].last_use;
    l->carry_out.value = index;
    if (takes_carry(&ins[next], index)) {
        l->carry_until = next;
        if (last == next || (last == next + 1 && is_carry_out(&ins[next + 1], &ins[next])))
            return;
    }
    unsigned dst = ra_def(&l->ra, index);
    if (only_bit_counts(l, index)) {
        x86_alu_rr(&l->c, X86_SBB, false, dst, dst);
    } else {
        x86_setcc(&l->c, X86_B, dst);
        x86_movzx8(&l->c, dst, dst);
    }
}

bool lower_is_carry_held(const struct lower *l, const struct ir_ins *setcond)
{
    const struct ir_ins *sum = &l->region->ins[l->carry_in.sum];
    if (l->carry_in.sum == IR_NONE || setcond->aux != IR_LTU)
        return false;
    if (sum->op == IR_SUB) // a < b
        return setcond->arg[0] == sum->arg[0] && setcond->arg[1] == sum->arg[1];
    // a + b < a
    return sum->op == IR_ADD && setcond->arg[0] == l->carry_in.sum &&
           (setcond->arg[1] == sum->arg[0] || setcond->arg[1] == sum->arg[1]);
}

// The register of a carry that must come from there: asked for before the result's is, which may be the same.
static unsigned use_carry(struct lower *l, ir_ref carry)
{
    return l->carry_in.value == carry || ir_is_const(carry) ? X86_NO_REG : ra_use(&l->ra, carry);
}

static void carry_to_flag(struct lower *l, ir_ref carry, unsigned reg)
{
    if (ir_is_const(carry)) {
        x86_byte(&l->c, ir_const(l->region, carry)->lo & 1 ? 0xf9 : 0xf8); // STC, CLC
    } else if (reg != X86_NO_REG) {
        x86_rr(&l->c, 0xba | X86_0F, 4, reg); // BT reg, 0
        x86_byte(&l->c, 0);
    }
}

// ADDC and SUBB.
static void lower_sum(struct lower *l, uint32_t index, enum x86_alu op)
{
    const struct ir_ins *ins = &l->region->ins[index];
    ir_ref a = ins->arg[0], b = ins->arg[1], carry = ins->arg[2];
    bool w = ins->type == IR_I64;
    int32_t where;
    l->carry_out.sum = index;
    unsigned carry_reg = use_carry(l, carry);
    if (op == X86_SBB && a == b) { // 0 or -1, whatever was there
        unsigned dst = ra_def(&l->ra, index);
        carry_to_flag(l, carry, carry_reg);
        x86_alu_rr(&l->c, op, w, dst, dst);
        return;
    }
    if (op == X86_ADC && !ir_is_const(b) && !ra_dies(&l->ra, a) && ra_dies(&l->ra, b)) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    enum ra_mem_kind kind = a == b ? RA_MEM_NONE : ra_memory(&l->ra, b, &where);
    bool in_memory = kind != RA_MEM_NONE && ra_dies(&l->ra, b);
    unsigned breg = in_memory ? 0 : lower_use_unless_imm(l, b);
    ra_use(&l->ra, a);
    unsigned dst = ra_def_over(&l->ra, index, a);
    if (a == b && ra_dies(&l->ra, a))
        breg = dst;
    carry_to_flag(l, carry, carry_reg);
    if (in_memory)
        x86_alu_rm(&l->c, op, w, dst, lower_place(l, kind, where));
    else
        lower_alu_operand(l, op, w, dst, b, breg);
}

// CARRY and BORROW: of the sum before, or by another one for nothing else.
static void lower_carry_out(struct lower *l, uint32_t index, enum x86_alu op)
{
    const struct ir_ins *ins = &l->region->ins[index];
    const struct ir_ins *sum = l->carry_in.sum == IR_NONE ? NULL : &l->region->ins[l->carry_in.sum];
    if (!sum || !is_carry_out(ins, sum) || (sum->op != IR_ADDC && sum->op != IR_SUBB)) {
        unsigned carry_reg = use_carry(l, ins->arg[2]);
        unsigned b = lower_use_unless_imm(l, ins->arg[1]), a = ra_use(&l->ra, ins->arg[0]), t = ra_temp(&l->ra, IR_I64);
        bool w = ir_type_of(l->region, ins->arg[0]) == IR_I64;
        x86_mov_rr(&l->c, w, t, a);
        carry_to_flag(l, ins->arg[2], carry_reg);
        lower_alu_operand(l, op, w, t, ins->arg[1], b);
    }
    lower_define_carry(l, index);
}

bool lower_carry(struct lower *l, uint32_t index)
{
    switch ((enum ir_op)l->region->ins[index].op) {
    case IR_ADDC:
        lower_sum(l, index, X86_ADC);
        return true;
    case IR_SUBB:
        lower_sum(l, index, X86_SBB);
        return true;
    case IR_CARRY:
        lower_carry_out(l, index, X86_ADC);
        return true;
    case IR_BORROW:
        lower_carry_out(l, index, X86_SBB);
        return true;
    default:
        return false;
    }
}
