// SPDX-License-Identifier: MIT
// The registers as GDB is told of them: one view for 16-, 32- and 64-bit code each, as far as the processor has it. The
// features named org.gnu.gdb.i386.* are those of the GDB manual, G.5.4, with the registers in the order of GDB's numbers;
// the others are what it does not know.

#include "target-x86/gdb.h"

#include <stdlib.h>

#include "tcg/base/alloc.h"
#include "tcg/base/bits.h"

#define ID(kind, n) (uint16_t)(X86_KIND_##kind << 8 | (n))

// --- types ---------------------------------------------------------------------------------------------------------

#define BIT(name, at) "<field name=\"" name "\" start=\"" #at "\" end=\"" #at "\"/>"
#define BITS(name, first, last) "<field name=\"" name "\" start=\"" #first "\" end=\"" #last "\"/>"
#define FLAGS(name, bytes, fields) "<flags id=\"" name "\" size=\"" #bytes "\">" fields "</flags>"
#define VECTOR(name, type, count) "<vector id=\"" name "\" type=\"" type "\" count=\"" #count "\"/>"
#define FIELD(name, type) "<field name=\"" name "\" type=\"" type "\"/>"

static const char core_types[] =
    FLAGS("i386_eflags", 4,
          BIT("CF", 0) BIT("PF", 2) BIT("AF", 4) BIT("ZF", 6) BIT("SF", 7) BIT("TF", 8) BIT("IF", 9) BIT("DF", 10) BIT("OF", 11)
          BITS("IOPL", 12, 13) BIT("NT", 14) BIT("RF", 16) BIT("VM", 17) BIT("AC", 18) BIT("VIF", 19) BIT("VIP", 20)
          BIT("ID", 21));

static const char sse_types[] =
    VECTOR("v4f", "ieee_single", 4) VECTOR("v2d", "ieee_double", 2) VECTOR("v16i8", "int8", 16) VECTOR("v8i16", "int16", 8)
    VECTOR("v4i32", "int32", 4) VECTOR("v2i64", "int64", 2)
    "<union id=\"vec128\">" FIELD("v4_float", "v4f") FIELD("v2_double", "v2d") FIELD("v16_int8", "v16i8")
    FIELD("v8_int16", "v8i16") FIELD("v4_int32", "v4i32") FIELD("v2_int64", "v2i64") FIELD("uint128", "uint128") "</union>"
    FLAGS("i386_mxcsr", 4,
          BIT("IE", 0) BIT("DE", 1) BIT("ZE", 2) BIT("OE", 3) BIT("UE", 4) BIT("PE", 5) BIT("DAZ", 6) BIT("IM", 7) BIT("DM", 8)
          BIT("ZM", 9) BIT("OM", 10) BIT("UM", 11) BIT("PM", 12) BITS("RC", 13, 14) BIT("FZ", 15));

