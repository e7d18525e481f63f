// SPDX-License-Identifier: MIT
// Each vCPU's thread has a timer on its own processor time, whose signal interrupts that thread. The handler notes where, in
// a ring of the vCPU that it finds through the signal's value, and nothing else: what code lies there is found out later
// (collect), with engine->lock held, which also makes sure that one thread at a time empties rings. Samples go by block and
// region, under the address at which the code was first seen.
//
// A signal takes its stack from the thread, below RSP: so it may come in translated code, whose spill frame is above.
#include "tcg/exec/profile.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/exec/perf-symbols.h"
#include "tcg/exec/private.h"

enum {
    PERIOD_NS = 1000000, // at most; hosts tell such a timer's end at their own tick
    RING = 8192,
    ROWS_LOG2 = 15, // blocks and regions; those that find no place share one
    SHOWN = 30,
};

// In a sample, with the place: that it is of C code which translated code has called. User addresses are below.
#define CALLED (UINT64_C(1) << 63)

struct ring {
    struct tcg_cpu *cpu;
    timer_t timer;
    atomic_bool armed; // changed by the vCPU's thread
    _Atomic uint32_t head, tail; // written by the handler; by who collects
    _Atomic uint64_t lost;
    uint64_t samples[RING];
};

enum kind { KIND_BLOCK, KIND_REGION, KIND_STUB, KIND_CALLED, KIND_OTHER, KINDS };

struct row {
    uint64_t pc, samples;
    uint32_t insns, host_bytes; // the newest such code's
    bool region;
};

struct profile {
    bool on;
    unsigned ring_count;
    struct ring *rings;
    uint64_t kinds[KINDS], unlisted;
    struct row rows[1 << ROWS_LOG2]; // a hash table; samples 0: free
};

// A piece of code, in the executable mapping.
struct range {
    uint64_t start, end;
    const struct tcg_block *block;
};

// --- the vCPU's thread ---

static void sample(int number, siginfo_t *info, void *context)
{
    (void)number;
    if (info->si_code != SI_TIMER)
        return;
    struct ring *r = info->si_value.sival_ptr;
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint32_t used = head - atomic_load_explicit(&r->tail, memory_order_acquire);
    if (used >= RING / 2)
        atomic_store(&r->cpu->vcpu.exit_request, 1); // to profile_poll
    if (used == RING) {
        atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
        return;
    }
    uint64_t place = backend_signal_pc(context);
    bool called = atomic_load_explicit(&r->cpu->in_code, memory_order_relaxed);
    r->samples[head % RING] = place | (called ? CALLED : 0);
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

static void arm(struct vcpu *vcpu, void *opaque)
{
    struct ring *r = opaque;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF, .sigev_value.sival_ptr = r};
    const struct itimerspec period = {.it_interval.tv_nsec = PERIOD_NS, .it_value.tv_nsec = PERIOD_NS};
    (void)vcpu;
    event._sigev_un._tid = gettid();
    if (r->armed || timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &r->timer))
        return;
    timer_settime(r->timer, 0, &period, NULL);
    r->armed = true;
}

static void disarm(struct vcpu *vcpu, void *opaque)
{
    struct ring *r = opaque;
    (void)vcpu;
    if (r->armed)
        timer_delete(r->timer);
    r->armed = false;
}

void profile_poll(struct tcg_cpu *cpu)
{
    struct tcg_engine *e = cpu->engine;
    struct profile *p = e->profile;
    const struct ring *r = &p->rings[cpu->vcpu.index];
    if (r->head - r->tail < RING / 2)
        return;
    pthread_mutex_lock(&e->lock);
    profile_collect(e);
    pthread_mutex_unlock(&e->lock);
}

// --- what was there ---

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static struct range *sorted_ranges(const struct tcg_engine *e, size_t *count)
{
    size_t n = 0;
    for (const struct tcg_block *b = e->all; b; b = b->all_next)
        n++;
    struct range *ranges = ALLOC_ARRAY(struct range, n + 1);
    *count = 0;
    for (const struct tcg_block *b = e->all; b; b = b->all_next)
        ranges[(*count)++] = (struct range){(uint64_t)(uintptr_t)(b->code.entry + e->buffers.exec_delta),
                                            (uint64_t)(uintptr_t)(b->code.end + e->buffers.exec_delta), b};
    qsort(ranges, n, sizeof(*ranges), compare_ranges);
    return ranges;
}

static const struct tcg_block *find_block(const struct range *ranges, size_t count, uint64_t place)
{
    size_t low = 0, high = count; // those below `low` start at or before the place
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].start <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low && place < ranges[low - 1].end ? ranges[low - 1].block : NULL;
}

static void count_block(struct profile *p, const struct tcg_block *b)
{
    enum { TRIES = 32 };
    uint64_t hash = ((b->pc >> 1) + b->region) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - ROWS_LOG2);
    p->kinds[b->region ? KIND_REGION : KIND_BLOCK]++;
    for (unsigned i = 0; i < TRIES; i++) {
        struct row *row = &p->rows[(hash + i) % ARRAY_SIZE(p->rows)];
        if (row->samples && (row->pc != b->pc || row->region != b->region))
            continue;
        *row = (struct row){b->pc, row->samples + 1, b->insns, (uint32_t)(b->code.end - b->code.entry), b->region};
        return;
    }
    p->unlisted++;
}

