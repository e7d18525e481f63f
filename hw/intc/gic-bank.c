// SPDX-License-Identifier: MIT
// Per-interrupt registers of Arm GICs (IHI 0048 section 4.3, IHI 0069 section 12.9).
#include "hw/intc/gic-bank.h"

#include "tcg/base/bits.h"

const struct state_field gic_bank_state[] = {
    STATE_FIELD(gic_bank, U32, group),   STATE_FIELD(gic_bank, U32, enabled),
    STATE_FIELD(gic_bank, U32, latch),   STATE_FIELD(gic_bank, U32, line),
    STATE_FIELD(gic_bank, U32, active),  STATE_FIELD(gic_bank, U32, edge),
    STATE_ARRAY(gic_bank, U8, priority), STATE_END,
};

struct gic_bank_place gic_bank_decode(uint64_t offset)
{
    struct gic_bank_place place = {GIC_BANK_NONE, 0, 0};
    if (offset >= GIC_IGROUPR && offset < GIC_IPRIORITYR) {
        place.reg = (enum gic_bank_register)(offset & ~UINT64_C(0x7f));
        place.bank = (unsigned)(offset & 0x7f) / 4;
    } else if (offset >= GIC_IPRIORITYR && offset < GIC_IPRIORITYR + 0x400) {
        place.reg = GIC_IPRIORITYR;
        place.bank = (unsigned)(offset - GIC_IPRIORITYR) / 32;
        place.index = (unsigned)(offset - GIC_IPRIORITYR) % 32;
    } else if (offset >= GIC_ICFGR && offset < GIC_ICFGR + 0x100) {
        place.reg = GIC_ICFGR;
        place.bank = (unsigned)(offset - GIC_ICFGR) / 8;
        place.index = (unsigned)(offset - GIC_ICFGR) / 4 % 2;
    }
    return place;
}

static uint32_t read_config(const struct gic_bank *bank, unsigned half)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        if (bank->edge & BIT32(half * 16 + i))
            value |= 2u << (2 * i);
    return value;
}

uint32_t gic_bank_read(const struct gic_bank *bank, struct gic_bank_place place, unsigned size)
{
    if (place.reg == GIC_IPRIORITYR) {
        uint32_t value = 0;
        for (unsigned i = 0; i < size; i++)
            value |= (uint32_t)bank->priority[place.index + i] << (8 * i);
        return value;
    }
    if (size != 4)
        return 0;
    switch (place.reg) {
    case GIC_IGROUPR:
        return bank->group;
    case GIC_ISENABLER:
    case GIC_ICENABLER:
        return bank->enabled;
    case GIC_ISPENDR:
    case GIC_ICPENDR:
        return gic_bank_pending(bank);
    case GIC_ISACTIVER:
    case GIC_ICACTIVER:
        return bank->active;
    case GIC_ICFGR:
        return read_config(bank, place.index);
    default:
        return 0;
    }
}

static uint32_t write_config(struct gic_bank *bank, unsigned half, uint32_t value, uint32_t fixed)
{
    uint32_t edge = 0, mine = 0xffffu << (16 * half) & ~fixed;
    for (unsigned i = 0; i < 16; i++)
        if (value & (2u << (2 * i)))
            edge |= BIT32(half * 16 + i);
    uint32_t changed = (bank->edge ^ edge) & mine;
    bank->edge ^= changed;
    return changed;
}

uint32_t gic_bank_write(struct gic_bank *bank, struct gic_bank_place place, unsigned size, uint32_t value,
                        uint32_t fixed_edge, unsigned priority_bits)
{
    if (place.reg == GIC_IPRIORITYR) {
        for (unsigned i = 0; i < size; i++)
            bank->priority[place.index + i] = (uint8_t)((value >> (8 * i)) & (0xff00u >> priority_bits));
        return (uint32_t)(mask64(size) << place.index);
    }
    if (size != 4)
        return 0;
    uint32_t changed = value;
    switch (place.reg) {
    case GIC_IGROUPR:
        changed = bank->group ^ value;
        bank->group = value;
        break;
    case GIC_ISENABLER:
        bank->enabled |= value;
        break;
    case GIC_ICENABLER:
        bank->enabled &= ~value;
        break;
    case GIC_ISPENDR:
        bank->latch |= value;
        break;
    case GIC_ICPENDR:
        bank->latch &= ~value;
        break;
    case GIC_ISACTIVER:
        bank->active |= value;
        break;
    case GIC_ICACTIVER:
        bank->active &= ~value;
        break;
    case GIC_ICFGR:
        return write_config(bank, place.index, value, fixed_edge);
    default:
        return 0;
    }
    return changed;
}

void gic_bank_set_line(struct gic_bank *bank, uint32_t bit, bool level)
{
    bool rising = level && !(bank->line & bit);
    bank->line = level ? bank->line | bit : bank->line & ~bit;
    if (rising && (bank->edge & bit))
        bank->latch |= bit;
}
