// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints that the peer inserts (Z and z), and their conditions, which are evaluated here.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-agent.h"
#include "frontend/gdb-private.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum { CONDITIONS_LIMIT = 64 };

struct expression {
    uint8_t *code;
    size_t length;
};

// What is the peer's of a stop.
struct gdb_stop {
    unsigned type; // Z's
    unsigned mode; // whose registers the expressions number
    struct expression *conditions; // one of them is to hold
    size_t count;
};

static void release(void *opaque)
{
    struct gdb_stop *s = opaque;
    for (size_t i = 0; i < s->count; i++)
        free(s->conditions[i].code);
    free(s->conditions);
    free(s);
}

// --- conditions ----------------------------------------------------------------------------------------------------

struct place {
    const struct gdb_stop *stop;
    struct vcpu *cpu;
};

static bool read_register(void *opaque, unsigned number, uint64_t *value)
{
    const struct place *p = opaque;
    const struct debug_ops *ops = p->cpu->ops->debug;
    const struct debug_view *view = ops->view(p->cpu, p->stop->mode);
    const struct debug_register *r = gdb_find_register(view, number);
    uint8_t bytes[DEBUG_REGISTER_BYTES] = {0};
    if (!r || !ops->read(p->cpu, view, r, bytes))
        return false;
    *value = load_le64(bytes);
    return true;
}

static bool read_memory(void *opaque, uint64_t address, void *out, size_t length)
{
    const struct place *p = opaque;
    return debug_read_memory(p->cpu, false, address, out, length) == length;
}

// What cannot be evaluated holds: the user is to see it.
static bool holds(void *opaque, struct vcpu *cpu)
{
    const struct gdb_stop *s = opaque;
    struct place place = {s, cpu};
    struct gdb_agent_access access = {read_register, read_memory, &place};
    for (size_t i = 0; i < s->count; i++) {
        uint64_t value;
        if (!gdb_agent_evaluate(s->conditions[i].code, s->conditions[i].length, &access, &value) || value)
            return true;
    }
    return false;
}

// ";X3,220027X3,220127"; what follows ";cmds:" is for agents that carry out commands.
static bool take_conditions(struct gdb_stop *s, const char *text)
{
    while (*text) {
        uint64_t length;
        text += *text == ';';
        if (*text++ != 'X' || !gdb_take_number(&text, &length) || *text++ != ',' || length > GDB_PACKET_BYTES / 2 ||
            strlen(text) < 2 * length || s->count == CONDITIONS_LIMIT)
            return false;
        s->conditions = alloc_resize(s->conditions, s->count + 1, sizeof(*s->conditions));
        struct expression *e = &s->conditions[s->count++];
        *e = (struct expression){ALLOC_ARRAY(uint8_t, length + 1), length};
        if (!gdb_take_hex(&text, e->code, length))
            return false;
    }
    return !*text;
}

// --- inserting -----------------------------------------------------------------------------------------------------

// "TYPE,ADDRESS,KIND": software and hardware breakpoints, write, read and access watchpoints.
static bool take_place(const char **text, unsigned *type, struct stop *stop)
{
    static const enum stop_kind kinds[] = {STOP_BREAKPOINT, STOP_BREAKPOINT, STOP_WATCH_WRITE, STOP_WATCH_READ,
                                           STOP_WATCH_ACCESS};
    uint64_t number;
    if (!gdb_take_number(text, &number) || number >= sizeof(kinds) / sizeof(kinds[0]) || *(*text)++ != ',')
        return false;
    *stop = (struct stop){.kind = kinds[number], .address_mask = ~UINT64_C(0)};
    *type = (unsigned)number;
    if (!gdb_take_number(text, &stop->address) || *(*text)++ != ',' || !gdb_take_number(text, &stop->length))
        return false;
    if (stop->kind != STOP_BREAKPOINT && !stop->length)
        return false;
    return true;
}

static struct stop *find(const struct gdb *gdb, unsigned type, const struct stop *like)
{
    const struct stops *stops = &gdb->machine->stops;
    for (size_t i = 0; i < stops->count; i++) {
        struct stop *s = stops->items[i];
        if (s->owner == gdb && ((struct gdb_stop *)s->opaque)->type == type && s->address == like->address &&
            s->length == like->length)
            return s;
    }
    return NULL;
}

// A debugger that sees registers of 32 bits cuts addresses to that size; those of 64-bit code that it means may be any with
// these lower bits.
static uint64_t address_mask(const struct gdb *gdb)
{
    return gdb_in_widest_mode(gdb) ? ~UINT64_C(0) : UINT32_MAX;
}

