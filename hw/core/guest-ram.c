// SPDX-License-Identifier: MIT
// The guest's memory object.
#include "hw/core/guest-ram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

// As large as pages of hosts are, which show them to a guest as they are.
enum { CARVED_BYTES = 64 << 10 };

static void *reserve(int fd, uint64_t bytes)
{
    int flags = MAP_NORESERVE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

int guest_ram_create(uint64_t capacity, struct guest_ram **result, struct error *error)
{
    uint64_t mib = capacity >> 20;
    if (capacity == 0 || capacity > (UINT64_C(1) << 46))
        return error_set(error, EINVAL, "guest memory of %llu MiB is out of range", (unsigned long long)mib);
    capacity = round_up(capacity, CARVED_BYTES);

    struct guest_ram *ram = ALLOC(struct guest_ram);
    ram->size = capacity;
    ram->fd = memfd_create("guest-ram", MFD_CLOEXEC);
    if (ram->fd < 0 || ftruncate(ram->fd, (off_t)capacity))
        goto fail;
    ram->host = reserve(ram->fd, capacity);
    // Flags are touched only where the guest has code, so they are reserved in the same way.
    ram->page_flags = (_Atomic uint8_t *)(ram->host ? reserve(-1, capacity >> GUEST_PAGE_BITS) : NULL);
    if (!ram->page_flags)
        goto fail;
    // Fewer host TLB misses; refused by hosts without huge pages in shared memory, which is fine.
    (void)madvise(ram->host, capacity, MADV_HUGEPAGE);
    *result = ram;
    return 0;

fail:;
    int code = errno ? errno : ENOMEM;
    guest_ram_destroy(ram);
    return error_set(error, code, "cannot reserve %llu MiB of guest memory: %s", (unsigned long long)mib,
                     strerror(code));
}

void guest_ram_destroy(struct guest_ram *ram)
{
    if (!ram)
        return;
    if (ram->page_flags)
        munmap((void *)ram->page_flags, ram->size >> GUEST_PAGE_BITS);
    if (ram->host)
        munmap(ram->host, ram->size);
    if (ram->fd >= 0)
        close(ram->fd);
    free(ram);
}

int guest_ram_carve(struct guest_ram *ram, uint64_t bytes, uint64_t *ram_offset, struct error *error)
{
    if (!range_inside(ram->used, bytes, ram->size))
        return error_set(error, ENOMEM, "guest memory object of %llu MiB is full",
                         (unsigned long long)(ram->size >> 20));
    *ram_offset = ram->used;
    ram->used = round_up(ram->used + bytes, CARVED_BYTES);
    return 0;
}

void guest_ram_zero(struct guest_ram *ram, uint64_t ram_offset, uint64_t length)
{
    if (!range_inside(ram_offset, length, ram->size) || !length)
        return;
    bool whole = ((ram_offset | length) & (GUEST_PAGE_SIZE - 1)) == 0;
    if (!whole || madvise(ram->host + ram_offset, length, MADV_REMOVE))
        memset(ram->host + ram_offset, 0, length);
    guest_ram_wrote(ram, ram_offset, length);
}

void guest_ram_set_code_write(struct guest_ram *ram, guest_ram_code_write_fn *fn, void *opaque)
{
    ram->code_write_opaque = opaque;
    ram->code_write = fn;
}

void guest_ram_set_watch_ops(struct guest_ram *ram, const struct guest_ram_watch_ops *ops, void *opaque)
{
    ram->watch_opaque = opaque;
    ram->watch_ops = ops;
}

void guest_ram_wrote(struct guest_ram *ram, uint64_t ram_offset, uint64_t length)
{
    if (!length)
        return;
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t first = ram_offset >> GUEST_PAGE_BITS, last = (ram_offset + length - 1) >> GUEST_PAGE_BITS;
    for (uint64_t page = first; page <= last; page++) {
        uint8_t flags = atomic_load_explicit(&ram->page_flags[page], memory_order_relaxed);
        if ((flags & (PAGE_SHOWN | PAGE_DIRTY)) == PAGE_SHOWN)
            atomic_fetch_or(&ram->page_flags[page], PAGE_DIRTY);
        if (!(flags & PAGE_CODE) || !ram->code_write)
            continue;
        uint64_t start = page << GUEST_PAGE_BITS, end = start + GUEST_PAGE_SIZE;
        if (start < ram_offset)
            start = ram_offset;
        if (end > ram_offset + length)
            end = ram_offset + length;
        ram->code_write(ram->code_write_opaque, start, end - start);
    }
}
