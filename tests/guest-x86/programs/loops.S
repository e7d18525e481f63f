# SPDX-License-Identifier: MIT
# Loops over memory at even steps: sums against those of loops whose addresses nobody can foresee, over page ends and with
# accesses that cross them; faults in the middle, with everything that was done before; alignment; stores that reach code, that
# of the loop itself too; pages that are mapped elsewhere while a loop goes over them.
.include "faults64.inc"
.set TABLE, 0x25000                    # of the pages at 2 MiB: neighbours there are none in memory
.set DATA, 0x300000
.set PAGES, 5
.set END, 0x400000                     # of what is mapped
.set ARITHMETIC, 0x8d5
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x620, 0, 0x10000

.code64
fault_entries 13, 14

# The ends of loops that begin at 1, with rounds in %ecx. An index in %rbx goes on where ZF is clear, and each third
# round.
.macro rare_steps
    jz 2f
    inc %rbx
2:  inc %edx
    dec %ecx
    jz 3f
    cmp $3, %edx
    jb 1b
    xor %edx, %edx
    inc %rbx
    cmp $PAGES * 1024, %rbx
    jb 1b
3:
.endm

# A pointer goes four rounds up, four down.
.macro up_and_down pointer
    test $4, %cl
    jz 2f
    add $8, \pointer
    jmp 3f
2:  sub $8, \pointer
3:  dec %ecx
    jnz 1b
.endm

# Sums of \count loads from \from on, at each \step: by a loop that walks, in %rax, and by one that computes addresses, in %rdx.
.macro sums number, load, from, step, count
    mov $\from, %ebx
    mov $\count, %ecx
    xor %eax, %eax
1:  \load (%rbx), %rsi
    add %rsi, %rax
    add $(\step), %rbx
    dec %ecx
    jnz 1b
    mov $\count, %ecx
    xor %edx, %edx
2:  mov $\count, %edi
    sub %ecx, %edi
    imul $(\step), %rdi
    \load \from(%rdi), %rsi
    add %rsi, %rdx
    dec %ecx
    jnz 2b
    expect_eq \number, %rax, %rdx
.endm

# The same with the step in %r10.
.macro sums_by number, step, count
    mov $DATA, %r11d
    sums_from_r11_by \number, \step, \count
.endm
.macro sums_from_r11_by number, step, count
    movq $\step, resume               # from memory: nobody knows
    mov resume, %r10
    mov %r11, %rbx
    mov $\count, %ecx
    xor %eax, %eax
1:  mov (%rbx), %rsi
    add %rsi, %rax
    add %r10, %rbx
    dec %ecx
    jnz 1b
    mov $\count, %ecx
    xor %edx, %edx
2:  mov $\count, %edi
    sub %ecx, %edi
    imul %r10, %rdi
    mov (%r11,%rdi), %rsi
    add %rsi, %rdx
    dec %ecx
    jnz 2b
    expect_eq \number, %rax, %rdx
.endm

long_mode:
    flat_segments
    set_fault_gates 13, 14
    movl $TABLE + 7, 0x22008
    mov $TABLE, %edi
    xor %ecx, %ecx
1:  mov %ecx, %eax
    xor $5, %eax
    shl $12, %eax
    or $7, %eax
    mov %rax, (%rdi,%rcx,8)
    inc %ecx
    cmp $512, %ecx
    jne 1b
    mov %cr3, %rax
    mov %rax, %cr3
    mov $3, %r15d
again:
    # bytes of a walk through random numbers
    mov $DATA, %edi
    mov $12345, %eax
