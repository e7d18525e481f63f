// SPDX-License-Identifier: MIT
// Address translation as debuggers and the monitor show it: a walk level by level with the fields of its descriptors (Arm ARM,
// D8.3), and all mappings in order. Both let arm_walk do the walking and look on.
//
// With the MMU off at stage 1, the one mapping there is leads to the address itself, whatever stage 2 makes of it.

#include "target-arm/gdb.h"

#include <string.h>

#include "target-arm/cpu.h"
#include "target-arm/mmu-private.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"

typedef unsigned long long ull;

// --- the current tables ----------------------------------------------------------------------------------------------

uint64_t arm_debug_space(const struct vcpu *vcpu)
{
    const struct arm_cpu *cpu = arm_cpu_of_vcpu((struct vcpu *)vcpu);
    enum arm_regime regime = arm_regime_of(cpu, cpu->el);
    uint64_t tables = cpu->ttbr0_el[arm_regime_el(regime)] & ARM_DEBUG_SPACE_TABLES;
    if (regime != ARM_REGIME_EL10)
        return tables;
    uint64_t asid = (cpu->tcr_el[1] & TCR_A1 ? cpu->ttbr1_el[1] : cpu->ttbr0_el[1]) & ARM_DEBUG_SPACE_ID;
    return tables | (cpu->tcr_el[1] & TCR_AS ? asid : asid & UINT64_C(0xff) << 48);
}

static struct arm_walk debug_walk(const struct arm_cpu *cpu)
{
    return (struct arm_walk){.regime = arm_regime_of(cpu, cpu->el), .privileged = true, .probe = true, .any = true};
}

static const char *mark(bool on, const char *letter)
{
    return on ? letter : "-";
}

// "EL1 rw- EL0 r--", or of one level where EL0 has no part in the regime: what `walk` has found, and for EL0 a walk of its own.
// At most 15 characters.
static void print_rights(struct arm_cpu *cpu, uint64_t gva, struct arm_walk walk, const struct tlb_translation *found, char *text,
                         size_t size)
{
    int n = snprintf(text, size, "EL%u %s%s%s", arm_regime_el(walk.regime), mark(found->readable, "r"),
                     mark(found->writable, "w"), mark(found->executable, "x"));
    if (walk.regime != ARM_REGIME_EL10)
        return;
    struct tlb_translation t = {0};
    struct tlb_fault fault;
    walk.privileged = false;
    walk.step = NULL;
    arm_walk(cpu, gva, &walk, &t, &fault, NULL);
    snprintf(text + n, size - (size_t)n, " EL0 %s%s%s", mark(t.readable, "r"), mark(t.writable, "w"),
             mark(t.executable, "x"));
}

// --- one walk --------------------------------------------------------------------------------------------------------

static const char *memory_type(unsigned attribute)
{
    static const char *const devices[4] = {"Device-nGnRnE", "Device-nGnRE", "Device-nGRE", "Device-GRE"};
    if (!(attribute & 0xf0))
        return devices[attribute >> 2 & 3];
    return attribute == 0x44 ? "Normal Non-cacheable" : attribute == 0xff ? "Normal Write-Back" : "Normal";
}

static const char *const shareability[4] = {"none", "reserved", "outer", "inner"};

struct printer {
    FILE *out;
    const struct arm_cpu *cpu;
    const struct arm_params *params;
    enum arm_regime regime;
};

static void print_names(FILE *out, uint64_t descriptor, const uint64_t *bits, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (descriptor & bits[i])
            fprintf(out, ", %s", names[i]);
}

static void print_table(const struct printer *p, const struct arm_walk_step *s)
{
    static const uint64_t bits[] = {TABLE_PXN, TABLE_UXN, TABLE_AP0, TABLE_AP1, TABLE_NS};
    static const char *const names[] = {"PXNTable", "UXNTable", "APTable: not for EL0", "APTable: read only", "NSTable"};
    fprintf(p->out, "table");
    if (s->stage2)
        return;
    print_names(p->out, s->descriptor, bits, names, ARRAY_SIZE(bits));
    if (p->params->hpd && s->descriptor >> 59)
        fprintf(p->out, " (off by HPD)");
}

