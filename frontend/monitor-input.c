// SPDX-License-Identifier: MIT
// The monitor's keyboard and mouse: sendkey, mouse_move, mouse_position, mouse_button.
//
// Keys go down together and up in reverse order when they have been held for a time, by the machine's clock: in a paused guest
// they stay down. Further ones wait for their turn.
#include <stdlib.h>
#include <string.h>

#include "frontend/keyval.h"
#include "frontend/monitor-private.h"
#include "hw/core/input.h"
#include "hw/input/ps2.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { KEYS_MAX = 16, CHORDS_MAX = 256, HOLD_MS = 100, HOLD_MS_MAX = 3600000 };
#define NS_PER_MS UINT64_C(1000000)

struct chord {
    unsigned count;
    enum input_key keys[KEYS_MAX];
    uint64_t hold_ns;
};

struct monitor_input {
    struct machine *machine;
    struct event release;
    struct chord chords[CHORDS_MAX]; // a ring; the first is held down
    unsigned first, count;
    unsigned buttons; // as of hw/core/input.h
    unsigned x, y;    // where a pointer is that tells positions
    bool positions;   // it is that one that was moved last: buttons are pressed there
};

// Whether a device listens.
static bool press(struct monitor_input *input)
{
    const struct chord *chord = &input->chords[input->first];
    bool heard = false;
    for (unsigned i = 0; i < chord->count; i++)
        heard |= input_send_key(input->machine, chord->keys[i], true);
    event_set(&input->release, clock_now_ns(input->machine->clock) + chord->hold_ns);
    return heard;
}

static void let_go(struct monitor_input *input)
{
    const struct chord *chord = &input->chords[input->first];
    for (unsigned i = chord->count; i-- > 0;)
        input_send_key(input->machine, chord->keys[i], false);
    input->first = (input->first + 1) % CHORDS_MAX;
    input->count--;
}

static void held_long_enough(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct monitor_input *input = opaque;
    let_go(input);
    if (input->count)
        press(input);
}

static struct monitor_input *get_input(struct monitor *monitor)
{
    if (!monitor->input) {
        monitor->input = ALLOC(struct monitor_input);
        monitor->input->machine = monitor->machine;
        monitor->input->x = monitor->input->y = (INPUT_POSITION_MAX + 1) / 2;
        event_init(&monitor->input->release, monitor->machine->clock, held_long_enough, monitor->input);
    }
    return monitor->input;
}

void monitor_input_end(struct monitor *monitor)
{
    struct monitor_input *input = monitor->input;
    if (!input)
        return;
    event_cancel(&input->release);
    if (input->count)
        let_go(input);
    free(input);
    monitor->input = NULL;
}

static int find_key(const char *name)
{
    char *end;
    if (!strncmp(name, "0x", 2)) {
        unsigned long code = strtoul(name, &end, 16);
        return *end || code > 0xffff ? -1 : ps2_key_of_set1((unsigned)code);
    }
    return input_key_find(!strcmp(name, "<") ? "less" : name);
}

static void unknown_key(struct monitor *monitor, const char *name)
{
    const char *names[INPUT_KEYS + 1];
    unsigned count = 0;
    for (unsigned key = 0; key < INPUT_KEYS; key++)
        if (input_key_name((enum input_key)key))
            names[count++] = input_key_name((enum input_key)key);
    names[count] = NULL;
    const char *near = nearest_name(name, names);
    fprintf(monitor->out, "unknown key '%s'", name);
    fprintf(monitor->out, near ? "; did you mean '%s'?\n" : "; keys are like ctrl-alt-f2, or scan codes like 0x1e\n", near);
}

// False: a message was given.
static bool parse_keys(struct monitor *monitor, char *text, struct chord *chord)
{
    char *rest = text, *name;
    while ((name = strsep(&rest, "-"))) {
        int key = find_key(name);
        if (key < 0) {
            unknown_key(monitor, name);
            return false;
        }
        if (chord->count == KEYS_MAX) {
            fprintf(monitor->out, "no more than %u keys at once\n", KEYS_MAX);
            return false;
        }
        chord->keys[chord->count++] = (enum input_key)key;
    }
    return true;
}

void monitor_sendkey(struct monitor *monitor, const char *arguments)
{
    struct monitor_input *input = get_input(monitor);
    struct chord chord = {0};
    uint64_t hold_ms = HOLD_MS;
    char *line = alloc_string(arguments), *rest = line;
    const char *keys = strsep(&rest, " \t");
    const char *hold = rest ? rest + strspn(rest, " \t") : NULL;
    if (!*keys)
        fprintf(monitor->out, "sendkey KEY[-KEY...] [HOLD_MS]\n");
    else if (hold && (!parse_unsigned(hold, &hold_ms) || hold_ms > HOLD_MS_MAX))
        fprintf(monitor->out, "'%s' is not a time from 0 to %u milliseconds\n", hold, HOLD_MS_MAX);
    else if (input->count == CHORDS_MAX)
        fprintf(monitor->out, "too many keys are waiting\n");
    else if (parse_keys(monitor, line, &chord)) {
        chord.hold_ns = hold_ms * NS_PER_MS;
        input->chords[(input->first + input->count++) % CHORDS_MAX] = chord;
        if (input->count == 1 && !press(input))
            fprintf(monitor->out, "no device of this machine listens to keys\n");
    }
    free(line);
}

