# SPDX-License-Identifier: MIT
# Carries out a list of accesses that is at LIST, in 32-bit protected mode: 16 bytes for each.
#   0: what to do: the size in bits 0 to 3 (1, 2, 4), bit 4: a port rather than memory, bit 5: read; 0 ends the run with status 0
#   4: address
#   8: the value; what is read is put here
#   12: how often
.set CODE_FLAGS, 0xc
.set GATE_BYTES, 8
.set LIST, 0x20000
.include "check.inc"
start_program
    lgdtl gdtr
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $8, $protected

.code32
protected:
    mov $0x10, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7000, %esp
    mov $LIST, %ebx
next:
    mov (%ebx), %esi
    mov 4(%ebx), %edx
    mov 8(%ebx), %eax
    mov 12(%ebx), %ecx
    test %esi, %esi
    jnz again
    end 0
again:
    call *table(,%esi,4)
    dec %ecx
    jnz again
    mov %eax, 8(%ebx)
    add $16, %ebx
    jmp next

.macro routine name, instruction:vararg
\name:
    \instruction
    ret
.endm
routine store_1, mov %al, (%edx)
routine store_2, mov %ax, (%edx)
routine store_4, mov %eax, (%edx)
routine out_1, out %al, %dx
routine out_2, out %ax, %dx
routine out_4, out %eax, %dx
routine load_1, mov (%edx), %al
routine load_2, mov (%edx), %ax
routine load_4, mov (%edx), %eax
routine in_1, in %dx, %al
routine in_2, in %dx, %ax
routine in_4, in %dx, %eax

.balign 4
table:
    .long 0, store_1, store_2, 0, store_4
    .fill 12, 4, 0
    .long out_1, out_2, 0, out_4
    .fill 12, 4, 0
    .long load_1, load_2, 0, load_4
    .fill 12, 4, 0
    .long in_1, in_2, 0, in_4

begin_gdt
end_gdt 1
