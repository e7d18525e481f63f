// SPDX-License-Identifier: MIT
// From settings to a machine. Steps that open files of the user come before those that cost time or memory.
#include "frontend/machine-setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/accel-setup.h"
#include "frontend/consoles.h"
#include "frontend/displays.h"
#include "frontend/drives.h"
#include "frontend/gdb-server.h"
#include "frontend/guest-kernel.h"
#include "frontend/guest-symbols.h"
#include "frontend/inspect.h"
#include "frontend/loader.h"
#include "frontend/monitor.h"
#include "frontend/registry.h"
#include "frontend/semihost.h"
#include "frontend/settings.h"
#include "hw/core/accel.h"
#include "hw/core/device.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/exec/perf-symbols.h"

// Options that make no sense without another one.
static int check_combinations(const struct settings *settings, const struct machine_type *type, struct error *error)
{
    const struct {
        const char *name, *value;
    } need_kernel[] = {{"append", settings->append}, {"initrd", settings->initrd}, {"dtb", settings->dtb}};
    for (size_t i = 0; i < sizeof(need_kernel) / sizeof(need_kernel[0]); i++)
        if (need_kernel[i].value && !settings->kernel)
            return error_set(error, EINVAL, "-%s needs a kernel: add -kernel FILE", need_kernel[i].name);
    // A PC's firmware starts the kernel itself.
    if (settings->kernel && settings->bios && !type->default_firmware)
        return error_set(error, ENOTSUP, "-kernel and -bios together are not built yet for machine '%s'; give one",
                         type->name);
    return 0;
}

static const struct machine_type *find_machine(const struct settings *settings, struct error *error)
{
    const struct machine_type *type = registry_default_machine(settings->qemu_arch);
    if (!type) {
        error_set(error, ENOTSUP, "machines for '%s' are not built yet; there are aarch64, x86_64 and i386",
                  settings->qemu_arch);
        return NULL;
    }
    if (!settings->machine)
        return type;
    type = registry_find_machine(settings->machine, error);
    if (!type)
        error_prefix(error, "-M");
    return type;
}

static void apply_boot_settings(struct machine *machine, const struct boot_settings *boot)
{
    machine->boot.order = boot->order;
    machine->boot.once = boot->once;
    machine->boot.menu = boot->menu;
    machine->boot.strict = boot->strict;
    if (boot->menu_wait_ms >= 0)
        machine->boot.menu_wait_ms = (uint32_t)boot->menu_wait_ms;
    if (boot->retry_ms >= 0)
        machine->boot.retry_ms = (uint32_t)boot->retry_ms;
}

static int apply_machine_settings(struct machine *machine, const struct settings *settings, struct error *error)
{
    const struct cpu_family *family = registry_find_cpu_family(machine->type->arch);
    if (!family)
        return error_set(error, ENOTSUP, "processors for %s are not built yet", machine->type->arch);
    machine->cpu_factory = family->factory;
    if (settings->cpu)
        machine->cpu_model = alloc_string(settings->cpu);
    if (settings->cpus)
        machine->cpu_count = (unsigned)settings->cpus;
    if (settings->ram_bytes)
        machine->ram_size = settings->ram_bytes;
    machine->no_reboot = settings->no_reboot;
    machine->no_guest_shutdown_exit = settings->no_shutdown;
    machine->start_paused = settings->start_paused;
    machine->graphics = machine->graphics && displays_kind(settings) != SCREEN_TERMINAL;
    apply_boot_settings(machine, &settings->boot);
    for (size_t i = 0; i < settings->machine_properties.count; i++) {
        const struct keyval *item = &settings->machine_properties.items[i];
        int status = machine_set_property(machine, item->key, item->value, error);
        if (status)
            return status;
    }
    return 0;
}

static int create_accel(struct setup *setup, const struct settings *settings, struct error *error)
{
    int status = guest_symbols_load(settings, &setup->symbols, error);
    return status ? status : accel_setup(setup->machine, settings, setup->symbols, &setup->accel, error);
}

static int prepare_vcpus(struct setup *setup, struct error *error)
{
    struct vcpu_group *group = &setup->machine->vcpus;
    for (unsigned i = 0; i < group->count; i++) {
        group->cpus[i]->accel = setup->accel;
        int status = setup->accel->ops->vcpu_init(setup->accel, group->cpus[i], error);
        if (status) {
            group->cpus[i]->accel = NULL; // nothing to destroy
            return status;
        }
    }
    return 0;
}

static int create_device(struct machine *machine, const struct keyval_list *list, struct error *error)
{
    const char *driver = keyval_get(list, "driver");
    const struct device_type *type = registry_find_device(driver, error);
    if (!type)
        return -ENOENT;
    struct device *device = device_create(machine, type, NULL);
    int status = 0;
    for (size_t i = 0; i < list->count && !status; i++)
        if (strcmp(list->items[i].key, "driver"))
            status = device_set(device, list->items[i].key, list->items[i].value, error);
    if (!status)
        status = device_realize(device, error);
    if (status)
        device_destroy(device);
    return status;
}

