// SPDX-License-Identifier: MIT
// Address translation as debuggers are shown it, on hand-made tables: a kernel above and a user below.

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "arm-machine.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"

#define T(n) (ARM_MACHINE_RAM + 0x100000 + (uint64_t)(n) * 0x1000)
#define KERNEL UINT64_C(0xffff800000000000)
#define UXN BIT64(54)
#define PXN BIT64(53)

enum { TABLE = 3, PAGE = 0x403, BLOCK = 0x401, EL0 = 1 << 6, READ_ONLY = 1 << 7, NOT_GLOBAL = 1 << 11, NO_AF = ~0x400 };
enum { S2_RW = 3 << 6, S2_NORMAL = 0xf << 2 };

static struct arm_machine *m;
static struct vcpu *vcpu;
static const struct debug_ops *ops;

static void entry(uint64_t table, unsigned index, uint64_t value)
{
    uint64_t *p = test_machine_ram(&m->base, table);
    p[index] = value;
}

// TTBR0: 39 bits, from level 1. TTBR1: 48 bits, from level 0.
static void setup(void)
{
    m = arm_machine_create("interp", "max", 0);
    vcpu = &m->cpu->tcg.vcpu;
    vcpu->ops->reset(vcpu);
    ops = vcpu->ops->debug;
    m->cpu->mair_el[1] = 0x00ff; // 0: Normal, 1: Device
    m->cpu->sctlr_el[1] |= SCTLR_M;
    m->cpu->tcr_el[1] = 25 | 16 << 16 | UINT64_C(2) << 30 | UINT64_C(5) << 32 | TCR_AS | TCR_TBI0;
    m->cpu->ttbr0_el[1] = T(0) | UINT64_C(0x1234) << 48;
    m->cpu->ttbr1_el[1] = T(3) | UINT64_C(0x5678) << 48 | 1;
    entry(T(0), 1, T(1) | TABLE);
    entry(T(0), 2, 0x40000000 | BLOCK | UXN);
    entry(T(1), 2, T(2) | TABLE);
    entry(T(2), 5, 0x40005000 | PAGE | EL0 | NOT_GLOBAL | PXN);
    entry(T(2), 6, 0x40006000 | PAGE | EL0 | READ_ONLY | NOT_GLOBAL | PXN | UXN);
    entry(T(2), 7, (0x40007000 | PAGE | PXN | UXN) & NO_AF);
    entry(T(3), 256, T(4) | TABLE | BIT64(60)); // UXNTable
    entry(T(4), 0, T(5) | TABLE);
    entry(T(5), 1, 0x40200000 | BLOCK | READ_ONLY);
    entry(T(5), 2, 0x09000000 | BLOCK | 1 << 2 | PXN | UXN);
    arm_modes_changed(m->cpu);
}

static void teardown(void)
{
    arm_machine_destroy(m);
}

TestSuite(debug_walk, .init = setup, .fini = teardown);

static void at_el(unsigned el)
{
    m->cpu->el = (uint8_t)el;
    arm_modes_changed(m->cpu);
}

Test(debug_walk, bits_of_addresses)
{
    cr_assert_eq(ops->address_bits(vcpu), 48);
    m->cpu->tcr_el[1] = (m->cpu->tcr_el[1] & ~(UINT64_C(63) << 16)) | UINT64_C(30) << 16;
    arm_modes_changed(m->cpu);
    cr_assert_eq(ops->address_bits(vcpu), 39);
    m->cpu->tcr_el[1] |= BIT64(23); // EPD1
    arm_modes_changed(m->cpu);
    cr_assert_eq(ops->address_bits(vcpu), 0);
    m->cpu->sctlr_el[1] &= ~(uint64_t)SCTLR_M;
    arm_modes_changed(m->cpu);
    cr_assert_eq(ops->address_bits(vcpu), 0);
}

static uint64_t physical(uint64_t gva)
{
    uint64_t gpa = 0;
    return vcpu->ops->translate_debug(vcpu, gva, &gpa) ? gpa : UINT64_MAX;
}

// --- translate_debug -----------------------------------------------------------------------------------------------

