// SPDX-License-Identifier: MIT
// Single guest accesses: finds what is there, takes the device lock where the device wants it, and cuts or
// widens the access to what its handlers declare.
#include "hw/core/memory-map.h"

#include <inttypes.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/log.h"

// The largest aligned power of two at `offset` that does not pass `size` or what the device takes.
static unsigned piece_size(const struct mmio_ops *ops, uint64_t offset, unsigned size)
{
    unsigned piece = ops->max_size;
    while (piece > size || (offset & (piece - 1)))
        piece /= 2;
    return piece;
}

static uint64_t low_bytes(uint64_t value, unsigned size)
{
    return value & mask64(size * 8);
}

static uint64_t device_read(const struct mem_range *range, struct mem_requester who, uint64_t offset,
                            unsigned size)
{
    const struct mmio_ops *ops = range->ops;
    uint64_t value = 0;
    for (unsigned done = 0; done < size;) {
        unsigned piece = piece_size(ops, offset + done, size - done);
        unsigned wide = piece < ops->min_size ? ops->min_size : piece;
        uint64_t at = (offset + done) & ~(uint64_t)(wide - 1);
        unsigned shift = (unsigned)(offset + done - at) * 8;
        struct mmio_access access = {
            .offset = at, .cpu = who.cpu, .size = (uint8_t)wide, .secure = who.secure};
        value |= low_bytes(ops->read(range->opaque, access) >> shift, piece) << (done * 8);
        done += piece;
    }
    return value;
}

void mmio_ops_write(const struct mmio_ops *ops, void *opaque, struct mem_requester who, uint64_t offset, unsigned size,
                    uint64_t value)
{
    for (unsigned done = 0; done < size;) {
        unsigned piece = piece_size(ops, offset + done, size - done);
        unsigned wide = piece < ops->min_size ? ops->min_size : piece;
        uint64_t at = (offset + done) & ~(uint64_t)(wide - 1);
        unsigned shift = (unsigned)(offset + done - at) * 8;
        struct mmio_access access = {
            .offset = at, .cpu = who.cpu, .size = (uint8_t)wide, .secure = who.secure};
        ops->write(opaque, access, low_bytes(value >> (done * 8), piece) << shift);
        done += piece;
    }
}

static uint64_t range_read(struct memory_map *map, const struct mem_range *range, struct mem_requester who,
                           uint64_t offset, unsigned size)
{
    if (mem_range_direct_read(range))
        return load_le(range->host + offset, size);
    if (range->ops->own_lock)
        return device_read(range, who, range->region_offset + offset, size);
    device_lock_acquire(memory_map_lock(map));
    uint64_t value = device_read(range, who, range->region_offset + offset, size);
    device_lock_release(memory_map_lock(map));
    return value;
}

static void range_write(struct memory_map *map, const struct mem_range *range, struct mem_requester who,
                        uint64_t offset, unsigned size, uint64_t value)
{
    if (range->kind == MEM_RAM) {
        store_le(range->host + offset, size, value);
        guest_ram_wrote(memory_map_ram(map), range->ram_offset + offset, size);
    } else if (range->kind == MEM_ROM) {
        log_printf(LOG_GUEST_ERRORS, "memory: write to ROM at 0x%" PRIx64 " ignored\n", range->base + offset);
    } else if (range->ops->own_lock) {
        mmio_ops_write(range->ops, range->opaque, who, range->region_offset + offset, size, value);
    } else {
        device_lock_acquire(memory_map_lock(map));
        mmio_ops_write(range->ops, range->opaque, who, range->region_offset + offset, size, value);
        device_lock_release(memory_map_lock(map));
    }
}

// The part of an access at `gpa` that lies in `range`; for a hole, the part before anything else may begin.
static unsigned part_in(const struct mem_range *range, uint64_t gpa, unsigned size)
{
    if (!range)
        return 1;
    uint64_t left = range->size - (gpa - range->base);
    return left < size ? (unsigned)left : size;
}

static enum mem_result nothing_there(uint64_t gpa, unsigned size, const char *what)
{
    log_printf(LOG_GUEST_ERRORS, "memory: %u-byte %s at 0x%" PRIx64 ", where nothing is\n", size, what, gpa);
    return MEM_DECODE_ERROR;
}

enum mem_result memory_map_read(struct memory_map *map, struct mem_requester who, uint64_t gpa, unsigned size,
                                uint64_t *value)
{
    enum mem_result result = MEM_OK;
    *value = 0;
    for (unsigned done = 0; done < size;) {
        uint64_t at = gpa + done;
        const struct mem_range *range = memory_map_find(map, at);
        unsigned part = part_in(range, at, size - done);
        if (range)
            *value |= range_read(map, range, who, at - range->base, part) << (done * 8);
        else
            result = MEM_DECODE_ERROR;
        done += part;
    }
    return result == MEM_OK ? result : nothing_there(gpa, size, "read");
}

enum mem_result memory_map_write(struct memory_map *map, struct mem_requester who, uint64_t gpa,
                                 unsigned size, uint64_t value)
{
    enum mem_result result = MEM_OK;
    for (unsigned done = 0; done < size;) {
        uint64_t at = gpa + done;
        const struct mem_range *range = memory_map_find(map, at);
        unsigned part = part_in(range, at, size - done);
        if (range)
            range_write(map, range, who, at - range->base, part, value >> (done * 8));
        else
            result = MEM_DECODE_ERROR;
        done += part;
    }
    return result == MEM_OK ? result : nothing_there(gpa, size, "write");
}
