// SPDX-License-Identifier: MIT
// The slow paths' reads and writes of guest memory, in one page or across two: RAM at once, devices by pieces of a size that
// they are asked for.
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/exec/slow.h"

void slow_read_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, uint8_t *out)
{
    struct tlb_place p = slow_place_of(cpu, gva, ctz32(size), TLB_READ, mmu_index);
    slow_check_device_alignment(cpu, p.tag, gva, size, TLB_READ, mmu_index);
    slow_check_watched(cpu, p.tag, gva, size, TLB_READ);
    if (p.host) {
        ram_read(out, p.host, size);
        return;
    }
    uint64_t gpa = p.gpa;
    struct mem_requester who = {.cpu = (uint16_t)cpu->vcpu.index};
    for (unsigned done = 0; done < size;) {
        unsigned part = memory_access_piece(size - done);
        uint64_t value;
        if (memory_map_read(cpu->memory, who, gpa + done, part, &value) != MEM_OK) {
            if (!cpu->guest->open_bus)
                slow_bus_error(cpu, gva + done, gpa + done, TLB_READ, mmu_index);
            value = ~UINT64_C(0);
        }
        store_le(out + done, part, value);
        done += part;
    }
}

void slow_write_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, const uint8_t *in)
{
    struct tlb_place p = slow_place_of(cpu, gva, ctz32(size), TLB_WRITE, mmu_index);
    slow_check_device_alignment(cpu, p.tag, gva, size, TLB_WRITE, mmu_index);
    if (p.host) {
        ram_write(p.host, in, size);
        if (p.tag & TLB_TAG_CODE)
            tcg_wrote_code_page(cpu, p.entry, p.host, size);
        return;
    }
    uint64_t gpa = p.gpa;
    struct mem_requester who = {.cpu = (uint16_t)cpu->vcpu.index};
    for (unsigned done = 0; done < size;) {
        unsigned part = memory_access_piece(size - done);
        if (memory_map_write(cpu->memory, who, gpa + done, part, load_le(in + done, part)) != MEM_OK &&
            !cpu->guest->open_bus)
            slow_bus_error(cpu, gva + done, gpa + done, TLB_WRITE, mmu_index);
        done += part;
    }
}

// After a store to a page with translated code: what it hit is discarded, and the page is fast again if nothing is left.
void tcg_wrote_code_page(struct tcg_cpu *cpu, struct backend_tlb_entry *e, uint8_t *host, uint64_t size)
{
    struct guest_ram *ram = cpu->engine->ram;
    uint64_t offset = (uint64_t)(host - ram->host);
    guest_ram_wrote(ram, offset, size);
    if (tlb_stores_matter(atomic_load(&ram->page_flags[offset >> TLB_PAGE_BITS])))
        return;
    struct tlb_state *t = cpu->tlb;
    pthread_spin_lock(&t->lock);
    if (!(e->write_tag & TLB_TAG_INVALID) && tlb_stores_unseen(&ram->page_flags[offset >> TLB_PAGE_BITS]))
        __atomic_store_n(&e->write_tag, e->write_tag & ~(uint64_t)TLB_TAG_CODE, __ATOMIC_RELAXED);
    pthread_spin_unlock(&t->lock);
}

void slow_read_bytes(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, uint8_t *out)
{
    unsigned first = bytes_in_page(gva, size);
    if (first < size) {
        // Both pages before any side effect, in order.
        slow_place_of(cpu, gva, ctz32(size), TLB_READ, mmu_index);
        slow_place_of(cpu, gva + first, ctz32(size), TLB_READ, mmu_index);
    }
    slow_read_piece(cpu, gva, first, mmu_index, out);
    if (first < size)
        slow_read_piece(cpu, gva + first, size - first, mmu_index, out + first);
}

void slow_write_bytes(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, const uint8_t *in)
{
    unsigned first = bytes_in_page(gva, size);
    struct tlb_place at = slow_place_of(cpu, gva, ctz32(size), TLB_WRITE, mmu_index);
    slow_check_own_code(cpu, &at, first);
    if (first < size) {
        struct tlb_place p = slow_place_of(cpu, gva + first, ctz32(size), TLB_WRITE, mmu_index);
        slow_check_own_code(cpu, &p, size - first);
        slow_check_watched(cpu, p.tag, gva + first, size - first, TLB_WRITE);
    }
    slow_check_watched(cpu, at.tag, gva, first, TLB_WRITE);
    slow_write_piece(cpu, gva, first, mmu_index, in);
    if (first < size)
        slow_write_piece(cpu, gva + first, size - first, mmu_index, in + first);
}
