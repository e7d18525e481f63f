// SPDX-License-Identifier: MIT
// The `virt` Arm board. Not there yet: ACPI and SMBIOS tables, the Secure world, virtualization
// extensions in the interrupt controller.
#include "hw/boards/virt-arm-private.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "hw/block/pflash-cfi01.h"
#include "hw/char/pl011.h"
#include "hw/core/kvm-guest.h"
#include "hw/gpio/pl061.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv2m.h"
#include "hw/intc/gicv3-its.h"
#include "hw/intc/gicv3.h"
#include "hw/nvram/fw-cfg.h"
#include "hw/pci/gpex.h"
#include "hw/rtc/pl031.h"
#include "hw/virtio/virtio-mmio.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)
#define PCI_MEMORY_BYTES MIB(512) // for expansion ROMs and framebuffers; it costs nothing until it is used

const struct virt_part virt_parts[VIRT_PLACES] = {
    [VIRT_FLASH0] = {0x00000000, MIB(64), 0},
    [VIRT_FLASH1] = {0x04000000, MIB(64), 0},
    [VIRT_GIC_DIST] = {0x08000000, 0x10000, 0},
    [VIRT_GIC_CPU] = {0x08010000, 0x10000, 0},
    [VIRT_GIC_V2M] = {0x08020000, 0x1000, VIRT_V2M_SPI},
    [VIRT_GIC_ITS] = {0x08080000, 0x20000, 0},
    [VIRT_GIC_REDIST] = {0x080a0000, 0xf60000, 0},
    [VIRT_UART] = {0x09000000, 0x1000, 1},
    [VIRT_RTC] = {0x09010000, 0x1000, 2},
    [VIRT_FW_CFG] = {0x09020000, 0x18, 0},
    [VIRT_GPIO] = {0x09030000, 0x1000, 7},
    [VIRT_VIRTIO] = {0x0a000000, VIRTIO_MMIO_SIZE, 16}, // 32 of them
    [VIRT_PCIE_MMIO] = {0x10000000, 0x2eff0000, 0},
    [VIRT_PCIE_PIO] = {0x3eff0000, GPEX_IO_BYTES, 0},
    [VIRT_PCIE_ECAM] = {0x3f000000, MIB(16), 3},
    [VIRT_RAM] = {GIB(1), GIB(255), 0},
    // Up to 40 bits, which every CPU model reaches.
    [VIRT_GIC_REDIST_HIGH] = {GIB(256), MIB(64), 0},
    [VIRT_PCIE_ECAM_HIGH] = {GIB(256) + MIB(256), MIB(256), 0},
    [VIRT_PCIE_MMIO_HIGH] = {GIB(512), GIB(512), 0},
};

// What a CPU's outputs are wired to.
static const uint8_t output_intids[ARM_CPU_OUTPUTS] = {
    [ARM_TIMER_PHYS] = VIRT_PPI_TIMER_PHYS,         [ARM_TIMER_VIRT] = VIRT_PPI_TIMER_VIRT,
    [ARM_TIMER_HYP] = VIRT_PPI_TIMER_HYP,           [ARM_TIMER_SECURE] = VIRT_PPI_TIMER_SECURE,
    [ARM_TIMER_HYP_VIRT] = VIRT_PPI_TIMER_HYP_VIRT, [ARM_PMU_OVERFLOW] = VIRT_PPI_PMU,
};

static struct virt_arm *board_of(struct machine *machine)
{
    return (struct virt_arm *)machine;
}

