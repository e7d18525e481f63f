// SPDX-License-Identifier: MIT
#include "disk-file.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "hw/core/block.h"

struct block_backend *disk_file(struct machine *machine, const char *id, unsigned sectors, unsigned sector,
                                bool readonly)
{
    char path[] = "/tmp/lyrebird-disk-XXXXXX";
    struct error error = {""};
    struct block_backend *block;
    struct block_options options = {.path = path, .discard = true, .readonly = readonly};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, (off_t)sectors * sector), 0);
    for (uint32_t i = 0; i < sectors; i++)
        cr_assert_eq(pwrite(fd, &i, sizeof(i), (off_t)i * sector), sizeof(i));
    close(fd);
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &block, &error), 0, "%s", error.text);
    unlink(path);
    cr_assert_eq(backend_list_add(&machine->backends, BACKEND_DRIVE, id, block, &error), 0);
    return block;
}
