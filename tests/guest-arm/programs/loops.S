// SPDX-License-Identifier: MIT
// Loops over memory at even steps, each assembled twice: as it is, and with a multiplication by 1 that hides from engines what
// addresses are made of. Both are run from many places, to ends of what is mapped, pages that may only be read, devices, and
// alignment faults, and must leave the same registers, flags, syndrome and memory.
#include "check.inc"
#include "pages.inc"

#define FRAMES_DATA (FRAMES + 0x100000) /* of 8 pages from DATA on */
#define FRAMES_END (FRAMES + 0x1f8000) /* of 4 pages before END */
#define DATA_BYTES 0x8000
#define END_BYTES 0x4000
#define PRISTINE 0x40310000
#define SAVED 0x40320000  /* of the run before */

#define TAG (0xa5 << 56)
#define C (1 << 29)
#define V (1 << 28)

    // Copies from x13 to x14; both go on. Clobbers x15 and vectors.
    .macro copy bytes
    mov x15, \bytes
9:  ldp q16, q17, [x13], 64
    ldp q18, q19, [x13, -32]
    stp q16, q17, [x14], 64
    stp q18, q19, [x14, -32]
    subs x15, x15, 64
    b.ne 9b
    .endm

// --- the loops -------------------------------------------------------------------------------------------------------
//
// At the start x0 is a number of rounds, x1 an address to load from, x2 one to store to, x10 a step, x11 an index, x3 and x12 are
// such that x3 + (x11 << 3) is x1 and x12 + (w11 << 2) is x1; other registers have values. X16 to X29 are not theirs.

    .macro skip reg
    nop
    .endm
    .macro wash reg
    mul \reg, \reg, x26
    .endm

    .macro both name
    .balign 512
\name\()_plain:
    \name skip
    ret
    .balign 512
\name\()_washed:
    \name wash
    ret
    .pushsection .data
    .quad \name\()_plain, \name\()_washed
    .popsection
    .endm

    .pushsection .data
loops:
    .popsection

    .macro bytes w
1:  \w x1
    ldrb w6, [x1], 1
    add x4, x4, x6
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro fill w
1:  \w x2
    str x4, [x2], 8
    adds x4, x4, x5
    cbnz x0, 2f
    ret
2:  sub x0, x0, 1
    b 1b
    .endm

    .macro copy_up w
1:  \w x1
    \w x2
    ldr x6, [x1], 8
    adds x4, x4, x6
    adc x5, x5, xzr
    str x4, [x2], 8
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro copy_down w
1:  \w x1
    \w x2
    ldr x6, [x1, -8]!
    eor x4, x4, x6, ror 7
    str x4, [x2, -8]!
    subs x0, x0, 1
    b.ne 1b
    .endm

    // Neither is read again soon.
    .macro apart w
1:  \w x1
    \w x2
    ldr w6, [x1]
    ldr w7, [x2]
    str w7, [x1], 4
    str w6, [x2], -4
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro pairs w
1:  \w x1
    \w x2
    ldp x6, x7, [x1], 16
    adds x4, x4, x6
    adcs x5, x5, x7
    stp x5, x4, [x2], 16
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro pairs_down w
1:  \w x1
    \w x2
    ldpsw x6, x7, [x1, -8]!
    subs x4, x4, x6
    sbcs x5, x5, x7
    stp w5, w4, [x2, -8]!
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    // Sums of numbers of many words: the carry goes from round to round.
    .macro big_number w
    cmn x4, x4
1:  \w x1
    \w x2
    ldr x6, [x1], 8
    ldr x7, [x2]
    adcs x6, x6, x7
    str x6, [x2], 8
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro index_up w
1:  \w x3
    ldr x6, [x3, x11, lsl 3]
    add x4, x4, x6
    add x11, x11, 1
    str x4, [x2]
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro index_uxtw w
1:  \w x12
    ldr w6, [x12, w11, uxtw 2]
    add x4, x4, x6
    add w11, w11, 1
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro index_half w // of a register of 64 bits
1:  \w x12
    ldr w6, [x12, w11, uxtw 2]
    add x4, x4, x6
    sub x11, x11, 2
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro index_sxtw w
    sxtw x9, w11
    sub x3, x1, x9, lsl 3
