// SPDX-License-Identifier: MIT
// GICv3: the device, and the question all parts ask: which interrupt, if any, should each CPU see now?
//
// There is no incremental bookkeeping. A CPU's answer is worked out from its own bank, the shared banks (a
// few words, nearly always zero) and the remembered best LPI each time something changed for it.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/intc/gicv3-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

struct gic_pending gicv3_highest_pending(const struct gicv3_cpu *cpu)
{
    const struct gicv3 *gic = cpu->gic;
    struct gic_pending best = {.intid = GIC_SPURIOUS, .priority = GIC_IDLE_PRIORITY};
    uint32_t groups = gic->dist_ctlr & cpu->group_enable; // both have group 0 in bit 0 and group 1 in bit 1
    uint32_t allowed0 = groups & 1 ? ~0u : 0, allowed1 = groups & 2 ? ~0u : 0;
    if (!groups)
        return best;

    for (unsigned b = 0; b <= gic->spi_bank_count; b++) {
        const struct gic_bank *bank = b ? &gic->spis[b - 1] : &cpu->bank;
        uint32_t candidates = gic_bank_pending(bank) & bank->enabled & ~bank->active &
                              ((bank->group & allowed1) | (~bank->group & allowed0));
        for (uint32_t left = b ? candidates : 0; left; left &= left - 1) {
            unsigned n = ctz32(left);
            if (gic->target[(b - 1) * 32 + n] != (uint16_t)(cpu - gic->cpus))
                candidates &= ~BIT32(n);
        }
        int n = gic_bank_best(bank, candidates, best.priority);
        if (n >= 0)
            best = (struct gic_pending){b * 32 + (unsigned)n, bank->priority[n], bank->group >> n & 1};
    }
    if (cpu->best_lpi && (groups & 2) && cpu->best_lpi_priority < best.priority)
        best = (struct gic_pending){cpu->best_lpi, cpu->best_lpi_priority, 1};
    return best;
}

void gicv3_update_cpu(struct gicv3_cpu *cpu)
{
    struct gic_pending pending = gicv3_highest_pending(cpu);
    unsigned levels = 0;
    if (pending.intid != GIC_SPURIOUS && gicv3_can_interrupt(cpu, &pending))
        levels = BIT32(pending.group ? ARM_CPU_IRQ : ARM_CPU_FIQ);
    unsigned changed = levels ^ cpu->driven;
    cpu->driven = (uint8_t)levels;
    for (; changed; changed &= changed - 1) {
        unsigned input = ctz32(changed);
        irq_set(&cpu->inputs[input], levels >> input & 1);
    }
}

void gicv3_update_all(struct gicv3 *gic)
{
    for (unsigned i = 0; i < gic->cpu_count; i++)
        gicv3_update_cpu(&gic->cpus[i]);
}

void gicv3_update_spis(struct gicv3 *gic, unsigned bank, uint32_t mask)
{
    unsigned last = GIC_NO_CPU;
    for (; mask; mask &= mask - 1) {
        unsigned target = gic->target[bank * 32 + ctz32(mask)];
        if (target != last && target != GIC_NO_CPU)
            gicv3_update_cpu(&gic->cpus[target]);
        last = target;
    }
}

struct gicv3_cpu *gicv3_cpu_by_affinity(struct gicv3 *gic, uint32_t affinity)
{
    // Boards number CPUs in rising affinity.
    unsigned low = 0, high = gic->cpu_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (gic->cpus[middle].affinity < affinity)
            low = middle + 1;
        else
            high = middle;
    }
    return low < gic->cpu_count && gic->cpus[low].affinity == affinity ? &gic->cpus[low] : NULL;
}

// Interrupts routed to "any CPU" go to the first one, which is always there.
void gicv3_route_spi(struct gicv3 *gic, unsigned spi)
{
    uint64_t route = gic->irouter[spi];
    uint32_t affinity = (uint32_t)(route & 0xffffff) | (uint32_t)(extract64(route, 32, 8) << 24);
    struct gicv3_cpu *cpu = route & BIT64(31) ? gic->cpus : gicv3_cpu_by_affinity(gic, affinity);
    gic->target[spi] = cpu ? (uint16_t)(cpu - gic->cpus) : GIC_NO_CPU;
}

struct gic_bank *gicv3_bank_of(struct gicv3_cpu *cpu, uint32_t intid, uint32_t *bit)
{
    struct gicv3 *gic = cpu->gic;
    *bit = BIT32(intid % 32);
    if (intid < GIC_INTERNAL)
        return &cpu->bank;
    return intid < GIC_INTERNAL + gic->spi_count ? &gic->spis[intid / 32 - 1] : NULL;
}

