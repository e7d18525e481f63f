// SPDX-License-Identifier: MIT
// The x86-64 backend: probing the host, the loop over a region, and what the engine needs to enter, link and kill code.
#include <cpuid.h>
#include <stddef.h>
#include <stdlib.h>
#include <ucontext.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/host-x86-64/lower.h"
#include "tcg/ir-private.h"

#include <errno.h>

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

// --- life ---

bool backend_available(void)
{
    return true;
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
    code->body = l.c.p;
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
    int32_t disp = (int32_t)((target ? target : exit->place + exit->unlinked) - (exit->place + 4));
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

bool backend_reg_is_vector(unsigned reg)
{
    return reg >= XMM0 && reg <= XMM15;
}

uint64_t backend_signal_pc(const void *context)
{
    return (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}
