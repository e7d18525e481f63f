// SPDX-License-Identifier: MIT
// Helpers of control and debug registers.

#include "target-x86/exception.h"
#include "target-x86/helper.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"

// --- control registers ---------------------------------------------------------------------------------------------

// False, here and below: #GP(0), and nothing has changed.
static bool enter_or_leave_long_mode(struct x86_cpu *cpu, uint64_t old, uint64_t value)
{
    if ((old ^ value) & CR0_PG & value && (cpu->efer & EFER_LME)) {
        if (!(cpu->cr4 & CR4_PAE) || (cpu->segs[X86_CS].attr & DESC_L))
            return false;
        cpu->efer |= EFER_LMA;
    } else if ((old & CR0_PG) && !(value & CR0_PG)) {
        if (x86_code64(cpu))
            return false;
        cpu->efer &= ~(uint64_t)EFER_LMA;
    }
    return true;
}

static bool write_cr0(struct x86_cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->cr0;
    if (value >> 32 || ((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return false;
    if (!(value & CR0_PG) && (old & CR0_PG) && (cpu->cr4 & CR4_PCIDE))
        return false;
    bool turns_on = (value & CR0_PG) && !(old & CR0_PG);
    if (turns_on && (cpu->cr4 & CR4_PAE) && !(cpu->efer & EFER_LME) && !x86_load_pdptes(cpu, cpu->cr3))
        return false;
    if (!enter_or_leave_long_mode(cpu, old, value))
        return false;
    cpu->cr0 = (value & (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)) |
               CR0_ET;
    if ((old ^ cpu->cr0) & (CR0_PG | CR0_WP | CR0_PE))
        tlb_flush_all(&cpu->tcg);
    return true;
}

static bool write_cr3(struct x86_cpu *cpu, uint64_t value)
{
    bool keep = (cpu->cr4 & CR4_PCIDE) && value >> 63;
    if (cpu->cr4 & CR4_PCIDE)
        value &= ~BIT64(63);
    if (x86_long_mode(cpu) && (value & ~cpu->pa_mask & ~UINT64_C(0xfff)))
        return false;
    if ((cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PAE) && !x86_long_mode(cpu) && !x86_load_pdptes(cpu, value))
        return false;
    cpu->cr3 = value;
    if (!keep)
        tlb_flush_key(&cpu->tcg, x86_space_key(cpu));
    return true;
}

uint64_t x86_cr4_offered(const struct x86_cpu *cpu)
{
    const struct {
        uint32_t bit;
        enum x86_feature feature;
    } rows[] = {
        {CR4_TSD, X86_FEAT_TSC}, {CR4_DE, X86_FEAT_DE}, {CR4_PSE, X86_FEAT_PSE}, {CR4_PAE, X86_FEAT_PAE},
        {CR4_MCE, X86_FEAT_MCE}, {CR4_PGE, X86_FEAT_PGE}, {CR4_OSFXSR, X86_FEAT_FXSR},
        {CR4_OSXMMEXCPT, X86_FEAT_SSE}, {CR4_UMIP, X86_FEAT_UMIP}, {CR4_LA57, X86_FEAT_LA57},
        {CR4_FSGSBASE, X86_FEAT_FSGSBASE}, {CR4_PCIDE, X86_FEAT_PCID}, {CR4_OSXSAVE, X86_FEAT_XSAVE},
        {CR4_SMEP, X86_FEAT_SMEP}, {CR4_SMAP, X86_FEAT_SMAP}, {CR4_PKE, X86_FEAT_PKU},
    };
    uint64_t offered = CR4_PCE;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (x86_has(cpu, rows[i].feature))
            offered |= rows[i].bit;
    return offered;
}

static bool write_cr4(struct x86_cpu *cpu, uint64_t value)
{
    uint64_t old = cpu->cr4, changed = old ^ value;
    if (value & ~x86_cr4_offered(cpu))
        return false;
    if (x86_long_mode(cpu) && (changed & (CR4_PAE | CR4_LA57)))
        return false;
    if ((changed & value & CR4_PCIDE) && (!x86_long_mode(cpu) || (cpu->cr3 & 0xfff)))
        return false;
    if ((cpu->cr0 & CR0_PG) && !x86_long_mode(cpu) && (value & CR4_PAE) && (changed & (CR4_PAE | CR4_PGE | CR4_PSE)) &&
        !x86_load_pdptes(cpu, cpu->cr3))
        return false;
    cpu->cr4 = value;
    if (changed & CR4_DE)
        x86_debug_registers_changed(cpu);
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_LA57))
        tlb_flush_all(&cpu->tcg);
    return true;
}

uint64_t x86_get_cr(const struct x86_cpu *cpu, unsigned n)
{
    const struct x86_cpu_config *config = &cpu->config;
    switch (n) {
    case 0:
        return cpu->cr0;
    case 2:
        return cpu->cr2;
    case 3:
        return cpu->cr3;
    case 4:
        return cpu->cr4;
    default:
        return config->intc && config->intc->get_cr8 ? config->intc->get_cr8(config->intc_opaque) : cpu->cr8;
    }
}

static uint64_t read_cr(struct x86_cpu *cpu, uint32_t n)
{
    return x86_get_cr(cpu, n);
}
X86_HELPER(read_cr, 0, I64, 1, IR_I32)

static bool write_cr8(struct x86_cpu *cpu, uint64_t value)
{
    const struct x86_cpu_config *config = &cpu->config;
    if (value >> 4)
        return false;
    cpu->cr8 = value;
    if (config->intc && config->intc->set_cr8)
        config->intc->set_cr8(config->intc_opaque, (uint8_t)value);
    return true;
}

bool x86_set_cr(struct x86_cpu *cpu, unsigned n, uint64_t value)
{
    bool good = true;
    if (n == 2)
        cpu->cr2 = value;
    else
        good = n == 0   ? write_cr0(cpu, value)
               : n == 3 ? write_cr3(cpu, value)
               : n == 4 ? write_cr4(cpu, value)
                        : write_cr8(cpu, value);
    if (good)
        x86_modes_changed(cpu);
    return good;
}

static void write_cr(struct x86_cpu *cpu, uint32_t n, uint64_t value)
{
    if (!x86_set_cr(cpu, n, value))
        x86_fault(cpu, X86_GP, 0);
}
X86_HELPER(write_cr, X86_MODES, VOID, 2, IR_I32, IR_I64)

static void clts(struct x86_cpu *cpu)
{
    cpu->cr0 &= ~(uint64_t)CR0_TS;
    x86_modes_changed(cpu);
}
X86_HELPER(clts, 0, VOID, 0, 0)

// After x86_modes_changed.
static void select_code(struct x86_cpu *cpu)
{
    tcg_modes_changed(&cpu->tcg);
}
X86_HELPER(select_code, X86_READS | IR_HELPER_SWITCHES_TLB, VOID, 0, 0)

static void modes_changed(struct x86_cpu *cpu)
{
    x86_modes_changed(cpu);
    tcg_modes_changed(&cpu->tcg);
}
X86_HELPER(modes_changed, X86_READS | IR_HELPER_SWITCHES_TLB, VOID, 0, 0)

// --- debug registers -----------------------------------------------------------------------------------------------

static unsigned debug_number(struct x86_cpu *cpu, uint32_t n)
{
    enum { DR7_GD = 1 << 13, DR6_BD = 1 << 13 };
    if ((n == 4 || n == 5) && (cpu->cr4 & CR4_DE))
        x86_fault(cpu, X86_UD, 0);
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[7] &= ~(uint64_t)DR7_GD;
        cpu->dr[6] |= DR6_BD;
        x86_fault(cpu, X86_DB, 0);
    }
    return n == 4 || n == 5 ? n + 2 : n;
}

static uint64_t read_dr(struct x86_cpu *cpu, uint32_t n)
{
    n = debug_number(cpu, n);
    return cpu->dr[n];
}
X86_HELPER(read_dr, X86_FAULTS, I64, 1, IR_I32)

bool x86_set_dr(struct x86_cpu *cpu, unsigned n, uint64_t value)
{
    if (n >= 6 && value >> 32)
        return false;
    if (n == 6)
        value = (value & 0xe00f) | 0xffff0ff0;
    if (n == 7)
        value = (value & 0xffff2bff) | 0x400;
    cpu->dr[n] = value;
    x86_debug_registers_changed(cpu);
    return true;
}

static void write_dr(struct x86_cpu *cpu, uint32_t n, uint64_t value)
{
    if (!x86_set_dr(cpu, debug_number(cpu, n), value))
        x86_fault(cpu, X86_GP, 0);
}
X86_HELPER(write_dr, X86_MODES, VOID, 2, IR_I32, IR_I64)
