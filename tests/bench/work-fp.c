// SPDX-License-Identifier: MIT
// The group fp: scalar floating point, loops that the compiler turns into vector code (their counts are constant, which
// is what GCC asks for at -O2), and two ciphers in plain C: AES-128 (FIPS 197) and SHA-256 (FIPS 180-4). Left out: the
// processors' own instructions for these ciphers. Checksums are those of one binary: guests differ among each other
// where one multiplies and adds in one rounding (arm64) or in more bits (686's x87).
#include <math.h>
#include <string.h>
#include "tests/bench/work.h"

static uint64_t bits_of(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof(u));
    return u;
}

static uint64_t nbody(void)
{
    enum { BODIES = 5 };
    static const double start[BODIES][7] = {
        {0, 0, 0, 0, 0, 0, 39.5},
        {4.84, -1.16, -0.1, 0.61, 2.81, -0.02, 0.0377},
        {8.34, 4.12, -0.4, -1.01, 1.82, 0.008, 0.0113},
        {12.9, -15.1, -0.22, 1.08, 0.87, -0.01, 0.0017},
        {15.4, -25.9, 0.18, 0.98, 0.59, -0.03, 0.002},
    };
    double p[BODIES][3], v[BODIES][3];
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++) {
            p[i][k] = start[i][k];
            v[i][k] = start[i][3 + k];
        }
    for (unsigned step = 0; step < 200000; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int k = i + 1; k < BODIES; k++) {
                double x = p[i][0] - p[k][0], y = p[i][1] - p[k][1], z = p[i][2] - p[k][2];
                double square = x * x + y * y + z * z, pull = 0.001 / (square * sqrt(square));
                double mi = start[i][6] * pull, mk = start[k][6] * pull;
                v[i][0] -= x * mk;
                v[i][1] -= y * mk;
                v[i][2] -= z * mk;
                v[k][0] += x * mi;
                v[k][1] += y * mi;
                v[k][2] += z * mi;
            }
        for (int i = 0; i < BODIES; i++)
            for (int k = 0; k < 3; k++)
                p[i][k] += 0.001 * v[i][k];
    }
    return work_mix(bits_of(p[0][0]), bits_of(p[4][1]));
}

static uint64_t mandelbrot(void)
{
    uint64_t sum = 0;
    for (int y = 0; y < 200; y++) {
        for (int x = 0; x < 200; x++) {
            double cr = x / 100.0 - 1.5, ci = y / 100.0 - 1.0, r = 0, i = 0;
            unsigned n = 0;
            for (; n < 500 && r * r + i * i < 4; n++) {
                double t = r * r - i * i + cr;
                i = 2 * r * i + ci;
                r = t;
            }
            sum += n;
        }
    }
    return sum;
}

static uint64_t matrix(void)
{
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            a[i][k] = i + k * 0.5;
            b[i][k] = i - k * 0.25;
        }
    for (int round = 0; round < 8; round++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double sum = round;
                for (int m = 0; m < N; m++)
                    sum += a[i][m] * b[m][k];
                c[i][k] = sum;
            }
    return bits_of(c[17][23]);
}

static uint64_t axpy(void)
{
    enum { N = 4096 };
    static float x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = (float)i * 0.001f;
        y[i] = 0;
    }
    for (int round = 0; round < 8000; round++) {
        work_touch(y);
        for (int i = 0; i < N; i++)
            y[i] += x[i] * 0.5f;
    }
    return bits_of((double)y[1234]);
}

// In place, radix 2. The roots of unity come from halving angles, as libm's sines may differ between CPUs.
static uint64_t fft(void)
{
    enum { LOG2 = 12, N = 1 << LOG2 };
    static double re[N], im[N], wr[N / 2], wi[N / 2];
    double hr = -1, hi = 0;
    wr[0] = 1;
    wi[0] = 0;
    for (int half = N / 2; half > 1; half /= 2) {
        double r = sqrt((1 + hr) / 2);
        hi = half == N / 2 ? 1 : hi / (2 * r);
        hr = r;
        for (int at = half / 2; at < N / 2; at += half) {
            wr[at] = wr[at - half / 2] * hr - wi[at - half / 2] * hi;
            wi[at] = wr[at - half / 2] * hi + wi[at - half / 2] * hr;
        }
    }
    for (int i = 0; i < N; i++) {
        re[i] = (i * 37 & 255) / 256.0;
        im[i] = 0;
    }
    for (int round = 0; round < 160; round++) {
        for (int i = 1, k = 0; i < N; i++) {
            int bit = N / 2;
            for (; k & bit; bit /= 2)
                k ^= bit;
            k ^= bit;
            if (i < k) {
                double tr = re[i], ti = im[i];
                re[i] = re[k];
                im[i] = im[k];
                re[k] = tr;
                im[k] = ti;
            }
        }
        for (int half = 1; half < N; half *= 2)
            for (int base = 0; base < N; base += 2 * half)
                for (int i = 0; i < half; i++) {
                    int a = base + i, b = a + half, w = i * (N / 2 / half);
                    double tr = re[b] * wr[w] - im[b] * wi[w], ti = re[b] * wi[w] + im[b] * wr[w];
                    re[b] = re[a] - tr;
                    im[b] = im[a] - ti;
                    re[a] += tr;
                    im[a] += ti;
                }
        for (int i = 0; i < N; i++) {
            re[i] *= 1.0 / 64;
            im[i] *= 1.0 / 64;
        }
    }
    return work_mix(bits_of(re[5]), bits_of(im[77]));
}

