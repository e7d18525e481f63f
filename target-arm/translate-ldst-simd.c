// SPDX-License-Identifier: MIT
// Loads and stores of SIMD&FP registers (Arm ARM, C4.1.96): literal, immediate and register offsets, pairs, and the
// structure forms LD1 to LD4, ST1 to ST4 and LD1R to LD4R.
//
// Structures are read as whole vectors and taken apart in registers. That changes the order of the bytes of a lane
// for big-endian data, which is put right by reversing within lanes.

#include "target-arm/translate-ldst.h"
#include "target-arm/translate.h"

static ir_ref zero_vector(struct a64 *a)
{
    return ir_v128(a->b, 0, 0);
}

// The type of a scalar in memory if it is one that hosts load into vector registers; else IR_VOID.
static enum ir_type scalar_type(struct ir_mem mem)
{
    if (mem.big_endian)
        return IR_VOID;
    return mem.size_log2 == 3 ? IR_F64 : mem.size_log2 == 2 ? IR_F32 : IR_VOID;
}

static ir_ref load_v(struct a64 *a, ir_ref address, struct ir_mem mem)
{
    enum ir_type scalar = scalar_type(mem);
    if (mem.size_log2 == 4)
        return ir_load(a->b, IR_V128, address, mem);
    if (scalar != IR_VOID)
        return ir_emit(a->b, IR_VFROM, IR_V128, 0, ir_load(a->b, scalar, address, mem), IR_NONE, IR_NONE, 0);
    return ir_emit(a->b, IR_VFROMI, IR_I64, 0, ir_load(a->b, IR_I64, address, mem), IR_NONE, IR_NONE, 0);
}

static ir_ref low_half(struct a64 *a, ir_ref v)
{
    return ir_emit(a->b, IR_VGET, IR_I64, 3, v, IR_NONE, IR_NONE, 0);
}

static void store_v(struct a64 *a, ir_ref v, ir_ref address, struct ir_mem mem)
{
    enum ir_type scalar = scalar_type(mem);
    if (scalar != IR_VOID)
        v = ir_emit(a->b, IR_VLOW, scalar, 0, v, IR_NONE, IR_NONE, 0);
    else if (mem.size_log2 != 4)
        v = low_half(a, v);
    ir_store(a->b, v, address, mem);
}

// --- one register ---

// opc<1>:size is the size of the access; false for the sizes above 16 bytes.
static bool access_size(uint32_t insn, unsigned *size)
{
    *size = (insn >> 23 & 1) << 2 | insn >> 30;
    return *size <= 4;
}

static void transfer(struct a64 *a, uint32_t insn, ir_ref address, struct ir_mem mem, ir_ref writeback)
{
    unsigned rt = insn & 31;
    bool load = insn >> 22 & 1;
    ir_ref value = IR_NONE;
    if (load)
        value = load_v(a, address, mem);
    else
        store_v(a, a64_v(a, rt), address, mem);
    if (writeback != IR_NONE)
        a64_write_base(a, insn_rn(insn), writeback, sextract64(insn, 12, 9));
    if (load)
        a64_set_v(a, rt, value);
}

