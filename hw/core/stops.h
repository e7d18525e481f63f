// SPDX-License-Identifier: MIT
// Where the guest is to stop for a debugger: breakpoints and watchpoints of a machine, each with the context that it is
// limited to. Debuggers change the list with every vCPU out of accel_ops.run(); accelerators read it inside, and look at
// `generation` when they enter.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/core/guest-ram.h"

struct vcpu;

// The last one: execution comes to somewhere in a range, as far as that is not in its hole; seen when code there is looked up.
enum stop_kind { STOP_BREAKPOINT, STOP_WATCH_WRITE, STOP_WATCH_READ, STOP_WATCH_ACCESS, STOP_ARRIVAL };

static inline bool stop_watches(enum stop_kind kind)
{
    return kind >= STOP_WATCH_WRITE && kind <= STOP_WATCH_ACCESS;
}

// What must hold for a stop to count; see struct debug_ops for what the numbers are.
struct stop_context {
    uint64_t space, space_mask; // bits of the address space that are compared; mask 0: any
    uint32_t privileges;        // a bit for each level; 0: any
    uint32_t cpu;               // index + 1; 0: any
    uint8_t security;           // enum stop_security
};
enum stop_security { STOP_ANY_SECURITY, STOP_NON_SECURE, STOP_SECURE };

struct stop {
    enum stop_kind kind;
    uint64_t address, length;   // virtual; of a breakpoint the length does not matter
    uint64_t hole, hole_length; // of an arrival's
    uint64_t address_mask;      // bits of it that are compared; ~0 but for debuggers that know fewer
    struct stop_context context;
    // Whether it counts now that all else holds; NULL: always. On the vCPU's thread, out of translated code.
    bool (*condition)(void *opaque, struct vcpu *cpu);
    void (*release)(void *opaque); // NULL: nothing to free
    void *opaque;
    const void *owner;
    unsigned id;                // the list's, from 1
    uint64_t hits;              // changed by vCPU threads, with atomics
    bool temporary;             // its owner takes it away when it is hit
};

enum { STOPS_LIMIT = 4096, CATCHES_LIMIT = 64 };

struct stops {
    struct stop **items;
    size_t count;
    unsigned last_id;
    size_t watch_count, arrival_count;
    uint64_t generation;    // counts changes
    uint64_t page_filter;   // a bit for each breakpoint's page number modulo 64
    uint32_t catches[CATCHES_LIMIT]; // classes of exceptions to stop at (debug_ops.exception_class)
    size_t catch_count;
};

// Adds a copy. NULL when there are too many. All vCPUs are out of run(), for this and the next three.
struct stop *stops_add(struct stops *stops, const struct stop *stop);
void stops_remove(struct stops *stops, struct stop *stop);
void stops_remove_owner(struct stops *stops, const void *owner);
void stops_clear(struct stops *stops); // frees all that there is
struct stop *stops_find(const struct stops *stops, unsigned id);

// Whether there may be breakpoints in the page of `gva`: for most others, false. Cheap.
static inline bool stops_maybe_in_page(const struct stops *stops, uint64_t gva)
{
    return stops->page_filter >> (gva >> GUEST_PAGE_BITS & 63) & 1;
}
// Whether there are, whose offsets are then added to the bit set.
bool stops_in_page(const struct stops *stops, uint64_t gva, uint64_t offsets[4096 / 64]);
// Whether something in [gva, gva + size) is watched, whatever the context.
bool stops_watched(const struct stops *stops, uint64_t gva, uint64_t size);
// The breakpoint at `pc`, or the arrival that it is, or the watchpoint that an access hits, whose context the vCPU is in; `after` is the one found
// before, or NULL to begin.
struct stop *stops_at(const struct stops *stops, const struct vcpu *cpu, uint64_t pc, const struct stop *after);
struct stop *stops_hit(const struct stops *stops, const struct vcpu *cpu, uint64_t gva, uint64_t size, bool write,
                       const struct stop *after);
// Whether one of them may be at `pc`, in some context. Needs no state of a vCPU.
bool stops_maybe_at(const struct stops *stops, uint64_t pc);
// For accelerators, as the vCPU leaves run(): if what is in its `stop` counts by its condition, too, it is filled in and counted as
// a hit; else the vCPU goes on. `stepped`: it has executed an instruction by itself, which may be a step's last.
void vcpu_stop_settle(struct vcpu *vcpu, bool stepped);
