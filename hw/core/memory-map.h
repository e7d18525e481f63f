// SPDX-License-Identifier: MIT
// The guest physical memory map. Regions are added and removed by value; the map keeps a sorted flat table of
// non-overlapping ranges which is rebuilt on each change, published by one atomic pointer and read without a
// lock. Old tables and the regions in them stay valid until memory_map_reclaim, which is for moments when no vCPU runs.
//
// Where regions overlap, the higher priority wins, then the one added last.
//
// Device handlers see only aligned accesses of the sizes they declare: the map splits wide and odd accesses
// (low addresses first) and widens narrow ones (a narrow write reaches the device as one write of its least
// size in which the other byte lanes are zero). Byte order is little-endian.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hw/core/device-lock.h"
#include "hw/core/guest-ram.h"
#include "tcg/base/error.h"

enum mem_kind {
    MEM_RAM,        // read and written directly
    MEM_ROM,        // read directly; guest writes are dropped with a guest-error line
    MEM_MMIO,       // handlers only
    MEM_ROM_DEVICE, // flash: writes go to handlers, reads are direct in array mode and else go to handlers
};

struct mmio_access {
    uint64_t offset; // from the region's base
    uint16_t cpu;    // index of the vCPU that asks
    uint8_t size;    // 1, 2, 4 or 8
    bool secure;     // made in the Secure state
};

// A device's handlers. They cannot fail: what hardware answers to a bad offset is the device's knowledge
// (most read zero and ignore writes, and log a guest error).
struct mmio_ops {
    uint64_t (*read)(void *opaque, struct mmio_access access);
    void (*write)(void *opaque, struct mmio_access access, uint64_t value);
    uint8_t min_size, max_size; // sizes the handlers understand, powers of two
    bool own_lock;              // called without the device lock; the device takes what it needs
};

// A place in a region where a store of this size (and value) only notifies the device, which need not act at once and does not
// care who it was: an engine may have the I/O thread call the write handler, with the lock, offset, size and value that the store
// has, a little later. Stores that are made again before it does so count once. Not for handlers with their own lock.
struct mem_doorbell {
    uint32_t offset;
    uint8_t size;    // one that the handlers understand
    bool any_value;  // whatever is stored there, and the handler is called with `value`
    uint32_t value;
};

// What a board or device wants mapped. Passed by value; `name` and `ops` must outlive the region.
struct mem_region_desc {
    const char *name;
    uint64_t base, size;
    enum mem_kind kind;
    int priority;
    uint64_t ram_offset; // RAM, ROM, ROM_DEVICE: where its bytes are in the guest RAM object, page aligned
    const struct mmio_ops *ops;
    void *opaque;
    const struct mem_doorbell *doorbells; // must outlive the region
    unsigned doorbell_count;
    // Stores do nothing but change what is read there or shown, so an engine may hold them back: until the processor that makes
    // them accesses any device, or somebody needs to see them (accel_ops.flush). Not for handlers with their own lock.
    bool stores_may_wait;
};

struct mem_region; // a mapped region, by which it is changed and removed

// One run of the flat table. `host` and `page_flags` point at the range's first byte and first page.
struct mem_range {
    uint64_t base, size;
    enum mem_kind kind;
    uint8_t *host;               // NULL for MMIO
    _Atomic uint8_t *page_flags; // NULL for MMIO
    uint64_t ram_offset;
    uint64_t region_offset; // of `base` in its region
    const struct mmio_ops *ops;
    void *opaque;
    const struct mem_region *region;
};

// Who makes an access, as far as devices can tell.
struct mem_requester {
    uint16_t cpu;
    bool secure;
};

enum mem_result {
    MEM_OK,
    MEM_DECODE_ERROR, // nothing there: the guest takes an external abort
};

struct memory_map;

