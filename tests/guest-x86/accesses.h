// SPDX-License-Identifier: MIT
// Tests that have a guest make single accesses (programs/accesses.S): to memory, to devices, to ports.
#pragma once

#include "x86-machine.h"

enum access_kind { STORE = 0, OUT = 0x10, LOAD = 0x20, IN = 0x30 }; // or'ed with the size

enum { ACCESSES_AT = 0x7c00 }; // where the program is, which is entered there

struct access {
    uint32_t what, address, value, times; // `value` is what was read, then
};

// The machine of a test program with arguments ACCEL IMAGE. Ends the program where there is no such engine, with 77 for KVM.
struct x86_machine *accesses_begin(int argc, char **argv);
// Has the guest make them. Ends the program when it does not get through.
void accesses_make(struct x86_machine *m, struct access *list, unsigned count);
// The same without running it.
void accesses_put(struct x86_machine *m, const struct access *list, unsigned count);
// One of them. What was read, or `value`.
uint32_t access_make(struct x86_machine *m, uint32_t what, uint32_t address, uint32_t value);
// The I/O loop is on another thread than processors; here it comes round when told to.
void accesses_loop(struct x86_machine *m);
// A PCI bus that -device finds, without a chipset; its function in the first slot gets its configuration from access_config.
void accesses_add_pci(struct x86_machine *m);
void access_config(struct x86_machine *m, unsigned offset, uint32_t value);
void accesses_realize(struct x86_machine *m, struct device *device);
void accesses_add_device(struct x86_machine *m, const struct device_type *type);
// The number before these words in what KVM tells of itself; 0 with another engine.
unsigned long long accesses_counted(struct x86_machine *m, const char *words);
// Ends the program with a message unless it is so.
void expect(bool is, const char *format, ...) __attribute__((format(printf, 2, 3)));
