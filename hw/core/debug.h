// SPDX-License-Identifier: MIT
// What debuggers, the monitor and management see of a virtual processor: registers by name in the form of GDB's target
// descriptions (GDB manual, appendix G), where addresses lead, and which exceptions were taken. A guest family fills in
// struct debug_ops; nobody else knows its registers.
//
// All of it is called while the vCPU is out of accel_ops.run(), by whoever holds it there, or on its own thread in that state.
// What the family keeps in a host's registers while code runs is in memory then (tcg_cpu.fp_control).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct error;
struct machine;
struct stop;
struct vcpu;

// --- registers -----------------------------------------------------------------------------------------------------

enum { DEBUG_REGISTER_BYTES = 64 }; // of the largest register

struct debug_register {
    const char *name;  // as GDB knows it where it does, else as the manual spells it, in lower case
    const char *type;  // one of GDB's ("int", "code_ptr", "data_ptr", "ieee_double", "i387_ext") or of the feature's; NULL: an integer
    const char *group; // "general", "float", "vector", "system"; NULL: GDB's idea
    uint16_t bits;     // a multiple of 8
    uint16_t id;       // the family's
};

struct debug_feature {
    const char *name;  // "org.gnu.gdb.aarch64.core"
    const char *types; // XML elements that describe its types; NULL: it has none
    const struct debug_register *registers;
    unsigned count;
};

// All registers in the order of their numbers, as one mode shows them. Constant as long as the vCPU is there.
struct debug_view {
    const char *architecture; // BFD's name: "aarch64", "i386:x86-64", "i386", "i8086"
    const struct debug_feature *features;
    unsigned feature_count;
    unsigned packet_count;    // registers that a debugger wants at each stop; the first ones
};

// A register of at most 64 bits by its name, as the last of the views has it. False: there is none.
bool debug_read_register(struct vcpu *cpu, const char *name, uint64_t *value);

// --- address translation ---------------------------------------------------------------------------------------------

// Where an address leads, with nothing changed by that, and how many of *length bytes follow there in its page. `physical`: it is a
// physical one already. False: nowhere.
bool debug_locate(struct vcpu *cpu, bool physical, uint64_t address, uint64_t *gpa, size_t *length);
// How many bytes could be read from `address` on. Only memory is: reading a device's registers could change them.
size_t debug_read_memory(struct vcpu *cpu, bool physical, uint64_t address, void *out, size_t length);

// One run of addresses whose translations go on from each other.
struct debug_mapping {
    uint64_t gva, size, gpa;
    uint64_t page_bytes; // of its last part
    char rights[24];     // "urwx-g" and the like, the family's: what is equal can be shown as one
};

// Whether the accelerator can do with a stop more, or catch exceptions (`stop` is NULL). Negative errno with a message. With all
// vCPUs out of run().
int debug_can_stop(const struct machine *machine, const struct stop *stop, struct error *error);

// Prints a power of two as bytes: "4 KiB", "1 GiB".
void debug_print_size(unsigned log2, FILE *out);

// --- exceptions --------------------------------------------------------------------------------------------------------

// An exception or interrupt that was taken.
struct debug_exception {
    uint64_t number;      // counted from 1, of the vCPU's
    uint64_t pc;          // of the instruction that it came at
    uint64_t handler;     // where it led
    uint64_t syndrome;    // ESR_ELx; x86: the error code
    uint64_t address;     // FAR_ELx, CR2; where there is one
    uint32_t vector;      // the family's: x86 0 to 255, Arm the offset from VBAR_ELx
    uint8_t from, to;     // privilege levels
    bool interrupt;       // not an instruction's doing
    bool has_address;
};

enum { DEBUG_EXCEPTIONS = 64 };

// A vCPU's last ones; written by its own thread.
struct debug_exception_log {
    uint64_t count; // ever: the newest is at (count - 1) % DEBUG_EXCEPTIONS
    struct debug_exception entries[DEBUG_EXCEPTIONS];
};

// Notes an exception, whose number is filled in, when it has been taken. On the vCPU's thread.
void debug_exception_taken(struct vcpu *cpu, struct debug_exception exception);

// --- what a family supplies ----------------------------------------------------------------------------------------------

struct debug_ops {
    // Modes in which the same registers look different, numbered from 0; the last one is what a debugger is told first.
    unsigned (*mode_count)(const struct vcpu *cpu);
    unsigned (*mode)(const struct vcpu *cpu);
    const struct debug_view *(*view)(const struct vcpu *cpu, unsigned mode);

    // A register of a view, by its id, little-endian in `bits` / 8 bytes. The pc is the address that translate_debug takes and
    // breakpoints are set by. False: it has none in the vCPU's state.
    bool (*read)(struct vcpu *cpu, const struct debug_view *view, const struct debug_register *reg, uint8_t *bytes);
    // False: it cannot be written, or not to that.
    bool (*write)(struct vcpu *cpu, const struct debug_view *view, const struct debug_register *reg, const uint8_t *bytes);

    // Which tables translate, and for whom: AArch64 TTBR0's base with the ASID in bits 63:48, x86 CR3. The masks choose the
    // tables and the identifier.
    uint64_t (*space)(const struct vcpu *cpu);
    uint64_t space_tables, space_id;
    // How many bits of an address say where it leads; those above, but for bit 55, may hold a tag or a signature. 0: it is not
    // known. NULL: all do.
    unsigned (*address_bits)(const struct vcpu *cpu);
    unsigned (*privilege)(const struct vcpu *cpu); // exception level; current privilege level
    bool (*secure)(const struct vcpu *cpu);        // AArch64 secure state; x86 system management mode
    const char *privilege_name, *space_name;       // "el", "cpl"; "ttbr0", "cr3"

    // Prints how `gva` is translated, level by level, and what stops it. Changes nothing.
    void (*print_walk)(struct vcpu *cpu, uint64_t gva, FILE *out);
    // The first mapping at or after `gva`, of one page-table entry. False: there are no more.
    bool (*next_mapping)(struct vcpu *cpu, uint64_t gva, struct debug_mapping *mapping);

    // One line without its end: what happened, with codes decoded.
    void (*describe_exception)(const struct debug_exception *exception, char *text, size_t size);
    // Which exceptions a word of the user's means ("14", "#PF", "page-fault"; "svc", "0x25", "irq"), as a number that
    // exception_class gives for them. False: none.
    bool (*find_exception)(const char *word, uint32_t *class);
    uint32_t (*exception_class)(const struct debug_exception *exception);

    // Lines that follow the vCPU's name: its state of masking, and each interrupt input that it has with what becomes of it.
    void (*print_irq)(struct vcpu *cpu, FILE *out);
};
