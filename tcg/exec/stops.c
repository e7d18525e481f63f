// SPDX-License-Identifier: MIT
// Debuggers' breakpoints, watchpoints and single steps (hw/core/stops.h) in translated code.
//
// A page of RAM whose code is fetched at an address where there are breakpoints is *marked*: its blocks are made anew, and one
// begins with a call of stops_helper at each. Pages without any are translated as ever, and nothing is looked for in them.
// Watched pages have the soft-TLB tag TLB_TAG_WATCHED, as a guest's own watchpoints do.
//
// What was armed once stays so until all stops are gone or many have gone: debuggers take breakpoints away at each stop and
// put them back.
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/exec/private.h"

enum { MARKED_PAGES_LIMIT = 4096 };

struct stop_page {
    uint64_t ram_page; // its offset
    struct stop_page *next;
    uint64_t offsets[IR_STOP_BITS / 64];
};

static struct stop_page **place_of(struct tcg_engine *e, uint64_t ram_offset)
{
    uint64_t page = ram_offset & -(uint64_t)TLB_PAGE_SIZE;
    struct stop_page **link = &e->stops.pages[(page >> TLB_PAGE_BITS) % ARRAY_SIZE(e->stops.pages)];
    while (*link && (*link)->ram_page != page)
        link = &(*link)->next;
    return link;
}

const uint64_t *stops_of_page(const struct tcg_engine *e, uint64_t ram_offset)
{
    const struct stop_page *page = e->stops.page_count ? *place_of((struct tcg_engine *)e, ram_offset) : NULL;
    return page ? page->offsets : NULL;
}

// Every page is looked at anew when it is next fetched from.
static void unmark_all(struct tcg_engine *e)
{
    pthread_mutex_lock(&e->lock);
    for (unsigned i = 0; i < ARRAY_SIZE(e->stops.pages); i++) {
        while (e->stops.pages[i]) {
            struct stop_page *page = e->stops.pages[i];
            e->stops.pages[i] = page->next;
            cache_discard(e, page->ram_page, TLB_PAGE_SIZE);
            free(page);
        }
    }
    e->stops.page_count = 0;
    e->stops.marks++;
    pthread_mutex_unlock(&e->lock);
    tlb_flush_everywhere(e);
}

void stops_destroy(struct tcg_engine *e)
{
    for (unsigned i = 0; i < ARRAY_SIZE(e->stops.pages); i++) {
        while (e->stops.pages[i]) {
            struct stop_page *page = e->stops.pages[i];
            e->stops.pages[i] = page->next;
            free(page);
        }
    }
    stops_clear(&e->stops.armed);
}

static bool same_place(const struct stop *a, const struct stop *b)
{
    bool same_kind = a->kind == b->kind || (stop_watches(a->kind) && stop_watches(b->kind));
    return same_kind && a->address == b->address && a->address_mask == b->address_mask &&
           (a->kind == STOP_BREAKPOINT || a->length == b->length);
}

static bool is_armed(const struct stops *armed, const struct stop *s)
{
    for (size_t i = 0; i < armed->count; i++)
        if (same_place(armed->items[i], s))
            return true;
    return false;
}

static void arm(struct stops *armed, const struct stop *s)
{
    struct stop place = {.kind = s->kind, .address = s->address, .length = s->length, .address_mask = s->address_mask};
    stops_add(armed, &place);
}

void stops_update(struct tcg_cpu *cpu)
{
    enum { SPARE = 64 };
    struct tcg_engine *e = cpu->engine;
    const struct stops *wanted = &e->machine->stops;
    struct stops *armed = &e->stops.armed;
    if (atomic_load(&e->stops.generation) == wanted->generation)
        return;
    pthread_mutex_lock(&e->stops.lock); // another vCPU waits here until all is done
    if (atomic_load(&e->stops.generation) != wanted->generation) {
        bool changed = false, many = armed->count > 2 * wanted->count + SPARE;
        if (armed->count && ((!wanted->count && !stops_single(cpu)) || many)) {
            stops_clear(armed);
            changed = true;
        }
        for (size_t i = 0; i < wanted->count; i++) {
            if (!is_armed(armed, wanted->items[i])) {
                arm(armed, wanted->items[i]);
                changed = true;
            }
        }
        if (changed)
            unmark_all(e);
        atomic_store(&e->stops.generation, wanted->generation);
    }
    pthread_mutex_unlock(&e->stops.lock);
}

// --- breakpoints ---------------------------------------------------------------------------------------------------

