// SPDX-License-Identifier: MIT
// What system registers say about address translation (Arm ARM, D8): the regimes and what the soft TLB is keyed by, and the
// parameters of a stage 1 walk.

#include "target-arm/mmu-private.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"

// --- what the soft TLB is keyed by ---------------------------------------------------------------------------------

enum { REGIME_MMU_OFF = 1 << 7 };

enum arm_regime arm_regime_of(const struct arm_cpu *cpu, unsigned el)
{
    (void)cpu;
    return el == 3 ? ARM_REGIME_EL3 : el == 2 ? ARM_REGIME_EL2 : ARM_REGIME_EL10;
}

unsigned arm_regime_el(enum arm_regime regime)
{
    return regime == ARM_REGIME_EL3 ? 3 : regime == ARM_REGIME_EL2 ? 2 : 1;
}

bool arm_stage2_enabled(const struct arm_cpu *cpu, enum arm_regime regime)
{
    return regime == ARM_REGIME_EL10 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & (HCR_VM | HCR_DC));
}

bool arm_stage1_enabled(const struct arm_cpu *cpu, enum arm_regime regime)
{
    if (regime == ARM_REGIME_EL10 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & (HCR_DC | HCR_TGE)))
        return false;
    return cpu->sctlr_el[arm_regime_el(regime)] & SCTLR_M;
}

uint32_t arm_regime_key(const struct arm_cpu *cpu, enum arm_regime regime)
{
    uint32_t vmid = arm_stage2_enabled(cpu, regime) ? cpu->vttbr_el2 >> 48 : 0;
    return (uint32_t)regime | vmid << 8;
}

uint64_t arm_space_key(const struct arm_cpu *cpu)
{
    enum arm_regime regime = arm_regime_of(cpu, cpu->el);
    uint64_t key = arm_regime_key(cpu, regime);
    if (!arm_stage1_enabled(cpu, regime))
        return (key | REGIME_MMU_OFF) << 32 | 1;
    uint64_t asid = 0;
    if (regime == ARM_REGIME_EL10) {
        asid = (cpu->tcr_el[1] & TCR_A1 ? cpu->ttbr1_el[1] : cpu->ttbr0_el[1]) >> 48;
        if (!(cpu->tcr_el[1] & TCR_AS))
            asid &= 0xff;
    }
    return key << 32 | (asid + 1);
}

// --- translation parameters ----------------------------------------------------------------------------------------

