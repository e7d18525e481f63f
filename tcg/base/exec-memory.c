// SPDX-License-Identifier: MIT
// Memory for generated code.
#include "tcg/base/exec-memory.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// For tools that know no such mremap, valgrind and emulators of user programs among them.
static bool map_file(struct exec_memory *memory, size_t bytes)
{
    int file = memfd_create("translated code", MFD_CLOEXEC);
    if (file < 0)
        return false;
    if (!ftruncate(file, (off_t)bytes)) {
        memory->exec = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
        memory->write = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    close(file);
    return memory->exec != MAP_FAILED && memory->write != MAP_FAILED;
}

int exec_memory_create(struct exec_memory *memory, size_t bytes, struct error *error)
{
    // Not a memfd: perf gives code the names of a perf-PID.map only in what it takes for anonymous memory, which the
    // /dev/zero of shared anonymous mappings is. Of those, mremap from no bytes makes a second mapping.
    *memory = (struct exec_memory){.write = MAP_FAILED, .bytes = bytes};
    memory->exec = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory->exec != MAP_FAILED)
        memory->write = mremap(memory->exec, 0, bytes, MREMAP_MAYMOVE);
    if (memory->write != MAP_FAILED && !mprotect(memory->write, bytes, PROT_READ | PROT_WRITE))
        return 0;
    int code = errno;
    exec_memory_destroy(memory);
    *memory = (struct exec_memory){.exec = MAP_FAILED, .write = MAP_FAILED, .bytes = bytes};
    if ((code == EINVAL || code == ENOMEM) && map_file(memory, bytes))
        return 0;
    exec_memory_destroy(memory);
    return error_set(error, code, "cannot map %zu bytes for translated code: %s", bytes, strerror(code));
}

void exec_memory_destroy(struct exec_memory *memory)
{
    if (memory->write != MAP_FAILED && memory->write)
        munmap(memory->write, memory->bytes);
    if (memory->exec != MAP_FAILED && memory->exec)
        munmap(memory->exec, memory->bytes);
    *memory = (struct exec_memory){0};
}
