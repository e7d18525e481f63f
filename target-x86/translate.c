// SPDX-License-Identifier: MIT
// The translation loop for x86 blocks, how it leaves, and calls of helpers.
//
// A block ends at a branch, at an instruction that changes modes, before an instruction that goes on in the next page,
// or after max_insns. An instruction across pages is a block by itself: a helper fetches its bytes in the next page each
// time and compares them with those that were translated, since that page may be another one by then.

#include "target-x86/translate.h"

#include <string.h>

#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/region.h"

// --- leaving -------------------------------------------------------------------------------------------------------

// An i64 modulo 2^32.
static ir_ref cut_linear(struct x86_translator *x, ir_ref value)
{
    return ir_zext(x->b, ir_trunc(x->b, value));
}

bool tx_raise(struct x86_translator *x, enum x86_vector vector)
{
    tx_call1(x, &x86_helper_raise, tx_i32(x, vector));
    return false;
}

bool tx_ud(struct x86_translator *x)
{
    return tx_raise(x, X86_UD);
}

void tx_raise_if(struct x86_translator *x, enum ir_cond cond, ir_ref a, ir_ref b, enum x86_vector vector)
{
    ir_raise_if(x->b, cond, a, b, vector);
}

// Blocks with these flags are not followed by one with the same.
static bool leaves_by_loop(const struct x86_translator *x)
{
    return tx_flag(x, X86_BF_SHADOW) || tx_flag(x, X86_BF_SINGLE);
}

bool tx_exit_pc(struct x86_translator *x, ir_ref pc)
{
    if (tx_flag(x, X86_BF_TF))
        tx_call1(x, &x86_helper_step, pc);
    else if (leaves_by_loop(x))
        ir_exit_loop(x->b, pc);
    else if (x->returns)
        ir_exit_return(x->b, pc);
    else
        ir_exit_indirect(x->b, pc);
    return false;
}

// The linear address `offset` bytes from the page base.
static ir_ref linear_at(struct x86_translator *x, int64_t offset)
{
    ir_ref pc = ir_pc_plus(x->b, offset);
    bool inside = offset >= 0 && offset < TLB_PAGE_SIZE;
    return x->mode == 2 || inside ? pc : cut_linear(x, pc);
}

// Whether no exit to an offset does what is due.
static bool leaves_by_address(const struct x86_translator *x, int64_t offset)
{
    return offset < 0 || offset >= TLB_PAGE_SIZE || tx_stands_alone(x);
}

bool tx_exit_offset(struct x86_translator *x, int64_t offset)
{
    // Interrupts that were held off are looked for now: soon they may be disabled again.
    if (leaves_by_address(x, offset) || x->after_sti)
        return tx_exit_anew(x, offset);
    ir_exit_to(x->b, offset);
    return false;
}

bool tx_exit_rip(struct x86_translator *x, ir_ref rip, unsigned size)
{
    ir_ref pc = size == 3 ? rip : tx_zx64(x, rip, size);
    if (x->mode != 2 && !tx_flag(x, X86_BF_CS_ZERO))
        pc = cut_linear(x, ir_add(x->b, pc, ir_get(x->b, SLOT_SEG_BASE + X86_CS)));
    return tx_exit_pc(x, pc);
}

ir_ref tx_next_rip(struct x86_translator *x)
{
    ir_ref pc = ir_pc_plus(x->b, x->next);
    if (x->mode == 2)
        return pc;
    if (!tx_flag(x, X86_BF_CS_ZERO))
        pc = ir_sub(x->b, pc, ir_get(x->b, SLOT_SEG_BASE + X86_CS));
    return cut_linear(x, pc);
}

// Whether IP is not cut on the way of a relative branch: it wraps at 64 KiB, which a page-aligned segment does not do inside a
// page.
static bool reaches(const struct x86_translator *x, const struct x86_decoded *in)
{
    int64_t target = x->next + (int64_t)in->imm;
    bool whole = in->opsize >= 2 && x->mode >= 1;
    return whole || (x->mode == 0 && in->opsize == 1 && tx_flag(x, X86_BF_CS_ALIGNED) && target >= 0 &&
                     target < TLB_PAGE_SIZE);
}

bool tx_branches_inside(const struct x86_translator *x, const struct x86_decoded *in)
{
    return reaches(x, in) && !x->after_sti && !leaves_by_address(x, x->next + (int64_t)in->imm) &&
           !leaves_by_address(x, x->next);
}

