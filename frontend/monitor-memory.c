// SPDX-License-Identifier: MIT
// x and xp: guest memory as numbers, characters or instructions, in QEMU's formats:
//   /[COUNT][FORMAT][SIZE]  with FORMAT x hex, d signed, u unsigned, o octal, c characters, i instructions
//                           and SIZE b 1, h 2, w 4 (default), g 8 bytes
// Only memory is shown: reading a device's registers could change them.
#include <capstone/capstone.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/monitor-private.h"
#include "hw/core/dma.h"
#include "hw/core/machine.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { COUNT_LIMIT = 65536, LINE_WIDTH = 16, INSN_BYTES = 16 };

struct dump {
    struct monitor *monitor;
    bool physical;
    uint64_t address, count;
    char format;
    unsigned size;
};

static bool read_guest(const struct dump *dump, uint64_t address, void *buffer, unsigned length)
{
    if (dump->physical)
        return dma_read(dump->monitor->machine->map, address, buffer, length);
    struct vcpu *cpu = monitor_cpu(dump->monitor);
    return cpu && debug_read_memory(cpu, false, address, buffer, length) == length;
}

static bool parse_format(const char **text, struct dump *dump)
{
    const char *p = *text;
    *dump = (struct dump){.count = 1, .format = 'x', .size = 4};
    if (*p != '/')
        return true;
    p++;
    if (isdigit((unsigned char)*p)) {
        char *end;
        dump->count = strtoull(p, &end, 10);
        p = end;
    }
    for (; *p && !isspace((unsigned char)*p); p++) {
        if (strchr("xduoci", *p))
            dump->format = *p;
        else if (strchr("bhwg", *p))
            dump->size = 1u << (strchr("bhwg", *p) - "bhwg");
        else
            return false;
    }
    if (dump->format == 'c')
        dump->size = 1;
    *text = p;
    return dump->count >= 1 && dump->count <= COUNT_LIMIT;
}

static void cannot_read(const struct dump *dump, uint64_t address)
{
    fprintf(dump->monitor->out, "Cannot access memory at address 0x%" PRIx64 "\n", address);
}

// As many bytes as there are from `address` on, at most `length`.
static unsigned read_some(const struct dump *dump, uint64_t address, uint8_t *out, unsigned length)
{
    unsigned done = 0;
    while (done < length && read_guest(dump, address + done, out + done, 1))
        done++;
    return done;
}

// Bytes of the line that was written: code that is no instruction is shown a unit at a time.
static unsigned show_instruction(FILE *out, csh handle, const uint8_t *code, unsigned bytes, uint64_t address, bool words)
{
    cs_insn *insn;
    bool known = cs_disasm(handle, code, bytes, address, 1, &insn);
    unsigned size = known ? insn->size : words && bytes >= 4 ? 4 : 1;
    fprintf(out, "0x%08" PRIx64 ":  ", address);
    if (words && size == 4)
        fprintf(out, "%08" PRIx32 "  ", load_le32(code));
    for (unsigned i = 0; !words && i < size; i++)
        fprintf(out, "%02x ", code[i]);
    if (!words)
        fprintf(out, "%*s ", size < 8 ? (int)(8 - size) * 3 : 0, "");
    if (!known) {
        fprintf(out, words ? ".inst\n" : ".byte\n");
        return size;
    }
    fprintf(out, insn->op_str[0] ? "%-8s %s\n" : "%s%s\n", insn->mnemonic, insn->op_str);
    cs_free(insn, 1);
    return size;
}

static void show_instructions(const struct dump *dump)
{
    csh handle;
    FILE *out = dump->monitor->out;
    struct vcpu *cpu = monitor_cpu(dump->monitor);
    int arch = 0, mode = 0;
    if (cpu)
        cpu->ops->disassembler(cpu, &arch, &mode);
    if (!cpu || cs_open((cs_arch)arch, (cs_mode)mode, &handle)) {
        fprintf(out, "instructions of this processor cannot be shown\n");
        return;
    }
    uint64_t address = dump->address;
    for (uint64_t i = 0; i < dump->count; i++) {
        uint8_t code[INSN_BYTES];
        unsigned bytes = read_some(dump, address, code, sizeof(code));
        if (!bytes) {
            cannot_read(dump, address);
            break;
        }
        address += show_instruction(out, handle, code, bytes, address, arch == CS_ARCH_ARM64);
    }
    cs_close(&handle);
}

static void show_value(const struct dump *dump, uint64_t value)
{
    FILE *out = dump->monitor->out;
    int bits = (int)dump->size * 8;
    switch (dump->format) {
    case 'x':
        fprintf(out, " 0x%0*" PRIx64, bits / 4, value);
        break;
    case 'o':
        fprintf(out, " 0%0*" PRIo64, (bits + 2) / 3, value);
        break;
    case 'u':
        fprintf(out, " %" PRIu64, value);
        break;
    case 'd':
        fprintf(out, " %" PRId64, sextract64(value, 0, (unsigned)bits));
        break;
    case 'c':
        fprintf(out, isprint((int)value) ? " '%c'" : " '\\x%02x'", (unsigned)value);
        break;
    }
}

static void show_values(const struct dump *dump)
{
    unsigned per_line = dump->format == 'c' ? LINE_WIDTH / 2 : LINE_WIDTH / dump->size;
    for (uint64_t i = 0; i < dump->count; i++) {
        uint8_t bytes[8];
        uint64_t address = dump->address + i * dump->size;
        if (!read_guest(dump, address, bytes, dump->size)) {
            if (i % per_line)
                fputc('\n', dump->monitor->out);
            cannot_read(dump, address);
            return;
        }
        if (i % per_line == 0)
            fprintf(dump->monitor->out, "%016" PRIx64 ":", address);
        show_value(dump, load_le(bytes, dump->size));
        if (i % per_line == per_line - 1 || i == dump->count - 1)
            fputc('\n', dump->monitor->out);
    }
}

static void show_memory(struct monitor *monitor, const char *arguments, bool physical)
{
    struct dump dump;
    uint64_t address;
    if (!parse_format(&arguments, &dump) || !monitor_parse_address(monitor, arguments, &address)) {
        fprintf(monitor->out, "write x/FMT ADDRESS, such as x/8xw 0x40000000 (at most %d units)\n", COUNT_LIMIT);
        return;
    }
    dump.monitor = monitor;
    dump.physical = physical;
    dump.address = address;
    if (dump.format == 'i')
        show_instructions(&dump);
    else
        show_values(&dump);
}

void monitor_x(struct monitor *monitor, const char *arguments)
{
    show_memory(monitor, arguments, false);
}

void monitor_xp(struct monitor *monitor, const char *arguments)
{
    show_memory(monitor, arguments, true);
}
