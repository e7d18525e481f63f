// SPDX-License-Identifier: MIT
// The parts every machine is made of: memory map, DMA, event clock, properties, state tables, raw disk
// images.
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare-machine.h"
#include "hw/core/block.h"
#include "hw/core/dma.h"
#include "hw/core/rng.h"

struct recorder {
    struct mmio_access last;
    uint64_t value;
    unsigned reads, writes;
    uint64_t offsets[16];
};

static uint64_t record_read(void *opaque, struct mmio_access access)
{
    struct recorder *r = opaque;
    r->last = access;
    r->offsets[r->reads++ % 16] = access.offset;
    return UINT64_C(0x8877665544332211) >> (access.offset % 8 * 8);
}

static void record_write(void *opaque, struct mmio_access access, uint64_t value)
{
    struct recorder *r = opaque;
    r->last = access;
    r->offsets[r->writes++ % 16] = access.offset;
    r->value = value;
}

static const struct mmio_ops words_only = {record_read, record_write, 4, 4, false};
static const struct mmio_ops flash_like = {record_read, record_write, 1, 8, false};

static struct mem_region *add_mmio(struct machine *machine, struct recorder *r, uint64_t base, uint64_t size,
                                   int priority)
{
    struct mem_region_desc desc = {.name = "recorder",
                                   .base = base,
                                   .size = size,
                                   .kind = MEM_MMIO,
                                   .priority = priority,
                                   .ops = &words_only,
                                   .opaque = r};
    struct error error;
    return memory_map_add(machine->map, desc, &error);
}

Test(memory_map, odd_accesses_are_cut_and_widened)
{
    struct machine *machine = bare_machine_create();
    struct recorder r = {0};
    cr_assert(add_mmio(machine, &r, 0x1000, 0x100, 0));
    // Wide: two words, low address first.
    cr_assert_eq(guest_read(machine, 0x1000, 8), UINT64_C(0x8877665544332211));
    cr_assert_eq(r.reads, 2);
    cr_assert_eq(r.offsets[0], 0);
    cr_assert_eq(r.offsets[1], 4);
    // Narrow: one word, the byte picked out.
    cr_assert_eq(guest_read(machine, 0x1002, 1), 0x33);
    cr_assert_eq(r.last.size, 4);
    cr_assert_eq(r.last.offset, 0);
    // Unaligned and across words.
    cr_assert_eq(guest_read(machine, 0x1003, 4), 0x77665544);
    guest_write(machine, 0x1006, 2, 0xabcd);
    cr_assert_eq(r.last.offset, 4);
    cr_assert_eq(r.value, 0xabcd0000);
    bare_machine_destroy(machine);
}

Test(memory_map, overlap_holes_and_removal)
{
    struct machine *machine = bare_machine_create();
    struct recorder low = {0}, high = {0};
    struct mem_region *wide = add_mmio(machine, &low, 0x1000, 0x1000, 0);
    struct mem_region *narrow = add_mmio(machine, &high, 0x1400, 0x100, 1);
    cr_assert_eq(memory_map_find(machine->map, 0x13ff)->opaque, &low);
    cr_assert_eq(memory_map_find(machine->map, 0x1400)->opaque, &high);
    const struct mem_range *after = memory_map_find(machine->map, 0x1500);
    cr_assert_eq(after->opaque, &low);
    cr_assert_eq(after->region_offset, 0x500);
    uint64_t generation = memory_map_generation(machine->map);
    memory_map_remove(machine->map, narrow);
    cr_assert_neq(memory_map_generation(machine->map), generation);
    cr_assert_eq(memory_map_find(machine->map, 0x1400)->opaque, &low);
    cr_assert_eq(memory_map_find(machine->map, 0x1400)->size, 0x1000);
    memory_map_remove(machine->map, wide);
    cr_assert_null(memory_map_find(machine->map, 0x1400));
    uint64_t value;
    cr_assert_eq(memory_map_read(machine->map, (struct mem_requester){0}, 0x1400, 4, &value),
                 MEM_DECODE_ERROR);
    memory_map_reclaim(machine->map);
    struct error error;
    struct mem_region_desc bad = {
        .name = "bad", .base = UINT64_MAX - 3, .size = 8, .ops = &words_only, .kind = MEM_MMIO};
    cr_assert_null(memory_map_add(machine->map, bad, &error));
    bad.size = 4; // up to the last byte is fine
    cr_assert(memory_map_add(machine->map, bad, &error));
    cr_assert(memory_map_find(machine->map, UINT64_MAX));
    bare_machine_destroy(machine);
}

