// SPDX-License-Identifier: MIT
#include "frontend/guest-state.h"

#include <inttypes.h>
#include <stdio.h>

#include "hw/core/machine.h"

enum { CPUS_SHOWN = 4 };

// Of a vCPU that a debugger stopped; NULL: none did.
static const char *stop_name(const struct vcpu *cpu)
{
    switch (cpu->stop.reason) {
    case VCPU_AT_BREAKPOINT:
        return "stopped at a breakpoint";
    case VCPU_HIT_WATCHPOINT:
        return "stopped at a watchpoint";
    case VCPU_TOOK_EXCEPTION:
        return "stopped at an exception";
    case VCPU_STEPPED:
        return "stopped after a step";
    case VCPU_RUNS:
        break;
    }
    return NULL;
}

void guest_state_line(struct machine *machine, char *text, size_t size)
{
    enum run_state state = machine_state(machine);
    const char *what = state == RUN_RUNNING ? "" : state == RUN_PRELAUNCH ? "not started" : "paused";
    for (unsigned i = 0; state == RUN_PAUSED && i < machine->vcpus.count; i++)
        if (stop_name(machine->vcpus.cpus[i]))
            what = stop_name(machine->vcpus.cpus[i]);
    snprintf(text, size, "%s", state == RUN_SHUTDOWN ? "powered off" : what);
}

static void describe_cpu(struct vcpu *cpu, FILE *out)
{
    const struct debug_ops *debug = cpu->ops->debug;
    fprintf(out, "CPU %u: ", cpu->index);
    if (!cpu->powered_on) { // stays as it is while the vCPUs are stopped
        fprintf(out, "off\n");
        return;
    }
    if (debug)
        fprintf(out, "%s, %s %u, ", debug->view(cpu, debug->mode(cpu))->architecture, debug->privilege_name, debug->privilege(cpu));
    fprintf(out, "pc 0x%" PRIx64 "%s\n", cpu->ops->get_pc(cpu), cpu->halted ? ", waiting for an interrupt" : "");
    if (debug && cpu->exceptions.count) {
        char text[256];
        debug->describe_exception(&cpu->exceptions.entries[(cpu->exceptions.count - 1) % DEBUG_EXCEPTIONS], text, sizeof(text));
        fprintf(out, "       last exception: %s\n", text);
    }
}

void guest_state_describe(struct machine *machine, char *text, size_t size)
{
    char state[64];
    FILE *out = fmemopen(text, size, "w");
    if (!out)
        return;
    guest_state_line(machine, state, sizeof(state));
    fprintf(out, "The guest shows nothing. It is %s.\n\n", *state ? state : "running");
    vcpu_exclusive_begin(&machine->vcpus, NULL);
    for (unsigned i = 0; i < machine->vcpus.count && i < CPUS_SHOWN; i++)
        describe_cpu(machine->vcpus.cpus[i], out);
    vcpu_exclusive_end(&machine->vcpus, NULL);
    if (machine->vcpus.count > CPUS_SHOWN)
        fprintf(out, "and %u more\n", machine->vcpus.count - CPUS_SHOWN);
    fclose(out); // ends the text with a zero, in its last byte if it is cut off
    text[size - 1] = 0;
}
