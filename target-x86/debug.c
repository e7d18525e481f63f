// SPDX-License-Identifier: MIT
// Data breakpoints (Intel SDM volume 3, 18.2). Pages that have one are watched by the soft TLB: an access there that hits
// is done again as a block of one instruction, whose trap is taken behind it. A repeated string instruction traps when it
// ends or is interrupted, not after the element. Breakpoints on ports are left out.

#include "target-x86/exception.h"
#include "tcg/base/bits.h"

enum { RW_WRITE = 1, RW_IO = 2, RW_ANY = 3 };

static unsigned kind(const struct x86_cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (16 + n * 4) & 3;
}

static unsigned length(const struct x86_cpu *cpu, unsigned n)
{
    static const uint8_t bytes[] = {1, 2, 8, 4};
    return bytes[cpu->dr[7] >> (18 + n * 4) & 3];
}

static uint64_t first(const struct x86_cpu *cpu, unsigned n)
{
    return cpu->dr[n] & -(uint64_t)length(cpu, n);
}

void x86_debug_registers_changed(struct x86_cpu *cpu)
{
    unsigned before = cpu->watches;
    cpu->watches = 0;
    for (unsigned n = 0; n < 4; n++)
        if ((cpu->dr[7] >> (n * 2) & 3) && (kind(cpu, n) == RW_WRITE || kind(cpu, n) == RW_ANY))
            cpu->watches |= (uint8_t)(1u << n);
    if (before || cpu->watches)
        tlb_flush_all(&cpu->tcg);
    x86_modes_changed(cpu);
}

bool x86_watched_page(const struct x86_cpu *cpu, uint64_t gva)
{
    for (unsigned n = 0; n < 4; n++)
        if ((cpu->watches >> n & 1) && ((first(cpu, n) ^ gva) & -(uint64_t)TLB_PAGE_SIZE) == 0)
            return true;
    return false;
}

bool x86_watched(struct tcg_cpu *tcg, uint64_t gva, unsigned size, enum tlb_access access)
{
    struct x86_cpu *cpu = x86_cpu_of(tcg);
    unsigned hits = 0;
    for (unsigned n = 0; n < 4; n++)
        if ((cpu->watches >> n & 1) && (access == TLB_WRITE || kind(cpu, n) == RW_ANY) &&
            gva < first(cpu, n) + length(cpu, n) && first(cpu, n) < gva + size)
            hits |= 1u << n;
    // What the processor does on its way into a handler is not looked at.
    if (!hits || cpu->delivering >= 0)
        return false;
    if (!(tcg_block_flags(tcg) >> X86_BF_SINGLE & 1))
        return true;
    cpu->watch_hits |= (uint8_t)hits;
    return false;
}
