// SPDX-License-Identifier: MIT
// The board's PCI Express host. Its pins share four interrupts; its messages go to what the interrupt controller has
// for them, the ITS of a GICv3 or the frame of a GICv2.
#include "hw/boards/virt-arm-private.h"
#include "hw/core/dma.h"
#include "hw/intc/gicv2m.h"
#include "hw/intc/gicv3-its.h"
#include "hw/pci/gpex.h"

static struct pci_range range_of(enum virt_place place)
{
    return (struct pci_range){virt_parts[place].base, virt_parts[place].size};
}

// A message is a write: one that is not addressed to the interrupt controller goes to memory.
static void take_message(void *opaque, const struct message *message)
{
    const struct virt_arm *board = opaque;
    if (board->msi && board->gic_version == 2 && message->address == gicv2m_setspi(board->msi))
        gicv2m_message(board->msi, message->data);
    else if (board->msi && board->gic_version == 3 && message->address == gicv3_its_translater(board->msi))
        gicv3_its_message(board->msi, message);
    else
        dma_write_le32(board->machine.map, message->address, message->data);
}

int virt_arm_add_pcie(struct virt_arm *board, struct error *error)
{
    struct machine *machine = &board->machine;
    struct gpex_config config = {
        .bus_name = "pcie.0",
        .io = machine_add_map(machine, NULL),
        .io_base = virt_parts[VIRT_PCIE_PIO].base,
        .ecam = range_of(virt_arm_ecam(board)),
        .memory_count = 1,
        .memory = {range_of(VIRT_PCIE_MMIO), range_of(VIRT_PCIE_MMIO_HIGH)},
        .message = take_message,
        .message_opaque = board,
    };
    if (virt_arm_has_high_mmio(board))
        config.memory_count = 2;
    for (unsigned i = 0; i < PCI_PINS; i++)
        config.intx[i] = virt_arm_spi_line(board, virt_parts[VIRT_PCIE_ECAM].spi + i);
    struct pci_bus *bus;
    return gpex_create(machine, &config, &bus, error);
}
