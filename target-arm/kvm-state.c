// SPDX-License-Identifier: MIT
// The state of an AArch64 processor, to and from KVM. The kernel lists its registers; each is moved to where kvm-registers.c says,
// and those that struct arm_cpu has no place for are kept as they are.
//
// A reset is the machine's: what struct arm_cpu then says goes to the kernel, and the rest becomes what it was when the kernel
// made the processor.
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hw/core/machine.h"
#include "target-arm/cpu.h"
#include "target-arm/exception.h"
#include "target-arm/kvm.h"
#include "target-arm/sysreg.h"
#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"
#include "tcg/base/error.h"
#include "tcg/fp-flags.h"

// The words of kvm-registers.h are those of the kernel's header.
_Static_assert(ARM_KVM_ID(3, ARM_KVM_CORE, 0) == (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE), "ids");
_Static_assert(ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 3, 14, 3, 1)) == KVM_REG_ARM_TIMER_CTL, "ids of system registers");
_Static_assert(ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 3, 14, 0, 2)) == KVM_REG_ARM_TIMER_CVAL, "the swapped ones");
_Static_assert(ARM_KVM_SYSREG_ID(ARM_SYSREG(3, 3, 14, 3, 2)) == KVM_REG_ARM_TIMER_CNT, "the swapped ones");
_Static_assert(ARM_KVM_CCSIDR_ID(1) == (KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | KVM_REG_ARM_DEMUX_ID_CCSIDR | 1),
               "ids of CCSIDR");
_Static_assert(ARM_KVM_ID(8, ARM_KVM_SVE, 0x20) == KVM_REG_ARM64_SVE_ZREG(1, 0), "ids of Z registers");
_Static_assert(ARM_KVM_ID(6, ARM_KVM_SVE, ARM_KVM_SVE_LENGTHS) == KVM_REG_ARM64_SVE_VLS, "vector lengths");
_Static_assert(ARM_KVM_CORE_SP_EL0 == KVM_REG_ARM_CORE_REG(regs.sp) && ARM_KVM_CORE_PC == KVM_REG_ARM_CORE_REG(regs.pc) &&
                   ARM_KVM_CORE_PSTATE == KVM_REG_ARM_CORE_REG(regs.pstate) &&
                   ARM_KVM_CORE_SP_EL1 == KVM_REG_ARM_CORE_REG(sp_el1) && ARM_KVM_CORE_ELR_EL1 == KVM_REG_ARM_CORE_REG(elr_el1) &&
                   ARM_KVM_CORE_SPSR_EL1 == KVM_REG_ARM_CORE_REG(spsr) && ARM_KVM_CORE_V0 == KVM_REG_ARM_CORE_REG(fp_regs.vregs) &&
                   ARM_KVM_CORE_FPSR == KVM_REG_ARM_CORE_REG(fp_regs.fpsr) && ARM_KVM_CORE_FPCR == KVM_REG_ARM_CORE_REG(fp_regs.fpcr),
               "struct kvm_regs");

enum { TIMER_ISTATUS = 1 << 2 };
#define FPSR_ENCODING ARM_SYSREG(3, 3, 4, 4, 1)
#define FPCR_ENCODING ARM_SYSREG(3, 3, 4, 4, 0)

int arm_kvm_get(const struct kvm_vcpu *k, uint64_t id, void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uint64_t)(uintptr_t)value};
    return ioctl(k->fd, KVM_GET_ONE_REG, &reg) < 0 ? -errno : 0;
}

int arm_kvm_set(const struct kvm_vcpu *k, uint64_t id, const void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uint64_t)(uintptr_t)value};
    return ioctl(k->fd, KVM_SET_ONE_REG, &reg) < 0 ? -errno : 0;
}

uint64_t arm_kvm_word(const struct kvm_vcpu *k, uint64_t id)
{
    uint64_t value;
    return arm_kvm_get(k, id, &value) ? 0 : value;
}

// --- registers that struct arm_cpu has in another form ---

