// SPDX-License-Identifier: MIT
#include "hw/core/kvm-routes.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tcg/base/alloc.h"

struct kvm_routes {
    const struct kvm_vm *vm;
    pthread_mutex_t lock;
    struct kvm_irq_routing_entry entries[KVM_ROUTES_MAX]; // by GSI; type 0: leads nowhere
    unsigned end;                                         // of those that the kernel has
    bool changed;
};

struct kvm_routes *kvm_routes_create(const struct kvm_vm *vm)
{
    struct kvm_routes *routes = ALLOC(struct kvm_routes);
    int most = kvm_capability(vm, KVM_CAP_IRQ_ROUTING);
    routes->vm = vm;
    routes->end = most < KVM_ROUTES_MAX ? (unsigned)(most > 0 ? most : 0) : KVM_ROUTES_MAX;
    pthread_mutex_init(&routes->lock, NULL);
    return routes;
}

void kvm_routes_destroy(struct kvm_routes *routes)
{
    if (!routes)
        return;
    pthread_mutex_destroy(&routes->lock);
    free(routes);
}

static bool same(const struct kvm_irq_routing_entry *a, const struct kvm_irq_routing_entry *b)
{
    return a->type == b->type && a->flags == b->flags && !memcmp(&a->u, &b->u, sizeof(a->u));
}

void kvm_routes_set(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry)
{
    assert(entry->gsi < KVM_ROUTES_FIXED);
    pthread_mutex_lock(&routes->lock);
    routes->changed |= !same(&routes->entries[entry->gsi], entry);
    routes->entries[entry->gsi] = *entry;
    pthread_mutex_unlock(&routes->lock);
}

void kvm_routes_clear(struct kvm_routes *routes, unsigned gsi)
{
    kvm_routes_set(routes, &(struct kvm_irq_routing_entry){.gsi = gsi});
}

static int hand_over(struct kvm_routes *routes)
{
    struct kvm_irq_routing *table = alloc_zeroed(1, sizeof(*table) + sizeof(routes->entries));
    for (unsigned gsi = 0; gsi < KVM_ROUTES_MAX; gsi++)
        if (routes->entries[gsi].type)
            table->entries[table->nr++] = routes->entries[gsi];
    int status = ioctl(routes->vm->fd, KVM_SET_GSI_ROUTING, table) < 0 ? -errno : 0;
    free(table);
    return status;
}

int kvm_routes_commit(struct kvm_routes *routes)
{
    pthread_mutex_lock(&routes->lock);
    int status = routes->changed ? hand_over(routes) : 0;
    routes->changed &= status != 0;
    pthread_mutex_unlock(&routes->lock);
    return status;
}

// The table with another entry, or else as it was.
static int replace(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry)
{
    struct kvm_irq_routing_entry before = routes->entries[entry->gsi];
    routes->entries[entry->gsi] = *entry;
    int status = hand_over(routes);
    if (status)
        routes->entries[entry->gsi] = before;
    routes->changed &= status != 0;
    return status;
}

// Those that are taken are those that lead somewhere.
static int take(struct kvm_routes *routes, struct kvm_irq_routing_entry *entry)
{
    for (unsigned gsi = KVM_ROUTES_FIXED; gsi < routes->end; gsi++)
        if (!routes->entries[gsi].type) {
            entry->gsi = gsi;
            return replace(routes, entry);
        }
    return -ENOSPC;
}

int kvm_routes_take(struct kvm_routes *routes, struct kvm_irq_routing_entry *entry)
{
    assert(entry->type);
    pthread_mutex_lock(&routes->lock);
    int status = take(routes, entry);
    pthread_mutex_unlock(&routes->lock);
    return status;
}

int kvm_routes_change(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry)
{
    assert(entry->type && entry->gsi >= KVM_ROUTES_FIXED && entry->gsi < routes->end);
    pthread_mutex_lock(&routes->lock);
    int status = replace(routes, entry);
    pthread_mutex_unlock(&routes->lock);
    return status;
}

void kvm_routes_give_back(struct kvm_routes *routes, unsigned gsi)
{
    assert(gsi >= KVM_ROUTES_FIXED && gsi < routes->end);
    pthread_mutex_lock(&routes->lock);
    routes->entries[gsi].type = 0;
    pthread_mutex_unlock(&routes->lock);
}
