// SPDX-License-Identifier: MIT
// SIMD instructions that work on 128-bit lanes: one host operation (tcg/host-op.h) for each lane, found from the row's
// operand forms. An operation for 256 bits is the same twice, but for immediates that have bits for each lane.

#include "target-x86/native.h"
#include "target-x86/simd.h"
#include "target-x86/translate-simd.h"

static unsigned kind_of(const struct x86_decoded *in, unsigned n)
{
    return in->row->forms[n] >> 4;
}

// Where an operand stands in the VEX form, HOST_FIELDS for none.
static enum host_field field_of(const struct x86_decoded *in, unsigned n)
{
    switch (kind_of(in, n)) {
    case KIND_V:
    case KIND_G:
        return HOST_REG;
    case KIND_H:
        return HOST_VVVV;
    case KIND_W:
    case KIND_E:
    case KIND_M:
        return HOST_RM;
    case KIND_L:
        return HOST_IS4;
    default:
        return HOST_FIELDS;
    }
}

// PSRLW and its like without VEX: the one register is source and result.
static bool is_legacy_shift(const struct x86_decoded *in)
{
    return !in->vex && in->map == X86_MAP_0F && in->opcode >= 0x71 && in->opcode <= 0x73;
}

// Rows without VEX whose destination is the first source too, although the row does not say so.
static bool is_destructive(const struct x86_decoded *in)
{
    bool galois = (in->map == X86_MAP_0F38 && in->opcode == 0xcf) ||
                  (in->map == X86_MAP_0F3A && in->opcode >= 0xce && in->opcode <= 0xcf);
    return !in->vex && galois;
}

static bool is_fma(const struct x86_decoded *in)
{
    return in->map == X86_MAP_0F38 && in->opcode >= 0x96 && in->opcode <= 0xbf;
}

// VEX.W of the operation: where it names the size of a general register or chooses the instruction.
static bool is_wide(const struct x86_decoded *in)
{
    bool fp = in->row->arg & N_FP;
    if (is_destructive(in))
        return in->map == X86_MAP_0F3A;
    if (kind_of(in, 0) == KIND_G || kind_of(in, 0) == KIND_E || kind_of(in, 0) == KIND_M)
        return x86_native_wide(in) && (fp || (in->map == X86_MAP_0F3A && in->opcode == 0x16));
    return x86_native_wide(in);
}

struct host_op tx_simd_host_op(const struct x86_decoded *in)
{
    struct host_op o = {.map = in->map, .opcode = in->opcode, .prefix = (uint8_t)tx_simd_prefix(in),
                        .digit = in->modrm >> 3 & 7, .imm = (uint8_t)in->imm, .w = is_wide(in)};
    bool flags = in->row->arg & N_FLAGS;
    o.result = flags ? HOST_FLAGS : (uint8_t)field_of(in, 0);
    for (unsigned n = flags || is_fma(in) ? 0 : 1; n < 4; n++) {
        if (field_of(in, n) < HOST_FIELDS)
            o.reads |= (uint8_t)(1u << field_of(in, n));
        o.has_imm |= kind_of(in, n) == KIND_I;
    }
    if (is_legacy_shift(in)) {
        o.result = HOST_VVVV;
        o.reads = 1 << HOST_RM;
    }
    if (is_destructive(in))
        o.reads |= 1 << HOST_VVVV;
    return o;
}

ir_ref tx_simd_emit(struct x86_translator *x, const struct x86_decoded *in, struct host_op op, enum ir_type type,
                    const ir_ref *args, unsigned count)
{
    bool fp = in->row->arg & N_FP;
    return ir_host_op(x->b, fp, type, host_op_pack(op), args, count, x86_native_op(x->cpu->native, op));
}

// How many bits of the immediate belong to each lane; 0 when they are for both.
static unsigned immediate_step(const struct x86_decoded *in)
{
    if (in->map == X86_MAP_0F)
        return in->opcode == 0xc6 && tx_simd_prefix(in) == 1 ? 2 : 0; // SHUFPD
    if (in->map != X86_MAP_0F3A)
        return 0;
    switch (in->opcode) {
    case 0x02: // VPBLENDD
    case 0x0c: // BLENDPS
        return 4;
    case 0x05: // VPERMILPD
    case 0x0d: // BLENDPD
        return 2;
    case 0x42: // MPSADBW
        return 3;
    default:
        return 0;
    }
}

