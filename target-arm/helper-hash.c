// SPDX-License-Identifier: MIT
// Cryptographic extensions: SHA-1, SHA-256, SHA-512, SM3 and SM4 (FIPS 180-4, GB/T 32905 and 32907; the split into
// instructions is the Arm ARM's, C7.2). Words are numbered from the least significant.

#include <string.h>

#include "target-arm/helper-simd.h"
#include "target-arm/helper.h"
#include "tcg/eval.h"

static const uint8_t sm4_sbox[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};

static uint32_t rol(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}
static uint32_t ror(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}
static uint64_t ror64(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}
static uint64_t choose(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) | (~x & z);
}
static uint64_t parity(uint64_t x, uint64_t y, uint64_t z)
{
    return x ^ y ^ z;
}
static uint64_t majority(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) | (x & z) | (y & z);
}

typedef uint64_t mixer(uint64_t x, uint64_t y, uint64_t z);

// --- SHA-1 ---

static union ir_value sha1(union ir_value x, uint32_t y, union ir_value w, mixer *mix)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = y + rol(x.u32[0], 5) + (uint32_t)mix(x.u32[1], x.u32[2], x.u32[3]) + w.u32[i];
        y = x.u32[3];
        x = (union ir_value){.u32 = {t, x.u32[0], rol(x.u32[1], 30), x.u32[2]}};
    }
    return x;
}

static union ir_value sha1su0(union ir_value d, union ir_value n, union ir_value m)
{
    return (union ir_value){.u64 = {d.u64[1] ^ d.u64[0] ^ m.u64[0], n.u64[0] ^ d.u64[1] ^ m.u64[1]}};
}

static union ir_value sha1su1(union ir_value d, union ir_value n)
{
    uint32_t t[4];
    for (unsigned i = 0; i < 4; i++)
        t[i] = d.u32[i] ^ (i < 3 ? n.u32[i + 1] : 0);
    return (union ir_value){.u32 = {rol(t[0], 1), rol(t[1], 1), rol(t[2], 1), rol(t[3], 1) ^ rol(t[0], 2)}};
}

// --- SHA-256 ---

static union ir_value sha256(union ir_value x, union ir_value y, union ir_value w, bool part1)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t sigma1 = ror(y.u32[0], 6) ^ ror(y.u32[0], 11) ^ ror(y.u32[0], 25);
        uint32_t sigma0 = ror(x.u32[0], 2) ^ ror(x.u32[0], 13) ^ ror(x.u32[0], 22);
        uint32_t t = y.u32[3] + sigma1 + (uint32_t)choose(y.u32[0], y.u32[1], y.u32[2]) + w.u32[i];
        uint32_t next = t + sigma0 + (uint32_t)majority(x.u32[0], x.u32[1], x.u32[2]);
        y = (union ir_value){.u32 = {x.u32[3] + t, y.u32[0], y.u32[1], y.u32[2]}};
        x = (union ir_value){.u32 = {next, x.u32[0], x.u32[1], x.u32[2]}};
    }
    return part1 ? x : y;
}

static union ir_value sha256su0(union ir_value d, union ir_value n)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = i < 3 ? d.u32[i + 1] : n.u32[0];
        d.u32[i] += ror(t, 7) ^ ror(t, 18) ^ t >> 3;
    }
    return d;
}

static union ir_value sha256su1(union ir_value d, union ir_value n, union ir_value m)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = i < 2 ? m.u32[i + 2] : d.u32[i - 2];
        d.u32[i] += (ror(t, 17) ^ ror(t, 19) ^ t >> 10) + (i < 3 ? n.u32[i + 1] : m.u32[0]);
    }
    return d;
}

// --- SHA-512 ---

static uint64_t sha512_sigma1(uint64_t x)
{
    return ror64(x, 14) ^ ror64(x, 18) ^ ror64(x, 41);
}
static uint64_t sha512_sigma0(uint64_t x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}

static union ir_value sha512h(union ir_value d, union ir_value n, union ir_value m)
{
    uint64_t high = choose(m.u64[1], n.u64[0], n.u64[1]) + sha512_sigma1(m.u64[1]) + d.u64[1];
    uint64_t t = high + m.u64[0];
    uint64_t low = choose(t, m.u64[1], n.u64[0]) + sha512_sigma1(t) + d.u64[0];
    return (union ir_value){.u64 = {low, high}};
}

static union ir_value sha512h2(union ir_value d, union ir_value n, union ir_value m)
{
    uint64_t high = majority(n.u64[0], m.u64[1], m.u64[0]) + sha512_sigma0(m.u64[0]) + d.u64[1];
    uint64_t low = majority(high, m.u64[0], m.u64[1]) + sha512_sigma0(high) + d.u64[0];
    return (union ir_value){.u64 = {low, high}};
}

static uint64_t sha512_schedule0(uint64_t x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}
static uint64_t sha512_schedule1(uint64_t x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}

static union ir_value sha512su0(union ir_value d, union ir_value n)
{
    return (union ir_value){
        .u64 = {d.u64[0] + sha512_schedule0(d.u64[1]), d.u64[1] + sha512_schedule0(n.u64[0])}};
}

static union ir_value sha512su1(union ir_value d, union ir_value n, union ir_value m)
{
    for (unsigned i = 0; i < 2; i++)
        d.u64[i] += sha512_schedule1(n.u64[i]) + m.u64[i];
    return d;
}

