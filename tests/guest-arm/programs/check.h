// SPDX-License-Identifier: MIT
// For test programs: they run at EL1 from `start`, check what they do, and end with HVC: X0 is 0, or the line of the
// check that failed with X1 what was found and X2 what was expected.
//
// Exceptions of any kind are recorded and control goes to the address in X25, at EL1 with SP_EL1:
//   X20 ESR, X21 ELR, X22 SPSR, X23 FAR, X24 offset of the vector. X16 to X18 are scratch.
#pragma once

#define EXPECT(reg, value)                                                                                            \
    mov x17, reg;                                                                                                     \
    ldr x16, =value;                                                                                                  \
    mov x18, __LINE__;                                                                                                \
    cmp x17, x16;                                                                                                     \
    b.ne fail

#define PASS                                                                                                          \
    mov x0, 0;                                                                                                        \
    hvc 0

// The instruction after this is expected to take an exception; control goes to `label`.
#define GO_ON_AT(label) adr x25, label

// Continues at `address` with PSTATE `spsr`.
#define ENTER(address, spsr)                                                                                          \
    adr x16, address;                                                                                                 \
    msr elr_el1, x16;                                                                                                 \
    ldr x16, =spsr;                                                                                                   \
    msr spsr_el1, x16;                                                                                                \
    eret

#define EL0 0x3c0
#define EL1H 0x3c5
#define ESR(ec, iss) ((ec) << 26 | 1 << 25 | (iss))

    .arch armv8.5-a+crypto+memtag
    .text
    .globl start
    b start
fail:
    mov x0, x18
    mov x1, x17
    mov x2, x16
    hvc 0

    .macro vector offset
    .balign 0x80
    mov x24, \offset
    b exception
    .endm

    .balign 0x800
vectors:
    vector 0x000
    vector 0x080
    vector 0x100
    vector 0x180
    vector 0x200
    vector 0x280
    vector 0x300
    vector 0x380
    vector 0x400
    vector 0x480
    vector 0x500
    vector 0x580
    vector 0x600
    vector 0x680
    vector 0x700
    vector 0x780
    .balign 0x80
exception:
    mrs x20, esr_el1
    mrs x21, elr_el1
    mrs x22, spsr_el1
    mrs x23, far_el1
    msr elr_el1, x25
    mov x16, EL1H
    msr spsr_el1, x16
    eret
