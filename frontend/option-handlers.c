// SPDX-License-Identifier: MIT
// What each option means. Handlers check what can be checked without a machine and record the rest.
#include "frontend/option-handlers.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "frontend/settings.h"
#include "hw/core/property.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

static bool is_help(const char *text)
{
    return !strcmp(text, "help") || !strcmp(text, "?");
}

// The first request for help counts.
static int set_help(struct settings *settings, enum help_topic topic, const char *name)
{
    if (settings->help == HELP_NONE) {
        settings->help = topic;
        settings->help_name = name;
    }
    return 0;
}

// --- machine -------------------------------------------------------------------------------------------------------

static void add_accel(struct settings *settings, const char *names)
{
    struct keyval_list list = {.text = names};
    keyval_set(&settings->arena, &list, "accel", names);
    setting_group_add(settings, &settings->accels, list);
}

int option_machine(struct settings *settings, const char *argument, struct error *error)
{
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "type", &list, error);
    if (status)
        return status;
    const char *type = keyval_get(&list, "type");
    if (type && is_help(type))
        return set_help(settings, HELP_MACHINES, NULL);
    if (type)
        settings->machine = type;
    // Repeated -machine options add up.
    for (size_t i = 0; i < list.count; i++) {
        const struct keyval *item = &list.items[i];
        if (is_help(item->key))
            return set_help(settings, HELP_MACHINE, settings->machine);
        if (!strcmp(item->key, "accel"))
            add_accel(settings, item->value);
        else if (!strcmp(item->key, "kernel-irqchip") || !strcmp(item->key, "kernel_irqchip"))
            settings->kernel_irqchip = item->value;
        else if (strcmp(item->key, "type"))
            keyval_set(&settings->arena, &settings->machine_properties, item->key, item->value);
    }
    return 0;
}

int option_cpu(struct settings *settings, const char *argument, struct error *error)
{
    if (is_help(argument))
        return set_help(settings, HELP_CPUS, NULL);
    if (!*argument || *argument == ',')
        return error_set(error, EINVAL, "no model is named; -cpu help lists them");
    settings->cpu = argument;
    return 0;
}

int option_smp(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"cpus", "maxcpus", "sockets", "clusters", "cores", "threads", NULL};
    static const char *const levels[] = {"sockets", "clusters", "cores", "threads"};
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "cpus", &list, error);
    if (status || (status = keyval_check(&list, known, error)))
        return status;
    uint64_t cpus = 0, max = 0, product = 1;
    unsigned given = 0;
    if ((status = keyval_unsigned(&list, "cpus", 65535, &cpus, error)) ||
        (status = keyval_unsigned(&list, "maxcpus", 65535, &max, error)))
        return status;
    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        uint64_t n = 1;
        if ((status = keyval_unsigned(&list, levels[i], 65535, &n, error)))
            return status;
        if (!n)
            return error_set(error, EINVAL, "'%s' must be at least 1", levels[i]);
        given += keyval_get(&list, levels[i]) != NULL;
        product *= n;
    }
    if (!keyval_get(&list, "cpus"))
        cpus = keyval_get(&list, "maxcpus") ? max : product;
    if (!cpus)
        return error_set(error, EINVAL, "a machine needs at least 1 processor");
    if (keyval_get(&list, "maxcpus") && max != cpus)
        return error_set(error, ENOTSUP, "maxcpus must equal cpus (%" PRIu64 "): adding processors later is not built yet",
                         cpus);
    // One level may be left out and follows from the others.
    if (given == ARRAY_SIZE(levels) || product > cpus ? product != cpus : cpus % product)
        return error_set(error, EINVAL, "the topology gives %" PRIu64 " processors, not %" PRIu64, product, cpus);
    settings->cpus = cpus;
    return 0;
}

