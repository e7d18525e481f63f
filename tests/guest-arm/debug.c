// SPDX-License-Identifier: MIT
// What debuggers are shown of an AArch64 processor: registers that GDB accepts and that read and write what the guest sees.

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arm-machine.h"
#include "target-arm/arm.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/endian.h"
#include "tcg/fp-flags.h"

static struct arm_machine *m;
static struct vcpu *vcpu;
static const struct debug_ops *ops;
static const struct debug_view *view;

static void setup(void)
{
    m = arm_machine_create("interp", "max", 0);
    vcpu = &m->cpu->tcg.vcpu;
    vcpu->ops->reset(vcpu);
    ops = vcpu->ops->debug;
    view = ops->view(vcpu, ops->mode(vcpu));
}

static void teardown(void)
{
    arm_machine_destroy(m);
}

TestSuite(debug, .init = setup, .fini = teardown);

// --- interrupt inputs ----------------------------------------------------------------------------------------------

static const char *interrupts(void)
{
    static char text[1024];
    memset(text, 0, sizeof(text));
    FILE *out = fmemopen(text, sizeof(text), "w");
    cr_assert(out);
    ops->print_irq(vcpu, out);
    fclose(out);
    return text;
}

Test(debug, interrupt_inputs)
{
    cr_assert_str_eq(interrupts(), "EL1, PSTATE.DAIF DAIF\n"
                                   "  IRQ  down  to EL1, masked by PSTATE.I\n"
                                   "  FIQ  down  to EL1, masked by PSTATE.F\n");
    m->cpu->daif = PSTATE_F;
    vcpu_irq_set(vcpu, ARM_CPU_IRQ, true);
    vcpu_irq_set(vcpu, ARM_CPU_FIQ, true);
    cr_assert_str_eq(interrupts(), "EL1, PSTATE.DAIF ---F\n"
                                   "  IRQ  up    to EL1, is taken next\n"
                                   "  FIQ  up    to EL1, masked by PSTATE.F\n");
}

Test(debug, interrupt_inputs_of_higher_levels)
{
    struct arm_cpu_config config = {.index = 1, .mpidr = 1, .has_el2 = true, .has_el3 = true};
    vcpu = test_machine_add_cpu(&m->base, "max", &config);
    vcpu->ops->reset(vcpu);
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    cpu->el = 2;
    cpu->daif = PSTATE_I;
    cpu->hcr_el2 = HCR_RW | HCR_IMO | HCR_VI;
    cpu->scr_el3 = SCR_NS | SCR_FIQ;
    cr_assert_str_eq(interrupts(), "EL2, PSTATE.DAIF --I-, HCR_EL2 0x80000090, SCR_EL3 0x5\n"
                                   "  IRQ  down  to EL2, masked by PSTATE.I\n"
                                   "  FIQ  down  to EL3, not masked\n"
                                   "  vIRQ up    to EL1, held off at EL2\n"
                                   "  vFIQ down  to EL1, off: HCR_EL2.FMO is clear\n");
    cpu->el = 1;
    cpu->daif = 0;
    cr_assert(strstr(interrupts(), "  vIRQ up    to EL1, is taken next\n"));
    cpu->hcr_el2 |= HCR_TGE;
    cr_assert(strstr(interrupts(), "  vIRQ up    to EL1, off: HCR_EL2.TGE is set\n"));
    cpu->hcr_el2 = HCR_RW;
    cpu->el = 3;
    cr_assert(strstr(interrupts(), "  IRQ  down  to EL1, held off at EL3\n"));
}

// --- registers -----------------------------------------------------------------------------------------------------

static const struct debug_register *find(const char *name)
{
    for (unsigned f = 0; f < view->feature_count; f++)
        for (unsigned r = 0; r < view->features[f].count; r++)
            if (!strcmp(view->features[f].registers[r].name, name))
                return &view->features[f].registers[r];
    return NULL;
}

static uint64_t get(const char *name)
{
    uint8_t bytes[DEBUG_REGISTER_BYTES] = {0};
    const struct debug_register *reg = find(name);
    cr_assert(reg, "%s", name);
    cr_assert(ops->read(vcpu, view, reg, bytes), "%s", name);
    return reg->bits == 32 ? load_le32(bytes) : load_le64(bytes);
}

