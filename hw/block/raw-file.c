// SPDX-License-Identifier: MIT
// A disk image that is the disk byte for byte: a file or a host block device. A few worker threads do the
// blocking calls straight on guest memory, so several requests are in flight and neither vCPUs nor the I/O
// thread wait for the host's disk. Finished requests go back to the I/O loop in one task. Writes may go to an overlay.
#include "hw/core/block.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/block/overlay.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { WORKERS = 4, COPY_BYTES = 1 << 16 };

struct raw_file {
    struct block_backend block;
    int fd;
    struct overlay *overlay; // NULL: writes go to the image
    int write_fd;            // the image's or the overlay's
    bool device;             // writes go to a host block device
    bool unsafe;
    struct io_loop *loop;
    struct io_task finished_task;

    pthread_mutex_t mutex; // guards what follows
    pthread_cond_t work, idle;
    struct block_request *queue, **queue_tail;
    struct block_request *finished, **finished_tail;
    unsigned busy;    // requests queued or being worked on
    unsigned waiting; // workers without work
    unsigned worker_count;
    pthread_t workers[WORKERS];
    bool quit;
};

// Moves up to `bytes` and says how many. Reading past the file's end gives zeroes (the last sector need not be whole, and a
// file may have been cut short behind our back).
static ssize_t move(struct raw_file *file, char *data, size_t bytes, uint64_t offset, bool write)
{
    if (write)
        return pwrite(file->write_fd, data, bytes, (off_t)offset);
    uint64_t run = bytes;
    bool holds = file->overlay && overlay_holds(file->overlay, offset, &run);
    ssize_t n = pread(holds ? file->write_fd : file->fd, data, run, (off_t)offset);
    if (n)
        return n;
    memset(data, 0, run);
    return (ssize_t)run;
}

// Moves the whole vector; short transfers go on where they stopped.
static int transfer(struct raw_file *file, const struct block_request *request, bool write)
{
    uint64_t offset = request->offset;
    for (unsigned i = 0; i < request->vector_count; i++) {
        char *data = request->vector[i].iov_base;
        size_t left = request->vector[i].iov_len;
        while (left) {
            ssize_t n = move(file, data, left, offset, write);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return -errno;
            if (n == 0)
                return -ENOSPC;
            data += n;
            left -= (size_t)n;
            offset += (uint64_t)n;
        }
    }
    return 0;
}

// One call for the common case of a vector that the host moves whole.
static int transfer_vector(struct raw_file *file, const struct block_request *request, bool write)
{
    if (!file->overlay && request->vector_count > 1 && request->vector_count <= IOV_MAX) {
        int count = (int)request->vector_count;
        off_t offset = (off_t)request->offset;
        ssize_t n = write ? pwritev(file->fd, request->vector, count, offset)
                          : preadv(file->fd, request->vector, count, offset);
        if (n >= 0 && (uint64_t)n == request->length)
            return 0;
    }
    return transfer(file, request, write);
}

static int write_zeroes_slowly(struct raw_file *file, uint64_t offset, uint64_t length)
{
    char *zeroes = ALLOC_ARRAY(char, COPY_BYTES);
    int result = 0;
    while (length && !result) {
        size_t n = length < COPY_BYTES ? (size_t)length : COPY_BYTES;
        struct iovec vector = {zeroes, n};
        struct block_request part = {.offset = offset, .length = n, .vector = &vector, .vector_count = 1};
        result = transfer(file, &part, true);
        offset += n;
        length -= n;
    }
    free(zeroes);
    return result;
}

static int release_space(struct raw_file *file, uint64_t offset, uint64_t length)
{
    if (file->device) {
        uint64_t range[2] = {offset, length};
        return ioctl(file->write_fd, BLKDISCARD, range) ? -errno : 0;
    }
    return fallocate(file->write_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length)
               ? -errno
               : 0;
}

