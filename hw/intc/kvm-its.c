// SPDX-License-Identifier: MIT
// The ITS in the kernel. It keeps its tables to itself; asked, it writes them to where the guest has room for them, in a form of
// its own (revision 0):
//   device table:      [63] valid  [48:5] address of the translation table / 256  [4:0] event ID bits minus 1
//   collection table:  [63] valid  [51:16] CPU number  [15:0] collection; in any order, an entry that is not valid ends it
//   translation table: [47:16] INTID, 0: not valid  [15:0] collection
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-messages.h"
#include "hw/core/machine.h"
#include "hw/intc/gicv3-its-internal.h"
#include "hw/intc/kvm-gic.h"
#include "tcg/base/bits.h"

enum { GITS_CTLR = 0x00, GITS_CBASER = 0x80, GITS_CWRITER = 0x88, GITS_CREADR = 0x90, GITS_BASER = 0x100 };
enum { MOST_COLLECTIONS = 4096 }; // that are looked at

struct kvm_its {
    struct gicv3_its its;
    struct kvm_gic kernel;
};

// --- entries ---

static bool entry_device(uint64_t entry, uint64_t *table, unsigned *event_bits)
{
    *table = extract64(entry, 5, 44) << 8;
    *event_bits = (unsigned)extract64(entry, 0, 5) + 1;
    return entry >> 63;
}

static bool entry_event(uint64_t entry, uint32_t *intid, uint16_t *collection)
{
    *intid = (uint32_t)extract64(entry, 16, 32);
    *collection = (uint16_t)entry;
    return *intid != 0;
}

static bool entry_collection(const struct gicv3_its *its, uint32_t collection, uint64_t *cpu)
{
    uint64_t entry;
    for (uint32_t n = 0; n < MOST_COLLECTIONS && its_table_read(its, ITS_COLLECTION_TABLE, n, &entry) && entry >> 63; n++)
        if ((entry & 0xffff) == collection) {
            *cpu = extract64(entry, 16, 36);
            return true;
        }
    return false;
}

static void take_message(struct gicv3_its *its, const struct message *message)
{
    uint64_t address = gicv3_its_translater(&its->device);
    struct kvm_msi msi = {.address_lo = (uint32_t)address,
                          .address_hi = (uint32_t)(address >> 32),
                          .data = message->data,
                          .flags = KVM_MSI_VALID_DEVID,
                          .devid = message->requester};
    kvm_messages_send(its->device.machine->kvm->messages, &msi, message->notifier);
}

static const struct its_engine engine = {take_message, entry_device, entry_event, entry_collection};

// --- registers ---

static uint64_t read_register(const struct kvm_its *own, uint64_t offset)
{
    uint64_t value = 0;
    kvm_gic_get(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, &value);
    return value;
}

static bool write_register(const struct kvm_its *own, uint64_t offset, uint64_t value)
{
    return kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, &value);
}

static bool control(const struct kvm_its *own, uint64_t what)
{
    return kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_CTRL, what, NULL);
}

static void fetch_state(struct device *device)
{
    struct kvm_its *own = (struct kvm_its *)device;
    struct gicv3_its *its = &own->its;
    uint64_t ctlr;
    if (!kvm_gic_get(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_CTLR, &ctlr))
        return; // processors run
    gicv3_lock(its->gic);
    its->ctlr = ctlr & GITS_CTLR_ENABLED;
    its->cbaser = read_register(own, GITS_CBASER);
    its->cwriter = read_register(own, GITS_CWRITER);
    its->creadr = read_register(own, GITS_CREADR);
    for (unsigned i = 0; i < ITS_TABLES; i++)
        its->baser[i] = read_register(own, GITS_BASER + i * 8);
    if (its->ctlr)
        control(own, KVM_DEV_ARM_ITS_SAVE_TABLES);
    gicv3_unlock(its->gic);
}

// In the order that the kernel wants; a write of CBASER sets CREADR to 0.
static void push(struct kvm_its *own)
{
    const struct gicv3_its *its = &own->its;
    bool good = write_register(own, GITS_CBASER, its->cbaser);
    good &= write_register(own, GITS_CWRITER, its->cwriter);
    good &= write_register(own, GITS_CREADR, its->creadr);
    for (unsigned i = 0; i < ITS_TABLES; i++)
        good &= write_register(own, GITS_BASER + i * 8, its->baser[i]);
    if (its->ctlr & GITS_CTLR_ENABLED)
        good &= control(own, KVM_DEV_ARM_ITS_RESTORE_TABLES);
    kvm_gic_report(&own->kernel, "ITS", write_register(own, GITS_CTLR, its->ctlr) && good);
}

// Kernels before 4.15 keep their tables, which the guest's driver sets up anew.
static void reset(struct device *device)
{
    struct kvm_its *own = (struct kvm_its *)device;
    gicv3_lock(own->its.gic);
    gicv3_its_reset_registers(&own->its);
    if (!control(own, KVM_DEV_ARM_ITS_CTRL_RESET)) {
        write_register(own, GITS_CTLR, 0);
        push(own);
    }
    gicv3_unlock(own->its.gic);
}

static void state_loaded(struct device *device)
{
    struct kvm_its *own = (struct kvm_its *)device;
    gicv3_lock(own->its.gic);
    push(own);
    gicv3_unlock(own->its.gic);
}

// --- life ---

static void init(struct device *device)
{
    ((struct gicv3_its *)device)->engine = &engine;
}

static int start(void *opaque, struct error *error)
{
    const struct kvm_its *own = opaque;
    return control(own, KVM_DEV_ARM_VGIC_CTRL_INIT) ? 0 : kvm_refused("no ITS (-M its=off does without)", error);
}

static void unrealize(struct device *device)
{
    kvm_gic_destroy(&((struct kvm_its *)device)->kernel);
}

static int realize(struct device *device, struct error *error)
{
    struct kvm_its *own = (struct kvm_its *)device;
    int status = kvm_gic_create(&own->kernel, device->machine, KVM_DEV_TYPE_ARM_VGIC_ITS,
                                "this host has no ITS; add -M its=off", error);
    if (status)
        return status;
    if (!kvm_gic_set(&own->kernel, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &own->its.base)) {
        status = kvm_refused("no place for an ITS", error);
        unrealize(device);
        return status;
    }
    own->kernel.ready = (struct kvm_ready){.fn = start, .opaque = own};
    kvm_when_ready(own->kernel.vm, &own->kernel.ready);
    return 0;
}

const struct device_type kvm_its_type = {
    .name = "arm-gicv3-its",
    .help = "GICv3 interrupt translation service, the kernel's",
    .instance_size = sizeof(struct kvm_its),
    .state = gicv3_its_state,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .reset = reset,
    .fetch_state = fetch_state,
    .state_loaded = state_loaded,
    .print_irq = its_print_irq,
};
