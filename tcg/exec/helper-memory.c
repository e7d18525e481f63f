// SPDX-License-Identifier: MIT
// Accesses to guest memory by helpers (tlb.h): at once where the soft TLB has plain memory, else as the slow paths do them.
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/exec/slow.h"

// The host's address of an access that the soft TLB has as one to plain memory, with nobody to be told; else NULL.
static uint8_t *at_hand(struct tcg_cpu *cpu, uint64_t gva, unsigned size, enum tlb_access access, unsigned mmu_index)
{
    const struct backend_tlb *tlb = &cpu->tlb->current->tlb;
    const struct backend_tlb_entry *e = &tlb->tables[mmu_index][tlb_index(gva)];
    bool there = tlb_entry_tag(e, access) == (gva & -(uint64_t)TLB_PAGE_SIZE) && bytes_in_page(gva, size) == size;
    return there ? (uint8_t *)(uintptr_t)(gva + e->addend) : NULL;
}

uint64_t tlb_load(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index)
{
    uint8_t bytes[16] = {0};
    const uint8_t *host = at_hand(cpu, gva, size, TLB_READ, mmu_index);
    if (host)
        ram_read(bytes, host, size);
    else
        slow_read_bytes(cpu, gva, size, mmu_index, bytes);
    return load_le64(bytes);
}

void tlb_store(struct tcg_cpu *cpu, uint64_t gva, unsigned size, uint64_t value, unsigned mmu_index)
{
    uint8_t bytes[16] = {0};
    store_le64(bytes, value);
    uint8_t *host = at_hand(cpu, gva, size, TLB_WRITE, mmu_index);
    if (host)
        ram_write(host, bytes, size);
    else
        slow_write_bytes(cpu, gva, size, mmu_index, bytes);
}

// The next piece of an access to `left` bytes: a page at once where that is plain memory, which is then at *host.
static unsigned next_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned left, enum tlb_access access, unsigned mmu_index,
                           uint8_t **host)
{
    unsigned in_page = bytes_in_page(gva, left);
    slow_place_of(cpu, gva, 0, access, mmu_index);
    *host = at_hand(cpu, gva, in_page, access, mmu_index);
    if (*host)
        return in_page;
    return in_page >= 8 ? 8 : is_power_of_two(in_page) ? in_page : 1;
}

void tlb_load_bytes(struct tcg_cpu *cpu, uint64_t gva, void *out, unsigned size, unsigned mmu_index)
{
    for (unsigned done = 0, part; done < size; done += part) {
        uint8_t *host, *to = (uint8_t *)out + done;
        part = next_piece(cpu, gva + done, size - done, TLB_READ, mmu_index, &host);
        if (host)
            memcpy(to, host, part);
        else
            store_le(to, part, tlb_load(cpu, gva + done, part, mmu_index));
    }
}

void tlb_store_bytes(struct tcg_cpu *cpu, uint64_t gva, const void *in, unsigned size, unsigned mmu_index)
{
    for (unsigned first = bytes_in_page(gva, size); first < size; first += bytes_in_page(gva + first, size - first))
        slow_place_of(cpu, gva + first, 0, TLB_WRITE, mmu_index);
    for (unsigned done = 0, part; done < size; done += part) {
        uint8_t *host;
        const uint8_t *from = (const uint8_t *)in + done;
        part = next_piece(cpu, gva + done, size - done, TLB_WRITE, mmu_index, &host);
        if (host)
            memcpy(host, from, part);
        else
            tlb_store(cpu, gva + done, part, load_le(from, part), mmu_index);
    }
}

void *tlb_host(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe)
{
    struct tlb_fault f = {0};
    bool bus;
    struct tlb_place p;
    if (!tlb_lookup(cpu, gva, access, mmu_index, probe, &p, &f, &bus)) {
        if (probe)
            return NULL;
        if (bus)
            slow_bus_error(cpu, gva, f.gpa, access, mmu_index);
        slow_fault(cpu, &f, mmu_index, 0);
    }
    if (p.tag & TLB_TAG_WATCHED)
        return NULL;
    if (p.host && access == TLB_WRITE && (p.tag & TLB_TAG_CODE)) {
        uint8_t *page = (uint8_t *)((uintptr_t)p.host & -(uintptr_t)TLB_PAGE_SIZE);
        tcg_wrote_code_page(cpu, p.entry, page, TLB_PAGE_SIZE);
    }
    return p.host;
}
