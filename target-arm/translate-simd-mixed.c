// SPDX-License-Identifier: MIT
// Floating-point instructions of Advanced SIMD that combine lanes or precisions (Arm ARM, C4.1.97): complex numbers
// (FEAT_FCMA), products of half precision added to single (FEAT_FHM), bfloat16 (FEAT_BF16). All by one helper.

#include "target-arm/translate-simd.h"

static ir_ref call(const struct simd *s, enum arm_fp_op op, ir_ref n, ir_ref m, unsigned extra)
{
    return a64_fp_op(s->a, op, s->size, s->bytes, n, m, simd_d(s), extra);
}

static void write_back(const struct simd *s, ir_ref clean)
{
    a64_set_v(s->a, insn_rd(s->insn), clean);
}

// --- complex numbers ---

static bool complex_size(const struct simd *s)
{
    return s->size != 0 && (s->size != 1 || arm_has(s->a->cpu, ARM_FEAT_FP16)) && (s->size != 3 || s->q);
}

bool a64_FCADD(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (!complex_size(&s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    write_back(&s, call(&s, FP_OP_FCADD, simd_n(&s), simd_m(&s), insn >> 12 & 1));
    return true;
}

bool a64_FCMLA(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    if (!complex_size(&s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    write_back(&s, call(&s, FP_OP_FCMLA, simd_n(&s), simd_m(&s), extract32(insn, 11, 2)));
    return true;
}

// The element is a pair of lanes: index H:L for half precision, H for single.
bool a64_FCMLA_elem(struct a64 *a, uint32_t insn)
{
    struct simd s = simd_decode(a, insn, extract32(insn, 22, 2));
    unsigned h = insn >> 11 & 1, l = insn >> 21 & 1;
    bool good = s.size == 1 ? s.q || !h : s.size == 2 && s.q && !l;
    if (!good || !complex_size(&s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref element = ir_v1(s.b, IR_VDUPLANE, s.size + 1, simd_m(&s), s.size == 1 ? h << 1 | l : h);
    write_back(&s, call(&s, FP_OP_FCMLA, simd_n(&s), element, extract32(insn, 13, 2)));
    return true;
}

// --- halves to single ---

// `upper`: the "2" forms take the upper half of what Q makes the vector.
static bool fmlal(struct a64 *a, uint32_t insn, bool subtract, bool upper, bool by_element)
{
    struct simd s = simd_decode(a, insn, 2);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref n = simd_n(&s), m = by_element ? simd_element(&s, 1) : simd_m(&s);
    if (upper) {
        n = ir_v2(s.b, IR_VEXT, 0, n, n, s.bytes / 2);
        m = ir_v2(s.b, IR_VEXT, 0, m, m, s.bytes / 2);
    }
    write_back(&s, call(&s, FP_OP_FMLAL, n, m, subtract));
    return true;
}

bool a64_FMLAL(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, false, false, false);
}
bool a64_FMLSL(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, true, false, false);
}
bool a64_FMLAL2(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, false, true, false);
}
bool a64_FMLSL2(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, true, true, false);
}
bool a64_FMLAL_elem(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, false, false, true);
}
bool a64_FMLSL_elem(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, true, false, true);
}
bool a64_FMLAL2_elem(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, false, true, true);
}
bool a64_FMLSL2_elem(struct a64 *a, uint32_t insn)
{
    return fmlal(a, insn, true, true, true);
}

// --- bfloat16 ---

static bool bfloat(struct a64 *a, uint32_t insn, enum arm_fp_op op, bool whole, unsigned element_size)
{
    struct simd s = simd_decode(a, insn, 2);
    if (!a64_fp_enabled(a))
        return false;
    unsigned bytes = whole ? 16 : s.bytes, odd = op == FP_OP_BFMLAL ? s.q : 0;
    ir_ref m = element_size ? simd_element(&s, element_size) : simd_m(&s);
    a64_set_v(a, insn_rd(insn), a64_fp_op(a, op, 2, bytes, simd_n(&s), m, simd_d(&s), odd));
    return true;
}

bool a64_BFDOT(struct a64 *a, uint32_t insn)
{
    return bfloat(a, insn, FP_OP_BFDOT, false, 0);
}
bool a64_BFMMLA(struct a64 *a, uint32_t insn)
{
    return bfloat(a, insn, FP_OP_BFMMLA, true, 0);
}
// Q chooses between the bottom and the top lanes.
bool a64_BFMLAL(struct a64 *a, uint32_t insn)
{
    return bfloat(a, insn, FP_OP_BFMLAL, true, 0);
}
bool a64_BFDOT_elem(struct a64 *a, uint32_t insn)
{
    return bfloat(a, insn, FP_OP_BFDOT, false, 2);
}
bool a64_BFMLAL_elem(struct a64 *a, uint32_t insn)
{
    return bfloat(a, insn, FP_OP_BFMLAL, true, 1);
}
