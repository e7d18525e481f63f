// SPDX-License-Identifier: MIT
// gic-states ACCEL GIC: the interrupt controllers of a `virt` board take any state that they may have, and have it then; a reset makes
// them new; and another machine that gets it is as the first. Under KVM they are the host kernel's, with an ITS whose tables are in
// the guest's memory. Ends with 77 where the host has no such controller.
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arm-board.h"
#include "hw/core/kvm-guest.h"
#include "hw/core/rng.h"
#include "tcg/base/alloc.h"

enum { CPUS = 4, ALL_CPUS = (1 << CPUS) - 1, STATES = 40, MOST_LEAVES = 1 << 13 };

struct board {
    struct arm_board base;
    struct machine *machine;
    struct device *gic, *its;
};

struct leaves {
    struct leaf {
        char path[64];
        uint64_t value, asked; // bits that were set to something
    } *items;
    size_t count;
};

static struct rng rng;
static bool is_v3;

static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "FAIL: %s: %s\n", what, detail);
    exit(1);
}

// --- boards ----------------------------------------------------------------------------------------------------------

static struct device *find(struct machine *machine, const char *name)
{
    struct device *device = machine->devices;
    while (device && strcmp(device->type->name, name))
        device = device->next;
    return device;
}

static struct board make(const char *accel, const char *gic)
{
    struct board b = {.base = arm_board_create(accel, gic, CPUS)};
    b.machine = b.base.machine;
    b.gic = find(b.machine, is_v3 ? "arm-gicv3" : "arm_gic");
    b.its = find(b.machine, "arm-gicv3-its");
    return b;
}

// --- states ----------------------------------------------------------------------------------------------------------

static uint64_t load(const void *data, unsigned size)
{
    uint64_t value = 0;
    memcpy(&value, data, size);
    return value;
}

static void note_leaf(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    struct leaves *leaves = opaque;
    (void)kind;
    if (strstr(path, "lpi_pending"))
        return; // in the guest's memory
    if (leaves->count == MOST_LEAVES || strlen(path) >= sizeof(leaves->items->path))
        give_up("too large a state", path);
    struct leaf *leaf = &leaves->items[leaves->count++];
    strcpy(leaf->path, path);
    leaf->value = load(data, size);
    leaf->asked = 0;
}

static struct leaves fetch(struct device *device)
{
    struct leaves leaves = {ALLOC_ARRAY(struct leaf, MOST_LEAVES), 0};
    if (device->type->fetch_state)
        device->type->fetch_state(device);
    state_visit(device->type->state, device, note_leaf, &leaves);
    return leaves;
}

struct putter {
    const struct leaves *leaves;
    size_t next;
};

static void put_leaf(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    struct putter *p = opaque;
    (void)kind;
    if (p->next < p->leaves->count && !strcmp(p->leaves->items[p->next].path, path))
        memcpy(data, &p->leaves->items[p->next++].value, size);
}

static void put(struct device *device, const struct leaves *leaves)
{
    struct putter p = {leaves, 0};
    state_visit(device->type->state, device, put_leaf, &p);
    if (device->type->state_loaded)
        device->type->state_loaded(device);
}

static void compare(const char *what, const struct leaves *is, const struct leaves *wanted, bool asked_only)
{
    bool same = is->count == wanted->count;
    for (size_t i = 0; i < is->count && i < wanted->count; i++) {
        uint64_t bits = asked_only ? wanted->items[i].asked : ~UINT64_C(0);
        if (!((is->items[i].value ^ wanted->items[i].value) & bits))
            continue;
        fprintf(stderr, "%s: 0x%llx, not 0x%llx\n", is->items[i].path, (unsigned long long)is->items[i].value,
                (unsigned long long)wanted->items[i].value);
        same = false;
    }
    if (!same)
        give_up(what, is_v3 ? "GICv3" : "GICv2");
}

