// SPDX-License-Identifier: MIT
// Shared by the two stages of translation, by pointer authentication, which asks for the size of addresses, and by what shows
// walks to debuggers.
#pragma once

#include <endian.h>

#include "hw/core/memory-map.h"
#include "target-arm/mmu.h"
#include "tcg/base/bits.h"

// Descriptors of blocks and pages, and what those of tables hand down (D8.3).
#define DESC_AF BIT64(10)
#define DESC_AP2 BIT64(7) // read only
#define DESC_AP1 BIT64(6) // EL0
#define DESC_NS BIT64(5)
#define DESC_NG BIT64(11)
#define DESC_GP BIT64(50)
#define DESC_DBM BIT64(51)
#define DESC_CONTIGUOUS BIT64(52)
#define DESC_PXN BIT64(53)
#define DESC_UXN BIT64(54)
#define DESC_S2AP_R BIT64(6)
#define DESC_S2AP_W BIT64(7)
#define DESC_S2_XN BIT64(54)
#define TABLE_PXN BIT64(59)
#define TABLE_UXN BIT64(60)
#define TABLE_AP0 BIT64(61) // no EL0 access
#define TABLE_AP1 BIT64(62) // read only
#define TABLE_NS BIT64(63)

// Fills in kind and level (-1 to 3); false.
bool arm_fault(struct tlb_fault *fault, uint32_t kind, int level);

// What stage 1 of one address goes by.
struct arm_params {
    uint64_t ttbr;
    unsigned input_bits;   // of the address
    unsigned output_bits;
    bool upper;            // the range that TTBR1 translates
    bool disabled;         // EPD
    bool e0pd;
    bool tbi;              // for this kind of access
    bool hpd, ha, hd;
    bool ds;               // FEAT_LPA2 descriptors
    bool two_ranges;
    bool big_endian, wxn, epan;
    uint8_t granule_bits;
    uint8_t sh;            // from TCR, where descriptors have none
};
struct arm_params arm_params_of(const struct arm_cpu *cpu, enum arm_regime regime, uint64_t gva, bool fetch);
// The address without its tag, where tags are ignored.
uint64_t arm_strip_tag(const struct arm_params *p, uint64_t gva);
// Whether the range that it is in has it.
bool arm_in_range(const struct arm_params *p, uint64_t va);

unsigned arm_regime_el(enum arm_regime regime);
bool arm_stage1_enabled(const struct arm_cpu *cpu, enum arm_regime regime);

// The number of address bits for TxSZ, kept inside what the granule allows.
unsigned arm_input_bits(const struct arm_cpu *cpu, unsigned tsz, unsigned granule_bits, bool ds);

// Where a descriptor lies in host memory; NULL when it is not in RAM or ROM.
uint64_t *arm_descriptor_host(struct arm_cpu *cpu, uint64_t gpa);
uint64_t arm_descriptor_load(const uint64_t *host, bool big_endian);
// False when it has changed meanwhile.
bool arm_descriptor_update(uint64_t *host, bool big_endian, uint64_t old, uint64_t new);
// The address in a descriptor whose lowest address bit is `low_bit`.
uint64_t arm_descriptor_address(uint64_t descriptor, unsigned low_bit, unsigned granule_bits, bool ds, bool pa52);
bool arm_block_allowed(unsigned granule_bits, int level, bool ds, bool pa52);

bool arm_stage2_enabled(const struct arm_cpu *cpu, enum arm_regime regime);
// Translates an intermediate address for `walk`.
bool arm_walk_stage2(struct arm_cpu *cpu, uint64_t ipa, const struct arm_walk *walk,
                     struct tlb_translation *translation, struct tlb_fault *fault);

// Recomputes cpu->address_layout for the regime of an exception level (1 to 3).
void arm_address_layout_update(struct arm_cpu *cpu, unsigned regime_el);

// Whether cpu->address_layout is that of the current exception level.
static inline bool arm_address_layout_current(const struct arm_cpu *cpu)
{
    unsigned regime_el = cpu->el ? cpu->el : 1;
    return cpu->address_layout.el == regime_el && cpu->address_layout.tcr == cpu->tcr_el[regime_el];
}

// The bits of `gva` from the first that is not translated up to 63, or 55 where the top byte is ignored, by a current
// layout.
static inline uint64_t arm_address_extension(const struct arm_cpu *cpu, uint64_t gva, bool instruction)
{
    return cpu->address_layout.extension[(gva >> 54 & 2) | instruction];
}
