# SPDX-License-Identifier: MIT
# SYSCALL and SYSRET: flags, FMASK, disabled, from the wrong level, addresses that are not canonical, compatibility mode;
# IRETQ to what is not canonical. AMD: the processor has SYSCALL and SYSRET as AMD's do, else as Intel's.
.include "faults64.inc"
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x20, 1, 0
.code64
fault_entries 6, 12, 13, 14
.set USER, 0x200000
long_mode:
    flat_segments
.irp vector, 6, 12, 13, 14
    set_gate \vector, fault_\vector, 0x8e, 1
.endr
    load_tss
    set_msr 0xc0000081, 0x00330008, 0
    set_msr 0xc0000082, 0, in_kernel
    set_msr 0xc0000083, 0, in_kernel_32
    set_msr 0xc0000084, 0, 0x40600   # IF, DF, AC

    # there and back; RF does not come back, VM cannot
    mov $9f + USER, %rcx
    mov $0x270ed7, %r11
    mov $0x5000 + USER, %rsp
    sysretq
9:  pushf
    pop %rax
    cld
    expect_eq 3, $0x240ed7, %eax
    mov %cs, %eax
    expect_eq 1, $0x43, %eax
    mov %ss, %eax
    expect_eq 2, $0x3b, %eax
    mov $0x5000 + USER, %rsp
    pushq $0x240ed7
    popf
    movq $9f, kernel_goes_to + USER
    syscall
after_syscall:
    ud2
9:  cmp $after_syscall + USER, %rcx
    expect 4, e
    and $0x240fd7, %r11
    cmp $0x240ed7, %r11
    expect 5, e
    mov seen_flags, %eax
    test $0x40600, %eax
    expect 6, z
    test $1, %eax
    expect 7, nz
    test $0x3000, %eax
    expect 8, z
    mov %cs, %eax
    expect_eq 9, $8, %eax
    mov %ss, %eax
    expect_eq 10, $0x10, %eax
    cmp $0x5000 + USER, %rsp
    expect 11, e
    mov $0x7000, %rsp
    cld

    # SYSRET is for the kernel
    movl $-1, seen
    movq $9f, resume
    mov $8f + USER, %rcx
    mov $2, %r11
    sysretq
8:  sysretq
    ud2
9:  expect_eq 12, $13, seen
    mov $8b + USER, %rax
    cmp %rax, seen_ip
    expect 13, e

    # to an address that is not canonical: Intel's processors fault in the kernel, AMD's as users
    movl $-1, seen
    movl $-1, seen_error
    movq $9f, resume
    mov $0x800000000000, %rcx
    mov $2, %r11
8:  sysretq
9:  expect_eq 14, $13, seen
    expect_eq 15, $0, seen_error
.if AMD
    mov $0x800000000000, %rax
    expect_eq 16, $0x43, seen_cs
.else
    mov $8b, %rax
    expect_eq 16, $8, seen_cs
.endif
    cmp %rax, seen_ip
    expect 17, e
    flat_segments

    # IRETQ to one
    movl $-1, seen
    movq $9f, resume
    pushq $0x3b
    pushq $0x5000 + USER
    pushq $2
    pushq $0x43
    mov $0x800000000000, %rax
    push %rax
    iretq
9:  expect_eq 18, $13, seen
    flat_segments
    # a stack that is not canonical is the user's matter
    movl $-1, seen
    movq $9f, resume
    mov $8f + USER, %rcx
    mov $2, %r11
    mov $0x8000000000000000, %rsp
    sysretq
8:  push %rax
9:  expect_eq 19, $12, seen
    mov $8b + USER, %rax
    cmp %rax, seen_ip
    expect 20, e
    flat_segments

    # compatibility mode
    mov $9f + USER, %rcx
    mov $2, %r11
    sysretl
.code32
9:  mov %cs, %eax
    cmp $0x33, %ax
    expect 21, e
    movl $8f, kernel_goes_to + USER
    movl $8f, resume + USER
    movl $-1, seen + USER
    mov $0x5000 + USER, %esp
7:  syscall
    ud2
.code64
8:
.if AMD
    expect_eq 22, $1, from_32
    cmp $7b + 2 + USER, %rcx
    expect 23, e
.else
    expect_eq 22, $6, seen
.endif
    flat_segments

    # disabled
    mov $0xc0000080, %ecx
    rdmsr
    and $~1, %eax
    wrmsr
    movl $0, seen_error
    expect_fault 24, 6, 0, syscall
    expect_fault 25, 6, 0, sysretq
    end 0
in_kernel:
    pushf
    popq seen_flags
    jmp *kernel_goes_to
in_kernel_32:
    movl $1, from_32
    jmp *kernel_goes_to

begin_gdt
    .quad 0
    .quad 0
    .quad 0
    segment 0, 0x67, 0x89, 0
    .quad 0
    segment 0, 0xfffff, 0xfa, 0xa
fault_data
kernel_goes_to: .quad 0
seen_flags: .quad 0
from_32: .long 0
.balign 16
tss: .fill 104, 1, 0
