// SPDX-License-Identifier: MIT
// The plan of a region: its members, how they lead to each other, and what that means for state slots.
#pragma once

#include "tcg/region.h"

enum { IR_MEMBER_EDGES = 8, IR_RETURN_POINTS = 3 };

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

    // While the region is built:
    bool begun;
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
    struct ir_member members[IR_MEMBERS];
    unsigned count;
    unsigned order[IR_MEMBERS], reached;
    int32_t return_points[IR_RETURN_POINTS]; // where returns are expected
    unsigned return_point_count;
    struct ir_slot_set written, constant; // by any member; read by some and written by none
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

// The member that begins at `offset`, or -1.
int ir_plan_find(const struct ir_plan *plan, int32_t offset);
// With every member looked at: order, loops and slots.
void ir_plan_analyse(struct ir_plan *plan);
