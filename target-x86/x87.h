// SPDX-License-Identifier: MIT
// The x87 instructions by opcode and ModRM, as the translator and the helpers see them. Private to target-x86.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-x86/cpu.h"

// Register forms that touch no register of the stack, as opcode << 8 | modrm.
enum { X87_FNCLEX = 0xdbe2, X87_FNINIT = 0xdbe3, X87_FNSTSW_AX = 0xdfe0 };

// Those that do not wait for a pending exception: FNSTSW, FNSTCW, FNSTENV, FNSAVE, FNCLEX, FNINIT and the NOPs beside.
static inline bool x87_waits(unsigned opcode, unsigned modrm)
{
    unsigned reg = modrm >> 3 & 7;
    if (modrm >= 0xc0)
        return !(opcode == 0xdb && modrm >= 0xe0 && modrm <= 0xe4) && !(opcode == 0xdf && modrm == 0xe0);
    return !((opcode == 0xd9 && reg >= 6) || (opcode == 0xdd && reg >= 6));
}

// FLDCW, FNSTCW, FNSTSW with memory.
static inline bool x87_is_control(unsigned opcode, unsigned reg)
{
    return (opcode == 0xd9 && (reg & 5) == 5) || (opcode == 0xdd && reg == 7);
}

// FLDENV, FNSTENV, FRSTOR, FNSAVE.
static inline bool x87_is_image(unsigned opcode, unsigned reg)
{
    return (opcode == 0xd9 || opcode == 0xdd) && (reg == 4 || reg == 6);
}

// A memory operand; 0 bytes for images and forms that do not exist.
struct x87_operand {
    uint8_t bytes;
    bool store;
};
struct x87_operand x87_operand(unsigned opcode, unsigned reg);

// Translates an instruction that exists and is no image, when it has an inline form; false when it has none, and then
// nothing was emitted.
struct x86_translator;
struct x86_decoded;
bool tx_x87_inline(struct x86_translator *x, const struct x86_decoded *in);

// Brings the x87 state where the instruction needs it, by a helper that does so. It may fault.
struct ir_helper;
void tx_x87_place(struct x86_translator *x, enum x86_fpu_place place, const struct ir_helper *helper);
