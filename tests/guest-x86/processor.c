// SPDX-License-Identifier: MIT
// The processor as its board sees it: INIT, what CPUID must not promise, RSM; and what the engines ask it.
#include <criterion/criterion.h>
#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/mmu.h"
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
        if (!strcmp(x86_cpu_models[i], "host")) // which only KVM has
            continue;
        struct x86_machine *m = x86_machine_create("tcg", x86_cpu_models[i], 0);
        uint32_t leaf[4];
        x86_cpuid(m->cpu, 1, 0, leaf);
        cr_assert_eq(leaf[2] >> 3 & 1, 0, "%s", x86_cpu_models[i]);
        x86_machine_destroy(m);
    }
}

// Intel SDM volume 1, 13.2: the components there are, and where those of the standard form end.
Test(x86_processor, extended_state_is_that_of_the_features)
{
    static const struct {
        const char *model;
        uint32_t components, bytes, compacted_bytes, pkru;
    } rows[] = {
        {"max", 0x207, 840, 576, 832}, {"max,-avx", 0x203, 840, 576, 832},  {"max,-pku", 7, 832, 576, 0},
        {"max,-xsave", 0, 0, 0, 0},    {"Skylake-Client", 7, 832, 576, 0},  {"Haswell", 7, 832, 0, 0},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct x86_machine *m = x86_machine_create("tcg", rows[i].model, 0);
        uint32_t all[4], compacted[4], pkru[4], features[4];
        x86_cpuid(m->cpu, 0xd, 0, all);
        x86_cpuid(m->cpu, 0xd, 1, compacted);
        x86_cpuid(m->cpu, 0xd, 9, pkru);
        x86_cpuid(m->cpu, 7, 0, features);
        cr_assert_eq(all[0], rows[i].components, "%s", rows[i].model);
        cr_assert_eq(all[2], rows[i].bytes, "%s", rows[i].model);
        cr_assert_eq(compacted[1], rows[i].compacted_bytes, "%s", rows[i].model);
        cr_assert_eq(pkru[1], rows[i].pkru, "%s", rows[i].model);
        cr_assert_eq(features[2] >> 3 & 1, rows[i].pkru != 0, "%s: keys without their state", rows[i].model);
        x86_machine_destroy(m);
    }
}

// Real-mode code at 0x7c00 asks for an SMI, whose handler writes `value` to the save area at `at` before RSM.
static struct x86_machine *run_smm(uint16_t at, uint32_t value)
{
    static const uint8_t program[] = {0xe6, 0xf7, 0x90, 0xb0, 0x00, 0xe6, 0xf4, 0xf4}; // out, nop, mov, out, hlt
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    uint8_t handler[] = {0x66, 0x2e, 0xc7, 0x06, at & 0xff, at >> 8,           value & 0xff, value >> 8 & 0xff,
                         value >> 16 & 0xff, value >> 24, 0x0f, 0xaa};
    memcpy(test_machine_ram(&m->base, 0x7c00), program, sizeof(program));
    memcpy(test_machine_ram(&m->base, 0x38000), handler, sizeof(handler));
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    vcpu->ops->start_at(vcpu, 0, 0);
    vcpu->ops->set_pc(vcpu, 0x7c00);
    x86_machine_run(m);
    return m;
}

// Intel SDM volume 3, 31.3.2 and 31.5: reserved bits and impossible pairs in what RSM loads are a shutdown.
Test(x86_processor, rsm_shuts_down_for_impossible_states)
{
    static const struct {
        uint16_t at;
        uint32_t value;
        bool good;
    } cases[] = {
        {0xff58, 0x10, true},        {0xff58, 0x80000010, false}, // CR0: paging without protection
        {0xff58, 0x20000010, false},                              // NW without CD
        {0xff5c, 1, false},                                       // above bit 31
        {0xff48, 0x10, true},        {0xff48, 0x100000, true},    // CR4: PSE, SMEP
        {0xff48, 0x8000, false},                                  // reserved
        {0xfed0, 0x2, false},                                     // EFER: reserved
        {0xfed0, 0x500, false},                                   // long mode without paging
        {0xff00, 0x50000, true},                                  // SMBASE
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct x86_machine *m = run_smm(cases[i].at, cases[i].value);
        cr_assert_eq(m->shut_down, !cases[i].good, "0x%x at 0x%x", cases[i].value, cases[i].at);
        cr_assert_eq(m->status, cases[i].good ? 0 : -1);
        x86_machine_destroy(m);
    }
}

static void fetch_many(struct x86_cpu *cpu, uint64_t gva)
{
    for (unsigned i = 0; i < 300; i++) {
        struct tlb_translation t = {0};
        struct tlb_fault fault;
        cr_assert(x86_translate_address(&cpu->tcg, gva, TLB_FETCH, X86_MMU_KERNEL, false, &t, &fault));
    }
}

// Address spaces share what has been looked up of privileged code, but not while some is seen that is not global, as that of a
// guest's first page tables often is.
Test(x86_processor, privileged_code_is_shared_while_it_is_global)
{
    enum { DIRECTORY = 0x5000, LARGE = 0x83, GLOBAL = 1 << 8 };
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    struct x86_cpu *cpu = m->cpu;
    const struct guest_ops *ops = cpu->tcg.guest;
    const uint32_t entries[] = {LARGE, LARGE | GLOBAL};
    memcpy(test_machine_ram(&m->base, DIRECTORY), entries, sizeof(entries));
    cpu->cr0 = CR0_PE | CR0_PG | CR0_ET;
    cpu->cr3 = DIRECTORY;
    cpu->cr4 = CR4_PSE;
    x86_modes_changed(cpu);
    fetch_many(cpu, 0);
    cr_assert_neq(ops->code_space(&cpu->tcg), 0, "there are no global pages yet");
    cpu->cr4 |= CR4_PGE;
    cr_assert_eq(ops->code_space(&cpu->tcg), 0);
    fetch_many(cpu, 0);
    cr_assert_neq(ops->code_space(&cpu->tcg), 0);
    fetch_many(cpu, 0x400000);
    cr_assert_eq(ops->code_space(&cpu->tcg), 0);
    x86_machine_destroy(m);
}
