// SPDX-License-Identifier: MIT
// Vectors: moves between register classes and integer lanes. What is not here is evaluated by a call.
#include "tcg/base/bits.h"
#include "tcg/host-x86-64/lower.h"

// --- emission on registers, with and without AVX ---

void emit_vec_move(struct lower *l, unsigned dst, unsigned src)
{
    if (l->avx2)
        x86_vex_rr(&l->c, 0x28 | X86_0F, false, dst, X86_NO_REG, src);
    else
        x86_rr(&l->c, 0x28 | X86_0F, dst, src);
}

void emit_vec_load(struct lower *l, unsigned dst, struct x86_mem m)
{
    if (l->avx2)
        x86_vex_rm(&l->c, 0x10 | X86_0F, false, dst, X86_NO_REG, m, 0);
    else
        x86_rm(&l->c, 0x10 | X86_0F, dst, m);
}

void emit_vec_store(struct lower *l, unsigned src, struct x86_mem m)
{
    if (l->avx2)
        x86_vex_rm(&l->c, 0x11 | X86_0F, false, src, X86_NO_REG, m, 0);
    else
        x86_rm(&l->c, 0x11 | X86_0F, src, m);
}

void emit_vec2(struct lower *l, uint32_t opcode, unsigned dst, unsigned src)
{
    if (l->avx2)
        x86_vex_rr(&l->c, opcode, false, dst, X86_NO_REG, src);
    else
        x86_rr(&l->c, opcode, dst, src);
}

void emit_vec3(struct lower *l, uint32_t opcode, unsigned dst, unsigned a, unsigned b)
{
    if (l->avx2) {
        x86_vex_rr(&l->c, opcode, false, dst, a, b);
        return;
    }
    if (dst != a)
        emit_vec_move(l, dst, a);
    x86_rr(&l->c, opcode, dst, b);
}

void emit_vec3_mem(struct lower *l, uint32_t opcode, unsigned dst, unsigned a, struct x86_mem m)
{
    if (l->avx2) {
        x86_vex_rm(&l->c, opcode, false, dst, a, m, 0);
        return;
    }
    if (dst != a)
        emit_vec_move(l, dst, a);
    x86_rm(&l->c, opcode, dst, m);
}

void emit_vec_imm(struct lower *l, uint32_t opcode, unsigned dst, unsigned a, unsigned b, unsigned imm)
{
    emit_vec3(l, opcode, dst, a, b);
    x86_byte(&l->c, imm);
}

void emit_vec2_imm(struct lower *l, uint32_t opcode, unsigned dst, unsigned src, unsigned imm)
{
    emit_vec2(l, opcode, dst, src);
    x86_byte(&l->c, imm);
}

void emit_vec_shift(struct lower *l, uint32_t opcode, unsigned digit, unsigned dst, unsigned src, unsigned count)
{
    if (l->avx2) {
        x86_vex_rr(&l->c, opcode, false, digit, dst, src);
    } else {
        if (dst != src)
            emit_vec_move(l, dst, src);
        x86_rr(&l->c, opcode, digit, dst);
    }
    x86_byte(&l->c, count);
}

// --- whole operations ---

// A destination for a op b: without AVX it may not be b's register.
static unsigned def_vec(struct lower *l, uint32_t index, ir_ref a, ir_ref b, unsigned *areg, unsigned *breg)
{
    *areg = ra_use(&l->ra, a);
    *breg = ra_use(&l->ra, b);
    if (l->avx2)
        return ra_def(&l->ra, index);
    unsigned dst = ra_def_over(&l->ra, index, a);
    if (a == b)
        *breg = dst;
    *areg = dst;
    return dst;
}

