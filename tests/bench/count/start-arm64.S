// SPDX-License-Identifier: MIT
// Entered at EL1, with the MMU on and floating point allowed; ends with HVC.
    .section .text.start, "ax"
    .globl _start
_start:
    ldr x0, =STACK
    mov sp, x0
    ldr x0, =MAILBOX
    bl run_item
    hvc 0
    .section .note.GNU-stack, "", %progbits
