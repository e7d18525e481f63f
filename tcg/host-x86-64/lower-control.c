// SPDX-License-Identifier: MIT
// State slots, calls, branches and exits.
//
// A linkable exit is a JMP whose displacement is 4-byte aligned, so that linking is one atomic store. Unlinked it goes
// to code behind the region that names the exit to the run loop.
#include "tcg/base/bits.h"
#include "tcg/eval.h"
#include "tcg/host-x86-64/lower.h"
#include "tcg/ir-private.h"

static const uint8_t argument_regs[] = {RDI, RSI, RDX, RCX, R8, R9};

static void lower_setslot(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    unsigned slot = (unsigned)ins->imm;
    struct x86_mem place = x86_at(STATE_REG, l->region->slots[slot].offset);
    int32_t imm;
    ra_slot_overwritten(&l->ra, slot, ins->arg[0]);
    if (ir_type_is_int(ins->type) && lower_imm32(l, ins->arg[0], &imm) && !ra_in_reg(&l->ra, ins->arg[0])) {
        x86_store_imm(&l->c, ins->type == IR_I64, place, imm);
        return;
    }
    int32_t where;
    if (ra_memory(&l->ra, ins->arg[0], &where) == RA_MEM_STATE && where == (int32_t)slot)
        return; // it is there
    unsigned reg = ra_use(&l->ra, ins->arg[0]);
    if (ir_type_is_int(ins->type))
        x86_store(&l->c, ins->type == IR_I64, reg, place);
    else
        emit_vec_store(l, reg, place);
    ra_slot_stored(&l->ra, slot, ins->arg[0]);
}

// Calls a C function at any address; RAX carries it.
static void emit_call(struct lower *l, void (*fn)(void))
{
    x86_mov_ri(&l->c, RAX, (uint64_t)(uintptr_t)fn);
    x86_rr(&l->c, 0xff, 2, RAX);
}

void lower_call(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    const struct ir_helper *h = l->region->helpers[ins->imm];
    const ir_ref *args = &l->region->lists[ins->arg[1] + 1];
    if (h->flags & (IR_HELPER_WRITES_STATE | IR_HELPER_SWITCHES_TLB))
        ra_state_overwritten(&l->ra);
    bool vector_result = h->result != IR_VOID && !ir_type_is_int(h->result);
    int32_t result_at = vector_result ? ra_frame_temp(&l->ra) : 0;
    int32_t vector_at[IR_HELPER_MAX_ARGS] = {0};
    bool temporary[IR_HELPER_MAX_ARGS] = {false};
    for (unsigned i = 0; i < h->arg_count; i++) {
        if (!ir_type_is_int(h->args[i])) {
            vector_at[i] = ra_frame_copy(&l->ra, args[i]);
            temporary[i] = ir_is_const(args[i]);
        }
    }
    l->ra.pinned = 0;
    unsigned n = 0;
    unsigned pointer_regs[IR_HELPER_MAX_ARGS + 2], pointer_count = 0;
    int32_t pointer_offsets[IR_HELPER_MAX_ARGS + 2];
    if (!(h->flags & IR_HELPER_NO_ENV))
        ra_temp_in(&l->ra, argument_regs[n++]);
    if (vector_result) {
        pointer_offsets[pointer_count] = result_at;
        pointer_regs[pointer_count++] = argument_regs[n];
        ra_temp_in(&l->ra, argument_regs[n++]);
    }
    for (unsigned i = 0; i < h->arg_count; i++) {
        unsigned reg = argument_regs[n++];
        if (ir_type_is_int(h->args[i])) {
            ra_use_in(&l->ra, args[i], reg);
            continue;
        }
        pointer_offsets[pointer_count] = vector_at[i];
        pointer_regs[pointer_count++] = reg;
        ra_temp_in(&l->ra, reg);
    }
    ra_clobber(&l->ra, CALLER_SAVED);
    if (!(h->flags & IR_HELPER_NO_ENV))
        x86_mov_rr(&l->c, true, RDI, STATE_REG);
    for (unsigned i = 0; i < pointer_count; i++)
        x86_lea(&l->c, true, pointer_regs[i], x86_at(RSP, pointer_offsets[i]));
    emit_call(l, h->fn);
    for (unsigned i = 0; i < h->arg_count; i++)
        if (temporary[i])
            ra_frame_release(&l->ra, vector_at[i]);
    if (h->flags & IR_HELPER_SWITCHES_TLB)
        x86_load(&l->c, true, TLB_REG, x86_at(STATE_REG, l->backend->layout.tlb_tables));
    if (h->result == IR_VOID)
        return;
    l->ra.pinned = 0;
    l->ra.temps = 0;
    if (!vector_result) {
        ra_temp_in(&l->ra, RAX);
        if (l->zero_upper[index])
            x86_mov_rr(&l->c, false, RAX, RAX);
        ra_def_in(&l->ra, index, RAX);
        return;
    }
    unsigned dst = ra_def(&l->ra, index);
    emit_vec_load(l, dst, x86_at(RSP, result_at));
    ra_frame_release(&l->ra, result_at);
}

