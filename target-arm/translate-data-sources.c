// SPDX-License-Identifier: MIT
// Data processing, register (Arm ARM, C4.1.95): one source (counts, reversals), two (division, shifts, CRC) and three
// (multiplication). Pointer authentication, which has the encodings of one and two, is in translate-pauth.c.

#include "target-arm/helper.h"
#include "target-arm/translate-data.h"
#include "target-arm/translate.h"

// --- two sources ---

static bool two_sources(struct a64 *a, uint32_t insn, enum ir_op op)
{
    enum ir_type type = insn_type(insn);
    ir_ref n = a64_reg(a, type, insn_rn(insn)), m = a64_reg(a, type, insn_rm(insn));
    a64_set(a, insn_rd(insn), ir_op2(a->b, op, n, m));
    return true;
}

bool a64_UDIV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_UDIV);
}
bool a64_SDIV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SDIV);
}
bool a64_LSLV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SHL);
}
bool a64_LSRV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SHR);
}
bool a64_ASRV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_SAR);
}
bool a64_RORV(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_ROR);
}

static bool crc32(struct a64 *a, uint32_t insn, const struct ir_helper *helper)
{
    unsigned size = extract32(insn, 10, 2);
    if ((size == 3) != (insn >> 31))
        return a64_undefined(a);
    ir_ref accumulator = a64_reg(a, IR_I32, insn_rn(insn)), data = a64_x(a, insn_rm(insn));
    a64_set(a, insn_rd(insn), a64_call3(a, helper, accumulator, data, ir_i32(a->b, 1U << size)));
    return true;
}

bool a64_CRC32(struct a64 *a, uint32_t insn)
{
    return crc32(a, insn, &arm_helper_crc32);
}
bool a64_CRC32C(struct a64 *a, uint32_t insn)
{
    return crc32(a, insn, &arm_helper_crc32c);
}

// --- one source ---

// Swaps neighbouring groups of `count` bits; `low` has the lower one of each pair set.
static ir_ref swap_groups(struct a64 *a, ir_ref x, unsigned count, uint64_t low)
{
    ir_ref up = ir_shli(a->b, ir_andi(a->b, x, low), count);
    ir_ref down = ir_andi(a->b, ir_shri(a->b, x, count), low);
    return ir_or(a->b, up, down);
}

bool a64_RBIT_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    ir_ref x = ir_op1(a->b, IR_BSWAP, n);
    x = swap_groups(a, x, 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    x = swap_groups(a, x, 2, UINT64_C(0x3333333333333333));
    x = swap_groups(a, x, 1, UINT64_C(0x5555555555555555));
    a64_set(a, insn_rd(insn), x);
    a->notes.rbit_result = x;
    a->notes.rbit_source = n;
    return true;
}

bool a64_REV16_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    a64_set(a, insn_rd(insn), swap_groups(a, n, 8, UINT64_C(0x00ff00ff00ff00ff)));
    return true;
}

bool a64_REV_32(struct a64 *a, uint32_t insn)
{
    a64_set(a, insn_rd(insn), ir_op1(a->b, IR_BSWAP, a64_reg(a, IR_I32, insn_rn(insn))));
    return true;
}

bool a64_REV32_int(struct a64 *a, uint32_t insn)
{
    ir_ref swapped = ir_op1(a->b, IR_BSWAP, a64_x(a, insn_rn(insn)));
    a64_set(a, insn_rd(insn), ir_op2(a->b, IR_ROR, swapped, ir_i64(a->b, 32)));
    return true;
}

bool a64_REV_64(struct a64 *a, uint32_t insn)
{
    a64_set(a, insn_rd(insn), ir_op1(a->b, IR_BSWAP, a64_x(a, insn_rn(insn))));
    return true;
}

bool a64_CLZ_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    // RBIT then CLZ is how compilers count trailing zeros; the RBIT is dead code then, more often than not.
    bool trailing = n == a->notes.rbit_result;
    a64_set(a, insn_rd(insn), ir_op1(a->b, trailing ? IR_CTZ : IR_CLZ, trailing ? a->notes.rbit_source : n));
    return true;
}

bool a64_CLS_int(struct a64 *a, uint32_t insn)
{
    ir_ref n = a64_reg(a, insn_type(insn), insn_rn(insn));
    ir_ref differs = ir_xor(a->b, n, ir_sari(a->b, n, 1));
    a64_set(a, insn_rd(insn), ir_addi(a->b, ir_op1(a->b, IR_CLZ, differs), -1));
    return true;
}

// --- three sources ---

static bool multiply_add(struct a64 *a, uint32_t insn, ir_ref product, bool subtract)
{
    unsigned ra = insn_ra(insn);
    if (ra == 31)
        product = subtract ? ir_op1(a->b, IR_NEG, product) : product;
    else
        product = ir_op2(a->b, subtract ? IR_SUB : IR_ADD,
                         a64_reg(a, ir_type_of(a->b->region, product), ra), product);
    a64_set(a, insn_rd(insn), product);
    return true;
}

static ir_ref product(struct a64 *a, uint32_t insn)
{
    enum ir_type type = insn_type(insn);
    ir_ref n = a64_reg(a, type, insn_rn(insn)), m = a64_reg(a, type, insn_rm(insn));
    return ir_op2(a->b, IR_MUL, n, m);
}

static ir_ref long_product(struct a64 *a, uint32_t insn, unsigned extend_option)
{
    ir_ref n = a64_extend(a, IR_I64, insn_rn(insn), extend_option);
    ir_ref m = a64_extend(a, IR_I64, insn_rm(insn), extend_option);
    return ir_op2(a->b, IR_MUL, n, m);
}

enum { UXTW = 2, SXTW = 6 };

bool a64_MADD(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, product(a, insn), false);
}
bool a64_MSUB(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, product(a, insn), true);
}
bool a64_SMADDL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, SXTW), false);
}
bool a64_SMSUBL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, SXTW), true);
}
bool a64_UMADDL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, UXTW), false);
}
bool a64_UMSUBL(struct a64 *a, uint32_t insn)
{
    return multiply_add(a, insn, long_product(a, insn, UXTW), true);
}
bool a64_SMULH(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_MULHS);
}
bool a64_UMULH(struct a64 *a, uint32_t insn)
{
    return two_sources(a, insn, IR_MULHU);
}
