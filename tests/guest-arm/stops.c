// SPDX-License-Identifier: MIT
// stops ACCEL IMAGE SLICES [MAX_INSNS]: debuggers' stops in programs/processes.S.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm-machine.h"
#include "target-arm/arm.h"
#include "target-arm/sysreg-bits.h"
#include "tests/base/stop-cases.h"

// As in the program.
enum { IMAGE_AT = 0x40080000, IMAGE_MAX = 1 << 20, SLICES = 0x40500000, WORK = 0x200000, COUNTER = 0x201000 };
enum { LOOP = WORK + 0x1c, STORE = LOOP + 8, LOOP_END = LOOP + 20, VECTORS = IMAGE_AT + 0x800, FROM_EL0 = 0x400, IRQ = 0x80 };

static void start(void *opaque, uint32_t slices)
{
    struct arm_machine *m = opaque;
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    memcpy(test_machine_ram(&m->base, SLICES), &slices, sizeof(slices));
    test_machine_wrote(&m->base, SLICES, sizeof(slices));
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, IMAGE_AT, 0);
    vcpu->halted = false;
    vcpu->stop = (struct vcpu_stop){0};
    m->hvc_seen = m->ending = false;
}

static bool has_ended(void *opaque)
{
    return ((struct arm_machine *)opaque)->hvc_seen;
}

static bool has_passed(void *opaque)
{
    const struct arm_machine *m = opaque;
    if (m->result[0])
        printf("check %llu: found 0x%llx, expected 0x%llx\n", (unsigned long long)m->result[0],
               (unsigned long long)m->result[1], (unsigned long long)m->result[2]);
    return !m->result[0];
}

static void interrupt(void *opaque, bool on)
{
    struct arm_machine *m = opaque;
    m->cpu->daif &= ~(uint32_t)PSTATE_I;
    vcpu_irq_set(&m->cpu->tcg.vcpu, ARM_CPU_IRQ, on);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: stops ACCEL IMAGE SLICES [MAX_INSNS]\n");
        return 2;
    }
    struct arm_machine *m = arm_machine_create(argv[1], "max", argc > 4 ? (unsigned)atoi(argv[4]) : 0);
    FILE *image = fopen(argv[2], "rb");
    if (!image || !fread(test_machine_ram(&m->base, IMAGE_AT), 1, IMAGE_MAX, image)) {
        perror(argv[2]);
        return 2;
    }
    fclose(image);
    struct stop_guest guest = {
        .machine = &m->base, .vcpu = &m->cpu->tcg.vcpu, .opaque = m, .start = start, .has_ended = has_ended,
        .has_passed = has_passed, .interrupt = interrupt, .loop = LOOP, .store = STORE, .loop_end = LOOP_END, .data = COUNTER,
        .data_length = 8, .process = "x19", .system_call = "svc", .handler = VECTORS + FROM_EL0,
        .interrupt_handler = VECTORS + FROM_EL0 + IRQ, .user = 0,
    };
    for (unsigned i = 0; i < 2; i++)
        guest.spaces[i] = 0x40510000 + (i + 1) * 0x10000 + ((uint64_t)(i + 1) << 48);
    int status = !stop_cases_run(&guest, (uint32_t)atoi(argv[3]));
    arm_machine_destroy(m);
    return status;
}
