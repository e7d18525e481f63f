// SPDX-License-Identifier: MIT
// What the parts of the I/O APIC share.
#pragma once

#include <pthread.h>

#include "hw/intc/ioapic.h"
#include "tcg/base/bits.h"

// A redirection table entry: vector 7:0, delivery mode 10:8, destination 63:56, and
#define RTE_LOGICAL BIT64(11)
#define RTE_ACTIVE_LOW BIT64(13)
#define RTE_REMOTE_IRR BIT64(14)
#define RTE_LEVEL BIT64(15)
#define RTE_MASKED BIT64(16)

struct ioapic {
    struct device device;
    pthread_mutex_t lock;
    uint64_t base;
    void (*message)(void *opaque, const struct message *message);
    void *message_opaque;
    struct mem_region *region;
    // Another's who does the work.
    irq_handler_fn *pin_set;
    void (*entry_changed)(struct ioapic *ioapic, unsigned pin); // with the lock held; NULL: nobody cares

    uint8_t select, id;
    uint32_t lines;
    uint64_t table[IOAPIC_PINS];
};

// The message that the entry of a pin stands for.
void ioapic_entry_message(uint64_t entry, uint64_t *address, uint32_t *data);

extern const struct state_field ioapic_state[];
int ioapic_realize(struct device *device, struct error *error);
void ioapic_unrealize(struct device *device);
void ioapic_reset(struct device *device);
void ioapic_init(struct device *device);

// ioapic-print.c
void ioapic_print_irq(struct device *device, FILE *out);
