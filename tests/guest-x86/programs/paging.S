# SPDX-License-Identifier: MIT
# Paging with five levels: accessed and dirty bits, precise error codes, WP, NX, SMEP, SMAP, protection keys; what user
# programs must not do: UMIP, ports without permission; SYSENTER; control registers that refuse values.
.include "faults64.inc"
start_program
    begin_tables
    movl $0x21007, %es:0x0000        # five tables
    movl $0x22007, %es:0x1000
    movl $0x23007, %es:0x2000
    movl $0x83, %es:0x3000           # 0: 2 MiB for the kernel
    movl $0x87, %es:0x3008           # 2 MiB: the same for users
    movl $0x24007, %es:0x3010        # 4 MiB: pages
    enter_long_mode 0x1020, 0x801, 0

.code64
fault_entries 6, 13, 14

# Page n (0 to 7) of the table becomes what is given, physical 0x30000 + n pages with these flags.
.macro page n, flags
    movq $(0x30000 + \n * 0x1000 + \flags), 0x24000 + \n * 8
    invlpg 0x400000 + \n * 0x1000
.endm
.macro page_high n, flags, high
    page \n, \flags
    movl $\high, 0x24004 + \n * 8
    invlpg 0x400000 + \n * 0x1000
.endm
.macro control bit, set
    mov %cr4, %rax
    .if \set
    bts $\bit, %rax
    .else
    btr $\bit, %rax
    .endif
    mov %rax, %cr4
.endm
.macro expect_bits number, bits, want, place
    mov \place, %rax
    and $\bits, %eax
    cmp $\want, %eax
    expect \number, e
.endm
# An instruction of a user program; the fault comes back here.
.macro user_fault number, vector, error, instruction:vararg
    movl $-1, seen
    movq $8f, resume
    jmp 7f
6:  \instruction
    ud2
7:  mov $0x2063f0, %rsp
    mov $6b + 0x200000, %rcx
    mov $2, %r11
    sysretq
8:  expect_eq \number, $\vector, seen
    cmpl $\error, seen_error
    expect \number, e
    mov $0x7000, %rsp
.endm

long_mode:
    flat_segments
    set_fault_gates 6, 13, 14
    load_tss
    movw $0xffff, tss + 102          # no bitmap
    mov $0xc0000081, %ecx
    xor %eax, %eax
    mov $0x00330008, %edx
    wrmsr

    # 57 bits are canonical here
    mov $0x00ff000000000000, %rbx
    expect_fault 1, 14, 0, mov (%rbx), %al
    mov $0x0100000000000000, %rbx
    expect_fault 2, 13, 0, mov (%rbx), %al
    mov %cr2, %rcx               # of the fault before
    shr $48, %rcx
    expect_eq 19, $0xff, %rcx

    # accessed and dirty bits, at each level
    page 0, 3
    andb $~0x20, 0x20000
    andb $~0x20, 0x21000
    andb $~0x20, 0x22000
    andb $~0x20, 0x23010
    mov %cr3, %rax
    mov %rax, %cr3
    mov 0x400000, %al
    expect_bits 3, 0x60, 0x20, 0x20000
    expect_bits 4, 0x60, 0x20, 0x21000
    expect_bits 5, 0x60, 0x20, 0x22000
    expect_bits 6, 0x60, 0x20, 0x23010
    expect_bits 7, 0x60, 0x20, 0x24000
    movb $1, 0x400000
    expect_bits 8, 0x60, 0x60, 0x24000
    expect_bits 9, 0x40, 0, 0x23010
    # a write that is not allowed leaves them
    page 1, 1
    mov %cr0, %rax
    bts $16, %rax
    mov %rax, %cr0
    expect_fault 10, 14, 3, movb $1, 0x401000
    expect_bits 11, 0x40, 0, 0x24008
    mov %cr2, %rax
    expect_eq 12, $0x401000, %rax
    # WP off
    mov %cr0, %rax
    btr $16, %rax
    mov %rax, %cr0
    movb $1, 0x401000
    expect_bits 13, 0x60, 0x60, 0x24008

    # nothing is stored when the second page cannot be
    mov %cr0, %rax
    bts $16, %rax
    mov %rax, %cr0
    page 0, 3
    page 1, 1
    fninit
    movq $-1, 0x400fc0
    expect_fault 67, 14, 3, fxsave 0x400fc0
    mov %cr2, %rax
    expect_eq 68, $0x401000, %rax
    expect_eq 69, $-1, 0x400fc0
    page 1, 3
    movq $-1, 0x401000
    fxsave 0x400fc0
    cmpw $0x37f, 0x400fc0
    expect 70, e
    cmpw $0, 0x401010                  # of ST(3)
    expect 71, e
    movw $0x27f, 0x400fc0
    fxrstor 0x400fc0
    fnstcw 0x401000
    cmpw $0x27f, 0x401000
    expect 72, e
    mov %cr0, %rax
    btr $16, %rax
    mov %rax, %cr0

    # reserved bits: address bit 51
    page_high 2, 3, 0x00080000
    expect_fault 14, 14, 9, mov 0x402000, %al
    expect_fault 15, 14, 11, mov %al, 0x402000
    # a large page's low address bits
    movl $0x2083, 0x23018
    expect_fault 16, 14, 9, mov 0x600000, %al
    movl $0, 0x23018

    # no execution
    page_high 3, 3, 0x80000000
    movb $0xc3, 0x403000
    mov $0x403000, %rbx
    movq $1f, resume
    call *%rbx
