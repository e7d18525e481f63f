// SPDX-License-Identifier: MIT
// The guest's kernel: what the finder needs of a machine, and when it is asked again.
#include "frontend/guest-kernel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/file.h"
#include "frontend/kernel-finder.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

enum { RAM_RANGES = 16, HINTS = 8 };
static const uint64_t SYMBOLS_BYTES = UINT64_C(1) << 30;

struct guest_kernel {
    struct machine *machine;
    struct machine_listener listener;
    char *symbols_path, *kernel_path;
    struct kernel_info *info; // NULL: not known
    char *file;               // of this very build; NULL: none
    struct vcpu *cpu;         // whose page tables are in use
    uint64_t generation, modules_generation, modules_state;
    struct kernel_ram ram[RAM_RANGES];
    uint64_t hints[HINTS];
};

static bool translate(void *opaque, uint64_t gva, uint64_t *gpa)
{
    struct guest_kernel *k = opaque;
    return k->cpu->ops->translate_debug(k->cpu, gva, gpa);
}

static bool read_physical(void *opaque, uint64_t gpa, void *out, size_t bytes)
{
    const struct guest_kernel *k = opaque;
    return dma_read(k->machine->map, gpa, out, bytes);
}

unsigned guest_kernel_ram(const struct machine *machine, struct kernel_ram *ram, unsigned limit)
{
    unsigned count = 0;
    const struct mem_range *range;
    for (uint64_t at = 0; count < limit && (range = memory_map_next(machine->map, at));) {
        if (range->kind == MEM_RAM && range->size >= 1 << 20)
            ram[count++] = (struct kernel_ram){range->base, range->size};
        at = range->base + range->size;
        if (!at)
            break;
    }
    return count;
}

// Where kernels are entered: exceptions and system calls.
static unsigned find_hints(struct guest_kernel *k, struct vcpu *cpu)
{
    static const char *const names[] = {"VBAR_EL1", "VBAR_EL2", "lstar", "cstar", "sysenter_eip"};
    unsigned count = 0;
    k->hints[count++] = cpu->ops->get_pc(cpu);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        uint64_t value;
        if (debug_read_register(cpu, names[i], &value) && value)
            k->hints[count++] = value;
    }
    const struct debug_exception_log *log = &cpu->exceptions;
    if (log->count)
        k->hints[count++] = log->entries[(log->count - 1) % DEBUG_EXCEPTIONS].handler;
    return count;
}

static struct kernel_memory memory_of(struct guest_kernel *k, struct vcpu *cpu)
{
    bool arm = !strcmp(cpu->ops->arch, "aarch64");
    const struct debug_ops *ops = cpu->ops->debug;
    k->cpu = cpu;
    struct kernel_memory m = {.translate = translate, .read_physical = read_physical, .opaque = k, .ram = k->ram,
                              .hints = k->hints};
    m.arch = arm ? KERNEL_ARM64 : ops && ops->mode(cpu) == 2 ? KERNEL_X86_64 : KERNEL_I386;
    m.ram_count = guest_kernel_ram(k->machine, k->ram, RAM_RANGES);
    m.hint_count = find_hints(k, cpu);
    uint64_t root, mode;
    if (debug_read_register(cpu, arm ? "TTBR1_EL1" : "cr3", &root) && debug_read_register(cpu, arm ? "TCR_EL1" : "cr4", &mode))
        m.tables = arm ? kernel_tables_arm64(root, mode) : kernel_tables_x86(m.arch, root, mode);
    return m;
}

static void forget(struct guest_kernel *k)
{
    if (k->info)
        k->generation++;
    kernel_destroy(k->info);
    k->info = NULL;
    free(k->file);
    k->file = NULL;
}

// Another guest may run after a reset.
static void was_reset(void *opaque)
{
    forget(opaque);
}

struct guest_kernel *guest_kernel_create(struct machine *machine, const char *symbols_path, const char *kernel_path)
{
    struct guest_kernel *k = ALLOC(struct guest_kernel);
    *k = (struct guest_kernel){.machine = machine, .symbols_path = symbols_path ? alloc_string(symbols_path) : NULL,
                               .kernel_path = kernel_path ? alloc_string(kernel_path) : NULL};
    k->listener = (struct machine_listener){.reset = was_reset, .opaque = k};
    machine_listen(machine, &k->listener);
    return k;
}

void guest_kernel_destroy(struct guest_kernel *k)
{
    if (!k)
        return;
    machine_unlisten(k->machine, &k->listener);
    forget(k);
    free(k->symbols_path);
    free(k->kernel_path);
    free(k);
}

// --- finding -------------------------------------------------------------------------------------------------------

