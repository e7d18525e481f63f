// SPDX-License-Identifier: MIT
// Symbols that find themselves: the guest's kernel is looked for when the peer comes, and awaited if there is none yet. A peer
// that has symbols from other addresses, or none, is told that its process executes a program made of the kernel's own list of
// names, which it then reads from here (vFile); one that knows the kernel by the addresses it was linked at is told how far it
// has moved (qOffsets), if it asks when the kernel is there.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-private.h"
#include "frontend/guest-kernel.h"
#include "frontend/kernel-finder.h"
#include "tcg/base/alloc.h"

// --- the program ---------------------------------------------------------------------------------------------------

// Makes the program of the kernel that is there now. Its name changes with it: GDB remembers what it has read.
static void make_program(struct gdb *gdb, const struct kernel_info *kernel)
{
    uint64_t generation = guest_kernel_generation(gdb->kernel);
    if (gdb->program && gdb->program_generation == generation)
        return;
    if (gdb->program)
        gdb_program_release(gdb->program);
    gdb->program = NULL;
    size_t size;
    uint8_t *data = kernel_make_elf(kernel, &size);
    if (!data)
        return;
    char *name = alloc_format("/linux-%s-at-0x%" PRIx64 ".%" PRIu64, kernel->release, kernel->text, generation);
    gdb->program = gdb_program_create(name, data, size);
    gdb->program_generation = generation;
    gdb->program_told = gdb->program_named = false;
}

static const struct kernel_info *find_kernel(struct gdb *gdb, struct vcpu *cpu)
{
    const struct kernel_info *kernel = gdb->kernel ? guest_kernel_find(gdb->kernel, cpu) : NULL;
    if (kernel)
        make_program(gdb, kernel);
    return kernel;
}

bool gdb_sees_kernel(const struct gdb *gdb, const struct kernel_info *kernel)
{
    const struct debug_view *view = gdb_view(gdb);
    return kernel->arch == KERNEL_I386 ? view && !strcmp(view->architecture, "i386") : gdb_in_widest_mode(gdb);
}

// A program that GDB cannot open leaves it the symbols that it has: the program's, or what its user has put in their place.
const char *gdb_name_program(struct gdb *gdb)
{
    const struct kernel_info *kernel = gdb->program ? guest_kernel_known(gdb->kernel) : NULL;
    if (!kernel || !gdb->program_told || gdb->program_named || !gdb_sees_kernel(gdb, kernel))
        return "(mode)";
    gdb->program_named = true;
    return gdb->program->name;
}

// qXfer:exec-file:read:PROCESS:OFFSET,LENGTH, which a peer without a program asks
void gdb_exec_file(struct gdb *gdb, const char *text)
{
    const char *range = strchr(text, ':');
    gdb_stop_vcpus(gdb);
    const struct kernel_info *kernel = find_kernel(gdb, gdb_cpu(gdb, gdb->general));
    gdb_restart_vcpus(gdb);
    if (!kernel || !gdb->program || !range) {
        gdb_reply(gdb, "E00");
        return;
    }
    gdb->program_told = true;
    gdb->program_named = gdb_sees_kernel(gdb, kernel);
    if (gdb->program_named)
        gdb_put_piece(gdb, gdb->program->name, range + 1);
    else
        gdb_reply(gdb, "E00"); // it hears of that when it hears of the mode
}

// GDB looks for this below its "debug-file-directory", on its own host and then here: "/usr/lib/debug/.build-id/12/34.debug".
struct gdb_program *gdb_open_debug_file(struct gdb *gdb, const char *name)
{
    const struct kernel_info *kernel = gdb->kernel ? guest_kernel_known(gdb->kernel) : NULL;
    const char *path = kernel ? guest_kernel_file(gdb->kernel) : NULL, *at = strstr(name, "/.build-id/");
    uint8_t id[KERNEL_BUILD_ID_BYTES];
    if (!path || !at)
        return NULL;
    at += strlen("/.build-id/");
    if (!gdb_take_hex(&at, id, 1) || *at++ != '/' || !gdb_take_hex(&at, id + 1, kernel->build_id.size - 1) ||
        strcmp(at, ".debug") || memcmp(id, kernel->build_id.bytes, kernel->build_id.size))
        return NULL;
    return gdb_program_open(path);
}

// The first segment's address suits both the program that is made here, which is there, and the kernel's own file, all of whose
// segments GDB then moves alike. Other programs have none of their own to be told of; those it may leave alone where a kernel
// has not moved.
void gdb_offsets(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_stop_vcpus(gdb);
    const struct kernel_info *kernel = find_kernel(gdb, gdb_cpu(gdb, gdb->general));
    gdb_restart_vcpus(gdb);
    if (!kernel || !kernel->slide_known || !kernel->slide) {
        gdb_reply(gdb, "");
        return;
    }
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "TextSeg=%" PRIx64, kernel->text);
    gdb_end(&gdb->out);
}

// qSymbol:[VALUE]:[NAME]: the peer can be asked for what it knows.
void gdb_symbol(struct gdb *gdb, const char *text)
{
    static const char wanted[] = "start_kernel";
    if (!strcmp(text, ":")) {
        gdb_begin(&gdb->out);
        gdb_put_text(&gdb->out, "qSymbol:");
        gdb_put_hex(&gdb->out, wanted, sizeof(wanted) - 1);
        gdb_end(&gdb->out);
        return;
    }
    gdb->has_start_kernel = gdb_take_number(&text, &gdb->start_kernel);
    gdb_reply(gdb, "OK");
}

