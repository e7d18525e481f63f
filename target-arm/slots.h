// SPDX-License-Identifier: MIT
// State slots of the AArch64 guest: the parts of struct arm_cpu that translated code reads and writes as values.
#pragma once

#include "tcg/ir.h"

enum arm_slot {
    SLOT_PC_PAGE = IR_SLOT_PC_PAGE,
    SLOT_PC_OFFSET = IR_SLOT_PC_OFFSET,
    SLOT_EXIT_REQUEST = IR_SLOT_EXIT_REQUEST,
    SLOT_X0 = IR_SLOT_FIRST_GUEST, // to X30
    SLOT_SP = SLOT_X0 + 31,
    SLOT_NZCV,  // i32, IR_FLAG_*
    SLOT_DAIF,  // i32
    SLOT_BTYPE, // i32
    SLOT_EXCL_ADDRESS,
    SLOT_EXCL_LO,
    SLOT_EXCL_HI,
    SLOT_QC,    // v128, FPSR.QC when not zero
    SLOT_TPIDR_EL0,
    SLOT_TPIDRRO_EL0,
    SLOT_SP_EL0,
    SLOT_TPIDR_EL1,
    SLOT_ELR_EL1,
    SLOT_SPSR_EL1,
    SLOT_ESR_EL1,
    SLOT_FAR_EL1,
    SLOT_VBAR_EL1,
    SLOT_V0,    // v128, to V31
    SLOT_COUNT = SLOT_V0 + 32,
};

extern const struct ir_slot arm_slots[SLOT_COUNT];

// The slot that lives at `offset` of struct arm_cpu, or -1.
int arm_slot_at(int32_t offset);
