// SPDX-License-Identifier: MIT
// Stage 1 translation with 4 KiB pages (Arm ARM, D8): permissions, faults with their levels, PAN, unprivileged accesses,
// address spaces, invalidation of pages and blocks, hardware access flag and dirty state, AT, top byte ignore.
#include "check.inc"

#define TABLE1 0x40300000
#define TABLE2 0x40301000
#define TABLE3 0x40302000
#define OTHER1 0x40303000 /* a second set of tables, for another address space */
#define OTHER2 0x40304000
#define OTHER3 0x40305000
#define FRAME_A 0x40310000
#define FRAME_B 0x40311000
#define BLOCK_A 0x40400000
#define BLOCK_B 0x40600000

#define VALID_TABLE 3
#define PAGE (1 << 10 | 3) /* AF, Normal memory */
#define BLOCK (1 << 10 | 1)
#define AP_EL0 (1 << 6)
#define AP_RO (1 << 7)
#define NG (1 << 11)
#define DBM (1 << 51)
#define PXN (1 << 53)
#define UXN (1 << 54)

    // \table[\index] = \value
    .macro entry table, index, value
    ldr x16, =\table
    ldr x17, =\value
    str x17, [x16, 8 * \index]
    .endm

    .macro flush
    dsb ish
    tlbi vmalle1
    dsb ish
    isb
    .endm

#define TCR_BASE (25 | 1 << 23 | 2 << 32)

start:

    entry TABLE1, 0, TABLE2 + VALID_TABLE
    entry TABLE1, 1, 0x40000000 + BLOCK
    entry TABLE2, 0, TABLE3 + VALID_TABLE
    entry TABLE2, 1, BLOCK_A + BLOCK + AP_EL0
    entry TABLE3, 1, FRAME_A + PAGE + AP_EL0 + UXN + PXN
    entry TABLE3, 2, FRAME_A + PAGE + AP_RO
    entry TABLE3, 3, FRAME_A + PAGE + AP_RO + AP_EL0
    entry TABLE3, 5, FRAME_A + 3
    entry TABLE3, 6, FRAME_A + PAGE + NG
    entry TABLE3, 8, FRAME_A + PAGE + UXN + PXN
    entry TABLE3, 9, FRAME_A + PAGE + AP_RO + DBM
    entry TABLE3, 10, FRAME_A + PAGE
    // EL0's code: the page of el0_code.
    adr x0, el0_code
    ldr x1, =PAGE + AP_RO + AP_EL0
    add x1, x1, x0
    ldr x2, =TABLE3
    str x1, [x2, 8 * 4]
    entry OTHER1, 0, OTHER2 + VALID_TABLE
    entry OTHER1, 1, 0x40000000 + BLOCK
    entry OTHER2, 0, OTHER3 + VALID_TABLE
    entry OTHER3, 6, FRAME_B + PAGE + NG

    mov x0, 0xff
    msr mair_el1, x0
    ldr x0, =TCR_BASE
    msr tcr_el1, x0
    ldr x0, =TABLE1
    msr ttbr0_el1, x0
    flush
    mrs x0, sctlr_el1
    orr x0, x0, 1
    msr sctlr_el1, x0
    isb

    // What is written through one mapping is read through another.
    ldr x0, =0x1122334455667788
    mov x1, 0x1000
    str x0, [x1, 8]
    mov x1, 0x3000
    ldr x2, [x1, 8]
    EXPECT(x2, 0x1122334455667788)
    // Not aligned is fine in Normal memory, across pages too.
    mov x1, 0x1ffc
    ldr x2, [x1, -1]!

    // Translation faults at level 3, 2, 1 and 0 (the address is not in the range; TTBR1 is disabled).
    mov x1, 0x7000
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x07))
    EXPECT(x23, 0x7000)
    ldr x1, =0x400123
    GO_ON_AT(1f)
    strb w0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x46))
    EXPECT(x23, 0x400123)
    ldr x1, =0x80000000
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x05))
    ldr x1, =0x8000000000
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x04))
    ldr x1, =0xffff000000000000
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x04))

    // DC ZVA says the address it was given, not where the bytes begin.
    ldr x1, =0x702b
    GO_ON_AT(1f)
    dc zva, x1
1:  EXPECT(x20, ESR(0x25, 0x47))
    EXPECT(x23, 0x702b)

    // Permissions: read-only, not for EL0, not executable.
    mov x1, 0x2000
    GO_ON_AT(1f)
    str x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x4f))
    GO_ON_AT(1f)
    ldtr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x0f))
    mov x1, 0x1000
    mov x0, 5
    sttr x0, [x1, 16]
    ldtr x2, [x1, 16]
    EXPECT(x2, 5)
    mov x1, 0x8000
    GO_ON_AT(1f)
    br x1
