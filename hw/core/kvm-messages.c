// SPDX-License-Identifier: MIT
#include "hw/core/kvm-messages.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hw/core/kvm-routes.h"
#include "hw/core/message.h"
#include "tcg/base/alloc.h"

enum { OFTEN = 1024 }; // beside so many calls a change of the table does not matter, on a busy host either

struct kvm_messages {
    const struct kvm_vm *vm;
    bool has_inputs;                 // for messages
    unsigned inputs;                 // that are taken
    unsigned long long written, called; // messages of notifiers
};

// What is in a notifier.
struct way {
    struct kvm_messages *messages;
    struct kvm_msi last; // that was sent by a call,
    unsigned count;      // so many times, up to OFTEN
    int fd;              // -1: there is no input
    unsigned gsi;
    struct kvm_msi at_input;
};

struct kvm_messages *kvm_messages_create(const struct kvm_vm *vm)
{
    struct kvm_messages *messages = ALLOC(struct kvm_messages);
    messages->vm = vm;
    messages->has_inputs = kvm_capability(vm, KVM_CAP_IRQFD) > 0 && kvm_capability(vm, KVM_CAP_IRQ_ROUTING) > 0;
    return messages;
}

void kvm_messages_destroy(struct kvm_messages *messages)
{
    free(messages);
}

static bool same(const struct kvm_msi *a, const struct kvm_msi *b)
{
    return !memcmp(a, b, sizeof(*a));
}

static int assign(const struct way *way, uint32_t flags)
{
    struct kvm_irqfd irqfd = {.fd = (uint32_t)way->fd, .gsi = way->gsi, .flags = flags};
    return ioctl(way->messages->vm->fd, KVM_IRQFD, &irqfd);
}

// The kernel has carried out all that was written when it lets go of an eventfd.
static void disconnect(struct way *way)
{
    if (way->fd < 0)
        return;
    assign(way, KVM_IRQFD_FLAG_DEASSIGN);
    kvm_routes_give_back(way->messages->vm->routes, way->gsi);
    close(way->fd);
    way->fd = -1;
    way->messages->inputs--;
}

static void connect_new(struct way *way, struct kvm_irq_routing_entry *entry)
{
    struct kvm_routes *routes = way->messages->vm->routes;
    way->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (way->fd >= 0 && !kvm_routes_take(routes, entry)) {
        way->gsi = entry->gsi;
        if (!assign(way, 0)) {
            way->messages->inputs++;
            return;
        }
        kvm_routes_give_back(routes, way->gsi);
    }
    if (way->fd >= 0)
        close(way->fd);
    way->fd = -1;
}

// Has the last message at an input, if the kernel will.
static void connect_last(struct way *way)
{
    const struct kvm_msi *msi = &way->last;
    // The flag is the same one: an ITS has to know the device (KVM_MSI_VALID_DEVID).
    struct kvm_irq_routing_entry entry = {.gsi = way->gsi, .type = KVM_IRQ_ROUTING_MSI, .flags = msi->flags};
    entry.u.msi.address_lo = msi->address_lo;
    entry.u.msi.address_hi = msi->address_hi;
    entry.u.msi.data = msi->data;
    entry.u.msi.devid = msi->devid;
    way->at_input = *msi;
    if (way->fd < 0)
        connect_new(way, &entry);
    else if (kvm_routes_change(way->messages->vm->routes, &entry))
        disconnect(way);
}

static bool write_to(const struct way *way)
{
    const uint64_t once = 1;
    return write(way->fd, &once, sizeof(once)) == sizeof(once);
}

static void release(struct message_notifier *notifier)
{
    struct way *way = notifier->opaque;
    disconnect(way);
    free(way);
    *notifier = (struct message_notifier){0};
}

static struct way *way_of(struct kvm_messages *messages, struct message_notifier *notifier)
{
    if (!notifier->release) {
        struct way *way = ALLOC(struct way);
        *way = (struct way){.messages = messages, .fd = -1};
        *notifier = (struct message_notifier){release, way};
    }
    return notifier->opaque;
}

// False: it takes a call.
static bool sent_by_way(struct way *way, const struct kvm_msi *msi)
{
    if (way->fd >= 0 && same(&way->at_input, msi))
        return write_to(way);
    if (!same(&way->last, msi)) {
        way->last = *msi;
        way->count = 0;
    }
    // Only once: what is refused now is when it is asked for again.
    if (way->count < OFTEN && ++way->count == OFTEN)
        connect_last(way);
    return false;
}

void kvm_messages_send(struct kvm_messages *messages, const struct kvm_msi *msi, struct message_notifier *notifier)
{
    if (notifier && messages->has_inputs) {
        if (sent_by_way(way_of(messages, notifier), msi)) {
            messages->written++;
            return;
        }
        messages->called++;
    }
    struct kvm_msi copy = *msi;
    ioctl(messages->vm->fd, KVM_SIGNAL_MSI, &copy);
}

void kvm_messages_print(const struct kvm_messages *messages, FILE *out)
{
    fprintf(out, "messages: %llu written to %u inputs, %llu by calls\n", messages->written, messages->inputs, messages->called);
}
