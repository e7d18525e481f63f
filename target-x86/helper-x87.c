// SPDX-License-Identifier: MIT
// x87 instructions (Intel SDM volume 1, chapter 8), by the host's x87: the guest's registers and control word are loaded,
// the very instruction is done, and everything is read back. Nothing of the guest stays in the host's x87 between
// instructions. Exceptions that the guest has not masked are recorded in the status word by the host as well; they are
// raised by the next waiting instruction, here.

#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/flags.h"
#include "target-x86/fpu.h"
#include "target-x86/helper.h"
#include "target-x86/simd.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { SW_STICKY = 0x7f, SW_ES = 1 << 7, SW_B = 1 << 15 };

// What FRSTOR and FNSAVE move in 32-bit protected mode form.
struct image {
    uint32_t control, status, tags, ip, cs_opcode, dp, ds;
    uint8_t st[8][10];
};
_Static_assert(sizeof(struct image) == 108, "the manual's layout");

void x86_x87_enter(struct image *image, const void *stub, void *operand, uint64_t *flags);
extern const uint8_t x86_x87_registers[8 * 64][4], x86_x87_memory[8 * 8][4];

// A stub for each register form, and for each memory form with the operand at RDI.
__asm__(".pushsection .text\n"
        ".type x86_x87_enter, @function\n"
        "x86_x87_enter:\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    mov %rdi, %rbx\n"
        "    mov %rcx, %r12\n"
        "    frstor (%rbx)\n"
        "    mov %rdx, %rdi\n"
        "    push (%r12)\n"
        "    popfq\n"
        "    call *%rsi\n"
        "    pushfq\n"
        "    pop (%r12)\n"
        "    fnsave (%rbx)\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size x86_x87_enter, . - x86_x87_enter\n"
        "x86_x87_registers:\n"
        ".set i, 0\n"
        ".rept 512\n"
        ".byte 0xd8 + (i >> 6), 0xc0 + (i & 63), 0xc3, 0x90\n"
        ".set i, i + 1\n"
        ".endr\n"
        "x86_x87_memory:\n"
        ".set i, 0\n"
        ".rept 64\n"
        ".byte 0xd8 + (i >> 3), (i & 7) * 8 + 7, 0xc3, 0x90\n"
        ".set i, i + 1\n"
        ".endr\n"
        ".popsection\n");

static void to_image(const struct x86_fpu *f, struct image *m)
{
    memset(m, 0, sizeof(*m));
    m->control = f->control | 0xffff0040;
    // The host would trap on errors from before, which the guest may have chosen to ignore.
    m->status = (x86_fpu_status(f) & ~(uint32_t)(SW_STICKY | SW_ES | SW_B)) | 0xffff0000;
    m->tags = x86_fpu_tags(f) | 0xffff0000;
    for (unsigned i = 0; i < 8; i++)
        memcpy(m->st[i], f->st[(f->top + i) & 7], 10);
}

static void from_image(struct x86_fpu *f, const struct image *m)
{
    f->control = (uint16_t)m->control;
    x86_fpu_set_status(f, (uint16_t)(m->status | (f->status & SW_STICKY)));
    f->valid = 0;
    for (unsigned n = 0; n < 8; n++)
        if ((m->tags >> (n * 2) & 3) != 3)
            f->valid |= (uint8_t)(1u << n);
    x86_fpu_update_summary(f);
    for (unsigned i = 0; i < 8; i++)
        memcpy(f->st[(f->top + i) & 7], m->st[i], 10);
}

// Those that do not wait for a pending exception: FNSTSW, FNSTCW, FNSTENV, FNSAVE, FNCLEX, FNINIT and the NOPs beside.
static bool waits(unsigned opcode, unsigned modrm)
{
    unsigned reg = modrm >> 3 & 7;
    if (modrm >= 0xc0)
        return !(opcode == 0xdb && modrm >= 0xe0 && modrm <= 0xe4) && !(opcode == 0xdf && modrm == 0xe0);
    return !((opcode == 0xd9 && reg >= 6) || (opcode == 0xdd && reg >= 6));
}

