// SPDX-License-Identifier: MIT
// Parallel NOR flash with the Intel command set (CFI primary command set 1). Reads go straight to memory while the chips
// are in array mode.
#pragma once

#include "hw/core/device.h"

struct block_backend;

extern const struct device_type pflash_cfi01_type; // "cfi.pflash01"

enum pflash_kind {
    PFLASH_TWO_16_BITS, // a bank 32 bits wide: two chips of 16 bits side by side, in blocks of 256 KiB
    PFLASH_8_BITS,      // one chip, in blocks of 4 KiB
};
enum { PFLASH_BLOCK_BYTES = 1 << 18, PFLASH_SMALL_BLOCK_BYTES = 1 << 12 };

// Before realize. `size` is a number of blocks, at most 65536. The drive may be NULL: the contents then live as long as the
// machine. A read-only drive may be smaller than the bank.
void pflash_wire(struct device *device, enum pflash_kind kind, const char *region_name, uint64_t base, uint64_t size,
                 struct block_backend *drive);
// Where the contents are in the machine's RAM block. After realize.
uint64_t pflash_ram_offset(const struct device *device);
