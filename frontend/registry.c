// SPDX-License-Identifier: MIT
// The lists of what is built in, and finding things in them by name.
#include "frontend/registry.h"

#include <errno.h>
#include <string.h>

#include "hw/boards/microvm.h"
#include "hw/boards/pc.h"
#include "hw/boards/virt-arm.h"
#include "hw/char/isa-debugcon.h"
#include "hw/char/isa-parallel.h"
#include "hw/char/isa-serial.h"
#include "hw/char/pl011.h"
#include "hw/core/device.h"
#include "hw/core/machine.h"
#include "hw/core/property.h"
#include "hw/display/ramfb.h"
#include "hw/display/vga.h"
#include "hw/ide/ahci.h"
#include "hw/ide/ide-drive.h"
#include "hw/intc/gicv3.h"
#include "hw/misc/pc-misc.h"
#include "hw/virtio/virtio-devices.h"
#include "hw/virtio/virtio-mmio.h"
#include "hw/virtio/virtio-pci.h"
#include "target-arm/arm.h"
#include "target-x86/x86.h"
#include "tcg/base/bits.h"
#include "ui/ui.h"

const struct machine_type *const registry_machines[] = {
    &pc_type,
    &q35_type,
    &microvm_type,
    &virt_arm_type,
    NULL,
};

const struct device_type *const registry_devices[] = {
    &bochs_display_type,
    &ramfb_type,
    &secondary_vga_type,
    &vga_pci_type,
    &ich9_ahci_type,
    &ide_cd_type,
    &ide_hd_type,
    &isa_debug_exit_type,
    &isa_debugcon_type,
    &isa_parallel_type,
    &isa_serial_type,
    &pvpanic_type,
    &virtconsole_type,
    &virtio_blk_type,
    &virtio_blk_pci_type,
    &virtio_blk_pci_transitional_type,
    &virtio_blk_pci_non_transitional_type,
    &virtio_gpu_type,
    &virtio_gpu_pci_type,
    &virtio_keyboard_type,
    &virtio_keyboard_pci_type,
    &virtio_mouse_type,
    &virtio_mouse_pci_type,
    &virtio_multitouch_type,
    &virtio_multitouch_pci_type,
    &virtio_rng_type,
    &virtio_rng_pci_type,
    &virtio_rng_pci_transitional_type,
    &virtio_rng_pci_non_transitional_type,
    &virtio_serial_type,
    &virtio_serial_pci_type,
    &virtio_serial_pci_transitional_type,
    &virtio_serial_pci_non_transitional_type,
    &virtio_tablet_type,
    &virtio_tablet_pci_type,
    &virtio_vga_type,
    &virtserialport_type,
    // Parts of boards.
    &gicv3_type,
    &pl011_type,
    &virtio_mmio_type,
    NULL,
};

const struct cpu_family registry_cpu_families[] = {
    {"aarch64", &arm_cpu_factory, arm_cpu_print_models, arm_cpu_models},
    {"x86_64", &x86_cpu_factory, x86_cpu_print_models, x86_cpu_models},
    {0},
};

const struct ui_type *const registry_uis[] = {
#ifdef LYREBIRD_SDL
    &ui_sdl_type,
#endif
#ifdef LYREBIRD_VNC
    &ui_vnc_type,
#endif
    &ui_curses_type,
    NULL,
};

#ifdef LYREBIRD_SDL
const char *const registry_default_ui = "sdl";
#else
const char *const registry_default_ui = NULL;
#endif

// Fills in "unknown WHAT 'name'" with the nearest of `names`.
static void unknown(const char *what, const char *option, const char *name, const char *const *names,
                    struct error *error)
{
    const char *near = nearest_name(name, names);
    if (near)
        error_set(error, ENOENT, "unknown %s '%s'; did you mean '%s'? -%s help lists them", what, name, near, option);
    else
        error_set(error, ENOENT, "unknown %s '%s'; -%s help lists them", what, name, option);
}

