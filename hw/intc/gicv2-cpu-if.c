// SPDX-License-Identifier: MIT
// GICv2 CPU interface registers (IHI 0048 section 4.4). Group 0 is signalled as IRQ, or as FIQ with
// GICC_CTLR.FIQEn; Group 1 always as IRQ.
#include "hw/core/arm-cpu-if.h"
#include "hw/intc/gicv2-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum {
    GICC_CTLR = 0x0000,
    GICC_PMR = 0x0004,
    GICC_BPR = 0x0008,
    GICC_IAR = 0x000c,
    GICC_EOIR = 0x0010,
    GICC_RPR = 0x0014,
    GICC_HPPIR = 0x0018,
    GICC_ABPR = 0x001c,
    GICC_AIAR = 0x0020,
    GICC_AEOIR = 0x0024,
    GICC_AHPPIR = 0x0028,
    GICC_APR0 = 0x00d0,
    GICC_NSAPR0 = 0x00e0,
    GICC_IIDR = 0x00fc,
    GICC_DIR = 0x1000,
};

#define CTLR_ACKCTL BIT32(2)
#define CTLR_CBPR BIT32(4)
#define CTLR_EOIMODE BIT32(9)
#define CTLR_MASK 0x21fu

enum { MIN_BPR = 7 - GICV2_PRIORITY_BITS, MIN_ABPR = MIN_BPR + 1, GROUP1_PENDING = 1022 };

void gicv2_reset_cpu_if(struct gicv2_cpu *cpu)
{
    cpu->ctlr = cpu->pmr = 0;
    cpu->bpr[0] = MIN_BPR;
    cpu->bpr[1] = MIN_ABPR;
    cpu->apr[0] = cpu->apr[1] = 0;
}

uint8_t gicv2_group_priority(const struct gicv2_cpu *cpu, unsigned group, uint8_t priority)
{
    unsigned bpr = group && !(cpu->ctlr & CTLR_CBPR) ? cpu->bpr[1] - 1u : cpu->bpr[0];
    return (uint8_t)(priority & (0xfeu << bpr));
}

uint8_t gicv2_running_priority(const struct gicv2_cpu *cpu)
{
    uint32_t active = cpu->apr[0] | cpu->apr[1];
    return active ? (uint8_t)(ctz32(active) << (8 - GICV2_PRIORITY_BITS)) : GICV2_IDLE_PRIORITY;
}

unsigned gicv2_signal(const struct gicv2_cpu *cpu, const struct gicv2_pending *pending)
{
    uint8_t running = gicv2_running_priority(cpu);
    if (pending->priority >= cpu->pmr ||
        (running != GICV2_IDLE_PRIORITY && gicv2_group_priority(cpu, pending->group, pending->priority) >= running))
        return 0;
    return BIT32(pending->group == 0 && (cpu->ctlr & GICC_CTLR_FIQEN) ? ARM_CPU_FIQ : ARM_CPU_IRQ);
}

// What GICC_IAR or GICC_AIAR may show of a pending interrupt.
static uint32_t visible(const struct gicv2_cpu *cpu, const struct gicv2_pending *pending, bool alias)
{
    if (pending->intid == GICV2_SPURIOUS || (alias && pending->group == 0))
        return GICV2_SPURIOUS;
    if (!alias && pending->group == 1 && !(cpu->ctlr & CTLR_ACKCTL))
        return GROUP1_PENDING;
    return pending->intid;
}

static uint32_t acknowledge(struct gicv2 *gic, unsigned index, bool alias)
{
    struct gicv2_cpu *cpu = &gic->cpus[index];
    struct gicv2_pending pending = gicv2_highest_pending(gic, index);
    if (pending.intid == GICV2_SPURIOUS || !gicv2_signal(cpu, &pending))
        return GICV2_SPURIOUS;
    uint32_t shown = visible(cpu, &pending, alias), source = 0, bit;
    if (shown != pending.intid)
        return shown;
    struct gic_bank *bank = gicv2_bank_of(gic, index, pending.intid, &bit);
    if (pending.intid < 16) {
        uint8_t *sources = &cpu->sgi_sources[pending.intid];
        source = *sources ? ctz32(*sources) : 0;
        *sources &= (uint8_t)(*sources - 1);
        bank->latch = *sources ? bank->latch : bank->latch & ~bit;
    } else {
        bank->latch &= ~bit;
    }
    bank->active |= bit;
    uint8_t priority = gicv2_group_priority(cpu, pending.group, pending.priority);
    cpu->apr[pending.group] |= BIT32(priority >> (8 - GICV2_PRIORITY_BITS));
    gicv2_update(gic);
    return pending.intid | source << 10;
}

