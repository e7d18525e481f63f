// SPDX-License-Identifier: MIT
// Debuggers' stops and single steps (hw/core/stops.h), by KVM_SET_GUEST_DEBUG. debug-plan.h says how each stop is found.
//
// As with other engines, what has been found is noted in vcpu.stop, run() ends, and with the state at hand the contexts and conditions
// are asked. If none counts, the vCPU goes on unseen, over the instruction if it has not been executed.
//
// Arrivals are looked for when the vCPU has come out of KVM_RUN, which a timer sees to: they are seen up to some 0.1 ms late. To see
// them at once would take single steps from the machine's first instruction on.
#include "hw/kvm/debug.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "hw/kvm/debug-plan.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

struct kvm_debug {
    const struct kvm_debug_ops *ops; // NULL: the guest's family has none
    struct kvm_plants *plants;
    pthread_mutex_t mutex;
    bool probed;
    struct kvm_debug_limits limits;
};

struct kvm_vcpu_debug {
    struct kvm_debug_plan plan;
    uint8_t seen[KVM_DEBUG_REGISTERS][KVM_DEBUG_BYTES]; // what is watched, as it was last
    struct kvm_debug_wish told;  // the kernel knows
    bool active;                 // in this run(), there is something to look at
    bool arrived;                // somewhere
    bool stepped;                // an instruction, for somebody who asked for it
    bool stepping;               // at this KVM_RUN
    bool refused;                // by the kernel: the user has been told
    bool lifted, alone;          // there is no breakpoint at `step_gpa`; no other vCPU runs
    uint64_t step_from, step_gpa;
    bool has_event;
    struct kvm_debug_event event;
    enum { NO_TIMER_YET, HAS_TIMER, NO_TIMER } timer_state;
    timer_t timer;               // while arrivals are awaited
};

void kvm_debug_init(struct kvm_accel *kvm)
{
    kvm->debug = ALLOC(struct kvm_debug);
    kvm->debug->ops = kvm->guest->debug;
    pthread_mutex_init(&kvm->debug->mutex, NULL);
}

void kvm_debug_destroy(struct kvm_accel *kvm)
{
    if (!kvm->debug)
        return;
    kvm_plants_destroy(kvm->debug->plants);
    pthread_mutex_destroy(&kvm->debug->mutex);
    free(kvm->debug);
}

void kvm_debug_forget_vcpu(struct kvm_vcpu *k)
{
    if (!k->debug)
        return;
    if (k->debug->timer_state == HAS_TIMER)
        timer_delete(k->debug->timer);
    kvm_debug_plan_clear(&k->debug->plan);
    free(k->debug);
    k->debug = NULL;
}

// Hosts are asked when the first debugger comes.
static void prepare(struct kvm_accel *kvm)
{
    struct kvm_debug *debug = kvm->debug;
    pthread_mutex_lock(&debug->mutex);
    if (!debug->probed) {
        debug->plants = kvm_plants_create(debug->ops, kvm->vm.machine->map);
        debug->ops->probe(&kvm->vm, &debug->limits);
        debug->probed = true;
    }
    pthread_mutex_unlock(&debug->mutex);
}

// --- what can be done ------------------------------------------------------------------------------------------------

static bool anywhere(void *opaque, const struct stop *stop)
{
    (void)opaque;
    (void)stop;
    return true;
}

static bool fits(const struct kvm_debug *debug, const struct stops *stops, const struct vcpu_group *group)
{
    struct kvm_debug_plan plan = {0};
    bool good = true;
    for (unsigned i = 0; i < group->count && good; i++)
        good = kvm_debug_plan_make(&plan, stops, i, &debug->limits, anywhere, NULL);
    kvm_debug_plan_clear(&plan);
    return good;
}

