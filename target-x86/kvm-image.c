// SPDX-License-Identifier: MIT
// The state of an x86 processor, in the forms that KVM has for it.
#include <linux/kvm.h>
#include <string.h>

#include "target-x86/cpu.h"
#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/kvm.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"

enum { XSAVE_HEADER = FX_BYTES, X87_AND_SSE = 3, AVX_BIT = 1 << 2, PKRU_BIT = 1 << 9 };

// --- general and system registers ---

static struct kvm_segment to_segment(const struct x86_segment *s)
{
    return (struct kvm_segment){
        .base = s->base, .limit = s->limit, .selector = (uint16_t)s->selector, .type = s->attr >> 8 & 15, .s = s->attr >> 12 & 1,
        .dpl = s->attr >> DESC_DPL_SHIFT & 3, .present = s->attr >> 15 & 1, .avl = s->attr >> 20 & 1, .l = s->attr >> 21 & 1,
        .db = s->attr >> 22 & 1, .g = s->attr >> 23 & 1, .unusable = !(s->attr & DESC_P)};
}

static struct x86_segment from_segment(const struct kvm_segment *s)
{
    uint32_t attr = (uint32_t)s->type << 8 | (uint32_t)s->s << 12 | (uint32_t)s->dpl << DESC_DPL_SHIFT |
                    (uint32_t)(s->present && !s->unusable) << 15 | (uint32_t)s->avl << 20 | (uint32_t)s->l << 21 |
                    (uint32_t)s->db << 22 | (uint32_t)s->g << 23;
    return (struct x86_segment){.base = s->base, .limit = s->limit, .selector = s->selector, .attr = attr};
}

static void to_registers(const struct x86_cpu *cpu, struct kvm_regs *r)
{
    const uint64_t *g = cpu->gpr;
    *r = (struct kvm_regs){g[X86_RAX], g[X86_RBX], g[X86_RCX], g[X86_RDX], g[X86_RSI], g[X86_RDI], g[X86_RSP], g[X86_RBP],
                           g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15], x86_rip(cpu), x86_eflags_get(cpu)};
}

static void from_registers(struct x86_cpu *cpu, const struct kvm_regs *r)
{
    const uint64_t values[16] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                                 r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};
    memcpy(cpu->gpr, values, sizeof(cpu->gpr));
    x86_eflags_set(cpu, (uint32_t)r->rflags);
}

static void to_system(const struct x86_cpu *cpu, struct kvm_sregs *s)
{
    struct kvm_segment *const segs[X86_SEGS] = {&s->es, &s->cs, &s->ss, &s->ds, &s->fs, &s->gs};
    for (unsigned n = 0; n < X86_SEGS; n++)
        *segs[n] = to_segment(&cpu->segs[n]);
    s->ldt = to_segment(&cpu->ldtr);
    s->tr = to_segment(&cpu->tr);
    s->gdt = (struct kvm_dtable){.base = cpu->gdtr.base, .limit = (uint16_t)cpu->gdtr.limit};
    s->idt = (struct kvm_dtable){.base = cpu->idtr.base, .limit = (uint16_t)cpu->idtr.limit};
    s->cr0 = cpu->cr0;
    s->cr2 = cpu->cr2;
    s->cr3 = cpu->cr3;
    s->cr4 = cpu->cr4;
    s->cr8 = cpu->cr8;
    s->efer = cpu->efer;
    memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap)); // it is among the events
}

static void from_system(struct x86_cpu *cpu, const struct kvm_sregs *s)
{
    const struct kvm_segment *const segs[X86_SEGS] = {&s->es, &s->cs, &s->ss, &s->ds, &s->fs, &s->gs};
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = from_segment(segs[n]);
    cpu->ldtr = from_segment(&s->ldt);
    cpu->tr = from_segment(&s->tr);
    cpu->gdtr = (struct x86_segment){.base = s->gdt.base, .limit = s->gdt.limit};
    cpu->idtr = (struct x86_segment){.base = s->idt.base, .limit = s->idt.limit};
    cpu->cr0 = s->cr0;
    cpu->cr2 = s->cr2;
    cpu->cr3 = s->cr3;
    cpu->cr4 = s->cr4;
    cpu->cr8 = s->cr8;
    cpu->efer = s->efer;
}