static void deactivate(struct gicv2 *gic, unsigned index, uint32_t intid)
{
    uint32_t bit;
    struct gic_bank *bank = gicv2_bank_of(gic, index, intid, &bit);
    if (bank)
        bank->active &= ~bit;
}

static void end_of_interrupt(struct gicv2 *gic, unsigned index, uint32_t value)
{
    struct gicv2_cpu *cpu = &gic->cpus[index];
    uint32_t intid = value & 0x3ff;
    if (intid >= 1020)
        return;
    // The priority that ends is the highest active one, of whichever group.
    unsigned group = cpu->apr[0] && (!cpu->apr[1] || ctz32(cpu->apr[0]) < ctz32(cpu->apr[1])) ? 0 : 1;
    cpu->apr[group] &= cpu->apr[group] - 1;
    if (!(cpu->ctlr & CTLR_EOIMODE))
        deactivate(gic, index, intid);
}

static uint32_t cpu_read_locked(struct gicv2 *gic, unsigned index, uint64_t offset)
{
    struct gicv2_cpu *cpu = &gic->cpus[index];
    struct gicv2_pending pending;
    switch (offset) {
    case GICC_CTLR:
        return cpu->ctlr;
    case GICC_PMR:
        return cpu->pmr;
    case GICC_BPR:
        return cpu->bpr[0];
    case GICC_ABPR:
        return cpu->bpr[1];
    case GICC_IAR:
    case GICC_AIAR:
        return acknowledge(gic, index, offset == GICC_AIAR);
    case GICC_RPR:
        return gicv2_running_priority(cpu);
    case GICC_HPPIR:
    case GICC_AHPPIR:
        pending = gicv2_highest_pending(gic, index);
        return visible(cpu, &pending, offset == GICC_AHPPIR);
    case GICC_APR0:
        return cpu->apr[0];
    case GICC_NSAPR0:
        return cpu->apr[1];
    case GICC_IIDR:
        return 0x2043b; // version 2
    }
    return 0;
}

static void cpu_write_locked(struct gicv2 *gic, unsigned index, uint64_t offset, uint32_t value)
{
    struct gicv2_cpu *cpu = &gic->cpus[index];
    switch (offset) {
    case GICC_CTLR:
        cpu->ctlr = value & CTLR_MASK;
        break;
    case GICC_PMR:
        cpu->pmr = (uint8_t)(value & (0xff00u >> GICV2_PRIORITY_BITS));
        break;
    case GICC_BPR:
        cpu->bpr[0] = (value & 7) < MIN_BPR ? MIN_BPR : (uint8_t)(value & 7);
        break;
    case GICC_ABPR:
        cpu->bpr[1] = (value & 7) < MIN_ABPR ? MIN_ABPR : (uint8_t)(value & 7);
        break;
    case GICC_EOIR:
    case GICC_AEOIR:
        end_of_interrupt(gic, index, value);
        break;
    case GICC_DIR:
        if (cpu->ctlr & CTLR_EOIMODE)
            deactivate(gic, index, value & 0x3ff);
        break;
    case GICC_APR0:
        cpu->apr[0] = value;
        break;
    case GICC_NSAPR0:
        cpu->apr[1] = value;
        break;
    default:
        // GICC_APR1 to 3 and GICC_NSAPR1 to 3 would hold priorities that are not implemented.
        if (offset > GICC_APR0 && offset < GICC_IIDR)
            return;
        log_printf(LOG_GUEST_ERRORS, "gicv2: write of CPU interface register 0x%x\n", (unsigned)offset);
        return;
    }
    gicv2_update(gic);
}

static uint64_t cpu_read(void *opaque, struct mmio_access access)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    uint32_t value = cpu_read_locked(gic, access.cpu % gic->config.cpu_count, access.offset);
    pthread_mutex_unlock(&gic->lock);
    return value;
}

static void cpu_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    cpu_write_locked(gic, access.cpu % gic->config.cpu_count, access.offset, (uint32_t)value);
    pthread_mutex_unlock(&gic->lock);
}

const struct mmio_ops gicv2_cpu_ops = {cpu_read, cpu_write, 4, 4, true};