void lower_vec_binary(struct lower *l, uint32_t index, uint32_t opcode, ir_ref a, ir_ref b, bool commutes)
{
    int32_t where;
    unsigned areg, breg;
    if (commutes && ra_in_reg(&l->ra, b) && !ra_in_reg(&l->ra, a)) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    enum ra_mem_kind kind = ra_memory(&l->ra, b, &where);
    // Memory operands need not be aligned with VEX encodings only.
    if (l->avx2 && kind != RA_MEM_NONE && ra_dies(&l->ra, b)) {
        areg = ra_use(&l->ra, a);
        x86_vex_rm(&l->c, opcode, false, ra_def(&l->ra, index), areg, lower_place(l, kind, where), 0);
        return;
    }
    unsigned dst = def_vec(l, index, a, b, &areg, &breg);
    emit_vec3(l, opcode, dst, areg, breg);
}

void lower_vec_unary(struct lower *l, uint32_t index, uint32_t opcode, ir_ref a)
{
    unsigned src = ra_use(&l->ra, a);
    emit_vec2(l, opcode, ra_def(&l->ra, index), src);
}

static void lower_vec_imm(struct lower *l, uint32_t index, uint32_t opcode, ir_ref a, ir_ref b, unsigned imm)
{
    unsigned areg, breg;
    unsigned dst = def_vec(l, index, a, b, &areg, &breg);
    emit_vec_imm(l, opcode, dst, areg, breg, imm);
}

static bool lower_shift_imm(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint8_t opcodes[] = {0, 0x71, 0x72, 0x73};
    unsigned digit = ins->op == IR_VSHL ? 6 : ins->op == IR_VSHR ? 2 : 4, count = (unsigned)ins->imm;
    if (ins->aux == 0 || (ins->aux == 3 && ins->op == IR_VSAR))
        return false;
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    emit_vec_shift(l, opcodes[ins->aux] | X86_0F | X86_66, digit, dst, src, count);
    return true;
}

static void lower_not(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    emit_vec3(l, 0x76 | X86_0F | X86_66, dst, dst, dst); // PCMPEQD: all ones
    x86_rr(&l->c, 0xef | X86_0F | X86_66, dst, src);
}

// (a & b) | (~a & c) as ((b ^ c) & a) ^ c.
static void lower_bitsel(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]), c = ra_use(&l->ra, ins->arg[2]);
    unsigned dst = ra_def(&l->ra, index), op = ir_is_const(ins->arg[0]) ? IR_NOP : l->region->ins[ins->arg[0]].op;
    if (l->avx2 && (op == IR_VCMPEQ || op == IR_VCMPGTS || op == IR_VCMPGTU)) { // whole bytes: VPBLENDVB
        emit_vec_imm(l, 0x4c | X86_0F3A | X86_66, dst, c, b, a << 4);
        return;
    }
    emit_vec3(l, 0xef | X86_0F | X86_66, dst, b, c);
    emit_vec3(l, 0xdb | X86_0F | X86_66, dst, dst, a);
    emit_vec3(l, 0xef | X86_0F | X86_66, dst, dst, c);
}

static void lower_neg(struct lower *l, uint32_t index)
{
    static const uint8_t sub[] = {0xf8, 0xf9, 0xfa, 0xfb};
    struct ir_ins *ins = &l->region->ins[index];
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    emit_vec3(l, 0xef | X86_0F | X86_66, dst, dst, dst);
    emit_vec3(l, sub[ins->aux] | X86_0F | X86_66, dst, dst, src);
}

static bool lower_dup(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint8_t broadcast[] = {0x78, 0x79, 0x58, 0x59};
    unsigned src = ra_use(&l->ra, ins->arg[0]);
    if (!l->avx2 && ins->aux < 2)
        return false;
    unsigned dst = ra_def(&l->ra, index);
    emit_vec2(l, 0x6e | X86_0F | X86_66 | (ins->aux == 3 ? X86_W : 0), dst, src);
    if (l->avx2)
        emit_vec2(l, broadcast[ins->aux] | X86_0F38 | X86_66, dst, dst);
    else
        emit_vec2_imm(l, 0x70 | X86_0F | X86_66, dst, dst, ins->aux == 3 ? 0x44 : 0);
    return true;
}

