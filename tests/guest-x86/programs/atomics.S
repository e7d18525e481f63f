# SPDX-License-Identifier: MIT
# Locked operations by three processors at once: no count is lost, whatever the size, alignment and page.
.include "processors.inc"

.equ COUNT, 20000
.equ FEW, 300            # across pages: everything stops for each
.equ PROCESSORS, 3
.equ SHARED, 0x50000

.macro repeat count, body:vararg
    mov $\count, %r15d
1:  \body
    dec %r15d
    jnz 1b
.endm

.macro counter number, place, each, count
    mov \place, %rax
    mov $PROCESSORS * \count * \each, %rcx
    cmp %rcx, %rax
    expect \number, e
.endm

main:
    mov $SHARED, %ebx
    # all are here
    lock incl start
1:  pause
    cmpl $PROCESSORS, start
    jb 1b

    repeat COUNT, lock incq 0x000(%rbx)
    repeat COUNT, lock addl $2, 0x008(%rbx)
    repeat COUNT, call xadd_word
    repeat COUNT, call subtract
    repeat COUNT, call add_carry
    repeat COUNT, lock addl $1, 0x03e(%rbx)          # across cache lines
    repeat FEW, lock addl $1, 0xffe(%rbx)            # across pages
    repeat FEW, call cmpxchg_across
    repeat COUNT, call cmpxchg_64
    repeat COUNT, call cmpxchg_8b
    repeat COUNT, call cmpxchg_16b
    repeat COUNT, call exchange_lock
    repeat COUNT, call bit_lock
    repeat COUNT, call own_bit
    repeat COUNT, call negate_twice

    lock incl finished
    test %ebp, %ebp
    jnz wait_for_end
1:  pause
    cmpl $PROCESSORS, finished
    jb 1b
    counter 1, 0x000(%rbx), 1, COUNT
    counter 2, 0x008(%rbx), 2, COUNT
    movzwl 0x010(%rbx), %eax
    mov $(PROCESSORS * COUNT) & 0xffff, %ecx
    cmp %ecx, %eax
    expect 3, e
    negq 0x018(%rbx)
    counter 4, 0x018(%rbx), 1, COUNT
    counter 5, 0x020(%rbx), 1, COUNT
    mov 0x03e(%rbx), %eax
    cmp $PROCESSORS * COUNT, %eax
    expect 6, e
    mov 0xffe(%rbx), %eax
    cmp $PROCESSORS * FEW, %eax
    expect 7, e
    mov 0x1ffd(%rbx), %rax
    cmp $PROCESSORS * FEW, %rax
    expect 8, e
    counter 9, 0x080(%rbx), 1, COUNT
    counter 10, 0x088(%rbx), 1, COUNT
    counter 11, 0x090(%rbx), 1, COUNT
    counter 12, 0x098(%rbx), 2, COUNT
    counter 13, 0x0a8(%rbx), 1, COUNT
    counter 14, 0x0b8(%rbx), 1, COUNT
    cmpl $0, 0x0c0(%rbx)
    expect 15, e
    cmpb $5, seven
    expect 16, e
    end 0
wait_for_end:
    hlt
    jmp wait_for_end

xadd_word:
    mov $1, %eax
    lock xaddw %ax, 0x010(%rbx)
    ret
subtract:
    lock subq $1, 0x018(%rbx)
    ret
add_carry:
    stc
    lock adcq $0, 0x020(%rbx)
    ret
cmpxchg_across:
    mov 0x1ffd(%rbx), %rax
1:  lea 1(%rax), %rcx
    lock cmpxchg %rcx, 0x1ffd(%rbx)
    jne 1b
    ret
cmpxchg_64:
    mov 0x080(%rbx), %rax
1:  lea 1(%rax), %rcx
    lock cmpxchg %rcx, 0x080(%rbx)
    jne 1b
    ret
cmpxchg_8b:
    push %rbx
    mov %rbx, %rsi
    mov 0x088(%rsi), %eax
    mov 0x08c(%rsi), %edx
1:  mov %eax, %ebx
    mov %edx, %ecx
    add $1, %ebx
    adc $0, %ecx
    lock cmpxchg8b 0x088(%rsi)
    jne 1b
    pop %rbx
    ret
cmpxchg_16b:
    push %rbx
    mov %rbx, %rsi
    mov 0x090(%rsi), %rax
    mov 0x098(%rsi), %rdx
1:  lea 1(%rax), %rbx
    lea 2(%rdx), %rcx
    lock cmpxchg16b 0x090(%rsi)
    jne 1b
    pop %rbx
    ret
exchange_lock:
1:  mov $1, %eax
    xchg %eax, 0x0a0(%rbx)
    test %eax, %eax
    jnz 1b
    incq 0x0a8(%rbx)
    movl $0, 0x0a0(%rbx)
    ret
bit_lock:
1:  lock btsl $5, 0x0b0(%rbx)
    jc 1b
    incq 0x0b8(%rbx)
    lock btrl $5, 0x0b0(%rbx)
    ret
# Each has a bit that only it changes, in one byte with the others'.
own_bit:
    mov %ebp, %ecx
    mov $1, %eax
    shl %cl, %eax
    mov %eax, %edx
    not %edx
    lock orb %al, 0x0c0(%rbx)
    lock xorb $0x80, 0x0c0(%rbx)
    testb %al, 0x0c0(%rbx)
    expect 20, nz
    lock xorb $0x80, 0x0c0(%rbx)
    lock andb %dl, 0x0c0(%rbx)
    testb %al, 0x0c0(%rbx)
    expect 21, z
    # the flags are those of this operation
    mov $-1, %ecx
    lock andl %ecx, 0x0c4(%rbx)
    expect 22, z
    ret
negate_twice:
    lock negb seven
    lock negb seven
    ret

.data
start: .long 0
finished: .long 0
.balign 64
seven: .byte 5
