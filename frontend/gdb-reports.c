// SPDX-License-Identifier: MIT
// Telling the peer who has stopped and why (GDB manual, E.3 stop replies, E.8 notifications).
//
// GDB asks for a description of the registers once. When a vCPU has stopped in a mode whose registers look different, the peer
// is told that its process has executed a new program, after which it asks again, and lets it run on; the stop itself follows.
#include <string.h>

#include "frontend/gdb-private.h"

// --- stop replies --------------------------------------------------------------------------------------------------

static void put_stop(struct gdb *gdb, unsigned index, unsigned signal)
{
    struct vcpu *cpu = gdb_cpu(gdb, index);
    gdb_put_format(&gdb->out, "T%02x", signal);
    gdb_put_expedited(gdb, cpu);
    gdb_put_text(&gdb->out, "thread:");
    gdb_put_thread(gdb, index);
    gdb_put_format(&gdb->out, ";core:%x;", index);
    gdb_put_reason(gdb, cpu);
}

// The process executes another program.
static void put_news(struct gdb *gdb, unsigned index)
{
    const char *program = gdb_name_program(gdb);
    gdb_put_format(&gdb->out, "T%02xthread:", GDB_SIGTRAP);
    gdb_put_thread(gdb, index);
    gdb_put_text(&gdb->out, ";exec:");
    gdb_put_hex(&gdb->out, program, strlen(program));
    gdb_put_text(&gdb->out, ";");
    stops_remove_owner(&gdb->machine->stops, gdb); // what is inserted is gone with the program before
}

static bool has_switched(const struct gdb *gdb, unsigned index)
{
    const struct vcpu *cpu = gdb_cpu(gdb, index);
    return gdb->exec_events && cpu->ops->debug && cpu->ops->debug->mode(cpu) != gdb->mode;
}

static void begin_news(struct gdb *gdb, unsigned index, enum gdb_after_news after)
{
    gdb->running = gdb->asked = false;
    gdb->general = gdb->control = index;
    gdb->news = after;
    gdb->news_at = index;
}

static void put_libraries(struct gdb *gdb, unsigned index)
{
    gdb_put_format(&gdb->out, "T%02xthread:", GDB_SIGTRAP);
    gdb_put_thread(gdb, index);
    gdb_put_text(&gdb->out, ";library:;");
}

// The peer reads the list, and resumes the guest as before, whereupon it is told of the stop if there is one.
static void report_libraries(struct gdb *gdb, unsigned index, enum gdb_after_news after, unsigned signal)
{
    begin_news(gdb, index, after);
    gdb->news_signal = signal;
    gdb_begin(&gdb->out);
    put_libraries(gdb, index);
    gdb_end(&gdb->out);
}

static void report_news(struct gdb *gdb, unsigned index, enum gdb_after_news after)
{
    begin_news(gdb, index, after);
    gdb_forget_libraries(gdb);
    if (has_switched(gdb, index)) {
        gdb->mode = gdb_cpu(gdb, index)->ops->debug->mode(gdb_cpu(gdb, index));
        gdb_forget_description(gdb);
    }
    gdb_begin(&gdb->out);
    put_news(gdb, index);
    gdb_end(&gdb->out);
}

void gdb_report(struct gdb *gdb, unsigned index, unsigned signal)
{
    if (has_switched(gdb, index) && gdb->news == GDB_NO_NEWS) {
        if (gdb->running)
            gdb_put_lost(gdb, gdb_cpu(gdb, index));
        gdb->news_signal = signal;
        report_news(gdb, index, GDB_STOP_FOLLOWS);
        return;
    }
    // One that connects takes no other news than of a program.
    bool waits = gdb->running || (gdb->news != GDB_NO_NEWS && !gdb->news_at_once);
    if (waits && gdb_libraries_changed(gdb, gdb_cpu(gdb, index))) {
        report_libraries(gdb, index, GDB_LIBRARIES, signal);
        return;
    }
    gdb->running = gdb->asked = gdb->interrupted = false;
    gdb->general = gdb->control = index;
    gdb_put_note(gdb, gdb_cpu(gdb, index));
    gdb_begin(&gdb->out);
    put_stop(gdb, index, signal);
    gdb_end(&gdb->out);
    gdb->news = GDB_NO_NEWS;
    gdb->threads[index].reported = true;
}

// The peer, to which the program is new, knows of no step and of no watchpoint that could be the reason for a SIGTRAP: it would
// call that a signal that the program received.
void gdb_report_after_news(struct gdb *gdb)
{
    bool explained = gdb->news_signal != GDB_SIGTRAP || gdb_is_at_breakpoint(gdb, gdb_cpu(gdb, gdb->news_at));
    gdb_report(gdb, gdb->news_at, explained ? gdb->news_signal : 0);
}

// A vCPU that has stopped by itself and not been told of; else none.
static bool find_stopped(const struct gdb *gdb, unsigned *index)
{
    for (unsigned n = 0; n < gdb->machine->vcpus.count; n++) {
        unsigned i = (gdb->control + n) % gdb->machine->vcpus.count;
        if (gdb_cpu(gdb, i)->stop.reason != VCPU_RUNS && !gdb->threads[i].reported) {
            *index = i;
            return true;
        }
    }
    return false;
}

