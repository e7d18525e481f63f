// SPDX-License-Identifier: MIT
// Page tables of each shape, and of kernels that hide from programs.
#include <criterion/criterion.h>

#include <string.h>

#include "frontend/kernel-finder.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { PAGES = 16, PAGE = 4096 };

static uint8_t ram[PAGES * PAGE];

static bool read_physical(void *opaque, uint64_t gpa, void *out, size_t bytes)
{
    (void)opaque;
    if (!range_inside(gpa, bytes, sizeof(ram)))
        return false;
    memcpy(out, ram + gpa, bytes);
    return true;
}

static void entry(unsigned page, unsigned index, uint64_t value)
{
    store_le64(ram + page * PAGE + index * 8, value);
}

static void expect(struct kernel_memory *memory, uint64_t gva, uint64_t gpa)
{
    uint64_t found = 0;
    cr_assert(kernel_tables_translate(memory, gva, &found), "%llx", (unsigned long long)gva);
    cr_assert_eq(found, gpa, "%llx is at %llx", (unsigned long long)gva, (unsigned long long)found);
}

static void expect_none(struct kernel_memory *memory, uint64_t gva)
{
    uint64_t found;
    cr_assert_not(kernel_tables_translate(memory, gva, &found), "%llx", (unsigned long long)gva);
}

static struct kernel_memory begin(enum kernel_arch arch)
{
    memset(ram, 0, sizeof(ram));
    return (struct kernel_memory){.arch = arch, .read_physical = read_physical};
}

Test(kernel_tables, x86_64)
{
    for (unsigned levels = 4; levels <= 5; levels++) {
        struct kernel_memory memory = begin(KERNEL_X86_64);
        unsigned top = levels == 5 ? 1 : 2;
        memory.tables = kernel_tables_x86(KERNEL_X86_64, top * PAGE | 0x18, levels == 5 ? BIT64(12) | BIT64(5) : BIT64(5));
        entry(1, 511, 2 * PAGE | 3);
        entry(2, 511, 3 * PAGE | 3);
        entry(3, 510, 4 * PAGE | 3);
        entry(4, 8, UINT64_C(0x80000007fe00081)); // 2 MiB, with an attribute in the upper bits
        entry(4, 9, 5 * PAGE | 3);
        entry(5, 3, UINT64_C(0x8000000012345003));
        expect(&memory, UINT64_C(0xffffffff81012345), 0x7fe12345);
        expect(&memory, UINT64_C(0xffffffff81203678), 0x12345678);
        expect_none(&memory, UINT64_C(0xffffffff81204678));
        expect_none(&memory, UINT64_C(0x81012345));
    }
}

Test(kernel_tables, i386)
{
    struct kernel_memory memory = begin(KERNEL_I386);
    memory.tables = kernel_tables_x86(KERNEL_I386, 1 * PAGE, 0x10);
    store_le32(ram + PAGE + 0x300 * 4, 0x01000081 | 1);
    store_le32(ram + PAGE + 0x301 * 4, 2 * PAGE | 1);
    store_le32(ram + 2 * PAGE + 5 * 4, 0x00123001);
    expect(&memory, 0xc0212345, 0x01212345);
    expect(&memory, 0xc0405678, 0x00123678);
    expect_none(&memory, 0xc0406678);
    // PAE: a table of four entries, anywhere at 32 bytes.
    memory = begin(KERNEL_I386);
    memory.tables = kernel_tables_x86(KERNEL_I386, 1 * PAGE + 0x60, BIT64(5));
    store_le64(ram + PAGE + 0x60 + 3 * 8, 2 * PAGE | 1);
    entry(2, 1, 0x00600081);
    expect(&memory, 0xc0212345, 0x00612345);
}

Test(kernel_tables, arm64)
{
    enum { T1SZ_16_4K = 16 << 16 };
    struct kernel_memory memory = begin(KERNEL_ARM64);
    memory.tables = kernel_tables_arm64(UINT64_C(0x0002000000001001), T1SZ_16_4K | UINT64_C(2) << 30);
    entry(1, 256, 2 * PAGE | 3);
    entry(2, 0, 3 * PAGE | 3);
    entry(3, 64, UINT64_C(0x0068000040200701));
    entry(3, 65, 4 * PAGE | 3);
    entry(4, 1, UINT64_C(0x0068000041234703));
    expect(&memory, UINT64_C(0xffff800008012345), 0x40212345);
    expect(&memory, UINT64_C(0xffff800008201678), 0x41234678);
    expect_none(&memory, UINT64_C(0xffff800008202678));
    // Pages of 64 KiB and 42 bits: two levels.
    memory = begin(KERNEL_ARM64);
    memory.tables = kernel_tables_arm64(0x1000, 22 << 16 | UINT64_C(3) << 30);
    cr_assert_eq(memory.tables.levels, 2);
    entry(1, 0x10, UINT64_C(0x0068000060000701)); // a block of 512 MiB
    expect(&memory, UINT64_C(0xfffffc0200000000) + 0x123456, 0x60123456);
    // Registers that make no sense.
    cr_assert_eq(kernel_tables_arm64(0x1000, 0).levels, 0);
    cr_assert_eq(kernel_tables_arm64(0x1000, 63 << 16 | UINT64_C(2) << 30).levels, 0);
    memory.tables = (struct kernel_tables){0};
    expect_none(&memory, UINT64_C(0xfffffc0200000000));
}

// A program's tables, which leave the kernel out, have the kernel's next to them.
Test(kernel_tables, what_programs_do_not_see)
{
    struct kernel_memory memory = begin(KERNEL_X86_64);
    memory.tables = kernel_tables_x86(KERNEL_X86_64, 5 * PAGE | 0x803, BIT64(5));
    entry(4, 511, 6 * PAGE | 3);
    entry(6, 510, UINT64_C(0x40000083)); // 1 GiB
    expect(&memory, UINT64_C(0xffffffff81012345), 0x41012345);
    memory = begin(KERNEL_ARM64);
    memory.tables = kernel_tables_arm64(UINT64_C(0x0003000000005000), 16 << 16 | UINT64_C(2) << 30);
    entry(7, 256, 8 * PAGE | 3);
    entry(8, 0, UINT64_C(0x0068000040000701));
    expect(&memory, UINT64_C(0xffff800008012345), 0x48012345);
}
