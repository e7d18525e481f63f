// SPDX-License-Identifier: MIT
// The run loop of the translating accelerators, and what the program sees of them.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"
#include "tcg/fp-flags.h"
#include "tcg/exec/private.h"

void tcg_leave(struct tcg_cpu *cpu)
{
    cpu->slow_frame = NULL;
    longjmp(cpu->leave, 1);
}

uint64_t tcg_block_flags(const struct tcg_cpu *cpu)
{
    return cpu->code_context->flags;
}

void tcg_modes_changed(struct tcg_cpu *cpu)
{
    code_table_select(cpu, cpu->guest->code_space(cpu), cpu->guest->block_flags(cpu));
}

static void log_entry(const struct tcg_cpu *cpu, uint64_t pc)
{
    if (log_enabled(LOG_EXEC) && log_address_wanted(pc))
        log_printf(LOG_EXEC, "cpu %u: block 0x%llx\n", cpu->vcpu.index, (unsigned long long)pc);
    FILE *out = log_lock(LOG_CPU);
    if (out) {
        cpu->vcpu.ops->print_registers((struct vcpu *)&cpu->vcpu, out);
        log_unlock(out);
    }
}

const uint8_t *tcg_fetch_host(struct tcg_cpu *cpu, uint64_t pc)
{
    struct tlb_fetched f;
    if (!tlb_fetch(cpu, pc, &f))
        tcg_leave(cpu);
    return cpu->engine->ram->host + f.ram_offset;
}

void tcg_discard_code(struct tcg_cpu *cpu, uint64_t pc)
{
    cache_invalidate(cpu->engine, (uint64_t)(tcg_fetch_host(cpu, pc) - cpu->engine->ram->host), 1);
}

// The block to run next, or NULL when an exception was taken instead.
static struct tcg_block *next_block(struct tcg_cpu *cpu)
{
    uint64_t pc = tcg_get_pc(cpu);
    struct tlb_fetched f;
    cpu->lookups++;
    if (!tlb_fetch(cpu, pc, &f))
        return NULL;
    if (cpu->engine->stops.armed.count)
        stops_fetched(cpu, pc, f.ram_offset);
    if (cpu->single_begun)
        return cache_get(cpu, pc, f.ram_offset, tlb_fetched_flags(cpu, &f) | TCG_FLAG_SINGLE);
    struct tcg_block *b = cache_get(cpu, pc, f.ram_offset, tlb_fetched_flags(cpu, &f));
    bool shared = cpu->code_context->space == 0;
    bool logging = log_enabled(LOG_EXEC | LOG_CPU);
    // Another vCPU may discard the block meanwhile; its entry then leads back here.
    if (!cpu->engine->interp && (f.global || !shared) && !logging)
        code_table_insert(cpu, pc, b->code.entry + cpu->engine->buffers.exec_delta, f.flushes);
    return b;
}

static bool should_return(struct tcg_cpu *cpu)
{
    return atomic_load_explicit(&cpu->vcpu.exit_request, memory_order_relaxed) || cpu->vcpu.halted;
}

void tcg_do_alone(struct tcg_cpu *cpu)
{
    if (cpu->others_stopped)
        return;
    cpu->alone = true;
    cpu->guest->stored_into_own_block(cpu);
    cpu->single_begun = false;
    tcg_leave(cpu);
}

// Stops the other vCPUs for one block, when that was asked for. False when the block went meanwhile.
static bool begin_alone(struct tcg_cpu *cpu, const struct tcg_block *b, uint64_t flushes)
{
    if (!cpu->alone)
        return true;
    vcpu_exclusive_begin(cpu->vcpu.group, &cpu->vcpu);
    cpu->others_stopped = true;
    return flushes == cpu->engine->flushes && !b->dead;
}

static void end_alone(struct tcg_cpu *cpu)
{
    if (!cpu->others_stopped)
        return;
    cpu->alone = cpu->others_stopped = false;
    vcpu_exclusive_end(cpu->vcpu.group, &cpu->vcpu);
}

// In this order, with a full barrier at the end: an invalidation before it is seen by every access in the code, and one
// after it finds in_code set.
static void enter_code(struct tcg_cpu *cpu)
{
    atomic_store_explicit(&cpu->tlb_stale, false, memory_order_relaxed);
    atomic_store(&cpu->in_code, true);
}

static void leave_code(struct tcg_cpu *cpu)
{
    atomic_store_explicit(&cpu->in_code, false, memory_order_release);
}

