// SPDX-License-Identifier: MIT
// Integer operations, comparisons and packed flags.
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/host-x86-64/lower.h"

bool lower_imm32(const struct lower *l, ir_ref ref, int32_t *imm)
{
    if (!ir_is_const(ref))
        return false;
    const struct ir_const *c = ir_const(l->region, ref);
    *imm = (int32_t)c->lo;
    return c->type == IR_I32 || (c->type == IR_I64 && (int64_t)c->lo == (int32_t)c->lo);
}

static bool is_wide(const struct ir_ins *ins)
{
    return ins->type == IR_I64;
}

void lower_alu_operand(struct lower *l, enum x86_alu op, bool w, unsigned dst, ir_ref b, unsigned b_reg)
{
    int32_t imm;
    if (lower_imm32(l, b, &imm))
        x86_alu_ri(&l->c, op, w, dst, imm);
    else
        x86_alu_rr(&l->c, op, w, dst, b_reg);
}

unsigned lower_use_unless_imm(struct lower *l, ir_ref b)
{
    int32_t imm;
    return lower_imm32(l, b, &imm) ? 0 : ra_use(&l->ra, b);
}

static void lower_alu(struct lower *l, uint32_t index, enum x86_alu op, bool commutes)
{
    struct ir_ins *ins = &l->region->ins[index];
    ir_ref a = ins->arg[0], b = ins->arg[1];
    bool w = is_wide(ins);
    int32_t imm, where;
    if (commutes && !ir_is_const(b) && !ra_dies(&l->ra, a) && ra_dies(&l->ra, b)) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    enum ra_mem_kind kind = a == b ? RA_MEM_NONE : ra_memory(&l->ra, b, &where);
    bool beside = op == X86_ADD && lower_keeps_carry(l, index);
    if (kind != RA_MEM_NONE && ra_dies(&l->ra, b) && !beside) {
        ra_use(&l->ra, a);
        unsigned dst = ra_def_over(&l->ra, index, a);
        x86_alu_rm(&l->c, op, w, dst, lower_place(l, kind, where));
        l->carry_out.sum = index;
        return;
    }
    unsigned breg = lower_use_unless_imm(l, b);
    if (op == X86_ADD && (beside || !ra_dies(&l->ra, a))) {
        unsigned areg = ra_use(&l->ra, a), dst = ra_def(&l->ra, index);
        if (lower_imm32(l, b, &imm))
            x86_lea(&l->c, w, dst, x86_at(areg, imm));
        else
            x86_lea(&l->c, w, dst, x86_at_index(areg, breg, 0, 0));
        return;
    }
    if (a == b)
        ra_use(&l->ra, a);
    unsigned dst = ra_def_over(&l->ra, index, a);
    if (a == b && ra_dies(&l->ra, a))
        breg = dst;
    if (op == X86_AND && w && ir_is_const(b) && ir_const(l->region, b)->lo <= 0x7fffffff)
        w = false; // the upper half becomes zero anyway
    lower_alu_operand(l, op, w, dst, b, breg);
    l->carry_out.sum = index;
}

static void lower_addshl(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]), dst = ra_def(&l->ra, index);
    x86_lea(&l->c, is_wide(ins), dst, x86_at_index(a, b, (unsigned)ins->imm, 0));
}

static void lower_and(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (ir_is_const(ins->arg[1]) && is_wide(ins)) {
        uint64_t c = ir_const(l->region, ins->arg[1])->lo;
        if (c == UINT32_MAX) {
            unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
            x86_mov_rr(&l->c, false, dst, src);
            return;
        }
        if (c > 0x7fffffff && c < UINT32_MAX) { // zero-extending 32-bit form
            unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
            x86_alu_ri(&l->c, X86_AND, false, dst, (int32_t)c);
            return;
        }
    }
    lower_alu(l, index, X86_AND, true);
}

static void lower_andn(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool w = is_wide(ins);
    if (l->bmi) {
        unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]);
        unsigned dst = ra_def(&l->ra, index);
        x86_vex_rr(&l->c, 0xf2 | X86_0F38 | x86_w(w), false, dst, b, a);
        return;
    }
    ra_use(&l->ra, ins->arg[1]);
    unsigned t = ra_temp(&l->ra, IR_I64);
    x86_mov_rr(&l->c, w, t, ra_use(&l->ra, ins->arg[1]));
    x86_rr(&l->c, 0xf7 | x86_w(w), 2, t);
    ra_use(&l->ra, ins->arg[0]);
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    x86_alu_rr(&l->c, X86_AND, w, dst, t);
}

