// SPDX-License-Identifier: MIT
// What translated code depends on besides its bytes: the flags of a block and the translation context, recomputed when
// PSTATE or a register behind them changes; and the record by which the engines know the guest.

#include "target-arm/cpu.h"

#include <capstone/capstone.h>

#include "target-arm/exception.h"
#include "target-arm/mmu.h"
#include "target-arm/slots.h"
#include "target-arm/sysreg-bits.h"
#include "target-arm/translate.h"

// The exception level that FP and SIMD instructions trap to, 0 for none (D1.3.5.4, CPACR_EL1 and CPTR_ELx).
static unsigned fp_trap_target(const struct arm_cpu *cpu)
{
    enum { TRAP_ALL = 0, TRAP_EL0 = 1, TRAP_ALL_TOO = 2 };
    if (cpu->el <= 1) {
        unsigned fpen = extract64(cpu->cpacr_el1, CPACR_FPEN, 2);
        if (fpen == TRAP_ALL || fpen == TRAP_ALL_TOO || (fpen == TRAP_EL0 && cpu->el == 0))
            return arm_sync_target(cpu);
    }
    if (cpu->el <= 2 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->cptr_el[2] & CPTR_TFP))
        return 2;
    return arm_has(cpu, ARM_FEAT_EL3) && (cpu->cptr_el[3] & CPTR_TFP) ? 3 : 0;
}

static unsigned data_mmu_index(const struct arm_cpu *cpu)
{
    if (cpu->el == 0)
        return ARM_MMU_EL0;
    return cpu->el == 1 && cpu->pan ? ARM_MMU_PAN : ARM_MMU_PRIVILEGED;
}

static uint64_t compute_block_flags(const struct arm_cpu *cpu)
{
    unsigned el = cpu->el, regime_el = el ? el : 1, mmu = data_mmu_index(cpu);
    uint64_t sctlr = cpu->sctlr_el[regime_el];
    unsigned unprivileged = el == 1 && !cpu->uao ? ARM_MMU_EL0 : mmu;
    bool stepping = (cpu->mdscr_el1 & MDSCR_SS) && arm_debug_enabled(cpu, el);
    const uint64_t bits[] = {
        (uint64_t)el << ARM_BF_EL,
        (uint64_t)mmu << ARM_BF_MMU,
        (uint64_t)unprivileged << ARM_BF_MMU_UNPRIV,
        (uint64_t)fp_trap_target(cpu) << ARM_BF_FP_TRAP,
        sctlr & (el ? SCTLR_SA : SCTLR_SA0) ? BIT64(ARM_BF_SP_CHECK) : 0,
        sctlr & SCTLR_A ? BIT64(ARM_BF_ALIGN_CHECK) : 0,
        sctlr & (el ? SCTLR_EE : SCTLR_E0E) ? BIT64(ARM_BF_BIG_ENDIAN) : 0,
        cpu->btype_tracked ? BIT64(ARM_BF_BTYPE) : 0,
        sctlr & (el ? SCTLR_BT1 : SCTLR_BT0) ? BIT64(ARM_BF_BT) : 0,
        stepping ? BIT64(ARM_BF_STEP) : 0,
        stepping && !cpu->ss ? BIT64(ARM_BF_STEP_PENDING) : 0,
        cpu->il ? BIT64(ARM_BF_ILLEGAL) : 0,
        cpu->fpcr & FPCR_AHP ? BIT64(ARM_BF_FPCR_AHP) : 0,
        cpu->fpcr & FPCR_DN ? BIT64(ARM_BF_FPCR_DN) : 0,
        cpu->fpcr & FPCR_FZ ? BIT64(ARM_BF_FPCR_FZ) : 0,
        cpu->fpcr & FPCR_FZ16 ? BIT64(ARM_BF_FPCR_FZ16) : 0,
        cpu->spsel ? BIT64(ARM_BF_SPSEL) : 0,
        sctlr & SCTLR_ENIA ? BIT64(ARM_BF_KEYS) : 0,
        sctlr & SCTLR_ENIB ? BIT64(ARM_BF_KEYS + 1) : 0,
        sctlr & SCTLR_ENDA ? BIT64(ARM_BF_KEYS + 2) : 0,
        sctlr & SCTLR_ENDB ? BIT64(ARM_BF_KEYS + 3) : 0,
    };
    uint64_t flags = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
        flags |= bits[i];
    return flags;
}

void arm_modes_changed(struct arm_cpu *cpu)
{
    cpu->block_flags = compute_block_flags(cpu);
    uint64_t key = arm_space_key(cpu);
    if (key == cpu->space_key)
        return;
    cpu->space_key = key;
    tlb_switch(&cpu->tcg, key);
}

static uint64_t block_flags(struct tcg_cpu *tcg)
{
    struct arm_cpu *cpu = arm_cpu_of(tcg);
    // Whether stepping is enabled depends on DAIF, which translated code changes by itself.
    return cpu->mdscr_el1 & MDSCR_SS ? compute_block_flags(cpu) : cpu->block_flags;
}

// Kernel code is global as a rule, and then the same in every address space; see arm_translate_address. The two security
// states' kernels are not the same.
static uint64_t code_space(struct tcg_cpu *tcg)
{
    const struct arm_cpu *cpu = arm_cpu_of(tcg);
    bool shared = cpu->el == 1 && !cpu->private_code && (cpu->sctlr_el[1] & SCTLR_M) &&
                  !arm_has(cpu, ARM_FEAT_EL2) && !arm_has(cpu, ARM_FEAT_EL3);
    return shared ? 0 : cpu->space_key;
}

static unsigned fetch_mmu_index(struct tcg_cpu *tcg)
{
    return data_mmu_index(arm_cpu_of(tcg));
}

void arm_disassembler(struct vcpu *cpu, int *arch, int *mode)
{
    (void)cpu;
    *arch = CS_ARCH_ARM64;
    *mode = CS_MODE_LITTLE_ENDIAN;
}

const struct guest_ops arm_guest_ops = {
    .name = "aarch64",
    .slots = arm_slots,
    .slot_count = SLOT_COUNT,
    .block_flags = block_flags,
    .code_space = code_space,
    .fetch_mmu_index = fetch_mmu_index,
    .translate = arm_translate,
    .translate_address = arm_translate_address,
    .raise_fault = arm_raise_fault,
    .raise_alignment = arm_raise_alignment,
    .raise = arm_raise,
    .raise_bus_error = arm_raise_bus_error,
    .take_interrupt = arm_take_interrupt,
};