static bool lower_dup_lane(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint8_t broadcast[] = {0x78, 0x79, 0x58, 0x59};
    unsigned lane = (unsigned)ins->imm;
    if (ins->aux >= 2) {
        unsigned order = ins->aux == 2 ? lane * 0x55 : lane * 0xaa + 0x44;
        unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
        emit_vec2_imm(l, 0x70 | X86_0F | X86_66, dst, src, order);
        return true;
    }
    if (!l->avx2)
        return false;
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    if (lane) {
        emit_vec_shift(l, 0x73 | X86_0F | X86_66, 3, dst, src, lane << ins->aux); // PSRLDQ
        src = dst;
    }
    emit_vec2(l, broadcast[ins->aux] | X86_0F38 | X86_66, dst, src);
    return true;
}

static bool lower_get(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned lane = (unsigned)ins->imm;
    if (!l->sse41 && !(lane == 0 && ins->aux >= 2))
        return false;
    unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
    static const uint32_t extract[] = {0x14 | X86_0F3A, 0x15 | X86_0F3A, 0x16 | X86_0F3A, 0x16 | X86_0F3A | X86_W};
    if (lane == 0 && ins->aux >= 2)
        emit_vec2(l, 0x7e | X86_0F | X86_66 | (ins->aux == 3 ? X86_W : 0), src, dst);
    else
        emit_vec2_imm(l, extract[ins->aux] | X86_66, src, dst, lane);
    return true;
}

static bool lower_set(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (!l->sse41)
        return false;
    static const uint32_t insert[] = {0x20 | X86_0F3A, 0xc4 | X86_0F, 0x22 | X86_0F3A, 0x22 | X86_0F3A | X86_W};
    unsigned value = ra_use(&l->ra, ins->arg[1]);
    ra_use(&l->ra, ins->arg[0]);
    unsigned dst = ra_def_over(&l->ra, index, ins->arg[0]);
    emit_vec_imm(l, insert[ins->aux] | X86_66, dst, dst, value, (unsigned)ins->imm);
    return true;
}

static bool lower_ext(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (!l->sse41)
        return false;
    // PALIGNR dst, high, low
    lower_vec_imm(l, index, 0x0f | X86_0F3A | X86_66, ins->arg[1], ins->arg[0], (unsigned)ins->imm);
    return true;
}

// Unsigned a > b: max(a, b) == b is a <= b.
static bool lower_cmpgtu(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint32_t max[] = {0xde | X86_0F, 0x3e | X86_0F38, 0x3f | X86_0F38};
    static const uint8_t equal[] = {0x74, 0x75, 0x76};
    if (ins->aux > 2 || (!l->sse41 && ins->aux))
        return false;
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]);
    unsigned t = ra_temp(&l->ra, IR_V128), dst = ra_def(&l->ra, index);
    emit_vec3(l, max[ins->aux] | X86_66, dst, a, b);
    emit_vec3(l, equal[ins->aux] | X86_0F | X86_66, dst, dst, b);
    emit_vec3(l, 0x76 | X86_0F | X86_66, t, t, t);
    emit_vec3(l, 0xef | X86_0F | X86_66, dst, dst, t);
    return true;
}