Test(debug_walk, every_mapped_page_is_seen_from_every_level)
{
    for (unsigned el = 0; el < 2; el++) {
        at_el(el);
        m->cpu->pan = true;
        cr_assert_eq(physical(KERNEL + 0x200123), 0x40200123);
        cr_assert_eq(physical(0x40405678), 0x40005678);
        cr_assert_eq(physical(0x40407001), 0x40007001, "the access flag is not a matter");
        cr_assert_eq(physical(UINT64_C(0x5a) << 56 | 0x40405678), 0x40005678, "nor is an ignored tag");
        cr_assert_eq(physical(0x40408000), UINT64_MAX);
        cr_assert_eq(physical(KERNEL - 1), UINT64_MAX);
    }
    m->cpu->tcr_el[1] |= TCR_E0PD1;
    at_el(0);
    cr_assert_eq(physical(KERNEL + 0x200123), 0x40200123);
    m->cpu->sctlr_el[1] &= ~SCTLR_M;
    cr_assert_eq(physical(0x40405678), 0x40405678);
}

Test(debug_walk, spaces)
{
    cr_assert_eq(ops->space(vcpu) & ops->space_tables, T(0));
    cr_assert_eq((ops->space(vcpu) & ops->space_id) >> 48, 0x1234);
    m->cpu->tcr_el[1] |= TCR_A1;
    cr_assert_eq((ops->space(vcpu) & ops->space_id) >> 48, 0x5678);
    m->cpu->tcr_el[1] &= ~TCR_AS;
    cr_assert_eq((ops->space(vcpu) & ops->space_id) >> 48, 0x78);
    cr_assert_eq(ops->privilege(vcpu), 1);
    cr_assert_not(ops->secure(vcpu));
}

// --- print_walk ----------------------------------------------------------------------------------------------------

static char text[4096];

static const char *walk_of(uint64_t gva)
{
    FILE *out = fmemopen(text, sizeof(text), "w");
    ops->print_walk(vcpu, gva, out);
    fclose(out);
    return text;
}

static void expect(uint64_t gva, const char *expected)
{
    cr_assert_str_eq(walk_of(gva), expected);
}

Test(debug_walk, a_users_page)
{
    expect(0x40405678,
           "EL1&0: TTBR0_EL1 0x1234000040100000, TCR_EL1 0x0000003580100019: 39 bits, granule 4 KiB\n"
           "  level 1 at 0x0000000040100008: 0x0000000040101003 table\n"
           "  level 2 at 0x0000000040101010: 0x0000000040102003 table\n"
           "  level 3 at 0x0000000040102028: 0x0020000040005c43 page, EL1 rw, EL0 rw, PXN, nG, SH none, Attr0 0xff Normal "
           "Write-Back, AF\n"
           "0x0000000040005678, 4 KiB, EL1 rw- EL0 rwx\n");
}

Test(debug_walk, a_kernels_block)
{
    at_el(0);
    expect(KERNEL + 0x200123,
           "EL1&0: TTBR1_EL1 0x5678000040103001, TCR_EL1 0x0000003580100019: 48 bits, granule 4 KiB\n"
           "  level 0 at 0x0000000040103800: 0x1000000040104003 table, UXNTable\n"
           "  level 1 at 0x0000000040104000: 0x0000000040105003 table\n"
           "  level 2 at 0x0000000040105008: 0x0000000040200481 block, EL1 ro, SH none, Attr0 0xff Normal Write-Back, AF\n"
           "0x0000000040200123, 2 MiB, EL1 r-x EL0 ---\n");
    cr_assert(strstr(walk_of(KERNEL + 0x400000), "Attr1 0x00 Device-nGnRnE"), "%s", text);
}

