// SPDX-License-Identifier: MIT
// Registers as GDB knows them (GDB manual, G.5.1): its features for the general and the vector registers, and one of our own
// with every system register that the model has and that can be read without consequences.
//
// GDB before version 14 strips pointer authentication codes from return addresses by clearing bits, which spoils kernel
// addresses; the masks are therefore in the feature that those versions do not know (pauth_v2), where there are two sets.

#include "target-arm/gdb.h"

#include <string.h>

#include "target-arm/cpu.h"
#include "target-arm/exception.h"
#include "target-arm/mmu-private.h"
#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

// debug_register.id
enum {
    ID_X0 = 0,
    ID_SP = 31,
    ID_PC,
    ID_CPSR,
    ID_V0,
    ID_FPSR = ID_V0 + 32,
    ID_FPCR,
    ID_MASK, // data, code; the same of upper addresses
    ID_CURRENT_EL = ID_MASK + 4,
    ID_DAIF,
    ID_NZCV,
    ID_SP_EL0,             // to SP_EL3
    ID_GIC = 128,          // rows of gic_registers
    ID_SYSTEM = 256,       // rows of the system register table
};

enum {
    REG_SP_EL0 = ARM_SYSREG(3, 0, 4, 1, 0),
    REG_SP_EL1 = ARM_SYSREG(3, 4, 4, 1, 0),
    REG_SP_EL2 = ARM_SYSREG(3, 6, 4, 1, 0),
    REG_FPCR = ARM_SYSREG(3, 3, 4, 4, 0),
    REG_FPSR = ARM_SYSREG(3, 3, 4, 4, 1),
};

// The GIC CPU interface without what acknowledges or ends interrupts.
static const struct gic_register {
    const char *name;
    uint32_t encoding;
    uint8_t feature;
    bool read_only;
} gic_registers[] = {
    {"ICC_PMR_EL1", ARM_SYSREG(3, 0, 4, 6, 0), ARM_FEAT_GICV3, false},
    {"ICC_HPPIR0_EL1", ARM_SYSREG(3, 0, 12, 8, 2), ARM_FEAT_GICV3, true},
    {"ICC_BPR0_EL1", ARM_SYSREG(3, 0, 12, 8, 3), ARM_FEAT_GICV3, false},
    {"ICC_AP0R0_EL1", ARM_SYSREG(3, 0, 12, 8, 4), ARM_FEAT_GICV3, false},
    {"ICC_AP1R0_EL1", ARM_SYSREG(3, 0, 12, 9, 0), ARM_FEAT_GICV3, false},
    {"ICC_RPR_EL1", ARM_SYSREG(3, 0, 12, 11, 3), ARM_FEAT_GICV3, true},
    {"ICC_HPPIR1_EL1", ARM_SYSREG(3, 0, 12, 12, 2), ARM_FEAT_GICV3, true},
    {"ICC_BPR1_EL1", ARM_SYSREG(3, 0, 12, 12, 3), ARM_FEAT_GICV3, false},
    {"ICC_CTLR_EL1", ARM_SYSREG(3, 0, 12, 12, 4), ARM_FEAT_GICV3, false},
    {"ICC_SRE_EL1", ARM_SYSREG(3, 0, 12, 12, 5), ARM_FEAT_GICV3, true},
    {"ICC_IGRPEN0_EL1", ARM_SYSREG(3, 0, 12, 12, 6), ARM_FEAT_GICV3, false},
    {"ICC_IGRPEN1_EL1", ARM_SYSREG(3, 0, 12, 12, 7), ARM_FEAT_GICV3, false},
    {"ICC_SRE_EL2", ARM_SYSREG(3, 4, 12, 9, 5), ARM_FEAT_EL2, true},
};
_Static_assert(ID_GIC + ARRAY_SIZE(gic_registers) <= ID_SYSTEM, "register numbers are distinct");

// --- the view ------------------------------------------------------------------------------------------------------

enum { CORE, FPU, PAUTH, SYSTEM, FEATURES };

struct view_memory {
    struct debug_view view;
    struct debug_feature features[FEATURES];
    struct debug_register registers[];
};

struct builder {
    const struct arm_cpu *cpu;
    struct debug_register *next;
};

static void add(struct builder *b, const char *name, const char *type, const char *group, unsigned bits, unsigned id)
{
    *b->next++ = (struct debug_register){name, type, group, (uint16_t)bits, (uint16_t)id};
}

