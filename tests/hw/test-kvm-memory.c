// SPDX-License-Identifier: MIT
// KVM's memory slots and its log of dirty pages on hosts with large pages, with an ioctl() of the test's own in the place of the
// kernel.
#include <criterion/criterion.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bare-machine.h"
#include "hw/core/ram-watch.h"
#include "hw/kvm/internal.h"

enum { VM_FD = 100000, SLOTS = 8, LOG_WORDS = 64, SPACES = 2, SPACE_SHIFT = 16 };

static struct machine *machine;
static struct kvm_accel kvm;
static struct {
    struct kvm_userspace_memory_region slots[SPACES][SLOTS];
    uint64_t log[LOG_WORDS]; // of the slot that is logged in logged_space
    unsigned logged_space;
    uint64_t cleared[LOG_WORDS];
    int manual;              // KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
} kernel;

// --- the kernel's part -----------------------------------------------------------------------------------------------

static struct kvm_userspace_memory_region *slot_of(uint32_t name)
{
    cr_assert_lt(name >> SPACE_SHIFT, SPACES);
    cr_assert_lt(name & 0xffff, SLOTS);
    return &kernel.slots[name >> SPACE_SHIFT][name & 0xffff];
}

static int set_slot(const struct kvm_userspace_memory_region *region)
{
    uint64_t all = region->guest_phys_addr | region->memory_size | region->userspace_addr;
    cr_expect_eq(all % kvm.page_bytes, 0, "a slot that is not of whole pages: 0x%llx", (unsigned long long)all);
    *slot_of(region->slot) = *region;
    return 0;
}

static int clear_log(const struct kvm_clear_dirty_log *clear)
{
    uint64_t pages = slot_of(clear->slot)->memory_size / kvm.page_bytes, end = clear->first_page + clear->num_pages;
    cr_expect_eq(clear->first_page % 64, 0);
    cr_expect(end == pages || (end < pages && clear->num_pages % 64 == 0), "%u pages from %llu", clear->num_pages,
              (unsigned long long)clear->first_page);
    const uint64_t *bits = clear->dirty_bitmap;
    if (clear->slot >> SPACE_SHIFT != kernel.logged_space)
        return 0;
    for (uint64_t word = 0; word < (clear->num_pages + 63) / 64; word++) {
        kernel.log[clear->first_page / 64 + word] &= ~bits[word];
        kernel.cleared[clear->first_page / 64 + word] |= bits[word];
    }
    return 0;
}

static int read_log(const struct kvm_dirty_log *log)
{
    const struct kvm_userspace_memory_region *slot = slot_of(log->slot);
    bool is_logged = log->slot >> SPACE_SHIFT == kernel.logged_space;
    cr_expect(slot->flags & KVM_MEM_LOG_DIRTY_PAGES);
    uint64_t words = (slot->memory_size / kvm.page_bytes + 63) / 64;
    cr_assert_leq(words, LOG_WORDS);
    if (is_logged)
        memcpy(log->dirty_bitmap, kernel.log, words * 8);
    else
        memset(log->dirty_bitmap, 0, words * 8);
    if (!kernel.manual && is_logged)
        memset(kernel.log, 0, sizeof(kernel.log));
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (fd != VM_FD)
        return (int)syscall(SYS_ioctl, fd, request, argument);
    switch (request) {
    case KVM_CHECK_EXTENSION:
        return (long)argument == KVM_CAP_NR_MEMSLOTS                   ? SLOTS
               : (long)argument == KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 ? kernel.manual
                                                                      : 0;
    case KVM_SET_USER_MEMORY_REGION:
        return set_slot(argument);
    case KVM_GET_DIRTY_LOG:
        return read_log(argument);
    case KVM_CLEAR_DIRTY_LOG:
        return clear_log(argument);
    default:
        return 0;
    }
}

// --- the machine -------------------------------------------------------------------------------------------------------

static void begin(uint64_t page_bytes, int manual)
{
    memset(&kernel, 0, sizeof(kernel));
    kernel.manual = manual;
    machine = bare_machine_create();
    kvm = (struct kvm_accel){.vm = {.host = VM_FD, .fd = VM_FD, .machine = machine}, .page_bytes = page_bytes};
}

static void end(void)
{
    kvm_dirty_destroy(&kvm);
    kvm_memory_destroy(&kvm);
    bare_machine_destroy(machine);
}

// The kernel's slots in a space, as "base+size" in hexadecimal, in the order of their bases.
static const char *slots_in(unsigned space)
{
    static char text[256];
    char *at = text;
    *at = '\0';
    for (uint64_t last = 0;;) {
        const struct kvm_userspace_memory_region *next = NULL;
        for (unsigned i = 0; i < SLOTS; i++)
            if (kernel.slots[space][i].memory_size && kernel.slots[space][i].guest_phys_addr >= last &&
                (!next || kernel.slots[space][i].guest_phys_addr < next->guest_phys_addr))
                next = &kernel.slots[space][i];
        if (!next)
            return text;
        at += sprintf(at, "%s%llx+%llx", at == text ? "" : " ", (unsigned long long)next->guest_phys_addr,
                      (unsigned long long)next->memory_size);
        last = next->guest_phys_addr + 1;
    }
}

static const char *slots(void)
{
    return slots_in(0);
}

static struct mem_region *add_to(struct memory_map *map, uint64_t base, uint64_t bytes, enum mem_kind kind)
{
    struct mem_region_desc desc = {.name = "added", .base = base, .size = bytes, .kind = kind, .priority = 1};
    struct error error;
    cr_assert_eq(guest_ram_carve(machine->ram, bytes, &desc.ram_offset, &error), 0);
    struct mem_region *region = memory_map_add(map, desc, &error);
    cr_assert(region, "%s", error.text);
    return region;
}

static struct mem_region *add(uint64_t base, uint64_t bytes, enum mem_kind kind)
{
    return add_to(machine->map, base, bytes, kind);
}

Test(kvm_memory, slots_are_of_the_hosts_pages)
{
    static const uint64_t sizes[] = {4 << 10, 16 << 10, 64 << 10};
    static const char *const wanted[] = {"10000000+1000 40000000+11000 40011000+1000 40012000+fee000",
                                         "40000000+10000 40014000+fec000", "40000000+10000 40020000+fe0000"};
    for (unsigned i = 0; i < 3; i++) {
        begin(sizes[i], 0);
        add(0x10000000, 0x1000, MEM_ROM);
        kvm_memory_init(&kvm, NULL);
        struct mem_region *hole = add(BARE_RAM_BASE + 0x11000, 0x1000, MEM_RAM);
        cr_expect_str_eq(slots(), wanted[i]);
        // What has no slot is there all the same, for accesses that come back.
        guest_write(machine, BARE_RAM_BASE + 0x10ff8, 8, 5);
        guest_write(machine, BARE_RAM_BASE + 0x11000, 8, 6);
        cr_expect_eq(guest_read(machine, BARE_RAM_BASE + 0x10ff8, 8), 5);
        cr_expect_eq(guest_read(machine, BARE_RAM_BASE + 0x11000, 8), 6);
        memory_map_remove(machine->map, hole);
        cr_expect_str_eq(slots(), i ? "40000000+1000000" : "10000000+1000 40000000+1000000");
        end();
    }
}

// One that follows a small one in the memory object can be a slot.
Test(kvm_memory, memory_begins_with_a_page_of_any_host)
{
    begin(64 << 10, 0);
    add(0x10000000, 0x1000, MEM_RAM);
    add(0x20000000, 0x20000, MEM_RAM);
    kvm_memory_init(&kvm, NULL);
    cr_expect_str_eq(slots(), "20000000+20000 40000000+1000000");
    end();
}

// --- dirty pages -------------------------------------------------------------------------------------------------------

// Those of a watch that are told of, as text.
static const char *collected(struct ram_watch *watch, uint64_t first, uint64_t count)
{
    static char text[512];
    uint64_t dirty[8];
    char *at = text;
    *at = '\0';
    cr_assert_leq(count, 512);
    ram_watch_collect(watch, first, count, dirty);
    for (uint64_t i = 0; i < count && at - text < 500; i++)
        if (dirty[i / 64] >> (i % 64) & 1)
            at += sprintf(at, "%s%llu", at == text ? "" : " ", (unsigned long long)(first + i));
    return text;
}

static void store(uint64_t page)
{
    kernel.log[page / 64] |= UINT64_C(1) << page % 64;
}

// Two displays, the second of which begins in the page where the first one ends.
static void watch_two(uint64_t page_bytes, int manual, struct ram_watch *first, struct ram_watch *second)
{
    begin(page_bytes, manual);
    kvm_memory_init(&kvm, NULL);
    const struct mem_range *ram = memory_map_find(machine->map, BARE_RAM_BASE);
    *first = *second = (struct ram_watch){0};
    ram_watch_begin(first, machine->ram, ram->ram_offset + 0x402000, 0x80000);
    ram_watch_begin(second, machine->ram, ram->ram_offset + 0x482000, 0x21000);
    collected(first, 0, 128);
    collected(second, 0, 33);
    memset(kernel.log, 0, sizeof(kernel.log));
    memset(kernel.cleared, 0, sizeof(kernel.cleared));
}

static void end_two(struct ram_watch *first, struct ram_watch *second)
{
    ram_watch_end(first);
    ram_watch_end(second);
    end();
}

Test(kvm_memory, dirty_pages_of_64_KiB)
{
    for (int manual = 0; manual < 2; manual++) {
        struct ram_watch first, second;
        watch_two(64 << 10, manual, &first, &second);
        store(0x3f); // before it
        store(0x42);
        store(0x4b); // behind both
        cr_expect_str_eq(collected(&first, 0, 128), "30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45");
        cr_expect_str_eq(collected(&first, 0, 128), "");
        cr_expect_str_eq(collected(&second, 0, 33), "");
        if (manual) {
            cr_expect_eq(kernel.cleared[1], 1 << 2); // the first watch's, of pages 0x40 to 0x48
            cr_expect_eq(kernel.log[0], UINT64_C(1) << 63);
        }
        store(0x40);
        store(0x48); // of both: each is told of its part, whoever asks first
        cr_expect_str_eq(collected(&second, 0, 33), "0 1 2 3 4 5 6 7 8 9 10 11 12 13");
        cr_expect_str_eq(collected(&first, 0, 128), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 126 127");
        store(0x4a); // the last part of a page
        cr_expect_str_eq(collected(&second, 20, 13), "30 31 32");
        end_two(&first, &second);
    }
}

Test(kvm_memory, dirty_pages_of_4_and_16_KiB)
{
    static const struct {
        uint64_t page_bytes, stores[3];
        const char *first, *second;
    } rows[] = {{4 << 10, {0x402, 0x481, 0x482}, "0 127", "0"}, {16 << 10, {0x100, 0x110, 0x120}, "0 1 62 63 64 65 126 127", "0 1"}};
    for (unsigned i = 0; i < 4; i++) {
        struct ram_watch first, second;
        watch_two(rows[i / 2].page_bytes, i % 2, &first, &second);
        for (unsigned n = 0; n < 3; n++)
            store(rows[i / 2].stores[n]);
        cr_expect_str_eq(collected(&first, 0, 128), rows[i / 2].first);
        cr_expect_str_eq(collected(&second, 0, 33), rows[i / 2].second);
        end_two(&first, &second);
    }
}

// --- a special mode's memory -------------------------------------------------------------------------------------------

Test(kvm_memory, a_special_mode_has_its_own_slots)
{
    begin(4 << 10, 0);
    struct memory_map *special = memory_map_create_view(machine->map);
    add_to(special, 0x10000000, 0x2000, MEM_RAM);
    kvm_memory_init(&kvm, special);
    cr_expect_str_eq(slots_in(0), "40000000+1000000");
    cr_expect_str_eq(slots_in(1), "10000000+2000 40000000+1000000");
    struct mem_region *both = add(0x20000000, 0x1000, MEM_RAM);
    struct mem_region *over = add_to(special, BARE_RAM_BASE, 0x1000, MEM_RAM);
    cr_expect_str_eq(slots_in(0), "20000000+1000 40000000+1000000");
    cr_expect_str_eq(slots_in(1), "10000000+2000 20000000+1000 40000000+1000 40001000+fff000");
    memory_map_remove(machine->map, both);
    memory_map_remove(special, over);
    cr_expect_str_eq(slots_in(0), "40000000+1000000");
    cr_expect_str_eq(slots_in(1), "10000000+2000 40000000+1000000");
    kvm_memory_destroy(&kvm);
    kvm_dirty_destroy(&kvm);
    memory_map_destroy(special);
    bare_machine_destroy(machine);
}

Test(kvm_memory, stores_in_a_special_mode_are_noted)
{
    for (int i = 0; i < 4; i++) {
        begin(4 << 10, i / 2);
        kernel.logged_space = i % 2;
        struct memory_map *special = memory_map_create_view(machine->map);
        kvm_memory_init(&kvm, special);
        struct ram_watch watch = {0};
        ram_watch_begin(&watch, machine->ram, memory_map_find(machine->map, BARE_RAM_BASE)->ram_offset, 0x10000);
        collected(&watch, 0, 16);
        memset(kernel.log, 0, sizeof(kernel.log));
        store(3);
        store(12);
        cr_expect_str_eq(collected(&watch, 0, 16), "3 12");
        cr_expect_str_eq(collected(&watch, 0, 16), "");
        ram_watch_end(&watch);
        kvm_memory_destroy(&kvm);
        kvm_dirty_destroy(&kvm);
        memory_map_destroy(special);
        bare_machine_destroy(machine);
    }
}
