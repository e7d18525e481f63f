// SPDX-License-Identifier: MIT
// Two processes that take turns (tests/base/stop-cases.h): the same page of code at WORK, pages of their own at COUNTER. Each has as
// many slices as SLICES says. X19 is the number of the process.
#include "check.inc"
#include "pages.inc"

#define SLICES 0x40500000
#define WORK 0x200000
#define COUNTER 0x201000
#define SLICE 100
#define IN_KERNEL 0x80
#define NOT_GLOBAL (1 << 11)
#define TABLES(process) (0x40510000 + (process) * 0x10000)
#define OWN_PAGE(process) (0x40540000 + (process) * 0x1000)

    .macro space process
    ldr x0, =TABLES(\process)
    ldr x1, =TABLES(\process) + 0x1000 + VALID_TABLE
    ldr x2, =0x40000000 + BLOCK
    stp x1, x2, [x0]
    add x0, x0, 0x1000
    add x1, x1, 0x1000
    str x1, [x0, WORK >> 18]
    add x0, x0, 0x1000
    adr x1, work_page
    ldr x2, =PAGE + AP_EL0 + AP_RO + NOT_GLOBAL
    add x1, x1, x2
    ldr x2, =OWN_PAGE(\process) + PAGE + AP_EL0 + NOT_GLOBAL
    stp x1, x2, [x0]
    ldr x0, =OWN_PAGE(\process)
    str xzr, [x0]
    .endm

start:
    space 1
    space 2
    mov x19, 1
    mmu_on TABLES(1)+(1<<48)
    ldr x28, =SLICES
    ldr w28, [x28]

slice:
    GO_ON_AT(called)
    ldr x16, =WORK
    msr elr_el1, x16
    mov x16, EL0
    msr spsr_el1, x16
    eret
called:
    EXPECT(x20, ESR(0x15, 0))
    msr pan, 0
    orr x19, x19, IN_KERNEL
    mov x1, 1
    ldr x2, =WORK + (work - work_page)
    blr x2
    and x19, x19, ~IN_KERNEL
    eor x19, x19, 3
    ldr x0, =TABLES(0)
    add x0, x0, x19, lsl 16
    orr x0, x0, x19, lsl 48
    msr ttbr0_el1, x0
    isb
    cmp x19, 2
    b.eq slice
    subs x28, x28, 1
    b.ne slice

    ldr x1, =SLICES
    ldr w1, [x1]
    mov x2, SLICE + 1
    mul x1, x1, x2
    ldr x3, =OWN_PAGE(1)
    ldr x3, [x3]
    expect_eq 1, x3, x1
    ldr x3, =OWN_PAGE(2)
    ldr x3, [x3]
    expect_eq 2, x3, x1
    PASS
    b .

    .ltorg
    .balign 0x1000
work_page:
    mov x1, SLICE
    ldr x2, =WORK + (work - work_page)
    blr x2
    svc 0
    b .
work: // x1 times
    mov x4, COUNTER & 0xffff
    movk x4, COUNTER >> 16, lsl 16
1:  ldr x3, [x4]
    add x3, x3, 1
    str x3, [x4]
    subs x1, x1, 1
    b.ne 1b
    ret
    .ltorg
