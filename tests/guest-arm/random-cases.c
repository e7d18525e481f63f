// SPDX-License-Identifier: MIT
// random-cases ACCEL SEED COUNT [-k INSNS] [-m MAX_INSNS] [-r TEXT] [-b CASES]: many short cases of random FP and SIMD
// data processing, run here and by qemu-aarch64, must end alike: registers, NZCV, FPSR, and which of them are
// undefined. COUNT is the number of instructions; -k how many a case has; -r only rows whose name contains TEXT.
//
// A case loads V0-V7, X0-X7, FPCR and NZCV, runs a few instructions on them, and stores the registers and FPSR. The
// values are lanes of interesting numbers: zeros, denormals, infinities, NaNs of both kinds, near-overflow. One program
// holds a batch of cases one after the other. Undefined instructions are skipped by a handler that counts them in X24.
//
// Exits with 77 (skipped) when there is no qemu-aarch64.

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm-machine.h"
#include "qemu-user.h"
#include "target-arm/decode.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tests/base/random.h"

// X27 points at the current case, X24 counts undefined instructions.
#define CODE UINT64_C(0x40080000)
#define DATA UINT64_C(0x40400000)
enum { REGISTERS = 8, MAX_INSNS_OF_CASE = 8, MAX_CASES = 4000, CASE_WORDS = 32, START_WORDS = 64 };

struct registers {
    uint64_t v[REGISTERS][2];
    uint64_t x[REGISTERS];
    uint64_t nzcv, fp; // FPCR before, FPSR after
    uint64_t undefined;
    uint64_t pad;
};

struct test_case {
    struct registers before, after;
};
_Static_assert(sizeof(struct test_case) == 448 && sizeof(struct registers) == 224, "offsets in prologue and epilogue");

struct batch {
    unsigned cases, insns; // of a case
    uint32_t insn[MAX_CASES][MAX_INSNS_OF_CASE];
    struct test_case start[MAX_CASES];
    uint32_t code[START_WORDS + MAX_CASES * CASE_WORDS + 0x400];
    unsigned code_words;
};

// --- values ---

// A number of 16, 32 or 64 bits, of an interesting kind.
static uint64_t random_float(unsigned size)
{
    static const uint8_t fractions[4] = {0, 10, 23, 52};
    unsigned bits = 8U << size, f = fractions[size], e = bits - 1 - f;
    uint64_t sign = (uint64_t)below(2) << (bits - 1), fraction = random64() & mask64(f), exponent;
    switch (below(12)) {
    case 0:
        return sign;
    case 1: // denormal
        return sign | fraction >> below(f) | 1;
    case 2:
        return sign | mask64(e) << f;
    case 3: // quiet NaN
        return sign | mask64(e) << f | BIT64(f - 1) | fraction;
    case 4: // signalling NaN
        return sign | mask64(e) << f | fraction >> 1 | 1;
    case 5: // largest and smallest numbers
        exponent = below(2) ? mask64(e) - 1 - below(3) : 1 + below(3);
        break;
    case 6: // with few significant bits
        fraction &= ~mask64(f - below(6));
        exponent = mask64(e - 1) - 3 + below(8);
        break;
    case 7: // about as large as integers get
        exponent = mask64(e - 1) + below(66);
        break;
    case 8: // one and a half and the like, and their neighbours
        return sign | ((mask64(e - 1) << f) + ((uint64_t)below(5) << (f - 1)) + below(3) - 1);
    case 9:
        exponent = mask64(e - 1) - 8 + below(20);
        break;
    default:
        return random64() & mask64(bits);
    }
    return sign | (exponent & mask64(e)) << f | fraction;
}

static uint64_t random_integer(unsigned size)
{
    unsigned bits = 8U << size;
    switch (below(7)) {
    case 0:
        return 0;
    case 1:
        return mask64(bits);
    case 2: // largest and smallest
        return BIT64(bits - 1) + below(3) - 1;
    case 3:
        return below(16);
    case 4:
        return -(uint64_t)below(16) & mask64(bits);
    case 5:
        return BIT64(below(bits));
    default:
        return random64() & mask64(bits);
    }
}

static uint64_t random_half_register(void)
{
    unsigned size = below(4);
    bool is_float = size && below(3);
    uint64_t value = 0;
    for (unsigned i = 0; i < 64; i += 8U << size)
        value |= (is_float ? random_float(size) : random_integer(size)) << i;
    return value;
}

