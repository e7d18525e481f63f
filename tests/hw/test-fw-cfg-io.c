// SPDX-License-Identifier: MIT
// The firmware configuration device at I/O ports.
#include <criterion/criterion.h>
#include <endian.h>

#include "hw/core/dma.h"
#include "hw/nvram/fw-cfg.h"
#include "pc-bench.h"
#include "tcg/base/endian.h"

static struct pc_bench bench;
static struct device *cfg;

static void setup(void)
{
    pc_bench_create(&bench);
    cfg = device_create(bench.machine, &fw_cfg_io_type, NULL);
    fw_cfg_wire_io(cfg, bench.io);
    pc_bench_realize(&bench, cfg);
}

static void teardown(void)
{
    pc_bench_destroy(&bench);
}

TestSuite(fw_cfg_io, .init = setup, .fini = teardown);

static uint64_t read_item(uint16_t key, unsigned bytes)
{
    uint64_t value = 0;
    port_out(&bench, 0x510, 2, key);
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)inb(&bench, 0x511) << (8 * i);
    return value;
}

Test(fw_cfg_io, items_by_byte)
{
    cr_assert_eq(read_item(FW_CFG_SIGNATURE, 4), 0x554d4551);
    cr_assert_eq(read_item(FW_CFG_ID, 4), 3);
    fw_cfg_add_le64(cfg, FW_CFG_RAM_SIZE, UINT64_C(0x123456789abc));
    cr_assert_eq(read_item(FW_CFG_RAM_SIZE, 8), UINT64_C(0x123456789abc));
    fw_cfg_add_le32(cfg, FW_CFG_IRQ0_OVERRIDE, 1);
    cr_assert_eq(read_item(FW_CFG_IRQ0_OVERRIDE, 4), 1);
    cr_assert_eq(read_item(2, 4), 0, "the local 2 is not the general one");
    cr_assert_eq(read_item(0xffff, 8), 0);
    outb(&bench, 0x511, 0x55);
    cr_assert_eq(read_item(FW_CFG_SIGNATURE, 1), 'Q');
}

Test(fw_cfg_io, dma)
{
    uint8_t request[16];
    cr_assert_eq(port_in(&bench, 0x514, 4), 0x554d4551);
    cr_assert_eq(port_in(&bench, 0x518, 4), be32toh(0x20434647));
    store_be32(request, FW_CFG_SIGNATURE << 16 | 8 | 2);
    store_be32(request + 4, 4);
    store_be64(request + 8, BARE_RAM_BASE + 0x100);
    dma_write(bench.machine->map, BARE_RAM_BASE, request, 16);
    port_out(&bench, 0x518, 4, htobe32((uint32_t)BARE_RAM_BASE));
    cr_assert_eq(guest_read(bench.machine, BARE_RAM_BASE, 4), 0, "done");
    cr_assert_eq(guest_read(bench.machine, BARE_RAM_BASE + 0x100, 4), 0x554d4551);
    port_out(&bench, 0x514, 4, 0xffffffff);
    port_out(&bench, 0x518, 4, 0xffffffff);
    port_out(&bench, 0x518, 2, 0x1234);
}
