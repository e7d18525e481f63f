// SPDX-License-Identifier: MIT
// Between the files of the VGA. Memory holds the four planes byte by byte: plane p of address a is at 4 * a +
// p, so that chained modes and the linear framebuffer are plain memory.
#pragma once

#include "hw/core/clock.h"
#include "hw/core/display.h"
#include "hw/core/ram-watch.h"
#include "hw/display/vga.h"
#include "hw/pci/pci.h"

enum {
    VGA_SEQUENCER_COUNT = 8,
    VGA_CRTC_COUNT = 256, // the index register is a byte; 25 of them mean something
    VGA_GRAPHICS_COUNT = 16,
    VGA_ATTRIBUTE_COUNT = 32,
    VGA_PALETTE_BYTES = 768,
    VGA_PLANE_BYTES = 64 << 10,
    VBE_REGISTERS = 11,
};

enum vbe_register {
    VBE_ID,
    VBE_XRES,
    VBE_YRES,
    VBE_BPP,
    VBE_ENABLE,
    VBE_BANK,
    VBE_VIRT_WIDTH,
    VBE_VIRT_HEIGHT,
    VBE_X_OFFSET,
    VBE_Y_OFFSET,
    VBE_MEMORY_64K,
};

enum vbe_enable {
    VBE_ENABLED = 1 << 0,
    VBE_GET_CAPS = 1 << 1,
    VBE_8BIT_DAC = 1 << 5,
    VBE_LFB = 1 << 6,
    VBE_NO_CLEAR = 1 << 7
};

enum crtc_register {
    CRTC_TOTAL,
    CRTC_DISPLAY_END,
    CRTC_V_TOTAL = 6,
    CRTC_OVERFLOW,
    CRTC_PRESET_ROW_SCAN,
    CRTC_MAX_SCAN_LINE,
    CRTC_CURSOR_START,
    CRTC_CURSOR_END,
    CRTC_START_HIGH,
    CRTC_START_LOW,
    CRTC_CURSOR_HIGH,
    CRTC_CURSOR_LOW,
    CRTC_V_RETRACE_START,
    CRTC_V_RETRACE_END,
    CRTC_V_DISPLAY_END,
    CRTC_OFFSET,
    CRTC_UNDERLINE,
    CRTC_MODE = 0x17,
    CRTC_LINE_COMPARE,
};
enum {
    CRTC_MAX_SCAN_DOUBLE = 1 << 7,
    CRTC_CURSOR_OFF = 1 << 5,
    CRTC_UNDERLINE_DWORD = 1 << 6,
    CRTC_MODE_NO_MAP13 = 1 << 0, // address bit 13 is the counter's, not the row scan's bit 0
    CRTC_MODE_NO_MAP14 = 1 << 1,
    CRTC_MODE_HALF_LINES = 1 << 2,
    CRTC_MODE_WRAP_64K = 1 << 5,
    CRTC_MODE_BYTE = 1 << 6,
};
enum { SEQ_CLOCKING = 1, SEQ_MAP_MASK, SEQ_CHARACTER_MAP, SEQ_MEMORY_MODE };
enum {
    SEQ_EIGHT_DOTS = 1 << 0,
    SEQ_HALF_CLOCK = 1 << 3,
    SEQ_SCREEN_OFF = 1 << 5,
    SEQ_NO_ODD_EVEN = 1 << 2,
    SEQ_CHAIN_4 = 1 << 3
};
enum { GR_MODE = 5, GR_MISC = 6 };
enum { GR_MODE_ODD_EVEN = 1 << 4, GR_MODE_PAIRS = 1 << 5, GR_MODE_256 = 1 << 6, GR_MISC_GRAPHICS = 1 << 0 };
enum { ATTR_MODE = 0x10, ATTR_PLANE_ENABLE = 0x12, ATTR_PAN, ATTR_COLOR_SELECT };
enum {
    ATTR_MONO = 1 << 1,
    ATTR_LINE_GRAPHICS = 1 << 2,
    ATTR_BLINK = 1 << 3,
    ATTR_PAN_UPPER_ONLY = 1 << 5,
    ATTR_P54S = 1 << 7,
    ATTR_INDEX_SCREEN_ON = 1 << 5 // of the index register
};
enum { STATUS_DISPLAY_DISABLED = 1 << 0, STATUS_RETRACE = 1 << 3 };

enum vga_format {
    VGA_NOTHING,
    VGA_TEXT,
    VGA_PLANES, // a bit of a pixel in each plane
    VGA_PAIRS,  // two bits of a pixel in a plane, as CGA has them
    VGA_BYTES,  // a pixel in each plane
    VGA_LINEAR, // a mode of the Bochs interface
};

// All that a picture follows from, beside memory and colors. Compared byte by byte: made of zeroes first.
struct vga_picture {
    enum vga_format format;
    unsigned width, height;

