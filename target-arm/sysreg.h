// SPDX-License-Identifier: MIT
// System registers and system instructions (Arm ARM, D19, C5): a table of rows, found by encoding.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "target-arm/cpu.h"

// Who may read and write, a bit for each exception level.
enum {
    EL0_R = 1 << 0, EL1_R = 1 << 1, EL2_R = 1 << 2, EL3_R = 1 << 3,
    EL0_W = 1 << 4, EL1_W = 1 << 5, EL2_W = 1 << 6, EL3_W = 1 << 7,
    RO_EL3 = EL3_R,
    RO_EL2 = EL2_R | RO_EL3,
    RO_EL1 = EL1_R | RO_EL2,
    RO_EL0 = EL0_R | RO_EL1,
    WO_EL3 = EL3_W,
    WO_EL2 = EL2_W | WO_EL3,
    WO_EL1 = EL1_W | WO_EL2,
    WO_EL0 = EL0_W | WO_EL1,
    RW_EL3 = RO_EL3 | WO_EL3,
    RW_EL2 = RO_EL2 | WO_EL2,
    RW_EL1 = RO_EL1 | WO_EL1,
    RW_EL0 = RO_EL0 | WO_EL0,
};

enum {
    SR_ENDS_BLOCK = 1 << 0, // a write changes modes: the block ends after it
    SR_SLOTS = 1 << 1,      // the functions look at state slots
    SR_CONST = 1 << 2,      // writes are ignored
    SR_ZERO = 1 << 3,       // reads as zero
    SR_READ_ACTS = 1 << 4,  // reading it does something
};

enum { ARM_TRAP_FP = 1 << 4 };

struct arm_sysreg;

typedef uint64_t arm_sysreg_read_fn(struct arm_cpu *cpu, const struct arm_sysreg *reg);
typedef void arm_sysreg_write_fn(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value);
// The exception level that this access traps to, or 0; with ARM_TRAP_FP, as an FP access. 1 stands for the level that
// exceptions of EL0 and EL1 go to. `write` tells which access.
typedef unsigned arm_sysreg_trap_fn(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write);

struct arm_sysreg {
    const char *name;
    uint32_t encoding;     // ARM_SYSREG()
    uint8_t access;
    uint8_t feature;       // enum arm_feature without which there is no such register
    uint8_t flags;
    int32_t offset;        // of the uint64_t that holds it in struct arm_cpu; 0: none
    uint64_t writable;     // bits that a write changes, 0: all
    uint64_t reset;
    arm_sysreg_read_fn *read;   // NULL: from offset
    arm_sysreg_write_fn *write; // NULL: to offset
    arm_sysreg_trap_fn *trap;   // NULL: never traps
};

// NULL when there is no such register or the CPU lacks its feature.
const struct arm_sysreg *arm_sysreg_find(const struct arm_cpu *cpu, uint32_t encoding);
static inline bool arm_sysreg_allowed(const struct arm_sysreg *reg, unsigned el, bool write)
{
    return reg->access >> (el + (write ? 4 : 0)) & 1;
}
unsigned arm_sysreg_index(const struct arm_sysreg *reg);
const struct arm_sysreg *arm_sysreg_at(unsigned index);
unsigned arm_sysreg_count(void);

// The register's value and its change, without looking at access rights.
uint64_t arm_sysreg_get(struct arm_cpu *cpu, const struct arm_sysreg *reg);
void arm_sysreg_set(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value);
// Puts all registers to their reset values.
void arm_sysreg_reset(struct arm_cpu *cpu);

// Whether the encoding belongs to the GIC's CPU interface, and the lowest exception level that has access.
bool arm_sysreg_is_gic(uint32_t encoding, unsigned *min_el);
