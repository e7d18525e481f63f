// SPDX-License-Identifier: MIT
// random-insns ACCEL 64|32 SEED COUNT [NAME]: instructions made from the rows of the opcode maps, with random prefixes, operands
// and register values, must do the same here and on the host processor: registers, flags that the manual defines, memory,
// exceptions. With NAME, only rows of that name.
//
// Left out: what is not for user programs, far transfers, and jumps to addresses in registers.

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-oracle.h"
#include "hw/core/accel.h"
#include "target-x86/decode.h"
#include "target-x86/fpu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "x86-machine.h"

// The same addresses on both sides. Data lies between pages that are not mapped.
#define CODE (X86_MACHINE_RAM + 0x100000)
#define DATA (X86_MACHINE_RAM + 0x200000)
#define TABLES (X86_MACHINE_RAM + 0x300000) // page tables, IDT, GDT, TSS of the guest
enum { CODE_BYTES = 0x1000, DATA_BYTES = 0x2000, HLT = 0xf4 };
enum { IDT = 0x10000, GDT = 0x11000, TSS = 0x12000, STACK = 0x14000, HANDLERS = 0x15000 };

static uint64_t random_state;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned n)
{
    return (unsigned)(random64() >> 33) % n;
}

static uint64_t random_value(void)
{
    static const uint64_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                                     0xffffffff, INT64_MAX, UINT64_C(1) << 63, ~UINT64_C(0)};
    switch (below(5)) {
    case 0:
        return edges[below(ARRAY_SIZE(edges))];
    case 1:
        return below(64);
    case 2:
        return (uint64_t)(int64_t)(int32_t)random64();
    default:
        return random64();
    }
}

// --- which rows ----------------------------------------------------------------------------------------------------

static bool named(const struct x86_row *row, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(row->name, *list))
            return true;
    return false;
}

static bool wanted(const struct x86_row *row)
{
    static const char *const left_out[] = {
        "PUSH ES", "POP ES", "PUSH CS", "PUSH SS", "POP SS", "PUSH DS", "POP DS", "PUSH FS", "POP FS", "PUSH GS", "POP GS",
        "CALLF", "JMPF", "RETF", "IRET", "INT", "INT1", "INTO", "INT3", "IN", "OUT", "INSB", "INS", "OUTSB", "OUTS", "CLI",
        "STI", "HLT", "LES", "LDS", "LSS", "LFS", "LGS", "SLDT", "STR", "VERR", "VERW", "SGDT", "SIDT", "SMSW", "LAR",
        "LSL", "SYSCALL", "SYSENTER", "RDTSC", "RDTSCP", "RDPMC", "CPUID", "RSM", "RDFSBASE", "RDGSBASE", "WRFSBASE",
        "WRGSBASE", "RDRAND", "RDSEED", "RDPID", "XGETBV", "RDPKRU", "WRPKRU", "POPF", "ENTER", "RET", "ARPL",
        "XSAVE", "XRSTOR", "XSAVEOPT", "XSAVEC", "FXSAVE", "FXRSTOR", "LDMXCSR", "STMXCSR", "PUSHF", NULL};
    if (row->attributes & X86_CPL0)
        return false;
    // MOV with a segment, control or debug register.
    for (unsigned i = 0; i < 4; i++) {
        unsigned kind = row->forms[i] >> 4;
        if (kind == KIND_S || kind == KIND_CR || kind == KIND_DR || kind == KIND_O || kind == KIND_P16)
            return false;
    }
    bool indirect = row->opcode == 0xff && ((row->match & 15) == 3 || (row->match & 15) == 5);
    return !named(row, left_out) && !indirect;
}

