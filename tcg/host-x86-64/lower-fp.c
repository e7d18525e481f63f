// SPDX-License-Identifier: MIT
// Floating point by SSE and AVX instructions, with the guest's control register in force.
//
// What hosts and guests agree on is computed inline. Where they may differ, one test of the result finds it and goes
// to ir_eval behind the region, which computes the operation again by the guest's rules and overwrites the result;
// the flags that the host raised by then are among those that the guest's rules raise:
//   - NaN results: guests choose another NaN when both operands are NaNs, or the default one (unordered test);
//   - a result of the smallest normal magnitude, which may have been tiny before rounding (multiply, divide, fused);
//   - conversions to integers that are out of range: the host's "integer indefinite".
// Modes that flush denormals are evaluated by calls throughout.
#include "tcg/base/bits.h"
#include "tcg/eval.h"
#include "tcg/host-x86-64/lower.h"
#include "tcg/ir-private.h"

enum { ROUND_HELD = 4, ROUND_SILENT = 8 }; // immediate of ROUNDSS: by MXCSR; without inexact

struct shape {
    bool vector, wide;
    uint32_t prefix; // mandatory prefix of arithmetic: none PS, 66 PD, F3 SS, F2 SD
};

static struct shape shape_of(const struct ir_ins *ins, enum ir_type type)
{
    bool vector = type == IR_V128, wide = vector ? ins->aux == 3 : type == IR_F64;
    return (struct shape){vector, wide, vector ? (wide ? X86_66 : 0) : wide ? X86_F2 : X86_F3};
}

// The magnitude's bits, and the smallest normal number, in every lane.
static struct x86_mem magnitude_mask(struct lower *l, bool wide)
{
    uint64_t m = wide ? UINT64_C(0x7fffffffffffffff) : UINT64_C(0x7fffffff7fffffff);
    return lower_constant(l, m, m);
}

static struct x86_mem smallest_normal(struct lower *l, bool wide)
{
    uint64_t m = wide ? UINT64_C(0x0010000000000000) : UINT64_C(0x0080000000800000);
    return lower_constant(l, m, m);
}

// --- the way to ir_eval ---

enum { MAX_OPERANDS = 3 };

struct redo {
    struct ir_eval_op *op;
    uint8_t operands[MAX_OPERANDS], count, result;
};

// Behind the region: saves every register that C may change but the result, evaluates, and returns. Layout below
// the spill frame's stack pointer: XMM0..15, nine integer registers, four values of 16 bytes.
static void emit_redo(struct lower *l, struct cold_path *path)
{
    static const uint8_t saved[] = {RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11};
    enum { INT_AT = 256, VALUE_AT = 336, BYTES = 400 };
    struct x86_code *c = &l->c;
    const struct redo *r = (const struct redo *)(uintptr_t)path->data[0];
    x86_patch(path->from, c->p);
    x86_alu_ri(c, X86_SUB, true, RSP, BYTES);
    for (unsigned i = 0; i < 16; i++)
        emit_vec_store(l, XMM0 + i, x86_at(RSP, (int32_t)i * 16));
    for (unsigned i = 0; i < sizeof(saved); i++)
        x86_store(c, true, saved[i], x86_at(RSP, INT_AT + (int32_t)i * 8));
    for (unsigned i = 0; i < r->count; i++) {
        struct x86_mem at = x86_at(RSP, VALUE_AT + (int32_t)(i + 1) * 16);
        if (r->operands[i] >= XMM0)
            emit_vec_store(l, r->operands[i], at);
        else
            x86_store(c, true, r->operands[i], at);
    }
    x86_mov_ri(c, RDI, (uint64_t)(uintptr_t)r->op);
    x86_lea(c, true, RSI, x86_at(RSP, VALUE_AT));
    x86_lea(c, true, RDX, x86_at(RSP, VALUE_AT + 16));
    x86_lea(c, true, RCX, x86_at(RSP, VALUE_AT + 32));
    x86_lea(c, true, R8, x86_at(RSP, VALUE_AT + 48));
    x86_mov_ri(c, RAX, (uint64_t)(uintptr_t)ir_eval);
    x86_rr(c, 0xff, 2, RAX);
    for (unsigned i = 0; i < 16; i++)
        if (XMM0 + i != r->result)
            emit_vec_load(l, XMM0 + i, x86_at(RSP, (int32_t)i * 16));
    if (r->result >= XMM0)
        emit_vec_load(l, r->result, x86_at(RSP, VALUE_AT));
    for (unsigned i = 0; i < sizeof(saved); i++)
        if (saved[i] != r->result)
            x86_load(c, true, saved[i], x86_at(RSP, INT_AT + (int32_t)i * 8));
    if (r->result < XMM0)
        x86_load(c, true, r->result, x86_at(RSP, VALUE_AT));
    x86_alu_ri(c, X86_ADD, true, RSP, BYTES);
    x86_jmp_to(c, path->back);
}

