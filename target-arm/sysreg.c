// SPDX-License-Identifier: MIT
// The system register table: lookup, generic access, reset, and the functions of rows that are short. Timers, the
// performance monitor and maintenance instructions are in files of their own.

#include "target-arm/sysreg.h"

#include <pthread.h>
#include <sys/random.h>

#include "target-arm/exception.h"
#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg-private.h"
#include "tcg/exec/tlb.h"

static uint64_t *field(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t *)((char *)cpu + reg->offset);
}

static void store(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t mask = reg->writable ? reg->writable : ~UINT64_C(0), *f = field(cpu, reg);
    *f = (*f & ~mask) | (value & mask);
}

// --- identification ---

static uint64_t read_midr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cpu->el == 1 && arm_has(cpu, ARM_FEAT_EL2) ? cpu->vpidr_el2 : cpu->id.midr;
}

static uint64_t read_mpidr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cpu->el == 1 && arm_has(cpu, ARM_FEAT_EL2) ? cpu->vmpidr_el2 : cpu->id.mpidr;
}

static uint64_t read_ccsidr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cpu->id.ccsidr[cpu->csselr_el1 & 7];
}

static uint64_t read_dczid(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    enum { DZP = 1 << 4 };
    (void)reg;
    bool prohibited = cpu->el == 0 && !(cpu->sctlr_el[1] & SCTLR_DZE);
    return cpu->id.dczid | (prohibited ? DZP : 0);
}

static uint64_t read_rvbar1(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return arm_has(cpu, ARM_FEAT_EL2) || arm_has(cpu, ARM_FEAT_EL3) ? 0 : cpu->id.rvbar;
}

static uint64_t read_isr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return arm_interrupts_pending(cpu);
}

static uint64_t read_l2ctlr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    unsigned count = cpu->tcg.vcpu.group ? cpu->tcg.vcpu.group->count : 1;
    return (uint64_t)((count > 4 ? 4 : count) - 1) << 24;
}

// --- modes and translation ---

static void write_modes(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    store(cpu, reg, value);
    arm_modes_changed(cpu);
}

static void write_sctlr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t changed = *field(cpu, reg) ^ value;
    store(cpu, reg, value);
    if (changed & (SCTLR_WXN | SCTLR_EE | SCTLR_EPAN))
        tlb_flush_all(&cpu->tcg);
    arm_modes_changed(cpu);
}

// The ASID may have changed. Entries of an ASID whose tables are replaced are the guest's to invalidate.
static void write_ttbr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    store(cpu, reg, value);
    arm_modes_changed(cpu);
}

// Registers whose fields are cached in translations.
static void write_regime(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t old = *field(cpu, reg);
    store(cpu, reg, value);
    if (old != value)
        tlb_flush_all(&cpu->tcg);
    arm_modes_changed(cpu);
}

static void write_tcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t changed = (*field(cpu, reg) ^ value) & ~TCR_A1;
    store(cpu, reg, value);
    if (changed)
        tlb_flush_all(&cpu->tcg);
    arm_modes_changed(cpu);
}

// Lower levels are AArch64 always; VHE and nested virtualization are not there.
static void write_hcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t old = cpu->hcr_el2;
    value = (value & ~HCR_E2H) | HCR_RW;
    store(cpu, reg, value);
    if ((old ^ value) & (HCR_VM | HCR_DC | HCR_TGE | HCR_PTW))
        tlb_flush_all(&cpu->tcg);
    arm_modes_changed(cpu);
}

static uint64_t read_spsel(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return cpu->spsel;
}

static void write_spsel(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    arm_select_sp(cpu, cpu->el, value & 1);
    arm_modes_changed(cpu);
}

static uint64_t read_pan(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return (uint64_t)cpu->pan << SPSR_PAN;
}

static void write_pan(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    cpu->pan = value >> SPSR_PAN & 1;
    arm_modes_changed(cpu);
}

static uint64_t read_uao(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return (uint64_t)cpu->uao << SPSR_UAO;
}

static void write_uao(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    cpu->uao = value >> SPSR_UAO & 1;
    arm_modes_changed(cpu);
}

static uint64_t read_dit(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return (uint64_t)cpu->dit << SPSR_DIT;
}

static void write_dit(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    cpu->dit = value >> SPSR_DIT & 1;
}

static uint64_t read_ssbs(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    return (uint64_t)cpu->ssbs << SPSR_SSBS;
}

static void write_ssbs(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    cpu->ssbs = value >> SPSR_SSBS & 1;
}

// --- floating point control ---

