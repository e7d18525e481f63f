// SPDX-License-Identifier: MIT
// Options about screens and keyboards.
#include <errno.h>
#include <string.h>

#include "frontend/option-handlers.h"
#include "frontend/settings.h"
#include "tcg/base/bits.h"

int option_vga(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const others[] = {"cirrus", "vmware", "qxl", "xenfb", "tcx", "cg3"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (!strcmp(argument, others[i]))
            return error_set(error, ENOTSUP, "that display is not built yet; std, virtio and none are");
    if (strcmp(argument, "std") && strcmp(argument, "virtio") && strcmp(argument, "none"))
        return error_set(error, EINVAL, "unknown display; use std, virtio or none");
    settings->vga = argument;
    return 0;
}

int option_nographic(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->nographic = true;
    return 0;
}

// The last one counts. "vnc=ADDRESS" is a way to say -vnc ADDRESS.
int option_display(struct settings *settings, const char *argument, struct error *error)
{
    struct keyval_list list;
    if (!strcmp(argument, "help") || !strcmp(argument, "?")) {
        settings->help = settings->help == HELP_NONE ? HELP_DISPLAYS : settings->help;
        return 0;
    }
    if (!strncmp(argument, "vnc=", 4))
        return option_vnc(settings, argument + 4, error);
    int status = keyval_parse(&settings->arena, argument, "type", &list, error);
    if (status)
        return status;
    if (!keyval_get(&list, "type"))
        return error_set(error, EINVAL, "no kind of display is named; -display help lists them");
    if (keyval_get(&list, "help")) {
        settings->help = HELP_DISPLAY;
        settings->help_name = keyval_get(&list, "type");
    }
    settings->display = list;
    return 0;
}

int option_vnc(struct settings *settings, const char *argument, struct error *error)
{
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "address", &list, error);
    if (status)
        return status;
    if (!keyval_get(&list, "address"))
        return error_set(error, EINVAL, "no address is given; write HOST:NUMBER, :NUMBER, unix:PATH or none");
    keyval_set(&settings->arena, &list, "type", "vnc");
    settings->vnc = list;
    return 0;
}

int option_keyboard(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->keyboard_layout = argument;
    return 0;
}

int option_full_screen(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->full_screen = true;
    return 0;
}
