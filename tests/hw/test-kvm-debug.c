// SPDX-License-Identifier: MIT
// Debuggers' stops under KVM, with a processor of the test's own in the place of the kernel's: one that knows NOP, a store of the
// program's to STORED, and INT3.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "bare-machine.h"
#include "hw/kvm/debug-plan.h"
#include "hw/kvm/debug.h"

enum { NOP = 0x90, STORE = 0x88, INT3 = 0xcc };
// Virtual addresses: the program, the same again, and what is not mapped at first. Physical ones are BARE_RAM_BASE more.
enum { ALIAS = 0x1000, LATER = 0x2000, STORED = 0x800, END = 64 };

static struct machine *machine;
static struct kvm_accel kvm;
static struct kvm_vcpu k;
static struct vcpu vcpu;
static struct kvm_debug_limits limits;
static struct kernel {
    uint64_t pc, base; // where the program runs
    struct kvm_debug_wish wish;
    struct kvm_debug_event event;
    unsigned executed, planted; // instructions; breakpoint instructions that were seen in memory
    unsigned traps;             // INT3s that the guest has taken
    unsigned quiet;             // KVM_RUNs without interrupts
    uint8_t value;              // of the next store
    bool mapped, refuses;
    bool before;                // watchpoints are found before the access
} kernel;

static uint8_t *program(uint64_t offset)
{
    return memory_map_find(machine->map, BARE_RAM_BASE)->host + offset;
}

// --- the kernel's part -----------------------------------------------------------------------------------------------

static void probe(const struct kvm_vm *vm, struct kvm_debug_limits *to)
{
    (void)vm;
    *to = limits;
}

static uint64_t pc(struct kvm_vcpu *of)
{
    (void)of;
    return kernel.pc;
}

static bool locate(struct kvm_vcpu *of, uint64_t gva, uint64_t *gpa)
{
    (void)of;
    *gpa = BARE_RAM_BASE + gva % ALIAS;
    return gva < LATER || (kernel.mapped && gva < LATER + ALIAS);
}

static int set(struct kvm_vcpu *of, const struct kvm_debug_wish *wish)
{
    (void)of;
    if (kernel.refuses)
        return -EINVAL;
    kernel.wish = *wish;
    return 0;
}

static struct kvm_debug_event event(const struct kvm_vcpu *of)
{
    (void)of;
    return kernel.event;
}

static int give_back(struct kvm_vcpu *of, const struct kvm_debug_event *what)
{
    (void)of;
    cr_expect(what->software);
    kernel.traps++;
    kernel.pc++;
    return 0;
}

static uint32_t registers_hit(unsigned kind, uint64_t address)
{
    uint32_t hit = 0;
    for (unsigned i = 0; i < KVM_DEBUG_REGISTERS; i++) {
        const struct kvm_debug_register *r = &kernel.wish.registers[i];
        bool watched = kind != KVM_DEBUG_EXECUTE && r->kind != KVM_DEBUG_EXECUTE;
        if (r->bytes && (r->kind == kind || watched) && address - r->address < r->bytes)
            hit |= UINT32_C(1) << i;
    }
    return hit;
}

// Until there is something to tell. False: the program is at its end.
static bool kvm_run_once(void)
{
    kernel.quiet += kernel.wish.quiet;
    while (kernel.pc - kernel.base < END) {
        uint8_t *at = program(kernel.pc % ALIAS);
        kernel.event = (struct kvm_debug_event){.pc = kernel.pc, .registers = registers_hit(KVM_DEBUG_EXECUTE, kernel.pc)};
        for (unsigned i = 0; i < END; i++)
            kernel.planted += *program(i) == INT3;
        if (kernel.event.registers)
            return true;
        if (*at == INT3 && kernel.wish.software) {
            kernel.event.software = true;
            return true;
        }
        kernel.traps += *at == INT3;
        if (*at == STORE && kernel.before && (kernel.event.registers = registers_hit(KVM_DEBUG_ACCESS, STORED))) {
            kernel.event.before = kernel.event.write = true;
            return true;
        }
        if (*at == STORE) {
            *program(STORED) = kernel.value;
            kernel.event.registers = registers_hit(KVM_DEBUG_ACCESS, STORED);
        }
        kernel.executed++;
        kernel.event.pc = ++kernel.pc;
        kernel.event.stepped = kernel.wish.step;
        if (kernel.event.registers || kernel.event.stepped)
            return true;
    }
    return false;
}

