// SPDX-License-Identifier: MIT
// Registers: descriptions for the peer, and their values. They are numbered through all features of the view.
#include <stdlib.h>
#include <string.h>

#include "frontend/gdb-private.h"
#include "tcg/base/alloc.h"

const struct debug_view *gdb_view(const struct gdb *gdb)
{
    const struct vcpu *cpu = gdb_cpu(gdb, 0);
    return cpu->ops->debug ? cpu->ops->debug->view(cpu, gdb->mode) : NULL;
}

bool gdb_in_widest_mode(const struct gdb *gdb)
{
    const struct vcpu *cpu = gdb_cpu(gdb, 0);
    return !cpu->ops->debug || gdb->mode + 1 == cpu->ops->debug->mode_count(cpu);
}

const struct debug_register *gdb_find_register(const struct debug_view *view, uint64_t number)
{
    for (unsigned i = 0; view && i < view->feature_count; i++) {
        if (number < view->features[i].count)
            return &view->features[i].registers[number];
        number -= view->features[i].count;
    }
    return NULL;
}

// --- description ---------------------------------------------------------------------------------------------------

void gdb_forget_description(struct gdb *gdb)
{
    free(gdb->description);
    gdb->description = NULL;
}

static void print_feature(const struct debug_feature *feature, FILE *out)
{
    fprintf(out, "<feature name=\"%s\">%s", feature->name, feature->types ? feature->types : "");
    for (unsigned i = 0; i < feature->count; i++) {
        const struct debug_register *r = &feature->registers[i];
        fprintf(out, "<reg name=\"%s\" bitsize=\"%u\"", r->name, r->bits);
        if (r->type)
            fprintf(out, " type=\"%s\"", r->type);
        if (r->group)
            fprintf(out, " group=\"%s\"", r->group);
        // Calls of the user's (GDB's "call") keep the general registers, and change no modes on the way back.
        if (r->group && !strcmp(r->group, "system"))
            fputs(" save-restore=\"no\"", out);
        fputs("/>", out);
    }
    fputs("</feature>", out);
}

const char *gdb_description(struct gdb *gdb)
{
    const struct debug_view *view = gdb_view(gdb);
    size_t size;
    if (gdb->description || !view)
        return gdb->description;
    FILE *out = open_memstream(&gdb->description, &size);
    if (!out)
        abort();
    // Guests are no programs of an operating system: without this, GDB takes them for those of its own host's.
    fprintf(out, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
            "<architecture>%s</architecture><osabi>none</osabi>", view->architecture);
    for (unsigned i = 0; i < view->feature_count; i++)
        print_feature(&view->features[i], out);
    fputs("</target>", out);
    fclose(out);
    return gdb->description;
}

// --- values --------------------------------------------------------------------------------------------------------

static bool read_value(struct gdb *gdb, struct vcpu *cpu, const struct debug_register *r, uint8_t *bytes)
{
    return r && r->bits <= DEBUG_REGISTER_BYTES * 8 && cpu->ops->debug->read(cpu, gdb_view(gdb), r, bytes);
}

static void put_value(struct gdb *gdb, struct vcpu *cpu, const struct debug_register *r)
{
    uint8_t bytes[DEBUG_REGISTER_BYTES];
    if (read_value(gdb, cpu, r, bytes))
        gdb_put_hex(&gdb->out, bytes, r->bits / 8);
    else
        for (unsigned i = 0; i < r->bits / 8; i++)
            gdb_put_text(&gdb->out, "xx");
}

// The vCPU that ";thread:ID;" at the end of a packet means; without it the one that H chose. NULL: it means none.
static struct vcpu *cpu_of(const struct gdb *gdb, const char *text)
{
    static const char thread[] = ";thread:";
    unsigned index = gdb->general;
    bool all = false;
    if (!*text)
        return gdb_cpu(gdb, index);
    if (strncmp(text, thread, strlen(thread)))
        return NULL;
    text += strlen(thread);
    return gdb_take_thread(gdb, &text, &index, &all) && !all && !strcmp(text, ";") ? gdb_cpu(gdb, index) : NULL;
}

