// SPDX-License-Identifier: MIT
// TLB maintenance, address translation and cache maintenance instructions (Arm ARM, C5.3 to C5.5, D8.14).
//
// Inner and Outer Shareable forms reach every processor of the machine. Hints of the table level (FEAT_TTL) are
// ignored: the soft TLB knows the size of what it holds. Caches are coherent, so cleaning only checks the address.

#include "hw/core/machine.h"
#include "target-arm/exception.h"
#include "target-arm/mmu.h"
#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg-private.h"
#include "tcg/exec/tlb.h"

static unsigned op1_of(const struct arm_sysreg *reg)
{
    return reg->encoding >> 11 & 7;
}

static unsigned crm_of(const struct arm_sysreg *reg)
{
    return reg->encoding >> 3 & 15;
}

// --- TLBI ----------------------------------------------------------------------------------------------------------

static enum arm_regime regime_of(const struct arm_sysreg *reg)
{
    return op1_of(reg) == 6 ? ARM_REGIME_EL3 : op1_of(reg) == 4 ? ARM_REGIME_EL2 : ARM_REGIME_EL10;
}

struct flush {
    enum { FLUSH_ALL, FLUSH_REGIME, FLUSH_KEY, FLUSH_RANGE } kind;
    uint32_t regime;
    uint64_t key;
    bool all_keys;
    uint64_t gva, size;
};

static void flush_one(struct tcg_cpu *tcg, const struct flush *f)
{
    enum { TAG_BITS = 8 };
    switch (f->kind) {
    case FLUSH_ALL:
        tlb_flush_all(tcg);
        break;
    case FLUSH_REGIME:
        tlb_flush_regime(tcg, f->regime);
        break;
    case FLUSH_KEY:
        tlb_flush_key(tcg, f->key);
        break;
    case FLUSH_RANGE:
        tlb_flush_range(tcg, f->key, f->all_keys, f->gva, f->size, TAG_BITS);
        break;
    }
}

static bool is_shareable(const struct arm_sysreg *reg)
{
    unsigned crm = crm_of(reg);
    return crm == 0 || crm == 1 || crm == 2 || crm == 3 || crm == 5 || (crm == 4 && (reg->encoding & 3) != 1);
}

static void flush(struct arm_cpu *cpu, const struct arm_sysreg *reg, const struct flush *f)
{
    const struct vcpu_group *group = cpu->tcg.vcpu.group;
    if (!group || !is_shareable(reg)) {
        flush_one(&cpu->tcg, f);
        return;
    }
    for (unsigned i = 0; i < group->count; i++)
        flush_one(tcg_cpu_of(group->cpus[i]), f);
}

static uint64_t asid_key(const struct arm_cpu *cpu, enum arm_regime regime, uint64_t value)
{
    uint64_t asid = regime == ARM_REGIME_EL10 ? value >> 48 : 0;
    if (regime == ARM_REGIME_EL10 && !(cpu->tcr_el[1] & TCR_AS))
        asid &= 0xff;
    return (uint64_t)arm_regime_key(cpu, regime) << 32 | (asid + 1);
}

void arm_tlbi_all(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)value;
    flush(cpu, reg, &(struct flush){.kind = FLUSH_ALL});
}

void arm_tlbi_regime(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)value;
    flush(cpu, reg, &(struct flush){.kind = FLUSH_REGIME, .regime = arm_regime_key(cpu, regime_of(reg))});
}

void arm_tlbi_vmalle1(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)value;
    flush(cpu, reg, &(struct flush){.kind = FLUSH_REGIME, .regime = arm_regime_key(cpu, ARM_REGIME_EL10)});
}

void arm_tlbi_aside1(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    flush(cpu, reg, &(struct flush){.kind = FLUSH_KEY, .key = asid_key(cpu, ARM_REGIME_EL10, value)});
}

// VAA forms are for every ASID; op2 bit 1 tells. Regimes without ASIDs have one context.
static bool every_asid(const struct arm_sysreg *reg)
{
    return regime_of(reg) == ARM_REGIME_EL10 && (reg->encoding & 2);
}

