// SPDX-License-Identifier: MIT
// PCI Express on the virt board, as an operating system finds it through the windows of the device tree: enumeration, BARs
// in each window, pins that become shared interrupts, messages that reach an ITS (with who sent them) or a GICv2m frame.
#include <criterion/criterion.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>

#include "bare-machine.h"
#include "fake-arm-cpu.h"
#include "hw/boards/virt-arm.h"
#include "hw/core/dma.h"
#include "hw/virtio/virtio-pci.h"
#include "pci-probe.h"
#include "tcg/base/bits.h"

enum { IO_WINDOW = 0x3eff0000, LOW_WINDOW = 0x10000000, LOW_ECAM = 0x3f000000, AT = PCI_DEVFN(5, 0) };
enum { DIST = 0x08000000, FRAME = 0x08020000, ITS = 0x08080000, REDIST = 0x080a0000, FIRST_SPI = 32 + 3 };
#define RAM UINT64_C(0x40000000)
#define HIGH_ECAM UINT64_C(0x4010000000)
#define HIGH_WINDOW UINT64_C(0x8000000000)

static struct machine *machine;
static uint64_t ecam;

static void board(const char *const *properties)
{
    struct error error = {""};
    machine = machine_create(&virt_arm_type);
    machine->ram_size = 1 << 30;
    machine->cpu_count = 2;
    machine->cpu_factory = &fake_arm_cpu_factory;
    ecam = HIGH_ECAM;
    for (; *properties; properties += 2)
        cr_assert_eq(machine_set_property(machine, properties[0], properties[1], &error), 0, "%s", error.text);
    cr_assert_eq(machine_build(machine, &error), 0, "%s", error.text);
}

static void finish(void)
{
    struct error error = {""};
    cr_assert_eq(machine_finish(machine, &error), 0, "%s", error.text);
    machine_reset(machine);
}

// The board with one of its interrupt controllers and the probe in slot 5.
static struct probe *plug(const char *gic)
{
    board((const char *const[]){"gic-version", gic, NULL});
    struct device *probe = bare_device(machine, &probe_type, (const char *[]){"addr=5", NULL});
    finish();
    return (struct probe *)probe;
}

static uint64_t config_at(unsigned devfn, unsigned offset)
{
    return ecam + ((uint64_t)devfn << 12) + offset;
}

static uint32_t config_get(unsigned devfn, unsigned offset, unsigned size)
{
    return (uint32_t)guest_read(machine, config_at(devfn, offset), size);
}

static void config_set(unsigned devfn, unsigned offset, unsigned size, uint32_t value)
{
    guest_write(machine, config_at(devfn, offset), size, value);
}

static unsigned capability(unsigned devfn, unsigned id)
{
    unsigned at = config_get(devfn, PCI_CAPABILITY_LIST, 1);
    for (unsigned i = 0; at && i < 48 && config_get(devfn, at, 1) != id; i++)
        at = config_get(devfn, at + 1, 1);
    cr_assert(at, "no capability %u", id);
    return at;
}

// The name of what is mapped there.
static const char *region_at(uint64_t gpa)
{
    static char name[64];
    FILE *file = tmpfile();
    uint64_t first, last;
    memory_map_print(machine->map, file);
    rewind(file);
    bool found = false;
    while (!found && fscanf(file, "%" SCNx64 "-%" SCNx64 " (%*[^)]): %63s", &first, &last, name) == 3)
        found = gpa >= first && gpa <= last;
    fclose(file);
    return found ? name : "nothing";
}

