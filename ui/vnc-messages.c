// SPDX-License-Identifier: MIT
// What clients say once they are in (RFC 6143, 7.5), and keys by their places (QEMU's extension, message 255,
// in the registry of the protocol). Of what is pasted nothing is wanted.
#include "hw/core/surface.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "ui/vnc-private.h"

// Of compression: what is beyond takes several times as long and saves some hundredths.
enum { LEVEL_MAX = 6 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int on_pixel_format(struct vnc_client *client, const uint8_t *data, size_t length)
{
    client->cursor_stale = true; // it is in the old one
    return vnc_format_parse(&client->format, data + 4) ? (int)length : -1;
}

static int on_encodings(struct vnc_client *client, const uint8_t *data, size_t length)
{
    client->encodings_left = load_be16(data + 2);
    client->encoding = VNC_RAW;
    client->level = Z_BEST_SPEED;
    client->has_encoding = client->knows_size = client->knows_cursor = client->knows_keys = false;
    client->knows_layout = false;
    return (int)length;
}

static void take_encoding(struct vnc_client *client, int encoding)
{
    bool pixels = encoding == VNC_RAW || encoding == VNC_TIGHT || encoding == VNC_ZRLE;
    if (pixels && !client->has_encoding) { // those that it likes best come first
        client->has_encoding = true;
        client->encoding = (enum vnc_encoding)encoding;
    }
    if (encoding >= VNC_COMPRESS_LEAST && encoding <= VNC_COMPRESS_MOST)
        client->level = least(encoding - VNC_COMPRESS_LEAST, LEVEL_MAX);
    client->knows_size |= encoding == VNC_DESKTOP_SIZE;
    client->knows_layout |= encoding == VNC_EXTENDED_SIZE;
    client->knows_cursor |= encoding == VNC_CURSOR;
    // With -k keys are told by their symbols.
    client->knows_keys |= encoding == VNC_EXTENDED_KEYS && !client->vnc->host->layout;
}

static int on_update_request(struct vnc_client *client, const uint8_t *data, size_t length)
{
    struct display_rect rect = {load_be16(data + 2), load_be16(data + 4), load_be16(data + 6),
                                load_be16(data + 8)};
    if (!data[1]) {
        display_damage_add(&client->damage, rect);
        client->layout_due = true;
    }
    client->requested = true;
    return (int)length;
}

static int on_key(struct vnc_client *client, const uint8_t *data, size_t length)
{
    vnc_input_key(client, load_be32(data + 4), data[1]);
    return (int)length;
}

static int on_pointer(struct vnc_client *client, const uint8_t *data, size_t length)
{
    vnc_input_pointer(client, load_be16(data + 2), load_be16(data + 4), data[1]);
    return (int)length;
}

static int on_cut_text(struct vnc_client *client, const uint8_t *data, size_t length)
{
    client->skip = load_be32(data + 4);
    return (int)length;
}

static int on_code(struct vnc_client *client, const uint8_t *data, size_t length)
{
    enum { EXTENDED_KEY = 0 };
    if (data[1] != EXTENDED_KEY)
        return -1;
    vnc_input_code(client, load_be32(data + 8), load_be32(data + 4), load_be16(data + 2));
    return (int)length;
}

int vnc_message(struct vnc_client *client, const uint8_t *data, size_t length)
{
    enum { SET_DESKTOP_SIZE = 251 };
    static const struct {
        uint8_t type, length;
        vnc_handler *handler;
    } messages[] = {{0, 20, on_pixel_format}, {2, 4, on_encodings}, {3, 10, on_update_request},
                    {4, 8, on_key},           {5, 6, on_pointer},   {6, 8, on_cut_text},
                    {255, 12, on_code}};
    if (client->encodings_left) {
        if (length < 4)
            return 0;
        client->encodings_left--;
        take_encoding(client, (int)load_be32(data));
        return 4;
    }
    if (data[0] == SET_DESKTOP_SIZE)
        return vnc_layout_request(client, data, length);
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
        if (data[0] == messages[i].type)
            return length < messages[i].length ? 0 : messages[i].handler(client, data, messages[i].length);
    return -1;
}
