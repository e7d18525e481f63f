// SPDX-License-Identifier: MIT
// Local APICs: the device, its page, MSRs and pins.
#include "hw/intc/apic.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "hw/intc/apic-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/log.h"

enum { PAGE_SIZE = 0x1000, SPACING_LOG2 = 4 };
enum { MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800, MSR_X2APIC_END = 0x8ff };

#define BASE_RESERVED UINT64_C(0xfff00000000002ff)
#define MESSAGE_LOGICAL BIT64(2)
#define MESSAGE_LEVEL BIT32(15)
#define MESSAGE_ASSERT BIT32(14)

void apic_reset_registers(struct apic_cpu *cpu)
{
    for (unsigned i = 0; i < 8; i++)
        cpu->irr[i] = cpu->isr[i] = cpu->tmr[i] = 0;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        cpu->lvt[i] = LVT_MASKED;
    // Firmware that knows nothing of APICs must get the 8259's interrupts.
    if (cpu->index == 0)
        cpu->lvt[LVT_LINT0] = DELIVER_EXTINT << 8;
    cpu->ldr = cpu->esr = cpu->new_errors = cpu->icr = cpu->icr_high = 0;
    cpu->initial_count = cpu->divide = 0;
    cpu->dfr = UINT32_MAX;
    cpu->svr = 0xff;
    cpu->tpr = 0;
    cpu->extint = false;
    cpu->start_ns = cpu->deadline_tsc = 0;
}

void apic_reset_cpu(struct apic_cpu *cpu)
{
    apic_reset_registers(cpu);
    apic_timer_arm(cpu);
    apic_update(cpu);
}

// Everything that is written ends here: tells the I/O APICs, with the lock released, what ended.
static void unlock_and_end(struct apic *apic, int vector)
{
    pthread_mutex_unlock(&apic->lock);
    if (vector >= 0 && apic->eoi)
        apic->eoi(apic->eoi_opaque, (uint8_t)vector);
}

static uint64_t page_read(void *opaque, struct mmio_access access)
{
    struct apic *apic = opaque;
    struct apic_cpu *cpu = &apic->cpus[access.cpu % apic->cpu_count];
    uint32_t value = 0;
    if (access.offset & 15)
        return 0;
    pthread_mutex_lock(&apic->lock);
    if (!apic_hardware_enabled(cpu) || apic_is_x2apic(cpu)) {
        value = UINT32_MAX;
    } else if (!apic_register_read(cpu, (unsigned)access.offset >> SPACING_LOG2, &value)) {
        log_printf(LOG_GUEST_ERRORS, "apic: read of register 0x%x\n", (unsigned)access.offset);
        value = 0;
        apic_raise_error(cpu, ESR_REGISTER);
    }
    pthread_mutex_unlock(&apic->lock);
    return value;
}

static void page_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct apic *apic = opaque;
    struct apic_cpu *cpu = &apic->cpus[access.cpu % apic->cpu_count];
    int ended = APIC_NOTHING;
    if (access.offset & 15)
        return;
    pthread_mutex_lock(&apic->lock);
    if (apic_hardware_enabled(cpu) && !apic_is_x2apic(cpu))
        ended = apic_register_write(cpu, (unsigned)access.offset >> SPACING_LOG2, (uint32_t)value);
    if (ended == APIC_REFUSED) {
        log_printf(LOG_GUEST_ERRORS, "apic: write of register 0x%x\n", (unsigned)access.offset);
        apic_raise_error(cpu, ESR_REGISTER);
    }
    unlock_and_end(apic, ended);
}

static const struct mmio_ops page_ops = {page_read, page_write, 4, 4, true};

