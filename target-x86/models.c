// SPDX-License-Identifier: MIT
// CPU models, and CPUID (Intel SDM volume 2; AMD APM volume 3, appendix E). A model's features are those of the processor
// that it is named after as far as they work here: what CPUID shows and what instructions ask for is one set.

#include "target-x86/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/property.h"
#include "target-x86/exception.h"
#include "target-x86/native.h"
#include "target-x86/x86.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

#define F_486 "fpu "
#define F_PENTIUM F_486 "de pse tsc msr mce cx8 mmx "
#define F_P3 F_PENTIUM "pae apic sep mtrr pge mca cmov pat pse36 fxsr sse "
#define F_QEMU32 F_P3 "clflush sse2 sse3 "
#define F_QEMU64 F_QEMU32 "cx16 syscall nx lm lahf-lm "
#define F_CORE2 F_QEMU64 "ss ht ssse3 "
#define F_NEHALEM F_CORE2 "sse4.1 sse4.2 popcnt rdtscp x2apic "
#define F_HASWELL                                                                                                      \
    F_NEHALEM "pclmulqdq fma pcid movbe aes xsave avx f16c rdrand abm fsgsbase bmi1 avx2 smep bmi2 erms invpcid "    \
              "tsc-deadline xsaveopt pdpe1gb "
#define F_SKYLAKE F_HASWELL "rdseed adx smap clflushopt 3dnowprefetch xsavec xgetbv1 "
#define F_EPYC                                                                                                         \
    F_NEHALEM "pclmulqdq fma movbe aes xsave avx f16c rdrand abm fsgsbase bmi1 avx2 smep bmi2 rdseed adx smap "      \
              "clflushopt sha-ni 3dnowprefetch cr8legacy xsaveopt xsavec xgetbv1 pdpe1gb "
#define F_MAX                                                                                                          \
    F_SKYLAKE "sha-ni clwb umip pku gfni vaes vpclmulqdq la57 rdpid fsrm cr8legacy tsc-adjust "

static const struct x86_model models[] = {
    {"486", "Intel 486", "GenuineIntel", 4, 8, 0, "", F_486, 1, 0, false},
    {"pentium", "Intel Pentium with MMX", "GenuineIntel", 5, 4, 3, "", F_PENTIUM, 1, 0, false},
    {"pentium3", "Intel Pentium III", "GenuineIntel", 6, 7, 3, "", F_P3, 3, 0, false},
    {"qemu32", "plain 32-bit processor", "GenuineIntel", 6, 6, 3, "Virtual 32-bit processor", F_QEMU32, 4, 0x80000004, false},
    {"qemu64", "plain 64-bit processor", "AuthenticAMD", 15, 107, 1, "Virtual 64-bit processor", F_QEMU64, 13,
     0x80000008, false},
    {"core2duo", "Intel Core 2 Duo", "GenuineIntel", 6, 15, 11, "Intel(R) Core(TM)2 Duo CPU", F_CORE2, 10, 0x80000008, false},
    {"Nehalem", "Intel Core i7 9xx", "GenuineIntel", 6, 26, 3, "Intel Core i7 9xx (Nehalem)", F_NEHALEM, 11,
     0x80000008, false},
    {"Haswell", "Intel Core processor of 2013", "GenuineIntel", 6, 60, 4, "Intel Core Processor (Haswell)", F_HASWELL,
     13, 0x80000008, false},
    {"Skylake-Client", "Intel Core processor of 2015", "GenuineIntel", 6, 94, 3, "Intel Core Processor (Skylake)",
     F_SKYLAKE, 13, 0x80000008, false},
    {"EPYC", "AMD EPYC of 2017", "AuthenticAMD", 23, 1, 2, "AMD EPYC Processor", F_EPYC, 13, 0x80000008, false},
    {"host", "this host's processor (with -accel kvm)", "", 6, 0, 0, "", "", 13, 0x80000008, true},
    {"max", "everything that works", "AuthenticAMD", 15, 107, 1, "Virtual processor", F_MAX, 13, 0x80000008, false},
};

const char *const x86_cpu_models[] = {"486",     "pentium", "pentium3",       "qemu32", "qemu64", "core2duo",
                                      "Nehalem", "Haswell", "Skylake-Client", "EPYC",   "host",   "max", NULL};
_Static_assert(ARRAY_SIZE(models) + 1 == ARRAY_SIZE(x86_cpu_models), "every model is listed");

