// SPDX-License-Identifier: MIT
// Machines: making one, running its I/O loop, and carrying out requests.
#include "hw/core/machine.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/accel.h"
#include "hw/core/block.h"
#include "hw/core/chardev.h"
#include "hw/core/dma.h"
#include "tcg/base/alloc.h"

enum machine_request {
    REQUEST_RESET = 1 << 0,
    REQUEST_SHUTDOWN = 1 << 1,
    REQUEST_PAUSE = 1 << 2,
    REQUEST_RESUME = 1 << 3,
    REQUEST_POWERDOWN = 1 << 4,
    REQUEST_RECLAIM = 1 << 5, // of memory that memory maps hold on to
    REQUEST_STOPPED = 1 << 6, // a vCPU has stopped for a debugger
    REQUEST_RESUME_FREE = 1 << 7,
};

static void request(struct machine *machine, uint32_t what)
{
    atomic_fetch_or(&machine->requests, what);
    io_loop_wake(machine->loop);
}

static void vcpu_stopped(void *opaque)
{
    request(opaque, REQUEST_STOPPED);
}

struct machine *machine_create(const struct machine_type *type)
{
    assert(type->instance_size >= sizeof(struct machine));
    struct machine *machine = alloc_zeroed(1, type->instance_size);
    machine->type = type;
    machine->cpu_count = type->default_cpus;
    machine->ram_size = type->default_ram;
    machine->devices_tail = &machine->devices;
    machine->boot.menu_wait_ms = machine->boot.retry_ms = BOOT_TIME_DEFAULT;
    device_lock_init(&machine->lock);
    machine->clock = event_clock_create(NULL);
    machine->loop = io_loop_create(&machine->lock, machine->clock);
    vcpu_group_init(&machine->vcpus);
    machine->vcpus.stopped = vcpu_stopped;
    machine->vcpus.stopped_opaque = machine;
    property_set_defaults(type->properties, machine);
    return machine;
}

int machine_set_property(struct machine *machine, const char *name, const char *text, struct error *error)
{
    char owner[128];
    snprintf(owner, sizeof(owner), "machine '%s'", machine->type->name);
    return property_set(machine->type->properties, machine, owner, name, text, &machine->backends, error);
}

int machine_build(struct machine *machine, struct error *error)
{
    const struct machine_type *type = machine->type;
    if (machine->cpu_count < 1 || machine->cpu_count > type->max_cpus)
        return error_set(error, EINVAL, "machine '%s' has 1 to %u CPUs, not %u", type->name, type->max_cpus,
                         machine->cpu_count);
    if (machine->ram_size < type->min_ram)
        return error_set(error, EINVAL, "machine '%s' needs at least %" PRIu64 " MiB of memory, not %" PRIu64 " KiB",
                         type->name, type->min_ram >> 20, machine->ram_size >> 10);
    if (machine->ram_size & ((1 << 20) - 1))
        return error_set(error, EINVAL, "memory size %" PRIu64 " is not a whole number of MiB",
                         machine->ram_size);
    if (!machine->cpu_model)
        machine->cpu_model = alloc_string(type->default_cpu);
    int result = type->build(machine, error);
    machine->built = result == 0;
    return result;
}

int machine_finish(struct machine *machine, struct error *error)
{
    assert(machine->built);
    int result = machine->type->finish ? machine->type->finish(machine, error) : 0;
    machine->finished = result == 0;
    return result;
}

void machine_destroy(struct machine *machine)
{
    if (!machine)
        return;
    device_lock_acquire(&machine->lock);
    // The latest first: what plugs into a bus goes before the transport that offers it.
    while (machine->devices) {
        struct device *last = machine->devices;
        while (last->next)
            last = last->next;
        device_destroy(last);
    }
    for (struct backend_entry *e = machine->backends.entries[BACKEND_CHARDEV]; e; e = e->next)
        chardev_close(e->backend);
    for (struct backend_entry *e = machine->backends.entries[BACKEND_DRIVE]; e; e = e->next)
        block_close(e->backend);
    device_lock_release(&machine->lock);
    vcpu_group_drop_work(&machine->vcpus);
    for (unsigned i = 0; i < machine->vcpus.count; i++)
        machine->vcpus.cpus[i]->ops->destroy(machine->vcpus.cpus[i]);
    free(machine->vcpus.cpus);
    stops_clear(&machine->stops);
    if (machine->type->destroy)
        machine->type->destroy(machine);
    while (machine->blobs) {
        struct machine_blob *blob = machine->blobs;
        machine->blobs = blob->next;
        free(blob->name);
        free(blob->data);
        free(blob);
    }
    while (machine->more_map_count)
        memory_map_destroy(machine->more_maps[--machine->more_map_count]);
    free(machine->more_maps);
    memory_map_destroy(machine->map);
    guest_ram_destroy(machine->ram);
    io_loop_destroy(machine->loop);
    event_clock_destroy(machine->clock);
    device_lock_destroy(&machine->lock);
    backend_list_clear(&machine->backends);
    property_release(machine->type->properties, machine);
    free(machine->cpu_model);
    free(machine);
}

