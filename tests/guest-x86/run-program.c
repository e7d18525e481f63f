// SPDX-License-Identifier: MIT
// run-program ACCEL MODEL IMAGE [MAX_INSNS [CPUS]]: runs a test program (programs/check.inc), a flat image that is loaded at
// 0x7c00 and entered there in real mode with CS = 0; by every processor when there are several, with any CS. It ends with a
// status: 0 is success, else the number of the check that failed.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/log.h"
#include "x86-machine.h"

enum { IMAGE_AT = 0x7c00, IMAGE_MAX = 0x80000 };

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: run-program ACCEL MODEL IMAGE [MAX_INSNS [CPUS]]\n");
        return 2;
    }
    if (!strcmp(argv[1], "kvm") && !test_machine_host_has_kvm())
        return 77;
    unsigned max_insns = argc > 4 ? (unsigned)atoi(argv[4]) : 0, cpus = argc > 5 ? (unsigned)atoi(argv[5]) : 1;
    struct x86_machine *m = x86_machine_create_smp(argv[1], argv[2], max_insns, cpus);
    FILE *image = fopen(argv[3], "rb");
    if (!image || !fread(test_machine_ram(&m->base, IMAGE_AT), 1, IMAGE_MAX, image)) {
        perror(argv[3]);
        return 2;
    }
    fclose(image);
    if (getenv("X86_LOG"))
        log_set_mask((uint32_t)strtoul(getenv("X86_LOG"), NULL, 0));
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, IMAGE_AT);
    bool in_time = cpus > 1 ? x86_machine_run_all(m, IMAGE_AT) : x86_machine_run(m);
    if (m->status)
        printf("%s: status %d\n", !in_time ? "did not end" : m->shut_down ? "shut down" : "ended", m->status);
    for (unsigned i = 0; m->status && i < cpus; i++)
        vcpu->ops->print_registers(m->base.machine->vcpus.cpus[i], stdout);
    int status = m->status;
    x86_machine_destroy(m);
    return status != 0;
}
