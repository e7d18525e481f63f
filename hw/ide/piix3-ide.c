// SPDX-License-Identifier: MIT
// PIIX3 IDE function. A bus master works on a table of regions {le32 address; le32 length, 0 meaning 64 KiB,
// top bit on the last}. Drive timing registers are kept and mean nothing.
#include "hw/ide/piix3-ide.h"

#include "hw/core/machine.h"
#include "hw/ide/ide-channel.h"
#include "hw/ide/ide-dma.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { CHANNELS = 2, BUS_MASTER_BAR = 4, BUS_MASTER_PORTS = 8, IDETIM = 0x40, REGIONS_MAX = 8192 };
enum bus_master_port { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4 };
enum { BM_START = 1 << 0, BM_TO_MEMORY = 1 << 3 };
enum { BM_ACTIVE = 1 << 0, BM_ERROR = 1 << 1, BM_INTERRUPT = 1 << 2, BM_CAPABLE = 3 << 5 };

struct bus_master {
    struct ide_memory memory;

    uint8_t command, status;
    uint32_t table;
};

struct piix3_ide {
    struct pci_device pci;
    struct ide_channel channels[CHANNELS];
    struct bus_master masters[CHANNELS];
};

static struct bus_master *master_of(struct piix3_ide *self, const struct ide_channel *channel)
{
    return &self->masters[channel - self->channels];
}

static bool gather(struct piix3_ide *self, struct bus_master *master, uint32_t wanted)
{
    uint32_t at = master->table;
    ide_memory_begin(&master->memory, master->command & BM_TO_MEMORY);
    for (unsigned i = 0; i < REGIONS_MAX && master->memory.bytes < wanted; i++, at += 8) {
        uint8_t raw[8];
        if (!pci_dma_read(&self->pci, at, raw, sizeof(raw)))
            return false;
        uint32_t flags = load_le32(raw + 4), bytes = flags & 0xfffe ? flags & 0xfffe : 0x10000;
        uint64_t missing = wanted - master->memory.bytes;
        if (!ide_memory_add(&master->memory, &self->pci, load_le32(raw) & ~1u,
                            bytes < missing ? bytes : missing))
            return false;
        if (flags >> 31)
            break;
    }
    return true;
}

static void run(struct piix3_ide *self, struct ide_channel *channel)
{
    struct bus_master *master = master_of(self, channel);
    struct ata_drive *drive = ide_channel_selected(channel);
    if (!(master->status & BM_ACTIVE) || !drive || drive->phase != ATA_DMA_WAIT)
        return;
    if (master->memory.count)
        return; // the other drive of the cable is at work
    bool direction_ok = drive->dma_to_host == ((master->command & BM_TO_MEMORY) != 0);
    if (!direction_ok || !gather(self, master, ata_dma_bytes(drive))) {
        master->status |= BM_ERROR;
        master->memory.count = 0;
        master->memory.bytes = 0;
    }
    ata_dma_go(drive, master->memory.pieces, master->memory.count, master->memory.bytes);
}

static void dma_ready(void *opaque, struct ide_channel *channel)
{
    run(opaque, channel);
}

static void dma_done(void *opaque, struct ide_channel *channel)
{
    struct piix3_ide *self = opaque;
    struct bus_master *master = master_of(self, channel);
    ide_memory_end(&master->memory, &self->pci);
    master->status &= (uint8_t)~BM_ACTIVE;
}

static void interrupted(void *opaque, struct ide_channel *channel)
{
    master_of(opaque, channel)->status |= BM_INTERRUPT;
}

static uint64_t master_read(void *opaque, struct mmio_access access)
{
    struct piix3_ide *self = opaque;
    const struct bus_master *master = &self->masters[access.offset / BUS_MASTER_PORTS];
    uint8_t raw[BUS_MASTER_PORTS] = {master->command, 0, master->status, 0};
    store_le32(raw + BM_TABLE, master->table);
    return load_le(raw + access.offset % BUS_MASTER_PORTS, access.size);
}

static void write_command(struct piix3_ide *self, unsigned number, uint8_t value)
{
    struct bus_master *master = &self->masters[number];
    bool start = (value & BM_START) && !(master->command & BM_START);
    bool stop = !(value & BM_START) && (master->command & BM_START);
    master->command = value & (BM_START | BM_TO_MEMORY);
    if (start) {
        master->status |= BM_ACTIVE;
        run(self, &self->channels[number]);
    } else if (stop) {
        // What is in flight is let go on to its end first, whichever drive is selected by now.
        struct ata_drive *const *drives = self->channels[number].drives;
        for (unsigned i = 0; i < 2; i++)
            if (drives[i] && (master->status & BM_ACTIVE))
                block_drain(drives[i]->block);
        master->status &= (uint8_t)~BM_ACTIVE;
    }
}

