// SPDX-License-Identifier: MIT
// hostile ACCEL SEED COUNT: guests of random instructions, with an emphasis on system registers and
// maintenance, must not bring the program down. Each runs for some milliseconds at EL1; exceptions go on at
// the next instruction. There is nothing to compare: surviving is the test.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm-machine.h"
#include "target-arm/decode.h"
#include "target-arm/sysreg.h"
#include "tests/base/random.h"

enum {
    CODE = 0x40080000,
    CODE_WORDS = 0x4000,
    VECTORS = 0x40070000,
    DATA = 0x40100000,
    DATA_BYTES = 0x100000
};

static uint32_t system_insn(void)
{
    const struct arm_sysreg *reg = arm_sysreg_at(below(arm_sysreg_count()));
    bool sys = reg->encoding >> 14 == 1, read = below(2) && !sys;
    // WFI would wait for good, and the vectors are wanted most of the time.
    if (!strcmp(reg->name, "VBAR_EL1") && below(8))
        return 0xd503201f;
    return 0xd5000000 | (uint32_t)read << 21 | reg->encoding << 5 | below(32);
}

static uint32_t random_insn(void)
{
    if (!below(3))
        return system_insn();
    if (!below(30))
        return (uint32_t)random64();
    for (;;) {
        const struct a64_row *row = a64_row_at(below(a64_row_count()));
        uint32_t insn = ((uint32_t)random64() & ~row->mask) | row->value;
        if (!strcmp(row->name, "HVC") || insn == 0xd503207f) // the end of a run, and WFI
            continue;
        return insn;
    }
}

static void make_guest(struct arm_machine *m)
{
    uint32_t *code = test_machine_ram(&m->base, CODE), *vectors = test_machine_ram(&m->base, VECTORS);
    for (unsigned i = 0; i < CODE_WORDS; i++)
        code[i] = random_insn();
    for (unsigned v = 0; v < 16; v++) {
        uint32_t *p = vectors + v * 32;
        *p++ = 0xd5384020; // MRS X0, ELR_EL1
        *p++ = 0x91001000; // ADD X0, X0, #4
        *p++ = 0x92403c00; // AND X0, X0, #0xffff: into the code again, wherever it went
        *p++ = 0xd2a80101; // MOVZ X1, #0x4008, LSL #16
        *p++ = 0x8b010000; // ADD X0, X0, X1
        *p++ = 0x927ef400; // AND X0, X0, #~3
        *p++ = 0xd5184020; // MSR ELR_EL1, X0
        *p++ = 0xd69f03e0; // ERET
    }
    uint64_t *data = test_machine_ram(&m->base, DATA);
    for (unsigned i = 0; i < DATA_BYTES / 8; i++)
        data[i] = below(2) ? random64() : DATA + below(DATA_BYTES);
    test_machine_wrote(&m->base, VECTORS, DATA + DATA_BYTES - VECTORS);
}

static void *stop_soon(void *opaque)
{
    struct arm_machine *m = opaque;
    usleep(15000);
    atomic_store(&m->stop, true);
    atomic_store(&m->cpu->tcg.vcpu.exit_request, 1);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: hostile ACCEL SEED COUNT\n");
        return 2;
    }
    struct arm_machine *m = arm_machine_create(argv[1], "max", 0);
    unsigned seed = (unsigned)atoi(argv[2]), count = (unsigned)atoi(argv[3]);
    uint64_t entered = 0;
    for (unsigned i = 0; i < count; i++) {
        random_seed(seed + i);
        make_guest(m);
        m->kernel_like = below(2);
        m->vbar = VECTORS;
        atomic_store(&m->stop, false);
        pthread_t stopper;
        pthread_create(&stopper, NULL, stop_soon, m);
        arm_machine_run(m, CODE);
        pthread_join(stopper, NULL);
        entered += m->cpu->tcg.lookups;
    }
    printf("%u guests survived\n", count);
    arm_machine_destroy(m);
    return entered == 0;
}
