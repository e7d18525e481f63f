// SPDX-License-Identifier: MIT
// PCI devices and buses (PCI Local Bus Specification 3.0; configuration space of PCI Express).
//
// A device type embeds `struct pci_device` first, puts PCI_PROPERTIES into its property table and "PCI" into
// its `bus`, and calls pci_realize, pci_unrealize, pci_reset and pci_state_loaded from its own functions.
// Between pci_realize and the end of its own realize it describes configuration space, BARs and
// capabilities by the functions below; after that the configuration space belongs to the guest.
//
// Device lock held in all calls.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/device.h"
#include "hw/core/memory-map.h"
#include "hw/core/message.h"
#include "hw/pci/pci-regs.h"
#include "hw/pci/window.h"

struct pci_bus;
struct pci_device;

enum {
    PCI_FUNCTIONS = 256, // of a bus
    PCI_BARS = 6,
    PCI_ROM_BAR = PCI_BARS,
    PCI_PINS = 4,
    PCI_HOST_INPUTS = 8, // interrupt inputs a host bridge may have
    PCI_HOST_RANGES = 2,
    PCI_CONFIG_BYTES = 256,
    PCI_EXPRESS_CONFIG_BYTES = 4096,
    PCI_MSIX_MAX = 2048,
    // Priority of BARs in the memory map. What the board maps without one lies on top, so that a guest cannot
    // hide the firmware or the interrupt controllers behind a BAR.
    PCI_BAR_PRIORITY = -16,
};

#define PCI_DEVFN(SLOT, FUNCTION) ((uint8_t)((SLOT) << 3 | (FUNCTION)))

// The host bridge's (or board's) side of a root bus.
struct pci_root_ops {
    // The host's interrupt input for a pin (0 is INTA#) of a device on the root bus.
    unsigned (*map_irq)(void *opaque, uint8_t devfn, unsigned pin);
    void (*set_irq)(void *opaque, unsigned input, bool level);
    // A message-signalled interrupt. NULL: messages go nowhere.
    void (*message)(void *opaque, const struct message *message);
};

// Addresses that a host bridge passes on to its bus.
struct pci_range {
    uint64_t base, size;
};

struct pci_bus {
    struct bus bus; // where -device plugs in
    struct machine *machine;
    struct pci_device *devices[PCI_FUNCTIONS];
    bool express;                   // functions have extended configuration space
    uint8_t first_slot;             // slots below are the board's: devices without an address come after
    struct memory_map *memory, *io; // where BARs appear; `io` may be NULL
    bool zero_is_place;             // for a BAR; else one that is 0 has not been set
    unsigned range_count;           // of memory that reaches the bus; 0: all does
    struct pci_range ranges[PCI_HOST_RANGES];
    const struct pci_root_ops *ops;
    void *ops_opaque;
    uint32_t input_counts[PCI_HOST_INPUTS]; // devices that pull the input
};

// A root bus called `name` ("pci.0"). It appears in the machine's list of buses.
void pci_bus_init(struct pci_bus *bus, struct machine *machine, const char *name, bool express,
                  struct memory_map *memory, struct memory_map *io, const struct pci_root_ops *ops,
                  void *opaque);
void pci_bus_release(struct pci_bus *bus);

// What a function is. `class_code` is class, subclass and interface in one 24-bit number.
struct pci_class {
    uint16_t vendor_id, device_id, subsystem_vendor_id, subsystem_id;
    uint8_t revision;
    uint32_t class_code;
    uint8_t interrupt_pin; // 1 is INTA#, 0: none
    // Before the guest reads configuration space, for registers that follow something else. May be NULL.
    void (*config_reading)(struct pci_device *device, unsigned offset, unsigned size);
    // After the guest wrote configuration space, with everything common done. May be NULL.
    void (*config_written)(struct pci_device *device, unsigned offset, unsigned size);
};

enum pci_bar_space { PCI_BAR_IO, PCI_BAR_MEM32, PCI_BAR_MEM64 };

struct pci_bar {
    bool present;
    enum pci_bar_space space;
    struct mem_window window;
};

struct pci_msix_entry {
    uint64_t address;
    uint32_t data, control;
    bool pending;
    struct message_notifier notifier;
};

struct pci_device {
    struct device device;
    const struct pci_class *class;
    struct pci_bus *bus;
    uint8_t devfn;
    struct pci_bar bars[PCI_BARS + 1];
    uint8_t *initial, *writable, *clears; // of each byte: after reset, bits to write, bits that ones clear
    uint32_t capability_end, capability_last;
    uint16_t msi_at, msix_at; // capabilities; 0: none
    uint8_t msix_bar;
    bool pin_sent; // what the host was told of the pin

    uint32_t config_bytes;
    uint8_t *config;
    bool pin_level; // what the device drives
    uint32_t msix_count;
    struct pci_msix_entry *msix;

    // Properties.
    char *address, *rom_file;
    bool multifunction, rom_bar;
};

