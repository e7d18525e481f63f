// SPDX-License-Identifier: MIT
// What debuggers see of the processor's registers (hw/core/debug.h).
#include <criterion/criterion.h>
#include <string.h>

#include "target-x86/exception.h"
#include "target-x86/fpu.h"
#include "target-x86/mmu.h"
#include "tcg/base/bits.h"
#include "tcg/base/endian.h"
#include "x86-machine.h"

enum { MODE16, MODE32, MODE64 };
enum { PML4 = 0x10000, PDPT = 0x11000, GDT = 0x12000, PAGE_PRESENT = 7, PAGE_LARGE = 0x87 };

// --- helpers -------------------------------------------------------------------------------------------------------

static const struct debug_ops *ops_of(struct x86_machine *m)
{
    return m->cpu->tcg.vcpu.ops->debug;
}

static const struct debug_register *find(const struct debug_view *view, const char *name)
{
    for (unsigned i = 0; i < view->feature_count; i++)
        for (unsigned n = 0; n < view->features[i].count; n++)
            if (!strcmp(view->features[i].registers[n].name, name))
                return &view->features[i].registers[n];
    return NULL;
}

static uint64_t get(struct x86_machine *m, unsigned mode, const char *name)
{
    const struct debug_view *view = ops_of(m)->view(&m->cpu->tcg.vcpu, mode);
    const struct debug_register *reg = find(view, name);
    uint8_t bytes[DEBUG_REGISTER_BYTES] = {0};
    cr_assert(reg, "%s", name);
    cr_assert(ops_of(m)->read(&m->cpu->tcg.vcpu, view, reg, bytes), "%s", name);
    return load_le64(bytes);
}

static bool set(struct x86_machine *m, unsigned mode, const char *name, uint64_t value)
{
    const struct debug_view *view = ops_of(m)->view(&m->cpu->tcg.vcpu, mode);
    const struct debug_register *reg = find(view, name);
    uint8_t bytes[DEBUG_REGISTER_BYTES] = {0};
    cr_assert(reg, "%s", name);
    store_le64(bytes, value);
    return ops_of(m)->write(&m->cpu->tcg.vcpu, view, reg, bytes);
}

static void put(struct x86_machine *m, unsigned mode, const char *name, uint64_t value)
{
    cr_assert(set(m, mode, name, value), "%s = 0x%llx", name, (unsigned long long)value);
}

static void expect(struct x86_machine *m, unsigned mode, const char *name, uint64_t value)
{
    uint64_t is = get(m, mode, name);
    cr_assert_eq(is, value, "%s is 0x%llx, not 0x%llx", name, (unsigned long long)is, (unsigned long long)value);
}

static void poke(struct x86_machine *m, uint64_t gpa, uint64_t value)
{
    store_le64(test_machine_ram(&m->base, gpa), value);
}

static unsigned mode_of(struct x86_machine *m)
{
    return ops_of(m)->mode(&m->cpu->tcg.vcpu);
}

static struct x86_machine *in_32_bit_code(const char *model)
{
    struct x86_machine *m = x86_machine_create("tcg", model, 0);
    m->cpu->tcg.vcpu.ops->start_at(&m->cpu->tcg.vcpu, 0x100000, 0);
    return m;
}

// By way of what debuggers may write: the first GiB at 0, and nothing else.
static struct x86_machine *in_64_bit_code(void)
{
    struct x86_machine *m = in_32_bit_code("max");
    poke(m, PML4, PDPT | PAGE_PRESENT);
    poke(m, PDPT, PAGE_LARGE);
    poke(m, GDT + 8, UINT64_C(0x00209b0000000000));
    poke(m, GDT + 16, UINT64_C(0x00cf93000000ffff));
    poke(m, GDT + 24, UINT64_C(0x00cf9b000000ffff));
    poke(m, GDT + 32, UINT64_C(0x00c0930010000fff)); // 16 MiB from 0x1000 on
    put(m, MODE32, "gdtr_base", GDT);
    put(m, MODE32, "gdtr_limit", 0x2f);
    put(m, MODE32, "cr4", CR4_PAE | CR4_OSFXSR);
    put(m, MODE32, "cr3", PML4);
    put(m, MODE32, "efer", EFER_LME | EFER_NXE | EFER_SCE);
    put(m, MODE32, "cr0", CR0_PE | CR0_PG | CR0_NE | CR0_WP);
    cr_assert(x86_long_mode(m->cpu));
    cr_assert_eq(mode_of(m), MODE32);
    put(m, MODE32, "cs", 8);
    cr_assert_eq(mode_of(m), MODE64);
    return m;
}

