// SPDX-License-Identifier: MIT
// The monitor's breakpoints and watchpoints, which can be limited to an address space, a privilege level, a security state or a
// processor; catching exceptions; page walks and exceptions taken, explained.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/keyval.h"
#include "frontend/monitor-private.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

static const struct debug_ops *ops_of(struct monitor *monitor)
{
    struct vcpu *cpu = monitor_cpu(monitor);
    if (cpu && cpu->ops->debug)
        return cpu->ops->debug;
    fprintf(monitor->out, "this processor cannot be looked at\n");
    return NULL;
}

// --- context -------------------------------------------------------------------------------------------------------

static bool take_space(struct monitor *monitor, const char *value, struct stop_context *context)
{
    const struct debug_ops *ops = monitor_cpu(monitor)->ops->debug;
    context->space_mask |= ops->space_tables;
    if (!strcmp(value, "current")) {
        context->space = (context->space & ~ops->space_tables) | (ops->space(monitor_cpu(monitor)) & ops->space_tables);
        return true;
    }
    uint64_t number;
    if (!parse_unsigned(value, &number))
        return false;
    context->space = (context->space & ~ops->space_tables) | (number & ops->space_tables);
    return true;
}

static bool take_identifier(const struct debug_ops *ops, const char *value, struct stop_context *context)
{
    uint64_t number;
    unsigned shift = ops->space_id ? ctz64(ops->space_id) : 0;
    if (!parse_unsigned(value, &number) || number > ops->space_id >> shift)
        return false;
    context->space_mask |= ops->space_id;
    context->space = (context->space & ~ops->space_id) | number << shift;
    return true;
}

// "KEY=VALUE": where a stop counts. False: it is not understood.
static bool take_limit(struct monitor *monitor, const char *key, const char *value, struct stop_context *context)
{
    const struct debug_ops *ops = monitor_cpu(monitor)->ops->debug;
    uint64_t number;
    if (!strcmp(key, "space") || !strcmp(key, ops->space_name))
        return take_space(monitor, value, context);
    if (!strcmp(key, "asid") || !strcmp(key, "pcid"))
        return take_identifier(ops, value, context);
    if (!strcmp(key, "privilege") || !strcmp(key, ops->privilege_name)) {
        if (!parse_unsigned(value, &number) || number > 3)
            return false;
        context->privileges |= BIT32(number);
        return true;
    }
    if (!strcmp(key, "cpu")) {
        if (!parse_unsigned(value, &number) || number >= monitor->machine->vcpus.count)
            return false;
        context->cpu = (uint32_t)number + 1;
        return true;
    }
    if (!strcmp(key, "secure") && (!strcmp(value, "on") || !strcmp(value, "off"))) {
        context->security = strcmp(value, "on") ? STOP_NON_SECURE : STOP_SECURE;
        return true;
    }
    return false;
}

// The words behind the address. False after a message.
static bool take_limits(struct monitor *monitor, char *words, struct stop *stop)
{
    char *rest;
    for (char *word = strtok_r(words, " \t,", &rest); word; word = strtok_r(NULL, " \t,", &rest)) {
        char *equals = strchr(word, '=');
        if (!strcmp(word, "temporary")) {
            stop->temporary = true;
            continue;
        }
        if (equals)
            *equals = 0;
        if (equals && take_limit(monitor, word, equals + 1, &stop->context))
            continue;
        fprintf(monitor->out, "'%s%s%s' is not understood; use %s=current|VALUE, asid=N, %s=N, cpu=N, secure=on|off or "
                "temporary\n", word, equals ? "=" : "", equals ? equals + 1 : "",
                monitor_cpu(monitor)->ops->debug->space_name, monitor_cpu(monitor)->ops->debug->privilege_name);
        return false;
    }
    return true;
}

static void print_context(const struct monitor *monitor, const struct stop_context *c)
{
    const struct debug_ops *ops = monitor_cpu((struct monitor *)monitor)->ops->debug;
    if (c->space_mask & ops->space_tables)
        fprintf(monitor->out, " %s=0x%" PRIx64, ops->space_name, c->space & ops->space_tables);
    if (ops->space_id && (c->space_mask & ops->space_id))
        fprintf(monitor->out, " asid=%" PRIu64, (c->space & ops->space_id) >> ctz64(ops->space_id));
    for (unsigned level = 0; level < 4; level++)
        if (c->privileges >> level & 1)
            fprintf(monitor->out, " %s=%u", ops->privilege_name, level);
    if (c->cpu)
        fprintf(monitor->out, " cpu=%u", c->cpu - 1);
    if (c->security != STOP_ANY_SECURITY)
        fprintf(monitor->out, " secure=%s", c->security == STOP_SECURE ? "on" : "off");
}

