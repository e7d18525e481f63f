// SPDX-License-Identifier: MIT
// Registers that only the kernel has. Their values of the beginning are those after each reset: nobody else needs to know what they
// are. Where a register is refused, the host has it for reading.
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "target-x86/kvm.h"
#include "tcg/base/alloc.h"

enum { MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSRS_MAX = 4096 };

struct x86_kvm_power_up {
    struct kvm_nested_state *nested; // NULL: the host has none
    uint32_t count;
    struct kvm_msr_entry msrs[];
};

union one_msr {
    struct kvm_msrs list;
    uint8_t bytes[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
};

static bool get_msr(int fd, struct kvm_msr_entry *entry)
{
    union one_msr one = {.list.nmsrs = 1};
    one.list.entries[0].index = entry->index;
    bool known = ioctl(fd, KVM_GET_MSRS, &one) == 1;
    entry->data = one.list.entries[0].data;
    return known;
}

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
        struct kvm_msr_entry *entry = &note->msrs[note->count];
        entry->index = list->indices[i];
        // The APIC's device resets its own.
        if (entry->index != MSR_APIC_BASE && get_msr(k->fd, entry))
            note->count++;
        if (entry->index == MSR_TSC)
            entry->data = 0;
    }
    note->nested = get_nested(k);
    free(list);
    return note;
}

void x86_kvm_power_up(const struct kvm_vcpu *k, const struct x86_kvm_power_up *note)
{
    if (note->nested)
        ioctl(k->fd, KVM_SET_NESTED_STATE, note->nested);
    for (uint32_t i = 0; i < note->count; i++) {
        union one_msr one = {.list.nmsrs = 1};
        one.list.entries[0] = note->msrs[i];
        ioctl(k->fd, KVM_SET_MSRS, &one);
    }
}

void x86_kvm_power_up_free(struct x86_kvm_power_up *note)
{
    if (note)
        free(note->nested);
    free(note);
}
