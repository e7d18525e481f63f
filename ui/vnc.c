// SPDX-License-Identifier: MIT
// A VNC server, on the I/O thread: what it shows, who may see it, and where it listens. While no client is
// there, nobody looks at the display. All clients see the same one.
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "hw/core/surface.h"
#include "tcg/base/alloc.h"
#include "ui/font.h"
#include "ui/picture.h"
#include "ui/socket-open.h"
#include "ui/vnc-private.h"

enum { FRAME_NS = 33333333, BLANK_FRAMES = 15, PORT_BASE = 5900, PORT_MAX = 65535 };

// --- what is shown ---

static void tell_clients(struct vnc *vnc, const struct display_damage *damage)
{
    for (struct vnc_client *client = vnc->clients; client; client = client->next) {
        for (unsigned i = 0; i < damage->count; i++)
            display_damage_add(&client->damage, damage->rects[i]);
        vnc_client_update(client);
    }
}

// Takes the reference over.
static void show(struct vnc *vnc, struct surface *surface)
{
    struct display_damage all = {1, {{0, 0, surface->width, surface->height}}};
    bool resized = surface->width != vnc->shown->width || surface->height != vnc->shown->height;
    surface_drop(vnc->shown);
    vnc->shown = surface;
    if (resized)
        vnc_layout_changed(vnc);
    tell_clients(vnc, &all);
}

// The vCPUs are stopped to see what they do. That must not be waited for with the device lock, so the worker
// asks, which has none.
static void blank_ask(void *opaque)
{
    struct vnc *vnc = opaque;
    vnc->host->describe_guest(vnc->host->opaque, vnc->blank_text, sizeof(vnc->blank_text));
}

static void blank_show(void *opaque)
{
    struct vnc *vnc = opaque;
    vnc->blank_asked = false;
    if (!vnc->blank || !strcmp(vnc->blank_text, vnc->blank_shown))
        return;
    memcpy(vnc->blank_shown, vnc->blank_text, sizeof(vnc->blank_shown));
    struct surface *picture = picture_of_text(vnc->font, vnc->blank_text);
    if (picture)
        show(vnc, picture);
    vnc_clients_drop(vnc, false);
}

static void ask_blank(struct vnc *vnc)
{
    if (vnc->blank_asked)
        return;
    vnc->blank_asked = true;
    vnc->blank_work = (struct vnc_work){blank_ask, blank_show, vnc, NULL};
    vnc_worker_give(&vnc->worker, &vnc->blank_work);
}

static void change_cursor(struct vnc *vnc, struct display_update *update)
{
    display_cursor_drop(vnc->cursor);
    vnc->cursor = update->cursor;
    update->cursor = NULL;
    for (struct vnc_client *client = vnc->clients; client; client = client->next)
        client->cursor_stale = true;
}

static void look(struct vnc *vnc)
{
    struct display_update update;
    bool news = display_take(&vnc->view, &update);
    bool was_blank = vnc->blank;
    if (news && update.cursor_changed)
        change_cursor(vnc, &update);
    if (news)
        vnc->blank = !update.surface;
    if (news && update.surface && (update.surface_changed || was_blank)) {
        vnc->blank_shown[0] = 0;
        show(vnc, surface_take(update.surface));
    } else if (news) {
        tell_clients(vnc, &update.damage);
    }
    display_update_release(&update);
}

static void tick(void *opaque)
{
    struct vnc *vnc = opaque;
    vnc_layout_pass_on(vnc);
    look(vnc);
    if (vnc->blank && vnc->frame++ % BLANK_FRAMES == 0)
        ask_blank(vnc);
    vnc_clients_drop(vnc, false);
}

void vnc_show_console(struct vnc *vnc, unsigned index)
{
    struct display *display = display_at(vnc->machine, index);
    if (!display || display == vnc->view.display)
        return;
    for (struct vnc_client *client = vnc->clients; client; client = client->next)
        vnc_input_release(client);
    display_detach(&vnc->view);
    display_attach(display, &vnc->view);
    vnc->blank = false;
}

// --- clients ---

