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
// keeps no attacker out who can see codes.
static uint64_t mix_impdef(uint64_t data, uint64_t tweak, const struct arm_pauth_key *key)
{
    unsigned __int128 a = (unsigned __int128)(data ^ key->lo) * (UINT64_C(0x9e3779b97f4a7c15) ^ key->hi);
    uint64_t x = (uint64_t)a ^ (uint64_t)(a >> 64) ^ tweak;
    unsigned __int128 b = (unsigned __int128)x * UINT64_C(0xd6e8feb86659fd93);
    return (uint64_t)b ^ (uint64_t)(b >> 64);
}

static uint64_t compute(const struct arm_cpu *cpu, uint64_t data, uint64_t modifier, const struct arm_pauth_key *key)
{
    if (cpu->pauth_algorithm == ARM_PAUTH_IMPDEF)
        return mix_impdef(data, modifier, key);
    return qarma64(data, modifier, key->hi, key->lo, cpu->pauth_algorithm == ARM_PAUTH_QARMA3);
}

static const struct arm_pauth_key *key_of(const struct arm_cpu *cpu, uint32_t key)
{
    const struct arm_pauth_key *keys[4] = {&cpu->apia, &cpu->apib, &cpu->apda, &cpu->apdb};
    return keys[key & 3];
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

static uint64_t pac(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key)
{
    uint64_t extension = arm_address_extension(cpu, pointer, !is_data(key));
    bool top_byte_ignored = !(extension >> 63), upper = pointer >> (top_byte_ignored ? 55 : 63) & 1;
    if (upper != (pointer >> 55 & 1))
        extension = arm_address_extension(cpu, pointer ^ BIT64(55), !is_data(key));
    uint64_t code = compute(cpu, extend(pointer, extension, upper), modifier, key_of(cpu, key));
    uint64_t signed_pointer = pointer ^ (code & code_bits(extension));
    return upper ? signed_pointer | BIT64(55) : signed_pointer & ~BIT64(55);
}
const struct ir_helper arm_helper_pauth_pac = {
    "pauth_pac", ARM_HELPER_FN(pac), 0, IR_I64, 3, {IR_I64, IR_I64, IR_I32}};

static uint64_t aut(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier, uint32_t key)
{
    uint64_t extension = arm_address_extension(cpu, pointer, !is_data(key));
    uint64_t original = extend(pointer, extension, pointer >> 55 & 1);
    return pointer ^ (compute(cpu, original, modifier, key_of(cpu, key)) & code_bits(extension));
}
const struct ir_helper arm_helper_pauth_aut = {
    "pauth_aut", ARM_HELPER_FN(aut), 0, IR_I64, 3, {IR_I64, IR_I64, IR_I32}};

static uint64_t strip(struct arm_cpu *cpu, uint64_t pointer, uint32_t data)
{
    return extend(pointer, arm_address_extension(cpu, pointer, !data), pointer >> 55 & 1);
}
const struct ir_helper arm_helper_pauth_strip = {
    "pauth_strip", ARM_HELPER_FN(strip), 0, IR_I64, 2, {IR_I64, IR_I32}};

static uint64_t generic(struct arm_cpu *cpu, uint64_t value, uint64_t modifier)
{
    return compute(cpu, value, modifier, &cpu->apga) & ~UINT64_C(0xffffffff);
}
const struct ir_helper arm_helper_pauth_generic = {
    "pauth_generic", ARM_HELPER_FN(generic), 0, IR_I64, 2, {IR_I64, IR_I64}};
