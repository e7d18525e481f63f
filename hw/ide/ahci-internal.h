// SPDX-License-Identifier: MIT
// Between the AHCI host and its ports.
#pragma once

#include "hw/ide/ide-dma.h"
#include "hw/ide/ide-drive.h"

enum { AHCI_PORTS = 6, AHCI_SLOTS = 32 };

enum ahci_port_register {
    PX_CLB = 0x00,
    PX_CLBU = 0x04,
    PX_FB = 0x08,
    PX_FBU = 0x0c,
    PX_IS = 0x10,
    PX_IE = 0x14,
    PX_CMD = 0x18,
    PX_TFD = 0x20,
    PX_SIG = 0x24,
    PX_SSTS = 0x28,
    PX_SCTL = 0x2c,
    PX_SERR = 0x30,
    PX_SACT = 0x34,
    PX_CI = 0x38,
};

struct ahci;

// A queued command (NCQ) in flight.
struct ahci_queued {
    struct ahci_port *port;
    struct block_request request;
    struct ide_memory memory;
    bool busy;
};

struct ahci_port {
    struct ahci *host;
    unsigned number;
    struct ide_socket socket;
    struct ata_drive *drive;
    struct ata_host_ops ops;
    struct ide_memory memory; // of the command that the drive executes
    struct ahci_queued queued[AHCI_SLOTS];
    bool pumping;

    uint64_t command_list, received; // addresses
    uint32_t is, ie, cmd, tfd, signature, sctl, serr, sact, ci;
    uint64_t table;       // of the current command
    uint32_t table_moved; // bytes of its memory that PIO has used up
    uint16_t table_entries;
    uint8_t current; // slot of the command that the drive executes, or AHCI_SLOTS
    bool halted;     // by an error, until the port is stopped
};

struct ahci {
    struct pci_device pci;
    struct ahci_port ports[AHCI_PORTS];

    uint32_t ghc, is, index;
};

extern const struct state_field ahci_port_state[];

void ahci_port_init(struct ahci *host, unsigned number);
void ahci_port_reset(struct ahci_port *port);
uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset);
void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value);
// Takes the port's interrupt status up (ahci.c).
void ahci_update(struct ahci *host);