void gdb_read_registers(struct gdb *gdb, const char *text)
{
    const struct debug_view *view = gdb_view(gdb);
    struct vcpu *cpu = cpu_of(gdb, text);
    if (!cpu) {
        gdb_reply(gdb, "E.no such thread");
        return;
    }
    gdb_stop_vcpus(gdb);
    gdb_begin(&gdb->out);
    for (unsigned n = 0; view && n < view->packet_count; n++)
        put_value(gdb, cpu, gdb_find_register(view, n));
    gdb_end(&gdb->out);
    gdb_restart_vcpus(gdb);
}

void gdb_write_registers(struct gdb *gdb, const char *text)
{
    const struct debug_view *view = gdb_view(gdb);
    struct vcpu *cpu = cpu_of(gdb, strchrnul(text, ';'));
    bool good = view && cpu;
    gdb_stop_vcpus(gdb);
    for (unsigned n = 0; good && n < view->packet_count && *text && *text != ';'; n++) {
        const struct debug_register *r = gdb_find_register(view, n);
        uint8_t bytes[DEBUG_REGISTER_BYTES], now[DEBUG_REGISTER_BYTES];
        if (*text == 'x') { // keeps its value
            for (unsigned i = 0; i < r->bits / 4u && *text == 'x'; i++)
                text++;
            continue;
        }
        good = gdb_take_hex(&text, bytes, r->bits / 8);
        bool same = good && read_value(gdb, cpu, r, now) && !memcmp(now, bytes, r->bits / 8);
        good = good && (same || cpu->ops->debug->write(cpu, view, r, bytes));
    }
    gdb_restart_vcpus(gdb);
    gdb_reply(gdb, good ? "OK" : "E.these values cannot be written");
}

void gdb_read_register(struct gdb *gdb, const char *text)
{
    uint64_t number;
    const struct debug_register *r = gdb_take_number(&text, &number) ? gdb_find_register(gdb_view(gdb), number) : NULL;
    struct vcpu *cpu = cpu_of(gdb, text);
    if (!r || !cpu) {
        gdb_reply(gdb, "E.no such register");
        return;
    }
    gdb_stop_vcpus(gdb);
    gdb_begin(&gdb->out);
    put_value(gdb, cpu, r);
    gdb_end(&gdb->out);
    gdb_restart_vcpus(gdb);
}

void gdb_write_register(struct gdb *gdb, const char *text)
{
    uint64_t number;
    uint8_t bytes[DEBUG_REGISTER_BYTES];
    const struct debug_register *r = gdb_take_number(&text, &number) && *text == '=' ? gdb_find_register(gdb_view(gdb), number) : NULL;
    bool good = r && (text++, gdb_take_hex(&text, bytes, r->bits / 8));
    struct vcpu *cpu = good ? cpu_of(gdb, text) : NULL;
    if (!cpu) {
        gdb_reply(gdb, "E.no such register");
        return;
    }
    gdb_stop_vcpus(gdb);
    good = cpu->ops->debug->write(cpu, gdb_view(gdb), r, bytes);
    gdb_restart_vcpus(gdb);
    gdb_reply(gdb, good ? "OK" : "E.this register cannot be written, or not to this");
}

void gdb_put_expedited(struct gdb *gdb, struct vcpu *cpu)
{
    const struct debug_view *view = gdb_view(gdb);
    for (unsigned n = 0; view && n < view->packet_count; n++) {
        const struct debug_register *r = gdb_find_register(view, n);
        bool wanted = r->type && (!strcmp(r->type, "code_ptr") || !strcmp(r->type, "data_ptr"));
        if (!wanted)
            continue;
        gdb_put_format(&gdb->out, "%02x:", n);
        put_value(gdb, cpu, r);
        gdb_put_text(&gdb->out, ";");
    }
}
