// SPDX-License-Identifier: MIT
// What the SIMD translators share. Private to target-x86.
#pragma once

#include "target-x86/translate.h"
#include "tcg/host-op.h"

static inline bool x86_simd_flag(const struct x86_translator *x, unsigned bit)
{
    return x->flags >> bit & 1;
}

static inline bool x86_simd_in_memory(const struct x86_decoded *in, unsigned n)
{
    return in->op[n].kind == X86_ARG_MEM;
}

static inline struct ir_mem x86_simd_mem(const struct x86_translator *x, unsigned size)
{
    return (struct ir_mem){.size_log2 = size, .mmu_index = x->mmu};
}

// False after #UD or #NM was raised.
bool tx_simd_allowed(struct x86_translator *x, const struct x86_decoded *in, bool mmx);
bool tx_simd_uses_mmx(const struct x86_decoded *in);
// The operand that is memory, or -1.
int tx_simd_memory(const struct x86_decoded *in);
// Its linear address, alignment checked.
ir_ref tx_simd_address(struct x86_translator *x, const struct x86_decoded *in, unsigned n, bool write);

// A vector register as translators see it: values of its halves, the upper one with VEX.L only.
struct simd_vec {
    ir_ref half[2];
};

static inline unsigned tx_simd_halves(const struct x86_decoded *in)
{
    return in->vex_l ? 2 : 1;
}

// The mandatory prefix as VEX.pp has it.
static inline unsigned tx_simd_prefix(const struct x86_decoded *in)
{
    return in->rep == 0xf3 ? 2 : in->rep == 0xf2 ? 3 : in->opsize_prefix ? 1 : 0;
}

struct simd_vec tx_simd_get_reg(struct x86_translator *x, unsigned n, unsigned count);
// Operand `n`, of 32 bytes down to one: what a smaller memory operand leaves free is not defined.
struct simd_vec tx_simd_get(struct x86_translator *x, const struct x86_decoded *in, unsigned n);
// Sets a register; with VEX what is above is cleared.
void tx_simd_set_reg(struct x86_translator *x, const struct x86_decoded *in, unsigned n, struct simd_vec v, unsigned count);
void tx_simd_set(struct x86_translator *x, const struct x86_decoded *in, unsigned n, struct simd_vec v);
ir_ref tx_simd_qword(struct x86_translator *x, ir_ref v, unsigned index);

// Translates what has an inline form; false when it has none, and then nothing was emitted.
enum simd_result { SIMD_NOT_HERE, SIMD_DONE, SIMD_RAISED };
enum simd_result tx_simd_inline(struct x86_translator *x, const struct x86_decoded *in);
// Its parts; after tx_simd_allowed. Each looks whether the instruction is its own before it emits anything.
bool tx_simd_move(struct x86_translator *x, const struct x86_decoded *in);  // translate-simd-inline.c
bool tx_simd_cross(struct x86_translator *x, const struct x86_decoded *in); // translate-simd-cross.c
bool tx_simd_op(struct x86_translator *x, const struct x86_decoded *in);    // translate-simd-op.c
void tx_mmx(struct x86_translator *x, const struct x86_decoded *in);        // translate-mmx.c
bool tx_mmx_knows(const struct x86_decoded *in);
bool tx_simd_move_knows(const struct x86_decoded *in);
bool tx_simd_cross_knows(const struct x86_decoded *in);
bool tx_simd_op_knows(const struct x86_decoded *in);

// EMMS.
void tx_mmx_end(struct x86_translator *x);

// The instruction's operation on 128 bits, with values for what it reads in the order reg, vvvv, rm, is4.
struct host_op tx_simd_host_op(const struct x86_decoded *in);
ir_ref tx_simd_emit(struct x86_translator *x, const struct x86_decoded *in, struct host_op op, enum ir_type type,
                    const ir_ref *args, unsigned count);
