// SPDX-License-Identifier: MIT
// The accelerator: opening KVM, and making processors.
#include "hw/kvm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/core/kvm-messages.h"
#include "hw/core/kvm-routes.h"
#include "hw/core/machine.h"
#include "hw/kvm/debug.h"
#include "tcg/base/alloc.h"

static int open_host(struct kvm_vm *vm, struct error *error)
{
    static const struct kvm_need needs[] = {{KVM_CAP_USER_MEMORY, "memory of user space"},
                                            {KVM_CAP_IMMEDIATE_EXIT, "leaving at once"},
                                            {KVM_CAP_READONLY_MEM, "read-only memory"},
                                            {KVM_CAP_MP_STATE, "states of processors"},
                                            {0}};
    vm->host = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (vm->host < 0)
        return error_set(error, errno, "cannot use KVM: /dev/kvm: %s%s", strerror(errno),
                         errno == EACCES ? "; add yourself to the group 'kvm'" : "");
    int version = ioctl(vm->host, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION)
        return error_set(error, ENOTSUP, "cannot use KVM: it speaks version %d, not %d", version, KVM_API_VERSION);
    return kvm_check_needs(vm, needs, error);
}

static int init(struct accel *accel, struct machine *machine, struct error *error)
{
    struct kvm_accel *kvm = kvm_accel_of(accel);
    accel->machine = kvm->vm.machine = machine;
    kvm->guest = machine->cpu_factory ? machine->cpu_factory->kvm : NULL;
    if (!kvm->guest)
        return error_set(error, ENOTSUP, "cannot use KVM: the host has no processors for %s guests; use -accel tcg",
                         machine->type->arch);
    int status = open_host(&kvm->vm, error);
    if (status)
        return status;
    kvm->vm.fd = ioctl(kvm->vm.host, KVM_CREATE_VM, kvm->guest->vm_type ? kvm->guest->vm_type(&kvm->vm) : 0);
    if (kvm->vm.fd < 0)
        return kvm_refused("it makes no virtual machine", error);
    kvm->vm.routes = kvm_routes_create(&kvm->vm);
    if ((status = kvm->guest->vm_init(&kvm->vm, error)) || (status = kvm_irqchip_init(kvm, error)))
        return status;
    accel->waits_inside = kvm->vm.irqchip != KVM_IRQCHIP_OFF;
    if (kvm->vm.irqchip != KVM_IRQCHIP_OFF)
        kvm->vm.messages = kvm_messages_create(&kvm->vm);
    machine->kvm = &kvm->vm;
    kvm_clock_init(kvm);
    kvm_run_init();
    kvm_debug_init(kvm);
    return 0;
}

static void release(struct kvm_vcpu *k)
{
    kvm_debug_forget_vcpu(k);
    if (k->run)
        munmap(k->run, k->run_bytes);
    if (k->fd >= 0)
        close(k->fd);
    free(k);
}

static int open_vcpu(const struct kvm_accel *kvm, struct kvm_vcpu *k, struct error *error)
{
    int bytes = ioctl(kvm->vm.host, KVM_GET_VCPU_MMAP_SIZE, 0);
    k->fd = ioctl(kvm->vm.fd, KVM_CREATE_VCPU, (unsigned long)k->vcpu->index);
    if (k->fd < 0 || bytes < (int)sizeof(*k->run))
        return error_set(error, errno, "KVM makes no processor %u: %s", k->vcpu->index, strerror(errno));
    k->run_bytes = (size_t)bytes;
    void *run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
    if (run == MAP_FAILED)
        return error_set(error, errno, "KVM makes no processor %u: %s", k->vcpu->index, strerror(errno));
    k->run = run;
    return kvm->guest->vcpu_init(k, error);
}