static void count_crowded(void *opaque)
{
    ++*(unsigned *)opaque;
}

Test(memory_map, view_follows_its_base)
{
    struct machine *machine = bare_machine_create();
    struct memory_map *view = machine_add_map(machine, machine->map);
    struct recorder below = {0}, above = {0};
    struct error error;
    struct mem_region_desc desc = {.name = "view",
                                   .base = 0x1800,
                                   .size = 0x1000,
                                   .kind = MEM_MMIO,
                                   .ops = &words_only,
                                   .opaque = &above};
    cr_assert(memory_map_add(view, desc, &error));
    struct mem_region *region = add_mmio(machine, &below, 0x1000, 0x1000, 5);
    cr_assert_eq(memory_map_find(view, 0x1000)->opaque, &below);
    cr_assert_eq(memory_map_find(view, 0x1800)->opaque, &above, "on top whatever the priority");
    cr_assert_eq(memory_map_find(machine->map, 0x1800)->opaque, &below);
    cr_assert_null(memory_map_find(machine->map, 0x2000));
    cr_assert_eq(memory_map_find(view, BARE_RAM_BASE)->host,
                 memory_map_find(machine->map, BARE_RAM_BASE)->host);
    memory_map_remove(machine->map, region);
    cr_assert_null(memory_map_find(view, 0x1000));
    bare_machine_destroy(machine);
}

Test(memory_map, tells_when_many_old_tables_wait)
{
    struct machine *machine = bare_machine_create();
    unsigned told = 0;
    memory_map_set_crowded(machine->map, count_crowded, &told);
    struct recorder r = {0};
    for (unsigned round = 1; round <= 2; round++) {
        for (int i = 0; i < 1000; i++)
            memory_map_remove(machine->map, add_mmio(machine, &r, 0x1000, 0x1000, 0));
        cr_assert_eq(told, round);
        memory_map_reclaim(machine->map);
    }
    bare_machine_destroy(machine);
}

Test(machine, frees_what_maps_hold_on_to)
{
    struct machine *machine = bare_machine_create();
    struct memory_map *io = machine_add_map(machine, NULL);
    struct recorder r = {0};
    struct error error;
    struct mem_region_desc desc = {
        .name = "ports", .base = 0x100, .size = 4, .kind = MEM_MMIO, .ops = &words_only, .opaque = &r};
    machine->finished = true;
    for (unsigned round = 0; round < 2; round++) {
        cr_assert_eq(atomic_load(&machine->requests), 0);
        for (int i = 0; i < 200; i++)
            memory_map_remove(io, memory_map_add(io, desc, &error));
        cr_assert_neq(atomic_load(&machine->requests), 0, "asked for in round %u", round);
        machine_shutdown_request(machine, SHUTDOWN_HOST);
        cr_assert_eq(machine_run(machine), SHUTDOWN_HOST);
    }
    bare_machine_destroy(machine);
}

struct code_note {
    uint64_t offset, length;
    unsigned count;
};

static void note_code_write(void *opaque, uint64_t offset, uint64_t length)
{
    struct code_note *note = opaque;
    *note = (struct code_note){offset, length, note->count + 1};
}

static void count_change(void *opaque, uint64_t base, uint64_t size)
{
    (void)base;
    (void)size;
    ++*(unsigned *)opaque;
}

