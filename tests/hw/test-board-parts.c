// SPDX-License-Identifier: MIT
// Clock, GPIO, firmware configuration and flash through their registers.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bare-machine.h"
#include "hw/block/pflash-cfi01.h"
#include "hw/core/block.h"
#include "hw/core/dma.h"
#include "hw/gpio/pl061.h"
#include "hw/nvram/fw-cfg.h"
#include "hw/rtc/pl031.h"
#include "tcg/base/endian.h"

static struct machine *machine;
static struct irq_sink irq;
enum { BASE = 0x09000000 };

static void realize(struct device *device)
{
    struct error error = {""};
    cr_assert_eq(device_realize(device, &error), 0, "%s", error.text);
    device_lock_acquire(&machine->lock);
    device_reset(device);
    device_lock_release(&machine->lock);
}

// --- RTC
// -----------------------------------------------------------------------------------------------------------

Test(pl031, time_and_alarm)
{
    machine = bare_machine_create();
    struct device *rtc = device_create(machine, &pl031_type, NULL);
    pl031_wire(rtc, BASE, irq_sink_line(&irq));
    realize(rtc);
    cr_assert_eq(guest_read(machine, BASE + 0xfe0, 4), 0x31);
    uint32_t now = (uint32_t)guest_read(machine, BASE, 4);
    cr_assert_leq((uint32_t)time(NULL) - now, 2);
    guest_write(machine, BASE + 8, 4, 1000);
    cr_assert_eq(guest_read(machine, BASE, 4), 1000);
    guest_write(machine, BASE + 0x10, 4, 1);
    guest_write(machine, BASE + 4, 4, 1003);
    cr_assert_not(irq.level);
    event_clock_set_now(machine->clock, 4 * NS_PER_SECOND);
    event_clock_start(machine->clock);
    io_loop_iterate(machine->loop, 1);
    cr_assert(irq.level);
    cr_assert_eq(guest_read(machine, BASE + 0x18, 4), 1);
    guest_write(machine, BASE + 0x1c, 4, 1);
    cr_assert_not(irq.level);
    cr_assert_geq(guest_read(machine, BASE, 4), 1004);
    bare_machine_destroy(machine);
}

// --- GPIO
// ----------------------------------------------------------------------------------------------------------

Test(pl061, inputs_outputs_and_interrupts)
{
    machine = bare_machine_create();
    struct irq_sink out;
    memset(&out, 0, sizeof(out));
    struct device *gpio = device_create(machine, &pl061_type, NULL);
    pl061_wire(gpio, BASE, irq_sink_line(&irq));
    pl061_connect_output(gpio, 0, irq_sink_line(&out));
    realize(gpio);
    struct irq_line key = pl061_input(gpio, 3);
    guest_write(machine, BASE + 0x400, 4, 0x01); // line 0 is an output
    guest_write(machine, BASE + (0xff << 2), 4, 0xff);
    cr_assert(out.level);
    cr_assert_eq(guest_read(machine, BASE + (0xff << 2), 4), 0x01, "inputs are not written");
    guest_write(machine, BASE + (0xfe << 2), 4, 0);
    cr_assert(out.level, "the address masks the line");
    irq_set(&key, true);
    cr_assert_eq(guest_read(machine, BASE + (0x08 << 2), 4), 0x08);
    irq_set(&key, false);
    // Both edges, as gpio-keys asks for.
    guest_write(machine, BASE + 0x41c, 4, 0xff);
    guest_write(machine, BASE + 0x408, 4, 0x08);
    guest_write(machine, BASE + 0x410, 4, 0x08);
    cr_assert_not(irq.level);
    irq_set(&key, true);
    cr_assert(irq.level);
    guest_write(machine, BASE + 0x41c, 4, 0x08);
    cr_assert_not(irq.level);
    irq_set(&key, false);
    cr_assert(irq.level);
    guest_write(machine, BASE + 0x41c, 4, 0x08);
    // A rising edge only, then a high level.
    guest_write(machine, BASE + 0x408, 4, 0);
    guest_write(machine, BASE + 0x40c, 4, 0x08);
    irq_set(&key, true);
    irq_set(&key, false);
    cr_assert(irq.level);
    guest_write(machine, BASE + 0x41c, 4, 0x08);
    guest_write(machine, BASE + 0x404, 4, 0x08);
    cr_assert_not(irq.level);
    irq_set(&key, true);
    guest_write(machine, BASE + 0x41c, 4, 0x08);
    cr_assert(irq.level, "a level cannot be cleared");
    bare_machine_destroy(machine);
}

