// SPDX-License-Identifier: MIT
// Between the AHCI host and its ports.
#pragma once

#include "hw/ide/ide-dma.h"
#include "hw/ide/ide-drive.h"

enum { AHCI_PORTS = 6, AHCI_SLOTS = 32, AHCI_NO_SLOT = AHCI_SLOTS };

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

enum ahci_port_cmd {
    PX_CMD_ST = 1 << 0,
    PX_CMD_SUD = 1 << 1,
    PX_CMD_POD = 1 << 2,
    PX_CMD_CLO = 1 << 3,
    PX_CMD_FRE = 1 << 4,
    PX_CMD_FR = 1 << 14,
    PX_CMD_CR = 1 << 15,
    PX_CMD_KEPT = PX_CMD_ST | PX_CMD_SUD | PX_CMD_POD | PX_CMD_FRE,
};

enum ahci_port_interrupt {
    PX_IS_DHRS = 1 << 0, // device to host
    PX_IS_PSS = 1 << 1,  // PIO setup
    PX_IS_SDBS = 1 << 3, // set device bits
    PX_IS_PCS = 1 << 6,  // connect change
    PX_IS_OFS = 1 << 24, // overflow
    PX_IS_TFES = 1 << 30,
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
    struct ide_memory memory; // of the command that the drive executes
    struct ahci_queued queued[AHCI_SLOTS];
    bool pumping;

    uint64_t command_list, received; // addresses
    uint32_t is, ie, cmd, tfd, signature, sctl, serr, sact, ci;
    uint64_t table;       // of the current command
    uint32_t table_moved; // bytes of its memory that PIO has used up
    uint16_t table_entries;
    uint8_t current; // slot of the command that the drive executes, or AHCI_NO_SLOT
    bool halted;     // by an error, until the port is stopped
};

struct ahci {
    struct pci_device pci;
    struct ahci_port ports[AHCI_PORTS];

    uint32_t ghc, is, index;
};

extern const struct state_field ahci_port_state[];

// Its bus is number `number` of those from "ide.FIRST_BUS" on.
void ahci_port_init(struct ahci *host, unsigned first_bus, unsigned number);
void ahci_port_reset(struct ahci_port *port);
uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset);
void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value);
// ahci-command.c: begins what is in the list, as far as the port may.
void ahci_process(struct ahci_port *port);
// Reports the drive's task file by a register FIS, with an interrupt or (but for errors) without.
void ahci_send_d2h(struct ahci_port *port, bool interrupt);
extern const struct ata_host_ops ahci_drive_ops; // of a port
// Takes the port's interrupt status up (ahci.c).
void ahci_update(struct ahci *host);
