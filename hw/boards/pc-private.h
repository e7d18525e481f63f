// SPDX-License-Identifier: MIT
// Between the files of the PC boards.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/core/irq.h"
#include "hw/core/isa.h"
#include "hw/core/machine.h"

struct acpi_config;
struct pci_bus;

enum { PC_ISA_IRQS = 16, PC_A20_GATES = 2, PC_MAX_CPUS = 255, PC_SHADOWED_BYTES = 128 << 10 };

// The last 16 MiB below 4 GiB belong to firmware; its image ends where they do.
#define PC_ROM_BYTES (UINT64_C(16) << 20)
#define PC_VIDEO_BYTES (UINT64_C(640) << 20) // of display devices, and expansion ROMs
#define PC_ROM_BASE ((UINT64_C(4) << 30) - PC_ROM_BYTES)

struct pc {
    struct machine machine;
    bool q35;
    uint64_t low_ram, high_ram, ram_offset;
    uint64_t firmware_end; // in the RAM block: where firmware in ROM or flash ends
    uint32_t *apic_ids;
    _Atomic uint32_t *messages; // INIT and start-up that each CPU has yet to take
    _Atomic uint32_t resets;    // of the machine, so far
    struct memory_map *io, *smm;
    struct isa_host isa;
    struct irq_line ioapic_pins[PC_ISA_IRQS], pic_pins[PC_ISA_IRQS];
    struct device *apic, *ioapic, *pic, *rtc, *hpet, *dma, *port_f0;
    struct device *fdc; // NULL: a Q35 without floppy disk drives
    struct device *pm; // whose power button it is: PIIX4 PM, or the ICH9's LPC bridge
    struct pci_bus *pci;
    bool a20_open[PC_A20_GATES]; // by the keyboard controller, by port 92

    bool has_hpet, has_acpi, has_smm; // properties
    bool has_pit, has_rtc;
};

static inline struct pc *pc_of(struct machine *machine)
{
    return (struct pc *)machine;
}

// Destroys the device when it cannot be realized.
int pc_realize(struct device *device, struct error *error);
// An ISA interrupt, which reaches both the 8259s and the I/O APIC.
struct irq_line pc_isa_irq(struct pc *pc, unsigned irq);

// pc.c: the steps of building, up to a NULL or a failure; memory, processors and their numbers, which come first.
typedef int pc_step(struct pc *pc, struct error *error);
int pc_take_steps(struct pc *pc, pc_step *const *steps, struct error *error);
void pc_number_cpus(struct pc *pc);
void pc_destroy(struct machine *machine);
int pc_add_memory(struct pc *pc, struct error *error);
int pc_add_cpus(struct pc *pc, struct error *error);
// pc-parts.c: interrupt controllers, clocks, keyboard, serial ports, floppy disks.
int pc_add_interrupt_controllers(struct pc *pc, struct error *error);
int pc_add_timers(struct pc *pc, struct error *error);
int pc_add_serial_ports(struct pc *pc, struct error *error);
int pc_add_isa_parts(struct pc *pc, struct error *error);
// pc-messages.c: outputs of the local APICs, on any thread; and for a machine reset, which messages sent before it do not
// outlive.
void pc_init_message(void *opaque, unsigned cpu);
void pc_start_up_message(void *opaque, unsigned cpu, uint8_t vector);
void pc_drop_messages(struct pc *pc);
// pc-chipset.c: bridges, power management, disks.
int pc_add_chipset(struct pc *pc, struct error *error);
// pc-firmware.c: what firmware finds in fw_cfg and CMOS.
int pc_add_fw_cfg(struct pc *pc, struct error *error);
int pc_add_smbios(struct pc *pc, struct error *error);
int pc_add_acpi(struct pc *pc, const struct acpi_config *config, struct error *error);
int pc_add_e820(struct pc *pc, struct error *error);
int pc_fill_fw_cfg(struct pc *pc, struct error *error);
// pc-boot.c: the order in which firmware tries devices; the kinds are set anew at each reset.
int pc_add_boot_order(struct pc *pc, struct error *error);
void pc_set_boot_kinds(struct pc *pc);