// A processor that has found a range may look at its region after another one has removed that.
Test(memory_map, what_a_reader_holds_outlives_its_removal)
{
    struct machine *machine = bare_machine_create();
    struct recorder r = {0};
    uint64_t offset;
    struct error error;
    cr_assert_eq(guest_ram_carve(machine->ram, 0x1000, &offset, &error), 0);
    struct mem_region_desc desc = {
        .name = "flash", .size = 0x1000, .kind = MEM_ROM_DEVICE, .ram_offset = offset, .ops = &flash_like, .opaque = &r};
    for (unsigned i = 0; i < 20; i++) {
        struct mem_region *flash = memory_map_add(machine->map, desc, &error);
        const struct mem_range *held = memory_map_find(machine->map, 0x10);
        memory_map_remove(machine->map, flash);
        struct mem_region *next = add_mmio(machine, &r, 0x5000, 0x1000, 0);
        cr_assert(mem_range_direct_read(held));
        memory_map_remove(machine->map, next);
        memory_map_reclaim(machine->map);
    }
    bare_machine_destroy(machine);
}

Test(memory_map, flash_reads_follow_its_mode)
{
    struct machine *machine = bare_machine_create();
    struct recorder r = {0};
    uint64_t offset;
    unsigned changes = 0;
    struct error error;
    cr_assert_eq(guest_ram_carve(machine->ram, 0x1000, &offset, &error), 0);
    memory_map_listen(machine->map,
                      &(struct memory_map_listener){.changed = count_change, .opaque = &changes});
    struct mem_region_desc desc = {.name = "flash",
                                   .base = 0,
                                   .size = 0x1000,
                                   .kind = MEM_ROM_DEVICE,
                                   .ram_offset = offset,
                                   .ops = &flash_like,
                                   .opaque = &r};
    struct mem_region *flash = memory_map_add(machine->map, desc, &error);
    cr_assert(dma_write_rom(machine->map, 4, "abcd", 4));
    cr_assert_not(dma_write(machine->map, 4, "zzzz", 4));
    cr_assert_eq(guest_read(machine, 4, 4), 0x64636261);
    guest_write(machine, 4, 4, 1);
    cr_assert_eq(r.writes, 1);
    cr_assert_eq(guest_read(machine, 4, 4), 0x64636261);
    memory_map_set_direct_read(machine->map, flash, false);
    cr_assert_eq(changes, 2);
    cr_assert_eq(guest_read(machine, 0, 4), 0x44332211);
    char buffer[4];
    cr_assert_not(dma_read(machine->map, 4, buffer, 4), "DMA reached registers");
    bare_machine_destroy(machine);
}

Test(dma, bounds_and_code_pages)
{
    struct machine *machine = bare_machine_create();
    uint64_t end = BARE_RAM_BASE + ((uint64_t)BARE_RAM_MIB << 20);
    struct code_note note = {0};
    guest_ram_set_code_write(machine->ram, note_code_write, &note);
    char buffer[8] = "1234567";
    cr_assert(dma_write(machine->map, end - 8, buffer, 8));
    cr_assert_not(dma_write(machine->map, end - 4, buffer, 8));
    cr_assert_not(dma_read(machine->map, UINT64_MAX - 3, buffer, 8));
    cr_assert_eq(note.count, 0);
    machine->ram->page_flags[1] |= PAGE_CODE;
    cr_assert(dma_write(machine->map, BARE_RAM_BASE + 0xffe, buffer, 4));
    cr_assert_eq(note.count, 1);
    cr_assert_eq(note.offset, 0x1000);
    cr_assert_eq(note.length, 2);
    guest_write(machine, BARE_RAM_BASE + 0x1ffc, 8, 0);
    cr_assert_eq(note.count, 2);
    cr_assert_eq(note.length, 4);
    uint64_t length = 1 << 30;
    cr_assert(dma_map(machine->map, end - 16, &length, true));
    cr_assert_eq(length, 16);
    uint32_t word;
    cr_assert(dma_write_le32(machine->map, BARE_RAM_BASE + 1, 0x01020304));
    cr_assert(dma_read_le32(machine->map, BARE_RAM_BASE + 1, &word));
    cr_assert_eq(word, 0x01020304);
    cr_assert_not(dma_read_le32(machine->map, end, &word));
    bare_machine_destroy(machine);
}

static uint64_t test_time;