static void print_stop(const struct monitor *monitor, const struct stop *s)
{
    static const char *const kinds[] = {[STOP_BREAKPOINT] = "breakpoint", [STOP_WATCH_WRITE] = "watch for writes",
                                        [STOP_WATCH_READ] = "watch for reads", [STOP_WATCH_ACCESS] = "watch",
                                        [STOP_ARRIVAL] = "arrival"};
    fprintf(monitor->out, "%u: %s at 0x%" PRIx64, s->id, kinds[s->kind], s->address);
    if (stop_watches(s->kind))
        fprintf(monitor->out, ", %" PRIu64 " bytes", s->length);
    print_context(monitor, &s->context);
    fprintf(monitor->out, "%s%s, hit %" PRIu64 " times\n", s->temporary ? ", temporary" : "",
            s->owner == monitor->machine ? "" : ", the debugger's", __atomic_load_n(&s->hits, __ATOMIC_RELAXED));
}

// --- commands --------------------------------------------------------------------------------------------------------

// Stops of the monitor belong to the machine: all monitors of it see them.
static void add_stop(struct monitor *monitor, const char *arguments, struct stop *stop)
{
    char *words = alloc_string(arguments), *limits = words + strcspn(words, " \t");
    if (*limits)
        *limits++ = 0;
    stop->owner = monitor->machine;
    stop->address_mask = ~UINT64_C(0);
    if (!monitor_parse_address(monitor, words, &stop->address)) {
        fprintf(monitor->out, "'%s' is no address\n", words);
    } else if (take_limits(monitor, limits, stop)) {
        struct error error = {"there are too many breakpoints"};
        struct stop *added = debug_can_stop(monitor->machine, stop, &error) < 0 ? NULL : stops_add(&monitor->machine->stops, stop);
        if (added)
            print_stop(monitor, added);
        else
            fprintf(monitor->out, "%s\n", error.text);
    }
    free(words);
}

void monitor_break(struct monitor *monitor, const char *arguments)
{
    struct stop stop = {.kind = STOP_BREAKPOINT};
    if (!ops_of(monitor))
        return;
    if (*arguments)
        add_stop(monitor, arguments, &stop);
    else
        monitor_info_breakpoints(monitor, "");
}

// watch[/r|w|rw] ADDRESS[+SIZE]
void monitor_watch(struct monitor *monitor, const char *arguments)
{
    struct stop stop = {.kind = STOP_WATCH_WRITE, .length = 8};
    if (!ops_of(monitor))
        return;
    if (*arguments == '/') {
        size_t n = strcspn(arguments, " \t");
        bool r = memchr(arguments, 'r', n), w = memchr(arguments, 'w', n);
        stop.kind = r && w ? STOP_WATCH_ACCESS : r ? STOP_WATCH_READ : STOP_WATCH_WRITE;
        for (const char *p = arguments + 1; p < arguments + n; p++)
            if (*p >= '0' && *p <= '9') {
                stop.length = strtoull(p, NULL, 10);
                break;
            }
        arguments += n + strspn(arguments + n, " \t");
    }
    if (!*arguments || !stop.length)
        fprintf(monitor->out, "write watch[/[r|w|rw][BYTES]] ADDRESS, such as watch/rw4 0x40001000\n");
    else
        add_stop(monitor, arguments, &stop);
}

void monitor_delete(struct monitor *monitor, const char *arguments)
{
    uint64_t id;
    struct stops *stops = &monitor->machine->stops;
    if (!strcmp(arguments, "all")) {
        stops_remove_owner(stops, monitor->machine);
        return;
    }
    struct stop *stop = parse_unsigned(arguments, &id) ? stops_find(stops, (unsigned)id) : NULL;
    if (!stop || stop->owner != monitor->machine)
        fprintf(monitor->out, "'%s' is no breakpoint of the monitor; 'info breakpoints' lists them\n", arguments);
    else
        stops_remove(stops, stop);
}

void monitor_info_breakpoints(struct monitor *monitor, const char *arguments)
{
    const struct stops *stops = &monitor->machine->stops;
    (void)arguments;
    if (!ops_of(monitor))
        return;
    for (size_t i = 0; i < stops->count; i++)
        print_stop(monitor, stops->items[i]);
    for (size_t i = 0; i < stops->catch_count; i++)
        fprintf(monitor->out, "catch exceptions of class 0x%" PRIx32 "\n", stops->catches[i]);
    if (!stops->count && !stops->catch_count)
        fprintf(monitor->out, "no breakpoints\n");
}

