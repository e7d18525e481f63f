// SPDX-License-Identifier: MIT
// Evaluation of vector operations and of moves between register classes, lane by lane.
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/eval.h"

// Lanes are numbered from the least significant; all hosts so far are little-endian, as the unions assume.

static uint64_t lane_u(const union ir_value *v, unsigned size_log2, unsigned n)
{
    uint64_t out = 0;
    memcpy(&out, &v->u8[n << size_log2], (size_t)1 << size_log2);
    return out;
}

static int64_t lane_s(const union ir_value *v, unsigned size_log2, unsigned n)
{
    return sextract64(lane_u(v, size_log2, n), 0, 8u << size_log2);
}

static void set_lane(union ir_value *v, unsigned size_log2, unsigned n, uint64_t value)
{
    memcpy(&v->u8[n << size_log2], &value, (size_t)1 << size_log2);
}

static uint64_t saturate_s(__int128 value, unsigned bits)
{
    __int128 max = ((__int128)1 << (bits - 1)) - 1, min = -max - 1;
    return (uint64_t)(value > max ? max : value < min ? min : value);
}

static uint64_t saturate_u(__int128 value, unsigned bits)
{
    __int128 max = ((__int128)1 << bits) - 1;
    return (uint64_t)(value > max ? max : value < 0 ? 0 : value);
}

// Operations on one lane of each operand. False when the operation is none of them.
static bool lane_operation(const struct ir_eval_op *e, const union ir_value *a, const union ir_value *b, unsigned n,
                           uint64_t *out)
{
    unsigned size = e->aux, bits = 8u << size;
    bool two = ir_ops[e->op].operand_count > 1;
    uint64_t ua = lane_u(a, size, n), ub = two ? lane_u(b, size, n) : 0;
    int64_t sa = lane_s(a, size, n), sb = two ? lane_s(b, size, n) : 0;
    switch ((enum ir_op)e->op) {
    case IR_VADD:
        *out = ua + ub;
        return true;
    case IR_VSUB:
        *out = ua - ub;
        return true;
    case IR_VMUL:
        *out = ua * ub;
        return true;
    case IR_VNEG:
        *out = -ua;
        return true;
    case IR_VABS:
        *out = sa < 0 ? -ua : ua;
        return true;
    case IR_VSHL:
        *out = ua << e->imm;
        return true;
    case IR_VSHR:
        *out = ua >> e->imm;
        return true;
    case IR_VSAR:
        *out = (uint64_t)(sa >> e->imm);
        return true;
    case IR_VCMPEQ:
        *out = ua == ub ? ~UINT64_C(0) : 0;
        return true;
    case IR_VCMPGTS:
        *out = sa > sb ? ~UINT64_C(0) : 0;
        return true;
    case IR_VCMPGTU:
        *out = ua > ub ? ~UINT64_C(0) : 0;
        return true;
    case IR_VMINS:
        *out = sa < sb ? ua : ub;
        return true;
    case IR_VMINU:
        *out = ua < ub ? ua : ub;
        return true;
    case IR_VMAXS:
        *out = sa > sb ? ua : ub;
        return true;
    case IR_VMAXU:
        *out = ua > ub ? ua : ub;
        return true;
    case IR_VQADDS:
        *out = saturate_s((__int128)sa + sb, bits);
        return true;
    case IR_VQADDU:
        *out = saturate_u((__int128)ua + ub, bits);
        return true;
    case IR_VQSUBS:
        *out = saturate_s((__int128)sa - sb, bits);
        return true;
    case IR_VQSUBU:
        *out = saturate_u((__int128)ua - ub, bits);
        return true;
    case IR_VAVGU:
        *out = (uint64_t)(((unsigned __int128)ua + ub + 1) >> 1);
        return true;
    default:
        return false;
    }
}

// Operations that move lanes without changing them; `n` is the lane of the result.
static bool permutation(const struct ir_eval_op *e, const union ir_value *a, const union ir_value *b, unsigned n,
                        uint64_t *out)
{
    unsigned size = e->aux, lanes = 16u >> size, half = lanes / 2;
    const union ir_value *either = n & 1 ? b : a;
    switch ((enum ir_op)e->op) {
    case IR_VZIPLO:
        *out = lane_u(either, size, n / 2);
        return true;
    case IR_VZIPHI:
        *out = lane_u(either, size, half + n / 2);
        return true;
    case IR_VUZPE:
        *out = lane_u(n < half ? a : b, size, n % half * 2);
        return true;
    case IR_VUZPO:
        *out = lane_u(n < half ? a : b, size, n % half * 2 + 1);
        return true;
    case IR_VTRNE:
        *out = lane_u(either, size, n & ~1u);
        return true;
    case IR_VTRNO:
        *out = lane_u(either, size, n | 1);
        return true;
    case IR_VDUPLANE:
        *out = lane_u(a, size, (unsigned)e->imm);
        return true;
    case IR_VDUP:
        *out = a->u64[0];
        return true;
    case IR_VREV: {
        unsigned per = 1u << (e->imm - size); // lanes in a container
        *out = lane_u(a, size, n / per * per + (per - 1 - n % per));
        return true;
    }
    default:
        return false;
    }
}