const struct x86_feature_place x86_feature_places[] = {
    [X86_WORD_1_EDX] = {1, 0, 3},           [X86_WORD_1_ECX] = {1, 0, 2},   [X86_WORD_7_EBX] = {7, 0, 1},
    [X86_WORD_7_ECX] = {7, 0, 2},           [X86_WORD_7_EDX] = {7, 0, 3},   [X86_WORD_81_EDX] = {0x80000001, 0, 3},
    [X86_WORD_81_ECX] = {0x80000001, 0, 2}, [X86_WORD_D1_EAX] = {0xd, 1, 0}, [X86_WORD_7_1_EAX] = {7, 1, 0},
};

// --- features by name ----------------------------------------------------------------------------------------------

static const struct {
    const char *name;
    enum x86_feature feature;
} names[] = {
#define FEATURE(name, text, word, bit) {text, X86_FEAT_##name},
#include "target-x86/features.inc"
#undef FEATURE
};

static const char *const name_list[] = {
#define FEATURE(name, text, word, bit) text,
#include "target-x86/features.inc"
#undef FEATURE
    NULL,
};

static void set_feature(struct x86_cpu *cpu, enum x86_feature feature, bool on)
{
    uint32_t bit = BIT32(feature & 31);
    uint32_t *word = &cpu->features[feature >> 5];
    *word = on ? *word | bit : *word & ~bit;
}

// A name with any of '-', '_' between its parts.
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
            return false;
    return *a == *b;
}

static int set_by_name(struct x86_cpu *cpu, const char *name, bool on, const char *model, struct error *error)
{
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (same_name(names[i].name, name)) {
            set_feature(cpu, names[i].feature, on);
            return 0;
        }
    }
    // What there is of it is always as asked for.
    static const char *const accepted[] = {"vme", "check", "enforce", "pmu", "svm", "vmx", "x2apic", "kvm",
                                           "monitor", NULL};
    for (unsigned i = 0; accepted[i]; i++)
        if (!on && !strcmp(accepted[i], name))
            return 0;
    const char *near = nearest_name(name, name_list);
    return error_set(error, EINVAL, "CPU '%s' has no feature '%s'%s%s%s", model, name, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
}

static int set_features(struct x86_cpu *cpu, const char *list, const char *separator, bool settings,
                        const char *model, struct error *error)
{
    char *copy = alloc_string(list), *rest = copy, *item;
    int status = 0;
    while (!status && (item = strsep(&rest, separator))) {
        bool on = true;
        if (!*item)
            continue;
        if (settings) {
            char *equals = strchr(item, '=');
            if (equals) {
                *equals = 0;
                on = !strcmp(equals + 1, "on") || !strcmp(equals + 1, "yes") || !strcmp(equals + 1, "true");
            } else if (*item == '+' || *item == '-') {
                on = *item++ == '+';
            }
        }
        status = set_by_name(cpu, item, on, model, error);
    }
    free(copy);
    return status;
}

// A feature without what it builds on would not be used, or worse.
static void drop_orphans(struct x86_cpu *cpu)
{
    static const struct {
        enum x86_feature feature, needs;
    } rows[] = {
        {X86_FEAT_SSE, X86_FEAT_FXSR},   {X86_FEAT_SSE2, X86_FEAT_SSE},   {X86_FEAT_SSE3, X86_FEAT_SSE2},
        {X86_FEAT_SSSE3, X86_FEAT_SSE3}, {X86_FEAT_SSE41, X86_FEAT_SSSE3}, {X86_FEAT_SSE42, X86_FEAT_SSE41},
        {X86_FEAT_AVX, X86_FEAT_XSAVE},  {X86_FEAT_AVX, X86_FEAT_SSE42},  {X86_FEAT_AVX2, X86_FEAT_AVX},
        {X86_FEAT_FMA, X86_FEAT_AVX},    {X86_FEAT_F16C, X86_FEAT_AVX},   {X86_FEAT_VAES, X86_FEAT_AVX},
        {X86_FEAT_VPCLMUL, X86_FEAT_AVX}, {X86_FEAT_PCID, X86_FEAT_LM},   {X86_FEAT_LA57, X86_FEAT_LM},
        {X86_FEAT_CX16, X86_FEAT_LM},    {X86_FEAT_PKU, X86_FEAT_LM},
        {X86_FEAT_PKU, X86_FEAT_XSAVE},
    };
    // SIMD is the host's.
    static const enum x86_feature simd[] = {
        X86_FEAT_SSE3, X86_FEAT_SSSE3, X86_FEAT_SSE41, X86_FEAT_SSE42, X86_FEAT_PCLMUL, X86_FEAT_AES, X86_FEAT_SHA,
        X86_FEAT_GFNI, X86_FEAT_AVX, X86_FEAT_FMA, X86_FEAT_F16C, X86_FEAT_AVX2, X86_FEAT_VAES, X86_FEAT_VPCLMUL,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(simd); i++)
        if (!x86_native_has(simd[i]))
            set_feature(cpu, simd[i], false);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (!x86_has(cpu, rows[i].needs))
            set_feature(cpu, rows[i].feature, false);
}

