// SPDX-License-Identifier: MIT
// x87 errors as the PC has them (Intel SDM volume 1, 8.7.2 and 8.7.3): FERR# tells the board, and the next x87 instruction
// that waits is frozen until an interrupt comes or the board raises IGNNE#. After the interrupt it is done again, so it
// freezes anew where the handler has not cleared the error.

#include "hw/core/machine.h"
#include "target-x86/exception.h"

static void drive(struct x86_cpu *cpu, bool level)
{
    struct device_lock *lock = &cpu->tcg.vcpu.machine->lock;
    cpu->ferr = level;
    device_lock_acquire(lock);
    irq_set(&cpu->config.ferr, level);
    device_lock_release(lock);
}

void x86_ferr_wait(struct x86_cpu *cpu)
{
    if (!cpu->ferr)
        drive(cpu, true);
    if (atomic_load_explicit(&cpu->tcg.vcpu.irq_lines, memory_order_acquire) >> X86_CPU_IGNNE & 1)
        return;
    cpu->halt = X86_FROZEN;
    cpu->tcg.vcpu.halted = true;
    tcg_leave(&cpu->tcg);
}

void x86_ferr_clear(struct x86_cpu *cpu)
{
    if (cpu->ferr)
        drive(cpu, false);
}
