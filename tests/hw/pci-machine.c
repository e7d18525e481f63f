// SPDX-License-Identifier: MIT
#include "pci-machine.h"

#include <criterion/criterion.h>

static unsigned map_irq(void *opaque, uint8_t devfn, unsigned pin)
{
    (void)opaque;
    return ((devfn >> 3) + pin) % PCI_PINS;
}

static void set_irq(void *opaque, unsigned input, bool level)
{
    ((struct pci_machine *)opaque)->levels[input] = level;
}

static void take_message(void *opaque, const struct message *message)
{
    struct pci_machine *pci = opaque;
    pci->messages++;
    pci->message = *message;
}

static const struct pci_root_ops root_ops = {map_irq, set_irq, take_message};

void pci_machine_create(struct pci_machine *pci, bool express)
{
    struct error error = {""};
    *pci = (struct pci_machine){.machine = bare_machine_create()};
    pci->io = machine_add_map(pci->machine, NULL);
    pci_bus_init(&pci->bus, pci->machine, "pci.0", express, pci->machine->map, pci->io, &root_ops, pci);
    cr_assert_eq(pci_config_ports_map(&pci->ports, &pci->bus, &error), 0, "%s", error.text);
}

void pci_machine_destroy(struct pci_machine *pci)
{
    bare_machine_destroy(pci->machine);
    free(pci->bus.bus.name);
}

uint64_t port_read(struct memory_map *io, uint16_t port, unsigned size)
{
    uint64_t value;
    cr_assert_eq(memory_map_read(io, (struct mem_requester){0}, port, size, &value), MEM_OK, "port 0x%x",
                 port);
    return value;
}

void port_write(struct memory_map *io, uint16_t port, unsigned size, uint64_t value)
{
    cr_assert_eq(memory_map_write(io, (struct mem_requester){0}, port, size, value), MEM_OK, "port 0x%x",
                 port);
}

static void select_register(struct memory_map *io, uint8_t devfn, unsigned offset)
{
    port_write(io, 0xcf8, 4, UINT32_C(1) << 31 | (uint32_t)devfn << 8 | (offset & 0xfc));
}

uint32_t config_get(struct memory_map *io, uint8_t devfn, unsigned offset, unsigned size)
{
    select_register(io, devfn, offset);
    return (uint32_t)port_read(io, (uint16_t)(0xcfc + (offset & 3)), size);
}

void config_set(struct memory_map *io, uint8_t devfn, unsigned offset, unsigned size, uint32_t value)
{
    select_register(io, devfn, offset);
    port_write(io, (uint16_t)(0xcfc + (offset & 3)), size, value);
}

unsigned config_capability(struct memory_map *io, uint8_t devfn, unsigned id, unsigned after)
{
    if (!after && !(config_get(io, devfn, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
        return 0;
    unsigned at = config_get(io, devfn, after ? after + 1 : PCI_CAPABILITY_LIST, 1);
    for (int i = 0; at && i < 48; i++) {
        if (config_get(io, devfn, at, 1) == id)
            return at;
        at = config_get(io, devfn, at + 1, 1);
    }
    return 0;
}
