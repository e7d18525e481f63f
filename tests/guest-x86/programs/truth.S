# SPDX-License-Identifier: MIT
# What every engine must leave alike, in registers and in memory from RESULTS on: real mode, 32-bit protected mode with segments, long
# mode with its paging and faults, and for a user integer, x87, MMX and SSE arithmetic. Where it is about exceptions, it is about
# those that hosts give guests without help of their own (see engines.S): there is no INT in long mode and no IRET in 32-bit code.
.include "faults64.inc"
.set RESULTS, 0x40000
.set USER, 0x200000

.macro keep value                # in RESULTS, by DI
    mov \value, (%di)
    add $8, %di
.endm
.macro keep64 value
    mov \value, (%rdi)
    add $8, %rdi
.endm

start_program
    # --- real mode ---
    mov $RESULTS >> 4, %ax
    mov %ax, %es
    xor %di, %di
    mov $text, %si
    mov $text_end - text, %cx
    rep movsb                        # strings
    mov $text, %si
    mov $text_end - text, %cx
    xor %bx, %bx
1:  lodsb
    cbw
    add %ax, %bx
    rol $3, %bx
    loop 1b
    mov $0x1989, %ax                 # decimal arithmetic
    add $0x27, %al
    das
    xchg %al, %ah
    adc $0x44, %al
    das
    mov %ax, %es:0x20(%di)
    mov $0x7b, %al
    aam
    mov %ax, %es:0x22(%di)
    aad
    mov %ax, %es:0x24(%di)
    mov $0x8765, %ax
    mov $0x4321, %dx
    mov $0x9abc, %cx
    div %cx
    mov %ax, %es:0x26(%di)
    mov %dx, %es:0x28(%di)
    imul $-77, %dx, %dx
    mov %dx, %es:0x2a(%di)
    mov $0x12345678, %eax
    bswap %eax
    shld $5, %ebx, %eax
    rcr $7, %eax
    mov %eax, %es:0x2c(%di)
    cmp %bx, %ax                     # defines all
    pushf
    pop %es:0x30(%di)
    set_vector 0x60, on_interrupt    # interrupts, and the divide error
    set_vector 0, on_divide_error
    int $0x60
    mov %bp, %es:0x32(%di)
    xor %cx, %cx
divides:
    div %cx
    mov %cx, %es:0x34(%di)
    lcall $0x7c0, $far_call - 0x7c00

    # --- protected mode ---
    lgdtl gdt32r
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    ljmpl $8, $in_protected

on_interrupt:
    mov %sp, %bp
    mov 4(%bp), %bp                  # flags as they were
    iret
on_divide_error:                     # at the instruction
    mov $0x77, %cx
    push %bp
    mov %sp, %bp
    addw $2, 2(%bp)
    pop %bp
    iret
far_call:
    mov %cs, %ax
    mov %ax, %es:0x36(%di)
    lret

.code32
in_protected:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $0x7000, %esp
    mov $RESULTS + 0x1000, %edi
    mov $0x18, %eax                  # a segment with a base, and its limit
    mov %eax, %fs
    mov %fs:0, %eax
    stosl
    str (%edi)
    sldt 2(%edi)
    smsw 4(%edi)
    add $8, %edi
    mov $0x89abcdef, %eax            # arithmetic
    mov $0x76543210, %ebx
    mul %ebx
    stosl
    mov %edx, %eax
    stosl
    mov $20, %ecx
1:  imul $1103515245, %eax
    add $12345, %eax
    bsr %eax, %edx
    btc %edx, %eax
    adc $0, %eax
    stosl
    loop 1b
    pushf
    pop %eax
    stosl
    lcall $8, $far_call32
    ljmpl $0x20, $back_to_real
far_call32:
    mov (%esp), %eax
    sub $far_call32, %eax
    stosl
    mov 4(%esp), %eax
    stosl
    lret
.code16
back_to_real:
    mov %cr0, %eax
    and $0xfffffffe, %eax
    mov %eax, %cr0
    ljmp $0, $in_real
in_real:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7000, %sp

    # --- long mode ---
    begin_tables
    map_2_mib
    movl $0x23007, %es:0x2010        # 4 MiB: small pages
    movl $0x50003, %es:0x3000        # 0: data, for the kernel
    movl $0x50001, %es:0x3008        # 1: the same, not writable
    movl $0x50007, %es:0x3010        # 2: for users
    movl $0x50003, %es:0x3018        # 3: not executable
    movl $0x80000000, %es:0x301c
    enter_long_mode 0x620, 0x801, 0x10002   # PAE, OSFXSR, OSXMMEXCPT; SCE, NXE; WP, MP
.code64
fault_entries 0, 1, 3, 6, 7, 11, 12, 13, 14, 16, 17, 19

# An exception, its number and error code in the results; of a fault, which may be one of paging, its address too. Where an address
# is not canonical, CR2 is left out: not every host of KVM leaves it alone, and programs/paging.S asks us.
.macro note_exception instruction:vararg
    movl $-1, seen
    movl $0, seen_error
    movq $3f, resume
    \instruction
3:  mov seen, %eax
    keep64 %rax
    mov seen_error, %eax
    keep64 %rax
.endm
.macro note_fault instruction:vararg
    note_exception \instruction
    mov %cr2, %rax
    keep64 %rax
