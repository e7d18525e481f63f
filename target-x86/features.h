// SPDX-License-Identifier: MIT
// CPUID feature bits, as word << 5 | bit. The words are registers of CPUID leaves; models.c keeps them.
#pragma once

#include <stdint.h>

enum x86_feature_word {
    X86_WORD_1_EDX,
    X86_WORD_1_ECX,
    X86_WORD_7_EBX,
    X86_WORD_7_ECX,
    X86_WORD_7_EDX,
    X86_WORD_81_EDX, // 0x80000001
    X86_WORD_81_ECX,
    X86_WORD_D1_EAX, // 0xd, subleaf 1
    X86_WORD_7_1_EAX,
    X86_WORD_BASE,   // not CPUID: bit 0 is always set
    X86_FEATURE_WORDS,
};

// Where CPUID shows each of the words before X86_WORD_BASE; reg counts EAX, EBX, ECX, EDX.
struct x86_feature_place {
    uint32_t leaf, subleaf;
    uint8_t reg;
};
extern const struct x86_feature_place x86_feature_places[X86_WORD_BASE];

enum x86_feature {
#define FEATURE(name, text, word, bit) X86_FEAT_##name = X86_WORD_##word << 5 | bit,
#include "target-x86/features.inc"
#undef FEATURE
    X86_FEAT_BASE = X86_WORD_BASE << 5,
};
