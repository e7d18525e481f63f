// SPDX-License-Identifier: MIT
// The system register table, and CPU models: what identification promises is there.

#include <criterion/criterion.h>
#include <string.h>

#include "arm-machine.h"
#include "target-arm/arm.h"
#include "target-arm/decode.h"
#include "target-arm/models.h"
#include "target-arm/sysreg.h"
#include "tcg/base/bits.h"

static struct arm_cpu *cpu_with(const char *text, struct arm_cpu_config config)
{
    static struct arm_cpu cpu;
    struct error error = {""};
    memset(&cpu, 0, sizeof(cpu));
    cpu.config = config;
    cr_assert_eq(arm_model_apply(&cpu, text, false, &error), 0, "%s", error.text);
    return &cpu;
}

static void expect_error(const char *text, const char *words)
{
    struct arm_cpu cpu = {0};
    struct error error = {""};
    cr_assert_lt(arm_model_apply(&cpu, text, false, &error), 0, "%s", text);
    cr_assert(strstr(error.text, words), "'%s' gives '%s'", text, error.text);
}

// Each encoding has one row, which is found by it.
Test(sysreg, encodings_are_unique)
{
    struct arm_cpu cpu = {.features = ~UINT64_C(0)};
    for (unsigned i = 0; i < arm_sysreg_count(); i++) {
        const struct arm_sysreg *reg = arm_sysreg_at(i);
        if (!reg->encoding)
            continue;
        cr_assert_lt(reg->encoding, 1 << 16, "%s", reg->name);
        cr_assert_eq(arm_sysreg_find(&cpu, reg->encoding), reg, "%s and %s have one encoding", reg->name,
                     arm_sysreg_find(&cpu, reg->encoding)->name);
    }
}

// The levels above can do what a level can; a register holds something or has functions for its accesses.
Test(sysreg, rows_make_sense)
{
    for (unsigned i = 0; i < arm_sysreg_count(); i++) {
        const struct arm_sysreg *reg = arm_sysreg_at(i);
        bool readable = reg->access & 0xf, writable = reg->access & 0xf0;
        cr_assert(readable || writable, "%s", reg->name);
        for (unsigned el = 1; el < 3; el++)
            cr_assert(!arm_sysreg_allowed(reg, el, false) || arm_sysreg_allowed(reg, el + 1, false), "%s", reg->name);
        bool inert = reg->flags & (SR_ZERO | SR_CONST);
        if (readable && !inert)
            cr_assert(reg->read || reg->offset, "%s has nothing to read", reg->name);
        if (writable && !inert)
            cr_assert(reg->write || reg->offset, "%s drops writes", reg->name);
        cr_assert_lt(reg->offset, (int)sizeof(struct arm_cpu));
        cr_assert_eq(reg->offset % 8, 0, "%s", reg->name);
    }
}

Test(sysreg, known_encodings)
{
    static const struct {
        uint32_t encoding;
        const char *name;
    } known[] = {
        {ARM_SYSREG(3, 0, 0, 0, 0), "MIDR_EL1"},    {ARM_SYSREG(3, 0, 1, 0, 0), "SCTLR_EL1"},
        {ARM_SYSREG(3, 3, 13, 0, 2), "TPIDR_EL0"},  {ARM_SYSREG(3, 0, 12, 0, 0), "VBAR_EL1"},
        {ARM_SYSREG(3, 3, 14, 3, 1), "CNTV_CTL_EL0"}, {ARM_SYSREG(1, 0, 8, 3, 0), "TLBI_VMALLE1IS"},
        {ARM_SYSREG(1, 0, 8, 7, 1), "TLBI_VAE1"},   {ARM_SYSREG(1, 3, 7, 5, 1), "IC_IVAU"},
        {ARM_SYSREG(2, 0, 0, 15, 5), "DBGBCR15_EL1"}, {ARM_SYSREG(1, 0, 7, 8, 0), "AT_S1E1R"},
    };
    struct arm_cpu *cpu = cpu_with("max", (struct arm_cpu_config){0});
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
        cr_assert_str_eq(arm_sysreg_find(cpu, known[i].encoding)->name, known[i].name);
}

Test(sysreg, features_and_levels_that_are_absent)
{
    struct arm_cpu *cpu = cpu_with("cortex-a57", (struct arm_cpu_config){0});
    cr_assert_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 0, 2, 1, 0)), "no pointer authentication keys");
    cr_assert_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 4, 1, 1, 0)), "no HCR_EL2");
    cr_assert_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 0, 4, 2, 3)), "no PAN");
    cr_assert_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 3, 9, 12, 0)), "no PMU on this board");
    cpu = cpu_with("cortex-a57", (struct arm_cpu_config){.has_el2 = true, .has_pmu = true});
    cr_assert_not_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 4, 1, 1, 0)));
    cr_assert_not_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 3, 9, 12, 0)));
    cpu = cpu_with("cortex-a57,pmu=off", (struct arm_cpu_config){.has_pmu = true});
    cr_assert_null(arm_sysreg_find(cpu, ARM_SYSREG(3, 3, 9, 12, 0)));
}

