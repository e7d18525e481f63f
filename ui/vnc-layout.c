// SPDX-License-Identifier: MIT
// The size of the display as clients hear of it, and as they ask for another one (ExtendedDesktopSize and
// SetDesktopSize of the protocol's registry). There is one screen, as large as all of it. Who asks is told
// that the guest was asked, which may follow later or not at all.
#include "hw/core/surface.h"
#include "tcg/base/endian.h"
#include "ui/vnc-private.h"

enum { BY_SERVER, BY_THIS_CLIENT, BY_ANOTHER_CLIENT };
enum { DONE, PROHIBITED, OUT_OF_RESOURCES, INVALID_LAYOUT, FORWARDED };
enum { REQUEST_BYTES = 8, SCREEN_BYTES = 16, SCREENS_BYTES = 4 + SCREEN_BYTES };
// Of a request, and of a screen.
enum { WIDTH_AT = 2, HEIGHT_AT = 4, SCREENS_AT = 6 };
enum { SCREEN_X_AT = 4, SCREEN_Y_AT = 6, SCREEN_WIDTH_AT = 8, SCREEN_HEIGHT_AT = 10 };

_Static_assert(REQUEST_BYTES + 255 * SCREEN_BYTES <= VNC_IN_BYTES, "a request fits in");

// --- telling ---

static void put_layout(struct vnc_client *client, unsigned reason, unsigned status)
{
    struct display_rect rect = {reason, status, client->width, client->height};
    uint8_t screens[SCREENS_BYTES] = {1}, *screen = screens + 4;
    store_be16(screen + SCREEN_WIDTH_AT, (uint16_t)client->width);
    store_be16(screen + SCREEN_HEIGHT_AT, (uint16_t)client->height);
    vnc_encode_rect(&client->out, rect, VNC_EXTENDED_SIZE);
    vnc_client_write(client, screens, sizeof(screens));
}

bool vnc_layout_is_stale(const struct vnc_client *client)
{
    return client->width != client->vnc->shown->width || client->height != client->vnc->shown->height;
}

void vnc_layout_follow(struct vnc_client *client)
{
    client->width = client->vnc->shown->width;
    client->height = client->vnc->shown->height;
    client->damage = (struct display_damage){1, {{0, 0, client->width, client->height}}};
}

bool vnc_layout_write(struct vnc_client *client)
{
    bool stale = vnc_layout_is_stale(client);
    bool tell = client->layout_due || (stale && client->requested);
    if (!client->knows_layout || (!tell && !client->answer_count))
        return false;
    vnc_encode_update(&client->out, client->answer_count + tell);
    for (unsigned i = 0; i < client->answer_count; i++)
        put_layout(client, BY_THIS_CLIENT, client->answers[i]);
    client->answer_count = 0;
    if (tell && stale)
        vnc_layout_follow(client);
    if (tell)
        put_layout(client, stale && client->resized_by_other ? BY_ANOTHER_CLIENT : BY_SERVER, DONE);
    client->layout_due = false;
    return true;
}

void vnc_layout_changed(struct vnc *vnc)
{
    for (struct vnc_client *client = vnc->clients; client; client = client->next)
        client->resized_by_other = vnc->asker && vnc->asker != client;
    vnc->asker = NULL;
}

// --- asking ---

static bool is_whole(const uint8_t *data)
{
    const uint8_t *screen = data + REQUEST_BYTES;
    return data[SCREENS_AT] == 1 && !load_be16(screen + SCREEN_X_AT) && !load_be16(screen + SCREEN_Y_AT) &&
           load_be16(screen + SCREEN_WIDTH_AT) == load_be16(data + WIDTH_AT) &&
           load_be16(screen + SCREEN_HEIGHT_AT) == load_be16(data + HEIGHT_AT);
}

// The guest is asked by the next look at it, so that it does not hear of more sizes than it could show.
static uint8_t ask(struct vnc_client *client, const uint8_t *data)
{
    struct vnc *vnc = client->vnc;
    const struct display *display = vnc->view.display;
    unsigned width = load_be16(data + WIDTH_AT), height = load_be16(data + HEIGHT_AT);
    if (!width || !height || !is_whole(data))
        return INVALID_LAYOUT;
    if (!display || !display->ops->resize)
        return PROHIBITED;
    if (width > SURFACE_SIDE_MAX || height > SURFACE_SIDE_MAX ||
        (uint64_t)width * height > SURFACE_PIXELS_MAX)
        return OUT_OF_RESOURCES;
    vnc->asked_width = width;
    vnc->asked_height = height;
    if (width == client->width && height == client->height && !vnc_layout_is_stale(client))
        return DONE;
    vnc->asker = client;
    return FORWARDED;
}

void vnc_layout_pass_on(struct vnc *vnc)
{
    const struct display *display = vnc->view.display;
    if (vnc->asked_width && display && display->ops->resize)
        display->ops->resize(display->opaque, vnc->asked_width, vnc->asked_height);
    vnc->asked_width = vnc->asked_height = 0;
}

int vnc_layout_request(struct vnc_client *client, const uint8_t *data, size_t length)
{
    if (length < REQUEST_BYTES || length < REQUEST_BYTES + (size_t)data[SCREENS_AT] * SCREEN_BYTES)
        return 0;
    if (client->knows_layout && client->answer_count == VNC_ANSWERS_MAX)
        return -1; // it does not listen
    if (client->knows_layout)
        client->answers[client->answer_count++] = ask(client, data);
    return REQUEST_BYTES + data[SCREENS_AT] * SCREEN_BYTES;
}
