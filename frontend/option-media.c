// SPDX-License-Identifier: MIT
// The options about drives, the display and what firmware starts. Checked as far as can be without a machine.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frontend/option-handlers.h"
#include "frontend/settings.h"
#include "tcg/base/bits.h"

// --- what firmware starts ------------------------------------------------------------------------------------------

// Letters from a to p, each a kind of drive, none twice.
static int check_boot_order(const char *key, const char *order, struct error *error)
{
    for (const char *p = order; p && *p; p++) {
        if (*p < 'a' || *p > 'p')
            return error_set(error, EINVAL, "'%s' is made of the letters a (floppy disk), c (hard disk), d (CD-ROM) and n "
                             "(network), not '%c'", key, *p);
        if (strchr(p + 1, *p))
            return error_set(error, EINVAL, "'%s' has '%c' twice", key, *p);
    }
    return 0;
}

static int boot_time(const struct keyval_list *list, const char *key, uint64_t limit, int64_t *time, struct error *error)
{
    uint64_t value;
    int status = keyval_unsigned(list, key, limit, &value, error);
    if (!status && keyval_get(list, key))
        *time = (int64_t)value;
    return status;
}

// Repeated -boot options add up.
int option_boot(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"order", "once", "menu", "splash-time", "reboot-timeout", "strict", NULL};
    struct boot_settings *boot = &settings->boot;
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "order", &list, error);
    if (status)
        return status;
    if (keyval_get(&list, "splash"))
        return error_set(error, ENOTSUP, "pictures (splash) are not built yet");
    const char *order = keyval_get(&list, "order"), *once = keyval_get(&list, "once");
    if ((status = keyval_check(&list, known, error)) || (status = keyval_bool(&list, "menu", &boot->menu, error)) ||
        (status = keyval_bool(&list, "strict", &boot->strict, error)) ||
        (status = boot_time(&list, "splash-time", 65535, &boot->menu_wait_ms, error)) ||
        (status = boot_time(&list, "reboot-timeout", 65535, &boot->retry_ms, error)) ||
        (status = check_boot_order("order", order, error)) || (status = check_boot_order("once", once, error)))
        return status;
    boot->order = order ? order : boot->order;
    boot->once = once ? once : boot->once;
    return 0;
}

// --- drives --------------------------------------------------------------------------------------------------------

// How messages call the option.
static const char *option_text(struct settings *settings, const char *name, const char *argument)
{
    char text[160];
    int n = snprintf(text, sizeof(text), "-%s %.120s", name, argument);
    return arena_string(&settings->arena, text, (size_t)n);
}

int option_drive(struct settings *settings, const char *argument, struct error *error)
{
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, NULL, &list, error);
    if (status)
        return status;
    list.text = option_text(settings, "drive", argument);
    setting_group_add(settings, &settings->drives, list);
    return 0;
}

int option_snapshot(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->snapshot = true;
    return 0;
}

// The options that are short for a -drive. NULL for what is left open.
static int short_drive(struct settings *settings, const char *option, const char *file, const char *interface,
                       const char *index, const char *media)
{
    const char *const pairs[][2] = {{"if", interface}, {"index", index}, {"media", media}, {"file", file}};
    struct keyval_list list = {.text = option_text(settings, option, file)};
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        if (pairs[i][1])
            keyval_set(&settings->arena, &list, pairs[i][0], pairs[i][1]);
    setting_group_add(settings, &settings->drives, list);
    return 0;
}

int option_hda(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "hda", argument, NULL, "0", "disk");
}

int option_hdb(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "hdb", argument, NULL, "1", "disk");
}

int option_hdc(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "hdc", argument, NULL, "2", "disk");
}

int option_hdd(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "hdd", argument, NULL, "3", "disk");
}

int option_cdrom(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "cdrom", argument, NULL, "2", "cdrom");
}

int option_fda(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "fda", argument, "floppy", "0", NULL);
}

int option_fdb(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "fdb", argument, "floppy", "1", NULL);
}

int option_pflash(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    return short_drive(settings, "pflash", argument, "pflash", NULL, NULL);
}
