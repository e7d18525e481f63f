// SPDX-License-Identifier: MIT
// System registers and their traps from EL0, timers and waiting, software step, branch targets, pointer authentication,
// cache maintenance.
#include "check.inc"

#define TRAP_READ(op0, op1, crn, crm, op2, rt)                                                                        \
    ESR(0x18, (op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 | 1)
#define TRAP_WRITE(op0, op1, crn, crm, op2, rt) (TRAP_READ(op0, op1, crn, crm, op2, rt) - 1)

#define TABLE1 0x40300000

start:

    // --- identification ---
    mrs x0, CurrentEL
    EXPECT(x0, 4)
    mrs x0, id_aa64pfr0_el1
    and x0, x0, 0xffff
    EXPECT(x0, 0x11)
    mrs x0, mpidr_el1
    EXPECT(x0, 0x80000000)
    // The identification space reads as zero where nothing is assigned.
    mrs x0, s3_0_c0_c7_7
    EXPECT(x0, 0)
    mrs x0, dczid_el0
    EXPECT(x0, 4)
    GO_ON_AT(1f)
    msr s3_0_c0_c0_0, x0
1:  EXPECT(x20, ESR(0, 0))
    // SP_EL0 is not accessible while it is the stack pointer.
    mov x0, 0x1230
    msr sp_el0, x0
    mrs x1, sp_el0
    EXPECT(x1, 0x1230)
    msr spsel, 0
    mov x1, sp
    GO_ON_AT(1f)
    mrs x0, sp_el0
1:  EXPECT(x20, ESR(0, 0))
    EXPECT(x1, 0x1230)

    // --- EL0 access that registers enable ---
    mrs x9, sctlr_el1
    bic x0, x9, 1 << 15
    bic x0, x0, 1 << 14
    bic x0, x0, 1 << 26
    msr sctlr_el1, x0
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  mrs x3, ctr_el0
1:  EXPECT(x20, TRAP_READ(3, 3, 0, 0, 1, 3))
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  dc zva, x4
1:  EXPECT(x20, TRAP_WRITE(1, 3, 7, 4, 1, 4))
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  dc cvac, x4
1:  EXPECT(x20, TRAP_WRITE(1, 3, 7, 10, 1, 4))
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  mrs x5, cntvct_el0
1:  EXPECT(x20, TRAP_READ(3, 3, 14, 0, 2, 5))
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  msr cntv_ctl_el0, x5
1:  EXPECT(x20, TRAP_WRITE(3, 3, 14, 3, 1, 5))
    orr x0, x9, 1 << 15
    orr x0, x0, 1 << 14
    orr x0, x0, 1 << 26
    msr sctlr_el1, x0
    mov x0, 2
    msr cntkctl_el1, x0
    ldr x4, =0x40200000
    mov x5, -1
    stp x5, x5, [x4, 48]
    stp x5, x5, [x4, 64]
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  mrs x3, ctr_el0
    mrs x6, cntvct_el0
    mrs x6, cntfrq_el0
    msr tpidr_el0, x4
    add x7, x4, 20
    dc zva, x7
    svc 1
1:  EXPECT(x20, ESR(0x15, 1))
    EXPECT(x6, 62500000)
    ldp x5, x6, [x4, 48]
    EXPECT(x6, 0)
    ldr x5, [x4, 64]
    EXPECT(x5, -1)
    mrs x0, tpidr_el0
    EXPECT(x0, 0x40200000)
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  msr tpidrro_el0, x4
1:  EXPECT(x20, ESR(0, 0))
    // WFI at EL0 without nTWI.
    bic x0, x9, 1 << 16
    msr sctlr_el1, x0
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  wfi
1:  EXPECT(x20, ESR(0x01, 0x1e00000))
    msr sctlr_el1, x9

    // --- timers: counters go up, a timer wakes WFI, and interrupts when it is not masked ---
    mrs x0, cntvct_el0
    mrs x1, cntvct_el0
    subs x2, x1, x0
    cset x2, lo
    EXPECT(x2, 0)
    mov x0, 5000
    msr cntv_tval_el0, x0
    mov x0, 1
    msr cntv_ctl_el0, x0
    wfi
    mrs x0, cntv_ctl_el0
    EXPECT(x0, 5)
    mrs x0, isr_el1
    EXPECT(x0, 0x80)
    GO_ON_AT(1f)
    msr daifclr, 2
    nop
    nop
1:  EXPECT(x24, 0x280)
    lsr x0, x22, 6
    and x0, x0, 0xf
    EXPECT(x0, 0xd)
    mov x0, 3
    msr cntv_ctl_el0, x0
    mrs x0, isr_el1
    EXPECT(x0, 0)
    // The physical timer is FIQ here; far in the future it stays quiet.
    mov x0, -1
    lsr x0, x0, 1
    msr cntp_cval_el0, x0
    mov x0, 1
    msr cntp_ctl_el0, x0
    mrs x0, cntp_ctl_el0
    EXPECT(x0, 1)
    mov x0, 0
    msr cntp_cval_el0, x0
    mrs x0, cntp_ctl_el0
    EXPECT(x0, 5)
    GO_ON_AT(1f)
    ENTER(2f, 0x385)
2:  nop
1:  EXPECT(x24, 0x300)
    msr cntp_ctl_el0, xzr

    // --- software step, of EL0 from EL1 ---
    msr oslar_el1, xzr
    mov x0, 1
    msr mdscr_el1, x0
    mov x5, 0
    GO_ON_AT(1f)
    ENTER(stepped, 0x2003c0)
stepped:
    add x5, x5, 1
    add x5, x5, 1
    svc 0
1:  EXPECT(x20, ESR(0x32, 1 << 24 | 0x22))
    EXPECT(x5, 1)
    EXPECT(x22, 0x3c0)
    adr x0, stepped + 4
    sub x0, x21, x0
    EXPECT(x0, 0)
    // A step over a branch, a step that ends in an exception of its own, and a return with the step already done.
    GO_ON_AT(1f)
    ENTER(2f, 0x2003c0)
2:  b 3f
    nop
3:  svc 0
1:  EXPECT(x20, ESR(0x32, 1 << 24 | 0x22))
    adr x0, 3b
    sub x0, x21, x0
    EXPECT(x0, 0)
    GO_ON_AT(1f)
    ENTER(2f, 0x2003c0)
2:  svc 3
1:  EXPECT(x20, ESR(0x15, 3))
    EXPECT(x22, 0x3c0)
    GO_ON_AT(1f)
    ENTER(2f, 0x2003c0)
2:  .inst 0
1:  EXPECT(x20, ESR(0, 0))
    EXPECT(x22, 0x2003c0)
    GO_ON_AT(1f)
    ENTER(2f, 0x3c0)
2:  svc 3
1:  EXPECT(x20, ESR(0x32, 1 << 24 | 0x22))
    msr mdscr_el1, xzr

    // --- branch targets in guarded pages: the first gigabyte again, guarded, at 0 ---
    ldr x0, =TABLE1
    ldr x1, =0x40000000 + (1 << 10) + 1
    str x1, [x0, 8]
    orr x1, x1, 1 << 50
    str x1, [x0]
    msr ttbr0_el1, x0
    mov x0, 0xff
    msr mair_el1, x0
    ldr x0, =25 | 1 << 23 | 2 << 32
    msr tcr_el1, x0
    isb
    mrs x9, sctlr_el1
    orr x9, x9, 1
    msr sctlr_el1, x9
    isb
    mov x8, 0x40000000
    // BTYPE is tracked from the first fetch from a guarded page on.
    adr x1, pad_c
    sub x1, x1, x8
    blr x1
    adr x1, no_pad
    sub x1, x1, x8
    GO_ON_AT(1f)
    blr x1
1:  EXPECT(x20, ESR(0x0d, 2))
    sub x0, x21, x1
    EXPECT(x0, 0)
    EXPECT(x22, 0x600003c5 | 2 << 10)
    // BR from a page that is not guarded, and by X16, is BTYPE 01: BTI c will do.
    adr x16, pad_c
    sub x16, x16, x8
    adr x30, 1f
    br x16
1:  adr x1, pad_c
    sub x1, x1, x8
    blr x1
    // Inside guarded memory BR is BTYPE 11, for which BTI c will not do.
    adr x1, pad_c
    sub x1, x1, x8
    adr x2, guarded_br
    sub x2, x2, x8
    GO_ON_AT(1f)
    mov x16, x2
    br x16
1:  EXPECT(x20, ESR(0x0d, 3))
    adr x1, pad_j
    sub x1, x1, x8
    adr x30, 1f
    mov x16, x2
    br x16
1:  // A return needs no pad.
    adr x30, no_pad_ret
    sub x30, x30, x8
    adr x29, 1f
    ret
1:

    // --- pointer authentication: keys off, then on ---
    ldr x0, =0x1234567
    mov x1, 42
    mov x2, x0
    pacia x2, x1
    EXPECT(x2, 0x1234567)
    mov x3, 0x77
    msr apiakeylo_el1, x3
    msr apdbkeyhi_el1, x3
    orr x9, x9, 1 << 31
    orr x9, x9, 1 << 13
    msr sctlr_el1, x9
    isb
    pacia x2, x1
    cmp x2, x0
    cset x3, eq
    EXPECT(x3, 0)
    mov x4, x2
    xpaci x4
    EXPECT(x4, 0x1234567)
    mov x4, x2
    autia x4, x1
    EXPECT(x4, 0x1234567)
    mov x5, 43
    mov x4, x2
    autia x4, x5
    cmp x4, x0
    cset x3, eq
    EXPECT(x3, 0)
    adr x30, 1f
    mov x2, x30
    paciasp
    autiasp
    sub x3, x30, x2
    EXPECT(x3, 0)
    paciasp
    retaa
1:  ldr x6, =0x40200100
    str x6, [x6]
    pacdb x6, sp
    mov x7, x6
    xpacd x7
    EXPECT(x7, 0x40200100)
    autdb x6, sp
    EXPECT(x6, 0x40200100)
    mov x7, x6
    pacdza x7
    ldraa x8, [x7]
    EXPECT(x8, 0x40200100)

    // --- cache maintenance checks its address ---
    mov x1, 0x80000000
    GO_ON_AT(1f)
    dc cvac, x1
1:  EXPECT(x20, ESR(0x25, 0x145))
    EXPECT(x23, 0x80000000)
    ldr x1, =0x40200000
    dc civac, x1
    ic ivau, x1
    ic iallu
    dsb ish
    isb

    // --- code that changes itself ---
    mov x5, 3
again:
    adr x1, patched
    ldr w2, [x1]
    add w2, w2, 1 << 10
    bl patched_function
    str w2, [x1]
    dc cvau, x1
    ic ivau, x1
    dsb ish
    isb
    subs x5, x5, 1
    b.ne again
    bl patched_function
    EXPECT(x0, 3)

    // --- random numbers: one comes, and NZCV says so ---
    mrs x0, s3_3_c2_c4_0
    mrs x1, nzcv
    EXPECT(x1, 0)
    PASS

patched_function:
    mov x0, xzr
patched:
    add x0, x0, 0
    ret

no_pad:
    nop
    ret
pad_c:
    bti c
    ret
pad_j:
    bti j
    ret
guarded_br:
    bti jc
    br x1
no_pad_ret:
    br x29