static void add_core(struct builder *b)
{
    static const char names[31][4] = {"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",  "x10",
                                      "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",
                                      "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30"};
    for (unsigned n = 0; n < 31; n++)
        add(b, names[n], "int", "general", 64, ID_X0 + n);
    add(b, "sp", "data_ptr", "general", 64, ID_SP);
    add(b, "pc", "code_ptr", "general", 64, ID_PC);
    add(b, "cpsr", "cpsr_flags", "general", 32, ID_CPSR);
}

static void add_fpu(struct builder *b)
{
    static const char names[32][4] = {"v0",  "v1",  "v2",  "v3",  "v4",  "v5",  "v6",  "v7",  "v8",  "v9",  "v10",
                                      "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
                                      "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"};
    for (unsigned n = 0; n < 32; n++)
        add(b, names[n], "aarch64v", NULL, 128, ID_V0 + n);
    add(b, "fpsr", "fpsr_flags", "float", 32, ID_FPSR);
    add(b, "fpcr", "fpcr_flags", "float", 32, ID_FPCR);
}

static void add_pauth(struct builder *b)
{
    static const char *const names[] = {"pauth_dmask", "pauth_cmask", "pauth_dmask_high", "pauth_cmask_high"};
    for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
        add(b, names[n], "int", "system", 64, ID_MASK + n);
}

