// SPDX-License-Identifier: MIT
// Regions of several blocks of guest code, the *members*, all in one page. Control goes from member to member inside the region:
// a member with one way in goes on with everything that is known at its end; others are joins whose parameters are the slots
// that differ between the ways in. So slots stay in host registers through branches and loops, and their memory is behind the
// whole time, as snapshots and exits know. Jumps back poll IR_SLOT_EXIT_REQUEST.
//
// A region is built twice: once member by member, to see where each leads and what it does with slots (builder-members.c,
// region-plan.c), then as a whole (builder-region.c). Loops over memory at even steps get a second version (builder-versions.c),
// for which it is built once more.
#pragma once

#include "tcg/builder.h"

enum { IR_MEMBERS = 32 };

struct ir_region_source {
    void *ctx;
    // Builds the code at `offset` from the page base up to where it leaves, or ir_at_member says that another member begins:
    // then ends with ir_exit_to. Members are numbered in the order in which they are found, the entry is 0; each is built
    // several times, always the same way but for what is known at its start. Returns the offset behind the code, negative when
    // it cannot be part of a region.
    int32_t (*build)(void *ctx, unsigned member, int32_t offset);
    // Whether code that is jumped to should become a member.
    bool (*wanted)(void *ctx, int32_t offset);
};

// Builds the region whose entry is at `entry`, in a builder fresh from ir_builder_init. Returns the number of members; 0, and
// nothing is built, when that would be a single block without a loop.
unsigned ir_build_region(struct ir_builder *b, int32_t entry, const struct ir_region_source *source);

// Whether a member of the region in hand begins at `offset`.
bool ir_at_member(const struct ir_builder *b, int32_t offset);
