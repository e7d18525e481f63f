# SPDX-License-Identifier: MIT
# One processor changes functions that the others call: they call them as they were written before it saw that they were
# (Intel SDM volume 3, 9.1.3: cross-modifying code, with a serializing instruction in between). Half of the functions are
# alone in their pages, so that writing them leaves the page without translated code; beside the others is code that stays.
.include "processors.inc"

.equ ROUNDS, 150000
.equ READERS, 3
.equ FUNCTIONS, 0x60000
.equ PAGES, 8
.equ STAYS, 0x800                    # in a page

main:
    mov $FUNCTIONS, %ebx
    test %ebp, %ebp
    jnz reader

    # mov $0, %eax; ret
    mov $PAGES, %ecx
    mov %ebx, %edi
1:  movw $0x00b8, (%rdi)
    movl $0xc3000000, 2(%rdi)
    movb $0xc3, STAYS(%rdi)
    add $0x1000, %edi
    loop 1b
    movl $1, ready
    mov $1, %ecx
1:  mov %ecx, %edi
    and $PAGES - 1, %edi
    shl $12, %edi
    lea (%rbx, %rdi), %rsi
    # time goes by between two stores off one base, which are checked once
    movl %ecx, 0x40(%rsi)
    mov $3, %r8d
    mov %ecx, %eax
    .rept 40
    xor %edx, %edx
    div %r8d
    or $0x40000000, %eax
    .endr
    mov %ecx, 1(%rsi)
    mov %ecx, version
    inc %ecx
    cmp $ROUNDS, %ecx
    jne 1b
    movl $1, stop
1:  pause
    cmpl $READERS, stopped
    jne 1b
    end 0

reader:
1:  pause
    cmpl $0, ready
    je 1b
again:
    mov version, %r12d
    # the one that is being written may be either
    lea 1(%r12), %edi
    call function
    lea 1 - PAGES(%r12), %ecx
    cmp %ecx, %eax
    expect 1, ge
    xor %eax, %eax
    push %rbx
    cpuid                            # serializes
    pop %rbx
    mov %r12d, %edi
    call function
    cmp %r12d, %eax                  # this version or one written since
    expect 2, ge
    cmpl $0, stop
    je again
    lock incl stopped
1:  hlt
    jmp 1b
function:
    and $PAGES - 1, %edi
    mov %edi, %esi
    shl $12, %edi
    add %rbx, %rdi
    test $1, %esi
    jz 1f
    lea STAYS(%rdi), %rsi
    call *%rsi
1:  jmp *%rdi

.data
.balign 4096
ready: .long 0
version: .long 0
stop: .long 0
stopped: .long 0
