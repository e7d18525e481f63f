// SPDX-License-Identifier: MIT
// One model-specific register of a processor of KVM's, by the processor's file descriptor; on x86 hosts.
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

union kvm_one_msr {
    struct kvm_msrs list;
    uint8_t bytes[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

// False: it has no such register, and *value stays as it is.
static inline bool kvm_get_msr(int fd, uint32_t index, uint64_t *value)
{
    union kvm_one_msr msr = {.list.nmsrs = 1};
    msr.list.entries[0].index = index;
    bool known = ioctl(fd, KVM_GET_MSRS, &msr) == 1;
    if (known)
        *value = msr.list.entries[0].data;
    return known;
}

// False: it does not take the value.
static inline bool kvm_set_msr(int fd, uint32_t index, uint64_t value)
{
    union kvm_one_msr msr = {.list.nmsrs = 1};
    msr.list.entries[0].index = index;
    msr.list.entries[0].data = value;
    return ioctl(fd, KVM_SET_MSRS, &msr) == 1;
}