// Operations between lanes of one size and lanes of twice the size.
static bool resizing(const struct ir_eval_op *e, const union ir_value *a, const union ir_value *b, union ir_value *out)
{
    unsigned size = e->aux, bits = 8u << size;
    unsigned half = 8u >> size, high = e->imm ? half : 0;
    for (unsigned n = 0; n < half; n++) {
        switch ((enum ir_op)e->op) {
        case IR_VSXTL:
            set_lane(out, size + 1, n, (uint64_t)lane_s(a, size, n));
            break;
        case IR_VZXTL:
            set_lane(out, size + 1, n, lane_u(a, size, n));
            break;
        case IR_VMULLS:
            set_lane(out, size + 1, n, (uint64_t)(lane_s(a, size, n + high) * lane_s(b, size, n + high)));
            break;
        case IR_VMULLU:
            set_lane(out, size + 1, n, lane_u(a, size, n + high) * lane_u(b, size, n + high));
            break;
        case IR_VTRUNC:
            set_lane(out, size, n, lane_u(a, size + 1, n));
            break;
        case IR_VQTRUNCS:
            set_lane(out, size, n, saturate_s(lane_s(a, size + 1, n), bits));
            break;
        case IR_VQTRUNCU:
            set_lane(out, size, n, saturate_u((__int128)lane_u(a, size + 1, n), bits));
            break;
        case IR_VQTRUNCSU:
            set_lane(out, size, n, saturate_u(lane_s(a, size + 1, n), bits));
            break;
        default:
            return false;
        }
    }
    return true;
}

static bool whole(const struct ir_eval_op *e, const union ir_value *a, const union ir_value *b,
                  const union ir_value *c, union ir_value *out)
{
    bool f32 = e->type == IR_F32 || e->operand_type == IR_F32;
    switch ((enum ir_op)e->op) {
    case IR_VAND:
        for (unsigned i = 0; i < 2; i++)
            out->u64[i] = a->u64[i] & b->u64[i];
        return true;
    case IR_VOR:
        for (unsigned i = 0; i < 2; i++)
            out->u64[i] = a->u64[i] | b->u64[i];
        return true;
    case IR_VXOR:
        for (unsigned i = 0; i < 2; i++)
            out->u64[i] = a->u64[i] ^ b->u64[i];
        return true;
    case IR_VANDN:
        for (unsigned i = 0; i < 2; i++)
            out->u64[i] = a->u64[i] & ~b->u64[i];
        return true;
    case IR_VNOT:
        for (unsigned i = 0; i < 2; i++)
            out->u64[i] = ~a->u64[i];
        return true;
    case IR_VSEL:
        for (unsigned i = 0; i < 2; i++)
            out->u64[i] = (a->u64[i] & b->u64[i]) | (~a->u64[i] & c->u64[i]);
        return true;
    case IR_VEXT:
        for (unsigned i = 0; i < 16; i++)
            out->u8[i] = i + e->imm < 16 ? a->u8[i + e->imm] : b->u8[i + e->imm - 16];
        return true;
    case IR_VSHUF:
        for (unsigned i = 0; i < 16; i++)
            out->u8[i] = b->u8[i] < 16 ? a->u8[b->u8[i]] : 0;
        return true;
    case IR_VSHUFN:
        for (unsigned i = 0; i < 16; i++)
            out->u8[i] = b->u8[i] >= 16 && b->u8[i] < 32 ? a->u8[b->u8[i] - 16] : 0;
        return true;
    case IR_VPOPCNT:
        for (unsigned i = 0; i < 16; i++)
            out->u8[i] = (uint8_t)__builtin_popcount(a->u8[i]);
        return true;
    case IR_VLOW:
    case IR_VFROM:
    case IR_FBITS:
        out->u64[0] = f32 ? a->u32[0] : a->u64[0];
        return true;
    case IR_FFROMBITS:
    case IR_VFROMI:
        out->u64[0] = e->operand_type == IR_I32 ? a->u32[0] : a->u64[0];
        return true;
    case IR_VGET:
        out->u64[0] = lane_u(a, e->aux, (unsigned)e->imm);
        return true;
    case IR_VSET:
        *out = *a;
        set_lane(out, e->aux, (unsigned)e->imm, b->u64[0]);
        return true;
    default:
        return false;
    }
}

bool ir_eval_vector(const struct ir_eval_op *e, union ir_value *result, const union ir_value *a,
                    const union ir_value *b, const union ir_value *c)
{
    union ir_value out = {.u64 = {0, 0}};
    // Of other operations `aux` is no lane size.
    bool lanes = (ir_ops[e->op].properties & IR_PROP_LANE) && !(ir_ops[e->op].properties & IR_PROP_FP);
    bool done = whole(e, a, b, c, &out) || (lanes && resizing(e, a, b, &out));
    if (!done && lanes) {
        done = true;
        for (unsigned n = 0; n < 16u >> e->aux && done; n++) {
            uint64_t value;
            done = lane_operation(e, a, b, n, &value) || permutation(e, a, b, n, &value);
            if (done)
                set_lane(&out, e->aux, n, value);
        }
    }
    if (done)
        *result = out;
    return done;
}
