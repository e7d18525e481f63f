// SPDX-License-Identifier: MIT
// Who runs (GDB manual, E.2 vCont and its older forms), and how it ends.
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-private.h"
#include "tcg/base/alloc.h"

// --- resuming ------------------------------------------------------------------------------------------------------

enum action { NONE, CONTINUE, STEP, STOP };

struct plan {
    enum action action;
    uint64_t start, end;
};

static bool may_interrupt(const struct gdb *gdb)
{
    return !(gdb->step_bits & GDB_STEP_NO_IRQ);
}

static void prepare(struct gdb *gdb, unsigned index, const struct plan *plan)
{
    struct vcpu *cpu = gdb_cpu(gdb, index);
    // GDB steps over its own breakpoints; nobody does over the monitor's.
    bool still_there = cpu->stop.reason != VCPU_AT_BREAKPOINT || cpu->ops->get_pc(cpu) == cpu->stop.address;
    if (cpu->stop.before && cpu->stop.owner != gdb && still_there)
        cpu->pass_stops = true;
    cpu->step = (struct vcpu_step){.on = plan->action == STEP, .interrupts = may_interrupt(gdb), .start = plan->start,
                                   .end = plan->end};
    gdb->threads[index].stopped = gdb->threads[index].reported = gdb->threads[index].waiting = false;
    vcpu_hold(cpu, plan->action == NONE);
}

// A vCPU that is to run and has something to tell instead: what it has stopped at behind an instruction, unless that is done
// again anyway; a step that cannot be made.
static bool find_pending(struct gdb *gdb, const struct plan *plans, unsigned *index)
{
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        struct vcpu *cpu = gdb_cpu(gdb, i);
        bool told = cpu->stop.reason == VCPU_RUNS || gdb->threads[i].reported;
        bool off = plans[i].action == STEP && !vcpu_is_powered_on(cpu);
        *index = i;
        if (plans[i].action != NONE && ((!told && !cpu->stop.before && gdb_find_stop_again(gdb, cpu)) || off))
            return true;
    }
    return false;
}

static void resume_all_stop(struct gdb *gdb, const struct plan *plans)
{
    unsigned index;
    bool steps = true;
    if (gdb->news == GDB_STOP_FOLLOWS) {
        gdb_report_after_news(gdb);
        return;
    }
    if (gdb->news == GDB_LIBRARIES) {
        gdb_report(gdb, gdb->news_at, gdb->news_signal);
        return;
    }
    gdb->news = GDB_NO_NEWS;
    if (find_pending(gdb, plans, &index)) {
        gdb_report(gdb, index, GDB_SIGTRAP);
        return;
    }
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        prepare(gdb, i, &plans[i]);
        steps &= plans[i].action != CONTINUE;
    }
    gdb->running = gdb->runs_on = true;
    gdb->interrupted = false;
    gdb->machine->clock_held = steps && (gdb->step_bits & GDB_STEP_NO_TIMER);
    machine_resume_free(gdb->machine);
}

static void resume_non_stop(struct gdb *gdb, const struct plan *plans)
{
    bool any = false;
    gdb_stop_vcpus(gdb);
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        if (plans[i].action == STOP)
            gdb_stop_thread(gdb, i, 0);
        if (plans[i].action != CONTINUE && plans[i].action != STEP)
            continue;
        any = true;
        if (gdb->threads[i].stopped)
            prepare(gdb, i, &plans[i]);
    }
    gdb_restart_vcpus(gdb);
    gdb_reply(gdb, "OK");
    gdb_notify(gdb);
    if (any && machine_state(gdb->machine) != RUN_RUNNING) {
        gdb->runs_on = true;
        gdb->machine->clock_held = false;
        machine_resume_free(gdb->machine);
    }
}

static void resume(struct gdb *gdb, const struct plan *plans)
{
    if (gdb->non_stop)
        resume_non_stop(gdb, plans);
    else
        resume_all_stop(gdb, plans);
}

