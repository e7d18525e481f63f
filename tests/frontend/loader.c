// SPDX-License-Identifier: MIT
// Where loaders put things, on a machine that has nothing but RAM.
#include "frontend/loader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/loader-private.h"
#include "frontend/settings.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "hw/nvram/fw-cfg.h"
#include "tcg/base/endian.h"

#define RAM_BASE UINT64_C(0x40000000)
#define MIB (UINT64_C(1) << 20)

static int build(struct machine *machine, struct error *error)
{
    int status = machine_init_memory(machine, machine->ram_size, error);
    uint64_t offset;
    if (!status)
        status = guest_ram_carve(machine->ram, machine->ram_size, &offset, error);
    if (!status && !memory_map_add(machine->map,
                                   (struct mem_region_desc){.name = "ram", .base = RAM_BASE, .size = machine->ram_size,
                                                            .kind = MEM_RAM, .ram_offset = offset},
                                   error))
        status = -EINVAL;
    return status;
}

static const struct machine_type bare = {
    .name = "bare",
    .arch = "aarch64",
    .default_cpu = "none",
    .default_ram = 64 << 20,
    .min_ram = 1 << 20,
    .ram_base = RAM_BASE,
    .default_cpus = 1,
    .max_cpus = 1,
    .instance_size = sizeof(struct machine),
    .build = build,
};

static struct machine *machine;
static struct settings settings;
static struct error error;
static char path[] = "/tmp/lyrebird-loader-XXXXXX", initrd_path[] = "/tmp/lyrebird-initrd-XXXXXX";

static void begin(void)
{
    settings_init(&settings, "lyrebird");
    close(mkstemp(path));
    close(mkstemp(initrd_path));
    machine = machine_create(&bare);
    cr_assert_eq(machine_build(machine, &error), 0, "%s", error.text);
}

static void end(void)
{
    machine_destroy(machine);
    settings_free(&settings);
    unlink(path);
    unlink(initrd_path);
}

TestSuite(loader, .init = begin, .fini = end);

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(name, "w");
    cr_assert_eq(fwrite(data, 1, size, file), size);
    fclose(file);
}

static uint32_t word_at(uint64_t gpa)
{
    uint32_t value = 0;
    cr_assert(dma_read_le32(machine->map, gpa, &value));
    return value;
}

static uint8_t kernel[4096];

static void make_kernel(uint64_t text_offset, uint64_t image_size)
{
    store_le32(kernel, 0x14000010);
    store_le64(kernel + 8, text_offset);
    store_le64(kernel + 16, image_size);
    memcpy(kernel + 56, "ARM\x64", 4);
    write_file(path, kernel, sizeof(kernel));
    settings.kernel = path;
}

Test(loader, image_goes_text_offset_above_a_2_mib_boundary)
{
    make_kernel(0x80000, 3 * MIB);
    settings.append = "console=ttyAMA0";
    cr_assert_eq(loader_load(machine, &settings, &error), 0, "%s", error.text);
    const struct machine_boot *boot = &machine->boot;
    cr_assert(boot->direct);
    cr_assert_eq((boot->entry - 0x80000) % (2 * MIB), 0);
    cr_assert_geq(boot->entry, RAM_BASE + 2 * MIB);
    cr_assert_eq(boot->kernel_start, boot->entry);
    cr_assert_eq(boot->kernel_end, boot->entry + 3 * MIB, "with what it clears itself");
    cr_assert_eq(word_at(boot->entry), 0x14000010);
    cr_assert_str_eq(boot->command_line, "console=ttyAMA0");
    cr_assert_eq(boot->initrd_start, boot->initrd_end);
}

Test(loader, image_that_needs_more_than_there_is)
{
    make_kernel(0, 64 * MIB);
    cr_assert_eq(loader_load(machine, &settings, &error), -EFBIG);
    make_kernel(UINT64_MAX - 100, 64);
    cr_assert_eq(loader_load(machine, &settings, &error), -EFBIG);
    make_kernel(64, UINT64_MAX - 100);
    cr_assert_eq(loader_load(machine, &settings, &error), -EFBIG);
}

