// SPDX-License-Identifier: MIT
// Whole files in memory.
#include "frontend/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *what, const char *path, uint64_t *total, struct error *error)
{
    // Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return error_set(error, code, "cannot open %s '%s': %s", what, path, strerror(code));
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(error, EINVAL, "%s '%s' is %s, not a file", what, path,
                         S_ISDIR(st.st_mode) ? "a directory" : "a device or pipe");
    }
    *total = (uint64_t)st.st_size;
    return fd;
}

static int read_fully(const char *what, const char *path, int fd, void *buffer, uint64_t size, struct error *error)
{
    for (uint64_t done = 0; done < size;) {
        ssize_t n = read(fd, (char *)buffer + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int code = n ? errno : EIO;
            return error_set(error, code, "cannot read %s '%s': %s", what, path,
                             n ? strerror(code) : "it became shorter");
        }
        done += (uint64_t)n;
    }
    return 0;
}

int file_read(const char *what, const char *path, uint64_t limit, uint8_t **data, uint64_t *size, struct error *error)
{
    uint64_t total;
    int fd = file_open(what, path, &total, error);
    if (fd < 0)
        return fd;
    int status = 0;
    *data = NULL;
    if (!total)
        status = error_set(error, EINVAL, "%s '%s' is empty", what, path);
    else if (total > limit)
        status = error_set(error, EFBIG, "%s '%s' is too large: %" PRIu64 " bytes where %" PRIu64 " fit", what, path,
                           total, limit);
    else if (!(*data = malloc(total)))
        status = error_set(error, ENOMEM, "no memory for %s '%s' (%" PRIu64 " bytes)", what, path, total);
    else
        status = read_fully(what, path, fd, *data, total, error);
    close(fd);
    if (status) {
        free(*data);
        *data = NULL;
        return status;
    }
    *size = total;
    return 0;
}

int file_peek(const char *what, const char *path, void *buffer, uint64_t limit, uint64_t *size, uint64_t *total,
              struct error *error)
{
    int fd = file_open(what, path, total, error);
    if (fd < 0)
        return fd;
    *size = *total < limit ? *total : limit;
    int status = read_fully(what, path, fd, buffer, *size, error);
    close(fd);
    return status;
}
