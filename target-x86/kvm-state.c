// SPDX-License-Identifier: MIT
// The state of an x86 processor, to and from KVM.
#include <errno.h>
#include <linux/kvm.h>
#include <stdalign.h>
#include <string.h>
#include <sys/ioctl.h>

#include "target-x86/cpu.h"
#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/kvm.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "tcg/base/error.h"

enum { XSAVE_HEADER = FX_BYTES, X87_AND_SSE = 3, AVX_BIT = 1 << 2, PKRU_BIT = 1 << 9 };

// struct kvm_msrs with its entries.
struct msr_list {
    alignas(struct kvm_msrs) uint8_t bytes[sizeof(struct kvm_msrs) + X86_KVM_MSRS * sizeof(struct kvm_msr_entry)];
};

static struct kvm_msrs *msrs_of(struct msr_list *list)
{
    return (struct kvm_msrs *)list->bytes;
}

static int failed(struct error *error, const char *what)
{
    return error_set(error, errno, "%s: %s", what, strerror(errno));
}

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

static int load_registers(const struct x86_cpu *cpu, int fd)
{
    const uint64_t *g = cpu->gpr;
    struct kvm_regs regs = {g[X86_RAX], g[X86_RBX], g[X86_RCX], g[X86_RDX], g[X86_RSI], g[X86_RDI], g[X86_RSP], g[X86_RBP],
                            g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15], x86_rip(cpu), x86_eflags_get(cpu)};
    return ioctl(fd, KVM_SET_REGS, &regs);
}

static void save_registers(struct x86_cpu *cpu, const struct kvm_regs *r)
{
    const uint64_t values[16] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                                 r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};
    memcpy(cpu->gpr, values, sizeof(cpu->gpr));
}

static uint64_t apic_base(const struct x86_cpu *cpu)
{
    uint64_t value;
    const struct x86_cpu_config *config = &cpu->config;
    bool known = config->intc && config->intc->read_msr && config->intc->read_msr(config->intc_opaque, 0x1b, &value);
    return known ? value : 0xfee00800 | (config->index ? 0 : 0x100);
}

static int load_system(const struct x86_cpu *cpu, int fd)
{
    struct kvm_sregs s = {.cr0 = cpu->cr0, .cr2 = cpu->cr2, .cr3 = cpu->cr3, .cr4 = cpu->cr4, .cr8 = cpu->cr8, .efer = cpu->efer,
                          .apic_base = apic_base(cpu)};
    struct kvm_segment *const segs[X86_SEGS] = {&s.es, &s.cs, &s.ss, &s.ds, &s.fs, &s.gs};
    for (unsigned n = 0; n < X86_SEGS; n++)
        *segs[n] = to_segment(&cpu->segs[n]);
    s.ldt = to_segment(&cpu->ldtr);
    s.tr = to_segment(&cpu->tr);
    s.gdt = (struct kvm_dtable){.base = cpu->gdtr.base, .limit = (uint16_t)cpu->gdtr.limit};
    s.idt = (struct kvm_dtable){.base = cpu->idtr.base, .limit = (uint16_t)cpu->idtr.limit};
    return ioctl(fd, KVM_SET_SREGS, &s);
}

static void save_system(struct x86_cpu *cpu, const struct kvm_sregs *s)
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

static int load_vectors(const struct x86_cpu *cpu, const struct x86_kvm *own, int fd)
{
    struct kvm_xsave area = {0};
    uint8_t *bytes = (uint8_t *)area.region;
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
    store_le64(bytes + XSAVE_HEADER, parts);
    return ioctl(fd, KVM_SET_XSAVE, &area);
}

static int save_vectors(struct x86_cpu *cpu, const struct x86_kvm *own, int fd)
{
    struct kvm_xsave area = {0};
    uint8_t *bytes = (uint8_t *)area.region;
    if (ioctl(fd, KVM_GET_XSAVE, &area) < 0)
        return -1;
    uint64_t parts = load_le64(bytes + XSAVE_HEADER);
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
        memcpy(cpu->ymmh, bytes + own->avx_offset, sizeof(cpu->ymmh));
    cpu->pkru = own->pkru_offset && (parts & PKRU_BIT) ? load_le32(bytes + own->pkru_offset) : 0;
    return 0;
}

static int load_xcr0(const struct x86_cpu *cpu, const struct x86_kvm *own, int fd)
{
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = cpu->xcr0}};
    return own->has_xcrs ? ioctl(fd, KVM_SET_XCRS, &xcrs) : 0;
}

static int save_xcr0(struct x86_cpu *cpu, const struct x86_kvm *own, int fd)
{
    struct kvm_xcrs xcrs = {0};
    if (!own->has_xcrs)
        return 0;
    int status = ioctl(fd, KVM_GET_XCRS, &xcrs);
    if (!status && xcrs.nr_xcrs)
        cpu->xcr0 = xcrs.xcrs[0].value;
    return status;
}

