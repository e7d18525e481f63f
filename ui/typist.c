// SPDX-License-Identifier: MIT
// Text waits under a lock of its own; the I/O thread turns it into presses and releases, one at a time.
#include "ui/typist.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "ui/held-keys.h"
#include "ui/keymap.h"
#include "ui/ticker.h"
#include "ui/utf8.h"

enum { STEP_NS = 10000000, WAITING_BYTES_MAX = 1 << 20 };

struct typist {
    struct machine *machine;
    char *layout;
    struct keymap *keymap;
    struct ticker ticker;
    struct io_task begin;
    struct held_keys held;
    bool pressed; // keys are down, and go up next
    unsigned left_out;

    pthread_mutex_t mutex; // of what follows
    char *waiting;
    size_t at, length;
};

// The next character, 0: there is none.
static uint32_t next_character(struct typist *typist)
{
    pthread_mutex_lock(&typist->mutex);
    uint32_t code = 0;
    if (typist->at < typist->length) {
        const char *p = typist->waiting + typist->at;
        code = utf8_next(&p);
        typist->at = (size_t)(p - typist->waiting);
    }
    if (!code)
        typist->at = typist->length = 0;
    pthread_mutex_unlock(&typist->mutex);
    return code;
}

static void done(struct typist *typist)
{
    ticker_set(&typist->ticker, 0);
    if (typist->left_out)
        fprintf(stderr, "lyrebird: %u characters were not typed: keyboard layout '%s' does not have them; -k chooses one\n",
                typist->left_out, typist->layout);
    typist->left_out = 0;
}

static void step(void *opaque)
{
    struct typist *typist = opaque;
    struct keymap_stroke stroke;
    if (typist->pressed) {
        held_keys_release(&typist->held, typist->machine);
        typist->pressed = false;
        return;
    }
    // A paused guest reads nothing.
    if (machine_state(typist->machine) != RUN_RUNNING)
        return;
    for (uint32_t code; (code = next_character(typist));) {
        if (code == '\r') // of the end of a line, where '\n' follows
            continue;
        if (keymap_find_character(typist->keymap, code, &stroke)) {
            held_keys_press(&typist->held, typist->machine, stroke);
            typist->pressed = true;
            return;
        }
        typist->left_out++;
    }
    done(typist);
}

static void begin(void *opaque)
{
    struct typist *typist = opaque;
    struct error error;
    if (!typist->keymap && !(typist->keymap = keymap_create(typist->layout, &error))) {
        fprintf(stderr, "lyrebird: %s\n", error.text);
        return;
    }
    ticker_set(&typist->ticker, STEP_NS);
}

struct typist *typist_create(struct machine *machine, const char *layout, struct error *error)
{
    struct typist *typist = ALLOC(struct typist);
    typist->machine = machine;
    typist->layout = alloc_string(layout ? layout : "en-us");
    pthread_mutex_init(&typist->mutex, NULL);
    io_task_init(&typist->begin, begin, typist);
    device_lock_acquire(&machine->lock);
    int status = ticker_init(&typist->ticker, machine->loop, step, typist);
    device_lock_release(&machine->lock);
    if (!status)
        return typist;
    error_set(error, -status, "the host has no timer left: %s", strerror(-status));
    typist_destroy(typist);
    return NULL;
}

void typist_destroy(struct typist *typist)
{
    if (!typist)
        return;
    device_lock_acquire(&typist->machine->lock);
    io_loop_unpost(typist->machine->loop, &typist->begin);
    ticker_release(&typist->ticker);
    device_lock_release(&typist->machine->lock);
    pthread_mutex_destroy(&typist->mutex);
    keymap_destroy(typist->keymap);
    free(typist->waiting);
    free(typist->layout);
    free(typist);
}

void typist_type(struct typist *typist, const char *text)
{
    size_t length = strlen(text);
    pthread_mutex_lock(&typist->mutex);
    // All of it or nothing: half a script is worse than none.
    if (length <= WAITING_BYTES_MAX - typist->length) {
        typist->waiting = alloc_resize(typist->waiting, typist->length + length + 1, 1);
        memcpy(typist->waiting + typist->length, text, length + 1);
        typist->length += length;
    } else {
        fprintf(stderr, "lyrebird: %zu bytes of text are too many to type; at most %d can wait\n", length, WAITING_BYTES_MAX);
    }
    pthread_mutex_unlock(&typist->mutex);
    io_loop_post(typist->machine->loop, &typist->begin);
}
