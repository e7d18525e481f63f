// SPDX-License-Identifier: MIT
// x86-64 instruction encodings.
#include "tcg/host-x86-64/encode.h"

static void legacy_prefix(struct x86_code *c, uint32_t opcode, unsigned reg, unsigned index, unsigned base,
                          bool byte_rex)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};
    if (opcode & X86_NEEDS_LOCK)
        x86_byte(c, 0xf0);
    if (opcode & X86_PP)
        x86_byte(c, prefixes[(opcode & X86_PP) >> 10]);
    unsigned rex = (opcode & X86_W ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);
    if (rex || byte_rex)
        x86_byte(c, 0x40 | rex);
    if (opcode & X86_MAP)
        x86_byte(c, 0x0f);
    if ((opcode & X86_MAP) == X86_0F38)
        x86_byte(c, 0x38);
    if ((opcode & X86_MAP) == X86_0F3A)
        x86_byte(c, 0x3a);
    x86_byte(c, opcode & 0xff);
}

void x86_modrm_mem(struct x86_code *c, unsigned reg, struct x86_mem m, unsigned tail)
{
    reg = (reg & 7) << 3;
    if (m.base == X86_NO_REG) {
        x86_byte(c, 0x05 | reg);
        x86_dword(c, (uint32_t)((const uint8_t *)m.target - (c->p + 4 + tail)));
        return;
    }
    unsigned base = m.base & 7;
    bool small = m.disp >= -128 && m.disp < 128;
    unsigned mod = m.disp == 0 && base != 5 ? 0 : small ? 0x40 : 0x80;
    if (m.index != X86_NO_REG || base == 4) {
        unsigned index = m.index == X86_NO_REG ? 4 : m.index & 7;
        x86_byte(c, mod | reg | 4);
        x86_byte(c, (unsigned)m.scale_log2 << 6 | index << 3 | base);
    } else {
        x86_byte(c, mod | reg | base);
    }
    if (mod == 0x40)
        x86_byte(c, (uint8_t)m.disp);
    else if (mod == 0x80)
        x86_dword(c, (uint32_t)m.disp);
}

