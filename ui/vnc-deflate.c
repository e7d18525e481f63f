// SPDX-License-Identifier: MIT
// Streams of zlib, which go on from one update to the next: what has come before makes the rest shorter.
#include "ui/vnc-private.h"

enum { SLACK_BYTES = 64 }; // for the end of a flush, and of another level

static bool begin(struct vnc_deflater *deflater, int level)
{
    if (!deflater->begun) {
        deflater->stream = (z_stream){0};
        deflater->begun = deflateInit(&deflater->stream, level) == Z_OK;
        deflater->level = level;
    }
    return deflater->begun;
}

// What it still has to say of the old level goes where the data of the new one will.
static void change_level(struct vnc_deflater *deflater, int level)
{
    if (deflater->level != level && deflateParams(&deflater->stream, level, Z_DEFAULT_STRATEGY) == Z_OK)
        deflater->level = level;
}

static bool make_room(z_stream *stream, struct vnc_bytes *out, size_t bytes)
{
    stream->next_out = vnc_bytes_add(out, bytes);
    stream->avail_out = (unsigned)bytes;
    return stream->next_out;
}

void vnc_deflate(struct vnc_deflater *deflater, int level, const struct vnc_bytes *data,
                 struct vnc_bytes *out)
{
    z_stream *stream = &deflater->stream;
    out->failed |= data->failed || !begin(deflater, level);
    if (out->failed)
        return;
    size_t bound = deflateBound(stream, data->length) + SLACK_BYTES;
    if (!make_room(stream, out, bound))
        return;
    stream->avail_in = 0;
    change_level(deflater, level);
    stream->next_in = data->data;
    stream->avail_in = (unsigned)data->length;
    while (deflate(stream, Z_SYNC_FLUSH) == Z_OK && !stream->avail_out)
        if (!make_room(stream, out, bound))
            return;
    out->length -= stream->avail_out;
}

void vnc_deflater_end(struct vnc_deflater *deflater)
{
    if (deflater->begun)
        deflateEnd(&deflater->stream);
    deflater->begun = false;
}