Test(virt_pcie, functions_are_found)
{
    plug("2");
    bare_device(machine, &virtio_rng_pci_type, NULL);
    cr_assert_eq(config_get(0, PCI_VENDOR_ID, 4), 0x00081b36, "the host bridge");
    cr_assert_eq(config_get(0, PCI_REVISION_ID, 4), 0x06000000);
    cr_assert_eq(config_get(PCI_DEVFN(1, 0), PCI_VENDOR_ID, 4), 0x10051af4, "the first free slot");
    cr_assert_eq(config_get(AT, PCI_VENDOR_ID, 4), 0x56781234);
    cr_assert_eq(config_get(AT, PCI_EXPRESS_CONFIG_BYTES - 4, 4), 0, "extended configuration space");
    // Nobody: an empty slot, a function without neighbours, buses behind bridges that there are none of.
    const unsigned absent[] = {PCI_DEVFN(31, 7), PCI_DEVFN(5, 1), 0x100, 0x100 + AT, 0xff00 + AT, 0xffff};
    for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
        cr_assert_eq(config_get(absent[i], PCI_VENDOR_ID, 4), UINT32_MAX, "%x", absent[i]);
        config_set(absent[i], PCI_COMMAND, 2, 0xffff);
    }
    guest_write(machine, config_at(AT, PCI_CACHE_LINE_SIZE), 8, UINT64_MAX);
    cr_assert_eq(guest_read(machine, config_at(AT, PCI_CACHE_LINE_SIZE), 1), 0xff);
    machine_destroy(machine);
}