int machine_add_blob(struct machine *machine, const char *name, uint64_t gpa, void *data, uint64_t size,
                     struct error *error)
{
    if (!dma_write_rom(machine->map, gpa, data, size)) {
        free(data);
        return error_set(error, EINVAL,
                         "%s (%" PRIu64 " KiB at 0x%" PRIx64
                         ") does not fit into memory; give the machine more (-m)",
                         name, (size + 1023) >> 10, gpa);
    }
    struct machine_blob *blob = ALLOC(struct machine_blob);
    *blob = (struct machine_blob){alloc_string(name), gpa, size, data, NULL};
    struct machine_blob **link = &machine->blobs;
    while (*link)
        link = &(*link)->next;
    *link = blob;
    return 0;
}

void machine_reset(struct machine *machine)
{
    device_lock_acquire(&machine->lock);
    if (machine->type->reset)
        machine->type->reset(machine);
    for (struct device *device = machine->devices; device; device = device->next)
        device_reset(device);
    for (struct machine_blob *blob = machine->blobs; blob; blob = blob->next)
        dma_write_rom(machine->map, blob->gpa, blob->data, blob->size);
    for (struct machine_listener *l = machine->listeners; l; l = l->next)
        if (l->reset)
            l->reset(l->opaque);
    device_lock_release(&machine->lock);
    vcpu_group_reset(&machine->vcpus);
}

static void map_crowded(void *opaque)
{
    request(opaque, REQUEST_RECLAIM);
}

int machine_init_memory(struct machine *machine, uint64_t capacity, struct error *error)
{
    int result = guest_ram_create(capacity, &machine->ram, error);
    if (result)
        return result;
    machine->map = memory_map_create(machine->ram, &machine->lock);
    memory_map_set_crowded(machine->map, map_crowded, machine);
    return 0;
}

struct memory_map *machine_add_map(struct machine *machine, struct memory_map *base)
{
    struct memory_map *map =
        base ? memory_map_create_view(base) : memory_map_create(machine->ram, &machine->lock);
    memory_map_set_crowded(map, map_crowded, machine);
    machine->more_maps =
        alloc_resize(machine->more_maps, machine->more_map_count + 1, sizeof(*machine->more_maps));
    machine->more_maps[machine->more_map_count++] = map;
    return map;
}

void machine_shutdown_request(struct machine *machine, enum shutdown_reason reason)
{
    int none = SHUTDOWN_NONE; // the first reason counts
    atomic_compare_exchange_strong(&machine->shutdown_reason, &none, (int)reason);
    request(machine, REQUEST_SHUTDOWN);
}

void machine_exit_request(struct machine *machine, int status)
{
    atomic_store(&machine->exit_status, status);
    machine_shutdown_request(machine, SHUTDOWN_GUEST);
}

void machine_reset_request(struct machine *machine)
{
    request(machine, REQUEST_RESET);
}

void machine_pause(struct machine *machine)
{
    request(machine, REQUEST_PAUSE);
}

void machine_resume(struct machine *machine)
{
    request(machine, REQUEST_RESUME);
}

void machine_resume_free(struct machine *machine)
{
    request(machine, REQUEST_RESUME_FREE);
}

void machine_powerdown_request(struct machine *machine)
{
    request(machine, REQUEST_POWERDOWN);
}

enum run_state machine_state(const struct machine *machine)
{
    return (enum run_state)atomic_load(&((struct machine *)machine)->state);
}

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {[RUN_PRELAUNCH] = "prelaunch",
                                        [RUN_RUNNING] = "running",
                                        [RUN_PAUSED] = "paused",
                                        [RUN_SHUTDOWN] = "shutdown"};
    return names[state];
}

// --- run state -----------------------------------------------------------------------------------------------------

void machine_listen(struct machine *machine, struct machine_listener *listener)
{
    listener->next = machine->listeners;
    machine->listeners = listener;
}

void machine_unlisten(struct machine *machine, struct machine_listener *listener)
{
    struct machine_listener **link = &machine->listeners;
    while (*link && *link != listener)
        link = &(*link)->next;
    if (*link)
        *link = listener->next;
}

static void tell_state(struct machine *machine)
{
    device_lock_acquire(&machine->lock);
    for (struct machine_listener *l = machine->listeners, *next; l; l = next) {
        next = l->next;
        if (l->state_changed)
            l->state_changed(l->opaque, machine_state(machine));
    }
    device_lock_release(&machine->lock);
}

void machine_flush(struct machine *machine)
{
    const struct accel *accel = machine->vcpus.count ? machine->vcpus.cpus[0]->accel : NULL;
    if (accel && accel->ops->flush)
        accel->ops->flush((struct accel *)accel);
}