// Flags that the manual leaves undefined.
static uint32_t undefined_flags(const struct x86_decoded *in, const struct oracle_state *s)
{
    enum { C = 1, P = 4, A = 16, Z = 64, S = 128, O = 2048, ALL = C | P | A | Z | S | O };
    const char *n = in->row->name;
    static const char *const logic[] = {"AND", "OR", "XOR", "TEST", "ANDN", NULL};
    static const char *const shifts[] = {"SHL", "SHR", "SAR", "SHLD", "SHRD", "ROL", "ROR", "RCL", "RCR", NULL};
    static const char *const bits[] = {"BT", "BTS", "BTR", "BTC", NULL};
    if (named(in->row, logic))
        return A;
    if (named(in->row, shifts)) {
        bool by_cl = in->op[1].reg == X86_RCX && in->op[1].kind == X86_ARG_GPR && in->op[1].size == 0;
        by_cl |= in->op[2].kind == X86_ARG_GPR;
        unsigned count = (unsigned)(by_cl ? s->gpr[X86_RCX] : in->imm) & (in->op[0].size == 3 ? 63 : 31);
        bool rotate = n[0] == 'R';
        unsigned width = 8u << in->op[0].size;
        if (count == 0)
            return 0;
        if (n[0] == 'S' && strlen(n) == 4 && count > width)
            return ALL;
        return (rotate ? 0 : A) | (count > 1 ? O : 0) | (!rotate && count >= width ? C : 0);
    }
    if (named(in->row, bits))
        return O | S | A | P;
    if (!strcmp(n, "MUL") || !strcmp(n, "IMUL"))
        return S | Z | A | P;
    if (!strcmp(n, "DIV") || !strcmp(n, "IDIV"))
        return ALL;
    if (!strcmp(n, "BSF") || !strcmp(n, "BSR"))
        return ALL & ~Z;
    if (!strcmp(n, "TZCNT") || !strcmp(n, "LZCNT"))
        return O | S | A | P;
    if (!strcmp(n, "BZHI") || !strncmp(n, "BLS", 3))
        return A | P;
    if (!strcmp(n, "BEXTR"))
        return A | S | P;
    if (!strcmp(n, "DAA") || !strcmp(n, "DAS"))
        return O;
    if (!strcmp(n, "AAA") || !strcmp(n, "AAS"))
        return O | S | Z | P;
    if (!strcmp(n, "AAM") || !strcmp(n, "AAD"))
        return O | A | C;
    return 0;
}

// --- making one ----------------------------------------------------------------------------------------------------

struct test {
    uint8_t code[32];
    unsigned bytes;
    struct x86_decoded insn;
    struct oracle_state state;
    uint8_t data[DATA_BYTES];
};

static unsigned put_vex(uint8_t *p, const struct x86_row *row, unsigned map, unsigned mode)
{
    static const uint8_t pp[] = {0, 0, 1, 2, 3};
    unsigned prefix = pp[(row->match & X86_MATCH_PREFIX) >> 6];
    unsigned w = row->match & X86_MATCH_W1 ? 1 : row->match & X86_MATCH_W0 ? 0 : below(2);
    unsigned l = row->match & X86_MATCH_L1 ? 1 : row->match & X86_MATCH_L0 ? 0 : below(2);
    unsigned v = row->attributes & X86_VNOT ? 15 : below(16);
    p[0] = 0xc4;
    p[1] = (uint8_t)(map | (mode == 2 ? below(8) << 5 : 7u << 5));
    p[2] = (uint8_t)(w << 7 | v << 3 | l << 2 | prefix);
    return 3;
}

static void make_bytes(struct test *t, const struct x86_row *row, unsigned map, unsigned mode)
{
    uint8_t *p = t->code;
    bool vex = (row->match & X86_MATCH_VEX) || ((row->match & X86_MATCH_EITHER) && below(2));
    unsigned prefix = (row->match & X86_MATCH_PREFIX) >> 6;
    if (vex) {
        p += put_vex(p, row, map, mode);
    } else {
        if (!prefix && !below(4))
            *p++ = 0x66;
        if (!below(12))
            *p++ = 0x67;
        if ((row->attributes & X86_LOCK) && !below(3))
            *p++ = 0xf0;
        else if (!below(200))
            *p++ = 0xf0;
        if (prefix >= 2)
            *p++ = prefix == 2 ? 0x66 : prefix == 3 ? 0xf3 : 0xf2;
        else if (row->opcode >= 0xa4 && row->opcode <= 0xaf && map == 0 && below(2))
            *p++ = below(2) ? 0xf3 : 0xf2;
        if (mode == 2 && below(2))
            *p++ = (uint8_t)(0x40 | (row->match & X86_MATCH_W1 ? 8 : 0) |
                             (row->match & X86_MATCH_W0 ? below(8) : below(16)));
        if (map)
            *p++ = 0x0f;
        if (map >= 2)
            *p++ = map == 2 ? 0x38 : 0x3a;
    }
    *p++ = row->opcode;
    uint8_t modrm = (uint8_t)random64();
    if (row->match & X86_MATCH_REG)
        modrm = (uint8_t)((modrm & ~0x38) | ((row->match & 15) - 1) << 3);
    if (row->match & X86_MATCH_RM)
        modrm = (uint8_t)((modrm & ~7) | ((row->match >> 9 & 15) - 1));
    if (row->match & X86_MATCH_RR)
        modrm |= 0xc0;
    else if (row->match & X86_MATCH_MEM && modrm >= 0xc0)
        modrm &= 0x3f;
    *p++ = modrm;
    for (unsigned i = 0; i < 14; i++)
        *p++ = (uint8_t)random64();
}

