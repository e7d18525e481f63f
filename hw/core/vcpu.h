// SPDX-License-Identifier: MIT
// A virtual processor as boards, interrupt controllers, the monitor and accelerators see it.
//
// Each vCPU has a thread that alternates between waiting (powered off, halted, paused) and accel_ops.run(). Other
// threads change `irq_lines` and `exit_request` with atomics and wake the thread; everything else in here belongs to
// the vCPU's own thread or is guarded by the group's mutex. Guest state lives in the structure that embeds this one.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hw/core/debug.h"

struct accel;
struct machine;
struct vcpu;

// What a guest family supplies. Called on the vCPU's thread, or with the machine paused.
struct vcpu_ops {
    const char *arch; // "aarch64"
    void (*reset)(struct vcpu *cpu);
    void (*init)(struct vcpu *cpu); // what an INIT message does, which keeps some registers; NULL: as reset
    // Whether a halted vCPU has a reason to run again (an interrupt line up, an event). Any thread, no locks.
    bool (*has_work)(const struct vcpu *cpu);
    // Puts the vCPU, after reset, at `entry` with `context` as its first argument (PSCI CPU_ON, start-up IPI).
    void (*start_at)(struct vcpu *cpu, uint64_t entry, uint64_t context);
    uint64_t (*get_pc)(const struct vcpu *cpu);
    void (*set_pc)(struct vcpu *cpu, uint64_t pc);
    void (*print_registers)(struct vcpu *cpu, FILE *out);
    // Capstone's architecture and mode for the code that the current mode runs.
    void (*disassembler)(struct vcpu *cpu, int *arch, int *mode);
    // Guest virtual to guest physical as the current mode sees it, changing nothing. False when not mapped.
    bool (*translate_debug)(struct vcpu *cpu, uint64_t gva, uint64_t *gpa);
    const struct debug_ops *debug; // NULL: there is nothing for debuggers
    void (*destroy)(struct vcpu *cpu);
};

// What a debugger wants a vCPU to do when it runs next.
struct vcpu_step {
    bool on;             // execute one instruction, then stop
    bool interrupts;     // take one that is pending instead
    uint64_t start, end; // go on as long as the pc is in [start, end)
};

// Why a vCPU has left run() for debuggers.
enum vcpu_stop_reason {
    VCPU_RUNS,
    VCPU_STEPPED,
    VCPU_AT_BREAKPOINT, // before the instruction
    VCPU_HIT_WATCHPOINT, // before the access or behind the instruction, as the architecture's own do
    VCPU_TOOK_EXCEPTION, // at the first instruction of the handler
};

struct vcpu_stop {
    enum vcpu_stop_reason reason;
    bool before;              // the instruction at the pc is the one that it stopped at
    bool write;               // the access
    uint64_t address, length; // of the breakpoint; of the access
    unsigned id;              // of the first stop that counted, which may be gone by now; 0: none
    const void *owner;        // its
    uint64_t exception;       // number of the exception
};

// Bits of exit_request.
enum {
    VCPU_EXIT = 1 << 0,
    VCPU_EXIT_FOR_LINES = 1 << 1, // to look at irq_lines, which an engine may do inside run()
};

// All vCPUs of a machine. The mutex guards the flags that decide who may run.
struct vcpu_group {
    pthread_mutex_t mutex;
    pthread_cond_t changed; // somebody stopped or left run()
    struct vcpu **cpus;
    unsigned count;
    unsigned running;       // threads inside accel_ops.run()
    unsigned queued;        // there, too, but waiting to have the machine to themselves
    bool exclusive;         // a thread wants, or has, the machine to itself
    bool paused, quit;
    void (*stopped)(void *opaque); // a vCPU is held now, with `stop` filled in; called with the mutex
    void *stopped_opaque;
    bool has_boot; // vCPU 0 starts at boot_entry rather than at its reset vector
    uint64_t boot_entry, boot_context;
};

struct vcpu_work {
    struct vcpu_work *next;
    void (*fn)(struct vcpu *cpu, void *arg);
    void *arg;
};

struct vcpu {
    unsigned index;
    const struct vcpu_ops *ops;
    const struct accel *accel;
    void *accel_data; // the accelerator's own
    struct machine *machine;
    struct vcpu_group *group;

