// SPDX-License-Identifier: MIT
// Defaults of the command line, and growing its lists.
#include "frontend/settings.h"

#include <string.h>

void settings_init(struct settings *settings, const char *argv0)
{
    static const char prefix[] = "qemu-system-";
    *settings = (struct settings){.escape_character = 1, .boot = {.menu_wait_ms = -1, .retry_ms = -1}};
    const char *slash = strrchr(argv0, '/');
    settings->program = slash ? slash + 1 : argv0;
    if (!strncmp(settings->program, prefix, sizeof(prefix) - 1))
        settings->qemu_arch = settings->program + sizeof(prefix) - 1;
}

void settings_free(struct settings *settings)
{
    arena_free(&settings->arena);
}

void setting_group_add(struct settings *settings, struct setting_group *group, struct keyval_list list)
{
    struct keyval_list *grown = ARENA_ARRAY(&settings->arena, struct keyval_list, group->count + 1);
    if (group->count)
        memcpy(grown, group->items, group->count * sizeof(*grown));
    grown[group->count++] = list;
    group->items = grown;
}

void setting_names_add(struct settings *settings, struct setting_names *names, const char *name)
{
    const char **grown = ARENA_ARRAY(&settings->arena, const char *, names->count + 1);
    if (names->count)
        memcpy(grown, names->items, names->count * sizeof(*grown));
    grown[names->count++] = name;
    names->items = grown;
}
