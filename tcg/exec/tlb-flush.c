// SPDX-License-Identifier: MIT
// Invalidation of the soft TLB, with the lookup tables for code; and waiting until other vCPUs have seen it.
#include <sched.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

// But for the global ones.
static void clear_context_entries(struct tlb_context *context)
{
    for (unsigned i = 0; i < context->used_words; i++) {
        for (uint64_t bits = context->used[i]; bits; bits &= bits - 1) {
            struct backend_tlb_entry *e = tlb_entry(context, i * 64 + ctz64(bits));
            if (e->info & TLB_INFO_GLOBAL)
                continue;
            tlb_entry_clear(e);
            context->used[i] &= ~(bits & -bits);
        }
    }
}

// Says so in the page alone: the vCPU, which takes no lock, may have found the entry and be about to use the rest.
static void forget_fetched(struct fetch_entry *f)
{
    __atomic_store_n(&f->page, ~UINT64_C(0), __ATOMIC_RELAXED);
}

static void forget_all_fetched(struct tlb_state *t)
{
    for (unsigned i = 0; i < FETCH_ENTRIES; i++)
        forget_fetched(&t->fetch[i]);
}

static void lock_to_flush(struct tlb_state *t)
{
    pthread_spin_lock(&t->lock);
    t->flushes++;
}

// The end of an invalidation that may have hit what the vCPU uses at this moment.
static void make_stale(struct tcg_cpu *cpu)
{
    if (pthread_equal(pthread_self(), cpu->vcpu.thread))
        return; // it is in a helper, and translated code keeps no address across one
    atomic_store(&cpu->tlb_stale, true);
    vcpu_kick(&cpu->vcpu);
}

void tlb_wait_others(struct tcg_cpu *cpu)
{
    const struct vcpu_group *group = cpu->vcpu.group;
    bool was_in_code = atomic_exchange(&cpu->in_code, false); // two that wait must not wait for each other
    for (unsigned i = 0; i < group->count; i++) {
        struct tcg_cpu *other = tcg_cpu_of(group->cpus[i]);
        while (other != cpu && atomic_load(&other->tlb_stale) && atomic_load(&other->in_code))
            sched_yield();
    }
    atomic_store(&cpu->in_code, was_in_code);
}

void tlb_wait_for_stores(struct tcg_cpu *cpu)
{
    const struct vcpu_group *group = cpu->vcpu.group;
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned i = 0; i < group->count; i++) {
        struct tcg_cpu *other = tcg_cpu_of(group->cpus[i]);
        if (other != cpu && atomic_load(&other->in_code)) {
            atomic_store(&other->tlb_stale, true);
            vcpu_kick(&other->vcpu);
        }
    }
    tlb_wait_others(cpu);
}

void tlb_flush_all(struct tcg_cpu *cpu)
{
    struct tlb_state *t = cpu->tlb;
    if (!t) // another engine's
        return;
    lock_to_flush(t);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++)
        if (t->contexts[i].key)
            tlb_context_clear(&t->contexts[i]);
    code_tables_clear_locked(t, true, 0);
    forget_all_fetched(t);
    tlb_large_clear(&t->large);
    pthread_spin_unlock(&t->lock);
    make_stale(cpu);
}

void tlb_flush_everywhere(struct tcg_engine *e)
{
    for (unsigned i = 0; i < e->machine->vcpus.count; i++) {
        struct tcg_cpu *cpu = tcg_cpu_of(e->machine->vcpus.cpus[i]);
        if (cpu->tlb)
            tlb_flush_all(cpu);
    }
}

void tlb_flush_key(struct tcg_cpu *cpu, uint64_t key)
{
    struct tlb_state *t = cpu->tlb;
    lock_to_flush(t);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++)
        if (t->contexts[i].key == key)
            clear_context_entries(&t->contexts[i]);
    code_tables_clear_locked(t, false, key);
    tlb_large_forget_key(&t->large, key);
    for (unsigned i = 0; i < FETCH_ENTRIES; i++)
        if (t->fetch[i].key == key && !t->fetch[i].global)
            forget_fetched(&t->fetch[i]);
    bool in_use = t->current->key == key;
    pthread_spin_unlock(&t->lock);
    if (in_use)
        make_stale(cpu);
}

