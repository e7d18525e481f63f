// SPDX-License-Identifier: MIT
// The decoder: one pass over the bytes, then the row, then its operands.

#include "target-x86/decode-private.h"

#include <pthread.h>
#include <string.h>

#include "target-x86/cpu.h"
#include "target-x86/handlers.h"
#include "target-x86/simd.h"

// --- the rows ------------------------------------------------------------------------------------------------------

#define R(n) ((n) + 1)
#define RM(n) (((n) + 1) << 9)
#define MEM X86_MATCH_MEM
#define RR X86_MATCH_RR
#define NP (1 << 6)
#define P66 (2 << 6)
#define PF3 (3 << 6)
#define PF2 (4 << 6)
#define O64 X86_MATCH_ONLY64
#define N64 X86_MATCH_NO64
#define VEX X86_MATCH_VEX
#define SVEX X86_MATCH_EITHER
#define W0 X86_MATCH_W0
#define W1 X86_MATCH_W1
#define L0 X86_MATCH_L0
#define L1 X86_MATCH_L1
#define NP66 X86_MATCH_NP66
#define LOCK X86_LOCK
#define D64 X86_D64
#define F64 X86_F64
#define MRM X86_MODRM
#define CPL0 X86_CPL0
#define NOVM X86_NO_VM
#define VNOT X86_VNOT
#define STK X86_STACK

#define ROW(opcode, match, name, handler, arg, a, b, c, d, feature, attributes)                                        \
    {opcode, match, name, x86_tr_##handler, arg, {FORM_##a, FORM_##b, FORM_##c, FORM_##d}, X86_FEAT_##feature, attributes},
#define ROW2(opcode, ...) ROW(opcode, __VA_ARGS__) ROW((opcode) + 1, __VA_ARGS__)
#define ROW4(opcode, ...) ROW2(opcode, __VA_ARGS__) ROW2((opcode) + 2, __VA_ARGS__)
#define ROW8(opcode, ...) ROW4(opcode, __VA_ARGS__) ROW4((opcode) + 4, __VA_ARGS__)
#define ROW16(opcode, ...) ROW8(opcode, __VA_ARGS__) ROW8((opcode) + 8, __VA_ARGS__)

enum x86_form {
    FORM__ = 0,
#define FORM(name, kind, size) FORM_##name = X86_FORM(kind, size),
#include "target-x86/map-forms.inc"
#undef FORM
};

static const struct x86_row rows_one[] = {
#include "target-x86/map-one.inc"
};
static const struct x86_row rows_0f[] = {
#include "target-x86/map-0f.inc"
};
static const struct x86_row rows_0f38[] = {
#include "target-x86/map-0f38.inc"
};
static const struct x86_row rows_0f3a[] = {
#include "target-x86/map-0f3a.inc"
};

static const struct {
    const struct x86_row *rows;
    unsigned count;
} maps[X86_MAPS] = {{rows_one, ARRAY_SIZE(rows_one)},
                    {rows_0f, ARRAY_SIZE(rows_0f)},
                    {rows_0f38, ARRAY_SIZE(rows_0f38)},
                    {rows_0f3a, ARRAY_SIZE(rows_0f3a)}};

const struct x86_row *x86_rows(enum x86_map map, unsigned *count)
{
    *count = maps[map].count;
    return maps[map].rows;
}

// --- bytes ---------------------------------------------------------------------------------------------------------

static uint8_t peek(struct x86_reader *r)
{
    if (r->at >= r->available) {
        r->more = true;
        return 0;
    }
    return r->code[r->at];
}

static enum x86_decode_result out_of_bytes(const struct x86_reader *r)
{
    return r->available >= X86_INSN_MAX ? X86_DECODE_TOO_LONG : X86_DECODE_MORE;
}

// --- prefixes ------------------------------------------------------------------------------------------------------

// True when the byte was a legacy prefix.
static bool legacy_prefix(struct x86_decoded *in, uint8_t byte, bool *address_prefix)
{
    bool may_be = (byte & 0xe7) == 0x26 || (byte & 0xfc) == 0x64 || (byte & 0xfc) == 0xf0;
    if (!may_be)
        return false;
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        // Without effect in 64-bit mode.
        if (in->mode != 2) {
            in->segment = byte >> 3 & 3;
            in->segment_prefix = true;
        }
        return true;
    case 0x64:
    case 0x65:
        in->segment = byte - 0x64 + X86_FS;
        in->segment_prefix = true;
        return true;
    case 0x66:
        in->opsize_prefix = true;
        return true;
    case 0x67:
        *address_prefix = true;
        return true;
    case 0xf0:
        in->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        in->rep = byte;
        return true;
    default:
        return false;
    }
}

// The prefix that chooses among SSE and AVX forms: 1 none, 2 66, 3 F3, 4 F2.
static unsigned mandatory_prefix(const struct x86_decoded *in)
{
    return in->rep == 0xf3 ? 3 : in->rep == 0xf2 ? 4 : in->opsize_prefix ? 2 : 1;
}

