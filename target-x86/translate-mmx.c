// SPDX-License-Identifier: MIT
// MMX instructions as IR: each is the SSE form of the same instruction on vectors whose low half is the MMX register, or a few
// of them where the low half of what that gives is not the MMX result. The x87 state is in struct x86_fpu's mm meanwhile.
// Conversions to and from floating point, and MASKMOVQ, go the general way.

#include "target-x86/helper.h"
#include "target-x86/native.h"
#include "target-x86/translate-simd.h"
#include "target-x86/x87.h"

enum mmx {
    MMX_NONE,
    MMX_TWO,        // the low half is the result
    MMX_ONE,
    MMX_SHIFT,      // by an immediate
    MMX_PACK,       // neighbours within the first operand, then within the second
    MMX_UNPACK_HIGH,
    MMX_PSHUFW,
    MMX_PSHUFB,
    MMX_PALIGNR,
    MMX_PINSRW,
    MMX_PEXTRW,
    MMX_PMOVMSKB,
    MMX_MOVQ,
    MMX_MOVD_IN,
    MMX_MOVD_OUT,
    MMX_MOVQ2DQ,
    MMX_MOVDQ2Q,
};

static enum mmx mmx_of_0f(const struct x86_decoded *in)
{
    unsigned op = in->opcode;
    switch (op) {
    case 0x63:
    case 0x67:
    case 0x6b:
        return MMX_PACK;
    case 0x68:
    case 0x69:
    case 0x6a:
        return MMX_UNPACK_HIGH;
    case 0x6e:
        return MMX_MOVD_IN;
    case 0x6f:
    case 0x7f:
    case 0xe7:
        return MMX_MOVQ;
    case 0x70:
        return MMX_PSHUFW;
    case 0x71:
    case 0x72:
    case 0x73:
        return MMX_SHIFT;
    case 0x7e:
        return MMX_MOVD_OUT;
    case 0xc4:
        return MMX_PINSRW;
    case 0xc5:
        return MMX_PEXTRW;
    case 0xd6:
        return in->rep == 0xf3 ? MMX_MOVQ2DQ : MMX_MOVDQ2Q;
    case 0xd7:
        return MMX_PMOVMSKB;
    default:
        return (op >= 0x60 && op <= 0x76) || op >= 0xd1 ? MMX_TWO : MMX_NONE;
    }
}

static enum mmx mmx_of_0f38(const struct x86_decoded *in)
{
    unsigned op = in->opcode;
    if (op == 0)
        return MMX_PSHUFB;
    if (op <= 7)
        return op == 4 ? MMX_TWO : MMX_PACK; // PMADDUBSW; PHADDW and its like
    return op >= 0x1c ? MMX_ONE : MMX_TWO;
}

static enum mmx mmx_of(const struct x86_decoded *in)
{
    return in->map == X86_MAP_0F ? mmx_of_0f(in) : in->map == X86_MAP_0F38 ? mmx_of_0f38(in) : MMX_PALIGNR;
}

bool tx_mmx_knows(const struct x86_decoded *in)
{
    return tx_simd_uses_mmx(in) && mmx_of(in) != MMX_NONE;
}

// --- the x87 side --------------------------------------------------------------------------------------------------

static void note(struct x86_translator *x, uint32_t bits)
{
    if ((x->notes.x87 & bits) == bits)
        return;
    x->notes.x87 |= bits;
    ir_set(x->b, SLOT_X87_PLACE, ir_or(x->b, ir_get(x->b, SLOT_X87_PLACE), tx_i32(x, bits)));
}

static void set_mm(struct x86_translator *x, unsigned n, ir_ref value)
{
    note(x, X87_MM_USED | (uint32_t)X87_MM_WRITTEN << n);
    ir_set(x->b, SLOT_MM + n, value);
}

void tx_mmx_end(struct x86_translator *x)
{
    tx_x87_place(x, X87_IN_MM, &x86_helper_to_mm);
    ir_ref place = ir_andi(x->b, ir_get(x->b, SLOT_X87_PLACE), ~(uint32_t)X87_MM_USED);
    ir_set(x->b, SLOT_X87_PLACE, ir_or(x->b, place, tx_i32(x, X87_MM_EMPTY)));
    x->notes.x87 = (x->notes.x87 & ~(uint32_t)X87_MM_USED) | X87_MM_EMPTY;
}

// --- operations ----------------------------------------------------------------------------------------------------

enum { P66 = 1, PF2 = 3, PSRLDQ = 3, PUNPCKLQDQ = 0x6c, PAND = 0xdb };

// Operand n, in the low half of a vector; of a type that is in a vector register.
static ir_ref operand(struct x86_translator *x, const struct x86_decoded *in, unsigned n)
{
    unsigned size = in->op[n].size;
    if (!x86_simd_in_memory(in, n))
        return ir_get(x->b, SLOT_MM + in->op[n].reg);
    return ir_load(x->b, size == 3 ? IR_F64 : IR_F32, tx_simd_address(x, in, n, false), x86_simd_mem(x, size));
}

static ir_ref two(struct x86_translator *x, const struct x86_decoded *in, unsigned map, unsigned opcode, ir_ref a, ir_ref b)
{
    struct host_op op = {.map = (uint8_t)map, .opcode = (uint8_t)opcode, .prefix = P66, .result = HOST_REG,
                         .reads = 1 << HOST_VVVV | 1 << HOST_RM};
    ir_ref args[] = {a, b};
    return tx_simd_emit(x, in, op, IR_V128, args, 2);
}

