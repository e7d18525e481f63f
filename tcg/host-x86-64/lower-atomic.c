// SPDX-License-Identifier: MIT
// Atomic operations on guest memory: locked instructions, or loops over compare and swap.
#include "tcg/base/bits.h"
#include "tcg/host-x86-64/lower-memory.h"

static uint32_t sized(unsigned size_log2, uint32_t opcode8)
{
    static const uint32_t bits[] = {X86_BYTE, 1, 1, 1 | X86_W};
    return (opcode8 & ~1u) | bits[size_log2];
}

static void zero_extend_result(struct lower *l, unsigned reg, unsigned size_log2)
{
    if (size_log2 == 0)
        x86_movzx8(&l->c, reg, reg);
    else if (size_log2 == 1)
        x86_rr(&l->c, 0xb7 | X86_0F, reg, reg);
    else if (size_log2 == 2)
        x86_mov_rr(&l->c, false, reg, reg);
}

void lower_cas(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    ra_use_in(&l->ra, ins->arg[1], RAX);
    unsigned address = ra_use(&l->ra, ins->arg[0]), desired = ra_use(&l->ra, ins->arg[2]);
    struct slow_path slow = {.retry = false};
    struct tcg_site *site;
    if (mem.size_log2 > 3 || mem.big_endian) {
        site = lower_site(l, ins, address);
        lower_only_slow(l, &slow);
    } else {
        struct checked p = lower_check(l, address, mem, true);
        slow = p.slow;
        site = lower_site(l, ins, address);
        x86_rm(&l->c, sized(mem.size_log2, 0xb0) | X86_0F | X86_NEEDS_LOCK | (mem.size_log2 == 1 ? X86_66 : 0), desired,
               x86_at_index(address, p.host, 0, mem.offset));
        zero_extend_result(l, RAX, mem.size_log2);
    }
    if (site) {
        site->data_reg = RAX;
        site->data2_reg = (uint8_t)desired;
        site->result_reg = RAX;
    }
    ra_def_in(&l->ra, index, RAX);
    lower_slow(l, slow, site);
}

// AND, OR and XOR: one locked instruction when nobody asks for the old value, else a loop over compare and swap.
static bool lower_atomic_logic(struct lower *l, uint32_t index)
{
    static const int8_t ops[] = {[IR_ATOMIC_AND] = X86_AND, [IR_ATOMIC_OR] = X86_OR, [IR_ATOMIC_XOR] = X86_XOR};
    struct ir_ins *ins = &l->region->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    if (ins->aux < IR_ATOMIC_AND || ins->aux > IR_ATOMIC_XOR || mem.size_log2 > 3 || mem.big_endian)
        return false;
    struct x86_code *c = &l->c;
    uint32_t alu = (uint32_t)ops[ins->aux] << 3, narrow = mem.size_log2 == 1 ? X86_66 : 0;
    bool dead = ra_dies(&l->ra, index);
    ra_temp_in(&l->ra, RAX);
    unsigned address = ra_use(&l->ra, ins->arg[0]), operand = ra_use(&l->ra, ins->arg[1]);
    struct checked p = lower_check(l, address, mem, true);
    struct tcg_site *site = lower_site(l, ins, address);
    struct x86_mem at = x86_at_index(address, p.host, 0, mem.offset);
    if (dead) {
        x86_rm(c, sized(mem.size_log2, alu) | X86_NEEDS_LOCK | narrow, operand, at);
    } else {
        lower_int_load(l, RAX, mem, false, at);
        const uint8_t *again = c->p;
        x86_mov_rr(c, true, p.spare, RAX);
        x86_rr(c, (alu | 3) | X86_W, p.spare, operand);
        x86_rm(c, sized(mem.size_log2, 0xb0) | X86_0F | X86_NEEDS_LOCK | narrow, p.spare, at);
        x86_jcc_to(c, X86_NE, again);
        zero_extend_result(l, RAX, mem.size_log2);
    }
    if (site) {
        site->data_reg = (uint8_t)operand;
        site->result_reg = RAX;
    }
    ra_def_in(&l->ra, index, RAX);
    lower_slow(l, p.slow, site);
    return true;
}

void lower_atomic(struct lower *l, uint32_t index)
{
    if (lower_atomic_logic(l, index))
        return;
    struct ir_ins *ins = &l->region->ins[index];
    struct ir_mem mem = ir_mem_unpack(ins->imm);
    unsigned address = ra_use(&l->ra, ins->arg[0]), operand = ra_use(&l->ra, ins->arg[1]);
    struct slow_path slow = {.retry = false};
    struct tcg_site *site;
    unsigned dst;
    if (ins->aux > IR_ATOMIC_ADD || mem.size_log2 > 3 || mem.big_endian) {
        dst = ra_def(&l->ra, index);
        site = lower_site(l, ins, address);
        lower_only_slow(l, &slow);
    } else {
        struct checked p = lower_check(l, address, mem, true);
        slow = p.slow;
        site = lower_site(l, ins, address);
        dst = p.spare;
        x86_mov_rr(&l->c, true, dst, operand);
        uint32_t opcode = ins->aux == IR_ATOMIC_ADD ? sized(mem.size_log2, 0xc0) | X86_0F | X86_NEEDS_LOCK
                                                    : sized(mem.size_log2, 0x86);
        x86_rm(&l->c, opcode | (mem.size_log2 == 1 ? X86_66 : 0), dst, x86_at_index(address, p.host, 0, mem.offset));
        zero_extend_result(l, dst, mem.size_log2);
        ra_def_in(&l->ra, index, dst);
    }
    if (site) {
        site->data_reg = (uint8_t)operand;
        site->result_reg = (uint8_t)dst;
    }
    lower_slow(l, slow, site);
}
