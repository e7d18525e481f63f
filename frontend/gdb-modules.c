// SPDX-License-Identifier: MIT
// Modules of the kernel as they come: the guest is stopped where a module is in place and has not begun to run, so that the peer
// is told of it (gdb-libraries.c) and can set its breakpoints there. Linux keeps that place (do_init_module) as a function of its
// own for this use. Where a module goes (free_module) it is only noted: the peer hears of it at its next stop.
#include "frontend/gdb-private.h"
#include "frontend/guest-kernel.h"
#include "frontend/kernel-finder.h"

static void add_stop(struct gdb *gdb, const struct kernel_symbol *symbol)
{
    if (symbol && !symbol->module)
        stops_add(&gdb->machine->stops, &(struct stop){.kind = STOP_BREAKPOINT, .address = symbol->address,
                                                       .address_mask = ~UINT64_C(0), .owner = &gdb->modules_changed});
}

void gdb_watch_modules(struct gdb *gdb, const struct kernel_info *kernel)
{
    const struct kernel_symbol *start = kernel_symbol(kernel, "do_init_module");
    gdb_unwatch_modules(gdb);
    add_stop(gdb, start);
    add_stop(gdb, kernel_symbol(kernel, "free_module"));
    gdb->module_starts_at = start ? start->address : 0;
}

void gdb_unwatch_modules(struct gdb *gdb)
{
    stops_remove_owner(&gdb->machine->stops, &gdb->modules_changed);
}

bool gdb_is_module_stop(const struct gdb *gdb, const struct vcpu *cpu)
{
    return cpu->stop.reason == VCPU_AT_BREAKPOINT && cpu->stop.owner == &gdb->modules_changed;
}

// What else stops the vCPU there.
static const struct stop *find_other(const struct gdb *gdb, struct vcpu *cpu)
{
    const struct stop *s = NULL;
    while ((s = stops_at(&gdb->machine->stops, cpu, cpu->stop.address, s)))
        if (s->owner != &gdb->modules_changed && (!s->condition || s->condition(s->opaque, cpu)))
            return s;
    return NULL;
}

bool gdb_pass_module_stop(struct gdb *gdb, struct vcpu *cpu)
{
    const struct stop *other = find_other(gdb, cpu);
    bool starts = cpu->stop.address == gdb->module_starts_at;
    gdb->modules_changed = true;
    if (other) {
        cpu->stop.id = other->id;
        cpu->stop.owner = other->owner;
        return false;
    }
    // Where the peer is told, it comes here again: meanwhile, a breakpoint may have come to be here.
    bool waits = gdb->running || gdb->asked || gdb->non_stop, tell = starts && waits && gdb_libraries_changed(gdb, cpu);
    cpu->pass_stops |= !tell;
    cpu->stop = (struct vcpu_stop){0};
    return tell;
}
