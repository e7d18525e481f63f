// SPDX-License-Identifier: MIT
// The GICv3 in the kernel: distributor, redistributors, and the CPU interfaces' system registers.
//
// Pending LPIs are seen after the kernel has written them to the guest's pending tables, where it reads them when LPIs are enabled.
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/intc/gicv3-internal.h"
#include "hw/intc/kvm-gic.h"
#include "tcg/base/bits.h"

enum {
    GICD_CTLR = 0x0000,
    GICD_IIDR = 0x0008,
    GICD_IROUTER = 0x6000,
    GICR_CTLR = 0x0000,
    GICR_WAKER = 0x0014,
    GICR_PROPBASER = 0x0070,
    GICR_PENDBASER = 0x0078,
    GICR_SGI_FRAME = 0x10000,
};

enum {
    ICC_PMR_EL1 = ARM_SYSREG(3, 0, 4, 6, 0),
    ICC_BPR0_EL1 = ARM_SYSREG(3, 0, 12, 8, 3),
    ICC_AP0R0_EL1 = ARM_SYSREG(3, 0, 12, 8, 4),
    ICC_AP1R0_EL1 = ARM_SYSREG(3, 0, 12, 9, 0),
    ICC_BPR1_EL1 = ARM_SYSREG(3, 0, 12, 12, 3),
    ICC_CTLR_EL1 = ARM_SYSREG(3, 0, 12, 12, 4),
    ICC_IGRPEN0_EL1 = ARM_SYSREG(3, 0, 12, 12, 6),
    ICC_IGRPEN1_EL1 = ARM_SYSREG(3, 0, 12, 12, 7),
};

#define CTLR_CBPR 1u
#define CTLR_WRITABLE 3u // CBPR, EOImode

struct kvm_gicv3 {
    struct gicv3 gic;
    struct kvm_gic kernel;
};

static uint64_t of_cpu(const struct gicv3_cpu *cpu)
{
    return cpu->affinity << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
}

static struct kvm_gic_frame distributor(const struct kvm_gicv3 *own)
{
    return (struct kvm_gic_frame){&own->kernel, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0};
}

static struct kvm_gic_frame redistributor(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu, uint64_t offset)
{
    return (struct kvm_gic_frame){&own->kernel, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, of_cpu(cpu) | offset};
}

static uint64_t read_wide(const struct kvm_gic_frame *frame, uint64_t offset)
{
    return kvm_gic_read(frame, offset) | (uint64_t)kvm_gic_read(frame, offset + 4) << 32;
}

static bool write_wide(const struct kvm_gic_frame *frame, uint64_t offset, uint64_t value)
{
    bool low = kvm_gic_write(frame, offset, (uint32_t)value);
    return kvm_gic_write(frame, offset + 4, (uint32_t)(value >> 32)) && low;
}

static uint64_t read_cpu_if(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu, uint32_t encoding)
{
    uint64_t value = 0;
    kvm_gic_get(&own->kernel, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, of_cpu(cpu) | encoding, &value);
    return value;
}

static bool write_cpu_if(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu, uint32_t encoding, uint64_t value)
{
    return kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, of_cpu(cpu) | encoding, &value);
}

// The kernel may have more priority bits than the structure has room for; several of its levels are one of ours then.
static unsigned finer_levels_log2(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu)
{
    unsigned bits = (unsigned)extract64(read_cpu_if(own, cpu, ICC_CTLR_EL1), 8, 3) + 1;
    return bits > GIC_PRIORITY_BITS ? bits - GIC_PRIORITY_BITS : 0;
}

// --- from the kernel ---

static uint32_t fetch_active(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu, uint32_t first)
{
    unsigned finer = finer_levels_log2(own, cpu);
    uint32_t active = 0;
    for (unsigned n = 0; n < BIT32(finer); n++) {
        uint64_t word = read_cpu_if(own, cpu, first + n);
        for (unsigned level = 0; level < 32; level++)
            active |= (uint32_t)(word >> level & 1) << ((n * 32 + level) >> finer);
    }
    return active;
}

