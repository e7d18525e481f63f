// SPDX-License-Identifier: MIT
// x86-64 instruction encodings.
#include "tcg/host-x86-64/encode.h"

// Into functions that know the opcode, of which most is decided then.
#define INLINE static inline __attribute__((always_inline))

// Room for an instruction. It is written through a local pointer, which all functions called put_* return moved on.
static uint8_t *begin_insn(struct x86_code *c)
{
    if (c->end - c->p < X86_INSN_BYTES) {
        c->overflow = true;
        c->p -= X86_INSN_BYTES; // over the one before
    }
    return c->p;
}

static uint8_t *put_dword(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, 4);
    return p + 4;
}

static bool fits8(int32_t imm)
{
    return imm >= -128 && imm < 128;
}

static uint8_t *put_imm(uint8_t *p, int32_t imm, bool small)
{
    if (!small)
        return put_dword(p, (uint32_t)imm);
    *p++ = (uint8_t)imm;
    return p;
}

// Prefixes and opcode. `rex` has its W, R, X and B bits; `byte_rex`: it is there even if it has none.
INLINE uint8_t *put_opcode(uint8_t *p, uint32_t opcode, unsigned rex, bool byte_rex)
{
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};
    if (opcode & (X86_NEEDS_LOCK | X86_PP)) {
        if (opcode & X86_NEEDS_LOCK)
            *p++ = 0xf0;
        if (opcode & X86_PP)
            *p++ = prefixes[(opcode & X86_PP) >> 10];
    }
    *p = (uint8_t)(0x40 | rex);
    p += rex || byte_rex;
    if (opcode & X86_MAP) {
        *p++ = 0x0f;
        if ((opcode & X86_MAP) != X86_0F)
            *p++ = (opcode & X86_MAP) == X86_0F38 ? 0x38 : 0x3a;
    }
    *p++ = (uint8_t)opcode;
    return p;
}

static unsigned rex_bits(uint32_t opcode, unsigned reg, unsigned index, unsigned base)
{
    return (opcode >> 10 & 8) | (reg >> 1 & 4) | (index >> 2 & 2) | (base >> 3 & 1);
}

// ModRM, SIB and displacement for a memory operand. `tail` bytes of immediate follow (for rip-relative ones).
INLINE uint8_t *put_modrm_mem(uint8_t *p, unsigned reg, struct x86_mem m, unsigned tail)
{
    unsigned base = m.base & 7;
    reg = (reg & 7) << 3;
    if (m.base == X86_NO_REG) {
        *p++ = (uint8_t)(0x05 | reg);
        return put_dword(p, (uint32_t)((const uint8_t *)m.target - (p + 4 + tail)));
    }
    // All of it in one word, of which some bytes may be too many: there is room (begin_insn).
    bool indexed = m.index != X86_NO_REG, sib = indexed || base == 4;
    unsigned disp_bytes = m.disp == 0 && base != 5 ? 0 : fits8(m.disp) ? 1 : 4;
    unsigned mod = disp_bytes == 4 ? 0x80 : disp_bytes << 6;
    uint64_t bytes = mod | reg | (sib ? 4 : base), disp = (uint32_t)m.disp;
    bytes |= sib ? (uint64_t)(indexed ? m.index & 7 : 4) << 11 | (uint64_t)m.scale_log2 << 14 | base << 8 | disp << 16 : disp << 8;
    memcpy(p, &bytes, 8);
    return p + 1 + sib + disp_bytes;
}

INLINE uint8_t *put_rr(uint8_t *p, uint32_t opcode, unsigned reg, unsigned rm)
{
    bool byte_rex = (opcode & X86_BYTE) && ((reg >= RSP && reg <= RDI) || (rm >= RSP && rm <= RDI));
    p = put_opcode(p, opcode, rex_bits(opcode, reg, 0, rm), byte_rex);
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p;
}

INLINE uint8_t *put_rm(uint8_t *p, uint32_t opcode, unsigned reg, struct x86_mem m, unsigned tail)
{
    bool byte_rex = (opcode & X86_BYTE) && reg >= RSP && reg <= RDI;
    p = put_opcode(p, opcode, rex_bits(opcode, reg, m.index, m.base), byte_rex);
    return put_modrm_mem(p, reg, m, tail);
}

