// SPDX-License-Identifier: MIT
// random-faults ACCEL CLASS SEED COUNT: loops of random instructions whose addresses go up and down by steps, over pages of which
// some are not mapped, are only read, or are a device's, must end in the same state under the engine and under the interpreter of
// single blocks: registers, flags, memory and, as most end with a fault, ELR, ESR, FAR and SPSR. CLASS is "integer" or "simd".
//
// X28 and X27 are addresses, X25 an index, X24 a step, and X26 counts rounds; see random-a64.h for the instructions. Each loop is
// run some times, for engines that compile meanwhile.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm-machine.h"
#include "random-a64.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/ir.h"
#include "tests/base/random.h"

#define CODE UINT64_C(0x40080000)
#define VECTORS UINT64_C(0x40090000)
#define LEVEL1 (ARM_MACHINE_RAM + ((uint64_t)TEST_MACHINE_RAM_MIB << 20) - 0x1000) // arm-machine.c has it there
#define LEVEL2 UINT64_C(0x400a0000)
#define LEVEL3 UINT64_C(0x400a1000)
#define FRAMES UINT64_C(0x40400000) // those of pages lie out of order: neighbours there are none in memory
#define DATA UINT64_C(0x300000)     // in the 2 MiB of the tables
enum { PAGES = 16, PAGE = 0x1000, DATA_BYTES = PAGES * PAGE, MAX_INSNS = 64, MAX_ITEMS = 10, RUNS = 4 };
enum { ENTRY_PAGE = 3, ENTRY_DEVICE = 1 << 2, ENTRY_AP_EL0 = 1 << 6, ENTRY_AP_RO = 1 << 7, ENTRY_AF = 1 << 10 };
enum { STEP = 24, INDEX, ROUNDS, OTHER, BASE }; // registers

struct loop {
    uint32_t code[MAX_INSNS];
    unsigned count;
    uint64_t entries[PAGES];
    uint64_t x[31], v[32][2];
    uint32_t nzcv;
    bool check_alignment;
    uint8_t data[DATA_BYTES];
};

// What a run leaves.
struct outcome {
    uint64_t pc, x[31], sp, v[32][2], nzcv, saturated, fpsr, esr, elr, far, spsr;
    uint8_t data[DATA_BYTES];
};

// --- loops ---

static void add(struct loop *l, uint32_t insn)
{
    l->code[l->count++] = insn;
}

static uint32_t add_immediate(unsigned rd, bool narrow, bool subtract, unsigned immediate)
{
    return (narrow ? 0x11000000 : 0x91000000) | (uint32_t)subtract << 30 | immediate << 10 | rd << 5 | rd;
}

static void add_step(struct loop *l)
{
    static const uint8_t steps[] = {1, 2, 4, 8, 8, 12, 16, 16, 24, 32, 48, 64, 100};
    unsigned pointer = below(2) ? BASE : OTHER;
    switch (below(9)) {
    case 0: // ADD pointer, pointer, X24
        add(l, 0x8b000000 | STEP << 16 | pointer << 5 | pointer);
        break;
    case 1: // ADD X25 or W25, X24
        add(l, (below(2) ? 0x8b000000 : 0x0b000000) | STEP << 16 | INDEX << 5 | INDEX);
        break;
    case 2:
        add(l, add_immediate(INDEX, true, below(2), 1 + below(4)));
        break;
    case 3:
        add(l, add_immediate(INDEX, false, below(2), 1 + below(4)));
        break;
    case 4:
        add(l, add_immediate(pointer, true, below(2), steps[below(sizeof(steps))]));
        break;
    default:
        add(l, add_immediate(pointer, false, below(2), steps[below(sizeof(steps))]));
    }
}

static void add_access(struct loop *l, struct random_a64 a)
{
    uint32_t insn = a.insn;
    if (below(2))
        insn = (insn & ~(31u << 5)) | OTHER << 5;
    if (a.by_register)
        insn = (insn & ~(31u << 16)) | INDEX << 16;
    if (a.scaled)
        insn &= ~(0xfc0u << 10);
    add(l, insn);
}

// LDR or STR of any size at a pointer and X25 or W25.
static uint32_t indexed_access(void)
{
    static const uint8_t extensions[] = {2, 3, 6, 7}; // UXTW, LSL, SXTW, SXTX
    return 0x38200800 | below(4) << 30 | below(2) << 22 | INDEX << 16 | extensions[below(4)] << 13 | below(2) << 12 |
           (below(2) ? BASE : OTHER) << 5 | below(STEP);
}

static void add_item(struct loop *l, bool simd)
{
    struct random_a64 a = random_a64(simd);
    while ((a.memory ? a.atomic && below(10) : below(4) != 0))
        a = random_a64(simd); // memory is what this is about, and loops with atomics are not what engines think much of
    if (!below(4))
        add(l, random_a64_branch_over());
    if (a.memory && !below(4))
        add(l, indexed_access());
    else if (a.memory)
        add_access(l, a);
    else
        add(l, a.insn);
}

