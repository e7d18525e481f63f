// SPDX-License-Identifier: MIT
// Timings are those of VESA's Coordinated Video Timings 1.2 with reduced blanking, 60 Hz, for any size: nothing is
// behind them but what a guest computes from them.
#include "hw/display/edid.h"

#include <stdbool.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    SIDE_MIN = 64, // less makes no clock that can be said
    SIDE_MAX = 16384,
    DETAILED_BYTES = 18,
    DETAILED_SIDE_MAX = 4095,
    DETAILED_CLOCK_MAX = 65535, // of 10 kHz
    DESCRIPTORS_AT = 54,
    STANDARD_AT = 38,
    STANDARD_COUNT = 8,
    REFRESH = 60,
};
enum { DESCRIPTOR_SERIAL = 0xff, DESCRIPTOR_RANGE = 0xfd, DESCRIPTOR_NAME = 0xfc, DESCRIPTOR_DUMMY = 0x10 };
// Reduced blanking, in pixels and lines.
enum { H_BLANK = 160, H_FRONT = 48, H_SYNC = 32, V_FRONT = 3, V_BACK_MIN = 6, V_BLANK_MIN_US = 460 };

struct timing {
    unsigned width, height, v_blank, v_sync;
    uint32_t clock_10khz;
};

struct size {
    unsigned width, height;
};

// The width of the vertical synchronization tells the aspect ratio.
static unsigned v_sync_of(unsigned width, unsigned height)
{
    static const struct {
        uint8_t x, y, lines;
    } ratios[] = {{4, 3, 4}, {16, 9, 5}, {16, 10, 6}, {5, 4, 7}, {15, 9, 7}};
    for (unsigned i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++)
        if (width * ratios[i].y == height * ratios[i].x)
            return ratios[i].lines;
    return 10;
}

static struct timing timing_of(unsigned width, unsigned height)
{
    struct timing t = {.width = width, .height = height, .v_sync = v_sync_of(width, height)};
    // A line takes (frame - blanking) / height; so many fill the shortest blanking.
    unsigned lines = V_BLANK_MIN_US * height / (1000000 / REFRESH - V_BLANK_MIN_US) + 1;
    unsigned least = V_FRONT + t.v_sync + V_BACK_MIN;
    t.v_blank = lines > least ? lines : least;
    uint64_t hz = (uint64_t)REFRESH * (width + H_BLANK) * (height + t.v_blank);
    t.clock_10khz = (uint32_t)(hz / 250000 * 25);
    return t;
}

static bool fits_detailed(const struct timing *t)
{
    return t->width <= DETAILED_SIDE_MAX && t->height <= DETAILED_SIDE_MAX && t->clock_10khz <= DETAILED_CLOCK_MAX;
}

static void put_detailed(uint8_t *out, const struct timing *t, unsigned width_mm, unsigned height_mm)
{
    width_mm = width_mm > 4095 ? 4095 : width_mm;
    height_mm = height_mm > 4095 ? 4095 : height_mm;
    store_le16(out, (uint16_t)t->clock_10khz);
    out[2] = (uint8_t)t->width;
    out[3] = H_BLANK;
    out[4] = (uint8_t)(t->width >> 8 << 4 | H_BLANK >> 8);
    out[5] = (uint8_t)t->height;
    out[6] = (uint8_t)t->v_blank;
    out[7] = (uint8_t)(t->height >> 8 << 4 | t->v_blank >> 8);
    out[8] = H_FRONT;
    out[9] = H_SYNC;
    out[10] = (uint8_t)(V_FRONT << 4 | t->v_sync);
    out[11] = 0; // upper bits of the four
    out[12] = (uint8_t)width_mm;
    out[13] = (uint8_t)height_mm;
    out[14] = (uint8_t)(width_mm >> 8 << 4 | height_mm >> 8);
    out[17] = 0x1a; // digital separate synchronization, horizontal positive, vertical negative
}

static uint8_t *put_descriptor(uint8_t *out, uint8_t tag)
{
    memset(out, 0, DETAILED_BYTES);
    out[3] = tag;
    return out + 5;
}

static void put_text(uint8_t *out, uint8_t tag, const char *text)
{
    uint8_t *at = put_descriptor(out, tag);
    unsigned i = 0;
    for (; i < 13 && text[i]; i++)
        at[i] = text[i] >= 0x20 && text[i] < 0x7f ? (uint8_t)text[i] : '?';
    for (unsigned end = i; i < 13; i++)
        at[i] = i == end ? '\n' : ' ';
}

