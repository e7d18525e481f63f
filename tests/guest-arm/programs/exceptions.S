// SPDX-License-Identifier: MIT
// Exception entry and return between EL0 and EL1: syndromes, vectors, saved state (Arm ARM, D1.3, D24.2.40).
#include "check.inc"

start:
    ldr x0, =STACK
    msr sp_el0, x0

    // SVC at EL1 returns after itself.
    GO_ON_AT(1f)
    cmp xzr, xzr
svc_at:
    svc 0x1234
1:  EXPECT(x20, ESR(0x15, 0x1234))
    adr x0, svc_at + 4
    sub x0, x21, x0
    EXPECT(x0, 0)
    EXPECT(x24, 0x200)
    EXPECT(x22, 0x600003c5)

    // With SP_EL0 the vector differs.
    GO_ON_AT(1f)
    msr spsel, 0
    svc 1
1:  EXPECT(x24, 0)
    EXPECT(x22, 0x600003c4)

    // From EL0.
    GO_ON_AT(1f)
    ENTER(at_el0, EL0)
at_el0:
    svc 7
1:  EXPECT(x24, 0x400)
    EXPECT(x20, ESR(0x15, 7))
    EXPECT(x22, 0x3c0)

    // Undefined, at the instruction.
    GO_ON_AT(1f)
undefined_at:
    .inst 0x00000000
1:  EXPECT(x20, ESR(0, 0))
    adr x0, undefined_at
    sub x0, x21, x0
    EXPECT(x0, 0)

    // A system register of EL1 read at EL0, one that does not exist, and HVC at EL0 are undefined too.
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  mrs x0, sctlr_el1
1:  EXPECT(x20, ESR(0, 0))
    EXPECT(x24, 0x400)
    GO_ON_AT(1f)
    mrs x0, s3_3_c5_c6_7
1:  EXPECT(x20, ESR(0, 0))
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  hvc 0
1:  EXPECT(x20, ESR(0, 0))
    GO_ON_AT(1f)
    smc 0
1:  EXPECT(x20, ESR(0, 0))

    GO_ON_AT(1f)
    brk 0x55
1:  EXPECT(x20, ESR(0x3c, 0x55))

    // Data aborts: nothing answers at 0x10, so an external abort; FAR holds the address.
    mov x0, 0x10
    GO_ON_AT(1f)
    ldr x1, [x0]
1:  EXPECT(x20, ESR(0x25, 0x10))
    EXPECT(x23, 0x10)
    GO_ON_AT(1f)
    str x1, [x0]
1:  EXPECT(x20, ESR(0x25, 0x50))
    // Nor does an instruction there.
    GO_ON_AT(1f)
    br x0
1:  EXPECT(x20, ESR(0x21, 0x10))
    EXPECT(x23, 0x10)
    EXPECT(x21, 0x10)

    // With the MMU off data is Device memory: an access that is not aligned faults, and changes nothing.
    ldr x0, =0x40100001
    mov x1, 77
    GO_ON_AT(1f)
    ldr x1, [x0], 8
1:  EXPECT(x20, ESR(0x25, 0x21))
    EXPECT(x0, 0x40100001)
    EXPECT(x1, 77)
    EXPECT(x23, 0x40100001)

    // A branch to an odd address.
    adr x0, start
    add x0, x0, 2
    GO_ON_AT(1f)
    br x0
1:  EXPECT(x20, ESR(0x22, 0))
    sub x1, x21, x0
    EXPECT(x1, 0)
    sub x1, x23, x0
    EXPECT(x1, 0)

    // SP alignment is checked when SP is a base, with SCTLR_EL1.SA; not otherwise.
    mov x9, sp
    add sp, sp, 8
    GO_ON_AT(1f)
    ldr x0, [sp]
1:  EXPECT(x20, ESR(0x26, 0))
    mov sp, x9
    GO_ON_AT(1f)
    stp x0, x1, [sp, -16]!
    ldp x0, x1, [sp], 16
    sub sp, sp, 24
    ldr x0, [sp]
1:  EXPECT(x20, ESR(0x26, 0))
    mov sp, x9

    // Illegal returns: to AArch32, and to EL2, which is not there. PSTATE.IL is set, and the next instruction faults.
    mov x10, 0x1d3
    bl try_return
    EXPECT(x20, ESR(0x0e, 0))
    EXPECT(x24, 0x200)
    mov x10, 0x3c9
    bl try_return
    EXPECT(x20, ESR(0x0e, 0))
    // EL0 with SP_ELx.
    mov x10, 0x3c1
    bl try_return
    EXPECT(x20, ESR(0x0e, 0))
    lsr x0, x22, 20
    and x0, x0, 1
    EXPECT(x0, 1)

    // DAIF: set and clear bits, and the register.
    msr daifclr, 0xf
    mrs x0, daif
    EXPECT(x0, 0)
    msr daifset, 0x5
    mrs x0, daif
    EXPECT(x0, 0x140)
    mov x0, 0x280
    msr daif, x0
    mrs x0, daif
    EXPECT(x0, 0x280)
    msr daifset, 0xf
    // At EL0 they trap without SCTLR_EL1.UMA.
    GO_ON_AT(1f)
    ENTER(2f, EL0)
2:  msr daifset, 2
1:  EXPECT(x20, ESR(0x18, 0x00 << 20 | 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1))

    // NZCV through the register.
    mov x0, 0x90000000
    msr nzcv, x0
    mrs x1, nzcv
    EXPECT(x1, 0x90000000)

    // FP is off after reset.
    GO_ON_AT(1f)
    str q0, [x9]
1:  EXPECT(x20, ESR(0x07, 0x1e00000))
    GO_ON_AT(1f)
    ldr q0, [x9]
1:  EXPECT(x20, ESR(0x07, 0x1e00000))
    mov x0, 3 << 20
    msr cpacr_el1, x0
    GO_ON_AT(1f)
    ldr q0, [x9]
    b 2f
1:  EXPECT(x20, 0)
2:
    PASS

try_return:
    mov x25, x30
    adr x16, 3f
    msr elr_el1, x16
    msr spsr_el1, x10
    eret
3:  nop
    mov x20, 0
    ret
