// SPDX-License-Identifier: MIT
// The memory controller hub of the Q35: the PCI Express configuration window, PAM, SMRAM and TSEG. DRAM
// registers have no effect. TSEG may be 1, 2 or 8 MiB or, as QEMU has it, the size in EXT_TSEG_MBYTES.
#include "hw/pci/pc-bridge-internal.h"

#include "hw/core/machine.h"
#include "tcg/base/bits.h"

enum mch_register {
    EXT_TSEG_MBYTES = 0x50,
    PCIEXBAR = 0x60,
    PAM0 = 0x90,
    SMRAM = 0x9d,
    ESMRAMC = 0x9e,
};

enum {
    ESMRAMC_T_EN = 1 << 0,
    ESMRAMC_SIZE_SHIFT = 1,
    ESMRAMC_H_SMRAME = 1 << 7,
    ESMRAMC_CACHED = 0x38, // read-only ones
    EXT_TSEG_DEFAULT_MIB = 16,
    TSEG_PRIORITY = 1,
};

struct q35_mch {
    struct pci_device pci;
    struct pam pam;
    struct mem_window ecam;
    struct mem_window tseg_hole, tseg; // for everybody, and in system management mode
};

// Slots 25 to 29 and 31 are the chipset's own and use PIRQA to PIRQD, a pin each; the others share PIRQE to
// PIRQH, turned by one with each slot; 30, the PCI bridge, does not turn.
static unsigned map_irq(void *opaque, uint8_t devfn, unsigned pin)
{
    (void)opaque;
    unsigned slot = devfn >> 3;
    if (slot == 30)
        return 4 + pin;
    return slot >= 25 ? pin : 4 + (slot + pin) % 4;
}

static void host_init(struct device *device)
{
    struct pc_host *host = (struct pc_host *)device;
    host->map_irq = map_irq;
    host->express = true;
}

const struct device_type q35_host_type = {
    .name = "q35-pcihost",
    .help = "PCI Express host bridge of the Q35",
    .instance_size = sizeof(struct pc_host),
    .state = pc_host_state,
    .init = host_init,
    .realize = pc_host_realize,
    .unrealize = pc_host_unrealize,
    .reset = pc_host_reset,
    .print_irq = pc_host_print_irq,
};

static bool find_pciexbar(const struct pci_device *pci, uint64_t *base, uint64_t *size)
{
    uint64_t value = pci_get(pci, PCIEXBAR, 4) | (uint64_t)pci_get(pci, PCIEXBAR + 4, 4) << 32;
    unsigned length = extract64(value, 1, 2);
    *size = (uint64_t)PC_PCIEXBAR_BYTES >> (length < 3 ? length : 0);
    *base = value & mask64(36) & ~(*size - 1);
    return (value & 1) && length < 3;
}

bool q35_pciexbar(const struct pci_bus *bus, uint64_t *base, uint64_t *size)
{
    const struct pci_device *mch = bus->devices[0];
    return mch && mch->device.type == &q35_mch_type && find_pciexbar(mch, base, size);
}

static void update_ecam(struct q35_mch *self)
{
    uint64_t base, size;
    bool shown = find_pciexbar(&self->pci, &base, &size);
    if (size != self->ecam.desc.size) {
        mem_window_hide(&self->ecam);
        self->ecam.desc.size = size;
    }
    mem_window_show(&self->ecam, shown, base);
}

static void update_tseg(struct q35_mch *self)
{
    const struct pc_bridge_config *config = self->pam.config;
    uint8_t smram = self->pci.config[SMRAM], esmramc = self->pci.config[ESMRAMC];
    uint64_t ext = pci_get(&self->pci, EXT_TSEG_MBYTES, 2);
    const uint64_t mib[] = {1, 2, 8, ext};
    uint64_t size = mib[extract32(esmramc, ESMRAMC_SIZE_SHIFT, 2)] << 20;
    bool shown = (smram & SMRAM_G_SMRAME) && (esmramc & ESMRAMC_T_EN) && size < config->low_ram_bytes;
    if (size != self->tseg.desc.size || !shown) {
        mem_window_hide(&self->tseg_hole);
        mem_window_hide(&self->tseg);
    }
    uint64_t base = config->low_ram_bytes - size;
    self->tseg_hole.desc.size = self->tseg.desc.size = size;
    self->tseg.desc.ram_offset = config->ram_offset + base;
    mem_window_show(&self->tseg_hole, shown, base);
    if (config->smm)
        mem_window_show(&self->tseg, shown, base);
}

