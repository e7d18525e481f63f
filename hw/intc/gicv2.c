// SPDX-License-Identifier: MIT
// GICv2: the device, its inputs, and which interrupt each CPU should see.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/arm-cpu-if.h"
#include "hw/core/machine.h"
#include "hw/intc/gicv2-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

struct gicv2_pending gicv2_highest_pending(const struct gicv2 *gic, unsigned index)
{
    const struct gicv2_cpu *cpu = &gic->cpus[index];
    struct gicv2_pending best = {.intid = GICV2_SPURIOUS, .priority = GICV2_IDLE_PRIORITY};
    uint32_t groups = gic->dist_ctlr & cpu->ctlr; // both enable group 0 by bit 0 and group 1 by bit 1
    uint32_t allowed0 = groups & 1 ? ~0u : 0, allowed1 = groups & 2 ? ~0u : 0;
    for (unsigned b = 0; groups && b <= gic->spi_bank_count; b++) {
        const struct gic_bank *bank = b ? &gic->spis[b - 1] : &cpu->bank;
        uint32_t candidates = gic_bank_pending(bank) & bank->enabled & ~bank->active &
                              ((bank->group & allowed1) | (~bank->group & allowed0));
        for (uint32_t left = b ? candidates : 0; left; left &= left - 1) {
            unsigned n = ctz32(left);
            if (!(gic->targets[(b - 1) * 32 + n] >> index & 1))
                candidates &= ~BIT32(n);
        }
        int n = gic_bank_best(bank, candidates, best.priority);
        if (n >= 0)
            best = (struct gicv2_pending){b * 32 + (unsigned)n, bank->priority[n], bank->group >> n & 1};
    }
    return best;
}

void gicv2_update(struct gicv2 *gic)
{
    for (unsigned i = 0; i < gic->config.cpu_count; i++) {
        struct gicv2_cpu *cpu = &gic->cpus[i];
        struct gicv2_pending pending = gicv2_highest_pending(gic, i);
        unsigned levels = pending.intid == GICV2_SPURIOUS ? 0 : gicv2_signal(cpu, &pending);
        unsigned changed = levels ^ cpu->driven;
        cpu->driven = (uint8_t)levels;
        for (; changed; changed &= changed - 1)
            irq_set(&cpu->inputs[ctz32(changed)], levels >> ctz32(changed) & 1);
    }
}

struct gic_bank *gicv2_bank_of(struct gicv2 *gic, unsigned cpu, uint32_t intid, uint32_t *bit)
{
    *bit = BIT32(intid % 32);
    if (intid < GICV2_INTERNAL)
        return &gic->cpus[cpu].bank;
    return intid < GICV2_INTERNAL + gic->spi_count ? &gic->spis[intid / 32 - 1] : NULL;
}

static void spi_set(void *opaque, unsigned spi, bool level)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    gic_bank_set_line(&gic->spis[spi / 32], BIT32(spi % 32), level);
    gicv2_update(gic);
    pthread_mutex_unlock(&gic->lock);
}

static void ppi_set(void *opaque, unsigned input, bool level)
{
    struct gicv2 *gic = opaque;
    pthread_mutex_lock(&gic->lock);
    gic_bank_set_line(&gic->cpus[input / 32].bank, BIT32(input % 32), level);
    gicv2_update(gic);
    pthread_mutex_unlock(&gic->lock);
}

static const struct gicv2_engine engine = {spi_set, ppi_set};

static void gicv2_init(struct device *device)
{
    ((struct gicv2 *)device)->engine = &engine;
}

struct irq_line gicv2_spi_line(struct device *device, unsigned spi)
{
    assert(spi < ((struct gicv2 *)device)->spi_count);
    return (struct irq_line){((struct gicv2 *)device)->engine->spi_set, device, spi};
}

struct irq_line gicv2_ppi_line(struct device *device, unsigned cpu, unsigned intid)
{
    assert(cpu < GICV2_MAX_CPUS && intid >= 16 && intid < GICV2_INTERNAL);
    return (struct irq_line){((struct gicv2 *)device)->engine->ppi_set, device, cpu * 32 + intid};
}

void gicv2_connect_cpu(struct device *device, unsigned cpu, const struct irq_line inputs[2])
{
    struct gicv2 *gic = (struct gicv2 *)device;
    assert(cpu < gic->config.cpu_count);
    memcpy(gic->cpus[cpu].inputs, inputs, sizeof(gic->cpus[cpu].inputs));
}

void gicv2_configure(struct device *device, const struct gicv2_config *config)
{
    ((struct gicv2 *)device)->config = *config;
}

void gicv2_unrealize(struct device *device)
{
    struct gicv2 *gic = (struct gicv2 *)device;
    if (gic->dist_region)
        memory_map_remove(device->machine->map, gic->dist_region);
    if (gic->cpu_region)
        memory_map_remove(device->machine->map, gic->cpu_region);
    pthread_mutex_destroy(&gic->lock);
    free(gic->spis);
    free(gic->targets);
}

