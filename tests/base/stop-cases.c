// SPDX-License-Identifier: MIT
#include "tests/base/stop-cases.h"

#include <inttypes.h>
#include <stdio.h>

#include "tcg/base/bits.h"

enum { FEW = 3 }; // slices where each stop is seen

static bool good;

#define EXPECT(condition, ...)                                                                                        \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            printf("line %d: %s: ", __LINE__, #condition);                                                            \
            printf(__VA_ARGS__);                                                                                      \
            putchar('\n');                                                                                            \
            good = false;                                                                                             \
        }                                                                                                             \
    } while (0)

// --- running ---------------------------------------------------------------------------------------------------------

static const struct stop_guest *g;

static const struct debug_ops *ops(void)
{
    return g->vcpu->ops->debug;
}

static struct stops *stops(void)
{
    return &g->machine->machine->stops;
}

static uint64_t pc(void)
{
    return g->vcpu->ops->get_pc(g->vcpu);
}

static uint64_t process(void)
{
    uint64_t value = 0;
    EXPECT(debug_read_register(g->vcpu, g->process, &value), "%s", g->process);
    return value;
}

static bool goes_on(void *opaque)
{
    (void)opaque;
    return g->vcpu->stop.reason == VCPU_RUNS && !g->has_ended(g->opaque);
}

// Until the next stop. False: the program has ended.
static bool run(void)
{
    g->vcpu->pass_stops = g->vcpu->stop.before;
    g->vcpu->stop = (struct vcpu_stop){0};
    if (!test_machine_run(g->machine, g->vcpu, goes_on, NULL)) {
        EXPECT(false, "it does not end, pc 0x%" PRIx64, pc());
        return false;
    }
    return g->vcpu->stop.reason != VCPU_RUNS;
}

static void begin(uint32_t slices)
{
    stops_clear(stops());
    stops()->catch_count = 0;
    g->vcpu->step = (struct vcpu_step){0};
    g->start(g->opaque, slices);
}

static void expect_end(void)
{
    EXPECT(g->has_ended(g->opaque) && g->has_passed(g->opaque), "its own checks");
}

static struct stop_context in_space(unsigned index)
{
    return (struct stop_context){.space = g->spaces[index], .space_mask = ops()->space_tables | ops()->space_id};
}

static struct stop at(enum stop_kind kind, uint64_t address, uint64_t length, struct stop_context context)
{
    return (struct stop){.kind = kind, .address = address, .length = length, .address_mask = ~UINT64_C(0), .context = context};
}

// --- very many executions ------------------------------------------------------------------------------------------------

struct count {
    uint64_t process, others; // executions where the register was this, and something else
    uint64_t wanted;
};

static bool count(void *opaque, struct vcpu *cpu)
{
    struct count *c = opaque;
    (void)cpu;
    bool is = (process() & ~(uint64_t)STOP_IN_KERNEL) == c->wanted;
    c->process += is;
    c->others += !is;
    return false;
}

// One that counts all that it is asked about, and stops nothing.
static const struct stop *add_counter(enum stop_kind kind, struct stop_context context, struct count *counter)
{
    bool code = kind == STOP_BREAKPOINT;
    struct stop s = at(kind, code ? g->loop : g->data, code ? 0 : g->data_length, context);
    s.condition = count;
    s.opaque = counter;
    return stops_add(stops(), &s);
}

static void check_many(enum stop_kind kind, uint32_t slices)
{
    uint64_t executions = (uint64_t)slices * (STOP_SLICE + 1);
    struct count first = {.wanted = 1}, second = {.wanted = 2}, nowhere = {0};
    begin(slices);
    struct stop_context other = in_space(0), other_cpu = {.cpu = 2}, secure = {.security = STOP_SECURE};
    other.space ^= UINT64_C(1) << 20; // tables that there are none at
    add_counter(kind, in_space(0), &first);
    add_counter(kind, other, &nowhere);
    add_counter(kind, other_cpu, &nowhere);
    add_counter(kind, secure, &nowhere);
    if (kind != STOP_BREAKPOINT)
        add_counter(kind, in_space(1), &second);
    EXPECT(!run(), "stopped at 0x%" PRIx64, pc());
    EXPECT(first.process == executions && !first.others, "%" PRIu64 " and %" PRIu64 " of others", first.process, first.others);
    if (kind != STOP_BREAKPOINT)
        EXPECT(second.process == executions && !second.others, "%" PRIu64 " and %" PRIu64 " of others", second.process,
               second.others);
    EXPECT(!nowhere.process && !nowhere.others, "%" PRIu64 " stops elsewhere", nowhere.process + nowhere.others);
    expect_end();
}

// --- each stop ------------------------------------------------------------------------------------------------------------

static void check_breakpoint(void)
{
    unsigned hits = 0;
    begin(FEW);
    struct stop s = at(STOP_BREAKPOINT, g->loop, 0, in_space(1));
    unsigned id = stops_add(stops(), &s)->id;
    for (; run(); hits++) {
        EXPECT(g->vcpu->stop.reason == VCPU_AT_BREAKPOINT && g->vcpu->stop.id == id, "%d", g->vcpu->stop.reason);
        EXPECT(pc() == g->loop && (process() & 3) == 2, "0x%" PRIx64 " in process %" PRIu64, pc(), process());
    }
    EXPECT(hits == FEW * (STOP_SLICE + 1), "%u", hits);
    expect_end();
}

