// SPDX-License-Identifier: MIT
// Where the writes to a disk image go that is not to change (snapshot=on): a temporary file that has no name and takes room
// only for what is written, and a bit a sector that says where the sector is now.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tcg/base/error.h"

struct overlay;

// For a disk of `bytes`, in the folder that TMPDIR names, else in /var/tmp, which unlike /tmp is seldom in memory. Negative
// errno with a message.
int overlay_create(uint64_t bytes, struct overlay **overlay, struct error *error);
void overlay_destroy(struct overlay *overlay); // NULL is fine
// The file for writes, at the same offsets as in the image.
int overlay_file(const struct overlay *overlay);
// Whether the byte at `offset` is in the overlay rather than in the image; *length, what is wanted from there on, is cut to
// what is in the same place. Any thread.
bool overlay_holds(const struct overlay *overlay, uint64_t offset, uint64_t *length);
// Whole sectors have been written. Any thread.
void overlay_written(struct overlay *overlay, uint64_t offset, uint64_t length);
