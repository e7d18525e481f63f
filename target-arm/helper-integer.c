// SPDX-License-Identifier: MIT
// CRC32 and CRC32C (Arm ARM, C6.2, FEAT_CRC32): bit-reflected polynomials, no inversion before or after. Eight bytes take
// eight table reads that do not wait for each other; the tables are made when the first CPU is, and constant from then
// on.

#include "target-arm/helper.h"

#include <pthread.h>
#include <stdint.h>

enum { CRC32, CRC32C };

// tables[which][k][byte]: what a byte followed by k zero bytes leaves.
static uint32_t tables[2][8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    static const uint32_t reflected[2] = {[CRC32] = 0xedb88320, [CRC32C] = 0x82f63b78};
    for (unsigned which = 0; which < 2; which++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint32_t crc = byte;
            for (unsigned bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (crc & 1 ? reflected[which] : 0);
            tables[which][0][byte] = crc;
        }
        for (unsigned k = 1; k < 8; k++)
            for (unsigned byte = 0; byte < 256; byte++) {
                uint32_t crc = tables[which][k - 1][byte];
                tables[which][k][byte] = crc >> 8 ^ tables[which][0][crc & 0xff];
            }
    }
}

void arm_crc_init(void)
{
    pthread_once(&tables_once, make_tables);
}

// The accumulator's bytes go in with the first of the data.
static uint32_t crc(uint32_t accumulator, uint64_t data, uint32_t bytes, const uint32_t table[8][256])
{
    uint64_t x = data ^ accumulator;
    uint32_t result = 0;
    for (uint32_t i = 0; i < bytes; i++)
        result ^= table[bytes - 1 - i][x >> 8 * i & 0xff];
    return bytes < 4 ? result ^ accumulator >> 8 * bytes : result;
}

static uint32_t crc32(uint32_t accumulator, uint64_t data, uint32_t bytes)
{
    return crc(accumulator, data, bytes, tables[CRC32]);
}
const struct ir_helper arm_helper_crc32 = {
    "crc32", ARM_HELPER_FN(crc32), IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_I32, 3, {IR_I32, IR_I64, IR_I32}};

static uint32_t crc32c(uint32_t accumulator, uint64_t data, uint32_t bytes)
{
    return crc(accumulator, data, bytes, tables[CRC32C]);
}
const struct ir_helper arm_helper_crc32c = {
    "crc32c", ARM_HELPER_FN(crc32c), IR_HELPER_PURE | IR_HELPER_NO_ENV, IR_I32, 3, {IR_I32, IR_I64, IR_I32}};