1:  \w x3
    ldr x6, [x3, w11, sxtw 3]
    add x4, x4, x6
    add w11, w11, 1
    subs x0, x0, 1
    b.ne 1b
    .endm

    // Two addends that both change, one of them cut to 32 bits: it passes 0 while the sum goes on the other way.
    .macro narrow_against w
    mov w11, w11
    sub x3, x1, x11
    \w x3
1:  \w x11
    ldr x6, [x3, x11]
    add x4, x4, x6
    add x3, x3, 12
    sub w11, w11, 4
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro narrow_along w
    mov w11, w11
    sub x3, x1, x11
1:  \w x11
    ldr x6, [x3, x11]
    add x4, x4, x6
    sub x3, x3, 12
    add w11, w11, 4
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro narrow_shifted w // by much more than the sum changes
    mov w11, w11
    sub x3, x1, x11, lsl 3
1:  \w x11
    ldr x6, [x3, x11, lsl 3]
    add x4, x4, x6
    add x3, x3, 1600
    sub w11, w11, 200
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro narrow_pointer w
1:  \w x1
    ldr x6, [x1]
    add x4, x4, x6
    add w1, w1, 8
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro by_register w
1:  \w x1
    \w x2
    ldr x6, [x1]
    add x4, x4, x6
    add x1, x1, x10
    str x4, [x2]
    add x2, x2, x10
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro by_shifted w
1:  \w x1
    ldrh w6, [x1]
    add x4, x4, x6
    add x1, x1, x10, lsl 2
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro index_by_register w
1:  \w x12
    ldr w6, [x12, w11, uxtw 2]
    add x4, x4, x6
    add w11, w11, w10
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro vectors_by_register w
1:  \w x1
    ld1 {v4.16b}, [x1], x10
    add v0.16b, v0.16b, v4.16b
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro up_and_down w
1:  \w x1
    ldr x6, [x1]
    add x4, x4, x6
    tbz x0, 2, 2f
    add x1, x1, 24
    b 3f
2:  sub x1, x1, 16
3:  subs x0, x0, 1
    b.ne 1b
    .endm

    .macro rare_steps w
1:  \w x1
    ldr w6, [x1]
    adds w4, w4, w6
    b.mi 2f
    add x1, x1, 4
2:  csinc x5, x5, x5, eq
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro chosen_steps w
1:  \w x1
    ldr w6, [x1, 4]
    tst w6, 64
    add x7, x1, 4
    add x8, x1, 20
    csel x1, x7, x8, eq
    add x4, x4, x6
    subs x0, x0, 1
    b.ne 1b
    .endm

    // A store in some rounds only; its flags.
    .macro rare_stores w
1:  \w x1
    \w x2
    ldrsb x6, [x1], 1
    cmp x6, 100
    ccmp x6, x5, 4, lt
    b.gt 2f
    strb w6, [x2]
2:  add x2, x2, 1
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro search w // two ends
1:  \w x1
    ldrb w6, [x1, 1]!
    cmp w6, 0x7b
    ccmp w6, w7, 0, eq
    b.eq 2f
    mov x7, x6
    subs x0, x0, 1
    b.ne 1b
    add x4, x4, 1
2:
    .endm

    .macro around w // several at one address
1:  \w x1
    \w x2
    ldr x6, [x1, -16]
    ldr x7, [x1, 8]
    str x6, [x2, -8]
    ldrh w8, [x1, 2]
    adds x4, x6, x7
    add x4, x4, x8
    stur x4, [x2, 3]
    add x1, x1, 24
    add x2, x2, 24
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro halves_down w
1:  \w x1
    \w x2
    ldrsh x6, [x1], -2
    negs x6, x6
    strh w6, [x2], -2
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro rows w
1:  mov x9, 11
2:  \w x1
    ldr w6, [x1], 4
    add x4, x4, x6
    subs x9, x9, 1
    b.ne 2b
    \w x2
    str x4, [x2], 8
    sub x1, x1, 28
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro in_place w // the address stays
1:  \w x1
    \w x2
    ldr x6, [x2]
    ldr x7, [x1], 8
    adds x6, x6, x7
    str x6, [x2]
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro table w // with a small index
    bic x12, x1, 0xff
