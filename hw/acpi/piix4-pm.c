// SPDX-License-Identifier: MIT
// PIIX4 power management function.
#include "hw/acpi/piix4-pm.h"

#include "hw/acpi/apm.h"
#include "hw/acpi/pm.h"
#include "hw/core/machine.h"
#include "hw/pci/pci.h"
#include "tcg/base/bits.h"

enum piix4_register {
    PMBA = 0x40,
    DEVACTB = 0x58,
    PMREGMISC = 0x80,
    SMBBA = 0x90,
    SMBHSTCFG = 0xd2,
};

enum {
    APMC_EN = 1 << 25, // of DEVACTB: writes to the APM control port raise SMI
    PM_PORTS = 64,
    SMB_PORTS = 64,
};

// SMBus host registers.
enum { SMB_STATUS = 0, SMB_CONTROL = 2, SMB_START = 1 << 6, SMB_DEVICE_ERROR = 1 << 2, SMB_REGISTERS = 8 };

struct piix4_pm {
    struct pci_device pci;
    struct piix4_pm_wiring wiring;
    struct acpi_pm pm;
    struct apm_ports apm;
    struct mem_window pm_ports, smb_ports, gpe_ports;

    uint8_t smb[SMB_REGISTERS];
};

static uint64_t pm_read(void *opaque, struct mmio_access access)
{
    struct piix4_pm *self = opaque;
    return acpi_pm_read(&self->pm, (unsigned)access.offset, access.size);
}

static void pm_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct piix4_pm *self = opaque;
    acpi_pm_write(&self->pm, (unsigned)access.offset, access.size, (uint32_t)value);
}

static uint64_t gpe_read(void *opaque, struct mmio_access access)
{
    return acpi_gpe_read(&((struct piix4_pm *)opaque)->pm, (unsigned)access.offset);
}

static void gpe_write(void *opaque, struct mmio_access access, uint64_t value)
{
    acpi_gpe_write(&((struct piix4_pm *)opaque)->pm, (unsigned)access.offset, (uint8_t)value);
}

static uint64_t smb_read(void *opaque, struct mmio_access access)
{
    const struct piix4_pm *self = opaque;
    return access.offset < SMB_REGISTERS ? self->smb[access.offset] : 0;
}

static void smb_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct piix4_pm *self = opaque;
    if (access.offset >= SMB_REGISTERS)
        return;
    if (access.offset == SMB_STATUS) {
        self->smb[SMB_STATUS] &= (uint8_t)~value;
        return;
    }
    self->smb[access.offset] = (uint8_t)value;
    if (access.offset == SMB_CONTROL && (value & SMB_START)) {
        self->smb[SMB_CONTROL] &= (uint8_t)~SMB_START;
        self->smb[SMB_STATUS] = SMB_DEVICE_ERROR; // nobody acknowledges the address
    }
}

static const struct mmio_ops pm_ops = {pm_read, pm_write, 1, 4, false};
static const struct mmio_ops gpe_ops = {gpe_read, gpe_write, 1, 1, false};
static const struct mmio_ops smb_ops = {smb_read, smb_write, 1, 1, false};

static void apm_written(void *opaque, uint8_t value)
{
    struct piix4_pm *self = opaque;
    if (value == PIIX4_ACPI_ENABLE || value == PIIX4_ACPI_DISABLE)
        acpi_pm_set_mode(&self->pm, value == PIIX4_ACPI_ENABLE);
    else if (pci_get(&self->pci, DEVACTB, 4) & APMC_EN)
        irq_set(&self->wiring.smi, true);
}

static void update_ports(struct piix4_pm *self)
{
    const struct pci_device *pci = &self->pci;
    uint32_t pm = pci_get(pci, PMBA, 4) & 0xffc0, smb = pci_get(pci, SMBBA, 4) & 0xffc0;
    mem_window_show(&self->pm_ports, (pci_get(pci, PMREGMISC, 1) & 1) && pm, pm);
    mem_window_show(&self->smb_ports, (pci_get(pci, SMBHSTCFG, 1) & 1) && smb, smb);
}

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset >= PCI_CONFIG_HEADER_END)
        update_ports((struct piix4_pm *)device);
}

static const struct pci_class piix4_pm_class = {
    .vendor_id = 0x8086,
    .device_id = 0x7113,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .revision = 3,
    .class_code = 0x068000,
    .interrupt_pin = 1,
    .config_written = config_written,
};

