// SPDX-License-Identifier: MIT
// Allocation wrappers that end the program when memory is out.
#include "tcg/base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p, size_t bytes)
{
    if (!p && bytes) {
        fprintf(stderr, "lyrebird: out of memory (%zu bytes)\n", bytes);
        abort();
    }
    return p;
}

void *alloc_zeroed(size_t count, size_t size)
{
    return check(calloc(count, size), count * size);
}

void *alloc_resize(void *old, size_t count, size_t size)
{
    return check(reallocarray(old, count, size), count * size);
}

char *alloc_string(const char *text)
{
    return check(strdup(text), strlen(text) + 1);
}

char *alloc_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return check(n < 0 ? NULL : text, 1);
}
