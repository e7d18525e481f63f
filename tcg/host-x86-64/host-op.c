// SPDX-License-Identifier: MIT
// Stubs of host operations, and the meaning of HOST and HOSTFP by running them (host-op.h).
#include "tcg/host-op.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "tcg/eval.h"
#include "tcg/host-x86-64/encode.h"

bool host_has_avx(void)
{
    return __builtin_cpu_supports("avx");
}

// Without VEX the destination is the first source too, which is moved there; VEX.is4 is AVX's alone.
static void encode_legacy(struct x86_code *c, struct host_op o, uint32_t opcode, unsigned reg)
{
    enum { MOVAPS = 0x28 };
    unsigned rm = HOST_RM;
    assert(!(o.reads >> HOST_IS4 & 1));
    if (o.reads >> HOST_VVVV & 1) {
        x86_rr(c, MOVAPS | X86_0F, o.result == HOST_RM ? HOST_RM : HOST_REG, HOST_VVVV);
    } else if (o.result == HOST_VVVV) {
        x86_rr(c, MOVAPS | X86_0F, HOST_VVVV, HOST_RM);
        rm = HOST_VVVV;
    }
    x86_rr(c, opcode, reg, rm);
}

void host_op_encode(struct host_op o, bool vex, uint8_t stub[HOST_STUB_BYTES])
{
    enum { RET = 0xc3 };
    uint8_t room[2 * X86_INSN_BYTES + HOST_STUB_BYTES] = {0}; // which encoding one wants ahead
    struct x86_code c = {.p = room, .end = room + sizeof(room)};
    uint32_t opcode = o.opcode | o.map * (uint32_t)X86_0F | o.prefix * (uint32_t)X86_66 | x86_w(o.w);
    bool vvvv = o.result == HOST_VVVV || (o.reads >> HOST_VVVV & 1);
    unsigned reg = o.result == HOST_REG || (o.reads >> HOST_REG & 1) ? HOST_REG : o.digit;
    if (vex)
        x86_vex_rr(&c, opcode, false, reg, vvvv ? HOST_VVVV : X86_NO_REG, HOST_RM);
    else
        encode_legacy(&c, o, opcode, reg);
    if (o.reads >> HOST_IS4 & 1)
        x86_byte(&c, HOST_IS4 << 4);
    else if (o.has_imm)
        x86_byte(&c, o.imm);
    x86_byte(&c, RET);
    assert(c.p <= room + HOST_STUB_BYTES);
    memcpy(stub, room, HOST_STUB_BYTES);
}

_Static_assert(offsetof(struct host_frame, memory) == 128, "as the code below has it");
_Static_assert(offsetof(struct host_frame, rax) == 192, "as the code below has it");

void host_frame_run_ymm(struct host_frame *frame, uint64_t stub);
void host_frame_run_xmm(struct host_frame *frame, uint64_t stub);

// RBX is the frame. The direction flag is never the guest's.
__asm__(".pushsection .text\n"
        ".macro frame_run name, move, vector, end\n"
        ".globl \\name\n"
        ".type \\name, @function\n"
        "\\name:\n"
        "    push %rbx\n"
        "    mov %rdi, %rbx\n"
        "    \\move (%rbx), %\\vector\\()0\n"
        "    \\move 32(%rbx), %\\vector\\()1\n"
        "    \\move 64(%rbx), %\\vector\\()2\n"
        "    \\move 96(%rbx), %\\vector\\()3\n"
        "    mov 192(%rbx), %rax\n"
        "    mov 200(%rbx), %rcx\n"
        "    mov 208(%rbx), %rdx\n"
        "    lea 128(%rbx), %rdi\n"
        "    call *%rsi\n"
        "    pushfq\n"
        "    pop 216(%rbx)\n"
        "    mov %rax, 192(%rbx)\n"
        "    mov %rcx, 200(%rbx)\n"
        "    mov %rdx, 208(%rbx)\n"
        "    \\move %\\vector\\()0, (%rbx)\n"
        "    \\move %\\vector\\()1, 32(%rbx)\n"
        "    \\move %\\vector\\()2, 64(%rbx)\n"
        "    \\end\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size \\name, . - \\name\n"
        ".endm\n"
        "frame_run host_frame_run_ymm, vmovdqa, ymm, vzeroupper\n"
        "frame_run host_frame_run_xmm, movdqa, xmm\n"
        ".purgem frame_run\n"
        ".popsection\n");

void host_frame_run(struct host_frame *frame, uint64_t stub)
{
    if (host_has_avx())
        host_frame_run_ymm(frame, stub);
    else
        host_frame_run_xmm(frame, stub);
}

bool ir_eval_host(const struct ir_eval_op *e, union ir_value *result, const union ir_value *a, const union ir_value *b,
                  const union ir_value *c, const union ir_value *stub)
{
    if (e->op != IR_HOST && e->op != IR_HOSTFP)
        return false;
    struct host_op o = host_op_unpack(e->imm);
    const union ir_value *operands[HOST_OP_OPERANDS] = {a, b, c};
    struct host_frame f;
    memset(&f, 0, sizeof(f));
    uint64_t *gpr[] = {&f.rax, &f.rcx, &f.rdx};
    for (unsigned field = 0, n = 0; field < HOST_FIELDS; field++) {
        if (!(o.reads >> field & 1))
            continue;
        memcpy(f.ymm[field], operands[n], 16);
        if (field < HOST_IS4)
            *gpr[field] = operands[n]->u64[0];
        n++;
    }
    host_frame_run(&f, stub->u64[0]);
    if (o.result == HOST_FLAGS)
        *result = (union ir_value){.u64 = {f.flags & 0xd5, 0}};
    else if (ir_type_is_int(e->type))
        *result = (union ir_value){.u64 = {e->type == IR_I32 ? (uint32_t)*gpr[o.result] : *gpr[o.result], 0}};
    else
        memcpy(result, f.ymm[o.result], 16);
    return true;
}
