// SPDX-License-Identifier: MIT
// Firmware configuration device. A DMA request is a structure in guest memory, big-endian:
//   be32 control; be32 length; be64 address
// whose address is written to the DMA register. It is carried out at once and answered in `control`.
#include "hw/nvram/fw-cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

enum {
    FILE_FIRST = 0x20,
    FILE_SLOTS = 0x20,
    ITEMS = FILE_FIRST + FILE_SLOTS,
    NAME_BYTES = 56,
    DIRECTORY_ENTRY = 64,
    LOCAL_ITEMS = 16,
    KEY_MASK = 0x3fff, // the upper bits ask for writing and for architecture-local items
    KEY_LOCAL = 0x8000,
    REGISTERS_SIZE = 0x18,
    SELECTOR_PORT = 0x510, // with the data in its upper half
    DMA_PORT = 0x514,
    CHUNK_BYTES = 4096,
};

enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };

#define DMA_SIGNATURE UINT64_C(0x51454d5520434647) // "QEMU CFG"

struct item {
    uint8_t *data;
    uint32_t length;
    char *name; // of files
    fw_cfg_written_fn *written; // NULL: read only
    void *opaque;
};

struct fw_cfg {
    struct device device;
    uint64_t base;
    struct mem_region *region;
    struct memory_map *io; // of "fw_cfg_io"
    struct port_set ports;
    struct item items[ITEMS], local_items[LOCAL_ITEMS];
    unsigned file_count;

    uint16_t key;
    uint32_t position;
    uint64_t dma_address;
};

static struct item *item_at(struct fw_cfg *cfg, unsigned key)
{
    unsigned number = key & KEY_MASK;
    if (key & KEY_LOCAL)
        return number < LOCAL_ITEMS ? &cfg->local_items[number] : NULL;
    return number < ITEMS ? &cfg->items[number] : NULL;
}

static struct item *selected(struct fw_cfg *cfg)
{
    return item_at(cfg, cfg->key);
}

static void select_item(struct fw_cfg *cfg, uint16_t key)
{
    cfg->key = key;
    cfg->position = 0;
}

// The next bytes of the item, then zeroes. The register is a stream: its first byte is the one at the lowest
// address.
static uint64_t read_data(struct fw_cfg *cfg, unsigned size)
{
    const struct item *item = selected(cfg);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = item && cfg->position < item->length ? item->data[cfg->position++] : 0;
        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

static bool dma_copy_out(struct fw_cfg *cfg, uint64_t address, uint32_t length)
{
    static const uint8_t zeroes[CHUNK_BYTES];
    struct memory_map *map = cfg->device.machine->map;
    const struct item *item = selected(cfg);
    uint32_t have = item && cfg->position < item->length ? item->length - cfg->position : 0;
    uint32_t n = length < have ? length : have;
    if (n && !dma_write(map, address, item->data + cfg->position, n))
        return false;
    cfg->position += n;
    // Past the end there are zeroes; a length beyond memory ends at the first write that fails.
    for (uint64_t done = n; done < length;) {
        uint64_t part = length - done < CHUNK_BYTES ? length - done : CHUNK_BYTES;
        if (!dma_write(map, address + done, zeroes, part))
            return false;
        done += part;
    }
    return true;
}

// A request that is too long writes nothing.
static bool dma_copy_in(struct fw_cfg *cfg, uint64_t address, uint32_t length)
{
    const struct item *item = selected(cfg);
    if (!item || !item->written || !range_inside(cfg->position, length, item->length) ||
        !dma_read(cfg->device.machine->map, address, item->data + cfg->position, length))
        return false;
    cfg->position += length;
    item->written(item->opaque, item->data, item->length);
    return true;
}

static void run_dma(struct fw_cfg *cfg, uint64_t address)
{
    struct memory_map *map = cfg->device.machine->map;
    uint8_t raw[16];
    if (!dma_read(map, address, raw, sizeof(raw))) {
        log_printf(LOG_GUEST_ERRORS, "fw_cfg: DMA request at 0x%llx is not in memory\n",
                   (unsigned long long)address);
        return;
    }
    uint32_t control = load_be32(raw), length = load_be32(raw + 4), result = 0;
    uint64_t target = load_be64(raw + 8);
    if (control & DMA_SELECT)
        select_item(cfg, (uint16_t)(control >> 16));
    const struct item *item = selected(cfg);
    if (control & DMA_READ) {
        result = dma_copy_out(cfg, target, length) ? 0 : DMA_ERROR;
    } else if (control & DMA_WRITE) {
        result = dma_copy_in(cfg, target, length) ? 0 : DMA_ERROR;
    } else if ((control & DMA_SKIP) && item) {
        uint32_t have = cfg->position < item->length ? item->length - cfg->position : 0;
        cfg->position += length < have ? length : have;
    }
    store_be32(raw, result);
    dma_write(map, address, raw, 4);
}

static uint64_t read_signature(unsigned offset, unsigned size)
{
    uint8_t raw[8];
    store_be64(raw, DMA_SIGNATURE);
    return load_le(raw + offset, size);
}

// The halves of the DMA address, big-endian; the lower one starts it.
static void write_dma_half(struct fw_cfg *cfg, unsigned offset, uint32_t half)
{
    if (offset == 0) {
        cfg->dma_address = half;
        return;
    }
    uint64_t address = cfg->dma_address << 32 | half;
    cfg->dma_address = 0;
    run_dma(cfg, address);
}

static uint64_t fw_cfg_read(void *opaque, struct mmio_access access)
{
    struct fw_cfg *cfg = opaque;
    if (access.offset < 8)
        return read_data(cfg, access.size);
    return access.offset >= 16 ? read_signature((unsigned)access.offset - 16, access.size) : 0;
}

static void fw_cfg_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct fw_cfg *cfg = opaque;
    uint8_t raw[8];
    store_le64(raw, value);
    if (access.offset == 8 && access.size == 2) {
        select_item(cfg, load_be16(raw));
    } else if (access.offset == 16 && access.size == 8) {
        run_dma(cfg, load_be64(raw));
    } else if (access.offset >= 16 && access.size == 4) {
        write_dma_half(cfg, (unsigned)access.offset - 16, load_be32(raw));
    } else {
        log_printf(LOG_GUEST_ERRORS, "fw_cfg: %u-byte write at 0x%x\n", access.size, (unsigned)access.offset);
    }
}