// --- model-specific and debug registers, events ---

static int load_msrs(struct x86_cpu *cpu, const struct x86_kvm *own, int fd)
{
    struct msr_list list = {{0}};
    struct kvm_msrs *msrs = msrs_of(&list);
    const uint64_t *value;
    uint32_t msr;
    for (unsigned i = 0; msrs->nmsrs < own->msr_count && (value = x86_msr_field(cpu, i, &msr)); i++)
        if (own->msrs[msrs->nmsrs] == msr)
            msrs->entries[msrs->nmsrs++] = (struct kvm_msr_entry){.index = msr, .data = *value};
    return ioctl(fd, KVM_SET_MSRS, msrs) == (int)own->msr_count ? 0 : -1;
}

static int save_msrs(struct x86_cpu *cpu, const struct x86_kvm *own, int fd)
{
    struct msr_list list = {{0}};
    struct kvm_msrs *msrs = msrs_of(&list);
    uint64_t *value;
    uint32_t msr;
    msrs->nmsrs = own->msr_count;
    for (unsigned i = 0; i < own->msr_count; i++)
        msrs->entries[i].index = own->msrs[i];
    if (ioctl(fd, KVM_GET_MSRS, msrs) != (int)own->msr_count)
        return -1;
    unsigned at = 0;
    for (unsigned i = 0; at < own->msr_count && (value = x86_msr_field(cpu, i, &msr)); i++)
        if (own->msrs[at] == msr)
            *value = msrs->entries[at++].data;
    return 0;
}

static int load_debug(const struct x86_cpu *cpu, int fd)
{
    struct kvm_debugregs debug = {.db = {cpu->dr[0], cpu->dr[1], cpu->dr[2], cpu->dr[3]}, .dr6 = cpu->dr[6], .dr7 = cpu->dr[7]};
    return ioctl(fd, KVM_SET_DEBUGREGS, &debug);
}

static void save_debug(struct x86_cpu *cpu, const struct kvm_debugregs *debug)
{
    memcpy(cpu->dr, debug->db, sizeof(debug->db));
    cpu->dr[6] = debug->dr6;
    cpu->dr[7] = debug->dr7;
}

static int load_events(const struct x86_cpu *cpu, int fd)
{
    struct kvm_vcpu_events events = {.flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING};
    events.interrupt.shadow = cpu->shadow == X86_SHADOW_SS ? KVM_X86_SHADOW_INT_MOV_SS : cpu->shadow ? KVM_X86_SHADOW_INT_STI : 0;
    events.nmi.masked = cpu->nmi_blocked;
    events.exception.injected = cpu->interrupted == X86_BY_EXCEPTION;
    events.exception.nr = cpu->interrupted_vector;
    events.exception.has_error_code = cpu->interrupted_error >= 0;
    events.exception.error_code = cpu->interrupted_error >= 0 ? (uint32_t)cpu->interrupted_error : 0;
    events.interrupt.injected = cpu->interrupted == X86_BY_INTERRUPT || cpu->interrupted == X86_BY_INT;
    events.interrupt.soft = cpu->interrupted == X86_BY_INT;
    events.interrupt.nr = cpu->interrupted_vector;
    events.nmi.injected = cpu->interrupted == X86_BY_NMI;
    return ioctl(fd, KVM_SET_VCPU_EVENTS, &events);
}

// What was under way goes on when the processor next runs.
static void save_events(struct x86_cpu *cpu, const struct kvm_vcpu_events *events)
{
    unsigned shadow = events->interrupt.shadow;
    cpu->shadow = shadow & KVM_X86_SHADOW_INT_MOV_SS ? X86_SHADOW_SS : shadow ? X86_SHADOW_STI : 0;
    if (cpu->halt == X86_IN_HLT)
        cpu->shadow = 0; // HLT was behind STI
    cpu->nmi_blocked = events->nmi.masked;
    if (events->nmi.pending)
        atomic_fetch_or(&cpu->tcg.vcpu.irq_lines, 1u << X86_CPU_NMI);
    cpu->interrupted = events->exception.injected  ? X86_BY_EXCEPTION
                       : events->nmi.injected      ? X86_BY_NMI
                       : !events->interrupt.injected ? X86_BY_NOTHING
                       : events->interrupt.soft    ? X86_BY_INT
                                                   : X86_BY_INTERRUPT;
    cpu->interrupted_vector = events->exception.injected ? events->exception.nr : events->interrupt.nr;
    cpu->interrupted_error = events->exception.has_error_code ? (int64_t)events->exception.error_code : -1;
}

// --- waiting, which is the kernel's to end where the APICs are its ---

