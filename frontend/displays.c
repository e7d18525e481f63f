// SPDX-License-Identifier: MIT
#include "frontend/displays.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/guest-state.h"
#include "frontend/registry.h"
#include "frontend/settings.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "ui/typist.h"
#include "ui/ui.h"

enum { UIS_MAX = 2 };

struct displays {
    struct machine *machine;
    struct ui_host host;
    struct typist *typist;
    struct {
        const struct ui_type *type;
        void *options;
        struct ui *ui;
    } uis[UIS_MAX];
    unsigned count;
};

static bool is_none(const struct keyval_list *list, const char *key)
{
    const char *value = keyval_get(list, key);
    return value && !strcmp(value, "none");
}

// Whether the host has a place for windows, and this program was built to open them.
static bool host_has_windows(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    return registry_default_ui && ((x && *x) || (wayland && *wayland));
}

static bool wants_vnc(const struct settings *settings)
{
    return settings->vnc.count && !is_none(&settings->vnc, "address");
}

enum screen_kind displays_kind(const struct settings *settings)
{
    if (settings->nographic)
        return SCREEN_TERMINAL;
    if (wants_vnc(settings))
        return SCREEN_WINDOW;
    if (settings->display.count)
        return is_none(&settings->display, "type") ? SCREEN_NONE : SCREEN_WINDOW;
    if (settings->vnc.count)
        return SCREEN_NONE;
    return host_has_windows() ? SCREEN_WINDOW : SCREEN_TERMINAL;
}

static void describe_state(void *opaque, char *text, size_t size)
{
    guest_state_line(((struct displays *)opaque)->machine, text, size);
}

static void describe_guest(void *opaque, char *text, size_t size)
{
    guest_state_describe(((struct displays *)opaque)->machine, text, size);
}

static void type(void *opaque, const char *text)
{
    typist_type(((struct displays *)opaque)->typist, text);
}

// The type that a list names, and its options (to be freed with them), even on failure.
static int parse(const struct keyval_list *list, const struct ui_type **type, void **options, struct error *error)
{
    const struct ui_type *ui = *type = registry_find_ui(keyval_get(list, "type"), error);
    int status = ui ? 0 : -ENOENT;
    *options = NULL;
    if (!ui)
        return status;
    *options = alloc_zeroed(1, ui->options_size);
    property_set_defaults(ui->properties, *options);
    for (size_t i = 0; i < list->count && !status; i++)
        if (strcmp(list->items[i].key, "type"))
            status = property_set(ui->properties, *options, ui->name, list->items[i].key, list->items[i].value, NULL, error);
    return status;
}

static void release(const struct ui_type *type, void *options)
{
    if (options)
        property_release(type->properties, options);
    free(options);
}

static int check(const struct keyval_list *list, struct error *error)
{
    const struct ui_type *type;
    void *options;
    int status = parse(list, &type, &options, error);
    release(type, options);
    return status;
}

int displays_check(const struct settings *settings, struct error *error)
{
    int status = 0;
    if (settings->display.count && !is_none(&settings->display, "type") && (status = check(&settings->display, error)))
        error_prefix(error, "-display %.120s", settings->display.text);
    else if (wants_vnc(settings) && (status = check(&settings->vnc, error)))
        error_prefix(error, "-vnc %.120s", settings->vnc.text);
    return status;
}

static int add_ui(struct displays *displays, const struct keyval_list *list, struct error *error)
{
    unsigned i = displays->count++;
    int status = parse(list, &displays->uis[i].type, &displays->uis[i].options, error);
    return status ? status : displays->uis[i].type->create(&displays->host, displays->uis[i].options, &displays->uis[i].ui, error);
}

static int add_uis(struct displays *displays, const struct settings *settings, struct error *error)
{
    struct keyval preset = {"type", registry_default_ui};
    const struct keyval_list preset_list = {&preset, 1, registry_default_ui};
    bool given = settings->display.count;
    int status = 0;
    if (given && !is_none(&settings->display, "type") && (status = add_ui(displays, &settings->display, error)))
        error_prefix(error, "-display %.120s", settings->display.text);
    else if (!given && !wants_vnc(settings))
        status = add_ui(displays, &preset_list, error);
    if (!status && wants_vnc(settings) && (status = add_ui(displays, &settings->vnc, error)))
        error_prefix(error, "-vnc %.120s", settings->vnc.text);
    return status;
}

int displays_create(struct machine *machine, const struct settings *settings, struct displays **out,
                    struct error *error)
{
    *out = NULL;
    if (displays_kind(settings) != SCREEN_WINDOW)
        return 0;
    struct displays *displays = ALLOC(struct displays);
    displays->machine = machine;
    displays->host = (struct ui_host){.machine = machine,
                                      .name = settings->name,
                                      .layout = settings->keyboard_layout,
                                      .full_screen = settings->full_screen,
                                      .describe_state = describe_state,
                                      .describe_guest = describe_guest,
                                      .type = type,
                                      .opaque = displays};
    displays->typist = typist_create(machine, settings->keyboard_layout, error);
    int status = displays->typist ? add_uis(displays, settings, error) : -EMFILE;
    if (status)
        displays_destroy(displays);
    else
        *out = displays;
    return status;
}

void displays_destroy(struct displays *displays)
{
    if (!displays)
        return;
    for (unsigned i = 0; i < displays->count; i++) {
        if (displays->uis[i].ui)
            displays->uis[i].ui->destroy(displays->uis[i].ui);
        release(displays->uis[i].type, displays->uis[i].options);
    }
    typist_destroy(displays->typist);
    free(displays);
}