Test(loader, initrd_lies_above_the_kernel)
{
    make_kernel(0, 3 * MIB);
    write_file(initrd_path, "070701 and more", 15);
    settings.initrd = initrd_path;
    cr_assert_eq(loader_load(machine, &settings, &error), 0, "%s", error.text);
    const struct machine_boot *boot = &machine->boot;
    cr_assert_eq(boot->initrd_end - boot->initrd_start, 15);
    cr_assert_eq(boot->initrd_start, RAM_BASE + 32 * MIB, "in the middle of small memory");
    cr_assert_eq(word_at(boot->initrd_start), 0x37303730);
}

Test(loader, large_initrd_moves_down_to_the_kernel)
{
    make_kernel(0, 3 * MIB);
    cr_assert_eq(truncate(initrd_path, (off_t)(50 * MIB)), 0);
    settings.initrd = initrd_path;
    cr_assert_eq(loader_load(machine, &settings, &error), 0, "%s", error.text);
    cr_assert_geq(machine->boot.initrd_start, machine->boot.kernel_end);
    cr_assert_leq(machine->boot.initrd_end, RAM_BASE + 60 * MIB, "room for a device tree behind");
}

Test(loader, initrd_that_does_not_fit)
{
    make_kernel(0, 3 * MIB);
    cr_assert_eq(truncate(initrd_path, (off_t)(60 * MIB)), 0);
    settings.initrd = initrd_path;
    cr_assert_eq(loader_load(machine, &settings, &error), -EFBIG);
}

Test(loader, raw_code_is_entered_at_its_start)
{
    store_le32(kernel, 0xd503205f);
    write_file(path, kernel, 8);
    settings.kernel = path;
    cr_assert_eq(loader_load(machine, &settings, &error), 0, "%s", error.text);
    cr_assert_eq(machine->boot.entry, RAM_BASE + 0x80000);
    cr_assert_eq(word_at(machine->boot.entry), 0xd503205f);
}

// The zeroes at the end of a segment are written again at each reset.
Test(loader, elf_segments_and_their_zeroes)
{
    uint8_t data[256] = "\x7f"
                        "ELF\x02\x01\x01";
    store_le16(data + 18, 183);
    store_le64(data + 24, RAM_BASE + 0x1000);
    store_le64(data + 32, 64);
    store_le16(data + 54, 56);
    store_le16(data + 56, 1);
    store_le32(data + 64, 1);
    store_le64(data + 72, 128);
    store_le64(data + 80, RAM_BASE + 0x1000);
    store_le64(data + 88, RAM_BASE + 0x1000);
    store_le64(data + 96, 4);
    store_le64(data + 104, 16);
    store_le32(data + 128, 0xd65f03c0);
    write_file(path, data, sizeof(data));
    settings.kernel = path;
    cr_assert_eq(loader_load(machine, &settings, &error), 0, "%s", error.text);
    cr_assert_eq(machine->boot.entry, RAM_BASE + 0x1000);
    cr_assert_eq(machine->boot.kernel_end, RAM_BASE + 0x1010);
    uint32_t junk = 0x12345678;
    dma_write(machine->map, RAM_BASE + 0x1008, &junk, sizeof(junk));
    machine_reset(machine);
    cr_assert_eq(word_at(RAM_BASE + 0x1000), 0xd65f03c0);
    cr_assert_eq(word_at(RAM_BASE + 0x1008), 0);
    store_le64(data + 88, RAM_BASE - 8); // half outside
    write_file(path, data, sizeof(data));
    cr_assert_neq(loader_load(machine, &settings, &error), 0);
}

