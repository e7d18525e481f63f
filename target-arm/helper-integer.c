// SPDX-License-Identifier: MIT
// CRC32 and CRC32C (Arm ARM, C6.2, FEAT_CRC32): bit-reflected polynomials, no inversion before or after. The tables
// are those of four bits at a time, small enough to write down as what they are: remainders of the polynomial.

#include "target-arm/helper.h"

#include <stdint.h>

static uint32_t crc(uint32_t accumulator, uint64_t data, uint32_t bytes, const uint32_t table[16])
{
    for (uint32_t i = 0; i < bytes; i++, data >>= 8) {
        accumulator ^= (uint8_t)data;
        accumulator = table[accumulator & 15] ^ accumulator >> 4;
        accumulator = table[accumulator & 15] ^ accumulator >> 4;
    }
    return accumulator;
}

// Polynomial 0x04c11db7, reflected 0xedb88320.
static uint32_t crc32(uint32_t accumulator, uint64_t data, uint32_t bytes)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    return crc(accumulator, data, bytes, table);
}
const struct ir_helper arm_helper_crc32 = {
    "crc32", ARM_HELPER_FN(crc32), IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_I32, 3, {IR_I32, IR_I64, IR_I32}};

// Polynomial 0x1edc6f41, reflected 0x82f63b78.
static uint32_t crc32c(uint32_t accumulator, uint64_t data, uint32_t bytes)
{
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                       0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    return crc(accumulator, data, bytes, table);
}
const struct ir_helper arm_helper_crc32c = {
    "crc32c", ARM_HELPER_FN(crc32c), IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_I32, 3, {IR_I32, IR_I64, IR_I32}};