1:  EXPECT(x20, ESR(0x21, 0x0f))
    EXPECT(x23, 0x8000)
    // What EL0 can write is not executed at EL1.
    ldr x1, =0x200000
    GO_ON_AT(1f)
    br x1
1:  EXPECT(x20, ESR(0x21, 0x0e))
    // The access flag.
    mov x1, 0x5000
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x0b))

    // At EL0: its code, a load that is allowed, one that is not.
    mov x1, 0x1000
    GO_ON_AT(1f)
    mov x16, 0x4000
    msr elr_el1, x16
    mov x16, EL0
    msr spsr_el1, x16
    eret
1:  EXPECT(x20, ESR(0x15, 9))
    EXPECT(x2, 5)
    mov x1, 0x2000
    GO_ON_AT(1f)
    mov x16, 0x4000
    msr elr_el1, x16
    mov x16, EL0
    msr spsr_el1, x16
    eret
1:  EXPECT(x20, ESR(0x24, 0x0f))
    EXPECT(x21, 0x4000)
    // The end of the page: instruction abort from EL0 at the page after.
    GO_ON_AT(1f)
    mov x16, 0x4ffc
    msr elr_el1, x16
    mov x16, EL0
    msr spsr_el1, x16
    eret
1:  EXPECT(x20, ESR(0x20, 0x0b))
    EXPECT(x23, 0x5000)

    // PAN: what EL0 can reach is not for EL1, but still for unprivileged instructions.
    mov x1, 0x1000
    msr pan, 1
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x0f))
    EXPECT(x22, 0x604003c5)
    msr pan, 1
    ldtr x2, [x1, 16]
    EXPECT(x2, 5)
    mov x1, 0x6000
    ldr x2, [x1]
    msr pan, 0
    mov x1, 0x1000
    ldr x2, [x1, 16]
    EXPECT(x2, 5)
    // Exceptions set PAN unless SCTLR_EL1.SPAN; the handler below reads it.
    mrs x9, sctlr_el1
    bic x0, x9, 1 << 23
    msr sctlr_el1, x0
    adr x0, pan_vectors
    msr vbar_el1, x0
    svc 0
    EXPECT(x24, 1 << 22)
    msr sctlr_el1, x9
    svc 0
    EXPECT(x24, 0)
    adr x0, vectors
    msr vbar_el1, x0

    // UAO: unprivileged instructions are ordinary ones.
    msr uao, 1
    mov x1, 0x8000
    ldtr x2, [x1]
    msr uao, 0
    GO_ON_AT(1f)
    ldtr x2, [x1]
1:  EXPECT(x20, ESR(0x25, 0x0f))

    // A changed page is seen after its invalidation.
    mov x1, 0xa000
    mov x0, 1
    str x0, [x1]
    ldr x2, =FRAME_B
    mov x0, 2
    str x0, [x2]
    entry TABLE3, 10, FRAME_B + PAGE
    dsb ish
    mov x0, 0xa
    tlbi vaae1is, x0
    dsb ish
    isb
    ldr x2, [x1]
    EXPECT(x2, 2)

    // A changed block, too, whichever of its addresses is named.
    ldr x1, =0x200000
    ldr x2, =BLOCK_A
    ldr x3, =BLOCK_B
    mov x0, 0xa
    str x0, [x2, 0x18]
    mov x0, 0xb
    str x0, [x3, 0x18]
    mov x4, 0x100000
    add x5, x1, x4
    mov x0, 0xaa
    str x0, [x5, 0x20]
    ldr x0, [x1, 0x18]
    EXPECT(x0, 0xa)
    entry TABLE2, 1, BLOCK_B + BLOCK + AP_EL0
    dsb ish
    ldr x0, =0x300
    tlbi vae1, x0
    dsb ish
    isb
    ldr x0, [x1, 0x18]
    EXPECT(x0, 0xb)
    ldr x0, [x5, 0x20]
    EXPECT(x0, 0)

    // Address spaces: not-global pages are each one's own, and both stay cached.
    mov x1, 0x6000
    ldr x2, =FRAME_A
    mov x0, 0x61
    str x0, [x2, 0x40]
    ldr x2, =FRAME_B
    mov x0, 0x62
    str x0, [x2, 0x40]
    mov x5, 100
