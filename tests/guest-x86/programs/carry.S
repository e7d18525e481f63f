# SPDX-License-Identifier: MIT
# Chains of carries: sums and differences of several words, ADCX and ADOX interleaved, with flags looked at in the middle and at
# the end, and loads between that fault; loops whose counters keep CF, or CF and OF; chains that begin with flags of every kind.
.include "faults64.inc"
.set WORDS, 512
.set FIRST, 0x40000                    # numbers of that many words
.set SECOND, 0x42000
.set THIRD, 0x44000
.set SUM, 0x46000
.set OTHER_SUM, 0x48000
.set CARRIES, WORDS - (WORDS + 2) / 3 # of numbers as fill makes them
.set EDGE, 0x400000                    # the end of what is mapped
.set ARITHMETIC, 0x8d5
.set CARRY, 0x1
.set OVERFLOW, 0x800
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x20, 0, 0x10000

.code64
fault_entries 14

.macro expect_flags number, mask, want
    pushfq
    pop %rbp
    and $\mask, %ebp
    cmp $\want, %ebp
    expect \number, e
.endm
# Of each two of the ten numbers at \from, by words of \bytes.
.macro long_compares number, from, bytes, word, both
    mov $\from, %esi
5:  mov $\from, %edi
6:  mov (%rsi), \word
    cmp (%rdi), \word
    mov \bytes(%rsi), \word
    sbb \bytes(%rdi), \word
    setl %bl
    setnl %bh
    mov (%rsi), \both
    cmp (%rdi), \both
    setl %cl
    setnl %ch
    cmp %bl, %cl
    expect \number, e
    cmp %bh, %ch
    expect \number + 1, e
    # and by what CMP leaves for those who want its result: as SUB does
    mov (%rsi), \both
    cmp (%rdi), \both
    sets %bl
    bt $0, %edi
    setz %bh
    mov (%rsi), \both
    sub (%rdi), \both
    sets %cl
    bt $0, %edi
    setz %ch
    cmp %bx, %cx
    expect \number + 2, e
    add $2 * \bytes, %edi
    cmp $\from + 20 * \bytes, %edi
    jne 6b
    add $2 * \bytes, %esi
    cmp $\from + 20 * \bytes, %esi
    jne 5b
.endm
# Flags noted in the middle of a chain, and looked at behind it.
.macro note_flags place
    pushfq
    popq \place
.endm
.macro expect_noted number, place, mask, want
    mov \place, %rbp
    and $\mask, %ebp
    cmp $\want, %ebp
    expect \number, e
.endm
.macro expect_word number, value, place
    movabs $\value, %rbp
    expect_eq \number, %rbp, \place
.endm

# A number, -1 in its words but for every third, which is \third.
.macro fill at, third
    mov $\at, %edi
    mov $WORDS, %ecx
    mov $1, %ebx
1:  movq $-1, (%rdi)
    dec %ebx
    jnz 2f
    movabs $\third, %rax
    mov %rax, (%rdi)
    mov $3, %ebx
2:  add $8, %rdi
    dec %ecx
    jnz 1b
.endm

# A loop over words at %rsi and %r8, by \op into those at %rdi, CF going in and out; %rdx counts by \count.
.macro words op, count
1:  mov (%rsi), %rax
    \op (%r8), %rax
    mov %rax, (%rdi)
    lea 8(%rsi), %rsi
    lea 8(%r8), %r8
    lea 8(%rdi), %rdi
    \count %rdx
    jnz 1b
.endm
sums:
    words adc, dec
    ret
differences:
    words sbb, inc
    ret
narrow_sums:
    mov %edx, %ecx
1:  jrcxz 2f
    movb (%rsi), %al
    adcb (%r8), %al
    movb %al, (%rdi)
    lea 1(%rsi), %rsi
    lea 1(%r8), %r8
    lea 1(%rdi), %rdi
    lea -1(%rcx), %rcx
    jmp 1b
2:  ret

# The numbers at %rsi and %r8 into %rdi by CF, and those at %rsi and %r9 into %r10 by OF, %rcx words; then the same with DEC,
# which takes OF along to where nobody needs it.
both_sums:
1:  jrcxz 2f
    mov (%rsi), %rax
    mov %rax, %rbx
    adcx (%r8), %rax
    adox (%r9), %rbx
    mov %rax, (%rdi)
    mov %rbx, (%r10)
    lea 8(%rsi), %rsi
    lea 8(%r8), %r8
    lea 8(%r9), %r9
    lea 8(%rdi), %rdi
    lea 8(%r10), %r10
    lea -1(%rcx), %rcx
    jmp 1b
2:  ret
split_sums:
1:  mov (%rsi), %rax
    mov %rax, %rbx
    adcx (%r8), %rax
    adox (%r9), %rbx
    seto %r11b                         # OF of this word alone
    mov %rax, (%rdi)
    mov %rbx, (%r10)
    movzbl %r11b, %r11d
    lea 8(%rsi), %rsi
    lea 8(%r8), %r8
    lea 8(%r9), %r9
    lea 8(%rdi), %rdi
    lea 8(%r10), %r10
    lea (%r12, %r11), %r12             # counts them
    dec %ecx
    jnz 1b
    ret