// Keeps X0 for the caller: it puts FPSR into TPIDR_EL0 and ends the run.
static unsigned put_end(uint32_t *out)
{
    static const uint32_t end[] = {0xd518d080,  // MSR TPIDR_EL1, X0
                                   0xd53b4420,  // MRS X0, FPSR
                                   0xd51bd040,  // MSR TPIDR_EL0, X0
                                   0xd538d080,  // MRS X0, TPIDR_EL1
                                   0xd4000002}; // HVC #0
    memcpy(out, end, sizeof(end));
    return ARRAY_SIZE(end);
}

static void make_code(struct loop *l, bool simd)
{
    enum { NOP = 0xd503201f, COUNT_DOWN = 0xd100075a, CBNZ = 0xb500001a, BNE = 0x54000001, SET_FLAGS = 1 << 29 };
    l->count = 0;
    for (unsigned items = 1 + below(MAX_ITEMS); items; items--) {
        add_item(l, simd);
        if (!below(6))
            add_step(l);
    }
    add(l, NOP); // behind a branch over the last one
    for (unsigned steps = 1 + below(3); steps; steps--)
        add_step(l);
    bool flags = below(2);
    add(l, COUNT_DOWN | (flags ? SET_FLAGS : 0)); // SUB or SUBS X26, X26, #1
    add(l, (flags ? BNE : CBNZ) | ((0 - l->count) & 0x7ffff) << 5);
    l->count += put_end(l->code + l->count);
}

static uint64_t entry_of(unsigned n)
{
    uint64_t frame = FRAMES + (((DATA >> 12 & 511) + n) ^ 6) * PAGE;
    switch (below(16)) {
    case 0:
        return 0;
    case 1:
        return frame | ENTRY_AF | ENTRY_AP_RO | ENTRY_PAGE;
    case 2:
        return frame | (below(2) ? ENTRY_AF | ENTRY_DEVICE : 0) | ENTRY_PAGE;
    case 3:
        return frame | ENTRY_AF | ENTRY_PAGE;
    default:
        return frame | ENTRY_AF | ENTRY_AP_EL0 | ENTRY_PAGE;
    }
}

static uint64_t random_value(void)
{
    uint64_t value = random64();
    switch (below(5)) {
    case 0:
        return below(32);
    case 1:
        return (uint64_t)(int64_t)(int32_t)value;
    case 2:
        return BIT64(63) >> below(64);
    default:
        return value;
    }
}

static void make(struct loop *l, bool simd)
{
    static const uint64_t indices[] = {0, 0, 1, 100, ~UINT64_C(0), 0xffffffff, 0xffffff80, UINT64_C(0x100000000), 0x7fffffff};
    make_code(l, simd);
    for (unsigned n = 0; n < PAGES; n++)
        l->entries[n] = entry_of(n);
    for (unsigned n = 0; n < 31; n++)
        l->x[n] = random_value();
    for (unsigned n = 0; n < 64; n++)
        l->v[n / 2][n & 1] = random_value();
    l->x[STEP] = below(4) ? 1 + below(40) : below(2) ? 0x80 + below(0x100) : ~UINT64_C(0) - below(20);
    l->x[INDEX] = indices[below(ARRAY_SIZE(indices))];
    l->x[ROUNDS] = 1 + below(below(3) ? 40 : 1500);
    for (unsigned n = OTHER; n <= BASE; n++) {
        unsigned offset = below(DATA_BYTES) / 8 * 8;
        for (unsigned tries = 8; tries && !(l->entries[offset / PAGE] & ENTRY_AP_EL0); tries--)
            offset = below(DATA_BYTES) / 8 * 8;
        l->x[n] = DATA + offset;
        if (!below(5))
            l->x[n] += below(8);
        if (!below(16))
            l->x[n] -= l->x[INDEX] << below(4);
    }
    l->nzcv = (uint32_t)random64() & (IR_FLAG_N | IR_FLAG_Z | IR_FLAG_C | IR_FLAG_V);
    l->check_alignment = !below(6);
    for (unsigned i = 0; i < DATA_BYTES; i += 8) {
        uint64_t value = random_value();
        memcpy(l->data + i, &value, 8);
    }
}

// --- running them ---

static void start(void *opaque, struct arm_cpu *cpu)
{
    enum { SCTLR_A = 1 << 1 };
    const struct loop *l = opaque;
    memcpy(cpu->x, l->x, sizeof(cpu->x));
    memcpy(cpu->v, l->v, sizeof(cpu->v));
    cpu->sp = DATA;
    cpu->nzcv = l->nzcv;
    cpu->elr_el[1] = cpu->esr_el[1] = cpu->far_el[1] = cpu->spsr_el[1] = 0;
    memset(cpu->qc, 0, sizeof(cpu->qc));
    cpu->mair_el[1] = 0xff; // attributes 0: Normal memory, 1: Device-nGnRnE
    cpu->sctlr_el[1] |= l->check_alignment ? SCTLR_A : 0;
}

