// SPDX-License-Identifier: MIT
// Advanced SIMD copy, table lookup, permute, extract and modified immediate (Arm ARM, C4.1.97).

#include "target-arm/translate-simd.h"

// --- copy ---

// imm5 names the lane size by its lowest set bit, and the lane above it. False when it is reserved.
static bool decode_lane(uint32_t insn, unsigned *size, unsigned *index)
{
    unsigned imm5 = extract32(insn, 16, 5);
    *size = ctz32(imm5 | 16);
    *index = imm5 >> (*size + 1);
    return imm5 & 15;
}

static ir_ref lane(struct a64 *a, unsigned n, unsigned size, unsigned index)
{
    return ir_emit(a->b, IR_VGET, IR_I64, size, a64_v(a, n), IR_NONE, IR_NONE, index);
}

// DUP of an element, as a vector or as a scalar.
static bool dup_element(struct a64 *a, uint32_t insn, bool scalar)
{
    unsigned size, index;
    if (!decode_lane(insn, &size, &index) || (size == 3 && !scalar && !(insn >> 30 & 1)))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    struct simd s = simd_decode(a, insn, size);
    simd_write(&s, ir_v1(s.b, IR_VDUPLANE, size, simd_n(&s), index));
    return true;
}

bool a64_DUP_element(struct a64 *a, uint32_t insn)
{
    return dup_element(a, insn, false);
}
bool a64_DUP_scalar(struct a64 *a, uint32_t insn)
{
    return dup_element(a, insn, true);
}

bool a64_DUP_general(struct a64 *a, uint32_t insn)
{
    unsigned size, index;
    if (!decode_lane(insn, &size, &index) || (size == 3 && !(insn >> 30 & 1)))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    struct simd s = simd_decode(a, insn, size);
    simd_write(&s, ir_emit(s.b, IR_VDUP, IR_V128, size, a64_x(a, insn_rn(insn)), IR_NONE, IR_NONE, 0));
    return true;
}

bool a64_SMOV(struct a64 *a, uint32_t insn)
{
    unsigned size, index, q = insn >> 30 & 1;
    if (!decode_lane(insn, &size, &index) || size == 3 || (size == 2 && !q))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref value = ir_sextract(a->b, lane(a, insn_rn(insn), size, index), 0, 8U << size);
    a64_set(a, insn_rd(insn), q ? value : ir_trunc(a->b, value));
    return true;
}

bool a64_UMOV(struct a64 *a, uint32_t insn)
{
    unsigned size, index, q = insn >> 30 & 1;
    if (!decode_lane(insn, &size, &index) || (size == 3) != q)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    a64_set(a, insn_rd(insn), lane(a, insn_rn(insn), size, index));
    return true;
}

static bool insert(struct a64 *a, uint32_t insn, unsigned size, unsigned index, ir_ref value)
{
    a64_set_v(a, insn_rd(insn), ir_v2(a->b, IR_VSET, size, a64_v(a, insn_rd(insn)), value, index));
    return true;
}

bool a64_INS_general(struct a64 *a, uint32_t insn)
{
    unsigned size, index;
    if (!decode_lane(insn, &size, &index))
        return a64_undefined(a);
    return a64_fp_enabled(a) && insert(a, insn, size, index, a64_x(a, insn_rn(insn)));
}

bool a64_INS_element(struct a64 *a, uint32_t insn)
{
    unsigned size, index;
    if (!decode_lane(insn, &size, &index))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    return insert(a, insn, size, index, lane(a, insn_rn(insn), size, extract32(insn, 11, 4) >> size));
}

// --- table lookup ---

// Bytes of up to four table registers; an index beyond gives zero. SHUF of an index that has wrapped gives zero too.
static ir_ref look_up(struct a64 *a, uint32_t insn, unsigned count, ir_ref indexes)
{
    unsigned rn = insn_rn(insn);
    ir_ref result = ir_v2(a->b, IR_VSHUF, 0, a64_v(a, rn), indexes, 0);
    for (unsigned i = 1; i < count; i++) {
        ir_ref table = a64_v(a, (rn + i) & 31), part;
        if (i == 1) {
            part = ir_v2(a->b, IR_VSHUFN, 0, table, indexes, 0);
        } else {
            uint64_t offset = UINT64_C(0x1010101010101010) * i;
            part = ir_v2(a->b, IR_VSHUF, 0, table,
                         ir_v2(a->b, IR_VSUB, 0, indexes, ir_v128(a->b, offset, offset), 0), 0);
        }
        result = ir_v2(a->b, IR_VOR, 0, result, part, 0);
    }
    return result;
}

