// SPDX-License-Identifier: MIT
// GICv3 CPU interface: the ICC_* system registers (IHI 0069 section 12.2).
//
// With one Security state Group 0 interrupts are FIQs and Group 1 ones IRQs. Group 1 is grouped by
// ICC_BPR1_EL1 minus one, as a Non-secure binary point, so its least value is one more than ICC_BPR0_EL1's.
#include "hw/intc/gicv3-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { MIN_BPR0 = 7 - GIC_PRIORITY_BITS, MIN_BPR1 = MIN_BPR0 + 1 };

#define CTLR_CBPR 1u
#define CTLR_EOIMODE 2u
// PRIbits, IDbits (16), A3V.
#define CTLR_FIXED ((uint32_t)(GIC_PRIORITY_BITS - 1) << 8 | 1u << 15)

enum icc_register {
    ICC_PMR_EL1 = ARM_SYSREG(3, 0, 4, 6, 0),
    ICC_IAR0_EL1 = ARM_SYSREG(3, 0, 12, 8, 0),
    ICC_EOIR0_EL1 = ARM_SYSREG(3, 0, 12, 8, 1),
    ICC_HPPIR0_EL1 = ARM_SYSREG(3, 0, 12, 8, 2),
    ICC_BPR0_EL1 = ARM_SYSREG(3, 0, 12, 8, 3),
    ICC_AP0R0_EL1 = ARM_SYSREG(3, 0, 12, 8, 4),
    ICC_AP1R0_EL1 = ARM_SYSREG(3, 0, 12, 9, 0),
    ICC_DIR_EL1 = ARM_SYSREG(3, 0, 12, 11, 1),
    ICC_RPR_EL1 = ARM_SYSREG(3, 0, 12, 11, 3),
    ICC_SGI1R_EL1 = ARM_SYSREG(3, 0, 12, 11, 5),
    ICC_ASGI1R_EL1 = ARM_SYSREG(3, 0, 12, 11, 6),
    ICC_SGI0R_EL1 = ARM_SYSREG(3, 0, 12, 11, 7),
    ICC_IAR1_EL1 = ARM_SYSREG(3, 0, 12, 12, 0),
    ICC_EOIR1_EL1 = ARM_SYSREG(3, 0, 12, 12, 1),
    ICC_HPPIR1_EL1 = ARM_SYSREG(3, 0, 12, 12, 2),
    ICC_BPR1_EL1 = ARM_SYSREG(3, 0, 12, 12, 3),
    ICC_CTLR_EL1 = ARM_SYSREG(3, 0, 12, 12, 4),
    ICC_SRE_EL1 = ARM_SYSREG(3, 0, 12, 12, 5),
    ICC_IGRPEN0_EL1 = ARM_SYSREG(3, 0, 12, 12, 6),
    ICC_IGRPEN1_EL1 = ARM_SYSREG(3, 0, 12, 12, 7),
    ICC_SRE_EL2 = ARM_SYSREG(3, 4, 12, 9, 5),
};

void gicv3_reset_cpu_if(struct gicv3_cpu *cpu)
{
    cpu->pmr = 0;
    cpu->bpr[0] = MIN_BPR0;
    cpu->bpr[1] = MIN_BPR1;
    cpu->group_enable = 0;
    cpu->ctlr = 0;
    cpu->apr[0] = cpu->apr[1] = 0;
}

uint8_t gicv3_group_priority(const struct gicv3_cpu *cpu, unsigned group, uint8_t priority)
{
    unsigned bpr = group && !(cpu->ctlr & CTLR_CBPR) ? cpu->bpr[1] - 1u : cpu->bpr[0];
    return (uint8_t)(priority & (0xfeu << bpr));
}

uint8_t gicv3_running_priority(const struct gicv3_cpu *cpu)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];
    return active ? (uint8_t)(ctz32(active) << (8 - GIC_PRIORITY_BITS)) : GIC_IDLE_PRIORITY;
}

bool gicv3_can_interrupt(const struct gicv3_cpu *cpu, const struct gic_pending *pending)
{
    if (pending->priority >= cpu->pmr)
        return false;
    uint8_t running = gicv3_running_priority(cpu);
    return running == GIC_IDLE_PRIORITY || gicv3_group_priority(cpu, pending->group, pending->priority) < running;
}