static struct arm_machine *create(const char *accel, struct loop *l)
{
    enum { TABLE = 3 };
    struct arm_machine *m = arm_machine_create(accel, "max", 0);
    m->kernel_like = true;
    m->vbar = VECTORS;
    m->starts = start;
    m->opaque = l;
    for (unsigned n = 0; n < 16; n++)
        put_end(test_machine_ram(&m->base, VECTORS + n * 0x80));
    *(uint64_t *)test_machine_ram(&m->base, LEVEL1) = LEVEL2 | TABLE;
    uint64_t *level2 = test_machine_ram(&m->base, LEVEL2);
    level2[DATA >> 21] = LEVEL3 | TABLE;
    return m;
}

static uint8_t *frames(struct arm_machine *m)
{
    return test_machine_ram(&m->base, FRAMES + (DATA & 0x1fffff));
}

static void put_code(struct arm_machine *m, const struct loop *l)
{
    memcpy(test_machine_ram(&m->base, CODE), l->code, l->count * 4);
    test_machine_wrote(&m->base, CODE, l->count * 4);
    uint64_t *level3 = test_machine_ram(&m->base, LEVEL3);
    memcpy(level3 + (DATA >> 12 & 511), l->entries, sizeof(l->entries));
}

static bool run(struct arm_machine *m, const struct loop *l, struct outcome *o)
{
    memcpy(frames(m), l->data, DATA_BYTES);
    if (!arm_machine_run(m, CODE))
        return false;
    const struct arm_cpu *cpu = m->cpu;
    o->pc = tcg_get_pc(&cpu->tcg);
    memcpy(o->x, cpu->x, sizeof(o->x));
    memcpy(o->v, cpu->v, sizeof(o->v));
    o->sp = cpu->sp;
    o->nzcv = cpu->nzcv;
    o->saturated = cpu->qc[0] | cpu->qc[1] ? 1 : 0;
    o->fpsr = cpu->tpidr_el0;
    o->esr = cpu->esr_el[1];
    o->elr = cpu->elr_el[1];
    o->far = cpu->far_el[1];
    o->spsr = cpu->spsr_el[1];
    memcpy(o->data, frames(m), DATA_BYTES);
    return true;
}

// --- comparison ---

static void print_differences(const struct outcome *here, const struct outcome *there)
{
    static const char *const others[] = {"NZCV", "QC", "FPSR", "ESR", "ELR", "FAR", "SPSR"};
    const uint64_t *a = &here->pc, *b = &there->pc;
    unsigned words = offsetof(struct outcome, data) / 8, printed = 0;
    for (unsigned i = 0; i < words + DATA_BYTES / 8 && printed < 40; i++) {
        if (a[i] == b[i])
            continue;
        printed++;
        if (i >= words)
            printf("  data +0x%x", (i - words) * 8);
        else if (i >= 97)
            printf("  %s", others[i - 97]);
        else if (i >= 33)
            printf("  V%u.D[%u]", (i - 33) / 2, (i - 33) & 1);
        else
            printf("  %s%u", !i ? "PC " : i == 32 ? "SP " : "X", i - 1);
        printf(" is %016llx, interpreted %016llx\n", (unsigned long long)a[i], (unsigned long long)b[i]);
    }
}

static void print_loop(const struct loop *l)
{
    for (unsigned i = 0; i < l->count; i++)
        random_a64_print(l->code[i]);
    for (unsigned n = STEP; n <= BASE; n++)
        printf("  X%u was %016llx\n", n, (unsigned long long)l->x[n]);
}

static bool check(struct arm_machine *m, struct arm_machine *reference, const struct loop *l)
{
    static struct outcome here, there;
    put_code(m, l);
    put_code(reference, l);
    if (!run(reference, l, &there)) {
        printf("the interpreter does not end\n");
        return false;
    }
    for (unsigned n = 0; n < RUNS; n++) {
        if (!run(m, l, &here)) {
            printf("did not end\n");
            return false;
        }
        if (memcmp(&here, &there, sizeof(here))) {
            print_loop(l);
            print_differences(&here, &there);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: random-faults ACCEL integer|simd SEED COUNT\n");
        return 2;
    }
    static struct loop l;
    struct arm_machine *m = create(argv[1], &l), *reference = create("interp", &l);
    bool simd = !strcmp(argv[2], "simd");
    unsigned seed = (unsigned)atoi(argv[3]), count = (unsigned)atoi(argv[4]), bad = 0;
    random_a64_open();
    for (unsigned i = 0; i < count && bad < 10; i++) {
        random_seed(seed + i);
        make(&l, simd);
        if (!check(m, reference, &l)) {
            printf("  (seed %u)\n", seed + i);
            bad++;
        }
    }
    printf("%u of %u loops differ\n", bad, count);
    random_a64_close();
    arm_machine_destroy(reference);
    arm_machine_destroy(m);
    return bad != 0;
}
