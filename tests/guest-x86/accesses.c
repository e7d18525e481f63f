// SPDX-License-Identifier: MIT
#include "accesses.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/pci/pci-host.h"

enum { IMAGE_MAX = 0x1000, LIST = 0x20000, LIST_MAX = 4096 }; // as in the program

struct x86_machine *accesses_begin(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ACCEL IMAGE\n", argv[0]);
        exit(2);
    }
    if (!strcmp(argv[1], "kvm") && !test_machine_host_has_kvm())
        exit(77);
    struct x86_machine *m = x86_machine_create(argv[1], "max", 0);
    FILE *image = fopen(argv[2], "rb");
    expect(image && fread(test_machine_ram(&m->base, ACCESSES_AT), 1, IMAGE_MAX, image), "no %s", argv[2]);
    fclose(image);
    return m;
}

void accesses_put(struct x86_machine *m, const struct access *list, unsigned count)
{
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    struct access *there = test_machine_ram(&m->base, LIST);
    expect(count < LIST_MAX, "%u accesses at a time", count);
    memcpy(there, list, count * sizeof(*list));
    there[count] = (struct access){0};
    vcpu->ops->reset(vcpu);
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, ACCESSES_AT);
}

void accesses_make(struct x86_machine *m, struct access *list, unsigned count)
{
    accesses_put(m, list, count);
    expect(x86_machine_run(m) && !m->status, "the accesses do not end");
    memcpy(list, test_machine_ram(&m->base, LIST), count * sizeof(*list));
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

void accesses_loop(struct x86_machine *m)
{
    for (unsigned i = 0; i < 3; i++)
        io_loop_iterate(m->base.machine->loop, 0);
}

static unsigned map_irq(void *opaque, uint8_t devfn, unsigned pin)
{
    (void)opaque;
    return (devfn + pin) % PCI_PINS;
}

static void set_irq(void *opaque, unsigned input, bool level)
{
    (void)opaque;
    (void)input;
    (void)level;
}

static const struct pci_root_ops root_ops = {map_irq, set_irq, NULL};

void accesses_add_pci(struct x86_machine *m)
{
    static struct pci_bus bus;
    static struct pci_config_ports ports;
    struct error error = {""};
    pci_bus_init(&bus, m->base.machine, "pci.0", false, m->base.machine->map, m->io, &root_ops, NULL);
    expect(!pci_config_ports_map(&ports, &bus, &error), "%s", error.text);
}

void access_config(struct x86_machine *m, unsigned offset, uint32_t value)
{
    struct access write[] = {{OUT | 4, 0xcf8, 0x80000000 | offset, 1}, {OUT | 4, 0xcfc, value, 1}};
    accesses_make(m, write, 2);
}

void accesses_realize(struct x86_machine *m, struct device *device)
{
    struct error error = {""};
    device_lock_acquire(&m->base.machine->lock);
    expect(!device_realize(device, &error), "%s", error.text);
    device_reset(device);
    device_lock_release(&m->base.machine->lock);
}

void accesses_add_device(struct x86_machine *m, const struct device_type *type)
{
    accesses_realize(m, device_create(m->base.machine, type, NULL));
}

unsigned long long accesses_counted(struct x86_machine *m, const char *words)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    m->base.accel->ops->print_info(m->base.accel, "kvm", &m->cpu->tcg.vcpu, out);
    fclose(out);
    const char *at = m->base.machine->kvm ? strstr(text, words) : NULL;
    expect(at || !m->base.machine->kvm, "nothing is told of '%s'", words);
    at = at && at > text ? at - 1 : at; // the space
    while (at && at > text && at[-1] >= '0' && at[-1] <= '9')
        at--;
    unsigned long long value = at ? strtoull(at, NULL, 10) : 0;
    free(text);
    return value;
}
