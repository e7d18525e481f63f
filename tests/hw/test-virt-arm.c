// SPDX-License-Identifier: MIT
// The virt board with CPUs that only note what is done to them: parts, wiring, device tree, PSCI.
#include <criterion/criterion.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "fake-arm-cpu.h"
#include "hw/boards/psci.h"
#include "hw/boards/virt-arm.h"
#include "tcg/base/bits.h"

static struct machine *build(unsigned cpus, const char *const *properties)
{
    struct machine *machine = machine_create(&virt_arm_type);
    struct error error = {""};
    machine->cpu_count = cpus;
    machine->ram_size = 1 << 30;
    machine->cpu_factory = &fake_arm_cpu_factory;
    for (; properties && *properties; properties += 2)
        cr_assert_eq(machine_set_property(machine, properties[0], properties[1], &error), 0, "%s",
                     error.text);
    cr_assert_eq(machine_build(machine, &error), 0, "%s", error.text);
    return machine;
}

static void finish(struct machine *machine)
{
    struct error error = {""};
    cr_assert_eq(machine_finish(machine, &error), 0, "%s", error.text);
    machine_reset(machine);
}

static uint32_t cell(const void *fdt, const char *path, const char *name, unsigned index)
{
    int length, node = fdt_path_offset(fdt, path);
    cr_assert_geq(node, 0, "no node %s", path);
    const fdt32_t *value = fdt_getprop(fdt, node, name, &length);
    cr_assert(value && length >= (int)(4 * index + 4), "%s: no %s[%u]", path, name, index);
    return fdt32_to_cpu(value[index]);
}

static const char *string(const void *fdt, const char *path, const char *name)
{
    int node = fdt_path_offset(fdt, path);
    cr_assert_geq(node, 0, "no node %s", path);
    return fdt_getprop(fdt, node, name, NULL);
}

Test(virt_arm, device_tree_names_the_parts)
{
    struct machine *machine = build(4, (const char *const[]){"gic-version", "3", NULL});
    machine->boot = (struct machine_boot){.direct = true,
                                          .kernel_start = 0x40200000,
                                          .kernel_end = 0x42000000,
                                          .entry = 0x40200000,
                                          .initrd_start = 0x48000000,
                                          .initrd_end = 0x48123456,
                                          .command_line = "console=ttyAMA0"};
    finish(machine);
    const void *fdt = machine->dtb;
    cr_assert_eq(fdt_check_header(fdt), 0);
    cr_assert_eq(machine->dtb_gpa, 0x48200000);
    cr_assert_str_eq(string(fdt, "/", "compatible"), "linux,dummy-virt");
    cr_assert_str_eq(string(fdt, "/chosen", "bootargs"), "console=ttyAMA0");
    cr_assert_eq(cell(fdt, "/chosen", "linux,initrd-end", 1), 0x48123456);
    cr_assert_str_eq(string(fdt, "/chosen", "stdout-path"), "/pl011@9000000");
    cr_assert_eq(cell(fdt, "/memory@40000000", "reg", 3), 1 << 30);
    cr_assert_eq(cell(fdt, "/pl011@9000000", "interrupts", 1), 1);
    cr_assert_eq(cell(fdt, "/virtio_mmio@a003e00", "interrupts", 1), 47);
    cr_assert_eq(cell(fdt, "/cpus/cpu@3", "reg", 0), 3);
    cr_assert_str_eq(string(fdt, "/psci", "method"), "hvc");
    cr_assert_str_eq(string(fdt, "/intc@8000000", "compatible"), "arm,gic-v3");
    cr_assert_eq(cell(fdt, "/intc@8000000", "reg", 5), 0x080a0000);
    cr_assert_eq(cell(fdt, "/", "interrupt-parent", 0), cell(fdt, "/intc@8000000", "phandle", 0));
    cr_assert_eq(cell(fdt, "/timer", "interrupts", 4), 14);
    uint32_t magic;
    uint64_t wide;
    memory_map_read(machine->map, (struct mem_requester){0}, machine->dtb_gpa, 4, &wide);
    magic = (uint32_t)wide;
    cr_assert_eq(fdt32_to_cpu(magic), FDT_MAGIC);
    cr_assert(machine->vcpus.has_boot);
    cr_assert_eq(machine->vcpus.boot_context, machine->dtb_gpa);
    machine_destroy(machine);
}