1:  \w x1
    \w x12
    ldrb w6, [x1], 1
    ldrb w7, [x12, x6]
    add x4, x4, x7
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro histogram w
1:  \w x1
    \w x2
    ldrb w6, [x1], 1
    ldr w7, [x2, x6, lsl 2]
    add w7, w7, 1
    str w7, [x2, x6, lsl 2]
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro vector_copy w
1:  \w x1
    \w x2
    ldr q4, [x1], 16
    add v0.16b, v0.16b, v4.16b
    str q0, [x2], 16
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro vector_pairs w
1:  \w x1
    \w x2
    ldp q4, q5, [x1, 32]!
    eor v0.16b, v0.16b, v4.16b
    stp q5, q0, [x2, 32]!
    ldp d6, d7, [x1, -16]
    add v1.2d, v6.2d, v7.2d
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro structures w
1:  \w x1
    \w x2
    ld1 {v4.16b, v5.16b, v6.16b}, [x1], 48
    add v0.4s, v4.4s, v5.4s
    st1 {v5.2d, v6.2d}, [x2], 32
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro interleaved w
1:  \w x1
    \w x2
    ld2 {v4.8h, v5.8h}, [x1], 32
    sub v0.8h, v4.8h, v5.8h
    st3 {v4.8b, v5.8b, v6.8b}, [x2], 24
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro lanes w
1:  \w x1
    \w x2
    ld1 {v4.s}[2], [x1], 4
    ld1r {v5.2d}, [x1]
    add v0.4s, v0.4s, v4.4s
    st1 {v0.h}[5], [x2], 2
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro floats w
1:  \w x1
    \w x2
    ldr s4, [x1], 4
    fmadd s0, s4, s1, s0
    str s0, [x2], 4
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro atomics w
1:  \w x1
    \w x2
    ldadd x5, x6, [x1]
    ldr x7, [x2], 8
    adds x4, x6, x7
    add x1, x1, 8
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro compare_and_swap w
1:  \w x1
    ldr w6, [x1]
    mov w7, w6
    casal w7, w4, [x1]
    adds w4, w4, w7
    add x1, x1, 4
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro exclusives w
1:  \w x1
2:  ldaxr x6, [x1]
    add x4, x4, x6
    stlxr w7, x4, [x1]
    cbnz w7, 2b
    add x1, x1, 8
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro ordered w
1:  \w x1
    \w x2
    ldar x6, [x1]
    adds x4, x4, x6
    stlr x4, [x2]
    add x1, x1, 8
    add x2, x2, 8
    sub x0, x0, 1
    cbnz x0, 1b
    .endm

    .macro unprivileged w
1:  \w x1
    \w x2
    ldtr x6, [x1]
    adds x4, x4, x6
    ldr x7, [x1], 8
    sttrb w4, [x2]
    sub x0, x0, 1
    add x2, x2, 1
    cbnz x0, 1b
    .endm

    .macro zeros w
1:  \w x1
    \w x2
    ldr x6, [x1], 64
    dc zva, x2
    add x4, x4, x6
    add x2, x2, 64
    prfm pldl1keep, [x1, 256]
    subs x0, x0, 1
    b.ne 1b
    .endm

    .macro calls w
1:  \w x1
    \w x2
    ldr x6, [x1], 8
    mov x9, x30
    bl 2f
    mov x30, x9
    subs x0, x0, 1
    b.ne 1b
    ret
