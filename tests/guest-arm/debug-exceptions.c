// SPDX-License-Identifier: MIT
// Exceptions as debuggers are told of them: what is noted when one is taken, and the words for it.

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "arm-machine.h"
#include "target-arm/exception.h"
#include "tcg/base/endian.h"

static struct arm_machine *m;
static struct vcpu *vcpu;
static const struct debug_ops *ops;

static void setup(void)
{
    m = arm_machine_create("interp", "max", 0);
    vcpu = &m->cpu->tcg.vcpu;
    ops = vcpu->ops->debug;
}

static void teardown(void)
{
    arm_machine_destroy(m);
}

TestSuite(debug_exceptions, .init = setup, .fini = teardown);

static void code(uint64_t at, uint32_t insn)
{
    store_le32(test_machine_ram(&m->base, at), insn);
}

enum { VECTORS = 0x40001000, HANDLER = VECTORS + 0x200 };
#define NOWHERE UINT64_C(0x123456780)

static void start(void *opaque, struct arm_cpu *cpu)
{
    (void)opaque;
    cpu->x[0] = NOWHERE;
}

// SVC at the start of RAM; its handler loads from where nothing is mapped, and the next time ends the run.
Test(debug_exceptions, are_noted_as_they_are_taken)
{
    code(0x40000000, 0xd40000a1);   // SVC #5
    code(HANDLER, 0xb5000061);      // CBNZ X1, HANDLER + 12
    code(HANDLER + 4, 0xd2800021);  // MOV X1, #1
    code(HANDLER + 8, 0xf9400000);  // LDR X0, [X0]
    code(HANDLER + 12, 0xd4000002); // HVC #0
    m->starts = start;
    m->vbar = VECTORS;
    m->kernel_like = true;
    cr_assert(arm_machine_run(m, 0x40000000));
    const struct debug_exception_log *log = &vcpu->exceptions;
    cr_assert_eq(log->count, 2);
    const struct debug_exception *svc = &log->entries[0], *abort = &log->entries[1];
    cr_assert_eq(svc->number, 1);
    cr_assert_eq(svc->pc, 0x40000000);
    cr_assert_eq(svc->handler, HANDLER);
    cr_assert_eq(svc->vector, 0x200);
    cr_assert_eq(svc->syndrome, 0x15 << 26 | 1 << 25 | 5);
    cr_assert_eq(svc->from, 1);
    cr_assert_eq(svc->to, 1);
    cr_assert_not(svc->interrupt || svc->has_address);
    cr_assert_eq(abort->number, 2);
    cr_assert_eq(abort->pc, HANDLER + 8);
    cr_assert(abort->has_address);
    cr_assert_eq(abort->address, NOWHERE);
}

static struct debug_exception sync(uint32_t esr, unsigned from)
{
    return (struct debug_exception){.syndrome = esr, .address = 0x1234, .vector = from ? 0x200 : 0x400,
                                    .from = (uint8_t)from, .to = 1};
}

static void expect(struct debug_exception exception, const char *expected)
{
    char text[128];
    ops->describe_exception(&exception, text, sizeof(text));
    cr_assert_str_eq(text, expected);
}

Test(debug_exceptions, descriptions)
{
    enum { CNTPCT_EL0 = ARM_SYSREG(3, 3, 14, 0, 1), UNKNOWN = ARM_SYSREG(3, 7, 15, 1, 2), DC_CVAC = ARM_SYSREG(1, 3, 7, 10, 1) };
    expect(sync(arm_syndrome(EC_SVC64, 3), 0), "SVC #3 from EL0");
    expect(sync(arm_syndrome(EC_DATA_ABORT, 1 << 6 | 0x06), 0), "data abort at 0x1234: translation fault, level 2, write from EL0");
    expect(sync(arm_syndrome(EC_DATA_ABORT + 1, 0x21), 1), "data abort at 0x1234: alignment fault, read from EL1");
    expect(sync(arm_syndrome(EC_DATA_ABORT, 1 << 8 | 1 << 6 | 0x0f), 0),
           "data abort at 0x1234: permission fault, level 3, cache maintenance from EL0");
    expect(sync(arm_syndrome(EC_INSTRUCTION_ABORT, 1 << 7 | 0x05), 0),
           "instruction abort at 0x1234: translation fault, level 1 of a stage 1 table from EL0");
    expect(sync(arm_syndrome(EC_BRK64, 0x800), 1), "BRK #0x800 from EL1");
    expect(sync(arm_syndrome(EC_UNKNOWN, 0), 0), "undefined instruction from EL0");
    expect(sync(arm_syndrome_sysreg(CNTPCT_EL0, 3, true), 0), "trapped MRS X3, CNTPCT_EL0 from EL0");
    expect(sync(arm_syndrome_sysreg(UNKNOWN, 31, false), 1), "trapped MSR S3_7_C15_C1_2, XZR from EL1");
    expect(sync(arm_syndrome_sysreg(DC_CVAC, 7, false), 0), "trapped SYS DC_CVAC, X7 from EL0");
    expect(sync(arm_syndrome(EC_FP_ACCESS, ISS_FP_ACCESS), 0), "trapped FP or SIMD access from EL0");
    expect(sync(arm_syndrome(EC_PC_ALIGNMENT, 0), 0), "PC alignment fault at 0x1234 from EL0");
    expect(sync(arm_syndrome(0x1c, 0), 0), "pointer authentication failure from EL0");
    expect(sync(arm_syndrome(0x3f, 7), 0), "exception class 0x3f, ISS 0x7 from EL0");
    expect((struct debug_exception){.vector = 0x480, .interrupt = true}, "IRQ from EL0");
    expect((struct debug_exception){.vector = 0x300, .from = 1, .interrupt = true}, "FIQ from EL1");
    // Any syndrome has a text.
    char text[128];
    for (uint64_t esr = 0; esr < UINT32_MAX; esr += 0x10101) {
        struct debug_exception e = sync((uint32_t)esr, 0);
        ops->describe_exception(&e, text, sizeof(text));
        cr_assert(strlen(text) > strlen(" from EL0"));
    }
}

static bool means(const char *word, struct debug_exception exception)
{
    uint32_t class;
    return ops->find_exception(word, &class) && class == ops->exception_class(&exception);
}

Test(debug_exceptions, words)
{
    cr_assert(means("svc", sync(arm_syndrome(EC_SVC64, 0), 0)));
    cr_assert(means("data-abort", sync(arm_syndrome(EC_DATA_ABORT, 6), 0)));
    cr_assert(means("data-abort", sync(arm_syndrome(EC_DATA_ABORT + 1, 6), 1)), "from the same level");
    cr_assert(means("0x25", sync(arm_syndrome(EC_DATA_ABORT + 1, 6), 1)));
    cr_assert(means("37", sync(arm_syndrome(EC_DATA_ABORT + 1, 6), 1)));
    cr_assert(means("undefined", sync(arm_syndrome(EC_UNKNOWN, 0), 0)));
    cr_assert(means("IRQ", (struct debug_exception){.vector = 0x280, .interrupt = true}));
    cr_assert_not(means("undefined", (struct debug_exception){.vector = 0x280, .interrupt = true}));
    cr_assert_not(means("svc", sync(arm_syndrome(EC_HVC64, 0), 0)));
    uint32_t class;
    cr_assert_not(ops->find_exception("page-fault", &class));
    cr_assert_not(ops->find_exception("0x40", &class));
    cr_assert_not(ops->find_exception("", &class));
    cr_assert_not(ops->find_exception("-1", &class));
}
