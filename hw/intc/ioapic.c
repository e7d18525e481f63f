// SPDX-License-Identifier: MIT
#include <assert.h>
#include <errno.h>

#include "hw/core/machine.h"
#include "hw/intc/ioapic-internal.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

enum { REGISTERS_SIZE = 0x1000, IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40 };
enum { INDEX_ID, INDEX_VERSION, INDEX_ARBITRATION, INDEX_TABLE = 0x10 };
enum { VERSION = 0x20 | (IOAPIC_PINS - 1) << 16 };

#define RTE_WRITABLE UINT64_C(0xff0000000001afff)

enum { DELIVER_LOWEST = 1, MESSAGE_BASE_SHIFT = 20 };

void ioapic_entry_message(uint64_t entry, uint64_t *address, uint32_t *data)
{
    bool redirect = extract64(entry, 8, 3) == DELIVER_LOWEST;
    uint32_t level = entry & RTE_LEVEL ? BIT32(15) : 0;
    *address = UINT64_C(0xfee) << MESSAGE_BASE_SHIFT | (entry >> 56) << 12 | (redirect ? BIT64(3) : 0) |
               (entry & RTE_LOGICAL ? BIT64(2) : 0);
    *data = (uint32_t)(entry & 0x7ff) | BIT32(14) | level;
}

static void send(const struct ioapic *ioapic, uint64_t entry)
{
    struct message message = {0};
    ioapic_entry_message(entry, &message.address, &message.data);
    ioapic->message(ioapic->message_opaque, &message);
}

// A level-triggered pin is served once until the local APIC has ended it.
static void serve_level(struct ioapic *ioapic, unsigned pin)
{
    uint64_t *entry = &ioapic->table[pin];
    if (!(*entry & RTE_LEVEL) || (*entry & (RTE_MASKED | RTE_REMOTE_IRR)) || !(ioapic->lines >> pin & 1))
        return;
    *entry |= RTE_REMOTE_IRR;
    send(ioapic, *entry);
}

static void pin_set(void *opaque, unsigned pin, bool level)
{
    struct ioapic *ioapic = opaque;
    pthread_mutex_lock(&ioapic->lock);
    bool rises = level && !(ioapic->lines >> pin & 1);
    ioapic->lines = deposit32(ioapic->lines, pin, 1, level);
    uint64_t entry = ioapic->table[pin];
    if (entry & RTE_LEVEL)
        serve_level(ioapic, pin);
    else if (rises && !(entry & RTE_MASKED))
        send(ioapic, entry);
    pthread_mutex_unlock(&ioapic->lock);
}

void ioapic_eoi(void *opaque, uint8_t vector)
{
    struct ioapic *ioapic = opaque;
    pthread_mutex_lock(&ioapic->lock);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t *entry = &ioapic->table[pin];
        if ((*entry & 0xff) != vector || !(*entry & RTE_REMOTE_IRR))
            continue;
        *entry &= ~RTE_REMOTE_IRR;
        serve_level(ioapic, pin);
    }
    pthread_mutex_unlock(&ioapic->lock);
}

static void write_entry(struct ioapic *ioapic, unsigned index, uint32_t value)
{
    unsigned pin = index / 2, shift = index % 2 * 32;
    uint64_t *entry = &ioapic->table[pin];
    uint64_t written = deposit64(*entry, shift, 32, value);
    *entry = (written & RTE_WRITABLE) | (*entry & RTE_REMOTE_IRR);
    // Turned to edge triggered there is nothing to end; older systems end level interrupts so.
    if (!(*entry & RTE_LEVEL))
        *entry &= ~RTE_REMOTE_IRR;
    if (ioapic->entry_changed)
        ioapic->entry_changed(ioapic, pin);
    serve_level(ioapic, pin);
}

static uint32_t read_window(const struct ioapic *ioapic)
{
    unsigned index = ioapic->select - (unsigned)INDEX_TABLE;
    if (index < 2 * IOAPIC_PINS)
        return (uint32_t)(ioapic->table[index / 2] >> (index % 2 * 32));
    if (ioapic->select == INDEX_VERSION)
        return VERSION;
    return ioapic->select <= INDEX_ARBITRATION ? (uint32_t)ioapic->id << 24 : 0;
}

