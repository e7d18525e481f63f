// SPDX-License-Identifier: MIT
// The command line. options.inc lists every option once; parsing, -help, suggestions and shell completion read it.
#pragma once

#include <stdio.h>

#include "frontend/settings.h"
#include "tcg/base/error.h"

enum option_section {
    SECTION_MACHINE,
    SECTION_BOOT,
    SECTION_DEVICES,
    SECTION_CONSOLE,
    SECTION_RUN,
    SECTION_DEBUG,
    SECTION_HELP,
    SECTION_COUNT,
};

// Acts on one option. The caller puts the option and its argument before the message.
typedef int option_handler(struct settings *settings, const char *argument, struct error *error);

struct option {
    const char *name;
    const char *alias;    // another spelling, NULL: none
    const char *argument; // its syntax for help texts; NULL: the option takes none
    enum option_section section;
    option_handler *handle;
    const char *help;
};

extern const struct option options[]; // ends with a NULL name
extern const char *const option_section_titles[SECTION_COUNT];

// Reads the whole command line. Negative errno with a message that names the option, its value and what to do.
int options_parse(struct settings *settings, int argc, char **argv, struct error *error);
const struct option *option_find(const char *name);
