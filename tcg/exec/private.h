// SPDX-License-Identifier: MIT
// What the files of the execution engine share.
//
// Locks: engine->lock guards blocks, links and the buffers; a vCPU's tlb->lock guards its soft TLB and code tables
// against other threads. engine->lock may be taken first, then one tlb->lock; never the other way round.
#pragma once

#include <pthread.h>

#include "hw/core/guest-ram.h"
#include "hw/core/memory-map.h"
#include "hw/core/stops.h"
#include "tcg/backend.h"
#include "tcg/base/exec-memory.h"
#include "tcg/exec/engine.h"
#include "tcg/exec/guest.h"
#include "tcg/exec/perf-records.h"
#include "tcg/exec/profile.h"
#include "tcg/exec/tlb-large.h"

enum {
    TLB_CONTEXTS = 16,
    TLB_ENTRIES = 1 << BACKEND_TLB_LOG2,
    TLB_FIRST_LEVEL = TLB_MMU_INDEXES * TLB_ENTRIES,
    TLB_SECOND_LEVEL = 1 << BACKEND_SECOND_LOG2,
    JUMP_ENTRIES = (1 << BACKEND_JUMP_LOG2) + (1 << BACKEND_JUMP_SECOND_LOG2),
    CODE_CONTEXTS = 48,
    CODE_FILTER_LOG2 = 13, // a kernel runs code of a thousand pages or more
    RECENT_CODE = 32,
    FETCH_ENTRIES = 256,
};

// Low bits of a tag that send an access to the slow path.
enum {
    TLB_TAG_INVALID = 1 << 11,
    TLB_TAG_MMIO = 1 << 10,   // handlers, or a page only partly backed by memory
    TLB_TAG_CODE = 1 << 9,    // a store must look for translated code, or be noted
    TLB_TAG_WATCHED = 1 << 7,
    TLB_TAG_DEVICE = 1 << 8,  // device memory type: alignment is checked
    TLB_TAG_SECOND = BACKEND_SECOND_MARK,
    TLB_TAG_FLAGS = 0xfff,
    TLB_INFO_GLOBAL = 1 << 0, // in entry.info, below the physical page address
};

// Entries are numbered through both levels, the first level's tables first.
struct tlb_context {
    _Alignas(64) struct backend_tlb tlb;
    uint64_t key; // 0: free
    uint64_t last_used;
    // Bit set of entries to look at for an invalidation, and how many of its words may have bits: few contexts come to use
    // their second level.
    uint64_t used[(TLB_FIRST_LEVEL + TLB_SECOND_LEVEL) / 64];
    unsigned used_words;
};
_Static_assert((int)TLB_MMU_INDEXES == BACKEND_TLB_TABLES, "each mmu index has a table");

static inline struct backend_tlb_entry *tlb_entry(struct tlb_context *c, unsigned number)
{
    return number < TLB_FIRST_LEVEL ? &c->tlb.tables[number / TLB_ENTRIES][number % TLB_ENTRIES]
                                    : &c->tlb.second[number - TLB_FIRST_LEVEL];
}

// With the TLB's lock held.
static inline void tlb_entry_use(struct tlb_context *c, unsigned number)
{
    c->used[number / 64] |= UINT64_C(1) << number % 64;
    if (c->used_words <= number / 64)
        c->used_words = number / 64 + 1;
}

static inline unsigned tlb_index(uint64_t gva)
{
    return (gva >> TLB_PAGE_BITS) & (TLB_ENTRIES - 1);
}

static inline void tlb_entry_clear(struct backend_tlb_entry *e)
{
    __atomic_store_n(&e->read_tag, ~UINT64_C(0), __ATOMIC_RELAXED);
    __atomic_store_n(&e->write_tag, ~UINT64_C(0), __ATOMIC_RELAXED);
}

static inline uint64_t tlb_entry_tag(const struct backend_tlb_entry *e, enum tlb_access access)
{
    return __atomic_load_n(access == TLB_WRITE ? &e->write_tag : &e->read_tag, __ATOMIC_RELAXED);
}

