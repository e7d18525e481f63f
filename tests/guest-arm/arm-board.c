// SPDX-License-Identifier: MIT
#include "arm-board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/boards/virt-arm.h"
#include "hw/kvm/kvm.h"
#include "target-arm/arm.h"
#include "tcg/exec/engine.h"

static void must(int status, const struct error *error)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", error->text);
    exit(ARM_BOARD_SKIPS);
}

struct arm_board arm_board_create(const char *accel, const char *gic_version, unsigned cpus)
{
    struct error error = {""};
    struct tcg_options options = tcg_default_options();
    struct arm_board b = {.machine = machine_create(&virt_arm_type)};
    b.accel = strcmp(accel, "kvm") ? tcg_accel_create(&interp_accel_ops, &options) : kvm_accel_create(KVM_IRQCHIP_ON);
    b.machine->cpu_factory = &arm_cpu_factory;
    b.machine->cpu_count = cpus;
    b.machine->ram_size = UINT64_C(64) << 20;
    must(machine_set_property(b.machine, "gic-version", gic_version, &error), &error);
    must(b.accel->ops->init(b.accel, b.machine, &error), &error);
    must(machine_build(b.machine, &error), &error);
    for (unsigned i = 0; i < cpus; i++)
        must(b.accel->ops->vcpu_init(b.accel, b.machine->vcpus.cpus[i], &error), &error);
    for (struct device *device = b.machine->devices; device; device = device->next)
        device_reset(device);
    return b;
}

void arm_board_destroy(struct arm_board *b)
{
    for (unsigned i = 0; i < b->machine->vcpus.count; i++)
        b->accel->ops->vcpu_destroy(b->accel, b->machine->vcpus.cpus[i]);
    machine_destroy(b->machine);
    b->accel->ops->destroy(b->accel);
}

void arm_board_start(struct arm_board *b, uint64_t entry)
{
    struct vcpu *vcpu = b->machine->vcpus.cpus[0];
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, entry, 0);
    vcpu_set_power(vcpu, true);
    vcpu->thread = pthread_self();
}
