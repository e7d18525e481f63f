// SPDX-License-Identifier: MIT
// The second level of the soft TLB, which a failed inline check asks before the access leaves for the slow path: shared
// stubs, and the way there from behind a region.
//
// A failed check leaves the table offset of the first byte (t) and the page that the tag should have named (u) in two
// registers. They go on the stack, and on a hit the addend comes back in t's place. The stub has all other registers as
// they were, and tells a hit by the zero flag:
//     push u        push t        call stub        pop t        pop u        je found
#include <stddef.h>

#include "tcg/host-x86-64/lower-memory.h"

// Offsets in the stub's frame: two saved registers, the return address, the arguments.
enum { ARG_T = 24, ARG_U = 32 };

static void emit_stub(struct x86_code *c, unsigned mmu_index, bool write)
{
    int32_t second = (int32_t)(offsetof(struct backend_tlb, second) - offsetof(struct backend_tlb, tables));
    int32_t tag = second + lower_tag_offset(0, write), addend = second + lower_addend_offset(0);
    x86_push(c, RAX);
    x86_push(c, RCX);
    x86_load(c, true, RCX, x86_at(RSP, ARG_U));
    // An access across pages has its first byte in another page than u.
    x86_mov_rr(c, false, RAX, RCX);
    x86_shift_ri(c, X86_SHR, false, RAX, 12 - BACKEND_TLB_ENTRY_LOG2);
    x86_alu_ri(c, X86_AND, false, RAX, ((1 << BACKEND_TLB_LOG2) - 1) << BACKEND_TLB_ENTRY_LOG2);
    x86_alu_rm(c, X86_CMP, false, RAX, x86_at(RSP, ARG_T));
    uint8_t *crosses = x86_jcc(c, X86_NE);
    // backend_second_index
    x86_mov_rr(c, true, RAX, RCX);
    x86_shift_ri(c, X86_SHR, true, RAX, 12);
    x86_rr(c, 0x69, RAX, RAX); // IMUL by an immediate
    x86_dword(c, (uint32_t)BACKEND_HASH);
    x86_shift_ri(c, X86_SHR, false, RAX, 32 - BACKEND_SECOND_LOG2);
    if (mmu_index)
        x86_alu_ri(c, X86_XOR, false, RAX, (int32_t)mmu_index);
    x86_shift_ri(c, X86_SHL, false, RAX, BACKEND_TLB_ENTRY_LOG2);
    x86_alu_ri(c, X86_OR, true, RCX, BACKEND_SECOND_MARK);
    x86_rm(c, 0x3b | X86_W, RCX, x86_at_index(TLB_REG, RAX, 0, tag));
    uint8_t *miss = x86_jcc(c, X86_NE);
    x86_rm_tail(c, 0x83, X86_SUB, x86_at(TLB_REG, (int32_t)offsetof(struct backend_tlb, second_hits_left)), 1);
    x86_byte(c, 1);
    uint8_t *no_more = x86_jcc(c, X86_S);
    x86_load(c, true, RCX, x86_at_index(TLB_REG, RAX, 0, addend));
    x86_store(c, true, RCX, x86_at(RSP, ARG_T));
    x86_alu_rr(c, X86_CMP, false, RAX, RAX);
    x86_patch(crosses, c->p);
    x86_patch(miss, c->p);
    x86_patch(no_more, c->p);
    x86_pop(c, RCX);
    x86_pop(c, RAX);
    x86_byte(c, 0xc3);
}

// For an access whose shared check failed: makes the guest address in `t` a host address by a check of both levels for
// `bytes`, and tells so by the zero flag. All other registers stay.
static void emit_retry_stub(const struct backend *b, struct x86_code *c, unsigned t, unsigned mmu_index, bool write,
                            unsigned bytes)
{
    enum { INDEX = RDX, PAGE = RSI };
    struct x86_mem tag = x86_at_index(TLB_REG, INDEX, 0, lower_tag_offset(mmu_index, write));
    x86_push(c, INDEX);
    x86_push(c, PAGE);
    x86_mov_rr(c, false, INDEX, t);
    x86_shift_ri(c, X86_SHR, false, INDEX, 12 - BACKEND_TLB_ENTRY_LOG2);
    x86_alu_ri(c, X86_AND, false, INDEX, ((1 << BACKEND_TLB_LOG2) - 1) << BACKEND_TLB_ENTRY_LOG2);
    x86_lea(c, true, PAGE, x86_at(t, (int32_t)bytes - 1));
    x86_alu_ri(c, X86_AND, true, PAGE, -4096);
    x86_rm(c, 0x3b | X86_W, PAGE, tag);
    uint8_t *second = x86_jcc(c, X86_NE);
    x86_alu_rm(c, X86_ADD, true, t, x86_at_index(TLB_REG, INDEX, 0, lower_addend_offset(mmu_index)));
    uint8_t *found = x86_jmp(c);
    x86_patch(second, c->p);
    x86_push(c, PAGE);
    x86_push(c, INDEX);
    x86_call_to(c, b->second_stub[mmu_index][write]);
    x86_pop(c, INDEX);
    x86_pop(c, PAGE);
    uint8_t *miss = x86_jcc(c, X86_NE);
    x86_alu_rr(c, X86_ADD, true, t, INDEX);
    x86_patch(found, c->p);
    x86_alu_rr(c, X86_CMP, false, INDEX, INDEX);
    x86_patch(miss, c->p);
    x86_pop(c, PAGE);
    x86_pop(c, INDEX);
    x86_byte(c, 0xc3);
}

void emit_second_stubs(struct backend *b, struct x86_code *c)
{
    for (unsigned m = 0; m < BACKEND_TLB_TABLES; m++) {
        for (unsigned write = 0; write < 2; write++) {
            b->second_stub[m][write] = c->p;
            emit_stub(c, m, write);
            for (unsigned n = 0; n < 2 * RETRY_SIZES; n++) {
                b->retry_stub[n / RETRY_SIZES][m][write][n % RETRY_SIZES] = c->p;
                emit_retry_stub(b, c, n / RETRY_SIZES ? RCX : RAX, m, write, 1u << n % RETRY_SIZES);
            }
        }
    }
}

void lower_second(struct lower *l, const struct second_check *check)
{
    struct x86_code *c = &l->c;
    x86_push(c, check->u);
    x86_push(c, check->t);
    x86_call_to(c, l->backend->second_stub[check->mmu_index][check->write]);
    x86_pop(c, check->result);
    x86_pop(c, check->result == check->t ? check->u : check->t);
    x86_jcc_to(c, X86_E, check->found);
}
