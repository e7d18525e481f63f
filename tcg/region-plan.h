// SPDX-License-Identifier: MIT
// The plan of a region: its members, how they lead to each other, and what that means for state slots.
#pragma once

#include "tcg/region.h"

enum { IR_MEMBER_EDGES = 8, IR_RETURN_POINTS = 3 };

// Flags that a slot holds and that have not been made: an operation on two operands, each of which may be what a slot holds,
// or a constant.
struct ir_plan_flags {
    uint8_t op, type;  // op IR_NOP: there are none
    uint16_t slot;
    int16_t slots[2];  // -1: not a slot's value
    bool is_const[2];
    uint64_t consts[2];
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
    struct ir_plan_flags flags; // the same: what a round ends with
    struct ir_slot_set inside;  // the same: read in the loop

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

// The member that begins at `offset`, or -1.
int ir_plan_find(const struct ir_plan *plan, int32_t offset);
// With every member looked at: order, loops and slots.
void ir_plan_analyse(struct ir_plan *plan);
