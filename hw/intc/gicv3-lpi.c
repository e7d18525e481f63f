// SPDX-License-Identifier: MIT
// LPIs of a redistributor (IHI 0069 chapter 5). The configuration table (priority and enable, a byte each)
// stays in guest memory and is read when an LPI becomes pending or the guest invalidates. The pending table
// is kept here while LPIs are enabled, and exchanged with guest memory when that changes.
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/intc/gicv3-internal.h"
#include "tcg/base/bits.h"

static struct memory_map *map_of(const struct gicv3_cpu *cpu)
{
    return cpu->gic->device.machine->map;
}

// LPIs with numbers from this on are outside of the tables that the guest set up.
static uint32_t lpi_limit(const struct gicv3_cpu *cpu)
{
    unsigned bits = (unsigned)extract64(cpu->propbaser, 0, 5) + 1;
    return bits >= GIC_LPI_ID_BITS ? BIT32(GIC_LPI_ID_BITS) : BIT32(bits);
}

bool gicv3_lpi_priority(const struct gicv3_cpu *cpu, uint32_t intid, uint8_t *priority)
{
    uint8_t config;
    uint64_t table = cpu->propbaser & UINT64_C(0x000ffffffffff000);
    if (!dma_read(map_of(cpu), table + (intid - GIC_FIRST_LPI), &config, 1) || !(config & 1))
        return false;
    *priority = config & (0xff00u >> GIC_PRIORITY_BITS) & 0xfc;
    return true;
}

static void consider(struct gicv3_cpu *cpu, uint32_t intid)
{
    uint8_t priority;
    if (!gicv3_lpi_priority(cpu, intid, &priority))
        return;
    if (cpu->best_lpi &&
        (cpu->best_lpi_priority < priority || (cpu->best_lpi_priority == priority && cpu->best_lpi <= intid)))
        return;
    cpu->best_lpi = intid;
    cpu->best_lpi_priority = priority;
}

void gicv3_lpi_reconsider(struct gicv3_cpu *cpu)
{
    cpu->best_lpi = 0;
    if (!cpu->lpi_pending || !(cpu->redist_ctlr & GICR_CTLR_ENABLE_LPIS))
        return;
    for (unsigned w = 0; w < GIC_LPI_WORDS; w++)
        for (uint64_t left = cpu->lpi_pending[w]; left; left &= left - 1)
            consider(cpu, GIC_FIRST_LPI + w * 64 + ctz64(left));
}

void gicv3_lpi_set(struct gicv3_cpu *cpu, uint32_t intid, bool pending)
{
    if (!cpu->lpi_pending || !(cpu->redist_ctlr & GICR_CTLR_ENABLE_LPIS) || intid < GIC_FIRST_LPI ||
        intid >= lpi_limit(cpu))
        return;
    uint64_t *word = &cpu->lpi_pending[(intid - GIC_FIRST_LPI) / 64], bit = BIT64(intid % 64);
    if (pending) {
        *word |= bit;
        consider(cpu, intid);
    } else {
        *word &= ~bit;
        if (cpu->best_lpi == intid)
            gicv3_lpi_reconsider(cpu);
    }
    gicv3_update_cpu(cpu);
}

bool gicv3_lpi_pending(const struct gicv3_cpu *cpu, uint32_t intid)
{
    return cpu->lpi_pending && intid >= GIC_FIRST_LPI && intid < lpi_limit(cpu) &&
           (cpu->lpi_pending[(intid - GIC_FIRST_LPI) / 64] >> (intid % 64) & 1);
}

// Bit n of the table in memory is INTID n, so LPIs begin at byte 1024.
static uint64_t pending_table(const struct gicv3_cpu *cpu)
{
    return (cpu->pendbaser & UINT64_C(0x000fffffffff0000)) + GIC_FIRST_LPI / 8;
}

static uint64_t pending_bytes(const struct gicv3_cpu *cpu)
{
    uint32_t limit = lpi_limit(cpu);
    return limit > GIC_FIRST_LPI ? (limit - GIC_FIRST_LPI) / 8 : 0;
}

void gicv3_lpis_enable(struct gicv3_cpu *cpu)
{
    for (unsigned w = 0; w < GIC_LPI_WORDS; w++)
        cpu->lpi_pending[w] = 0;
    bool zero = cpu->pendbaser & BIT64(62); // PTZ: the guest says that the table is all zero
    uint64_t bytes = pending_bytes(cpu);
    if (!zero)
        for (uint64_t at = 0; at + 8 <= bytes; at += 8)
            (void)dma_read_le64(map_of(cpu), pending_table(cpu) + at, &cpu->lpi_pending[at / 8]);
    gicv3_lpi_reconsider(cpu);
}

void gicv3_lpis_disable(struct gicv3_cpu *cpu)
{
    uint64_t bytes = pending_bytes(cpu);
    for (uint64_t at = 0; at + 8 <= bytes; at += 8)
        (void)dma_write_le64(map_of(cpu), pending_table(cpu) + at, cpu->lpi_pending[at / 8]);
    cpu->best_lpi = 0;
}

void gicv3_lpi_move_all(struct gicv3_cpu *from, struct gicv3_cpu *to)
{
    if (from == to || !from->lpi_pending || !(to->redist_ctlr & GICR_CTLR_ENABLE_LPIS))
        return;
    for (unsigned w = 0; w < GIC_LPI_WORDS; w++) {
        to->lpi_pending[w] |= from->lpi_pending[w];
        from->lpi_pending[w] = 0;
    }
    gicv3_lpi_reconsider(from);
    gicv3_lpi_reconsider(to);
    gicv3_update_cpu(from);
    gicv3_update_cpu(to);
}