// --- awaiting it ---------------------------------------------------------------------------------------------------

// The search has its stops: the first look at code in the kernel's part of the address space, and then the kernel's entry to
// its C code, until which it may move once more.
static void add_stop(struct gdb *gdb, struct stop stop)
{
    stop.address_mask = ~UINT64_C(0);
    stop.owner = &gdb->searching;
    stops_add(&gdb->machine->stops, &stop);
}

// Firmware that runs in the upper half is where its addresses say.
static bool is_mapped_elsewhere(void *opaque, struct vcpu *cpu)
{
    uint64_t pc = cpu->ops->get_pc(cpu), gpa;
    (void)opaque;
    return cpu->ops->translate_debug(cpu, pc, &gpa) && gpa != pc;
}

// Processes of 64-bit kernels have code there, too.
static bool is_kernel_of_32_bits(void *opaque, struct vcpu *cpu)
{
    const struct debug_view *view = cpu->ops->debug->view(cpu, cpu->ops->debug->mode(cpu));
    return !strcmp(view->architecture, "i386") && !cpu->ops->debug->privilege(cpu) && is_mapped_elsewhere(opaque, cpu);
}

static void await_arrival(struct gdb *gdb, uint64_t hole, uint64_t hole_length)
{
    static const uint64_t UPPER_HALF = UINT64_C(0xffff000000000000), UPPER_GIB = UINT64_C(0xc0000000);
    struct stop stop = {.kind = STOP_ARRIVAL, .hole = hole, .hole_length = hole_length};
    stop.address = UPPER_HALF;
    stop.length = -UPPER_HALF;
    stop.condition = is_mapped_elsewhere;
    add_stop(gdb, stop);
    stop.address = UPPER_GIB;
    stop.length = (UINT64_C(1) << 32) - UPPER_GIB;
    stop.condition = is_kernel_of_32_bits;
    if (gdb_cpu(gdb, 0)->ops->debug)
        add_stop(gdb, stop);
    gdb->searching = true;
}

void gdb_end_search(struct gdb *gdb)
{
    gdb_stop_vcpus(gdb);
    stops_remove_owner(&gdb->machine->stops, &gdb->searching);
    gdb_unwatch_modules(gdb);
    gdb_restart_vcpus(gdb);
    event_cancel(&gdb->retry);
    gdb->searching = false;
}

static void try_again(void *opaque, uint64_t late_ns)
{
    struct gdb *gdb = opaque;
    (void)late_ns;
    if (!gdb->connected)
        return;
    gdb_stop_vcpus(gdb);
    await_arrival(gdb, 0, 0);
    gdb_restart_vcpus(gdb);
}

void gdb_init_search(struct gdb *gdb)
{
    event_init(&gdb->retry, gdb->machine->clock, try_again, gdb);
}

void gdb_search_kernel(struct gdb *gdb)
{
    gdb_end_search(gdb);
    if (!gdb->kernel || !gdb->exec_events)
        return;
    gdb->tries = 0;
    gdb_stop_vcpus(gdb);
    const struct kernel_info *kernel = find_kernel(gdb, gdb_cpu(gdb, gdb->general));
    if (kernel)
        gdb_watch_modules(gdb, kernel);
    else
        await_arrival(gdb, 0, 0);
    gdb_restart_vcpus(gdb);
}

bool gdb_is_search(const struct gdb *gdb, const struct vcpu *cpu)
{
    return cpu->stop.owner == &gdb->searching;
}

// Whether what the peer has by itself is right.
static bool peer_knows(const struct gdb *gdb, const struct kernel_info *kernel)
{
    const struct kernel_symbol *symbol = kernel_symbol(kernel, "start_kernel");
    return gdb->has_start_kernel && symbol && symbol->address == gdb->start_kernel;
}

static void tell_user(struct gdb *gdb, const struct kernel_info *kernel)
{
    char text[256];
    if (!gdb->has_start_kernel || !kernel->slide_known || guest_kernel_file(gdb->kernel))
        return;
    snprintf(text, sizeof(text), "The kernel has moved by 0x%" PRIx64 ". For source lines: lyrebird -guest-symbols FILE, or now: "
             "symbol-file -o 0x%" PRIx64 " FILE\n", kernel->slide, kernel->slide);
    gdb_put_console(gdb, text);
}

bool gdb_kernel_arrived(struct gdb *gdb, struct vcpu *cpu)
{
    enum { TRIES = 10, FIRST_WAIT_NS = 2000000 };
    const struct kernel_info *kernel = find_kernel(gdb, cpu);
    const struct kernel_symbol *entry = kernel ? kernel_symbol(kernel, "start_kernel") : NULL;
    bool at_entry = entry && entry->address == cpu->stop.address;
    stops_remove_owner(&gdb->machine->stops, &gdb->searching);
    gdb->searching = false;
    if (!kernel && gdb->tries < TRIES) {
        uint64_t wait = (uint64_t)FIRST_WAIT_NS << gdb->tries++;
        event_set(&gdb->retry, clock_now_ns(gdb->machine->clock) + wait);
    }
    if (!kernel || !gdb->program)
        return false;
    if (entry && !at_entry) {
        await_arrival(gdb, kernel->text, kernel->end - kernel->text);
        add_stop(gdb, (struct stop){.kind = STOP_BREAKPOINT, .address = entry->address});
    } else {
        gdb_watch_modules(gdb, kernel);
    }
    if (gdb->program_told || peer_knows(gdb, kernel))
        return false;
    gdb->program_told = true;
    tell_user(gdb, kernel);
    return true;
}
