// SPDX-License-Identifier: MIT
// What was noted for debuggers.
#include "hw/core/debug.h"

#include "hw/core/vcpu.h"

void debug_exception_taken(struct vcpu *cpu, struct debug_exception exception)
{
    struct debug_exception_log *log = &cpu->exceptions;
    exception.number = log->count + 1;
    log->entries[log->count++ % DEBUG_EXCEPTIONS] = exception;
}
