// SPDX-License-Identifier: MIT
// x86-64 instruction encodings: from fields to bytes (Intel SDM volume 2, chapters 2 and 3-5). Pure functions of their
// arguments but for the write position. An opcode value carries its map and mandatory prefix in the high bits.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum x86_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
    X86_NO_REG = 0xf7, // without the bit that goes to prefixes
};

enum { X86_INSN_BYTES = 16 }; // at least what the longest instruction takes, and the word that ends with it

// Where code is being written: at first, there is room for several instructions. Nothing is written past `end`; where an
// instruction may not fit, `overflow` is set, and what was written is of no use.
struct x86_code {
    uint8_t *p, *end;
    bool overflow;
};

// Opcode maps and mandatory prefixes.
enum {
    X86_0F = 0x100,
    X86_0F38 = 0x200,
    X86_0F3A = 0x300,
    X86_MAP = 0x300,
    X86_66 = 0x400,
    X86_F3 = 0x800,
    X86_F2 = 0xc00,
    X86_PP = 0xc00,
    X86_BYTE = 0x1000, // byte registers: SPL and the like need a REX prefix
    X86_W = 0x2000,    // 64-bit operands
    X86_NEEDS_LOCK = 0x4000,
};

// ALU operations: the /digit of the immediate form, and the opcode >> 3 of the others.
enum x86_alu { X86_ADD, X86_OR, X86_ADC, X86_SBB, X86_AND, X86_SUB, X86_XOR, X86_CMP };
enum x86_shift { X86_ROL, X86_ROR, X86_RCL, X86_RCR, X86_SHL, X86_SHR, X86_SAR = 7 };
enum x86_cc { X86_O, X86_NO, X86_B, X86_AE, X86_E, X86_NE, X86_BE, X86_A, X86_S, X86_NS, X86_P, X86_NP, X86_L,
              X86_GE, X86_LE, X86_G };

struct x86_mem {
    uint8_t base, index, scale_log2; // index X86_NO_REG for none; base X86_NO_REG: rip-relative to `target`
    int32_t disp;
    const void *target;
};

static inline struct x86_mem x86_at(unsigned base, int32_t disp)
{
    return (struct x86_mem){.base = (uint8_t)base, .index = X86_NO_REG, .disp = disp};
}

static inline struct x86_mem x86_at_index(unsigned base, unsigned index, unsigned scale_log2, int32_t disp)
{
    return (struct x86_mem){.base = (uint8_t)base, .index = (uint8_t)index, .scale_log2 = (uint8_t)scale_log2, .disp = disp};
}

static inline void x86_byte(struct x86_code *c, unsigned value)
{
    if (c->p < c->end)
        *c->p++ = (uint8_t)value;
    else
        c->overflow = true;
}

static inline void x86_dword(struct x86_code *c, uint32_t value)
{
    if (c->end - c->p >= 4) {
        memcpy(c->p, &value, 4);
        c->p += 4;
    } else {
        c->overflow = true;
    }
}

static inline void x86_qword(struct x86_code *c, uint64_t value)
{
    x86_dword(c, (uint32_t)value);
    x86_dword(c, (uint32_t)(value >> 32));
}

// Legacy encoding, register and register.
void x86_rr(struct x86_code *c, uint32_t opcode, unsigned reg, unsigned rm);
// Legacy encoding, register and memory.
void x86_rm(struct x86_code *c, uint32_t opcode, unsigned reg, struct x86_mem m);
// The same when an immediate of `tail` bytes follows.
void x86_rm_tail(struct x86_code *c, uint32_t opcode, unsigned reg, struct x86_mem m, unsigned tail);
// VEX encoding: reg, first source (vvvv; X86_NO_REG for none), rm. l: 256 bits.
void x86_vex_rr(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, unsigned rm);
void x86_vex_rm(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, struct x86_mem m, unsigned tail);

// --- common instructions; `w` selects 64-bit operands ---

static inline uint32_t x86_w(bool w)
{
    return w ? X86_W : 0;
}

void x86_alu_rr(struct x86_code *c, enum x86_alu op, bool w, unsigned dst, unsigned src);
void x86_alu_rm(struct x86_code *c, enum x86_alu op, bool w, unsigned dst, struct x86_mem m);
void x86_alu_ri(struct x86_code *c, enum x86_alu op, bool w, unsigned dst, int32_t imm);
void x86_alu_mi(struct x86_code *c, enum x86_alu op, bool w, struct x86_mem m, int32_t imm);
void x86_test_rr(struct x86_code *c, bool w, unsigned a, unsigned b);
void x86_test_ri(struct x86_code *c, bool w, unsigned a, uint32_t imm);
void x86_mov_rr(struct x86_code *c, bool w, unsigned dst, unsigned src);
void x86_mov_ri(struct x86_code *c, unsigned dst, uint64_t imm); // shortest form; leaves flags alone
void x86_shift_ri(struct x86_code *c, enum x86_shift op, bool w, unsigned dst, unsigned count);
void x86_shift_cl(struct x86_code *c, enum x86_shift op, bool w, unsigned dst);
void x86_lea(struct x86_code *c, bool w, unsigned dst, struct x86_mem m);
void x86_load(struct x86_code *c, bool w, unsigned dst, struct x86_mem m);
void x86_store(struct x86_code *c, bool w, unsigned src, struct x86_mem m);
void x86_store_imm(struct x86_code *c, bool w, struct x86_mem m, int32_t imm);
void x86_setcc(struct x86_code *c, enum x86_cc cc, unsigned dst); // the low byte
void x86_cmov(struct x86_code *c, enum x86_cc cc, bool w, unsigned dst, unsigned src);
void x86_movzx8(struct x86_code *c, unsigned dst, unsigned src);
void x86_push(struct x86_code *c, unsigned reg);
void x86_pop(struct x86_code *c, unsigned reg);

// Jumps return the place of their 32-bit displacement, for x86_patch.
uint8_t *x86_jcc(struct x86_code *c, enum x86_cc cc);
uint8_t *x86_jmp(struct x86_code *c);
void x86_jmp_to(struct x86_code *c, const uint8_t *target);
void x86_jcc_to(struct x86_code *c, enum x86_cc cc, const uint8_t *target);
void x86_call_to(struct x86_code *c, const uint8_t *target); // target is in the same code buffer
void x86_patch(uint8_t *place, const uint8_t *target);