void profile_collect(struct tcg_engine *e)
{
    struct profile *p = e->profile;
    if (!p)
        return;
    uint64_t code = (uint64_t)(uintptr_t)e->memory.exec;
    size_t count;
    struct range *ranges = sorted_ranges(e, &count);
    for (unsigned i = 0; i < p->ring_count; i++) {
        struct ring *r = &p->rings[i];
        uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
        for (uint32_t at = r->tail; at != head; at++) {
            uint64_t place = r->samples[at % RING] & ~CALLED;
            const struct tcg_block *b = find_block(ranges, count, place);
            if (b)
                count_block(p, b);
            else if (place - code < e->memory.bytes)
                p->kinds[KIND_STUB]++;
            else
                p->kinds[r->samples[at % RING] & CALLED ? KIND_CALLED : KIND_OTHER]++;
        }
        atomic_store_explicit(&r->tail, head, memory_order_release);
    }
    free(ranges);
}

// --- on, off, printing ---

// The handler stays: a signal may be on its way when the last timer ends.
static struct profile *create(struct tcg_engine *e)
{
    struct profile *p = ALLOC(struct profile);
    struct sigaction action = {.sa_sigaction = sample, .sa_flags = SA_SIGINFO | SA_RESTART};
    p->ring_count = e->machine->vcpus.count;
    p->rings = ALLOC_ARRAY(struct ring, p->ring_count + 1);
    for (unsigned i = 0; i < p->ring_count; i++)
        p->rings[i].cpu = tcg_cpu_of(e->machine->vcpus.cpus[i]);
    sigaction(SIGPROF, &action, NULL);
    return p;
}

void profile_set(struct tcg_engine *e, bool on)
{
    struct vcpu_group *group = &e->machine->vcpus;
    if (!e->profile && !on)
        return;
    pthread_mutex_lock(&e->lock);
    if (!e->profile)
        e->profile = create(e);
    struct profile *p = e->profile;
    profile_collect(e);
    if (on) {
        memset(p->kinds, 0, sizeof(p->kinds));
        memset(p->rows, 0, sizeof(p->rows));
        p->unlisted = 0;
        for (unsigned i = 0; i < p->ring_count; i++)
            p->rings[i].lost = 0;
    }
    p->on = on;
    pthread_mutex_unlock(&e->lock);
    for (unsigned i = 0; i < p->ring_count; i++)
        vcpu_queue_work(group->cpus[i], on ? arm : disarm, &p->rings[i]);
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->samples != y->samples)
        return x->samples < y->samples ? 1 : -1;
    return (x->pc > y->pc) - (x->pc < y->pc);
}

static void print_rows(const struct tcg_engine *e, const struct profile *p, uint64_t total, FILE *out)
{
    struct row *rows = ALLOC_ARRAY(struct row, ARRAY_SIZE(p->rows));
    memcpy(rows, p->rows, sizeof(p->rows));
    qsort(rows, ARRAY_SIZE(p->rows), sizeof(*rows), compare_rows);
    fprintf(out, "   share  samples  kind    guest address       instructions  host bytes  symbol\n");
    for (unsigned i = 0; i < SHOWN && rows[i].samples; i++) {
        const struct row *row = &rows[i];
        uint64_t offset = 0;
        const char *symbol = perf_symbols_find(e->options.perf_symbols, row->pc, &offset);
        fprintf(out, "%6.2f %% %8" PRIu64 "  %-6s  0x%016" PRIx64 "  %12u  %10u", 100.0 * (double)row->samples / (double)total,
                row->samples, row->region ? "region" : "block", row->pc, row->insns, row->host_bytes);
        if (symbol)
            fprintf(out, "  %.100s+0x%" PRIx64, symbol, offset);
        fputc('\n', out);
    }
    free(rows);
}

void profile_print(struct tcg_engine *e, FILE *out)
{
    static const char *const names[KINDS] = {
        [KIND_BLOCK] = "blocks (tier 1)",
        [KIND_REGION] = "regions (tier 2)",
        [KIND_STUB] = "stubs: lookups, ways to C code",
        [KIND_CALLED] = "C code called from there: memory, devices, rare instructions",
        [KIND_OTHER] = "other C code: translation, exceptions, interrupts",
    };
    pthread_mutex_lock(&e->lock);
    profile_collect(e);
    const struct profile *p = e->profile;
    uint64_t total = 0, lost = 0;
    unsigned armed = 0;
    for (unsigned i = 0; p && i < KINDS; i++)
        total += p->kinds[i];
    for (unsigned i = 0; p && i < p->ring_count; i++) {
        lost += p->rings[i].lost;
        armed += p->rings[i].armed;
    }
    if (!p || (!p->on && !total)) {
        fprintf(out, "there is no profile; 'profile on' begins one\n");
    } else {
        fprintf(out, "%" PRIu64 " samples, %" PRIu64 " lost; the profile is %s, of %u processors\n", total, lost,
                p->on ? "on" : "off", armed);
        for (unsigned i = 0; total && i < KINDS; i++)
            fprintf(out, "%6.2f %%  %s\n", 100.0 * (double)p->kinds[i] / (double)total, names[i]);
        if (total)
            print_rows(e, p, total, out);
        if (p->unlisted)
            fprintf(out, "%" PRIu64 " samples are of more code than fits in the list\n", p->unlisted);
    }
    pthread_mutex_unlock(&e->lock);
}

void profile_destroy(struct tcg_engine *e)
{
    struct profile *p = e->profile;
    if (!p)
        return;
    for (unsigned i = 0; i < p->ring_count; i++)
        if (p->rings[i].armed)
            timer_delete(p->rings[i].timer);
    free(p->rings);
    free(p);
    e->profile = NULL;
}
