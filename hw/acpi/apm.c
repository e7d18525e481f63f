// SPDX-License-Identifier: MIT
#include "hw/acpi/apm.h"

const struct state_field apm_state[] = {
    STATE_FIELD(apm_ports, U8, control),
    STATE_FIELD(apm_ports, U8, status),
    STATE_END,
};

static uint64_t apm_read(void *opaque, struct mmio_access access)
{
    const struct apm_ports *apm = opaque;
    return access.offset ? apm->status : apm->control;
}

static void apm_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct apm_ports *apm = opaque;
    if (access.offset) {
        apm->status = (uint8_t)value;
        return;
    }
    apm->control = (uint8_t)value;
    apm->written(apm->opaque, apm->control);
}

static const struct mmio_ops apm_ops = {apm_read, apm_write, 1, 1, false};

void apm_map(struct apm_ports *apm, struct memory_map *io, void (*written)(void *opaque, uint8_t value),
             void *opaque)
{
    struct mem_region_desc desc = {
        .name = "apm", .size = 2, .kind = MEM_MMIO, .ops = &apm_ops, .opaque = apm};
    *apm = (struct apm_ports){.written = written, .opaque = opaque, .window = {io, desc, NULL}};
    mem_window_show(&apm->window, true, APM_CONTROL_PORT);
}
