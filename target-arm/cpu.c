// SPDX-License-Identifier: MIT
// The processor as an object: creation, reset, and what the vCPU interface and the monitor ask of it.

#include "target-arm/cpu.h"

#include <stdlib.h>
#include <string.h>

#include "hw/core/machine.h"
#include "target-arm/arm.h"
#include "target-arm/exception.h"
#include "target-arm/gdb.h"
#include "target-arm/helper.h"
#include "target-arm/kvm.h"
#include "target-arm/mmu.h"
#include "target-arm/models.h"
#include "target-arm/sysreg-bits.h"
#include "target-arm/sysreg.h"
#include "target-arm/timer.h"
#include "tcg/base/bits.h"
#include "tcg/fp-flags.h"

// --- the vCPU ------------------------------------------------------------------------------------------------------

static void set_level(struct arm_cpu *cpu, unsigned el)
{
    cpu->daif = PSTATE_DAIF;
    arm_select_sp(cpu, el, 1);
}

static void reset(struct vcpu *vcpu)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    cpu->was_reset = true;
    memset(cpu->x, 0, sizeof(cpu->x));
    memset(cpu->v, 0, sizeof(cpu->v));
    memset(cpu->sp_el, 0, sizeof(cpu->sp_el));
    cpu->sp = 0;
    cpu->nzcv = cpu->btype = 0;
    cpu->qc[0] = cpu->qc[1] = 0;
    cpu->excl_address = ~UINT64_C(0);
    cpu->pan = cpu->uao = cpu->dit = cpu->ssbs = cpu->ss = cpu->il = false;
    cpu->stepping = cpu->cache_op = cpu->btype_tracked = cpu->private_code = false;
    cpu->event = false;
    cpu->pmccntr = cpu->pmccntr_ns = 0;

    arm_sysreg_reset(cpu);
    static const uint64_t sctlr_reset[4] = {0, 0x30d50838, 0x30c50838, 0x30c50838};
    memcpy(cpu->sctlr_el, sctlr_reset, sizeof(cpu->sctlr_el));
    cpu->vpidr_el2 = cpu->id.midr;
    cpu->vmpidr_el2 = cpu->id.mpidr;
    cpu->hcr_el2 = HCR_RW;
    cpu->scr_el3 = SCR_RW;
    cpu->tcg.fp_control = fp_env_reset_control();
    cpu->fpcr = 0;
    arm_timers_reset(cpu);

    set_level(cpu, arm_has(cpu, ARM_FEAT_EL3) ? 3 : arm_has(cpu, ARM_FEAT_EL2) ? 2 : 1);
    tcg_set_pc(&cpu->tcg, cpu->id.rvbar);
    tlb_flush_all(&cpu->tcg);
    cpu->space_key = 0;
    arm_modes_changed(cpu);
}

static bool has_work(const struct vcpu *vcpu)
{
    return atomic_load_explicit(&vcpu->irq_lines, memory_order_acquire) != 0;
}

// Firmware starts systems in the highest level that is not EL3, with what EL3 software would have set up.
static void start_at(struct vcpu *vcpu, uint64_t entry, uint64_t context)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    if (cpu->el == 3) {
        cpu->scr_el3 |= SCR_NS | SCR_HCE | SCR_APK | SCR_API;
        set_level(cpu, arm_has(cpu, ARM_FEAT_EL2) ? 2 : 1);
    }
    cpu->x[0] = context;
    tcg_set_pc(&cpu->tcg, entry);
    arm_modes_changed(cpu);
}

static uint64_t get_pc(const struct vcpu *vcpu)
{
    return tcg_get_pc(tcg_cpu_of((struct vcpu *)vcpu));
}

static void set_pc(struct vcpu *vcpu, uint64_t pc)
{
    tcg_set_pc(tcg_cpu_of(vcpu), pc);
}

static void print_registers(struct vcpu *vcpu, FILE *out)
{
    const struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    fprintf(out, " PC=%016llx ", (unsigned long long)tcg_get_pc(&cpu->tcg));
    for (unsigned n = 0; n < 31; n++)
        fprintf(out, "X%02u=%016llx%s", n, (unsigned long long)cpu->x[n], (n + 2) % 3 ? " " : "\n");
    uint64_t pstate = arm_pstate_get(cpu);
    fprintf(out, " SP=%016llx\nPSTATE=%08llx %c%c%c%c EL%u%c", (unsigned long long)cpu->sp,
            (unsigned long long)pstate, pstate >> 31 & 1 ? 'N' : '-', pstate >> 30 & 1 ? 'Z' : '-',
            pstate >> 29 & 1 ? 'C' : '-', pstate >> 28 & 1 ? 'V' : '-', cpu->el, cpu->spsel ? 'h' : 't');
    if (arm_has(cpu, ARM_FEAT_BTI))
        fprintf(out, "  BTYPE=%u", cpu->btype & 3);
    fputc('\n', out);
}

// What is mapped, whatever the exception level and permissions: the kernel from EL0, users' pages despite PAN.
static bool translate_debug(struct vcpu *vcpu, uint64_t gva, uint64_t *gpa)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    struct arm_walk walk = {.regime = arm_regime_of(cpu, cpu->el), .privileged = true, .probe = true, .any = true};
    struct tlb_translation t;
    struct tlb_fault fault;
    if (!arm_walk(cpu, gva, &walk, &t, &fault, NULL))
        return false;
    *gpa = t.gpa;
    return true;
}

static void destroy(struct vcpu *vcpu)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(vcpu);
    arm_timers_destroy(cpu);
    free((void *)cpu->debug_view);
    free(cpu);
}

static const struct vcpu_ops vcpu_ops = {
    .arch = "aarch64",
    .reset = reset,
    .has_work = has_work,
    .start_at = start_at,
    .get_pc = get_pc,
    .set_pc = set_pc,
    .print_registers = print_registers,
    .disassembler = arm_disassembler,
    .translate_debug = translate_debug,
    .debug = &arm_debug_ops,
    .destroy = destroy,
};

static struct vcpu *create(struct machine *machine, const char *model, const void *config, struct error *error)
{
    struct arm_cpu *cpu = aligned_alloc(64, round_up(sizeof(*cpu), 64));
    if (!cpu)
        abort();
    memset(cpu, 0, sizeof(*cpu));
    cpu->config = *(const struct arm_cpu_config *)config;
    if (arm_model_apply(cpu, model, machine->kvm, error) < 0) {
        free(cpu);
        return NULL;
    }
    cpu->memory = machine->map;
    cpu->clock = machine->clock;
    cpu->semihost = machine->semihost;
    cpu->tcg.guest = &arm_guest_ops;
    cpu->tcg.vcpu.ops = &vcpu_ops;
    cpu->tcg.vcpu.machine = machine;
    arm_timers_init(cpu);
    arm_debug_view_create(cpu);
    arm_crc_init();
    return &cpu->tcg.vcpu;
}

const struct cpu_factory arm_cpu_factory = {.create = create, .kvm = ARM_KVM_GUEST_OPS};