static int write_zeroes(struct raw_file *file, const struct block_request *request)
{
    int mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
    if (request->may_unmap && file->block.discard && !file->device &&
        !release_space(file, request->offset, request->length))
        return 0;
    if (!file->device && !fallocate(file->write_fd, mode, (off_t)request->offset, (off_t)request->length))
        return 0;
    return write_zeroes_slowly(file, request->offset, request->length);
}

static int run_request(struct raw_file *file, struct block_request *request)
{
    int result = 0;
    if (!request->length && request->op != BLOCK_FLUSH)
        return 0;
    if (file->overlay && (request->offset | request->length) % BLOCK_SECTOR_BYTES)
        return -EINVAL; // no device asks for that
    switch (request->op) {
    case BLOCK_READ:
        return transfer_vector(file, request, false);
    case BLOCK_WRITE:
        result = transfer_vector(file, request, true);
        break;
    case BLOCK_WRITE_ZEROES:
        result = write_zeroes(file, request);
        break;
    case BLOCK_DISCARD:
        // A host that cannot free space is no error: discarding is a hint.
        if (file->block.discard)
            (void)release_space(file, request->offset, request->length);
        return 0;
    case BLOCK_FLUSH:
        break;
    }
    if (!result && file->overlay && request->op != BLOCK_FLUSH)
        overlay_written(file->overlay, request->offset, request->length);
    bool sync = request->op == BLOCK_FLUSH || !file->block.write_back;
    if (!result && sync && !file->unsafe && !file->block.readonly && fdatasync(file->fd))
        result = -errno;
    return result;
}

static void *worker(void *opaque)
{
    struct raw_file *file = opaque;
    pthread_mutex_lock(&file->mutex);
    for (;;) {
        while (!file->queue && !file->quit) {
            file->waiting++;
            pthread_cond_wait(&file->work, &file->mutex);
            file->waiting--;
        }
        if (!file->queue)
            break;
        struct block_request *request = file->queue;
        file->queue = request->next;
        if (!file->queue)
            file->queue_tail = &file->queue;
        pthread_mutex_unlock(&file->mutex);

        if (!request->result)
            request->result = run_request(file, request);

        pthread_mutex_lock(&file->mutex);
        request->next = NULL;
        *file->finished_tail = request;
        file->finished_tail = &request->next;
        file->busy--;
        if (!file->busy)
            pthread_cond_broadcast(&file->idle);
        pthread_mutex_unlock(&file->mutex);
        io_loop_post(file->loop, &file->finished_task);
        pthread_mutex_lock(&file->mutex);
    }
    pthread_mutex_unlock(&file->mutex);
    return NULL;
}

// Device lock held.
static void complete_finished(void *opaque)
{
    struct raw_file *file = opaque;
    pthread_mutex_lock(&file->mutex);
    struct block_request *request = file->finished;
    file->finished = NULL;
    file->finished_tail = &file->finished;
    pthread_mutex_unlock(&file->mutex);
    while (request) {
        struct block_request *next = request->next; // `done` may free it
        request->done(request, request->result);
        request = next;
    }
}

static void raw_submit(struct block_backend *block, struct block_request *request)
{
    struct raw_file *file = (struct raw_file *)block;
    pthread_mutex_lock(&file->mutex);
    *file->queue_tail = request;
    file->queue_tail = &request->next;
    file->busy++;
    if (!file->waiting && file->worker_count < WORKERS &&
        !pthread_create(&file->workers[file->worker_count], NULL, worker, file))
        file->worker_count++;
    pthread_cond_signal(&file->work);
    pthread_mutex_unlock(&file->mutex);
}

static void raw_drain(struct block_backend *block)
{
    struct raw_file *file = (struct raw_file *)block;
    bool more = true;
    while (more) {
        pthread_mutex_lock(&file->mutex);
        while (file->busy)
            pthread_cond_wait(&file->idle, &file->mutex);
        more = file->finished != NULL;
        pthread_mutex_unlock(&file->mutex);
        complete_finished(file);
    }
}

