// SPDX-License-Identifier: MIT
// The accelerator: opening KVM, and each vCPU's loop around KVM_RUN (Documentation/virt/kvm/api.rst, 4.10 and 5).
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"
#include "hw/kvm/kvm.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { KICK_SIGNAL = SIGUSR1 };

static struct kvm_accel *of(struct accel *accel)
{
    return (struct kvm_accel *)accel;
}

static struct kvm_vcpu *kvm_of(struct vcpu *vcpu)
{
    return vcpu->accel_data;
}

// --- opening ---

static int has(const struct kvm_vm *vm, int capability)
{
    return ioctl(vm->host, KVM_CHECK_EXTENSION, capability);
}

static int open_host(struct kvm_vm *vm, struct error *error)
{
    vm->host = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (vm->host < 0)
        return error_set(error, errno, "cannot use KVM: /dev/kvm: %s%s", strerror(errno),
                         errno == EACCES ? "; add yourself to the group 'kvm'" : "");
    int version = ioctl(vm->host, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION)
        return error_set(error, ENOTSUP, "cannot use KVM: it speaks version %d, not %d", version, KVM_API_VERSION);
    static const struct {
        int capability;
        const char *name;
    } needed[] = {{KVM_CAP_USER_MEMORY, "memory of user space"},
                  {KVM_CAP_IMMEDIATE_EXIT, "leaving at once"},
                  {KVM_CAP_READONLY_MEM, "read-only memory"},
                  {KVM_CAP_MP_STATE, "states of processors"}};
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        if (has(vm, needed[i].capability) <= 0)
            return error_set(error, ENOTSUP, "cannot use KVM: the host's has no %s", needed[i].name);
    return 0;
}

static void ignore(int signal)
{
    (void)signal;
}

static int init(struct accel *accel, struct machine *machine, struct error *error)
{
    struct kvm_accel *kvm = of(accel);
    struct sigaction action = {.sa_handler = ignore};
    accel->machine = kvm->vm.machine = machine;
    int status = open_host(&kvm->vm, error);
    if (status)
        return status;
    kvm->vm.fd = ioctl(kvm->vm.host, KVM_CREATE_VM, 0);
    if (kvm->vm.fd < 0)
        return error_set(error, errno, "cannot use KVM: it makes no virtual machine: %s", strerror(errno));
    sigaction(KICK_SIGNAL, &action, NULL);
    return 0;
}

// The board has made RAM and the map by now.
static int first_vcpu(struct kvm_accel *kvm, const struct vcpu *vcpu, struct error *error)
{
    if (kvm->guest)
        return 0;
    if (!vcpu->ops->kvm)
        return error_set(error, ENOTSUP, "cannot use KVM: the host has no processors for %s guests; use -accel tcg",
                         vcpu->ops->arch);
    int status = vcpu->ops->kvm->vm_init(&kvm->vm, error);
    if (status)
        return status;
    kvm->guest = vcpu->ops->kvm;
    kvm_memory_init(kvm);
    return 0;
}

