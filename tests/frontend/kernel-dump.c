// SPDX-License-Identifier: MIT
// kernel-dump ARCH RAM BASE ROOT MODE [OPTION...] [HINT...]: looks for a kernel in a file that holds a guest's memory from
// the address BASE on, with what TTBR1_EL1 and TCR_EL1, or CR3 and CR4, hold, and prints what it finds as lines:
//
//   kernel RELEASE TEXT SLIDE SYMBOLS MICROSECONDS, symbol ADDRESS TYPE NAME [MODULE], module NAME BASE BYTES,
//   section MODULE NAME ADDRESS, task CPU PID COMM
//
//   --elf FILE     writes the program for debuggers
//   --task HINT    prints the next CPU's task, with what its register says
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "frontend/file.h"
#include "frontend/kernel-finder.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

struct dump {
    const uint8_t *bytes;
    uint64_t base, size;
};

static bool read_physical(void *opaque, uint64_t gpa, void *out, size_t bytes)
{
    const struct dump *dump = opaque;
    if (!range_inside(gpa - dump->base, bytes, dump->size))
        return false;
    memcpy(out, dump->bytes + (gpa - dump->base), bytes);
    return true;
}

static bool translate(void *opaque, uint64_t gva, uint64_t *gpa)
{
    (void)opaque;
    (void)gva;
    (void)gpa;
    return false; // by the tables alone
}

static void print(const struct kernel_info *kernel, const struct kernel_memory *memory, const uint64_t *tasks, unsigned cpus,
                  uint64_t us)
{
    printf("kernel %s %" PRIx64 " ", kernel->release, kernel->text);
    printf(kernel->slide_known ? "%" PRIx64 : "unknown", kernel->slide);
    printf(" %zu %" PRIu64 "\nbanner %s\n", kernel->symbol_count, us, kernel->banner);
    for (size_t i = 0; i < kernel->symbol_count; i++) {
        const struct kernel_symbol *symbol = &kernel->symbols[i];
        printf("%s %0*" PRIx64 " %c %s", symbol->exported ? "export" : "symbol", kernel->arch == KERNEL_I386 ? 8 : 16,
               symbol->address, symbol->type, symbol->name);
        printf(symbol->module ? "\t[%s]\n" : "\n", symbol->module ? kernel->modules[symbol->module - 1].name : "");
    }
    for (unsigned i = 0; i < kernel->module_count; i++) {
        const struct kernel_module *module = &kernel->modules[i];
        printf("module %s %" PRIx64 " %" PRIu64 "\n", module->name, module->regions[0].address, module->regions[0].bytes);
        for (unsigned n = 0; n < module->section_count; n++)
            printf("section %s %s %" PRIx64 "\n", module->name, module->sections[n].name, module->sections[n].address);
    }
    for (unsigned i = 0; i < cpus; i++) {
        struct kernel_task task = kernel_current_task(kernel, memory, i, tasks[i]);
        if (task.known)
            printf("task %u %" PRIu32 " %s\n", i, task.pid, task.comm);
    }
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    static const char *const arches[] = {"arm64", "amd64", "i386"};
    uint64_t hints[16];
    const char *elf = NULL;
    unsigned cpus = 0;
    uint64_t tasks[8] = {0};
    if (argc < 6)
        return 2;
    struct dump dump = {.base = strtoull(argv[3], NULL, 0)};
    struct kernel_memory memory = {.translate = translate, .read_physical = read_physical, .opaque = &dump, .hints = hints};
    for (unsigned i = 0; i < ARRAY_SIZE(arches); i++)
        if (!strcmp(argv[1], arches[i]))
            memory.arch = (enum kernel_arch)i;
    uint64_t root = strtoull(argv[4], NULL, 0), mode = strtoull(argv[5], NULL, 0);
    bool arm64 = memory.arch == KERNEL_ARM64;
    memory.tables = arm64 ? kernel_tables_arm64(root, mode) : kernel_tables_x86(memory.arch, root, mode);
    for (int i = 6; i < argc; i++) {
        if (!strcmp(argv[i], "--elf") && i + 1 < argc)
            elf = argv[++i];
        else if (!strcmp(argv[i], "--task") && i + 1 < argc && cpus < ARRAY_SIZE(tasks))
            tasks[cpus++] = strtoull(argv[++i], NULL, 0);
        else if (memory.hint_count < ARRAY_SIZE(hints))
            hints[memory.hint_count++] = strtoull(argv[i], NULL, 0);
    }
    struct stat status;
    int file = open(argv[2], O_RDONLY);
    if (file < 0 || fstat(file, &status))
        return 2;
    dump.size = (uint64_t)status.st_size;
    dump.bytes = mmap(NULL, dump.size, PROT_READ, MAP_PRIVATE, file, 0);
    if (dump.bytes == MAP_FAILED)
        return 2;
    struct kernel_ram ram = {dump.base, dump.size};
    memory.ram = &ram;
    memory.ram_count = 1;
    // The best of some times: the first ones read the file.
    enum { TIMES = 5 };
    uint64_t us = UINT64_MAX, modules_us = 0;
    struct kernel_info *kernel = NULL;
    for (unsigned i = 0; i < TIMES; i++) {
        kernel_destroy(kernel);
        uint64_t start = now_us();
        kernel = kernel_find(&memory);
        uint64_t took = now_us() - start;
        us = took < us ? took : us;
    }
    if (kernel) {
        uint64_t start = now_us();
        kernel_read_modules(kernel, &memory);
        modules_us = now_us() - start;
    }
    if (!kernel) {
        printf("none %" PRIu64 "\n", us);
        return 1;
    }
    print(kernel, &memory, tasks, cpus, us);
    printf("modules in %" PRIu64 " us: %s\n", modules_us, kernel->modules_missing ? kernel->modules_missing : "all");
    size_t size;
    uint8_t *program = elf ? kernel_make_elf(kernel, &size) : NULL;
    FILE *out = program ? fopen(elf, "wb") : NULL;
    if (out) {
        fwrite(program, 1, size, out);
        fclose(out);
    }
    free(program);
    kernel_destroy(kernel);
    return 0;
}
