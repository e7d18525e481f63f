// SPDX-License-Identifier: MIT
// `-accel kvm:tcg` and repeated `-accel` options are lists in order of preference. What is misspelt is refused, whether or not
// it would have come to be used.
#include "frontend/accel-setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frontend/registry.h"
#include "frontend/settings.h"
#include "hw/core/accel.h"
#include "hw/core/machine.h"
#include "hw/core/property.h"

enum { CANDIDATES_MAX = 16 };

struct candidate {
    const struct accel_type *type;
    const struct keyval_list *item; // of the option that names it; NULL: no option does
};

struct candidates {
    struct candidate items[CANDIDATES_MAX];
    size_t count;
};

#define KERNEL_IRQCHIP "kernel-irqchip" // which machines take, too

static bool is_property(const struct keyval *pair)
{
    return strcmp(pair->key, "accel") != 0;
}

static int add_names(struct candidates *all, const struct keyval_list *item, struct error *error)
{
    char name[32];
    for (const char *names = keyval_get(item, "accel"); names && *names;) {
        int length = (int)strcspn(names, ":");
        snprintf(name, sizeof(name), "%.*s", length, names);
        const struct accel_type *type = registry_find_accel(name, error);
        if (!type) {
            error_prefix(error, "-accel");
            return -ENOENT;
        }
        if (all->count == CANDIDATES_MAX)
            return error_set(error, E2BIG, "-accel: more than %d accelerators to choose from", CANDIDATES_MAX);
        all->items[all->count++] = (struct candidate){type, item};
        names += length + (names[length] == ':');
    }
    return 0;
}

static int collect(struct candidates *all, const struct settings *settings, struct error *error)
{
    int status = 0;
    for (size_t i = 0; i < settings->accels.count && !status; i++)
        status = add_names(all, &settings->accels.items[i], error);
    if (!status && !all->count)
        all->items[all->count++] = (struct candidate){&registry_accels[0], NULL};
    bool has_irqchip = !settings->kernel_irqchip;
    for (size_t i = 0; i < all->count; i++)
        has_irqchip |= property_find(all->items[i].type->properties, KERNEL_IRQCHIP) != NULL;
    if (!status && !has_irqchip)
        status = error_set(error, EINVAL, "-M kernel-irqchip=%s needs -accel kvm", settings->kernel_irqchip);
    return status;
}

// Sets those that this accelerator has; one that another of the same option has is for that.
static int set_properties(const struct candidates *all, const struct candidate *one, const struct settings *settings,
                          struct accel_options *options, struct error *error)
{
    property_set_defaults(one->type->properties, options);
    for (size_t i = 0; one->item && i < one->item->count; i++) {
        const struct keyval *pair = &one->item->items[i];
        bool others = false;
        for (size_t n = 0; n < all->count; n++)
            others |= all->items[n].item == one->item && property_find(all->items[n].type->properties, pair->key);
        if (!is_property(pair) || (others && !property_find(one->type->properties, pair->key)))
            continue;
        int status = property_set(one->type->properties, options, "accelerator", pair->key, pair->value, NULL, error);
        if (status)
            return status;
    }
    if (!settings->kernel_irqchip || !property_find(one->type->properties, KERNEL_IRQCHIP))
        return 0;
    return property_set(one->type->properties, options, "accelerator", KERNEL_IRQCHIP, settings->kernel_irqchip, NULL, error);
}

// `wrong`: the program was asked for something that no host has.
static int try(const struct candidates *all, const struct candidate *one, struct machine *machine,
               const struct settings *settings, const struct perf_symbols *symbols, struct accel **accel, bool *wrong,
               struct error *error)
{
    struct accel_options options = {.perfmap = settings->perfmap, .jitdump = settings->jitdump, .symbols = symbols};
    int status = set_properties(all, one, settings, &options, error);
    *wrong = status != 0;
    if (status)
        return status;
    *accel = one->type->create(&options, error);
    *wrong = !*accel;
    if (!*accel)
        return -EINVAL;
    (*accel)->machine = machine;
    status = (*accel)->ops->init(*accel, machine, error);
    if (status) {
        (*accel)->ops->destroy(*accel);
        *accel = NULL;
    }
    return status;
}

int accel_setup(struct machine *machine, const struct settings *settings, const struct perf_symbols *symbols,
                struct accel **accel, struct error *error)
{
    struct candidates all = {0};
    struct error reason = {""}; // why it is not the one before
    int status = collect(&all, settings, error);
    if (status)
        return status;
    for (size_t i = 0; i < all.count; i++) {
        bool wrong;
        status = try(&all, &all.items[i], machine, settings, symbols, accel, &wrong, error);
        if (wrong)
            return status;
        if (!status && all.count > 1)
            fprintf(stderr, "lyrebird: accelerator: %s%s%s%s\n", all.items[i].type->name, i ? " (" : "", reason.text, i ? ")" : "");
        if (!status)
            return 0;
        reason = *error;
    }
    return status;
}