static void loop(struct tcg_cpu *cpu)
{
    struct tcg_engine *e = cpu->engine;
    struct tcg_exit *link = NULL;
    while (!should_return(cpu)) {
        if (cpu->guest->take_interrupt(cpu))
            link = NULL;
        tcg_modes_changed(cpu);
        enum backend_exit reason = BACKEND_EXIT_LOOKUP;
        while (reason != BACKEND_EXIT_LOOP) {
            tcg_set_pc(cpu, tcg_get_pc(cpu));
            uint64_t flushes = e->flushes;
            struct tcg_block *b = next_block(cpu);
            uint64_t found_at = e->flushes;
            if (flushes != found_at)
                link = NULL; // the exit is gone
            if (!b) {
                link = NULL;
                break;
            }
            if (link)
                cache_link(e, link, b);
            link = NULL;
            if (log_enabled(LOG_EXEC | LOG_CPU))
                log_entry(cpu, tcg_get_pc(cpu));
            if (!begin_alone(cpu, b, found_at)) {
                end_alone(cpu);
                cpu->alone = true;
                continue;
            }
            enter_code(cpu);
            if (e->interp)
                reason = interp_enter(cpu, b, &link);
            else
                reason = backend_enter(e->backend, cpu, b->code.entry + e->buffers.exec_delta, &link);
            leave_code(cpu);
            end_alone(cpu);
            cpu->exits[reason]++;
            if (reason == BACKEND_EXIT_HOT)
                tier2_hot(cpu);
            if (reason != BACKEND_EXIT_LINK || log_enabled(LOG_EXEC | LOG_CPU))
                link = NULL;
        }
    }
}

// Executes one instruction. What translated code goes on to sees the request to leave.
static void loop_once(struct tcg_cpu *cpu)
{
    struct tcg_engine *e = cpu->engine;
    struct tcg_exit *link;
    if (should_return(cpu))
        return;
    bool interrupts = cpu->vcpu.step.on && cpu->vcpu.step.interrupts && !cpu->vcpu.pass_stops && !cpu->single;
    bool taken = interrupts && cpu->guest->take_interrupt(cpu);
    tcg_modes_changed(cpu);
    tcg_set_pc(cpu, tcg_get_pc(cpu));
    cpu->single_begun = true;
    if (taken)
        return;
    uint64_t flushes = e->flushes;
    struct tcg_block *b = next_block(cpu);
    if (!b)
        return;
    if (!begin_alone(cpu, b, flushes)) {
        end_alone(cpu);
        cpu->alone = true;
        cpu->single_begun = false;
        return;
    }
    atomic_store(&cpu->vcpu.exit_request, 1);
    enter_code(cpu);
    if (e->interp)
        interp_enter(cpu, b, &link);
    else
        backend_enter(e->backend, cpu, b->code.body + e->buffers.exec_delta, &link);
    leave_code(cpu);
    end_alone(cpu);
}

static void run(struct accel *accel, struct vcpu *vcpu)
{
    (void)accel;
    struct tcg_cpu *cpu = tcg_cpu_of(vcpu);
    stops_update(cpu);
    uint32_t host = fp_env_swap(cpu->fp_control);
    // tcg_leave comes back here: state and pc are in memory, and the loop begins anew.
    (void)setjmp(cpu->leave);
    leave_code(cpu);
    end_alone(cpu);
    if (cpu->engine->profile)
        profile_poll(cpu);
    if (!cpu->single_begun && cpu->vcpu.stop.reason == VCPU_RUNS) {
        if (stops_single(cpu))
            loop_once(cpu);
        else
            loop(cpu);
    }
    if (cpu->guest->save_host_state)
        cpu->guest->save_host_state(cpu);
    cpu->fp_control = fp_env_swap(host);
    if (cpu->single_begun || cpu->vcpu.stop.reason != VCPU_RUNS)
        stops_settle(cpu);
}

// --- the accelerator ---

struct tcg_options tcg_default_options(void)
{
    return (struct tcg_options){.code_mib = 256, .max_insns = 96, .host_features = ~0u, .tier2 = true,
                                .tier2_threshold = 2000, .tier2_threads = 1};
}