static uint64_t *reg_of(struct test *t, unsigned n)
{
    return &t->state.gpr[n];
}

// Makes the memory operand fall near the data. False when it cannot.
static bool aim(struct test *t, unsigned mode, unsigned operand_bytes)
{
    struct x86_decoded *in = &t->insn;
    uint64_t target = DATA + 0x100 + below(0x200);
    if (!below(16))
        target = DATA + (below(2) ? 0x1000 : DATA_BYTES) - below(operand_bytes + 1); // across pages, or out of them
    else if (below(2))
        target &= -(uint64_t)operand_bytes;
    if (in->addrsize == 1)
        return false;
    if (in->rip_relative || in->base == X86_NO_REG) {
        if (in->index != X86_NO_REG && in->index != X86_RSP)
            *reg_of(t, in->index) = 0;
        int64_t disp = (int64_t)(in->rip_relative ? target - (CODE + in->bytes) : target);
        // The displacement is the four bytes after ModRM and SIB.
        for (unsigned at = 0; at + 4 <= in->bytes; at++) {
            if ((int32_t)load_le32(t->code + at) == (int32_t)in->displacement && at >= 2) {
                store_le32(t->code + at, (uint32_t)disp);
                return x86_decode(t->code, 15, mode, in) == X86_DECODE_OK && (int32_t)in->displacement == (int32_t)disp;
            }
        }
        return false;
    }
    uint64_t index = 0;
    if (in->index != X86_NO_REG) {
        if (in->index == in->base)
            return false;
        if (below(4))
            *reg_of(t, in->index) = below(16);
        index = *reg_of(t, in->index);
    }
    uint64_t base = target - (index << in->scale) - (uint64_t)in->displacement;
    if (in->addrsize == 2)
        base = (uint32_t)base | (mode == 2 ? random64() << 32 : 0);
    *reg_of(t, in->base) = base;
    return true;
}

// The manual leaves the result undefined: SHLD and SHRD by more than the width.
static bool undefined_result(const struct test *t)
{
    const struct x86_decoded *in = &t->insn;
    bool double_shift = in->map == 1 && (in->opcode & 0xf6) == 0xa4;
    uint64_t count = in->op[2].kind == X86_ARG_IMM ? in->imm : t->state.gpr[X86_RCX];
    return double_shift && in->op[0].size == 1 && (count & 31) > 16;
}

static unsigned operand_bytes(const struct x86_decoded *in)
{
    for (unsigned i = 0; i < 4; i++)
        if (in->op[i].kind == X86_ARG_MEM)
            return in->op[i].size ? 1u << in->op[i].size : 1;
    return 1;
}

static bool uses_memory(const struct x86_decoded *in)
{
    return in->has_modrm && in->mod != 3;
}

static bool starts_with(const struct x86_decoded *in, const char *name)
{
    return !strncmp(in->row->name, name, strlen(name));
}

// Registers that instructions use without naming them.
static void set_implied(struct test *t)
{
    const struct x86_decoded *in = &t->insn;
    uint64_t *gpr = t->state.gpr;
    unsigned opcode = in->opcode, map = in->map;
    bool string = map == 0 && opcode >= 0xa4 && opcode <= 0xaf && opcode != 0xa8 && opcode != 0xa9;
    if (string) {
        gpr[X86_RSI] = DATA + 0x400 + below(0x200);
        gpr[X86_RDI] = DATA + 0x700 + below(0x200);
        if (!below(8))
            gpr[X86_RDI] = gpr[X86_RSI] + below(9);
        if (!below(16))
            gpr[X86_RDI] = DATA + DATA_BYTES - below(40);
        if (in->rep)
            gpr[X86_RCX] = below(40);
        if (!below(2))
            t->state.flags &= ~UINT64_C(0x400);
    }
    // Past the end of the address space the segment's limit and paging both object.
    if (starts_with(in, "LEAVE"))
        gpr[X86_RBP] = DATA + below(DATA_BYTES);
    if (starts_with(in, "MASKMOV"))
        gpr[X86_RDI] = DATA + 0x300 + below(0x200);
    if (starts_with(in, "XLAT"))
        gpr[X86_RBX] = DATA + 0x100;
    // So that the quotient fits now and then.
    if (starts_with(in, "DIV") || starts_with(in, "IDIV")) {
        if (below(3))
            gpr[X86_RDX] = starts_with(in, "IDIV") && gpr[X86_RAX] >> 63 ? ~UINT64_C(0) : below(4);
        if (in->op[0].size == 0)
            gpr[X86_RAX] = random64() & 0x7ff;
    }
    if (starts_with(in, "CMPXCHG") && below(2)) {
        gpr[X86_RAX] = load_le64(t->data + 0x180);
        gpr[X86_RDX] = load_le64(t->data + 0x188);
    }
}

