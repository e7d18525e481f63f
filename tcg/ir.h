// SPDX-License-Identifier: MIT
// The intermediate representation: a region, that is a control-flow graph of blocks with one entry, in SSA form with
// block parameters. It knows nothing of a guest; guest state is reached through numbered state slots.
//
// Values are named by a reference: an instruction's index, or IR_CONST_BIT | index for a constant of the pool. The
// instructions of a block are contiguous; values used in a block are defined in it or in blocks that dominate it.
//
// How regions leave: an EXIT_* operation finds every slot written back by SETSLOT. An operation that may leave in
// its middle (MEM) carries a snapshot: the guest pc, and the slots whose newest value is not in memory at that
// point with the values they have. Nothing is written for it unless it does leave.
//
// The guest pc is kept as page base plus offset, so that translated code does not depend on the virtual address of
// its page: slot IR_SLOT_PC_PAGE holds the base, IR_SLOT_PC_OFFSET the offset where it is needed in memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tcg/base/arena.h"

enum ir_type {
    IR_VOID,
    IR_I32,
    IR_I64,
    IR_F32,  // in a vector register, the upper part undefined
    IR_F64,
    IR_V128,
    IR_TYPE_COUNT,
};

enum ir_op {
#define OP(name, text, operands, result, properties) IR_##name,
#include "tcg/ops.inc"
#undef OP
    IR_OP_COUNT,
};

enum ir_property {
    IR_PROP_PURE = 1 << 0,
    IR_PROP_COMM = 1 << 1,
    IR_PROP_MEM = 1 << 2,
    IR_PROP_STATE = 1 << 3,
    IR_PROP_EFFECT = 1 << 4,
    IR_PROP_END = 1 << 5,
    IR_PROP_CMP = 1 << 6,
    IR_PROP_LANE = 1 << 7,
    IR_PROP_FP = 1 << 8,
    IR_PROP_LISTS = 1 << 9,
};

struct ir_op_info {
    const char *text;
    const char *operands;
    char result;
    uint16_t properties;
    uint8_t operand_count;
};
extern const struct ir_op_info ir_ops[IR_OP_COUNT];

// Integer comparisons. ir_cond_invert and ir_cond_swap rely on the order.
enum ir_cond {
    IR_EQ,
    IR_NE,
    IR_LTU,
    IR_GEU,
    IR_LEU,
    IR_GTU,
    IR_LT,
    IR_GE,
    IR_LE,
    IR_GT,
    // (a & b) == 0 and != 0
    IR_TSTEQ,
    IR_TSTNE,
    IR_COND_COUNT,
};

static inline enum ir_cond ir_cond_invert(enum ir_cond cond)
{
    return cond ^ 1;
}

// The condition that holds for (b, a) exactly when `cond` holds for (a, b).
enum ir_cond ir_cond_swap(enum ir_cond cond);

// Whether `a cond b` holds for integers of that type.
bool ir_cond_holds(enum ir_cond cond, enum ir_type type, uint64_t a, uint64_t b);

// The layout of packed flags: what x86 hosts get with LAHF and SETO.
enum {
    IR_FLAG_V = 1 << 0,
    IR_FLAG_C = 1 << 8,
    IR_FLAG_Z = 1 << 14,
    IR_FLAG_N = 1 << 15,
};

// Conditions on packed flags, in the order of the Arm condition field (Arm ARM, C1.2.4); bit 0 inverts.
enum ir_flag_cond {
    IR_FC_EQ, // Z
    IR_FC_NE,
    IR_FC_CS, // C
    IR_FC_CC,
    IR_FC_MI, // N
    IR_FC_PL,
    IR_FC_VS, // V
    IR_FC_VC,
    IR_FC_HI, // C && !Z
    IR_FC_LS,
    IR_FC_GE, // N == V
    IR_FC_LT,
    IR_FC_GT, // !Z && N == V
    IR_FC_LE,
};