static inline bool tlb_stores_matter(uint8_t page_flags)
{
    return (page_flags & PAGE_CODE) || (page_flags & (PAGE_SHOWN | PAGE_DIRTY)) == PAGE_SHOWN;
}

// Before an entry sends stores to the page unseen: whether it may. With the TLB's lock held.
static inline bool tlb_stores_unseen(_Atomic uint8_t *page_flags)
{
    uint8_t flags = atomic_load(page_flags);
    if (!(flags & PAGE_STORED))
        flags = atomic_fetch_or(page_flags, PAGE_STORED);
    return !tlb_stores_matter(flags);
}

// Only of entries that have been used: in the second level the others are all zeros.
static inline bool tlb_entry_valid(const struct backend_tlb_entry *e)
{
    return !(e->read_tag & TLB_TAG_INVALID) || !(e->write_tag & TLB_TAG_INVALID);
}

static inline uint64_t tlb_entry_page(const struct backend_tlb_entry *e)
{
    return (e->read_tag & TLB_TAG_INVALID ? e->write_tag : e->read_tag) & ~(uint64_t)TLB_TAG_FLAGS;
}

// The lookup table for code of one address space and set of modes.
struct code_context {
    uint64_t space, flags, last_used;
    uint64_t first, last;                          // the lowest and the highest address with an entry since it was empty
    uint64_t filter[(1 << CODE_FILTER_LOG2) / 64]; // bit set of hashed pages that have entries
    uint64_t used[JUMP_ENTRIES / 64];              // bit set of entries in use
    struct backend_jump_entry table[JUMP_ENTRIES];
};

struct fetch_entry {
    uint64_t page, key;
    uint64_t ram_offset;
    uint8_t code_flags, mmu_index;
    bool global;
};

static inline unsigned tlb_fetch_index(uint64_t pc)
{
    return (pc >> TLB_PAGE_BITS) & (FETCH_ENTRIES - 1);
}

struct tlb_state {
    pthread_spinlock_t lock;
    // Counts invalidations; changed with the lock held. What was translated before one must not be entered after it.
    _Atomic uint64_t flushes;
    uint64_t clock;
    struct tlb_context *current;
    struct tlb_context *contexts; // TLB_CONTEXTS
    struct code_context *code_contexts[CODE_CONTEXTS];
    struct code_context *recent_code[RECENT_CODE]; // by a hash of space and flags; they may be for others by now
    struct fetch_entry fetch[FETCH_ENTRIES];
    struct tlb_large large;
};

// A piece of guest code, from its offset in the page.
struct tcg_span {
    uint16_t start, bytes;
};

// Translated code: of one block of guest code, or of a region (tier 2).
struct tcg_block {
    uint64_t ram_pc, flags; // the key
    uint64_t pc;            // where it was when it was made, for people to read
    uint32_t insns, ir_ops, translate_ns;
    int32_t counter;        // of a region's entries, see region-counts.c
    bool dead, region;
    uint8_t requests;       // for a region instead: how often its counter has run out
    struct tcg_block *hash_next;
    struct backend_code code;
    struct tcg_exit *incoming;
    struct tcg_block *page_next, *all_next;
    struct ir_region *ir; // the interpreter's
    unsigned span_count;
    struct tcg_span spans[]; // all in the page of ram_pc
};

// Of one tier.
struct tcg_stats {
    uint64_t blocks, insns, host_bytes, guest_bytes, ir_ops, translate_ns;
};

// What debuggers have asked for, see stops.c.
struct tcg_stops {
    pthread_mutex_t lock;        // of changes of `armed`; taken before engine->lock
    _Atomic uint64_t generation; // of machine->stops that `armed` is good for
    struct stops armed;          // stops there are or were; changed with all vCPUs out of run()
    struct stop_page *pages[256]; // of RAM that the code of such was fetched from, by a hash
    unsigned page_count;
    _Atomic uint64_t marks;      // counts changes of `pages`, and of `armed`; from 1
};

// Of a page of guest RAM, see code-pages.c.
enum { CODE_GRANULE_LOG2 = 3, CODE_GRANULES = TLB_PAGE_SIZE >> CODE_GRANULE_LOG2 };
struct code_page {
    struct tcg_block *blocks;
    _Atomic uint64_t granules[CODE_GRANULES / 64]; // bit set of those with guest code of blocks; some may be gone
};

