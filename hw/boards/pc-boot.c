// SPDX-License-Identifier: MIT
// What PC firmware tries to start, and in which order. Kinds of devices (-boot order=) are nibbles in CMOS memory;
// single devices (their bootindex) are lines of the fw_cfg file "bootorder", which go before the kinds. Each line is an
// Open Firmware path (SeaBIOS's src/boot.c reads it).
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/boards/kernel-roms.h"
#include "hw/boards/pc-private.h"
#include "hw/nvram/fw-cfg.h"
#include "hw/rtc/mc146818.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum { CMOS_BOOT_3 = 0x38, CMOS_BOOT_1_2 = 0x3d, MAX_DEVICES = 64, PATH_BYTES = 128 };

static const char domain[] = "/pci@i0cf8"; // the root bus: its configuration ports

// -boot order=: each letter a kind, the first three count.
static uint8_t boot_kind(char letter)
{
    switch (letter) {
    case 'a':
    case 'b':
        return 1;
    case 'c':
        return 2;
    case 'd':
        return 3;
    case 'n':
        return 4;
    default:
        return 0;
    }
}

void pc_set_boot_kinds(struct pc *pc)
{
    struct machine_boot *boot = &pc->machine.boot;
    const char *order = boot->once ? boot->once : boot->order ? boot->order : "cad";
    uint8_t kinds[3] = {0};
    for (unsigned i = 0; i < 3 && order[i]; i++)
        kinds[i] = boot_kind(order[i]);
    boot->once = NULL;
    if (!pc->has_rtc)
        return;
    mc146818_set_cmos(pc->rtc, CMOS_BOOT_1_2, (uint8_t)(kinds[1] << 4 | kinds[0]));
    mc146818_set_cmos(pc->rtc, CMOS_BOOT_3, (uint8_t)(kinds[2] << 4));
}

struct candidate {
    uint32_t index;
    const struct device *device;
};

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const struct candidate *)a)->index, y = ((const struct candidate *)b)->index;
    return x < y ? -1 : x > y;
}

static int find_candidates(const struct machine *machine, struct candidate *list, unsigned *count, struct error *error)
{
    *count = 0;
    for (const struct device *device = machine->devices; device; device = device->next) {
        const struct property *property = property_find(device->type->properties, "bootindex");
        uint32_t index = property ? *(const uint32_t *)((const char *)device + property->offset) : BOOT_INDEX_NONE;
        if (index == BOOT_INDEX_NONE)
            continue;
        for (unsigned i = 0; i < *count; i++)
            if (list[i].index == index)
                return error_set(error, EEXIST, "bootindex=%u is given to two devices, '%s' and '%s'", index,
                                 list[i].device->type->name, device->type->name);
        if (*count == MAX_DEVICES)
            return error_set(error, E2BIG, "more than %d devices have a bootindex", MAX_DEVICES);
        list[(*count)++] = (struct candidate){index, device};
    }
    qsort(list, *count, sizeof(*list), by_index);
    return 0;
}

// One line each; the last one ends with a zero byte.
static int add_order(struct pc *pc, struct error *error)
{
    struct machine *machine = &pc->machine;
    struct candidate list[MAX_DEVICES];
    unsigned count;
    int result = find_candidates(machine, list, &count, error);
    if (result)
        return result;
    char *text = ALLOC_ARRAY(char, (MAX_DEVICES + 2) * PATH_BYTES), *end = text;
    if (kernel_rom_file(machine))
        end += sprintf(end, "/rom@%s\n", kernel_rom_file(machine));
    for (unsigned i = 0; i < count; i++) {
        char path[PATH_BYTES - sizeof(domain)];
        if (device_firmware_path(list[i].device, path, sizeof(path)))
            end += sprintf(end, "%s%s\n", domain, path);
    }
    if (machine->boot.strict)
        end += sprintf(end, "HALT\n");
    if (end != text) {
        end[-1] = 0;
        result = fw_cfg_add_file(machine->fw_cfg, "bootorder", text, (uint32_t)(end - text), error);
    }
    free(text);
    return result;
}

static int add_le32(struct pc *pc, const char *name, uint32_t value, unsigned bytes, struct error *error)
{
    uint8_t raw[4];
    store_le32(raw, value);
    return fw_cfg_add_file(pc->machine.fw_cfg, name, raw, bytes, error);
}

int pc_add_boot_order(struct pc *pc, struct error *error)
{
    const struct machine_boot *boot = &pc->machine.boot;
    fw_cfg_add_le16(pc->machine.fw_cfg, FW_CFG_NOGRAPHIC, !pc->machine.graphics);
    fw_cfg_add_le16(pc->machine.fw_cfg, FW_CFG_BOOT_MENU, boot->menu);
    int result = add_order(pc, error);
    if (!result && boot->menu_wait_ms != BOOT_TIME_DEFAULT)
        result = add_le32(pc, "etc/boot-menu-wait", boot->menu_wait_ms, 2, error);
    if (!result) // all ones: it does not try again
        result = add_le32(pc, "etc/boot-fail-wait", boot->retry_ms, 4, error);
    return result;
}