static void vcpu_destroy(struct accel *accel, struct vcpu *vcpu)
{
    struct kvm_vcpu *k = vcpu->accel_data;
    if (!k)
        return;
    kvm_coalesced_forget_ring(kvm_accel_of(accel)->coalesced);
    kvm_accel_of(accel)->guest->vcpu_destroy(k);
    release(k);
    vcpu->accel_data = NULL;
}

static int tell_ready(const struct kvm_accel *kvm, struct error *error)
{
    int status = 0;
    for (struct kvm_ready *ready = kvm->ready.first; ready && !status; ready = ready->next)
        status = ready->fn(ready->opaque, error);
    return status;
}

static int vcpu_init(struct accel *accel, struct vcpu *vcpu, struct error *error)
{
    struct kvm_accel *kvm = kvm_accel_of(accel);
    struct kvm_vcpu *k = ALLOC(struct kvm_vcpu);
    *k = (struct kvm_vcpu){.vcpu = vcpu, .vm = &kvm->vm, .fd = -1, .memory = kvm->vm.machine->map};
    int status = open_vcpu(kvm, k, error);
    if (status) {
        release(k);
        return status;
    }
    if (!kvm->has_vcpu) {
        // The first one: the board has made RAM and the maps by now.
        kvm->has_vcpu = true;
        kvm_memory_init(kvm, kvm->guest->special_memory ? kvm->guest->special_memory(k) : NULL);
        kvm->doorbells = kvm_doorbells_create(&kvm->vm, kvm->guest->ports ? kvm->guest->ports(k) : NULL);
        kvm->coalesced = kvm_coalesced_create(k);
    }
    vcpu->accel = accel;
    vcpu->accel_data = k;
    if (vcpu->index + 1 == vcpu->group->count && (status = tell_ready(kvm, error)))
        vcpu_destroy(accel, vcpu);
    return status;
}

static void flush(struct accel *accel)
{
    kvm_coalesced_flush(kvm_accel_of(accel)->coalesced);
    kvm_doorbells_flush(kvm_accel_of(accel)->doorbells);
}

static void print_info(struct accel *accel, const char *what, struct vcpu *vcpu, FILE *out)
{
    const struct kvm_accel *kvm = kvm_accel_of(accel);
    (void)vcpu;
    if (strcmp(what, "kvm"))
        return;
    kvm_doorbells_print(kvm->doorbells, out);
    kvm_coalesced_print(kvm->coalesced, out);
    if (kvm->vm.messages)
        kvm_messages_print(kvm->vm.messages, out);
}

static void destroy(struct accel *accel)
{
    struct kvm_accel *kvm = kvm_accel_of(accel);
    if (kvm->vm.fd >= 0)
        close(kvm->vm.fd);
    if (kvm->vm.host >= 0)
        close(kvm->vm.host);
    kvm_messages_destroy(kvm->vm.messages);
    kvm_routes_destroy(kvm->vm.routes);
    kvm_doorbells_destroy(kvm->doorbells);
    kvm_coalesced_destroy(kvm->coalesced);
    kvm_dirty_destroy(kvm);
    kvm_debug_destroy(kvm);
    kvm_memory_destroy(kvm);
    free(kvm);
}

const struct accel_ops kvm_accel_ops = {
    .name = "kvm",
    .help = "run guest code on the host's processors, by Linux's KVM",
    .init = init,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = vcpu_destroy,
    .run = kvm_run,
    .kick = kvm_kick,
    .flush = flush,
    .print_info = print_info,
    .can_stop = kvm_debug_can_stop,
    .destroy = destroy,
};

struct accel *kvm_accel_create(enum kvm_irqchip_mode irqchip)
{
    struct kvm_accel *kvm = ALLOC(struct kvm_accel);
    kvm->accel.ops = &kvm_accel_ops;
    kvm->vm.failed = &kvm->failed;
    kvm->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    kvm->vm.host = kvm->vm.fd = -1;
    kvm->ready.last = &kvm->ready.first;
    kvm->vm.ready = &kvm->ready;
    kvm->vm.irqchip = irqchip;
    return &kvm->accel;
}
