// SPDX-License-Identifier: MIT
// A bare program for test-gdb-stops-arm: it counts without an MMU, and then at addresses of TTBR1's; takes exceptions of its own,
// stores and loads, takes an interrupt, starts another processor, and switches the machine off. Labels are where the test stops and
// looks.
#define HIGH 0xffffff8000000000 /* where memory is seen */
#define NORMAL 0x701            /* blocks */
#define DEVICE 0x405
#define TCR (25 | 25 << 16 | 0x3500 | 0x3500 << 16 | 2 << 30 | 2 << 32)
#define GICD (HIGH + 0x08000000)
#define GICR (HIGH + 0x080a0000)
#define GICR_WAKER 0x14
#define SGI_FRAME 0x10000
#define CPU_ON 0xc4000003
#define SYSTEM_OFF 0x84000008

    .text
    .globl _start
_start:
    ldr x0, =stack
    mov sp, x0
    mov x2, 3
early_loop:
    bl early_function
    subs x2, x2, 1
    b.ne early_loop
    ldr x0, =table
    mov x1, DEVICE
    str x1, [x0]
    ldr x1, =0x40000000 + NORMAL
    str x1, [x0, 8]
    ldr x1, =HIGH + high
    b turn_on

early_function:
    ldr x0, =early_count
    ldr x1, [x0]
    add x1, x1, 1
    str x1, [x0]
early_counted:
    ret

// To X1, with the MMU on.
turn_on:
    ldr x0, =table
    msr ttbr0_el1, x0
    msr ttbr1_el1, x0
    mov x0, 0xff
    msr mair_el1, x0
    ldr x0, =TCR
    msr tcr_el1, x0
    ldr x0, =HIGH + vectors
    msr vbar_el1, x0
    dsb sy
    isb
    mrs x0, sctlr_el1
    orr x0, x0, 1
    msr sctlr_el1, x0
    isb
    br x1

// --- in the upper half -------------------------------------------------------------------------------------------------

high:
    mov x19, 10
    mov x20, 0
first:
    add x20, x20, 1
    nop
second:
    add x20, x20, 2
third:
    add x20, x20, 3
fourth:
    add x20, x20, 4
fifth:
    add x20, x20, 5
sixth:
    add x20, x20, 6
seventh:
    add x20, x20, 7
eighth:
    add x20, x20, 8
    subs x19, x19, 1
    b.ne first
own:
    brk 7
own_done:
    nop
call:
    svc 5
call_done:
    ldr x0, =HIGH + watched
    mov x1, 0x11
store_1:
    strb w1, [x0, 7]
stored_1:
    ldr x1, =0x123456789abcdef
store_8:
    str x1, [x0]
stored_8:
    stp x1, x1, [x0, -8]
stored_16:
    nop
load_8:
    ldr x2, [x0]
loaded_8:
    nop

// --- an interrupt --------------------------------------------------------------------------------------------------------

    ldr x0, =GICD
    mov w1, 0x12 // affinities, group 1
    str w1, [x0]
    ldr x0, =GICR
    str wzr, [x0, GICR_WAKER]
1:  ldr w1, [x0, GICR_WAKER]
    tbnz w1, 2, 1b
    add x0, x0, SGI_FRAME
    mov w1, -1
    str w1, [x0, 0x80]
    mov w1, 2
    str w1, [x0, 0x100]
    mov x1, 1
    msr s3_0_c12_c12_5, x1 // ICC_SRE_EL1
    isb
    mov x1, 0xff
    msr s3_0_c4_c6_0, x1   // ICC_PMR_EL1
    mov x1, 1
    msr s3_0_c12_c12_7, x1 // ICC_IGRPEN1_EL1
    ldr x1, =1 << 24 | 1
    msr s3_0_c12_c11_5, x1 // ICC_SGI1R_EL1: 1, to itself
    isb
    mov x22, -1
    mov x23, 0x3c0
    ldr x24, =HIGH + ticks
pending:
    msr daifclr, 2
    mrs x22, daif
    msr daif, x23
    msr daifclr, 0xf
    svc 6
pending_still:
    ldr x1, [x24]
    cbz x1, pending_still
    msr daifset, 0xf

// --- another processor -----------------------------------------------------------------------------------------------------

two:
    ldr x0, =HIGH + start_other
    ldr x0, [x0]
    cbz x0, last
    ldr x0, =CPU_ON
    mov x1, 1
    ldr x2, =other
    hvc 0
    ldr x24, =HIGH + other_count
wait_other:
    ldr x1, [x24]
    cmp x1, 20
    b.lo wait_other
last:
    ldr x0, =SYSTEM_OFF
    hvc 0
    b last

other:
    ldr x1, =HIGH + other_high
    b turn_on
other_high:
    ldr x24, =HIGH + other_count
other_loop:
    ldr x1, [x24]
    add x1, x1, 1
    str x1, [x24]
other_counted:
    b other_loop

// --- exceptions --------------------------------------------------------------------------------------------------------------

    .balign 0x800
vectors:
    .skip 0x200
synchronous: // BRK's are behind their instruction then
    mrs x9, esr_el1
    mrs x10, elr_el1
    lsr x11, x9, 26
    cmp x11, 0x3c
    b.ne 1f
    add x10, x10, 4
    msr elr_el1, x10
    add x21, x21, 1
1:  eret
    .balign 0x80
tick:
    mrs x9, s3_0_c12_c12_0 // ICC_IAR1_EL1
    ldr x10, =HIGH + ticks
    ldr x11, [x10]
    add x11, x11, 1
    str x11, [x10]
    msr s3_0_c12_c12_1, x9 // ICC_EOIR1_EL1
    eret
    .ltorg

    .data
    .balign 4096
table:
    .skip 4096
    .skip 4096
stack:
early_count:
    .quad 0
ticks:
    .quad 0
start_other:
    .quad 0
other_count:
    .quad 0
    .quad 0
watched:
    .quad 0x5a
