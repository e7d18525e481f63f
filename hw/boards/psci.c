// SPDX-License-Identifier: MIT
// PSCI and SMCCC calls.
#include "hw/boards/psci.h"

#include "hw/core/machine.h"
#include "tcg/base/bits.h"

enum {
    SMCCC_VERSION = 0x80000000u,
    SMCCC_ARCH_FEATURES = 0x80000001u,
    PSCI_VERSION = 0x84000000u,
    PSCI_CPU_SUSPEND = 0x84000001u,
    PSCI_CPU_OFF = 0x84000002u,
    PSCI_CPU_ON = 0x84000003u,
    PSCI_AFFINITY_INFO = 0x84000004u,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006u,
    PSCI_SYSTEM_OFF = 0x84000008u,
    PSCI_SYSTEM_RESET = 0x84000009u,
    PSCI_FEATURES = 0x8400000au,
    PSCI_SYSTEM_RESET2 = 0x84000012u,
    CALL_64 = 0x40000000u,
};

enum {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_ALREADY_ON = -4,
    PSCI_INVALID_ADDRESS = -9,
};

#define AFFINITY_MASK UINT64_C(0xff00ffffff)

// Which calls have a 64-bit form, by function number.
static bool known_call(uint32_t call)
{
    bool wide = call & CALL_64;
    switch (call & ~(uint32_t)CALL_64) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_SYSTEM_RESET2:
        return true;
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES:
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
        return !wide;
    }
    return false;
}

static struct vcpu *find_cpu(const struct psci *psci, uint64_t affinity)
{
    for (unsigned i = 0; i < psci->cpu_count && i < psci->machine->vcpus.count; i++)
        if (psci->affinities[i] == (affinity & AFFINITY_MASK))
            return psci->machine->vcpus.cpus[i];
    return NULL;
}

static int64_t cpu_on(const struct psci *psci, uint64_t target, uint64_t entry, uint64_t context)
{
    struct vcpu *cpu = find_cpu(psci, target);
    if (!cpu)
        return PSCI_INVALID_PARAMETERS;
    const struct mem_range *range = memory_map_find(psci->machine->map, entry);
    if (!range || range->kind == MEM_MMIO)
        return PSCI_INVALID_ADDRESS;
    return vcpu_power_on(cpu, entry, context) ? PSCI_ALREADY_ON : PSCI_SUCCESS;
}

static int64_t affinity_info(const struct psci *psci, uint64_t target, uint64_t lowest_level)
{
    struct vcpu *cpu = find_cpu(psci, target);
    if (!cpu || lowest_level > 0)
        return PSCI_INVALID_PARAMETERS;
    return vcpu_is_powered_on(cpu) ? 0 : 1; // ON, OFF
}

static int64_t features(uint32_t call)
{
    if (!known_call(call) || call == SMCCC_ARCH_FEATURES)
        return PSCI_NOT_SUPPORTED;
    return 0;
}

static bool psci_call(void *opaque, struct vcpu *cpu, uint64_t regs[18])
{
    const struct psci *psci = opaque;
    uint32_t call = (uint32_t)regs[0];
    bool wide = call & CALL_64;
    if (!known_call(call)) {
        regs[0] = (uint64_t)PSCI_NOT_SUPPORTED; // what SMCCC asks for, for any unknown function
        return true;
    }
    uint64_t args[3];
    for (unsigned i = 0; i < 3; i++)
        args[i] = wide ? regs[i + 1] : (uint32_t)regs[i + 1];

    int64_t result = PSCI_SUCCESS;
    switch (call & ~(uint32_t)CALL_64) {
    case SMCCC_VERSION:
        result = 0x10001;
        break;
    case SMCCC_ARCH_FEATURES:
        result = (uint32_t)args[0] == SMCCC_VERSION || (uint32_t)args[0] == SMCCC_ARCH_FEATURES
                     ? 0 : PSCI_NOT_SUPPORTED;
        break;
    case PSCI_VERSION:
        result = 0x10001;
        break;
    case PSCI_CPU_SUSPEND:
        // A stand-by state, whatever was asked for: as if by WFI.
        cpu->halted = true;
        atomic_store(&cpu->exit_request, 1);
        break;
    case PSCI_CPU_OFF:
        vcpu_power_off_self(cpu);
        break;
    case PSCI_CPU_ON:
        result = cpu_on(psci, args[0], args[1], args[2]);
        break;
    case PSCI_AFFINITY_INFO:
        result = affinity_info(psci, args[0], args[1]);
        break;
    case PSCI_MIGRATE_INFO_TYPE:
        result = 2; // no Trusted OS
        break;
    case PSCI_SYSTEM_OFF:
        machine_shutdown_request(psci->machine, SHUTDOWN_GUEST);
        vcpu_power_off_self(cpu); // the call does not return
        break;
    case PSCI_SYSTEM_RESET:
    case PSCI_SYSTEM_RESET2:
        machine_reset_request(psci->machine);
        vcpu_power_off_self(cpu);
        break;
    case PSCI_FEATURES:
        result = features((uint32_t)args[0]);
        break;
    }
    // A 32-bit result leaves no stray upper half.
    regs[0] = wide ? (uint64_t)result : (uint32_t)result;
    return true;
}

const struct arm_firmware_ops psci_firmware = {psci_call};
