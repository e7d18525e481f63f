// SPDX-License-Identifier: MIT
// random-loops ACCEL SEED COUNT [NAME]: loops of a few random instructions, some with jumps out of their middle, run the same
// here and on the host processor: registers and memory at the end, and at a fault in any round. With NAME, most instructions
// are from rows of that name; "mmx" is those with MMX registers, among x87 ones.
//
// R15 counts the rounds. Memory is near RBX and RSI, which stay as they are in half of the loops; in others they go up or down
// each round, over a page's end and to where there is no memory. Flags are only looked at when the instructions before define
// them.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/host-op.h"
#include "x86-random.h"

enum { MODE = 2, MAX_BODY = 6, COUNTER = 15, KEPT = 1 << X86_RBX | 1 << X86_RSI | 1 << COUNTER | 1 << X86_RSP };

enum flags { FLAGS_KEPT, FLAGS_SET, FLAGS_SPOILT, FLAGS_READ };

// Of x87, what moves the whole state is left out: it is the host's own, with what the host notes of instructions.
static bool classify_x87(const struct x86_decoded *in, enum flags *flags)
{
    unsigned reg = in->modrm >> 3 & 7;
    bool compares = (in->opcode == 0xdb || in->opcode == 0xdf) && in->modrm >= 0xe8 && in->modrm < 0xf8;
    bool moves = (in->opcode == 0xda || in->opcode == 0xdb) && in->modrm >= 0xc0 && in->modrm < 0xe0;
    *flags = compares ? FLAGS_SET : moves ? FLAGS_READ : FLAGS_KEPT;
    return in->mod == 3 || (in->opcode != 0xd9 && in->opcode != 0xdd) || (reg != 4 && reg != 6);
}

static bool classify(const struct x86_row *row, enum flags *flags)
{
    static const char *const setters[] = {"ADD", "SUB", "CMP", "AND", "OR", "XOR", "TEST", "NEG", NULL};
    static const char *const keepers[] = {"MOV", "MOVZX", "MOVSX", "NOT", "LEA", "BSWAP", "INC", "DEC", "MOVBE", "PDEP",
                                          "PEXT", "RORX", "SHLX", "SARX", "SHRX", "EMMS", NULL};
    static const char *const spoilers[] = {"SHL", "SHR", "SAR", "IMUL", "BT", "BTS", "BTC", "POPCNT", "ANDN", NULL};
    static const char *const readers[] = {"CMOVcc", "SETcc", "ADC", "SBB", "ADCX", "ADOX", NULL};
    unsigned kind = row->forms[0] >> 4;
    bool vector = kind == KIND_V || kind == KIND_W || kind == KIND_H || kind == KIND_P || kind == KIND_Q;
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = row->forms[i] >> 4;
        if (k == KIND_CR || k == KIND_DR || k == KIND_S || k == KIND_O || k == KIND_C)
            return false;
    }
    // The rows of implied operands (IMUL by RAX) have one operand alone.
    if (!strcmp(row->name, "IMUL") && !row->forms[1])
        return false;
    *flags = named(row, setters) ? FLAGS_SET : named(row, spoilers) ? FLAGS_SPOILT : named(row, readers) ? FLAGS_READ : FLAGS_KEPT;
    if (vector && (!strncmp(row->name, "COMIS", 5) || !strncmp(row->name, "UCOMIS", 6) || strstr(row->name, "TEST")))
        *flags = FLAGS_SET;
    if (!strncmp(row->name, "PCMPEST", 7) || !strncmp(row->name, "PCMPIST", 7) || !strncmp(row->name, "MASKMOV", 7) ||
        !strncmp(row->name, "RCP", 3) || !strncmp(row->name, "RSQRT", 5))
        return false;
    return vector || *flags != FLAGS_KEPT || named(row, keepers);
}

// Whether memory operands lie off RBX or RSI, and what must be kept is.
static bool tame(const struct x86_decoded *in)
{
    if (in->has_modrm && in->mod != 3) {
        if (in->mod != 1 || in->index != X86_NO_REG || in->base == X86_NO_REG || in->addrsize != 3 || in->segment_prefix)
            return false;
        if (in->base != X86_RBX && in->base != X86_RSI)
            return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        const struct x86_operand *op = &in->op[i];
        unsigned reg = op->reg;
        if (op->kind == X86_ARG_HIGH)
            reg &= 3;
        // Which of them are written need not be known.
        if ((op->kind == X86_ARG_GPR || op->kind == X86_ARG_HIGH) && (KEPT >> reg & 1))
            return false;
    }
    bool bit = in->map == 1 && (in->opcode == 0xa3 || in->opcode == 0xab || in->opcode == 0xbb);
    return !in->lock && !(bit && in->mod != 3);
}

static bool has_name(const struct x86_row *row, const char *name)
{
    if (strcmp(name, "mmx"))
        return !strcmp(row->name, name);
    for (unsigned i = 0; i < 4; i++)
        if (row->forms[i] >> 4 == KIND_P || row->forms[i] >> 4 == KIND_Q)
            return true;
    return !strcmp(row->name, "EMMS");
}

