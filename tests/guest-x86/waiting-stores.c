// SPDX-License-Identifier: MIT
// waiting-stores ACCEL IMAGE: stores that may wait come in order with all else that a processor does, and are there when somebody
// looks; with a device of the test's, and with the VGA's. KVM holds them back.
#include <stdio.h>
#include <string.h>

#include "accesses.h"
#include "hw/core/display.h"
#include "hw/display/vga.h"

enum { WAITS = 0x50000000, OTHER = 0x50010000, ELSEWHERE = 0x50100000, PORTS = 0x9000 };

static bool kvm;

// --- a device that writes down what it gets ---

enum { GOT_MAX = 2000 };

struct got {
    char what;
    uint32_t offset, value;
    uint8_t size;
};

static struct got got[GOT_MAX];
static atomic_uint got_count;

static void add(char what, struct mmio_access access, uint64_t value)
{
    unsigned at = atomic_load(&got_count);
    if (at < GOT_MAX)
        got[at] = (struct got){what, (uint32_t)access.offset, (uint32_t)value, access.size};
    atomic_fetch_add(&got_count, 1);
}

static uint64_t device_read(void *opaque, struct mmio_access access)
{
    add(*(const char *)opaque + 'a' - 'A', access, 0);
    return 0x10 + access.offset;
}

static void device_write(void *opaque, struct mmio_access access, uint64_t value)
{
    add(*(const char *)opaque, access, value);
}

static const struct mmio_ops device_ops = {device_read, device_write, 1, 4, false};

static struct mem_region *map_device(struct memory_map *map, const char *name, uint64_t base, bool waits)
{
    struct error error;
    struct mem_region_desc desc = {.name = name, .base = base, .size = 0x1000, .kind = MEM_MMIO, .ops = &device_ops,
                                   .opaque = (void *)name,
                                   .stores_may_wait = waits};
    return memory_map_add(map, desc, &error);
}

static void expect_next(unsigned *at, char what, uint32_t offset, uint8_t size, uint32_t value)
{
    const struct got *g = &got[*at];
    expect(*at < got_count, "access %u has not come", *at);
    expect(g->what == what && g->offset == offset && g->size == size && g->value == value,
           "access %u is %c%x/%u=%x, not %c%x/%u=%x", *at, g->what, g->offset, g->size, g->value, what, offset, size, value);
    ++*at;
}

static void test_order(struct x86_machine *m)
{
    enum { MANY = 400 }; // more than the kernel has room for
    struct access list[] = {{STORE | 1, WAITS + 1, 0x11, 1},  {STORE | 2, WAITS + 2, 0x2222, 2}, {LOAD | 4, WAITS + 8, 0, 1},
                            {STORE | 4, WAITS + 4, 0x444, 1}, {STORE | 4, OTHER, 5, 1},          {STORE | 4, WAITS, 6, 1},
                            {OUT | 1, PORTS + 3, 7, 1},       {STORE | 4, WAITS + 12, 8, MANY},  {STORE | 4, OTHER, 9, 1},
                            {STORE | 4, WAITS + 2, 0x10203, 1}, {STORE | 1, WAITS, 10, 1}};
    accesses_make(m, list, sizeof(list) / sizeof(list[0]));
    expect(list[2].value == 0x18, "the wrong value is read");
    unsigned at = 0;
    expect_next(&at, 'W', 1, 1, 0x11);
    expect_next(&at, 'W', 2, 2, 0x2222);
    expect_next(&at, 'W', 2, 2, 0x2222);
    expect_next(&at, 'w', 8, 4, 0);
    expect_next(&at, 'W', 4, 4, 0x444);
    expect_next(&at, 'O', 0, 4, 5);
    expect_next(&at, 'W', 0, 4, 6);
    expect_next(&at, 'P', 3, 1, 7);
    for (unsigned i = 0; i < MANY; i++)
        expect_next(&at, 'W', 12, 4, 8);
    expect_next(&at, 'O', 0, 4, 9);
    expect_next(&at, 'W', 2, 2, 0x203); // cut, as it is not aligned
    expect_next(&at, 'W', 4, 2, 1);
    expect_next(&at, 'W', 0, 1, 10);
    expect(at == got_count, "%u accesses, not %u", got_count, at);
    got_count = 0;
}