// Of FPSR and FPCR a part is in the host's floating-point environment, as the translator wants it.
static uint64_t read_fp(struct arm_cpu *cpu, uint32_t encoding)
{
    const struct arm_sysreg *reg = arm_sysreg_find(cpu, encoding);
    uint32_t host = fp_env_swap(cpu->tcg.fp_control);
    uint64_t value = reg ? arm_sysreg_get(cpu, reg) : 0;
    fp_env_swap(host);
    return value;
}

static void write_fp(struct arm_cpu *cpu, uint32_t encoding, uint64_t value)
{
    const struct arm_sysreg *reg = arm_sysreg_find(cpu, encoding);
    uint32_t host = fp_env_swap(cpu->tcg.fp_control);
    if (reg)
        arm_sysreg_set(cpu, reg, value);
    cpu->tcg.fp_control = fp_env_swap(host);
}

static uint64_t through_shadow(const struct arm_kvm_shadow *shadow, uint64_t ours)
{
    return ours == shadow->ours ? shadow->kernels : ours;
}

// --- one register ---

static void to_kernel(struct arm_cpu *cpu, const struct arm_kvm *own, const struct arm_kvm_register *r, uint8_t *value)
{
    uint64_t word = 0;
    const uint8_t *field = (const uint8_t *)cpu + r->offset;
    memcpy(value, own->raw + r->at, r->bytes);
    switch ((enum arm_kvm_place)r->place) {
    case ARM_KVM_LEFT_ALONE:
    case ARM_KVM_RAW:
        return;
    case ARM_KVM_FIELD:
        memcpy(value, field, r->bytes);
        return;
    case ARM_KVM_Z:
        memcpy(value, field, sizeof(cpu->v[0]));
        return;
    case ARM_KVM_SP_EL0:
        word = *arm_stack_pointer(cpu, 0);
        break;
    case ARM_KVM_SP_EL1:
        word = *arm_stack_pointer(cpu, 1);
        break;
    case ARM_KVM_PC:
        word = tcg_get_pc(&cpu->tcg);
        break;
    case ARM_KVM_PSTATE:
        word = through_shadow(&own->pstate, arm_pstate_get(cpu));
        break;
    case ARM_KVM_FPSR:
        word = through_shadow(&own->fpsr, read_fp(cpu, FPSR_ENCODING));
        break;
    case ARM_KVM_FPCR:
        word = through_shadow(&own->fpcr, read_fp(cpu, FPCR_ENCODING));
        break;
    case ARM_KVM_TIMER_CTL:
        word = *(const uint32_t *)field;
        break;
    case ARM_KVM_PMCR:
        word = (cpu->id.pmcr & ARM_KVM_PMCR_IDENTITY) | cpu->pmcr;
        break;
    }
    memcpy(value, &word, r->bytes < sizeof(word) ? r->bytes : sizeof(word));
}

// The pc, PSTATE and stack pointers hang together: from_core has them.
static void from_kernel(struct arm_cpu *cpu, struct arm_kvm *own, const struct arm_kvm_register *r, const uint8_t *value)
{
    uint64_t word = 0;
    uint8_t *field = (uint8_t *)cpu + r->offset;
    memcpy(own->raw + r->at, value, r->bytes);
    memcpy(&word, value, r->bytes < sizeof(word) ? r->bytes : sizeof(word));
    switch ((enum arm_kvm_place)r->place) {
    case ARM_KVM_LEFT_ALONE:
    case ARM_KVM_RAW:
    case ARM_KVM_SP_EL0:
    case ARM_KVM_SP_EL1:
    case ARM_KVM_PC:
    case ARM_KVM_PSTATE:
        return;
    case ARM_KVM_FIELD:
        memcpy(field, value, r->bytes);
        return;
    case ARM_KVM_Z:
        memcpy(field, value, sizeof(cpu->v[0]));
        return;
    case ARM_KVM_FPSR:
        write_fp(cpu, FPSR_ENCODING, word);
        own->fpsr = (struct arm_kvm_shadow){word, read_fp(cpu, FPSR_ENCODING)};
        return;
    case ARM_KVM_FPCR:
        write_fp(cpu, FPCR_ENCODING, word);
        own->fpcr = (struct arm_kvm_shadow){word, read_fp(cpu, FPCR_ENCODING)};
        return;
    case ARM_KVM_TIMER_CTL:
        *(uint32_t *)field = (uint32_t)word & ~(uint32_t)TIMER_ISTATUS;
        return;
    case ARM_KVM_PMCR:
        cpu->pmcr = word & ~ARM_KVM_PMCR_IDENTITY;
        return;
    }
}

