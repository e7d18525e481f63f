// SPDX-License-Identifier: MIT
// The floppy controller with a 1.44 MB image, by DMA and without.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/block/fdc.h"
#include "hw/core/block.h"
#include "hw/dma/i8237.h"
#include "pc-bench.h"

enum { DOR = 0x3f2, MSR = 0x3f4, FIFO = 0x3f5, DIR = 0x3f7, TARGET = 0x20000 };
enum { DISK = 80 * 2 * 18 * 512 };

static struct pc_bench bench;
static struct device *fdc;
static struct irq_sink irq;
static int image;

static struct block_backend *open_image(const char *id, off_t size, bool readonly, int *fd)
{
    char path[] = "/tmp/floppy-XXXXXX";
    struct block_options options = {.path = path, .readonly = readonly};
    struct block_backend *block;
    struct error error = {""};
    *fd = mkstemp(path);
    cr_assert_eq(ftruncate(*fd, size), 0);
    cr_assert_eq(block_raw_file_open(&options, bench.machine->loop, &block, &error), 0, "%s", error.text);
    cr_assert_eq(backend_list_add(&bench.machine->backends, BACKEND_DRIVE, id, block, &error), 0);
    unlink(path);
    return block;
}

// The first drive has an image of this size; 0: it is empty.
static void start(off_t bytes, bool readonly)
{
    pc_bench_create(&bench);
    pc_bench_add_low_ram(&bench);
    struct device *dma = device_create(bench.machine, &i8237_type, NULL);
    i8237_wire(dma, bench.io);
    pc_bench_realize(&bench, dma);
    fdc = device_create(bench.machine, &fdc_type, NULL);
    fdc_wire(fdc, bench.io, irq_sink_line(&irq), i8237_dma(dma));
    image = -1;
    fdc_connect(fdc, 0, bytes ? open_image("a", bytes, readonly, &image) : NULL);
    pc_bench_realize(&bench, fdc);
    outb(&bench, DIR, 0); // 500 kbit/s
}

static void setup(void)
{
    start(DISK, false);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
    close(image);
}

TestSuite(fdc, .init = setup, .fini = teardown);

static bool not_busy(void *opaque)
{
    (void)opaque;
    return irq.level;
}

static void command(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(inb(&bench, MSR) & 0xc0, 0x80, "expects byte %zu", i);
        outb(&bench, FIFO, (uint8_t)bytes[i]);
    }
}

#define COMMAND(bytes) command(bytes, sizeof(bytes) - 1)

static void results(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(inb(&bench, MSR) & 0xd0, 0xd0, "has byte %zu", i);
        uint8_t byte = inb(&bench, FIFO);
        cr_assert_eq(byte, (uint8_t)bytes[i], "byte %zu is 0x%02x", i, byte);
    }
    cr_assert_eq(inb(&bench, MSR), 0x80);
}

#define RESULTS(bytes) results(bytes, sizeof(bytes) - 1)

static void wait_interrupt(void)
{
    cr_assert(run_until(bench.machine, not_busy, NULL));
}

static void put_image(unsigned sector, const char *text)
{
    cr_assert_eq(pwrite(image, text, strlen(text), (off_t)sector * 512), (ssize_t)strlen(text));
}

static void image_has(unsigned sector, const char *text)
{
    char bytes[64] = "";
    cr_assert_eq(pread(image, bytes, strlen(text), (off_t)sector * 512), (ssize_t)strlen(text));
    cr_assert_str_eq(bytes, text);
}

static void memory_has(uint64_t gpa, const char *text)
{
    for (unsigned i = 0; text[i]; i++)
        cr_assert_eq(guest_read(bench.machine, gpa + i, 1), (uint8_t)text[i]);
}

Test(fdc, reset_and_polling)
{
    outb(&bench, DOR, 0x00);
    cr_assert_eq(inb(&bench, MSR), 0);
    cr_assert_not(irq.level);
    outb(&bench, DOR, 0x0c);
    cr_assert(irq.level);
    cr_assert_eq(inb(&bench, MSR), 0x80);
    COMMAND("\x08");
    cr_assert_not(irq.level);
    RESULTS("\xc0\0");
    COMMAND("\x08");
    RESULTS("\xc1\0");
    COMMAND("\x08");
    RESULTS("\xc2\0");
    COMMAND("\x08");
    RESULTS("\xc3\0");
    COMMAND("\x08");
    RESULTS("\x80");
    outb(&bench, MSR, 0x80); // the other reset
    cr_assert(irq.level);
}

