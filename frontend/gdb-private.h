// SPDX-License-Identifier: MIT
// What the files of the GDB server share: the session with one peer.
//
// Threads of the protocol are vCPUs, with ids from 1, of the one process 1. In all-stop mode the peer either waits for a stop
// (`running`) or the machine is paused; then the vCPUs' registers may be looked at. In non-stop mode the machine runs on, and
// vCPUs that have stopped are held; others are stopped for the time of a command.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontend/gdb-packet.h"
#include "hw/core/machine.h"

struct accel;
struct chardev;
struct guest_kernel;
struct kernel_info;
struct monitor;
struct settings;

enum { GDB_PROCESS = 1, GDB_PACKET_BYTES = 1 << 20, GDB_OUTPUT_BYTES = 4 << 20, GDB_SIGINT = 2, GDB_SIGTRAP = 5 };
enum { GDB_STEP_ENABLE = 1, GDB_STEP_NO_IRQ = 2, GDB_STEP_NO_TIMER = 4 };

// A file that the peer can read by vFile, kept as long as it has it open.
struct gdb_program {
    char *name;
    uint8_t *data; // NULL: in a file of this host's
    int file;      // its descriptor; -1: none
    uint64_t size;
    unsigned users;
};

enum { GDB_FILES = 1024 };

// What follows the news that the process executes another program.
// GDB_LIBRARIES: other libraries than before; the stop follows as it is. GDB_LIBRARIES_ONLY: no stop follows.
enum gdb_after_news { GDB_NO_NEWS, GDB_STOP_FOLLOWS, GDB_RUNS_ON, GDB_LIBRARIES, GDB_LIBRARIES_ONLY };

struct gdb_thread {
    bool stopped;  // the peer has been told that it has stopped (in non-stop mode)
    bool reported; // what is in vcpu.stop has been told
    bool waiting;  // non-stop mode: it has stopped, and is to be told of
    enum gdb_after_news news; // that it has stopped for, and nothing else
    uint8_t signal;
};

struct gdb {
    struct machine *machine;
    struct accel *accel;
    const struct settings *settings;
    struct guest_kernel *kernel;
    struct chardev *chardev;
    struct monitor *monitor; // for qRcmd
    struct machine_listener listener;
    struct gdb_reader reader;
    struct gdb_writer out;
    size_t sent;
    uint8_t input[4096]; // that waits for the peer to take replies
    size_t input_begin, input_end;

    bool connected, no_ack, multiprocess, exec_events, swbreak, hwbreak, non_stop;
    bool runs_on;       // the guest, when the peer has gone
    bool running;       // all-stop: the peer waits for a stop
    bool asked;         // for the state, by '?', while the machine was running
    bool interrupted;   // the peer has asked for a stop
    bool physical;      // addresses of memory are physical
    bool bare_binary;   // replies to x have no letter before the bytes
    bool notifying;     // non-stop: a notification has not been answered to the end
    unsigned step_bits;
    unsigned general, control; // vCPUs that H chose
    enum gdb_after_news news; // the peer has been told that the process executes another program
    unsigned news_at;         // the vCPU that it is about
    unsigned news_signal;     // of the stop that follows
    bool news_at_once;        // they were the answer to '?'; what follows has been sent ahead of being asked for
    struct gdb_program *program; // the kernel's symbols; NULL: none
    uint64_t program_generation; // of guest_kernel that it was made of
    bool program_told;        // the peer has been told of it, or is to be now
    bool program_named;       // it has it
    struct gdb_libraries *libraries; // NULL: not asked for
    struct gdb_program *files[GDB_FILES]; // those that the peer has open
    bool searching;           // for the kernel, whose arrival is awaited
    struct event retry;       // of the search
    unsigned tries;
    bool modules_changed;     // perhaps, since they were looked at
    uint64_t module_starts_at;
    // What the peer thinks of the kernel's addresses, by qSymbol.
    bool has_start_kernel;
    uint64_t start_kernel;
    unsigned mode;      // of the vCPUs (debug_ops.mode) that the peer's registers are those of
    char *description;  // target.xml of that mode; NULL: not asked for yet
    struct gdb_thread *threads;
};

// --- gdb-server.c ---
// A reply that is no more than text.
void gdb_reply(struct gdb *gdb, const char *text);
// What is in gdb->out goes to the peer as it takes it.
void gdb_flush(struct gdb *gdb);
// Between these two, no vCPU runs.
void gdb_stop_vcpus(struct gdb *gdb);
void gdb_restart_vcpus(struct gdb *gdb);
struct vcpu *gdb_cpu(const struct gdb *gdb, unsigned index);

// --- gdb-commands.c ---
// A whole packet has come in.
void gdb_command(struct gdb *gdb);
// Thread ids: "1", "p1.2", "-1" (all), "0" (any). False: there is no such thread. *all for -1.
bool gdb_take_thread(const struct gdb *gdb, const char **text, unsigned *index, bool *all);
void gdb_put_thread(struct gdb *gdb, unsigned index);

