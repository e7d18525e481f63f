// SPDX-License-Identifier: MIT
// QARMA-64 (R. Avanzi, "The QARMA Block Cipher Family", 2016; Arm ARM, ComputePAC). The state is 16 cells of 4 bits,
// cell 0 the most significant; permutations say for each cell where it comes from.
//
// Everything but the S-boxes is linear over bits, so each step is the exclusive or of eight table reads, one for each
// byte of the state. The tables are made from the definitions on first use and constant from then on.

#include "target-arm/qarma.h"

#include <pthread.h>

#include "tcg/base/bits.h"

static const uint64_t ROUND_CONSTANTS[5] = {0, UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
                                            UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377)};
static const uint64_t ALPHA = UINT64_C(0xc0ac29b7c97c50dd);

static const uint8_t SHUFFLE[16] = {0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2};
static const uint8_t SHUFFLE_INVERSE[16] = {0, 5, 15, 10, 13, 8, 2, 7, 11, 14, 4, 1, 6, 3, 9, 12};
static const uint8_t TWEAK[16] = {6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11};
enum { LFSR_CELLS = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 8 | 1 << 11 | 1 << 13 }; // a bit for each cell

static const uint8_t SIGMA1[16] = {10, 13, 14, 6, 15, 7, 3, 5, 9, 8, 0, 12, 11, 1, 2, 4}; // its own inverse
static const uint8_t SIGMA2[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
static const uint8_t SIGMA2_INVERSE[16] = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};

static unsigned cell(uint64_t state, unsigned n)
{
    return state >> (60 - 4 * n) & 15;
}

static uint64_t permute(uint64_t state, const uint8_t from[16])
{
    uint64_t out = 0;
    for (unsigned n = 0; n < 16; n++)
        out = out << 4 | cell(state, from[n]);
    return out;
}

// All cells rotated left.
static uint64_t rotate1(uint64_t x)
{
    return (x << 1 & UINT64_C(0xeeeeeeeeeeeeeeee)) | (x >> 3 & UINT64_C(0x1111111111111111));
}

static uint64_t rotate2(uint64_t x)
{
    return (x << 2 & UINT64_C(0xcccccccccccccccc)) | (x >> 2 & UINT64_C(0x3333333333333333));
}

// Multiplication by the circulant matrix (0, rho, rho^2, rho): rows are 16 bits apart.
static uint64_t mix(uint64_t x)
{
    return rotate1(ror64(x, 16)) ^ rotate2(ror64(x, 32)) ^ rotate1(ror64(x, 48));
}

static uint64_t tweak_forward(uint64_t tweak)
{
    tweak = permute(tweak, TWEAK);
    uint64_t out = 0;
    for (unsigned n = 0; n < 16; n++) {
        unsigned c = cell(tweak, n);
        out = out << 4 | (LFSR_CELLS >> n & 1 ? c >> 1 | ((c ^ c >> 1) & 1) << 3 : c);
    }
    return out;
}

// --- tables ---

typedef uint64_t linear_map[8][256];

static linear_map forward_map;  // shuffle, then mix
static linear_map backward_map; // mix, then shuffle back
static linear_map reflect_map;  // shuffle back, then `backward_map`
static linear_map tweak_map;
static uint8_t sigma1[256], sigma2[256], sigma2_inverse[256]; // of two cells
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static uint64_t forward(uint64_t x)
{
    return mix(permute(x, SHUFFLE));
}

static uint64_t backward(uint64_t x)
{
    return permute(mix(x), SHUFFLE_INVERSE);
}

static uint64_t reflect(uint64_t x)
{
    return backward(permute(x, SHUFFLE_INVERSE));
}

static void make_map(linear_map map, uint64_t (*fn)(uint64_t))
{
    for (unsigned i = 0; i < 8; i++)
        for (unsigned byte = 0; byte < 256; byte++)
            map[i][byte] = fn((uint64_t)byte << 8 * i);
}

static void make_box(uint8_t box[256], const uint8_t cells[16])
{
    for (unsigned byte = 0; byte < 256; byte++)
        box[byte] = (uint8_t)(cells[byte >> 4] << 4 | cells[byte & 15]);
}

static void make_tables(void)
{
    make_map(forward_map, forward);
    make_map(backward_map, backward);
    make_map(reflect_map, reflect);
    make_map(tweak_map, tweak_forward);
    make_box(sigma1, SIGMA1);
    make_box(sigma2, SIGMA2);
    make_box(sigma2_inverse, SIGMA2_INVERSE);
}

static uint64_t apply(linear_map map, uint64_t x)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < 8; i++)
        out ^= map[i][x >> 8 * i & 0xff];
    return out;
}

static uint64_t substitute(uint64_t x, const uint8_t box[256])
{
    uint64_t out = 0;
    for (unsigned i = 0; i < 8; i++)
        out |= (uint64_t)box[x >> 8 * i & 0xff] << 8 * i;
    return out;
}

// --- the cipher ---

enum { MAX_ROUNDS = 4 };

uint64_t qarma64(uint64_t data, uint64_t tweak, uint64_t k0, uint64_t k1, bool short_form)
{
    pthread_once(&tables_once, make_tables);
    const uint8_t *box = short_form ? sigma1 : sigma2, *inverse = short_form ? sigma1 : sigma2_inverse;
    int rounds = short_form ? 2 : MAX_ROUNDS;
    uint64_t modified_k0 = ror64(k0, 1) ^ k0 >> 63;
    uint64_t round_key[MAX_ROUNDS + 1];

    uint64_t x = data ^ k0;
    for (int i = 0; i <= rounds; i++) {
        round_key[i] = k1 ^ tweak ^ ROUND_CONSTANTS[i];
        x ^= round_key[i];
        if (i > 0)
            x = apply(forward_map, x);
        x = substitute(x, box);
        tweak = apply(tweak_map, tweak);
    }

    // The reflector. S-boxes and permutations of cells commute.
    x = substitute(apply(forward_map, x ^ modified_k0 ^ tweak), box);
    x = apply(forward_map, x) ^ k1;
    x = apply(reflect_map, substitute(x, inverse));
    x ^= k0 ^ tweak;

    for (int i = rounds; i >= 0; i--) {
        x = substitute(x, inverse);
        if (i > 0)
            x = apply(backward_map, x);
        x ^= round_key[i] ^ ALPHA;
    }
    return x ^ modified_k0;
}
