// SPDX-License-Identifier: MIT
// What a guest family supplies to the engines, and what it finds in them.
//
// struct tcg_cpu is the first member of the guest's state structure; translated code addresses guest state from its
// start. The engines own it; guests touch only what is said here.
#pragma once

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/core/vcpu.h"
#include "tcg/backend.h"
#include "tcg/builder.h"
#include "tcg/exec/tlb.h"
#include "tcg/fp-flags.h"

struct machine;
struct memory_map;
struct tcg_cpu;
struct tcg_engine;
struct tlb_state;
struct code_context;

// One block to translate.
struct tcg_translation {
    struct ir_builder *builder;
    struct tcg_cpu *cpu;       // for looking at identification, never at modes: those are in `flags`
    uint64_t pc;               // guest address of the first instruction; for logs and page offset only
    uint64_t flags;            // of the block, see guest_ops.block_flags; TCG_FLAG_SINGLE; bits 56..63 are the page's code_flags
    const uint8_t *code;       // bytes at pc; readable up to code_bytes
    uint32_t code_bytes;       // up to the end of the page
    uint32_t max_insns;        // end the block after so many
    bool member;               // of a region, perhaps made on another thread: the vCPU must not be asked for more code
    bool inner;                // only branches from the same page lead here: a member that is not the region's entry
    bool single;               // out: not to be part of a region of several blocks
    uint32_t insn_count;       // out: guest instructions translated
    uint32_t guest_bytes;      // out: bytes translated, from pc
};

// The block has one instruction and is entered for that alone, by a debugger.
#define TCG_FLAG_SINGLE (UINT64_C(1) << 55)

struct guest_ops {
    const char *name;
    const struct ir_slot *slots; // `translate` may give its region a table with other types at the same offsets
    unsigned slot_count;

    // Everything in the vCPU's modes that its translated code depends on (privilege, mmu index, traps, FP rules),
    // in bits 0..54. Cheap: called at each return to the run loop.
    uint64_t (*block_flags)(struct tcg_cpu *cpu);
    // What code the current context's address space shows: 0 when all translations of code at this privilege are
    // global, else the soft-TLB key. Lookup tables for code are kept per such value.
    uint64_t (*code_space)(struct tcg_cpu *cpu);
    // The mmu index that instruction fetches use now.
    unsigned (*fetch_mmu_index)(struct tcg_cpu *cpu);

    // Translates one basic block, which also ends where ir_at_member says that another begins. Must not look at guest memory
    // other than `code`. Any thread.
    void (*translate)(struct tcg_translation *t);

    // Walks the page tables. False with `fault` filled in. Must not raise. `access` decides which accessed or dirty
    // bits are set; with `probe`, none are. Own thread only.
    bool (*translate_address)(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index,
                              bool probe, struct tlb_translation *translation, struct tlb_fault *fault);
    // Takes the exception for a failed access. State and pc are those before the instruction. The run loop goes on.
    void (*raise_fault)(struct tcg_cpu *cpu, const struct tlb_fault *fault, unsigned mmu_index, unsigned size_log2);
    // The access was not aligned as its operation or the memory demands.
    void (*raise_alignment)(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index);
    // Takes the exception of an IR_RAISE_IF.
    void (*raise)(struct tcg_cpu *cpu, uint32_t code);
    // No device answered at gpa.
    void (*raise_bus_error)(struct tcg_cpu *cpu, uint64_t gva, uint64_t gpa, enum tlb_access access,
                            unsigned mmu_index);
    // Takes a pending unmasked interrupt, if any. Called with state in memory, before blocks are entered.
    // True when the pc or modes changed.
    bool (*take_interrupt)(struct tcg_cpu *cpu);
    // A store is about to change instructions of the block that makes it. State and pc are those before the store's
    // instruction, which is to be done again in a block by itself (of other flags). NULL: the guest need not see its
    // stores before a barrier.
    void (*stored_into_own_block)(struct tcg_cpu *cpu);
    // run() returns: what the guest has in registers of the host that the engines do not know goes to memory. NULL: nothing.
    void (*save_host_state)(struct tcg_cpu *cpu);
    // An access to a page whose translation said `watched`. True: the instruction is to be done again in a block by itself
    // (stored_into_own_block), where this is called again.
    bool (*watched)(struct tcg_cpu *cpu, uint64_t gva, unsigned size, enum tlb_access access);
    // Whether an exception is on its way into its handler: accesses are not the instruction's then. NULL: those have none.
    bool (*delivering)(struct tcg_cpu *cpu);
    bool watch_after;      // debuggers' watchpoints stop behind the instruction
    bool open_bus;         // where nothing answers, loads find ones and stores are lost; raise_bus_error is for fetches
    bool atomics_anywhere; // read-modify-writes work across pages and on devices too
};

