// SPDX-License-Identifier: MIT
// The x86-64 backend: probing the host, the shared stubs, the loop over a region, and what the engine needs to enter,
// link and kill code.
//
// Stack while translated code runs: RSP + 0 .. FRAME_BYTES the spill frame, then the saved registers of backend_enter.
// A slow access is called from behind a region; its stub dumps all registers below the return address:
//     +0    XMM0..15, 16 bytes each
//     +256  RAX..R15 in encoding order, 8 bytes each (RSP's place is unused)
//     +384  return address; the immediate of the TEST instruction there is the site's offset in the meta buffer
//     +392  the spill frame
#include <cpuid.h>
#include <stddef.h>
#include <stdlib.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/host-x86-64/lower.h"
#include "tcg/ir-private.h"

#include <errno.h>

enum { DUMP_INT = 256, DUMP_RETURN = 384, DUMP_FRAME = 392 };

static uint32_t probe_features(void)
{
    uint32_t features = 0;
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt"))
        features |= X86_FEATURE_SSE41;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        features |= X86_FEATURE_AVX2 | X86_FEATURE_SSE41;
    unsigned a, b, c, d;
    bool lzcnt = __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & BIT32(5));
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && lzcnt)
        features |= X86_FEATURE_BMI;
    return features;
}

// --- what the allocator asks for ---

struct x86_mem lower_place(const struct lower *l, enum ra_mem_kind kind, int32_t where)
{
    return kind == RA_MEM_FRAME ? x86_at(RSP, where) : x86_at(STATE_REG, l->region->slots[where].offset);
}

static void host_move(void *ctx, enum ir_type type, unsigned dst, unsigned src)
{
    struct lower *l = ctx;
    if (ir_type_is_int(type))
        x86_mov_rr(&l->c, type == IR_I64, dst, src);
    else
        emit_vec_move(l, dst, src);
}

static void host_swap(void *ctx, unsigned a, unsigned b)
{
    struct lower *l = ctx;
    x86_rr(&l->c, 0x87 | X86_W, a, b);
}

static void host_load(void *ctx, enum ir_type type, unsigned dst, enum ra_mem_kind kind, int32_t where)
{
    struct lower *l = ctx;
    struct x86_mem m = lower_place(l, kind, where);
    if (ir_type_is_int(type))
        x86_load(&l->c, type == IR_I64, dst, m);
    else
        emit_vec_load(l, dst, m);
}

static void host_store(void *ctx, enum ir_type type, unsigned src, int32_t offset)
{
    struct lower *l = ctx;
    if (ir_type_is_int(type))
        x86_store(&l->c, type == IR_I64, src, x86_at(RSP, offset));
    else
        emit_vec_store(l, src, x86_at(RSP, offset));
}

static void host_load_const(void *ctx, const struct ir_const *constant, unsigned dst)
{
    struct lower *l = ctx;
    if (ir_type_is_int(constant->type))
        x86_mov_ri(&l->c, dst, constant->lo);
    else if (constant->lo == 0 && constant->hi == 0)
        emit_vec3(l, 0x57 | X86_0F, dst, dst, dst); // XORPS
    else
        emit_vec_load(l, dst, lower_constant(l, constant->lo, constant->hi));
}

static void host_store_const(void *ctx, const struct ir_const *constant, int32_t offset)
{
    struct lower *l = ctx;
    const uint64_t halves[] = {constant->lo, constant->hi};
    for (unsigned i = 0; i < ir_type_bytes(constant->type) / 4; i++)
        x86_store_imm(&l->c, false, x86_at(RSP, offset + 4 * (int32_t)i), (int32_t)(halves[i / 2] >> (i % 2 * 32)));
}

// --- stubs ---

