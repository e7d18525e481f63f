// SPDX-License-Identifier: MIT
// Debuggers' registers, steps and breakpoint instructions on AArch64 hosts (Documentation/virt/kvm/api.rst, 4.87; Arm ARM, D2).
// While there is any of them, the kernel has all debug exceptions of the guest come to us, the guest's own with them; those we take
// for it, as the processor would have.
//
// Watchpoints are found before the access. Breakpoints in AArch32 programs at EL0 are found by registers, if they do not share a word
// with another instruction, and never put into memory.
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "target-arm/cpu.h"
#include "target-arm/exception.h"
#include "target-arm/kvm.h"
#include "target-arm/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/error.h"

enum { PSTATE_AARCH32 = 1 << 4, ISS_WNR = 1 << 6 };
#define CORE_ID(word) ARM_KVM_ID(3, ARM_KVM_CORE, word)

static uint64_t pc(struct kvm_vcpu *k)
{
    return arm_kvm_word(k, CORE_ID(ARM_KVM_CORE_PC));
}

// --- what the host can -------------------------------------------------------------------------------------------------

static unsigned registers(const struct kvm_vm *vm, int capability)
{
    int count = kvm_capability(vm, capability);
    return count < 0 ? 0 : count < KVM_ARM_MAX_DBG_REGS ? (unsigned)count : KVM_ARM_MAX_DBG_REGS;
}

static void probe(const struct kvm_vm *vm, struct kvm_debug_limits *limits)
{
    *limits = (struct kvm_debug_limits){.steps = kvm_capability(vm, KVM_CAP_SET_GUEST_DEBUG) > 0};
    if (!limits->steps)
        return;
    limits->breakpoints = registers(vm, KVM_CAP_GUEST_DEBUG_HW_BPS);
    limits->watchpoints = registers(vm, KVM_CAP_GUEST_DEBUG_HW_WPS);
    limits->together = limits->breakpoints + limits->watchpoints;
    limits->software = true;
}

// --- addresses -----------------------------------------------------------------------------------------------------------

// The tables are walked here, as the kernel does not tell. What they are is the kernel's to say while the vCPU is in run().
static bool locate(struct kvm_vcpu *k, uint64_t gva, uint64_t *gpa)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    const struct arm_walk walk = {.regime = ARM_REGIME_EL10, .privileged = true, .probe = true, .any = true};
    struct tlb_translation t;
    struct tlb_fault fault;
    cpu->sctlr_el[1] = arm_kvm_word(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 0, 1, 0, 0)));
    cpu->ttbr0_el[1] = arm_kvm_word(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 0, 2, 0, 0)));
    cpu->ttbr1_el[1] = arm_kvm_word(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 0, 2, 0, 1)));
    cpu->tcr_el[1] = arm_kvm_word(k, ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 0, 2, 0, 2)));
    if ((arm_kvm_word(k, CORE_ID(ARM_KVM_CORE_PSTATE)) & PSTATE_AARCH32) || !arm_walk(cpu, gva, &walk, &t, &fault, NULL))
        return false;
    *gpa = t.gpa;
    return true;
}

// --- to the kernel -------------------------------------------------------------------------------------------------------

// DBGBCRn_EL1, DBGWCRn_EL1: enabled at EL1 and EL0; and which bytes from the word, or doubleword, on.
enum { ENABLED = 1 | 3 << 1, BYTES_OF_WORD = 0xf << 5, UPPER_HALF = 0xc << 5, LOADS = 1 << 3, STORES = 2 << 3, WATCHED_SHIFT = 5 };

static void add_register(struct kvm_guest_debug *debug, const struct kvm_debug_register *r, unsigned *breakpoints,
                         unsigned *watchpoints)
{
    struct kvm_guest_debug_arch *arch = &debug->arch;
    if (r->kind == KVM_DEBUG_EXECUTE) {
        arch->dbg_bvr[*breakpoints] = r->address & ~UINT64_C(3);
        arch->dbg_bcr[(*breakpoints)++] = ENABLED | (r->address & 2 ? UPPER_HALF : BYTES_OF_WORD);
    } else {
        uint64_t bytes = mask64(r->bytes) << (r->address & 7);
        arch->dbg_wvr[*watchpoints] = r->address & ~UINT64_C(7);
        arch->dbg_wcr[(*watchpoints)++] = ENABLED | STORES | (r->kind == KVM_DEBUG_ACCESS ? LOADS : 0) | bytes << WATCHED_SHIFT;
    }
}

