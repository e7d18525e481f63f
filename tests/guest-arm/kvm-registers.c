// SPDX-License-Identifier: MIT
// KVM's numbers for registers lead to the right places of the processor's structure. The numbers here are those of the table in
// Documentation/virt/kvm/api.rst (4.68), or put together by hand from an encoding.
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "target-arm/cpu.h"
#include "target-arm/kvm-registers.h"
#include "target-arm/sysreg.h"
#include "tcg/base/bits.h"

static void expect_field(uint64_t id, size_t offset, unsigned bytes)
{
    struct arm_kvm_register r = arm_kvm_describe(id);
    cr_assert_eq(r.place, ARM_KVM_FIELD, "0x%llx", (unsigned long long)id);
    cr_assert_eq(r.offset, offset, "0x%llx is at %u, not %zu", (unsigned long long)id, r.offset, offset);
    cr_assert_eq(r.bytes, bytes, "0x%llx has %u bytes", (unsigned long long)id, r.bytes);
    cr_assert(!r.keeps_power_up);
}

static void expect_place(uint64_t id, enum arm_kvm_place place, unsigned bytes)
{
    struct arm_kvm_register r = arm_kvm_describe(id);
    cr_assert_eq(r.place, place, "0x%llx", (unsigned long long)id);
    cr_assert_eq(r.bytes, bytes, "0x%llx has %u bytes", (unsigned long long)id, r.bytes);
}

Test(kvm_registers, core)
{
    expect_field(0x6030000000100000, offsetof(struct arm_cpu, x[0]), 8);
    expect_field(0x6030000000100002, offsetof(struct arm_cpu, x[1]), 8);
    expect_field(0x603000000010003c, offsetof(struct arm_cpu, x[30]), 8);
    expect_place(0x603000000010003e, ARM_KVM_SP_EL0, 8);
    expect_place(0x6030000000100040, ARM_KVM_PC, 8);
    expect_place(0x6030000000100042, ARM_KVM_PSTATE, 8);
    expect_place(0x6030000000100044, ARM_KVM_SP_EL1, 8);
    expect_field(0x6030000000100046, offsetof(struct arm_cpu, elr_el[1]), 8);
    expect_field(0x6030000000100048, offsetof(struct arm_cpu, spsr_el[1]), 8);
    expect_place(0x603000000010004a, ARM_KVM_RAW, 8); // SPSR_abt
    expect_field(0x6040000000100054, offsetof(struct arm_cpu, v[0]), 16);
    expect_field(0x6040000000100058, offsetof(struct arm_cpu, v[1]), 16);
    expect_field(0x60400000001000d0, offsetof(struct arm_cpu, v[31]), 16);
    expect_place(0x60200000001000d4, ARM_KVM_FPSR, 4);
    expect_place(0x60200000001000d5, ARM_KVM_FPCR, 4);
}

Test(kvm_registers, system)
{
    expect_field(0x603000000013c101, offsetof(struct arm_cpu, ttbr1_el[1]), 8);  // 3, 0, 2, 0, 1
    expect_field(0x603000000013c080, offsetof(struct arm_cpu, sctlr_el[1]), 8);  // 3, 0, 1, 0, 0
    expect_field(0x603000000013de82, offsetof(struct arm_cpu, tpidr_el0), 8);    // 3, 3, 13, 0, 2
    expect_field(0x603000000013d000, offsetof(struct arm_cpu, csselr_el1), 8);   // 3, 2, 0, 0, 0
    expect_field(0x6030000000138012, offsetof(struct arm_cpu, mdscr_el1), 8);    // 2, 0, 0, 2, 2
    expect_field(0x603000000013800d, offsetof(struct arm_cpu, dbgbcr[1]), 8);    // 2, 0, 0, 1, 5
    expect_place(0x603000000013c102, ARM_KVM_FIELD, 8);                          // TCR_EL1
    expect_place(0x603000000013c103, ARM_KVM_RAW, 8);                            // TCR2_EL1, which the structure does not have
}

