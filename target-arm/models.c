// SPDX-License-Identifier: MIT
// CPU models. Named processors carry their own identification, from their technical reference manuals, less what is
// not implemented here; "max" is everything that is. The features that instructions and registers ask for are computed
// from these registers, so that nothing works that is not advertised, nor the other way round.
//
// Left out of what the named processors have: AArch32 at EL0 and above, RAS, VHE, XNX, statistical profiling, trace.

#include "target-arm/models.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/property.h"
#include "target-arm/arm.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

#define FIELD(value, shift) ((uint64_t)(value) << (shift))

struct arm_model {
    const char *name, *help;
    struct arm_id id;
};

// ID_AA64PFR0_EL1: AArch64 only at EL0 and EL1; EL2, EL3 and GIC are the board's.
#define PFR0_AARCH64 (FIELD(1, 0) | FIELD(1, 4))
#define PFR0_FP16 (FIELD(1, 16) | FIELD(1, 20))
#define PFR0_CSV (FIELD(1, 56) | FIELD(1, 60)) // no speculation leaks to work around

// ID_AA64DFR0_EL1: Armv8 debug, with these numbers of breakpoints, watchpoints and context-aware breakpoints.
#define DFR0(breakpoints, watchpoints, contexts)                                                                     \
    (FIELD(6, 0) | FIELD((breakpoints) - 1, 12) | FIELD((watchpoints) - 1, 20) | FIELD((contexts) - 1, 28))

// ID_AA64ISAR0_EL1 of Armv8.0 with cryptography, and of the Armv8.2 processors.
#define ISAR0_V80 (FIELD(2, 4) | FIELD(1, 8) | FIELD(1, 12) | FIELD(1, 16))
#define ISAR0_V82 (ISAR0_V80 | FIELD(2, 20) | FIELD(1, 28) | FIELD(1, 44))

enum { DCZID_64_BYTES = 4, CLIDR_SPLIT_L1_L2 = 0x0a200023, CLIDR_SPLIT_L1_L2_L3 = 0x82000023 };