static const char system_types[] =
    FLAGS("x86_cr0", 4,
          BIT("PE", 0) BIT("MP", 1) BIT("EM", 2) BIT("TS", 3) BIT("ET", 4) BIT("NE", 5) BIT("WP", 16) BIT("AM", 18) BIT("NW", 29)
          BIT("CD", 30) BIT("PG", 31))
    FLAGS("x86_cr4", 4,
          BIT("VME", 0) BIT("PVI", 1) BIT("TSD", 2) BIT("DE", 3) BIT("PSE", 4) BIT("PAE", 5) BIT("MCE", 6) BIT("PGE", 7)
          BIT("PCE", 8) BIT("OSFXSR", 9) BIT("OSXMMEXCPT", 10) BIT("UMIP", 11) BIT("LA57", 12) BIT("FSGSBASE", 16)
          BIT("PCIDE", 17) BIT("OSXSAVE", 18) BIT("SMEP", 20) BIT("SMAP", 21) BIT("PKE", 22))
    FLAGS("x86_efer", 4, BIT("SCE", 0) BIT("LME", 8) BIT("LMA", 10) BIT("NXE", 11) BIT("FFXSR", 14))
    FLAGS("x86_xcr0", 4, BIT("X87", 0) BIT("SSE", 1) BIT("AVX", 2) BIT("PKRU", 9))
    FLAGS("x86_dr6", 4, BIT("B0", 0) BIT("B1", 1) BIT("B2", 2) BIT("B3", 3) BIT("BD", 13) BIT("BS", 14) BIT("BT", 15))
    FLAGS("x86_dr7", 4,
          BIT("L0", 0) BIT("G0", 1) BIT("L1", 2) BIT("G1", 3) BIT("L2", 4) BIT("G2", 5) BIT("L3", 6) BIT("G3", 7) BIT("LE", 8)
          BIT("GE", 9) BIT("GD", 13) BITS("RW0", 16, 17) BITS("LEN0", 18, 19) BITS("RW1", 20, 21) BITS("LEN1", 22, 23)
          BITS("RW2", 24, 25) BITS("LEN2", 26, 27) BITS("RW3", 28, 29) BITS("LEN3", 30, 31))
    FLAGS("x86_attr", 4,
          BITS("TYPE", 0, 3) BIT("S", 4) BITS("DPL", 5, 6) BIT("P", 7) BIT("AVL", 12) BIT("L", 13) BIT("DB", 14) BIT("G", 15));

// --- general registers ---------------------------------------------------------------------------------------------

#define GPR(name, type, bits, n) {name, type, NULL, bits, ID(GPR, n)}
#define SELECTOR(name, n) {name, "int32", NULL, 32, ID(SELECTOR, n)}
#define SELECTORS \
    SELECTOR("cs", X86_CS), SELECTOR("ss", X86_SS), SELECTOR("ds", X86_DS), SELECTOR("es", X86_ES), SELECTOR("fs", X86_FS), \
    SELECTOR("gs", X86_GS)
#define EFLAGS {"eflags", "i386_eflags", NULL, 32, ID(CORE, X86_DEBUG_EFLAGS)}
#define ST(n) {"st" #n, "i387_ext", NULL, 80, ID(ST, n)}
#define FPU(name, which) {name, "int", "float", 32, ID(FPU, which)}
#define X87 \
    ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7), FPU("fctrl", X86_DEBUG_FCTRL), FPU("fstat", X86_DEBUG_FSTAT), \
    FPU("ftag", X86_DEBUG_FTAG), FPU("fiseg", X86_DEBUG_FISEG), FPU("fioff", X86_DEBUG_FIOFF), \
    FPU("foseg", X86_DEBUG_FOSEG), FPU("fooff", X86_DEBUG_FOOFF), FPU("fop", X86_DEBUG_FOP)

static const struct debug_register core32[] = {
    GPR("eax", "int32", 32, X86_RAX), GPR("ecx", "int32", 32, X86_RCX), GPR("edx", "int32", 32, X86_RDX),
    GPR("ebx", "int32", 32, X86_RBX), GPR("esp", "data_ptr", 32, X86_RSP), GPR("ebp", "data_ptr", 32, X86_RBP),
    GPR("esi", "int32", 32, X86_RSI), GPR("edi", "int32", 32, X86_RDI),
    {"eip", "code_ptr", NULL, 32, ID(CORE, X86_DEBUG_PC)}, EFLAGS, SELECTORS, X87,
};

static const struct debug_register core64[] = {
    GPR("rax", "int64", 64, X86_RAX), GPR("rbx", "int64", 64, X86_RBX), GPR("rcx", "int64", 64, X86_RCX),
    GPR("rdx", "int64", 64, X86_RDX), GPR("rsi", "int64", 64, X86_RSI), GPR("rdi", "int64", 64, X86_RDI),
    GPR("rbp", "data_ptr", 64, X86_RBP), GPR("rsp", "data_ptr", 64, X86_RSP), GPR("r8", "int64", 64, 8),
    GPR("r9", "int64", 64, 9), GPR("r10", "int64", 64, 10), GPR("r11", "int64", 64, 11), GPR("r12", "int64", 64, 12),
    GPR("r13", "int64", 64, 13), GPR("r14", "int64", 64, 14), GPR("r15", "int64", 64, 15),
    {"rip", "code_ptr", NULL, 64, ID(CORE, X86_DEBUG_PC)}, EFLAGS, SELECTORS, X87,
};