bool tx_exit_relative(struct x86_translator *x, const struct x86_decoded *in)
{
    if (reaches(x, in))
        return tx_exit_offset(x, x->next + (int64_t)in->imm);
    return tx_exit_rip(x, ir_addi(x->b, tx_next_rip(x), (int64_t)in->imm), in->opsize == 1 ? 1 : 2);
}

bool tx_exit_anew(struct x86_translator *x, int64_t offset)
{
    if (leaves_by_address(x, offset))
        return tx_exit_pc(x, linear_at(x, offset));
    ir_exit_anew(x->b, offset);
    return false;
}

bool tx_exit_next_modes(struct x86_translator *x)
{
    ir_ref pc = linear_at(x, x->next);
    tx_call0(x, &x86_helper_select_code);
    return tx_exit_pc(x, pc);
}

bool tx_exit_next_loop(struct x86_translator *x)
{
    ir_ref pc = linear_at(x, x->next);
    if (tx_flag(x, X86_BF_TF))
        tx_call1(x, &x86_helper_step, pc);
    else
        ir_exit_loop(x->b, pc);
    return false;
}

// --- calls ---------------------------------------------------------------------------------------------------------

ir_ref tx_call(struct x86_translator *x, const struct ir_helper *helper, const ir_ref *args)
{
    ir_ref wide[IR_HELPER_MAX_ARGS];
    for (unsigned i = 0; i < helper->arg_count; i++)
        wide[i] = helper->args[i] == IR_I64 ? ir_zext(x->b, args[i]) : args[i];
    return ir_call(x->b, helper, wide);
}

ir_ref tx_call0(struct x86_translator *x, const struct ir_helper *helper)
{
    return tx_call(x, helper, NULL);
}

ir_ref tx_call1(struct x86_translator *x, const struct ir_helper *helper, ir_ref a)
{
    return tx_call(x, helper, &a);
}

ir_ref tx_call2(struct x86_translator *x, const struct ir_helper *helper, ir_ref a, ir_ref b)
{
    ir_ref args[] = {a, b};
    return tx_call(x, helper, args);
}

ir_ref tx_call3(struct x86_translator *x, const struct ir_helper *helper, ir_ref a, ir_ref b, ir_ref c)
{
    ir_ref args[] = {a, b, c};
    return tx_call(x, helper, args);
}

ir_ref tx_call4(struct x86_translator *x, const struct ir_helper *helper, ir_ref a, ir_ref b, ir_ref c, ir_ref d)
{
    ir_ref args[] = {a, b, c, d};
    return tx_call(x, helper, args);
}

// --- the block -----------------------------------------------------------------------------------------------------

static bool translate_insn(struct x86_translator *x, const struct x86_decoded *in)
{
    const struct x86_row *row = in->row;
    if (!x86_has(x->cpu, (enum x86_feature)row->feature) || ((row->attributes & X86_NO_VM) && !tx_protected(x)))
        return tx_ud(x);
    if ((row->attributes & X86_CPL0) && x->cpl != 0)
        return tx_raise(x, X86_GP);
    return row->translate(x, in);
}

static bool translate_decoded(struct x86_translator *x, enum x86_decode_result result, const struct x86_decoded *in)
{
    if (result == X86_DECODE_OK) {
        x->next = x->pc + in->bytes;
        return translate_insn(x, in);
    }
    x->next = x->pc + 1;
    return tx_raise(x, result == X86_DECODE_UD ? X86_UD : X86_GP);
}

// What every block with such flags begins with.
static void begin_special(struct x86_translator *x)
{
    if (tx_flag(x, X86_BF_SINGLE))
        ir_set(x->b, SLOT_SINGLE, tx_i32(x, 0));
    if (tx_flag(x, X86_BF_BREAKPOINTS))
        tx_call0(x, &x86_helper_breakpoint);
    if (tx_flag(x, X86_BF_SHADOW))
        ir_set(x->b, SLOT_SHADOW, tx_i32(x, 0));
}