static const struct arm_model models[] = {
    {"cortex-a53", "Arm Cortex-A53",
     {.midr = 0x410fd034, .revidr = 0x100, .ctr = 0x84448004, .dczid = DCZID_64_BYTES, .clidr = CLIDR_SPLIT_L1_L2,
      .pfr0 = PFR0_AARCH64, .dfr0 = DFR0(6, 4, 2), .isar0 = ISAR0_V80, .mmfr0 = 0x1122,
      .ccsidr = {0x700fe01a, 0x201fe00a, 0x707fe07a}}},
    {"cortex-a57", "Arm Cortex-A57",
     {.midr = 0x411fd070, .ctr = 0x8444c004, .dczid = DCZID_64_BYTES, .clidr = CLIDR_SPLIT_L1_L2,
      .pfr0 = PFR0_AARCH64, .dfr0 = DFR0(6, 4, 2), .isar0 = ISAR0_V80, .mmfr0 = 0x1124,
      .ccsidr = {0x701fe00a, 0x201fe012, 0x70ffe07a}}},
    {"cortex-a72", "Arm Cortex-A72",
     {.midr = 0x410fd083, .ctr = 0x8444c004, .dczid = DCZID_64_BYTES, .clidr = CLIDR_SPLIT_L1_L2,
      .pfr0 = PFR0_AARCH64, .dfr0 = DFR0(6, 4, 2), .isar0 = ISAR0_V80, .mmfr0 = 0x1124,
      .ccsidr = {0x701fe00a, 0x201fe012, 0x707fe07a}}},
    {"cortex-a76", "Arm Cortex-A76",
     {.midr = 0x414fd0b1, .ctr = 0x8444c004, .dczid = DCZID_64_BYTES, .clidr = CLIDR_SPLIT_L1_L2_L3,
      .pfr0 = PFR0_AARCH64 | PFR0_FP16 | PFR0_CSV, .pfr1 = FIELD(1, 4), .dfr0 = DFR0(6, 4, 2), .isar0 = ISAR0_V82,
      .isar1 = FIELD(1, 0) | FIELD(1, 20), .mmfr0 = 0x101122, .mmfr1 = 0x00211022, .mmfr2 = 0x0011,
      .ccsidr = {0x701fe01a, 0x201fe01a, 0x707fe03a}}},
    {"neoverse-n1", "Arm Neoverse N1",
     {.midr = 0x414fd0c1, .ctr = 0x8444c004, .dczid = DCZID_64_BYTES, .clidr = CLIDR_SPLIT_L1_L2_L3,
      .pfr0 = PFR0_AARCH64 | PFR0_FP16 | PFR0_CSV, .pfr1 = FIELD(2, 4), .dfr0 = DFR0(6, 4, 2), .isar0 = ISAR0_V82,
      .isar1 = FIELD(1, 0) | FIELD(1, 20), .mmfr0 = 0x101125, .mmfr1 = 0x00211022, .mmfr2 = 0x0011,
      .ccsidr = {0x701fe01a, 0x201fe01a, 0x70ffe03a}}},
    {"max", "everything that is implemented",
     {.midr = 0x000f0510,
      // IDC and DIC: caches need no cleaning for instructions to be seen.
      .ctr = 0x8444c004 | FIELD(3, 28), .dczid = DCZID_64_BYTES, .clidr = CLIDR_SPLIT_L1_L2,
      .pfr0 = PFR0_AARCH64 | PFR0_FP16 | PFR0_CSV | FIELD(1, 48),
      .pfr1 = FIELD(1, 0) | FIELD(2, 4),
      .dfr0 = DFR0(6, 4, 2),
      // AES+PMULL, SHA1, SHA2+SHA512, CRC32, LSE, RDM, SHA3, SM3, SM4, DP, FHM, FlagM2, TLB ranges, RNDR
      .isar0 = FIELD(2, 4) | FIELD(1, 8) | FIELD(2, 12) | FIELD(1, 16) | FIELD(2, 20) | FIELD(1, 28) |
               FIELD(1, 32) | FIELD(1, 36) | FIELD(1, 40) | FIELD(1, 44) | FIELD(1, 48) | FIELD(2, 52) |
               FIELD(2, 56) | FIELD(1, 60),
      // DPB2, JSCVT, FCMA, LRCPC2, FRINTTS, SB, SPECRES, BF16, I8MM; pointer authentication is a setting
      .isar1 = FIELD(2, 0) | FIELD(1, 12) | FIELD(1, 16) | FIELD(2, 20) | FIELD(1, 32) | FIELD(1, 36) |
               FIELD(1, 40) | FIELD(1, 44) | FIELD(1, 52),
      // 48-bit physical addresses, 16-bit ASIDs, mixed endian, 16K granule; 52 bits with lpa2
      .mmfr0 = FIELD(5, 0) | FIELD(2, 4) | FIELD(1, 8) | FIELD(1, 16) | FIELD(1, 20),
      // HAFDBS, VMID16, HPDS, LOR, PAN3
      .mmfr1 = FIELD(2, 0) | FIELD(2, 4) | FIELD(1, 12) | FIELD(1, 16) | FIELD(3, 20),
      // CnP, UAO, TTL, E0PD
      .mmfr2 = FIELD(1, 0) | FIELD(1, 4) | FIELD(1, 48) | FIELD(1, 60),
      .ccsidr = {0x701fe00a, 0x201fe012, 0x70ffe07a}}},
    {"host", "this host's processor (with -accel kvm)", {.midr = 0x000f0510}},
};

static bool is_host(const struct arm_model *model)
{
    return !strcmp(model->name, "host");
}

static bool is_max(const struct arm_model *model)
{
    return is_host(model) || !strcmp(model->name, "max");
}

const char *const arm_cpu_models[] = {"cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76",
                                      "neoverse-n1", "max", "host", NULL};
_Static_assert(ARRAY_SIZE(models) + 1 == ARRAY_SIZE(arm_cpu_models), "every model is listed");

// --- features ------------------------------------------------------------------------------------------------------

