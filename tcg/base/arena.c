// SPDX-License-Identifier: MIT
// A bump allocator in chunks; the newest chunk is at the head of the list.
#include "tcg/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

enum {
    CHUNK_BYTES = 64 * 1024,
    KEPT_BYTES = 1024 * 1024, // at most, from one round to the next
};

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes;
    _Alignas(16) char data[];
};

static void add_chunk(struct arena *arena, size_t bytes)
{
    if (bytes < CHUNK_BYTES)
        bytes = CHUNK_BYTES;
    struct arena_chunk *chunk = alloc_resize(NULL, 1, sizeof(*chunk) + bytes);
    chunk->older = arena->chunks;
    chunk->bytes = bytes;
    arena->chunks = chunk;
    arena->bytes += bytes;
    arena->next = chunk->data;
    arena->end = chunk->data + bytes;
}

void *arena_alloc_raw(struct arena *arena, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if ((size_t)(arena->end - arena->next) < bytes)
        add_chunk(arena, bytes);
    void *p = arena->next;
    arena->next += bytes;
    return p;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    return memset(arena_alloc_raw(arena, bytes), 0, bytes);
}

static void drop_chunk(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    arena->chunks = chunk->older;
    arena->bytes -= chunk->bytes;
    free(chunk);
}

void arena_reset(struct arena *arena)
{
    if (arena->chunks && arena->chunks->older) {
        // One chunk for all that the next round is likely to need.
        size_t bytes = arena->bytes < KEPT_BYTES ? arena->bytes : KEPT_BYTES;
        arena_free(arena);
        add_chunk(arena, bytes);
    }
    if (arena->chunks)
        arena->next = arena->chunks->data;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks)
        drop_chunk(arena);
    arena->next = arena->end = NULL;
}
