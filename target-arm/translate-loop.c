// SPDX-License-Identifier: MIT
// Blocks that are loops: found by looking ahead from where a branch back led, along either side of conditional branches
// forward, to a branch back to the same place (Arm ARM, C4.1.94: encodings of branches).

#include "target-arm/translate.h"

#include "tcg/base/endian.h"

enum { LOOP_INSNS = 64, LOOP_BRANCHES = 16, LOOP_STEPS = 512 };

enum branch { NONE, CONDITIONAL, ALWAYS, LEAVES };

static enum branch branch_of(uint32_t insn, int64_t *offset)
{
    if ((insn & 0xff000010) == 0x54000000) { // B.cond
        *offset = sextract64(insn, 5, 19) * 4;
        return (insn & 15) >= 14 ? ALWAYS : CONDITIONAL;
    }
    if ((insn & 0x7e000000) == 0x34000000) { // CBZ, CBNZ
        *offset = sextract64(insn, 5, 19) * 4;
        return CONDITIONAL;
    }
    if ((insn & 0x7e000000) == 0x36000000) { // TBZ, TBNZ
        *offset = sextract64(insn, 5, 14) * 4;
        return CONDITIONAL;
    }
    if ((insn & 0xfc000000) == 0x14000000) { // B
        *offset = sextract64(insn, 0, 26) * 4;
        return ALWAYS;
    }
    // BL, branches to registers, exceptions
    return (insn & 0xfc000000) == 0x94000000 || (insn & 0xfe000000) == 0xd6000000 || (insn & 0xff000000) == 0xd4000000
               ? LEAVES
               : NONE;
}

// A way through the code: what is left to look at, and where it has led so far.
struct search {
    const struct a64 *a;
    unsigned steps;
    struct a64_path path;
};

// Follows the code from `pc` on. True when it comes back to the start; then the path is complete.
static bool follow(struct search *s, int64_t pc, unsigned insns, unsigned branches, uint32_t taken)
{
    const struct a64 *a = s->a;
    for (; insns < LOOP_INSNS && s->steps; insns++, pc += 4) {
        int64_t offset = 0;
        s->steps--;
        if (pc - a->start + 4 > a->t->code_bytes)
            return false;
        enum branch branch = branch_of(load_le32(a->t->code + (pc - a->start)), &offset);
        if (branch == LEAVES)
            return false;
        if (branch == NONE)
            continue;
        if (pc + offset == a->start) {
            s->path = (struct a64_path){.insns = insns + 1, .last = (int32_t)pc, .taken = taken};
            return true;
        }
        // Backward, it is the end of another loop, which has a region of its own.
        if (branch == ALWAYS || offset <= 0 || branches == LOOP_BRANCHES)
            return false;
        return follow(s, pc + 4, insns + 1, branches + 1, taken) ||
               follow(s, pc + offset, insns + 1, branches + 1, taken | 1u << branches);
    }
    return false;
}

bool a64_find_loop(struct a64 *a)
{
    struct search s = {.a = a, .steps = LOOP_STEPS};
    bool found = follow(&s, a->start, 0, 0, 0);
    a->path = s.path;
    return found;
}
