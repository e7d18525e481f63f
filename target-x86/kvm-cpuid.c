// SPDX-License-Identifier: MIT
// CPUID under KVM: the model's, without what the host does not have.
#include <errno.h>
#include <asm/kvm_para.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "target-x86/cpu.h"
#include "target-x86/exception.h"
#include "target-x86/kvm.h"
#include "target-x86/models.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/error.h"

#define EXTENDED UINT32_C(0x80000000)
#define ADDRESS_SIZES (EXTENDED + 8)
enum { LEAVES_MAX = 256, HTT = 28 };
enum { HYPERVISOR = 0x40000000, HYPERVISOR_FEATURES };

static struct kvm_cpuid2 *make_leaves(void)
{
    return alloc_zeroed(1, sizeof(struct kvm_cpuid2) + LEAVES_MAX * sizeof(struct kvm_cpuid_entry2));
}

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *leaves, uint32_t leaf, uint32_t subleaf)
{
    for (uint32_t i = 0; i < leaves->nent; i++)
        if (leaves->entries[i].function == leaf && leaves->entries[i].index == subleaf)
            return &leaves->entries[i];
    return NULL;
}

static uint32_t register_of(const struct kvm_cpuid_entry2 *entry, unsigned reg)
{
    const uint32_t values[] = {entry->eax, entry->ebx, entry->ecx, entry->edx};
    return values[reg];
}

