// SPDX-License-Identifier: MIT
// The state of an x86 processor, to and from KVM. What the kernel has already is not set again: that saves time, and leaves alone
// what a nested guest is in the middle of.
#include <errno.h>
#include <linux/kvm.h>
#include <stdalign.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-msr.h"
#include "target-x86/cpu.h"
#include "target-x86/exception.h"
#include "target-x86/kvm.h"
#include "tcg/base/error.h"

// struct kvm_msrs with its entries.
struct msr_list {
    alignas(struct kvm_msrs) uint8_t bytes[sizeof(struct kvm_msrs) + X86_KVM_MSRS * sizeof(struct kvm_msr_entry)];
};

static struct kvm_msrs *msrs_of(struct msr_list *list)
{
    return (struct kvm_msrs *)list->bytes;
}

static int failed(struct error *error, const char *what)
{
    return error_set(error, errno, "%s: %s", what, strerror(errno));
}

static int set_msrs(const struct x86_kvm *own, const uint64_t *values, int fd)
{
    struct msr_list list = {{0}};
    struct kvm_msrs *msrs = msrs_of(&list);
    msrs->nmsrs = own->msr_count;
    for (unsigned i = 0; i < own->msr_count; i++)
        msrs->entries[i] = (struct kvm_msr_entry){.index = own->msrs[i], .data = values[i]};
    return ioctl(fd, KVM_SET_MSRS, msrs) == (int)own->msr_count ? 0 : -1;
}

static int get_msrs(const struct x86_kvm *own, uint64_t *values, int fd)
{
    struct msr_list list = {{0}};
    struct kvm_msrs *msrs = msrs_of(&list);
    msrs->nmsrs = own->msr_count;
    for (unsigned i = 0; i < own->msr_count; i++)
        msrs->entries[i].index = own->msrs[i];
    if (ioctl(fd, KVM_GET_MSRS, msrs) != (int)own->msr_count)
        return -1;
    for (unsigned i = 0; i < own->msr_count; i++)
        values[i] = msrs->entries[i].data;
    return 0;
}

bool x86_kvm_has_smm(const struct kvm_vm *vm)
{
    return kvm_capability(vm, KVM_CAP_X86_SMM) > 0;
}

void x86_kvm_probe_state(struct kvm_vcpu *k)
{
    struct x86_kvm *own = k->guest;
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    uint32_t msr;
    uint64_t value;
    own->power_up = x86_kvm_note_power_up(k);
    own->has_smm = x86_kvm_has_smm(k->vm);
    own->has_xcrs = kvm_capability(k->vm, KVM_CAP_XCRS) > 0 && x86_has(cpu, X86_FEAT_XSAVE);
    for (unsigned i = 0; own->msr_count < X86_KVM_MSRS && x86_msr_field(cpu, i, &msr); i++)
        if (kvm_get_msr(k->fd, msr, &value) && kvm_set_msr(k->fd, msr, value))
            own->msrs[own->msr_count++] = msr;
}

// --- load ---

static uint64_t apic_base(const struct x86_cpu *cpu)
{
    uint64_t value;
    const struct x86_cpu_config *config = &cpu->config;
    bool known = config->intc && config->intc->read_msr && config->intc->read_msr(config->intc_opaque, 0x1b, &value);
    return known ? value : 0xfee00800 | (config->index ? 0 : 0x100);
}

// The kernel ends the waiting where the APICs are its.
static uint32_t waiting(struct kvm_vcpu *k)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    bool halted = cpu->halt == X86_IN_HLT && k->vcpu->halted && !k->vcpu->step.on; // a step goes on behind HLT
    cpu->halt = X86_RUNS;
    if (k->vm->irqchip == KVM_IRQCHIP_OFF)
        return KVM_MP_STATE_RUNNABLE;
    k->vcpu->halted = false;
    if (cpu->in_shutdown)
        return KVM_MP_STATE_UNINITIALIZED;
    if (!vcpu_is_powered_on(k->vcpu))
        return KVM_MP_STATE_INIT_RECEIVED; // until a start-up message comes
    return halted ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE;
}

// What the kernel has of it otherwise is of the last run.
static void prepare_run(const struct kvm_vcpu *k, const struct x86_cpu *cpu)
{
    k->run->if_flag = (cpu->eflags & FLAG_IF) != 0;
    // A kernel's APIC has a say in it.
    k->run->ready_for_interrupt_injection = k->vm->irqchip == KVM_IRQCHIP_OFF && k->run->if_flag && !cpu->shadow &&
                                            cpu->interrupted == X86_BY_NOTHING;
}

static void take_reset(const struct kvm_vcpu *k, const struct x86_cpu *cpu, struct x86_kvm *own)
{
    if (own->resets == cpu->resets)
        return;
    own->resets = cpu->resets;
    x86_kvm_power_up(k, own->power_up);
    memset(&own->kernel, 0, sizeof(own->kernel));
    own->known = false;
}

