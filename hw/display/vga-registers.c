// SPDX-License-Identifier: MIT
// VGA registers behind index ports (IBM VGA technical reference; the FreeVGA description).
#include <string.h>

#include "hw/display/vga-internal.h"

enum { MISC_COLOR = 1 << 0, OVERFLOW_LINE_COMPARE = 1 << 4 };

const struct state_field vga_state[] = {
    STATE_FIELD(vga, U8, misc),
    STATE_FIELD(vga, U8, feature),
    STATE_FIELD(vga, U8, sequencer_index),
    STATE_FIELD(vga, U8, crtc_index),
    STATE_FIELD(vga, U8, graphics_index),
    STATE_FIELD(vga, U8, attribute_index),
    STATE_FIELD(vga, U8, status),
    STATE_FIELD(vga, BOOL, attribute_data),
    STATE_ARRAY(vga, U8, sequencer),
    STATE_ARRAY(vga, U8, crtc),
    STATE_ARRAY(vga, U8, graphics),
    STATE_ARRAY(vga, U8, attribute),
    STATE_ARRAY(vga, U8, palette),
    STATE_FIELD(vga, U8, dac_mask),
    STATE_FIELD(vga, U8, dac_read),
    STATE_FIELD(vga, U8, dac_write),
    STATE_FIELD(vga, U8, dac_part),
    STATE_FIELD(vga, BOOL, dac_reading),
    STATE_FIELD(vga, U32, latch),
    STATE_FIELD(vga, U8, vbe_low),
    STATE_FIELD(vga, U16, vbe_index),
    STATE_ARRAY(vga, U16, vbe),
    STATE_FIELD(vga, U16, start_shown),
    STATE_FIELD(vga, U64, start_written_ns),
    STATE_FIELD(vga, U64, status_read_ns),
    STATE_END,
};

// Bits that are there.
static const uint8_t sequencer_mask[VGA_SEQUENCER_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff};
static const uint8_t graphics_mask[VGA_GRAPHICS_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
                                                          0x7b, 0x0f, 0x0f, 0xff};

void vga_reset(struct vga *vga)
{
    memset(&vga->misc, 0, sizeof(*vga) - offsetof(struct vga, misc));
    vga->dac_mask = 0xff;
    vga->vbe[VBE_ID] = 0xb0c5;
    vga->vbe[VBE_MEMORY_64K] = (uint16_t)(vga->memory_bytes >> 16);
    vga->screen.recolor = true;
}

// Whether the port is of the half (monochrome or color) that is off.
static bool is_elsewhere(const struct vga *vga, uint16_t port)
{
    bool mono = port >= 0x3b0 && port <= 0x3bf, color = port >= 0x3d0 && port <= 0x3df;
    return vga->misc & MISC_COLOR ? mono : color;
}

static uint8_t read_dac(struct vga *vga)
{
    uint8_t value = vga->palette[3 * vga->dac_read + vga->dac_part];
    if (++vga->dac_part == 3) {
        vga->dac_part = 0;
        vga->dac_read++;
    }
    return value;
}

static void write_dac(struct vga *vga, uint8_t value)
{
    vga->palette[3 * vga->dac_write + vga->dac_part] = value;
    vga->screen.recolor = true;
    if (++vga->dac_part == 3) {
        vga->dac_part = 0;
        vga->dac_write++;
    }
}

uint8_t vga_port_read(struct vga *vga, uint16_t port)
{
    if (is_elsewhere(vga, port))
        return 0xff;
    switch (port) {
    case 0x3c0:
        return vga->attribute_data ? 0 : vga->attribute_index;
    case 0x3c1:
        return vga->attribute[vga->attribute_index & 0x1f];
    case 0x3c2:
        return 0; // no switch is set
    case 0x3c4:
        return vga->sequencer_index;
    case 0x3c5:
        return vga->sequencer[vga->sequencer_index];
    case 0x3c6:
        return vga->dac_mask;
    case 0x3c7:
        return vga->dac_reading ? 3 : 0;
    case 0x3c8:
        return vga->dac_write;
    case 0x3c9:
        return read_dac(vga);
    case 0x3ca:
        return vga->feature;
    case 0x3cc:
        return vga->misc;
    case 0x3ce:
        return vga->graphics_index;
    case 0x3cf:
        return vga->graphics[vga->graphics_index];
    case 0x3b4:
    case 0x3d4:
        return vga->crtc_index;
    case 0x3b5:
    case 0x3d5:
        return vga->crtc[vga->crtc_index];
    case 0x3ba:
    case 0x3da:
        vga->attribute_data = false;
        return vga_status(vga);
    }
    return 0;
}

static void write_attribute(struct vga *vga, uint8_t value)
{
    unsigned index = vga->attribute_index & 0x1f;
    if (!vga->attribute_data)
        vga->attribute_index = value & 0x3f;
    else if (index < 16 && !(vga->attribute_index & ATTR_INDEX_SCREEN_ON))
        vga->attribute[index] = value & 0x3f;
    else if (index >= 16)
        vga->attribute[index] = value;
    vga->screen.recolor = true;
    vga->attribute_data = !vga->attribute_data;
}

static void write_crtc(struct vga *vga, uint8_t value)
{
    uint8_t index = vga->crtc_index;
    bool locked = vga->crtc[CRTC_V_RETRACE_END] >> 7;
    if (locked && index == CRTC_OVERFLOW)
        value = (uint8_t)((vga->crtc[index] & ~OVERFLOW_LINE_COMPARE) | (value & OVERFLOW_LINE_COMPARE));
    else if (locked && index < CRTC_OVERFLOW)
        return;
    if ((index == CRTC_START_HIGH || index == CRTC_START_LOW) && value != vga->crtc[index])
        vga_start_address_changes(vga);
    vga->crtc[index] = value;
}

void vga_port_write(struct vga *vga, uint16_t port, uint8_t value)
{
    if (is_elsewhere(vga, port))
        return;
    switch (port) {
    case 0x3c0:
        write_attribute(vga, value);
        break;
    case 0x3c2:
        vga->misc = value & 0xef;
        break;
    case 0x3c4:
        vga->sequencer_index = value & (VGA_SEQUENCER_COUNT - 1);
        break;
    case 0x3c5:
        vga->sequencer[vga->sequencer_index] = value & sequencer_mask[vga->sequencer_index];
        break;
    case 0x3c6:
        vga->dac_mask = value;
        vga->screen.recolor = true;
        break;
    case 0x3c7:
        vga->dac_read = value;
        vga->dac_part = 0;
        vga->dac_reading = true;
        break;
    case 0x3c8:
        vga->dac_write = value;
        vga->dac_part = 0;
        vga->dac_reading = false;
        break;
    case 0x3c9:
        write_dac(vga, value);
        break;
    case 0x3ce:
        vga->graphics_index = value & (VGA_GRAPHICS_COUNT - 1);
        break;
    case 0x3cf:
        vga->graphics[vga->graphics_index] = value & graphics_mask[vga->graphics_index];
        break;
    case 0x3b4:
    case 0x3d4:
        vga->crtc_index = value;
        break;
    case 0x3b5:
    case 0x3d5:
        write_crtc(vga, value);
        break;
    case 0x3ba:
    case 0x3da:
        vga->feature = value & 0x10;
        break;
    }
}