// --- lists ---------------------------------------------------------------------------------------------------------

static void names_are(const struct debug_feature *feature, const char *feature_name, const char *names)
{
    char all[2000] = "";
    for (unsigned n = 0; n < feature->count; n++) {
        strcat(all, n ? " " : "");
        strcat(all, feature->registers[n].name);
    }
    cr_assert_str_eq(feature->name, feature_name);
    cr_assert_str_eq(all, names);
}

// GDB manual, G.5.4; the order is that of GDB's numbers, which the packets of all registers go by.
Test(x86_debug, gdb_finds_its_registers)
{
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    const struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    cr_assert_eq(ops_of(m)->mode_count(vcpu), 3);
    for (unsigned mode = MODE16; mode <= MODE32; mode++) {
        const struct debug_view *view = ops_of(m)->view(vcpu, mode);
        cr_assert_str_eq(view->architecture, mode == MODE16 ? "i8086" : "i386");
        cr_assert_eq(view->packet_count, view->features[0].count);
        names_are(&view->features[0], "org.gnu.gdb.i386.core",
                  "eax ecx edx ebx esp ebp esi edi eip eflags cs ss ds es fs gs st0 st1 st2 st3 st4 st5 st6 st7 fctrl fstat "
                  "ftag fiseg fioff foseg fooff fop");
        names_are(&view->features[1], "org.gnu.gdb.i386.sse", "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 mxcsr");
        names_are(&view->features[2], "org.gnu.gdb.i386.avx", "ymm0h ymm1h ymm2h ymm3h ymm4h ymm5h ymm6h ymm7h");
    }
    const struct debug_view *view = ops_of(m)->view(vcpu, MODE64);
    cr_assert_str_eq(view->architecture, "i386:x86-64");
    cr_assert_eq(view->packet_count, view->features[0].count);
    names_are(&view->features[0], "org.gnu.gdb.i386.core",
              "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds es fs gs st0 st1 st2 st3 st4 "
              "st5 st6 st7 fctrl fstat ftag fiseg fioff foseg fooff fop");
    names_are(&view->features[1], "org.gnu.gdb.i386.sse",
              "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 xmm8 xmm9 xmm10 xmm11 xmm12 xmm13 xmm14 xmm15 mxcsr");
    names_are(&view->features[2], "org.gnu.gdb.i386.avx",
              "ymm0h ymm1h ymm2h ymm3h ymm4h ymm5h ymm6h ymm7h ymm8h ymm9h ymm10h ymm11h ymm12h ymm13h ymm14h ymm15h");
    names_are(&view->features[3], "org.gnu.gdb.i386.segments", "fs_base gs_base");
    x86_machine_destroy(m);
}

Test(x86_debug, models_have_what_is_theirs)
{
    static const struct {
        const char *model;
        unsigned modes;
        bool sse, avx, msr, pkru;
    } rows[] = {{"486", 2, false, false, false, false},
                {"pentium3", 2, true, false, true, false},
                {"qemu64", 3, true, false, true, false},
                {"max", 3, true, true, true, true}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct x86_machine *m = x86_machine_create("tcg", rows[i].model, 0);
        const struct vcpu *vcpu = &m->cpu->tcg.vcpu;
        cr_assert_eq(ops_of(m)->mode_count(vcpu), rows[i].modes);
        for (unsigned mode = 0; mode < rows[i].modes; mode++) {
            const struct debug_view *view = ops_of(m)->view(vcpu, mode);
            cr_assert_eq(find(view, "xmm0") != NULL, rows[i].sse);
            cr_assert_eq(find(view, "ymm0h") != NULL, rows[i].avx);
            cr_assert_eq(find(view, "pat") != NULL, rows[i].msr);
            cr_assert_eq(find(view, "lstar") != NULL, rows[i].modes == 3);
            cr_assert_eq(find(view, "pkru") != NULL, rows[i].pkru);
        }
        x86_machine_destroy(m);
    }
}

// --- all registers -------------------------------------------------------------------------------------------------

static bool moves_by_itself(const char *name)
{
    return !strcmp(name, "tsc") || !strcmp(name, "tsc_adjust");
}

