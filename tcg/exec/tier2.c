// SPDX-License-Identifier: MIT
// Tier 2: when a block has run hot, what has run with it in its page is compiled as one region, on a thread of its own, and
// takes the block's place.
//
// A worker compiles a copy of the page's bytes into a piece of the buffers that is its own, with no lock held that a vCPU
// waits for. What it made is only used if the guest's code is still the same and the block that was hot still lives. A worker
// holds its `compiling` while it does so, which is how emptying the buffers waits for it.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

enum {
    MAX_THREADS = 4,
    QUEUE = 32,
    MAX_REQUESTS = 3,        // for one block, which then stops counting
    NEIGHBOUR = 16,          // code is hot with a block when it has run a 16th as often
    IDLE_NS = 200000,
    PIECE_CODE = 256 << 10,
    PIECE_META = 512 << 10,
};

struct request {
    struct tcg_cpu *cpu;
    uint64_t pc, ram_pc, flags;
    uint64_t wanted[TLB_PAGE_SIZE / 64];
    uint64_t seen[IR_MAX_SLOTS];
    uint64_t stops[IR_STOP_BITS / 64], marks; // of the page, as they were then; engine->stops.marks
    bool has_stops;
    uint8_t page[TLB_PAGE_SIZE];
};

struct worker {
    struct tier2 *tier2;
    pthread_t thread;
    pthread_mutex_t compiling;
    struct arena arena;
    struct backend_buffers buffers; // code NULL: none
};

struct tier2 {
    struct tcg_engine *engine;
    pthread_mutex_t lock; // of the queue; innermost
    pthread_cond_t wake;
    struct request *queue[QUEUE];
    unsigned first, count;
    bool stop;
    unsigned threads;
    struct worker workers[MAX_THREADS];
    // Requests: all, and those that came to nothing: nothing to join, too large, no room, code changed meanwhile.
    _Atomic uint64_t asked, lonely, large, homeless, outdated;
};

// --- a worker ------------------------------------------------------------------------------------------------------