// Of private interrupts, which the kernel's timers drive; those of others are known.
static void fetch_line(const struct kvm_gicv3 *own, struct gicv3_cpu *cpu)
{
    uint64_t attribute = of_cpu(cpu) | (uint64_t)VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;
    kvm_gic_get(&own->kernel, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, attribute, &cpu->bank.line);
}

static void fetch_cpu(struct kvm_gicv3 *own, struct gicv3_cpu *cpu)
{
    struct kvm_gic_frame redist = redistributor(own, cpu, 0), sgis = redistributor(own, cpu, GICR_SGI_FRAME);
    kvm_gic_fetch_bank(&sgis, 0, &cpu->bank);
    cpu->bank.latch = kvm_gic_read(&sgis, GIC_ISPENDR);
    fetch_line(own, cpu);
    cpu->waker = kvm_gic_read(&redist, GICR_WAKER);
    cpu->redist_ctlr = kvm_gic_read(&redist, GICR_CTLR) & GICR_CTLR_ENABLE_LPIS;
    cpu->propbaser = read_wide(&redist, GICR_PROPBASER);
    cpu->pendbaser = read_wide(&redist, GICR_PENDBASER);
    cpu->pmr = (uint8_t)read_cpu_if(own, cpu, ICC_PMR_EL1);
    cpu->ctlr = read_cpu_if(own, cpu, ICC_CTLR_EL1) & CTLR_WRITABLE;
    cpu->bpr[0] = read_cpu_if(own, cpu, ICC_BPR0_EL1) & 7;
    if (!(cpu->ctlr & CTLR_CBPR))
        cpu->bpr[1] = read_cpu_if(own, cpu, ICC_BPR1_EL1) & 7;
    cpu->group_enable = (uint8_t)((read_cpu_if(own, cpu, ICC_IGRPEN0_EL1) & 1) | (read_cpu_if(own, cpu, ICC_IGRPEN1_EL1) & 1) << 1);
    cpu->apr[0] = fetch_active(own, cpu, ICC_AP0R0_EL1);
    cpu->apr[1] = fetch_active(own, cpu, ICC_AP1R0_EL1);
}

static void fetch_lpis(struct kvm_gicv3 *own)
{
    struct gicv3 *gic = &own->gic;
    bool enabled = false;
    for (unsigned i = 0; i < gic->cpu_count; i++)
        enabled |= gic->cpus[i].redist_ctlr & GICR_CTLR_ENABLE_LPIS;
    bool saved = enabled && kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, NULL);
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        struct gicv3_cpu *cpu = &gic->cpus[i];
        memset(cpu->lpi_pending, 0, GIC_LPI_WORDS * sizeof(*cpu->lpi_pending));
        cpu->best_lpi = 0;
        if (saved && (cpu->redist_ctlr & GICR_CTLR_ENABLE_LPIS))
            gicv3_lpis_enable(cpu);
    }
}

static void fetch_state(struct device *device)
{
    struct kvm_gicv3 *own = (struct kvm_gicv3 *)device;
    struct gicv3 *gic = &own->gic;
    struct kvm_gic_frame dist = distributor(own);
    uint32_t ctlr;
    if (!kvm_gic_get(&own->kernel, dist.group, dist.base | GICD_CTLR, &ctlr))
        return; // processors run
    gicv3_lock(gic);
    gic->dist_ctlr = ctlr & (GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1);
    for (unsigned b = 0; b < gic->spi_bank_count; b++) {
        kvm_gic_fetch_bank(&dist, b + 1, &gic->spis[b]);
        gic->spis[b].latch = kvm_gic_read(&dist, GIC_ISPENDR + (b + 1) * 4);
    }
    for (unsigned spi = 0; spi < gic->spi_count; spi++) {
        gic->irouter[spi] = read_wide(&dist, GICD_IROUTER + (GIC_INTERNAL + spi) * 8);
        gicv3_route_spi(gic, spi);
    }
    for (unsigned i = 0; i < gic->cpu_count; i++)
        fetch_cpu(own, &gic->cpus[i]);
    if (gic->config.has_lpis)
        fetch_lpis(own);
    gicv3_unlock(gic);
}

// --- to the kernel ---