static unsigned read_all(struct x86_machine *m, unsigned mode, uint8_t (*values)[DEBUG_REGISTER_BYTES])
{
    const struct debug_view *view = ops_of(m)->view(&m->cpu->tcg.vcpu, mode);
    unsigned count = 0;
    for (unsigned i = 0; i < view->feature_count; i++) {
        for (unsigned n = 0; n < view->features[i].count; n++, count++) {
            const struct debug_register *reg = &view->features[i].registers[n];
            memset(values[count], 0, DEBUG_REGISTER_BYTES);
            cr_assert(reg->bits % 8 == 0 && reg->bits <= DEBUG_REGISTER_BYTES * 8);
            ops_of(m)->read(&m->cpu->tcg.vcpu, view, reg, values[count]);
            if (moves_by_itself(reg->name))
                memset(values[count], 0, DEBUG_REGISTER_BYTES);
        }
    }
    return count;
}

// What a debugger does after a call that it had the guest make.
static void put_all_back(struct x86_machine *m, unsigned mode)
{
    static uint8_t before[400][DEBUG_REGISTER_BYTES], after[400][DEBUG_REGISTER_BYTES];
    static const char read_only[] = " cpl smm a20 smbase apic_base tsc_deadline ";
    const struct debug_view *view = ops_of(m)->view(&m->cpu->tcg.vcpu, mode);
    uint64_t pc = tcg_get_pc(&m->cpu->tcg), flags = m->cpu->block_flags, rsp = m->cpu->gpr[X86_RSP];
    unsigned count = read_all(m, mode, before), at = 0;
    for (unsigned i = 0; i < view->feature_count; i++) {
        for (unsigned n = 0; n < view->features[i].count; n++, at++) {
            const struct debug_register *reg = &view->features[i].registers[n];
            char name[40];
            snprintf(name, sizeof(name), " %s ", reg->name);
            bool good = ops_of(m)->write(&m->cpu->tcg.vcpu, view, reg, before[at]);
            cr_assert_eq(good, !strstr(read_only, name), "%s", reg->name);
        }
    }
    cr_assert_eq(read_all(m, mode, after), count);
    for (at = 0; at < count; at++)
        cr_assert_arr_eq(before[at], after[at], DEBUG_REGISTER_BYTES, "register %u", at);
    cr_assert_eq(tcg_get_pc(&m->cpu->tcg), pc);
    cr_assert_eq(m->cpu->block_flags, flags);
    cr_assert_eq(m->cpu->gpr[X86_RSP], rsp);
}

Test(x86_debug, all_registers_can_be_put_back)
{
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    for (unsigned mode = MODE16; mode <= MODE64; mode++)
        put_all_back(m, mode);
    x86_machine_destroy(m);
    m = in_32_bit_code("max");
    for (unsigned mode = MODE16; mode <= MODE64; mode++)
        put_all_back(m, mode);
    x86_machine_destroy(m);
    m = in_64_bit_code();
    put(m, MODE64, "rip", UINT64_C(0xffffffff81000000));
    put(m, MODE64, "rsp", UINT64_C(0xffffc90000001000));
    for (unsigned mode = MODE16; mode <= MODE64; mode++)
        put_all_back(m, mode);
    x86_machine_destroy(m);
}