static int add_memory(struct virt_arm *board, struct error *error)
{
    struct machine *machine = &board->machine;
    uint64_t flash = virt_parts[VIRT_FLASH0].size + virt_parts[VIRT_FLASH1].size, offset;
    const struct virt_part *part = &virt_parts[VIRT_RAM];
    if (machine->ram_size > part->size)
        return error_set(error, EINVAL, "machine 'virt' has room for %llu GiB of memory, not %llu GiB",
                         (unsigned long long)(part->size >> 30), (unsigned long long)(machine->ram_size >> 30));
    uint64_t top = board->highmem ? virt_parts[VIRT_PCIE_MMIO_HIGH].base + virt_parts[VIRT_PCIE_MMIO_HIGH].size
                                  : part->base + machine->ram_size;
    if (machine->kvm && machine->kvm->address_bits && (top - 1) >> machine->kvm->address_bits)
        return error_set(error, ENOTSUP, "machine 'virt' does not fit in the %u-bit addresses of this host's guests; %s",
                         machine->kvm->address_bits, board->highmem ? "add -M highmem=off" : "take less memory");
    int result = machine_init_memory(machine, machine->ram_size + flash + PCI_MEMORY_BYTES, error);
    if (!result)
        result = guest_ram_carve(machine->ram, machine->ram_size, &offset, error);
    if (result)
        return result;
    struct mem_region_desc ram = {
        .name = "ram", .base = part->base, .size = machine->ram_size, .kind = MEM_RAM, .ram_offset = offset};
    return memory_map_add(machine->map, ram, error) ? 0 : -EINVAL;
}

static int realize_or_destroy(struct device *device, struct error *error)
{
    int result = device_realize(device, error);
    if (result)
        device_destroy(device);
    return result;
}

// Without a word from the user a GICv2, which more guests know, where it will do.
static unsigned gic_version(const struct virt_arm *board)
{
    const struct kvm_vm *kvm = board->machine.kvm;
    bool no_v2 = kvm && !kvm_has_device(kvm, KVM_DEV_TYPE_ARM_VGIC_V2);
    bool no_v3 = kvm && !kvm_has_device(kvm, KVM_DEV_TYPE_ARM_VGIC_V3);
    switch (board->gic_choice) {
    case VIRT_GIC_2:
        return 2;
    case VIRT_GIC_3:
        return 3;
    case VIRT_GIC_MAX:
        return no_v3 ? 2 : 3;
    default:
        return no_v3 || (!no_v2 && board->machine.cpu_count <= GICV2_MAX_CPUS) ? 2 : 3;
    }
}

static int choose_gic(struct virt_arm *board, struct error *error)
{
    unsigned cpus = board->machine.cpu_count;
    unsigned low = (unsigned)(virt_parts[VIRT_GIC_REDIST].size / GICV3_REDIST_SIZE);
    board->gic_version = gic_version(board);
    if (board->gic_version == 2 && cpus > GICV2_MAX_CPUS)
        return error_set(error, EINVAL, "machine 'virt' has at most %u CPUs with a GICv2, not %u; add -M gic-version=3",
                         GICV2_MAX_CPUS, cpus);
    board->low_redists = cpus < low ? cpus : low;
    if (board->gic_version == 3 && cpus > low && !(board->highmem && board->highmem_redists))
        return error_set(error, EINVAL, "machine 'virt' has at most %u CPUs without highmem-redists", low);
    // Clusters as large as one write of the SGI register can reach.
    unsigned cluster = board->gic_version == 2 ? 8 : 16;
    board->affinities = ALLOC_ARRAY(uint64_t, cpus);
    for (unsigned i = 0; i < cpus; i++)
        board->affinities[i] = (uint64_t)(i / cluster) << 8 | (i % cluster);
    return 0;
}

struct irq_line virt_arm_spi_line(struct virt_arm *board, unsigned spi)
{
    return board->gic_version == 2 ? gicv2_spi_line(board->gic, spi) : gicv3_spi_line(board->gic, spi);
}

static struct irq_line ppi_line(struct virt_arm *board, unsigned cpu, unsigned intid)
{
    return board->gic_version == 2 ? gicv2_ppi_line(board->gic, cpu, intid)
                                   : gicv3_ppi_line(board->gic, cpu, intid);
}

static int add_msi(struct virt_arm *board, struct device *device, struct error *error)
{
    int result = realize_or_destroy(device, error);
    board->msi = result ? NULL : device;
    return result;
}