int kvm_debug_can_stop(struct accel *accel, const struct stop *stop, struct error *error)
{
    struct kvm_accel *kvm = kvm_accel_of(accel);
    struct kvm_debug *debug = kvm->debug;
    if (!stop)
        return error_set(error, ENOTSUP, "KVM tells of no exceptions; -accel tcg does");
    if (debug->ops)
        prepare(kvm);
    if (!debug->limits.steps)
        return error_set(error, ENOTSUP, "this host's KVM does not debug guests; -accel tcg does");
    if (!stop_watches(stop->kind))
        return 0;
    if (!debug->limits.watchpoints && stop->kind != STOP_WATCH_WRITE)
        return error_set(error, ENOTSUP, "this host's KVM cannot watch what is read; -accel tcg does");
    const struct stops *now = &kvm->vm.machine->stops;
    struct stops all = {.items = ALLOC_ARRAY(struct stop *, now->count + 1), .count = now->count + 1};
    for (size_t i = 0; i < now->count; i++)
        all.items[i] = now->items[i];
    struct stop copy = *stop;
    all.items[now->count] = &copy;
    bool good = fits(debug, &all, &kvm->vm.machine->vcpus);
    free(all.items);
    return good ? 0 : error_set(error, ENOSPC, "the host's processors have no registers left to watch that many bytes");
}

// --- memory ----------------------------------------------------------------------------------------------------------

// What is watched never goes over the end of a page. False: it is not memory now.
static bool read_watched(struct kvm_accel *kvm, struct kvm_vcpu *k, const struct kvm_debug_register *piece, uint8_t *bytes)
{
    uint64_t gpa;
    if (!kvm->debug->ops->locate(k, piece->address, &gpa))
        return false;
    const struct mem_range *range = memory_map_find(k->memory, gpa);
    if (!range || !mem_range_direct_read(range) || range->base + range->size - gpa < piece->bytes)
        return false;
    memcpy(bytes, range->host + (gpa - range->base), piece->bytes);
    return true;
}

// Whether it is another value than last time, which is then forgotten.
static bool has_changed(struct kvm_accel *kvm, struct kvm_vcpu *k, unsigned i)
{
    struct kvm_vcpu_debug *d = k->debug;
    const struct kvm_debug_register *piece = &d->plan.registers[i];
    uint8_t now[KVM_DEBUG_BYTES];
    if (!read_watched(kvm, k, piece, now) || !memcmp(now, d->seen[i], piece->bytes))
        return false;
    memcpy(d->seen[i], now, piece->bytes);
    return true;
}

static void remember_watched(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    const struct kvm_debug_plan *plan = &k->debug->plan;
    for (unsigned i = 0; i < plan->count + plan->compared; i++)
        if (plan->registers[i].kind != KVM_DEBUG_EXECUTE)
            has_changed(kvm, k, i);
}

// --- the plan --------------------------------------------------------------------------------------------------------

struct place {
    struct kvm_accel *kvm;
    struct kvm_vcpu *k;
};

// The tables in use say where it is. Those of another address space are not looked for.
static bool can_plant(void *opaque, const struct stop *s)
{
    const struct place *p = opaque;
    const struct kvm_debug *debug = p->kvm->debug;
    uint64_t gpa;
    return !s->context.space_mask && debug->ops->locate(p->k, s->address, &gpa) && kvm_plants_can_add(debug->plants, gpa);
}

static void make_plan(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct kvm_debug *debug = kvm->debug;
    struct kvm_debug_plan *plan = &k->debug->plan;
    const struct stops *stops = &kvm->vm.machine->stops;
    struct place place = {kvm, k};
    kvm_debug_plan_make(plan, stops, k->vcpu->index, &debug->limits, can_plant, &place);
    for (size_t i = 0; i < plan->place_count; i++) {
        uint64_t gpa;
        if (plan->places[i] == KVM_DEBUG_IN_MEMORY && debug->ops->locate(k, stops->items[i]->address, &gpa))
            kvm_plants_add(debug->plants, gpa);
    }
}

