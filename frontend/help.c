// SPDX-License-Identifier: MIT
// Help. Everything is read from tables, so that nothing can be forgotten here.
#include "frontend/help.h"

#include <string.h>

#include "frontend/options.h"
#include "frontend/registry.h"
#include "hw/core/device.h"
#include "hw/core/machine.h"
#include "tcg/base/log.h"
#include "ui/ui.h"

static void print_version(const struct settings *settings, FILE *out)
{
    // Tools that start a QEMU look for its words and a version they know.
    if (settings->qemu_arch)
        fprintf(out, "QEMU emulator version 10.0.0 (Lyrebird " LYREBIRD_VERSION ")\n");
    else
        fprintf(out, "Lyrebird version " LYREBIRD_VERSION "\n");
}

static void print_option(const struct option *option, FILE *out)
{
    enum { HELP_COLUMN = 28 };
    int width = fprintf(out, "  -%s", option->name);
    if (option->alias)
        width += fprintf(out, ", -%s", option->alias);
    if (option->argument)
        width += fprintf(out, " %s", option->argument);
    if (width < HELP_COLUMN - 1)
        fprintf(out, "%*s%s\n", HELP_COLUMN - width, "", option->help);
    else
        fprintf(out, "\n%*s%s\n", HELP_COLUMN, "", option->help);
}

static void print_options(const struct settings *settings, FILE *out)
{
    print_version(settings, out);
    fprintf(out,
            "usage: %s [options] [FILE]\n\n"
            "Runs a machine of another architecture. FILE is a kernel to start; options say what more there is.\n"
            "Options may start with one dash or two.\n",
            settings->program);
    for (unsigned section = 0; section < SECTION_COUNT; section++) {
        fprintf(out, "\n%s:\n", option_section_titles[section]);
        for (const struct option *option = options; option->name; option++)
            if (option->section == section && option->handle)
                print_option(option, out);
    }
    fprintf(out, "\nOn the terminal of -nographic, Ctrl-A x ends the program and Ctrl-A h lists the other keys.\n");
}

static void print_machines(const struct settings *settings, FILE *out)
{
    const struct machine_type *preset = registry_default_machine(settings->qemu_arch);
    fprintf(out, "Supported machines are:\n");
    for (const struct machine_type *const *type = registry_machines; *type; type++)
        if (registry_machine_fits(*type, settings->qemu_arch))
            fprintf(out, "%-20s %s%s\n", (*type)->name, (*type)->help, *type == preset ? " (default)" : "");
}

static int print_machine(const struct settings *settings, FILE *out, struct error *error)
{
    const char *name = settings->help_name;
    const struct machine_type *type = name ? registry_find_machine(name, error) : registry_default_machine(NULL);
    if (!type)
        return -1;
    fprintf(out, "%s options:\n", type->name);
    property_print_help(type->properties, out);
    return 0;
}

// Of the machine that is named, or of the program's name; else of all.
static int print_cpus(const struct settings *settings, FILE *out, struct error *error)
{
    const struct machine_type *type = NULL;
    if (settings->machine && !(type = registry_find_machine(settings->machine, error)))
        return -1;
    if (!type && settings->qemu_arch)
        type = registry_default_machine(settings->qemu_arch);
    for (const struct cpu_family *family = registry_cpu_families; family->arch; family++) {
        if (type && strcmp(type->arch, family->arch))
            continue;
        fprintf(out, "Available CPUs (%s):\n", family->arch);
        family->print_models(out);
    }
    return 0;
}

static void print_devices(FILE *out)
{
    for (const struct device_type *const *type = registry_devices; *type; type++)
        if ((*type)->user_creatable)
            fprintf(out, "name \"%s\", bus %s, desc \"%s\"\n", (*type)->name, (*type)->bus ? (*type)->bus : "System",
                    (*type)->help);
}

static int print_device(const char *name, FILE *out, struct error *error)
{
    const struct device_type *type = registry_find_device(name, error);
    if (!type)
        return -1;
    fprintf(out, "%s options:\n", type->name);
    for (; type; type = type->inner)
        property_print_help(type->properties, out);
    return 0;
}

