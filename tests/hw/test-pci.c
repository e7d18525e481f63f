// SPDX-License-Identifier: MIT
// PCI functions as an operating system enumerates them: places, BARs, interrupts, bus mastering, ROMs.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/core/dma.h"
#include "pci-machine.h"
#include "pci-probe.h"
#include "tcg/base/bits.h"

static struct pci_machine pci;
enum { AT = PCI_DEVFN(5, 0) };

static struct probe *plug(void)
{
    pci_machine_create(&pci, false);
    return (struct probe *)bare_device(pci.machine, &probe_type, (const char *[]){"addr=5", NULL});
}

// Nobody answers: with the map this is what a bus master abort is.
static bool decodes(uint64_t gpa)
{
    return memory_map_find(pci.machine->map, gpa) != NULL;
}

Test(pci, header_and_absent_functions)
{
    plug();
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x56781234);
    cr_assert_eq(config_get(pci.io, AT, 8, 4), 0x02000003);
    cr_assert_eq(config_get(pci.io, AT, 0x2c, 4), 0x11001af4);
    cr_assert_eq(config_get(pci.io, AT, PCI_INTERRUPT_PIN, 1), 1);
    cr_assert_eq(config_get(pci.io, AT, PCI_HEADER_TYPE, 1), 0);
    cr_assert_eq(config_get(pci.io, AT + 1, 0, 4), UINT32_MAX);
    cr_assert_eq(config_get(pci.io, PCI_DEVFN(6, 0), 0, 2), 0xffff);
    config_set(pci.io, AT, 0, 4, 0);
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x56781234);
    config_set(pci.io, AT, PCI_INTERRUPT_LINE, 1, 11);
    cr_assert_eq(config_get(pci.io, AT, 0x3c, 2), 0x010b);
    port_write(pci.io, 0xcf8, 4, AT << 8); // not enabled
    cr_assert_eq(port_read(pci.io, 0xcfc, 4), UINT32_MAX);
    port_write(pci.io, 0xcf8, 4, UINT32_C(1) << 31 | 1 << 16 | AT << 8); // bus 1
    cr_assert_eq(port_read(pci.io, 0xcfc, 4), UINT32_MAX);
    pci_machine_destroy(&pci);
}

Test(pci, bars_are_sized_and_move)
{
    struct probe *probe = plug();
    config_set(pci.io, AT, 0x10, 4, UINT32_MAX);
    cr_assert_eq(config_get(pci.io, AT, 0x10, 4), 0xfffff000);
    config_set(pci.io, AT, 0x14, 4, UINT32_MAX);
    cr_assert_eq(config_get(pci.io, AT, 0x14, 4), 0xffffffe1);
    config_set(pci.io, AT, 0x18, 4, UINT32_MAX);
    config_set(pci.io, AT, 0x1c, 4, UINT32_MAX);
    cr_assert_eq(config_get(pci.io, AT, 0x18, 4), 0xffff000c);
    cr_assert_eq(config_get(pci.io, AT, 0x1c, 4), UINT32_MAX);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    cr_assert_not(decodes(0xfffff000));
    config_set(pci.io, AT, 0x10, 4, 0xe0000000);
    config_set(pci.io, AT, 0x14, 4, 0xc000);
    config_set(pci.io, AT, 0x18, 4, 0x10000);
    config_set(pci.io, AT, 0x1c, 4, 0x8); // at 32 GiB
    cr_assert_eq(guest_read(pci.machine, 0xe0000010, 2), 0x5510);
    port_write(pci.io, 0xc01c, 4, 99);
    cr_assert_eq(probe->written, 99);
    guest_write(pci.machine, 0x800010008, 8, 0x1122334455667788);
    cr_assert_eq(guest_read(pci.machine, 0x80001000c, 4), 0x11223344);
    config_set(pci.io, AT, 0x10, 4, 0xe0001000);
    cr_assert_not(decodes(0xe0000010));
    cr_assert_eq(guest_read(pci.machine, 0xe0001004, 1), 0x04);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_IO);
    cr_assert_not(decodes(0xe0001000));
    cr_assert_not(decodes(0x800010000));
    cr_assert_gt(probe->config_writes, 0);
    device_reset(&probe->pci.device);
    cr_assert_eq(config_get(pci.io, AT, 0x14, 4), 1);
    uint64_t value;
    cr_assert_eq(memory_map_read(pci.io, (struct mem_requester){0}, 0xc000, 1, &value), MEM_DECODE_ERROR);
    pci_machine_destroy(&pci);
}

Test(pci, bars_never_hide_what_the_board_mapped)
{
    plug();
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_set(pci.io, AT, 0x10, 4, BARE_RAM_BASE);
    guest_write(pci.machine, BARE_RAM_BASE, 4, 0x1234);
    cr_assert_eq(guest_read(pci.machine, BARE_RAM_BASE, 4), 0x1234);
    pci_machine_destroy(&pci);
}