// --- fw_cfg
// --------------------------------------------------------------------------------------------------------

static struct device *start_fw_cfg(void)
{
    machine = bare_machine_create();
    struct device *cfg = device_create(machine, &fw_cfg_type, NULL);
    fw_cfg_wire(cfg, BASE);
    realize(cfg);
    return cfg;
}

static void select_key(uint16_t key)
{
    guest_write(machine, BASE + 8, 2, htobe16(key));
}

Test(fw_cfg, items_and_directory)
{
    struct device *cfg = start_fw_cfg();
    struct error error;
    cr_assert_eq(guest_read(machine, BASE, 4), 0x554d4551, "QEMU");
    cr_assert_eq(guest_read(machine, BASE, 1), 0, "past the end");
    select_key(FW_CFG_ID);
    cr_assert_eq(guest_read(machine, BASE, 4), 3);
    fw_cfg_add_le16(cfg, FW_CFG_NB_CPUS, 7);
    select_key(FW_CFG_NB_CPUS);
    cr_assert_eq(guest_read(machine, BASE, 1), 7);
    cr_assert_eq(fw_cfg_add_file(cfg, "opt/second", "22", 2, &error), 0);
    cr_assert_eq(fw_cfg_add_file(cfg, "etc/first", "1", 1, &error), 0);
    cr_assert_eq(fw_cfg_add_file(cfg, "etc/first", "1", 1, &error), -EEXIST);
    cr_assert_eq(
        fw_cfg_add_file(cfg, "a/name/that/is/much/longer/than/the/directory/has/room/for", "1", 1, &error),
        -EINVAL);
    select_key(FW_CFG_FILE_DIR);
    cr_assert_eq(be32toh((uint32_t)guest_read(machine, BASE, 4)), 2);
    cr_assert_eq(be32toh((uint32_t)guest_read(machine, BASE, 4)), 1);
    uint16_t key = be16toh((uint16_t)guest_read(machine, BASE, 2));
    guest_read(machine, BASE, 2);
    cr_assert_eq(guest_read(machine, BASE, 4), 0x2f637465, "sorted: etc/ first");
    select_key(key);
    cr_assert_eq(guest_read(machine, BASE, 1), '1');
    select_key(0x3fff);
    cr_assert_eq(guest_read(machine, BASE, 8), 0);
    bare_machine_destroy(machine);
}

static uint32_t fw_dma(uint32_t control, uint32_t length, uint64_t address)
{
    uint64_t request = BARE_RAM_BASE + 0x1000;
    guest_write(machine, request, 4, htobe32(control));
    guest_write(machine, request + 4, 4, htobe32(length));
    guest_write(machine, request + 8, 8, htobe64(address));
    guest_write(machine, BASE + 16, 4, htobe32((uint32_t)(request >> 32)));
    guest_write(machine, BASE + 20, 4, htobe32((uint32_t)request));
    return be32toh((uint32_t)guest_read(machine, request, 4));
}

Test(fw_cfg, dma, .timeout = 10)
{
    struct device *cfg = start_fw_cfg();
    uint64_t target = BARE_RAM_BASE + 0x2000;
    cr_assert_eq(be64toh(guest_read(machine, BASE + 16, 8)), UINT64_C(0x51454d5520434647));
    fw_cfg_add(cfg, FW_CFG_CMDLINE_DATA, "console=ttyAMA0", 16);
    cr_assert_eq(fw_dma(FW_CFG_CMDLINE_DATA << 16 | 8 | 2, 7, target), 0);
    cr_assert_eq(guest_read(machine, target, 4), 0x736e6f63);
    cr_assert_eq(fw_dma(4, 1, 0), 0);
    guest_write(machine, target + 8, 8, UINT64_MAX);
    cr_assert_eq(fw_dma(2, 12, target), 0);
    cr_assert_eq(guest_read(machine, target, 4), 0x41797474, "goes on behind the '='");
    cr_assert_eq(guest_read(machine, target + 8, 4), 0, "zeroes past the end");
    cr_assert_eq(fw_dma(FW_CFG_CMDLINE_DATA << 16 | 8 | 16, 4, target), 1, "nothing can be written");
    cr_assert_eq(fw_dma(FW_CFG_CMDLINE_DATA << 16 | 8 | 2, UINT32_MAX, target), 1, "runs out of memory");
    cr_assert_eq(fw_dma(FW_CFG_CMDLINE_DATA << 16 | 8 | 2, 16, BASE), 1, "not into registers");
    guest_write(machine, BASE + 16, 8, htobe64(0x10));
    bare_machine_destroy(machine);
}