static void print_accels(FILE *out)
{
    fprintf(out, "Accelerators supported:\n");
    for (const struct accel_type *type = registry_accels; type->name; type++)
        fprintf(out, "%-8s %s\n", type->name, type->help);
    for (const struct accel_type *type = registry_accels; type->name; type++) {
        fprintf(out, "%s options:\n", type->name);
        property_print_help(type->properties, out);
    }
}

static void print_displays(FILE *out)
{
    fprintf(out, "Available display backend types:\n%-8s nothing\n", "none");
    for (const struct ui_type *const *type = registry_uis; *type; type++)
        fprintf(out, "%-8s %s\n", (*type)->name, (*type)->help);
}

static int print_display(const char *name, FILE *out, struct error *error)
{
    const struct ui_type *type = registry_find_ui(name, error);
    if (!type)
        return -1;
    fprintf(out, "%s options:\n", type->name);
    property_print_help(type->properties, out);
    return 0;
}

static void print_log_items(FILE *out)
{
    fprintf(out, "Log items (comma separated):\n");
    for (const struct log_category_info *info = log_categories; info->name; info++)
        fprintf(out, "%-16s %s\n", info->name, info->help);
    fprintf(out, "%-16s everything above\n", "all");
}

static void print_completion(FILE *out)
{
    fprintf(out, "# bash completion for lyrebird: source <(lyrebird -completion bash)\n"
                 "_lyrebird() {\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
                 "    case $before in\n    -M|-machine|--machine) words='");
    for (const struct machine_type *const *type = registry_machines; *type; type++)
        fprintf(out, "%s ", (*type)->name);
    fprintf(out, "help' ;;\n    -cpu|--cpu) words='");
    for (const struct cpu_family *family = registry_cpu_families; family->arch; family++)
        for (const char *const *model = family->models; *model; model++)
            fprintf(out, "%s ", *model);
    fprintf(out, "help' ;;\n    -device|--device) words='");
    for (const struct device_type *const *type = registry_devices; *type; type++)
        if ((*type)->user_creatable)
            fprintf(out, "%s ", (*type)->name);
    fprintf(out, "help' ;;\n    -accel|--accel) words='");
    for (const struct accel_type *type = registry_accels; type->name; type++)
        fprintf(out, "%s ", type->name);
    fprintf(out, "help' ;;\n    -d) words='");
    for (const struct log_category_info *info = log_categories; info->name; info++)
        fprintf(out, "%s ", info->name);
    fprintf(out, "all help' ;;\n    *) [[ $word != -* ]] || words='");
    for (const struct option *option = options; option->name; option++)
        if (option->handle)
            fprintf(out, option->alias ? "-%s -%s " : "-%s ", option->name, option->alias);
    fprintf(out, "' ;;\n    esac\n"
                 "    if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"));\n"
                 "    else COMPREPLY=($(compgen -f -- \"$word\")); fi\n"
                 "}\n"
                 "complete -F _lyrebird -o filenames lyrebird\n");
}

int help_print(const struct settings *settings, FILE *out, struct error *error)
{
    switch (settings->help) {
    case HELP_NONE:
        break;
    case HELP_OPTIONS:
        print_options(settings, out);
        break;
    case HELP_VERSION:
        print_version(settings, out);
        break;
    case HELP_COMPLETION:
        print_completion(out);
        break;
    case HELP_MACHINES:
        print_machines(settings, out);
        break;
    case HELP_MACHINE:
        return print_machine(settings, out, error);
    case HELP_CPUS:
        return print_cpus(settings, out, error);
    case HELP_DEVICES:
        print_devices(out);
        break;
    case HELP_DEVICE:
        return print_device(settings->help_name, out, error);
    case HELP_ACCELS:
        print_accels(out);
        break;
    case HELP_CHARDEVS:
        fprintf(out, "Available chardev backend types:\n  null\n  stdio\n  file\n  pty\n");
        break;
    case HELP_DISPLAYS:
        print_displays(out);
        break;
    case HELP_DISPLAY:
        return print_display(settings->help_name, out, error);
    case HELP_LOG:
        print_log_items(out);
        break;
    }
    return 0;
}
