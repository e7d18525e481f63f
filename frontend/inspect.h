// SPDX-License-Identifier: MIT
// `lyrebird FILE`: looks at the file and fills in the options that start it, where they were not given.
#pragma once

#include "tcg/base/error.h"

struct settings;

// Says in one line on stderr what was chosen. Nothing to do without settings->file.
int inspect_file(struct settings *settings, struct error *error);
