// SPDX-License-Identifier: MIT
// What the loaders of the single formats share. Each takes the whole file and fills in machine->boot.
#pragma once

#include <stdint.h>

#include "tcg/base/error.h"

struct machine;
struct settings;

// A Linux Image for arm64, not compressed. `data` is the callee's from now on.
int load_arm64_image(struct machine *machine, uint8_t *data, uint64_t size, struct error *error);
// A bzImage, with the initrd and command line of the settings.
int load_x86_linux(struct machine *machine, uint8_t *data, uint64_t size, const struct settings *settings,
                   struct error *error);
int load_elf(struct machine *machine, const uint8_t *data, uint64_t size, struct error *error);
// Code without a header, entered at its first byte. `data` is the callee's from now on.
int load_raw(struct machine *machine, uint8_t *data, uint64_t size, struct error *error);

// "does not fit" with sizes, as -EFBIG.
int loader_no_room(const struct machine *machine, uint64_t bytes, struct error *error);
