// SPDX-License-Identifier: MIT
// Encodings compared with what the GNU assembler makes of the same instructions (bytes taken from its listings).
#include <criterion/criterion.h>

#include "tcg/host-x86-64/encode.h"

static uint8_t buffer[64];
static struct x86_code c;

static void begin(void)
{
    c = (struct x86_code){.p = buffer, .end = buffer + sizeof(buffer)};
}

#define EXPECT(...)                                                                                                    \
    do {                                                                                                               \
        static const uint8_t bytes[] = {__VA_ARGS__};                                                                  \
        cr_expect_eq((size_t)(c.p - buffer), sizeof(bytes));                                                           \
        cr_expect_arr_eq(buffer, bytes, sizeof(bytes));                                                                \
        begin();                                                                                                       \
    } while (0)

Test(encode, alu, .init = begin)
{
    x86_alu_rr(&c, X86_ADD, true, RAX, R9);
    EXPECT(0x49, 0x03, 0xc1); // add rax, r9
    x86_alu_ri(&c, X86_CMP, false, R12, -1);
    EXPECT(0x41, 0x83, 0xfc, 0xff); // cmp r12d, -1
    x86_alu_ri(&c, X86_AND, true, RBX, 0x1234);
    EXPECT(0x48, 0x81, 0xe3, 0x34, 0x12, 0, 0); // and rbx, 0x1234
    x86_alu_mi(&c, X86_CMP, false, x86_at(RBP, 8), 0);
    EXPECT(0x83, 0x7d, 0x08, 0x00); // cmp dword [rbp+8], 0
}

Test(encode, addresses, .init = begin)
{
    x86_load(&c, true, RCX, x86_at(RSP, 0));
    EXPECT(0x48, 0x8b, 0x0c, 0x24); // mov rcx, [rsp]
    x86_load(&c, true, RCX, x86_at(R13, 0));
    EXPECT(0x49, 0x8b, 0x4d, 0x00); // mov rcx, [r13]
    x86_load(&c, false, R8, x86_at_index(R12, R9, 3, 0x80));
    EXPECT(0x47, 0x8b, 0x84, 0xcc, 0x80, 0, 0, 0); // mov r8d, [r12+r9*8+0x80]
    x86_lea(&c, true, RAX, x86_at(R15, -8));
    EXPECT(0x49, 0x8d, 0x47, 0xf8); // lea rax, [r15-8]
}

Test(encode, bytes_need_rex, .init = begin)
{
    x86_setcc(&c, X86_E, RSI);
    EXPECT(0x40, 0x0f, 0x94, 0xc6); // sete sil
    x86_movzx8(&c, RAX, RBX);
    EXPECT(0x0f, 0xb6, 0xc3); // movzx eax, bl
}

Test(encode, moves, .init = begin)
{
    x86_mov_ri(&c, R10, 0x12345678);
    EXPECT(0x41, 0xba, 0x78, 0x56, 0x34, 0x12); // mov r10d, 0x12345678
    x86_mov_ri(&c, RAX, (uint64_t)-2);
    EXPECT(0x48, 0xc7, 0xc0, 0xfe, 0xff, 0xff, 0xff); // mov rax, -2
    x86_mov_ri(&c, RDX, UINT64_C(0x123456789a));
    EXPECT(0x48, 0xba, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0, 0); // movabs rdx, 0x123456789a
}

Test(encode, vectors, .init = begin)
{
    x86_vex_rr(&c, 0xfe | X86_0F | X86_66, false, XMM1, XMM2, XMM3);
    EXPECT(0xc5, 0xe9, 0xfe, 0xcb); // vpaddd xmm1, xmm2, xmm3
    x86_vex_rr(&c, 0x40 | X86_0F38 | X86_66, false, XMM9, XMM10, XMM11);
    EXPECT(0xc4, 0x42, 0x29, 0x40, 0xcb); // vpmulld xmm9, xmm10, xmm11
    x86_rr(&c, 0xfe | X86_0F | X86_66, XMM9, XMM1);
    EXPECT(0x66, 0x44, 0x0f, 0xfe, 0xc9); // paddd xmm9, xmm1
    x86_vex_rr(&c, 0xf7 | X86_0F38 | X86_66 | X86_W, false, RAX, RCX, RDX);
    EXPECT(0xc4, 0xe2, 0xf1, 0xf7, 0xc2); // shlx rax, rdx, rcx
}

Test(encode, overflow_is_reported, .init = begin)
{
    c.end = c.p + 40;
    for (unsigned i = 0; i < 9; i++) {
        x86_mov_ri(&c, RAX, UINT64_MAX - UINT32_MAX); // 10 bytes
        cr_assert_eq(c.overflow, i >= 3);
        cr_assert(c.p > buffer && c.p <= c.end);
    }
}
