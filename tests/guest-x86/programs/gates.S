# SPDX-License-Identifier: MIT
# Call gates from level 3 to levels 0 and 1: new stacks with parameters, 32-bit and 16-bit, conforming code, returns to the
# outer level, refused gates and stacks. Expand-down segments at level 3, so that their faults find a good stack.
.include "protected.inc"
.set USER_CODE, 0x1b
.set USER_DATA, 0x23
.set TSS, 0x28
.set TO_0, 0x33                      # 32-bit, 3 parameters
.set TO_0_16, 0x3b                   # 16-bit, 2 parameters
.set TO_1, 0x43                      # 1 parameter
.set TO_CONFORMING, 0x4b
.set FOR_0, 0x53                     # a gate of level 0
.set ABSENT, 0x5b
.set TO_ABSENT, 0x63
.set CODE_1, 0x68
.set DATA_1, 0x70
.set CONFORMING, 0x78
.set ABSENT_CODE, 0x80
.set DOWN32, 0x8b
.set DOWN16, 0x93
.set TINY_STACK, 0x98
.set UP16, 0xa3
start_program
    enter_protected_mode
.code32
fault_entries 10, 11, 12, 13
.macro gate selector, code, target, type, parameters
    mov $\target, %eax
    mov %ax, gdt + (\selector & ~7)
    movw $\code, gdt + (\selector & ~7) + 2
    movw $(\type << 8 | \parameters), gdt + (\selector & ~7) + 4
    shr $16, %eax
    mov %ax, gdt + (\selector & ~7) + 6
.endm

protected:
    flat_segments
    set_fault_gates 10, 11, 12, 13
    set_gate 0x30, to_kernel, 0xee, 8
    gate TO_0, 8, in_0, 0xec, 3
    gate TO_0_16, 8, in_0_16, 0xe4, 2
    gate TO_1, CODE_1, in_1, 0xec, 1
    gate TO_CONFORMING, CONFORMING, in_conforming, 0xec, 2
    gate FOR_0, 8, in_0, 0x8c, 0
    gate ABSENT, 8, in_0, 0x6c, 0
    gate TO_ABSENT, ABSENT_CODE, in_0, 0xec, 0
    set_base TSS, tss
    movl $0x6000, tss + 4
    movl $0x10, tss + 8
    movl $0x5000, tss + 12
    movl $DATA_1 + 1, tss + 16
    mov $TSS, %ax
    ltr %ax
    mov %esp, %ebp
    pushl $USER_DATA
    pushl $0x4000
    pushl $0x3002
    pushl $USER_CODE
    pushl $user
    iret
user:
    mov $USER_DATA, %ax
    mov %ax, %ds
    mov %ax, %es

    # to level 0 with three parameters
    pushl $0x11
    pushl $0x22
    pushl $0x33
    lcall $TO_0, $0x12345
