// SPDX-License-Identifier: MIT
// The device lock: a mutex that knows its owner.
#include "hw/core/device-lock.h"

#include <assert.h>

void device_lock_init(struct device_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    atomic_init(&lock->taken, false);
    atomic_init(&lock->owner, pthread_self());
}

void device_lock_destroy(struct device_lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

bool device_lock_held(const struct device_lock *lock)
{
    return atomic_load_explicit(&lock->taken, memory_order_relaxed) &&
           pthread_equal(atomic_load_explicit(&lock->owner, memory_order_relaxed), pthread_self());
}

void device_lock_acquire(struct device_lock *lock)
{
    assert(!device_lock_held(lock));
    pthread_mutex_lock(&lock->mutex);
    atomic_store_explicit(&lock->owner, pthread_self(), memory_order_relaxed);
    atomic_store_explicit(&lock->taken, true, memory_order_relaxed);
}

void device_lock_release(struct device_lock *lock)
{
    assert(device_lock_held(lock));
    atomic_store_explicit(&lock->taken, false, memory_order_relaxed);
    pthread_mutex_unlock(&lock->mutex);
}
