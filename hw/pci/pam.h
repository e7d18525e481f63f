// SPDX-License-Identifier: MIT
// Programmable attribute maps: registers that say for each piece of 0xc0000 to 0xfffff whether reads and
// writes go to RAM or to the bus, and SMRAM behind the VGA window at 0xa0000.
#pragma once

#include "hw/pci/pc-bridge.h"
#include "hw/pci/window.h"

enum { PAM_REGISTERS = 7, PAM_SEGMENTS = 13 };

enum smram_bit {
    SMRAM_C_BASE_SEG = 0x02, // read-only: 0xa0000
    SMRAM_G_SMRAME = 1 << 3,
    SMRAM_D_LCK = 1 << 4,
    SMRAM_D_CLS = 1 << 5,
    SMRAM_D_OPEN = 1 << 6,
};

struct pam_segment {
    struct pam *pam;
    struct mem_window window; // over RAM; hidden while both kinds of access go to RAM
    uint8_t mode;             // reads to RAM, writes to RAM
    bool known;
};

struct pam {
    struct memory_map *map;
    const struct pc_bridge_config *config;
    struct pam_segment segments[PAM_SEGMENTS];
    struct mem_window vga_hole;          // where no VGA answers
    struct mem_window smram_open;        // RAM at 0xa0000 for everybody
    struct mem_window smram, high_smram; // in system management mode
};

void pam_init(struct pam *pam, struct memory_map *map, const struct pc_bridge_config *config);
void pam_release(struct pam *pam);
// `registers` are the seven PAM bytes.
void pam_update(struct pam *pam, const uint8_t *registers);
void pam_update_smram(struct pam *pam, uint8_t smram, bool high);
