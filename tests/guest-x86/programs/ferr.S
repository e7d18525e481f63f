# SPDX-License-Identifier: MIT
# x87 errors with CR0.NE clear, as PC programs in real mode see them: IRQ 13 at vector 0x75, port 0xf0, and the instruction
# that waits for both.
.include "check.inc"
# A division by zero, which is not masked: it only leaves its mark.
.macro divide_by_zero
    fninit
    fldcw control
    fld1
    fldz
    fdivrp
.endm
start_program
    set_vector 0x75, error
    set_vector 0x50, timer
    xor %cx, %cx
    xor %dx, %dx
    movw $0x37b, control
    sti

    divide_by_zero
    nop
    expect_eq 1, $0, %cx
    fnstsw %ax
    test $0x80, %al
    expect 2, nz
    # the next one that waits comes back when the handler has cleared the error
waits:
    fldpi
    expect_eq 3, $1, %cx
    expect_eq 4, $waits, came_from
    fnstsw %ax
    test $0x80, %al
    expect 5, z
    # it was done once: the quotient is not there, pi on top of 1 and 0
    fstpl result
    cmpl $0x400921fb, result + 4
    expect 6, e

    # WAIT too
    divide_by_zero
    fwait
    expect_eq 7, $2, %cx

    # other interrupts come in between: it freezes again
    divide_by_zero
    mov $0x50, %al
    cli
    out %al, $0xf5
    sti
    fwait
    expect_eq 8, $1, %dx
    expect_eq 9, $3, %cx

    # with IGNNE# up, instructions go on in spite of the error, until it is cleared
    set_vector 0x75, ignoring
    divide_by_zero
    fwait
    expect_eq 10, $4, %cx
    fldpi
    fwait
    fnstsw %ax
    test $0x80, %al
    expect 11, nz
    expect_eq 12, $4, %cx
    fnclex
    fwait
    # and the next error is told again
    set_vector 0x75, error
    divide_by_zero
    fwait
    expect_eq 13, $5, %cx
    cli
    # with interrupts off it waits for an NMI
    set_vector 2, nmi
    divide_by_zero
    out %al, $0xf6
    nop
    expect_eq 14, $1, %si
    end 0

error:
    push %bp
    mov %sp, %bp
    push %ax
    mov 2(%bp), %ax
    mov %ax, came_from
    out %al, $0xf0
    fnclex
    inc %cx
    pop %ax
    pop %bp
    iret
ignoring:
    out %al, $0xf0
    fld1                             # the handler may use the x87
    fstp %st
    inc %cx
    iret
timer:
    inc %dx
    iret
nmi:
    mov $1, %si
    iret
control: .word 0
came_from: .word 0
.balign 8
result: .quad 0
