# SPDX-License-Identifier: MIT
# Real mode: segments, the interrupt table, far transfers, interrupt shadows, code that changes itself, code across pages.
.include "check.inc"
start_program

    # segments are sixteen times the selector
    mov $0x1000, %ax
    mov %ax, %es
    movw $0x1234, %es:0x20
    mov $0x1002, %ax
    mov %ax, %es
    expect_eq 1, $0x1234, %es:0
    xor %ax, %ax
    mov %ax, %es

    # INT and IRET
    set_vector 0x40, handler
    stc
    int $0x40
    expect 2, c
    expect_eq 3, $0x55aa, %dx

    # division by zero comes to the instruction itself
    set_vector 0, divide
    xor %cx, %cx
    xor %dx, %dx
    mov $7, %ax
div_here:
    div %cx
    expect_eq 4, $1, %cx

    # far calls and returns
    lcall $0, $far_function
    expect_eq 5, $0x7000, %sp
    expect_eq 6, $0x77, %bl

    # IP and SP wrap; the stack is 16 bits wide
    mov $0xabcd0100, %esp
    push %ax
    cmp $0xabcd00fe, %esp
    expect 7, e
    mov $0x7000, %esp

    # an interrupt from outside waits for IF and for the instruction after STI
    set_vector 0x50, outside
    xor %si, %si
    mov $0x50, %al
    out %al, $0xf5
    nop
    expect_eq 8, $0, %si
    sti
    inc %si
    nop
    nop
    cli
    expect_eq 9, $0x101, %si

    # MOV SS holds it off too
    sti
    xor %si, %si
    mov $0x50, %al
    cli
    out %al, $0xf5
    xor %ax, %ax
    sti
    mov %ax, %ss
    inc %si
    nop
    cli
    expect_eq 10, $0x101, %si

    # NMI needs no IF
    set_vector 2, outside
    mov $1, %si
    out %al, $0xf6
    nop
    expect_eq 11, $0x101, %si

    # HLT goes on after an interrupt
    set_vector 0x50, outside
    mov $1, %si
    mov $0x50, %al
    out %al, $0xf5
    sti
    hlt
    cli
    expect_eq 12, $0x101, %si

    # the next instruction is seen as it was just written
    movb $0x42, patched + 2
    mov $5, %dx
    movb $0x42, here
here:
    nop
    expect_eq 13, $6, %dx
    # in a loop
    mov $4, %cx
    mov $0, %bx
again:
    incb patched + 2
patched:
    add $0, %bl                  # 80 c3 ib: its operand goes up
    loop again
    expect_eq 14, $(0x43+0x44+0x45+0x46) & 0xff, %bl

    # an instruction across two pages, then with other bytes in the second
    mov $0x2ffe, %di
    movw $0xb890, (%di)          # nop; mov $0x1234, %ax; ret
    movb $0xc3, 4(%di)
    movw $0x1234, 2(%di)
    mov $0x2ffe, %si
    call *%si
    expect_eq 16, $0x1234, %ax
    movw $0x5678, 2(%di)
    call *%si
    expect_eq 17, $0x5678, %ax

    # REP MOVS with overlap repeats a pattern
    mov $0x3000, %si
    mov $0x3001, %di
    movb $0x5a, 0x3000
    mov $100, %cx
    cld
    rep movsb
    expect_eq 18, $0, %cx
    cmpb $0x5a, 0x3000+100
    expect 19, e
    expect_eq 20, $0x3065, %di

    # PUSH SP pushes the old value; PUSHA and POPA
    push %sp
    pop %ax
    expect_eq 21, $0x7000, %ax
    mov $0x1111, %ax
    mov $0x2222, %di
    pusha
    xor %ax, %ax
    xor %di, %di
    popa
    expect_eq 22, $0x1111, %ax
    expect_eq 23, $0x2222, %di

    # ports
    mov $0x3f8, %dx
    in %dx, %al
    expect_eq 24, $0xf8, %al
    in $0x60, %ax
    expect_eq 25, $0x6160, %ax

    end 0

handler:
    mov $0x55aa, %dx
    push %bp
    mov %sp, %bp
    orw $1, 6(%bp)
    pop %bp
    iret
divide:
    push %bp
    mov %sp, %bp
    cmpw $div_here, 2(%bp)
    expect 100, e
    pop %bp
    mov $1, %cx
    iret
far_function:
    mov $0x77, %bl
    lret
outside:
    add $0x100, %si
    iret
