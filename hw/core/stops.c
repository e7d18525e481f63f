// SPDX-License-Identifier: MIT
// The list of a machine's breakpoints and watchpoints.
#include "hw/core/stops.h"

#include <stdlib.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { PAGE_BITS = GUEST_PAGE_BITS };

static void changed(struct stops *stops)
{
    stops->generation++;
    stops->watch_count = stops->arrival_count = 0;
    stops->page_filter = 0;
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *s = stops->items[i];
        if (s->kind == STOP_BREAKPOINT)
            stops->page_filter |= BIT64(s->address >> PAGE_BITS & 63);
        stops->watch_count += stop_watches(s->kind);
        stops->arrival_count += s->kind == STOP_ARRIVAL;
    }
}

struct stop *stops_add(struct stops *stops, const struct stop *stop)
{
    if (stops->count == STOPS_LIMIT)
        return NULL;
    struct stop *copy = ALLOC(struct stop);
    *copy = *stop;
    copy->id = ++stops->last_id;
    stops->items = alloc_resize(stops->items, stops->count + 1, sizeof(struct stop *));
    stops->items[stops->count++] = copy;
    changed(stops);
    return copy;
}

static void release(struct stop *stop)
{
    if (stop->release)
        stop->release(stop->opaque);
    free(stop);
}

void stops_remove(struct stops *stops, struct stop *stop)
{
    size_t kept = 0;
    for (size_t i = 0; i < stops->count; i++)
        if (stops->items[i] != stop)
            stops->items[kept++] = stops->items[i];
    stops->count = kept;
    release(stop);
    changed(stops);
}

void stops_remove_owner(struct stops *stops, const void *owner)
{
    for (size_t i = stops->count; i-- > 0;)
        if (stops->items[i]->owner == owner)
            stops_remove(stops, stops->items[i]);
}

void stops_clear(struct stops *stops)
{
    for (size_t i = 0; i < stops->count; i++)
        release(stops->items[i]);
    free(stops->items);
    stops->items = NULL;
    stops->count = 0;
    changed(stops);
}

struct stop *stops_find(const struct stops *stops, unsigned id)
{
    for (size_t i = 0; i < stops->count; i++)
        if (stops->items[i]->id == id)
            return stops->items[i];
    return NULL;
}

bool stops_in_page(const struct stops *stops, uint64_t gva, uint64_t offsets[4096 / 64])
{
    bool found = false;
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *s = stops->items[i];
        if (s->kind != STOP_BREAKPOINT || ((s->address ^ gva) & s->address_mask) >> PAGE_BITS)
            continue;
        unsigned offset = s->address & mask64(PAGE_BITS);
        offsets[offset / 64] |= BIT64(offset % 64);
        found = true;
    }
    return found;
}

// Whether [gva, gva + size) and what the stop watches have something in common; neither is empty.
static bool overlaps(const struct stop *s, uint64_t gva, uint64_t size)
{
    return ((gva - s->address) & s->address_mask) < s->length || ((s->address - gva) & s->address_mask) < size;
}

bool stops_watched(const struct stops *stops, uint64_t gva, uint64_t size)
{
    if (!stops->watch_count)
        return false;
    for (size_t i = 0; i < stops->count; i++)
        if (stop_watches(stops->items[i]->kind) && overlaps(stops->items[i], gva, size))
            return true;
    return false;
}

static bool in_context(const struct stop_context *c, const struct vcpu *cpu)
{
    const struct debug_ops *ops = cpu->ops->debug;
    if (c->cpu && c->cpu != cpu->index + 1)
        return false;
    if (!ops)
        return true;
    if (c->space_mask && ((ops->space(cpu) ^ c->space) & c->space_mask))
        return false;
    if (c->privileges && !(c->privileges >> ops->privilege(cpu) & 1))
        return false;
    return c->security == STOP_ANY_SECURITY || ops->secure(cpu) == (c->security == STOP_SECURE);
}

// Where to go on behind `after`.
static size_t next_index(const struct stops *stops, const struct stop *after)
{
    size_t i = 0;
    while (after && i < stops->count && stops->items[i] != after)
        i++;
    return after ? i + 1 : 0;
}

static bool is_at(const struct stop *s, uint64_t pc)
{
    if (s->kind == STOP_BREAKPOINT)
        return !((s->address ^ pc) & s->address_mask);
    return s->kind == STOP_ARRIVAL && pc - s->address < s->length && pc - s->hole >= s->hole_length;
}

bool stops_maybe_at(const struct stops *stops, uint64_t pc)
{
    for (size_t i = 0; i < stops->count; i++)
        if (is_at(stops->items[i], pc))
            return true;
    return false;
}

struct stop *stops_at(const struct stops *stops, const struct vcpu *cpu, uint64_t pc, const struct stop *after)
{
    for (size_t i = next_index(stops, after); i < stops->count; i++) {
        struct stop *s = stops->items[i];
        if (is_at(s, pc) && in_context(&s->context, cpu))
            return s;
    }
    return NULL;
}

struct stop *stops_hit(const struct stops *stops, const struct vcpu *cpu, uint64_t gva, uint64_t size, bool write,
                       const struct stop *after)
{
    enum stop_kind other = write ? STOP_WATCH_READ : STOP_WATCH_WRITE;
    for (size_t i = next_index(stops, after); i < stops->count; i++) {
        struct stop *s = stops->items[i];
        if (stop_watches(s->kind) && s->kind != other && overlaps(s, gva, size) && in_context(&s->context, cpu))
            return s;
    }
    return NULL;
}

static struct stop *next_candidate(const struct vcpu *vcpu, const struct stop *after)
{
    const struct stops *stops = &vcpu->machine->stops;
    if (vcpu->stop.reason == VCPU_AT_BREAKPOINT)
        return stops_at(stops, vcpu, vcpu->stop.address, after);
    return stops_hit(stops, vcpu, vcpu->stop.address, vcpu->stop.length, vcpu->stop.write, after);
}

// Whether one of the stops at hand counts, by its condition.
static bool confirm(struct vcpu *vcpu)
{
    bool found = false;
    for (struct stop *s = next_candidate(vcpu, NULL); s; s = next_candidate(vcpu, s)) {
        if (s->condition && !s->condition(s->opaque, vcpu))
            continue;
        __atomic_fetch_add(&s->hits, 1, __ATOMIC_RELAXED);
        if (!found) {
            vcpu->stop.id = s->id;
            vcpu->stop.owner = s->owner;
        }
        found = true;
    }
    return found;
}

void vcpu_stop_settle(struct vcpu *vcpu, bool stepped)
{
    if ((vcpu->stop.reason == VCPU_AT_BREAKPOINT || vcpu->stop.reason == VCPU_HIT_WATCHPOINT) && !confirm(vcpu)) {
        vcpu->pass_stops = vcpu->stop.before;
        vcpu->stop = (struct vcpu_stop){0};
    }
    if (!stepped || !vcpu->step.on || vcpu->stop.reason != VCPU_RUNS)
        return;
    uint64_t pc = vcpu->ops->get_pc(vcpu);
    bool inside = pc - vcpu->step.start < vcpu->step.end - vcpu->step.start;
    if (!inside || stops_at(&vcpu->machine->stops, vcpu, pc, NULL))
        vcpu->stop = (struct vcpu_stop){.reason = VCPU_STEPPED};
}
