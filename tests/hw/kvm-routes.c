// SPDX-License-Identifier: MIT
// The table of interrupt inputs in front of a real virtual machine: what is signalled on an input arrives where its entry says,
// once that is committed; and inputs that are handed out. 77 where there is no KVM.
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hw/core/kvm-routes.h"

enum { APIC_IRR = 0x200, APIC_SVR = 0xf0, SKIP = 77 };

static void check(bool is, const char *what)
{
    if (is)
        return;
    fprintf(stderr, "%s (%s)\n", what, strerror(errno));
    exit(1);
}

static struct kvm_irq_routing_entry message(int gsi, uint32_t vector)
{
    return (struct kvm_irq_routing_entry){
        .gsi = (uint32_t)gsi, .type = KVM_IRQ_ROUTING_MSI, .u.msi = {.address_lo = 0xfee00000, .data = vector}};
}

static struct kvm_irq_routing_entry nonsense(int gsi)
{
    return (struct kvm_irq_routing_entry){.gsi = (uint32_t)gsi, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {77, 6}};
}

static int add_irqfd(const struct kvm_vm *vm, int gsi)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    struct kvm_irqfd irqfd = {.fd = (uint32_t)fd, .gsi = (uint32_t)gsi};
    check(fd >= 0 && !ioctl(vm->fd, KVM_IRQFD, &irqfd), "an eventfd for an input");
    return fd;
}

static void signal_fd(int fd)
{
    uint64_t one = 1;
    check(write(fd, &one, sizeof(one)) == sizeof(one), "a write to the eventfd");
}

static int make_cpu(const struct kvm_vm *vm)
{
    int cpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
    struct kvm_lapic_state apic;
    check(cpu >= 0 && !ioctl(cpu, KVM_GET_LAPIC, &apic), "a processor with an APIC");
    apic.regs[APIC_SVR + 1] |= 1; // enabled by software
    check(!ioctl(cpu, KVM_SET_LAPIC, &apic), "the APIC's state");
    return cpu;
}

static bool has_arrived(int cpu, unsigned vector)
{
    struct kvm_lapic_state apic;
    check(!ioctl(cpu, KVM_GET_LAPIC, &apic), "the APIC's state");
    return (uint8_t)apic.regs[APIC_IRR + vector / 32 * 0x10 + vector % 32 / 8] >> vector % 8 & 1;
}

