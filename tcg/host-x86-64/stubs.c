// SPDX-License-Identifier: MIT
// Code that all translated code shares: the way in, the ways out, and the call of a slow access.
//
// Stack while translated code runs: RSP + 0 .. FRAME_BYTES the spill frame, then the saved registers of backend_enter.
// A slow access is called from behind a region; its stub dumps all registers below the return address:
//     +0    XMM0..15, 16 bytes each
//     +256  RAX..R15 in encoding order, 8 bytes each (RSP's place is unused)
//     +384  return address; the immediate of the TEST instruction there is the site's offset in the meta buffer
//     +392  the spill frame
#include <stddef.h>

#include "tcg/base/endian.h"
#include "tcg/host-x86-64/lower.h"

enum { DUMP_INT = 256, DUMP_RETURN = 384, DUMP_FRAME = 392 };

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

// Into translated code, and the ways out of it.
static void emit_enter_and_leave(struct backend *b, struct x86_code *c, const uint8_t *meta_base)
{
    const struct backend_layout *lay = &b->layout;
    // enum backend_exit enter(state, entry, struct tcg_exit **link)
    b->enter = c->p;
    for (unsigned i = 0; i < sizeof(saved); i++)
        x86_push(c, saved[i]);
    x86_push(c, RDX);
    x86_alu_ri(c, X86_SUB, true, RSP, FRAME_BYTES);
    x86_mov_rr(c, true, STATE_REG, RDI);
    x86_load(c, true, TLB_REG, x86_at(STATE_REG, lay->tlb_tables));
    x86_rr(c, 0xff, 4, RSI);

    // What a block calls to leave, with a dword behind the call that says more: of an exit, where it is in the meta buffer.
    b->exit_link = c->p;
    x86_pop(c, RCX);
    x86_load(c, false, RCX, x86_at(RCX, 0));
    x86_mov_ri(c, RAX, (uint64_t)(uintptr_t)meta_base);
    x86_alu_rr(c, X86_ADD, true, RAX, RCX);
    x86_load(c, false, RCX, x86_at(RAX, (int32_t)offsetof(struct tcg_exit, target_offset)));
    x86_store(c, false, RCX, x86_at(STATE_REG, lay->pc_offset));
    x86_load(c, true, RDX, x86_at(RSP, FRAME_BYTES));
    x86_store(c, true, RAX, x86_at(RDX, 0));
    x86_mov_ri(c, RAX, BACKEND_EXIT_LINK);
    uint8_t *to_leave = x86_jmp(c);

    // Of a block's entry, its offset in the page.
    b->exit_hot = c->p;
    x86_mov_ri(c, RAX, BACKEND_EXIT_HOT);
    uint8_t *hot_to_leave = x86_jmp(c);
    b->exit_poll = c->p;
    x86_mov_ri(c, RAX, BACKEND_EXIT_LOOP);
    x86_patch(hot_to_leave, c->p);
    x86_pop(c, RCX);
    x86_load(c, false, RCX, x86_at(RCX, 0));
    x86_store(c, false, RCX, x86_at(STATE_REG, lay->pc_offset));
    uint8_t *entry_to_leave = x86_jmp(c);

    // RDI: the pc, which the lookup table's first entry for it was not for.
    b->exit_lookup_pc = c->p;
    int32_t second = 1 << (BACKEND_JUMP_LOG2 + BACKEND_JUMP_ENTRY_LOG2);
    x86_rr(c, 0x69, RAX, RDI); // IMUL by an immediate: backend_jump_second_index
    x86_dword(c, (uint32_t)BACKEND_HASH);
    x86_shift_ri(c, X86_SHR, false, RAX, 32 - BACKEND_JUMP_SECOND_LOG2);
    x86_shift_ri(c, X86_SHL, false, RAX, BACKEND_JUMP_ENTRY_LOG2);
    x86_alu_rm(c, X86_ADD, true, RAX, x86_at(STATE_REG, lay->jump_table));
    x86_rm(c, 0x3b | X86_W, RDI, x86_at(RAX, second));
    uint8_t *miss = x86_jcc(c, X86_NE);
    x86_alu_ri(c, X86_AND, true, RDI, -4096);
    x86_store(c, true, RDI, x86_at(STATE_REG, lay->pc_page));
    x86_rm(c, 0xff, 4, x86_at(RAX, second + 8));
    x86_patch(miss, c->p);
    x86_mov_ri(c, RAX, BACKEND_EXIT_LOOKUP);
    uint8_t *set_pc = x86_jmp(c);
    b->exit_loop_pc = c->p;
    x86_mov_ri(c, RAX, BACKEND_EXIT_LOOP);
    x86_patch(set_pc, c->p);
    x86_mov_rr(c, false, RCX, RDI);
    x86_alu_ri(c, X86_AND, false, RCX, 4095);
    x86_store(c, false, RCX, x86_at(STATE_REG, lay->pc_offset));
    x86_alu_ri(c, X86_AND, true, RDI, -4096);
    x86_store(c, true, RDI, x86_at(STATE_REG, lay->pc_page));
    uint8_t *to_leave2 = x86_jmp(c);

    x86_patch(to_leave, c->p);
    x86_patch(entry_to_leave, c->p);
    x86_patch(to_leave2, c->p);
    x86_alu_ri(c, X86_ADD, true, RSP, FRAME_BYTES);
    x86_pop(c, RDX);
    for (unsigned i = sizeof(saved); i-- > 0;)
        x86_pop(c, saved[i]);
    x86_byte(c, 0xc3);
}