static bool take_file(struct guest_kernel *k, char *path)
{
    uint8_t *data;
    uint64_t size;
    bool same_build = false;
    if (!file_read("symbols", path, SYMBOLS_BYTES, &data, &size, NULL))
        (void)kernel_read_link_addresses(k->info, data, size, &same_build, NULL); // of another kernel, it says nothing
    if (same_build)
        k->file = path;
    else
        free(path);
    return same_build;
}

// What was loaded, or a vmlinux: beside it, or where Linux' build leaves it (arch/x86/boot/bzImage).
static void take_link_addresses(struct guest_kernel *k)
{
    static const char *const near[] = {"vmlinux", "../../../vmlinux"};
    if (k->symbols_path) {
        take_file(k, alloc_string(k->symbols_path));
        return;
    }
    if (!k->kernel_path || take_file(k, alloc_string(k->kernel_path)))
        return;
    const char *slash = strrchr(k->kernel_path, '/');
    int folder = slash ? (int)(slash + 1 - k->kernel_path) : 0;
    for (size_t i = 0; i < ARRAY_SIZE(near); i++)
        if (take_file(k, alloc_format("%.*s%s", folder, k->kernel_path, near[i])))
            return;
}

// Whether the kernel that is known is still there: its banner is where it was.
static bool still_there(struct guest_kernel *k, struct vcpu *cpu)
{
    const struct kernel_symbol *banner = kernel_symbol(k->info, "linux_banner");
    char text[64];
    uint64_t gpa;
    k->cpu = cpu;
    size_t length = strnlen(k->info->banner, sizeof(text));
    // A process whose page tables leave the kernel out proves nothing.
    if (!banner || !translate(k, banner->address, &gpa))
        return true;
    return read_physical(k, gpa, text, length) && !memcmp(text, k->info->banner, length);
}

// A number that is another one when a module has come, gone, moved or started.
static uint64_t state_of_modules(const struct kernel_info *info)
{
    uint64_t state = 0;
    for (unsigned i = 0; i < info->module_count; i++) {
        const struct kernel_module *module = &info->modules[i];
        for (const char *c = module->name; *c; c++)
            state = (state ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
        state = (state ^ (module->region_count ? module->regions[0].address : 0) ^ module->starts) * UINT64_C(0x100000001b3);
    }
    return state;
}

const struct kernel_info *guest_kernel_find(struct guest_kernel *k, struct vcpu *cpu)
{
    if (k->info && !still_there(k, cpu))
        forget(k);
    struct kernel_memory memory = memory_of(k, cpu);
    if (!k->info) {
        k->info = kernel_find(&memory);
        if (!k->info)
            return NULL;
        k->generation++;
        take_link_addresses(k);
    }
    kernel_read_modules(k->info, &memory);
    uint64_t state = state_of_modules(k->info);
    k->modules_generation += state != k->modules_state;
    k->modules_state = state;
    return k->info;
}

const struct kernel_info *guest_kernel_known(const struct guest_kernel *k)
{
    return k->info;
}

uint64_t guest_kernel_generation(const struct guest_kernel *k)
{
    return k->generation;
}

uint64_t guest_kernel_modules_generation(const struct guest_kernel *k)
{
    return k->modules_generation;
}

const char *guest_kernel_file(const struct guest_kernel *k)
{
    return k->file;
}

bool guest_kernel_task(struct guest_kernel *k, struct vcpu *cpu, struct kernel_task *task)
{
    uint64_t hint = 0;
    if (!k->info)
        return false;
    struct kernel_memory memory = memory_of(k, cpu);
    const struct debug_ops *ops = cpu->ops->debug;
    debug_read_register(cpu, ops->privilege(cpu) ? "SP_EL0" : "SP_EL1", &hint);
    *task = kernel_current_task(k->info, &memory, cpu->index, hint);
    return task->known;
}

// --- symbols -------------------------------------------------------------------------------------------------------

bool guest_kernel_address(const struct guest_kernel *k, const char *name, size_t length, uint64_t *address)
{
    char text[256];
    if (!k->info || length >= sizeof(text))
        return false;
    memcpy(text, name, length);
    text[length] = 0;
    const struct kernel_symbol *symbol = kernel_symbol(k->info, text);
    if (symbol)
        *address = symbol->address;
    return symbol;
}

void guest_kernel_print(const struct guest_kernel *k, uint64_t address, FILE *out)
{
    enum { FARTHEST = 1 << 20 };
    const struct kernel_symbol *near = NULL;
    fprintf(out, "0x%" PRIx64, address);
    if (!k || !k->info)
        return;
    size_t low = 0, high = k->info->symbol_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (k->info->symbols[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    // What is counted from each CPU's own data is no address.
    for (; low && !near; low--)
        if (k->info->symbols[low - 1].type != 'A')
            near = &k->info->symbols[low - 1];
    if (near && address - near->address < FARTHEST)
        fprintf(out, address > near->address ? " <%s+0x%" PRIx64 ">" : " <%s>", near->name, address - near->address);
}