void piix4_pm_wire(struct device *device, const struct piix4_pm_wiring *wiring)
{
    ((struct piix4_pm *)device)->wiring = *wiring;
}

void piix4_pm_power_button(struct device *device)
{
    acpi_pm_raise(&((struct piix4_pm *)device)->pm, ACPI_PWRBTN);
}

static struct mem_window ports(struct piix4_pm *self, const char *name, unsigned size,
                               const struct mmio_ops *ops)
{
    struct mem_region_desc desc = {.name = name, .size = size, .kind = MEM_MMIO, .ops = ops, .opaque = self};
    return (struct mem_window){self->pci.bus->io, desc, NULL};
}

static int piix4_pm_realize(struct device *device, struct error *error)
{
    struct piix4_pm *self = (struct piix4_pm *)device;
    struct pci_device *pci = &self->pci;
    int result = pci_realize(pci, &piix4_pm_class, error);
    if (result)
        return result;
    pci_define(pci, PCI_COMMAND, 2, 0, 0);
    pci_define(pci, PCI_STATUS, 2, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM, 0);
    pci_define(pci, PMBA, 4, 1, 0xffc0);
    // Firmware sets system management mode up unless it finds this bit set.
    pci_define(pci, DEVACTB, 4, self->wiring.smi.handler ? 0 : APMC_EN, UINT32_MAX);
    pci_define(pci, 0x5c, 4, 0x10000000, UINT32_MAX);
    pci_define(pci, 0x60, 4, 0x60000000, UINT32_MAX); // serial ports are decoded
    pci_define(pci, PMREGMISC, 1, 0, 1);
    pci_define(pci, SMBBA, 4, 0xb101, 0xffc0);
    pci_define(pci, SMBHSTCFG, 1, 0x09, 0x0f);
    acpi_pm_init(&self->pm, device->machine, PIIX4_GPE_BYTES / 2);
    self->pm.sci = self->wiring.sci;
    self->pm_ports = ports(self, "piix4-pm", PM_PORTS, &pm_ops);
    self->smb_ports = ports(self, "piix4-smbus", SMB_PORTS, &smb_ops);
    self->gpe_ports = ports(self, "piix4-gpe", PIIX4_GPE_BYTES, &gpe_ops);
    mem_window_show(&self->gpe_ports, true, PIIX4_GPE_PORT);
    apm_map(&self->apm, pci->bus->io, apm_written, self);
    return 0;
}

static void piix4_pm_unrealize(struct device *device)
{
    struct piix4_pm *self = (struct piix4_pm *)device;
    mem_window_hide(&self->pm_ports);
    mem_window_hide(&self->smb_ports);
    mem_window_hide(&self->gpe_ports);
    mem_window_hide(&self->apm.window);
    acpi_pm_release(&self->pm);
    pci_unrealize(&self->pci);
}

static void piix4_pm_reset(struct device *device)
{
    struct piix4_pm *self = (struct piix4_pm *)device;
    pci_reset(&self->pci);
    acpi_pm_reset(&self->pm);
    self->apm.control = self->apm.status = 0;
    for (unsigned i = 0; i < SMB_REGISTERS; i++)
        self->smb[i] = 0;
    update_ports(self);
}

static void piix4_pm_state_loaded(struct device *device)
{
    struct piix4_pm *self = (struct piix4_pm *)device;
    pci_state_loaded(&self->pci);
    update_ports(self);
    acpi_pm_update(&self->pm);
}

static const struct property piix4_pm_properties[] = {
    PCI_PROPERTIES(piix4_pm, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field piix4_pm_state[] = {
    STATE_STRUCT_FIELD(piix4_pm, pci, pci_state),
    STATE_STRUCT_FIELD(piix4_pm, pm, acpi_pm_state),
    STATE_STRUCT_FIELD(piix4_pm, apm, apm_state),
    STATE_ARRAY(piix4_pm, U8, smb),
    STATE_END,
};

const struct device_type piix4_pm_type = {
    .name = "PIIX4_PM",
    .help = "power management of the PIIX4",
    .bus = "PCI",
    .instance_size = sizeof(struct piix4_pm),
    .properties = piix4_pm_properties,
    .state = piix4_pm_state,
    .realize = piix4_pm_realize,
    .unrealize = piix4_pm_unrealize,
    .reset = piix4_pm_reset,
    .state_loaded = piix4_pm_state_loaded,
};
