// SPDX-License-Identifier: MIT
// Character devices on file descriptors of the host: the terminal or pipe the program was started with, a file that
// collects output, a new pseudo-terminal, and one that leads nowhere.
//
// Writing never blocks the I/O thread and never changes the descriptor's flags, which other processes share.
#pragma once

#include <stdbool.h>

#include "hw/core/chardev.h"
#include "tcg/base/error.h"

struct io_loop;

// Standard input and output; a terminal is put into raw mode (terminal.h) until it is closed. `signals`: Ctrl-C still
// sends SIGINT to the program instead of a character to the guest.
int chardev_stdio_create(const char *id, struct io_loop *loop, bool signals, struct chardev **chardev,
                         struct error *error);
// Output is written to the file, which is emptied first; there is no input.
int chardev_file_create(const char *id, struct io_loop *loop, const char *path, struct chardev **chardev,
                        struct error *error);
// A new pseudo-terminal; chardev_pty_path says which. While nobody reads it, output is dropped once it is full.
int chardev_pty_create(const char *id, struct io_loop *loop, struct chardev **chardev, struct error *error);
const char *chardev_pty_path(const struct chardev *chardev);
// Takes everything, gives nothing.
struct chardev *chardev_null_create(const char *id);