// A bit offset in a register must stay in the data.
static void tame_bit_offset(struct test *t)
{
    const struct x86_decoded *in = &t->insn;
    bool bit = in->map == 1 && (in->opcode == 0xa3 || in->opcode == 0xab || in->opcode == 0xb3 || in->opcode == 0xbb);
    if (bit && uses_memory(in) && in->op[1].reg != in->base && in->op[1].reg != in->index)
        t->state.gpr[in->op[1].reg] = (uint64_t)(int64_t)((int)below(0x800) - 0x300);
}

// A number, often of moderate size, sometimes special.
static void random_float(uint8_t *out)
{
    static const uint16_t exponents[] = {0, 1, 0x3fff, 0x4000, 0x3ffe, 0x403e, 0x7ffe, 0x7fff};
    uint64_t mantissa = below(3) ? random64() | UINT64_C(1) << 63 : UINT64_C(1) << 63;
    unsigned exponent = below(3) ? 0x3fff - 20 + below(40) : exponents[below(ARRAY_SIZE(exponents))];
    if (exponent == 0 && below(2))
        mantissa = below(2) ? 0 : mantissa >> 1;
    memset(out, 0, 16);
    store_le64(out, mantissa);
    store_le16(out + 8, (uint16_t)(exponent | below(2) << 15));
}

// Eight bytes of one double or two singles, numbers of moderate size and special ones.
static uint64_t random_lanes(void)
{
    static const uint32_t singles[] = {0, 0x80000000, 1, 0x7fffff, 0x800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001,
                                       0xffc00000, 0x7fc01234, 0x3f800000, 0x4f000000, 0xcf000000, 0x5f000000};
    static const uint64_t doubles[] = {0, UINT64_C(1) << 63, 1, UINT64_C(0xfffffffffffff), UINT64_C(0x10000000000000),
                                       UINT64_C(0x7fefffffffffffff), UINT64_C(0x7ff0000000000000),
                                       UINT64_C(0xfff0000000000000), UINT64_C(0x7ff0000000000001),
                                       UINT64_C(0xfff8000000000000), UINT64_C(0x7ff8000000001234),
                                       UINT64_C(0x3ff0000000000000), UINT64_C(0x41e0000000000000),
                                       UINT64_C(0xc3e0000000000000), UINT64_C(0x380fffffffffffff)};
    switch (below(5)) {
    case 0:
        return doubles[below(ARRAY_SIZE(doubles))];
    case 1:
        return singles[below(ARRAY_SIZE(singles))] | (uint64_t)singles[below(ARRAY_SIZE(singles))] << 32;
    case 2:
        return (random64() & ~(UINT64_C(0x7ff) << 52)) | (uint64_t)(1023 - 10 + below(20)) << 52;
    case 3:
        return (random64() & UINT64_C(0x807fffff807fffff)) | (uint64_t)(127 - 10 + below(20)) << 23 |
               (uint64_t)(127 - 10 + below(20)) << 55;
    default:
        return random_value();
    }
}

