// SPDX-License-Identifier: MIT
// From KVM's register numbers to struct arm_cpu. System registers are found in the processor's own table (sysreg.inc).
#include "target-arm/kvm-registers.h"

#include <stddef.h>

#include "target-arm/cpu.h"
#include "target-arm/sysreg.h"
#include "tcg/base/bits.h"

#define FIELD_AT(member) ((uint32_t)offsetof(struct arm_cpu, member))

static bool is_between(uint32_t number, uint32_t first, uint32_t end)
{
    return number >= first && number < end;
}

static void describe_core(struct arm_kvm_register *r, uint32_t number)
{
    static const struct {
        uint32_t number;
        enum arm_kvm_place place;
        uint32_t offset;
    } rows[] = {
        {ARM_KVM_CORE_SP_EL0, ARM_KVM_SP_EL0, 0}, {ARM_KVM_CORE_SP_EL1, ARM_KVM_SP_EL1, 0},
        {ARM_KVM_CORE_PC, ARM_KVM_PC, 0},         {ARM_KVM_CORE_PSTATE, ARM_KVM_PSTATE, 0},
        {ARM_KVM_CORE_FPSR, ARM_KVM_FPSR, 0},     {ARM_KVM_CORE_FPCR, ARM_KVM_FPCR, 0},
        {ARM_KVM_CORE_ELR_EL1, ARM_KVM_FIELD, FIELD_AT(elr_el[1])},
        {ARM_KVM_CORE_SPSR_EL1, ARM_KVM_FIELD, FIELD_AT(spsr_el[1])},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].number == number) {
            r->place = rows[i].place;
            r->offset = rows[i].offset;
        }
    if (is_between(number, ARM_KVM_CORE_X0, ARM_KVM_CORE_SP_EL0)) {
        r->place = ARM_KVM_FIELD;
        r->offset = FIELD_AT(x[0]) + number / 2 * 8;
    } else if (is_between(number, ARM_KVM_CORE_V0, ARM_KVM_CORE_FPSR)) {
        r->place = ARM_KVM_FIELD;
        r->offset = FIELD_AT(v[0]) + (number - ARM_KVM_CORE_V0) / 4 * 16;
    }
}

// Registers whose numbers are not their encodings (the virtual timer's comparator and its counter have each other's), and those
// that the processor's table has functions for.
static bool describe_special(struct arm_kvm_register *r, uint32_t number)
{
    static const struct {
        uint32_t encoding;
        enum arm_kvm_place place;
        uint32_t offset;
    } rows[] = {
        {ARM_SYSREG(3, 3, 14, 3, 1), ARM_KVM_TIMER_CTL, FIELD_AT(timers[ARM_TIMER_ID_VIRT].ctl)},
        {ARM_SYSREG(3, 3, 14, 0, 2), ARM_KVM_FIELD, FIELD_AT(timers[ARM_TIMER_ID_VIRT].cval)}, // CNTVCT_EL0's encoding
        {ARM_SYSREG(3, 3, 14, 3, 2), ARM_KVM_LEFT_ALONE, 0},                                   // CNTV_CVAL_EL0's: the counter
        {ARM_SYSREG(3, 3, 14, 2, 1), ARM_KVM_TIMER_CTL, FIELD_AT(timers[ARM_TIMER_ID_PHYS].ctl)},
        {ARM_SYSREG(3, 3, 14, 2, 2), ARM_KVM_FIELD, FIELD_AT(timers[ARM_TIMER_ID_PHYS].cval)},
        {ARM_SYSREG(3, 3, 14, 0, 1), ARM_KVM_LEFT_ALONE, 0},                                   // CNTPCT_EL0
        {ARM_SYSREG(3, 3, 9, 12, 0), ARM_KVM_PMCR, FIELD_AT(pmcr)},
        {ARM_SYSREG(3, 3, 9, 13, 0), ARM_KVM_FIELD, FIELD_AT(pmccntr)},
        {ARM_SYSREG(3, 0, 4, 0, 0), ARM_KVM_LEFT_ALONE, 0}, // SPSR_EL1, ELR_EL1, SP_EL0, SP_EL1: core registers, too
        {ARM_SYSREG(3, 0, 4, 0, 1), ARM_KVM_LEFT_ALONE, 0},
        {ARM_SYSREG(3, 0, 4, 1, 0), ARM_KVM_LEFT_ALONE, 0},
        {ARM_SYSREG(3, 4, 4, 1, 0), ARM_KVM_LEFT_ALONE, 0},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].encoding == number) {
            r->place = rows[i].place;
            r->offset = rows[i].offset;
            r->keeps_power_up = r->place == ARM_KVM_PMCR;
            return true;
        }
    return false;
}

// CRn 0 of op0 3 is what the processor is, but for CSSELR_EL1.
static bool identifies(uint32_t encoding)
{
    return encoding >> 14 == 3 && (encoding >> 7 & 15) == 0 && (encoding >> 11 & 7) != 2;
}

// Whatever features the row asks for: whether the register is there is the kernel's to say.
static const struct arm_sysreg *row_of(uint32_t encoding)
{
    for (unsigned n = 0; n < arm_sysreg_count(); n++)
        if (arm_sysreg_at(n)->encoding == encoding)
            return arm_sysreg_at(n);
    return NULL;
}

static void describe_sysreg(struct arm_kvm_register *r, uint32_t encoding)
{
    if (describe_special(r, encoding))
        return;
    if (identifies(encoding)) {
        r->place = ARM_KVM_LEFT_ALONE;
        return;
    }
    const struct arm_sysreg *row = row_of(encoding);
    if (!row || !row->offset)
        return;
    r->place = ARM_KVM_FIELD;
    r->offset = (uint32_t)row->offset;
    r->keeps_power_up = row->flags & SR_CONST;
}

struct arm_kvm_register arm_kvm_describe(uint64_t id)
{
    uint32_t number = (uint32_t)extract64(id, 0, 16);
    struct arm_kvm_register r = {.id = id, .bytes = (uint16_t)(1u << extract64(id, 52, 4)), .place = ARM_KVM_RAW};
    switch ((enum arm_kvm_group)extract64(id, 16, 16)) {
    case ARM_KVM_CORE:
        describe_core(&r, number);
        break;
    case ARM_KVM_SYSREG:
        describe_sysreg(&r, number);
        break;
    case ARM_KVM_SVE:
        if (number < ARM_KVM_SVE_Z_END) {
            r.place = ARM_KVM_Z;
            r.offset = FIELD_AT(v[0]) + number / 32 * 16;
        } else if (number == ARM_KVM_SVE_LENGTHS) {
            r.place = ARM_KVM_LEFT_ALONE;
        }
        break;
    case ARM_KVM_DEMUX:
    case ARM_KVM_FIRMWARE:
    case ARM_KVM_FIRMWARE_BITS:
        r.place = ARM_KVM_LEFT_ALONE;
        break;
    }
    r.keeps_power_up |= r.place == ARM_KVM_RAW || r.place == ARM_KVM_Z;
    return r;
}
