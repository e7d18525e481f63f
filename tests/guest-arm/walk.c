// SPDX-License-Identifier: MIT
// Page walks on hand-made tables: granules, start levels, 52-bit addresses, hierarchical attributes, stage 2. (The mmu
// program covers 4 KiB pages as a guest sees them.)

#include <criterion/criterion.h>

#include "arm-machine.h"
#include "target-arm/mmu.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"

#define T(n) (ARM_MACHINE_RAM + 0x100000 + (uint64_t)(n) * 0x10000)

enum { TABLE = 3, PAGE = 0x403, BLOCK = 0x401 };

static struct arm_machine *m;

static void setup(void)
{
    m = arm_machine_create("interp", "max", 0);
    m->cpu->mair_el[1] = 0x00ff; // 0: Normal, 1: Device
    m->cpu->sctlr_el[1] = SCTLR_M;
    m->cpu->el = 1;
}

static void teardown(void)
{
    arm_machine_destroy(m);
}

TestSuite(walk, .init = setup, .fini = teardown);

static void entry(uint64_t table, unsigned index, uint64_t value)
{
    uint64_t *p = test_machine_ram(&m->base, table);
    p[index] = value;
}

struct outcome {
    bool good;
    struct tlb_translation t;
    struct tlb_fault fault;
};

static struct outcome walk_as(uint64_t gva, enum tlb_access access, bool privileged)
{
    struct arm_walk walk = {.regime = ARM_REGIME_EL10, .privileged = privileged, .access = access};
    struct outcome o;
    o.good = arm_walk(m->cpu, gva, &walk, &o.t, &o.fault, NULL);
    return o;
}

static void expect(uint64_t gva, uint64_t gpa, unsigned page_log2)
{
    struct outcome o = walk_as(gva, TLB_READ, true);
    cr_assert(o.good, "%llx: fault %x", (unsigned long long)gva, arm_fault_status(&o.fault));
    cr_assert_eq(o.t.gpa, gpa, "%llx gives %llx", (unsigned long long)gva, (unsigned long long)o.t.gpa);
    cr_assert_eq(o.t.page_log2, page_log2);
}

static void expect_fault(uint64_t gva, enum tlb_access access, uint32_t status)
{
    struct outcome o = walk_as(gva, access, true);
    cr_assert_not(o.good);
    cr_assert_eq(arm_fault_status(&o.fault), status, "%llx: %x", (unsigned long long)gva,
                 arm_fault_status(&o.fault));
}

enum { TG0_4K = 0 << 14, TG0_64K = 1 << 14, TG0_16K = 2 << 14 };
#define IPS(n) ((uint64_t)(n) << 32)

Test(walk, granule_4k_four_levels)
{
    m->cpu->tcr_el[1] = 16 | TG0_4K | IPS(5) | TCR_EPD1;
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 511, T(1) | TABLE);
    entry(T(1), 3, T(2) | TABLE);
    entry(T(1), 4, 0x80000000 | BLOCK);
    entry(T(2), 2, T(3) | TABLE);
    entry(T(2), 5, 0x40200000 | BLOCK);
    entry(T(3), 1, 0x40012000 | PAGE);
    expect(0xff80c0401abc, 0x40012abc, 12);
    expect(0xff80c0a12345, 0x40212345, 21);
    expect(0xff8112345678, 0x92345678, 30);
    expect_fault(0xff8140000000, TLB_READ, 0x05);
    expect_fault(0x1000000000000, TLB_READ, 0x04);
    expect_fault(0xffffffffffffffff, TLB_READ, 0x04);
}

Test(walk, granule_16k)
{
    m->cpu->tcr_el[1] = 17 | TG0_16K | IPS(5) | TCR_EPD1; // 47 bits: level 1 is the start
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 1, T(1) | TABLE);
    entry(T(1), 3, T(2) | TABLE);
    entry(T(1), 4, 0x42000000 | BLOCK);
    entry(T(2), 5, 0x40014000 | PAGE);
    expect((UINT64_C(1) << 36) + (3 << 25) + (5 << 14) + 0x1234, 0x40015234, 14);
    expect((UINT64_C(1) << 36) + (4 << 25) + 0x123456, 0x42123456, 25);
    // A block at level 1 needs FEAT_LPA2's descriptors.
    entry(T(0), 2, 0x1000000000 | BLOCK);
    expect_fault(UINT64_C(2) << 36, TLB_READ, 0x05);
}

