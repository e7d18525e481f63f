// SPDX-License-Identifier: MIT
#include "pc-bench.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t bench_now(void *opaque)
{
    struct pc_bench *bench = opaque;
    return bench->now_ns += bench->reading_ns;
}

void pc_bench_create(struct pc_bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    struct machine *machine = bench->machine = bare_machine_create();
    io_loop_destroy(machine->loop);
    event_clock_destroy(machine->clock);
    machine->clock = event_clock_create(&(struct clock_source){bench_now, bench});
    machine->loop = io_loop_create(&machine->lock, machine->clock);
    event_clock_start(machine->clock);
    bench->io = memory_map_create(machine->ram, &machine->lock);
}

void pc_bench_destroy(struct pc_bench *bench)
{
    // Devices take their ports with them, so the map goes last.
    struct memory_map *io = bench->io;
    bare_machine_destroy(bench->machine);
    memory_map_destroy(io);
}

void pc_bench_realize(struct pc_bench *bench, struct device *device)
{
    struct error error = {""};
    device_lock_acquire(&bench->machine->lock);
    cr_assert_eq(device_realize(device, &error), 0, "%s", error.text);
    device_reset(device);
    device_lock_release(&bench->machine->lock);
}

uint32_t port_in(struct pc_bench *bench, uint16_t port, unsigned size)
{
    uint64_t value;
    cr_assert_eq(memory_map_read(bench->io, (struct mem_requester){0}, port, size, &value), MEM_OK);
    return (uint32_t)value;
}

void port_out(struct pc_bench *bench, uint16_t port, unsigned size, uint32_t value)
{
    cr_assert_eq(memory_map_write(bench->io, (struct mem_requester){0}, port, size, value), MEM_OK);
}

uint8_t inb(struct pc_bench *bench, uint16_t port)
{
    return (uint8_t)port_in(bench, port, 1);
}

void outb(struct pc_bench *bench, uint16_t port, uint8_t value)
{
    port_out(bench, port, 1, value);
}

void pc_bench_advance(struct pc_bench *bench, uint64_t ns)
{
    struct event_clock *clock = bench->machine->clock;
    uint64_t target = bench->now_ns + ns;
    device_lock_acquire(&bench->machine->lock);
    for (uint64_t next; (next = event_clock_next_ns(clock)) <= target; bench->events++) {
        bench->now_ns = next > bench->now_ns ? next : bench->now_ns;
        event_clock_run(clock);
        cr_assert_lt(bench->events, 10000000, "events that never end");
    }
    bench->now_ns = target;
    device_lock_release(&bench->machine->lock);
}

void pc_bench_add_low_ram(struct pc_bench *bench)
{
    uint64_t offset;
    struct error error;
    cr_assert_eq(guest_ram_carve(bench->machine->ram, PC_BENCH_LOW_RAM, &offset, &error), 0);
    struct mem_region_desc low = {
        .name = "low", .size = PC_BENCH_LOW_RAM, .kind = MEM_RAM, .ram_offset = offset};
    cr_assert(memory_map_add(bench->machine->map, low, &error));
}

void pc_bench_program_dma(struct pc_bench *bench, uint8_t mode, unsigned address, unsigned count)
{
    outb(bench, 0x0a, 6);
    outb(bench, 0x0c, 0);
    outb(bench, 0x04, address & 0xff);
    outb(bench, 0x04, address >> 8 & 0xff);
    outb(bench, 0x81, (uint8_t)(address >> 16));
    outb(bench, 0x05, (count - 1) & 0xff);
    outb(bench, 0x05, (uint8_t)((count - 1) >> 8));
    outb(bench, 0x0b, mode | 2);
    outb(bench, 0x0a, 2);
}