struct tcg_engine {
    struct accel accel;
    struct tcg_options options;
    bool interp;
    struct machine *machine;
    struct memory_map *map;
    struct guest_ram *ram;
    pthread_mutex_t lock;
    struct exec_memory memory;
    uint8_t *meta;
    size_t meta_bytes;
    struct backend_buffers buffers;
    uint8_t *code_start;
    struct backend *backend;
    struct tcg_block **hash;
    uint32_t hash_mask;
    struct code_page *code_pages;   // by page of guest RAM
    size_t code_pages_bytes;        // the RAM is gone before the engine is
    _Atomic uint64_t translating;   // the page that instructions are being read from, plus 1
    struct tcg_block *all;
    unsigned watchers;              // vCPUs that wait before they translate from a page that had no code
    struct arena arena; // of the translation in hand; the interpreter's regions
    struct memory_map_listener map_listener;
    struct tcg_stats stats[2]; // blocks, regions
    uint64_t flushes, invalidations;
    _Atomic uint32_t region_counters; // in use
    struct tier2 *tier2;       // NULL: off
    struct perf_records *perf; // NULL: not asked for
    struct profile *_Atomic profile; // NULL: there was none
    struct tcg_stops stops;
};

// What a backend must know of struct tcg_cpu.
static inline struct backend_layout tcg_backend_layout(void (*slow)(void *state, void *dump))
{
    return (struct backend_layout){
        .pc_page = offsetof(struct tcg_cpu, pc_page),
        .pc_offset = offsetof(struct tcg_cpu, pc_offset),
        .exit_request = offsetof(struct tcg_cpu, vcpu) + offsetof(struct vcpu, exit_request),
        .tlb_tables = offsetof(struct tcg_cpu, tlb_tables),
        .jump_table = offsetof(struct tcg_cpu, jump_table),
        .heat = offsetof(struct tcg_cpu, heat),
        .region_entries = offsetof(struct tcg_cpu, region_entries),
        .slow_access = slow,
    };
}

// --- cache.c ---
int cache_init(struct tcg_engine *engine, struct error *error);
void cache_destroy(struct tcg_engine *engine);
// The block at ram_pc, translated if need be. `pc` is its virtual address. May take and release engine->lock, and stop the
// machine to empty the buffers. Never NULL.
struct tcg_block *cache_get(struct tcg_cpu *cpu, uint64_t pc, uint64_t ram_pc, uint64_t flags);
// The block at ram_pc, or NULL. With engine->lock held, or on a vCPU's thread inside run(): then it may be dead already.
struct tcg_block *cache_find(const struct tcg_engine *engine, uint64_t ram_pc, uint64_t flags);
// With engine->lock held: makes a new block the one at its place, instead of what is there.
void cache_adopt(struct tcg_engine *engine, struct tcg_block *block, uint64_t pc);
// Links an exit to the block, if both are still alive.
void cache_link(struct tcg_engine *engine, struct tcg_exit *exit, struct tcg_block *to);
// Discards blocks that overlap [ram_offset, +length). Any thread; the second one with engine->lock held.
void cache_invalidate(struct tcg_engine *engine, uint64_t ram_offset, uint64_t length);
void cache_discard(struct tcg_engine *engine, uint64_t ram_offset, uint64_t length);
// Whether one that overlaps [ram_offset, +length) may be the one that the vCPU is in: it is for the same modes and has
// several instructions, the one at `pc_offset` of its page among them.
bool cache_has_block_around(struct tcg_cpu *cpu, uint64_t ram_offset, uint64_t length, uint32_t pc_offset);
void cache_print(struct tcg_engine *engine, FILE *out);

// --- code-pages.c: all but the last with engine->lock held ---
// Adds what the block has of its page's granules to `granules`.
void code_pages_mark(const struct tcg_block *block, uint64_t granules[CODE_GRANULES / 64]);
void code_pages_set(struct tcg_engine *engine, uint64_t page, const uint64_t granules[CODE_GRANULES / 64]);
// Stores to the block's guest code are noticed from now on. Its page is one with PAGE_CODE.
void code_pages_claim(struct tcg_engine *engine, const struct tcg_block *block);
// Whether a store within a page may have changed code, or instructions that are being translated. When not, what is translated
// from now on is read after the store. Any thread, after the store and a fence.
bool code_pages_hit(const struct tcg_engine *engine, uint64_t ram_offset, uint64_t length);

