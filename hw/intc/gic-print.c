// SPDX-License-Identifier: MIT
// Tables of a GIC's interrupts. Numbers are INTIDs, as the registers count, and those of the kind, as device trees do.
#include "hw/intc/gic-print.h"

#include <string.h>

#include "hw/core/arm-cpu-if.h"

enum { FIRST_PPI = 16, FIRST_SPI = 32, FIRST_LPI = 8192, SPURIOUS = 1023, IDLE = 0xff };

struct gic_interrupt gic_bank_interrupt(const struct gic_bank *bank, unsigned n, uint32_t first_intid)
{
    return (struct gic_interrupt){
        .intid = first_intid + n,
        .enabled = bank->enabled >> n & 1,
        .pending = gic_bank_pending(bank) >> n & 1,
        .active = bank->active >> n & 1,
        .edge = bank->edge >> n & 1,
        .line = bank->line >> n & 1,
        .priority = bank->priority[n],
        .group = bank->group >> n & 1,
    };
}

enum gic_progress gic_progress(const struct gic_gate *gate, const struct gic_interrupt *i)
{
    if (!i->enabled)
        return GIC_DISABLED;
    if (!(gate->dist_groups >> i->group & 1))
        return GIC_DIST_GROUP_OFF;
    if (!(gate->cpu_groups >> i->group & 1))
        return GIC_CPU_GROUP_OFF;
    if (i->active)
        return GIC_IN_SERVICE;
    if (i->priority >= gate->pmr)
        return GIC_BELOW_MASK;
    if (gate->running != IDLE && (i->priority & gate->preempts[i->group]) >= gate->running)
        return GIC_BELOW_RUNNING;
    return i->intid == gate->best ? GIC_SIGNALLED : GIC_NOT_FIRST;
}

const char *gic_progress_text(enum gic_progress progress, const struct gic_interrupt *i, const struct gic_gate *gate)
{
    static const char *const texts[] = {
        [GIC_NO_TARGET] = "goes to no CPU",
        [GIC_DISABLED] = "disabled",
        [GIC_DIST_GROUP_OFF] = "group off in the distributor",
        [GIC_CPU_GROUP_OFF] = "group off in the CPU interface",
        [GIC_IN_SERVICE] = "active until it is deactivated",
        [GIC_BELOW_MASK] = "masked by PMR",
        [GIC_BELOW_RUNNING] = "not above the running priority",
        [GIC_NOT_FIRST] = "another comes first",
    };
    if (!i->pending)
        return i->active ? "in service" : "not pending";
    return progress == GIC_SIGNALLED ? gate->output[i->group] : texts[progress];
}

const char *gic_groups_text(uint32_t groups)
{
    static const char *const texts[] = {"none", "0", "1", "0 and 1"};
    return texts[groups & 3];
}

void gic_print_gate(const struct gic_gate *gate, unsigned driven, FILE *out)
{
    fprintf(out, "groups enabled in its interface: %s, PMR 0x%02x, running priority ", gic_groups_text(gate->cpu_groups),
            gate->pmr);
    if (gate->running == IDLE)
        fputs("idle", out);
    else
        fprintf(out, "0x%02x", gate->running);
    if (gate->best == SPURIOUS)
        fputs(", highest pending none", out);
    else
        fprintf(out, ", highest pending %u", gate->best);
    fprintf(out, ", IRQ %s, FIQ %s", driven >> ARM_CPU_IRQ & 1 ? "high" : "low",
            driven >> ARM_CPU_FIQ & 1 ? "high" : "low");
}

void gic_table_begin(struct gic_table *table, FILE *out)
{
    *table = (struct gic_table){.out = out};
    fprintf(out, "  %-11s %-10s %-8s %-5s %-8s %-8s %-7s %-6s %-9s %-10s %s\n", "INTID", "kind", "trigger", "line",
            "enabled", "pending", "active", "group", "priority", "goes to", "state");
}

static void print_range(char *text, size_t size, const char *kind, uint32_t first, uint32_t last)
{
    int used = snprintf(text, size, "%s%u", kind, first);
    if (first != last)
        snprintf(text + used, size - (size_t)used, "-%u", last);
}

void gic_table_end(struct gic_table *table)
{
    uint32_t first = table->first;
    if (!*table->row)
        return;
    const char *kind = first < FIRST_PPI ? "SGI " : first < FIRST_SPI ? "PPI " : first < FIRST_LPI ? "SPI " : "LPI ";
    uint32_t base = first < FIRST_PPI ? 0 : first < FIRST_SPI ? FIRST_PPI : first < FIRST_LPI ? FIRST_SPI : FIRST_LPI;
    char numbers[24], kinds[28];
    print_range(numbers, sizeof(numbers), "", first, table->last);
    print_range(kinds, sizeof(kinds), kind, first - base, table->last - base);
    fprintf(table->out, "  %-11s %-10s %s\n", numbers, kinds, table->row);
    *table->row = 0;
}

static bool starts_kind(uint32_t intid)
{
    return intid == FIRST_PPI || intid == FIRST_SPI || intid == FIRST_LPI;
}

void gic_table_add(struct gic_table *table, const struct gic_interrupt *i, const char *target, const char *state)
{
    char row[sizeof(table->row)];
    if (!i->enabled && !i->pending && !i->active)
        return;
    bool has_line = i->intid >= FIRST_PPI && i->intid < FIRST_LPI;
    snprintf(row, sizeof(row), "%-8s %-5s %-8s %-8s %-7s %-6u 0x%02x      %-10s %s", i->edge ? "edge" : "level",
             !has_line ? "-"
             : i->line ? "high"
                       : "low",
             i->enabled ? "yes" : "-", i->pending ? "yes" : "-", i->active ? "yes" : "-", i->group, i->priority, target,
             state);
    if (*table->row && i->intid == table->last + 1 && !starts_kind(i->intid) && !strcmp(row, table->row)) {
        table->last = i->intid;
        return;
    }
    gic_table_end(table);
    table->first = table->last = i->intid;
    memcpy(table->row, row, sizeof(row));
}