#define PCI_PROPERTIES(TYPE, PATH)                                                                           \
    {"addr", PROPERTY_STRING, offsetof(struct TYPE, PATH.address), NULL, "slot, or slot.function, in hex",   \
     NULL},                                                                                                  \
        {"multifunction",                                                                                    \
         PROPERTY_BOOL,                                                                                      \
         offsetof(struct TYPE, PATH.multifunction),                                                          \
         "off",                                                                                              \
         "function 0 says that the slot has more functions",                                                 \
         NULL},                                                                                              \
        {"romfile",                                                                                          \
         PROPERTY_STRING,                                                                                    \
         offsetof(struct TYPE, PATH.rom_file),                                                               \
         NULL,                                                                                               \
         "image of the expansion ROM; empty for none",                                                       \
         NULL},                                                                                              \
    {                                                                                                        \
        "rombar", PROPERTY_BOOL, offsetof(struct TYPE, PATH.rom_bar), "on", "show the expansion ROM", NULL   \
    }

extern const struct state_field pci_state[]; // of struct pci_device

// For device types.
// Finds the device its place on the bus it plugs into and sets the standard header up.
int pci_realize(struct pci_device *device, const struct pci_class *class, struct error *error);
void pci_unrealize(struct pci_device *device);
void pci_reset(struct pci_device *device);
void pci_state_loaded(struct pci_device *device);

// A register of 1, 2 or 4 bytes: its value after reset and the bits that the guest can write.
void pci_define(struct pci_device *device, unsigned offset, unsigned size, uint32_t value, uint32_t writable);
// Bits that are cleared where ones are written.
void pci_define_clears(struct pci_device *device, unsigned offset, unsigned size, uint32_t bits);
uint32_t pci_get(const struct pci_device *device, unsigned offset, unsigned size);
// Changes a register of the running device by hardware (not by the guest).
void pci_put(struct pci_device *device, unsigned offset, unsigned size, uint32_t value);

// Takes room for a capability (`size` bytes with its two-byte head) at `offset`, or after the last one for 0.
// Returns the offset. The list shows capabilities in order of adding.
unsigned pci_add_capability(struct pci_device *device, enum pci_capability id, unsigned offset,
                            unsigned size);
// A BAR. `desc` describes what is mapped: size (a power of two), kind, handlers or place in guest RAM. A
// 64-bit one takes the next BAR too.
void pci_add_bar(struct pci_device *device, unsigned number, enum pci_bar_space space, bool prefetchable,
                 struct mem_region_desc desc);
// The BAR has these doorbells (hw/core/memory-map.h) from now on, wherever it is; they must outlive it or the next call.
void pci_bar_set_doorbells(struct pci_device *device, unsigned number, const struct mem_doorbell *doorbells, unsigned count);
// An expansion ROM, from the property "romfile" or else `file` (both may be NULL: no ROM). The contents are
// copied into guest RAM that is carved here.
int pci_add_rom(struct pci_device *device, const char *file, struct error *error);
// Whether accesses to memory at these addresses reach the function: the host bridge passes them on, and the guest lets
// the function answer.
bool pci_memory_reaches(const struct pci_device *device, uint64_t address, uint64_t size);
// Where a BAR is, if it is decoded at the moment.
bool pci_bar_address(const struct pci_device *device, unsigned number, uint64_t *address);

// Drives the function's interrupt pin.
void pci_set_irq(struct pci_device *device, bool level);
bool pci_command_has(const struct pci_device *device, enum pci_command bit);
// DMA as a bus master: false, without an access, while the guest has not enabled it.
bool pci_dma_read(struct pci_device *device, uint64_t address, void *buffer, uint64_t length);
bool pci_dma_write(struct pci_device *device, uint64_t address, const void *buffer, uint64_t length);
// Guest memory to move data to or from directly, as dma_map; NULL also while bus mastering is off.
void *pci_dma_map(struct pci_device *device, uint64_t address, uint64_t *length, bool write);
void pci_dma_wrote(struct pci_device *device, const void *pointer, uint64_t length);

// Message-signalled interrupts (hw/pci/msi.c).
void pci_add_msi(struct pci_device *device, unsigned offset);
bool pci_msi_enabled(const struct pci_device *device);
void pci_msi_notify(struct pci_device *device);
// MSI-X with `count` vectors, alone in memory BAR `bar`.
void pci_add_msix(struct pci_device *device, unsigned bar, unsigned count);
bool pci_msix_enabled(const struct pci_device *device);
// Signals a vector; one that is masked stays pending. A number that is too large does nothing.
void pci_msix_notify(struct pci_device *device, unsigned vector);

// For host bridges, as device_type.print_irq (pci-print.c).
void pci_print_irq(const struct pci_bus *bus, FILE *out);
// For host bridges: an access of the guest. `offset` may be past the end of what the function has; nobody
// there reads as all ones. Sizes 1, 2, 4, aligned or not.
uint32_t pci_config_read(struct pci_bus *root, unsigned bus, uint8_t devfn, unsigned offset, unsigned size);
void pci_config_write(struct pci_bus *root, unsigned bus, uint8_t devfn, unsigned offset, unsigned size,
                      uint32_t value);