static const struct kvm_debug_ops debug_ops = {.instruction = {INT3}, .instruction_bytes = 1, .probe = probe, .pc = pc, .locate = locate,
                                               .set = set, .event = event, .give_back = give_back};
static const struct kvm_guest_ops guest_ops = {.debug = &debug_ops};

// --- the vCPU --------------------------------------------------------------------------------------------------------

static uint64_t get_pc(const struct vcpu *of)
{
    (void)of;
    return kernel.pc;
}

static void nothing(struct vcpu *of)
{
    (void)of;
}

static const struct vcpu_ops vcpu_ops = {.arch = "none", .get_pc = get_pc, .destroy = nothing};

static bool at_end(void)
{
    return kernel.pc - kernel.base >= END;
}

// Until the next stop. False: the program has ended.
static bool go(void)
{
    vcpu.pass_stops |= vcpu.stop.before;
    vcpu.stop = (struct vcpu_stop){0};
    while (vcpu.stop.reason == VCPU_RUNS && !at_end()) {
        kvm_debug_begin(&kvm, &k);
        while (!k.leaves && !at_end()) {
            kvm_debug_enter(&kvm, &k);
            if (k.leaves)
                break;
            if (kvm_run_once())
                kvm_debug_exit(&kvm, &k);
            kvm_debug_left(&kvm, &k);
        }
        kvm_debug_end(&kvm, &k);
        kvm_debug_settle(&k);
    }
    return vcpu.stop.reason != VCPU_RUNS;
}

static struct stop stop_at(enum stop_kind kind, uint64_t address, uint64_t length)
{
    return (struct stop){.kind = kind, .address = address, .length = length, .address_mask = ~UINT64_C(0)};
}

static struct stop *add(enum stop_kind kind, uint64_t address, uint64_t length)
{
    struct stop stop = stop_at(kind, address, length);
    return stops_add(&machine->stops, &stop);
}

static void expect_stop_at(uint64_t address)
{
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_AT_BREAKPOINT);
    cr_expect_eq(kernel.pc, address, "0x%lx", (unsigned long)kernel.pc);
    cr_expect_eq(vcpu.stop.address, address);
    cr_expect(vcpu.stop.before);
    for (unsigned i = 0; i < END; i++)
        cr_expect_neq(*program(i), INT3, "%u", i);
}

static void begin(void)
{
    machine = bare_machine_create();
    limits = (struct kvm_debug_limits){.breakpoints = 4, .watchpoints = 4, .together = 4, .steps = true, .software = true};
    kernel = (struct kernel){0};
    vcpu = (struct vcpu){.ops = &vcpu_ops, .machine = machine, .powered_on = true};
    vcpu_group_add(&machine->vcpus, &vcpu);
    kvm = (struct kvm_accel){.guest = &guest_ops, .vm.machine = machine};
    k = (struct kvm_vcpu){.vcpu = &vcpu, .vm = &kvm.vm, .memory = machine->map};
    kvm_debug_init(&kvm);
    kvm_run_init();
    memset(program(0), NOP, END);
}

static void end(void)
{
    kvm_debug_forget_vcpu(&k);
    kvm_debug_destroy(&kvm);
    bare_machine_destroy(machine);
}

TestSuite(kvm_debug, .init = begin, .fini = end);