static void random_registers(struct registers *r)
{
    memset(r, 0, sizeof(*r));
    for (unsigned i = 0; i < REGISTERS; i++) {
        r->v[i][0] = random_half_register();
        r->v[i][1] = random_half_register();
        r->x[i] = random_half_register();
    }
    r->nzcv = (uint64_t)below(16) << 28;
    // AHP, DN, FZ, RMode, FZ16
    if (below(2))
        r->fp = (uint64_t)below(32) << 22 | (uint64_t)below(2) << 19;
    else if (below(2))
        r->fp = (uint64_t)below(4) << 22;
}

// --- instructions ---

static bool is_simd(const struct a64_row *row)
{
    return (row->mask >> 25 & 7) == 7 && (row->value >> 25 & 7) == 7;
}

// A random instruction of the row whose registers are among the first eight, 31 now and then for a source.
static uint32_t random_insn(const struct a64_row *row)
{
    uint32_t insn = ((uint32_t)random64() & ~row->mask) | row->value;
    static const uint8_t fields[] = {0, 5, 10, 16};
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        unsigned low = fields[i];
        char letter = row->pattern[31 - low];
        if (!strchr("dnma", letter) || row->pattern[31 - low - 3] != letter)
            continue;
        bool five = row->pattern[31 - low - 4] == letter; // or four and an index
        if (low == 5 && !below(20))
            insn |= 31u << low;
        else
            insn &= ~((five ? 24u : 8u) << low);
    }
    return insn;
}

static void random_case(struct batch *b, unsigned index, const struct a64_row *const *rows, unsigned row_count)
{
    random_registers(&b->start[index].before);
    memset(&b->start[index].after, 0, sizeof(struct registers));
    for (unsigned i = 0; i < b->insns; i++) {
        const struct a64_row *row;
        uint32_t insn;
        do {
            row = rows[below(row_count)];
            insn = random_insn(row);
        } while (a64_decode(insn) != row);
        b->insn[index][i] = insn;
    }
}

// --- the program ---

// LDP, STP of X or Q registers, relative to X27.
static uint32_t pair(bool load, bool vector, unsigned t, unsigned offset)
{
    unsigned scale = vector ? 4 : 3;
    return (vector ? 0xad000000 : 0xa9000000) | (uint32_t)load << 22 | (offset >> scale & 127) << 15 | (t + 1) << 10 |
           27 << 5 | t;
}

static unsigned emit_case(const struct batch *b, unsigned index, uint32_t *out)
{
    enum { AFTER = sizeof(struct registers), X = 128, FLAGS = 192, UNDEFINED = 208 };
    uint32_t *p = out;
    *p++ = pair(true, false, 0, FLAGS);
    *p++ = 0xd51b4401; // MSR FPCR, X1
    *p++ = 0xd51b4200; // MSR NZCV, X0
    *p++ = 0xd51b443f; // MSR FPSR, XZR
    for (unsigned n = 0; n < REGISTERS; n += 2)
        *p++ = pair(true, true, n, n * 16);
    for (unsigned n = 0; n < REGISTERS; n += 2)
        *p++ = pair(true, false, n, X + n * 8);
    for (unsigned i = 0; i < b->insns; i++)
        *p++ = b->insn[index][i];
    for (unsigned n = 0; n < REGISTERS; n += 2)
        *p++ = pair(false, true, n, AFTER + n * 16);
    for (unsigned n = 0; n < REGISTERS; n += 2)
        *p++ = pair(false, false, n, AFTER + X + n * 8);
    *p++ = 0xd53b4200; // MRS X0, NZCV
    *p++ = 0xd53b4421; // MRS X1, FPSR
    *p++ = pair(false, false, 0, AFTER + FLAGS);
    *p++ = 0xf9000378 | (AFTER + UNDEFINED) / 8 << 10; // STR X24, [X27, #..]
    *p++ = 0x9100037b | (uint32_t)sizeof(struct test_case) << 10; // ADD X27, X27, #..
    return (unsigned)(p - out);
}

enum { VECTORS = 0x800, USER_HANDLER = 0x40, ENTRY = 0xc00 }; // bytes from CODE

