// SPDX-License-Identifier: MIT
// Exclusive, ordered and atomic accesses (Arm ARM, C4.1.96; B2.9 on exclusives).
//
// The exclusive monitor is the address and the value that the load exclusive saw. A store exclusive is a compare and
// swap against them, so it also succeeds when memory went to another value and back in between, which code that
// follows the architecture's rules for exclusives cannot tell from success.
//
// Host atomics are sequentially consistent, stronger than any acquire or release form asks for.

#include "target-arm/helper.h"
#include "target-arm/translate-ldst.h"
#include "target-arm/translate.h"

// These accesses are aligned whatever SCTLR_ELx.A says.
static struct ir_mem aligned_mem(const struct a64 *a, unsigned size_log2)
{
    struct ir_mem mem = a64_mem(a, size_log2);
    mem.align_log2 = size_log2;
    return mem;
}

static struct ir_mem ordered_mem(const struct a64 *a, unsigned size_log2)
{
    struct ir_mem mem = aligned_mem(a, size_log2);
    mem.ordered = true;
    return mem;
}

static enum ir_type access_type(unsigned size_log2)
{
    return size_log2 == 3 ? IR_I64 : IR_I32;
}

// X[n] cut to the access, as its type.
static ir_ref access_operand(struct a64 *a, unsigned size_log2, unsigned n)
{
    ir_ref value = a64_reg(a, access_type(size_log2), n);
    return size_log2 < 2 ? ir_extract(a->b, value, 0, 8U << size_log2) : value;
}

// --- load exclusive ---

static void set_monitor(struct a64 *a, ir_ref address, ir_ref lo, ir_ref hi)
{
    ir_set(a->b, SLOT_EXCL_ADDRESS, address);
    ir_set(a->b, SLOT_EXCL_LO, lo);
    if (hi != IR_NONE)
        ir_set(a->b, SLOT_EXCL_HI, hi);
}

static void clear_monitor(struct a64 *a)
{
    ir_set(a->b, SLOT_EXCL_ADDRESS, ir_i64(a->b, ~UINT64_C(0)));
}

bool a64_LDXR(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30;
    ir_ref address = a64_base(a, insn_rn(insn));
    ir_ref value = ir_load(a->b, IR_I64, address, ordered_mem(a, size));
    set_monitor(a, address, value, IR_NONE);
    a64_set(a, insn & 31, value);
    return true;
}

// Two words in an i64, as they lie in memory.
static ir_ref join_words(struct a64 *a, ir_ref first, ir_ref second)
{
    bool big = a64_flag(a, ARM_BF_BIG_ENDIAN);
    return ir_deposit(a->b, big ? second : first, big ? first : second, 32, 32);
}

static void set_words(struct a64 *a, unsigned first, unsigned second, ir_ref value)
{
    bool big = a64_flag(a, ARM_BF_BIG_ENDIAN);
    ir_ref low = ir_extract(a->b, value, 0, 32), high = ir_shri(a->b, value, 32);
    a64_set(a, first, big ? high : low);
    a64_set(a, second, big ? low : high);
}

bool a64_LDXP(struct a64 *a, uint32_t insn)
{
    ir_ref address = a64_base(a, insn_rn(insn));
    if (!(insn >> 30 & 1)) {
        ir_ref value = ir_load(a->b, IR_I64, address, ordered_mem(a, 3));
        set_monitor(a, address, value, IR_NONE);
        set_words(a, insn & 31, insn_ra(insn), value);
        return true;
    }
    // The halves are read apart: they are one value only if the store exclusive succeeds, which compares both.
    struct ir_mem mem = ordered_mem(a, 3);
    mem.align_log2 = 4;
    ir_ref lo = ir_load(a->b, IR_I64, address, mem);
    mem.align_log2 = 3;
    mem.offset = 8;
    ir_ref hi = ir_load(a->b, IR_I64, address, mem);
    set_monitor(a, address, lo, hi);
    a64_set(a, insn & 31, lo);
    a64_set(a, insn_ra(insn), hi);
    return true;
}

bool a64_CLREX(struct a64 *a, uint32_t insn)
{
    (void)insn;
    clear_monitor(a);
    return true;
}

// --- store exclusive ---

// What differs: the compare and swap at a matching address. Returns 0 or 1 (failed) as i32.
typedef ir_ref swap_fn(struct a64 *a, uint32_t insn, ir_ref address);