static bool set(const char *name, uint64_t value)
{
    uint8_t bytes[DEBUG_REGISTER_BYTES] = {0};
    const struct debug_register *reg = find(name);
    cr_assert(reg, "%s", name);
    store_le64(bytes, value);
    return ops->write(vcpu, view, reg, bytes);
}

// What is written is read, also by name of a stack pointer that is in use.
Test(debug, general_registers)
{
    cr_assert(set("x0", 0x123456789abcdef0) && set("x30", 7) && set("pc", 0xffff800080001230));
    cr_assert_eq(m->cpu->x[0], 0x123456789abcdef0);
    cr_assert_eq(get("x30"), 7);
    cr_assert_eq(vcpu->ops->get_pc(vcpu), 0xffff800080001230);
    cr_assert_not(set("pc", 0x1002), "instructions are aligned");
    cr_assert(set("cpsr", 0x600003c5)); // EL1h, Z and C
    cr_assert_eq(get("cpsr"), 0x600003c5);
    cr_assert_eq(get("CurrentEL"), 1 << 2);
    cr_assert_eq(get("NZCV"), 0x60000000);
    cr_assert(set("sp", 0x1000) && set("SP_EL0", 0x2000));
    cr_assert_eq(get("SP_EL1"), 0x1000);
    cr_assert(set("cpsr", 0x3c0)); // EL0
    cr_assert_eq(get("sp"), 0x2000);
    cr_assert(set("SP_EL0", 0x3000));
    cr_assert_eq(get("sp"), 0x3000);
    cr_assert_eq(get("SP_EL1"), 0x1000);
}

Test(debug, impossible_states_are_refused)
{
    uint64_t before = get("cpsr");
    cr_assert_not(set("cpsr", 0x3d0), "AArch32");
    cr_assert_not(set("cpsr", 0x3c9), "EL2, which this processor lacks");
    cr_assert_not(set("cpsr", 0x3cd), "EL3");
    cr_assert_not(set("cpsr", 0x3c1), "EL0 with a stack pointer of its own");
    cr_assert_eq(get("cpsr"), before);
    cr_assert_not(set("MIDR_EL1", 0));
    cr_assert_not(set("ID_AA64PFR0_EL1", 0));
    cr_assert_not(set("CurrentEL", 0));
    cr_assert_not(set("pauth_cmask", 0));
}

Test(debug, vector_registers)
{
    uint8_t bytes[DEBUG_REGISTER_BYTES];
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(i + 1);
    cr_assert(ops->write(vcpu, view, find("v31"), bytes));
    cr_assert_eq(m->cpu->v[31][1], 0x100f0e0d0c0b0a09);
    memset(bytes, 0, sizeof(bytes));
    cr_assert(ops->read(vcpu, view, find("v31"), bytes));
    cr_assert_eq(bytes[15], 16);
}

// While the vCPU is out of run(), its flags and rounding are in fp_control, not in this thread's host register.
Test(debug, floating_point_state_is_the_guests)
{
    enum { IOC = 1 << 0, IXC = 1 << 4, IDC = 1 << 7, QC = 1 << 27, ROUND_UP = 1 << 22 };
    uint32_t host = fp_env_swap(m->cpu->tcg.fp_control);
    fp_env_set_flags(FP_INVALID | FP_DENORMAL);
    m->cpu->tcg.fp_control = fp_env_swap(host);
    cr_assert_eq(get("fpsr"), IOC | IDC);
    cr_assert_eq(fp_env_flags() & (FP_INVALID | FP_DENORMAL), 0);
    cr_assert(set("fpsr", IXC | QC));
    cr_assert_eq(get("fpsr"), (uint32_t)(IXC | QC));
    cr_assert(set("fpsr", IXC | IDC | QC) && set("fpcr", ROUND_UP));
    cr_assert_eq(get("fpsr"), (uint32_t)(IXC | IDC | QC));
    cr_assert_eq(get("fpcr"), ROUND_UP);
    cr_assert_eq(fp_env_flags() & FP_INEXACT, 0);
    cr_assert_eq(fp_env_rounding(), IR_ROUND_NEAREST_EVEN);
    host = fp_env_swap(m->cpu->tcg.fp_control);
    enum ir_round rounding = fp_env_rounding();
    fp_env_swap(host);
    cr_assert_eq(rounding, IR_ROUND_UP);
}

