// SPDX-License-Identifier: MIT
// The options about semihosting. Repeated ones add up, arguments of the program too.
#include <errno.h>
#include <string.h>

#include "frontend/option-handlers.h"
#include "frontend/settings.h"

int option_semihosting(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->semihosting.enabled = true;
    return 0;
}

int option_semihosting_config(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"enable", "target", "chardev", "userspace", "root", "arg", NULL};
    struct semihosting_settings *s = &settings->semihosting;
    struct keyval_list list;
    int status = keyval_parse_repeated(&settings->arena, argument, "enable", "arg", &list, error);
    s->enabled = true;
    if (status || (status = keyval_check(&list, known, error)) ||
        (status = keyval_bool(&list, "enable", &s->enabled, error)) ||
        (status = keyval_bool(&list, "userspace", &s->userspace, error)))
        return status;
    const char *target = keyval_get(&list, "target"), *chardev = keyval_get(&list, "chardev"),
               *root = keyval_get(&list, "root");
    if (target && !strcmp(target, "gdb"))
        return error_set(error, ENOTSUP, "calls that a debugger answers (target=gdb) are not built yet; use target=native");
    if (target && strcmp(target, "native") && strcmp(target, "auto"))
        return error_set(error, EINVAL, "'target' must be native or auto, not '%s'", target);
    s->chardev = chardev ? chardev : s->chardev;
    s->root = root ? root : s->root;
    for (size_t i = 0; i < list.count; i++)
        if (!strcmp(list.items[i].key, "arg"))
            setting_names_add(settings, &s->arguments, list.items[i].value);
    return 0;
}