static void release(struct kvm_vcpu *k)
{
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

static int vcpu_init(struct accel *accel, struct vcpu *vcpu, struct error *error)
{
    struct kvm_accel *kvm = of(accel);
    int status = first_vcpu(kvm, vcpu, error);
    if (status)
        return status;
    struct kvm_vcpu *k = ALLOC(struct kvm_vcpu);
    *k = (struct kvm_vcpu){.vcpu = vcpu, .vm = &kvm->vm, .fd = -1};
    if ((status = open_vcpu(kvm, k, error))) {
        release(k);
        return status;
    }
    vcpu->accel = accel;
    vcpu->accel_data = k;
    return 0;
}

static void vcpu_destroy(struct accel *accel, struct vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_of(vcpu);
    if (!k)
        return;
    of(accel)->guest->vcpu_destroy(k);
    release(k);
    vcpu->accel_data = NULL;
}

static void destroy(struct accel *accel)
{
    struct kvm_accel *kvm = of(accel);
    if (kvm->vm.fd >= 0)
        close(kvm->vm.fd);
    if (kvm->vm.host >= 0)
        close(kvm->vm.host);
    free(kvm->slots);
    free(kvm);
}

// --- running ---

// The guest cannot go on: the machine ends, and the user is told why.
static void fail(struct kvm_vcpu *k, const char *what)
{
    if (!k->failed)
        fprintf(stderr, "lyrebird: KVM: processor %u: %s\n", k->vcpu->index, what);
    k->failed = k->vcpu->halted = true;
    machine_exit_request(k->vcpu->machine, EXIT_FAILURE);
    atomic_store(&k->vcpu->exit_request, 1);
}

static void access_device(struct kvm_vcpu *k)
{
    struct kvm_run *run = k->run;
    struct memory_map *map = k->vm->machine->map;
    struct mem_requester who = {.cpu = (uint16_t)k->vcpu->index};
    for (unsigned done = 0, size; done < run->mmio.len && done < sizeof(run->mmio.data); done += size) {
        unsigned left = run->mmio.len - done;
        uint64_t value;
        size = is_power_of_two(left) && left <= 8 ? left : 1;
        if (run->mmio.is_write) {
            memory_map_write(map, who, run->mmio.phys_addr + done, size, load_le(run->mmio.data + done, size));
            continue;
        }
        if (memory_map_read(map, who, run->mmio.phys_addr + done, size, &value) != MEM_OK)
            value = ~UINT64_C(0); // an open bus
        store_le(run->mmio.data + done, size, value);
    }
    k->unfinished = true;
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
    case KVM_EXIT_FAIL_ENTRY:
        snprintf(text, sizeof(text), "the host cannot enter the guest (reason 0x%llx)",
                 (unsigned long long)k->run->fail_entry.hardware_entry_failure_reason);
        fail(k, text);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        snprintf(text, sizeof(text), "the host cannot go on with the guest (internal error %u)", k->run->internal.suberror);
        fail(k, text);
        break;
    default:
        if (kvm->guest->handle_exit(k))
            break;
        snprintf(text, sizeof(text), "the host has left the guest for an unknown reason (%u)", k->run->exit_reason);
        fail(k, text);
    }
}

// An interrupt line that has changed is seen before KVM_RUN; all other requests end run().
static bool may_stay(struct vcpu *vcpu)
{
    return !(atomic_fetch_and(&vcpu->exit_request, ~(uint32_t)VCPU_EXIT_FOR_LINES) & ~(uint32_t)VCPU_EXIT_FOR_LINES);
}

static void run_once(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    kvm->guest->enter(k);
    int status = ioctl(k->fd, KVM_RUN, 0), reason = errno;
    k->unfinished = false;
    kvm->guest->leave(k);
    if (!status) {
        handle_exit(kvm, k);
    } else if (reason != EINTR && reason != EAGAIN) {
        char text[96];
        snprintf(text, sizeof(text), "KVM_RUN: %s", strerror(reason));
        fail(k, text);
    }
}

// What the guest has read from a device gets into its registers.
static void finish_access(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    while (k->unfinished && !k->failed) {
        k->unfinished = false;
        k->run->immediate_exit = 1;
        if (!ioctl(k->fd, KVM_RUN, 0))
            handle_exit(kvm, k);
    }
}

static void run(struct accel *accel, struct vcpu *vcpu)
{
    struct kvm_accel *kvm = of(accel);
    struct kvm_vcpu *k = kvm_of(vcpu);
    struct error error;
    if (k->failed || kvm->guest->load(k, &error)) {
        fail(k, k->failed ? "" : error.text);
        return;
    }
    for (;;) {
        // In this order: a kick that comes later makes KVM_RUN come back at once.
        k->run->immediate_exit = 0;
        atomic_thread_fence(memory_order_seq_cst);
        if (vcpu->halted || !may_stay(vcpu))
            break;
        run_once(kvm, k);
    }
    finish_access(kvm, k);
    if (kvm->guest->save(k, &error))
        fail(k, error.text);
}

static void kick(struct accel *accel, struct vcpu *vcpu)
{
    struct kvm_vcpu *k = kvm_of(vcpu);
    (void)accel;
    if (!k)
        return;
    __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (!pthread_equal(vcpu->thread, pthread_self()) && vcpu->in_run)
        pthread_kill(vcpu->thread, KICK_SIGNAL);
}

const struct accel_ops kvm_accel_ops = {
    .name = "kvm",
    .help = "run guest code on the host's processors, by Linux's KVM",
    .init = init,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = vcpu_destroy,
    .run = run,
    .kick = kick,
    .destroy = destroy,
};

struct accel *kvm_accel_create(void)
{
    struct kvm_accel *kvm = ALLOC(struct kvm_accel);
    kvm->accel.ops = &kvm_accel_ops;
    kvm->vm.host = kvm->vm.fd = -1;
    return &kvm->accel;
}
