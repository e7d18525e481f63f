# SPDX-License-Identifier: MIT
# A little of all, for engines that cannot do everything: KVM without the host's help emulates privileged code, with gaps. Real mode
# with ports, interrupts and halting; long mode with paging, faults and 64-bit arithmetic, which the end is computed from.
.include "faults64.inc"
.set HIGH, 0x121fa00ad77d7422                # of the product below
.set LOW, 0x35a1df76f0d5adf0
start_program
    # a million instructions: the sum of 1 to 300000
    mov $300000, %ecx
    xor %eax, %eax
1:  add %ecx, %eax
    dec %ecx
    jnz 1b
    expect_eq 1, $0x7a37cbf0, %eax

    # ports: what is read is the port's number
    in $0x42, %al
    expect_eq 2, $0x42, %al
    mov $0x1234, %dx
    in %dx, %al
    expect_eq 3, $0x34, %al

    # software interrupts
    set_vector 0x60, add_to_si
    xor %si, %si
    int $0x60
    expect_eq 4, $0x100, %si

    # one from outside, before and while the processor halts
    set_vector 0x61, add_to_si
    mov $0x61, %al
    out %al, $0xf5
    xor %si, %si
    sti
    hlt
    cli
    expect_eq 5, $0x100, %si
    # an NMI is taken at once
    set_vector 2, add_to_si
    xor %si, %si
    out %al, $0xf6
    nop
    expect_eq 6, $0x100, %si

    begin_tables
    map_2_mib
    movl $0x23007, %es:0x2010       # 4 MiB: a table
    movl $0x30003, %es:0x3000
    enter_long_mode 0x20, 0, 0x10000

add_to_si:
    add $0x100, %si
    iret

.code64
fault_entries 6, 13, 14

long_mode:
    flat_segments
    set_fault_gates 6, 13
    set_gate 14, fault_14, 0x8e, 1
    load_tss
    mov $0x123456789abcdef0, %rax
    mov $0xfedcba9876543211, %rcx
    mul %rcx
    mov $HIGH, %rbx
    expect_eq 7, %rbx, %rdx
    mov $LOW, %rbx
    expect_eq 14, %rbx, %rax
    mov %rax, 0x400000               # at 0x30000
    cmp 0x30000, %rax
    expect 8, e
    movl $0, seen_error
    expect_fault 9, 6, 0, ud2
    mov $0x800000000000, %rbx
    expect_fault 10, 13, 0, mov (%rbx), %al
    expect_fault 11, 14, 0, mov 0x600000, %al
    mov %cr2, %rax
    expect_eq 12, $0x600000, %rax
    set_msr 0xc0000082, 0xffffffff, 0x81234568
    mov $0xc0000082, %ecx
    rdmsr
    expect_eq 13, $0x81234568, %eax
    end 0

begin_gdt
    .quad 0
    .quad 0
    .quad 0
    segment 0, 0x67, 0x89, 0         # 30 TSS, 16 bytes
    .quad 0
fault_data
.balign 16
tss: .fill 104, 1, 0
