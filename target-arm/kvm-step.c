// SPDX-License-Identifier: MIT
// Single steps that take no interrupt: PSTATE.I and F are set for the one instruction, and are then what they would be without.
// Instructions that show them or write them, and exceptions, which save them, are looked at for that.
//
// An instruction that has not been executed, or only with the access to a device that KVM_RUN has come back for, leaves them alone.
#include <linux/kvm.h>

#include "hw/core/debug.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "target-arm/cpu.h"
#include "target-arm/exception.h"
#include "target-arm/kvm.h"
#include "tcg/base/bits.h"

enum { MASKS = PSTATE_I | PSTATE_F, PSTATE_EL1H = 5, PSTATE_MODE = 0x1f, PSTATE_AARCH32 = 0x10 };
#define PC_ID ARM_KVM_ID(3, ARM_KVM_CORE, ARM_KVM_CORE_PC)
#define PSTATE_ID ARM_KVM_ID(3, ARM_KVM_CORE, ARM_KVM_CORE_PSTATE)
#define ELR_ID ARM_KVM_ID(3, ARM_KVM_CORE, ARM_KVM_CORE_ELR_EL1)
#define SPSR_ID ARM_KVM_ID(3, ARM_KVM_CORE, ARM_KVM_CORE_SPSR_EL1)
#define VBAR_ID ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 0, 12, 0, 0))

static void put_masks(const struct kvm_vcpu *k, uint64_t id, uint64_t masks)
{
    uint64_t value = (arm_kvm_word(k, id) & ~(uint64_t)MASKS) | (masks & MASKS);
    arm_kvm_set(k, id, &value);
}

// 0, which is no instruction, where there is none.
static uint32_t instruction_at(struct kvm_vcpu *k, uint64_t pc)
{
    uint64_t gpa;
    uint32_t instruction;
    if (!arm_kvm_debug_ops.locate(k, pc, &gpa) || !dma_read_le32(k->vm->machine->map, gpa, &instruction))
        return 0;
    return instruction;
}

void arm_kvm_step_begin(struct kvm_vcpu *k)
{
    struct arm_kvm_step *step = &((struct arm_kvm *)k->guest)->step;
    *step = (struct arm_kvm_step){.pc = arm_kvm_word(k, PC_ID), .pstate = arm_kvm_word(k, PSTATE_ID)};
    if ((step->pstate & MASKS) == MASKS)
        return;
    step->masked = true;
    step->instruction = instruction_at(k, step->pc);
    put_masks(k, PSTATE_ID, MASKS);
}

// It has come to the vector of an exception of the instruction's.
static bool took_exception(const struct kvm_vcpu *k, const struct arm_kvm_step *step, uint64_t pc, uint64_t pstate)
{
    unsigned from = step->pstate & PSTATE_AARCH32 ? 0x600 : (step->pstate & PSTATE_MODE) == PSTATE_EL1H ? 0x200
                    : step->pstate & 0xc          ? 0
                                                  : 0x400;
    return (pstate & (PSTATE_DAIF | PSTATE_MODE)) == (PSTATE_DAIF | PSTATE_EL1H) && pc == arm_kvm_word(k, VBAR_ID) + from &&
           arm_kvm_word(k, ELR_ID) - step->pc <= 4;
}

static bool is_eret(uint32_t instruction)
{
    return (instruction & 0xfffff3ff) == 0xd69f03e0 || (instruction & 0xfffffbff) == 0xd69f0bff;
}

static void write_masks(struct kvm_vcpu *k, const struct arm_kvm_step *step)
{
    enum { MSR_DAIF = 0xd51b4220, MRS_DAIF = 0xd53b4220, DAIF_SET = 0xd50340df, DAIF_CLEAR = 0xd50340ff, RT = 0x1f, IMMEDIATE = 0xf00 };
    uint32_t instruction = step->instruction, rt = instruction & RT, daif = (instruction & IMMEDIATE) >> 8 << 6;
    uint64_t masks = step->pstate;
    if (is_eret(instruction) || (instruction & ~(uint32_t)RT) == MSR_DAIF)
        return;
    if ((instruction & ~(uint32_t)IMMEDIATE) == DAIF_SET)
        masks |= daif;
    else if ((instruction & ~(uint32_t)IMMEDIATE) == DAIF_CLEAR)
        masks &= ~(uint64_t)daif;
    else if ((instruction & ~(uint32_t)RT) == MRS_DAIF && rt != RT)
        put_masks(k, ARM_KVM_ID(3, ARM_KVM_CORE, ARM_KVM_CORE_X0 + 2 * rt), masks);
    put_masks(k, PSTATE_ID, masks);
}

void arm_kvm_step_end(struct kvm_vcpu *k)
{
    struct arm_kvm_step *step = &((struct arm_kvm *)k->guest)->step;
    uint64_t pc = arm_kvm_word(k, PC_ID), pstate = arm_kvm_word(k, PSTATE_ID);
    if (!step->masked)
        return;
    step->masked = false;
    if (took_exception(k, step, pc, pstate))
        put_masks(k, SPSR_ID, step->pstate);
    else if (pc == step->pc)
        put_masks(k, PSTATE_ID, step->pstate);
    else
        write_masks(k, step);
}
