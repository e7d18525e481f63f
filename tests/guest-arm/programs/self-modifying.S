// SPDX-License-Identifier: MIT
// Code that is written, run, and written again: seen after the maintenance that the manual asks for (Arm ARM, B2.7.4),
// wherever in a block, in another page, through a link, and by every kind of store.
#include "check.inc"

#define CODE 0x40300000
#define MOVZ_X0 0xd2800000 // MOVZ X0, #imm << 5
#define RET 0xd65f03c0
#define NOP 0xd503201f

start:
    mov x0, 3 << 20 // CPACR_EL1.FPEN
    msr cpacr_el1, x0
    isb

    // A function whose value changes 300 times, called through one and the same instruction.
    ldr x10, =CODE
    ldr w11, =RET
    str w11, [x10, 4]
    mov x12, 0
1:  ldr w11, =MOVZ_X0
    orr w11, w11, w12, lsl 5
    str w11, [x10]
    sync x10
    mov x0, -1
    blr x10
    cmp x0, x12
    b.ne 8f
    add x12, x12, 1
    cmp x12, 300
    b.ne 1b

    // The middle of a long block, by stores of each size, a pair and a vector.
    ldr x10, =CODE + 0x2000
    ldr w11, =NOP
    mov x12, 0
1:  str w11, [x10, x12]
    add x12, x12, 4
    cmp x12, 128
    b.ne 1b
    ldr w11, =RET
    str w11, [x10, 128]
    sync x10
    mov x0, 7
    blr x10
    EXPECT(x0, 7)
    ldr w11, =MOVZ_X0 | 1 << 5
    str w11, [x10, 64]
    add x13, x10, 64
    sync x13
    blr x10
    EXPECT(x0, 1)
    mov w11, 0x40 // the immediate's low byte: 2 << 5
    strb w11, [x10, 64]
    sync x13
    blr x10
    EXPECT(x0, 2)
    mov w11, 0x0060
    strh w11, [x10, 64]
    sync x13
    blr x10
    EXPECT(x0, 3)
    ldr x11, =(NOP << 32) | MOVZ_X0 | 4 << 5
    stp x11, x11, [x10, 64]
    sync x13
    blr x10
    EXPECT(x0, 4)
    ldr x11, =(NOP << 32) | MOVZ_X0 | 5 << 5
    dup v0.2d, x11
    str q0, [x10, 64]
    sync x13
    blr x10
    EXPECT(x0, 5)
    ldr w11, =MOVZ_X0 | 6 << 5
    add x13, x10, 72 // the vector's second half
    ldr w14, [x13]
    cas w14, w11, [x13]
    sync x13
    blr x10
    EXPECT(x0, 6)

    // A store that crosses into a page with code.
    ldr x10, =CODE + 0x4000
    ldr w11, =MOVZ_X0 | 8 << 5
    str w11, [x10]
    ldr w11, =RET
    str w11, [x10, 4]
    sync x10
    blr x10
    EXPECT(x0, 8)
    ldr x11, =(MOVZ_X0 | 9 << 5) << 32
    stur x11, [x10, -4]
    sync x10
    blr x10
    EXPECT(x0, 9)

    // Whole lines of zeros: UDF, which is an Undefined Instruction exception.
    dc zva, x10
    sync x10
    GO_ON_AT(1f)
    blr x10
1:  mov x0, x21
    EXPECT(x0, CODE + 0x4000)

    // A jump to it is linked in its page; the target alone is written.
    ldr x10, =CODE + 0x6000
    ldr w11, =0x14000010 // B . + 64
    str w11, [x10]
    ldr w11, =MOVZ_X0 | 10 << 5
    str w11, [x10, 64]
    ldr w11, =RET
    str w11, [x10, 68]
    sync x10
    blr x10
    blr x10
    EXPECT(x0, 10)
    ldr w11, =MOVZ_X0 | 11 << 5
    str w11, [x10, 64]
    add x13, x10, 64
    sync x13
    blr x10
    EXPECT(x0, 11)
    PASS
8:  mov x17, x0
    mov x16, x12
    mov x18, __LINE__
    b fail
