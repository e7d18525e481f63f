// SPDX-License-Identifier: MIT
// The GDB server's side of the connection: peers that read slowly, or faster than it answers.
#include "frontend/gdb-server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/settings.h"
#include "hw/core/chardev.h"
#include "tests/hw/bare-machine.h"

static struct machine *machine;
static struct gdb *gdb;
static struct settings settings;
static struct vcpu cpu;
static size_t taken, accepts = SIZE_MAX, replies;

static bool translate(struct vcpu *self, uint64_t gva, uint64_t *gpa)
{
    (void)self;
    *gpa = gva;
    return true;
}

static void nothing(struct vcpu *self)
{
    (void)self;
}

static const struct vcpu_ops cpu_ops = {.arch = "aarch64", .translate_debug = translate, .destroy = nothing};

// What the peer takes; it counts how many packets have ended.
static size_t take(struct chardev *chardev, const void *data, size_t length)
{
    (void)chardev;
    length = length < accepts ? length : accepts;
    accepts -= accepts == SIZE_MAX ? 0 : length;
    for (size_t i = 0; i < length; i++)
        replies += ((const char *)data)[i] == '#';
    taken += length;
    return length;
}

static void closed(struct chardev *chardev)
{
    (void)chardev;
}

static const struct chardev_ops chardev_ops = {"test", take, NULL, closed};
static struct chardev line = {.ops = &chardev_ops};

static void begin(void)
{
    machine = bare_machine_create();
    cpu.ops = &cpu_ops;
    cpu.machine = machine;
    vcpu_group_add(&machine->vcpus, &cpu);
    gdb = gdb_create(machine, NULL, &settings, NULL, &line);
    device_lock_acquire(&machine->lock);
    chardev_event(&line, CHARDEV_OPENED);
}

static void end(void)
{
    device_lock_release(&machine->lock);
    gdb_destroy(gdb);
    bare_machine_destroy(machine);
}

TestSuite(gdb_server, .init = begin, .fini = end);

enum { READS = 40, READ_BYTES = 0x40000 };

// Many long reads in one piece of input: more than the server keeps for a peer.
static void send_reads(void)
{
    char text[READS * 32], packet[32];
    size_t length = 0;
    for (unsigned i = 0; i < READS; i++) {
        unsigned sum = 0;
        snprintf(packet, sizeof(packet), "m%llx,%x", (unsigned long long)BARE_RAM_BASE, READ_BYTES);
        for (const char *p = packet; *p; p++)
            sum += (unsigned char)*p;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "$%s#%02x", packet, sum & 0xff);
    }
    cr_assert_geq(chardev_room(&line), length);
    chardev_receive(&line, (const uint8_t *)text, length);
}

Test(gdb_server, a_fast_peer_gets_every_answer)
{
    send_reads();
    cr_assert_eq(replies, READS);
    cr_assert_gt(taken, (size_t)READS * READ_BYTES * 2);
    cr_assert_gt(chardev_room(&line), 0, "it listens again");
}

Test(gdb_server, a_slow_peer_gets_every_answer)
{
    accepts = 100000;
    send_reads();
    cr_assert_lt(replies, READS);
    cr_assert_eq(chardev_room(&line), 0, "who does not read is not listened to");
    for (unsigned i = 0; i < 1000 && replies < READS; i++) {
        accepts = 100000;
        chardev_writable(&line);
    }
    accepts = SIZE_MAX;
    chardev_writable(&line);
    cr_assert_eq(replies, READS);
    cr_assert_gt(chardev_room(&line), 0);
}
