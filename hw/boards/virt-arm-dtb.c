// SPDX-License-Identifier: MIT
// The board's device tree, written in one pass by libfdt's sequential interface. Errors stick in the builder
// and are looked at once, at the end.
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "hw/boards/virt-arm-private.h"
#include "hw/core/rng.h"
#include "tcg/base/alloc.h"
#include "tcg/base/endian.h"

enum {
    DTB_MAX_BYTES = 1 << 20,
    PHANDLE_CLOCK = 0x8000,
    PHANDLE_GIC,
    PHANDLE_MSI,
    PHANDLE_GPIO,
    PHANDLE_FIRST_CPU = 0x8010,
};

enum { IRQ_SPI = 0, IRQ_PPI = 1, IRQ_EDGE = 1, IRQ_LEVEL = 4 };

struct dtb {
    void *fdt;
    int error;
};

static void keep(struct dtb *dtb, int result)
{
    if (result && !dtb->error)
        dtb->error = result;
}

static void begin(struct dtb *dtb, const char *name)
{
    keep(dtb, fdt_begin_node(dtb->fdt, name));
}

static void begin_at(struct dtb *dtb, const char *name, uint64_t address)
{
    char full[64];
    snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)address);
    begin(dtb, full);
}

static void end(struct dtb *dtb)
{
    keep(dtb, fdt_end_node(dtb->fdt));
}

static void bytes(struct dtb *dtb, const char *name, const void *data, size_t length)
{
    keep(dtb, fdt_property(dtb->fdt, name, data, (int)length));
}

static void text(struct dtb *dtb, const char *name, const char *value)
{
    bytes(dtb, name, value, strlen(value) + 1);
}

static void flag(struct dtb *dtb, const char *name)
{
    bytes(dtb, name, NULL, 0);
}

static void cells(struct dtb *dtb, const char *name, unsigned count, const uint32_t *values)
{
    uint32_t raw[160];
    for (unsigned i = 0; i < count; i++)
        store_be32(&raw[i], values[i]);
    bytes(dtb, name, raw, count * sizeof(raw[0]));
}

#define CELLS(dtb, name, ...)                                                                                \
    cells(dtb, name, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})
#define STRINGS(dtb, name, list)                                                                             \
    bytes(dtb, name, list, sizeof(list)) // "one\0two": the last NUL is the literal's
#define ADDRESS(value) (uint32_t)((uint64_t)(value) >> 32), (uint32_t)(value)

static void reg(struct dtb *dtb, const struct virt_part *part)
{
    CELLS(dtb, "reg", ADDRESS(part->base), ADDRESS(part->size));
}

static void add_psci(struct dtb *dtb)
{
    begin(dtb, "psci");
    STRINGS(dtb, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    text(dtb, "method", "hvc");
    CELLS(dtb, "cpu_suspend", 0xc4000001);
    CELLS(dtb, "cpu_off", 0x84000002);
    CELLS(dtb, "cpu_on", 0xc4000003);
    CELLS(dtb, "migrate", 0xc4000005);
    end(dtb);
}

static void add_memory(struct dtb *dtb, const struct virt_arm *board)
{
    begin_at(dtb, "memory", virt_parts[VIRT_RAM].base);
    text(dtb, "device_type", "memory");
    CELLS(dtb, "reg", ADDRESS(virt_parts[VIRT_RAM].base), ADDRESS(board->machine.ram_size));
    end(dtb);
}

// The "compatible" that guests know a CPU model by.
static const char *cpu_compatible(const char *model)
{
    static const char *const known[] = {"cortex-a35",  "cortex-a53", "cortex-a55",  "cortex-a57",
                                        "cortex-a72",  "cortex-a76", "cortex-a710", "neoverse-n1",
                                        "neoverse-v1", "neoverse-n2"};
    static const char *const names[] = {
        "arm,cortex-a35", "arm,cortex-a53",  "arm,cortex-a55",  "arm,cortex-a57",  "arm,cortex-a72",
        "arm,cortex-a76", "arm,cortex-a710", "arm,neoverse-n1", "arm,neoverse-v1", "arm,neoverse-n2"};
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!strcmp(model, known[i]))
            return names[i];
    return "arm,cortex-a57"; // what QEMU's "max" calls itself too
}