static int add_gicv2(struct virt_arm *board, struct error *error)
{
    struct gicv2_config config = {
        .cpu_count = board->machine.cpu_count,
        .irq_count = GIC_INTERNAL + VIRT_SPIS,
        .dist_base = virt_parts[VIRT_GIC_DIST].base,
        .cpu_base = virt_parts[VIRT_GIC_CPU].base,
    };
    board->gic = device_create(&board->machine, &gicv2_type, NULL);
    gicv2_configure(board->gic, &config);
    int result = realize_or_destroy(board->gic, error);
    if (result)
        return result;
    struct irq_line spis[VIRT_V2M_SPIS];
    for (unsigned i = 0; i < VIRT_V2M_SPIS; i++)
        spis[i] = virt_arm_spi_line(board, VIRT_V2M_SPI + i);
    struct device *frame = device_create(&board->machine, &gicv2m_type, NULL);
    gicv2m_wire(frame, virt_parts[VIRT_GIC_V2M].base, VIRT_V2M_SPI, VIRT_V2M_SPIS, spis);
    return add_msi(board, frame, error);
}

static int add_gicv3(struct virt_arm *board, struct error *error)
{
    struct machine *machine = &board->machine;
    struct gicv3_config config = {
        .cpu_count = machine->cpu_count,
        .irq_count = GIC_INTERNAL + VIRT_SPIS,
        .has_lpis = board->its,
        .dist_base = virt_parts[VIRT_GIC_DIST].base,
        .redists = {{virt_parts[VIRT_GIC_REDIST].base, board->low_redists},
                    {virt_parts[VIRT_GIC_REDIST_HIGH].base, machine->cpu_count - board->low_redists}},
        .affinities = board->affinities,
    };
    board->gic = device_create(machine, &gicv3_type, NULL);
    gicv3_configure(board->gic, &config);
    int result = realize_or_destroy(board->gic, error);
    if (result || !board->its)
        return result;
    struct device *its = device_create(machine, &gicv3_its_type, NULL);
    gicv3_its_wire(its, virt_parts[VIRT_GIC_ITS].base, board->gic);
    return add_msi(board, its, error);
}

static int add_gic(struct virt_arm *board, struct error *error)
{
    return board->gic_version == 2 ? add_gicv2(board, error) : add_gicv3(board, error);
}

static void cpu_input(void *opaque, unsigned input, bool level)
{
    vcpu_irq_set(opaque, input, level);
}

static int add_cpu(struct virt_arm *board, unsigned index, struct error *error)
{
    struct machine *machine = &board->machine;
    struct arm_cpu_config config = {
        .index = index,
        .mpidr = board->affinities[index],
        .has_pmu = true,
        .conduit = ARM_CONDUIT_HVC,
        .firmware = &psci_firmware,
        .firmware_opaque = &board->psci,
    };
    for (unsigned i = 0; i < ARM_CPU_OUTPUTS; i++)
        config.outputs[i] = ppi_line(board, index, output_intids[i]);
    memcpy(config.output_intids, output_intids, sizeof(output_intids));
    if (board->gic_version == 3) {
        config.has_gicv3 = true;
        config.gic_sysregs = &gicv3_sysregs;
        config.gic_opaque = board->gic;
    }
    struct vcpu *cpu = machine->cpu_factory->create(machine, machine->cpu_model, &config, error);
    if (!cpu)
        return -EINVAL;
    vcpu_group_add(&machine->vcpus, cpu);
    struct irq_line inputs[2] = {{cpu_input, cpu, ARM_CPU_IRQ}, {cpu_input, cpu, ARM_CPU_FIQ}};
    if (board->gic_version == 2)
        gicv2_connect_cpu(board->gic, index, inputs);
    else
        gicv3_connect_cpu(board->gic, index, inputs);
    return 0;
}

static int add_cpus(struct virt_arm *board, struct error *error)
{
    board->psci = (struct psci){&board->machine, board->affinities, board->machine.cpu_count};
    for (unsigned i = 0; i < board->machine.cpu_count; i++) {
        int result = add_cpu(board, i, error);
        if (result)
            return result;
    }
    return 0;
}

static int add_uart(struct virt_arm *board, struct error *error)
{
    const struct virt_part *part = &virt_parts[VIRT_UART];
    struct device *uart = device_create(&board->machine, &pl011_type, NULL);
    pl011_wire(uart, part->base, virt_arm_spi_line(board, part->spi));
    pl011_connect(uart, board->machine.serials[0]);
    return realize_or_destroy(uart, error);
}

