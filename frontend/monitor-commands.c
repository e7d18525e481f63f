// SPDX-License-Identifier: MIT
// What the monitor's commands do, memory dumps apart.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-server.h"
#include "frontend/help.h"
#include "frontend/keyval.h"
#include "frontend/monitor-private.h"
#include "frontend/settings.h"
#include "hw/core/accel.h"
#include "hw/core/block.h"
#include "hw/core/chardev.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/log.h"
#include "ui/chardev-fd.h"

static void command_help(struct monitor *monitor, const char *arguments)
{
    if (!strcmp(arguments, "info"))
        monitor_print_help(monitor, monitor_infos, "info ");
    else
        monitor_print_help(monitor, monitor_commands, "");
}

static void command_info(struct monitor *monitor, const char *arguments)
{
    if (*arguments)
        monitor_dispatch(monitor, monitor_infos, "info ", arguments);
    else
        monitor_print_help(monitor, monitor_infos, "info ");
}

static void command_quit(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    machine_shutdown_request(monitor->machine, SHUTDOWN_HOST);
}

static void command_stop(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    machine_pause(monitor->machine);
}

static void command_cont(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    if (machine_state(monitor->machine) == RUN_SHUTDOWN)
        fprintf(monitor->out, "the guest has powered off; 'system_reset' starts it again\n");
    else
        machine_resume(monitor->machine);
}

static void command_system_reset(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    machine_reset_request(monitor->machine);
}

static void command_system_powerdown(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    if (monitor->machine->type->powerdown)
        machine_powerdown_request(monitor->machine);
    else
        fprintf(monitor->out, "machine '%s' has no power button\n", monitor->machine->type->name);
}

static void command_cpu(struct monitor *monitor, const char *arguments)
{
    uint64_t index;
    if (!parse_unsigned(arguments, &index) || index >= monitor->machine->vcpus.count)
        fprintf(monitor->out, "'%s' is not a processor from 0 to %u\n", arguments, monitor->machine->vcpus.count - 1);
    else
        monitor->cpu_index = (unsigned)index;
}

static void command_log(struct monitor *monitor, const char *arguments)
{
    struct error error;
    uint32_t mask = 0;
    if (strcmp(arguments, "none") && log_parse(arguments, &mask, &error))
        fprintf(monitor->out, "%s\n", error.text);
    else
        log_set_mask(mask);
}

static void command_profile(struct monitor *monitor, const char *arguments)
{
    bool on = !strcmp(arguments, "on");
    if (!on && strcmp(arguments, "off"))
        fprintf(monitor->out, "'%s' is neither on nor off\n", arguments);
    else if (monitor->accel && monitor->accel->ops->profile)
        monitor->accel->ops->profile(monitor->accel, on);
    else
        fprintf(monitor->out, "this accelerator cannot tell where the guest spends its time\n");
}

static void command_gdbserver(struct monitor *monitor, const char *arguments)
{
    struct chardev *chardev = NULL;
    struct error error;
    if (!monitor->gdb) {
        fprintf(monitor->out, "the GDB server that this comes by cannot replace itself\n");
        return;
    }
    bool none = !strcmp(arguments, "none");
    gdb_destroy(*monitor->gdb); // first: its place may be the one that is wanted
    *monitor->gdb = NULL;
    const char *where = *arguments ? arguments : "tcp::1234";
    if (none)
        fprintf(monitor->out, "the GDB server is off\n");
    else if (gdb_open(monitor->machine, where, &chardev, &error))
        fprintf(monitor->out, "%s\n", error.text);
    else
        fprintf(monitor->out, "waiting for gdb at %s\n", where);
    if (chardev)
        *monitor->gdb = gdb_create(monitor->machine, monitor->accel, monitor->settings, monitor->kernel, chardev);
}

static void info_block(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    for (struct backend_entry *e = monitor->machine->backends.entries[BACKEND_DRIVE]; e; e = e->next) {
        const struct block_backend *block = e->backend;
        fprintf(monitor->out, "%s: %s, %" PRIu64 " bytes%s%s%s\n", e->id, block->ops->format, block->size,
                block->readonly ? ", read-only" : "", block->temporary ? ", writes are temporary" : "", block->user ? "" : ", not used by a device");
    }
}

