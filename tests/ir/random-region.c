// SPDX-License-Identifier: MIT
// Random IR regions.
#include "random-region.h"

#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/builder-private.h"
#include "tcg/host-op.h"

#define X(n) {"x" #n, offsetof(struct test_state, x) + 8 * n, IR_I64, false}
#define W(n) {"w" #n, offsetof(struct test_state, w) + 4 * n, IR_I32, false}
#define V(n) {"v" #n, offsetof(struct test_state, v) + 16 * n, IR_V128, false}
const struct ir_slot test_slots[] = {
    {"pc_page", offsetof(struct test_state, cpu.pc_page), IR_I64, false},
    {"pc_offset", offsetof(struct test_state, cpu.pc_offset), IR_I32, false},
    {"exit_request", offsetof(struct test_state, cpu.vcpu.exit_request), IR_I32, false},
    X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11),
    W(0), W(1), W(2), W(3),
    V(0), V(1), V(2), V(3), V(4), V(5),
};
#undef X
#undef W
#undef V
const unsigned test_slot_count = ARRAY_SIZE(test_slots);

enum { SLOT_X = IR_SLOT_FIRST_GUEST, SLOT_W = SLOT_X + TEST_INTS, SLOT_V = SLOT_W + TEST_WORDS, POOL = 24 };

uint64_t random_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t random_value(uint64_t *seed)
{
    uint64_t r = random_next(seed);
    switch (r & 7) {
    case 0:
        return r >> 8 & 3;
    case 1:
        return -(r >> 8 & 3);
    case 2:
        return UINT64_C(1) << (r >> 8 & 63);
    case 3:
        return (UINT64_C(1) << (r >> 8 & 63)) - 1;
    case 4:
        return UINT64_C(0x7fffffff) + (r >> 8 & 3);
    case 5:
        return (int64_t)(int32_t)random_next(seed);
    default:
        return random_next(seed);
    }
}

// Values in reach, by type.
struct pool {
    ir_ref values[IR_TYPE_COUNT][POOL];
    unsigned count[IR_TYPE_COUNT];
};

struct gen {
    struct ir_builder b;
    uint64_t seed;
    const struct random_options *options;
    struct pool pool;
    unsigned depth; // of loops
};

static unsigned below(struct gen *g, unsigned n)
{
    return (unsigned)(random_next(&g->seed) % n);
}

static void put(struct gen *g, ir_ref ref)
{
    enum ir_type type = ir_type_of(g->b.region, ref);
    unsigned n = g->pool.count[type] < POOL ? g->pool.count[type]++ : below(g, POOL);
    g->pool.values[type][n] = ref;
}

static ir_ref pick(struct gen *g, enum ir_type type)
{
    unsigned kind = below(g, 10);
    if (kind == 0 && ir_type_is_int(type))
        return ir_imm(&g->b, type, random_value(&g->seed));
    if (kind == 0 && type == IR_V128)
        return ir_v128(&g->b, random_value(&g->seed), random_value(&g->seed));
    if (kind < 4 || !g->pool.count[type]) {
        if (type == IR_I64)
            return ir_get(&g->b, SLOT_X + below(g, TEST_INTS));
        if (type == IR_I32)
            return ir_get(&g->b, SLOT_W + below(g, TEST_WORDS));
        ir_ref v = ir_get(&g->b, SLOT_V + below(g, TEST_VECTORS));
        return type == IR_V128 ? v : ir_emit(&g->b, IR_VLOW, type, 0, v, IR_NONE, IR_NONE, 0);
    }
    return g->pool.values[type][below(g, g->pool.count[type])];
}

static uint64_t test_helper(struct test_state *s, uint64_t a, uint32_t b)
{
    s->calls = s->calls * 31 + a + b;
    return s->calls;
}

static uint64_t writing_helper(struct test_state *s, uint64_t a)
{
    s->x[3] ^= a;
    s->w[1] += 7;
    s->v[2][5] ^= (uint8_t)a;
    return s->x[0] + s->x[4];
}

static void vector_helper(void *result, const void *a, const void *b)
{
    uint8_t out[16];
    for (unsigned i = 0; i < 16; i++)
        out[i] = (uint8_t)(((const uint8_t *)a)[i] * 3 + ((const uint8_t *)b)[15 - i]);
    memcpy(result, out, 16);
}