2:  eor x4, x4, x6
    str x4, [x2], 8
    ret
    .endm

    both bytes
    both fill
    both copy_up
    both copy_down
    both apart
    both pairs
    both pairs_down
    both big_number
    both index_up
    both index_uxtw
    both index_half
    both index_sxtw
    both narrow_against
    both narrow_along
    both narrow_shifted
    both narrow_pointer
    both by_register
    both by_shifted
    both index_by_register
    both vectors_by_register
    both up_and_down
    both rare_steps
    both chosen_steps
    both rare_stores
    both search
    both around
    both halves_down
    both rows
    both in_place
    both table
    both histogram
    both vector_copy
    both vector_pairs
    both structures
    both interleaved
    both lanes
    both floats
    both atomics
    both compare_and_swap
    both exclusives
    both ordered
    both unprivileged
    both zeros
    both calls
    .pushsection .data
    .quad 0
    .popsection

    // X0, X1, X2, X10, X11
    .macro place rounds, from, to, step, index
    .quad \rounds, \from, \to, \step, \index
    .endm
#define PLACE_BYTES 40
    .balign 8
places:
    place 2000, DATA, DATA + 0x800, 8, 0
    place 2500, DATA + 0x1, DATA + 0x808, 24, 0xfffffff0
    place 300, DATA + 0x1ff8, DATA + 0x10, 1, -100
    place 600, DATA + 0x1ff4, DATA + 0x2ffc, 0x100, 0x40
    place 2000, DATA + 0x4010, DATA + 0x100, -8, 0x100000000
    place 3000, END - 0x1000 + 4, END - 0x2000 + 3, 16, 3
    place 3000, END - 0x1800, END - 0x1000, 0x1008, 0x400
    place 2000, DATA + 0x6000, DATA + 0x1000, 4, 0x7fffffff
    place 2000, DATA + 0x4ff0, DATA + 0x7800, 0x100000008, 0xffffff00
    place 1500, DATA + 0x2fff, DATA + 0x2ffe, 0, 0
    place 1500, DATA + 0x100, DATA + 0x108, 2, 1000
    place 1500, DATA + 0x140, DATA + 0x100, 200, -1
    place 1000, TAG + DATA + 0x100, DATA + 0x1100, 8, 0
    place 1000, DATA + 0x108, TAG + DATA + 0x900, 40, 5
    place 200, DATA + 0x1800, DATA + 0x800, 3, 400
    .quad 0

// --- running them ----------------------------------------------------------------------------------------------------

    .macro state_pairs insn, from // all of a run's state but memory
    \insn x0, x1, [\from]
    \insn x2, x3, [\from, 16]
    \insn x4, x5, [\from, 32]
    \insn x6, x7, [\from, 48]
    \insn x8, x9, [\from, 64]
    \insn x10, x11, [\from, 80]
    \insn x12, x13, [\from, 96]
    \insn x14, x15, [\from, 112]
    .endm
#define STATE_BYTES 0x140
#define RUN_BYTES (STATE_BYTES + DATA_BYTES + END_BYTES)

    // Runs the loop at x19 from the place at x27 and puts its state to x14: registers, NZCV, syndrome and the like, vectors, memory.
run:
    stp x30, x14, [sp, -32]!
    str x19, [sp, 16]
    ldr x13, =PRISTINE
    ldr x14, =FRAMES_DATA
    copy DATA_BYTES
    ldr x14, =FRAMES_END
    copy END_BYTES
    adr x16, first_state
    ldp q0, q1, [x16]
    ldp q4, q5, [x16, 32]
    ldp q6, q7, [x16, 64]
    state_pairs ldp, x16
    ldp x0, x1, [x27]
    ldp x2, x10, [x27, 16]
    ldr x11, [x27, 32]
    sub x3, x1, x11, lsl 3
    sub x12, x1, w11, uxtw 2
    mov x20, 0
    mov x21, x19
    mov x22, 0
    mov x23, 0
    adr x25, ended
    adr x30, ended
    msr fpsr, xzr
    mov x16, V | C
    msr nzcv, x16
    br x19
ended:
    mrs x24, nzcv
    ldp x30, x16, [sp], 32
    ldur x17, [sp, -16]
    sub x21, x21, x17
    state_pairs stp, x16
    stp x20, x21, [x16, 128]
    stp x22, x23, [x16, 144]
    str x24, [x16, 160]
    mrs x24, fpsr
    str x24, [x16, 168]
    stp q0, q1, [x16, 176]
    stp q4, q5, [x16, 208]
    stp q6, q7, [x16, 240]
    add x14, x16, STATE_BYTES
    ldr x13, =FRAMES_DATA
    copy DATA_BYTES
    ldr x13, =FRAMES_END
    copy END_BYTES
    ret

    .balign 16