// The vCPU has stopped where nobody but the server has asked for it: it goes on, unless the peer is to be told before of what is
// new. False: that is not so, or there is something else that it has stopped at.
static bool pass_own_stop(struct gdb *gdb, struct vcpu *cpu, enum gdb_after_news *news)
{
    bool step = cpu->step.on;
    *news = GDB_NO_NEWS;
    if (cpu->stop.reason == VCPU_RUNS || gdb->threads[cpu->index].reported)
        return false;
    if (gdb_is_search(gdb, cpu)) {
        if (gdb_kernel_arrived(gdb, cpu))
            *news = step ? GDB_STOP_FOLLOWS : GDB_RUNS_ON;
        cpu->stop = (struct vcpu_stop){0}; // others at the same place come when the search's has gone
    } else if (gdb_is_module_stop(gdb, cpu) && has_switched(gdb, cpu->index)) {
        *news = step ? GDB_STOP_FOLLOWS : GDB_RUNS_ON; // and it comes here again
        cpu->stop = (struct vcpu_stop){0};
    } else if (gdb_is_module_stop(gdb, cpu) && gdb_pass_module_stop(gdb, cpu)) {
        *news = GDB_LIBRARIES_ONLY;
    }
    return cpu->stop.reason == VCPU_RUNS;
}

// All vCPUs'; the first news that there are, about the vCPU *at. True: there was such a stop.
static bool pass_own_stops(struct gdb *gdb, enum gdb_after_news *news, unsigned *at)
{
    bool some = false;
    *news = GDB_NO_NEWS;
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        enum gdb_after_news now;
        if (!pass_own_stop(gdb, gdb_cpu(gdb, i), &now))
            continue;
        some = true;
        vcpu_hold(gdb_cpu(gdb, i), false);
        if (*news == GDB_NO_NEWS) {
            *news = now;
            *at = i;
        }
    }
    return some;
}

static void report_stop(struct gdb *gdb, unsigned otherwise)
{
    unsigned index = gdb->control, news_at = 0;
    enum gdb_after_news news;
    vcpu_group_settle(&gdb->machine->vcpus);
    bool own = pass_own_stops(gdb, &news, &news_at), by_itself = find_stopped(gdb, &index), first = gdb->asked || !gdb->running;
    bool stops = by_itself || gdb->asked || gdb->interrupted;
    unsigned signal = by_itself ? GDB_SIGTRAP : otherwise;
    if (news == GDB_STOP_FOLLOWS || news == GDB_RUNS_ON) {
        gdb->news_signal = gdb->interrupted ? otherwise : GDB_SIGTRAP;
        report_news(gdb, news_at, first || gdb->interrupted ? GDB_STOP_FOLLOWS : news);
    } else if (news == GDB_LIBRARIES_ONLY && !first) {
        report_libraries(gdb, stops ? index : news_at, stops ? GDB_LIBRARIES : news, signal);
    } else if (own && !stops) {
        machine_resume_free(gdb->machine);
    } else {
        gdb_report(gdb, index, signal);
    }
    gdb->news_at_once = first && gdb->news == GDB_STOP_FOLLOWS;
}

// --- non-stop mode -------------------------------------------------------------------------------------------------

static bool find_waiting(const struct gdb *gdb, unsigned *index)
{
    for (*index = 0; *index < gdb->machine->vcpus.count; ++*index)
        if (gdb->threads[*index].waiting)
            return true;
    return false;
}

// What it has stopped for, which the peer then knows.
static void put_thread(struct gdb *gdb, unsigned index)
{
    struct gdb_thread *t = &gdb->threads[index];
    t->waiting = false;
    gdb->notifying = true;
    if (t->news == GDB_NO_NEWS)
        put_stop(gdb, index, t->signal);
    else if (t->news == GDB_LIBRARIES_ONLY)
        put_libraries(gdb, index);
    else
        put_news(gdb, index);
}

void gdb_notify(struct gdb *gdb)
{
    unsigned index;
    if (gdb->notifying || !find_waiting(gdb, &index))
        return;
    gdb_begin_notification(&gdb->out);
    gdb_put_text(&gdb->out, "Stop:");
    put_thread(gdb, index);
    gdb_end(&gdb->out);
}

static void thread_stopped(struct gdb *gdb, unsigned index, unsigned signal)
{
    struct gdb_thread *t = &gdb->threads[index];
    t->stopped = t->waiting = t->reported = true;
    t->news = GDB_NO_NEWS;
    t->signal = (uint8_t)signal;
}

// vStopped: the peer has seen the one before. Others have a notification each: GDB 13.1 that connects fails an assertion when there
// is more than one in the answer.
void gdb_next_stop(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb->notifying = false;
    gdb_reply(gdb, "OK");
    gdb_notify(gdb);
}

