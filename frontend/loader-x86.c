// SPDX-License-Identifier: MIT
// Linux kernels for x86 as firmware starts them (Documentation/arch/x86/boot.rst): a bzImage is taken apart, its header
// filled in, and its parts put where the board's boot code finds them.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/loader-private.h"
#include "frontend/settings.h"
#include "hw/boards/pc.h"
#include "hw/core/machine.h"
#include "hw/nvram/fw-cfg.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

// Fields of the setup header.
enum {
    SETUP_SECTS = 0x1f1,
    SYSSIZE = 0x1f4, // of what follows the real-mode code, in units
    SYSSIZE_UNIT = 16,
    VID_MODE = 0x1fa,
    HEADER = 0x202,
    VERSION = 0x206,
    TYPE_OF_LOADER = 0x210,
    LOADFLAGS = 0x211,
    RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c,
    HEAP_END_PTR = 0x224,
    CMD_LINE_PTR = 0x228,
    INITRD_ADDR_MAX = 0x22c,
    CMDLINE_SIZE = 0x238,
    HEADER_END = 0x268,

    LOADED_HIGH = 1 << 0,
    CAN_USE_HEAP = 1 << 7,
    UNKNOWN_LOADER = 0xff,
    HEAP_END = 0xe000 - 0x200,
    KERNEL_GPA = 1 << 20,
    KEEP_FREE = 1 << 20, // at the end of memory, for firmware's tables
    MAX_SETUP_BYTES = 0xe000,
};

static const struct video_mode {
    const char *name;
    uint16_t number;
} video_modes[] = {{"normal", 0xffff}, {"ext", 0xfffe}, {"ask", 0xfffd}};

static int check_header(const uint8_t *data, uint64_t size, uint64_t *setup_bytes, struct error *error)
{
    if (size < HEADER_END)
        return error_set(error, EINVAL, "it is cut short: %" PRIu64 " bytes, fewer than its header", size);
    if (load_le16(data + VERSION) < 0x0202)
        return error_set(error, ENOTSUP, "its boot protocol is older than 2.02");
    *setup_bytes = (uint64_t)((data[SETUP_SECTS] ? data[SETUP_SECTS] : 4) + 1) * 512;
    if (*setup_bytes >= size)
        return error_set(error, EINVAL, "it is cut short: %" PRIu64 " bytes, fewer than its real-mode code", size);
    if (!(data[LOADFLAGS] & LOADED_HIGH) || *setup_bytes > MAX_SETUP_BYTES)
        return error_set(error, ENOTSUP, "it is a zImage, which loads low; use a bzImage");
    // Before 2.04 the field had 16 bits, which did not suffice.
    uint64_t needed = *setup_bytes + (load_le16(data + VERSION) >= 0x0204 ? (uint64_t)load_le32(data + SYSSIZE) * SYSSIZE_UNIT : 0);
    // The last unit may be a part of one.
    if (size + SYSSIZE_UNIT <= needed)
        return error_set(error, EINVAL, "it is cut short: %" PRIu64 " bytes of %" PRIu64 "; fetch it again", size, needed);
    return 0;
}

// As high as the kernel can take it.
static int add_initrd(struct machine *machine, uint8_t *setup, const char *path, struct error *error)
{
    uint64_t limit = machine->ram_size < UINT64_C(2) << 30 ? machine->ram_size : UINT64_C(2) << 30;
    uint64_t highest = load_le16(setup + VERSION) >= 0x0203 ? load_le32(setup + INITRD_ADDR_MAX) : 0x37ffffff;
    uint8_t *data;
    uint64_t size;
    int status = file_read("initrd", path, machine->ram_size, &data, &size, error);
    if (status)
        return status;
    uint64_t end = limit > KEEP_FREE ? limit - KEEP_FREE : 0;
    end = highest < end ? highest + 1 : end;
    uint64_t start = end > size ? (end - size) & ~UINT64_C(4095) : 0;
    if (start < machine->boot.kernel_end) {
        free(data);
        return error_set(error, EFBIG, "initrd '%.200s' (%" PRIu64 " MiB) does not fit beside the kernel in %" PRIu64
                         " MiB of memory; give more with -m", path, (size >> 20) + 1, machine->ram_size >> 20);
    }
    store_le32(setup + RAMDISK_IMAGE, (uint32_t)start);
    store_le32(setup + RAMDISK_SIZE, (uint32_t)size);
    machine->boot.initrd_start = start;
    machine->boot.initrd_end = start + size;
    fw_cfg_add(machine->fw_cfg, FW_CFG_INITRD_DATA, data, (uint32_t)size);
    free(data);
    return 0;
}

// False: it is none.
static bool parse_video_mode(const char *text, size_t length, uint16_t *mode)
{
    char *end;
    for (unsigned i = 0; i < ARRAY_SIZE(video_modes); i++)
        if (strlen(video_modes[i].name) == length && !memcmp(text, video_modes[i].name, length)) {
            *mode = video_modes[i].number;
            return true;
        }
    unsigned long number = strtoul(text, &end, 0);
    *mode = (uint16_t)number;
    return length && end == text + length && number <= UINT16_MAX;
}

// The video mode that "vga=" asks for is the loader's business ("Special Command Line Options"): the kernel's real-mode code
// takes it from the header. The last one holds.
static void set_video_mode(uint8_t *setup, const char *line)
{
    uint16_t mode;
    while (line && *(line += strspn(line, " "))) {
        size_t length = strcspn(line, " ");
        if (!strncmp(line, "vga=", 4) && parse_video_mode(line + 4, length - 4, &mode))
            store_le16(setup + VID_MODE, mode);
        line += length;
    }
}

int load_x86_linux(struct machine *machine, uint8_t *data, uint64_t size, const struct settings *settings,
                   struct error *error)
{
    uint64_t setup_bytes = 0;
    int status = check_header(data, size, &setup_bytes, error);
    if (status)
        return status;
    const char *line = machine->boot.command_line;
    uint32_t line_max = load_le16(data + VERSION) >= 0x0206 ? load_le32(data + CMDLINE_SIZE) : 255;
    if (line && strlen(line) > line_max)
        return error_set(error, E2BIG, "its command line can have %" PRIu32 " characters, not %zu", line_max,
                         strlen(line));
    if (!range_inside(KERNEL_GPA, size - setup_bytes, machine->ram_size))
        return loader_no_room(machine, size + KERNEL_GPA, error);
    machine->boot.protocol = KERNEL_LINUX;
    machine->boot.setup_bytes = setup_bytes;
    machine->boot.kernel_start = KERNEL_GPA;
    machine->boot.kernel_end = KERNEL_GPA + size - setup_bytes;
    data[TYPE_OF_LOADER] = UNKNOWN_LOADER;
    data[LOADFLAGS] |= CAN_USE_HEAP;
    store_le16(data + HEAP_END_PTR, HEAP_END);
    store_le32(data + CMD_LINE_PTR, PC_COMMAND_LINE_GPA);
    set_video_mode(data, line);
    if (settings->initrd && (status = add_initrd(machine, data, settings->initrd, error)))
        return status;
    fw_cfg_add(machine->fw_cfg, FW_CFG_SETUP_DATA, data, (uint32_t)setup_bytes);
    fw_cfg_add(machine->fw_cfg, FW_CFG_KERNEL_DATA, data + setup_bytes, (uint32_t)(size - setup_bytes));
    return 0;
}