struct accel *tcg_accel_create(const struct accel_ops *ops, const struct tcg_options *options)
{
    struct tcg_engine *e = ALLOC(struct tcg_engine);
    e->accel.ops = ops;
    e->options = options ? *options : tcg_default_options();
    e->interp = ops == &interp_accel_ops;
    // Single instructions are asked for to see them; and regions of the interpreter would not be any faster.
    if (e->options.max_insns == 1 || (e->interp && e->options.tier2_threshold > 1))
        e->options.tier2 = false;
    return &e->accel;
}

static struct tcg_engine *engine_of(struct accel *accel)
{
    return (struct tcg_engine *)accel;
}

static void code_written(void *opaque, uint64_t ram_offset, uint64_t length)
{
    cache_invalidate(opaque, ram_offset, length);
}

static void map_changed(void *opaque, uint64_t base, uint64_t size)
{
    (void)base;
    (void)size;
    tlb_flush_everywhere(opaque);
}

static int init(struct accel *accel, struct machine *machine, struct error *error)
{
    struct tcg_engine *e = engine_of(accel);
    accel->machine = e->machine = machine;
    return cache_init(e, error);
}

static int vcpu_init(struct accel *accel, struct vcpu *vcpu, struct error *error)
{
    struct tcg_engine *e = engine_of(accel);
    struct tcg_cpu *cpu = tcg_cpu_of(vcpu);
    (void)error;
    if (!e->map) {
        // The first vCPU: the board has made RAM and the map by now.
        e->map = e->machine->map;
        e->ram = e->machine->ram;
        guest_ram_set_code_write(e->ram, code_written, e);
        guest_ram_set_watch_ops(e->ram, &tlb_watch_ops, e);
        e->map_listener = (struct memory_map_listener){.changed = map_changed, .opaque = e};
        memory_map_listen(e->map, &e->map_listener);
    }
    cpu->engine = e;
    cpu->memory = e->map;
    cpu->fp_control = fp_env_reset_control();
    for (unsigned i = 0; i < ARRAY_SIZE(cpu->heat); i++)
        cpu->heat[i] = e->options.tier2 ? e->options.tier2_threshold : 0;
    vcpu->accel = accel;
    tlb_init(cpu);
    region_counts_create(cpu);
    return 0;
}

static void vcpu_destroy(struct accel *accel, struct vcpu *vcpu)
{
    tier2_destroy(engine_of(accel)); // its workers look at vCPUs
    if (tcg_cpu_of(vcpu)->tlb)
        tlb_destroy(tcg_cpu_of(vcpu));
    region_counts_destroy(tcg_cpu_of(vcpu));
}

static void print_info(struct accel *accel, const char *what, struct vcpu *vcpu, FILE *out)
{
    struct tcg_engine *e = engine_of(accel);
    if (!strcmp(what, "tlb")) {
        tlb_print(tcg_cpu_of(vcpu), out);
        return;
    }
    if (!strcmp(what, "profile")) {
        profile_print(e, out);
        return;
    }
    cache_print(e, out);
    for (unsigned i = 0; i < e->machine->vcpus.count; i++) {
        const struct tcg_cpu *cpu = tcg_cpu_of(e->machine->vcpus.cpus[i]);
        const uint64_t *exits = cpu->exits;
        fprintf(out, "cpu %u: soft-TLB fills %" PRIu64 ", lookups %" PRIu64 "; exits to the run loop: for modes or interrupts %"
                PRIu64 ", unknown targets %" PRIu64 ", unlinked %" PRIu64 ", hot %" PRIu64 "\n", i, cpu->tlb_fills,
                cpu->lookups, exits[BACKEND_EXIT_LOOP], exits[BACKEND_EXIT_LOOKUP], exits[BACKEND_EXIT_LINK],
                exits[BACKEND_EXIT_HOT]);
    }
    region_counts_print(e, out);
}

static void profile(struct accel *accel, bool on)
{
    profile_set(engine_of(accel), on);
}

static void destroy(struct accel *accel)
{
    cache_destroy(engine_of(accel));
    free(accel);
}

const struct accel_ops tcg_accel_ops = {
    .name = "tcg",
    .help = "translate guest code to host code",
    .init = init,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = vcpu_destroy,
    .run = run,
    .print_info = print_info,
    .profile = profile,
    .destroy = destroy,
};

const struct accel_ops interp_accel_ops = {
    .name = "interp",
    .help = "interpret the intermediate representation: slow, the reference for tcg",
    .init = init,
    .vcpu_init = vcpu_init,
    .vcpu_destroy = vcpu_destroy,
    .run = run,
    .print_info = print_info,
    .destroy = destroy,
};
