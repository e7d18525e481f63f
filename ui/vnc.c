// SPDX-License-Identifier: MIT
// A VNC server by neatvnc, which runs in the I/O thread's loop: its own event loop is one descriptor in ours. Encoding is done
// by its worker threads, straight from the display's surface. While no client is there, nobody looks at the display.
#include <aml.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <neatvnc.h>
#include <pixman.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "ui/font.h"
#include "ui/picture.h"
#include "ui/vnc-private.h"

enum { FRAME_NS = 33333333, BLANK_FRAMES = 15, PORT_BASE = 5900, PORT_MAX = 65535, BLANK_BYTES = 1024 };

// --- what is shown -------------------------------------------------------------------------------------------------

static void drop_surface(void *surface)
{
    surface_drop(surface);
}

// Shows the surface, whose reference is taken over, or that part of it has changed.
static void feed(struct vnc *vnc, struct surface *surface, const struct display_damage *damage)
{
    struct pixman_region16 region;
    if (surface->width > UINT16_MAX || surface->height > UINT16_MAX) {
        surface_drop(surface);
        return;
    }
    struct nvnc_fb *fb = nvnc_fb_from_buffer(surface->pixels, (uint16_t)surface->width, (uint16_t)surface->height,
                                             DRM_FORMAT_XRGB8888, (int32_t)(surface->stride / sizeof(uint32_t)));
    if (!fb) {
        surface_drop(surface);
        return;
    }
    nvnc_set_userdata(fb, surface, drop_surface);
    pixman_region_init(&region);
    for (unsigned i = 0; i < damage->count; i++) {
        const struct display_rect *r = &damage->rects[i];
        pixman_region_union_rect(&region, &region, (int)r->x, (int)r->y, r->width, r->height);
    }
    nvnc_display_feed_buffer(vnc->screen, fb, &region);
    pixman_region_fini(&region);
    nvnc_fb_unref(fb);
    vnc->width = surface->width;
    vnc->height = surface->height;
}

static void feed_all(struct vnc *vnc, struct surface *surface)
{
    struct display_damage all = {1, {{0, 0, surface->width, surface->height}}};
    feed(vnc, surface, &all);
}

// A display that shows nothing: what the guest is doing. The vCPUs are stopped for that, which must not be waited for with the
// device lock, so a worker asks.
struct blank {
    struct vnc *vnc;
    char text[BLANK_BYTES];
};

static void blank_ask(void *work)
{
    struct blank *blank = aml_get_userdata(work);
    const struct ui_host *host = blank->vnc->host;
    host->describe_guest(host->opaque, blank->text, sizeof(blank->text));
}

static void blank_show(void *work)
{
    struct blank *blank = aml_get_userdata(work);
    struct vnc *vnc = blank->vnc;
    vnc->blank_asked = false;
    if (!vnc->blank || !vnc->clients)
        return;
    struct surface *picture = picture_of_text(vnc->font, blank->text);
    if (picture)
        feed_all(vnc, picture);
}

static void ask_blank(struct vnc *vnc)
{
    if (vnc->blank_asked)
        return;
    struct blank *blank = ALLOC(struct blank);
    blank->vnc = vnc;
    struct aml_work *work = aml_work_new(blank_ask, blank_show, blank, free);
    vnc->blank_asked = aml_start(vnc->loop, work) == 0;
    aml_unref(work);
}

static void change_cursor(struct vnc *vnc, const struct display_cursor *cursor)
{
    // A client draws one of its own where it gets none.
    struct nvnc_fb *fb = NULL;
    if (cursor)
        fb = nvnc_fb_new((uint16_t)cursor->width, (uint16_t)cursor->height, DRM_FORMAT_ARGB8888, (uint16_t)cursor->width);
    if (!fb) {
        nvnc_set_cursor(vnc->server, NULL, 0, 0, 0, 0, true);
        return;
    }
    memcpy(nvnc_fb_get_addr(fb), cursor->pixels, (size_t)cursor->width * cursor->height * sizeof(uint32_t));
    nvnc_set_cursor(vnc->server, fb, (uint16_t)cursor->width, (uint16_t)cursor->height, (uint16_t)cursor->hot_x,
                    (uint16_t)cursor->hot_y, true);
    nvnc_fb_unref(fb);
}

static void tick(void *opaque)
{
    struct vnc *vnc = opaque;
    struct display_update update;
    if (display_take(&vnc->view, &update)) {
        if (update.cursor_changed)
            change_cursor(vnc, update.cursor);
        bool new_surface = update.surface_changed || vnc->blank;
        vnc->blank = !update.surface;
        if (update.surface && new_surface)
            feed_all(vnc, surface_take(update.surface));
        else if (update.surface && update.damage.count)
            feed(vnc, surface_take(update.surface), &update.damage);
    }
    display_update_release(&update);
    if (vnc->blank && vnc->frame++ % BLANK_FRAMES == 0)
        ask_blank(vnc);
    aml_dispatch(vnc->loop);
}

