// SPDX-License-Identifier: MIT
// What the parts of semihosting share: the console (semihost-console.c) and names of files (semihost-files.c).
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;
struct device_lock;
struct error;

struct semihost_console {
    struct chardev *chardev; // NULL: standard output and standard error, and no input
    struct device_lock *device_lock;
    pthread_mutex_t lock;    // after the device lock
    pthread_cond_t changed;  // there is input, or room for output
    bool ended;              // the peer has gone
    uint8_t input[256];
    size_t input_count;
};

// -EBUSY with a message when the chardev is in use.
int semihost_console_init(struct semihost_console *console, struct chardev *chardev, struct device_lock *device_lock,
                          struct error *error);
void semihost_console_destroy(struct semihost_console *console);
// `fd` is where it goes without a chardev.
void semihost_console_write(struct semihost_console *console, int fd, const void *data, size_t length);
// Up to `length` bytes; -EAGAIN when none came for a moment, 0 when none will.
int64_t semihost_console_read(struct semihost_console *console, void *data, size_t length);

// Files are named from `root`, a folder's descriptor, and never leave it, neither by ".." nor by symbolic links. With -1 there
// are none. Negative errno.
int semihost_file_open(int root, const char *name, int flags);
int semihost_file_remove(int root, const char *name);
int semihost_file_rename(int root, const char *from, const char *to);
