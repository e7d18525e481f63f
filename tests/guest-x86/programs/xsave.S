# SPDX-License-Identifier: MIT
# XSAVE, XSAVEOPT, XSAVEC and XRSTOR with x87, SSE, AVX and PKRU (Intel SDM volume 1, chapter 13): what CPUID says of them, what
# XCR0 may be, what is written and what stays, both forms, headers that are refused, MXCSR, rights that change on the way.
.include "faults64.inc"
.set AREA, 0x12000
.set HEADER, AREA + 512
.set AVX, AREA + 576
.set PKRU, AREA + 832
.set KEYED, 0x200000                 # an address of 0 for users, with key 1
.set PAGES, 0x400000                 # two pages for the kernel, of which the second is read only
start_program
    begin_tables
    map_2_mib
    movl $0x08000000, %es:0x200c
    movl $0x23003, %es:0x2010
    movl $0x30003, %es:0x3000
    movl $0x31001, %es:0x3008
    enter_long_mode 0x440220, 0, 0x10000

.code64
fault_entries 6, 13, 14

.macro fill
    mov $AREA, %edi
    mov $1024, %ecx
    mov $0x55, %al
    rep stosb
.endm
# A header, what is present and XCOMP_BV, with a good MXCSR.
.macro header present, format_high, format_low
    xor %eax, %eax
    mov $HEADER, %edi
    mov $64, %ecx
    rep stosb
    movl $\present, HEADER
    movl $\format_low, HEADER + 8
    movl $\format_high, HEADER + 12
    movl $0x1f80, AREA + 24
.endm
.macro xcr number, high, low
    mov $\number, %ecx
    mov $\high, %edx
    mov $\low, %eax
.endm
.macro ask components
    mov $\components, %eax
    xor %edx, %edx
.endm
.macro set_pkru value
    mov $\value, %eax
    xor %ecx, %ecx
    xor %edx, %edx
    wrpkru
.endm
.macro pkru_is number, value
    xor %ecx, %ecx
    rdpkru
    expect_eq \number, $\value, %eax
.endm
.macro long number, value, place
    cmpl $\value, \place
    expect \number, e
.endm
.macro state leaf, subleaf
    mov $\leaf, %eax
    mov $\subleaf, %ecx
    cpuid
.endm
.macro set_mxcsr value
    movl $\value, number
    ldmxcsr number
.endm
.macro mxcsr_is number, value
    stmxcsr number
    long \number, \value, number
.endm

