// SPDX-License-Identifier: MIT
// ICH9 LPC bridge.
#include "hw/acpi/ich9-lpc.h"

#include "hw/acpi/apm.h"
#include "hw/acpi/pm.h"
#include "hw/core/machine.h"
#include "hw/pci/pci.h"
#include "hw/pci/pirq.h"
#include "tcg/base/bits.h"

enum lpc_register {
    PMBASE = 0x40,
    ACPI_CNTL = 0x44,
    PIRQA_ROUT = 0x60,
    PIRQE_ROUT = 0x68,
    LPC_IO_DEC = 0x80,
    GEN_PMCON_1 = 0xa0,
    RCBA = 0xf0,
};

enum {
    ACPI_EN = 1 << 7,
    SMI_LOCK = 1 << 4, // of GEN_PMCON_1
    RCBA_BYTES = 16 << 10,
    PM_PORTS = 128,
    GPE_BYTES = 16,
};

// Ports from PMBASE on, after the fixed ones.
enum pm_port { GPE0_STS = 0x20, SMI_EN = 0x30, SMI_STS = 0x34 };

enum { GBL_SMI_EN = 1 << 0, APMC_EN = 1 << 5, APM_STS = 1 << 5 };

// Chip configuration: interrupt routes of devices 31 to 25, each pin to the PIRQ of its number, and of device
// 30, to PIRQE and up.
enum { D31IR = 0x3140, D30IR = 0x3142, D25IR = 0x3150, ROUTE_ABCD = 0x3210, ROUTE_EFGH = 0x7654 };

struct ich9_lpc {
    struct pci_device pci;
    struct ich9_lpc_wiring wiring;
    struct pirq_router router;
    struct acpi_pm pm;
    struct apm_ports apm;
    struct mem_window pm_ports, rcba;

    uint32_t smi_enable, smi_status;
};

static uint64_t pm_read(void *opaque, struct mmio_access access)
{
    struct ich9_lpc *self = opaque;
    unsigned offset = (unsigned)access.offset;
    if (offset >= GPE0_STS && offset + access.size <= GPE0_STS + GPE_BYTES) {
        uint32_t value = 0;
        for (unsigned i = 0; i < access.size; i++)
            value |= (uint32_t)acpi_gpe_read(&self->pm, offset - GPE0_STS + i) << (8 * i);
        return value;
    }
    if ((offset & ~3u) == SMI_EN)
        return self->smi_enable >> (8 * (offset & 3)) & mask64(access.size * 8);
    if ((offset & ~3u) == SMI_STS)
        return self->smi_status >> (8 * (offset & 3)) & mask64(access.size * 8);
    return acpi_pm_read(&self->pm, offset, access.size);
}

static void write_smi_enable(struct ich9_lpc *self, unsigned shift, unsigned bits, uint32_t value)
{
    uint32_t next = deposit32(self->smi_enable, shift, bits, value);
    if (pci_get(&self->pci, GEN_PMCON_1, 2) & SMI_LOCK)
        next |= self->smi_enable & GBL_SMI_EN;
    self->smi_enable = next;
}

static void pm_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct ich9_lpc *self = opaque;
    unsigned offset = (unsigned)access.offset, shift = 8 * (offset & 3);
    if (offset >= GPE0_STS && offset + access.size <= GPE0_STS + GPE_BYTES) {
        for (unsigned i = 0; i < access.size; i++)
            acpi_gpe_write(&self->pm, offset - GPE0_STS + i, (uint8_t)(value >> (8 * i)));
    } else if ((offset & ~3u) == SMI_EN) {
        write_smi_enable(self, shift, access.size * 8u, (uint32_t)value);
    } else if ((offset & ~3u) == SMI_STS) {
        self->smi_status &= ~((uint32_t)value << shift);
    } else {
        acpi_pm_write(&self->pm, offset, access.size, (uint32_t)value);
    }
}

static uint64_t rcba_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    uint64_t offset = access.offset & ~UINT64_C(1);
    if (offset < D31IR || offset > D25IR)
        return 0;
    uint64_t value = offset == D30IR ? ROUTE_EFGH : ROUTE_ABCD;
    return access.offset & 1 ? value >> 8 : value;
}

static void rcba_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)opaque;
    (void)access;
    (void)value;
}

static const struct mmio_ops pm_ops = {pm_read, pm_write, 1, 4, false};
static const struct mmio_ops rcba_ops = {rcba_read, rcba_write, 1, 2, false};

static void apm_written(void *opaque, uint8_t value)
{
    struct ich9_lpc *self = opaque;
    if (value == ICH9_ACPI_ENABLE || value == ICH9_ACPI_DISABLE)
        acpi_pm_set_mode(&self->pm, value == ICH9_ACPI_ENABLE);
    if (!(self->smi_enable & APMC_EN))
        return;
    self->smi_status |= APM_STS;
    irq_set(&self->wiring.smi, true);
}

static void update_pirqs(struct ich9_lpc *self)
{
    uint8_t routes[ICH9_PIRQS];
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        routes[i] = self->pci.config[i < 4 ? PIRQA_ROUT + i : PIRQE_ROUT + i - 4];
    pirq_update(&self->router, routes, ICH9_PIRQS);
}

static void set_pirq(void *opaque, unsigned input, bool level)
{
    struct ich9_lpc *self = opaque;
    uint8_t bit = (uint8_t)(1u << input);
    self->router.levels = (uint8_t)(level ? self->router.levels | bit : self->router.levels & ~bit);
    irq_set(&self->wiring.gsis[input], level);
    if (self->pci.bus)
        update_pirqs(self);
}

