// SPDX-License-Identifier: MIT
// Address translation (Arm ARM, D8): page walks, AT, and what the soft TLB is keyed by.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"

// tlb_fault.kind: the fault status code of level 0 (ESR_ELx.DFSC), and marks.
enum {
    ARM_FAULT_ADDRESS_SIZE = 0x00,
    ARM_FAULT_TRANSLATION = 0x04,
    ARM_FAULT_ACCESS_FLAG = 0x08,
    ARM_FAULT_PERMISSION = 0x0c,
    ARM_FAULT_EXTERNAL_ON_WALK = 0x14,
    ARM_FAULT_CODE = 0x3f,
    ARM_FAULT_STAGE2 = 1 << 8,    // of stage 2: gpa is the intermediate address
    ARM_FAULT_S1PTW = 1 << 9,     // met while reading a stage 1 descriptor
    ARM_FAULT_TAGGED_PC = 1 << 10, // not a fault: gpa is the pc without its tag
};
// tlb_fault.level of a fault before level 0, which FEAT_LPA2 has.
enum { ARM_LEVEL_MINUS_1 = 0xff };

// DFSC or IFSC, and S1PTW in bit 7.
uint32_t arm_fault_status(const struct tlb_fault *fault);

// Translation regimes; stage 1 of EL1 and EL0 is one.
enum arm_regime { ARM_REGIME_EL10 = 1, ARM_REGIME_EL2 = 2, ARM_REGIME_EL20 = 3, ARM_REGIME_EL3 = 4 };
enum arm_regime arm_regime_of(const struct arm_cpu *cpu, unsigned el);

// The soft-TLB key of what the CPU translates with now. Its upper half is the regime with VMID and whether the MMU is
// on, the lower one ASID + 1.
uint64_t arm_space_key(const struct arm_cpu *cpu);
// The upper half for a regime whose MMU is on.
uint32_t arm_regime_key(const struct arm_cpu *cpu, enum arm_regime regime);

// A descriptor that a walk looks at.
struct arm_walk_step {
    bool stage2, found;  // whether there is memory at its address
    int level;
    unsigned size_log2;  // of what a descriptor of this level maps
    uint64_t address, descriptor;
};

struct arm_walk {
    enum arm_regime regime;
    bool privileged; // not EL0
    bool pan;        // data accesses as with PSTATE.PAN
    bool stage1_only;
    bool probe;      // set no access flags
    bool any;        // for debuggers: mapped is enough, whatever permissions and access flags say
    enum tlb_access access;
    void (*step)(void *opaque, const struct arm_walk_step *step); // is told of each descriptor if not NULL
    void *opaque;
};

// Translates `gva`. False with `fault` filled in. `attributes` (may be NULL) gets the MAIR attribute byte and, in bits
// 9:8, shareability, as AT reports them.
bool arm_walk(struct arm_cpu *cpu, uint64_t gva, const struct arm_walk *walk, struct tlb_translation *translation,
              struct tlb_fault *fault, uint64_t *attributes);

// guest_ops entry.
bool arm_translate_address(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                           struct tlb_translation *translation, struct tlb_fault *fault);
