// SPDX-License-Identifier: MIT
// random-insns ACCEL 64|32 SEED COUNT [NAME]: instructions made from the rows of the opcode maps, with random prefixes, operands
// and register values, must do the same here and on the host processor: registers, flags that the manual defines, memory,
// exceptions. With NAME, only rows of that name.
//
// Left out: what is not for user programs, far transfers, and jumps to addresses in registers.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target-x86/native.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "x86-random.h"

#define CODE CASE_CODE
#define DATA CASE_DATA
enum { DATA_BYTES = CASE_DATA_BYTES };

// --- which rows ----------------------------------------------------------------------------------------------------

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
    bool counts = (!strcmp(n, "TZCNT") && x86_native_has(X86_FEAT_BMI1)) || (!strcmp(n, "LZCNT") && x86_native_has(X86_FEAT_ABM));
    if (counts)
        return O | S | A | P;
    if (!strcmp(n, "BSF") || !strcmp(n, "BSR") || !strcmp(n + 1, "ZCNT")) // those are these on older processors
        return ALL & ~Z;
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

static void make_bytes(struct test *t, const struct x86_row *row, unsigned map, unsigned mode)
{
    uint8_t *p = t->code;
    bool vex = random_form_is_vex(row), mandatory = (row->match & X86_MATCH_PREFIX) != 0;
    if (!vex) {
        if (!mandatory && !below(4))
            *p++ = 0x66;
        if (!below(12))
            *p++ = 0x67;
        if (((row->attributes & X86_LOCK) && !below(3)) || !below(200))
            *p++ = 0xf0;
        if (!mandatory && row->opcode >= 0xa4 && row->opcode <= 0xaf && map == 0 && below(2))
            *p++ = below(2) ? 0xf3 : 0xf2;
    }
    put_row(p, row, map, vex, mode == 2, (uint8_t)random64());
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

// False when the bytes are of no use.
static bool make(struct test *t, const struct x86_row *row, unsigned map, unsigned mode)
{
    random_registers(t, mode == 2);
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

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: random-insns ACCEL 64|32 SEED COUNT [NAME]\n");
        return 2;
    }
    bool wide = !strcmp(argv[2], "64");
    unsigned mode = wide ? 2 : 1, seed = (unsigned)atoi(argv[3]), count = (unsigned)atoi(argv[4]), bad = 0, done = 0;
    const char *only = argc > 5 ? argv[5] : NULL;
    // Under KVM on hosts that emulate, faulting instructions may fault otherwise.
    bool no_faults = !strcmp(argv[1], "kvm");
    if (no_faults && !test_machine_host_has_kvm())
        return 77;
    struct case_runner *runner = case_runner_create(argv[1], wide);
    if (!runner) {
        fprintf(stderr, "the host does not give the addresses\n");
        return 77;
    }
    static struct test host, guest;
    for (unsigned i = 0, tries = 0; i < count && tries < count * 100 + 1000; tries++) {
        random_seed(seed + tries);
        unsigned map;
        const struct x86_row *row = random_row(&map);
        if (!wanted(row) || (only && strcmp(only, row->name)) || !make(&host, row, map, mode) || !case_fits(runner, &host))
            continue;
        i++;
        done++;
        guest = host;
        struct test before = host;
        case_run_host(runner, &host);
        case_run_guest(runner, &guest);
        uint32_t undefined = undefined_flags(&before.insn, &before.state);
        if (case_same(&guest, &host, undefined, false) || (no_faults && host.state.vector != ORACLE_END))
            continue;
        if (++bad <= 20) {
            printf("seed %u: ", seed + tries);
            case_print(runner, &before);
            case_same(&guest, &host, undefined, true);
        }
    }
    printf("%u of %u differ\n", bad, done);
    case_runner_destroy(runner);
    return bad != 0 || done < count / 2;
}
