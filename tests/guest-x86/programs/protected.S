# SPDX-License-Identifier: MIT
# Protected mode: segments and their faults, paging, privilege levels through gates, task switches, virtual 8086 mode.
.include "protected.inc"
start_program
    movw $tss, gdt + 0x32
    movw $tss2, gdt + 0x4a
    enter_protected_mode

.code32
fault_entries 0, 6, 11, 12, 13, 14

protected:
    flat_segments
    set_fault_gates 0, 6, 11, 12, 13, 14

    # segment faults
    expect_fault 1, 6, -1, ud2
    mov $0x100, %ax
    expect_fault 2, 13, 0x100, mov %ax, %es
    mov $0x18, %ax
    expect_fault 3, 11, 0x18, mov %ax, %es
    mov $0x20, %ax
    mov %ax, %es
    movb $1, %es:0xfff
    expect_fault 4, 13, 0, movb $1, %es:0x1000
    expect_fault 5, 13, 0, movw $1, %es:0xfff
    mov $8, %ax
    expect_fault 6, 13, 8, mov %ax, %ss
    mov $8, %ax
    mov %ax, %es
    expect_fault 7, 13, 0, movb $1, %es:0x1000
    xor %ax, %ax
    mov %ax, %es
    expect_fault 8, 13, 0, movb %es:0x1000, %al
    mov $0x28, %ax
    mov %ax, %es                 # expand-down: offsets above 0xfff
    movb $1, %es:0x1000
    expect_fault 9, 13, 0, movb $1, %es:0xfff
    mov $0x10, %ax
    mov %ax, %es
    expect_fault 10, 13, 0x4fa, int $0x9f

    # where nothing answers, reads find ones and writes are lost
    movl $0, 0x0e000000
    expect_eq 60, $-1, 0x0e000000
    expect_eq 61, $-1, 0x0e000ffe      # across pages of it
    mov $0x9000, %dx
    out %eax, %dx
    xor %eax, %eax
    in %dx, %ax
    expect_eq 62, $0xffff, %eax
    in %dx, %eax
    expect_eq 63, $-1, %eax
    mov $0x12345600, %eax
    in $0xfe, %al
    expect_eq 64, $0x123456fe, %eax

    # LAR, LSL, VERR, VERW
    mov $0x20, %cx
    lsl %ecx, %eax
    expect 11, z
    expect_eq 12, $0xfff, %eax
    lar %ecx, %eax
    expect_eq 13, $0x409300, %eax
    mov $8, %cx
    verw %cx
    expect 14, nz
    verr %cx
    expect 15, z
    mov $0x1000, %cx
    lsl %ecx, %eax
    expect 16, nz

    # paging: 4 MiB pages for all, then one table
    movl $0x83, 0x20000
    movl $0x22000 + 3, 0x20004
    mov %cr4, %eax
    or $0x10, %eax
    mov %eax, %cr4
    mov $0x20000, %eax
    mov %eax, %cr3
    mov %cr0, %eax
    or $0x80010000, %eax
    mov %eax, %cr0
    movl $0x30003, 0x22000       # 0x400000 is 0x30000
    movl $0x12345678, 0x30010
    expect_eq 17, $0x12345678, 0x400010
    testl $0x20, 0x22000         # accessed, not dirty
    expect 18, nz
    testl $0x40, 0x22000
    expect 19, z
    movl $1, 0x400010
    testl $0x40, 0x22000
    expect 20, nz
    expect_fault 21, 14, 0, movl 0x401000, %eax
    mov %cr2, %eax
    expect_eq 22, $0x401000, %eax
    expect_fault 23, 14, 2, movl %eax, 0x401ffc
    movl $0x31001, 0x22004       # read only
    expect_fault 24, 14, 3, movl %eax, 0x401ffc
    movl 0x401ffc, %eax
    # a store across pages faults before any of it is done
    movl $-1, 0x30ffc
    expect_fault 25, 14, 3, movl $0, 0x400ffe
    expect_eq 26, $-1, 0x30ffc
    # INVLPG
    movl $0x32003, 0x22000
    movl $0x77, 0x32010
    invlpg 0x400010
    expect_eq 27, $0x77, 0x400010
    # a page changes its place with CR3
    movl $0x30003, 0x22000
    mov %cr3, %eax
    mov %eax, %cr3
    expect_eq 28, $1, 0x400010

    # tasks
    movl $0x7000, tss + 4
    movl $0x10, tss + 8
    movl $0x20000, tss + 28
    mov $0x30, %ax
    ltr %ax
    expect_fault 29, 13, 0x30, ltr %ax

    # to level 3 and back through a call gate and an interrupt gate
    set_gate 0x80, from_user, 0xee, 8
    mov $gate_function, %eax
    mov %ax, gdt + 0x58
    movw $8, gdt + 0x5a
    movw $0xec01, gdt + 0x5c     # one parameter
    shr $16, %eax
    mov %ax, gdt + 0x5e
    movl $0x87, 0x20000          # users may
    mov %cr3, %eax
    mov %eax, %cr3
    pushl $0x43
    pushl $0x6000
    pushl $0x3202                # IOPL 3
    pushl $0x3b
    pushl $user
    iret
