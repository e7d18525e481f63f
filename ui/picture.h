// SPDX-License-Identifier: MIT
// Pictures in files, and the one that stands for a screen that shows nothing.
#pragma once

#include "tcg/base/error.h"

struct font;
struct surface;

enum picture_format { PICTURE_PNG, PICTURE_PPM };

// Writes the picture to a new file (or over an old one). -errno with a message; nothing is left of a file that failed.
int picture_write(const struct surface *surface, const char *path, enum picture_format format, struct error *error);
// Lines of text (separated by '\n') in the middle of a black picture of 640 by 480 pixels, or more when they need it.
struct surface *picture_of_text(const struct font *font, const char *text);