static unsigned address_bits(const struct arm_cpu *cpu, unsigned ps)
{
    static const uint8_t bits[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    return bits[ps & 7] < cpu->pa_bits ? bits[ps & 7] : cpu->pa_bits;
}

static unsigned granule0(unsigned tg)
{
    return tg == 1 ? 16 : tg == 2 ? 14 : 12;
}

static unsigned granule1(unsigned tg)
{
    return tg == 3 ? 16 : tg == 1 ? 14 : 12;
}

unsigned arm_input_bits(const struct arm_cpu *cpu, unsigned tsz, unsigned granule_bits, bool ds)
{
    bool large = granule_bits == 16 ? arm_has(cpu, ARM_FEAT_LVA) : ds;
    unsigned least = large ? 12 : 16;
    return 64 - (tsz < least ? least : tsz > 39 ? 39 : tsz);
}

static bool lpa2_granule(const struct arm_cpu *cpu, unsigned granule_bits)
{
    return (granule_bits == 12 && arm_has(cpu, ARM_FEAT_LPA2_4K)) ||
           (granule_bits == 14 && arm_has(cpu, ARM_FEAT_LPA2_16K));
}

static struct arm_params params_two_ranges(const struct arm_cpu *cpu, uint64_t gva, bool fetch)
{
    uint64_t tcr = cpu->tcr_el[1];
    struct arm_params p = {.two_ranges = true, .upper = gva >> 55 & 1};
    unsigned tsz;
    bool tbid;
    if (p.upper) {
        p.ttbr = cpu->ttbr1_el[1];
        tsz = extract64(tcr, 16, 6);
        p.granule_bits = granule1(extract64(tcr, 30, 2));
        p.disabled = tcr & TCR_EPD1;
        p.e0pd = tcr & TCR_E0PD1;
        p.tbi = tcr & TCR_TBI1;
        tbid = tcr & TCR_TBID1;
        p.hpd = tcr & TCR_HPD1;
        p.sh = extract64(tcr, 28, 2);
    } else {
        p.ttbr = cpu->ttbr0_el[1];
        tsz = extract64(tcr, 0, 6);
        p.granule_bits = granule0(extract64(tcr, 14, 2));
        p.disabled = tcr & TCR_EPD0;
        p.e0pd = tcr & TCR_E0PD0;
        p.tbi = tcr & TCR_TBI0;
        tbid = tcr & TCR_TBID0;
        p.hpd = tcr & TCR_HPD0;
        p.sh = extract64(tcr, 12, 2);
    }
    p.ha = tcr & TCR_HA;
    p.hd = tcr & TCR_HD;
    p.ds = (tcr & TCR_DS) && lpa2_granule(cpu, p.granule_bits);
    p.output_bits = address_bits(cpu, extract64(tcr, 32, 3));
    p.input_bits = arm_input_bits(cpu, tsz, p.granule_bits, p.ds);
    if (fetch && tbid && arm_has(cpu, ARM_FEAT_PAUTH))
        p.tbi = false;
    return p;
}

static struct arm_params params_one_range(const struct arm_cpu *cpu, unsigned el, bool fetch)
{
    uint64_t tcr = cpu->tcr_el[el];
    struct arm_params p = {
        .ttbr = cpu->ttbr0_el[el],
        .granule_bits = granule0(extract64(tcr, 14, 2)),
        .tbi = tcr & TCR2_TBI,
        .hpd = tcr & TCR2_HPD,
        .ha = tcr & TCR2_HA,
        .hd = tcr & TCR2_HD,
        .sh = extract64(tcr, 12, 2),
        .output_bits = address_bits(cpu, extract64(tcr, 16, 3)),
    };
    p.ds = (tcr & TCR2_DS) && lpa2_granule(cpu, p.granule_bits);
    p.input_bits = arm_input_bits(cpu, extract64(tcr, 0, 6), p.granule_bits, p.ds);
    if (fetch && (tcr & TCR2_TBID) && arm_has(cpu, ARM_FEAT_PAUTH))
        p.tbi = false;
    return p;
}

struct arm_params arm_params_of(const struct arm_cpu *cpu, enum arm_regime regime, uint64_t gva, bool fetch)
{
    unsigned el = arm_regime_el(regime);
    struct arm_params p = regime == ARM_REGIME_EL10 ? params_two_ranges(cpu, gva, fetch)
                                                : params_one_range(cpu, el, fetch);
    uint64_t sctlr = cpu->sctlr_el[el];
    p.big_endian = sctlr & SCTLR_EE;
    p.wxn = sctlr & SCTLR_WXN;
    p.epan = arm_has(cpu, ARM_FEAT_PAN3) && (sctlr & SCTLR_EPAN);
    p.e0pd = p.e0pd && arm_has(cpu, ARM_FEAT_E0PD);
    p.hpd = p.hpd && arm_has(cpu, ARM_FEAT_HPDS);
    p.ha = p.ha && arm_has(cpu, ARM_FEAT_HAFDBS);
    p.hd = p.hd && p.ha;
    return p;
}

uint64_t arm_strip_tag(const struct arm_params *p, uint64_t gva)
{
    if (!p->tbi)
        return gva;
    return p->two_ranges ? (uint64_t)sextract64(gva, 0, 56) : extract64(gva, 0, 56);
}

void arm_address_layout_update(struct arm_cpu *cpu, unsigned el)
{
    struct arm_address_layout *l = &cpu->address_layout;
    for (unsigned i = 0; i < 4; i++) {
        struct arm_params p = arm_params_of(cpu, arm_regime_of(cpu, el), i & 2 ? BIT64(55) : 0, i & 1);
        l->extension[i] = mask64(p.tbi ? 56 : 64) & ~mask64(p.input_bits);
    }
    l->tcr = cpu->tcr_el[el];
    l->el = (uint8_t)el;
}

bool arm_in_range(const struct arm_params *p, uint64_t va)
{
    uint64_t above = va >> p->input_bits;
    return p->upper ? above == ~UINT64_C(0) >> p->input_bits : above == 0;
}
