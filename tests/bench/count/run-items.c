// SPDX-License-Identifier: MIT
// run-items GUEST IMAGE ACCEL [ITEM...]: runs the items of items.c in a bare guest (arm64, amd64 or 686) and prints the name
// of each, the instructions of all that was translated for it, and the bytes of host code made of them. It runs some times
// first, after which nothing becomes hot any more; then not at all, which is what entering the guest takes; then once. Calls
// of count_mark stand around these three, so that who counts instructions (tests/bench/instructions) tells them apart. ACCEL
// is as test_machine_create takes it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "items.h"
#include "tcg/exec/private.h"
#include "tests/guest-arm/arm-machine.h"
#include "tests/guest-x86/x86-machine.h"

enum { IMAGE_MAX = 96 << 10 };

struct guest {
    const char *name, *model;
    uint64_t image_at, mailbox_at;
};

static const struct guest guests[] = {
    {"arm64", "max", ARM64_IMAGE, ARM64_MAILBOX},
    {"amd64", "max", X86_IMAGE, X86_MAILBOX},
    {"686", "qemu32", X86_IMAGE, X86_MAILBOX},
};

struct run {
    const struct guest *guest;
    struct arm_machine *arm;
    struct x86_machine *x86;
    struct test_machine *base;
    struct mailbox *mailbox;
};

void count_mark(void);

__attribute__((noinline)) void count_mark(void)
{
    __asm__ volatile("");
}

static bool enter(struct run *r)
{
    if (r->arm)
        return arm_machine_run(r->arm, r->guest->image_at);
    struct vcpu *vcpu = &r->x86->cpu->tcg.vcpu;
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, r->guest->image_at);
    return x86_machine_run(r->x86) && !r->x86->status;
}

static void create(struct run *r, const char *accel)
{
    if (!strcmp(r->guest->name, "arm64")) {
        r->arm = arm_machine_create(accel, r->guest->model, 0);
        r->arm->kernel_like = true;
        r->base = &r->arm->base;
    } else {
        r->x86 = x86_machine_create(accel, r->guest->model, 0);
        r->base = &r->x86->base;
    }
    r->mailbox = test_machine_ram(r->base, r->guest->mailbox_at);
}

static void destroy(struct run *r)
{
    if (r->arm)
        arm_machine_destroy(r->arm);
    else
        x86_machine_destroy(r->x86);
}

static struct tcg_cpu *cpu_of(struct run *r)
{
    return r->arm ? &r->arm->cpu->tcg : &r->x86->cpu->tcg;
}

// How often all code may run before it is hot.
static void set_heat(struct run *r, uint32_t entries)
{
    struct tcg_cpu *cpu = cpu_of(r);
    for (size_t i = 0; i < sizeof(cpu->heat) / sizeof(*cpu->heat); i++)
        cpu->heat[i] = entries;
}

static bool load(struct run *r, const char *path)
{
    FILE *image = fopen(path, "rb");
    bool read = image && fread(test_machine_ram(r->base, r->guest->image_at), 1, IMAGE_MAX, image);
    if (!read)
        perror(path);
    if (image)
        fclose(image);
    return read;
}

static bool wanted(const char *name, char **names)
{
    for (unsigned i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return true;
    return !names[0];
}

// Runs it `repeats` times; false when it does not end, or computes something else. An item that nobody wants is not run,
// but named.
static bool run_item(struct run *r, uint32_t item, uint32_t repeats)
{
    *r->mailbox = (struct mailbox){.item = item, .repeats = repeats};
    if (!enter(r)) {
        printf("%.16s: does not end\n", r->mailbox->name);
        return false;
    }
    bool right = !repeats || r->mailbox->sum == r->mailbox->expected;
    if (!right)
        printf("%.16s: computes 0x%x, not 0x%x\n", r->mailbox->name, r->mailbox->sum, r->mailbox->expected);
    return right;
}

int main(int argc, char **argv)
{
    enum { WARM_UP = 4 };
    struct run run = {0};
    for (unsigned i = 0; argc >= 4 && i < sizeof(guests) / sizeof(*guests); i++)
        if (!strcmp(guests[i].name, argv[1]))
            run.guest = &guests[i];
    if (!run.guest) {
        fprintf(stderr, "usage: run-items arm64|amd64|686 IMAGE ACCEL [ITEM...]\n");
        return 2;
    }
    create(&run, argv[3]);
    if (!load(&run, argv[2]))
        return 2;
    bool good = true;
    for (uint32_t item = 0; run_item(&run, item, 0) && run.mailbox->name[0]; item++) {
        if (!wanted(run.mailbox->name, argv + 4))
            continue;
        const struct tcg_stats *stats = cpu_of(&run)->engine->stats;
        struct tcg_stats before[2] = {stats[0], stats[1]};
        set_heat(&run, TEST_MACHINE_TIERS_THRESHOLD);
        count_mark();
        good &= run_item(&run, item, WARM_UP);
        set_heat(&run, INT32_MAX);
        count_mark();
        run_item(&run, item, 0);
        count_mark();
        good &= run_item(&run, item, 1);
        count_mark();
        printf("%.16s %llu %llu\n", run.mailbox->name,
               (unsigned long long)(stats[0].insns - before[0].insns + stats[1].insns - before[1].insns),
               (unsigned long long)(stats[0].host_bytes - before[0].host_bytes + stats[1].host_bytes - before[1].host_bytes));
    }
    destroy(&run);
    return good ? 0 : 1;
}