static void lower_unary_f7(struct lower *l, uint32_t index, unsigned digit)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    x86_rr(&l->c, 0xf7 | x86_w(is_wide(ins)), digit, dst);
}

static void lower_shift(struct lower *l, uint32_t index, enum x86_shift op)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool w = is_wide(ins);
    if (ir_is_const(ins->arg[1])) {
        unsigned count = ir_const(l->region, ins->arg[1])->lo & (w ? 63 : 31);
        if (op == X86_ROR && l->bmi) {
            unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
            x86_vex_rr(&l->c, 0xf0 | X86_0F3A | X86_F2 | x86_w(w), false, dst, X86_NO_REG, src);
            x86_byte(&l->c, count);
            return;
        }
        if (op == X86_SHL && count == 1 && !ra_dies(&l->ra, ins->arg[0])) {
            unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
            x86_lea(&l->c, w, dst, x86_at_index(src, src, 0, 0));
            return;
        }
        unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
        if (count)
            x86_shift_ri(&l->c, op, w, dst, count);
        return;
    }
    if (l->bmi && op != X86_ROR) {
        uint32_t pp = op == X86_SHL ? X86_66 : op == X86_SHR ? X86_F2 : X86_F3;
        unsigned src = ra_use(&l->ra, ins->arg[0]), count = ra_use(&l->ra, ins->arg[1]);
        unsigned dst = ra_def(&l->ra, index);
        x86_vex_rr(&l->c, 0xf7 | X86_0F38 | pp | x86_w(w), false, dst, count, src);
        return;
    }
    ra_use_in(&l->ra, ins->arg[1], RCX);
    ra_use(&l->ra, ins->arg[0]);
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    x86_shift_cl(&l->c, op, w, dst);
}

// Both halves of a product by MULX, when the high one is asked for next; that finds its register taken.
bool lower_is_wide_product(const struct lower *l, uint32_t index)
{
    const struct ir_ins *low = &l->region->ins[index], *high = low + 1;
    return l->bmi && low->op == IR_MUL && high->op == IR_MULHU && low->arg[0] == high->arg[0] && low->arg[1] == high->arg[1];
}

static void lower_wide_product(struct lower *l, uint32_t index)
{
    ir_ref a = l->region->ins[index].arg[0], b = l->region->ins[index].arg[1];
    if (ra_in_register(&l->ra, b, RDX)) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    ra_use_at(&l->ra, a, RDX);
    unsigned breg = ra_use(&l->ra, b), low = ra_def(&l->ra, index), high = ra_def(&l->ra, index + 1);
    x86_vex_rr(&l->c, 0xf6 | X86_0F38 | X86_F2 | X86_W, false, high, low, breg);
}

static void lower_mul(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool w = is_wide(ins);
    int32_t imm;
    if (lower_is_wide_product(l, index)) {
        lower_wide_product(l, index);
        return;
    }
    if (lower_imm32(l, ins->arg[1], &imm)) {
        unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
        x86_rr(&l->c, 0x69 | x86_w(w), dst, src);
        x86_dword(&l->c, (uint32_t)imm);
        return;
    }
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]);
    (void)a;
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    if (ins->arg[0] == ins->arg[1])
        b = dst;
    x86_rr(&l->c, 0xaf | X86_0F | x86_w(w), dst, b);
}

static void lower_mul_high(struct lower *l, uint32_t index, bool is_signed)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (!is_signed && lower_is_wide_product(l, index - 1))
        return;
    if (l->bmi && !is_signed) { // MULX; the second of two results in one register stays
        ra_use_in(&l->ra, ins->arg[0], RDX);
        unsigned b = ra_use(&l->ra, ins->arg[1]), dst = ra_def(&l->ra, index);
        x86_vex_rr(&l->c, 0xf6 | X86_0F38 | X86_F2 | X86_W, false, dst, dst, b);
        return;
    }
    ra_use_in(&l->ra, ins->arg[0], RAX);
    ra_temp_in(&l->ra, RDX);
    unsigned b = ra_use(&l->ra, ins->arg[1]);
    x86_rr(&l->c, 0xf7 | X86_W, is_signed ? 5 : 4, b);
    ra_def_in(&l->ra, index, RDX);
}

