// SPDX-License-Identifier: MIT
// x86 processors under KVM, whose interrupt controllers are the machine's own: interrupts, ports, and halting.
#include "target-x86/kvm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "target-x86/cpu.h"
#include "target-x86/exception.h"
#include "target-x86/port.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"
#include "tcg/base/error.h"

static struct x86_cpu *cpu_of(struct kvm_vcpu *k)
{
    return x86_cpu_of_vcpu(k->vcpu);
}

// One page for hosts of Intel's, and behind it three more; under the firmware, where PCs have nothing.
#define IDENTITY_MAP UINT64_C(0xfeffc000)

static int vm_init(struct kvm_vm *vm, struct error *error)
{
    static const struct kvm_need needs[] = {{KVM_CAP_XSAVE, "XSAVE areas of processors"},
                                            {KVM_CAP_DEBUGREGS, "debug registers of processors"},
                                            {KVM_CAP_VCPU_EVENTS, "events of processors"},
                                            {0}};
    int status = kvm_check_needs(vm, needs, error);
    if (status)
        return status;
    vm->machine->no_smm = !x86_kvm_has_smm(vm) || kvm_capability(vm, KVM_CAP_MULTI_ADDRESS_SPACE) < 2;
    uint64_t identity_map = IDENTITY_MAP;
    if (kvm_capability(vm, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0 && ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
        return kvm_refused("no place for a page table", error);
    if (ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)IDENTITY_MAP + 0x1000) < 0)
        return kvm_refused("no place for a task state segment", error);
    return 0;
}

static void vcpu_destroy(struct kvm_vcpu *k)
{
    struct x86_kvm *own = k->guest;
    if (own)
        x86_kvm_power_up_free(own->power_up);
    free(own);
    k->guest = NULL;
}

static int vcpu_init(struct kvm_vcpu *k, struct error *error)
{
    k->guest = ALLOC(struct x86_kvm);
    int status = x86_kvm_set_cpuid(k, error);
    if (status)
        vcpu_destroy(k);
    else
        x86_kvm_probe_state(k);
    return status;
}

static struct memory_map *ports(struct kvm_vcpu *k)
{
    return cpu_of(k)->config.io;
}

// Guests can send themselves an SMI on any board.
static struct memory_map *smm_memory(struct kvm_vcpu *k)
{
    return k->vm->machine->no_smm ? NULL : x86_smm_memory(cpu_of(k), true);
}

// --- interrupts ---

static bool line_is_up(const struct x86_cpu *cpu, enum x86_cpu_input line)
{
    return atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire) >> line & 1;
}

static void inject_external(struct kvm_vcpu *k)
{
    const struct x86_cpu_config *config = &cpu_of(k)->config;
    int vector = config->intc && config->intc->acknowledge ? config->intc->acknowledge(config->intc_opaque) : -1;
    struct kvm_interrupt interrupt = {.irq = (uint32_t)vector};
    if (vector >= 0 && ioctl(k->fd, KVM_INTERRUPT, &interrupt) < 0)
        kvm_fail(k, "it takes no interrupt");
}

static void offer_interrupts(struct kvm_vcpu *k)
{
    struct x86_cpu *cpu = cpu_of(k);
    if (line_is_up(cpu, X86_CPU_NMI)) {
        x86_clear_line(cpu, X86_CPU_NMI);
        if (ioctl(k->fd, KVM_NMI) < 0)
            kvm_fail(k, "it takes no NMI");
    }
    if (line_is_up(cpu, X86_CPU_SMI)) {
        x86_clear_line(cpu, X86_CPU_SMI);
        ioctl(k->fd, KVM_SMI); // hosts without system management mode do not know it
    }
    if (k->vm->irqchip == KVM_IRQCHIP_ON)
        return;
    if (!k->unfinished && line_is_up(cpu, X86_CPU_INTR) && k->run->ready_for_interrupt_injection && k->run->if_flag) {
        k->run->ready_for_interrupt_injection = 0;
        inject_external(k);
    }
    k->run->request_interrupt_window = line_is_up(cpu, X86_CPU_INTR);
}

static void enter(struct kvm_vcpu *k)
{
    const struct x86_cpu_config *config = &cpu_of(k)->config;
    if (k->takes_none)
        k->run->request_interrupt_window = 0;
    else
        offer_interrupts(k);
    if (config->intc && config->intc->get_cr8)
        k->run->cr8 = config->intc->get_cr8(config->intc_opaque);
}

static void leave(struct kvm_vcpu *k)
{
    const struct x86_cpu_config *config = &cpu_of(k)->config;
    k->memory = x86_smm_memory(cpu_of(k), k->run->flags & KVM_RUN_X86_SMM);
    if (config->intc && config->intc->set_cr8 && k->run->cr8 != config->intc->get_cr8(config->intc_opaque))
        config->intc->set_cr8(config->intc_opaque, (uint8_t)k->run->cr8);
}

// --- exits ---

static void access_port(struct kvm_vcpu *k)
{
    struct x86_cpu *cpu = cpu_of(k);
    struct kvm_run *run = k->run;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
        if (run->io.direction == KVM_EXIT_IO_OUT)
            x86_port_write(cpu, run->io.port, run->io.size, load_le(data, run->io.size));
        else
            store_le(data, run->io.size, x86_port_read(cpu, run->io.port, run->io.size));
    }
    k->unfinished = true;
}

// It waits for INIT or a reset. On AMD's hosts the kernel has done an INIT by now, and it would start again.
static void shut_down(struct kvm_vcpu *k)
{
    struct kvm_mp_state waiting = {KVM_MP_STATE_UNINITIALIZED};
    cpu_of(k)->in_shutdown = true;
    if (k->vm->irqchip == KVM_IRQCHIP_OFF)
        k->vcpu->halted = true;
    else if (ioctl(k->fd, KVM_SET_MP_STATE, &waiting) < 0)
        kvm_fail(k, "the host does not let it shut down");
}

static bool handle_exit(struct kvm_vcpu *k)
{
    struct x86_cpu *cpu = cpu_of(k);
    switch (k->run->exit_reason) {
    case KVM_EXIT_IO:
        access_port(k);
        return true;
    case KVM_EXIT_HLT:
        cpu->halt = X86_IN_HLT;
        k->vcpu->halted = true;
        return true;
    case KVM_EXIT_IOAPIC_EOI:
        if (cpu->config.intc && cpu->config.intc->ended)
            cpu->config.intc->ended(cpu->config.intc_opaque, k->run->eoi.vector);
        return true;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
        return true;
    case KVM_EXIT_SHUTDOWN:
        shut_down(k);
        if (cpu->config.shutdown)
            cpu->config.shutdown(cpu->config.shutdown_opaque);
        return true;
    default:
        return false;
    }
}

const struct kvm_guest_ops x86_kvm_guest_ops = {
    .vm_init = vm_init,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = vcpu_destroy,
    .ports = ports,
    .special_memory = smm_memory,
    .load = x86_kvm_load,
    .save = x86_kvm_save,
    .enter = enter,
    .leave = leave,
    .handle_exit = handle_exit,
    .debug = &x86_kvm_debug_ops,
};