void vnc_join(struct vnc *vnc, struct vnc_client *client)
{
    client->joined = true;
    if (vnc->joined++)
        return;
    vnc_show_console(vnc, ui_first_display(vnc->machine));
    look(vnc);
    ticker_set(&vnc->ticker, FRAME_NS);
}

void vnc_leave(struct vnc *vnc, struct vnc_client *client)
{
    client->joined = false;
    if (--vnc->joined)
        return;
    display_detach(&vnc->view);
    ticker_set(&vnc->ticker, 0);
}

static void somebody_knocks(void *opaque, int fd)
{
    vnc_client_accept(opaque, fd);
}

bool vnc_password_is_right(const struct vnc *vnc, const char *user, const char *password)
{
    const char *wanted = vnc->options->user ? vnc->options->user : "lyrebird";
    // The time does not tell how much of it was right.
    size_t length = strlen(vnc->password), given = strlen(password);
    unsigned differ = length != given || strcmp(user, wanted);
    for (size_t i = 0; i < length; i++)
        differ |= (unsigned)(vnc->password[i] ^ password[given ? i % given : 0]);
    return !differ;
}

// --- setting up ---

// "HOST:NUMBER", "[V6]:NUMBER", ":NUMBER": the host is for the caller to free.
static int parse_address(const char *address, char **host, unsigned *port, struct error *error)
{
    const char *colon = strrchr(address, ':');
    char *end;
    unsigned long number = colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || colon[1] < '0' || colon[1] > '9' || *end)
        return error_set(error, EINVAL, "'%s' is no address; write HOST:NUMBER, :NUMBER, unix:PATH or none",
                         address);
    if (number > PORT_MAX - PORT_BASE)
        return error_set(error, ERANGE, "display %lu would be at port %lu; the last one is %d", number,
                         number + PORT_BASE, PORT_MAX - PORT_BASE);
    *port = (unsigned)number + PORT_BASE;
    bool brackets = *address == '[' && colon > address + 1 && colon[-1] == ']';
    *host = strndup(address + brackets, (size_t)(colon - address) - 2u * brackets);
    return *host ? 0 : -ENOMEM;
}

static int open_port(struct vnc *vnc, int *fd, struct error *error)
{
    const char *address = vnc->options->address;
    char *host = NULL, *service = NULL;
    unsigned port = 0;
    int status = parse_address(address, &host, &port, error);
    if (!status) {
        service = alloc_format("%u", port);
        status = socket_open_tcp(*host ? host : "0.0.0.0", service, true, fd, error);
    }
    if (!status && !*host && !vnc->password)
        fprintf(stderr,
                "lyrebird: VNC: anyone who can reach port %u of this host can use the guest; 127.0.0.1%s "
                "keeps it here\n",
                port, address);
    free(service);
    free(host);
    return status;
}

static int open_listener(struct vnc *vnc, struct error *error)
{
    const char *address = vnc->options->address;
    int fd, status;
    if (strncmp(address, "unix:", 5)) {
        status = open_port(vnc, &fd, error);
    } else if (!(status = socket_open_unix(address + 5, true, &fd, error))) {
        vnc->path = alloc_string(address + 5);
    }
    return status ? status
                  : listener_init(&vnc->listener, vnc->machine->loop, fd, somebody_knocks, vnc, error);
}

static int read_password(struct vnc *vnc, struct error *error)
{
    const char *path = vnc->options->password_file;
    FILE *file = fopen(path, "r");
    size_t size = 0;
    if (!file || getline(&vnc->password, &size, file) < 0) {
        int reason = errno ? errno : ENODATA;
        if (file)
            fclose(file);
        return error_set(error, reason, "cannot read a password from '%s': %s", path, strerror(reason));
    }
    fclose(file);
    vnc->password[strcspn(vnc->password, "\r\n")] = 0;
    if (strlen(vnc->password) > VNC_PASSWORD_MAX)
        return error_set(error, EINVAL, "the password in '%s' has more than %d bytes", path,
                         VNC_PASSWORD_MAX);
    return 0;
}

