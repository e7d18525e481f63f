// SPDX-License-Identifier: MIT
// Loops over memory at even steps whose end is known, with everything that was done before a fault; whose stores reach code,
// that of the loop itself too; that change page tables, and whose pages are mapped elsewhere or become dirty meanwhile.
#include "check.inc"
#include "pages.inc"

#define HA_HD (3 << 39)
#define DBM (1 << 51)
#define ALIAS (DATA + 0x20000)
#define MOVZ_X0 0xd2800000 // MOVZ X0, #imm << 5
#define MOVZ_X7 0xd2800007
#define RET 0xd65f03c0
#define N (1 << 31)
#define C (1 << 29)
#define V (1 << 28)

    .macro flush_page number // in a register; clobbers x16
    lsr x16, \number, 12
    dsb ish
    tlbi vaae1is, x16
    dsb ish
    isb
    .endm

start:
    enter_pages
    mov x28, 4
again:
    // --- a store that faults: all before it is done, and the flags are those of ADDS ---
    ldr x1, =END - 12 * 1000 - 4
    ldr w5, =0x80000000 - 1001
    mov x0, 0
    GO_ON_AT(1f)
2:  str w0, [x1], 12
    add x0, x0, 1
    adds w5, w5, 1
    b 2b
1:  and x22, x22, 0xf0000000
    EXPECT(x22, N | V)
    EXPECT(x20, ESR(0x25, 0x46))
    EXPECT(x23, END + 8)
    EXPECT(x1, END + 8)
    EXPECT(x0, 1001)
    adr x2, 2b
    expect_eq 1, x21, x2
    ldr x1, =END - 16
    ldr w2, [x1, 12]
    EXPECT(x2, 1000)
    ldr w2, [x1]
    EXPECT(x2, 999)

    // --- the second of two streams, a page that is only read; by pairs, downwards, with writeback that is not to be seen ---
    page 3, AP_RO
    flush
    ldr x1, =DATA + 0x4000 + 16 * 600
    ldr x2, =DATA
    mov x0, 0
    GO_ON_AT(1f)
2:  str x0, [x2], 8
    add x0, x0, 1
    stp x0, x0, [x1, -16]!
    cmp x0, 700
    b 2b
1:  and x22, x22, 0xf0000000
    EXPECT(x22, N)
    EXPECT(x20, ESR(0x25, 0x4f))
    EXPECT(x23, DATA + 0x3ff0)
    EXPECT(x1, DATA + 0x4000)
    EXPECT(x2, DATA + 8 * 601)
    EXPECT(x0, 601)
    ldp x3, x4, [x1]
    EXPECT(x3, 600)
    EXPECT(x4, 600)
    ldr x3, [x2, -8]
    EXPECT(x3, 600)
    page 3, 0
    flush

    // --- code: a copy over a function that has run ---
    mov x9, 16
4:  adr x1, five
    tbz x9, 0, 2f
    adr x1, six
2:  adr x2, changing
    sub x1, x1, 0x400
    sub x2, x2, 0x400
    mov x3, 0x700 / 8
2:  ldr x4, [x1], 8
    str x4, [x2], 8
    subs x3, x3, 1
    b.ne 2b
    adr x2, changing
    sync x2
    mov x3, 20
    mov x5, 0
2:  bl changing
    add x5, x5, x0
    subs x3, x3, 1
    b.ne 2b
    and x3, x9, 1
    add x3, x3, 5
    mov x4, 20
    mul x3, x3, x4
    expect_eq 2, x5, x3
    subs x9, x9, 1
    b.ne 4b

    // --- code through another mapping, each instruction of it as soon as it is written ---
    ldr x16, =ENTRY(0x20)
    ldr x17, =FRAME(1) + PAGE + AP_RO
    str x17, [x16]
    flush
    ldr x1, =DATA + 0x1000
    ldr x2, =ALIAS
    ldr x3, =RET << 32 | MOVZ_X0
    mov x4, 500
    mov x5, 0
2:  str x3, [x1]
    sync x1
    blr x2
    add x5, x5, x0
    add x1, x1, 8
    add x2, x2, 8
    add x3, x3, 1 << 5
    subs x4, x4, 1
    b.ne 2b
    EXPECT(x5, 500 * 499 / 2)
    // written all, run all
    ldr x1, =DATA + 0x1000
    ldr x3, =RET << 32 | MOVZ_X0 | 7 << 5
    mov x4, 500
2:  str x3, [x1], 8
    subs x4, x4, 1
    b.ne 2b
    ldr x2, =ALIAS
    mov x4, 500
    mov x5, 0
3:  sync x2
    blr x2
    add x5, x5, x0
    add x2, x2, 8
    subs x4, x4, 1
    b.ne 3b
    EXPECT(x5, 3500)
    page 0x20, 0
    flush

    // --- over its own code, with what is there but for the instruction behind the loop ---
    ldr w9, =MOVZ_X7
    orr w9, w9, w28, lsl 5
    adr x1, 2f
    sub x1, x1, 199 * 4
    mov x3, 200
1:  ldr w4, [x1]
    cmp x3, 1
    csel w4, w9, w4, eq
    str w4, [x1], 4
    subs x3, x3, 1
    b.ne 1b
    sub x1, x1, 4
    sync x1
2:  movz x7, 0
    expect_eq 3, x7, x28

    // --- data in the page of the code ---
    adr x1, own_data
    mov x3, 64
    mov x4, 0
