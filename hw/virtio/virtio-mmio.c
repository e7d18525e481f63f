// SPDX-License-Identifier: MIT
// Virtio over MMIO.
#include "hw/virtio/virtio-mmio.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "hw/virtio/virtio.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum mmio_register {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    LEGACY_PAGE_SIZE = 0x028, // legacy
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_ALIGN = 0x03c, // legacy
    QUEUE_PFN = 0x040,   // legacy
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    SHM_SEL = 0x0ac,
    SHM_LEN_LOW = 0x0b0,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

enum { INTERRUPT_QUEUE = 1, INTERRUPT_CONFIG = 2 };

#define MAGIC 0x74726976u  // "virt"
#define VENDOR 0x554d4551u // "QEMU", which some drivers look for

struct virtio_mmio {
    struct device device;
    uint64_t base;
    struct irq_line irq;
    bool force_legacy;
    struct bus bus;
    struct virtio_socket socket;
    struct virtio_device *plugged;
    struct mem_region *region;
    struct mem_doorbell *doorbells;

    uint32_t device_features_sel, driver_features_sel, queue_sel, interrupt_status;
    uint32_t page_size, queue_align; // legacy; the alignment holds for the queue set up next
};

static void update_irq(struct virtio_mmio *mmio)
{
    irq_set(&mmio->irq, mmio->interrupt_status != 0);
}

static void interrupt(void *opaque, struct virtqueue *queue)
{
    struct virtio_mmio *mmio = opaque;
    mmio->interrupt_status |= queue ? INTERRUPT_QUEUE : INTERRUPT_CONFIG;
    update_irq(mmio);
}

static void running(void *opaque, bool on)
{
    struct virtio_mmio *mmio = opaque;
    memory_map_set_doorbells(mmio->device.machine->map, mmio->region, mmio->doorbells, on ? mmio->plugged->queue_count : 0);
}

static const struct virtio_transport_ops transport_ops = {interrupt, running};

static void plugged(void *opaque, struct virtio_device *device)
{
    struct virtio_mmio *mmio = opaque;
    mmio->plugged = device;
    free(mmio->doorbells);
    mmio->doorbells = device ? virtio_doorbells(device, QUEUE_NOTIFY, 0, 4) : NULL;
}

static struct virtqueue *selected_queue(const struct virtio_mmio *mmio)
{
    return mmio->queue_sel < mmio->plugged->queue_count ? &mmio->plugged->queues[mmio->queue_sel] : NULL;
}

static uint32_t read_plugged(struct virtio_mmio *mmio, uint64_t offset)
{
    const struct virtio_device *device = mmio->plugged;
    const struct virtqueue *queue = selected_queue(mmio);
    switch (offset) {
    case DEVICE_FEATURES:
        return mmio->device_features_sel > 1
                   ? 0
                   : (uint32_t)(device->host_features >> (32 * mmio->device_features_sel));
    case QUEUE_NUM_MAX:
        return queue ? queue->max_size : 0;
    case QUEUE_PFN:
        return queue && mmio->force_legacy && mmio->page_size
                   ? (uint32_t)(queue->descriptors / mmio->page_size)
                   : 0;
    case QUEUE_READY:
        return queue && !mmio->force_legacy ? queue->ready : 0;
    case INTERRUPT_STATUS:
        return mmio->interrupt_status;
    case STATUS:
        return device->status;
    case CONFIG_GENERATION:
        return mmio->force_legacy ? 0 : device->config_generation;
    }
    if (offset >= SHM_LEN_LOW && offset <= SHM_BASE_HIGH)
        return UINT32_MAX; // no such shared memory region
    log_printf(LOG_GUEST_ERRORS, "virtio-mmio: read of register 0x%x\n", (unsigned)offset);
    return 0;
}

