// SPDX-License-Identifier: MIT
// The second level of the soft TLB: what is pushed out of the first level is found again without a page walk, by translated
// code too, and every kind of invalidation reaches it there; the same for the lookup tables for code; and how blocks count
// their entries. The guest is a made-up one that counts page walks.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/endian.h"
#include "tcg/base/exec-memory.h"
#include "tcg/builder.h"
#include "tcg/exec/private.h"

enum { RAM_PAGES = 64, CODE_BYTES = 1 << 16, META_BYTES = 1 << 16 };
#define ALIASED (UINT64_C(4) << 20) // pages so far apart share a place in the first level
#define PAGE_A UINT64_C(0x40005000)
#define KEY(asid) (UINT64_C(3) << 32 | (asid))

struct test_cpu {
    struct tcg_cpu cpu;
    uint64_t address, value, value2;
};

enum { SLOT_ADDRESS = 2, SLOT_VALUE, SLOT_VALUE2 };
static const struct ir_slot slots[] = {
    {"pc_page", offsetof(struct test_cpu, cpu.pc_page), IR_I64, false},
    {"pc_offset", offsetof(struct test_cpu, cpu.pc_offset), IR_I32, false},
    {"address", offsetof(struct test_cpu, address), IR_I64, false},
    {"value", offsetof(struct test_cpu, value), IR_I64, false},
    {"value2", offsetof(struct test_cpu, value2), IR_I64, false},
};

static struct test_cpu c;
static struct tcg_engine engine;
static struct machine machine;
static struct vcpu *cpus[] = {&c.cpu.vcpu};
static struct arena arena;

static unsigned walks, slow_accesses, misalignments, moved_by; // moved_by: all pages are mapped so much further
static uint8_t page_log2;
static bool global, read_only;

static unsigned ram_page(uint64_t gva, unsigned mmu_index)
{
    return (unsigned)((gva >> 12) * 7 + (gva >> 22) * 5 + mmu_index * 11 + moved_by) % RAM_PAGES;
}

static bool translate_address(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                              struct tlb_translation *t, struct tlb_fault *fault)
{
    (void)cpu, (void)access, (void)probe, (void)fault;
    walks++;
    *t = (struct tlb_translation){.gpa = (uint64_t)ram_page(gva, mmu_index) << 12 | (gva & 4095),
                                  .readable = true, .writable = !read_only, .global = global, .page_log2 = page_log2};
    return true;
}

static void raise_alignment(struct tcg_cpu *cpu, uint64_t gva, enum tlb_access access, unsigned mmu_index)
{
    (void)cpu, (void)gva, (void)access, (void)mmu_index;
    misalignments++;
}

static unsigned fetch_mmu_index(struct tcg_cpu *cpu)
{
    (void)cpu;
    return 0;
}

static const struct guest_ops guest = {.name = "test", .slots = slots, .slot_count = 5, .fetch_mmu_index = fetch_mmu_index,
                                       .translate_address = translate_address, .raise_alignment = raise_alignment};

static void counted_slow_access(void *state, void *dump)
{
    slow_accesses++;
    slow_access(state, dump);
}

static void code_write(void *opaque, uint64_t ram_offset, uint64_t length)
{
    (void)ram_offset, (void)length;
    ++*(unsigned *)opaque;
}
static unsigned code_writes;

