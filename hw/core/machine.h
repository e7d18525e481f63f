// SPDX-License-Identifier: MIT
// A machine: the board's constant record, and the instance with RAM, vCPUs, devices, time and run state.
//
// How a program uses it:
//   machine_create -> set the plain fields and properties -> machine_build (RAM, vCPUs, board devices)
//   -> device_create/set/realize for further devices -> set `boot` and add blobs -> machine_finish (device
//   tree)
//   -> machine_run on the I/O thread, which returns at shutdown -> machine_destroy.
//
// Requests (shutdown, reset, pause, resume) may come from any thread, vCPUs included; the I/O thread carries
// them out with all vCPUs stopped.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hw/core/clock.h"
#include "hw/core/device-lock.h"
#include "hw/core/device.h"
#include "hw/core/guest-ram.h"
#include "hw/core/input.h"
#include "hw/core/io-loop.h"
#include "hw/core/memory-map.h"
#include "hw/core/property.h"
#include "hw/core/stops.h"
#include "hw/core/vcpu.h"

struct block_backend;
struct chardev;
struct display;
struct isa_host;
struct kvm_guest_ops;
struct kvm_vm;
struct machine;
struct semihost;

enum { MACHINE_SERIALS = 4, MACHINE_FLASHES = 2, MACHINE_FLOPPIES = 2 };

struct machine_type {
    const char *name, *help;
    const char *const *aliases; // ended by NULL, or NULL
    const char *arch;           // "aarch64"
    const char *default_cpu;
    uint64_t default_ram, min_ram;
    uint64_t ram_base;                      // where RAM starts, for directly loaded kernels
    uint64_t firmware_base, firmware_bytes; // where -bios goes, and how much fits
    bool firmware_at_end;                   // it ends where that place does, rather than beginning there
    const char *default_firmware;           // the file that is taken without -bios; NULL: none
    const char *default_drive;   // where -drive puts disks without if=: "ide"; NULL: "virtio"
    unsigned floppy_drives;      // at most, for if=floppy; 0: the board takes none
    bool default_floppy;         // the first of them is there without being asked for
    const char *default_display; // the display device that is there unless -vga says otherwise; NULL: none
    unsigned default_cpus, max_cpus;
    bool many_ioapics;           // more interrupt controllers for devices than a host's kernel has
    size_t instance_size; // of the structure that embeds struct machine
    const struct property *properties;
    // Makes RAM, vCPUs and the parts that are always there.
    int (*build)(struct machine *machine, struct error *error);
    // After the last device: firmware tables from what exists now.
    int (*finish)(struct machine *machine, struct error *error);
    // What the board adds to a kernel's command line, the machine's; NULL: nothing. After devices are made.
    const char *(*kernel_arguments)(struct machine *machine);
    void (*reset)(struct machine *machine);     // before the devices; NULL: nothing to do
    void (*powerdown)(struct machine *machine); // presses the power button; NULL: there is none
    void (*destroy)(struct machine *machine);   // what build made, devices and vCPUs apart
};

// Makes a vCPU of a guest family by model name. `config` is the family's record (struct arm_cpu_config). The
// result is added to machine->vcpus by the board. NULL with a message (an unknown model suggests the nearest
// one).
struct cpu_factory {
    struct vcpu *(*create)(struct machine *machine, const char *model, const void *config,
                           struct error *error);
    const struct kvm_guest_ops *kvm; // (hw/core/kvm-guest.h); NULL: the host's processors are of another kind
};

// A part of boards whose work the accelerator does: the device that is made in its place, which has the same structure at its
// beginning and the same functions.
struct part_replacement {
    const struct device_type *part, *replacement;
};

enum kernel_protocol { KERNEL_NONE, KERNEL_LINUX, KERNEL_PVH, KERNEL_MULTIBOOT };

// What the guest starts with. The loader (which puts the bytes into blobs) fills this in before
// machine_finish.
struct machine_boot {
    bool direct;                       // start a loaded kernel rather than firmware
    uint64_t kernel_start, kernel_end; // where it lies; the board keeps its tables clear of it
    uint64_t entry;
    enum kernel_protocol protocol; // of a kernel that firmware starts (x86)
    uint64_t info_gpa;             // PVH, Multiboot: the description of the machine that the kernel is handed
    uint64_t setup_bytes; // Linux: of the real-mode code of a kernel that firmware starts (x86); its parts are in fw_cfg
    uint64_t initrd_start, initrd_end; // equal: none
    const char *command_line;          // NULL: none
    const char *order;                 // -boot order=, NULL: the board's
    const char *once;                  // instead of `order` up to the first reset; NULL: `order` is right
    bool menu;                         // firmware offers to choose
    bool strict;                       // nothing but what has a bootindex
    uint32_t menu_wait_ms;             // how long it offers; BOOT_TIME_DEFAULT: firmware's own idea
    uint32_t retry_ms;                 // until it tries again when nothing could be started; BOOT_TIME_DEFAULT: never
};

enum { BOOT_TIME_DEFAULT = UINT32_MAX };

enum run_state { RUN_PRELAUNCH, RUN_RUNNING, RUN_PAUSED, RUN_SHUTDOWN };

enum shutdown_reason {
    SHUTDOWN_NONE,
    SHUTDOWN_GUEST,       // the guest powered itself off
    SHUTDOWN_GUEST_RESET, // the guest reset itself and `no_reboot` is set
    SHUTDOWN_HOST,        // quit command, signal, closed window
    SHUTDOWN_PANIC,       // the guest said that it died
};