static bool store_exclusive(struct a64 *a, uint32_t insn, swap_fn *swap)
{
    ir_ref address = a64_base(a, insn_rn(insn));
    uint32_t match = ir_new_side(a->b), other = ir_new_side(a->b), done = ir_new_join(a->b);
    ir_brcond(a->b, IR_EQ, address, ir_get(a->b, SLOT_EXCL_ADDRESS), match, other);
    ir_begin_block(a->b, match);
    ir_ref status = swap(a, insn, address);
    ir_jump_with(a->b, done, status);
    ir_begin_block(a->b, other);
    ir_jump_with(a->b, done, ir_i32(a->b, 1));
    ir_begin_block(a->b, done);
    status = ir_param(a->b, IR_I32);
    clear_monitor(a);
    a64_set(a, insn_rm(insn), status);
    return true;
}

static ir_ref swap_single(struct a64 *a, uint32_t insn, ir_ref address)
{
    unsigned size = insn >> 30;
    ir_ref expected = ir_get(a->b, SLOT_EXCL_LO);
    if (size < 3)
        expected = ir_trunc(a->b, expected);
    ir_ref old = ir_cas(a->b, address, expected, access_operand(a, size, insn & 31), ordered_mem(a, size));
    return ir_setcond(a->b, IR_I32, IR_NE, old, expected);
}

static ir_ref swap_words(struct a64 *a, uint32_t insn, ir_ref address)
{
    ir_ref expected = ir_get(a->b, SLOT_EXCL_LO);
    ir_ref desired = join_words(a, a64_x(a, insn & 31), a64_x(a, insn_ra(insn)));
    ir_ref old = ir_cas(a->b, address, expected, desired, ordered_mem(a, 3));
    return ir_setcond(a->b, IR_I32, IR_NE, old, expected);
}

static ir_ref vector_of(struct a64 *a, ir_ref lo, ir_ref hi)
{
    ir_ref v = ir_emit(a->b, IR_VFROMI, IR_I64, 0, lo, IR_NONE, IR_NONE, 0);
    return ir_v2(a->b, IR_VSET, 3, v, hi, 1);
}

// Compare and swap of 16 bytes; operands in register order. Returns what was there.
static ir_ref swap_16_bytes(struct a64 *a, ir_ref address, ir_ref expected, ir_ref desired)
{
    ir_ref args[] = {address, expected, desired,
                     ir_i32(a->b, a->mmu_index | (a64_flag(a, ARM_BF_BIG_ENDIAN) ? ARM_CAS16_BIG_ENDIAN : 0))};
    return ir_call(a->b, &arm_helper_cas16, args);
}

static ir_ref swap_doublewords(struct a64 *a, uint32_t insn, ir_ref address)
{
    ir_ref lo = ir_get(a->b, SLOT_EXCL_LO), hi = ir_get(a->b, SLOT_EXCL_HI);
    ir_ref old = swap_16_bytes(a, address, vector_of(a, lo, hi),
                               vector_of(a, a64_x(a, insn & 31), a64_x(a, insn_ra(insn))));
    ir_ref old_lo = ir_emit(a->b, IR_VGET, IR_I64, 3, old, IR_NONE, IR_NONE, 0);
    ir_ref old_hi = ir_emit(a->b, IR_VGET, IR_I64, 3, old, IR_NONE, IR_NONE, 1);
    ir_ref differs = ir_or(a->b, ir_xor(a->b, old_lo, lo), ir_xor(a->b, old_hi, hi));
    return ir_setcond(a->b, IR_I32, IR_NE, differs, ir_i64(a->b, 0));
}

bool a64_STXR(struct a64 *a, uint32_t insn)
{
    return store_exclusive(a, insn, swap_single);
}

bool a64_STXP(struct a64 *a, uint32_t insn)
{
    return store_exclusive(a, insn, insn >> 30 & 1 ? swap_doublewords : swap_words);
}

// --- load acquire, store release ---

static bool store_ordered(struct a64 *a, uint32_t insn)
{
    ir_store(a->b, a64_x(a, insn & 31), a64_base(a, insn_rn(insn)), ordered_mem(a, insn >> 30));
    return true;
}

static bool load_ordered(struct a64 *a, uint32_t insn)
{
    ir_ref value = ir_load(a->b, IR_I64, a64_base(a, insn_rn(insn)), ordered_mem(a, insn >> 30));
    a64_set(a, insn & 31, value);
    return true;
}

