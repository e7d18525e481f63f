// SPDX-License-Identifier: MIT
#include "hw/core/kvm-guest.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "tcg/base/error.h"

int kvm_capability(const struct kvm_vm *vm, int capability)
{
    return ioctl(vm->host, KVM_CHECK_EXTENSION, (unsigned long)capability);
}

int kvm_check_needs(const struct kvm_vm *vm, const struct kvm_need *needs, struct error *error)
{
    for (; needs->name; needs++)
        if (kvm_capability(vm, needs->capability) <= 0)
            return error_set(error, ENOTSUP, "cannot use KVM: the host's has no %s", needs->name);
    return 0;
}

int kvm_refused(const char *what, struct error *error)
{
    int reason = errno ? errno : EIO;
    return error_set(error, reason, "cannot use KVM: %s: %s", what, strerror(reason));
}

void kvm_set_gsi(const struct kvm_vm *vm, unsigned gsi, bool level)
{
    struct kvm_irq_level line = {.irq = gsi, .level = level};
    if (ioctl(vm->fd, KVM_IRQ_LINE, &line) < 0)
        kvm_vm_fail(vm, "interrupt line %u: %s", gsi, strerror(errno));
}

void kvm_when_ready(const struct kvm_vm *vm, struct kvm_ready *ready)
{
    ready->next = NULL;
    *vm->ready->last = ready;
    vm->ready->last = &ready->next;
}

bool kvm_has_device(const struct kvm_vm *vm, unsigned type)
{
    struct kvm_create_device create = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};
    return !ioctl(vm->fd, KVM_CREATE_DEVICE, &create);
}

uint32_t kvm_debug_control(const struct kvm_debug_wish *wish, uint32_t software, uint32_t registers)
{
    uint32_t control = (wish->software ? software : 0) | (wish->step ? KVM_GUESTDBG_SINGLESTEP : 0);
    for (unsigned i = 0; i < KVM_DEBUG_REGISTERS; i++)
        control |= wish->registers[i].bytes ? registers : 0;
    return control ? control | KVM_GUESTDBG_ENABLE : 0;
}

void kvm_vm_fail(const struct kvm_vm *vm, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!atomic_exchange(vm->failed, true))
        fprintf(stderr, "lyrebird: KVM: %s\n", text);
    machine_exit_request(vm->machine, EXIT_FAILURE);
}