void monitor_catch(struct monitor *monitor, const char *arguments)
{
    const struct debug_ops *ops = ops_of(monitor);
    struct stops *stops = &monitor->machine->stops;
    struct error error;
    uint32_t class;
    if (!ops)
        return;
    if (!strcmp(arguments, "none"))
        stops->catch_count = 0;
    else if (!*arguments || !ops->find_exception(arguments, &class))
        fprintf(monitor->out, "'%s' is no exception; write a number, a name such as %s, irq, or none\n", arguments,
                !strcmp(monitor_cpu(monitor)->ops->arch, "aarch64") ? "data-abort or svc" : "#PF or #GP");
    else if (stops->catch_count == CATCHES_LIMIT)
        fprintf(monitor->out, "there are too many\n");
    else if (debug_can_stop(monitor->machine, NULL, &error) < 0)
        fprintf(monitor->out, "%s\n", error.text);
    else
        stops->catches[stops->catch_count++] = class;
}

// --- why -------------------------------------------------------------------------------------------------------------

void monitor_info_walk(struct monitor *monitor, const char *arguments)
{
    const struct debug_ops *ops = ops_of(monitor);
    uint64_t address;
    if (!ops)
        return;
    if (monitor_parse_address(monitor, arguments, &address))
        ops->print_walk(monitor_cpu(monitor), address, monitor->out);
    else
        fprintf(monitor->out, "write info walk ADDRESS\n");
}

static void print_run(const struct monitor *monitor, const struct debug_mapping *run)
{
    uint64_t kib = run->page_bytes >> 10;
    fprintf(monitor->out, "%016" PRIx64 "-%016" PRIx64 " -> %012" PRIx64 " %-10s %" PRIu64 "%s pages, %" PRIu64 " KiB\n",
            run->gva, run->gva + run->size - 1, run->gpa, run->rights, kib >= 1024 ? kib >> 10 : kib,
            kib >= 1024 ? "M" : "K", run->size >> 10);
}

void monitor_info_pg(struct monitor *monitor, const char *arguments)
{
    enum { LINES = 20000 };
    const struct debug_ops *ops = ops_of(monitor);
    struct debug_mapping run = {0}, m;
    unsigned lines = 0;
    (void)arguments;
    if (!ops)
        return;
    for (uint64_t gva = 0; ops->next_mapping(monitor_cpu(monitor), gva, &m);) {
        bool follows = run.size && m.gva == run.gva + run.size && m.gpa == run.gpa + run.size &&
                       m.page_bytes == run.page_bytes && !strcmp(m.rights, run.rights);
        if (follows) {
            run.size += m.size;
        } else {
            if (run.size)
                print_run(monitor, &run);
            lines += run.size != 0;
            run = m;
        }
        gva = m.gva + m.size;
        if (!gva || lines == LINES)
            break;
    }
    if (run.size)
        print_run(monitor, &run);
    if (lines == LINES)
        fprintf(monitor->out, "and more\n");
}

void monitor_info_exceptions(struct monitor *monitor, const char *arguments)
{
    const struct debug_ops *ops = ops_of(monitor);
    uint64_t wanted = 16;
    if (!ops)
        return;
    if (*arguments && !parse_unsigned(arguments, &wanted)) {
        fprintf(monitor->out, "'%s' is no number of exceptions\n", arguments);
        return;
    }
    const struct debug_exception_log *log = &monitor_cpu(monitor)->exceptions;
    uint64_t there = log->count < DEBUG_EXCEPTIONS ? log->count : DEBUG_EXCEPTIONS;
    wanted = wanted < there ? wanted : there;
    for (uint64_t n = log->count - wanted; n < log->count; n++) {
        const struct debug_exception *e = &log->entries[n % DEBUG_EXCEPTIONS];
        char text[256];
        ops->describe_exception(e, text, sizeof(text));
        fprintf(monitor->out, "%" PRIu64 ": %s, at ", e->number, text);
        monitor_print_address(monitor, e->pc);
        fputc('\n', monitor->out);
    }
    if (!there)
        fprintf(monitor->out, "none since the processor was made\n");
}

// --- stopping --------------------------------------------------------------------------------------------------------

void monitor_describe_stop(struct monitor *monitor, const struct vcpu *cpu)
{
    char text[256];
    const struct vcpu_stop *s = &cpu->stop;
    if (s->reason == VCPU_TOOK_EXCEPTION) {
        cpu->ops->debug->describe_exception(&cpu->exceptions.entries[(s->exception - 1) % DEBUG_EXCEPTIONS], text,
                                            sizeof(text));
        fprintf(monitor->out, "CPU %u: %s, pc ", cpu->index, text);
    } else if (s->reason == VCPU_HIT_WATCHPOINT) {
        fprintf(monitor->out, "CPU %u: %s 0x%" PRIx64 ", pc ", cpu->index, s->write ? "write to" : "read of", s->address);
    } else {
        fprintf(monitor->out, "CPU %u: breakpoint at ", cpu->index);
    }
    monitor_print_address(monitor, cpu->ops->get_pc(cpu));
    fputc('\n', monitor->out);
}