uint64_t arm_features_of(const struct arm_id *id)
{
    const struct {
        uint8_t feature;
        uint64_t reg;
        uint8_t shift, from, to; // the field's values that mean it
    } rows[] = {
        {ARM_FEAT_FP, id->pfr0, 16, 0, 14},       {ARM_FEAT_ASIMD, id->pfr0, 20, 0, 14},
        {ARM_FEAT_FP16, id->pfr0, 16, 1, 14},     {ARM_FEAT_DIT, id->pfr0, 48, 1, 15},
        {ARM_FEAT_EL2, id->pfr0, 8, 1, 15},       {ARM_FEAT_EL3, id->pfr0, 12, 1, 15},
        {ARM_FEAT_GICV3, id->pfr0, 24, 1, 15},    {ARM_FEAT_BTI, id->pfr1, 0, 1, 15},
        {ARM_FEAT_SSBS, id->pfr1, 4, 1, 15},      {ARM_FEAT_PMU, id->dfr0, 8, 1, 14},
        {ARM_FEAT_AES, id->isar0, 4, 1, 15},      {ARM_FEAT_PMULL, id->isar0, 4, 2, 15},
        {ARM_FEAT_SHA1, id->isar0, 8, 1, 15},     {ARM_FEAT_SHA256, id->isar0, 12, 1, 15},
        {ARM_FEAT_SHA512, id->isar0, 12, 2, 15},  {ARM_FEAT_CRC32, id->isar0, 16, 1, 15},
        {ARM_FEAT_LSE, id->isar0, 20, 2, 15},     {ARM_FEAT_RDM, id->isar0, 28, 1, 15},
        {ARM_FEAT_SHA3, id->isar0, 32, 1, 15},    {ARM_FEAT_SM3, id->isar0, 36, 1, 15},
        {ARM_FEAT_SM4, id->isar0, 40, 1, 15},     {ARM_FEAT_DOTPROD, id->isar0, 44, 1, 15},
        {ARM_FEAT_FHM, id->isar0, 48, 1, 15},     {ARM_FEAT_FLAGM, id->isar0, 52, 1, 15},
        {ARM_FEAT_FLAGM2, id->isar0, 52, 2, 15},  {ARM_FEAT_TLBIOS, id->isar0, 56, 1, 15},
        {ARM_FEAT_TLBIRANGE, id->isar0, 56, 2, 15}, {ARM_FEAT_RNG, id->isar0, 60, 1, 15},
        {ARM_FEAT_DPB, id->isar1, 0, 1, 15},      {ARM_FEAT_DPB2, id->isar1, 0, 2, 15},
        {ARM_FEAT_PAUTH, id->isar1, 4, 1, 15},    {ARM_FEAT_PAUTH, id->isar1, 8, 1, 15},
        {ARM_FEAT_PAUTH, id->isar2, 12, 1, 15},   {ARM_FEAT_JSCVT, id->isar1, 12, 1, 15},
        {ARM_FEAT_FCMA, id->isar1, 16, 1, 15},    {ARM_FEAT_LRCPC, id->isar1, 20, 1, 15},
        {ARM_FEAT_LRCPC2, id->isar1, 20, 2, 15},  {ARM_FEAT_FRINTTS, id->isar1, 32, 1, 15},
        {ARM_FEAT_SB, id->isar1, 36, 1, 15},      {ARM_FEAT_SPECRES, id->isar1, 40, 1, 15},
        {ARM_FEAT_BF16, id->isar1, 44, 1, 15},    {ARM_FEAT_I8MM, id->isar1, 52, 1, 15},
        {ARM_FEAT_ASID16, id->mmfr0, 4, 2, 15},   {ARM_FEAT_LPA2_4K, id->mmfr0, 28, 1, 14},
        {ARM_FEAT_LPA2_16K, id->mmfr0, 20, 2, 15}, {ARM_FEAT_HAFDBS, id->mmfr1, 0, 2, 15},
        {ARM_FEAT_HPDS, id->mmfr1, 12, 1, 15},    {ARM_FEAT_LOR, id->mmfr1, 16, 1, 15},
        {ARM_FEAT_PAN, id->mmfr1, 20, 1, 15},     {ARM_FEAT_PAN2, id->mmfr1, 20, 2, 15},
        {ARM_FEAT_PAN3, id->mmfr1, 20, 3, 15},    {ARM_FEAT_VHE, id->mmfr1, 8, 1, 15},
        {ARM_FEAT_UAO, id->mmfr2, 4, 1, 15},      {ARM_FEAT_LVA, id->mmfr2, 16, 1, 15},
        {ARM_FEAT_E0PD, id->mmfr2, 60, 1, 15},
    };
    uint64_t features = BIT64(ARM_FEAT_BASE);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned value = extract64(rows[i].reg, rows[i].shift, 4);
        if (value >= rows[i].from && value <= rows[i].to)
            features |= BIT64(rows[i].feature);
    }
    return features;
}

