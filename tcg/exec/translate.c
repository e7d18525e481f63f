// SPDX-License-Identifier: MIT
// From guest code to a block of host code: builds the IR, of one block of guest code or of a region of several, runs the passes
// and the backend, and logs what was asked for. Takes no lock: who calls owns the arena and the buffers.
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <capstone/capstone.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"
#include "tcg/exec/private.h"
#include "tcg/opt.h"
#include "tcg/region.h"

enum { REGION_INSNS = 400 }; // guest instructions after which no more members are taken in

// --- logs ---

static void log_code(enum log_category category, int arch, int mode, const uint8_t *code, size_t bytes, uint64_t address)
{
    FILE *out = log_lock(category);
    csh handle;
    if (!out)
        return;
    if (cs_open((cs_arch)arch, (cs_mode)mode, &handle) == CS_ERR_OK) {
        size_t done = 0;
        while (done < bytes) {
            cs_insn *insn;
            size_t count = cs_disasm(handle, code + done, bytes - done, address + done, 0, &insn);
            for (size_t i = 0; i < count; i++) {
                fprintf(out, "0x%" PRIx64 ":  %s %s\n", insn[i].address, insn[i].mnemonic, insn[i].op_str);
                done += insn[i].size;
            }
            if (count)
                cs_free(insn, count);
            if (done < bytes) {
                unsigned step = arch == CS_ARCH_ARM64 && bytes - done >= 4 ? 4 : 1;
                fprintf(out, "0x%" PRIx64 ":  .byte", address + done);
                for (unsigned i = 0; i < step; i++)
                    fprintf(out, " %02x", code[done + i]);
                fputc('\n', out);
                done += step;
            }
        }
        cs_close(&handle);
    }
    fputc('\n', out);
    log_unlock(out);
}

static void log_ir(enum log_category category, const struct ir_region *region, uint64_t pc)
{
    FILE *out = log_lock(category);
    if (!out)
        return;
    fprintf(out, "IR of block at 0x%" PRIx64 "%s\n", pc, category == LOG_OP_OPT ? " after the passes" : "");
    ir_dump(region, out);
    fputc('\n', out);
    log_unlock(out);
}

// --- translating ---

static bool log_wanted(const struct translation *t)
{
    return log_mask & (LOG_IN_ASM | LOG_OP | LOG_OP_OPT | LOG_OUT_ASM) && log_address_wanted(t->pc);
}

// Between the passes: logs the region, verifies it if that is asked for.
static void check(const struct tcg_engine *e, const struct ir_region *region, const struct translation *t,
                  enum log_category category)
{
    if (log_wanted(t))
        log_ir(category, region, t->pc);
    const char *message = e->options.verify ? ir_verify(region) : NULL;
    if (message) {
        fprintf(stderr, "lyrebird: bad IR at guest pc %#" PRIx64 ": %s\n", t->pc, message);
        ir_dump(region, stderr);
        abort();
    }
}

// One translation under way.
struct work {
    struct tcg_engine *engine;
    const struct translation *job;
    struct tcg_translation t;
    unsigned max_members;
    unsigned members;
    struct tcg_span spans[IR_MEMBERS];
    uint32_t insns[IR_MEMBERS];
    int32_t counter; // for entries; negative: none
};

static void log_guest_code(const struct work *w, unsigned member)
{
    int arch, mode;
    struct vcpu *vcpu = &w->job->cpu->vcpu;
    const struct tcg_span *s = &w->spans[member];
    vcpu->ops->disassembler(vcpu, &arch, &mode);
    log_code(LOG_IN_ASM, arch, mode, w->job->page + s->start, s->bytes,
             (w->job->pc & -(uint64_t)TLB_PAGE_SIZE) + s->start);
}

static bool at_stop(const struct translation *job, int32_t offset)
{
    return job->stops && !(job->flags & TCG_FLAG_SINGLE) && (job->stops[offset / 64] >> offset % 64 & 1);
}

static int32_t build_member(void *ctx, unsigned member, int32_t offset)
{
    struct work *w = ctx;
    struct tcg_translation *t = &w->t;
    t->pc = (w->job->pc & -(uint64_t)TLB_PAGE_SIZE) + (uint64_t)offset;
    t->code = w->job->page + offset;
    t->code_bytes = TLB_PAGE_SIZE - (uint32_t)offset;
    t->member = w->job->wanted != NULL;
    t->inner = member != 0;
    t->single = false;
    bool stop = at_stop(w->job, offset);
    if (stop) {
        ir_begin_insn(t->builder, offset);
        ir_call(t->builder, &stops_helper, NULL);
    }
    w->job->cpu->guest->translate(t);
    t->single |= stop;
    assert(!ir_open(t->builder));
    w->spans[member] = (struct tcg_span){(uint16_t)offset, (uint16_t)t->guest_bytes};
    w->insns[member] = t->insn_count;
    if (member >= w->members)
        w->members = member + 1;
    return t->single ? -1 : offset + (int32_t)t->guest_bytes;
}

