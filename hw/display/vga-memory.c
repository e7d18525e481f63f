// SPDX-License-Identifier: MIT
// What the processor sees at 0xa0000: four planes through write modes, latches and masks, or 64 KiB of the
// linear framebuffer.
#include "hw/display/vga-internal.h"

enum { MEMORY_ENABLED = 1 << 1 /* of the miscellaneous output register */, NOT_THERE = UINT32_MAX };

// Plane address for the window's offset as the memory map says, or NOT_THERE.
static uint32_t map_offset(const struct vga *vga, uint32_t offset)
{
    static const struct {
        uint32_t base, bytes;
    } maps[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned map = vga->graphics[GR_MISC] >> 2 & 3;
    if (!(vga->misc & MEMORY_ENABLED) || offset < maps[map].base ||
        offset - maps[map].base >= maps[map].bytes)
        return NOT_THERE;
    return offset - maps[map].base;
}

// Expands four bits, one for each plane, to bytes.
static uint32_t spread(unsigned planes)
{
    return (planes & 1 ? 0xffu : 0) | (planes & 2 ? 0xff00u : 0) | (planes & 4 ? 0xff0000u : 0) |
           (planes & 8 ? 0xff000000u : 0);
}

// Where in the planes. A large mode of 16 colors has more of them, bank by bank.
static uint32_t plane_address(const struct vga *vga, uint32_t offset)
{
    if (!vbe_on(vga))
        return offset & (VGA_PLANE_BYTES - 1);
    return (((uint32_t)vga->vbe[VBE_BANK] << 16) + offset) & (vga->memory_bytes / 4 - 1);
}

static void store_bytes(struct vga *vga, uint32_t address, uint32_t value, uint32_t mask)
{
    uint32_t at = 4 * address;
    uint32_t old = vga_load_planes(vga, address), next = (old & ~mask) | (value & mask);
    for (unsigned i = 0; i < 4; i++)
        vga_memory(vga)[at + i] = (uint8_t)(next >> (8 * i));
    guest_ram_wrote(vga->ram, vga->ram_offset + at, 4);
}

static uint32_t banked(const struct vga *vga, uint32_t offset)
{
    uint64_t at = ((uint64_t)vga->vbe[VBE_BANK] << 16) + offset;
    return at < vga->memory_bytes ? (uint32_t)at : NOT_THERE;
}

// Whether bytes of the window are bytes of memory, one after the other.
static bool chained(const struct vga *vga)
{
    return vbe_on(vga) ? vga->vbe[VBE_BPP] > 4 : vga->sequencer[SEQ_MEMORY_MODE] & SEQ_CHAIN_4;
}

// In odd/even mode address bit 0 chooses between the planes of a pair.
static bool odd_even_read(const struct vga *vga)
{
    return vga->graphics[GR_MODE] & GR_MODE_ODD_EVEN;
}

static bool odd_even_write(const struct vga *vga)
{
    return !(vga->sequencer[SEQ_MEMORY_MODE] & SEQ_NO_ODD_EVEN);
}

static uint64_t window_read(void *opaque, struct mmio_access access)
{
    struct vga *vga = opaque;
    uint32_t offset = map_offset(vga, (uint32_t)access.offset);
    if (offset == NOT_THERE)
        return 0xff;
    if (chained(vga)) {
        uint32_t at = banked(vga, offset);
        return at == NOT_THERE ? 0xff : vga_memory(vga)[at];
    }
    unsigned plane = vga->graphics[4];
    if (odd_even_read(vga)) {
        plane = (plane & 2) | (offset & 1);
        offset >>= 1;
    }
    vga->latch = vga_load_planes(vga, plane_address(vga, offset));
    if (!(vga->graphics[GR_MODE] & 8))
        return vga->latch >> (8 * plane) & 0xff;
    // Which pixels have the color, in the planes that care.
    uint32_t differ = (vga->latch ^ spread(vga->graphics[2])) & spread(vga->graphics[7]);
    return ~(differ | differ >> 8 | differ >> 16 | differ >> 24) & 0xff;
}

// The data of all planes before masking, by write mode; *mask is the bit mask to use.
static uint32_t write_value(const struct vga *vga, uint8_t byte, uint8_t *mask)
{
    unsigned rotate = vga->graphics[3] & 7;
    uint8_t rotated = (uint8_t)(byte >> rotate | byte << (8 - rotate));
    uint32_t value;
    switch (vga->graphics[GR_MODE] & 3) {
    case 0: {
        uint32_t set_reset = spread(vga->graphics[1]);
        value = ((rotated * UINT32_C(0x01010101)) & ~set_reset) | (spread(vga->graphics[0]) & set_reset);
        break;
    }
    case 2:
        value = spread(byte);
        break;
    default: // 3
        *mask &= rotated;
        value = spread(vga->graphics[0]);
        break;
    }
    switch (vga->graphics[3] >> 3 & 3) {
    case 1:
        return value & vga->latch;
    case 2:
        return value | vga->latch;
    case 3:
        return value ^ vga->latch;
    }
    return value;
}

static void window_write(void *opaque, struct mmio_access access, uint64_t wide)
{
    struct vga *vga = opaque;
    uint32_t offset = map_offset(vga, (uint32_t)access.offset);
    uint8_t byte = (uint8_t)wide;
    unsigned planes = vga->sequencer[SEQ_MAP_MASK];
    if (offset == NOT_THERE)
        return;
    if (chained(vga)) {
        uint32_t at = banked(vga, offset);
        if (at == NOT_THERE || (!vbe_on(vga) && !(planes >> (offset & 3) & 1)))
            return;
        vga_memory(vga)[at] = byte;
        guest_ram_wrote(vga->ram, vga->ram_offset + at, 1);
        return;
    }
    if (odd_even_write(vga)) {
        planes &= offset & 1 ? 0xa : 0x5;
        offset >>= 1;
    }
    uint32_t address = plane_address(vga, offset);
    if ((vga->graphics[GR_MODE] & 3) == 1) {
        store_bytes(vga, address, vga->latch, spread(planes));
        return;
    }
    uint8_t mask = vga->graphics[8];
    uint32_t value = write_value(vga, byte, &mask), bits = mask * UINT32_C(0x01010101);
    store_bytes(vga, address, (value & bits) | (vga->latch & ~bits), spread(planes));
}

const struct mmio_ops vga_window_ops = {window_read, window_write, 1, 1, false};
