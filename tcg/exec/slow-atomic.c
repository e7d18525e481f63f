// SPDX-License-Identifier: MIT
// The slow paths' read-modify-writes: by the host's compare and swap where there is one for the place, else with every other
// vCPU held off.
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/exec/slow.h"

static uint64_t combine(enum ir_atomic kind, unsigned bits, uint64_t old, uint64_t operand)
{
    int64_t so = sextract64(old, 0, bits), sn = sextract64(operand, 0, bits);
    uint64_t uo = extract64(old, 0, bits), un = extract64(operand, 0, bits);
    switch (kind) {
    case IR_ATOMIC_XCHG:
        return operand;
    case IR_ATOMIC_ADD:
        return old + operand;
    case IR_ATOMIC_AND:
        return old & operand;
    case IR_ATOMIC_OR:
        return old | operand;
    case IR_ATOMIC_XOR:
        return old ^ operand;
    case IR_ATOMIC_SMIN:
        return so < sn ? old : operand;
    case IR_ATOMIC_SMAX:
        return so > sn ? old : operand;
    case IR_ATOMIC_UMIN:
        return uo < un ? old : operand;
    default:
        return uo > un ? old : operand;
    }
}

// Compare and swap of `size` bytes; *expected becomes what was there. Host byte order.
static bool host_cas(void *host, unsigned size, uint64_t *expected, uint64_t desired)
{
    switch (size) {
    case 1: {
        uint8_t e = (uint8_t)*expected;
        bool ok = __atomic_compare_exchange_n((uint8_t *)host, &e, (uint8_t)desired, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    case 2: {
        uint16_t e = (uint16_t)*expected;
        bool ok = __atomic_compare_exchange_n((uint16_t *)host, &e, (uint16_t)desired, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    case 4: {
        uint32_t e = (uint32_t)*expected;
        bool ok = __atomic_compare_exchange_n((uint32_t *)host, &e, (uint32_t)desired, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    default:
        return __atomic_compare_exchange_n((uint64_t *)host, expected, desired, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    }
}

static uint64_t swap_if(uint64_t value, unsigned size, bool swap)
{
    if (!swap)
        return value;
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

static uint64_t atomic_result(const struct slow_request *r, uint64_t old, uint64_t operand)
{
    unsigned size = 1u << r->mem.size_log2, bits = size * 8;
    if (r->op == IR_CAS)
        return old == operand ? load_le(r->data2, size) : old;
    return extract64(combine(r->aux, bits, old, operand), 0, bits);
}

// Where the host has no locked operation: across pages and on devices, piece by piece with every other vCPU held off.
static uint64_t split_atomic(struct tcg_cpu *cpu, const struct slow_request *r)
{
    unsigned size = 1u << r->mem.size_log2, index = r->mem.mmu_index, first = bytes_in_page(r->address, size);
    uint8_t bytes[8];
    struct tlb_place p = slow_place_of(cpu, r->address, r->mem.size_log2, TLB_WRITE, index);
    slow_check_own_code(cpu, &p, first);
    if (first < size) {
        p = slow_place_of(cpu, r->address + first, r->mem.size_log2, TLB_WRITE, index);
        slow_check_own_code(cpu, &p, size - first);
    }
    if (!cpu->others_stopped)
        slow_restore_state(cpu);
    tcg_do_alone(cpu);
    slow_read_piece(cpu, r->address, first, index, bytes);
    if (first < size)
        slow_read_piece(cpu, r->address + first, size - first, index, bytes + first);
    uint64_t old = load_le(bytes, size);
    store_le(bytes, size, atomic_result(r, old, load_le(r->data, size)));
    slow_write_piece(cpu, r->address, first, index, bytes);
    if (first < size)
        slow_write_piece(cpu, r->address + first, size - first, index, bytes + first);
    return old;
}

// A read-modify-write. x86 hosts do locked operations across any boundary but a page's; what is not aligned within a
// page is left to them.
uint64_t slow_atomic(struct tcg_cpu *cpu, const struct slow_request *r)
{
    unsigned size = 1u << r->mem.size_log2, bits = size * 8;
    if (bytes_in_page(r->address, size) < size) {
        if (cpu->guest->atomics_anywhere)
            return split_atomic(cpu, r);
        slow_misaligned(cpu, r->address, TLB_WRITE, r->mem.mmu_index);
    }
    struct tlb_place p = slow_place_of(cpu, r->address, r->mem.size_log2, TLB_WRITE, r->mem.mmu_index);
    slow_check_device_alignment(cpu, p.tag, r->address, size, TLB_WRITE, r->mem.mmu_index);
    slow_check_watched(cpu, p.tag, r->address, size, TLB_WRITE);
    uint8_t *host = p.host;
    if (!host) {
        if (cpu->guest->atomics_anywhere)
            return split_atomic(cpu, r);
        slow_bus_error(cpu, r->address, p.gpa, TLB_WRITE, r->mem.mmu_index);
    }
    slow_check_own_code(cpu, &p, size);
    bool swap = r->mem.big_endian;
    uint64_t operand = load_le(r->data, size), old, stored = 0;
    if (r->op == IR_CAS) {
        stored = swap_if(operand, size, swap);
        host_cas(host, size, &stored, swap_if(load_le(r->data2, size), size, swap));
        old = swap_if(stored, size, swap);
    } else {
        uint8_t bytes[8];
        ram_read(bytes, host, size);
        stored = load_le(bytes, size);
        do {
            old = swap_if(stored, size, swap);
        } while (!host_cas(host, size, &stored,
                           swap_if(extract64(combine(r->aux, bits, old, operand), 0, bits), size, swap)));
    }
    if (p.tag & TLB_TAG_CODE)
        tcg_wrote_code_page(cpu, p.entry, host, size);
    return old;
}