// --- settings ------------------------------------------------------------------------------------------------------

struct settings {
    bool aarch64, pmu, pauth, pauth_impdef, pauth_qarma3, pauth_qarma5, lpa2, sve, sme;
};

#define SETTING(name, field, initial, help) {name, PROPERTY_BOOL, offsetof(struct settings, field), initial, help, NULL}
static const struct property settings_table[] = {
    SETTING("aarch64", aarch64, "on", "AArch64 state (cannot be off)"),
    SETTING("pmu", pmu, "on", "performance monitors, where the machine wires them"),
    SETTING("pauth", pauth, "on", "pointer authentication (max)"),
    SETTING("pauth-impdef", pauth_impdef, "off", "pointer authentication by a fast function (max's default)"),
    SETTING("pauth-qarma3", pauth_qarma3, "off", "pointer authentication by the QARMA3 cipher (max)"),
    SETTING("pauth-qarma5", pauth_qarma5, "off", "pointer authentication by the QARMA5 cipher (max)"),
    SETTING("lpa2", lpa2, "on", "52-bit addresses with 4K and 16K pages (max)"),
    SETTING("sve", sve, "off", "Scalable Vector Extension (under KVM alone, and on there for max)"),
    SETTING("sme", sme, "off", "Scalable Matrix Extension (not implemented)"),
    {0},
};
#undef SETTING

// "name=value,..." into settings. `text` is taken apart.
static int parse_settings(struct settings *s, char *text, const char *model, bool kvm, struct error *error)
{
    char *owner = alloc_format("CPU '%s'", model), *rest = text;
    int status = 0;
    while (!status && rest && *rest) {
        char *item = strsep(&rest, ","), *equals = strchr(item, '=');
        if (equals)
            *equals = 0;
        status = property_set(settings_table, s, owner, item, equals ? equals + 1 : "on", NULL, error);
    }
    free(owner);
    if (status)
        return status;
    if (!s->aarch64)
        return error_set(error, EINVAL, "CPU '%s': aarch64=off is not possible, there is no AArch32 state", model);
    if ((s->sve && !kvm) || s->sme)
        return error_set(error, EINVAL, "CPU '%s': %s is not implemented; leave %s=on away", model,
                         s->sme ? "SME" : "SVE", s->sme ? "sme" : "sve");
    if (s->pauth_impdef + s->pauth_qarma3 + s->pauth_qarma5 > 1)
        return error_set(error, EINVAL, "CPU '%s': choose one of pauth-impdef, pauth-qarma3 and pauth-qarma5", model);
    return 0;
}

// Pointer authentication of FEAT_PAuth2 by one algorithm, address and generic.
static void set_pauth(struct arm_cpu *cpu, const struct settings *s)
{
    enum { PAUTH2 = 3 };
    if (s->pauth_qarma5) {
        cpu->pauth_algorithm = ARM_PAUTH_QARMA5;
        cpu->id.isar1 |= FIELD(PAUTH2, 4) | FIELD(1, 24);
    } else if (s->pauth_qarma3) {
        cpu->pauth_algorithm = ARM_PAUTH_QARMA3;
        cpu->id.isar2 |= FIELD(PAUTH2, 12) | FIELD(1, 8);
    } else {
        cpu->pauth_algorithm = ARM_PAUTH_IMPDEF;
        cpu->id.isar1 |= FIELD(PAUTH2, 8) | FIELD(1, 28);
    }
}

