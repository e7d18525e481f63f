// SPDX-License-Identifier: MIT
// What the files of the slow paths share. What raises something does not return: it leaves for the run loop, with the
// guest's state as it was before the instruction.
#pragma once

#include <string.h>

#include "tcg/base/endian.h"
#include "tcg/exec/private.h"

// --- slow.c ---
// Makes the guest's state what it was before the instruction. Once; nothing the second time.
void slow_restore_state(struct tcg_cpu *cpu);
_Noreturn void slow_fault(struct tcg_cpu *cpu, const struct tlb_fault *f, unsigned mmu_index, unsigned size_log2);
_Noreturn void slow_bus_error(struct tcg_cpu *cpu, uint64_t gva, uint64_t gpa, enum tlb_access access,
                              unsigned mmu_index);
_Noreturn void slow_misaligned(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index);
// The checks before an access to a place that was found, which raise what is due.
void slow_check_own_code(struct tcg_cpu *cpu, const struct tlb_place *place, unsigned size);
void slow_check_watched(struct tcg_cpu *cpu, uint64_t tag, uint64_t gva, unsigned size, enum tlb_access access);
void slow_check_device_alignment(struct tcg_cpu *cpu, uint64_t tag, uint64_t gva, unsigned size, enum tlb_access access,
                                 unsigned mmu_index);

// --- slow-memory.c ---
// Where an access is, or its fault is raised. Inline: a structure that is handed back is read in wider pieces than it was just
// written in, for which processors wait.
static inline struct tlb_place slow_place_of(struct tcg_cpu *cpu, uint64_t gva, unsigned size_log2, enum tlb_access access,
                                             unsigned mmu_index)
{
    struct tlb_fault f = {0};
    struct tlb_place p;
    bool bus;
    if (tlb_lookup(cpu, gva, access, mmu_index, false, &p, &f, &bus))
        return p;
    if (bus)
        slow_bus_error(cpu, gva, f.gpa, access, mmu_index);
    slow_fault(cpu, &f, mmu_index, size_log2);
}
// Within a page.
void slow_read_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, uint8_t *out);
void slow_write_piece(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, const uint8_t *in);
// Across pages too: nothing is done when one of them faults.
void slow_read_bytes(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, uint8_t *out);
void slow_write_bytes(struct tcg_cpu *cpu, uint64_t gva, unsigned size, unsigned mmu_index, const uint8_t *in);

// --- slow-atomic.c ---
// Does a read-modify-write; what was there before.
uint64_t slow_atomic(struct tcg_cpu *cpu, const struct slow_request *request);

static inline unsigned bytes_in_page(uint64_t gva, unsigned size)
{
    uint64_t room = TLB_PAGE_SIZE - (gva & (TLB_PAGE_SIZE - 1));
    return size <= room ? size : (unsigned)room;
}

// Aligned words are read and written whole, as the inline path does: other vCPUs may do the same.
static inline void ram_read(void *out, const uint8_t *host, unsigned size)
{
    uintptr_t at = (uintptr_t)host;
    if (size == 8 && !(at & 7))
        store_le64(out, __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_RELAXED));
    else if (size == 4 && !(at & 3))
        store_le32(out, __atomic_load_n((const uint32_t *)(const void *)host, __ATOMIC_RELAXED));
    else if (size == 2 && !(at & 1))
        store_le16(out, __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED));
    else
        memcpy(out, host, size);
}

static inline void ram_write(uint8_t *host, const void *in, unsigned size)
{
    uintptr_t at = (uintptr_t)host;
    if (size == 8 && !(at & 7))
        __atomic_store_n((uint64_t *)(void *)host, load_le64(in), __ATOMIC_RELAXED);
    else if (size == 4 && !(at & 3))
        __atomic_store_n((uint32_t *)(void *)host, load_le32(in), __ATOMIC_RELAXED);
    else if (size == 2 && !(at & 1))
        __atomic_store_n((uint16_t *)(void *)host, load_le16(in), __ATOMIC_RELAXED);
    else
        memcpy(host, in, size);
}