// --- flash
// ---------------------------------------------------------------------------------------------------------

enum { FLASH = 0, FLASH_BYTES = 1 << 20 };

static struct block_backend *open_image(const char *path, bool readonly)
{
    struct block_options options = {.path = path, .readonly = readonly};
    struct block_backend *drive;
    struct error error = {""};
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &drive, &error), 0, "%s", error.text);
    cr_assert_eq(backend_list_add(&machine->backends, BACKEND_DRIVE, path, drive, &error), 0);
    return drive;
}

static void start_flash(struct block_backend *drive)
{
    struct device *flash = device_create(machine, &pflash_cfi01_type, NULL);
    pflash_wire(flash, PFLASH_TWO_16_BITS, "flash", FLASH, FLASH_BYTES, drive);
    realize(flash);
}

static void flash_command(uint64_t offset, uint32_t command)
{
    guest_write(machine, FLASH + offset, 4, command | command << 16);
}

static void erase_block(uint64_t offset)
{
    flash_command(offset, 0x20);
    flash_command(offset, 0xd0);
    cr_assert_eq(guest_read(machine, FLASH + offset, 4), 0x00800080);
}

Test(pflash, query_program_and_erase)
{
    machine = bare_machine_create();
    start_flash(NULL);
    flash_command(0x55 * 4, 0x98);
    cr_assert_eq(guest_read(machine, 0x10 * 4, 4), 0x00510051);
    cr_assert_eq(guest_read(machine, 0x11 * 4, 2), 'R');
    cr_assert_eq(guest_read(machine, 0x27 * 4, 1), 19, "each chip has 512 KiB");
    cr_assert_eq(guest_read(machine, 0x2d * 4, 1), 3, "four blocks");
    flash_command(0, 0x90);
    cr_assert_eq(guest_read(machine, 0, 4), 0x00890089);
    flash_command(0, 0xff);
    erase_block(0x40000);
    flash_command(0, 0xff);
    cr_assert_eq(guest_read(machine, 0x40000, 8), UINT64_MAX);
    cr_assert_eq(guest_read(machine, 0x7fffc, 4), 0xffffffff);
    cr_assert_eq(guest_read(machine, 0x80000, 4), 0);
    flash_command(0x40010, 0x40);
    guest_write(machine, 0x40010, 4, 0x12345678);
    cr_assert_eq(guest_read(machine, 0x40010, 4), 0x00800080, "status");
    flash_command(0x40010, 0x40);
    guest_write(machine, 0x40010, 4, 0xff00ff00);
    flash_command(0, 0xff);
    cr_assert_eq(guest_read(machine, 0x40010, 4), 0x12005600, "bits only fall");
    bare_machine_destroy(machine);
}

// The bank of a PC: bytes, small blocks, any number of them.
Test(pflash, eight_bits)
{
    machine = bare_machine_create();
    struct device *flash = device_create(machine, &pflash_cfi01_type, NULL);
    pflash_wire(flash, PFLASH_8_BITS, "flash", FLASH, 0x85000, NULL);
    realize(flash);
    guest_write(machine, FLASH + 0x55, 1, 0x98);
    cr_assert_eq(guest_read(machine, FLASH + 0x10, 4), 0x01595251, "QRY and the command set");
    cr_assert_eq(guest_read(machine, FLASH + 0x2d, 1), 0x84, "133 blocks");
    cr_assert_eq(guest_read(machine, FLASH + 0x2f, 1), 0x10, "of 16 times 256 bytes");
    guest_write(machine, FLASH + 0x100, 1, 0x50);
    guest_write(machine, FLASH + 0x100, 1, 0x70);
    cr_assert_eq(guest_read(machine, FLASH + 0x100, 1), 0, "how firmware knows it from memory");
    guest_write(machine, FLASH + 0x84000, 1, 0x20);
    guest_write(machine, FLASH + 0x84000, 1, 0xd0);
    cr_assert_eq(guest_read(machine, FLASH + 0x84000, 1), 0x80);
    guest_write(machine, FLASH + 0x84fff, 1, 0x10);
    guest_write(machine, FLASH + 0x84fff, 1, 0x5a);
    guest_write(machine, FLASH, 1, 0xff);
    cr_assert_eq(guest_read(machine, FLASH + 0x84ffc, 4), 0x5affffff);
    cr_assert_eq(guest_read(machine, FLASH + 0x83fff, 1), 0, "the next block is as it was");
    bare_machine_destroy(machine);
}