static uint32_t acknowledge(struct gicv3_cpu *cpu, unsigned group)
{
    struct gic_pending pending = gicv3_highest_pending(cpu);
    if (pending.intid == GIC_SPURIOUS || pending.group != group || !gicv3_can_interrupt(cpu, &pending))
        return GIC_SPURIOUS;
    uint8_t priority = gicv3_group_priority(cpu, group, pending.priority);
    cpu->apr[group] |= BIT32(priority >> (8 - GIC_PRIORITY_BITS));
    uint32_t bit;
    struct gic_bank *bank = gicv3_bank_of(cpu, pending.intid, &bit);
    if (bank) {
        bank->active |= bit;
        bank->latch &= ~bit;
    } else {
        gicv3_lpi_set(cpu, pending.intid, false); // LPIs have no active state
    }
    gicv3_update_cpu(cpu);
    return pending.intid;
}

static void deactivate(struct gicv3_cpu *cpu, uint32_t intid)
{
    uint32_t bit;
    struct gic_bank *bank = gicv3_bank_of(cpu, intid, &bit);
    if (!bank)
        return;
    bank->active &= ~bit;
    if (intid < GIC_INTERNAL)
        gicv3_update_cpu(cpu);
    else
        gicv3_update_spis(cpu->gic, intid / 32 - 1, bit);
}

// Ends the highest active priority, if it belongs to the group.
static void end_of_interrupt(struct gicv3_cpu *cpu, unsigned group, uint32_t intid)
{
    if (intid >= 1020 && intid < GIC_FIRST_LPI)
        return;
    uint32_t other = cpu->apr[!group], mine = cpu->apr[group];
    if (mine && (!other || ctz32(mine) < ctz32(other)))
        cpu->apr[group] &= mine - 1;
    if (!(cpu->ctlr & CTLR_EOIMODE))
        deactivate(cpu, intid);
    gicv3_update_cpu(cpu);
}

static uint32_t highest_of_group(const struct gicv3_cpu *cpu, unsigned group)
{
    struct gic_pending pending = gicv3_highest_pending(cpu);
    return pending.group == group ? pending.intid : GIC_SPURIOUS;
}

// A target takes the interrupt if its SGI is in the group that the register is for.
static void generate_sgi(struct gicv3_cpu *self, uint64_t value, unsigned group)
{
    struct gicv3 *gic = self->gic;
    unsigned intid = (unsigned)extract64(value, 24, 4);
    uint32_t cluster = (uint32_t)(extract64(value, 16, 8) << 8 | extract64(value, 32, 8) << 16 |
                                  extract64(value, 48, 8) << 24);
    if (value & BIT64(40)) {
        for (unsigned i = 0; i < gic->cpu_count; i++) {
            struct gicv3_cpu *cpu = &gic->cpus[i];
            if (cpu == self || (cpu->bank.group >> intid & 1) != group)
                continue;
            cpu->bank.latch |= BIT32(intid);
            gicv3_update_cpu(cpu);
        }
        return;
    }
    uint32_t first = (uint32_t)extract64(value, 44, 4) * 16;
    for (uint32_t list = (uint32_t)extract64(value, 0, 16); list; list &= list - 1) {
        struct gicv3_cpu *cpu = gicv3_cpu_by_affinity(gic, cluster | (first + ctz32(list)));
        if (!cpu || (cpu->bank.group >> intid & 1) != group)
            continue;
        cpu->bank.latch |= BIT32(intid);
        gicv3_update_cpu(cpu);
    }
}

static uint64_t read_bpr1(const struct gicv3_cpu *cpu)
{
    if (cpu->ctlr & CTLR_CBPR)
        return cpu->bpr[0] < 7 ? cpu->bpr[0] + 1u : 7;
    return cpu->bpr[1];
}

static void set_group_enable(struct gicv3_cpu *cpu, unsigned group, uint64_t value)
{
    cpu->group_enable = (uint8_t)deposit32(cpu->group_enable, group, 1, value & 1);
    gicv3_update_cpu(cpu);
}

