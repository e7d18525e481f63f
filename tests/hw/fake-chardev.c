// SPDX-License-Identifier: MIT
#include "bare-machine.h"
#include "fake-chardev.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static size_t fake_write(struct chardev *chardev, const void *data, size_t length)
{
    struct fake_chardev *fake = (struct fake_chardev *)chardev;
    size_t room = fake->limit - fake->length;
    length = length < room ? length : room;
    memcpy(fake->out + fake->length, data, length);
    fake->length += length;
    return length;
}

static void fake_resume(struct chardev *chardev)
{
    ((struct fake_chardev *)chardev)->resumed++;
}

static void fake_close(struct chardev *chardev)
{
    free(chardev);
}

static const struct chardev_ops fake_ops = {"fake", fake_write, fake_resume, fake_close};

struct fake_chardev *fake_chardev_create(struct machine *machine, const char *id)
{
    struct fake_chardev *fake = calloc(1, sizeof(*fake));
    struct error error;
    fake->chardev.ops = &fake_ops;
    fake->limit = sizeof(fake->out) - 1;
    fake->chardev.open = true;
    cr_assert_eq(backend_list_add(&machine->backends, BACKEND_CHARDEV, id, fake, &error), 0);
    return fake;
}

size_t fake_chardev_type(struct fake_chardev *fake, const char *text)
{
    size_t room = chardev_room(&fake->chardev), length = strlen(text);
    length = length < room ? length : room;
    chardev_receive(&fake->chardev, (const uint8_t *)text, length);
    return length;
}
