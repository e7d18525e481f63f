// SPDX-License-Identifier: MIT
// Decoding of x86 instructions (Intel SDM volume 2, chapter 2 and appendix A): prefixes, opcode maps, ModRM, SIB,
// displacement, immediates. The result is a plain struct; nothing here looks at guest state.
//
// The maps are row files (map-*.inc), sorted by opcode; among rows of one opcode the first that matches counts.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-x86/features.h"

struct x86_decoded;
struct x86_translator;

// Translates one instruction; false when the block ends with it.
typedef bool x86_handler(struct x86_translator *x, const struct x86_decoded *in);

enum x86_map { X86_MAP_ONE, X86_MAP_0F, X86_MAP_0F38, X86_MAP_0F3A, X86_MAPS };

// What a row asks for besides map and opcode.
enum x86_match {
    X86_MATCH_REG = 0xf,           // ModRM.reg + 1
    X86_MATCH_MEM = 1 << 4,        // ModRM names memory
    X86_MATCH_RR = 1 << 5,         // ModRM names a register
    X86_MATCH_PREFIX = 7 << 6,     // 1 none, 2 66, 3 F3, 4 F2: the mandatory prefix
    X86_MATCH_RM = 0xf << 9,       // ModRM.rm + 1
    X86_MATCH_ONLY64 = 1 << 13,
    X86_MATCH_NO64 = 1 << 14,
    X86_MATCH_VEX = 1 << 15,       // only with VEX
    X86_MATCH_EITHER = 1 << 16,    // with and without VEX
    X86_MATCH_W0 = 1 << 17,        // VEX.W or REX.W
    X86_MATCH_W1 = 1 << 18,
    X86_MATCH_L0 = 1 << 19,        // VEX.L
    X86_MATCH_L1 = 1 << 20,
    X86_MATCH_NP66 = 1 << 21,      // no F2 or F3: 66 is the operand size
};

enum x86_attribute {
    X86_LOCK = 1 << 0,    // LOCK is allowed with a memory destination
    X86_D64 = 1 << 1,     // operand size is 64 bits in 64-bit mode unless 66
    X86_F64 = 1 << 2,     // operand size is 64 bits in 64-bit mode
    X86_MODRM = 1 << 3,   // there is a ModRM byte although no operand says so
    X86_STACK = 1 << 4,   // accesses the stack, and nothing else by another register
    X86_CPL0 = 1 << 5,    // #GP(0) unless CPL is 0
    X86_NO_VM = 1 << 6,   // #UD in real mode and virtual 8086 mode
    X86_VNOT = 1 << 7,    // VEX.vvvv must be 1111 (no second source)
};

// Operand forms: a kind and a size, after the manual's letters.
enum x86_kind {
    KIND_none,
    KIND_E, // ModRM.rm: general register or memory
    KIND_G, // ModRM.reg: general register
    KIND_Z, // opcode: general register
    KIND_B, // VEX.vvvv: general register
    KIND_R, // ModRM.rm: general register always
    KIND_M, // memory
    KIND_A, // rAX
    KIND_C, // rCX
    KIND_D, // rDX
    KIND_I, // immediate
    KIND_s, // imm8, sign-extended to the operand size
    KIND_J, // relative target
    KIND_O, // memory at an absolute offset
    KIND_P16, // far pointer in the instruction
    KIND_1, // the constant 1
    KIND_S, // ModRM.reg: segment register
    KIND_CR,
    KIND_DR,
    KIND_V, // ModRM.reg: vector register
    KIND_W, // ModRM.rm: vector register or memory
    KIND_H, // VEX.vvvv: vector register; the destination again without VEX
    KIND_L, // imm8[7:4]: vector register
    KIND_P, // ModRM.reg: MMX register
    KIND_Q, // ModRM.rm: MMX register or memory
};
enum x86_size {
    SIZE_none, SIZE_b, SIZE_w, SIZE_d, SIZE_q,
    SIZE_v, // operand size
    SIZE_y, // 32, or 64 with W
    SIZE_z, // 16 or 32 by operand size
    SIZE_a, // natural: 64 in 64-bit mode, else 32
    SIZE_o, // 128
    SIZE_x, // 128 or 256 by VEX.L
    SIZE_h, // half of x
    SIZE_r, // a quarter of x
    SIZE_e, // an eighth of x
};
#define X86_FORM(kind, size) (KIND_##kind << 4 | SIZE_##size)

struct x86_row {
    uint8_t opcode;
    uint32_t match;
    const char *name;
    x86_handler *translate;
    uint16_t arg;
    uint16_t forms[4];
    uint16_t feature;
    uint16_t attributes;
};

enum x86_arg_kind {
    X86_ARG_NONE, X86_ARG_GPR, X86_ARG_HIGH, X86_ARG_MEM, X86_ARG_IMM, X86_ARG_SEG, X86_ARG_CR, X86_ARG_DR, X86_ARG_XMM,
    X86_ARG_MMX,
};

struct x86_operand {
    uint8_t kind;
    uint8_t size; // log2 of bytes
    uint8_t reg;
};

enum { X86_NO_REG = 0xff, X86_INSN_MAX = 15 };

struct x86_decoded {
    const struct x86_row *row;
    uint8_t bytes;         // length
    uint8_t opcode, map;
    uint8_t mode;          // 0 16-, 1 32-, 2 64-bit code
    uint8_t opsize;        // log2: 1, 2, 3
    uint8_t addrsize;      // log2
    uint8_t rep;           // 0, 0xf2 or 0xf3: the last one
    bool lock, opsize_prefix, segment_prefix;
    bool vex, vex_w, vex_l;
    uint8_t rex;           // 0x40 and bits, or 0; VEX's bits come as the same
    uint8_t vvvv;
    uint8_t modrm, mod, reg, rm; // reg and rm with the REX bits
    bool has_modrm;
    // memory operand
    uint8_t segment, base, index, scale; // registers, or X86_NO_REG
    bool rip_relative;
    int64_t displacement;
    uint64_t imm, imm2;    // imm2: ENTER's level, a far pointer's selector
    struct x86_operand op[4];
};

enum x86_decode_result {
    X86_DECODE_OK,
    X86_DECODE_MORE,    // ends beyond `available`
    X86_DECODE_UD,
    X86_DECODE_TOO_LONG, // #GP(0)
};

// Decodes the instruction at `code`, of which `available` (up to 15) bytes can be read.
enum x86_decode_result x86_decode(const uint8_t *code, unsigned available, unsigned mode, struct x86_decoded *insn);

// For tests: the rows of a map.
const struct x86_row *x86_rows(enum x86_map map, unsigned *count);
