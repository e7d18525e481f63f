// SPDX-License-Identifier: MIT
// Local APIC: who gets a message, what becomes of it there, and what the CPU takes next.
#include "hw/intc/apic-internal.h"

enum { CLUSTER_MODEL = 0x0, FLAT_MODEL = 0xf, BROADCAST = 0xff, BROADCAST_CLUSTER = 0xf };
enum { SHORTHAND_NONE, SHORTHAND_SELF, SHORTHAND_ALL, SHORTHAND_OTHERS };

#define ICR_LOGICAL BIT32(11)
#define ICR_ASSERT BIT32(14)
#define ICR_LEVEL BIT32(15)
#define WIDE_BROADCAST UINT32_MAX

static int highest(const uint32_t set[8])
{
    for (int word = 7; word >= 0; word--)
        if (set[word])
            return word * 32 + 31 - (int)clz32(set[word]);
    return APIC_NOTHING;
}

static void set_bit(uint32_t set[8], unsigned vector, bool value)
{
    uint32_t bit = BIT32(vector % 32);
    set[vector / 32] = value ? set[vector / 32] | bit : set[vector / 32] & ~bit;
}

bool apic_vector_in(const uint32_t set[8], unsigned vector)
{
    return set[vector / 32] >> vector % 32 & 1;
}

uint8_t apic_ppr(const struct apic_cpu *cpu)
{
    int served = highest(cpu->isr);
    uint8_t class = served < 0 ? 0 : (uint8_t)served & 0xf0;
    return (cpu->tpr & 0xf0) >= class ? cpu->tpr : class;
}

bool apic_lets_through(const struct apic_cpu *cpu, unsigned vector)
{
    return (vector & 0xf0) > (apic_ppr(cpu) & 0xf0);
}

static int wanted(const struct apic_cpu *cpu)
{
    int vector = apic_software_enabled(cpu) ? highest(cpu->irr) : APIC_NOTHING;
    return vector >= 0 && apic_lets_through(cpu, (unsigned)vector) ? vector : APIC_NOTHING;
}

bool apic_wants_pic(const struct apic_cpu *cpu)
{
    if (cpu->extint)
        return true;
    if (!cpu->apic->lint[0])
        return false;
    // A CPU whose APIC is off has its INTR pin where LINT0 was; the board connects it on the first.
    if (!apic_hardware_enabled(cpu))
        return cpu->index == 0;
    return !(cpu->lvt[LVT_LINT0] & LVT_MASKED) && apic_lvt_mode(cpu->lvt[LVT_LINT0]) == DELIVER_EXTINT;
}

void apic_update(struct apic_cpu *cpu)
{
    bool level = wanted(cpu) != APIC_NOTHING || apic_wants_pic(cpu);
    if (level == cpu->driven)
        return;
    cpu->driven = level;
    const struct apic_config *config = &cpu->apic->config;
    config->outputs->intr(config->outputs_opaque, cpu->index, level);
}

int apic_take(struct apic_cpu *cpu)
{
    int vector = wanted(cpu);
    if (vector == APIC_NOTHING)
        return vector;
    set_bit(cpu->irr, (unsigned)vector, false);
    set_bit(cpu->isr, (unsigned)vector, true);
    apic_update(cpu);
    return vector;
}

int apic_end_of_interrupt(struct apic_cpu *cpu)
{
    int vector = highest(cpu->isr);
    if (vector == APIC_NOTHING)
        return vector;
    set_bit(cpu->isr, (unsigned)vector, false);
    apic_update(cpu);
    bool tell = apic_vector_in(cpu->tmr, (unsigned)vector) && !(cpu->svr & SVR_NO_EOI_BROADCAST);
    return tell ? vector : APIC_NOTHING;
}

static void accept_vector(struct apic_cpu *cpu, uint8_t vector, bool level)
{
    if (!apic_software_enabled(cpu))
        return;
    if (vector < APIC_FIRST_VECTOR) {
        apic_raise_error(cpu, ESR_RECEIVE_VECTOR);
        return;
    }
    set_bit(cpu->irr, vector, true);
    set_bit(cpu->tmr, vector, level);
    apic_update(cpu);
}

void apic_raise_error(struct apic_cpu *cpu, uint32_t error)
{
    cpu->new_errors |= error;
    uint8_t vector = (uint8_t)cpu->lvt[LVT_ERROR];
    // An entry with a vector that is an error itself would go round in circles.
    if (!(cpu->lvt[LVT_ERROR] & LVT_MASKED) && vector >= APIC_FIRST_VECTOR)
        accept_vector(cpu, vector, false);
}

