// SPDX-License-Identifier: MIT
#include "fake-arm-cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void reset(struct vcpu *cpu)
{
    (void)cpu;
}

static void destroy(struct vcpu *cpu)
{
    free(cpu);
}

static const struct vcpu_ops ops = {.arch = "aarch64", .reset = reset, .destroy = destroy};

static struct vcpu *create(struct machine *machine, const char *model, const void *config, struct error *error)
{
    if (!strcmp(model, "no-such-cpu")) {
        error_set(error, EINVAL, "unknown CPU '%s'", model);
        return NULL;
    }
    struct fake_arm_cpu *cpu = calloc(1, sizeof(*cpu));
    cpu->vcpu.ops = &ops;
    cpu->vcpu.machine = machine;
    cpu->config = *(const struct arm_cpu_config *)config;
    return &cpu->vcpu;
}

const struct cpu_factory fake_arm_cpu_factory = {.create = create};
