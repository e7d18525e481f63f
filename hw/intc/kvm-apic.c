// SPDX-License-Identifier: MIT
// Local APICs in the kernel. Pages, MSRs, timers and messages between processors never come here.
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-guest.h"
#include "hw/core/kvm-messages.h"
#include "hw/core/kvm-msr.h"
#include "hw/core/machine.h"
#include "hw/intc/apic-internal.h"
#include "hw/intc/kvm-pc.h"
#include "tcg/base/endian.h"

enum { MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0, XAPIC_VERSION = 0x50014 };

// --- registers ---

static int vcpu_fd(const struct apic *apic, unsigned cpu)
{
    const struct machine *machine = apic->device.machine;
    const struct kvm_vcpu *kvm = cpu < machine->vcpus.count ? machine->vcpus.cpus[cpu]->accel_data : NULL;
    return kvm ? kvm->fd : -1; // there are none while the machine is built
}

static uint32_t get(const struct kvm_lapic_state *page, unsigned number)
{
    return load_le32((const uint8_t *)page->regs + number * 16);
}

static void put(struct kvm_lapic_state *page, unsigned number, uint32_t value)
{
    store_le32((uint8_t *)page->regs + number * 16, value);
}

static void from_page(struct apic_cpu *cpu, const struct kvm_lapic_state *page)
{
    for (unsigned i = 0; i < 8; i++) {
        cpu->isr[i] = get(page, APIC_ISR + i);
        cpu->tmr[i] = get(page, APIC_TMR + i);
        cpu->irr[i] = get(page, APIC_IRR + i);
    }
    for (unsigned i = 0; i < LVT_COUNT; i++)
        cpu->lvt[i] = get(page, APIC_LVT + i);
    cpu->tpr = (uint8_t)get(page, APIC_TPR);
    cpu->ldr = get(page, APIC_LDR);
    cpu->dfr = get(page, APIC_DFR);
    cpu->svr = get(page, APIC_SVR);
    cpu->esr = get(page, APIC_ESR);
    cpu->icr = get(page, APIC_ICR);
    cpu->icr_high = get(page, APIC_ICR_HIGH);
    cpu->initial_count = get(page, APIC_INITIAL_COUNT);
    cpu->divide = get(page, APIC_DIVIDE);
    uint64_t counted = cpu->initial_count - get(page, APIC_CURRENT_COUNT);
    cpu->start_ns = clock_now_ns(cpu->apic->device.machine->clock) - (counted << apic_timer_divide_log2(cpu));
}

static void to_page(const struct apic_cpu *cpu, struct kvm_lapic_state *page)
{
    memset(page, 0, sizeof(*page));
    for (unsigned i = 0; i < 8; i++) {
        put(page, APIC_ISR + i, cpu->isr[i]);
        put(page, APIC_TMR + i, cpu->tmr[i]);
        put(page, APIC_IRR + i, cpu->irr[i]);
    }
    for (unsigned i = 0; i < LVT_COUNT; i++)
        put(page, APIC_LVT + i, cpu->lvt[i]);
    put(page, APIC_ID, cpu->id << 24);
    put(page, APIC_VERSION, XAPIC_VERSION);
    put(page, APIC_TPR, cpu->tpr);
    put(page, APIC_LDR, apic_ldr(cpu));
    put(page, APIC_DFR, cpu->dfr);
    put(page, APIC_SVR, cpu->svr);
    put(page, APIC_ESR, cpu->esr);
    put(page, APIC_ICR, cpu->icr);
    put(page, APIC_ICR_HIGH, cpu->icr_high);
    put(page, APIC_INITIAL_COUNT, cpu->initial_count);
    put(page, APIC_CURRENT_COUNT, apic_timer_current(cpu));
    put(page, APIC_DIVIDE, cpu->divide);
}

static void fetch_state(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    for (unsigned i = 0; i < apic->cpu_count; i++) {
        struct apic_cpu *cpu = &apic->cpus[i];
        struct kvm_lapic_state page;
        int fd = vcpu_fd(apic, i);
        if (fd < 0 || ioctl(fd, KVM_GET_LAPIC, &page) < 0)
            continue;
        kvm_get_msr(fd, MSR_APIC_BASE, &cpu->base);
        cpu->deadline_tsc = 0;
        if (apic_timer_mode(cpu) == TIMER_DEADLINE)
            kvm_get_msr(fd, MSR_TSC_DEADLINE, &cpu->deadline_tsc);
        from_page(cpu, &page);
    }
    pthread_mutex_unlock(&apic->lock);
}

