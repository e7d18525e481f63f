// SPDX-License-Identifier: MIT
// The north bridges of PC machines: the i440FX (82441FX datasheet, 8086:1237) and the memory controller hub
// of the Q35 (Intel 3 Series Express Chipset Family datasheet, 8086:29c0). Each is a host device, which has
// the root bus and the configuration ports, and function 0.0 on that bus, which has the registers that decide
// what the CPUs see between 640 KiB and 1 MiB and in system management mode.
//
// The board maps RAM from address 0 as if nothing else were there; the bridge lays over it what is not RAM.
#pragma once

#include "hw/core/irq.h"
#include "hw/pci/pci.h"

extern const struct device_type i440fx_host_type; // "i440FX-pcihost"
extern const struct device_type i440fx_type;      // "i440FX"
extern const struct device_type q35_host_type;    // "q35-pcihost"
extern const struct device_type q35_mch_type;     // "mch"

struct pc_bridge_config {
    const char *bus_name;  // "pci.0", "pcie.0"
    struct memory_map *io; // the port space
    // Seen by CPUs in system management mode: a view of the machine's map. NULL: the same as otherwise.
    struct memory_map *smm;
    uint64_t ram_offset;    // of address 0 in the guest RAM object
    uint64_t low_ram_bytes; // RAM from address 0 on; its end is where TSEG lies
    // The end of the firmware's image in the guest RAM object, shown up to 1 MiB until it is shadowed: whole
    // pages, at most 128 KiB.
    uint64_t firmware_offset;
    uint32_t firmware_bytes;
    // Interrupt inputs of the south bridge: PIRQA to PIRQD, to PIRQH of an ICH9.
    struct irq_line pirqs[PCI_HOST_INPUTS];
    // Takes message-signalled interrupts.
    void (*message)(void *opaque, const struct message *message);
    void *message_opaque;
};

// Make both devices, realized. *bus is where everything else plugs in.
int i440fx_create(struct machine *machine, const struct pc_bridge_config *config, struct pci_bus **bus,
                  struct error *error);
int q35_create(struct machine *machine, const struct pc_bridge_config *config, struct pci_bus **bus,
               struct error *error);

enum { PC_PCIEXBAR_BYTES = 256 << 20 };
// Where the guest has put the Q35's configuration window. False: nowhere.
bool q35_pciexbar(const struct pci_bus *bus, uint64_t *base, uint64_t *size);