static void spi_set(void *opaque, unsigned spi, bool level)
{
    struct gicv3 *gic = opaque;
    gicv3_lock(gic);
    gic_bank_set_line(&gic->spis[spi / 32], BIT32(spi % 32), level);
    gicv3_update_spis(gic, spi / 32, BIT32(spi % 32));
    gicv3_unlock(gic);
}

static void ppi_set(void *opaque, unsigned intid, bool level)
{
    struct gicv3_cpu *cpu = opaque;
    gicv3_lock(cpu->gic);
    gic_bank_set_line(&cpu->bank, BIT32(intid), level);
    gicv3_update_cpu(cpu);
    gicv3_unlock(cpu->gic);
}

static const struct gicv3_engine engine = {.spi_set = spi_set, .ppi_set = ppi_set};

static void gicv3_init(struct device *device)
{
    ((struct gicv3 *)device)->engine = &engine;
}

struct irq_line gicv3_spi_line(struct device *device, unsigned spi)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    assert(spi < gic->spi_count);
    return (struct irq_line){gic->engine->spi_set, gic, spi};
}

struct irq_line gicv3_ppi_line(struct device *device, unsigned cpu, unsigned intid)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    assert(cpu < gic->cpu_count && intid >= 16 && intid < GIC_INTERNAL);
    return (struct irq_line){gic->engine->ppi_set, &gic->cpus[cpu], intid};
}

void gicv3_connect_cpu(struct device *device, unsigned cpu, const struct irq_line inputs[2])
{
    struct gicv3 *gic = (struct gicv3 *)device;
    assert(cpu < gic->cpu_count);
    memcpy(gic->cpus[cpu].inputs, inputs, sizeof(gic->cpus[cpu].inputs));
}

void gicv3_configure(struct device *device, const struct gicv3_config *config)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    gic->config = *config;
    gic->cpu_count = config->cpu_count;
    gic->cpus = ALLOC_ARRAY(struct gicv3_cpu, config->cpu_count);
    for (unsigned i = 0; i < config->cpu_count; i++) {
        uint64_t mpidr = config->affinities[i];
        gic->cpus[i].gic = gic;
        gic->cpus[i].affinity = (uint32_t)(mpidr & 0xffffff) | (uint32_t)(extract64(mpidr, 32, 8) << 24);
    }
    gic->config.affinities = NULL;
}

static int map_registers(struct gicv3 *gic, struct error *error)
{
    struct memory_map *map = gic->device.machine->map;
    struct mem_region_desc dist = {.name = "gicv3_dist",
                                   .base = gic->config.dist_base,
                                   .size = GICV3_DIST_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &gicv3_dist_ops,
                                   .opaque = gic};
    gic->dist_region = memory_map_add(map, dist, error);
    if (!gic->dist_region)
        return -EINVAL;
    unsigned first = 0;
    for (unsigned i = 0; i < 2 && gic->config.redists[i].count; i++) {
        gic->frames[i] = (struct gicv3_redist_frames){gic, first};
        struct mem_region_desc redist = {.name = "gicv3_redist",
                                         .base = gic->config.redists[i].base,
                                         .size = (uint64_t)gic->config.redists[i].count * GICV3_REDIST_SIZE,
                                         .kind = MEM_MMIO,
                                         .ops = &gicv3_redist_ops,
                                         .opaque = &gic->frames[i]};
        gic->redist_regions[i] = memory_map_add(map, redist, error);
        if (!gic->redist_regions[i])
            return -EINVAL;
        first += gic->config.redists[i].count;
    }
    assert(first == gic->cpu_count);
    return 0;
}

void gicv3_unrealize(struct device *device)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    struct memory_map *map = device->machine->map;
    struct mem_region *regions[] = {gic->dist_region, gic->redist_regions[0], gic->redist_regions[1]};
    for (unsigned i = 0; i < ARRAY_SIZE(regions); i++)
        if (regions[i])
            memory_map_remove(map, regions[i]);
    pthread_mutex_destroy(&gic->lock);
    free(gic->cpus);
    free(gic->spis);
    free(gic->irouter);
    free(gic->target);
    free(gic->lpi_memory);
}

