// SPDX-License-Identifier: MIT
// What was noted for debuggers.
#include "hw/core/debug.h"

#include <string.h>

#include "hw/core/accel.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "tcg/base/endian.h"

static bool is_caught(const struct vcpu *cpu, const struct debug_exception *exception)
{
    const struct stops *stops = &cpu->machine->stops;
    uint32_t class = cpu->ops->debug->exception_class(exception);
    for (size_t i = 0; i < stops->catch_count; i++)
        if (stops->catches[i] == class)
            return true;
    return false;
}

bool debug_read_register(struct vcpu *cpu, const char *name, uint64_t *value)
{
    const struct debug_ops *ops = cpu->ops->debug;
    const struct debug_view *view = ops ? ops->view(cpu, ops->mode_count(cpu) - 1) : NULL;
    uint8_t bytes[DEBUG_REGISTER_BYTES] = {0};
    for (unsigned i = 0; view && i < view->feature_count; i++) {
        for (unsigned n = 0; n < view->features[i].count; n++) {
            const struct debug_register *r = &view->features[i].registers[n];
            if (r->bits > 64 || strcmp(r->name, name) || !ops->read(cpu, view, r, bytes))
                continue;
            *value = load_le64(bytes);
            return true;
        }
    }
    return false;
}

bool debug_locate(struct vcpu *cpu, bool physical, uint64_t address, uint64_t *gpa, size_t *length)
{
    size_t in_page = GUEST_PAGE_SIZE - (size_t)(address & (GUEST_PAGE_SIZE - 1));
    *length = *length < in_page ? *length : in_page;
    *gpa = address;
    return physical || cpu->ops->translate_debug(cpu, address, gpa);
}

size_t debug_read_memory(struct vcpu *cpu, bool physical, uint64_t address, void *out, size_t length)
{
    size_t done = 0;
    while (done < length) {
        size_t part = length - done;
        uint64_t gpa;
        if (!debug_locate(cpu, physical, address + done, &gpa, &part) ||
            !dma_read(cpu->machine->map, gpa, (uint8_t *)out + done, part))
            break;
        done += part;
    }
    return done;
}

int debug_can_stop(const struct machine *machine, const struct stop *stop, struct error *error)
{
    const struct accel *accel = machine->vcpus.count ? machine->vcpus.cpus[0]->accel : NULL;
    return accel && accel->ops->can_stop ? accel->ops->can_stop((struct accel *)accel, stop, error) : 0;
}

void debug_exception_taken(struct vcpu *cpu, struct debug_exception exception)
{
    struct debug_exception_log *log = &cpu->exceptions;
    exception.number = log->count + 1;
    log->entries[log->count++ % DEBUG_EXCEPTIONS] = exception;
    if (cpu->machine->stops.catch_count && !cpu->pass_stops && is_caught(cpu, &exception)) {
        cpu->stop = (struct vcpu_stop){.reason = VCPU_TOOK_EXCEPTION, .address = exception.handler,
                                       .exception = exception.number};
        atomic_store(&cpu->exit_request, 1);
    }
}

void debug_print_size(unsigned log2, FILE *out)
{
    static const char units[][4] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    fprintf(out, "%u %s", 1U << log2 % 10, units[log2 / 10]);
}
