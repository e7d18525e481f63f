// SPDX-License-Identifier: MIT
// The PCI function around a virtio device: identity, interrupts, life.
#include "hw/virtio/virtio-pci.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/core/machine.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-pci-internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum {
    VENDOR = 0x1af4,
    MODERN_DEVICE_BASE = 0x1040,
    SUBSYSTEM_MODERN = 0x1100,
    MSIX_BAR = 1,
    MSIX_VECTORS_MAX = 33,
    WINDOW_DATA = 16, // in the capability
};

enum legacy_choice { LEGACY_AUTO, LEGACY_ON, LEGACY_OFF };

// What a function says it is, by the number of the virtio device inside and, where that has several kinds, by its type.
static const struct identity {
    uint16_t virtio_id, legacy_device_id; // the latter 0: it came with virtio 1.0
    uint32_t class_code;
    const struct device_type *type; // NULL: any
} identities[] = {
    {1, 0x1000, 0x020000, NULL}, // network
    {2, 0x1001, 0x010000, NULL}, // block
    {3, 0x1003, 0x078000, NULL}, // serial
    {4, 0x1005, 0x00ff00, NULL}, // entropy
    {16, 0, 0x038000, NULL},     // graphics
    {18, 0, 0x090000, &virtio_keyboard_type},
    {18, 0, 0x090200, &virtio_mouse_type},
    {18, 0, 0x098000, NULL}, // other input
};

static const struct identity *find_identity(const struct virtio_device *inner)
{
    for (unsigned i = 0; i < ARRAY_SIZE(identities); i++)
        if (identities[i].virtio_id == inner->class->device_id &&
            (!identities[i].type || identities[i].type == inner->device.type))
            return &identities[i];
    return NULL;
}

struct virtqueue *virtio_pci_selected(const struct virtio_pci *self)
{
    return self->queue_select < self->plugged->queue_count ? &self->plugged->queues[self->queue_select]
                                                           : NULL;
}

uint16_t virtio_pci_vector(const struct virtio_pci *self, uint32_t wanted)
{
    return wanted < self->pci.msix_count ? (uint16_t)wanted : VIRTIO_PCI_NO_VECTOR;
}

static void forget(struct virtio_pci *self)
{
    self->isr = 0;
    self->config_vector = VIRTIO_PCI_NO_VECTOR;
    for (unsigned i = 0; i < VIRTIO_PCI_QUEUES_MAX; i++)
        self->queue_vectors[i] = VIRTIO_PCI_NO_VECTOR;
    pci_set_irq(&self->pci, false);
}

void virtio_pci_set_status(struct virtio_pci *self, uint8_t status)
{
    virtio_set_status(self->plugged, status);
    if (!status)
        forget(self);
}

void virtio_pci_kick(struct virtio_pci *self, uint32_t queue_index)
{
    if (pci_command_has(&self->pci, PCI_COMMAND_MASTER))
        virtio_kick(self->plugged, queue_index);
}

uint8_t virtio_pci_take_isr(struct virtio_pci *self)
{
    uint8_t isr = self->isr;
    self->isr = 0;
    pci_set_irq(&self->pci, false);
    return isr;
}

static void interrupt(void *opaque, struct virtqueue *queue)
{
    struct virtio_pci *self = opaque;
    if (pci_msix_enabled(&self->pci)) {
        pci_msix_notify(&self->pci, queue ? self->queue_vectors[queue->index] : self->config_vector);
        return;
    }
    self->isr |= queue ? VIRTIO_PCI_ISR_QUEUE : VIRTIO_PCI_ISR_QUEUE | VIRTIO_PCI_ISR_CONFIG;
    pci_set_irq(&self->pci, true);
}

static void running(void *opaque, bool on)
{
    struct virtio_pci *self = opaque;
    if (self->legacy_doorbells)
        virtio_pci_legacy_running(self, on && self->plugged->legacy);
    if (self->modern_doorbells)
        virtio_pci_modern_running(self, on && !self->plugged->legacy);
}

static const struct virtio_transport_ops transport_ops = {interrupt, running};

static void plugged(void *opaque, struct virtio_device *device)
{
    ((struct virtio_pci *)opaque)->plugged = device;
}

static bool in_window(const struct virtio_pci *self, unsigned offset, unsigned size)
{
    unsigned data = self->cfg_capability + WINDOW_DATA;
    return self->cfg_capability && offset < data + 4 && offset + size > data;
}

static void config_reading(struct pci_device *device, unsigned offset, unsigned size)
{
    struct virtio_pci *self = (struct virtio_pci *)device;
    if (in_window(self, offset, size))
        virtio_pci_window_read(self);
}