static void print_stage1_leaf(const struct printer *p, uint64_t d)
{
    static const char *const access[4] = {"EL1 rw", "EL1 rw, EL0 rw", "EL1 ro", "EL1 ro, EL0 ro"};
    static const uint64_t bits[] = {DESC_PXN, DESC_UXN, DESC_NG, DESC_CONTIGUOUS, DESC_GP, DESC_DBM, DESC_NS};
    static const char *const names[] = {"PXN", "UXN", "nG", "contiguous", "GP", "DBM", "NS"};
    static const char *const names_one_range[] = {"PXN", "XN", "nG", "contiguous", "GP", "DBM", "NS"};
    bool two_ranges = p->params->two_ranges;
    unsigned index = extract64(d, 2, 3), attribute = p->cpu->mair_el[arm_regime_el(p->regime)] >> index * 8 & 0xff;
    fprintf(p->out, ", %s", two_ranges ? access[extract64(d, 6, 2)] : d & DESC_AP2 ? "ro" : "rw");
    print_names(p->out, d, bits, two_ranges ? names : names_one_range, ARRAY_SIZE(bits));
    fprintf(p->out, ", SH %s, Attr%u 0x%02x %s", shareability[p->params->ds ? p->params->sh : extract64(d, 8, 2)], index,
            attribute, memory_type(attribute));
}

static void print_stage2_leaf(const struct printer *p, uint64_t d)
{
    fprintf(p->out, ", S2AP %s%s%s, SH %s, MemAttr 0x%x", mark(d & DESC_S2AP_R, "r"), mark(d & DESC_S2AP_W, "w"),
            d & DESC_S2_XN ? ", XN" : "", shareability[extract64(d, 8, 2)], (unsigned)extract64(d, 2, 4));
}

static void print_step(void *opaque, const struct arm_walk_step *s)
{
    const struct printer *p = opaque;
    uint64_t d = s->descriptor;
    bool table_or_page = d & 2;
    fprintf(p->out, "%slevel %d at 0x%016llx: ", s->stage2 ? "    stage 2 " : "  ", s->level, (ull)s->address);
    if (!s->found) {
        fprintf(p->out, "there is no memory\n");
        return;
    }
    fprintf(p->out, "0x%016llx ", (ull)d);
    if (!(d & 1)) {
        fprintf(p->out, "invalid: bit 0 is 0");
    } else if (s->level == 3 && !table_or_page) {
        fprintf(p->out, "invalid: bit 1 is 0 at level 3");
    } else if (s->level < 3 && table_or_page) {
        print_table(p, s);
    } else {
        fprintf(p->out, s->level == 3 ? "page" : "block");
        if (s->stage2)
            print_stage2_leaf(p, d);
        else
            print_stage1_leaf(p, d);
        fprintf(p->out, d & DESC_AF ? ", AF" : p->params->ha && !s->stage2 ? ", AF=0 (set by hardware)" : ", AF=0: access flag fault");
    }
    fputc('\n', p->out);
}

// Why there is no walk at all, when there is none.
static void print_outside(const struct arm_params *p, uint64_t va, unsigned el, FILE *out)
{
    unsigned range = p->upper;
    if (!arm_in_range(p, va))
        fprintf(out, "  outside of the range of TTBR%u_EL%u, the %s %u bits\n", range, el, range ? "upper" : "lower",
                p->input_bits);
    else if (p->disabled)
        fprintf(out, "  TCR_EL1.EPD%u is 1: TTBR%u_EL1 is not used\n", range, range);
}

static void print_regime(const struct arm_cpu *cpu, enum arm_regime regime, const struct arm_params *p, FILE *out)
{
    unsigned el = arm_regime_el(regime);
    fprintf(out, "EL%u%s: ", el, regime == ARM_REGIME_EL10 ? "&0" : "");
    if (!arm_stage1_enabled(cpu, regime)) {
        fprintf(out, "the MMU is off (SCTLR_EL%u.M is 0)\n", el);
        return;
    }
    fprintf(out, "TTBR%u_EL%u 0x%016llx, TCR_EL%u 0x%016llx: %u bits, granule ", p->upper, el, (ull)p->ttbr, el,
            (ull)cpu->tcr_el[el], p->input_bits);
    debug_print_size(p->granule_bits, out);
    fputc('\n', out);
}

