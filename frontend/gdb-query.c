// SPDX-License-Identifier: MIT
// Queries and settings (q and Q): what this server and its peer can do, documents that are read in pieces, threads, commands of
// the monitor, and modes of this session.
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-private.h"
#include "frontend/monitor.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

// --- what we can do ------------------------------------------------------------------------------------------------

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = text; (p = strstr(p, word)); p += length)
        if ((p == text || p[-1] == ';') && (!p[length] || p[length] == ';'))
            return true;
    return false;
}

// qSupported:FEATURE;...
static void supported(struct gdb *gdb, const char *text)
{
    gdb->multiprocess = has_word(text, "multiprocess+");
    gdb->exec_events = has_word(text, "exec-events+");
    gdb->swbreak = has_word(text, "swbreak+");
    gdb->hwbreak = has_word(text, "hwbreak+");
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "PacketSize=%x;QStartNoAckMode+;multiprocess+;vContSupported+;QNonStop+;swbreak+;hwbreak+;"
                   "exec-events+;ConditionalBreakpoints+;binary-upload+;qXfer:threads:read+;qXfer:memory-map:read+;"
                   "qXfer:exec-file:read+", GDB_PACKET_BYTES);
    if (gdb_view(gdb))
        gdb_put_text(&gdb->out, ";qXfer:features:read+");
    if (gdb->exec_events) // GDB; others mean something else by libraries
        gdb_put_text(&gdb->out, ";qXfer:libraries:read+");
    gdb_end(&gdb->out);
}

// --- documents -----------------------------------------------------------------------------------------------------

void gdb_put_piece(struct gdb *gdb, const char *document, const char *range)
{
    uint64_t offset, length, total = strlen(document);
    if (!gdb_take_number(&range, &offset) || *range++ != ',' || !gdb_take_number(&range, &length) || *range) {
        gdb_reply(gdb, "E.write OFFSET,LENGTH");
        return;
    }
    offset = offset < total ? offset : total;
    uint64_t left = total - offset, limit = GDB_PACKET_BYTES / 2 - 16;
    length = length < limit ? length : limit;
    gdb_begin(&gdb->out);
    gdb_put_text(&gdb->out, length < left ? "m" : "l");
    gdb_put_bytes(&gdb->out, document + offset, (size_t)(length < left ? length : left));
    gdb_end(&gdb->out);
}

static void read_description(struct gdb *gdb, const char *range)
{
    const char *description = gdb_description(gdb);
    if (description)
        gdb_put_piece(gdb, description, range);
    else
        gdb_reply(gdb, "E00");
}

static const char *thread_state(struct vcpu *cpu)
{
    return !vcpu_is_powered_on(cpu) ? "off" : cpu->halted ? "halted" : "running";
}

static void read_threads(struct gdb *gdb, const char *range)
{
    char *document;
    size_t size;
    FILE *out = open_memstream(&document, &size);
    if (!out)
        abort();
    fputs("<?xml version=\"1.0\"?><threads>", out);
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        fprintf(out, gdb->multiprocess ? "<thread id=\"p1.%x\"" : "<thread id=\"%x\"", i + 1);
        fprintf(out, " core=\"%u\" name=\"CPU %u\">%s</thread>", i, i, thread_state(gdb_cpu(gdb, i)));
    }
    fputs("</threads>", out);
    fclose(out);
    gdb_put_piece(gdb, document, range);
    free(document);
}

// Addresses are virtual, and what there is at them changes; that all may be memory is what holds for good.
static void read_memory_map(struct gdb *gdb, const char *range)
{
    gdb_put_piece(gdb, "<?xml version=\"1.0\"?><!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
              "\"http://sourceware.org/gdb/gdb-memory-map.dtd\"><memory-map><memory type=\"ram\" start=\"0x0\" "
              "length=\"0xffffffffffffffff\"/></memory-map>", range);
}

// --- threads -------------------------------------------------------------------------------------------------------

static void current_thread(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_begin(&gdb->out);
    gdb_put_text(&gdb->out, "QC");
    gdb_put_thread(gdb, gdb->general);
    gdb_end(&gdb->out);
}

