// SPDX-License-Identifier: MIT
// Address translation, stage 1 for all regimes (Arm ARM, D8): granules of 4, 16 and 64 KiB, 48-bit and 52-bit
// addresses (FEAT_LVA/LPA with 64 KiB, FEAT_LPA2 with the others), hierarchical permissions, PAN, E0PD, top byte
// ignore, hardware update of the access flag and dirty state. What registers say about it is in mmu-params.c, stage 2 in
// mmu-stage2.c.
//
// The contiguous hint is not used. Security state does not select memory: there is one physical address space.
// FEAT_VHE is left out, so EL2 has one address range.

#include "target-arm/mmu.h"

#include "target-arm/exception.h"
#include "target-arm/mmu-private.h"
#include "target-arm/sysreg-bits.h"
#include "tcg/base/bits.h"

// --- faults --------------------------------------------------------------------------------------------------------

uint32_t arm_fault_status(const struct tlb_fault *fault)
{
    uint32_t code = fault->kind & ARM_FAULT_CODE;
    uint32_t s1ptw = fault->kind & ARM_FAULT_S1PTW ? 1 << 7 : 0;
    if (fault->level == ARM_LEVEL_MINUS_1)
        return s1ptw | (code == ARM_FAULT_ADDRESS_SIZE ? 0x29 : code == ARM_FAULT_TRANSLATION ? 0x2b : 0x13);
    return s1ptw | (code + fault->level);
}

bool arm_fault(struct tlb_fault *fault, uint32_t kind, int level)
{
    fault->kind = kind;
    fault->level = level < 0 ? ARM_LEVEL_MINUS_1 : (uint32_t)level;
    return false;
}

// --- descriptors ---------------------------------------------------------------------------------------------------

uint64_t *arm_descriptor_host(struct arm_cpu *cpu, uint64_t gpa)
{
    // Tables lie together in RAM, as a rule: the range that the last one was in is kept while the map stays as it is.
    struct arm_walk_memory *last = &cpu->walk_memory;
    uint64_t generation = memory_map_generation(cpu->memory);
    if (last->generation != generation || gpa - last->base >= last->size) {
        const struct mem_range *range = memory_map_find(cpu->memory, gpa);
        if (!range || range->size < 8 || !mem_range_direct_read(range))
            return NULL;
        // Only RAM stays readable for as long as the map does.
        if (range->kind != MEM_RAM)
            return range->base + range->size - gpa < 8 ? NULL : (uint64_t *)(range->host + (gpa - range->base));
        *last = (struct arm_walk_memory){generation, range->base, range->size - 7, range->host};
        if (gpa - last->base >= last->size)
            return NULL;
    }
    return (uint64_t *)(last->host + (gpa - last->base));
}

uint64_t arm_descriptor_load(const uint64_t *host, bool big_endian)
{
    uint64_t raw = __atomic_load_n(host, __ATOMIC_ACQUIRE);
    return big_endian ? be64toh(raw) : le64toh(raw);
}

