// SPDX-License-Identifier: MIT
// Model-specific registers (Intel SDM volume 4; AMD APM volume 2, appendix A). Most are fields that keep what is written;
// a table says which and what may be written. MTRRs are kept and have no effect: memory has one type here.

#include "hw/core/clock.h"
#include "hw/core/machine.h"
#include "target-x86/exception.h"
#include "tcg/base/bits.h"

enum {
    MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800, MSR_X2APIC_LAST = 0x8ff,
    MSR_MTRR_PHYS = 0x200, MSR_MTRR_PHYS_LAST = 0x20f, MSR_PAT = 0x277, MSR_TSC_ADJUST = 0x3b, MSR_SMBASE = 0x9e, MSR_MC0 = 0x400,
    MSR_MC_LAST = 0x47f,
};
#define MSR_EFER UINT32_C(0xc0000080)
#define MSR_FS_BASE UINT32_C(0xc0000100)
#define MSR_GS_BASE UINT32_C(0xc0000101)
#define MSR_KERNEL_GS_BASE UINT32_C(0xc0000102)

// Registers that are a field.
static const struct row {
    uint32_t msr;
    uint16_t offset;
    bool canonical;     // holds an address
    uint64_t writable;  // bits; others are refused. 0: writes are ignored
} rows[] = {
#define FIELD(field) offsetof(struct x86_cpu, field)
    {0x8b, FIELD(ucode_rev), false, ~UINT64_C(0)},
    {0x174, FIELD(sysenter_cs), false, 0xffffffff},
    {0x175, FIELD(sysenter_esp), true, ~UINT64_C(0)},
    {0x176, FIELD(sysenter_eip), true, ~UINT64_C(0)},
    {0x1a0, FIELD(misc_enable), false, ~UINT64_C(0)},
    {0x1d9, FIELD(debugctl), false, ~UINT64_C(0)},
    {0x250, FIELD(mtrr_fixed[0]), false, ~UINT64_C(0)},
    {0x258, FIELD(mtrr_fixed[1]), false, ~UINT64_C(0)},
    {0x259, FIELD(mtrr_fixed[2]), false, ~UINT64_C(0)},
    {0x268, FIELD(mtrr_fixed[3]), false, ~UINT64_C(0)},
    {0x269, FIELD(mtrr_fixed[4]), false, ~UINT64_C(0)},
    {0x26a, FIELD(mtrr_fixed[5]), false, ~UINT64_C(0)},
    {0x26b, FIELD(mtrr_fixed[6]), false, ~UINT64_C(0)},
    {0x26c, FIELD(mtrr_fixed[7]), false, ~UINT64_C(0)},
    {0x26d, FIELD(mtrr_fixed[8]), false, ~UINT64_C(0)},
    {0x26e, FIELD(mtrr_fixed[9]), false, ~UINT64_C(0)},
    {0x26f, FIELD(mtrr_fixed[10]), false, ~UINT64_C(0)},
    {0x2ff, FIELD(mtrr_def_type), false, 0xcff},
    {0xc0000081, FIELD(star), false, ~UINT64_C(0)},
    {0xc0000082, FIELD(lstar), true, ~UINT64_C(0)},
    {0xc0000083, FIELD(cstar), true, ~UINT64_C(0)},
    {0xc0000084, FIELD(fmask), false, 0xffffffff},
    {0xc0000102, FIELD(kernel_gs_base), true, ~UINT64_C(0)},
    {0xc0000103, FIELD(tsc_aux), false, 0xffffffff},
#undef FIELD
};

// Read as a constant; writes are ignored. Operating systems read them without asking CPUID.
static const struct {
    uint32_t msr;
    uint64_t value;
} constants[] = {
    {0x00, 0}, {0x01, 0}, {0x2a, 0}, {0x2c, 0}, {0x3a, 1}, {0xce, 0}, {0xfe, 0x508}, {0x179, 0}, {0x17a, 0}, {0x17b, 0},
    {0x198, 0}, {0x199, 0}, {0x19a, 0}, {0x19b, 0}, {0x19c, 0}, {0x34, 0}, {0x140, 0}, {0x1d1, 0}, {0x1db, 0}, {0x1dc, 0},
    {0x606, 0}, {0x611, 0}, {0x639, 0}, {0x641, 0}, {0x619, 0}, {0x64e, 0}, {0xcd, 0}, {0xe2, 0},
    {0xc0010015, 1 << 24}, // HWCR: the TSC counts by the base frequency
    {0xc001001f, 0}, {0xc0010010, 0}, {0xc0010058, 0}, {0xc0011029, 2}, {0xc0011020, 0},
    {0xc0011021, 0}, {0xc0011022, 0}, {0xc0011023, 0}, {0xc001102a, 0}, {0xc0010055, 0}, {0xc0010062, 0},
    {0xc0010063, 0}, {0xc0010064, 0}, {0xc001100c, 0}, {0xc0010131, 0}, {0xc0010114, 0}, {0xc0010117, 0},
    {0xc0010112, 0}, {0xc0010113, 0},
};

static const struct row *find_row(uint32_t msr)
{
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].msr == msr)
            return &rows[i];
    return NULL;
}

static bool canonical(uint64_t value)
{
    return (uint64_t)sextract64(value, 0, 57) == value;
}

uint64_t x86_tsc(const struct x86_cpu *cpu)
{
    enum { NS_HZ = 1000000000 };
    uint64_t ns = clock_now_ns(cpu->tcg.vcpu.machine->clock);
    // A wide division takes longer than the rest.
    uint64_t ticks = cpu->tsc_hz == NS_HZ ? ns : (uint64_t)((unsigned __int128)ns * cpu->tsc_hz / NS_HZ);
    return ticks + cpu->tsc_offset;
}

