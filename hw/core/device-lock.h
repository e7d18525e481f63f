// SPDX-License-Identifier: MIT
// The one lock for device state. A vCPU thread takes it around an MMIO access, the I/O thread around events
// and file descriptor callbacks. Guest RAM, soft TLBs and translated code never take it, and chips on hot
// paths (GIC) bring a lock of their own. It is not recursive: taking it twice is a bug that asserts.
//
// Order: device lock, then a chip's own lock, then the event clock's queue lock.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct device_lock {
    pthread_mutex_t mutex;
    _Atomic(pthread_t) owner; // valid while held
    atomic_bool taken;
};

void device_lock_init(struct device_lock *lock);
void device_lock_destroy(struct device_lock *lock);
void device_lock_acquire(struct device_lock *lock);
void device_lock_release(struct device_lock *lock);
// Whether the calling thread holds it; for asserts.
bool device_lock_held(const struct device_lock *lock);