static void first_threads(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_begin(&gdb->out);
    for (unsigned i = 0; i < gdb->machine->vcpus.count; i++) {
        gdb_put_text(&gdb->out, i ? "," : "m");
        gdb_put_thread(gdb, i);
    }
    gdb_end(&gdb->out);
}

static void more_threads(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "l");
}

static void thread_info(struct gdb *gdb, const char *text)
{
    unsigned index;
    bool all;
    char line[64];
    if (!gdb_take_thread(gdb, &text, &index, &all) || all) {
        gdb_reply(gdb, "E.no such thread");
        return;
    }
    snprintf(line, sizeof(line), "CPU %u [%s]", index, thread_state(gdb_cpu(gdb, index)));
    gdb_begin(&gdb->out);
    gdb_put_hex(&gdb->out, line, strlen(line));
    gdb_end(&gdb->out);
}

static void attached(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "1");
}

// --- the monitor ---------------------------------------------------------------------------------------------------

// What the user can switch of this session by name, beside the monitor's commands.
static const struct {
    const char *name, *help;
    unsigned step_bit; // that is clear when it is on; 0: addresses of memory
} switches[] = {
    {"physical", "whether addresses of memory are physical", 0},
    {"step-interrupts", "whether single steps take interrupts", GDB_STEP_NO_IRQ},
    {"step-timers", "whether time goes on during single steps", GDB_STEP_NO_TIMER},
};

static bool is_on(const struct gdb *gdb, unsigned step_bit)
{
    return step_bit ? !(gdb->step_bits & step_bit) : gdb->physical;
}

static void turn(struct gdb *gdb, unsigned step_bit, bool on)
{
    if (step_bit)
        gdb->step_bits = on ? gdb->step_bits & ~step_bit : gdb->step_bits | step_bit;
    else
        gdb->physical = on;
}

// "NAME", "NAME on", "NAME off". NULL: it is none of them.
static char *run_switch(struct gdb *gdb, const char *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
        size_t length = strlen(switches[i].name);
        const char *word = line + length;
        if (strncmp(line, switches[i].name, length) || (*word && *word != ' '))
            continue;
        word += strspn(word, " ");
        if (*word && strcmp(word, "on") && strcmp(word, "off"))
            return alloc_format("'%s' is not understood; write %s [on|off]\n", word, switches[i].name);
        if (*word)
            turn(gdb, switches[i].step_bit, !strcmp(word, "on"));
        return alloc_format("%s is %s\n", switches[i].name, is_on(gdb, switches[i].step_bit) ? "on" : "off");
    }
    return NULL;
}

void gdb_put_console(struct gdb *gdb, const char *text)
{
    enum { PIECE = 2048 };
    for (size_t left = strlen(text); left;) {
        size_t n = left < PIECE ? left : PIECE;
        gdb_begin(&gdb->out);
        gdb_put_text(&gdb->out, "O");
        gdb_put_hex(&gdb->out, text, n);
        gdb_end(&gdb->out);
        text += n;
        left -= n;
    }
}

// qRcmd,TEXT
static void command(struct gdb *gdb, const char *text)
{
    size_t length = strlen(text) / 2;
    char *line = ALLOC_ARRAY(char, length + 1), *output;
    if (!gdb_take_hex(&text, line, length)) {
        gdb_reply(gdb, "E.these are no digits");
        free(line);
        return;
    }
    output = run_switch(gdb, line);
    if (!output) {
        monitor_choose_cpu(gdb->monitor, gdb->general);
        output = monitor_run(gdb->monitor, line);
    }
    gdb_put_console(gdb, output);
    for (size_t i = 0; i < ARRAY_SIZE(switches) && !strcmp(line, "help"); i++) {
        char *help = alloc_format("%-15s [on|off]   in this session: %s\n", switches[i].name, switches[i].help);
        gdb_put_console(gdb, help);
        free(help);
    }
    gdb_reply(gdb, "OK");
    free(output);
    free(line);
}

