// SPDX-License-Identifier: MIT
// SIMD instructions as IR: which have an inline form; vector registers as values; moves. 256-bit registers are two halves.
// The others are done by translate-simd.c's general way, and so is all arithmetic while MXCSR leaves an exception unmasked.

#include "target-x86/simd.h"
#include "target-x86/translate-simd.h"

// --- operands ------------------------------------------------------------------------------------------------------

struct simd_vec tx_simd_get_reg(struct x86_translator *x, unsigned n, unsigned count)
{
    struct simd_vec v = {{ir_get(x->b, SLOT_XMM + n), IR_NONE}};
    if (count == 2)
        v.half[1] = ir_get(x->b, SLOT_YMMH + n);
    return v;
}

static ir_ref from_integer(struct x86_translator *x, ir_ref value)
{
    return ir_emit(x->b, IR_VFROMI, IR_V128, 0, value, IR_NONE, IR_NONE, 0);
}

struct simd_vec tx_simd_get(struct x86_translator *x, const struct x86_decoded *in, unsigned n)
{
    if (!x86_simd_in_memory(in, n))
        return tx_simd_get_reg(x, in->op[n].reg, tx_simd_halves(in));
    ir_ref address = tx_simd_address(x, in, n, false);
    unsigned size = in->op[n].size;
    if (size < 2)
        return (struct simd_vec){{from_integer(x, tx_load(x, address, size)), IR_NONE}};
    if (size < 4)
        return (struct simd_vec){{ir_load(x->b, size == 3 ? IR_F64 : IR_F32, address, x86_simd_mem(x, size)), IR_NONE}};
    struct simd_vec v = {{ir_load(x->b, IR_V128, address, x86_simd_mem(x, 4)), IR_NONE}};
    if (size == 5)
        v.half[1] = ir_load(x->b, IR_V128, ir_addi(x->b, address, 16), x86_simd_mem(x, 4));
    return v;
}

void tx_simd_set_reg(struct x86_translator *x, const struct x86_decoded *in, unsigned n, struct simd_vec v, unsigned count)
{
    ir_set(x->b, SLOT_XMM + n, v.half[0]);
    if (in->vex)
        ir_set(x->b, SLOT_YMMH + n, count == 2 ? v.half[1] : ir_v128(x->b, 0, 0));
}

ir_ref tx_simd_qword(struct x86_translator *x, ir_ref v, unsigned index)
{
    return ir_emit(x->b, IR_VGET, IR_I64, 3, v, IR_NONE, IR_NONE, index);
}

// A store of 32 bytes is two, so one that crosses pages, and must store nothing when either faults, goes another way.
static void store_across(struct x86_translator *x, ir_ref address, struct simd_vec v)
{
    uint32_t across = ir_new_side(x->b), inside = ir_new_side(x->b);
    x->b->region->blocks[across].cold = true;
    ir_brcond(x->b, IR_GTU, ir_andi(x->b, ir_trunc(x->b, address), TLB_PAGE_SIZE - 1), tx_i32(x, TLB_PAGE_SIZE - 32), across,
              inside);
    ir_begin_block(x->b, across);
    tx_call4(x, &x86_helper_store_wide, address, tx_i32(x, x->mmu), v.half[0], v.half[1]);
    tx_exit_anew(x, x->next);
    ir_begin_block(x->b, inside);
}

void tx_simd_set(struct x86_translator *x, const struct x86_decoded *in, unsigned n, struct simd_vec v)
{
    unsigned size = in->op[n].size;
    if (!x86_simd_in_memory(in, n)) {
        tx_simd_set_reg(x, in, in->op[n].reg, v, size == 5 ? 2 : 1);
        return;
    }
    ir_ref address = tx_simd_address(x, in, n, true);
    if (size < 4) {
        tx_store(x, address, size,
                 ir_emit(x->b, IR_VGET, size == 3 ? IR_I64 : IR_I32, size, v.half[0], IR_NONE, IR_NONE, 0));
        return;
    }
    // What is aligned is in one page.
    if (size == 5 && !(in->row->arg & N_A))
        store_across(x, address, v);
    ir_store(x->b, v.half[0], address, x86_simd_mem(x, 4));
    if (size == 5)
        ir_store(x->b, v.half[1], ir_addi(x->b, address, 16), x86_simd_mem(x, 4));
}

// --- moves ---------------------------------------------------------------------------------------------------------

static ir_ref first_source(struct x86_translator *x, const struct x86_decoded *in)
{
    return tx_simd_get_reg(x, in->vex ? in->vvvv : in->reg, 1).half[0];
}