Test(walk, granule_64k_and_52_bits)
{
    m->cpu->tcr_el[1] = 22 | TG0_64K | IPS(5) | TCR_EPD1; // 42 bits: level 2 is the start
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 1, T(1) | TABLE);
    entry(T(0), 2, 0x60000000 | BLOCK);
    entry(T(1), 7, 0x40050000 | PAGE);
    expect((UINT64_C(1) << 29) + (7 << 16) + 0xabcd, 0x4005abcd, 16);
    expect((UINT64_C(2) << 29) + 0x1234567, 0x61234567, 29);
    // 52 bits of virtual address (level 1 with 1024 entries) and of physical address (bits 15:12 of a descriptor).
    m->cpu->tcr_el[1] = 12 | TG0_64K | IPS(6) | TCR_EPD1;
    entry(T(2), 1023, T(0) | TABLE);
    entry(T(0), 3, 0x60000000 | 5 << 12 | BLOCK);
    m->cpu->ttbr0_el[1] = T(2);
    expect((UINT64_C(1023) << 42) + (UINT64_C(3) << 29), (UINT64_C(5) << 48) + 0x60000000, 29);
}

Test(walk, lpa2_4k)
{
    m->cpu->tcr_el[1] = 12 | TG0_4K | IPS(6) | TCR_EPD1 | TCR_DS; // five levels, from -1
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 15, T(1) | TABLE);
    entry(T(1), 0, T(2) | TABLE);
    entry(T(2), 1, UINT64_C(0x0003000040000000) | 2 << 8 | BLOCK); // PA 51:50 are bits 9:8
    entry(T(1), 1, BLOCK);
    expect((UINT64_C(15) << 48) + 0x40000123, (UINT64_C(2) << 50) + (UINT64_C(3) << 48) + 0x40000123, 30);
    expect((UINT64_C(15) << 48) + (UINT64_C(1) << 39) + 5, 5, 39); // a block at level 0
    expect_fault(UINT64_C(14) << 48, TLB_READ, 0x2b);
}

Test(walk, output_size_and_reserved_sizes)
{
    m->cpu->tcr_el[1] = 25 | TG0_4K | IPS(0) | TCR_EPD1; // 32 bits of physical address
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 0, 0x40000000 | BLOCK);
    entry(T(0), 1, UINT64_C(0x140000000) | BLOCK);
    entry(T(0), 2, UINT64_C(0x100000000) | TABLE);
    expect(0x1000, 0x40001000, 30);
    expect_fault(0x40000000, TLB_READ, 0x01);
    expect_fault(0x80000000, TLB_READ, 0x01);
    m->cpu->ttbr0_el[1] = UINT64_C(0x100000000);
    expect_fault(0, TLB_READ, 0x00);
    // Tables outside of memory.
    m->cpu->tcr_el[1] = 25 | TG0_4K | IPS(5) | TCR_EPD1;
    expect_fault(0, TLB_READ, 0x15);
    // Any value of the fields is survived.
    m->cpu->ttbr0_el[1] = T(0);
    for (unsigned tsz = 0; tsz < 64; tsz++)
        for (unsigned tg = 0; tg < 4; tg++)
            for (unsigned ds = 0; ds < 2; ds++) {
                m->cpu->tcr_el[1] = tsz | tg << 14 | IPS(tsz & 7) | TCR_EPD1 | (ds ? TCR_DS : 0);
                walk_as(0x123456789abc, TLB_READ, true);
                walk_as(0, TLB_WRITE, false);
            }
}

Test(walk, attributes_of_tables)
{
    m->cpu->tcr_el[1] = 25 | TG0_4K | IPS(5) | TCR_EPD1;
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 0, T(1) | TABLE | BIT64(61)); // no access from EL0
    entry(T(0), 1, T(1) | TABLE | BIT64(62)); // read only
    entry(T(0), 2, T(1) | TABLE | BIT64(59)); // not executable with privilege
    entry(T(0), 3, T(1) | TABLE);
    entry(T(1), 0, 0x40000000 | BLOCK | BIT64(6));
    entry(T(1), 1, 0x40000000 | BLOCK | 1 << 2 | BIT64(11));
    cr_assert(walk_as(UINT64_C(3) << 30, TLB_WRITE, false).good);
    cr_assert_not(walk_as(0, TLB_READ, false).good);
    cr_assert(walk_as(0, TLB_READ, true).good);
    expect_fault(UINT64_C(1) << 30, TLB_WRITE, 0x0e);
    cr_assert_not(walk_as(UINT64_C(2) << 30, TLB_FETCH, true).good);
    // Hierarchical attributes can be turned off.
    m->cpu->tcr_el[1] |= TCR_HPD0;
    cr_assert(walk_as(UINT64_C(1) << 30, TLB_WRITE, true).good);
    // Device memory, and pages that are not global.
    struct outcome o = walk_as((UINT64_C(3) << 30) + (1 << 21), TLB_READ, true);
    cr_assert(o.good && o.t.device && !o.t.global);
    cr_assert(!walk_as(UINT64_C(3) << 30, TLB_READ, true).t.device);
}