// The instruction at x->pc, which goes on in the next page. No region has it: there it need only end.
static bool translate_across(struct x86_translator *x)
{
    uint8_t bytes[X86_INSN_MAX + 1] = {0};
    unsigned here = TLB_PAGE_SIZE - (unsigned)x->pc;
    memcpy(bytes, x->t->code, here);
    uint64_t next_page = x->t->pc + here;
    if (x->mode != 2)
        next_page = (uint32_t)next_page;
    bool there = !x->t->member && x86_peek_code(x->t->cpu, next_page, bytes + here, X86_INSN_MAX - here);
    struct x86_decoded in;
    enum x86_decode_result result = x86_decode(bytes, X86_INSN_MAX, x->mode, &in);
    unsigned used = result == X86_DECODE_OK ? in.bytes : X86_INSN_MAX;
    unsigned beyond = there && used > here ? used - here : 0;
    // Nothing of the page can be read, or only for now: the helper raises the fault, or has this block made anew.
    uint64_t halves[2] = {0, 0};
    for (unsigned i = 0; i < beyond; i++)
        halves[i / 8] |= (uint64_t)bytes[here + i] << i % 8 * 8;
    ir_ref low = tx_i64(x, halves[0]), high = tx_i64(x, halves[1]);
    ir_ref good = tx_call4(x, &x86_helper_code_is_there, linear_at(x, TLB_PAGE_SIZE), tx_i32(x, beyond), low, high);
    uint32_t slow = ir_new_side(x->b), on = ir_new_join(x->b);
    x->b->region->blocks[slow].cold = true;
    ir_brcond(x->b, IR_EQ, good, tx_i32(x, 0), slow, on);
    ir_begin_block(x->b, slow);
    tx_call3(x, &x86_helper_check_code, tx_i32(x, here | beyond << 8), low, high);
    ir_jump(x->b, on);
    ir_begin_block(x->b, on);
    if (!there) {
        tx_call0(x, &x86_helper_retranslate);
        return false;
    }
    return translate_decoded(x, result, &in);
}

static uint32_t block_limit(const struct x86_translator *x)
{
    bool one = tx_stands_alone(x) || tx_flag(x, X86_BF_BREAKPOINTS);
    return one ? 1 : x->t->max_insns;
}

// The instructions up to `limit`, or where the block ends. False when it has ended.
static bool translate_body(struct x86_translator *x, uint32_t limit)
{
    struct tcg_translation *t = x->t;
    uint32_t offset = 0;
    bool go_on = true;
    t->insn_count = 0;
    while (go_on && !x->after_sti && t->insn_count < limit && offset < t->code_bytes &&
           !(t->insn_count && ir_at_member(x->b, x->pc))) {
        struct x86_decoded in;
        enum x86_decode_result result = x86_decode(t->code + offset, t->code_bytes - offset, x->mode, &in);
        if (result == X86_DECODE_MORE && t->insn_count)
            break;
        ir_begin_insn(x->b, x->pc);
        x->after_sti = x->sti;
        x->sti = false;
        if (result == X86_DECODE_MORE) {
            t->single = true;
            go_on = translate_across(x);
            offset = t->code_bytes;
        } else {
            go_on = translate_decoded(x, result, &in);
            offset += (uint32_t)(x->next - x->pc);
        }
        x->pc = x->next;
        t->insn_count++;
    }
    t->guest_bytes = offset < t->code_bytes ? offset : t->code_bytes;
    return go_on;
}

void x86_translate(struct tcg_translation *t)
{
    struct x86_translator x = {
        .b = t->builder,
        .t = t,
        .cpu = x86_cpu_of(t->cpu),
        .flags = t->flags,
        .mode = t->flags >> X86_BF_CODE & 3,
        .cpl = t->flags >> X86_BF_CPL & 3,
        .mmu = t->flags >> X86_BF_MMU & 3,
        .pc = t->pc & (TLB_PAGE_SIZE - 1),
        .notes = {.cc = {.kind = CC_DYNAMIC}},
    };
    if (x.mode != 2)
        t->builder->region->slots = x86_slots_narrow;
    // FP operations are the host's own (HOSTFP): the region's rules, made for others, stay empty.
    ir_keep_notes(x.b, &x.notes, sizeof(x.notes));
    ir_begin_insn(x.b, x.pc);
    uint32_t limit = block_limit(&x);
    t->single = limit == 1;
    begin_special(&x);
    if (!translate_body(&x, limit))
        return;
    if (!t->insn_count)
        x.next = x.pc;
    if (x.sti)
        ir_set(x.b, SLOT_SHADOW, ir_i32(x.b, X86_SHADOW_STI));
    if (x.sti)
        tx_exit_next_modes(&x);
    else
        tx_exit_offset(&x, x.next);
}
