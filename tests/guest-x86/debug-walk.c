// SPDX-License-Identifier: MIT
// Page tables as debuggers see them: walks in words, and the list of what is mapped.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target-x86/exception.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "x86-machine.h"

enum { ROOT = 0x10000, TABLE = 0x11000 /* and so on */, RW = 3, RWU = 7, PS = 0x80, G = 0x100 };
#define NX BIT64(63)

static void poke64(struct x86_machine *m, uint64_t gpa, uint64_t value)
{
    store_le64(test_machine_ram(&m->base, gpa), value);
}

static void poke32(struct x86_machine *m, uint64_t gpa, uint32_t value)
{
    store_le32(test_machine_ram(&m->base, gpa), value);
}

static struct x86_machine *machine(const char *model, uint64_t cr4, uint64_t efer)
{
    struct x86_machine *m = x86_machine_create("tcg", model, 0);
    struct x86_cpu *cpu = m->cpu;
    cpu->tcg.vcpu.ops->start_at(&cpu->tcg.vcpu, 0x100000, 0);
    cpu->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_WP;
    cpu->cr3 = ROOT;
    cpu->cr4 = cr4;
    cpu->efer = efer;
    x86_modes_changed(cpu);
    return m;
}

static struct x86_machine *long_mode(uint64_t cr4)
{
    return machine("max", CR4_PAE | cr4, EFER_LME | EFER_LMA | EFER_NXE);
}

// Four levels: a 4 KiB page at 0x7f0012345000, one of 2 MiB at 0x7f0012600000, one of 1 GiB at the end.
static struct x86_machine *four_levels(uint64_t cr4)
{
    struct x86_machine *m = long_mode(cr4);
    poke64(m, ROOT + 0xfe * 8, TABLE | RWU);
    poke64(m, TABLE, (TABLE + 0x1000) | RWU);
    poke64(m, TABLE + 0x1000 + 0x91 * 8, (TABLE + 0x2000) | RWU);
    poke64(m, TABLE + 0x2000 + 0x145 * 8, 0x123000 | RWU | NX);
    poke64(m, TABLE + 0x1000 + 0x93 * 8, 0x200000 | RW | PS | G);
    poke64(m, ROOT + 0x1ff * 8, (TABLE + 0x3000) | RW);
    poke64(m, TABLE + 0x3000 + 0x1ff * 8, 0x40000000 | RW | PS);
    return m;
}

static void walk_is(struct x86_machine *m, uint64_t gva, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    m->cpu->tcg.vcpu.ops->debug->print_walk(&m->cpu->tcg.vcpu, gva, out);
    fclose(out);
    cr_assert_str_eq(text, expected);
    free(text);
}

static uint64_t translate(struct x86_machine *m, uint64_t gva)
{
    uint64_t gpa;
    return m->cpu->tcg.vcpu.ops->translate_debug(&m->cpu->tcg.vcpu, gva, &gpa) ? gpa : ~UINT64_C(0);
}

static bool next(struct x86_machine *m, uint64_t gva, struct debug_mapping *mapping)
{
    memset(mapping, 0x55, sizeof(*mapping));
    return m->cpu->tcg.vcpu.ops->debug->next_mapping(&m->cpu->tcg.vcpu, gva, mapping);
}

static void maps(struct x86_machine *m, uint64_t from, uint64_t gva, uint64_t size, uint64_t gpa, const char *rights)
{
    struct debug_mapping mapping;
    cr_assert(next(m, from, &mapping), "0x%llx", (unsigned long long)from);
    cr_assert_eq(mapping.gva, gva, "0x%llx", (unsigned long long)mapping.gva);
    cr_assert_eq(mapping.size, size, "0x%llx", (unsigned long long)mapping.size);
    cr_assert_eq(mapping.page_bytes, size);
    cr_assert_eq(mapping.gpa, gpa, "0x%llx", (unsigned long long)mapping.gpa);
    cr_assert_str_eq(mapping.rights, rights);
}

static void nothing_from(struct x86_machine *m, uint64_t gva)
{
    struct debug_mapping mapping;
    cr_assert_not(next(m, gva, &mapping), "0x%llx", (unsigned long long)mapping.gva);
}

// --- walks ---------------------------------------------------------------------------------------------------------