static void master_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct piix3_ide *self = opaque;
    unsigned number = (unsigned)(access.offset / BUS_MASTER_PORTS);
    struct bus_master *master = &self->masters[number];
    for (unsigned i = 0; i < access.size; i++, value >>= 8) {
        unsigned port = (unsigned)(access.offset + i) % BUS_MASTER_PORTS;
        uint8_t byte = (uint8_t)value;
        if (port == BM_COMMAND)
            write_command(self, number, byte);
        else if (port == BM_STATUS)
            master->status = (uint8_t)((master->status & ~BM_CAPABLE & ~(byte & (BM_ERROR | BM_INTERRUPT))) |
                                       (byte & BM_CAPABLE));
        else if (port >= BM_TABLE)
            master->table = deposit32(master->table, 8 * (port - BM_TABLE), 8, byte) & ~3u;
    }
}

static const struct mmio_ops master_ops = {master_read, master_write, 1, 4, false};

static const struct pci_class piix3_ide_class = {
    .vendor_id = 0x8086,
    .device_id = 0x7010,
    .subsystem_vendor_id = 0x1af4,
    .subsystem_id = 0x1100,
    .class_code = 0x010180,
};

void piix3_ide_wire(struct device *device, const struct irq_line irqs[2])
{
    for (unsigned i = 0; i < CHANNELS; i++)
        ((struct piix3_ide *)device)->channels[i].irq = irqs[i];
}

static int piix3_ide_realize(struct device *device, struct error *error)
{
    struct piix3_ide *self = (struct piix3_ide *)device;
    static const uint16_t ports[CHANNELS][2] = {{0x1f0, 0x3f6}, {0x170, 0x376}};
    int result = pci_realize(&self->pci, &piix3_ide_class, error);
    if (result)
        return result;
    pci_define(&self->pci, PCI_STATUS, 2, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM, 0);
    pci_define(&self->pci, IDETIM, 4, 0, 0xf3fff3ff);
    pci_define(&self->pci, IDETIM + 4, 1, 0, 0xff);
    struct mem_region_desc desc = {.name = "ide-bus-master",
                                   .size = CHANNELS * BUS_MASTER_PORTS,
                                   .kind = MEM_MMIO,
                                   .ops = &master_ops,
                                   .opaque = self};
    pci_add_bar(&self->pci, BUS_MASTER_BAR, PCI_BAR_IO, false, desc);
    for (unsigned i = CHANNELS; i-- > 0;) {
        struct ide_channel *channel = &self->channels[i];
        channel->dma_ready = dma_ready;
        channel->dma_done = dma_done;
        channel->interrupted = interrupted;
        channel->opaque = self;
        ide_channel_init(channel, device, i);
        ide_channel_map(channel, self->pci.bus->io, ports[i][0], ports[i][1]);
    }
    return 0;
}

static void piix3_ide_unrealize(struct device *device)
{
    struct piix3_ide *self = (struct piix3_ide *)device;
    for (unsigned i = 0; i < CHANNELS; i++)
        ide_channel_release(&self->channels[i], device->machine);
    pci_unrealize(&self->pci);
}

static void piix3_ide_reset(struct device *device)
{
    struct piix3_ide *self = (struct piix3_ide *)device;
    for (unsigned i = 0; i < CHANNELS; i++) {
        ide_channel_reset(&self->channels[i]);
        self->masters[i].command = self->masters[i].status = 0;
        self->masters[i].table = 0;
    }
    pci_reset(&self->pci);
}

static void piix3_ide_state_loaded(struct device *device)
{
    struct piix3_ide *self = (struct piix3_ide *)device;
    pci_state_loaded(&self->pci);
    for (unsigned i = 0; i < CHANNELS; i++)
        ide_channel_update(&self->channels[i]);
}

static const struct property piix3_ide_properties[] = {
    PCI_PROPERTIES(piix3_ide, pci),
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field master_state[] = {
    STATE_FIELD(bus_master, U8, command),
    STATE_FIELD(bus_master, U8, status),
    STATE_FIELD(bus_master, U32, table),
    STATE_END,
};

static const struct state_field piix3_ide_state[] = {
    STATE_STRUCT_FIELD(piix3_ide, pci, pci_state),
    STATE_STRUCTS(piix3_ide, channels, ide_channel_state),
    STATE_STRUCTS(piix3_ide, masters, master_state),
    STATE_END,
};

const struct device_type piix3_ide_type = {
    .name = "piix3-ide",
    .help = "IDE adapter of the PIIX3",
    .bus = "PCI",
    .instance_size = sizeof(struct piix3_ide),
    .properties = piix3_ide_properties,
    .state = piix3_ide_state,
    .realize = piix3_ide_realize,
    .unrealize = piix3_ide_unrealize,
    .reset = piix3_ide_reset,
    .state_loaded = piix3_ide_state_loaded,
};
