// SPDX-License-Identifier: MIT
// The table of state slots.

#include "target-x86/slots.h"

#include "target-x86/cpu.h"

#define AT(field) (int32_t) offsetof(struct x86_cpu, field)
#define R(n, text, word) [SLOT_GPR + n] = {text, AT(gpr[n]), word, false}
#define SEG(n, text)                                                                                                   \
    [SLOT_SEG_BASE + n] = {text "_base", AT(segs[n].base), IR_I64, false},                                             \
    [SLOT_SEG_LIMIT + n] = {text "_limit", AT(segs[n].limit), IR_I32, false},                                          \
    [SLOT_SELECTOR + n] = {text, AT(segs[n].selector), IR_I32, false}
#define XMM(n)                                                                                                         \
    [SLOT_XMM + n] = {"xmm" #n, AT(xmm[n]), IR_V128, false}, [SLOT_YMMH + n] = {"ymmh" #n, AT(ymmh[n]), IR_V128, false}
#define MM(n) [SLOT_MM + n] = {"mm" #n, AT(fpu.mm[n]), IR_V128, false}

// `word` is the type of general registers and of lazy flags.
#define SLOTS(word)                                                                                                    \
    {                                                                                                                  \
        [SLOT_PC_PAGE] = {"pc_page", AT(tcg.pc_page), IR_I64, false},                                                  \
        [SLOT_PC_OFFSET] = {"pc_offset", AT(tcg.pc_offset), IR_I32, false},                                            \
        R(0, "rax", word), R(1, "rcx", word), R(2, "rdx", word), R(3, "rbx", word),                                    \
        R(4, "rsp", word), R(5, "rbp", word), R(6, "rsi", word), R(7, "rdi", word),                                    \
        R(8, "r8", word), R(9, "r9", word), R(10, "r10", word), R(11, "r11", word),                                    \
        R(12, "r12", word), R(13, "r13", word), R(14, "r14", word), R(15, "r15", word),                                \
        [SLOT_CC_DST] = {"cc_dst", AT(cc_dst), word, false},                                                           \
        [SLOT_CC_SRC] = {"cc_src", AT(cc_src), word, false},                                                           \
        [SLOT_CC_SRC2] = {"cc_src2", AT(cc_src2), IR_I32, true},                                                       \
        [SLOT_CC_CF] = {"cc_cf", AT(cc_cf), IR_I32, true},                                                             \
        [SLOT_CC_OF] = {"cc_of", AT(cc_of), IR_I32, true},                                                             \
        [SLOT_CC_OP] = {"cc_op", AT(cc_op), IR_I32, false},                                                            \
        [SLOT_EFLAGS] = {"eflags", AT(eflags), IR_I32, false},                                                         \
        [SLOT_SHADOW] = {"shadow", AT(shadow), IR_I32, false},                                                         \
        [SLOT_SINGLE] = {"single", AT(single), IR_I32, false},                                                         \
        [SLOT_EXIT_REQUEST] = {"exit_request", AT(tcg.vcpu.exit_request), IR_I32, false},              \
        SEG(X86_ES, "es"), SEG(X86_CS, "cs"), SEG(X86_SS, "ss"),                                                       \
        SEG(X86_DS, "ds"), SEG(X86_FS, "fs"), SEG(X86_GS, "gs"),                                                       \
        XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),                                                \
        XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),                                          \
        MM(0), MM(1), MM(2), MM(3), MM(4), MM(5), MM(6), MM(7),                                                        \
        [SLOT_X87_PLACE] = {"x87_place", AT(fpu.place), IR_I32, false},                                                \
        [SLOT_X87_NOTE] = {"x87_note", AT(fpu.note), IR_I32, false},                                                   \
        [SLOT_X87_NOTE_PAGE] = {"x87_note_page", AT(fpu.note_page), IR_I64, false},                                    \
        [SLOT_X87_CS] = {"x87_cs", AT(fpu.cs), IR_I32, false},                                                         \
        [SLOT_X87_DP] = {"x87_dp", AT(fpu.dp), IR_I64, false},                                                         \
        [SLOT_X87_DS] = {"x87_ds", AT(fpu.ds), IR_I32, false},                                                         \
    }

const struct ir_slot x86_slots[SLOT_COUNT] = SLOTS(IR_I64);
const struct ir_slot x86_slots_narrow[SLOT_COUNT] = SLOTS(IR_I32);

#undef AT
#undef SLOTS
#undef R
#undef SEG
#undef XMM
#undef MM

_Static_assert(offsetof(struct x86_cpu, tcg) == 0, "engines see the guest state as a struct tcg_cpu");
_Static_assert(offsetof(struct x86_cpu, xmm) % 16 == 0, "vectors are loaded by aligned moves");
