// SPDX-License-Identifier: MIT
// Handles for semihosting calls: files, the console by its name ":tt", and ":semihosting-features", which says what there is
// beyond the basic calls. Calls of several vCPUs are done one after the other, waiting for the console apart.
#include "frontend/semihost.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontend/semihost-private.h"
#include "frontend/settings.h"
#include "hw/core/machine.h"
#include "hw/core/semihost.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { HANDLES = 64 };

enum handle_kind { HANDLE_FREE, HANDLE_FILE, HANDLE_INPUT, HANDLE_OUTPUT, HANDLE_ERRORS, HANDLE_FEATURES };

struct handle {
    enum handle_kind kind;
    int fd;            // of a file
    uint64_t position; // in the features
};

struct host {
    struct semihost semihost;
    struct machine *machine;
    char *command_line;
    int root; // -1: no files
    pthread_mutex_t lock; // of handles
    struct handle handles[HANDLES];
    struct semihost_console console;
};

// "SHFB", then bits: exits with a status; standard output and standard error are told apart.
static const uint8_t features[] = {0x53, 0x48, 0x46, 0x42, 1 << 0 | 1 << 1};

static struct host *host_of(struct semihost *semihost)
{
    return (struct host *)semihost;
}

// --- handles ---------------------------------------------------------------------------------------------------------

// The handle with this number; NULL: there is none. With the lock held.
static struct handle *find(struct host *host, uint64_t number)
{
    if (number < 1 || number > HANDLES || host->handles[number - 1].kind == HANDLE_FREE)
        return NULL;
    return &host->handles[number - 1];
}

static struct handle lookup(struct host *host, uint64_t number)
{
    pthread_mutex_lock(&host->lock);
    const struct handle *h = find(host, number);
    struct handle copy = h ? *h : (struct handle){HANDLE_FREE, -1, 0};
    pthread_mutex_unlock(&host->lock);
    return copy;
}

static bool is_console(enum handle_kind kind)
{
    return kind == HANDLE_INPUT || kind == HANDLE_OUTPUT || kind == HANDLE_ERRORS;
}

// What the name stands for. A file is opened.
static int open_named(struct host *host, const char *name, unsigned mode, struct handle *h)
{
    static const int flags[] = {O_RDONLY, O_RDWR, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_TRUNC,
                                O_WRONLY | O_CREAT | O_APPEND, O_RDWR | O_CREAT | O_APPEND};
    *h = (struct handle){HANDLE_FILE, -1, 0};
    if (!strcmp(name, ":tt")) {
        h->kind = mode < 4 ? HANDLE_INPUT : mode < 8 ? HANDLE_OUTPUT : HANDLE_ERRORS;
        return 0;
    }
    if (!strcmp(name, ":semihosting-features")) {
        h->kind = HANDLE_FEATURES;
        return mode < 2 ? 0 : -EACCES;
    }
    h->fd = semihost_file_open(host->root, name, flags[mode / 2]);
    return h->fd < 0 ? h->fd : 0;
}

static int host_open(struct semihost *semihost, const char *name, unsigned mode)
{
    struct host *host = host_of(semihost);
    int number = 0, status = -EMFILE;
    pthread_mutex_lock(&host->lock);
    while (number < HANDLES && host->handles[number].kind != HANDLE_FREE)
        number++;
    struct handle h;
    if (number < HANDLES && !(status = open_named(host, name, mode, &h)))
        host->handles[number] = h;
    pthread_mutex_unlock(&host->lock);
    return status ? status : number + 1;
}

static int host_close(struct semihost *semihost, uint64_t number)
{
    struct host *host = host_of(semihost);
    pthread_mutex_lock(&host->lock);
    struct handle *h = find(host, number);
    int status = h ? 0 : -EBADF;
    if (h && h->kind == HANDLE_FILE)
        close(h->fd);
    if (h)
        h->kind = HANDLE_FREE;
    pthread_mutex_unlock(&host->lock);
    return status;
}

static int64_t read_locked(struct host *host, uint64_t number, void *data, size_t length)
{
    struct handle *h = find(host, number);
    if (!h)
        return -EBADF;
    if (h->kind == HANDLE_FILE) {
        ssize_t n = read(h->fd, data, length);
        return n < 0 ? -errno : n;
    }
    if (h->kind != HANDLE_FEATURES)
        return -EBADF;
    size_t left = sizeof(features) - h->position, n = length < left ? length : left;
    memcpy(data, features + h->position, n);
    h->position += n;
    return (int64_t)n;
}

static int64_t host_read(struct semihost *semihost, uint64_t number, void *data, size_t length)
{
    struct host *host = host_of(semihost);
    enum handle_kind kind = lookup(host, number).kind;
    if (is_console(kind))
        return kind == HANDLE_INPUT ? semihost_console_read(&host->console, data, length) : -EBADF;
    pthread_mutex_lock(&host->lock);
    int64_t n = read_locked(host, number, data, length);
    pthread_mutex_unlock(&host->lock);
    return n;
}

static int64_t host_write(struct semihost *semihost, uint64_t number, const void *data, size_t length)
{
    struct host *host = host_of(semihost);
    enum handle_kind kind = lookup(host, number).kind;
    if (kind == HANDLE_OUTPUT || kind == HANDLE_ERRORS) {
        semihost_console_write(&host->console, kind == HANDLE_OUTPUT ? STDOUT_FILENO : STDERR_FILENO, data, length);
        return (int64_t)length;
    }
    pthread_mutex_lock(&host->lock);
    const struct handle *h = find(host, number);
    ssize_t n = h && h->kind == HANDLE_FILE ? write(h->fd, data, length) : -1;
    int64_t result = n >= 0 ? n : h && h->kind == HANDLE_FILE ? -errno : -EBADF;
    pthread_mutex_unlock(&host->lock);
    return result;
}

