// SPDX-License-Identifier: MIT
// The pair of 8259As in the kernel.
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/kvm-guest.h"
#include "hw/core/machine.h"
#include "hw/intc/i8259-internal.h"
#include "hw/intc/kvm-pc.h"
#include "tcg/base/bits.h"

enum { ICW1_IC4 = 1 };

static const uint32_t ids[2] = {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE};

static void from_kernel(struct i8259_chip *chip, const struct kvm_pic_state *s)
{
    chip->line = s->last_irr;
    chip->latch = s->irr & (uint8_t)~s->elcr;
    chip->imr = s->imr;
    chip->isr = s->isr;
    chip->elcr = s->elcr;
    chip->icw1 = s->init4 ? ICW1_IC4 : 0;
    chip->vector_base = s->irq_base;
    chip->expect = s->init_state;
    chip->lowest = (s->priority_add + 7) & 7;
    chip->read_isr = s->read_reg_select;
    chip->poll = s->poll;
    chip->special_mask = s->special_mask;
    chip->auto_eoi = s->auto_eoi;
    chip->rotate_auto_eoi = s->rotate_on_auto_eoi;
    chip->fully_nested = s->special_fully_nested_mode;
}

static void to_kernel(const struct i8259_chip *chip, struct kvm_pic_state *s)
{
    // What changes no state of a chip stays as the kernel has it.
    s->last_irr = chip->line;
    s->irr = (uint8_t)((chip->latch & ~chip->elcr) | (chip->line & chip->elcr));
    s->imr = chip->imr;
    s->isr = chip->isr;
    s->elcr = chip->elcr;
    s->init4 = chip->icw1 & ICW1_IC4;
    s->irq_base = chip->vector_base;
    s->init_state = chip->expect;
    s->priority_add = (chip->lowest + 1) & 7;
    s->read_reg_select = chip->read_isr;
    s->poll = chip->poll;
    s->special_mask = chip->special_mask;
    s->auto_eoi = chip->auto_eoi;
    s->rotate_on_auto_eoi = chip->rotate_auto_eoi;
    s->special_fully_nested_mode = chip->fully_nested;
}

static void fetch_state(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    for (unsigned i = 0; i < 2; i++) {
        struct kvm_irqchip chip = {.chip_id = ids[i]};
        if (ioctl(device->machine->kvm->fd, KVM_GET_IRQCHIP, &chip) < 0)
            continue;
        pthread_mutex_lock(&pic->lock);
        from_kernel(&pic->chips[i], &chip.chip.pic);
        pthread_mutex_unlock(&pic->lock);
    }
}

static void push(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    int fd = device->machine->kvm->fd;
    for (unsigned i = 0; i < 2; i++) {
        struct kvm_irqchip chip = {.chip_id = ids[i]};
        int status = ioctl(fd, KVM_GET_IRQCHIP, &chip);
        pthread_mutex_lock(&pic->lock);
        to_kernel(&pic->chips[i], &chip.chip.pic);
        pthread_mutex_unlock(&pic->lock);
        if (status < 0 || ioctl(fd, KVM_SET_IRQCHIP, &chip) < 0)
            kvm_vm_fail(device->machine->kvm, "8259 number %u cannot be set: %s", i, strerror(errno));
    }
}

static void reset(struct device *device)
{
    struct i8259 *pic = (struct i8259 *)device;
    fetch_state(device); // the lines
    pthread_mutex_lock(&pic->lock);
    i8259_reset_registers(pic);
    pthread_mutex_unlock(&pic->lock);
    push(device);
}

static void input_set(void *opaque, unsigned irq, bool level)
{
    const struct i8259 *pic = opaque;
    kvm_set_gsi(pic->device.machine->kvm, KVM_GSI_PIC + irq, level);
}

static void init(struct device *device)
{
    ((struct i8259 *)device)->input_set = input_set;
}

static int realize(struct device *device, struct error *error)
{
    (void)error;
    pthread_mutex_init(&((struct i8259 *)device)->lock, NULL);
    return 0;
}

static void unrealize(struct device *device)
{
    pthread_mutex_destroy(&((struct i8259 *)device)->lock);
}

const struct device_type kvm_i8259_type = {
    .name = "isa-i8259",
    .help = "pair of 8259A interrupt controllers, the kernel's",
    .instance_size = sizeof(struct i8259),
    .state = i8259_state,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .reset = reset,
    .fetch_state = fetch_state,
    .state_loaded = push,
    .print_irq = i8259_print_irq,
};
