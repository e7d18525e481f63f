// SPDX-License-Identifier: MIT
// Devices used from several threads at once while the I/O loop runs, as vCPUs do. A plain program, so that
// the thread sanitizer can watch it.
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake-arm-cpu.h"
#include "hw/boards/virt-arm.h"
#include "hw/core/block.h"
#include "hw/virtio/virtio-devices.h"

enum { CPUS = 3, ROUNDS = 2000, RING = 0x40010000, DATA = 0x40100000, SLOT = 0x0a003e00 };

static void check(int result, const struct error *error)
{
    if (!result)
        return;
    fprintf(stderr, "%s\n", error->text);
    exit(1);
}

static uint64_t get(struct machine *machine, unsigned cpu, uint64_t gpa, unsigned size)
{
    uint64_t value;
    enum mem_result result =
        memory_map_read(machine->map, (struct mem_requester){.cpu = (uint16_t)cpu}, gpa, size, &value);
    assert(result == MEM_OK);
    return value;
}

static void set(struct machine *machine, unsigned cpu, uint64_t gpa, unsigned size, uint64_t value)
{
    enum mem_result result =
        memory_map_write(machine->map, (struct mem_requester){.cpu = (uint16_t)cpu}, gpa, size, value);
    assert(result == MEM_OK);
}

// CPU 0: reads sectors and waits for each. Ring indices are looked at through register-sized accesses to a
// page that the device also writes, so it asks the device (interrupt status) before it looks.
static void *disk_user(void *opaque)
{
    struct machine *machine = opaque;
    static const uint32_t setup[][2] = {
        {0x70, 0},  {0x70, 3},
        {0x24, 1},  {0x20, 1},
        {0x24, 0},  {0x20, 0},
        {0x70, 11}, {0x30, 0},
        {0x38, 4},  {0x80, RING},
        {0x84, 0},  {0x90, RING + 0x1000},
        {0x94, 0},  {0xa0, RING + 0x2000},
        {0xa4, 0},  {0x44, 1},
        {0x70, 15},
    };
    for (unsigned i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
        set(machine, 0, SLOT + setup[i][0], 4, setup[i][1]);
    static const uint64_t parts[3][2] = {{DATA, 16 | 1ull << 32 | 1ull << 48},
                                         {DATA + 0x1000, 512 | 3ull << 32 | 2ull << 48},
                                         {DATA + 0x100, 1 | 2ull << 32}};
    for (unsigned i = 0; i < 3; i++) {
        set(machine, 0, RING + 16 * i, 8, parts[i][0]);
        set(machine, 0, RING + 16 * i + 8, 8, parts[i][1]);
    }
    for (unsigned n = 1; n <= ROUNDS / 4; n++) {
        set(machine, 0, DATA + 8, 8, n % 100);
        set(machine, 0, RING + 0x1002, 2, n & 0xffff);
        set(machine, 0, SLOT + 0x50, 4, 0);
        while (!(get(machine, 0, SLOT + 0x60, 4) & 1))
            usleep(10);
        set(machine, 0, SLOT + 0x64, 4, 1);
        assert(get(machine, 0, DATA + 0x100, 1) == 0);
    }
    return NULL;
}

static void icc(struct machine *machine, unsigned cpu, bool write, uint32_t encoding, uint64_t *value)
{
    const struct arm_cpu_config *config = &((struct fake_arm_cpu *)machine->vcpus.cpus[cpu])->config;
    struct arm_sysreg_access access = {.encoding = encoding, .cpu = (uint16_t)cpu, .el = 1};
    bool known = write ? config->gic_sysregs->write(config->gic_opaque, access, *value)
                       : config->gic_sysregs->read(config->gic_opaque, access, value);
    assert(known);
}

// CPUs 1 and 2 send each other interrupts, take what is pending, and drive their timers.
static void *interrupt_user(void *opaque)
{
    struct fake_arm_cpu *cpu = opaque;
    struct machine *machine = cpu->vcpu.machine;
    unsigned self = cpu->config.index;
    uint64_t value = 0xf0;
    icc(machine, self, true, ARM_SYSREG(3, 0, 4, 6, 0), &value);
    value = 1;
    icc(machine, self, true, ARM_SYSREG(3, 0, 12, 12, 7), &value);
    for (unsigned i = 0; i < ROUNDS; i++) {
        irq_set(&cpu->config.outputs[ARM_TIMER_VIRT], i & 1);
        value = (uint64_t)(i % 16) << 24 | (self == 1 ? 4 : 2);
        icc(machine, self, true, ARM_SYSREG(3, 0, 12, 11, 5), &value);
        icc(machine, self, false, ARM_SYSREG(3, 0, 12, 12, 0), &value);
        if (value < 1020)
            icc(machine, self, true, ARM_SYSREG(3, 0, 12, 12, 1), &value);
        get(machine, self, 0x09000018, 4);
        clock_now_ns(machine->clock);
    }
    return NULL;
}

struct ticker {
    struct event event;
    struct machine *machine;
    unsigned count;
};

static void tick(void *opaque, uint64_t late)
{
    (void)late;
    struct ticker *ticker = opaque;
    ticker->count++;
    event_set(&ticker->event, clock_now_ns(ticker->machine->clock) + 100000);
}

static void *finisher(void *opaque)
{
    pthread_t *threads = ((void **)opaque)[0];
    struct machine *machine = ((void **)opaque)[1];
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(threads[i], NULL);
    machine_shutdown_request(machine, SHUTDOWN_HOST);
    return NULL;
}

int main(void)
{
    struct error error = {""};
    struct machine *machine = machine_create(&virt_arm_type);
    machine->cpu_count = CPUS;
    machine->ram_size = 64 << 20;
    machine->cpu_factory = &fake_arm_cpu_factory;
    check(machine_set_property(machine, "gic-version", "3", &error), &error);
    check(machine_build(machine, &error), &error);
    char path[] = "/tmp/threads-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, 1 << 20))
        return 1;
    close(fd);
    struct block_options options = {.path = path};
    struct block_backend *disk;
    check(block_raw_file_open(&options, machine->loop, &disk, &error), &error);
    unlink(path);
    check(backend_list_add(&machine->backends, BACKEND_DRIVE, "disk", disk, &error), &error);
    struct device *blk = device_create(machine, &virtio_blk_type, NULL);
    check(device_set(blk, "drive", "disk", &error), &error);
    check(device_realize(blk, &error), &error);
    check(machine_finish(machine, &error), &error);
    machine_reset(machine);
    set(machine, 0, 0x08000000, 4, 2);

    struct ticker ticker = {.machine = machine};
    event_init(&ticker.event, machine->clock, tick, &ticker);
    event_set(&ticker.event, 1);
    pthread_t threads[CPUS], last;
    pthread_create(&threads[0], NULL, disk_user, machine);
    for (unsigned i = 1; i < CPUS; i++)
        pthread_create(&threads[i], NULL, interrupt_user, machine->vcpus.cpus[i]);
    pthread_create(&last, NULL, finisher, (void *[]){threads, machine});
    event_clock_start(machine->clock);
    while (!(atomic_load(&machine->requests)))
        io_loop_iterate(machine->loop, 10);
    pthread_join(last, NULL);
    event_cancel(&ticker.event);
    assert(ticker.count > 0);
    machine_destroy(machine);
    return 0;
}