// Even or odd lanes, side by side (UZP) or pairwise (TRN). Lanes of less than 8 bytes are shifted to where they belong
// inside pairs; packing then cannot saturate.
static bool lower_shuffle_lanes(struct lower *l, uint32_t index)
{
    enum { LOGICAL_RIGHT = 2, ARITHMETIC_RIGHT = 4, LEFT = 6 };
    struct ir_ins *ins = &l->region->ins[index];
    bool odd = ins->op == IR_VUZPO || ins->op == IR_VTRNO, unzip = ins->op == IR_VUZPE || ins->op == IR_VUZPO;
    if (ins->aux == 3) { // the same for UZP and TRN
        lower_vec_binary(l, index, (odd ? 0x6d : 0x6c) | X86_0F | X86_66, ins->arg[0], ins->arg[1], false);
        return true;
    }
    if (ins->aux == 2 && unzip) {
        lower_vec_imm(l, index, 0xc6 | X86_0F, ins->arg[0], ins->arg[1], odd ? 0xdd : 0x88);
        return true;
    }
    unsigned bits = 8u << ins->aux;
    uint32_t shift = (0x71 + ins->aux) | X86_0F | X86_66; // of the pairs
    unsigned a = ra_use(&l->ra, ins->arg[0]), b = ra_use(&l->ra, ins->arg[1]);
    unsigned t = ra_temp(&l->ra, IR_V128), dst = ra_def(&l->ra, index);
    if (unzip) {
        unsigned right = ins->aux ? ARITHMETIC_RIGHT : LOGICAL_RIGHT;
        if (!odd) {
            emit_vec_shift(l, shift, LEFT, dst, a, bits);
            emit_vec_shift(l, shift, LEFT, t, b, bits);
        }
        emit_vec_shift(l, shift, right, dst, odd ? a : dst, bits);
        emit_vec_shift(l, shift, right, t, odd ? b : t, bits);
        emit_vec3(l, (ins->aux ? 0x6b : 0x67) | X86_0F | X86_66, dst, dst, t); // PACKSSDW, PACKUSWB
        return true;
    }
    emit_vec_shift(l, shift, odd ? LOGICAL_RIGHT : LEFT, dst, a, bits);
    emit_vec_shift(l, shift, odd ? LOGICAL_RIGHT : LEFT, t, b, bits);
    if (odd)
        emit_vec_shift(l, shift, LEFT, t, t, bits);
    else
        emit_vec_shift(l, shift, LOGICAL_RIGHT, dst, dst, bits);
    emit_vec3(l, 0xeb | X86_0F | X86_66, dst, dst, t); // POR
    return true;
}

struct binary_row {
    uint32_t opcodes[4]; // by lane size; 0 when there is none
    bool needs_sse41;    // for those outside the 0F map
};

static const struct binary_row *binary_row(enum ir_op op)
{
    static const struct binary_row rows[IR_OP_COUNT] = {
        [IR_VADD] = {{0xfc | X86_0F, 0xfd | X86_0F, 0xfe | X86_0F, 0xd4 | X86_0F}, false},
        [IR_VSUB] = {{0xf8 | X86_0F, 0xf9 | X86_0F, 0xfa | X86_0F, 0xfb | X86_0F}, false},
        [IR_VMUL] = {{0, 0xd5 | X86_0F, 0x40 | X86_0F38, 0}, false},
        [IR_VAND] = {{0xdb | X86_0F, 0xdb | X86_0F, 0xdb | X86_0F, 0xdb | X86_0F}, false},
        [IR_VOR] = {{0xeb | X86_0F, 0xeb | X86_0F, 0xeb | X86_0F, 0xeb | X86_0F}, false},
        [IR_VXOR] = {{0xef | X86_0F, 0xef | X86_0F, 0xef | X86_0F, 0xef | X86_0F}, false},
        [IR_VCMPEQ] = {{0x74 | X86_0F, 0x75 | X86_0F, 0x76 | X86_0F, 0x29 | X86_0F38}, false},
        [IR_VCMPGTS] = {{0x64 | X86_0F, 0x65 | X86_0F, 0x66 | X86_0F, 0x37 | X86_0F38}, false},
        [IR_VMINS] = {{0x38 | X86_0F38, 0xea | X86_0F, 0x39 | X86_0F38, 0}, false},
        [IR_VMINU] = {{0xda | X86_0F, 0x3a | X86_0F38, 0x3b | X86_0F38, 0}, false},
        [IR_VMAXS] = {{0x3c | X86_0F38, 0xee | X86_0F, 0x3d | X86_0F38, 0}, false},
        [IR_VMAXU] = {{0xde | X86_0F, 0x3e | X86_0F38, 0x3f | X86_0F38, 0}, false},
        [IR_VQADDS] = {{0xec | X86_0F, 0xed | X86_0F, 0, 0}, false},
        [IR_VQADDU] = {{0xdc | X86_0F, 0xdd | X86_0F, 0, 0}, false},
        [IR_VQSUBS] = {{0xe8 | X86_0F, 0xe9 | X86_0F, 0, 0}, false},
        [IR_VQSUBU] = {{0xd8 | X86_0F, 0xd9 | X86_0F, 0, 0}, false},
        [IR_VAVGU] = {{0xe0 | X86_0F, 0xe3 | X86_0F, 0, 0}, false},
        [IR_VZIPLO] = {{0x60 | X86_0F, 0x61 | X86_0F, 0x62 | X86_0F, 0x6c | X86_0F}, false},
        [IR_VZIPHI] = {{0x68 | X86_0F, 0x69 | X86_0F, 0x6a | X86_0F, 0x6d | X86_0F}, false},
    };
    return &rows[op];
}

