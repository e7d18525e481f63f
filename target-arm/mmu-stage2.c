// SPDX-License-Identifier: MIT
// Stage 2 translation (Arm ARM, D8.2.2 and on): VTTBR_EL2 and VTCR_EL2, with concatenated tables at the start level.
// Entries are cached combined with stage 1 (mmu.c). FEAT_XNX and 52-bit intermediate addresses are left out.

#include "target-arm/mmu-private.h"
#include "target-arm/sysreg-bits.h"

struct params2 {
    unsigned granule_bits, input_bits, output_bits;
    int start_level;
    bool ha, hd;
};

// False when the start level and the input size do not go together, which is a translation fault at level 0.
static bool params_of(const struct arm_cpu *cpu, struct params2 *p)
{
    static const uint8_t ps_bits[8] = {32, 36, 40, 42, 44, 48, 48, 48};
    uint64_t vtcr = cpu->vtcr_el2;
    unsigned tg = extract64(vtcr, 14, 2), sl = extract64(vtcr, 6, 2);
    p->granule_bits = tg == 1 ? 16 : tg == 2 ? 14 : 12;
    p->input_bits = arm_input_bits(cpu, extract64(vtcr, 0, 6), p->granule_bits, false);
    unsigned ps = ps_bits[extract64(vtcr, 16, 3)];
    p->output_bits = ps < cpu->pa_bits ? ps : cpu->pa_bits;
    p->start_level = p->granule_bits == 12 ? 2 - (int)sl : 3 - (int)sl;
    p->ha = (vtcr & BIT64(21)) && arm_has(cpu, ARM_FEAT_HAFDBS);
    p->hd = (vtcr & BIT64(22)) && p->ha;
    if (p->start_level < 0)
        return false;
    // Up to 16 tables may be concatenated.
    unsigned below = (3 - p->start_level) * (p->granule_bits - 3) + p->granule_bits;
    return p->input_bits > below && p->input_bits <= below + p->granule_bits - 3 + 4;
}

static bool fault2(struct tlb_fault *fault, uint32_t kind, int level, uint64_t ipa)
{
    fault->gpa = ipa;
    return arm_fault(fault, kind | ARM_FAULT_STAGE2, level);
}

static bool finish(struct arm_cpu *cpu, uint64_t ipa, const struct arm_walk *walk, const struct params2 *p,
                   uint64_t *host, uint64_t descriptor, int level, unsigned shift, struct tlb_translation *t,
                   struct tlb_fault *fault)
{
    uint64_t output = arm_descriptor_address(descriptor, shift, p->granule_bits, false, false), updated = descriptor;
    if (output >> p->output_bits)
        return fault2(fault, ARM_FAULT_ADDRESS_SIZE, level, ipa);
    if (!(descriptor & DESC_AF)) {
        if (!p->ha && !walk->any)
            return fault2(fault, ARM_FAULT_ACCESS_FLAG, level, ipa);
        updated |= DESC_AF;
    }
    if (p->hd && (descriptor & DESC_DBM) && walk->access == TLB_WRITE)
        updated |= DESC_S2AP_W;
    *t = (struct tlb_translation){.gpa = output | (ipa & mask64(shift)),
                                  .readable = updated & DESC_S2AP_R,
                                  .writable = updated & DESC_S2AP_W,
                                  .executable = (updated & DESC_S2AP_R) && !(updated & DESC_S2_XN),
                                  .device = !extract64(descriptor, 4, 2),
                                  .page_log2 = shift};
    bool permitted = walk->access == TLB_FETCH   ? t->executable
                     : walk->access == TLB_WRITE ? t->writable
                                                 : t->readable;
    if (!permitted && !walk->any)
        return fault2(fault, ARM_FAULT_PERMISSION, level, ipa);
    bool big_endian = cpu->sctlr_el[2] & SCTLR_EE;
    if (updated != descriptor && !walk->probe && !arm_descriptor_update(host, big_endian, descriptor, updated))
        return fault2(fault, ARM_FAULT_TRANSLATION, level, ipa); // changed under us: the access is tried again
    return true;
}

bool arm_walk_stage2(struct arm_cpu *cpu, uint64_t ipa, const struct arm_walk *walk, struct tlb_translation *t,
                     struct tlb_fault *fault)
{
    struct params2 p;
    if (!(cpu->hcr_el2 & HCR_VM)) {
        *t = (struct tlb_translation){.gpa = ipa, .readable = true, .writable = true, .executable = true,
                                      .page_log2 = 48};
        return true;
    }
    if (!params_of(cpu, &p) || ipa >> p.input_bits)
        return fault2(fault, ARM_FAULT_TRANSLATION, 0, ipa);

    unsigned stride = p.granule_bits - 3;
    int level = p.start_level;
    unsigned index_bits = p.input_bits - ((3 - level) * stride + p.granule_bits);
    unsigned align = index_bits + 3 < p.granule_bits ? index_bits + 3 : p.granule_bits;
    uint64_t base = extract64(cpu->vttbr_el2, 0, 48) >> align << align;
    for (;; level++, index_bits = stride) {
        unsigned shift = (3 - level) * stride + p.granule_bits;
        uint64_t address = base + (extract64(ipa, shift, index_bits) << 3);
        uint64_t *host = arm_descriptor_host(cpu, address);
        uint64_t descriptor = host ? arm_descriptor_load(host, cpu->sctlr_el[2] & SCTLR_EE) : 0;
        if (walk->step)
            walk->step(walk->opaque, &(struct arm_walk_step){true, host, level, shift, address, descriptor});
        if (!host)
            return fault2(fault, ARM_FAULT_EXTERNAL_ON_WALK, level, ipa);
        bool table_or_page = descriptor & 2;
        if (!(descriptor & 1) || (level == 3 && !table_or_page))
            return fault2(fault, ARM_FAULT_TRANSLATION, level, ipa);
        if (level == 3 || !table_or_page) {
            if (level < 3 && !arm_block_allowed(p.granule_bits, level, false, false))
                return fault2(fault, ARM_FAULT_TRANSLATION, level, ipa);
            return finish(cpu, ipa, walk, &p, host, descriptor, level, shift, t, fault);
        }
        base = arm_descriptor_address(descriptor, p.granule_bits, p.granule_bits, false, false);
        if (base >> p.output_bits)
            return fault2(fault, ARM_FAULT_ADDRESS_SIZE, level, ipa);
    }
}
