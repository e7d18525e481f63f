// SPDX-License-Identifier: MIT
// Parallel NOR flash with the Intel command set (CFI primary command set 1): a bank 32 bits wide, made of two
// chips of 16 bits side by side, in blocks of 256 KiB. Reads go straight to memory while the chips are in
// array mode.
#pragma once

#include "hw/core/device.h"

struct block_backend;

extern const struct device_type pflash_cfi01_type; // "cfi.pflash01"

enum { PFLASH_BLOCK_BYTES = 1 << 18 };

// Before realize. `size` is a power of two, at least one block. The drive may be NULL: the contents then live
// as long as the machine. A read-only drive may be smaller than the bank.
void pflash_wire(struct device *device, const char *region_name, uint64_t base, uint64_t size,
                 struct block_backend *drive);
