// SPDX-License-Identifier: MIT
// What drives say of themselves (ACS-2, sections 7.12 and 7.13).
#include <string.h>

#include "hw/ide/ata.h"
#include "tcg/base/endian.h"

static void set_word(uint8_t *data, unsigned word, unsigned value)
{
    store_le16(data + 2 * word, (uint16_t)value);
}

// Text has its bytes swapped in each word and is filled up with blanks.
static void set_text(uint8_t *data, unsigned word, unsigned bytes, const char *text)
{
    uint8_t *out = data + 2 * word;
    size_t length = strnlen(text, bytes);
    for (unsigned i = 0; i < bytes; i++)
        out[i ^ 1] = (uint8_t)(i < length ? text[i] : ' ');
}

static void set_modes(uint8_t *data, const struct ata_drive *drive)
{
    unsigned chosen = drive->dma_mode & 7, kind = drive->dma_mode & 0xf8;
    set_word(data, 53, 7); // words 54 to 58, 64 to 70 and 88 hold
    set_word(data, 63, 7 | (kind == 0x20 ? 0x100u << chosen : 0));
    set_word(data, 64, 3); // PIO modes 3 and 4
    for (unsigned word = 65; word <= 68; word++)
        set_word(data, word, 120); // cycle times in ns
    set_word(data, 80, 0xf0);      // ATA/ATAPI-4 to -7
    set_word(data, 81, 0x16);
    set_word(data, 88, 0x3f | (kind == 0x40 ? 0x100u << chosen : 0)); // Ultra DMA 0 to 5
    set_word(data, 93, 0x6001);                                       // an 80-conductor cable
}

static void identify_disk(const struct ata_drive *drive, uint8_t *data)
{
    uint64_t sectors = ata_sectors(drive), small = sectors < 0xfffffff ? sectors : 0xfffffff;
    // A disk smaller than a cylinder has one, too: a PC's firmware reads boot sectors by cylinder, head and sector.
    uint64_t cylinders = sectors / (16 * 63);
    cylinders = cylinders > 16383 ? 16383 : cylinders ? cylinders : 1;
    set_word(data, 0, 0x40);
    set_word(data, 1, (unsigned)cylinders);
    set_word(data, 3, 16);
    set_word(data, 6, 63);
    set_word(data, 47, 0x8000 | ATA_MULTIPLE_MAX);
    set_word(data, 49, 0x0f00); // DMA, LBA, IORDY
    set_word(data, 50, 0x4000);
    set_word(data, 54, (unsigned)cylinders);
    set_word(data, 55, 16);
    set_word(data, 56, 63);
    store_le32(data + 2 * 57, (uint32_t)(cylinders * 16 * 63));
    set_word(data, 59, drive->multiple ? 0x100u | drive->multiple : 0);
    store_le32(data + 2 * 60, (uint32_t)small);
    set_word(data, 75, 31);     // queue depth less one, for SATA hosts
    set_word(data, 76, 0x0106); // SATA 1.5 and 3 Gb/s, NCQ
    set_word(data, 82, 0x4021); // SMART, write cache, NOP
    set_word(data, 83, 0x7400); // 48-bit addresses, flush
    set_word(data, 84, 0x4040); // FUA
    set_word(data, 85, 0x4020 | drive->smart);
    set_word(data, 86, 0x3400);
    set_word(data, 87, 0x4040);
    store_le64(data + 2 * 100, sectors);
    set_word(data, 106, 0x6000); // a sector is physical
    set_word(data, 217, 1);      // does not rotate
}

static void identify_cdrom(uint8_t *data)
{
    set_word(data, 0, 0x8580);  // ATAPI, CD-ROM, removable, 12-byte packets
    set_word(data, 49, 0x0b00); // DMA, LBA, IORDY
    set_word(data, 71, 30);
    set_word(data, 72, 30);
    set_word(data, 82, 0x4010); // packet commands, NOP
    set_word(data, 83, 0x4000);
    set_word(data, 84, 0x4000);
    set_word(data, 85, 0x4010);
    set_word(data, 87, 0x4000);
}

void ata_identify(const struct ata_drive *drive, uint8_t data[ATA_SECTOR])
{
    memset(data, 0, ATA_SECTOR);
    set_text(data, 10, 20, drive->serial);
    set_text(data, 23, 8, "1.0");
    set_text(data, 27, 40, drive->model);
    set_modes(data, drive);
    if (drive->packet)
        identify_cdrom(data);
    else
        identify_disk(drive, data);
}