static uint64_t roots(void)
{
    double sum = 0;
    for (int i = 1; i < 4000000; i++)
        sum += sqrt((double)i) / (double)(i + 1);
    return bits_of(sum);
}

static uint64_t conversions(void)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < 2000000; i++) {
        float f = (float)(i * 77 & 0xfffff) * 0.5f;
        double d = (double)f + (double)((int64_t)i << 20);
        sum += (uint64_t)(int64_t)d ^ (uint32_t)(int32_t)f;
        sum += (uint64_t)(int64_t)(float)d;
    }
    return sum;
}

// What a video filter does with bytes: absolute differences, averages, saturating sums, maxima.
static uint64_t bytes(void)
{
    enum { N = 1 << 14 };
    static uint8_t a[N], b[N], c[N];
    for (int i = 0; i < N; i++) {
        a[i] = (uint8_t)(i * 7);
        b[i] = (uint8_t)(i * 13 >> 3);
        c[i] = 0;
    }
    for (int round = 0; round < 3000; round++) {
        work_touch(c);
        for (int i = 0; i < N; i++) {
            uint8_t difference = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
            uint8_t average = (uint8_t)((a[i] + c[i] + 1) >> 1);
            uint8_t total = (uint8_t)(average + difference);
            total = total < average ? 255 : total;
            c[i] = total > b[i] ? total ^ 0x5a : b[i];
        }
    }
    uint64_t sum = 0;
    for (int i = 0; i < N; i++)
        sum = work_mix(sum, c[i]);
    return sum;
}

// What a sound mixer does with 16-bit samples: products scaled back, clipped, and their energy.
static uint64_t words(void)
{
    enum { N = 1 << 13 };
    static int16_t a[N], b[N], c[N];
    for (int i = 0; i < N; i++) {
        a[i] = (int16_t)(i * 31);
        b[i] = (int16_t)(i * 57 ^ 0x1234);
        c[i] = 0;
    }
    uint32_t energy = 0;
    for (int round = 0; round < 3000; round++) {
        work_touch(c);
        for (int i = 0; i < N; i++) {
            int16_t scaled = (int16_t)(a[i] * b[i] >> 16);
            int16_t mixed = (int16_t)(scaled + (c[i] >> 1));
            mixed = mixed > 12000 ? 12000 : mixed;
            c[i] = mixed < -12000 ? -12000 : mixed;
        }
        for (int i = 0; i < N; i++)
            energy += (uint32_t)(c[i] * b[i]);
    }
    return energy;
}

static uint8_t twice(uint8_t x)
{
    return (uint8_t)(x << 1 ^ (x & 0x80 ? 0x1b : 0));
}

static uint8_t rotate8(uint8_t x, unsigned n)
{
    return (uint8_t)(x << n | x >> (8 - n));
}

// The substitution box: inverses come from walking the powers of 3 up and down together.
static void aes_box(uint8_t box[256])
{
    uint8_t p = 1, q = 1;
    do {
        p ^= twice(p);
        q ^= (uint8_t)(q << 1);
        q ^= (uint8_t)(q << 2);
        q ^= (uint8_t)(q << 4);
        q ^= q & 0x80 ? 0x09 : 0;
        box[p] = q ^ rotate8(q, 1) ^ rotate8(q, 2) ^ rotate8(q, 3) ^ rotate8(q, 4) ^ 0x63;
    } while (p != 1);
    box[0] = 0x63;
}

static void aes_expand(const uint8_t box[256], uint8_t keys[176])
{
    uint8_t constant = 1;
    for (unsigned i = 16; i < 176; i += 4) {
        uint8_t t[4];
        memcpy(t, keys + i - 4, 4);
        if (i % 16 == 0) {
            uint8_t first = t[0];
            t[0] = box[t[1]] ^ constant;
            t[1] = box[t[2]];
            t[2] = box[t[3]];
            t[3] = box[first];
            constant = twice(constant);
        }
        for (unsigned k = 0; k < 4; k++)
            keys[i + k] = keys[i + k - 16] ^ t[k];
    }
}

