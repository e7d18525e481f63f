// SPDX-License-Identifier: MIT
#include <string.h>

#include "hw/input/ps2.h"

const struct state_field ps2_output_state[] = {
    STATE_ARRAY(ps2_output, U8, replies),
    STATE_ARRAY(ps2_output, U8, events),
    STATE_FIELD(ps2_output, U32, reply_count),
    STATE_FIELD(ps2_output, U32, event_first),
    STATE_FIELD(ps2_output, U32, event_count),
    STATE_FIELD(ps2_output, U8, last),
    STATE_END,
};

bool ps2_output_ready(const struct ps2_output *output)
{
    return output->reply_count || output->event_count;
}

uint8_t ps2_output_take(struct ps2_output *output)
{
    if (output->reply_count) {
        output->last = output->replies[0];
        memmove(output->replies, output->replies + 1, --output->reply_count);
    } else if (output->event_count) {
        output->last = output->events[output->event_first];
        output->event_first = (output->event_first + 1) % PS2_EVENT_BYTES;
        output->event_count--;
    }
    return output->last;
}

void ps2_output_reply(struct ps2_output *output, uint8_t byte)
{
    // Each command takes the place of an answer that was never fetched, so they do not pile up.
    if (output->reply_count < PS2_REPLY_BYTES)
        output->replies[output->reply_count++] = byte;
}

bool ps2_output_event(struct ps2_output *output, const uint8_t *bytes, unsigned count)
{
    if (count > PS2_EVENT_BYTES - output->event_count)
        return false;
    for (unsigned i = 0; i < count; i++)
        output->events[(output->event_first + output->event_count++) % PS2_EVENT_BYTES] = bytes[i];
    return true;
}

void ps2_output_drop_events(struct ps2_output *output)
{
    output->event_first = output->event_count = 0;
}

void ps2_output_clear(struct ps2_output *output)
{
    output->reply_count = 0;
    ps2_output_drop_events(output);
}

void ps2_output_sanitize(struct ps2_output *output)
{
    output->event_first %= PS2_EVENT_BYTES;
    if (output->event_count > PS2_EVENT_BYTES || output->reply_count > PS2_REPLY_BYTES)
        ps2_output_clear(output);
}