// --- x87, SSE, AVX ---

static void put_legacy(const struct x86_cpu *cpu, uint8_t *image)
{
    x86_fx_put_x87(cpu, image, true);
    store_le32(image + FX_MXCSR, x86_mxcsr_saved(cpu));
    memcpy(image + FX_XMM, cpu->xmm, sizeof(cpu->xmm));
}

static void get_legacy(struct x86_cpu *cpu, const uint8_t *image)
{
    x86_fx_get_x87(cpu, image, true);
    x86_mxcsr_set_saved(cpu, load_le32(image + FX_MXCSR));
    memcpy(cpu->xmm, image + FX_XMM, sizeof(cpu->xmm));
}

static void to_vectors(const struct x86_cpu *cpu, const struct x86_kvm *own, uint8_t *bytes)
{
    put_legacy(cpu, bytes);
    uint64_t parts = X87_AND_SSE;
    if (own->avx_offset) {
        memcpy(bytes + own->avx_offset, cpu->ymmh, sizeof(cpu->ymmh));
        parts |= AVX_BIT;
    }
    if (own->pkru_offset) {
        store_le32(bytes + own->pkru_offset, cpu->pkru);
        parts |= PKRU_BIT;
    }
    store_le64(bytes + XSAVE_HEADER, load_le64(bytes + XSAVE_HEADER) | parts);
}

static void from_vectors(struct x86_cpu *cpu, const struct x86_kvm *own, const uint8_t *source)
{
    uint8_t bytes[XSAVE_HEADER];
    memcpy(bytes, source, sizeof(bytes));
    uint64_t parts = load_le64(source + XSAVE_HEADER);
    if (!(parts & 1)) { // the x87 is as FNINIT leaves it
        uint32_t mxcsr = load_le32(bytes + FX_MXCSR);
        memset(bytes, 0, FX_XMM);
        store_le16(bytes, 0x37f);
        store_le32(bytes + FX_MXCSR, mxcsr);
    }
    if (!(parts & 2))
        memset(bytes + FX_XMM, 0, sizeof(cpu->xmm));
    get_legacy(cpu, bytes);
    memset(cpu->ymmh, 0, sizeof(cpu->ymmh));
    if (own->avx_offset && (parts & AVX_BIT))
        memcpy(cpu->ymmh, source + own->avx_offset, sizeof(cpu->ymmh));
    cpu->pkru = own->pkru_offset && (parts & PKRU_BIT) ? load_le32(source + own->pkru_offset) : 0;
}

// --- model-specific and debug registers ---

// The next row of x86_msr_field that the host has, too; NULL: there are no more.
static uint64_t *next_msr(struct x86_cpu *cpu, const struct x86_kvm *own, unsigned at, unsigned *row)
{
    uint64_t *field;
    uint32_t msr;
    while (at < own->msr_count && (field = x86_msr_field(cpu, (*row)++, &msr)))
        if (own->msrs[at] == msr)
            return field;
    return NULL;
}

static void to_debug(const struct x86_cpu *cpu, struct kvm_debugregs *debug)
{
    memcpy(debug->db, cpu->dr, sizeof(debug->db));
    debug->dr6 = cpu->dr[6];
    debug->dr7 = cpu->dr[7];
}

static void from_debug(struct x86_cpu *cpu, const struct kvm_debugregs *debug)
{
    memcpy(cpu->dr, debug->db, sizeof(debug->db));
    cpu->dr[6] = debug->dr6;
    cpu->dr[7] = debug->dr7;
}

// --- events ---