static uint64_t mmio_read(void *opaque, struct mmio_access access)
{
    struct virtio_mmio *mmio = opaque;
    if (access.offset >= CONFIG)
        return mmio->plugged ? virtio_read_config(mmio->plugged, access.offset - CONFIG, access.size) : 0;
    if (access.size != 4) {
        log_printf(LOG_GUEST_ERRORS, "virtio-mmio: %u-byte read of register 0x%x\n", access.size,
                   (unsigned)access.offset);
        return 0;
    }
    switch (access.offset) {
    case MAGIC_VALUE:
        return MAGIC;
    case VERSION:
        return mmio->force_legacy ? 1 : 2;
    case DEVICE_ID:
        return mmio->plugged ? mmio->plugged->class->device_id : 0;
    case VENDOR_ID:
        return VENDOR;
    }
    return mmio->plugged ? read_plugged(mmio, access.offset) : 0;
}

// The legacy interface has one address for the three parts of a queue, which lie one after the other.
static void set_legacy_queue(struct virtio_mmio *mmio, struct virtqueue *queue, uint32_t frame)
{
    uint64_t align = is_power_of_two(mmio->queue_align) ? mmio->queue_align : 4096;
    queue->descriptors = (uint64_t)frame * mmio->page_size;
    queue->available = queue->descriptors + 16 * (uint64_t)queue->size;
    queue->used = round_up(queue->available + 6 + 2 * (uint64_t)queue->size, align < 4 ? 4 : align);
    if (frame)
        virtio_queue_set_ready(queue, true);
    else
        virtio_reset(queue->owner);
}

static void write_queue(struct virtio_mmio *mmio, uint64_t offset, uint32_t value)
{
    struct virtqueue *queue = selected_queue(mmio);
    if (!queue)
        return;
    bool legacy_register = offset == QUEUE_ALIGN || offset == QUEUE_PFN;
    if (offset != QUEUE_NUM && legacy_register != mmio->force_legacy) {
        log_printf(LOG_GUEST_ERRORS, "virtio-mmio: write of register 0x%x of the other interface version\n",
                   (unsigned)offset);
        return;
    }
    bool fixed = queue->ready && offset != QUEUE_READY && offset != QUEUE_PFN;
    if (fixed)
        return;
    switch (offset) {
    case QUEUE_NUM:
        queue->size =
            value > queue->max_size ? 0 : (uint16_t)value; // 0 is refused when the queue is made ready
        break;
    case QUEUE_ALIGN:
        mmio->queue_align = value;
        break;
    case QUEUE_PFN:
        set_legacy_queue(mmio, queue, value);
        break;
    case QUEUE_READY:
        virtio_queue_set_ready(queue, value & 1);
        break;
    case QUEUE_DESC_LOW:
    case QUEUE_DESC_HIGH:
        queue->descriptors = deposit64(queue->descriptors, offset & 4 ? 32 : 0, 32, value);
        break;
    case QUEUE_DRIVER_LOW:
    case QUEUE_DRIVER_HIGH:
        queue->available = deposit64(queue->available, offset & 4 ? 32 : 0, 32, value);
        break;
    case QUEUE_DEVICE_LOW:
    case QUEUE_DEVICE_HIGH:
        queue->used = deposit64(queue->used, offset & 4 ? 32 : 0, 32, value);
        break;
    case SHM_SEL: // there are no shared memory regions, whichever is chosen
        break;
    default:
        log_printf(LOG_GUEST_ERRORS, "virtio-mmio: write of register 0x%x\n", (unsigned)offset);
    }
}

