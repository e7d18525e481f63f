// SPDX-License-Identifier: MIT
// Hosts without a backend: the IR is interpreted there, and nothing but the first two is ever called.
#include "tcg/backend.h"

#include <stdlib.h>

bool backend_available(void)
{
    return false;
}

struct backend *backend_create(const struct backend_layout *layout, struct backend_buffers *buffers, uint32_t features)
{
    (void)layout;
    (void)buffers;
    (void)features;
    return NULL;
}

void backend_destroy(struct backend *backend)
{
    (void)backend;
}

void backend_stubs(const struct backend *backend, backend_stub_fn *name, void *opaque)
{
    (void)backend;
    (void)name;
    (void)opaque;
}

int backend_compile(struct backend *backend, struct ir_region *region, int32_t entry_offset, struct backend_buffers *buffers,
                    struct backend_code *code)
{
    (void)backend;
    (void)region;
    (void)entry_offset;
    (void)buffers;
    (void)code;
    abort();
}

enum backend_exit backend_enter(struct backend *backend, void *state, const void *entry, struct tcg_exit **link)
{
    (void)backend;
    (void)state;
    (void)entry;
    (void)link;
    abort();
}

void backend_link(struct tcg_exit *exit, const uint8_t *target)
{
    (void)exit;
    (void)target;
}

void backend_kill(const struct backend_code *code)
{
    (void)code;
}

void backend_stop_counting(const struct backend_code *code)
{
    (void)code;
}

uint64_t *backend_dump_int(void *dump, unsigned reg)
{
    (void)dump;
    (void)reg;
    abort();
}

void *backend_dump_vector(void *dump, unsigned reg)
{
    (void)dump;
    (void)reg;
    abort();
}

uint8_t *backend_dump_frame(void *dump)
{
    (void)dump;
    abort();
}

const struct tcg_site *backend_dump_site(void *dump, const uint8_t *meta_base)
{
    (void)dump;
    (void)meta_base;
    abort();
}

bool backend_reg_is_vector(unsigned reg)
{
    (void)reg;
    return false;
}

uint64_t backend_signal_pc(const void *context)
{
    (void)context;
    return 0;
}
