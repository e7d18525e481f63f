// SPDX-License-Identifier: MIT
// Semihosting calls as the processor makes them, with a host that only notes what it is asked.

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "arm-machine.h"
#include "hw/core/semihost.h"
#include "target-arm/exception.h"
#include "tcg/base/endian.h"

enum { CODE = 0x40000000, VECTORS = 0x40001000, BLOCK = 0x40003000, HLT_F000 = 0xd45e0000, HVC_0 = 0xd4000002 };

static struct arm_machine *m;
static char written[64];
static unsigned asked;
static unsigned start_el;
static uint64_t start_x[2];

static void console_write(struct semihost *host, const void *data, size_t length)
{
    (void)host;
    strncat(written, data, length);
}

static int console_read(struct semihost *host)
{
    (void)host;
    return ++asked < 3 ? -EAGAIN : 'x';
}

static int64_t read_zeros(struct semihost *host, uint64_t handle, void *data, size_t length)
{
    (void)host;
    memset(data, 0, length);
    return handle == 1 ? (int64_t)length : -EBADF;
}

static const struct semihost_ops ops = {.console_write = console_write, .console_read = console_read, .read = read_zeros};
static struct semihost host = {.ops = &ops, .command_line = "program"};

static void store(uint64_t at, uint32_t word)
{
    store_le32(test_machine_ram(&m->base, at), word);
}

static void start(void *opaque, struct arm_cpu *cpu)
{
    (void)opaque;
    arm_select_sp(cpu, start_el, start_el > 0);
    memcpy(cpu->x, start_x, sizeof(start_x));
}

// A call, then HVC; at EL0 that is undefined and ends the run in the handler.
static void setup(void)
{
    m = arm_machine_create("tcg", "max", 0);
    m->starts = start;
    m->vbar = VECTORS;
    m->cpu->semihost = &host;
    host.userspace = false;
    start_el = 1;
    asked = 0;
    written[0] = 0;
    store(CODE, HLT_F000);
    store(CODE + 4, HVC_0);
    store(VECTORS + 0x200, HVC_0);
    store(VECTORS + 0x400, HVC_0);
}

static void teardown(void)
{
    arm_machine_destroy(m);
}

TestSuite(semihost, .init = setup, .fini = teardown);

static uint64_t call(uint64_t operation, uint64_t argument)
{
    start_x[0] = operation;
    start_x[1] = argument;
    cr_assert(arm_machine_run(m, CODE));
    return m->result[0];
}

static const struct debug_exception *first_exception(void)
{
    cr_assert_eq(m->cpu->tcg.vcpu.exceptions.count > 0, true);
    return &m->cpu->tcg.vcpu.exceptions.entries[0];
}

Test(semihost, a_call)
{
    strcpy(test_machine_ram(&m->base, BLOCK), "hello");
    cr_assert_eq(call(0x04, BLOCK), 0);
    cr_assert_str_eq(written, "hello");
    cr_assert_eq(m->cpu->tcg.vcpu.exceptions.count, 0);
}

Test(semihost, is_undefined_unless_asked_for)
{
    m->cpu->semihost = NULL;
    call(0x04, BLOCK);
    cr_assert_eq(first_exception()->syndrome >> 26, EC_UNKNOWN);
    cr_assert_eq(first_exception()->pc, CODE);
}

Test(semihost, other_immediates_are_undefined)
{
    store(CODE, 0xd45e0020); // HLT #0xf001
    call(0x04, BLOCK);
    cr_assert_eq(first_exception()->syndrome >> 26, EC_UNKNOWN);
}

Test(semihost, is_not_for_el0)
{
    start_el = 0;
    strcpy(test_machine_ram(&m->base, BLOCK), "hello");
    call(0x04, BLOCK);
    cr_assert_eq(first_exception()->pc, CODE);
    cr_assert_str_eq(written, "");
}

Test(semihost, can_be_for_el0)
{
    start_el = 0;
    host.userspace = true;
    strcpy(test_machine_ram(&m->base, BLOCK), "hello");
    call(0x04, BLOCK);
    cr_assert_eq(first_exception()->pc, CODE + 4);
    cr_assert_str_eq(written, "hello");
}

Test(semihost, waits_for_input_by_trying_again)
{
    cr_assert_eq(call(0x07, 0), 'x');
    cr_assert_eq(asked, 3);
}

// Addresses that the caller could not use itself: an error for the call, no exception.
Test(semihost, bad_addresses)
{
    for (unsigned operation = 0; operation < 0x40; operation++) {
        bool no_block = operation == 0x07 || (operation >= 0x10 && operation <= 0x13) || operation == 0x19 || operation == 0x31;
        if (!no_block)
            cr_assert_eq(call(operation, 0x900000000), UINT64_MAX, "operation 0x%x", operation);
    }
    cr_assert_eq(m->cpu->tcg.vcpu.exceptions.count, 0);
    // A string up to the end of memory, and a block across it.
    uint64_t end = ARM_MACHINE_RAM + ((uint64_t)TEST_MACHINE_RAM_MIB << 20);
    memset(test_machine_ram(&m->base, end - 0x1000), 'a', 0x1000);
    cr_assert_eq(call(0x06, end - 8), UINT64_MAX);
    // The kernel's memory, from EL0 with the MMU on.
    m->kernel_like = true;
    host.userspace = true;
    start_el = 0;
    written[0] = 0;
    strcpy(test_machine_ram(&m->base, BLOCK), "hello");
    call(0x04, BLOCK);
    cr_assert_str_eq(written, "");
}

// Reads of any length end.
Test(semihost, lengths)
{
    uint8_t *block = test_machine_ram(&m->base, BLOCK);
    store_le64(block, 1);
    store_le64(block + 8, 0x40100ff0);
    store_le64(block + 16, 0x2000);
    memset(test_machine_ram(&m->base, 0x40100ff0), 0xff, 0x2001);
    cr_assert_eq(call(0x06, BLOCK), 0);
    cr_assert_eq(*(uint8_t *)test_machine_ram(&m->base, 0x40102fef), 0);
    cr_assert_eq(*(uint8_t *)test_machine_ram(&m->base, 0x40102ff0), 0xff);
    store_le64(block + 16, UINT64_C(1) << 40);
    uint64_t left = call(0x06, BLOCK);
    cr_assert(left > 0 && left < UINT64_C(1) << 40, "%llx", (unsigned long long)left);
    store_le64(block + 16, UINT64_MAX);
    cr_assert_eq(call(0x06, BLOCK), UINT64_MAX);
}
