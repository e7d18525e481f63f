// SPDX-License-Identifier: MIT
// The debug log: categories chosen with -d, written to stderr or -D FILE. The level is the program's only mutable
// global. Functions may be called from any thread; a line is written whole.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tcg/base/error.h"

enum log_category {
    LOG_IN_ASM = 1 << 0,       // guest code as it is translated
    LOG_OP = 1 << 1,           // IR as translated
    LOG_OP_OPT = 1 << 2,       // IR after the passes
    LOG_OUT_ASM = 1 << 3,      // host code
    LOG_INT = 1 << 4,          // exceptions and interrupts taken
    LOG_EXEC = 1 << 5,         // each block entered
    LOG_MMU = 1 << 6,          // translation faults, TLB maintenance
    LOG_GUEST_ERRORS = 1 << 7, // the guest did what the manual forbids
    LOG_UNIMP = 1 << 8,        // the guest used what is not built
    LOG_CPU = 1 << 9,          // registers before each block
};

struct log_category_info {
    enum log_category category;
    const char *name, *help;
};
extern const struct log_category_info log_categories[]; // ends with a NULL name

extern uint32_t log_mask; // set before threads start, or by log_set_mask

static inline bool log_enabled(enum log_category category)
{
    return __builtin_expect((log_mask & category) != 0, 0);
}

// Parses "in_asm,int" into a mask. -EINVAL with a message that names the unknown word.
int log_parse(const char *names, uint32_t *mask, struct error *error);
void log_set_mask(uint32_t mask);
// Sends the log to a file from now on. Negative errno with a message.
int log_open(const char *path, struct error *error);

// Limits IN_ASM, OP, OUT_ASM and EXEC to guest addresses in `ranges` as for -dfilter: "0x8000..0x8fff,0x200+64".
int log_set_filter(const char *ranges, struct error *error);
bool log_address_wanted(uint64_t address);

// Writes one formatted message if the category is on. Guest errors and the like are limited to a number per second
// for each category, so that a hostile guest cannot flood the log.
void log_printf(enum log_category category, const char *format, ...) __attribute__((format(printf, 2, 3)));
// For multi-line output: the stream, locked until log_unlock; NULL when the category is off.
FILE *log_lock(enum log_category category);
void log_unlock(FILE *stream);
