// SPDX-License-Identifier: MIT
// Debuggers' registers, steps and breakpoint instructions on x86 hosts (Documentation/virt/kvm/api.rst, 4.87; Intel SDM volume 3B,
// chapter 18). Addresses are linear, as those in the registers and in the kernel's answers are.
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "target-x86/cpu.h"
#include "target-x86/kvm.h"
#include "tcg/base/bits.h"

enum { DEBUG_VECTOR = 1, BREAKPOINT_VECTOR = 3, REGISTERS = 4, DR6_REGISTERS = 15, DR6_CAUSES = 0xe00f };
#define DR6_BS UINT64_C(0x4000)

// What was told to the kernel is needed again, for an exception that is given back.
static struct kvm_guest_debug *debug_of(struct kvm_vcpu *k)
{
    return &((struct x86_kvm *)k->guest)->debug;
}

// DR7: global enables, and for each register what it finds and of which length.
static uint64_t enable(unsigned n, const struct kvm_debug_register *r)
{
    static const uint8_t kinds[] = {[KVM_DEBUG_EXECUTE] = 0, [KVM_DEBUG_WRITE] = 1, [KVM_DEBUG_ACCESS] = 3};
    unsigned length = r->bytes == 8 ? 2 : r->bytes - 1;
    return UINT64_C(2) << 2 * n | (uint64_t)kinds[r->kind] << (16 + 4 * n) | (uint64_t)length << (18 + 4 * n);
}

struct kvm_guest_debug x86_kvm_debug_controls(const struct kvm_debug_wish *wish)
{
    enum { DR7_GE_AND_ONE = 0x600 };
    struct kvm_guest_debug debug = {.control = kvm_debug_control(wish, KVM_GUESTDBG_USE_SW_BP, KVM_GUESTDBG_USE_HW_BP)};
    for (unsigned i = 0; i < REGISTERS; i++) {
        if (!wish->registers[i].bytes)
            continue;
        debug.arch.debugreg[i] = wish->registers[i].address;
        debug.arch.debugreg[7] |= DR7_GE_AND_ONE | enable(i, &wish->registers[i]);
    }
    return debug;
}

static int set(struct kvm_vcpu *k, const struct kvm_debug_wish *wish)
{
    struct kvm_guest_debug *debug = debug_of(k);
    *debug = x86_kvm_debug_controls(wish);
    if (wish->quiet && debug->control && kvm_capability(k->vm, KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ)
        debug->control |= KVM_GUESTDBG_BLOCKIRQ;
    return ioctl(k->fd, KVM_SET_GUEST_DEBUG, debug) < 0 ? -errno : 0;
}

static uint64_t pc(struct kvm_vcpu *k)
{
    struct kvm_regs regs;
    struct kvm_sregs system;
    if (ioctl(k->fd, KVM_GET_REGS, &regs) < 0 || ioctl(k->fd, KVM_GET_SREGS, &system) < 0)
        return 0;
    bool wide = (system.efer & EFER_LMA) && system.cs.l;
    return wide ? regs.rip : (uint32_t)(system.cs.base + regs.rip);
}

static bool locate(struct kvm_vcpu *k, uint64_t gva, uint64_t *gpa)
{
    struct kvm_translation t = {.linear_address = gva};
    if (ioctl(k->fd, KVM_TRANSLATE, &t) < 0 || !t.valid)
        return false;
    *gpa = t.physical_address;
    return true;
}

static struct kvm_debug_event event(const struct kvm_vcpu *k)
{
    const struct kvm_debug_exit_arch *debug = &k->run->debug.arch;
    struct kvm_debug_event event = {.pc = debug->pc, .software = debug->exception == BREAKPOINT_VECTOR};
    if (debug->exception == DEBUG_VECTOR) {
        event.registers = debug->dr6 & DR6_REGISTERS;
        event.stepped = (debug->dr6 & DR6_BS) != 0;
    }
    return event;
}

// The guest's own trap flag, or its own INT3: it reads the causes in DR6.
static int give_back(struct kvm_vcpu *k, const struct kvm_debug_event *event)
{
    struct kvm_guest_debug debug = *debug_of(k);
    struct kvm_debugregs registers;
    if (!event->software) {
        if (ioctl(k->fd, KVM_GET_DEBUGREGS, &registers) < 0)
            return -errno;
        registers.dr6 |= k->run->debug.arch.dr6 & DR6_CAUSES;
        if (ioctl(k->fd, KVM_SET_DEBUGREGS, &registers) < 0)
            return -errno;
    }
    debug.control |= KVM_GUESTDBG_ENABLE | (event->software ? KVM_GUESTDBG_INJECT_BP : KVM_GUESTDBG_INJECT_DB);
    return ioctl(k->fd, KVM_SET_GUEST_DEBUG, &debug) < 0 ? -errno : 0;
}

const struct kvm_debug_ops x86_kvm_debug_ops = {
    .instruction = {0xcc},
    .instruction_bytes = 1,
    .probe = x86_kvm_debug_probe,
    .pc = pc,
    .locate = locate,
    .set = set,
    .event = event,
    .give_back = give_back,
};