void virtio_pci_config_written(struct pci_device *device, unsigned offset, unsigned size)
{
    struct virtio_pci *self = (struct virtio_pci *)device;
    if (in_window(self, offset, size))
        virtio_pci_window_written(self);
}

static int check_modes(const struct virtio_pci *self, struct error *error)
{
    if (self->disable_legacy == LEGACY_ON && self->disable_modern)
        return error_set(error, EINVAL,
                         "device '%s' needs one of its two interfaces; not both can be disabled",
                         self->pci.device.type->name);
    return 0;
}

// Only once the device is plugged in is it known what the function is.
static int check_inner(const struct virtio_pci *self, struct error *error)
{
    const char *inner = self->pci.device.inner->type->name;
    if (self->plugged->queue_count > VIRTIO_PCI_QUEUES_MAX || !find_identity(self->plugged))
        return error_set(error, EINVAL, "device '%s' cannot be on PCI", inner);
    if (self->plugged->class->modern_only && self->disable_legacy == LEGACY_OFF)
        return error_set(error, EINVAL, "device '%s' has no interface from before virtio 1.0; leave out disable-legacy=off",
                         self->pci.device.type->name);
    return 0;
}

static bool offers_legacy(const struct virtio_pci *self)
{
    return self->disable_legacy != LEGACY_ON && !self->plugged->class->modern_only;
}

static void define_identity(struct virtio_pci *self)
{
    struct pci_device *pci = &self->pci;
    uint16_t id = self->plugged->class->device_id;
    const struct identity *identity = find_identity(self->plugged);
    bool legacy = offers_legacy(self);
    pci_define(pci, PCI_DEVICE_ID, 2, legacy ? identity->legacy_device_id : MODERN_DEVICE_BASE + id, 0);
    pci_define(pci, PCI_REVISION_ID, 4, identity->class_code << 8 | !legacy, 0);
    pci_define(pci, PCI_SUBSYSTEM_ID, 2, legacy ? id : SUBSYSTEM_MODERN, 0);
}

// A disk, that is; nothing else on this bus has a name.
static void firmware_name(const struct bus *bus, const struct device *device, char *out, size_t size)
{
    (void)bus, (void)device;
    snprintf(out, size, "disk@0,0");
}

static int plug_inner(struct virtio_pci *self, struct error *error)
{
    struct device *device = &self->pci.device;
    self->socket = (struct virtio_socket){&transport_ops, self, self->disable_modern, plugged};
    self->bus = (struct bus){.type = "virtio-bus",
                             .name = alloc_format("%s/%02x.%x/virtio-bus", self->pci.bus->bus.name,
                                                  self->pci.devfn >> 3, self->pci.devfn & 7),
                             .opaque = &self->socket,
                             .owner = device,
                             .firmware_name = firmware_name};
    bus_add(device->machine, &self->bus);
    int result = device_set(device->inner, "bus", self->bus.name, error);
    if (!result)
        result = device_realize(device->inner, error);
    if (result) {
        bus_remove(device->machine, &self->bus);
        free(self->bus.name);
    }
    return result;
}

void virtio_pci_unrealize(struct device *device)
{
    struct virtio_pci *self = (struct virtio_pci *)device;
    device_unrealize(device->inner);
    bus_remove(device->machine, &self->bus);
    free(self->bus.name);
    pci_unrealize(&self->pci);
    free(self->modern_doorbells);
    free(self->legacy_doorbells);
}

int virtio_pci_realize(struct device *device, struct error *error)
{
    struct virtio_pci *self = (struct virtio_pci *)device;
    self->class = (struct pci_class){.vendor_id = VENDOR,
                                     .subsystem_vendor_id = VENDOR,
                                     .interrupt_pin = 1,
                                     .config_reading = config_reading,
                                     .config_written = virtio_pci_config_written};
    int result = check_modes(self, error);
    if (!result)
        result = pci_realize(&self->pci, &self->class, error);
    if (result)
        return result;
    result = plug_inner(self, error);
    if (result) {
        pci_unrealize(&self->pci);
        return result;
    }
    result = check_inner(self, error);
    if (result) {
        virtio_pci_unrealize(device);
        return result;
    }
    uint32_t queues = self->plugged->queue_count;
    define_identity(self);
    // A vector for each queue and one for changes of the configuration; drivers share when these are few.
    pci_add_msix(&self->pci, MSIX_BAR, queues + 1 < MSIX_VECTORS_MAX ? queues + 1 : MSIX_VECTORS_MAX);
    if (!self->disable_modern)
        virtio_pci_add_modern(self);
    if (offers_legacy(self))
        virtio_pci_add_legacy(self);
    forget(self);
    return 0;
}

