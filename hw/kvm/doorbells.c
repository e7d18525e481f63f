// SPDX-License-Identifier: MIT
// Doorbells (struct mem_doorbell) as eventfds (Documentation/virt/kvm/api.rst, 4.59): a store to one does not stop the vCPU, and
// the I/O thread calls the device. All eventfds are in one epoll set, so that the I/O loop has a single file descriptor more.
//
// What the maps no longer show is taken from the kernel before the map's change is over, since stores there may be for somebody
// else, and rings if it has been stored to. What they newly show is handed to the kernel by the I/O loop when it gets to it: stores
// come the slow way until then, and always where the kernel refuses or there are too many. So a guest that moves BARs all the time
// has the host do no more than that once in a round of the loop.
//
// Device lock held in all of this.
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "hw/kvm/internal.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum {
    DOORBELLS_MAX = 256, // each is a file descriptor, of which programs have 1024
    RINGS_MAX = 64,      // before the I/O loop looks at something else
};

struct doorbell {
    uint64_t address;
    struct mem_doorbell bell;
    const struct mmio_ops *ops;
    void *opaque;
    int fd; // -1: the kernel has refused it
};

struct doorbell_map {
    struct kvm_doorbells *owner;
    struct memory_map *map;
    bool ports;
    struct memory_map_listener listener;
    struct doorbell *list[DOORBELLS_MAX];
    unsigned count;
};

struct kvm_doorbells {
    const struct kvm_vm *vm;
    int epoll;
    struct io_task add;
    struct doorbell_map maps[2]; // memory, ports
    uint64_t rung;
};

static void ring(struct kvm_doorbells *self, struct doorbell *doorbell)
{
    uint64_t times;
    if (doorbell->fd < 0 || read(doorbell->fd, &times, sizeof(times)) != sizeof(times))
        return;
    self->rung++;
    mmio_ops_write(doorbell->ops, doorbell->opaque, (struct mem_requester){0}, doorbell->bell.offset, doorbell->bell.size,
                   doorbell->bell.value);
}

static bool same(const struct mem_doorbell *a, const struct mem_doorbell *b)
{
    return a->offset == b->offset && a->size == b->size && a->any_value == b->any_value && a->value == b->value;
}

// Whether the range shows the doorbell, and where.
static bool shows(const struct mem_range *range, const struct mem_doorbell *bell, uint64_t *address)
{
    *address = range->base + (bell->offset - range->region_offset);
    return bell->offset >= range->region_offset && range_inside(bell->offset - range->region_offset, bell->size, range->size);
}

static bool is_shown(const struct doorbell_map *map, const struct doorbell *doorbell)
{
    const struct mem_range *range = memory_map_find(map->map, doorbell->address);
    if (!range || range->ops != doorbell->ops || range->opaque != doorbell->opaque)
        return false;
    unsigned count;
    const struct mem_doorbell *bells = mem_range_doorbells(range, &count);
    uint64_t address;
    for (unsigned i = 0; i < count; i++)
        if (same(&bells[i], &doorbell->bell))
            return shows(range, &bells[i], &address) && address == doorbell->address;
    return false;
}

static bool has(const struct doorbell_map *map, const struct mem_range *range, const struct mem_doorbell *bell, uint64_t address)
{
    for (unsigned i = 0; i < map->count; i++) {
        const struct doorbell *doorbell = map->list[i];
        if (doorbell->address == address && same(&doorbell->bell, bell) && doorbell->opaque == range->opaque)
            return true;
    }
    return false;
}

static int tell_kernel(const struct doorbell_map *map, const struct doorbell *doorbell, bool on)
{
    struct kvm_ioeventfd event = {.addr = doorbell->address,
                                  .len = doorbell->bell.size,
                                  .fd = doorbell->fd,
                                  .datamatch = doorbell->bell.value,
                                  .flags = (doorbell->bell.any_value ? 0 : KVM_IOEVENTFD_FLAG_DATAMATCH) |
                                           (map->ports ? KVM_IOEVENTFD_FLAG_PIO : 0) |
                                           (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN)};
    return ioctl(map->owner->vm->fd, KVM_IOEVENTFD, &event);
}