Test(virt_pcie, bars_lie_in_the_windows)
{
    struct probe *probe = plug("2");
    config_set(AT, PCI_BAR_0 + 8, 4, UINT32_MAX);
    config_set(AT, PCI_BAR_0 + 12, 4, UINT32_MAX);
    cr_assert_eq(config_get(AT, PCI_BAR_0 + 8, 4), 0xffff000c, "64 KiB, 64-bit, prefetchable");
    cr_assert_eq(config_get(AT, PCI_BAR_0 + 12, 4), UINT32_MAX);
    cr_assert_eq(guest_read(machine, LOW_WINDOW + 0x123456, 4), UINT32_MAX, "no abort where nobody answers");
    cr_assert_eq(guest_read(machine, HIGH_WINDOW * 2 - 8, 8), UINT64_MAX);
    cr_assert_eq(guest_read(machine, IO_WINDOW + 0xffff, 1), 0xff);
    config_set(AT, PCI_BAR_0, 4, LOW_WINDOW + 0x1000);
    config_set(AT, PCI_BAR_0 + 4, 4, 0x1000);
    config_set(AT, PCI_BAR_0 + 8, 4, 0);
    config_set(AT, PCI_BAR_0 + 12, 4, HIGH_WINDOW >> 32);
    config_set(AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    cr_assert_eq(guest_read(machine, LOW_WINDOW + 0x1008, 2), 0x5508);
    guest_write(machine, HIGH_WINDOW + 0xfff8, 8, UINT64_C(0x0123456789abcdef));
    cr_assert_eq(guest_read(machine, HIGH_WINDOW + 0xfff8, 8), UINT64_C(0x0123456789abcdef));
    cr_assert_eq(guest_read(machine, IO_WINDOW + 0x1004, 2), 0x5504, "ports behind their window");
    guest_write(machine, IO_WINDOW + 0x1004, 4, 0xfeed);
    cr_assert_eq(probe->written, 0xfeed);
    config_set(AT, PCI_BAR_0 + 4, 4, 0);
    cr_assert_eq(guest_read(machine, IO_WINDOW + 4, 2), 0x5504, "port 0 is one like others");
    cr_assert_eq(guest_read(machine, IO_WINDOW + 0x1004, 2), 0xffff);
    config_set(AT, PCI_BAR_0 + 12, 4, 0);
    config_set(AT, PCI_BAR_0 + 8, 4, 0x3efe0000);
    guest_write(machine, 0x3efefffc, 4, 0x600d);
    cr_assert_eq(guest_read(machine, 0x3efefffc, 4), 0x600d, "to the end of the 32-bit window");
    machine_destroy(machine);
}

Test(virt_pcie, bars_elsewhere_are_not_seen)
{
    static const struct {
        uint64_t base;
        const char *stays;
    } places[] = {
        {0, "virt.flash0"},
        {RAM, "ram"},
        {FRAME, "gicv2m"},
        {LOW_ECAM, "nothing"},
        {0x0b000000, "nothing"},
        {IO_WINDOW, "pci-io"},
        {HIGH_ECAM, "pcie-ecam"},
        {UINT64_C(0x7000000000), "nothing"},
        {HIGH_WINDOW * 2, "nothing"},
    };
    plug("2");
    config_set(AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        config_set(AT, PCI_BAR_0 + 8, 4, (uint32_t)places[i].base);
        config_set(AT, PCI_BAR_0 + 12, 4, (uint32_t)(places[i].base >> 32));
        cr_assert_str_eq(region_at(places[i].base), places[i].stays, "%llx", (unsigned long long)places[i].base);
    }
    machine_destroy(machine);
}

// The interrupt that the device tree gives a pin.
static unsigned interrupt_of(unsigned devfn, unsigned pin)
{
    int length, node = fdt_path_offset(machine->dtb, "/pcie@10000000");
    const fdt32_t *mask = fdt_getprop(machine->dtb, node, "interrupt-map-mask", NULL);
    const fdt32_t *row = fdt_getprop(machine->dtb, node, "interrupt-map", &length);
    uint32_t address = (uint32_t)devfn << 8 & fdt32_to_cpu(mask[0]);
    for (; length >= 40; row += 10, length -= 40)
        if (fdt32_to_cpu(row[0]) == address && fdt32_to_cpu(row[3]) == (pin & fdt32_to_cpu(mask[3])))
            return 32 + fdt32_to_cpu(row[8]);
    return 0;
}

static uint32_t pending_spis(void)
{
    return (uint32_t)guest_read(machine, DIST + 0x204, 4);
}

Test(virt_pcie, pins_become_shared_interrupts)
{
    static const uint8_t slots[] = {1, 5, 6, 7, 8, 31};
    board((const char *const[]){"gic-version", "2", NULL});
    struct pci_device *devices[ARRAY_SIZE(slots)];
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        char address[16];
        snprintf(address, sizeof(address), "addr=%x", slots[i]);
        devices[i] = (struct pci_device *)bare_device(machine, &probe_type, (const char *[]){address, NULL});
    }
    finish();
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        unsigned intid = interrupt_of(devices[i]->devfn, 1);
        cr_assert_eq(intid, FIRST_SPI + slots[i] % 4u);
        pci_set_irq(devices[i], true);
        cr_assert_eq(pending_spis(), BIT64(intid - 32), "slot %u", slots[i]);
        pci_set_irq(devices[i], false);
        cr_assert_eq(pending_spis(), 0, "level");
    }
    cr_assert_eq(interrupt_of(AT, 4), FIRST_SPI + 0u);
    // Slots 1 and 5 share one: it stays up until both let go.
    pci_set_irq(devices[0], true);
    pci_set_irq(devices[1], true);
    pci_set_irq(devices[0], false);
    cr_assert_eq(pending_spis(), BIT64(FIRST_SPI + 1 - 32));
    config_set(AT, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    cr_assert_eq(pending_spis(), 0);
    cr_assert(config_get(AT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
    machine_destroy(machine);
}

static void point_msi(uint64_t address, uint16_t data)
{
    unsigned msi = capability(AT, PCI_CAP_ID_MSI);
    config_set(AT, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    config_set(AT, msi + PCI_MSI_ADDRESS, 4, (uint32_t)address);
    config_set(AT, msi + PCI_MSI_ADDRESS_HIGH, 4, (uint32_t)(address >> 32));
    config_set(AT, msi + PCI_MSI_DATA, 2, data);
    config_set(AT, msi + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
}

Test(virt_pcie, messages_reach_the_gicv2m_frame)
{
    enum { INTID = 80 + 5, EDGE = 2 };
    struct probe *probe = plug("2");
    guest_write(machine, DIST + 0xc00 + INTID / 16 * 4, 4, (uint32_t)EDGE << INTID % 16 * 2);
    point_msi(FRAME + 0x40, INTID);
    pci_msi_notify(&probe->pci);
    cr_assert_eq(guest_read(machine, DIST + 0x200 + INTID / 32 * 4, 4), BIT64(INTID % 32));
    point_msi(FRAME + 0x40, 34); // none of the frame's
    pci_msi_notify(&probe->pci);
    cr_assert_eq(pending_spis(), 0);
    // A message is a write: to memory where it is sent there, and to no device's registers but those.
    point_msi(RAM + 0x1000, 0x1234);
    pci_msi_notify(&probe->pci);
    cr_assert_eq(guest_read(machine, RAM + 0x1000, 4), 0x1234);
    point_msi(0x09000000, 'x');
    pci_msi_notify(&probe->pci);
    point_msi(UINT64_C(0xfffffffffffffffc), 1);
    pci_msi_notify(&probe->pci);
    machine_destroy(machine);
}

static void command(unsigned number, uint64_t w0, uint64_t w1, uint64_t w2)
{
    uint64_t at = RAM + 0x10000 + number * 32;
    const uint64_t words[4] = {w0, w1, w2, 0};
    for (unsigned i = 0; i < 4; i++)
        guest_write(machine, at + 8 * i, 8, words[i]);
    guest_write(machine, ITS + 0x88, 8, (number + 1) * 32);
}

// Device `id` has event 2 as LPI `intid` of CPU 0, from the queue's entry `number` on.
static void map_event(unsigned number, uint64_t id, uint64_t intid)
{
    command(number, 0x08 | id << 32, 3, (RAM + 0x40000 + id * 0x1000) | BIT64(63));
    command(number + 1, 0x0a | id << 32, 2 | intid << 32, 0);
}

Test(virt_pcie, messages_reach_the_its_under_the_functions_number)
{
    enum { OTHER = PCI_DEVFN(5, 1), LPIS = 8192 };
    struct probe *probe = plug("3");
    guest_write(machine, REDIST + 0x70, 8, (RAM + 0x20000) | 15);
    guest_write(machine, REDIST + 0x78, 8, (RAM + 0x30000) | BIT64(62));
    guest_write(machine, REDIST, 4, 1);
    for (unsigned i = 0; i < 2; i++) // the device table and that of collections
        guest_write(machine, ITS + 0x100 + 8 * i, 8, (RAM + 0x80000 + i * 0x10000) | BIT64(63));
    guest_write(machine, ITS + 0x80, 8, (RAM + 0x10000) | BIT64(63));
    guest_write(machine, ITS, 4, 1);
    command(0, 0x09, 0, BIT64(63)); // collection 0 is CPU 0
    map_event(1, AT, LPIS + 8);
    map_event(3, OTHER, LPIS + 9);
    guest_write(machine, RAM + 0x20000 + 8, 2, 0xa1a1);
    struct fake_arm_cpu *cpu = (struct fake_arm_cpu *)machine->vcpus.cpus[0];
    const struct arm_sysreg_bank_ops *icc = cpu->config.gic_sysregs;
    const struct arm_sysreg_access pmr = {.encoding = ARM_SYSREG(3, 0, 4, 6, 0), .el = 1},
                                   igrpen1 = {.encoding = ARM_SYSREG(3, 0, 12, 12, 7), .el = 1};
    icc->write(cpu->config.gic_opaque, pmr, 0xf0);
    icc->write(cpu->config.gic_opaque, igrpen1, 1);
    guest_write(machine, DIST, 4, 2);
    point_msi(ITS + 0x10040, 2);
    cr_assert_eq(cpu->vcpu.irq_lines, 0);
    pci_msi_notify(&probe->pci);
    cr_assert_eq(cpu->vcpu.irq_lines, 1u << ARM_CPU_IRQ);
    uint64_t intid;
    const struct arm_sysreg_access iar = {.encoding = ARM_SYSREG(3, 0, 12, 12, 0), .el = 1};
    icc->read(cpu->config.gic_opaque, iar, &intid);
    cr_assert_eq(intid, LPIS + 8);
    machine_destroy(machine);
}

static const fdt32_t *property(const char *name, int cells)
{
    int length;
    const fdt32_t *value = fdt_getprop(machine->dtb, fdt_path_offset(machine->dtb, "/pcie@10000000"), name, &length);
    cr_assert(value && length == 4 * cells, "%s: %d bytes", name, length);
    return value;
}

static uint64_t two_cells(const fdt32_t *value)
{
    return (uint64_t)fdt32_to_cpu(value[0]) << 32 | fdt32_to_cpu(value[1]);
}

Test(virt_pcie, device_tree)
{
    plug("3");
    const void *fdt = machine->dtb;
    int node = fdt_path_offset(fdt, "/pcie@10000000"), its = fdt_path_offset(fdt, "/intc@8000000/its@8080000");
    cr_assert_str_eq(fdt_getprop(fdt, node, "compatible", NULL), "pci-host-ecam-generic");
    cr_assert_str_eq(fdt_getprop(fdt, node, "device_type", NULL), "pci");
    cr_assert(fdt_getprop(fdt, node, "dma-coherent", NULL));
    cr_assert_eq(two_cells(property("reg", 4)), HIGH_ECAM);
    cr_assert_eq(two_cells(property("bus-range", 2)), 255);
    const fdt32_t *ranges = property("ranges", 21);
    cr_assert_eq(two_cells(ranges + 3), IO_WINDOW);
    cr_assert_eq(two_cells(ranges + 12), 0x2eff0000);
    cr_assert_eq(fdt32_to_cpu(ranges[14]), 0x03000000);
    cr_assert_eq(two_cells(ranges + 17), HIGH_WINDOW);
    cr_assert_eq(two_cells(ranges + 19), HIGH_WINDOW);
    const fdt32_t *msi = property("msi-map", 4);
    cr_assert_eq(fdt32_to_cpu(msi[1]), fdt_get_phandle(fdt, its));
    cr_assert_eq(fdt32_to_cpu(msi[3]), 0x10000, "every function");
    machine_destroy(machine);
}

static void expect_windows(const char *const *properties, uint64_t wanted_ecam, bool high_mmio, bool messages)
{
    board(properties);
    bare_device(machine, &probe_type, (const char *[]){"addr=5", NULL});
    finish();
    ecam = wanted_ecam;
    cr_assert_eq(two_cells(property("reg", 4)), ecam);
    cr_assert_eq(two_cells(property("bus-range", 2)), ecam == LOW_ECAM ? 15 : 255);
    property("ranges", high_mmio ? 21 : 14);
    int node = fdt_path_offset(machine->dtb, "/pcie@10000000");
    cr_assert_eq(fdt_getprop(machine->dtb, node, "msi-map", NULL) != NULL, messages);
    cr_assert_eq(config_get(AT, PCI_VENDOR_ID, 4), 0x56781234);
    cr_assert_str_eq(region_at(HIGH_WINDOW), high_mmio ? "pci-nobody" : "nothing");
    config_set(AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_set(AT, PCI_BAR_0 + 12, 4, HIGH_WINDOW >> 32);
    cr_assert_str_eq(region_at(HIGH_WINDOW), high_mmio ? "probe-ram" : "nothing");
    point_msi(RAM, 7);
    machine_destroy(machine);
}

Test(virt_pcie, windows_are_chosen_by_properties)
{
    expect_windows((const char *const[]){"highmem", "off", NULL}, LOW_ECAM, false, true);
    expect_windows((const char *const[]){"highmem-ecam", "off", NULL}, LOW_ECAM, true, true);
    expect_windows((const char *const[]){"highmem-mmio", "off", NULL}, HIGH_ECAM, false, true);
    expect_windows((const char *const[]){"gic-version", "3", "its", "off", NULL}, HIGH_ECAM, true, false);
}
