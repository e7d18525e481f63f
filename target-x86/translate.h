// SPDX-License-Identifier: MIT
// What the x86 translators share: the block in hand; access to operands, flags, memory and exits. Private to target-x86.
//
// General registers are i64 in 64-bit code and i32, their low halves, in other code (tx_word); so are offsets in segments,
// and linear addresses but for compatibility mode, where sums must not reach what 64-bit code has above 4 GiB.
//
// Values of 8 and 16 bits are i32 with anything above their size unless said otherwise, of 32 bits i32, of 64 bits i64.
// Sizes are log2 of bytes. A translator does all that may fault before its first write to a register or flag.
#pragma once

#include "target-x86/cpu.h"
#include "target-x86/decode.h"
#include "target-x86/flags.h"
#include "target-x86/handlers.h"
#include "target-x86/helper.h"
#include "target-x86/slots.h"
#include "tcg/builder.h"

struct x86_cc {
    enum x86_cc_kind kind;
    unsigned size;
    ir_ref dst, src, src2; // not extended
    ir_ref first;          // first operand of SUB, CMP and SBB
    ir_ref cf, of;         // i32, 0 or 1; IR_NONE where nobody made one. Nothing is meant by them with CC_DYNAMIC
    uint32_t apart;        // X86_CC_CF, X86_CC_OF: they are what cc_cf and cc_of hold
};

// What is known at a point, kept along side blocks (ir_keep_notes).
struct x86_notes {
    struct x86_cc cc;
    uint32_t x87;              // of enum x86_fpu_place: bits that are set
};

struct x86_translator {
    struct ir_builder *b;
    struct tcg_translation *t;
    const struct x86_cpu *cpu; // for features only
    uint64_t flags;            // X86_BF_*
    unsigned mode;             // 0 16-, 1 32-, 2 64-bit code
    unsigned cpl, mmu;
    int32_t pc, next;          // of this instruction and the one after it, from the page base
    struct x86_notes notes;
    bool returns;              // the instruction is a near return
    bool sti, after_sti;       // the instruction was STI: interrupts are held off for one more; it is that one
};

static inline bool tx_flag(const struct x86_translator *x, unsigned bit)
{
    return x->flags >> bit & 1;
}

// Whether blocks with these flags have one instruction and something is due behind it: a single-step trap, or a look at modes
// that hold for that one only.
static inline bool tx_stands_alone(const struct x86_translator *x)
{
    return tx_flag(x, X86_BF_TF) || tx_flag(x, X86_BF_SHADOW) || tx_flag(x, X86_BF_SINGLE);
}

static inline bool tx_protected(const struct x86_translator *x)
{
    return tx_flag(x, X86_BF_PE) && !tx_flag(x, X86_BF_VM86);
}

static inline enum ir_type tx_type(unsigned size)
{
    return size == 3 ? IR_I64 : IR_I32;
}

static inline enum ir_type tx_word(const struct x86_translator *x)
{
    return x->mode == 2 ? IR_I64 : IR_I32;
}

static inline unsigned tx_bits(unsigned size)
{
    return 8u << size;
}

// --- values ---
ir_ref tx_zx(struct x86_translator *x, ir_ref value, unsigned size); // zero-extended within its type
ir_ref tx_sx(struct x86_translator *x, ir_ref value, unsigned size);
ir_ref tx_zx64(struct x86_translator *x, ir_ref value, unsigned size); // to i64
ir_ref tx_sx64(struct x86_translator *x, ir_ref value, unsigned size);
ir_ref tx_imm(struct x86_translator *x, unsigned size, uint64_t value);

// --- general registers ---
ir_ref tx_gpr(struct x86_translator *x, unsigned reg, unsigned size);
void tx_set_gpr(struct x86_translator *x, unsigned reg, unsigned size, ir_ref value);
// An integer as general registers hold it: cut, or zero-extended, to tx_word.
ir_ref tx_as_gpr(struct x86_translator *x, ir_ref value);
// The same for what may have anything above its size.
ir_ref tx_as_wide(struct x86_translator *x, ir_ref value);
// Zero-extended from the address size.
ir_ref tx_cut_address(struct x86_translator *x, ir_ref value, unsigned address_size);
ir_ref tx_gpr_address(struct x86_translator *x, unsigned reg, unsigned address_size);

// --- operands of the instruction, by position ---
ir_ref tx_read(struct x86_translator *x, const struct x86_decoded *in, unsigned n);
void tx_write(struct x86_translator *x, const struct x86_decoded *in, unsigned n, ir_ref value);
static inline bool x86_in_memory(const struct x86_decoded *in, unsigned n)
{
    return in->op[n].kind == X86_ARG_MEM;
}

// --- memory ---
// Offset in the segment of the instruction's memory operand, cut to the address size.
ir_ref tx_offset(struct x86_translator *x, const struct x86_decoded *in);
// Linear address of `offset` in a segment, checked for an access of `bytes`.
ir_ref tx_linear(struct x86_translator *x, unsigned segment, ir_ref offset, unsigned bytes, bool write);
// A linear address of 32 bits, as operands of memory operations have it.
ir_ref tx_linear_type(struct x86_translator *x, ir_ref address);
// Linear address of the memory operand.
ir_ref tx_address(struct x86_translator *x, const struct x86_decoded *in, unsigned bytes, bool write);
struct ir_mem tx_mem(const struct x86_translator *x, unsigned size);
ir_ref tx_load(struct x86_translator *x, ir_ref linear, unsigned size);
void tx_store(struct x86_translator *x, ir_ref linear, unsigned size, ir_ref value);