static bool push_active(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu, uint32_t first, uint32_t active)
{
    unsigned finer = finer_levels_log2(own, cpu);
    bool good = true;
    for (unsigned n = 0; n < BIT32(finer); n++) {
        uint64_t word = 0;
        for (unsigned level = 0; level < 32; level += 1u << finer)
            word |= (uint64_t)(active >> ((n * 32 + level) >> finer) & 1) << level;
        good &= write_cpu_if(own, cpu, first + n, word);
    }
    return good;
}

// The second binary point can be written while it is one of its own.
static bool push_cpu_if(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu)
{
    uint64_t fixed = read_cpu_if(own, cpu, ICC_CTLR_EL1) & ~(uint64_t)CTLR_WRITABLE;
    bool good = write_cpu_if(own, cpu, ICC_CTLR_EL1, fixed);
    good &= write_cpu_if(own, cpu, ICC_PMR_EL1, cpu->pmr);
    good &= write_cpu_if(own, cpu, ICC_BPR0_EL1, cpu->bpr[0]);
    good &= write_cpu_if(own, cpu, ICC_BPR1_EL1, cpu->bpr[1]);
    good &= write_cpu_if(own, cpu, ICC_CTLR_EL1, fixed | cpu->ctlr);
    good &= push_active(own, cpu, ICC_AP0R0_EL1, cpu->apr[0]);
    good &= push_active(own, cpu, ICC_AP1R0_EL1, cpu->apr[1]);
    good &= write_cpu_if(own, cpu, ICC_IGRPEN0_EL1, cpu->group_enable & 1);
    return write_cpu_if(own, cpu, ICC_IGRPEN1_EL1, cpu->group_enable >> 1 & 1) && good;
}

// The tables' places are fixed while LPIs are enabled.
static bool push_cpu(const struct kvm_gicv3 *own, const struct gicv3_cpu *cpu)
{
    struct kvm_gic_frame redist = redistributor(own, cpu, 0), sgis = redistributor(own, cpu, GICR_SGI_FRAME);
    bool good = kvm_gic_push_bank(&sgis, 0, &cpu->bank);
    good &= kvm_gic_write(&sgis, GIC_ISPENDR, cpu->bank.latch);
    good &= kvm_gic_write(&redist, GICR_CTLR, 0);
    good &= write_wide(&redist, GICR_PROPBASER, cpu->propbaser);
    good &= write_wide(&redist, GICR_PENDBASER, cpu->pendbaser);
    return push_cpu_if(own, cpu) && good;
}

static bool push_distributor(const struct kvm_gicv3 *own)
{
    const struct gicv3 *gic = &own->gic;
    struct kvm_gic_frame dist = distributor(own);
    bool good = kvm_gic_push_lines(&dist, gic->spis, gic->spi_bank_count);
    for (unsigned b = 0; b < gic->spi_bank_count; b++) {
        good &= kvm_gic_push_bank(&dist, b + 1, &gic->spis[b]);
        good &= kvm_gic_write(&dist, GIC_ISPENDR + (b + 1) * 4, gic->spis[b].latch);
    }
    for (unsigned spi = 0; spi < gic->spi_count; spi++)
        good &= write_wide(&dist, GICD_IROUTER + (GIC_INTERNAL + spi) * 8, gic->irouter[spi]);
    return good;
}

// With the lock held. Off while it changes; LPIs come last, when all redistributors have the tables, which are the same in all.
static void push(struct kvm_gicv3 *own)
{
    const struct gicv3 *gic = &own->gic;
    struct kvm_gic_frame dist = distributor(own);
    bool good = kvm_gic_write(&dist, GICD_CTLR, 0);
    good &= push_distributor(own);
    for (unsigned i = 0; i < gic->cpu_count; i++)
        good &= push_cpu(own, &gic->cpus[i]);
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        struct kvm_gic_frame redist = redistributor(own, &gic->cpus[i], 0);
        good &= !gic->cpus[i].redist_ctlr || kvm_gic_write(&redist, GICR_CTLR, gic->cpus[i].redist_ctlr);
    }
    kvm_gic_report(&own->kernel, "GICv3", kvm_gic_write(&dist, GICD_CTLR, gic->dist_ctlr) && good);
}