same_words:
    mov $WORDS, %ecx
1:  mov (%rsi), %rax
    cmp (%rdi), %rax
    jne 2f
    add $8, %rsi
    add $8, %rdi
    dec %ecx
    jnz 1b
2:  ret

# The product of %rdx and the words at %rsi, added to %r10 and up: low halves by CF, high ones by OF.
.macro add_product from, low, high
    mulx \from(%rsi), %r8, %r9
    adcx %r8, \low
    adox %r9, \high
.endm
.macro begin_product
    mov $-1, %r10
    mov $-2, %r11
    mov $-1, %r12
    mov $-1, %r13
    mov $-1, %r14
    movabs $0xfedcba9876543211, %rdx
.endm

long_mode:
    flat_segments
    set_fault_gates 14
    mov $40, %r15d
again:
    # four words, whose flags are those of the last sum
    mov $-1, %rax
    mov $-1, %rbx
    movabs $0x123456789abcdef, %rcx
    movabs $0x7fffffffffffffff, %rdx
    movabs $0xfedcba9876543210, %rsi
    add $1, %rax
    adc $0, %rbx
    note_flags noted
    adc %rsi, %rcx
    adc $0, %rdx
    expect_flags 1, ARITHMETIC, 0x894  # OF SF AF PF
    expect_noted 2, noted, ARITHMETIC, 0x55 # CF ZF PF AF
    mov %rax, %rsi
    or %rbx, %rsi
    or %rcx, %rsi
    expect 3, z
    expect_word 4, 0x8000000000000000, %rdx

    # and back; a difference of a register and itself is the borrow alone
    sub $1, %rax
    sbb $0, %rbx
    sbb %rsi, %rsi
    note_flags noted
    sbb %r9, %r9
    sbb $0, %rdx
    expect_flags 5, ARITHMETIC, 0x814  # OF AF PF
    expect_noted 6, noted, ARITHMETIC, 0x95 # CF SF PF AF
    and %rbx, %rax
    and %rsi, %rax
    and %r9, %rax
    expect_eq 7, $-1, %rax
    expect_word 8, 0x7fffffffffffffff, %rdx

    # narrow ones
    stc
    mov $0xff, %eax
    mov $0x7fff, %ebx
    mov $-1, %ecx
    adc $0, %al
    adc $0, %bx
    note_flags noted
    adc $1, %ecx
    expect_flags 9, ARITHMETIC, 0x55
    expect_noted 10, noted, ARITHMETIC, 0x894
    expect_eq 11, $0, %eax
    expect_eq 12, $0x8000, %ebx
    expect_eq 13, $0, %rcx
    stc
    sbb $0, %ah
    sbb $0x7fff, %bx
    expect_flags 14, ARITHMETIC, 0x854
    expect_eq 15, $0xff00, %eax

    # two chains; what the XOR before them left stays in the other flags
    mov $product_words, %esi
    begin_product
    xor %eax, %eax
    add_product 0, %r10, %r11
    add_product 8, %r11, %r12
    note_flags noted
    add_product 16, %r12, %r13
    add_product 24, %r13, %r14
    expect_flags 16, ARITHMETIC, 0x845 # OF CF ZF PF
    expect_noted 17, noted, ARITHMETIC, 0x845
    expect_word 18, 0x123456789abcdee, %r10
    expect_word 19, 0x7db97530eca86420, %r11
    expect_word 20, 0x8641fdb97530eca4, %r12
    expect_word 21, 0x335b54a7dd7e120c, %r13
    expect_word 22, 0x121fa00ad77d7423, %r14

    # a fault at the third word: what was added, and both carries
    mov $EDGE - 16, %esi
    mov product_words, %rax
    mov %rax, (%rsi)
    mov product_words + 8, %rax
    mov %rax, 8(%rsi)
    begin_product
    cmp %rdx, %rdx
    mov $0x80, %al
    add $0x80, %al                     # CF OF ZF PF
    expect_fault 23, 14, 0, call faulting_product
    expect_word 24, 0x123456789abcdef, %r10
    expect_word 25, 0x7db97530eca86421, %r11
    expect_word 26, 0x7f6e5d4c3b2a1909, %r12
    expect_eq 27, $-1, %r13
    mov seen_sp, %rax
    mov 24(%rax), %rax
    and $ARITHMETIC, %eax
    expect_eq 28, $0x845, %eax
    mov $0x7000, %rsp

    # and one in a chain of one carry
    mov $EDGE - 8, %esi
    movq $-1, (%rsi)
    mov $1, %eax
    mov $5, %ebx
    clc
    expect_fault 29, 14, 0, call faulting_sum
    mov seen_sp, %rcx
    mov 24(%rcx), %rcx
    and $ARITHMETIC, %ecx
    expect_eq 30, $0x55, %ecx
    expect_eq 31, $0, %rax
    expect_eq 32, $5, %rbx
    mov $0x7000, %rsp

    # long numbers: what is added and taken away again is as it was, and carries as it borrows
    fill FIRST, 0x123456789abcdef0
    fill SECOND, 0xfedcba9876543210
    fill THIRD, 0x8000000000000000
