// SPDX-License-Identifier: MIT
// Translated blocks: found by the place of their guest code in RAM, translated on a miss, linked to each other, and
// discarded when that code is overwritten. When a buffer is full, everything is discarded with the machine stopped.
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

enum { CODE_BYTES_A_BUCKET = 512 }; // of the buffer: there is less than a block to a bucket

// Neighbours in a page have neighbouring buckets.
static struct tcg_block **bucket_of(const struct tcg_engine *e, uint64_t ram_pc, uint64_t flags)
{
    uint64_t h = (ram_pc >> TLB_PAGE_BITS ^ flags << 24) * UINT64_C(0x9e3779b97f4a7c15);
    return &e->hash[((h >> 32) + (ram_pc >> 1 & (TLB_PAGE_SIZE / 2 - 1))) & e->hash_mask];
}

// --- names for perf ---

static void name_stub(void *opaque, const char *name, const uint8_t *start, const uint8_t *end)
{
    const struct tcg_engine *e = opaque;
    uint64_t address = (uint64_t)(uintptr_t)(start + e->buffers.exec_delta);
    perf_records_add_stub(e->perf, name, start, address, (size_t)(end - start));
}

static int start_perf(struct tcg_engine *e, struct error *error)
{
    if (!e->options.perfmap && !e->options.jitdump)
        return 0;
    e->perf = perf_records_create(e->options.perfmap, e->options.jitdump, e->options.perf_symbols, error);
    if (!e->perf)
        return -EIO;
    backend_stubs(e->backend, name_stub, e);
    return 0;
}

