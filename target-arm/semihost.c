// SPDX-License-Identifier: MIT
// Semihosting: which instruction calls, and the operations that are not about files ("Semihosting for AArch32 and AArch64",
// Arm). What the host does for them is behind hw/core/semihost.h.
//
// A call takes effect as a whole or is tried again, so that a processor that waits for input can be paused. SYS_SYSTEM is refused:
// guests start no programs of the host.

#include "target-arm/semihost.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "hw/core/machine.h"
#include "hw/core/semihost.h"
#include "target-arm/cpu.h"
#include "target-arm/helper.h"
#include "tcg/base/bits.h"
#include "tcg/base/log.h"

bool arm_semihost_is_call(const struct arm_cpu *cpu, unsigned immediate, unsigned el)
{
    enum { CALL_IMMEDIATE = 0xf000 };
    return immediate == CALL_IMMEDIATE && cpu->semihost && (el > 0 || cpu->semihost->userspace);
}

// --- the console -----------------------------------------------------------------------------------------------------

static int64_t call_writec(struct arm_cpu *cpu, uint64_t at)
{
    char c;
    if (!arm_semihost_copy_in(cpu, at, &c, 1))
        return -EFAULT;
    cpu->semihost->ops->console_write(cpu->semihost, &c, 1);
    return 0;
}

static int64_t call_write0(struct arm_cpu *cpu, uint64_t at)
{
    enum { MOST_BYTES = 1 << 20 };
    for (size_t done = 0; done < MOST_BYTES;) {
        size_t size = MOST_BYTES;
        const char *host = arm_semihost_host(cpu, at + done, false, &size);
        if (!host)
            return -EFAULT;
        size_t length = strnlen(host, size);
        cpu->semihost->ops->console_write(cpu->semihost, host, length);
        if (length < size)
            return 0;
        done += size;
    }
    return -EMSGSIZE;
}

static int64_t call_readc(struct arm_cpu *cpu, uint64_t argument)
{
    (void)argument;
    return cpu->semihost->ops->console_read(cpu->semihost);
}

// --- time ------------------------------------------------------------------------------------------------------------

static int64_t call_clock(struct arm_cpu *cpu, uint64_t argument)
{
    (void)argument;
    return (int64_t)(clock_now_ns(cpu->clock) / (NS_PER_SECOND / 100));
}

static int64_t call_time(struct arm_cpu *cpu, uint64_t argument)
{
    (void)cpu;
    (void)argument;
    return time(NULL);
}

static int64_t call_elapsed(struct arm_cpu *cpu, uint64_t at)
{
    return arm_semihost_store(cpu, at, 0, clock_now_ns(cpu->clock)) ? 0 : -EFAULT;
}

static int64_t call_tickfreq(struct arm_cpu *cpu, uint64_t argument)
{
    (void)cpu;
    (void)argument;
    return NS_PER_SECOND;
}

// --- the program -----------------------------------------------------------------------------------------------------

static int64_t call_iserror(struct arm_cpu *cpu, uint64_t block)
{
    uint64_t status;
    if (!arm_semihost_load(cpu, block, 0, &status))
        return -EFAULT;
    return (int64_t)status < 0;
}

static int64_t call_errno(struct arm_cpu *cpu, uint64_t argument)
{
    (void)argument;
    return cpu->semihost_errno;
}

static int64_t call_system(struct arm_cpu *cpu, uint64_t argument)
{
    (void)cpu;
    (void)argument;
    log_printf(LOG_GUEST_ERRORS, "arm: semihosting: SYS_SYSTEM is refused\n");
    return -EPERM;
}

static int64_t call_get_cmdline(struct arm_cpu *cpu, uint64_t block)
{
    const char *line = cpu->semihost->command_line;
    uint64_t at, size;
    size_t length = strlen(line);
    if (!arm_semihost_load(cpu, block, 0, &at) || !arm_semihost_load(cpu, block, 1, &size))
        return -EFAULT;
    if (size <= length)
        return -E2BIG;
    return arm_semihost_copy_out(cpu, at, line, length + 1) && arm_semihost_store(cpu, block, 1, length) ? 0 : -EFAULT;
}

struct range {
    uint64_t start, end;
};

// Narrows `free` to what lies above or below [start, end), whichever is more.
static void take_away(struct range *free, uint64_t start, uint64_t end)
{
    if (start >= end || end <= free->start || start >= free->end)
        return;
    uint64_t below = start > free->start ? start - free->start : 0, above = free->end > end ? free->end - end : 0;
    if (below > above)
        free->end = start;
    else
        free->start = free->end - above;
}

