// SPDX-License-Identifier: MIT
// The host device of PC machines: a root bus, the configuration ports, and where its interrupts go.
#include "hw/pci/pc-bridge-internal.h"

#include "hw/core/machine.h"

const struct state_field pc_host_state[] = {
    STATE_STRUCT_FIELD(pc_host, ports, pci_config_ports_state),
    STATE_END,
};

static void set_irq(void *opaque, unsigned input, bool level)
{
    const struct pc_host *host = opaque;
    irq_set(&host->config.pirqs[input], level);
}

static void pass_message(void *opaque, const struct message *message)
{
    const struct pc_host *host = opaque;
    if (host->config.message)
        host->config.message(host->config.message_opaque, message);
}

int pc_host_realize(struct device *device, struct error *error)
{
    struct pc_host *host = (struct pc_host *)device;
    host->ops = (struct pci_root_ops){host->map_irq, set_irq, pass_message};
    pci_bus_init(&host->bus, device->machine, host->config.bus_name, host->express, device->machine->map,
                 host->config.io, &host->ops, host);
    int result = pci_config_ports_map(&host->ports, &host->bus, error);
    if (result)
        pci_bus_release(&host->bus);
    return result;
}

void pc_host_unrealize(struct device *device)
{
    struct pc_host *host = (struct pc_host *)device;
    pci_config_ports_unmap(&host->ports);
    pci_bus_release(&host->bus);
}

void pc_host_reset(struct device *device)
{
    pci_config_ports_reset(&((struct pc_host *)device)->ports);
}

void pc_host_print_irq(struct device *device, FILE *out)
{
    pci_print_irq(&((struct pc_host *)device)->bus, out);
}

struct pc_host *pc_host_of(const struct pci_device *function)
{
    return function->bus->ops_opaque;
}

void pc_bridge_init_pam(struct pci_device *pci, struct pam *pam, unsigned pam0, unsigned smram)
{
    for (unsigned i = 0; i < PAM_REGISTERS; i++)
        pci_define(pci, pam0 + i, 1, 0, i ? 0x33 : 0x30);
    pci_define(pci, smram, 1, SMRAM_C_BASE_SEG, 0);
    pam_init(pam, pci->device.machine->map, &pc_host_of(pci)->config);
}

static void lock_smram(struct pci_device *pci, unsigned offset)
{
    uint8_t smram = (uint8_t)pci_get(pci, offset, 1);
    bool locked = smram & SMRAM_D_LCK;
    if (locked)
        pci_put(pci, offset, 1, smram & ~(unsigned)SMRAM_D_OPEN);
    pci->writable[offset] = locked ? SMRAM_D_CLS : SMRAM_D_CLS | SMRAM_D_OPEN | SMRAM_D_LCK | SMRAM_G_SMRAME;
}

void pc_bridge_update_pam(struct pci_device *pci, struct pam *pam, unsigned pam0, unsigned smram, bool high)
{
    lock_smram(pci, smram);
    pam_update(pam, pci->config + pam0);
    pam_update_smram(pam, pci->config[smram], high);
}

int pc_bridge_create(struct machine *machine, const struct device_type *host_type,
                     const struct device_type *function_type, const struct pc_bridge_config *config,
                     struct pci_bus **bus, struct error *error)
{
    struct pc_host *host = (struct pc_host *)device_create(machine, host_type, NULL);
    host->config = *config;
    int result = device_realize(&host->device, error);
    if (result) {
        device_destroy(&host->device);
        return result;
    }
    *bus = &host->bus;
    return pci_host_add_function(*bus, function_type, error);
}