bool tx_simd_op_knows(const struct x86_decoded *in)
{
    for (unsigned n = 0; n < 4; n++)
        if (kind_of(in, n) == KIND_P || kind_of(in, n) == KIND_Q)
            return false;
    // These cross lanes in ways that take more than one operation.
    bool permutes = in->map == X86_MAP_0F38 && (in->opcode == 0x16 || in->opcode == 0x36);
    // SHA has no VEX form.
    bool sha = !in->vex && ((in->map == X86_MAP_0F38 && in->opcode >= 0xc8 && in->opcode <= 0xcd) ||
                            (in->map == X86_MAP_0F3A && in->opcode == 0xcc));
    return !sha && !permutes;
}

// Operand n's value in a lane.
static ir_ref lane_of(struct x86_translator *x, const struct x86_decoded *in, unsigned n, struct simd_vec *cache,
                      unsigned lane)
{
    unsigned kind = kind_of(in, n);
    if (cache->half[0] == IR_NONE) {
        bool general = kind == KIND_E || (kind == KIND_M && in->op[n].size < 2) || in->op[n].kind == X86_ARG_GPR;
        if (general)
            cache->half[0] = tx_read(x, in, n);
        else
            *cache = tx_simd_get(x, in, n);
    }
    // Shift counts are the same for both lanes.
    return lane && cache->half[1] != IR_NONE && in->op[n].size == 5 ? cache->half[1] : cache->half[0];
}

// The values that the operation reads, for a lane.
static unsigned arguments(struct x86_translator *x, const struct x86_decoded *in, struct host_op op, struct simd_vec *cache,
                          unsigned lane, ir_ref *args)
{
    unsigned count = 0;
    for (unsigned field = 0; field < HOST_FIELDS; field++) {
        if (!(op.reads >> field & 1))
            continue;
        unsigned n = 0;
        if (is_destructive(in) || is_legacy_shift(in))
            n = field == HOST_RM && is_destructive(in) ? 1 : 0;
        else
            for (n = op.result == field && !is_fma(in) ? 1 : 0; field_of(in, n) != (enum host_field)field;)
                n++;
        args[count++] = lane_of(x, in, n, &cache[n], lane);
    }
    return count;
}

static void set_result(struct x86_translator *x, const struct x86_decoded *in, const ir_ref *result, unsigned lanes)
{
    if (in->row->arg & N_FLAGS) {
        // Of PTEST and its like: zero and carry when they are in both lanes.
        tx_set_flags(x, lanes == 2 ? ir_and(x->b, result[0], result[1]) : result[0]);
    } else if (in->op[0].kind == X86_ARG_GPR || kind_of(in, 0) == KIND_E || kind_of(in, 0) == KIND_M) {
        ir_ref value = result[0];
        // Masks of sign bits, one after the other.
        unsigned width = in->opcode == 0xd7 ? 16 : tx_simd_prefix(in) == 1 ? 2 : 4;
        if (lanes == 2)
            value = ir_or(x->b, value, ir_shli(x->b, result[1], width));
        if (in->op[0].size == 3 && ir_type_of(x->b->region, value) == IR_I32)
            value = ir_zext(x->b, value);
        tx_write(x, in, 0, value);
    } else {
        tx_simd_set_reg(x, in, in->op[0].reg, (struct simd_vec){{result[0], result[1]}}, lanes);
    }
}

bool tx_simd_op(struct x86_translator *x, const struct x86_decoded *in)
{
    struct host_op op = tx_simd_host_op(in);
    struct simd_vec cache[4] = {{{IR_NONE, IR_NONE}}, {{IR_NONE, IR_NONE}}, {{IR_NONE, IR_NONE}}, {{IR_NONE, IR_NONE}}};
    ir_ref result[2] = {IR_NONE, IR_NONE};
    unsigned lanes = 1, step = immediate_step(in);
    for (unsigned n = 0; n < 4; n++)
        if (in->op[n].size == 5 && in->op[n].kind != X86_ARG_NONE)
            lanes = 2;
    bool general = in->op[0].kind == X86_ARG_GPR || kind_of(in, 0) == KIND_E || kind_of(in, 0) == KIND_M;
    enum ir_type type = in->row->arg & N_FLAGS ? IR_I32 : !general ? IR_V128 : op.w ? IR_I64 : IR_I32;
    // INSERTPS takes the one element that there is.
    if (in->map == X86_MAP_0F3A && in->opcode == 0x21 && in->mod != 3)
        op.imm &= 0x3f;
    // VEX has more predicates.
    if (!in->vex && in->map == X86_MAP_0F && in->opcode == 0xc2)
        op.imm &= 7;
    unsigned whole = op.imm;
    for (unsigned lane = 0; lane < lanes; lane++) {
        ir_ref args[HOST_OP_OPERANDS];
        unsigned count = arguments(x, in, op, cache, lane, args);
        op.imm = (uint8_t)(whole >> (step * lane));
        result[lane] = tx_simd_emit(x, in, op, type, args, count);
    }
    set_result(x, in, result, lanes);
    return true;
}
