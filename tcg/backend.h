// SPDX-License-Identifier: MIT
// What a backend is to the engine: it turns a verified region into host code at a given place, and describes where that
// code may leave. A backend knows guest state only as offsets given here.
#pragma once

#include "tcg/ir.h"

struct tcg_site;

// One entry of the soft TLB, as backends probe it. Tags are page addresses; other low bits make them never match.
struct backend_tlb_entry {
    uint64_t read_tag, write_tag;
    uint64_t addend; // host address = guest address + addend
    uint64_t info;
};

enum {
    BACKEND_TLB_TABLES = 3,    // one for each mmu index
    BACKEND_TLB_LOG2 = 10,     // entries in a table
    BACKEND_TLB_ENTRY_LOG2 = 5,
    BACKEND_SECOND_LOG2 = 13,  // entries of the second level
    BACKEND_SECOND_MARK = 1 << 6, // above the bits that a required alignment compares
    BACKEND_HASH = (int32_t)0x9e3779b1,
    BACKEND_JUMP_LOG2 = 13,    // entries in a lookup table for code
    BACKEND_JUMP_ENTRY_LOG2 = 4,
    BACKEND_JUMP_SECOND_LOG2 = 12, // entries behind them, for what had to make room
};

// The soft TLB of an address space: tables found by low bits of the page number, and behind them a second level, which
// keeps what had to make room there. Its tags carry a mark, so that entries of zeros never match.
struct backend_tlb {
    struct backend_tlb_entry tables[BACKEND_TLB_TABLES][1 << BACKEND_TLB_LOG2];
    struct backend_tlb_entry second[1 << BACKEND_SECOND_LOG2];
    // Every hit in the second level takes one away; one that makes it negative counts as a miss, for the engine to bring
    // an entry that is in use to the front.
    int32_t second_hits_left;
};

// Where the second level has its entry for a page: bits 12 to 43 of the address count. Those of one page never share one.
static inline unsigned backend_second_index(uint64_t page, unsigned mmu_index)
{
    return ((uint32_t)(page >> 12) * (uint32_t)BACKEND_HASH) >> (32 - BACKEND_SECOND_LOG2) ^ mmu_index;
}

// Where a lookup table for code has its entry for a pc: the instruction's place in its page, folded with the page.
static inline unsigned backend_jump_index(uint64_t pc)
{
    return (unsigned)(pc ^ pc >> 12) & ((1u << BACKEND_JUMP_LOG2) - 1);
}

// The same among the entries behind those.
static inline unsigned backend_jump_second_index(uint64_t pc)
{
    return (1u << BACKEND_JUMP_LOG2) + ((uint32_t)pc * (uint32_t)BACKEND_HASH >> (32 - BACKEND_JUMP_SECOND_LOG2));
}

// An entry of a lookup table for code.
struct backend_jump_entry {
    uint64_t pc;
    void *code;
};

// Where things are: byte offsets from the state structure, and addresses that emitted code calls.
struct backend_layout {
    int32_t pc_page, pc_offset, exit_request, tlb_tables, jump_table, heat;
    int32_t region_entries; // a pointer to counters of 64 bits
    // void slow_access(state, register dump): performs the access of a site.
    void (*slow_access)(void *state, void *dump);
};

// A place where one access may leave: what to do, and how to get the state back. `entries` follows.
// There are as many as guest instructions, so that they are small.
struct tcg_site_entry {
    uint8_t slot;           // unless `operand`
    uint8_t kind : 3;       // enum tcg_site_kind
    uint8_t operand : 1;    // IR_SNAPSHOT_OPERAND
    uint8_t bytes_log2 : 4; // of the value
    uint16_t value;
};
enum tcg_site_kind {
    TCG_SITE_REG,    // register number
    TCG_SITE_FRAME,  // offset in the spill frame
    TCG_SITE_STATE,  // state slot number that still holds the value
    TCG_SITE_SMALL,  // the value itself
    TCG_SITE_POOL,   // byte offset from the site to 16 bytes of constant
    TCG_SITE_OP,     // operation | operands' type << 8, on the IR_SNAPSHOT_OPERANDS before
};
enum { TCG_SITE_NO_REG = 0xf7 };
struct tcg_site {
    uint64_t mem;       // struct ir_mem, packed
    uint8_t op, type, aux;
    uint8_t address_reg, data_reg, data2_reg, result_reg;
    uint8_t entry_count;
    int32_t pc_offset;
    struct tcg_site_entry entries[];
};

