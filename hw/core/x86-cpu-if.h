// SPDX-License-Identifier: MIT
// What a PC board and its interrupt controllers know of an x86 CPU, and the CPU of them. The board fills in
// one `struct x86_cpu_config` a CPU and passes it to the machine's CPU factory; target-x86 keeps the
// pointers.
//
// Lines go to the CPU by vcpu_irq_set(cpu, X86_CPU_INTR, level) and so on, from any thread. INIT and start-up
// messages are not lines: the board turns them into vcpu_queue_work, so that they keep their order.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hw/core/irq.h"

struct memory_map;
struct vcpu;

// Input lines of a CPU, numbers for vcpu_irq_set.
enum x86_cpu_input {
    X86_CPU_INTR = 0, // level: the local APIC, or the 8259 through LINT0, has an interrupt for it
    X86_CPU_NMI = 1,  // edge: the CPU clears it when it takes it
    X86_CPU_SMI = 2,  // edge, as NMI
    X86_CPU_A20M = 3, // level: address bit 20 is forced to zero
    X86_CPU_IGNNE = 4, // level: x87 errors are ignored while CR0.NE is clear
};

// The interrupt controller next to a CPU. Called on the CPU's thread with no lock held.
struct x86_intc_ops {
    // The vector of the interrupt that is taken now (an interrupt acknowledge cycle), 0 to 255; -1 when the
    // line went down meanwhile, in which case the CPU goes on as if there had been none.
    int (*acknowledge)(void *opaque);
    // Bits 7:4 of the task priority register, as CR8 shows them.
    uint8_t (*get_cr8)(void *opaque);
    void (*set_cr8)(void *opaque, uint8_t value);
    // IA32_APIC_BASE (0x1b), IA32_TSC_DEADLINE (0x6e0), x2APIC registers (0x800 to 0x8ff). False: #GP(0).
    bool (*read_msr)(void *opaque, uint32_t msr, uint64_t *value);
    bool (*write_msr)(void *opaque, uint32_t msr, uint64_t value);
    // An APIC that is not the machine's own has ended a level-triggered interrupt. NULL where it is.
    void (*ended)(void *opaque, uint8_t vector);
};

struct x86_cpu_config {
    unsigned index; // the CPU's number in the machine
    uint32_t apic_id;
    unsigned threads, cores, sockets; // topology, for CPUID
    struct memory_map *io;            // the port space: 64 KiB, sizes 1, 2 and 4
    struct memory_map *smm_memory;    // the memory map in system management mode; NULL: as otherwise
    const struct x86_intc_ops *intc;  // NULL: none (no APIC; INTR is never raised)
    void *intc_opaque;
    // FERR#: an unmasked x87 exception with CR0.NE clear stops an x87 instruction until an interrupt comes, or IGNNE#.
    // Driven with the device lock held.
    struct irq_line ferr;
    // Raised on reset conditions (triple fault, shutdown): the board decides. Called on the CPU's thread, no
    // lock.
    void (*shutdown)(void *opaque);
    void *shutdown_opaque;
};
