// SPDX-License-Identifier: MIT
// Registers that only the kernel has. Their values of the beginning are those after each reset: nobody else needs to know what they
// are. Where a register is refused, the host has it for reading.
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-msr.h"
#include "target-x86/kvm.h"
#include "tcg/base/alloc.h"

enum { MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSRS_MAX = 4096 };

struct x86_kvm_power_up {
    struct kvm_nested_state *nested; // NULL: the host has none
    uint32_t count;
    struct kvm_msr_entry msrs[];
};

static struct kvm_msr_list *list_msrs(int host)
{
    struct kvm_msr_list *list = alloc_zeroed(1, sizeof(*list) + MSRS_MAX * sizeof(list->indices[0]));
    list->nmsrs = MSRS_MAX;
    if (ioctl(host, KVM_GET_MSR_INDEX_LIST, list) < 0)
        list->nmsrs = 0;
    return list;
}

static struct kvm_nested_state *get_nested(const struct kvm_vcpu *k)
{
    int bytes = kvm_capability(k->vm, KVM_CAP_NESTED_STATE);
    if (bytes < (int)sizeof(struct kvm_nested_state))
        return NULL;
    struct kvm_nested_state *nested = alloc_zeroed(1, (size_t)bytes);
    nested->size = (uint32_t)bytes;
    if (ioctl(k->fd, KVM_GET_NESTED_STATE, nested) < 0) {
        free(nested);
        return NULL;
    }
    return nested;
}

struct x86_kvm_power_up *x86_kvm_note_power_up(const struct kvm_vcpu *k)
{
    struct kvm_msr_list *list = list_msrs(k->vm->host);
    struct x86_kvm_power_up *note = alloc_zeroed(1, sizeof(*note) + list->nmsrs * sizeof(note->msrs[0]));
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        uint32_t index = list->indices[i];
        uint64_t value;
        // The APIC's device resets its own.
        if (index != MSR_APIC_BASE && kvm_get_msr(k->fd, index, &value))
            note->msrs[note->count++] = (struct kvm_msr_entry){.index = index, .data = index == MSR_TSC ? 0 : value};
    }
    note->nested = get_nested(k);
    free(list);
    return note;
}

void x86_kvm_power_up(const struct kvm_vcpu *k, const struct x86_kvm_power_up *note)
{
    if (note->nested)
        ioctl(k->fd, KVM_SET_NESTED_STATE, note->nested);
    for (uint32_t i = 0; i < note->count; i++)
        kvm_set_msr(k->fd, note->msrs[i].index, note->msrs[i].data);
}

void x86_kvm_power_up_free(struct x86_kvm_power_up *note)
{
    if (note)
        free(note->nested);
    free(note);
}
