// SPDX-License-Identifier: MIT
// The plan of a region: its members, how they lead to each other, and what that means for state slots.
#pragma once

#include "tcg/region.h"

enum {
    IR_MEMBER_EDGES = 8,
    IR_RETURN_POINTS = 3,
    IR_PLAN_MEMBERS = 3 * IR_MEMBERS, // with what loops of two versions add
    IR_STREAMS = 6,
    IR_STREAM_STEP = 256, // at most
};

// What a loop does at even steps: accesses to [lo, hi) around an address that is, at the loop's head, the value of a slot plus
// a constant, or the sum of two such, one of them shifted.
struct ir_stream {
    unsigned count;           // of addends
    struct ir_stream_part {
        unsigned slot;
        int64_t plus;
        bool half;            // the lower half of the slot, an i64
        bool rises, falls;    // only 32 bits of it count, and it may pass 2^32, or 0, which cuts it
    } part[2];
    unsigned shift;           // of the second
    enum ir_type type;
    int32_t lo, hi;
    int32_t step;             // the address changes by 0 to step in a round; or, if `by` is a slot,
    unsigned by, by_shift;    // by 0 or the slot's value, shifted. IR_SLOT_PC_PAGE: it is none
    uint32_t step_bits;       // those of any step
    uint32_t aligned;         // low bits of the address that are to be 0
    uint8_t mmu_index;
    bool written;
};

// A loop of two versions (builder-versions.c).
struct ir_versions {
    uint32_t loop;              // members
    unsigned head, choice;      // its head; the member that chooses the version
    int16_t copy[IR_MEMBERS];   // of each member in the sure version
    struct ir_stream streams[IR_STREAMS];
    unsigned stream_count;
    struct ir_sure sure[IR_STREAMS]; // while the region is built
};

// An operand of flags that have not been made, as a join finds it.
struct ir_flags_operand {
    enum { IR_FLAGS_PARAM, IR_FLAGS_SLOT, IR_FLAGS_CONST, IR_FLAGS_VALUE } kind;
    unsigned slot;     // whose value it is
    uint64_t constant;
    ir_ref value;      // the same on all ways
};

// Flags that a slot holds and that have not been made. At a join, they are a deferred value (builder-private.h).
struct ir_plan_flags {
    uint8_t op, type;  // of the operands; op IR_NOP: there are none
    bool always;       // no way brings anything else
    uint16_t slot;
    struct ir_flags_operand operands[2];
};

struct ir_edge {
    int32_t offset; // where it leads
    int to;         // member, or -1
    struct ir_slot_set written; // on every path in the member that ends in this edge
    struct ir_plan_flags flags;
};

struct ir_member {
    int32_t offset, end;
    bool looked;      // what follows is known
    bool too_many;    // it has more edges than there is room for
    struct ir_slot_use use;
    struct ir_edge edges[IR_MEMBER_EDGES];
    unsigned edge_count;
    int32_t return_point; // of the call that it ends with, or -1
    bool returns;
    struct ir_slot_set return_written; // as in struct ir_edge, at its returns

    // From the analysis:
    unsigned order;             // place in reverse postorder, if reached
    bool reached, loop_head;
    struct ir_slot_set live;    // may be read, in the region, before they are written
    struct ir_slot_set needed;  // may be looked at by anybody before they are written
    struct ir_slot_set changed; // of a loop head: may be written in the loop
    bool two_ways;              // the same: the loop is entered elsewhere too
    struct ir_plan_flags flags; // of a loop head: what a round ends with
    struct ir_slot_set inside, set; // the same: read in the loop; written there by translated code
    uint32_t loop;              // the same: members of the loop, of several with this head the innermost

    struct ir_versions *versions; // of a loop's head
    struct ir_versions *chooses;  // of what is no member, but where the version is chosen
    struct ir_versions *in;     // of a copy: what it is part of
    unsigned original;          // the member that it is a copy of, or its own number

    // While the region is built:
    bool begun;
    uint32_t first, last;       // instructions [first, last) are its own
    bool counted;               // a head whose last parameter is the number of rounds to go
    ir_ref rounds, rounds_passed; // at the head; for the next jump there
    uint32_t ways[2 * IR_MEMBERS]; // side blocks, not begun, that lead here
    unsigned way_count;
    uint32_t head;              // of a join that has begun, else IR_NONE
    struct ir_slot_state *slots; // as the head expects them
    struct ir_slot_set dirty;
    unsigned param_count;
    uint8_t params[32];         // slots
    struct ir_slot_set is_param;
    bool defers;                // flags.slot is a deferred value, whose parameters come behind the others
};

