// SPDX-License-Identifier: MIT
// A port's registers, and what is plugged into it.
#include "hw/core/machine.h"
#include "hw/ide/ahci-internal.h"
#include "tcg/base/bits.h"

enum { SERR_EXCHANGED = 1 << 26, SSTS_PRESENT = 0x113, SCTL_DET = 15, SCTL_DET_RESET = 1 };
enum { SIGNATURE_NONE = -1, SIGNATURE_DISK = 0x101 };
#define SIGNATURE_CDROM 0xeb140101u

const struct state_field ahci_port_state[] = {
    STATE_FIELD(ahci_port, U64, command_list),
    STATE_FIELD(ahci_port, U64, received),
    STATE_FIELD(ahci_port, U32, is),
    STATE_FIELD(ahci_port, U32, ie),
    STATE_FIELD(ahci_port, U32, cmd),
    STATE_FIELD(ahci_port, U32, tfd),
    STATE_FIELD(ahci_port, U32, signature),
    STATE_FIELD(ahci_port, U32, sctl),
    STATE_FIELD(ahci_port, U32, serr),
    STATE_FIELD(ahci_port, U32, sact),
    STATE_FIELD(ahci_port, U32, ci),
    STATE_FIELD(ahci_port, U64, table),
    STATE_FIELD(ahci_port, U32, table_moved),
    STATE_FIELD(ahci_port, U16, table_entries),
    STATE_FIELD(ahci_port, U8, current),
    STATE_FIELD(ahci_port, BOOL, halted),
    STATE_END,
};

// Nothing is in flight afterwards, and nothing is reported of what was.
static void stop(struct ahci_port *port)
{
    port->ci = port->sact = 0;
    port->current = AHCI_NO_SLOT;
    port->halted = false;
    if (port->drive && port->drive->phase != ATA_IDLE)
        ata_soft_reset(port->drive);
    if (port->drive)
        block_drain(port->drive->block);
}

static void connect(struct ahci_port *port)
{
    stop(port);
    port->signature = (uint32_t)SIGNATURE_NONE;
    port->tfd = 0x7f;
    port->serr = 0;
    if (!port->drive)
        return;
    ata_soft_reset(port->drive);
    port->signature = port->drive->packet ? SIGNATURE_CDROM : SIGNATURE_DISK;
    port->serr = SERR_EXCHANGED;
    port->is |= PX_IS_PCS;
    ahci_send_d2h(port, false);
}

static void plugged(void *opaque, unsigned unit, struct ata_drive *drive)
{
    (void)unit;
    ((struct ahci_port *)opaque)->drive = drive;
}

void ahci_port_init(struct ahci *host, unsigned first_bus, unsigned number)
{
    struct ahci_port *port = &host->ports[number];
    port->host = host;
    port->number = number;
    port->current = AHCI_NO_SLOT;
    for (unsigned i = 0; i < AHCI_SLOTS; i++)
        port->queued[i].port = port;
    ide_socket_init(&port->socket, &host->pci.device, first_bus, number, 0);
    port->socket.host = &ahci_drive_ops;
    port->socket.host_opaque = port;
    port->socket.plugged = plugged;
    port->socket.opaque = port;
    bus_add(host->pci.device.machine, &port->socket.bus);
}

void ahci_port_reset(struct ahci_port *port)
{
    port->command_list = port->received = 0;
    port->ie = port->sctl = 0;
    port->cmd = PX_CMD_SUD | PX_CMD_POD;
    connect(port);
    port->is = 0;
}

uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset)
{
    switch (offset) {
    case PX_CLB:
        return (uint32_t)port->command_list;
    case PX_CLBU:
        return (uint32_t)(port->command_list >> 32);
    case PX_FB:
        return (uint32_t)port->received;
    case PX_FBU:
        return (uint32_t)(port->received >> 32);
    case PX_IS:
        return port->is;
    case PX_IE:
        return port->ie;
    case PX_CMD:
        return port->cmd | (port->cmd & PX_CMD_ST ? PX_CMD_CR : 0) | (port->cmd & PX_CMD_FRE ? PX_CMD_FR : 0) |
               (port->current < AHCI_SLOTS ? (uint32_t)port->current << 8 : 0);
    case PX_TFD:
        return port->tfd;
    case PX_SIG:
        return port->signature;
    case PX_SSTS:
        return port->drive ? SSTS_PRESENT : 0;
    case PX_SCTL:
        return port->sctl;
    case PX_SERR:
        return port->serr;
    case PX_SACT:
        return port->sact;
    case PX_CI:
        return port->ci;
    }
    return 0;
}

static void write_cmd(struct ahci_port *port, uint32_t value)
{
    uint32_t before = port->cmd;
    port->cmd = value & PX_CMD_KEPT;
    if ((before & PX_CMD_ST) && !(value & PX_CMD_ST))
        stop(port);
    if ((value & PX_CMD_CLO) && port->current == AHCI_NO_SLOT)
        port->tfd &= ~(uint32_t)(ATA_BSY | ATA_DRQ);
    // What the drive sent at power on waits until there is a place for it.
    if (!(before & PX_CMD_FRE) && (value & PX_CMD_FRE) && port->drive && port->current == AHCI_NO_SLOT)
        ahci_send_d2h(port, false);
    ahci_process(port);
}

void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value)
{
    switch (offset) {
    case PX_CLB:
        port->command_list = deposit64(port->command_list, 0, 32, value & ~UINT32_C(0x3ff));
        break;
    case PX_CLBU:
        port->command_list = deposit64(port->command_list, 32, 32, value);
        break;
    case PX_FB:
        port->received = deposit64(port->received, 0, 32, value & ~UINT32_C(0xff));
        break;
    case PX_FBU:
        port->received = deposit64(port->received, 32, 32, value);
        break;
    case PX_IS:
        port->is &= ~value;
        ahci_update(port->host);
        break;
    case PX_IE:
        port->ie = value;
        ahci_update(port->host);
        break;
    case PX_CMD:
        write_cmd(port, value);
        break;
    case PX_SCTL:
        if ((port->sctl & SCTL_DET) == SCTL_DET_RESET && (value & SCTL_DET) != SCTL_DET_RESET)
            connect(port);
        port->sctl = value;
        ahci_update(port->host);
        break;
    case PX_SERR:
        port->serr &= ~value;
        break;
    case PX_SACT:
        if (port->cmd & PX_CMD_ST)
            port->sact |= value;
        break;
    case PX_CI:
        if (port->cmd & PX_CMD_ST)
            port->ci |= value;
        ahci_process(port);
        break;
    }
}