static ir_ref shift(struct x86_translator *x, const struct x86_decoded *in, unsigned opcode, unsigned digit, ir_ref v,
                    unsigned count)
{
    struct host_op op = {.map = X86_MAP_0F, .opcode = (uint8_t)opcode, .prefix = P66, .digit = (uint8_t)digit,
                         .result = HOST_VVVV, .reads = 1 << HOST_RM, .imm = (uint8_t)count, .has_imm = true};
    return tx_simd_emit(x, in, op, IR_V128, &v, 1);
}

// A general register from a vector register, or a value from one.
static ir_ref one(struct x86_translator *x, const struct x86_decoded *in, unsigned prefix, enum ir_type type, ir_ref v,
                  bool has_imm)
{
    struct host_op op = {.map = in->map, .opcode = in->opcode, .prefix = (uint8_t)prefix, .result = HOST_REG,
                         .reads = 1 << HOST_RM, .imm = (uint8_t)in->imm, .has_imm = has_imm};
    if (type != IR_V128)
        op.imm &= 3; // PEXTRW
    return tx_simd_emit(x, in, op, type, &v, 1);
}

static ir_ref insert(struct x86_translator *x, const struct x86_decoded *in)
{
    struct host_op op = {.map = X86_MAP_0F, .opcode = in->opcode, .prefix = P66, .result = HOST_REG,
                         .reads = 1 << HOST_VVVV | 1 << HOST_RM, .imm = in->imm & 3, .has_imm = true};
    ir_ref word = tx_read(x, in, 1), args[] = {ir_get(x->b, SLOT_MM + in->op[0].reg), word};
    return tx_simd_emit(x, in, op, IR_V128, args, 2);
}

static ir_ref from_memory(struct x86_translator *x, ir_ref value)
{
    return ir_type_of(x->b->region, value) == IR_V128 ? value : ir_op1(x->b, IR_VFROM, value);
}

static ir_ref move_in(struct x86_translator *x, const struct x86_decoded *in)
{
    if (x86_simd_in_memory(in, 1))
        return from_memory(x, operand(x, in, 1));
    return ir_emit(x->b, IR_VFROMI, IR_V128, 0, tx_read(x, in, 1), IR_NONE, IR_NONE, 0);
}

// The MMX register that the instruction makes, for those that make one.
static ir_ref result(struct x86_translator *x, const struct x86_decoded *in)
{
    const uint64_t low_three = UINT64_C(0x8787878787878787);
    ir_ref first = in->op[0].kind == X86_ARG_MMX ? ir_get(x->b, SLOT_MM + in->op[0].reg) : IR_NONE, v;
    switch (mmx_of(in)) {
    case MMX_TWO:
        return two(x, in, in->map, in->opcode, first, operand(x, in, 1));
    case MMX_ONE:
        return one(x, in, P66, IR_V128, operand(x, in, 1), false);
    case MMX_SHIFT:
        return shift(x, in, in->opcode, in->modrm >> 3 & 7, first, (uint8_t)in->imm);
    case MMX_PACK:
        v = two(x, in, X86_MAP_0F, PUNPCKLQDQ, first, operand(x, in, 1));
        return two(x, in, in->map, in->opcode, v, v);
    case MMX_UNPACK_HIGH:
        v = two(x, in, X86_MAP_0F, in->opcode - 8, first, operand(x, in, 1));
        return shift(x, in, 0x73, PSRLDQ, v, 8);
    case MMX_PSHUFW:
        return one(x, in, PF2, IR_V128, operand(x, in, 1), true); // PSHUFLW
    case MMX_PSHUFB:
        v = two(x, in, X86_MAP_0F, PAND, operand(x, in, 1), ir_v128(x->b, low_three, low_three));
        return two(x, in, X86_MAP_0F38, in->opcode, first, v);
    case MMX_PALIGNR:
        v = two(x, in, X86_MAP_0F, PUNPCKLQDQ, operand(x, in, 1), first);
        return shift(x, in, 0x73, PSRLDQ, v, (uint8_t)in->imm);
    case MMX_PINSRW:
        return insert(x, in);
    case MMX_MOVD_IN:
        return move_in(x, in);
    case MMX_MOVDQ2Q:
        return ir_get(x->b, SLOT_XMM + in->op[1].reg);
    default: // MMX_MOVQ
        return from_memory(x, operand(x, in, 1));
    }
}

static ir_ref low(struct x86_translator *x, ir_ref v, unsigned size)
{
    return ir_emit(x->b, IR_VGET, tx_type(size), size, v, IR_NONE, IR_NONE, 0);
}

// Those whose destination is no MMX register.
static void move_out(struct x86_translator *x, const struct x86_decoded *in)
{
    ir_ref v = operand(x, in, 1);
    unsigned size = in->op[0].size;
    switch (mmx_of(in)) {
    case MMX_PEXTRW:
    case MMX_PMOVMSKB:
        v = one(x, in, P66, IR_I32, v, in->opcode == 0xc5);
        if (in->opcode == 0xd7)
            v = ir_andi(x->b, v, 0xff);
        tx_write(x, in, 0, size == 3 ? ir_zext(x->b, v) : v);
        break;
    case MMX_MOVQ2DQ:
        ir_set(x->b, SLOT_XMM + in->op[0].reg,
               ir_emit(x->b, IR_VFROMI, IR_V128, 0, low(x, v, 3), IR_NONE, IR_NONE, 0));
        break;
    default:
        tx_write(x, in, 0, low(x, v, size));
    }
    note(x, X87_MM_USED);
}

void tx_mmx(struct x86_translator *x, const struct x86_decoded *in)
{
    tx_x87_place(x, X87_IN_MM, &x86_helper_to_mm);
    if (in->op[0].kind == X86_ARG_MMX)
        set_mm(x, in->op[0].reg, result(x, in));
    else
        move_out(x, in);
}
