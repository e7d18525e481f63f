// SPDX-License-Identifier: MIT
// Devices and machines: properties, state tables, raw disk images, how a run ends.
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare-machine.h"
#include "hw/core/block.h"

struct sample {
    struct device device;
    uint32_t depth;
    bool fast;
    uint64_t size;
    unsigned colour;
    char *label;
    uint32_t count;
    struct sample_line {
        uint8_t level;
        uint16_t mask;
    } * lines;
    uint32_t fifo[3];
};

static const char *const colours[] = {"red", "green", NULL};
static const struct property sample_properties[] = {
    {"depth", PROPERTY_UINT32, offsetof(struct sample, depth), "16", "entries", NULL},
    {"fast", PROPERTY_BOOL, offsetof(struct sample, fast), "on", "quick", NULL},
    {"size", PROPERTY_SIZE, offsetof(struct sample, size), NULL, "bytes", NULL},
    {"colour", PROPERTY_CHOICE, offsetof(struct sample, colour), "green", "which", colours},
    {"label", PROPERTY_STRING, offsetof(struct sample, label), NULL, "text", NULL},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};
static const struct state_field line_state[] = {STATE_FIELD(sample_line, U8, level),
                                                STATE_FIELD(sample_line, U16, mask), STATE_END};
static const struct state_field sample_state[] = {
    STATE_ARRAY(sample, U32, fifo), STATE_POINTER_STRUCTS(sample, lines, count, line_state), STATE_END};
static const struct device_type sample_type = {.name = "sample",
                                               .help = "a sample",
                                               .instance_size = sizeof(struct sample),
                                               .properties = sample_properties,
                                               .state = sample_state};

Test(device, properties_parse_and_suggest)
{
    struct machine *machine = bare_machine_create();
    struct sample *sample = (struct sample *)device_create(machine, &sample_type, NULL);
    struct device *device = &sample->device;
    struct error error;
    cr_assert_eq(sample->depth, 16);
    cr_assert(sample->fast);
    cr_assert_eq(sample->colour, 1);
    cr_assert_eq(device_set(device, "size", "3M", &error), 0);
    cr_assert_eq(sample->size, 3 << 20);
    cr_assert_eq(device_set(device, "depth", "0x20", &error), 0);
    cr_assert_eq(sample->depth, 32);
    cr_assert_eq(device_set(device, "depth", "4294967296", &error), -ERANGE);
    cr_assert_eq(device_set(device, "depth", "-1", &error), -EINVAL);
    cr_assert_eq(device_set(device, "color", "red", &error), -ENOENT);
    cr_assert(strstr(error.text, "did you mean 'colour'"));
    cr_assert_eq(device_set(device, "colour", "blue", &error), -EINVAL);
    cr_assert(strstr(error.text, "red, green"));
    cr_assert_eq(device_set(device, "label", "one", &error), 0);
    cr_assert_eq(device_set(device, "label", "two", &error), 0);
    cr_assert_str_eq(sample->label, "two");
    cr_assert_eq(device_realize(device, &error), 0);
    cr_assert_eq(device_set(device, "depth", "1", &error), -EBUSY);
    bare_machine_destroy(machine);
}

static void collect_path(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    (void)kind;
    (void)data;
    char *out = opaque;
    sprintf(out + strlen(out), "%s:%u ", path, size);
}

Test(device, state_walk_names_every_leaf)
{
    struct sample_line lines[2] = {{0}};
    struct sample sample = {.count = 2, .lines = lines};
    char out[512] = "";
    state_visit(sample_state, &sample, collect_path, out);
    cr_assert_str_eq(out, "fifo[0]:4 fifo[1]:4 fifo[2]:4 lines[0].level:1 lines[0].mask:2 lines[1].level:1 "
                          "lines[1].mask:2 ");
}

struct disk_job {
    struct block_request request;
    int result;
    unsigned done;
};

static void disk_done(struct block_request *request, int result)
{
    struct disk_job *job = (struct disk_job *)request;
    job->result = result;
    job->done++;
}

