// SPDX-License-Identifier: MIT
// The record of large mappings must never miss one that is there.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tcg/exec/tlb-large.h"

enum { MIB2 = 21, GIB1 = 30 };

static struct tlb_large *fresh(void)
{
    return calloc(1, sizeof(struct tlb_large));
}

Test(tlb_large, finds_by_any_address_and_key)
{
    struct tlb_large *large = fresh();
    cr_assert(tlb_large_note(large, 7, 0x40212345, MIB2));
    cr_assert_eq(tlb_large_find(large, 7, 0x40200000), MIB2);
    cr_assert_eq(tlb_large_find(large, 7, 0x403fffff), MIB2);
    cr_assert_eq(tlb_large_find(large, 7, 0x40400000), 0);
    cr_assert_eq(tlb_large_find(large, 8, 0x40212345), 0);
    // The largest counts, and global mappings count for every key.
    cr_assert(tlb_large_note(large, 0, 0x40000000, GIB1));
    cr_assert_eq(tlb_large_find(large, 7, 0x40212345), GIB1);
    cr_assert_eq(tlb_large_find(large, 8, 0x7fffffff), GIB1);
    tlb_large_forget_key(large, 0);
    cr_assert_eq(tlb_large_find(large, 7, 0x40212345), MIB2);
    tlb_large_forget_key(large, 7);
    cr_assert_eq(tlb_large_find(large, 7, 0x40212345), 0);
    free(large);
}

Test(tlb_large, never_misses_when_crowded)
{
    struct tlb_large *large = fresh();
    unsigned noted = 0;
    while (tlb_large_note(large, noted % 3, (uint64_t)noted << MIB2, MIB2))
        noted++;
    cr_assert_gt(noted, TLB_LARGE_SLOTS / 2);
    for (unsigned i = 0; i < noted; i++)
        cr_assert_eq(tlb_large_find(large, i % 3, ((uint64_t)i << MIB2) + 4096), MIB2);
    tlb_large_clear(large);
    cr_assert_eq(tlb_large_find(large, 0, 0), 0);
    free(large);
}
