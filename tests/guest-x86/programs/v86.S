# SPDX-License-Identifier: MIT
# Virtual 8086 mode: what IOPL allows, what it never allows, ports, interrupts out of it and the way back, limits. VME is
# not offered, so CR4 refuses it.
.include "protected.inc"
.set TSS, 0x18
start_program
    enter_protected_mode
.code32
# Out of virtual 8086 mode: notes what has come, and goes on at `resume` with the flat segments.
.macro v86_entry vector
from_v86_\vector:
    pop_error_code \vector, %ss:
    movl $\vector, %ss:seen
    jmp from_v86
.endm
.irp vector, 1, 3, 4, 6, 12, 13, 0x21
v86_entry \vector
.endr
from_v86:
    # the data segments are null
    mov %ds, %ax
    mov %es, %bx
    or %ebx, %eax
    mov %fs, %bx
    or %ebx, %eax
    mov %gs, %bx
    or %ebx, %eax
    mov %ax, %ss:seen_segments
    pop %eax
    mov %eax, %ss:seen_eip
    mov %esp, %ebx
    mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %es
    mov (%ebx), %eax
    mov %eax, seen_cs
    mov 4(%ebx), %eax
    mov %eax, seen_flags
    mov 8(%ebx), %eax
    mov %eax, seen_sp
    mov 12(%ebx), %eax
    mov %eax, seen_ss
    mov 16(%ebx), %eax
    mov %eax, seen_es
    mov 20(%ebx), %eax
    mov %eax, seen_ds
    mov 24(%ebx), %eax
    mov %eax, seen_fs
    mov 28(%ebx), %eax
    mov %eax, seen_gs
    jmp *resume
# An interrupt that goes back: EBX counts.
on_interrupt:
    mov %ds, %bp
    incl %ebx
    iret

# Runs code, which ends in what comes to vector with error, its EIP that of the label 4 where at = 1.
.macro v86 number, vector, error, iopl, instruction:vararg
    movl $-1, seen
    movl $-1, seen_error
    movl $5f, resume
    jmp 6f
.code16
4:  \instruction
    ud2
.code32
6:  pushl $0x5000                    # GS
    pushl $0x4000
    pushl $0x3000
    pushl $0x2000                    # ES
    pushl $0x1000                    # SS
    pushl $0x800
    pushl $0x20002 | \iopl << 12
    pushl $0
    pushl $4b
    iret
5:  expect_eq \number, $\vector, seen
    cmpl $\error, seen_error
    expect \number, e
    cmpl $4b, seen_eip
.endm
.macro v86_at number, vector, error, iopl, instruction:vararg
    v86 \number, \vector, \error, \iopl, \instruction
    expect \number, e
.endm
.macro v86_behind number, vector, error, iopl, instruction:vararg
    v86 \number, \vector, \error, \iopl, \instruction
    expect \number, a
.endm

protected:
    flat_segments
    set_gate 1, from_v86_1
    set_gate 3, from_v86_3, 0xee, 8
    set_gate 4, from_v86_4, 0xee, 8
    set_gate 6, from_v86_6
    set_gate 12, from_v86_12
    set_gate 13, from_v86_13
    set_gate 0x20, from_v86_0x21
    set_gate 0x21, from_v86_0x21, 0xee, 8
    set_gate 0x22, from_v86_0x21, 0xee, 0x20
    set_gate 0x50, on_interrupt
    set_base TSS, tss
    movl $0x7000, tss + 4
    movl $0x10, tss + 8
    movw $104, tss + 102
    movb $0xfe, tss + 104 + 12       # port 0x60 only
    mov $TSS, %ax
    ltr %ax

    # IOPL 0
    v86_at 1, 13, 0, 0, cli
    v86_at 2, 13, 0, 0, sti
    v86_at 3, 13, 0, 0, pushf
    v86_at 4, 13, 0, 0, popf
    v86_at 5, 13, 0, 0, int $0x21
    v86_at 6, 13, 0, 0, iret
    v86_at 7, 13, 0, 0, pushfl
    # what was where
    expect_eq 8, $0x5000, seen_gs
    expect_eq 9, $0x4000, seen_fs
    expect_eq 10, $0x3000, seen_ds
    expect_eq 11, $0x2000, seen_es
    expect_eq 12, $0x1000, seen_ss
    expect_eq 13, $0x800, seen_sp
    expect_eq 14, $0, seen_cs
    cmpw $0, seen_segments
    expect 15, e
    mov seen_flags, %eax
    and $0x23000, %eax
    expect_eq 16, $0x20000, %eax
    # these do not ask IOPL
    v86_behind 17, 3, -1, 0, int3
    .macro overflow
    mov $0x7f, %al
    inc %al
    into
    .endm
    v86_behind 18, 4, -1, 0, overflow

    # IOPL 3
    .macro sti_cli
    sti
    pushf
    pop %ax
    cli
    pushf
    pop %bx
    and $0x7200, %ax
    and $0x7200, %bx
    .endm
    v86_behind 20, 6, -1, 3, sti_cli
    testl $0x3200, seen_flags
    expect 21, nz
    .macro change_iopl
    pushw $0x0002
    popf
    pushf
    pop %ax
    int $0x21
    .endm
    v86_behind 22, 0x21, -1, 3, change_iopl
    mov seen_flags, %eax
    and $0x23000, %eax
    expect_eq 23, $0x23000, %eax
    v86_at 24, 13, 0x20*8 + 2, 3, int $0x20      # a gate of level 0
    v86_at 25, 13, 0x20, 3, int $0x22            # a handler of level 3
    .macro real_iret
    pushw $0x3202
    pushw $0
    push $1f
    iret
    ud2
