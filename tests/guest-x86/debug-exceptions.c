// SPDX-License-Identifier: MIT
// Exceptions as debuggers are told of them: what is noted when one is taken, how it is put, and by which words it is chosen.
#include <criterion/criterion.h>
#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/gdb.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "x86-machine.h"

enum { CODE = 0x7c00, HANDLERS = 0x2000, GDT = 0x3000, IDT = 0x3100, DIRECTORY = 0x4000 };
// Its linear address; on the way to flat segments 0x08 and 0x10, paging with the first 4 MiB at 0.
static struct x86_machine *machine(bool protected, const uint8_t *code, size_t bytes)
{
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    struct x86_cpu *cpu = m->cpu;
    memcpy(test_machine_ram(&m->base, CODE), code, bytes);
    // Each handler ends the run: mov al, 0; out 0xf4, al; hlt
    static const uint8_t handler[] = {0xb0, 0x00, 0xe6, 0xf4, 0xf4};
    for (unsigned n = 0; n < 256; n++)
        memcpy(test_machine_ram(&m->base, HANDLERS + n * 8), handler, sizeof(handler));
    cpu->tcg.vcpu.ops->start_at(&cpu->tcg.vcpu, protected ? 0x100000 : 0, 0);
    if (!protected) {
        for (unsigned n = 0; n < 256; n++)
            store_le32(test_machine_ram(&m->base, n * 4), HANDLERS + n * 8);
    } else {
        store_le64(test_machine_ram(&m->base, GDT + 8), UINT64_C(0x00cf9b000000ffff));
        store_le64(test_machine_ram(&m->base, GDT + 16), UINT64_C(0x00cf93000000ffff));
        for (unsigned n = 0; n < 256; n++)
            store_le64(test_machine_ram(&m->base, IDT + n * 8),
                       UINT64_C(0x00008e0000080000) | (HANDLERS + n * 8));
        store_le32(test_machine_ram(&m->base, DIRECTORY), 0x83);
        cpu->gdtr = (struct x86_segment){.base = GDT, .limit = 23};
        cpu->idtr = (struct x86_segment){.base = IDT, .limit = 0x7ff};
        cpu->segs[X86_CS].selector = 8;
        cpu->cr3 = DIRECTORY;
        cpu->cr4 = CR4_PSE;
        cpu->cr0 |= CR0_PG | CR0_NE;
    }
    cpu->gpr[X86_RSP] = 0x7000;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, CODE);
    return m;
}

static struct debug_exception taken(struct x86_machine *m, unsigned back)
{
    const struct debug_exception_log *log = &m->cpu->tcg.vcpu.exceptions;
    cr_assert_gt(log->count, back);
    return log->entries[(log->count - 1 - back) % DEBUG_EXCEPTIONS];
}

static void expect(struct x86_machine *m, struct debug_exception e, const char *word, const char *text)
{
    const struct debug_ops *ops = m->cpu->tcg.vcpu.ops->debug;
    char is[200];
    uint32_t class = ~0u;
    ops->describe_exception(&e, is, sizeof(is));
    cr_assert_str_eq(is, text);
    cr_assert(ops->find_exception(word, &class), "%s", word);
    cr_assert_eq(ops->exception_class(&e), class, "%s is not %s", text, word);
}

// Runs `code` until its first exception, which is described by `text` and chosen by `word`.
static struct debug_exception run(bool protected, const uint8_t *code, size_t bytes, const char *word, const char *text)
{
    struct x86_machine *m = machine(protected, code, bytes);
    cr_assert(x86_machine_run(m));
    cr_assert_eq(m->status, 0);
    cr_assert_eq(m->cpu->tcg.vcpu.exceptions.count, 1);
    struct debug_exception e = taken(m, 0);
    expect(m, e, word, text);
    cr_assert_eq(e.number, 1);
    cr_assert_eq(e.handler, HANDLERS + (e.vector & 0xff) * 8);
    x86_machine_destroy(m);
    return e;
}
#define RUN(protected, word, text, ...) \
    run(protected, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), word, text)