// A large part of RAM in which nothing was loaded, for the heap from below and the stack from above.
static int64_t call_heapinfo(struct arm_cpu *cpu, uint64_t at)
{
    enum { HEAP_BASE, HEAP_LIMIT, STACK_BASE, STACK_LIMIT };
    const struct machine *machine = cpu->tcg.vcpu.machine;
    uint64_t base = machine->type->ram_base, block;
    struct range free = {base, base + machine->ram_size};
    take_away(&free, machine->boot.kernel_start, machine->boot.kernel_end);
    for (const struct machine_blob *blob = machine->blobs; blob; blob = blob->next)
        take_away(&free, blob->gpa, blob->gpa + blob->size);
    free.start = (free.start + 15) & ~UINT64_C(15);
    free.end &= ~UINT64_C(15);
    bool good = arm_semihost_load(cpu, at, 0, &block) && arm_semihost_store(cpu, block, HEAP_BASE, free.start) &&
                arm_semihost_store(cpu, block, HEAP_LIMIT, free.end) &&
                arm_semihost_store(cpu, block, STACK_BASE, free.end) &&
                arm_semihost_store(cpu, block, STACK_LIMIT, free.start);
    return good ? 0 : -EFAULT;
}

static int64_t call_synccache(struct arm_cpu *cpu, uint64_t argument)
{
    (void)cpu;
    (void)argument;
    return 0; // stores are seen by fetches that follow
}

// The argument is a reason and, for a program that ended by itself, its status. Does not return to the guest.
static int64_t call_exit(struct arm_cpu *cpu, uint64_t block)
{
    enum { APPLICATION_EXIT = 0x20026, FAILURE = 1 };
    uint64_t reason, status;
    if (!arm_semihost_load(cpu, block, 0, &reason) || !arm_semihost_load(cpu, block, 1, &status))
        return -EFAULT;
    machine_exit_request(cpu->tcg.vcpu.machine, reason == APPLICATION_EXIT ? (int)(status & 0xff) : FAILURE);
    vcpu_power_off_self(&cpu->tcg.vcpu);
    return 0;
}

// --- calls -----------------------------------------------------------------------------------------------------------

static arm_semihost_fn *const calls[] = {
    [0x01] = arm_semihost_open,   [0x02] = arm_semihost_close,  [0x03] = call_writec,
    [0x04] = call_write0,         [0x05] = arm_semihost_write,  [0x06] = arm_semihost_read,
    [0x07] = call_readc,          [0x08] = call_iserror,        [0x09] = arm_semihost_is_tty,
    [0x0a] = arm_semihost_seek,   [0x0c] = arm_semihost_flen,   [0x0d] = arm_semihost_tmpnam,
    [0x0e] = arm_semihost_remove, [0x0f] = arm_semihost_rename, [0x10] = call_clock,
    [0x11] = call_time,           [0x12] = call_system,         [0x13] = call_errno,
    [0x15] = call_get_cmdline,    [0x16] = call_heapinfo,       [0x18] = call_exit,
    [0x19] = call_synccache,      [0x20] = call_exit,           [0x30] = call_elapsed,
    [0x31] = call_tickfreq,
};

static uint64_t semihost(struct arm_cpu *cpu)
{
    uint64_t pc = tcg_get_pc(&cpu->tcg);
    uint32_t operation = (uint32_t)cpu->x[0];
    arm_semihost_fn *call = operation < ARRAY_SIZE(calls) ? calls[operation] : NULL;
    if (!call)
        log_printf(LOG_GUEST_ERRORS, "arm: semihosting: unknown operation 0x%x, pc 0x%llx\n", operation,
                   (unsigned long long)pc);
    int64_t result = call ? call(cpu, cpu->x[1]) : -ENOSYS;
    if (result == -EAGAIN)
        return pc;
    if (result < 0) {
        cpu->semihost_errno = (int)-result;
        result = -1;
    }
    cpu->x[0] = (uint64_t)result;
    return pc + 4;
}
const struct ir_helper arm_helper_semihost = {"semihost", ARM_HELPER_FN(semihost),
                                              IR_HELPER_MAY_FAULT | IR_HELPER_WRITES_STATE, IR_I64, 0, {0}};
