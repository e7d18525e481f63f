// SPDX-License-Identifier: MIT
// A port's commands: takes them from the list, has the drive execute them or queues them (NCQ), and writes what the
// drive answers into the received area.
//
//   command header: u32 flags (length of the FIS in words 4:0, write 6, table entries 31:16), u32 bytes moved,
//                   u64 command table
//   command table:  FIS at 0, packet at 0x40, entries at 0x80: u64 address, u32, u32 bytes less one 21:0
//   received area:  PIO setup at 0x20, device to host at 0x40, set device bits at 0x58
#include <string.h>

#include "hw/core/machine.h"
#include "hw/ide/ahci-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum { FIS_H2D = 0x27, FIS_D2H = 0x34, FIS_PIO_SETUP = 0x5f, FIS_SET_BITS = 0xa1 };
enum { FIS_BYTES = 20, PACKET_AT = 0x40, ENTRIES_AT = 0x80, ENTRY_BYTES = 16, HEADER_BYTES = 32 };
enum { RECEIVED_PIO = 0x20, RECEIVED_D2H = 0x40, RECEIVED_BITS = 0x58 };
enum { READ_FPDMA = 0x60, WRITE_FPDMA = 0x61, FIS_SRST = 4 };

static struct pci_device *pci_of(struct ahci_port *port)
{
    return &port->host->pci;
}

static void raise(struct ahci_port *port, uint32_t bits)
{
    port->is |= bits;
    ahci_update(port->host);
}

static void take_status(struct ahci_port *port)
{
    port->tfd = port->drive->status | (uint32_t)port->drive->error << 8;
}

static void receive(struct ahci_port *port, unsigned at, const uint8_t *fis, unsigned bytes)
{
    if (port->cmd & PX_CMD_FRE)
        pci_dma_write(pci_of(port), port->received + at, fis, bytes);
}

// The drive's task file, as both kinds of FIS that report it have it.
static void fill_fis(struct ahci_port *port, uint8_t fis[FIS_BYTES], uint8_t type)
{
    struct ata_drive *drive = port->drive;
    memset(fis, 0, FIS_BYTES);
    fis[0] = type;
    fis[1] = 1 << 6; // interrupt
    fis[2] = drive->status;
    fis[3] = drive->error;
    for (unsigned previous = 0; previous < 2; previous++) {
        fis[4 + 4 * previous] = ata_read(drive, ATA_LBA_LOW, previous);
        fis[5 + 4 * previous] = ata_read(drive, ATA_LBA_MID, previous);
        fis[6 + 4 * previous] = ata_read(drive, ATA_LBA_HIGH, previous);
        fis[12 + previous] = ata_read(drive, ATA_COUNT, previous);
    }
    fis[7] = ata_read(drive, ATA_DEVICE, false);
}

void ahci_send_d2h(struct ahci_port *port, bool interrupt)
{
    uint8_t fis[FIS_BYTES];
    fill_fis(port, fis, FIS_D2H);
    receive(port, RECEIVED_D2H, fis, sizeof(fis));
    take_status(port);
    if (port->drive->status & ATA_ERR)
        raise(port, PX_IS_TFES | (interrupt ? PX_IS_DHRS : 0));
    else if (interrupt)
        raise(port, PX_IS_DHRS);
}

static void send_pio_setup(struct ahci_port *port, uint32_t bytes, bool to_host)
{
    uint8_t fis[FIS_BYTES];
    fill_fis(port, fis, FIS_PIO_SETUP);
    fis[1] |= to_host ? 1 << 5 : 0;
    fis[15] = ATA_DRDY | ATA_DSC; // the status at the end
    store_le16(fis + 16, (uint16_t)bytes);
    receive(port, RECEIVED_PIO, fis, sizeof(fis));
    take_status(port);
}

// Adds memory of the table from byte `skip` of it on until there is `wanted`. False: some of it is not
// memory.
static bool gather(struct ahci_port *port, struct ide_memory *memory, uint64_t table, unsigned entries,
                   uint64_t skip, uint64_t wanted)
{
    for (unsigned i = 0; i < entries && memory->bytes < wanted; i++) {
        uint8_t raw[ENTRY_BYTES];
        if (!pci_dma_read(pci_of(port), table + ENTRIES_AT + i * ENTRY_BYTES, raw, sizeof(raw)))
            return false;
        uint64_t address = load_le64(raw), bytes = extract32(load_le32(raw + 12), 0, 22) + UINT64_C(1);
        if (skip >= bytes) {
            skip -= bytes;
            continue;
        }
        uint64_t missing = wanted - memory->bytes;
        bytes -= skip;
        if (!ide_memory_add(memory, pci_of(port), address + skip, bytes < missing ? bytes : missing))
            return false;
        skip = 0;
    }
    return true;
}