bool a64_LDST_imm_simd(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!access_size(insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    int64_t offset = (int64_t)extract32(insn, 10, 12) << size;
    transfer(a, insn, a64_base(a, insn_rn(insn)), a64_mem_at(a, size, offset), IR_NONE);
    return true;
}

bool a64_LDST_unscaled_simd(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!access_size(insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    transfer(a, insn, a64_base(a, insn_rn(insn)), a64_mem_at(a, size, sextract64(insn, 12, 9)), IR_NONE);
    return true;
}

static bool indexed(struct a64 *a, uint32_t insn, bool pre)
{
    unsigned size;
    if (!access_size(insn, &size))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref base = a64_base(a, insn_rn(insn));
    int64_t offset = sextract64(insn, 12, 9);
    transfer(a, insn, base, a64_mem_at(a, size, pre ? offset : 0), ir_addi(a->b, base, offset));
    return true;
}

bool a64_LDST_post_simd(struct a64 *a, uint32_t insn)
{
    return indexed(a, insn, false);
}
bool a64_LDST_pre_simd(struct a64 *a, uint32_t insn)
{
    return indexed(a, insn, true);
}

bool a64_LDST_reg_simd(struct a64 *a, uint32_t insn)
{
    unsigned size;
    if (!access_size(insn, &size) || !(insn >> 14 & 1))
        return a64_undefined(a);
    ir_ref address;
    if (!a64_fp_enabled(a))
        return false;
    if (!a64_register_offset(a, insn, size, &address))
        return a64_undefined(a);
    transfer(a, insn, address, a64_mem(a, size), IR_NONE);
    return true;
}

bool a64_LDR_lit_simd(struct a64 *a, uint32_t insn)
{
    unsigned opc = insn >> 30;
    if (opc == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    ir_ref address = ir_pc_plus(a->b, a->pc + sextract64(insn, 5, 19) * 4);
    a64_set_v(a, insn & 31, load_v(a, address, a64_mem(a, 2 + opc)));
    return true;
}

// --- pairs ---

bool a64_LDP_simd(struct a64 *a, uint32_t insn)
{
    unsigned opc = insn >> 30;
    if (opc == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    struct a64_pair p = a64_pair_decode(a, insn, 2 + opc);
    ir_ref first = load_v(a, p.base, p.mem), second = load_v(a, p.base, p.mem2);
    a64_pair_finish(a, insn, &p);
    a64_set_v(a, insn & 31, first);
    a64_set_v(a, insn_ra(insn), second);
    return true;
}

bool a64_STP_simd(struct a64 *a, uint32_t insn)
{
    unsigned opc = insn >> 30;
    if (opc == 3)
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    struct a64_pair p = a64_pair_decode(a, insn, 2 + opc);
    store_v(a, a64_v(a, insn & 31), p.base, p.mem);
    store_v(a, a64_v(a, insn_ra(insn)), p.base, p.mem2);
    a64_pair_finish(a, insn, &p);
    return true;
}

// --- multiple structures -------------------------------------------------------------------------------------------

// The transfer as it lies in memory: `count` vectors of 16 or 8 bytes, in lanes of 1 << lane bytes.
struct structures {
    unsigned count;    // registers
    unsigned elements; // of a structure: 1 for LD1, whatever the number of registers
    unsigned lane;
    bool full;         // 16 bytes
};

static bool structures_decode(uint32_t insn, struct structures *s)
{
    static const struct {
        uint8_t opcode, count, elements;
    } forms[] = {{0, 4, 4}, {2, 4, 1}, {4, 3, 3}, {6, 3, 1}, {7, 1, 1}, {8, 2, 2}, {10, 2, 1}};
    s->lane = extract32(insn, 10, 2);
    s->full = insn >> 30 & 1;
    for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
        if (forms[i].opcode == extract32(insn, 12, 4)) {
            s->count = forms[i].count;
            s->elements = forms[i].elements;
            return s->full || s->lane != 3 || s->elements == 1;
        }
    }
    return false;
}

// Memory is read and written without regard to byte order; lanes of more than a byte are then reversed.
static struct ir_mem structure_mem(const struct a64 *a, const struct structures *s, unsigned n)
{
    struct ir_mem mem = a64_mem_at(a, s->full ? 4 : 3, (int64_t)n * (s->full ? 16 : 8));
    mem.big_endian = false;
    mem.align_log2 = a64_flag(a, ARM_BF_ALIGN_CHECK) ? s->lane : 0;
    return mem;
}

static ir_ref lane_order(struct a64 *a, const struct structures *s, ir_ref v)
{
    if (!a64_flag(a, ARM_BF_BIG_ENDIAN) || !s->lane)
        return v;
    return ir_v1(a->b, IR_VREV, 0, v, s->lane);
}

// One of `results` vectors gathered byte by byte from up to three: byte i of the result is byte from[i] of the
// concatenation of the sources.
static ir_ref gather(struct a64 *a, const ir_ref *sources, unsigned count, const uint8_t from[16])
{
    ir_ref result = IR_NONE;
    for (unsigned n = 0; n < count; n++) {
        uint64_t half[2] = {0, 0};
        bool used = false;
        for (unsigned i = 0; i < 16; i++) {
            bool here = from[i] / 16 == n;
            used |= here;
            half[i / 8] |= (uint64_t)(here ? from[i] % 16 : 0xff) << i % 8 * 8;
        }
        if (!used)
            continue;
        ir_ref part = ir_v2(a->b, IR_VSHUF, 0, sources[n], ir_v128(a->b, half[0], half[1]), 0);
        result = result == IR_NONE ? part : ir_v2(a->b, IR_VOR, 0, result, part, 0);
    }
    return result;
}

enum { NOWHERE = 0xff };

// Three-element structures, by shuffles with constant tables. `m` is memory order: with 8-byte vectors its 24 bytes
// are the low halves of three.
static void take_apart_3(struct a64 *a, const struct structures *s, const ir_ref m[3], ir_ref r[3])
{
    unsigned bytes = s->full ? 16 : 8, lane_bytes = 1U << s->lane;
    for (unsigned n = 0; n < 3; n++) {
        uint8_t from[16];
        for (unsigned i = 0; i < 16; i++) {
            unsigned position = (i / lane_bytes * 3 + n) * lane_bytes + i % lane_bytes;
            from[i] = i < bytes ? position / bytes * 16 + position % bytes : NOWHERE;
        }
        r[n] = gather(a, m, 3, from);
    }
}

static void put_together_3(struct a64 *a, const struct structures *s, const ir_ref r[3], ir_ref m[3])
{
    unsigned bytes = s->full ? 16 : 8, lane_bytes = 1U << s->lane;
    for (unsigned n = 0; n < 3; n++) {
        uint8_t from[16];
        for (unsigned i = 0; i < 16; i++) {
            unsigned position = n * bytes + i, element = position / lane_bytes;
            from[i] = i < bytes ? element % 3 * 16 + element / 3 * lane_bytes + i % lane_bytes : NOWHERE;
        }
        m[n] = gather(a, r, 3, from);
    }
}

// Even and odd lanes of the concatenation of two vectors (of their low halves when they are of 8 bytes).
static void unzip(struct a64 *a, const struct structures *s, ir_ref x, ir_ref y, ir_ref *even, ir_ref *odd)
{
    if (!s->full) { // the 16 bytes in one vector
        x = ir_v2(a->b, IR_VZIPLO, 3, x, y, 0);
        y = zero_vector(a);
    }
    *even = ir_v2(a->b, IR_VUZPE, s->lane, x, y, 0);
    *odd = ir_v2(a->b, IR_VUZPO, s->lane, x, y, 0);
}

static void zip(struct a64 *a, const struct structures *s, ir_ref x, ir_ref y, ir_ref *first, ir_ref *second)
{
    *first = ir_v2(a->b, IR_VZIPLO, s->lane, x, y, 0);
    *second = s->full ? ir_v2(a->b, IR_VZIPHI, s->lane, x, y, 0)
                      : ir_v2(a->b, IR_VZIPHI, 3, *first, zero_vector(a), 0);
}

static void take_apart(struct a64 *a, const struct structures *s, const ir_ref m[4], ir_ref r[4])
{
    ir_ref even[2], odd[2];
    switch (s->elements) {
    case 1:
        for (unsigned n = 0; n < s->count; n++)
            r[n] = m[n];
        break;
    case 2:
        unzip(a, s, m[0], m[1], &r[0], &r[1]);
        break;
    case 3:
        take_apart_3(a, s, m, r);
        break;
    case 4:
        unzip(a, s, m[0], m[1], &even[0], &odd[0]);
        unzip(a, s, m[2], m[3], &even[1], &odd[1]);
        unzip(a, s, even[0], even[1], &r[0], &r[2]);
        unzip(a, s, odd[0], odd[1], &r[1], &r[3]);
        break;
    }
}

static void put_together(struct a64 *a, const struct structures *s, const ir_ref r[4], ir_ref m[4])
{
    ir_ref even[2], odd[2];
    switch (s->elements) {
    case 1:
        for (unsigned n = 0; n < s->count; n++)
            m[n] = r[n];
        break;
    case 2:
        zip(a, s, r[0], r[1], &m[0], &m[1]);
        break;
    case 3:
        put_together_3(a, s, r, m);
        break;
    case 4:
        zip(a, s, r[0], r[2], &even[0], &even[1]);
        zip(a, s, r[1], r[3], &odd[0], &odd[1]);
        zip(a, s, even[0], odd[0], &m[0], &m[1]);
        zip(a, s, even[1], odd[1], &m[2], &m[3]);
        break;
    }
}

// The value that post-indexing leaves in the base: by register, or by the size of the transfer for 31.
static void post_index(struct a64 *a, uint32_t insn, ir_ref base, unsigned bytes)
{
    unsigned rm = insn_rm(insn);
    if (rm == 31)
        a64_write_base(a, insn_rn(insn), ir_addi(a->b, base, bytes), bytes);
    else
        a64_write_base(a, insn_rn(insn), ir_add(a->b, base, a64_x(a, rm)), 1);
}

static bool multiple(struct a64 *a, uint32_t insn, bool writeback)
{
    struct structures s;
    if (!structures_decode(insn, &s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    unsigned rt = insn & 31;
    ir_ref base = a64_base(a, insn_rn(insn)), m[4] = {0}, r[4] = {0};
    if (insn >> 22 & 1) {
        for (unsigned n = 0; n < s.count; n++)
            m[n] = lane_order(a, &s, load_v(a, base, structure_mem(a, &s, n)));
        take_apart(a, &s, m, r);
        for (unsigned n = 0; n < s.count; n++)
            a64_set_v(a, (rt + n) & 31, r[n]);
    } else {
        for (unsigned n = 0; n < s.count; n++)
            r[n] = a64_v(a, (rt + n) & 31);
        put_together(a, &s, r, m);
        for (unsigned n = 0; n < s.count; n++)
            store_v(a, lane_order(a, &s, m[n]), base, structure_mem(a, &s, n));
    }
    if (writeback)
        post_index(a, insn, base, s.count * (s.full ? 16 : 8));
    return true;
}

bool a64_LDST_multiple(struct a64 *a, uint32_t insn)
{
    return multiple(a, insn, false);
}
bool a64_LDST_multiple_post(struct a64 *a, uint32_t insn)
{
    return multiple(a, insn, true);
}

// --- single structure ----------------------------------------------------------------------------------------------

struct single {
    unsigned count, lane, index;
    bool replicate;
};

static bool single_decode(uint32_t insn, struct single *s)
{
    unsigned opcode = extract32(insn, 13, 3), size = extract32(insn, 10, 2);
    unsigned q_s_size = (insn >> 30 & 1) << 3 | (insn >> 12 & 1) << 2 | size;
    s->count = ((opcode & 1) << 1 | (insn >> 21 & 1)) + 1;
    s->replicate = false;
    switch (opcode >> 1) {
    case 0:
        s->lane = 0;
        s->index = q_s_size;
        return true;
    case 1:
        s->lane = 1;
        s->index = q_s_size >> 1;
        return !(size & 1);
    case 2:
        s->lane = size & 1 ? 3 : 2;
        s->index = size & 1 ? q_s_size >> 3 : q_s_size >> 2;
        return !(size & 2) && !((size & 1) && (q_s_size & 4));
    default:
        s->lane = size;
        s->index = 0;
        s->replicate = true;
        return (insn >> 22 & 1) && !(q_s_size & 4); // loads only
    }
}

static ir_ref replicated(struct a64 *a, uint32_t insn, unsigned lane, ir_ref value)
{
    ir_ref v = ir_emit(a->b, IR_VDUP, IR_V128, lane, value, IR_NONE, IR_NONE, 0);
    return insn >> 30 & 1 ? v : ir_emit(a->b, IR_VFROMI, IR_I64, 0, low_half(a, v), IR_NONE, IR_NONE, 0);
}

static bool single(struct a64 *a, uint32_t insn, bool writeback)
{
    struct single s;
    if (!single_decode(insn, &s))
        return a64_undefined(a);
    if (!a64_fp_enabled(a))
        return false;
    unsigned rt = insn & 31, bytes = 1U << s.lane;
    ir_ref base = a64_base(a, insn_rn(insn)), value[4];
    if (insn >> 22 & 1) {
        for (unsigned n = 0; n < s.count; n++)
            value[n] = ir_load(a->b, IR_I64, base, a64_mem_at(a, s.lane, n * bytes));
        for (unsigned n = 0; n < s.count; n++) {
            unsigned reg = (rt + n) & 31;
            a64_set_v(a, reg, s.replicate ? replicated(a, insn, s.lane, value[n])
                                          : ir_v2(a->b, IR_VSET, s.lane, a64_v(a, reg), value[n], s.index));
        }
    } else {
        for (unsigned n = 0; n < s.count; n++) {
            ir_ref lane = ir_emit(a->b, IR_VGET, IR_I64, s.lane, a64_v(a, (rt + n) & 31), IR_NONE, IR_NONE, s.index);
            ir_store(a->b, lane, base, a64_mem_at(a, s.lane, n * bytes));
        }
    }
    if (writeback)
        post_index(a, insn, base, s.count * bytes);
    return true;
}

bool a64_LDST_single(struct a64 *a, uint32_t insn)
{
    return single(a, insn, false);
}
bool a64_LDST_single_post(struct a64 *a, uint32_t insn)
{
    return single(a, insn, true);
}
