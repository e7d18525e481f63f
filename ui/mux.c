// SPDX-License-Identifier: MIT
// Sharing a terminal. Input waits in a buffer while the focus has no room, so that the escape character still works
// when a guest does not read; what is pasted beyond that waits in the terminal.
#include "ui/mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

enum { MUX_PORTS = 8, BUFFER_BYTES = 4096 };

struct mux_port {
    struct chardev base;
    struct mux *mux;
};

struct mux {
    struct chardev *lower;
    const struct mux_actions *actions;
    void *opaque;
    struct mux_port *ports[MUX_PORTS];
    unsigned count, focus, users;
    uint8_t escape;
    bool escaped; // the last character was the escape character
    uint8_t buffer[BUFFER_BYTES];
    size_t used;
};

static struct chardev *focused(struct mux *mux)
{
    return mux->count ? &mux->ports[mux->focus]->base : NULL;
}

static void deliver(struct mux *mux)
{
    struct chardev *port = focused(mux);
    size_t room;
    while (port && mux->used && (room = chardev_room(port))) {
        size_t n = mux->used < room ? mux->used : room;
        uint8_t some[256];
        n = n < sizeof(some) ? n : sizeof(some);
        memcpy(some, mux->buffer, n);
        mux->used -= n;
        memmove(mux->buffer, mux->buffer + n, mux->used);
        chardev_receive(port, some, n);
    }
}

static void print(struct mux *mux, const char *text)
{
    chardev_write(mux->lower, text, strlen(text));
}

static void print_help(struct mux *mux)
{
    char key[8], text[512];
    if (mux->escape && mux->escape < 27)
        snprintf(key, sizeof(key), "Ctrl-%c", mux->escape + '@');
    else
        snprintf(key, sizeof(key), "\\%03o", mux->escape);
    snprintf(text, sizeof(text),
             "\r\n%s h    this help\r\n%s x    quit\r\n%s s    write disk caches out\r\n%s b    send a break\r\n"
             "%s c    switch between console and monitor\r\n%s %s    send %s\r\n",
             key, key, key, key, key, key, key, key);
    print(mux, text);
}

static void command(struct mux *mux, uint8_t c)
{
    switch (c) {
    case 'h':
    case '?':
        print_help(mux);
        break;
    case 'x':
        mux->actions->quit(mux->opaque);
        break;
    case 's':
        mux->actions->sync(mux->opaque);
        break;
    case 'b':
        if (mux->count)
            chardev_event(focused(mux), CHARDEV_BREAK);
        break;
    case 'c':
        if (mux->count) {
            mux->used = 0; // typed for the other one
            mux->focus = (mux->focus + 1) % mux->count;
            chardev_event(focused(mux), CHARDEV_OPENED);
        }
        break;
    }
}

static void take(struct mux *mux, uint8_t c)
{
    if (mux->escaped) {
        mux->escaped = false;
        if (c != mux->escape) {
            command(mux, c);
            return;
        }
    } else if (c == mux->escape) {
        mux->escaped = true;
        return;
    }
    if (mux->used < BUFFER_BYTES)
        mux->buffer[mux->used++] = c;
}

static size_t lower_room(void *opaque)
{
    struct mux *mux = opaque;
    return BUFFER_BYTES - mux->used;
}

static void lower_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct mux *mux = opaque;
    for (size_t i = 0; i < length; i++)
        take(mux, data[i]);
    deliver(mux);
}

static void lower_event(void *opaque, enum chardev_event event)
{
    struct mux *mux = opaque;
    for (unsigned i = 0; i < mux->count; i++)
        chardev_event(&mux->ports[i]->base, event);
}

static void lower_writable(void *opaque)
{
    struct mux *mux = opaque;
    for (unsigned i = 0; i < mux->count; i++)
        chardev_writable(&mux->ports[i]->base);
}

static const struct chardev_front lower_front = {lower_room, lower_receive, lower_event, lower_writable};

static size_t port_write(struct chardev *chardev, const void *data, size_t length)
{
    return chardev_write(((struct mux_port *)chardev)->mux->lower, data, length);
}

static void port_resume_input(struct chardev *chardev)
{
    struct mux *mux = ((struct mux_port *)chardev)->mux;
    deliver(mux);
    if (mux->used < BUFFER_BYTES)
        chardev_resume_input(mux->lower);
}

void mux_release(struct mux *mux)
{
    if (--mux->users)
        return;
    chardev_close(mux->lower);
    free(mux);
}

static void port_close(struct chardev *chardev)
{
    struct mux_port *port = (struct mux_port *)chardev;
    struct mux *mux = port->mux;
    unsigned at = 0;
    while (mux->ports[at] != port)
        at++;
    mux->count--;
    memmove(&mux->ports[at], &mux->ports[at + 1], (mux->count - at) * sizeof(mux->ports[0]));
    if (mux->focus > at || mux->focus == mux->count)
        mux->focus = mux->focus ? mux->focus - 1 : 0;
    free(port->base.id);
    free(port);
    mux_release(mux);
}

static const struct chardev_ops port_ops = {"mux", port_write, port_resume_input, port_close};

struct mux *mux_create(struct chardev *lower, uint8_t escape, const struct mux_actions *actions, void *opaque)
{
    struct mux *mux = ALLOC(struct mux);
    mux->lower = lower;
    mux->escape = escape;
    mux->actions = actions;
    mux->opaque = opaque;
    mux->users = 1;
    chardev_attach(lower, &lower_front, mux);
    return mux;
}

struct chardev *mux_port(struct mux *mux, const char *id)
{
    if (mux->count == MUX_PORTS)
        return NULL;
    struct mux_port *port = ALLOC(struct mux_port);
    port->base = (struct chardev){.ops = &port_ops, .id = alloc_string(id), .open = mux->lower->open};
    port->mux = mux;
    mux->ports[mux->count++] = port;
    mux->users++;
    return &port->base;
}