// A write does what MSR does, to what is cached too.
Test(debug, system_registers)
{
    cr_assert(set("TTBR0_EL1", UINT64_C(0x12) << 48 | 0x40100000));
    cr_assert_eq(m->cpu->ttbr0_el[1], UINT64_C(0x12) << 48 | 0x40100000);
    uint64_t key = m->cpu->space_key;
    cr_assert(set("SCTLR_EL1", get("SCTLR_EL1") | SCTLR_M));
    cr_assert_neq(m->cpu->space_key, key, "translation is on");
    cr_assert(set("VBAR_EL1", 0x40000fff));
    cr_assert_eq(get("VBAR_EL1"), 0x40000800, "bits that are fixed stay");
    cr_assert(set("DAIF", 0x80));
    cr_assert_eq(get("cpsr") & 0x3c0, 0x80);
    cr_assert_eq(get("MPIDR_EL1"), UINT64_C(1) << 31);
    cr_assert_eq(find("RNDR"), NULL, "reading it would take a random number");
    cr_assert_eq(find("TTBR0_EL2"), NULL, "there is no EL2");
    cr_assert_eq(find("TLBI_VMALLE1"), NULL);
    cr_assert_eq(find("OSLAR_EL1"), NULL, "write only");
    cr_assert(find("CNTPCT_EL0") && find("DBGBVR0_EL1") && find("APIAKeyLo_EL1"));
}

// Every register can be read; a debugger's reading changes nothing.
Test(debug, reading_changes_nothing)
{
    uint8_t bytes[DEBUG_REGISTER_BYTES];
    struct arm_cpu *before = malloc(sizeof(*before));
    memcpy(before, m->cpu, sizeof(*before));
    for (unsigned f = 0; f < view->feature_count; f++)
        for (unsigned r = 0; r < view->features[f].count; r++)
            cr_assert(ops->read(vcpu, view, &view->features[f].registers[r], bytes), "%s",
                      view->features[f].registers[r].name);
    cr_assert_eq(memcmp(before, m->cpu, sizeof(*before)), 0);
    free(before);
}

// A processor with all exception levels.
Test(debug, higher_levels)
{
    struct arm_cpu_config config = {.index = 1, .mpidr = 1, .has_el2 = true, .has_el3 = true};
    vcpu = test_machine_add_cpu(&m->base, "max", &config);
    vcpu->ops->reset(vcpu);
    view = ops->view(vcpu, 0);
    uint8_t bytes[DEBUG_REGISTER_BYTES];
    for (unsigned f = 0; f < view->feature_count; f++)
        for (unsigned r = 0; r < view->features[f].count; r++)
            cr_assert(ops->read(vcpu, view, &view->features[f].registers[r], bytes));
    cr_assert_eq(ops->privilege(vcpu), 3);
    cr_assert(ops->secure(vcpu));
    cr_assert(set("TTBR0_EL3", 0x40300000) && set("TTBR0_EL2", 0x40200000) && set("sp", 0x3000));
    cr_assert_eq(ops->space(vcpu), 0x40300000);
    cr_assert(set("cpsr", 0x3c9)); // EL2h
    cr_assert(set("SCR_EL3", get("SCR_EL3") | SCR_NS));
    cr_assert_eq(ops->space(vcpu), 0x40200000);
    cr_assert_not(ops->secure(vcpu));
    cr_assert_eq(get("SP_EL3"), 0x3000);
    // One range of addresses, without a level for users: 1 GiB, read only.
    store_le64(test_machine_ram(&m->base, 0x40200008), 0x40000000 | 0x481);
    cr_assert(set("TCR_EL2", 25 | 5 << 16) && set("MAIR_EL2", 0xff) && set("SCTLR_EL2", get("SCTLR_EL2") | SCTLR_M));
    char text[1024];
    FILE *out = fmemopen(text, sizeof(text), "w");
    ops->print_walk(vcpu, 0x40012345, out);
    fclose(out);
    cr_assert_str_eq(text, "EL2: TTBR0_EL2 0x0000000040200000, TCR_EL2 0x0000000000050019: 39 bits, granule 4 KiB\n"
                           "  level 1 at 0x0000000040200008: 0x0000000040000481 block, ro, SH none, Attr0 0xff Normal "
                           "Write-Back, AF\n"
                           "0x0000000040012345, 1 GiB, EL2 r-x\n");
    struct debug_mapping mapping;
    cr_assert(ops->next_mapping(vcpu, 0, &mapping));
    cr_assert_eq(mapping.gva, 0x40000000);
    cr_assert_not(ops->next_mapping(vcpu, 0x80000000, &mapping), "there is no upper range");
}