Test(virt_arm, default_interrupt_controller_is_a_gicv2)
{
    struct machine *machine = build(2, NULL);
    finish(machine);
    const void *fdt = machine->dtb;
    cr_assert_str_eq(string(fdt, "/intc@8000000", "compatible"), "arm,cortex-a15-gic");
    cr_assert_eq(cell(fdt, "/intc@8000000", "reg", 5), 0x08010000);
    cr_assert_str_eq(string(fdt, "/intc@8000000/v2m@8020000", "compatible"), "arm,gic-v2m-frame");
    cr_assert_eq(cell(fdt, "/timer", "interrupts", 2), 0x304, "both CPUs, level");
    cr_assert_lt(fdt_path_offset(fdt, "/intc@8000000/its@8080000"), 0);
    cr_assert_eq(machine->dtb_gpa, 0x40000000, "where firmware looks for it");
    cr_assert_not(machine->vcpus.has_boot);
    struct fake_arm_cpu *cpu = (struct fake_arm_cpu *)machine->vcpus.cpus[1];
    cr_assert_not(cpu->config.has_gicv3);
    cr_assert_null(cpu->config.gic_sysregs);
    machine_destroy(machine);
    // More CPUs than it can serve need a GICv3.
    machine = build(9, NULL);
    finish(machine);
    cr_assert_str_eq(string(machine->dtb, "/intc@8000000", "compatible"), "arm,gic-v3");
    machine_destroy(machine);
    machine = machine_create(&virt_arm_type);
    struct error error;
    machine->cpu_factory = &fake_arm_cpu_factory;
    machine->cpu_count = 9;
    cr_assert_eq(machine_set_property(machine, "gic-version", "2", &error), 0);
    cr_assert_eq(machine_build(machine, &error), -EINVAL);
    cr_assert(strstr(error.text, "gic-version=3"));
    machine_destroy(machine);
}

// Node, compatible, first base address, first interrupt (type, number, flags; type 9: none).
static const struct {
    const char *path, *compatible;
    uint32_t base, irq[3];
} expected[] = {
    {"/flash@0", "cfi-flash", 0, {9, 0, 0}},
    {"/intc@8000000/its@8080000", "arm,gic-v3-its", 0x08080000, {9, 0, 0}},
    {"/pl011@9000000", "arm,pl011", 0x09000000, {0, 1, 4}},
    {"/pl031@9010000", "arm,pl031", 0x09010000, {0, 2, 4}},
    {"/fw-cfg@9020000", "qemu,fw-cfg-mmio", 0x09020000, {9, 0, 0}},
    {"/pl061@9030000", "arm,pl061", 0x09030000, {0, 7, 4}},
    {"/virtio_mmio@a000000", "virtio,mmio", 0x0a000000, {0, 16, 1}},
    {"/virtio_mmio@a003e00", "virtio,mmio", 0x0a003e00, {0, 47, 1}},
};

Test(virt_arm, every_part_is_where_the_tree_says)
{
    struct machine *machine = build(1, (const char *const[]){"gic-version", "max", NULL});
    finish(machine);
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        const char *path = expected[i].path;
        cr_assert_str_eq(string(machine->dtb, path, "compatible"), expected[i].compatible);
        cr_assert_eq(cell(machine->dtb, path, "reg", 1), expected[i].base);
        cr_assert(memory_map_find(machine->map, expected[i].base), "%s: nothing there", path);
        for (unsigned c = 0; expected[i].irq[0] != 9 && c < 3; c++)
            cr_assert_eq(cell(machine->dtb, path, "interrupts", c), expected[i].irq[c], "%s", path);
    }
    cr_assert_eq(cell(machine->dtb, "/pl011@9000000", "clocks", 0), cell(machine->dtb, "/apb-pclk", "phandle", 0));
    cr_assert_eq(cell(machine->dtb, "/gpio-keys/poweroff", "gpios", 0),
                 cell(machine->dtb, "/pl061@9030000", "phandle", 0));
    cr_assert_eq(cell(machine->dtb, "/cpus/cpu-map/socket0/cluster0/core0", "cpu", 0),
                 cell(machine->dtb, "/cpus/cpu@0", "phandle", 0));
    machine_destroy(machine);
}

static bool key_released(struct machine *machine)
{
    uint64_t lines;
    memory_map_read(machine->map, (struct mem_requester){0}, 0x09030000 + (8 << 2), 4, &lines);
    return lines == 0;
}

Test(virt_arm, power_button_is_pressed_and_let_go, .timeout = 10)
{
    struct machine *machine = build(1, NULL);
    finish(machine);
    event_clock_start(machine->clock);
    cr_assert(key_released(machine));
    device_lock_acquire(&machine->lock);
    machine->type->powerdown(machine);
    device_lock_release(&machine->lock);
    cr_assert_not(key_released(machine));
    for (unsigned i = 0; i < 100 && !key_released(machine); i++)
        io_loop_iterate(machine->loop, 20);
    cr_assert(key_released(machine));
    machine_destroy(machine);
}

Test(virt_arm, many_cpus)
{
    struct machine *machine = build(200, (const char *const[]){"gic-version", "3", NULL});
    finish(machine);
    cr_assert_eq(cell(machine->dtb, "/cpus/cpu@c7", "reg", 0), 0xc07);
    cr_assert_eq(cell(machine->dtb, "/intc@8000000", "#redistributor-regions", 0), 2);
    uint64_t typer;
    memory_map_read(machine->map, (struct mem_requester){0}, 0x080a0000 + 122 * 0x20000 + 8, 8, &typer);
    cr_assert_eq(typer & 0x10, 0x10, "last of the low region");
    memory_map_read(machine->map, (struct mem_requester){0}, UINT64_C(0x4000000000) + 76 * 0x20000 + 8, 8,
                    &typer);
    cr_assert_eq(typer >> 32, 0xc07);
    cr_assert_eq(typer & 0x10, 0x10);
    machine_destroy(machine);
}