static uint64_t raw_word(const struct arm_kvm *own, enum arm_kvm_place place)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < own->count; i++)
        if (own->registers[i].place == place)
            memcpy(&word, own->raw + own->registers[i].at, sizeof(word));
    return word;
}

// In AArch32 state at EL0, which struct arm_cpu knows nothing of, it is shown as AArch64's with the low half of the registers.
static void from_core(struct arm_cpu *cpu, struct arm_kvm *own)
{
    uint64_t pstate = raw_word(own, ARM_KVM_PSTATE);
    arm_pstate_set(cpu, pstate);
    own->pstate = (struct arm_kvm_shadow){pstate, arm_pstate_get(cpu)};
    *arm_stack_pointer(cpu, 0) = raw_word(own, ARM_KVM_SP_EL0);
    *arm_stack_pointer(cpu, 1) = raw_word(own, ARM_KVM_SP_EL1);
    tcg_set_pc(&cpu->tcg, raw_word(own, ARM_KVM_PC));
}

// --- the list ---

static struct kvm_reg_list *get_list(const struct kvm_vcpu *k)
{
    struct kvm_reg_list none = {.n = 0};
    if (!ioctl(k->fd, KVM_GET_REG_LIST, &none) || errno != E2BIG)
        return NULL;
    struct kvm_reg_list *list = alloc_zeroed(1, sizeof(*list) + none.n * sizeof(list->reg[0]));
    list->n = none.n;
    if (!ioctl(k->fd, KVM_GET_REG_LIST, list) && list->n <= none.n)
        return list;
    free(list);
    return NULL;
}

// What cannot be read is not in the list; what does not take its own value back is left alone.
int arm_kvm_list_registers(struct kvm_vcpu *k, struct error *error)
{
    struct arm_kvm *own = k->guest;
    struct kvm_reg_list *list = get_list(k);
    uint8_t value[ARM_KVM_VALUE_BYTES];
    uint32_t bytes = 0;
    if (!list)
        return kvm_refused("it does not list the registers of processors", error);
    own->registers = ALLOC_ARRAY(struct arm_kvm_register, list->n + 1);
    own->raw = alloc_zeroed(list->n + 1, ARM_KVM_VALUE_BYTES);
    for (uint64_t i = 0; i < list->n; i++) {
        struct arm_kvm_register r = arm_kvm_describe(list->reg[i]);
        if (r.place == ARM_KVM_LEFT_ALONE || r.bytes > sizeof(value) || arm_kvm_get(k, r.id, value) ||
            arm_kvm_set(k, r.id, value))
            continue;
        r.at = bytes;
        memcpy(own->raw + bytes, value, r.bytes);
        bytes += r.bytes;
        own->registers[own->count++] = r;
    }
    free(list);
    own->power_up = alloc_zeroed(1, bytes + 1);
    memcpy(own->power_up, own->raw, bytes);
    own->has_events = kvm_capability(k->vm, KVM_CAP_VCPU_EVENTS) > 0;
    return 0;
}

// --- all of it ---

static int register_refused(const struct arm_kvm_register *r, const char *what, int status, struct error *error)
{
    return error_set(error, -status, "register 0x%llx cannot be %s: %s", (unsigned long long)r->id, what, strerror(-status));
}

// Before the structure goes to the kernel for the first time after a reset.
static int reset(struct kvm_vcpu *k, struct arm_cpu *cpu, struct error *error)
{
    struct arm_kvm *own = k->guest;
    int status = arm_kvm_power_up(k);
    if (status)
        return error_set(error, -status, "it cannot be reset: %s", strerror(-status));
    own->pstate = own->fpsr = own->fpcr = (struct arm_kvm_shadow){0};
    own->error_pending = false;
    for (uint32_t i = 0; i < own->count; i++)
        if (own->registers[i].keeps_power_up)
            from_kernel(cpu, own, &own->registers[i], own->power_up + own->registers[i].at);
    return 0;
}