first_state:
    .quad 0x10001, 0x8000000000000002, 0x7ff0000080000000, 0x4012000000000004
    .quad 0xfedcba9876543210, 0x55aa55aa00ff00ff, 0x3ff0000040490fdb, 0x7f7f7f7f80808080
    .quad 0x1f2e3d4c5b6a7988, 9, 0xa0a0a0a0a0a0a0a0, 11
    .quad 12, 13, 14, 15

start:
    mov x0, 3 << 20 // CPACR_EL1.FPEN
    msr cpacr_el1, x0
    isb
    enter_pages
    no_page -1
    page 2, 0
    page 3, AP_RO
    no_page 5
    page 6, DEVICE
    no_page 8
    no_page 0xfb
    flush
    // bytes of a walk through random numbers
    ldr x1, =PRISTINE
    mov x2, DATA_BYTES + END_BYTES
    ldr x3, =1103515245
    mov x4, 12345
    mov x0, x4
1:  madd x0, x0, x3, x4
    lsr x5, x0, 20
    strb w5, [x1], 1
    subs x2, x2, 1
    b.ne 1b

    adr x0, one
    ldr x26, [x0]                   // nobody knows
    mov x29, 2
each_pass:                          // with and without alignment checks, and tags
    mrs x0, sctlr_el1
    bfi x0, x29, 1, 1
    msr sctlr_el1, x0
    ldr x0, =TCR_BASE
    lsr x1, x29, 1
    bfi x0, x1, 37, 1               // TBI0
    msr tcr_el1, x0
    flush
    ldr x28, =loops
each_loop:
    adr x27, places
each_place:
    ldr x19, [x28]
    ldr x14, =SAVED
    bl run
    ldr x19, [x28, 8]
    ldr x14, =SAVED + RUN_BYTES
    bl run
    ldr x0, =SAVED
    ldr x1, =SAVED + RUN_BYTES
    ldr x2, =RUN_BYTES
    movi v0.2d, 0
    movi v1.2d, 0
1:  ldp q2, q3, [x0], 64
    ldp q4, q5, [x1], 64
    ldp q6, q7, [x0, -32]
    ldp q16, q17, [x1, -32]
    eor v2.16b, v2.16b, v4.16b
    eor v3.16b, v3.16b, v5.16b
    eor v6.16b, v6.16b, v16.16b
    eor v7.16b, v7.16b, v17.16b
    orr v2.16b, v2.16b, v3.16b
    orr v6.16b, v6.16b, v7.16b
    orr v0.16b, v0.16b, v2.16b
    orr v1.16b, v1.16b, v6.16b
    subs x2, x2, 64
    b.ne 1b
    orr v0.16b, v0.16b, v1.16b
    umaxv b0, v0.16b
    fmov w0, s0
    cbnz w0, differ
    add x27, x27, PLACE_BYTES
    ldr x0, [x27]
    cbnz x0, each_place
    add x28, x28, 16
    ldr x0, [x28]
    cbnz x0, each_loop
    subs x29, x29, 1
    b.ne each_pass
    PASS

    // The line is loop * 100000000 + place * 1000000 + offset in what is saved.
differ:
    ldr x0, =SAVED
    ldr x1, =SAVED + RUN_BYTES
    mov x2, -8
1:  add x2, x2, 8
    ldr x17, [x0, x2]
    ldr x16, [x1, x2]
    cmp x17, x16
    b.eq 1b
    ldr x8, =loops
    sub x28, x28, x8
    lsr x28, x28, 4
    adr x8, places
    sub x27, x27, x8
    mov x8, PLACE_BYTES
    udiv x27, x27, x8
    ldr x8, =1000000
    madd x0, x27, x8, x2
    mov x9, 100
    mul x8, x8, x9
    madd x18, x28, x8, x0
    b fail

    .balign 8
one:
    .quad 1