static const struct ir_helper helpers[] = {
    {"test", (void (*)(void))test_helper, 0, IR_I64, 2, {IR_I64, IR_I32}},
    {"writing", (void (*)(void))writing_helper, IR_HELPER_READS_STATE | IR_HELPER_WRITES_STATE, IR_I64, 1, {IR_I64}},
    {"vector", (void (*)(void))vector_helper, IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_V128, 2, {IR_V128, IR_V128}},
};

static void gen_call(struct gen *g)
{
    const struct ir_helper *h = &helpers[below(g, g->options->vectors ? 3 : 2)];
    ir_ref args[2];
    for (unsigned i = 0; i < h->arg_count; i++)
        args[i] = pick(g, h->args[i]);
    put(g, ir_call(&g->b, h, args));
}

// Sums or differences of several words: two chains of their own, with something else between them now and then.
static void gen_chain(struct gen *g, enum ir_type type)
{
    struct ir_builder *b = &g->b;
    bool subtract = below(g, 2);
    ir_ref a = pick(g, type), c = pick(g, type), carry[2];
    ir_ref first = subtract ? ir_sub(b, a, c) : ir_add(b, a, c);
    carry[0] = subtract ? ir_setcond(b, IR_I32, IR_LTU, a, c) : ir_setcond(b, IR_I32, IR_LTU, first, below(g, 2) ? a : c);
    carry[1] = below(g, 2) ? carry[0] : ir_andi(b, pick(g, IR_I32), 1);
    put(g, first);
    for (unsigned words = 1 + below(g, 5); words; words--) {
        ir_ref *in = &carry[below(g, 4) == 0];
        ir_ref x = pick(g, type), y = below(g, 4) ? pick(g, type) : below(g, 4) ? ir_imm(b, type, below(g, 2)) : x;
        put(g, ir_op3(b, subtract ? IR_SUBB : IR_ADDC, x, y, *in));
        *in = ir_emit(b, subtract ? IR_BORROW : IR_CARRY, IR_I32, 0, x, y, *in, 0);
        if (below(g, 3) == 0)
            put(g, ir_add(b, pick(g, type), below(g, 2) ? pick(g, type) : ir_imm(b, type, 32)));
        if (below(g, 4) == 0)
            put(g, *in);
    }
    put(g, carry[0]);
}

static void gen_int(struct gen *g)
{
    static const uint8_t binary[] = {IR_ADD, IR_SUB, IR_MUL, IR_AND, IR_OR, IR_XOR, IR_ANDN, IR_SHL,
                                     IR_SHR, IR_SAR, IR_ROR, IR_UDIV, IR_SDIV, IR_ADD, IR_SUB};
    static const uint8_t unary[] = {IR_NEG, IR_NOT, IR_CLZ, IR_CTZ, IR_BSWAP, IR_SEXT8, IR_SEXT16, IR_ZEXT8, IR_ZEXT16};
    enum ir_type type = below(g, 2) ? IR_I64 : IR_I32;
    unsigned width = type == IR_I64 ? 64 : 32;
    struct ir_builder *b = &g->b;
    ir_ref a = pick(g, type), c = pick(g, type);
    switch (below(g, 15)) {
    case 0:
        put(g, ir_op1(b, unary[below(g, ARRAY_SIZE(unary))], a));
        break;
    case 1: {
        unsigned start = below(g, width), length = 1 + below(g, width - start);
        put(g, below(g, 2) ? ir_extract(b, a, start, length) : ir_sextract(b, a, start, length));
        break;
    }
    case 2: {
        unsigned start = below(g, width), length = 1 + below(g, width - start);
        put(g, ir_deposit(b, a, c, start, length));
        break;
    }
    case 3:
        put(g, ir_emit(b, IR_EXTR, type, 0, a, c, IR_NONE, 1 + below(g, width - 1)));
        break;
    case 4:
        put(g, ir_setcond(b, below(g, 2) ? IR_I64 : IR_I32, below(g, IR_COND_COUNT), a, c));
        break;
    case 5: {
        enum ir_type other = below(g, 2) ? IR_I64 : IR_I32;
        put(g, ir_select(b, below(g, IR_COND_COUNT), a, c, pick(g, other), pick(g, other)));
        break;
    }
    case 6: {
        static const uint8_t kinds[] = {IR_FLAGADD, IR_FLAGSUB, IR_FLAGADC, IR_FLAGLOGIC};
        unsigned kind = kinds[below(g, 4)];
        ir_ref carry = kind == IR_FLAGADC ? ir_andi(b, pick(g, IR_I32), 1) : IR_NONE;
        ir_ref flags = ir_emit(b, kind, IR_I32, 0, a, kind == IR_FLAGLOGIC ? IR_NONE : c, carry, 0);
        if (below(g, 2))
            put(g, flags);
        if (kind == IR_FLAGADC && below(g, 2))
            put(g, ir_op3(b, IR_ADDC, a, c, below(g, 2) ? carry : ir_flag_test(b, IR_I32, IR_FC_CS, flags)));
        put(g, ir_flag_test(b, IR_I64, below(g, 14), flags));
        break;
    }
    case 7:
        put(g, below(g, 2) ? ir_trunc(b, pick(g, IR_I64)) : below(g, 2) ? ir_zext(b, pick(g, IR_I32))
                                                                      : ir_sext(b, pick(g, IR_I32)));
        break;
    case 8:
        a = pick(g, IR_I64);
        c = pick(g, IR_I64);
        if (below(g, 2))
            put(g, ir_op2(b, IR_MUL, a, c));
        put(g, ir_op2(b, below(g, 2) ? IR_MULHU : IR_MULHS, a, c));
        break;
    case 9:
        put(g, ir_add(b, a, ir_shli(b, c, below(g, 5))));
        break;
    case 10:
        gen_chain(g, type);
        break;
    default:
        put(g, ir_op2(b, binary[below(g, ARRAY_SIZE(binary))], a, c));
    }
}

