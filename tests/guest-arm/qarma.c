// SPDX-License-Identifier: MIT
// QARMA-64: the vector that its paper gives for five rounds and sigma 2, and what QEMU computes for the three-round
// form, whose codes are the upper halves only.

#include <criterion/criterion.h>

#include "target-arm/qarma.h"

#define W0 UINT64_C(0x84be85ce9804e94b)
#define K0 UINT64_C(0xec2802d4e0a488e9)
#define TWEAK UINT64_C(0x477d469dec0b8762)
#define PLAIN UINT64_C(0xfb623599da6e8127)

Test(qarma, five_rounds)
{
    cr_assert_eq(qarma64(PLAIN, TWEAK, W0, K0, false), UINT64_C(0xc003b93999b33765));
    cr_assert_eq(qarma64(~PLAIN, TWEAK, W0, K0, false) >> 32, 0x6a43ea85);
    cr_assert_eq(qarma64(~PLAIN, 0, W0, K0, false) >> 32, 0x87583a1d);
}

Test(qarma, three_rounds)
{
    cr_assert_eq(qarma64(PLAIN, TWEAK, W0, K0, true) >> 32, 0xc8b7fdc1);
    cr_assert_eq(qarma64(~PLAIN, TWEAK, W0, K0, true) >> 32, 0x178664c1);
    cr_assert_eq(qarma64(~PLAIN, 0, W0, K0, true) >> 32, 0x54addbe9);
}