// Code for either world lies in the same program; only the entry and the end differ.
static void assemble(struct batch *b, bool user)
{
    static const uint32_t user_handler[] = {
        0xf940dc43, 0x91001063, 0xf900dc43, // LDR X3, [X2, #0x1b8] (pc); ADD X3, X3, #4; STR
        0xf940bc43, 0x91000463, 0xf900bc43, // the same with [X2, #0x178] (X24) and #1
        0xd65f03c0,                         // RET, to the kernel's trampoline
    };
    static const uint32_t vector[] = {
        0xd538403a, 0x9100135a, 0xd518403a, // MRS X26, ELR_EL1; ADD X26, X26, #4; MSR ELR_EL1, X26
        0x91000718, 0xd69f03e0,             // ADD X24, X24, #1; ERET
    };
    static const uint32_t install_user[] = {
        // struct { handler, flags, restorer, mask } on the stack; rt_sigaction(SIGILL, sp, 0, 8)
        0xd10083ff, 0xd2a80103, 0xf2810000 | 3, // SUB SP, SP, #32; MOVZ X3, #0x4008, LSL #16; MOVK X3, #..
        0xf90003e3, 0xd2800083, 0xf90007e3,     // STR X3, [SP]; MOV X3, #4 (SA_SIGINFO); STR X3, [SP, #8]
        0xf9000bff, 0xf9000fff,                 // STR XZR, [SP, #16], [SP, #24]
        0xd2800080, 0x910003e1, 0xd2800002, 0xd2800103, // MOV X0, #4; MOV X1, SP; MOV X2, #0; MOV X3, #8
        0xd28010c8, 0xd4000001,                 // MOV X8, #134; SVC #0
    };
    static const uint32_t install_system[] = {
        0xd2a80103, 0xf2810003, 0xd518c003, 0xd5033fdf, // X3 = CODE + VECTORS; MSR VBAR_EL1, X3; ISB
    };
    memset(b->code, 0, ENTRY);
    memcpy(&b->code[USER_HANDLER / 4], user_handler, sizeof(user_handler));
    memcpy(&b->code[(VECTORS + 0x200) / 4], vector, sizeof(vector));
    uint32_t *p = &b->code[ENTRY / 4];
    const uint32_t *install = user ? install_user : install_system;
    unsigned install_words = user ? ARRAY_SIZE(install_user) : ARRAY_SIZE(install_system);
    for (unsigned i = 0; i < install_words; i++) {
        uint32_t insn = install[i];
        if ((insn & 0xffe0001f) == 0xf2800003) // MOVK X3: the low half of an address
            insn = 0xf2800003 | (uint32_t)(user ? USER_HANDLER : VECTORS) << 5;
        *p++ = insn;
    }
    *p++ = 0xd2a00000 | (uint32_t)(DATA >> 16) << 5 | 27; // MOVZ X27, #DATA, LSL #16
    *p++ = 0xd2800018;                                    // MOV X24, #0
    for (unsigned i = 0; i < b->cases; i++)
        p += emit_case(b, i, p);
    if (user) {
        uint32_t size = b->cases * (uint32_t)sizeof(struct test_case);
        *p++ = 0xd2800020;                                     // MOV X0, #1
        *p++ = 0xd2a00000 | (uint32_t)(DATA >> 16) << 5 | 1;   // X1 = DATA
        *p++ = 0xd2800002 | (size & 0xffff) << 5;              // X2 = size
        *p++ = 0xf2a00002 | size >> 16 << 5;
        *p++ = 0xd2800808;                                     // MOV X8, #64 (write)
        *p++ = 0xd4000001;
        *p++ = 0xd2800000;
        *p++ = 0xd2800ba8;                                     // MOV X8, #93 (exit)
        *p++ = 0xd4000001;
    } else {
        *p++ = 0xd4000002; // HVC #0
    }
    b->code_words = (unsigned)(p - b->code);
}

// --- running it ---

static bool run_qemu(struct batch *b, struct test_case *out)
{
    assemble(b, true);
    struct qemu_program p = {.code_at = CODE, .entry = CODE + ENTRY, .code = b->code, .code_words = b->code_words,
                             .data_at = DATA, .data = b->start, .data_bytes = b->cases * sizeof(struct test_case)};
    return qemu_user_run(&p, out);
}

static bool run_here(struct arm_machine *m, struct batch *b, struct test_case *out)
{
    assemble(b, false);
    memcpy(test_machine_ram(&m->base, CODE), b->code, b->code_words * 4);
    memcpy(test_machine_ram(&m->base, DATA), b->start, b->cases * sizeof(struct test_case));
    // Written behind the guest's back.
    test_machine_wrote(&m->base, CODE, b->code_words * 4);
    if (!arm_machine_run(m, CODE + ENTRY))
        return false;
    memcpy(out, test_machine_ram(&m->base, DATA), b->cases * sizeof(struct test_case));
    return true;
}

// --- reporting ---

static void print_registers(const char *when, const struct registers *r, const struct registers *other)
{
    for (unsigned i = 0; i < REGISTERS; i++)
        if (!other || memcmp(r->v[i], other->v[i], 16))
            printf("  %s V%u %016llx_%016llx\n", when, i, (unsigned long long)r->v[i][1],
                   (unsigned long long)r->v[i][0]);
    for (unsigned i = 0; i < REGISTERS; i++)
        if (!other || r->x[i] != other->x[i])
            printf("  %s X%u %016llx\n", when, i, (unsigned long long)r->x[i]);
    if (!other || r->nzcv != other->nzcv || r->fp != other->fp || r->undefined != other->undefined)
        printf("  %s NZCV %08llx %s %08llx undefined %llu\n", when, (unsigned long long)r->nzcv,
               other ? "FPSR" : "FPCR", (unsigned long long)r->fp, (unsigned long long)r->undefined);
}