static const struct mmio_ops fw_cfg_ops = {fw_cfg_read, fw_cfg_write, 1, 8, false};

static uint64_t selector_port_read(void *opaque, struct mmio_access access)
{
    return read_data(opaque, access.size);
}

// Here the selector is little-endian.
static void selector_port_write(void *opaque, struct mmio_access access, uint64_t value)
{
    if (access.size == 2)
        select_item(opaque, (uint16_t)value);
    else
        log_printf(LOG_GUEST_ERRORS, "fw_cfg: items are not written\n");
}

static uint64_t dma_port_read(void *opaque, struct mmio_access access)
{
    (void)opaque;
    return read_signature((unsigned)access.offset, access.size);
}

static void dma_port_write(void *opaque, struct mmio_access access, uint64_t value)
{
    write_dma_half(opaque, (unsigned)access.offset, be32toh(htole32((uint32_t)value)));
}

static const struct mmio_ops selector_port_ops = {selector_port_read, selector_port_write, 1, 2, false};
static const struct mmio_ops dma_port_ops = {dma_port_read, dma_port_write, 4, 4, false};
static const struct port_range fw_cfg_ports[] = {{SELECTOR_PORT, 2, &selector_port_ops},
                                                 {DMA_PORT, 8, &dma_port_ops}};

static void set_item(struct item *item, const void *data, uint32_t length)
{
    free(item->data);
    item->data = ALLOC_ARRAY(uint8_t, length ? length : 1);
    if (length && data)
        memcpy(item->data, data, length);
    item->length = length;
}

void fw_cfg_add(struct device *device, enum fw_cfg_key key, const void *data, uint32_t length)
{
    set_item(item_at((struct fw_cfg *)device, key), data, length);
}

void fw_cfg_add_le16(struct device *device, enum fw_cfg_key key, uint16_t value)
{
    uint8_t raw[2];
    store_le16(raw, value);
    fw_cfg_add(device, key, raw, sizeof(raw));
}

void fw_cfg_add_le32(struct device *device, enum fw_cfg_key key, uint32_t value)
{
    uint8_t raw[4];
    store_le32(raw, value);
    fw_cfg_add(device, key, raw, sizeof(raw));
}

void fw_cfg_add_le64(struct device *device, enum fw_cfg_key key, uint64_t value)
{
    uint8_t raw[8];
    store_le64(raw, value);
    fw_cfg_add(device, key, raw, sizeof(raw));
}

// be32 count, then for each file { be32 size; be16 key; u16 0; char name[56] }.
static void rebuild_directory(struct fw_cfg *cfg)
{
    uint32_t length = 4 + cfg->file_count * DIRECTORY_ENTRY;
    uint8_t *directory = ALLOC_ARRAY(uint8_t, length);
    store_be32(directory, cfg->file_count);
    for (unsigned i = 0; i < cfg->file_count; i++) {
        const struct item *file = &cfg->items[FILE_FIRST + i];
        uint8_t *entry = directory + 4 + i * DIRECTORY_ENTRY;
        store_be32(entry, file->length);
        store_be16(entry + 4, (uint16_t)(FILE_FIRST + i));
        memcpy(entry + 8, file->name, strlen(file->name));
    }
    set_item(&cfg->items[FW_CFG_FILE_DIR], directory, length);
    free(directory);
}