static void add_cpu_map(struct dtb *dtb, unsigned count)
{
    begin(dtb, "cpu-map");
    begin(dtb, "socket0");
    begin(dtb, "cluster0");
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "core%u", i);
        begin(dtb, name);
        CELLS(dtb, "cpu", PHANDLE_FIRST_CPU + i);
        end(dtb);
    }
    end(dtb);
    end(dtb);
    end(dtb);
}

static void add_cpus(struct dtb *dtb, const struct virt_arm *board)
{
    unsigned count = board->machine.cpu_count;
    begin(dtb, "cpus");
    CELLS(dtb, "#address-cells", 1);
    CELLS(dtb, "#size-cells", 0);
    add_cpu_map(dtb, count);
    for (unsigned i = 0; i < count; i++) {
        begin_at(dtb, "cpu", i);
        text(dtb, "device_type", "cpu");
        text(dtb, "compatible", cpu_compatible(board->machine.cpu_model));
        text(dtb, "enable-method", "psci");
        CELLS(dtb, "reg", (uint32_t)board->affinities[i]);
        CELLS(dtb, "phandle", PHANDLE_FIRST_CPU + i);
        end(dtb);
    }
    end(dtb);
}

// A GICv2 wants to know which CPUs a private interrupt goes to.
static uint32_t ppi_flags(const struct virt_arm *board)
{
    return IRQ_LEVEL | (board->gic_version == 2 ? ((1u << board->machine.cpu_count) - 1) << 8 : 0);
}

static void add_timer_and_pmu(struct dtb *dtb, const struct virt_arm *board)
{
    static const unsigned timers[] = {VIRT_PPI_TIMER_SECURE, VIRT_PPI_TIMER_PHYS, VIRT_PPI_TIMER_VIRT,
                                      VIRT_PPI_TIMER_HYP};
    uint32_t irqs[12];
    for (unsigned i = 0; i < 4; i++) {
        irqs[3 * i] = IRQ_PPI;
        irqs[3 * i + 1] = timers[i] - 16;
        irqs[3 * i + 2] = ppi_flags(board);
    }
    begin(dtb, "timer");
    STRINGS(dtb, "compatible", "arm,armv8-timer\0arm,armv7-timer");
    flag(dtb, "always-on");
    cells(dtb, "interrupts", 12, irqs);
    end(dtb);
    begin(dtb, "pmu");
    text(dtb, "compatible", "arm,armv8-pmuv3");
    CELLS(dtb, "interrupts", IRQ_PPI, VIRT_PPI_PMU - 16, ppi_flags(board));
    end(dtb);
}

static void add_gicv3(struct dtb *dtb, const struct virt_arm *board)
{
    const struct virt_part *dist = &virt_parts[VIRT_GIC_DIST], *low = &virt_parts[VIRT_GIC_REDIST],
                           *high = &virt_parts[VIRT_GIC_REDIST_HIGH];
    bool two = board->machine.cpu_count > board->low_redists;
    uint32_t regs[] = {ADDRESS(dist->base), ADDRESS(dist->size), ADDRESS(low->base),
                       ADDRESS(low->size),  ADDRESS(high->base), ADDRESS(high->size)};
    text(dtb, "compatible", "arm,gic-v3");
    CELLS(dtb, "#redistributor-regions", two ? 2 : 1);
    cells(dtb, "reg", two ? 12 : 8, regs);
    if (!board->its)
        return;
    begin_at(dtb, "its", virt_parts[VIRT_GIC_ITS].base);
    text(dtb, "compatible", "arm,gic-v3-its");
    flag(dtb, "msi-controller");
    CELLS(dtb, "#msi-cells", 1);
    reg(dtb, &virt_parts[VIRT_GIC_ITS]);
    CELLS(dtb, "phandle", PHANDLE_MSI);
    end(dtb);
}