static bool lower_row(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    uint32_t opcode = binary_row(ins->op)->opcodes[ins->aux & 3];
    if (!opcode || ((opcode & X86_MAP) != X86_0F && !l->sse41))
        return false;
    bool commutes = ir_ops[ins->op].properties & IR_PROP_COMM;
    lower_vec_binary(l, index, opcode | X86_66, ins->arg[0], ins->arg[1], commutes);
    return true;
}

static bool lower_widen(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    static const uint8_t sign[] = {0x20, 0x23, 0x25};
    if (!l->sse41 || ins->aux > 2)
        return false;
    lower_vec_unary(l, index, (sign[ins->aux] + (ins->op == IR_VZXTL ? 0x10u : 0)) | X86_0F38 | X86_66, ins->arg[0]);
    return true;
}

// Byte-shuffle constants for operations that are one PSHUFB.
static bool shuffle_constant(const struct ir_ins *ins, uint8_t order[16])
{
    unsigned size = 1u << ins->aux;
    for (unsigned i = 0; i < 16; i++) {
        if (ins->op == IR_VREV) {
            unsigned container = 1u << ins->imm, lane = i / container * container, offset = i - lane;
            order[i] = (uint8_t)(lane + (container / size - 1 - offset / size) * size + offset % size);
        } else { // VTRUNC
            unsigned lane = i / size;
            order[i] = i < 8 ? (uint8_t)(lane * 2 * size + i % size) : 0x80;
        }
    }
    return true;
}

static bool lower_by_shuffle(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    uint8_t order[16];
    uint64_t lo, hi;
    if (!l->avx2 || !shuffle_constant(ins, order))
        return false;
    memcpy(&lo, order, 8);
    memcpy(&hi, order + 8, 8);
    unsigned src = ra_use(&l->ra, ins->arg[0]);
    emit_vec3_mem(l, X86_0F38 | X86_66, ra_def(&l->ra, index), src, lower_constant(l, lo, hi));
    return true;
}

static bool lower_table(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (!l->avx2)
        return false;
    // PSHUFB zeroes a byte when bit 7 of its index is set: a saturating add of 0x70 sets it for 16 and above.
    unsigned table = ra_use(&l->ra, ins->arg[0]), indexes = ra_use(&l->ra, ins->arg[1]);
    unsigned t = ra_temp(&l->ra, IR_V128), dst = ra_def(&l->ra, index);
    const uint64_t bias = UINT64_C(0x7070707070707070), sixteen = UINT64_C(0x1010101010101010);
    if (ins->op == IR_VSHUFN) {
        emit_vec3_mem(l, 0xf8 | X86_0F | X86_66, t, indexes, lower_constant(l, sixteen, sixteen));
        indexes = t;
    }
    emit_vec3_mem(l, 0xdc | X86_0F | X86_66, t, indexes, lower_constant(l, bias, bias));
    emit_vec3(l, X86_0F38 | X86_66, dst, table, t);
    return true;
}