int cache_init(struct tcg_engine *e, struct error *error)
{
    pthread_mutex_init(&e->lock, NULL);
    pthread_mutex_init(&e->stops.lock, NULL);
    e->stops.marks = 1;
    if (!e->interp && !backend_available())
        return error_set(error, ENOTSUP, "there is no translator to this host's code; use -accel kvm or -accel interp");
    int result = exec_memory_create(&e->memory, (size_t)e->options.code_mib << 20, error);
    if (result)
        return result;
    e->meta_bytes = e->memory.bytes;
    if (e->meta_bytes > UINT32_MAX)
        e->meta_bytes = UINT32_MAX & ~4095u;
    e->meta = mmap(NULL, e->meta_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (e->meta == MAP_FAILED)
        return error_set(error, errno, "cannot reserve %zu bytes for the translator", e->meta_bytes);
    e->buffers = (struct backend_buffers){.code = e->memory.write, .code_end = e->memory.write + e->memory.bytes,
                                          .meta_base = e->meta, .meta = e->meta + 16,
                                          .meta_end = e->meta + e->meta_bytes,
                                          .exec_delta = e->memory.exec - e->memory.write};
    struct backend_layout layout = tcg_backend_layout(slow_access);
    e->backend = backend_create(&layout, &e->buffers, e->options.host_features);
    e->code_start = e->buffers.code;
    e->hash_mask = (1u << (63 - clz64(e->memory.bytes / CODE_BYTES_A_BUCKET))) - 1;
    e->hash = ALLOC_ARRAY(struct tcg_block *, (size_t)e->hash_mask + 1);
    int status = start_perf(e, error);
    return status ? status : tier2_init(e, error);
}

void cache_destroy(struct tcg_engine *e)
{
    tier2_destroy(e);
    stops_destroy(e);
    profile_destroy(e);
    perf_records_destroy(e->perf);
    free(e->hash);
    if (e->code_pages)
        munmap(e->code_pages, e->code_pages_bytes);
    if (e->backend)
        backend_destroy(e->backend);
    if (e->meta && e->meta != MAP_FAILED)
        munmap(e->meta, e->meta_bytes);
    exec_memory_destroy(&e->memory);
    arena_free(&e->arena);
    pthread_mutex_destroy(&e->stops.lock);
    pthread_mutex_destroy(&e->lock);
}

// --- discarding ---

// Called with engine->lock held. Nothing enters the block from now on; who is inside runs on to its next exit.
static void kill_block(struct tcg_engine *e, struct tcg_block *b)
{
    if (b->dead)
        return;
    b->dead = true;
    e->invalidations++;
    if (!e->interp)
        backend_kill(&b->code);
    // Who goes round in it sees that at a poll.
    for (unsigned i = 0; b->region && i < e->machine->vcpus.count; i++)
        vcpu_kick(e->machine->vcpus.cpus[i]);
    for (struct tcg_exit *x = b->incoming; x; x = x->next_in) {
        x->to = NULL;
        if (!e->interp)
            backend_link(x, NULL);
    }
    b->incoming = NULL;
    struct tcg_block **link = bucket_of(e, b->ram_pc, b->flags);
    while (*link != b)
        link = &(*link)->hash_next;
    __atomic_store_n(link, b->hash_next, __ATOMIC_RELEASE);
}

// Whether guest code of the block is in [ram_offset, +length).
static bool overlaps(const struct tcg_block *b, uint64_t ram_offset, uint64_t length)
{
    uint64_t page = b->ram_pc & -(uint64_t)TLB_PAGE_SIZE;
    for (unsigned i = 0; i < b->span_count; i++) {
        uint64_t start = page + b->spans[i].start;
        if (start < ram_offset + length && ram_offset < start + b->spans[i].bytes)
            return true;
    }
    return false;
}

static void forget_page(struct tcg_engine *e, uint64_t page)
{
    static const uint64_t nothing[CODE_GRANULES / 64];
    __atomic_store_n(&e->code_pages[page].blocks, NULL, __ATOMIC_RELAXED);
    code_pages_set(e, page, nothing);
    atomic_fetch_and(&e->ram->page_flags[page], (uint8_t)~PAGE_CODE);
}

void cache_discard(struct tcg_engine *e, uint64_t ram_offset, uint64_t length)
{
    if (!length || !e->code_pages)
        return;
    uint64_t last = (ram_offset + length - 1) >> TLB_PAGE_BITS;
    for (uint64_t page = ram_offset >> TLB_PAGE_BITS; page <= last; page++) {
        struct tcg_block **link = &e->code_pages[page].blocks;
        uint64_t granules[CODE_GRANULES / 64] = {0};
        while (*link) {
            struct tcg_block *b = *link;
            if (overlaps(b, ram_offset, length)) {
                kill_block(e, b);
                __atomic_store_n(link, b->page_next, __ATOMIC_RELAXED);
            } else {
                code_pages_mark(b, granules);
                link = &b->page_next;
            }
        }
        code_pages_set(e, page, granules);
        // Writable entries that still send stores here are put right when they are next filled.
        if (!e->code_pages[page].blocks && !e->watchers)
            atomic_fetch_and(&e->ram->page_flags[page], (uint8_t)~PAGE_CODE);
    }
}

void cache_invalidate(struct tcg_engine *e, uint64_t ram_offset, uint64_t length)
{
    bool one_page = (ram_offset ^ (ram_offset + length - 1)) < TLB_PAGE_SIZE;
    if (!length || !e->code_pages || (one_page && !code_pages_hit(e, ram_offset, length)))
        return;
    pthread_mutex_lock(&e->lock);
    cache_discard(e, ram_offset, length);
    pthread_mutex_unlock(&e->lock);
}

bool cache_has_block_around(struct tcg_cpu *cpu, uint64_t ram_offset, uint64_t length, uint32_t pc_offset)
{
    struct tcg_engine *e = cpu->engine;
    bool found = false;
    if (!e->code_pages || !code_pages_hit(e, ram_offset, length)) // what the vCPU is in was marked before it came there
        return false;
    pthread_mutex_lock(&e->lock);
    uint64_t page = ram_offset & -(uint64_t)TLB_PAGE_SIZE;
    const struct tcg_block *b = e->code_pages[page >> TLB_PAGE_BITS].blocks;
    for (; b && !found; b = b->page_next)
        found = b->insns > 1 && !((b->flags ^ cpu->code_context->flags) << 8) && overlaps(b, ram_offset, length) &&
                overlaps(b, page + pc_offset, 1);
    pthread_mutex_unlock(&e->lock);
    return found;
}

// Empties the buffers with every vCPU out of translated code. Called without engine->lock, on a vCPU's thread.
static void flush_everything(struct tcg_cpu *cpu)
{
    struct tcg_engine *e = cpu->engine;
    struct vcpu_group *group = &e->machine->vcpus;
    vcpu_exclusive_begin(group, &cpu->vcpu);
    tier2_pause(e);
    pthread_mutex_lock(&e->lock);
    e->flushes++;
    profile_collect(e);
    for (struct tcg_block *b = e->all; b; b = b->all_next)
        forget_page(e, b->ram_pc >> TLB_PAGE_BITS);
    memset(e->hash, 0, ((size_t)e->hash_mask + 1) * sizeof(*e->hash));
    e->all = NULL;
    arena_reset(&e->arena);
    e->buffers.code = e->code_start;
    e->buffers.meta = e->meta + 16;
    region_counts_clear(e);
    if (e->perf) {
        perf_records_restart(e->perf);
        backend_stubs(e->backend, name_stub, e);
    }
    for (unsigned i = 0; i < group->count; i++)
        code_tables_clear(tcg_cpu_of(group->cpus[i]));
    pthread_mutex_unlock(&e->lock);
    tier2_resume(e);
    vcpu_exclusive_end(group, &cpu->vcpu);
}

// --- finding and making ---

struct tcg_block *cache_find(const struct tcg_engine *e, uint64_t ram_pc, uint64_t flags)
{
    struct tcg_block *b = __atomic_load_n(bucket_of(e, ram_pc, flags), __ATOMIC_ACQUIRE);
    while (b && (b->ram_pc != ram_pc || b->flags != flags))
        b = __atomic_load_n(&b->hash_next, __ATOMIC_ACQUIRE);
    return b;
}

void cache_adopt(struct tcg_engine *e, struct tcg_block *b, uint64_t pc)
{
    struct tcg_block *old = cache_find(e, b->ram_pc, b->flags);
    if (old)
        kill_block(e, old);
    struct tcg_block **bucket = bucket_of(e, b->ram_pc, b->flags);
    uint64_t page = b->ram_pc >> TLB_PAGE_BITS;
    code_pages_claim(e, b);
    b->pc = pc;
    b->hash_next = *bucket;
    __atomic_store_n(bucket, b, __ATOMIC_RELEASE);
    b->page_next = e->code_pages[page].blocks;
    __atomic_store_n(&e->code_pages[page].blocks, b, __ATOMIC_RELAXED);
    b->all_next = e->all;
    e->all = b;
    struct tcg_stats *s = &e->stats[b->region];
    s->blocks++;
    s->insns += b->insns;
    for (unsigned i = 0; i < b->span_count; i++)
        s->guest_bytes += b->spans[i].bytes;
    s->host_bytes += (uint64_t)(b->code.end - b->code.entry);
    s->ir_ops += b->ir_ops;
    s->translate_ns += b->translate_ns;
    if (e->perf)
        perf_records_add_block(e->perf, pc, b->code.entry, (uint64_t)(uintptr_t)(b->code.entry + e->buffers.exec_delta),
                               (size_t)(b->code.end - b->code.entry));
}

// Called with engine->lock held. NULL when a buffer is full.
static struct tcg_block *make(struct tcg_cpu *cpu, uint64_t pc, uint64_t ram_pc, uint64_t flags)
{
    struct tcg_engine *e = cpu->engine;
    if (e->interp && e->arena.bytes >= e->memory.bytes)
        return NULL; // regions fill memory as code would
    uint64_t page = ram_pc >> TLB_PAGE_BITS;
    if (!(atomic_fetch_or(&e->ram->page_flags[page], PAGE_CODE) & PAGE_CODE))
        tlb_protect_page(e, page << TLB_PAGE_BITS);
    static const uint64_t anywhere[TLB_PAGE_SIZE / 64] = {[0 ... TLB_PAGE_SIZE / 64 - 1] = ~UINT64_C(0)};
    struct translation job = {.cpu = cpu, .pc = pc, .ram_pc = ram_pc, .flags = flags, .arena = &e->arena,
                              .buffers = &e->buffers, .page = e->ram->host + (page << TLB_PAGE_BITS),
                              .stops = stops_of_page(e, ram_pc)};
    struct tcg_block *b = NULL;
    atomic_store(&e->translating, page + 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (e->options.tier2 && e->options.tier2_threshold == 1 && !(flags & TCG_FLAG_SINGLE)) {
        job.wanted = anywhere;
        translate(e, &job, &b);
        job.wanted = NULL;
    }
    if (!b)
        translate(e, &job, &b);
    if (b)
        cache_adopt(e, b, pc);
    atomic_store(&e->translating, 0);
    return b;
}

// Before the bytes of a page without translated code are read: from now on stores there are noticed, and those under way on
// other vCPUs, which may have passed their check, are done. Called with engine->lock held, which it gives up meanwhile.
static void watch_page(struct tcg_cpu *cpu, uint64_t page)
{
    struct tcg_engine *e = cpu->engine;
    if (e->machine->vcpus.count < 2 || (atomic_fetch_or(&e->ram->page_flags[page], PAGE_CODE) & PAGE_CODE))
        return;
    tlb_protect_page(e, page << TLB_PAGE_BITS);
    e->watchers++;
    pthread_mutex_unlock(&e->lock);
    tlb_wait_for_stores(cpu);
    pthread_mutex_lock(&e->lock);
    e->watchers--;
}

struct tcg_block *cache_get(struct tcg_cpu *cpu, uint64_t pc, uint64_t ram_pc, uint64_t flags)
{
    struct tcg_engine *e = cpu->engine;
    // Blocks that are taken out meanwhile stay readable: the buffers are emptied with every vCPU stopped.
    struct tcg_block *at_hand = cache_find(e, ram_pc, flags);
    if (at_hand)
        return at_hand;
    for (;;) {
        pthread_mutex_lock(&e->lock);
        if (!e->code_pages) {
            size_t bytes = e->code_pages_bytes = (e->ram->size >> TLB_PAGE_BITS) * sizeof(*e->code_pages);
            void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            assert(pages != MAP_FAILED);
            __atomic_store_n(&e->code_pages, pages, __ATOMIC_RELEASE);
        }
        struct tcg_block *b = cache_find(e, ram_pc, flags);
        if (!b) {
            watch_page(cpu, ram_pc >> TLB_PAGE_BITS);
            b = cache_find(e, ram_pc, flags);
        }
        if (!b)
            b = make(cpu, pc, ram_pc, flags);
        pthread_mutex_unlock(&e->lock);
        if (b)
            return b;
        flush_everything(cpu);
    }
}

void cache_link(struct tcg_engine *e, struct tcg_exit *exit, struct tcg_block *to)
{
    pthread_mutex_lock(&e->lock);
    if (!exit->to && !to->dead && !exit->from->dead) {
        exit->to = to;
        exit->next_in = to->incoming;
        to->incoming = exit;
        backend_link(exit, to->code.entry);
    }
    pthread_mutex_unlock(&e->lock);
}

static void print_tier(const char *name, const struct tcg_stats *s, FILE *out)
{
    double seconds = (double)s->translate_ns / 1e9;
    fprintf(out, "%-20s %" PRIu64 "\n", name, s->blocks);
    fprintf(out, "  guest instructions %" PRIu64 " (%.1f each)\n", s->insns,
            s->blocks ? (double)s->insns / (double)s->blocks : 0.0);
    fprintf(out, "  IR operations      %" PRIu64 " (%.1f an instruction)\n", s->ir_ops,
            s->insns ? (double)s->ir_ops / (double)s->insns : 0.0);
    fprintf(out, "  host code          %" PRIu64 " bytes (%.1f a guest byte)\n", s->host_bytes,
            s->guest_bytes ? (double)s->host_bytes / (double)s->guest_bytes : 0.0);
    fprintf(out, "  translation time   %.3f s (%.2f million instructions a second)\n", seconds,
            seconds > 0 ? (double)s->insns / seconds / 1e6 : 0.0);
}

void cache_print(struct tcg_engine *e, FILE *out)
{
    pthread_mutex_lock(&e->lock);
    fprintf(out, "engine               %s\n", e->accel.ops->name);
    print_tier("blocks translated", &e->stats[0], out);
    if (e->options.tier2)
        print_tier("regions (tier 2)", &e->stats[1], out);
    fprintf(out, "code buffer          %zu of %zu bytes\n", (size_t)(e->buffers.code - e->memory.write), e->memory.bytes);
    fprintf(out, "blocks invalidated   %" PRIu64 "\n", e->invalidations);
    fprintf(out, "buffer flushes       %" PRIu64 "\n", e->flushes);
    pthread_mutex_unlock(&e->lock);
    tier2_print(e, out);
}
