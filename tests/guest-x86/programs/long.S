# SPDX-License-Identifier: MIT
# Long mode: the switch, 64-bit gates with IST, PCID, SWAPGS, compatibility mode, code that changes itself, strings over many
# pages, and when SSE is allowed.
.include "faults64.inc"
start_program
    begin_tables
    map_2_mib
    movl $0x23007, %es:0x2010       # 4 MiB: a table
    movl $0x30003, %es:0x3000
    movl $0x30007, %es:0x3008       # user
    movl $0x24003, %es:0x1020       # 4 GiB: other memory
    movl $0x25003, %es:0x4000
    movl $0x30003, %es:0x5028
    enter_long_mode 0x20, 0, 0x10000

.code64
fault_entries 6, 7, 13, 14, 19

long_mode:
    flat_segments
    set_fault_gates 6, 7, 13, 19
    set_gate 14, fault_14, 0x8e, 1
    load_tss

    # 64-bit arithmetic is there
    mov $0x123456789abcdef0, %rax
    add $1, %rax
    mov $0x123456789abcdef1, %rcx
    cmp %rcx, %rax
    expect 1, e

    # faults
    movl $0, seen_error
    expect_fault 2, 6, 0, ud2
    mov $0x800000000000, %rbx
    expect_fault 3, 13, 0, mov (%rbx), %al
    expect_fault 4, 14, 0, mov 0x600000, %al
    mov %cr2, %rax
    expect_eq 5, $0x600000, %rax
    expect_eq 6, $0x5fd0, seen_sp     # on the IST stack, aligned, under what was pushed and popped
    expect_fault 7, 13, 0x4fa, int $0x9f
    movl $0, seen_error

    # PCID: translations of one are not those of another
    mov %cr4, %rax
    bts $17, %rax
    mov %rax, %cr4
    movl $0x11, 0x30000
    movl $0x22, 0x31000
    mov 0x400000, %al            # PCID 0
    movl $0x31003, 0x23000
    mov $0x20001, %rax
    bts $63, %rax
    mov %rax, %cr3               # PCID 1 sees the new page
    expect_eq 13, $0x22, 0x400000
    mov $0x20001, %rax
    mov %rax, %cr3
    mov $0x20000, %rax
    mov %rax, %cr3
    expect_eq 14, $0x22, 0x400000
    movl $0x30003, 0x23000
    xor %eax, %eax
    mov %rax, 0x5000
    movq $0x400000, 0x5008
    invpcid 0x5000, %rax
    expect_eq 15, $0x11, 0x400000

    # SWAPGS
    mov $0xc0000102, %ecx
    mov $0x5500, %eax
    xor %edx, %edx
    wrmsr
    swapgs
    mov $0xc0000101, %ecx
    rdmsr
    expect_eq 22, $0x5500, %eax
    swapgs
    rdmsr
    expect_eq 21, $0, %eax

    # compatibility mode and back by a far return; what is above 4 GiB is not seen there
    movl $0x1234, 0x5010
    mov $0x100005010, %rbx
    movl $0x5678, (%rbx)
    expect_eq 16, $0x1234, 0x5010
    movl $0x5679, (%rbx)         # its translation is the last used
    push $0x28
    mov $compatible, %rax
    push %rax
    mov $-1, %rcx
    mov $0x100000000, %rax
    and %rax, %rax               # flags of 64 bits
    lretq
.code32
compatible:
    expect 18, nz
    mov $5, %ecx
    mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7000, %esp
    cmpb $0x9b, gdt + 0x28 + 5   # accessed
    expect 20, e
    mov $0xfffffff0, %ebx
    jmp 1f                       # what is known of it is forgotten
1:  mov 0x5020(%ebx), %eax
    expect_eq 17, $0x1234, %eax
    mov $-1, %eax
    inc %eax                     # 40: INC here, REX there
    expect_eq 23, $0, %eax
    ljmp $8, $long_again
.code64
long_again:
    expect_eq 19, $5, %rcx       # extended, although written elsewhere
    # IRETQ with a null SS to the same level
    mov $0x7000, %rsp
    xor %eax, %eax
    push %rax
    push $0x6f00
    pushf
    push $8
    mov $1f, %rax
    push %rax
    iretq
1:  mov %ss, %ax
    expect_eq 24, $0, %ax
    cmp $0x6f00, %rsp
    expect 25, e
    mov $0x10, %ax
    mov %ax, %ss
    mov $0x7000, %rsp

    # a loop that changes its own operand, in 64-bit code
    mov $5, %ecx
    xor %eax, %eax
1:  incb 2f + 1
2:  add $0, %al
    loop 1b
    expect_eq 26, $15, %al

    # REP STOS over many pages, and MOVS back
    mov $0x100000, %rdi
    mov $0x3456, %rcx
    mov $0xa5, %al
    cld
    rep stosb
    cmp $0x103456, %rdi
    expect 27, e
    mov $0x100001, %rsi
    mov $0x110003, %rdi
    mov $0x3455, %rcx
    rep movsb
    expect_eq 28, $0, %rcx
    cmpb $0xa5, 0x113457
    expect 29, e
    cmpb $0, 0x113458
    expect 30, e
    # a fault in its middle leaves the registers at the element
    movq $1f, resume
    mov $0x401ff0, %rdi
    mov $0x20, %rcx
    rep stosb
1:  expect_eq 31, $0x10, %rcx
    cmp $0x402000, %rdi
    expect 32, e

    # x87 images have the form of 32-bit code, selectors too
    fninit
    fldl 0x5000
    fnstenv 0x5100
    cmpw $8, 0x5100 + 16
    expect 40, e
    cmpw $0x10, 0x5100 + 24
    expect 41, e
    expect_eq 42, $0x5000, 0x5100 + 20

    # SSE after CR4 allows it
    mov %cr4, %rax
    or $0x40600, %rax
    mov %rax, %cr4
    xor %ecx, %ecx
    mov $7, %eax
    xor %edx, %edx
    xsetbv
    mov $0x5, %eax
    cvtsi2sd %eax, %xmm0
    addsd %xmm0, %xmm0
    cvttsd2si %xmm0, %eax
    expect_eq 33, $10, %eax
    # TS traps it
    mov %cr0, %rax
    or $8, %rax
    mov %rax, %cr0
    movq $1f, resume
    movaps %xmm0, %xmm1
1:  expect_eq 34, $7, seen
    clts
    # an exception that MXCSR does not mask
    movl $0x1d80, 0x5000         # division by zero
    ldmxcsr 0x5000
    pxor %xmm1, %xmm1
    movaps %xmm0, %xmm2
    movq $1f, resume
    divsd %xmm1, %xmm0
1:  expect_eq 35, $19, seen
    cvttsd2si %xmm0, %eax
    expect_eq 36, $10, %eax
    end 0

begin_gdt
    .quad 0
    .quad 0
    segment 0, 0xfffff, 0x9a, 0xc    # 28 32-bit code
    segment 0, 0x67, 0x89, 0         # 30 TSS, 16 bytes
    .quad 0
fault_data
.balign 16
tss: .fill 104, 1, 0