// --- handlers: `text` is what follows the command's letter or name ---
typedef void gdb_handler(struct gdb *gdb, const char *text);
// gdb-registers.c
gdb_handler gdb_read_registers, gdb_write_registers, gdb_read_register, gdb_write_register;
const struct debug_view *gdb_view(const struct gdb *gdb);
const struct debug_register *gdb_find_register(const struct debug_view *view, uint64_t number); // NULL: it has none
const char *gdb_description(struct gdb *gdb); // NULL: this processor has none
void gdb_forget_description(struct gdb *gdb);
// Whether the peer sees all of the processor's registers, as the last of its modes has them.
bool gdb_in_widest_mode(const struct gdb *gdb);
// "NN:value;" of the program counter and the stack pointer, for stop replies
void gdb_put_expedited(struct gdb *gdb, struct vcpu *cpu);
// gdb-memory.c
gdb_handler gdb_read_memory, gdb_write_memory, gdb_read_binary, gdb_write_binary, gdb_search_memory;
// Bytes that could be read from `address` on.
size_t gdb_peek(struct gdb *gdb, struct vcpu *cpu, uint64_t address, void *out, size_t length);
// gdb-lldb.c
gdb_handler gdb_host_info, gdb_process_info, gdb_thread_suffix, gdb_watchpoint_support, gdb_memory_region;
// gdb-run.c
gdb_handler gdb_which_vcont, gdb_continue, gdb_step, gdb_vcont, gdb_detach, gdb_kill;
// gdb-reports.c
gdb_handler gdb_ask_state, gdb_next_stop, gdb_interrupt_non_stop;
void gdb_interrupt(struct gdb *gdb);
// All-stop: a vCPU has stopped; behind news that the peer has been told at first, so, too.
void gdb_report(struct gdb *gdb, unsigned index, unsigned signal);
void gdb_report_after_news(struct gdb *gdb);
// Non-stop: stops one, with all vCPUs out of run(), and sends the notification of those that have stopped.
void gdb_stop_thread(struct gdb *gdb, unsigned index, unsigned signal);
void gdb_notify(struct gdb *gdb);
// The state of the machine, or which vCPUs are held: `stops`.
void gdb_machine_changed(struct gdb *gdb, bool stops);
void gdb_set_non_stop(struct gdb *gdb, bool on);
// gdb-stops.c
gdb_handler gdb_insert_stop, gdb_remove_stop;
// The reason in a stop reply for what the vCPU has stopped at, if it is the peer's; and words for the user if not.
void gdb_put_reason(struct gdb *gdb, const struct vcpu *cpu);
void gdb_put_note(struct gdb *gdb, const struct vcpu *cpu);
// What the vCPU has stopped at and has not been told of yet: finds it among the stops that there are now, as the peer may have
// taken them away and put them back meanwhile. False: it has gone.
bool gdb_find_stop_again(struct gdb *gdb, struct vcpu *cpu);
// Words for the user about a reason that the peer will not understand: it looks at memory anew when the mode changes.
void gdb_put_lost(struct gdb *gdb, const struct vcpu *cpu);
bool gdb_is_at_breakpoint(const struct gdb *gdb, const struct vcpu *cpu); // of the peer's
// gdb-query.c
gdb_handler gdb_query, gdb_set;
void gdb_put_piece(struct gdb *gdb, const char *document, const char *range); // "OFFSET,LENGTH" of it
void gdb_put_console(struct gdb *gdb, const char *text);
// gdb-files.c
gdb_handler gdb_file;
void gdb_close_files(struct gdb *gdb);
// For one user, with name and data from malloc, which are its own from now on.
struct gdb_program *gdb_program_create(char *name, uint8_t *data, size_t size);
// An ELF file of this host's. NULL: there is none.
struct gdb_program *gdb_program_open(const char *path);
void gdb_program_release(struct gdb_program *program);
// gdb-libraries.c
gdb_handler gdb_read_libraries;
// One of those that the peer was told of, for one more user. NULL: there is none.
struct gdb_program *gdb_open_library(struct gdb *gdb, const char *name);
bool gdb_libraries_changed(struct gdb *gdb, struct vcpu *cpu); // since the peer was told; looked for from where the vCPU is
void gdb_forget_libraries(struct gdb *gdb);  // as the peer has
void gdb_end_libraries(struct gdb *gdb);     // with the session
// gdb-modules.c, with all vCPUs out of run()
void gdb_watch_modules(struct gdb *gdb, const struct kernel_info *kernel); // of this kernel from now on
void gdb_unwatch_modules(struct gdb *gdb);
bool gdb_is_module_stop(const struct gdb *gdb, const struct vcpu *cpu); // and nothing else, as far as is known
// The vCPU has stopped there. True: the peer is to be told of libraries; else it may run on, unless there is something else that
// it has stopped at, which is in its `stop` now.
bool gdb_pass_module_stop(struct gdb *gdb, struct vcpu *cpu);
// gdb-symbols.c
gdb_handler gdb_offsets, gdb_exec_file, gdb_symbol;
// Begins to look for the kernel, for a new peer or after a reset; ends that.
void gdb_init_search(struct gdb *gdb);
void gdb_search_kernel(struct gdb *gdb);
void gdb_end_search(struct gdb *gdb);
// The vCPU has stopped for the search. True: the peer is to be told of a program; else the guest runs on.
bool gdb_kernel_arrived(struct gdb *gdb, struct vcpu *cpu);
bool gdb_is_search(const struct gdb *gdb, const struct vcpu *cpu);
// The file with the kernel's debugging information, if that is its name, for one more user. NULL: it is not, or there is none.
struct gdb_program *gdb_open_debug_file(struct gdb *gdb, const char *name);
// GDB refuses files that are not of the registers that it sees: those of 32 bits, or all.
bool gdb_sees_kernel(const struct gdb *gdb, const struct kernel_info *kernel);
// The name of the program that the process executes, for the peer to read it now.
const char *gdb_name_program(struct gdb *gdb);