enum ir_atomic {
    IR_ATOMIC_XCHG,
    IR_ATOMIC_ADD,
    IR_ATOMIC_AND,
    IR_ATOMIC_OR,
    IR_ATOMIC_XOR,
    IR_ATOMIC_SMIN,
    IR_ATOMIC_SMAX,
    IR_ATOMIC_UMIN,
    IR_ATOMIC_UMAX,
};

enum ir_fence {
    IR_FENCE_ALL,
    IR_FENCE_LOAD,  // earlier loads before later loads and stores
    IR_FENCE_STORE, // earlier stores before later stores
};

enum ir_round {
    IR_ROUND_NEAREST_EVEN,
    IR_ROUND_UP,
    IR_ROUND_DOWN,
    IR_ROUND_ZERO,
    IR_ROUND_NEAREST_AWAY,
    IR_ROUND_CURRENT, // by the control register
    IR_RINT_EXACT = 8, // FRINT raises inexact
};

// How a memory operation reaches memory. Packed into the instruction's imm by ir_mem_pack.
struct ir_mem {
    int32_t offset;        // added to the address operand
    uint8_t size_log2;     // 0..4
    bool sign_extend;      // loads of integers; else zero-extended to the type
    bool big_endian;
    uint8_t align_log2;    // required alignment, 0 for none
    uint8_t mmu_index;     // which permissions, see tcg/exec/tlb.h
    bool ordered;          // single-copy atomic with acquire or release meaning; kept apart from others
    bool narrow;           // the address is an i32: its sum with the offset is taken modulo 2^32
};

static inline uint64_t ir_mem_pack(struct ir_mem m)
{
    return (uint64_t)(uint32_t)m.offset | (uint64_t)m.size_log2 << 32 | (uint64_t)m.sign_extend << 35 |
           (uint64_t)m.big_endian << 36 | (uint64_t)m.align_log2 << 37 | (uint64_t)m.mmu_index << 40 |
           (uint64_t)m.ordered << 44 | (uint64_t)m.narrow << 45;
}

static inline struct ir_mem ir_mem_unpack(uint64_t imm)
{
    return (struct ir_mem){.offset = (int32_t)(uint32_t)imm,
                           .size_log2 = imm >> 32 & 7,
                           .sign_extend = imm >> 35 & 1,
                           .big_endian = imm >> 36 & 1,
                           .align_log2 = imm >> 37 & 7,
                           .mmu_index = imm >> 40 & 15,
                           .ordered = imm >> 44 & 1,
                           .narrow = imm >> 45 & 1};
}

// What FP operations do where hosts and guests differ.
struct ir_fp_rules {
    bool default_nan;        // every NaN result is the default NaN
    bool nan_arm;            // signalling before quiet, first before second; default NaN positive. Else x86's choice
    bool flush_inputs;       // denormal operands are zeros
    bool flush_outputs;      // tiny results are zeros
    bool tiny_before;        // tininess is detected before rounding
};

typedef uint32_t ir_ref;
#define IR_CONST_BIT UINT32_C(0x80000000)
#define IR_NONE UINT32_C(0x7fffffff)

struct ir_const {
    enum ir_type type;
    uint64_t lo, hi; // hi for v128
};

struct ir_ins {
    uint8_t op, type, aux;
    bool deferred;     // a SELECT of flags or what memory holds, see builder-private.h
    uint32_t snapshot; // index + 1, or 0
    ir_ref arg[4];
    // The immediate, by operation. Targets of JUMP and BRCOND: block numbers, see ir_targets.
    uint64_t imm;
};
_Static_assert(sizeof(struct ir_ins) == 32, "an instruction is half a cache line");

// CALL, JUMP and BRCOND keep lists in region->lists: CALL its operands at arg[0], arg[1] of them;
// a branch the values for the target's parameters: for target 0 at arg[2], for target 1 at arg[3]; each list is its
// length, then the references.
static inline uint32_t ir_target(const struct ir_ins *ins, unsigned n)
{
    return n ? (uint32_t)(ins->imm >> 32) : (uint32_t)ins->imm;
}

