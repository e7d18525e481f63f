// SPDX-License-Identifier: MIT
// What a monitor says of itself: VESA Enhanced EDID 1.4, one base block and one extension. The extension is a CTA-861
// block with more detailed timings, or a DisplayID 1.3 section when the preferred mode is too large for those of EDID
// (4095 pixels a side, 655.35 MHz).
#pragma once

#include <stdint.h>

enum { EDID_BLOCK_BYTES = 128, EDID_BYTES = 2 * EDID_BLOCK_BYTES };

// Zero or NULL: nothing said.
struct edid_info {
    unsigned width, height;         // preferred mode, pixels; below 64 or above 16384 becomes the nearest of the two
    unsigned width_mm, height_mm;   // of the picture; 0: as of 100 dots per inch
    unsigned max_width, max_height; // other modes offered are no larger; 0: any
    const char *name, *serial;      // up to 13 characters of ASCII
};

// Any thread.
void edid_build(const struct edid_info *info, uint8_t out[EDID_BYTES]);