Test(sysreg, gic_space)
{
    unsigned el;
    cr_assert(arm_sysreg_is_gic(ARM_SYSREG(3, 0, 12, 12, 0), &el) && el == 1); // ICC_IAR1_EL1
    cr_assert(arm_sysreg_is_gic(ARM_SYSREG(3, 0, 4, 6, 0), &el) && el == 1);   // ICC_PMR_EL1
    cr_assert(arm_sysreg_is_gic(ARM_SYSREG(3, 4, 12, 11, 0), &el) && el == 2); // ICH_HCR_EL2
    cr_assert(arm_sysreg_is_gic(ARM_SYSREG(3, 6, 12, 12, 4), &el) && el == 3); // ICC_CTLR_EL3
    cr_assert_not(arm_sysreg_is_gic(ARM_SYSREG(3, 0, 12, 0, 0), &el));         // VBAR_EL1
}

// AArch64 alone at EL0 and EL1, so that no guest tries AArch32; no feature without its instructions.
Test(models, advertise_what_is_there)
{
    uint64_t with_rows = 0;
    for (unsigned i = 0; i < a64_row_count(); i++)
        with_rows |= BIT64(a64_row_at(i)->feature);
    const uint64_t integer = BIT64(ARM_FEAT_CRC32) | BIT64(ARM_FEAT_LSE) | BIT64(ARM_FEAT_LOR) |
                             BIT64(ARM_FEAT_LRCPC) | BIT64(ARM_FEAT_LRCPC2) | BIT64(ARM_FEAT_FLAGM) |
                             BIT64(ARM_FEAT_FLAGM2) | BIT64(ARM_FEAT_PAUTH) | BIT64(ARM_FEAT_SB);
    for (const char *const *name = arm_cpu_models; *name; name++) {
        if (!strcmp(*name, "host"))
            continue; // has nothing of its own
        struct arm_cpu *cpu = cpu_with(*name, (struct arm_cpu_config){.mpidr = 0x102});
        cr_assert_eq(cpu->id.pfr0 & 0xff, 0x11, "%s", *name);
        cr_assert_eq(cpu->id.mpidr, 0x80000102);
        cr_assert_eq(cpu->features & integer & ~with_rows, 0, "%s", *name);
        cr_assert_eq(cpu->features, arm_features_of(&cpu->id));
        cr_assert_not(arm_has(cpu, ARM_FEAT_EL2) || arm_has(cpu, ARM_FEAT_EL3) || arm_has(cpu, ARM_FEAT_VHE));
        cr_assert_eq(extract64(cpu->id.pfr0, 28, 4), 0, "no RAS");
        cr_assert_eq(extract64(cpu->id.pfr0, 32, 4), 0, "no SVE");
    }
    struct arm_cpu *max = cpu_with("max", (struct arm_cpu_config){0});
    cr_assert_eq(max->features & integer, integer);
    cr_assert_eq(max->pa_bits, 52);
}

Test(models, settings)
{
    struct arm_cpu *cpu = cpu_with("max,pauth=off", (struct arm_cpu_config){0});
    cr_assert_not(arm_has(cpu, ARM_FEAT_PAUTH));
    cpu = cpu_with("max,pauth-qarma3=on", (struct arm_cpu_config){0});
    cr_assert_eq(cpu->pauth_algorithm, ARM_PAUTH_QARMA3);
    cr_assert_eq(extract64(cpu->id.isar1, 4, 8), 0);
    cr_assert_eq(extract64(cpu->id.isar2, 8, 8), 0x31);
    cpu = cpu_with("max,pauth-qarma5=on,lpa2=off", (struct arm_cpu_config){0});
    cr_assert_eq(cpu->pauth_algorithm, ARM_PAUTH_QARMA5);
    cr_assert_eq(extract64(cpu->id.isar1, 4, 4), 3);
    cr_assert_eq(cpu->pa_bits, 48);
    cr_assert_not(arm_has(cpu, ARM_FEAT_LPA2_4K));
}

Test(models, errors_name_the_nearest)
{
    expect_error("cortex-72", "did you mean 'cortex-a72'");
    expect_error("max,paut=on", "'pauth'");
    expect_error("max,sve=on", "SVE");
    expect_error("host", "-accel kvm");
    expect_error("max,aarch64=off", "aarch64=off");
    expect_error("cortex-a57,pauth-impdef=on", "no pointer authentication");
    expect_error("max,pauth-impdef=on,pauth-qarma3=on", "one of");
    expect_error("max,pauth=perhaps", "perhaps");
}

// Under KVM, what is asked of the host beyond the identification registers.
Test(models, wishes)
{
    struct arm_cpu cpu = {.config.has_pmu = true};
    struct error error = {""};
    cr_assert_eq(arm_model_apply(&cpu, "max,pmu=off", true, &error), 0, "%s", error.text);
    cr_assert(cpu.wishes.host && cpu.wishes.pauth && cpu.wishes.sve && !cpu.wishes.pmu);
    cr_assert_eq(arm_model_apply(&cpu, "host,pauth=off,sve=off", true, &error), 0, "%s", error.text);
    cr_assert(cpu.wishes.host && !cpu.wishes.pauth && !cpu.wishes.sve && cpu.wishes.pmu);
    cr_assert_eq(arm_model_apply(&cpu, "cortex-a72", true, &error), 0, "%s", error.text);
    cr_assert(!cpu.wishes.host && !cpu.wishes.pauth && !cpu.wishes.sve && cpu.wishes.pmu);
}