int option_m(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"size", NULL};
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "size", &list, error);
    if (status)
        return status;
    if (keyval_get(&list, "slots") || keyval_get(&list, "maxmem"))
        return error_set(error, ENOTSUP, "adding memory later (slots, maxmem) is not built yet; give only a size");
    if ((status = keyval_check(&list, known, error)))
        return status;
    const char *text = keyval_get(&list, "size");
    uint64_t size;
    if (!text || !parse_size(text, &size))
        return error_set(error, EINVAL, "'%s' is not a memory size; write 512M or 4G", text ? text : "");
    size_t length = strlen(text);
    if (isdigit((unsigned char)text[length - 1])) { // no suffix: megabytes
        if (size > UINT64_MAX >> 20)
            return error_set(error, ERANGE, "'%s' megabytes is more than any machine has", text);
        size <<= 20;
    }
    if (!size)
        return error_set(error, EINVAL, "a machine needs memory; write 512M or 4G");
    settings->ram_bytes = size;
    return 0;
}

int option_accel(struct settings *settings, const char *argument, struct error *error)
{
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "accel", &list, error);
    if (status)
        return status;
    const char *name = keyval_get(&list, "accel");
    if (!name)
        return error_set(error, EINVAL, "no accelerator is named; -accel help lists them");
    if (is_help(name))
        return set_help(settings, HELP_ACCELS, NULL);
    setting_group_add(settings, &settings->accels, list);
    return 0;
}

int option_enable_kvm(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument;
    (void)error;
    add_accel(settings, "kvm");
    return 0;
}

int option_name(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"guest", NULL};
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "guest", &list, error);
    if (status || (status = keyval_check(&list, known, error)))
        return status;
    settings->name = keyval_get(&list, "guest");
    return 0;
}

int option_uuid(struct settings *settings, const char *argument, struct error *error)
{
    static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool good = strlen(argument) == sizeof(pattern) - 1;
    for (size_t i = 0; good && i < sizeof(pattern) - 1; i++)
        good = pattern[i] == '-' ? argument[i] == '-' : isxdigit((unsigned char)argument[i]);
    if (!good)
        return error_set(error, EINVAL, "not a UUID; it looks like %s with hexadecimal digits", pattern);
    settings->uuid = argument;
    return 0;
}

// --- what to start -------------------------------------------------------------------------------------------------

int option_kernel(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->kernel = argument;
    return 0;
}

int option_initrd(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->initrd = argument;
    return 0;
}

int option_append(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->append = argument;
    return 0;
}

int option_dtb(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->dtb = argument;
    return 0;
}

int option_bios(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->bios = argument;
    return 0;
}

// --- devices -------------------------------------------------------------------------------------------------------

int option_device(struct settings *settings, const char *argument, struct error *error)
{
    if (*argument == '{')
        return error_set(error, ENOTSUP, "JSON is not understood yet; write NAME,property=value");
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "driver", &list, error);
    if (status)
        return status;
    const char *driver = keyval_get(&list, "driver");
    if (!driver || !*driver)
        return error_set(error, EINVAL, "no device is named; -device help lists them");
    if (is_help(driver))
        return set_help(settings, HELP_DEVICES, NULL);
    if (keyval_get(&list, "help") || keyval_get(&list, "?"))
        return set_help(settings, HELP_DEVICE, driver);
    setting_group_add(settings, &settings->devices, list);
    return 0;
}

int option_chardev(struct settings *settings, const char *argument, struct error *error)
{
    if (is_help(argument))
        return set_help(settings, HELP_CHARDEVS, NULL);
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, "backend", &list, error);
    if (status)
        return status;
    if (!keyval_get(&list, "backend"))
        return error_set(error, EINVAL, "no kind is named; -chardev help lists them");
    if (!keyval_get(&list, "id"))
        return error_set(error, EINVAL, "it needs a name to be referred to by: add ,id=NAME");
    setting_group_add(settings, &settings->chardevs, list);
    return 0;
}

int option_net(struct settings *settings, const char *argument, struct error *error)
{
    (void)settings;
    if (strcmp(argument, "none"))
        return error_set(error, ENOTSUP, "networking is not built yet; only 'none' is understood");
    return 0;
}

// --- consoles ------------------------------------------------------------------------------------------------------

int option_serial(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    setting_names_add(settings, &settings->serials, argument);
    return 0;
}

int option_monitor(struct settings *settings, const char *argument, struct error *error)
{
    if (settings->monitor)
        return error_set(error, EINVAL, "there is a monitor on '%s' already; one is enough", settings->monitor);
    settings->monitor = argument;
    return 0;
}

