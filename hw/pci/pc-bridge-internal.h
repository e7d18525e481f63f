// SPDX-License-Identifier: MIT
// Between the north bridges and the host device they share.
#pragma once

#include "hw/pci/pam.h"
#include "hw/pci/pci-host.h"

struct pc_host {
    struct device device;
    struct pc_bridge_config config;
    bool express;
    unsigned (*map_irq)(void *opaque, uint8_t devfn, unsigned pin);
    struct pci_root_ops ops;
    struct pci_bus bus;
    struct pci_config_ports ports;
};

// The host and function 0.0 of the type, wired, realized.
int pc_bridge_create(struct machine *machine, const struct device_type *host_type,
                     const struct device_type *function_type, const struct pc_bridge_config *config,
                     struct pci_bus **bus, struct error *error);
// Of a function 0.0.
struct pc_host *pc_host_of(const struct pci_device *function);
// For host types.
int pc_host_realize(struct device *device, struct error *error);
void pc_host_unrealize(struct device *device);
void pc_host_reset(struct device *device);
void pc_host_print_irq(struct device *device, FILE *out);
extern const struct state_field pc_host_state[];

// For functions 0.0, at realize: the registers PAM0 to PAM6 and SMRAM at these offsets of the function's configuration
// space, all read as RAM off and SMRAM closed, and what they show.
void pc_bridge_init_pam(struct pci_device *pci, struct pam *pam, unsigned pam0, unsigned smram);
// Shows what the registers say, after each write, reset and state load. Once SMRAM is locked it stays so until reset.
// `high`: it is at 0xfeda0000, not behind the VGA window.
void pc_bridge_update_pam(struct pci_device *pci, struct pam *pam, unsigned pam0, unsigned smram, bool high);
