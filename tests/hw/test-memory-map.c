// SPDX-License-Identifier: MIT
// The memory map: who answers where, views, tables that wait to be freed; and DMA through it.
#include <criterion/criterion.h>
#include <stdatomic.h>

#include "bare-machine.h"
#include "hw/core/dma.h"

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
