// SPDX-License-Identifier: MIT
// Code that makes good regions of several blocks: loops that fault in their first round and in a late one, with the flags that
// each leaves; arms that meet again; loops with two ways in; calls that return where they should and elsewhere.
#include "check.inc"

#define NOWHERE 0x100000000 // no memory
#define DATA 0x40300000
#define N (1 << 31)
#define Z (1 << 30)
#define C (1 << 29)
#define ROUNDS 30000
#define SUM (255 * 128 + 3 * 255 * 128) // of fill_and_add

start:
    mov x0, 3 << 20 // CPACR_EL1.FPEN
    msr cpacr_el1, x0
    isb
    ldr x10, =DATA
    ldr x11, =NOWHERE

    // --- faults: x0 rounds left, x1 address, x2 its step, x3 sum ---
    mov x26, 0                    // how often this was run
again:
    mov x3, 0
    mov x0, ROUNDS
    mov x1, x11                   // faults at once
    mov x2, 0
    GO_ON_AT(first)
    cmp x11, 1
    ccmp x11, x11, 0, ne          // Z and C
    bl walk
first:
    and x22, x22, 0xf0000000
    EXPECT(x22, Z | C)
    EXPECT(x3, 0)
    EXPECT(x0, ROUNDS)

    mov x0, ROUNDS                // all rounds are good
    mov x1, x10
    mov x3, 0
    bl walk
    EXPECT(x3, ROUNDS)
    EXPECT(x0, 0)

    mov x0, ROUNDS                // the last but four faults: the flags are those of SUBS, 5 - 1
    mov x1, x10
    sub x2, x11, x10
    mov x4, ROUNDS - 5
    mov x3, 0
    GO_ON_AT(late)
    bl walk_then_jump
late:
    and x22, x22, 0xf0000000
    EXPECT(x22, C)
    EXPECT(x0, 5)
    EXPECT(x3, ROUNDS - 5)
    EXPECT(x1, NOWHERE)
    add x26, x26, 1
    cmp x26, 3
    b.ne again

    // --- arms that meet: counts odd and even, the larger of two, flags that live on ---
    mov x0, ROUNDS
    mov x1, 0
    mov x2, 0
    mov x3, 0
1:  tbz x0, 0, 2f
    add x1, x1, 1
    cmp x1, x2
    b 3f
2:  add x2, x2, 3
    cmp x2, x1
3:  cinc x3, x3, hi               // of whichever comparison was made
    subs x0, x0, 1
    b.ne 1b
    EXPECT(x1, ROUNDS / 2)
    EXPECT(x2, ROUNDS / 2 * 3)
    EXPECT(x3, ROUNDS / 2)

    // --- a loop with two ways in, inside another ---
    mov x4, 0
    mov x0, 0
1:  mov x1, 10
    mov x5, x1
    tbz x0, 0, 3f
2:  add x4, x4, x5
3:  subs x1, x1, 1
    b.ne 2b
    add x0, x0, 1
    cmp x0, 1000
    b.ne 1b
    // 500 rounds with 10 additions of 10, 500 with 9
    EXPECT(x4, 95000)

    // --- calls: from two places, and a return to a third ---
    mov x0, ROUNDS
    mov x6, 0
    mov x7, 0
1:  bl one_more
    add x6, x6, 100
    bl one_more
    sub x6, x6, 99
    cmp x0, 7
    b.ne 2f
    adr x30, elsewhere
    b one_more
elsewhere:
    add x7, x7, 1
2:  subs x0, x0, 1
    b.ne 1b
    EXPECT(x6, ROUNDS * 3 + 1)
    EXPECT(x7, 1)

    // --- what a loop writes and nobody reads is right behind it, vectors too ---
    mov x0, ROUNDS
    movi v1.2d, 0
    movi v2.2d, 0
1:  fmov d2, x0
    add v1.2d, v1.2d, v2.2d
    dup v3.2d, x0
    eor x8, x0, 0xff
    str x8, [x10, 64]
    subs x0, x0, 1
    b.ne 1b
    mov x0, v1.d[0]
    EXPECT(x0, ROUNDS / 2 * (ROUNDS + 1))
    mov x0, v3.d[1]
    EXPECT(x0, 1)
    EXPECT(x8, 0xfe)

    // --- tables with a small index: of bytes, and of words, each within a page and across two ---
    ldr x1, =STACK + 0x10000
    bl fill_and_add
    EXPECT(x0, SUM)
    ldr x1, =STACK + 0x10f80
    bl fill_and_add
    EXPECT(x0, SUM)
    ldr x1, =STACK + 0x10d00
    bl fill_and_add
    EXPECT(x0, SUM)
    PASS

// At x1, 256 bytes i * 7 & 255 and 256 words 3 * i, all entries added up in an order that each gives the next index of.
fill_and_add:
    add x2, x1, 256
    mov x3, 0
1:  and x4, x3, 255
    add w5, w3, w3, lsl 1
    str w5, [x2, x4, lsl 2]
    ubfx x4, x3, 0, 8
    mov w6, 7
    mul w5, w3, w6
    strb w5, [x1, x4]
    add x3, x3, 1
    cmp x3, 256
    b.ne 1b
    mov x0, 0
    mov w3, 0
    mov x7, 256
2:  and x4, x3, 255
    ldrb w5, [x1, x4]
    ldr w6, [x2, x5, lsl 2]
    add x0, x0, x5
    add x0, x0, x6
    add w3, w3, 5
    subs x7, x7, 1
    b.ne 2b
    ret

one_more:
    add x6, x6, 1
    ret

walk_then_jump:                   // walk, but x4 rounds before the end the address takes a step
1:  ldr x5, [x1]
    add x3, x3, 1
    cmp x3, x4
    csel x5, x2, xzr, eq
    add x1, x1, x5
    subs x0, x0, 1
    b.ne 1b
    ret

walk:
1:  ldr x5, [x1]
    add x3, x3, 1
    subs x0, x0, 1
    b.ne 1b
    ret