static uint64_t read_test_time(void *opaque)
{
    (void)opaque;
    return test_time;
}

struct log {
    struct event event;
    struct event_clock *clock;
    char *out;
    char letter;
    uint64_t late, period;
};

static void log_fire(void *opaque, uint64_t late)
{
    struct log *log = opaque;
    size_t n = strlen(log->out);
    log->out[n] = log->letter;
    log->late = late;
    if (log->period)
        event_set(&log->event, log->event.at_ns + log->period);
}

Test(clock, fires_in_order_and_tells_lateness)
{
    struct clock_source source = {read_test_time, NULL};
    test_time = 1000;
    struct event_clock *clock = event_clock_create(&source);
    char out[64] = "";
    struct log logs[4];
    for (int i = 0; i < 4; i++) {
        logs[i] = (struct log){.clock = clock, .out = out, .letter = (char)('a' + i)};
        event_init(&logs[i].event, clock, log_fire, &logs[i]);
    }
    event_set(&logs[0].event, 30);
    event_set(&logs[1].event, 10);
    event_set(&logs[2].event, 20);
    event_set(&logs[3].event, 10);
    test_time = 5000;
    cr_assert_eq(clock_now_ns(clock), 0, "the clock starts stopped");
    event_clock_run(clock);
    cr_assert_str_eq(out, "");
    event_clock_start(clock);
    cr_assert_eq(event_clock_next_ns(clock), 10);
    test_time += 25;
    event_clock_run(clock);
    cr_assert_str_eq(out, "bdc");
    cr_assert_eq(logs[1].late, 15);
    cr_assert_eq(logs[2].late, 5);
    event_cancel(&logs[0].event);
    cr_assert_not(event_pending(&logs[0].event));
    event_clock_stop(clock);
    test_time += 1000000;
    cr_assert_eq(clock_now_ns(clock), 25);
    event_clock_start(clock);
    test_time += 5;
    event_clock_run(clock);
    cr_assert_str_eq(out, "bdc");
    event_clock_destroy(clock);
}

Test(clock, an_event_in_the_past_does_not_hold_the_loop)
{
    struct clock_source source = {read_test_time, NULL};
    struct event_clock *clock = event_clock_create(&source);
    char out[64] = "";
    struct log log = {.clock = clock, .out = out, .letter = 'x', .period = 1};
    event_init(&log.event, clock, log_fire, &log);
    event_clock_start(clock);
    test_time += 1000;
    event_set(&log.event, 1);
    event_clock_run(clock);
    cr_assert_str_eq(out, "x");
    event_clock_run(clock);
    cr_assert_str_eq(out, "xx");
    event_clock_destroy(clock);
}

Test(clock, random_sets_and_cancels_keep_order)
{
    struct clock_source source = {read_test_time, NULL};
    test_time = 0;
    struct event_clock *clock = event_clock_create(&source);
    enum { COUNT = 200 };
    static char out[COUNT * 20];
    static struct log logs[COUNT];
    struct rng rng = rng_from_seed(1);
    for (int i = 0; i < COUNT; i++) {
        logs[i] = (struct log){.clock = clock, .out = out, .letter = 'x'};
        event_init(&logs[i].event, clock, log_fire, &logs[i]);
    }
    event_clock_start(clock);
    for (int i = 0; i < 5000; i++) {
        uint16_t r[2];
        rng_fill(&rng, r, sizeof(r));
        if (r[0] & 1)
            event_set(&logs[r[1] % COUNT].event, r[0]);
        else
            event_cancel(&logs[r[1] % COUNT].event);
    }
    unsigned pending = 0, fired = 0;
    for (int i = 0; i < COUNT; i++)
        pending += event_pending(&logs[i].event);
    uint64_t before = 0;
    while (event_clock_next_ns(clock) != CLOCK_NEVER) {
        test_time = event_clock_next_ns(clock);
        cr_assert_geq(test_time, before);
        before = test_time;
        event_clock_run(clock);
    }
    fired = (unsigned)strlen(out);
    cr_assert_eq(fired, pending);
    event_clock_destroy(clock);
}

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
