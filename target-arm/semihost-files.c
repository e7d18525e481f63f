// SPDX-License-Identifier: MIT
// Semihosting's operations on files and handles. Data goes straight between guest memory and the host's calls, page by page.

#include <errno.h>
#include <stdio.h>

#include "hw/core/semihost.h"
#include "target-arm/cpu.h"
#include "target-arm/semihost.h"
#include "tcg/base/bits.h"

enum {
    NAME_BYTES = 1024,
    TRANSFER_BYTES = 16 << 20, // of one call; a guest that asks for more is told that the rest was not done
};

// A name whose address and length are words of the block.
static int load_name(struct arm_cpu *cpu, uint64_t block, unsigned at_word, unsigned length_word, char name[NAME_BYTES])
{
    uint64_t at, length;
    if (!arm_semihost_load(cpu, block, at_word, &at) || !arm_semihost_load(cpu, block, length_word, &length))
        return -EFAULT;
    if (length >= NAME_BYTES)
        return -ENAMETOOLONG;
    name[length] = 0;
    return arm_semihost_copy_in(cpu, at, name, length) ? 0 : -EFAULT;
}

int64_t arm_semihost_open(struct arm_cpu *cpu, uint64_t block)
{
    enum { MODES = 12 };
    char name[NAME_BYTES];
    uint64_t mode;
    if (!arm_semihost_load(cpu, block, 1, &mode))
        return -EFAULT;
    int status = load_name(cpu, block, 0, 2, name);
    if (status)
        return status;
    return mode < MODES ? cpu->semihost->ops->open(cpu->semihost, name, (unsigned)mode) : -EINVAL;
}

int64_t arm_semihost_close(struct arm_cpu *cpu, uint64_t block)
{
    uint64_t handle;
    if (!arm_semihost_load(cpu, block, 0, &handle))
        return -EFAULT;
    return cpu->semihost->ops->close(cpu->semihost, handle);
}

// How many of `left` bytes are not transferred when all is done.
static int64_t transfer(struct arm_cpu *cpu, uint64_t block, bool to_guest)
{
    const struct semihost_ops *ops = cpu->semihost->ops;
    uint64_t handle, at, length, done = 0;
    if (!arm_semihost_load(cpu, block, 0, &handle) || !arm_semihost_load(cpu, block, 1, &at) ||
        !arm_semihost_load(cpu, block, 2, &length) || length > INT64_MAX)
        return -EFAULT;
    uint64_t limit = length < TRANSFER_BYTES ? length : TRANSFER_BYTES;
    int64_t n = 1;
    while (n > 0 && done < limit) {
        size_t part = limit - done;
        void *host = arm_semihost_host(cpu, at + done, to_guest, &part);
        if (!host)
            n = -EFAULT;
        else
            n = to_guest ? ops->read(cpu->semihost, handle, host, part) : ops->write(cpu->semihost, handle, host, part);
        if (n > 0)
            done += (uint64_t)n;
        if (n < (int64_t)part)
            break;
    }
    return n < 0 && !done ? n : (int64_t)(length - done);
}

int64_t arm_semihost_write(struct arm_cpu *cpu, uint64_t block)
{
    return transfer(cpu, block, false);
}

int64_t arm_semihost_read(struct arm_cpu *cpu, uint64_t block)
{
    return transfer(cpu, block, true);
}

int64_t arm_semihost_is_tty(struct arm_cpu *cpu, uint64_t block)
{
    uint64_t handle;
    if (!arm_semihost_load(cpu, block, 0, &handle))
        return -EFAULT;
    return cpu->semihost->ops->is_console(cpu->semihost, handle);
}

int64_t arm_semihost_seek(struct arm_cpu *cpu, uint64_t block)
{
    uint64_t handle, position;
    if (!arm_semihost_load(cpu, block, 0, &handle) || !arm_semihost_load(cpu, block, 1, &position))
        return -EFAULT;
    return cpu->semihost->ops->seek(cpu->semihost, handle, position);
}

int64_t arm_semihost_flen(struct arm_cpu *cpu, uint64_t block)
{
    uint64_t handle;
    if (!arm_semihost_load(cpu, block, 0, &handle))
        return -EFAULT;
    return cpu->semihost->ops->length(cpu->semihost, handle);
}

int64_t arm_semihost_tmpnam(struct arm_cpu *cpu, uint64_t block)
{
    uint64_t at, id, length;
    char name[16];
    if (!arm_semihost_load(cpu, block, 0, &at) || !arm_semihost_load(cpu, block, 1, &id) ||
        !arm_semihost_load(cpu, block, 2, &length))
        return -EFAULT;
    size_t size = (size_t)snprintf(name, sizeof(name), "semihost-%02x", (unsigned)(id & 0xff)) + 1;
    if (id > 0xff || length < size)
        return -EINVAL;
    return arm_semihost_copy_out(cpu, at, name, size) ? 0 : -EFAULT;
}

int64_t arm_semihost_remove(struct arm_cpu *cpu, uint64_t block)
{
    char name[NAME_BYTES];
    int status = load_name(cpu, block, 0, 1, name);
    return status ? status : cpu->semihost->ops->remove(cpu->semihost, name);
}

int64_t arm_semihost_rename(struct arm_cpu *cpu, uint64_t block)
{
    char from[NAME_BYTES], to[NAME_BYTES];
    int status = load_name(cpu, block, 0, 1, from);
    if (status || (status = load_name(cpu, block, 2, 3, to)))
        return status;
    return cpu->semihost->ops->rename(cpu->semihost, from, to);
}
