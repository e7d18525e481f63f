// SPDX-License-Identifier: MIT
// RFC 3629: no overlong forms, no surrogates, nothing above 0x10ffff.
#include "ui/utf8.h"

#include <stdbool.h>

// The bytes that follow the first one, or -1, and what of that one is part of the character.
static int classify(uint8_t first, uint32_t *bits)
{
    if (first < 0x80)
        return *bits = first, 0;
    if (first >= 0xc2 && first < 0xe0)
        return *bits = first & 0x1f, 1;
    if (first >= 0xe0 && first < 0xf0)
        return *bits = first & 0x0f, 2;
    if (first >= 0xf0 && first < 0xf5)
        return *bits = first & 0x07, 3;
    return -1;
}

static bool is_character(uint32_t code, int more)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    return code >= least[more] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

uint32_t utf8_next(const char **text)
{
    const uint8_t *p = (const uint8_t *)*text;
    uint32_t code = 0;
    for (; *p; p++) {
        int more = classify(*p, &code), i = 1;
        for (; i <= more && (p[i] & 0xc0) == 0x80; i++)
            code = code << 6 | (p[i] & 0x3f);
        if (more >= 0 && i > more && is_character(code, more)) {
            *text = (const char *)p + 1 + more;
            return code;
        }
    }
    *text = (const char *)p;
    return 0;
}
