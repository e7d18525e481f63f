// SPDX-License-Identifier: MIT
// Floppy disk controller Intel 82077AA (290166) with up to two drives, whose images hold the sectors in
// order. The size of an image says what disk and drive it is. A command takes as long as the image's file
// does; seeking takes no time, and data commands seek to their cylinder. Left out: scan commands, sector
// sizes other than 512, deleted data marks (written as plain data), and the tape and power-down features.
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
// For boards: what the properties set.
void fdc_connect(struct device *device, unsigned drive, struct block_backend *block);
// After realize.
enum fdc_drive_type fdc_drive_type(const struct device *device, unsigned drive);
