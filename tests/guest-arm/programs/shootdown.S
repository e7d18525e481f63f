// SPDX-License-Identifier: MIT
// One of two processors takes pages away from the other, which goes over them in loops meanwhile: none of its accesses is made
// when the DSB behind the TLBI is over (Arm ARM, D8.17). Some loops store to a page that is to be read only at times, one reads a
// page that is mapped elsewhere, and the memory behind it filled with something else.
#include "check.inc"
#include "pages.inc"

#define ROUNDS 400
#define WORDS 512
#define READ_FRAMES (FRAMES + 0x180000) // four of them, in turn
#define STRAY -1

    .macro flush_page address // clobbers x16
    dsb ish
    ldr x16, =(\address) >> 12
    tlbi vaae1is, x16
    dsb ish
    .endm

    // Time goes by in each round, most of it between polls of what engines make of the loop.
    .macro dawdle
    .rept 12
    udiv x7, x7, x8
    .endr
    .endm

    // The page at x1 becomes words of a value. Clobbers x2, x3.
    .macro fill value
    mov x2, x1
    mov x3, WORDS
1:  str \value, [x2], 8
    subs x3, x3, 1
    b.ne 1b
    .endm

start:
    enter_pages
    adr x26, arrived
    adr x27, version
    mov x8, 1
    mov x7, -1
    mov x0, 1
    ldaddal x0, x1, [x26]
1:  ldar x0, [x26]
    cmp x0, 2
    b.lo 1b
    mrs x0, mpidr_el1
    tst x0, 0xff
    b.eq taker

    // --- stores, until one faults or all are done ---
    GO_ON_AT(reader)
writer:
    mov x5, STRAY
    ldr x1, =DATA
    mov x2, WORDS
1:  str x5, [x1], 8
    dawdle
    subs x2, x2, 1
    b.ne 1b
    mov x2, WORDS / 4
1:  stp x5, x5, [x1, -16]!
    stp x5, x5, [x1, -16]!
    subs x2, x2, 1
    b.ne 1b

    // --- loads: nothing is older than the version that was there before the loop ---
reader:
    ldar x5, [x27]
    ldr x1, =DATA + 0x1000
    mov x2, WORDS
1:  ldr x6, [x1], 8
    dawdle
    cmp x6, x5
    b.lo 2f
    subs x2, x2, 1
    b.ne 1b
    b writer
2:  expect_eq 1, x6, x5

    // --- who takes them away ---
taker:
    mov x28, 1
    ldr x10, =ENTRY(0)
    ldr x11, =READ_FRAMES + PAGE
again:
    ldr x0, =FRAME(0) + PAGE + AP_RO
    str x0, [x10]
    flush_page DATA
    ldr x1, =FRAME(0)
    fill x28
    mov x2, 10000
1:  subs x2, x2, 1
    b.ne 1b
    mov x2, WORDS
1:  ldr x3, [x1], 8
    cmp x3, x28
    b.ne 2f
    subs x2, x2, 1
    b.ne 1b
    b 3f
2:  expect_eq 2, x3, x28
3:  ldr x0, =FRAME(0) + PAGE
    str x0, [x10]
    flush_page DATA

    and x12, x28, 3
    add x12, x11, x12, lsl 12
    and x1, x12, -0x1000
    fill x28
    ldr x13, [x10, 8]
    str x12, [x10, 8]
    flush_page DATA + 0x1000
    and x1, x13, 0xfffff000
    fill xzr
    stlr x28, [x27]
    add x28, x28, 1
    cmp x28, ROUNDS
    b.ne again
    PASS
    b .

    .balign 8
arrived:
    .quad 0
version:
    .quad 0
