// SPDX-License-Identifier: MIT
// A client's connection: what comes in goes to the handshake or the messages, and what goes out waits until
// there is room for it.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "hw/core/machine.h"
#include "hw/core/surface.h"
#include "tcg/base/alloc.h"
#include "ui/vnc-private.h"

// So many bytes are sent, and pixels encoded, before it is the others' turn.
enum { SEND_BYTES_MAX = 1 << 18, UPDATE_PIXELS_MAX = 1 << 22 };

static bool is_sent(const struct vnc_client *client)
{
    return client->out_sent == client->out.length;
}

// --- out ---

void vnc_client_write(struct vnc_client *client, const void *data, size_t length)
{
    uint8_t *at = vnc_bytes_add(&client->out, length);
    if (at)
        memcpy(at, data, length);
}

static void flush(struct vnc_client *client)
{
    size_t most = client->out_sent + SEND_BYTES_MAX;
    while (!client->broken && client->out_sent < client->out.length && client->out_sent < most) {
        ssize_t n = vnc_stream_write(&client->stream, client->out.data + client->out_sent,
                                     client->out.length - client->out_sent);
        client->broken |= n < 0;
        if (n <= 0)
            break;
        client->out_sent += (size_t)n;
    }
    client->broken |= client->out.failed;
    if (client->broken || !is_sent(client))
        return;
    vnc_bytes_free(&client->out);
    client->out_sent = 0;
    if (client->state == VNC_ENDING)
        client->broken = true;
    if (client->state == VNC_TLS)
        vnc_handshake_after_tls(client);
}

static void watch(struct vnc_client *client)
{
    bool writes = !is_sent(client) || vnc_stream_wants_write(&client->stream);
    if (!client->broken)
        io_watch_set_events(client->watch, IO_READ | (writes ? IO_WRITE : 0));
}

// --- updates ---

// What a client has to know before it can make sense of pixels. Nothing that is written here changes any.
static bool write_news(struct vnc_client *client)
{
    const struct vnc *vnc = client->vnc;
    bool resized = client->knows_size && !client->knows_layout && vnc_layout_is_stale(client);
    bool cursor = client->knows_cursor && client->cursor_stale;
    bool keys = client->knows_keys && !client->keys_told;
    if (!resized && !cursor && !keys)
        return false;
    vnc_encode_update(&client->out, (unsigned)cursor + keys + resized);
    if (cursor)
        vnc_encode_cursor(&client->out, &client->format, vnc->cursor);
    if (keys)
        vnc_encode_rect(&client->out, (struct display_rect){0}, VNC_EXTENDED_KEYS);
    if (resized) { // the last one of its update
        vnc_layout_follow(client);
        vnc_encode_rect(&client->out, client->damage.rects[0], VNC_DESKTOP_SIZE);
    }
    client->cursor_stale = client->cursor_stale && !cursor;
    client->keys_told |= keys;
    return true;
}

static struct display_rect clip(struct display_rect rect, unsigned width, unsigned height)
{
    if (rect.x >= width || rect.y >= height)
        return (struct display_rect){0};
    if (rect.width > width - rect.x)
        rect.width = width - rect.x;
    if (rect.height > height - rect.y)
        rect.height = height - rect.y;
    return rect;
}

// Moves as much of the damage as one update should have to the frame. A client that does not know of other
// sizes sees what there is of its own.
static void choose_damage(struct vnc_client *client, const struct surface *surface)
{
    struct display_damage rest = {0}, *chosen = &client->frame.damage;
    unsigned budget = UPDATE_PIXELS_MAX;
    *chosen = (struct display_damage){0};
    for (unsigned i = 0; i < client->damage.count; i++) {
        struct display_rect rect = clip(client->damage.rects[i], surface->width, surface->height);
        rect = clip(rect, client->width, client->height);
        struct display_rect later = rect;
        if (!rect.width || !rect.height)
            continue;
        if (rect.height > budget / rect.width)
            rect.height = budget / rect.width;
        budget -= rect.width * rect.height;
        if (rect.height)
            chosen->rects[chosen->count++] = rect;
        later.y += rect.height;
        later.height -= rect.height;
        if (later.height)
            display_damage_add(&rest, later);
    }
    client->damage = rest;
}

static void frame_done(void *opaque)
{
    struct vnc_client *client = opaque;
    client->busy = false;
    surface_drop(client->frame.surface);
    client->frame.surface = NULL;
    if (!client->broken) {
        client->out = client->frame.out; // nothing else is sent meanwhile
        client->frame.out = (struct vnc_bytes){0};
        vnc_client_update(client);
    }
    vnc_clients_drop(client->vnc, false);
}

