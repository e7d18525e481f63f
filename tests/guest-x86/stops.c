// SPDX-License-Identifier: MIT
// stops ACCEL IMAGE SLICES [MAX_INSNS]: debuggers' stops in programs/processes.S.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target-x86/x86.h"
#include "tests/base/stop-cases.h"
#include "x86-machine.h"

// As in the program.
enum { IMAGE_AT = 0x7c00, IMAGE_MAX = 0x10000, SLICES = 0x60000, WORK = 0x200000, COUNTER = 0x201000, TABLES = 0x30000 };
enum { LOOP = WORK + 0x25, STORE = LOOP + 6, LOOP_END = LOOP + 13, UNDEFINED = IMAGE_AT + 0x400, INTERRUPT = 0x1000, VECTOR = 32 };

static uint8_t image[IMAGE_MAX];
static size_t image_bytes;

// What it was started from has changed since: descriptors that were loaded.
static void start(void *opaque, uint32_t slices)
{
    struct x86_machine *m = opaque;
    memcpy(test_machine_ram(&m->base, IMAGE_AT), image, image_bytes);
    test_machine_wrote(&m->base, IMAGE_AT, image_bytes);
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    memcpy(test_machine_ram(&m->base, SLICES), &slices, sizeof(slices));
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, IMAGE_AT);
    vcpu->halted = false;
    vcpu->stop = (struct vcpu_stop){0};
    m->ended = m->shut_down = false;
    m->status = -1;
}

static bool has_ended(void *opaque)
{
    const struct x86_machine *m = opaque;
    return m->ended || m->shut_down;
}

static bool has_passed(void *opaque)
{
    const struct x86_machine *m = opaque;
    if (m->status)
        printf("%s %d\n", m->shut_down ? "shut down" : "check", m->status);
    return !m->status;
}

static void interrupt(void *opaque, bool on)
{
    struct x86_machine *m = opaque;
    m->cpu->eflags |= FLAG_IF;
    m->vector = VECTOR;
    m->asked = on;
    vcpu_irq_set(&m->cpu->tcg.vcpu, X86_CPU_INTR, on);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: stops ACCEL IMAGE SLICES [MAX_INSNS]\n");
        return 2;
    }
    struct x86_machine *m = x86_machine_create(argv[1], "max", argc > 4 ? (unsigned)atoi(argv[4]) : 0);
    FILE *file = fopen(argv[2], "rb");
    if (!file || !(image_bytes = fread(image, 1, sizeof(image), file))) {
        perror(argv[2]);
        return 2;
    }
    fclose(file);
    struct stop_guest guest = {
        .machine = &m->base, .vcpu = &m->cpu->tcg.vcpu, .opaque = m, .start = start, .has_ended = has_ended,
        .has_passed = has_passed, .interrupt = interrupt, .loop = LOOP, .store = STORE, .loop_end = LOOP_END, .data = COUNTER,
        .data_length = 8, .process = "rbx", .system_call = "#UD", .handler = UNDEFINED, .interrupt_handler = INTERRUPT, .user = 3,
        .watch_after = true, .spaces = {TABLES + 0x10000, TABLES + 0x20000},
    };
    int status = !stop_cases_run(&guest, (uint32_t)atoi(argv[3]));
    x86_machine_destroy(m);
    return status;
}