static void lower_div(struct lower *l, uint32_t index, bool is_signed)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool w = is_wide(ins);
    ra_use_in(&l->ra, ins->arg[0], RAX);
    ra_temp_in(&l->ra, RDX);
    unsigned b = ra_use(&l->ra, ins->arg[1]);
    x86_test_rr(&l->c, w, b, b);
    uint8_t *zero = x86_jcc(&l->c, X86_E), *minus_one = NULL;
    if (is_signed) {
        x86_alu_ri(&l->c, X86_CMP, w, b, -1);
        minus_one = x86_jcc(&l->c, X86_E);
        if (w)
            x86_byte(&l->c, 0x48);
        x86_byte(&l->c, 0x99); // CQO, CDQ
    } else {
        x86_alu_rr(&l->c, X86_XOR, false, RDX, RDX);
    }
    x86_rr(&l->c, 0xf7 | x86_w(w), is_signed ? 7 : 6, b);
    uint8_t *done = x86_jmp(&l->c), *done2 = NULL;
    if (is_signed) {
        x86_patch(minus_one, l->c.p);
        x86_rr(&l->c, 0xf7 | x86_w(w), 3, RAX);
        done2 = x86_jmp(&l->c);
    }
    x86_patch(zero, l->c.p);
    x86_alu_rr(&l->c, X86_XOR, false, RAX, RAX);
    x86_patch(done, l->c.p);
    if (done2)
        x86_patch(done2, l->c.p);
    ra_def_in(&l->ra, index, RAX);
}

static void lower_count(struct lower *l, uint32_t index, uint32_t opcode)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    x86_rr(&l->c, opcode | X86_0F | X86_F3 | x86_w(is_wide(ins)), dst, src);
}

static void lower_bswap(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    unsigned rex = (is_wide(ins) ? 8 : 0) | (dst >> 3);
    if (rex)
        x86_byte(&l->c, 0x40 | rex);
    x86_byte(&l->c, 0x0f);
    x86_byte(&l->c, 0xc8 | (dst & 7));
}

static void lower_extend(struct lower *l, uint32_t index, uint32_t opcode)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    x86_rr(&l->c, opcode, dst, src);
}

// The low half of an i64 as it lies in its register, unless somebody relies on a zero upper half.
static void lower_trunc(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    int32_t where;
    enum ra_mem_kind kind = ra_memory(&l->ra, ins->arg[0], &where);
    if (kind != RA_MEM_NONE) {
        x86_load(&l->c, false, ra_def(&l->ra, index), lower_place(l, kind, where));
        return;
    }
    if (!l->zero_upper[index]) {
        ra_def_alias(&l->ra, index, ins->arg[0]);
        return;
    }
    unsigned src = ra_use(&l->ra, ins->arg[0]);
    bool dies = ra_dies(&l->ra, ins->arg[0]);
    x86_mov_rr(&l->c, false, dies ? ra_def_over(&l->ra, index, ins->arg[0]) : ra_def(&l->ra, index), src);
}

static void lower_extract(struct lower *l, uint32_t index, bool is_signed)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned start = ins->imm & 0xff, length = ins->imm >> 8 & 0xff, width = is_wide(ins) ? 64 : 32;
    bool w = is_wide(ins);
    if (is_signed && start == 0 && length == 32) {
        lower_extend(l, index, 0x63 | X86_W);
        return;
    }
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    if (!is_signed && length <= 31 && start + length <= width) {
        if (start)
            x86_shift_ri(&l->c, X86_SHR, w, dst, start);
        if (length == 8)
            x86_movzx8(&l->c, dst, dst);
        else if (length == 16)
            x86_rr(&l->c, 0xb7 | X86_0F, dst, dst);
        else
            x86_alu_ri(&l->c, X86_AND, false, dst, (int32_t)(BIT32(length) - 1));
        return;
    }
    if (!is_signed && length == 32) {
        if (start)
            x86_shift_ri(&l->c, X86_SHR, w, dst, start);
        x86_mov_rr(&l->c, false, dst, dst);
        return;
    }
    if (width - start - length)
        x86_shift_ri(&l->c, X86_SHL, w, dst, width - start - length);
    x86_shift_ri(&l->c, is_signed ? X86_SAR : X86_SHR, w, dst, width - length);
}

