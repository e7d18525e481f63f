// SPDX-License-Identifier: MIT
// A bare machine with a port space and a clock that moves only when the test says so.
#pragma once

#include "bare-machine.h"

struct pc_bench {
    struct machine *machine;
    struct memory_map *io;
    uint64_t now_ns, reading_ns; // the second: what passes whenever somebody looks at the clock
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
// Memory from 0 to 1 MiB, which ISA DMA reaches.
enum { PC_BENCH_LOW_RAM = 0x100000 };
void pc_bench_add_low_ram(struct pc_bench *bench);
// Sets channel 2 of the DMA controller up for `count` bytes at `address`; `mode` without the channel's
// number.
void pc_bench_program_dma(struct pc_bench *bench, uint8_t mode, unsigned address, unsigned count);