// What is not said here stays as the kernel has it.
static void to_events(const struct x86_cpu *cpu, const struct x86_kvm *own, struct kvm_vcpu_events *events)
{
    events->flags |= KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING;
    events->flags &= ~(uint32_t)KVM_VCPUEVENT_VALID_SIPI_VECTOR;
    events->interrupt.shadow = cpu->shadow == X86_SHADOW_SS ? KVM_X86_SHADOW_INT_MOV_SS : cpu->shadow ? KVM_X86_SHADOW_INT_STI : 0;
    events->nmi.masked = cpu->nmi_blocked;
    events->nmi.pending = 0; // it is among the processor's lines
    events->nmi.injected = cpu->interrupted == X86_BY_NMI;
    events->exception.injected = cpu->interrupted == X86_BY_EXCEPTION;
    if (events->exception.injected) {
        events->exception.nr = cpu->interrupted_vector;
        events->exception.has_error_code = cpu->interrupted_error >= 0;
        events->exception.error_code = cpu->interrupted_error >= 0 ? (uint32_t)cpu->interrupted_error : 0;
    }
    events->interrupt.injected = cpu->interrupted == X86_BY_INTERRUPT || cpu->interrupted == X86_BY_INT;
    if (events->interrupt.injected) {
        events->interrupt.soft = cpu->interrupted == X86_BY_INT;
        events->interrupt.nr = cpu->interrupted_vector;
    }
    if (!own->has_smm)
        return;
    events->flags |= KVM_VCPUEVENT_VALID_SMM;
    events->smi.smm = cpu->smm;
    events->smi.pending = 0; // as an NMI
    events->smi.smm_inside_nmi = cpu->smm && cpu->nmi_blocked_before_smm;
}

// What was under way goes on when the processor next runs.
static void from_events(struct x86_cpu *cpu, const struct kvm_vcpu_events *events)
{
    unsigned shadow = events->interrupt.shadow;
    cpu->shadow = shadow & KVM_X86_SHADOW_INT_MOV_SS ? X86_SHADOW_SS : shadow ? X86_SHADOW_STI : 0;
    if (cpu->halt == X86_IN_HLT)
        cpu->shadow = 0; // HLT was behind STI
    cpu->nmi_blocked = events->nmi.masked;
    bool has_smm = events->flags & KVM_VCPUEVENT_VALID_SMM;
    cpu->nmi_blocked_before_smm = has_smm && events->smi.smm_inside_nmi;
    x86_smm_select(cpu, has_smm && events->smi.smm);
    uint32_t edges = (events->nmi.pending ? 1u << X86_CPU_NMI : 0) | (has_smm && events->smi.pending ? 1u << X86_CPU_SMI : 0);
    atomic_fetch_or(&cpu->tcg.vcpu.irq_lines, edges);
    cpu->interrupted = events->exception.injected  ? X86_BY_EXCEPTION
                       : events->nmi.injected      ? X86_BY_NMI
                       : !events->interrupt.injected ? X86_BY_NOTHING
                       : events->interrupt.soft    ? X86_BY_INT
                                                   : X86_BY_INTERRUPT;
    cpu->interrupted_vector = events->exception.injected ? events->exception.nr : events->interrupt.nr;
    cpu->interrupted_error = events->exception.has_error_code ? (int64_t)events->exception.error_code : -1;
}

// --- all of it ---

void x86_kvm_to_image(const struct x86_cpu *cpu, const struct x86_kvm *own, struct x86_kvm_image *image)
{
    const uint64_t *field;
    to_registers(cpu, &image->regs);
    to_system(cpu, &image->system);
    image->xcrs = (struct kvm_xcrs){.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = cpu->xcr0}};
    to_vectors(cpu, own, (uint8_t *)image->vectors);
    for (unsigned at = 0, row = 0; (field = next_msr((struct x86_cpu *)cpu, own, at, &row)); at++)
        image->msrs[at] = *field;
    to_debug(cpu, &image->debug);
    to_events(cpu, own, &image->events);
}

void x86_kvm_from_image(struct x86_cpu *cpu, const struct x86_kvm *own, const struct x86_kvm_image *image)
{
    uint64_t *field;
    from_system(cpu, &image->system);
    from_registers(cpu, &image->regs);
    if (own->has_xcrs && image->xcrs.nr_xcrs)
        cpu->xcr0 = image->xcrs.xcrs[0].value;
    from_vectors(cpu, own, (const uint8_t *)image->vectors);
    for (unsigned at = 0, row = 0; (field = next_msr(cpu, own, at, &row)); at++)
        *field = image->msrs[at];
    from_debug(cpu, &image->debug);
    from_events(cpu, &image->events);
    x86_modes_changed(cpu);
    x86_set_rip(cpu, image->regs.rip);
}