static int load_events(const struct kvm_vcpu *k, const struct arm_kvm *own)
{
    struct kvm_vcpu_events events = {0};
    if (!own->has_events || !own->error_pending)
        return 0;
    events.exception.serror_pending = 1;
    events.exception.serror_has_esr = own->error_has_syndrome;
    events.exception.serror_esr = own->error_syndrome;
    return ioctl(k->fd, KVM_SET_VCPU_EVENTS, &events);
}

static int save_events(const struct kvm_vcpu *k, struct arm_kvm *own)
{
    struct kvm_vcpu_events events = {0};
    if (!own->has_events)
        return 0;
    if (ioctl(k->fd, KVM_GET_VCPU_EVENTS, &events) < 0)
        return -1;
    own->error_pending = events.exception.serror_pending;
    own->error_has_syndrome = events.exception.serror_has_esr;
    own->error_syndrome = events.exception.serror_esr;
    return 0;
}

// A register that the kernel does not take: that matters if it has another value, unless it is one of reset, which is as good.
static int set_refused(struct kvm_vcpu *k, const struct arm_kvm_register *r, const uint8_t *value, int status, bool fresh)
{
    uint8_t kernels[ARM_KVM_VALUE_BYTES];
    if (arm_kvm_get(k, r->id, kernels))
        return status;
    if (fresh)
        from_kernel(arm_cpu_of_vcpu(k->vcpu), k->guest, r, kernels);
    return fresh || !memcmp(kernels, value, r->bytes) ? 0 : status;
}

static int load_registers(struct kvm_vcpu *k, bool fresh, struct error *error)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    const struct arm_kvm *own = k->guest;
    uint8_t value[ARM_KVM_VALUE_BYTES];
    for (uint32_t i = 0; i < own->count; i++) {
        const struct arm_kvm_register *r = &own->registers[i];
        to_kernel(cpu, own, r, value);
        int status = arm_kvm_set(k, r->id, value);
        if (status && (status = set_refused(k, r, value, status, fresh)))
            return register_refused(r, "set", status, error);
    }
    return 0;
}

static int power_failed(struct error *error)
{
    return error_set(error, errno, "power state: %s", strerror(errno));
}

// A processor that is off has no state but that: the kernel makes it anew when another one switches it on, which may happen at any
// time from when any processor runs.
int arm_kvm_load(struct kvm_vcpu *k, struct error *error)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
    bool fresh = cpu->was_reset;
    if (!vcpu_is_powered_on(k->vcpu))
        return 0;
    int status = fresh ? reset(k, cpu, error) : 0;
    if (status || (status = load_registers(k, fresh, error)))
        return status;
    cpu->was_reset = false;
    if (load_events(k, k->guest) < 0)
        return error_set(error, errno, "events: %s", strerror(errno));
    return ioctl(k->fd, KVM_SET_MP_STATE, &state) < 0 ? power_failed(error) : 0;
}

int arm_kvm_save(struct kvm_vcpu *k, struct error *error)
{
    struct arm_cpu *cpu = arm_cpu_of_vcpu(k->vcpu);
    struct arm_kvm *own = k->guest;
    uint8_t value[ARM_KVM_VALUE_BYTES];
    struct kvm_mp_state state;
    // Before the registers: if it is switched on between, it counts as off, and is not loaded.
    if (ioctl(k->fd, KVM_GET_MP_STATE, &state) < 0)
        return power_failed(error);
    vcpu_set_power(k->vcpu, state.mp_state != KVM_MP_STATE_STOPPED);
    if (state.mp_state == KVM_MP_STATE_STOPPED && cpu->was_reset)
        return 0; // what the kernel has is from before
    cpu->was_reset = false;
    for (uint32_t i = 0; i < own->count; i++) {
        int status = arm_kvm_get(k, own->registers[i].id, value);
        if (status)
            return register_refused(&own->registers[i], "read", status, error);
        from_kernel(cpu, own, &own->registers[i], value);
    }
    if (save_events(k, own) < 0)
        return error_set(error, errno, "events: %s", strerror(errno));
    from_core(cpu, own);
    cpu->pmccntr_ns = clock_now_ns(cpu->clock);
    arm_modes_changed(cpu);
    return 0;
}
