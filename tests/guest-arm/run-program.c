// SPDX-License-Identifier: MIT
// run-program ACCEL MODEL IMAGE [MAX_INSNS [CPUS]]: runs a test program (see programs/check.inc), a flat image for 0x40080000, by
// every processor when there are several.

#include <stdio.h>
#include <stdlib.h>

#include "arm-machine.h"

enum { IMAGE_AT = 0x40080000, IMAGE_MAX = 1 << 20 };

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: run-program ACCEL MODEL IMAGE [MAX_INSNS [CPUS]]\n");
        return 2;
    }
    unsigned max_insns = argc > 4 ? (unsigned)atoi(argv[4]) : 0, cpus = argc > 5 ? (unsigned)atoi(argv[5]) : 1;
    struct arm_machine *m = arm_machine_create_smp(argv[1], argv[2], max_insns, cpus);
    FILE *image = fopen(argv[3], "rb");
    if (!image || !fread(test_machine_ram(&m->base, IMAGE_AT), 1, IMAGE_MAX, image)) {
        perror(argv[3]);
        return 2;
    }
    fclose(image);
    bool ended = cpus > 1 ? arm_machine_run_all(m, IMAGE_AT) : arm_machine_run(m, IMAGE_AT);
    const uint64_t *x = m->result;
    if (!ended)
        printf("did not end; pc 0x%llx\n", (unsigned long long)tcg_get_pc(&m->cpu->tcg));
    else if (x[0])
        printf("line %llu: found 0x%llx, expected 0x%llx\n", (unsigned long long)x[0], (unsigned long long)x[1],
               (unsigned long long)x[2]);
    int status = !ended || x[0];
    arm_machine_destroy(m);
    return status;
}