// Called every now and then while the processor runs.
static bool look(void *opaque)
{
    struct machine *machine = ((struct x86_machine *)opaque)->base.machine;
    device_lock_acquire(&machine->lock);
    machine_flush(machine);
    device_lock_release(&machine->lock);
    return !got_count;
}

// A processor that goes on without ever coming back: whoever looks finds what it has stored. Only once for a machine.
static void test_flush(struct x86_machine *m)
{
    struct access endless[] = {{STORE | 4, WAITS + 4, 0xabc, 1}, {LOAD | 4, 0x9000, 0, UINT32_MAX}};
    unsigned at = 0;
    map_device(m->base.machine->map, "W", WAITS, true);
    accesses_loop(m);
    accesses_put(m, endless, 2);
    expect(test_machine_run_all(&m->base, ACCESSES_AT, look, m), "nobody finds what has been stored");
    expect_next(&at, 'W', 4, 4, 0xabc);
}

static void test_moving(struct x86_machine *m, struct mem_region *region)
{
    struct machine *machine = m->base.machine;
    memory_map_remove(machine->map, region);
    region = map_device(machine->map, "W", ELSEWHERE, true);
    struct mem_region *stranger = map_device(machine->map, "S", WAITS, false);
    for (unsigned i = 0; i < 2; i++) {
        struct access list[] = {{STORE | 4, ELSEWHERE + 4, 1, 1}, {STORE | 4, WAITS + 8, 2, 1}, {STORE | 4, ELSEWHERE + 8, 3, 1}};
        accesses_make(m, list, 3);
        unsigned at = 0;
        expect_next(&at, 'W', 4, 4, 1);
        expect_next(&at, 'S', 8, 4, 2);
        expect_next(&at, 'W', 8, 4, 3);
        got_count = 0;
        accesses_loop(m); // and once more when the kernel knows the new place
    }
    memory_map_remove(machine->map, region);
    memory_map_remove(machine->map, stranger);
}

// --- the VGA ---

enum { FRAMEBUFFER = 0xe0000000, WINDOW = 0xa0000, WIDTH = 64, HEIGHT = 32 };

static void set_vbe(struct x86_machine *m, unsigned index, unsigned value)
{
    struct access write[] = {{OUT | 2, 0x1ce, index, 1}, {OUT | 2, 0x1d0, value, 1}};
    accesses_make(m, write, 2);
}

static unsigned take(struct x86_machine *m, struct display_view *view, struct display_update *update)
{
    device_lock_acquire(&m->base.machine->lock);
    display_take(view, update);
    device_lock_release(&m->base.machine->lock);
    display_update_release(update);
    return update->damage.count;
}

// Pages may be told of once more, for stores that are under way.
static void expect_quiet(struct x86_machine *m, struct display_view *view)
{
    struct display_update update;
    for (unsigned i = 0; i < 2; i++)
        take(m, view, &update);
    expect(!take(m, view, &update), "a display that nobody draws on changes");
}

static void expect_drawn(struct x86_machine *m, struct display_view *view, unsigned x, unsigned y, uint32_t color, const char *what)
{
    struct display_update update;
    const struct surface *surface = view->display->surface;
    unsigned places = take(m, view, &update);
    expect(places == 1, "%s: %u places have changed", what, places);
    const struct display_rect *rect = &update.damage.rects[0];
    expect(x >= rect->x && x < rect->x + rect->width && y >= rect->y && y < rect->y + rect->height, "%s: another place has changed",
           what);
    expect(rect->height <= 1 + GUEST_PAGE_SIZE / (WIDTH * 4), "%s: too much has changed", what);
    expect((surface_line(surface, y)[x] & 0xffffff) == color, "%s: the pixel is %x", what, surface_line(surface, y)[x]);
    expect_quiet(m, view);
}