// Not "ip" and "sp": registers go before what GDB calls $sp by itself.
static const struct debug_register offsets[] = {
    {"ip16", "uint16", "general", 16, ID(CORE, X86_DEBUG_IP)},
    {"sp16", "uint16", "general", 16, ID(CORE, X86_DEBUG_SP)},
};

// --- vectors -------------------------------------------------------------------------------------------------------

#define XMM(n) {"xmm" #n, "vec128", NULL, 128, ID(XMM, n)}
#define XMM0_7 XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7)
#define MXCSR {"mxcsr", "i386_mxcsr", "vector", 32, ID(FPU, X86_DEBUG_MXCSR)}
static const struct debug_register sse32[] = {XMM0_7, MXCSR};
static const struct debug_register sse64[] = {XMM0_7,  XMM(8),  XMM(9),  XMM(10), XMM(11),
                                              XMM(12), XMM(13), XMM(14), XMM(15), MXCSR};

#define YMMH(n) {"ymm" #n "h", "uint128", NULL, 128, ID(YMMH, n)}
static const struct debug_register avx[] = {YMMH(0), YMMH(1), YMMH(2),  YMMH(3),  YMMH(4),  YMMH(5),  YMMH(6),  YMMH(7),
                                            YMMH(8), YMMH(9), YMMH(10), YMMH(11), YMMH(12), YMMH(13), YMMH(14), YMMH(15)};

// --- the system's --------------------------------------------------------------------------------------------------

static const struct debug_register segments64[] = {
    {"fs_base", "int64", NULL, 64, ID(BASE, X86_FS)},
    {"gs_base", "int64", NULL, 64, ID(BASE, X86_GS)},
};

static const struct debug_register protection_keys[] = {{"pkru", "uint32", NULL, 32, ID(SYSTEM, X86_DEBUG_PKRU)}};

#define SYSTEM(name, type, bits, id) {name, type, "system", bits, id}
#define CR(n, type, bits) SYSTEM("cr" #n, type, bits, ID(CR, n))
#define DR(n, type, bits) SYSTEM("dr" #n, type, bits, ID(DR, n))
#define BASE(name, n) SYSTEM(name "_base", "uint64", 64, ID(BASE, n))
#define LIMIT(name, n) SYSTEM(name "_limit", "uint32", 32, ID(LIMIT, n))
#define ATTR(name, n) SYSTEM(name "_attr", "x86_attr", 32, ID(ATTR, n))