1:  str x3, [x1]
    ldr x5, [x1], 8
    add x4, x4, x5
    subs x3, x3, 1
    b.ne 1b
    EXPECT(x4, 64 * 65 / 2)

    // --- page tables: a page is another's in every round ---
    ldr x1, =DATA
    ldr x2, =DATA + 0x1000
    mov x3, 1
    str x3, [x1]
    mov x3, 1000
    str x3, [x2]
    ldr x6, =ENTRY(0)
    ldp x4, x5, [x6]
    mov x3, 400
    mov x0, 0
1:  ldr x7, [x1]
    add x0, x0, x7
    eor x8, x4, x5
    ldr x9, [x6]
    eor x9, x9, x8
    str x9, [x6]
    flush_page x1
    subs x3, x3, 1
    b.ne 1b
    EXPECT(x0, 200 * 1001)

    // in one round
    mov x3, 2000
    mov x0, 0
1:  ldr x7, [x1]
    add x0, x0, x7
    cmp x3, 500
    b.ne 2f
    str x5, [x6]
    flush_page x1
2:  subs x3, x3, 1
    b.ne 1b
    EXPECT(x0, 1501 + 499 * 1000)
    str x4, [x6]
    flush

    // no longer written from some round on: the store that follows faults
    ldr x2, =DATA + 0x2000
    ldr x9, =FRAME(2) + PAGE + AP_RO
    mov x3, 0
    GO_ON_AT(1f)
2:  str x3, [x2]
    add x3, x3, 1
    cmp x3, 700
    b.ne 2b
    str x9, [x6, 16]
    flush_page x2
    b 2b
1:  EXPECT(x20, ESR(0x25, 0x4f))
    EXPECT(x3, 700)
    ldr x3, [x2]
    EXPECT(x3, 699)
    page 2, 0
    flush

    // The entries are what a loop writes, from both ends: 240 pages turn round.
    ldr x1, =DATA
    mov x3, 0
1:  str x3, [x1]
    add x1, x1, 0x800
    str x3, [x1]
    add x1, x1, 0x800
    add x3, x3, 1
    cmp x3, 240
    b.ne 1b
    add x7, x6, 240 * 8
    mov x3, 120
1:  ldr x4, [x6]
    ldr x5, [x7, -8]!
    str x4, [x7]
    str x5, [x6], 8
    subs x3, x3, 1
    b.ne 1b
    flush
    ldr x6, =ENTRY(0)
    ldr x1, =DATA
    mov x3, 0
1:  ldr x5, [x1, 0x800]
    add x5, x5, x3
    cmp x5, 239
    b.ne 2f
    add x1, x1, 0x1000
    add x3, x3, 1
    cmp x3, 240
    b.ne 1b
2:  EXPECT(x3, 240)
    mov x3, 0
    add x7, x6, 240 * 8
1:  ldr x4, [x6]
    ldr x5, [x7, -8]!
    str x4, [x7]
    str x5, [x6], 8
    add x3, x3, 1
    cmp x3, 120
    b.ne 1b
    flush

    // --- dirty state: the first store to a page, after many loads, is to be seen in its entry by the next round ---
    ldr x0, =TCR_BASE + HA_HD
    msr tcr_el1, x0
    ldr x6, =ENTRY(0)
    ldr x4, =FRAME(0) + PAGE + AP_RO + DBM
    str x4, [x6]
    flush
    ldr x1, =DATA
    mov x3, 1000
    mov x0, 0
1:  ldr x5, [x1]
    cmp x3, 300
    b.gt 2f
    str x3, [x1, 8]
2:  ldr x7, [x6]
    ubfx x7, x7, 7, 1               // AP[2]
    add x0, x0, x7
    subs x3, x3, 1
    b.ne 1b
    EXPECT(x0, 700)
    ldr x7, [x6]
    EXPECT(x7, FRAME(0) + PAGE + DBM)
    // The access flag and the dirty state of each page that a loop comes to, when it comes there.
    ldr x6, =ENTRY(0)
    ldr x4, =FRAME(0) + PAGE + AP_RO + DBM - (1 << 10)
    ldr x5, =FRAME(1) + PAGE + AP_RO + DBM - (1 << 10)
    stp x4, x5, [x6]
    flush
    ldr x1, =DATA + 0x800
    mov x3, 200
    mov x0, 0
    mov x2, 0
1:  ldr x5, [x1]
    ldp x4, x7, [x6]
    ubfx x4, x4, 10, 1
    ubfx x5, x7, 10, 1
    add x2, x2, x4
    add x0, x0, x5
    ubfx x5, x7, 7, 1
    add x0, x0, x5, lsl 16
    str x3, [x1], 16
    subs x3, x3, 1
    b.ne 1b
    EXPECT(x2, 200)
    EXPECT(x0, 72 + (129 << 16))
    page 0, AP_EL0
    page 1, AP_EL0
    ldr x0, =TCR_BASE
    msr tcr_el1, x0
    flush

    subs x28, x28, 1
    b.ne again
    PASS

    .ltorg
    .balign 8
own_data:
    .fill 64, 8, 0

    .balign 8
    .fill 0x400, 1, 0x1f
five:
    mov x0, 5
    ret
    .fill 0x400, 1, 0x1f
six:
    mov x0, 6
    ret
    .fill 0x800, 1, 0x1f
changing:
    mov x0, 7
    ret
    .fill 0x800, 1, 0x1f