static void test_vga(struct x86_machine *m)
{
    enum { X_RESOLUTION = 1, Y_RESOLUTION, BPP, ENABLE, BANK };
    accesses_add_pci(m);
    struct error error;
    struct device *vga = device_create(m->base.machine, &vga_pci_type, NULL);
    expect(!device_set(vga, "romfile", "", &error) && !device_set(vga, "vgamem_mb", "1", &error), "%s", error.text);
    accesses_realize(m, vga);
    access_config(m, 0x10, FRAMEBUFFER);
    access_config(m, 0x18, 0xe2000000);
    access_config(m, 0x04, 3);
    access_make(m, OUT | 1, 0x3c2, 0x63); // memory is decoded
    set_vbe(m, X_RESOLUTION, WIDTH);
    set_vbe(m, Y_RESOLUTION, HEIGHT);
    set_vbe(m, BPP, 32);
    set_vbe(m, ENABLE, 0x41);
    struct display_view view = {0};
    struct display_update update;
    device_lock_acquire(&m->base.machine->lock);
    display_attach(display_at(m->base.machine, 0), &view);
    device_lock_release(&m->base.machine->lock);
    take(m, &view, &update);
    accesses_loop(m);
    expect_quiet(m, &view);

    // By the framebuffer, which is memory, and by the window, where a store is the device's.
    access_make(m, STORE | 4, FRAMEBUFFER + (20 * WIDTH + 5) * 4, 0x123456);
    expect_drawn(m, &view, 5, 20, 0x123456, "a store to the framebuffer");
    unsigned long long before = accesses_counted(m, "held back");
    struct access window[] = {{STORE | 4, WINDOW + (3 * WIDTH + 9) * 4, 0x445566, 1},
                              {LOAD | 4, WINDOW + (3 * WIDTH + 9) * 4, 0, 1}};
    accesses_make(m, window, 2);
    expect(window[1].value == 0x445566, "0x%x is read from the window", window[1].value);
    expect_drawn(m, &view, 9, 3, 0x445566, "a store to the window");
    expect(accesses_counted(m, "held back") == before + (kvm ? 1 : 0), "the store to the window has not been held back");
    expect(access_make(m, LOAD | 4, FRAMEBUFFER + (3 * WIDTH + 9) * 4, 0) == 0x445566, "the window is not the framebuffer");

    // A bank further, in order with the ports.
    struct access banks[] = {{STORE | 1, WINDOW, 0x11, 1},   {OUT | 2, 0x1ce, BANK, 1}, {OUT | 2, 0x1d0, 1, 1},
                             {STORE | 1, WINDOW, 0x22, 1},   {OUT | 2, 0x1ce, BANK, 1}, {OUT | 2, 0x1d0, 0, 1},
                             {STORE | 1, WINDOW + 1, 0x33, 1},
                             {LOAD | 2, FRAMEBUFFER, 0, 1}, {LOAD | 1, FRAMEBUFFER + 0x10000, 0, 1}};
    accesses_make(m, banks, 7);
    accesses_make(m, banks + 7, 2);
    expect(banks[7].value == 0x3311 && banks[8].value == 0x22, "banks: %x and %x are read", banks[7].value, banks[8].value);
    device_lock_acquire(&m->base.machine->lock);
    display_detach(&view);
    device_lock_release(&m->base.machine->lock);
}

int main(int argc, char **argv)
{
    struct x86_machine *m = accesses_begin(argc, argv);
    kvm = !strcmp(argv[1], "kvm");
    struct mem_region *region = map_device(m->base.machine->map, "W", WAITS, true);
    map_device(m->base.machine->map, "O", OTHER, false);
    map_device(m->io, "P", PORTS, false);
    test_order(m); // nobody has told the kernel yet
    expect(!accesses_counted(m, "held back"), "stores are held back before the I/O loop came round");
    accesses_loop(m);
    test_order(m);
    expect(!kvm || accesses_counted(m, "held back"), "no stores have been held back");
    test_moving(m, region);
    test_vga(m);
    test_flush(m);
    x86_machine_destroy(m);
    return 0;
}
