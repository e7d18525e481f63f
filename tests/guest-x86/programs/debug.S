# SPDX-License-Identifier: MIT
# Debug registers in long mode: breakpoints on instructions and data, single steps, general detect, refused values.
.include "check.inc"
.include "faults64.inc"
.code16
.globl _start
_start:
    cli
    xor %ax, %ax
    mov %ax, %ds
    lgdtl gdtr
    lidtl idtr
    mov $0x2000, %ax
    mov %ax, %es
    movl $0x21003, %es:0x0000
    movl $0x22003, %es:0x1000
    movl $0x83, %es:0x2000
    mov $0x20, %eax
    mov %eax, %cr4
    mov $0x20000, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov $0x900, %eax
    xor %edx, %edx
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax
    mov %eax, %cr0
    ljmpl $8, $long_mode

.code64
fault_entry 6, 0
fault_entry 13, 1
fault_entry 14, 1
fault_common

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
    mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7000, %rsp
    set_gate 1, on_debug, 0x8e, 0
    set_gate 6, fault_6, 0x8e, 0
    set_gate 13, fault_13, 0x8e, 0
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
    # a string of writes over it
    mov $0x4f00, %edi
    mov $0x200, %ecx
    cld
    rep stosb
    expect_traps 9, 1, 2
    expect_eq 10, $0x5100, %edi
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
    # INT1
    .byte 0xf1
    cmpl $1, traps
    expect 25, e
    end 0

.balign 8
gdt:
    .quad 0
    segment 0, 0xfffff, 0x9a, 0xa
    segment 0, 0xfffff, 0x92, 0xc
gdtr:
    .word . - gdt - 1
    .long gdt
idtr:
    .word 0x20*16 - 1
    .long idt
fault_data
seen_dr6: .long 0
traps: .long 0
.balign 16
idt: .fill 0x20, 16, 0