static void random_registers(struct test *t, unsigned mode)
{
    struct oracle_state *s = &t->state;
    memset(s, 0, sizeof(*s));
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = random_value();
    s->gpr[X86_RSP] = DATA + 0xc00 + below(64) * 8;
    if (below(2))
        s->gpr[X86_RBP] = DATA + 0xa00 + below(64) * 8;
    s->flags = 0x202 | (random64() & 0xcd5);
    s->rip = CODE;
    static const uint16_t controls[] = {0x37f, 0x27f, 0x7f, 0xf7f, 0xb7f, 0x77f};
    s->control = controls[below(ARRAY_SIZE(controls))];
    s->status = (uint16_t)(below(8) << 11 | below(8) << 8);
    if (!below(4)) {
        s->control &= (uint16_t)~below(64);
        // Exceptions from before, pending where they are not masked.
        s->status |= below(4) ? 0 : (uint16_t)below(128);
        if (s->status & ~s->control & 63)
            s->status |= 0x8080;
    }
    s->tags = below(3) ? 0xff : (uint16_t)below(256);
    for (unsigned n = 0; n < 8; n++)
        random_float(s->st[n]);
    s->mxcsr = 0x1f80;
    if (below(2))
        s->mxcsr = 0x1f80 | below(4) << 13 | (below(4) ? 0 : below(4) == 0 ? 0x8040u : below(2) << 15 | below(2) << 6) | below(64);
    if (!below(8))
        s->mxcsr &= ~(below(64) << 7);
    for (unsigned i = 0; i < sizeof(s->xmm); i += 8) {
        store_le64(&s->xmm[0][0] + i, random_lanes());
        store_le64(&s->ymmh[0][0] + i, random_lanes());
    }
    for (unsigned i = 0; i < DATA_BYTES; i += 8)
        store_le64(t->data + i, random_lanes());
    if (mode != 2)
        for (unsigned n = 0; n < 16; n++)
            s->gpr[n] = n < 8 ? (uint32_t)s->gpr[n] : 0;
}

// False when the bytes are of no use.
static bool make(struct test *t, const struct x86_row *row, unsigned map, unsigned mode)
{
    random_registers(t, mode);
    make_bytes(t, row, map, mode);
    enum x86_decode_result result = x86_decode(t->code, 15, mode, &t->insn);
    if (result == X86_DECODE_UD) {
        // The host must not know it either, as far as it is one of ours.
        return false;
    }
    if (result != X86_DECODE_OK || t->insn.row != row)
        return false;
    struct x86_decoded *in = &t->insn;
    // Relative jumps stay among the HLTs of the code page.
    for (unsigned i = 0; i < 4; i++) {
        if (row->forms[i] >> 4 == KIND_J) {
            unsigned bytes = (row->forms[i] & 15) == SIZE_b ? 1 : in->mode == 2 || in->opsize == 2 ? 4 : 2;
            if (bytes == 2 || (mode == 2 && in->opsize_prefix))
                return false;
            store_le(t->code + in->bytes - bytes, bytes, below(100));
            x86_decode(t->code, 15, mode, in);
        }
    }
    bool lea_or_nop = starts_with(in, "LEA") || starts_with(in, "NOP") || starts_with(in, "PREFETCH");
    if (uses_memory(in) && !lea_or_nop && !aim(t, mode, operand_bytes(in)))
        return false;
    set_implied(t);
    tame_bit_offset(t);
    if (mode != 2)
        for (unsigned n = 0; n < 16; n++)
            t->state.gpr[n] = n < 8 ? (uint32_t)t->state.gpr[n] : 0;
    if (in->segment_prefix && in->segment >= X86_FS)
        return false;
    t->bytes = in->bytes;
    bool string = (map == 0 && row->opcode >= 0xa4 && row->opcode <= 0xaf) || starts_with(in, "MASKMOV");
    return !undefined_result(t) && !(string && in->addrsize == 1);
}

// --- the guest -----------------------------------------------------------------------------------------------------

static void *ram(struct x86_machine *m, uint64_t gpa)
{
    return x86_machine_ram(m, gpa);
}

// Identity. For user code there are the pages that the host has too.
static void build_tables(struct x86_machine *m)
{
    enum { P = 7, KERNEL = 3 };
    uint64_t *pml4 = ram(m, TABLES), *pdpt = ram(m, TABLES + 0x1000), *pd = ram(m, TABLES + 0x2000),
             *pt = ram(m, TABLES + 0x3000);
    pml4[0] = (TABLES + 0x1000) | P;
    pdpt[0] = (TABLES + 0x2000) | P;
    pd[DATA >> 21] = (TABLES + 0x3000) | P;
    pd[CODE >> 21] = (TABLES + 0x4000) | P;
    for (unsigned i = 0; i < 512; i++)
        pt[i] = ((DATA & ~UINT64_C(0x1fffff)) + i * 0x1000) | KERNEL;
    for (unsigned i = 0; i < DATA_BYTES / 0x1000; i++)
        pt[(DATA >> 12 & 511) + i] |= P;
    pt[512 + (CODE >> 12 & 511)] = CODE | P;
}