// Where EXIT_IF goes: for condition 0 if the comparison holds, 1 if not. As a guest pc's offset into the current page.
static inline uint32_t ir_exit_offset(const struct ir_ins *ins, unsigned n)
{
    return (uint32_t)(ins->imm >> 16 * n) & 0xffff;
}

struct ir_block {
    uint32_t begin, end;    // instructions [begin, end)
    bool cold;              // laid out behind the rest
};

struct ir_snapshot {
    int32_t pc_offset;      // of the guest instruction, from the page base
    uint32_t first, count;  // in region->snapshot_entries
};

// Mostly a slot and its value. Flags, which are dear to make and seldom looked at, are left to whoever looks: an entry with an
// operation `op` (on operands of `type`, its value IR_NONE) behind three with IR_SNAPSHOT_OPERAND for a slot: an i32, and
// if that is not 0, the two operands; if it is, the slot's memory is right as it is. Of FLAGADC, the i32 is the carry in.
// Operands of type i32 may be the low halves of i64 values.
enum { IR_SNAPSHOT_OPERAND = 0xffff, IR_SNAPSHOT_OPERANDS = 3 };
struct ir_snapshot_entry {
    uint16_t slot;
    uint8_t op, type;
    ir_ref value;
};

// A piece of guest state that translated code reads and writes: `offset` bytes into the state structure.
struct ir_slot {
    const char *name;
    int32_t offset;
    enum ir_type type;
    bool low_bit; // what is set is 0 or 1, and what reads it elsewhere looks at bit 0 alone: backends may leave others as they like
};

// The first slots of every guest's table.
enum {
    IR_SLOT_PC_PAGE,   // i64: address of the page that the pc is in
    IR_SLOT_PC_OFFSET, // i32: offset of the pc from there; meaningful in memory only when out of translated code
    IR_SLOT_EXIT_REQUEST, // i32, not 0 when translated code is to leave for the run loop; other threads write it
    IR_SLOT_FIRST_GUEST,
    IR_MAX_SLOTS = 256,
};

enum ir_helper_flags {
    IR_HELPER_PURE = 1 << 0,        // result depends on the operands alone, no state, no effect
    IR_HELPER_READS_STATE = 1 << 1, // slots are written back before the call
    IR_HELPER_WRITES_STATE = 1 << 2, // slots are read again after the call (implies reads)
    IR_HELPER_MAY_FAULT = 1 << 3,   // may leave by exception: pc and slots are written back before the call
    IR_HELPER_NORETURN = 1 << 4,
    IR_HELPER_NO_ENV = 1 << 5,      // is not passed the state structure as its first argument
    IR_HELPER_SWITCHES_TLB = 1 << 6, // may change the current soft-TLB context
};

enum { IR_HELPER_MAX_ARGS = 6 };

// A C function that translated code calls. The first C argument is the state structure unless NO_ENV. Integers and
// i32/i64 results are passed by value; f32, f64 and v128 operands are passed as `const void *` to 16 bytes, and such a
// result through a `void *` that comes before the operands. Operands may be the same objects as the result only in
// what the helper declares otherwise: it must read them before it writes.
struct ir_helper {
    const char *name;
    void (*fn)(void);
    uint32_t flags;
    uint8_t result;                      // enum ir_type, IR_VOID for none
    uint8_t arg_count;
    uint8_t args[IR_HELPER_MAX_ARGS];    // enum ir_type
};

struct ir_region {
    struct arena *arena;
    const struct ir_slot *slots;
    unsigned slot_count;
    struct ir_fp_rules fp;
    uint64_t guest_pc; // of the entry, for logs only
    const uint64_t *seen; // by i64 slot, what it held once at the entry: to guess by; NULL: nothing is known
    int32_t heat;      // the counter that entries count down, an index from backend_layout.heat; negative: none
    int32_t entries;   // the one that they count up, an index from backend_layout.region_entries; negative: none

