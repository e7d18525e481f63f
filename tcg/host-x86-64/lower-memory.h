// SPDX-License-Identifier: MIT
// What lowerings of memory operations share.
#pragma once

#include "tcg/host-x86-64/lower.h"

// An access that has passed the inline check.
struct checked {
    unsigned host;  // register: host address - guest address
    unsigned spare; // a temporary that is free again, or X86_NO_REG
    struct slow_path slow;
};

// The inline check of an access of its own, in two temporaries.
struct checked lower_check(struct lower *l, unsigned address, struct ir_mem mem, bool write);
// Writes the description of where everything is when the access leaves; NULL when there is no room.
struct tcg_site *lower_site(struct lower *l, const struct ir_ins *ins, unsigned address);
// The slow path comes back to the current place.
void lower_slow(struct lower *l, struct slow_path slow, const struct tcg_site *site);
// Goes to the slow path without a check.
void lower_only_slow(struct lower *l, struct slow_path *slow);
// Loads an integer of `mem`'s size in the host's byte order, extended to 32 or 64 bits.
void lower_int_load(struct lower *l, unsigned dst, struct ir_mem mem, bool wide, struct x86_mem at);

void lower_cas(struct lower *l, uint32_t index);
void lower_atomic(struct lower *l, uint32_t index);