// Vertical 50 to 75 Hz; horizontal up to what the preferred mode needs; no formula for more timings.
static void put_range(uint8_t *out, const struct timing *preferred)
{
    uint8_t *at = put_descriptor(out, DESCRIPTOR_RANGE);
    unsigned khz = preferred->clock_10khz * 10 / (preferred->width + H_BLANK) + 1;
    unsigned mhz10 = preferred->clock_10khz / 1000 + 1;
    khz = khz < 160 ? 160 : khz > 510 ? 510 : khz;
    mhz10 = mhz10 < 60 ? 60 : mhz10 > 255 ? 255 : mhz10;
    out[4] = khz > 255 ? 0x08 : 0; // 255 more
    at[0] = 50;
    at[1] = 75;
    at[2] = 30;
    at[3] = (uint8_t)(khz > 255 ? khz - 255 : khz);
    at[4] = (uint8_t)mhz10;
    at[5] = 1;
    memset(at + 6, ' ', 7);
    at[6] = '\n';
}

static bool offered(const struct edid_info *info, unsigned width, unsigned height)
{
    return (!info->max_width || width <= info->max_width) && (!info->max_height || height <= info->max_height);
}

static void put_established(uint8_t *out, const struct edid_info *info)
{
    out[0] = (uint8_t)((offered(info, 640, 480) ? 1 << 5 : 0) | (offered(info, 800, 600) ? 1 << 0 : 0));
    out[1] = offered(info, 1024, 768) ? 1 << 3 : 0;
}

static void put_standard(uint8_t *out, const struct edid_info *info)
{
    // Aspect: 0 is 16:10, 1 is 4:3, 2 is 5:4, 3 is 16:9.
    static const struct {
        uint16_t width, height;
        uint8_t aspect;
    } modes[STANDARD_COUNT] = {{1920, 1200, 0}, {1920, 1080, 3}, {1600, 1200, 1}, {1680, 1050, 0},
                               {1440, 900, 0},  {1280, 1024, 2}, {1280, 800, 0},  {1280, 720, 3}};
    memset(out, 1, 2 * STANDARD_COUNT); // unused
    for (unsigned i = 0; i < STANDARD_COUNT; i++) {
        if (!offered(info, modes[i].width, modes[i].height))
            continue;
        *out++ = (uint8_t)(modes[i].width / 8 - 31);
        *out++ = (uint8_t)(modes[i].aspect << 6 | (REFRESH - 60));
    }
}

// Ten bits of each coordinate of sRGB's primaries and white point.
static void put_colors(uint8_t *out)
{
    static const uint16_t points[8] = {655, 338, 307, 614, 154, 61, 320, 337};
    for (unsigned i = 0; i < 8; i++) {
        out[i / 4] |= (uint8_t)((points[i] & 3) << (6 - 2 * (i % 4)));
        out[2 + i] = (uint8_t)(points[i] >> 2);
    }
}

static void put_checksum(uint8_t *block, unsigned bytes)
{
    uint8_t sum = 0;
    for (unsigned i = 0; i < bytes; i++)
        sum += block[i];
    block[bytes] = (uint8_t)-sum;
}

static uint8_t to_cm(unsigned mm)
{
    unsigned cm = (mm + 5) / 10;
    return (uint8_t)(cm > 255 ? 255 : cm ? cm : 1);
}

static unsigned possible(unsigned side)
{
    return side < SIDE_MIN ? SIDE_MIN : side > SIDE_MAX ? SIDE_MAX : side;
}

// Byte by byte, EDID 1.4 table 3.1.
static void put_base(uint8_t *out, const struct edid_info *info, const struct timing *preferred)
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    // The first descriptor must be a mode: of one that does not fit, half the size, and half of that.
    struct timing first = *preferred;
    while (!fits_detailed(&first))
        first = timing_of(possible(first.width / 2), possible(first.height / 2));
    memcpy(out, header, sizeof(header));
    store_be16(out + 8, ('L' - '@') << 10 | ('Y' - '@') << 5 | ('R' - '@'));
    store_le16(out + 10, 1);
    out[16] = 0xff; // a model of the year 1990 +
    out[17] = 34;
    out[18] = 1;
    out[19] = 4;
    out[20] = 0xa0; // digital, 8 bits a color
    out[21] = to_cm(info->width_mm);
    out[22] = to_cm(info->height_mm);
    out[23] = 220 - 100; // gamma 2.2
    out[24] = 0x06;      // sRGB; the first mode is the native one
    put_colors(out + 25);
    put_established(out + 35, info);
    put_standard(out + STANDARD_AT, info);
    uint8_t *at = out + DESCRIPTORS_AT;
    put_detailed(at, &first, info->width_mm, info->height_mm);
    put_range(at + DETAILED_BYTES, preferred);
    put_text(at + 2 * DETAILED_BYTES, DESCRIPTOR_NAME, info->name ? info->name : "Lyrebird");
    if (info->serial)
        put_text(at + 3 * DETAILED_BYTES, DESCRIPTOR_SERIAL, info->serial);
    else
        put_descriptor(at + 3 * DETAILED_BYTES, DESCRIPTOR_DUMMY);
    out[126] = 1; // extension
    put_checksum(out, 127);
}

