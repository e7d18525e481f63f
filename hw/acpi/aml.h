// SPDX-License-Identifier: MIT
// Writes ACPI machine language (ACPI 6.3, chapter 20), term by term in the order of the encoding. What has a
// package length is begun and ended; the length is filled in at the end.
//
//   aml_name(aml, "_HID"); aml_eisa_id(aml, "PNP0A03");
//   aml_method(aml, "_STA", 0); aml_op(aml, AML_RETURN); aml_integer(aml, 15); aml_end(aml);
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AML_DEPTH_MAX = 16 };

struct aml {
    uint8_t *data; // malloc, the owner's
    size_t size, capacity;
    size_t open[AML_DEPTH_MAX]; // where lengths go
    unsigned depth;
};

enum aml_op {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_LOCAL0 = 0x60,
    AML_ARG0 = 0x68,
    AML_ARG1 = 0x69,
    AML_ARG3 = 0x6b,
    AML_STORE = 0x70,
    AML_AND = 0x7b,
    AML_OR = 0x7d,
    AML_CREATE_DWORD_FIELD = 0x8a,
    AML_NOTIFY = 0x86,
    AML_LNOT = 0x92,
    AML_LEQUAL = 0x93,
    AML_RETURN = 0xa4,
};

enum aml_space { AML_SYSTEM_MEMORY = 0, AML_SYSTEM_IO = 1, AML_PCI_CONFIG = 2 };
enum aml_access { AML_BYTE_ACCESS = 1, AML_DWORD_ACCESS = 3 };

void aml_byte(struct aml *aml, uint8_t value);
void aml_bytes(struct aml *aml, const void *data, size_t size);
void aml_le(struct aml *aml, uint64_t value, unsigned bytes);

// Terms.
void aml_op(struct aml *aml, enum aml_op op);
// "\\_SB_.PCI0", "^LNKA", "KBD": segments shorter than four characters are filled up.
void aml_path(struct aml *aml, const char *path);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
void aml_eisa_id(struct aml *aml, const char *id);
void aml_name(struct aml *aml, const char *path);
void aml_named_eisa_id(struct aml *aml, const char *path, const char *id);
void aml_named_integer(struct aml *aml, const char *path, uint64_t value);
void aml_region(struct aml *aml, const char *path, enum aml_space space, uint64_t offset, uint64_t bytes);

// Begun here, ended by aml_end.
void aml_scope(struct aml *aml, const char *path);
void aml_device(struct aml *aml, const char *path);
enum { AML_SERIALIZED = 8 }; // added to a method's arguments: it makes names of its own
void aml_method(struct aml *aml, const char *path, unsigned arguments);
void aml_if(struct aml *aml); // the condition follows, then the body
void aml_else(struct aml *aml);
void aml_package(struct aml *aml, uint8_t elements);
void aml_buffer(struct aml *aml, uint8_t bytes); // as many aml_byte follow
void aml_field(struct aml *aml, const char *region, enum aml_access access);
void aml_end(struct aml *aml);
// Inside a field.
void aml_field_unit(struct aml *aml, const char *name, unsigned bits);
void aml_field_skip(struct aml *aml, unsigned bits);

// A resource template, ended by aml_resources_end, and what stands in it.
void aml_resources(struct aml *aml);
void aml_resources_end(struct aml *aml);
void aml_resource_io(struct aml *aml, uint16_t base, uint8_t length);
void aml_resource_irq(struct aml *aml, unsigned irq); // edge triggered, of ISA
void aml_resource_dma(struct aml *aml, unsigned channel); // 8 bits at a time, of ISA
void aml_resource_interrupt(struct aml *aml, const uint32_t *gsis,
                            unsigned count); // level, active high, shared
void aml_resource_memory(struct aml *aml, uint32_t base, uint32_t length, bool writable);
// Windows that a bridge passes on, by their first and last addresses.
void aml_window_bus(struct aml *aml, uint16_t first, uint16_t last);
void aml_window_io(struct aml *aml, uint16_t first, uint16_t last);
void aml_window_memory(struct aml *aml, uint32_t first, uint32_t last, bool cacheable);
void aml_window_memory64(struct aml *aml, uint64_t first, uint64_t last);
