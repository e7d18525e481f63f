// SPDX-License-Identifier: MIT
// Integer vector operations that x86 has no single instruction for: products of twice the size, saturating truncation,
// shifts of bytes, arithmetic on bytes and 64-bit lanes that AVX2 leaves out, population count. With AVX only.
#include "tcg/base/bits.h"
#include "tcg/host-x86-64/lower.h"

// Opcodes, as in encode.h.
enum {
    PAND = 0xdb | X86_0F | X86_66,
    POR = 0xeb | X86_0F | X86_66,
    PXOR = 0xef | X86_0F | X86_66,
    PADDB = 0xfc | X86_0F | X86_66,
    PADDD = 0xfe | X86_0F | X86_66,
    PSUBB = 0xf8 | X86_0F | X86_66,
    PSUBD = 0xfa | X86_0F | X86_66,
    PSUBQ = 0xfb | X86_0F | X86_66,
    PADDQ = 0xd4 | X86_0F | X86_66,
    PCMPEQD = 0x76 | X86_0F | X86_66,
    PCMPGTQ = 0x37 | X86_0F38 | X86_66,
    PMINUW = 0x3a | X86_0F38 | X86_66,
    PMINUD = 0x3b | X86_0F38 | X86_66,
    PMAXUD = 0x3f | X86_0F38 | X86_66,
    PMULLW = 0xd5 | X86_0F | X86_66,
    PMULHW = 0xe5 | X86_0F | X86_66,
    PMULHUW = 0xe4 | X86_0F | X86_66,
    PMULDQ = 0x28 | X86_0F38 | X86_66,
    PMULUDQ = 0xf4 | X86_0F | X86_66,
    PMOVSXBW = 0x20 | X86_0F38 | X86_66,
    PMOVZXBW = 0x30 | X86_0F38 | X86_66,
    PSHUFD = 0x70 | X86_0F | X86_66,
    PSHUFB = 0x00 | X86_0F38 | X86_66,
    PUNPCKLWD = 0x61 | X86_0F | X86_66,
    PUNPCKHWD = 0x69 | X86_0F | X86_66,
    PACKSSWB = 0x63 | X86_0F | X86_66,
    PACKSSDW = 0x6b | X86_0F | X86_66,
    PACKUSWB = 0x67 | X86_0F | X86_66,
    PACKUSDW = 0x2b | X86_0F38 | X86_66,
    BLENDVPS = 0x4a | X86_0F3A | X86_66,
    BLENDVPD = 0x4b | X86_0F3A | X86_66,
    SHIFT_W = 0x71 | X86_0F | X86_66, // by immediate; the digit chooses
    SHIFT_D = 0x72 | X86_0F | X86_66,
    SHIFT_Q = 0x73 | X86_0F | X86_66,
    RIGHT = 2,
    ARITHMETIC = 4,
    LEFT = 6,
};

struct regs {
    unsigned dst, a, b, t, u; // result, operands, temporaries; all different but a and b
};

static struct regs registers(struct lower *l, uint32_t index, unsigned temporaries)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct regs r = {0};
    r.a = r.b = ra_use(&l->ra, ins->arg[0]);
    if (ir_ops[ins->op].operand_count > 1)
        r.b = ra_use(&l->ra, ins->arg[1]);
    if (temporaries > 0)
        r.t = ra_temp(&l->ra, IR_V128);
    if (temporaries > 1)
        r.u = ra_temp(&l->ra, IR_V128);
    r.dst = ra_def(&l->ra, index);
    return r;
}

static struct x86_mem splat(struct lower *l, unsigned lane, uint64_t value)
{
    for (unsigned bits = 8U << lane; bits < 64; bits *= 2)
        value |= value << bits;
    return lower_constant(l, value, value);
}

static void zero(struct lower *l, unsigned reg)
{
    emit_vec3(l, PXOR, reg, reg, reg);
}

// --- products ---

static bool widening_product(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    bool is_signed = ins->op == IR_VMULLS;
    if (ins->aux > 2 || (ins->aux == 0 && ins->imm))
        return false;
    struct regs r = registers(l, index, 1);
    switch (ins->aux) {
    case 0:
        emit_vec2(l, is_signed ? PMOVSXBW : PMOVZXBW, r.t, r.a);
        emit_vec2(l, is_signed ? PMOVSXBW : PMOVZXBW, r.dst, r.b);
        emit_vec3(l, PMULLW, r.dst, r.dst, r.t);
        break;
    case 1:
        emit_vec3(l, PMULLW, r.t, r.a, r.b);
        emit_vec3(l, is_signed ? PMULHW : PMULHUW, r.dst, r.a, r.b);
        emit_vec3(l, ins->imm ? PUNPCKHWD : PUNPCKLWD, r.dst, r.t, r.dst);
        break;
    case 2: // of even lanes
        emit_vec2_imm(l, PSHUFD, r.t, r.a, ins->imm ? 0xfa : 0x50);
        emit_vec2_imm(l, PSHUFD, r.dst, r.b, ins->imm ? 0xfa : 0x50);
        emit_vec3(l, is_signed ? PMULDQ : PMULUDQ, r.dst, r.dst, r.t);
        break;
    }
    return true;
}

