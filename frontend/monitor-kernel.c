// SPDX-License-Identifier: MIT
// The guest's kernel and the processors, as the monitor shows them.
#include <inttypes.h>

#include "frontend/guest-kernel.h"
#include "frontend/kernel-finder.h"
#include "frontend/monitor-private.h"

void monitor_info_cpus(struct monitor *monitor, const char *arguments)
{
    struct vcpu_group *group = &monitor->machine->vcpus;
    struct kernel_task task;
    (void)arguments;
    if (monitor->kernel && monitor_cpu(monitor) && guest_kernel_known(monitor->kernel))
        guest_kernel_find(monitor->kernel, monitor_cpu(monitor));
    for (unsigned i = 0; i < group->count; i++) {
        struct vcpu *cpu = group->cpus[i];
        const struct debug_ops *ops = cpu->ops->debug;
        fprintf(monitor->out, "%c CPU #%u: pc=", i == monitor->cpu_index ? '*' : ' ', i);
        monitor_print_address(monitor, cpu->ops->get_pc(cpu));
        if (!vcpu_is_powered_on(cpu)) {
            fprintf(monitor->out, " (off)\n");
            continue;
        }
        if (ops)
            fprintf(monitor->out, " %s=%u", ops->privilege_name, ops->privilege(cpu));
        if (monitor->kernel && guest_kernel_known(monitor->kernel) && guest_kernel_task(monitor->kernel, cpu, &task))
            fprintf(monitor->out, " %s (pid %" PRIu32 ")", task.comm, task.pid);
        fprintf(monitor->out, "%s%s\n", cpu->halted ? " (halted)" : "", cpu->held ? " (stopped)" : "");
    }
}

void monitor_info_kernel(struct monitor *monitor, const char *arguments)
{
    const struct kernel_info *k =
        monitor->kernel && monitor_cpu(monitor) ? guest_kernel_find(monitor->kernel, monitor_cpu(monitor)) : NULL;
    FILE *out = monitor->out;
    (void)arguments;
    if (!k) {
        fprintf(out, "no Linux kernel is running, or none that can be recognised (yet)\n");
        return;
    }
    fprintf(out, "%s\nat 0x%" PRIx64 ", ", k->banner, k->text);
    if (k->slide_known)
        fprintf(out, "0x%" PRIx64 " behind where it was linked\n", k->slide);
    else
        fprintf(out, "where it was linked is not known (-guest-symbols System.map tells)\n");
    fprintf(out, "%zu symbols\n", k->symbol_count);
    for (unsigned i = 0; i < k->build_id.size; i++)
        fprintf(out, "%s%02x%s", i ? "" : "build id ", k->build_id.bytes[i], i + 1 < k->build_id.size ? "" : "\n");
    for (unsigned i = 0; i < monitor->machine->vcpus.count; i++) {
        struct kernel_task task;
        if (guest_kernel_task(monitor->kernel, monitor->machine->vcpus.cpus[i], &task))
            fprintf(out, "CPU #%u runs %s, pid %" PRIu32 ", task_struct at 0x%" PRIx64 "\n", i, task.comm, task.pid,
                    task.address);
    }
    if (k->modules_missing)
        fprintf(out, "modules are not known: %s\n", k->modules_missing);
    for (unsigned i = 0; i < k->module_count; i++) {
        uint64_t bytes = 0;
        for (unsigned n = 0; n < k->modules[i].region_count; n++)
            bytes += k->modules[i].regions[n].bytes;
        fprintf(out, "module %s at 0x%" PRIx64 ", %" PRIu64 " KiB\n", k->modules[i].name, k->modules[i].regions[0].address,
                bytes >> 10);
    }
}