static void setup(void)
{
    struct error error;
    struct device_lock *lock = calloc(1, sizeof(*lock));
    uint64_t ram_offset;
    cr_assert_eq(guest_ram_create(RAM_PAGES * 4096, &engine.ram, &error), 0, "%s", error.text);
    cr_assert_eq(guest_ram_carve(engine.ram, RAM_PAGES * 4096, &ram_offset, &error), 0);
    guest_ram_set_code_write(engine.ram, code_write, &code_writes);
    for (unsigned i = 0; i < RAM_PAGES * 512; i++)
        store_le64(engine.ram->host + i * 8, (uint64_t)(i / 512) << 32 | i % 512);
    engine.map = memory_map_create(engine.ram, lock);
    cr_assert_not_null(memory_map_add(engine.map, (struct mem_region_desc){.name = "ram", .size = RAM_PAGES * 4096,
                                                                         .kind = MEM_RAM}, &error));
    engine.machine = &machine;
    machine.vcpus.cpus = cpus;
    machine.vcpus.count = 1;
    cr_assert_eq(exec_memory_create(&engine.memory, CODE_BYTES, &error), 0, "%s", error.text);
    engine.meta = aligned_alloc(16, META_BYTES);
    engine.buffers = (struct backend_buffers){.code = engine.memory.write, .code_end = engine.memory.write + CODE_BYTES,
                                              .meta_base = engine.meta, .meta = engine.meta + 16,
                                              .meta_end = engine.meta + META_BYTES,
                                              .exec_delta = engine.memory.exec - engine.memory.write};
    struct backend_layout layout = tcg_backend_layout(counted_slow_access);
    engine.backend = backend_create(&layout, &engine.buffers, ~0u);
    c.cpu.guest = &guest;
    c.cpu.engine = &engine;
    c.cpu.memory = engine.map;
    c.cpu.vcpu.thread = pthread_self();
    c.cpu.vcpu.group = &machine.vcpus;
    page_log2 = 12;
    tlb_init(&c.cpu);
    tlb_switch(&c.cpu, KEY(1));
}

TestSuite(tlb_second, .init = setup);

// --- translated code ---

enum shape { LOAD, LOAD_ALIGNED, LOAD_PAIR, STORE, LOAD_OTHER_INDEX, SHAPES };

static struct ir_region region;
static struct ir_builder b;

static void begin_region(void)
{
    arena_reset(&arena);
    ir_region_init(&region, &arena, slots, 5);
    ir_builder_init(&b, &region);
    ir_begin_insn(&b, 0x10);
}

static struct backend_code code;

static const uint8_t *end_region(void)
{
    cr_assert_null(ir_verify(&region));
    code = (struct backend_code){0};
    cr_assert_eq(backend_compile(engine.backend, &region, 0, &engine.buffers, &code), 0);
    return code.entry + engine.buffers.exec_delta;
}

static const uint8_t *compiled(enum shape shape)
{
    static const uint8_t *entries[SHAPES];
    if (entries[shape])
        return entries[shape];
    begin_region();
    struct ir_mem mem = {.size_log2 = 3, .align_log2 = shape == LOAD_ALIGNED ? 3 : 0,
                         .mmu_index = shape == LOAD_OTHER_INDEX ? 1 : 0};
    ir_ref address = ir_get(&b, SLOT_ADDRESS);
    if (shape == STORE)
        ir_store(&b, ir_get(&b, SLOT_VALUE), address, mem);
    else
        ir_set(&b, SLOT_VALUE, ir_load(&b, IR_I64, address, mem));
    if (shape == LOAD_PAIR)
        ir_set(&b, SLOT_VALUE2, ir_load(&b, IR_I64, ir_addi(&b, address, 8), mem));
    ir_exit_to(&b, 0x20);
    return entries[shape] = end_region();
}

static void run(enum shape shape, uint64_t address)
{
    struct tcg_exit *link;
    c.address = address;
    const uint8_t *entry = compiled(shape);
    if (!setjmp(c.cpu.leave))
        backend_enter(engine.backend, &c, entry, &link);
}

static uint64_t content(uint64_t gva, unsigned mmu_index)
{
    return (uint64_t)ram_page(gva, mmu_index) << 32 | (gva & 4095) / 8;
}

// Loads from `gva`, expecting so many page walks, and what the page tables say now or said before.
static void expect_load(uint64_t gva, unsigned expected_walks)
{
    unsigned before = walks;
    run(LOAD, gva);
    cr_assert_eq(c.value, content(gva, 0), "%#lx: %#lx", gva, c.value);
    cr_assert_eq(walks - before, expected_walks, "%u walks", walks - before);
}