Test(fdc, small_commands)
{
    COMMAND("\x10");
    RESULTS("\x90");
    COMMAND("\x03\xdf\x02");
    COMMAND("\x13\x00\x57\x10");
    COMMAND("\x94");
    RESULTS("\x10");
    COMMAND("\x12\x84");
    COMMAND("\x0e");
    RESULTS("\0\0\0\0\xdf\x02\0\x84\x57\x10");
    outb(&bench, DOR, 0x00);
    outb(&bench, DOR, 0x0c);
    for (unsigned i = 0; i < 4; i++) {
        COMMAND("\x08");
        inb(&bench, FIFO);
        inb(&bench, FIFO);
    }
    COMMAND("\x0e");
    RESULTS("\0\0\0\0\xdf\x02\0\x84\x57\x10");
    COMMAND("\x14");
    RESULTS("\x00");
    COMMAND("\x18"); // the part number, which only its successors know
    RESULTS("\x80");
    COMMAND("\x1f");
    RESULTS("\x80");
    cr_assert_eq(inb(&bench, FIFO), 0, "nothing there");
}

Test(fdc, seeking)
{
    cr_assert_eq(fdc_drive_type(fdc, 0), FDC_DRIVE_1440K);
    cr_assert_eq(fdc_drive_type(fdc, 1), FDC_DRIVE_NONE);
    outb(&bench, DOR, 0x1c);
    cr_assert_eq(inb(&bench, DIR) & 0x80, 0x80);
    COMMAND("\x0f\x04\x21");
    cr_assert(irq.level);
    COMMAND("\x08");
    RESULTS("\x24\x21");
    cr_assert_eq(inb(&bench, DIR) & 0x80, 0, "stepping ends the change of disks");
    COMMAND("\x8f\x00\x10");
    COMMAND("\x08");
    RESULTS("\x20\x11");
    COMMAND("\x04\x00");
    RESULTS("\x28");
    COMMAND("\x07\x00");
    COMMAND("\x08");
    RESULTS("\x20\x00");
    COMMAND("\x04\x04");
    RESULTS("\x3c");
    COMMAND("\x07\x01"); // no such drive
    COMMAND("\x08");
    RESULTS("\x71\x00");
    COMMAND("\x4a\x00");
    RESULTS("\0\0\0\0\0\x01\x02");
    COMMAND("\x4a\x04");
    RESULTS("\x04\0\0\0\x01\x02\x02");
    outb(&bench, DIR, 2); // at the wrong rate
    COMMAND("\x4a\x00");
    RESULTS("\x40\x01\0\0\0\x01\x02");
}

Test(fdc, reads_by_dma)
{
    put_image(36 * 5 + 18 + 2, "hello"); // cylinder 5, head 1, sector 3
    put_image(36 * 5 + 18 + 3, "world");
    pc_bench_program_dma(&bench, 0x44, TARGET, 1024);
    COMMAND("\xe6\x04\x05\x01\x03\x02\x12\x1b\xff");
    cr_assert_eq(inb(&bench, MSR), 0x10);
    wait_interrupt();
    RESULTS("\x04\0\0\x05\x01\x05\x02");
    cr_assert_not(irq.level);
    memory_has(TARGET, "hello");
    memory_has(TARGET + 512, "world");
    // Both sides of a cylinder.
    put_image(36 * 7 + 17, "last of side 0");
    put_image(36 * 7 + 35, "last of side 1");
    pc_bench_program_dma(&bench, 0x44, TARGET, 36 * 512);
    COMMAND("\xe6\0\x07\0\x01\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\0\0\0\x08\0\x01\x02");
    memory_has(TARGET + 17 * 512, "last of side 0");
    memory_has(TARGET + 35 * 512, "last of side 1");
    // DMA that ends inside of a sector, and DMA that goes on after the last one.
    pc_bench_program_dma(&bench, 0x44, TARGET, 3);
    COMMAND("\x46\x04\x05\x01\x03\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\x04\0\0\x05\x01\x04\x02");
    pc_bench_program_dma(&bench, 0x44, TARGET, 0x10000);
    COMMAND("\x46\x04\x05\x01\x03\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\x44\x80\0\x06\x01\x01\x02");
}