static void update(struct q35_mch *self)
{
    struct pci_device *pci = &self->pci;
    pc_bridge_update_pam(pci, &self->pam, PAM0, SMRAM, pci->config[ESMRAMC] & ESMRAMC_H_SMRAME);
    bool locked = pci->config[SMRAM] & SMRAM_D_LCK;
    pci->writable[ESMRAMC] = locked ? 0 : ESMRAMC_H_SMRAME | 3 << ESMRAMC_SIZE_SHIFT | ESMRAMC_T_EN;
    update_ecam(self);
    update_tseg(self);
}

static void config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    (void)size;
    if (offset >= PCI_CONFIG_HEADER_END)
        update((struct q35_mch *)device);
}

static const struct pci_class q35_mch_class = {
    .vendor_id = 0x8086,
    .device_id = 0x29c0,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .class_code = 0x060000,
    .config_written = config_written,
};

static int q35_mch_realize(struct device *device, struct error *error)
{
    struct q35_mch *self = (struct q35_mch *)device;
    struct pci_device *pci = &self->pci;
    int result = pci_realize(pci, &q35_mch_class, error);
    if (result)
        return result;
    const struct pc_bridge_config *config = &pc_host_of(pci)->config;
    pci_define(pci, EXT_TSEG_MBYTES, 2, EXT_TSEG_DEFAULT_MIB, 0);
    // As QEMU has it: the address is there before the window is enabled.
    pci_define(pci, PCIEXBAR, 4, 0xb0000000, 0xfc000007);
    pci_define(pci, PCIEXBAR + 4, 4, 0, 0xf);
    pci_define(pci, ESMRAMC, 1, ESMRAMC_CACHED, 0);
    pc_bridge_init_pam(pci, &self->pam, PAM0, SMRAM);
    self->ecam = pci_ecam_window(pci->bus, PC_PCIEXBAR_BYTES);
    struct mem_region_desc hole = {
        .name = "tseg-hole", .kind = MEM_MMIO, .priority = TSEG_PRIORITY, .ops = &mem_nobody_ops};
    struct mem_region_desc tseg = {.name = "tseg", .kind = MEM_RAM};
    self->tseg_hole = (struct mem_window){device->machine->map, hole, NULL};
    self->tseg = (struct mem_window){config->smm, tseg, NULL};
    return 0;
}

static void q35_mch_unrealize(struct device *device)
{
    struct q35_mch *self = (struct q35_mch *)device;
    mem_window_hide(&self->ecam);
    mem_window_hide(&self->tseg_hole);
    mem_window_hide(&self->tseg);
    pam_release(&self->pam);
    pci_unrealize(&self->pci);
}

static void q35_mch_reset(struct device *device)
{
    struct q35_mch *self = (struct q35_mch *)device;
    pci_reset(&self->pci);
    update(self);
}

static void q35_mch_state_loaded(struct device *device)
{
    struct q35_mch *self = (struct q35_mch *)device;
    pci_state_loaded(&self->pci);
    update(self);
}

static const struct property q35_mch_properties[] = {
    PCI_PROPERTIES(q35_mch, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct device_type q35_mch_type = {
    .name = "mch",
    .help = "memory controller of the Q35",
    .bus = "PCI",
    .instance_size = sizeof(struct q35_mch),
    .properties = q35_mch_properties,
    .state = pci_state,
    .realize = q35_mch_realize,
    .unrealize = q35_mch_unrealize,
    .reset = q35_mch_reset,
    .state_loaded = q35_mch_state_loaded,
};

int q35_create(struct machine *machine, const struct pc_bridge_config *config, struct pci_bus **bus,
               struct error *error)
{
    return pc_bridge_create(machine, &q35_host_type, &q35_mch_type, config, bus, error);
}