Test(x86_debug_exceptions, are_noted)
{
    struct debug_exception e = RUN(false, "int 0x13", "INT 0x13", 0x90, 0xcd, 0x13);
    cr_assert_eq(e.pc, CODE + 1, "of the instruction, not of the next one");
    cr_assert_not(e.interrupt || e.has_address);
    e = RUN(true, "0x80", "INT 0x80", 0xcd, 0x80);
    e = RUN(false, "#UD", "#UD invalid opcode", 0x90, 0x0f, 0x0b);
    cr_assert_eq(e.pc, CODE + 1);
    e = RUN(true, "3", "#BP breakpoint", 0x90, 0xcc);
    cr_assert_eq(e.pc, CODE + 1);
    e = RUN(true, "#DE", "#DE divide error", 0xf7, 0xf1); // div ecx
    cr_assert_eq(e.pc, CODE);
    e = RUN(true, "pf", "#PF page fault at 0x800000 (write of a page that is not present, supervisor mode)", 0xa3, 0, 0, 0x80, 0);
    cr_assert(e.has_address);
    cr_assert_eq(e.address, 0x800000);
    cr_assert_eq(e.syndrome, 2);
    cr_assert_eq(e.pc, CODE);
    e = RUN(true, "general-protection", "#GP general protection (selector 0x0100, GDT entry 32)", 0x66, 0xb8, 0x03, 0x01, 0x8e,
            0xd8);
    cr_assert_eq(e.syndrome, 0x100);
    e = RUN(true, "interrupt", "interrupt 0x44", 0xfb, 0xb0, 0x44, 0xe6, 0xf5, 0xf4); // sti; out 0xf5; hlt
    cr_assert(e.interrupt);
    cr_assert_eq(e.vector, 0x44);
    e = RUN(true, "irq", "interrupt 0x0e", 0xfb, 0xb0, 0x0e, 0xe6, 0xf5, 0xf4); // where page faults are, too
    cr_assert_not(e.has_address);
    e = RUN(true, "nmi", "NMI", 0xe6, 0xf6, 0xf4);
    cr_assert(e.interrupt);
}

Test(x86_debug_exceptions, smi_is_noted)
{
    static const uint8_t code[] = {0xe6, 0xf7, 0x90, 0xf4}, handler[] = {0xb0, 0x00, 0xe6, 0xf4, 0xf4};
    struct x86_machine *m = machine(false, code, sizeof(code));
    memcpy(test_machine_ram(&m->base, 0x38000), handler, sizeof(handler));
    cr_assert_not(m->cpu->tcg.vcpu.ops->debug->secure(&m->cpu->tcg.vcpu));
    cr_assert(x86_machine_run(m));
    struct debug_exception e = taken(m, 0);
    expect(m, e, "smi", "system management interrupt");
    cr_assert_eq(e.handler, 0x38000);
    cr_assert_eq(e.pc, CODE + 2);
    cr_assert(m->cpu->tcg.vcpu.ops->debug->secure(&m->cpu->tcg.vcpu));
    x86_machine_destroy(m);
}

// A fault on the way to a handler: what is noted is what was taken.
Test(x86_debug_exceptions, double_fault_is_the_one_that_was_taken)
{
    static const uint8_t code[] = {0xa3, 0, 0, 0x80, 0};
    struct x86_machine *m = machine(true, code, sizeof(code));
    store_le64(test_machine_ram(&m->base, IDT + X86_PF * 8), 0); // its gate is #GP
    cr_assert(x86_machine_run(m));
    cr_assert_eq(m->cpu->tcg.vcpu.exceptions.count, 1);
    expect(m, taken(m, 0), "double-fault", "#DF double fault");
    x86_machine_destroy(m);
}

Test(x86_debug_exceptions, privilege_levels_are_noted)
{
    static const uint8_t code[] = {0xf4}; // hlt, which is not for CPL 3
    enum { TSS = 0x5000 };
    struct x86_machine *m = machine(true, code, sizeof(code));
    store_le32(test_machine_ram(&m->base, TSS + 4), 0x6000);
    store_le32(test_machine_ram(&m->base, TSS + 8), 0x10);
    store_le32(test_machine_ram(&m->base, DIRECTORY), 0x87);
    m->cpu->tr = (struct x86_segment){.base = TSS, .limit = 0x67, .attr = 0x8b00};
    m->cpu->segs[X86_CS].selector |= 3;
    m->cpu->segs[X86_CS].attr |= 3 << DESC_DPL_SHIFT;
    x86_set_cpl(&m->cpu->segs[X86_SS], 3);
    x86_modes_changed(m->cpu);
    cr_assert(x86_machine_run(m));
    struct debug_exception e = taken(m, 0);
    expect(m, e, "13", "#GP general protection");
    cr_assert_eq(e.from, 3);
    cr_assert_eq(e.to, 0);
    x86_machine_destroy(m);
}

