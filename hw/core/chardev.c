// SPDX-License-Identifier: MIT
// The calls between a character device and its host side.
#include "hw/core/chardev.h"

#include <errno.h>

int chardev_attach(struct chardev *chardev, const struct chardev_front *front, void *opaque)
{
    if (!chardev)
        return 0;
    if (front && chardev->front)
        return -EBUSY;
    chardev->front = front;
    chardev->front_opaque = opaque;
    if (front)
        chardev_resume_input(chardev);
    return 0;
}

size_t chardev_write(struct chardev *chardev, const void *data, size_t length)
{
    return chardev ? chardev->ops->write(chardev, data, length) : length;
}

void chardev_resume_input(struct chardev *chardev)
{
    if (chardev && chardev->ops->resume_input)
        chardev->ops->resume_input(chardev);
}

size_t chardev_room(struct chardev *chardev)
{
    return chardev->front && chardev->front->room ? chardev->front->room(chardev->front_opaque) : 0;
}

void chardev_receive(struct chardev *chardev, const uint8_t *data, size_t length)
{
    if (chardev->front && chardev->front->receive)
        chardev->front->receive(chardev->front_opaque, data, length);
}

void chardev_event(struct chardev *chardev, enum chardev_event event)
{
    if (event == CHARDEV_OPENED || event == CHARDEV_CLOSED)
        chardev->open = event == CHARDEV_OPENED;
    if (chardev->front && chardev->front->event)
        chardev->front->event(chardev->front_opaque, event);
}

void chardev_writable(struct chardev *chardev)
{
    if (chardev->front && chardev->front->writable)
        chardev->front->writable(chardev->front_opaque);
}

void chardev_close(struct chardev *chardev)
{
    if (chardev)
        chardev->ops->close(chardev);
}