static void add_gicv2(struct dtb *dtb)
{
    const struct virt_part *dist = &virt_parts[VIRT_GIC_DIST], *cpu = &virt_parts[VIRT_GIC_CPU];
    text(dtb, "compatible", "arm,cortex-a15-gic");
    CELLS(dtb, "reg", ADDRESS(dist->base), ADDRESS(dist->size), ADDRESS(cpu->base), ADDRESS(cpu->size));
    begin_at(dtb, "v2m", virt_parts[VIRT_GIC_V2M].base);
    text(dtb, "compatible", "arm,gic-v2m-frame");
    flag(dtb, "msi-controller");
    reg(dtb, &virt_parts[VIRT_GIC_V2M]);
    CELLS(dtb, "phandle", PHANDLE_MSI);
    end(dtb);
}

static void add_gic(struct dtb *dtb, const struct virt_arm *board)
{
    begin_at(dtb, "intc", virt_parts[VIRT_GIC_DIST].base);
    CELLS(dtb, "#interrupt-cells", 3);
    flag(dtb, "interrupt-controller");
    CELLS(dtb, "#address-cells", 2);
    CELLS(dtb, "#size-cells", 2);
    flag(dtb, "ranges");
    CELLS(dtb, "phandle", PHANDLE_GIC);
    if (board->gic_version == 2)
        add_gicv2(dtb);
    else
        add_gicv3(dtb, board);
    end(dtb);
}

static void add_clock(struct dtb *dtb)
{
    begin(dtb, "apb-pclk");
    text(dtb, "compatible", "fixed-clock");
    CELLS(dtb, "#clock-cells", 0);
    CELLS(dtb, "clock-frequency", 24000000);
    text(dtb, "clock-output-names", "clk24mhz");
    CELLS(dtb, "phandle", PHANDLE_CLOCK);
    end(dtb);
}

