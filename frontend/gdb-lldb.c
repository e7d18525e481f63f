// SPDX-License-Identifier: MIT
// What LLDB asks beside GDB's protocol ("LLDB Platform and GDB Remote Protocol Extensions" of its documentation).
#include <string.h>

#include "frontend/gdb-private.h"

// LLDB searches the memory of systems that it does not know for Apple's kernel, a page a packet: they all pass for Linux.
static const char *triple(const struct gdb *gdb)
{
    const struct debug_view *view = gdb_view(gdb);
    if (view && !strcmp(view->architecture, "aarch64"))
        return "aarch64-unknown-linux";
    return view && !strcmp(view->architecture, "i386:x86-64") ? "x86_64-unknown-linux" : "i386-unknown-linux";
}

static void put_target(struct gdb *gdb, const char *more)
{
    const char *name = triple(gdb);
    gdb_put_text(&gdb->out, more);
    gdb_put_text(&gdb->out, "triple:");
    gdb_put_hex(&gdb->out, name, strlen(name));
    gdb_put_format(&gdb->out, ";endian:little;ptrsize:%u;", *name == 'i' ? 4 : 8);
}

void gdb_host_info(struct gdb *gdb, const char *text)
{
    struct vcpu *cpu = gdb_cpu(gdb, gdb->general);
    (void)text;
    gdb_stop_vcpus(gdb);
    unsigned bits = cpu->ops->debug && cpu->ops->debug->address_bits ? cpu->ops->debug->address_bits(cpu) : 0;
    gdb_restart_vcpus(gdb);
    gdb_begin(&gdb->out);
    put_target(gdb, "");
    // Those of others come behind the instruction.
    if (!strncmp(triple(gdb), "aarch64", 7))
        gdb_put_text(&gdb->out, "watchpoint_exceptions_received:before;");
    if (bits)
        gdb_put_format(&gdb->out, "addressing_bits:%u;", bits);
    gdb_end(&gdb->out);
}

void gdb_process_info(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_begin(&gdb->out);
    put_target(gdb, "pid:1;");
    gdb_end(&gdb->out);
}

// Packets about registers may end in ";thread:ID;" (gdb-registers.c). Memory is read as the vCPU sees it that has stopped then,
// not as the last one whose registers were looked at.
void gdb_thread_suffix(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_reply(gdb, "OK");
}

// Without this it does not step over an access that it has been stopped before.
void gdb_watchpoint_support(struct gdb *gdb, const char *text)
{
    (void)text;
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "num:%u;", STOPS_LIMIT);
    gdb_end(&gdb->out);
}

// `end` is 0 for that of the address space. LLDB 14 goes round and round when room that is not mapped ends there.
static void put_region(struct gdb *gdb, uint64_t start, uint64_t end, const char *permissions)
{
    uint64_t size = !end && !permissions && start != UINT64_MAX ? UINT64_MAX - start : end - start;
    gdb_begin(&gdb->out);
    gdb_put_format(&gdb->out, "start:%llx;size:%llx;", (unsigned long long)start, (unsigned long long)size);
    if (permissions)
        gdb_put_format(&gdb->out, "permissions:%s;", permissions);
    gdb_end(&gdb->out);
}

static const char *permissions(const struct debug_mapping *m)
{
    bool w = strchr(m->rights, 'w'), x = strchr(m->rights, 'x');
    return w && x ? "rwx" : w ? "rw" : x ? "rx" : "r";
}

// qMemoryRegionInfo:ADDRESS: what allows the same from there on, or the unmapped room up to the next page. LLDB asks from
// region to region when it looks for room of its own, so pages are put together as far as that takes no time.
void gdb_memory_region(struct gdb *gdb, const char *text)
{
    enum { MOST_PAGES = 1 << 16 };
    struct vcpu *cpu = gdb_cpu(gdb, gdb->general);
    const struct debug_ops *ops = cpu->ops->debug;
    struct debug_mapping m, next;
    uint64_t address;
    if (!gdb_take_number(&text, &address) || !ops) {
        gdb_reply(gdb, "E.write an address");
        return;
    }
    gdb_stop_vcpus(gdb);
    bool found = ops->next_mapping(cpu, address, &m);
    bool inside = found && address - m.gva < m.size;
    for (unsigned i = 0; inside && i < MOST_PAGES && m.gva + m.size && ops->next_mapping(cpu, m.gva + m.size, &next) &&
                         next.gva == m.gva + m.size && !strcmp(permissions(&next), permissions(&m));
         i++)
        m.size += next.size;
    gdb_restart_vcpus(gdb);
    if (inside)
        put_region(gdb, m.gva, m.gva + m.size, permissions(&m));
    else
        put_region(gdb, address, found ? m.gva : 0, NULL);
}
