// SPDX-License-Identifier: MIT
// What blocks depend on, from the state (X86_BF_*), and the record that the engines call.

#include "target-x86/cpu.h"

#include <capstone/capstone.h>

#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/mmu.h"
#include "target-x86/slots.h"
#include "target-x86/translate.h"
#include "tcg/base/bits.h"

static unsigned code_size(const struct x86_cpu *cpu)
{
    uint32_t attr = cpu->segs[X86_CS].attr;
    if (x86_long_mode(cpu) && (attr & DESC_L) && !x86_vm86(cpu))
        return 2;
    return attr & DESC_B ? 1 : 0;
}

static uint64_t segment_bits(const struct x86_segment *s)
{
    bool data = (s->attr & (DESC_P | DESC_S | DESC_CODE | DESC_WRITABLE | DESC_EXPAND_DOWN)) ==
                (DESC_P | DESC_S | DESC_WRITABLE);
    unsigned check = !data ? X86_SEG_SLOW : s->limit == 0xffffffff ? X86_SEG_FLAT : X86_SEG_LIMIT;
    return check | (s->base ? 4u : 0);
}

static uint64_t mmu_index(const struct x86_cpu *cpu, unsigned cpl)
{
    if (cpl == 3)
        return X86_MMU_USER;
    return (cpu->cr4 & CR4_SMAP) && (cpu->eflags & FLAG_AC) ? X86_MMU_KERNEL_AC : X86_MMU_KERNEL;
}

static uint64_t bit(bool value, unsigned place)
{
    return (uint64_t)value << place;
}

