// SPDX-License-Identifier: MIT
// How often each region (tier 2) has been entered: every region has a counter in each vCPU, which nobody else writes.
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/exec/perf-symbols.h"
#include "tcg/exec/private.h"

enum { COUNTERS = 1 << 17, SHOWN = 10 };

void region_counts_create(struct tcg_cpu *cpu)
{
    cpu->region_entries = mmap(NULL, COUNTERS * sizeof(*cpu->region_entries), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cpu->region_entries == MAP_FAILED)
        abort();
}

void region_counts_destroy(struct tcg_cpu *cpu)
{
    if (cpu->region_entries)
        munmap(cpu->region_entries, COUNTERS * sizeof(*cpu->region_entries));
    cpu->region_entries = NULL;
}

int32_t region_counts_new(struct tcg_engine *e)
{
    uint32_t next = atomic_fetch_add(&e->region_counters, 1);
    if (next < COUNTERS)
        return (int32_t)next;
    atomic_store(&e->region_counters, COUNTERS);
    return -1;
}

void region_counts_clear(struct tcg_engine *e)
{
    for (unsigned i = 0; i < e->machine->vcpus.count; i++)
        madvise(tcg_cpu_of(e->machine->vcpus.cpus[i])->region_entries, COUNTERS * sizeof(uint64_t), MADV_DONTNEED);
    atomic_store(&e->region_counters, 0);
}

struct row {
    const struct tcg_block *block;
    uint64_t entries;
};

static uint64_t entries_of(const struct tcg_engine *e, const struct tcg_block *b)
{
    uint64_t sum = 0;
    for (unsigned i = 0; b->counter >= 0 && i < e->machine->vcpus.count; i++)
        sum += __atomic_load_n(&tcg_cpu_of(e->machine->vcpus.cpus[i])->region_entries[b->counter], __ATOMIC_RELAXED);
    return sum;
}

static unsigned find_rows(const struct tcg_engine *e, struct row *rows)
{
    unsigned count = 0;
    for (const struct tcg_block *b = e->all; b; b = b->all_next) {
        if (!b->region || b->dead)
            continue;
        struct row row = {b, entries_of(e, b)};
        unsigned at = count < SHOWN ? count++ : SHOWN;
        for (; at && rows[at - 1].entries < row.entries; at--)
            if (at < SHOWN)
                rows[at] = rows[at - 1];
        if (at < SHOWN)
            rows[at] = row;
    }
    return count;
}

static void print_row(const struct tcg_engine *e, const struct row *row, FILE *out)
{
    const struct tcg_block *b = row->block;
    uint64_t offset = 0;
    const char *symbol = perf_symbols_find(e->options.perf_symbols, b->pc, &offset);
    fprintf(out, "%12" PRIu64 "  0x%016" PRIx64 "  %6u  %12u  %10zu  %10u", row->entries, b->pc, b->span_count, b->insns,
            (size_t)(b->code.end - b->code.entry), b->translate_ns / 1000);
    if (symbol)
        fprintf(out, "  %.100s+0x%" PRIx64, symbol, offset);
    fputc('\n', out);
}

void region_counts_print(struct tcg_engine *e, FILE *out)
{
    struct row rows[SHOWN];
    pthread_mutex_lock(&e->lock);
    unsigned count = find_rows(e, rows);
    if (count)
        fprintf(out, "     entries  guest address       blocks  instructions  host bytes  made in us  symbol\n");
    for (unsigned i = 0; i < count; i++)
        print_row(e, &rows[i], out);
    pthread_mutex_unlock(&e->lock);
}