// The stop that a processor is at is passed by a step. One that waits to be started is at none, and INIT would take the step away.
Test(kvm_debug, who_waits_to_be_started_passes_no_stop)
{
    for (int powered = 0; powered < 2; powered++) {
        vcpu.powered_on = powered;
        vcpu.pass_stops = true;
        kvm_debug_begin(&kvm, &k);
        cr_expect_eq(vcpu.pass_stops, false, "nobody has stops: %d", powered);
        kvm_debug_end(&kvm, &k);
    }
    add(STOP_BREAKPOINT, 4, 0);
    for (int powered = 0; powered < 2; powered++) {
        vcpu.powered_on = powered;
        vcpu.pass_stops = true;
        kvm_debug_begin(&kvm, &k);
        cr_expect_eq(vcpu.pass_stops, powered == 1, "%d", powered);
        kvm_debug_end(&kvm, &k);
    }
}

// --- plans -----------------------------------------------------------------------------------------------------------

static bool below_256(void *opaque, const struct stop *s)
{
    (void)opaque;
    return s->address < 256;
}

static bool plan(struct kvm_debug_plan *p, unsigned cpu)
{
    return kvm_debug_plan_make(p, &machine->stops, cpu, &limits, below_256, NULL);
}

Test(kvm_debug, what_is_watched_is_cut_into_aligned_pieces)
{
    static const struct kvm_debug_register wanted[] = {{0x1003, 1, KVM_DEBUG_WRITE}, {0x1004, 4, KVM_DEBUG_WRITE},
                                                       {0x1008, 8, KVM_DEBUG_WRITE}};
    struct kvm_debug_plan p = {0};
    add(STOP_WATCH_WRITE, 0x1003, 13);
    cr_expect(plan(&p, 0));
    cr_expect_eq(p.count, 3);
    cr_expect_arr_eq(p.registers, wanted, sizeof(wanted));
    cr_expect(!p.steps);
    struct stop more = stop_at(STOP_WATCH_READ, 0x2000, 16);
    struct error error;
    cr_expect_lt(kvm_debug_can_stop(&kvm.accel, &more, &error), 0);
    cr_expect(strstr(error.text, "no registers left"));
    more.length = 8;
    cr_expect_eq(kvm_debug_can_stop(&kvm.accel, &more, &error), 0);
    cr_expect_lt(kvm_debug_can_stop(&kvm.accel, NULL, &error), 0);
    kvm_debug_plan_clear(&p);
}

Test(kvm_debug, registers_are_for_what_memory_cannot_hold)
{
    static const uint8_t wanted[] = {KVM_DEBUG_IN_REGISTER, KVM_DEBUG_IN_MEMORY, KVM_DEBUG_IN_MEMORY, KVM_DEBUG_IN_REGISTER,
                                     KVM_DEBUG_IN_REGISTER, KVM_DEBUG_NOWHERE};
    struct kvm_debug_plan p = {0};
    add(STOP_BREAKPOINT, 1, 0);
    add(STOP_BREAKPOINT, 2, 0);
    add(STOP_BREAKPOINT, 3, 0);
    add(STOP_BREAKPOINT, 0x300, 0);
    add(STOP_BREAKPOINT, 0x301, 0);
    add(STOP_WATCH_ACCESS, 0x400, 1);
    cr_expect(plan(&p, 0));
    cr_expect_arr_eq(p.places, wanted, sizeof(wanted));
    cr_expect(p.scarce && !p.steps);
    add(STOP_BREAKPOINT, 0x302, 0);
    add(STOP_BREAKPOINT, 0x303, 0)->context.cpu = 2;
    cr_expect(plan(&p, 0));
    cr_expect_eq(p.places[0], KVM_DEBUG_IN_MEMORY);
    cr_expect_eq(p.places[6], KVM_DEBUG_IN_REGISTER);
    cr_expect_eq(p.places[7], KVM_DEBUG_NOWHERE);
    cr_expect(!p.steps);
    cr_expect(plan(&p, 1));
    cr_expect(p.steps);
    limits.software = false;
    cr_expect(plan(&p, 0));
    cr_expect(p.steps);
    kvm_debug_plan_clear(&p);
}