static void write_window(struct ioapic *ioapic, uint32_t value)
{
    unsigned index = ioapic->select - (unsigned)INDEX_TABLE;
    if (index < 2 * IOAPIC_PINS)
        write_entry(ioapic, index, value);
    else if (ioapic->select == INDEX_ID)
        ioapic->id = value >> 24 & 0xf;
    else
        log_printf(LOG_GUEST_ERRORS, "ioapic: write of register 0x%x\n", ioapic->select);
}

static uint64_t ioapic_read(void *opaque, struct mmio_access access)
{
    struct ioapic *ioapic = opaque;
    uint32_t value = 0;
    pthread_mutex_lock(&ioapic->lock);
    if (access.offset == IOREGSEL)
        value = ioapic->select;
    else if (access.offset == IOWIN)
        value = read_window(ioapic);
    pthread_mutex_unlock(&ioapic->lock);
    return value;
}

static void ioapic_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct ioapic *ioapic = opaque;
    if (access.offset == IOEOI) {
        ioapic_eoi(ioapic, (uint8_t)value);
        return;
    }
    pthread_mutex_lock(&ioapic->lock);
    if (access.offset == IOREGSEL)
        ioapic->select = (uint8_t)value;
    else if (access.offset == IOWIN)
        write_window(ioapic, (uint32_t)value);
    pthread_mutex_unlock(&ioapic->lock);
}

static const struct mmio_ops ioapic_ops = {ioapic_read, ioapic_write, 4, 4, true};

struct irq_line ioapic_input(struct device *device, unsigned pin)
{
    assert(pin < IOAPIC_PINS);
    return (struct irq_line){((struct ioapic *)device)->pin_set, device, pin};
}

void ioapic_wire(struct device *device, uint64_t base,
                 void (*message)(void *opaque, const struct message *message), void *opaque)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    ioapic->base = base;
    ioapic->message = message;
    ioapic->message_opaque = opaque;
}

void ioapic_init(struct device *device)
{
    ((struct ioapic *)device)->pin_set = pin_set;
}

int ioapic_realize(struct device *device, struct error *error)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    assert(ioapic->message);
    struct mem_region_desc desc = {.name = "ioapic",
                                   .base = ioapic->base,
                                   .size = REGISTERS_SIZE,
                                   .kind = MEM_MMIO,
                                   .priority = 1,
                                   .ops = &ioapic_ops,
                                   .opaque = ioapic};
    ioapic->region = memory_map_add(device->machine->map, desc, error);
    if (!ioapic->region)
        return -EINVAL;
    pthread_mutex_init(&ioapic->lock, NULL);
    return 0;
}

void ioapic_unrealize(struct device *device)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    memory_map_remove(device->machine->map, ioapic->region);
    pthread_mutex_destroy(&ioapic->lock);
}

void ioapic_reset(struct device *device)
{
    struct ioapic *ioapic = (struct ioapic *)device;
    pthread_mutex_lock(&ioapic->lock);
    ioapic->select = ioapic->id = 0;
    for (unsigned i = 0; i < IOAPIC_PINS; i++)
        ioapic->table[i] = RTE_MASKED;
    pthread_mutex_unlock(&ioapic->lock);
}

const struct state_field ioapic_state[] = {
    STATE_FIELD(ioapic, U8, select),
    STATE_FIELD(ioapic, U8, id),
    STATE_FIELD(ioapic, U32, lines),
    STATE_ARRAY(ioapic, U64, table),
    STATE_END,
};

const struct device_type ioapic_type = {
    .name = "ioapic",
    .help = "I/O APIC, version 0x20",
    .instance_size = sizeof(struct ioapic),
    .state = ioapic_state,
    .init = ioapic_init,
    .realize = ioapic_realize,
    .unrealize = ioapic_unrealize,
    .reset = ioapic_reset,
    .print_irq = ioapic_print_irq,
};
