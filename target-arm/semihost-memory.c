// SPDX-License-Identifier: MIT
// Guest memory for semihosting calls: RAM that the calling code could access itself. An access that it could not make fails,
// without an exception.

#include <string.h>

#include "target-arm/cpu.h"
#include "target-arm/semihost.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

void *arm_semihost_host(struct arm_cpu *cpu, uint64_t gva, bool write, size_t *size)
{
    unsigned mmu_index = extract64(cpu->block_flags, ARM_BF_MMU, 2);
    size_t left = TLB_PAGE_SIZE - (gva & (TLB_PAGE_SIZE - 1));
    if (*size > left)
        *size = left;
    return tlb_host(&cpu->tcg, gva, write ? TLB_WRITE : TLB_READ, mmu_index, true);
}

bool arm_semihost_copy_in(struct arm_cpu *cpu, uint64_t gva, void *data, size_t size)
{
    for (size_t done = 0, n; done < size; done += n) {
        n = size - done;
        const void *host = arm_semihost_host(cpu, gva + done, false, &n);
        if (!host)
            return false;
        memcpy((char *)data + done, host, n);
    }
    return true;
}

bool arm_semihost_copy_out(struct arm_cpu *cpu, uint64_t gva, const void *data, size_t size)
{
    for (size_t done = 0, n; done < size; done += n) {
        n = size - done;
        void *host = arm_semihost_host(cpu, gva + done, true, &n);
        if (!host)
            return false;
        memcpy(host, (const char *)data + done, n);
    }
    return true;
}

bool arm_semihost_load(struct arm_cpu *cpu, uint64_t block, unsigned n, uint64_t *value)
{
    uint8_t bytes[8];
    if (!arm_semihost_copy_in(cpu, block + n * sizeof(bytes), bytes, sizeof(bytes)))
        return false;
    *value = cpu->block_flags >> ARM_BF_BIG_ENDIAN & 1 ? load_be64(bytes) : load_le64(bytes);
    return true;
}

bool arm_semihost_store(struct arm_cpu *cpu, uint64_t block, unsigned n, uint64_t value)
{
    uint8_t bytes[8];
    if (cpu->block_flags >> ARM_BF_BIG_ENDIAN & 1)
        store_be64(bytes, value);
    else
        store_le64(bytes, value);
    return arm_semihost_copy_out(cpu, block + n * sizeof(bytes), bytes, sizeof(bytes));
}
