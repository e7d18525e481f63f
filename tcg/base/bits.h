// SPDX-License-Identifier: MIT
// Bit fields, rotates and counts on integers of fixed width. Positions and lengths are in bits; a length of 0 or
// a field that leaves its word is a bug of the caller.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT32(n) (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

// The `length` (1..64) lowest bits set.
static inline uint64_t mask64(unsigned length)
{
    return ~UINT64_C(0) >> (64 - length);
}

static inline uint32_t extract32(uint32_t value, unsigned start, unsigned length)
{
    return (value >> start) & (~UINT32_C(0) >> (32 - length));
}

static inline uint64_t extract64(uint64_t value, unsigned start, unsigned length)
{
    return (value >> start) & mask64(length);
}

// The field as a two's complement number.
static inline int64_t sextract64(uint64_t value, unsigned start, unsigned length)
{
    return (int64_t)(value << (64 - length - start)) >> (64 - length);
}

static inline int32_t sextract32(uint32_t value, unsigned start, unsigned length)
{
    return (int32_t)(value << (32 - length - start)) >> (32 - length);
}

// `value` with the field replaced by the low bits of `field`.
static inline uint64_t deposit64(uint64_t value, unsigned start, unsigned length, uint64_t field)
{
    uint64_t mask = mask64(length) << start;
    return (value & ~mask) | ((field << start) & mask);
}

static inline uint32_t deposit32(uint32_t value, unsigned start, unsigned length, uint32_t field)
{
    uint32_t mask = (~UINT32_C(0) >> (32 - length)) << start;
    return (value & ~mask) | ((field << start) & mask);
}

static inline uint64_t ror64(uint64_t value, unsigned n)
{
    return (value >> (n & 63)) | (value << (-n & 63));
}

static inline uint32_t ror32(uint32_t value, unsigned n)
{
    return (value >> (n & 31)) | (value << (-n & 31));
}

// Leading and trailing zeros; the width for 0.
static inline unsigned clz64(uint64_t value)
{
    return value ? (unsigned)__builtin_clzll(value) : 64;
}

static inline unsigned clz32(uint32_t value)
{
    return value ? (unsigned)__builtin_clz(value) : 32;
}

static inline unsigned ctz64(uint64_t value)
{
    return value ? (unsigned)__builtin_ctzll(value) : 64;
}

static inline unsigned ctz32(uint32_t value)
{
    return value ? (unsigned)__builtin_ctz(value) : 32;
}

static inline bool is_power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

static inline uint64_t round_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

// Whether [start, start + size) lies inside [0, limit) without overflow. For sizes that a guest chose.
static inline bool range_inside(uint64_t start, uint64_t size, uint64_t limit)
{
    return start <= limit && size <= limit - start;
}