    struct ir_ins *ins;
    uint32_t ins_count, ins_capacity;
    struct ir_const *consts;
    uint32_t const_count, const_capacity;
    struct ir_block *blocks;
    uint32_t block_count, block_capacity;
    struct ir_snapshot *snapshots;
    uint32_t snapshot_count, snapshot_capacity;
    struct ir_snapshot_entry *snapshot_entries;
    uint32_t snapshot_entry_count, snapshot_entry_capacity;
    ir_ref *lists;
    uint32_t list_count, list_capacity;
    const struct ir_helper **helpers;
    uint32_t helper_count, helper_capacity;
};

// An empty region whose memory comes from `arena`, kept for reuse until the arena is reset.
void ir_region_init(struct ir_region *region, struct arena *arena, const struct ir_slot *slots, unsigned slot_count);

static inline bool ir_is_const(ir_ref ref)
{
    return (ref & IR_CONST_BIT) != 0;
}

static inline const struct ir_const *ir_const(const struct ir_region *region, ir_ref ref)
{
    return &region->consts[ref & ~IR_CONST_BIT];
}

// Calls fn for every value (not constant) that an instruction reads as an operand, those in its lists included. Inline,
// so that a pass becomes one loop.
typedef void ir_use_fn(void *ctx, ir_ref ref);
static inline void ir_for_each_operand(const struct ir_region *r, const struct ir_ins *ins, ir_use_fn *fn, void *ctx)
{
    for (unsigned i = 0, n = ir_ops[ins->op].operand_count; i < n; i++)
        if (!ir_is_const(ins->arg[i]))
            fn(ctx, ins->arg[i]);
    if (!(ir_ops[ins->op].properties & IR_PROP_LISTS))
        return;
    for (unsigned i = ins->op == IR_CALL ? 1 : 2; i < 4; i++) {
        const ir_ref *list = ins->arg[i] == IR_NONE ? NULL : &r->lists[ins->arg[i]];
        for (uint32_t k = 1; list && k <= list[0]; k++)
            if (!ir_is_const(list[k]))
                fn(ctx, list[k]);
    }
}

// The same for the values of its snapshot.
static inline void ir_for_each_snapshot_value(const struct ir_region *r, const struct ir_ins *ins, ir_use_fn *fn,
                                              void *ctx)
{
    if (!ins->snapshot)
        return;
    const struct ir_snapshot *s = &r->snapshots[ins->snapshot - 1];
    const struct ir_snapshot_entry *entries = &r->snapshot_entries[s->first];
    for (uint32_t i = 0; i < s->count; i++)
        if (!ir_is_const(entries[i].value) && entries[i].value != IR_NONE)
            fn(ctx, entries[i].value);
}

// The same for all that it reads.
static inline void ir_for_each_use(const struct ir_region *r, const struct ir_ins *ins, ir_use_fn *fn, void *ctx)
{
    ir_for_each_operand(r, ins, fn, ctx);
    ir_for_each_snapshot_value(r, ins, fn, ctx);
}

static inline enum ir_type ir_type_of(const struct ir_region *region, ir_ref ref)
{
    return ir_is_const(ref) ? ir_const(region, ref)->type : (enum ir_type)region->ins[ref].type;
}

static inline unsigned ir_type_bytes(enum ir_type type)
{
    static const uint8_t bytes[IR_TYPE_COUNT] = {0, 4, 8, 4, 8, 16};
    return bytes[type];
}

static inline bool ir_type_is_int(enum ir_type type)
{
    return type == IR_I32 || type == IR_I64;
}

// The type of an instruction's result: IR_VOID when it has none.
enum ir_type ir_result_type(const struct ir_ins *ins);

const char *ir_type_name(enum ir_type type);

// Checks every rule that ir.h and ops.inc state. Returns NULL, or a message that lives in the region's arena.
const char *ir_verify(const struct ir_region *region);

// Writes the region as text.
void ir_dump(const struct ir_region *region, FILE *out);