// --- stopping --------------------------------------------------------------------------------------------------------

static void leave_with(struct kvm_vcpu *k, struct vcpu_stop stop)
{
    k->vcpu->stop = stop;
    k->leaves = true;
}

static bool stop_before(struct kvm_vcpu *k, uint64_t pc)
{
    if (!stops_maybe_at(&k->vcpu->machine->stops, pc))
        return false;
    leave_with(k, (struct vcpu_stop){.reason = VCPU_AT_BREAKPOINT, .before = true, .address = pc});
    return true;
}

// Where neither registers nor memory tell. Nothing is told of an instruction that is to be executed in any case.
static void look_around(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct vcpu *vcpu = k->vcpu;
    bool arrivals = vcpu->machine->stops.arrival_count;
    if ((!k->debug->plan.steps && !arrivals) || vcpu->step.on || vcpu->pass_stops || vcpu->stop.reason != VCPU_RUNS)
        return;
    uint64_t pc = kvm->debug->ops->pc(k);
    if (arrivals && stops_maybe_at(&vcpu->machine->stops, pc))
        k->debug->arrived = k->leaves = true; // an access may be unfinished: where it is will be seen then
    else if (k->debug->plan.steps)
        stop_before(k, pc);
}

// --- before KVM_RUN --------------------------------------------------------------------------------------------------

// A breakpoint that is in memory is not to be met by the step from there; others are to meet it.
static void lift(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct kvm_vcpu_debug *d = k->debug;
    struct vcpu_group *group = k->vcpu->group;
    d->lifted = kvm->debug->ops->locate(k, d->step_from, &d->step_gpa) && kvm_plants_has(kvm->debug->plants, d->step_gpa);
    d->alone = d->lifted && group->count > 1;
    if (d->alone)
        vcpu_exclusive_begin(group, k->vcpu);
    if (d->lifted)
        kvm_plants_lift(kvm->debug->plants, d->step_gpa, true);
}

static void put_down(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct kvm_vcpu_debug *d = k->debug;
    if (d->lifted)
        kvm_plants_lift(kvm->debug->plants, d->step_gpa, false);
    if (d->alone)
        vcpu_exclusive_end(k->vcpu->group, k->vcpu);
    d->lifted = d->alone = false;
}

static struct kvm_debug_wish make_wish(const struct kvm_vcpu *k)
{
    const struct vcpu *vcpu = k->vcpu;
    const struct kvm_vcpu_debug *d = k->debug;
    struct kvm_debug_wish wish = {0};
    if (!d->active)
        return wish;
    wish.step = d->stepping;
    wish.software = d->plan.scarce && !d->stepping;
    wish.quiet = vcpu->pass_stops || (vcpu->step.on && !vcpu->step.interrupts);
    for (unsigned i = 0; i < d->plan.count && !vcpu->pass_stops; i++)
        if (d->plan.registers[i].kind != KVM_DEBUG_EXECUTE || !vcpu->step.on)
            wish.registers[i] = d->plan.registers[i];
    return wish;
}

static bool is_told(const struct kvm_vcpu_debug *d, const struct kvm_debug_wish *wish)
{
    return wish->step == d->told.step && wish->software == d->told.software && wish->quiet == d->told.quiet &&
           !memcmp(wish->registers, d->told.registers, sizeof(wish->registers));
}

// What the kernel refuses is said once. The vCPU stops where it is if somebody waits for it to step, or else runs on.
static void tell(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct kvm_vcpu_debug *d = k->debug;
    struct kvm_debug_wish wish = make_wish(k);
    k->takes_none = wish.quiet;
    if (!d->stepping && is_told(d, &wish))
        return;
    d->told = wish;
    int status = kvm->debug->ops->set(k, &wish);
    if (status < 0) {
        if (!d->refused)
            fprintf(stderr, "lyrebird: KVM: processor %u cannot be debugged: %s\n", k->vcpu->index, strerror(-status));
        d->refused = true;
        put_down(kvm, k);
        k->vcpu->pass_stops = false;
        k->leaves = d->stepping;
        d->stepped = k->vcpu->step.on;
    }
}

