// SPDX-License-Identifier: MIT
// compare-engines IMAGE...: runs each program (programs/check.inc) under KVM, the translator, its regions and the interpreter, all
// with the features that KVM's processor has, and compares what they leave: every register, and all memory.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "x86-machine.h"

enum { IMAGE_AT = 0x7c00, IMAGE_MAX = 0x80000, LOW_BYTES = 2 << 20, VALUES_MAX = 256 };
// Where programs have their tables of pages (programs/long-mode.inc). Processors may note accesses before they make them.
enum { TABLES = 0x20000, TABLES_END = 0x30000, NOTED = 0x60 };

// Where an x87 instruction was, which AMD's processors keep of those alone that had an exception.
enum { LAST_INSTRUCTION = 6, LAST_INSTRUCTION_END = 24 };

struct value {
    char name[24];
    uint64_t value;
};

struct outcome {
    struct value values[VALUES_MAX];
    unsigned count;
    int status;
    uint8_t *memory;
};

static void add(struct outcome *o, const char *name, unsigned number, uint64_t value)
{
    struct value *v = &o->values[o->count++];
    snprintf(v->name, sizeof(v->name), name, number);
    v->value = value;
}

static void add_bytes(struct outcome *o, const char *name, const void *bytes, unsigned count)
{
    uint64_t word;
    for (unsigned i = 0; i < count / 8; i++) {
        memcpy(&word, (const uint8_t *)bytes + i * 8, 8);
        add(o, name, i, word);
    }
}

static void add_segment(struct outcome *o, unsigned number, const struct x86_segment *s)
{
    add(o, "segment %u selector", number, s->selector);
    add(o, "segment %u base", number, s->base);
    add(o, "segment %u limit", number, s->limit);
    add(o, "segment %u attributes", number, s->attr);
}

static void collect(struct outcome *o, struct x86_cpu *cpu)
{
    uint8_t image[FX_BYTES] = {0};
    const uint64_t *field;
    uint32_t msr;
    for (unsigned n = 0; n < 16; n++)
        add(o, "register %u", n, cpu->gpr[n]);
    add(o, "RIP", 0, x86_rip(cpu));
    add(o, "flags", 0, x86_eflags_get(cpu));
    for (unsigned n = 0; n < X86_SEGS; n++)
        add_segment(o, n, &cpu->segs[n]);
    add_segment(o, 6, &cpu->tr);
    add(o, "GDT base", 0, cpu->gdtr.base);
    add(o, "IDT base", 0, cpu->idtr.base);
    const uint64_t system[] = {cpu->cr0, cpu->cr2, cpu->cr3, cpu->cr4, cpu->cr8, cpu->efer};
    add_bytes(o, "system register %u", system, sizeof(system));
    add_bytes(o, "debug register %u", cpu->dr, sizeof(cpu->dr));
    x86_fx_put_x87(cpu, image, true);
    memset(image + LAST_INSTRUCTION, 0, LAST_INSTRUCTION_END - LAST_INSTRUCTION);
    add_bytes(o, "x87 word %u", image, FX_XMM);
    add(o, "MXCSR", 0, x86_mxcsr_saved(cpu));
    add_bytes(o, "XMM half %u", cpu->xmm, sizeof(cpu->xmm));
    for (unsigned i = 0; (field = x86_msr_field(cpu, i, &msr)) && o->count < VALUES_MAX; i++)
        add(o, "MSR 0x%x", msr, *field);
}

static bool load(struct x86_machine *m, const char *path)
{
    FILE *image = fopen(path, "rb");
    bool good = image && fread(test_machine_ram(&m->base, IMAGE_AT), 1, IMAGE_MAX, image);
    if (!good)
        perror(path);
    if (image)
        fclose(image);
    return good;
}

// `features`: those of KVM's processor, which the first run is to fill in.
static bool run(const char *accel, const char *path, uint32_t *features, bool first, struct outcome *o)
{
    struct x86_machine *m = x86_machine_create(accel, "max", 0);
    struct x86_cpu *cpu = m->cpu;
    struct vcpu *vcpu = &cpu->tcg.vcpu;
    memcpy(first ? features : cpu->features, first ? cpu->features : features, sizeof(cpu->features));
    bool good = load(m, path);
    if (good) {
        vcpu->ops->start_at(vcpu, 0, 0);
        vcpu->ops->set_pc(vcpu, IMAGE_AT);
        x86_machine_run(m);
        o->status = m->status;
        o->memory = alloc_zeroed(1, LOW_BYTES);
        memcpy(o->memory, test_machine_ram(&m->base, 0), LOW_BYTES);
        collect(o, cpu);
    }
    x86_machine_destroy(m);
    return good;
}

static unsigned compare(const char *accel, const struct outcome *o, const struct outcome *kvm)
{
    unsigned bad = o->status != kvm->status;
    if (bad)
        printf("%s: status %d, KVM %d\n", accel, o->status, kvm->status);
    for (unsigned i = 0; i < o->count; i++)
        if (o->values[i].value != kvm->values[i].value && ++bad < 20)
            printf("%s: %s: %" PRIx64 ", KVM %" PRIx64 "\n", accel, o->values[i].name, o->values[i].value, kvm->values[i].value);
    for (unsigned at = 0; at < LOW_BYTES; at++) {
        bool noted = at >= TABLES && at < TABLES_END && at % 8 == 0;
        if (((o->memory[at] ^ kvm->memory[at]) & ~(noted ? NOTED : 0)) && ++bad < 20)
            printf("%s: memory at 0x%x: %02x, KVM %02x\n", accel, at, o->memory[at], kvm->memory[at]);
    }
    return bad;
}

static bool check(const char *path)
{
    static const char *const engines[] = {"tcg", "regions", "interp"};
    uint32_t features[X86_FEATURE_WORDS];
    struct outcome kvm = {0};
    unsigned bad = 0;
    if (!run("kvm", path, features, true, &kvm))
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
        struct outcome other = {0};
        bad += !run(engines[i], path, features, false, &other) || compare(engines[i], &other, &kvm);
        free(other.memory);
    }
    printf("%s: status %d under KVM, %u values and %d bytes compared, %s\n", path, kvm.status, kvm.count, LOW_BYTES,
           bad ? "not the same" : "the same");
    free(kvm.memory);
    return !bad && kvm.status == 0;
}

int main(int argc, char **argv)
{
    bool good = argc > 1;
    if (!test_machine_host_has_kvm())
        return 77;
    for (int i = 1; i < argc; i++)
        good &= check(argv[i]);
    return !good;
}
