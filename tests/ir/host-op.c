// SPDX-License-Identifier: MIT
// An operation's stub without VEX does what the one with VEX does (tcg/host-op.h).
#include <criterion/criterion.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/error.h"
#include "tcg/base/exec-memory.h"
#include "tcg/host-op.h"

enum { REG = 1 << HOST_REG, VVVV = 1 << HOST_VVVV, RM = 1 << HOST_RM };

static const struct {
    const char *name;
    struct host_op op;
    bool general; // the result is in a general register
} cases[] = {
    {"addps", {.map = 1, .opcode = 0x58, .result = HOST_REG, .reads = VVVV | RM}, false},
    {"subsd", {.map = 1, .opcode = 0x5c, .prefix = 3, .result = HOST_REG, .reads = VVVV | RM}, false},
    {"sqrtps", {.map = 1, .opcode = 0x51, .result = HOST_REG, .reads = RM}, false},
    {"movss, load form", {.map = 1, .opcode = 0x10, .prefix = 2, .result = HOST_REG, .reads = VVVV | RM}, false},
    {"movss, store form", {.map = 1, .opcode = 0x11, .prefix = 2, .result = HOST_RM, .reads = REG | VVVV}, false},
    {"movhlps", {.map = 1, .opcode = 0x12, .result = HOST_REG, .reads = VVVV | RM}, false},
    {"shufps", {.map = 1, .opcode = 0xc6, .result = HOST_REG, .reads = VVVV | RM, .has_imm = true, .imm = 0x4e}, false},
    {"pshufd", {.map = 1, .opcode = 0x70, .prefix = 1, .result = HOST_REG, .reads = RM, .has_imm = true, .imm = 0x1b}, false},
    {"psrad by 7", {.map = 1, .opcode = 0x72, .prefix = 1, .digit = 4, .result = HOST_VVVV, .reads = RM, .has_imm = true, .imm = 7}, false},
    {"pslldq by 3", {.map = 1, .opcode = 0x73, .prefix = 1, .digit = 7, .result = HOST_VVVV, .reads = RM, .has_imm = true, .imm = 3}, false},
    {"psllw", {.map = 1, .opcode = 0xf1, .prefix = 1, .result = HOST_REG, .reads = VVVV | RM}, false},
    {"cvtsi2sd", {.map = 1, .opcode = 0x2a, .prefix = 3, .result = HOST_REG, .reads = VVVV | RM, .w = true}, false},
    {"cvttsd2si", {.map = 1, .opcode = 0x2c, .prefix = 3, .result = HOST_REG, .reads = RM, .w = true}, true},
    {"pinsrw", {.map = 1, .opcode = 0xc4, .prefix = 1, .result = HOST_REG, .reads = VVVV | RM, .has_imm = true, .imm = 5}, false},
    {"pinsrd", {.map = 3, .opcode = 0x22, .prefix = 1, .result = HOST_REG, .reads = VVVV | RM, .has_imm = true, .imm = 2}, false},
    {"pextrw", {.map = 1, .opcode = 0xc5, .prefix = 1, .result = HOST_REG, .reads = RM, .has_imm = true, .imm = 6}, true},
    {"pextrq", {.map = 3, .opcode = 0x16, .prefix = 1, .result = HOST_RM, .reads = REG, .has_imm = true, .imm = 1, .w = true}, true},
    {"pmovmskb", {.map = 1, .opcode = 0xd7, .prefix = 1, .result = HOST_REG, .reads = RM}, true},
    {"pshufb", {.map = 2, .opcode = 0x00, .prefix = 1, .result = HOST_REG, .reads = VVVV | RM}, false},
    {"ucomisd", {.map = 1, .opcode = 0x2e, .prefix = 1, .result = HOST_FLAGS, .reads = REG | RM}, false},
    {"ptest", {.map = 2, .opcode = 0x17, .prefix = 1, .result = HOST_FLAGS, .reads = REG | RM}, false},
};

static struct host_frame run(const struct exec_memory *memory, struct host_op op, bool vex)
{
    static const double numbers[8] = {1.5, -2.25, 1e300, 7, -0.0, 3.0e9, 0.1, 65536};
    struct host_frame f;
    memset(&f, 0, sizeof(f));
    for (unsigned n = 0; n < 4; n++)
        memcpy(f.ymm[n], numbers + 2 * n, 16);
    f.rax = 0x1122334455667788;
    f.rcx = 0x99aabbccddeeff00;
    f.rdx = 0x0123456789abcdef;
    host_op_encode(op, vex, memory->write);
    host_frame_run(&f, (uint64_t)(uintptr_t)memory->exec);
    return f;
}

Test(host_op, without_vex)
{
    enum { MEMORY = 4096, FLAGS = 0xd5 };
    struct exec_memory memory;
    struct error error;
    if (!host_has_avx())
        cr_skip_test("the host has no AVX");
    cr_assert_geq(exec_memory_create(&memory, MEMORY, &error), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct host_op op = cases[i].op;
        struct host_frame with = run(&memory, op, true), without = run(&memory, op, false);
        const uint64_t general[2][3] = {{with.rax, with.rcx, with.rdx}, {without.rax, without.rcx, without.rdx}};
        if (op.result == HOST_FLAGS)
            cr_expect_eq(with.flags & FLAGS, without.flags & FLAGS, "%s", cases[i].name);
        else if (cases[i].general)
            cr_expect_eq(general[0][op.result], general[1][op.result], "%s", cases[i].name);
        else
            cr_expect_arr_eq(with.ymm[op.result], without.ymm[op.result], 16, "%s", cases[i].name);
    }
    exec_memory_destroy(&memory);
}