static void gen_vector(struct gen *g)
{
    static const uint8_t binary[] = {IR_VADD, IR_VSUB, IR_VMUL, IR_VCMPEQ, IR_VCMPGTS, IR_VCMPGTU, IR_VMINS, IR_VMINU,
                                     IR_VMAXS, IR_VMAXU, IR_VQADDS, IR_VQADDU, IR_VQSUBS, IR_VQSUBU, IR_VAVGU, IR_VZIPLO,
                                     IR_VZIPHI, IR_VUZPE, IR_VUZPO, IR_VTRNE, IR_VTRNO, IR_VMULLS, IR_VMULLU};
    static const uint8_t plain[] = {IR_VAND, IR_VOR, IR_VXOR, IR_VANDN, IR_VSHUF, IR_VSHUFN};
    static const uint8_t unary[] = {IR_VNEG, IR_VABS, IR_VSXTL, IR_VZXTL, IR_VTRUNC, IR_VQTRUNCS, IR_VQTRUNCU,
                                    IR_VQTRUNCSU};
    struct ir_builder *b = &g->b;
    ir_ref a = pick(g, IR_V128), c = pick(g, IR_V128);
    unsigned lane = below(g, 4);
    switch (below(g, 12)) {
    case 0:
        put(g, ir_v2(b, plain[below(g, ARRAY_SIZE(plain))], 0, a, c, 0));
        break;
    case 1:
        put(g, ir_v1(b, unary[below(g, ARRAY_SIZE(unary))], below(g, 3), a, 0));
        break;
    case 2: {
        static const uint8_t shifts[] = {IR_VSHL, IR_VSHR, IR_VSAR};
        put(g, ir_v1(b, shifts[below(g, 3)], lane, a, below(g, 8u << lane)));
        break;
    }
    case 3:
        put(g, ir_v2(b, IR_VEXT, 0, a, c, below(g, 16)));
        break;
    case 4:
        put(g, ir_v1(b, IR_VDUP, lane, pick(g, IR_I64), 0));
        break;
    case 5:
        put(g, ir_emit(b, IR_VGET, below(g, 2) ? IR_I64 : lane == 3 ? IR_I64 : IR_I32, lane, a, IR_NONE, IR_NONE,
                       below(g, 16u >> lane)));
        break;
    case 6:
        put(g, ir_v2(b, IR_VSET, lane, a, pick(g, IR_I64), below(g, 16u >> lane)));
        break;
    case 7:
        put(g, ir_v1(b, IR_VDUPLANE, lane, a, below(g, 16u >> lane)));
        break;
    case 8: {
        unsigned size = below(g, 3), container = size + 1 + below(g, 3 - size);
        put(g, below(g, 3) ? ir_v1(b, IR_VREV, size, a, container) : ir_op1(b, below(g, 2) ? IR_VNOT : IR_VPOPCNT, a));
        break;
    }
    case 9:
        put(g, ir_op3(b, IR_VSEL, a, c, pick(g, IR_V128)));
        break;
    case 10: {
        enum ir_type type = below(g, 2) ? IR_F32 : IR_F64;
        ir_ref f = ir_emit(b, IR_VLOW, type, 0, a, IR_NONE, IR_NONE, 0);
        put(g, below(g, 2) ? ir_op1(b, IR_VFROM, f)
                           : ir_emit(b, IR_FBITS, type == IR_F32 ? IR_I32 : IR_I64, 0, f, IR_NONE, IR_NONE, 0));
        put(g, ir_op1(b, IR_VFROMI, pick(g, below(g, 2) ? IR_I32 : IR_I64)));
        break;
    }
    default: {
        unsigned op = binary[below(g, ARRAY_SIZE(binary))];
        bool product = op == IR_VMULLS || op == IR_VMULLU;
        lane = product ? lane % 3 : lane;
        ir_ref result = ir_v2(b, op, lane, a, c, product && lane ? below(g, 2) : 0);
        put(g, result);
        if (below(g, 2))
            put(g, ir_emit(b, IR_VSEL, IR_V128, 0, result, pick(g, IR_V128), a, 0));
    }
    }
}

