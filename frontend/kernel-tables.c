// SPDX-License-Identifier: MIT
// The kernel's own page tables, while a processor uses those that it has for programs, with next to nothing of the kernel in
// them (CONFIG_PAGE_TABLE_ISOLATION of x86, CONFIG_UNMAP_KERNEL_AT_EL0 of AArch64). The two are neighbours:
//
//   x86       the program's at bit 12 of CR3 set, the kernel's at bit 12 clear (arch/x86/entry/calling.h)
//   AArch64   tramp_pg_dir, reserved_pg_dir, swapper_pg_dir: each a page (arch/arm64/kernel/vmlinux.lds.S)
//
// Formats: Intel SDM volume 3, chapter 4; Arm ARM, chapter D8.
#include "frontend/kernel-private.h"

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { X86_PAGE_LOG2 = 12 };

struct kernel_tables kernel_tables_arm64(uint64_t ttbr1_el1, uint64_t tcr_el1)
{
    static const unsigned pages_log2[4] = {0, 14, 12, 16}; // by TCR_EL1.TG1
    struct kernel_tables t = {.root = ttbr1_el1 & (mask64(48) & ~mask64(12)),
                              .page_log2 = pages_log2[extract64(tcr_el1, 30, 2)]};
    unsigned unused_bits = (unsigned)extract64(tcr_el1, 16, 6); // T1SZ
    if (!t.page_log2 || unused_bits < 12 || unused_bits > 48)
        return (struct kernel_tables){0};
    t.address_bits = 64 - unused_bits;
    unsigned index_bits = t.page_log2 - 3;
    t.levels = t.address_bits > t.page_log2 ? (t.address_bits - t.page_log2 + index_bits - 1) / index_bits : 0;
    return t;
}

struct kernel_tables kernel_tables_x86(enum kernel_arch arch, uint64_t cr3, uint64_t cr4)
{
    enum { CR4_PAE = 5, CR4_LA57 = 12, PAE_ALIGN_LOG2 = 5 };
    struct kernel_tables t = {.root = cr3 & (mask64(48) & ~mask64(X86_PAGE_LOG2)), .page_log2 = X86_PAGE_LOG2,
                              .address_bits = 32};
    if (arch == KERNEL_X86_64) {
        t.levels = extract64(cr4, CR4_LA57, 1) ? 5 : 4;
        t.address_bits = X86_PAGE_LOG2 + 9 * t.levels;
    } else if (extract64(cr4, CR4_PAE, 1)) {
        t.levels = 3;
        t.root = cr3 & (mask64(32) & ~mask64(PAE_ALIGN_LOG2));
    } else {
        t.levels = 2;
    }
    return t;
}

static bool walk(const struct kernel_memory *memory, uint64_t root, uint64_t gva, uint64_t *gpa)
{
    const struct kernel_tables *t = &memory->tables;
    unsigned entry_log2 = t->levels == 2 && memory->arch == KERNEL_I386 ? 2 : 3, index_bits = t->page_log2 - entry_log2;
    uint64_t table = root;
    for (unsigned level = t->levels; level--;) {
        unsigned shift = t->page_log2 + index_bits * level;
        unsigned bits = t->address_bits - shift < index_bits ? t->address_bits - shift : index_bits;
        uint8_t raw[8] = {0};
        uint64_t at = table + (extract64(gva, shift, bits) << entry_log2);
        if (!memory->read_physical(memory->opaque, at, raw, 1u << entry_log2))
            return false;
        uint64_t entry = load_le64(raw);
        if (!(entry & 1))
            return false;
        bool leaf = !level || (memory->arch == KERNEL_ARM64 ? !(entry & 2) : entry & 0x80);
        table = entry & (mask64(48) & ~mask64(t->page_log2));
        if (leaf) {
            *gpa = (table & ~mask64(shift)) | (gva & mask64(shift));
            return true;
        }
    }
    return false;
}

bool kernel_tables_translate(const struct kernel_memory *memory, uint64_t gva, uint64_t *gpa)
{
    const struct kernel_tables *t = &memory->tables;
    if (!t->levels)
        return false;
    bool arm64 = memory->arch == KERNEL_ARM64;
    uint64_t other = arm64 ? t->root + (UINT64_C(2) << t->page_log2) : t->root & ~BIT64(X86_PAGE_LOG2);
    return walk(memory, t->root, gva, gpa) || walk(memory, other, gva, gpa);
}

bool kernel_translate(const struct kernel_memory *memory, uint64_t gva, uint64_t *gpa)
{
    return memory->translate(memory->opaque, gva, gpa) || kernel_tables_translate(memory, gva, gpa);
}