// Has page A in the second level alone.
static void push_out(void)
{
    run(LOAD, PAGE_A);
    run(LOAD, PAGE_A + ALIASED);
    run(LOAD, PAGE_A); // the first use of the second level changes places, later ones do not
    run(LOAD, PAGE_A + ALIASED);
    run(LOAD, PAGE_A);
    slow_accesses = 0;
    expect_load(PAGE_A, 0);
    expect_load(PAGE_A + ALIASED, 0);
    run(LOAD, PAGE_A);
    run(LOAD, PAGE_A + ALIASED);
    cr_assert_eq(slow_accesses, 0);
}

static bool in_first(uint64_t gva)
{
    return c.cpu.tlb->current->tlb.tables[0][gva >> 12 & 1023].read_tag == (gva & -UINT64_C(4096));
}

// Page A itself, or the page that shares its place.
static uint64_t in_second(void)
{
    push_out();
    cr_assert_neq(in_first(PAGE_A), in_first(PAGE_A + ALIASED));
    return in_first(PAGE_A) ? PAGE_A + ALIASED : PAGE_A;
}

Test(tlb_second, pages_in_turn_are_walked_once_and_stay)
{
    for (unsigned i = 0; i < 10000; i++) {
        run(LOAD, PAGE_A + 8 * (i & 511));
        cr_assert_eq(c.value, content(PAGE_A + 8 * (i & 511), 0));
        run(STORE, PAGE_A + ALIASED + 8 * (i & 511));
    }
    cr_assert_eq(walks, 2);
    cr_assert_lt(slow_accesses, 10000 / 32);
    for (unsigned i = 0; i < 512; i++) {
        run(LOAD, PAGE_A + ALIASED + 8 * i);
        cr_assert_eq(c.value, content(PAGE_A + 8 * i, 0), "the copy");
    }
}

Test(tlb_second, a_page_in_use_comes_to_the_front)
{
    uint64_t gva = in_second();
    for (unsigned i = 0; i < 200 && !in_first(gva); i++)
        expect_load(gva, 0);
    cr_assert(in_first(gva));
}

Test(tlb_second, a_shared_check_finds_it)
{
    uint64_t gva = in_second();
    run(LOAD_PAIR, gva + 0x20);
    cr_assert_eq(c.value, content(gva + 0x20, 0));
    cr_assert_eq(c.value2, content(gva + 0x28, 0));
    cr_assert_eq(slow_accesses, 0);
}

Test(tlb_second, accesses_across_pages_take_both)
{
    uint64_t gva = in_second(), next = gva + 4096;
    run(LOAD, next);
    run(LOAD, next + ALIASED);
    for (unsigned i = 0; i < 4; i++) {
        run(LOAD, next - 4);
        cr_assert_eq(c.value, content(next - 8, 0) >> 32 | content(next, 0) << 32);
    }
}

Test(tlb_second, an_alignment_is_checked)
{
    uint64_t gva = in_second();
    run(LOAD_ALIGNED, gva + 0x18);
    cr_assert_eq(c.value, content(gva + 0x18, 0));
    cr_assert_eq(slow_accesses, 0);
    cr_assert_eq(misalignments, 0);
    run(LOAD_ALIGNED, gva + 0x1c);
    cr_assert_eq(misalignments, 1);
}

Test(tlb_second, each_mmu_index_has_its_own)
{
    uint64_t gva = in_second();
    run(LOAD_OTHER_INDEX, gva);
    cr_assert_eq(c.value, content(gva, 1));
    expect_load(gva, 0);
    run(LOAD_OTHER_INDEX, gva + ALIASED);
    unsigned before = slow_accesses;
    run(LOAD_OTHER_INDEX, gva);
    cr_assert_eq(c.value, content(gva, 1));
    cr_assert_eq(slow_accesses, before);
}

Test(tlb_second, what_must_not_be_written_is_not)
{
    read_only = true;
    uint64_t gva = in_second();
    read_only = false;
    unsigned before = walks;
    run(STORE, gva);
    cr_assert_eq(walks - before, 1);
}