spaces:
    ldr x0, =OTHER1 + (2 << 48)
    msr ttbr0_el1, x0
    isb
    ldr x3, [x1, 0x40]
    ldr x0, =TABLE1 + (1 << 48)
    msr ttbr0_el1, x0
    isb
    ldr x4, [x1, 0x40]
    subs x5, x5, 1
    b.ne spaces
    EXPECT(x3, 0x62)
    EXPECT(x4, 0x61)
    // Invalidation by ASID reaches that one alone: the other stays as it was cached, or is read anew, the same.
    entry OTHER3, 6, FRAME_A + PAGE + NG
    dsb ish
    ldr x0, =2 << 48
    tlbi aside1is, x0
    dsb ish
    ldr x0, =OTHER1 + (2 << 48)
    msr ttbr0_el1, x0
    isb
    ldr x3, [x1, 0x40]
    EXPECT(x3, 0x61)
    ldr x0, =TABLE1
    msr ttbr0_el1, x0
    isb

    // Hardware update of the access flag and the dirty state.
    ldr x0, =TCR_BASE + (3 << 39)
    msr tcr_el1, x0
    flush
    ldr x2, =TABLE3
    mov x1, 0x5000
    ldr x0, [x1]
    ldr x0, [x2, 8 * 5]
    EXPECT(x0, FRAME_A + PAGE)
    mov x1, 0x9000
    ldr x0, [x1]
    ldr x0, [x2, 8 * 9]
    EXPECT(x0, FRAME_A + PAGE + AP_RO + DBM)
    str x0, [x1]
    ldr x0, [x2, 8 * 9]
    EXPECT(x0, FRAME_A + PAGE + DBM)

    // AT: the address with its attributes, and the fault.
    mov x1, 0x1234
    at s1e1r, x1
    isb
    mrs x0, par_el1
    EXPECT(x0, 0xff00000000000800 + FRAME_A)
    at s1e0w, x1
    isb
    mrs x0, par_el1
    EXPECT(x0, 0xff00000000000800 + FRAME_A)
    mov x1, 0x2000
    at s1e1w, x1
    isb
    mrs x0, par_el1
    EXPECT(x0, 0x800 + 0x0f * 2 + 1)
    mov x1, 0x7000
    at s1e1r, x1
    isb
    mrs x0, par_el1
    EXPECT(x0, 0x800 + 0x07 * 2 + 1)

    // Tags: without top byte ignore they are part of the address, with it not.
    ldr x1, =0xab00000000001010
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x04))
    EXPECT(x23, 0xab00000000001010)
    ldr x0, =TCR_BASE + (3 << 39) + (1 << 37)
    msr tcr_el1, x0
    flush
    ldr x0, [x1]
    EXPECT(x0, 5)
    // FAR keeps the tag.
    ldr x1, =0xab00000000007010
    GO_ON_AT(1f)
    ldr x0, [x1]
1:  EXPECT(x23, 0xab00000000007010)
    // A branch drops it.
    adr x1, 1f
    orr x2, x1, 0x7f00000000000000
    br x2
1:  adr x3, 1b
    sub x0, x3, x1
    EXPECT(x0, 0)

    // WXN: writable memory is not executable. The code runs from a block that is, so that it stops at the next fetch;
    // the handler turns it off again.
    adr x0, wxn_vectors
    msr vbar_el1, x0
    // (the vectors would fault as well: make the page table entry read-only first)
    entry TABLE1, 1, 0x40000000 + BLOCK + AP_RO
    flush
    mrs x9, sctlr_el1
    orr x0, x9, 1 << 19
    msr sctlr_el1, x0
    isb
    mov x1, 0xa000
    GO_ON_AT(1f)
    br x1
1:  msr sctlr_el1, x9
    EXPECT(x20, ESR(0x21, 0x0f))

    // E0PD and the disabled half.
    ldr x0, =TCR_BASE + (1 << 55)
    msr tcr_el1, x0
    flush
    mov x1, 0x1000
    GO_ON_AT(1f)
    ldtr x0, [x1]
1:  EXPECT(x20, ESR(0x25, 0x04))

    PASS

    .balign 0x800
pan_vectors:
    .fill 0x200, 1, 0
    mrs x24, pan
    eret
    .balign 0x800
wxn_vectors:
    .fill 0x200, 1, 0
    mov x24, 0x200
    b exception

    .balign 0x1000
el0_code:
    ldr x2, [x1, 16]
    svc 9
    .balign 0x1000