static void mmio_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct virtio_mmio *mmio = opaque;
    uint32_t value = (uint32_t)wide;
    if (!mmio->plugged)
        return;
    if (access.offset >= CONFIG) {
        virtio_write_config(mmio->plugged, access.offset - CONFIG, access.size, value);
        return;
    }
    if (access.size != 4) {
        log_printf(LOG_GUEST_ERRORS, "virtio-mmio: %u-byte write of register 0x%x\n", access.size,
                   (unsigned)access.offset);
        return;
    }
    switch (access.offset) {
    case DEVICE_FEATURES_SEL:
        mmio->device_features_sel = value;
        break;
    case DRIVER_FEATURES:
        virtio_set_driver_features(mmio->plugged, mmio->driver_features_sel, value);
        break;
    case DRIVER_FEATURES_SEL:
        mmio->driver_features_sel = value;
        break;
    case LEGACY_PAGE_SIZE:
        mmio->page_size = is_power_of_two(value) ? value : 4096;
        break;
    case QUEUE_SEL:
        mmio->queue_sel = value;
        break;
    case QUEUE_NOTIFY:
        virtio_kick(mmio->plugged, value);
        break;
    case INTERRUPT_ACK:
        mmio->interrupt_status &= ~value;
        update_irq(mmio);
        break;
    case STATUS:
        virtio_set_status(mmio->plugged, (uint8_t)value);
        if (!(value & 0xff)) {
            mmio->interrupt_status = 0;
            update_irq(mmio);
        }
        break;
    default:
        write_queue(mmio, access.offset, value);
    }
}

static const struct mmio_ops mmio_ops = {mmio_read, mmio_write, 1, 4, false};

void virtio_mmio_wire(struct device *device, uint64_t base, struct irq_line irq, const char *bus_name)
{
    struct virtio_mmio *mmio = (struct virtio_mmio *)device;
    mmio->base = base;
    mmio->irq = irq;
    mmio->bus.name = alloc_string(bus_name);
}

static int virtio_mmio_realize(struct device *device, struct error *error)
{
    struct virtio_mmio *mmio = (struct virtio_mmio *)device;
    struct mem_region_desc desc = {.name = "virtio-mmio",
                                   .base = mmio->base,
                                   .size = VIRTIO_MMIO_SIZE,
                                   .kind = MEM_MMIO,
                                   .ops = &mmio_ops,
                                   .opaque = mmio};
    mmio->region = memory_map_add(device->machine->map, desc, error);
    if (!mmio->region)
        return -EINVAL;
    mmio->socket = (struct virtio_socket){&transport_ops, mmio, mmio->force_legacy, plugged};
    mmio->bus.type = "virtio-bus";
    mmio->bus.opaque = &mmio->socket;
    bus_add(device->machine, &mmio->bus);
    return 0;
}

static void virtio_mmio_unrealize(struct device *device)
{
    struct virtio_mmio *mmio = (struct virtio_mmio *)device;
    bus_remove(device->machine, &mmio->bus);
    memory_map_remove(device->machine->map, mmio->region);
    free(mmio->bus.name);
}

static void virtio_mmio_reset(struct device *device)
{
    struct virtio_mmio *mmio = (struct virtio_mmio *)device;
    if (mmio->plugged)
        virtio_reset(mmio->plugged);
    mmio->device_features_sel = mmio->driver_features_sel = mmio->queue_sel = mmio->interrupt_status = 0;
    mmio->page_size = mmio->queue_align = 4096;
    update_irq(mmio);
}

static void virtio_mmio_state_loaded(struct device *device)
{
    update_irq((struct virtio_mmio *)device);
}

static const struct property mmio_properties[] = {
    {"force-legacy", PROPERTY_BOOL, offsetof(struct virtio_mmio, force_legacy), "off",
     "offer the interface from before virtio 1.0", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

static const struct state_field mmio_state[] = {
    STATE_FIELD(virtio_mmio, U32, device_features_sel),
    STATE_FIELD(virtio_mmio, U32, driver_features_sel),
    STATE_FIELD(virtio_mmio, U32, queue_sel),
    STATE_FIELD(virtio_mmio, U32, interrupt_status),
    STATE_FIELD(virtio_mmio, U32, page_size),
    STATE_FIELD(virtio_mmio, U32, queue_align),
    STATE_END,
};

const struct device_type virtio_mmio_type = {
    .name = "virtio-mmio",
    .help = "virtio transport over memory-mapped registers",
    .instance_size = sizeof(struct virtio_mmio),
    .properties = mmio_properties,
    .state = mmio_state,
    .realize = virtio_mmio_realize,
    .unrealize = virtio_mmio_unrealize,
    .reset = virtio_mmio_reset,
    .state_loaded = virtio_mmio_state_loaded,
};
