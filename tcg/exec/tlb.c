// SPDX-License-Identifier: MIT
// The soft TLB: contexts, filling, and what is fetched from. Invalidation is in tlb-flush.c.
#include "tcg/exec/tlb.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"
#include "tcg/exec/private.h"

#define CONTEXTS_BYTES (TLB_CONTEXTS * sizeof(struct tlb_context))

void tlb_context_clear(struct tlb_context *context)
{
    for (unsigned i = 0; i < context->used_words; i++) {
        for (uint64_t bits = context->used[i]; bits; bits &= bits - 1)
            tlb_entry_clear(tlb_entry(context, i * 64 + ctz64(bits)));
        context->used[i] = 0;
    }
    context->used_words = 0;
}

void tlb_init(struct tcg_cpu *cpu)
{
    struct tlb_state *t = ALLOC(struct tlb_state);
    pthread_spin_init(&t->lock, PTHREAD_PROCESS_PRIVATE);
    // Of zeros, so that second levels that are not used take no memory.
    t->contexts = mmap(NULL, CONTEXTS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (t->contexts == MAP_FAILED)
        abort();
    for (unsigned c = 0; c < TLB_CONTEXTS; c++)
        for (unsigned i = 0; i < TLB_FIRST_LEVEL; i++)
            tlb_entry_clear(tlb_entry(&t->contexts[c], i));
    cpu->tlb = t;
    t->current = &t->contexts[0];
    t->current->key = 1;
    cpu->tlb_tables = &t->current->tlb;
    memset(t->fetch, 0xff, sizeof(t->fetch));
}

void tlb_destroy(struct tcg_cpu *cpu)
{
    struct tlb_state *t = cpu->tlb;
    for (unsigned i = 0; i < CODE_CONTEXTS; i++)
        free(t->code_contexts[i]);
    munmap(t->contexts, CONTEXTS_BYTES);
    pthread_spin_destroy(&t->lock);
    free(t);
    cpu->tlb = NULL;
}

// A new address space begins with what the regime's address spaces share, as far as the one before had it at hand.
static void copy_global_entries(struct tlb_context *to, struct tlb_context *from)
{
    for (unsigned i = 0; i < TLB_FIRST_LEVEL / 64 && i < from->used_words; i++) {
        for (uint64_t bits = from->used[i]; bits; bits &= bits - 1) {
            unsigned number = i * 64 + ctz64(bits);
            struct backend_tlb_entry *e = tlb_entry(from, number);
            if (!(e->info & TLB_INFO_GLOBAL) || !tlb_entry_valid(e))
                continue;
            *tlb_entry(to, number) = *e;
            tlb_entry_use(to, number);
        }
    }
}

void tlb_switch(struct tcg_cpu *cpu, uint64_t key)
{
    struct tlb_state *t = cpu->tlb;
    if (!t || t->current->key == key)
        return;
    struct tlb_context *oldest = NULL;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *c = &t->contexts[i];
        if (c->key == key) {
            oldest = c;
            break;
        }
        if (!oldest || c->last_used < oldest->last_used)
            oldest = c;
    }
    pthread_spin_lock(&t->lock);
    if (oldest->key != key) {
        if (oldest->key) {
            tlb_context_clear(oldest);
            tlb_large_forget_key(&t->large, oldest->key);
        }
        oldest->key = key;
        if (t->current->key >> 32 == key >> 32)
            copy_global_entries(oldest, t->current);
    }
    oldest->last_used = ++t->clock;
    t->current = oldest;
    cpu->tlb_tables = &oldest->tlb;
    pthread_spin_unlock(&t->lock);
}

// --- filling ---

// With the lock held, before the entry is made.
static void note_large(struct tlb_state *t, uint64_t gva, const struct tlb_translation *tr)
{
    uint64_t key = tr->global ? 0 : t->current->key;
    if (tlb_large_note(&t->large, key, gva, tr->page_log2))
        return;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++)
        if (t->contexts[i].key)
            tlb_context_clear(&t->contexts[i]);
    memset(t->fetch, 0xff, sizeof(t->fetch));
    code_tables_clear_locked(t, true, 0);
    tlb_large_clear(&t->large);
    tlb_large_note(&t->large, key, gva, tr->page_log2);
}