static void info_chardev(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    for (struct backend_entry *e = monitor->machine->backends.entries[BACKEND_CHARDEV]; e; e = e->next) {
        const struct chardev *chardev = e->backend;
        const char *path = chardev_pty_path(chardev);
        fprintf(monitor->out, "%s: filename=%s%s%s\n", e->id, chardev->ops->type, path ? ":" : "", path ? path : "");
    }
}

static void print_cpu_irq(struct vcpu *cpu, FILE *out)
{
    bool on = vcpu_is_powered_on(cpu);
    fprintf(out, "CPU #%u: %s", cpu->index, !on ? "off, " : cpu->halted ? "halted, " : "");
    if (cpu->ops->debug && cpu->ops->debug->print_irq)
        cpu->ops->debug->print_irq(cpu, out);
    else
        fprintf(out, "input lines 0x%" PRIx32 "\n", atomic_load(&cpu->irq_lines));
}

static void info_irq(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    struct machine *machine = monitor->machine;
    for (unsigned i = 0; i < machine->vcpus.count; i++)
        print_cpu_irq(machine->vcpus.cpus[i], monitor->out);
    device_lock_acquire(&machine->lock);
    for (struct device *device = machine->devices; device; device = device->next)
        device_print_irq(device, monitor->out);
    device_lock_release(&machine->lock);
}

static void print_accel(struct monitor *monitor, const char *what)
{
    if (monitor->accel && monitor->accel->ops->print_info)
        monitor->accel->ops->print_info(monitor->accel, what, monitor_cpu(monitor), monitor->out);
    else
        fprintf(monitor->out, "this accelerator has no %s\n", what);
}

static void info_jit(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    print_accel(monitor, "jit");
}

static void info_kvm(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    fprintf(monitor->out, "kvm support: %s\n", monitor->machine->kvm ? "enabled" : "disabled");
    if (monitor->machine->kvm)
        print_accel(monitor, "kvm");
}

static void info_tlb(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    print_accel(monitor, "tlb");
}

static void info_profile(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    print_accel(monitor, "profile");
}

static void info_mtree(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    memory_map_print(monitor->machine->map, monitor->out);
}

static void info_name(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    if (monitor->settings->name)
        fprintf(monitor->out, "%s\n", monitor->settings->name);
}

static void info_qtree(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    device_print_tree(monitor->machine, monitor->out);
}

static void info_registers(struct monitor *monitor, const char *arguments)
{
    struct vcpu_group *group = &monitor->machine->vcpus;
    bool all = !strcmp(arguments, "-a");
    if (*arguments && !all) {
        fprintf(monitor->out, "'%s' is not understood; -a shows all processors\n", arguments);
        return;
    }
    for (unsigned i = 0; i < group->count; i++) {
        if (!all && i != monitor->cpu_index)
            continue;
        fprintf(monitor->out, "\nCPU#%u\n", i);
        group->cpus[i]->ops->print_registers(group->cpus[i], monitor->out);
    }
}

static void info_status(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    static const char *const texts[] = {
        [RUN_PRELAUNCH] = "paused (prelaunch)",
        [RUN_RUNNING] = "running",
        [RUN_PAUSED] = "paused",
        [RUN_SHUTDOWN] = "paused (shutdown)",
    };
    fprintf(monitor->out, "VM status: %s\n", texts[machine_state(monitor->machine)]);
}

static void info_uuid(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    const char *uuid = monitor->settings->uuid;
    fprintf(monitor->out, "%s\n", uuid ? uuid : "00000000-0000-0000-0000-000000000000");
}

static void info_version(struct monitor *monitor, const char *arguments)
{
    (void)arguments;
    fprintf(monitor->out, "Lyrebird version " LYREBIRD_VERSION "\n");
}

const struct monitor_command monitor_commands[] = {
#define COMMAND(name, alias, arguments, stops, handler, help) {name, alias, arguments, help, stops, handler},
#define INFO(...)
#include "frontend/monitor-commands.inc"
#undef COMMAND
#undef INFO
    {0},
};

const struct monitor_command monitor_infos[] = {
#define COMMAND(...)
#define INFO(name, arguments, stops, handler, help) {name, NULL, arguments, help, stops, handler},
#include "frontend/monitor-commands.inc"
#undef COMMAND
#undef INFO
    {0},
};
