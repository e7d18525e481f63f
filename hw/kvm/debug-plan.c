// SPDX-License-Identifier: MIT
#include "hw/kvm/debug-plan.h"

#include <stdlib.h>
#include <string.h>

#include "tcg/base/alloc.h"

static bool is_for(const struct stop *s, unsigned cpu)
{
    return !s->context.cpu || s->context.cpu == cpu + 1;
}

static bool same(const struct kvm_debug_register *a, const struct kvm_debug_register *b)
{
    return a->address == b->address && a->bytes == b->bytes && a->kind == b->kind;
}

static unsigned count_kind(const struct kvm_debug_plan *plan, bool execute)
{
    unsigned n = 0;
    for (unsigned i = 0; i < plan->count; i++)
        n += (plan->registers[i].kind == KVM_DEBUG_EXECUTE) == execute;
    return n;
}

static unsigned registers_left(const struct kvm_debug_plan *plan, const struct kvm_debug_limits *limits, bool execute)
{
    unsigned most = execute ? limits->breakpoints : limits->watchpoints, used = count_kind(plan, execute);
    unsigned left = most - used, together = limits->together - plan->count;
    return left < together ? left : together;
}

static bool add_register(struct kvm_debug_plan *plan, const struct kvm_debug_limits *limits, struct kvm_debug_register new)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (same(&plan->registers[i], &new))
            return true;
    if (!registers_left(plan, limits, new.kind == KVM_DEBUG_EXECUTE))
        return false;
    plan->registers[plan->count++] = new;
    return true;
}

// Only where there are no registers for watchpoints, and before there are any for breakpoints: the pieces are moved behind those.
static bool add_compared(struct kvm_debug_register *pieces, unsigned *count, struct kvm_debug_register new)
{
    enum { MOST = KVM_DEBUG_REGISTERS / 2 };
    if (new.kind != KVM_DEBUG_WRITE || *count == MOST)
        return false;
    pieces[(*count)++] = new;
    return true;
}

// The largest power of two that a register watches from `address` on.
static uint32_t piece_bytes(uint64_t address, uint64_t length)
{
    uint32_t bytes = KVM_DEBUG_BYTES;
    while (bytes > length || address % bytes)
        bytes /= 2;
    return bytes;
}

static bool place_watchpoints(struct kvm_debug_plan *plan, const struct stops *stops, unsigned cpu,
                              const struct kvm_debug_limits *limits, struct kvm_debug_register *compared, unsigned *count)
{
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *s = stops->items[i];
        for (uint64_t done = 0; stop_watches(s->kind) && is_for(s, cpu) && done < s->length;) {
            struct kvm_debug_register piece = {.address = s->address + done,
                                               .kind = s->kind == STOP_WATCH_WRITE ? KVM_DEBUG_WRITE : KVM_DEBUG_ACCESS};
            piece.bytes = piece_bytes(piece.address, s->length - done);
            if (!(limits->watchpoints ? add_register(plan, limits, piece) : add_compared(compared, count, piece)))
                return false;
            done += piece.bytes;
        }
    }
    return true;
}

static bool place_in_register(struct kvm_debug_plan *plan, size_t i, const struct stop *s, const struct kvm_debug_limits *limits)
{
    struct kvm_debug_register new = {.address = s->address & s->address_mask, .bytes = 1, .kind = KVM_DEBUG_EXECUTE};
    if (!add_register(plan, limits, new))
        return false;
    plan->places[i] = KVM_DEBUG_IN_REGISTER;
    return true;
}

// On any vCPU: all meet what one has put into memory. No matter if it turns out that there are registers enough.
static bool may_be_scarce(const struct stops *stops, const struct kvm_debug_limits *limits)
{
    unsigned most = limits->breakpoints < limits->together ? limits->breakpoints : limits->together;
    uint64_t breakpoints = 0, pieces = 0;
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *s = stops->items[i];
        breakpoints += s->kind == STOP_BREAKPOINT;
        for (uint64_t done = 0; stop_watches(s->kind) && done < s->length && pieces <= most; pieces++)
            done += piece_bytes(s->address + done, s->length - done);
    }
    return breakpoints > most || (breakpoints && breakpoints + pieces > limits->together);
}

static void place_breakpoints(struct kvm_debug_plan *plan, const struct stops *stops, unsigned cpu,
                              const struct kvm_debug_limits *limits, kvm_debug_can_plant_fn *can_plant, void *opaque)
{
    plan->scarce = may_be_scarce(stops, limits);
    for (size_t i = 0; i < stops->count; i++) {
        const struct stop *s = stops->items[i];
        if (s->kind != STOP_BREAKPOINT || !is_for(s, cpu))
            continue;
        if (plan->scarce && limits->software && can_plant(opaque, s)) {
            plan->places[i] = KVM_DEBUG_IN_MEMORY;
        } else if (!place_in_register(plan, i, s, limits)) {
            plan->places[i] = KVM_DEBUG_BY_STEPS;
            plan->steps = true;
        }
    }
    for (size_t i = 0; i < stops->count; i++)
        if (plan->places[i] == KVM_DEBUG_IN_MEMORY)
            place_in_register(plan, i, stops->items[i], limits);
}

bool kvm_debug_plan_make(struct kvm_debug_plan *plan, const struct stops *stops, unsigned cpu, const struct kvm_debug_limits *limits,
                         kvm_debug_can_plant_fn *can_plant, void *opaque)
{
    struct kvm_debug_register compared[KVM_DEBUG_REGISTERS];
    unsigned count = 0;
    uint8_t *places = alloc_resize(plan->places, stops->count + 1, sizeof(*plan->places));
    memset(places, KVM_DEBUG_NOWHERE, stops->count + 1);
    *plan = (struct kvm_debug_plan){.places = places, .place_count = stops->count};
    bool fits = place_watchpoints(plan, stops, cpu, limits, compared, &count);
    place_breakpoints(plan, stops, cpu, limits, can_plant, opaque);
    memcpy(plan->registers + plan->count, compared, count * sizeof(*compared));
    plan->compared = count;
    plan->steps |= count != 0;
    return fits;
}

void kvm_debug_plan_clear(struct kvm_debug_plan *plan)
{
    free(plan->places);
    *plan = (struct kvm_debug_plan){0};
}