void gdb_insert_stop(struct gdb *gdb, const char *text)
{
    struct stop stop;
    struct gdb_stop *own = ALLOC(struct gdb_stop);
    *own = (struct gdb_stop){.mode = gdb->mode};
    bool known = take_place(&text, &own->type, &stop);
    if (!known || !take_conditions(own, text)) {
        release(own);
        gdb_reply(gdb, known ? "E.these conditions are not understood" : "");
        return;
    }
    stop.address_mask = address_mask(gdb);
    stop.condition = own->count ? holds : NULL;
    stop.release = release;
    stop.opaque = own;
    stop.owner = gdb;
    gdb_stop_vcpus(gdb);
    struct stop *old = find(gdb, own->type, &stop);
    if (old)
        stops_remove(&gdb->machine->stops, old);
    struct error error = {"there are too many breakpoints"};
    bool added = debug_can_stop(gdb->machine, &stop, &error) >= 0 && stops_add(&gdb->machine->stops, &stop);
    gdb_restart_vcpus(gdb);
    if (!added)
        release(own);
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, added ? "OK" : "E.%s", error.text);
    gdb_end(&gdb->out);
}

void gdb_remove_stop(struct gdb *gdb, const char *text)
{
    struct stop stop;
    unsigned type;
    if (!take_place(&text, &type, &stop)) {
        gdb_reply(gdb, "");
        return;
    }
    gdb_stop_vcpus(gdb);
    struct stop *old = find(gdb, type, &stop);
    if (old)
        stops_remove(&gdb->machine->stops, old);
    gdb_restart_vcpus(gdb);
    gdb_reply(gdb, "OK");
}

// --- telling -------------------------------------------------------------------------------------------------------

// What the vCPU has stopped at, if it is still there.
static const struct stop *at_hand(const struct gdb *gdb, const struct vcpu *cpu)
{
    return stops_find(&gdb->machine->stops, cpu->stop.id);
}

bool gdb_find_stop_again(struct gdb *gdb, struct vcpu *cpu)
{
    const struct stops *stops = &gdb->machine->stops;
    struct vcpu_stop *s = &cpu->stop;
    const struct stop *now = NULL;
    if (s->reason == VCPU_AT_BREAKPOINT)
        now = stops_at(stops, cpu, s->address, NULL);
    else if (s->reason == VCPU_HIT_WATCHPOINT)
        now = stops_hit(stops, cpu, s->address, s->length, s->write, NULL);
    else
        return true;
    s->id = now ? now->id : 0;
    return now;
}

// An access may begin before what is watched.
static uint64_t watched_address(const struct vcpu *cpu, const struct stop *s)
{
    return cpu->stop.address - s->address < s->length ? cpu->stop.address : s->address;
}

void gdb_put_reason(struct gdb *gdb, const struct vcpu *cpu)
{
    static const char *const watches[] = {[STOP_WATCH_WRITE] = "watch", [STOP_WATCH_READ] = "rwatch",
                                          [STOP_WATCH_ACCESS] = "awatch"};
    const struct stop *s = at_hand(gdb, cpu);
    if (!s || s->owner != gdb)
        return;
    if (cpu->stop.reason == VCPU_AT_BREAKPOINT) {
        bool hardware = ((struct gdb_stop *)s->opaque)->type == 1;
        if (hardware ? gdb->hwbreak : gdb->swbreak)
            gdb_put_text(&gdb->out, hardware ? "hwbreak:;" : "swbreak:;");
    } else if (cpu->stop.reason == VCPU_HIT_WATCHPOINT) {
        gdb_put_format(&gdb->out, "%s:%" PRIx64 ";", watches[s->kind], watched_address(cpu, s));
    }
}

bool gdb_is_at_breakpoint(const struct gdb *gdb, const struct vcpu *cpu)
{
    const struct stop *s = NULL;
    while ((s = stops_at(&gdb->machine->stops, cpu, cpu->ops->get_pc(cpu), s)))
        if (s->owner == gdb)
            return true;
    return false;
}

void gdb_put_note(struct gdb *gdb, const struct vcpu *cpu)
{
    char what[256], line[300];
    const struct stop *s = at_hand(gdb, cpu);
    if (cpu->stop.reason == VCPU_TOOK_EXCEPTION) {
        const struct debug_exception *e = &cpu->exceptions.entries[(cpu->stop.exception - 1) % DEBUG_EXCEPTIONS];
        cpu->ops->debug->describe_exception(e, what, sizeof(what));
        snprintf(line, sizeof(line), "CPU %u: %s at 0x%" PRIx64 "\n", cpu->index, what, e->pc);
    } else if (s && s->owner != gdb) {
        snprintf(line, sizeof(line), "CPU %u: %s %u of the monitor\n", cpu->index,
                 s->kind == STOP_BREAKPOINT ? "breakpoint" : "watchpoint", s->id);
    } else {
        return;
    }
    gdb_put_console(gdb, line);
}

void gdb_put_lost(struct gdb *gdb, const struct vcpu *cpu)
{
    char line[100];
    const struct stop *s = at_hand(gdb, cpu);
    if (!s || s->owner != gdb || cpu->stop.reason != VCPU_HIT_WATCHPOINT)
        return;
    snprintf(line, sizeof(line), "CPU %u: watchpoint at 0x%" PRIx64 "\n", cpu->index, watched_address(cpu, s));
    gdb_put_console(gdb, line);
}