    // VGA_LINEAR. One line starts line_bytes after the other; with 4 bits a pixel these count bytes of a plane.
    unsigned bits, line_bytes, skip_pixels;
    uint64_t first;

    // The others.
    unsigned columns, dots, repeat; // characters, dots of each, pixels of each dot
    unsigned row_step, max_scan, preset_scan, pan, lower_pan, byte_pan;
    unsigned line_compare, line_repeat; // before which line the counter starts again at 0; lines that show each line
    bool half_lines;
    uint16_t start;
    uint8_t address_mode, counter_shift, memory_shift;

    // VGA_TEXT.
    unsigned underline, cursor_first, cursor_last, fonts[2];
    int cursor; // address of its character, -1: not shown
    bool blink_attribute, blink_off, line_graphics;
};

// What the display knows of the picture it has drawn. No state of the guest.
struct vga_screen {
    struct display display;
    struct ram_watch watch;
    struct vga_picture picture;
    uint32_t colors[256];  // of values of pixels, those of 4 bits too
    bool recolor;          // `colors` is stale
    bool redraw;           // all of the picture is
    uint64_t *dirty_pages; // bit set
};

struct vga {
    struct guest_ram *ram;
    uint64_t ram_offset; // of the memory in guest RAM
    uint32_t memory_bytes;
    struct event_clock *clock;
    struct vga_screen screen;

    // State, from here on.
    uint8_t misc, feature, sequencer_index, crtc_index, graphics_index, attribute_index, status;
    bool attribute_data; // the next write to the attribute port is data
    uint8_t sequencer[VGA_SEQUENCER_COUNT], crtc[VGA_CRTC_COUNT], graphics[VGA_GRAPHICS_COUNT];
    uint8_t attribute[VGA_ATTRIBUTE_COUNT], palette[VGA_PALETTE_BYTES];
    uint8_t dac_mask, dac_read, dac_write, dac_part;
    bool dac_reading;
    uint32_t latch;
    uint8_t vbe_low; // half of a write to the data register
    uint16_t vbe_index, vbe[VBE_REGISTERS];
    uint16_t start_shown;      // the start address up to the retrace after start_written_ns
    uint64_t start_written_ns; // when the register changed
    uint64_t status_read_ns;
};

extern const struct state_field vga_state[];

static inline uint8_t *vga_memory(const struct vga *vga)
{
    return vga->ram->host + vga->ram_offset;
}

static inline uint32_t vga_load_planes(const struct vga *vga, uint32_t address)
{
    const uint8_t *at = vga_memory(vga) + 4 * (uint64_t)address;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

// vga-registers.c: ports 0x3b0 to 0x3df, one byte at a time.
void vga_reset(struct vga *vga);
uint8_t vga_port_read(struct vga *vga, uint16_t port);
void vga_port_write(struct vga *vga, uint16_t port, uint8_t value);
// vga-timing.c: where the beam is, as the registers and the machine's time have it.
unsigned vga_display_lines(const struct vga *vga);
uint8_t vga_status(struct vga *vga);
uint64_t vga_frames(const struct vga *vga); // that have been shown
uint16_t vga_start_address(const struct vga *vga);
void vga_start_address_changes(struct vga *vga); // to be called before it does
// vga-vbe.c
uint16_t vbe_read(const struct vga *vga, unsigned number);
void vbe_write(struct vga *vga, unsigned number, uint16_t value);
bool vbe_is_depth(unsigned bpp); // that there is
static inline bool vbe_on(const struct vga *vga)
{
    return vga->vbe[VBE_ENABLE] & VBE_ENABLED;
}
// vga-memory.c: the window at 0xa0000.
extern const struct mmio_ops vga_window_ops; // opaque: struct vga
// vga-picture.c
void vga_get_picture(const struct vga *vga, struct vga_picture *picture);
// vga-colors.c
void vga_get_colors(const struct vga *vga, uint32_t colors[256]);
// vga-render-text.c, vga-render-graphics.c: the characters of a line whose first one is at `address` of the counter,
// without panning. `out` has room for VGA_LINE_PIXELS.
enum { VGA_LINE_PIXELS = (256 + 1) * 9 * 2 };
void vga_render_text(const struct vga *vga, unsigned address, unsigned row_scan, uint32_t *out);
void vga_render_graphics(const struct vga *vga, unsigned address, unsigned row_scan, uint32_t *out);
// vga-render-linear.c: a line of VGA_LINEAR, all but 32 bits a pixel.
void vga_render_linear(const struct vga *vga, unsigned y, uint32_t *out);
// vga-text.c: display_ops.text
bool vga_get_text(void *opaque, struct display_text *text);
// vga-display.c: the memory must be there. It ends without views.
void vga_display_init(struct vga *vga);
void vga_display_end(struct vga *vga);