behind:
    expect_eq 1, $0x4000, %esp
    expect_eq 2, $0x600d, %eax
    mov %cs, %ax
    expect_eq 3, $USER_CODE, %ax
    mov %fs, %ax                     # it was of level 0
    expect_eq 4, $0, %ax
    mov %gs, %ax
    expect_eq 5, $USER_DATA, %ax
    # 16-bit
    pushw $0x44
    pushw $0x55
    lcall $TO_0_16, $0
    expect_eq 6, $0x4000, %esp
    # level 1
    pushl $0x66
    lcall $TO_1, $0
    expect_eq 7, $0x4000, %esp
    # conforming code stays at level 3, on its stack
    lcall $TO_CONFORMING, $0
    expect_eq 8, $0x4000, %esp

    # refused
    expect_fault 10, 13, FOR_0 & ~3, lcall $FOR_0, $0
    expect_fault 11, 11, ABSENT & ~3, lcall $ABSENT, $0
    expect_fault 12, 11, ABSENT_CODE, lcall $TO_ABSENT, $0
    expect_fault 13, 13, 8, ljmp $TO_0, $0
    expect_fault 14, 13, 8, lcall $8, $in_0
    expect_fault 15, 13, 8, ljmp $8, $in_0
    # the stacks of the TSS
    movl $0, tss + 16
    expect_fault 16, 10, 0, lcall $TO_1, $0
    movl $0x10, tss + 16
    expect_fault 17, 10, 0x10, lcall $TO_1, $0
    movl $DATA_1, tss + 16           # RPL 0
    expect_fault 18, 10, DATA_1, lcall $TO_1, $0
    movl $TINY_STACK + 1, tss + 16
    movl $0x10, tss + 12             # room for four
    expect_fault 19, 12, TINY_STACK, lcall $TO_1, $0
    movl $0x14, tss + 12
    movl $0x77, -4(%esp)
    movl $DATA_1 + 1, tss + 16
    movl $0x5000, tss + 12
    # a return to an inner level
    pushl $8
    pushl $in_0
    expect_fault 20, 13, 8, lret
    add $8, %esp

    # expand-down: offsets above the limit
    mov $DOWN32, %ax
    mov %ax, %es
    movb $1, %es:0x2000
    expect_fault 30, 13, 0, movb $1, %es:0x1fff
    expect_fault 31, 13, 0, movl $1, %es:0x1ffe
    mov %es:0xfffffffc, %eax
    expect_fault 32, 13, 0, mov %es:0xfffffffd, %eax
    mov $DOWN16, %ax
    mov %ax, %es
    movw $1, %es:0xfffe
    movw $1, %es:0x1000
    expect_fault 33, 13, 0, movb $1, %es:0xfff
    expect_fault 34, 13, 0, movw $1, %es:0xffff
    expect_fault 35, 13, 0, movb $1, %es:0x10000
    # a string runs into the limit from above
    mov $0x1003, %edi
    mov $8, %ecx
    std
    expect_fault 36, 13, 0, rep stosb
    cld
    expect_eq 37, $4, %ecx
    expect_eq 38, $0xfff, %edi
    # and into the end from below
    mov $0xfffc, %edi
    mov $8, %ecx
    expect_fault 39, 13, 0, rep stosb
    expect_eq 40, $4, %ecx
    expect_eq 41, $0x10000, %edi

    # as stacks
    mov %esp, %ebp
    mov $DOWN32, %ax
    mov %ax, %ss
    mov $0x2004, %esp
    push %eax
    expect_fault 50, 12, 0, push %eax
    cmp $0x2000, %esp
    expect 51, e
    expect_fault 52, 12, 0, mov %ss:0x1fff, %al
    mov $0x1fff, %ecx
    expect_fault 53, 13, 0, movb $1, %es:0xfff
    mov $0xfffffffe, %esp
    expect_fault 54, 12, 0, pop %eax
    cmp $0xfffffffe, %esp
    expect 55, e
    mov $DOWN16, %ax
    mov %ax, %ss
    mov $0x55551002, %esp            # SP counts, the upper half stays
    pushw %ax
    cmp $0x55551000, %esp
    expect 57, e
    expect_fault 58, 12, 0, pushw %ax
    movw $0xfffe, %sp
    popw %ax
    cmp $0, %esp                     # it wraps; the fault's IRET left the handler's upper half
    expect 59, e
    expect_fault 60, 12, 0, popw %ax
    mov $0x3000, %ebp
    mov %ss:(%ebp), %al
    mov $0xfff, %ebp
    expect_fault 61, 12, 0, mov (%ebp), %al
    # an ordinary 16-bit stack: pushes wrap below zero
    mov $UP16, %ax
    mov %ax, %ss
    mov $2, %esp
    pushw %ax
    pushw %ax
    cmp $0xfffe, %esp
    expect 62, e
    movw $1, %sp
    expect_fault 63, 12, 0, pushw %ax
    # an interrupt gate pushes what it comes from
    int $0x30
to_kernel:
    mov 4(%esp), %ax
    expect_eq 64, $USER_CODE, %ax
    expect_eq 65, $1, 12(%esp)
    mov 16(%esp), %ax
    expect_eq 66, $UP16, %ax
    expect_eq 67, $0x6000-20, %esp
    end 0

in_0:
    mov %ss, %ax
    expect_eq 70, $0x10, %ax
    expect_eq 71, $0x6000-28, %esp
    expect_eq 72, $behind, (%esp)
    expect_eq 73, $USER_CODE, 4(%esp)
    expect_eq 74, $0x33, 8(%esp)
    expect_eq 75, $0x22, 12(%esp)
    expect_eq 76, $0x11, 16(%esp)
    expect_eq 77, $0x3ff4, 20(%esp)
    expect_eq 78, $USER_DATA, 24(%esp)
    mov $0x10, %ax
    mov %ax, %fs
    mov $USER_DATA, %ax
    mov %ax, %gs
    mov $0x600d, %eax
    lret $12
in_0_16:
    expect_eq 80, $0x6000-12, %esp
    cmpw $USER_CODE, 2(%esp)
    expect 81, e
    cmpw $0x55, 4(%esp)
    expect 82, e
    cmpw $0x44, 6(%esp)
    expect 83, e
    cmpw $0x3ffc, 8(%esp)
    expect 84, e
    lretw $4
in_1:
    mov %cs, %ax
    expect_eq 85, $CODE_1 + 1, %ax
    mov %ss, %ax
    expect_eq 86, $DATA_1 + 1, %ax
    expect_eq 87, $0x66, 8(%esp)
    expect_eq 88, $0x5000-20, %esp
    lret $4
in_conforming:
    mov %cs, %ax
    expect_eq 89, $CONFORMING + 3, %ax
    expect_eq 90, $0x4000-8, %esp
    lret

begin_gdt
    segment 0, 0xfffff, 0xfa, 0xc    # 18
    segment 0, 0xfffff, 0xf2, 0xc    # 20
    segment 0, 0x67, 0x89, 0         # 28
    .fill 7, 8, 0                    # 30 to 60: gates
    segment 0, 0xfffff, 0xba, 0xc    # 68
    segment 0, 0xfffff, 0xb2, 0xc    # 70
    segment 0, 0xfffff, 0x9e, 0xc    # 78
    segment 0, 0xfffff, 0x1a, 0xc    # 80
    segment 0, 0x1fff, 0xf6, 0x4     # 88
    segment 0, 0xfff, 0xf6, 0        # 90
    segment 0x3000, 0xffff, 0xb2, 0x4 # 98
    segment 0x40000, 0xffff, 0xf2, 0 # a0
fault_data 0x31
.balign 16
tss: .fill 104, 1, 0
