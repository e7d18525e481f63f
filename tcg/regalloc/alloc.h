// SPDX-License-Identifier: MIT
// The register allocator: assigns host registers while a backend emits a region, block by block, forwards.
//
// Protocol for a backend, for each instruction: ra_use the operands (they stay put until ra_end), ra_temp what it
// needs, ra_snapshot if it may leave, then ra_def or ra_def_over the result, emit, ra_end. Values are spilled to
// the frame at most once; a value that was read from or written to guest state uses its state slot as memory instead.
// None of the moves that the allocator emits changes the host's condition flags.
//
// At block boundaries: a block with one predecessor begins with what that one leaves; the first edge into a join fixes
// where it expects its live values and parameters, later edges (back edges too) conform by a parallel move. At a join,
// what is used soonest has the registers and the rest lies in the frame; what a loop does not use stays out of its way.
#pragma once

#include "tcg/regalloc/liveness.h"

enum { RA_REGS = 32, RA_NO_REG = 255 };

enum ra_mem_kind {
    RA_MEM_NONE,
    RA_MEM_FRAME, // offset into the spill frame
    RA_MEM_STATE, // number of a state slot
};

struct ra_host {
    uint32_t int_regs, vector_regs; // masks of allocatable registers
    uint32_t callee_saved;
    uint8_t vector_scratch;         // never allocated; breaks cycles of moves
    uint32_t frame_bytes;
    void (*move)(void *ctx, enum ir_type type, unsigned dst, unsigned src);
    void (*swap)(void *ctx, unsigned a, unsigned b); // integer registers
    void (*load)(void *ctx, enum ir_type type, unsigned dst, enum ra_mem_kind kind, int32_t where);
    void (*store)(void *ctx, enum ir_type type, unsigned src, int32_t frame_offset);
    void (*load_const)(void *ctx, const struct ir_const *constant, unsigned dst);
    void (*store_const)(void *ctx, const struct ir_const *constant, int32_t frame_offset);
};

struct ra_value {
    uint8_t reg, mem_kind;
    int16_t home;       // offset of its place in the frame plus 1, of values that live in several blocks; 0: none yet
    int32_t where;      // by mem_kind
    uint32_t last_use;  // position in the current block, UINT32_MAX when it lives on behind it
    uint32_t last_read; // the same for uses as an operand, wherever else it lives
};

struct ra_block;

struct ra {
    struct ir_region *region;
    const struct ra_host *host;
    void *ctx;
    struct ra_value *values;   // by instruction
    uint8_t *const_reg;        // by constant
    ir_ref reg_value[RA_REGS]; // IR_NONE when free
    uint32_t occupied;         // mask of registers that hold a value
    uint32_t pinned, temps;    // masks; temps are pinned without a value
    uint32_t position, block;
    uint32_t next_call;        // position of the next call in the block
    bool calls;                // there are some in blocks that are not cold
    uint64_t frame_used[4];    // in units of 16 bytes
    ir_ref *slot_value;        // value whose memory is the state slot, by slot, where its bit is set
    uint64_t slot_known[4];
    ir_ref *in_memory;         // values that may have memory
    uint32_t in_memory_count, in_memory_capacity;
    struct ra_block *blocks;
    struct liveness live;      // in regions of several blocks
    uint64_t written_slots[4]; // bit set of state slots that the region may change
    bool out_of_frame;         // give up: the region is too large
};

// Computes liveness. `ctx` is passed to the host's functions.
void ra_init(struct ra *ra, struct ir_region *region, const struct ra_host *host, void *ctx);

// The start of a block: all registers as its predecessors leave them. False when no predecessor reaches it.
bool ra_begin_block(struct ra *ra, uint32_t block);
// The start of an instruction of the current block.
void ra_begin(struct ra *ra, uint32_t position);

// The register that holds the value, loading it if need be.
unsigned ra_use(struct ra *ra, ir_ref ref);
// A copy of the value in that register, which the instruction may overwrite.
void ra_use_in(struct ra *ra, ir_ref ref, unsigned reg);
// The value itself, which stays there for what comes.
void ra_use_at(struct ra *ra, ir_ref ref, unsigned reg);
bool ra_in_register(const struct ra *ra, ir_ref ref, unsigned reg);
// A register of the class of `type` for the instruction's own use.
unsigned ra_temp(struct ra *ra, enum ir_type type);
void ra_temp_in(struct ra *ra, unsigned reg);
// A new register for the result; may be that of an operand which dies here only with ra_def_over.
unsigned ra_def(struct ra *ra, ir_ref ref);
// A register for the result that already holds a copy of `source`: its own when that dies here. `avoid` is a value
// that is still to be read after the copy was made (or IR_NONE).
unsigned ra_def_over(struct ra *ra, ir_ref ref, ir_ref source);
// The result is in this register, taken before with ra_temp_in or ra_use_in.
void ra_def_in(struct ra *ra, ir_ref ref, unsigned reg);
// The result is the same value as the operand, which is of the same class: shares or takes over its register.
void ra_def_alias(struct ra *ra, ir_ref ref, ir_ref source);
// The result of a GETSLOT: stays in memory until it is wanted.
void ra_def_slot(struct ra *ra, ir_ref ref, unsigned slot);
// Call before a SETSLOT stores: other values that still live in that slot's memory move to registers.
void ra_slot_overwritten(struct ra *ra, unsigned slot, ir_ref by);

// Before a call that may change any state slot: values that live in state memory alone move to the frame.
void ra_state_overwritten(struct ra *ra);

bool ra_dies(const struct ra *ra, ir_ref ref);          // no use after this instruction
bool ra_in_reg(const struct ra *ra, ir_ref ref);
// The value's memory, if it has valid memory and no register: an operand for instructions that take one.
enum ra_mem_kind ra_memory(const struct ra *ra, ir_ref ref, int32_t *where);
// Memory of the value in the frame, storing it if need be.
int32_t ra_frame_copy(struct ra *ra, ir_ref ref);
// 16 bytes of the frame for this instruction only (freed by ra_end).
int32_t ra_frame_temp(struct ra *ra);
void ra_frame_release(struct ra *ra, int32_t offset);
// Empties the registers, saving values that are used after this instruction.
void ra_clobber(struct ra *ra, uint32_t mask);
void ra_end(struct ra *ra);

// The value was just stored to its state slot by a SETSLOT: the slot serves as its memory from now on.
void ra_slot_stored(struct ra *ra, unsigned slot, ir_ref ref);

// Before a branch is emitted: fixes what targets reached for the first time expect.
void ra_prepare_edges(struct ra *ra, const struct ir_ins *ins);
// Whether edge `n` of the branch needs no moves.
bool ra_edge_is_free(struct ra *ra, const struct ir_ins *ins, unsigned n);
// Emits the moves that take the current state to what the target of edge `n` expects. Changes no state.
void ra_edge(struct ra *ra, const struct ir_ins *ins, unsigned n);

// Where a value is now, for snapshots.
struct ra_location {
    enum { RA_AT_REG, RA_AT_FRAME, RA_AT_STATE, RA_AT_CONST } kind;
    uint8_t reg;
    int32_t where;
    const struct ir_const *constant;
};
struct ra_location ra_locate(const struct ra *ra, ir_ref ref);