static bool read_locked(struct gicv3_cpu *cpu, uint32_t encoding, uint64_t *value)
{
    switch ((enum icc_register)encoding) {
    case ICC_PMR_EL1:
        *value = cpu->pmr;
        return true;
    case ICC_IAR0_EL1:
        *value = acknowledge(cpu, 0);
        return true;
    case ICC_IAR1_EL1:
        *value = acknowledge(cpu, 1);
        return true;
    case ICC_HPPIR0_EL1:
        *value = highest_of_group(cpu, 0);
        return true;
    case ICC_HPPIR1_EL1:
        *value = highest_of_group(cpu, 1);
        return true;
    case ICC_BPR0_EL1:
        *value = cpu->bpr[0];
        return true;
    case ICC_BPR1_EL1:
        *value = read_bpr1(cpu);
        return true;
    case ICC_AP0R0_EL1:
        *value = cpu->apr[0];
        return true;
    case ICC_AP1R0_EL1:
        *value = cpu->apr[1];
        return true;
    case ICC_RPR_EL1:
        *value = gicv3_running_priority(cpu);
        return true;
    case ICC_CTLR_EL1:
        *value = cpu->ctlr | CTLR_FIXED;
        return true;
    case ICC_SRE_EL1:
        *value = 7; // system registers only, no bypass
        return true;
    case ICC_SRE_EL2:
        *value = 15;
        return true;
    case ICC_IGRPEN0_EL1:
    case ICC_IGRPEN1_EL1:
        *value = cpu->group_enable >> (encoding == ICC_IGRPEN1_EL1) & 1;
        return true;
    case ICC_EOIR0_EL1:
    case ICC_EOIR1_EL1:
    case ICC_DIR_EL1:
    case ICC_SGI0R_EL1:
    case ICC_SGI1R_EL1:
    case ICC_ASGI1R_EL1:
        return false; // write only
    }
    return false;
}

static bool write_locked(struct gicv3_cpu *cpu, uint32_t encoding, uint64_t value)
{
    switch ((enum icc_register)encoding) {
    case ICC_PMR_EL1:
        cpu->pmr = (uint8_t)(value & (0xff00u >> GIC_PRIORITY_BITS));
        gicv3_update_cpu(cpu);
        return true;
    case ICC_EOIR0_EL1:
        end_of_interrupt(cpu, 0, (uint32_t)extract64(value, 0, 24));
        return true;
    case ICC_EOIR1_EL1:
        end_of_interrupt(cpu, 1, (uint32_t)extract64(value, 0, 24));
        return true;
    case ICC_DIR_EL1:
        if (cpu->ctlr & CTLR_EOIMODE)
            deactivate(cpu, (uint32_t)extract64(value, 0, 24));
        return true;
    case ICC_SGI0R_EL1:
        generate_sgi(cpu, value, 0);
        return true;
    case ICC_SGI1R_EL1:
        generate_sgi(cpu, value, 1);
        return true;
    case ICC_ASGI1R_EL1: // the other Security state's, which does not exist
        return true;
    case ICC_BPR0_EL1:
        cpu->bpr[0] = (value & 7) < MIN_BPR0 ? MIN_BPR0 : (uint8_t)(value & 7);
        gicv3_update_cpu(cpu);
        return true;
    case ICC_BPR1_EL1:
        if (!(cpu->ctlr & CTLR_CBPR))
            cpu->bpr[1] = (value & 7) < MIN_BPR1 ? MIN_BPR1 : (uint8_t)(value & 7);
        gicv3_update_cpu(cpu);
        return true;
    case ICC_AP0R0_EL1:
    case ICC_AP1R0_EL1:
        cpu->apr[encoding == ICC_AP1R0_EL1] = (uint32_t)value;
        gicv3_update_cpu(cpu);
        return true;
    case ICC_CTLR_EL1:
        cpu->ctlr = value & (CTLR_CBPR | CTLR_EOIMODE);
        gicv3_update_cpu(cpu);
        return true;
    case ICC_SRE_EL1:
    case ICC_SRE_EL2:
        return true; // all bits are fixed
    case ICC_IGRPEN0_EL1:
        set_group_enable(cpu, 0, value);
        return true;
    case ICC_IGRPEN1_EL1:
        set_group_enable(cpu, 1, value);
        return true;
    case ICC_IAR0_EL1:
    case ICC_IAR1_EL1:
    case ICC_HPPIR0_EL1:
    case ICC_HPPIR1_EL1:
    case ICC_RPR_EL1:
        return false; // read only
    }
    return false;
}

static bool sysreg_read(void *opaque, struct arm_sysreg_access access, uint64_t *value)
{
    struct gicv3 *gic = opaque;
    if (gic->engine->fetch)
        gic->engine->fetch(&gic->device);
    gicv3_lock(gic);
    bool known = read_locked(&gic->cpus[access.cpu], access.encoding, value);
    gicv3_unlock(gic);
    return known;
}

static bool sysreg_write(void *opaque, struct arm_sysreg_access access, uint64_t value)
{
    struct gicv3 *gic = opaque;
    if (gic->engine->fetch)
        gic->engine->fetch(&gic->device);
    gicv3_lock(gic);
    bool known = write_locked(&gic->cpus[access.cpu], access.encoding, value);
    gicv3_unlock(gic);
    if (gic->engine->push)
        gic->engine->push(&gic->device);
    return known;
}

const struct arm_sysreg_bank_ops gicv3_sysregs = {sysreg_read, sysreg_write};
