// SPDX-License-Identifier: MIT
#include "bare-machine.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct machine_type bare_type = {
    .name = "bare",
    .help = "for tests",
    .arch = "none",
    .default_cpus = 1,
    .max_cpus = 1,
    .instance_size = sizeof(struct machine),
};

struct machine *bare_machine_create(void)
{
    struct machine *machine = machine_create(&bare_type);
    uint64_t size = (uint64_t)BARE_RAM_MIB << 20, offset;
    struct error error;
    cr_assert_eq(machine_init_memory(machine, size + (UINT64_C(160) << 20), &error), 0);
    cr_assert_eq(guest_ram_carve(machine->ram, size, &offset, &error), 0);
    struct mem_region_desc ram = {
        .name = "ram", .base = BARE_RAM_BASE, .size = size, .kind = MEM_RAM, .ram_offset = offset};
    cr_assert(memory_map_add(machine->map, ram, &error));
    return machine;
}

void bare_machine_destroy(struct machine *machine)
{
    machine_destroy(machine);
}

static void sink_set(void *opaque, unsigned input, bool level)
{
    (void)input;
    struct irq_sink *sink = opaque;
    sink->edges += level && !sink->level;
    sink->level = level;
}

struct irq_line irq_sink_line(struct irq_sink *sink)
{
    return (struct irq_line){sink_set, sink, 0};
}

struct device *bare_device(struct machine *machine, const struct device_type *type,
                           const char *const *properties)
{
    struct error error = {""};
    struct device *device = device_create(machine, type, NULL);
    for (; properties && *properties; properties++) {
        char name[64];
        const char *equals = strchr(*properties, '=');
        snprintf(name, sizeof(name), "%.*s", (int)(equals - *properties), *properties);
        cr_assert_eq(device_set(device, name, equals + 1, &error), 0, "%s", error.text);
    }
    cr_assert_eq(device_realize(device, &error), 0, "%s", error.text);
    device_reset(device);
    return device;
}

uint64_t guest_read(struct machine *machine, uint64_t gpa, unsigned size)
{
    uint64_t value;
    cr_assert_eq(memory_map_read(machine->map, (struct mem_requester){0}, gpa, size, &value), MEM_OK);
    return value;
}

void guest_write(struct machine *machine, uint64_t gpa, unsigned size, uint64_t value)
{
    cr_assert_eq(memory_map_write(machine->map, (struct mem_requester){0}, gpa, size, value), MEM_OK);
}

bool run_until(struct machine *machine, bool (*done)(void *opaque), void *opaque)
{
    for (int i = 0; i < 1000; i++) {
        device_lock_acquire(&machine->lock);
        bool yes = done(opaque);
        device_lock_release(&machine->lock);
        if (yes)
            return true;
        io_loop_iterate(machine->loop, 1);
    }
    return false;
}

static char *printed(struct device *device, void (*print)(struct device *device, FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_assert(out);
    fputc('\n', out);
    print(device, out);
    fclose(out);
    return text;
}

void expect_irq_line(struct device *device, const char *line)
{
    char *before = printed(device, device_print_state), *text = printed(device, device->type->print_irq);
    char *after = printed(device, device_print_state);
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    cr_assert_str_eq(before, after);
    cr_expect(strstr(text, wanted), "'%s' is not in:%s", line, text);
    free(before);
    free(text);
    free(after);
}
