// SPDX-License-Identifier: MIT
// A two-way stream of bytes between a device (the front) and the host (the backend: terminal, file, socket).
// The backend offers calls down, the front offers notices up. All of them happen with the device lock held.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chardev_event {
    CHARDEV_OPENED, // a peer is there
    CHARDEV_CLOSED, // the peer has gone
    CHARDEV_BREAK,  // serial line break
};

struct chardev;

// Calls down, implemented by a backend.
struct chardev_ops {
    const char *type; // "stdio", "file", ...
    // Takes up to `length` bytes and says how many. Never blocks; when it takes less, it calls the front's
    // `writable` once there is room again.
    size_t (*write)(struct chardev *chardev, const void *data, size_t length);
    // The front has room again after `room` said less than was there. May be NULL.
    void (*resume_input)(struct chardev *chardev);
    void (*close)(struct chardev *chardev); // frees everything
};

// Notices up, implemented by a device. Any may be NULL.
struct chardev_front {
    size_t (*room)(void *opaque); // how many bytes `receive` will take now
    void (*receive)(void *opaque, const uint8_t *data, size_t length);
    void (*event)(void *opaque, enum chardev_event event);
    void (*writable)(void *opaque);
};

// Embedded as the first member by each backend.
struct chardev {
    const struct chardev_ops *ops;
    char *id;
    bool open; // a peer is there
    const struct chardev_front *front;
    void *front_opaque;
};

// Connects a front. -EBUSY when there is one already. NULL disconnects.
int chardev_attach(struct chardev *chardev, const struct chardev_front *front, void *opaque);
// For fronts; `chardev` may be NULL, which swallows output as an unconnected line does.
size_t chardev_write(struct chardev *chardev, const void *data, size_t length);
void chardev_resume_input(struct chardev *chardev);
// For backends: the front's answers, 0 room when there is no front.
size_t chardev_room(struct chardev *chardev);
void chardev_receive(struct chardev *chardev, const uint8_t *data, size_t length);
void chardev_event(struct chardev *chardev, enum chardev_event event); // keeps `open` up to date
void chardev_writable(struct chardev *chardev);
void chardev_close(struct chardev *chardev); // NULL is fine
