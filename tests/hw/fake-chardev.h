// SPDX-License-Identifier: MIT
// A character backend that keeps what devices write and can be blocked.
#pragma once

#include "hw/core/chardev.h"

struct machine;

struct fake_chardev {
    struct chardev chardev;
    char out[8192];
    size_t length, limit; // takes no more than `limit` bytes in all
    unsigned resumed;
};

// Registered under `id` in the machine, which closes it.
struct fake_chardev *fake_chardev_create(struct machine *machine, const char *id);
// Types `text` into the device, as far as it has room; says how much.
size_t fake_chardev_type(struct fake_chardev *chardev, const char *text);