void virtio_pci_reset(struct device *device)
{
    struct virtio_pci *self = (struct virtio_pci *)device;
    virtio_reset(self->plugged);
    pci_reset(&self->pci);
    self->device_feature_select = self->driver_feature_select = 0;
    self->queue_select = 0;
    forget(self);
}

void virtio_pci_state_loaded(struct device *device)
{
    pci_state_loaded((struct pci_device *)device);
}

const char *const virtio_pci_legacy_choices[] = {"auto", "on", "off", NULL};

static const struct property auto_properties[] = {VIRTIO_PCI_PROPERTIES("auto")};
static const struct property transitional_properties[] = {VIRTIO_PCI_PROPERTIES("off")};
static const struct property non_transitional_properties[] = {VIRTIO_PCI_PROPERTIES("on")};

const struct state_field virtio_pci_state[] = {
    STATE_STRUCT_FIELD(virtio_pci, pci, pci_state),      STATE_FIELD(virtio_pci, U8, isr),
    STATE_FIELD(virtio_pci, U32, device_feature_select), STATE_FIELD(virtio_pci, U32, driver_feature_select),
    STATE_FIELD(virtio_pci, U16, queue_select),          STATE_FIELD(virtio_pci, U16, config_vector),
    STATE_ARRAY(virtio_pci, U16, queue_vectors),         STATE_END,
};

#define VIRTIO_PCI_TYPE(NAME, HELP, PROPERTIES, INNER)                                                       \
    {                                                                                                        \
        .name = NAME, .help = HELP, .bus = "PCI", .instance_size = sizeof(struct virtio_pci),                \
        .properties = PROPERTIES, .state = virtio_pci_state, .user_creatable = true, .inner = INNER,         \
        .realize = virtio_pci_realize, .unrealize = virtio_pci_unrealize, .reset = virtio_pci_reset,         \
        .state_loaded = virtio_pci_state_loaded                                                              \
    }

const struct device_type virtio_blk_pci_type =
    VIRTIO_PCI_TYPE("virtio-blk-pci", "virtio disk", auto_properties, &virtio_blk_type);
const struct device_type virtio_blk_pci_transitional_type = VIRTIO_PCI_TYPE(
    "virtio-blk-pci-transitional", "virtio disk, both interfaces", transitional_properties, &virtio_blk_type);
const struct device_type virtio_blk_pci_non_transitional_type =
    VIRTIO_PCI_TYPE("virtio-blk-pci-non-transitional", "virtio disk, 1.0 only", non_transitional_properties,
                    &virtio_blk_type);
const struct device_type virtio_rng_pci_type =
    VIRTIO_PCI_TYPE("virtio-rng-pci", "virtio source of random numbers", auto_properties, &virtio_rng_type);
const struct device_type virtio_rng_pci_transitional_type =
    VIRTIO_PCI_TYPE("virtio-rng-pci-transitional", "virtio source of random numbers, both interfaces",
                    transitional_properties, &virtio_rng_type);
const struct device_type virtio_rng_pci_non_transitional_type =
    VIRTIO_PCI_TYPE("virtio-rng-pci-non-transitional", "virtio source of random numbers, 1.0 only",
                    non_transitional_properties, &virtio_rng_type);
const struct device_type virtio_serial_pci_type =
    VIRTIO_PCI_TYPE("virtio-serial-pci", "virtio serial lines", auto_properties, &virtio_serial_type);
const struct device_type virtio_serial_pci_transitional_type =
    VIRTIO_PCI_TYPE("virtio-serial-pci-transitional", "virtio serial lines, both interfaces",
                    transitional_properties, &virtio_serial_type);
const struct device_type virtio_serial_pci_non_transitional_type =
    VIRTIO_PCI_TYPE("virtio-serial-pci-non-transitional", "virtio serial lines, 1.0 only",
                    non_transitional_properties, &virtio_serial_type);
const struct device_type virtio_keyboard_pci_type =
    VIRTIO_PCI_TYPE("virtio-keyboard-pci", "virtio keyboard", auto_properties, &virtio_keyboard_type);
const struct device_type virtio_mouse_pci_type =
    VIRTIO_PCI_TYPE("virtio-mouse-pci", "virtio mouse", auto_properties, &virtio_mouse_type);
const struct device_type virtio_tablet_pci_type =
    VIRTIO_PCI_TYPE("virtio-tablet-pci", "virtio pointer that tells where it is", auto_properties, &virtio_tablet_type);
const struct device_type virtio_multitouch_pci_type =
    VIRTIO_PCI_TYPE("virtio-multitouch-pci", "virtio touchscreen", auto_properties, &virtio_multitouch_type);
const struct device_type virtio_gpu_pci_type =
    VIRTIO_PCI_TYPE("virtio-gpu-pci", "virtio graphics", auto_properties, &virtio_gpu_type);