    // Nonzero: leave accel_ops.run() soon. Translated code polls it at every region entry and loop back-edge.
    _Atomic uint32_t exit_request;
    // Level of each interrupt input line, a bit each; the numbers are the guest family's.
    _Atomic uint32_t irq_lines;

    // accel_ops.run() has been called. It looks at exit_request after this, so that accel_ops.kick need not wait for the mutex.
    atomic_bool in_run;

    // Guarded by group->mutex.
    bool powered_on;
    bool start_pending;
    uint64_t start_entry, start_context;
    struct vcpu_work *work_first, **work_last;
    bool working; // on what was queued
    bool held;    // by a debugger: does not run, whoever else does

    // How the thread sleeps. The mutex is taken last of all, so that interrupt controllers can wake it under their locks.
    pthread_mutex_t wake_mutex;
    pthread_cond_t wake;
    bool woken;
    atomic_bool waiting;

    bool halted; // own thread only: waiting for an interrupt
    pthread_t thread;
    bool thread_started;

    // Own thread, or with the vCPU out of run().
    struct vcpu_step step;
    struct vcpu_stop stop;
    bool pass_stops; // the next instruction is executed whatever stops there are
    struct debug_exception_log exceptions;
};

// --- group ---------------------------------------------------------------------------------------------------------

void vcpu_group_init(struct vcpu_group *group);
// Adds a vCPU (at most 512) and gives it the next index. Before vcpu_group_start.
void vcpu_group_add(struct vcpu_group *group, struct vcpu *cpu);
// Starts a thread for each vCPU, paused.
void vcpu_group_start(struct vcpu_group *group);
// Lets vCPUs run. Any thread.
void vcpu_group_resume(struct vcpu_group *group);
// Returns when no vCPU runs. Not from a vCPU's thread.
void vcpu_group_pause(struct vcpu_group *group);
// Returns when no vCPU has work queued, or a start to make. While paused; not from a vCPU's thread.
void vcpu_group_settle(struct vcpu_group *group);
// Lets a held vCPU run again when the group does; or holds it. With the vCPU out of run().
void vcpu_hold(struct vcpu *cpu, bool held);
// Ends and joins all threads. Not from a vCPU's thread.
void vcpu_group_stop(struct vcpu_group *group);
// Frees work that was queued and never done. With no threads.
void vcpu_group_drop_work(struct vcpu_group *group);
// Asks every vCPU to reset before it runs next, after work queued earlier: vCPU 0 then starts and the others are off. Any
// thread.
void vcpu_group_reset(struct vcpu_group *group);
// Where vCPU 0 starts after each reset from now on, as with vcpu_power_on. While paused.
void vcpu_group_set_boot(struct vcpu_group *group, uint64_t entry, uint64_t context);
// Makes the calling thread the only one that may run or change shared translation state: waits until no other vCPU
// is in run(). Callable from a vCPU thread inside run() or from any other; not nested. Other callers queue up.
void vcpu_exclusive_begin(struct vcpu_group *group, struct vcpu *self_or_null);
void vcpu_exclusive_end(struct vcpu_group *group, struct vcpu *self_or_null);

// --- one vCPU ------------------------------------------------------------------------------------------------------

// Sets the level of an interrupt input line. Any thread, no locks held or needed.
void vcpu_irq_set(struct vcpu *cpu, unsigned line, bool level);
// Makes the vCPU leave run() soon, or wake up to look for work. Any thread.
void vcpu_kick(struct vcpu *cpu);
// Runs fn(cpu, arg) on the vCPU's thread before it runs guest code again. Any thread; does not wait.
void vcpu_queue_work(struct vcpu *cpu, void (*fn)(struct vcpu *, void *), void *arg);
// Powers a vCPU on at `entry`. -EALREADY when it is on. Any thread.
int vcpu_power_on(struct vcpu *cpu, uint64_t entry, uint64_t context);
// Powers the calling thread's own vCPU off; takes effect when run() returns, which it is asked to.
void vcpu_power_off_self(struct vcpu *cpu);
bool vcpu_is_powered_on(struct vcpu *cpu);
// Notes for an accelerator that switches processors on and off by itself what it has done. On the vCPU's thread.
void vcpu_set_power(struct vcpu *cpu, bool on);