// --- invalidation ---

enum { STAYS, GOES };

static void check_invalidated(uint64_t gva, int fate)
{
    if (fate == GOES)
        moved_by++; // what was cached shows another page now
    expect_load(gva, fate == GOES);
}

Test(tlb_second, flush_by_address)
{
    uint64_t gva = in_second();
    tlb_flush_range(&c.cpu, KEY(1), false, gva + 4096, 4096, 8);
    check_invalidated(gva, STAYS);
    tlb_flush_range(&c.cpu, KEY(2), false, gva, 4096, 8);
    check_invalidated(gva, STAYS);
    tlb_flush_range(&c.cpu, KEY(1), false, gva | UINT64_C(0x55) << 56, 4096, 8);
    check_invalidated(gva, GOES);
}

Test(tlb_second, flush_by_address_in_all_spaces)
{
    uint64_t gva = in_second();
    tlb_flush_range(&c.cpu, KEY(2), true, gva, 4096, 8);
    check_invalidated(gva, GOES);
}

Test(tlb_second, flush_of_a_long_range)
{
    uint64_t gva = in_second();
    tlb_flush_range(&c.cpu, KEY(1), false, gva + 4096, UINT64_C(1000) << 12, 8);
    check_invalidated(gva, STAYS);
    tlb_flush_range(&c.cpu, KEY(1), false, gva - (900 << 12), UINT64_C(1000) << 12, 8);
    check_invalidated(gva, GOES);
}

Test(tlb_second, flush_of_a_part_of_a_large_page)
{
    page_log2 = 21;
    uint64_t gva = in_second();
    tlb_flush_range(&c.cpu, KEY(1), false, gva + (64 << 12), 4096, 8);
    check_invalidated(gva, GOES);
}

Test(tlb_second, flush_by_space)
{
    uint64_t gva = in_second();
    tlb_flush_key(&c.cpu, KEY(2));
    check_invalidated(gva, STAYS);
    tlb_flush_key(&c.cpu, KEY(1));
    check_invalidated(gva, GOES);
}

Test(tlb_second, global_pages_stay_when_a_space_is_flushed)
{
    global = true;
    uint64_t gva = in_second();
    tlb_flush_key(&c.cpu, KEY(1));
    check_invalidated(gva, STAYS);
    // By address, for another space of the regime.
    gva = in_second();
    tlb_flush_range(&c.cpu, KEY(2), false, gva, 4096, 8);
    check_invalidated(gva, GOES);
}

Test(tlb_second, flush_of_a_regime)
{
    uint64_t gva = in_second();
    tlb_flush_regime(&c.cpu, 4);
    check_invalidated(gva, STAYS);
    tlb_flush_regime(&c.cpu, 3);
    check_invalidated(gva, GOES);
}

Test(tlb_second, flush_of_all)
{
    uint64_t gva = in_second();
    tlb_flush_all(&c.cpu);
    check_invalidated(gva, GOES);
}

Test(tlb_second, a_context_begins_empty_for_another_space)
{
    uint64_t gva = in_second();
    tlb_switch(&c.cpu, KEY(2));
    moved_by++;
    expect_load(gva, 1);
    moved_by--;
    tlb_switch(&c.cpu, KEY(1));
    check_invalidated(gva, STAYS);
    for (unsigned i = 3; i < 3 + TLB_CONTEXTS; i++) {
        tlb_switch(&c.cpu, KEY(i));
        check_invalidated(gva, GOES);
    }
}

Test(tlb_second, a_context_begins_with_what_is_global)
{
    global = true;
    expect_load(PAGE_A, 1);
    global = false;
    expect_load(PAGE_A + 4096, 1);
    tlb_switch(&c.cpu, KEY(2));
    expect_load(PAGE_A, 0);
    expect_load(PAGE_A + 4096, 1);
    tlb_flush_key(&c.cpu, KEY(2));
    expect_load(PAGE_A, 0);
    tlb_flush_range(&c.cpu, KEY(1), false, PAGE_A, 4096, 8);
    check_invalidated(PAGE_A, GOES);
    tlb_switch(&c.cpu, KEY(1));
    check_invalidated(PAGE_A, GOES);
    // Not for another regime.
    global = true;
    expect_load(PAGE_A + 8192, 1);
    tlb_switch(&c.cpu, UINT64_C(4) << 32 | 1);
    expect_load(PAGE_A + 8192, 1);
}

