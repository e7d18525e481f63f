// SPDX-License-Identifier: MIT
// messages on|split [refused|flaky|recovers|figures]: what a PCI function signals by MSI-X arrives at the kernel's APICs, from both
// ways to have those: as its table says at that moment, and not while it is masked. What is signalled often gets an eventfd
// (hw/core/kvm-messages.h), with which that is still so; refused: the host has none, flaky: it may refuse some, and no interrupt
// is lost for that; recovers: at the beginning; figures: what each way costs instead. 77 where there is no KVM with APICs.
#include <dirent.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "hw/boards/pc.h"
#include "hw/core/accel.h"
#include "hw/core/isa.h"
#include "hw/core/kvm-routes.h"
#include "hw/core/machine.h"
#include "hw/kvm/kvm.h"
#include "hw/pci/pci.h"
#include "hw/virtio/virtio-pci.h"
#include "target-x86/x86.h"

enum { APIC_IRR = 0x200, APIC_SVR = 0xf0, SKIP = 77, CPUS = 2, TABLES = 0xfe800000, TABLE_BYTES = 0x1000, ENTRY = 16 };
enum { OFTEN = 2000 }; // more than it takes for an eventfd

static struct machine *machine;
static struct accel *accel;
static struct pci_device *function; // that the functions here are about
static bool refused, flaky, recovers; // flaky: or one of the others

static void check(bool is, const char *what)
{
    if (is)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void lapic(unsigned cpu, unsigned long request, struct kvm_lapic_state *apic)
{
    check(!ioctl(((struct kvm_vcpu *)machine->vcpus.cpus[cpu]->accel_data)->fd, request, apic), "the APIC's state");
}

// Enabled, and nothing has arrived.
static void clear_apics(void)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        struct kvm_lapic_state apic;
        lapic(cpu, KVM_GET_LAPIC, &apic);
        apic.regs[APIC_SVR + 1] |= 1;
        memset(apic.regs + APIC_IRR, 0, 8 * 0x10);
        lapic(cpu, KVM_SET_LAPIC, &apic);
    }
}

static bool has_arrived(unsigned cpu, unsigned vector)
{
    struct kvm_lapic_state apic;
    lapic(cpu, KVM_GET_LAPIC, &apic);
    return (uint8_t)apic.regs[APIC_IRR + vector / 32 * 0x10 + vector % 32 / 8] >> vector % 8 & 1;
}

