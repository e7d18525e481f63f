// SPDX-License-Identifier: MIT
// The processor as its board sees it: INIT, and what CPUID must not promise.
#include <criterion/criterion.h>

#include "target-x86/exception.h"
#include "target-x86/x86.h"
#include "x86-machine.h"

// Intel SDM volume 3, table 10-1: INIT keeps the x87 and SSE state and MSRs, and starts at the reset vector.
Test(x86_processor, init_keeps_what_it_must)
{
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    struct x86_cpu *cpu = m->cpu;
    cpu->gpr[X86_RAX] = 5;
    cpu->cr0 = CR0_PE | CR0_ET | CR0_CD;
    cpu->cr3 = 0x5000;
    cpu->cr4 = CR4_PAE;
    cpu->xmm[3][0] = 77;
    cpu->fpu.control = 0x27f;
    cpu->mtrr_def_type = 0x806;
    cpu->pat = 0x0007040600070406;
    cpu->segs[X86_CS].selector = 0x10;
    x86_modes_changed(cpu);
    cpu->tcg.vcpu.ops->init(&cpu->tcg.vcpu);
    cr_assert_eq(cpu->gpr[X86_RAX], 0);
    cr_assert_eq(cpu->cr0, CR0_ET | CR0_CD, "caching stays as it was");
    cr_assert_eq(cpu->cr3, 0);
    cr_assert_eq(cpu->cr4, 0);
    cr_assert_eq(cpu->xmm[3][0], 77);
    cr_assert_eq(cpu->fpu.control, 0x27f);
    cr_assert_eq(cpu->mtrr_def_type, 0x806);
    cr_assert_eq(cpu->pat, UINT64_C(0x0007040600070406));
    cr_assert_eq(cpu->segs[X86_CS].selector, 0xf000);
    cr_assert_eq(cpu->segs[X86_CS].base, 0xffff0000);
    cr_assert_eq(x86_rip(cpu), 0xfff0);
    x86_machine_destroy(m);
}

// An idle loop that waits with MWAIT would never sleep, so no model has it.
Test(x86_processor, no_model_has_monitor)
{
    for (unsigned i = 0; x86_cpu_models[i]; i++) {
        struct x86_machine *m = x86_machine_create("tcg", x86_cpu_models[i], 0);
        uint32_t leaf[4];
        x86_cpuid(m->cpu, 1, 0, leaf);
        cr_assert_eq(leaf[2] >> 3 & 1, 0, "%s", x86_cpu_models[i]);
        x86_machine_destroy(m);
    }
}