int x86_model_apply(struct x86_cpu *cpu, const char *text, struct error *error)
{
    char *copy = alloc_string(text), *rest = copy, *name = strsep(&rest, ",");
    const struct x86_model *model = NULL;
    int status = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        if (!strcasecmp(models[i].name, name))
            model = &models[i];
    if (!model) {
        const char *near = nearest_name(name, x86_cpu_models);
        status = error_set(error, ENOENT, "unknown CPU '%s'%s%s%s; -cpu help lists them", name,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    } else {
        cpu->model = model;
        if (model->is_host) // what the host does not have is taken away later
            memset(cpu->features, 0xff, sizeof(cpu->features));
        set_feature(cpu, X86_FEAT_BASE, true);
        status = set_features(cpu, model->features, " ", false, name, error);
        set_feature(cpu, X86_FEAT_HYPERVISOR, model->extended_level != 0);
        set_feature(cpu, X86_FEAT_APIC, cpu->config.intc != NULL && model->family > 4);
        if (!cpu->config.intc)
            set_feature(cpu, X86_FEAT_X2APIC, false);
        if (!status && rest)
            status = set_features(cpu, rest, ",", true, name, error);
        drop_orphans(cpu);
    }
    free(copy);
    return status;
}

void x86_cpu_print_models(FILE *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        fprintf(out, "  %-14s %s\n", models[i].name, models[i].help);
    fprintf(out, "Features, as in -cpu max,-avx2,+la57:\n ");
    unsigned column = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        unsigned length = (unsigned)strlen(names[i].name) + 1;
        if (column + length > 78) {
            fprintf(out, "\n ");
            column = 1;
        }
        fprintf(out, " %s", names[i].name);
        column += length;
    }
    fputc('\n', out);
}

// --- CPUID ---------------------------------------------------------------------------------------------------------

static uint32_t text4(const char *text)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4 && text[i]; i++)
        value |= (uint32_t)(uint8_t)text[i] << (i * 8);
    return value;
}

static uint32_t signature(const struct x86_model *m)
{
    unsigned family = m->family > 15 ? 15 : m->family, extended = m->family > 15 ? m->family - 15 : 0;
    return m->stepping | (m->model & 15) << 4 | family << 8 | (m->model >> 4) << 16 | extended << 20;
}

static unsigned at_least_one(unsigned value)
{
    return value ? value : 1;
}

static unsigned bits_for(unsigned count)
{
    return count > 1 ? 32 - clz32(count - 1) : 0;
}

struct topology {
    unsigned threads, cores, logical; // logical: processors in a package
};

static struct topology topology_of(const struct x86_cpu *cpu)
{
    struct topology t = {at_least_one(cpu->config.threads), at_least_one(cpu->config.cores), 0};
    t.logical = t.threads * t.cores;
    return t;
}

static void leaf_1(const struct x86_cpu *cpu, uint32_t out[4])
{
    struct topology t = topology_of(cpu);
    bool osxsave = cpu->cr4 & CR4_OSXSAVE;
    out[0] = signature(cpu->model);
    out[1] = 8 << 8 | t.logical << 16 | cpu->config.apic_id << 24;
    out[2] = cpu->features[X86_WORD_1_ECX] | (osxsave ? BIT32(27) : 0);
    out[3] = cpu->features[X86_WORD_1_EDX] | (t.logical > 1 ? BIT32(28) : 0);
}

// Deterministic cache parameters: L1 data, L1 code, L2, L3.
static void leaf_4(const struct x86_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    static const struct {
        uint8_t type, level, ways;
        uint16_t sets;
    } caches[] = {{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 16, 1024}, {3, 3, 16, 16384}};
    if (subleaf >= ARRAY_SIZE(caches))
        return;
    struct topology t = topology_of(cpu);
    unsigned sharing = caches[subleaf].level == 3 ? t.logical : t.threads;
    out[0] = caches[subleaf].type | caches[subleaf].level << 5 | 1 << 8 | (sharing - 1) << 14 | (t.cores - 1) << 26;
    out[1] = 63 | (caches[subleaf].ways - 1u) << 22;
    out[2] = caches[subleaf].sets - 1u;
}

