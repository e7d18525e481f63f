// SPDX-License-Identifier: MIT
// The group integer: what compilers, interpreters, databases and C libraries spend their time on, without floating
// point and without the kernel. Types have fixed widths, so that every guest computes the same checksums.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/loops.h"

static uint64_t arithmetic(void)
{
    uint64_t a = 1, b = 2;
    for (uint32_t i = 0; i < 20000000; i++) {
        a = a * 3 + (b ^ i);
        b += a >> 7;
    }
    return a ^ b;
}

static uint64_t sieve(void)
{
    enum { N = 4000000 };
    uint8_t *composite = work_alloc(N);
    uint64_t count = 0;
    for (uint32_t i = 2; i < N; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint64_t k = (uint64_t)i * i; k < N; k += i)
            composite[k] = 1;
    }
    free(composite);
    return count;
}

static uint64_t sort(void)
{
    enum { N = 300000 };
    uint32_t *v = work_alloc(N * sizeof(*v)), state = 7;
    for (size_t i = 0; i < N; i++)
        v[i] = work_random(&state);
    qsort(v, N, sizeof(*v), loop_compare_numbers);
    uint64_t sum = 0;
    for (size_t i = 0; i < N; i += 97)
        sum = work_mix(sum, v[i]);
    free(v);
    return sum;
}

static uint64_t hash(void)
{
    enum { LOG2 = 17, SLOTS = 1 << LOG2 };
    struct loop_slot *table = work_alloc(SLOTS * sizeof(*table));
    uint64_t sum = 0;
    for (uint32_t round = 0; round < 100; round++)
        for (uint32_t i = 1; i <= SLOTS / 2; i++)
            sum += loop_hash_visit(table, LOG2, round, i);
    free(table);
    return sum;
}

static uint64_t crc(void)
{
    uint32_t table[256];
    return loop_crc(table, 15000000);
}

static uint64_t bytecode(void)
{
    // do { v1 = v1 * 17 + v0; if (v1 & 4) v2 ^= v1 >> 3; } while (--v0);
    static const uint8_t code[] = {
        LOAD, 1, PUSH, 17, MUL, 0, LOAD, 0, ADD, 0, STORE, 1, LOAD, 1, PUSH, 4, AND, 0, PUSH, 4, XOR, 0, JNZ, 36,
        LOAD, 1, PUSH, 3, SHR, 0, LOAD, 2, XOR, 0, STORE, 2, LOAD, 0, PUSH, 255, ADD, 0, STORE, 0, LOAD, 0, JNZ, 0, HALT, 0,
    };
    uint32_t variables[3] = {1000000, 1, 0};
    loop_interpret(code, variables);
    return variables[1] ^ variables[2];
}

static __attribute__((noinline)) uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t calls(void)
{
    return fibonacci(36);
}

struct shape {
    const struct shape_ops *ops;
    uint32_t a, b;
};

struct shape_ops {
    uint32_t (*area)(const struct shape *shape);
    void (*grow)(struct shape *shape, uint32_t by);
};

static uint32_t box_area(const struct shape *shape)
{
    return shape->a * shape->b;
}

static uint32_t disc_area(const struct shape *shape)
{
    return shape->a * shape->a * 355 / 113;
}

static uint32_t triangle_area(const struct shape *shape)
{
    return shape->a * shape->b / 2;
}

static void grow_both(struct shape *shape, uint32_t by)
{
    shape->a += by;
    shape->b += by;
}

static void grow_one(struct shape *shape, uint32_t by)
{
    shape->a += by & 3;
}

static uint64_t virtual_calls(void)
{
    enum { SHAPES = 1024 };
    static const struct shape_ops kinds[] = {
        {box_area, grow_both}, {disc_area, grow_one}, {triangle_area, grow_both}, {box_area, grow_one}};
    static struct shape shapes[SHAPES];
    uint32_t state = 11;
    for (size_t i = 0; i < SHAPES; i++)
        shapes[i] = (struct shape){&kinds[work_random(&state) & 3], (uint32_t)i, (uint32_t)i / 3};
    uint64_t sum = 0;
    for (uint32_t round = 0; round < 6000; round++) {
        for (size_t i = 0; i < SHAPES; i++) {
            sum += shapes[i].ops->area(&shapes[i]);
            if ((i & 7) == (round & 7))
                shapes[i].ops->grow(&shapes[i], round);
        }
    }
    return sum;
}