// --- modes of the session, by QEMU's names ---------------------------------------------------------------------------

static void put_number(struct gdb *gdb, const char *format, unsigned value)
{
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, format, value);
    gdb_end(&gdb->out);
}

static void physical_mode(struct gdb *gdb, const char *text)
{
    (void)text;
    put_number(gdb, "%u", gdb->physical);
}

static void step_bits(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "ENABLE=1,NOIRQ=2,NOTIMER=4");
}

static void step_mode(struct gdb *gdb, const char *text)
{
    (void)text;
    put_number(gdb, "0x%x", gdb->step_bits);
}

static void set_physical(struct gdb *gdb, const char *text)
{
    uint64_t value;
    bool good = gdb_take_number(&text, &value) && value <= 1 && !*text;
    gdb->physical = good ? value : gdb->physical;
    gdb_reply(gdb, good ? "OK" : "E.write 0 or 1");
}

static void set_step(struct gdb *gdb, const char *text)
{
    uint64_t value;
    text += !strncmp(text, "0x", 2) ? 2 : 0;
    bool good = gdb_take_number(&text, &value) && value <= 7 && !*text;
    gdb->step_bits = good ? (unsigned)value : gdb->step_bits;
    gdb_reply(gdb, good ? "OK" : "E.write a sum of 1, 2 and 4");
}

static void set_no_ack(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "OK");
    gdb->no_ack = true;
}

static void set_non_stop(struct gdb *gdb, const char *text)
{
    bool good = !strcmp(text, "0") || !strcmp(text, "1");
    if (good && gdb->non_stop != (*text == '1'))
        gdb_set_non_stop(gdb, *text == '1');
    gdb_reply(gdb, good ? "OK" : "E.write 0 or 1");
}

// --- which ---------------------------------------------------------------------------------------------------------

struct query {
    const char *name; // one that ends like a word is the whole packet
    gdb_handler *run;
};

static void dispatch(struct gdb *gdb, const struct query *table, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(table[i].name);
        char last = table[i].name[length - 1];
        bool takes_more = last == ':' || last == ',' || last == '=';
        if (!strncmp(text, table[i].name, length) && (takes_more || !text[length])) {
            table[i].run(gdb, text + length);
            return;
        }
    }
    gdb_reply(gdb, "");
}

void gdb_query(struct gdb *gdb, const char *text)
{
    static const struct query table[] = {
        {"Supported", supported},
        {"Supported:", supported},
        {"Xfer:features:read:target.xml:", read_description},
        {"Xfer:threads:read::", read_threads},
        {"Xfer:memory-map:read::", read_memory_map},
        {"Xfer:exec-file:read:", gdb_exec_file},
        {"Xfer:libraries:read::", gdb_read_libraries},
        {"Offsets", gdb_offsets},
        {"Symbol:", gdb_symbol},
        {"C", current_thread},
        {"fThreadInfo", first_threads},
        {"sThreadInfo", more_threads},
        {"ThreadExtraInfo,", thread_info},
        {"Attached", attached},
        {"Attached:", attached},
        {"Rcmd,", command},
        {"Search:memory:", gdb_search_memory},
        {"HostInfo", gdb_host_info},
        {"ProcessInfo", gdb_process_info},
        {"MemoryRegionInfo:", gdb_memory_region},
        {"WatchpointSupportInfo:", gdb_watchpoint_support},
        {"qemu.PhyMemMode", physical_mode},
        {"qemu.sstepbits", step_bits},
        {"qemu.sstep", step_mode},
    };
    dispatch(gdb, table, sizeof(table) / sizeof(table[0]), text);
}

void gdb_set(struct gdb *gdb, const char *text)
{
    static const struct query table[] = {
        {"StartNoAckMode", set_no_ack},
        {"NonStop:", set_non_stop},
        {"ThreadSuffixSupported", gdb_thread_suffix},
        {"qemu.PhyMemMode:", set_physical},
        {"qemu.sstep=", set_step},
        {"qemu.sstep:", set_step},
    };
    dispatch(gdb, table, sizeof(table) / sizeof(table[0]), text);
}