static void each_reads_back(struct x86_machine *m, unsigned mode)
{
    static const struct {
        const char *names;
        uint64_t value;
    } rows[] = {
        {"ecx edx ebx ebp esi edi", 0x87654321},
        {"rcx rdx rbx rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rsp", UINT64_C(0x8765432112345678)},
        {"eflags", 0x246ed7},
        {"fctrl", 0x27f}, {"fstat", 0x2800}, {"fstat", 0}, {"ftag", 0xffff}, {"fiseg foseg", 0x1234},
        {"fioff fooff", 0x81234567}, {"fop", 0x7a5}, {"mxcsr", 0x7fbf}, {"mxcsr", 0x1f80},
        {"cr2", 0x81234568}, {"cr8", 9}, {"dr0 dr1 dr2 dr3", 0x81234560}, {"dr6", 0xffff4ff3}, {"dr7", 0x455}, {"dr7", 0x400},
        {"xcr0", 7}, {"pkru", 0x55555554},
        {"gdtr_base idtr_base ldtr_base tr_base es_base ss_base ds_base fs_base gs_base", 0x12340},
        {"es_base ss_base ds_base", 0}, {"gdtr_limit idtr_limit", 0x7ff}, {"tr_limit ldtr_limit", 0x67},
        {"es_limit fs_limit gs_limit", 0xfffff}, {"es_limit ds_limit", 0xffffffff}, {"es_attr ds_attr fs_attr gs_attr", 0xc093},
        {"sysenter_cs", 0x10}, {"sysenter_esp sysenter_eip", 0x81234560}, {"pat", UINT64_C(0x0407010500070106)},
        {"misc_enable debugctl", 0x1}, {"mtrr_def_type", 0xc06}, {"mtrr_fix64k_00000 mtrr_fix4k_f8000", 0x0606060606060606},
        {"mtrr_physbase0 mtrr_physmask7", 0x80000006}, {"star", UINT64_C(0x0023001000000000)},
        {"lstar cstar kernel_gs_base", UINT64_C(0xffffffff81000000)}, {"fmask tsc_aux", 0x47700},
    };
    const struct debug_view *view = ops_of(m)->view(&m->cpu->tcg.vcpu, mode);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char names[200];
        strcpy(names, rows[i].names);
        for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
            if (!find(view, name))
                continue;
            put(m, mode, name, rows[i].value);
            expect(m, mode, name, rows[i].value);
        }
    }
    for (unsigned n = 0; n < (mode == MODE64 ? 16 : 8); n++) {
        static const char *const forms[] = {"xmm%u", "ymm%uh", "st%u"};
        for (unsigned i = 0; i < (n < 8 ? 3 : 2); i++) {
            char name[8];
            snprintf(name, sizeof(name), forms[i], n);
            const struct debug_register *reg = find(view, name);
            uint8_t in[16], out[16] = {0};
            for (unsigned b = 0; b < 16; b++)
                in[b] = b < reg->bits / 8 ? (uint8_t)(n * 16 + b + i) : 0;
            cr_assert(ops_of(m)->write(&m->cpu->tcg.vcpu, view, reg, in));
            cr_assert(ops_of(m)->read(&m->cpu->tcg.vcpu, view, reg, out));
            cr_assert_arr_eq(in, out, 16, "%s", name);
        }
    }
}

Test(x86_debug, each_register_reads_back)
{
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    each_reads_back(m, MODE16);
    x86_machine_destroy(m);
    m = in_32_bit_code("max");
    each_reads_back(m, MODE32);
    x86_machine_destroy(m);
    m = in_64_bit_code();
    each_reads_back(m, MODE64);
    x86_machine_destroy(m);
}

// --- where a register is not just a field --------------------------------------------------------------------------

Test(x86_debug, pc_and_sp_of_16_bit_code_are_linear)
{
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    cr_assert_eq(mode_of(m), MODE16);
    expect(m, MODE16, "eip", 0xfffffff0);
    expect(m, MODE16, "ip16", 0xfff0);
    cr_assert_not(set(m, MODE16, "eip", 0x7c00), "not in CS");
    put(m, MODE16, "cs", 0x7c0);
    expect(m, MODE16, "cs_base", 0x7c00);
    expect(m, MODE16, "ip16", 0xfff0);
    put(m, MODE16, "eip", 0x7c12);
    expect(m, MODE16, "ip16", 0x12);
    cr_assert_eq(m->cpu->tcg.vcpu.ops->get_pc(&m->cpu->tcg.vcpu), 0x7c12, "what breakpoints are set by");
    put(m, MODE16, "ip16", 0x34);
    expect(m, MODE16, "eip", 0x7c34);
    put(m, MODE16, "ss", 0x1000);
    m->cpu->gpr[X86_RSP] = 0xabcdfff0;
    expect(m, MODE16, "esp", 0x1fff0);
    expect(m, MODE16, "sp16", 0xfff0);
    put(m, MODE16, "esp", 0x10ffe);
    cr_assert_eq(m->cpu->gpr[X86_RSP], 0xabcd0ffe, "SP alone");
    cr_assert_not(set(m, MODE16, "esp", 0x20000), "not in SS");
    put(m, MODE16, "sp16", 0x8000);
    expect(m, MODE64, "rsp", 0x18000);
    x86_machine_destroy(m);
}