static void expect_fetch(uint64_t pc, unsigned new_walks)
{
    struct tlb_fetched f;
    unsigned before = walks;
    cr_assert(tlb_fetch(&c.cpu, pc, &f));
    cr_assert_eq(walks - before, new_walks);
    cr_assert_eq(f.ram_offset, (uint64_t)ram_page(pc, 0) << 12 | (pc & 4095));
}

Test(tlb_second, where_global_code_is_holds_in_all_spaces)
{
    global = true;
    expect_fetch(PAGE_A, 1);
    global = false;
    expect_fetch(PAGE_A + 4096, 1);
    tlb_switch(&c.cpu, KEY(2));
    expect_fetch(PAGE_A, 0);
    expect_fetch(PAGE_A + 4096, 1);
    tlb_switch(&c.cpu, UINT64_C(4) << 32 | 1);
    expect_fetch(PAGE_A, 1);
}

Test(tlb_second, where_code_is_goes_with_its_page)
{
    expect_fetch(PAGE_A + 4, 1);
    tlb_flush_range(&c.cpu, KEY(1), false, PAGE_A + 4096, 4096, 8);
    expect_fetch(PAGE_A, 0);
    for (uint64_t pages = 1; pages <= 1000; pages *= 10) {
        moved_by++;
        tlb_flush_range(&c.cpu, KEY(1), false, PAGE_A - (pages - 1) * 4096, pages * 4096, 8);
        expect_fetch(PAGE_A, 1);
    }
}

// Bytes that fill some pages, and do not begin where a page or a word does.
Test(tlb_second, bytes_across_pages)
{
    enum { BYTES = 9001 };
    static uint8_t in[BYTES], out[BYTES];
    uint64_t gva = PAGE_A + 4093;
    for (unsigned i = 0; i < BYTES; i++)
        in[i] = (uint8_t)(i * 7 + i / 256);
    tlb_store_bytes(&c.cpu, gva, in, BYTES, 0);
    tlb_load_bytes(&c.cpu, gva, out, BYTES, 0);
    cr_assert_arr_eq(in, out, BYTES);
    for (unsigned i = 0; i < BYTES; i += 997)
        cr_assert_eq(tlb_load(&c.cpu, gva + i, 1, 0), in[i]);
    // Stores to translated code are noticed this way too.
    uint64_t offset = (uint64_t)ram_page(PAGE_A + 4096, 0) << 12;
    atomic_fetch_or(&engine.ram->page_flags[offset >> 12], PAGE_CODE);
    tlb_protect_page(&engine, offset);
    tlb_store_bytes(&c.cpu, gva, in, BYTES, 0);
    cr_assert_geq(code_writes, 1);
}

Test(tlb_second, stores_to_a_page_that_gets_code_are_noticed)
{
    uint64_t gva = in_second();
    run(STORE, gva + 8);
    cr_assert_eq(slow_accesses, 0);
    uint64_t offset = (uint64_t)ram_page(gva, 0) << 12;
    atomic_fetch_or(&engine.ram->page_flags[offset >> 12], PAGE_CODE);
    tlb_protect_page(&engine, offset);
    run(STORE, gva + 8);
    cr_assert_eq(slow_accesses, 1);
    cr_assert_eq(code_writes, 1);
    expect_load(gva, 0);
    // When no code is left there, stores are fast again.
    atomic_fetch_and(&engine.ram->page_flags[offset >> 12], (uint8_t)~PAGE_CODE);
    run(STORE, gva + 8);
    cr_assert_eq(slow_accesses, 2);
    run(STORE, gva + 8);
    cr_assert_eq(slow_accesses, 2);
}