static void count_moved(struct ahci_port *port, unsigned slot, uint64_t bytes)
{
    uint8_t raw[4];
    store_le32(raw, (uint32_t)bytes);
    pci_dma_write(pci_of(port), port->command_list + slot * HEADER_BYTES + 4, raw, sizeof(raw));
}

// Moves one PIO block between the buffer and the command's memory. What there is no memory for is lost.
static void move_block(struct ahci_port *port, bool to_host)
{
    struct ata_drive *drive = port->drive;
    uint32_t bytes = drive->block_end - drive->position;
    struct ide_memory memory = {0};
    ide_memory_begin(&memory, to_host);
    bool enough = gather(port, &memory, port->table, port->table_entries, port->table_moved, bytes);
    send_pio_setup(port, bytes, to_host);
    uint8_t *data = drive->buffer + drive->position;
    for (unsigned i = 0; i < memory.count; i++) {
        size_t n = memory.pieces[i].iov_len;
        if (to_host)
            memcpy(memory.pieces[i].iov_base, data, n);
        else
            memcpy(data, memory.pieces[i].iov_base, n);
        data += n;
    }
    if (!enough || memory.bytes < bytes)
        raise(port, PX_IS_OFS);
    ide_memory_end(&memory, pci_of(port));
    port->table_moved += bytes;
    drive->position = drive->block_end;
    ata_pio_moved(drive);
}

static void move_packet(struct ahci_port *port)
{
    struct ata_drive *drive = port->drive;
    if (!pci_dma_read(pci_of(port), port->table + PACKET_AT, drive->buffer, 12))
        memset(drive->buffer, 0, 12);
    drive->position = drive->block_end;
    ata_pio_moved(drive);
}

static void complete(struct ahci_port *port)
{
    unsigned slot = port->current;
    bool failed = port->drive->status & ATA_ERR;
    port->current = AHCI_NO_SLOT;
    ata_take_interrupt(port->drive);
    // A command that failed stays in the list for software to find.
    if (failed)
        port->halted = true;
    else
        port->ci &= ~BIT32(slot);
    if (port->table_moved)
        count_moved(port, slot, port->table_moved);
    ahci_send_d2h(port, true);
}

// Drives the current command on until it waits for the disk or is done.
static void pump(struct ahci_port *port)
{
    if (port->pumping || port->current == AHCI_NO_SLOT)
        return;
    port->pumping = true;
    for (bool more = true; more;) {
        switch ((enum ata_phase)port->drive->phase) {
        case ATA_PACKET:
            move_packet(port);
            break;
        case ATA_PIO_IN:
        case ATA_PIO_OUT:
            move_block(port, port->drive->phase == ATA_PIO_IN);
            break;
        case ATA_IDLE:
            complete(port);
            more = false;
            break;
        case ATA_BUSY:
        case ATA_DMA_WAIT:
            more = false;
            break;
        }
    }
    port->pumping = false;
}

static void queued_done(struct block_request *request, int result)
{
    struct ahci_queued *queued = CONTAINER_OF(request, struct ahci_queued, request);
    struct ahci_port *port = queued->port;
    uint32_t bit = BIT32(queued - port->queued);
    uint8_t fis[8] = {FIS_SET_BITS, 1 << 6, ATA_DRDY | (result ? ATA_ERR : 0), result ? ATA_ABRT : 0};
    ide_memory_end(&queued->memory, pci_of(port));
    queued->busy = false;
    if (!(port->sact & bit))
        return; // the port was stopped meanwhile
    if (result) {
        port->halted = true;
        port->tfd = ATA_DRDY | ATA_ERR | ATA_ABRT << 8;
    } else {
        port->sact &= ~bit;
        store_le32(fis + 4, bit);
    }
    receive(port, RECEIVED_BITS, fis, sizeof(fis));
    raise(port, PX_IS_SDBS | (result ? PX_IS_TFES : 0));
}

static void refuse(struct ahci_port *port, const char *why)
{
    log_printf(LOG_GUEST_ERRORS, "ahci: port %u: %s\n", port->number, why);
    port->halted = true;
    port->tfd = ATA_DRDY | ATA_ERR | ATA_ABRT << 8;
    raise(port, PX_IS_TFES);
}

