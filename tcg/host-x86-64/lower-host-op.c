// SPDX-License-Identifier: MIT
// Host operations (host-op.h): the instruction with the registers that the allocator gave. While a guest of this kind runs,
// the control register is the guest's whole, so nothing needs a second look.
#include "tcg/host-op.h"
#include "tcg/host-x86-64/lower.h"

enum { LAHF = 0x9f, ARITHMETIC = 0xd5 };

bool lower_host_op(struct lower *l, uint32_t index)
{
    struct ir_ins *ins = &l->region->ins[index];
    if ((ins->op != IR_HOST && ins->op != IR_HOSTFP) || !l->avx2)
        return false;
    struct host_op o = host_op_unpack(ins->imm);
    unsigned regs[HOST_FIELDS] = {o.digit, X86_NO_REG, 0, 0}, dst;
    ir_ref tied = IR_NONE;
    if (o.result == HOST_FLAGS)
        ra_temp_in(&l->ra, RAX);
    for (unsigned field = 0, n = 0; field < HOST_FIELDS; field++) {
        if (!(o.reads >> field & 1))
            continue;
        regs[field] = ra_use(&l->ra, ins->arg[n]);
        if (field == o.result)
            tied = ins->arg[n];
        n++;
    }
    if (o.result != HOST_FLAGS) {
        dst = tied != IR_NONE ? ra_def_over(&l->ra, index, tied) : ra_def(&l->ra, index);
        regs[o.result] = dst;
    }
    struct x86_code *c = &l->c;
    x86_vex_rr(c, o.opcode | o.map * (uint32_t)X86_0F | o.prefix * (uint32_t)X86_66 | x86_w(o.w), false, regs[HOST_REG],
               regs[HOST_VVVV], regs[HOST_RM]);
    if (o.reads >> HOST_IS4 & 1)
        x86_byte(c, (regs[HOST_IS4] & 15) << 4);
    else if (o.has_imm)
        x86_byte(c, o.imm);
    if (o.result == HOST_FLAGS) {
        x86_byte(c, LAHF);
        x86_shift_ri(c, X86_SHR, false, RAX, 8);
        x86_alu_ri(c, X86_AND, false, RAX, ARITHMETIC);
        ra_def_in(&l->ra, index, RAX);
    }
    return true;
}