static void add(struct doorbell_map *map, const struct mem_range *range, const struct mem_doorbell *bell, uint64_t address)
{
    struct doorbell *doorbell = ALLOC(struct doorbell);
    *doorbell = (struct doorbell){address, *bell, range->ops, range->opaque, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    struct epoll_event ready = {.events = EPOLLIN, .data.ptr = doorbell};
    map->list[map->count++] = doorbell;
    if (doorbell->fd >= 0 && !epoll_ctl(map->owner->epoll, EPOLL_CTL_ADD, doorbell->fd, &ready) &&
        !tell_kernel(map, doorbell, true))
        return;
    if (doorbell->fd >= 0)
        close(doorbell->fd);
    doorbell->fd = -1;
}

static void add_range(struct doorbell_map *map, const struct mem_range *range)
{
    unsigned count;
    const struct mem_doorbell *bells = mem_range_doorbells(range, &count);
    uint64_t address;
    for (unsigned i = 0; i < count && map->count < DOORBELLS_MAX; i++)
        if (shows(range, &bells[i], &address) && !has(map, range, &bells[i], address))
            add(map, range, &bells[i], address);
}

static void add_shown(void *opaque)
{
    struct kvm_doorbells *self = opaque;
    for (unsigned i = 0; i < ARRAY_SIZE(self->maps); i++) {
        struct doorbell_map *map = &self->maps[i];
        const struct mem_range *range = map->map ? memory_map_next(map->map, 0) : NULL;
        for (; range; range = range->base + range->size ? memory_map_next(map->map, range->base + range->size) : NULL)
            add_range(map, range);
    }
}

static void drop(struct doorbell_map *map, unsigned index)
{
    struct doorbell *doorbell = map->list[index];
    map->list[index] = map->list[--map->count];
    if (doorbell->fd >= 0) {
        tell_kernel(map, doorbell, false);
        ring(map->owner, doorbell);
        epoll_ctl(map->owner->epoll, EPOLL_CTL_DEL, doorbell->fd, NULL);
        close(doorbell->fd);
    }
    free(doorbell);
}

static void changed(void *opaque, uint64_t base, uint64_t size)
{
    struct doorbell_map *map = opaque;
    (void)base;
    (void)size;
    for (unsigned i = map->count; i--;)
        if (!is_shown(map, map->list[i]))
            drop(map, i);
    io_loop_post(map->owner->vm->machine->loop, &map->owner->add);
}

// One at a time: what a device does may take others away.
static void rung(void *opaque, unsigned events)
{
    struct kvm_doorbells *self = opaque;
    struct epoll_event ready;
    (void)events;
    for (unsigned i = 0; i < RINGS_MAX && epoll_wait(self->epoll, &ready, 1, 0) == 1; i++)
        ring(self, ready.data.ptr);
}

void kvm_doorbells_flush(struct kvm_doorbells *self)
{
    // As many as there can be: none is rung by a guest that has stopped.
    for (unsigned i = 0; self && i < 2 * DOORBELLS_MAX; i += RINGS_MAX)
        rung(self, IO_READ);
}

struct kvm_doorbells *kvm_doorbells_create(const struct kvm_vm *vm, struct memory_map *ports)
{
    int epoll = kvm_capability(vm, KVM_CAP_IOEVENTFD) > 0 ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (epoll < 0)
        return NULL;
    struct kvm_doorbells *self = ALLOC(struct kvm_doorbells);
    self->vm = vm;
    self->epoll = epoll;
    io_task_init(&self->add, add_shown, self);
    for (unsigned i = 0; i < ARRAY_SIZE(self->maps); i++) {
        struct doorbell_map *map = &self->maps[i];
        map->owner = self;
        map->ports = i;
        map->map = map->ports ? ports : vm->machine->map;
        map->listener = (struct memory_map_listener){.changed = changed, .opaque = map};
        if (map->map)
            memory_map_listen(map->map, &map->listener);
    }
    io_watch_add(vm->machine->loop, epoll, IO_READ, rung, self);
    io_loop_post(vm->machine->loop, &self->add);
    return self;
}

void kvm_doorbells_destroy(struct kvm_doorbells *self)
{
    if (!self)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(self->maps); i++)
        for (unsigned n = 0; n < self->maps[i].count; n++) {
            if (self->maps[i].list[n]->fd >= 0)
                close(self->maps[i].list[n]->fd);
            free(self->maps[i].list[n]);
        }
    close(self->epoll);
    free(self);
}

void kvm_doorbells_print(const struct kvm_doorbells *self, FILE *out)
{
    unsigned slow = 0;
    if (!self)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(self->maps); i++)
        for (unsigned n = 0; n < self->maps[i].count; n++)
            slow += self->maps[i].list[n]->fd < 0;
    fprintf(out, "doorbells: %u in memory, %u in ports, %u refused, rung %llu times\n", self->maps[0].count,
            self->maps[1].count, slow, (unsigned long long)self->rung);
}