static void add_uart(struct dtb *dtb)
{
    const struct virt_part *part = &virt_parts[VIRT_UART];
    begin_at(dtb, "pl011", part->base);
    STRINGS(dtb, "compatible", "arm,pl011\0arm,primecell");
    reg(dtb, part);
    CELLS(dtb, "interrupts", IRQ_SPI, part->spi, IRQ_LEVEL);
    CELLS(dtb, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    STRINGS(dtb, "clock-names", "uartclk\0apb_pclk");
    end(dtb);
}

static void add_flash(struct dtb *dtb)
{
    const struct virt_part *first = &virt_parts[VIRT_FLASH0], *second = &virt_parts[VIRT_FLASH1];
    begin_at(dtb, "flash", first->base);
    text(dtb, "compatible", "cfi-flash");
    CELLS(dtb, "reg", ADDRESS(first->base), ADDRESS(first->size), ADDRESS(second->base),
          ADDRESS(second->size));
    CELLS(dtb, "bank-width", 4);
    end(dtb);
}

static void add_rtc(struct dtb *dtb)
{
    const struct virt_part *part = &virt_parts[VIRT_RTC];
    begin_at(dtb, "pl031", part->base);
    STRINGS(dtb, "compatible", "arm,pl031\0arm,primecell");
    reg(dtb, part);
    CELLS(dtb, "interrupts", IRQ_SPI, part->spi, IRQ_LEVEL);
    CELLS(dtb, "clocks", PHANDLE_CLOCK);
    text(dtb, "clock-names", "apb_pclk");
    end(dtb);
}

static void add_fw_cfg(struct dtb *dtb)
{
    const struct virt_part *part = &virt_parts[VIRT_FW_CFG];
    begin_at(dtb, "fw-cfg", part->base);
    text(dtb, "compatible", "qemu,fw-cfg-mmio");
    reg(dtb, part);
    flag(dtb, "dma-coherent");
    end(dtb);
}

static void add_gpio(struct dtb *dtb)
{
    enum { KEY_POWER = 116 }; // Linux input event code
    const struct virt_part *part = &virt_parts[VIRT_GPIO];
    begin_at(dtb, "pl061", part->base);
    STRINGS(dtb, "compatible", "arm,pl061\0arm,primecell");
    reg(dtb, part);
    CELLS(dtb, "#gpio-cells", 2);
    flag(dtb, "gpio-controller");
    CELLS(dtb, "interrupts", IRQ_SPI, part->spi, IRQ_LEVEL);
    CELLS(dtb, "clocks", PHANDLE_CLOCK);
    text(dtb, "clock-names", "apb_pclk");
    CELLS(dtb, "phandle", PHANDLE_GPIO);
    end(dtb);
    begin(dtb, "gpio-keys");
    text(dtb, "compatible", "gpio-keys");
    begin(dtb, "poweroff");
    text(dtb, "label", "GPIO Key Poweroff");
    CELLS(dtb, "linux,code", KEY_POWER);
    CELLS(dtb, "gpios", PHANDLE_GPIO, VIRT_GPIO_POWER_KEY, 0);
    end(dtb);
    end(dtb);
}

static void add_virtio(struct dtb *dtb)
{
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        struct virt_part part = virt_parts[VIRT_VIRTIO];
        part.base += i * part.size;
        begin_at(dtb, "virtio_mmio", part.base);
        text(dtb, "compatible", "virtio,mmio");
        reg(dtb, &part);
        CELLS(dtb, "interrupts", IRQ_SPI, part.spi + i, IRQ_EDGE);
        flag(dtb, "dma-coherent");
        end(dtb);
    }
}

// The pins of a slot go to four interrupts in turn, beginning one further with each slot.
static void pcie_pins(struct dtb *dtb)
{
    enum { SLOTS = 4, PINS = 4, ROW = 10 };
    uint32_t map[SLOTS * PINS * ROW], *row = map;
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned pin = 0; pin < PINS; pin++, row += ROW)
            memcpy(row, (const uint32_t[ROW]){slot << 11, 0, 0, pin + 1, PHANDLE_GIC, 0, 0, IRQ_SPI,
                                              virt_parts[VIRT_PCIE_ECAM].spi + (slot + pin) % PINS, IRQ_LEVEL},
                   ROW * sizeof(*row));
    CELLS(dtb, "#interrupt-cells", 1);
    cells(dtb, "interrupt-map", SLOTS * PINS * ROW, map);
    CELLS(dtb, "interrupt-map-mask", (SLOTS - 1) << 11, 0, 0, 7);
}

// Open Firmware's PCI bus binding 2.1: spaces are those of ports, and of memory of 32 and of 64 bits.
static void pcie_ranges(struct dtb *dtb, const struct virt_arm *board)
{
    enum { SPACE_IO = 1 << 24, SPACE_MEM32 = 2 << 24, SPACE_MEM64 = 3 << 24, ROW = 7 };
    const struct virt_part *io = &virt_parts[VIRT_PCIE_PIO], *low = &virt_parts[VIRT_PCIE_MMIO],
                           *high = &virt_parts[VIRT_PCIE_MMIO_HIGH];
    const uint32_t ranges[3 * ROW] = {
        SPACE_IO,    ADDRESS(0),          ADDRESS(io->base),   ADDRESS(io->size),
        SPACE_MEM32, ADDRESS(low->base),  ADDRESS(low->base),  ADDRESS(low->size),
        SPACE_MEM64, ADDRESS(high->base), ADDRESS(high->base), ADDRESS(high->size),
    };
    cells(dtb, "ranges", (virt_arm_has_high_mmio(board) ? 3 : 2) * ROW, ranges);
}