static void lower_deposit(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned start = ins->imm & 0xff, length = ins->imm >> 8 & 0xff, width = is_wide(ins) ? 64 : 32;
    bool w = is_wide(ins);
    uint64_t mask = mask64(length) << start;
    if (start == 0 && (length == 8 || length == 16)) {
        // A move to the low part of a register. What the value was before stays above.
        unsigned low = ra_use(&l->ra, ins->arg[1]), whole = ra_def_over(&l->ra, index, ins->arg[0]);
        x86_rr(&l->c, length == 8 ? 0x8a | X86_BYTE : 0x8b | X86_66, whole, low);
        return;
    }
    unsigned t = ra_temp(&l->ra, IR_I64);
    unsigned field = ra_use(&l->ra, ins->arg[1]);
    ra_use(&l->ra, ins->arg[0]);
    x86_mov_rr(&l->c, w, t, field);
    if (width - length)
        x86_shift_ri(&l->c, X86_SHL, w, t, width - length);
    if (width - length - start)
        x86_shift_ri(&l->c, X86_SHR, w, t, width - length - start);
    uint64_t keep = ~mask;
    unsigned m = 0;
    bool small = !w || (int64_t)keep == (int32_t)keep;
    if (!small) {
        m = ra_temp(&l->ra, IR_I64);
        x86_mov_ri(&l->c, m, keep);
    }
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    if (small)
        x86_alu_ri(&l->c, X86_AND, w, dst, (int32_t)keep);
    else
        x86_alu_rr(&l->c, X86_AND, true, dst, m);
    x86_alu_rr(&l->c, X86_OR, w, dst, t);
}

static void lower_extr(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned high = ra_use(&l->ra, ins->arg[0]);
    ra_use(&l->ra, ins->arg[1]);
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[1]);
    if (ins->arg[0] == ins->arg[1])
        high = dst;
    x86_rr(&l->c, 0xac | X86_0F | x86_w(is_wide(ins)), high, dst); // SHRD
    x86_byte(&l->c, (unsigned)ins->imm);
}

// --- comparisons ---

enum x86_cc lower_compare(struct lower *l, enum ir_cond cond, enum ir_type type, ir_ref a, ir_ref b)
{
    static const uint8_t codes[IR_COND_COUNT] = {
        [IR_EQ] = X86_E,   [IR_NE] = X86_NE,  [IR_LTU] = X86_B, [IR_GEU] = X86_AE,  [IR_LEU] = X86_BE,
        [IR_GTU] = X86_A,  [IR_LT] = X86_L,   [IR_GE] = X86_GE, [IR_LE] = X86_LE,   [IR_GT] = X86_G,
        [IR_TSTEQ] = X86_E, [IR_TSTNE] = X86_NE,
    };
    bool w = type == IR_I64;
    int32_t imm, where;
    if (cond >= IR_TSTEQ) {
        unsigned areg = ra_use(&l->ra, a);
        if (lower_imm32(l, b, &imm)) {
            bool narrow = imm >= 0;
            x86_test_ri(&l->c, w && !narrow, areg, (uint32_t)imm);
        } else {
            x86_test_rr(&l->c, w, areg, ra_use(&l->ra, b));
        }
        return codes[cond];
    }
    enum ra_mem_kind kind = ra_memory(&l->ra, a, &where);
    if (lower_imm32(l, b, &imm)) {
        if (kind != RA_MEM_NONE && ra_dies(&l->ra, a))
            x86_alu_mi(&l->c, X86_CMP, w, lower_place(l, kind, where), imm);
        else if (imm == 0)
            x86_test_rr(&l->c, w, ra_use(&l->ra, a), ra_use(&l->ra, a));
        else
            x86_alu_ri(&l->c, X86_CMP, w, ra_use(&l->ra, a), imm);
        return codes[cond];
    }
    unsigned areg = ra_use(&l->ra, a);
    kind = ra_memory(&l->ra, b, &where);
    if (kind != RA_MEM_NONE && ra_dies(&l->ra, b))
        x86_alu_rm(&l->c, X86_CMP, w, areg, lower_place(l, kind, where));
    else
        x86_alu_rr(&l->c, X86_CMP, w, areg, ra_use(&l->ra, b));
    return codes[cond];
}

