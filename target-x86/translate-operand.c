// SPDX-License-Identifier: MIT
// Operands: general registers, memory through segments, the stack.

#include "target-x86/translate.h"

#include "tcg/base/bits.h"

// --- values --------------------------------------------------------------------------------------------------------

ir_ref tx_zx(struct x86_translator *x, ir_ref value, unsigned size)
{
    return size < 2 ? ir_extract(x->b, value, 0, tx_bits(size)) : value;
}

ir_ref tx_sx(struct x86_translator *x, ir_ref value, unsigned size)
{
    return size < 2 ? ir_sextract(x->b, value, 0, tx_bits(size)) : value;
}

ir_ref tx_zx64(struct x86_translator *x, ir_ref value, unsigned size)
{
    return ir_zext(x->b, tx_zx(x, value, size));
}

ir_ref tx_sx64(struct x86_translator *x, ir_ref value, unsigned size)
{
    return ir_sext(x->b, tx_sx(x, value, size));
}

ir_ref tx_imm(struct x86_translator *x, unsigned size, uint64_t value)
{
    return ir_imm(x->b, tx_type(size), size < 2 ? value & mask64(tx_bits(size)) : value);
}

// --- registers -----------------------------------------------------------------------------------------------------

ir_ref tx_gpr(struct x86_translator *x, unsigned reg, unsigned size)
{
    ir_ref value = ir_get(x->b, SLOT_GPR + reg);
    return size == 3 ? value : ir_trunc(x->b, value);
}

ir_ref tx_as_gpr(struct x86_translator *x, ir_ref value)
{
    return tx_word(x) == IR_I64 ? ir_zext(x->b, value) : ir_trunc(x->b, value);
}

ir_ref tx_as_wide(struct x86_translator *x, ir_ref value)
{
    const struct ir_ins *ins = ir_is_const(value) ? NULL : &x->b->region->ins[value];
    return ins && ins->op == IR_TRUNC && tx_word(x) == IR_I64 ? ins->arg[0] : tx_as_gpr(x, value);
}

void tx_set_gpr(struct x86_translator *x, unsigned reg, unsigned size, ir_ref value)
{
    value = tx_as_gpr(x, value);
    if (size < 2)
        value = ir_deposit(x->b, ir_get(x->b, SLOT_GPR + reg), value, 0, tx_bits(size));
    ir_set(x->b, SLOT_GPR + reg, value);
}

ir_ref tx_cut_address(struct x86_translator *x, ir_ref value, unsigned address_size)
{
    return address_size == 3   ? value
           : address_size == 2 ? tx_as_gpr(x, ir_trunc(x->b, value))
                               : ir_andi(x->b, value, 0xffff);
}

ir_ref tx_gpr_address(struct x86_translator *x, unsigned reg, unsigned address_size)
{
    return tx_cut_address(x, ir_get(x->b, SLOT_GPR + reg), address_size);
}

// --- operands ------------------------------------------------------------------------------------------------------

ir_ref tx_read(struct x86_translator *x, const struct x86_decoded *in, unsigned n)
{
    const struct x86_operand *op = &in->op[n];
    switch ((enum x86_arg_kind)op->kind) {
    case X86_ARG_GPR:
        return tx_gpr(x, op->reg, op->size);
    case X86_ARG_HIGH:
        return ir_trunc(x->b, ir_extract(x->b, ir_get(x->b, SLOT_GPR + op->reg), 8, 8));
    case X86_ARG_MEM:
        return tx_load(x, tx_address(x, in, 1u << op->size, false), op->size);
    case X86_ARG_SEG:
        return ir_get(x->b, SLOT_SELECTOR + op->reg);
    case X86_ARG_IMM:
        return tx_imm(x, op->size, in->imm);
    default:
        return tx_i32(x, 0);
    }
}

void tx_write(struct x86_translator *x, const struct x86_decoded *in, unsigned n, ir_ref value)
{
    const struct x86_operand *op = &in->op[n];
    if (op->kind == X86_ARG_GPR)
        tx_set_gpr(x, op->reg, op->size, value);
    else if (op->kind == X86_ARG_HIGH)
        ir_set(x->b, SLOT_GPR + op->reg,
               ir_deposit(x->b, ir_get(x->b, SLOT_GPR + op->reg), tx_as_gpr(x, value), 8, 8));
    else
        tx_store(x, tx_address(x, in, 1u << op->size, true), op->size, value);
}

// --- memory --------------------------------------------------------------------------------------------------------