static bool set_base(struct apic_cpu *cpu, uint64_t value)
{
    bool enable = value & BASE_ENABLE, extended = value & BASE_EXTD;
    // x2APIC is entered from xAPIC only, and left only by switching off.
    if ((value & BASE_RESERVED) || (extended && !enable) || (extended && !apic_hardware_enabled(cpu)) ||
        (apic_is_x2apic(cpu) && enable && !extended))
        return false;
    if ((value & ~UINT64_C(0xfff)) != APIC_DEFAULT_BASE)
        log_printf(LOG_UNIMP, "apic: the page stays at 0xfee00000, it does not move to 0x%" PRIx64 "\n",
                   value & ~UINT64_C(0xfff));
    bool switched = enable != apic_hardware_enabled(cpu);
    cpu->base = (value & ~BASE_BSP) | (cpu->base & BASE_BSP);
    if (switched)
        apic_reset_cpu(cpu);
    apic_update(cpu);
    return true;
}

static bool read_msr(void *opaque, uint32_t msr, uint64_t *value)
{
    struct apic_cpu *cpu = opaque;
    uint32_t low = 0;
    bool known = true;
    pthread_mutex_lock(&cpu->apic->lock);
    if (msr == MSR_APIC_BASE) {
        *value = cpu->base;
    } else if (msr == MSR_TSC_DEADLINE) {
        *value = apic_timer_deadline(cpu);
    } else if (msr >= MSR_X2APIC && msr <= MSR_X2APIC_END && apic_is_x2apic(cpu)) {
        known = apic_register_read(cpu, msr - MSR_X2APIC, &low);
        *value = low | (msr == MSR_X2APIC + APIC_ICR ? (uint64_t)cpu->icr_high << 32 : 0);
    } else {
        known = false;
    }
    pthread_mutex_unlock(&cpu->apic->lock);
    return known;
}

static int write_x2apic(struct apic_cpu *cpu, unsigned number, uint64_t value)
{
    if (!apic_is_x2apic(cpu))
        return APIC_REFUSED;
    if (number == APIC_ICR)
        cpu->icr_high = (uint32_t)(value >> 32);
    else if (value >> 32)
        return APIC_REFUSED;
    return apic_register_write(cpu, number, (uint32_t)value);
}

static bool write_msr(void *opaque, uint32_t msr, uint64_t value)
{
    struct apic_cpu *cpu = opaque;
    int result = APIC_NOTHING;
    pthread_mutex_lock(&cpu->apic->lock);
    if (msr == MSR_APIC_BASE)
        result = set_base(cpu, value) ? APIC_NOTHING : APIC_REFUSED;
    else if (msr == MSR_TSC_DEADLINE)
        apic_timer_set_deadline(cpu, value);
    else if (msr >= MSR_X2APIC && msr <= MSR_X2APIC_END)
        result = write_x2apic(cpu, msr - MSR_X2APIC, value);
    else
        result = APIC_REFUSED;
    unlock_and_end(cpu->apic, result);
    return result != APIC_REFUSED;
}

static int acknowledge(void *opaque)
{
    struct apic_cpu *cpu = opaque;
    struct apic *apic = cpu->apic;
    pthread_mutex_lock(&apic->lock);
    int vector = apic_take(cpu);
    bool ask_pic = vector == APIC_NOTHING && apic_wants_pic(cpu);
    if (ask_pic) {
        cpu->extint = false;
        apic_update(cpu);
    }
    pthread_mutex_unlock(&apic->lock);
    return ask_pic && apic->pic_acknowledge ? apic->pic_acknowledge(apic->pic) : vector;
}

static uint8_t get_cr8(void *opaque)
{
    struct apic_cpu *cpu = opaque;
    pthread_mutex_lock(&cpu->apic->lock);
    uint8_t value = cpu->tpr >> 4;
    pthread_mutex_unlock(&cpu->apic->lock);
    return value;
}

static void set_cr8(void *opaque, uint8_t value)
{
    struct apic_cpu *cpu = opaque;
    pthread_mutex_lock(&cpu->apic->lock);
    cpu->tpr = (uint8_t)(value << 4);
    apic_update(cpu);
    pthread_mutex_unlock(&cpu->apic->lock);
}