static void lower_setcond(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (lower_is_carry_held(l, ins)) {
        lower_define_carry(l, index);
        return;
    }
    enum x86_cc cc = lower_compare(l, ins->aux, (enum ir_type)ins->imm, ins->arg[0], ins->arg[1]);
    if (cc == X86_B) {
        lower_define_carry(l, index);
        return;
    }
    unsigned dst = ra_def(&l->ra, index);
    x86_setcc(&l->c, cc, dst);
    x86_movzx8(&l->c, dst, dst);
}

static void lower_select(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool is_int = ir_type_is_int(ins->type);
    unsigned if_true = ra_use(&l->ra, ins->arg[2]);
    ra_use(&l->ra, ins->arg[3]);
    enum x86_cc cc = lower_compare(l, ins->aux, (enum ir_type)ins->imm, ins->arg[0], ins->arg[1]);
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[3]);
    if (is_int) {
        x86_cmov(&l->c, cc, is_wide(ins), dst, if_true);
        return;
    }
    uint8_t *skip = x86_jcc(&l->c, cc ^ 1);
    emit_vec_move(l, dst, if_true);
    x86_patch(skip, l->c.p);
}

// --- packed flags ---

// The host's flags, which are those of the operation but for the sense of carry, into RAX.
static void flags_to_rax(struct lower *l, uint32_t index, uint32_t keep)
{
    x86_byte(&l->c, 0x9f); // LAHF
    if (keep & IR_FLAG_V)
        x86_setcc(&l->c, X86_O, RAX);
    x86_alu_ri(&l->c, X86_AND, false, RAX, (int32_t)keep);
    ra_def_in(&l->ra, index, RAX);
}

static void lower_flags(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool w = ir_type_of(l->region, ins->arg[0]) == IR_I64;
    uint32_t all = IR_FLAG_N | IR_FLAG_Z | IR_FLAG_C | IR_FLAG_V;
    ra_temp_in(&l->ra, RAX);
    unsigned a = ra_use(&l->ra, ins->arg[0]);
    unsigned b = ins->op == IR_FLAGLOGIC ? 0 : lower_use_unless_imm(l, ins->arg[1]);
    switch ((enum ir_op)ins->op) {
    case IR_FLAGLOGIC:
        x86_test_rr(&l->c, w, a, a);
        flags_to_rax(l, index, IR_FLAG_N | IR_FLAG_Z);
        return;
    case IR_FLAGSUB:
        lower_alu_operand(l, X86_CMP, w, a, ins->arg[1], b);
        x86_byte(&l->c, 0xf5); // CMC
        break;
    case IR_FLAGADD:
        x86_mov_rr(&l->c, w, RAX, a);
        lower_alu_operand(l, X86_ADD, w, RAX, ins->arg[1], b);
        break;
    default: { // FLAGADC
        unsigned carry = ra_use(&l->ra, ins->arg[2]);
        x86_mov_rr(&l->c, w, RAX, a);
        x86_rr(&l->c, 0xba | X86_0F, 4, carry); // BT carry, 0
        x86_byte(&l->c, 0);
        lower_alu_operand(l, X86_ADC, w, RAX, ins->arg[1], b);
        break;
    }
    }
    flags_to_rax(l, index, all);
}