// The bits of a leaf that can have any value. Of private interrupts, lines are the timers', and how they work is fixed; SGIs of a
// GICv2 are pending for their senders. Its levels hide latches, so that an interrupt has here the one or the other.
static uint64_t free_bits(const char *path)
{
    static const struct {
        const char *name;
        uint64_t v2, v2_private, v3, v3_private;
    } rows[] = {
        {"dist_ctlr", 1, 0, 2, 0}, // the kernel's have one bit for both groups, or the second group's
        {"group", ~0u, ~0u, ~0u, ~0u},
        {"enabled", ~0u, ~0u, ~0u, ~0u},
        {"latch", 0xffff, 0xffff0000, ~0u, ~0u},
        {"line", 0xffff0000, 0, ~0u, 0},
        {"active", ~0u, ~0u, ~0u, ~0u},
        {"edge", ~0u, 0, ~0u, 0},
        {"priority", 0xf8, 0xf8, 0xf8, 0xf8},
        {"targets", ALL_CPUS, 0, 0, 0},
        {"sgi_sources", 0, ALL_CPUS, 0, 0},
        {"irouter", 0, 0, CPUS - 1, 0},
        {"ctlr", 0, 0x21f, 0, 2},
        {"apr[0]", 0, ~0u, 0, ~0u},
        {"apr[1]", 0, 0, 0, ~0u},
        {"pmr", 0, 0xf8, 0, 0xf8},
        {"bpr", 0, 3, 0, 3},
        {"group_enable", 0, 0, 0, 3},
    };
    bool private = !strncmp(path, "cpus[", 5);
    if (private && atoi(path + 5) >= CPUS)
        return 0;
    const char *name = strrchr(path, '.') ? strrchr(path, '.') + 1 : path;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = strlen(rows[i].name);
        if (!strncmp(name, rows[i].name, length) && (!name[length] || name[length] == '['))
            return is_v3 ? private ? rows[i].v3_private : rows[i].v3 : private ? rows[i].v2_private : rows[i].v2;
    }
    return 0;
}

// The least binary points are beyond what there are priority bits for.
static void invent(struct leaves *leaves)
{
    for (size_t i = 0; i < leaves->count; i++) {
        struct leaf *leaf = &leaves->items[i];
        uint64_t value;
        if (!(leaf->asked = free_bits(leaf->path)))
            continue;
        rng_fill(&rng, &value, sizeof(value));
        leaf->value = (leaf->value & ~leaf->asked) | (value & leaf->asked);
        if (strstr(leaf->path, "bpr["))
            leaf->value = 3 + (value & 3);
    }
}

static void states(struct board *a, struct board *b)
{
    struct leaves fresh = fetch(a->gic);
    for (size_t i = 0; i < fresh.count; i++)
        fresh.items[i].asked = strstr(fresh.items[i].path, ".line") ? 0 : ~UINT64_C(0); // devices' own
    for (unsigned i = 0; i < STATES; i++) {
        struct leaves state = fetch(a->gic);
        invent(&state);
        put(a->gic, &state);
        struct leaves first = fetch(a->gic);
        compare("a state is not as it was set", &first, &state, true);
        put(b->gic, &first);
        struct leaves second = fetch(b->gic);
        compare("another machine is not as the first", &second, &first, false);
        device_reset(a->gic);
        struct leaves after = fetch(a->gic);
        compare("a reset does not make it new", &after, &fresh, true);
        put(a->gic, &second);
        struct leaves third = fetch(a->gic);
        compare("a state does not come back", &third, &first, false);
        free(state.items), free(first.items), free(second.items), free(after.items), free(third.items);
    }
    device_reset(a->gic);
    device_reset(b->gic);
    free(fresh.items);
}

// --- the ITS ---------------------------------------------------------------------------------------------------------

#define VALID (UINT64_C(1) << 63)
#define PROPERTIES UINT64_C(0x40100000)
#define PENDING UINT64_C(0x40200000) /* 64 KiB each */
#define DEVICES UINT64_C(0x40300000)
#define COLLECTIONS UINT64_C(0x40310000)
#define EVENTS UINT64_C(0x40320000)
#define COMMANDS UINT64_C(0x40330000)
#define TABLES_END UINT64_C(0x40340000)
enum { DEVICE_ID = 5, EVENT = 3, LPI = 8200, OTHER_LPI = 8300, COLLECTION = 1, OTHER_COLLECTION = 2, LPI_BITS = 15 };

static uint8_t *memory(const struct board *b, uint64_t gpa)
{
    const struct mem_range *range = memory_map_find(b->machine->map, gpa);
    return range->host + (gpa - range->base);
}

static void put_word(const struct board *b, uint64_t table, unsigned index, uint64_t entry)
{
    memcpy(memory(b, table) + index * 8, &entry, sizeof(entry));
}

// In the kernel's form (kvm-its.c): two events of a device, to processors 1 and 0.
static void write_tables(const struct board *b)
{
    memset(memory(b, PROPERTIES), 0xa3, 1 << (LPI_BITS + 1));
    put_word(b, DEVICES, DEVICE_ID, VALID | EVENTS >> 8 << 5 | 3);
    put_word(b, COLLECTIONS, 0, VALID | 1 << 16 | COLLECTION);
    put_word(b, COLLECTIONS, 1, VALID | 0 << 16 | OTHER_COLLECTION);
    put_word(b, EVENTS, EVENT, UINT64_C(1) << 48 | LPI << 16 | COLLECTION);
    put_word(b, EVENTS, EVENT + 1, OTHER_LPI << 16 | OTHER_COLLECTION);
}

