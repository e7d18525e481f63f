// SPDX-License-Identifier: MIT
#include "hw/core/input.h"

#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/bits.h"

static const struct {
    const char *name;
    enum input_key key;
} keys[] = {
#define INPUT_KEY(name, usage, text) {text, INPUT_KEY_##name},
#include "hw/core/input-keys.inc"
#undef INPUT_KEY
};

void input_add(struct machine *machine, struct input_handler *handler)
{
    handler->next = machine->inputs;
    machine->inputs = handler;
}

void input_remove(struct machine *machine, struct input_handler *handler)
{
    struct input_handler **link = &machine->inputs;
    while (*link && *link != handler)
        link = &(*link)->next;
    if (*link)
        *link = handler->next;
}

bool input_send_key(struct machine *machine, enum input_key key, bool down)
{
    const struct input_handler *handler = machine->inputs;
    while (handler && !handler->ops->key)
        handler = handler->next;
    if (handler)
        handler->ops->key(handler->opaque, key, down);
    return handler;
}

bool input_send_pointer(struct machine *machine, int dx, int dy, int wheel, unsigned buttons)
{
    const struct input_handler *handler = machine->inputs;
    while (handler && !handler->ops->pointer)
        handler = handler->next;
    if (handler)
        handler->ops->pointer(handler->opaque, dx, dy, wheel, buttons);
    return handler;
}

int input_key_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!strcmp(keys[i].name, name))
            return keys[i].key;
    return -1;
}