user:
    mov $0x43, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %cs, %ax
    expect_eq 30, $0x3b, %ax
    pushl $0x1357
    lcall $0x5b, $0
    expect_eq 31, $0x2468, %eax
    expect_eq 32, $0x6000, %esp
    int $0x80
from_user:
    mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %es
    expect_eq 33, $0x43, 16(%esp)
    expect_eq 34, $0x6000, 12(%esp)
    mov $0x7000, %esp

    # a task switch by CALL, back by IRET
    movl $task, tss2 + 32
    movl $2, tss2 + 36
    movl $0x5000, tss2 + 56
    movl $0x20000, tss2 + 28
    movl $0x10, tss2 + 72
    movl $8, tss2 + 76
    movl $0x10, tss2 + 80
    movl $0x10, tss2 + 84
    movl $0xdead, tss2 + 40
    mov $0x1234, %edi
    xor %ebx, %ebx
    lcall $0x48, $0
    expect_eq 35, $0x1234, %edi
    expect_eq 36, $0xdead, task_eax
    expect_eq 37, $0x30, tss2
    str %ax
    expect_eq 38, $0x30, %ax
    clts

    # virtual 8086 mode; INT comes to the monitor because IOPL is below 3
    set_gate 13, monitor
    movl $0x7000, tss + 4
    pushl $0                     # GS, FS, DS, ES
    pushl $0
    pushl $0x200
    pushl $0
    pushl $0                     # SS
    pushl $0x4000
    pushl $0x20202               # VM, IF
    pushl $0
    pushl $v86
    movl $0xbeef, 0x2010
    iret
monitor:
    pop %eax
    expect_eq 39, $0, %eax
    testl $0x20000, 8(%esp)
    expect 40, nz
    expect_eq 41, $v86_int, (%esp)
    expect_eq 42, $0xbeef, %bx
    expect_eq 43, $0x200, 24(%esp)
    mov %ds, %ax
    expect_eq 44, $0, %ax
    mov $0x10, %ax
    mov %ax, %ds
    # back to real mode
    mov $0x7000, %esp
    ljmp $0x60, $to_real
gate_function:
    expect_eq 50, $0x1357, 8(%esp)
    expect_eq 51, $0x3b, 4(%esp)
    mov $0x2468, %eax
    lret $4
task:
    mov %eax, task_eax
    pushf
    pop %eax
    test $0x4000, %eax           # NT
    expect 52, nz
    str %ax
    expect_eq 53, $0x48, %ax
    iret

.code16
v86:
    mov 0x10, %bx                # through DS = 0x200
v86_int:
    int $0x21
to_real:
    mov %cr0, %eax
    and $0x7ffffffe, %eax
    mov %eax, %cr0
    ljmp $0, $real
real:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    end 0

begin_gdt
    segment 0, 0xfffff, 0x12, 0xc    # 18 not present
    segment 0, 0xfff, 0x92, 0x4      # 20 one page
    segment 0, 0xfff, 0x96, 0x4      # 28 expand-down
    segment 0, 0x67, 0x89, 0         # 30, its base comes later
    segment 0, 0xfffff, 0xfa, 0xc    # 38 user code
    segment 0, 0xfffff, 0xf2, 0xc    # 40 user data
    segment 0, 0x67, 0x89, 0         # 48
    .quad 0
    .quad 0                          # 58 call gate
    segment 0, 0xffff, 0x9a, 0       # 60 16-bit code
fault_data 0x81
task_eax: .long 0
.balign 16
tss: .fill 104, 1, 0
tss2: .fill 104, 1, 0