// False when there are too many.
static bool mark(struct tcg_engine *e, uint64_t ram_offset, const uint64_t offsets[])
{
    bool news = false, room = true;
    pthread_mutex_lock(&e->lock);
    struct stop_page **link = place_of(e, ram_offset), *page = *link;
    if (!page && e->stops.page_count == MARKED_PAGES_LIMIT) {
        room = false;
    } else {
        if (!page) {
            page = *link = ALLOC(struct stop_page);
            page->ram_page = ram_offset & -(uint64_t)TLB_PAGE_SIZE;
            e->stops.page_count++;
        }
        for (unsigned i = 0; i < ARRAY_SIZE(page->offsets); i++) {
            news |= (offsets[i] & ~page->offsets[i]) != 0;
            page->offsets[i] |= offsets[i];
        }
    }
    if (news) {
        e->stops.marks++;
        cache_discard(e, page->ram_page, TLB_PAGE_SIZE);
    }
    pthread_mutex_unlock(&e->lock);
    return room;
}

static void stop_here(struct tcg_cpu *cpu)
{
    uint64_t pc = tcg_get_pc(cpu);
    if (!stops_at(&cpu->engine->machine->stops, &cpu->vcpu, pc, NULL))
        return;
    cpu->vcpu.stop = (struct vcpu_stop){.reason = VCPU_AT_BREAKPOINT, .before = true, .address = pc};
    atomic_store(&cpu->vcpu.exit_request, 1);
    tcg_leave(cpu);
}

const struct ir_helper stops_helper = {"stop", (void (*)(void))stop_here, IR_HELPER_MAY_FAULT | IR_HELPER_READS_STATE,
                                       IR_VOID, 0, {0}};

void stops_fetched(struct tcg_cpu *cpu, uint64_t pc, uint64_t ram_offset)
{
    struct tcg_engine *e = cpu->engine;
    if (e->machine->stops.arrival_count && !cpu->single_begun)
        stop_here(cpu);
    if (!stops_maybe_in_page(&e->stops.armed, pc))
        return;
    uint64_t pc_page = pc >> TLB_PAGE_BITS, ram_page = ram_offset >> TLB_PAGE_BITS;
    // Those that come here are alike in the lower bits.
    struct tcg_checked_page *checked = &cpu->checked[(pc_page * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TCG_CHECKED_PAGES];
    uint64_t marks = atomic_load(&e->stops.marks); // before what is done now, which may not last
    if (checked->pc_page == pc_page && checked->ram_page == ram_page && checked->marks == marks)
        return;
    uint64_t offsets[IR_STOP_BITS / 64] = {0};
    if (stops_in_page(&e->stops.armed, pc, offsets) && !mark(e, ram_offset, offsets)) {
        unmark_all(e); // many processes have been seen at the address
        mark(e, ram_offset, offsets);
    }
    *checked = (struct tcg_checked_page){pc_page, ram_page, marks};
}

// --- watchpoints ---------------------------------------------------------------------------------------------------

bool stops_watch(struct tcg_cpu *cpu, uint64_t gva, unsigned size, enum tlb_access access)
{
    struct vcpu *vcpu = &cpu->vcpu;
    const struct stops *stops = &cpu->engine->machine->stops;
    const struct stop *s = stops->watch_count && !vcpu->pass_stops
                               ? stops_hit(stops, vcpu, gva, size, access == TLB_WRITE, NULL) : NULL;
    if (!s || vcpu->stop.reason != VCPU_RUNS)
        return false;
    bool after = cpu->guest->watch_after;
    bool delivering = cpu->guest->delivering && cpu->guest->delivering(cpu);
    if (after && !delivering && !cpu->single_begun) {
        cpu->single = true; // the instruction again, by itself
        return true;
    }
    vcpu->stop = (struct vcpu_stop){.reason = VCPU_HIT_WATCHPOINT, .before = !after, .write = access == TLB_WRITE,
                                    .address = gva, .length = size};
    atomic_store(&vcpu->exit_request, 1);
    return !after;
}

// --- single steps, and the end of a run ------------------------------------------------------------------------------

bool stops_single(const struct tcg_cpu *cpu)
{
    return cpu->vcpu.step.on || cpu->vcpu.pass_stops || cpu->single;
}

void stops_settle(struct tcg_cpu *cpu)
{
    bool stepped = cpu->single_begun;
    if (stepped) {
        cpu->single = cpu->single_begun = false;
        cpu->vcpu.pass_stops = false;
    }
    vcpu_stop_settle(&cpu->vcpu, stepped);
}
