// SPDX-License-Identifier: MIT
// GICv2: where every interrupt stands.
#include "hw/intc/gic-print.h"
#include "hw/intc/gicv2-internal.h"
#include "tcg/base/bits.h"

static struct gic_gate gate_of(const struct gicv2 *gic, unsigned index)
{
    const struct gicv2_cpu *cpu = &gic->cpus[index];
    return (struct gic_gate){
        .dist_groups = gic->dist_ctlr,
        .cpu_groups = cpu->ctlr,
        .pmr = cpu->pmr,
        .running = gicv2_running_priority(cpu),
        .preempts = {gicv2_group_priority(cpu, 0, 0xff), gicv2_group_priority(cpu, 1, 0xff)},
        .output = {cpu->ctlr & GICC_CTLR_FIQEN ? "signalled as FIQ" : "signalled as IRQ", "signalled as IRQ"},
        .best = gicv2_highest_pending(gic, index).intid,
    };
}

static void print_senders(const struct gicv2_cpu *cpu, FILE *out)
{
    for (unsigned sgi = 0; sgi < 16; sgi++) {
        if (!cpu->sgi_sources[sgi])
            continue;
        fprintf(out, "  SGI %u was sent by", sgi);
        for (uint32_t left = cpu->sgi_sources[sgi]; left; left &= left - 1)
            fprintf(out, " CPU #%u", ctz32(left));
        fputc('\n', out);
    }
}

static void print_cpu(const struct gicv2 *gic, unsigned index, FILE *out)
{
    const struct gicv2_cpu *cpu = &gic->cpus[index];
    struct gic_gate gate = gate_of(gic, index);
    struct gic_table table;
    char target[16];
    fprintf(out, "CPU #%u: ", index);
    gic_print_gate(&gate, cpu->driven, out);
    fputc('\n', out);
    snprintf(target, sizeof(target), "CPU #%u", index);
    gic_table_begin(&table, out);
    for (unsigned n = 0; n < GICV2_INTERNAL; n++) {
        struct gic_interrupt i = gic_bank_interrupt(&cpu->bank, n, 0);
        gic_table_add(&table, &i, target, gic_progress_text(gic_progress(&gate, &i), &i, &gate));
    }
    gic_table_end(&table);
    print_senders(cpu, out);
}

// Of the CPUs that a shared interrupt goes to, the one counts to which it has come closest.
static void print_spi(const struct gicv2 *gic, struct gic_table *table, unsigned spi)
{
    struct gic_interrupt i = gic_bank_interrupt(&gic->spis[spi / 32], spi % 32, GICV2_INTERNAL + spi / 32 * 32);
    uint32_t targets = gic->targets[spi];
    char target[16];
    struct gic_gate gate = {0};
    enum gic_progress farthest = GIC_NO_TARGET;
    for (uint32_t left = targets; left; left &= left - 1) {
        struct gic_gate one = gate_of(gic, ctz32(left));
        enum gic_progress progress = gic_progress(&one, &i);
        if (progress > farthest) {
            farthest = progress;
            gate = one;
        }
    }
    if (targets & (targets - 1))
        snprintf(target, sizeof(target), "CPUs 0x%02x", targets);
    else if (targets)
        snprintf(target, sizeof(target), "CPU #%u", ctz32(targets));
    else
        snprintf(target, sizeof(target), "none");
    gic_table_add(table, &i, target, gic_progress_text(farthest, &i, &gate));
}

void gicv2_print_irq(struct device *device, FILE *out)
{
    struct gicv2 *gic = (struct gicv2 *)device;
    struct gic_table table;
    pthread_mutex_lock(&gic->lock);
    fprintf(out, "GICv2: groups enabled in the distributor: %s\n", gic_groups_text(gic->dist_ctlr));
    for (unsigned i = 0; i < gic->config.cpu_count; i++)
        print_cpu(gic, i, out);
    fprintf(out, "shared:\n");
    gic_table_begin(&table, out);
    for (unsigned spi = 0; spi < gic->spi_count; spi++)
        print_spi(gic, &table, spi);
    gic_table_end(&table);
    pthread_mutex_unlock(&gic->lock);
}