Test(tlb_second, is_shown)
{
    char *text = NULL, line[32];
    size_t size;
    uint64_t gva = in_second();
    FILE *out = open_memstream(&text, &size);
    tlb_print(&c.cpu, out);
    fclose(out);
    snprintf(line, sizeof(line), "%016llx", (unsigned long long)gva);
    const char *found = strstr(text, line);
    cr_assert(found && strstr(found, "second level"), "%s", text);
    free(text);
}

// --- lookup tables for code ---

static const uint8_t *jump;
static uint64_t pcs[2]; // share their first place

static void setup_code(void)
{
    setup();
    begin_region();
    ir_exit_indirect(&b, ir_get(&b, SLOT_ADDRESS));
    jump = end_region();
    code_table_select(&c.cpu, KEY(1), 0);
    pcs[0] = 0x12340;
    for (pcs[1] = 0x45000; backend_jump_index(pcs[1]) != backend_jump_index(pcs[0]);)
        pcs[1] += 4;
    for (unsigned i = 0; i < 2; i++) {
        begin_region();
        ir_set(&b, SLOT_VALUE, ir_i64(&b, i + 1));
        ir_exit_to(&b, 0x20);
        uint8_t *entry = (uint8_t *)(uintptr_t)end_region();
        code_table_insert(&c.cpu, pcs[i], entry, c.cpu.tlb->flushes);
    }
}

TestSuite(code_second, .init = setup_code);

// What an indirect jump there comes to: the number of the code, or 0 for the run loop.
static uint64_t jump_to(uint64_t pc)
{
    struct tcg_exit *link;
    c.address = pc;
    c.value = 0;
    enum backend_exit reason = backend_enter(engine.backend, &c, jump, &link);
    cr_assert_eq(reason, c.value ? BACKEND_EXIT_LINK : BACKEND_EXIT_LOOKUP);
    cr_assert_eq(c.cpu.pc_page, pc & -UINT64_C(4096));
    return c.value;
}

Test(code_second, both_are_found)
{
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(jump_to(pcs[0]), 1);
        cr_assert_eq(jump_to(pcs[1]), 2);
    }
    cr_assert_eq(jump_to(pcs[0] + 4), 0);
    cr_assert_eq(jump_to(0), 0);
    cr_assert_eq(jump_to(4), 0);
}

Test(code_second, flush_by_address)
{
    tlb_flush_range(&c.cpu, KEY(1), false, pcs[0], 1, 8);
    cr_assert_eq(jump_to(pcs[0]), 0);
    cr_assert_eq(jump_to(pcs[1]), 2);
}

Test(code_second, flush_of_a_long_range)
{
    tlb_flush_range(&c.cpu, KEY(1), false, 0x50000, UINT64_C(1000) << 12, 8);
    cr_assert_eq(jump_to(pcs[0]), 1);
    cr_assert_eq(jump_to(pcs[1]), 2);
    tlb_flush_range(&c.cpu, KEY(1), false, 0x13000, UINT64_C(100) << 12, 8);
    cr_assert_eq(jump_to(pcs[0]), 1);
    cr_assert_eq(jump_to(pcs[1]), 0);
    tlb_flush_range(&c.cpu, KEY(1), false, 0x1000, UINT64_C(18) << 12, 8);
    cr_assert_eq(jump_to(pcs[0]), 0);
}