Test(x86_debug_walk, four_levels_in_words)
{
    struct x86_machine *m = four_levels(CR4_PGE);
    uint64_t before = load_le64(test_machine_ram(&m->base, TABLE + 0x2000 + 0x145 * 8));
    walk_is(m, UINT64_C(0x7f0012345678),
            "4-level paging, CR3 0x10000\n"
            "PML4E at 0x107f0: 0x0000000000011007 P W U -> table 0x11000\n"
            "PDPTE at 0x11000: 0x0000000000012007 P W U -> table 0x12000\n"
            "PDE   at 0x12488: 0x0000000000013007 P W U -> table 0x13000\n"
            "PTE   at 0x13a28: 0x8000000000123007 P W U NX -> page 0x123000\n"
            "0x7f0012345678 -> 0x123678, page of 4 KiB: user rw-, supervisor rw-\n");
    walk_is(m, UINT64_C(0x7f0012634567),
            "4-level paging, CR3 0x10000\n"
            "PML4E at 0x107f0: 0x0000000000011007 P W U -> table 0x11000\n"
            "PDPTE at 0x11000: 0x0000000000012007 P W U -> table 0x12000\n"
            "PDE   at 0x12498: 0x0000000000200183 P W PS G -> page 0x200000\n"
            "0x7f0012634567 -> 0x234567, page of 2 MiB: user ---, supervisor rwx\n");
    walk_is(m, UINT64_C(0xffffffffc0001000),
            "4-level paging, CR3 0x10000\n"
            "PML4E at 0x10ff8: 0x0000000000014003 P W -> table 0x14000\n"
            "PDPTE at 0x14ff8: 0x0000000040000083 P W PS -> page 0x40000000\n"
            "0xffffffffc0001000 -> 0x40001000, page of 1 GiB: user ---, supervisor rwx\n");
    walk_is(m, UINT64_C(0x7f0012346000),
            "4-level paging, CR3 0x10000\n"
            "PML4E at 0x107f0: 0x0000000000011007 P W U -> table 0x11000\n"
            "PDPTE at 0x11000: 0x0000000000012007 P W U -> table 0x12000\n"
            "PDE   at 0x12488: 0x0000000000013007 P W U -> table 0x13000\n"
            "PTE   at 0x13a30: 0x0000000000000000 -> P=0: not present\n");
    walk_is(m, UINT64_C(0x800000000000), "4-level paging, CR3 0x10000\n0x800000000000: not canonical\n");
    poke64(m, TABLE, (UINT64_C(1) << 51) | (TABLE + 0x1000) | RWU);
    walk_is(m, UINT64_C(0x7f0012345678),
            "4-level paging, CR3 0x10000\n"
            "PML4E at 0x107f0: 0x0000000000011007 P W U -> table 0x11000\n"
            "PDPTE at 0x11000: 0x0008000000012007 P W U -> reserved bit 51 set\n");
    poke64(m, TABLE, UINT64_C(0x8000000000) | RWU);
    walk_is(m, UINT64_C(0x7f0012345678),
            "4-level paging, CR3 0x10000\n"
            "PML4E at 0x107f0: 0x0000000000011007 P W U -> table 0x11000\n"
            "PDPTE at 0x11000: 0x0000008000000007 P W U -> table 0x8000000000\n"
            "PDE   at 0x8000000488: no memory there, as if P=0: not present\n");
    cr_assert_eq(load_le64(test_machine_ram(&m->base, TABLE + 0x2000 + 0x145 * 8)), before, "not accessed");
    x86_machine_destroy(m);
}

Test(x86_debug_walk, rights_are_those_in_force)
{
    struct x86_machine *m = four_levels(CR4_SMEP | CR4_SMAP | CR4_PKE);
    poke64(m, TABLE + 0x2000 + 0x145 * 8, 0x123000 | RWU | UINT64_C(5) << 59);
    m->cpu->pkru = 2 << 10;
    static const char walk[] = "4-level paging, CR3 0x10000\n"
                               "PML4E at 0x107f0: 0x0000000000011007 P W U -> table 0x11000\n"
                               "PDPTE at 0x11000: 0x0000000000012007 P W U -> table 0x12000\n"
                               "PDE   at 0x12488: 0x0000000000013007 P W U -> table 0x13000\n"
                               "PTE   at 0x13a28: 0x2800000000123007 P W U -> page 0x123000\n"
                               "0x7f0012345678 -> 0x123678, page of 4 KiB: ";
    char expected[1000];
    snprintf(expected, sizeof(expected), "%s%s", walk,
             "user r-x (protection key 5), supervisor --- (SMAP) (SMEP) (protection key 5)\n");
    walk_is(m, UINT64_C(0x7f0012345678), expected);
    cr_assert_eq(translate(m, UINT64_C(0x7f0012345678)), 0x123678, "debuggers see it all the same");
    maps(m, 0, UINT64_C(0x7f0012345000), 0x1000, 0x123000, "urwx- key 5");
    cr_assert_eq(m->cpu->pkey_rights_used, 0, "the soft TLB depends on no key");
    x86_machine_destroy(m);
}

