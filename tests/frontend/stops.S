# SPDX-License-Identifier: MIT
# Firmware of a PC for test-gdb-stops: it copies itself to LOW and goes from real mode by way of protected mode to 64-bit code, in
# which it counts, and ends the emulator. Labels are where the test stops and looks.
.set LOW, 0x8000
.set OTHER, LOW + 0x1000
.set TABLES, 0x10000

.code16
.globl _start
_start:
begin:
    xor %ax, %ax
    mov %ax, %ss
    mov $0x7000, %sp
    mov $3, %cx
real_loop:
    call real_function
    loop real_loop
    lcall $LOW / 16, $far_function - LOW
    # An interrupt that waits: the first PIC's input 0, from the timer.
    mov $0x11, %al
    out %al, $0x20
    mov $8, %al
    out %al, $0x21
    mov $4, %al
    out %al, $0x21
    mov $1, %al
    out %al, $0x21
    mov $0xfe, %al
    out %al, $0x21
    movw $tick, 8 * 4
    movw $0, 8 * 4 + 2
    mov $0x34, %al
    out %al, $0x43
    mov $0xa9, %al
    out %al, $0x40
    mov $4, %al
    out %al, $0x40
    mov $0xa, %al
    out %al, $0x20
real_poll:
    in $0x20, %al
    test $1, %al
    jz real_poll
pending:
    sti
    nop
    nop
    nop
pending_still:
    cmpw $0, ticks
    je pending_still
    cli
    mov $0xff, %al
    out %al, $0x21
real_end:
    lgdtl table_of_segments
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $CODE32, $protected
real_function:
    incw real_count
real_counted:
    ret
far_function:
    lret
tick:
    incw ticks
    push %ax
    mov $0x20, %al
    out %al, $0x20
    pop %ax
    iret

.code32
protected:
    mov $FLAT, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $4, %ecx
protected_loop:
    incl protected_count
protected_counted:
    dec %ecx
    jnz protected_loop
protected_end:
    cmpb $0, start_other
    je alone
    movl $0xc4500, 0xfee00300 # INIT for all others
    movl $0xc4600 + OTHER / 0x1000, 0xfee00300
wait:
    cmpl $4, other_count
    jb wait
alone:
    movl $TABLES + 0x1003, TABLES
    movl $TABLES + 0x2003, TABLES + 0x1000
    movl $0x83, TABLES + 0x2000
    mov %cr4, %eax
    or $0x20, %al
    mov %eax, %cr4
    mov $TABLES, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $1, %ah
    wrmsr
    mov %cr0, %eax
    bts $31, %eax
    mov %eax, %cr0
    ljmp $CODE64, $long

.code64
long:
    mov $0x7000, %esp
    xor %ebx, %ebx
    xor %r8d, %r8d
long_loop:
    inc %ebx
    call first
    call second
    call third
    call fourth
    call fifth
    call sixth
    cmp $10, %ebx
    jne long_loop
stores:
    movb $0x11, watched + 7
store_8:
    movq $0x1234567, watched
stored_8:
    mov watched, %rdx
loads:
    nop
    # A loop without a symbol of its own.
    mov $5, %ecx
.Lloop:
    add $2, %r9
    dec %ecx
    jnz .Lloop
    nop
last:
    # A breakpoint of the guest's own, which skips an instruction that makes the end another.
    lidt table_of_gates
    mov $own, %eax
    mov %rax, %dr0
    mov $0x402, %eax
    mov %rax, %dr7
    mov $5, %al
own:
    mov $6, %al
own_end:
    out %al, $0xf4
halt:
    cli
    hlt
    jmp halt
own_handler:
    mov $0x7000, %esp
    jmp own_end
first:
    inc %r8
    ret
second:
    add $2, %r8
    ret
third:
    add $3, %r8
    ret
fourth:
    add $4, %r8
    ret
fifth:
    add $5, %r8
    ret
sixth:
    add $6, %r8
    ret

.balign 8
segments:
.set CODE32, . - segments + 8
.set FLAT, CODE32 + 8
.set CODE64, CODE32 + 16
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00209b0000000000
segments_end:
table_of_segments:
    .word segments_end - segments - 1
    .long segments
gates:
    .quad 0, 0, 0x00008e0000000000 | CODE64 << 16 | (own_handler - begin + LOW), 0
gates_end:
table_of_gates:
    .word gates_end - gates - 1
    .quad gates
    .balign 8
watched:
    .quad 0
protected_count:
    .long 0
real_count:
    .word 0
ticks:
    .word 0
start_other: # set by the test
    .byte 0

# The other processor, if it is wanted.
.code16
.org OTHER - LOW
    xor %ax, %ax
    mov %ax, %ds
    ljmp $0, $other_loop # where QEMU's processors find breakpoints
other_loop:
    incl other_count
other_counted:
    jmp other_loop
    .balign 4
other_count:
    .long 0
end:

# The copier, at the end of the 64 KiB below 1 MiB.
.code16
.org 0xff00
    cld
    mov $0xf000, %ax
    mov %ax, %ds
    xor %ax, %ax
    mov %ax, %es
    xor %si, %si
    mov $LOW, %di
    mov $(end - begin + 1) / 2, %cx
copy:
    lodsw
    stosw
    loop copy
    mov %cx, %ds
    ljmp $0, $LOW
.org 0xfff0
    ljmp $0xf000, $0xff00
.org 0x10000