static void note_instruction(struct x86_cpu *cpu, unsigned opcode, unsigned modrm)
{
    cpu->fpu.ip = x86_rip(cpu);
    cpu->fpu.cs = (uint16_t)cpu->segs[X86_CS].selector;
    cpu->fpu.opcode = (uint16_t)((opcode & 7) << 8 | modrm);
}

static void x87(struct x86_cpu *cpu, uint32_t what)
{
    unsigned opcode = what >> 8 & 0xff, modrm = what & 0xff;
    if (waits(opcode, modrm))
        x86_fpu_check_pending(cpu);
    if (opcode == 0xdb && modrm == 0xe3) {
        x86_fpu_init(cpu);
        return;
    }
    if (opcode == 0xdb && modrm == 0xe2) {
        cpu->fpu.status &= 0x7f00;
        x86_ferr_clear(cpu);
        return;
    }
    if (opcode == 0xdf && modrm == 0xe0) {
        cpu->gpr[X86_RAX] = (cpu->gpr[X86_RAX] & ~UINT64_C(0xffff)) | x86_fpu_status(&cpu->fpu);
        return;
    }
    if (opcode == 0xdb && modrm >= 0xe0 && modrm <= 0xe4)
        return;
    struct image m;
    uint64_t flags = x86_flags_of(cpu->cc_op, cpu->cc_dst, cpu->cc_src, cpu->cc_src2);
    to_image(&cpu->fpu, &m);
    x86_x87_enter(&m, x86_x87_registers[(opcode & 7) << 6 | (modrm & 63)], NULL, &flags);
    from_image(&cpu->fpu, &m);
    if (waits(opcode, modrm))
        note_instruction(cpu, opcode, modrm);
    cpu->cc_op = x86_cc_op(CC_FLAGS, 0);
    cpu->cc_src = flags & FLAGS_ARITH;
}
X86_HELPER(x87, X86_FAULTS, VOID, 1, IR_I32)

// Bytes of a memory operand; stores have 0x80 with it.
static unsigned operand(unsigned opcode, unsigned reg)
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
    return sizes[opcode & 7][reg];
}

static void x87_memory(struct x86_cpu *cpu, uint32_t what, uint64_t gva, uint64_t offset)
{
    unsigned opcode = what >> 8 & 0xff, modrm = what & 0xff, reg = modrm >> 3 & 7, mmu = what >> 16 & 3;
    unsigned size = operand(opcode, reg), bytes = size & 0x7f;
    bool store = size & 0x80;
    uint8_t buffer[16];
    struct image m;
    uint64_t flags = 0;
    if (waits(opcode, modrm))
        x86_fpu_check_pending(cpu);
    memset(buffer, 0xa5, sizeof(buffer));
    if (!store)
        x86_read_bytes(cpu, gva, buffer, bytes, mmu);
    to_image(&cpu->fpu, &m);
    bool control = (opcode == 0xd9 && (reg & 5) == 5) || (opcode == 0xdd && reg == 7);
    if (control && store) {
        store_le16(buffer, opcode == 0xd9 ? cpu->fpu.control : x86_fpu_status(&cpu->fpu));
        x86_write_bytes(cpu, gva, buffer, 2, mmu);
        return;
    }
    if (control) {
        cpu->fpu.control = x86_fpu_control(load_le16(buffer));
        x86_fpu_update_summary(&cpu->fpu);
        return;
    }
    x86_x87_enter(&m, x86_x87_memory[(opcode & 7) << 3 | reg], buffer, &flags);
    // An exception that is not masked keeps the store from happening.
    static const uint8_t untouched[16] = {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
                                          0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5};
    if (store && (m.status & 0x80) && !memcmp(buffer, untouched, bytes))
        x86_check_writable(cpu, gva, bytes, mmu);
    else if (store)
        x86_write_bytes(cpu, gva, buffer, bytes, mmu);
    from_image(&cpu->fpu, &m);
    note_instruction(cpu, opcode, modrm);
    cpu->fpu.dp = offset;
}
X86_HELPER(x87_memory, X86_FAULTS, VOID, 3, IR_I32, IR_I64, IR_I64)

static void x87_pending(struct x86_cpu *cpu)
{
    x86_fpu_check_pending(cpu);
}
X86_HELPER(x87_pending, X86_FAULTS, VOID, 0, 0)
