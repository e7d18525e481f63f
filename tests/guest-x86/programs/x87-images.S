# SPDX-License-Identifier: MIT
# x87 images in memory, in the four layouts: FNSTENV, FLDENV, FNSAVE, FRSTOR in real and protected mode, 16 and 32 bits.
# The segments of the last instruction and its operand, which CPUID does not deprecate (Intel SDM volume 1, 8.1.8), there and in
# FXSAVE. Errors as #MF with CR0.NE set; #NM.
.include "protected.inc"
.set IMAGE, 0x3000
.macro word number, at, value
    cmpw $\value, IMAGE + \at
    expect \number, e
.endm
.macro long number, at, value
    cmpl $\value, IMAGE + \at
    expect \number, e
.endm
start_program
    mov $IMAGE, %di
    mov $128, %cx
    mov $0x55, %al
    rep stosb

    # real mode, 16 bits
    fninit
    fld1
real_load:
    fldl number
    fnstenv IMAGE
    word 1, 0, 0x037f
    word 2, 2, 0x3000                # TOP is 6
    word 3, 4, 0x0fff
    word 4, 6, real_load
    word 5, 8, 0x506                 # DD 06
    word 6, 10, number
    word 7, 12, 0
    word 8, 14, 0x5555               # no more than 14 bytes
    # 32 bits
    data32 fnstenv IMAGE
    word 10, 0, 0x037f
    word 11, 4, 0x3000
    word 12, 8, 0x0fff
    word 13, 12, real_load
    word 14, 16, 0x506
    word 15, 20, number
    word 16, 24, 0
    word 17, 28, 0x5555

    # linear addresses: code off 0x1000, data above 64 KiB
    mov $0x1234, %ax
    mov %ax, %es
    ljmp $0x100, $high - 0x1000
high:
    fstl %es:0x10
    fnstenv IMAGE
    word 80, 6, high
    word 81, 8, 0x516                # DD 16
    word 82, 10, 0x2350
    word 83, 12, 0x1000
    data32 fnstenv IMAGE
    word 84, 12, high
    long 85, 16, 0x516
    word 86, 20, 0x2350
    long 87, 24, 0x1000
    # the stack's are SS's, and an instruction without an operand leaves the other's
    mov $0x700, %bp
    mov $0x1800, %ax
    mov %ax, %ss
    fldl (%bp)
    fxch
    fnstenv IMAGE
    word 88, 10, 0x8700
    word 89, 12, 0x1000
    # what was loaded is stored again, until there are others
    movl $0x2abc2468, IMAGE + 6
    movl $0x30001357, IMAGE + 10
    fldenv IMAGE
    fnstenv IMAGE
    long 90, 6, 0x22bc2468           # bit 11 is reserved
    long 91, 10, 0x30001357
    data32 fnstenv IMAGE
    long 92, 16, 0x22bc
    long 93, 24, 0x3000
    movl $0x0abcd123, IMAGE + 16
    movl $0x05670000, IMAGE + 24
    data32 fldenv IMAGE
    data32 fnstenv IMAGE
    long 94, 16, 0x0abcd123
    long 95, 24, 0x05670000
    xor %ax, %ax
    mov %ax, %es
    mov %ax, %ss
    ljmp $0, $1f
1:  fninit
    fld1
    fldl number

    # FNSAVE leaves what FNINIT does; FRSTOR takes it back
    fnsave IMAGE
    word 20, 2, 0x3000
    word 21, 14 + 8, 0x4008          # the exponent of ST(0)
    word 22, 94, 0x5555
    fnstenv IMAGE + 0x80
    word 23, 0x80, 0x037f
    word 24, 0x82, 0
    word 25, 0x84, 0xffff
    frstor IMAGE
    fstpl result
    mov result + 4, %eax
    cmp number + 4, %eax
    expect 26, e
    fld1
    fcompp
    fnstsw %ax
    and $0x4500, %ax
    expect_eq 27, $0x4000, %ax
    # 32 bits
    fldl number
    data32 fnsave IMAGE
    word 28, 8, 0x3fff
    word 29, 108, 0x5555
    data32 frstor IMAGE
    fstpl result
    mov result + 4, %eax
    cmp number + 4, %eax
    expect 30, e

    # FLDENV: TOP, tags and the control word; FNSTENV masks all
    fninit
    fld1
    movw $0x0340, control
    fldcw control
    fnstenv IMAGE
    word 31, 0, 0x0340
    fnstcw control
    cmpw $0x037f, control
    expect 32, e
    movw $0xffff, IMAGE + 4
    movw $0x0f7f, IMAGE
    fldenv IMAGE
    fnstcw control
    cmpw $0x0f7f, control
    expect 33, e
    fxam
    fnstsw %ax
    and $0x4500, %ax
    expect_eq 34, $0x4100, %ax       # empty

    enter_protected_mode
.code32
fault_entries 7, 13, 16
protected:
    flat_segments
    set_fault_gates 7, 13, 16
    mov $IMAGE, %edi
    mov $128, %ecx
    mov $0x55, %al
    rep stosb
    # protected mode, 32 bits
    fninit
    fld1
