// SPDX-License-Identifier: MIT
// Performance monitors (Arm ARM, D13) with no event counters: the cycle counter runs at one cycle a nanosecond of
// machine time while PMCR_EL0.E and PMCNTENSET_EL0.C are set. It raises no overflow interrupt.

#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg-private.h"

enum { PMCR_E = 1 << 0, PMCR_C = 1 << 2, PMCR_LC = 1 << 6, PMCR_WRITABLE = 0x79 };
#define CYCLE_COUNTER BIT64(31)
enum { CYCLE_SELECTOR = 31 };

static bool running(const struct arm_cpu *cpu)
{
    return (cpu->pmcr & PMCR_E) && (cpu->pmcnten & CYCLE_COUNTER);
}

static uint64_t cycles(struct arm_cpu *cpu)
{
    return cpu->pmccntr + (running(cpu) ? clock_now_ns(cpu->clock) - cpu->pmccntr_ns : 0);
}

// Called around changes of what `running` depends on.
static void settle(struct arm_cpu *cpu)
{
    cpu->pmccntr = cycles(cpu);
    cpu->pmccntr_ns = clock_now_ns(cpu->clock);
}

uint64_t arm_pmu_read_pmcr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cpu->id.pmcr | cpu->pmcr;
}

void arm_pmu_write_pmcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    settle(cpu);
    if (value & PMCR_C)
        cpu->pmccntr = 0;
    cpu->pmcr = value & PMCR_WRITABLE;
}

void arm_pmu_write_pmcntenset(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    settle(cpu);
    cpu->pmcnten |= value & CYCLE_COUNTER;
}

void arm_pmu_write_pmcntenclr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    settle(cpu);
    cpu->pmcnten &= ~value;
}

uint64_t arm_pmu_read_pmccntr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cycles(cpu);
}

void arm_pmu_write_pmccntr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    cpu->pmccntr = value;
    cpu->pmccntr_ns = clock_now_ns(cpu->clock);
}

uint64_t arm_pmu_read_pmxevtyper(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cpu->pmselr == CYCLE_SELECTOR ? cpu->pmccfiltr : 0;
}

void arm_pmu_write_pmxevtyper(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    if (cpu->pmselr == CYCLE_SELECTOR)
        cpu->pmccfiltr = value & 0xfc000000;
}

// From EL0 by PMUSERENR_EL0: EN, or for reads of the cycle counter CR, of event counters and PMSELR ER, for software
// increments SW.
unsigned arm_pmu_trap(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    enum { EN = 1 << 0, SW = 1 << 1, CR = 1 << 2, ER = 1 << 3 };
    if (cpu->el != 0 || (cpu->pmuserenr & EN))
        return 0;
    uint64_t also = 0;
    switch (reg->encoding) {
    case ARM_SYSREG(3, 3, 9, 13, 0):
        also = write ? 0 : CR;
        break;
    case ARM_SYSREG(3, 3, 9, 12, 4):
        also = SW;
        break;
    case ARM_SYSREG(3, 3, 9, 12, 5):
        also = ER;
        break;
    case ARM_SYSREG(3, 3, 9, 13, 2):
        also = write ? 0 : ER;
        break;
    }
    return cpu->pmuserenr & also ? 0 : 1;
}