Test(fdc, writes_by_dma)
{
    for (unsigned i = 0; i < 512; i++)
        guest_write(bench.machine, TARGET + i, 1, 'a' + i % 26);
    put_image(36 * 79 + 1, "untouched");
    pc_bench_program_dma(&bench, 0x48, TARGET, 512);
    COMMAND("\xc5\0\x4f\0\x01\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\0\0\0\x4f\0\x02\x02");
    image_has(36 * 79, "abcdefgh");
    image_has(36 * 79 + 1, "untouched");
    // Masked: the data do not come in time.
    COMMAND("\xc5\0\0\0\x01\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\x40\x10\0\0\0\x01\x02");
}

Test(fdc, without_dma)
{
    put_image(4, "by hand");
    COMMAND("\x03\xdf\x03");
    COMMAND("\x46\0\0\0\x05\x02\x05\x1b\xff");
    wait_interrupt();
    for (unsigned i = 0; i < 512; i++) {
        cr_assert_eq(inb(&bench, MSR), 0xf0);
        cr_assert(irq.level);
        uint8_t byte = inb(&bench, FIFO);
        cr_assert(i >= 7 || byte == (uint8_t) "by hand"[i]);
    }
    cr_assert(irq.level);
    RESULTS("\x40\x80\0\x01\0\x01\x02");
    COMMAND("\x45\0\0\0\x06\x02\x06\x1b\xff");
    for (unsigned i = 0; i < 512; i++) {
        cr_assert_eq(inb(&bench, MSR), 0xb0);
        outb(&bench, FIFO, "written "[i % 8]);
    }
    wait_interrupt();
    RESULTS("\x40\x80\0\x01\0\x01\x02");
    image_has(5, "written written ");
}

Test(fdc, formatting_and_verifying)
{
    put_image(36 * 2, "old contents");
    put_image(36 * 2 + 18, "other side");
    for (unsigned i = 0; i < 18; i++)
        guest_write(bench.machine, TARGET + 4 * i, 4, 0x02000002 | (i + 1) << 16);
    pc_bench_program_dma(&bench, 0x48, TARGET, 18 * 4);
    COMMAND("\x0f\0\x02");
    COMMAND("\x08");
    RESULTS("\x20\x02");
    COMMAND("\x4d\0\x02\x12\x54\xf6");
    wait_interrupt();
    inb(&bench, FIFO);
    cr_assert_eq(inb(&bench, FIFO), 0);
    for (unsigned i = 0; i < 5; i++)
        inb(&bench, FIFO);
    image_has(36 * 2, "\xf6\xf6\xf6\xf6");
    image_has(36 * 2 + 17, "\xf6\xf6\xf6\xf6");
    image_has(36 * 2 + 18, "other side");
    COMMAND("\x4d\0\x02\x09\x54\xf6"); // another format
    RESULTS("\x40\x04\0\x02\0\x01\x02");
    COMMAND("\x56\0\0\0\x01\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\0\0\0\x01\0\x01\x02");
}

Test(fdc, what_is_not_on_the_disk)
{
    COMMAND("\x46\0\x50\0\x01\x02\x12\x1b\xff"); // cylinder 80
    RESULTS("\x40\x04\0\x50\0\x01\x02");
    COMMAND("\x46\0\0\0\x13\x02\x13\x1b\xff"); // sector 19
    RESULTS("\x40\x04\0\0\0\x13\x02");
    COMMAND("\x46\0\0\0\0\x02\x12\x1b\xff"); // sector 0
    RESULTS("\x40\x04\0\0\0\0\x02");
    COMMAND("\x46\0\0\0\x01\x07\x12\x1b\xff"); // 16 KiB sectors
    RESULTS("\x40\x04\0\0\0\x01\x02");
    COMMAND("\x46\x02\0\0\x01\x02\x12\x1b\xff"); // third drive
    RESULTS("\x42\x01\0\0\0\x01\x02");
    pc_bench_program_dma(&bench, 0x44, TARGET, 0x10000);
    COMMAND("\x46\0\0\0\x12\x02\xff\x1b\xff"); // beyond the last
    wait_interrupt();
    cr_assert_eq(inb(&bench, FIFO), 0x40);
    cr_assert_eq(inb(&bench, FIFO), 0x04);
}