static void emit_slow_access(struct backend *b, struct x86_code *c)
{
    b->slow_stub = c->p;
    x86_alu_ri(c, X86_SUB, true, RSP, DUMP_RETURN);
    for (unsigned i = 0; i < 16; i++)
        x86_rm(c, 0x11 | X86_0F, i, x86_at(RSP, (int32_t)i * 16)); // MOVUPS
    for (unsigned i = 0; i < 16; i++)
        if (i != RSP)
            x86_store(c, true, i, x86_at(RSP, DUMP_INT + (int32_t)i * 8));
    // Return address and dump together are an odd number of 8 bytes off the aligned frame.
    x86_mov_rr(c, true, RDI, STATE_REG);
    x86_mov_rr(c, true, RSI, RSP);
    x86_alu_ri(c, X86_SUB, true, RSP, 8);
    x86_mov_ri(c, RAX, (uint64_t)(uintptr_t)b->layout.slow_access);
    x86_rr(c, 0xff, 2, RAX);
    x86_alu_ri(c, X86_ADD, true, RSP, 8);
    for (unsigned i = 0; i < 16; i++)
        x86_rm(c, 0x10 | X86_0F, i, x86_at(RSP, (int32_t)i * 16));
    for (unsigned i = 0; i < 15; i++)
        if (i != RSP && i != STATE_REG)
            x86_load(c, true, i, x86_at(RSP, DUMP_INT + (int32_t)i * 8));
    x86_load(c, true, TLB_REG, x86_at(STATE_REG, b->layout.tlb_tables));
    x86_alu_ri(c, X86_ADD, true, RSP, DUMP_RETURN);
    x86_byte(c, 0xc3);
    b->slow_stub_end = c->p;
}

void emit_stubs(struct backend *b, struct x86_code *c, const uint8_t *meta_base)
{
    emit_enter_and_leave(b, c, meta_base);
    emit_slow_access(b, c);
    emit_second_stubs(b, c);
    b->stubs_end = c->p;
}

void backend_stubs(const struct backend *b, backend_stub_fn *name, void *opaque)
{
    name(opaque, "enter", b->enter, b->exit_link);
    name(opaque, "leave", b->exit_link, b->slow_stub);
    name(opaque, "slow access", b->slow_stub, b->slow_stub_end);
    name(opaque, "second level", b->slow_stub_end, b->stubs_end);
}

uint64_t *backend_dump_int(void *dump, unsigned reg)
{
    return (uint64_t *)(void *)((uint8_t *)dump + DUMP_INT) + reg;
}

void *backend_dump_vector(void *dump, unsigned reg)
{
    return (uint8_t *)dump + (reg - XMM0) * 16;
}

uint8_t *backend_dump_frame(void *dump)
{
    return (uint8_t *)dump + DUMP_FRAME;
}

const struct tcg_site *backend_dump_site(void *dump, const uint8_t *meta_base)
{
    const uint8_t *after_call = *(const uint8_t **)(void *)((uint8_t *)dump + DUMP_RETURN);
    return (const struct tcg_site *)(const void *)(meta_base + load_le32(after_call + 1));
}