Test(x86_debug, bases_of_32_bit_code_are_added)
{
    struct x86_machine *m = in_32_bit_code("pentium3");
    put(m, MODE32, "cs_base", 0x100000);
    expect(m, MODE32, "eip", 0x200000);
    cr_assert_eq(x86_rip(m->cpu), 0x100000, "a new base moves the code");
    put(m, MODE32, "eip", 0x100010);
    cr_assert_eq(x86_rip(m->cpu), 0x10);
    put(m, MODE32, "ss_base", 0xfff00000);
    put(m, MODE32, "esp", 0x1000);
    cr_assert_eq(m->cpu->gpr[X86_RSP], 0x101000, "around the end of the address space");
    expect(m, MODE32, "esp", 0x1000);
    put(m, MODE32, "cs_limit", 0xffff);
    cr_assert_not(set(m, MODE32, "eip", 0x110000));
    x86_machine_destroy(m);
}

Test(x86_debug, other_views_show_and_write_lower_halves)
{
    struct x86_machine *m = in_64_bit_code();
    put(m, MODE64, "rax", UINT64_C(0x1111222233334444));
    expect(m, MODE32, "eax", 0x33334444);
    put(m, MODE32, "eax", 0x55556666);
    expect(m, MODE64, "rax", UINT64_C(0x1111222255556666));
    put(m, MODE64, "rip", UINT64_C(0xffffffff80001234));
    expect(m, MODE16, "eip", 0x80001234);
    put(m, MODE32, "eip", 0x80004321);
    expect(m, MODE64, "rip", UINT64_C(0xffffffff80004321));
    cr_assert_not(set(m, MODE64, "rip", UINT64_C(0x800000000000)), "not canonical");
    x86_machine_destroy(m);
    m = in_32_bit_code("max");
    put(m, MODE32, "ebx", 0x87654321);
    expect(m, MODE64, "rbx", 0x87654321);
    cr_assert_not(set(m, MODE64, "rbx", UINT64_C(0x100000000)));
    x86_machine_destroy(m);
}

Test(x86_debug, vm86_code_has_its_mode)
{
    struct x86_machine *m = in_32_bit_code("max");
    cr_assert_not(set(m, MODE32, "eflags", FLAG_VM | 2), "its segments come with it");
    x86_eflags_set(m->cpu, FLAG_VM | FLAG_IF);
    for (unsigned n = 0; n < X86_SEGS; n++)
        m->cpu->segs[n] = x86_real_segment(0x2000);
    x86_modes_changed(m->cpu);
    x86_set_rip(m->cpu, 0x100);
    cr_assert_eq(mode_of(m), MODE16);
    expect(m, MODE16, "eip", 0x20100);
    expect(m, MODE16, "cpl", 3);
    put(m, MODE16, "cs", 0x3000);
    expect(m, MODE16, "eip", 0x30100);
    put(m, MODE16, "ds", 0x1234);
    expect(m, MODE16, "ds_base", 0x12340);
    cr_assert_not(set(m, MODE16, "ds_attr", 0x93));
    put_all_back(m, MODE16);
    x86_machine_destroy(m);
}

// Lazy flags, x87 registers by their place in the stack, MXCSR in the host's register.
Test(x86_debug, written_state_is_what_code_finds)
{
    // fldz; fstcw [0x600]; fst qword [0x608]; stmxcsr [0x610]; pushf; pop ax; mov [0x614], ax; mov al, 0; out 0xf4, al; hlt
    static const uint8_t code[] = {0xd9, 0x3e, 0x00, 0x06, 0xdd, 0x16, 0x08, 0x06, 0x0f, 0xae, 0x1e, 0x10, 0x06, 0x9c,
                                   0x58, 0xa3, 0x14, 0x06, 0xb0, 0x00, 0xe6, 0xf4, 0xf4};
    static const uint8_t one_and_a_half[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f};
    struct x86_machine *m = x86_machine_create("tcg", "max", 0);
    memcpy(test_machine_ram(&m->base, 0x7c00), code, sizeof(code));
    put(m, MODE16, "cs", 0);
    put(m, MODE16, "eip", 0x7c00);
    put(m, MODE16, "esp", 0x7000);
    put(m, MODE16, "cr0", CR0_ET);
    put(m, MODE16, "cr4", CR4_OSFXSR);
    put(m, MODE16, "eflags", FLAG_C | FLAG_Z | FLAG_O | FLAG_DF | 2);
    put(m, MODE16, "fctrl", 0x27f);
    put(m, MODE16, "fstat", 5 << 11);
    put(m, MODE16, "ftag", 0xf3ff); // register 5 is full
    put(m, MODE16, "mxcsr", 0x5f80);
    const struct debug_view *view = ops_of(m)->view(&m->cpu->tcg.vcpu, MODE16);
    cr_assert(ops_of(m)->write(&m->cpu->tcg.vcpu, view, find(view, "st0"), one_and_a_half));
    cr_assert_eq(memcmp(m->cpu->fpu.st[5], one_and_a_half, 10), 0);
    cr_assert(x86_machine_run(m));
    cr_assert_eq(m->status, 0);
    cr_assert_eq(load_le16(test_machine_ram(&m->base, 0x600)), 0x27f);
    cr_assert_eq(load_le64(test_machine_ram(&m->base, 0x608)), UINT64_C(0x3ff8000000000000));
    cr_assert_eq(load_le32(test_machine_ram(&m->base, 0x610)), 0x5f80);
    cr_assert_eq(load_le16(test_machine_ram(&m->base, 0x614)), FLAG_C | FLAG_Z | FLAG_O | FLAG_DF | 2);
    cr_assert_not(set(m, MODE16, "mxcsr", 0x10000));
    x86_machine_destroy(m);
}