static uint8_t *put_vex(uint8_t *p, uint32_t opcode, bool l, unsigned reg, unsigned v, unsigned index, unsigned base)
{
    unsigned low = (v == X86_NO_REG ? 15 : ~v & 15) << 3 | (unsigned)l << 2 | (opcode & X86_PP) >> 10;
    unsigned rex = ~rex_bits(opcode, reg, index, base) & 7; // R, X and B are stored inverted
    bool w = opcode & X86_W;
    if ((opcode & X86_MAP) == X86_0F && !w && (rex & 3) == 3) {
        *p++ = 0xc5;
        *p++ = (uint8_t)(rex << 5 & 0x80) | (uint8_t)low;
    } else {
        *p++ = 0xc4;
        *p++ = (uint8_t)(rex << 5 | (opcode & X86_MAP) >> 8);
        *p++ = (uint8_t)((unsigned)w << 7 | low);
    }
    *p++ = (uint8_t)opcode;
    return p;
}

void x86_rr(struct x86_code *c, uint32_t opcode, unsigned reg, unsigned rm)
{
    c->p = put_rr(begin_insn(c), opcode, reg, rm);
}

void x86_rm_tail(struct x86_code *c, uint32_t opcode, unsigned reg, struct x86_mem m, unsigned tail)
{
    c->p = put_rm(begin_insn(c), opcode, reg, m, tail);
}

void x86_rm(struct x86_code *c, uint32_t opcode, unsigned reg, struct x86_mem m)
{
    c->p = put_rm(begin_insn(c), opcode, reg, m, 0);
}

void x86_vex_rr(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, unsigned rm)
{
    uint8_t *p = put_vex(begin_insn(c), opcode, l, reg, v, 0, rm);
    *p++ = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
    c->p = p;
}

void x86_vex_rm(struct x86_code *c, uint32_t opcode, bool l, unsigned reg, unsigned v, struct x86_mem m, unsigned tail)
{
    uint8_t *p = put_vex(begin_insn(c), opcode, l, reg, v, m.index, m.base);
    c->p = put_modrm_mem(p, reg, m, tail);
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
    uint8_t *p = begin_insn(c);
    bool small = fits8(imm);
    if (dst == RAX && !small)
        p = put_opcode(p, (op << 3 | 5), w ? 8 : 0, false);
    else
        p = put_rr(p, (small ? 0x83 : 0x81) | x86_w(w), op, dst);
    c->p = put_imm(p, imm, small);
}

void x86_alu_mi(struct x86_code *c, enum x86_alu op, bool w, struct x86_mem m, int32_t imm)
{
    bool small = fits8(imm);
    uint8_t *p = put_rm(begin_insn(c), (small ? 0x83 : 0x81) | x86_w(w), op, m, small ? 1 : 4);
    c->p = put_imm(p, imm, small);
}

void x86_test_rr(struct x86_code *c, bool w, unsigned a, unsigned b)
{
    x86_rr(c, 0x85 | x86_w(w), b, a);
}

void x86_test_ri(struct x86_code *c, bool w, unsigned a, uint32_t imm)
{
    bool small = imm < 0x80 && a <= RBX;
    uint8_t *p = put_rr(begin_insn(c), small ? 0xf6 : 0xf7 | x86_w(w), 0, a);
    c->p = put_imm(p, (int32_t)imm, small);
}

void x86_mov_rr(struct x86_code *c, bool w, unsigned dst, unsigned src)
{
    x86_rr(c, 0x8b | x86_w(w), dst, src);
}

void x86_mov_ri(struct x86_code *c, unsigned dst, uint64_t imm)
{
    uint8_t *p = begin_insn(c);
    if (imm > UINT32_MAX && (int64_t)imm == (int32_t)imm) {
        p = put_rr(p, 0xc7 | X86_W, 0, dst);
    } else {
        p = put_opcode(p, 0xb8 | (dst & 7), rex_bits(imm > UINT32_MAX ? X86_W : 0, 0, 0, dst), false);
        if (imm > UINT32_MAX) {
            memcpy(p, &imm, 8);
            c->p = p + 8;
            return;
        }
    }
    c->p = put_dword(p, (uint32_t)imm);
}

void x86_shift_ri(struct x86_code *c, enum x86_shift op, bool w, unsigned dst, unsigned count)
{
    uint8_t *p = put_rr(begin_insn(c), (count == 1 ? 0xd1 : 0xc1) | x86_w(w), op, dst);
    c->p = count == 1 ? p : put_imm(p, (int32_t)count, true);
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
    c->p = put_dword(put_rm(begin_insn(c), 0xc7 | x86_w(w), 0, m, 4), (uint32_t)imm);
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
    uint8_t *p = begin_insn(c);
    *p++ = 0x0f;
    *p++ = (uint8_t)(0x80 | cc);
    c->p = put_dword(p, 0);
    return c->p - 4;
}

uint8_t *x86_jmp(struct x86_code *c)
{
    uint8_t *p = begin_insn(c);
    *p++ = 0xe9;
    c->p = put_dword(p, 0);
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
