// SPDX-License-Identifier: MIT
// Files for semihosting. Guests are not to be trusted with names: the kernel resolves them below the folder (openat2), which
// holds whatever else happens to the folder meanwhile. Only plain files are opened.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frontend/semihost-private.h"

static int open_below(int root, const char *name, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
                           .mode = flags & O_CREAT ? 0666 : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    if (flags & O_PATH)
        how.flags = (uint64_t)(flags | O_CLOEXEC);
    if (root < 0)
        return -EACCES;
    int fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
    return fd >= 0 ? fd : errno == EXDEV ? -EACCES : -errno;
}

int semihost_file_open(int root, const char *name, int flags)
{
    struct stat status;
    int fd = open_below(root, name, flags);
    if (fd < 0 || (!fstat(fd, &status) && S_ISREG(status.st_mode)))
        return fd;
    close(fd);
    return -EACCES;
}

// The folder that the last part of a name is in, to be closed, and that part.
static int open_folder(int root, const char *name, const char **last)
{
    char folder[1024] = ".";
    const char *slash = strrchr(name, '/');
    *last = slash ? slash + 1 : name;
    if (slash && snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name + 1), name) >= (int)sizeof(folder))
        return -ENAMETOOLONG;
    return open_below(root, folder, O_PATH | O_DIRECTORY);
}

int semihost_file_remove(int root, const char *name)
{
    const char *last;
    int folder = open_folder(root, name, &last);
    if (folder < 0)
        return folder;
    int status = unlinkat(folder, last, 0) ? -errno : 0;
    close(folder);
    return status;
}

int semihost_file_rename(int root, const char *from, const char *to)
{
    const char *from_last, *to_last;
    int from_folder = open_folder(root, from, &from_last);
    if (from_folder < 0)
        return from_folder;
    int to_folder = open_folder(root, to, &to_last), status = to_folder < 0 ? to_folder : 0;
    if (!status && renameat(from_folder, from_last, to_folder, to_last))
        status = -errno;
    close(from_folder);
    if (to_folder >= 0)
        close(to_folder);
    return status;
}
