# SPDX-License-Identifier: MIT
# A multiboot kernel that is UEFI firmware of 32 bits, as far as a debugger can see: its table, and two images. PATH is where the
# first one was built; what it has at IMAGE + 0x1000 is what test-gdb-libraries links into a file of that name. The pointer's
# checksum is CHECKSUM. The second image comes and goes as the code runs.
.set BASE, 0x400000
.set IMAGE, 0x500000
.code32
.section .pointer, "aw"     # at BASE, a multiple of 4 MiB
    .ascii "IBI SYST"
    .long table, 0
    .long CHECKSUM, 0

.section .tables, "aw"
    .balign 4
    .long 0x1badb002, 0, -0x1badb002
    .balign 8
table:
    .ascii "IBI SYST"
    .long 0x20046, 72, 0, 0
    .long vendor, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, configurations
vendor:
    .short 'T', 0
configurations:
    .long 0x49152e77
    .short 0x1ada, 0x4764
    .byte 0xb7, 0xa2, 0x7a, 0xfe, 0xfe, 0xd9, 0x5e, 0x8b
    .long images
images:
    .long 0
count:
    .long 1, entries
entries:
    .long first, second
first:
    .long 1, first_loaded, 0
second:
    .long 1, second_loaded, 0
third:
    .long 1, third_loaded, 0
first_loaded:
    .long 0x1000, 0, table, 0, 0, 0, 0, 0, IMAGE, 0
    .quad 0x10000
third_loaded:
    .long 0x1000, 0, table, 0, 0, 0, 0, 0, IMAGE + 0x40000, 0
    .quad 0x10000
second_loaded:
    .long 0x1000, 0, table, 0, 0, 0, 0, 0, IMAGE + 0x20000, 0
    .quad 0x10000

# Headers of an image of 0x2000 bytes whose section .text is at 0x1000, its debug directory at 0x300.
.macro headers name
\name:
    .ascii "MZ"
    .fill 0x3a
    .long 0x80
    .fill 0x40
    .ascii "PE\0\0"
    .short 0x14c, 1
    .long 0, 0, 0
    .short 224, 0
    .short 0x10b
    .fill 90
    .long 16
    .fill 48
    .long 0x300, 28
    .fill 72
    .ascii ".text\0\0\0"
    .long 0x1000, 0x1000, 0x1000, 0x1000, 0, 0, 0, 0x60000020
    .fill 0x300 - (. - \name)
    .long 0, 0, 0, 2, 200, 0x340, 0x340
    .fill 0x340 - (. - \name)
    .ascii "NB10"
    .long 0, 0, 0
.endm

.section .first, "aw"       # at IMAGE
    headers first_headers
    .asciz PATH
    .fill 0x1000 - (. - first_headers)
.globl _start
_start:
    nop
function:
    nop
    movl $2, count
later:
    nop
    nop
    movl $1, count
    nop
    nop
    nop
1:  jmp 1b

.section .second, "aw"      # at IMAGE + 0x20000
    headers second_headers
    .asciz "/etc/passwd"
    .fill 0x2000 - (. - second_headers)

.section .third, "aw"       # at IMAGE + 0x40000: the first one, loaded elsewhere
    headers third_headers
    .asciz PATH
    .fill 0x2000 - (. - third_headers)