Test(fdc, a_reset_in_the_middle)
{
    pc_bench_program_dma(&bench, 0x44, TARGET, 0x4000);
    COMMAND("\xe6\0\0\0\x01\x02\x12\x1b\xff");
    outb(&bench, DOR, 0x08);
    outb(&bench, DOR, 0x0c);
    cr_assert_eq(inb(&bench, MSR), 0x80);
    COMMAND("\x08");
    RESULTS("\xc0\0");
    cr_assert_not(irq.level);
}

static void setup_readonly(void)
{
    start(DISK, true);
}

TestSuite(fdc_readonly, .init = setup_readonly, .fini = teardown);

Test(fdc_readonly, write_protection)
{
    pc_bench_program_dma(&bench, 0x48, TARGET, 512);
    COMMAND("\x45\0\0\0\x01\x02\x12\x1b\xff");
    RESULTS("\x40\x02\0\0\0\x01\x02");
    COMMAND("\x04\0");
    RESULTS("\x78");
}

static void refuse(const char *id, off_t bytes, const char *why)
{
    int fd;
    struct error error;
    struct device *other = device_create(bench.machine, &fdc_type, NULL);
    fdc_connect(other, 0, open_image(id, bytes, false, &fd));
    cr_assert_eq(device_realize(other, &error), -EINVAL);
    cr_assert(strstr(error.text, why), "%s", error.text);
    close(fd);
    device_destroy(other);
}

Test(fdc, images_that_are_no_floppies)
{
    refuse("large", 2 * DISK + 1, "2949632 bytes, more than any floppy disk");
}

TestSuite(fdc_other, .fini = teardown);

Test(fdc_other, an_empty_drive)
{
    start(0, false);
    cr_assert_eq(fdc_drive_type(fdc, 0), FDC_DRIVE_2880K);
    cr_assert_eq(fdc_drive_type(fdc, 1), FDC_DRIVE_NONE);
    cr_assert_eq(inb(&bench, DIR) & 0x80, 0x80);
    COMMAND("\x0f\0\x05");
    COMMAND("\x08");
    RESULTS("\x20\x05");
    cr_assert_eq(inb(&bench, DIR) & 0x80, 0x80, "a step does not help without a disk");
    COMMAND("\x07\0");
    COMMAND("\x08");
    RESULTS("\x20\0");
    COMMAND("\x04\0");
    RESULTS("\x38");
    COMMAND("\x4a\0");
    RESULTS("\x40\x01\0\0\0\x01\x02");
    COMMAND("\x46\0\0\0\x01\x02\x12\x1b\xff");
    RESULTS("\x40\x01\0\0\0\x01\x02");
    COMMAND("\x45\0\0\0\x01\x02\x12\x1b\xff");
    RESULTS("\x40\x01\0\0\0\x01\x02");
    COMMAND("\x4d\0\x02\x12\x54\xf6");
    RESULTS("\x40\x01\0\0\0\x01\x02");
}

Test(fdc_other, a_short_image)
{
    start(3 * 512 + 100, false);
    cr_assert_eq(fdc_drive_type(fdc, 0), FDC_DRIVE_1440K);
    put_image(0, "first");
    put_image(3, "cut short");
    for (unsigned i = 0; i < 18 * 512; i++)
        guest_write(bench.machine, TARGET + i, 1, 0xee);
    pc_bench_program_dma(&bench, 0x44, TARGET, 18 * 512);
    COMMAND("\x46\0\0\0\x01\x02\x12\x1b\xff");
    wait_interrupt();
    RESULTS("\0\0\0\x01\0\x01\x02");
    memory_has(TARGET, "first");
    memory_has(TARGET + 3 * 512, "cut short");
    for (unsigned i = 3 * 512 + 100; i < 18 * 512; i++)
        cr_assert_eq(guest_read(bench.machine, TARGET + i, 1), 0);
    pc_bench_program_dma(&bench, 0x44, TARGET, 512);
    COMMAND("\x46\0\x4f\0\x01\x02\x01\x1b\xff"); // the last cylinder
    wait_interrupt();
    RESULTS("\0\0\0\x50\0\x01\x02");
    pc_bench_program_dma(&bench, 0x48, TARGET, 512);
    COMMAND("\x45\0\x4f\0\x01\x02\x01\x1b\xff");
    wait_interrupt();
    RESULTS("\x40\x20\0\x4f\0\x01\x02");
}
