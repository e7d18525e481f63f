// SPDX-License-Identifier: MIT
// The general way of x87 instructions (Intel SDM volume 1, chapter 8): on the state in memory, which goes to the host's x87
// and back for each. Exceptions that the guest has not masked are recorded in the status word by the host as well; they are
// raised by the next waiting instruction, here.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/flags.h"
#include "target-x86/fpu.h"
#include "target-x86/helper.h"
#include "target-x86/simd.h"
#include "target-x86/x87.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

static void note_instruction(struct x86_cpu *cpu, unsigned opcode, unsigned modrm)
{
    cpu->fpu.ip = x86_rip(cpu);
    cpu->fpu.cs = cpu->segs[X86_CS].selector;
    cpu->fpu.opcode = (uint16_t)((opcode & 7) << 8 | modrm);
}

static void x87(struct x86_cpu *cpu, uint32_t what)
{
    unsigned opcode = what >> 8 & 0xff, modrm = what & 0xff;
    x86_fpu_save(cpu);
    if (x87_waits(opcode, modrm))
        x86_fpu_check_pending(cpu);
    switch (opcode << 8 | modrm) {
    case X87_FNINIT:
        x86_fpu_init(cpu);
        x86_fpu_control_changed(cpu);
        return;
    case X87_FNCLEX:
        cpu->fpu.status &= 0x7f00;
        x86_ferr_clear(cpu);
        return;
    case X87_FNSTSW_AX:
        cpu->gpr[X86_RAX] = (cpu->gpr[X86_RAX] & ~UINT64_C(0xffff)) | x86_fpu_status(&cpu->fpu);
        return;
    default:
        break;
    }
    if (!x87_waits(opcode, modrm))
        return;
    uint64_t flags = x86_arith_flags(cpu);
    x86_fpu_execute(&cpu->fpu, opcode, modrm, NULL, &flags);
    note_instruction(cpu, opcode, modrm);
    cpu->cc_op = x86_cc_op(CC_FLAGS, 0);
    cpu->cc_src = flags & FLAGS_ARITH;
}
X86_HELPER(x87, X86_FAULTS, VOID, 1, IR_I32)

struct x87_operand x87_operand(unsigned opcode, unsigned reg)
{
    enum { ST = 0x80 };
    static const uint8_t sizes[8][8] = {
        {4, 4, 4, 4, 4, 4, 4, 4},
        {4, 0, 4 | ST, 4 | ST, 0, 2, 0, 2 | ST},
        {4, 4, 4, 4, 4, 4, 4, 4},
        {4, 4 | ST, 4 | ST, 4 | ST, 0, 10, 0, 10 | ST},
        {8, 8, 8, 8, 8, 8, 8, 8},
        {8, 8 | ST, 8 | ST, 8 | ST, 0, 0, 0, 2 | ST},
        {2, 2, 2, 2, 2, 2, 2, 2},
        {2, 2 | ST, 2 | ST, 2 | ST, 10, 8, 10 | ST, 8 | ST},
    };
    uint8_t size = sizes[opcode & 7][reg];
    return (struct x87_operand){.bytes = size & 0x7f, .store = size & ST};
}

static void x87_memory(struct x86_cpu *cpu, uint32_t what, uint64_t gva, uint64_t offset)
{
    unsigned opcode = what >> 8 & 0xff, modrm = what & 0xff, reg = modrm >> 3 & 7, mmu = what >> 16 & 3, segment = what >> 18;
    struct x87_operand o = x87_operand(opcode, reg);
    uint8_t buffer[16];
    x86_fpu_save(cpu);
    if (x87_waits(opcode, modrm))
        x86_fpu_check_pending(cpu);
    memset(buffer, 0xa5, sizeof(buffer));
    if (!o.store)
        tlb_load_bytes(&cpu->tcg, gva, buffer, o.bytes, mmu);
    if (x87_is_control(opcode, reg)) {
        if (o.store) {
            store_le16(buffer, opcode == 0xd9 ? cpu->fpu.control : x86_fpu_status(&cpu->fpu));
            tlb_store_bytes(&cpu->tcg, gva, buffer, 2, mmu);
        } else {
            cpu->fpu.control = x86_fpu_control(load_le16(buffer));
            x86_fpu_update_summary(&cpu->fpu);
            x86_fpu_control_changed(cpu);
        }
        return;
    }
    // Nothing shows before the store is done. An exception that is not masked may keep it from happening.
    static const uint8_t untouched[16] = {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
                                          0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5};
    struct x86_fpu after = cpu->fpu;
    uint64_t flags = 0;
    bool good = x86_fpu_execute(&after, opcode, modrm, buffer, &flags);
    if (o.store && !good && !memcmp(buffer, untouched, o.bytes))
        x86_check_writable(cpu, gva, o.bytes, mmu);
    else if (o.store)
        tlb_store_bytes(&cpu->tcg, gva, buffer, o.bytes, mmu);
    cpu->fpu = after;
    note_instruction(cpu, opcode, modrm);
    cpu->fpu.dp = offset;
    cpu->fpu.ds = cpu->segs[segment].selector;
}
X86_HELPER(x87_memory, X86_FAULTS, VOID, 3, IR_I32, IR_I64, IR_I64)

static void x87_load(struct x86_cpu *cpu)
{
    x86_fpu_load(cpu);
}
X86_HELPER(x87_load, IR_HELPER_WRITES_STATE, VOID, 0, 0)

static void x87_pending(struct x86_cpu *cpu)
{
    x86_fpu_check_pending(cpu);
}
X86_HELPER(x87_pending, X86_FAULTS, VOID, 0, 0)
