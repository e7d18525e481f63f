// SPDX-License-Identifier: MIT
// messages: what a PCI function signals by MSI-X arrives at the kernel's APICs, from both ways to have those: as its table says at
// that moment, and not while it is masked. 77 where there is no KVM with them.
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "hw/boards/pc.h"
#include "hw/core/accel.h"
#include "hw/core/isa.h"
#include "hw/core/machine.h"
#include "hw/kvm/kvm.h"
#include "hw/pci/pci.h"
#include "hw/virtio/virtio-pci.h"
#include "target-x86/x86.h"

enum { APIC_IRR = 0x200, APIC_SVR = 0xf0, SKIP = 77, CPUS = 2, TABLE = 0xfe800000, ENTRY = 16, DEVFN = 4 << 3 };

static struct machine *machine;
static struct pci_device *function;

static void check(bool is, const char *what)
{
    if (is)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static int fd_of(unsigned cpu)
{
    return ((struct kvm_vcpu *)machine->vcpus.cpus[cpu]->accel_data)->fd;
}

static void enable_apic(unsigned cpu)
{
    struct kvm_lapic_state apic;
    check(!ioctl(fd_of(cpu), KVM_GET_LAPIC, &apic), "the APIC's state");
    apic.regs[APIC_SVR + 1] |= 1;
    check(!ioctl(fd_of(cpu), KVM_SET_LAPIC, &apic), "the APIC's state");
}

static bool has_arrived(unsigned cpu, unsigned vector)
{
    struct kvm_lapic_state apic;
    check(!ioctl(fd_of(cpu), KVM_GET_LAPIC, &apic), "the APIC's state");
    return (uint8_t)apic.regs[APIC_IRR + vector / 32 * 0x10 + vector % 32 / 8] >> vector % 8 & 1;
}

static void write_config(unsigned offset, unsigned size, uint32_t value)
{
    struct memory_map *io = machine->isa->io;
    memory_map_write(io, (struct mem_requester){0}, 0xcf8, 4, 0x80000000 | DEVFN << 8 | (offset & 0xfc));
    memory_map_write(io, (struct mem_requester){0}, 0xcfc + (offset & 3), size, value);
}

static void write_entry(unsigned vector, unsigned offset, uint32_t value)
{
    memory_map_write(machine->map, (struct mem_requester){0}, TABLE + vector * ENTRY + offset, 4, value);
}

static void set_entry(unsigned vector, unsigned cpu, uint32_t data, bool masked)
{
    write_entry(vector, 0, 0xfee00000 | cpu << 12);
    write_entry(vector, 4, 0);
    write_entry(vector, 8, data);
    write_entry(vector, 12, masked);
}

static void notify(unsigned vector)
{
    device_lock_acquire(&machine->lock);
    pci_msix_notify(function, vector);
    device_lock_release(&machine->lock);
}

static void make_function(void)
{
    struct error error = {""};
    struct device *device = device_create(machine, &virtio_rng_pci_type, NULL);
    device_lock_acquire(&machine->lock);
    check(!device_set(device, "addr", "4", &error) && !device_realize(device, &error), error.text);
    device_lock_release(&machine->lock);
    function = (struct pci_device *)device;
    machine_reset(machine);
    write_config(PCI_BAR_0 + 4, 4, TABLE);
    write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    write_config(function->msix_at + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
}

static void test(void)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        enable_apic(cpu);
    set_entry(0, 0, 0x41, false);
    set_entry(1, 1, 0x52, true);
    notify(0);
    check(has_arrived(0, 0x41) && !has_arrived(1, 0x41), "a message for the first processor");
    notify(1);
    check(!has_arrived(1, 0x52), "a message that is masked");
    write_entry(1, 12, 0);
    check(has_arrived(1, 0x52) && !has_arrived(0, 0x52), "a message that was masked");
    // Moved, as systems do to spread interrupts.
    set_entry(0, 1, 0x63, false);
    notify(0);
    check(has_arrived(1, 0x63) && !has_arrived(0, 0x63), "a message that has moved");
    // While the function is no bus master it sends none.
    write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    set_entry(0, 0, 0x74, false);
    notify(0);
    check(!has_arrived(0, 0x74), "a message of a function that may not");
}

int main(int argc, char **argv)
{
    struct error error = {""};
    bool split = argc > 1 && argv[1][0] == 's';
    struct accel *accel = kvm_accel_create(split ? KVM_IRQCHIP_SPLIT : KVM_IRQCHIP_ON);
    machine = machine_create(&pc_type);
    machine->cpu_factory = &x86_cpu_factory;
    machine->cpu_count = CPUS;
    machine->ram_size = UINT64_C(64) << 20;
    if (accel->ops->init(accel, machine, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return SKIP;
    }
    check(!machine_build(machine, &error), error.text);
    for (unsigned i = 0; i < CPUS; i++)
        check(!accel->ops->vcpu_init(accel, machine->vcpus.cpus[i], &error), error.text);
    make_function();
    test();
    for (unsigned i = 0; i < CPUS; i++)
        accel->ops->vcpu_destroy(accel, machine->vcpus.cpus[i]);
    machine_destroy(machine);
    accel->ops->destroy(accel);
    return 0;
}