void gicv2_make(struct gicv2 *gic)
{
    const struct gicv2_config *config = &gic->config;
    assert(config->cpu_count >= 1 && config->cpu_count <= GICV2_MAX_CPUS);
    assert(config->irq_count >= 64 && config->irq_count <= 992 && config->irq_count % 32 == 0);
    gic->spi_count = config->irq_count - GICV2_INTERNAL;
    gic->spi_bank_count = gic->spi_count / 32;
    gic->spis = ALLOC_ARRAY(struct gic_bank, gic->spi_bank_count);
    gic->targets = ALLOC_ARRAY(uint8_t, gic->spi_count);
    pthread_mutex_init(&gic->lock, NULL);
}

static int gicv2_realize(struct device *device, struct error *error)
{
    struct gicv2 *gic = (struct gicv2 *)device;
    const struct gicv2_config *config = &gic->config;
    gicv2_make(gic);
    struct mem_region_desc dist = {.name = "gic_dist", .base = config->dist_base, .size = GICV2_DIST_SIZE,
                                   .kind = MEM_MMIO, .ops = &gicv2_dist_ops, .opaque = gic};
    struct mem_region_desc cpu = {.name = "gic_cpu", .base = config->cpu_base, .size = GICV2_CPU_SIZE,
                                  .kind = MEM_MMIO, .ops = &gicv2_cpu_ops, .opaque = gic};
    gic->dist_region = memory_map_add(device->machine->map, dist, error);
    gic->cpu_region = memory_map_add(device->machine->map, cpu, error);
    if (gic->dist_region && gic->cpu_region)
        return 0;
    gicv2_unrealize(device);
    return -EINVAL;
}

static void reset_bank(struct gic_bank *bank)
{
    uint32_t line = bank->line; // belongs to the device that drives it
    *bank = (struct gic_bank){.line = line};
}

void gicv2_reset_registers(struct gicv2 *gic)
{
    gic->dist_ctlr = 0;
    for (unsigned b = 0; b < gic->spi_bank_count; b++)
        reset_bank(&gic->spis[b]);
    // With one CPU the target registers do not exist and everything goes to it.
    memset(gic->targets, gic->config.cpu_count == 1, gic->spi_count);
    for (unsigned i = 0; i < gic->config.cpu_count; i++) {
        struct gicv2_cpu *cpu = &gic->cpus[i];
        reset_bank(&cpu->bank);
        cpu->bank.edge = cpu->bank.enabled = 0xffff; // SGIs are always edge triggered and enabled
        memset(cpu->sgi_sources, 0, sizeof(cpu->sgi_sources));
        gicv2_reset_cpu_if(cpu);
    }
}

static void gicv2_reset(struct device *device)
{
    struct gicv2 *gic = (struct gicv2 *)device;
    pthread_mutex_lock(&gic->lock);
    gicv2_reset_registers(gic);
    gicv2_update(gic);
    pthread_mutex_unlock(&gic->lock);
}

static void gicv2_state_loaded(struct device *device)
{
    struct gicv2 *gic = (struct gicv2 *)device;
    pthread_mutex_lock(&gic->lock);
    for (unsigned i = 0; i < gic->config.cpu_count; i++) {
        gic->cpus[i].driven = 0;
        irq_set(&gic->cpus[i].inputs[ARM_CPU_IRQ], false);
        irq_set(&gic->cpus[i].inputs[ARM_CPU_FIQ], false);
    }
    gicv2_update(gic);
    pthread_mutex_unlock(&gic->lock);
}

static const struct state_field cpu_state[] = {
    STATE_STRUCT_FIELD(gicv2_cpu, bank, gic_bank_state),
    STATE_ARRAY(gicv2_cpu, U8, sgi_sources),
    STATE_FIELD(gicv2_cpu, U32, ctlr),
    STATE_ARRAY(gicv2_cpu, U32, apr),
    STATE_FIELD(gicv2_cpu, U8, pmr),
    STATE_ARRAY(gicv2_cpu, U8, bpr),
    STATE_END,
};

const struct state_field gicv2_state[] = {
    STATE_FIELD(gicv2, U32, dist_ctlr),
    STATE_STRUCTS(gicv2, cpus, cpu_state),
    STATE_POINTER_STRUCTS(gicv2, spis, spi_bank_count, gic_bank_state),
    STATE_POINTER(gicv2, U8, targets, spi_count),
    STATE_END,
};

const struct device_type gicv2_type = {
    .name = "arm_gic",
    .help = "Arm Generic Interrupt Controller, version 2",
    .instance_size = sizeof(struct gicv2),
    .state = gicv2_state,
    .init = gicv2_init,
    .realize = gicv2_realize,
    .unrealize = gicv2_unrealize,
    .reset = gicv2_reset,
    .state_loaded = gicv2_state_loaded,
    .print_irq = gicv2_print_irq,
};
