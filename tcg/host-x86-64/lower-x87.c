// SPDX-License-Identifier: MIT
// X87 (host-x87.h): the instruction itself. Its memory operand is below the stack pointer, in the red zone.
#include "tcg/host-x86-64/lower.h"
#include "tcg/host-x87.h"

enum { PLACE = -16, LAHF = 0x9f, ARITHMETIC = 0xd5 };

static void put_operand(struct lower *l, const struct ir_ins *ins, unsigned bytes)
{
    struct x86_code *c = &l->c;
    unsigned low = ra_use(&l->ra, ins->arg[0]);
    x86_rm(c, bytes >= 8 ? 0x89 | X86_W : bytes == 4 ? 0x89 : 0x89 | X86_66, low, x86_at(RSP, PLACE));
    if (bytes == 10)
        x86_rm(c, 0x89 | X86_66, ra_use(&l->ra, ins->arg[1]), x86_at(RSP, PLACE + 8));
}

// Each part that the instruction wrote is read by itself, which the store buffer can forward.
static void get_vector(struct lower *l, unsigned dst)
{
    enum { MOVQ = 0x7e | X86_0F | X86_F3, PINSRW = 0xc4 | X86_0F | X86_66, LANE = 4 };
    struct x86_code *c = &l->c;
    if (l->avx2) {
        x86_vex_rm(c, MOVQ, false, dst, X86_NO_REG, x86_at(RSP, PLACE), 0);
        x86_vex_rm(c, PINSRW, false, dst, dst, x86_at(RSP, PLACE + 8), 1);
    } else {
        x86_rm(c, MOVQ, dst, x86_at(RSP, PLACE));
        x86_rm_tail(c, PINSRW, dst, x86_at(RSP, PLACE + 8), 1);
    }
    x86_byte(c, LANE);
}

static void get_result(struct lower *l, uint32_t index, unsigned bytes)
{
    unsigned dst = ra_def(&l->ra, index);
    if (bytes == 10)
        get_vector(l, dst);
    else
        x86_rm(&l->c, bytes == 8 ? 0x8b | X86_W : bytes == 4 ? 0x8b : 0xb7 | X86_0F, dst, x86_at(RSP, PLACE));
}

bool lower_x87(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if (ins->op != IR_X87)
        return false;
    struct host_x87 o = host_x87_unpack(ins->imm);
    struct x86_code *c = &l->c;
    if (o.in)
        put_operand(l, ins, o.in);
    if (o.cond) {
        unsigned reg = ra_use(&l->ra, ins->arg[0]);
        x86_test_rr(c, false, reg, reg);
    }
    if (o.flags)
        ra_temp_in(&l->ra, RAX);
    if (host_x87_in_memory(o)) {
        x86_rm(c, o.opcode, o.modrm >> 3 & 7, x86_at(RSP, PLACE));
    } else {
        x86_byte(c, o.opcode);
        x86_byte(c, o.modrm);
    }
    if (o.out)
        get_result(l, index, o.out);
    if (o.flags) {
        x86_byte(c, LAHF);
        x86_shift_ri(c, X86_SHR, false, RAX, 8);
        x86_alu_ri(c, X86_AND, false, RAX, ARITHMETIC);
        ra_def_in(&l->ra, index, RAX);
    }
    return true;
}
