// SPDX-License-Identifier: MIT
// A bare program that does by semihosting all that it does (test-semihosting runs it): output, files inside and outside of the folder
// that it is given, what there is to know about itself. Ends with status 7, or with the number of the check that failed.

    .macro call op, block
    mov w0, \op
    adr x1, \block
    hlt 0xf000
    .endm

    // X0 is to be `value`, else the program ends with status `number`.
    .macro expect number, value
    mov x19, \number
    ldr x20, =\value
    cmp x0, x20
    b.ne fail
    .endm

    // Opens `name`, whose length is `length`; the result in X0.
    .macro open name, length, mode
    adr x2, block
    adr x3, \name
    mov x4, \mode
    mov x5, \length
    stp x3, x4, [x2]
    str x5, [x2, 16]
    call 0x01, block
    .endm

    // A block of up to four words: registers and numbers.
    .macro words a, b=xzr, c=xzr, d=xzr
    adr x2, block
    stp \a, \b, [x2]
    stp \c, \d, [x2, 16]
    .endm

    .text
    .globl _start
_start:
    // --- the console ---
    open tt, 3, 4
    mov x21, x0
    adr x3, hello
    mov x4, 6
    words x21, x3, x4
    call 0x05, block
    expect 1, 0
    call 0x04, write0
    call 0x03, writec
    words x21
    call 0x09, block
    expect 2, 1
    call 0x07, block // no input
    expect 3, -1

    // --- reading ---
    open in, 6, 0
    mov x21, x0
    words x21
    call 0x0c, block
    expect 10, 12
    call 0x09, block
    expect 11, 0
    mov x4, 7
    words x21, x4
    call 0x0a, block // SEEK
    expect 12, 0
    adr x3, buffer
    mov x4, 64
    words x21, x3, x4
    call 0x06, block
    expect 13, 59 // of which 5 bytes were there
    call 0x06, block
    expect 14, 64
    ldr w0, [x3]
    expect 15, 0x6c726f77 // "worl"
    words x21
    call 0x02, block
    expect 16, 0
    call 0x02, block
    expect 17, -1

    // --- writing ---
    open out, 7, 4
    mov x21, x0
    adr x3, hello
    mov x4, 6
    words x21, x3, x4
    call 0x05, block
    expect 20, 0
    call 0x05, block
    expect 21, 0
    call 0x06, block // not open for that
    expect 22, -1
    words x21
    call 0x02, block
    expect 23, 0
    open sub, 10, 4
    mov x21, x0
    words x21
    call 0x02, block
    expect 24, 0

    // --- out of the folder ---
    open up, 9, 0
    expect 30, -1
    call 0x13, block // ERRNO: EACCES
    expect 31, 13
    open up, 9, 4
    expect 32, -1
    open link, 4, 0
    expect 33, -1
    open linked, 11, 0
    expect 34, -1
    open absolute, 11, 0
    expect 35, -1
    open inside, 6, 0 // a link that stays inside is one's own business
    cmp x0, 0
    mov x19, 36
    b.le fail
    open fifo, 4, 0
    expect 37, -1
    open none, 4, 0
    expect 38, -1
    call 0x13, block // ENOENT
    expect 39, 2

    // --- names ---
    adr x3, gone
    mov x4, 4
    words x3, x4
    call 0x0e, block
    expect 40, 0
    call 0x0e, block
    expect 41, -1
    adr x3, up
    mov x4, 9
    words x3, x4
    call 0x0e, block
    expect 42, -1
    adr x3, in
    mov x4, 6
    adr x5, new
    mov x6, 3
    words x3, x4, x5, x6
    call 0x0f, block
    expect 43, 0
    adr x3, new
    mov x4, 3
    adr x5, up
    mov x6, 9
    words x3, x4, x5, x6
    call 0x0f, block
    expect 44, -1
    adr x3, buffer
    mov x4, 5
    mov x5, 64
    words x3, x4, x5
    call 0x0d, block // TMPNAM
    expect 45, 0
    ldr x0, [x3]
    expect 46, 0x736f68696d6573 + ('t' << 56) // "semihost"

    // --- what there is ---
    open features, 21, 0
    mov x21, x0
    adr x3, buffer
    mov x4, 5
    words x21, x3, x4
    call 0x06, block
    expect 50, 0
    ldr w0, [x3]
    expect 51, 0x42464853
    ldrb w0, [x3, 4]
    expect 52, 3
    adr x3, buffer
    mov x4, 64
    words x3, x4
    call 0x15, block // GET_CMDLINE
    expect 53, 0
    ldr x0, [x2, 8]
    expect 54, 11
    call 0x04, buffer
    adr x3, buffer
    mov x4, 11 // no room for the end of the string
    words x3, x4
    call 0x15, block
    expect 55, -1
    adr x3, buffer
    words x3
    call 0x16, block // HEAPINFO
    expect 56, 0
    ldp x4, x5, [x3]
    adr x6, end
    mov x19, 57
    cmp x4, x6
    b.lo fail
    cmp x5, x4
    b.ls fail
    str x4, [x4] // it is RAM
    stur x5, [x5, -8]
    call 0x11, block // TIME
    mov x19, 58
    ldr x1, =1600000000
    cmp x0, x1
    b.lo fail
    call 0x31, block
    expect 59, 1000000000

    // --- what is refused ---
    adr x3, hello
    mov x4, 6
    words x3, x4
    call 0x12, block // SYSTEM
    expect 60, -1
    call 0x7f, block
    expect 61, -1
    mov x0, 0x05
    ldr x1, =0x09000000 // a device
    hlt 0xf000
    expect 62, -1
    mov x0, 0x05
    ldr x1, =0xfffffffffffffff0 // nothing
    hlt 0xf000
    expect 63, -1
    mov x21, 99
    adr x3, hello
    mov x4, 6
    words x21, x3, x4
    call 0x05, block // a handle that is not open
    expect 64, -1
    open tt, 4096, 0
    expect 65, -1

    mov x19, 7
fail:
    ldr x3, =0x20026
    words x3, x19
    call 0x18, block
    b . // does not come back

write0: .asciz "write0\n"
writec: .ascii "!"
hello: .ascii "hello\n"
tt: .ascii ":tt"
in: .ascii "in.txt"
out: .ascii "out.txt"
sub: .ascii "./sub/file"
up: .ascii "../secret"
link: .ascii "link"
linked: .ascii "away/secret"
absolute: .ascii "/etc/passwd"
inside: .ascii "inside"
fifo: .ascii "fifo"
none: .ascii "none"
gone: .ascii "gone"
new: .ascii "new"
features: .ascii ":semihosting-features"
    .balign 16
block: .space 32
buffer: .space 64
    .ltorg
end:
