// SPDX-License-Identifier: MIT
// shown-pages ACCEL GIC: the pages that a display is told of are those that a virt board's guest has stored to; under KVM on a host with
// larger pages, all that are in one of those. Ends with 77 where the accelerator cannot be.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm-board.h"
#include "hw/core/ram-watch.h"

#define RAM UINT64_C(0x40000000)
#define CODE (RAM + 0x80000)
#define LIST (RAM + 0x90000)
#define DONE UINT64_C(0x0e000000)
enum { PAGES = 200, AT = 0x101000, MOST = 8 }; // from the RAM's beginning; at a multiple of no larger page

static struct arm_board board;
static struct ram_watch watch;
static uint64_t ram_offset;
static unsigned together; // pages of 4 KiB in one of those that are told of

static void done(void *opaque, struct mmio_access access, uint64_t value)
{
    (void)opaque, (void)access, (void)value;
    vcpu_kick(board.machine->vcpus.cpus[0]);
}

static uint64_t nothing(void *opaque, struct mmio_access access)
{
    (void)opaque, (void)access;
    return 0;
}

static const struct mmio_ops done_ops = {nothing, done, 4, 8, false};

static uint8_t *memory(uint64_t gpa)
{
    return memory_map_find(board.machine->map, RAM)->host + (gpa - RAM);
}

// Stores to the addresses of the list, says that it has, and begins anew.
static void load_program(void)
{
    static const uint32_t code[] = {
        0xd2a80121, // mov x1, #LIST
        0xf8408420, // ldr x0, [x1], #8
        0xb4000060, // cbz x0, 1f
        0xf9000000, // str x0, [x0]
        0x17fffffd, // b to the ldr
        0xd2a1c000, // 1: mov x0, #DONE
        0xb900001f, // str wzr, [x0]
        0x17fffff9, // b to the beginning
    };
    memcpy(memory(CODE), code, sizeof(code));
}

static void store(unsigned count, const uint64_t *pages)
{
    struct vcpu *vcpu = board.machine->vcpus.cpus[0];
    uint64_t list[MOST + 1] = {0};
    for (unsigned i = 0; i < count; i++)
        list[i] = RAM + AT + pages[i] * GUEST_PAGE_SIZE + 8;
    memcpy(memory(LIST), list, sizeof(list));
    atomic_store(&vcpu->exit_request, 0);
    vcpu->in_run = true;
    while (!atomic_load(&vcpu->exit_request))
        board.accel->ops->run(board.accel, vcpu);
    vcpu->in_run = false;
}

// Where stores may be under way, pages may be told of again. KVM knows of all.
static void settle(bool kvm)
{
    uint64_t dirty[(PAGES + 63) / 64];
    for (unsigned i = 0; i < 3 && !kvm; i++) {
        store(0, NULL);
        device_lock_acquire(&board.machine->lock);
        ram_watch_collect(&watch, 0, PAGES, dirty);
        device_lock_release(&board.machine->lock);
    }
}

// Each page of a larger one counts, as far as it is watched.
static void expect_collected(unsigned first, unsigned count, unsigned stores, const uint64_t *pages)
{
    uint64_t dirty[(PAGES + 63) / 64];
    device_lock_acquire(&board.machine->lock);
    ram_watch_collect(&watch, first, count, dirty);
    device_lock_release(&board.machine->lock);
    for (unsigned i = 0; i < count; i++) {
        bool wanted = false;
        for (unsigned n = 0; n < stores; n++)
            wanted |= (AT / GUEST_PAGE_SIZE + pages[n]) / together == (AT / GUEST_PAGE_SIZE + first + i) / together;
        if ((dirty[i / 64] >> (i % 64) & 1) == wanted)
            continue;
        fprintf(stderr, "FAIL: page %u is %stold of\n", first + i, wanted ? "not " : "");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static const uint64_t pages[] = {3, 70, 199, 120, 64};
    struct error error = {""};
    if (argc != 3)
        return 2;
    board = arm_board_create(argv[1], argv[2], 1);
    ram_offset = memory_map_find(board.machine->map, RAM)->ram_offset;
    bool kvm = !strcmp(argv[1], "kvm");
    together = kvm ? (unsigned)(sysconf(_SC_PAGESIZE) / GUEST_PAGE_SIZE) : 1;
    struct mem_region_desc place = {.name = "done", .base = DONE, .size = 0x1000, .kind = MEM_MMIO, .ops = &done_ops};
    if (!memory_map_add(board.machine->map, place, &error))
        return 2;
    load_program();
    device_lock_acquire(&board.machine->lock);
    ram_watch_begin(&watch, board.machine->ram, ram_offset + AT, PAGES * GUEST_PAGE_SIZE);
    device_lock_release(&board.machine->lock);
    arm_board_start(&board, CODE);
    settle(false); // all count at first
    expect_collected(0, PAGES, 0, NULL);
    store(3, pages);
    expect_collected(0, PAGES, 3, pages);
    settle(kvm);
    store(0, NULL);
    expect_collected(0, PAGES, 0, NULL);
    store(2, pages + 3);
    expect_collected(100, 100, 1, pages + 3); // a part
    expect_collected(0, 100, 1, pages + 4);
    settle(kvm);
    store(5, pages);
    expect_collected(0, PAGES, 5, pages);
    device_lock_acquire(&board.machine->lock);
    ram_watch_end(&watch);
    device_lock_release(&board.machine->lock);
    arm_board_destroy(&board);
    return 0;
}
