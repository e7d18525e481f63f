# SPDX-License-Identifier: MIT
# x87 in 32-bit code: stores and loads that fault change nothing, exceptions that are unmasked on the way, with and without
# CR0.NE, the last instruction in images, MMX and images between x87 instructions, task switching's #NM.
.include "protected.inc"
start_program
    enter_protected_mode

.code32
fault_entries 7, 14, 16
ignore:
    out %al, $0xf0
    iret

# The status word with TOP, and the control word.
.macro expect_words number, status, control
    fnstsw %ax
    expect_eq \number, $\status, %ax
    fnstcw word
    expect_eq \number, $\control, word
.endm
.set WRITABLE, 0x400000
.set READ_ONLY, 0x401000
.set NOTHING, 0x402000

protected:
    flat_segments
    set_fault_gates 7, 14, 16
    set_gate 2, ignore
    movl $0x83, 0x20000              # 4 MiB as they are
    movl $0x21007, 0x20004           # 4 MiB: one page, writable; one read only; nothing
    movl $0x30003, 0x21000
    movl $0x31001, 0x21004
    enable_paging 0x20000
    mov %cr0, %eax
    or $0x10022, %eax                # WP, NE, MP
    mov %eax, %cr0
    mov %cr4, %eax
    or $0x600, %eax                  # OSFXSR, OSXMMEXCPT
    mov %eax, %cr4

    # Stores that fault: neither the stack nor a flag changes. 1/3 is inexact as a double, 3 is on top of it.
    fninit
    fld1
    fldl three
    fdivrp
    fldl three
    fnclex
    expect_fault 1, 14, -1, fstpl READ_ONLY
    expect_words 2, 0x3000, 0x37f
    fxch
    fnclex
    expect_fault 3, 14, -1, fstpl NOTHING
    expect_fault 4, 14, -1, fstps NOTHING
    expect_fault 5, 14, -1, fstpt NOTHING - 4
    expect_fault 6, 14, -1, fistpl READ_ONLY
    expect_fault 7, 14, -1, fistpll READ_ONLY - 2
    expect_fault 8, 14, -1, fbstp NOTHING
    expect_fault 9, 14, -1, fnstcw READ_ONLY
    expect_fault 10, 14, -1, fnstsw NOTHING
    expect_words 11, 0x3000, 0x37f
    # so do loads
    expect_fault 12, 14, -1, fldl NOTHING
    expect_fault 13, 14, -1, fldt NOTHING - 4
    expect_fault 14, 14, -1, faddl NOTHING
    expect_fault 15, 14, -1, fldcw NOTHING
    expect_words 16, 0x3000, 0x37f
    # and where it can be stored, it is, with its flag: PE, and C1 as it was rounded up
    fstps WRITABLE + 0xffa
    expect_eq 17, $0x3eaaaaab, WRITABLE + 0xffa
    expect_words 18, 0x3a20, 0x37f
    fistpll WRITABLE
    expect_eq 19, $3, WRITABLE
    expect_eq 20, $0, WRITABLE + 4
    expect_words 21, 0x0020, 0x37f

    # A loop, so that what is stored to has been stored to before, up to the page that is not there.
    fnclex
    fld1
    fldl three
    mov $WRITABLE + 0xf00, %ebx
    movl $-1, seen
    movl $2f, resume
1:  fadd %st(1)
    fstl (%ebx)
    add $8, %ebx
    jmp 1b