// With the part for system management mode goes whether the kernel's APIC has an INIT waiting, which may have come just now.
static int set_events(const struct kvm_vcpu *k, const struct kvm_vcpu_events *want)
{
    const struct x86_kvm *own = k->guest;
    struct kvm_vcpu_events events = *want;
    if (own->known && !memcmp(&want->smi, &own->kernel.events.smi, sizeof(want->smi)))
        events.flags &= ~(uint32_t)KVM_VCPUEVENT_VALID_SMM;
    return ioctl(k->fd, KVM_SET_VCPU_EVENTS, &events);
}

int x86_kvm_load(struct kvm_vcpu *k, struct error *error)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct x86_kvm *own = k->guest;
    cpu->a20_masked = atomic_load(&k->vcpu->irq_lines) >> X86_CPU_A20M & 1; // which KVM's processors do not have
    take_reset(k, cpu, own);
    k->memory = cpu->memory;
    struct x86_kvm_image want = own->kernel;
    x86_kvm_to_image(cpu, own, &want);
    want.waiting.mp_state = waiting(k);
    prepare_run(k, cpu);
#define IS_NEW(part) (!own->known || memcmp(&want.part, &own->kernel.part, sizeof(want.part)))
    if (IS_NEW(system)) {
        want.system.apic_base = apic_base(cpu);
        if (ioctl(k->fd, KVM_SET_SREGS, &want.system) < 0)
            return failed(error, "system registers");
    }
    if (IS_NEW(regs) && ioctl(k->fd, KVM_SET_REGS, &want.regs) < 0)
        return failed(error, "registers");
    if (IS_NEW(xcrs) && own->has_xcrs && ioctl(k->fd, KVM_SET_XCRS, &want.xcrs) < 0)
        return failed(error, "XCR0");
    if (IS_NEW(vectors) && ioctl(k->fd, KVM_SET_XSAVE, want.vectors) < 0)
        return failed(error, "vector registers");
    if (IS_NEW(msrs) && set_msrs(own, want.msrs, k->fd) < 0)
        return failed(error, "model-specific registers");
    if (IS_NEW(debug) && ioctl(k->fd, KVM_SET_DEBUGREGS, &want.debug) < 0)
        return failed(error, "debug registers");
    if (IS_NEW(events) && set_events(k, &want.events) < 0)
        return failed(error, "events");
    if (k->vm->irqchip != KVM_IRQCHIP_OFF && IS_NEW(waiting) && ioctl(k->fd, KVM_SET_MP_STATE, &want.waiting) < 0)
        return failed(error, "state of waiting");
#undef IS_NEW
    own->kernel = want;
    own->known = true;
    return 0;
}

// --- save ---

static int save_waiting(struct kvm_vcpu *k, struct kvm_mp_state *state)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    if (k->vm->irqchip == KVM_IRQCHIP_OFF)
        return 0;
    if (ioctl(k->fd, KVM_GET_MP_STATE, state) < 0)
        return -1;
    k->vcpu->halted = state->mp_state == KVM_MP_STATE_HALTED;
    cpu->halt = k->vcpu->halted ? X86_IN_HLT : X86_RUNS;
    cpu->in_shutdown &= state->mp_state == KVM_MP_STATE_UNINITIALIZED;
    vcpu_set_power(k->vcpu, state->mp_state == KVM_MP_STATE_RUNNABLE || k->vcpu->halted || cpu->in_shutdown);
    return 0;
}

int x86_kvm_save(struct kvm_vcpu *k, struct error *error)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct x86_kvm *own = k->guest;
    struct x86_kvm_image *kernel = &own->kernel;
    own->known = false;
    // First, as it may change the others.
    if (save_waiting(k, &kernel->waiting) < 0)
        return failed(error, "state of waiting");
    if (ioctl(k->fd, KVM_GET_SREGS, &kernel->system) < 0 || ioctl(k->fd, KVM_GET_REGS, &kernel->regs) < 0)
        return failed(error, "registers");
    if (ioctl(k->fd, KVM_GET_DEBUGREGS, &kernel->debug) < 0 || ioctl(k->fd, KVM_GET_VCPU_EVENTS, &kernel->events) < 0)
        return failed(error, "debug registers and events");
    if ((own->has_xcrs && ioctl(k->fd, KVM_GET_XCRS, &kernel->xcrs) < 0) || ioctl(k->fd, KVM_GET_XSAVE, kernel->vectors) < 0)
        return failed(error, "vector registers");
    if (get_msrs(own, kernel->msrs, k->fd) < 0)
        return failed(error, "model-specific registers");
    x86_kvm_from_image(cpu, own, kernel);
    // In the form that load makes, so that what is the same looks the same; but of the events a part has been taken.
    struct kvm_vcpu_events events = kernel->events;
    x86_kvm_to_image(cpu, own, kernel);
    kernel->events = events;
    own->known = true;
    return 0;
}
