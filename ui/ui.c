// SPDX-License-Identifier: MIT
#include "ui/ui.h"

#include <string.h>

#include "hw/core/display.h"

unsigned ui_first_display(struct machine *machine)
{
    const struct display *display;
    for (unsigned i = 0; (display = display_at(machine, i)); i++)
        if (!display->is_terminal || !strcmp(display->name, "serial0"))
            return i;
    return 0;
}