// The kernel may carry an eventfd's signal out a little later.
static bool arrives(unsigned cpu, unsigned vector)
{
    for (unsigned i = 0; i < 10000 && !has_arrived(cpu, vector); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return has_arrived(cpu, vector);
}

// How often eventfds were written to, and how many there are.
struct counts {
    unsigned long long written;
    unsigned inputs;
};

static struct counts counts(void)
{
    char text[512] = "";
    struct counts counts = {0};
    FILE *out = fmemopen(text, sizeof(text), "w");
    check(out, "room for the accelerator's counts");
    accel->ops->print_info(accel, "kvm", NULL, out);
    fclose(out);
    const char *line = strstr(text, "messages: ");
    check(line && sscanf(line, "messages: %llu written to %u", &counts.written, &counts.inputs) == 2, "the accelerator's counts");
    check(!refused || (!counts.written && !counts.inputs), "an eventfd that was refused");
    return counts;
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    check(directory, "/proc/self/fd");
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static uint32_t table_of(const struct pci_device *device)
{
    return TABLES + device->devfn * TABLE_BYTES;
}

static void write_config(unsigned offset, unsigned size, uint32_t value)
{
    struct memory_map *io = machine->isa->io;
    uint32_t address = UINT32_C(0x80000000) | (uint32_t)function->devfn << 8 | (offset & 0xfc);
    memory_map_write(io, (struct mem_requester){0}, 0xcf8, 4, address);
    memory_map_write(io, (struct mem_requester){0}, 0xcfc + (offset & 3), size, value);
}

static void write_entry(unsigned vector, unsigned offset, uint32_t value)
{
    memory_map_write(machine->map, (struct mem_requester){0}, table_of(function) + vector * ENTRY + offset, 4, value);
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

static void notify_times(unsigned vector, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        notify(vector);
}

// It arrives there, and nowhere else, once it is notified.
static void expect_arrives(unsigned vector, unsigned cpu, uint8_t data, const char *what)
{
    clear_apics();
    notify(vector);
    check(arrives(cpu, data) && !has_arrived(!cpu, data), what);
}

// The same by an eventfd or not, and there are so many of them.
static void expect_way(unsigned vector, unsigned cpu, uint8_t data, bool written, unsigned inputs, const char *what)
{
    unsigned long long before = counts().written;
    expect_arrives(vector, cpu, data, what);
    check(flaky || (counts().written == before + written && counts().inputs == inputs), what);
}

static void set_up(struct pci_device *device)
{
    function = device;
    write_config(PCI_BAR_0 + 4, 4, table_of(device));
    write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    write_config(device->msix_at + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
}

static struct pci_device *make_function(const struct device_type *type, const char *slot)
{
    struct error error = {""};
    struct device *device = device_create(machine, type, NULL);
    device_lock_acquire(&machine->lock);
    check(!device_set(device, "addr", slot, &error) && !device_realize(device, &error), error.text);
    device_reset(device);
    device_lock_release(&machine->lock);
    set_up((struct pci_device *)device);
    return function;
}

static void reset_function(void)
{
    device_lock_acquire(&machine->lock);
    device_reset(&function->device);
    device_lock_release(&machine->lock);
}

static void take_out(struct pci_device *device)
{
    device_lock_acquire(&machine->lock);
    device_destroy(&device->device);
    device_lock_release(&machine->lock);
}

static void test_table(void)
{
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
    write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_often(void)
{
    check(!counts().written, "a message that is rare goes by a call");
    set_entry(0, 0, 0x41, false);
    notify_times(0, OFTEN);
    expect_way(0, 0, 0x41, true, 1, "a message that is sent often");

    // Masked, alone and with the function, it pends.
    for (unsigned whole = 0; whole < 2; whole++) {
        unsigned control = function->msix_at + PCI_MSIX_CONTROL;
        whole ? write_config(control, 2, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK) : write_entry(0, 12, 1);
        unsigned long long before = counts().written;
        clear_apics();
        notify(0);
        check(counts().written == before && function->msix[0].pending && !has_arrived(0, 0x41), "a frequent message under a mask");
        whole ? write_config(control, 2, PCI_MSIX_ENABLE) : write_entry(0, 12, 0);
        check(arrives(0, 0x41) && !function->msix[0].pending, "a frequent message that was masked");
    }
    expect_way(0, 0, 0x41, true, 1, "a frequent message after masks");

    // While it moves it goes by calls, and where it stays it gets its input again.
    set_entry(0, 1, 0x63, false);
    expect_way(0, 1, 0x63, false, 1, "a frequent message that has moved");
    set_entry(0, 0, 0x41, false);
    expect_way(0, 0, 0x41, true, 1, "a frequent message that has moved back");
    for (unsigned i = 0; i < OFTEN; i++) {
        set_entry(0, i % CPUS, 0x80 + i % 64, false);
        expect_way(0, i % CPUS, (uint8_t)(0x80 + i % 64), false, 1, "a message that moves each time");
    }
    set_entry(0, 1, 0x63, false);
    notify_times(0, OFTEN);
    expect_way(0, 1, 0x63, true, 1, "a message that has moved and stays");

    // What may not be sent is not.
    write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    unsigned long long before = counts().written;
    notify(0);
    check(counts().written == before, "a frequent message of a function that may not");
    write_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    expect_way(0, 1, 0x63, true, 1, "a frequent message of a function that may again");
    write_config(function->msix_at + PCI_MSIX_CONTROL, 2, 0);
    clear_apics();
    notify(0);
    check(!counts().inputs && !has_arrived(1, 0x63), "a message without MSI-X");
    write_config(function->msix_at + PCI_MSIX_CONTROL, 2, PCI_MSIX_ENABLE);
    expect_way(0, 1, 0x63, false, 0, "a message with MSI-X again");
}

// Nothing is left of eventfds after resets of the function, and of the machine.
static void test_resets(void)
{
    unsigned files = open_files();
    for (unsigned i = 0; i < 50; i++) {
        set_up(function);
        set_entry(0, 0, 0x41, false);
        set_entry(1, 1, 0x52, false);
        notify_times(0, OFTEN);
        notify_times(1, OFTEN);
        expect_way(1, 1, 0x52, true, 2, "a frequent message between resets");
        check(flaky || open_files() == files + 2, "an eventfd for each vector");
        if (i % 10)
            reset_function();
        else
            machine_reset(machine);
        check(!counts().inputs && open_files() == files, "eventfds after a reset");
    }
    set_up(function);
}

// More than there are inputs: the others go by calls, and get some when they come back.
static void test_many(void)
{
    enum { FUNCTIONS = 3, VECTORS = 33, INPUTS = KVM_ROUTES_MAX - KVM_ROUTES_FIXED };
    static const char *const slots[FUNCTIONS] = {"5", "6", "7"};
    struct pci_device *functions[FUNCTIONS];
    unsigned files = open_files();
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        functions[i] = make_function(&virtio_serial_pci_type, slots[i]);
        check(function->msix_count == VECTORS, "the vectors of a function");
        for (unsigned vector = 0; vector < VECTORS; vector++) {
            set_entry(vector, vector % CPUS, 0x30 + i * VECTORS + vector, false);
            notify_times(vector, OFTEN);
        }
    }
    check(flaky || counts().inputs == INPUTS, "all inputs");
    for (unsigned i = 0; i < FUNCTIONS * VECTORS; i++) {
        function = functions[i / VECTORS];
        expect_way(i % VECTORS, i % VECTORS % CPUS, (uint8_t)(0x30 + i), i < INPUTS, INPUTS, "one of many");
    }
    take_out(functions[0]);
    check(flaky || counts().inputs == INPUTS - VECTORS, "inputs of a function that was taken out");
    function = functions[2];
    set_entry(VECTORS - 1, 1, 0xee, false);
    notify_times(VECTORS - 1, OFTEN);
    expect_way(VECTORS - 1, 1, 0xee, true, INPUTS - VECTORS + 1, "an input that was given back");
    take_out(functions[1]);
    take_out(functions[2]);
    check(!counts().inputs && open_files() == files, "eventfds of functions that were taken out");
}

// --- state ---

struct dump {
    char *bytes;
    size_t used;
    bool back;
};

static void visit(void *opaque, const char *path, enum state_kind kind, void *data, unsigned size)
{
    struct dump *dump = opaque;
    (void)path;
    (void)kind;
    char *saved = dump->bytes + dump->used;
    memcpy(dump->back ? data : saved, dump->back ? saved : data, size);
    dump->used += size;
}

static void visit_function(struct dump *dump)
{
    dump->used = 0;
    for (struct device *device = &function->device; device; device = device->inner)
        state_visit(device->type->state, device, visit, dump);
}

// What was saved is in force again, whatever the table has become meanwhile.
static void test_state(void)
{
    static char bytes[1 << 16];
    struct dump dump = {.bytes = bytes};
    set_entry(0, 0, 0x41, false);
    set_entry(1, 1, 0x52, true);
    notify_times(0, OFTEN);
    notify(1);
    visit_function(&dump);
    set_entry(0, 1, 0x96, false);
    set_entry(1, 0, 0xa7, false);
    notify_times(0, OFTEN);
    notify_times(1, OFTEN);
    expect_way(0, 1, 0x96, true, 2, "a message before a state is loaded");
    dump.back = true;
    visit_function(&dump);
    device_lock_acquire(&machine->lock);
    function->device.type->state_loaded(&function->device);
    device_lock_release(&machine->lock);
    expect_way(0, 0, 0x41, false, 0, "a message behind a state that was loaded");
    check(function->msix[1].pending && !has_arrived(1, 0x52), "a message that pends in the state");
    write_entry(1, 12, 0);
    check(arrives(1, 0x52) && !has_arrived(0, 0xa7), "a message that has come with the state");
    notify_times(0, OFTEN);
    expect_way(0, 0, 0x41, true, 1, "a frequent message behind a state that was loaded");
}

// --- figures ---

static double ns_of(unsigned times)
{
    uint64_t begin = clock_now_ns(machine->clock);
    notify_times(0, times);
    return (double)(clock_now_ns(machine->clock) - begin) / times;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

// From the function's signal to the APIC, by calls and by an eventfd in turn, and the signal that has the way changed.
static void print_figures(void)
{
    enum { ROUNDS = 101, CALLS = 1000 }; // fewer calls than it takes for an eventfd
    double call[ROUNDS], change[ROUNDS], written[ROUNDS];
    event_clock_start(machine->clock);
    for (unsigned i = 0; i < ROUNDS; i++) {
        set_entry(0, 0, 0x40 + i, false);
        call[i] = ns_of(CALLS);
        change[i] = 0;
        unsigned long long before = counts().written;
        for (unsigned n = 0; n < OFTEN && counts().written == before; n++) {
            double one = ns_of(1);
            if (one > change[i])
                change[i] = one;
        }
        written[i] = ns_of(CALLS);
    }
    event_clock_stop(machine->clock);
    printf("a message by a call %.0f ns, by an eventfd %.0f ns; from one to the other %.1f us (medians of %u)\n",
           median(call, ROUNDS), median(written, ROUNDS), median(change, ROUNDS) / 1000, ROUNDS);
}

static void test(struct pci_device *rng)
{
    test_table();
    test_often();
    test_resets();
    flaky &= !recovers;
    test_many();
    function = rng;
    test_state();
}

int main(int argc, char **argv)
{
    struct error error = {""};
    const char *mode = argc > 2 ? argv[2] : "";
    bool split = argc > 1 && argv[1][0] == 's';
    bool figures = !strcmp(mode, "figures");
    refused = !strcmp(mode, "refused");
    recovers = !strcmp(mode, "recovers");
    flaky = *mode && !figures;
    accel = kvm_accel_create(split ? KVM_IRQCHIP_SPLIT : KVM_IRQCHIP_ON);
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
    machine_reset(machine);
    clear_apics();
    struct pci_device *rng = make_function(&virtio_rng_pci_type, "4");
    figures ? print_figures() : test(rng);
    for (unsigned i = 0; i < CPUS; i++)
        accel->ops->vcpu_destroy(accel, machine->vcpus.cpus[i]);
    machine_destroy(machine);
    accel->ops->destroy(accel);
    return 0;
}
