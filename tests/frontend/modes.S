# SPDX-License-Identifier: MIT
# A boot sector that goes through the processor's modes, without a branch that depends on anything. Each region begins at a label
# that test-gdb-modes knows, and the last jump of one is to the next. Labels beside those are where the test looks at state.
.set LOW, 0x7c00
.set TABLES32, 0x200000
.set TABLES64, 0x201000
.set HIGH32, 0x40000000
.set HIGH64, 0xffff800000000000

.code16
boot:
    cli
    ljmp $LOW >> 4, $real - LOW

# CS = 07c0, SS = 7000.
real:
    mov $0x7000, %ax
    mov %ax, %ss
    mov $0x200, %sp
    mov %cs, %ax
    mov %ax, %ds
    pushw $0x1234
    movw $0x1111, watched - LOW
real_called:
    call real_function
    lgdtl table_of_segments - LOW
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
real_protected:
    ljmp $CODE16, $protected16 - LOW
real_function:
    push %bp
    mov %sp, %bp
    sti
    cli
    pop %bp
    ret

# Segments as before, by descriptors.
protected16:
    mov $STACK16, %ax
    mov %ax, %ss
    pushl $0x56789abc
protected16_called:
    call protected16_function
    mov $FLAT, %ax
    mov %ax, %ds
    mov %cr0, %eax
    and $0xfe, %al
    mov %eax, %cr0
    ljmp $LOW >> 4, $unreal - LOW
protected16_function:
    pusha
    popa
    ret

# DS has 4 GiB.
unreal:
    mov $0x7000, %ax
    mov %ax, %ss
    addr32 movl $0xcafe, TABLES32 + 0xff0
    addr32 pushw TABLES32 + 0xff0
    call unreal_function
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
unreal_last:
    ljmpl $CODE32, $protected32
unreal_function:
    push %cs
    pop %cx
    ret

.code32
protected32:
    mov $FLAT, %ax
    mov %ax, %ss
protected32_stack:
    mov $0x6f000, %esp
    push $0x12345678
    call protected32_function
    movl $0x83, TABLES32
    movl $0x83, TABLES32 + (HIGH32 >> 20)
    mov $TABLES32, %ebx
    mov %ebx, %cr3
    mov %cr4, %ebx
    or $0x10, %bl
    mov %ebx, %cr4
    mov %cr0, %ecx
    bts $31, %ecx
    mov %ecx, %cr0
    mov $HIGH32 + paged32, %edx
    jmp *%edx
protected32_function:
    push %ebp
    pop %ebp
    ret

paged32:
    bts $30, %esp
    push $0x2468ace
    call paged32_function
    btr $30, %esp
    mov $leaving, %edx
    jmp *%edx
paged32_function:
    movw $0x2222, watched
paged32_written:
    ret

# Four levels of tables: the first 2 MiB, and again at the upper half's begin.
leaving:
    btr $31, %ecx
    mov %ecx, %cr0
    movl $TABLES64 + 0x1003, TABLES64
    movl $TABLES64 + 0x1003, TABLES64 + 0x800
    movl $TABLES64 + 0x2003, TABLES64 + 0x1000
    movl $0x83, TABLES64 + 0x2000
    mov $0xa0, %eax
    mov %eax, %cr4
    mov $TABLES64, %esi
    mov %esi, %cr3
    mov %ecx, %ebx
    mov $0xc0000080, %ecx
    rdmsr
    or $1, %ah
    wrmsr
    bts $31, %ebx
    mov %ebx, %cr0
compatible:
    push %ebx
    call compatible_function
    ljmp $CODE64, $long
compatible_function:
    ret

.code64
long:
    movabs $HIGH64 + high, %rax
    jmp *%rax

high:
    movabs $HIGH64 + 0x6f000, %rsp
    push %rax
    call high_function
    hlt
high_function:
    push %r15
    movw $0x3333, watched
high_written:
    pop %r15
    ret
end:

.balign 8
segments:
.set CODE16, . - segments + 8
.set STACK16, CODE16 + 8
.set CODE32, CODE16 + 16
.set FLAT, CODE16 + 24
.set CODE64, CODE16 + 32
    .quad 0, 0x00009b007c00ffff, 0x000093070000ffff, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00209b0000000000
segments_end:
table_of_segments:
    .word segments_end - segments - 1
    .long segments
watched:
    .word 0
    .org 510
    .word 0xaa55