// `from` is a conditional jump just emitted; execution comes back to the current position.
static void add_redo(struct lower *l, uint32_t index, uint8_t *from, unsigned result, const unsigned *operands)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct redo *r = arena_alloc(l->region->arena, sizeof(*r));
    r->op = lower_meta(l, sizeof(*r->op));
    if (r->op)
        ir_eval_prepare(r->op, l->region, ins);
    r->count = ir_ops[ins->op].operand_count;
    for (unsigned i = 0; i < r->count; i++)
        r->operands[i] = (uint8_t)operands[i];
    r->result = (uint8_t)result;
    struct cold_path *path = lower_cold(l);
    *path = (struct cold_path){.from = from, .emit = emit_redo, .back = l->c.p, .data = {(uint64_t)(uintptr_t)r}};
}

// Tests the result and goes to the redo path when it needs another look. `tiny` also finds the smallest normal
// magnitude. t is a vector temporary, mask an integer one for vectors.
static void finish(struct lower *l, uint32_t index, struct shape s, unsigned result, const unsigned *operands,
                   bool tiny, unsigned t, unsigned mask)
{
    struct x86_code *c = &l->c;
    uint32_t pd = s.wide ? X86_66 : 0;
    uint8_t *from;
    if (tiny)
        emit_vec3_mem(l, 0x54 | X86_0F, t, result, magnitude_mask(l, s.wide)); // ANDPS
    if (s.vector) {
        if (tiny) {
            x86_vex_rm(c, 0xc2 | X86_0F | pd, false, t, t, smallest_normal(l, s.wide), 1);
            x86_byte(c, 8); // CMPPS: equal or unordered, quiet
        } else {
            emit_vec_imm(l, 0xc2 | X86_0F | pd, t, result, result, 3); // unordered
        }
        emit_vec2(l, 0x50 | X86_0F | pd, mask, t); // MOVMSKPS
        x86_test_rr(c, false, mask, mask);
        from = x86_jcc(c, X86_NE);
    } else if (tiny) {
        x86_vex_rm(c, 0x2e | X86_0F | pd, false, t, X86_NO_REG, smallest_normal(l, s.wide), 0); // UCOMIS
        from = x86_jcc(c, X86_E); // equal or unordered
    } else {
        emit_vec2(l, 0x2e | X86_0F | pd, result, result);
        from = x86_jcc(c, X86_P);
    }
    add_redo(l, index, from, result, operands);
}

// --- operations ---

static bool inline_rules(const struct lower *l)
{
    return !l->region->fp.flush_inputs && !l->region->fp.flush_outputs && l->avx2;
}

static bool lower_arithmetic(struct lower *l, uint32_t index, uint32_t opcode, bool tiny)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct shape s = shape_of(ins, ins->type);
    unsigned operands[MAX_OPERANDS] = {0};
    operands[0] = ra_use(&l->ra, ins->arg[0]);
    bool unary = ir_ops[ins->op].operand_count == 1;
    operands[1] = unary ? 0 : ra_use(&l->ra, ins->arg[1]);
    unsigned t = ra_temp(&l->ra, IR_V128), mask = s.vector ? ra_temp(&l->ra, IR_I64) : 0;
    unsigned dst = ra_def(&l->ra, index);
    if (unary)
        x86_vex_rr(&l->c, opcode | X86_0F | s.prefix, false, dst, s.vector ? X86_NO_REG : operands[0], operands[0]);
    else
        x86_vex_rr(&l->c, opcode | X86_0F | s.prefix, false, dst, operands[0], operands[1]);
    finish(l, index, s, dst, operands, tiny && l->region->fp.tiny_before, t, mask);
    return true;
}