Test(kvm_debug, what_one_vcpu_has_in_memory_all_know_of)
{
    struct kvm_debug_plan p = {0};
    for (unsigned i = 0; i < 3; i++)
        add(STOP_BREAKPOINT, i, 0);
    cr_expect(plan(&p, 1) && !p.scarce);
    add(STOP_WATCH_WRITE, 0x3fe, 4)->context.cpu = 1;
    cr_expect(plan(&p, 0) && p.scarce);
    cr_expect_eq(p.places[2], KVM_DEBUG_IN_MEMORY);
    cr_expect(plan(&p, 1) && p.scarce);
    cr_expect_eq(p.count, 3);
    kvm_debug_plan_clear(&p);
}

Test(kvm_debug, without_registers_that_watch_only_stores_are)
{
    struct kvm_debug_plan p = {0};
    struct error error;
    limits.watchpoints = 0;
    add(STOP_WATCH_WRITE, STORED, 8);
    cr_expect(plan(&p, 0));
    cr_expect(p.steps);
    cr_expect_eq(p.compared, 1);
    struct stop read = stop_at(STOP_WATCH_READ, STORED, 1);
    cr_expect_lt(kvm_debug_can_stop(&kvm.accel, &read, &error), 0);
    cr_expect(strstr(error.text, "what is read"));
    kvm_debug_plan_clear(&p);
}

// --- runs ------------------------------------------------------------------------------------------------------------

Test(kvm_debug, many_breakpoints_are_hit_in_turn)
{
    for (unsigned i = 0; i < 7; i++)
        add(STOP_BREAKPOINT, 3 * i, 0);
    for (unsigned i = 0; i < 7; i++) {
        expect_stop_at(3 * i);
        cr_expect_eq(machine->stops.items[i]->hits, 1);
        cr_expect_eq(vcpu.stop.id, machine->stops.items[i]->id);
    }
    cr_expect(!go());
    cr_expect_eq(kernel.executed, END);
    cr_expect(kernel.planted && !kernel.traps && kernel.quiet);
}

Test(kvm_debug, few_leave_memory_alone)
{
    for (unsigned i = 0; i < 4; i++)
        add(STOP_BREAKPOINT, i, 0);
    for (unsigned i = 0; i < 4; i++)
        expect_stop_at(i);
    cr_expect(!go());
    cr_expect_eq(kernel.planted, 0);
}

Test(kvm_debug, the_guests_own_breakpoint_instructions_are_its)
{
    for (unsigned i = 0; i < 6; i++)
        add(STOP_BREAKPOINT, 10 + i, 0);
    *program(2) = INT3;
    go();
    cr_expect_eq(kernel.pc, 10);
    cr_expect_eq(kernel.traps, 1);
    *program(2) = NOP;
}

Test(kvm_debug, code_at_another_address_goes_on)
{
    kernel.pc = kernel.base = ALIAS;
    for (unsigned i = 0; i < 8; i++)
        add(STOP_BREAKPOINT, i, 0);
    cr_expect(!go());
    cr_expect_eq(kernel.executed, END);
    cr_expect_eq(kernel.traps, 0);
}

static bool second_time(void *opaque, struct vcpu *of)
{
    unsigned *asked = opaque;
    cr_expect_eq(of, &vcpu);
    return ++*asked == 2;
}

Test(kvm_debug, what_does_not_count_goes_unseen)
{
    unsigned asked = 0;
    for (unsigned i = 0; i < 6; i++) {
        struct stop *s = add(STOP_BREAKPOINT, 2 * i, 0);
        s->condition = second_time;
        s->opaque = &asked;
    }
    expect_stop_at(2);
    cr_expect(!go());
    cr_expect_eq(asked, 6);
    cr_expect_eq(kernel.executed, END);
}