// Up to `most` numbers; how many, -1: a message was given.
static int parse_numbers(struct monitor *monitor, const char *text, int *numbers, int most)
{
    int count = 0;
    while (*text) {
        char *end;
        long value = strtol(text, &end, 0);
        size_t length = strcspn(text, " \t");
        if (end != text + length || value < INT16_MIN || value > UINT16_MAX) {
            fprintf(monitor->out, "'%.*s' is not a number from %d to %d\n", (int)length, text, INT16_MIN, UINT16_MAX);
            return -1;
        }
        if (count == most) {
            fprintf(monitor->out, "no more than %d numbers\n", most);
            return -1;
        }
        numbers[count++] = (int)value;
        text += length;
        text += strspn(text, " \t");
    }
    return count;
}

static void no_mouse(struct monitor *monitor)
{
    fprintf(monitor->out, "no device of this machine listens to a mouse\n");
}

static bool place(struct monitor_input *input, struct input_wheel wheel)
{
    return input_send_position(input->machine, input->x, input->y, wheel, input->buttons);
}

static void set_position(struct monitor_input *input, int x, int y)
{
    input->x = x < 0 ? 0 : (unsigned)x;
    input->y = y < 0 ? 0 : (unsigned)y;
}

// From now on the other kind of pointer is meant: what is pressed on this one does not stay so.
static void change_pointer(struct monitor_input *input, bool positions)
{
    unsigned buttons = input->buttons;
    struct input_wheel still = {0, 0};
    if (positions == input->positions)
        return;
    input->buttons = 0;
    if (buttons && (positions || !place(input, still)))
        input_send_motion(input->machine, 0, 0, still, 0);
    input->positions = positions;
    input->buttons = buttons;
}

// Relative motion if a device takes that, else a position.
static void move(struct monitor *monitor, int x, int y, struct input_wheel wheel)
{
    struct monitor_input *input = get_input(monitor);
    change_pointer(input, false);
    if (input_send_motion(monitor->machine, x, y, wheel, input->buttons))
        return;
    set_position(input, x, y);
    if (!place(input, wheel))
        no_mouse(monitor);
}

void monitor_mouse_move(struct monitor *monitor, const char *arguments)
{
    int numbers[3] = {0};
    int count = parse_numbers(monitor, arguments, numbers, 3);
    if (count >= 0 && count < 2)
        fprintf(monitor->out, "mouse_move DX DY [DZ]\n");
    else if (count > 0) // a wheel turns by one notch
        move(monitor, numbers[0], numbers[1], (struct input_wheel){(numbers[2] > 0) - (numbers[2] < 0), 0});
}

void monitor_mouse_position(struct monitor *monitor, const char *arguments)
{
    int numbers[2] = {0};
    int count = parse_numbers(monitor, arguments, numbers, 2);
    if (count < 0)
        return;
    if (count < 2) {
        fprintf(monitor->out, "mouse_position X Y: 0 to %u, over the whole screen\n", INPUT_POSITION_MAX);
        return;
    }
    struct monitor_input *input = get_input(monitor);
    change_pointer(input, true);
    set_position(input, numbers[0], numbers[1]);
    input->positions = place(input, (struct input_wheel){0, 0});
    if (!input->positions)
        fprintf(monitor->out, "no device of this machine tells positions\n");
}

void monitor_mouse_button(struct monitor *monitor, const char *arguments)
{
    static const enum input_button bits[] = {INPUT_BUTTON_LEFT, INPUT_BUTTON_MIDDLE, INPUT_BUTTON_RIGHT};
    int state = 0;
    int count = parse_numbers(monitor, arguments, &state, 1);
    if (!count || (count > 0 && (state < 0 || state > 7)))
        fprintf(monitor->out, "mouse_button STATE: 1 left, 2 middle, 4 right, or a sum of them\n");
    if (count <= 0 || state < 0 || state > 7)
        return;
    struct monitor_input *input = get_input(monitor);
    input->buttons = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
        input->buttons |= (unsigned)(state >> i & 1) << bits[i];
    struct input_wheel still = {0, 0};
    if (!(input->positions && place(input, still)) && !input_send_motion(monitor->machine, 0, 0, still, input->buttons) &&
        !place(input, still))
        no_mouse(monitor);
}
