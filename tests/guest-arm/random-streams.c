// SPDX-License-Identifier: MIT
// random-streams ACCEL CLASS SEED COUNT [MAX_INSNS]: random instruction streams, run here and by qemu-aarch64, must
// leave the same registers, flags and memory. CLASS is "integer" or "simd"; with "-loops" behind it the streams are short loops
// with conditional branches in them, of which engines make regions.
//
// Streams (see random-a64.h) are straight-line code between a part that loads all registers and one that stores them. X27 and
// X28 address data, X26 counts rounds. A stream that differs is cut down to its first bad instruction.
//
// Left out: pointer authentication (keys differ). Exits with 77 (skipped) when there is no qemu-aarch64.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm-machine.h"
#include "qemu-user.h"
#include "random-a64.h"
#include "tcg/base/bits.h"
#include "tests/base/random.h"

// Guest layout, the same under both. X27 is DATA, X28 is BUFFER.
#define CODE UINT64_C(0x40080000)
#define DATA UINT64_C(0x40100000)
enum { INPUT = 0, INPUT_V = 0x200, OUTPUT = 0x800, OUTPUT_V = 0xa00, OUTPUT_END = 0xc00 };
#define BUFFER (DATA + 0x10000)
enum { BUFFER_BEFORE = 0x1000, BUFFER_AFTER = 0x11000, DATA_BYTES = 0x10000 + BUFFER_AFTER };
enum { SLOT_SP_VALUE = 31, SLOT_FLAGS = 32, SLOT_FP = 33, INPUT_SLOTS = 34 };
enum { STREAM = 250, LOOP = 44, MAX_WORDS = 2048 };

struct stream {
    uint32_t insns[STREAM];
    unsigned count;
    _Alignas(8) uint8_t data[DATA_BYTES]; // before
    bool simd;
    unsigned rounds; // 0: no loop
};

// --- instructions ---

// The value of a register operand that makes a sensible index: a small multiple of 16.
static uint32_t mov_small(unsigned reg, unsigned value)
{
    return 0xd2800000 | value << 5 | reg;
}

enum { MOV_X28_X27_PLUS_64K = 0x9140437c }; // ADD X28, X27, #16, LSL #12

static void add_insn(struct stream *s, uint32_t insn)
{
    s->insns[s->count++] = insn;
}

static void add_memory(struct stream *s, const struct random_a64 *a)
{
    unsigned index = below(24);
    // Rt must not be what addresses: no load into the index before its use matters, but stores of it are fine.
    if (a->by_register)
        add_insn(s, mov_small(index, below(64) * 16));
    add_insn(s, a->by_register ? (a->insn & ~(31u << 16)) | index << 16 : a->insn);
    add_insn(s, MOV_X28_X27_PLUS_64K); // undo writeback
}

static void make_stream(struct stream *s)
{
    unsigned limit = s->rounds ? 4 + below(LOOP - 8) : STREAM - 4;
    s->count = 0;
    while (s->count < limit) {
        struct random_a64 a = random_a64(s->simd);
        if (a.memory) {
            add_memory(s, &a);
            continue;
        }
        if (s->rounds && !below(4))
            add_insn(s, random_a64_branch_over());
        add_insn(s, a.insn);
    }
    for (unsigned i = 0; i < DATA_BYTES; i += 8) {
        uint64_t value = random64();
        switch (below(6)) {
        case 0:
            value = below(32);
            break;
        case 1:
            value = (uint64_t)(int64_t)(int32_t)value;
            break;
        case 2:
            value = BIT64(63) >> below(64);
            break;
        case 3:
            value = ~UINT64_C(0) << below(64);
            break;
        }
        memcpy(s->data + i, &value, 8);
    }
    uint64_t *input = (uint64_t *)s->data;
    input[27] = DATA;
    input[28] = BUFFER;
    input[SLOT_SP_VALUE] = BUFFER;
    input[SLOT_FLAGS] &= 0xf0000000;
    input[SLOT_FP] = 0;
}

// --- the program around it ---