// Values that MOV, WRMSR or a load of a segment raise #GP for.
Test(x86_debug, what_faults_is_refused)
{
    static const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"cr0", CR0_PG | CR0_ET},
        {"cr0", CR0_PE | CR0_ET},               // 64-bit code cannot leave long mode
        {"cr0", CR0_PE | CR0_PG | CR0_NW},
        {"cr4", 1u << 31}, {"cr4", 0},          // PAE stays
        {"cr4", CR4_PAE | CR4_LA57},
        {"cr3", UINT64_C(1) << 51}, {"cr8", 16}, {"efer", 2}, {"efer", EFER_NXE}, {"xcr0", 2}, {"xcr0", 5},
        {"mxcsr", 1 << 16},
        {"lstar", UINT64_C(1) << 62}, {"fs_base", UINT64_C(1) << 62}, {"fmask", UINT64_C(1) << 32}, {"pat", 2},
        {"cs", 0}, {"cs", 0x10}, {"cs", 0x100}, {"cs", 0x10008}, {"ss", 8}, {"ss", 0x13}, {"ds", 0x100}, {"tr", 8}, {"tr", 3},
        {"ldtr", 0x10}, {"cs_attr", 0x93}, {"cs_attr", 0xe09b}, {"ss_attr", 0x9b}, {"tr_attr", 0x93}, {"ds_attr", 0x99},
        {"cs_base", 0x1000}, {"ds_base", UINT64_C(1) << 32}, {"gdtr_limit", 0x10000}, {"ds_limit", 0x1234567},
        {"gdtr_base", UINT64_C(1) << 62}, {"cpl", 3}, {"smm", 1}, {"a20", 0}, {"smbase", 0},
    };
    struct x86_machine *m = in_64_bit_code();
    static uint8_t before[400][DEBUG_REGISTER_BYTES], after[400][DEBUG_REGISTER_BYTES];
    unsigned count = read_all(m, MODE64, before);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        cr_assert_not(set(m, MODE64, rows[i].name, rows[i].value), "%s = 0x%llx", rows[i].name,
                      (unsigned long long)rows[i].value);
        read_all(m, MODE64, after);
        cr_assert_eq(memcmp(before, after, count * DEBUG_REGISTER_BYTES), 0, "%s", rows[i].name);
    }
    x86_machine_destroy(m);
}

Test(x86_debug, processors_of_32_bits_have_no_more)
{
    static const char *const names[] = {"cr3", "dr0", "ds_base", "gdtr_base", "fs_base", "dr3"};
    struct x86_machine *m = in_32_bit_code("pentium3");
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        cr_assert_not(set(m, MODE32, names[i], UINT64_C(1) << 32), "%s", names[i]);
    x86_machine_destroy(m);
}