static void set_leaf(struct leaves *leaves, const char *path, uint64_t value)
{
    for (size_t i = 0; i < leaves->count; i++)
        if (!strcmp(leaves->items[i].path, path)) {
            leaves->items[i].value |= value;
            leaves->items[i].asked = value;
            return;
        }
    give_up("no such state", path);
}

static bool is_pending(const struct board *b, unsigned cpu, unsigned lpi)
{
    free(fetch(b->gic).items); // the kernel writes the tables
    return memory(b, PENDING + cpu * 0x10000)[lpi / 8] >> (lpi % 8) & 1;
}

static void message(const struct board *b, unsigned event)
{
    uint64_t address = 0x08080000 + 0x10040; // GITS_TRANSLATER
    struct kvm_msi msi = {.address_lo = (uint32_t)address, .data = event, .flags = KVM_MSI_VALID_DEVID, .devid = DEVICE_ID};
    ioctl(b->machine->kvm->fd, KVM_SIGNAL_MSI, &msi);
}

static void tables(struct board *a, struct board *b)
{
    char path[64];
    struct leaves gic = fetch(a->gic), its = fetch(a->its);
    for (unsigned i = 0; i < CPUS; i++) {
        snprintf(path, sizeof(path), "cpus[%u].propbaser", i);
        set_leaf(&gic, path, PROPERTIES | LPI_BITS);
        snprintf(path, sizeof(path), "cpus[%u].pendbaser", i);
        set_leaf(&gic, path, PENDING + i * 0x10000);
        snprintf(path, sizeof(path), "cpus[%u].redist_ctlr", i);
        set_leaf(&gic, path, 1);
    }
    set_leaf(&its, "ctlr", 1);
    set_leaf(&its, "cbaser", VALID | COMMANDS);
    set_leaf(&its, "cwriter", 0x60);
    set_leaf(&its, "creadr", 0x60);
    set_leaf(&its, "baser[0]", VALID | DEVICES);
    set_leaf(&its, "baser[1]", VALID | COLLECTIONS);
    write_tables(a);
    put(a->gic, &gic);
    put(a->its, &its);
    struct leaves gic_now = fetch(a->gic), its_now = fetch(a->its);
    compare("LPIs are not as they were set", &gic_now, &gic, true);
    compare("an ITS is not as it was set", &its_now, &its, true);
    message(a, EVENT);
    if (!is_pending(a, 1, LPI) || is_pending(a, 0, OTHER_LPI))
        give_up("an event", "does not arrive by tables that were loaded");
    // The tables are in the guest's memory again when the state is fetched.
    uint64_t bytes = TABLES_END - DEVICES;
    uint8_t *before = ALLOC_ARRAY(uint8_t, bytes);
    memcpy(before, memory(a, DEVICES), bytes);
    memset(memory(a, DEVICES), 0, bytes);
    free(fetch(a->its).items);
    if (memcmp(before, memory(a, DEVICES), bytes))
        give_up("tables", "are not saved as they were loaded");
    // What is pending goes along.
    memcpy(memory(b, PROPERTIES), memory(a, PROPERTIES), TABLES_END - PROPERTIES);
    put(b->gic, &gic_now);
    put(b->its, &its_now);
    if (!is_pending(b, 1, LPI) || is_pending(b, 0, OTHER_LPI))
        give_up("an LPI", "is not pending in the other machine");
    message(b, EVENT + 1);
    if (!is_pending(b, 0, OTHER_LPI))
        give_up("an event", "does not arrive in the other machine");
    device_reset(a->gic);
    device_reset(a->its);
    memset(memory(a, PENDING), 0, CPUS * 0x10000);
    put(a->gic, &gic_now);
    message(a, EVENT);
    if (is_pending(a, 1, LPI))
        give_up("an event", "arrives after a reset");
    free(before), free(gic.items), free(its.items), free(gic_now.items), free(its_now.items);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    bool kvm = !strcmp(argv[1], "kvm");
    is_v3 = argv[2][0] == '3';
    rng = rng_from_seed(1);
    struct board a = make(argv[1], argv[2]), b = make(argv[1], argv[2]);
    if (!a.gic || (is_v3 && kvm && !a.its))
        give_up("no such controller", argv[2]);
    states(&a, &b);
    if (is_v3 && kvm)
        tables(&a, &b);
    arm_board_destroy(&a.base);
    arm_board_destroy(&b.base);
    return 0;
}
