// SPDX-License-Identifier: MIT
// Guest memory, by virtual addresses of the chosen vCPU or by physical ones. Only memory: reading a device's registers could
// change them.
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-private.h"
#include "hw/core/dma.h"
#include "tcg/base/alloc.h"

size_t gdb_peek(struct gdb *gdb, struct vcpu *cpu, uint64_t address, void *out, size_t length)
{
    return debug_read_memory(cpu, gdb->physical, address, out, length);
}

// All or nothing, as far as that can be told before.
static bool poke(struct gdb *gdb, struct vcpu *cpu, uint64_t address, const uint8_t *in, size_t length)
{
    for (unsigned write = 0; write < 2; write++) {
        for (size_t done = 0, part; done < length; done += part) {
            uint64_t gpa, run;
            part = length - done;
            if (!debug_locate(cpu, gdb->physical, address + done, &gpa, &part))
                return false;
            run = part;
            if (!write && (!dma_map(gdb->machine->map, gpa, &run, false) || run < part))
                return false;
            if (write && !dma_write_rom(gdb->machine->map, gpa, in + done, part))
                return false;
        }
    }
    return true;
}

// "ADDRESS,LENGTH"
static bool take_range(const char **text, uint64_t *address, uint64_t *length)
{
    if (!gdb_take_number(text, address) || **text != ',')
        return false;
    (*text)++;
    return gdb_take_number(text, length);
}

static void read_memory(struct gdb *gdb, const char *text, bool binary)
{
    uint64_t address, length;
    if (!take_range(&text, &address, &length) || *text) {
        gdb_reply(gdb, "E.write ADDRESS,LENGTH");
        return;
    }
    size_t limit = GDB_PACKET_BYTES / 2 - 16; // bytes may take two each
    length = length < limit ? length : limit;
    uint8_t *bytes = ALLOC_ARRAY(uint8_t, length + 1);
    gdb_stop_vcpus(gdb);
    size_t done = gdb_peek(gdb, gdb_cpu(gdb, gdb->general), address, bytes, (size_t)length);
    gdb_restart_vcpus(gdb);
    if (!done && length) {
        gdb_reply(gdb, "E14");
    } else {
        gdb_begin(&gdb->out);
        if (binary) {
            gdb_put_text(&gdb->out, gdb->bare_binary ? "" : "b");
            gdb_put_bytes(&gdb->out, bytes, done);
        } else {
            gdb_put_hex(&gdb->out, bytes, done);
        }
        gdb_end(&gdb->out);
    }
    free(bytes);
}

void gdb_read_memory(struct gdb *gdb, const char *text)
{
    read_memory(gdb, text, false);
}

// x: since GDB 16 and LLDB 21 by "binary-upload", with a letter before the bytes. LLDB before that tries it with no bytes, wants
// to hear OK, and takes what comes as it is.
void gdb_read_binary(struct gdb *gdb, const char *text)
{
    if (!strcmp(text, "0,0")) {
        gdb->bare_binary = true;
        gdb_reply(gdb, "OK");
        return;
    }
    read_memory(gdb, text, true);
}

static void write_memory(struct gdb *gdb, uint64_t address, const uint8_t *bytes, size_t length)
{
    gdb_stop_vcpus(gdb);
    bool good = poke(gdb, gdb_cpu(gdb, gdb->general), address, bytes, length);
    gdb_restart_vcpus(gdb);
    gdb_reply(gdb, good ? "OK" : "E14");
}

void gdb_write_memory(struct gdb *gdb, const char *text)
{
    uint64_t address, length;
    if (!take_range(&text, &address, &length) || *text++ != ':' || length != strlen(text) / 2) {
        gdb_reply(gdb, "E.write ADDRESS,LENGTH:BYTES");
        return;
    }
    uint8_t *bytes = ALLOC_ARRAY(uint8_t, length + 1);
    if (gdb_take_hex(&text, bytes, length))
        write_memory(gdb, address, bytes, length);
    else
        gdb_reply(gdb, "E.these are no digits");
    free(bytes);
}

void gdb_write_binary(struct gdb *gdb, const char *text)
{
    uint64_t address, length;
    const char *end = (const char *)gdb->reader.data + gdb->reader.length;
    if (!take_range(&text, &address, &length) || *text++ != ':' || text > end || length != (size_t)(end - text))
        gdb_reply(gdb, "E.write ADDRESS,LENGTH:BYTES");
    else
        write_memory(gdb, address, (const uint8_t *)text, length);
}

// qSearch:memory:ADDRESS;LENGTH;PATTERN
void gdb_search_memory(struct gdb *gdb, const char *text)
{
    enum { CHUNK = 65536, PATTERN = 4096 };
    static const uint64_t LIMIT = UINT64_C(1) << 30; // nobody else is served meanwhile
    const char *end = (const char *)gdb->reader.data + gdb->reader.length;
    uint64_t address, length;
    bool good = gdb_take_number(&text, &address) && *text++ == ';' && gdb_take_number(&text, &length) && *text++ == ';';
    size_t wanted = good && text < end ? (size_t)(end - text) : 0;
    if (!wanted || wanted > PATTERN || length > LIMIT) {
        gdb_reply(gdb, "E.write ADDRESS;LENGTH;PATTERN, at most 1 GiB and 4 KiB");
        return;
    }
    uint8_t *buffer = ALLOC_ARRAY(uint8_t, CHUNK);
    const uint8_t *hit = NULL;
    uint64_t at = 0;
    gdb_stop_vcpus(gdb);
    while (!hit && at + wanted <= length) {
        size_t want = length - at < CHUNK ? (size_t)(length - at) : CHUNK;
        size_t got = gdb_peek(gdb, gdb_cpu(gdb, gdb->general), address + at, buffer, want);
        hit = memmem(buffer, got, text, wanted);
        if (hit)
            at += (uint64_t)(hit - buffer);
        else if (got < want || want == length - at)
            break; // what cannot be read ends the search
        else
            at += got - wanted + 1;
    }
    gdb_restart_vcpus(gdb);
    gdb_begin(&gdb->out);
    if (hit)
        gdb_put_format(&gdb->out, "1,%llx", (unsigned long long)(address + at));
    else
        gdb_put_text(&gdb->out, "0");
    gdb_end(&gdb->out);
    free(buffer);
}