// A tree with a memory node, as the kernel would be given it.
static void write_tree(int cells)
{
    uint8_t fdt[4096];
    cr_assert_eq(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
    fdt_setprop_u32(fdt, 0, "#address-cells", (uint32_t)cells);
    fdt_setprop_u32(fdt, 0, "#size-cells", (uint32_t)cells);
    int node = fdt_add_subnode(fdt, 0, "memory@0");
    fdt_setprop_string(fdt, node, "device_type", "memory");
    write_file(initrd_path, fdt, sizeof(fdt));
    settings.dtb = initrd_path;
}

Test(loader, dtb_is_completed)
{
    for (int cells = 1; cells <= 2; cells++) {
        write_tree(cells);
        machine->boot.command_line = "quiet";
        machine->boot.initrd_start = 0x48000000;
        machine->boot.initrd_end = 0x48001000;
        machine->dtb_gpa = RAM_BASE;
        cr_assert_eq(loader_load_dtb(machine, &settings, &error), 0, "%s", error.text);
        static uint8_t fdt[16384];
        int length;
        cr_assert(dma_read(machine->map, RAM_BASE, fdt, sizeof(fdt)));
        cr_assert_eq(fdt_check_header(fdt), 0);
        int chosen = fdt_path_offset(fdt, "/chosen"), memory = fdt_path_offset(fdt, "/memory@0");
        cr_assert_str_eq(fdt_getprop(fdt, chosen, "bootargs", NULL), "quiet");
        cr_assert_eq(load_be64(fdt_getprop(fdt, chosen, "linux,initrd-end", NULL)), 0x48001000);
        const uint8_t *reg = fdt_getprop(fdt, memory, "reg", &length);
        cr_assert_eq(length, cells * 8);
        cr_assert_eq(cells == 1 ? load_be32(reg) : load_be64(reg), RAM_BASE);
        cr_assert_eq(cells == 1 ? load_be32(reg + 4) : load_be64(reg + 8), 64 * MIB);
    }
}

Test(loader, dtb_that_is_damaged)
{
    uint8_t junk[512];
    memset(junk, 0xff, sizeof(junk));
    write_file(initrd_path, junk, sizeof(junk));
    settings.dtb = initrd_path;
    cr_assert_eq(loader_load_dtb(machine, &settings, &error), -EINVAL);
    memcpy(junk, "\xd0\x0d\xfe\xed", 4);
    write_file(initrd_path, junk, sizeof(junk));
    cr_assert_eq(loader_load_dtb(machine, &settings, &error), -EINVAL);
}

// --- kernels for x86 ---

#define FW_CFG_BASE UINT64_C(0x9020000)
enum { SETUP_BYTES = 1024, VID_MODE = 0x1fa, LOADFLAGS = 0x211, VERSION = 0x206 };

static void give_fw_cfg(void)
{
    machine->fw_cfg = device_create(machine, &fw_cfg_type, NULL);
    fw_cfg_wire(machine->fw_cfg, FW_CFG_BASE);
    cr_assert_eq(device_realize(machine->fw_cfg, &error), 0, "%s", error.text);
}

// The field of the setup header that the kernel's real-mode code will find, after the loader was given the command line.
static uint16_t video_mode(const char *line)
{
    static uint8_t image[2 * SETUP_BYTES];
    uint64_t byte = 0;
    uint8_t mode[2];
    image[0x1f1] = SETUP_BYTES / 512 - 1;
    image[LOADFLAGS] = 1; // loaded high
    store_le16(image + VERSION, 0x0202);
    store_le16(image + VID_MODE, 0x1234);
    machine->boot.command_line = line;
    cr_assert_eq(load_x86_linux(machine, image, sizeof(image), &settings, &error), 0, "%s", error.text);
    struct mem_requester nobody = {0};
    cr_assert_eq(memory_map_write(machine->map, nobody, FW_CFG_BASE + 8, 2, __builtin_bswap16(FW_CFG_SETUP_DATA)), MEM_OK);
    for (unsigned i = 0; i < VID_MODE + 2; i++) {
        cr_assert_eq(memory_map_read(machine->map, nobody, FW_CFG_BASE, 1, &byte), MEM_OK);
        mode[i % 2] = (uint8_t)byte;
    }
    return load_le16(mode);
}

Test(loader, vga_on_the_command_line_of_a_kernel_for_x86)
{
    give_fw_cfg();
    cr_expect_eq(video_mode("vga=788 quiet"), 788);
    cr_expect_eq(video_mode("quiet  vga=0x314"), 0x314);
    cr_expect_eq(video_mode("vga=normal"), 0xffff);
    cr_expect_eq(video_mode("vga=ext"), 0xfffe);
    cr_expect_eq(video_mode("vga=1 vga=ask"), 0xfffd, "the last one");
    static const char *const none[] = {"", "quiet", "vga=", "vga=0x", "vga=large", "xvga=1", "vga=65536", "vga=-1"};
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        cr_expect_eq(video_mode(none[i]), 0x1234, "%s: as it was", none[i]);
    cr_expect_eq(video_mode(NULL), 0x1234);
}