static void build_idt(struct x86_machine *m, bool wide)
{
    uint8_t *idt = ram(m, TABLES + IDT);
    uint64_t *gdt = ram(m, TABLES + GDT);
    uint8_t *handlers = ram(m, TABLES + HANDLERS), *tss = ram(m, TABLES + TSS);
    memset(handlers, HLT, 0x1000);
    for (unsigned v = 0; v < 32; v++) {
        uint64_t at = TABLES + HANDLERS + v * 16;
        if (wide) {
            store_le64(idt + v * 16, (at & 0xffff) | 8u << 16 | UINT64_C(0x8e01) << 32 | (at >> 16 & 0xffff) << 48);
            store_le64(idt + v * 16 + 8, at >> 32);
        } else {
            store_le64(idt + v * 8, (at & 0xffff) | 8u << 16 | UINT64_C(0x8e00) << 32 | (at >> 16 & 0xffff) << 48);
        }
    }
    gdt[1] = wide ? UINT64_C(0x00af9b000000ffff) : UINT64_C(0x00cf9b000000ffff);
    gdt[2] = UINT64_C(0x00cf93000000ffff);
    if (wide) {
        store_le64(tss + 36, TABLES + STACK + 0x1000); // IST1
    } else {
        store_le32(tss + 4, (uint32_t)(TABLES + STACK + 0x1000));
        store_le32(tss + 8, 16);
    }
}

static void start_guest(struct x86_machine *m, const struct test *t, bool wide)
{
    struct x86_cpu *cpu = m->cpu;
    const struct oracle_state *s = &t->state;
    x86_eflags_set(cpu, (uint32_t)s->flags | 0x202);
    memcpy(cpu->gpr, s->gpr, sizeof(cpu->gpr));
    memcpy(cpu->xmm, s->xmm, sizeof(cpu->xmm));
    memcpy(cpu->ymmh, s->ymmh, sizeof(cpu->ymmh));
    enum { MASKS = 0x1f80 };
    cpu->mxcsr_masks = s->mxcsr & MASKS;
    cpu->tcg.fp_control = s->mxcsr | MASKS;
    struct x86_fpu *f = &cpu->fpu;
    f->control = s->control;
    f->ip = f->dp = 0;
    f->cs = f->ds = f->opcode = 0;
    f->top = s->status >> 11 & 7;
    f->status = s->status & ~(7u << 11);
    f->valid = (uint8_t)s->tags;
    for (unsigned n = 0; n < 8; n++)
        memcpy(f->st[(f->top + n) & 7], s->st[n], 16);
    uint32_t data = DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED | DESC_G | DESC_B | 3 << DESC_DPL_SHIFT;
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = (struct x86_segment){.limit = 0xffffffff, .selector = 0x2b, .attr = data};
    cpu->segs[X86_CS].selector = wide ? 0x33 : 0x23;
    cpu->segs[X86_CS].attr = (data & ~(uint32_t)DESC_B) | DESC_CODE | (wide ? DESC_L : DESC_B);
    cpu->gdtr = (struct x86_segment){.base = TABLES + GDT, .limit = 0x7f};
    cpu->idtr = (struct x86_segment){.base = TABLES + IDT, .limit = 0x3ff};
    cpu->tr = (struct x86_segment){.base = TABLES + TSS, .limit = 0x67, .attr = DESC_P | 11 << 8};
    cpu->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_MP | CR0_PG;
    cpu->cr3 = TABLES;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->xcr0 = 7;
    cpu->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    if (!wide) {
        // PAE paging needs its own top level.
        cpu->efer = EFER_NXE;
        cpu->cr3 = TABLES + 0x5000;
        cpu->pdpte[0] = (TABLES + 0x2000) | 1;
    }
    x86_modes_changed(cpu);
    x86_set_rip(cpu, s->rip);
}

