// SPDX-License-Identifier: MIT
// Devices. A device has a constant type (name, help, properties, state fields, functions) and instances that
// embed `struct device` as their first member. Life: create (defaults set) -> set properties -> realize
// (checks, maps, connects) -> reset/run -> destroy.
//
// The state table names every field that the guest can change. Snapshots, replay digests and `info` read it,
// so a field that is missing there is a bug. Configuration (properties, wiring) is not state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hw/core/property.h"
#include "tcg/base/error.h"

struct machine;
struct device;
struct bus;

enum state_kind { STATE_U8, STATE_U16, STATE_U32, STATE_U64, STATE_BOOL, STATE_STRUCT };

// One field, or array of fields. Element i is at offset + i * stride; with `indirect`, `offset` holds a
// pointer to the elements instead. The number of elements is `count`, or is read from the uint32_t at
// `count_offset` of the same structure when that is not 0.
struct state_field {
    const char *name;
    enum state_kind kind;
    size_t offset, stride;
    uint32_t count;
    size_t count_offset;
    bool indirect;
    const struct state_field *fields; // STATE_STRUCT: of each element, ended by a NULL name
};

// Rows for the common cases. KIND is U8, U16, U32, U64 or BOOL; ARRAY takes its length from the C array.
#define STATE_FIELD(TYPE, KIND, FIELD)                                                                       \
    {                                                                                                        \
#FIELD, STATE_##KIND, offsetof(struct TYPE, FIELD), sizeof(((struct TYPE *)0)->FIELD), 1, 0, false,  \
            NULL                                                                                             \
    }
#define STATE_ARRAY(TYPE, KIND, FIELD)                                                                       \
    {                                                                                                        \
#FIELD, STATE_##KIND, offsetof(struct TYPE, FIELD), sizeof(((struct TYPE *)0)->FIELD[0]),            \
            sizeof(((struct TYPE *)0)->FIELD) / sizeof(((struct TYPE *)0)->FIELD[0]), 0, false, NULL         \
    }
// Elements behind a pointer; COUNT is a uint32_t member.
#define STATE_POINTER(TYPE, KIND, FIELD, COUNT)                                                              \
    {                                                                                                        \
#FIELD, STATE_##KIND, offsetof(struct TYPE, FIELD), sizeof(((struct TYPE *)0)->FIELD[0]), 0,         \
            offsetof(struct TYPE, COUNT), true, NULL                                                         \
    }
#define STATE_STRUCT_FIELD(TYPE, FIELD, FIELDS)                                                              \
    {                                                                                                        \
#FIELD, STATE_STRUCT, offsetof(struct TYPE, FIELD), sizeof(((struct TYPE *)0)->FIELD), 1, 0, false,  \
            FIELDS                                                                                           \
    }
#define STATE_STRUCTS(TYPE, FIELD, FIELDS)                                                                   \
    {                                                                                                        \
#FIELD, STATE_STRUCT, offsetof(struct TYPE, FIELD), sizeof(((struct TYPE *)0)->FIELD[0]),            \
            sizeof(((struct TYPE *)0)->FIELD) / sizeof(((struct TYPE *)0)->FIELD[0]), 0, false, FIELDS       \
    }
#define STATE_POINTER_STRUCTS(TYPE, FIELD, COUNT, FIELDS)                                                    \
    {                                                                                                        \
#FIELD, STATE_STRUCT, offsetof(struct TYPE, FIELD), sizeof(((struct TYPE *)0)->FIELD[0]), 0,         \
            offsetof(struct TYPE, COUNT), true, FIELDS                                                       \
    }
#define STATE_END                                                                                            \
    {                                                                                                        \
        NULL, STATE_U8, 0, 0, 0, 0, false, NULL                                                              \
    }

// The property of devices that firmware can start from, a uint32_t boot_index.
enum { BOOT_INDEX_NONE = UINT32_MAX };
#define BOOT_INDEX_PROPERTY(TYPE)                                                                            \
    {                                                                                                        \
        "bootindex", PROPERTY_UINT32, offsetof(struct TYPE, boot_index), "4294967295",                       \
            "place in the order in which firmware tries what to start, the lowest first", NULL               \
    }