void vnc_show_console(struct vnc *vnc, unsigned index)
{
    struct display *display = display_at(vnc->machine, index);
    if (!display || display == vnc->view.display)
        return;
    held_keys_release(&vnc->held, vnc->machine);
    display_detach(&vnc->view);
    display_attach(display, &vnc->view);
    vnc->blank = vnc->alt_gr = false;
    vnc->modifiers = 0;
}

// --- clients -------------------------------------------------------------------------------------------------------

static void client_gone(struct nvnc_client *client)
{
    struct vnc *vnc = nvnc_get_userdata(nvnc_client_get_server(client));
    held_keys_release(&vnc->held, vnc->machine);
    if (--vnc->clients)
        return;
    display_detach(&vnc->view);
    ticker_set(&vnc->ticker, 0);
}

static void client_came(struct nvnc_client *client)
{
    struct vnc *vnc = nvnc_get_userdata(nvnc_client_get_server(client));
    nvnc_set_client_cleanup_fn(client, client_gone);
    if (vnc->clients++)
        return;
    vnc_show_console(vnc, ui_first_display(vnc->machine));
    ticker_set(&vnc->ticker, FRAME_NS);
}

static void loop_ready(void *opaque, unsigned events)
{
    struct vnc *vnc = opaque;
    (void)events;
    aml_poll(vnc->loop, 0);
    aml_dispatch(vnc->loop);
}

static bool authenticate(const char *user, const char *password, void *opaque)
{
    const struct vnc *vnc = opaque;
    const char *wanted = vnc->options->user ? vnc->options->user : "lyrebird";
    // The time does not tell how much of it was right.
    size_t length = strlen(vnc->password), given = strlen(password);
    unsigned differ = length != given || strcmp(user, wanted);
    for (size_t i = 0; i < length; i++)
        differ |= (unsigned)(vnc->password[i] ^ password[given ? i % given : 0]);
    return !differ;
}

// --- setting up ----------------------------------------------------------------------------------------------------

static void log_line(const struct nvnc_log_data *data, const char *message)
{
    if (data->level <= NVNC_LOG_ERROR)
        fprintf(stderr, "lyrebird: VNC: %s\n", message);
}

// "HOST:NUMBER", "[V6]:NUMBER", ":NUMBER": the host is for the caller to free.
static int parse_address(const char *address, char **host, unsigned *port, struct error *error)
{
    const char *colon = strrchr(address, ':');
    char *end;
    unsigned long number = colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || colon[1] < '0' || colon[1] > '9' || *end)
        return error_set(error, EINVAL, "'%s' is no address; write HOST:NUMBER, :NUMBER, unix:PATH or none", address);
    if (number > PORT_MAX - PORT_BASE)
        return error_set(error, ERANGE, "display %lu would be at port %lu; the last one is %d", number, number + PORT_BASE,
                         PORT_MAX - PORT_BASE);
    *port = (unsigned)number + PORT_BASE;
    bool brackets = *address == '[' && colon > address && colon[-1] == ']';
    *host = strndup(address + brackets, (size_t)(colon - address) - 2u * brackets);
    return *host ? 0 : -ENOMEM;
}

static int open_server(struct vnc *vnc, struct error *error)
{
    const char *address = vnc->options->address;
    char *host = NULL;
    unsigned port = 0;
    int status = 0;
    errno = 0;
    if (!strncmp(address, "unix:", 5)) {
        vnc->server = nvnc_open_unix(address + 5);
    } else if (!(status = parse_address(address, &host, &port, error))) {
        vnc->server = nvnc_open(*host ? host : "0.0.0.0", (uint16_t)port);
    }
    if (!status && !vnc->server)
        status = error_set(error, errno ? errno : EADDRNOTAVAIL, "cannot listen at %s (port %u): %s", address, port,
                           errno ? strerror(errno) : "there is no such address here");
    if (!status && host && !*host && !vnc->password)
        fprintf(stderr, "lyrebird: VNC: anyone who can reach port %u of this host can use the guest; 127.0.0.1%s keeps it here\n",
                port, address);
    free(host);
    return status;
}