.endm

long_mode:
    flat_segments
    load_tss
.irp vector, 0, 1, 3, 6, 7, 11, 12, 13, 14, 16, 17, 19
    set_gate \vector, fault_\vector, 0x8e, 1
.endr
    mov $RESULTS + 0x2000, %rdi
    movq $0x1122334455667788, %rax
    mov %rax, 0x400010
    mov 0x50010, %rax
    keep64 %rax
    mov 0x401010, %rax
    keep64 %rax
    note_fault movl $1, 0x401000     # not writable
    note_fault mov 0x600000, %eax    # not there
    mov $0x800000000000, %rbx
    note_exception mov (%rbx), %al   # not canonical
    movb $0xc3, 0x50020
    mov $0x403020, %rbx
    note_fault call *%rbx            # not executable
    mov $0x7000, %rsp
    note_fault ud2
    mov $0xdead, %ecx
    note_fault wrmsr                 # is none
    mov $0x123, %eax
    note_fault mov %eax, %fs         # beyond the table
    xor %ecx, %ecx
    note_fault div %ecx
    mov 0x23000, %rax                # accessed and dirty
    keep64 %rax
    mov 0x23008, %rax
    keep64 %rax
    mov $0x4b, %eax                  # the user's, which stay when they are left to him
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    set_msr 0xc0000100, 0x12, 0x34567000   # FS and GS bases
    set_msr 0xc0000102, 0x21, 0x76543000
    set_msr 0xc0000101, 0, 0x50000
    mov %gs:0x10, %rax
    keep64 %rax
    swapgs
    mov $0xc0000101, %ecx
    rdmsr
    keep64 %rax
    keep64 %rdx

    # --- a user ---
    xor %eax, %eax
    mov $after_user, %rbx
    mov %rbx, resume
    pushq $0x4b                      # SS
    pushq $0x6000 + USER
    pushq $0x246
    pushq $0x43                      # CS
    pushq $user + USER
    iretq
after_user:
    mov seen, %eax                   # HLT is not for users
    keep64 %rax
    mov seen_cs, %eax
    keep64 %rax
    mov $5, %eax
    mov %rax, %cr8
    end 0

user:
    mov $RESULTS + 0x3000 + USER, %rdi
    # integers
    mov $0x0123456789abcdef, %rax
    mov $100, %ecx
1:  imul $0x5deece6d, %rax, %rdx
    lea 11(%rdx, %rax, 4), %rax
    rol %cl, %rax
    mov %rax, %rdx
    shr $17, %rdx
    xor %rdx, %rax
    adc %rcx, %rax
    loop 1b
    keep64 %rax
    mov $7, %ebx
    xor %edx, %edx
    div %rbx
    keep64 %rax
    keep64 %rdx
    mov $0x77, %eax
    cmpxchg %rbx, (%rdi)
    pushfq
    popq 8(%rdi)
    add $16, %rdi
    # x87
    fninit
    fldpi
    fldl2e
    fmul %st(1), %st
    fsqrt
    fstpt (%rdi)
    add $16, %rdi
    fsin
    fld1
    fpatan
    fstpt (%rdi)
    add $16, %rdi
    fldz
    fld1
    fdivp                            # by zero, masked
    fnstsw %ax
    keep64 %rax
    fildl numbers + USER
    fbstp (%rdi)
    add $16, %rdi
    # MMX, SSE
    movq numbers + USER, %mm0
    paddsw numbers + 8 + USER, %mm0
    packuswb %mm0, %mm0
    movq %mm0, (%rdi)
    emms
    add $8, %rdi
.rept 8                              # over MMX's exponents, which random-insns compares, as not every host of KVM has them
    fldpi
.endr
    fninit
    movups numbers + USER, %xmm0
    cvtdq2ps %xmm0, %xmm1
    sqrtps %xmm1, %xmm2
    divps %xmm1, %xmm2
    movups %xmm2, (%rdi)
    cvtps2pd %xmm1, %xmm3
    mulpd %xmm3, %xmm3
    addsd %xmm3, %xmm3
    movups %xmm3, 16(%rdi)
    pshufd $0x1b, %xmm0, %xmm4
    pmuludq %xmm0, %xmm4
    movups %xmm4, 32(%rdi)
    stmxcsr 48(%rdi)
    hlt

.balign 16
numbers: .long 17, 0x12345678, -5, 0x7fffff01
text: .ascii "A lyrebird imitates anything it hears."
text_end:
.balign 8
gdt32:
    .quad 0
    segment 0, 0xfffff, 0x9b, 0xc
    segment 0, 0xfffff, 0x93, 0xc
    segment 0x7c00, 0xff, 0x93, 4    # its start is the program's
    segment 0, 0xffff, 0x9b, 0       # 16 bits
gdt32r:
    .word gdt32r - gdt32 - 1
    .long gdt32

begin_gdt
    .quad 0
    .quad 0
    .quad 0
    segment 0, 0x67, 0x89, 0         # 30 TSS, 16 bytes
    .quad 0
    segment 0, 0xfffff, 0xfb, 0xa    # 40 code of users
    segment 0, 0xfffff, 0xf3, 0xc    # 48 their data
fault_data
.balign 16
tss: .fill 104, 1, 0
