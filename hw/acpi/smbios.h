// SPDX-License-Identifier: MIT
// SMBIOS 2.8 structures (DMTF DSP0134) for firmware, which places them, fixes the anchor's address and
// checksums and puts its own BIOS structure in front (fw_cfg files etc/smbios/smbios-tables and
// etc/smbios/smbios-anchor).
#pragma once

#include <stddef.h>
#include <stdint.h>

struct smbios_config {
    const char *manufacturer, *product, *version, *serial; // of the system; NULL: none
    uint8_t uuid[16];                                      // as it is written, first digits first
    unsigned cpu_count;
    uint64_t low_ram, high_ram; // bytes from 0 and from 4 GiB
};

enum { SMBIOS_ANCHOR_BYTES = 31 };

struct smbios_tables {
    uint8_t *data; // to be freed
    size_t size;
    uint8_t anchor[SMBIOS_ANCHOR_BYTES];
};

#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"
#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"

void smbios_build(const struct smbios_config *config, struct smbios_tables *tables);