static int add_flash(struct virt_arm *board, struct error *error)
{
    static const char *const names[MACHINE_FLASHES] = {"virt.flash0", "virt.flash1"};
    for (unsigned i = 0; i < MACHINE_FLASHES; i++) {
        const struct virt_part *part = &virt_parts[VIRT_FLASH0 + i];
        struct device *flash = device_create(&board->machine, &pflash_cfi01_type, NULL);
        pflash_wire(flash, PFLASH_TWO_16_BITS, names[i], part->base, part->size, board->machine.flashes[i]);
        int result = realize_or_destroy(flash, error);
        if (result)
            return result;
    }
    return 0;
}

static int add_rtc(struct virt_arm *board, struct error *error)
{
    const struct virt_part *part = &virt_parts[VIRT_RTC];
    struct device *rtc = device_create(&board->machine, &pl031_type, NULL);
    pl031_wire(rtc, part->base, virt_arm_spi_line(board, part->spi));
    return realize_or_destroy(rtc, error);
}

static int add_fw_cfg(struct virt_arm *board, struct error *error)
{
    struct machine *machine = &board->machine;
    struct device *cfg = device_create(machine, &fw_cfg_type, NULL);
    fw_cfg_wire(cfg, virt_parts[VIRT_FW_CFG].base);
    int result = realize_or_destroy(cfg, error);
    if (result)
        return result;
    fw_cfg_add_le16(cfg, FW_CFG_NB_CPUS, (uint16_t)machine->cpu_count);
    fw_cfg_add_le16(cfg, FW_CFG_MAX_CPUS, (uint16_t)machine->cpu_count);
    fw_cfg_add_le64(cfg, FW_CFG_RAM_SIZE, machine->ram_size);
    machine->fw_cfg = cfg;
    return 0;
}

static void release_power_key(void *opaque, uint64_t late_ns)
{
    (void)late_ns;
    struct virt_arm *board = opaque;
    struct irq_line key = pl061_input(board->gpio, VIRT_GPIO_POWER_KEY);
    irq_set(&key, false);
}

static void virt_powerdown(struct machine *machine)
{
    struct virt_arm *board = board_of(machine);
    struct irq_line key = pl061_input(board->gpio, VIRT_GPIO_POWER_KEY);
    irq_set(&key, true);
    event_set(&board->power_key, clock_now_ns(machine->clock) + NS_PER_SECOND / 10);
}

static int add_gpio(struct virt_arm *board, struct error *error)
{
    const struct virt_part *part = &virt_parts[VIRT_GPIO];
    struct device *gpio = device_create(&board->machine, &pl061_type, NULL);
    pl061_wire(gpio, part->base, virt_arm_spi_line(board, part->spi));
    event_init(&board->power_key, board->machine.clock, release_power_key, board);
    int result = realize_or_destroy(gpio, error);
    board->gpio = result ? NULL : gpio;
    return result;
}

static int add_virtio_slots(struct virt_arm *board, struct error *error)
{
    const struct virt_part *part = &virt_parts[VIRT_VIRTIO];
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        char name[32];
        snprintf(name, sizeof(name), "virtio-mmio-bus.%u", i);
        struct device *slot = device_create(&board->machine, &virtio_mmio_type, NULL);
        virtio_mmio_wire(slot, part->base + i * part->size, virt_arm_spi_line(board, part->spi + i), name);
        int result = realize_or_destroy(slot, error);
        if (result)
            return result;
    }
    return 0;
}

enum virt_place virt_arm_ecam(const struct virt_arm *board)
{
    return board->highmem && board->highmem_ecam ? VIRT_PCIE_ECAM_HIGH : VIRT_PCIE_ECAM;
}

bool virt_arm_has_high_mmio(const struct virt_arm *board)
{
    return board->highmem && board->highmem_mmio;
}

static int virt_build(struct machine *machine, struct error *error)
{
    static int (*const steps[])(struct virt_arm * board, struct error * error) = {
        add_memory, choose_gic, add_gic,  add_cpus,         add_flash,         add_uart,
        add_rtc,    add_fw_cfg, add_gpio, add_virtio_slots, virt_arm_add_pcie,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        int result = steps[i](board_of(machine), error);
        if (result)
            return result;
    }
    return 0;
}

