// SPDX-License-Identifier: MIT
// Local APIC registers, as both the page and the MSRs show them.
#include "hw/intc/apic-internal.h"

enum { VERSION = 0x14, CAN_SUPPRESS_EOI = 1 << 24 };

// What each entry of the local vector table can hold.
static const uint32_t lvt_masks[LVT_COUNT] = {
    [LVT_TIMER] = 0x000700ff, [LVT_THERMAL] = 0x000107ff, [LVT_PERFORMANCE] = 0x000107ff,
    [LVT_LINT0] = 0x0001a7ff, [LVT_LINT1] = 0x0001a7ff,   [LVT_ERROR] = 0x000100ff,
};

uint32_t apic_ldr(const struct apic_cpu *cpu)
{
    return apic_is_x2apic(cpu) ? (cpu->id >> 4) << 16 | BIT32(cpu->id & 15) : cpu->ldr;
}

bool apic_register_read(struct apic_cpu *cpu, unsigned number, uint32_t *value)
{
    bool wide = apic_is_x2apic(cpu);
    switch (number) {
    case APIC_ID:
        *value = wide ? cpu->id : cpu->id << 24;
        return true;
    case APIC_VERSION:
        *value = VERSION | (LVT_COUNT - 1) << 16 | CAN_SUPPRESS_EOI;
        return true;
    case APIC_TPR:
        *value = cpu->tpr;
        return true;
    case APIC_APR:
        *value = apic_ppr(cpu);
        return !wide;
    case APIC_PPR:
        *value = apic_ppr(cpu);
        return true;
    case APIC_EOI:
    case APIC_RRD:
        *value = 0;
        return !wide;
    case APIC_LDR:
        *value = apic_ldr(cpu);
        return true;
    case APIC_DFR:
        *value = cpu->dfr;
        return !wide;
    case APIC_SVR:
        *value = cpu->svr;
        return true;
    case APIC_ESR:
        *value = cpu->esr;
        return true;
    case APIC_ICR:
        *value = cpu->icr;
        return true;
    case APIC_ICR_HIGH:
        *value = cpu->icr_high;
        return !wide;
    case APIC_INITIAL_COUNT:
        *value = cpu->initial_count;
        return true;
    case APIC_CURRENT_COUNT:
        *value = apic_timer_current(cpu);
        return true;
    case APIC_DIVIDE:
        *value = cpu->divide;
        return true;
    }
    if (number >= APIC_LVT && number < APIC_LVT + LVT_COUNT)
        *value = cpu->lvt[number - APIC_LVT];
    else if (number >= APIC_ISR && number < APIC_ISR + 8)
        *value = cpu->isr[number - APIC_ISR];
    else if (number >= APIC_TMR && number < APIC_TMR + 8)
        *value = cpu->tmr[number - APIC_TMR];
    else if (number >= APIC_IRR && number < APIC_IRR + 8)
        *value = cpu->irr[number - APIC_IRR];
    else
        return false;
    return true;
}

static void write_lvt(struct apic_cpu *cpu, unsigned entry, uint32_t value)
{
    value &= lvt_masks[entry];
    if (!(cpu->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (entry == LVT_TIMER)
        apic_timer_set_lvt(cpu, value);
    else
        cpu->lvt[entry] = value;
    apic_update(cpu);
}

static void write_svr(struct apic_cpu *cpu, uint32_t value)
{
    cpu->svr = value & (SVR_NO_EOI_BROADCAST | 0x3ff);
    // Switched off by software, every entry is masked and stays so.
    for (unsigned i = 0; !(cpu->svr & SVR_ENABLE) && i < LVT_COUNT; i++)
        write_lvt(cpu, i, cpu->lvt[i]);
    apic_update(cpu);
}

int apic_register_write(struct apic_cpu *cpu, unsigned number, uint32_t value)
{
    bool wide = apic_is_x2apic(cpu);
    switch (number) {
    case APIC_ID:
        return wide ? APIC_REFUSED : APIC_NOTHING; // fixed by the board
    case APIC_TPR:
        cpu->tpr = (uint8_t)value;
        apic_update(cpu);
        return APIC_NOTHING;
    case APIC_EOI:
        return wide && value ? APIC_REFUSED : apic_end_of_interrupt(cpu);
    case APIC_LDR:
        cpu->ldr = wide ? cpu->ldr : value & 0xff000000;
        return wide ? APIC_REFUSED : APIC_NOTHING;
    case APIC_DFR:
        cpu->dfr = wide ? cpu->dfr : value | 0x0fffffff;
        return wide ? APIC_REFUSED : APIC_NOTHING;
    case APIC_SVR:
        write_svr(cpu, value);
        return APIC_NOTHING;
    case APIC_ESR:
        // A write shows what has come up since the last one.
        cpu->esr = cpu->new_errors;
        cpu->new_errors = 0;
        return wide && value ? APIC_REFUSED : APIC_NOTHING;
    case APIC_ICR:
        cpu->icr = value & 0x000ccfff;
        apic_send_ipi(cpu);
        return APIC_NOTHING;
    case APIC_ICR_HIGH:
        cpu->icr_high = wide ? cpu->icr_high : value & 0xff000000;
        return wide ? APIC_REFUSED : APIC_NOTHING;
    case APIC_INITIAL_COUNT:
        apic_timer_set_count(cpu, value);
        return APIC_NOTHING;
    case APIC_DIVIDE:
        apic_timer_set_divide(cpu, value);
        return APIC_NOTHING;
    case APIC_SELF_IPI:
        if (!wide)
            return APIC_REFUSED;
        apic_accept(cpu, &(struct apic_request){.mode = DELIVER_FIXED, .vector = (uint8_t)value});
        return APIC_NOTHING;
    }
    if (number < APIC_LVT || number >= APIC_LVT + LVT_COUNT)
        return APIC_REFUSED;
    write_lvt(cpu, number - APIC_LVT, value);
    return APIC_NOTHING;
}
