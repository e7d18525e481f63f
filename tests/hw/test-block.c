// SPDX-License-Identifier: MIT
// Disk images whose writes are temporary, and the lengths that images may have.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare-machine.h"
#include "hw/core/block.h"

enum { SECTOR = 512, BYTES = 300 * SECTOR, TAIL = 100 };

static struct machine *machine;
static char path[] = "/tmp/block-XXXXXX";
static uint8_t original[BYTES], model[BYTES], found[BYTES];
static int image;

static void setup(void)
{
    machine = bare_machine_create();
    image = mkstemp(path);
    for (unsigned i = 0; i < BYTES; i++)
        original[i] = (uint8_t)(i >> 9 ^ i);
    cr_assert_eq(write(image, original, BYTES - TAIL), BYTES - TAIL);
    memset(original + BYTES - TAIL, 0, TAIL); // what the last sector is filled up with
    memcpy(model, original, BYTES);
}

static void teardown(void)
{
    bare_machine_destroy(machine);
    close(image);
    unlink(path);
}

TestSuite(block, .init = setup, .fini = teardown);

static struct block_backend *open_as(struct block_options options)
{
    struct error error = {""};
    struct block_backend *block;
    options.path = path;
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &block, &error), 0, "%s", error.text);
    return block;
}

static void shut(struct block_backend *block)
{
    device_lock_acquire(&machine->lock);
    block_close(block);
    device_lock_release(&machine->lock);
}

static int last_result;

static void done(struct block_request *request, int result)
{
    (void)request;
    last_result = result;
}

static int run(struct block_backend *block, struct block_request request)
{
    request.done = done;
    device_lock_acquire(&machine->lock);
    block_submit(block, &request);
    block_drain(block);
    device_lock_release(&machine->lock);
    return last_result;
}

// In pieces that are no whole sectors.
static int transfer(struct block_backend *block, enum block_op op, uint8_t *data, unsigned offset, unsigned length)
{
    struct iovec vector[] = {{data + offset, 100}, {data + offset + 100, 300}, {data + offset + 400, length - 400}};
    return run(block, (struct block_request){.op = op, .offset = offset, .length = length, .vector = vector, .vector_count = 3});
}

static void expect_model(struct block_backend *block)
{
    memset(found, 0xee, BYTES);
    cr_assert_eq(transfer(block, BLOCK_READ, found, 0, BYTES), 0);
    for (unsigned i = 0; i < BYTES; i++)
        cr_assert_eq(found[i], model[i], "byte %u", i);
}

static void expect_original_file(void)
{
    cr_assert_eq(lseek(image, 0, SEEK_END), BYTES - TAIL);
    cr_assert_eq(pread(image, found, BYTES, 0), BYTES - TAIL);
    cr_assert_eq(memcmp(found, original, BYTES - TAIL), 0);
}

Test(block, temporary_writes_are_read_back_and_leave_the_image)
{
    struct block_backend *block = open_as((struct block_options){.snapshot = true, .discard = true});
    cr_assert(block->temporary && !block->readonly);
    expect_model(block);
    srand(1);
    for (unsigned step = 0; step < 400; step++) {
        unsigned sector = (unsigned)rand() % 300, count = 1 + (unsigned)rand() % 40;
        count = count > 300 - sector ? 300 - sector : count;
        unsigned offset = sector * SECTOR, length = count * SECTOR;
        if (step % 5 == 4) {
            memset(model + offset, 0, length);
            struct block_request zeroes = {
                .op = BLOCK_WRITE_ZEROES, .offset = offset, .length = length, .may_unmap = step % 2};
            cr_assert_eq(run(block, zeroes), 0);
        } else if (step % 50 == 3) {
            // A hint, which must not show what was there before the last write.
            cr_assert_eq(run(block, (struct block_request){.op = BLOCK_DISCARD, .offset = offset, .length = length}), 0);
        } else {
            for (unsigned i = 0; i < length; i++)
                model[offset + i] = (uint8_t)(step + i);
            cr_assert_eq(transfer(block, BLOCK_WRITE, model, offset, length), 0);
        }
        if (step % 20 == 0)
            expect_model(block);
    }
    expect_model(block);
    cr_assert_eq(run(block, (struct block_request){.op = BLOCK_FLUSH}), 0);
    cr_assert_eq(transfer(block, BLOCK_READ, found, 0, BYTES), 0);
    cr_assert_eq(run(block, (struct block_request){.op = BLOCK_DISCARD, .offset = BYTES, .length = SECTOR}), -EIO);
    cr_assert_eq(run(block, (struct block_request){.op = BLOCK_DISCARD, .offset = 1, .length = SECTOR}), -EINVAL);
    expect_original_file();
    shut(block);
    memcpy(model, original, BYTES);
    block = open_as((struct block_options){.snapshot = true});
    expect_model(block);
    shut(block);
}

Test(block, several_may_write_to_an_image_for_themselves)
{
    struct error error;
    struct block_options writer = {.path = path};
    struct block_backend *third, *blocks[] = {open_as((struct block_options){.snapshot = true}),
                                              open_as((struct block_options){.snapshot = true})};
    cr_assert_eq(block_raw_file_open(&writer, machine->loop, &third, &error), -EAGAIN);
    memset(found, 0x77, SECTOR);
    cr_assert_eq(transfer(blocks[0], BLOCK_WRITE, found, 0, SECTOR), 0);
    expect_model(blocks[1]);
    memset(model, 0x77, SECTOR);
    expect_model(blocks[0]);
    shut(blocks[0]);
    shut(blocks[1]);
    shut(open_as(writer));
}

Test(block, a_read_only_image_needs_no_overlay)
{
    struct block_backend *block = open_as((struct block_options){.snapshot = true, .readonly = true});
    cr_assert(block->readonly && !block->temporary);
    shut(block);
}

Test(block, no_place_for_temporary_writes)
{
    struct error error;
    struct block_backend *block;
    struct block_options options = {.path = path, .snapshot = true};
    setenv("TMPDIR", "/nonexistent", 1);
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &block, &error), -ENOENT);
    cr_assert(strstr(error.text, "'/nonexistent' (TMPDIR)"), "%s", error.text);
}

Test(block, a_last_sector_that_is_not_whole_can_be_written)
{
    struct block_backend *block = open_as((struct block_options){0});
    cr_assert_eq(block->size, BYTES);
    memset(model + BYTES - SECTOR, 0x55, SECTOR);
    cr_assert_eq(transfer(block, BLOCK_WRITE, model, BYTES - SECTOR, SECTOR), 0);
    expect_model(block);
    cr_assert_eq(lseek(image, 0, SEEK_END), BYTES);
    shut(block);
}

Test(block, an_empty_image_is_refused)
{
    struct error error;
    struct block_backend *block;
    struct block_options options = {.path = path};
    cr_assert_eq(ftruncate(image, 0), 0);
    cr_assert_eq(block_raw_file_open(&options, machine->loop, &block, &error), -EINVAL);
    cr_assert(strstr(error.text, "is empty"));
}