struct device_type {
    const char *name, *help;
    const char *bus; // type of the bus it plugs into; NULL: wired by its board
    size_t instance_size;
    const struct property *properties;
    const struct state_field *state;
    bool user_creatable; // offered by -device
    // A device that this one is a transport for: made together with it, which takes the properties that are
    // not in this table. The transport realizes it and, before it is unrealized itself, unrealizes it.
    const struct device_type *inner;
    // Any of these may be NULL. All are called with the device lock held, or before vCPUs run.
    void (*init)(struct device *device); // after the defaults are set
    int (*realize)(struct device *device, struct error *error);
    void (*reset)(struct device *device);
    // Brings the structure in line with what is kept elsewhere, before its state table or print_irq is asked. With no vCPU
    // running.
    void (*fetch_state)(struct device *device);
    // Brings what is not in the state table (interrupt outputs, timers, mappings) in line after a state load.
    void (*state_loaded)(struct device *device);
    void (*unrealize)(struct device *device); // undoes realize; not called when that failed
    // Shows where interrupts stand and what holds them back, for whoever debugs a guest. With no vCPU running; changes nothing.
    void (*print_irq)(struct device *device, FILE *out);
};

struct device {
    const struct device_type *type;
    struct machine *machine;
    char *id;            // NULL: none given
    char *bus_name;      // wanted bus, NULL: the first free one
    struct bus *parent;  // plugged into, NULL: none
    struct device *next; // the machine's list, in order of realize
    struct device *inner, *outer;
    bool realized;
};

typedef void bus_firmware_name_fn(const struct bus *bus, const struct device *device, char *out, size_t size);

// A socket for one device. Buses that take many make one of these for each slot, or a shared one whose
// devices find their places in their own realize.
struct bus {
    const char *type; // matches device_type.bus
    char *name;
    struct device *device; // occupant; NULL for a shared one
    bool shared;
    void *opaque;         // the transport behind it
    struct device *owner; // the device that offers it; NULL: the board does
    // How firmware calls the device on this bus, "drive@0/disk@1"; NULL: not at all.
    bus_firmware_name_fn *firmware_name;
    struct bus *next; // the machine's list
};

// With defaults set, not realized.
struct device *device_create(struct machine *machine, const struct device_type *type, const char *id);
// Sets one property from text; "id" and "bus" are understood for every device. See property_set for results.
int device_set(struct device *device, const char *name, const char *text, struct error *error);
// Plugs the device into its bus if its type has one, realizes it and adds it to the machine. Afterwards
// properties are fixed. On failure the device is as before and can be destroyed.
int device_realize(struct device *device, struct error *error);
// Undoes it. Nothing for a device that is not realized.
void device_unrealize(struct device *device);
// The id that the user gave it, or the transport that it is in; NULL: none.
const char *device_user_id(const struct device *device);
void device_reset(struct device *device);
// Unrealizes if need be and frees it. NULL is fine.
void device_destroy(struct device *device);

// The Open Firmware path of the device below its root bus, "/ide@1,1/drive@0/disk@0": what firmware is told about boot
// devices in. False, with a path of no use, when a bus above it has no name for what is on it.
bool device_firmware_path(const struct device *device, char *out, size_t size);

// Adds a bus (not owned) to the machine's list. Free buses are taken from the end of the list, shared
// ones from its start.
void bus_add(struct machine *machine, struct bus *bus);
void bus_remove(struct machine *machine, struct bus *bus);

// Calls `visit` for every leaf of the state: `path` like "lines[3].level", `count` contiguous elements of
// `size` bytes, in host byte order.
typedef void state_visit_fn(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size);
void state_visit(const struct state_field *fields, void *object, state_visit_fn *visit, void *opaque);
// One "path=value" line for each leaf that is not zero.
void device_print_state(struct device *device, FILE *out);
// What type->print_irq shows, if there is such.
void device_print_irq(struct device *device, FILE *out);
// All devices with their properties, as `info qtree`.
void device_print_tree(struct machine *machine, FILE *out);
