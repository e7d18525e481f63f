// SPDX-License-Identifier: MIT
// What processor a guest under KVM sees. "host" and "max" are what the kernel offers; other models are that with the fields of
// the ID_AA64 registers no higher than the model has them, as far as the kernel lets them be written. Caches and the names of the
// implementation are always the host's, whose errata the guest has to know.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target-arm/cpu.h"
#include "target-arm/gdb.h"
#include "target-arm/kvm.h"
#include "target-arm/models.h"
#include "tcg/base/bits.h"
#include "tcg/base/error.h"

enum { FIELDS = 16 };

// Fields are named by a bit each, the lowest four bits of the register being field 0.
struct id_register {
    uint32_t encoding;
    uint32_t offset;           // in struct arm_id
    uint16_t is_signed;        // 0xf is less than 0
    uint16_t hosts;            // not the model's to say
};

#define ID(op1, crm, op2, member, ...) {ARM_SYSREG(3, op1, 0, crm, op2), (uint32_t)offsetof(struct arm_id, member), __VA_ARGS__}

static const struct id_register limited[] = {
    ID(0, 4, 0, pfr0, 1 << 4 | 1 << 5, 1 << 2 | 1 << 3 | 1 << 6), // FP, AdvSIMD; EL2, EL3, GIC
    ID(0, 4, 1, pfr1, 0, 0),
    ID(0, 5, 0, dfr0, 1 << 2 | 1 << 9, 0), // PMUVer, DoubleLock
    ID(0, 5, 1, dfr1, 0, 0),
    ID(0, 6, 0, isar0, 0, 0),
    ID(0, 6, 1, isar1, 0, 0),
    ID(0, 6, 2, isar2, 0, 0),
    ID(0, 7, 0, mmfr0, 1 << 6 | 1 << 7, 1 << 8 | 1 << 9 | 1 << 10), // TGran64, TGran4; those of stage 2
    ID(0, 7, 1, mmfr1, 0, 0),
    ID(0, 7, 2, mmfr2, 0, 0),
};

static const struct id_register hosts_own[] = {
    ID(0, 0, 0, midr, 0, 0), ID(0, 0, 6, revidr, 0, 0), ID(1, 0, 1, clidr, 0, 0),
    ID(1, 0, 7, aidr, 0, 0), ID(3, 0, 1, ctr, 0, 0),
};

static uint64_t *field_of(struct arm_cpu *cpu, const struct id_register *reg)
{
    return (uint64_t *)((char *)&cpu->id + reg->offset);
}

static uint64_t limit(const struct id_register *reg, uint64_t model, uint64_t host)
{
    uint64_t value = host;
    for (unsigned n = 0; n < FIELDS; n++) {
        uint64_t wanted = extract64(model, n * 4, 4), offered = extract64(host, n * 4, 4);
        uint64_t flip = reg->is_signed >> n & 1 ? 8 : 0; // makes the order of signed ones that of unsigned ones
        if (!(reg->hosts >> n & 1) && (wanted ^ flip) < (offered ^ flip))
            value = deposit64(value, n * 4, 4, wanted);
    }
    return value;
}

// Hands the kernel a value that it may not take as a whole, then field by field. The value that the guest sees.
static uint64_t narrow(const struct kvm_vcpu *k, uint64_t id, uint64_t host, uint64_t wanted)
{
    if (wanted == host || !arm_kvm_set(k, id, &wanted))
        return wanted;
    uint64_t value = host;
    for (unsigned n = 0; n < FIELDS; n++) {
        uint64_t next = deposit64(value, n * 4, 4, extract64(wanted, n * 4, 4));
        if (next != value && !arm_kvm_set(k, id, &next))
            value = next;
    }
    return value;
}

// False: the kernel shows more than the model has.
static bool choose(struct kvm_vcpu *k, const struct id_register *reg)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    uint64_t id = ARM_KVM_SYSREG_ID(reg->encoding), host;
    if (arm_kvm_get(k, id, &host))
        return true; // an older kernel's, which has no such features
    uint64_t wanted = cpu->wishes.host ? host : limit(reg, *field_of(cpu, reg), host);
    *field_of(cpu, reg) = narrow(k, id, host, wanted);
    return *field_of(cpu, reg) == wanted;
}

// Boards number processors as the kernel does, if it cannot be told.
static int set_affinity(struct kvm_vcpu *k, struct error *error)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    uint64_t id = ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 0, 0, 0, 5)), wanted = cpu->id.mpidr, value;
    int status = arm_kvm_get(k, id, &value);
    if (!status && value != wanted)
        status = arm_kvm_set(k, id, &wanted);
    if (status)
        return error_set(error, -status, "cannot use KVM: processor %u cannot have the affinity 0x%llx: %s", k->vcpu->index,
                         (unsigned long long)wanted, strerror(-status));
    return 0;
}

static void read_others(struct kvm_vcpu *k)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    for (unsigned i = 0; i < ARRAY_SIZE(hosts_own); i++)
        arm_kvm_get(k, ARM_KVM_SYSREG_ID(hosts_own[i].encoding), field_of(cpu, &hosts_own[i]));
    for (unsigned i = 0; i < ARRAY_SIZE(cpu->id.ccsidr); i++) {
        uint32_t geometry = 0;
        arm_kvm_get(k, ARM_KVM_CCSIDR_ID(i), &geometry);
        cpu->id.ccsidr[i] = geometry;
    }
    // Nothing but the processor itself tells this one, which guests see as it is.
    __asm__("mrs %0, dczid_el0" : "=r"(cpu->id.dczid));
    cpu->id.pmcr = cpu->id.pmceid[0] = cpu->id.pmceid[1] = 0;
    arm_kvm_get(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 3, 9, 12, 0)), &cpu->id.pmcr);
    arm_kvm_get(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 3, 9, 12, 6)), &cpu->id.pmceid[0]);
    arm_kvm_get(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 3, 9, 12, 7)), &cpu->id.pmceid[1]);
    cpu->id.pmcr &= ARM_KVM_PMCR_IDENTITY;
}

int arm_kvm_identify(struct kvm_vcpu *k, struct error *error)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    bool as_asked = true;
    int status = set_affinity(k, error);
    if (status)
        return status;
    for (unsigned i = 0; i < ARRAY_SIZE(limited); i++)
        as_asked &= choose(k, &limited[i]);
    if (!as_asked && k->vcpu->index == 0)
        fprintf(stderr, "lyrebird: KVM: the guest sees features of the host that CPU '%s' does not have; this kernel cannot hide them\n",
                arm_model_name(cpu));
    read_others(k);
    arm_model_identified(cpu);
    cpu->features &= ~(BIT64(ARM_FEAT_EL2) | BIT64(ARM_FEAT_EL3)); // the guest starts at EL1, whatever the registers say
    free((void *)cpu->debug_view);
    arm_debug_view_create(cpu);
    return 0;
}