Test(x86_debug_walk, pae_and_32_bits_in_words)
{
    struct x86_machine *m = machine("pentium3", CR4_PAE, 0);
    m->cpu->cr3 = ROOT + 0x20;
    m->cpu->pdpte[2] = TABLE | 1;
    poke64(m, TABLE + 8 * 3, 0xa00000 | RW | PS);
    walk_is(m, 0x80612345,
            "PAE paging, CR3 0x10020\n"
            "PDPTE at 0x10030, loaded with CR3: 0x0000000000011001 P -> table 0x11000\n"
            "PDE   at 0x11018: 0x0000000000a00083 P W PS -> page 0xa00000\n"
            "0x80612345 -> 0xa12345, page of 2 MiB: user ---, supervisor rwx\n");
    walk_is(m, 0x40000000,
            "PAE paging, CR3 0x10020\n"
            "PDPTE at 0x10028, loaded with CR3: 0x0000000000000000 -> P=0: not present\n");
    walk_is(m, UINT64_C(0x180612345), "PAE paging, CR3 0x10020\n0x180612345: addresses have 32 bits\n");
    poke64(m, TABLE + 8 * 3, 0xa00000 | RW | PS | NX); // there is no NX
    walk_is(m, 0x80612345,
            "PAE paging, CR3 0x10020\n"
            "PDPTE at 0x10030, loaded with CR3: 0x0000000000011001 P -> table 0x11000\n"
            "PDE   at 0x11018: 0x8000000000a00083 P W PS -> reserved bit 63 set\n");
    x86_machine_destroy(m);
    m = machine("pentium3", CR4_PSE, 0);
    poke32(m, ROOT + 0x300 * 4, TABLE | RWU);
    poke32(m, TABLE + 4, 0x345000 | 5);
    poke32(m, ROOT + 0x301 * 4, 0x00c00000 | 3 << 13 | RW | PS);
    walk_is(m, 0xc0001abc,
            "32-bit paging, CR3 0x10000\n"
            "PDE   at 0x10c00: 0x00011007 P W U -> table 0x11000\n"
            "PTE   at 0x11004: 0x00345005 P U -> page 0x345000\n"
            "0xc0001abc -> 0x345abc, page of 4 KiB: user r-x, supervisor r-x\n");
    walk_is(m, 0xc0412345,
            "32-bit paging, CR3 0x10000\n"
            "PDE   at 0x10c04: 0x00c06083 P W PS -> page 0x300c00000\n"
            "0xc0412345 -> 0x300c12345, page of 4 MiB: user ---, supervisor rwx\n");
    m->cpu->cr0 &= ~(uint64_t)CR0_PG;
    walk_is(m, 0x123456, "CR0.PG=0: no paging\n0x123456 -> 0x123456\n");
    m->cpu->a20_masked = true;
    walk_is(m, 0x123456, "CR0.PG=0: no paging\n0x123456 -> 0x23456, A20 is masked\n");
    x86_machine_destroy(m);
}

// A debugger sees what is there, whatever the code that runs may do.
Test(x86_debug_walk, translations_look_at_presence_alone)
{
    struct x86_machine *m = four_levels(CR4_SMAP | CR4_SMEP);
    cr_assert_eq(translate(m, UINT64_C(0x7f0012345678)), 0x123678);
    cr_assert_eq(translate(m, UINT64_C(0x7f0012634567)), 0x234567);
    cr_assert_eq(translate(m, UINT64_C(0xffffffffc0001000)), 0x40001000);
    x86_set_cpl(&m->cpu->segs[X86_SS], 3);
    x86_modes_changed(m->cpu);
    cr_assert_eq(translate(m, UINT64_C(0xffffffffc0001000)), 0x40001000);
    cr_assert_eq(translate(m, UINT64_C(0x7f0012346000)), ~UINT64_C(0));
    cr_assert_eq(translate(m, UINT64_C(0x800000000000)), ~UINT64_C(0));
    x86_machine_destroy(m);
    m = machine("pentium3", 0, 0);
    poke32(m, ROOT, TABLE | RW);
    poke32(m, TABLE, 0x5000 | RW);
    cr_assert_eq(translate(m, 0x123), 0x5123);
    cr_assert_eq(translate(m, UINT64_C(0x100000123)), ~UINT64_C(0));
    x86_machine_destroy(m);
}

// --- lists ---------------------------------------------------------------------------------------------------------

Test(x86_debug_walk, mappings_follow_each_other)
{
    struct x86_machine *m = four_levels(CR4_PGE);
    uint64_t page = UINT64_C(0x7f0012345000), large = UINT64_C(0x7f0012600000), last = UINT64_C(0xffffffffc0000000);
    maps(m, 0, page, 0x1000, 0x123000, "urw--");
    maps(m, page + 0xfff, page, 0x1000, 0x123000, "urw--");
    maps(m, page + 0x1000, large, 0x200000, 0x200000, "srwxg");
    maps(m, large + 0x200000, last, 0x40000000, 0x40000000, "srwx-");
    maps(m, UINT64_C(0x900000000000), last, 0x40000000, 0x40000000, "srwx-");
    maps(m, UINT64_MAX, last, 0x40000000, 0x40000000, "srwx-");
    poke64(m, ROOT + 0x1ff * 8, 0);
    nothing_from(m, large + 0x200000);
    nothing_from(m, UINT64_MAX);
    x86_machine_destroy(m);
}

