// SPDX-License-Identifier: MIT
// What the groups of guest-work.c share. A group is a table of items, ended by one without a name. An item runs a fixed
// amount of work, some 5 to 100 ms of a fast core, and returns a checksum that depends on the work alone: neither on time,
// addresses, process numbers and scheduling nor on which CPU or emulator runs the program. So it uses nothing of libm
// but sqrt(), whose result IEEE 754 fixes: libm's other functions choose their code by the CPU's features.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct work_item {
    const char *name;
    uint64_t (*run)(void);
};

extern const struct work_item work_integer[];
extern const struct work_item work_fp[];
extern const struct work_item work_kernel[];
extern const struct work_item work_parallel[];

// The number of CPUs that this program may use.
unsigned work_cpus(void);

// Zeroed memory; the program ends if there is none.
void *work_alloc(size_t bytes);

// Ends the program: a system call that an item needs has failed.
void work_fail(const char *what) __attribute__((noreturn));

// Folds a value into a checksum, so that order counts.
static inline uint64_t work_mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x9e3779b97f4a7c15 + (sum >> 29);
}

// The next number of a fixed series (xorshift); state is not 0.
static inline uint32_t work_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

// Makes the compiler believe that the memory at p is read and changed here.
static inline void work_touch(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}
