# SPDX-License-Identifier: MIT
# Two processes that take turns (tests/base/stop-cases.h): the same page of code at WORK, pages of their own at COUNTER. Each has as
# many slices as SLICES says. EBX is the number of the process.
.include "faults64.inc"
.set SLICES, 0x60000
.set WORK, 0x200000
.set COUNTER, 0x201000
.set SLICE, 100
.set IN_KERNEL, 0x80
.set TABLES, 0x30000                  # of process 1 at 0x40000, of process 2 at 0x50000, 16 KiB each
.set OWN_PAGE, 0x34000
.macro space process
    .set tables, TABLES + \process * 0x10000
    movq $tables + 0x1007, tables
    movq $tables + 0x2007, tables + 0x1000
    movq $0x83, tables + 0x2000
    movq $tables + 0x3007, tables + 0x2008
    mov $work_page + 5, %eax
    mov %rax, tables + 0x3000
    movq $OWN_PAGE + \process * 0x10000 + 7, tables + 0x3008
    movq $0, OWN_PAGE + \process * 0x10000
.endm
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x20, 1, 0
.code64
.org _start + 0x400
fault_entries 6
.set INTERRUPT, 0x1000                # where nothing is
long_mode:
    flat_segments
    set_gate 6, fault_6, 0x8e, 1
    set_gate 32, INTERRUPT
    load_tss
    set_msr 0xc0000081, 0x00330008, 0
    space 1
    space 2
    mov $1, %ebx
    mov SLICES, %ebp
    mov $TABLES + 0x10000, %eax
    mov %rax, %cr3

slice:
    movq $9f, resume
    mov $WORK, %ecx
    mov $2, %r11d
    sysretq
9:  flat_segments
    expect_eq 1, $6, seen
    or $IN_KERNEL, %ebx
    mov $1, %ecx
    mov $8f, %esi
    mov $WORK + (work - work_page), %eax
    jmp *%rax
8:  and $~IN_KERNEL, %ebx
    xor $3, %ebx
    mov %ebx, %eax
    shl $16, %eax
    add $TABLES, %eax
    mov %rax, %cr3
    cmp $2, %ebx
    je slice
    dec %ebp
    jnz slice

    mov SLICES, %eax
    imul $SLICE + 1, %rax
    cmp OWN_PAGE + 0x10000, %rax
    expect 2, e
    cmp OWN_PAGE + 0x20000, %rax
    expect 3, e
    end 0

.org _start + 0x1400                  # the start of a page
work_page:
    mov $SLICE, %ecx
    lea 7f(%rip), %rsi
    jmp work
7:  ud2
.org work_page + 0x20
work:                                 # ECX times
    mov $COUNTER, %edi
1:  mov (%rdi), %rax
    inc %rax
    mov %rax, (%rdi)
    dec %ecx
    jnz 1b
    jmp *%rsi

begin_gdt
    .quad 0
    .quad 0
    .quad 0
    segment 0, 0x67, 0x89, 0
    .quad 0
    segment 0, 0xfffff, 0xfa, 0xa
fault_data 0x21
.balign 16
tss: .fill 104, 1, 0
