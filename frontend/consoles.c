// SPDX-License-Identifier: MIT
// Who talks to whom. As in QEMU: with -nographic, the first serial port and the monitor share standard input and output;
// -serial mon:stdio asks for the same by name; in a window they are terminals among its displays; -display none leaves both
// unconnected.
#include "frontend/consoles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frontend/displays.h"
#include "frontend/settings.h"
#include "hw/core/block.h"
#include "hw/core/chardev.h"
#include "hw/core/display.h"
#include "hw/core/machine.h"
#include "ui/chardev-fd.h"
#include "ui/mux.h"
#include "ui/vc.h"

struct consoles {
    struct machine *machine;
    const struct settings *settings;
    const char *stdio_user; // who has taken standard input and output
    struct chardev *monitor;
};

static void quit(void *opaque)
{
    machine_shutdown_request(opaque, SHUTDOWN_HOST);
}

static void sync_disks(void *opaque)
{
    struct machine *machine = opaque;
    for (struct backend_entry *e = machine->backends.entries[BACKEND_DRIVE]; e; e = e->next)
        block_drain(e->backend);
}

static const struct mux_actions mux_actions = {quit, sync_disks};

static int open_stdio(struct consoles *consoles, const char *id, bool signals, struct chardev **chardev,
                      struct error *error)
{
    if (consoles->stdio_user)
        return error_set(error, EBUSY, "standard input and output are in use by '%s'; use mon:stdio to share them, or "
                         "pty", consoles->stdio_user);
    int status = chardev_stdio_create(id, consoles->machine->loop, signals, chardev, error);
    if (!status)
        consoles->stdio_user = id;
    return status;
}

static int open_pty(struct consoles *consoles, const char *id, struct chardev **chardev, struct error *error)
{
    int status = chardev_pty_create(id, consoles->machine->loop, chardev, error);
    if (!status) {
        printf("char device redirected to %s (label %s)\n", chardev_pty_path(*chardev), id);
        fflush(stdout);
    }
    return status;
}

// The console and the monitor on one terminal; the mux lives as long as its ports.
static int open_shared(struct consoles *consoles, const char *id, struct chardev **chardev, struct error *error)
{
    struct chardev *terminal;
    int status = open_stdio(consoles, id, false, &terminal, error);
    if (status)
        return status;
    struct mux *mux = mux_create(terminal, consoles->settings->escape_character, &mux_actions, consoles->machine);
    *chardev = mux_port(mux, id);
    if (!consoles->monitor && !consoles->settings->monitor) {
        consoles->monitor = mux_port(mux, "monitor");
        status = backend_list_add(&consoles->machine->backends, BACKEND_CHARDEV, "monitor", consoles->monitor, error);
    }
    mux_release(mux);
    return status;
}

// "vc" or "vc:COLUMNSxROWS".
static int open_vc(struct consoles *consoles, const char *where, const char *id, struct chardev **chardev, struct error *error)
{
    unsigned columns = VC_COLUMNS, rows = VC_ROWS;
    int used = 0;
    if (where[2] && (sscanf(where, "vc:%3ux%3u%n", &columns, &rows, &used) != 2 || where[used] || columns < VC_COLUMNS_MIN ||
                     columns > DISPLAY_TEXT_COLUMNS || rows < VC_ROWS_MIN || rows > DISPLAY_TEXT_ROWS))
        return error_set(error, EINVAL, "'%s' is no size of a terminal; write vc:80x25 (from %dx%d to %dx%d)", where, VC_COLUMNS_MIN,
                         VC_ROWS_MIN, DISPLAY_TEXT_COLUMNS, DISPLAY_TEXT_ROWS);
    *chardev = vc_create(id, consoles->machine, columns, rows);
    return 0;
}

// What -serial and -monitor take. *chardev is NULL for "none".
static int open_console(struct consoles *consoles, const char *where, const char *id, struct chardev **chardev,
                        struct error *error)
{
    static const char *const kinds[] = {"mon:stdio", "stdio", "vc", "null", "none", "pty", "file:", "chardev:", NULL};
    int status = 0;
    *chardev = NULL;
    if (!strcmp(where, "none"))
        return 0;
    if (!strncmp(where, "chardev:", 8)) {
        *chardev = backend_list_find(&consoles->machine->backends, BACKEND_CHARDEV, where + 8);
        return *chardev ? 0 : error_set(error, ENOENT, "there is no -chardev with id=%s", where + 8);
    }
    if (!strcmp(where, "mon:stdio"))
        status = open_shared(consoles, id, chardev, error);
    else if (!strcmp(where, "stdio"))
        status = open_stdio(consoles, id, !consoles->settings->nographic, chardev, error);
    else if (!strcmp(where, "null"))
        *chardev = chardev_null_create(id);
    else if (!strcmp(where, "vc") || !strncmp(where, "vc:", 3))
        status = open_vc(consoles, where, id, chardev, error);
    else if (!strcmp(where, "pty"))
        status = open_pty(consoles, id, chardev, error);
    else if (!strncmp(where, "file:", 5))
        status = chardev_file_create(id, consoles->machine->loop, where + 5, chardev, error);
    else {
        const char *near = nearest_name(where, kinds);
        return error_set(error, EINVAL, near ? "unknown place '%s'; did you mean '%s'?"
                         : "unknown place '%s'; use mon:stdio, stdio, vc, null, none, pty, file:PATH or chardev:ID", where,
                         near);
    }
    if (status)
        return status;
    return backend_list_add(&consoles->machine->backends, BACKEND_CHARDEV, id, *chardev, error);
}