ir_ref tx_offset(struct x86_translator *x, const struct x86_decoded *in)
{
    struct ir_builder *b = x->b;
    ir_ref sum = IR_NONE;
    if (in->rip_relative)
        return tx_cut_address(x, ir_pc_plus(b, x->next + in->displacement), in->addrsize);
    if (in->base != X86_NO_REG)
        sum = ir_get(b, SLOT_GPR + in->base);
    if (in->index != X86_NO_REG) {
        ir_ref scaled = ir_shli(b, ir_get(b, SLOT_GPR + in->index), in->scale);
        sum = sum == IR_NONE ? scaled : ir_add(b, sum, scaled);
    }
    sum = sum == IR_NONE ? ir_imm(b, tx_word(x), (uint64_t)in->displacement) : ir_addi(b, sum, in->displacement);
    return tx_cut_address(x, sum, in->addrsize);
}

static unsigned segment_check(const struct x86_translator *x, unsigned segment, bool *based)
{
    static const uint8_t place[X86_SEGS] = {[X86_ES] = 0, [X86_SS] = 1, [X86_DS] = 2, [X86_FS] = 3, [X86_GS] = 4};
    if (segment == X86_CS) {
        *based = !tx_flag(x, X86_BF_CS_ZERO);
        return X86_SEG_SLOW;
    }
    unsigned bits = x->flags >> (X86_BF_SEG + 3 * place[segment]) & 7;
    *based = bits & 4;
    return bits & 3;
}

ir_ref tx_linear_type(struct x86_translator *x, ir_ref address)
{
    return tx_flag(x, X86_BF_LMA) ? ir_zext(x->b, address) : address;
}

ir_ref tx_linear(struct x86_translator *x, unsigned segment, ir_ref offset, unsigned bytes, bool write)
{
    struct ir_builder *b = x->b;
    if (x->mode == 2) {
        if (segment != X86_FS && segment != X86_GS)
            return offset;
        return ir_add(b, ir_get(b, SLOT_SEG_BASE + segment), offset);
    }
    bool based;
    unsigned check = segment_check(x, segment, &based);
    if (check == X86_SEG_LIMIT) {
        ir_ref limit = ir_zext(b, ir_get(b, SLOT_SEG_LIMIT + segment));
        ir_ref last = ir_addi(b, ir_zext(b, offset), bytes - 1);
        tx_raise_if(x, IR_GTU, last, limit, segment == X86_SS ? X86_SS_FAULT : X86_GP);
    } else if (check == X86_SEG_SLOW) {
        tx_call3(x, &x86_helper_check_segment, tx_i32(x, segment), offset, tx_i32(x, bytes | (write ? 1u << 8 : 0)));
    }
    if (based)
        offset = ir_add(b, ir_trunc(b, ir_get(b, SLOT_SEG_BASE + segment)), offset);
    return tx_linear_type(x, offset);
}

ir_ref tx_address(struct x86_translator *x, const struct x86_decoded *in, unsigned bytes, bool write)
{
    return tx_linear(x, in->segment, tx_offset(x, in), bytes, write);
}

struct ir_mem tx_mem(const struct x86_translator *x, unsigned size)
{
    return (struct ir_mem){.size_log2 = size, .mmu_index = x->mmu,
                           .align_log2 = tx_flag(x, X86_BF_ALIGN) ? size : 0};
}

ir_ref tx_load(struct x86_translator *x, ir_ref linear, unsigned size)
{
    return ir_load(x->b, tx_type(size), linear, tx_mem(x, size));
}

void tx_store(struct x86_translator *x, ir_ref linear, unsigned size, ir_ref value)
{
    ir_store(x->b, value, linear, tx_mem(x, size));
}

// --- stack ---------------------------------------------------------------------------------------------------------

unsigned tx_stack_size(const struct x86_translator *x)
{
    return x->mode == 2 ? 3 : tx_flag(x, X86_BF_STACK32) ? 2 : 1;
}

ir_ref tx_stack_address(struct x86_translator *x, int64_t offset, unsigned bytes, bool write)
{
    ir_ref sp = ir_addi(x->b, ir_get(x->b, SLOT_GPR + X86_RSP), offset);
    return tx_linear(x, X86_SS, tx_cut_address(x, sp, tx_stack_size(x)), bytes, write);
}

void tx_add_sp(struct x86_translator *x, int64_t bytes)
{
    unsigned size = tx_stack_size(x);
    tx_set_gpr(x, X86_RSP, size, ir_addi(x->b, tx_gpr(x, X86_RSP, size), bytes));
}

void tx_push(struct x86_translator *x, unsigned size, ir_ref value)
{
    int64_t bytes = INT64_C(1) << size;
    tx_store(x, tx_stack_address(x, -bytes, (unsigned)bytes, true), size, value);
    tx_add_sp(x, -bytes);
}

ir_ref tx_stack_top(struct x86_translator *x, unsigned size)
{
    return tx_load(x, tx_stack_address(x, 0, 1u << size, false), size);
}
