// SPDX-License-Identifier: MIT
#include "x86-compare.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/accel.h"
#include "target-x86/fpu.h"
#include "target-x86/native.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

#define CODE CASE_CODE
#define DATA CASE_DATA
#define TABLES (X86_MACHINE_RAM + 0x300000) // page tables, IDT, GDT, TSS of the guest
enum { CODE_BYTES = CASE_CODE_BYTES, DATA_BYTES = CASE_DATA_BYTES, HLT = 0xf4 };
enum { IDT = 0x10000, GDT = 0x11000, TSS = 0x12000, STACK = 0x14000, HANDLERS = 0x15000 };

struct case_runner {
    struct x86_machine *machine;
    csh capstone;
    bool wide;
};

// --- the guest -----------------------------------------------------------------------------------------------------

static void *ram(struct x86_machine *m, uint64_t gpa)
{
    return test_machine_ram(&m->base, gpa);
}

// Identity. For user code there are the pages that the host has too.
static void build_tables(struct x86_machine *m)
{
    enum { P = 7, KERNEL = 3 };
    uint64_t *pml4 = ram(m, TABLES), *pdpt = ram(m, TABLES + 0x1000), *pd = ram(m, TABLES + 0x2000),
             *pt = ram(m, TABLES + 0x3000);
    pml4[0] = (TABLES + 0x1000) | P;
    *(uint64_t *)ram(m, TABLES + 0x5000) = (TABLES + 0x2000) | 1; // PAE paging's own top level
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

// What 64-bit code left in the upper halves of registers and flags, which 32-bit code must not see.
#define LEFT_OVER UINT64_C(0xa5a5a5a500000000)

static void start_guest(struct x86_machine *m, const struct test *t, bool wide)
{
    struct x86_cpu *cpu = m->cpu;
    const struct oracle_state *s = &t->state;
    x86_eflags_set(cpu, (uint32_t)s->flags | 0x202);
    for (unsigned n = 0; n < 16; n++)
        cpu->gpr[n] = s->gpr[n] | (wide ? 0 : LEFT_OVER);
    if (!wide) {
        cpu->cc_dst = LEFT_OVER;
        cpu->cc_src |= LEFT_OVER;
    }
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
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (x86_has(cpu, X86_FEAT_XSAVE) ? CR4_OSXSAVE : 0);
    cpu->xcr0 = x86_has(cpu, X86_FEAT_AVX) ? 7 : x86_has(cpu, X86_FEAT_XSAVE) ? 3 : 1;
    cpu->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    if (!wide) {
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
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = wide ? cpu->gpr[n] : (uint32_t)cpu->gpr[n];
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

void case_run_guest(struct case_runner *r, struct test *t)
{
    struct x86_machine *m = r->machine;
    bool wide = r->wide;
    uint8_t *code = ram(m, CODE);
    memcpy(code, t->code, t->bytes);
    memset(code + t->bytes, HLT, 128);
    test_machine_wrote(&m->base, CODE, sizeof(t->code) + 128);
    memcpy(ram(m, DATA), t->data, DATA_BYTES);
    start_guest(m, t, wide);
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    m->shut_down = false;
    vcpu->halted = false;
    m->cpu->halt = X86_RUNS;
    for (unsigned i = 0; i < 100 && !vcpu->halted && !m->shut_down; i++) {
        atomic_store(&vcpu->exit_request, 0);
        m->base.accel->ops->run(m->base.accel, vcpu);
    }
    if (!vcpu->halted || m->shut_down) {
        t->state.vector = 999;
        return;
    }
    collect_guest(m, &t->state, wide);
    memcpy(t->data, ram(m, DATA), DATA_BYTES);
}

bool case_fits(const struct case_runner *r, struct test *t)
{
    const struct x86_cpu *cpu = r->machine->cpu;
    if (!x86_has(cpu, X86_FEAT_AVX))
        memset(t->state.ymmh, 0, sizeof(t->state.ymmh));
    return x86_has(cpu, t->insn.row->feature) && (!t->insn.vex || x86_has(cpu, X86_FEAT_AVX));
}

void case_run_host(struct case_runner *r, struct test *t)
{
    memset((void *)(uintptr_t)CODE, HLT, CODE_BYTES);
    memcpy((void *)(uintptr_t)CODE, t->code, t->bytes);
    memcpy((void *)(uintptr_t)DATA, t->data, DATA_BYTES);
    oracle_run(&t->state, r->wide);
    memcpy(t->data, (void *)(uintptr_t)DATA, DATA_BYTES);
}

// --- comparison ----------------------------------------------------------------------------------------------------

static void differ(bool report, const char *what, unsigned n, uint64_t here, uint64_t there)
{
    if (report)
        printf("  %s%u: %016llx, host %016llx\n", what, n, (unsigned long long)here, (unsigned long long)there);
}

bool case_same(const struct test *here, const struct test *there, uint32_t undefined, bool report)
{
    enum { ARITH = 0x8d5, DF = 0x400, AC = 0x40000, ID = 0x200000 };
    const struct oracle_state *a = &here->state, *b = &there->state;
    bool good = true;
    // At the end of 32-bit space the limit is checked before paging here and there, not always in that order.
    if (b->vector == 13 && a->vector == 14 && a->address >= 0xfffff000 && a->address >> 32 == 0)
        return true;
    if (a->vector == 14 && oracle_has_other(a->address))
        return true;
    if (a->vector != b->vector) {
        differ(report, "vector", 0, a->vector, b->vector);
        return false;
    }
    if (b->vector == 14 && a->address != b->address) {
        differ(report, "fault address", 0, a->address, b->address);
        good = false;
    }
    for (unsigned n = 0; n < 16; n++) {
        if (a->gpr[n] != b->gpr[n]) {
            differ(report, "gpr", n, a->gpr[n], b->gpr[n]);
            good = false;
        }
    }
    uint32_t mask = (ARITH & ~(b->vector == ORACLE_END ? undefined : ARITH)) | DF | AC;
    if (b->vector != ORACLE_END)
        mask = DF | AC | ((undefined & ARITH) ? 0 : ARITH);
    if ((a->flags ^ b->flags) & mask) {
        differ(report, "flags", 0, a->flags & (ARITH | DF), b->flags & (ARITH | DF));
        good = false;
    }
    if (a->rip != b->rip) {
        differ(report, "rip", 0, a->rip, b->rip);
        good = false;
    }
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned half = 0; half < 4; half++) {
            const uint8_t *x = half < 2 ? a->xmm[n] + half * 8 : a->ymmh[n] + (half - 2) * 8;
            const uint8_t *y = half < 2 ? b->xmm[n] + half * 8 : b->ymmh[n] + (half - 2) * 8;
            if (memcmp(x, y, 8)) {
                differ(report, half < 2 ? "xmm" : "ymmh", n * 10 + (half & 1), load_le64(x), load_le64(y));
                good = false;
            }
        }
    }
    for (unsigned n = 0; n < 8; n++) {
        if (memcmp(a->st[n], b->st[n], 10)) {
            differ(report, "st", n, load_le64(a->st[n]), load_le64(b->st[n]));
            differ(report, "st exponent", n, load_le16(a->st[n] + 8), load_le16(b->st[n] + 8));
            good = false;
        }
    }
    if (a->status != b->status || a->control != b->control || a->tags != b->tags) {
        differ(report, "x87 status, control, tags", 0, a->status << 16 | a->control | (uint64_t)a->tags << 32,
               b->status << 16 | b->control | (uint64_t)b->tags << 32);
        good = false;
    }
    // Whether an operation that overflowed or was tiny is inexact too, and all of a dot product's parts, is not always told
    // alike when the exception is not masked.
    enum { INEXACT = 0x20, RANGE = 0x18, FLAGS = 0x3f };
    uint32_t told = ~UINT32_C(0);
    if (b->vector == 19)
        told = !strncmp(there->insn.row->name, "DPP", 3) ? ~(uint32_t)FLAGS : b->mxcsr & RANGE ? ~(uint32_t)INEXACT : told;
    if ((a->mxcsr ^ b->mxcsr) & told) {
        differ(report, "mxcsr", 0, a->mxcsr, b->mxcsr);
        good = false;
    }
    for (unsigned i = 0; i < DATA_BYTES; i += 8) {
        if (memcmp(here->data + i, there->data + i, 8)) {
            differ(report, "data", i, load_le64(here->data + i), load_le64(there->data + i));
            good = false;
        }
    }
    return good;
}

void case_print(struct case_runner *r, const struct test *t)
{
    cs_insn *text;
    size_t count = cs_disasm(r->capstone, t->code, t->bytes, CODE, 0, &text);
    for (unsigned i = 0; i < t->bytes; i++)
        printf("%02x", t->code[i]);
    for (size_t i = 0; i < count; i++)
        printf("%s%s %s", i ? "; " : "  ", text[i].mnemonic, text[i].op_str);
    printf("  (row %s)\n", t->insn.row->name);
    for (unsigned n = 0; n < 16; n++)
        printf("%s%llx", n ? " " : "  before: ", (unsigned long long)t->state.gpr[n]);
    printf(" flags %llx\n", (unsigned long long)t->state.flags);
    if (count)
        cs_free(text, count);
}

// --- the runner ----------------------------------------------------------------------------------------------------

struct case_runner *case_runner_create(const char *accel, bool wide)
{
    if (!oracle_init(CODE, CODE_BYTES, DATA, DATA_BYTES))
        return NULL;
    struct case_runner *r = ALLOC(struct case_runner);
    r->wide = wide;
    cs_open(CS_ARCH_X86, wide ? CS_MODE_64 : CS_MODE_32, &r->capstone);
    r->machine = x86_machine_create(accel, "max", 0);
    // What the host does not have is another instruction there (LZCNT is BSR), or none.
    for (unsigned feature = 0; feature < X86_FEAT_BASE; feature++)
        if (!x86_native_has(feature))
            r->machine->cpu->features[feature >> 5] &= ~BIT32(feature & 31);
    build_tables(r->machine);
    build_idt(r->machine, wide);
    return r;
}

void case_runner_destroy(struct case_runner *r)
{
    x86_machine_destroy(r->machine);
    cs_close(&r->capstone);
    free(r);
}