// Steps begin anew: one that ended with an access to a device would otherwise be told of once more, before the next instruction.
static int set(struct kvm_vcpu *k, const struct kvm_debug_wish *wish)
{
    struct arm_kvm *own = k->guest;
    struct kvm_guest_debug debug = {0};
    unsigned breakpoints = 0, watchpoints = 0;
    own->wish = *wish;
    if (wish->step && ioctl(k->fd, KVM_SET_GUEST_DEBUG, &debug) < 0)
        return -errno;
    for (unsigned i = 0; i < KVM_DEBUG_REGISTERS; i++)
        if (wish->registers[i].bytes)
            add_register(&debug, &wish->registers[i], &breakpoints, &watchpoints);
    debug.control = kvm_debug_control(wish, KVM_GUESTDBG_USE_SW_BP, KVM_GUESTDBG_USE_HW);
    return ioctl(k->fd, KVM_SET_GUEST_DEBUG, &debug) < 0 ? -errno : 0;
}

// --- from the kernel -----------------------------------------------------------------------------------------------------

static unsigned exception_class(uint32_t esr)
{
    return esr >> 26;
}

static uint64_t distance(const struct kvm_debug_register *r, uint64_t address)
{
    return address < r->address ? r->address - address : address - r->address < r->bytes ? 0 : address - r->address - r->bytes + 1;
}

static uint32_t breakpoints_at(const struct kvm_debug_wish *wish, uint64_t address)
{
    uint32_t found = 0;
    for (unsigned i = 0; i < KVM_DEBUG_REGISTERS; i++) {
        const struct kvm_debug_register *r = &wish->registers[i];
        found |= (uint32_t)(r->bytes && r->kind == KVM_DEBUG_EXECUTE && !((r->address ^ address) & ~UINT64_C(3))) << i;
    }
    return found;
}

// The address is of the access, which may begin before what is watched: the nearest is meant.
static uint32_t watchpoints_near(const struct kvm_debug_wish *wish, uint64_t address, bool write)
{
    uint64_t best = UINT64_MAX;
    uint32_t found = 0;
    for (unsigned i = 0; i < KVM_DEBUG_REGISTERS; i++) {
        const struct kvm_debug_register *r = &wish->registers[i];
        if (!r->bytes || r->kind == KVM_DEBUG_EXECUTE || (r->kind == KVM_DEBUG_WRITE && !write) || distance(r, address) > best)
            continue;
        found = (distance(r, address) < best ? 0 : found) | UINT32_C(1) << i;
        best = distance(r, address);
    }
    return found;
}

static struct kvm_debug_event event(const struct kvm_vcpu *k)
{
    const struct arm_kvm *own = k->guest;
    const struct kvm_debug_exit_arch *debug = &k->run->debug.arch;
    struct kvm_debug_event event = {.pc = arm_kvm_word(k, CORE_ID(ARM_KVM_CORE_PC))};
    switch (exception_class(debug->hsr) & ~1u) {
    case EC_BREAKPOINT:
        event.registers = breakpoints_at(&own->wish, event.pc);
        break;
    case EC_WATCHPOINT:
        event.before = true;
        event.write = (debug->hsr & ISS_WNR) != 0;
        event.registers = watchpoints_near(&own->wish, debug->far, event.write);
        break;
    case EC_STEP:
        event.stepped = true;
        break;
    default:
        event.software = true;
    }
    return event;
}

// The guest's own: the exception is taken to EL1. PSTATE is saved as the kernel has it, AArch32's with it.
static int give_back(struct kvm_vcpu *k, const struct kvm_debug_event *event)
{
    enum { FROM_AARCH32 = 0x200 }; // of its vectors from those of AArch64
    const struct kvm_debug_exit_arch *debug = &k->run->debug.arch;
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    struct error error;
    uint32_t esr = debug->hsr;
    (void)event;
    if (arm_kvm_save(k, &error))
        return -EIO;
    uint64_t pstate = ((struct arm_kvm *)k->guest)->pstate.kernels;
    if (cpu->el == 1 && exception_class(esr) <= EC_WATCHPOINT)
        esr |= UINT32_C(1) << 26;
    arm_take_exception(cpu, 1, ARM_VECTOR_SYNC, esr, debug->far, tcg_get_pc(&cpu->tcg));
    cpu->spsr_el[1] = pstate;
    if (pstate & PSTATE_AARCH32)
        tcg_set_pc(&cpu->tcg, tcg_get_pc(&cpu->tcg) + FROM_AARCH32);
    return arm_kvm_load(k, &error) ? -EIO : 0;
}

const struct kvm_debug_ops arm_kvm_debug_ops = {
    .instruction = {0x00, 0x00, 0x20, 0xd4}, // BRK #0
    .instruction_bytes = 4,
    .probe = probe,
    .pc = pc,
    .locate = locate,
    .set = set,
    .event = event,
    .give_back = give_back,
};
