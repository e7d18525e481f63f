// SPDX-License-Identifier: MIT
// A bare machine with a port space and a clock that moves only when the test says so.
#pragma once

#include "bare-machine.h"

struct pc_bench {
    struct machine *machine;
    struct memory_map *io;
    uint64_t now_ns;
    unsigned events; // times that events have been due
};

void pc_bench_create(struct pc_bench *bench);
void pc_bench_destroy(struct pc_bench *bench);
// Realizes and resets, which must work.
void pc_bench_realize(struct pc_bench *bench, struct device *device);
uint32_t port_in(struct pc_bench *bench, uint16_t port, unsigned size);
void port_out(struct pc_bench *bench, uint16_t port, unsigned size, uint32_t value);
uint8_t inb(struct pc_bench *bench, uint16_t port);
void outb(struct pc_bench *bench, uint16_t port, uint8_t value);
// Lets time pass, firing each event exactly when it is due.
void pc_bench_advance(struct pc_bench *bench, uint64_t ns);
