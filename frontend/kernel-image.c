// SPDX-License-Identifier: MIT
// Where in guest memory a kernel may be. None of it is searched in vain: the places come from the page tables in use.
//
//   AArch64   Documentation/arch/arm64/booting.rst of Linux: an image begins with a header that has "ARM\x64" at 56 and its
//             size at 16. From an address in its code it is found downwards, until the kernel gives it back after its start.
//   x86-64    Documentation/arch/x86/x86_64/mm.rst: the kernel is mapped between 2 and 1 GiB below the end of the address
//             space, in units of 2 MiB, and nothing else is.
//   i386      all memory is mapped at 0xc0000000 or lower, the kernel somewhere in it: only its addresses tell.
#include "frontend/kernel-private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static const uint64_t MIB = 1 << 20;
static const uint64_t X86_64_AREA = UINT64_C(0xffffffff80000000), X86_64_AREA_BYTES = UINT64_C(1) << 30;
// What a kernel has around an address of its code.
enum { BEFORE_MIB = 32, BEHIND_MIB = 96, LARGEST_MIB = 256 };

bool kernel_address(enum kernel_arch arch, uint64_t gva)
{
    switch (arch) {
    case KERNEL_ARM64:
        return gva >> 63;
    case KERNEL_X86_64:
        return gva >= X86_64_AREA && gva - X86_64_AREA < X86_64_AREA_BYTES;
    case KERNEL_I386:
        break;
    }
    return gva >= 0x40000000 && gva <= UINT32_MAX;
}

static bool is_ram(const struct kernel_memory *memory, uint64_t gpa)
{
    for (unsigned i = 0; i < memory->ram_count; i++)
        if (gpa - memory->ram[i].gpa < memory->ram[i].bytes)
            return true;
    return false;
}

// Cuts the image to the memory that its address `inside` is in.
static bool clip(struct kernel_image *image, uint64_t inside)
{
    const struct kernel_memory *memory = image->memory;
    for (unsigned i = 0; i < memory->ram_count; i++) {
        uint64_t start = memory->ram[i].gpa, bytes = memory->ram[i].bytes;
        if (inside - start >= bytes)
            continue;
        if (image->gpa < start) {
            uint64_t less = start - image->gpa;
            if (less >= image->size)
                return false;
            image->gpa += less;
            image->gva += less;
            image->size -= less;
        }
        if (image->size > start + bytes - image->gpa)
            image->size = start + bytes - image->gpa;
        return true;
    }
    return false;
}

// Whether it is a place that was not known before.
static bool add(struct kernel_image *places, unsigned *count, struct kernel_image place, uint64_t inside)
{
    if (*count == KERNEL_MAX_PLACES || !place.size || !clip(&place, inside))
        return false;
    for (unsigned i = 0; i < *count; i++)
        if (place.gpa < places[i].gpa + places[i].size && places[i].gpa < place.gpa + place.size)
            return false;
    places[(*count)++] = place;
    return true;
}

uint64_t kernel_image_header(const struct kernel_memory *memory, uint64_t gpa)
{
    enum { SIZE_AT = 16, MAGIC_AT = 56, HEADER_BYTES = 64 };
    uint8_t header[HEADER_BYTES];
    if (!memory->read_physical(memory->opaque, gpa, header, sizeof(header)) || memcmp(header + MAGIC_AT, "ARM\x64", 4))
        return 0;
    uint64_t bytes = load_le64(header + SIZE_AT);
    return bytes <= LARGEST_MIB * MIB ? bytes : 0;
}

static void around(const struct kernel_memory *memory, uint64_t gva, uint64_t gpa, struct kernel_image *places,
                   unsigned *count)
{
    uint64_t before = BEFORE_MIB * MIB + (gva & (MIB - 1));
    if (before > gpa)
        before = gpa;
    if (before > gva)
        before = gva;
    uint64_t size = before + BEHIND_MIB * MIB, space = memory->arch == KERNEL_I386 ? BIT64(32) - (gva - before) : size;
    size = size < space ? size : space;
    add(places, count, (struct kernel_image){memory, gpa - before, gva - before, true, false, size, 0, NULL}, gpa);
}

static void arm64_below(const struct kernel_memory *memory, uint64_t gva, uint64_t inside, struct kernel_image *places,
                        unsigned *count)
{
    enum { STEP = 64 << 10 };
    uint64_t first = inside & ~(uint64_t)(STEP - 1);
    for (uint64_t back = 0; back <= BEHIND_MIB * MIB && back <= first; back += STEP) {
        uint64_t gpa = first - back, bytes = kernel_image_header(memory, gpa);
        if (bytes <= inside - gpa)
            continue;
        add(places, count, (struct kernel_image){memory, gpa, gva - (inside - gpa), true, true, bytes, 0, NULL}, gpa);
        return;
    }
    around(memory, gva, inside, places, count);
}