Test(debug_walk, what_stops_a_walk)
{
    cr_assert(strstr(walk_of(0x40408000), "  level 3 at 0x0000000040102040: 0x0000000000000000 invalid: bit 0 is 0\n"
                                          "not mapped: translation fault, level 3\n"), "%s", text);
    cr_assert(strstr(walk_of(0x40407000), "AF=0: access flag fault\n0x0000000040007000, 4 KiB, EL1 rw- EL0 ---\n"), "%s",
              text);
    cr_assert(strstr(walk_of(UINT64_C(1) << 40), "  outside of the range of TTBR0_EL1, the lower 39 bits\n"
                                                 "not mapped: translation fault, level 0\n"), "%s", text);
    entry(T(2), 9, 0x40009000 | 1);
    cr_assert(strstr(walk_of(0x40409000), "invalid: bit 1 is 0 at level 3\n"), "%s", text);
    entry(T(1), 3, UINT64_C(0x900000000) | TABLE);
    cr_assert(strstr(walk_of(0x40600000), "level 3 at 0x0000000900000000: there is no memory\n"
                                          "not mapped: external abort on the walk, level 3\n"), "%s", text);
    m->cpu->tcr_el[1] |= TCR_EPD0;
    cr_assert(strstr(walk_of(0x40405678), "  TCR_EL1.EPD0 is 1: TTBR0_EL1 is not used\nnot mapped"), "%s", text);
    m->cpu->sctlr_el[1] &= ~SCTLR_M;
    cr_assert(strstr(walk_of(0x40405678), "EL1&0: the MMU is off (SCTLR_EL1.M is 0)\n0x0000000040405678, "), "%s", text);
}

Test(debug_walk, tags)
{
    cr_assert(strstr(walk_of(UINT64_C(0x5a) << 56 | 0x40405678),
                     "  the tag is ignored: 0x0000000040405678\n  level 1 at"), "%s", text);
}

// Stage 2 maps 1 GiB at 0x40000000 as it is, of which 2 MiB are not there.
Test(debug_walk, stage_2)
{
    m->cpu->features |= BIT64(ARM_FEAT_EL2);
    m->cpu->hcr_el2 = HCR_VM | HCR_RW;
    m->cpu->vtcr_el2 = 25 | 1 << 6 | UINT64_C(2) << 16; // 39 bits, from level 1
    m->cpu->vttbr_el2 = T(8);
    entry(T(8), 1, T(9) | TABLE);
    for (unsigned i = 0; i < 512; i++)
        entry(T(9), i, (0x40000000 + ((uint64_t)i << 21)) | BLOCK | S2_RW | S2_NORMAL);
    entry(T(9), 1, 0);
    expect(0x40405678,
           "EL1&0: TTBR0_EL1 0x1234000040100000, TCR_EL1 0x0000003580100019: 39 bits, granule 4 KiB\n"
           "    stage 2 level 1 at 0x0000000040108008: 0x0000000040109003 table\n"
           "    stage 2 level 2 at 0x0000000040109000: 0x00000000400004fd block, S2AP rw, SH none, MemAttr 0xf, AF\n"
           "  level 1 at 0x0000000040100008: 0x0000000040101003 table\n"
           "    stage 2 level 1 at 0x0000000040108008: 0x0000000040109003 table\n"
           "    stage 2 level 2 at 0x0000000040109000: 0x00000000400004fd block, S2AP rw, SH none, MemAttr 0xf, AF\n"
           "  level 2 at 0x0000000040101010: 0x0000000040102003 table\n"
           "    stage 2 level 1 at 0x0000000040108008: 0x0000000040109003 table\n"
           "    stage 2 level 2 at 0x0000000040109000: 0x00000000400004fd block, S2AP rw, SH none, MemAttr 0xf, AF\n"
           "  level 3 at 0x0000000040102028: 0x0020000040005c43 page, EL1 rw, EL0 rw, PXN, nG, SH none, Attr0 0xff Normal "
           "Write-Back, AF\n"
           "    stage 2 level 1 at 0x0000000040108008: 0x0000000040109003 table\n"
           "    stage 2 level 2 at 0x0000000040109000: 0x00000000400004fd block, S2AP rw, SH none, MemAttr 0xf, AF\n"
           "0x0000000040005678, 4 KiB, EL1 rw- EL0 rwx\n");
    cr_assert(strstr(walk_of(KERNEL + 0x200123), "invalid: bit 0 is 0\nnot mapped: stage 2 translation fault, level 2\n"),
              "%s", text);
    // A mapping ends where either stage's does.
    struct debug_mapping mapping;
    cr_assert(ops->next_mapping(vcpu, 0x80000000, &mapping));
    cr_assert_eq(mapping.gva, 0x80000000);
    cr_assert_eq(mapping.size, 2 << 20);
    cr_assert(ops->next_mapping(vcpu, 0x80200000, &mapping));
    cr_assert_eq(mapping.gva, 0x80400000, "%llx", (unsigned long long)mapping.gva);
}

