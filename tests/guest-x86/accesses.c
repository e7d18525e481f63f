// SPDX-License-Identifier: MIT
#include "accesses.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_AT = 0x7c00, IMAGE_MAX = 0x1000, LIST = 0x20000, LIST_MAX = 4096 }; // as in the program

struct x86_machine *accesses_begin(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ACCEL IMAGE\n", argv[0]);
        exit(2);
    }
    if (!strcmp(argv[1], "kvm") && !test_machine_host_has_kvm()) {
        perror("no KVM: /dev/kvm");
        exit(77);
    }
    struct x86_machine *m = x86_machine_create(argv[1], "max", 0);
    FILE *image = fopen(argv[2], "rb");
    expect(image && fread(test_machine_ram(&m->base, IMAGE_AT), 1, IMAGE_MAX, image), "no %s", argv[2]);
    fclose(image);
    return m;
}

void accesses_make(struct x86_machine *m, struct access *list, unsigned count)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    struct access *there = test_machine_ram(&m->base, LIST);
    expect(count < LIST_MAX, "%u accesses at a time", count);
    memcpy(there, list, count * sizeof(*list));
    there[count] = (struct access){0};
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, IMAGE_AT);
    expect(x86_machine_run(m) && !m->status, "the accesses do not end");
    memcpy(list, there, count * sizeof(*list));
}

uint32_t access_make(struct x86_machine *m, uint32_t what, uint32_t address, uint32_t value)
{
    struct access access = {what, address, value, 1};
    accesses_make(m, &access, 1);
    return access.value;
}

void expect(bool is, const char *format, ...)
{
    if (is)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}