// --- SM3 ---

static union ir_value sm3partw1(union ir_value d, union ir_value n, union ir_value m)
{
    union ir_value r;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = d.u32[i] ^ n.u32[i] ^ rol(i < 3 ? m.u32[i + 1] : r.u32[0], 15);
        r.u32[i] = t ^ rol(t, 15) ^ rol(t, 23);
    }
    return r;
}

static union ir_value sm3partw2(union ir_value d, union ir_value n, union ir_value m)
{
    uint32_t first = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = n.u32[i] ^ rol(m.u32[i], 7);
        first = i ? first : t;
        d.u32[i] ^= t;
    }
    first = rol(first, 15);
    d.u32[3] ^= first ^ rol(first, 15) ^ rol(first, 23);
    return d;
}

static union ir_value sm3ss1(union ir_value n, union ir_value m, union ir_value a)
{
    return (union ir_value){.u32 = {0, 0, 0, rol(rol(n.u32[3], 12) + m.u32[3] + a.u32[3], 7)}};
}

static union ir_value sm3tt1(union ir_value d, union ir_value n, uint32_t w, mixer *mix)
{
    uint32_t t = (uint32_t)mix(d.u32[1], d.u32[3], d.u32[2]) + d.u32[0] + (n.u32[3] ^ rol(d.u32[3], 12)) + w;
    return (union ir_value){.u32 = {d.u32[1], rol(d.u32[2], 9), d.u32[3], t}};
}

static union ir_value sm3tt2(union ir_value d, union ir_value n, uint32_t w, mixer *mix)
{
    uint32_t t = (uint32_t)mix(d.u32[3], d.u32[2], d.u32[1]) + d.u32[0] + n.u32[3] + w;
    return (union ir_value){.u32 = {d.u32[1], rol(d.u32[2], 19), d.u32[3], t ^ rol(t, 9) ^ rol(t, 17)}};
}

// --- SM4 ---

static uint32_t sm4_substitute(uint32_t x)
{
    uint32_t out = 0;
    for (unsigned i = 0; i < 32; i += 8)
        out |= (uint32_t)sm4_sbox[x >> i & 0xff] << i;
    return out;
}

static union ir_value sm4(union ir_value x, union ir_value keys, bool schedule)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = sm4_substitute(x.u32[3] ^ x.u32[2] ^ x.u32[1] ^ keys.u32[i]);
        t ^= schedule ? rol(t, 13) ^ rol(t, 23) : rol(t, 2) ^ rol(t, 10) ^ rol(t, 18) ^ rol(t, 24);
        x = (union ir_value){.u32 = {x.u32[1], x.u32[2], x.u32[3], x.u32[0] ^ t}};
    }
    return x;
}

static union ir_value compute(enum arm_hash_op op, unsigned index, union ir_value d, union ir_value n, union ir_value m)
{
    switch (op) {
    case HASH_SHA1C:
        return sha1(d, n.u32[0], m, choose);
    case HASH_SHA1P:
        return sha1(d, n.u32[0], m, parity);
    case HASH_SHA1M:
        return sha1(d, n.u32[0], m, majority);
    case HASH_SHA1SU0:
        return sha1su0(d, n, m);
    case HASH_SHA1SU1:
        return sha1su1(d, n);
    case HASH_SHA1H:
        return (union ir_value){.u32 = {rol(n.u32[0], 30)}};
    case HASH_SHA256H:
        return sha256(d, n, m, true);
    case HASH_SHA256H2:
        return sha256(n, d, m, false);
    case HASH_SHA256SU0:
        return sha256su0(d, n);
    case HASH_SHA256SU1:
        return sha256su1(d, n, m);
    case HASH_SHA512H:
        return sha512h(d, n, m);
    case HASH_SHA512H2:
        return sha512h2(d, n, m);
    case HASH_SHA512SU0:
        return sha512su0(d, n);
    case HASH_SHA512SU1:
        return sha512su1(d, n, m);
    case HASH_SM3PARTW1:
        return sm3partw1(d, n, m);
    case HASH_SM3PARTW2:
        return sm3partw2(d, n, m);
    case HASH_SM3SS1:
        return sm3ss1(d, n, m);
    case HASH_SM3TT1A:
        return sm3tt1(d, n, m.u32[index], parity);
    case HASH_SM3TT1B:
        return sm3tt1(d, n, m.u32[index], majority);
    case HASH_SM3TT2A:
        return sm3tt2(d, n, m.u32[index], parity);
    case HASH_SM3TT2B:
        return sm3tt2(d, n, m.u32[index], choose);
    case HASH_SM4E:
        return sm4(d, n, false);
    default: // HASH_SM4EKEY
        return sm4(n, m, true);
    }
}

static void hash(void *result, const void *d, const void *n, const void *m, uint32_t control)
{
    union ir_value x, y, z;
    memcpy(&x, d, sizeof(x));
    memcpy(&y, n, sizeof(y));
    memcpy(&z, m, sizeof(z));
    x = compute(control & 0xff, control >> 8, x, y, z);
    memcpy(result, &x, sizeof(x));
}

const struct ir_helper arm_helper_hash = {"hash", ARM_HELPER_FN(hash), IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_V128, 4,
                                          {IR_V128, IR_V128, IR_V128, IR_I32}};
