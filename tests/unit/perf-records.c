// SPDX-License-Identifier: MIT
// The files for perf, read back as perf would.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tcg/base/endian.h"
#include "tcg/exec/perf-records.h"
#include "tcg/exec/perf-symbols.h"

static char map_path[64], dump_path[64];
static const uint8_t code[] = {0x90, 0x0f, 0x0b, 0xc3, 0xcc};

static void enter_folder(void)
{
    static char folder[] = "/tmp/lyrebird-perf-XXXXXX";
    cr_assert(mkdtemp(folder) && !chdir(folder));
    snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
    snprintf(dump_path, sizeof(dump_path), "jit-%d.dump", getpid());
}

static void leave_folder(void)
{
    char folder[256];
    unlink(map_path);
    unlink(dump_path);
    cr_assert(getcwd(folder, sizeof(folder)) && !rmdir(folder));
}

TestSuite(perf_records, .init = enter_folder, .fini = leave_folder);

static char *read_all(const char *path, size_t *size)
{
    char *bytes = calloc(1, 65536);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    *size = fread(bytes, 1, 65535, file);
    fclose(file);
    return bytes;
}

static void expect_map(const char *want)
{
    size_t size;
    char *map = read_all(map_path, &size);
    cr_assert_str_eq(map, want);
    free(map);
}

static struct perf_records *create(bool map, bool jitdump, const struct perf_symbols *symbols)
{
    struct error error;
    struct perf_records *records = perf_records_create(map, jitdump, symbols, &error);
    cr_assert_not_null(records, "%s", error.text);
    return records;
}

// What was added is there at once, before the records are destroyed.
Test(perf_records, map)
{
    struct error error;
    static const char text[] = "0000000000400000 T mai\x1bn\n";
    uint8_t *data = malloc(sizeof(text) - 1);
    memcpy(data, text, sizeof(text) - 1);
    struct perf_symbols *symbols = perf_symbols_parse(data, sizeof(text) - 1, &error);
    struct perf_records *records = create(true, false, symbols);
    expect_map("");
    perf_records_add_stub(records, "enter", code, 0x7f0000001000, 27);
    perf_records_add_block(records, 0x400010, code, 0x7f0000001040, sizeof(code));
    perf_records_add_block(records, 0x1000, code, 0x7f0000001080, 64);
    expect_map("7f0000001000 1b lyrebird: enter\n"
               "7f0000001040 5 guest:0x400010 mai?n+0x10\n"
               "7f0000001080 40 guest:0x1000\n");
    perf_records_restart(records);
    perf_records_add_block(records, UINT64_MAX, code, 0x7f0000001040, 1);
    expect_map("7f0000001040 1 guest:0xffffffffffffffff\n");
    perf_records_destroy(records);
    perf_symbols_destroy(symbols);
    cr_assert(access(dump_path, F_OK), "a jitdump that nobody asked for");
}

static bool mapped_as_code(const char *name)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), maps))
        found |= strstr(line, name) && strstr(line, " r-xp 00000000 ");
    fclose(maps);
    return found;
}

Test(perf_records, jitdump)
{
    enum { HEADER = 40, LOAD = 56, BLOCKS = 20 };
    struct perf_records *records = create(false, true, NULL);
    cr_assert(mapped_as_code(dump_path));
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (i == BLOCKS / 2)
            perf_records_restart(records); // a jitdump goes on
        perf_records_add_block(records, 0x1000 * i, code, 0x7f0000000000 + 64 * i, i % sizeof(code) + 1);
    }
    size_t size;
    char *dump = read_all(dump_path, &size);
    cr_assert_eq(load_le32(dump), 0x4a695444);
    cr_assert_eq(load_le32(dump + 4), 1);
    cr_assert_eq(load_le32(dump + 8), HEADER);
    cr_assert_eq(load_le32(dump + 12), 62); // x86-64
    cr_assert_eq(load_le32(dump + 20), (uint32_t)getpid());
    uint64_t time = load_le64(dump + 24);
    cr_assert(time);
    cr_assert_eq(load_le64(dump + 32), 0);
    size_t at = HEADER;
    for (unsigned i = 0; i < BLOCKS; i++) {
        const char *record = dump + at;
        char name[64];
        size_t name_bytes = (size_t)snprintf(name, sizeof(name), i ? "guest:%#x" : "guest:0x%x", 0x1000 * i) + 1;
        size_t code_bytes = i % sizeof(code) + 1;
        cr_assert_leq(at + LOAD + name_bytes + code_bytes, size);
        cr_assert_eq(load_le32(record), 0); // JIT_CODE_LOAD
        cr_assert_eq(load_le32(record + 4), LOAD + name_bytes + code_bytes);
        cr_assert_geq(load_le64(record + 8), time);
        time = load_le64(record + 8);
        cr_assert_eq(load_le32(record + 16), (uint32_t)getpid());
        cr_assert_eq(load_le32(record + 20), (uint32_t)gettid());
        cr_assert_eq(load_le64(record + 24), 0x7f0000000000 + 64 * i);
        cr_assert_eq(load_le64(record + 32), 0x7f0000000000 + 64 * i);
        cr_assert_eq(load_le64(record + 40), code_bytes);
        cr_assert_eq(load_le64(record + 48), i);
        cr_assert_str_eq(record + LOAD, name);
        cr_assert_arr_eq(record + LOAD + name_bytes, code, code_bytes);
        at += LOAD + name_bytes + code_bytes;
    }
    cr_assert_eq(at, size);
    free(dump);
    perf_records_destroy(records);
    cr_assert(!mapped_as_code(dump_path));
    cr_assert(access(map_path, F_OK), "a map that nobody asked for");
}

// Somebody else's link is replaced, not followed; what cannot be replaced is an error.
Test(perf_records, files_in_the_way)
{
    struct error error;
    FILE *victim = fopen("victim", "w");
    fputs("precious", victim);
    fclose(victim);
    cr_assert(!symlink("victim", dump_path));
    perf_records_destroy(create(false, true, NULL));
    size_t size;
    char *bytes = read_all("victim", &size);
    cr_assert_str_eq(bytes, "precious");
    free(bytes);
    unlink("victim");
    unlink(dump_path);
    cr_assert(!mkdir(dump_path, 0700));
    cr_assert_null(perf_records_create(true, true, NULL, &error));
    cr_assert_not_null(strstr(error.text, dump_path), "%s", error.text);
    rmdir(dump_path);
}
