// SPDX-License-Identifier: MIT
// The port space as instructions reach it.
#pragma once

#include "target-x86/cpu.h"

// #GP(0) unless IOPL or the TSS's bitmap allow the ports.
void x86_check_port(struct x86_cpu *cpu, uint32_t port, unsigned bytes);
// Ports that nobody answers for read as ones.
uint32_t x86_port_read(struct x86_cpu *cpu, uint32_t port, unsigned bytes);
void x86_port_write(struct x86_cpu *cpu, uint32_t port, unsigned bytes, uint64_t value);
