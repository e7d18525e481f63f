// SPDX-License-Identifier: MIT
// watched-stores ACCEL IMAGE: the pages that a display is told of are those that the guest has stored to, wherever it sees them.
#include <stdio.h>
#include <string.h>

#include "accesses.h"
#include "hw/core/ram-watch.h"

enum { PAGES = 200, AT = 0x101000 }; // of the RAM, which is at 0 too; not at a multiple of 64 pages

static struct ram_watch watch;

// Which of the pages [first, +count) of the watch are told of, as text.
static const char *collected(struct x86_machine *m, unsigned first, unsigned count)
{
    static char text[PAGES * 4 + 1];
    uint64_t dirty[(PAGES + 63) / 64];
    text[0] = '\0';
    device_lock_acquire(&m->base.machine->lock);
    ram_watch_collect(&watch, first, count, dirty);
    device_lock_release(&m->base.machine->lock);
    for (unsigned i = 0, at = 0; i < count; i++)
        if (dirty[i / 64] >> (i % 64) & 1)
            at += (unsigned)snprintf(text + at, sizeof(text) - at, "%s%u", at ? " " : "", first + i);
    return text;
}

// Pages may be told of once more, for stores that are under way.
static void expect_quiet(struct x86_machine *m)
{
    collected(m, 0, PAGES);
    const char *pages = collected(m, 0, PAGES);
    expect(!pages[0], "nobody has stored, and pages %s are told of", pages);
}

static void expect_collected(struct x86_machine *m, unsigned first, unsigned count, const char *wanted)
{
    const char *pages = collected(m, first, count);
    expect(!strcmp(pages, wanted), "of pages %u to %u, %s are told of, and not %s", first, first + count - 1, pages, wanted);
}

static void begin(struct x86_machine *m)
{
    device_lock_acquire(&m->base.machine->lock);
    ram_watch_begin(&watch, m->base.machine->ram, m->base.ram_offset + AT, PAGES * GUEST_PAGE_SIZE);
    device_lock_release(&m->base.machine->lock);
    expect(!strncmp(collected(m, 0, PAGES), "0 1 2 3 ", 8), "all pages are told of at first");
    expect_quiet(m);
}

static void end(struct x86_machine *m)
{
    device_lock_acquire(&m->base.machine->lock);
    ram_watch_end(&watch);
    device_lock_release(&m->base.machine->lock);
}

static void store(struct x86_machine *m, uint64_t base, unsigned page)
{
    access_make(m, STORE | 4, (uint32_t)base + AT + page * GUEST_PAGE_SIZE + 8, 0x12345678);
}

static void stores_are_seen(struct x86_machine *m)
{
    struct access stores[] = {{STORE | 1, X86_MACHINE_RAM + AT + 3 * GUEST_PAGE_SIZE + 0xfff, 1, 5},
                              {STORE | 4, X86_MACHINE_RAM + AT + 70 * GUEST_PAGE_SIZE, 2, 1},
                              {STORE | 2, X86_MACHINE_RAM + AT - 4, 2, 1}, // beside it
                              {STORE | 2, X86_MACHINE_RAM + AT + PAGES * GUEST_PAGE_SIZE, 2, 1},
                              {LOAD | 4, X86_MACHINE_RAM + AT + 80 * GUEST_PAGE_SIZE, 2, 1},
                              {STORE | 2, X86_MACHINE_RAM + AT + 199 * GUEST_PAGE_SIZE, 3, 1}};
    // A kernel that sees a page for the first time lets it be written to as well, and tells of it.
    access_make(m, LOAD | 4, (uint32_t)X86_MACHINE_RAM + AT + 80 * GUEST_PAGE_SIZE, 0);
    expect_quiet(m);
    accesses_make(m, stores, sizeof(stores) / sizeof(stores[0]));
    expect_collected(m, 0, PAGES, "3 70 199");
    expect_quiet(m);
    store(m, X86_MACHINE_RAM, 70); // again
    store(m, 0, 65);               // where the RAM is seen as well
    expect_collected(m, 0, PAGES, "65 70");
    expect_quiet(m);
    // A part at a time.
    store(m, X86_MACHINE_RAM, 3);
    store(m, X86_MACHINE_RAM, 150);
    expect_collected(m, 100, 64, "150");
    expect_collected(m, 0, 64, "3");
    expect_quiet(m);
}

int main(int argc, char **argv)
{
    struct x86_machine *m = accesses_begin(argc, argv);
    begin(m);
    stores_are_seen(m);
    // What nobody watches costs nothing and tells nothing, and one may begin again.
    end(m);
    store(m, X86_MACHINE_RAM, 5);
    expect(!collected(m, 0, PAGES)[0], "pages that nobody watches are told of");
    begin(m);
    stores_are_seen(m);

    // Memory that moves between two looks keeps what it has been told.
    struct error error;
    struct mem_region_desc moved = {.name = "moved", .base = 0x40000000, .size = 4 << 20, .kind = MEM_RAM,
                                    .ram_offset = m->base.ram_offset};
    struct mem_region *region = memory_map_add(m->base.machine->map, moved, &error);
    expect_quiet(m);
    store(m, moved.base, 17);
    memory_map_remove(m->base.machine->map, region);
    expect(strstr(collected(m, 0, PAGES), "17"), "a store is forgotten because its place has gone");
    moved.base = 0x50000000;
    region = memory_map_add(m->base.machine->map, moved, &error);
    expect_quiet(m);
    store(m, moved.base, 18);
    expect_collected(m, 0, PAGES, "18");
    end(m);
    memory_map_remove(m->base.machine->map, region);
    x86_machine_destroy(m);
    return 0;
}