// Bytes: the low halves of the products of even and of odd bytes.
static bool byte_product(struct lower *l, uint32_t index)
{
    if (l->region->ins[index].aux != 0)
        return false;
    struct regs r = registers(l, index, 1);
    emit_vec_shift(l, SHIFT_W, RIGHT, r.t, r.a, 8);
    emit_vec_shift(l, SHIFT_W, RIGHT, r.dst, r.b, 8);
    emit_vec3(l, PMULLW, r.dst, r.dst, r.t);
    emit_vec_shift(l, SHIFT_W, LEFT, r.dst, r.dst, 8);
    emit_vec3(l, PMULLW, r.t, r.a, r.b);
    emit_vec3_mem(l, PAND, r.t, r.t, splat(l, 1, 0xff));
    emit_vec3(l, POR, r.dst, r.dst, r.t);
    return true;
}

// --- truncation with saturation: packs, which take signed lanes ---

static bool saturating_truncation(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (ins->aux > 1)
        return false;
    struct regs r = registers(l, index, 1);
    uint32_t pack = ins->aux ? PACKUSDW : PACKUSWB;
    if (ins->op == IR_VQTRUNCS)
        pack = ins->aux ? PACKSSDW : PACKSSWB;
    zero(l, r.t);
    if (ins->op == IR_VQTRUNCU) {
        emit_vec3_mem(l, ins->aux ? PMINUD : PMINUW, r.dst, r.a, splat(l, ins->aux + 1, mask64(8U << ins->aux)));
        emit_vec3(l, pack, r.dst, r.dst, r.t);
    } else {
        emit_vec3(l, pack, r.dst, r.a, r.t);
    }
    return true;
}

// --- shifts ---

static bool byte_shift(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned count = (unsigned)ins->imm;
    bool left = ins->op == IR_VSHL;
    struct regs r = registers(l, index, 0);
    emit_vec_shift(l, SHIFT_W, left ? LEFT : RIGHT, r.dst, r.a, count);
    emit_vec3_mem(l, PAND, r.dst, r.dst, splat(l, 0, left ? 0xffu << count & 0xff : 0xffu >> count));
    if (ins->op == IR_VSAR) { // extend the sign from where it is now
        emit_vec3_mem(l, PXOR, r.dst, r.dst, splat(l, 0, 0x80 >> count));
        emit_vec3_mem(l, PSUBB, r.dst, r.dst, splat(l, 0, 0x80 >> count));
    }
    return true;
}

// All ones where a 64-bit lane is negative.
static void sign_mask_q(struct lower *l, unsigned dst, unsigned src)
{
    zero(l, dst);
    emit_vec3(l, PCMPGTQ, dst, dst, src);
}

static bool shift(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (ins->aux == 0)
        return byte_shift(l, index);
    if (ins->aux != 3 || ins->op != IR_VSAR || !ins->imm)
        return false;
    struct regs r = registers(l, index, 1);
    sign_mask_q(l, r.t, r.a);
    emit_vec_shift(l, SHIFT_Q, LEFT, r.t, r.t, 64 - (unsigned)ins->imm);
    emit_vec_shift(l, SHIFT_Q, RIGHT, r.dst, r.a, (unsigned)ins->imm);
    emit_vec3(l, POR, r.dst, r.dst, r.t);
    return true;
}

// --- arithmetic and comparison ---

static bool abs_q(struct lower *l, uint32_t index)
{
    if (l->region->ins[index].aux != 3)
        return false;
    struct regs r = registers(l, index, 1);
    sign_mask_q(l, r.t, r.a);
    emit_vec3(l, PXOR, r.dst, r.a, r.t);
    emit_vec3(l, PSUBQ, r.dst, r.dst, r.t);
    return true;
}

static bool above_q(struct lower *l, uint32_t index)
{
    if (l->region->ins[index].aux != 3)
        return false;
    struct regs r = registers(l, index, 1);
    struct x86_mem signs = splat(l, 3, BIT64(63));
    emit_vec3_mem(l, PXOR, r.t, r.a, signs);
    emit_vec3_mem(l, PXOR, r.dst, r.b, signs);
    emit_vec3(l, PCMPGTQ, r.dst, r.t, r.dst);
    return true;
}

