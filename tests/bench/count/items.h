// SPDX-License-Identifier: MIT
// What the bare guest program of items.c and the one that runs it (run-items.c) agree on: a record in guest memory at
// MAILBOX. The program is entered with an item's number and how many times to run it; it ends with the item's name, "" when
// there is no such item, and a checksum.
#pragma once

#include <stdint.h>

struct mailbox {
    uint32_t item, repeats;
    uint32_t sum, expected;
    char name[16];
};
