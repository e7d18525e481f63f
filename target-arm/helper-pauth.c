// SPDX-License-Identifier: MIT
// Pointer authentication (Arm ARM, D8.10, FEAT_PAuth2): codes go into the bits of a pointer that address translation
// does not use, exclusive-ored with what is there, and come out the same way; a wrong code leaves an address that
// cannot be translated. FEAT_FPAC, which would make that an exception at once, is left out, as are the traps of
// HCR_EL2.API and SCR_EL3.API.

#include "target-arm/helper.h"
#include "target-arm/mmu-private.h"
#include "target-arm/qarma.h"
#include "tcg/base/bits.h"

// A keyed mixing function in place of a cipher, for guests that want the instructions to work and to be fast. It
// keeps no attacker out who can see codes. The upper bits of a product depend on all bits of its factors.
static uint64_t mix_impdef(uint64_t data, uint64_t tweak, const struct arm_pauth_key *key)
{
    uint64_t x = (data ^ key->lo ^ tweak >> 32) * ((tweak ^ key->hi) << 1 | 1);
    return (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
}

static uint64_t compute(const struct arm_cpu *cpu, uint64_t data, uint64_t modifier, unsigned key)
{
    const struct arm_pauth_key *k = &cpu->pauth_keys[key];
    if (cpu->pauth_algorithm == ARM_PAUTH_IMPDEF)
        return mix_impdef(data, modifier, k);
    return qarma64(data, modifier, k->hi, k->lo, cpu->pauth_algorithm == ARM_PAUTH_QARMA3);
}

static bool is_data(uint32_t key)
{
    return key & 2;
}

// Codes take the extension bits but bit 55, which says the address range.
static uint64_t code_bits(uint64_t extension)
{
    return extension & ~BIT64(55);
}

static uint64_t extend(uint64_t pointer, uint64_t extension, bool upper)
{
    return upper ? pointer | extension : pointer & ~extension;
}

// The extension bits of a pointer, by a layout that may have to be found first.
static uint64_t extension_of(struct arm_cpu *cpu, uint64_t pointer, bool instruction)
{
    if (!arm_address_layout_current(cpu))
        arm_address_layout_update(cpu, cpu->el ? cpu->el : 1);
    return arm_address_extension(cpu, pointer, instruction);
}

// Most calls are of this kind, and need no more than a few instructions.
static inline bool is_quick(const struct arm_cpu *cpu)
{
    return __builtin_expect(cpu->pauth_algorithm == ARM_PAUTH_IMPDEF && arm_address_layout_current(cpu), 1);
}

static __attribute__((noinline)) uint64_t pac_slow(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier,
                                                   uint32_t key)
{
    uint64_t extension = extension_of(cpu, pointer, !is_data(key));
    bool top_byte_ignored = !(extension >> 63), upper = pointer >> (top_byte_ignored ? 55 : 63) & 1;
    if (upper != (pointer >> 55 & 1))
        extension = extension_of(cpu, pointer ^ BIT64(55), !is_data(key));
    uint64_t code = compute(cpu, extend(pointer, extension, upper), modifier, key);
    uint64_t signed_pointer = pointer ^ (code & code_bits(extension));
    return upper ? signed_pointer | BIT64(55) : signed_pointer & ~BIT64(55);
}

static uint64_t pac(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key)
{
    uint64_t extension = arm_address_extension(cpu, pointer, !is_data(key));
    bool upper = pointer >> 55 & 1, top_byte_ignored = !(extension >> 63);
    if (!is_quick(cpu) || (!top_byte_ignored && upper != pointer >> 63))
        return pac_slow(cpu, pointer, modifier, key);
    uint64_t code = mix_impdef(extend(pointer, extension, upper), modifier, &cpu->pauth_keys[key]);
    return pointer ^ (code & code_bits(extension));
}
const struct ir_helper arm_helper_pauth_pac = {
    "pauth_pac", ARM_HELPER_FN(pac), 0, IR_I64, 3, {IR_I64, IR_I64, IR_I32}};

static __attribute__((noinline)) uint64_t aut_slow(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier,
                                                   uint32_t key)
{
    uint64_t extension = extension_of(cpu, pointer, !is_data(key));
    uint64_t original = extend(pointer, extension, pointer >> 55 & 1);
    return pointer ^ (compute(cpu, original, modifier, key) & code_bits(extension));
}

static uint64_t aut(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key)
{
    if (!is_quick(cpu))
        return aut_slow(cpu, pointer, modifier, key);
    uint64_t extension = arm_address_extension(cpu, pointer, !is_data(key));
    uint64_t original = extend(pointer, extension, pointer >> 55 & 1);
    return pointer ^ (mix_impdef(original, modifier, &cpu->pauth_keys[key]) & code_bits(extension));
}
const struct ir_helper arm_helper_pauth_aut = {
    "pauth_aut", ARM_HELPER_FN(aut), 0, IR_I64, 3, {IR_I64, IR_I64, IR_I32}};

static uint64_t strip(struct arm_cpu *cpu, uint64_t pointer, uint32_t data)
{
    return extend(pointer, extension_of(cpu, pointer, !data), pointer >> 55 & 1);
}
const struct ir_helper arm_helper_pauth_strip = {
    "pauth_strip", ARM_HELPER_FN(strip), 0, IR_I64, 2, {IR_I64, IR_I32}};

static uint64_t generic(struct arm_cpu *cpu, uint64_t value, uint64_t modifier)
{
    return compute(cpu, value, modifier, ARM_KEY_GA) & ~UINT64_C(0xffffffff);
}
const struct ir_helper arm_helper_pauth_generic = {
    "pauth_generic", ARM_HELPER_FN(generic), 0, IR_I64, 2, {IR_I64, IR_I64}};
