// SPDX-License-Identifier: MIT
// The images that UEFI firmware has loaded (drivers, applications, its core), found by looking at a guest's memory alone: by the
// firmware's table for debuggers (UEFI 2.10, 18.4). Firmware maps memory one to one, so that all addresses are physical too.
// What is read may be half made or hostile: all of it is checked, and the work is bounded.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/kernel-finder.h"

struct uefi_memory {
    bool (*read)(void *opaque, uint64_t gpa, void *out, size_t bytes);
    void *opaque;
    const struct kernel_ram *ram;
    unsigned ram_count;
};

struct uefi_section {
    char name[9];
    uint64_t address, bytes;
    bool code;
};

struct uefi_image {
    char name[64]; // the file's in `path` without its ending; else a GUID or a file's name; printable, never empty
    char *path;    // of what debuggers read, where it was built; printable; NULL: not known
    uint64_t base, bytes;
    struct uefi_section *sections;
    unsigned section_count;
};

struct uefi_images {
    uint64_t system_table;
    bool wide; // pointers have 64 bits
    char vendor[64];
    uint32_t revision; // the firmware's own
    struct uefi_image *images; // in the firmware's order
    unsigned count;
    uint32_t state; // another one when images come or go
};

// How much is looked at for the system table: what points to it, which is at a multiple of 4 MiB; or RAM too, up to a GiB.
enum uefi_effort { UEFI_QUICK, UEFI_THOROUGH };

// NULL: there is no firmware that tells. Free with uefi_images_destroy.
struct uefi_images *uefi_images_find(const struct uefi_memory *memory, enum uefi_effort effort);
void uefi_images_destroy(struct uefi_images *images); // NULL is fine
// The state alone, by the address of the system table that was found before: fast. 0: it is no longer there.
uint32_t uefi_images_state(const struct uefi_memory *memory, uint64_t system_table);

// --- uefi-pe.c ---
// Path and sections of the PE image (PE/COFF specification 8.3) at image->base, whose bounds are set. False where there is none.
bool uefi_read_pe(const struct uefi_memory *memory, struct uefi_image *image);

// --- uefi-volumes.c ---
// The files' names in the volumes that the list of hand-off blocks at this address tells of.
struct uefi_names;
struct uefi_names *uefi_names_read(const struct uefi_memory *memory, uint64_t blocks);
const char *uefi_name(const struct uefi_names *names, const uint8_t guid[16]); // NULL: none
void uefi_names_destroy(struct uefi_names *names); // NULL is fine

// UCS-2, as far as it is printable ASCII.
void uefi_read_text(const struct uefi_memory *memory, uint64_t address, char *out, size_t size);