static void aes_encrypt(const uint8_t box[256], const uint8_t keys[176], uint8_t block[16])
{
    uint8_t s[16], t[16];
    for (unsigned i = 0; i < 16; i++)
        s[i] = block[i] ^ keys[i];
    for (unsigned round = 1; round <= 10; round++) {
        for (unsigned i = 0; i < 16; i++) // SubBytes and ShiftRows
            t[i] = box[s[(i + 4 * (i & 3)) & 15]];
        for (unsigned i = 0; i < 16; i += 4) { // MixColumns, but for the last round
            uint8_t all = t[i] ^ t[i + 1] ^ t[i + 2] ^ t[i + 3];
            for (unsigned k = 0; k < 4; k++) {
                uint8_t mixed = t[i + k] ^ all ^ twice(t[i + k] ^ t[i + ((k + 1) & 3)]);
                s[i + k] = (round < 10 ? mixed : t[i + k]) ^ keys[16 * round + i + k];
            }
        }
    }
    memcpy(block, s, 16);
}

// A chain of blocks under the key of FIPS 197's example.
static uint64_t aes(void)
{
    uint8_t box[256], keys[176], block[16];
    for (unsigned i = 0; i < 16; i++) {
        keys[i] = (uint8_t)i;
        block[i] = (uint8_t)(i * 0x11);
    }
    aes_box(box);
    aes_expand(box, keys);
    for (unsigned i = 0; i < 60000; i++)
        aes_encrypt(box, keys, block);
    uint64_t sum = 0;
    for (unsigned i = 0; i < 8; i++)
        sum = sum << 8 | block[i];
    return sum;
}

static uint32_t rotate32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

// The first 32 bits of the fraction of a prime's square (power 2) or cube root (3), found in integers bit by bit.
static uint32_t sha256_constant(uint32_t prime, unsigned power)
{
    uint64_t whole = 1;
    while ((whole + 1) * (whole + 1) * (power == 3 ? whole + 1 : 1) <= prime)
        whole++;
    uint64_t root = whole << 32;
    for (uint64_t bit = 1ull << 31; bit; bit >>= 1) {
        // The factor's square or cube in 32-bit digits, as no type is as wide on 686.
        uint64_t factor = root | bit, digits[4] = {1};
        for (unsigned k = 0; k < power; k++) {
            uint64_t low = factor & 0xffffffff, high = factor >> 32, carry = 0, previous = 0;
            for (unsigned i = 0; i < 4; i++) {
                uint64_t digit = digits[i], t = digit * low + carry + (previous * high & 0xffffffff);
                carry = (t >> 32) + (previous * high >> 32);
                digits[i] = t & 0xffffffff;
                previous = digit;
            }
        }
        if (digits[power] < prime)
            root = factor;
    }
    return (uint32_t)root;
}

static void sha256_block(uint32_t h[8], const uint32_t k[64], const uint8_t *block)
{
    uint32_t w[64], s[8];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate32(a, 7) ^ rotate32(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate32(b, 17) ^ rotate32(b, 19) ^ b >> 10);
    }
    memcpy(s, h, sizeof(s));
    for (unsigned i = 0; i < 64; i++) {
        // The eight variables move on by one each time: here their places do.
        uint32_t a = s[-i & 7], b = s[(1 - i) & 7], c = s[(2 - i) & 7];
        uint32_t e = s[(4 - i) & 7], f = s[(5 - i) & 7], g = s[(6 - i) & 7];
        uint32_t t = s[(7 - i) & 7] + (rotate32(e, 6) ^ rotate32(e, 11) ^ rotate32(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
        s[(3 - i) & 7] += t;
        s[(7 - i) & 7] = t + (rotate32(a, 2) ^ rotate32(a, 13) ^ rotate32(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += s[i];
}

// The first bytes of the hash of 4 MiB: blocks of the bytes 0 to 63, 1 to 64 and so on to 63 to 126, 1,024 times over.
static uint64_t sha256(void)
{
    uint32_t h[8], k[64], count = 0;
    for (uint32_t n = 2; count < 64; n++) {
        uint32_t divisor = 2;
        while (divisor * divisor <= n && n % divisor)
            divisor++;
        if (divisor * divisor <= n)
            continue;
        if (count < 8)
            h[count] = sha256_constant(n, 2);
        k[count++] = sha256_constant(n, 3);
    }
    static uint8_t bytes[127];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (unsigned i = 0; i < 65536; i++)
        sha256_block(h, k, bytes + i % 64);
    static const uint8_t last[64] = {0x80, [60] = 0x02}; // the length: 4 MiB are 1 << 25 bits
    sha256_block(h, k, last);
    return (uint64_t)h[0] << 32 | h[1];
}

const struct work_item work_fp[] = {
    {"nbody", nbody}, {"mandelbrot", mandelbrot},   {"matrix", matrix}, {"axpy", axpy},   {"fft", fft},
    {"roots", roots}, {"conversions", conversions}, {"bytes", bytes},   {"words", words}, {"aes", aes},
    {"sha256", sha256}, {NULL, NULL},
};