static void write_fpcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    uint64_t mask = FPCR_AHP | FPCR_DN | FPCR_FZ | (uint64_t)3 << FPCR_RMODE;
    if (arm_has(cpu, ARM_FEAT_FP16))
        mask |= FPCR_FZ16;
    cpu->fpcr = value & mask;
    fp_env_set_rounding((enum ir_round)extract64(cpu->fpcr, FPCR_RMODE, 2));
    arm_modes_changed(cpu);
}

// IOC, DZC, OFC, UFC and IXC are in the order of FP_INVALID and on.
enum { FPSR_FLAGS = 0x1f, FPSR_IDC = 1 << 7, FPSR_QC = 1 << 27 };

static uint64_t read_fpsr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    unsigned flags = fp_env_flags();
    return (flags & FPSR_FLAGS) | (flags & FP_DENORMAL ? FPSR_IDC : 0) | (cpu->qc[0] | cpu->qc[1] ? FPSR_QC : 0);
}

static void write_fpsr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    fp_env_set_flags((value & FPSR_FLAGS) | (value & FPSR_IDC ? FP_DENORMAL : 0));
    cpu->qc[0] = value & FPSR_QC ? 1 : 0;
    cpu->qc[1] = 0;
}

// --- random numbers (FEAT_RNG): NZCV tells whether there was one ---

static uint64_t read_rndr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)reg;
    uint64_t value = 0;
    bool good = getrandom(&value, sizeof(value), GRND_NONBLOCK) == (ssize_t)sizeof(value);
    cpu->nzcv = good ? 0 : IR_FLAG_Z;
    return good ? value : 0;
}

// --- debug ---

static void write_set(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *field(cpu, reg) |= value & 0x800000ff;
}

static void write_clear(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *field(cpu, reg) &= ~value;
}

static uint64_t read_dbgclaimset(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    (void)cpu;
    (void)reg;
    return 0xff; // the tags that there are
}

static void write_oslar(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    (void)reg;
    cpu->oslsr_el1 = (cpu->oslsr_el1 & ~OSLSR_OSLK) | (value & 1 ? OSLSR_OSLK : 0);
    arm_modes_changed(cpu);
}

// --- traps ---

#define HCR_TID1 BIT64(16)
#define HCR_TID2 BIT64(17)
#define HCR_TID3 BIT64(18)
#define HCR_TPC BIT64(23)

static unsigned trap_hcr(const struct arm_cpu *cpu, uint64_t bit)
{
    return cpu->el <= 1 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & bit) ? 2 : 0;
}

static unsigned trap_tid1(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap_hcr(cpu, HCR_TID1);
}

static unsigned trap_tid2(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap_hcr(cpu, HCR_TID2);
}

static unsigned trap_tid3(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return trap_hcr(cpu, HCR_TID3);
}

static unsigned trap_ctr(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    if (cpu->el == 0 && !(cpu->sctlr_el[1] & SCTLR_UCT))
        return 1;
    return trap_hcr(cpu, HCR_TID2);
}

static unsigned trap_cache(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    if (cpu->el == 0 && !(cpu->sctlr_el[1] & SCTLR_UCI))
        return 1;
    return trap_hcr(cpu, HCR_TPC);
}

static unsigned trap_rctx(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    enum { ENRCTX = 1 << 10 };
    (void)reg;
    (void)write;
    return cpu->el == 0 && !(cpu->sctlr_el[1] & ENRCTX) ? 1 : 0;
}

static unsigned trap_vm(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    return cpu->el == 1 ? trap_hcr(cpu, write ? HCR_TVM : HCR_TRVM) : 0;
}

static unsigned trap_cpacr(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    if (cpu->el == 1 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->cptr_el[2] & CPTR_TCPAC))
        return 2;
    return cpu->el < 3 && arm_has(cpu, ARM_FEAT_EL3) && (cpu->cptr_el[3] & CPTR_TCPAC) ? 3 : 0;
}

static unsigned trap_keys(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    if (cpu->el < 2 && arm_has(cpu, ARM_FEAT_EL2) && !(cpu->hcr_el2 & HCR_APK))
        return 2;
    return cpu->el < 3 && arm_has(cpu, ARM_FEAT_EL3) && !(cpu->scr_el3 & SCR_APK) ? 3 : 0;
}

static unsigned trap_dcc(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    return cpu->el == 0 && (cpu->mdscr_el1 & MDSCR_TDCC) ? 1 : 0;
}

static unsigned trap_fp(struct arm_cpu *cpu, const struct arm_sysreg *reg, bool write)
{
    (void)reg;
    (void)write;
    unsigned target = extract64(cpu->block_flags, ARM_BF_FP_TRAP, 2);
    return target ? target | ARM_TRAP_FP : 0;
}

// --- the table -----------------------------------------------------------------------------------------------------

