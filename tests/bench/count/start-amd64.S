# SPDX-License-Identifier: MIT
# To long mode with SSE, then to C; ends with a byte at port 0xf4.
.include "long-mode.inc"
    .section .text.start, "ax"
start_program
    begin_tables
    map_2_mib
    enter_long_mode 0x620, 0, 2
.code64
long_mode:
    flat_segments
    mov $STACK, %esp
    mov $MAILBOX, %edi
    call run_item
    end 0
begin_gdt
end_gdt 0
    .section .note.GNU-stack, "", %progbits