// A pointer where GDB can say more of it than its value.
static const char *system_type(const char *name)
{
    static const struct {
        const char *start, *type;
    } types[] = {
        {"ELR_", "code_ptr"},     {"VBAR_", "code_ptr"},    {"RVBAR_", "code_ptr"},   {"FAR_", "data_ptr"},
        {"TPIDR", "data_ptr"},    {"SP_EL", "data_ptr"},    {"SPSR_", "spsr_flags"},  {"ESR_", "esr_flags"},
        {"SCTLR_", "sctlr_flags"}, {"TCR_EL1", "tcr_flags"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (!strncmp(name, types[i].start, strlen(types[i].start)))
            return types[i].type;
    return "int";
}

// Breakpoint and watchpoint registers beyond those that ID_AA64DFR0_EL1 counts.
static bool beyond_count(const struct arm_cpu *cpu, uint32_t encoding)
{
    unsigned op2 = encoding & 7, n = encoding >> 3 & 15;
    if ((encoding & ~UINT32_C(0x7f)) != ARM_SYSREG(2, 0, 0, 0, 0) || op2 < 4)
        return false;
    return n >= (op2 < 6 ? cpu->id.dbg_breakpoints : cpu->id.dbg_watchpoints);
}

static bool shown(const struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    switch (reg->encoding) {
    case 0:          // the row of reserved encodings
    case REG_SP_EL0: // the others have registers by themselves
    case REG_SP_EL1:
    case REG_SP_EL2:
    case REG_FPCR:
    case REG_FPSR:
        return false;
    }
    return arm_has(cpu, reg->feature) && reg->access & RO_EL0 && !(reg->flags & SR_READ_ACTS) &&
           !beyond_count(cpu, reg->encoding);
}

static void add_system(struct builder *b)
{
    static const char sp_names[4][8] = {"SP_EL0", "SP_EL1", "SP_EL2", "SP_EL3"};
    static const uint8_t sp_features[4] = {ARM_FEAT_BASE, ARM_FEAT_BASE, ARM_FEAT_EL2, ARM_FEAT_EL3};
    add(b, "CurrentEL", "int", "system", 64, ID_CURRENT_EL);
    add(b, "DAIF", "int", "system", 64, ID_DAIF);
    add(b, "NZCV", "int", "system", 64, ID_NZCV);
    for (unsigned n = 0; n < 4; n++)
        if (arm_has(b->cpu, sp_features[n]))
            add(b, sp_names[n], "data_ptr", "system", 64, ID_SP_EL0 + n);
    for (unsigned n = 0; n < arm_sysreg_count(); n++) {
        const struct arm_sysreg *reg = arm_sysreg_at(n);
        if (shown(b->cpu, reg))
            add(b, reg->name, system_type(reg->name), "system", 64, ID_SYSTEM + n);
    }
    if (!arm_has(b->cpu, ARM_FEAT_GICV3) || !b->cpu->config.gic_sysregs)
        return;
    for (unsigned n = 0; n < ARRAY_SIZE(gic_registers); n++)
        if (arm_has(b->cpu, gic_registers[n].feature))
            add(b, gic_registers[n].name, "int", "system", 64, ID_GIC + n);
}

static void add_feature(struct view_memory *m, const char *name, const char *types, struct builder *b,
                        void (*add_registers)(struct builder *))
{
    const struct debug_register *first = b->next;
    add_registers(b);
    m->features[m->view.feature_count++] = (struct debug_feature){name, types, first, (unsigned)(b->next - first)};
}

void arm_debug_view_create(struct arm_cpu *cpu)
{
    size_t most = ID_SYSTEM + arm_sysreg_count();
    struct view_memory *m = alloc_zeroed(1, sizeof(*m) + most * sizeof(m->registers[0]));
    struct builder b = {cpu, m->registers};
    m->view = (struct debug_view){.architecture = "aarch64", .features = m->features};
    add_feature(m, "org.gnu.gdb.aarch64.core", arm_gdb_core_types, &b, add_core);
    m->view.packet_count = m->features[CORE].count;
    if (arm_has(cpu, ARM_FEAT_FP))
        add_feature(m, "org.gnu.gdb.aarch64.fpu", arm_gdb_fpu_types, &b, add_fpu);
    if (arm_has(cpu, ARM_FEAT_PAUTH))
        add_feature(m, "org.gnu.gdb.aarch64.pauth_v2", NULL, &b, add_pauth);
    add_feature(m, "org.lyrebird.aarch64.system", arm_gdb_system_types, &b, add_system);
    cpu->debug_view = &m->view;
}

// --- access --------------------------------------------------------------------------------------------------------

// Bits of addresses where pointer authentication codes are, in the translation regime of now.
static uint64_t code_mask(const struct arm_cpu *cpu, unsigned n)
{
    bool upper = n & 2, instruction = n & 1;
    struct arm_params p = arm_params_of(cpu, arm_regime_of(cpu, cpu->el), upper ? BIT64(55) : 0, instruction);
    return mask64(p.tbi ? 56 : 64) & ~mask64(p.input_bits) & ~BIT64(55);
}

static struct arm_sysreg_access gic_access(const struct arm_cpu *cpu, const struct gic_register *reg)
{
    unsigned min_el = 1;
    arm_sysreg_is_gic(reg->encoding, &min_el);
    return (struct arm_sysreg_access){.encoding = reg->encoding,
                                      .cpu = (uint16_t)cpu->tcg.vcpu.index,
                                      .el = (uint8_t)(cpu->el > min_el ? cpu->el : min_el),
                                      .secure = arm_has(cpu, ARM_FEAT_EL3) && !(cpu->scr_el3 & SCR_NS)};
}

static uint64_t read_system(struct arm_cpu *cpu, unsigned row)
{
    // Rows for floating point look at the host's control register, which is the guest's only inside run().
    uint32_t host = fp_env_swap(cpu->tcg.fp_control);
    uint64_t value = arm_sysreg_get(cpu, arm_sysreg_at(row));
    fp_env_swap(host);
    return value;
}

static unsigned row_of(const struct arm_cpu *cpu, uint32_t encoding)
{
    return arm_sysreg_index(arm_sysreg_find(cpu, encoding));
}

static bool read_integer(struct arm_cpu *cpu, unsigned id, uint64_t *value)
{
    switch (id) {
    case ID_X0 ... ID_SP - 1:
        *value = cpu->x[id - ID_X0];
        return true;
    case ID_SP:
        *value = cpu->sp;
        return true;
    case ID_PC:
        *value = tcg_get_pc(&cpu->tcg);
        return true;
    case ID_CPSR:
        *value = arm_pstate_get(cpu);
        return true;
    case ID_FPSR:
        *value = read_system(cpu, row_of(cpu, REG_FPSR));
        return true;
    case ID_FPCR:
        *value = cpu->fpcr;
        return true;
    case ID_MASK ... ID_MASK + 3:
        *value = code_mask(cpu, id - ID_MASK);
        return true;
    case ID_CURRENT_EL:
        *value = (uint64_t)cpu->el << 2;
        return true;
    case ID_DAIF:
        *value = cpu->daif;
        return true;
    case ID_NZCV:
        *value = arm_nzcv_unpack(cpu->nzcv);
        return true;
    case ID_SP_EL0 ... ID_SP_EL0 + 3:
        *value = *arm_stack_pointer(cpu, id - ID_SP_EL0);
        return true;
    case ID_GIC ... ID_GIC + ARRAY_SIZE(gic_registers) - 1: {
        const struct gic_register *reg = &gic_registers[id - ID_GIC];
        return cpu->config.gic_sysregs->read(cpu->config.gic_opaque, gic_access(cpu, reg), value);
    }
    default:
        *value = read_system(cpu, id - ID_SYSTEM);
        return true;
    }
}

bool arm_debug_read(struct vcpu *vcpu, const struct debug_view *view, const struct debug_register *reg, uint8_t *bytes)
{
    (void)view;
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    uint64_t value = 0;
    if (reg->bits == 128) {
        const uint64_t *v = cpu->v[reg->id - ID_V0];
        store_le64(bytes, v[0]);
        store_le64(bytes + 8, v[1]);
        return true;
    }
    if (!read_integer(cpu, reg->id, &value))
        return false;
    if (reg->bits == 32)
        store_le32(bytes, (uint32_t)value);
    else
        store_le64(bytes, value);
    return true;
}

// What an exception return could not set up is refused.
static bool write_cpsr(struct arm_cpu *cpu, uint64_t value)
{
    enum { AARCH32 = 1 << 4, RESERVED = 1 << 1 };
    unsigned el = extract64(value, 2, 2);
    bool absent = (el == 2 && !arm_has(cpu, ARM_FEAT_EL2)) || (el == 3 && !arm_has(cpu, ARM_FEAT_EL3));
    if (value & (AARCH32 | RESERVED) || absent || (el == 0 && (value & 1)))
        return false;
    arm_pstate_set(cpu, value);
    arm_modes_changed(cpu);
    return true;
}

static bool write_system(struct arm_cpu *cpu, unsigned row, uint64_t value)
{
    const struct arm_sysreg *reg = arm_sysreg_at(row);
    if (!(reg->access & WO_EL0) || reg->flags & (SR_CONST | SR_ZERO))
        return false;
    uint32_t host = fp_env_swap(cpu->tcg.fp_control);
    arm_sysreg_set(cpu, reg, value);
    cpu->tcg.fp_control = fp_env_swap(host);
    return true;
}

static bool write_integer(struct arm_cpu *cpu, unsigned id, uint64_t value)
{
    switch (id) {
    case ID_X0 ... ID_SP - 1:
        cpu->x[id - ID_X0] = value;
        return true;
    case ID_SP:
        cpu->sp = value;
        return true;
    case ID_PC:
        if (value & 3)
            return false;
        tcg_set_pc(&cpu->tcg, value);
        return true;
    case ID_CPSR:
        return write_cpsr(cpu, value);
    case ID_FPSR:
        return write_system(cpu, row_of(cpu, REG_FPSR), value);
    case ID_FPCR:
        return write_system(cpu, row_of(cpu, REG_FPCR), value);
    case ID_MASK ... ID_CURRENT_EL:
        return false;
    case ID_DAIF:
        cpu->daif = (uint32_t)value & PSTATE_DAIF;
        arm_modes_changed(cpu);
        return true;
    case ID_NZCV:
        cpu->nzcv = arm_nzcv_pack((uint32_t)value);
        return true;
    case ID_SP_EL0 ... ID_SP_EL0 + 3:
        *arm_stack_pointer(cpu, id - ID_SP_EL0) = value;
        return true;
    case ID_GIC ... ID_GIC + ARRAY_SIZE(gic_registers) - 1: {
        const struct gic_register *reg = &gic_registers[id - ID_GIC];
        return !reg->read_only && cpu->config.gic_sysregs->write(cpu->config.gic_opaque, gic_access(cpu, reg), value);
    }
    default:
        return write_system(cpu, id - ID_SYSTEM, value);
    }
}

bool arm_debug_write(struct vcpu *vcpu, const struct debug_view *view, const struct debug_register *reg,
                     const uint8_t *bytes)
{
    (void)view;
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    if (reg->bits == 128) {
        uint64_t *v = cpu->v[reg->id - ID_V0];
        v[0] = load_le64(bytes);
        v[1] = load_le64(bytes + 8);
        return true;
    }
    return write_integer(cpu, reg->id, reg->bits == 32 ? load_le32(bytes) : load_le64(bytes));
}
