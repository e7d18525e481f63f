// SPDX-License-Identifier: MIT
// ACPI fixed hardware.
#include "hw/acpi/pm.h"

#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum {
    STATUS_BITS = ACPI_TMR | 1 << 4 | ACPI_GBL | ACPI_PWRBTN | ACPI_SLPBTN | ACPI_RTC | ACPI_WAK,
    ENABLE_BITS = ACPI_TMR | ACPI_GBL | ACPI_PWRBTN | ACPI_SLPBTN | ACPI_RTC,
    TIMER_BITS = 24,
    SLEEP_SOFT_OFF = 0, // what the table \_S5 says
};

const struct state_field acpi_pm_state[] = {
    STATE_FIELD(acpi_pm, U16, pm1_status),
    STATE_FIELD(acpi_pm, U16, pm1_enable),
    STATE_FIELD(acpi_pm, U16, pm1_control),
    STATE_ARRAY(acpi_pm, U8, gpe_status),
    STATE_ARRAY(acpi_pm, U8, gpe_enable),
    STATE_FIELD(acpi_pm, U64, timer_seen),
    STATE_END,
};

static uint64_t timer_count(const struct acpi_pm *pm)
{
    unsigned __int128 product = (unsigned __int128)clock_now_ns(pm->machine->clock) * ACPI_PM_TIMER_HZ;
    return (uint64_t)(product / NS_PER_SECOND);
}

// The status bit is set whenever the counter's top bit changes.
static void note_timer(struct acpi_pm *pm)
{
    uint64_t now = timer_count(pm);
    if ((now ^ pm->timer_seen) >> (TIMER_BITS - 1))
        pm->pm1_status |= ACPI_TMR;
    pm->timer_seen = now;
}

static void set_timer(struct acpi_pm *pm)
{
    if (!(pm->pm1_enable & ACPI_TMR) || (pm->pm1_status & ACPI_TMR)) {
        event_cancel(&pm->timer);
        return;
    }
    uint64_t next = ((pm->timer_seen >> (TIMER_BITS - 1)) + 1) << (TIMER_BITS - 1);
    unsigned __int128 ns = (unsigned __int128)next * NS_PER_SECOND / ACPI_PM_TIMER_HZ + 1;
    event_set(&pm->timer, (uint64_t)ns);
}

void acpi_pm_update(struct acpi_pm *pm)
{
    note_timer(pm);
    bool level = pm->pm1_status & pm->pm1_enable & ENABLE_BITS;
    for (unsigned i = 0; i < pm->gpe_bytes; i++)
        level = level || (pm->gpe_status[i] & pm->gpe_enable[i]);
    irq_set(&pm->sci, level && (pm->pm1_control & ACPI_SCI_EN));
    set_timer(pm);
}

static void timer_fires(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    acpi_pm_update(opaque);
}

void acpi_pm_init(struct acpi_pm *pm, struct machine *machine, unsigned gpe_bytes)
{
    pm->machine = machine;
    pm->gpe_bytes = gpe_bytes;
    event_init(&pm->timer, machine->clock, timer_fires, pm);
}

void acpi_pm_release(struct acpi_pm *pm)
{
    event_cancel(&pm->timer);
}

void acpi_pm_reset(struct acpi_pm *pm)
{
    pm->pm1_status = pm->pm1_enable = pm->pm1_control = 0;
    for (unsigned i = 0; i < ACPI_GPE_BYTES_MAX; i++)
        pm->gpe_status[i] = pm->gpe_enable[i] = 0;
    pm->timer_seen = timer_count(pm);
    acpi_pm_update(pm);
}

static void write_control(struct acpi_pm *pm, uint16_t value)
{
    pm->pm1_control = value & (uint16_t)~ACPI_SLP_EN;
    if (!(value & ACPI_SLP_EN))
        return;
    unsigned type = extract32(value, ACPI_SLP_TYP_SHIFT, 3);
    if (type == SLEEP_SOFT_OFF)
        machine_shutdown_request(pm->machine, SHUTDOWN_GUEST);
    else
        log_printf(LOG_GUEST_ERRORS, "acpi: sleep type %u, which is not there\n", type);
}

uint32_t acpi_pm_read(struct acpi_pm *pm, unsigned offset, unsigned size)
{
    uint8_t raw[12] = {0};
    if (!range_inside(offset, size, sizeof(raw)))
        return 0;
    note_timer(pm);
    store_le16(raw + ACPI_PM1_EVENT, pm->pm1_status);
    store_le16(raw + ACPI_PM1_EVENT + 2, pm->pm1_enable);
    store_le16(raw + ACPI_PM1_CONTROL, pm->pm1_control);
    store_le32(raw + ACPI_PM_TIMER, (uint32_t)(pm->timer_seen & mask64(TIMER_BITS)));
    return (uint32_t)load_le(raw + offset, size);
}

void acpi_pm_write(struct acpi_pm *pm, unsigned offset, unsigned size, uint32_t value)
{
    if (size == 4) {
        acpi_pm_write(pm, offset, 2, value & 0xffff);
        acpi_pm_write(pm, offset + 2, 2, value >> 16);
        return;
    }
    // Byte accesses keep the other half; of the status register they clear nothing there.
    unsigned shift = offset & 1 ? 8 : 0;
    uint16_t bits = (uint16_t)(value << shift), kept = size == 2 ? 0 : (uint16_t)(0xff00 >> shift);
    switch (offset & ~1u) {
    case ACPI_PM1_EVENT:
        note_timer(pm);
        pm->pm1_status &= (uint16_t)~bits;
        break;
    case ACPI_PM1_EVENT + 2:
        pm->pm1_enable = (uint16_t)((pm->pm1_enable & kept) | bits);
        break;
    case ACPI_PM1_CONTROL:
        write_control(pm, (uint16_t)((pm->pm1_control & kept) | bits));
        break;
    }
    acpi_pm_update(pm);
}

uint8_t acpi_gpe_read(const struct acpi_pm *pm, unsigned offset)
{
    if (offset >= 2 * pm->gpe_bytes)
        return 0;
    return offset < pm->gpe_bytes ? pm->gpe_status[offset] : pm->gpe_enable[offset - pm->gpe_bytes];
}

void acpi_gpe_write(struct acpi_pm *pm, unsigned offset, uint8_t value)
{
    if (offset >= 2 * pm->gpe_bytes)
        return;
    if (offset < pm->gpe_bytes)
        pm->gpe_status[offset] &= (uint8_t)~value;
    else
        pm->gpe_enable[offset - pm->gpe_bytes] = value;
    acpi_pm_update(pm);
}

void acpi_pm_set_mode(struct acpi_pm *pm, bool acpi)
{
    pm->pm1_control = (uint16_t)((pm->pm1_control & ~ACPI_SCI_EN) | (acpi ? ACPI_SCI_EN : 0));
    acpi_pm_update(pm);
}

void acpi_pm_raise(struct acpi_pm *pm, enum acpi_pm1_event event)
{
    pm->pm1_status |= event & STATUS_BITS;
    acpi_pm_update(pm);
}
