// SPDX-License-Identifier: MIT
// Temporary writes. A sector's bit is set after its bytes are in the file, so that a reader on another thread sees the old
// sector or the new one.
#include "hw/block/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/core/block.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { WORD_BITS = 64 };

struct overlay {
    int fd;
    _Atomic uint64_t *written; // a bit a sector
};

// Not by O_TMPFILE, which network file systems do not have.
static int temporary_file(const char *folder)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/lyrebird-XXXXXX", folder) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int overlay_create(uint64_t bytes, struct overlay **overlay, struct error *error)
{
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/var/tmp";
    int fd = temporary_file(folder);
    if (fd < 0 || ftruncate(fd, (off_t)bytes)) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return error_set(error, why, "no temporary file for %llu bytes of writes in '%s' (TMPDIR): %s",
                         (unsigned long long)bytes, folder, strerror(why));
    }
    // Of a large disk few pages of this are ever touched.
    _Atomic uint64_t *written = calloc(bytes / BLOCK_SECTOR_BYTES / WORD_BITS + 1, sizeof(*written));
    if (!written) {
        close(fd);
        return error_set(error, ENOMEM, "no memory to keep track of temporary writes");
    }
    *overlay = ALLOC(struct overlay);
    (*overlay)->fd = fd;
    (*overlay)->written = written;
    return 0;
}

void overlay_destroy(struct overlay *overlay)
{
    if (!overlay)
        return;
    close(overlay->fd);
    free(overlay->written);
    free(overlay);
}

int overlay_file(const struct overlay *overlay)
{
    return overlay->fd;
}

static bool holds_sector(const struct overlay *overlay, uint64_t sector)
{
    uint64_t word = atomic_load_explicit(&overlay->written[sector / WORD_BITS], memory_order_acquire);
    return word >> sector % WORD_BITS & 1;
}

bool overlay_holds(const struct overlay *overlay, uint64_t offset, uint64_t *length)
{
    uint64_t sector = offset / BLOCK_SECTOR_BYTES, end = offset + *length;
    bool holds = holds_sector(overlay, sector);
    do
        sector++;
    while (sector * BLOCK_SECTOR_BYTES < end && holds_sector(overlay, sector) == holds);
    if (sector * BLOCK_SECTOR_BYTES < end)
        *length = sector * BLOCK_SECTOR_BYTES - offset;
    return holds;
}

void overlay_written(struct overlay *overlay, uint64_t offset, uint64_t length)
{
    uint64_t end = (offset + length) / BLOCK_SECTOR_BYTES;
    for (uint64_t sector = offset / BLOCK_SECTOR_BYTES; sector < end; sector++)
        atomic_fetch_or_explicit(&overlay->written[sector / WORD_BITS], BIT64(sector % WORD_BITS), memory_order_release);
}