static void add_pcie(struct dtb *dtb, const struct virt_arm *board)
{
    const struct virt_part *ecam = &virt_parts[virt_arm_ecam(board)];
    begin_at(dtb, "pcie", virt_parts[VIRT_PCIE_MMIO].base);
    text(dtb, "compatible", "pci-host-ecam-generic");
    text(dtb, "device_type", "pci");
    CELLS(dtb, "#address-cells", 3);
    CELLS(dtb, "#size-cells", 2);
    CELLS(dtb, "linux,pci-domain", 0);
    CELLS(dtb, "bus-range", 0, (uint32_t)(ecam->size >> 20) - 1);
    reg(dtb, ecam);
    pcie_ranges(dtb, board);
    flag(dtb, "dma-coherent");
    if (board->msi) // every function is a device of the same number there
        CELLS(dtb, "msi-map", 0, PHANDLE_MSI, 0, 0x10000);
    pcie_pins(dtb);
    end(dtb);
}

static void add_chosen(struct dtb *dtb, const struct virt_arm *board)
{
    const struct machine_boot *boot = &board->machine.boot;
    char uart[32];
    snprintf(uart, sizeof(uart), "/pl011@%llx", (unsigned long long)virt_parts[VIRT_UART].base);
    begin(dtb, "aliases");
    text(dtb, "serial0", uart);
    end(dtb);
    begin(dtb, "chosen");
    text(dtb, "stdout-path", uart);
    if (board->dtb_randomness) {
        struct rng rng = rng_from_host();
        uint8_t seed[40];
        rng_fill(&rng, seed, sizeof(seed));
        bytes(dtb, "kaslr-seed", seed, 8);
        bytes(dtb, "rng-seed", seed + 8, 32);
    }
    if (boot->direct && boot->initrd_end > boot->initrd_start) {
        CELLS(dtb, "linux,initrd-start", ADDRESS(boot->initrd_start));
        CELLS(dtb, "linux,initrd-end", ADDRESS(boot->initrd_end));
    }
    if (boot->direct && boot->command_line)
        text(dtb, "bootargs", boot->command_line);
    end(dtb);
}

static void add_all(struct dtb *dtb, const struct virt_arm *board)
{
    begin(dtb, "");
    CELLS(dtb, "interrupt-parent", PHANDLE_GIC);
    flag(dtb, "dma-coherent");
    text(dtb, "model", "linux,dummy-virt");
    CELLS(dtb, "#size-cells", 2);
    CELLS(dtb, "#address-cells", 2);
    text(dtb, "compatible", "linux,dummy-virt");
    add_psci(dtb);
    add_memory(dtb, board);
    add_cpus(dtb, board);
    add_timer_and_pmu(dtb, board);
    add_gic(dtb, board);
    add_clock(dtb);
    add_flash(dtb);
    add_uart(dtb);
    add_rtc(dtb);
    add_fw_cfg(dtb);
    add_gpio(dtb);
    add_virtio(dtb);
    add_pcie(dtb, board);
    add_chosen(dtb, board);
    end(dtb);
}

int virt_arm_build_dtb(struct virt_arm *board, void **result, uint32_t *size, struct error *error)
{
    struct dtb dtb = {.fdt = alloc_zeroed(1, DTB_MAX_BYTES)};
    keep(&dtb, fdt_create(dtb.fdt, DTB_MAX_BYTES));
    keep(&dtb, fdt_finish_reservemap(dtb.fdt));
    add_all(&dtb, board);
    keep(&dtb, fdt_finish(dtb.fdt));
    if (dtb.error) {
        free(dtb.fdt);
        return error_set(error, EINVAL, "cannot build the device tree: %s (is the command line very long?)",
                         fdt_strerror(dtb.error));
    }
    *size = fdt_totalsize(dtb.fdt);
    *result = dtb.fdt;
    return 0;
}