void apic_accept(struct apic_cpu *cpu, const struct apic_request *request)
{
    const struct apic_outputs *outputs = cpu->apic->config.outputs;
    void *opaque = cpu->apic->config.outputs_opaque;
    switch (request->mode) {
    case DELIVER_FIXED:
    case DELIVER_LOWEST:
        accept_vector(cpu, request->vector, request->level);
        break;
    case DELIVER_SMI:
        outputs->smi(opaque, cpu->index);
        break;
    case DELIVER_NMI:
        outputs->nmi(opaque, cpu->index);
        break;
    case DELIVER_INIT:
        apic_reset_cpu(cpu);
        outputs->init(opaque, cpu->index);
        break;
    case DELIVER_START_UP:
        outputs->start_up(opaque, cpu->index, request->vector);
        break;
    case DELIVER_EXTINT:
        cpu->extint = true;
        apic_update(cpu);
        break;
    }
}

static bool logical_match(const struct apic_cpu *cpu, uint32_t destination)
{
    if (apic_is_x2apic(cpu)) {
        uint32_t ldr = apic_ldr(cpu);
        return destination >> 16 == ldr >> 16 && (destination & ldr & 0xffff);
    }
    if (destination > BROADCAST)
        return false;
    uint32_t ldr = cpu->ldr >> 24;
    if (cpu->dfr >> 28 == FLAT_MODEL)
        return destination & ldr;
    uint32_t cluster = destination >> 4;
    return (cluster == ldr >> 4 || cluster == BROADCAST_CLUSTER) && (destination & ldr & 0xf);
}

static bool match(const struct apic_cpu *cpu, const struct apic_request *request)
{
    if (!apic_hardware_enabled(cpu))
        return false;
    if (request->destination == WIDE_BROADCAST || (!request->wide && request->destination == BROADCAST))
        return true;
    return request->logical ? logical_match(cpu, request->destination) : cpu->id == request->destination;
}

void apic_route(struct apic *apic, const struct apic_request *request)
{
    struct apic_cpu *lowest = NULL;
    for (unsigned i = 0; i < apic->cpu_count; i++) {
        struct apic_cpu *cpu = &apic->cpus[i];
        if (!match(cpu, request))
            continue;
        if (request->mode != DELIVER_LOWEST)
            apic_accept(cpu, request);
        else if (apic_software_enabled(cpu) && (!lowest || apic_ppr(cpu) < apic_ppr(lowest)))
            lowest = cpu;
    }
    if (lowest)
        apic_accept(lowest, request);
}

void apic_send_ipi(struct apic_cpu *cpu)
{
    struct apic *apic = cpu->apic;
    uint32_t icr = cpu->icr;
    struct apic_request request = {
        .mode = (enum apic_delivery)extract32(icr, 8, 3),
        .vector = (uint8_t)icr,
        .logical = icr & ICR_LOGICAL,
        .wide = apic_is_x2apic(cpu),
        .destination = apic_is_x2apic(cpu) ? cpu->icr_high : cpu->icr_high >> 24,
    };
    // The de-assert of an INIT only mattered to the arbitration ids of old.
    if (request.mode == DELIVER_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
        return;
    if ((request.mode == DELIVER_FIXED || request.mode == DELIVER_LOWEST) &&
        request.vector < APIC_FIRST_VECTOR) {
        apic_raise_error(cpu, ESR_SEND_VECTOR);
        return;
    }
    unsigned shorthand = extract32(icr, 18, 2);
    if (shorthand == SHORTHAND_NONE)
        apic_route(apic, &request);
    if (shorthand == SHORTHAND_SELF)
        apic_accept(cpu, &request);
    for (unsigned i = 0; shorthand >= SHORTHAND_ALL && i < apic->cpu_count; i++)
        if (apic_hardware_enabled(&apic->cpus[i]) && (shorthand == SHORTHAND_ALL || &apic->cpus[i] != cpu))
            apic_accept(&apic->cpus[i], &request);
}

void apic_set_lint(struct apic_cpu *cpu, unsigned pin, bool rises)
{
    uint32_t lvt = cpu->lvt[LVT_LINT0 + pin];
    enum apic_delivery mode = apic_lvt_mode(lvt);
    if (mode == DELIVER_EXTINT || !apic_hardware_enabled(cpu)) {
        if (pin == 0)
            apic_update(cpu);
        else if (rises && !apic_hardware_enabled(cpu) && cpu->index == 0)
            apic_accept(cpu, &(struct apic_request){.mode = DELIVER_NMI});
        return;
    }
    bool known = mode == DELIVER_FIXED || mode == DELIVER_SMI || mode == DELIVER_NMI || mode == DELIVER_INIT;
    if (rises && known && !(lvt & LVT_MASKED))
        apic_accept(cpu, &(struct apic_request){.mode = mode, .vector = (uint8_t)lvt});
}