void x86_rr(struct x86_code *c, uint32_t opcode, unsigned reg, unsigned rm)
{
    bool byte_rex = (opcode & X86_BYTE) && ((reg >= RSP && reg <= RDI) || (rm >= RSP && rm <= RDI));
    legacy_prefix(c, opcode, reg & 15, 0, rm & 15, byte_rex);
    x86_byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void x86_rm_tail(struct x86_code *c, uint32_t opcode, unsigned reg, struct x86_mem m, unsigned tail)
{
    bool byte_rex = (opcode & X86_BYTE) && reg >= RSP && reg <= RDI;
    legacy_prefix(c, opcode, reg & 15, m.index == X86_NO_REG ? 0 : m.index, m.base == X86_NO_REG ? 0 : m.base,
                  byte_rex);
    x86_modrm_mem(c, reg, m, tail);
}

void x86_rm(struct x86_code *c, uint32_t opcode, unsigned reg, struct x86_mem m)
{
    x86_rm_tail(c, opcode, reg, m, 0);
}

static void vex_prefix(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, unsigned index,
                       unsigned base)
{
    unsigned vvvv = v == X86_NO_REG ? 0 : v & 15;
    unsigned low = (~vvvv & 15) << 3 | (unsigned)l << 2 | (opcode & X86_PP) >> 10;
    bool w = opcode & X86_W;
    if ((opcode & X86_MAP) == X86_0F && !w && !(index & 8) && !(base & 8)) {
        x86_byte(c, 0xc5);
        x86_byte(c, (reg & 8 ? 0 : 0x80) | low);
    } else {
        x86_byte(c, 0xc4);
        x86_byte(c, (reg & 8 ? 0 : 0x80) | (index & 8 ? 0 : 0x40) | (base & 8 ? 0 : 0x20) | (opcode & X86_MAP) >> 8);
        x86_byte(c, (unsigned)w << 7 | low);
    }
    x86_byte(c, opcode & 0xff);
}

void x86_vex_rr(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, unsigned rm)
{
    vex_prefix(c, opcode, l, reg, v, 0, rm);
    x86_byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void x86_vex_rm(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, struct x86_mem m, unsigned tail)
{
    vex_prefix(c, opcode, l, reg, v, m.index == X86_NO_REG ? 0 : m.index, m.base == X86_NO_REG ? 0 : m.base);
    x86_modrm_mem(c, reg, m, tail);
}

static bool fits8(int32_t imm)
{
    return imm >= -128 && imm < 128;
}

void x86_alu_rr(struct x86_code *c, enum x86_alu op, bool w, unsigned dst, unsigned src)
{
    x86_rr(c, (op << 3 | 3) | x86_w(w), dst, src);
}

void x86_alu_rm(struct x86_code *c, enum x86_alu op, bool w, unsigned dst, struct x86_mem m)
{
    x86_rm(c, (op << 3 | 3) | x86_w(w), dst, m);
}

void x86_alu_ri(struct x86_code *c, enum x86_alu op, bool w, unsigned dst, int32_t imm)
{
    if (fits8(imm)) {
        x86_rr(c, 0x83 | x86_w(w), op, dst);
        x86_byte(c, (uint8_t)imm);
    } else if (dst == RAX) {
        if (w)
            x86_byte(c, 0x48);
        x86_byte(c, op << 3 | 5);
        x86_dword(c, (uint32_t)imm);
    } else {
        x86_rr(c, 0x81 | x86_w(w), op, dst);
        x86_dword(c, (uint32_t)imm);
    }
}

void x86_alu_mi(struct x86_code *c, enum x86_alu op, bool w, struct x86_mem m, int32_t imm)
{
    x86_rm_tail(c, (fits8(imm) ? 0x83 : 0x81) | x86_w(w), op, m, fits8(imm) ? 1 : 4);
    if (fits8(imm))
        x86_byte(c, (uint8_t)imm);
    else
        x86_dword(c, (uint32_t)imm);
}

void x86_test_rr(struct x86_code *c, bool w, unsigned a, unsigned b)
{
    x86_rr(c, 0x85 | x86_w(w), b, a);
}

void x86_test_ri(struct x86_code *c, bool w, unsigned a, uint32_t imm)
{
    if (imm < 0x80 && a <= RBX) {
        x86_rr(c, 0xf6, 0, a);
        x86_byte(c, imm);
        return;
    }
    x86_rr(c, 0xf7 | x86_w(w), 0, a);
    x86_dword(c, imm);
}

void x86_mov_rr(struct x86_code *c, bool w, unsigned dst, unsigned src)
{
    x86_rr(c, 0x8b | x86_w(w), dst, src);
}

void x86_mov_ri(struct x86_code *c, unsigned dst, uint64_t imm)
{
    if (imm <= UINT32_MAX) {
        if (dst & 8)
            x86_byte(c, 0x41);
        x86_byte(c, 0xb8 | (dst & 7));
        x86_dword(c, (uint32_t)imm);
    } else if ((int64_t)imm == (int32_t)imm) {
        x86_rr(c, 0xc7 | X86_W, 0, dst);
        x86_dword(c, (uint32_t)imm);
    } else {
        x86_byte(c, dst & 8 ? 0x49 : 0x48);
        x86_byte(c, 0xb8 | (dst & 7));
        x86_qword(c, imm);
    }
}

void x86_shift_ri(struct x86_code *c, enum x86_shift op, bool w, unsigned dst, unsigned count)
{
    x86_rr(c, (count == 1 ? 0xd1 : 0xc1) | x86_w(w), op, dst);
    if (count != 1)
        x86_byte(c, count);
}

void x86_shift_cl(struct x86_code *c, enum x86_shift op, bool w, unsigned dst)
{
    x86_rr(c, 0xd3 | x86_w(w), op, dst);
}

void x86_lea(struct x86_code *c, bool w, unsigned dst, struct x86_mem m)
{
    x86_rm(c, 0x8d | x86_w(w), dst, m);
}

void x86_load(struct x86_code *c, bool w, unsigned dst, struct x86_mem m)
{
    x86_rm(c, 0x8b | x86_w(w), dst, m);
}

void x86_store(struct x86_code *c, bool w, unsigned src, struct x86_mem m)
{
    x86_rm(c, 0x89 | x86_w(w), src, m);
}

void x86_store_imm(struct x86_code *c, bool w, struct x86_mem m, int32_t imm)
{
    x86_rm_tail(c, 0xc7 | x86_w(w), 0, m, 4);
    x86_dword(c, (uint32_t)imm);
}

void x86_setcc(struct x86_code *c, enum x86_cc cc, unsigned dst)
{
    x86_rr(c, (0x90 + cc) | X86_0F | X86_BYTE, 0, dst);
}

void x86_cmov(struct x86_code *c, enum x86_cc cc, bool w, unsigned dst, unsigned src)
{
    x86_rr(c, (0x40 + cc) | X86_0F | x86_w(w), dst, src);
}

void x86_movzx8(struct x86_code *c, unsigned dst, unsigned src)
{
    x86_rr(c, 0xb6 | X86_0F | X86_BYTE, dst, src);
}

void x86_push(struct x86_code *c, unsigned reg)
{
    if (reg & 8)
        x86_byte(c, 0x41);
    x86_byte(c, 0x50 | (reg & 7));
}

void x86_pop(struct x86_code *c, unsigned reg)
{
    if (reg & 8)
        x86_byte(c, 0x41);
    x86_byte(c, 0x58 | (reg & 7));
}

uint8_t *x86_jcc(struct x86_code *c, enum x86_cc cc)
{
    x86_byte(c, 0x0f);
    x86_byte(c, 0x80 | cc);
    x86_dword(c, 0);
    return c->p - 4;
}

uint8_t *x86_jmp(struct x86_code *c)
{
    x86_byte(c, 0xe9);
    x86_dword(c, 0);
    return c->p - 4;
}

void x86_patch(uint8_t *place, const uint8_t *target)
{
    int32_t disp = (int32_t)(target - (place + 4));
    memcpy(place, &disp, 4);
}

void x86_jmp_to(struct x86_code *c, const uint8_t *target)
{
    uint8_t *place = x86_jmp(c);
    if (!c->overflow)
        x86_patch(place, target);
}

void x86_jcc_to(struct x86_code *c, enum x86_cc cc, const uint8_t *target)
{
    uint8_t *place = x86_jcc(c, cc);
    if (!c->overflow)
        x86_patch(place, target);
}

void x86_call_to(struct x86_code *c, const uint8_t *target)
{
    x86_byte(c, 0xe8);
    x86_dword(c, 0);
    if (!c->overflow)
        x86_patch(c->p - 4, target);
}