// What the host has beyond what it says: the APIC is the machine's own or the kernel's.
static uint32_t apic_features(const struct kvm_vcpu *k)
{
    uint32_t features = BIT32(X86_FEAT_HYPERVISOR & 31);
    if (k->vm->irqchip != KVM_IRQCHIP_OFF)
        features |= BIT32(X86_FEAT_X2APIC & 31);
    if (k->vm->irqchip != KVM_IRQCHIP_OFF && kvm_capability(k->vm, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
        features |= BIT32(X86_FEAT_TSC_DEADLINE & 31);
    return features;
}

static void limit_features(const struct kvm_vcpu *k, struct x86_cpu *cpu, const struct kvm_cpuid2 *host)
{
    const uint32_t asked = BIT32(X86_FEAT_X2APIC & 31) | BIT32(X86_FEAT_TSC_DEADLINE & 31);
    for (unsigned word = 0; word < X86_WORD_BASE; word++) {
        const struct x86_feature_place *place = &x86_feature_places[word];
        const struct kvm_cpuid_entry2 *entry = find(host, place->leaf, place->subleaf);
        uint32_t offered = entry ? register_of(entry, place->reg) : 0;
        if (word == X86_WORD_1_ECX)
            offered = (offered & ~asked) | apic_features(k);
        if (word == X86_WORD_1_EDX)
            offered |= BIT32(X86_FEAT_APIC & 31); // the machine's own
        cpu->features[word] &= offered;
    }
}

static bool has_subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;
}

static void add(const struct x86_cpu *cpu, struct kvm_cpuid2 *leaves, uint32_t leaf, uint32_t subleaf)
{
    uint32_t out[4];
    if (leaves->nent == LEAVES_MAX)
        return;
    x86_cpuid(cpu, leaf, subleaf, out);
    leaves->entries[leaves->nent++] = (struct kvm_cpuid_entry2){
        .function = leaf, .index = subleaf, .flags = has_subleaves(leaf) ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
        .eax = out[0], .ebx = out[1], .ecx = out[2], .edx = out[3]};
}

// The model's leaves, and areas of XSAVE laid out as on the host.
static void fill_model(const struct x86_cpu *cpu, struct kvm_cpuid2 *leaves, const struct kvm_cpuid2 *host)
{
    for (uint32_t leaf = 0; leaf <= cpu->model->level; leaf++)
        for (uint32_t subleaf = 0; subleaf < (leaf == 0xd ? 64 : has_subleaves(leaf) ? 4 : 1); subleaf++)
            add(cpu, leaves, leaf, subleaf);
    for (uint32_t leaf = EXTENDED; cpu->model->extended_level && leaf <= cpu->model->extended_level; leaf++)
        add(cpu, leaves, leaf, 0);
    const struct kvm_cpuid_entry2 *hosts = find(host, ADDRESS_SIZES, 0);
    for (uint32_t i = 0; i < leaves->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &leaves->entries[i];
        const struct kvm_cpuid_entry2 *area = entry->function == 0xd && entry->index > 1 ? find(host, 0xd, entry->index) : NULL;
        if (area && entry->eax)
            *entry = *area;
        if (entry->function == ADDRESS_SIZES && hosts && (hosts->eax & 0xff) < (entry->eax & 0xff))
            entry->eax = deposit32(entry->eax, 0, 8, hosts->eax & 0xff);
    }
}

// The processors' numbers are the machine's.
static void set_topology(const struct x86_cpu *cpu, struct kvm_cpuid_entry2 *entry)
{
    const struct x86_cpu_config *config = &cpu->config;
    unsigned logical = config->cores * config->threads;
    bool has_cache = entry->eax & 31;
    switch (entry->function) {
    case 1:
        entry->ebx = (entry->ebx & 0xff00) | (uint32_t)(logical & 0xff) << 16 | config->apic_id << 24;
        entry->edx = deposit32(entry->edx, HTT, 1, logical > 1);
        break;
    case 4:
    case 0x8000001d:
        if (has_cache)
            entry->eax = deposit32(entry->eax, 14, 12, (extract32(entry->eax, 5, 3) == 3 ? logical : config->threads) - 1);
        if (has_cache && entry->function == 4)
            entry->eax = deposit32(entry->eax, 26, 6, config->cores - 1);
        break;
    case ADDRESS_SIZES:
        entry->ecx = deposit32(entry->ecx, 0, 8, logical - 1);
        break;
    case 0x8000001e:
        entry->eax = config->apic_id;
        entry->ebx = config->apic_id / config->threads | (config->threads - 1) << 8;
        entry->ecx = 0;
        break;
    default:
        break;
    }
}

// All that the host shows, with the features that are left, and the machine's topology.
static void fill_host(const struct x86_cpu *cpu, struct kvm_cpuid2 *leaves, const struct kvm_cpuid2 *host)
{
    for (uint32_t i = 0; i < host->nent; i++) {
        struct kvm_cpuid_entry2 entry = host->entries[i];
        if ((entry.function >= HYPERVISOR && entry.function < EXTENDED) || entry.function == 0xb || entry.function == 0x1f)
            continue;
        uint32_t *const registers[] = {&entry.eax, &entry.ebx, &entry.ecx, &entry.edx};
        for (unsigned word = 0; word < X86_WORD_BASE; word++) {
            const struct x86_feature_place *place = &x86_feature_places[word];
            if (entry.function == place->leaf && entry.index == place->subleaf)
                *registers[place->reg] = cpu->features[word];
        }
        set_topology(cpu, &entry);
        leaves->entries[leaves->nent++] = entry;
    }
    for (uint32_t subleaf = 0; subleaf < 3; subleaf++)
        add(cpu, leaves, 0xb, subleaf);
}

// The vendors' processors differ in what no feature tells of, and the guest has the host's: SYSENTER and SYSCALL of 32-bit programs,
// and the call to the hypervisor, VMCALL or VMMCALL. The other one is not carried out: the kernel writes the right one over it in
// the guest's code, and where the guest may not write that, it gets a page fault.
static void take_vendor(struct x86_cpu *cpu, struct x86_kvm *own, const struct kvm_cpuid2 *host)
{
    const struct kvm_cpuid_entry2 *first = find(host, 0, 0);
    own->model = *cpu->model;
    cpu->model = &own->model;
    if (first) {
        const uint32_t vendor[3] = {first->ebx, first->edx, first->ecx};
        memcpy(own->vendor, vendor, sizeof(vendor));
    }
    if (first || own->model.is_host)
        own->model.vendor = own->vendor;
}

// The model, which is the processor's own, becomes what the host is.
static void name_host(struct x86_model *model, const struct kvm_cpuid2 *host)
{
    const struct kvm_cpuid_entry2 *first = find(host, 0, 0), *second = find(host, 1, 0), *extended = find(host, EXTENDED, 0);
    model->level = first ? first->eax : model->level;
    model->extended_level = extended ? extended->eax : 0;
    if (second) {
        unsigned family = extract32(second->eax, 8, 4);
        model->stepping = extract32(second->eax, 0, 4);
        model->model = extract32(second->eax, 4, 4) | extract32(second->eax, 16, 4) << 4;
        model->family = family == 15 ? family + extract32(second->eax, 20, 8) : family;
    }
}

// Those of the hypervisor's features that do not go through the kernel's APIC: clocks, stolen time.
#define WITHOUT_APIC                                                                                                             \
    (BIT32(KVM_FEATURE_CLOCKSOURCE) | BIT32(KVM_FEATURE_NOP_IO_DELAY) | BIT32(KVM_FEATURE_CLOCKSOURCE2) |                        \
     BIT32(KVM_FEATURE_STEAL_TIME) | BIT32(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))

static void add_hypervisor(const struct x86_cpu *cpu, enum kvm_irqchip_mode irqchip, struct kvm_cpuid2 *leaves,
                           const struct kvm_cpuid2 *host)
{
    for (uint32_t leaf = HYPERVISOR; leaf <= HYPERVISOR_FEATURES; leaf++) {
        const struct kvm_cpuid_entry2 *entry = find(host, leaf, 0);
        if (!entry || !x86_has(cpu, X86_FEAT_HYPERVISOR) || leaves->nent == LEAVES_MAX)
            continue;
        leaves->entries[leaves->nent] = *entry;
        if (leaf == HYPERVISOR_FEATURES && irqchip == KVM_IRQCHIP_OFF)
            leaves->entries[leaves->nent].eax &= WITHOUT_APIC;
        leaves->nent++;
    }
}

int x86_kvm_set_cpuid(struct kvm_vcpu *k, struct error *error)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct x86_kvm *own = k->guest;
    struct kvm_cpuid2 *host = make_leaves(), *leaves = make_leaves();
    host->nent = LEAVES_MAX;
    int status = 0;
    if (ioctl(k->vm->host, KVM_GET_SUPPORTED_CPUID, host) < 0) {
        status = error_set(error, errno, "cannot use KVM: it does not tell what processors it has: %s", strerror(errno));
    } else {
        limit_features(k, cpu, host);
        take_vendor(cpu, own, host);
        if (cpu->model->is_host) {
            name_host(&own->model, host);
            fill_host(cpu, leaves, host);
        } else {
            fill_model(cpu, leaves, host);
        }
        add_hypervisor(cpu, k->vm->irqchip, leaves, host);
        const struct kvm_cpuid_entry2 *avx = find(leaves, 0xd, 2), *pkru = find(leaves, 0xd, 9);
        own->avx_offset = avx && x86_has(cpu, X86_FEAT_AVX) ? avx->ebx : 0;
        own->pkru_offset = pkru && x86_has(cpu, X86_FEAT_PKU) ? pkru->ebx : 0;
        if (ioctl(k->fd, KVM_SET_CPUID2, leaves) < 0)
            status = error_set(error, errno, "cannot use KVM: it refuses the features of CPU '%s': %s", cpu->model->name,
                               strerror(errno));
    }
    free(host);
    free(leaves);
    return status;
}