2:  expect_eq 22, $READ_ONLY, %ebx
    fistpl WRITABLE
    expect_eq 23, $36, WRITABLE
    fstp %st(0)
    expect_words 24, 0x0000, 0x37f

    # An exception that is unmasked on the way, in the middle of a run of instructions.
    fldz
    fld1
    movw $0x37b, word                # divide by zero
    fldcw word
    fdiv %st(1), %st
    fnstsw %ax
    expect_eq 25, $0xb084, %ax
    expect_fault 26, 16, -1, fadd %st(1), %st
    expect_fault 27, 16, -1, fwait
    expect_fault 28, 16, -1, fldl three
    fnclex
    movw $0x37f, word
    fldcw word
    fadd %st(1), %st
    fistpl WRITABLE                  # it is the 1 still
    expect_eq 29, $1, WRITABLE
    # masked and raised, then unmasked: pending at once
    fld1
    fdiv %st(1), %st
    movw $0x37b, word
    fldcw word
    expect_fault 30, 16, -1, fwait
    # without NE the board is told, and where it answers with IGNNE# the instruction goes on
    mov $2, %al
    out %al, $0xf8                   # an NMI when it stops
    mov %cr0, %eax
    and $~0x20, %eax
    mov %eax, %cr0
    fld1
    fistpl WRITABLE
    expect_eq 31, $1, WRITABLE
    fwait
    fnstsw %ax
    expect_eq 32, $0xb084, %ax
    mov %cr0, %eax
    or $0x20, %eax
    mov %eax, %cr0
    fninit
    expect_words 33, 0, 0x37f

    # The last instruction and its operand, in an image.
first:
    fldl three
second:
    fadds one_single
    fnstenv image
    expect_eq 34, $second, image + 12
    expect_eq 35, $one_single, image + 20
    expect_eq 36, $0xffff037f, image
    expect_eq 37, $0xffff3800, image + 4
    expect_eq 38, $0xffff3fff, image + 8
    # An instruction without an operand leaves the other's.
third:
    fchs
    fsave image
    expect_eq 39, $third, image + 12
    expect_eq 40, $one_single, image + 20
    expect_eq 41, $0x80000000, image + 32
    expect_eq 42, $0xc001, image + 36
    expect_words 43, 0, 0x37f
    frstor image
    fabs
    fistpl WRITABLE
    expect_eq 44, $4, WRITABLE

    # MMX between: the same registers, TOP 0, all valid.
    fninit
    fldl three
    mov $0x1234, %eax
    movd %eax, %mm1
    movq %mm7, %mm2                  # the mantissa of 3
    fnstenv image
    expect_eq 45, $0xffff0000, image + 4
    fstp %st(0)
    fstpt WRITABLE
    expect_eq 46, $0x1234, WRITABLE
    cmpw $-1, WRITABLE + 8           # what MMX leaves in the exponent
    expect 47, e
    fstpt WRITABLE
    expect_eq 48, $0xc0000000, WRITABLE + 4
    emms
    fldl three
    fistpl WRITABLE
    expect_eq 49, $3, WRITABLE
    expect_words 50, 0, 0x37f

    # FXSAVE sees what is there, FXRSTOR what comes, with other rounding.
    fldl three
    fxsave image
    expect_eq 51, $0x3800037f, image
    cmpb $0x80, image + 4
    expect 52, e
    movw $0xf7f, image
    fninit
    fxrstor image
    fidivl two
    fistpl WRITABLE                  # 1.5 cut
    expect_eq 53, $1, WRITABLE

    # Changed control words round as they say.
    fldl three
    fidivl two
    movw $0xb7f, word                # up
    fldcw word
    fistl WRITABLE
    expect_eq 54, $2, WRITABLE
    movw $0x77f, word                # down
    fldcw word
    fistpl WRITABLE
    expect_eq 55, $1, WRITABLE

    # A stack of eight: the ninth is a stack fault.
    fninit
    .rept 8
    fld1
    .endr
    expect_words 56, 0x0000, 0x37f
    fld1
    expect_words 57, 0x3a41, 0x37f

    # CR0.TS
    mov %cr0, %eax
    or $8, %eax
    mov %eax, %cr0
    expect_fault 58, 7, -1, fld1
    expect_fault 59, 7, -1, fwait
    clts
    fnclex
    fstp %st(0)
    expect_words 60, 0x0000, 0x37f
    end 0

.balign 8
three: .double 3
one_single: .single 1
two: .long 2
word: .long 0
.balign 16
image: .skip 512
begin_gdt
fault_data