Test(pci, pins_are_shared_and_can_be_disabled)
{
    struct probe *one = plug();
    struct probe *two =
        (struct probe *)bare_device(pci.machine, &probe_type, (const char *[]){"addr=9", NULL});
    pci_set_irq(&one->pci, true);
    cr_assert(pci.levels[1]);
    cr_assert_eq(config_get(pci.io, AT, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    pci_set_irq(&two->pci, true);
    pci_set_irq(&one->pci, false);
    cr_assert(pci.levels[1]);
    config_set(pci.io, PCI_DEVFN(9, 0), PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    cr_assert_not(pci.levels[1]);
    cr_assert_eq(config_get(pci.io, PCI_DEVFN(9, 0), PCI_STATUS, 2) & PCI_STATUS_INTERRUPT,
                 PCI_STATUS_INTERRUPT);
    config_set(pci.io, PCI_DEVFN(9, 0), PCI_COMMAND, 2, 0);
    cr_assert(pci.levels[1]);
    device_destroy(&two->pci.device);
    cr_assert_not(pci.levels[1]);
    pci_machine_destroy(&pci);
}

Test(pci, bus_mastering_gates_dma_and_messages)
{
    struct probe *probe = plug();
    uint32_t value = 0xabcd;
    uint64_t length = 4;
    unsigned msi = config_capability(pci.io, AT, PCI_CAP_ID_MSI, 0);
    cr_assert(msi);
    config_set(pci.io, AT, msi + PCI_MSI_ADDRESS, 4, 0xfee01003);
    config_set(pci.io, AT, msi + PCI_MSI_ADDRESS_HIGH, 4, 1);
    config_set(pci.io, AT, msi + PCI_MSI_DATA, 2, 0x4041);
    config_set(pci.io, AT, msi + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    pci_msi_notify(&probe->pci);
    cr_assert_eq(pci.messages, 0);
    cr_assert_not(pci_dma_write(&probe->pci, BARE_RAM_BASE, &value, 4));
    cr_assert_null(pci_dma_map(&probe->pci, BARE_RAM_BASE, &length, true));
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    pci_msi_notify(&probe->pci);
    cr_assert_eq(pci.messages, 1);
    cr_assert_eq(pci.message.requester, AT);
    cr_assert_eq(pci.message.address, 0x1fee01000);
    cr_assert_eq(pci.message.data, 0x4041);
    cr_assert(pci_dma_write(&probe->pci, BARE_RAM_BASE, &value, 4));
    cr_assert_eq(guest_read(pci.machine, BARE_RAM_BASE, 4), value);
    value = 0;
    cr_assert(pci_dma_read(&probe->pci, BARE_RAM_BASE, &value, 2));
    cr_assert_eq(value, 0xabcd);
    pci_machine_destroy(&pci);
}

static const uint64_t table = 0xe0010000;

// Shows the vectors' table. The capability.
static unsigned show_msix(void)
{
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
    config_set(pci.io, AT, 0x20, 4, (uint32_t)table);
    return config_capability(pci.io, AT, PCI_CAP_ID_MSIX, 0);
}

Test(pci, msix_vectors_are_masked_and_pend)
{
    struct probe *probe = plug();
    unsigned msix = show_msix();
    cr_assert_eq(config_get(pci.io, AT, msix + PCI_MSIX_CONTROL, 2), 2); // three vectors
    cr_assert_eq(config_get(pci.io, AT, msix + PCI_MSIX_TABLE, 4), 4);
    uint64_t pending = table + (config_get(pci.io, AT, msix + PCI_MSIX_PBA, 4) & ~7u);
    cr_assert_eq(guest_read(pci.machine, table + 28, 4), 1, "vectors start masked");
    guest_write(pci.machine, table + 16, 4, 0xfee00000);
    guest_write(pci.machine, table + 24, 4, 0x31);
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    pci_msix_notify(&probe->pci, 1);
    cr_assert_eq(pci.messages, 0);
    cr_assert_eq(guest_read(pci.machine, pending, 8), 2);
    guest_write(pci.machine, table + 28, 4, 0);
    cr_assert_eq(pci.messages, 1);
    cr_assert_eq(pci.message.data, 0x31);
    cr_assert_eq(guest_read(pci.machine, pending, 8), 0);
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    pci_msix_notify(&probe->pci, 1);
    pci_msix_notify(&probe->pci, 3); // there is none
    cr_assert_eq(pci.messages, 1);
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    cr_assert_eq(pci.messages, 2);
    guest_read(pci.machine, table + 0xff8, 8);
    guest_write(pci.machine, table + 0xff8, 8, UINT64_MAX);
    pci_machine_destroy(&pci);
}

static unsigned released;

static void count_release(struct message_notifier *notifier)
{
    released++;
    *notifier = (struct message_notifier){0};
}

// A message whose way is then remembered. The notifier that came with it.
static struct message_notifier *notify_remembered(struct probe *probe)
{
    released = 0;
    pci_msix_notify(&probe->pci, 1);
    cr_assert(pci.message.notifier);
    pci.message.notifier->release = count_release;
    return pci.message.notifier;
}

Test(pci, what_is_remembered_of_messages_goes_with_them)
{
    struct probe *probe = plug();
    unsigned msix = show_msix();
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    guest_write(pci.machine, table + 28, 4, 0);
    struct message_notifier *notifier = notify_remembered(probe);
    guest_write(pci.machine, table + 28, 4, 1);
    guest_write(pci.machine, table + 16, 4, 0xfee01000);
    pci_msix_notify(&probe->pci, 1);
    guest_write(pci.machine, table + 28, 4, 0);
    cr_assert_eq(pci.messages, 2);
    cr_assert_eq(pci.message.notifier, notifier);
    cr_assert_eq(released, 0, "a vector that was masked and moved goes on");
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, 0);
    cr_assert_eq(released, 1, "MSI-X is off");
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    notify_remembered(probe);
    pci_state_loaded(&probe->pci);
    cr_assert_eq(released, 1, "another state");
    notify_remembered(probe);
    device_reset(&probe->pci.device);
    cr_assert_eq(released, 1, "a reset");
    show_msix();
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    guest_write(pci.machine, table + 28, 4, 0);
    notify_remembered(probe);
    device_destroy(&probe->pci.device);
    cr_assert_eq(released, 1, "the function is taken out");
    pci_machine_destroy(&pci);
}

static const char *interrupts(void)
{
    static char text[1024];
    memset(text, 0, sizeof(text));
    FILE *out = fmemopen(text, sizeof(text), "w");
    cr_assert(out);
    pci_print_irq(&pci.bus, out);
    fclose(out);
    return text;
}

Test(pci, shows_how_interrupts_are_signalled)
{
    struct probe *probe = plug();
    unsigned msix = config_capability(pci.io, AT, PCI_CAP_ID_MSIX, 0), msi = config_capability(pci.io, AT, PCI_CAP_ID_MSI, 0);
    pci_set_irq(&probe->pci, true);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    cr_assert_str_eq(interrupts(), "PCI bus pci.0:\n"
                                   "  00:05.0 probe\n"
                                   "    INTA# to input 1 of the host bridge, asserted, disabled in the command register\n");
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_set(pci.io, AT, msi + PCI_MSI_ADDRESS, 4, 0xfee01000);
    config_set(pci.io, AT, msi + PCI_MSI_DATA, 2, 0x4021);
    config_set(pci.io, AT, msi + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE);
    cr_assert_str_eq(interrupts(), "PCI bus pci.0:\n"
                                   "  00:05.0 probe, no bus master: messages are lost\n"
                                   "    MSI 0x4021 to 0xfee01000\n");
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
    config_set(pci.io, AT, 0x20, 4, (uint32_t)table);
    guest_write(pci.machine, table + 16, 4, 0xfee00000);
    guest_write(pci.machine, table + 24, 4, 0x31);
    guest_write(pci.machine, table + 28, 4, 0);
    config_set(pci.io, AT, msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
    pci_msix_notify(&probe->pci, 1);
    pci_msix_notify(&probe->pci, 2);
    cr_assert_str_eq(interrupts(), "PCI bus pci.0:\n"
                                   "  00:05.0 probe\n"
                                   "    MSI-X, 3 vectors, the function is masked\n"
                                   "      vector 1: 0x31 to 0xfee00000, pending\n"
                                   "      vector 2: 0x0 to 0x0, masked, pending\n");
    pci_machine_destroy(&pci);
}

Test(pci, places_on_the_bus)
{
    struct error error;
    plug();
    pci.bus.first_slot = 5;
    bare_device(pci.machine, &probe_type, NULL); // the next free slot
    cr_assert_eq(config_get(pci.io, PCI_DEVFN(6, 0), 0, 4), 0x56781234);
    static const struct {
        const char *address, *message;
    } bad[] = {{"5", "taken by 'probe'"}, {"5.1", "multifunction"}, {"20", "not a slot"},
               {"7.8", "not a slot"},     {"", "not a slot"},       {"7.", "not a slot"},
               {"z", "not a slot"}};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct device *device = device_create(pci.machine, &probe_type, NULL);
        cr_assert_eq(device_set(device, "addr", bad[i].address, &error), 0);
        cr_assert_lt(device_realize(device, &error), 0);
        cr_assert(strstr(error.text, bad[i].message), "%s", error.text);
        device_destroy(device);
    }
    bare_device(pci.machine, &probe_type, (const char *[]){"addr=1f.0", "multifunction=on", NULL});
    bare_device(pci.machine, &probe_type, (const char *[]){"addr=1f.7", NULL});
    cr_assert_eq(config_get(pci.io, PCI_DEVFN(31, 0), PCI_HEADER_TYPE, 1), 0x80);
    cr_assert_eq(config_get(pci.io, PCI_DEVFN(31, 7), 0, 4), 0x56781234);
    pci_machine_destroy(&pci);
}

Test(pci, expansion_rom)
{
    char file[] = "/tmp/lyrebird-rom-XXXXXX";
    int fd = mkstemp(file);
    cr_assert_eq(write(fd, "\x55\xaa rom", 6), 6);
    close(fd);
    char set[64];
    snprintf(set, sizeof(set), "romfile=%s", file);
    pci_machine_create(&pci, false);
    bare_device(pci.machine, &probe_type, (const char *[]){"addr=5", set, NULL});
    unlink(file);
    config_set(pci.io, AT, 0x30, 4, 0xfffffffe);
    cr_assert_eq(config_get(pci.io, AT, 0x30, 4), 0xfffff000);
    config_set(pci.io, AT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    config_set(pci.io, AT, 0x30, 4, 0xe0000000);
    cr_assert_not(decodes(0xe0000000));
    config_set(pci.io, AT, 0x30, 4, 0xe0000001);
    cr_assert_eq(guest_read(pci.machine, 0xe0000000, 4), 0x7220aa55);
    guest_write(pci.machine, 0xe0000000, 4, 0);
    cr_assert_eq(guest_read(pci.machine, 0xe0000000, 4), 0x7220aa55);
    struct error error;
    struct device *bad = device_create(pci.machine, &probe_type, NULL);
    cr_assert_eq(device_set(bad, "romfile", "/nonexistent/rom", &error), 0);
    cr_assert_lt(device_realize(bad, &error), 0);
    cr_assert(strstr(error.text, "/nonexistent/rom"));
    device_destroy(bad);
    pci_machine_destroy(&pci);
}

Test(pci, express_window_and_extended_space)
{
    pci_machine_create(&pci, true);
    bare_device(pci.machine, &probe_type, (const char *[]){"addr=5", NULL});
    struct mem_window ecam = pci_ecam_window(&pci.bus, 256 << 20);
    mem_window_show(&ecam, true, 0xb0000000);
    uint64_t at = 0xb0000000 + (AT << 12);
    cr_assert_eq(guest_read(pci.machine, at, 4), 0x56781234);
    cr_assert_eq(guest_read(pci.machine, at, 8), 0x0010000056781234); // it has capabilities
    guest_write(pci.machine, at + PCI_CACHE_LINE_SIZE, 1, 0x10);
    cr_assert_eq(config_get(pci.io, AT, PCI_CACHE_LINE_SIZE, 1), 0x10);
    cr_assert_eq(guest_read(pci.machine, at + 0x100, 4), 0); // no extended capability
    cr_assert_eq(guest_read(pci.machine, at + 0x8000, 4), UINT32_MAX);
    cr_assert_eq(guest_read(pci.machine, 0xb0100000, 4), UINT32_MAX); // bus 1
    mem_window_show(&ecam, true, 0xc0000000);
    cr_assert_not(decodes(at));
    mem_window_show(&ecam, false, 0xc0000000);
    cr_assert_not(decodes(0xc0000000));
    pci_machine_destroy(&pci);
}

Test(pci, reset_port)
{
    plug();
    port_write(pci.io, 0xcf9, 1, 2);
    cr_assert_eq(atomic_load(&pci.machine->requests), 0);
    cr_assert_eq(port_read(pci.io, 0xcf9, 1), 2);
    port_write(pci.io, 0xcf9, 1, 6);
    cr_assert_neq(atomic_load(&pci.machine->requests), 0);
    pci_machine_destroy(&pci);
}

Test(pci, hostile_configuration)
{
    struct probe *probe = plug();
    uint32_t seed = 12345;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned size = 1u << (seed >> 30) % 3, offset = (seed >> 8) & 0xff & ~(size - 1);
        uint32_t value = seed ^ seed >> 13;
        config_set(pci.io, seed & 0x10000 ? AT : (uint8_t)(seed >> 20), offset, size, value);
        if (i % 16 == 0) {
            pci_set_irq(&probe->pci, i & 16);
            pci_msix_notify(&probe->pci, i % 5);
        }
        if (i % 1024 == 0)
            memory_map_reclaim(pci.machine->map);
    }
    cr_assert_eq(config_get(pci.io, AT, 0, 4), 0x56781234);
    pci_machine_destroy(&pci);
}