void arm_tlbi_va(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    flush(cpu, reg,
          &(struct flush){.kind = FLUSH_RANGE,
                          .key = asid_key(cpu, regime_of(reg), value),
                          .all_keys = every_asid(reg),
                          .gva = (uint64_t)sextract64(value, 0, 44) << 12,
                          .size = TLB_PAGE_SIZE});
}

void arm_tlbi_range(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    static const uint8_t granules[4] = {0, 12, 14, 16};
    unsigned granule = granules[extract64(value, 46, 2)], scale = extract64(value, 44, 2);
    if (!granule)
        return; // reserved: nothing need be invalidated
    enum arm_regime regime = regime_of(reg);
    unsigned el = regime == ARM_REGIME_EL10 ? 1 : regime == ARM_REGIME_EL2 ? 2 : 3;
    bool ds = cpu->tcr_el[el] & (el == 1 ? TCR_DS : TCR2_DS);
    uint64_t base = (uint64_t)sextract64(value, 0, 37) << (ds ? 16 : granule);
    uint64_t size = (extract64(value, 39, 5) + 1) << (5 * scale + 1) << granule;
    flush(cpu, reg,
          &(struct flush){.kind = FLUSH_RANGE,
                          .key = asid_key(cpu, regime, value),
                          .all_keys = every_asid(reg),
                          .gva = base,
                          .size = size});
}

// --- AT ------------------------------------------------------------------------------------------------------------

void arm_write_at(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    enum { PAR_F = 1 << 0, PAR_PTW = 1 << 8, PAR_S = 1 << 9, PAR_RES1 = 1 << 11 };
    unsigned op2 = reg->encoding & 7, op1 = op1_of(reg);
    bool both_stages = op1 == 4 && op2 >= 4;
    struct arm_walk walk = {
        .regime = op1 == 6 ? ARM_REGIME_EL3 : op1 == 4 && !both_stages ? ARM_REGIME_EL2 : ARM_REGIME_EL10,
        .privileged = !(op2 & 2),
        .pan = crm_of(reg) == 9 && cpu->pan,
        .stage1_only = !both_stages,
        .access = op2 & 1 ? TLB_WRITE : TLB_READ,
    };
    struct tlb_translation t;
    struct tlb_fault fault;
    uint64_t attributes;
    if (arm_walk(cpu, value, &walk, &t, &fault, &attributes)) {
        uint64_t shareability = t.device ? 2 : extract64(attributes, 8, 2);
        cpu->par_el1 = (attributes & 0xff) << 56 | (t.gpa & mask64(40) << 12) | PAR_RES1 | shareability << 7;
    } else {
        uint32_t status = arm_fault_status(&fault);
        cpu->par_el1 = PAR_RES1 | (fault.kind & ARM_FAULT_STAGE2 ? PAR_S : 0) |
                       (fault.kind & ARM_FAULT_S1PTW ? PAR_PTW : 0) | (status & 0x3f) << 1 | PAR_F;
    }
}

// --- caches --------------------------------------------------------------------------------------------------------

static unsigned data_mmu_index(const struct arm_cpu *cpu)
{
    return extract64(cpu->block_flags, ARM_BF_MMU, 2);
}

void arm_write_ic_ivau(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    // Stores discard the translations that they hit, but for one that was on its way while another vCPU translated.
    (void)reg;
    enum { LINE_BYTES = 64 }; // CTR_EL0.IminLine
    struct guest_ram *ram = cpu->tcg.vcpu.machine->ram;
    const uint8_t *host = tlb_host(&cpu->tcg, value & -(uint64_t)LINE_BYTES, TLB_READ, data_mmu_index(cpu), true);
    if (host && host >= ram->host && host < ram->host + ram->size)
        guest_ram_wrote(ram, (uint64_t)(host - ram->host), LINE_BYTES);
}

// The address must translate; `cache_op` is for the syndrome if it does not.
static void check_address(struct arm_cpu *cpu, uint64_t gva, enum tlb_access access)
{
    cpu->cache_op = true;
    tlb_host(&cpu->tcg, gva, access, data_mmu_index(cpu), false);
    cpu->cache_op = false;
}

void arm_write_dc(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    check_address(cpu, value, TLB_READ);
}

// Invalidation without cleaning needs write permission.
void arm_write_dc_ivac(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    check_address(cpu, value, TLB_WRITE);
}
