// SPDX-License-Identifier: MIT
// What perf reads about code that is in no file: a map of names (tools/perf/Documentation/jit-interface.txt in Linux), and
// jitdump, version 1 of its header (jitdump-specification.txt), which has the code itself and when it came, too.
//
// A map knows no time. When the buffers are emptied it starts anew: what is left names the code of the end, while a jitdump
// stays right. Every record is written at once, so that killing the program loses none; a write that fails ends the file.
// Blocks that are discarded stay in both, their memory is not used again before the buffers are emptied.
#include "tcg/exec/perf-records.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tcg/base/alloc.h"
#include "tcg/exec/perf-symbols.h"

enum { NAME_BYTES = 256, JIT_CODE_LOAD = 0, JITDUMP_VERSION = 1 };
static const uint32_t JITDUMP_MAGIC = 0x4a695444; // "JiTD", in the host's byte order

struct jitdump_header {
    uint32_t magic, version, bytes, machine, reserved, pid;
    uint64_t timestamp, flags;
};

struct jitdump_load {
    uint32_t id, bytes;
    uint64_t timestamp;
    uint32_t pid, tid;
    uint64_t vma, address, code_bytes, index;
};

_Static_assert(sizeof(struct jitdump_header) == 40 && sizeof(struct jitdump_load) == 56, "the format's sizes");

struct output {
    char path[64];
    int fd; // -1: not asked for, or ended
};

struct perf_records {
    struct output map, dump;
    void *marker;
    size_t marker_bytes;
    uint64_t index; // of the next jitdump record
    const struct perf_symbols *symbols;
};

// Opens a new file: one that is left over from another process of that number may be somebody else's, or a link.
static int open_new(struct output *output, struct error *error)
{
    unlink(output->path);
    output->fd = open(output->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (output->fd < 0)
        return error_set(error, errno, "cannot write '%s' for perf: %s", output->path, strerror(errno));
    return 0;
}

static void output_close(struct output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    output->fd = -1;
}

// Half a record at the end of a file does not harm perf.
static void write_parts(struct output *output, const struct iovec *parts, int count)
{
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    errno = ENOSPC; // a short write to a file says no more
    ssize_t written = writev(output->fd, parts, count);
    if (written >= 0 && (size_t)written == total)
        return;
    fprintf(stderr, "lyrebird: '%s' for perf ends here: %s\n", output->path, strerror(errno));
    output_close(output);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// perf finds the dump by an executable mapping of it among the events that it recorded.
static int start_dump(struct perf_records *r, struct error *error)
{
    struct jitdump_header header = {.magic = JITDUMP_MAGIC, .version = JITDUMP_VERSION, .bytes = sizeof(header),
                                    .machine = EM_X86_64, .pid = (uint32_t)getpid(), .timestamp = now_ns()};
    if (write(r->dump.fd, &header, sizeof(header)) != sizeof(header))
        return error_set(error, EIO, "cannot write '%s' for perf: the disk may be full", r->dump.path);
    r->marker_bytes = (size_t)sysconf(_SC_PAGESIZE);
    r->marker = mmap(NULL, r->marker_bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, r->dump.fd, 0);
    if (r->marker == MAP_FAILED)
        return error_set(error, errno, "cannot map '%s' as code, by which perf finds it: %s", r->dump.path,
                         strerror(errno));
    return 0;
}

struct perf_records *perf_records_create(bool map, bool jitdump, const struct perf_symbols *symbols, struct error *error)
{
    struct perf_records *r = ALLOC(struct perf_records);
    *r = (struct perf_records){.map.fd = -1, .dump.fd = -1, .marker = MAP_FAILED, .symbols = symbols};
    snprintf(r->map.path, sizeof(r->map.path), "/tmp/perf-%d.map", getpid());
    snprintf(r->dump.path, sizeof(r->dump.path), "jit-%d.dump", getpid());
    if ((map && open_new(&r->map, error)) || (jitdump && (open_new(&r->dump, error) || start_dump(r, error)))) {
        perf_records_destroy(r);
        return NULL;
    }
    return r;
}

void perf_records_destroy(struct perf_records *records)
{
    if (!records)
        return;
    if (records->marker != MAP_FAILED)
        munmap(records->marker, records->marker_bytes);
    output_close(&records->map);
    output_close(&records->dump);
    free(records);
}

static void add(struct perf_records *r, char *name, const void *code, uint64_t address, size_t bytes)
{
    // A symbol's name must not look like the end of a line.
    for (char *c = name; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (r->map.fd >= 0) {
        char line[NAME_BYTES + 40];
        int length = snprintf(line, sizeof(line), "%" PRIx64 " %zx %s\n", address, bytes, name);
        write_parts(&r->map, &(struct iovec){line, (size_t)length}, 1);
    }
    if (r->dump.fd >= 0) {
        size_t name_bytes = strlen(name) + 1;
        struct jitdump_load load = {.id = JIT_CODE_LOAD, .bytes = (uint32_t)(sizeof(load) + name_bytes + bytes),
                                    .timestamp = now_ns(), .pid = (uint32_t)getpid(), .tid = (uint32_t)gettid(),
                                    .vma = address, .address = address, .code_bytes = bytes, .index = r->index++};
        struct iovec parts[] = {{&load, sizeof(load)}, {name, name_bytes}, {(void *)(uintptr_t)code, bytes}};
        write_parts(&r->dump, parts, 3);
    }
}

void perf_records_add_stub(struct perf_records *records, const char *stub, const void *code, uint64_t address, size_t bytes)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "lyrebird: %s", stub);
    add(records, name, code, address, bytes);
}

void perf_records_add_block(struct perf_records *records, uint64_t pc, const void *code, uint64_t address, size_t bytes)
{
    enum { LONGEST_SYMBOL = 200 };
    char name[NAME_BYTES];
    uint64_t offset;
    const char *symbol = perf_symbols_find(records->symbols, pc, &offset);
    if (symbol)
        snprintf(name, sizeof(name), "guest:0x%" PRIx64 " %.*s+0x%" PRIx64, pc, LONGEST_SYMBOL, symbol, offset);
    else
        snprintf(name, sizeof(name), "guest:0x%" PRIx64, pc);
    add(records, name, code, address, bytes);
}

void perf_records_restart(struct perf_records *records)
{
    if (records->map.fd >= 0 && ftruncate(records->map.fd, 0)) {
        fprintf(stderr, "lyrebird: '%s' for perf ends here: %s\n", records->map.path, strerror(errno));
        output_close(&records->map);
    }
}