bool arm_descriptor_update(uint64_t *host, bool big_endian, uint64_t old, uint64_t new)
{
    uint64_t raw_old = big_endian ? htobe64(old) : htole64(old), raw_new = big_endian ? htobe64(new) : htole64(new);
    return __atomic_compare_exchange_n(host, &raw_old, raw_new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

uint64_t arm_descriptor_address(uint64_t descriptor, unsigned low_bit, unsigned granule_bits, bool ds, bool pa52)
{
    if (ds)
        return extract64(descriptor, low_bit, 50 - low_bit) << low_bit | extract64(descriptor, 8, 2) << 50;
    uint64_t address = extract64(descriptor, low_bit, 48 - low_bit) << low_bit;
    if (granule_bits == 16 && pa52)
        address |= extract64(descriptor, 12, 4) << 48;
    return address;
}

bool arm_block_allowed(unsigned granule_bits, int level, bool ds, bool pa52)
{
    switch (granule_bits) {
    case 12:
        return level == 2 || level == 1 || (level == 0 && ds);
    case 14:
        return level == 2 || (level == 1 && ds);
    default:
        return level == 2 || (level == 1 && pa52);
    }
}

// --- permissions ---------------------------------------------------------------------------------------------------

// A leaf's permissions with those of the tables above folded in.
static uint64_t inherit(uint64_t leaf, uint64_t tables)
{
    if (tables & TABLE_AP1)
        leaf |= DESC_AP2;
    if (tables & TABLE_AP0)
        leaf &= ~DESC_AP1;
    if (tables & TABLE_UXN)
        leaf |= DESC_UXN;
    if (tables & TABLE_PXN)
        leaf |= DESC_PXN;
    return leaf;
}

static void permissions(const struct arm_params *p, const struct arm_walk *walk, uint64_t leaf,
                        struct tlb_translation *t)
{
    bool read_only = leaf & DESC_AP2;
    t->writable = !read_only;
    t->readable = true;
    if (!p->two_ranges) {
        t->executable = !(leaf & DESC_UXN) && !(p->wxn && t->writable);
        return;
    }
    bool el0 = leaf & DESC_AP1;
    if (!walk->privileged) {
        t->readable = el0;
        t->writable = el0 && !read_only;
        t->executable = !(leaf & DESC_UXN) && !(p->wxn && t->writable);
        return;
    }
    // What EL0 can write to is never executed with privilege.
    t->executable = !(leaf & DESC_PXN) && !(el0 && !read_only) && !(p->wxn && t->writable);
    if (walk->pan && (el0 || (p->epan && !(leaf & DESC_UXN))))
        t->readable = t->writable = false;
}

static bool permitted(const struct tlb_translation *t, enum tlb_access access)
{
    return access == TLB_FETCH ? t->executable : access == TLB_WRITE ? t->writable : t->readable;
}

// --- the walk ------------------------------------------------------------------------------------------------------

enum walk_result { WALK_OK, WALK_FAULT, WALK_AGAIN };

// A table's or page's address in the next stage: through stage 2 where there is one.
static bool to_physical(struct arm_cpu *cpu, const struct arm_walk *walk, uint64_t *address, struct tlb_fault *fault)
{
    if (walk->stage1_only || !arm_stage2_enabled(cpu, walk->regime))
        return true;
    struct arm_walk table_walk = *walk;
    table_walk.access = TLB_READ;
    struct tlb_translation t;
    if (!arm_walk_stage2(cpu, *address, &table_walk, &t, fault)) {
        fault->kind |= ARM_FAULT_S1PTW;
        return false;
    }
    *address = t.gpa;
    return true;
}

struct leaf {
    uint64_t raw, *host; // the descriptor as in memory, and where
    uint64_t tables;     // attributes of the tables above, all together
    int level;
    unsigned size_log2;
    uint64_t output;     // address of the mapping
};

static bool find_leaf(struct arm_cpu *cpu, uint64_t va, const struct arm_walk *walk, const struct arm_params *p,
                      struct leaf *leaf, struct tlb_fault *fault)
{
    unsigned stride = p->granule_bits - 3;
    int level = 4 - (int)((p->input_bits - p->granule_bits + stride - 1) / stride);
    bool pa52 = p->output_bits == 52 && arm_has(cpu, ARM_FEAT_LVA);
    unsigned index_bits = p->input_bits - ((3 - level) * stride + p->granule_bits);
    unsigned align = index_bits + 3;
    uint64_t base = extract64(p->ttbr, 0, 48) >> align << align;
    if (p->ds || (p->granule_bits == 16 && pa52)) {
        align = align < 6 ? 6 : align;
        base = extract64(p->ttbr, 0, 48) >> align << align | extract64(p->ttbr, 2, 4) << 48;
    }
    if (base >> p->output_bits)
        return arm_fault(fault, ARM_FAULT_ADDRESS_SIZE, 0);

    uint64_t tables = 0;
    for (;; level++) {
        unsigned shift = (3 - level) * stride + p->granule_bits;
        uint64_t address = base + (extract64(va, shift, index_bits) << 3);
        index_bits = stride;
        if (!to_physical(cpu, walk, &address, fault))
            return false;
        leaf->host = arm_descriptor_host(cpu, address);
        leaf->raw = leaf->host ? arm_descriptor_load(leaf->host, p->big_endian) : 0;
        if (walk->step)
            walk->step(walk->opaque, &(struct arm_walk_step){false, leaf->host, level, shift, address, leaf->raw});
        if (!leaf->host) {
            fault->gpa = address;
            return arm_fault(fault, ARM_FAULT_EXTERNAL_ON_WALK, level);
        }
        bool table_or_page = leaf->raw & 2;
        if (!(leaf->raw & 1) || (level == 3 && !table_or_page))
            return arm_fault(fault, ARM_FAULT_TRANSLATION, level);
        if (level == 3 || !table_or_page) {
            if (level < 3 && !arm_block_allowed(p->granule_bits, level, p->ds, pa52))
                return arm_fault(fault, ARM_FAULT_TRANSLATION, level);
            leaf->level = level;
            leaf->size_log2 = shift;
            leaf->output = arm_descriptor_address(leaf->raw, shift, p->granule_bits, p->ds, pa52);
            leaf->tables = p->hpd ? 0 : tables;
            break;
        }
        tables |= leaf->raw;
        base = arm_descriptor_address(leaf->raw, p->granule_bits, p->granule_bits, p->ds, pa52);
        if (base >> p->output_bits)
            return arm_fault(fault, ARM_FAULT_ADDRESS_SIZE, level);
    }
    if (leaf->output >> p->output_bits)
        return arm_fault(fault, ARM_FAULT_ADDRESS_SIZE, leaf->level);
    return true;
}

static enum walk_result walk_stage1(struct arm_cpu *cpu, uint64_t va, const struct arm_walk *walk,
                                    const struct arm_params *p, struct tlb_translation *t, struct tlb_fault *fault,
                                    uint64_t *attributes)
{
    struct leaf leaf;
    if (!find_leaf(cpu, va, walk, p, &leaf, fault))
        return WALK_FAULT;
    uint64_t updated = leaf.raw;
    if (!(leaf.raw & DESC_AF)) {
        if (!p->ha && !walk->any) {
            arm_fault(fault, ARM_FAULT_ACCESS_FLAG, leaf.level);
            return WALK_FAULT;
        }
        updated |= DESC_AF;
    }
    // Writable-clean pages become dirty with the first write, and are shown as read only until then.
    if (p->hd && (leaf.raw & DESC_DBM) && walk->access == TLB_WRITE)
        updated &= ~DESC_AP2;
    permissions(p, walk, inherit(updated, leaf.tables), t);
    if (!walk->any && !permitted(t, walk->access)) {
        arm_fault(fault, ARM_FAULT_PERMISSION, leaf.level);
        return WALK_FAULT;
    }
    if (updated != leaf.raw && !walk->probe && !arm_descriptor_update(leaf.host, p->big_endian, leaf.raw, updated))
        return WALK_AGAIN;

    unsigned el = arm_regime_el(walk->regime);
    uint64_t attribute = cpu->mair_el[el] >> (extract64(leaf.raw, 2, 3) * 8) & 0xff;
    t->gpa = leaf.output | (va & mask64(leaf.size_log2));
    t->page_log2 = leaf.size_log2;
    t->global = !p->two_ranges || !(leaf.raw & DESC_NG);
    t->device = !(attribute & 0xf0);
    t->code_flags = arm_has(cpu, ARM_FEAT_BTI) && (leaf.raw & DESC_GP) ? ARM_CODE_GUARDED : 0;
    if (attributes)
        *attributes = attribute | (p->ds ? p->sh : extract64(leaf.raw, 8, 2)) << 8;
    return WALK_OK;
}

static bool flat(struct arm_cpu *cpu, uint64_t va, const struct arm_walk *walk, struct tlb_translation *t,
                 struct tlb_fault *fault, uint64_t *attributes)
{
    bool cacheable = walk->regime == ARM_REGIME_EL10 && arm_has(cpu, ARM_FEAT_EL2) && (cpu->hcr_el2 & HCR_DC);
    if (va >> cpu->pa_bits)
        return arm_fault(fault, ARM_FAULT_ADDRESS_SIZE, 0);
    *t = (struct tlb_translation){.gpa = va,
                                  .readable = true,
                                  .writable = true,
                                  .executable = true,
                                  .device = !cacheable,
                                  .page_log2 = TLB_PAGE_BITS};
    if (attributes)
        *attributes = cacheable ? 0xff : 2 << 8;
    return true;
}

static bool stage1(struct arm_cpu *cpu, uint64_t gva, const struct arm_walk *walk, struct tlb_translation *t,
                   struct tlb_fault *fault, uint64_t *attributes)
{
    struct arm_params p = arm_params_of(cpu, walk->regime, gva, walk->access == TLB_FETCH);
    uint64_t va = arm_strip_tag(&p, gva);
    if (walk->access == TLB_FETCH && va != gva) {
        fault->gpa = va;
        return arm_fault(fault, ARM_FAULT_TAGGED_PC, 0);
    }
    if (!arm_stage1_enabled(cpu, walk->regime))
        return flat(cpu, va, walk, t, fault, attributes);
    if (!arm_in_range(&p, va) || p.disabled || (p.e0pd && !walk->privileged))
        return arm_fault(fault, ARM_FAULT_TRANSLATION, 0);
    // Another processor's update of the descriptor repeats the walk; only a hostile guest can make that go on.
    enum walk_result result = WALK_AGAIN;
    for (unsigned attempt = 0; attempt < 64 && result == WALK_AGAIN; attempt++)
        result = walk_stage1(cpu, va, walk, &p, t, fault, attributes);
    if (result == WALK_AGAIN)
        return arm_fault(fault, ARM_FAULT_EXTERNAL_ON_WALK, 3);
    return result == WALK_OK;
}

bool arm_walk(struct arm_cpu *cpu, uint64_t gva, const struct arm_walk *walk, struct tlb_translation *t,
              struct tlb_fault *fault, uint64_t *attributes)
{
    *fault = (struct tlb_fault){.gva = gva, .access = walk->access};
    if (!stage1(cpu, gva, walk, t, fault, attributes))
        return false;
    if (walk->stage1_only || !arm_stage2_enabled(cpu, walk->regime))
        return true;
    struct tlb_translation t2;
    if (!arm_walk_stage2(cpu, t->gpa, walk, &t2, fault))
        return false;
    t->gpa = t2.gpa;
    t->readable &= t2.readable;
    t->writable &= t2.writable;
    t->executable &= t2.executable;
    t->device |= t2.device;
    if (t2.page_log2 < t->page_log2)
        t->page_log2 = t2.page_log2;
    return true;
}

bool arm_translate_address(struct tcg_cpu *tcg, uint64_t gva, enum tlb_access access, unsigned mmu_index, bool probe,
                           struct tlb_translation *t, struct tlb_fault *fault)
{
    struct arm_cpu *cpu = arm_cpu_of(tcg);
    struct arm_walk walk = {.regime = arm_regime_of(cpu, cpu->el),
                            .privileged = mmu_index != ARM_MMU_EL0,
                            .pan = mmu_index == ARM_MMU_PAN,
                            .probe = probe,
                            .access = access};
    if (!arm_walk(cpu, gva, &walk, t, fault, NULL))
        return false;
    if (access != TLB_FETCH || probe)
        return true;
    // Two things that most systems never do cost something only once they have been seen. (The branch that leads to the
    // first guarded page ever is thus not checked.) What runs with the MMU off has a space of its own.
    bool private_code = !t->global && cpu->el == 1 && (cpu->sctlr_el[1] & SCTLR_M);
    if ((t->code_flags && !cpu->btype_tracked) || (private_code && !cpu->private_code)) {
        cpu->btype_tracked |= t->code_flags != 0;
        cpu->private_code |= private_code;
        arm_modes_changed(cpu);
        tcg_modes_changed(tcg);
    }
    return true;
}