1:  expect_eq 17, $0x11, seen_error
    mov $0x7000, %rsp
    # the bit of a table counts for all below
    page 3, 3
    movl $0x80000000, 0x23014
    mov %cr3, %rax
    mov %rax, %cr3
    movq $1f, resume
    movl $0, seen_error
    call *%rbx
1:  expect_eq 18, $0x11, seen_error
    mov $0x7000, %rsp
    movl $0, 0x23014
    mov %cr3, %rax
    mov %rax, %cr3

    # users
    page 4, 3
    page 5, 5
    page_high 6, 7, 0x80000000
    user_fault 20, 14, 5, mov 0x404000, %al
    user_fault 21, 14, 7, mov %al, 0x404000
    user_fault 22, 14, 7, mov %al, 0x405000
    user_fault 23, 14, 4, mov 0x600000, %al
    mov $0x406000, %ebx
    user_fault 24, 14, 0x15, jmp *%rbx
    user_fault 25, 13, 0, hlt
    user_fault 26, 13, 0, mov %cr0, %rax
    user_fault 27, 13, 0, in $0x60, %al
    user_fault 28, 13, 0, cli
    user_fault 29, 13, 0, rdmsr

    # ports: the bitmap of the TSS
    movw $104, tss + 102
    movb $0xfe, tss + 104 + 12       # 0x60 is allowed, 0x61 is not
    user_fault 30, 6, 0, in $0x60, %al
    user_fault 31, 13, 0, in $0x61, %al
    user_fault 32, 13, 0, in $0x60, %ax

    # UMIP
    control 11, 1
    user_fault 33, 13, 0, sgdt 0x205000
    user_fault 34, 13, 0, sidt 0x205000
    user_fault 35, 13, 0, sldt %ax
    user_fault 36, 13, 0, str %ax
    user_fault 37, 13, 0, smsw %ax
    control 11, 0
    movl $0, seen_error
    user_fault 38, 6, 0, smsw %ax

    # SMEP and SMAP
    page 6, 7
    movb $0xc3, 0x406000
    control 20, 1
    mov $0x406000, %rbx
    movq $1f, resume
    call *%rbx