static void emit_stubs(struct backend *b, struct x86_code *c, const uint8_t *meta_base)
{
    static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};
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
    x86_mov_ri(c, RAX, (uint64_t)(uintptr_t)lay->slow_access);
    x86_rr(c, 0xff, 2, RAX);
    x86_alu_ri(c, X86_ADD, true, RSP, 8);
    for (unsigned i = 0; i < 16; i++)
        x86_rm(c, 0x10 | X86_0F, i, x86_at(RSP, (int32_t)i * 16));
    for (unsigned i = 0; i < 15; i++)
        if (i != RSP && i != STATE_REG)
            x86_load(c, true, i, x86_at(RSP, DUMP_INT + (int32_t)i * 8));
    x86_load(c, true, TLB_REG, x86_at(STATE_REG, lay->tlb_tables));
    x86_alu_ri(c, X86_ADD, true, RSP, DUMP_RETURN);
    x86_byte(c, 0xc3);
    b->slow_stub_end = c->p;
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

struct backend *backend_create(const struct backend_layout *layout, struct backend_buffers *buffers, uint32_t features)
{
    struct backend *b = ALLOC(struct backend);
    b->layout = *layout;
    b->features = probe_features() & features;
    b->exec_delta = buffers->exec_delta;
    for (unsigned op = 0; op < IR_OP_COUNT; op++)
        b->pool_use[op] = (uint8_t)lower_pool_use(op);
    b->ra_host = (struct ra_host){
        .int_regs = 0xffff & ~(BIT32(RSP) | BIT32(STATE_REG) | BIT32(TLB_REG)),
        .vector_regs = 0x7fff0000,
        .callee_saved = BIT32(RBX) | BIT32(R12) | BIT32(R13) | BIT32(R14),
        .vector_scratch = XMM15,
        .frame_bytes = FRAME_BYTES,
        .move = host_move,
        .swap = host_swap,
        .load = host_load,
        .store = host_store,
        .load_const = host_load_const,
        .store_const = host_store_const,
    };
    struct x86_code c = {.p = buffers->code, .end = buffers->code_end};
    emit_stubs(b, &c, buffers->meta_base);
    buffers->code = (uint8_t *)(((uintptr_t)c.p + 63) & ~(uintptr_t)63);
    return b;
}

void backend_destroy(struct backend *backend)
{
    free(backend);
}

// --- compiling a region ---

void *lower_meta(struct lower *l, size_t bytes)
{
    void *p = backend_take_meta(l->buffers, bytes);
    l->meta_full |= !p;
    return p;
}

struct cold_path *lower_cold(struct lower *l)
{
    l->cold = ir_grow(l->region->arena, l->cold, &l->cold_capacity, l->cold_count, sizeof(*l->cold));
    return &l->cold[l->cold_count++];
}

struct x86_mem lower_constant(struct lower *l, uint64_t lo, uint64_t hi)
{
    enum { LOOK_BACK = 16 }; // constants; so that looking does not cost the square of a region's size
    uint8_t *p = l->pool_next - l->pool > LOOK_BACK * 16 ? l->pool_next - LOOK_BACK * 16 : l->pool;
    while (p < l->pool_next && !(load_le64(p) == lo && load_le64(p + 8) == hi))
        p += 16;
    if (p == l->pool_next) {
        store_le64(p, lo);
        store_le64(p + 8, hi);
        l->pool_next += 16;
    }
    return (struct x86_mem){.base = X86_NO_REG, .index = X86_NO_REG, .target = p};
}

void lower_leave(struct lower *l, const uint8_t *stub, uint32_t more)
{
    x86_call_to(&l->c, stub);
    x86_dword(&l->c, more);
}

static void mark_value(const struct lower *l, ir_ref ref)
{
    if (!ir_is_const(ref) && l->region->ins[ref].type == IR_I32)
        l->zero_upper[ref] = 1;
}

static void mark_passed_values(const struct lower *l, const struct ir_ins *branch)
{
    for (unsigned n = 2; n < 4; n++) {
        const ir_ref *list = branch->arg[n] == IR_NONE ? NULL : &l->region->lists[branch->arg[n]];
        for (uint32_t k = 1; list && k <= list[0]; k++)
            mark_value(l, list[k]);
    }
}

