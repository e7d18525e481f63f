// SPDX-License-Identifier: MIT
// Each vCPU's loop around KVM_RUN (Documentation/virt/kvm/api.rst, 4.10 and 5).
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "hw/kvm/debug.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static struct kvm_vcpu *kvm_of(struct vcpu *vcpu)
{
    return vcpu->accel_data;
}

static void ignore(int signal)
{
    (void)signal;
}

void kvm_run_init(void)
{
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    sigaction(KVM_KICK_SIGNAL, &action, NULL);
}

// Nobody runs the processor until the machine has ended.
void kvm_fail(struct kvm_vcpu *k, const char *what)
{
    kvm_vm_fail(k->vm, "processor %u: %s", k->vcpu->index, what);
    k->failed = true;
    vcpu_hold(k->vcpu, true);
}

static void access_device(struct kvm_vcpu *k)
{
    struct kvm_run *run = k->run;
    struct mem_requester who = {.cpu = (uint16_t)k->vcpu->index};
    for (unsigned done = 0, size; done < run->mmio.len && done < sizeof(run->mmio.data); done += size) {
        uint64_t value;
        size = memory_access_piece(run->mmio.len - done);
        if (run->mmio.is_write) {
            memory_map_write(k->memory, who, run->mmio.phys_addr + done, size, load_le(run->mmio.data + done, size));
            continue;
        }
        if (memory_map_read(k->memory, who, run->mmio.phys_addr + done, size, &value) != MEM_OK)
            value = ~UINT64_C(0); // an open bus
        store_le(run->mmio.data + done, size, value);
    }
    k->unfinished = true;
}

// What the host could not do, and the instruction that the guest is at.
static void report_internal_error(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    static const char *const reasons[] = {[KVM_INTERNAL_ERROR_EMULATION] = "it cannot emulate an instruction",
                                          [KVM_INTERNAL_ERROR_SIMUL_EX] = "exceptions at the same time",
                                          [KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit while it delivered an event",
                                          [KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "an exit that it does not know"};
    uint32_t number = k->run->internal.suberror;
    const char *reason = number < ARRAY_SIZE(reasons) ? reasons[number] : NULL;
    uint8_t bytes[15];
    char text[224], *end = text + sizeof(text), *at = text;
    struct error ignored;
    at += snprintf(at, (size_t)(end - at), "the host cannot go on with the guest (internal error %u%s%s)", number,
                   reason ? ", " : "", reason ? reason : "");
    if (!kvm->guest->save(k, &ignored)) {
        uint64_t pc = k->vcpu->ops->get_pc(k->vcpu);
        size_t count = debug_read_memory(k->vcpu, false, pc, bytes, sizeof(bytes));
        at += snprintf(at, (size_t)(end - at), " at 0x%llx:", (unsigned long long)pc);
        for (size_t i = 0; i < count; i++)
            at += snprintf(at, (size_t)(end - at), " %02x", bytes[i]);
    }
    kvm_fail(k, text);
}

static void handle_exit(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    char text[96];
    switch (k->run->exit_reason) {
    case KVM_EXIT_MMIO:
        access_device(k);
        break;
    case KVM_EXIT_INTR:
        break;
    case KVM_EXIT_DEBUG:
        kvm_debug_exit(kvm, k);
        break;
    case KVM_EXIT_FAIL_ENTRY:
        snprintf(text, sizeof(text), "the host cannot enter the guest (reason 0x%llx)",
                 (unsigned long long)k->run->fail_entry.hardware_entry_failure_reason);
        kvm_fail(k, text);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        report_internal_error(kvm, k);
        break;
    default:
        if (kvm->guest->handle_exit(k))
            break;
        snprintf(text, sizeof(text), "the host has left the guest for an unknown reason (%u)", k->run->exit_reason);
        kvm_fail(k, text);
    }
}

// An interrupt line that has changed is seen before KVM_RUN; all other requests end run().
static bool may_stay(struct vcpu *vcpu)
{
    return !(atomic_fetch_and(&vcpu->exit_request, ~(uint32_t)VCPU_EXIT_FOR_LINES) & ~(uint32_t)VCPU_EXIT_FOR_LINES);
}

static void run_once(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    kvm_debug_enter(kvm, k);
    if (k->leaves)
        return;
    kvm->guest->enter(k);
    int status = ioctl(k->fd, KVM_RUN, 0), reason = errno;
    k->unfinished = false;
    kvm_coalesced_drain(kvm->coalesced); // before anything that the vCPU has done later
    kvm->guest->leave(k);
    if (!status) {
        handle_exit(kvm, k);
    } else if (reason != EINTR && reason != EAGAIN) {
        char text[96];
        snprintf(text, sizeof(text), "KVM_RUN: %s", strerror(reason));
        kvm_fail(k, text);
    }
    kvm_debug_left(kvm, k);
}

void kvm_finish_access(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    while (k->unfinished && !k->failed) {
        k->unfinished = false;
        __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_RELAXED);
        int status = ioctl(k->fd, KVM_RUN, 0);
        kvm_coalesced_drain(kvm->coalesced);
        if (!status)
            handle_exit(kvm, k);
    }
}

void kvm_run(struct accel *accel, struct vcpu *vcpu)
{
    struct kvm_accel *kvm = kvm_accel_of(accel);
    struct kvm_vcpu *k = kvm_of(vcpu);
    struct error error;
    if (k->failed || kvm->guest->load(k, &error)) {
        kvm_fail(k, k->failed ? "" : error.text);
        return;
    }
    kvm_debug_begin(kvm, k);
    for (;;) {
        // In this order: a kick that comes later makes KVM_RUN come back at once.
        __atomic_store_n(&k->run->immediate_exit, 0, __ATOMIC_RELAXED);
        atomic_thread_fence(memory_order_seq_cst);
        if (vcpu->halted || k->leaves || !may_stay(vcpu))
            break;
        run_once(kvm, k);
    }
    kvm_finish_access(kvm, k);
    kvm_debug_end(kvm, k);
    if (kvm->guest->save(k, &error))
        kvm_fail(k, error.text);
    kvm_debug_settle(k);
}

void kvm_kick(struct accel *accel, struct vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_of(vcpu);
    (void)accel;
    if (!k)
        return;
    __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (!pthread_equal(vcpu->thread, pthread_self()) && vcpu->in_run)
        pthread_kill(vcpu->thread, KVM_KICK_SIGNAL);
}