static int add_file(struct fw_cfg *cfg, const char *name, struct item file, const void *data, struct error *error)
{
    struct item *files = &cfg->items[FILE_FIRST];
    if (strlen(name) >= NAME_BYTES)
        return error_set(error, EINVAL, "fw_cfg file name '%s' is longer than %d bytes", name,
                         NAME_BYTES - 1);
    unsigned at = 0;
    while (at < cfg->file_count && strcmp(files[at].name, name) < 0)
        at++;
    if (at < cfg->file_count && !strcmp(files[at].name, name))
        return error_set(error, EEXIST, "fw_cfg file '%s' is given twice", name);
    if (cfg->file_count == FILE_SLOTS)
        return error_set(error, ENOSPC, "there is room for %d fw_cfg files", FILE_SLOTS);
    memmove(&files[at + 1], &files[at], (cfg->file_count - at) * sizeof(*files));
    files[at] = file;
    files[at].name = alloc_string(name);
    set_item(&files[at], data, file.length);
    cfg->file_count++;
    rebuild_directory(cfg);
    return 0;
}

int fw_cfg_add_file(struct device *device, const char *name, const void *data, uint32_t length,
                    struct error *error)
{
    return add_file((struct fw_cfg *)device, name, (struct item){.length = length}, data, error);
}

int fw_cfg_add_writable_file(struct device *device, const char *name, uint32_t length, fw_cfg_written_fn *written,
                             void *opaque, struct error *error)
{
    struct item file = {.length = length, .written = written, .opaque = opaque};
    return add_file((struct fw_cfg *)device, name, file, NULL, error);
}

void fw_cfg_wire(struct device *device, uint64_t base)
{
    ((struct fw_cfg *)device)->base = base;
}

void fw_cfg_wire_io(struct device *device, struct memory_map *io)
{
    ((struct fw_cfg *)device)->io = io;
}

static void fw_cfg_init(struct device *device)
{
    fw_cfg_add(device, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_le32(device, FW_CFG_ID, 3); // data register and DMA
    rebuild_directory((struct fw_cfg *)device);
}

static int fw_cfg_realize(struct device *device, struct error *error)
{
    struct fw_cfg *cfg = (struct fw_cfg *)device;
    struct mem_region_desc desc = {.name = "fw_cfg",
                                   .base = cfg->base,
                                   .size = REGISTERS_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &fw_cfg_ops,
                                   .opaque = cfg};
    cfg->region = memory_map_add(device->machine->map, desc, error);
    return cfg->region ? 0 : -EINVAL;
}

static int fw_cfg_io_realize(struct device *device, struct error *error)
{
    struct fw_cfg *cfg = (struct fw_cfg *)device;
    return port_set_map(&cfg->ports, cfg->io, "fw_cfg", fw_cfg_ports, ARRAY_SIZE(fw_cfg_ports), cfg, error);
}

static void fw_cfg_unrealize(struct device *device)
{
    struct fw_cfg *cfg = (struct fw_cfg *)device;
    if (cfg->region)
        memory_map_remove(device->machine->map, cfg->region);
    port_set_unmap(&cfg->ports);
    for (unsigned i = 0; i < LOCAL_ITEMS; i++)
        free(cfg->local_items[i].data);
    for (unsigned i = 0; i < ITEMS; i++) {
        free(cfg->items[i].data);
        free(cfg->items[i].name);
    }
}

static void fw_cfg_reset(struct device *device)
{
    struct fw_cfg *cfg = (struct fw_cfg *)device;
    select_item(cfg, FW_CFG_SIGNATURE);
    cfg->dma_address = 0;
}

static const struct state_field fw_cfg_state[] = {
    STATE_FIELD(fw_cfg, U16, key),
    STATE_FIELD(fw_cfg, U32, position),
    STATE_FIELD(fw_cfg, U64, dma_address),
    STATE_END,
};

const struct device_type fw_cfg_type = {
    .name = "fw_cfg_mem",
    .help = "firmware configuration items",
    .instance_size = sizeof(struct fw_cfg),
    .state = fw_cfg_state,
    .init = fw_cfg_init,
    .realize = fw_cfg_realize,
    .unrealize = fw_cfg_unrealize,
    .reset = fw_cfg_reset,
};

const struct device_type fw_cfg_io_type = {
    .name = "fw_cfg_io",
    .help = "firmware configuration items, at I/O ports",
    .instance_size = sizeof(struct fw_cfg),
    .state = fw_cfg_state,
    .init = fw_cfg_init,
    .realize = fw_cfg_io_realize,
    .unrealize = fw_cfg_unrealize,
    .reset = fw_cfg_reset,
};