static void stop_running(struct machine *machine, enum run_state state)
{
    if (machine_state(machine) == RUN_RUNNING) {
        vcpu_group_pause(&machine->vcpus);
        device_lock_acquire(&machine->lock);
        machine_flush(machine);
        device_lock_release(&machine->lock);
        event_clock_stop(machine->clock);
    }
    bool changed = machine_state(machine) != state;
    atomic_store(&machine->state, state);
    if (changed)
        tell_state(machine);
}

static void start_running(struct machine *machine)
{
    if (machine_state(machine) == RUN_RUNNING)
        return;
    atomic_store(&machine->state, RUN_RUNNING);
    tell_state(machine);
    if (!machine->clock_held)
        event_clock_start(machine->clock);
    vcpu_group_resume(&machine->vcpus);
}

// Lets what debuggers hold go on.
static void release_vcpus(struct machine *machine)
{
    machine->clock_held = false;
    for (unsigned i = 0; i < machine->vcpus.count; i++) {
        struct vcpu *cpu = machine->vcpus.cpus[i];
        if (!cpu->held)
            continue;
        cpu->pass_stops |= cpu->stop.before;
        cpu->step = (struct vcpu_step){0};
        vcpu_hold(cpu, false);
    }
}

static bool has_stopped_vcpu(struct machine *machine)
{
    bool some = false;
    pthread_mutex_lock(&machine->vcpus.mutex);
    for (unsigned i = 0; i < machine->vcpus.count; i++)
        some |= machine->vcpus.cpus[i]->held && machine->vcpus.cpus[i]->stop.reason != VCPU_RUNS;
    pthread_mutex_unlock(&machine->vcpus.mutex);
    return some;
}

// One that stops while another one is told of is told of with that, and may have gone on by now.
static void carry_out_stopped(struct machine *machine)
{
    if (!has_stopped_vcpu(machine))
        return;
    if (!machine->stops_one_cpu && machine_state(machine) == RUN_RUNNING)
        stop_running(machine, RUN_PAUSED);
    device_lock_acquire(&machine->lock);
    for (struct machine_listener *l = machine->listeners, *next; l; l = next) {
        next = l->next;
        if (l->vcpus_stopped)
            l->vcpus_stopped(l->opaque);
    }
    device_lock_release(&machine->lock);
}

static void carry_out_reset(struct machine *machine)
{
    bool was_running = machine_state(machine) == RUN_RUNNING;
    enum run_state after = machine_state(machine) == RUN_SHUTDOWN ? RUN_PAUSED : machine_state(machine);
    stop_running(machine, after);
    machine_reset(machine);
    if (was_running) {
        atomic_store(&machine->state, RUN_PAUSED);
        start_running(machine);
    }
}

static void carry_out_reclaim(struct machine *machine)
{
    vcpu_exclusive_begin(&machine->vcpus, NULL);
    memory_map_reclaim(machine->map);
    for (unsigned i = 0; i < machine->more_map_count; i++)
        memory_map_reclaim(machine->more_maps[i]);
    vcpu_exclusive_end(&machine->vcpus, NULL);
}

// True: the machine ends.
static bool carry_out_shutdown(struct machine *machine)
{
    bool guest = atomic_load(&machine->shutdown_reason) != SHUTDOWN_HOST;
    stop_running(machine, RUN_SHUTDOWN);
    if (!guest || !machine->no_guest_shutdown_exit)
        return true;
    atomic_store(&machine->shutdown_reason, SHUTDOWN_NONE);
    return false;
}

static bool carry_out_requests(struct machine *machine)
{
    uint32_t requests = atomic_exchange(&machine->requests, 0);
    if ((requests & REQUEST_RESET) && machine->no_reboot) {
        machine_shutdown_request(machine, SHUTDOWN_GUEST_RESET);
        requests |= REQUEST_SHUTDOWN;
    } else if (requests & REQUEST_RESET) {
        carry_out_reset(machine);
    }
    if (requests & REQUEST_RECLAIM)
        carry_out_reclaim(machine);
    if (requests & REQUEST_STOPPED)
        carry_out_stopped(machine);
    if (requests & REQUEST_PAUSE)
        stop_running(machine, RUN_PAUSED);
    if (requests & REQUEST_RESUME)
        release_vcpus(machine);
    if ((requests & (REQUEST_RESUME | REQUEST_RESUME_FREE)) && machine_state(machine) != RUN_SHUTDOWN)
        start_running(machine);
    if ((requests & REQUEST_POWERDOWN) && machine->type->powerdown) {
        device_lock_acquire(&machine->lock);
        machine->type->powerdown(machine);
        device_lock_release(&machine->lock);
    }
    return (requests & REQUEST_SHUTDOWN) && carry_out_shutdown(machine);
}

enum shutdown_reason machine_run(struct machine *machine)
{
    assert(machine->finished);
    machine_reset(machine);
    if (!machine->start_paused)
        start_running(machine);
    while (!carry_out_requests(machine))
        io_loop_iterate(machine->loop, -1);
    return (enum shutdown_reason)atomic_load(&machine->shutdown_reason);
}