Test(walk, upper_range)
{
    m->cpu->tcr_el[1] = TCR_EPD0 | 25 << 16 | UINT64_C(2) << 30 | IPS(5);
    m->cpu->ttbr1_el[1] = T(0);
    entry(T(0), 511, 0x40000000 | BLOCK);
    expect(0xffffffffc0001234, 0x40001234, 30);
    expect_fault(0xffffff7fffffffff, TLB_READ, 0x04);
    expect_fault(0x1000, TLB_READ, 0x04);
    m->cpu->tcr_el[1] |= TCR_TBI1;
    expect(0x12ffffffc0001234, 0x40001234, 30);
}

static void fetch(uint64_t gva)
{
    struct tlb_translation t = {0};
    struct tlb_fault fault;
    cr_assert(arm_translate_address(&m->cpu->tcg, gva, TLB_FETCH, ARM_MMU_PRIVILEGED, false, &t, &fault));
}

// Address spaces share what has been looked up of kernel code until code is seen that is not global.
Test(walk, kernel_code_is_shared_while_all_is_global)
{
    enum { NOT_GLOBAL = 1 << 11 };
    const struct guest_ops *ops = m->cpu->tcg.guest;
    m->cpu->tcr_el[1] = 16 | TG0_4K | IPS(5) | TCR_EPD1;
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 0, T(1) | TABLE);
    entry(T(1), 1, 0x40000000 | BLOCK);
    entry(T(1), 2, 0x40000000 | BLOCK | NOT_GLOBAL);
    m->cpu->sctlr_el[1] = 0;
    arm_modes_changed(m->cpu);
    fetch(0x40000000);
    cr_assert_neq(ops->code_space(&m->cpu->tcg), 0);
    m->cpu->sctlr_el[1] = SCTLR_M;
    arm_modes_changed(m->cpu);
    fetch(0x40000000);
    cr_assert_eq(ops->code_space(&m->cpu->tcg), 0);
    fetch(0x80000000);
    cr_assert_neq(ops->code_space(&m->cpu->tcg), 0);
}

Test(walk, big_endian_tables)
{
    m->cpu->tcr_el[1] = 25 | TG0_4K | IPS(5) | TCR_EPD1;
    m->cpu->sctlr_el[1] |= SCTLR_EE;
    m->cpu->ttbr0_el[1] = T(0);
    entry(T(0), 0, __builtin_bswap64(0x40000000 | BLOCK));
    expect(0x123, 0x40000123, 30);
}

// Stage 1 flat by 1 GiB, stage 2 with concatenated tables at level 1.
Test(walk, stage_2)
{
    enum { S2_RW = 3 << 6, S2_R = 1 << 6, NORMAL = 0xf << 2 };
    m->cpu->features |= BIT64(ARM_FEAT_EL2);
    m->cpu->hcr_el2 = HCR_VM | HCR_RW;
    m->cpu->vtcr_el2 = 24 | 1 << 6 | UINT64_C(2) << 16; // 40 bits, from level 1: two tables
    m->cpu->vttbr_el2 = T(8);
    entry(T(8), 513, T(9) | TABLE);
    entry(T(9), 0, 0x40000000 | BLOCK | S2_RW | NORMAL);
    entry(T(9), 1, 0x40200000 | BLOCK | S2_R | NORMAL);
    // Without stage 1 the address is the intermediate one.
    m->cpu->sctlr_el[1] = 0;
    expect(UINT64_C(513) << 30 | 0x345, 0x40000345, 12);
    struct outcome o = walk_as(UINT64_C(513) << 30 | 0x200000, TLB_WRITE, true);
    cr_assert(!o.good && (o.fault.kind & ARM_FAULT_STAGE2));
    cr_assert_eq(arm_fault_status(&o.fault), 0x0e);
    cr_assert_eq(o.fault.gpa, UINT64_C(513) << 30 | 0x200000);
    // Stage 1 tables are read through stage 2.
    m->cpu->sctlr_el[1] = SCTLR_M;
    m->cpu->tcr_el[1] = 25 | TG0_4K | IPS(5) | TCR_EPD1;
    m->cpu->ttbr0_el[1] = (UINT64_C(513) << 30) + (T(0) - 0x40000000);
    entry(T(0), 1, UINT64_C(513) << 30 | BLOCK);
    expect(0x40000777, 0x40000777, 21);
    m->cpu->ttbr0_el[1] = 0x1000;
    o = walk_as(0x40000000, TLB_READ, true);
    cr_assert(!o.good && (o.fault.kind & ARM_FAULT_S1PTW));
    cr_assert_eq(arm_fault_status(&o.fault), 0x85);
}