enum { BASES_OF_FS_AND_GS = 2 };
// Registers of flags have 32 bits, of which none has more in use: to others than those of an int's size GDB assigns no numbers.
static const struct debug_register system_registers[] = {
    CR(0, "x86_cr0", 32), CR(2, "uint64", 64), CR(3, "uint64", 64), CR(4, "x86_cr4", 32), CR(8, "uint32", 32),
    SYSTEM("efer", "x86_efer", 32, ID(SYSTEM, X86_DEBUG_EFER)), SYSTEM("xcr0", "x86_xcr0", 32, ID(SYSTEM, X86_DEBUG_XCR0)),
    DR(0, "uint64", 64), DR(1, "uint64", 64), DR(2, "uint64", 64), DR(3, "uint64", 64), DR(6, "x86_dr6", 32),
    DR(7, "x86_dr7", 32),
    BASE("gdtr", X86_DEBUG_GDTR), LIMIT("gdtr", X86_DEBUG_GDTR), BASE("idtr", X86_DEBUG_IDTR), LIMIT("idtr", X86_DEBUG_IDTR),
    SYSTEM("ldtr", "int32", 32, ID(SELECTOR, X86_DEBUG_LDTR)), BASE("ldtr", X86_DEBUG_LDTR), LIMIT("ldtr", X86_DEBUG_LDTR),
    ATTR("ldtr", X86_DEBUG_LDTR), SYSTEM("tr", "int32", 32, ID(SELECTOR, X86_DEBUG_TR)), BASE("tr", X86_DEBUG_TR),
    LIMIT("tr", X86_DEBUG_TR), ATTR("tr", X86_DEBUG_TR), BASE("es", X86_ES), LIMIT("es", X86_ES), ATTR("es", X86_ES),
    BASE("cs", X86_CS), LIMIT("cs", X86_CS), ATTR("cs", X86_CS), BASE("ss", X86_SS), LIMIT("ss", X86_SS), ATTR("ss", X86_SS),
    BASE("ds", X86_DS), LIMIT("ds", X86_DS), ATTR("ds", X86_DS), LIMIT("fs", X86_FS), ATTR("fs", X86_FS), LIMIT("gs", X86_GS),
    ATTR("gs", X86_GS), SYSTEM("cpl", "uint8", 8, ID(SYSTEM, X86_DEBUG_CPL)),
    SYSTEM("smm", "uint8", 8, ID(SYSTEM, X86_DEBUG_SMM)), SYSTEM("a20", "uint8", 8, ID(SYSTEM, X86_DEBUG_A20)),
    SYSTEM("smbase", "uint32", 32, ID(SYSTEM, X86_DEBUG_SMBASE)),
    // The last ones, which 64-bit views have elsewhere.
    BASE("fs", X86_FS), BASE("gs", X86_GS),
};

// --- MSRs ----------------------------------------------------------------------------------------------------------

// MSR(name, number): names as in the manuals, without IA32_ or MSR_. Those of long mode are the last ones.
#define MSRS_OF_ALL(MSR) \
    MSR(tsc, 0x10) MSR(apic_base, 0x1b) MSR(tsc_adjust, 0x3b) MSR(bios_sign_id, 0x8b) MSR(sysenter_cs, 0x174) \
    MSR(sysenter_esp, 0x175) MSR(sysenter_eip, 0x176) MSR(misc_enable, 0x1a0) MSR(debugctl, 0x1d9) MSR(pat, 0x277) \
    MSR(tsc_deadline, 0x6e0) MSR(mtrr_def_type, 0x2ff) MSR(mtrr_fix64k_00000, 0x250) MSR(mtrr_fix16k_80000, 0x258) \
    MSR(mtrr_fix16k_a0000, 0x259) MSR(mtrr_fix4k_c0000, 0x268) MSR(mtrr_fix4k_c8000, 0x269) MSR(mtrr_fix4k_d0000, 0x26a) \
    MSR(mtrr_fix4k_d8000, 0x26b) MSR(mtrr_fix4k_e0000, 0x26c) MSR(mtrr_fix4k_e8000, 0x26d) MSR(mtrr_fix4k_f0000, 0x26e) \
    MSR(mtrr_fix4k_f8000, 0x26f) MSR(mtrr_physbase0, 0x200) MSR(mtrr_physmask0, 0x201) MSR(mtrr_physbase1, 0x202) \
    MSR(mtrr_physmask1, 0x203) MSR(mtrr_physbase2, 0x204) MSR(mtrr_physmask2, 0x205) MSR(mtrr_physbase3, 0x206) \
    MSR(mtrr_physmask3, 0x207) MSR(mtrr_physbase4, 0x208) MSR(mtrr_physmask4, 0x209) MSR(mtrr_physbase5, 0x20a) \
    MSR(mtrr_physmask5, 0x20b) MSR(mtrr_physbase6, 0x20c) MSR(mtrr_physmask6, 0x20d) MSR(mtrr_physbase7, 0x20e) \
    MSR(mtrr_physmask7, 0x20f)
#define MSRS_OF_LONG_MODE(MSR) \
    MSR(star, 0xc0000081) MSR(lstar, 0xc0000082) MSR(cstar, 0xc0000083) MSR(fmask, 0xc0000084) \
    MSR(kernel_gs_base, 0xc0000102) MSR(tsc_aux, 0xc0000103)