static csh capstone;

static void report(const struct batch *b, unsigned index, const struct registers *here, const struct registers *there)
{
    for (unsigned i = 0; i < b->insns; i++) {
        uint32_t insn = b->insn[index][i];
        cs_insn *text;
        size_t count = cs_disasm(capstone, (const uint8_t *)&insn, 4, 0, 1, &text);
        printf("%08x  %s %s  [%s]\n", insn, count ? text->mnemonic : "?", count ? text->op_str : "",
               a64_decode(insn)->name);
        if (count)
            cs_free(text, count);
    }
    print_registers("before", &b->start[index].before, NULL);
    print_registers("here  ", here, there);
    print_registers("qemu  ", there, here);
}

// Prints the first few cases that differ; returns how many do. X24 counts over the whole batch, so that the first
// difference in it is looked at alone.
static unsigned compare(const struct batch *b, const struct test_case *here, const struct test_case *there,
                        unsigned already)
{
    unsigned bad = 0;
    uint64_t here_undefined = 0, there_undefined = 0;
    for (unsigned i = 0; i < b->cases; i++) {
        struct registers x = here[i].after, y = there[i].after;
        uint64_t x_total = x.undefined, y_total = y.undefined;
        x.undefined -= here_undefined;
        y.undefined -= there_undefined;
        here_undefined = x_total;
        there_undefined = y_total;
        if (!memcmp(&x, &y, sizeof(x)))
            continue;
        if (already + bad++ < 20)
            report(b, i, &x, &y);
    }
    return bad;
}

struct options {
    const char *rows;
    unsigned insns, cases, max_insns;
};

static int run(const char *accel, unsigned seed, unsigned count, const struct options *options)
{
    const struct a64_row **rows = ALLOC_ARRAY(const struct a64_row *, a64_row_count());
    unsigned row_count = 0, bad = 0, done = 0;
    for (unsigned i = 0; i < a64_row_count(); i++)
        if (is_simd(a64_row_at(i)) && (!options->rows || strstr(a64_row_at(i)->name, options->rows)))
            rows[row_count++] = a64_row_at(i);
    struct arm_machine *m = arm_machine_create(accel, "max", options->max_insns);
    m->kernel_like = true;
    struct batch *b = ALLOC(struct batch);
    struct test_case *here = ALLOC_ARRAY(struct test_case, MAX_CASES);
    struct test_case *there = ALLOC_ARRAY(struct test_case, MAX_CASES);
    b->cases = options->cases;
    b->insns = options->insns;
    random_seed(seed);
    for (unsigned batch = 0; row_count && done < count; batch++) {
        for (unsigned i = 0; i < b->cases; i++)
            random_case(b, i, rows, row_count);
        if (!run_qemu(b, there) || !run_here(m, b, here)) {
            printf("batch %u of seed %u did not run\n", batch, seed);
            bad++;
            break;
        }
        bad += compare(b, here, there, bad);
        done += b->cases * b->insns;
    }
    printf("%u rows, %u instructions: %u cases differ\n", row_count, done, bad);
    arm_machine_destroy(m);
    free(here);
    free(there);
    free(b);
    free(rows);
    return bad != 0 || !row_count;
}

int main(int argc, char **argv)
{
    struct options options = {.insns = 3, .cases = 1000};
    int option;
    while ((option = getopt(argc, argv, "k:m:r:b:")) != -1) {
        if (option == 'r')
            options.rows = optarg;
        else if (option == 'k')
            options.insns = (unsigned)atoi(optarg);
        else if (option == 'm')
            options.max_insns = (unsigned)atoi(optarg);
        else if (option == 'b')
            options.cases = (unsigned)atoi(optarg);
        else
            return 2;
    }
    if (argc - optind != 3 || options.insns - 1 >= MAX_INSNS_OF_CASE || options.cases - 1 >= MAX_CASES) {
        fprintf(stderr, "usage: random-cases ACCEL SEED COUNT [-k INSNS] [-m MAX_INSNS] [-r TEXT] [-b CASES]\n");
        return 2;
    }
    if (!qemu_user_exists())
        return 77;
    cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &capstone);
    int result = run(argv[optind], (unsigned)atoi(argv[optind + 1]), (unsigned)atoi(argv[optind + 2]), &options);
    cs_close(&capstone);
    return result;
}