static void look_for_stopped(struct gdb *gdb)
{
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        enum gdb_after_news news;
        if (gdb_cpu(gdb, i)->stop.reason == VCPU_RUNS || gdb->threads[i].stopped)
            continue;
        gdb_stop_vcpus(gdb);
        bool passed = pass_own_stop(gdb, gdb_cpu(gdb, i), &news);
        gdb_restart_vcpus(gdb);
        if (passed && news == GDB_NO_NEWS) {
            vcpu_hold(gdb_cpu(gdb, i), false);
            continue;
        }
        thread_stopped(gdb, i, GDB_SIGTRAP);
        gdb->threads[i].news = news;
        if (news == GDB_STOP_FOLLOWS || news == GDB_RUNS_ON)
            gdb_forget_libraries(gdb);
    }
    gdb_notify(gdb);
}

void gdb_stop_thread(struct gdb *gdb, unsigned index, unsigned signal)
{
    if (gdb->threads[index].stopped)
        return;
    vcpu_hold(gdb_cpu(gdb, index), true);
    thread_stopped(gdb, index, signal);
}

void gdb_interrupt_non_stop(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_stop_vcpus(gdb);
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++)
        gdb_stop_thread(gdb, i, GDB_SIGINT);
    gdb_restart_vcpus(gdb);
    gdb_reply(gdb, "OK");
    gdb_notify(gdb);
}

void gdb_set_non_stop(struct gdb *gdb, bool on)
{
    gdb->non_stop = gdb->machine->stops_one_cpu = on;
    bool paused = machine_state(gdb->machine) != RUN_RUNNING;
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        gdb->threads[i] = (struct gdb_thread){.stopped = on && paused};
        if (on && paused)
            vcpu_hold(gdb_cpu(gdb, i), true);
    }
}

// --- state ---------------------------------------------------------------------------------------------------------

// The program ends.
static void report_end(struct gdb *gdb)
{
    gdb->running = gdb->asked = false;
    if (gdb->non_stop)
        return; // the connection's end says it
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "W%02x", (unsigned)atomic_load(&gdb->machine->exit_status) & 0xff);
    if (gdb->multiprocess)
        gdb_put_format(&gdb->out, ";process:%x", GDB_PROCESS);
    gdb_end(&gdb->out);
}

static bool ends(struct machine *machine)
{
    bool by_guest = atomic_load(&machine->shutdown_reason) != SHUTDOWN_HOST;
    return machine_state(machine) == RUN_SHUTDOWN && !(by_guest && machine->no_guest_shutdown_exit);
}

// The monitor runs the guest while the peer believes that it stands still, and is to hear of modules later.
static void pass_unheard(struct gdb *gdb)
{
    bool some = false, others = false;
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        struct vcpu *cpu = gdb_cpu(gdb, i);
        if (gdb_is_module_stop(gdb, cpu))
            gdb_pass_module_stop(gdb, cpu);
        else if (cpu->stop.reason == VCPU_RUNS || gdb->threads[i].reported)
            continue;
        others |= cpu->stop.reason != VCPU_RUNS;
        if (cpu->stop.reason == VCPU_RUNS) {
            vcpu_hold(cpu, false);
            some = true;
        }
    }
    if (some && !others)
        machine_resume_free(gdb->machine);
}

void gdb_machine_changed(struct gdb *gdb, bool stops)
{
    enum run_state state = machine_state(gdb->machine);
    unsigned index;
    if (!gdb->connected)
        return;
    if (ends(gdb->machine) && (gdb->running || gdb->asked))
        report_end(gdb);
    else if (gdb->non_stop)
        look_for_stopped(gdb);
    else if (state == RUN_RUNNING)
        gdb->runs_on = true;
    else if ((gdb->running || gdb->asked) && (stops || !find_stopped(gdb, &index))) // else that comes next
        report_stop(gdb, gdb->asked ? GDB_SIGTRAP : GDB_SIGINT);
    else if (!gdb->running && !gdb->asked && stops)
        pass_unheard(gdb);
    gdb_flush(gdb);
}

void gdb_interrupt(struct gdb *gdb)
{
    if (gdb->non_stop)
        return;
    gdb->interrupted = gdb->running;
    if (gdb->running && machine_state(gdb->machine) != RUN_RUNNING)
        gdb_machine_changed(gdb, true); // somebody else has paused it before
    else if (gdb->running)
        machine_pause(gdb->machine);
}

// '?'
void gdb_ask_state(struct gdb *gdb, const char *text)
{
    unsigned index;
    (void)text;
    gdb_search_kernel(gdb);
    if (gdb->non_stop) {
        for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
            gdb->threads[i].waiting = gdb->threads[i].stopped;
            gdb->threads[i].news = GDB_NO_NEWS;
        }
        gdb->notifying = false;
        if (!find_waiting(gdb, &index)) {
            gdb_reply(gdb, "OK");
            return;
        }
        gdb_begin(&gdb->out);
        put_thread(gdb, index);
        gdb_end(&gdb->out);
        return;
    }
    if (machine_state(gdb->machine) == RUN_RUNNING) {
        gdb->asked = true;
        machine_pause(gdb->machine);
        return;
    }
    // What was told to another peer is told to this one.
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++)
        gdb->threads[i].reported = false;
    report_stop(gdb, GDB_SIGTRAP);
}