static void add_insn(struct test *t, bool *defined, const char *name)
{
    bool any = !name || !*defined || !below(4);
    if (name && !strcmp(name, "mmx") && !below(4))
        name = "x87";
    for (;;) {
        unsigned map;
        enum flags flags = FLAGS_KEPT;
        struct x86_decoded in;
        const struct x86_row *row = random_row(&map);
        bool x87 = !strcmp(row->name, "x87") || !strcmp(row->name, "WAIT");
        if ((!any && !has_name(row, name)) || (!x87 && !classify(row, &flags)))
            continue;
        uint8_t *p = t->code + t->bytes, modrm = (uint8_t)random64();
        if (modrm < 0xc0) // one byte of displacement off RBX or RSI
            modrm = (uint8_t)(0x40 | (modrm & 0x38) | (below(2) ? 3 : 6));
        put_row(p, row, map, random_form_is_vex(row), true, modrm);
        if (x86_decode(p, 15, MODE, &in) != X86_DECODE_OK || in.row != row || !tame(&in))
            continue;
        if ((x87 && !classify_x87(&in, &flags)) || (flags == FLAGS_READ && !*defined))
            continue;
        // INC and DEC keep CF as it was.
        if (flags == FLAGS_SET)
            *defined = true;
        if (flags == FLAGS_SPOILT)
            *defined = false;
        t->bytes += in.bytes;
        t->insn = in;
        return;
    }
}

// RBX or RSI goes on.
static void add_step(struct test *t)
{
    static const uint8_t steps[] = {1, 2, 4, 8, 8, 16, 24, 32, 64, 100, 0xff, 0xfc, 0xf8, 0xf8, 0xf0, 0xc0};
    unsigned reg = below(2) ? X86_RBX : X86_RSI, step = steps[below(sizeof(steps))];
    const uint8_t add[] = {0x48, 0x83, (uint8_t)(0xc0 | reg), (uint8_t)step};
    const uint8_t lea[] = {0x48, 0x8d, (uint8_t)(0x40 | reg << 3 | reg), (uint8_t)step};
    memcpy(t->code + t->bytes, below(2) ? add : lea, sizeof(add));
    t->bytes += sizeof(add);
}

static void make(struct test *t, const char *name)
{
    random_registers(t, true);
    struct oracle_state *s = &t->state;
    s->gpr[COUNTER] = 1 + below(20);
    s->gpr[X86_RBX] = CASE_DATA + 0x400 + below(0x100);
    s->gpr[X86_RSI] = below(4) ? CASE_DATA + 0xff0 + below(0x20) : CASE_DATA + CASE_DATA_BYTES - below(0x100);
    s->mxcsr |= 0x1f80;
    t->bytes = 0;
    bool defined = true;
    unsigned length = 1 + below(MAX_BODY), exits[2], exit_count = 0;
    for (unsigned i = 0; i < length; i++) {
        add_insn(t, &defined, name);
        if (defined && exit_count < ARRAY_SIZE(exits) && !below(6)) {
            // Jcc to behind the loop; the place of its displacement is noted.
            t->code[t->bytes++] = 0x0f;
            t->code[t->bytes++] = (uint8_t)(0x80 | below(16));
            exits[exit_count++] = t->bytes;
            t->bytes += 4;
        }
    }
    if (below(2)) {
        s->gpr[COUNTER] = 1 + below(200);
        for (unsigned steps = 1 + below(2); steps; steps--)
            add_step(t);
    }
    static const uint8_t count_down[] = {0x41, 0x83, 0xef, 0x01, 0x0f, 0x85}; // sub $1, %r15d; jne
    memcpy(t->code + t->bytes, count_down, sizeof(count_down));
    t->bytes += sizeof(count_down);
    store_le32(t->code + t->bytes, -(t->bytes + 4));
    t->bytes += 4;
    for (unsigned i = 0; i < exit_count; i++)
        store_le32(t->code + exits[i], t->bytes - (exits[i] + 4));
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: random-loops ACCEL SEED COUNT [NAME]\n");
        return 2;
    }
    unsigned seed = (unsigned)atoi(argv[2]), count = (unsigned)atoi(argv[3]), bad = 0;
    if (!host_has_avx()) {
        fprintf(stderr, "the host has no AVX, of which these are\n");
        return 77;
    }
    struct case_runner *runner = case_runner_create(argv[1], true);
    if (!runner) {
        fprintf(stderr, "the host does not give the addresses\n");
        return 77;
    }
    static struct test host, guest, before;
    for (unsigned i = 0; i < count; i++) {
        random_seed((uint64_t)seed + i);
        make(&host, argc > 4 ? argv[4] : NULL);
        guest = before = host;
        case_run_host(runner, &host);
        case_run_guest(runner, &guest);
        enum { ARITH = 0x8d5 };
        if (case_same(&guest, &host, ARITH, false))
            continue;
        if (++bad <= 10) {
            printf("seed %u: ", seed + i);
            case_print(runner, &before);
            case_same(&guest, &host, ARITH, true);
        }
    }
    printf("%u of %u differ\n", bad, count);
    case_runner_destroy(runner);
    return bad != 0;
}