void arm_debug_print_walk(struct vcpu *vcpu, uint64_t gva, FILE *out)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    struct arm_walk walk = debug_walk(cpu);
    struct arm_params p = arm_params_of(cpu, walk.regime, gva, false);
    uint64_t va = arm_strip_tag(&p, gva);
    print_regime(cpu, walk.regime, &p, out);
    if (va != gva)
        fprintf(out, "  the tag is ignored: 0x%016llx\n", (ull)va);
    if (arm_stage1_enabled(cpu, walk.regime)) {
        print_outside(&p, va, arm_regime_el(walk.regime), out);
        if (p.e0pd)
            fprintf(out, "  TCR_EL1.E0PD%u is 1: not for EL0\n", p.upper);
    }
    struct printer printer = {out, cpu, &p, walk.regime};
    struct tlb_translation t;
    struct tlb_fault fault;
    walk.step = print_step;
    walk.opaque = &printer;
    if (!arm_walk(cpu, gva, &walk, &t, &fault, NULL)) {
        fprintf(out, "not mapped: %s%s\n", fault.kind & ARM_FAULT_STAGE2 ? "stage 2 " : "",
                arm_debug_fault_name(arm_fault_status(&fault)));
        return;
    }
    char rights[24];
    print_rights(cpu, gva, walk, &t, rights, sizeof(rights));
    fprintf(out, "0x%016llx, ", (ull)t.gpa);
    debug_print_size(t.page_log2, out);
    fprintf(out, ", %s\n", rights);
}

// --- all mappings ----------------------------------------------------------------------------------------------------

// How much the last descriptors stand for: of stage 1, and of any.
struct sizes {
    unsigned stage1_log2, last_log2;
};

static void note_size(void *opaque, const struct arm_walk_step *s)
{
    struct sizes *sizes = opaque;
    sizes->last_log2 = s->size_log2;
    if (!s->stage2)
        sizes->stage1_log2 = s->size_log2;
}

// How much is not mapped together with the address that a walk failed for.
static unsigned hole_log2(const struct sizes *sizes, const struct tlb_fault *fault)
{
    bool of_output = (fault->kind & ARM_FAULT_STAGE2) && !(fault->kind & ARM_FAULT_S1PTW);
    return of_output && sizes->last_log2 < sizes->stage1_log2 ? sizes->last_log2 : sizes->stage1_log2;
}

static bool flat_mapping(const struct arm_cpu *cpu, uint64_t gva, struct debug_mapping *mapping)
{
    uint64_t size = UINT64_C(1) << cpu->pa_bits;
    if (gva >= size)
        return false;
    *mapping = (struct debug_mapping){.size = size, .page_bytes = size, .rights = "MMU off, rwx"};
    return true;
}

// The next address of a range that is translated; false when there are no more.
static bool skip_to_range(const struct arm_cpu *cpu, enum arm_regime regime, uint64_t *gva)
{
    struct arm_params lower = arm_params_of(cpu, regime, 0, false), upper = arm_params_of(cpu, regime, BIT64(55), false);
    if (*gva >> lower.input_bits == 0 && !lower.disabled)
        return true;
    if (!lower.two_ranges || upper.disabled)
        return false;
    uint64_t start = ~mask64(upper.input_bits);
    if (*gva < start)
        *gva = start;
    return true;
}

bool arm_debug_next_mapping(struct vcpu *vcpu, uint64_t gva, struct debug_mapping *mapping)
{
    // Tables can refer to each other so that a space has 2^40 entries and nothing mapped; there is an end to looking.
    enum { MOST_WALKS = 1 << 21 };
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    struct arm_walk walk = debug_walk(cpu);
    if (!arm_stage1_enabled(cpu, walk.regime))
        return flat_mapping(cpu, gva, mapping);
    struct sizes sizes;
    walk.step = note_size;
    walk.opaque = &sizes;
    for (unsigned walks = 0; walks < MOST_WALKS && skip_to_range(cpu, walk.regime, &gva); walks++) {
        struct tlb_translation t;
        struct tlb_fault fault;
        sizes = (struct sizes){63, 63};
        bool mapped = arm_walk(cpu, gva, &walk, &t, &fault, NULL);
        uint64_t within = mask64(mapped ? t.page_log2 : hole_log2(&sizes, &fault));
        if (mapped) {
            *mapping = (struct debug_mapping){.gva = gva & ~within, .size = within + 1, .gpa = t.gpa & ~within,
                                              .page_bytes = within + 1};
            print_rights(cpu, gva, walk, &t, mapping->rights, sizeof(mapping->rights));
            size_t used = strlen(mapping->rights);
            snprintf(mapping->rights + used, sizeof(mapping->rights) - used, "%s%s", t.global ? " g" : "",
                     t.device ? " dev" : "");
            return true;
        }
        if ((gva | within) == UINT64_MAX)
            return false;
        gva = (gva | within) + 1;
    }
    return false;
}