static uint64_t protection_bits(const struct x86_cpu *cpu, unsigned cpl)
{
    bool pe = cpu->cr0 & CR0_PE, vm = x86_vm86(cpu);
    unsigned iopl = (cpu->eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    return bit(pe, X86_BF_PE) | bit(vm, X86_BF_VM86) | bit(!pe || cpl <= iopl, X86_BF_IOPL_OK) |
           bit(cpu->smm, X86_BF_SMM) | bit(x86_long_mode(cpu), X86_BF_LMA) |
           bit((cpu->cr0 & CR0_AM) && (cpu->eflags & FLAG_AC) && cpl == 3, X86_BF_ALIGN) |
           bit(cpu->cr4 & CR4_FSGSBASE, X86_BF_FSGSBASE) | bit(cpu->cr4 & CR4_UMIP, X86_BF_UMIP) |
           bit(cpu->cr4 & CR4_TSD, X86_BF_TSD);
}

static uint64_t fpu_bits(const struct x86_cpu *cpu)
{
    enum { XCR0_AVX = 6, ALL_MASKS = 0x1f80 };
    return bit(cpu->cr0 & (CR0_EM | CR0_TS), X86_BF_FPU_TRAP) | bit(cpu->cr0 & CR0_EM, X86_BF_FPU_EM) |
           bit(cpu->cr0 & CR0_TS, X86_BF_FPU_TS) | bit(cpu->cr0 & CR0_MP, X86_BF_FPU_MP) |
           bit(cpu->cr4 & CR4_OSFXSR, X86_BF_SSE) | bit(cpu->cr4 & CR4_OSXSAVE, X86_BF_XSAVE) |
           bit((cpu->cr4 & CR4_OSXSAVE) && (cpu->xcr0 & XCR0_AVX) == XCR0_AVX, X86_BF_AVX) |
           bit(cpu->mxcsr_masks != ALL_MASKS, X86_BF_XM) | bit(x86_fpu_masked(cpu), X86_BF_X87_MASKED);
}

static bool instruction_breakpoints(const struct x86_cpu *cpu)
{
    enum { DR7_ENABLES = 0xff };
    if (!(cpu->dr[7] & DR7_ENABLES))
        return false;
    for (unsigned n = 0; n < 4; n++)
        if ((cpu->dr[7] >> (n * 2) & 3) && (cpu->dr[7] >> (16 + n * 4) & 3) == 0)
            return true;
    return false;
}

// Where the bits of a segment begin: they are in the order ES, SS, DS, FS, GS.
static unsigned segment_place(unsigned n)
{
    return X86_BF_SEG + 3 * (n > X86_CS ? n - 1 : n);
}

static uint64_t segments(const struct x86_cpu *cpu)
{
    const struct x86_segment *cs = &cpu->segs[X86_CS];
    uint64_t bits = bit(cpu->segs[X86_SS].attr & DESC_B, X86_BF_STACK32) | bit(cs->base == 0, X86_BF_CS_ZERO) |
                    bit((cs->base & (TLB_PAGE_SIZE - 1)) == 0, X86_BF_CS_ALIGNED);
    for (unsigned n = X86_ES; n <= X86_GS; n++)
        if (n != X86_CS)
            bits |= segment_bits(&cpu->segs[n]) << segment_place(n);
    return bits;
}

bool x86_segment_changed(struct x86_cpu *cpu, unsigned n)
{
    uint64_t before = cpu->block_flags;
    if (n == X86_SS || n == X86_CS)
        x86_modes_changed(cpu);
    else if (!x86_code64(cpu))
        cpu->block_flags = deposit64(before, segment_place(n), 3, segment_bits(&cpu->segs[n]));
    return cpu->block_flags != before;
}

// Other code uses the lower halves of general registers and lazy flags alone (slots.h). What becomes of the upper ones is not
// defined (Intel SDM volume 1, section 3.4.1.1); zero, they look to later 64-bit code as if that code had extended its results.
static void leave_64_bit_code(struct x86_cpu *cpu)
{
    x86_eflags_set(cpu, x86_eflags_get(cpu));
    for (unsigned n = X86_RAX; n <= X86_RDI; n++)
        cpu->gpr[n] = (uint32_t)cpu->gpr[n];
}

void x86_modes_changed(struct x86_cpu *cpu)
{
    unsigned code = code_size(cpu), cpl = cpu->segs[X86_SS].attr >> DESC_DPL_SHIFT & 3;
    if (code != 2 && (cpu->block_flags >> X86_BF_CODE & 3) == 2)
        leave_64_bit_code(cpu);
    if (!(cpu->cr0 & CR0_PE))
        cpl = 0;
    uint64_t flags = code | (uint64_t)cpl << X86_BF_CPL | mmu_index(cpu, cpl) << X86_BF_MMU |
                     protection_bits(cpu, cpl) | fpu_bits(cpu);
    // 64-bit code knows no segments but the bases of FS and GS, which it always adds.
    if (code != 2)
        flags |= segments(cpu);
    flags |= bit(cpu->eflags & FLAG_TF, X86_BF_TF) | bit(instruction_breakpoints(cpu), X86_BF_BREAKPOINTS);
    cpu->block_flags = flags;
    uint64_t key = x86_space_key(cpu);
    if (key != cpu->space_key) {
        cpu->space_key = key;
        tlb_switch(&cpu->tcg, key);
    }
}

void x86_disassembler(struct vcpu *cpu, int *arch, int *mode)
{
    static const int modes[] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    *arch = CS_ARCH_X86;
    *mode = modes[extract64(x86_cpu_of_vcpu(cpu)->block_flags, X86_BF_CODE, 2)];
}

// --- what the engines ask ------------------------------------------------------------------------------------------

static uint64_t block_flags(struct tcg_cpu *tcg)
{
    const struct x86_cpu *cpu = x86_cpu_of(tcg);
    return cpu->block_flags | bit(cpu->shadow, X86_BF_SHADOW) | bit(cpu->single, X86_BF_SINGLE);
}

static uint64_t code_space(struct tcg_cpu *tcg)
{
    const struct x86_cpu *cpu = x86_cpu_of(tcg);
    bool shared = x86_cpl(cpu) != 3 && !cpu->private_code && (cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PGE);
    return shared ? 0 : cpu->space_key;
}

static unsigned fetch_mmu_index(struct tcg_cpu *tcg)
{
    return x86_cpl(x86_cpu_of(tcg)) == 3 ? X86_MMU_USER : X86_MMU_KERNEL;
}

static void stored_into_own_block(struct tcg_cpu *tcg)
{
    x86_cpu_of(tcg)->single = 1;
}

static bool delivering(struct tcg_cpu *tcg)
{
    return x86_cpu_of(tcg)->delivering >= 0;
}

static void save_host_state(struct tcg_cpu *tcg)
{
    x86_fpu_save(x86_cpu_of(tcg));
}

const struct guest_ops x86_guest_ops = {
    .name = "x86",
    .slots = x86_slots,
    .slot_count = SLOT_COUNT,
    .block_flags = block_flags,
    .code_space = code_space,
    .fetch_mmu_index = fetch_mmu_index,
    .translate = x86_translate,
    .translate_address = x86_translate_address,
    .raise_fault = x86_raise_fault,
    .raise_alignment = x86_raise_alignment,
    .raise = x86_raise,
    .raise_bus_error = x86_raise_bus_error,
    .take_interrupt = x86_take_interrupt,
    .stored_into_own_block = stored_into_own_block,
    .save_host_state = save_host_state,
    .watched = x86_watched,
    .delivering = delivering,
    .watch_after = true,
    .open_bus = true,
    .atomics_anywhere = true,
};