// MOVLPS, MOVHPS and their like with memory.
static void move_half(struct x86_translator *x, const struct x86_decoded *in)
{
    unsigned index = in->opcode >= 0x16;
    if (x86_simd_in_memory(in, 0)) {
        ir_ref value = tx_simd_qword(x, tx_simd_get_reg(x, in->reg, 1).half[0], index);
        tx_store(x, tx_simd_address(x, in, 0, true), 3, value);
        return;
    }
    ir_ref value = tx_load(x, tx_simd_address(x, in, 2, false), 3), first = first_source(x, in);
    ir_ref result = ir_v2(x->b, IR_VSET, 3, first, value, index);
    tx_simd_set_reg(x, in, in->reg, (struct simd_vec){{result, IR_NONE}}, 1);
}

// MOVSS and MOVSD from memory, MOVD and MOVQ: the rest is cleared. Or the low part to memory or a general register.
static void move_low(struct x86_translator *x, const struct x86_decoded *in)
{
    const struct x86_operand *to = &in->op[0], *from = &in->op[1];
    unsigned size = x86_simd_in_memory(in, 0) || to->kind == X86_ARG_GPR ? to->size : from->size;
    if (to->kind != X86_ARG_XMM) {
        ir_ref v = tx_simd_get_reg(x, in->reg, 1).half[0];
        tx_write(x, in, 0, ir_emit(x->b, IR_VGET, tx_type(size), size, v, IR_NONE, IR_NONE, 0));
        return;
    }
    ir_ref value;
    if (from->kind == X86_ARG_XMM)
        value = from_integer(x, tx_simd_qword(x, tx_simd_get_reg(x, from->reg, 1).half[0], 0));
    else if (from->kind == X86_ARG_GPR)
        value = from_integer(x, tx_read(x, in, 1));
    else
        value = ir_op1(x->b, IR_VFROM, tx_simd_get(x, in, 1).half[0]);
    tx_simd_set_reg(x, in, to->reg, (struct simd_vec){{value, IR_NONE}}, 1);
}

enum move { MOVE_NONE, MOVE_ALL, MOVE_HALF, MOVE_LOW };

static enum move move_of(const struct x86_decoded *in)
{
    unsigned p = tx_simd_prefix(in);
    bool memory = in->mod != 3;
    if (in->map == X86_MAP_0F38)
        return in->opcode == 0x2a ? MOVE_ALL : MOVE_NONE;
    if (in->map != X86_MAP_0F)
        return MOVE_NONE;
    switch (in->opcode) {
    case 0x10:
    case 0x11:
        return p < 2 ? MOVE_ALL : memory ? MOVE_LOW : MOVE_NONE;
    case 0x12:
    case 0x13:
    case 0x16:
    case 0x17:
        return p < 2 && memory ? MOVE_HALF : MOVE_NONE;
    case 0x28:
    case 0x29:
    case 0x2b:
    case 0x6f:
    case 0x7f:
    case 0xe7:
    case 0xf0:
        return MOVE_ALL;
    case 0x6e:
    case 0x7e:
        return MOVE_LOW;
    case 0xd6:
        return p == 1 ? MOVE_LOW : MOVE_NONE;
    default:
        return MOVE_NONE;
    }
}

bool tx_simd_move_knows(const struct x86_decoded *in)
{
    return move_of(in) != MOVE_NONE;
}

bool tx_simd_move(struct x86_translator *x, const struct x86_decoded *in)
{
    switch (move_of(in)) {
    case MOVE_ALL:
        tx_simd_set(x, in, 0, tx_simd_get(x, in, 1));
        return true;
    case MOVE_HALF:
        move_half(x, in);
        return true;
    case MOVE_LOW:
        move_low(x, in);
        return true;
    default:
        return false;
    }
}

enum simd_result tx_simd_inline(struct x86_translator *x, const struct x86_decoded *in)
{
    // A store that faults leaves no flags in MXCSR.
    if (tx_mmx_knows(in)) {
        if (!tx_simd_allowed(x, in, true))
            return SIMD_RAISED;
        tx_mmx(x, in);
        return SIMD_DONE;
    }
    bool stored = (in->row->arg & N_FP) && x86_simd_in_memory(in, 0);
    if (tx_simd_uses_mmx(in) || stored || ((in->row->arg & N_FP) && x86_simd_flag(x, X86_BF_XM)))
        return SIMD_NOT_HERE;
    if (!tx_simd_move_knows(in) && !tx_simd_cross_knows(in) && !tx_simd_op_knows(in))
        return SIMD_NOT_HERE;
    if (!tx_simd_allowed(x, in, false))
        return SIMD_RAISED;
    if (!tx_simd_move(x, in) && !tx_simd_cross(x, in))
        tx_simd_op(x, in);
    return SIMD_DONE;
}