Test(x86_debug, selectors_load_descriptors)
{
    struct x86_machine *m = in_64_bit_code();
    put(m, MODE64, "ds", 0x20);
    expect(m, MODE64, "ds_base", 0x1000);
    expect(m, MODE64, "ds_limit", 0xffffff);
    expect(m, MODE64, "ds_attr", 0xc093);
    put(m, MODE64, "rip", 0x1234);
    put(m, MODE64, "cs", 0x18);
    cr_assert_eq(mode_of(m), MODE32, "compatibility mode");
    expect(m, MODE32, "eip", 0x1234);
    put(m, MODE32, "cs_attr", 0xa09b);
    cr_assert_eq(mode_of(m), MODE64);
    put(m, MODE64, "es", 0);
    expect(m, MODE64, "es_attr", 0);
    // A busy TSS at 0xffff800000000000.
    poke(m, GDT + 8, UINT64_C(0x00008b0000000067));
    poke(m, GDT + 16, UINT64_C(0xffff8000));
    put(m, MODE64, "tr", 8);
    expect(m, MODE64, "tr_base", UINT64_C(0xffff800000000000));
    expect(m, MODE64, "tr_attr", 0x8b);
    // The privilege level is that of SS.
    put(m, MODE64, "ss_attr", 0xc0f3);
    expect(m, MODE64, "cpl", 3);
    cr_assert_eq(ops_of(m)->privilege(&m->cpu->tcg.vcpu), 3);
    x86_machine_destroy(m);
}

// Modes that code depends on follow, PDPTEs are loaded, breakpoints of the guest's are armed.
Test(x86_debug, writes_have_their_effects)
{
    struct x86_machine *m = in_32_bit_code("pentium3");
    poke(m, PML4, 0x80001);
    poke(m, PML4 + 8, 6);
    put(m, MODE32, "cr4", CR4_PAE | CR4_DE);
    put(m, MODE32, "cr0", CR0_PE | CR0_ET);
    put(m, MODE32, "cr3", PML4);
    put(m, MODE32, "cr0", CR0_PE | CR0_PG | CR0_ET);
    cr_assert_eq(m->cpu->pdpte[0], 0x80001);
    poke(m, PML4 + 0x20, 0x1e7);
    cr_assert_not(set(m, MODE32, "cr3", PML4 + 0x20), "a reserved bit of a PDPTE");
    cr_assert_eq(m->cpu->cr3, PML4);
    put(m, MODE32, "dr0", 0x1234);
    put(m, MODE32, "dr7", 0x10003);
    cr_assert_eq(m->cpu->watches, 1);
    put(m, MODE32, "eflags", FLAG_TF | 2);
    cr_assert(m->cpu->block_flags >> X86_BF_TF & 1);
    put(m, MODE32, "fctrl", 0x37f);
    cr_assert(m->cpu->block_flags >> X86_BF_X87_MASKED & 1);
    put(m, MODE32, "fctrl", 0x37e);
    cr_assert_not(m->cpu->block_flags >> X86_BF_X87_MASKED & 1);
    put(m, MODE32, "fstat", 1);
    expect(m, MODE32, "fstat", 0x8081); // and it is pending
    x86_machine_destroy(m);
}

static const char *interrupts(struct x86_machine *m)
{
    static char text[1024];
    memset(text, 0, sizeof(text));
    FILE *out = fmemopen(text, sizeof(text), "w");
    cr_assert(out);
    ops_of(m)->print_irq(&m->cpu->tcg.vcpu, out);
    fclose(out);
    return text;
}

Test(x86_debug, interrupt_inputs)
{
    struct x86_machine *m = in_32_bit_code("max");
    struct vcpu *vcpu = &m->cpu->tcg.vcpu;
    vcpu_irq_set(vcpu, X86_CPU_INTR, true);
    cr_assert_str_eq(interrupts(m), "CPL 0, IF clear\n"
                                    "  INTR up    masked: IF is clear\n"
                                    "  NMI  down  not masked\n"
                                    "  SMI  down  not masked\n");
    m->cpu->eflags |= FLAG_IF;
    m->cpu->nmi_blocked = m->cpu->smm = true;
    vcpu_irq_set(vcpu, X86_CPU_SMI, true);
    cr_assert_str_eq(interrupts(m), "CPL 0, IF set, NMIs blocked, in system management mode\n"
                                    "  INTR up    is taken next\n"
                                    "  NMI  down  blocked until IRET\n"
                                    "  SMI  up    held off until RSM\n");
    m->cpu->shadow = X86_SHADOW_STI;
    cr_assert(strstr(interrupts(m), "  INTR up    held off until after the instruction behind STI\n"));
    x86_machine_destroy(m);
}
