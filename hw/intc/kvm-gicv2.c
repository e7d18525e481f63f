// SPDX-License-Identifier: MIT
// The GICv2 in the kernel. It shows active priorities of both groups as one, and pending interrupts with their lines.
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/intc/gicv2-internal.h"
#include "hw/intc/kvm-gic.h"

enum {
    GICD_CTLR = 0x000,
    GICD_IIDR = 0x008,
    GICD_ITARGETSR = 0x800,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICC_CTLR = 0x00,
    GICC_PMR = 0x04,
    GICC_BPR = 0x08,
    GICC_ABPR = 0x1c,
    GICC_APR0 = 0xd0,
    SGIS = 16,
    PMR_SHIFT = 8 - GICV2_PRIORITY_BITS, // the kernel's has only the bits that there are
};

struct kvm_gicv2 {
    struct gicv2 gic;
    struct kvm_gic kernel;
};

static struct kvm_gic_frame frame_of(const struct kvm_gicv2 *own, uint32_t group, unsigned cpu)
{
    return (struct kvm_gic_frame){&own->kernel, group, (uint64_t)cpu << KVM_DEV_ARM_VGIC_CPUID_SHIFT};
}

// --- from the kernel ---

static void fetch_bank(const struct kvm_gic_frame *dist, unsigned index, struct gic_bank *bank)
{
    kvm_gic_fetch_bank(dist, index, bank);
    bank->latch = kvm_gic_read(dist, GIC_ISPENDR + index * 4) & ~(bank->line & ~bank->edge);
}

static void fetch_bytes(const struct kvm_gic_frame *dist, uint64_t offset, uint8_t *bytes, unsigned count)
{
    for (unsigned n = 0; n < count; n += 4) {
        uint32_t word = kvm_gic_read(dist, offset + n);
        memcpy(bytes + n, &word, 4); // hosts are little endian
    }
}

static void fetch_cpu(struct kvm_gicv2 *own, unsigned index)
{
    struct gicv2_cpu *cpu = &own->gic.cpus[index];
    struct kvm_gic_frame dist = frame_of(own, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, index);
    struct kvm_gic_frame cpu_if = frame_of(own, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, index);
    fetch_bank(&dist, 0, &cpu->bank);
    fetch_bytes(&dist, GICD_SPENDSGIR, cpu->sgi_sources, SGIS);
    cpu->ctlr = kvm_gic_read(&cpu_if, GICC_CTLR);
    cpu->pmr = (uint8_t)(kvm_gic_read(&cpu_if, GICC_PMR) << PMR_SHIFT);
    cpu->bpr[0] = kvm_gic_read(&cpu_if, GICC_BPR) & 7;
    cpu->bpr[1] = kvm_gic_read(&cpu_if, GICC_ABPR) & 7;
    cpu->apr[0] = kvm_gic_read(&cpu_if, GICC_APR0);
    cpu->apr[1] = 0;
}

static void fetch_state(struct device *device)
{
    struct kvm_gicv2 *own = (struct kvm_gicv2 *)device;
    struct gicv2 *gic = &own->gic;
    struct kvm_gic_frame dist = frame_of(own, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0);
    uint32_t ctlr;
    if (!kvm_gic_get(&own->kernel, dist.group, dist.base | GICD_CTLR, &ctlr))
        return; // processors run
    pthread_mutex_lock(&gic->lock);
    gic->dist_ctlr = ctlr & 3;
    for (unsigned b = 0; b < gic->spi_bank_count; b++)
        fetch_bank(&dist, b + 1, &gic->spis[b]);
    fetch_bytes(&dist, GICD_ITARGETSR + GICV2_INTERNAL, gic->targets, gic->spi_count);
    for (unsigned i = 0; i < gic->config.cpu_count; i++)
        fetch_cpu(own, i);
    pthread_mutex_unlock(&gic->lock);
}

// --- to the kernel ---

static bool push_bank(const struct kvm_gic_frame *dist, unsigned index, const struct gic_bank *bank)
{
    bool good = kvm_gic_push_bank(dist, index, bank);
    good &= kvm_gic_write(dist, GIC_ICPENDR + index * 4, ~bank->latch);
    return kvm_gic_write(dist, GIC_ISPENDR + index * 4, bank->latch) && good;
}

static bool push_bytes(const struct kvm_gic_frame *dist, uint64_t offset, const uint8_t *bytes, unsigned count, uint8_t flip)
{
    bool good = true;
    for (unsigned n = 0; n < count; n += 4) {
        uint32_t word;
        memcpy(&word, bytes + n, 4);
        good &= kvm_gic_write(dist, offset + n, word ^ flip * UINT32_C(0x01010101));
    }
    return good;
}