static int read_password(struct vnc *vnc, struct error *error)
{
    const struct vnc_options *options = vnc->options;
    bool all = options->tls_key && options->tls_cert && options->password_file;
    if (!options->tls_key && !options->tls_cert && !options->password_file && !options->user)
        return 0;
    if (!all)
        return error_set(error, EINVAL, "passwords are sent by TLS only: give password-file, tls-key and tls-cert");
    if (!nvnc_has_auth())
        return error_set(error, ENOTSUP, "this host's neatvnc was built without passwords");
    FILE *file = fopen(options->password_file, "r");
    size_t size = 0;
    if (!file || getline(&vnc->password, &size, file) < 0) {
        int reason = errno ? errno : ENODATA;
        if (file)
            fclose(file);
        return error_set(error, reason, "cannot read a password from '%s': %s", options->password_file, strerror(reason));
    }
    fclose(file);
    vnc->password[strcspn(vnc->password, "\r\n")] = 0;
    return 0;
}

static int start(struct vnc *vnc, struct error *error)
{
    const struct vnc_options *options = vnc->options;
    struct machine *machine = vnc->machine;
    const char *layout = vnc->host->layout;
    int status;
    if (!(vnc->keymap = keymap_create(layout ? layout : "en-us", error)))
        return -EINVAL;
    if ((status = read_password(vnc, error)))
        return status;
    nvnc_set_log_fn(log_line);
    vnc->loop = aml_new();
    aml_set_default(vnc->loop);
    if ((status = open_server(vnc, error)))
        return status;
    vnc->screen = nvnc_display_new(0, 0);
    nvnc_add_display(vnc->server, vnc->screen);
    nvnc_set_userdata(vnc->server, vnc, NULL);
    nvnc_set_name(vnc->server, vnc->host->name ? vnc->host->name : "Lyrebird");
    nvnc_set_new_client_fn(vnc->server, client_came);
    vnc_listen_to_input(vnc);
    if (vnc->password && nvnc_enable_auth(vnc->server, options->tls_key, options->tls_cert, authenticate, vnc))
        return error_set(error, EINVAL, "TLS cannot be set up with '%s' and '%s'", options->tls_key, options->tls_cert);
    if ((status = ticker_init(&vnc->ticker, machine->loop, tick, vnc)))
        return error_set(error, -status, "the host has no timer left: %s", strerror(-status));
    // Something to send before there is anything.
    feed_all(vnc, picture_of_text(vnc->font, "Lyrebird"));
    vnc->watch = io_watch_add(machine->loop, aml_get_fd(vnc->loop), IO_READ, loop_ready, vnc);
    return 0;
}

static void destroy(struct ui *ui)
{
    struct vnc *vnc = (struct vnc *)ui;
    device_lock_acquire(&vnc->machine->lock);
    if (vnc->watch)
        io_watch_remove(vnc->watch);
    if (vnc->server)
        nvnc_close(vnc->server);
    held_keys_release(&vnc->held, vnc->machine);
    display_detach(&vnc->view);
    ticker_release(&vnc->ticker);
    device_lock_release(&vnc->machine->lock);
    if (vnc->screen)
        nvnc_display_unref(vnc->screen);
    if (vnc->loop) {
        aml_set_default(NULL);
        aml_unref(vnc->loop);
    }
    if (!strncmp(vnc->options->address, "unix:", 5) && vnc->server)
        remove(vnc->options->address + 5);
    keymap_destroy(vnc->keymap);
    font_destroy(vnc->font);
    free(vnc->password);
    free(vnc);
}

static int create(const struct ui_host *host, const void *options, struct ui **ui, struct error *error)
{
    struct vnc *vnc = ALLOC(struct vnc);
    vnc->ui.destroy = destroy;
    vnc->host = host;
    vnc->options = options;
    vnc->machine = host->machine;
    vnc->font = font_create();
    device_lock_acquire(&vnc->machine->lock);
    int status = start(vnc, error);
    device_lock_release(&vnc->machine->lock);
    if (status)
        destroy(&vnc->ui);
    else
        *ui = &vnc->ui;
    return status;
}

static const struct property properties[] = {
    {"address", PROPERTY_STRING, offsetof(struct vnc_options, address), NULL, "where it listens: HOST:NUMBER or unix:PATH", NULL},
    {"user", PROPERTY_STRING, offsetof(struct vnc_options, user), NULL, "who may connect (default: lyrebird)", NULL},
    {"password-file", PROPERTY_STRING, offsetof(struct vnc_options, password_file), NULL,
     "a file whose first line is the password", NULL},
    {"tls-key", PROPERTY_STRING, offsetof(struct vnc_options, tls_key), NULL, "private key of the server, for passwords", NULL},
    {"tls-cert", PROPERTY_STRING, offsetof(struct vnc_options, tls_cert), NULL, "its certificate", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct ui_type ui_vnc_type = {.name = "vnc",
                                    .help = "a server for VNC clients",
                                    .properties = properties,
                                    .options_size = sizeof(struct vnc_options),
                                    .create = create};
