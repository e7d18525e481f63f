// SPDX-License-Identifier: MIT
// Hosts that are not x86-64 have no x86 guests: vector and x87 instructions of those are the host's own.
#include <errno.h>
#include <stddef.h>

#include "hw/core/machine.h"
#include "target-x86/x86.h"
#include "tcg/base/error.h"

static struct vcpu *create(struct machine *machine, const char *model, const void *config, struct error *error)
{
    (void)model;
    (void)config;
    error_set(error, ENOTSUP, "machine '%s' needs an x86-64 host: its processors use the host's instructions", machine->type->name);
    return NULL;
}

const struct cpu_factory x86_cpu_factory = {.create = create};

const char *const x86_cpu_models[] = {NULL};

void x86_cpu_print_models(FILE *out)
{
    fputs("  none: x86 processors need an x86-64 host\n", out);
}