static void start_queued(struct ahci_port *port, unsigned slot, const uint8_t *fis, uint64_t table,
                         unsigned entries)
{
    struct ahci_queued *queued = &port->queued[slot];
    struct ata_drive *drive = port->drive;
    bool write = fis[2] == WRITE_FPDMA;
    uint64_t sector = fis[4] | (uint64_t)fis[5] << 8 | (uint64_t)fis[6] << 16 | (uint64_t)fis[8] << 24 |
                      (uint64_t)fis[9] << 32 | (uint64_t)fis[10] << 40;
    uint32_t count = fis[3] | (uint32_t)fis[11] << 8;
    count = count ? count : 65536;
    if (queued->busy || fis[12] >> 3 != slot || drive->packet ||
        !range_inside(sector, count, ata_sectors(drive)) || (write && drive->block->readonly)) {
        refuse(port, "a queued command that cannot be");
        return;
    }
    uint64_t wanted = (uint64_t)count * ATA_SECTOR;
    ide_memory_begin(&queued->memory, !write);
    if (!gather(port, &queued->memory, table, entries, 0, wanted) || queued->memory.bytes < wanted) {
        queued->memory.count = 0;
        ide_memory_end(&queued->memory, pci_of(port));
        refuse(port, "a queued command without memory");
        return;
    }
    queued->busy = true;
    port->ci &= ~BIT32(slot);
    queued->request = (struct block_request){.op = write ? BLOCK_WRITE : BLOCK_READ,
                                             .offset = sector * ATA_SECTOR,
                                             .length = wanted,
                                             .vector = queued->memory.pieces,
                                             .vector_count = queued->memory.count,
                                             .done = queued_done};
    block_submit(drive->block, &queued->request);
}

// A FIS that is no command sets the control register.
static void take_control(struct ahci_port *port, unsigned slot, uint8_t control)
{
    port->ci &= ~BIT32(slot);
    if (control & FIS_SRST) {
        port->tfd = ATA_BSY;
        return;
    }
    if (port->tfd & ATA_BSY) {
        ata_soft_reset(port->drive);
        ahci_send_d2h(port, false);
    }
}

static void start_command(struct ahci_port *port, unsigned slot, const uint8_t *fis)
{
    struct ata_drive *drive = port->drive;
    port->current = (uint8_t)slot;
    port->table_moved = 0;
    port->pumping = true; // until all registers are written
    ata_write(drive, ATA_FEATURE, fis[11]);
    ata_write(drive, ATA_FEATURE, fis[3]);
    ata_write(drive, ATA_COUNT, fis[13]);
    ata_write(drive, ATA_COUNT, fis[12]);
    for (unsigned i = 0; i < 3; i++) {
        ata_write(drive, (enum ata_register)(ATA_LBA_LOW + i), fis[8 + i]);
        ata_write(drive, (enum ata_register)(ATA_LBA_LOW + i), fis[4 + i]);
    }
    ata_write(drive, ATA_DEVICE, fis[7]);
    ata_write(drive, ATA_COMMAND, fis[2]);
    port->pumping = false;
    if (drive->status & ATA_BSY)
        port->tfd = ATA_BSY;
    pump(port);
}

static void start_slot(struct ahci_port *port, unsigned slot)
{
    uint8_t header[16], fis[FIS_BYTES];
    uint64_t at = port->command_list + slot * HEADER_BYTES;
    if (!pci_dma_read(pci_of(port), at, header, sizeof(header)) ||
        !pci_dma_read(pci_of(port), load_le64(header + 8), fis, sizeof(fis)) || fis[0] != FIS_H2D) {
        refuse(port, "a command that is not in memory");
        return;
    }
    port->table = load_le64(header + 8);
    port->table_entries = load_le16(header + 2);
    if (!(fis[1] & 0x80))
        take_control(port, slot, fis[15]);
    else if (fis[2] == READ_FPDMA || fis[2] == WRITE_FPDMA)
        start_queued(port, slot, fis, port->table, port->table_entries);
    else
        start_command(port, slot, fis);
}

void ahci_process(struct ahci_port *port)
{
    while (port->drive && (port->cmd & PX_CMD_ST) && !port->halted && port->current == AHCI_NO_SLOT && port->ci)
        start_slot(port, ctz32(port->ci));
}

static void drive_interrupt(void *opaque, bool level)
{
    struct ahci_port *port = opaque;
    if (!level || port->pumping)
        return;
    pump(port);
    ahci_process(port);
}

static void drive_dma_ready(void *opaque)
{
    struct ahci_port *port = opaque;
    struct ata_drive *drive = port->drive;
    uint32_t wanted = ata_dma_bytes(drive);
    ide_memory_begin(&port->memory, drive->dma_to_host);
    if (!gather(port, &port->memory, port->table, port->table_entries, 0, wanted))
        port->memory.count = port->memory.bytes = 0;
    ata_dma_go(drive, port->memory.pieces, port->memory.count, port->memory.bytes);
}

static void drive_dma_done(void *opaque)
{
    struct ahci_port *port = opaque;
    if (port->current != AHCI_NO_SLOT)
        count_moved(port, port->current, port->memory.bytes);
    ide_memory_end(&port->memory, pci_of(port));
}

const struct ata_host_ops ahci_drive_ops = {drive_interrupt, drive_dma_ready, drive_dma_done};