1:  imul $1103515245, %eax, %eax
    add $12345, %eax
    mov %eax, %edx
    shr $16, %edx
    mov %dl, (%rdi)
    inc %edi
    cmp $DATA + PAGES * 4096, %edi
    jne 1b

    sums 1, movzbq, DATA+1, 1, PAGES*4096-1
    sums 2, movzbq, DATA+PAGES*4096-1, -1, PAGES*4096-1
    sums 3, mov, DATA+3, 8, PAGES*512-1
    sums 4, mov, DATA+PAGES*4096-11, -8, PAGES*512-1
    sums 5, movslq, DATA+5, 12, PAGES*4096/12-1
    sums 6, movslq, DATA+PAGES*4096-9, -20, PAGES*4096/20-1
    sums 7, mov, DATA+0xff9, 256, PAGES*16-17
    sums 8, mov, DATA+0xffc, 512, PAGES*8-9
    sums 9, mov, DATA+0xffa, 0, 1000
    sums 10, mov, DATA+8, 0, 1000

    sums_by 30, 8, PAGES*512
    sums_by 31, 20, PAGES*4096/20-1
    sums_by 32, 0x110, PAGES*15-1
    sums_by 33, 0, 1000
    sums_by 34, 1, PAGES*4096-8
    mov $DATA+PAGES*4096-8, %r11d
    sums_from_r11_by 35, -8, PAGES*512

    # an index of 32 bits that comes round to 0, where there is no memory
    mov $DATA, %ebx
    mov $0xffffe800, %eax
    sub %rax, %rbx
    mov %rbx, resume
    mov resume, %rbx
    mov $4000, %ecx
    xor %edx, %edx
    movq $1f, resume
2:  add (%rbx,%rax), %rdx
    add $8, %eax
    dec %ecx
    jnz 2b
1:  mov $0x7000, %rsp
    expect_eq 36, $4000-0x300, %ecx
    expect_eq 37, $0, %rax
    mov $0x700, %eax                   # and down
    mov $DATA+0x1000, %ebx
    mov $4000, %ecx
    movq $1f, resume
2:  mov %eax, %esi
    sub $16, %eax
    add (%rbx,%rsi), %rdx
    dec %ecx
    jnz 2b
1:  mov $0x7000, %rsp
    expect_eq 38, $4000-0x71, %ecx

    # two that move apart, and an index that takes a step in some rounds only
    mov $DATA, %ebx
    mov $DATA + PAGES * 4096 - 8, %esi
    mov $PAGES * 256, %ecx
1:  mov (%rbx), %rax
    mov (%rsi), %rdx
    mov %rdx, (%rbx)
    mov %rax, (%rsi)
    add $8, %rbx
    sub $8, %rsi
    dec %ecx
    jnz 1b
    xor %ebx, %ebx
    xor %edx, %edx
    mov $DATA, %esi
    mov $PAGES * 1024, %ecx
1:  testb $1, (%rsi,%rbx,4)
    rare_steps
    mov %rbx, %r8
    xor %ebx, %ebx                     # the same with addresses that are made in another way
    xor %edx, %edx
    mov $PAGES * 1024, %ecx
1:  imul $4, %rbx, %rdi
    testb $1, DATA(%rdi)
    rare_steps
    expect_eq 11, %rbx, %r8

    # one that goes up and down by what it finds
    mov $DATA + 0x1000 - 16, %ebx
    mov $3000, %ecx
    xor %edx, %edx
1:  mov (%rbx), %rax
    add %rax, %rdx
    up_and_down %rbx
    mov %rdx, %r8
    mov $DATA + 0x1000 - 16, %edi
    mov $3000, %ecx
    xor %edx, %edx
1:  imul $1, %rdi, %rbx
    mov (%rbx), %rax
    add %rax, %rdx
    up_and_down %rdi
    expect_eq 27, %rdx, %r8

    # a store that faults: all before it is done, and the flags are those of ADD
    mov $END - 12 * 1000 - 4, %ebx
    xor %ecx, %ecx
    movq $1f, resume
2:  mov %ecx, (%rbx)
    inc %ecx
    add $12, %rbx
    jmp 2b
1:  pushfq
    pop %rax
    and $ARITHMETIC, %eax
    mov $0x7000, %rsp
    expect_eq 12, $1001, %ecx
    expect_eq 13, $END+8, %rbx
    expect_eq 14, $0x10, %eax          # AF
    mov %cr2, %rax
    expect_eq 15, $END+8, %rax
    cmpl $1000, END - 4
    expect 16, e
    cmpl $999, END - 16
    expect 17, e

    # one that crosses the end, downwards behind another stream that is good
    mov $END - 8 * 600 - 3, %ebx
    mov $DATA, %esi
    xor %ecx, %ecx
    movq $1f, resume