// What must be known before the first instruction is lowered. Returns the room for the constants that the region may load,
// an upper bound. Finds the i32 values whose use relies on a zero upper half: as addresses, as i64, and where they become a
// PARAM, of which nothing else is known. All operations leave one but TRUNC, CALL and what hands an operand on.
static size_t survey(struct lower *l)
{
    const struct ir_region *r = l->region;
    size_t constants = 0;
    for (uint32_t i = 0; i < r->const_count; i++)
        constants += r->consts[i].type == IR_V128;
    l->zero_upper = arena_alloc(r->arena, r->ins_count);
    for (uint32_t i = 0; i < r->ins_count; i++) {
        const struct ir_ins *ins = &r->ins[i];
        constants += l->backend->pool_use[ins->op];
        if (ins->op == IR_JUMP || ins->op == IR_BRCOND)
            mark_passed_values(l, ins);
        else if (ins->op == IR_ZEXT32 || ins->op == IR_DEPOSIT || ins->op == IR_PROBE || ins->op == IR_LDS || ins->op == IR_STS ||
                 (ir_ops[ins->op].properties & IR_PROP_MEM))
            mark_value(l, ins->arg[0]);
    }
    return constants * 16;
}

static void lower_instruction(struct lower *l, uint32_t index)
{
    l->carry_in = l->carry_out;
    if (!lower_keeps_carry(l, index))
        l->carry_out = (struct lower_carry){IR_NONE, IR_NONE};
    if (lower_int(l, index) || lower_carry(l, index) || lower_memory(l, index) || lower_control(l, index) || lower_vector(l, index) ||
        lower_vector_composed(l, index) || lower_fp(l, index) || lower_host_op(l, index) || lower_x87(l, index))
        return;
    lower_eval(l, index);
}

static void emit_slow_paths(struct lower *l)
{
    for (uint32_t i = 0; i < l->slow_count; i++) {
        const struct slow_path *s = &l->slow[i];
        x86_patch(s->from, l->c.p);
        if (s->retry)
            lower_retry(l, s);
        else if (s->second.found)
            lower_second(l, &s->second);
        x86_call_to(&l->c, l->backend->slow_stub);
        x86_byte(&l->c, 0xa9); // TEST EAX, imm32: carries the site
        x86_dword(&l->c, s->site);
        x86_jmp_to(&l->c, s->back);
    }
}

// Blocks in the order in which they are laid out: as they were built, so that one mostly goes on into the next; cold ones last,
// each behind one that leads to it.
static uint32_t *block_order(const struct ir_region *r)
{
    uint32_t *order = ARENA_ARRAY(r->arena, uint32_t, r->block_count), count = 0;
    for (unsigned cold = 0; cold < 2; cold++) {
        uint32_t first = count;
        for (uint32_t n = 0; n < r->block_count; n++) {
            if (r->blocks[n].cold != cold)
                continue;
            uint32_t k = count++;
            for (; k > first && r->blocks[order[k - 1]].begin > r->blocks[n].begin; k--)
                order[k] = order[k - 1];
            order[k] = n;
        }
    }
    return order;
}

static bool lower_block(struct lower *l, uint32_t block)
{
    const struct ir_block *b = &l->region->blocks[block];
    l->labels[block] = l->c.p;
    l->carry_out = (struct lower_carry){IR_NONE, IR_NONE};
    l->carry_until = 0;
    for (uint32_t i = b->begin; i < b->end; i++) {
        if (l->region->ins[i].op == IR_NOP)
            continue;
        ra_begin(&l->ra, i);
        lower_instruction(l, i);
        ra_end(&l->ra);
        if (l->c.overflow || l->meta_full || l->ra.out_of_frame)
            return false;
    }
    return true;
}

// What only a cold block leads to is reached in another round.
static bool lower_blocks(struct lower *l)
{
    const struct ir_region *r = l->region;
    const uint32_t *order = block_order(r);
    for (bool again = true; again;) {
        again = false;
        for (uint32_t k = 0; k < r->block_count; k++) {
            uint32_t n = order[k];
            if (l->labels[n] || r->blocks[n].begin >= r->blocks[n].end || !ra_begin_block(&l->ra, n))
                continue;
            l->next_block = k + 1 < r->block_count ? order[k + 1] : IR_NONE;
            if (l->next_block != IR_NONE && l->labels[l->next_block])
                l->next_block = IR_NONE;
            if (!lower_block(l, n))
                return false;
            again = true;
        }
    }
    return true;
}