static bool lower_fma(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct shape s = shape_of(ins, ins->type);
    unsigned operands[MAX_OPERANDS];
    for (unsigned i = 0; i < 3; i++)
        operands[i] = ra_use(&l->ra, ins->arg[i]);
    unsigned t = ra_temp(&l->ra, IR_V128), mask = s.vector ? ra_temp(&l->ra, IR_I64) : 0;
    unsigned dst = ra_def(&l->ra, index);
    emit_vec_move(l, dst, operands[0]);
    // VFMADD231: dst = operand 1 * operand 2 + dst
    x86_vex_rr(&l->c, (s.vector ? 0xb8u : 0xb9u) | X86_0F38 | X86_66 | x86_w(s.wide), false, dst, operands[1], operands[2]);
    finish(l, index, s, dst, operands, l->region->fp.tiny_before, t, mask);
    return true;
}

static bool lower_sign(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct shape s = shape_of(ins, ins->type);
    uint64_t sign = s.wide ? UINT64_C(1) << 63 : s.vector ? UINT64_C(0x8000000080000000) : UINT64_C(0x80000000);
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    if (ins->op == IR_FABS)
        emit_vec3_mem(l, 0x54 | X86_0F, dst, src, magnitude_mask(l, s.wide));
    else
        emit_vec3_mem(l, 0x57 | X86_0F, dst, src, lower_constant(l, sign, s.vector ? sign : 0));
    return true;
}

// Comparisons to masks: the host's predicates are the IR's.
static bool lower_compare_mask(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct shape s = shape_of(ins, ins->type);
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]), dst = ra_def(&l->ra, index);
    // Equal, quiet; a >= b as b <= a and a > b as b < a, signalling.
    if (ins->op == IR_FCMPEQ)
        x86_vex_rr(&l->c, 0xc2 | X86_0F | s.prefix, false, dst, a, b);
    else
        x86_vex_rr(&l->c, 0xc2 | X86_0F | s.prefix, false, dst, b, a);
    x86_byte(&l->c, ins->op == IR_FCMPEQ ? 0 : ins->op == IR_FCMPGE ? 2 : 1);
    return true;
}

// Packed flags of a comparison. (U)COMIS gives ZF PF CF: unordered 111, less 001, equal 100, greater 000.
static bool lower_flagfcmp(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool wide = ir_type_of(l->region, ins->arg[0]) == IR_F64;
    struct x86_code *c = &l->c;
    ra_temp_in(&l->ra, RAX);
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]), t = ra_temp(&l->ra, IR_I64);
    emit_vec2(l, (ins->aux ? 0x2fu : 0x2eu) | X86_0F | (wide ? X86_66 : 0), a, b);
    x86_mov_ri(c, t, IR_FLAG_C | IR_FLAG_V);
    uint8_t *unordered = x86_jcc(c, X86_P);
    x86_byte(c, 0x9f); // LAHF
    x86_alu_ri(c, X86_AND, false, RAX, IR_FLAG_Z | IR_FLAG_C);
    x86_mov_rr(c, false, t, RAX);
    x86_alu_ri(c, X86_AND, false, t, IR_FLAG_C);
    x86_shift_ri(c, X86_SHL, false, t, 7); // less: N
    x86_alu_rr(c, X86_OR, false, t, RAX);
    x86_alu_ri(c, X86_XOR, false, t, IR_FLAG_C);
    x86_patch(unordered, c->p);
    x86_mov_rr(c, false, RAX, t);
    ra_def_in(&l->ra, index, RAX);
    return true;
}

static bool lower_fcvt(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool widen = ins->type == IR_F64;
    unsigned operands[MAX_OPERANDS] = {0};
    operands[0] = ra_use(&l->ra, ins->arg[0]);
    unsigned t = ra_temp(&l->ra, IR_V128), dst = ra_def(&l->ra, index);
    x86_vex_rr(&l->c, 0x5a | X86_0F | (widen ? X86_F3 : X86_F2), false, dst, operands[0], operands[0]);
    struct shape s = {false, widen, widen ? X86_F2 : X86_F3};
    finish(l, index, s, dst, operands, !widen && l->region->fp.tiny_before, t, 0);
    return true;
}

