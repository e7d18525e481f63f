// SPDX-License-Identifier: MIT
// The monitor's command line: input, output, and finding commands.
//
// Input arrives with the device lock held. Commands that stop the vCPUs let go of it meanwhile: a vCPU may be waiting
// for it inside a device access, and would never stop.
#include "frontend/monitor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/guest-kernel.h"
#include "frontend/monitor-private.h"
#include "frontend/settings.h"
#include "hw/core/chardev.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

static void flush(struct monitor *monitor)
{
    while (monitor->pending_sent < monitor->pending_length) {
        size_t n = chardev_write(monitor->chardev, monitor->pending + monitor->pending_sent,
                                 monitor->pending_length - monitor->pending_sent);
        if (!n)
            return;
        monitor->pending_sent += n;
    }
    monitor->pending_length = monitor->pending_sent = 0;
}

// Line feeds become carriage return and line feed: nothing behind the device does that.
static void show(void *opaque, const char *text, size_t length)
{
    struct monitor *monitor = opaque;
    monitor->pending = alloc_resize(monitor->pending, monitor->pending_length + 2 * length + 1, 1);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' && !(i && text[i - 1] == '\r'))
            monitor->pending[monitor->pending_length++] = '\r';
        monitor->pending[monitor->pending_length++] = text[i];
    }
    flush(monitor);
}

void monitor_print_help(struct monitor *monitor, const struct monitor_command *table, const char *prefix)
{
    for (const struct monitor_command *command = table; command->name; command++) {
        int width = fprintf(monitor->out, "%s%s", prefix, command->name);
        if (command->alias)
            width += fprintf(monitor->out, "|%s", command->alias);
        if (*command->arguments)
            width += fprintf(monitor->out, "%s%s", command->arguments[0] == '/' ? "" : " ", command->arguments);
        fprintf(monitor->out, "%*s %s\n", width < 26 ? 26 - width : 0, "", command->help);
    }
}

static const struct monitor_command *find(const struct monitor_command *table, const char *name, size_t length)
{
    for (const struct monitor_command *command = table; command->name; command++)
        if ((strlen(command->name) == length && !memcmp(command->name, name, length)) ||
            (command->alias && strlen(command->alias) == length && !memcmp(command->alias, name, length)))
            return command;
    return NULL;
}

static void run_stopped(struct monitor *monitor, const struct monitor_command *command, const char *arguments)
{
    struct machine *machine = monitor->machine;
    bool running = machine_state(machine) == RUN_RUNNING;
    device_lock_release(&machine->lock);
    if (running)
        vcpu_group_pause(&machine->vcpus);
    command->run(monitor, arguments);
    if (running)
        vcpu_group_resume(&machine->vcpus);
    device_lock_acquire(&machine->lock);
}

void monitor_dispatch(struct monitor *monitor, const struct monitor_command *table, const char *prefix,
                      const char *line)
{
    // "x/4i" has no blank before its format.
    size_t length = strcspn(line, " \t/");
    const struct monitor_command *command = find(table, line, length);
    if (!command) {
        const char *names[64];
        size_t count = 0;
        for (const struct monitor_command *row = table; row->name && count < 63; row++)
            names[count++] = row->name;
        names[count] = NULL;
        char *name = strndup(line, length);
        const char *near = name ? nearest_name(name, names) : NULL;
        fprintf(monitor->out, "unknown command '%s%.*s'", prefix, (int)length, line);
        fprintf(monitor->out, near ? "; did you mean '%s%s'?\n" : "; 'help' lists them\n", prefix, near);
        free(name);
        return;
    }
    const char *arguments = line + length;
    while (isspace((unsigned char)*arguments))
        arguments++;
    if (*arguments && !*command->arguments)
        fprintf(monitor->out, "'%s%s' takes no arguments\n", prefix, command->name);
    else if (command->stops_cpus)
        run_stopped(monitor, command, arguments);
    else
        command->run(monitor, arguments);
}

char *monitor_run(struct monitor *monitor, const char *text)
{
    char *line = alloc_string(text), *start = line, *output = NULL;
    size_t length = strlen(line), size = 0;
    while (length && isspace((unsigned char)line[length - 1]))
        line[--length] = 0;
    while (isspace((unsigned char)*start))
        start++;
    monitor->out = open_memstream(&output, &size);
    if (!monitor->out)
        abort();
    if (*start)
        monitor_dispatch(monitor, monitor_commands, "", start);
    fclose(monitor->out);
    monitor->out = NULL;
    free(line);
    return output;
}

void monitor_choose_cpu(struct monitor *monitor, unsigned index)
{
    monitor->cpu_index = index;
}

static void run_line(struct monitor *monitor)
{
    char *output = monitor_run(monitor, monitor->editor.text);
    show(monitor, output, strlen(output));
    free(output);
    line_editor_start(&monitor->editor);
}

static size_t front_room(void *opaque)
{
    struct monitor *monitor = opaque;
    return monitor->pending_length ? 0 : 1;
}

static void front_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct monitor *monitor = opaque;
    for (size_t i = 0; i < length; i++)
        if (line_editor_take(&monitor->editor, data[i]))
            run_line(monitor);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct monitor *monitor = opaque;
    if (event != CHARDEV_OPENED)
        return;
    show(monitor, "\n", 1);
    line_editor_start(&monitor->editor);
}