static void lower_flagtest(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint16_t single[] = {IR_FLAG_Z, IR_FLAG_C, IR_FLAG_N, IR_FLAG_V};
    unsigned flags = ra_use(&l->ra, ins->arg[0]);
    unsigned dst = ra_def(&l->ra, index);
    bool invert = ins->aux & 1;
    enum x86_cc cc;
    switch (ins->aux & ~1) {
    case IR_FC_HI:
        x86_mov_rr(&l->c, false, dst, flags);
        x86_alu_ri(&l->c, X86_AND, false, dst, IR_FLAG_C | IR_FLAG_Z);
        x86_alu_ri(&l->c, X86_CMP, false, dst, IR_FLAG_C);
        cc = X86_E;
        break;
    case IR_FC_GE:
    case IR_FC_GT:
        x86_mov_rr(&l->c, false, dst, flags);
        x86_shift_ri(&l->c, X86_SHR, false, dst, 15);
        x86_alu_rr(&l->c, X86_XOR, false, dst, flags); // bit 0: N ^ V
        x86_test_ri(&l->c, false, dst, (ins->aux & ~1) == IR_FC_GT ? IR_FLAG_V | IR_FLAG_Z : IR_FLAG_V);
        cc = X86_E;
        break;
    default:
        x86_test_ri(&l->c, false, flags, single[ins->aux / 2]);
        cc = X86_NE;
    }
    x86_setcc(&l->c, invert ? cc ^ 1 : cc, dst);
    x86_movzx8(&l->c, dst, dst);
}

bool lower_int(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    uint32_t w = x86_w(is_wide(ins));
    switch ((enum ir_op)ins->op) {
    case IR_ADD:
        lower_alu(l, index, X86_ADD, true);
        return true;
    case IR_ADDSHL:
        lower_addshl(l, index);
        return true;
    case IR_SUB:
        lower_alu(l, index, X86_SUB, false);
        return true;
    case IR_OR:
        lower_alu(l, index, X86_OR, true);
        return true;
    case IR_XOR:
        lower_alu(l, index, X86_XOR, true);
        return true;
    case IR_AND:
        lower_and(l, index);
        return true;
    case IR_ANDN:
        lower_andn(l, index);
        return true;
    case IR_NEG:
        lower_unary_f7(l, index, 3);
        return true;
    case IR_NOT:
        lower_unary_f7(l, index, 2);
        return true;
    case IR_SHL:
        lower_shift(l, index, X86_SHL);
        return true;
    case IR_SHR:
        lower_shift(l, index, X86_SHR);
        return true;
    case IR_SAR:
        lower_shift(l, index, X86_SAR);
        return true;
    case IR_ROR:
        lower_shift(l, index, X86_ROR);
        return true;
    case IR_MUL:
        lower_mul(l, index);
        return true;
    case IR_MULHU:
        lower_mul_high(l, index, false);
        return true;
    case IR_MULHS:
        lower_mul_high(l, index, true);
        return true;
    case IR_UDIV:
        lower_div(l, index, false);
        return true;
    case IR_SDIV:
        lower_div(l, index, true);
        return true;
    case IR_CLZ:
        if (!l->bmi)
            return false;
        lower_count(l, index, 0xbd);
        return true;
    case IR_CTZ:
        if (!l->bmi)
            return false;
        lower_count(l, index, 0xbc);
        return true;
    case IR_BSWAP:
        lower_bswap(l, index);
        return true;
    case IR_SEXT8:
        lower_extend(l, index, 0xbe | X86_0F | X86_BYTE | w);
        return true;
    case IR_SEXT16:
        lower_extend(l, index, 0xbf | X86_0F | w);
        return true;
    case IR_SEXT32:
        lower_extend(l, index, 0x63 | X86_W);
        return true;
    case IR_ZEXT8:
        lower_extend(l, index, 0xb6 | X86_0F | X86_BYTE);
        return true;
    case IR_ZEXT16:
        lower_extend(l, index, 0xb7 | X86_0F);
        return true;
    case IR_ZEXT32:
        ra_def_alias(&l->ra, index, ins->arg[0]);
        return true;
    case IR_TRUNC:
        lower_trunc(l, index);
        return true;
    case IR_EXTRACT:
        lower_extract(l, index, false);
        return true;
    case IR_SEXTRACT:
        lower_extract(l, index, true);
        return true;
    case IR_DEPOSIT:
        lower_deposit(l, index);
        return true;
    case IR_EXTR:
        lower_extr(l, index);
        return true;
    case IR_SETCOND:
        lower_setcond(l, index);
        return true;
    case IR_SELECT:
        lower_select(l, index);
        return true;
    case IR_FLAGADD:
    case IR_FLAGSUB:
    case IR_FLAGADC:
    case IR_FLAGLOGIC:
        lower_flags(l, index);
        return true;
    case IR_FLAGTEST:
        lower_flagtest(l, index);
        return true;
    default:
        return false;
    }
}
