// SPDX-License-Identifier: MIT
// A bump allocator whose objects are all freed together. Not thread-safe: one owner each.
#pragma once

#include <stddef.h>

struct arena {
    struct arena_chunk *chunks;
    char *next, *end;
    size_t bytes; // of all chunks
};

// Zeroed memory, aligned to 16 bytes, valid until arena_reset or arena_free.
void *arena_alloc(struct arena *arena, size_t bytes);
// The same, but whatever the memory held is still there: for tables that are filled at once.
void *arena_alloc_raw(struct arena *arena, size_t bytes);
// Frees every object but keeps memory for the next round.
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))
#define ARENA_ARRAY_RAW(arena, type, count) ((type *)arena_alloc_raw((arena), sizeof(type) * (count)))
