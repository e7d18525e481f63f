// SPDX-License-Identifier: MIT
// Which of the debugger's means the host's KVM really has. Hosts that emulate the guest's instructions, all of them or those of some
// modes, take the request and find nothing, so it is tried out: in a machine of one page of memory and one processor, in flat
// protected mode.
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/core/guest-ram.h"
#include "target-x86/kvm.h"

enum { CODE = 0, DATA = 0x800 };

struct trial {
    int vm, vcpu;
    uint8_t *page;
    struct kvm_run *run;
    size_t run_bytes;
};

static void end(const struct trial *t)
{
    if (t->run)
        munmap(t->run, t->run_bytes);
    if (t->page)
        munmap(t->page, GUEST_PAGE_SIZE);
    if (t->vcpu >= 0)
        close(t->vcpu);
    if (t->vm >= 0)
        close(t->vm);
}

static void *map(size_t bytes, int flags, int fd)
{
    void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    return place == MAP_FAILED ? NULL : place;
}

static bool begin_machine(struct trial *t, int host)
{
    enum { TSS = 0xfeffd000 };
    int bytes = ioctl(host, KVM_GET_VCPU_MMAP_SIZE, 0);
    *t = (struct trial){.vm = ioctl(host, KVM_CREATE_VM, 0), .vcpu = -1};
    if (t->vm < 0 || bytes < (int)sizeof(*t->run) || ioctl(t->vm, KVM_SET_TSS_ADDR, (unsigned long)TSS) < 0)
        return false;
    t->page = map(GUEST_PAGE_SIZE, MAP_SHARED | MAP_ANONYMOUS, -1);
    struct kvm_userspace_memory_region slot = {.memory_size = GUEST_PAGE_SIZE, .userspace_addr = (uint64_t)(uintptr_t)t->page};
    if (!t->page || ioctl(t->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
        return false;
    t->vcpu = ioctl(t->vm, KVM_CREATE_VCPU, 0);
    t->run_bytes = (size_t)bytes;
    t->run = t->vcpu < 0 ? NULL : map(t->run_bytes, MAP_SHARED, t->vcpu);
    return t->run;
}

static bool begin_processor(const struct trial *t)
{
    struct kvm_sregs system;
    struct kvm_regs registers = {.rip = CODE, .rflags = 2};
    if (ioctl(t->vcpu, KVM_GET_SREGS, &system) < 0)
        return false;
    struct kvm_segment flat = {.limit = ~0u, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1};
    system.cs = flat;
    flat.selector = 16;
    flat.type = 3;
    system.ds = system.es = system.fs = system.gs = system.ss = flat;
    system.cr0 |= 1;
    return ioctl(t->vcpu, KVM_SET_SREGS, &system) >= 0 && ioctl(t->vcpu, KVM_SET_REGS, &registers) >= 0;
}

// Signals that end KVM_RUN are meant for the guest.
static int run(const struct trial *t)
{
    int status;
    do {
        status = ioctl(t->vcpu, KVM_RUN, 0);
    } while (status < 0 && errno == EINTR);
    return status;
}

// Whether the code makes KVM_RUN come back for a debugger, and as it should.
static bool finds(int host, const struct kvm_debug_wish *wish, const uint8_t *code, size_t bytes, uint32_t exception, uint64_t dr6)
{
    struct trial t;
    bool found = false;
    if (begin_machine(&t, host) && begin_processor(&t)) {
        struct kvm_guest_debug debug = x86_kvm_debug_controls(wish);
        memcpy(t.page + CODE, code, bytes);
        if (ioctl(t.vcpu, KVM_SET_GUEST_DEBUG, &debug) >= 0 && run(&t) >= 0)
            found = t.run->exit_reason == KVM_EXIT_DEBUG && t.run->debug.arch.exception == exception &&
                    (t.run->debug.arch.dr6 & dr6) == dr6;
    }
    end(&t);
    return found;
}

void x86_kvm_debug_probe(const struct kvm_vm *vm, struct kvm_debug_limits *limits)
{
    enum { REGISTERS = 4, DEBUG_VECTOR = 1, BREAKPOINT_VECTOR = 3 };
    static const uint8_t halts[] = {0x90, 0xf4};                               // nop; hlt
    static const uint8_t stores[] = {0xa2, DATA & 0xff, DATA >> 8, 0, 0, 0xf4}; // mov %al, DATA; hlt
    static const uint8_t breaks[] = {0xcc, 0xf4};                              // int3; hlt
    const struct kvm_debug_wish step = {.step = true}, software = {.software = true};
    const struct kvm_debug_wish execute = {.registers = {{.address = CODE + 1, .bytes = 1, .kind = KVM_DEBUG_EXECUTE}}};
    const struct kvm_debug_wish write = {.registers = {{.address = DATA, .bytes = 1, .kind = KVM_DEBUG_WRITE}}};
    *limits = (struct kvm_debug_limits){.together = REGISTERS};
    limits->steps = kvm_capability(vm, KVM_CAP_SET_GUEST_DEBUG) > 0 && finds(vm->host, &step, halts, sizeof(halts), DEBUG_VECTOR, 0);
    if (!limits->steps)
        return;
    limits->breakpoints = finds(vm->host, &execute, halts, sizeof(halts), DEBUG_VECTOR, 1) ? REGISTERS : 0;
    limits->watchpoints = finds(vm->host, &write, stores, sizeof(stores), DEBUG_VECTOR, 1) ? REGISTERS : 0;
    limits->software = finds(vm->host, &software, breaks, sizeof(breaks), BREAKPOINT_VECTOR, 0);
}
