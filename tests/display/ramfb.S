// SPDX-License-Identifier: MIT
// A bare program for the arm64 board: finds fw_cfg's file "etc/ramfb", tells it of a framebuffer of 300 by 200 pixels
// (XRGB8888, 1280 bytes a line), draws, and powers off. Red x, green y, blue x ^ y, in a white frame.
    .equ FW_CFG, 0x09020000
    .equ PIXELS, 0x41000000
    .equ WIDTH, 300
    .equ HEIGHT, 200
    .equ STRIDE, 1280

    .globl _start
_start:
    // The directory: a number, then files of 64 bytes.
    ldr w0, =0x00190000 | 8 | 2 // item 0x19, select, read
    ldr x1, =directory
    ldr w2, =4 + 64 * 32
    bl dma
    ldr x3, =directory + 4
    ldr w4, =directory
    ldr w4, [x4]
    rev w4, w4
    ldr x5, =name
    ldp x6, x7, [x5]
1:  ldr x8, [x3, 8]
    ldr w9, [x3, 16]
    cmp x8, x6
    ccmp w9, w7, 0, eq
    b.eq 2f
    add x3, x3, 64
    subs w4, w4, 1
    b.ne 1b
    b off
2:  ldrh w0, [x3, 4]
    rev16 w0, w0
    lsl w0, w0, 16
    orr w0, w0, 8 | 16 // select, write
    ldr x1, =config
    mov w2, 28
    bl dma

    ldr x1, =PIXELS
    mov w3, 0
3:  mov w2, 0
4:  eor w4, w2, w3
    and w4, w4, 255
    bfi w4, w3, 8, 8
    bfi w4, w2, 16, 8
    cbz w2, 5f
    cbz w3, 5f
    cmp w2, WIDTH - 1
    b.eq 5f
    cmp w3, HEIGHT - 1
    b.ne 6f
5:  mov w4, 0xffffff
6:  str w4, [x1, w2, uxtw 2]
    add w2, w2, 1
    cmp w2, WIDTH
    b.ne 4b
    add x1, x1, STRIDE
    add w3, w3, 1
    cmp w3, HEIGHT
    b.ne 3b
off:
    ldr w0, =0x84000008 // SYSTEM_OFF
    hvc 0
7:  wfi
    b 7b

    // Control W0, address X1, length W2.
dma:
    ldr x10, =request
    rev w0, w0
    rev w2, w2
    rev x1, x1
    stp w0, w2, [x10]
    str x1, [x10, 8]
    rev x11, x10
    ldr x12, =FW_CFG + 16
    str x11, [x12]
8:  ldr w0, [x10]
    rev w0, w0
    tst w0, ~1
    b.ne 8b
    ret

    .balign 16
name:
    .asciz "etc/ramfb"
    .balign 16
config: // all of it with the first byte first
    .byte 0, 0, 0, 0, PIXELS >> 24, PIXELS >> 16 & 255, PIXELS >> 8 & 255, PIXELS & 255
    .byte '4', '2', 'R', 'X'
    .word 0
    .byte 0, 0, WIDTH >> 8, WIDTH & 255, 0, 0, HEIGHT >> 8, HEIGHT & 255, 0, 0, STRIDE >> 8, STRIDE & 255
    .balign 16
request:
    .zero 16
    .zero 12 // without the MMU, accesses must be aligned: names come 12 bytes behind
directory:
    .zero 4 + 64 * 32