static bool lower_frint(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint8_t modes[] = {[IR_ROUND_NEAREST_EVEN] = 0, [IR_ROUND_UP] = 2, [IR_ROUND_DOWN] = 1, [IR_ROUND_ZERO] = 3};
    unsigned mode = ins->imm & 7, imm;
    if (mode == IR_ROUND_NEAREST_AWAY)
        return false;
    imm = mode == IR_ROUND_CURRENT ? ROUND_HELD : modes[mode];
    imm |= ins->imm & IR_RINT_EXACT ? 0 : ROUND_SILENT;
    struct shape s = shape_of(ins, ins->type);
    unsigned operands[MAX_OPERANDS] = {0};
    operands[0] = ra_use(&l->ra, ins->arg[0]);
    unsigned t = ra_temp(&l->ra, IR_V128), mask = s.vector ? ra_temp(&l->ra, IR_I64) : 0;
    unsigned dst = ra_def(&l->ra, index);
    unsigned opcode = s.vector ? (s.wide ? 0x09 : 0x08) : (s.wide ? 0x0b : 0x0a);
    x86_vex_rr(&l->c, opcode | X86_0F3A | X86_66, false, dst, s.vector ? X86_NO_REG : operands[0], operands[0]);
    x86_byte(&l->c, imm);
    finish(l, index, s, dst, operands, false, t, mask);
    return true;
}

// Signed conversions towards zero. The host answers what is out of range with the most negative number.
static bool lower_to_int(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool wide_int = ins->type == IR_I64;
    if (ins->aux || (ins->imm & 7) != IR_ROUND_ZERO)
        return false;
    bool wide = ir_type_of(l->region, ins->arg[0]) == IR_F64;
    unsigned operands[MAX_OPERANDS] = {0};
    operands[0] = ra_use(&l->ra, ins->arg[0]);
    unsigned dst = ra_def(&l->ra, index);
    struct x86_code *c = &l->c;
    x86_vex_rr(c, 0x2c | X86_0F | (wide ? X86_F2 : X86_F3) | x86_w(wide_int), false, dst, X86_NO_REG, operands[0]);
    x86_alu_ri(c, X86_CMP, wide_int, dst, 1); // overflows for the most negative number alone
    uint8_t *from = x86_jcc(c, X86_O);
    add_redo(l, index, from, dst, operands);
    return true;
}

static bool lower_from_int(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool wide = ins->type == IR_F64, wide_int = ir_type_of(l->region, ins->arg[0]) == IR_I64;
    if (ins->aux || (ins->op == IR_UITOF && wide_int))
        return false;
    unsigned src = ra_use(&l->ra, ins->arg[0]);
    if (ins->op == IR_UITOF) {
        unsigned t = ra_temp(&l->ra, IR_I64);
        x86_mov_rr(&l->c, false, t, src);
        src = t;
        wide_int = true;
    }
    unsigned dst = ra_def(&l->ra, index);
    emit_vec3(l, 0x57 | X86_0F, dst, dst, dst); // no dependency on what was there
    x86_vex_rr(&l->c, 0x2a | X86_0F | (wide ? X86_F2 : X86_F3) | x86_w(wide_int), false, dst, dst, src);
    return true;
}

bool lower_fp(struct lower *l, uint32_t index)
{
    if (!(ir_ops[l->region->ins[index].op].properties & IR_PROP_FP)) {
        unsigned op = l->region->ins[index].op;
        return (op == IR_FNEG || op == IR_FABS) && l->avx2 && lower_sign(l, index);
    }
    if (!inline_rules(l))
        return false;
    switch ((enum ir_op)l->region->ins[index].op) {
    case IR_FADD:
        return lower_arithmetic(l, index, 0x58, false);
    case IR_FSUB:
        return lower_arithmetic(l, index, 0x5c, false);
    case IR_FMUL:
        return lower_arithmetic(l, index, 0x59, true);
    case IR_FDIV:
        return lower_arithmetic(l, index, 0x5e, true);
    case IR_FSQRT:
        return lower_arithmetic(l, index, 0x51, false);
    case IR_FMA:
        return lower_fma(l, index);
    case IR_FCMPEQ:
    case IR_FCMPGE:
    case IR_FCMPGT:
        return lower_compare_mask(l, index);
    case IR_FLAGFCMP:
        return lower_flagfcmp(l, index);
    case IR_FCVT:
        return lower_fcvt(l, index);
    case IR_FRINT:
        return lower_frint(l, index);
    case IR_FTOSI:
        return lower_to_int(l, index);
    case IR_SITOF:
    case IR_UITOF:
        return lower_from_int(l, index);
    default:
        return false;
    }
}
