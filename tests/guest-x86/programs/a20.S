# SPDX-License-Identifier: MIT
# The A20 gate, bit 1 of port 0x92: while it is closed, the second MiB is the first, for data, code, page tables and what is
# reached through them.
.include "protected.inc"
.macro gate value
    mov $\value, %al
    out %al, $0x92
.endm
start_program
    mov $0xffff, %ax
    mov %ax, %es
    gate 2
    movw $0x1111, 0x500
    movw $0x2222, %es:0x510          # 1 MiB + 0x500
    expect_eq 1, $0x1111, 0x500
    gate 0
    expect_eq 2, $0x1111, %es:0x510
    movw $0x3333, %es:0x510
    expect_eq 3, $0x3333, 0x500
    gate 2
    expect_eq 4, $0x2222, %es:0x510
    # across the place where it wraps
    movb $0x77, 0
    movb $0x88, %es:0x10
    movb $0x66, %es:0x0f
    expect_eq 5, $0x8866, %es:0x0f
    gate 0
    expect_eq 6, $0x7766, %es:0x0f
    gate 2

    # code: mov $n, %bl; lret
    movl $0xcb01b3, 0x600
    movl $0xcb02b3, %es:0x610
    mov $3, %cx
calls:
    lcall $0xffff, $0x610
    expect_eq 7, $2, %bl
    gate 0
    lcall $0xffff, $0x610
    expect_eq 8, $1, %bl
    gate 2
    loop calls

    # with pages: 4 MiB is 1 MiB; tables at 0x20000, others at 0x120000
    enter_protected_mode
.code32
fault_entries 14
protected:
    flat_segments
    set_fault_gates 14
    movl $0x83, 0x20000
    movl $0x22003, 0x20004
    movl $0x100003, 0x22000
    movl $0x83, 0x120000
    movl $0x122003, 0x120004
    movl $0x5003, 0x122000
    enable_paging 0x120000
    movl $0x5555, 0x5500
    expect_eq 20, $0x5555, 0x400500
    mov $0x20000, %eax
    mov %eax, %cr3
    cmpw $0x2222, 0x400500
    expect 21, e
    gate 0
    movw $0x3333, 0x500
    cmpw $0x3333, 0x400500
    expect 22, e
    cmpw $0x3333, 0x100500
    expect 23, e
    # the tables themselves
    mov $0x120000, %eax
    mov %eax, %cr3
    cmpw $0x3333, 0x400500
    expect 24, e
    testl $0x20, 0x22000
    expect 25, nz
    gate 2
    expect_eq 26, $0x5555, 0x400500
    end 0

begin_gdt
fault_data