static void check_privilege(bool user)
{
    unsigned hits = 0;
    begin(FEW);
    uint32_t levels = user ? BIT32(g->user) : ~BIT32(g->user) & 15;
    struct stop s = at(STOP_BREAKPOINT, g->loop, 0, (struct stop_context){.privileges = levels});
    stops_add(stops(), &s);
    for (; run(); hits++)
        EXPECT(!(process() & STOP_IN_KERNEL) == user, "process %" PRIu64, process());
    EXPECT(hits == 2 * FEW * (user ? STOP_SLICE : 1), "%u", hits);
    expect_end();
}

static void check_watchpoint(void)
{
    unsigned hits = 0;
    begin(FEW);
    struct stop reads = at(STOP_WATCH_READ, g->data + g->data_length, 8, in_space(0)); // what is behind
    struct stop writes = at(STOP_WATCH_WRITE, g->data + g->data_length - 1, 1, in_space(0));
    stops_add(stops(), &reads);
    stops_add(stops(), &writes);
    for (; run(); hits++) {
        EXPECT(g->vcpu->stop.reason == VCPU_HIT_WATCHPOINT && g->vcpu->stop.write, "%d", g->vcpu->stop.reason);
        EXPECT((process() & 3) == 1 && g->vcpu->stop.before == !g->watch_after, "process %" PRIu64, process());
        EXPECT(g->watch_after ? pc() > g->store : pc() == g->store, "pc 0x%" PRIx64, pc());
    }
    EXPECT(hits == FEW * (STOP_SLICE + 1), "%u", hits);
    expect_end();
}

static void check_catch(void)
{
    unsigned hits = 0;
    begin(FEW);
    EXPECT(ops()->find_exception(g->system_call, &stops()->catches[0]), "%s", g->system_call);
    stops()->catch_count = 1;
    for (; run(); hits++) {
        const struct debug_exception_log *log = &g->vcpu->exceptions;
        const struct debug_exception *last = &log->entries[(g->vcpu->stop.exception - 1) % DEBUG_EXCEPTIONS];
        EXPECT(g->vcpu->stop.reason == VCPU_TOOK_EXCEPTION && pc() == g->handler, "0x%" PRIx64, pc());
        EXPECT(last->from == g->user && last->number == log->count, "from %u", last->from);
    }
    EXPECT(hits == 2 * FEW, "%u", hits);
    expect_end();
}

// --- single steps -----------------------------------------------------------------------------------------------------

// Each instruction by itself from one end to the other, over changes of the address space and of privilege.
static void check_steps(void)
{
    unsigned in_loop[2] = {0}, steps = 0;
    begin(FEW);
    g->vcpu->step.on = true;
    for (; run(); steps++) {
        EXPECT(g->vcpu->stop.reason == VCPU_STEPPED, "%d", g->vcpu->stop.reason);
        if (pc() == g->loop && ops()->privilege(g->vcpu) == g->user)
            in_loop[process() == 2]++;
        if (!good)
            break;
    }
    EXPECT(in_loop[0] == FEW * STOP_SLICE && in_loop[1] == FEW * STOP_SLICE, "%u, %u of %u", in_loop[0], in_loop[1], steps);
    expect_end();
}

// Stops at the loop in process 1.
static void go_to_loop(void)
{
    begin(FEW);
    struct stop s = at(STOP_BREAKPOINT, g->loop, 0, in_space(0));
    struct stop *added = stops_add(stops(), &s);
    EXPECT(run(), "no stop");
    stops_remove(stops(), added);
}

static void check_range_steps(void)
{
    go_to_loop();
    g->vcpu->step = (struct vcpu_step){.on = true, .start = g->loop, .end = g->loop_end};
    EXPECT(run() && g->vcpu->stop.reason == VCPU_STEPPED && pc() == g->loop_end, "pc 0x%" PRIx64, pc());
    // A breakpoint inside counts.
    go_to_loop();
    struct stop s = at(STOP_BREAKPOINT, g->store, 0, (struct stop_context){0});
    stops_add(stops(), &s);
    EXPECT(run() && pc() == g->store, "pc 0x%" PRIx64, pc());
    stops_clear(stops());
    g->vcpu->step = (struct vcpu_step){0};
    EXPECT(!run(), "stopped at 0x%" PRIx64, pc());
    expect_end();
}

static void check_steps_and_interrupts(void)
{
    go_to_loop();
    g->interrupt(g->opaque, true);
    g->vcpu->step = (struct vcpu_step){.on = true};
    EXPECT(run() && pc() > g->loop && pc() < g->loop_end, "masked, pc 0x%" PRIx64, pc());
    g->vcpu->step.interrupts = true;
    EXPECT(run() && g->vcpu->stop.reason == VCPU_STEPPED && pc() == g->interrupt_handler, "not masked, pc 0x%" PRIx64, pc());
    g->interrupt(g->opaque, false);
}

bool stop_cases_run(const struct stop_guest *guest, uint32_t slices)
{
    g = guest;
    good = true;
    check_many(STOP_BREAKPOINT, slices);
    check_many(STOP_WATCH_WRITE, slices / 10 + 1);
    check_breakpoint();
    check_privilege(true);
    check_privilege(false);
    check_watchpoint();
    check_catch();
    check_steps();
    check_range_steps();
    check_steps_and_interrupts();
    return good;
}