static void leaf_b(const struct x86_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    struct topology t = topology_of(cpu);
    out[2] = subleaf & 0xff;
    out[3] = cpu->config.apic_id;
    if (subleaf == 0) {
        out[0] = bits_for(t.threads);
        out[1] = t.threads;
        out[2] |= 1 << 8;
    } else if (subleaf == 1) {
        out[0] = bits_for(t.threads) + bits_for(t.cores);
        out[1] = t.logical;
        out[2] |= 2 << 8;
    }
}

static void basic_leaf(const struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct x86_model *m = cpu->model;
    switch (leaf) {
    case 0:
        out[0] = m->level;
        out[1] = text4(m->vendor);
        out[3] = text4(m->vendor + 4);
        out[2] = text4(m->vendor + 8);
        break;
    case 1:
        leaf_1(cpu, out);
        break;
    case 2:
        out[0] = 0x01 | 0xff << 8; // see leaf 4
        break;
    case 4:
        if (x86_model_is_intel(m))
            leaf_4(cpu, subleaf, out);
        break;
    case 6:
        out[0] = 1 << 2; // the APIC timer runs always
        break;
    case 7:
        if (subleaf == 0) {
            out[1] = cpu->features[X86_WORD_7_EBX];
            out[2] = cpu->features[X86_WORD_7_ECX] | (cpu->cr4 & CR4_PKE ? 1 << 4 : 0);
            out[3] = cpu->features[X86_WORD_7_EDX];
        }
        break;
    case 0xb:
        leaf_b(cpu, subleaf, out);
        break;
    case 0xd:
        x86_cpuid_extended_state(cpu, subleaf, out);
        break;
    }
}

static void brand(const struct x86_cpu *cpu, uint32_t part, uint32_t out[4])
{
    char text[49] = {0};
    strncpy(text, cpu->model->brand, 48);
    for (unsigned i = 0; i < 4; i++)
        out[i] = text4(text + part * 16 + i * 4);
}

static void extended_leaf(const struct x86_cpu *cpu, uint32_t leaf, uint32_t out[4])
{
    struct topology t = topology_of(cpu);
    switch (leaf & 0xffff) {
    case 0:
        out[0] = cpu->model->extended_level;
        if (!x86_model_is_intel(cpu->model)) {
            out[1] = text4(cpu->model->vendor);
            out[3] = text4(cpu->model->vendor + 4);
            out[2] = text4(cpu->model->vendor + 8);
        }
        break;
    case 1:
        out[2] = cpu->features[X86_WORD_81_ECX];
        out[3] = cpu->features[X86_WORD_81_EDX];
        if (!x86_model_is_intel(cpu->model)) {
            out[0] = signature(cpu->model);
            // AMD repeats the bits that both words have.
            out[3] |= cpu->features[X86_WORD_1_EDX] & 0x0183f3ff;
            out[2] |= t.logical > 1 ? 2 : 0; // CmpLegacy
        }
        break;
    case 2:
    case 3:
    case 4:
        brand(cpu, (leaf & 0xf) - 2, out);
        break;
    case 5:
        out[2] = out[3] = 32u << 24 | 8 << 16 | 1 << 8 | 64;
        break;
    case 6:
        out[2] = 512u << 16 | 6 << 12 | 1 << 8 | 64;
        break;
    case 7:
        out[3] = 1 << 8; // the time-stamp counter runs always at one rate
        break;
    case 8:
        out[0] = clz64(~cpu->pa_mask) == 0 ? 64 - clz64(cpu->pa_mask) : 52;
        out[0] |= (x86_has(cpu, X86_FEAT_LA57) ? 57u : x86_has(cpu, X86_FEAT_LM) ? 48u : 32u) << 8;
        out[2] = t.logical > 1 && !x86_model_is_intel(cpu->model) ? t.logical - 1 : 0;
        break;
    }
}

void x86_cpuid(const struct x86_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    enum { HYPERVISOR_LEAVES = 0x40000000 };
    memset(out, 0, 4 * sizeof(*out));
    if (leaf >= 0x80000000) {
        if (leaf <= cpu->model->extended_level)
            extended_leaf(cpu, leaf, out);
    } else if (leaf == HYPERVISOR_LEAVES && x86_has(cpu, X86_FEAT_HYPERVISOR)) {
        out[0] = HYPERVISOR_LEAVES;
        out[1] = text4("TCGT");
        out[2] = text4("CGTC");
        out[3] = text4("GTCG");
    } else if (leaf < HYPERVISOR_LEAVES) {
        // Leaves beyond the last show that one on Intel processors; zeros are as good.
        if (leaf <= cpu->model->level)
            basic_leaf(cpu, leaf, subleaf, out);
    }
}
