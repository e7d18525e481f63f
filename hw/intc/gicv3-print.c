// SPDX-License-Identifier: MIT
// GICv3: where every interrupt stands. Of LPIs the pending ones; the ITS shows what is mapped to them.
#include "hw/intc/gic-print.h"
#include "hw/intc/gicv3-internal.h"
#include "tcg/base/bits.h"

enum { MOST_LPIS = 64 }; // of a CPU that are shown

#define WAKER_SLEEP 2u

static struct gic_gate gate_of(const struct gicv3_cpu *cpu)
{
    return (struct gic_gate){
        .dist_groups = cpu->gic->dist_ctlr,
        .cpu_groups = cpu->group_enable,
        .pmr = cpu->pmr,
        .running = gicv3_running_priority(cpu),
        .preempts = {gicv3_group_priority(cpu, 0, 0xff), gicv3_group_priority(cpu, 1, 0xff)},
        .output = {"signalled as FIQ", "signalled as IRQ"},
        .best = gicv3_highest_pending(cpu).intid,
    };
}

static void add(struct gic_table *table, const struct gicv3_cpu *cpu, const struct gic_gate *gate,
                const struct gic_interrupt *i)
{
    char target[16];
    snprintf(target, sizeof(target), "CPU #%u", (unsigned)(cpu - cpu->gic->cpus));
    gic_table_add(table, i, target, gic_progress_text(gic_progress(gate, i), i, gate));
}

// Pending ones are known here while LPIs are enabled.
static unsigned add_lpis(struct gic_table *table, const struct gicv3_cpu *cpu, const struct gic_gate *gate)
{
    unsigned count = 0;
    if (!cpu->lpi_pending || !(cpu->redist_ctlr & GICR_CTLR_ENABLE_LPIS))
        return 0;
    for (unsigned w = 0; w < GIC_LPI_WORDS; w++)
        for (uint64_t left = cpu->lpi_pending[w]; left; left &= left - 1) {
            struct gic_interrupt i = {
                .intid = GIC_FIRST_LPI + w * 64 + ctz64(left), .pending = true, .edge = true, .group = 1};
            i.enabled = gicv3_lpi_priority(cpu, i.intid, &i.priority);
            if (count++ < MOST_LPIS)
                add(table, cpu, gate, &i);
        }
    return count;
}

static void print_cpu(const struct gicv3_cpu *cpu, FILE *out)
{
    struct gic_gate gate = gate_of(cpu);
    struct gic_table table;
    fprintf(out, "CPU #%u: affinity %u.%u.%u.%u, ", (unsigned)(cpu - cpu->gic->cpus),
            (unsigned)(cpu->affinity >> 24 & 0xff), (unsigned)(cpu->affinity >> 16 & 0xff),
            (unsigned)(cpu->affinity >> 8 & 0xff), (unsigned)(cpu->affinity & 0xff));
    gic_print_gate(&gate, cpu->driven, out);
    fprintf(out, "%s%s\n", cpu->waker & WAKER_SLEEP ? ", redistributor asleep" : "",
            !cpu->lpi_pending                          ? ""
            : cpu->redist_ctlr & GICR_CTLR_ENABLE_LPIS ? ", LPIs on"
                                                       : ", LPIs off");
    gic_table_begin(&table, out);
    for (unsigned n = 0; n < GIC_INTERNAL; n++) {
        struct gic_interrupt i = gic_bank_interrupt(&cpu->bank, n, 0);
        add(&table, cpu, &gate, &i);
    }
    unsigned lpis = add_lpis(&table, cpu, &gate);
    gic_table_end(&table);
    if (lpis > MOST_LPIS)
        fprintf(out, "  and %u more LPIs that are pending\n", lpis - MOST_LPIS);
}

static void add_spi(const struct gicv3 *gic, struct gic_table *table, unsigned spi)
{
    struct gic_interrupt i = gic_bank_interrupt(&gic->spis[spi / 32], spi % 32, GIC_INTERNAL + spi / 32 * 32);
    uint16_t target = gic->target[spi];
    if (target == GIC_NO_CPU) {
        gic_table_add(table, &i, "none", gic_progress_text(GIC_NO_TARGET, &i, NULL));
        return;
    }
    struct gic_gate gate = gate_of(&gic->cpus[target]);
    add(table, &gic->cpus[target], &gate, &i);
}

void gicv3_print_irq(struct device *device, FILE *out)
{
    struct gicv3 *gic = (struct gicv3 *)device;
    struct gic_table table;
    gicv3_lock(gic);
    fprintf(out, "GICv3: groups enabled in the distributor: %s\n", gic_groups_text(gic->dist_ctlr));
    for (unsigned i = 0; i < gic->cpu_count; i++)
        print_cpu(&gic->cpus[i], out);
    fprintf(out, "shared:\n");
    gic_table_begin(&table, out);
    for (unsigned spi = 0; spi < gic->spi_count; spi++)
        add_spi(gic, &table, spi);
    gic_table_end(&table);
    gicv3_unlock(gic);
}