void gicv3_make(struct gicv3 *gic)
{
    const struct gicv3_config *config = &gic->config;
    assert(config->cpu_count >= 1 && config->cpu_count <= GICV3_MAX_CPUS);
    assert(config->irq_count >= 64 && config->irq_count <= 992 && config->irq_count % 32 == 0);
    gic->spi_count = config->irq_count - GIC_INTERNAL;
    gic->spi_bank_count = config->irq_count / 32 - 1;
    gic->spis = ALLOC_ARRAY(struct gic_bank, gic->spi_bank_count);
    gic->irouter = ALLOC_ARRAY(uint64_t, gic->spi_bank_count * 32);
    gic->target = ALLOC_ARRAY(uint16_t, gic->spi_bank_count * 32);
    if (config->has_lpis) {
        gic->lpi_memory = ALLOC_ARRAY(uint64_t, (size_t)GIC_LPI_WORDS * gic->cpu_count);
        for (unsigned i = 0; i < gic->cpu_count; i++) {
            gic->cpus[i].lpi_pending = gic->lpi_memory + (size_t)i * GIC_LPI_WORDS;
            gic->cpus[i].lpi_words = GIC_LPI_WORDS;
        }
    }
    pthread_mutex_init(&gic->lock, NULL);
}

static int gicv3_realize(struct device *device, struct error *error)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    gicv3_make(gic);
    int result = map_registers(gic, error);
    if (result)
        gicv3_unrealize(device);
    return result;
}

static void reset_bank(struct gic_bank *bank)
{
    uint32_t line = bank->line; // belongs to the device that drives it
    *bank = (struct gic_bank){.line = line};
}

void gicv3_reset_registers(struct gicv3 *gic)
{
    gic->dist_ctlr = 0;
    for (unsigned b = 0; b < gic->spi_bank_count; b++)
        reset_bank(&gic->spis[b]);
    memset(gic->irouter, 0, gic->spi_bank_count * 32 * sizeof(*gic->irouter));
    for (unsigned spi = 0; spi < gic->spi_bank_count * 32; spi++)
        gicv3_route_spi(gic, spi);
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        struct gicv3_cpu *cpu = &gic->cpus[i];
        reset_bank(&cpu->bank);
        cpu->bank.edge = 0xffff; // SGIs
        cpu->waker = 6;          // asleep
        cpu->redist_ctlr = 0;
        cpu->propbaser = cpu->pendbaser = 0;
        cpu->best_lpi = 0;
        if (cpu->lpi_pending)
            memset(cpu->lpi_pending, 0, GIC_LPI_WORDS * sizeof(*cpu->lpi_pending));
        gicv3_reset_cpu_if(cpu);
    }
}

static void gicv3_reset(struct device *device)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    gicv3_lock(gic);
    gicv3_reset_registers(gic);
    gicv3_update_all(gic);
    gicv3_unlock(gic);
}

static void gicv3_state_loaded(struct device *device)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    gicv3_lock(gic);
    for (unsigned spi = 0; spi < gic->spi_bank_count * 32; spi++)
        gicv3_route_spi(gic, spi);
    for (unsigned i = 0; i < gic->cpu_count; i++) {
        gicv3_lpi_reconsider(&gic->cpus[i]);
        gic->cpus[i].driven = 0;
        irq_set(&gic->cpus[i].inputs[ARM_CPU_IRQ], false);
        irq_set(&gic->cpus[i].inputs[ARM_CPU_FIQ], false);
    }
    gicv3_update_all(gic);
    gicv3_unlock(gic);
}

static const struct state_field cpu_state[] = {
    STATE_STRUCT_FIELD(gicv3_cpu, bank, gic_bank_state),
    STATE_FIELD(gicv3_cpu, U32, waker),
    STATE_FIELD(gicv3_cpu, U32, redist_ctlr),
    STATE_FIELD(gicv3_cpu, U64, propbaser),
    STATE_FIELD(gicv3_cpu, U64, pendbaser),
    STATE_POINTER(gicv3_cpu, U64, lpi_pending, lpi_words),
    STATE_FIELD(gicv3_cpu, U8, pmr),
    STATE_ARRAY(gicv3_cpu, U8, bpr),
    STATE_FIELD(gicv3_cpu, U8, group_enable),
    STATE_FIELD(gicv3_cpu, U32, ctlr),
    STATE_ARRAY(gicv3_cpu, U32, apr),
    STATE_END,
};

const struct state_field gicv3_state[] = {
    STATE_FIELD(gicv3, U32, dist_ctlr),
    STATE_POINTER_STRUCTS(gicv3, spis, spi_bank_count, gic_bank_state),
    STATE_POINTER(gicv3, U64, irouter, spi_count),
    STATE_POINTER_STRUCTS(gicv3, cpus, cpu_count, cpu_state),
    STATE_END,
};

const struct device_type gicv3_type = {
    .name = "arm-gicv3",
    .help = "Arm Generic Interrupt Controller, version 3",
    .instance_size = sizeof(struct gicv3),
    .state = gicv3_state,
    .init = gicv3_init,
    .realize = gicv3_realize,
    .unrealize = gicv3_unrealize,
    .reset = gicv3_reset,
    .state_loaded = gicv3_state_loaded,
    .print_irq = gicv3_print_irq,
};