// The base first: what the other registers are depends on it.
static void push(struct apic *apic)
{
    for (unsigned i = 0; i < apic->cpu_count; i++) {
        const struct apic_cpu *cpu = &apic->cpus[i];
        struct kvm_lapic_state page;
        int fd = vcpu_fd(apic, i);
        if (fd < 0)
            continue;
        to_page(cpu, &page);
        if (!kvm_set_msr(fd, MSR_APIC_BASE, cpu->base) || ioctl(fd, KVM_SET_LAPIC, &page) < 0)
            kvm_vm_fail(apic->device.machine->kvm, "the APIC of processor %u cannot be set: %s", i, strerror(errno));
        if (apic_timer_mode(cpu) == TIMER_DEADLINE)
            kvm_set_msr(fd, MSR_TSC_DEADLINE, cpu->deadline_tsc);
    }
}

static void reset(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    for (unsigned i = 0; i < apic->cpu_count; i++) {
        apic->cpus[i].base = apic_reset_base(i);
        apic_reset_registers(&apic->cpus[i]);
    }
    push(apic);
    pthread_mutex_unlock(&apic->lock);
}

static void state_loaded(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    push(apic);
    pthread_mutex_unlock(&apic->lock);
}

// --- what others ask of it ---

static void take_message(struct apic *apic, const struct message *message)
{
    struct kvm_msi msi = {.address_lo = (uint32_t)message->address,
                          .address_hi = (uint32_t)(message->address >> 32),
                          .data = message->data};
    kvm_messages_send(apic->device.machine->kvm->messages, &msi, message->notifier);
}

// LINT0 comes from 8259s that are not the kernel's, whose vector the first processor takes from acknowledge. Nothing but firmware's
// wish decides who gets LINT1, and that is all.
static void lint_set(void *opaque, unsigned pin, bool level)
{
    struct apic *apic = opaque;
    const struct apic_config *config = &apic->config;
    pthread_mutex_lock(&apic->lock);
    bool rises = level && !apic->lint[pin];
    apic->lint[pin] = level;
    if (pin == 0)
        config->outputs->intr(config->outputs_opaque, 0, level);
    else if (rises)
        config->outputs->nmi(config->outputs_opaque, 0);
    pthread_mutex_unlock(&apic->lock);
}

static int acknowledge(void *opaque)
{
    const struct apic *apic = ((const struct apic_cpu *)opaque)->apic;
    return apic->pic_acknowledge ? apic->pic_acknowledge(apic->pic) : -1;
}

static void ended(void *opaque, uint8_t vector)
{
    const struct apic *apic = ((const struct apic_cpu *)opaque)->apic;
    if (apic->eoi)
        apic->eoi(apic->eoi_opaque, vector);
}

static bool read_msr(void *opaque, uint32_t msr, uint64_t *value)
{
    const struct apic_cpu *cpu = opaque;
    return kvm_get_msr(vcpu_fd(cpu->apic, cpu->index), msr, value);
}

static bool write_msr(void *opaque, uint32_t msr, uint64_t value)
{
    const struct apic_cpu *cpu = opaque;
    return kvm_set_msr(vcpu_fd(cpu->apic, cpu->index), msr, value);
}

static const struct x86_intc_ops intc_ops = {
    .acknowledge = acknowledge, .read_msr = read_msr, .write_msr = write_msr, .ended = ended};
static const struct apic_engine engine = {take_message, lint_set, &intc_ops};

static void init(struct device *device)
{
    ((struct apic *)device)->engine = &engine;
}

static int realize(struct device *device, struct error *error)
{
    struct apic *apic = (struct apic *)device;
    (void)error;
    pthread_mutex_init(&apic->lock, NULL);
    for (unsigned i = 0; i < apic->cpu_count; i++)
        apic_timer_init(&apic->cpus[i], device->machine->clock);
    return 0;
}

static void unrealize(struct device *device)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_destroy(&apic->lock);
    free(apic->cpus);
}

const struct device_type kvm_apic_type = {
    .name = "apic",
    .help = "local APICs of all CPUs, the kernel's",
    .instance_size = sizeof(struct apic),
    .state = apic_state,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .reset = reset,
    .fetch_state = fetch_state,
    .state_loaded = state_loaded,
    .print_irq = apic_print_irq,
};