// --- translate.c ---
struct translation {
    struct tcg_cpu *cpu;    // whose guest; its modes are in `flags`
    uint64_t pc, ram_pc, flags;
    const uint8_t *page;    // the page that ram_pc is in
    const uint64_t *wanted; // bit set of offsets in the page where members of a region may begin; NULL: one block
    const uint64_t *seen;   // see struct ir_region
    const uint64_t *stops;  // bit set of offsets in the page where breakpoints may be; NULL: nowhere
    struct arena *arena;
    struct backend_buffers *buffers;
};
// Makes a block, which nobody knows yet. -ENOSPC: a buffer is full; -ENOENT or -E2BIG: there is no region to make.
int translate(struct tcg_engine *engine, const struct translation *job, struct tcg_block **block);
// The counter of entries, in tcg_cpu.heat, for the code at a place in RAM.
static inline int32_t tcg_heat_index(uint64_t ram_pc)
{
    return (int32_t)((ram_pc * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TCG_HEAT_LOG2));
}

// --- stops.c ---
// Before a vCPU runs: takes over what debuggers have changed since any did.
void stops_update(struct tcg_cpu *cpu);
void stops_destroy(struct tcg_engine *engine);
// The page at ram_offset is about to be executed at `pc`: notes its breakpoints, if it has any.
void stops_fetched(struct tcg_cpu *cpu, uint64_t pc, uint64_t ram_offset);
// With engine->lock held: the offsets of breakpoints in a page of RAM, or NULL.
const uint64_t *stops_of_page(const struct tcg_engine *engine, uint64_t ram_offset);
// What a block begins with where one may be.
extern const struct ir_helper stops_helper;
// Whether the next instruction is to run by itself; interrupts are then not taken unless a debugger said so.
bool stops_single(const struct tcg_cpu *cpu);
// An access to a page that is watched: true when it is to be left undone, with the state before its instruction.
bool stops_watch(struct tcg_cpu *cpu, uint64_t gva, unsigned size, enum tlb_access access);
// A vCPU is about to leave run(): ends its single step, and forgets a stop whose conditions do not hold.
void stops_settle(struct tcg_cpu *cpu);

// --- tier2.c ---
int tier2_init(struct tcg_engine *engine, struct error *error);
// Ends the threads, which look at vCPUs and RAM; nothing the second time.
void tier2_destroy(struct tcg_engine *engine);
// The counter of the block at the vCPU's pc has run out.
void tier2_hot(struct tcg_cpu *cpu);
// No region is being compiled from here to tier2_resume; those that were begun before come to nothing. Around emptying the
// buffers.
void tier2_pause(struct tcg_engine *engine);
void tier2_resume(struct tcg_engine *engine);
void tier2_print(struct tcg_engine *engine, FILE *out);

// --- region-counts.c: how often regions are entered ---
void region_counts_create(struct tcg_cpu *cpu);
void region_counts_destroy(struct tcg_cpu *cpu);
// A counter for a new region, a place in tcg_cpu.region_entries; -1 when there are no more. Any thread.
int32_t region_counts_new(struct tcg_engine *engine);
// All regions are gone, and every vCPU is out of translated code.
void region_counts_clear(struct tcg_engine *engine);
// The regions that were entered most. No locks.
void region_counts_print(struct tcg_engine *engine, FILE *out);

