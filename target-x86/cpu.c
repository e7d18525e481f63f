// SPDX-License-Identifier: MIT
// The processor as an object: creation, reset, and what the vCPU interface and the monitor ask of it.

#include "target-x86/cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/gdb.h"
#include "target-x86/kvm.h"
#include "target-x86/mmu.h"
#include "target-x86/models.h"
#include "target-x86/native.h"
#include "target-x86/x86.h"
#include "tcg/base/bits.h"

// --- reset ---------------------------------------------------------------------------------------------------------

static void reset_segments(struct x86_cpu *cpu)
{
    enum { DATA = DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED };
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = (struct x86_segment){.limit = 0xffff, .attr = DATA};
    cpu->segs[X86_CS] = (struct x86_segment){.base = 0xffff0000, .limit = 0xffff, .selector = 0xf000,
                                             .attr = DATA | DESC_CODE};
    cpu->gdtr = cpu->idtr = (struct x86_segment){.limit = 0xffff};
    cpu->ldtr = (struct x86_segment){.limit = 0xffff, .attr = DESC_P | GATE_LDT << 8};
    cpu->tr = (struct x86_segment){.limit = 0xffff, .attr = DESC_P | GATE_TSS32_BUSY << 8};
}

static void reset_kept_by_init(struct x86_cpu *cpu)
{
    x86_fpu_reset(cpu);
    memset(cpu->xmm, 0, sizeof(cpu->xmm));
    memset(cpu->ymmh, 0, sizeof(cpu->ymmh));
    cpu->xcr0 = 1;
    cpu->pkru = 0;
    cpu->star = cpu->lstar = cpu->cstar = cpu->fmask = cpu->kernel_gs_base = cpu->tsc_aux = 0;
    cpu->tsc_offset = 0;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->pat = UINT64_C(0x0007040600070406);
    cpu->misc_enable = 1;
    cpu->mtrr_def_type = cpu->debugctl = 0;
    memset(cpu->mtrr_fixed, 0, sizeof(cpu->mtrr_fixed));
    memset(cpu->mtrr_var, 0, sizeof(cpu->mtrr_var));
    cpu->smbase = 0x30000;
    cpu->efer = 0;
    cpu->ferr = false; // the board resets its own end
}

void x86_reset(struct x86_cpu *cpu, bool init)
{
    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->gpr[X86_RDX] = (cpu->model->family & 15) << 8 | (cpu->model->model & 15) << 4 | cpu->model->stepping;
    x86_eflags_set(cpu, FLAG_1);
    reset_segments(cpu);
    cpu->cr0 = CR0_ET | (init ? cpu->cr0 & (CR0_CD | CR0_NW) : (uint64_t)(CR0_CD | CR0_NW));
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->cr8 = 0;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->watches = cpu->port_watches = cpu->watch_hits = 0;
    cpu->shadow = cpu->single = 0;
    cpu->smm = cpu->nmi_blocked = cpu->in_shutdown = false;
    cpu->private_code = 0;
    cpu->delivering = -1;
    cpu->interrupted = X86_BY_NOTHING;
    cpu->efer = 0;
    cpu->halt = X86_RUNS;
    if (!init)
        reset_kept_by_init(cpu);
    cpu->memory = cpu->tcg.memory = cpu->tcg.vcpu.machine->map;
    // Edges that were waiting are gone.
    atomic_fetch_and(&cpu->tcg.vcpu.irq_lines, ~(1u << X86_CPU_NMI | 1u << X86_CPU_SMI));
    tlb_flush_all(&cpu->tcg);
    cpu->space_key = 0;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, 0xfff0);
}

// --- the vCPU ------------------------------------------------------------------------------------------------------

static void reset(struct vcpu *vcpu)
{
    x86_cpu_of_vcpu(vcpu)->resets++;
    x86_reset(x86_cpu_of_vcpu(vcpu), false);
}

static void init(struct vcpu *vcpu)
{
    x86_reset(x86_cpu_of_vcpu(vcpu), true);
}

static bool has_work(const struct vcpu *vcpu)
{
    const struct x86_cpu *cpu = x86_cpu_of_vcpu((struct vcpu *)vcpu);
    uint32_t lines = atomic_load_explicit(&vcpu->irq_lines, memory_order_acquire);
    if (cpu->in_shutdown)
        return false;
    return (cpu->halt == X86_FROZEN && (lines >> X86_CPU_IGNNE & 1)) ||
           ((lines >> X86_CPU_INTR & 1) && (cpu->eflags & FLAG_IF)) || ((lines >> X86_CPU_NMI & 1) && !cpu->nmi_blocked) || ((lines >> X86_CPU_SMI & 1) && !cpu->smm);
}

// Below 1 MiB as a start-up message does: real mode, CS:0. Above as kernels of the 32-bit boot protocol want it: flat
// 32-bit protected mode, the context in ESI.
static void start_at(struct vcpu *vcpu, uint64_t entry, uint64_t context)
{
    struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    if (entry < 0x100000) {
        cpu->segs[X86_CS].selector = (uint32_t)(entry >> 4) & 0xff00;
        cpu->segs[X86_CS].base = entry & 0xff000;
        x86_modes_changed(cpu);
        x86_set_rip(cpu, entry & 0xfff);
        return;
    }
    enum { DATA = DESC_P | DESC_S | DESC_WRITABLE | DESC_ACCESSED | DESC_G | DESC_B };
    for (unsigned n = 0; n < X86_SEGS; n++)
        cpu->segs[n] = (struct x86_segment){.limit = 0xffffffff, .selector = 0x18, .attr = DATA};
    cpu->segs[X86_CS].selector = 0x10;
    cpu->segs[X86_CS].attr |= DESC_CODE;
    cpu->cr0 |= CR0_PE;
    cpu->gpr[X86_RSI] = context;
    x86_modes_changed(cpu);
    x86_set_rip(cpu, entry);
}