// VEX in two or three bytes; `byte` was C4 or C5.
static bool vex_prefix(struct x86_decoded *in, struct x86_reader *r, uint8_t byte)
{
    bool old_prefix = in->lock || in->rep || in->opsize_prefix || in->rex;
    uint8_t first = (uint8_t)x86_take(r, 1), second = first;
    in->vex = true;
    in->map = X86_MAP_0F;
    in->rex = 0x40 | (first & 0x80 ? 0 : 4);
    if (byte == 0xc4) {
        unsigned map = first & 0x1f;
        in->rex |= (first & 0x40 ? 0 : 2) | (first & 0x20 ? 0 : 1);
        second = (uint8_t)x86_take(r, 1);
        in->vex_w = second >> 7;
        in->rex |= in->vex_w << 3;
        if (map < 1 || map > 3)
            return false;
        in->map = map;
    }
    in->vex_l = second >> 2 & 1;
    in->vvvv = ~second >> 3 & 15;
    if (in->mode != 2) {
        in->rex &= 0x48;
        in->vvvv &= 7;
    }
    static const uint8_t reps[4] = {0, 0, 0xf3, 0xf2};
    in->rep = reps[second & 3];
    in->opsize_prefix = (second & 3) == 1;
    return !old_prefix;
}

static bool read_opcode(struct x86_decoded *in, struct x86_reader *r)
{
    bool address_prefix = false;
    while (legacy_prefix(in, peek(r), &address_prefix) && !r->more)
        r->at++;
    if (in->mode == 2 && (peek(r) & 0xf0) == 0x40)
        in->rex = (uint8_t)x86_take(r, 1);
    // A legacy prefix after REX makes it void.
    while (in->rex && !r->more && legacy_prefix(in, peek(r), &address_prefix)) {
        r->at++;
        in->rex = 0;
        while (!r->more && legacy_prefix(in, peek(r), &address_prefix))
            r->at++;
        if ((peek(r) & 0xf0) == 0x40)
            in->rex = (uint8_t)x86_take(r, 1);
    }
    in->addrsize = in->mode == 2 ? (address_prefix ? 2 : 3) : (in->mode == 1) != address_prefix ? 2 : 1;
    in->vvvv = 0;
    in->opcode = (uint8_t)x86_take(r, 1);
    if (in->opcode == 0xc4 || in->opcode == 0xc5) {
        if (in->mode == 2 || (peek(r) & 0xc0) == 0xc0) {
            if (r->more)
                return true;
            if (!vex_prefix(in, r, in->opcode))
                return false;
            in->opcode = (uint8_t)x86_take(r, 1);
            return true;
        }
    }
    in->map = X86_MAP_ONE;
    if (in->opcode == 0x0f) {
        in->opcode = (uint8_t)x86_take(r, 1);
        in->map = X86_MAP_0F;
        if (in->opcode == 0x38 || in->opcode == 0x3a) {
            in->map = in->opcode == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
            in->opcode = (uint8_t)x86_take(r, 1);
        }
    }
    return true;
}

// --- the row -------------------------------------------------------------------------------------------------------

static bool matches(const struct x86_row *row, const struct x86_decoded *in, uint8_t modrm)
{
    uint32_t m = row->match;
    bool memory = modrm < 0xc0;
    if (in->vex ? !(m & (X86_MATCH_VEX | X86_MATCH_EITHER)) : m & X86_MATCH_VEX)
        return false;
    if ((m & X86_MATCH_REG) && (m & X86_MATCH_REG) != (modrm >> 3 & 7) + 1u)
        return false;
    if ((m & X86_MATCH_RM) && (m & X86_MATCH_RM) >> 9 != (modrm & 7) + 1u)
        return false;
    if (((m & X86_MATCH_MEM) && !memory) || ((m & X86_MATCH_RR) && memory))
        return false;
    if ((m & X86_MATCH_PREFIX) && (m & X86_MATCH_PREFIX) >> 6 != mandatory_prefix(in))
        return false;
    if ((m & X86_MATCH_NP66) && in->rep)
        return false;
    if (((m & X86_MATCH_ONLY64) && in->mode != 2) || ((m & X86_MATCH_NO64) && in->mode == 2))
        return false;
    bool w = in->rex & 8;
    if (((m & X86_MATCH_W0) && w) || ((m & X86_MATCH_W1) && !w))
        return false;
    return !(((m & X86_MATCH_L0) && in->vex_l) || ((m & X86_MATCH_L1) && in->vex && !in->vex_l));
}

// Whether any row of the opcode looks at ModRM: most do or none.
static bool row_has_modrm(const struct x86_row *row)
{
    if ((row->attributes & X86_MODRM) || (row->match & (X86_MATCH_REG | X86_MATCH_MEM | X86_MATCH_RR)))
        return true;
    static const uint32_t kinds = 1u << KIND_E | 1u << KIND_G | 1u << KIND_R | 1u << KIND_M | 1u << KIND_S | 1u << KIND_CR |
                                  1u << KIND_DR | 1u << KIND_V | 1u << KIND_W | 1u << KIND_P | 1u << KIND_Q;
    uint32_t found = 0;
    for (unsigned i = 0; i < 4; i++)
        found |= kinds >> (row->forms[i] >> 4);
    return found & 1;
}