.irp begins, clc, stc
    mov $FIRST, %esi
    mov $SECOND, %r8d
    mov $SUM, %edi
    mov $WORDS, %edx
    \begins
    call sums
    note_flags noted
    mov $SUM, %esi
    mov $SECOND, %r8d
    mov $OTHER_SUM, %edi
    mov $-WORDS, %rdx
    \begins
    call differences
    expect_flags 33, CARRY, CARRY
    expect_noted 34, noted, CARRY, CARRY
    mov $FIRST, %esi
    mov $OTHER_SUM, %edi
    call same_words
    expect 35, e
    # byte by byte it is the same sum
    mov $FIRST, %esi
    mov $SECOND, %r8d
    mov $OTHER_SUM, %edi
    mov $WORDS * 8, %edx
    \begins
    call narrow_sums
    expect_flags 36, CARRY, CARRY
    mov $SUM, %esi
    mov $OTHER_SUM, %edi
    call same_words
    expect 37, e
.endr

    # two at once, against one after the other
    mov $FIRST, %esi
    mov $SECOND, %r8d
    mov $THIRD, %r9d
    mov $SUM, %edi
    mov $OTHER_SUM, %r10d
    mov $WORDS, %ecx
    xor %eax, %eax
    call both_sums
    expect_flags 38, ARITHMETIC, 0x845
    mov $FIRST, %esi
    mov $SECOND, %r8d
    mov $0x4a000, %edi
    mov $WORDS, %edx
    clc
    call sums
    mov $SUM, %esi
    mov $0x4a000, %edi
    call same_words
    expect 39, e
    mov $FIRST, %esi
    mov $THIRD, %r8d
    mov $0x4a000, %edi
    mov $WORDS, %edx
    test %edx, %edx
    call sums
    mov $OTHER_SUM, %esi
    mov $0x4a000, %edi
    call same_words
    expect 40, e

    # DEC between: OF begins anew with each word
    mov $FIRST, %esi
    mov $SECOND, %r8d
    mov $THIRD, %r9d
    mov $0x4a000, %edi
    mov $OTHER_SUM, %r10d
    mov $WORDS, %ecx
    xor %r12d, %r12d
    call split_sums
    expect_flags 41, ARITHMETIC, 0x45
    expect_eq 42, $CARRIES, %r12
    mov $SUM, %esi
    mov $0x4a000, %edi
    call same_words
    expect 43, e

    # INC and DEC that overflow give ADOX a carry, in every size
.irp counts, inc, dec
.irp register, al, ax, eax, rax
    mov start_\counts\()_\register, %rax
    stc
    \counts %\register
    mov $0, %ebx
    mov $0, %edx
    adox %rdx, %rbx
    adcx %rdx, %rdx
    expect_eq 44, $1, %rbx
    expect_eq 45, $1, %rdx
    # of a chain's carry too
    mov start_\counts\()_\register, %rax
    mov $-1, %rbx
    mov $0, %edx
    add %rbx, %rbx
    adc %rdx, %rdx
    mov $-1, %rcx
    adcx %rcx, %rdx
    \counts %\register
    jmp 4f
4:  adox %rdx, %rbx
    adcx %rcx, %rcx
    expect_eq 46, $-1, %rbx
    expect_eq 47, $-1, %rcx
.endr
.endr
    # comparisons of numbers of two words, by SBB, as those of one of twice the size
    long_compares 48, long_32, 4, %eax, %rax
    long_compares 51, long_16, 2, %ax, %eax
    long_compares 54, long_8, 1, %al, %ax
    dec %r15d
    jnz again
    end 0

faulting_product:
    add_product 0, %r10, %r11
    add_product 8, %r11, %r12
    add_product 16, %r12, %r13
    ret
faulting_sum:
    adc (%rsi), %rax
    adc 8(%rsi), %rbx
    ret

.balign 16
product_words: .quad -1, 0x8000000000000001, -6, 0x123456789abcdef1
noted: .quad 0
long_32: .quad 0, 1, 0x100000000, 0x100000001, 0x8000000000000000, 0x7fffffffffffffff, 0x8000000000000001, -1, -2, -0x100000000
long_16: .long 0, 1, 0x10000, 0x10001, 0x80000000, 0x7fffffff, 0x80000001, -1, -2, -0x10000
long_8: .word 0, 1, 0x100, 0x101, 0x8000, 0x7fff, 0x8001, -1, -2, -0x100
start_inc_al: .quad 0x7f
start_inc_ax: .quad 0x7fff
start_inc_eax: .quad 0x7fffffff
start_inc_rax: .quad 0x7fffffffffffffff
start_dec_al: .quad 0x80
start_dec_ax: .quad 0x8000
start_dec_eax: .quad 0x80000000
start_dec_rax: .quad 0x8000000000000000
begin_gdt
fault_data
