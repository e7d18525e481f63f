# SPDX-License-Identifier: MIT
# To protected mode with pages of 4 MiB, then to C; ends with a byte at port 0xf4.
.include "protected.inc"
    .section .text.start, "ax"
start_program
    enter_protected_mode
.code32
protected:
    flat_segments
    mov $STACK - 16, %esp
    movl $0x83, 0x20000      # the directory of pages
    enable_paging 0x20000
    fninit
    movl $MAILBOX, (%esp)
    call run_item
    end 0
begin_gdt
end_gdt 0
    .section .note.GNU-stack, "", %progbits
