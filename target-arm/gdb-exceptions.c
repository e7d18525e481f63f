// SPDX-License-Identifier: MIT
// Exceptions in words: classes and syndromes (Arm ARM, D24.2.40 for ESR_ELx).
//
// A class, as debuggers choose by it, is an ESR_ELx.EC, or a number past those for interrupts. The classes of aborts and debug
// exceptions from the same exception level count as those from a lower one.

#include "target-arm/gdb.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "target-arm/exception.h"
#include "target-arm/sysreg.h"
#include "tcg/base/bits.h"

enum { CLASS_IRQ = 0x40, CLASS_FIQ, CLASS_SERROR };

static const struct {
    const char *word;
    uint32_t class;
} words[] = {
    {"undefined", EC_UNKNOWN},
    {"wfi", EC_WFX},
    {"wfe", EC_WFX},
    {"fp", EC_FP_ACCESS},
    {"pauth", EC_PAUTH_ACCESS},
    {"bti", EC_BRANCH_TARGET},
    {"illegal-state", EC_ILLEGAL_STATE},
    {"svc", EC_SVC64},
    {"hvc", EC_HVC64},
    {"smc", EC_SMC64},
    {"sysreg", EC_SYSREG},
    {"instruction-abort", EC_INSTRUCTION_ABORT},
    {"prefetch-abort", EC_INSTRUCTION_ABORT},
    {"pc-alignment", EC_PC_ALIGNMENT},
    {"data-abort", EC_DATA_ABORT},
    {"sp-alignment", EC_SP_ALIGNMENT},
    {"breakpoint", EC_BREAKPOINT},
    {"step", EC_STEP},
    {"watchpoint", EC_WATCHPOINT},
    {"brk", EC_BRK64},
    {"irq", CLASS_IRQ},
    {"fiq", CLASS_FIQ},
    {"serror", CLASS_SERROR},
};

static uint32_t class_of(uint32_t ec)
{
    switch (ec & ~1U) {
    case EC_INSTRUCTION_ABORT:
    case EC_DATA_ABORT:
    case EC_BREAKPOINT:
    case EC_STEP:
    case EC_WATCHPOINT:
        return ec & ~1U;
    default:
        return ec;
    }
}

uint32_t arm_debug_exception_class(const struct debug_exception *e)
{
    switch (e->vector & 0x180) {
    case ARM_VECTOR_IRQ:
        return CLASS_IRQ;
    case ARM_VECTOR_FIQ:
        return CLASS_FIQ;
    case ARM_VECTOR_SERROR:
        return CLASS_SERROR;
    default:
        return class_of(extract64(e->syndrome, 26, 6));
    }
}

bool arm_debug_find_exception(const char *word, uint32_t *class)
{
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        if (!strcasecmp(word, words[i].word)) {
            *class = words[i].class;
            return true;
        }
    char *end;
    unsigned long ec = strtoul(word, &end, 0);
    if (end == word || *end || *word == '-' || ec > 0x3f)
        return false;
    *class = class_of((uint32_t)ec);
    return true;
}

// --- syndromes -------------------------------------------------------------------------------------------------------

const char *arm_debug_fault_name(uint32_t status)
{
    static const char *const names[64] = {
        [0x00] = "address size fault, level 0", [0x01] = "address size fault, level 1",
        [0x02] = "address size fault, level 2", [0x03] = "address size fault, level 3",
        [0x04] = "translation fault, level 0",  [0x05] = "translation fault, level 1",
        [0x06] = "translation fault, level 2",  [0x07] = "translation fault, level 3",
        [0x08] = "access flag fault, level 0",  [0x09] = "access flag fault, level 1",
        [0x0a] = "access flag fault, level 2",  [0x0b] = "access flag fault, level 3",
        [0x0c] = "permission fault, level 0",   [0x0d] = "permission fault, level 1",
        [0x0e] = "permission fault, level 2",   [0x0f] = "permission fault, level 3",
        [0x10] = "external abort",              [0x13] = "external abort on the walk, level -1",
        [0x14] = "external abort on the walk, level 0", [0x15] = "external abort on the walk, level 1",
        [0x16] = "external abort on the walk, level 2", [0x17] = "external abort on the walk, level 3",
        [0x21] = "alignment fault",             [0x22] = "debug exception",
        [0x29] = "address size fault, level -1", [0x2b] = "translation fault, level -1",
        [0x30] = "TLB conflict",
    };
    const char *name = names[status & 0x3f];
    return name ? name : "reserved fault code";
}