static void gen_float(struct gen *g)
{
    static const uint8_t binary[] = {IR_FADD, IR_FSUB, IR_FMUL, IR_FDIV, IR_FMIN, IR_FMAX, IR_FMINNM, IR_FMAXNM,
                                     IR_FCMPEQ, IR_FCMPGE, IR_FCMPGT};
    struct ir_builder *b = &g->b;
    unsigned shape = below(g, 4);
    enum ir_type type = shape == 0 ? IR_F32 : shape == 1 ? IR_F64 : IR_V128;
    unsigned lane = type == IR_V128 ? 2 + below(g, 2) : type == IR_F32 ? 2 : 3;
    ir_ref a = pick(g, type), c = pick(g, type), r;
    switch (below(g, 8)) {
    case 0:
        r = ir_emit(b, below(g, 3) ? IR_FSQRT : below(g, 2) ? IR_FNEG : IR_FABS, type, lane, a, IR_NONE, IR_NONE, 0);
        break;
    case 1:
        r = ir_emit(b, IR_FMA, type, lane, a, c, pick(g, type), 0);
        break;
    case 2:
        r = ir_emit(b, IR_FRINT, type, lane, a, IR_NONE, IR_NONE, below(g, 6) | (below(g, 2) ? IR_RINT_EXACT : 0));
        break;
    case 3:
        if (type == IR_V128)
            return;
        put(g, ir_emit(b, below(g, 2) ? IR_FTOSI : IR_FTOUI, below(g, 2) ? IR_I32 : IR_I64, below(g, 2) ? below(g, 32) : 0, a,
                       IR_NONE, IR_NONE, below(g, 6)));
        put(g, ir_emit(b, IR_FLAGFCMP, IR_I32, below(g, 2), a, c, IR_NONE, 0));
        return;
    case 4:
        if (type == IR_V128)
            return;
        r = ir_emit(b, below(g, 2) ? IR_SITOF : IR_UITOF, type, below(g, 2) ? below(g, 32) : 0,
                    pick(g, below(g, 2) ? IR_I32 : IR_I64), IR_NONE, IR_NONE, 0);
        break;
    case 5:
        if (type == IR_V128)
            return;
        r = ir_emit(b, IR_FCVT, type == IR_F32 ? IR_F64 : IR_F32, 0, a, IR_NONE, IR_NONE, 0);
        type = type == IR_F32 ? IR_F64 : IR_F32;
        break;
    default:
        r = ir_emit(b, binary[below(g, ARRAY_SIZE(binary))], type, lane, a, c, IR_NONE, 0);
    }
    put(g, r);
    if (type != IR_V128)
        put(g, ir_op1(b, IR_VFROM, r));
}