static int host_is_console(struct semihost *semihost, uint64_t number)
{
    enum handle_kind kind = lookup(host_of(semihost), number).kind;
    return kind == HANDLE_FREE ? -EBADF : is_console(kind);
}

static int64_t host_length(struct semihost *semihost, uint64_t number)
{
    struct host *host = host_of(semihost);
    struct stat status;
    pthread_mutex_lock(&host->lock);
    const struct handle *h = find(host, number);
    int64_t length = !h                           ? -EBADF
                     : h->kind == HANDLE_FEATURES ? (int64_t)sizeof(features)
                     : h->kind != HANDLE_FILE     ? -EINVAL
                     : fstat(h->fd, &status)      ? -errno
                                                  : status.st_size;
    pthread_mutex_unlock(&host->lock);
    return length;
}

static int seek_locked(struct host *host, uint64_t number, uint64_t position)
{
    struct handle *h = find(host, number);
    if (!h)
        return -EBADF;
    if (h->kind == HANDLE_FILE && position <= INT64_MAX)
        return lseek(h->fd, (off_t)position, SEEK_SET) < 0 ? -errno : 0;
    if (h->kind != HANDLE_FEATURES || position > sizeof(features))
        return -EINVAL;
    h->position = position;
    return 0;
}

static int host_seek(struct semihost *semihost, uint64_t number, uint64_t position)
{
    struct host *host = host_of(semihost);
    pthread_mutex_lock(&host->lock);
    int status = seek_locked(host, number, position);
    pthread_mutex_unlock(&host->lock);
    return status;
}

static int host_remove(struct semihost *semihost, const char *name)
{
    return semihost_file_remove(host_of(semihost)->root, name);
}

static int host_rename(struct semihost *semihost, const char *from, const char *to)
{
    return semihost_file_rename(host_of(semihost)->root, from, to);
}

static void host_console_write(struct semihost *semihost, const void *data, size_t length)
{
    semihost_console_write(&host_of(semihost)->console, STDERR_FILENO, data, length);
}

static int host_console_read(struct semihost *semihost)
{
    uint8_t c;
    int64_t n = semihost_console_read(&host_of(semihost)->console, &c, 1);
    return n > 0 ? c : n < 0 ? (int)n : -EPIPE;
}

static const struct semihost_ops ops = {
    .console_write = host_console_write,
    .console_read = host_console_read,
    .open = host_open,
    .close = host_close,
    .read = host_read,
    .write = host_write,
    .is_console = host_is_console,
    .length = host_length,
    .seek = host_seek,
    .remove = host_remove,
    .rename = host_rename,
};

// --- creation --------------------------------------------------------------------------------------------------------

// The arguments, or what QEMU gives for them: the kernel's file and command line.
static char *command_line(const struct settings *settings)
{
    const struct setting_names *arguments = &settings->semihosting.arguments;
    char *line = alloc_string(arguments->count ? arguments->items[0] : settings->kernel ? settings->kernel : "");
    for (size_t i = 1; i < arguments->count; i++) {
        char *longer = alloc_format("%s %s", line, arguments->items[i]);
        free(line);
        line = longer;
    }
    if (!arguments->count && settings->append) {
        char *longer = alloc_format("%s %s", line, settings->append);
        free(line);
        line = longer;
    }
    return line;
}

static int set_up(struct host *host, const struct settings *settings, struct error *error)
{
    const struct semihosting_settings *s = &settings->semihosting;
    struct chardev *chardev = NULL;
    if (s->chardev && !(chardev = backend_list_find(&host->machine->backends, BACKEND_CHARDEV, s->chardev)))
        return error_set(error, ENOENT, "there is no -chardev with id=%s", s->chardev);
    if (s->root && (host->root = open(s->root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        return error_set(error, errno, "cannot open folder '%s': %s", s->root, strerror(errno));
    return semihost_console_init(&host->console, chardev, &host->machine->lock, error);
}

int semihost_create(struct machine *machine, const struct settings *settings, struct error *error)
{
    if (!settings->semihosting.enabled)
        return 0;
    if (strcmp(machine->type->arch, "aarch64"))
        return error_set(error, ENOTSUP, "-semihosting: only Arm machines have it, not '%s'", machine->type->name);
    struct host *host = ALLOC(struct host);
    host->machine = machine;
    host->root = -1;
    int status = set_up(host, settings, error);
    if (status) {
        error_prefix(error, "-semihosting-config");
        if (host->root >= 0)
            close(host->root);
        free(host);
        return status;
    }
    pthread_mutex_init(&host->lock, NULL);
    host->command_line = command_line(settings);
    host->semihost = (struct semihost){&ops, settings->semihosting.userspace, host->command_line};
    machine->semihost = &host->semihost;
    return 0;
}

void semihost_destroy(struct machine *machine)
{
    if (!machine || !machine->semihost)
        return;
    struct host *host = host_of(machine->semihost);
    machine->semihost = NULL;
    semihost_console_destroy(&host->console);
    for (unsigned i = 0; i < HANDLES; i++)
        if (host->handles[i].kind == HANDLE_FILE)
            close(host->handles[i].fd);
    if (host->root >= 0)
        close(host->root);
    pthread_mutex_destroy(&host->lock);
    free(host->command_line);
    free(host);
}