static void nap(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

// Takes engine->lock, mostly without waiting for it as others do: a vCPU that gives it up, as after each translation, would
// have to wake this thread.
static void lock_engine(struct tcg_engine *e)
{
    enum { TRIES = 50, NAP_NS = 20000 };
    for (unsigned i = 0; i < TRIES; i++) {
        if (!pthread_mutex_trylock(&e->lock))
            return;
        nap(NAP_NS);
    }
    pthread_mutex_lock(&e->lock);
}

static bool take_piece(struct worker *w)
{
    struct tcg_engine *e = w->tier2->engine;
    pthread_mutex_lock(&e->lock);
    struct backend_buffers *all = &e->buffers;
    bool there = all->code_end - all->code > PIECE_CODE && all->meta_end - all->meta > PIECE_META;
    if (there) {
        w->buffers = *all;
        all->code += PIECE_CODE;
        all->meta += PIECE_META;
        w->buffers.code_end = all->code;
        w->buffers.meta_end = all->meta;
    }
    pthread_mutex_unlock(&e->lock);
    return there;
}

static int compile(struct worker *w, const struct request *r, struct tcg_block **block)
{
    struct translation job = {.cpu = r->cpu, .stops = r->has_stops ? r->stops : NULL, .pc = r->pc, .ram_pc = r->ram_pc, .flags = r->flags, .page = r->page,
                              .wanted = r->wanted, .seen = r->seen, .arena = &w->arena, .buffers = &w->buffers};
    int result = w->buffers.code ? translate(w->tier2->engine, &job, block) : -ENOSPC;
    if (result == -ENOSPC && take_piece(w))
        result = translate(w->tier2->engine, &job, block);
    return result;
}

static uint32_t heat_of(const struct tcg_cpu *cpu, uint64_t ram_pc)
{
    return __atomic_load_n(&cpu->heat[tcg_heat_index(ram_pc)], __ATOMIC_RELAXED); // translated code counts on
}

// Where in the page there is code that has run with the block. With engine->lock held.
static void find_hot(const struct tcg_engine *e, struct request *r)
{
    uint32_t threshold = e->options.tier2_threshold;
    for (const struct tcg_block *b = e->code_pages[r->ram_pc >> TLB_PAGE_BITS].blocks; b; b = b->page_next) {
        uint32_t runs = threshold - heat_of(r->cpu, b->ram_pc), at = b->ram_pc & (TLB_PAGE_SIZE - 1);
        if (!b->dead && b->flags == r->flags && (b->requests || b->region || runs >= threshold / NEIGHBOUR))
            r->wanted[at / 64] |= BIT64(at % 64);
    }
}

// With engine->lock held.
static bool still_true(struct tcg_engine *e, const struct request *r, const struct tcg_block *b)
{
    const struct tcg_block *old = cache_find(e, r->ram_pc, r->flags);
    const uint8_t *page = e->ram->host + (r->ram_pc & -(uint64_t)TLB_PAGE_SIZE);
    // A page without blocks is not watched.
    if (!old || old->region || r->marks != e->stops.marks || !(atomic_load(&e->ram->page_flags[r->ram_pc >> TLB_PAGE_BITS]) & PAGE_CODE))
        return false;
    code_pages_claim(e, b);
    for (unsigned i = 0; i < b->span_count; i++)
        if (memcmp(page + b->spans[i].start, r->page + b->spans[i].start, b->spans[i].bytes))
            return false;
    return true;
}

static void serve(struct worker *w, struct request *r)
{
    struct tcg_engine *e = w->tier2->engine;
    struct tcg_block *b = NULL;
    lock_engine(e);
    const struct tcg_block *old = cache_find(e, r->ram_pc, r->flags);
    bool wanted = old && !old->region; // it may have been asked for again before it was made
    if (wanted) {
        find_hot(e, r);
        memcpy(r->page, e->ram->host + (r->ram_pc & -(uint64_t)TLB_PAGE_SIZE), TLB_PAGE_SIZE);
        const uint64_t *stops = stops_of_page(e, r->ram_pc);
        r->marks = e->stops.marks;
        r->has_stops = stops;
        if (stops)
            memcpy(r->stops, stops, sizeof(r->stops));
    }
    pthread_mutex_unlock(&e->lock);
    if (!wanted) {
        w->tier2->outdated++;
        return;
    }
    switch (compile(w, r, &b)) {
    case 0:
        break;
    case -E2BIG:
        w->tier2->large++;
        return;
    case -ENOSPC:
        w->tier2->homeless++;
        return;
    default:
        w->tier2->lonely++;
        return;
    }
    lock_engine(e);
    bool good = still_true(e, r, b);
    if (good)
        cache_adopt(e, b, r->pc);
    pthread_mutex_unlock(&e->lock);
    if (!good)
        w->tier2->outdated++;
}

static void *work(void *opaque)
{
    struct worker *w = opaque;
    struct tier2 *t = w->tier2;
    for (;;) {
        pthread_mutex_lock(&t->lock);
        bool idle = !t->count && !t->stop;
        pthread_mutex_unlock(&t->lock);
        // Where there was one request there are others soon, and a vCPU spends microseconds on waking a thread that waits.
        if (idle)
            nap(IDLE_NS);
        pthread_mutex_lock(&t->lock);
        while (!t->count && !t->stop)
            pthread_cond_wait(&t->wake, &t->lock);
        bool stop = t->stop;
        pthread_mutex_unlock(&t->lock);
        if (stop)
            return NULL;
        // In this order: a request that is taken is served before the buffers are emptied, or is not there any more.
        pthread_mutex_lock(&w->compiling);
        pthread_mutex_lock(&t->lock);
        struct request *r = NULL;
        if (t->count) {
            r = t->queue[t->first];
            t->first = (t->first + 1) % QUEUE;
            t->count--;
        }
        pthread_mutex_unlock(&t->lock);
        if (r)
            serve(w, r);
        pthread_mutex_unlock(&w->compiling);
        free(r);
    }
}

// --- the vCPU's side -----------------------------------------------------------------------------------------------

static struct request *ask(struct tcg_cpu *cpu, uint64_t pc, const struct tlb_fetched *f)
{
    struct tcg_engine *e = cpu->engine;
    struct request *r = NULL;
    uint64_t flags = tlb_fetched_flags(cpu, f);
    pthread_mutex_lock(&e->lock);
    struct tcg_block *b = cache_find(e, f->ram_offset, flags);
    if (b && !b->region && b->requests == MAX_REQUESTS) {
        backend_stop_counting(&b->code);
    } else if (b && !b->region) {
        b->requests++;
        r = ALLOC(struct request);
        r->cpu = cpu;
        r->pc = pc;
        r->ram_pc = f->ram_offset;
        r->flags = flags;
        for (unsigned i = 0; i < cpu->guest->slot_count; i++)
            if (cpu->guest->slots[i].type == IR_I64)
                memcpy(&r->seen[i], (const uint8_t *)cpu + cpu->guest->slots[i].offset, sizeof(r->seen[i]));
    }
    pthread_mutex_unlock(&e->lock);
    return r;
}

static bool queue_full(struct tier2 *t)
{
    pthread_mutex_lock(&t->lock);
    bool full = t->count == QUEUE;
    pthread_mutex_unlock(&t->lock);
    return full;
}

void tier2_hot(struct tcg_cpu *cpu)
{
    struct tier2 *t = cpu->engine->tier2;
    uint64_t pc = tcg_get_pc(cpu);
    struct tlb_fetched f;
    if (!t || !tlb_fetch(cpu, pc, &f))
        return;
    __atomic_store_n(&cpu->heat[tcg_heat_index(f.ram_offset)], cpu->engine->options.tier2_threshold, __ATOMIC_RELAXED);
    struct request *r = queue_full(t) ? NULL : ask(cpu, pc, &f);
    if (!r)
        return;
    t->asked++;
    if (!t->threads) {
        pthread_mutex_lock(&t->workers[0].compiling);
        serve(&t->workers[0], r);
        pthread_mutex_unlock(&t->workers[0].compiling);
        free(r);
        return;
    }
    pthread_mutex_lock(&t->lock);
    if (t->count < QUEUE) {
        t->queue[(t->first + t->count++) % QUEUE] = r;
        r = NULL;
        pthread_cond_signal(&t->wake);
    }
    pthread_mutex_unlock(&t->lock);
    free(r);
}

// --- life ----------------------------------------------------------------------------------------------------------

int tier2_init(struct tcg_engine *e, struct error *error)
{
    if (!e->options.tier2 || e->options.tier2_threshold == 1)
        return 0;
    struct tier2 *t = e->tier2 = ALLOC(struct tier2);
    t->engine = e;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        t->workers[i].tier2 = t;
        pthread_mutex_init(&t->workers[i].compiling, NULL);
    }
    while (t->threads < e->options.tier2_threads) {
        int status = pthread_create(&t->workers[t->threads].thread, NULL, work, &t->workers[t->threads]);
        if (status)
            return error_set(error, status, "cannot start a thread for tier 2: %s", strerror(status));
        t->threads++;
    }
    return 0;
}

