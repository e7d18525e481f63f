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

struct route {
    struct kvm_irq_routing_entry entry; // type 0: leads nowhere
    bool taken;
};

struct kvm_routes {
    const struct kvm_vm *vm;
    pthread_mutex_t lock;
    unsigned most, count; // that the kernel has; in the list
    struct route *list;   // by GSI
    bool changed;
};

struct kvm_routes *kvm_routes_create(const struct kvm_vm *vm)
{
    struct kvm_routes *routes = ALLOC(struct kvm_routes);
    int most = kvm_capability(vm, KVM_CAP_IRQ_ROUTING);
    routes->vm = vm;
    routes->most = most > 0 ? (unsigned)most : 0;
    pthread_mutex_init(&routes->lock, NULL);
    return routes;
}

void kvm_routes_destroy(struct kvm_routes *routes)
{
    if (!routes)
        return;
    pthread_mutex_destroy(&routes->lock);
    free(routes->list);
    free(routes);
}

static struct route *at(struct kvm_routes *routes, unsigned gsi)
{
    if (gsi >= routes->count) {
        routes->list = alloc_resize(routes->list, gsi + 1, sizeof(*routes->list));
        memset(routes->list + routes->count, 0, (gsi + 1 - routes->count) * sizeof(*routes->list));
        routes->count = gsi + 1;
    }
    return &routes->list[gsi];
}

static int take(struct kvm_routes *routes)
{
    for (unsigned gsi = KVM_ROUTES_FIXED; gsi < routes->most; gsi++) {
        struct route *route = at(routes, gsi);
        if (route->taken)
            continue;
        route->taken = true;
        return (int)gsi;
    }
    return routes->most ? -ENOSPC : -ENOTSUP;
}

int kvm_routes_alloc(struct kvm_routes *routes)
{
    pthread_mutex_lock(&routes->lock);
    int gsi = take(routes);
    pthread_mutex_unlock(&routes->lock);
    return gsi;
}

static bool same(const struct kvm_irq_routing_entry *a, const struct kvm_irq_routing_entry *b)
{
    return a->type == b->type && a->flags == b->flags && !memcmp(&a->u, &b->u, sizeof(a->u));
}

void kvm_routes_set(struct kvm_routes *routes, const struct kvm_irq_routing_entry *entry)
{
    pthread_mutex_lock(&routes->lock);
    assert(entry->gsi < KVM_ROUTES_FIXED || (entry->gsi < routes->count && routes->list[entry->gsi].taken));
    struct route *route = at(routes, entry->gsi);
    routes->changed |= !same(&route->entry, entry);
    route->entry = *entry;
    pthread_mutex_unlock(&routes->lock);
}

static void drop(struct kvm_routes *routes, int gsi, bool free_too)
{
    pthread_mutex_lock(&routes->lock);
    if (gsi >= 0 && (unsigned)gsi < routes->count) {
        struct route *route = &routes->list[gsi];
        routes->changed |= route->entry.type != 0;
        route->entry.type = 0;
        route->taken &= !free_too;
    }
    pthread_mutex_unlock(&routes->lock);
}

void kvm_routes_clear(struct kvm_routes *routes, int gsi)
{
    drop(routes, gsi, false);
}

void kvm_routes_free(struct kvm_routes *routes, int gsi)
{
    drop(routes, gsi, true);
}

static int hand_over(struct kvm_routes *routes)
{
    struct kvm_irq_routing *table = alloc_zeroed(1, sizeof(*table) + routes->count * sizeof(table->entries[0]));
    for (unsigned gsi = 0; gsi < routes->count; gsi++)
        if (routes->list[gsi].entry.type)
            table->entries[table->nr++] = routes->list[gsi].entry;
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