// One action of vCont, without its thread.
static bool take_action(const char **text, struct plan *plan)
{
    uint64_t signal;
    *plan = (struct plan){0};
    switch (*(*text)++) {
    case 'c':
        plan->action = CONTINUE;
        return true;
    case 's':
        plan->action = STEP;
        return true;
    case 'C':
        plan->action = CONTINUE;
        return gdb_take_number(text, &signal);
    case 'S':
        plan->action = STEP;
        return gdb_take_number(text, &signal);
    case 't':
        plan->action = STOP;
        return true;
    case 'r':
        plan->action = STEP;
        return gdb_take_number(text, &plan->start) && *(*text)++ == ',' && gdb_take_number(text, &plan->end);
    default:
        return false;
    }
}

// The first action that names a thread counts for it.
static bool take_plans(const struct gdb *gdb, const char *text, struct plan *plans)
{
    while (*text) {
        struct plan plan;
        unsigned index = 0;
        bool all = true;
        if (!take_action(&text, &plan))
            return false;
        if (*text == ':') {
            text++;
            if (!gdb_take_thread(gdb, &text, &index, &all))
                return false;
        }
        for (unsigned i = 0; i < gdb->machine->vcpus.count; i++)
            if ((all || i == index) && plans[i].action == NONE)
                plans[i] = plan;
        if (*text && *text++ != ';')
            return false;
    }
    return true;
}

// GDB 13 asks this before it first resumes the guest, which it does as it connects when it is told of a program then. It does not
// wait for a stop in that case: one that is not there yet makes it complain many times.
void gdb_which_vcont(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "vCont;c;C;s;S;t;r");
    if (gdb->news_at_once && gdb->no_ack && gdb->news == GDB_STOP_FOLLOWS)
        gdb_report_after_news(gdb);
    else
        gdb->news_at_once = false;
}

void gdb_vcont(struct gdb *gdb, const char *text)
{
    if (gdb->news_at_once && gdb->news == GDB_NO_NEWS) {
        gdb->news_at_once = false; // answered
        return;
    }
    struct plan *plans = ALLOC_ARRAY(struct plan, gdb->machine->vcpus.count);
    bool good = take_plans(gdb, text, plans), some = false;
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++)
        some |= plans[i].action != NONE;
    if (!good || !some || (!gdb->non_stop && gdb->running))
        gdb_reply(gdb, "E.nothing to do, or not now");
    else
        resume(gdb, plans);
    free(plans);
}

// c, C, s and S, perhaps with a signal and with an address.
static void resume_simply(struct gdb *gdb, const char *text, enum action action)
{
    uint64_t value;
    if (gdb->running) {
        gdb_reply(gdb, "E.it runs");
        return;
    }
    struct plan *plans = ALLOC_ARRAY(struct plan, gdb->machine->vcpus.count);
    const char *address = strchr(text, ';');
    address = address ? address + 1 : text;
    bool signal_only = gdb->reader.data[0] < 'a' && address == text;
    if (!signal_only && gdb_take_number(&address, &value)) {
        gdb_stop_vcpus(gdb);
        gdb_cpu(gdb, gdb->control)->ops->set_pc(gdb_cpu(gdb, gdb->control), value);
        gdb_restart_vcpus(gdb);
    }
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++)
        if (action == CONTINUE || i == gdb->control)
            plans[i].action = action;
    resume(gdb, plans);
    free(plans);
}

void gdb_continue(struct gdb *gdb, const char *text)
{
    resume_simply(gdb, text, CONTINUE);
}

void gdb_step(struct gdb *gdb, const char *text)
{
    resume_simply(gdb, text, STEP);
}

// --- leaving -------------------------------------------------------------------------------------------------------

void gdb_detach(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_stop_vcpus(gdb);
    stops_remove_owner(&gdb->machine->stops, gdb);
    gdb_restart_vcpus(gdb);
    gdb_set_non_stop(gdb, false);
    gdb->running = gdb->asked = false;
    gdb->news = GDB_NO_NEWS;
    gdb_end_search(gdb);
    gdb->runs_on = true;
    gdb->machine->clock_held = false;
    machine_resume(gdb->machine);
    gdb_reply(gdb, "OK");
}

void gdb_kill(struct gdb *gdb, const char *text)
{
    (void)text;
    // LLDB waits for an answer to k, GDB does not.
    gdb_reply(gdb, gdb->reader.data[0] == 'v' ? "OK" : "X09");
    machine_shutdown_request(gdb->machine, SHUTDOWN_HOST);
}