static uint32_t ldr_x(unsigned t, unsigned offset)
{
    return 0xf9400000 | offset / 8 << 10 | 27 << 5 | t;
}

static uint32_t str_x(unsigned t, unsigned offset)
{
    return 0xf9000000 | offset / 8 << 10 | 27 << 5 | t;
}

static unsigned prologue(uint32_t *out)
{
    uint32_t *p = out;
    *p++ = 0xd2a00000 | (DATA >> 16) << 5 | 27; // MOVZ X27, #DATA, LSL #16
    for (unsigned n = 0; n < 32; n++)
        *p++ = 0x3dc00000 | (INPUT_V / 16 + n) << 10 | 27 << 5 | n;
    *p++ = ldr_x(0, SLOT_FP * 8);
    *p++ = 0xd51b4400; // MSR FPCR, X0
    *p++ = 0xd51b443f; // MSR FPSR, XZR
    *p++ = ldr_x(0, SLOT_FLAGS * 8);
    *p++ = 0xd51b4200; // MSR NZCV, X0
    *p++ = ldr_x(0, SLOT_SP_VALUE * 8);
    *p++ = 0x9100001f; // MOV SP, X0
    for (unsigned n = 0; n < 31; n++)
        if (n != 27)
            *p++ = ldr_x(n, n * 8);
    return (unsigned)(p - out);
}

static unsigned epilogue(uint32_t *out)
{
    uint32_t *p = out;
    for (unsigned n = 0; n < 31; n++)
        *p++ = str_x(n, OUTPUT + n * 8);
    *p++ = 0x910003e0; // MOV X0, SP
    *p++ = str_x(0, OUTPUT + SLOT_SP_VALUE * 8);
    *p++ = 0xd53b4200; // MRS X0, NZCV
    *p++ = str_x(0, OUTPUT + SLOT_FLAGS * 8);
    *p++ = 0xd53b4420; // MRS X0, FPSR
    *p++ = str_x(0, OUTPUT + SLOT_FP * 8);
    for (unsigned n = 0; n < 32; n++)
        *p++ = 0x3d800000 | (OUTPUT_V / 16 + n) << 10 | 27 << 5 | n;
    return (unsigned)(p - out);
}

static unsigned program(const struct stream *s, unsigned count, uint32_t *out, bool user)
{
    static const uint32_t write_and_exit[] = {
        0xd2800020,                                  // MOV X0, #1
        0xaa1b03e1,                                  // MOV X1, X27
        0xd2800002 | (DATA_BYTES & 0xffff) << 5,     // MOVZ X2
        0xf2a00002 | (uint32_t)(DATA_BYTES >> 16) << 5, // MOVK X2
        0xd2800808,                                  // MOV X8, #64 (write)
        0xd4000001, 0xd2800000,                      // SVC #0; MOV X0, #0
        0xd2800ba8, 0xd4000001,                      // MOV X8, #93 (exit); SVC #0
    };
    unsigned n = prologue(out), start = n + 1;
    out[n++] = 0xd280001a | s->rounds << 5; // MOV X26, #rounds
    for (unsigned i = 0; i < count; i++)
        out[n++] = s->insns[i];
    if (s->rounds) {
        out[n++] = 0xd503201f; // NOP, behind a branch over it
        out[n++] = 0xd100075a; // SUB X26, X26, #1
        out[n] = 0xb500001a | ((start - n) & 0x7ffff) << 5; // CBNZ X26
        n++;
    }
    n += epilogue(out + n);
    for (unsigned i = 0; user && i < ARRAY_SIZE(write_and_exit); i++)
        out[n++] = write_and_exit[i];
    if (!user)
        out[n++] = 0xd4000002; // HVC #0
    return n;
}

// --- running it ---

static bool run_qemu(const struct stream *s, unsigned count, uint8_t *after)
{
    uint32_t words[MAX_WORDS];
    struct qemu_program p = {.code_at = CODE, .entry = CODE, .code = words, .code_words = program(s, count, words, true),
                             .data_at = DATA, .data = s->data, .data_bytes = DATA_BYTES};
    return qemu_user_run(&p, after);
}

