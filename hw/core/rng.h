// SPDX-License-Identifier: MIT
// Random bytes for devices: the host's generator, or a seeded one for runs that must repeat.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    bool seeded;
    uint64_t state; // seeded: advances with each draw
};

static inline struct rng rng_from_host(void)
{
    return (struct rng){0};
}

static inline struct rng rng_from_seed(uint64_t seed)
{
    return (struct rng){.seeded = true, .state = seed};
}

// Fills the buffer; cannot fail and does not block once the host has booted.
void rng_fill(struct rng *rng, void *buffer, size_t length);
