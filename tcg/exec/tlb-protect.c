// SPDX-License-Identifier: MIT
// Sending stores to pages of RAM the slow way, on all vCPUs: pages that get translated code, and those that a display wants to
// know of.
#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

struct host_range {
    uint64_t start, bytes; // whole pages
};

static void protect_entry(struct backend_tlb_entry *e, struct host_range range)
{
    uint64_t page = (e->write_tag & -(uint64_t)TLB_PAGE_SIZE) + e->addend;
    if (!(e->write_tag & (TLB_TAG_INVALID | TLB_TAG_MMIO)) && page - range.start < range.bytes)
        __atomic_store_n(&e->write_tag, e->write_tag | TLB_TAG_CODE, __ATOMIC_RELAXED);
}

static void protect(struct tlb_state *t, struct host_range range)
{
    pthread_spin_lock(&t->lock);
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        if (!t->contexts[c].key)
            continue;
        for (unsigned i = 0; i < t->contexts[c].used_words; i++)
            for (uint64_t bits = t->contexts[c].used[i]; bits; bits &= bits - 1)
                protect_entry(tlb_entry(&t->contexts[c], i * 64 + ctz64(bits)), range);
    }
    pthread_spin_unlock(&t->lock);
}

static void protect_everywhere(struct tcg_engine *engine, uint64_t ram_offset, uint64_t bytes)
{
    const struct vcpu_group *group = &engine->machine->vcpus;
    struct host_range range = {(uint64_t)(uintptr_t)(engine->ram->host + ram_offset), bytes};
    for (unsigned n = 0; n < group->count; n++)
        protect(tcg_cpu_of(group->cpus[n])->tlb, range);
}

void tlb_protect_page(struct tcg_engine *engine, uint64_t ram_offset)
{
    // What is entered from now on sees PAGE_CODE.
    if (atomic_fetch_and(&engine->ram->page_flags[ram_offset >> TLB_PAGE_BITS], (uint8_t)~PAGE_STORED) & PAGE_STORED)
        protect_everywhere(engine, ram_offset, TLB_PAGE_SIZE);
}

static void watch_protect(void *opaque, uint64_t ram_offset, uint64_t bytes)
{
    struct tcg_engine *engine = opaque;
    const struct vcpu_group *group = &engine->machine->vcpus;
    protect_everywhere(engine, ram_offset, bytes);
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned n = 0; n < group->count; n++) {
        struct tcg_cpu *cpu = tcg_cpu_of(group->cpus[n]);
        if (!atomic_load(&cpu->in_code))
            continue;
        atomic_store(&cpu->tlb_stale, true);
        vcpu_kick(&cpu->vcpu);
    }
}

static bool watch_settled(void *opaque)
{
    const struct vcpu_group *group = &((struct tcg_engine *)opaque)->machine->vcpus;
    for (unsigned n = 0; n < group->count; n++) {
        struct tcg_cpu *cpu = tcg_cpu_of(group->cpus[n]);
        if (atomic_load(&cpu->tlb_stale) && atomic_load(&cpu->in_code))
            return false;
    }
    return true;
}

const struct guest_ram_watch_ops tlb_watch_ops = {.protect = watch_protect, .settled = watch_settled};