static void push_state(struct device *device)
{
    struct kvm_gicv3 *own = (struct kvm_gicv3 *)device;
    gicv3_lock(&own->gic);
    push(own);
    gicv3_unlock(&own->gic);
}

static void reset(struct device *device)
{
    struct kvm_gicv3 *own = (struct kvm_gicv3 *)device;
    gicv3_lock(&own->gic);
    gicv3_reset_registers(&own->gic);
    push(own);
    gicv3_unlock(&own->gic);
}

// --- life ---

static void spi_set(void *opaque, unsigned spi, bool level)
{
    struct gicv3 *gic = opaque;
    gicv3_lock(gic);
    kvm_gic_set_line(gic->device.machine->kvm, gic->spis, spi, level);
    gicv3_unlock(gic);
}

static void ppi_set(void *opaque, unsigned intid, bool level)
{
    const struct gicv3_cpu *cpu = opaque;
    kvm_gic_drive_ppi(cpu->gic->device.machine->kvm, (unsigned)(cpu - cpu->gic->cpus), intid, level);
}

static const struct gicv3_engine engine = {spi_set, ppi_set, fetch_state, push_state};

static void init(struct device *device)
{
    ((struct gicv3 *)device)->engine = &engine;
}

// The kernel's version of it is confirmed before anything else is set.
static int start(void *opaque, struct error *error)
{
    struct kvm_gicv3 *own = opaque;
    struct kvm_gic_frame dist = distributor(own);
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL))
        return kvm_refused("no GICv3 for so many processors", error);
    kvm_gic_write(&dist, GICD_IIDR, kvm_gic_read(&dist, GICD_IIDR));
    return 0;
}

// Older kernels know one run of redistributors.
static bool place_redistributors(const struct kvm_gicv3 *own)
{
    const struct gicv3_redist_region *redists = own->gic.config.redists;
    uint32_t group = KVM_DEV_ARM_VGIC_GRP_ADDR;
    if (!redists[1].count && !kvm_gic_has(&own->kernel, group, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION))
        return kvm_gic_set(&own->kernel, group, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redists[0].base);
    for (uint64_t i = 0; i < 2 && redists[i].count; i++) {
        uint64_t region = (uint64_t)redists[i].count << 52 | redists[i].base | i;
        if (!kvm_gic_set(&own->kernel, group, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region))
            return false;
    }
    return true;
}

static int set_up(struct kvm_gicv3 *own, struct error *error)
{
    const struct gicv3_config *config = &own->gic.config;
    uint32_t interrupts = config->irq_count;
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts))
        return kvm_refused("no GICv3 of so many interrupts", error);
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &config->dist_base) ||
        !place_redistributors(own))
        return kvm_refused("no place for a GICv3", error);
    own->kernel.ready = (struct kvm_ready){.fn = start, .opaque = own};
    kvm_when_ready(own->kernel.vm, &own->kernel.ready);
    return 0;
}

static void unrealize(struct device *device)
{
    gicv3_unrealize(device);
    kvm_gic_destroy(&((struct kvm_gicv3 *)device)->kernel);
}

static int realize(struct device *device, struct error *error)
{
    struct kvm_gicv3 *own = (struct kvm_gicv3 *)device;
    bool other = kvm_has_device(device->machine->kvm, KVM_DEV_TYPE_ARM_VGIC_V2);
    int status = kvm_gic_create(&own->kernel, device->machine, KVM_DEV_TYPE_ARM_VGIC_V3,
                                other ? "this host has no GICv3; add -M gic-version=2" : "this host has no GICv3", error);
    if (status)
        return status;
    gicv3_make(&own->gic);
    if ((status = set_up(own, error)))
        unrealize(device);
    return status;
}

const struct device_type kvm_gicv3_type = {
    .name = "arm-gicv3",
    .help = "Arm Generic Interrupt Controller, version 3, the kernel's",
    .instance_size = sizeof(struct kvm_gicv3),
    .state = gicv3_state,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .reset = reset,
    .fetch_state = fetch_state,
    .state_loaded = push_state,
    .print_irq = gicv3_print_irq,
};
