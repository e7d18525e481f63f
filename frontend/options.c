// SPDX-License-Identifier: MIT
// Finding options and feeding them their arguments.
#include "frontend/options.h"

#include <errno.h>
#include <string.h>

#include "frontend/option-handlers.h"
#include "hw/core/property.h"
#include "tcg/base/bits.h"

const struct option options[] = {
#define OPTION(name, alias, argument, section, handler, help)                                                        \
    {name, alias, argument, SECTION_##section, handler, help},
#define NOT_BUILT(name, argument, what) {name, NULL, argument, SECTION_COUNT, NULL, what},
#include "frontend/options.inc"
#undef OPTION
#undef NOT_BUILT
    {0},
};

const char *const option_section_titles[SECTION_COUNT] = {
    [SECTION_MACHINE] = "Machine",        [SECTION_BOOT] = "What to start", [SECTION_DEVICES] = "Devices",
    [SECTION_CONSOLE] = "Consoles",       [SECTION_RUN] = "Running",        [SECTION_DEBUG] = "Debugging",
    [SECTION_HELP] = "Help",
};

const struct option *option_find(const char *name)
{
    for (const struct option *option = options; option->name; option++)
        if (!strcmp(option->name, name) || (option->alias && !strcmp(option->alias, name)))
            return option;
    return NULL;
}

static int unknown_option(const char *given, const char *name, struct error *error)
{
    const char *names[2 * ARRAY_SIZE(options) + 1] = {0};
    size_t count = 0;
    for (const struct option *option = options; option->name; option++) {
        if (!option->handle)
            continue;
        names[count++] = option->name;
        if (option->alias)
            names[count++] = option->alias;
    }
    const char *near = nearest_name(name, names);
    if (near)
        return error_set(error, ENOENT, "unknown option '%s'; did you mean '-%s'?", given, near);
    return error_set(error, ENOENT, "unknown option '%s'; -help lists the options", given);
}

static int take_file(struct settings *settings, const char *file, struct error *error)
{
    if (settings->file)
        return error_set(error, EINVAL, "'%s' and '%s': only one file can be given without an option", settings->file,
                         file);
    settings->file = file;
    return 0;
}

int options_parse(struct settings *settings, int argc, char **argv, struct error *error)
{
    for (int i = 1; i < argc; i++) {
        const char *given = argv[i];
        int status;
        if (given[0] != '-' || !given[1]) {
            if ((status = take_file(settings, given, error)))
                return status;
            continue;
        }
        const char *name = given + (given[1] == '-' ? 2 : 1);
        const struct option *option = option_find(name);
        if (!option)
            return unknown_option(given, name, error);
        const char *argument = NULL;
        if (option->argument) {
            if (i + 1 >= argc)
                return error_set(error, EINVAL, "-%s needs an argument: -%s %s", name, name, option->argument);
            argument = argv[++i];
        }
        if (!option->handle)
            return error_set(error, ENOTSUP, "-%s: not built yet: %s", name, option->help);
        if ((status = option->handle(settings, argument, error))) {
            // A long argument must not push the message out.
            if (argument)
                error_prefix(error, "-%s %.120s%s", name, argument, strlen(argument) > 120 ? "..." : "");
            else
                error_prefix(error, "-%s", name);
            return status;
        }
    }
    return 0;
}
