// SPDX-License-Identifier: MIT
// The host's x87 state, and the meaning of X87 by running its instruction (host-x87.h).
#include "tcg/host-x87.h"

#include <string.h>

#include "tcg/eval.h"

_Static_assert(sizeof(struct host_x87_image) == 108, "the manual's layout");

uint64_t x87_call(const void *stub, void *memory, uint64_t flags);
extern const uint8_t x87_registers[8 * 64][4], x87_memory[8 * 8][4];

// A stub for each register form, and for each memory form with the operand at RSI.
__asm__(".pushsection .text\n"
        ".type x87_call, @function\n"
        "x87_call:\n"
        "    push %rdx\n"
        "    popfq\n"
        "    call *%rdi\n"
        "    pushfq\n"
        "    pop %rax\n"
        "    ret\n"
        ".size x87_call, . - x87_call\n"
        "x87_registers:\n"
        ".set i, 0\n"
        ".rept 512\n"
        ".byte 0xd8 + (i >> 6), 0xc0 + (i & 63), 0xc3, 0x90\n"
        ".set i, i + 1\n"
        ".endr\n"
        "x87_memory:\n"
        ".set i, 0\n"
        ".rept 64\n"
        ".byte 0xd8 + (i >> 3), (i & 7) * 8 + 6, 0xc3, 0x90\n"
        ".set i, i + 1\n"
        ".endr\n"
        ".popsection\n");

void host_x87_load(const struct host_x87_image *image)
{
    __asm__ volatile("frstor %0" : : "m"(*image));
}

void host_x87_save(struct host_x87_image *image)
{
    __asm__ volatile("fnsave %0" : "=m"(*image));
}

uint64_t host_x87_run(unsigned opcode, unsigned modrm, void *memory, uint64_t flags)
{
    const void *stub = memory ? x87_memory[(opcode & 7) << 3 | (modrm >> 3 & 7)]
                              : x87_registers[(opcode & 7) << 6 | (modrm & 63)];
    return x87_call(stub, memory, flags);
}

bool ir_eval_x87(const struct ir_eval_op *e, union ir_value *result, const union ir_value *a, const union ir_value *b)
{
    enum { ZF = 1 << 6, LOW = 0xd5 };
    if (e->op != IR_X87)
        return false;
    struct host_x87 o = host_x87_unpack(e->imm);
    union ir_value memory = {.u64 = {a->u64[0], b->u64[0]}};
    if (o.out)
        memory = (union ir_value){.u64 = {0, 0}};
    uint64_t flags = host_x87_run(o.opcode, o.modrm, host_x87_in_memory(o) ? &memory : NULL,
                                  o.cond && !(uint32_t)a->u64[0] ? ZF : 0);
    if (o.flags)
        *result = (union ir_value){.u64 = {flags & LOW, 0}};
    else
        *result = memory;
    return true;
}