const struct x86_intc_ops apic_intc_ops = {acknowledge, get_cr8, set_cr8, read_msr, write_msr, NULL};

void *apic_intc_opaque(struct device *device, unsigned cpu)
{
    struct apic *apic = (struct apic *)device;
    assert(cpu < apic->cpu_count);
    return &apic->cpus[cpu];
}

static void lint_set(void *opaque, unsigned pin, bool level)
{
    struct apic *apic = opaque;
    pthread_mutex_lock(&apic->lock);
    bool rises = level && !apic->lint[pin];
    bool changed = level != apic->lint[pin];
    apic->lint[pin] = level;
    for (unsigned i = 0; changed && i < apic->cpu_count; i++)
        apic_set_lint(&apic->cpus[i], pin, rises);
    pthread_mutex_unlock(&apic->lock);
}

struct irq_line apic_lint(struct device *device, unsigned pin)
{
    assert(pin < 2);
    return (struct irq_line){((struct apic *)device)->engine->lint_set, device, pin};
}

void apic_message(void *opaque, const struct message *message)
{
    struct apic *apic = opaque;
    if (message->address >> 20 == APIC_DEFAULT_BASE >> 20)
        apic->engine->message(apic, message);
    else
        log_printf(LOG_GUEST_ERRORS, "apic: interrupt message to 0x%" PRIx64 "\n", message->address);
}

static void take_message(struct apic *apic, const struct message *message)
{
    uint64_t address = message->address;
    uint32_t data = message->data;
    struct apic_request request = {
        .mode = (enum apic_delivery)extract32(data, 8, 3),
        .vector = (uint8_t)data,
        .level = data & MESSAGE_LEVEL,
        .logical = address & MESSAGE_LOGICAL,
        .destination = (uint32_t)extract64(address, 12, 8),
    };
    if ((data & MESSAGE_LEVEL) && !(data & MESSAGE_ASSERT))
        return;
    pthread_mutex_lock(&apic->lock);
    apic_route(apic, &request);
    pthread_mutex_unlock(&apic->lock);
}

static const struct apic_engine engine = {take_message, lint_set, &apic_intc_ops};

static void apic_init(struct device *device)
{
    ((struct apic *)device)->engine = &engine;
}

const struct x86_intc_ops *apic_intc(struct device *device)
{
    return ((struct apic *)device)->engine->intc;
}

void apic_configure(struct device *device, const struct apic_config *config)
{
    struct apic *apic = (struct apic *)device;
    assert(config->cpu_count >= 1 && config->cpu_count <= APIC_MAX_CPUS && !apic->cpus);
    apic->config = *config;
    apic->config.apic_ids = NULL;
    apic->cpu_count = config->cpu_count;
    apic->cpus = ALLOC_ARRAY(struct apic_cpu, config->cpu_count);
    for (unsigned i = 0; i < config->cpu_count; i++)
        apic->cpus[i] = (struct apic_cpu){.apic = apic, .index = i, .id = config->apic_ids[i]};
}

void apic_connect_pic(struct device *device, int (*pic_acknowledge)(struct device *pic), struct device *pic)
{
    struct apic *apic = (struct apic *)device;
    apic->pic_acknowledge = pic_acknowledge;
    apic->pic = pic;
}

void apic_connect_eoi(struct device *device, void (*eoi)(void *opaque, uint8_t vector), void *opaque)
{
    struct apic *apic = (struct apic *)device;
    apic->eoi = eoi;
    apic->eoi_opaque = opaque;
}