Test(pflash, buffered_writes_and_wrong_sequences)
{
    machine = bare_machine_create();
    start_flash(NULL);
    erase_block(0);
    flash_command(0x1000, 0xe8);
    guest_write(machine, 0x1000, 4, 0x00030003);
    for (unsigned i = 0; i < 4; i++)
        guest_write(machine, 0x1000 + 4 * i, 4, 0x11111111u * (i + 1));
    flash_command(0x1000, 0xd0);
    cr_assert_eq(guest_read(machine, 0x1000, 4), 0x00800080);
    flash_command(0, 0xff);
    cr_assert_eq(guest_read(machine, 0x1008, 8), UINT64_C(0x4444444433333333));
    cr_assert_eq(guest_read(machine, 0x1010, 4), 0xffffffff);
    flash_command(0x2000, 0xe8);
    guest_write(machine, 0x2000, 4, 0xffffffff); // far too many words
    cr_assert_eq(guest_read(machine, 0x2000, 4) & 0x30, 0x30);
    flash_command(0, 0x50);
    flash_command(0x2000, 0xe8);
    guest_write(machine, 0x2000, 4, 0x00010001);
    guest_write(machine, 0x8000, 4, 0); // outside of the buffer
    cr_assert_eq(guest_read(machine, 0x2000, 4) & 0x30, 0x30);
    flash_command(0, 0x50);
    flash_command(0, 0x20);
    flash_command(0, 0x77); // not a confirmation
    cr_assert_eq(guest_read(machine, 0, 4) & 0x30, 0x30);
    flash_command(0, 0xff);
    cr_assert_eq(guest_read(machine, 0x1000, 4), 0x11111111, "nothing was erased");
    bare_machine_destroy(machine);
}

Test(pflash, contents_come_from_and_go_to_the_drive)
{
    char path[] = "/tmp/flash-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(ftruncate(fd, FLASH_BYTES), 0);
    cr_assert_eq(pwrite(fd, "firmware", 8, 0x100), 8);
    machine = bare_machine_create();
    start_flash(open_image(path, false));
    cr_assert_eq(guest_read(machine, 0x100, 8), UINT64_C(0x657261776d726966));
    erase_block(0x40000);
    flash_command(0x40000, 0x40);
    guest_write(machine, 0x40000, 4, 0xcafef00d);
    bare_machine_destroy(machine);
    uint32_t word;
    cr_assert_eq(pread(fd, &word, 4, 0x40000), 4);
    cr_assert_eq(word, 0xcafef00d);
    cr_assert_eq(pread(fd, &word, 4, 0x7fffc), 4);
    cr_assert_eq(word, 0xffffffff);
    // Read-only: programming reports an error.
    machine = bare_machine_create();
    start_flash(open_image(path, true));
    flash_command(0x40000, 0x40);
    guest_write(machine, 0x40000, 4, 0);
    cr_assert_eq(guest_read(machine, 0x40000, 4) & 0x10, 0x10);
    flash_command(0, 0xff);
    cr_assert_eq(guest_read(machine, 0x40000, 4), 0xcafef00d);
    bare_machine_destroy(machine);
    // A writable image must have the bank's size.
    cr_assert_eq(ftruncate(fd, FLASH_BYTES / 2), 0);
    machine = bare_machine_create();
    struct device *flash = device_create(machine, &pflash_cfi01_type, NULL);
    pflash_wire(flash, PFLASH_TWO_16_BITS, "flash", FLASH, FLASH_BYTES, open_image(path, false));
    struct error error;
    cr_assert_eq(device_realize(flash, &error), -EINVAL);
    cr_assert(strstr(error.text, "pad it"));
    device_destroy(flash);
    bare_machine_destroy(machine);
    close(fd);
    unlink(path);
}

Test(pflash, reads_are_direct_in_array_mode_only)
{
    machine = bare_machine_create();
    start_flash(NULL);
    const struct mem_range *range = memory_map_find(machine->map, FLASH);
    cr_assert(mem_range_direct_read(range));
    flash_command(0, 0x70);
    cr_assert_not(mem_range_direct_read(range));
    flash_command(0, 0xff);
    cr_assert(mem_range_direct_read(range));
    cr_assert_not(mem_range_direct_write(range));
    bare_machine_destroy(machine);
}
