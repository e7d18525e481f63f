// SPDX-License-Identifier: MIT
#include "hw/core/input.h"

#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"

static const struct {
    const char *name;
    enum input_key key;
    uint16_t linux_code;
} keys[] = {
#define INPUT_KEY(name, usage, code, text) {text, INPUT_KEY_##name, code},
#include "hw/core/input-keys.inc"
#undef INPUT_KEY
};

void input_add(struct machine *machine, struct input_handler *handler)
{
    handler->next = machine->input.handlers;
    machine->input.handlers = handler;
}

void input_remove(struct machine *machine, struct input_handler *handler)
{
    struct input_handler **link = &machine->input.handlers;
    while (*link && *link != handler)
        link = &(*link)->next;
    if (*link)
        *link = handler->next;
    for (unsigned key = 0; key < INPUT_KEYS; key++)
        if (machine->input.holders[key] == handler)
            machine->input.holders[key] = NULL;
}

bool input_send_key(struct machine *machine, enum input_key key, bool down)
{
    struct input_handler *handler = machine->input.handlers;
    if ((unsigned)key >= INPUT_KEYS)
        return false;
    while (handler && !handler->ops->key)
        handler = handler->next;
    if (machine->input.holders[key])
        handler = machine->input.holders[key];
    machine->input.holders[key] = down ? handler : NULL;
    if (handler)
        handler->ops->key(handler->opaque, key, down);
    return handler;
}

bool input_send_motion(struct machine *machine, int dx, int dy, struct input_wheel wheel, unsigned buttons)
{
    const struct input_handler *handler = machine->input.handlers;
    while (handler && !handler->ops->motion)
        handler = handler->next;
    if (handler)
        handler->ops->motion(handler->opaque, dx, dy, wheel, buttons);
    return handler;
}

static const struct input_handler *position_handler(const struct machine *machine)
{
    const struct input_handler *handler = machine->input.handlers;
    while (handler && !handler->ops->position)
        handler = handler->next;
    return handler;
}

bool input_send_position(struct machine *machine, unsigned x, unsigned y, struct input_wheel wheel, unsigned buttons)
{
    const struct input_handler *handler = position_handler(machine);
    x = x < INPUT_POSITION_MAX ? x : INPUT_POSITION_MAX;
    y = y < INPUT_POSITION_MAX ? y : INPUT_POSITION_MAX;
    if (handler)
        handler->ops->position(handler->opaque, x, y, wheel, buttons);
    return handler;
}

static const struct input_handler *touch_handler(const struct machine *machine)
{
    const struct input_handler *handler = machine->input.handlers;
    while (handler && !handler->ops->touch)
        handler = handler->next;
    return handler;
}

bool input_send_touch(struct machine *machine, unsigned slot, unsigned x, unsigned y, bool down)
{
    const struct input_handler *handler = touch_handler(machine);
    if (slot >= INPUT_TOUCH_SLOTS)
        return false;
    x = x < INPUT_POSITION_MAX ? x : INPUT_POSITION_MAX;
    y = y < INPUT_POSITION_MAX ? y : INPUT_POSITION_MAX;
    if (handler)
        handler->ops->touch(handler->opaque, slot, x, y, down);
    return handler;
}

bool input_has_position(const struct machine *machine)
{
    return position_handler(machine);
}

bool input_has_touch(const struct machine *machine)
{
    return touch_handler(machine);
}

unsigned input_position_of(unsigned at, unsigned pixels)
{
    if (at >= pixels)
        return pixels ? INPUT_POSITION_MAX : 0;
    return (unsigned)((2 * (uint64_t)at + 1) * (INPUT_POSITION_MAX + 1) / (2 * (uint64_t)pixels));
}

int input_key_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!strcmp(keys[i].name, name))
            return keys[i].key;
    return -1;
}

const char *input_key_name(enum input_key key)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key)
            return keys[i].name;
    return NULL;
}

uint16_t input_key_linux_code(enum input_key key)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == key)
            return keys[i].linux_code;
    return 0;
}