static void update(struct ich9_lpc *self)
{
    const struct pci_device *pci = &self->pci;
    uint32_t pm = pci_get(pci, PMBASE, 4) & 0xff80, rcba = pci_get(pci, RCBA, 4);
    mem_window_show(&self->pm_ports, (pci_get(pci, ACPI_CNTL, 1) & ACPI_EN) && pm, pm);
    mem_window_show(&self->rcba, rcba & 1, rcba & ~UINT32_C(0x3fff));
    // Locked until reset.
    self->pci.writable[GEN_PMCON_1] = pci->config[GEN_PMCON_1] & SMI_LOCK ? 0xff & ~SMI_LOCK : 0xff;
    update_pirqs(self);
}

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset >= PCI_CONFIG_HEADER_END)
        update((struct ich9_lpc *)device);
}

void ich9_lpc_wire(struct device *device, const struct ich9_lpc_wiring *wiring)
{
    struct ich9_lpc *self = (struct ich9_lpc *)device;
    self->wiring = *wiring;
    for (unsigned i = 0; i < ICH9_ISA_IRQS; i++)
        self->router.isa_irqs[i] = wiring->isa_irqs[i];
}

struct irq_line ich9_lpc_pirq(struct device *device, unsigned number)
{
    return (struct irq_line){set_pirq, device, number};
}

void ich9_lpc_power_button(struct device *device)
{
    acpi_pm_raise(&((struct ich9_lpc *)device)->pm, ACPI_PWRBTN);
}

static const struct pci_class ich9_lpc_class = {
    .vendor_id = 0x8086,
    .device_id = 0x2918,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .revision = 2,
    .class_code = 0x060100,
    .config_written = config_written,
};

static void define_registers(struct pci_device *pci)
{
    pci_define(pci, PMBASE, 4, 1, 0xff80);
    pci_define(pci, ACPI_CNTL, 1, 0, ACPI_EN | 7);
    for (unsigned i = 0; i < 4; i++) {
        pci_define(pci, PIRQA_ROUT + i, 1, PIRQ_DISABLED, 0x8f);
        pci_define(pci, PIRQE_ROUT + i, 1, PIRQ_DISABLED, 0x8f);
    }
    // I/O decoding, power management and firmware hub control, without effect here.
    for (unsigned offset = LPC_IO_DEC; offset < RCBA; offset++)
        pci_define(pci, offset, 1, 0, 0xff);
    pci_define(pci, RCBA, 4, 0, 0xffffc001);
}

static int ich9_lpc_realize(struct device *device, struct error *error)
{
    struct ich9_lpc *self = (struct ich9_lpc *)device;
    struct pci_device *pci = &self->pci;
    pci->multifunction = true;
    int result = pci_realize(pci, &ich9_lpc_class, error);
    if (result)
        return result;
    define_registers(pci);
    acpi_pm_init(&self->pm, device->machine, GPE_BYTES / 2);
    self->pm.sci = self->wiring.sci;
    struct mem_region_desc ports = {
        .name = "ich9-pm", .size = PM_PORTS, .kind = MEM_MMIO, .ops = &pm_ops, .opaque = self};
    struct mem_region_desc rcba = {.name = "ich9-rcba",
                                   .size = RCBA_BYTES,
                                   .kind = MEM_MMIO,
                                   .priority = PCI_BAR_PRIORITY + 1,
                                   .ops = &rcba_ops};
    self->pm_ports = (struct mem_window){pci->bus->io, ports, NULL};
    self->rcba = (struct mem_window){pci->bus->memory, rcba, NULL};
    apm_map(&self->apm, pci->bus->io, apm_written, self);
    return 0;
}

static void ich9_lpc_unrealize(struct device *device)
{
    struct ich9_lpc *self = (struct ich9_lpc *)device;
    mem_window_hide(&self->pm_ports);
    mem_window_hide(&self->rcba);
    mem_window_hide(&self->apm.window);
    acpi_pm_release(&self->pm);
    pci_unrealize(&self->pci);
}

static void ich9_lpc_reset(struct device *device)
{
    struct ich9_lpc *self = (struct ich9_lpc *)device;
    pci_reset(&self->pci);
    acpi_pm_reset(&self->pm);
    self->apm.control = self->apm.status = 0;
    // Firmware sets system management mode up unless it finds this bit set.
    self->smi_enable = self->wiring.smi.handler ? 0 : APMC_EN;
    self->smi_status = 0;
    update(self);
}

static void ich9_lpc_state_loaded(struct device *device)
{
    struct ich9_lpc *self = (struct ich9_lpc *)device;
    pci_state_loaded(&self->pci);
    update(self);
    acpi_pm_update(&self->pm);
}

static const struct property ich9_lpc_properties[] = {
    PCI_PROPERTIES(ich9_lpc, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field ich9_lpc_state[] = {
    STATE_STRUCT_FIELD(ich9_lpc, pci, pci_state), STATE_STRUCT_FIELD(ich9_lpc, pm, acpi_pm_state),
    STATE_STRUCT_FIELD(ich9_lpc, apm, apm_state), STATE_FIELD(ich9_lpc, U32, smi_enable),
    STATE_FIELD(ich9_lpc, U32, smi_status),       STATE_END,
};

const struct device_type ich9_lpc_type = {
    .name = "ICH9-LPC",
    .help = "LPC bridge of the ICH9",
    .bus = "PCI",
    .instance_size = sizeof(struct ich9_lpc),
    .properties = ich9_lpc_properties,
    .state = ich9_lpc_state,
    .realize = ich9_lpc_realize,
    .unrealize = ich9_lpc_unrealize,
    .reset = ich9_lpc_reset,
    .state_loaded = ich9_lpc_state_loaded,
};