// Without an address in it: where loaders put kernels.
static void arm64_anywhere(const struct kernel_memory *memory, struct kernel_image *places, unsigned *count)
{
    enum { UNIT = 2 << 20, OLD_OFFSET = 0x80000, MOST = 1 << 14 };
    unsigned looked_at = 0;
    for (unsigned i = 0; i < memory->ram_count; i++) {
        uint64_t start = round_up(memory->ram[i].gpa, UNIT), end = memory->ram[i].gpa + memory->ram[i].bytes;
        for (uint64_t gpa = start; gpa < end && end - gpa >= UNIT && looked_at < MOST; gpa += UNIT, looked_at++) {
            uint64_t at = gpa, bytes = kernel_image_header(memory, gpa);
            if (!bytes)
                bytes = kernel_image_header(memory, at = gpa + OLD_OFFSET);
            if (bytes)
                add(places, count, (struct kernel_image){memory, at, 0, false, true, bytes, 0, NULL}, at);
        }
    }
}

// What is mapped as `gva` is. Parts of it may be missing: the kernel gives its start-up code back.
static void x86_64_area(const struct kernel_memory *memory, uint64_t gva, uint64_t gpa, struct kernel_image *places,
                        unsigned *count)
{
    enum { UNIT = 2 << 20 };
    uint64_t low = UINT64_MAX, high = 0;
    for (uint64_t at = X86_64_AREA; at - X86_64_AREA < X86_64_AREA_BYTES; at += UNIT) {
        uint64_t found;
        if (!kernel_translate(memory, at, &found) || found - at != gpa - gva)
            continue;
        low = at < low ? at : low;
        high = at + UNIT;
    }
    // Page tables for user code hold little of the kernel.
    enum { WHOLE_MIB = 8 };
    if (low <= gva && gva < high && high - low >= WHOLE_MIB * MIB && high - low <= LARGEST_MIB * MIB)
        add(places, count, (struct kernel_image){memory, gpa - (gva - low), low, true, false, high - low, 0, NULL}, gpa);
    else
        around(memory, gva, gpa, places, count);
}

static void from_address(const struct kernel_memory *memory, uint64_t gva, struct kernel_image *places, unsigned *count)
{
    uint64_t gpa;
    if (!kernel_address(memory->arch, gva) || !kernel_translate(memory, gva, &gpa) ||
        !is_ram(memory, gpa))
        return;
    for (unsigned i = 0; i < *count; i++)
        if (gpa - places[i].gpa < places[i].size)
            return;
    switch (memory->arch) {
    case KERNEL_ARM64:
        arm64_below(memory, gva, gpa, places, count);
        break;
    case KERNEL_X86_64:
        x86_64_area(memory, gva, gpa, places, count);
        break;
    case KERNEL_I386:
        around(memory, gva, gpa, places, count);
        break;
    }
}

unsigned kernel_image_places(const struct kernel_memory *memory, struct kernel_image places[KERNEL_MAX_PLACES])
{
    enum { X86_UNIT = 2 << 20, MOST_HINTS = 16 };
    unsigned count = 0;
    for (unsigned i = 0; i < memory->hint_count && i < MOST_HINTS; i++)
        from_address(memory, memory->hints[i], places, &count);
    if (memory->arch == KERNEL_ARM64 && !count)
        arm64_anywhere(memory, places, &count);
    if (memory->arch == KERNEL_I386)
        from_address(memory, 0xc1000000, places, &count);
    for (uint64_t at = 0; memory->arch == KERNEL_X86_64 && !count && at < X86_64_AREA_BYTES; at += X86_UNIT)
        from_address(memory, X86_64_AREA + at, places, &count);
    return count;
}

bool kernel_image_load(struct kernel_image *image, size_t until)
{
    enum { STEP = 64 << 10, HUGE_PAGE = 2 << 20 };
    if (!image->bytes) {
        image->bytes = aligned_alloc(HUGE_PAGE, round_up(image->size, HUGE_PAGE));
        if (!image->bytes)
            return false;
        // A third of the time goes into faults otherwise.
        (void)madvise(image->bytes, image->size, MADV_HUGEPAGE);
    }
    if (until > image->size)
        until = image->size;
    while (image->loaded < until) {
        size_t bytes = image->size - image->loaded < STEP ? image->size - image->loaded : STEP;
        uint8_t *to = image->bytes + image->loaded;
        if (!image->memory->read_physical(image->memory->opaque, image->gpa + image->loaded, to, bytes))
            memset(to, 0, bytes);
        image->loaded += bytes;
    }
    return true;
}

void kernel_image_free(struct kernel_image *image)
{
    free(image->bytes);
    image->bytes = NULL;
    image->loaded = 0;
}

bool kernel_image_find(const struct kernel_image *image, uint64_t gva, size_t bytes, size_t *offset)
{
    uint64_t at = gva - image->gva;
    if (!image->gva_known || !range_inside(at, bytes, image->loaded))
        return false;
    *offset = at;
    return true;
}
