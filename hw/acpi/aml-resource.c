// SPDX-License-Identifier: MIT
// Resource descriptors (ACPI 6.3, section 6.4). A template is a buffer whose size is only known at its end.
#include "hw/acpi/aml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

enum {
    END_TAG = 0x79,
    SMALL_IRQ = 0x22,
    SMALL_DMA = 0x2a,
    SMALL_IO = 0x47,
    LARGE_MEMORY32_FIXED = 0x86,
    LARGE_DWORD_WINDOW = 0x87,
    LARGE_WORD_WINDOW = 0x88,
    LARGE_INTERRUPT = 0x89,
    LARGE_QWORD_WINDOW = 0x8a,
};

enum window_type { WINDOW_MEMORY = 0, WINDOW_IO = 1, WINDOW_BUS = 2 };

// A producer, positively decoded, with fixed first and last addresses.
enum { WINDOW_FLAGS = 0x0c, WINDOW_IO_ENTIRE = 3, WINDOW_READ_WRITE = 1, WINDOW_CACHEABLE = 1 << 1 };

void aml_resources(struct aml *aml)
{
    aml_byte(aml, 0x11); // BufferOp
    assert(aml->depth < AML_DEPTH_MAX);
    aml->open[aml->depth++] = aml->size;
}

void aml_resources_end(struct aml *aml)
{
    aml_byte(aml, END_TAG);
    aml_byte(aml, 0); // no checksum
    // The size goes between the package length and the descriptors.
    size_t at = aml->open[aml->depth - 1], bytes = aml->size - at;
    uint8_t *descriptors = ALLOC_ARRAY(uint8_t, bytes);
    memcpy(descriptors, aml->data + at, bytes);
    aml->size = at;
    aml_integer(aml, bytes);
    aml_bytes(aml, descriptors, bytes);
    free(descriptors);
    aml_end(aml);
}

void aml_resource_io(struct aml *aml, uint16_t base, uint8_t length)
{
    aml_byte(aml, SMALL_IO);
    aml_byte(aml, 1); // 16 address bits
    aml_le(aml, base, 2);
    aml_le(aml, base, 2);
    aml_byte(aml, 1);
    aml_byte(aml, length);
}

void aml_resource_irq(struct aml *aml, unsigned irq)
{
    aml_byte(aml, SMALL_IRQ);
    aml_le(aml, UINT64_C(1) << irq, 2);
}

void aml_resource_dma(struct aml *aml, unsigned channel)
{
    aml_byte(aml, SMALL_DMA);
    aml_byte(aml, (uint8_t)(1 << channel));
    aml_byte(aml, 0); // at ISA's speed, no bus master
}

void aml_resource_interrupt(struct aml *aml, const uint32_t *gsis, unsigned count)
{
    aml_byte(aml, LARGE_INTERRUPT);
    aml_le(aml, 2 + 4 * count, 2);
    aml_byte(aml, 0x09); // consumer, shared
    aml_byte(aml, (uint8_t)count);
    for (unsigned i = 0; i < count; i++)
        aml_le(aml, gsis[i], 4);
}

void aml_resource_memory(struct aml *aml, uint32_t base, uint32_t length, bool writable)
{
    aml_byte(aml, LARGE_MEMORY32_FIXED);
    aml_le(aml, 9, 2);
    aml_byte(aml, writable);
    aml_le(aml, base, 4);
    aml_le(aml, length, 4);
}

static void window(struct aml *aml, unsigned bytes, enum window_type type, uint8_t type_flags, uint64_t first,
                   uint64_t last)
{
    aml_byte(aml, bytes == 2 ? LARGE_WORD_WINDOW : bytes == 4 ? LARGE_DWORD_WINDOW : LARGE_QWORD_WINDOW);
    aml_le(aml, 3 + 5 * bytes, 2);
    aml_byte(aml, (uint8_t)type);
    aml_byte(aml, WINDOW_FLAGS);
    aml_byte(aml, type_flags);
    aml_le(aml, 0, bytes); // granularity
    aml_le(aml, first, bytes);
    aml_le(aml, last, bytes);
    aml_le(aml, 0, bytes); // translation
    aml_le(aml, last - first + 1, bytes);
}

void aml_window_bus(struct aml *aml, uint16_t first, uint16_t last)
{
    window(aml, 2, WINDOW_BUS, 0, first, last);
}

void aml_window_io(struct aml *aml, uint16_t first, uint16_t last)
{
    window(aml, 2, WINDOW_IO, WINDOW_IO_ENTIRE, first, last);
}

void aml_window_memory(struct aml *aml, uint32_t first, uint32_t last, bool cacheable)
{
    window(aml, 4, WINDOW_MEMORY, WINDOW_READ_WRITE | (cacheable ? WINDOW_CACHEABLE : 0), first, last);
}

void aml_window_memory64(struct aml *aml, uint64_t first, uint64_t last)
{
    window(aml, 8, WINDOW_MEMORY, WINDOW_READ_WRITE | WINDOW_CACHEABLE, first, last);
}
