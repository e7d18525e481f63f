# SPDX-License-Identifier: MIT
# Debug registers in long mode: breakpoints on instructions and data, single steps, general detect, refused values.
.include "faults64.inc"
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x20, 0x800, 0

.code64
fault_entries 6, 13

# Counts, keeps DR6 and where it came from, and goes on with RF set.
on_debug:
    push %rax
    mov %dr6, %rax
    mov %eax, seen_dr6
    mov 8(%rsp), %rax
    mov %rax, seen_ip
    incl traps
    xor %eax, %eax
    mov %rax, %dr6
    btsl $16, 24(%rsp)
    pop %rax
    iretq

.macro expect_traps number, count, dr6
    cmpl $\count, traps
    expect \number, e
    mov seen_dr6, %eax
    and $0xe00f, %eax
    cmp $\dr6, %eax
    expect \number, e
    movl $0, traps
.endm
.macro enable value
    mov $\value, %rax
    mov %rax, %dr7
.endm

long_mode:
    flat_segments
    set_fault_gates 6, 13
    set_gate 1, on_debug
    mov $0x5000, %ebx
    mov %rbx, %dr1

    # an instruction, before it is done, once
    mov $stopped_at, %eax
    mov %rax, %dr0
    enable 0x402
    xor %ecx, %ecx
    nop
stopped_at:
    inc %ecx
    expect_eq 1, $1, %ecx
    expect_traps 2, 1, 1
    expect_eq 3, $stopped_at, seen_ip

    # a write of any size that touches it, behind the instruction; not a read
    enable 0x00d00408                # DR1: writes, 4 bytes
    mov (%rbx), %eax
    movb $1, 3(%rbx)
behind:
    expect_traps 4, 1, 2
    expect_eq 5, $behind, seen_ip
    movb $1, 4(%rbx)
    movb $1, -1(%rbx)
    movq $1, -4(%rbx)
    expect_traps 6, 1, 2
    push %rsp
    pop %rax
    lock incl (%rbx)
    expect_traps 7, 1, 2
    mov %cr4, %rax
    or $0x600, %rax
    mov %rax, %cr4
    movups %xmm0, -12(%rbx)
    expect_traps 8, 1, 2
    # a string of writes over it stops behind each element that hits
    mov $0x4f00, %edi
    mov $0x200, %ecx
    cld
rep_here:
    rep stosb
    expect_traps 9, 4, 2
    expect_eq 10, $0x5100, %edi
    expect_eq 28, $rep_here, seen_ip
    mov $0x4f04, %edi
    mov $0x40, %ecx
    rep stosl
rep_behind:
    expect_traps 29, 1, 2
    expect_eq 30, $rep_behind, seen_ip
    mov $0x5000, %esi
    mov $0x4800, %edi
    mov $3, %ecx
    rep movsl
    cmpl $0, traps
    expect 31, e
    # an instruction that faults does not trap
    movl $0, traps
    mov $0x800000000000, %rdx
    expect_fault 11, 13, 0, mov (%rdx), %al
    cmpl $0, traps
    expect 12, e
    # in a loop, each time
    mov $5, %ecx
again:
    movl %ecx, (%rbx)
    dec %ecx
    jnz again
    expect_traps 13, 5, 2

    # reads too
    enable 0x00b00408                # DR1: reads and writes, 8 bytes
    mov 7(%rbx), %al
    expect_traps 14, 1, 2
    mov 8(%rbx), %al
    cmpl $0, traps
    expect 15, e
    # MOV SS holds traps off for an instruction, and that instruction's breakpoint
    movl $0x10, (%rbx)
    movl $0, traps
    mov $behind_ss, %eax
    mov %rax, %dr0
    enable 0x00b0040a
    mov (%rbx), %ss
behind_ss:
    nop
trap_of_ss:
    expect_traps 26, 1, 2
    expect_eq 27, $trap_of_ss, seen_ip
    enable 0x400
    mov %al, (%rbx)
    cmpl $0, traps
    expect 16, e

    # single steps, with a breakpoint on the way
    enable 0x00d00408
    pushf
    btsl $8, (%rsp)
    popf
    nop
    movl $1, (%rbx)
    mov seen_dr6, %edx
    pushf
    btrl $8, (%rsp)
    popf
    and $0xe00f, %edx
    expect_eq 17, $0x4002, %edx
    expect_traps 18, 6, 0x4000
    enable 0x400

    # general detect
    enable 0x2400
    mov %dr0, %rax
    expect_traps 19, 1, 0x2000
    mov %dr7, %rax
    expect_eq 20, $0x400, %eax

    # DR4 and DR5 are others' names, or nothing
    mov %dr5, %rax
    expect_eq 21, $0x400, %eax
    mov %cr4, %rax
    or $8, %rax
    mov %rax, %cr4
    movl $0, seen_error
    expect_fault 22, 6, 0, mov %dr5, %rax
    mov $0x100000000, %rax
    expect_fault 23, 13, 0, mov %rax, %dr7
    mov $0x100000000, %rax
    expect_fault 24, 13, 0, mov %rax, %dr6
    # ports, when CR4.DE is set, which it is
    mov $0x60, %ecx
    mov %rcx, %dr1
    enable 0x00e00408                # DR1: 4 ports
    in $0x60, %al
    expect_traps 32, 1, 2
    in $0x5f, %eax
    expect_traps 33, 1, 2
    in $0x64, %al
    in $0x5f, %al
    cmpl $0, traps
    expect 34, e
    out %al, $0x63
port_behind:
    nop
    expect_traps 35, 1, 2
    expect_eq 36, $port_behind, seen_ip
    mov $0x62, %edx
    mov $0x4800, %esi
    mov $3, %ecx
    rep outsb
    expect_traps 37, 3, 2
    mov %cr4, %rax
    btr $3, %rax
    mov %rax, %cr4
    in $0x60, %al
    cmpl $0, traps
    expect 38, e
    enable 0x400
    # INT1
    .byte 0xf1
    cmpl $1, traps
    expect 25, e
    end 0

begin_gdt
fault_data
seen_dr6: .long 0
traps: .long 0