Test(code_second, what_spaces_share_goes_by_its_own_address_only)
{
    uint64_t pc = UINT64_C(0xffffffff81000000);
    code_table_select(&c.cpu, 0, 0);
    code_table_insert(&c.cpu, pc, code.entry + engine.buffers.exec_delta, c.cpu.tlb->flushes);
    for (unsigned ignored = 0; ignored <= 8; ignored += 8) {
        tlb_flush_range(&c.cpu, KEY(1), false, 0x1000, UINT64_C(1000) << 12, ignored);
        tlb_flush_range(&c.cpu, KEY(1), false, 0x1000, 4096, ignored);
        tlb_flush_range(&c.cpu, KEY(1), false, pc + 4096, 4096, ignored);
        tlb_flush_range(&c.cpu, KEY(1), false, pc - (UINT64_C(1000) << 12), UINT64_C(1000) << 12, ignored);
        tlb_flush_key(&c.cpu, KEY(1));
        cr_assert_eq(jump_to(pc), 2);
    }
    for (unsigned pages = 1; pages < 1000; pages *= 8) {
        tlb_flush_range(&c.cpu, KEY(1), false, pc - (pages - 1) * 4096, pages * 4096, pages & 8);
        cr_assert_eq(jump_to(pc), 0);
        code_table_insert(&c.cpu, pc, code.entry + engine.buffers.exec_delta, c.cpu.tlb->flushes);
    }
}

Test(code_second, empty_places_match_no_address)
{
    code_table_select(&c.cpu, KEY(2), 0);
    for (uint64_t pc = 0; pc < 16 * 4096; pc++)
        cr_assert_eq(jump_to(pc), 0, "%#lx", pc);
}

// Instructions may be at any byte.
Test(code_second, neighbours_have_places_of_their_own)
{
    uint64_t odd = pcs[1] + 1;
    cr_assert_neq(backend_jump_index(odd), backend_jump_index(pcs[1]));
    code_table_insert(&c.cpu, odd, code.entry + engine.buffers.exec_delta, c.cpu.tlb->flushes);
    cr_assert_eq(jump_to(odd), 2);
    tlb_flush_range(&c.cpu, KEY(1), false, odd, 1, 8);
    cr_assert_eq(jump_to(odd), 0);
    cr_assert_eq(jump_to(pcs[1]), 0);
    cr_assert_eq(jump_to(pcs[0]), 1);
}

Test(code_second, flush_by_space)
{
    tlb_flush_key(&c.cpu, KEY(2));
    cr_assert_eq(jump_to(pcs[0]), 1);
    tlb_flush_key(&c.cpu, KEY(1));
    cr_assert_eq(jump_to(pcs[0]), 0);
    cr_assert_eq(jump_to(pcs[1]), 0);
}

Test(code_second, flush_of_all)
{
    tlb_flush_all(&c.cpu);
    cr_assert_eq(jump_to(pcs[0]), 0);
    cr_assert_eq(jump_to(pcs[1]), 0);
}

// --- counted entries ---

Test(tlb_second, counting_ends)
{
    struct tcg_exit *link;
    begin_region();
    region.heat = 7;
    ir_exit_to(&b, 0x20);
    const uint8_t *entry = end_region();
    c.cpu.heat[7] = 2;
    cr_assert_eq(backend_enter(engine.backend, &c, entry, &link), BACKEND_EXIT_LINK);
    cr_assert_eq(backend_enter(engine.backend, &c, entry, &link), BACKEND_EXIT_HOT);
    backend_stop_counting(&code);
    c.cpu.heat[7] = 1;
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(backend_enter(engine.backend, &c, entry, &link), BACKEND_EXIT_LINK);
    c.cpu.vcpu.exit_request = 1;
    cr_assert_eq(backend_enter(engine.backend, &c, entry, &link), BACKEND_EXIT_LOOP);
}

Test(tlb_second, entries_are_counted)
{
    struct tcg_exit *link;
    uint64_t entries[4] = {0};
    begin_region();
    region.entries = 2;
    ir_exit_to(&b, 0x20);
    const uint8_t *entry = end_region();
    c.cpu.region_entries = entries;
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(backend_enter(engine.backend, &c, entry, &link), BACKEND_EXIT_LINK);
    c.cpu.vcpu.exit_request = 1;
    cr_assert_eq(backend_enter(engine.backend, &c, entry, &link), BACKEND_EXIT_LOOP);
    cr_assert_eq(entries[2], 3, "what does not begin is not counted");
    cr_assert_eq(entries[1] | entries[3], 0);
}
