// SPDX-License-Identifier: MIT
// Each processor stores numbers that grow into slots of its own, all over the pages from PAGES on, by instructions of several
// kinds; after each store it says which slot has which number, at SAID + 8 * processor, and waits for as many rounds of a loop as
// there are at STOP + 8, so that most pages are left alone for a while. Until there is something at STOP.
#define PAGES 0x40800000
#define SAID 0x40600000
#define STOP 0x40601000

start:
    mrs x0, mpidr_el1
    and x0, x0, 0xff
    ldr x1, =PAGES
    add x1, x1, x0, lsl 3
    ldr x2, =SAID
    add x2, x2, x0, lsl 3
    ldr x3, =STOP
    ldr x4, =88172645463325252
    add x4, x4, x0, lsl 20
    mov x5, 0
store:
    eor x4, x4, x4, lsl 13
    eor x4, x4, x4, lsr 7
    eor x4, x4, x4, lsl 17
    ubfx x6, x4, 20, 18 // the slot: 1024 pages of 256
    add x7, x1, x6, lsl 4
    add x5, x5, 1
    tbnz x4, 50, 1f
    str x5, [x7]
    b 3f
1:  tbnz x4, 51, 2f
    swp x5, x8, [x7]
    b 3f
2:  ldxr x8, [x7]
    stlxr w8, x5, [x7]
    cbnz w8, 2b
3:  orr x8, x5, x6, lsl 40
    stlr x8, [x2]
    ldr x9, [x3, 8]
4:  subs x9, x9, 1
    b.ne 4b
    ldr x8, [x3]
    cbz x8, store
    mov x0, 0
    hvc 0
