// SPDX-License-Identifier: MIT
// Small loops for counting instructions: what compilers make of everyday code, a few hundred thousand guest instructions an
// item, without a C library, for a guest of any width. Every guest computes the same checksums, which the rows at the end
// have: floating point stays with numbers that doubles hold exactly, so that x87 agrees.
#include "items.h"

#include <stddef.h>

#include "tests/bench/loops.h"

#define FAR __attribute__((noinline, aligned(4096))) // in a page of its own

static uint32_t arithmetic(void)
{
    uint32_t a = 1, b = 2;
    for (uint32_t i = 0; i < 50000; i++) {
        a = a * 3 + (b ^ i);
        b += a >> 7;
    }
    return a ^ b;
}

static uint32_t wide(void)
{
    uint64_t a = 1, b = 2;
    for (uint32_t i = 0; i < 20000; i++) {
        a = a * UINT64_C(0x9e3779b97f4a7c15) + (b ^ i);
        b += a >> 29;
    }
    return (uint32_t)(a ^ b ^ (a ^ b) >> 32);
}

enum { WORDS = 4096 };
static uint32_t words[WORDS], other_words[WORDS];

static uint32_t copy(void)
{
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < WORDS; i++) {
            other_words[i] = words[i] + round;
            __asm__ volatile("" : : : "memory"); // one word at a time
        }
        words[round] += other_words[WORDS - 1 - round] + 1;
    }
    uint32_t sum = words[9];
    for (uint32_t i = 0; i < 10; i++)
        words[i] = 0;
    return sum;
}

static __attribute__((noinline)) uint32_t fibonacci(uint32_t n)
{
    __asm__ volatile("" : : : "memory"); // for recursion that stays as written
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint32_t calls(void)
{
    return fibonacci(19);
}

static FAR uint32_t far_leaf(uint32_t a)
{
    return a * 5 + 1;
}

static FAR uint32_t far_caller(uint32_t a)
{
    return far_leaf(a) ^ far_leaf(a >> 3);
}

static FAR uint32_t far_calls(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 10000; i++)
        sum += far_caller(sum + i);
    return sum;
}

static int (*volatile comparison)(const void *, const void *) = loop_compare_numbers;

// A heap sort.
static uint32_t sort(void)
{
    enum { N = 1000 };
    static uint32_t v[N];
    int (*compare)(const void *, const void *) = comparison;
    uint32_t state = 7;
    for (uint32_t i = 0; i < N; i++)
        v[i] = work_random(&state);
    for (uint32_t start = N / 2, end = N; end > 1;) {
        if (start) {
            start--;
        } else {
            uint32_t last = v[--end];
            v[end] = v[0];
            v[0] = last;
        }
        for (uint32_t root = start, child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && compare(&v[child], &v[child + 1]) < 0)
                child++;
            if (compare(&v[root], &v[child]) >= 0)
                break;
            uint32_t swapped = v[root];
            v[root] = v[child];
            v[child] = swapped;
        }
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < N; i++)
        sum = sum * 31 + v[i];
    return sum;
}

static uint32_t sieve(void)
{
    enum { N = 60000 };
    static uint8_t composite[N];
    uint32_t count = 0;
    for (uint32_t i = 0; i < N; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i < N; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t k = i; k < N; k += i)
            composite[k] = 1;
    }
    return count;
}

static uint32_t bytecode(void)
{
    static const uint8_t code[] = {
        LOAD, 1, PUSH, 29, MUL, 0, LOAD, 0, XOR, 0, STORE, 1, // b = b * 29 ^ a
        LOAD, 1, PUSH, 7, SHR, 0, LOAD, 2, ADD, 0, STORE, 2,  // c += b >> 7
        LOAD, 0, PUSH, 255, ADD, 0, STORE, 0, LOAD, 0, JNZ, 0, HALT, 0};
    uint32_t variables[3] = {2000, 1, 0};
    loop_interpret(code, variables);
    return variables[2];
}

