// SPDX-License-Identifier: MIT
// shown-stores ACCEL IMAGE TIMES: two processors store all the time (programs/shown-stores.S) into memory that is watched as a
// display's is. What a processor says it has stored before pages are collected must be in the copies that are made of dirty pages,
// and of no others.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm-machine.h"
#include "hw/core/guest-ram.h"
#include "hw/core/ram-watch.h"

// As in the program.
enum { IMAGE_AT = 0x40080000, IMAGE_MAX = 1 << 16, PAGES_AT = 0x40800000, SAID = 0x40600000, STOP = 0x40601000 };
enum { CPUS = 2, PAGES = 1024, SLOT_BYTES = 16, SLOTS_OF_PAGE = 256, NUMBER_BITS = 40 };

struct watcher {
    struct arm_machine *m;
    unsigned times;
    uint64_t shadow[PAGES * SLOTS_OF_PAGE][CPUS];
    uint64_t dirty_pages;
    bool failed;
};

static void copy_page(struct watcher *w, unsigned page)
{
    const uint64_t *from = test_machine_ram(&w->m->base, PAGES_AT + page * GUEST_PAGE_SIZE);
    for (unsigned i = 0; i < SLOTS_OF_PAGE * CPUS; i++)
        w->shadow[page * SLOTS_OF_PAGE + i / CPUS][i % CPUS] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static void look(struct watcher *w, struct ram_watch *watch)
{
    uint64_t said[CPUS], dirty[PAGES / 64];
    for (unsigned i = 0; i < CPUS; i++)
        said[i] = __atomic_load_n((uint64_t *)test_machine_ram(&w->m->base, SAID + 8 * i), __ATOMIC_ACQUIRE);
    struct device_lock *lock = &w->m->base.machine->lock;
    device_lock_acquire(lock);
    ram_watch_collect(watch, 0, PAGES, dirty);
    device_lock_release(lock);
    for (unsigned page = 0; page < PAGES; page++)
        if (dirty[page / 64] >> (page % 64) & 1) {
            copy_page(w, page);
            w->dirty_pages++;
        }
    for (unsigned i = 0; i < CPUS; i++) {
        uint64_t number = said[i] & ((UINT64_C(1) << NUMBER_BITS) - 1), slot = said[i] >> NUMBER_BITS;
        if (w->shadow[slot][i] >= number)
            continue;
        printf("processor %u had stored %llu in page %llu, the copy has %llu\n", i, (unsigned long long)number,
               (unsigned long long)(slot / SLOTS_OF_PAGE), (unsigned long long)w->shadow[slot][i]);
        w->failed = true;
    }
}

static void *watch_all(void *opaque)
{
    struct watcher *w = opaque;
    struct ram_watch watch = {0};
    struct machine *machine = w->m->base.machine;
    device_lock_acquire(&machine->lock);
    ram_watch_begin(&watch, machine->ram, w->m->base.ram_offset + PAGES_AT - ARM_MACHINE_RAM, PAGES * GUEST_PAGE_SIZE);
    device_lock_release(&machine->lock);
    for (unsigned i = 0; i < w->times && !w->failed; i++)
        look(w, &watch);
    __atomic_store_n((uint64_t *)test_machine_ram(&w->m->base, STOP), 1, __ATOMIC_RELEASE);
    device_lock_acquire(&machine->lock);
    ram_watch_end(&watch);
    device_lock_release(&machine->lock);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: shown-stores ACCEL IMAGE TIMES\n");
        return 2;
    }
    struct arm_machine *m = arm_machine_create_smp(argv[1], "max", 0, CPUS);
    FILE *image = fopen(argv[2], "rb");
    if (!image || !fread(test_machine_ram(&m->base, IMAGE_AT), 1, IMAGE_MAX, image)) {
        perror(argv[2]);
        return 2;
    }
    fclose(image);
    uint64_t rounds = strncmp(argv[1], "interp", 6) ? 5000 : 300;
    memcpy(test_machine_ram(&m->base, STOP + 8), &rounds, sizeof(rounds));
    struct watcher *w = calloc(1, sizeof(*w));
    pthread_t thread;
    w->m = m;
    w->times = (unsigned)atoi(argv[3]);
    pthread_create(&thread, NULL, watch_all, w);
    bool ended = arm_machine_run_all(m, IMAGE_AT);
    pthread_join(thread, NULL);
    uint64_t all = (uint64_t)w->times * PAGES;
    printf("%u looks, %.1f %% of pages dirty\n", w->times, 100.0 * (double)w->dirty_pages / (double)all);
    // The processors store all the time, but not everywhere.
    int status = !ended || w->failed || w->dirty_pages < w->times || w->dirty_pages == all;
    free(w);
    arm_machine_destroy(m);
    return status;
}