// Stubs as a guest makes them, in memory that the test gave.
static void gen_host_op(struct gen *g)
{
    enum { REG = 1 << HOST_REG, VVVV = 1 << HOST_VVVV, RM = 1 << HOST_RM, IS4 = 1 << HOST_IS4 };
    static const struct {
        struct host_op op;
        uint8_t type, args[HOST_OP_OPERANDS];
        bool fp;
    } ops[] = {
        {{.map = 1, .opcode = 0x58, .result = HOST_REG, .reads = VVVV | RM}, IR_V128, {IR_V128, IR_V128}, true}, // VADDPS
        {{.map = 1, .opcode = 0x59, .prefix = 3, .result = HOST_REG, .reads = VVVV | RM}, IR_V128, {IR_V128, IR_V128}, true},
        {{.map = 1, .opcode = 0x5d, .prefix = 3, .result = HOST_REG, .reads = VVVV | RM}, IR_V128, {IR_V128, IR_F64}, true},
        {{.map = 1, .opcode = 0x5e, .prefix = 2, .result = HOST_REG, .reads = VVVV | RM}, IR_V128, {IR_V128, IR_F32}, true},
        {{.map = 2, .opcode = 0xb8, .prefix = 1, .result = HOST_REG, .reads = REG | VVVV | RM, .w = true},
         IR_V128, {IR_V128, IR_V128, IR_V128}, true}, // VFMADD231PD
        {{.map = 1, .opcode = 0x2a, .prefix = 3, .result = HOST_REG, .reads = VVVV | RM, .w = true},
         IR_V128, {IR_V128, IR_I64}, true}, // VCVTSI2SD
        {{.map = 1, .opcode = 0x2d, .prefix = 2, .result = HOST_REG, .reads = RM}, IR_I32, {IR_V128}, true}, // VCVTSS2SI
        {{.map = 1, .opcode = 0x2e, .prefix = 1, .result = HOST_FLAGS, .reads = REG | RM}, IR_I32, {IR_V128, IR_V128}, true},
        {{.map = 2, .opcode = 0x17, .prefix = 1, .result = HOST_FLAGS, .reads = REG | RM}, IR_I32, {IR_V128, IR_V128}, false},
        {{.map = 1, .opcode = 0x72, .prefix = 1, .digit = 4, .result = HOST_VVVV, .reads = RM, .has_imm = true, .imm = 7},
         IR_V128, {IR_V128}, false}, // VPSRAD
        {{.map = 3, .opcode = 0x4c, .prefix = 1, .result = HOST_REG, .reads = VVVV | RM | IS4},
         IR_V128, {IR_V128, IR_V128, IR_V128}, false}, // VPBLENDVB
        {{.map = 3, .opcode = 0x22, .prefix = 1, .result = HOST_REG, .reads = VVVV | RM, .has_imm = true, .imm = 2},
         IR_V128, {IR_V128, IR_I32}, false}, // VPINSRD
        {{.map = 3, .opcode = 0x16, .prefix = 1, .result = HOST_RM, .reads = REG, .has_imm = true, .imm = 1, .w = true},
         IR_I64, {IR_V128}, false}, // VPEXTRQ
        {{.map = 1, .opcode = 0xc6, .result = HOST_REG, .reads = VVVV | RM, .has_imm = true, .imm = 0x4e},
         IR_V128, {IR_V128, IR_V128}, false}, // VSHUFPS
    };
    unsigned n = below(g, ARRAY_SIZE(ops)), count = 0;
    ir_ref args[HOST_OP_OPERANDS];
    for (; count < HOST_OP_OPERANDS && ops[n].args[count]; count++)
        args[count] = pick(g, ops[n].args[count]);
    uint8_t *place = g->options->stubs + n * HOST_STUB_BYTES;
    host_op_encode(ops[n].op, true, place);
    put(g, ir_host_op(&g->b, ops[n].fp, ops[n].type, host_op_pack(ops[n].op), args, count,
                      (uint64_t)(uintptr_t)(place + g->options->stubs_exec_delta)));
}

static void gen_store(struct gen *g)
{
    unsigned kind = below(g, g->options->vectors ? 4 : 3);
    if (kind < 2)
        ir_set(&g->b, SLOT_X + below(g, TEST_INTS), pick(g, IR_I64));
    else if (kind == 2)
        ir_set(&g->b, SLOT_W + below(g, TEST_WORDS), pick(g, IR_I32));
    else
        ir_set(&g->b, SLOT_V + below(g, TEST_VECTORS), pick(g, IR_V128));
}

// Seldom true: a region that raises ends there.
static void gen_raise(struct gen *g)
{
    enum ir_type type = below(g, 2) ? IR_I64 : IR_I32;
    ir_raise_if(&g->b, below(g, 2) ? IR_EQ : IR_TSTEQ, pick(g, type), pick(g, type), below(g, 1 << 16));
}

static void gen_branch(struct gen *g);

static void gen_run(struct gen *g, unsigned length)
{
    for (unsigned i = 0; i < length; i++) {
        ir_begin_insn(&g->b, (int32_t)i * 4);
        unsigned kind = below(g, 20);
        if (kind < 5)
            gen_store(g);
        else if (kind < 9 && g->options->vectors)
            gen_vector(g);
        else if (kind < 12 && g->options->floats)
            gen_float(g);
        else if (kind == 12 && g->options->stubs)
            gen_host_op(g);
        else if (kind == 13 && g->options->calls)
            gen_call(g);
        else if (kind == 14 && g->options->branches && length > 8)
            gen_branch(g);
        else if (kind == 15 && g->options->raises)
            gen_raise(g);
        else
            gen_int(g);
    }
}

