// SPDX-License-Identifier: MIT
// Which task a CPU runs (struct task_struct). x86 kernels note it among each CPU's own data, at an offset that is told for
// each CPU by __per_cpu_offset; the scheduler does so on all (struct rq). Where these have no names, AArch64 has a register:
// SP_EL0 in the kernel, and for a program the kernel's stack, which is that of one task.
#include "frontend/kernel-private.h"

#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { MOST_TASKS = 1 << 16, MOST_CPUS = 8192, LARGEST_TASK = 16 << 10 };

void kernel_tasks_guess(const struct kernel_image *image, struct kernel_info *kernel)
{
    static const char name[] = "swapper";
    unsigned word = kernel_word(kernel->arch);
    const struct kernel_symbol *init = kernel_symbol(kernel, "init_task");
    size_t at;
    if (!init || !kernel_image_find(image, init->address, LARGEST_TASK, &at))
        return;
    const uint8_t *task = image->bytes + at;
    const uint8_t *comm = memmem(task, LARGEST_TASK, name, strlen(name));
    if (!comm)
        return;
    // It is its own parent, twice; before that are the thread's and the process's number, and a random one.
    for (size_t i = 4 * word; i + 2 * word <= (size_t)(comm - task); i += word)
        if (load_le(task + i, word) == init->address && load_le(task + i + word, word) == init->address) {
            size_t canary = load_le(task + i - word, word) ? word : 0;
            kernel->layout->fields[TASK_COMM] = (uint32_t)(comm - task);
            kernel->layout->fields[TASK_PID] = (uint32_t)(i - canary - 8);
            return;
        }
}

struct reader {
    const struct kernel_info *kernel;
    const struct kernel_memory *memory;
};

static bool read_field(const struct reader *r, uint64_t structure, enum kernel_field field, uint64_t *value)
{
    uint32_t offset = r->kernel->layout->fields[field];
    return offset != KERNEL_NO_FIELD && kernel_read_word(r->kernel, r->memory, structure + offset, value);
}

static bool is_pointer(const struct reader *r, uint64_t gva)
{
    unsigned word = kernel_word(r->kernel->arch);
    return gva % word == 0 && gva >> (8 * word - 1);
}

static struct kernel_task read_task(const struct reader *r, uint64_t at)
{
    const uint32_t *fields = r->kernel->layout->fields;
    struct kernel_task task = {.address = at};
    uint8_t pid[4];
    task.known = is_pointer(r, at) &&
                 kernel_read_text(r->kernel, r->memory, at + fields[TASK_COMM], task.comm, sizeof(task.comm) - 1) &&
                 task.comm[0] && kernel_read(r->kernel, r->memory, at + fields[TASK_PID], pid, sizeof(pid));
    if (!task.known)
        return (struct kernel_task){0};
    task.pid = load_le32(pid);
    return task;
}

// --- from each CPU's own data ---

static bool read_own(const struct reader *r, unsigned cpu, const char *name, uint32_t member, uint64_t *value)
{
    const struct kernel_symbol *variable = kernel_symbol(r->kernel, name);
    const struct kernel_symbol *offsets = kernel_symbol(r->kernel, "__per_cpu_offset");
    uint64_t offset = 0;
    if (!variable || member == KERNEL_NO_FIELD || cpu >= MOST_CPUS)
        return false;
    unsigned word = kernel_word(r->kernel->arch);
    // Kernels for one CPU have no offsets.
    if (offsets ? !kernel_read_word(r->kernel, r->memory, offsets->address + (uint64_t)cpu * word, &offset) : cpu != 0)
        return false;
    uint64_t at = variable->address + offset + member;
    return kernel_read_word(r->kernel, r->memory, word == 4 ? (uint32_t)at : at, value);
}

static bool own_task(const struct reader *r, unsigned cpu, uint64_t *task)
{
    return read_own(r, cpu, "current_task", 0, task) || read_own(r, cpu, "pcpu_hot", 0, task) ||
           read_own(r, cpu, "runqueues", r->kernel->layout->fields[RQ_CURR], task);
}

// --- from a register ---

// The kernel writes this at the end of each task's stack.
static bool has_stack(const struct reader *r, uint64_t task)
{
    static const uint32_t STACK_END_MAGIC = 0x57ac6e9d;
    uint64_t stack;
    uint8_t magic[4];
    return is_pointer(r, task) && read_field(r, task, TASK_STACK, &stack) && is_pointer(r, stack) &&
           kernel_read(r->kernel, r->memory, stack, magic, sizeof(magic)) && load_le32(magic) == STACK_END_MAGIC;
}

struct owner {
    uint64_t task, stack; // the best so far
    unsigned budget;
};

static void consider(const struct reader *r, uint64_t task, uint64_t pointer, struct owner *owner)
{
    enum { LARGEST_STACK = 64 << 10 };
    uint64_t stack;
    if (read_field(r, task, TASK_STACK, &stack) && pointer - stack - 1 < LARGEST_STACK && stack > owner->stack) {
        owner->task = task;
        owner->stack = stack;
    }
}

static void consider_threads(const struct reader *r, uint64_t leader, uint64_t pointer, struct owner *owner)
{
    const uint32_t *fields = r->kernel->layout->fields;
    static const enum kernel_field wanted[] = {TASK_SIGNAL, SIGNAL_THREADS, TASK_THREAD_NODE};
    uint64_t signal, node;
    if (!kernel_has_fields(r->kernel, wanted, ARRAY_SIZE(wanted)) || !read_field(r, leader, TASK_SIGNAL, &signal) ||
        !is_pointer(r, signal) || !read_field(r, signal, SIGNAL_THREADS, &node))
        return;
    for (; node != signal + fields[SIGNAL_THREADS] && is_pointer(r, node) && owner->budget; owner->budget--) {
        consider(r, node - fields[TASK_THREAD_NODE], pointer, owner);
        if (!kernel_read_word(r->kernel, r->memory, node, &node))
            return;
    }
}

// Whose stack a pointer to one is.
static uint64_t stack_owner(const struct reader *r, uint64_t pointer)
{
    const struct kernel_symbol *init = kernel_symbol(r->kernel, "init_task");
    struct owner owner = {.budget = MOST_TASKS};
    uint32_t list = r->kernel->layout->fields[TASK_TASKS];
    uint64_t node;
    if (!init || !read_field(r, init->address, TASK_TASKS, &node))
        return 0;
    for (; node != init->address + list && is_pointer(r, node) && owner.budget; owner.budget--) {
        consider_threads(r, node - list, pointer, &owner);
        consider(r, node - list, pointer, &owner);
        if (!kernel_read_word(r->kernel, r->memory, node, &node))
            break;
    }
    return owner.task;
}

struct kernel_task kernel_current_task(const struct kernel_info *kernel, const struct kernel_memory *memory, unsigned cpu,
                                       uint64_t hint)
{
    struct reader r = {kernel, memory};
    static const enum kernel_field wanted[] = {TASK_COMM, TASK_PID};
    const struct kernel_symbol *init = kernel_symbol(kernel, "init_task");
    uint64_t task = 0;
    if (!kernel_has_fields(kernel, wanted, ARRAY_SIZE(wanted)))
        return (struct kernel_task){0};
    if (has_stack(&r, hint))
        task = hint;
    else if (!own_task(&r, cpu, &task) && is_pointer(&r, hint))
        task = stack_owner(&r, hint);
    // Before there are others.
    if (!task && !cpu && init)
        task = init->address;
    return read_task(&r, task);
}