// A direct jump that can be linked to its target.
struct tcg_exit {
    uint8_t *place;              // of the jump, for backend_link
    int32_t unlinked;            // where it goes when it is not linked, from `place`
    int32_t target_offset;       // guest pc from the page base
    struct tcg_block *from, *to; // the engine's
    struct tcg_exit *next_in;    // the engine's: next of those linked to `to`
};

// Two bump-allocated buffers; backend_compile advances `next` of both. Code addresses are those of the writable
// mapping; `exec_delta` bytes further is the executable one.
struct backend_buffers {
    uint8_t *code, *code_end;
    uint8_t *meta_base, *meta, *meta_end;
    ptrdiff_t exec_delta;
};

// Takes `bytes` of the meta buffer, aligned to 8, with anything in them. NULL when there are not so many.
static inline void *backend_take_meta(struct backend_buffers *b, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if ((size_t)(b->meta_end - b->meta) < bytes)
        return NULL;
    void *p = b->meta;
    b->meta += bytes;
    return p;
}

struct backend_code {
    uint8_t *entry, *end;
    uint8_t *body;               // behind what entries look at (requests to leave, counters)
    uint8_t *poll;               // for backend_kill
    uint8_t *hot;                // for backend_stop_counting; NULL: entries are not counted
    struct tcg_exit *exits;      // in the meta buffer, by next_in until the engine links them
};

struct backend;

// How the run loop is reached.
enum backend_exit {
    BACKEND_EXIT_LOOP,   // pc is in the state; look at everything anew
    BACKEND_EXIT_LOOKUP, // pc is in the state; modes have not changed
    BACKEND_EXIT_LINK,   // a struct tcg_exit was taken; pc is in the state
    BACKEND_EXIT_HOT,    // the counter of the region that was entered (ir_region.heat) is 0 now; nothing was executed
    BACKEND_EXIT_COUNT,
};

// Whether the host has a backend. If not, nothing but backend_create is called, which returns NULL.
bool backend_available(void);
// Writes the shared stubs at the start of the code buffer. Probes the host; `features` limits what is used (all bits
// set for everything: see the host's regs.h).
struct backend *backend_create(const struct backend_layout *layout, struct backend_buffers *buffers, uint32_t features);
void backend_destroy(struct backend *backend);
// Calls `name` for each shared stub, with its place in the writable mapping.
typedef void backend_stub_fn(void *opaque, const char *name, const uint8_t *start, const uint8_t *end);
void backend_stubs(const struct backend *backend, backend_stub_fn *name, void *opaque);

// -ENOSPC when a buffer is full, -E2BIG when the region is too large for the spill frame. Thread-safe for different
// buffers.
int backend_compile(struct backend *backend, struct ir_region *region, int32_t entry_offset,
                    struct backend_buffers *buffers, struct backend_code *code);

// Runs code on the calling thread. *link is the exit taken for BACKEND_EXIT_LINK.
enum backend_exit backend_enter(struct backend *backend, void *state, const void *entry, struct tcg_exit **link);

// Directs an exit to `target` (a writable address of a block's entry), or back to the run loop when NULL. Atomic.
void backend_link(struct tcg_exit *exit, const uint8_t *target);
// Makes a block leave for the run loop whenever it is entered from now on. Atomic.
void backend_kill(const struct backend_code *code);
// Makes a block never leave by BACKEND_EXIT_HOT from now on. Atomic.
void backend_stop_counting(const struct backend_code *code);

// Access to the registers dumped for a slow access: the value of a register, its place, and the spill frame.
uint64_t *backend_dump_int(void *dump, unsigned reg);
void *backend_dump_vector(void *dump, unsigned reg);
uint8_t *backend_dump_frame(void *dump);
const struct tcg_site *backend_dump_site(void *dump, const uint8_t *meta_base);
bool backend_reg_is_vector(unsigned reg);
// Where a thread was that a signal has come to, from the context that its handler is given.
uint64_t backend_signal_pc(const void *context);