static uint64_t format(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 80000; i++) {
        char line[96];
        int bytes = snprintf(line, sizeof(line), "%u: %-8s|%6d|%08x|%.2f", i, i & 1 ? "odd" : "even", (int)(i * 7919) % 99991,
                             i * 2654435769u, (double)i / 4);
        sum = work_mix(sum, (uint64_t)bytes + (uint8_t)line[i % (uint32_t)bytes]);
    }
    return sum;
}

static uint64_t allocate(void)
{
    enum { SLOTS = 2048 };
    static uint8_t *slots[SLOTS];
    uint32_t state = 5;
    uint64_t sum = 0;
    for (unsigned i = 0; i < 600000; i++) {
        uint32_t r = work_random(&state), slot = r % SLOTS, bytes = 16 + (r >> 11) % (r & 1 << 30 ? 2000 : 100);
        if (slots[slot])
            sum += *slots[slot];
        free(slots[slot]);
        slots[slot] = malloc(bytes);
        if (!slots[slot])
            work_fail("malloc");
        *slots[slot] = (uint8_t)r;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        free(slots[i]);
        slots[i] = NULL;
    }
    return sum;
}

// One cycle in random order through 8 MiB, a cache line each step.
static uint64_t chase(void)
{
    enum { LINES = 8 << 20 >> 6 };
    struct line {
        uint32_t next, rest[15];
    } *lines = work_alloc(LINES * sizeof(*lines));
    uint32_t state = 3, at = 0;
    for (uint32_t i = 0; i < LINES; i++)
        lines[i].next = i;
    for (uint32_t i = LINES - 1; i > 0; i--) {
        uint32_t k = work_random(&state) % i, t = lines[i].next;
        lines[i].next = lines[k].next;
        lines[k].next = t;
    }
    for (uint32_t i = 0; i < 1000000; i++)
        at = lines[at].next;
    free(lines);
    return at;
}

enum { SMALLEST = 64, LARGEST = 4 << 20, SET_EACH = 64 << 20, COPY_EACH = 8 << 20 };

// As many bytes in blocks of each size.
static uint64_t set(void)
{
    uint8_t *p = work_alloc(LARGEST);
    uint64_t sum = 0;
    for (size_t bytes = SMALLEST; bytes <= LARGEST; bytes *= 4) {
        for (size_t i = 0; i < SET_EACH / bytes; i++) {
            memset(p, (int)(i & 255), bytes);
            work_touch(p);
        }
        sum = work_mix(sum, p[bytes - 1]);
    }
    free(p);
    return sum;
}

// From a block to one so many bytes behind it.
static uint64_t copy_apart(size_t distance)
{
    uint8_t *from = work_alloc(distance + LARGEST), *to = from + distance;
    uint64_t sum = 0;
    for (size_t i = 0; i < LARGEST; i++)
        from[i] = (uint8_t)(i * 31 >> 4);
    for (size_t bytes = SMALLEST; bytes <= LARGEST; bytes *= 4) {
        for (size_t i = 0; i < COPY_EACH / bytes; i++) {
            from[i & (SMALLEST - 1)]++;
            memcpy(to, from, bytes);
            work_touch(to);
        }
        for (size_t i = 0; i < bytes; i += 61)
            sum = work_mix(sum, to[i]);
    }
    free(from);
    return sum;
}

static uint64_t copy(void)
{
    return copy_apart(LARGEST + 5 * 4096);
}

// Pages that are a power of two apart share a place in a TLB that is found by low bits of the address.
static uint64_t copy_aliased(void)
{
    return copy_apart(LARGEST);
}

const struct work_item work_integer[] = {
    {"arithmetic", arithmetic}, {"sieve", sieve},       {"sort", sort},   {"hash", hash},
    {"crc", crc},               {"bytecode", bytecode}, {"calls", calls}, {"virtual", virtual_calls},
    {"format", format},         {"allocate", allocate}, {"chase", chase}, {"memset", set},
    {"memcpy", copy},           {"memcpy-aliased", copy_aliased}, {NULL, NULL},
};