// As the header says, the comparator has the number of the counter and the counter that of the comparator.
Test(kvm_registers, timers)
{
    expect_field(0x603000000013df02, offsetof(struct arm_cpu, timers[ARM_TIMER_ID_VIRT].cval), 8);
    expect_place(0x603000000013df1a, ARM_KVM_LEFT_ALONE, 8);
    expect_field(0x603000000013df12, offsetof(struct arm_cpu, timers[ARM_TIMER_ID_PHYS].cval), 8);
    expect_place(0x603000000013df01, ARM_KVM_LEFT_ALONE, 8);
    expect_place(0x603000000013df19, ARM_KVM_TIMER_CTL, 8);
    cr_assert_eq(arm_kvm_describe(0x603000000013df19).offset, offsetof(struct arm_cpu, timers[ARM_TIMER_ID_VIRT].ctl));
}

// What identifies the processor and its firmware is set once, and never by way of state.
Test(kvm_registers, left_alone)
{
    expect_place(0x603000000013c000, ARM_KVM_LEFT_ALONE, 8); // MIDR_EL1
    expect_place(0x603000000013c020, ARM_KVM_LEFT_ALONE, 8); // ID_AA64PFR0_EL1
    expect_place(0x603000000013d801, ARM_KVM_LEFT_ALONE, 8); // CTR_EL0
    expect_place(0x6020000000110001, ARM_KVM_LEFT_ALONE, 4); // CCSIDR_EL1
    expect_place(0x6030000000140000, ARM_KVM_LEFT_ALONE, 8); // the version of PSCI
    expect_place(0x606000000015ffff, ARM_KVM_LEFT_ALONE, 64); // vector lengths
}

Test(kvm_registers, scalable_vectors)
{
    for (unsigned n = 0; n < 32; n++) {
        struct arm_kvm_register r = arm_kvm_describe(UINT64_C(0x6080000000150000) + n * 32);
        cr_assert_eq(r.place, ARM_KVM_Z);
        cr_assert_eq(r.bytes, ARM_KVM_VALUE_BYTES);
        cr_assert_eq(r.offset, offsetof(struct arm_cpu, v) + n * 16);
    }
    expect_place(0x6050000000150400, ARM_KVM_RAW, 32); // P0
}

// Of two numbers for one field one sets bits and one clears them: the kernel gives both the same value.
static bool is_pair(const char *a, const char *b)
{
    size_t length = strcspn(a, "_");
    const char *set = strstr(a, "SET") ? a : b, *clear = set == a ? b : a;
    return strstr(set, "SET") && strstr(clear, "CLR") && !strncmp(a, b, 4) && length > 4;
}

// All that the structure keeps of EL1's and EL0's registers is moved, each field by one number.
Test(kvm_registers, fields_are_distinct)
{
    static const char *owner[sizeof(struct arm_cpu)];
    unsigned moved = 0;
    for (unsigned i = 0; i < arm_sysreg_count(); i++) {
        const struct arm_sysreg *row = arm_sysreg_at(i);
        bool kept = row->offset && !(row->offset >= (int)offsetof(struct arm_cpu, id) &&
                                     row->offset < (int)(offsetof(struct arm_cpu, id) + sizeof(struct arm_id)));
        bool readable = row->access & (EL0_R | EL1_R), core = (row->encoding >> 7 & 15) == 4 && row->encoding >> 14 == 3;
        if (!kept || !readable || core || !(row->access & EL1_W))
            continue;
        struct arm_kvm_register r = arm_kvm_describe(UINT64_C(0x6030000000130000) | row->encoding);
        cr_assert(r.place == ARM_KVM_FIELD || r.place == ARM_KVM_PMCR || !strcmp(row->name, "CNTFRQ_EL0"), "%s", row->name);
        cr_assert_eq(r.offset, (uint32_t)row->offset, "%s", row->name);
        const char **other = &owner[r.offset];
        cr_assert(!*other || is_pair(*other, row->name), "%s and %s", *other, row->name);
        *other = row->name;
        moved++;
    }
    cr_assert_gt(moved, 100);
}