struct memory_map *memory_map_create(struct guest_ram *ram, struct device_lock *lock);
// A map that shows all of `base` (and follows its changes) with its own regions on top, whatever the
// priorities: memory as seen in a special mode of a CPU. To be destroyed before `base`.
struct memory_map *memory_map_create_view(struct memory_map *base);
void memory_map_destroy(struct memory_map *map);
struct guest_ram *memory_map_ram(struct memory_map *map);
struct device_lock *memory_map_lock(struct memory_map *map);

// Adds a region and rebuilds the table; calls the listeners. NULL with a message when the description is bad
// (no size, past the end of the address space, RAM that is not page aligned or not inside the object).
struct mem_region *memory_map_add(struct memory_map *map, struct mem_region_desc desc, struct error *error);
// Removes it and frees the region. Threads that looked the range up before may finish their access.
void memory_map_remove(struct memory_map *map, struct mem_region *region);
// ROM_DEVICE: whether reads go straight to memory. Costs no rebuild; the listeners are called.
void memory_map_set_direct_read(struct memory_map *map, struct mem_region *region, bool direct);
// The region has these doorbells from now on, which must outlive it or the next call. The listeners are called.
void memory_map_set_doorbells(struct memory_map *map, struct mem_region *region, const struct mem_doorbell *doorbells,
                              unsigned count);

// The range that covers `gpa`, or NULL. Lock free, from any thread; used by the soft TLB's slow path.
const struct mem_range *memory_map_find(struct memory_map *map, uint64_t gpa);
// The range that covers `gpa`, or else the first one behind it; NULL when there is none.
const struct mem_range *memory_map_next(struct memory_map *map, uint64_t gpa);
// Whether loads (or stores) to this range may go straight to `host`.
bool mem_range_direct_read(const struct mem_range *range);
bool mem_range_direct_write(const struct mem_range *range);
// Doorbells of the range's region, some of which may be outside the range. Device lock held.
const struct mem_doorbell *mem_range_doorbells(const struct mem_range *range, unsigned *count);
// Of the range's region: stores_may_wait.
bool mem_range_stores_may_wait(const struct mem_range *range);
// Changes whenever the table does, so that cached lookups can be checked.
uint64_t memory_map_generation(struct memory_map *map);
// Frees tables that were replaced. Only while no other thread reads the map or a view of it.
void memory_map_reclaim(struct memory_map *map);
// `crowded` is called when many tables wait to be freed, which a guest can bring about: on the thread that
// changed the map, which still reads it.
void memory_map_set_crowded(struct memory_map *map, void (*crowded)(void *opaque), void *opaque);

// The first of the pieces that an access of `left` bytes is made in, as the two functions below take them.
static inline unsigned memory_access_piece(unsigned left)
{
    return left >= 8 ? 8 : left & (left - 1) ? 1 : left;
}

// One guest access of 1, 2, 4 or 8 bytes to any kind of range, MMIO included; may cross ranges and be
// unaligned. Takes the device lock around handlers that want it, so the caller must not hold it. When part of
// the access decodes to nothing the result is MEM_DECODE_ERROR and *value has zeroes there.
enum mem_result memory_map_read(struct memory_map *map, struct mem_requester who, uint64_t gpa, unsigned size,
                                uint64_t *value);
enum mem_result memory_map_write(struct memory_map *map, struct mem_requester who, uint64_t gpa,
                                 unsigned size, uint64_t value);

// A store handed to a device's handlers, cut or widened to what they take; with the lock that they want.
void mmio_ops_write(const struct mmio_ops *ops, void *opaque, struct mem_requester who, uint64_t offset, unsigned size,
                    uint64_t value);

// Called after each change, on the thread that made it, with the device lock held or before vCPUs run. A soft
// TLB must forget what it cached about [base, base + size).
struct memory_map_listener {
    void (*changed)(void *opaque, uint64_t base, uint64_t size);
    void *opaque;
    struct memory_map_listener *next; // the map's
};
void memory_map_listen(struct memory_map *map, struct memory_map_listener *listener);

// The flat table, one range a line, as `info mtree` shows it.
void memory_map_print(struct memory_map *map, FILE *out);