// What the handler's stack says of the instruction.
static void collect_guest(struct x86_machine *m, struct oracle_state *s, bool wide)
{
    const struct x86_cpu *cpu = m->cpu;
    uint64_t handler = x86_rip(cpu) - 1 - (TABLES + HANDLERS);
    unsigned vector = (unsigned)(handler / 16), width = wide ? 8 : 4;
    bool has_error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    const uint8_t *frame = ram(m, TABLES + STACK + 0x1000 - 5 * width - (has_error ? width : 0));
    if (has_error)
        frame += width;
    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    s->rip = load_le(frame, width);
    s->flags = load_le(frame + 2 * width, width);
    s->gpr[X86_RSP] = load_le(frame + 3 * width, width);
    s->vector = vector;
    s->address = cpu->cr2;
    memcpy(s->xmm, cpu->xmm, sizeof(s->xmm));
    memcpy(s->ymmh, cpu->ymmh, sizeof(s->ymmh));
    s->mxcsr = (cpu->tcg.fp_control & ~UINT32_C(0x1f80)) | cpu->mxcsr_masks;
    const struct x86_fpu *f = &cpu->fpu;
    s->control = f->control;
    s->status = (uint16_t)(f->status | f->top << 11);
    s->tags = f->valid;
    for (unsigned n = 0; n < 8; n++)
        memcpy(s->st[n], f->st[(f->top + n) & 7], 10);
    const uint8_t *code = handler < 0x1000 && vector == 13 && s->rip - CODE < CODE_BYTES ? ram(m, s->rip) : NULL;
    if (code && *code == HLT)
        s->vector = ORACLE_END;
}

static bool run_guest(struct x86_machine *m, struct test *t, bool wide)
{
    uint8_t *code = ram(m, CODE);
    memcpy(code, t->code, t->bytes);
    memset(code + t->bytes, HLT, 128);
    x86_machine_wrote(m, CODE, 160);
    memcpy(ram(m, DATA), t->data, DATA_BYTES);
    start_guest(m, t, wide);
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    m->shut_down = false;
    vcpu->halted = false;
    for (unsigned i = 0; i < 100 && !vcpu->halted && !m->shut_down; i++) {
        atomic_store(&vcpu->exit_request, 0);
        m->accel->ops->run(m->accel, vcpu);
    }
    if (!vcpu->halted || m->shut_down) {
        t->state.vector = 999;
        return false;
    }
    collect_guest(m, &t->state, wide);
    memcpy(t->data, ram(m, DATA), DATA_BYTES);
    return true;
}

static void run_host(struct test *t, bool wide)
{
    memset((void *)(uintptr_t)CODE, HLT, CODE_BYTES);
    memcpy((void *)(uintptr_t)CODE, t->code, t->bytes);
    memcpy((void *)(uintptr_t)DATA, t->data, DATA_BYTES);
    oracle_run(&t->state, wide);
    memcpy(t->data, (void *)(uintptr_t)DATA, DATA_BYTES);
}

// --- comparison ----------------------------------------------------------------------------------------------------

static bool report;

static void differ(const char *what, unsigned n, uint64_t here, uint64_t there)
{
    if (report)
        printf("  %s%u: %016llx, host %016llx\n", what, n, (unsigned long long)here, (unsigned long long)there);
}

static bool same(const struct test *here, const struct test *there, uint32_t undefined)
{
    enum { ARITH = 0x8d5, DF = 0x400, AC = 0x40000, ID = 0x200000 };
    const struct oracle_state *a = &here->state, *b = &there->state;
    bool good = true;
    // At the end of 32-bit space the limit is checked before paging here and there, not always in that order.
    if (b->vector == 13 && a->vector == 14 && a->address >= 0xfffff000 && a->address >> 32 == 0)
        return true;
    if (a->vector != b->vector) {
        differ("vector", 0, a->vector, b->vector);
        return false;
    }
    if (b->vector == 14 && a->address != b->address) {
        differ("fault address", 0, a->address, b->address);
        good = false;
    }
    for (unsigned n = 0; n < 16; n++) {
        if (a->gpr[n] != b->gpr[n]) {
            differ("gpr", n, a->gpr[n], b->gpr[n]);
            good = false;
        }
    }
    uint32_t mask = (ARITH & ~(b->vector == ORACLE_END ? undefined : ARITH)) | DF | AC;
    if (b->vector != ORACLE_END)
        mask = DF | AC | ((undefined & ARITH) ? 0 : ARITH);
    if ((a->flags ^ b->flags) & mask) {
        differ("flags", 0, a->flags & (ARITH | DF), b->flags & (ARITH | DF));
        good = false;
    }
    if (a->rip != b->rip) {
        differ("rip", 0, a->rip, b->rip);
        good = false;
    }
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned half = 0; half < 4; half++) {
            const uint8_t *x = half < 2 ? a->xmm[n] + half * 8 : a->ymmh[n] + (half - 2) * 8;
            const uint8_t *y = half < 2 ? b->xmm[n] + half * 8 : b->ymmh[n] + (half - 2) * 8;
            if (memcmp(x, y, 8)) {
                differ(half < 2 ? "xmm" : "ymmh", n * 10 + (half & 1), load_le64(x), load_le64(y));
                good = false;
            }
        }
    }
    for (unsigned n = 0; n < 8; n++) {
        if (memcmp(a->st[n], b->st[n], 10)) {
            differ("st", n, load_le64(a->st[n]), load_le64(b->st[n]));
            differ("st exponent", n, load_le16(a->st[n] + 8), load_le16(b->st[n] + 8));
            good = false;
        }
    }
    if (a->status != b->status || a->control != b->control || a->tags != b->tags) {
        differ("x87 status, control, tags", 0, a->status << 16 | a->control | (uint64_t)a->tags << 32,
               b->status << 16 | b->control | (uint64_t)b->tags << 32);
        good = false;
    }
    // Whether an operation that overflowed or was tiny is inexact too, and all of a dot product's parts, is not always told
    // alike when the exception is not masked.
    enum { INEXACT = 0x20, RANGE = 0x18, FLAGS = 0x3f };
    uint32_t told = ~UINT32_C(0);
    if (b->vector == 19)
        told = starts_with(&there->insn, "DPP") ? ~(uint32_t)FLAGS : b->mxcsr & RANGE ? ~(uint32_t)INEXACT : told;
    if ((a->mxcsr ^ b->mxcsr) & told) {
        differ("mxcsr", 0, a->mxcsr, b->mxcsr);
        good = false;
    }
    for (unsigned i = 0; i < DATA_BYTES; i += 8) {
        if (memcmp(here->data + i, there->data + i, 8)) {
            differ("data", i, load_le64(here->data + i), load_le64(there->data + i));
            good = false;
        }
    }
    return good;
}