static int prepare_passwords(struct vnc *vnc, struct error *error)
{
    const struct vnc_options *options = vnc->options;
    bool all = options->tls_key && options->tls_cert && options->password_file;
    int status;
    if (!options->tls_key && !options->tls_cert && !options->password_file && !options->user)
        return 0;
    if (!all)
        return error_set(error, EINVAL,
                         "passwords are sent by TLS only: give password-file, tls-key and tls-cert");
    errno = 0;
    if ((status = read_password(vnc, error)))
        return status;
    if ((status = gnutls_certificate_allocate_credentials(&vnc->credentials)))
        vnc->credentials = NULL;
    else
        status = gnutls_certificate_set_x509_key_file(vnc->credentials, options->tls_cert, options->tls_key,
                                                      GNUTLS_X509_FMT_PEM);
    if (status)
        return error_set(error, EINVAL, "TLS cannot be set up with '%s' and '%s': %s", options->tls_key,
                         options->tls_cert, gnutls_strerror(status));
    return 0;
}

static int start(struct vnc *vnc, struct error *error)
{
    struct machine *machine = vnc->machine;
    const char *layout = vnc->host->layout;
    int status;
    if (!(vnc->keymap = keymap_create(layout ? layout : "en-us", error)))
        return -EINVAL;
    // Something to send before there is anything.
    if (!(vnc->shown = picture_of_text(vnc->font, "Lyrebird")))
        return error_set(error, ENOMEM, "no memory for a picture");
    if ((status = prepare_passwords(vnc, error)))
        return status;
    if ((status = ticker_init(&vnc->ticker, machine->loop, tick, vnc)) || (status = vnc_door_open(vnc)))
        return error_set(error, -status, "the host has no timer left: %s", strerror(-status));
    if ((status = vnc_worker_start(&vnc->worker, machine->loop)))
        return error_set(error, -status, "the host has no thread left: %s", strerror(-status));
    return open_listener(vnc, error);
}

static void stop(struct vnc *vnc)
{
    listener_release(&vnc->listener);
    if (vnc->path)
        unlink(vnc->path);
    vnc_clients_drop(vnc, true);
    ticker_release(&vnc->ticker);
    ticker_release(&vnc->door);
}

// What the worker was busy with is nobody's any more.
static void forget_work(struct vnc *vnc)
{
    if (vnc->worker.loop)
        io_loop_unpost(vnc->worker.loop, &vnc->worker.task);
    for (struct vnc_client *client = vnc->clients; client; client = client->next) {
        surface_drop(client->frame.surface);
        client->busy = false;
    }
    vnc_clients_drop(vnc, true);
}

static void destroy(struct ui *ui)
{
    struct vnc *vnc = (struct vnc *)ui;
    device_lock_acquire(&vnc->machine->lock);
    stop(vnc);
    device_lock_release(&vnc->machine->lock);
    vnc_worker_stop(&vnc->worker);
    device_lock_acquire(&vnc->machine->lock);
    forget_work(vnc);
    device_lock_release(&vnc->machine->lock);
    display_cursor_drop(vnc->cursor);
    surface_drop(vnc->shown);
    if (vnc->credentials)
        gnutls_certificate_free_credentials(vnc->credentials);
    keymap_destroy(vnc->keymap);
    font_destroy(vnc->font);
    free(vnc->path);
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
    {"address", PROPERTY_STRING, offsetof(struct vnc_options, address), NULL,
     "where it listens: HOST:NUMBER or unix:PATH", NULL},
    {"user", PROPERTY_STRING, offsetof(struct vnc_options, user), NULL, "who may connect (default: lyrebird)",
     NULL},
    {"password-file", PROPERTY_STRING, offsetof(struct vnc_options, password_file), NULL,
     "a file whose first line is the password", NULL},
    {"tls-key", PROPERTY_STRING, offsetof(struct vnc_options, tls_key), NULL,
     "private key of the server, for passwords", NULL},
    {"tls-cert", PROPERTY_STRING, offsetof(struct vnc_options, tls_cert), NULL, "its certificate", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct ui_type ui_vnc_type = {.name = "vnc",
                                    .help = "a server for VNC clients",
                                    .properties = properties,
                                    .options_size = sizeof(struct vnc_options),
                                    .create = create};