static bool is_apic(uint32_t msr)
{
    return msr == MSR_APIC_BASE || msr == MSR_TSC_DEADLINE || (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST);
}

bool x86_read_msr(struct x86_cpu *cpu, uint32_t msr, uint64_t *value)
{
    const struct x86_cpu_config *config = &cpu->config;
    if (is_apic(msr))
        return config->intc && config->intc->read_msr && config->intc->read_msr(config->intc_opaque, msr, value);
    const struct row *row = find_row(msr);
    if (row) {
        *value = *(const uint64_t *)((const char *)cpu + row->offset);
        return true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(constants); i++) {
        if (constants[i].msr == msr) {
            *value = constants[i].value;
            return true;
        }
    }
    if (msr >= MSR_MTRR_PHYS && msr <= MSR_MTRR_PHYS_LAST) {
        *value = cpu->mtrr_var[msr - MSR_MTRR_PHYS];
        return true;
    }
    if (msr >= MSR_MC0 && msr <= MSR_MC_LAST) {
        *value = 0;
        return true;
    }
    switch (msr) {
    case MSR_TSC:
        *value = x86_tsc(cpu);
        return true;
    case MSR_TSC_ADJUST:
        *value = cpu->tsc_offset;
        return x86_has(cpu, X86_FEAT_TSC_ADJUST);
    case MSR_PAT:
        *value = cpu->pat;
        return true;
    case MSR_EFER:
        *value = cpu->efer;
        return true;
    case MSR_FS_BASE:
    case MSR_GS_BASE:
        *value = cpu->segs[msr == MSR_FS_BASE ? X86_FS : X86_GS].base;
        return x86_has(cpu, X86_FEAT_LM);
    default:
        return false;
    }
}

uint64_t *x86_msr_field(struct x86_cpu *cpu, unsigned index, uint32_t *msr)
{
    if (index < ARRAY_SIZE(rows)) {
        *msr = rows[index].msr;
        return (uint64_t *)((char *)cpu + rows[index].offset);
    }
    index -= (unsigned)ARRAY_SIZE(rows);
    if (index < ARRAY_SIZE(cpu->mtrr_var)) {
        *msr = MSR_MTRR_PHYS + index;
        return &cpu->mtrr_var[index];
    }
    index -= (unsigned)ARRAY_SIZE(cpu->mtrr_var);
    *msr = index ? MSR_SMBASE : MSR_PAT;
    return index == 0 ? &cpu->pat : index == 1 ? &cpu->smbase : NULL;
}

uint64_t x86_efer_offered(const struct x86_cpu *cpu)
{
    return (x86_has(cpu, X86_FEAT_SYSCALL) ? EFER_SCE : 0) | (x86_has(cpu, X86_FEAT_LM) ? EFER_LME : 0) |
           (x86_has(cpu, X86_FEAT_NX) ? EFER_NXE : 0);
}

static bool write_efer(struct x86_cpu *cpu, uint64_t value)
{
    uint64_t offered = x86_efer_offered(cpu);
    if (value & ~(offered | EFER_LMA))
        return false;
    if ((cpu->cr0 & CR0_PG) && ((value ^ cpu->efer) & EFER_LME))
        return false;
    bool nx = (value ^ cpu->efer) & EFER_NXE;
    cpu->efer = (value & offered) | (cpu->efer & EFER_LMA);
    if (nx)
        tlb_flush_all(&cpu->tcg);
    return true;
}

static bool valid_pat(uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned type = value >> (i * 8) & 0xff;
        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

bool x86_write_msr(struct x86_cpu *cpu, uint32_t msr, uint64_t value)
{
    const struct x86_cpu_config *config = &cpu->config;
    if (is_apic(msr))
        return config->intc && config->intc->write_msr && config->intc->write_msr(config->intc_opaque, msr, value);
    const struct row *row = find_row(msr);
    if (row) {
        if ((row->writable && (value & ~row->writable)) || (row->canonical && !canonical(value)))
            return false;
        if (row->writable)
            *(uint64_t *)((char *)cpu + row->offset) = value;
        return true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(constants); i++)
        if (constants[i].msr == msr)
            return true;
    if (msr >= MSR_MTRR_PHYS && msr <= MSR_MTRR_PHYS_LAST) {
        cpu->mtrr_var[msr - MSR_MTRR_PHYS] = value;
        return true;
    }
    if (msr >= MSR_MC0 && msr <= MSR_MC_LAST)
        return true;
    switch (msr) {
    case 0x49: // PRED_CMD
    case 0x10b: // FLUSH_CMD
    case 0x79: // microcode update
        return true;
    case MSR_TSC:
        cpu->tsc_offset += value - x86_tsc(cpu);
        return true;
    case MSR_TSC_ADJUST:
        cpu->tsc_offset = value;
        return x86_has(cpu, X86_FEAT_TSC_ADJUST);
    case MSR_PAT:
        if (!valid_pat(value))
            return false;
        cpu->pat = value;
        return true;
    case MSR_EFER:
        return write_efer(cpu, value);
    case MSR_FS_BASE:
    case MSR_GS_BASE:
        if (!x86_has(cpu, X86_FEAT_LM) || !canonical(value))
            return false;
        cpu->segs[msr == MSR_FS_BASE ? X86_FS : X86_GS].base = value;
        return true;
    default:
        return false;
    }
}
