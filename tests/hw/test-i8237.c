// SPDX-License-Identifier: MIT
// The DMA controllers: registers, and transfers as a device makes them.
#include <criterion/criterion.h>
#include <string.h>

#include "hw/dma/i8237.h"
#include "pc-bench.h"

static struct pc_bench bench;
static struct isa_dma dma;

static void setup(void)
{
    pc_bench_create(&bench);
    pc_bench_add_low_ram(&bench);
    struct device *device = device_create(bench.machine, &i8237_type, NULL);
    i8237_wire(device, bench.io);
    pc_bench_realize(&bench, device);
    dma = i8237_dma(device);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(i8237, .init = setup, .fini = teardown);

static size_t transfer(unsigned channel, bool to_memory, void *data, size_t length, bool *end)
{
    return dma.transfer(dma.opaque, channel, to_memory, data, length, end);
}

Test(i8237, writes_memory_until_the_count_ends)
{
    char text[] = "0123456789";
    bool end;
    pc_bench_program_dma(&bench, 0x44, 0x12345, 8);
    cr_assert_eq(transfer(2, true, text, 5, &end), 5);
    cr_assert_not(end);
    outb(&bench, 0x0c, 0);
    cr_assert_eq(inb(&bench, 0x05), 2);
    cr_assert_eq(inb(&bench, 0x05), 0);
    cr_assert_eq(transfer(2, true, text + 5, 5, &end), 3);
    cr_assert(end);
    cr_assert_eq(guest_read(bench.machine, 0x12345, 8), UINT64_C(0x3736353433323130));
    cr_assert_eq(guest_read(bench.machine, 0x1234d, 1), 0);
    cr_assert_eq(inb(&bench, 0x08) & 0xf, 4);
    cr_assert_eq(inb(&bench, 0x08) & 0xf, 0, "once");
    cr_assert_eq(transfer(2, true, text, 1, &end), 0, "masked at the end");
    cr_assert_eq(inb(&bench, 0x0f) & 0xf, 0xf);
}

Test(i8237, reads_memory_and_verifies)
{
    char text[4] = "";
    bool end;
    guest_write(bench.machine, 0x20000, 4, 0x64636261);
    pc_bench_program_dma(&bench, 0x48, 0x20000, 4);
    cr_assert_eq(transfer(2, true, text, 4, &end), 0, "the other way");
    cr_assert_eq(transfer(2, false, text, 4, &end), 4);
    cr_assert(end);
    cr_assert_eq(memcmp(text, "abcd", 4), 0);
    pc_bench_program_dma(&bench, 0x40, 0x30000, 4);
    cr_assert_eq(transfer(2, true, text, 4, &end), 4);
    cr_assert_eq(guest_read(bench.machine, 0x30000, 4), 0, "verifying writes nothing");
}

Test(i8237, stays_in_its_page)
{
    char text[] = "abcd";
    bool end;
    pc_bench_program_dma(&bench, 0x44, 0x1fffe, 4);
    transfer(2, true, text, 4, &end);
    cr_assert_eq(guest_read(bench.machine, 0x1fffe, 2), 0x6261);
    cr_assert_eq(guest_read(bench.machine, 0x10000, 2), 0x6463);
    pc_bench_program_dma(&bench, 0x64, 0x10001, 4); // downwards
    transfer(2, true, text, 4, &end);
    cr_assert_eq(guest_read(bench.machine, 0x10000, 2), 0x6162);
    cr_assert_eq(guest_read(bench.machine, 0x1fffe, 2), 0x6364);
}

Test(i8237, starts_over_by_itself)
{
    char text[] = "abcdef";
    bool end;
    pc_bench_program_dma(&bench, 0x54, 0x1000, 3);
    cr_assert_eq(transfer(2, true, text, 6, &end), 3);
    cr_assert(end);
    cr_assert_eq(transfer(2, true, text + 3, 3, &end), 3);
    cr_assert_eq(guest_read(bench.machine, 0x1000, 4), 0x666564);
}

Test(i8237, words_of_the_second_chip)
{
    uint8_t words[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool end;
    outb(&bench, 0xd8, 0);
    outb(&bench, 0xc4, 0x00); // channel 5, address 0x8000 words
    outb(&bench, 0xc4, 0x80);
    outb(&bench, 0xc6, 2); // three words
    outb(&bench, 0xc6, 0);
    outb(&bench, 0x8b, 0x03); // bit 0 does not count
    outb(&bench, 0xd6, 0x45);
    cr_assert_eq(transfer(5, true, words, 8, &end), 0);
    outb(&bench, 0xd4, 1);
    cr_assert_eq(transfer(5, true, words, 8, &end), 6);
    cr_assert(end);
    cr_assert_eq(guest_read(bench.machine, 0x30000, 8), UINT64_C(0x060504030201));
    outb(&bench, 0x80, 0x77);
    cr_assert_eq(inb(&bench, 0x80), 0x77);
    outb(&bench, 0x0e, 0);
    cr_assert_eq(inb(&bench, 0x0f) & 0xf, 0);
    outb(&bench, 0x0d, 0);
    cr_assert_eq(inb(&bench, 0x0f) & 0xf, 0xf);
    outb(&bench, 0x0f, 3);
    cr_assert_eq(inb(&bench, 0x0f) & 0xf, 3);
    pc_bench_program_dma(&bench, 0x44, 0xff0000, 16); // not memory
    cr_assert_eq(transfer(2, true, words, 8, &end), 8);
}
