// SPDX-License-Identifier: MIT
// Message-signalled interrupts: writes of 32 bits, which mean an interrupt where they arrive.
//
// Who sends messages over and over, such as a vector of MSI-X, has a notifier for each kind and hands it on with them. Whoever
// carries messages out may remember in it how to do that faster, and so needs no table of senders; nobody else looks inside. What a
// message says may change from one to the next, and when none may be sent, none is: a notifier is not told. It has to be released
// before its memory goes, and should be when the sender has finished for now, since what it holds may be scarce.
#pragma once

#include <stdint.h>

struct message_notifier { // all zeroes: nothing is remembered
    void (*release)(struct message_notifier *notifier);
    void *opaque;
};

struct message {
    uint64_t address;
    uint32_t data;
    uint32_t requester;                // the function that makes it: bus number and devfn
    struct message_notifier *notifier; // NULL: the sender has none. With one, the device lock is held
};

// What is remembered is dropped; messages that were sent before have arrived then. Device lock held.
static inline void message_notifier_release(struct message_notifier *notifier)
{
    if (notifier->release)
        notifier->release(notifier);
}
