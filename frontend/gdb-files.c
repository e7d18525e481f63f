// SPDX-License-Identifier: MIT
// Files that the peer may read (vFile: GDB manual, E.7): programs that are made here, libraries (gdb-libraries.c) and the kernel's
// own file (guest-kernel.h). No others of the host's are among them.
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend/file.h"
#include "frontend/gdb-private.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

// The protocol's numbers (E.13.9.2).
enum { FILE_ENOENT = 2, FILE_EIO = 5, FILE_EBADF = 9, FILE_EACCES = 13, FILE_EINVAL = 22, FILE_EMFILE = 24 };
enum { FILE_WRITE_FLAGS = 0x3, FILE_REGULAR_READABLE = 0100444, FILE_STAT_BYTES = 64 };

struct gdb_program *gdb_program_create(char *name, uint8_t *data, size_t size)
{
    struct gdb_program *p = ALLOC(struct gdb_program);
    *p = (struct gdb_program){.name = name, .data = data, .file = -1, .size = size, .users = 1};
    return p;
}

struct gdb_program *gdb_program_open(const char *path)
{
    uint64_t size;
    char magic[SELFMAG];
    int file = file_open("symbols", path, &size, NULL);
    if (file < 0)
        return NULL;
    if (pread(file, magic, sizeof(magic), 0) != sizeof(magic) || memcmp(magic, ELFMAG, SELFMAG)) {
        close(file);
        return NULL;
    }
    struct gdb_program *p = gdb_program_create(alloc_string(path), NULL, 0);
    p->file = file;
    p->size = size;
    return p;
}

void gdb_program_release(struct gdb_program *program)
{
    if (--program->users)
        return;
    if (program->file >= 0)
        close(program->file);
    free(program->name);
    free(program->data);
    free(program);
}

void gdb_close_files(struct gdb *gdb)
{
    for (unsigned i = 0; i < GDB_FILES; i++) {
        if (gdb->files[i])
            gdb_program_release(gdb->files[i]);
        gdb->files[i] = NULL;
    }
}

static void put_error(struct gdb *gdb, unsigned number)
{
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "F-1,%x", number);
    gdb_end(&gdb->out);
}

static void put_result(struct gdb *gdb, unsigned value, const void *data, size_t length)
{
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "F%x", value);
    if (data) {
        gdb_put_text(&gdb->out, ";");
        gdb_put_bytes(&gdb->out, data, length);
    }
    gdb_end(&gdb->out);
}

static struct gdb_program *open_file(const struct gdb *gdb, const char **text)
{
    uint64_t fd;
    return gdb_take_number(text, &fd) && fd < GDB_FILES ? gdb->files[fd] : NULL;
}

static struct gdb_program *find_program(struct gdb *gdb, const char *name)
{
    if (gdb->program && !strcmp(name, gdb->program->name)) {
        gdb->program->users++;
        return gdb->program;
    }
    struct gdb_program *found = gdb_open_library(gdb, name);
    return found ? found : gdb_open_debug_file(gdb, name);
}

// open:NAME,FLAGS,MODE
static void open_program(struct gdb *gdb, const char *text)
{
    const char *comma = strchr(text, ',');
    char name[1024] = "";
    uint64_t flags = 0;
    size_t length = comma ? (size_t)(comma - text) / 2 : sizeof(name);
    unsigned fd = 0;
    if (length >= sizeof(name) || !gdb_take_hex(&text, name, length) || *text++ != ',' || !gdb_take_number(&text, &flags)) {
        put_error(gdb, FILE_EINVAL);
        return;
    }
    while (fd < GDB_FILES && gdb->files[fd])
        fd++;
    if (flags & FILE_WRITE_FLAGS) {
        put_error(gdb, FILE_EACCES);
    } else if (fd == GDB_FILES) {
        put_error(gdb, FILE_EMFILE);
    } else if (!(gdb->files[fd] = find_program(gdb, name))) {
        put_error(gdb, FILE_ENOENT);
    } else {
        put_result(gdb, fd, NULL, 0);
    }
}

// pread:FD,COUNT,OFFSET
static void read_file(struct gdb *gdb, const char *text)
{
    const struct gdb_program *program = open_file(gdb, &text);
    uint64_t count, offset, limit = GDB_PACKET_BYTES / 2 - 32;
    if (!program || *text++ != ',' || !gdb_take_number(&text, &count) || *text++ != ',' || !gdb_take_number(&text, &offset)) {
        put_error(gdb, program ? FILE_EINVAL : FILE_EBADF);
        return;
    }
    uint64_t left = offset < program->size ? program->size - offset : 0;
    count = count < left ? count : left;
    count = count < limit ? count : limit;
    if (program->data || !count) {
        put_result(gdb, (unsigned)count, count ? program->data + offset : (const uint8_t *)"", (size_t)count);
        return;
    }
    uint8_t *bytes = ALLOC_ARRAY(uint8_t, count);
    ssize_t n = pread(program->file, bytes, count, (off_t)offset);
    if (n < 0)
        put_error(gdb, FILE_EIO);
    else
        put_result(gdb, (unsigned)n, bytes, (size_t)n);
    free(bytes);
}

static void put_be(uint8_t *at, unsigned bytes, uint64_t value)
{
    while (bytes--) {
        at[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

// fstat:FD, as a struct stat of the protocol (E.13.9.3)
static void describe_file(struct gdb *gdb, const char *text)
{
    const struct gdb_program *program = open_file(gdb, &text);
    uint8_t stat[FILE_STAT_BYTES] = {0};
    if (!program) {
        put_error(gdb, FILE_EBADF);
        return;
    }
    put_be(stat + 8, 4, FILE_REGULAR_READABLE);
    put_be(stat + 12, 4, 1);
    put_be(stat + 28, 8, program->size);
    put_be(stat + 36, 8, 4096);
    put_be(stat + 44, 8, (program->size + 511) / 512);
    put_result(gdb, sizeof(stat), stat, sizeof(stat));
}

static void close_file(struct gdb *gdb, const char *text)
{
    const char *at = text;
    uint64_t fd;
    if (!open_file(gdb, &at) || !gdb_take_number(&text, &fd)) {
        put_error(gdb, FILE_EBADF);
        return;
    }
    gdb_program_release(gdb->files[fd]);
    gdb->files[fd] = NULL;
    put_result(gdb, 0, NULL, 0);
}

// Whose file system it is does not matter.
static void choose_process(struct gdb *gdb, const char *text)
{
    (void)text;
    put_result(gdb, 0, NULL, 0);
}

static void read_link(struct gdb *gdb, const char *text)
{
    (void)text;
    put_error(gdb, FILE_EINVAL); // nothing here is one
}

void gdb_file(struct gdb *gdb, const char *text)
{
    static const struct {
        const char *name;
        gdb_handler *run;
    } operations[] = {
        {"setfs:", choose_process}, {"open:", open_program}, {"pread:", read_file},
        {"fstat:", describe_file},  {"close:", close_file},  {"readlink:", read_link},
    };
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        size_t length = strlen(operations[i].name);
        if (!strncmp(text, operations[i].name, length)) {
            operations[i].run(gdb, text + length);
            return;
        }
    }
    gdb_reply(gdb, "");
}
