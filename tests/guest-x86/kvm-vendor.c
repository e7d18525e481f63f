// SPDX-License-Identifier: MIT
// kvm-vendor: whatever model a guest has under KVM, CPUID tells it the host's vendor, by which it chooses how to call the hypervisor.
// 77 where there is no KVM.
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include "x86-machine.h"

enum { CODE = 0x7c00, VENDOR = 0x600 };

// CPUID's leaf 0 at VENDOR, in real mode.
static const uint8_t code[] = {
    0x66, 0x31, 0xc0,                         // xor eax, eax
    0x0f, 0xa2,                               // cpuid
    0x66, 0x89, 0x1e, VENDOR & 0xff, VENDOR >> 8,       // mov [VENDOR], ebx
    0x66, 0x89, 0x16, (VENDOR + 4) & 0xff, VENDOR >> 8, // mov [VENDOR + 4], edx
    0x66, 0x89, 0x0e, (VENDOR + 8) & 0xff, VENDOR >> 8, // mov [VENDOR + 8], ecx
    0xb0, 0x00, 0xe6, 0xf4,                   // mov al, 0; out 0xf4, al
    0xf4,                                     // hlt
};

static bool is_hosts(const char *model, const char *expected)
{
    struct x86_machine *m = x86_machine_create("kvm", model, 0);
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    memcpy(test_machine_ram(&m->base, CODE), code, sizeof(code));
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, CODE);
    bool ended = x86_machine_run(m) && !m->status;
    const char *vendor = (const char *)test_machine_ram(&m->base, VENDOR);
    bool good = ended && !memcmp(vendor, expected, 12);
    if (!good)
        printf("%s: '%.12s', not '%s'%s\n", model, vendor, expected, ended ? "" : "; it did not end");
    x86_machine_destroy(m);
    return good;
}

int main(void)
{
    static const char *const models[] = {"qemu64", "Haswell", "EPYC", "max", "host"};
    unsigned level, words[3], failed = 0;
    char expected[13] = "";
    if (!test_machine_host_has_kvm())
        return 77;
    __cpuid(0, level, words[0], words[2], words[1]);
    memcpy(expected, words, sizeof(words));
    for (unsigned i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        failed += !is_hosts(models[i], expected);
    return failed != 0;
}