const struct machine_type *registry_find_machine(const char *name, struct error *error)
{
    const char *names[64];
    size_t count = 0;
    for (const struct machine_type *const *type = registry_machines; *type; type++) {
        if (!strcmp((*type)->name, name))
            return *type;
        for (const char *const *alias = (*type)->aliases; alias && *alias; alias++)
            if (!strcmp(*alias, name))
                return *type;
        if (count < ARRAY_SIZE(names) - 1)
            names[count++] = (*type)->name;
    }
    names[count] = NULL;
    unknown("machine", "M", name, names, error);
    return NULL;
}

bool registry_machine_fits(const struct machine_type *type, const char *qemu_arch)
{
    if (!qemu_arch || !strcmp(type->arch, qemu_arch))
        return true;
    // A PC runs 32-bit guests as well.
    return !strcmp(type->arch, "x86_64") && !strcmp(qemu_arch, "i386");
}

const struct machine_type *registry_default_machine(const char *qemu_arch)
{
    if (!qemu_arch)
        return &virt_arm_type;
    for (const struct machine_type *const *type = registry_machines; *type; type++)
        if (registry_machine_fits(*type, qemu_arch))
            return *type;
    return NULL;
}

// Shorter names that QEMU takes, too.
static const char *device_alias(const char *name)
{
    static const char *const aliases[][2] = {{"ahci", "ich9-ahci"},
                                             {"virtio-blk", "virtio-blk-pci"},
                                             {"virtio-gpu", "virtio-gpu-pci"},
                                             {"virtio-keyboard", "virtio-keyboard-pci"},
                                             {"virtio-mouse", "virtio-mouse-pci"},
                                             {"virtio-multitouch", "virtio-multitouch-pci"},
                                             {"virtio-rng", "virtio-rng-pci"},
                                             {"virtio-serial", "virtio-serial-pci"},
                                             {"virtio-tablet", "virtio-tablet-pci"}};
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
        if (!strcmp(aliases[i][0], name))
            return aliases[i][1];
    return name;
}

const struct device_type *registry_find_device(const char *name, struct error *error)
{
    name = device_alias(name);
    const char *names[ARRAY_SIZE(registry_devices)];
    size_t count = 0;
    const struct device_type *found = NULL;
    for (const struct device_type *const *type = registry_devices; *type; type++) {
        if (!strcmp((*type)->name, name))
            found = *type;
        if ((*type)->user_creatable)
            names[count++] = (*type)->name;
    }
    names[count] = NULL;
    if (found && found->user_creatable)
        return found;
    if (found)
        error_set(error, EPERM, "device '%s' is part of the machine and cannot be added", name);
    else
        unknown("device", "device", name, names, error);
    return NULL;
}

const struct accel_type *registry_find_accel(const char *name, struct error *error)
{
    const char *names[16];
    size_t count = 0;
    for (const struct accel_type *type = registry_accels; type->name; type++) {
        if (!strcmp(type->name, name))
            return type;
        if (count < ARRAY_SIZE(names) - 1)
            names[count++] = type->name;
    }
    names[count] = NULL;
    unknown("accelerator", "accel", name, names, error);
    return NULL;
}

const struct ui_type *registry_find_ui(const char *name, struct error *error)
{
    const char *names[ARRAY_SIZE(registry_uis) + 1] = {"none"};
    for (size_t i = 0; registry_uis[i]; i++) {
        if (!strcmp(registry_uis[i]->name, name))
            return registry_uis[i];
        names[i + 1] = registry_uis[i]->name;
    }
    unknown("display", "display", name, names, error);
    return NULL;
}

const struct cpu_family *registry_find_cpu_family(const char *arch)
{
    for (const struct cpu_family *family = registry_cpu_families; family->arch; family++)
        if (!strcmp(family->arch, arch))
            return family;
    return NULL;
}
