# SPDX-License-Identifier: MIT
# 32-bit protected mode: segments and their faults, what is where nothing answers, paging, the way back to real mode.
.include "protected.inc"
start_program
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

    # addresses are taken modulo 4 GiB
    movl $0x1234, 0x5010
    movl $0x5678, 0x5014
    mov $0xfffffff0, %ebx
    jmp 1f                             # what is known of it is forgotten
1:  mov 0x5020(%ebx), %eax
    mov 0x5024(%ebx), %ecx
    expect_eq 70, $0x1234, %eax
    expect_eq 71, $0x5678, %ecx
    addl $1, 0x5020(%ebx)
    expect_eq 72, $0x1235, 0x5010
    lock incl 0x5024(%ebx)
    expect_eq 73, $0x5679, 0x5014
    mov $0x10, %ebx
    jmp 1f
1:  mov -0x20(%ebx), %eax              # nothing is at 0xfffffff0
    expect_eq 74, $-1, %eax

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
    enable_paging 0x20000
    mov %cr0, %eax
    or $0x10000, %eax            # WP
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

    # a TSS is not loaded twice
    mov $0x30, %ax
    ltr %ax
    expect_fault 29, 13, 0x30, ltr %ax

    # back to real mode
    ljmp $0x38, $to_real
.code16
to_real:
    cmpb $0x9b, gdt + 0x38 + 5   # accessed
    expect 31, e
    mov %cr0, %eax
    and $0x7ffffffe, %eax
    mov %eax, %cr0
    ljmp $0, $real
real:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x50, %ax
    mov %ax, %es
    movw $0x1234, %es:0x10
    expect_eq 30, $0x1234, 0x510
    end 0

begin_gdt
    segment 0, 0xfffff, 0x12, 0xc    # 18 not present
    segment 0, 0xfff, 0x92, 0x4      # 20 one page
    segment 0, 0xfff, 0x96, 0x4      # 28 expand-down
    segment 0, 0x67, 0x89, 0         # 30 TSS
    segment 0, 0xffff, 0x9a, 0       # 38 16-bit code
fault_data