static int load_mp_state(struct kvm_vcpu *k)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
    bool halted = cpu->halt == X86_IN_HLT && k->vcpu->halted;
    if (k->vm->irqchip == KVM_IRQCHIP_OFF) {
        cpu->halt = X86_RUNS;
        return 0;
    }
    if (!vcpu_is_powered_on(k->vcpu))
        state.mp_state = KVM_MP_STATE_INIT_RECEIVED; // waits for a start-up message
    else if (halted)
        state.mp_state = KVM_MP_STATE_HALTED;
    cpu->halt = X86_RUNS;
    k->vcpu->halted = false;
    return ioctl(k->fd, KVM_SET_MP_STATE, &state);
}

static int save_mp_state(struct kvm_vcpu *k)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct kvm_mp_state state;
    if (k->vm->irqchip == KVM_IRQCHIP_OFF)
        return 0;
    if (ioctl(k->fd, KVM_GET_MP_STATE, &state) < 0)
        return -1;
    k->vcpu->halted = state.mp_state == KVM_MP_STATE_HALTED;
    cpu->halt = k->vcpu->halted ? X86_IN_HLT : X86_RUNS;
    vcpu_set_power(k->vcpu, state.mp_state == KVM_MP_STATE_RUNNABLE || state.mp_state == KVM_MP_STATE_HALTED);
    return 0;
}

// --- all of it ---

void x86_kvm_probe_state(struct kvm_vcpu *k)
{
    struct x86_kvm *own = k->guest;
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct msr_list list = {{0}};
    struct kvm_msrs *one = msrs_of(&list);
    own->has_xcrs = kvm_capability(k->vm, KVM_CAP_XCRS) > 0 && x86_has(cpu, X86_FEAT_XSAVE);
    one->nmsrs = 1;
    for (unsigned i = 0; own->msr_count < X86_KVM_MSRS && x86_msr_field(cpu, i, &one->entries[0].index); i++)
        if (ioctl(k->fd, KVM_GET_MSRS, one) == 1 && ioctl(k->fd, KVM_SET_MSRS, one) == 1)
            own->msrs[own->msr_count++] = one->entries[0].index;
}

int x86_kvm_load(struct kvm_vcpu *k, struct error *error)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct x86_kvm *own = k->guest;
    cpu->a20_masked = atomic_load(&k->vcpu->irq_lines) >> X86_CPU_A20M & 1; // which KVM's processors do not have
    // What the kernel tells of it otherwise is of the last run.
    k->run->if_flag = (cpu->eflags & FLAG_IF) != 0;
    // A kernel's APIC has a say in it.
    k->run->ready_for_interrupt_injection = k->vm->irqchip == KVM_IRQCHIP_OFF && k->run->if_flag && !cpu->shadow &&
                                            cpu->interrupted == X86_BY_NOTHING;
    if (load_system(cpu, k->fd) < 0)
        return failed(error, "system registers");
    if (load_registers(cpu, k->fd) < 0)
        return failed(error, "registers");
    if (load_xcr0(cpu, own, k->fd) < 0 || load_vectors(cpu, own, k->fd) < 0)
        return failed(error, "vector registers");
    if (load_msrs(cpu, own, k->fd) < 0)
        return failed(error, "model-specific registers");
    if (load_debug(cpu, k->fd) < 0)
        return failed(error, "debug registers");
    if (load_events(cpu, k->fd) < 0)
        return failed(error, "events");
    return load_mp_state(k) < 0 ? failed(error, "state of waiting") : 0;
}

int x86_kvm_save(struct kvm_vcpu *k, struct error *error)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(k->vcpu);
    struct kvm_regs regs;
    struct kvm_sregs system;
    struct kvm_debugregs debug;
    struct kvm_vcpu_events events;
    if (ioctl(k->fd, KVM_GET_SREGS, &system) < 0 || ioctl(k->fd, KVM_GET_REGS, &regs) < 0)
        return failed(error, "registers");
    if (ioctl(k->fd, KVM_GET_DEBUGREGS, &debug) < 0 || ioctl(k->fd, KVM_GET_VCPU_EVENTS, &events) < 0)
        return failed(error, "debug registers and events");
    save_system(cpu, &system);
    save_registers(cpu, &regs);
    x86_eflags_set(cpu, (uint32_t)regs.rflags);
    save_debug(cpu, &debug);
    save_events(cpu, &events);
    if (save_xcr0(cpu, k->guest, k->fd) < 0 || save_vectors(cpu, k->guest, k->fd) < 0)
        return failed(error, "vector registers");
    if (save_msrs(cpu, k->guest, k->fd) < 0)
        return failed(error, "model-specific registers");
    x86_modes_changed(cpu);
    x86_set_rip(cpu, regs.rip);
    return save_mp_state(k) < 0 ? failed(error, "state of waiting") : 0;
}