struct ir_plan {
    struct ir_member members[IR_PLAN_MEMBERS];
    unsigned count, copies; // copies come behind the others
    unsigned order[IR_PLAN_MEMBERS], reached;
    int32_t return_points[IR_RETURN_POINTS]; // where returns are expected
    unsigned return_point_count;
    struct ir_slot_set written, read, constant; // by any member; read and not written
    bool two_ways;   // some loop is entered in two places
    uint32_t common; // instructions before this one are on every way to every member
    unsigned current;
    bool making;
};

// --- flags (builder-flags.c) ---
// The flags that are not made at this point.
struct ir_plan_flags ir_flags_note(struct ir_builder *b);
// Of a join that is no loop's head: m->flags, but for their operands, from what its ways bring in the slot. False: they bring
// no such flags.
bool ir_flags_of_ways(struct ir_builder *b, struct ir_member *m, unsigned slot);
// How the head is to find an operand of them, when the slots that are parameters are known.
struct ir_flags_operand ir_flags_operand_of_ways(struct ir_builder *b, const struct ir_member *m, unsigned n);
// Whether a jump to the head is possible as far as flags are concerned.
bool ir_flags_conform(struct ir_builder *b, const struct ir_member *m);
// The values of the parameters for a jump to the head; flags of another kind go to the slot's memory. Returns their number.
unsigned ir_flags_pass(struct ir_builder *b, const struct ir_member *m, ir_ref *values);
// At the head: the parameters, behind those for slots; then, when the slots are known, the deferred value.
void ir_flags_params(struct ir_builder *b, const struct ir_member *m, ir_ref params[IR_SNAPSHOT_OPERANDS]);
ir_ref ir_flags_make(struct ir_builder *b, const struct ir_member *m, const ir_ref params[IR_SNAPSHOT_OPERANDS]);

// --- loops of two versions (region-streams.c, builder-versions.c) ---
// The streams of a loop, from a region that was built without versions. NULL: it has none, or is not to have versions.
struct ir_versions *ir_streams_find(struct ir_builder *b, const struct ir_plan *built, unsigned head);
// Whether the copies that rely on checks at their loop's head do nothing that may make them wrong.
bool ir_versions_hold(const struct ir_builder *b);
// Adds the copies of a loop's members to the plan.
void ir_versions_add(struct ir_plan *plan, unsigned head);
// Where the version is chosen: goes to the head of either.
void ir_versions_choose(struct ir_builder *b, struct ir_member *m);
// Where a member of a sure version begins, or is looked at: what it may rely on.
void ir_versions_go_on_sure(struct ir_builder *b, struct ir_member *m);

// --- the look at members (builder-members.c) ---
// The region and its builder as they were before anything was built.
void ir_region_start_over(struct ir_builder *b);
void ir_region_add_member(struct ir_plan *plan, int32_t offset);
// Builds a member by itself. False when it cannot be one.
bool ir_region_look(struct ir_builder *b, unsigned member, const struct ir_region_source *source);
// At an exit of a member that is looked at.
void ir_region_note_edge(struct ir_builder *b, int32_t offset);
// Looks at members and finds new ones until there are no more. False when the entry itself cannot be one.
bool ir_region_find_members(struct ir_builder *b, const struct ir_region_source *source);
bool ir_among(const int32_t *list, unsigned count, int32_t offset);

// --- ways and jumps (builder-region.c) ---
// A side block for the way to a member: the current one if nothing is in it, else one that it jumps to.
void ir_region_wait_for(struct ir_builder *b, struct ir_member *m);
// To a head that has begun, by way of a poll; an exit when what is known here cannot be brought to what it expects.
void ir_region_jump_back(struct ir_builder *b, struct ir_member *m);

// The member that begins at `offset`, or -1.
int ir_plan_find(const struct ir_plan *plan, int32_t offset);
// The same, as the member that is being built sees it: a copy when it is one of the same version.
int ir_plan_target(const struct ir_plan *plan, int32_t offset);
// With every member looked at: order, loops and slots.
void ir_plan_analyse(struct ir_plan *plan);
// What the members of a loop mean for slots at its head.
void ir_plan_loop_slots(const struct ir_plan *plan, struct ir_member *head, uint32_t loop);
// The same with copies added, which are in the same loops as their originals.
void ir_plan_analyse_copies(struct ir_plan *plan);