// Attribute fields of any kind are survived.
Test(debug_walk, any_tables_are_survived)
{
    uint64_t x = 88172645463325252;
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned j = 0; j < 16; j++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            entry(T(j / 2), (unsigned)(x >> 40) & 511, j & 1 ? x : (x & ~UINT64_C(0xffffffffffff)) | T(x % 8) | TABLE);
        }
        m->cpu->tcr_el[1] = x * 3 & ~(TCR_EPD0 | TCR_EPD1);
        walk_of(x * 7);
        walk_of(x * 11 & 0xffffffffff);
        physical(x * 7);
        struct debug_mapping mapping;
        if (i % 2000 == 0)
            ops->next_mapping(vcpu, x, &mapping);
    }
}

// --- next_mapping --------------------------------------------------------------------------------------------------

Test(debug_walk, all_mappings)
{
    static const struct debug_mapping expected[] = {
        {0x40405000, 0x1000, 0x40005000, 0x1000, "EL1 rw- EL0 rwx"},
        {0x40406000, 0x1000, 0x40006000, 0x1000, "EL1 r-- EL0 r--"},
        {0x40407000, 0x1000, 0x40007000, 0x1000, "EL1 rw- EL0 --- g"},
        {0x80000000, 0x40000000, 0x40000000, 0x40000000, "EL1 rwx EL0 --- g"},
        {KERNEL + 0x200000, 0x200000, 0x40200000, 0x200000, "EL1 r-x EL0 --- g"},
        {KERNEL + 0x400000, 0x200000, 0x09000000, 0x200000, "EL1 rw- EL0 --- g dev"},
    };
    struct debug_mapping mapping;
    uint64_t gva = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        cr_assert(ops->next_mapping(vcpu, gva, &mapping));
        cr_assert_eq(mapping.gva, expected[i].gva, "%llx", (unsigned long long)mapping.gva);
        cr_assert_eq(mapping.size, expected[i].size);
        cr_assert_eq(mapping.gpa, expected[i].gpa);
        cr_assert_eq(mapping.page_bytes, expected[i].page_bytes);
        cr_assert_str_eq(mapping.rights, expected[i].rights);
        gva = mapping.gva + mapping.size;
    }
    cr_assert_not(ops->next_mapping(vcpu, gva, &mapping));
    cr_assert(ops->next_mapping(vcpu, 0x80123456, &mapping));
    cr_assert_eq(mapping.gva, 0x80000000, "an address inside a mapping");
    m->cpu->sctlr_el[1] &= ~SCTLR_M;
    cr_assert(ops->next_mapping(vcpu, 0, &mapping));
    cr_assert_eq(mapping.gva, 0);
    cr_assert_eq(mapping.gpa, 0);
}

// The last page of all, after which addresses begin anew.
Test(debug_walk, the_last_mapping)
{
    struct debug_mapping mapping;
    entry(T(3), 511, T(4) | TABLE);
    entry(T(4), 511, 0x40000000 | BLOCK);
    cr_assert(ops->next_mapping(vcpu, KERNEL + 0x600000, &mapping));
    cr_assert(ops->next_mapping(vcpu, UINT64_MAX - 5, &mapping));
    cr_assert_eq(mapping.gva, UINT64_MAX << 30);
    cr_assert_eq(mapping.size, 1 << 30);
    cr_assert_eq(mapping.gva + mapping.size, 0);
}

// Tables that refer to each other 2^36 times with nothing in them.
Test(debug_walk, a_search_ends)
{
    struct debug_mapping mapping;
    for (unsigned i = 0; i < 512; i++) {
        entry(T(0), i, T(1) | TABLE);
        entry(T(1), i, T(2) | TABLE);
        entry(T(2), i, 0);
    }
    time_t start = time(NULL);
    cr_assert_not(ops->next_mapping(vcpu, 0, &mapping));
    cr_assert_lt(time(NULL) - start, 5);
}