Test(virt_arm, uart_interrupt_reaches_the_cpu)
{
    struct machine *machine = build(2, (const char *const[]){"gic-version", "3", NULL});
    finish(machine);
    struct fake_arm_cpu *cpu = (struct fake_arm_cpu *)machine->vcpus.cpus[0];
    const struct mem_requester who = {0};
    struct arm_sysreg_access icc = {.encoding = ARM_SYSREG(3, 0, 4, 6, 0)};
    cpu->config.gic_sysregs->write(cpu->config.gic_opaque, icc, 0xf0);
    icc.encoding = ARM_SYSREG(3, 0, 12, 12, 7);
    cpu->config.gic_sysregs->write(cpu->config.gic_opaque, icc, 1);
    memory_map_write(machine->map, who, 0x08000000, 4, 3);
    memory_map_write(machine->map, who, 0x08000084, 4, 2);
    memory_map_write(machine->map, who, 0x08000104, 4, 2);
    memory_map_write(machine->map, who, 0x09000038, 4, 0x20);
    cr_assert_eq(cpu->vcpu.irq_lines, 0);
    memory_map_write(machine->map, who, 0x09000000, 4, 'x'); // transmitted: the interrupt says so
    cr_assert_eq(cpu->vcpu.irq_lines, 1u << ARM_CPU_IRQ);
    memory_map_write(machine->map, who, 0x09000044, 4, 0x20);
    cr_assert_eq(cpu->vcpu.irq_lines, 0);
    // The virtual timer of CPU 1 is its private interrupt 27.
    struct fake_arm_cpu *second = (struct fake_arm_cpu *)machine->vcpus.cpus[1];
    irq_set(&second->config.outputs[ARM_TIMER_VIRT], true);
    uint64_t pending;
    memory_map_read(machine->map, who, 0x080c0000 + 0x10200, 4, &pending);
    cr_assert_eq(pending, 1u << 27);
    machine_destroy(machine);
}

static uint64_t psci(struct machine *machine, uint64_t call, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_arm_cpu *cpu = (struct fake_arm_cpu *)machine->vcpus.cpus[0];
    uint64_t regs[18] = {call, a, b, c};
    cr_assert(cpu->config.firmware->call(cpu->config.firmware_opaque, &cpu->vcpu, regs));
    return regs[0];
}

Test(virt_arm, psci_calls)
{
    struct machine *machine = build(2, NULL);
    finish(machine);
    cr_assert_eq(psci(machine, 0x84000000, 0, 0, 0), 0x10001);
    cr_assert_eq(psci(machine, 0x8400000a, 0xc4000003, 0, 0), 0);
    cr_assert_eq(psci(machine, 0x8400000a, 0x84000099, 0, 0), 0xffffffff);
    cr_assert_eq(psci(machine, 0x80000000, 0, 0, 0), 0x10001);
    cr_assert_eq((int64_t)psci(machine, 0x84000050, 0, 0, 0), -1);
    cr_assert_eq(psci(machine, 0xc4000004, 1, 0, 0), 1, "CPU 1 is off");
    cr_assert_eq((int64_t)psci(machine, 0xc4000003, 77, 0x40000000, 5), -2);
    cr_assert_eq((int64_t)psci(machine, 0xc4000003, 1, 0x20000000, 5), -9);
    cr_assert_eq(psci(machine, 0xc4000003, 1, 0x40001000, 5), 0);
    cr_assert_eq((int64_t)psci(machine, 0xc4000003, 1, 0x40001000, 5), -4);
    struct vcpu *second = machine->vcpus.cpus[1];
    cr_assert(second->start_pending);
    cr_assert_eq(second->start_entry, 0x40001000);
    cr_assert_eq(second->start_context, 5);
    cr_assert_eq(psci(machine, 0xc4000004, 1, 0, 0), 0);
    psci(machine, 0x84000008, 0, 0, 0);
    machine->finished = true;
    cr_assert_eq(machine_run(machine), SHUTDOWN_GUEST);
    machine_destroy(machine);
}

Test(virt_arm, mistakes_are_told)
{
    struct machine *machine = machine_create(&virt_arm_type);
    struct error error;
    machine->cpu_factory = &fake_arm_cpu_factory;
    cr_assert_eq(machine_set_property(machine, "gic-versio", "3", &error), -ENOENT);
    cr_assert(strstr(error.text, "gic-version"));
    cr_assert_eq(machine_set_property(machine, "secure", "on", &error), -EINVAL);
    machine->cpu_count = 513;
    cr_assert_eq(machine_build(machine, &error), -EINVAL);
    machine->cpu_count = 1;
    machine->ram_size = UINT64_C(1) << 40;
    cr_assert_eq(machine_build(machine, &error), -EINVAL);
    machine_destroy(machine);
    machine = machine_create(&virt_arm_type);
    machine->cpu_factory = &fake_arm_cpu_factory;
    machine->cpu_model = strdup("no-such-cpu");
    cr_assert_eq(machine_build(machine, &error), -EINVAL);
    cr_assert(strstr(error.text, "no-such-cpu"));
    machine_destroy(machine);
}