Test(kvm_debug, what_is_not_mapped_is_found_all_the_same)
{
    kernel.mapped = true;
    kernel.pc = kernel.base = LATER;
    for (unsigned i = 0; i < 8; i++)
        add(STOP_BREAKPOINT, LATER + 2 * i, 0);
    expect_stop_at(LATER);
    kernel.mapped = false; // and there is no place in memory
    for (unsigned i = 1; i < 8; i++)
        expect_stop_at(LATER + 2 * i);
    cr_expect(!go());
    cr_expect_eq(kernel.executed, END);
}

Test(kvm_debug, stores_are_told_from_loads_by_what_has_changed)
{
    *program(5) = STORE;
    *program(6) = STORE;
    kernel.value = 1;
    add(STOP_WATCH_ACCESS, STORED, 4);
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_HIT_WATCHPOINT);
    cr_expect_eq(kernel.pc, 6);
    cr_expect(vcpu.stop.write && !vcpu.stop.before);
    cr_expect_eq(vcpu.stop.address, STORED);
    cr_expect_eq(vcpu.stop.length, 4);
    cr_assert(go()); // the same value: as good as a load
    cr_expect_eq(kernel.pc, 7);
    cr_expect(!vcpu.stop.write);
    cr_expect(!go());
    stops_clear(&machine->stops);
    kernel.pc = 0;
    kernel.value = 2;
    add(STOP_WATCH_READ, STORED, 4);
    cr_assert(go());
    cr_expect_eq(kernel.pc, 7);
    cr_expect(!go());
}

Test(kvm_debug, accesses_are_found_before_they_are_made)
{
    kernel.before = true;
    *program(5) = STORE;
    kernel.value = 1;
    add(STOP_WATCH_ACCESS, STORED, 4);
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_HIT_WATCHPOINT);
    cr_expect_eq(kernel.pc, 5);
    cr_expect(vcpu.stop.write && vcpu.stop.before);
    cr_expect_eq(*program(STORED), 0);
    cr_expect(!go());
    cr_expect_eq(*program(STORED), 1);
    cr_expect_eq(kernel.executed, END);
    // One that does not count goes unseen.
    stops_clear(&machine->stops);
    kernel.pc = kernel.executed = 0;
    add(STOP_WATCH_READ, STORED, 4);
    cr_expect(!go());
    cr_expect_eq(kernel.executed, END);
}

Test(kvm_debug, instructions_of_words_are_at_words)
{
    static const struct kvm_debug_ops words = {.instruction = {1, 2, 3, 4}, .instruction_bytes = 4};
    struct kvm_plants *plants = kvm_plants_create(&words, machine->map);
    kvm_plants_enter(plants);
    cr_expect(!kvm_plants_can_add(plants, BARE_RAM_BASE + 2));
    cr_expect(!kvm_plants_can_add(plants, BARE_RAM_BASE + ((uint64_t)BARE_RAM_MIB << 20)));
    cr_expect(kvm_plants_can_add(plants, BARE_RAM_BASE + 4));
    kvm_plants_add(plants, BARE_RAM_BASE + 2);
    kvm_plants_add(plants, BARE_RAM_BASE + 4);
    cr_expect_arr_eq(program(0), ((uint8_t[]){NOP, NOP, NOP, NOP, 1, 2, 3, 4, NOP}), 9);
    kvm_plants_lift(plants, BARE_RAM_BASE + 4, true);
    cr_expect_eq(*program(4), NOP);
    kvm_plants_lift(plants, BARE_RAM_BASE + 4, false);
    cr_expect_eq(*program(7), 4);
    kvm_plants_leave(plants);
    for (unsigned i = 0; i < END; i++)
        cr_expect_eq(*program(i), NOP);
    kvm_plants_destroy(plants);
}

Test(kvm_debug, stores_are_compared_where_nothing_is_watched)
{
    limits.watchpoints = 0;
    *program(5) = STORE;
    *program(6) = STORE;
    kernel.value = 1;
    add(STOP_WATCH_WRITE, STORED - 3, 8);
    add(STOP_BREAKPOINT, 8, 0);
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_HIT_WATCHPOINT);
    cr_expect_eq(kernel.pc, 6);
    cr_expect_eq(vcpu.stop.address, STORED);
    expect_stop_at(8);
    cr_expect(!go());
}