bool a64_STLR(struct a64 *a, uint32_t insn)
{
    return store_ordered(a, insn);
}
bool a64_STLLR(struct a64 *a, uint32_t insn)
{
    return store_ordered(a, insn);
}
bool a64_LDAR(struct a64 *a, uint32_t insn)
{
    return load_ordered(a, insn);
}
bool a64_LDLAR(struct a64 *a, uint32_t insn)
{
    return load_ordered(a, insn);
}
bool a64_LDAPR(struct a64 *a, uint32_t insn)
{
    return load_ordered(a, insn);
}

static struct ir_mem unscaled_ordered(const struct a64 *a, uint32_t insn)
{
    struct ir_mem mem = ordered_mem(a, insn >> 30);
    mem.offset = (int32_t)sextract64(insn, 12, 9);
    return mem;
}

bool a64_STLUR(struct a64 *a, uint32_t insn)
{
    ir_store(a->b, a64_x(a, insn & 31), a64_base(a, insn_rn(insn)), unscaled_ordered(a, insn));
    return true;
}

bool a64_LDAPUR(struct a64 *a, uint32_t insn)
{
    struct ir_mem mem = unscaled_ordered(a, insn);
    a64_set(a, insn & 31, a64_load_extended(a, a64_base(a, insn_rn(insn)), mem, false, false));
    return true;
}

bool a64_LDAPURS(struct a64 *a, uint32_t insn)
{
    bool to32 = insn >> 22 & 1;
    if (insn >> 30 == 3 || (insn >> 30 == 2 && to32))
        return a64_undefined(a);
    struct ir_mem mem = unscaled_ordered(a, insn);
    a64_set(a, insn & 31, a64_load_extended(a, a64_base(a, insn_rn(insn)), mem, !to32, to32));
    return true;
}

// --- compare and swap ---

bool a64_CAS(struct a64 *a, uint32_t insn)
{
    unsigned size = insn >> 30, rs = insn_rm(insn);
    ir_ref address = a64_base(a, insn_rn(insn));
    ir_ref old = ir_cas(a->b, address, access_operand(a, size, rs), access_operand(a, size, insn & 31),
                        ordered_mem(a, size));
    a64_set(a, rs, old);
    return true;
}

bool a64_CASP(struct a64 *a, uint32_t insn)
{
    unsigned rs = insn_rm(insn), rt = insn & 31;
    if ((rs | rt) & 1)
        return a64_undefined(a);
    ir_ref address = a64_base(a, insn_rn(insn));
    if (!(insn >> 30 & 1)) {
        ir_ref expected = join_words(a, a64_x(a, rs), a64_x(a, rs + 1));
        ir_ref desired = join_words(a, a64_x(a, rt), a64_x(a, rt + 1));
        set_words(a, rs, rs + 1, ir_cas(a->b, address, expected, desired, ordered_mem(a, 3)));
        return true;
    }
    ir_ref old = swap_16_bytes(a, address, vector_of(a, a64_x(a, rs), a64_x(a, rs + 1)),
                               vector_of(a, a64_x(a, rt), a64_x(a, rt + 1)));
    a64_set(a, rs, ir_emit(a->b, IR_VGET, IR_I64, 3, old, IR_NONE, IR_NONE, 0));
    a64_set(a, rs + 1, ir_emit(a->b, IR_VGET, IR_I64, 3, old, IR_NONE, IR_NONE, 1));
    return true;
}

// --- atomic memory operations ---

static bool atomic(struct a64 *a, uint32_t insn, enum ir_atomic kind, ir_ref operand)
{
    ir_ref address = a64_base(a, insn_rn(insn));
    a64_set(a, insn & 31, ir_atomic(a->b, kind, address, operand, ordered_mem(a, insn >> 30)));
    return true;
}

static bool atomic_reg(struct a64 *a, uint32_t insn, enum ir_atomic kind)
{
    return atomic(a, insn, kind, access_operand(a, insn >> 30, insn_rm(insn)));
}

bool a64_LDADD(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_ADD);
}
bool a64_LDCLR(struct a64 *a, uint32_t insn)
{
    ir_ref mask = a64_reg(a, access_type(insn >> 30), insn_rm(insn));
    return atomic(a, insn, IR_ATOMIC_AND, ir_op1(a->b, IR_NOT, mask));
}
bool a64_LDEOR(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_XOR);
}
bool a64_LDSET(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_OR);
}
bool a64_LDSMAX(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_SMAX);
}
bool a64_LDSMIN(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_SMIN);
}
bool a64_LDUMAX(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_UMAX);
}
bool a64_LDUMIN(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_UMIN);
}
bool a64_SWP(struct a64 *a, uint32_t insn)
{
    return atomic_reg(a, insn, IR_ATOMIC_XCHG);
}
