// SPDX-License-Identifier: MIT
// State slots of the x86 guest: the parts of struct x86_cpu that translated code reads and writes as values.
#pragma once

#include "tcg/ir.h"

enum x86_slot {
    SLOT_PC_PAGE = IR_SLOT_PC_PAGE,
    SLOT_PC_OFFSET = IR_SLOT_PC_OFFSET,
    SLOT_EXIT_REQUEST = IR_SLOT_EXIT_REQUEST,
    SLOT_GPR = IR_SLOT_FIRST_GUEST, // 16, i64 *
    SLOT_CC_DST = SLOT_GPR + 16, // with the next one, i64 *
    SLOT_CC_SRC,
    SLOT_CC_SRC2,   // with the next two, i32 of one bit
    SLOT_CC_CF,
    SLOT_CC_OF,
    SLOT_CC_OP,     // i32
    SLOT_EFLAGS,    // i32
    SLOT_SHADOW,    // i32
    SLOT_SINGLE,    // i32
    SLOT_SEG_BASE,  // 6, i64
    SLOT_SEG_LIMIT = SLOT_SEG_BASE + 6, // 6, i32
    SLOT_SELECTOR = SLOT_SEG_LIMIT + 6, // 6, i32
    SLOT_XMM = SLOT_SELECTOR + 6,       // 16, v128
    SLOT_YMMH = SLOT_XMM + 16,          // 16, v128
    SLOT_MM = SLOT_YMMH + 16,           // 8, v128
    SLOT_X87_PLACE = SLOT_MM + 8,       // i32
    SLOT_X87_NOTE,      // i32
    SLOT_X87_NOTE_PAGE, // i64
    SLOT_X87_CS,        // i32
    SLOT_X87_DP,        // i64
    SLOT_X87_DS,        // i32
    SLOT_COUNT,
};

extern const struct ir_slot x86_slots[SLOT_COUNT];
// The table for 16- and 32-bit code: the low halves of the slots marked *, as i32.
extern const struct ir_slot x86_slots_narrow[SLOT_COUNT];