1:  expect_eq 40, $0x11, seen_error
    mov $0x7000, %rsp
    control 21, 1
    expect_fault 41, 14, 1, mov 0x406000, %al
    expect_fault 42, 14, 3, mov %al, 0x406000
    stac
    mov 0x406000, %al
    clac
    control 20, 0
    control 21, 0

    # protection keys: key 1 allows nothing, key 2 no writing
    control 22, 1
    mov $0x24, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
    rdpkru
    expect_eq 43, $0x24, %eax
    page_high 6, 7, 0x08000000       # key 1
    page_high 7, 7, 0x10000000       # key 2
    expect_fault 44, 14, 0x21, mov 0x406000, %al
    expect_fault 45, 14, 0x23, mov %al, 0x406000
    mov 0x407000, %al
    mov %al, 0x407000                # WP is off
    mov %cr0, %rax
    bts $16, %rax
    mov %rax, %cr0
    expect_fault 46, 14, 0x23, mov %al, 0x407000
    user_fault 47, 14, 0x25, mov 0x406000, %al
    user_fault 48, 14, 0x27, mov %al, 0x407000
    # the error code tells of the key where the page is read only besides
    page_high 6, 5, 0x08000000
    user_fault 73, 14, 0x27, mov %al, 0x406000
    page_high 6, 7, 0x08000000
    # instructions are not asked for keys
    movl $-1, seen
    user_fault 49, 6, 0x27, mov 0x407000, %al
    xor %eax, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
    mov 0x406000, %al
    control 22, 0

    # values that control registers refuse
    mov %cr4, %rax
    btr $5, %rax
    expect_fault 50, 13, 0, mov %rax, %cr4
    mov %cr4, %rax
    btr $12, %rax
    expect_fault 51, 13, 0, mov %rax, %cr4
    mov %cr4, %rax
    bts $40, %rax
    expect_fault 52, 13, 0, mov %rax, %cr4
    mov %cr0, %rax
    btr $0, %rax
    expect_fault 53, 13, 0, mov %rax, %cr0
    mov %cr0, %rax
    bts $33, %rax
    expect_fault 54, 13, 0, mov %rax, %cr0
    mov $0x0008000000020000, %rax
    expect_fault 55, 13, 0, mov %rax, %cr3
    mov $16, %eax
    expect_fault 56, 13, 0, mov %rax, %cr8
    mov $0xc0000080, %ecx
    mov $0x801, %eax                 # LME off
    xor %edx, %edx
    expect_fault 57, 13, 0, wrmsr
    mov $0xc0000082, %ecx
    mov $0x01000000, %edx
    expect_fault 58, 13, 0, wrmsr    # not canonical
    mov $0x12345678, %ecx
    expect_fault 59, 13, 0, rdmsr

    # SYSENTER and SYSEXIT
    xor %edx, %edx
    mov $0x174, %ecx
    mov $8, %eax
    wrmsr
    mov $0x175, %ecx
    mov $0x7000, %eax
    wrmsr
    mov $0x176, %ecx
    mov $sysenter_entry, %eax
    wrmsr
    mov $0x206300, %rcx
    mov $sysenter_user + 0x200000, %rdx
    sysexitq
sysenter_user:
    mov %cs, %ax
    expect_eq 60, $0x2b, %ax
    mov %ss, %ax
    expect_eq 61, $0x33, %ax
    cmp $0x206300, %rsp
    expect 62, e
    sysenter
sysenter_entry:
    mov %cs, %ax
    expect_eq 63, $8, %ax
    mov %ss, %ax
    expect_eq 64, $0x10, %ax
    cmp $0x7000, %rsp
    expect 65, e
    pushf
    pop %rax
    test $0x200, %eax
    expect 66, z
    end 0

begin_gdt
    .quad 0
    .quad 0
    segment 0, 0xfffff, 0xfa, 0xa    # 28 user code after SYSEXIT: 8 + 32
    segment 0, 0x90, 0x89, 0         # 30 TSS, and where SS is after both, 8 + 40 and 0x33 + 8
    .quad 0
    segment 0, 0xfffff, 0xfa, 0xa    # 40 user code after SYSRET
fault_data
.balign 16
tss: .fill 104, 1, 0
    .fill 40, 1, 0xff