// Without a timer, there are still the exits that come by themselves.
static void await_arrivals(struct kvm_vcpu *k, bool on)
{
    struct kvm_vcpu_debug *d = k->debug;
    if (!k->vcpu->machine->stops.arrival_count)
        return;
    if (d->timer_state == NO_TIMER_YET)
        d->timer_state = kvm_debug_timer_create(&d->timer, KVM_KICK_SIGNAL) ? HAS_TIMER : NO_TIMER;
    if (d->timer_state == HAS_TIMER)
        kvm_debug_timer_set(d->timer, on);
}

void kvm_debug_enter(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct kvm_vcpu_debug *d = k->debug;
    const struct vcpu *vcpu = k->vcpu;
    if (!d || !d->active)
        return;
    d->stepping = vcpu->step.on || vcpu->pass_stops || (d->plan.steps && !d->refused);
    d->has_event = false;
    if (d->stepping) {
        d->step_from = kvm->debug->ops->pc(k);
        if (d->plan.scarce)
            lift(kvm, k);
    }
    tell(kvm, k);
    await_arrivals(k, true);
}

static bool is_wanted(struct kvm_accel *kvm, const struct vcpu *vcpu)
{
    if (!kvm->debug->ops || (!vcpu->machine->stops.count && !vcpu->step.on))
        return false;
    prepare(kvm);
    return kvm->debug->limits.steps || vcpu->step.on;
}

void kvm_debug_begin(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    bool wanted = is_wanted(kvm, k->vcpu);
    k->leaves = k->takes_none = false;
    // One that waits to be started is at no stop: a step from there would end only with its first exit, past others.
    if (!wanted || !vcpu_is_powered_on(k->vcpu))
        k->vcpu->pass_stops = false;
    if (!k->debug && !wanted)
        return;
    if (!k->debug)
        k->debug = ALLOC(struct kvm_vcpu_debug);
    struct kvm_vcpu_debug *d = k->debug;
    d->active = wanted;
    d->arrived = d->stepped = d->stepping = d->has_event = false;
    if (wanted) {
        kvm_plants_enter(kvm->debug->plants);
        make_plan(kvm, k);
        remember_watched(kvm, k);
        look_around(kvm, k);
    } else {
        tell(kvm, k);
    }
}

// --- behind KVM_RUN --------------------------------------------------------------------------------------------------

void kvm_debug_exit(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    if (!k->debug)
        return;
    k->debug->event = kvm->debug->ops->event(k);
    k->debug->has_event = true;
}

static void hit(struct kvm_vcpu *k, unsigned i, bool write, bool before)
{
    const struct kvm_debug_register *piece = &k->debug->plan.registers[i];
    leave_with(k, (struct vcpu_stop){.reason = VCPU_HIT_WATCHPOINT, .before = before, .write = write, .address = piece->address,
                                     .length = piece->bytes});
}

static void compare(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    const struct kvm_debug_plan *plan = &k->debug->plan;
    for (unsigned i = plan->count; i < plan->count + plan->compared; i++)
        if (has_changed(kvm, k, i) && k->vcpu->stop.reason != VCPU_HIT_WATCHPOINT)
            hit(k, i, true, false);
}

// An instruction has been executed.
static void step_done(struct kvm_accel *kvm, struct kvm_vcpu *k, uint64_t pc)
{
    struct vcpu *vcpu = k->vcpu;
    if (vcpu->pass_stops)
        remember_watched(kvm, k);
    else
        compare(kvm, k);
    vcpu->pass_stops = false;
    k->debug->stepped = vcpu->step.on;
    bool inside = pc - vcpu->step.start < vcpu->step.end - vcpu->step.start;
    if (vcpu->step.on && (!inside || stops_maybe_at(&vcpu->machine->stops, pc)))
        k->leaves = true;
}