// Puts the operand into 16 bytes of the frame, zero-extended.
static int32_t operand_to_frame(struct lower *l, ir_ref ref)
{
    int32_t offset = ra_frame_temp(&l->ra);
    struct x86_mem at = x86_at(RSP, offset);
    enum ir_type type = ir_type_of(l->region, ref);
    unsigned reg = ra_use(&l->ra, ref);
    if (!ir_type_is_int(type)) {
        emit_vec_store(l, reg, at);
        return offset;
    }
    if (type == IR_I32) {
        x86_store_imm(&l->c, true, at, 0);
        x86_store(&l->c, false, reg, at);
    } else {
        x86_store(&l->c, true, reg, at);
    }
    return offset;
}

void lower_eval(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    struct ir_eval_op *op = lower_meta(l, sizeof(*op));
    if (op)
        ir_eval_prepare(op, l->region, ins);
    unsigned count = ir_ops[ins->op].operand_count;
    int32_t at[4], result_at = ra_frame_temp(&l->ra);
    for (unsigned i = 0; i < count; i++) {
        at[i] = operand_to_frame(l, ins->arg[i]);
        l->ra.pinned = 0;
    }
    for (unsigned i = 0; i < 2 + count; i++)
        ra_temp_in(&l->ra, argument_regs[i]);
    ra_clobber(&l->ra, CALLER_SAVED);
    x86_mov_ri(&l->c, RDI, (uint64_t)(uintptr_t)op);
    x86_lea(&l->c, true, RSI, x86_at(RSP, result_at));
    for (unsigned i = 0; i < count; i++)
        x86_lea(&l->c, true, argument_regs[2 + i], x86_at(RSP, at[i]));
    emit_call(l, (void (*)(void))ir_eval);
    l->ra.pinned = 0;
    l->ra.temps = 0;
    unsigned dst = ra_def(&l->ra, index);
    if (ir_type_is_int(ins->type))
        x86_load(&l->c, ins->type == IR_I64, dst, x86_at(RSP, result_at));
    else
        emit_vec_load(l, dst, x86_at(RSP, result_at));
    for (unsigned i = 0; i < count; i++)
        ra_frame_release(&l->ra, at[i]);
    ra_frame_release(&l->ra, result_at);
}

// --- branches ---

static void note_fixup(struct lower *l, uint8_t *place, uint32_t block)
{
    l->fixups = ir_grow(l->region->arena, l->fixups, &l->fixup_capacity, l->fixup_count, sizeof(*l->fixups));
    l->fixups[l->fixup_count++] = (struct jump_fixup){place, block};
}

static void jump_to_block(struct lower *l, uint32_t block)
{
    note_fixup(l, x86_jmp(&l->c), block);
}

static void lower_jump(struct lower *l, struct ir_ins *ins)
{
    ra_prepare_edges(&l->ra, ins);
    ra_edge(&l->ra, ins, 0);
    if (ir_target(ins, 0) != l->next_block)
        jump_to_block(l, ir_target(ins, 0));
}

static void lower_brcond(struct lower *l, struct ir_ins *ins)
{
    ra_prepare_edges(&l->ra, ins);
    enum x86_cc cc = lower_compare(l, ins->aux, ins->type, ins->arg[0], ins->arg[1]);
    uint32_t if_true = ir_target(ins, 0), if_false = ir_target(ins, 1);
    bool true_free = ra_edge_is_free(&l->ra, ins, 0), false_free = ra_edge_is_free(&l->ra, ins, 1);
    if (true_free && false_free) {
        ra_edge(&l->ra, ins, 0);
        ra_edge(&l->ra, ins, 1);
        if (if_true == l->next_block) {
            note_fixup(l, x86_jcc(&l->c, cc ^ 1), if_false);
            return;
        }
        note_fixup(l, x86_jcc(&l->c, cc), if_true);
        if (if_false != l->next_block)
            jump_to_block(l, if_false);
        return;
    }
    uint8_t *other = x86_jcc(&l->c, cc ^ 1);
    ra_edge(&l->ra, ins, 0);
    jump_to_block(l, if_true);
    x86_patch(other, l->c.p);
    ra_edge(&l->ra, ins, 1);
    if (if_false != l->next_block)
        jump_to_block(l, if_false);
}

// --- exits ---