// Contents that are put into guest memory at every reset (kernel, initrd, device tree, firmware).
struct machine_blob {
    char *name;
    uint64_t gpa, size;
    void *data; // owned
    struct machine_blob *next;
};

// Who wants to know what becomes of the machine. Called on the I/O thread with the device lock.
struct machine_listener {
    void (*state_changed)(void *opaque, enum run_state state); // NULL: does not care
    void (*vcpus_stopped)(void *opaque); // some are held now with vcpu.stop filled in, and out of run()
    void (*reset)(void *opaque); // everything was reset
    void *opaque;
    struct machine_listener *next; // the machine's
};

struct machine {
    const struct machine_type *type;

    // Set by the program before machine_build.
    char *cpu_model; // owned; NULL: the type's default
    unsigned cpu_count;
    uint64_t ram_size;
    const struct cpu_factory *cpu_factory;
    struct chardev *serials[MACHINE_SERIALS];
    struct block_backend *flashes[MACHINE_FLASHES]; // NULL: an empty, volatile bank
    bool floppy_drives[MACHINE_FLOPPIES];             // that there are, with a disk or without
    struct block_backend *floppies[MACHINE_FLOPPIES]; // their disks; NULL: none
    bool graphics; // off: firmware shows its text on the first serial port
    bool no_reboot;                                 // a guest reset ends the machine
    bool start_paused;                              // -S
    bool no_guest_shutdown_exit;                    // -no-shutdown: a guest power off pauses the machine
    struct semihost *semihost;                      // what semihosting calls are answered by; NULL: they are not
    struct machine_boot boot;
    struct backend_list backends; // the machine's: closed when it is destroyed

    // The machine's; there from machine_create.
    struct device_lock lock;
    struct event_clock *clock;
    struct io_loop *loop;
    struct vcpu_group vcpus;

    // Set by the accelerator before machine_build.
    const struct kvm_vm *kvm;                    // NULL: another accelerator
    const struct part_replacement *replacements; // ended by a row without a part; NULL: none
    bool no_smm;                                 // processors have no system management mode

    // There from machine_build.
    struct guest_ram *ram;
    struct memory_map *map;
    struct memory_map **more_maps; // of machine_add_map
    unsigned more_map_count;
    struct device *devices, **devices_tail;
    struct bus *buses;
    struct input_state input;     // devices that listen to keyboard and pointer
    struct display *displays;     // (hw/core/display.h)
    const struct isa_host *isa;   // ports and interrupts for devices of that kind (hw/core/isa.h); NULL: none
    struct machine_blob *blobs;
    struct device *fw_cfg; // where items for firmware can be added (hw/nvram/fw-cfg.h); NULL: none
    uint64_t dtb_gpa;      // the device tree handed to the guest, a blob; 0 size: none
    void *dtb;
    uint32_t dtb_size;

    struct stops stops;
    bool clock_held;    // time stands still even while vCPUs run: they are stepped
    bool stops_one_cpu; // a vCPU that stops for a debugger does not pause the machine
    struct machine_listener *listeners;

    // Run state. `state` is the I/O thread's; others may read it.
    _Atomic int state;
    _Atomic uint32_t requests;
    _Atomic int shutdown_reason;
    _Atomic int exit_status; // what the program ends with after SHUTDOWN_GUEST
    bool built, finished;
};

// Allocates the instance with defaults (RAM, CPU count, properties) of the type.
struct machine *machine_create(const struct machine_type *type);
int machine_set_property(struct machine *machine, const char *name, const char *text, struct error *error);
// Checks counts and sizes against the type and builds the board.
int machine_build(struct machine *machine, struct error *error);
int machine_finish(struct machine *machine, struct error *error);
// Everything machine_create and the rest made, and the backends. vCPU threads must have ended.
void machine_destroy(struct machine *machine);

// For boards: RAM object of `capacity` bytes and an empty memory map.
int machine_init_memory(struct machine *machine, uint64_t capacity, struct error *error);
// A further map that belongs to the machine: a port space, or with `base` a view of that map.
struct memory_map *machine_add_map(struct machine *machine, struct memory_map *base);
// Takes over `data` (malloc). Written now and at each reset. -EINVAL when there is no memory at gpa.
int machine_add_blob(struct machine *machine, const char *name, uint64_t gpa, void *data, uint64_t size,
                     struct error *error);
// Resets devices in order of realize, then blobs, then asks the vCPUs to. vCPUs must be paused. machine_run
// calls it before the start and for each reset request.
void machine_reset(struct machine *machine);

// Devices are as the guest has left them, whatever stores the accelerator holds back. Device lock held.
void machine_flush(struct machine *machine);

// Runs the I/O loop on the calling thread. vCPU threads are started by the accelerator before this and are
// let go here. Returns the reason when the machine is shut down, with the vCPUs paused.
enum shutdown_reason machine_run(struct machine *machine);

void machine_shutdown_request(struct machine *machine, enum shutdown_reason reason);
// The guest ends the program with a status of its choice (test devices).
void machine_exit_request(struct machine *machine, int status);
void machine_reset_request(struct machine *machine);
void machine_pause(struct machine *machine);
// Lets held vCPUs run too, past what they have stopped at.
void machine_resume(struct machine *machine);
// The same without those.
void machine_resume_free(struct machine *machine);
// With the device lock. A listener stays the caller's, until it is taken away.
void machine_listen(struct machine *machine, struct machine_listener *listener);
void machine_unlisten(struct machine *machine, struct machine_listener *listener);
void machine_powerdown_request(struct machine *machine);
enum run_state machine_state(const struct machine *machine);
const char *run_state_name(enum run_state state);
