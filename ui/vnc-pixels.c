// SPDX-License-Identifier: MIT
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "ui/vnc-private.h"

enum { BITS, DEPTH, BIG_ENDIAN_FLAG, TRUE_COLOR_FLAG, RED_MAX, RED_SHIFT = 10 };

static uint32_t wire_order(uint32_t pixel, unsigned bytes, bool big_endian)
{
    if (!big_endian || bytes == 1)
        return pixel;
    return bytes == 2 ? __builtin_bswap16((uint16_t)pixel) : __builtin_bswap32(pixel);
}

// A CPIXEL (7.7.5) leaves out the byte of a pixel in which there is no color.
static void choose_short(struct vnc_format *format, uint32_t used, unsigned depth, bool big_endian)
{
    bool low = !(used & 0xff000000), high = !(used & 0xff);
    bool shorter = format->bytes == 4 && depth <= 24 && (low || high);
    format->short_bytes = shorter ? 3 : format->bytes;
    format->offset = shorter && low == big_endian;
}

// So does a TPIXEL of three colors of 8 bits each, wherever they are.
static unsigned tight_bytes(const uint8_t *data)
{
    bool bytes = data[BITS] == 32 && data[DEPTH] == 24;
    for (unsigned i = 0; i < 3; i++)
        bytes &= load_be16(data + RED_MAX + 2 * i) == 255;
    return bytes ? 3 : data[BITS] / 8;
}

bool vnc_format_parse(struct vnc_format *format, const uint8_t *data)
{
    unsigned bits = data[BITS];
    uint64_t used = 0;
    if ((bits != 8 && bits != 16 && bits != 32) || !data[TRUE_COLOR_FLAG])
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (data[RED_SHIFT + i] >= 32 ||
            ((uint64_t)load_be16(data + RED_MAX + 2 * i) << data[RED_SHIFT + i]) >> bits)
            return false;
    format->bytes = bits / 8;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t max = load_be16(data + RED_MAX + 2 * i), shift = data[RED_SHIFT + i];
        used |= (uint64_t)max << shift;
        for (uint32_t level = 0; level < ARRAY_SIZE(format->parts[i]); level++)
            format->parts[i][level] =
                wire_order((level * max + 127) / 255 << shift, format->bytes, data[BIG_ENDIAN_FLAG]);
    }
    format->tight_bytes = tight_bytes(data);
    choose_short(format, (uint32_t)used, data[DEPTH], data[BIG_ENDIAN_FLAG]);
    return true;
}

void vnc_format_native(uint8_t *data)
{
    static const uint8_t native[VNC_FORMAT_BYTES] = {32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0};
    memcpy(data, native, sizeof(native));
}