enum msr_index {
#define MSR(name, number) MSR_##name,
    MSRS_OF_ALL(MSR) MSR_COUNT_OF_ALL, MSR_before_long_mode = MSR_COUNT_OF_ALL - 1, MSRS_OF_LONG_MODE(MSR)
#undef MSR
};

const uint32_t x86_debug_msrs[] = {
#define MSR(name, number) number,
    MSRS_OF_ALL(MSR) MSRS_OF_LONG_MODE(MSR)
#undef MSR
};

static const struct debug_register msrs[] = {
#define MSR(name, number) {#name, "uint64", "system", 64, ID(MSR, MSR_##name)},
    MSRS_OF_ALL(MSR) MSRS_OF_LONG_MODE(MSR)
#undef MSR
};

// --- views ---------------------------------------------------------------------------------------------------------

enum { VIEWS = 3, FEATURES = 8 };

struct x86_views {
    struct debug_view views[VIEWS];
    struct debug_feature features[VIEWS][FEATURES];
};

static void add(struct x86_views *views, unsigned mode, const char *name, const char *types,
                const struct debug_register *registers, unsigned count)
{
    views->features[mode][views->views[mode].feature_count++] = (struct debug_feature){name, types, registers, count};
}

static void fill(struct x86_views *views, unsigned mode, const struct x86_cpu *cpu)
{
    bool wide = mode == 2;
    if (wide)
        add(views, mode, "org.gnu.gdb.i386.core", core_types, core64, ARRAY_SIZE(core64));
    else
        add(views, mode, "org.gnu.gdb.i386.core", core_types, core32, ARRAY_SIZE(core32));
    views->views[mode].packet_count = views->features[mode][0].count;
    if (x86_has(cpu, X86_FEAT_SSE))
        add(views, mode, "org.gnu.gdb.i386.sse", sse_types, wide ? sse64 : sse32, wide ? ARRAY_SIZE(sse64) : ARRAY_SIZE(sse32));
    if (x86_has(cpu, X86_FEAT_SSE) && x86_has(cpu, X86_FEAT_AVX))
        add(views, mode, "org.gnu.gdb.i386.avx", NULL, avx, wide ? 16 : 8);
    if (wide)
        add(views, mode, "org.gnu.gdb.i386.segments", NULL, segments64, ARRAY_SIZE(segments64));
    if (x86_has(cpu, X86_FEAT_PKU))
        add(views, mode, "org.gnu.gdb.i386.pkeys", NULL, protection_keys, ARRAY_SIZE(protection_keys));
    if (mode == 0)
        add(views, mode, "org.lyrebird.x86.offsets", NULL, offsets, ARRAY_SIZE(offsets));
    add(views, mode, "org.lyrebird.x86.system", system_types, system_registers,
        ARRAY_SIZE(system_registers) - (wide ? BASES_OF_FS_AND_GS : 0));
    if (x86_has(cpu, X86_FEAT_MSR))
        add(views, mode, "org.lyrebird.x86.msr", NULL, msrs,
            x86_has(cpu, X86_FEAT_LM) ? ARRAY_SIZE(msrs) : (unsigned)MSR_COUNT_OF_ALL);
}

struct x86_views *x86_views_create(const struct x86_cpu *cpu)
{
    static const char *const architectures[VIEWS] = {"i8086", "i386", "i386:x86-64"};
    struct x86_views *views = ALLOC(struct x86_views);
    for (unsigned mode = 0; mode < VIEWS; mode++) {
        views->views[mode] = (struct debug_view){.architecture = architectures[mode], .features = views->features[mode]};
        fill(views, mode, cpu);
    }
    return views;
}

void x86_views_destroy(struct x86_views *views)
{
    free(views);
}

const struct debug_view *x86_view(const struct x86_views *views, unsigned mode)
{
    return &views->views[mode];
}