static int disk_run(struct machine *machine, struct block_backend *disk, enum block_op op, uint64_t offset,
                    void *data, uint64_t length)
{
    struct iovec vector = {data, length};
    struct disk_job job = {.request = {.op = op,
                                       .offset = offset,
                                       .length = length,
                                       .vector = &vector,
                                       .vector_count = 1,
                                       .may_unmap = true,
                                       .done = disk_done}};
    device_lock_acquire(&machine->lock);
    block_submit(disk, &job.request);
    block_drain(disk);
    device_lock_release(&machine->lock);
    cr_assert_eq(job.done, 1);
    return job.result;
}

Test(block, raw_file)
{
    struct machine *machine = bare_machine_create();
    char path[] = "/tmp/raw-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(ftruncate(fd, 1 << 20), 0);
    close(fd);
    struct block_backend *disk, *second;
    struct error error;
    struct block_options options = {.path = path, .discard = true};
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &disk, &error), 0, "%s", error.text);
    cr_assert_eq(disk->size, 1 << 20);
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &second, &error), -EAGAIN);
    char out[512], in[512];
    memset(out, 0x5a, sizeof(out));
    cr_assert_eq(disk_run(machine, disk, BLOCK_WRITE, 4096, out, sizeof(out)), 0);
    cr_assert_eq(disk_run(machine, disk, BLOCK_FLUSH, 0, NULL, 0), 0);
    cr_assert_eq(disk_run(machine, disk, BLOCK_READ, 4096, in, sizeof(in)), 0);
    cr_assert_arr_eq(in, out, sizeof(in));
    cr_assert_eq(disk_run(machine, disk, BLOCK_WRITE_ZEROES, 4096, NULL, 512), 0);
    cr_assert_eq(disk_run(machine, disk, BLOCK_READ, 4096, in, sizeof(in)), 0);
    cr_assert_eq(in[0] | in[511], 0);
    cr_assert_eq(disk_run(machine, disk, BLOCK_DISCARD, 0, NULL, 4096), 0);
    cr_assert_eq(disk_run(machine, disk, BLOCK_READ, (1 << 20) - 256, in, sizeof(in)), -EIO);
    cr_assert_eq(disk_run(machine, disk, BLOCK_READ, UINT64_MAX, in, sizeof(in)), -EIO);
    device_lock_acquire(&machine->lock);
    block_close(disk);
    options.readonly = true;
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &disk, &error), 0);
    device_lock_release(&machine->lock);
    cr_assert_eq(disk_run(machine, disk, BLOCK_WRITE, 0, out, sizeof(out)), -EROFS);
    options.path = "/nonexistent/disk";
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &second, &error), -ENOENT);
    cr_assert(strstr(error.text, "/nonexistent/disk"));
    backend_list_add(&machine->backends, BACKEND_DRIVE, "d", disk, &error);
    unlink(path);
    bare_machine_destroy(machine);
}

static void *shut_down(void *opaque)
{
    usleep(10000);
    machine_shutdown_request(opaque, SHUTDOWN_GUEST);
    return NULL;
}

Test(machine, run_returns_at_a_request_from_another_thread, .timeout = 10)
{
    struct machine *machine = bare_machine_create();
    machine->built = true;
    struct error error;
    cr_assert_eq(machine_finish(machine, &error), 0);
    uint32_t *data = malloc(4);
    *data = 0x12345678;
    cr_assert_eq(machine_add_blob(machine, "blob", BARE_RAM_BASE, data, 4, &error), 0);
    guest_write(machine, BARE_RAM_BASE, 4, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, shut_down, machine);
    cr_assert_eq(machine_run(machine), SHUTDOWN_GUEST);
    pthread_join(thread, NULL);
    cr_assert_eq(machine_state(machine), RUN_SHUTDOWN);
    cr_assert_eq(guest_read(machine, BARE_RAM_BASE, 4), 0x12345678);
    bare_machine_destroy(machine);
}