static void describe_abort(const struct debug_exception *e, const char *what, char *text, size_t size)
{
    enum { WNR = 1 << 6, S1PTW = 1 << 7, CM = 1 << 8 };
    uint32_t iss = (uint32_t)e->syndrome & mask64(25);
    bool data = class_of(extract64(e->syndrome, 26, 6)) == EC_DATA_ABORT;
    const char *access = !data ? "" : iss & CM ? ", cache maintenance" : iss & WNR ? ", write" : ", read";
    snprintf(text, size, "%s at 0x%llx: %s%s%s", what, (unsigned long long)e->address, arm_debug_fault_name(iss),
             iss & S1PTW ? " of a stage 1 table" : "", access);
}

// "MRS X3, CNTPCT_EL0", with the register's number where it has no name here.
static void describe_sysreg(uint32_t iss, char *text, size_t size)
{
    uint32_t encoding = ARM_SYSREG(extract32(iss, 20, 2), extract32(iss, 14, 3), extract32(iss, 10, 4),
                                   extract32(iss, 1, 4), extract32(iss, 17, 3));
    unsigned rt = extract32(iss, 5, 5);
    char name[32], general[8];
    snprintf(name, sizeof(name), "S%u_%u_C%u_C%u_%u", encoding >> 14, encoding >> 11 & 7, encoding >> 7 & 15,
             encoding >> 3 & 15, encoding & 7);
    for (unsigned i = 0; i < arm_sysreg_count(); i++)
        if (encoding && arm_sysreg_at(i)->encoding == encoding)
            snprintf(name, sizeof(name), "%s", arm_sysreg_at(i)->name);
    snprintf(general, sizeof(general), rt == 31 ? "XZR" : "X%u", rt);
    if (iss & 1)
        snprintf(text, size, "trapped %s %s, %s", encoding >> 14 == 1 ? "SYSL" : "MRS", general, name);
    else
        snprintf(text, size, "trapped %s %s, %s", encoding >> 14 == 1 ? "SYS" : "MSR", name, general);
}

static void describe_sync(const struct debug_exception *e, char *text, size_t size)
{
    enum { IMMEDIATE = 0xffff, PAC_FAILURE = 0x1c };
    uint32_t ec = class_of(extract64(e->syndrome, 26, 6)), iss = (uint32_t)e->syndrome & mask64(25);
    unsigned long long address = e->address;
    switch (ec) {
    case EC_UNKNOWN:
        snprintf(text, size, "undefined instruction");
        return;
    case EC_WFX:
        snprintf(text, size, "trapped %s", iss & 1 ? "WFE" : "WFI");
        return;
    case EC_FP_ACCESS:
        snprintf(text, size, "trapped FP or SIMD access");
        return;
    case EC_PAUTH_ACCESS:
        snprintf(text, size, "trapped pointer authentication");
        return;
    case EC_BRANCH_TARGET:
        snprintf(text, size, "branch target exception, BTYPE %u", iss & 3);
        return;
    case EC_ILLEGAL_STATE:
        snprintf(text, size, "illegal execution state");
        return;
    case EC_SVC64:
        snprintf(text, size, "SVC #%u", iss & IMMEDIATE);
        return;
    case EC_HVC64:
        snprintf(text, size, "HVC #%u", iss & IMMEDIATE);
        return;
    case EC_SMC64:
        snprintf(text, size, "SMC #%u", iss & IMMEDIATE);
        return;
    case EC_SYSREG:
        describe_sysreg(iss, text, size);
        return;
    case PAC_FAILURE:
        snprintf(text, size, "pointer authentication failure");
        return;
    case EC_INSTRUCTION_ABORT:
        describe_abort(e, "instruction abort", text, size);
        return;
    case EC_PC_ALIGNMENT:
        snprintf(text, size, "PC alignment fault at 0x%llx", address);
        return;
    case EC_DATA_ABORT:
        describe_abort(e, "data abort", text, size);
        return;
    case EC_SP_ALIGNMENT:
        snprintf(text, size, "SP alignment fault");
        return;
    case EC_BREAKPOINT:
        snprintf(text, size, "breakpoint");
        return;
    case EC_STEP:
        snprintf(text, size, "software step");
        return;
    case EC_WATCHPOINT:
        snprintf(text, size, "watchpoint at 0x%llx", address);
        return;
    case EC_BRK64:
        snprintf(text, size, "BRK #0x%x", iss & IMMEDIATE);
        return;
    default:
        snprintf(text, size, "exception class 0x%02x, ISS 0x%x", ec, iss);
        return;
    }
}

void arm_debug_describe_exception(const struct debug_exception *e, char *text, size_t size)
{
    char what[128];
    switch (arm_debug_exception_class(e)) {
    case CLASS_IRQ:
        snprintf(what, sizeof(what), "IRQ");
        break;
    case CLASS_FIQ:
        snprintf(what, sizeof(what), "FIQ");
        break;
    case CLASS_SERROR:
        snprintf(what, sizeof(what), "SError");
        break;
    default:
        describe_sync(e, what, sizeof(what));
    }
    snprintf(text, size, "%s from EL%u", what, e->from);
}
