// SPDX-License-Identifier: MIT
// Compare and swap of 16 bytes, for CASP and STXP. Built with the host's 16-byte compare and swap (see CMakeLists.txt).

#include "target-arm/cpu.h"
#include "target-arm/exception.h"
#include "target-arm/helper.h"
#include "tcg/base/endian.h"

typedef unsigned __int128 u128;

static uint64_t guest_order(uint64_t value, bool big_endian)
{
    return big_endian ? htobe64(value) : htole64(value);
}

static u128 pair(uint64_t first, uint64_t second, bool big_endian)
{
    return (u128)guest_order(second, big_endian) << 64 | guest_order(first, big_endian);
}

// What is not RAM has no atomic access of 16 bytes: the halves are read and written one after the other.
static u128 cas_slow(struct arm_cpu *cpu, uint64_t gva, u128 expected, u128 desired, unsigned mmu_index)
{
    u128 old = tlb_load(&cpu->tcg, gva, 8, mmu_index);
    old |= (u128)tlb_load(&cpu->tcg, gva + 8, 8, mmu_index) << 64;
    if (old == expected) {
        tlb_store(&cpu->tcg, gva, 8, (uint64_t)desired, mmu_index);
        tlb_store(&cpu->tcg, gva + 8, 8, (uint64_t)(desired >> 64), mmu_index);
    }
    return old;
}

static void cas16(struct arm_cpu *cpu, void *result, uint64_t gva, const void *compare, const void *swap,
                  uint32_t flags)
{
    uint64_t halves[2], compare_halves[2], swap_halves[2];
    memcpy(compare_halves, compare, 16);
    memcpy(swap_halves, swap, 16);
    unsigned mmu_index = flags & (ARM_CAS16_BIG_ENDIAN - 1);
    bool big_endian = flags & ARM_CAS16_BIG_ENDIAN;
    if (gva & 15) {
        arm_raise_alignment(&cpu->tcg, gva, TLB_WRITE, mmu_index);
        tcg_leave(&cpu->tcg);
    }
    u128 expected = pair(compare_halves[0], compare_halves[1], big_endian);
    u128 desired = pair(swap_halves[0], swap_halves[1], big_endian), old;
    u128 *host = tlb_host(&cpu->tcg, gva, TLB_WRITE, mmu_index, false);
    old = host ? __sync_val_compare_and_swap(host, expected, desired)
               : cas_slow(cpu, gva, expected, desired, mmu_index);
    halves[0] = guest_order((uint64_t)old, big_endian);
    halves[1] = guest_order((uint64_t)(old >> 64), big_endian);
    memcpy(result, halves, sizeof(halves));
}
const struct ir_helper arm_helper_cas16 = {
    "cas16", ARM_HELPER_FN(cas16), IR_HELPER_MAY_FAULT, IR_V128, 4, {IR_I64, IR_V128, IR_V128, IR_I32}};
