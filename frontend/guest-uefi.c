// SPDX-License-Identifier: MIT
// The firmware's images: what the finder needs of a machine.
#include "frontend/guest-uefi.h"

#include "frontend/guest-kernel.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"

enum { RAM_RANGES = 16 };

static bool read_physical(void *opaque, uint64_t gpa, void *out, size_t bytes)
{
    const struct machine *machine = opaque;
    return dma_read(machine->map, gpa, out, bytes);
}

static struct uefi_memory memory_of(struct machine *machine, struct kernel_ram ram[RAM_RANGES])
{
    return (struct uefi_memory){.read = read_physical, .opaque = machine, .ram = ram,
                                .ram_count = guest_kernel_ram(machine, ram, RAM_RANGES)};
}

struct uefi_images *guest_uefi_find(struct machine *machine, enum uefi_effort effort)
{
    struct kernel_ram ram[RAM_RANGES];
    struct uefi_memory memory = memory_of(machine, ram);
    return uefi_images_find(&memory, effort);
}

uint32_t guest_uefi_state(struct machine *machine, uint64_t system_table)
{
    struct kernel_ram ram[RAM_RANGES];
    struct uefi_memory memory = memory_of(machine, ram);
    return uefi_images_state(&memory, system_table);
}