// --- tlb.c ---
struct tlb_fetched {
    uint64_t ram_offset;
    uint8_t code_flags;
    bool global;
    uint64_t flushes; // tlb->flushes before the translation
};
void tlb_init(struct tcg_cpu *cpu);
void tlb_destroy(struct tcg_cpu *cpu);
// Makes the soft TLB of all vCPUs send stores to a page of RAM to the slow path.
void tlb_protect_page(struct tcg_engine *engine, uint64_t ram_offset);
// What displays ask of the soft TLBs.
extern const struct guest_ram_watch_ops tlb_watch_ops;
// With the TLB's lock held: all entries, global ones too.
void tlb_context_clear(struct tlb_context *context);
// Returns when the other vCPUs are done with stores that they checked before a change of tags. Out of translated code, no
// locks.
void tlb_wait_for_stores(struct tcg_cpu *cpu);
void tlb_print(struct tcg_cpu *cpu, FILE *out);
// What an access found. Other threads may take the entry away at any time, so this is a copy: good until the next poll.
struct tlb_place {
    uint64_t tag;  // the entry's for the access
    uint8_t *host; // NULL: handlers
    uint64_t gpa;
    struct backend_tlb_entry *entry;
};
// Finds the access in the current context, filling the entry. False with `fault` set; a `probe` changes nothing in the
// guest. *bus_error is set instead when nothing answers at the physical address in fault->gpa.
bool tlb_lookup(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                struct tlb_place *place, struct tlb_fault *fault, bool *bus_error);
// Where the instructions at `pc` are. False after a fault was raised.
bool tlb_fetch(struct tcg_cpu *cpu, uint64_t pc, struct tlb_fetched *out);
// The flags of the block there, for the current modes.
static inline uint64_t tlb_fetched_flags(const struct tcg_cpu *cpu, const struct tlb_fetched *f)
{
    return cpu->code_context->flags | (uint64_t)f->code_flags << 56;
}
// Nothing happens when there was an invalidation since `flushes`.
void code_table_insert(struct tcg_cpu *cpu, uint64_t pc, void *code, uint64_t flushes);
// Chooses the lookup table for code by the guest's current modes.
void code_table_select(struct tcg_cpu *cpu, uint64_t space, uint64_t flags);
// Empties the lookup tables for code of a vCPU.
void code_tables_clear(struct tcg_cpu *cpu);

// The pages of an invalidation: those whose address has, among the bits of `ignore`, a value in [first, first + size).
struct range_flush {
    uint64_t key, first, size, ignore;
    bool all_keys;
};
// With the TLB's lock held: empties the tables of one address space, or all; removes what is in a range.
void code_tables_clear_locked(struct tlb_state *t, bool all, uint64_t space);
void code_tables_clear_range(struct tlb_state *t, const struct range_flush *range);

// --- tlb-second.c ---
// Keeps a valid entry that makes room in the first level. With the TLB's lock held.
void tlb_second_put(struct tlb_context *c, unsigned mmu_index, const struct backend_tlb_entry *e);
// The entry for an access that the first level does not have, with *tag the access's, or NULL. Now and then it has taken
// its place in the first level. Own thread only.
struct backend_tlb_entry *tlb_second_find(struct tlb_state *t, uint64_t gva, enum tlb_access access, unsigned mmu_index,
                                          uint64_t *tag);

// --- slow-memory.c ---
// A store of `size` bytes at `host` went through entry `e`, whose tag says that the page has translated code.
void tcg_wrote_code_page(struct tcg_cpu *cpu, struct backend_tlb_entry *e, uint8_t *host, uint64_t size);

// --- slow.c ---
// Called from translated code by the slow path's stub.
void slow_access(void *state, void *dump);
// A memory operation by its description, for both engines. `data`, `data2` and `result` are 16 bytes each.
struct slow_request {
    uint8_t op, type, aux;
    struct ir_mem mem;
    uint64_t address;
    const void *data, *data2;
    void *result;
};
// Takes the exception of an IR_RAISE_IF.
_Noreturn void slow_raise(struct tcg_cpu *cpu, uint32_t code);
void slow_perform(struct tcg_cpu *cpu, const struct slow_request *request);

// Where an access whose address operand is `base` goes.
static inline uint64_t slow_address(uint64_t base, struct ir_mem mem)
{
    uint64_t sum = base + (uint64_t)(int64_t)mem.offset;
    return mem.narrow ? (uint32_t)sum : sum;
}

// --- interp.c (tcg/exec) ---
enum backend_exit interp_enter(struct tcg_cpu *cpu, struct tcg_block *block, struct tcg_exit **link);
