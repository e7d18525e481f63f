// SPDX-License-Identifier: MIT
// The operands of an instruction, as the forms of its row say.

#include "target-x86/cpu.h"
#include "target-x86/decode-private.h"

unsigned x86_operand_size_of(const struct x86_decoded *in)
{
    unsigned attributes = in->row->attributes;
    if (in->mode != 2)
        return (in->mode == 1) != in->opsize_prefix ? 2 : 1;
    if ((attributes & X86_F64) || (in->rex & 8))
        return 3;
    if (attributes & X86_D64)
        return in->opsize_prefix ? 1 : 3;
    return in->opsize_prefix ? 1 : 2;
}

static unsigned size_log2(const struct x86_decoded *in, unsigned size)
{
    switch ((enum x86_size)size) {
    case SIZE_b: return 0;
    case SIZE_w: return 1;
    case SIZE_d: return 2;
    case SIZE_q: return 3;
    case SIZE_v: return in->opsize;
    case SIZE_y: return in->mode == 2 && (in->rex & 8) ? 3 : 2;
    case SIZE_z: return in->opsize == 1 ? 1 : 2;
    case SIZE_a: return in->mode == 2 ? 3 : 2;
    case SIZE_o: return 4;
    case SIZE_x: return in->vex_l ? 5 : 4;
    case SIZE_h: return in->vex_l ? 4 : 3;
    case SIZE_r: return in->vex_l ? 3 : 2;
    case SIZE_e: return in->vex_l ? 2 : 1;
    default: return 0;
    }
}

static void gpr_operand(const struct x86_decoded *in, struct x86_operand *op, unsigned reg)
{
    op->kind = X86_ARG_GPR;
    op->reg = (uint8_t)reg;
    if (op->size == 0 && reg >= 4 && reg < 8 && !in->rex) {
        op->kind = X86_ARG_HIGH;
        op->reg = (uint8_t)(reg - 4);
    }
}

static void set_kind(struct x86_operand *op, enum x86_arg_kind kind, unsigned reg)
{
    op->kind = kind;
    op->reg = (uint8_t)reg;
}

bool x86_read_operand(struct x86_decoded *in, struct x86_reader *r, unsigned n)
{
    struct x86_operand *op = &in->op[n];
    unsigned form = in->row->forms[n];
    bool memory = in->has_modrm && in->mod != 3;
    op->size = (uint8_t)size_log2(in, form & 15);
    switch ((enum x86_kind)(form >> 4)) {
    case KIND_none:
        break;
    case KIND_E:
        if (memory)
            op->kind = X86_ARG_MEM;
        else
            gpr_operand(in, op, in->rm);
        break;
    case KIND_M:
        op->kind = X86_ARG_MEM;
        return memory;
    case KIND_R:
        gpr_operand(in, op, in->rm);
        break;
    case KIND_G:
        gpr_operand(in, op, in->reg);
        break;
    case KIND_Z:
        gpr_operand(in, op, (in->opcode & 7) | (in->rex & 1) << 3);
        break;
    case KIND_B:
        gpr_operand(in, op, in->vvvv);
        break;
    case KIND_A:
        set_kind(op, X86_ARG_GPR, X86_RAX);
        break;
    case KIND_C:
        set_kind(op, X86_ARG_GPR, X86_RCX);
        break;
    case KIND_D:
        set_kind(op, X86_ARG_GPR, X86_RDX);
        break;
    case KIND_I: {
        bool second = in->op[0].kind == X86_ARG_IMM;
        op->kind = X86_ARG_IMM;
        *(second ? &in->imm2 : &in->imm) = (uint64_t)x86_take_signed(r, 1u << op->size);
        if ((form & 15) == SIZE_z)
            op->size = in->opsize; // sign-extended from there
        break;
    }
    case KIND_s:
        op->kind = X86_ARG_IMM;
        op->size = in->opsize;
        in->imm = (uint64_t)x86_take_signed(r, 1);
        break;
    case KIND_1:
        op->kind = X86_ARG_IMM;
        in->imm = 1;
        break;
    case KIND_J:
        op->kind = X86_ARG_IMM;
        in->imm = (uint64_t)x86_take_signed(r, 1u << op->size);
        break;
    case KIND_O:
        op->kind = X86_ARG_MEM;
        in->displacement = in->addrsize == 3 ? (int64_t)x86_take(r, 8) : (int64_t)x86_take(r, 1u << in->addrsize);
        break;
    case KIND_P16:
        op->kind = X86_ARG_IMM;
        in->imm = x86_take(r, in->opsize == 1 ? 2 : 4);
        in->imm2 = x86_take(r, 2);
        break;
    case KIND_S:
        set_kind(op, X86_ARG_SEG, in->reg & 7);
        return (in->reg & 7) < X86_SEGS;
    case KIND_CR:
        set_kind(op, X86_ARG_CR, in->reg);
        break;
    case KIND_DR:
        set_kind(op, X86_ARG_DR, in->reg);
        break;
    case KIND_V:
        set_kind(op, X86_ARG_XMM, in->reg);
        break;
    case KIND_W:
        set_kind(op, memory ? X86_ARG_MEM : X86_ARG_XMM, memory ? 0 : in->rm);
        break;
    case KIND_H:
        set_kind(op, X86_ARG_XMM, in->vex ? in->vvvv : in->row->forms[0] >> 4 == KIND_W ? in->rm : in->reg);
        break;
    case KIND_L:
        in->imm = x86_take(r, 1);
        set_kind(op, X86_ARG_XMM, in->imm >> 4 & (in->mode == 2 ? 15 : 7));
        break;
    case KIND_P:
        set_kind(op, X86_ARG_MMX, in->reg & 7);
        break;
    case KIND_Q:
        set_kind(op, memory ? X86_ARG_MEM : X86_ARG_MMX, memory ? 0 : in->rm & 7);
        break;
    }
    return true;
}