int backend_compile(struct backend *backend, struct ir_region *region, int32_t entry_offset,
                    struct backend_buffers *buffers, struct backend_code *code)
{
    struct lower l = {.backend = backend, .region = region, .buffers = buffers,
                      .avx2 = backend->features & X86_FEATURE_AVX2, .bmi = backend->features & X86_FEATURE_BMI,
                      .sse41 = backend->features & X86_FEATURE_SSE41};
    uint8_t *meta_start = buffers->meta;
    size_t pool = survey(&l);
    if ((size_t)(buffers->code_end - buffers->code) < pool + 4096)
        return -ENOSPC;
    l.pool = l.pool_next = buffers->code;
    l.c = (struct x86_code){.p = (uint8_t *)(((uintptr_t)buffers->code + pool + 15) & ~(uintptr_t)15),
                            .end = buffers->code_end - 64};
    l.labels = ARENA_ARRAY(region->arena, const uint8_t *, region->block_count);
    ra_init(&l.ra, region, &backend->ra_host, &l);

    code->entry = l.c.p;
    x86_alu_mi(&l.c, X86_CMP, false, x86_at(STATE_REG, backend->layout.exit_request), 0);
    uint8_t *poll = x86_jcc(&l.c, X86_NE), *hot = NULL;
    if (region->heat >= 0) {
        x86_alu_mi(&l.c, X86_SUB, false, x86_at(STATE_REG, backend->layout.heat + region->heat * 4), 1);
        hot = x86_jcc(&l.c, X86_E);
    }
    if (region->entries >= 0) {
        x86_load(&l.c, true, RAX, x86_at(STATE_REG, backend->layout.region_entries));
        x86_alu_mi(&l.c, X86_ADD, true, x86_at(RAX, region->entries * 8), 1);
    }
    if (!lower_blocks(&l))
        goto failed;
    emit_slow_paths(&l);
    for (uint32_t i = 0; i < l.cold_count && !l.c.overflow; i++)
        l.cold[i].emit(&l, &l.cold[i]);
    x86_patch(poll, l.c.p);
    code->poll = poll - 2;
    code->hot = hot ? hot - 2 : NULL;
    lower_leave(&l, backend->exit_poll, (uint32_t)entry_offset);
    if (hot) {
        x86_patch(hot, l.c.p);
        lower_leave(&l, backend->exit_hot, (uint32_t)entry_offset);
    }
    if (l.c.overflow)
        goto failed;
    for (uint32_t i = 0; i < l.fixup_count; i++)
        x86_patch(l.fixups[i].place, l.labels[l.fixups[i].block]);
    code->end = l.c.p;
    code->exits = l.exits;
    buffers->code = (uint8_t *)(((uintptr_t)l.c.p + 15) & ~(uintptr_t)15);
    return 0;

failed:
    buffers->meta = meta_start;
    return l.ra.out_of_frame ? -E2BIG : -ENOSPC;
}

// --- running ---

enum backend_exit backend_enter(struct backend *backend, void *state, const void *entry, struct tcg_exit **link)
{
    typedef int enter_fn(void *, const void *, struct tcg_exit **);
    enter_fn *enter = (enter_fn *)(uintptr_t)(backend->enter + backend->exec_delta);
    return (enum backend_exit)enter(state, entry, link);
}

void backend_link(struct tcg_exit *exit, const uint8_t *target)
{
    int32_t disp = (int32_t)((target ? target : exit->unlinked) - (exit->place + 4));
    __atomic_store_n((int32_t *)(void *)exit->place, disp, __ATOMIC_SEQ_CST);
}

void backend_kill(const struct backend_code *code)
{
    // JNE rel32 becomes NOP; JMP rel32: the same length, the same displacement, so that no instruction boundary moves.
    uint16_t patched = 0xe990;
    __atomic_store_n((uint16_t *)(void *)code->poll, patched, __ATOMIC_SEQ_CST);
}

void backend_stop_counting(const struct backend_code *code)
{
    // JE rel32 becomes NOP; TEST EAX, imm32.
    uint16_t patched = 0xa990;
    __atomic_store_n((uint16_t *)(void *)code->hot, patched, __ATOMIC_SEQ_CST);
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

bool backend_reg_is_vector(unsigned reg)
{
    return reg >= XMM0 && reg <= XMM15;
}
