// SPDX-License-Identifier: MIT
// Floppy disk controller Intel 82077AA (290166) with up to two drives, whose images hold the sectors in
// order. The size of an image says what disk and drive it is; one of another size is the beginning of a 1.44 or
// 2.88 MB disk whose rest reads as zeroes and cannot be written. A drive may be empty, as 2.88 MB ones are that
// nobody has given an image. A command takes as long as the image's file does; seeking takes no time, and data
// commands seek to their cylinder. Left out: changing disks, scan commands, sector sizes other than 512, deleted
// data marks (written as plain data), and the tape and power-down features.
#pragma once

#include "hw/core/device.h"
#include "hw/core/isa.h"

struct block_backend;

// "isa-fdc"; properties "driveA", "driveB".
extern const struct device_type fdc_type;

enum { FDC_DRIVES = 2, FDC_IRQ = 6, FDC_DMA_CHANNEL = 2 };

// As CMOS byte 0x10 spells it, four bits a drive.
enum fdc_drive_type {
    FDC_DRIVE_NONE = 0,
    FDC_DRIVE_360K = 1,
    FDC_DRIVE_1200K = 2,
    FDC_DRIVE_720K = 3,
    FDC_DRIVE_1440K = 4,
    FDC_DRIVE_2880K = 5,
};

// Before realize.
void fdc_wire(struct device *device, struct memory_map *io, struct irq_line irq, struct isa_dma dma);
// For boards, before realize: there is such a drive, with a disk or (NULL) without. The properties do so, too.
void fdc_connect(struct device *device, unsigned drive, struct block_backend *block);
// After realize: FDC_DRIVE_NONE where there is no drive.
enum fdc_drive_type fdc_drive_type(const struct device *device, unsigned drive);
