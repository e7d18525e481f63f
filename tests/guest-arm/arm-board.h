// SPDX-License-Identifier: MIT
// A virt board with processors that run on the test's own thread, under any accelerator.
#pragma once

#include "hw/core/accel.h"
#include "hw/core/machine.h"

struct arm_board {
    struct accel *accel;
    struct machine *machine;
};

enum { ARM_BOARD_SKIPS = 77 };

// `accel` is "kvm" or "interp". Its devices are reset. Ends the program with ARM_BOARD_SKIPS and a message when it cannot be made.
struct arm_board arm_board_create(const char *accel, const char *gic_version, unsigned cpus);
void arm_board_destroy(struct arm_board *board);
// The first processor is reset, and to run from `entry` on.
void arm_board_start(struct arm_board *board, uint64_t entry);