static bool table(struct a64 *a, uint32_t insn, bool keep)
{
    struct simd s = simd_decode(a, insn, 0);
    if (!a64_fp_enabled(a))
        return false;
    unsigned count = extract32(insn, 13, 2) + 1;
    ir_ref indexes = simd_m(&s), result = look_up(a, insn, count, indexes);
    if (keep) {
        ir_ref inside = simd_op2(&s, IR_VCMPGTU, simd_splat(&s, 0, 16 * count), indexes);
        result = ir_op3(s.b, IR_VSEL, inside, result, simd_d(&s));
    }
    simd_write(&s, result);
    return true;
}

bool a64_TBL(struct a64 *a, uint32_t insn)
{
    return table(a, insn, false);
}
bool a64_TBX(struct a64 *a, uint32_t insn)
{
    return table(a, insn, true);
}

// --- permute, extract ---

static bool permute(struct a64 *a, uint32_t insn, enum ir_op op)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (s.size == 3 && !s.q)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s), m = simd_m(&s);
    bool unzip = op == IR_VUZPE || op == IR_VUZPO;
    if (unzip && !s.q) // both halves in one vector, so that what is wanted comes first
        n = m = ir_v2(s.b, IR_VZIPLO, 3, n, m, 0);
    bool upper = op == IR_VZIPHI && !s.q; // the second 8 bytes of what ZIPLO gives
    ir_ref result = simd_op2(&s, upper ? IR_VZIPLO : op, n, m);
    simd_write(&s, upper ? ir_v2(s.b, IR_VEXT, 0, result, result, 8) : result);
    return true;
}

bool a64_ZIP1(struct a64 *a, uint32_t insn)
{
    return permute(a, insn, IR_VZIPLO);
}
bool a64_ZIP2(struct a64 *a, uint32_t insn)
{
    return permute(a, insn, IR_VZIPHI);
}
bool a64_UZP1(struct a64 *a, uint32_t insn)
{
    return permute(a, insn, IR_VUZPE);
}
bool a64_UZP2(struct a64 *a, uint32_t insn)
{
    return permute(a, insn, IR_VUZPO);
}
bool a64_TRN1(struct a64 *a, uint32_t insn)
{
    return permute(a, insn, IR_VTRNE);
}
bool a64_TRN2(struct a64 *a, uint32_t insn)
{
    return permute(a, insn, IR_VTRNO);
}

bool a64_EXT(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 0);
    unsigned position = extract32(insn, 11, 4);
    if (!s.q && position >= 8)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s), m = simd_m(&s);
    if (!s.q)
        n = m = ir_v2(s.b, IR_VZIPLO, 3, n, m, 0);
    simd_write(&s, position ? ir_v2(s.b, IR_VEXT, 0, n, m, position) : n);
    return true;
}

// --- modified immediate ---

static uint64_t replicate(uint64_t value, unsigned bits)
{
    for (; bits < 64; bits *= 2)
        value |= value << bits;
    return value;
}

// AdvSIMDExpandImm.
static uint64_t expand_imm(unsigned op, unsigned cmode, unsigned imm8)
{
    unsigned shift = 8 * (cmode >> 1 & 3);
    switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
        return replicate((uint64_t)imm8 << shift, 32);
    case 4:
    case 5:
        return replicate((uint64_t)imm8 << (shift & 8), 16);
    case 6:
        return replicate(cmode & 1 ? (uint64_t)imm8 << 16 | 0xffff : (uint64_t)imm8 << 8 | 0xff, 32);
    }
    if (cmode & 1)
        return op ? a64_fp_expand_imm(imm8, 3) : replicate(a64_fp_expand_imm(imm8, 2), 32);
    if (!op)
        return replicate(imm8, 8);
    uint64_t bytes = 0;
    for (unsigned i = 0; i < 8; i++)
        bytes |= imm8 >> i & 1 ? UINT64_C(0xff) << 8 * i : 0;
    return bytes;
}

bool a64_MODIFIED_imm(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, 3);
    unsigned op = insn >> 29 & 1, cmode = extract32(insn, 12, 4);
    unsigned imm8 = extract32(insn, 16, 3) << 5 | extract32(insn, 5, 5);
    bool half = insn >> 11 & 1; // FMOV of half precision
    if (cmode == 15 && op && !s.q)
        return a64_undefined(a);
    uint64_t imm = half ? replicate(a64_fp_expand_imm(imm8, 1), 16) : expand_imm(op, cmode, imm8);
    if (!a64_fp_enabled(a))
        return false;
    bool combine = cmode < 12 && (cmode & 1); // ORR, BIC
    bool invert = op && cmode < 14;           // MVNI
    if (combine) {
        simd_write(&s, simd_op2(&s, op ? IR_VANDN : IR_VOR, simd_d(&s), ir_v128(s.b, imm, imm)));
    } else {
        imm = invert ? ~imm : imm;
        a64_set_v(a, insn_rd(insn), ir_v128(s.b, imm, s.q ? imm : 0));
    }
    return true;
}