long_mode:
    flat_segments
    set_fault_gates 6, 13, 14

    # CPUID
    state 7, 0
    and $0x18, %ecx                  # PKU and OSPKE
    expect_eq 1, $0x18, %ecx
    state 0xd, 0
    expect_eq 2, $0x207, %eax
    expect_eq 3, $576, %ebx          # XCR0 is 1
    expect_eq 4, $840, %ecx
    expect_eq 5, $0, %edx
    state 0xd, 1
    expect_eq 6, $576, %ebx
    state 0xd, 9
    expect_eq 7, $8, %eax
    expect_eq 8, $832, %ebx
    expect_eq 9, $0, %ecx
    state 0xd, 3
    expect_eq 10, $0, %eax

    # XCR0
    xcr 0, 0, 0x206
    expect_fault 11, 13, 0, xsetbv
    xcr 0, 0, 0x205
    expect_fault 12, 13, 0, xsetbv
    xcr 0, 0, 0x407
    expect_fault 13, 13, 0, xsetbv
    xcr 0, 0x80000000, 7
    expect_fault 14, 13, 0, xsetbv
    xcr 1, 0, 7
    expect_fault 15, 13, 0, xsetbv
    xcr 0, 0, 0x201
    xsetbv
    state 0xd, 0
    expect_eq 16, $840, %ebx
    state 0xd, 1
    expect_eq 17, $584, %ebx         # together
    xcr 0, 0, 0x207
    xsetbv
    xor %ecx, %ecx
    xgetbv
    expect_eq 18, $0x207, %eax
    expect_eq 19, $0, %edx
    mov $2, %ecx
    expect_fault 20, 13, 0, xgetbv

    # all initial: in use is nothing, XSAVE writes it all the same, XSAVEOPT does not
    fninit
    vzeroall
    fill
    header 0, 0, 0
    ask 7
    xrstor AREA
    set_pkru 0
    mov $1, %ecx
    xgetbv
    expect_eq 21, $0, %eax
    fill
    ask 0x207
    xsave AREA
    long 22, 0x55555550, HEADER      # what is not asked for stays
    long 23, 0x55555555, HEADER + 8
    long 24, 0, PKRU
    long 25, 0, PKRU + 4
    long 26, 0x55555555, PKRU + 8
    long 27, 0, AVX
    fill
    ask 0x207
    xsaveopt AREA
    long 28, 0x55555550, HEADER
    long 29, 0x55555555, PKRU
    long 30, 0x55555555, AVX
    long 31, 0x55555555, AREA
    long 32, 0x1f80, AREA + 24

    # PKRU by itself
    set_pkru 0x12345670
    mov $1, %ecx
    xgetbv
    expect_eq 33, $0x200, %eax
    fill
    ask 0x200
    xsave AREA
    long 34, 0x12345670, PKRU
    long 35, 0, PKRU + 4
    long 36, 0x55555755, HEADER
    long 37, 0x55555555, AVX
    long 38, 0x55555555, AREA
    long 39, 0x55555555, AREA + 24
    header 0x200, 0, 0
    movl $0x55555554, PKRU
    movl $-1, PKRU + 4
    ask 7
    xrstor AREA + 0                  # not asked for
    pkru_is 40, 0x12345670
    ask 0x200
    xrstor AREA
    pkru_is 41, 0x55555554
    movl $0, HEADER
    ask -1
    xrstor AREA                      # initial
    pkru_is 42, 0

    # the compacted form: 576 by itself, behind AVX if that is asked for
    set_pkru 0x11111110
    fill
    ask 0x200
    xsavec AREA
    long 43, 0x11111110, AVX
    long 44, 0x200, HEADER
    long 45, 0, HEADER + 4
    long 46, 0x200, HEADER + 8
    long 47, 0x80000000, HEADER + 12
    long 48, 0x55555555, AREA
    long 49, 0x55555555, PKRU
    header 0x200, 0x80000000, 0x200
    movl $0x22222220, AVX
    ask 0x207
    xrstor AREA
    pkru_is 50, 0x22222220
    fill
    ask 0x207
    xsavec AREA                      # AVX is initial, and has its place
    long 51, 0x22222220, PKRU
    long 52, 0x55555555, AVX
    long 53, 0x200, HEADER
    long 54, 0x207, HEADER + 8
    header 0x200, 0x80000000, 0x207
    movl $0x33333330, PKRU
    ask 0x207
    xrstor AREA
    pkru_is 55, 0x33333330
    movl $0, HEADER
    ask 0x207
    xrstor AREA
    pkru_is 56, 0
    # vectors in both forms
    vpcmpeqd %ymm3, %ymm3, %ymm3
    header 0, 0, 0
    movl $0x55555555, AVX + 64
    ask 0x207
    xsavec AREA
    long 57, 6, HEADER
    long 58, -1, AVX + 48
    long 59, 0, AVX + 64
    long 60, -1, AREA + 160 + 48
    vpxor %xmm3, %xmm3, %xmm3
    ask 6
    xrstor AREA
    vextracti128 $1, %ymm3, %xmm0
    vpextrd $3, %xmm0, %eax
    expect_eq 61, $-1, %eax
    vzeroall

    # MXCSR: part of SSE's state in the compacted form, of SSE's and AVX's in the other one
    set_mxcsr 0x3f80
    fill
    ask 4
    xsavec AREA
    long 62, 0x55555555, AREA + 24
    fill
    ask 2
    xsavec AREA
    long 63, 0x3f80, AREA + 24
    long 64, 2, HEADER
    fill
    ask 4
    xsave AREA
    long 65, 0x3f80, AREA + 24
    fill
    header 0, 0, 0
    movl $0x5f80, AREA + 24
    ask 1
    xrstor AREA
    mxcsr_is 66, 0x3f80
    ask 4
    xrstor AREA
    mxcsr_is 67, 0x5f80
    movl $-1, AREA + 24
    ask 4
    expect_fault 68, 13, 0, xrstor AREA
    header 0, 0x80000000, 7
    movl $-1, AREA + 24
    ask 4
    xrstor AREA
    mxcsr_is 69, 0x5f80
    ask 2
    xrstor AREA
    mxcsr_is 70, 0x1f80
    header 2, 0x80000000, 7
    movl $-1, AREA + 24
    ask 2
    expect_fault 71, 13, 0, xrstor AREA

    # headers
    header 0x400, 0, 0
    ask 1
    expect_fault 72, 13, 0, xrstor AREA
    header 0, 0, 7
    ask 1
    expect_fault 73, 13, 0, xrstor AREA
    header 0, 0, 0
    movb $1, HEADER + 23
    ask 1
    expect_fault 74, 13, 0, xrstor AREA
    header 0, 0, 0
    movb $1, HEADER + 24             # not looked at in the standard form
    ask 1
    xrstor AREA
    header 0, 0x80000000, 7
    movb $1, HEADER + 63
    ask 1
    expect_fault 75, 13, 0, xrstor AREA
    header 0x200, 0x80000000, 7
    ask 1
    expect_fault 76, 13, 0, xrstor AREA
    header 0, 0x80000000, 0x407
    ask 1
    expect_fault 77, 13, 0, xrstor AREA
    header 0, 0, 0
    ask 1
    expect_fault 78, 13, 0, xrstor AREA + 8

    # what is not turned on is not there
    set_pkru 0x44444440
    xcr 0, 0, 7
    xsetbv
    fill
    ask 0x207
    xsave AREA
    long 79, 0x55555555, PKRU
    header 0x200, 0, 0
    ask 1
    expect_fault 80, 13, 0, xrstor AREA
    header 0, 0, 0
    ask 0x200
    xrstor AREA
    pkru_is 81, 0x44444440
    mov $1, %ecx
    xgetbv
    test $0x200, %eax
    expect 82, z
    xcr 0, 0, 0x207
    xsetbv

    # the rights hold from the next instruction on: the area itself is read with those before
    set_pkru 0
    mov KEYED, %al
    header 0x200, 0, 0
    movl $4, PKRU                    # nothing with key 1
    ask 0x200
    xrstor KEYED + AREA
    expect_fault 83, 14, 0x21, mov KEYED, %al
    ask 0x200
    expect_fault 84, 14, 0x21, xrstor KEYED + AREA
    ask 0x200
    expect_fault 85, 14, 0x23, xsave KEYED + AREA
    movl $8, PKRU                    # no writing
    ask 0x200
    xrstor AREA
    mov KEYED, %al
    expect_fault 86, 14, 0x23, mov %al, KEYED
    movl $0, HEADER
    ask 0x200
    xrstor AREA
    mov %al, KEYED

    # nothing is written when the second page cannot be
    movl $-1, PAGES + 0xdc0 + 512
    ask 0x207
    expect_fault 87, 14, 3, xsave PAGES + 0xdc0
    mov %cr2, %rax
    expect_eq 88, $PAGES + 0x1000, %rax
    long 89, -1, PAGES + 0xdc0 + 512
    ask 3
    xsave PAGES + 0xdc0              # nor need it be there
    long 90, -4, PAGES + 0xdc0 + 512

    # not without the operating system
    mov %cr4, %rax
    btr $18, %rax
    mov %rax, %cr4
    movl $0, seen_error
    expect_fault 91, 6, 0, xsave AREA
    end 0

begin_gdt
fault_data
.balign 16
number: .quad 0
