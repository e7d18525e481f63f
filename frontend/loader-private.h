// SPDX-License-Identifier: MIT
// What the loaders of the single formats share. Each takes the whole file and fills in machine->boot.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tcg/base/error.h"

struct machine;
struct settings;

// A Linux Image for arm64, not compressed. `data` is the callee's from now on.
int load_arm64_image(struct machine *machine, uint8_t *data, uint64_t size, struct error *error);
// A bzImage, with the initrd and command line of the settings.
int load_x86_linux(struct machine *machine, uint8_t *data, uint64_t size, const struct settings *settings,
                   struct error *error);
// Puts the segments into memory and fills in where they are; load_elf has the machine start there, too.
int load_elf_segments(struct machine *machine, const uint8_t *data, uint64_t size, struct error *error);
int load_elf(struct machine *machine, const uint8_t *data, uint64_t size, struct error *error);
// Code without a header, entered at its first byte. `data` is the callee's from now on.
int load_raw(struct machine *machine, uint8_t *data, uint64_t size, struct error *error);

// An ELF program with a PVH note, which names its entry.
bool elf_is_pvh(const uint8_t *data, uint64_t size, uint64_t *entry);
int load_pvh(struct machine *machine, const uint8_t *data, uint64_t size, uint64_t entry, const struct settings *settings,
             struct error *error);
// A file with a Multiboot header at `offset`.
bool multiboot_find_header(const uint8_t *data, uint64_t size, uint64_t *offset);
int load_multiboot(struct machine *machine, const uint8_t *data, uint64_t size, uint64_t header, struct settings *settings,
                   struct error *error);

// The page behind the kernel and what was put there already; puts `data`, which is the callee's from now on, there.
uint64_t loader_next_place(const struct machine *machine);
int loader_place_behind(struct machine *machine, const char *name, uint8_t *data, uint64_t size, uint64_t *gpa,
                        struct error *error);

// "does not fit" with sizes, as -EFBIG.
int loader_no_room(const struct machine *machine, uint64_t bytes, struct error *error);