enum { TCG_HEAT_LOG2 = 12, TCG_CHECKED_PAGES = 16 };

// Hot fields first: translated code addresses the structure with 8-bit displacements.
struct tcg_cpu {
    uint64_t pc_page;               // IR_SLOT_PC_PAGE
    uint32_t pc_offset;             // IR_SLOT_PC_OFFSET
    uint32_t fp_control;            // host FP control and sticky flags while out of run()
    void *tlb_tables;               // current soft-TLB context
    void *jump_table;               // current lookup table for code
    struct vcpu vcpu;               // exit_request is polled in here
    const struct guest_ops *guest;
    struct tcg_engine *engine;
    struct tlb_state *tlb;
    struct code_context *code_context;
    struct memory_map *memory;      // what physical addresses mean; tlb_flush_all after a change
    // Inside translated code, which may hold addresses that it checked; and: some of those have been invalidated since.
    _Atomic bool in_code, tlb_stale;
    bool alone, others_stopped;     // the next block is to run with the other vCPUs stopped; it does now
    bool single, single_begun;      // the next instruction runs by itself, for a debugger's watchpoint; it has begun to
    void *slow_frame;               // register dump while inside a memory slow path
    void (*restore)(struct tcg_cpu *cpu); // puts state in memory when the interpreter leaves in its middle, or NULL
    void *restore_data;
    jmp_buf leave;
    uint64_t exits[BACKEND_EXIT_COUNT], tlb_fills, lookups; // statistics
    uint64_t *region_entries;       // see region-counts.c
    // Pages whose marks are right, as long as engine->stops.marks is this.
    struct tcg_checked_page {
        uint64_t pc_page, ram_page, marks;
    } checked[TCG_CHECKED_PAGES];
    // Entries that blocks (by tcg_heat_index) have left before they are hot.
    uint32_t heat[1 << TCG_HEAT_LOG2];
};

static inline struct tcg_cpu *tcg_cpu_of(struct vcpu *vcpu)
{
    return (struct tcg_cpu *)((char *)vcpu - offsetof(struct tcg_cpu, vcpu));
}

static inline uint64_t tcg_get_pc(const struct tcg_cpu *cpu)
{
    return cpu->pc_page + (uint64_t)(int64_t)(int32_t)cpu->pc_offset;
}

static inline void tcg_set_pc(struct tcg_cpu *cpu, uint64_t pc)
{
    cpu->pc_page = pc & ~UINT64_C(0xfff);
    cpu->pc_offset = (uint32_t)(pc & 0xfff);
}

// Leaves translated code from a MAY_FAULT or NORETURN helper and returns to the run loop, which goes on with the pc and
// modes as they now are. Does not return.
_Noreturn void tcg_leave(struct tcg_cpu *cpu);

// From a MAY_FAULT helper, before it has changed anything: the instruction is done with every other vCPU stopped. Returns
// when they are, else leaves for the run loop to stop them and do the instruction again, by itself. For guests with
// stored_into_own_block. A vCPU that waits for the others inside translated code would keep them from emptying buffers.
void tcg_do_alone(struct tcg_cpu *cpu);

// The flags, as guest_ops.block_flags gave them, of the block that the vCPU is in.
uint64_t tcg_block_flags(const struct tcg_cpu *cpu);

// Must be called (own thread) after modes that block_flags or code_space depend on have changed in a helper that
// does not end its block by ir_exit_loop. Exceptions taken in raise_* and take_interrupt need not.
void tcg_modes_changed(struct tcg_cpu *cpu);

// Host address of instructions at `pc`, as a fetch sees them: faults as one does. From a MAY_FAULT helper.
const uint8_t *tcg_fetch_host(struct tcg_cpu *cpu, uint64_t pc);
// The same when that needs no page walk, else NULL. From any helper.
const uint8_t *tcg_fetch_at_hand(struct tcg_cpu *cpu, uint64_t pc);
// Discards what has been translated of the instruction at `pc`, which is mapped.
void tcg_discard_code(struct tcg_cpu *cpu, uint64_t pc);
