// SPDX-License-Identifier: MIT
// 256-bit instructions whose lanes are not independent: conversions between widths, broadcasts, and moves of 128 bits.

#include "target-x86/simd.h"
#include "target-x86/translate-simd.h"

enum cross {
    CROSS_NONE,
    CROSS_WIDEN,     // each lane of the result from half, a quarter or an eighth as many bytes
    CROSS_NARROW,    // 64 bits of the result from each lane
    CROSS_BROADCAST,
    CROSS_BROADCAST_LANE,
    CROSS_PERMUTE_QWORDS,
    CROSS_PERMUTE_LANES,
    CROSS_INSERT,
    CROSS_EXTRACT,
};

static enum cross cross_of_0f(const struct x86_decoded *in)
{
    unsigned p = tx_simd_prefix(in);
    if (in->opcode == 0x5a)
        return p == 0 ? CROSS_WIDEN : p == 1 ? CROSS_NARROW : CROSS_NONE;
    if (in->opcode == 0xe6)
        return p == 2 ? CROSS_WIDEN : CROSS_NARROW;
    return CROSS_NONE;
}

static enum cross cross_of_0f38(const struct x86_decoded *in)
{
    switch (in->opcode) {
    case 0x13:
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x25:
    case 0x30:
    case 0x31:
    case 0x32:
    case 0x33:
    case 0x34:
    case 0x35:
        return CROSS_WIDEN;
    case 0x18:
    case 0x19:
    case 0x58:
    case 0x59:
    case 0x78:
    case 0x79:
        return CROSS_BROADCAST;
    case 0x1a:
    case 0x5a:
        return CROSS_BROADCAST_LANE;
    default:
        return CROSS_NONE;
    }
}

static enum cross cross_of_0f3a(const struct x86_decoded *in)
{
    switch (in->opcode) {
    case 0x00:
    case 0x01:
        return CROSS_PERMUTE_QWORDS;
    case 0x06:
    case 0x46:
        return CROSS_PERMUTE_LANES;
    case 0x18:
    case 0x38:
        return CROSS_INSERT;
    case 0x19:
    case 0x39:
        return CROSS_EXTRACT;
    case 0x1d:
        return CROSS_NARROW;
    default:
        return CROSS_NONE;
    }
}

static enum cross cross_of(const struct x86_decoded *in)
{
    if (!in->vex_l)
        return in->map == X86_MAP_0F38 && in->vex && cross_of_0f38(in) == CROSS_BROADCAST ? CROSS_BROADCAST : CROSS_NONE;
    return in->map == X86_MAP_0F ? cross_of_0f(in) : in->map == X86_MAP_0F38 ? cross_of_0f38(in) : cross_of_0f3a(in);
}

bool tx_simd_cross_knows(const struct x86_decoded *in)
{
    return cross_of(in) != CROSS_NONE;
}

static struct simd_vec widen(struct x86_translator *x, const struct x86_decoded *in)
{
    // The operand of a lane is half of the operand of both.
    unsigned bytes = 1u << in->op[1].size >> 1;
    ir_ref source = tx_simd_get(x, in, 1).half[0];
    if (ir_type_of(x->b->region, source) != IR_V128)
        source = ir_op1(x->b, IR_VFROM, source);
    ir_ref upper = ir_v2(x->b, IR_VEXT, 0, source, ir_v128(x->b, 0, 0), bytes);
    struct host_op op = tx_simd_host_op(in);
    return (struct simd_vec){{tx_simd_emit(x, in, op, IR_V128, &source, 1), tx_simd_emit(x, in, op, IR_V128, &upper, 1)}};
}

static struct simd_vec narrow(struct x86_translator *x, const struct x86_decoded *in)
{
    struct simd_vec source = tx_simd_get(x, in, 1);
    struct host_op op = tx_simd_host_op(in);
    ir_ref low = tx_simd_emit(x, in, op, IR_V128, &source.half[0], 1);
    ir_ref high = tx_simd_emit(x, in, op, IR_V128, &source.half[1], 1);
    return (struct simd_vec){{ir_v2(x->b, IR_VZIPLO, 3, low, high, 0), IR_NONE}};
}

static struct simd_vec broadcast(struct x86_translator *x, const struct x86_decoded *in)
{
    static const uint8_t lanes[] = {[0x18] = 2, [0x19] = 3, [0x58] = 2, [0x59] = 3, [0x78] = 0, [0x79] = 1};
    ir_ref source = tx_simd_get(x, in, 1).half[0];
    if (ir_type_of(x->b->region, source) != IR_V128)
        source = ir_op1(x->b, IR_VFROM, source);
    ir_ref all = ir_v1(x->b, IR_VDUPLANE, lanes[in->opcode], source, 0);
    return (struct simd_vec){{all, all}};
}

// Two quadwords of four: one SHUFPD for each lane.
static struct simd_vec permute_qwords(struct x86_translator *x, const struct x86_decoded *in)
{
    struct simd_vec source = tx_simd_get(x, in, 1), result;
    struct host_op shufpd = {.map = X86_MAP_0F, .opcode = 0xc6, .prefix = 1, .result = HOST_REG,
                             .reads = 1 << HOST_VVVV | 1 << HOST_RM, .has_imm = true};
    for (unsigned lane = 0; lane < 2; lane++) {
        unsigned first = (unsigned)in->imm >> (lane * 4) & 3, second = (unsigned)in->imm >> (lane * 4 + 2) & 3;
        ir_ref args[] = {source.half[first >> 1], source.half[second >> 1]};
        shufpd.imm = (uint8_t)((first & 1) | (second & 1) << 1);
        result.half[lane] = tx_simd_emit(x, in, shufpd, IR_V128, args, 2);
    }
    return result;
}

static struct simd_vec permute_lanes(struct x86_translator *x, const struct x86_decoded *in)
{
    struct simd_vec first = tx_simd_get(x, in, 1), second = tx_simd_get(x, in, 2), result;
    for (unsigned lane = 0; lane < 2; lane++) {
        unsigned choice = (unsigned)in->imm >> (lane * 4) & 15;
        result.half[lane] = choice & 8   ? ir_v128(x->b, 0, 0)
                            : choice & 2 ? second.half[choice & 1]
                                         : first.half[choice & 1];
    }
    return result;
}

static struct simd_vec insert(struct x86_translator *x, const struct x86_decoded *in)
{
    struct simd_vec result = tx_simd_get(x, in, 1);
    result.half[in->imm & 1] = tx_simd_get(x, in, 2).half[0];
    return result;
}

bool tx_simd_cross(struct x86_translator *x, const struct x86_decoded *in)
{
    struct simd_vec v;
    switch (cross_of(in)) {
    case CROSS_WIDEN:
        v = widen(x, in);
        break;
    case CROSS_NARROW:
        v = narrow(x, in);
        break;
    case CROSS_BROADCAST:
        v = broadcast(x, in);
        break;
    case CROSS_BROADCAST_LANE:
        v = tx_simd_get(x, in, 1);
        v.half[1] = v.half[0];
        break;
    case CROSS_PERMUTE_QWORDS:
        v = permute_qwords(x, in);
        break;
    case CROSS_PERMUTE_LANES:
        v = permute_lanes(x, in);
        break;
    case CROSS_INSERT:
        v = insert(x, in);
        break;
    case CROSS_EXTRACT:
        v = (struct simd_vec){{tx_simd_get(x, in, 1).half[in->imm & 1], IR_NONE}};
        break;
    default:
        return false;
    }
    tx_simd_set(x, in, 0, v);
    return true;
}
