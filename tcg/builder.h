// SPDX-License-Identifier: MIT
// Builds a region's IR. The builder folds constants and identities as it goes and keeps the newest value of every
// state slot, so that a slot read twice is loaded once and a slot written twice is stored once.
//
// Protocol for translators: call ir_begin_insn before each guest instruction. Within one instruction do everything
// that may fault (loads, stores, helpers that MAY_FAULT) before the first ir_set, so that leaving at a fault shows
// the state before the instruction. End the region with an ir_exit_* call on every path.
//
// Blocks inside an instruction: a *join* block may have several predecessors and begins with no knowledge of the
// slots (branching to it writes dirty slots back first); a *side* block has one predecessor and inherits its knowledge.
#pragma once

#include "tcg/ir.h"

struct ir_slot_state;
struct ir_block_state;

// Accesses off one base that may share a check.
struct ir_access_group {
    ir_ref base;
    uint32_t place;        // of the NOP that becomes the PROBE
    uint32_t first;        // the access that opened the group
    int32_t lo, hi;        // of the first one; with more, the PROBE has what is known, for all blocks that go on from here
    uint8_t mmu_index;
    bool indexed;          // has ranges that must not lie across pages too often
};
// An address around which [lo, hi) is known to be one page of memory: its host address is `addend` further.
struct ir_sure {
    ir_ref base, addend;
    int32_t lo, hi;
    uint32_t aligned; // low bits that are known to be 0
    uint8_t mmu_index;
    bool written;
};
enum { IR_ACCESS_GROUPS = 6, IR_ACCESS_REACH = 512, IR_INDEX_REACH = 1024, IR_RECENT = 64 };

// A set of state slots.
struct ir_slot_set {
    uint64_t bits[4];
};
#define IR_SLOT_SET_ALL ((struct ir_slot_set){{~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)}})