Test(x86_debug_walk, five_levels_and_others_are_listed)
{
    struct x86_machine *m = long_mode(CR4_LA57);
    poke64(m, ROOT + 0x100 * 8, TABLE | RW);
    poke64(m, TABLE + 8, (TABLE + 0x1000) | RW);
    poke64(m, TABLE + 0x1000, 0x80000000 | RWU | PS);
    maps(m, 0, UINT64_C(0xff00008000000000), 0x40000000, 0x80000000, "srwx-");
    cr_assert_eq(translate(m, UINT64_C(0xff00008000001234)), 0x80001234);
    x86_machine_destroy(m);

    m = machine("pentium3", CR4_PAE, 0);
    m->cpu->pdpte[3] = TABLE | 1;
    poke64(m, TABLE + 0x1ff * 8, 0xa00000 | RW | PS);
    maps(m, 0, 0xffe00000, 0x200000, 0xa00000, "srwx-");
    nothing_from(m, UINT64_C(0x100000000));
    x86_machine_destroy(m);

    m = machine("pentium3", CR4_PSE, 0);
    poke32(m, ROOT + 0x3ff * 4, 0x00c00000 | RWU | PS);
    poke32(m, ROOT + 0x3fe * 4, TABLE | RWU);
    poke32(m, TABLE, 0x5005);
    maps(m, 0, 0xff800000, 0x1000, 0x5000, "ur-x-");
    maps(m, 0xff801000, 0xffc00000, 0x400000, 0xc00000, "urwx-");
    nothing_from(m, UINT64_C(0x100000000));
    m->cpu->cr0 &= ~(uint64_t)CR0_PG;
    struct debug_mapping mapping;
    cr_assert(next(m, 0x1234, &mapping));
    cr_assert(mapping.gva == 0 && mapping.gpa == 0 && mapping.size == UINT64_C(0x100000000));
    nothing_from(m, UINT64_C(0x100000000));
    x86_machine_destroy(m);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// A table that is its own table at each level maps each page of itself, and what it leads to without end is not looked for.
Test(x86_debug_walk, hostile_tables_keep_nobody_long)
{
    struct x86_machine *m = long_mode(0);
    struct debug_mapping mapping;
    double begin = seconds();
    poke64(m, ROOT + 8, ROOT | RW);
    maps(m, 0, UINT64_C(0x8040201000), 0x1000, ROOT, "srwx-");
    // All entries of three levels lead to a table that is empty.
    for (unsigned level = 0; level < 3; level++)
        for (unsigned i = 0; i < 512; i++)
            poke64(m, ROOT + level * 0x1000 + i * 8, (ROOT + (level + 1) * 0x1000) | RW);
    cr_assert_not(next(m, 0, &mapping));
    cr_assert_lt(seconds() - begin, 5);
    x86_machine_destroy(m);
}

// What a kernel's looks like: a list of all takes milliseconds, not one walk for each page that there could be.
Test(x86_debug_walk, empty_parts_are_skipped)
{
    struct x86_machine *m = four_levels(0);
    struct debug_mapping mapping;
    double begin = seconds();
    unsigned count = 0;
    for (uint64_t gva = 0; next(m, gva, &mapping); count++)
        if (!(gva = mapping.gva + mapping.size))
            break;
    cr_assert_eq(count, 2);
    cr_assert_lt(seconds() - begin, 1);
    x86_machine_destroy(m);
}

Test(x86_debug_walk, spaces_are_told_apart)
{
    struct x86_machine *m = long_mode(CR4_PCIDE);
    const struct debug_ops *ops = m->cpu->tcg.vcpu.ops->debug;
    m->cpu->cr3 = ROOT | 5;
    uint64_t space = ops->space(&m->cpu->tcg.vcpu);
    cr_assert_eq(space & ops->space_tables, ROOT);
    cr_assert_eq(space & ops->space_id, 5);
    m->cpu->cr4 &= ~(uint64_t)CR4_PCIDE;
    m->cpu->cr3 = ROOT | 0x18; // caching of the tables, which is no part of their name
    cr_assert_eq(ops->space(&m->cpu->tcg.vcpu), ROOT);
    m->cpu->cr0 &= ~(uint64_t)CR0_PG;
    cr_assert_eq(ops->space(&m->cpu->tcg.vcpu), 0);
    x86_machine_destroy(m);
}