static void drop_requests(struct tier2 *t)
{
    for (; t->count; t->count--) {
        free(t->queue[t->first]);
        t->first = (t->first + 1) % QUEUE;
    }
}

void tier2_destroy(struct tcg_engine *e)
{
    struct tier2 *t = e->tier2;
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < t->threads; i++)
        pthread_join(t->workers[i].thread, NULL);
    drop_requests(t);
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        arena_free(&t->workers[i].arena);
        pthread_mutex_destroy(&t->workers[i].compiling);
    }
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    free(t);
    e->tier2 = NULL;
}

void tier2_pause(struct tcg_engine *e)
{
    struct tier2 *t = e->tier2;
    if (!t)
        return;
    for (unsigned i = 0; i < MAX_THREADS; i++) {
        pthread_mutex_lock(&t->workers[i].compiling);
        t->workers[i].buffers.code = NULL;
    }
    pthread_mutex_lock(&t->lock);
    drop_requests(t);
    pthread_mutex_unlock(&t->lock);
}

void tier2_resume(struct tcg_engine *e)
{
    for (unsigned i = 0; e->tier2 && i < MAX_THREADS; i++)
        pthread_mutex_unlock(&e->tier2->workers[i].compiling);
}

void tier2_print(struct tcg_engine *e, FILE *out)
{
    const struct tier2 *t = e->tier2;
    if (t)
        fprintf(out, "regions asked for    %" PRIu64 "; not made: %" PRIu64 " that cannot be one, %" PRIu64 " too large, %" PRIu64
                " without room, %" PRIu64 " whose code changed\n", t->asked, t->lonely, t->large, t->homeless, t->outdated);
}
