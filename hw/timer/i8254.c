// SPDX-License-Identifier: MIT
// 8254: ports, and channel 0's interrupt. The interrupt line follows the output on writes; in between, only
// its rises are events, each of them shown as a short low and the rise.
#include "hw/timer/i8254.h"

#include "hw/core/machine.h"
#include "hw/core/port-set.h"
#include "hw/timer/i8254-channel.h"
#include "tcg/base/bits.h"

enum { PIT_PORT = 0x40, PORT_B = 0x61, CONTROL = 3 };
enum { CONTROL_READ_BACK = 3 };
enum {
    PORT_B_GATE2 = 0x01,
    PORT_B_WRITABLE = 0x0f,
    PORT_B_REFRESH = 0x10,
    PORT_B_OUT2 = 0x20,
    REFRESH_TICKS = 18, // memory is refreshed about every 15 us, which programs take for a clock
};

// Beyond 40 kHz nobody listens to each interrupt.
#define MIN_INTERVAL_NS UINT64_C(25000)

struct i8254 {
    struct device device;
    struct memory_map *io;
    struct irq_line irq;
    struct port_set ports;
    struct event rise;
    struct i8254_channel channels[3];
    uint8_t port_b;
};

static uint64_t ns_to_ticks(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * I8254_HZ / NS_PER_SECOND);
}

// The first nanosecond of the tick.
static uint64_t tick_to_ns(uint64_t tick)
{
    unsigned __int128 ns = (unsigned __int128)tick * NS_PER_SECOND;
    return (uint64_t)((ns + I8254_HZ - 1) / I8254_HZ);
}

static uint64_t now_tick(const struct i8254 *pit)
{
    return ns_to_ticks(clock_now_ns(pit->device.machine->clock));
}

static void schedule(struct i8254 *pit, uint64_t tick, uint64_t not_before_ns)
{
    uint64_t rise = i8254_channel_next_rise(&pit->channels[0], tick);
    uint64_t at_ns = rise == UINT64_MAX ? CLOCK_NEVER : tick_to_ns(rise);
    event_set(&pit->rise, at_ns < not_before_ns ? not_before_ns : at_ns);
}

static void output_rises(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct i8254 *pit = opaque;
    uint64_t tick = now_tick(pit);
    irq_set(&pit->irq, false);
    irq_set(&pit->irq, true);
    irq_set(&pit->irq, i8254_channel_output(&pit->channels[0], tick));
    schedule(pit, tick, clock_now_ns(pit->device.machine->clock) + MIN_INTERVAL_NS);
}

static void follow_output(struct i8254 *pit, uint64_t tick)
{
    irq_set(&pit->irq, i8254_channel_output(&pit->channels[0], tick));
    schedule(pit, tick, 0);
}

static void write_control(struct i8254 *pit, uint8_t value, uint64_t tick)
{
    unsigned index = value >> 6;
    if (index == CONTROL_READ_BACK) {
        for (unsigned i = 0; i < 3; i++)
            if (value >> (i + 1) & 1)
                i8254_channel_latch(&pit->channels[i], !(value & 0x20), !(value & 0x10), tick);
    } else if ((value & 0x30) == 0) {
        i8254_channel_latch(&pit->channels[index], true, false, tick);
    } else {
        i8254_channel_control(&pit->channels[index], value, tick);
        if (index == 0)
            follow_output(pit, tick);
    }
}

static uint64_t pit_read(void *opaque, struct mmio_access access)
{
    struct i8254 *pit = opaque;
    if (access.offset == CONTROL)
        return 0xff; // write only
    return i8254_channel_read(&pit->channels[access.offset], now_tick(pit));
}

static void pit_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct i8254 *pit = opaque;
    uint64_t tick = now_tick(pit);
    if (access.offset == CONTROL) {
        write_control(pit, (uint8_t)value, tick);
        return;
    }
    i8254_channel_write(&pit->channels[access.offset], (uint8_t)value, tick);
    if (access.offset == 0)
        follow_output(pit, tick);
}

static uint64_t port_b_read(void *opaque, struct mmio_access access)
{
    (void)access;
    struct i8254 *pit = opaque;
    uint64_t tick = now_tick(pit);
    return (uint64_t)pit->port_b | (tick / REFRESH_TICKS & 1 ? PORT_B_REFRESH : 0) |
           (i8254_channel_output(&pit->channels[2], tick) ? PORT_B_OUT2 : 0);
}

static void port_b_write(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)access;
    struct i8254 *pit = opaque;
    pit->port_b = value & PORT_B_WRITABLE;
    i8254_channel_set_gate(&pit->channels[2], value & PORT_B_GATE2, now_tick(pit));
}

static const struct mmio_ops pit_ops = {pit_read, pit_write, 1, 1, false};
static const struct mmio_ops port_b_ops = {port_b_read, port_b_write, 1, 1, false};
static const struct port_range pit_ports[] = {{PIT_PORT, 4, &pit_ops}, {PORT_B, 1, &port_b_ops}};

void i8254_wire(struct device *device, struct memory_map *io, struct irq_line irq)
{
    struct i8254 *pit = (struct i8254 *)device;
    pit->io = io;
    pit->irq = irq;
}

static int i8254_realize(struct device *device, struct error *error)
{
    struct i8254 *pit = (struct i8254 *)device;
    event_init(&pit->rise, device->machine->clock, output_rises, pit);
    return port_set_map(&pit->ports, pit->io, "pit", pit_ports, ARRAY_SIZE(pit_ports), pit, error);
}

static void i8254_unrealize(struct device *device)
{
    struct i8254 *pit = (struct i8254 *)device;
    event_cancel(&pit->rise);
    port_set_unmap(&pit->ports);
}

static void i8254_reset(struct device *device)
{
    struct i8254 *pit = (struct i8254 *)device;
    for (unsigned i = 0; i < 3; i++) {
        pit->channels[i].gate = i != 2;
        i8254_channel_reset(&pit->channels[i]);
    }
    pit->port_b = 0;
    follow_output(pit, now_tick(pit));
}

static void i8254_state_loaded(struct device *device)
{
    struct i8254 *pit = (struct i8254 *)device;
    for (unsigned i = 0; i < 3; i++)
        i8254_channel_sanitize(&pit->channels[i]);
    follow_output(pit, now_tick(pit));
}

static const struct state_field i8254_state[] = {
    STATE_STRUCTS(i8254, channels, i8254_channel_state),
    STATE_FIELD(i8254, U8, port_b),
    STATE_END,
};

const struct device_type i8254_type = {
    .name = "isa-pit",
    .help = "8254 interval timer and system control port B",
    .instance_size = sizeof(struct i8254),
    .state = i8254_state,
    .realize = i8254_realize,
    .unrealize = i8254_unrealize,
    .reset = i8254_reset,
    .state_loaded = i8254_state_loaded,
};