// Where the rows of each opcode begin; NULL: there are none.
static const struct x86_row *first_rows[X86_MAPS][256];

static void build_first_rows(void)
{
    for (unsigned map = 0; map < X86_MAPS; map++)
        for (unsigned i = maps[map].count; i-- > 0;)
            first_rows[map][maps[map].rows[i].opcode] = &maps[map].rows[i];
}

static const struct x86_row *find_first(unsigned map, uint8_t opcode)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build_first_rows);
    return first_rows[map][opcode];
}

static const struct x86_row *find_row(struct x86_decoded *in, struct x86_reader *r)
{
    const struct x86_row *row = find_first(in->map, in->opcode);
    if (!row)
        return NULL;
    const struct x86_row *end = maps[in->map].rows + maps[in->map].count;
    uint8_t modrm = row_has_modrm(row) ? peek(r) : 0xc0;
    for (; row < end && row->opcode == in->opcode; row++)
        if (matches(row, in, modrm))
            return row;
    return NULL;
}

// --- ModRM ---------------------------------------------------------------------------------------------------------

static void memory_16(struct x86_decoded *in, struct x86_reader *r)
{
    static const uint8_t bases[8] = {X86_RBX, X86_RBX, X86_RBP, X86_RBP, X86_RSI, X86_RDI, X86_RBP, X86_RBX};
    static const uint8_t indexes[4] = {X86_RSI, X86_RDI, X86_RSI, X86_RDI};
    unsigned rm = in->modrm & 7;
    in->base = bases[rm];
    in->index = rm < 4 ? indexes[rm] : X86_NO_REG;
    if (in->mod == 0 && rm == 6) {
        in->base = X86_NO_REG;
        in->displacement = x86_take_signed(r, 2);
    } else if (in->mod) {
        in->displacement = x86_take_signed(r, in->mod);
    }
}

static void memory_32(struct x86_decoded *in, struct x86_reader *r)
{
    unsigned rm = in->modrm & 7, low = rm;
    in->base = (uint8_t)(rm | (in->rex & 1) << 3);
    if (rm == 4) {
        uint8_t sib = (uint8_t)x86_take(r, 1);
        low = sib & 7;
        in->base = (uint8_t)(low | (in->rex & 1) << 3);
        in->index = (uint8_t)((sib >> 3 & 7) | (in->rex & 2) << 2);
        in->scale = sib >> 6;
        if (in->index == X86_RSP)
            in->index = X86_NO_REG;
    }
    if (in->mod == 0 && low == 5) {
        in->displacement = x86_take_signed(r, 4);
        in->base = X86_NO_REG;
        in->rip_relative = in->mode == 2 && rm == 5;
    } else if (in->mod) {
        in->displacement = x86_take_signed(r, in->mod == 1 ? 1 : 4);
    }
}

static void read_modrm(struct x86_decoded *in, struct x86_reader *r)
{
    in->has_modrm = true;
    in->modrm = (uint8_t)x86_take(r, 1);
    in->mod = in->modrm >> 6;
    in->reg = (uint8_t)((in->modrm >> 3 & 7) | (in->rex & 4) << 1);
    in->rm = (uint8_t)((in->modrm & 7) | (in->rex & 1) << 3);
    if (in->mod == 3)
        return;
    if (in->addrsize == 1)
        memory_16(in, r);
    else
        memory_32(in, r);
    bool stack = in->base == X86_RBP || in->base == X86_RSP;
    if (!in->segment_prefix)
        in->segment = stack ? X86_SS : X86_DS;
}

// --- all of it ------------------------------------------------------------------------------------------------------

enum x86_decode_result x86_decode(const uint8_t *code, unsigned available, unsigned mode, struct x86_decoded *in)
{
    struct x86_reader r = {.code = code, .available = available > X86_INSN_MAX ? X86_INSN_MAX : available};
    *in = (struct x86_decoded){.mode = (uint8_t)mode, .segment = X86_DS, .base = X86_NO_REG, .index = X86_NO_REG};
    bool good = read_opcode(in, &r);
    if (r.more)
        return out_of_bytes(&r);
    if (!good)
        return X86_DECODE_UD;
    in->row = find_row(in, &r);
    if (r.more)
        return out_of_bytes(&r);
    if (!in->row)
        return X86_DECODE_UD;
    in->opsize = (uint8_t)x86_operand_size_of(in);
    if (row_has_modrm(in->row))
        read_modrm(in, &r);
    for (unsigned i = 0; i < 4 && in->row->forms[i]; i++)
        good &= x86_read_operand(in, &r, i);
    if (r.more)
        return out_of_bytes(&r);
    if (in->lock && (!(in->row->attributes & X86_LOCK) || in->op[0].kind != X86_ARG_MEM))
        good = false;
    if (in->vex && (in->row->attributes & X86_VNOT) && in->vvvv)
        good = false;
    in->bytes = (uint8_t)r.at;
    return good ? X86_DECODE_OK : X86_DECODE_UD;
}
