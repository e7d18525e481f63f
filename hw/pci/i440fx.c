// SPDX-License-Identifier: MIT
// The i440FX. DRAM row boundaries, error reporting and the AGP-less rest are registers without effect.
#include "hw/pci/pc-bridge-internal.h"

#include "hw/core/machine.h"

enum { PAM0 = 0x59, SMRAM = 0x72 };

struct i440fx {
    struct pci_device pci;
    struct pam pam;
};

// Slot 1 has INTA# on PIRQA, the next one on PIRQB, and so on.
static unsigned map_irq(void *opaque, uint8_t devfn, unsigned pin)
{
    (void)opaque;
    return ((devfn >> 3) + 3u + pin) % 4;
}

static void host_init(struct device *device)
{
    ((struct pc_host *)device)->map_irq = map_irq;
}

const struct device_type i440fx_host_type = {
    .name = "i440FX-pcihost",
    .help = "PCI host bridge of the i440FX",
    .instance_size = sizeof(struct pc_host),
    .state = pc_host_state,
    .init = host_init,
    .realize = pc_host_realize,
    .unrealize = pc_host_unrealize,
    .reset = pc_host_reset,
    .print_irq = pc_host_print_irq,
};

static void update(struct i440fx *self)
{
    pc_bridge_update_pam(&self->pci, &self->pam, PAM0, SMRAM, false);
}

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset >= PCI_CONFIG_HEADER_END)
        update((struct i440fx *)device);
}

static const struct pci_class i440fx_class = {
    .vendor_id = 0x8086,
    .device_id = 0x1237,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .revision = 2,
    .class_code = 0x060000,
    .config_written = config_written,
};

static int i440fx_realize(struct device *device, struct error *error)
{
    struct i440fx *self = (struct i440fx *)device;
    int result = pci_realize(&self->pci, &i440fx_class, error);
    if (result)
        return result;
    // Before PAM and up to SMRAM: DRAM control and row boundaries, which firmware writes.
    for (unsigned offset = 0x50; offset < 0x78; offset++)
        pci_define(&self->pci, offset, 1, 0, 0xff);
    pc_bridge_init_pam(&self->pci, &self->pam, PAM0, SMRAM);
    return 0;
}

static void i440fx_unrealize(struct device *device)
{
    struct i440fx *self = (struct i440fx *)device;
    pam_release(&self->pam);
    pci_unrealize(&self->pci);
}

static void i440fx_reset(struct device *device)
{
    struct i440fx *self = (struct i440fx *)device;
    pci_reset(&self->pci);
    update(self);
}

static void i440fx_state_loaded(struct device *device)
{
    struct i440fx *self = (struct i440fx *)device;
    pci_state_loaded(&self->pci);
    update(self);
}

static const struct property i440fx_properties[] = {
    PCI_PROPERTIES(i440fx, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type i440fx_type = {
    .name = "i440FX",
    .help = "memory controller of the i440FX",
    .bus = "PCI",
    .instance_size = sizeof(struct i440fx),
    .properties = i440fx_properties,
    .state = pci_state,
    .realize = i440fx_realize,
    .unrealize = i440fx_unrealize,
    .reset = i440fx_reset,
    .state_loaded = i440fx_state_loaded,
};

int i440fx_create(struct machine *machine, const struct pc_bridge_config *config, struct pci_bus **bus,
                  struct error *error)
{
    return pc_bridge_create(machine, &i440fx_host_type, &i440fx_type, config, bus, error);
}
