// SPDX-License-Identifier: MIT
// I/O APIC: the redirection table, without pins that nobody has set up and nothing drives.
#include "hw/intc/ioapic-internal.h"

static const char *state_of(const struct ioapic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->table[pin];
    bool up = ioapic->lines >> pin & 1;
    if (entry & RTE_REMOTE_IRR)
        return "sent, waits for EOI";
    if (entry & RTE_MASKED)
        return !up ? "masked" : entry & RTE_LEVEL ? "masked, would be sent" : "masked, the edge is lost";
    return up ? "idle, the edge has been sent" : "idle";
}

void ioapic_print_irq(struct device *device, FILE *out)
{
    static const char *const deliveries[8] = {"fixed", "lowest", "SMI", "3", "NMI", "INIT", "6", "ExtINT"};
    struct ioapic *ioapic = (struct ioapic *)device;
    pthread_mutex_lock(&ioapic->lock);
    fprintf(out, "I/O APIC: id %u\n", ioapic->id);
    fprintf(out, "  %-4s %-7s %-9s %-18s %-8s %-9s %-5s %s\n", "pin", "vector", "delivery", "destination", "trigger",
            "polarity", "line", "state");
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t entry = ioapic->table[pin];
        bool up = ioapic->lines >> pin & 1;
        if (entry == RTE_MASKED && !up)
            continue;
        char destination[24];
        snprintf(destination, sizeof(destination), "0x%02x %s", (unsigned)(entry >> 56),
                 entry & RTE_LOGICAL ? "logical" : "physical");
        fprintf(out, "  %-4u 0x%02x    %-9s %-18s %-8s %-9s %-5s %s\n", pin, (unsigned)(entry & 0xff),
                deliveries[extract64(entry, 8, 3)], destination, entry & RTE_LEVEL ? "level" : "edge",
                entry & RTE_ACTIVE_LOW ? "low" : "high", up ? "on" : "off", state_of(ioapic, pin));
    }
    pthread_mutex_unlock(&ioapic->lock);
}
