// SPDX-License-Identifier: MIT
// Those who have not come in yet. Who takes too long has to go, and so do the ones that have got least far
// when there are many. Passwords are looked at in the order in which their clients came, and after some that
// were wrong no faster than time goes by, however many connections there are: no answer tells more than
// another, as right ones wait for their turn like wrong ones.
#include "hw/core/machine.h"
#include "ui/vnc-private.h"

enum {
    TICK_NS = 500000000,
    TICKS_A_SECOND = 2,
    PATIENCE_TICKS = 30 * TICKS_A_SECOND,
    TYPING_TICKS = 60 * TICKS_A_SECOND, // to people who are asked for a password
    REFUSAL_TICKS = 3,                  // until a wrong password is answered
    ATTEMPTS_MAX = 4,                   // that are looked at at once, then one a tick
    CLIENTS_MAX = 64,
    NEWCOMERS_MAX = 32
};

static bool is_outside(const struct vnc_client *client)
{
    return !client->joined && !client->broken;
}

static unsigned progress(const struct vnc_client *client)
{
    return client->state == VNC_ENDING ? 0 : (unsigned)client->state;
}

bool vnc_door_make_room(struct vnc *vnc)
{
    struct vnc_client *least = NULL; // the oldest of these
    unsigned count = 0, newcomers = 0;
    for (struct vnc_client *client = vnc->clients; client; client = client->next) {
        count++;
        newcomers += is_outside(client);
        if (is_outside(client) && (!least || progress(client) <= progress(least)))
            least = client;
    }
    if (count < CLIENTS_MAX && newcomers < NEWCOMERS_MAX)
        return true;
    if (least)
        least->broken = true;
    vnc_clients_drop(vnc, false);
    return least;
}

void vnc_door_greet(struct vnc_client *client)
{
    client->patience = PATIENCE_TICKS;
    ticker_set(&client->vnc->door, TICK_NS);
}

// --- passwords ---

static struct vnc_client *first_attempt(struct vnc *vnc)
{
    struct vnc_client *first = NULL;
    for (struct vnc_client *client = vnc->clients; client; client = client->next)
        if (client->state == VNC_ATTEMPT && !client->broken)
            first = client;
    return first;
}

void vnc_door_judge(struct vnc *vnc)
{
    struct vnc_client *client;
    while (vnc->attempts && (client = first_attempt(vnc))) {
        if (client->right) {
            vnc_handshake_accept(client);
            vnc_client_resume(client);
        } else {
            vnc->attempts--;
            client->state = VNC_REFUSED;
            client->patience = REFUSAL_TICKS;
        }
    }
}

// --- time ---

static void wait_longer(struct vnc_client *client)
{
    bool over = client->state != VNC_ATTEMPT && !--client->patience;
    if (over && client->state == VNC_REFUSED) {
        client->patience = PATIENCE_TICKS;
        vnc_handshake_refuse(client);
        vnc_client_update(client);
    } else if (over) {
        client->broken = true;
    }
}

static void tick(void *opaque)
{
    struct vnc *vnc = opaque;
    bool needed = false;
    vnc->attempts += vnc->attempts < ATTEMPTS_MAX;
    vnc_door_judge(vnc);
    for (struct vnc_client *client = vnc->clients; client; client = client->next) {
        if (is_outside(client))
            wait_longer(client);
        needed |= is_outside(client);
    }
    vnc_clients_drop(vnc, false);
    if (!needed && vnc->attempts == ATTEMPTS_MAX)
        ticker_set(&vnc->door, 0);
}

void vnc_door_ask_password(struct vnc_client *client)
{
    client->state = VNC_PASSWORD;
    client->patience = TYPING_TICKS;
}

int vnc_door_open(struct vnc *vnc)
{
    vnc->attempts = ATTEMPTS_MAX;
    return ticker_init(&vnc->door, vnc->machine->loop, tick, vnc);
}