static void encode(void *opaque)
{
    struct vnc_client *client = opaque;
    vnc_encode_frame(&client->frame);
}

static void start_frame(struct vnc_client *client)
{
    struct vnc_frame *frame = &client->frame;
    choose_damage(client, client->vnc->shown);
    if (!frame->damage.count)
        return;
    frame->surface = surface_take(client->vnc->shown);
    frame->format = client->format;
    frame->encoding = client->encoding;
    frame->level = client->level;
    frame->work = (struct vnc_work){encode, frame_done, client, NULL};
    client->requested = false;
    client->busy = true;
    vnc_worker_give(&client->vnc->worker, &frame->work);
}

void vnc_client_update(struct vnc_client *client)
{
    if (client->broken)
        return;
    bool may = !client->busy && client->state == VNC_READY;
    if (may && is_sent(client) && vnc_layout_write(client))
        flush(client);
    may = may && client->requested && is_sent(client) && !client->broken;
    if (may && write_news(client))
        client->requested = false;
    else if (may)
        start_frame(client);
    if (!client->busy)
        flush(client);
    watch(client);
}

// --- in ---

// All the bytes of the buffer that can be made sense of.
static void process(struct vnc_client *client)
{
    size_t at = 0;
    while (!client->broken && at < client->in_length) {
        size_t left = client->in_length - at;
        int used;
        if (client->skip) {
            used = (int)(client->skip < left ? client->skip : left);
            client->skip -= (unsigned)used;
        } else {
            used = (client->state == VNC_READY ? vnc_message : vnc_handshake)(client, client->in + at, left);
        }
        client->broken |= used < 0;
        if (used <= 0)
            break;
        at += (size_t)used;
    }
    client->in_length -= at;
    memmove(client->in, client->in + at, client->in_length);
}

void vnc_client_resume(struct vnc_client *client)
{
    process(client);
    vnc_client_update(client);
}

static void ready(void *opaque, unsigned events)
{
    struct vnc_client *client = opaque;
    (void)events;
    do {
        ssize_t n = vnc_stream_read(&client->stream, client->in + client->in_length,
                                    sizeof(client->in) - client->in_length);
        client->broken |= n < 0;
        if (n <= 0)
            break;
        client->in_length += (size_t)n;
        process(client);
        client->broken |= client->in_length == sizeof(client->in); // it should be waiting for an answer
    } while (!client->broken && vnc_stream_pending(&client->stream));
    vnc_client_update(client);
    if (client->state == VNC_ATTEMPT)
        vnc_door_judge(client->vnc);
    vnc_clients_drop(client->vnc, false);
}

// --- coming and going ---

void vnc_client_accept(struct vnc *vnc, int fd)
{
    uint8_t native[VNC_FORMAT_BYTES];
    int on = 1;
    struct vnc_stream stream = {.fd = fd};
    if (!vnc_door_make_room(vnc)) {
        vnc_stream_close(&stream);
        return;
    }
    // Fails on sockets of other kinds, which have no delay.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct vnc_client *client = ALLOC(struct vnc_client);
    client->vnc = vnc;
    client->stream = stream;
    client->cursor_stale = true;
    vnc_format_native(native);
    vnc_format_parse(&client->format, native);
    client->next = vnc->clients;
    vnc->clients = client;
    client->level = Z_BEST_SPEED;
    client->watch = io_watch_add(vnc->machine->loop, fd, IO_READ, ready, client);
    vnc_door_greet(client);
    vnc_client_write(client, "RFB 003.008\n", 12);
    vnc_client_update(client);
    vnc_clients_drop(vnc, false);
}

// What goes at once; the rest is the worker's for as long as it is busy.
static void disconnect(struct vnc_client *client)
{
    if (!client->watch)
        return;
    vnc_input_release(client);
    if (client->vnc->asker == client)
        client->vnc->asker = NULL;
    if (client->joined)
        vnc_leave(client->vnc, client);
    io_watch_remove(client->watch);
    client->watch = NULL;
    vnc_stream_close(&client->stream);
}

void vnc_clients_drop(struct vnc *vnc, bool all)
{
    for (struct vnc_client **at = &vnc->clients; *at;) {
        struct vnc_client *client = *at;
        client->broken |= all;
        if (client->broken)
            disconnect(client);
        if (!client->broken || client->busy) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        vnc_frame_end(&client->frame);
        vnc_bytes_free(&client->out);
        free(client);
    }
}