// 52-bit addresses: physical, with the 64K granule, and by FEAT_LPA2 with the others, at both stages' stage 1.
static void set_lpa2(struct arm_id *id)
{
    id->mmfr0 = deposit64(id->mmfr0, 0, 4, 6);
    id->mmfr0 = deposit64(id->mmfr0, 28, 4, 1);
    id->mmfr0 = deposit64(id->mmfr0, 20, 4, 2);
    id->mmfr2 = deposit64(id->mmfr2, 16, 4, 1);
    // Stage 2 has its own fields: 4K and 16K without LPA2.
    id->mmfr0 |= FIELD(2, 40) | FIELD(2, 32) | FIELD(2, 36);
}

static void apply_config(struct arm_cpu *cpu, const struct settings *s)
{
    struct arm_id *id = &cpu->id;
    const struct arm_cpu_config *config = &cpu->config;
    id->mpidr = BIT64(31) | config->mpidr;
    id->rvbar = config->reset_pc;
    id->cbar = config->periph_base;
    id->pfr0 |= FIELD(config->has_el2, 8) | FIELD(config->has_el3, 12) | FIELD(config->has_gicv3, 24);
    if (config->has_pmu && s->pmu) {
        enum { CYCLE_EVENT = 0x11 };
        id->dfr0 |= FIELD(1, 8);
        id->pmcr = extract64(id->midr, 24, 8) << 24 | extract64(id->midr, 4, 8) << 16 | 1 << 6;
        id->pmceid[0] = BIT64(CYCLE_EVENT);
    }
}

void arm_model_identified(struct arm_cpu *cpu)
{
    static const uint8_t pa_bits[16] = {32, 36, 40, 42, 44, 48, 52, 56};
    cpu->features = arm_features_of(&cpu->id);
    cpu->pa_bits = pa_bits[cpu->id.mmfr0 & 15];
    cpu->id.dbg_breakpoints = extract64(cpu->id.dfr0, 12, 4) + 1;
    cpu->id.dbg_watchpoints = extract64(cpu->id.dfr0, 20, 4) + 1;
}

const char *arm_model_name(const struct arm_cpu *cpu)
{
    return cpu->model->name;
}

static const struct arm_model *find_model(const char *name, struct error *error)
{
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        if (!strcmp(models[i].name, name))
            return &models[i];
    const char *near = nearest_name(name, arm_cpu_models);
    error_set(error, ENOENT, "unknown CPU '%s'%s%s%s; -cpu help lists them", name, near ? "; did you mean '" : "",
              near ? near : "", near ? "'?" : "");
    return NULL;
}

static void apply(struct arm_cpu *cpu, const struct arm_model *model, const struct settings *s)
{
    cpu->model = model;
    cpu->id = model->id;
    if (is_max(model) && s->pauth)
        set_pauth(cpu, s);
    if (is_max(model) && s->lpa2)
        set_lpa2(&cpu->id);
    apply_config(cpu, s);
    arm_model_identified(cpu);
    cpu->wishes = (struct arm_wishes){is_max(model), cpu->config.has_pmu && s->pmu, is_max(model) && s->pauth, is_max(model) && s->sve};
}

int arm_model_apply(struct arm_cpu *cpu, const char *text, bool kvm, struct error *error)
{
    char *copy = alloc_string(text), *rest = copy, *name = strsep(&rest, ",");
    const struct arm_model *model = find_model(name, error);
    int status = model ? 0 : -ENOENT;
    struct settings s;
    property_set_defaults(settings_table, &s);
    s.sve = kvm && model && is_max(model); // where the host has it
    if (!status)
        status = parse_settings(&s, rest, name, kvm, error);
    if (!status && !is_max(model) && (s.pauth_impdef || s.pauth_qarma3 || s.pauth_qarma5))
        status = error_set(error, EINVAL, "CPU '%s' has no pointer authentication; -cpu max has", name);
    if (!status && is_host(model) && !kvm)
        status = error_set(error, EINVAL, "CPU 'host' needs -accel kvm");
    if (!status)
        apply(cpu, model, &s);
    free(copy);
    return status;
}

void arm_cpu_print_models(FILE *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        fprintf(out, "  %-14s %s\n", models[i].name, models[i].help);
    fprintf(out, "Settings, as in -cpu max,lpa2=off:\n");
    property_print_help(settings_table, out);
}