// False when there was an invalidation since `flushes` was read: the translation may be an old one.
static bool fill(struct tcg_cpu *cpu, struct tlb_place *place, uint64_t gva, enum tlb_access access, unsigned mmu_index,
                 const struct tlb_translation *tr, const struct mem_range *range, uint64_t flushes)
{
    struct backend_tlb_entry *e = place->entry;
    struct tlb_state *t = cpu->tlb;
    uint64_t page = gva & -(uint64_t)TLB_PAGE_SIZE, gpa_page = tr->gpa & -(uint64_t)TLB_PAGE_SIZE;
    bool whole = range && gpa_page >= range->base && range_inside(gpa_page - range->base, TLB_PAGE_SIZE, range->size);
    bool direct_read = whole && mem_range_direct_read(range), direct_write = whole && mem_range_direct_write(range);
    bool watched = tr->watched || stops_watched(&cpu->engine->stops.armed, page, TLB_PAGE_SIZE);
    uint64_t device = (tr->device ? TLB_TAG_DEVICE : 0) | (watched ? TLB_TAG_WATCHED : 0);
    pthread_spin_lock(&t->lock);
    if (t->flushes != flushes) {
        pthread_spin_unlock(&t->lock);
        return false;
    }
    if (tr->page_log2 > TLB_PAGE_BITS)
        note_large(t, gva, tr);
    if (tlb_entry_valid(e) && tlb_entry_page(e) != page)
        tlb_second_put(t->current, mmu_index, e);
    uint64_t read_tag = ~UINT64_C(0), write_tag = ~UINT64_C(0);
    if (tr->readable)
        read_tag = page | device | (direct_read ? 0 : TLB_TAG_MMIO);
    if (tr->writable)
        write_tag = page | device | (direct_write ? 0 : TLB_TAG_MMIO);
    if (whole && range->host) {
        uint64_t offset = gpa_page - range->base;
        e->addend = (uint64_t)(uintptr_t)(range->host + offset) - page;
        if (tr->writable && !tlb_stores_unseen(&range->page_flags[offset >> TLB_PAGE_BITS]))
            write_tag |= TLB_TAG_CODE;
    }
    tlb_entry_use(t->current, mmu_index * TLB_ENTRIES + tlb_index(gva));
    e->info = gpa_page | (tr->global ? TLB_INFO_GLOBAL : 0);
    __atomic_store_n(&e->read_tag, read_tag, __ATOMIC_RELEASE);
    __atomic_store_n(&e->write_tag, write_tag, __ATOMIC_RELEASE);
    place->tag = access == TLB_WRITE ? write_tag : read_tag;
    pthread_spin_unlock(&t->lock);
    cpu->tlb_fills++;
    return true;
}

static bool lookup_miss(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                        struct tlb_place *place, struct tlb_fault *fault, bool *bus_error)
{
    for (;;) {
        struct tlb_translation tr = {0};
        uint64_t flushes = atomic_load(&cpu->tlb->flushes);
        if (!cpu->guest->translate_address(cpu, gva, access, mmu_index, probe, &tr, fault))
            return false;
        const struct mem_range *range = memory_map_find(cpu->memory, tr.gpa);
        if (!range && !cpu->guest->open_bus) {
            fault->gpa = tr.gpa;
            *bus_error = true;
            return false;
        }
        if (fill(cpu, place, gva, access, mmu_index, &tr, range, flushes))
            return true;
    }
}

bool tlb_lookup(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                struct tlb_place *place, struct tlb_fault *fault, bool *bus_error)
{
    struct backend_tlb_entry *e = &cpu->tlb->current->tlb.tables[mmu_index][tlb_index(gva)];
    place->entry = e;
    place->tag = tlb_entry_tag(e, access);
    *bus_error = false;
    if ((place->tag & TLB_TAG_INVALID) || ((place->tag ^ gva) & -(uint64_t)TLB_PAGE_SIZE) != 0) {
        struct backend_tlb_entry *second = tlb_second_find(cpu->tlb, gva, access, mmu_index, &place->tag);
        if (second)
            place->entry = e = second;
        else if (!lookup_miss(cpu, gva, access, mmu_index, probe, place, fault, bus_error))
            return false;
    }
    place->host = place->tag & TLB_TAG_MMIO ? NULL : (uint8_t *)(uintptr_t)(gva + e->addend);
    place->gpa = (e->info & -(uint64_t)TLB_PAGE_SIZE) | (gva & (TLB_PAGE_SIZE - 1));
    return true;
}

static struct fetch_entry *fetch_place(struct tcg_cpu *cpu, uint64_t pc)
{
    return &cpu->tlb->fetch[tlb_fetch_index(pc)];
}