static bool average(struct lower *l, uint32_t index)
{
    if (l->region->ins[index].aux != 2)
        return false;
    struct regs r = registers(l, index, 1);
    emit_vec3(l, POR, r.t, r.a, r.b);
    emit_vec3(l, PXOR, r.dst, r.a, r.b);
    emit_vec_shift(l, SHIFT_D, RIGHT, r.dst, r.dst, 1);
    emit_vec3(l, PSUBD, r.dst, r.t, r.dst);
    return true;
}

static bool saturating_unsigned(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (ins->aux != 2)
        return false;
    struct regs r = registers(l, index, 1);
    if (ins->op == IR_VQSUBU) { // max(a, b) - b
        emit_vec3(l, PMAXUD, r.dst, r.a, r.b);
        emit_vec3(l, PSUBD, r.dst, r.dst, r.b);
        return true;
    }
    emit_vec3(l, PCMPEQD, r.t, r.t, r.t); // min(a, ~b) + b
    emit_vec3(l, PXOR, r.t, r.t, r.b);
    emit_vec3(l, PMINUD, r.dst, r.a, r.t);
    emit_vec3(l, PADDD, r.dst, r.dst, r.b);
    return true;
}

// The sum, but where it overflows the limit on the side of a. It does when its sign differs from that of a, and b's
// sign is such that it could: the same as a's in sums, another in differences.
static bool saturating_signed(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (ins->aux < 2)
        return false;
    bool wide = ins->aux == 3, subtract = ins->op == IR_VQSUBS;
    struct regs r = registers(l, index, 2);
    uint32_t operation = wide ? (subtract ? PSUBQ : PADDQ) : subtract ? PSUBD : PADDD;
    emit_vec3(l, operation, r.dst, r.a, r.b);
    emit_vec3(l, PXOR, r.t, r.a, r.dst);
    emit_vec3(l, PXOR, r.u, r.b, subtract ? r.a : r.dst);
    emit_vec3(l, PAND, r.t, r.t, r.u); // its signs choose
    if (wide)
        sign_mask_q(l, r.u, r.a);
    else
        emit_vec_shift(l, SHIFT_D, ARITHMETIC, r.u, r.a, 31);
    emit_vec3_mem(l, PXOR, r.u, r.u, splat(l, ins->aux, mask64((8U << ins->aux) - 1)));
    emit_vec_imm(l, wide ? BLENDVPD : BLENDVPS, r.dst, r.dst, r.u, r.t << 4);
    return true;
}

// By a table for the halves of each byte.
static bool population(struct lower *l, uint32_t index)
{
    struct regs r = registers(l, index, 2);
    struct x86_mem halves = splat(l, 0, 15);
    emit_vec_load(l, r.u, lower_constant(l, UINT64_C(0x0302020102010100), UINT64_C(0x0403030203020201)));
    emit_vec3_mem(l, PAND, r.t, r.a, halves);
    emit_vec3(l, PSHUFB, r.t, r.u, r.t);
    emit_vec_shift(l, SHIFT_W, RIGHT, r.dst, r.a, 4);
    emit_vec3_mem(l, PAND, r.dst, r.dst, halves);
    emit_vec3(l, PSHUFB, r.dst, r.u, r.dst);
    emit_vec3(l, PADDB, r.dst, r.dst, r.t);
    return true;
}

bool lower_vector_composed(struct lower *l, uint32_t index)
{
    if (!l->avx2)
        return false;
    switch ((enum ir_op)l->region->ins[index].op) {
    case IR_VMULLS:
    case IR_VMULLU:
        return widening_product(l, index);
    case IR_VMUL:
        return byte_product(l, index);
    case IR_VQTRUNCS:
    case IR_VQTRUNCU:
    case IR_VQTRUNCSU:
        return saturating_truncation(l, index);
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR:
        return shift(l, index);
    case IR_VABS:
        return abs_q(l, index);
    case IR_VCMPGTU:
        return above_q(l, index);
    case IR_VAVGU:
        return average(l, index);
    case IR_VQADDU:
    case IR_VQSUBU:
        return saturating_unsigned(l, index);
    case IR_VQADDS:
    case IR_VQSUBS:
        return saturating_signed(l, index);
    case IR_VPOPCNT:
        return population(l, index);
    default:
        return false;
    }
}

unsigned lower_composed_pool_use(unsigned op)
{
    switch (op) {
    case IR_VMUL:
    case IR_VQTRUNCU:
    case IR_VSHL:
    case IR_VSHR:
    case IR_VCMPGTU:
    case IR_VQADDS:
    case IR_VQSUBS:
        return 1;
    case IR_VPOPCNT:
        return 2;
    case IR_VSAR:
        return 3;
    default:
        return 0;
    }
}