// More modes, as many as there is room for.
static void put_cta(uint8_t *out, const struct edid_info *info)
{
    static const struct size sizes[] = {{3840, 2160}, {2560, 1600}, {2560, 1440},
                                        {2048, 1152}, {1600, 900},  {1366, 768}};
    // Video capabilities: any range of RGB can be chosen, nothing is cut off at the edges.
    static const uint8_t capabilities[] = {7 << 5 | 2, 0, 0x4a};
    uint8_t *at = out + 4 + sizeof(capabilities);
    out[0] = 0x02;
    out[1] = 3;
    out[2] = 4 + sizeof(capabilities);
    out[3] = 0x80; // underscan
    memcpy(out + 4, capabilities, sizeof(capabilities));
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct timing t = timing_of(sizes[i].width, sizes[i].height);
        if (!offered(info, t.width, t.height) || (t.width == info->width && t.height == info->height))
            continue;
        put_detailed(at, &t, info->width_mm, info->height_mm);
        at += DETAILED_BYTES;
    }
    put_checksum(out, 127);
}

static uint8_t display_id_aspect(const struct timing *t)
{
    static const struct {
        uint8_t x, y;
    } ratios[] = {{1, 1}, {5, 4}, {4, 3}, {15, 9}, {16, 9}, {16, 10}, {64, 27}};
    for (uint8_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++)
        if (t->width * ratios[i].y == t->height * ratios[i].x)
            return i;
    return 8; // another one
}

// A section with one type I detailed timing (DisplayID 1.3, 4.4.1), where each number is one less than what it counts.
// What the base block says already (product, size, colors) is not repeated.
static void put_display_id(uint8_t *out, const struct timing *t)
{
    enum {
        PAYLOAD = 121,
        BLOCK_TYPE_I = 3,
        TYPE_I_BYTES = 20,
        STANDALONE = 3,
        PREFERRED = 0x80,
        SYNC_POSITIVE = 0x8000
    };
    out[0] = 0x70;
    out[1] = 0x13;
    out[2] = PAYLOAD;
    out[3] = STANDALONE;
    uint8_t *block = out + 5, *at = block + 3;
    uint32_t clock = t->clock_10khz - 1;
    block[0] = BLOCK_TYPE_I;
    block[2] = TYPE_I_BYTES;
    store_le16(at, (uint16_t)clock);
    at[2] = (uint8_t)(clock >> 16);
    at[3] = PREFERRED | display_id_aspect(t);
    store_le16(at + 4, (uint16_t)(t->width - 1));
    store_le16(at + 6, H_BLANK - 1);
    store_le16(at + 8, SYNC_POSITIVE | (H_FRONT - 1));
    store_le16(at + 10, H_SYNC - 1);
    store_le16(at + 12, (uint16_t)(t->height - 1));
    store_le16(at + 14, (uint16_t)(t->v_blank - 1));
    store_le16(at + 16, V_FRONT - 1);
    store_le16(at + 18, (uint16_t)(t->v_sync - 1));
    put_checksum(out + 1, PAYLOAD + 4);
    put_checksum(out, 127);
}

void edid_build(const struct edid_info *info, uint8_t out[EDID_BYTES])
{
    struct edid_info i = *info;
    i.width = possible(i.width);
    i.height = possible(i.height);
    i.width_mm = i.width_mm ? i.width_mm : i.width * 254 / 1000;
    i.height_mm = i.height_mm ? i.height_mm : i.height * 254 / 1000;
    struct timing preferred = timing_of(i.width, i.height);
    memset(out, 0, EDID_BYTES);
    put_base(out, &i, &preferred);
    if (fits_detailed(&preferred))
        put_cta(out + EDID_BLOCK_BYTES, &i);
    else
        put_display_id(out + EDID_BLOCK_BYTES, &preferred);
}
