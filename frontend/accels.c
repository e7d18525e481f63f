// SPDX-License-Identifier: MIT
// The accelerators that are built in, the default first, and their properties.
#include <errno.h>
#include <stddef.h>

#include "frontend/registry.h"
#include "hw/core/property.h"
#include "hw/kvm/kvm.h"
#include "tcg/exec/engine.h"

static const char *const threads[] = {"multi", NULL};

static const struct property tcg_properties[] = {
    {"tb-size", PROPERTY_UINT32, offsetof(struct accel_options, tb_size_mib), "0",
     "translated code kept, in MiB (8 to 2047; 0: as the program likes)", NULL},
    {"one-insn-per-tb", PROPERTY_BOOL, offsetof(struct accel_options, one_insn_per_tb), "off",
     "blocks of one guest instruction: slow, for debugging", NULL},
    {"max-insns", PROPERTY_UINT32, offsetof(struct accel_options, max_insns), "0",
     "guest instructions in a block (1 to 512; 0: as the program likes)", NULL},
    {"tier2", PROPERTY_BOOL, offsetof(struct accel_options, tier2), "on",
     "compile what has run hot as regions of several blocks", NULL},
    {"tier2-threshold", PROPERTY_UINT32, offsetof(struct accel_options, tier2_threshold), "2000",
     "entries of a block before it is hot (1: everything is, at once)", NULL},
    {"tier2-threads", PROPERTY_UINT32, offsetof(struct accel_options, tier2_threads), "1",
     "host threads that compile regions (0 to 4; 0: the processors' own)", NULL},
    {"verify", PROPERTY_BOOL, offsetof(struct accel_options, verify), "off",
     "check the intermediate representation of every block", NULL},
    {"thread", PROPERTY_CHOICE, offsetof(struct accel_options, thread), "multi", "a host thread for each processor",
     threads},
    {0},
};

// In the order of enum kvm_irqchip_mode.
static const char *const irqchips[] = {"auto", "off", "split", "on", NULL};

static const struct property kvm_properties[] = {
    {"kernel-irqchip", PROPERTY_CHOICE, offsetof(struct accel_options, kernel_irqchip), "auto",
     "which interrupt controllers the host's kernel is: on: all, split: those of processors (APIC)", irqchips},
    {0},
};

static struct accel *create(const struct accel_ops *ops, const struct accel_options *options, struct error *error)
{
    enum { MIN_MIB = 8, MAX_MIB = 2047, MAX_INSNS = 512, MAX_THREADS = 4 };
    struct tcg_options tcg = tcg_default_options();
    if (options->tb_size_mib)
        tcg.code_mib = options->tb_size_mib;
    if (options->max_insns)
        tcg.max_insns = options->max_insns;
    if (options->one_insn_per_tb)
        tcg.max_insns = 1;
    tcg.tier2 = options->tier2;
    tcg.tier2_threshold = options->tier2_threshold;
    tcg.tier2_threads = options->tier2_threads;
    tcg.verify = options->verify;
    tcg.perfmap = options->perfmap;
    tcg.jitdump = options->jitdump;
    tcg.perf_symbols = options->symbols;
    if (tcg.code_mib < MIN_MIB || tcg.code_mib > MAX_MIB)
        error_set(error, ERANGE, "-accel tb-size=%u: it must be from %d to %d MiB", tcg.code_mib, MIN_MIB, MAX_MIB);
    else if (tcg.max_insns > MAX_INSNS)
        error_set(error, ERANGE, "-accel max-insns=%u: it must be from 1 to %d", tcg.max_insns, MAX_INSNS);
    else if (!tcg.tier2_threshold)
        error_set(error, ERANGE, "-accel tier2-threshold=0: it must be at least 1; tier2=off makes no regions");
    else if (tcg.tier2_threads > MAX_THREADS)
        error_set(error, ERANGE, "-accel tier2-threads=%u: it must be from 0 to %d", tcg.tier2_threads, MAX_THREADS);
    else
        return tcg_accel_create(ops, &tcg);
    return NULL;
}

static struct accel *create_tcg(const struct accel_options *options, struct error *error)
{
    return create(&tcg_accel_ops, options, error);
}

static struct accel *create_kvm(const struct accel_options *options, struct error *error)
{
    if (options->perfmap || options->jitdump) {
        error_set(error, ENOTSUP, "-perfmap and -jitdump name translated code, which -accel kvm does not make; use -accel tcg");
        return NULL;
    }
    return kvm_accel_create((enum kvm_irqchip_mode)options->kernel_irqchip);
}

static struct accel *create_interp(const struct accel_options *options, struct error *error)
{
    if (options->perfmap || options->jitdump) {
        error_set(error, ENOTSUP, "-perfmap and -jitdump name translated code, which -accel interp does not make; use "
                  "-accel tcg");
        return NULL;
    }
    return create(&interp_accel_ops, options, error);
}

const struct accel_type registry_accels[] = {
    {"tcg", "translate guest code to host code", tcg_properties, create_tcg},
    {"kvm", "run guest code on the host's processors (guests of its own architecture)", kvm_properties, create_kvm},
    {"interp", "interpret the intermediate representation: slow, the reference for tcg", tcg_properties, create_interp},
    {0},
};