static uint32_t hash(void)
{
    enum { LOG2 = 10, SLOTS = 1 << LOG2 };
    static struct loop_slot table[SLOTS];
    uint32_t sum = 0;
    for (uint32_t i = 0; i < SLOTS; i++)
        table[i].key = table[i].value = 0;
    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t i = 1; i <= SLOTS / 2; i++)
            sum += loop_hash_visit(table, LOG2, round, i);
    return sum;
}

static uint32_t crc(void)
{
    static _Alignas(1024) uint32_t table[256]; // in one page, wherever it comes to lie
    return loop_crc(table, 30000);
}

// Bytes: makes words of letters, then counts those that one has in common with the one before it.
static uint32_t strings(void)
{
    static char text[8192];
    uint32_t state = 3, same = 0, words_seen = 0;
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        uint32_t r = work_random(&state) >> 8 & 7;
        text[i] = r ? (char)('a' + (r & 1)) : ' ';
    }
    text[sizeof(text) - 1] = 0;
    for (const char *last = text, *p = text; *p; words_seen++) {
        const char *start = p, *q = last;
        while (*p && *p != ' ' && *p == *q)
            p++, q++;
        same += (uint32_t)(p - start);
        while (*p && *p != ' ')
            p++;
        while (*p == ' ')
            p++;
        last = start;
    }
    return same * 65536 + words_seen;
}

static uint32_t list(void)
{
    enum { N = 1024 };
    static struct node {
        struct node *next;
        uint32_t value;
    } nodes[N];
    for (uint32_t i = 0, at = 0; i < N; i++, at = (at + 389) % N)
        nodes[at] = (struct node){&nodes[(at + 389) % N], i};
    uint32_t sum = 0;
    const struct node *node = nodes;
    for (uint32_t i = 0; i < 40000; i++, node = node->next)
        sum = sum * 3 + node->value;
    return sum;
}

static uint32_t matrix(void)
{
    enum { N = 24 };
    static double a[N][N], b[N][N];
    double sum = 0;
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t k = 0; k < N; k++) {
            a[i][k] = (int)(i + k) % 7 - 3;
            b[i][k] = (int)(i * k) % 5 * 0.5;
        }
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < N; j++) {
            double s = 0;
            for (uint32_t k = 0; k < N; k++)
                s += a[i][k] * b[k][j];
            sum += s * (double)(1 + (i ^ j) % 4);
        }
    return (uint32_t)(int)(sum * 2);
}

typedef float float4 __attribute__((vector_size(16)));

static uint32_t vectors(void)
{
    enum { N = 256 };
    static float4 x[N], y[N];
    for (uint32_t i = 0; i < N; i++) {
        x[i] = (float4){(float)(int)(i % 8), 1, 2, 3};
        y[i] = (float4){0, 0, 0, 0};
    }
    for (uint32_t round = 1; round <= 40; round++)
        for (uint32_t i = 0; i < N; i++)
            y[i] = y[i] + x[i] * (float4){2, 3, 4, 5};
    float sum = 0;
    for (uint32_t i = 0; i < N; i++)
        sum += y[i][0] + y[i][1] + y[i][2] + y[i][3];
    return (uint32_t)(int)sum;
}

#ifdef __SIZEOF_INT128__
typedef uint64_t limb;
typedef unsigned __int128 two_limbs;
#else
typedef uint32_t limb;
typedef uint64_t two_limbs;
#endif
enum { NUMBER_BYTES = 256, LIMBS = NUMBER_BYTES / sizeof(limb), LIMB_BITS = 8 * sizeof(limb) };
union number {
    limb limbs[2 * LIMBS];
    uint32_t words[2 * NUMBER_BYTES / 4];
};

static __attribute__((noinline)) limb multiply_add(limb *r, const limb *a, limb b)
{
    limb carry = 0;
    for (uint32_t i = 0; i < LIMBS; i++) {
        two_limbs t = (two_limbs)a[i] * b + r[i] + carry;
        r[i] = (limb)t;
        carry = (limb)(t >> LIMB_BITS);
    }
    return carry;
}