unsigned lower_pool_use(unsigned op)
{
    switch (op) {
    case IR_VREV:
    case IR_VTRUNC:
    case IR_VSHUF:
        return 1;
    case IR_VSHUFN:
        return 2;
    default:
        if (ir_ops[op].properties & IR_PROP_FP || op == IR_FNEG || op == IR_FABS)
            return 4;
        return lower_composed_pool_use(op);
    }
}

bool lower_vector(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    switch ((enum ir_op)ins->op) {
    case IR_VLOW:
        ra_def_alias(&l->ra, index, ins->arg[0]);
        return true;
    case IR_VFROM: // MOVQ clears the upper half; MOVSS from a register does not, from memory both do
        if (!ir_is_const(ins->arg[0]) &&
            (l->region->ins[ins->arg[0]].op == IR_LD || l->region->ins[ins->arg[0]].op == IR_LDP)) {
            ra_def_alias(&l->ra, index, ins->arg[0]);
            return true;
        }
        if (ir_type_of(l->region, ins->arg[0]) == IR_F32) {
            unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
            if (l->sse41) {
                emit_vec_imm(l, 0x21 | X86_0F3A | X86_66, dst, src, src, 0x0e); // INSERTPS, lanes 1..3 zeroed
            } else {
                emit_vec3(l, 0x57 | X86_0F, dst, dst, dst);
                x86_rr(&l->c, 0x10 | X86_0F | X86_F3, dst, src);
            }
            return true;
        }
        lower_vec_unary(l, index, 0x7e | X86_0F | X86_F3, ins->arg[0]);
        return true;
    case IR_FBITS: {
        unsigned src = ra_use(&l->ra, ins->arg[0]), dst = ra_def(&l->ra, index);
        emit_vec2(l, 0x7e | X86_0F | X86_66 | x86_w(ins->type == IR_I64), src, dst);
        return true;
    }
    case IR_FFROMBITS:
    case IR_VFROMI: {
        bool w = ir_type_of(l->region, ins->arg[0]) == IR_I64;
        unsigned src = ra_use(&l->ra, ins->arg[0]);
        emit_vec2(l, 0x6e | X86_0F | X86_66 | x86_w(w), ra_def(&l->ra, index), src);
        return true;
    }
    case IR_VDUP:
        return lower_dup(l, index);
    case IR_VDUPLANE:
        return lower_dup_lane(l, index);
    case IR_VGET:
        return lower_get(l, index);
    case IR_VSET:
        return lower_set(l, index);
    case IR_VANDN:
        lower_vec_binary(l, index, 0xdf | X86_0F | X86_66, ins->arg[1], ins->arg[0], false);
        return true;
    case IR_VNOT:
        lower_not(l, index);
        return true;
    case IR_VSEL:
        lower_bitsel(l, index);
        return true;
    case IR_VNEG:
        lower_neg(l, index);
        return true;
    case IR_VABS:
        if (!l->sse41 || ins->aux == 3)
            return false;
        lower_vec_unary(l, index, (0x1cu + ins->aux) | X86_0F38 | X86_66, ins->arg[0]);
        return true;
    case IR_VSHL:
    case IR_VSHR:
    case IR_VSAR:
        return lower_shift_imm(l, index);
    case IR_VEXT:
        return lower_ext(l, index);
    case IR_VCMPGTU:
        return lower_cmpgtu(l, index);
    case IR_VUZPE:
    case IR_VUZPO:
    case IR_VTRNE:
    case IR_VTRNO:
        return lower_shuffle_lanes(l, index);
    case IR_VSXTL:
    case IR_VZXTL:
        return lower_widen(l, index);
    case IR_VREV:
    case IR_VTRUNC:
        return lower_by_shuffle(l, index);
    case IR_VSHUF:
    case IR_VSHUFN:
        return lower_table(l, index);
    default:
        return lower_row(l, index);
    }
}