// The last ones are kept.
Test(x86_debug_exceptions, numbers_go_on)
{
    // mov cx, 100; again: int 0x20; loop again; mov al, 0; out 0xf4, al; hlt
    static const uint8_t code[] = {0xb9, 100, 0, 0xcd, 0x20, 0xe2, 0xfc, 0xb0, 0, 0xe6, 0xf4, 0xf4};
    struct x86_machine *m = machine(false, code, sizeof(code));
    *(uint8_t *)test_machine_ram(&m->base, HANDLERS + 0x20 * 8) = 0xcf; // iret
    cr_assert(x86_machine_run(m));
    cr_assert_eq(m->cpu->tcg.vcpu.exceptions.count, 100);
    cr_assert_eq(taken(m, 0).number, 100);
    cr_assert_eq(taken(m, DEBUG_EXCEPTIONS - 1).number, 101 - DEBUG_EXCEPTIONS);
    x86_machine_destroy(m);
}

// --- words ---------------------------------------------------------------------------------------------------------

// Intel SDM volume 3, figures 6-7 and 4-12.
Test(x86_debug_exceptions, error_codes_are_decoded)
{
    static const struct {
        uint32_t vector;
        uint64_t syndrome;
        const char *text;
    } rows[] = {
        {X86_PF, 0, "#PF page fault at 0x1234 (read of a page that is not present, supervisor mode)"},
        {X86_PF, 4, "#PF page fault at 0x1234 (read of a page that is not present, user mode)"},
        {X86_PF, 3, "#PF page fault at 0x1234 (write that the page does not allow, supervisor mode)"},
        {X86_PF, 0x15, "#PF page fault at 0x1234 (fetch that the page does not allow, user mode)"},
        {X86_PF, 9, "#PF page fault at 0x1234 (read through an entry with a reserved bit set, supervisor mode)"},
        {X86_PF, 0x27, "#PF page fault at 0x1234 (write that the protection key forbids, user mode)"},
        {X86_GP, 0, "#GP general protection"},
        {X86_GP, 0x402, "#GP general protection (IDT gate 0x80)"},
        {X86_NP, 0x2d, "#NP segment not present (selector 0x002c, LDT entry 5, on the way to another handler)"},
        {X86_TS, 0x28, "#TS invalid TSS (selector 0x0028, GDT entry 5)"},
        {X86_SS_FAULT, 0x10, "#SS stack fault (selector 0x0010, GDT entry 2)"},
        {X86_AC, 0, "#AC alignment check"},
        {18, 0, "#MC machine check"},
        {X86_OF, X86_DEBUG_INT, "#OF overflow"},
        {31, 0, "exception 0x1f"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char is[200];
        struct debug_exception e = {.vector = rows[i].vector, .syndrome = rows[i].syndrome, .address = 0x1234};
        x86_debug_describe(&e, is, sizeof(is));
        cr_assert_str_eq(is, rows[i].text);
    }
}

Test(x86_debug_exceptions, words_find_classes)
{
    static const char *const page_fault[] = {"14", "0xe", "0x0E", "#PF", "#pf", "pf", "page-fault", "Page-Fault", "page fault"};
    static const char *const wrong[] = {"", "256", "-1", "1x", "xy", "#", "#INT", "int", "int 256", "page", "page-faults",
                                        "int x", "99999999999999999999"};
    uint32_t class, other;
    for (unsigned i = 0; i < ARRAY_SIZE(page_fault); i++) {
        cr_assert(x86_debug_find_exception(page_fault[i], &class), "%s", page_fault[i]);
        cr_assert_eq(class, X86_PF);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
        cr_assert_not(x86_debug_find_exception(wrong[i], &class), "%s", wrong[i]);
    cr_assert(x86_debug_find_exception("128", &class) && x86_debug_find_exception("INT 0x80", &other));
    cr_assert_eq(class, other);
    cr_assert(x86_debug_find_exception("int 14", &class));
    cr_assert_neq(class, X86_PF, "a call of the BIOS is no page fault");
    cr_assert(x86_debug_find_exception("int3", &class));
    cr_assert_eq(class, X86_BP);
}