2:  mov %rcx, (%rsi)
    add $8, %rsi
    inc %ecx
    mov (%rbx), %rdx
    add $8, %rbx
    jmp 2b
1:  mov $0x7000, %rsp
    expect_eq 18, $601, %ecx
    expect_eq 19, $DATA+601*8, %rsi
    expect_eq 20, $END-3, %rbx
    cmpq $600, DATA + 600 * 8
    expect 21, e

    # alignment: none is missed, whatever the loop began with
    mov $DATA, %ebx
    mov $700, %ecx
    xorps %xmm0, %xmm0
2:  movaps (%rbx), %xmm1
    xorps %xmm1, %xmm0
    movaps %xmm0, (%rbx)
    add $16, %rbx
    dec %ecx
    jnz 2b
    movq $1f, resume
    inc %rbx
    mov $700, %ecx
    movl $-1, seen
2:  movaps (%rbx), %xmm1
    xorps %xmm1, %xmm0
    movaps %xmm0, (%rbx)
    add $16, %rbx
    dec %ecx
    jnz 2b
1:  mov $0x7000, %rsp
    expect_eq 22, $13, seen
    expect_eq 23, $700, %ecx

    mov $DATA + 1, %ebx                # not looked at before the last rounds
    mov $700, %ecx
    movq $1f, resume
    movl $-1, seen
2:  mov (%rbx), %al
    cmp $50, %ecx
    ja 3f
    movaps (%rbx), %xmm1
3:  add $16, %rbx
    dec %ecx
    jnz 2b
1:  mov $0x7000, %rsp
    expect_eq 28, $13, seen
    expect_eq 29, $50, %ecx

    # a copy over code that has run
    mov $64, %r8d
4:  mov $five, %esi
    test $1, %r8b
    jz 2f
    mov $six, %esi
2:  lea -2000(%rsi), %rsi
    mov $changing - 2000, %edi
    mov $4000, %ecx
2:  mov (%rsi), %al
    mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %ecx
    jnz 2b
    mov $20, %ecx
2:  call changing
    dec %ecx
    jnz 2b
    mov %r8d, %ecx
    and $1, %ecx
    add $5, %ecx
    expect_eq 24, %eax, %ecx
    dec %r8d
    jnz 4b

    # stores over their own loop, the last one to what is behind it
    mov $200, %edx
    mov $behind-199, %edi
    lea -1(%r15), %r9d
1:  mov (%rdi), %al
    cmp $1, %edx
    cmove %r9d, %eax
    mov %al, (%rdi)
    inc %rdi
    dec %edx
    jnz 1b
    .byte 0xb8                         # mov $..., %eax
behind:
    .long 0
    lea -1(%r15), %ecx
    expect_eq 25, %eax, %ecx

    # a page that goes elsewhere while a loop goes over it
    movq $1, DATA
    movq $1000, DATA + 0x1000
    mov $DATA, %ebx
    mov $2000, %ecx
    xor %edx, %edx
    mov TABLE + ((DATA - 0x200000) >> 12) * 8, %rsi
    mov TABLE + ((DATA - 0x200000) >> 12) * 8 + 8, %rdi
2:  add (%rbx), %rdx
    cmp $500, %ecx
    jne 3f
    mov %rdi, TABLE + ((DATA - 0x200000) >> 12) * 8
    invlpg (%rbx)
3:  dec %ecx
    jnz 2b
    mov %rsi, TABLE + ((DATA - 0x200000) >> 12) * 8
    invlpg (%rbx)
    expect_eq 26, $1501+499*1000, %rdx

    dec %r15d
    jnz again
    end 0

.balign 8
five:
    mov $5, %eax
    ret
.fill 2048, 1, 0x90
six:
    mov $6, %eax
    ret
.fill 6144, 1, 0x90
changing:
    mov $7, %eax
    ret
.fill 2048, 1, 0x90
begin_gdt
fault_data