static csh capstone;

static void print_insn(const struct test *t)
{
    cs_insn *text;
    size_t count = cs_disasm(capstone, t->code, t->bytes, CODE, 1, &text);
    for (unsigned i = 0; i < t->bytes; i++)
        printf("%02x", t->code[i]);
    printf("  %s %s  (row %s)\n", count ? text->mnemonic : "?", count ? text->op_str : "", t->insn.row->name);
    for (unsigned n = 0; n < 16; n++)
        printf("%s%llx", n ? " " : "  before: ", (unsigned long long)t->state.gpr[n]);
    printf(" flags %llx\n", (unsigned long long)t->state.flags);
    if (count)
        cs_free(text, count);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: random-insns ACCEL 64|32 SEED COUNT [NAME]\n");
        return 2;
    }
    bool wide = !strcmp(argv[2], "64");
    unsigned mode = wide ? 2 : 1, seed = (unsigned)atoi(argv[3]), count = (unsigned)atoi(argv[4]), bad = 0, done = 0;
    const char *only = argc > 5 ? argv[5] : NULL;
    if (!oracle_init(CODE, CODE_BYTES, DATA, DATA_BYTES)) {
        fprintf(stderr, "the host does not give the addresses\n");
        return 77;
    }
    cs_open(CS_ARCH_X86, wide ? CS_MODE_64 : CS_MODE_32, &capstone);
    struct x86_machine *m = x86_machine_create(argv[1], "max", 0);
    build_tables(m);
    build_idt(m, wide);
    static struct test host, guest;
    for (unsigned i = 0, tries = 0; i < count && tries < count * 100 + 1000; tries++) {
        random_state = (uint64_t)(seed + tries + 1) * UINT64_C(0x9e3779b97f4a7c15);
        random64();
        unsigned rows, total = 0, map;
        for (map = 0; map < X86_MAPS; map++)
            x86_rows(map, &rows), total += rows;
        unsigned pick = below(total);
        const struct x86_row *row = NULL;
        for (map = 0; map < X86_MAPS; map++) {
            const struct x86_row *first = x86_rows(map, &rows);
            if (pick < rows) {
                row = &first[pick];
                break;
            }
            pick -= rows;
        }
        if (!wanted(row) || (only && strcmp(only, row->name)) || !make(&host, row, map, mode))
            continue;
        i++;
        done++;
        guest = host;
        struct test before = host;
        run_host(&host, wide);
        run_guest(m, &guest, wide);
        uint32_t undefined = undefined_flags(&before.insn, &before.state);
        report = false;
        if (same(&guest, &host, undefined))
            continue;
        report = true;
        if (++bad <= 20) {
            printf("seed %u: ", seed + tries);
            print_insn(&before);
            same(&guest, &host, undefined);
        }
    }
    printf("%u of %u differ\n", bad, done);
    x86_machine_destroy(m);
    cs_close(&capstone);
    return bad != 0 || done < count / 2;
}