static int create_chardev(struct consoles *consoles, const struct keyval_list *list, struct error *error)
{
    static const char *const known_file[] = {"backend", "id", "path", NULL};
    static const char *const known_stdio[] = {"backend", "id", "signal", NULL};
    static const char *const known_plain[] = {"backend", "id", NULL};
    static const char *const kinds[] = {"null", "stdio", "file", "pty", NULL};
    const char *kind = keyval_get(list, "backend"), *id = keyval_get(list, "id"), *path = keyval_get(list, "path");
    struct machine *machine = consoles->machine;
    struct chardev *chardev = NULL;
    bool signals = !consoles->settings->nographic;
    int status = 0;
    bool is_file = !strcmp(kind, "file"), is_stdio = !strcmp(kind, "stdio");
    if (backend_list_find(&machine->backends, BACKEND_CHARDEV, id))
        return error_set(error, EEXIST, "id '%s' is taken", id);
    if (is_file || is_stdio || !strcmp(kind, "null") || !strcmp(kind, "pty"))
        status = keyval_check(list, is_file ? known_file : is_stdio ? known_stdio : known_plain, error);
    if (!status)
        status = keyval_bool(list, "signal", &signals, error);
    if (status)
        return status;
    if (is_stdio)
        status = open_stdio(consoles, id, signals, &chardev, error);
    else if (is_file && !path)
        status = error_set(error, EINVAL, "a file needs path=PATH");
    else if (is_file)
        status = chardev_file_create(id, machine->loop, path, &chardev, error);
    else if (!strcmp(kind, "null"))
        chardev = chardev_null_create(id);
    else if (!strcmp(kind, "pty"))
        status = open_pty(consoles, id, &chardev, error);
    else {
        const char *near = nearest_name(kind, kinds);
        status = error_set(error, ENOENT, near ? "unknown kind '%s'; did you mean '%s'?"
                           : "unknown kind '%s'; use null, stdio, file or pty", kind, near);
    }
    return status ? status : backend_list_add(&machine->backends, BACKEND_CHARDEV, id, chardev, error);
}

static int open_serials(struct consoles *consoles, enum screen_kind screen, struct error *error)
{
    static const char *const ids[MACHINE_SERIALS] = {"serial0", "serial1", "serial2", "serial3"};
    const struct settings *settings = consoles->settings;
    struct machine *machine = consoles->machine;
    bool windows = screen == SCREEN_WINDOW;
    if (settings->serials.count > MACHINE_SERIALS)
        return error_set(error, EINVAL, "-serial is given %zu times; machines have at most %d serial ports",
                         settings->serials.count, MACHINE_SERIALS);
    for (size_t i = 0; i < settings->serials.count; i++) {
        int status = open_console(consoles, settings->serials.items[i], ids[i], &machine->serials[i], error);
        if (status) {
            error_prefix(error, "-serial %.120s", settings->serials.items[i]);
            return status;
        }
    }
    if (settings->serials.count || settings->nodefaults || screen == SCREEN_NONE || (!windows && consoles->stdio_user))
        return 0;
    bool monitor_has_it = settings->monitor && !strcmp(settings->monitor, "stdio");
    const char *where = windows ? "vc" : monitor_has_it ? "none" : "mon:stdio";
    return open_console(consoles, where, ids[0], &machine->serials[0], error);
}

static int open_monitor(struct consoles *consoles, const char *where, struct error *error)
{
    int status = open_console(consoles, where, "monitor", &consoles->monitor, error);
    if (status)
        error_prefix(error, "-monitor %.120s", where);
    return status;
}

// Whether a serial port brings the monitor along.
static bool shares_monitor(const struct settings *settings)
{
    for (size_t i = 0; i < settings->serials.count; i++)
        if (!strcmp(settings->serials.items[i], "mon:stdio"))
            return true;
    return false;
}

int consoles_create(struct machine *machine, const struct settings *settings, struct chardev **monitor,
                    struct error *error)
{
    struct consoles consoles = {.machine = machine, .settings = settings};
    enum screen_kind screen = displays_kind(settings);
    int status = 0;
    for (size_t i = 0; i < settings->chardevs.count; i++)
        if ((status = create_chardev(&consoles, &settings->chardevs.items[i], error))) {
            error_prefix(error, "-chardev %.120s", settings->chardevs.items[i].text);
            return status;
        }
    // In a window the monitor comes before the serial ports.
    if (screen == SCREEN_WINDOW && !settings->monitor && !settings->nodefaults && !shares_monitor(settings))
        status = open_monitor(&consoles, "vc", error);
    if (!status)
        status = open_serials(&consoles, screen, error);
    if (!status && settings->monitor)
        status = open_monitor(&consoles, settings->monitor, error);
    *monitor = consoles.monitor;
    return status;
}