Test(debug, masks_of_signed_pointers)
{
    cr_assert(set("TCR_EL1", 25 | 16 << 16 | TCR_TBI0)); // 39 bits below, tags ignored; 48 bits above
    cr_assert_eq(get("pauth_cmask"), 0x007fff8000000000);
    cr_assert_eq(get("pauth_cmask_high"), 0xff7f000000000000);
    cr_assert(set("TCR_EL1", 25 | 16 << 16 | TCR_TBI0 | TCR_TBID0)); // of instructions they count
    cr_assert_eq(get("pauth_cmask"), 0xff7fff8000000000);
    cr_assert_eq(get("pauth_dmask"), 0x007fff8000000000);
}

// --- GDB -----------------------------------------------------------------------------------------------------------

static void print_description(FILE *out)
{
    fprintf(out, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>\n<architecture>%s</architecture>\n",
            view->architecture);
    for (unsigned f = 0; f < view->feature_count; f++) {
        const struct debug_feature *feature = &view->features[f];
        fprintf(out, "<feature name=\"%s\">\n%s\n", feature->name, feature->types ? feature->types : "");
        for (unsigned r = 0; r < feature->count; r++) {
            const struct debug_register *reg = &feature->registers[r];
            fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", reg->name, reg->bits, reg->type ? reg->type : "int");
            if (reg->group)
                fprintf(out, " group=\"%s\"", reg->group);
            if (reg->group && !strcmp(reg->group, "system"))
                fprintf(out, " save-restore=\"no\""); // by calls of the debugger's user
            fprintf(out, "/>\n");
        }
        fprintf(out, "</feature>\n");
    }
    fprintf(out, "</target>\n");
}

// Whether GDB lists the register with this type and in these groups.
static bool listed(const char *text, const char *name, const char *type, const char *groups)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        char found[64], found_type[64], found_groups[64];
        if (sscanf(line, " %63s %*s %*s %*s %*s %63s %63s", found, found_type, found_groups) == 3 && !strcmp(found, name))
            return !strcmp(found_type, type) && !strcmp(found_groups, groups);
    }
    return false;
}

// GDB takes all features without a warning and knows the registers with their types.
Test(debug, gdb_accepts_the_description)
{
    if (system("gdb-multiarch --version > /dev/null 2>&1"))
        cr_skip_test("there is no gdb-multiarch");
    char path[] = "/tmp/lyrebird-tdesc-XXXXXX", command[256];
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    FILE *xml = fdopen(fd, "w");
    print_description(xml);
    fclose(xml);
    snprintf(command, sizeof(command),
             "gdb-multiarch -nx -batch -ex 'set tdesc filename %s' -ex 'maint print register-groups' 2>&1", path);
    static char text[1 << 18];
    FILE *gdb = popen(command, "r");
    cr_assert(gdb);
    text[fread(text, 1, sizeof(text) - 1, gdb)] = 0;
    cr_assert_eq(pclose(gdb), 0);
    unlink(path);
    cr_assert_not(strstr(text, "warning"), "%.500s", text);
    cr_assert(listed(text, "x0", "long", "general,all,save,restore"));
    cr_assert(listed(text, "pc", "*1", "general,all,save,restore"));
    cr_assert(listed(text, "cpsr", "cpsr_flags", "general,all,save,restore"));
    cr_assert(listed(text, "v31", "aarch64v", "vector,all,save,restore"));
    cr_assert(listed(text, "TTBR0_EL1", "long", "general,system,all"));
    cr_assert(listed(text, "SCTLR_EL1", "sctlr_flags", "general,system,all"));
}