static int apic_realize(struct device *device, struct error *error)
{
    struct apic *apic = (struct apic *)device;
    assert(apic->cpus);
    struct mem_region_desc desc = {.name = "apic",
                                   .base = APIC_DEFAULT_BASE,
                                   .size = PAGE_SIZE,
                                   .kind = MEM_MMIO,
                                   .priority = 1, // over whatever fills the space below 4 GiB
                                   .ops = &page_ops,
                                   .opaque = apic};
    apic->region = memory_map_add(device->machine->map, desc, error);
    if (!apic->region) {
        free(apic->cpus);
        apic->cpus = NULL;
        return -EINVAL;
    }
    pthread_mutex_init(&apic->lock, NULL);
    for (unsigned i = 0; i < apic->cpu_count; i++)
        apic_timer_init(&apic->cpus[i], device->machine->clock);
    return 0;
}

static void apic_unrealize(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    for (unsigned i = 0; i < apic->cpu_count; i++)
        event_cancel(&apic->cpus[i].timer);
    memory_map_remove(device->machine->map, apic->region);
    pthread_mutex_destroy(&apic->lock);
    free(apic->cpus);
}

static void drive_all(struct apic *apic)
{
    for (unsigned i = 0; i < apic->cpu_count; i++) {
        struct apic_cpu *cpu = &apic->cpus[i];
        cpu->driven = false;
        apic->config.outputs->intr(apic->config.outputs_opaque, i, false);
        apic_timer_arm(cpu);
        apic_update(cpu);
    }
}

uint64_t apic_reset_base(unsigned cpu)
{
    return APIC_DEFAULT_BASE | BASE_ENABLE | (cpu == 0 ? BASE_BSP : 0);
}

static void apic_reset(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    for (unsigned i = 0; i < apic->cpu_count; i++) {
        apic->cpus[i].base = apic_reset_base(i);
        apic_reset_cpu(&apic->cpus[i]);
    }
    drive_all(apic);
    pthread_mutex_unlock(&apic->lock);
}

// A timer that is due counts as one that has interrupted, which cannot be told from its registers.
static void apic_fetch_state(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    for (unsigned i = 0; i < apic->cpu_count; i++)
        apic_timer_poll(&apic->cpus[i]);
    pthread_mutex_unlock(&apic->lock);
}

static void apic_state_loaded(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    drive_all(apic);
    pthread_mutex_unlock(&apic->lock);
}

static const struct state_field cpu_state[] = {
    STATE_FIELD(apic_cpu, U64, base),
    STATE_ARRAY(apic_cpu, U32, irr),
    STATE_ARRAY(apic_cpu, U32, isr),
    STATE_ARRAY(apic_cpu, U32, tmr),
    STATE_FIELD(apic_cpu, U32, ldr),
    STATE_FIELD(apic_cpu, U32, dfr),
    STATE_FIELD(apic_cpu, U32, svr),
    STATE_FIELD(apic_cpu, U32, esr),
    STATE_FIELD(apic_cpu, U32, new_errors),
    STATE_FIELD(apic_cpu, U32, icr),
    STATE_FIELD(apic_cpu, U32, icr_high),
    STATE_ARRAY(apic_cpu, U32, lvt),
    STATE_FIELD(apic_cpu, U32, initial_count),
    STATE_FIELD(apic_cpu, U32, divide),
    STATE_FIELD(apic_cpu, U8, tpr),
    STATE_FIELD(apic_cpu, BOOL, extint),
    STATE_FIELD(apic_cpu, U64, start_ns),
    STATE_FIELD(apic_cpu, U64, deadline_tsc),
    STATE_END,
};

const struct state_field apic_state[] = {
    STATE_POINTER_STRUCTS(apic, cpus, cpu_count, cpu_state),
    STATE_ARRAY(apic, BOOL, lint),
    STATE_END,
};

const struct device_type apic_type = {
    .name = "apic",
    .help = "local APICs of all CPUs",
    .instance_size = sizeof(struct apic),
    .state = apic_state,
    .init = apic_init,
    .realize = apic_realize,
    .unrealize = apic_unrealize,
    .reset = apic_reset,
    .fetch_state = apic_fetch_state,
    .state_loaded = apic_state_loaded,
    .print_irq = apic_print_irq,
};
