// SPDX-License-Identifier: MIT
// The interrupt inputs of a processor for people, and what holds each off.

#include "target-x86/gdb.h"

static void print_input(const char *name, bool up, const char *held, FILE *out)
{
    fprintf(out, "  %-4s %-4s  %s\n", name, up ? "up" : "down", held ? held : up ? "is taken next" : "not masked");
}

void x86_debug_print_irq(struct vcpu *vcpu, FILE *out)
{
    const struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    uint32_t up = atomic_load_explicit(&vcpu->irq_lines, memory_order_acquire);
    bool interrupts = cpu->eflags & FLAG_IF;
    const char *all = cpu->in_shutdown                ? "the processor has shut down"
                      : cpu->shadow == X86_SHADOW_STI ? "held off until after the instruction behind STI"
                      : cpu->shadow                   ? "held off until after the instruction behind a load of SS"
                                                      : NULL;
    fprintf(out, "CPL %u, IF %s%s%s%s\n", x86_cpl(cpu), interrupts ? "set" : "clear",
            cpu->nmi_blocked ? ", NMIs blocked" : "", cpu->smm ? ", in system management mode" : "",
            cpu->halt == X86_FROZEN ? ", frozen by an x87 error" : "");
    print_input("INTR", up >> X86_CPU_INTR & 1, all ? all : !interrupts ? "masked: IF is clear" : NULL, out);
    print_input("NMI", up >> X86_CPU_NMI & 1, all ? all : cpu->nmi_blocked ? "blocked until IRET" : NULL, out);
    print_input("SMI", up >> X86_CPU_SMI & 1, all ? all : cpu->smm ? "held off until RSM" : NULL, out);
}