// As libraries for large numbers have it: four limbs a round, low halves by CF, high ones by OF.
#ifdef __x86_64__
static __attribute__((noinline)) limb multiply_add_by_two(limb *r, const limb *a, limb b)
{
    limb carry = 0, low, high, zero, rounds = LIMBS / 4;
    __asm__ volatile("xor %k[zero], %k[zero]\n"
#define STEP(at, in, out)                                                                                              \
    "mulx " #at "(%[a]), %[low], " out "\n\tadcx " in ", %[low]\n\tadox " #at "(%[r]), %[low]\n\tmov %[low], " #at "(%[r])\n\t"
                     "1:\t" STEP(0, "%[carry]", "%[high]") STEP(8, "%[high]", "%[carry]")
                     STEP(16, "%[carry]", "%[high]") STEP(24, "%[high]", "%[carry]")
#undef STEP
                     "adox %[zero], %[carry]\n\tlea 32(%[a]), %[a]\n\tlea 32(%[r]), %[r]\n\tdec %[rounds]\n\tjnz 1b\n\t"
                     "adc %[zero], %[carry]"
                     : [a] "+r"(a), [r] "+r"(r), [carry] "+r"(carry), [rounds] "+r"(rounds), [low] "=&r"(low), [high] "=&r"(high),
                       [zero] "=&r"(zero)
                     : "d"(b)
                     : "memory", "cc");
    return carry;
}
#else
#define multiply_add_by_two multiply_add
#endif

static uint32_t square(limb (*line)(limb *, const limb *, limb))
{
    static union number a, r;
    uint32_t state = 5;
    for (uint32_t i = 0; i < NUMBER_BYTES / 4; i++)
        a.words[i] = work_random(&state);
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 2 * LIMBS; i++)
            r.limbs[i] = 0;
        for (uint32_t i = 0; i < LIMBS; i++)
            r.limbs[i + LIMBS] = line(&r.limbs[i], a.limbs, a.limbs[i]);
        for (uint32_t i = 0; i < LIMBS; i++)
            a.limbs[i] = r.limbs[i + LIMBS];
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 2 * NUMBER_BYTES / 4; i++)
        sum = sum * 31 + r.words[i];
    return sum;
}

static uint32_t limbs(void)
{
    return square(multiply_add);
}

static uint32_t two_carries(void)
{
    return square(multiply_add_by_two);
}

static const struct item {
    char name[16];
    uint32_t (*run)(void);
    uint32_t expected;
} items[] = {
    {"arithmetic", arithmetic, 0x3f6d063b},
    {"wide", wide, 0xbed0e426},
    {"copy", copy, 0xa},
    {"calls", calls, 4181},
    {"far-calls", far_calls, 0x5300e37c},
    {"sort", sort, 0x8c8a962b},
    {"sieve", sieve, 6057},
    {"bytecode", bytecode, 0x9febd556},
    {"hash", hash, 0xd3c880},
    {"crc", crc, 0xf3097829},
    {"strings", strings, 0x3210392},
    {"list", list, 0xa0c28d20},
    {"matrix", matrix, 0xfffffe9b},
    {"vectors", vectors, 0x52800},
    {"limbs", limbs, 0x96ddb29b},
    {"two-carries", two_carries, 0x96ddb29b},
};

void run_item(struct mailbox *mailbox)
{
    uint32_t number = mailbox->item;
    for (size_t i = 0; i < sizeof(mailbox->name); i++)
        mailbox->name[i] = number < sizeof(items) / sizeof(*items) ? items[number].name[i] : 0;
    if (!mailbox->name[0])
        return;
    mailbox->expected = items[number].expected;
    for (uint32_t i = 0; i < mailbox->repeats; i++)
        mailbox->sum = items[number].run();
}