// What -vga calls displays. One of these that is asked for by name is enough.
static const char *const displays[][2] = {{"std", "VGA"}, {"virtio", "virtio-vga"}};

static const char *display_driver(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(displays); i++)
        if (!strcmp(displays[i][0], name))
            return displays[i][1];
    return NULL;
}

static bool has_display(const struct settings *settings)
{
    for (size_t i = 0; i < settings->devices.count; i++)
        for (size_t n = 0; n < ARRAY_SIZE(displays); n++)
            if (!strcmp(keyval_get(&settings->devices.items[i], "driver"), displays[n][1]))
                return true;
    return false;
}

// The display that the machine has without being told, or that -vga asks for.
static void add_display(const struct machine *machine, struct settings *settings)
{
    const char *driver = machine->type->default_display;
    if (settings->vga)
        driver = display_driver(settings->vga);
    else if (settings->nodefaults || has_display(settings))
        driver = NULL;
    if (!driver)
        return;
    struct keyval_list device = {.text = driver};
    keyval_set(&settings->arena, &device, "driver", driver);
    setting_group_add(settings, &settings->board_devices, device);
}

// The display first, as firmware numbers what is on a bus.
static int add_board_devices(const struct machine *machine, struct settings *settings, const struct drives *drives,
                             struct error *error)
{
    add_display(machine, settings);
    return drives_add_devices(machine, settings, drives, error);
}

static int create_devices(struct machine *machine, const struct settings *settings, struct error *error)
{
    int status = 0;
    // Devices are made with the device lock held, as they are when the machine runs.
    device_lock_acquire(&machine->lock);
    for (size_t i = 0; i < settings->board_devices.count && !status; i++)
        status = create_device(machine, &settings->board_devices.items[i], error);
    for (size_t i = 0; i < settings->devices.count && !status; i++) {
        status = create_device(machine, &settings->devices.items[i], error);
        if (status)
            error_prefix(error, "-device %.120s", settings->devices.items[i].text);
    }
    device_lock_release(&machine->lock);
    return status;
}

static int create(struct setup *setup, struct settings *settings, struct error *error)
{
    struct chardev *monitor = NULL, *gdb = NULL;
    int status;
    if ((status = inspect_file(settings, error)))
        return status;
    const struct machine_type *type = find_machine(settings, error);
    if (!type)
        return -ENOENT;
    if ((status = displays_check(settings, error)) || (status = check_combinations(settings, type, error)))
        return status;
    struct machine *machine = setup->machine = machine_create(type);
    struct drives drives;
    if ((status = apply_machine_settings(machine, settings, error)) ||
        (status = drives_open(machine, settings, &drives, error)) ||
        (status = create_accel(setup, settings, error)) ||
        (status = consoles_create(machine, settings, &monitor, error)) ||
        (status = semihost_create(machine, settings, error)) ||
        (status = machine_build(machine, error)) ||
        (status = prepare_vcpus(setup, error)) ||
        (status = add_board_devices(machine, settings, &drives, error)) ||
        (status = create_devices(machine, settings, error)) ||
        (status = loader_load(machine, settings, error)) ||
        (status = machine_finish(machine, error)) ||
        (status = loader_load_dtb(machine, settings, error)))
        return status;
    setup->kernel = guest_kernel_create(machine, settings->guest_symbols, settings->kernel);
    if (monitor)
        setup->monitor = monitor_create(machine, setup->accel, settings, setup->kernel, monitor, &setup->gdb);
    if (settings->gdb && (status = gdb_open(machine, settings->gdb, &gdb, error))) {
        error_prefix(error, "-gdb");
        return status;
    }
    if (gdb)
        setup->gdb = gdb_create(machine, setup->accel, settings, setup->kernel, gdb);
    return displays_create(machine, settings, &setup->displays, error);
}

int setup_create(struct setup *setup, struct settings *settings, struct error *error)
{
    *setup = (struct setup){0};
    int status = create(setup, settings, error);
    if (status)
        setup_destroy(setup);
    return status;
}

void setup_destroy(struct setup *setup)
{
    struct machine *machine = setup->machine;
    displays_destroy(setup->displays);
    gdb_destroy(setup->gdb);
    monitor_destroy(setup->monitor);
    guest_kernel_destroy(setup->kernel);
    if (machine)
        for (unsigned i = 0; i < machine->vcpus.count; i++)
            if (machine->vcpus.cpus[i]->accel)
                setup->accel->ops->vcpu_destroy(setup->accel, machine->vcpus.cpus[i]);
    semihost_destroy(machine);
    machine_destroy(machine);
    if (setup->accel)
        setup->accel->ops->destroy(setup->accel);
    perf_symbols_destroy(setup->symbols);
    *setup = (struct setup){0};
}