static void front_writable(void *opaque)
{
    struct monitor *monitor = opaque;
    flush(monitor);
    if (!monitor->pending_length)
        chardev_resume_input(monitor->chardev);
}

static const struct chardev_front front = {front_room, front_receive, front_event, front_writable};

// --- addresses -----------------------------------------------------------------------------------------------------

static bool take_term(struct monitor *monitor, const char **text, uint64_t *value)
{
    const char *p = *text;
    char *end = (char *)p, name[64];
    bool known = false;
    size_t length;
    if (*p == '$') {
        length = strspn(++p, NAME_LETTERS);
        struct vcpu *cpu = monitor_cpu(monitor);
        if (!cpu || length >= sizeof(name))
            return false;
        memcpy(name, p, length);
        name[length] = 0;
        known = !strcmp(name, "pc") ? (*value = cpu->ops->get_pc(cpu), true) : debug_read_register(cpu, name, value);
        end = (char *)p + length;
    } else if (isdigit((unsigned char)*p)) {
        *value = strtoull(p, &end, 0);
        known = true;
    } else if (monitor->kernel && monitor_cpu(monitor)) {
        length = strspn(p, NAME_LETTERS);
        guest_kernel_find(monitor->kernel, monitor_cpu(monitor));
        known = length && guest_kernel_address(monitor->kernel, p, length, value);
        end = (char *)p + length;
    }
    *text = end;
    return known;
}

bool monitor_parse_address(struct monitor *monitor, const char *p, uint64_t *address)
{
    bool minus = false;
    *address = 0;
    for (;;) {
        uint64_t term;
        while (isspace((unsigned char)*p))
            p++;
        if (!take_term(monitor, &p, &term))
            return false;
        *address += minus ? -term : term;
        while (isspace((unsigned char)*p))
            p++;
        if (!*p)
            return true;
        if (*p != '+' && *p != '-')
            return false;
        minus = *p++ == '-';
    }
}

void monitor_print_address(struct monitor *monitor, uint64_t address)
{
    guest_kernel_print(monitor->kernel, address, monitor->out);
}

// --- stops ---------------------------------------------------------------------------------------------------------

// Of debuggers, these tell of them themselves.
static void vcpus_stopped(void *opaque)
{
    struct monitor *monitor = opaque;
    char *text = NULL;
    size_t size = 0;
    monitor->out = open_memstream(&text, &size);
    if (!monitor->out)
        abort();
    for (unsigned i = 0; i < monitor->machine->vcpus.count; i++) {
        struct vcpu *cpu = monitor->machine->vcpus.cpus[i];
        bool ours = cpu->stop.reason == VCPU_TOOK_EXCEPTION || cpu->stop.owner == monitor->machine;
        if (cpu->stop.reason == VCPU_RUNS || cpu->stop.reason == VCPU_STEPPED || !ours)
            continue;
        monitor->cpu_index = i;
        monitor_describe_stop(monitor, cpu);
    }
    fclose(monitor->out);
    monitor->out = NULL;
    if (size)
        show(monitor, "\n", 1);
    show(monitor, text, size);
    if (size)
        line_editor_start(&monitor->editor);
    free(text);
    // One that was to stop once has done so.
    struct stops *stops = &monitor->machine->stops;
    for (size_t i = stops->count; i-- > 0;)
        if (stops->items[i]->owner == monitor->machine && stops->items[i]->temporary &&
            __atomic_load_n(&stops->items[i]->hits, __ATOMIC_RELAXED) && machine_state(monitor->machine) != RUN_RUNNING)
            stops_remove(stops, stops->items[i]);
}

struct vcpu *monitor_cpu(struct monitor *monitor)
{
    struct vcpu_group *group = &monitor->machine->vcpus;
    return monitor->cpu_index < group->count ? group->cpus[monitor->cpu_index] : NULL;
}

struct monitor *monitor_create(struct machine *machine, struct accel *accel, const struct settings *settings,
                               struct guest_kernel *kernel, struct chardev *chardev, struct gdb **gdb)
{
    struct monitor *monitor = ALLOC(struct monitor);
    *monitor = (struct monitor){.machine = machine, .accel = accel, .settings = settings, .kernel = kernel,
                                .chardev = chardev, .gdb = gdb};
    if (!chardev)
        return monitor;
    monitor->listener = (struct machine_listener){.vcpus_stopped = vcpus_stopped, .opaque = monitor};
    machine_listen(machine, &monitor->listener);
    monitor->editor.prompt = settings->qemu_arch ? "(qemu) " : "(lyrebird) ";
    monitor->editor.show = show;
    monitor->editor.opaque = monitor;
    chardev_attach(chardev, &front, monitor);
    // One that shares a terminal shows its prompt when it gets the focus.
    if (strcmp(chardev->ops->type, "mux"))
        line_editor_start(&monitor->editor);
    return monitor;
}

void monitor_destroy(struct monitor *monitor)
{
    if (!monitor)
        return;
    machine_unlisten(monitor->machine, &monitor->listener);
    chardev_attach(monitor->chardev, NULL, NULL);
    monitor_input_end(monitor);
    line_editor_free(&monitor->editor);
    free(monitor->pending);
    free(monitor);
}