static void emit_unlinked_exit(struct lower *l, struct cold_path *path)
{
    struct tcg_exit *e = (struct tcg_exit *)(uintptr_t)path->data[0];
    x86_patch(path->from, l->c.p);
    e->unlinked = (int32_t)(l->c.p - e->place);
    lower_leave(l, l->backend->exit_link, (uint32_t)((const uint8_t *)e - l->buffers->meta_base));
}

// So that the displacement of a jump with an opcode of `bytes` can be changed at once.
static void align_displacement(struct lower *l, unsigned bytes)
{
    while (((uintptr_t)l->c.p + bytes) & 3)
        x86_byte(&l->c, 0x90);
}

// An exit whose jump has its displacement at `place`.
static void note_exit(struct lower *l, uint8_t *place, uint32_t offset)
{
    struct tcg_exit *e = lower_meta(l, sizeof(*e));
    if (!e)
        return;
    *e = (struct tcg_exit){.place = place, .target_offset = (int32_t)offset, .next_in = l->exits};
    l->exits = e;
    struct cold_path *path = lower_cold(l);
    *path = (struct cold_path){.from = place, .emit = emit_unlinked_exit, .data = {(uint64_t)(uintptr_t)e}};
}

static void lower_exit_to(struct lower *l, uint32_t offset)
{
    align_displacement(l, 1);
    note_exit(l, x86_jmp(&l->c), offset);
}

static void lower_exit_if(struct lower *l, struct ir_ins *ins)
{
    enum x86_cc cc = lower_compare(l, ins->aux, ins->type, ins->arg[0], ins->arg[1]);
    align_displacement(l, 2);
    note_exit(l, x86_jcc(&l->c, cc), ir_exit_offset(ins, 0));
    lower_exit_to(l, ir_exit_offset(ins, 1));
}

static void emit_lookup_miss(struct lower *l, struct cold_path *path)
{
    x86_patch(path->from, l->c.p);
    x86_jmp_to(&l->c, l->backend->exit_lookup_pc);
}

// Looks the pc up in the current table for code.
static void lower_exit_indirect(struct lower *l, struct ir_ins *ins)
{
    ra_use_in(&l->ra, ins->arg[0], RDI);
    struct x86_code *c = &l->c;
    // backend_jump_index, scaled to the size of an entry
    x86_mov_rr(c, false, RAX, RDI);
    x86_mov_rr(c, false, RCX, RDI);
    x86_shift_ri(c, X86_SHL, false, RAX, BACKEND_JUMP_ENTRY_LOG2);
    x86_shift_ri(c, X86_SHR, false, RCX, 12 - BACKEND_JUMP_ENTRY_LOG2);
    x86_alu_rr(c, X86_XOR, false, RAX, RCX);
    x86_alu_ri(c, X86_AND, false, RAX, ((1 << BACKEND_JUMP_LOG2) - 1) << BACKEND_JUMP_ENTRY_LOG2);
    x86_alu_rm(c, X86_ADD, true, RAX, x86_at(STATE_REG, l->backend->layout.jump_table));
    x86_rm(c, 0x3b | X86_W, RDI, x86_at(RAX, 0));
    uint8_t *miss = x86_jcc(c, X86_NE);
    x86_alu_ri(c, X86_AND, true, RDI, -4096);
    x86_store(c, true, RDI, x86_at(STATE_REG, l->backend->layout.pc_page));
    x86_rm(c, 0xff, 4, x86_at(RAX, 8));
    struct cold_path *path = lower_cold(l);
    *path = (struct cold_path){.from = miss, .emit = emit_lookup_miss};
}

bool lower_control(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    switch ((enum ir_op)ins->op) {
    case IR_NOP:
    case IR_PARAM:
        return true;
    case IR_GETSLOT:
        ra_def_slot(&l->ra, index, (unsigned)ins->imm);
        return true;
    case IR_SETSLOT:
        lower_setslot(l, index);
        return true;
    case IR_CALL:
        lower_call(l, index);
        return true;
    case IR_JUMP:
        lower_jump(l, ins);
        return true;
    case IR_BRCOND:
        lower_brcond(l, ins);
        return true;
    case IR_EXIT_TO:
        lower_exit_to(l, (uint32_t)ins->imm);
        return true;
    case IR_EXIT_IF:
        lower_exit_if(l, ins);
        return true;
    case IR_EXIT_INDIRECT:
        lower_exit_indirect(l, ins);
        return true;
    case IR_EXIT_LOOP:
        ra_use_in(&l->ra, ins->arg[0], RDI);
        x86_jmp_to(&l->c, l->backend->exit_loop_pc);
        return true;
    case IR_UNREACHABLE:
        x86_byte(&l->c, 0x0f);
        x86_byte(&l->c, 0x0b); // UD2
        return true;
    default:
        return false;
    }
}
