// SPDX-License-Identifier: MIT
// PIIX3 function 0.
#include "hw/pci/piix3.h"

#include "hw/core/machine.h"
#include "hw/pci/pci.h"
#include "hw/pci/pirq.h"

enum { PIRQRC = 0x60 };

struct piix3 {
    struct pci_device pci;
    struct pirq_router router;
};

static void update(struct piix3 *self)
{
    pirq_update(&self->router, self->pci.config + PIRQRC, PIIX3_PIRQS);
}

static void set_pirq(void *opaque, unsigned input, bool level)
{
    struct piix3 *self = opaque;
    uint8_t bit = (uint8_t)(1u << input);
    self->router.levels = (uint8_t)(level ? self->router.levels | bit : self->router.levels & ~bit);
    if (self->pci.bus)
        update(self);
}

void piix3_wire(struct device *device, const struct irq_line isa_irqs[PIIX3_ISA_IRQS])
{
    for (unsigned i = 0; i < PIIX3_ISA_IRQS; i++)
        ((struct piix3 *)device)->router.isa_irqs[i] = isa_irqs[i];
}

struct irq_line piix3_pirq(struct device *device, unsigned number)
{
    return (struct irq_line){set_pirq, device, number};
}

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset >= PCI_CONFIG_HEADER_END)
        update((struct piix3 *)device);
}

static const struct pci_class piix3_class = {
    .vendor_id = 0x8086,
    .device_id = 0x7000,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .class_code = 0x060100,
    .config_written = config_written,
};

static int piix3_realize(struct device *device, struct error *error)
{
    struct piix3 *self = (struct piix3 *)device;
    struct pci_device *pci = &self->pci;
    self->pci.multifunction = true;
    int result = pci_realize(pci, &piix3_class, error);
    if (result)
        return result;
    pci_define(pci, PCI_STATUS, 2, PCI_STATUS_DEVSEL_MEDIUM, 0);
    // Bits that firmware sets and reads back, with the values after reset: I/O recovery, chip selects,
    // PIRQ routes, DMA and memory space, SMI control.
    static const struct {
        uint8_t offset, value, writable;
    } registers[] = {
        {0x4c, 0x4d, 0xff}, {0x4e, 0x03, 0xff}, {0x4f, 0, 0x01},    {0x60, 0x80, 0x8f}, {0x61, 0x80, 0x8f},
        {0x62, 0x80, 0x8f}, {0x63, 0x80, 0x8f}, {0x69, 0x02, 0xfe}, {0x6a, 0, 0x83},    {0x70, 0x80, 0xcf},
        {0x76, 0x0c, 0x8f}, {0x77, 0x0c, 0x8f}, {0x78, 0x02, 0xff}, {0x79, 0, 0xff},    {0x80, 0, 0x7f},
        {0x82, 0, 0xff},    {0xa0, 0x08, 0x1f}, {0xa2, 0, 0xff},    {0xa3, 0, 0xff},    {0xa4, 0, 0xff},
        {0xa8, 0x0f, 0xff}, {0xaa, 0, 0xff},    {0xab, 0, 0xff},    {0xac, 0, 0xff},    {0xae, 0, 0xff}};
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        pci_define(pci, registers[i].offset, 1, registers[i].value, registers[i].writable);
    return 0;
}

static void piix3_unrealize(struct device *device)
{
    pci_unrealize((struct pci_device *)device);
}

static void piix3_reset(struct device *device)
{
    pci_reset((struct pci_device *)device);
    update((struct piix3 *)device);
}

static void piix3_state_loaded(struct device *device)
{
    pci_state_loaded((struct pci_device *)device);
    update((struct piix3 *)device);
}

static const struct property piix3_properties[] = {
    PCI_PROPERTIES(piix3, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type piix3_type = {
    .name = "PIIX3",
    .help = "ISA bridge of the PIIX3",
    .bus = "PCI",
    .instance_size = sizeof(struct piix3),
    .properties = piix3_properties,
    .state = pci_state,
    .realize = piix3_realize,
    .unrealize = piix3_unrealize,
    .reset = piix3_reset,
    .state_loaded = piix3_state_loaded,
};