#define AT(member) .offset = offsetof(struct arm_cpu, member)
#define SYSREG(name, op0, op1, crn, crm, op2, access, feature, ...)                                                  \
    {#name, ARM_SYSREG(op0, op1, crn, crm, op2), access, ARM_FEAT_##feature, __VA_ARGS__},
// The breakpoints and watchpoints that the architecture requires at least, and those that models have.
#define DEBUG_PAIR(n)                                                                                                \
    SYSREG(DBGBVR##n##_EL1, 2, 0, 0, n, 4, RW_EL1, BASE, AT(dbgbvr[n]))                                               \
    SYSREG(DBGBCR##n##_EL1, 2, 0, 0, n, 5, RW_EL1, BASE, AT(dbgbcr[n]))                                               \
    SYSREG(DBGWVR##n##_EL1, 2, 0, 0, n, 6, RW_EL1, BASE, AT(dbgwvr[n]))                                               \
    SYSREG(DBGWCR##n##_EL1, 2, 0, 0, n, 7, RW_EL1, BASE, AT(dbgwcr[n]))

static const struct arm_sysreg table[] = {
#include "target-arm/sysreg.inc"
    DEBUG_PAIR(0) DEBUG_PAIR(1) DEBUG_PAIR(2) DEBUG_PAIR(3) DEBUG_PAIR(4) DEBUG_PAIR(5) DEBUG_PAIR(6) DEBUG_PAIR(7)
    DEBUG_PAIR(8) DEBUG_PAIR(9) DEBUG_PAIR(10) DEBUG_PAIR(11) DEBUG_PAIR(12) DEBUG_PAIR(13) DEBUG_PAIR(14)
    DEBUG_PAIR(15)
    // The identification space reads as zero where nothing is assigned; see arm_sysreg_find.
    {"ID_reserved", 0, RO_EL1, ARM_FEAT_BASE, SR_ZERO, .trap = trap_tid3},
};
enum { ROWS = ARRAY_SIZE(table), ID_RESERVED = ROWS - 1 };

#undef DEBUG_PAIR
#undef SYSREG
#undef AT

// Row number + 1 by encoding. Filled in on first use and constant from then on.
static uint16_t row_of[1 << 16];
static pthread_once_t row_of_once = PTHREAD_ONCE_INIT;

static void index_rows(void)
{
    for (unsigned i = 0; i < ID_RESERVED; i++)
        row_of[table[i].encoding] = i + 1;
}

const struct arm_sysreg *arm_sysreg_find(const struct arm_cpu *cpu, uint32_t encoding)
{
    pthread_once(&row_of_once, index_rows);
    unsigned row = row_of[encoding & 0xffff];
    if (row)
        return arm_has(cpu, table[row - 1].feature) ? &table[row - 1] : NULL;
    bool id_space = encoding >> 7 == ARM_SYSREG(3, 0, 0, 0, 0) >> 7 && (encoding >> 3 & 15) >= 1 &&
                    (encoding >> 3 & 15) <= 7;
    return id_space ? &table[ID_RESERVED] : NULL;
}

unsigned arm_sysreg_index(const struct arm_sysreg *reg)
{
    return (unsigned)(reg - table);
}

const struct arm_sysreg *arm_sysreg_at(unsigned index)
{
    return &table[index];
}

unsigned arm_sysreg_count(void)
{
    return ROWS;
}

uint64_t arm_sysreg_get(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    if (reg->read)
        return reg->read(cpu, reg);
    return reg->offset && !(reg->flags & SR_ZERO) ? *field(cpu, reg) : 0;
}

void arm_sysreg_set(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    if (reg->write)
        reg->write(cpu, reg, value);
    else if (reg->offset && !(reg->flags & (SR_CONST | SR_ZERO)))
        store(cpu, reg, value);
}

void arm_sysreg_reset(struct arm_cpu *cpu)
{
    int32_t id_begin = offsetof(struct arm_cpu, id), id_end = id_begin + (int32_t)sizeof(cpu->id);
    for (unsigned i = 0; i < ROWS; i++)
        if (table[i].offset && (table[i].offset < id_begin || table[i].offset >= id_end))
            *field(cpu, &table[i]) = table[i].reset;
}

bool arm_sysreg_is_gic(uint32_t encoding, unsigned *min_el)
{
    unsigned op0 = encoding >> 14 & 3, op1 = encoding >> 11 & 7, crn = encoding >> 7 & 15, crm = encoding >> 3 & 15;
    bool priority_mask = encoding == ARM_SYSREG(3, 0, 4, 6, 0);
    if (!priority_mask && !(op0 == 3 && crn == 12 && crm >= 8 && (op1 == 0 || op1 == 4 || op1 == 6)))
        return false;
    *min_el = op1 == 6 ? 3 : op1 == 4 ? 2 : 1;
    return true;
}
