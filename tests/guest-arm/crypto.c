// SPDX-License-Identifier: MIT
// The host's cryptographic instructions agree with the C code, and that with published examples.
#include <criterion/criterion.h>
#include <string.h>

#include "target-arm/helper-simd.h"

typedef void one_operand(void *result, const void *n);
typedef void two_operands(void *result, const void *n, const void *m);

static void fill(uint8_t *bytes, unsigned count, uint32_t *state)
{
    for (unsigned i = 0; i < count; i++) {
        *state = *state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(*state >> 24);
    }
}

static void compare_one(const struct ir_helper *host, const struct ir_helper *c, const uint8_t *n)
{
    uint8_t x[16], y[16];
    ((one_operand *)host->fn)(x, n);
    ((one_operand *)c->fn)(y, n);
    cr_assert_eq(memcmp(x, y, 16), 0, "%s", c->name);
}

static void compare_two(const struct ir_helper *host, const struct ir_helper *c, const uint8_t *n, const uint8_t *m)
{
    uint8_t x[16], y[16];
    ((two_operands *)host->fn)(x, n, m);
    ((two_operands *)c->fn)(y, n, m);
    cr_assert_eq(memcmp(x, y, 16), 0, "%s", c->name);
}

Test(crypto, host_instructions_agree_with_c)
{
    const struct arm_crypto_helpers *host = arm_crypto_helpers(), *c = &arm_crypto_helpers_c;
    uint32_t state = 1;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t n[16], m[16];
        fill(n, 16, &state);
        fill(m, 16, &state);
        compare_two(&host->aese, &c->aese, n, m);
        compare_two(&host->aesd, &c->aesd, n, m);
        compare_one(&host->aesmc, &c->aesmc, n);
        compare_one(&host->aesimc, &c->aesimc, n);
        compare_two(&host->pmull, &c->pmull, n, m);
    }
}

// FIPS 197, appendix B: the state after the first AddRoundKey, and after MixColumns of round 1.
Test(crypto, aes_round_of_the_standard)
{
    static const uint8_t input[16] = {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d,
                                      0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
    static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                    0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t mixed[16] = {0x04, 0x66, 0x81, 0xe5, 0xe0, 0xcb, 0x19, 0x9a,
                                      0x48, 0xf8, 0xd3, 0x7a, 0x28, 0x06, 0x26, 0x4c};
    const struct arm_crypto_helpers *c = &arm_crypto_helpers_c;
    uint8_t state[16];
    ((two_operands *)c->aese.fn)(state, input, key);
    ((one_operand *)c->aesmc.fn)(state, state);
    cr_assert_eq(memcmp(state, mixed, 16), 0);
}

Test(crypto, polynomial_product_has_no_carries)
{
    uint64_t a[2] = {3, 0}, b[2] = {UINT64_C(1) << 63 | 3, 0}, product[2];
    ((two_operands *)arm_crypto_helpers_c.pmull.fn)(product, a, b);
    cr_assert_eq(product[0], UINT64_C(1) << 63 | 5);
    cr_assert_eq(product[1], 1);
}
