// SPDX-License-Identifier: MIT
// Which command a packet is (GDB manual, E.2). Commands that are not known get the empty reply.
#include <string.h>

#include "frontend/gdb-private.h"

// --- thread ids ----------------------------------------------------------------------------------------------------

bool gdb_take_thread(const struct gdb *gdb, const char **text, unsigned *index, bool *all)
{
    const char *p = *text;
    uint64_t id;
    *all = false;
    if (*p == 'p') {
        p++;
        bool any_process = !strncmp(p, "-1", 2);
        if (any_process)
            p += 2;
        else if (!gdb_take_number(&p, &id) || id > GDB_PROCESS)
            return false;
        if (*p != '.') { // all of the process's
            *all = true;
            *index = 0;
            *text = p;
            return true;
        }
        p++;
    }
    if (!strncmp(p, "-1", 2)) {
        *all = true;
        *index = 0;
        *text = p + 2;
        return true;
    }
    if (!gdb_take_number(&p, &id) || id > gdb->machine->vcpus.count)
        return false;
    *index = id ? (unsigned)id - 1 : gdb->general;
    *text = p;
    return true;
}

void gdb_put_thread(struct gdb *gdb, unsigned index)
{
    if (gdb->multiprocess)
        gdb_put_format(&gdb->out, "p%x.%x", GDB_PROCESS, index + 1);
    else
        gdb_put_format(&gdb->out, "%x", index + 1);
}

// --- small ones ----------------------------------------------------------------------------------------------------

// H: the thread that later commands are about.
static void choose_thread(struct gdb *gdb, const char *text)
{
    char operation = *text ? *text++ : 0;
    unsigned index;
    bool all;
    if ((operation != 'g' && operation != 'c') || !gdb_take_thread(gdb, &text, &index, &all) || *text) {
        gdb_reply(gdb, "E.no such thread");
        return;
    }
    if (operation == 'g')
        gdb->general = all ? gdb->general : index;
    else
        gdb->control = all ? gdb->control : index;
    gdb_reply(gdb, "OK");
}

static void thread_alive(struct gdb *gdb, const char *text)
{
    unsigned index;
    bool all;
    bool known = gdb_take_thread(gdb, &text, &index, &all) && !*text && !all;
    gdb_reply(gdb, known ? "OK" : "E.no such thread");
}

static void begin_extended(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "OK");
}

// vAttach: there is one process, which the peer has.
static void attach(struct gdb *gdb, const char *text)
{
    uint64_t id;
    if (gdb_take_number(&text, &id) && id == GDB_PROCESS)
        gdb_ask_state(gdb, "");
    else
        gdb_reply(gdb, "E.there is one process, 1");
}

static void must_reply_empty(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "");
}

static const struct {
    const char *name;
    gdb_handler *run;
} commands[] = {
    {"!", begin_extended},
    {"?", gdb_ask_state},
    {"g", gdb_read_registers},
    {"G", gdb_write_registers},
    {"p", gdb_read_register},
    {"P", gdb_write_register},
    {"m", gdb_read_memory},
    {"M", gdb_write_memory},
    {"x", gdb_read_binary},
    {"X", gdb_write_binary},
    {"c", gdb_continue},
    {"C", gdb_continue},
    {"s", gdb_step},
    {"S", gdb_step},
    {"vCont?", gdb_which_vcont},
    {"vCont;", gdb_vcont},
    {"vCtrlC", gdb_interrupt_non_stop},
    {"vStopped", gdb_next_stop},
    {"vAttach;", attach},
    {"vKill;", gdb_kill},
    {"vFile:", gdb_file},
    {"vMustReplyEmpty", must_reply_empty},
    {"H", choose_thread},
    {"T", thread_alive},
    {"D", gdb_detach},
    {"k", gdb_kill},
    {"Z", gdb_insert_stop},
    {"z", gdb_remove_stop},
    {"q", gdb_query},
    {"Q", gdb_set},
};

void gdb_command(struct gdb *gdb)
{
    const char *packet = (const char *)gdb->reader.data;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        size_t length = strlen(commands[i].name);
        if (!strncmp(packet, commands[i].name, length)) {
            commands[i].run(gdb, packet + length);
            return;
        }
    }
    gdb_reply(gdb, "");
}
