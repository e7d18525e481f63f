// SPDX-License-Identifier: MIT
// The two APM ports of Intel chipsets, 0xb2 (control: a write may raise a system management interrupt) and
// 0xb3 (status: a byte that software leaves there).
#pragma once

#include "hw/core/device.h"
#include "hw/pci/window.h"

enum { APM_CONTROL_PORT = 0xb2 };

struct apm_ports {
    void (*written)(void *opaque, uint8_t value); // control
    void *opaque;
    struct mem_window window;

    uint8_t control, status;
};

extern const struct state_field apm_state[];

void apm_map(struct apm_ports *apm, struct memory_map *io, void (*written)(void *opaque, uint8_t value),
             void *opaque);