// The device tree goes behind the kernel and the initrd, or to the start of RAM where firmware looks for it.
static uint64_t place_dtb(const struct machine *machine)
{
    const struct machine_boot *boot = &machine->boot;
    uint64_t base = virt_parts[VIRT_RAM].base;
    if (!boot->direct)
        return base;
    uint64_t after = boot->initrd_end > boot->kernel_end ? boot->initrd_end : boot->kernel_end;
    return round_up(after > base ? after : base, MIB(2));
}

static int virt_finish(struct machine *machine, struct error *error)
{
    int result = virt_arm_build_dtb(board_of(machine), &machine->dtb, &machine->dtb_size, error);
    if (result)
        return result;
    machine->dtb_gpa = place_dtb(machine);
    result =
        machine_add_blob(machine, "device tree", machine->dtb_gpa, machine->dtb, machine->dtb_size, error);
    if (result) {
        machine->dtb = NULL;
        machine->dtb_size = 0;
    } else if (machine->boot.direct) {
        vcpu_group_set_boot(&machine->vcpus, machine->boot.entry, machine->dtb_gpa);
    }
    return result;
}

static void virt_destroy(struct machine *machine)
{
    event_cancel(&board_of(machine)->power_key);
    free(board_of(machine)->affinities);
}

static const char *const gic_choices[] = {"auto", "2", "3", "max", NULL};
static const char *const only_off[] = {"off", NULL};
static const char *const only_none[] = {"none", NULL};

static const struct property virt_properties[] = {
    {"gic-version", PROPERTY_CHOICE, offsetof(struct virt_arm, gic_choice), "auto", "interrupt controller",
     gic_choices},
    {"its", PROPERTY_BOOL, offsetof(struct virt_arm, its), "on", "message-signalled interrupts of a GICv3",
     NULL},
    {"highmem", PROPERTY_BOOL, offsetof(struct virt_arm, highmem), "on", "use addresses beyond 32 bits",
     NULL},
    {"highmem-redists", PROPERTY_BOOL, offsetof(struct virt_arm, highmem_redists), "on",
     "room for more than 123 CPUs beyond 32 bits", NULL},
    {"highmem-ecam", PROPERTY_BOOL, offsetof(struct virt_arm, highmem_ecam), "on",
     "configuration space of 256 PCI buses beyond 32 bits, rather than of 16 below", NULL},
    {"highmem-mmio", PROPERTY_BOOL, offsetof(struct virt_arm, highmem_mmio), "on",
     "room for PCI devices' memory beyond 32 bits", NULL},
    {"dtb-randomness", PROPERTY_BOOL, offsetof(struct virt_arm, dtb_randomness), "on",
     "seeds for the guest in the device tree", NULL},
    {"virtualization", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "off", "EL2 (not there yet)",
     only_off},
    {"secure", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "off", "EL3 (not there yet)", only_off},
    {"mte", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "off", "memory tagging (not there yet)",
     only_off},
    {"ras", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "off", "report host memory errors (not there)",
     only_off},
    {"acpi", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "off", "ACPI tables (not there yet)",
     only_off},
    {"usb", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "off", "USB (not there yet)", only_off},
    {"iommu", PROPERTY_CHOICE, offsetof(struct virt_arm, never), "none", "IOMMU (not there yet)", only_none},
    {NULL, PROPERTY_BOOL, 0, NULL, NULL, NULL},
};

const struct machine_type virt_arm_type = {
    .name = "virt",
    .help = "Arm virtual machine",
    .arch = "aarch64",
    .default_cpu = "max",
    .default_ram = MIB(128),
    .min_ram = MIB(16),
    .ram_base = GIB(1),
    .firmware_base = 0,
    .firmware_bytes = MIB(64),
    .default_cpus = 1,
    .max_cpus = GICV3_MAX_CPUS,
    .instance_size = sizeof(struct virt_arm),
    .properties = virt_properties,
    .build = virt_build,
    .finish = virt_finish,
    .powerdown = virt_powerdown,
    .destroy = virt_destroy,
};