int option_nodefaults(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->nodefaults = true;
    return 0;
}

int option_echr(struct settings *settings, const char *argument, struct error *error)
{
    uint64_t code;
    if (!parse_unsigned(argument, &code) || code > 127)
        return error_set(error, EINVAL, "not a character code from 0 to 127; 1 is Ctrl-A, 2 is Ctrl-B");
    settings->escape_character = (uint8_t)code;
    return 0;
}

// --- running -------------------------------------------------------------------------------------------------------

int option_start_paused(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->start_paused = true;
    return 0;
}

int option_no_reboot(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->no_reboot = true;
    return 0;
}

int option_no_shutdown(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->no_shutdown = true;
    return 0;
}

// A parameter whose value is one of two words; *result says whether it is the second.
static int two_words(const struct keyval_list *list, const char *key, const char *first, const char *second,
                     bool *result, struct error *error)
{
    const char *value = keyval_get(list, key);
    if (!value)
        return 0;
    if (strcmp(value, first) && strcmp(value, second))
        return error_set(error, EINVAL, "'%s' must be %s or %s, not '%s'", key, first, second, value);
    *result = !strcmp(value, second);
    return 0;
}

int option_action(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"reboot", "shutdown", NULL};
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, NULL, &list, error);
    if (status || (status = keyval_check(&list, known, error)) ||
        (status = two_words(&list, "reboot", "reset", "shutdown", &settings->no_reboot, error)))
        return status;
    return two_words(&list, "shutdown", "poweroff", "pause", &settings->no_shutdown, error);
}

int option_rtc(struct settings *settings, const char *argument, struct error *error)
{
    static const char *const known[] = {"base", NULL};
    struct keyval_list list;
    int status = keyval_parse(&settings->arena, argument, NULL, &list, error);
    if (status || (status = keyval_check(&list, known, error)))
        return status;
    const char *base = keyval_get(&list, "base");
    if (base && strcmp(base, "utc"))
        return error_set(error, ENOTSUP, "base=%s is not built yet; only base=utc is", base);
    return 0;
}

int option_pidfile(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->pidfile = argument;
    return 0;
}

int option_no_user_config(struct settings *settings, const char *argument, struct error *error)
{
    (void)settings, (void)argument, (void)error;
    return 0; // true as it stands: there are no such files
}

// --- debugging and help --------------------------------------------------------------------------------------------

int option_d(struct settings *settings, const char *argument, struct error *error)
{
    uint32_t mask;
    if (is_help(argument))
        return set_help(settings, HELP_LOG, NULL);
    int status = log_parse(argument, &mask, error);
    if (!status)
        settings->log_mask |= mask;
    return status;
}

int option_log_file(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->log_file = argument;
    return 0;
}

int option_dfilter(struct settings *settings, const char *argument, struct error *error)
{
    (void)settings;
    return log_set_filter(argument, error);
}

int option_gdb(struct settings *settings, const char *argument, struct error *error)
{
    if (!*argument)
        return error_set(error, EINVAL, "no place is given; use tcp::PORT, unix:PATH or stdio");
    settings->gdb = strcmp(argument, "none") ? argument : NULL;
    return 0;
}

int option_gdb_default(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument;
    return option_gdb(settings, "tcp::1234", error);
}

int option_perfmap(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->perfmap = true;
    return 0;
}

int option_jitdump(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    settings->jitdump = true;
    return 0;
}

int option_guest_symbols(struct settings *settings, const char *argument, struct error *error)
{
    (void)error;
    settings->guest_symbols = argument;
    return 0;
}

int option_help(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    return set_help(settings, HELP_OPTIONS, NULL);
}

int option_version(struct settings *settings, const char *argument, struct error *error)
{
    (void)argument, (void)error;
    return set_help(settings, HELP_VERSION, NULL);
}

int option_completion(struct settings *settings, const char *argument, struct error *error)
{
    if (strcmp(argument, "bash"))
        return error_set(error, EINVAL, "only bash is known");
    return set_help(settings, HELP_COMPLETION, NULL);
}