static uint64_t get_pc(const struct vcpu *vcpu)
{
    return tcg_get_pc(tcg_cpu_of((struct vcpu *)vcpu));
}

static void set_pc(struct vcpu *vcpu, uint64_t pc)
{
    x86_cpu_of_vcpu(vcpu)->halt = X86_RUNS;
    tcg_set_pc(tcg_cpu_of(vcpu), pc);
}

static void print_segment(const char *name, const struct x86_segment *s, FILE *out)
{
    fprintf(out, "%-4s=%04x %016llx %08x %08x\n", name, s->selector, (unsigned long long)s->base, s->limit, s->attr);
}

static void print_registers(struct vcpu *vcpu, FILE *out)
{
    static const char *const names[16] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                          "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
    static const char *const segs[X86_SEGS] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    const struct x86_cpu *cpu = x86_cpu_of_vcpu(vcpu);
    for (unsigned n = 0; n < 16; n++)
        fprintf(out, "%s=%016llx%s", names[n], (unsigned long long)cpu->gpr[n], n % 4 == 3 ? "\n" : " ");
    uint32_t flags = x86_eflags_get(cpu);
    fprintf(out, "RIP=%016llx RFL=%08x [%c%c%c%c%c%c%c] CPL=%u A20=%u SMM=%u HLT=%u\n",
            (unsigned long long)x86_rip(cpu), flags, flags & FLAG_DF ? 'D' : '-', flags & FLAG_O ? 'O' : '-',
            flags & FLAG_S ? 'S' : '-', flags & FLAG_Z ? 'Z' : '-', flags & FLAG_A ? 'A' : '-',
            flags & FLAG_P ? 'P' : '-', flags & FLAG_C ? 'C' : '-', x86_cpl(cpu), !cpu->a20_masked, cpu->smm,
            vcpu->halted);
    for (unsigned n = 0; n < X86_SEGS; n++)
        print_segment(segs[n], &cpu->segs[n], out);
    print_segment("LDT", &cpu->ldtr, out);
    print_segment("TR", &cpu->tr, out);
    fprintf(out, "GDT=     %016llx %08x\nIDT=     %016llx %08x\n", (unsigned long long)cpu->gdtr.base,
            cpu->gdtr.limit, (unsigned long long)cpu->idtr.base, cpu->idtr.limit);
    fprintf(out, "CR0=%08llx CR2=%016llx CR3=%016llx CR4=%08llx EFER=%016llx\n", (unsigned long long)cpu->cr0,
            (unsigned long long)cpu->cr2, (unsigned long long)cpu->cr3, (unsigned long long)cpu->cr4,
            (unsigned long long)cpu->efer);
}

static bool translate_debug(struct vcpu *vcpu, uint64_t gva, uint64_t *gpa)
{
    return x86_debug_translate(x86_cpu_of_vcpu(vcpu), gva, gpa);
}

static void destroy(struct vcpu *vcpu)
{
    x86_native_destroy(x86_cpu_of_vcpu(vcpu)->native);
    x86_views_destroy(x86_cpu_of_vcpu(vcpu)->views);
    free(x86_cpu_of_vcpu(vcpu));
}

static const struct vcpu_ops vcpu_ops = {
    .arch = "x86_64",
    .reset = reset,
    .init = init,
    .has_work = has_work,
    .start_at = start_at,
    .get_pc = get_pc,
    .set_pc = set_pc,
    .print_registers = print_registers,
    .disassembler = x86_disassembler,
    .translate_debug = translate_debug,
    .debug = &x86_debug_ops,
    .destroy = destroy,
};

static struct vcpu *create(struct machine *machine, const char *model, const void *config, struct error *error)
{
    enum { TSC_HZ = 1000000000 };
    struct x86_cpu *cpu = aligned_alloc(64, round_up(sizeof(*cpu), 64));
    if (!cpu)
        abort();
    memset(cpu, 0, sizeof(*cpu));
    cpu->config = *(const struct x86_cpu_config *)config;
    if (x86_model_apply(cpu, model, error) < 0 || !(cpu->native = x86_native_create(error))) {
        free(cpu);
        return NULL;
    }
    if (cpu->model->is_host && !machine->kvm) {
        error_set(error, EINVAL, "CPU 'host' needs -accel kvm; -cpu max has all that this accelerator can do");
        destroy(&cpu->tcg.vcpu);
        return NULL;
    }
    cpu->pa_mask = mask64(x86_has(cpu, X86_FEAT_LM) ? 40 : x86_has(cpu, X86_FEAT_PAE) ? 36 : 32);
    cpu->tsc_hz = TSC_HZ;
    cpu->views = x86_views_create(cpu);
    cpu->memory = machine->map;
    cpu->tcg.guest = &x86_guest_ops;
    cpu->tcg.vcpu.ops = &vcpu_ops;
    cpu->tcg.vcpu.machine = machine;
    cpu->delivering = -1;
    return &cpu->tcg.vcpu;
}

const struct cpu_factory x86_cpu_factory = {.create = create, .kvm = X86_KVM_GUEST_OPS};
