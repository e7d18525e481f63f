// SPDX-License-Identifier: MIT
// Instructions of one host CPU as operations of the IR (HOST and HOSTFP), for guests of the host's kind: a guest's vector
// instruction is the host's own with other registers, and its results, NaNs and flags are then right by construction.
//
// Described here is an x86-64 instruction in VEX form of 128 bits. Its fields name registers: ModRM.reg, VEX.vvvv, ModRM.rm,
// imm8[7:4]. The operation's first operands are what it reads, in the order of the fields; an operand's type says which kind
// of register; those it lacks repeat the first. The last operand is a constant, the address of the *stub*: the instruction
// itself, with register 0 as reg, 1 as vvvv, 2 as rm and 3 as is4, then RET. It is what the interpreter runs. On hosts without AVX
// it is the same instruction without VEX, and there are no operations that have none.
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

enum host_field { HOST_REG, HOST_VVVV, HOST_RM, HOST_IS4, HOST_FIELDS, HOST_FLAGS = HOST_FIELDS };
enum { HOST_OP_OPERANDS = 3 };

struct host_op {
    uint8_t map, opcode;
    uint8_t prefix;      // VEX.pp: none, 66, F3, F2
    uint8_t digit;       // ModRM.reg when no register is there
    uint8_t result;      // enum host_field; HOST_FLAGS: bits 0 to 7 of EFLAGS, where CF, PF, AF, ZF and SF are
    uint8_t reads;       // fields that are read, a bit each
    uint8_t imm;
    bool w, has_imm;
};

static inline uint64_t host_op_pack(struct host_op o)
{
    return o.opcode | (uint64_t)o.imm << 8 | (uint64_t)o.map << 16 | (uint64_t)o.prefix << 18 | (uint64_t)o.digit << 20 |
           (uint64_t)o.result << 24 | (uint64_t)o.reads << 28 | (uint64_t)o.w << 32 | (uint64_t)o.has_imm << 33;
}

static inline struct host_op host_op_unpack(uint64_t imm)
{
    return (struct host_op){.opcode = (uint8_t)imm, .imm = (uint8_t)(imm >> 8), .map = imm >> 16 & 3, .prefix = imm >> 18 & 3,
                            .digit = imm >> 20 & 7, .result = imm >> 24 & 7, .reads = imm >> 28 & 15, .w = imm >> 32 & 1,
                            .has_imm = imm >> 33 & 1};
}

// Whether the host's processor has AVX and its kernel keeps the registers.
bool host_has_avx(void);

enum { HOST_STUB_BYTES = 16 };
// Writes an operation's stub; vex: the instruction as it is described here, which hosts with AVX can run.
void host_op_encode(struct host_op o, bool vex, uint8_t stub[HOST_STUB_BYTES]);

// Registers that a stub works on.
struct host_frame {
    alignas(32) uint8_t ymm[4][32];
    alignas(32) uint8_t memory[32]; // RDI points here
    uint64_t mm[4];
    uint64_t rax, rcx, rdx, flags;  // registers 0, 1, 2
};

// Runs one; flags are a result alone.
void host_frame_run(struct host_frame *frame, uint64_t stub);