1:  ud2
    .endm
    v86_behind 26, 6, -1, 3, real_iret
    testl $0x200, seen_flags
    expect 27, nz

    # never
    v86_at 30, 13, 0, 3, hlt
    v86_at 31, 13, 0, 3, mov %cr0, %eax
    v86_at 32, 13, 0, 3, clts
    v86_at 33, 13, 0, 3, lmsw %ax
    v86_at 34, 13, 0, 3, lgdt 0
    v86_at 35, 13, 0, 3, rdmsr
    v86_at 36, 6, -1, 3, lldt %ax
    v86_at 37, 6, -1, 3, sldt %ax
    v86_at 38, 6, -1, 3, str %ax
    v86_at 39, 6, -1, 3, lar %ax, %ax
    v86_at 40, 6, -1, 3, verr %ax
    v86_at 41, 6, -1, 3, .byte 0x63, 0xc0        # ARPL

    # ports by the bitmap, whatever IOPL
    v86_behind 45, 6, -1, 3, in $0x60, %al
    v86_at 46, 13, 0, 3, in $0x61, %al
    v86_at 47, 13, 0, 3, in $0x60, %ax
    v86_at 48, 13, 0, 3, insb

    # segments are sixteen times the selector
    movl $0xbeef, 0x30010
    .macro read_data
    mov 0x10, %ecx
    int $0x21
    .endm
    v86_behind 49, 0x21, -1, 3, read_data
    expect_eq 52, $0xbeef, %ecx

    # 64 KiB a segment
    .macro far_read
    mov $0xffff, %ebx
    mov (%ebx), %al
    mov (%ebx), %ax
    .endm
    v86_behind 50, 13, 0, 3, far_read
    .macro far_stack
    mov $0x10000, %ebp
    mov (%ebp), %al
    .endm
    v86_behind 51, 12, 0, 3, far_stack

    # an interrupt from outside, and IRET back; the segments are as before
    movb $0, tss + 104 + 0x1e        # ports 0xf0 to 0xf7
    .macro outside
    xor %bx, %bx
    mov $0x50, %al
    out %al, $0xf5
    sti
    nop
    nop
    mov %ds, %cx
    mov %gs, %dx
    cli
    .endm
    v86_behind 60, 6, -1, 3, outside
    cmp $0x3000, %cx
    expect 61, e
    cmp $0x5000, %dx
    expect 62, e
    cmp $0, %bp
    expect 63, e
    expect_eq 64, $0x800, seen_sp

    # single steps in it
    .macro steps
    pushw $0x3102
    popf
    nop
    nop
    .endm
    v86_behind 65, 1, -1, 3, steps

    # CR4.VME and PVI as CPUID says
    mov $1, %eax
    cpuid
    test $2, %dl
    expect 70, z
    set_fault_gates 13
    mov %cr4, %eax
    or $1, %eax
    expect_fault 71, 13, 0, mov %eax, %cr4
    mov %cr4, %eax
    or $2, %eax
    expect_fault 72, 13, 0, mov %eax, %cr4
    end 0
fault_entries 13

begin_gdt
    segment 0, 0x88, 0x89, 0         # 18
    segment 0, 0xfffff, 0xfa, 0xc    # 20
fault_data 0x51
seen_flags: .long 0
seen_cs: .long 0
seen_sp: .long 0
seen_ss: .long 0
seen_es: .long 0
seen_ds: .long 0
seen_fs: .long 0
seen_gs: .long 0
seen_segments: .word 0
.balign 16
tss: .fill 104, 1, 0
    .fill 0x21, 1, 0xff
