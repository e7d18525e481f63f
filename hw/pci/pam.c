// SPDX-License-Identifier: MIT
// What is shown between 640 KiB and 1 MiB.
#include "hw/pci/pam.h"

#include "hw/core/dma.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum {
    PAM_READ = 1,
    PAM_WRITE = 2,
    SEGMENT_BYTES = 16 << 10,
    TOP_SEGMENT_BYTES = 64 << 10, // 0xf0000
    PAM_BASE = 0xc0000,
    TOP_BASE = 0xf0000,
    ONE_MIB = 1 << 20,
    VGA_BASE = 0xa0000,
    VGA_BYTES = 128 << 10,
    OVERLAY_PRIORITY = 1, // over RAM; a VGA device comes over this
    OPEN_PRIORITY = 3,
};
#define HIGH_SMRAM_BASE UINT64_C(0xfeda0000)

// Reads go to the bus, writes to the RAM below: how firmware copies itself.
static void shadow_write(void *opaque, struct mmio_access access, uint64_t value)
{
    const struct pam_segment *segment = opaque;
    struct guest_ram *ram = memory_map_ram(segment->pam->map);
    uint64_t at = segment->pam->config->ram_offset + segment->window.desc.base + access.offset;
    store_le(ram->host + at, access.size, value);
    guest_ram_wrote(ram, at, access.size);
}

static const struct mmio_ops shadow_ops = {mem_nobody_read, shadow_write, 1, 8, false};

void pam_init(struct pam *pam, struct memory_map *map, const struct pc_bridge_config *config)
{
    *pam = (struct pam){.map = map, .config = config};
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        pam->segments[i].pam = pam;
        pam->segments[i].window.map = map;
        pam->segments[i].window.desc.base = i ? PAM_BASE + (i - 1) * SEGMENT_BYTES : TOP_BASE;
    }
    struct mem_region_desc hole = {.name = "vga-hole",
                                   .size = VGA_BYTES,
                                   .kind = MEM_MMIO,
                                   .priority = OVERLAY_PRIORITY,
                                   .ops = &mem_nobody_ops};
    struct mem_region_desc smram = {.name = "smram",
                                    .size = VGA_BYTES,
                                    .kind = MEM_RAM,
                                    .priority = OPEN_PRIORITY,
                                    .ram_offset = config->ram_offset + VGA_BASE};
    pam->vga_hole = (struct mem_window){map, hole, NULL};
    pam->smram_open = (struct mem_window){map, smram, NULL};
    pam->smram = pam->high_smram = (struct mem_window){config->smm, smram, NULL};
    mem_window_show(&pam->vga_hole, true, VGA_BASE);
}

void pam_release(struct pam *pam)
{
    for (unsigned i = 0; i < PAM_SEGMENTS; i++)
        mem_window_hide(&pam->segments[i].window);
    mem_window_hide(&pam->vga_hole);
    mem_window_hide(&pam->smram_open);
    mem_window_hide(&pam->smram);
    mem_window_hide(&pam->high_smram);
}

static void set_segment(struct pam *pam, struct pam_segment *segment, uint8_t mode)
{
    if (segment->known && segment->mode == mode)
        return;
    segment->known = true;
    segment->mode = mode;
    mem_window_hide(&segment->window);
    if (mode == (PAM_READ | PAM_WRITE))
        return;
    const struct pc_bridge_config *config = pam->config;
    uint64_t base = segment->window.desc.base;
    struct mem_region_desc desc = {.name = "pam",
                                   .size = base == TOP_BASE ? TOP_SEGMENT_BYTES : SEGMENT_BYTES,
                                   .priority = OVERLAY_PRIORITY,
                                   .opaque = segment};
    bool firmware = ONE_MIB - base <= config->firmware_bytes;
    if (mode == PAM_READ) {
        desc.kind = MEM_ROM;
        desc.ram_offset = config->ram_offset + base;
    } else if (firmware) {
        desc.kind = mode == PAM_WRITE ? MEM_ROM_DEVICE : MEM_ROM;
        desc.ops = mode == PAM_WRITE ? &shadow_ops : NULL;
        desc.ram_offset = config->firmware_offset + config->firmware_bytes - (ONE_MIB - base);
    } else {
        desc.kind = MEM_MMIO;
        desc.ops = mode == PAM_WRITE ? &shadow_ops : &mem_nobody_ops;
    }
    segment->window.desc = desc;
    mem_window_show(&segment->window, true, base);
}

void pam_update(struct pam *pam, const uint8_t *registers)
{
    // The high half of the first register is the 64 KiB at the top; each half of the others is 16 KiB from
    // 0xc0000 on.
    set_segment(pam, &pam->segments[0], registers[0] >> 4 & 3);
    for (unsigned i = 1; i < PAM_SEGMENTS; i++) {
        unsigned half = (i - 1) & 1;
        set_segment(pam, &pam->segments[i], registers[(i + 1) / 2] >> (half * 4) & 3);
    }
}

void pam_update_smram(struct pam *pam, uint8_t smram, bool high)
{
    bool enabled = smram & SMRAM_G_SMRAME;
    mem_window_show(&pam->smram_open, enabled && (smram & SMRAM_D_OPEN), VGA_BASE);
    if (!pam->config->smm)
        return;
    mem_window_show(&pam->smram, enabled && !high, VGA_BASE);
    mem_window_show(&pam->high_smram, enabled && high, HIGH_SMRAM_BASE);
}
