// SPDX-License-Identifier: MIT
// The host's x87 as the guest's: the IR's operation X87, which is one x87 instruction done where it stands, and moving the
// whole state. For guests and hosts that are both x86.
//
// An X87 operation works on the host thread's x87 registers, which the guest must have loaded before. Memory operands are
// values: what is read is operand 0 (an integer, the low 8 bytes of 10; operand 1 has the other two), what is written is
// the result (i32, i64, or the low 10 bytes of a v128). The state stays there over whatever C code the thread runs, which
// leaves the x87 alone as long as it has none of the 80-bit type: x86-64's others are in SSE registers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct host_x87 {
    uint8_t opcode, modrm; // D8 to DF; of memory forms only the digit counts
    uint8_t in, out;       // bytes of a memory operand that is read or written
    bool flags;            // the result, an i32, is bits 0 to 7 of EFLAGS where CF, PF, AF, ZF and SF are
    bool cond;             // operand 0, an i32, becomes NE: for FCMOVNE
};

static inline uint64_t host_x87_pack(struct host_x87 o)
{
    return o.opcode | (uint64_t)o.modrm << 8 | (uint64_t)o.in << 16 | (uint64_t)o.out << 24 | (uint64_t)o.flags << 32 |
           (uint64_t)o.cond << 33;
}

static inline struct host_x87 host_x87_unpack(uint64_t imm)
{
    return (struct host_x87){.opcode = (uint8_t)imm, .modrm = (uint8_t)(imm >> 8), .in = (uint8_t)(imm >> 16),
                             .out = (uint8_t)(imm >> 24), .flags = imm >> 32 & 1, .cond = imm >> 33 & 1};
}

static inline bool host_x87_in_memory(struct host_x87 o)
{
    return o.in || o.out;
}

// What FRSTOR and FNSAVE move in 32-bit protected mode form; registers from the top of the stack on.
struct host_x87_image {
    uint32_t control, status, tags, ip, cs_opcode, dp, ds;
    uint8_t st[8][10];
};

// No exception may be pending in the image.
void host_x87_load(const struct host_x87_image *image);
// Leaves the host's x87 as C code expects it.
void host_x87_save(struct host_x87_image *image);
// Does one instruction with EFLAGS and a memory operand, and returns EFLAGS.
uint64_t host_x87_run(unsigned opcode, unsigned modrm, void *memory, uint64_t flags);
