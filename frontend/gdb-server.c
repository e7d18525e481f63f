// SPDX-License-Identifier: MIT
// The GDB server's connection: bytes in and out, peers that come and go, and what the machine does meanwhile.
#include "frontend/gdb-server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-private.h"
#include "frontend/keyval.h"
#include "frontend/monitor.h"
#include "frontend/settings.h"
#include "hw/core/accel.h"
#include "hw/core/chardev.h"
#include "tcg/base/alloc.h"
#include "ui/chardev-fd.h"
#include "ui/chardev-socket.h"

struct vcpu *gdb_cpu(const struct gdb *gdb, unsigned index)
{
    return gdb->machine->vcpus.cpus[index];
}

// --- output --------------------------------------------------------------------------------------------------------

void gdb_flush(struct gdb *gdb)
{
    while (gdb->sent < gdb->out.length) {
        size_t n = chardev_write(gdb->chardev, gdb->out.data + gdb->sent, gdb->out.length - gdb->sent);
        if (!n)
            return;
        gdb->sent += n;
    }
    gdb->sent = gdb->out.length = 0;
}

void gdb_reply(struct gdb *gdb, const char *text)
{
    gdb_begin(&gdb->out);
    gdb_put_text(&gdb->out, text);
    gdb_end(&gdb->out);
}

// --- vCPUs ---------------------------------------------------------------------------------------------------------

void gdb_stop_vcpus(struct gdb *gdb)
{
    struct machine *machine = gdb->machine;
    // A vCPU may be waiting for the lock inside a device access.
    if (machine_state(machine) == RUN_RUNNING) {
        device_lock_release(&machine->lock);
        vcpu_group_pause(&machine->vcpus);
        device_lock_acquire(&machine->lock);
    }
}

void gdb_restart_vcpus(struct gdb *gdb)
{
    if (machine_state(gdb->machine) == RUN_RUNNING)
        vcpu_group_resume(&gdb->machine->vcpus);
}

static void state_changed(void *opaque, enum run_state state)
{
    (void)state;
    gdb_machine_changed(opaque, false);
}

static void vcpus_stopped(void *opaque)
{
    gdb_machine_changed(opaque, true);
}

static void was_reset(void *opaque)
{
    struct gdb *gdb = opaque;
    if (gdb->connected)
        gdb_search_kernel(gdb);
}

// --- the peer ------------------------------------------------------------------------------------------------------

static void begin_session(struct gdb *gdb)
{
    gdb_reader_restart(&gdb->reader);
    gdb->connected = true;
    gdb->no_ack = gdb->multiprocess = gdb->exec_events = gdb->swbreak = gdb->hwbreak = false;
    gdb->input_begin = gdb->input_end = 0;
    gdb->runs_on = machine_state(gdb->machine) == RUN_RUNNING;
    gdb->running = gdb->asked = gdb->interrupted = gdb->physical = gdb->bare_binary = gdb->notifying = false;
    gdb->modules_changed = false;
    gdb->news = GDB_NO_NEWS;
    gdb->program_told = gdb->program_named = gdb->has_start_kernel = false;
    gdb->step_bits = GDB_STEP_ENABLE | GDB_STEP_NO_IRQ | GDB_STEP_NO_TIMER;
    gdb->general = gdb->control = 0;
    const struct debug_ops *ops = gdb_cpu(gdb, 0)->ops->debug;
    gdb->mode = ops ? ops->mode_count(gdb_cpu(gdb, 0)) - 1 : 0;
    gdb_forget_description(gdb);
    memset(gdb->threads, 0, gdb->machine->vcpus.count * sizeof(*gdb->threads));
    gdb->out.length = gdb->sent = 0;
}

// What the peer has set goes with it, and the guest runs on if it ever did: nobody else could make it.
static void end_session(struct gdb *gdb)
{
    if (!gdb->connected)
        return;
    gdb->connected = false;
    gdb_end_search(gdb);
    gdb_close_files(gdb);
    gdb_end_libraries(gdb);
    gdb_stop_vcpus(gdb);
    stops_remove_owner(&gdb->machine->stops, gdb);
    gdb_restart_vcpus(gdb);
    gdb_set_non_stop(gdb, false);
    gdb->out.length = gdb->sent = 0;
    if (gdb->runs_on && machine_state(gdb->machine) != RUN_SHUTDOWN)
        machine_resume(gdb->machine);
}


static void handle(struct gdb *gdb, enum gdb_event event)
{
    switch (event) {
    case GDB_PACKET:
        if (!gdb->no_ack)
            gdb_put_raw(&gdb->out, '+');
        gdb_command(gdb);
        break;
    case GDB_DAMAGED:
        gdb_put_raw(&gdb->out, '-');
        break;
    case GDB_TOO_LONG:
        gdb_put_raw(&gdb->out, '+');
        gdb_reply(gdb, "E.packet too long");
        break;
    case GDB_INTERRUPT:
        gdb_interrupt(gdb);
        break;
    case GDB_ACK: // the stream below loses nothing: what was sent has arrived
    case GDB_NAK:
    case GDB_NOTHING:
        break;
    }
}