Test(kvm_debug, steps)
{
    add(STOP_BREAKPOINT, 0, 0);
    add(STOP_BREAKPOINT, 5, 0);
    vcpu.step = (struct vcpu_step){.on = true};
    cr_assert(go()); // from a breakpoint
    cr_expect_eq(vcpu.stop.reason, VCPU_STEPPED);
    cr_expect_eq(kernel.pc, 1);
    cr_expect_eq(kernel.quiet, 1);
    vcpu.step.interrupts = true;
    cr_assert(go());
    cr_expect_eq(kernel.quiet, 1);
    vcpu.step = (struct vcpu_step){.on = true, .start = 2, .end = 10};
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_STEPPED);
    cr_expect_eq(kernel.pc, 5);
    cr_assert(go());
    cr_expect_eq(kernel.pc, 10);
    vcpu.step.on = false;
    cr_expect(!go());
    cr_expect(!kernel.wish.step);
}

Test(kvm_debug, an_arrival_is_seen_when_the_vcpu_comes_out)
{
    add(STOP_ARRIVAL, 4, 8);
    add(STOP_WATCH_WRITE, STORED, 1);
    *program(6) = STORE;
    cr_assert(go());
    cr_expect_eq(kernel.pc, 7);
    stops_remove(&machine->stops, machine->stops.items[1]);
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_AT_BREAKPOINT);
    cr_expect_eq(vcpu.stop.address, 7);
}

Test(kvm_debug, a_kernel_that_refuses_a_step_ends_it)
{
    kernel.refuses = true;
    vcpu.step = (struct vcpu_step){.on = true};
    cr_assert(go());
    cr_expect_eq(vcpu.stop.reason, VCPU_STEPPED);
    cr_expect_eq(kernel.pc, 0);
    vcpu.step.on = false;
    limits.software = false;
    for (unsigned i = 0; i < 6; i++)
        add(STOP_BREAKPOINT, 3 * i + 1, 0);
    vcpu.stop.before = true;
    cr_expect(!go());
}

// --- memory ----------------------------------------------------------------------------------------------------------

Test(kvm_debug, memory_is_as_it_was_when_nobody_runs)
{
    struct kvm_plants *plants = kvm_plants_create(&debug_ops, machine->map);
    kvm_plants_enter(plants);
    kvm_plants_enter(plants);
    cr_expect(kvm_plants_can_add(plants, BARE_RAM_BASE) && !kvm_plants_can_add(plants, 0));
    for (unsigned i = 0; i < 4; i++)
        kvm_plants_add(plants, BARE_RAM_BASE + i);
    kvm_plants_add(plants, 0);
    cr_expect_eq(*program(0), INT3);
    cr_expect(kvm_plants_has(plants, BARE_RAM_BASE + 3) && !kvm_plants_has(plants, BARE_RAM_BASE + 4));
    kvm_plants_lift(plants, BARE_RAM_BASE, true);
    cr_expect_eq(*program(0), NOP);
    kvm_plants_lift(plants, BARE_RAM_BASE, false);
    cr_expect_eq(*program(0), INT3);
    *program(1) = 0x41; // a device's write
    *program(2) = 0x42;
    kvm_plants_add(plants, BARE_RAM_BASE + 2);
    cr_expect_eq(*program(2), INT3);
    kvm_plants_leave(plants);
    cr_expect_eq(*program(3), INT3);
    kvm_plants_leave(plants);
    cr_expect_eq(*program(0), NOP);
    cr_expect_eq(*program(1), 0x41);
    cr_expect_eq(*program(2), 0x42);
    cr_expect_eq(*program(3), NOP);
    cr_expect(!kvm_plants_has(plants, BARE_RAM_BASE));
    kvm_plants_destroy(plants);
}