// The kernel may carry an eventfd's signal out a little later.
static bool arrives(int cpu, unsigned vector)
{
    for (unsigned i = 0; i < 10000 && !has_arrived(cpu, vector); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return has_arrived(cpu, vector);
}

// What the controllers have changed meanwhile gets to the kernel with it.
static void test_handed_out(const struct kvm_vm *vm, struct kvm_routes *routes, int cpu)
{
    struct kvm_irq_routing_entry pin = {.gsi = 30, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {KVM_IRQCHIP_PIC_MASTER, 5}};
    kvm_routes_set(routes, &pin);
    struct kvm_irq_routing_entry one = message(0, 0x71), two = message(0, 0x82);
    check(!kvm_routes_take(routes, &one) && !kvm_routes_take(routes, &two), "two inputs");
    check(one.gsi >= KVM_ROUTES_FIXED && two.gsi >= KVM_ROUTES_FIXED && one.gsi != two.gsi, "two inputs of their own");
    int fd[] = {add_irqfd(vm, (int)one.gsi), add_irqfd(vm, (int)two.gsi)};
    signal_fd(fd[1]);
    check(arrives(cpu, 0x82) && !has_arrived(cpu, 0x71), "a message at an input that was taken");
    struct kvm_irq_level line = {.irq = 30, .level = 1};
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
    check(!ioctl(vm->fd, KVM_IRQ_LINE, &line) && !ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), "a level for a pin that has moved");
    check(chip.chip.pic.irr & 1 << 5, "the pin that has moved");

    // It stays as it was when the kernel does not want what it is to be.
    struct kvm_irq_routing_entry bad = nonsense((int)one.gsi);
    check(kvm_routes_change(routes, &bad) == -EINVAL && !kvm_routes_commit(routes), "a change that is refused");
    signal_fd(fd[0]);
    check(arrives(cpu, 0x71), "an input whose change was refused");
    struct kvm_irq_routing_entry moved = message((int)one.gsi, 0x93);
    check(!kvm_routes_change(routes, &moved), "a change");
    signal_fd(fd[0]);
    check(arrives(cpu, 0x93), "an input that was changed");
    bad = nonsense(0);
    check(kvm_routes_take(routes, &bad) == -EINVAL && !kvm_routes_commit(routes), "an input that is refused");

    // There is an end to them, and they come back.
    int status;
    unsigned count = 2;
    struct kvm_irq_routing_entry more = message(0, 0x55);
    while (!(status = kvm_routes_take(routes, &more)) && count < KVM_ROUTES_MAX)
        count++;
    check(status == -ENOSPC && count == KVM_ROUTES_MAX - KVM_ROUTES_FIXED, "all inputs");
    check(!kvm_routes_change(routes, &moved), "a change while all are taken");
    kvm_routes_give_back(routes, two.gsi);
    check(!kvm_routes_take(routes, &more) && more.gsi == two.gsi, "an input that was given back");
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    struct kvm_vm vm = {.host = open("/dev/kvm", O_RDWR | O_CLOEXEC), .fd = -1};
    vm.fd = vm.host < 0 ? -1 : ioctl(vm.host, KVM_CREATE_VM, 0);
    if (vm.fd < 0 || kvm_capability(&vm, KVM_CAP_IRQFD) <= 0 || ioctl(vm.fd, KVM_CREATE_IRQCHIP, 0) < 0) {
        perror("no KVM with interrupt controllers");
        return SKIP;
    }
    int cpu = make_cpu(&vm);
    struct kvm_routes *routes = kvm_routes_create(&vm);

    enum { first = 3, second = KVM_ROUTES_FIXED - 1 };
    struct kvm_irq_routing_entry entry = message(first, 0x41);
    kvm_routes_set(routes, &entry);
    entry = message(second, 0x52);
    kvm_routes_set(routes, &entry);
    check(!kvm_routes_commit(routes), "the table is taken");
    int fd[] = {add_irqfd(&vm, first), add_irqfd(&vm, second)};
    signal_fd(fd[1]);
    check(arrives(cpu, 0x52) && !has_arrived(cpu, 0x41), "the second message arrives, alone");
    signal_fd(fd[0]);
    check(arrives(cpu, 0x41), "the first message arrives");

    // Changed, and beside a pin.
    entry = message(first, 0x63);
    kvm_routes_set(routes, &entry);
    struct kvm_irq_routing_entry pin = {.gsi = 30, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = {KVM_IRQCHIP_PIC_MASTER, 6}};
    kvm_routes_set(routes, &pin);
    check(!kvm_routes_commit(routes), "the changed table is taken");
    signal_fd(fd[0]);
    check(arrives(cpu, 0x63), "the changed message arrives");
    struct kvm_irq_level line = {.irq = 30, .level = 1};
    struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
    check(!ioctl(vm.fd, KVM_IRQ_LINE, &line) && !ioctl(vm.fd, KVM_GET_IRQCHIP, &chip), "a level for the pin");
    check(chip.chip.pic.irr == 1 << 6, "the pin is up");

    // What the kernel refuses is tried again with what is right then.
    pin = nonsense(30);
    kvm_routes_set(routes, &pin);
    check(kvm_routes_commit(routes) == -EINVAL && kvm_routes_commit(routes) == -EINVAL, "a chip that there is not");
    kvm_routes_clear(routes, 30);
    check(!kvm_routes_commit(routes), "the table without it");
    test_handed_out(&vm, routes, cpu);
    kvm_routes_destroy(routes);
    return 0;
}