static bool push_cpu(const struct kvm_gicv2 *own, unsigned index)
{
    const struct gicv2_cpu *cpu = &own->gic.cpus[index];
    struct kvm_gic_frame dist = frame_of(own, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, index);
    struct kvm_gic_frame cpu_if = frame_of(own, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, index);
    bool good = push_bank(&dist, 0, &cpu->bank);
    good &= push_bytes(&dist, GICD_CPENDSGIR, cpu->sgi_sources, SGIS, 0xff);
    good &= push_bytes(&dist, GICD_SPENDSGIR, cpu->sgi_sources, SGIS, 0);
    good &= kvm_gic_write(&cpu_if, GICC_CTLR, cpu->ctlr);
    good &= kvm_gic_write(&cpu_if, GICC_PMR, cpu->pmr >> PMR_SHIFT);
    good &= kvm_gic_write(&cpu_if, GICC_BPR, cpu->bpr[0]);
    good &= kvm_gic_write(&cpu_if, GICC_ABPR, cpu->bpr[1]);
    for (unsigned n = 0; n < 4; n++)
        good &= kvm_gic_write(&cpu_if, GICC_APR0 + 4 * n, n ? 0 : cpu->apr[0] | cpu->apr[1]);
    return good;
}

// With the lock held. Off while it changes.
static void push(struct kvm_gicv2 *own)
{
    const struct gicv2 *gic = &own->gic;
    struct kvm_gic_frame dist = frame_of(own, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0);
    bool good = kvm_gic_write(&dist, GICD_CTLR, 0);
    good &= kvm_gic_push_lines(&dist, gic->spis, gic->spi_bank_count);
    for (unsigned b = 0; b < gic->spi_bank_count; b++)
        good &= push_bank(&dist, b + 1, &gic->spis[b]);
    good &= push_bytes(&dist, GICD_ITARGETSR + GICV2_INTERNAL, gic->targets, gic->spi_count, 0);
    for (unsigned i = 0; i < gic->config.cpu_count; i++)
        good &= push_cpu(own, i);
    kvm_gic_report(&own->kernel, "GICv2", kvm_gic_write(&dist, GICD_CTLR, gic->dist_ctlr) && good);
}

static void reset(struct device *device)
{
    struct kvm_gicv2 *own = (struct kvm_gicv2 *)device;
    pthread_mutex_lock(&own->gic.lock);
    gicv2_reset_registers(&own->gic);
    push(own);
    pthread_mutex_unlock(&own->gic.lock);
}

static void state_loaded(struct device *device)
{
    struct kvm_gicv2 *own = (struct kvm_gicv2 *)device;
    pthread_mutex_lock(&own->gic.lock);
    push(own);
    pthread_mutex_unlock(&own->gic.lock);
}

// --- life ---

static void spi_set(void *opaque, unsigned spi, bool level)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    kvm_gic_set_line(gic->device.machine->kvm, gic->spis, spi, level);
    pthread_mutex_unlock(&gic->lock);
}

static void ppi_set(void *opaque, unsigned input, bool level)
{
    const struct gicv2 *gic = opaque;
    kvm_gic_drive_ppi(gic->device.machine->kvm, input / 32, input % 32, level);
}

static const struct gicv2_engine engine = {spi_set, ppi_set};

static void init(struct device *device)
{
    ((struct gicv2 *)device)->engine = &engine;
}

// Groups can be written by those who know the kernel's version of it.
static int start(void *opaque, struct error *error)
{
    struct kvm_gicv2 *own = opaque;
    struct kvm_gic_frame dist = frame_of(own, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0);
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL))
        return kvm_refused("no GICv2 for so many processors", error);
    kvm_gic_write(&dist, GICD_IIDR, kvm_gic_read(&dist, GICD_IIDR));
    return 0;
}

static int set_up(struct kvm_gicv2 *own, struct error *error)
{
    const struct gicv2_config *config = &own->gic.config;
    uint32_t interrupts = config->irq_count;
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts))
        return kvm_refused("no GICv2 of so many interrupts", error);
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, &config->dist_base) ||
        !kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU, &config->cpu_base))
        return kvm_refused("no place for a GICv2", error);
    own->kernel.ready = (struct kvm_ready){.fn = start, .opaque = own};
    kvm_when_ready(own->kernel.vm, &own->kernel.ready);
    return 0;
}

static void unrealize(struct device *device)
{
    gicv2_unrealize(device);
    kvm_gic_destroy(&((struct kvm_gicv2 *)device)->kernel);
}

static int realize(struct device *device, struct error *error)
{
    struct kvm_gicv2 *own = (struct kvm_gicv2 *)device;
    bool other = kvm_has_device(device->machine->kvm, KVM_DEV_TYPE_ARM_VGIC_V3);
    int status = kvm_gic_create(&own->kernel, device->machine, KVM_DEV_TYPE_ARM_VGIC_V2,
                                other ? "this host has no GICv2; add -M gic-version=3" : "this host has no GICv2", error);
    if (status)
        return status;
    gicv2_make(&own->gic);
    if ((status = set_up(own, error)))
        unrealize(device);
    return status;
}

const struct device_type kvm_gicv2_type = {
    .name = "arm_gic",
    .help = "Arm Generic Interrupt Controller, version 2, the kernel's",
    .instance_size = sizeof(struct kvm_gicv2),
    .state = gicv2_state,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .reset = reset,
    .fetch_state = fetch_state,
    .state_loaded = state_loaded,
    .print_irq = gicv2_print_irq,
};
