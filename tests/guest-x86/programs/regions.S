# SPDX-License-Identifier: MIT
# Code that makes good regions of several blocks: loops that fault in their first round and in a late one, with the flags that
# each leaves; arms that meet again; a loop with two ways in; calls that return where they should and elsewhere; interrupts that
# are let in for one instruction of a round only; string instructions and ports in loops.
.include "faults64.inc"
.set ROUNDS, 30000
.set ARITHMETIC, 0x8d5
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x20, 0, 0x10000

.code64
fault_entries 14

# Flags as they are now.
.macro expect_flags number, want
    pushfq
    pop %rax
    and $ARITHMETIC, %eax
    cmp $\want, %eax
    expect \number, e
.endm

# %ecx rounds of loads at %rbx, which takes a step of %rdx when %ecx is %esi; %edi counts.
walk:
1:  mov (%rbx), %eax
    inc %edi
    cmp %esi, %ecx
    jne 2f
    add %rdx, %rbx
2:  dec %ecx
    jnz 1b
    ret

long_mode:
    flat_segments
    set_fault_gates 14
    set_gate 0x1f, interrupt
    mov $3, %r15d
again:
    # at once, with the flags from before
    mov $ROUNDS, %ecx
    mov $0x600000, %ebx
    xor %edi, %edi
    movq $1f, resume
    mov $0x7fffffff, %eax
    add $1, %eax
    call walk
1:  expect_flags 1, 0x894              # OF SF AF PF
    mov $0x7000, %rsp
    expect_eq 2, $ROUNDS, %ecx
    expect_eq 3, $0, %edi

    # never
    mov $0x5000, %ebx
    xor %edx, %edx
    xor %esi, %esi
    call walk
    expect_flags 4, 0x44               # ZF PF
    expect_eq 5, $ROUNDS, %edi

    # in the last but four: the flags are those of DEC, from 6 to 5, and the carry of ADD
    mov $ROUNDS, %ecx
    mov $0x5000, %ebx
    mov $6, %esi
    mov $0x600000 - 0x5000, %edx
    xor %edi, %edi
    movq $1f, resume
    call walk
1:  expect_flags 6, 0x04               # PF
    mov $0x7000, %rsp
    expect_eq 7, $5, %ecx
    expect_eq 8, $ROUNDS-5, %edi
    expect_eq 9, $0x600000, %rbx
    dec %r15d
    jnz again

    # arms that meet: flags of either live on
    mov $ROUNDS, %ecx
    xor %ebx, %ebx
    xor %edx, %edx
    xor %esi, %esi
1:  test $1, %cl
    jz 2f
    inc %ebx
    cmp %edx, %ebx
    jmp 3f
2:  add $3, %edx
    cmp %ebx, %edx
3:  seta %al
    movzx %al, %eax
    add %eax, %esi
    dec %ecx
    jnz 1b
    expect_eq 10, $ROUNDS/2, %ebx
    expect_eq 11, $ROUNDS/2*3, %edx
    expect_eq 12, $ROUNDS/2, %esi

    # a loop with two ways in, inside another
    xor %ebx, %ebx
    xor %ecx, %ecx
1:  mov $10, %edx
    mov %edx, %esi
    test $1, %cl
    jz 3f
2:  add %esi, %ebx
3:  dec %edx
    jnz 2b
    inc %ecx
    cmp $1000, %ecx
    jne 1b
    expect_eq 13, $95000, %ebx

    # calls: from two places, and a return to a third
    mov $ROUNDS, %ecx
    xor %ebx, %ebx
    xor %edx, %edx
1:  call one_more
    add $100, %ebx
    call one_more
    sub $99, %ebx
    cmp $7, %ecx
    jne 2f
    push $elsewhere
    jmp one_more
elsewhere:
    inc %edx
2:  dec %ecx
    jnz 1b
    expect_eq 14, $ROUNDS*3+1, %ebx
    expect_eq 15, $1, %edx
    cmp $0x7000, %rsp
    expect 16, e

    # an interrupt that waits is taken in the one instruction of a round that lets it in
    movl $0, interrupts
    mov $ROUNDS, %ecx
1:  cmp $5, %ecx
    jne 2f
    mov $0x1f, %al
    out %al, $0xf5
2:  sti
    nop
    cli
    dec %ecx
    jnz 1b
    expect_eq 17, $1, interrupts
    expect_eq 18, $5, interrupted_at

    # strings and carries in a loop
    mov $1000, %edx
    xor %ebx, %ebx
    movb $1, 0x5000
1:  mov $0x5000, %esi
    mov $0x5001, %edi
    mov $7, %ecx
    rep movsb
    lodsb
    rcl $1, %bl
    adc $0, %ebx
    dec %edx
    jnz 1b
    cmpb $1, 0x5007
    expect 19, e
    end 0

one_more:
    inc %ebx
    ret

interrupt:
    incl interrupts
    mov %ecx, interrupted_at
    iretq

interrupts: .long 0
interrupted_at: .long 0
begin_gdt
fault_data
