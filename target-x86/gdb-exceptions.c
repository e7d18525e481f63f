// SPDX-License-Identifier: MIT
// Exceptions and interrupts in words (Intel SDM volume 3, chapter 6), and the words that name them.
//
// Classes: 0 to 31 are the processor's exceptions and NMI, by vector; then one for all interrupts of devices, one for system
// management interrupts, and one for each INT n. INT n raises no exception of the processor's, also where n is the vector of
// one (BIOS calls), but for INT 3 and INT 4, which say what #BP and #OF say.

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "target-x86/gdb.h"
#include "tcg/base/bits.h"

enum { EXCEPTIONS = 32, CLASS_IRQ = 0x100, CLASS_SMI = 0x101, CLASS_INT = 0x200 /* and the vector */ };

static const struct {
    const char *mnemonic, *name;
} names[EXCEPTIONS] = {
    [X86_DE] = {"DE", "divide error"},
    [X86_DB] = {"DB", "debug"},
    [X86_NMI] = {"NMI", "non-maskable interrupt"},
    [X86_BP] = {"BP", "breakpoint"},
    [X86_OF] = {"OF", "overflow"},
    [X86_BR] = {"BR", "bound range exceeded"},
    [X86_UD] = {"UD", "invalid opcode"},
    [X86_NM] = {"NM", "device not available"},
    [X86_DF] = {"DF", "double fault"},
    [9] = {"MP", "coprocessor segment overrun"},
    [X86_TS] = {"TS", "invalid TSS"},
    [X86_NP] = {"NP", "segment not present"},
    [X86_SS_FAULT] = {"SS", "stack fault"},
    [X86_GP] = {"GP", "general protection"},
    [X86_PF] = {"PF", "page fault"},
    [X86_MF] = {"MF", "x87 error"},
    [X86_AC] = {"AC", "alignment check"},
    [18] = {"MC", "machine check"},
    [X86_XM] = {"XM", "SIMD exception"},
    [20] = {"VE", "virtualization exception"},
    [21] = {"CP", "control protection"},
};

static bool by_int(const struct debug_exception *e)
{
    return (e->syndrome & X86_DEBUG_INT) && e->vector != X86_BP && e->vector != X86_OF;
}

uint32_t x86_debug_exception_class(const struct debug_exception *e)
{
    if (e->vector == X86_DEBUG_SMI)
        return CLASS_SMI;
    if (by_int(e))
        return CLASS_INT | e->vector;
    return e->interrupt && e->vector != X86_NMI ? CLASS_IRQ : e->vector;
}

// --- in words ------------------------------------------------------------------------------------------------------

static void describe_page_fault(uint32_t error, uint64_t address, char *text, size_t size)
{
    enum { P = 1, W = 2, U = 4, RSVD = 8, I = 16, PK = 32 };
    const char *access = error & I ? "fetch" : error & W ? "write" : "read";
    const char *why = error & RSVD ? "through an entry with a reserved bit set"
                      : error & PK ? "that the protection key forbids"
                      : error & P  ? "that the page does not allow"
                                   : "of a page that is not present";
    snprintf(text, size, "#PF page fault at 0x%" PRIx64 " (%s %s, %s mode)", address, access, why,
             error & U ? "user" : "supervisor");
}

// The error code of an exception that a selector or a gate has to do with.
static void describe_selector(const char *mnemonic, const char *name, uint32_t error, char *text, size_t size)
{
    enum { EXT = 1, IDT = 2, TI = 4 };
    const char *external = error & EXT ? ", on the way to another handler" : "";
    unsigned index = error >> 3 & 0x1fff;
    if (!(error & 0xfffe))
        snprintf(text, size, "#%s %s (error code %u%s)", mnemonic, name, error & 1, external);
    else if (error & IDT)
        snprintf(text, size, "#%s %s (IDT gate 0x%x%s)", mnemonic, name, index, external);
    else
        snprintf(text, size, "#%s %s (selector 0x%04x, %s entry %u%s)", mnemonic, name, error & 0xfffc,
                 error & TI ? "LDT" : "GDT", index, external);
}

void x86_debug_describe(const struct debug_exception *e, char *text, size_t size)
{
    uint32_t error = (uint32_t)e->syndrome;
    uint32_t class = x86_debug_exception_class(e);
    if (class == CLASS_SMI)
        snprintf(text, size, "system management interrupt");
    else if (class == CLASS_IRQ)
        snprintf(text, size, "interrupt 0x%02x", e->vector);
    else if (class >= CLASS_INT)
        snprintf(text, size, "INT 0x%02x", e->vector);
    else if (class == X86_PF)
        describe_page_fault(error, e->address, text, size);
    else if (class >= EXCEPTIONS || !names[class].name)
        snprintf(text, size, "exception 0x%02x", e->vector);
    else if (class == X86_NMI)
        snprintf(text, size, "NMI");
    else if (class >= X86_TS && class <= X86_GP)
        describe_selector(names[class].mnemonic, names[class].name, error, text, size);
    else
        snprintf(text, size, "#%s %s", names[class].mnemonic, names[class].name);
}

// --- from words ----------------------------------------------------------------------------------------------------

static bool number(const char *word, unsigned long *value)
{
    char *end;
    if (!isdigit((unsigned char)*word))
        return false;
    *value = strtoul(word, &end, 0);
    return !*end && *value < 256;
}

// "page-fault" is "page fault".
static bool same(const char *word, const char *name)
{
    for (; *word && *name; word++, name++)
        if (tolower((unsigned char)*word) != tolower((unsigned char)*name) && !(*word == '-' && *name == ' '))
            return false;
    return !*word && !*name;
}

static bool by_name(const char *word, uint32_t *class)
{
    const char *mnemonic = *word == '#' ? word + 1 : word;
    for (uint32_t n = 0; n < EXCEPTIONS; n++) {
        if (names[n].name && (!strcasecmp(mnemonic, names[n].mnemonic) || same(word, names[n].name))) {
            *class = n;
            return true;
        }
    }
    return false;
}

bool x86_debug_find_exception(const char *word, uint32_t *class)
{
    unsigned long n;
    if (number(word, &n)) {
        *class = (uint32_t)n < EXCEPTIONS ? (uint32_t)n : CLASS_INT | (uint32_t)n;
    } else if (!strcasecmp(word, "irq") || !strcasecmp(word, "interrupt")) {
        *class = CLASS_IRQ;
    } else if (!strcasecmp(word, "smi")) {
        *class = CLASS_SMI;
    } else if (!strncasecmp(word, "int", 3) && number(word + 3 + strspn(word + 3, " -:"), &n)) {
        *class = n == X86_BP || n == X86_OF ? (uint32_t)n : CLASS_INT | (uint32_t)n;
    } else {
        return by_name(word, class);
    }
    return true;
}