// Who does not read is not listened to: until all has been taken, front_writable comes.
static void process_input(struct gdb *gdb)
{
    do {
        while (gdb->input_begin < gdb->input_end && gdb->out.length < GDB_OUTPUT_BYTES)
            handle(gdb, gdb_reader_take(&gdb->reader, gdb->input[gdb->input_begin++]));
        gdb_flush(gdb);
    } while (gdb->input_begin < gdb->input_end && !gdb->out.length);
}

static size_t front_room(void *opaque)
{
    const struct gdb *gdb = opaque;
    return gdb->out.length || gdb->input_begin < gdb->input_end ? 0 : sizeof(gdb->input);
}

static void front_receive(void *opaque, const uint8_t *data, size_t length)
{
    struct gdb *gdb = opaque;
    memcpy(gdb->input, data, length);
    gdb->input_begin = 0;
    gdb->input_end = length;
    process_input(gdb);
}

static void front_event(void *opaque, enum chardev_event event)
{
    struct gdb *gdb = opaque;
    if (event == CHARDEV_OPENED)
        begin_session(gdb);
    else if (event == CHARDEV_CLOSED)
        end_session(gdb);
}

static void front_writable(void *opaque)
{
    struct gdb *gdb = opaque;
    gdb_flush(gdb);
    if (!gdb->out.length)
        process_input(gdb);
    if (front_room(gdb))
        chardev_resume_input(gdb->chardev);
}

static const struct chardev_front front = {front_room, front_receive, front_event, front_writable};

// --- life ----------------------------------------------------------------------------------------------------------

struct gdb *gdb_create(struct machine *machine, struct accel *accel, const struct settings *settings,
                       struct guest_kernel *kernel, struct chardev *chardev)
{
    struct gdb *gdb = ALLOC(struct gdb);
    *gdb = (struct gdb){.machine = machine, .accel = accel, .settings = settings, .kernel = kernel,
                         .chardev = chardev};
    gdb->threads = ALLOC_ARRAY(struct gdb_thread, machine->vcpus.count);
    gdb->monitor = monitor_create(machine, accel, settings, kernel, NULL, NULL);
    gdb_init_search(gdb);
    gdb_reader_init(&gdb->reader, GDB_PACKET_BYTES);
    gdb->listener = (struct machine_listener){.state_changed = state_changed,
                                              .vcpus_stopped = vcpus_stopped, .reset = was_reset,
                                              .opaque = gdb};
    machine_listen(machine, &gdb->listener);
    chardev_attach(chardev, &front, gdb);
    if (chardev->open)
        begin_session(gdb);
    return gdb;
}

void gdb_destroy(struct gdb *gdb)
{
    if (!gdb)
        return;
    chardev_attach(gdb->chardev, NULL, NULL);
    machine_unlisten(gdb->machine, &gdb->listener);
    gdb_end_search(gdb);
    gdb_close_files(gdb);
    gdb_end_libraries(gdb);
    if (gdb->program)
        gdb_program_release(gdb->program);
    stops_remove_owner(&gdb->machine->stops, gdb);
    chardev_close(gdb->chardev);
    monitor_destroy(gdb->monitor);
    gdb_reader_free(&gdb->reader);
    gdb_writer_free(&gdb->out);
    gdb_forget_description(gdb);
    free(gdb->threads);
    free(gdb);
}

// --- where ---------------------------------------------------------------------------------------------------------

static int open_socket(struct machine *machine, struct keyval_list *options, const char *place, struct chardev **chardev,
                       struct error *error)
{
    static const char *const known[] = {"place", "server", "wait", "nowait", "nodelay", NULL};
    struct chardev_socket_options socket = {.server = true,
                                            .refusal = "$E.another debugger is connected to this guest#bb"};
    int status = keyval_check(options, known, error);
    if (status || (status = keyval_bool(options, "server", &socket.server, error)) ||
        (status = keyval_bool(options, "wait", &socket.wait, error)))
        return status;
    char *host = NULL;
    if (!strncmp(place, "unix:", 5)) {
        socket.path = place + 5;
    } else {
        const char *colon = strrchr(place + 4, ':');
        if (!colon || !colon[1])
            return error_set(error, EINVAL, "'%s' has no port; write tcp:HOST:PORT or tcp::PORT", place);
        host = strndup(place + 4, (size_t)(colon - place - 4));
        socket.host = host;
        socket.port = colon + 1;
    }
    status = chardev_socket_create("gdb", machine->loop, &socket, chardev, error);
    free(host);
    return status;
}

int gdb_open(struct machine *machine, const char *where, struct chardev **chardev, struct error *error)
{
    struct arena arena = {0};
    struct keyval_list options;
    int status = keyval_parse(&arena, where, "place", &options, error);
    const char *place = status ? NULL : keyval_get(&options, "place");
    if (place && (!strncmp(place, "tcp:", 4) || !strncmp(place, "unix:", 5)))
        status = open_socket(machine, &options, place, chardev, error);
    else if (place && !strcmp(place, "stdio"))
        status = chardev_stdio_create("gdb", machine->loop, true, chardev, error);
    else if (!status)
        status = error_set(error, EINVAL, "'%.100s' is no place to listen at; use tcp::PORT, unix:PATH or stdio", where);
    arena_free(&arena);
    return status;
}
