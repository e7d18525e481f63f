// SPDX-License-Identifier: MIT
// Memory for generated code.
#include "tcg/base/exec-memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int exec_memory_create(struct exec_memory *memory, size_t bytes, struct error *error)
{
    int fd = memfd_create("lyrebird-code", MFD_CLOEXEC);
    if (fd < 0)
        return error_set(error, errno, "cannot make a memory object for translated code: %s", strerror(errno));
    int result = 0;
    *memory = (struct exec_memory){.write = MAP_FAILED, .exec = MAP_FAILED, .bytes = bytes};
    if (ftruncate(fd, (off_t)bytes) == 0) {
        memory->write = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        memory->exec = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (memory->write == MAP_FAILED || memory->exec == MAP_FAILED) {
        result = error_set(error, errno, "cannot map %zu bytes for translated code: %s", bytes, strerror(errno));
        exec_memory_destroy(memory);
    }
    close(fd);
    return result;
}

void exec_memory_destroy(struct exec_memory *memory)
{
    if (memory->write != MAP_FAILED && memory->write)
        munmap(memory->write, memory->bytes);
    if (memory->exec != MAP_FAILED && memory->exec)
        munmap(memory->exec, memory->bytes);
    *memory = (struct exec_memory){0};
}
