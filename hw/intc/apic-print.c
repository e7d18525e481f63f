// SPDX-License-Identifier: MIT
// Local APICs: what is requested, what is served, and what the local vector table does with its sources.
#include <inttypes.h>

#include "hw/intc/apic-internal.h"

static const char *delivery_text(enum apic_delivery mode)
{
    static const char *const texts[8] = {
        [DELIVER_FIXED] = "fixed",       [DELIVER_LOWEST] = "lowest priority",
        [DELIVER_SMI] = "SMI",           [3] = "reserved",
        [DELIVER_NMI] = "NMI",           [DELIVER_INIT] = "INIT",
        [DELIVER_START_UP] = "start-up", [DELIVER_EXTINT] = "ExtINT",
    };
    return texts[mode & 7];
}

static void print_timer(const struct apic_cpu *cpu, FILE *out)
{
    switch (apic_timer_mode(cpu)) {
    case TIMER_ONE_SHOT:
    case TIMER_PERIODIC:
        fprintf(out, ", %s, counts %" PRIu32 " of %" PRIu32 ", divided by %u",
                apic_timer_mode(cpu) == TIMER_PERIODIC ? "periodic" : "one-shot", apic_timer_current(cpu),
                cpu->initial_count, 1u << apic_timer_divide_log2(cpu));
        break;
    case TIMER_DEADLINE:
        if (cpu->deadline_tsc)
            fprintf(out, ", TSC deadline 0x%" PRIx64, cpu->deadline_tsc);
        else
            fputs(", TSC deadline mode, not set", out);
        break;
    default:
        fputs(", reserved mode", out);
    }
    if (cpu->timer_at_ns != CLOCK_NEVER)
        fprintf(out, ", due in %" PRId64 " ns", (int64_t)(cpu->timer_at_ns - clock_now_ns(cpu->timer.clock)));
}

static void print_lvt(const struct apic_cpu *cpu, FILE *out)
{
    static const char *const names[LVT_COUNT] = {"timer", "thermal", "perf", "LINT0", "LINT1", "error"};
    for (unsigned i = 0; i < LVT_COUNT; i++) {
        uint32_t lvt = cpu->lvt[i];
        enum apic_delivery mode = i == LVT_TIMER || i == LVT_ERROR ? DELIVER_FIXED : apic_lvt_mode(lvt);
        fprintf(out, "  %-8s %s", names[i], lvt & LVT_MASKED ? "masked, " : "");
        if (mode == DELIVER_FIXED)
            fprintf(out, "vector 0x%02x", lvt & 0xff);
        else
            fputs(delivery_text(mode), out);
        if (i == LVT_TIMER)
            print_timer(cpu, out);
        if (i == LVT_LINT0 || i == LVT_LINT1)
            fprintf(out, ", line %s", cpu->apic->lint[i - LVT_LINT0] ? "high" : "low");
        fputc('\n', out);
    }
}

static void print_requests(const struct apic_cpu *cpu, FILE *out)
{
    bool first = true;
    for (unsigned vector = 255; vector >= APIC_FIRST_VECTOR; vector--) {
        bool requested = apic_vector_in(cpu->irr, vector), served = apic_vector_in(cpu->isr, vector);
        if (!requested && !served)
            continue;
        fprintf(out, "  vector 0x%02x %s%s%s", vector, apic_vector_in(cpu->tmr, vector) ? "level" : "edge",
                served ? ", in service until EOI" : "", requested ? ", requested: " : "");
        if (requested) {
            fputs(!apic_software_enabled(cpu)       ? "APIC off"
                  : !apic_lets_through(cpu, vector) ? "not above PPR"
                  : first                           ? "signalled as INTR"
                                                    : "another comes first",
                  out);
            first = false;
        }
        fputc('\n', out);
    }
    if (apic_wants_pic(cpu))
        fputs("  ExtINT: signalled as INTR, the 8259 gives the vector\n", out);
}

static void print_cpu(const struct apic_cpu *cpu, FILE *out)
{
    fprintf(out,
            "CPU #%u: APIC id 0x%02" PRIx32 "%s, %s, spurious vector 0x%02" PRIx32 ", TPR 0x%02x, PPR 0x%02x, INTR %s\n",
            cpu->index, cpu->id, cpu->base & BASE_BSP ? " (BSP)" : "",
            !apic_hardware_enabled(cpu)   ? "off in IA32_APIC_BASE"
            : !apic_software_enabled(cpu) ? "off in SVR"
            : apic_is_x2apic(cpu)         ? "x2APIC"
                                          : "xAPIC",
            cpu->svr & 0xff, cpu->tpr, apic_ppr(cpu), cpu->driven ? "high" : "low");
    fprintf(out, "  logical id 0x%08" PRIx32, apic_ldr(cpu));
    if (!apic_is_x2apic(cpu))
        fprintf(out, " (%s)", cpu->dfr >> 28 == 0xf ? "flat" : "cluster");
    fprintf(out, ", error status 0x%02" PRIx32 " (new: 0x%02" PRIx32 "), last command 0x%08" PRIx32 " to 0x%08" PRIx32 "\n",
            cpu->esr, cpu->new_errors, cpu->icr, cpu->icr_high);
    print_lvt(cpu, out);
    print_requests(cpu, out);
}

void apic_print_irq(struct device *device, FILE *out)
{
    struct apic *apic = (struct apic *)device;
    pthread_mutex_lock(&apic->lock);
    fprintf(out, "local APICs:\n");
    for (unsigned i = 0; i < apic->cpu_count; i++)
        print_cpu(&apic->cpus[i], out);
    pthread_mutex_unlock(&apic->lock);
}