void tlb_flush_regime(struct tcg_cpu *cpu, uint32_t regime)
{
    struct tlb_state *t = cpu->tlb;
    lock_to_flush(t);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++)
        if (t->contexts[i].key && t->contexts[i].key >> 32 == regime)
            tlb_context_clear(&t->contexts[i]);
    code_tables_clear_locked(t, true, 0);
    forget_all_fetched(t);
    pthread_spin_unlock(&t->lock);
    make_stale(cpu);
}

static bool in_range(const struct range_flush *r, uint64_t page)
{
    return ((page & r->ignore) - r->first) < r->size;
}

// True when the entry went.
static bool flush_entry(struct tlb_context *c, unsigned number, const struct range_flush *r, bool whole_key)
{
    if (!(c->used[number / 64] & BIT64(number % 64)))
        return false;
    struct backend_tlb_entry *e = tlb_entry(c, number);
    if (!tlb_entry_valid(e) || !in_range(r, tlb_entry_page(e)) || !(whole_key || (e->info & TLB_INFO_GLOBAL)))
        return false;
    tlb_entry_clear(e);
    return true;
}

// True when global entries of another context went.
static bool flush_context_range(struct tlb_context *c, const struct range_flush *r)
{
    enum { EACH_PAGE = 256 }; // more pages than this are not looked for one by one
    bool gone = false, whole_key = r->all_keys || c->key == r->key;
    for (uint64_t i = 0; i < r->size >> TLB_PAGE_BITS && r->size >> TLB_PAGE_BITS <= EACH_PAGE; i++) {
        uint64_t page = r->first + (i << TLB_PAGE_BITS);
        for (unsigned m = 0; m < TLB_MMU_INDEXES; m++) {
            gone |= flush_entry(c, m * TLB_ENTRIES + tlb_index(page), r, whole_key);
            gone |= flush_entry(c, TLB_FIRST_LEVEL + backend_second_index(page, m), r, whole_key);
        }
    }
    for (unsigned i = 0; i < c->used_words && r->size >> TLB_PAGE_BITS > EACH_PAGE; i++)
        for (uint64_t bits = c->used[i]; bits; bits &= bits - 1)
            gone |= flush_entry(c, i * 64 + ctz64(bits), r, whole_key);
    return gone && !whole_key;
}

// Takes in the large mappings that the first and the last page are part of; those between are inside anyway.
static void widen(const struct tlb_state *t, struct range_flush *r)
{
    if (!t->large.sizes)
        return;
    uint64_t last = r->first + r->size - 1;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        uint64_t key = t->contexts[i].key;
        if (!key || key >> 32 != r->key >> 32 || !(r->all_keys || key == r->key))
            continue;
        unsigned at_first = tlb_large_find(&t->large, key, r->first), at_last = tlb_large_find(&t->large, key, last);
        r->first = r->first >> at_first << at_first;
        last |= at_last ? mask64(at_last) : 0;
    }
    // Global mappings count whether or not there is a context for the key.
    unsigned at_first = tlb_large_find(&t->large, 0, r->first), at_last = tlb_large_find(&t->large, 0, last);
    r->first = r->first >> at_first << at_first;
    last |= at_last ? mask64(at_last) : 0;
    r->size = last - r->first + 1;
}

void tlb_flush_range(struct tcg_cpu *cpu, uint64_t key, bool all_keys, uint64_t gva, uint64_t size,
                     unsigned ignore_top_bits)
{
    struct tlb_state *t = cpu->tlb;
    uint64_t mask = ~UINT64_C(0) >> ignore_top_bits;
    struct range_flush r = {.key = key, .all_keys = all_keys, .ignore = mask,
                            .first = gva & mask & -(uint64_t)TLB_PAGE_SIZE};
    r.size = round_up((gva & mask) + size, TLB_PAGE_SIZE) - r.first;
    lock_to_flush(t);
    bool in_use = all_keys || t->current->key == key;
    widen(t, &r);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++)
        if (t->contexts[i].key && t->contexts[i].key >> 32 == key >> 32)
            in_use |= flush_context_range(&t->contexts[i], &r);
    code_tables_clear_range(t, &r);
    uint64_t pages = r.size >> TLB_PAGE_BITS;
    for (uint64_t i = 0; i < pages && i < FETCH_ENTRIES; i++) {
        struct fetch_entry *f = &t->fetch[tlb_fetch_index(r.first + (i << TLB_PAGE_BITS))];
        if (f->page != ~UINT64_C(0) && in_range(&r, f->page)) {
            forget_fetched(f);
            in_use = true;
        }
    }
    pthread_spin_unlock(&t->lock);
    if (in_use)
        make_stale(cpu);
}