// Taken at once, it is what the step has done.
static void give_back(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    int status = kvm->debug->ops->give_back(k, &k->debug->event);
    if (status < 0)
        kvm_fail(k, "the host does not take back an exception of the guest's own");
    else if (k->debug->stepping && kvm->debug->ops->pc(k) != k->debug->event.pc)
        step_done(kvm, k, kvm->debug->ops->pc(k));
}

// Others may have that code at another address, where nobody stops.
static void take_software(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    uint64_t pc = k->debug->event.pc, gpa;
    bool ours = kvm->debug->ops->locate(k, pc, &gpa) && kvm_plants_has(kvm->debug->plants, gpa);
    if (!ours)
        give_back(kvm, k);
    else if (!stop_before(k, pc))
        k->vcpu->pass_stops = true;
}

// A register that finds accesses may not say of which kind: then what has changed has been written to.
static void take_registers(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    const struct kvm_vcpu_debug *d = k->debug;
    for (unsigned i = 0; i < d->plan.count; i++) {
        const struct kvm_debug_register *r = &d->told.registers[i];
        if (!(d->event.registers >> i & 1) || !r->bytes)
            continue;
        bool stopped = k->vcpu->stop.reason == VCPU_HIT_WATCHPOINT;
        if (r->kind == KVM_DEBUG_EXECUTE) {
            if (!stopped && !stop_before(k, d->event.pc))
                k->vcpu->pass_stops = true; // it finds more than one address
            continue;
        }
        bool write = d->event.before ? d->event.write : has_changed(kvm, k, i) || r->kind == KVM_DEBUG_WRITE;
        if (!stopped || write)
            hit(k, i, write, d->event.before);
    }
}

static void take_event(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    const struct kvm_vcpu_debug *d = k->debug;
    bool ours = false;
    if (d->event.software) {
        take_software(kvm, k);
        return;
    }
    for (unsigned i = 0; i < KVM_DEBUG_REGISTERS; i++)
        ours |= (d->event.registers >> i & 1) && d->told.registers[i].bytes;
    if (ours)
        take_registers(kvm, k);
    else if (!d->event.stepped || !d->stepping)
        give_back(kvm, k);
}

void kvm_debug_left(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    struct kvm_vcpu_debug *d = k->debug;
    if (!d || !d->active)
        return;
    if (d->stepping && !d->has_event)
        kvm_finish_access(kvm, k); // after which the step is at its end
    if (d->stepping) {
        uint64_t pc = kvm->debug->ops->pc(k);
        if ((d->has_event && d->event.stepped) || pc != d->step_from)
            step_done(kvm, k, pc);
        put_down(kvm, k);
    }
    if (d->has_event)
        take_event(kvm, k);
    else if (d->plan.scarce)
        make_plan(kvm, k); // pages may have come
    d->has_event = false;
    look_around(kvm, k);
}

// --- the end of a run ------------------------------------------------------------------------------------------------

void kvm_debug_end(struct kvm_accel *kvm, struct kvm_vcpu *k)
{
    if (!k->debug || !k->debug->active)
        return;
    if (k->debug->has_event) // of an access that has come to its end only now
        take_event(kvm, k);
    await_arrivals(k, false);
    kvm_plants_leave(kvm->debug->plants);
}

void kvm_debug_settle(struct kvm_vcpu *k)
{
    struct vcpu *vcpu = k->vcpu;
    struct kvm_vcpu_debug *d = k->debug;
    if (!d || !d->active)
        return;
    d->active = false;
    if (d->arrived && vcpu->stop.reason == VCPU_RUNS)
        vcpu->stop = (struct vcpu_stop){.reason = VCPU_AT_BREAKPOINT, .before = true, .address = vcpu->ops->get_pc(vcpu)};
    vcpu_stop_settle(vcpu, d->stepped);
}
