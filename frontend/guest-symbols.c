// SPDX-License-Identifier: MIT
// The guest's symbols for -perfmap, -jitdump and the monitor's profile.
#include "frontend/guest-symbols.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/settings.h"
#include "tcg/exec/perf-symbols.h"

static const uint64_t MAX_BYTES = UINT64_C(1) << 30; // a kernel with all its debugging information has less

static bool is_elf(const char *path)
{
    char magic[SELFMAG];
    uint64_t size, total;
    return !file_peek("kernel", path, magic, sizeof(magic), &size, &total, NULL) && size == sizeof(magic) &&
           !memcmp(magic, ELFMAG, SELFMAG);
}

static int load(const char *what, const char *path, struct perf_symbols **symbols, struct error *error)
{
    uint8_t *data;
    uint64_t size;
    int status = file_read(what, path, MAX_BYTES, &data, &size, error);
    if (status)
        return status;
    *symbols = perf_symbols_parse(data, size, error);
    if (*symbols)
        return 0;
    error_prefix(error, "%s '%.200s'", what, path);
    return -EINVAL;
}

int guest_symbols_load(const struct settings *settings, struct perf_symbols **symbols, struct error *error)
{
    *symbols = NULL;
    if (settings->guest_symbols)
        return load("symbols", settings->guest_symbols, symbols, error);
    if (!settings->perfmap && !settings->jitdump)
        return 0;
    // The kernel's are an extra: it starts without any, and the loader has more to say about what is wrong with it.
    if (settings->kernel && is_elf(settings->kernel))
        (void)load("kernel", settings->kernel, symbols, NULL);
    return 0;
}