static void raw_close(struct block_backend *block)
{
    struct raw_file *file = (struct raw_file *)block;
    pthread_mutex_lock(&file->mutex);
    file->quit = true;
    pthread_cond_broadcast(&file->work);
    pthread_mutex_unlock(&file->mutex);
    for (unsigned i = 0; i < file->worker_count; i++)
        pthread_join(file->workers[i], NULL);
    if (file->loop)
        io_loop_unpost(file->loop, &file->finished_task);
    pthread_mutex_destroy(&file->mutex);
    pthread_cond_destroy(&file->work);
    pthread_cond_destroy(&file->idle);
    overlay_destroy(file->overlay);
    close(file->fd);
    free(block->id);
    free(file);
}

static const struct block_ops raw_ops = {
    .format = "raw",
    .submit = raw_submit,
    .drain = raw_drain,
    .close = raw_close,
};

static int find_size(struct raw_file *file, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(file->fd, &status))
        return error_set(error, errno, "cannot examine disk image '%s': %s", path, strerror(errno));
    file->device = S_ISBLK(status.st_mode);
    if (!file->device && !S_ISREG(status.st_mode))
        return error_set(error, EINVAL, "disk image '%s' is neither a file nor a block device", path);
    off_t end = lseek(file->fd, 0, SEEK_END);
    if (end < 0)
        return error_set(error, errno, "cannot find the size of disk image '%s': %s", path, strerror(errno));
    if (!end)
        return error_set(error, EINVAL, "disk image '%s' is empty", path);
    // What stands in a last sector that is not whole is part of the disk.
    file->block.size = round_up((uint64_t)end, BLOCK_SECTOR_BYTES);
    return 0;
}

static int cannot_open(const struct block_options *options, int why, struct error *error)
{
    if ((why == EACCES || why == EPERM || why == EROFS) && !options->readonly && !access(options->path, R_OK))
        return error_set(error, why, "disk image '%s' can only be read; add readonly=on", options->path);
    return error_set(error, why, "cannot open disk image '%s': %s", options->path, strerror(why));
}

static int add_overlay(struct raw_file *file, struct error *error)
{
    int result = overlay_create(file->block.size, &file->overlay, error);
    if (result)
        return result;
    file->write_fd = overlay_file(file->overlay);
    file->block.temporary = file->unsafe = true;
    file->device = file->block.discard = false;
    return 0;
}

int block_raw_file_open(const struct block_options *options, struct io_loop *loop,
                        struct block_backend **block, struct error *error)
{
    bool snapshot = options->snapshot && !options->readonly, only_read = snapshot || options->readonly;
    int flags = O_CLOEXEC | (only_read ? O_RDONLY : O_RDWR);
    int fd = open(options->path, flags | (options->direct && !snapshot ? O_DIRECT : 0));
    if (fd < 0 && errno == EINVAL && options->direct)
        fd = open(options->path, flags); // the file system has no direct I/O
    if (fd < 0)
        return cannot_open(options, errno, error);
    if (flock(fd, (only_read ? LOCK_SH : LOCK_EX) | LOCK_NB) && errno == EWOULDBLOCK) {
        close(fd);
        return error_set(error, EAGAIN, "disk image '%s' is in use by another program", options->path);
    }

    struct raw_file *file = ALLOC(struct raw_file);
    file->block.ops = &raw_ops;
    file->block.readonly = options->readonly;
    file->block.write_back = !options->write_through;
    file->block.discard = options->discard;
    file->fd = file->write_fd = fd;
    file->unsafe = options->unsafe;
    file->loop = loop;
    file->queue_tail = &file->queue;
    file->finished_tail = &file->finished;
    io_task_init(&file->finished_task, complete_finished, file);
    pthread_mutex_init(&file->mutex, NULL);
    pthread_cond_init(&file->work, NULL);
    pthread_cond_init(&file->idle, NULL);
    int result = find_size(file, options->path, error);
    if (!result && snapshot)
        result = add_overlay(file, error);
    if (result) {
        raw_close(&file->block);
        return result;
    }
    *block = &file->block;
    return 0;
}
