// SPDX-License-Identifier: MIT
// Something done again and again in the host's time, whether the guest's runs or not, on the I/O thread with the device lock.
#pragma once

#include <stdint.h>

#include "hw/core/io-loop.h"

struct ticker {
    struct io_watch *watch;
    int fd; // of a timer
    uint64_t period_ns;
    void (*tick)(void *opaque);
    void *opaque;
};

// Device lock held in all calls. -errno when the host has no timers left.
int ticker_init(struct ticker *ticker, struct io_loop *loop, void (*tick)(void *opaque), void *opaque);
// Goes on with another period, 0: not at all.
void ticker_set(struct ticker *ticker, uint64_t period_ns);
void ticker_release(struct ticker *ticker);