// Translates the pc's page into *f, counting the invalidations before that. False when an exception was raised.
static bool fetch_miss(struct tcg_cpu *cpu, uint64_t pc, unsigned mmu_index, struct fetch_entry *f, uint64_t *flushes)
{
    struct tlb_state *t = cpu->tlb;
    struct fetch_entry *place = fetch_place(cpu, pc);
    for (bool done = false; !done;) {
        struct tlb_translation tr = {0};
        struct tlb_fault fault = {0};
        *flushes = atomic_load(&t->flushes);
        if (!cpu->guest->translate_address(cpu, pc, TLB_FETCH, mmu_index, false, &tr, &fault)) {
            cpu->guest->raise_fault(cpu, &fault, mmu_index, 2);
            return false;
        }
        const struct mem_range *range = memory_map_find(cpu->memory, tr.gpa);
        uint64_t gpa_page = tr.gpa & -(uint64_t)TLB_PAGE_SIZE;
        if (!range || !mem_range_direct_read(range) || gpa_page < range->base ||
            !range_inside(gpa_page - range->base, TLB_PAGE_SIZE, range->size)) {
            cpu->guest->raise_bus_error(cpu, pc, tr.gpa, TLB_FETCH, mmu_index);
            return false;
        }
        *f = (struct fetch_entry){.page = pc & -(uint64_t)TLB_PAGE_SIZE, .key = t->current->key,
                                  .ram_offset = range->ram_offset + (gpa_page - range->base),
                                  .code_flags = tr.code_flags, .mmu_index = (uint8_t)mmu_index, .global = tr.global};
        pthread_spin_lock(&t->lock);
        done = t->flushes == *flushes;
        if (done && tr.page_log2 > TLB_PAGE_BITS)
            note_large(t, pc, &tr);
        if (done)
            *place = *f;
        pthread_spin_unlock(&t->lock);
    }
    return true;
}

static bool fetch_hits(const struct tcg_cpu *cpu, const struct fetch_entry *f, uint64_t pc, unsigned mmu_index)
{
    uint64_t key = cpu->tlb->current->key;
    return __atomic_load_n(&f->page, __ATOMIC_RELAXED) == (pc & -(uint64_t)TLB_PAGE_SIZE) && f->mmu_index == mmu_index &&
           (f->key == key || (f->global && f->key >> 32 == key >> 32));
}

const uint8_t *tcg_fetch_at_hand(struct tcg_cpu *cpu, uint64_t pc)
{
    // Other threads only take entries away, which this vCPU need not see before its next poll: no lock.
    const struct fetch_entry *f = fetch_place(cpu, pc);
    if (!fetch_hits(cpu, f, pc, cpu->guest->fetch_mmu_index(cpu)))
        return NULL;
    return cpu->engine->ram->host + f->ram_offset + (pc & (TLB_PAGE_SIZE - 1));
}

bool tlb_fetch(struct tcg_cpu *cpu, uint64_t pc, struct tlb_fetched *out)
{
    struct tlb_state *t = cpu->tlb;
    unsigned mmu_index = cpu->guest->fetch_mmu_index(cpu);
    pthread_spin_lock(&t->lock);
    struct fetch_entry f = *fetch_place(cpu, pc);
    out->flushes = t->flushes;
    pthread_spin_unlock(&t->lock);
    if (!fetch_hits(cpu, &f, pc, mmu_index) &&
        !fetch_miss(cpu, pc, mmu_index, &f, &out->flushes))
        return false;
    out->ram_offset = f.ram_offset + (pc & (TLB_PAGE_SIZE - 1));
    out->code_flags = f.code_flags;
    out->global = f.global;
    return true;
}

// --- printing ---

static void print_entry(struct tlb_context *c, unsigned number, FILE *out)
{
    const struct backend_tlb_entry *e = tlb_entry(c, number);
    if (!tlb_entry_valid(e))
        return;
    bool second = number >= TLB_FIRST_LEVEL;
    uint64_t page = tlb_entry_page(e);
    unsigned m = second ? (number - TLB_FIRST_LEVEL) ^ backend_second_index(page, 0) : number / TLB_ENTRIES;
    fprintf(out, "  index %u: %016llx -> %012llx %c%c%s%s\n", m, (unsigned long long)page,
            (unsigned long long)(e->info & ~(uint64_t)TLB_TAG_FLAGS), e->read_tag & TLB_TAG_INVALID ? '-' : 'r',
            e->write_tag & TLB_TAG_INVALID ? '-' : 'w', e->info & TLB_INFO_GLOBAL ? " global" : "",
            second ? " second level" : "");
}

void tlb_print(struct tcg_cpu *cpu, FILE *out)
{
    struct tlb_state *t = cpu->tlb;
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        struct tlb_context *context = &t->contexts[c];
        if (!context->key)
            continue;
        fprintf(out, "context %u key %#llx%s\n", c, (unsigned long long)context->key,
                context == t->current ? " (current)" : "");
        for (unsigned i = 0; i < context->used_words; i++)
            for (uint64_t bits = context->used[i]; bits; bits &= bits - 1)
                print_entry(context, i * 64 + ctz64(bits), out);
    }
}