// --- stack ---
unsigned tx_stack_size(const struct x86_translator *x); // address size
// Linear address of `offset` bytes from the stack pointer.
ir_ref tx_stack_address(struct x86_translator *x, int64_t offset, unsigned bytes, bool write);
void tx_add_sp(struct x86_translator *x, int64_t bytes);
void tx_push(struct x86_translator *x, unsigned size, ir_ref value); // store, then the pointer
ir_ref tx_stack_top(struct x86_translator *x, unsigned size);

// --- flags ---
struct tx_condition {
    enum ir_cond cond;
    ir_ref a, b;
};
struct tx_condition tx_condition(struct x86_translator *x, unsigned cc);
ir_ref tx_setcond(struct x86_translator *x, enum ir_type type, unsigned cc);
ir_ref tx_carry(struct x86_translator *x); // 0 or 1, of tx_word
ir_ref tx_flags(struct x86_translator *x); // arithmetic flags, i32; materialises them
void tx_set_cc(struct x86_translator *x, enum x86_cc_kind kind, unsigned size, ir_ref dst, ir_ref src, ir_ref src2);
void tx_set_cc_sub(struct x86_translator *x, unsigned size, ir_ref dst, ir_ref first, ir_ref second);
void tx_set_cc_cmp(struct x86_translator *x, unsigned size, ir_ref first, ir_ref second);
ir_ref tx_cc_result(struct x86_translator *x); // of what set the flags, where it is known: neither FLAGS nor of translators only
// CF, or OF, as an i32 of 0 or 1, for those that add with it: what they find in loops comes without a call, mostly. `both`: the
// other one is likely to be wanted too.
ir_ref tx_chained(struct x86_translator *x, bool overflow, bool both);
// CF or OF becomes that i32, 0 or 1; the other flags stay.
void tx_set_chained(struct x86_translator *x, bool overflow, ir_ref bit);
// Flags of INC or DEC, which keep CF.
void tx_set_counted(struct x86_translator *x, bool dec, unsigned size, ir_ref result);
void tx_set_flags(struct x86_translator *x, ir_ref flags); // i32
// Flags become `kind` where `changes` (i32 or i64) is not 0, and stay as they are else.
void tx_set_cc_if(struct x86_translator *x, ir_ref changes, enum x86_cc_kind kind, unsigned size, ir_ref dst,
                   ir_ref src);
// All flags but those in `mask` stay; those are taken from `flags`.
void tx_set_some_flags(struct x86_translator *x, uint32_t mask, ir_ref flags);

// --- leaving; all return false, for the translator to return ---
bool tx_raise(struct x86_translator *x, enum x86_vector vector); // error code 0 where it has one
bool tx_ud(struct x86_translator *x);
bool tx_exit_offset(struct x86_translator *x, int64_t offset); // linear, from the page base
bool tx_exit_pc(struct x86_translator *x, ir_ref pc);          // linear address
bool tx_exit_rip(struct x86_translator *x, ir_ref rip, unsigned size); // in CS; cut to the operand size
bool tx_exit_relative(struct x86_translator *x, const struct x86_decoded *in);
// Whether a relative branch and what follows it are plain exits to offsets in the page.
bool tx_branches_inside(const struct x86_translator *x, const struct x86_decoded *in);
bool tx_exit_anew(struct x86_translator *x, int64_t offset); // the same, but always by the entry of a block: ir_exit_anew
bool tx_exit_next_modes(struct x86_translator *x); // with the modes that an instruction may have changed
// Behind a helper that loads a segment: goes on when its result is that no modes have changed.
bool tx_segment_loaded(struct x86_translator *x, unsigned segment, ir_ref changed);
bool tx_exit_next_loop(struct x86_translator *x); // the same, after a look at halting and interrupts too
// The exception, error code 0 where it has one, when the condition holds.
void tx_raise_if(struct x86_translator *x, enum ir_cond cond, ir_ref a, ir_ref b, enum x86_vector vector);
ir_ref tx_next_rip(struct x86_translator *x); // i64

// --- calls; i32 arguments are zero-extended where the helper takes an i64 ---
ir_ref tx_call(struct x86_translator *x, const struct ir_helper *helper, const ir_ref *args);
ir_ref tx_call0(struct x86_translator *x, const struct ir_helper *helper);
ir_ref tx_call1(struct x86_translator *x, const struct ir_helper *helper, ir_ref a);
ir_ref tx_call2(struct x86_translator *x, const struct ir_helper *helper, ir_ref a, ir_ref b);
ir_ref tx_call3(struct x86_translator *x, const struct ir_helper *helper, ir_ref a, ir_ref b, ir_ref c);
ir_ref tx_call4(struct x86_translator *x, const struct ir_helper *helper, ir_ref a, ir_ref b, ir_ref c, ir_ref d);
static inline ir_ref tx_i32(struct x86_translator *x, uint32_t value)
{
    return ir_i32(x->b, value);
}
static inline ir_ref tx_i64(struct x86_translator *x, uint64_t value)
{
    return ir_i64(x->b, value);
}

// The guest_ops entry.
void x86_translate(struct tcg_translation *t);
