// SPDX-License-Identifier: MIT
// Exclusive, ordered and atomic accesses: the monitor's states, pairs, alignment (Arm ARM, B2.9, C6.2).
#include "check.inc"

start:
    ldr x10, =0x40200000
    mov x0, 5
    stp x0, x0, [x10]
    stp x0, x0, [x10, 16]

    // A pair of load and store exclusive succeeds once.
    ldxr x1, [x10]
    EXPECT(x1, 5)
    mov x2, 6
    stxr w3, x2, [x10]
    EXPECT(x3, 0)
    stxr w3, x2, [x10]
    EXPECT(x3, 1)
    ldr x1, [x10]
    EXPECT(x1, 6)
    // Not at another address, not after CLREX, not after the value has changed.
    ldxr x1, [x10]
    add x11, x10, 8
    stxr w3, x2, [x11]
    EXPECT(x3, 1)
    ldxr x1, [x10]
    clrex
    stxr w3, x2, [x10]
    EXPECT(x3, 1)
    ldaxr x1, [x10]
    mov x4, 99
    str x4, [x10]
    stlxr w3, x2, [x10]
    EXPECT(x3, 1)
    ldr x1, [x10]
    EXPECT(x1, 99)
    // An exception return clears the monitor.
    ldxr x1, [x10]
    GO_ON_AT(1f)
    svc 0
1:  stxr w3, x2, [x10]
    EXPECT(x3, 1)

    // Narrow ones write what they should only.
    ldr x0, =0x8877665544332211
    str x0, [x10]
    ldxrb w1, [x10]
    EXPECT(x1, 0x11)
    mov w2, 0x1ff
    stxrb w3, w2, [x10]
    EXPECT(x3, 0)
    add x11, x10, 2
    ldxrh w1, [x11]
    EXPECT(x1, 0x4433)
    stxrh w3, w2, [x11]
    EXPECT(x3, 0)
    add x11, x10, 4
    ldxr w1, [x11]
    EXPECT(x1, 0x88776655)
    stxr w3, w2, [x11]
    EXPECT(x3, 0)
    ldr x1, [x10]
    EXPECT(x1, 0x000001ff01ff22ff)

    // Pairs of words and of doublewords.
    ldxp w1, w2, [x10]
    EXPECT(x1, 0x01ff22ff)
    EXPECT(x2, 0x000001ff)
    mov x4, 3
    mov x5, 4
    stxp w3, w4, w5, [x10]
    EXPECT(x3, 0)
    ldr x1, [x10]
    EXPECT(x1, 0x400000003)
    ldxp x1, x2, [x10]
    EXPECT(x2, 5)
    stlxp w3, x5, x4, [x10]
    EXPECT(x3, 0)
    ldp x1, x2, [x10]
    EXPECT(x1, 4)
    EXPECT(x2, 3)
    ldaxp x1, x2, [x10]
    str xzr, [x10, 8]
    stxp w3, x5, x4, [x10]
    EXPECT(x3, 1)
    ldp x1, x2, [x10]
    EXPECT(x1, 4)
    EXPECT(x2, 0)

    // Compare and swap.
    mov x0, 4
    mov x1, 7
    cas x0, x1, [x10]
    EXPECT(x0, 4)
    mov x0, 4
    casal x0, x1, [x10]
    EXPECT(x0, 7)
    ldr x1, [x10]
    EXPECT(x1, 7)
    mov x0, 0x107
    mov x1, 0x2fe
    casb w0, w1, [x10]
    EXPECT(x0, 7)
    ldr x1, [x10]
    EXPECT(x1, 0xfe)
    mov x0, 0xfe
    mov x1, 0
    mov x2, 1
    mov x3, 2
    caspal x0, x1, x2, x3, [x10]
    EXPECT(x0, 0xfe)
    EXPECT(x1, 0)
    mov x0, 1
    mov x1, 9
    caspa x0, x1, x2, x3, [x10]
    EXPECT(x0, 1)
    EXPECT(x1, 2)
    ldp x0, x1, [x10]
    EXPECT(x0, 1)
    EXPECT(x1, 2)
    ldr x0, =0x200000001
    str x0, [x10]
    mov x0, 1
    mov x1, 2
    casp w0, w1, w2, w3, [x10]
    EXPECT(x0, 1)
    EXPECT(x1, 2)

    // Atomic operations: signed and unsigned, narrow ones zero-extend what was there.
    mov x0, -3
    str x0, [x10]
    mov x1, 2
    ldsmaxb w1, w2, [x10]
    EXPECT(x2, 0xfd)
    ldrb w2, [x10]
    EXPECT(x2, 2)
    mov x0, -3
    str x0, [x10]
    ldumaxh w1, w2, [x10]
    EXPECT(x2, 0xfffd)
    ldr x2, [x10]
    EXPECT(x2, 0xfffffffffffffffd)
    ldsminal x1, x2, [x10]
    ldr x2, [x10]
    EXPECT(x2, 0xfffffffffffffffd)
    ldumin x1, x2, [x10]
    ldr x2, [x10]
    EXPECT(x2, 2)
    mov x1, 5
    ldadd x1, x2, [x10]
    EXPECT(x2, 2)
    ldclr x1, x2, [x10]
    EXPECT(x2, 7)
    ldset x1, x2, [x10]
    EXPECT(x2, 2)
    ldeor x1, x2, [x10]
    EXPECT(x2, 7)
    swpal xzr, x2, [x10]
    EXPECT(x2, 2)
    stadd x1, [x10]
    ldr x2, [x10]
    EXPECT(x2, 5)

    // All of these need alignment, whatever the memory and SCTLR_EL1.A say; 16 bytes for the long pairs.
    add x11, x10, 4
    GO_ON_AT(1f)
    ldxr x0, [x11]
1:  EXPECT(x20, ESR(0x25, 0x21))
    EXPECT(x23, 0x40200004)
    GO_ON_AT(1f)
    ldadd x0, x1, [x11]
1:  EXPECT(x20, ESR(0x25, 0x61))
    GO_ON_AT(1f)
    stlr x0, [x11]
1:  EXPECT(x20, ESR(0x25, 0x61))
    add x11, x10, 8
    GO_ON_AT(1f)
    ldxp x0, x1, [x11]
1:  EXPECT(x20, ESR(0x25, 0x21))
    GO_ON_AT(1f)
    caspal x0, x1, x2, x3, [x11]
1:  EXPECT(x20, ESR(0x25, 0x61))
    EXPECT(x23, 0x40200008)

    // Ordered ones with an offset.
    stlur x11, [x10, 8]
    ldapur x0, [x10, 8]
    EXPECT(x0, 0x40200008)
    mov w0, 0x80
    stlurb w0, [x10, -1]
    ldapursb x0, [x10, -1]
    EXPECT(x0, 0xffffffffffffff80)
    ldapursb w0, [x10, -1]
    EXPECT(x0, 0xffffff80)
    PASS