static bool run_here(struct arm_machine *m, const struct stream *s, unsigned count, uint8_t *after)
{
    uint32_t words[MAX_WORDS];
    unsigned n = program(s, count, words, false);
    memcpy(test_machine_ram(&m->base, CODE), words, n * 4);
    memcpy(test_machine_ram(&m->base, DATA), s->data, DATA_BYTES);
    // Written behind the guest's back.
    test_machine_wrote(&m->base, CODE, n * 4);
    if (!arm_machine_run(m, CODE))
        return false;
    memcpy(after, test_machine_ram(&m->base, DATA), DATA_BYTES);
    return true;
}

static void print_differences(const uint8_t *here, const uint8_t *there)
{
    for (unsigned i = 0; i < DATA_BYTES; i += 8) {
        uint64_t a, b;
        memcpy(&a, here + i, 8);
        memcpy(&b, there + i, 8);
        if (a == b)
            continue;
        if (i >= OUTPUT_V && i < OUTPUT_END)
            printf("  V%u.D[%u]", (i - OUTPUT_V) / 16, i / 8 & 1);
        else if (i >= OUTPUT && i < OUTPUT + 34 * 8)
            printf("  %s%u", i / 8 - OUTPUT / 8 < 31 ? "X" : "SP,NZCV,FPSR: ", i / 8 - OUTPUT / 8);
        else
            printf("  memory X28%+d", (int)i - (int)(BUFFER - DATA));
        printf(" is %016llx, qemu has %016llx\n", (unsigned long long)a, (unsigned long long)b);
    }
}

// Runs the first `count` instructions under both. -1: they agree; 0: they differ; 1: one did not run.
static int compare(struct arm_machine *m, const struct stream *s, unsigned count, uint8_t *here, uint8_t *there)
{
    if (!run_qemu(s, count, there))
        return 1;
    memset(here, 0, DATA_BYTES);
    if (!run_here(m, s, count, here))
        return 0;
    return memcmp(here, there, DATA_BYTES) ? 0 : -1;
}

static bool check(struct arm_machine *m, const struct stream *s)
{
    static uint8_t here[DATA_BYTES], there[DATA_BYTES];
    int result = compare(m, s, s->count, here, there);
    if (result < 0)
        return true;
    // The least number of instructions that is not all right: the last of them is to blame.
    unsigned low = 0, high = s->count;
    while (low + 1 < high) {
        unsigned middle = (low + high) / 2;
        if (compare(m, s, middle, here, there) < 0)
            low = middle;
        else
            high = middle;
    }
    int last = compare(m, s, high, here, there);
    if (last > 0) {
        printf("qemu-aarch64 does not run: ");
        random_a64_print(s->insns[high - 1]);
        return true; // its refusal is no error of ours
    }
    printf("differs after: ");
    random_a64_print(s->insns[high - 1]);
    print_differences(here, there);
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: random-streams ACCEL integer|simd[-loops] SEED COUNT [MAX_INSNS]\n");
        return 2;
    }
    if (!qemu_user_exists())
        return 77;
    random_a64_open();
    struct arm_machine *m = arm_machine_create(argv[1], "max", argc > 5 ? (unsigned)atoi(argv[5]) : 0);
    m->kernel_like = true;
    static struct stream s;
    s.simd = !strncmp(argv[2], "simd", 4);
    bool loops = strstr(argv[2], "-loops") != NULL;
    unsigned seed = (unsigned)atoi(argv[3]), count = (unsigned)atoi(argv[4]), bad = 0;
    for (unsigned i = 0; i < count; i++) {
        random_seed(seed + i);
        s.rounds = loops ? 2 + below(20) : 0;
        make_stream(&s);
        if (!check(m, &s)) {
            printf("  (seed %u)\n", seed + i);
            bad++;
        }
    }
    printf("%u of %u streams differ\n", bad, count);
    arm_machine_destroy(m);
    random_a64_close();
    return bad != 0;
}