// A value for the next round of parameter `n`: any, another parameter's, or its own.
static ir_ref next_round(struct gen *g, const ir_ref *params, unsigned count, unsigned n)
{
    enum ir_type type = ir_type_of(g->b.region, params[n]);
    unsigned other = 1 + below(g, count - 1);
    switch (below(g, 3)) {
    case 0:
        return pick(g, type);
    case 1:
        return ir_type_of(g->b.region, params[other]) == type ? params[other] : params[n];
    default:
        return params[n];
    }
}

// A counted loop with some other parameters: at times more than a host has registers.
static void gen_loop(struct gen *g)
{
    enum { MOST = 32 };
    struct ir_builder *b = &g->b;
    ir_ref params[MOST], values[MOST];
    unsigned count = 2 + below(g, below(g, 3) ? 4 : MOST - 2);
    struct pool saved = g->pool;
    uint32_t head = ir_new_join(b), again = ir_new_side(b), done = ir_new_side(b);
    values[0] = ir_i64(b, 1 + below(g, 4));
    for (unsigned i = 1; i < count; i++)
        values[i] = pick(g, below(g, 2) ? IR_I64 : below(g, 2) && g->options->vectors ? IR_V128 : IR_I32);
    ir_flush(b);
    ir_builder_jump(b, head, values, count);
    ir_begin_block(b, head);
    for (unsigned i = 0; i < count; i++)
        params[i] = ir_param(b, ir_type_of(b->region, values[i]));
    for (unsigned i = 1; i < count; i++)
        put(g, params[i]);
    gen_run(g, g->depth < 3 ? 9 : 5);
    values[0] = ir_addi(b, params[0], -1);
    ir_brcond(b, IR_NE, values[0], ir_i64(b, 0), again, done);
    ir_begin_block(b, again);
    gen_run(g, 2);
    for (unsigned i = 1; i < count; i++)
        values[i] = next_round(g, params, count, i);
    ir_flush(b);
    ir_builder_jump(b, head, values, count);
    g->pool = saved;
    ir_begin_block(b, done);
    for (unsigned i = 1; i < count; i += 3)
        put(g, params[i]);
}

// One of: a side exit, two arms that meet with or without a value, a loop.
static void gen_branch(struct gen *g)
{
    struct ir_builder *b = &g->b;
    enum ir_type type = below(g, 2) ? IR_I64 : IR_I32;
    enum ir_cond cond = below(g, IR_COND_COUNT);
    ir_ref a = pick(g, type), c = pick(g, type);
    struct pool saved = g->pool;
    if (below(g, 3) == 0) {
        uint32_t out = ir_new_side(b), on = ir_new_side(b);
        ir_brcond(b, cond, a, c, out, on);
        ir_begin_block(b, out);
        gen_run(g, 3);
        ir_exit_to(b, 0x20);
        g->pool = saved;
        ir_begin_block(b, on);
        return;
    }
    if (below(g, 2)) {
        uint32_t left = ir_new_side(b), right = ir_new_side(b), join = ir_new_join(b);
        enum ir_type passed = below(g, 2) ? IR_I64 : IR_I32;
        ir_brcond(b, cond, a, c, left, right);
        ir_begin_block(b, left);
        gen_run(g, 4);
        ir_jump_with(b, join, pick(g, passed));
        g->pool = saved;
        ir_begin_block(b, right);
        gen_run(g, 4);
        ir_jump_with(b, join, pick(g, passed));
        g->pool = saved;
        ir_begin_block(b, join);
        put(g, ir_param(b, passed));
        return;
    }
    g->depth++;
    gen_loop(g);
    g->depth--;
}

void random_region(struct ir_region *region, const struct random_options *options)
{
    struct gen g = {.seed = options->seed, .options = options};
    ir_builder_init(&g.b, region);
    gen_run(&g, options->length);
    enum ir_type type = below(&g, 2) ? IR_I64 : IR_I32;
    if (below(&g, 2))
        ir_exit_to(&g.b, 0x10);
    else
        ir_exit_if(&g.b, below(&g, IR_COND_COUNT), pick(&g, type), pick(&g, type), 0x10, 0x20);
}