static bool wanted(void *ctx, int32_t offset)
{
    const struct work *w = ctx;
    uint32_t insns = 0;
    for (unsigned i = 0; i < w->members; i++)
        insns += w->insns[i];
    return w->members < w->max_members && insns < REGION_INSNS && (w->job->wanted[offset / 64] >> (offset % 64) & 1);
}

// Builds the IR and runs the passes. False when a region was asked for and is none.
static bool build(struct work *w, struct ir_region *region)
{
    const struct translation *job = w->job;
    const struct guest_ops *guest = job->cpu->guest;
    struct ir_builder builder;
    int32_t entry = (int32_t)(job->pc & (TLB_PAGE_SIZE - 1));
    ir_region_init(region, job->arena, guest->slots, guest->slot_count);
    region->guest_pc = job->pc;
    region->seen = job->seen;
    ir_builder_init(&builder, region);
    builder.stops = job->stops;
    w->t.builder = &builder;
    w->members = 0;
    if (job->wanted) {
        struct ir_region_source source = {.ctx = w, .build = build_member, .wanted = wanted};
        w->members = ir_build_region(&builder, entry, &source);
        if (!w->members)
            return false;
    } else {
        build_member(w, 0, entry);
    }
    for (unsigned i = 0; i < w->members && log_wanted(job); i++)
        log_guest_code(w, i);
    check(w->engine, region, job, LOG_OP);
    ir_opt_dce(region);
    check(w->engine, region, job, LOG_OP_OPT);
    return true;
}

// Builds and compiles, smaller when it is too large for the spill frame. -ENOENT when there is no region to make.
static int compile(struct work *w, struct ir_region *region, struct backend_code *code)
{
    const struct translation *job = w->job;
    struct tcg_engine *e = w->engine;
    for (;;) {
        if (!e->interp)
            arena_reset(job->arena);
        if (!build(w, region))
            return -ENOENT;
        if (e->interp)
            return 0;
        region->heat = job->wanted ? -1 : tcg_heat_index(job->ram_pc);
        region->entries = w->counter;
        int result = backend_compile(e->backend, region, (int32_t)(job->pc & (TLB_PAGE_SIZE - 1)), job->buffers, code);
        if (result != -E2BIG)
            return result;
        if (job->wanted)
            w->max_members = w->members / 2;
        else
            w->t.max_insns = w->t.insn_count / 2;
        if (!w->max_members || !w->t.max_insns)
            return result;
    }
}

// NULL when the meta buffer is full.
static struct tcg_block *new_block(const struct work *w)
{
    struct tcg_block *b = backend_take_meta(w->job->buffers, sizeof(*b) + w->members * sizeof(b->spans[0]));
    if (!b)
        return NULL;
    *b = (struct tcg_block){.ram_pc = w->job->ram_pc, .flags = w->job->flags, .region = w->job->wanted != NULL,
                            .counter = w->counter, .span_count = w->members};
    for (unsigned i = 0; i < w->members; i++) {
        b->spans[i] = w->spans[i];
        b->insns += w->insns[i];
    }
    return b;
}

int translate(struct tcg_engine *e, const struct translation *job, struct tcg_block **out)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    struct work w = {.engine = e, .job = job, .max_members = IR_MEMBERS,
                     .counter = job->wanted && !e->interp ? region_counts_new(e) : -1,
                     .t = {.cpu = job->cpu, .flags = job->flags,
                           .max_insns = job->flags & TCG_FLAG_SINGLE ? 1 : e->options.max_insns}};
    struct ir_region region;
    struct backend_code code = {0};
    int result = compile(&w, &region, &code);
    if (result)
        return result;
    struct tcg_block *b = *out = new_block(&w);
    if (!b)
        return -ENOSPC;
    b->code = code;
    b->ir_ops = region.ins_count;
    if (e->interp) {
        b->ir = arena_alloc(job->arena, sizeof(region));
        *b->ir = region;
    }
    for (struct tcg_exit *x = b->code.exits; x; x = x->next_in)
        x->from = b;
    if (b->code.entry && log_wanted(job))
        log_code(LOG_OUT_ASM, CS_ARCH_X86, CS_MODE_64, b->code.entry, (size_t)(b->code.end - b->code.entry),
                 (uint64_t)(uintptr_t)b->code.entry + (uint64_t)e->buffers.exec_delta);
    clock_gettime(CLOCK_MONOTONIC, &to);
    b->translate_ns = (uint32_t)((to.tv_sec - from.tv_sec) * 1000000000 + (to.tv_nsec - from.tv_nsec));
    return 0;
}