static inline bool ir_slot_set_has(const struct ir_slot_set *set, unsigned slot)
{
    return set->bits[slot / 64] >> (slot % 64) & 1;
}
static inline void ir_slot_set_add(struct ir_slot_set *set, unsigned slot)
{
    set->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
}
static inline void ir_slot_set_remove(struct ir_slot_set *set, unsigned slot)
{
    set->bits[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

// What was done with the slots since ir_builder_init: those whose first use on some path was a read, those that may have been
// written, and those whose value from before somebody may have looked at (a read, a snapshot, an exit or a call on a path
// that had not written them).
struct ir_slot_use {
    struct ir_slot_set read, written, exposed, set; // set: by ir_set, not by a helper
};

struct ir_plan;

enum { IR_STOP_BITS = 4096 };

struct ir_builder {
    struct ir_region *region;
    struct ir_slot_state *slots;       // knowledge at the current point
    struct ir_block_state *blocks;     // by block number
    uint32_t block_state_capacity;
    uint32_t block;                    // current block, or IR_NONE after a terminator
    int32_t pc_offset;                 // current guest instruction, relative to the page base
    struct ir_slot_set dirty;          // whose value is not in memory
    struct ir_slot_set written;        // on every path that led here
    struct ir_access_group groups[IR_ACCESS_GROUPS];
    unsigned group_count, next_group;
    const struct ir_sure *sure;
    unsigned sure_count;
    ir_ref recent[IR_RECENT];          // pure operations that hold here, by a hash, plus 1
    struct ir_slot_use use;
    struct ir_plan *plan;              // of a region of several guest blocks, see region.h; NULL: of one
    const uint64_t *stops;             // bit set of IR_STOP_BITS offsets in the page where blocks begin for debuggers; NULL: nowhere
    void *notes;                       // ir_keep_notes
    size_t notes_bytes;
};

// Starts the region's entry block. `region` is fresh from ir_region_init.
void ir_builder_init(struct ir_builder *b, struct ir_region *region);

// Names the guest instruction that follows: its address as an offset from the page base of the region's entry.
void ir_begin_insn(struct ir_builder *b, int32_t pc_offset);

// --- constants -----------------------------------------------------------------------------------------------------
ir_ref ir_i32(struct ir_builder *b, uint32_t value);
ir_ref ir_i64(struct ir_builder *b, uint64_t value);
ir_ref ir_imm(struct ir_builder *b, enum ir_type type, uint64_t value); // i32 or i64, cut to the type
ir_ref ir_v128(struct ir_builder *b, uint64_t lo, uint64_t hi);
bool ir_const_value(const struct ir_builder *b, ir_ref ref, uint64_t *value); // false when not an integer constant

// --- state ---------------------------------------------------------------------------------------------------------
ir_ref ir_get(struct ir_builder *b, unsigned slot);
void ir_set(struct ir_builder *b, unsigned slot, ir_ref value);
// Until it is set again, nobody looks at what the slot holds: that need not reach memory, and may be anything.
void ir_forget(struct ir_builder *b, unsigned slot);
// Writes all dirty slots back; their values stay known. Done by every exit and call that needs it.
void ir_flush(struct ir_builder *b);
// Guest virtual address `offset` bytes from the base of the entry's page, as an i64.
ir_ref ir_pc_plus(struct ir_builder *b, int64_t offset);

// --- operations; the result's type is the first operand's unless it is given -----------------------------------------
ir_ref ir_op1(struct ir_builder *b, enum ir_op op, ir_ref a);
ir_ref ir_op2(struct ir_builder *b, enum ir_op op, ir_ref a, ir_ref c);
ir_ref ir_op3(struct ir_builder *b, enum ir_op op, ir_ref a, ir_ref c, ir_ref d);
// Everything given: for operations with aux, imm or another result type. Unused operands are IR_NONE.
ir_ref ir_emit(struct ir_builder *b, enum ir_op op, enum ir_type type, unsigned aux, ir_ref a, ir_ref c, ir_ref d,
               uint64_t imm);
// Vector operations with a lane size (log2 of bytes) and an immediate.
ir_ref ir_v1(struct ir_builder *b, enum ir_op op, unsigned lane, ir_ref a, unsigned imm);
ir_ref ir_v2(struct ir_builder *b, enum ir_op op, unsigned lane, ir_ref a, ir_ref c, unsigned imm);

static inline ir_ref ir_add(struct ir_builder *b, ir_ref a, ir_ref c)
{
    return ir_op2(b, IR_ADD, a, c);
}
static inline ir_ref ir_sub(struct ir_builder *b, ir_ref a, ir_ref c)
{
    return ir_op2(b, IR_SUB, a, c);
}
static inline ir_ref ir_and(struct ir_builder *b, ir_ref a, ir_ref c)
{
    return ir_op2(b, IR_AND, a, c);
}
static inline ir_ref ir_or(struct ir_builder *b, ir_ref a, ir_ref c)
{
    return ir_op2(b, IR_OR, a, c);
}
static inline ir_ref ir_xor(struct ir_builder *b, ir_ref a, ir_ref c)
{
    return ir_op2(b, IR_XOR, a, c);
}
// With a constant second operand.
ir_ref ir_addi(struct ir_builder *b, ir_ref a, int64_t value);
ir_ref ir_andi(struct ir_builder *b, ir_ref a, uint64_t value);
ir_ref ir_shli(struct ir_builder *b, ir_ref a, unsigned count);
ir_ref ir_shri(struct ir_builder *b, ir_ref a, unsigned count);
ir_ref ir_sari(struct ir_builder *b, ir_ref a, unsigned count);

ir_ref ir_trunc(struct ir_builder *b, ir_ref a);  // i64 to i32; an i32 stays
ir_ref ir_zext(struct ir_builder *b, ir_ref a);   // i32 to i64; an i64 stays
ir_ref ir_sext(struct ir_builder *b, ir_ref a);
ir_ref ir_extract(struct ir_builder *b, ir_ref a, unsigned start, unsigned length);
ir_ref ir_sextract(struct ir_builder *b, ir_ref a, unsigned start, unsigned length);
ir_ref ir_deposit(struct ir_builder *b, ir_ref a, ir_ref field, unsigned start, unsigned length);
ir_ref ir_setcond(struct ir_builder *b, enum ir_type type, enum ir_cond cond, ir_ref a, ir_ref c);
ir_ref ir_select(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, ir_ref if_true, ir_ref if_false);
// 1 or 0 (of `type`) for a condition on packed flags; becomes a comparison when the flags' operands are known.
ir_ref ir_flag_test(struct ir_builder *b, enum ir_type type, enum ir_flag_cond cond, ir_ref flags);

// An instruction of the host's kind (host-op.h): `op` packed, up to three operands, the address of its stub. `fp`: HOSTFP.
ir_ref ir_host_op(struct ir_builder *b, bool fp, enum ir_type type, uint64_t op, const ir_ref *args, unsigned count,
                  uint64_t stub);

// --- memory --------------------------------------------------------------------------------------------------------
// `address` is an i64, or an i32 where addresses are taken modulo 2^32; mem.narrow follows from it.
ir_ref ir_load(struct ir_builder *b, enum ir_type type, ir_ref address, struct ir_mem mem);
void ir_store(struct ir_builder *b, ir_ref value, ir_ref address, struct ir_mem mem);
ir_ref ir_cas(struct ir_builder *b, ir_ref address, ir_ref expected, ir_ref desired, struct ir_mem mem);
ir_ref ir_atomic(struct ir_builder *b, enum ir_atomic kind, ir_ref address, ir_ref operand, struct ir_mem mem);
void ir_fence(struct ir_builder *b, enum ir_fence kind);

// --- calls ---------------------------------------------------------------------------------------------------------
// `args` has helper->arg_count entries. Returns the result, or IR_NONE. After a NORETURN helper the block is ended.
ir_ref ir_call(struct ir_builder *b, const struct ir_helper *helper, const ir_ref *args);

// The exception that the guest knows by `code` (guest_ops.raise) when the condition holds, before the instruction.
void ir_raise_if(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, uint32_t code);

// --- control -------------------------------------------------------------------------------------------------------
uint32_t ir_new_join(struct ir_builder *b);
uint32_t ir_new_side(struct ir_builder *b);
void ir_jump(struct ir_builder *b, uint32_t block);
void ir_brcond(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, uint32_t if_true, uint32_t if_false);
// Makes `block` current; the one before must be ended, and this one have all its predecessors (joins) or its one.
void ir_begin_block(struct ir_builder *b, uint32_t block);
// Adds a parameter to a join that has just begun; values come from ir_jump_with.
ir_ref ir_param(struct ir_builder *b, enum ir_type type);
void ir_jump_with(struct ir_builder *b, uint32_t block, ir_ref value);

// What a translator knows of values at a point (how flags were made, say), in an object of its own: it goes along to side
// blocks, as what is known of slots does. Fills `notes` in if the current block is such a one; the caller has set it to what
// holds when nothing is known.
void ir_keep_notes(struct ir_builder *b, void *notes, size_t bytes);

// Whether the current path still goes on.
static inline bool ir_open(const struct ir_builder *b)
{
    return b->block != IR_NONE;
}

// Go on with guest code at `offset` from the entry's page base: in the region when it is part of that, else as ir_exit_anew.
void ir_exit_to(struct ir_builder *b, int64_t offset);
// A branch to ir_exit_to one or the other offset.
void ir_exit_if(struct ir_builder *b, enum ir_cond cond, ir_ref a, ir_ref c, int64_t if_true, int64_t if_false);
// Leave for the block there (linked directly when it is in that page): after what may have changed code, or asked the vCPU to
// leave, which blocks see at their entry.
void ir_exit_anew(struct ir_builder *b, int64_t offset);
// Before ir_exit_to for a call: where it returns to.
void ir_note_return(struct ir_builder *b, int64_t offset);
// Leave for the guest address in an i64, as a return does: behind one of the region's own calls, it is likely.
void ir_exit_return(struct ir_builder *b, ir_ref pc);
// Leave for the guest address in an i64.
void ir_exit_indirect(struct ir_builder *b, ir_ref pc);
// Leave for the run loop, which looks at modes, requests and interrupts anew before it goes on at the address.
void ir_exit_loop(struct ir_builder *b, ir_ref pc);
