// SPDX-License-Identifier: MIT
// Stubs of host operations, and the meaning of HOST and HOSTFP by running them (host-op.h).
#include "tcg/host-op.h"

#include <stddef.h>
#include <string.h>

#include "tcg/eval.h"
#include "tcg/host-x86-64/encode.h"

void host_op_encode(struct host_op o, uint8_t stub[HOST_STUB_BYTES])
{
    enum { RET = 0xc3 };
    struct x86_code c = {.p = stub, .end = stub + HOST_STUB_BYTES};
    bool vvvv = o.result == HOST_VVVV || (o.reads >> HOST_VVVV & 1);
    bool reg = o.result == HOST_REG || (o.reads >> HOST_REG & 1);
    memset(stub, 0, HOST_STUB_BYTES);
    x86_vex_rr(&c, o.opcode | o.map * (uint32_t)X86_0F | o.prefix * (uint32_t)X86_66 | x86_w(o.w), false,
               reg ? HOST_REG : o.digit, vvvv ? HOST_VVVV : X86_NO_REG, HOST_RM);
    if (o.reads >> HOST_IS4 & 1)
        x86_byte(&c, HOST_IS4 << 4);
    else if (o.has_imm)
        x86_byte(&c, o.imm);
    x86_byte(&c, RET);
}

_Static_assert(offsetof(struct host_frame, memory) == 128, "as the code below has it");
_Static_assert(offsetof(struct host_frame, rax) == 192, "as the code below has it");

// RBX is the frame. The direction flag is never the guest's.
__asm__(".pushsection .text\n"
        ".globl host_frame_run\n"
        ".type host_frame_run, @function\n"
        "host_frame_run:\n"
        "    push %rbx\n"
        "    mov %rdi, %rbx\n"
        "    vmovdqa (%rbx), %ymm0\n"
        "    vmovdqa 32(%rbx), %ymm1\n"
        "    vmovdqa 64(%rbx), %ymm2\n"
        "    vmovdqa 96(%rbx), %ymm3\n"
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
        "    vmovdqa %ymm0, (%rbx)\n"
        "    vmovdqa %ymm1, 32(%rbx)\n"
        "    vmovdqa %ymm2, 64(%rbx)\n"
        "    vzeroupper\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size host_frame_run, . - host_frame_run\n"
        ".popsection\n");

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