load:
    fldl number
    fnstenv IMAGE
    word 40, 4, 0x3000
    word 41, 8, 0x0fff
    expect_eq 42, $load, IMAGE + 12
    cmpw $0x505, IMAGE + 18          # DD 05
    expect 43, e
    expect_eq 44, $number, IMAGE + 20
    word 45, 28, 0x5555
    # 16 bits
    fnstenvs IMAGE
    word 46, 2, 0x3000
    word 47, 4, 0x0fff
    word 48, 6, load
    word 49, 10, number
    fnsaves IMAGE
    word 50, 14 + 8, 0x4008
    word 51, 14 + 18, 0x3fff
    frstors IMAGE
    fnsave IMAGE
    word 52, 28 + 8, 0x4008
    word 53, 28 + 18, 0x3fff
    word 54, 108, 0x5555
    # segments: the code's, DS, ES, SS; by instructions whose exceptions are masked, then by others
    mov $0x18, %eax
    mov %eax, %es
    mov $0x20, %eax
    mov %eax, %ss
.irp masks, 0x37f, 0x37b
    fninit
    movw $\masks, control
    fldcw control
    fldl number
    call store_environment
    word 100, 16, 8
    word 101, 24, 0x10
    long 102, 20, number
    fildl %es:0x40
    call store_environment
    word 103, 16, 8
    word 104, 24, 0x18
    long 105, 20, 0x40
    fstl -8(%esp)                    # 6ff8
    fchs
    call store_environment
    word 106, 24, 0x20
    long 107, 20, 0x6ff8
    fnstenvs IMAGE
    word 108, 8, 8
    word 109, 10, 0x6ff8
    word 110, 12, 0x20
    fxsave IMAGE
    word 111, 12, 8
    word 112, 20, 0x20
    long 113, 16, 0x6ff8
.endr
    # FNSAVE, which forgets them; they come back by FRSTOR, FLDENV and FXRSTOR
    fnsave IMAGE
    word 120, 16, 8
    word 121, 24, 0x20
    movw $0x1234, IMAGE + 16
    movw $0x5678, IMAGE + 24
    frstor IMAGE
    movl $0, IMAGE + 16
    movl $0, IMAGE + 24
    fnstenv IMAGE
    word 122, 16, 0x1234
    word 123, 24, 0x5678
    fninit
    fnstenvs IMAGE
    word 124, 8, 0
    word 125, 12, 0
    movw $0x4321, IMAGE + 8
    movw $0x8765, IMAGE + 12
    fldenvs IMAGE
    fxsave IMAGE
    word 126, 12, 0x4321
    word 127, 20, 0x8765
    movw $0x1111, IMAGE + 12
    movw $0x2222, IMAGE + 20
    fxrstor IMAGE
    fnstenv IMAGE
    word 128, 16, 0x1111
    word 129, 24, 0x2222
    fninit
    fld1
    fldl number
    mov $0x10, %eax
    mov %eax, %ss

    # the whole of it must fit; a fault changes nothing
    fsave IMAGE
    frstor IMAGE
    mov $0x18, %eax
    mov %eax, %es
    expect_fault 55, 13, 0, fnsave %es:1
    expect_fault 56, 13, 0, frstor %es:1
    fnstenv IMAGE
    word 57, 8, 0x0fff
    fnsave %es:0

    # errors
    mov %cr0, %eax
    or $0x20, %eax
    mov %eax, %cr0
    fninit
    movw $0x037b, control
    fldcw control
    fld1
    fldz
    fdivrp
    fnstsw %ax
    test $0x8084, %eax
    expect 60, nz
    expect_fault 61, 16, -1, fld1
    expect_fault 62, 16, -1, fwait
    expect_fault 63, 16, -1, fldcw control
    expect_fault 64, 16, -1, fldl number
    expect_fault 65, 16, -1, emms
    fnstenv IMAGE                    # these do not wait
    fnstcw control
    word 66, 4, 0xb084
    fnclex
    fld1
    # loaded ones: the next instruction
    fninit
    fnstenv IMAGE
    movw $0x037b, IMAGE
    movw $0x0004, IMAGE + 4
    fldenv IMAGE
    expect_fault 67, 16, -1, fwait
    fninit
    fwait

    # #NM: EM, TS, and WAIT with MP
    mov %cr0, %ebx
    lea 8(%ebx), %eax                # TS
    and $~2, %eax
    mov %eax, %cr0
    fwait
    expect_fault 70, 7, -1, fnclex
    expect_fault 71, 7, -1, fnstenv IMAGE
    or $2, %eax                      # MP
    mov %eax, %cr0
    expect_fault 72, 7, -1, fwait
    and $~8, %eax
    or $4, %eax                      # EM
    mov %eax, %cr0
    expect_fault 73, 7, -1, fld1
    fwait
    mov %ebx, %cr0
    end 0
# Behind an FNSTENV, which masks all exceptions, with the masks as they were.
store_environment:
    fnstenv IMAGE
    fldcw control
    ret

.balign 8
number: .double 578.25
result: .quad 0
control: .word 0
begin_gdt
    segment IMAGE, 107, 0x92, 0x4    # 18: 108 bytes
    segment 0, 0xfffff, 0x92, 0xc    # 20
fault_data
