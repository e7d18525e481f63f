// SPDX-License-Identifier: MIT
// The debug log.
#include "tcg/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tcg/base/bits.h"

// Lines a second for the categories that a guest can trigger at will.
enum { RATE_LIMIT = 100 };

const struct log_category_info log_categories[] = {
    {LOG_IN_ASM, "in_asm", "guest instructions as they are translated"},
    {LOG_OP, "op", "intermediate operations of each block"},
    {LOG_OP_OPT, "op_opt", "intermediate operations after the passes"},
    {LOG_OUT_ASM, "out_asm", "host instructions of each block"},
    {LOG_INT, "int", "exceptions and interrupts taken"},
    {LOG_EXEC, "exec", "blocks as they are entered"},
    {LOG_MMU, "mmu", "address translation faults and TLB maintenance"},
    {LOG_GUEST_ERRORS, "guest_errors", "what the guest does against the manual"},
    {LOG_UNIMP, "unimp", "what the guest uses and is not built"},
    {LOG_CPU, "cpu", "registers at each block entered"},
    {0, NULL, NULL},
};

uint32_t log_mask;

static FILE *log_stream;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

struct filter_range {
    uint64_t first, last;
};
static struct filter_range *filters;
static size_t filter_count;

static FILE *stream(void)
{
    return log_stream ? log_stream : stderr;
}

int log_parse(const char *names, uint32_t *mask, struct error *error)
{
    uint32_t result = 0;
    while (*names) {
        size_t n = strcspn(names, ",");
        const struct log_category_info *info = log_categories;
        while (info->name && !(strlen(info->name) == n && !memcmp(info->name, names, n)))
            info++;
        if (info->name)
            result |= info->category;
        else if (n == 3 && !memcmp(names, "all", 3))
            result |= ~0u;
        else
            return error_set(error, EINVAL, "unknown log item '%.*s'; -d help lists them", (int)n, names);
        names += n + (names[n] == ',');
    }
    *mask = result;
    return 0;
}

void log_set_mask(uint32_t mask)
{
    log_mask = mask;
}

int log_open(const char *path, struct error *error)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return error_set(error, errno, "cannot write log file '%s': %s", path, strerror(errno));
    setvbuf(f, NULL, _IOLBF, 0);
    pthread_mutex_lock(&log_mutex);
    if (log_stream)
        fclose(log_stream);
    log_stream = f;
    pthread_mutex_unlock(&log_mutex);
    return 0;
}

// One of FIRST..LAST, START+LENGTH, END-LENGTH. Advances *text past it.
static bool parse_range(const char **text, struct filter_range *range)
{
    char *end;
    errno = 0;
    uint64_t a = strtoull(*text, &end, 0), b = 0;
    if (end == *text || errno)
        return false;
    char kind = *end;
    const char *second = end + (kind == '.' ? 2 : 1);
    if (kind == '.' && end[1] != '.')
        return false;
    if (kind != '.' && kind != '+' && kind != '-')
        return false;
    b = strtoull(second, &end, 0);
    if (end == second || errno)
        return false;
    *text = end;
    if (kind == '.')
        *range = (struct filter_range){a, b};
    else if (b == 0)
        return false;
    else if (kind == '+')
        *range = (struct filter_range){a, a + b - 1};
    else
        *range = (struct filter_range){a - b + 1, a};
    return range->first <= range->last;
}

int log_set_filter(const char *ranges, struct error *error)
{
    struct filter_range *list = NULL;
    size_t count = 0;
    const char *p = ranges;
    while (*p) {
        struct filter_range *grown = realloc(list, (count + 1) * sizeof(*list));
        if (grown)
            list = grown;
        if (!grown || !parse_range(&p, &list[count]) || (*p && *p != ',')) {
            free(list);
            return error_set(error, EINVAL, "bad -dfilter '%s': use FIRST..LAST, START+LENGTH or END-LENGTH", ranges);
        }
        count++;
        p += *p == ',';
    }
    free(filters);
    filters = list;
    filter_count = count;
    return 0;
}

bool log_address_wanted(uint64_t address)
{
    for (size_t i = 0; i < filter_count; i++)
        if (address >= filters[i].first && address <= filters[i].last)
            return true;
    return filter_count == 0;
}

// Called with the mutex held. Says once a second how much was left out.
static bool rate_allows(enum log_category category)
{
    static struct {
        time_t second;
        unsigned count;
    } state[32];
    if (!(category & (LOG_GUEST_ERRORS | LOG_UNIMP)))
        return true;
    unsigned i = ctz32(category);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != state[i].second) {
        if (state[i].count > RATE_LIMIT)
            fprintf(stream(), "(%u more messages left out)\n", state[i].count - RATE_LIMIT);
        state[i].second = now.tv_sec;
        state[i].count = 0;
    }
    return ++state[i].count <= RATE_LIMIT;
}

void log_printf(enum log_category category, const char *format, ...)
{
    if (!log_enabled(category))
        return;
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&log_mutex);
    if (rate_allows(category))
        vfprintf(stream(), format, args);
    pthread_mutex_unlock(&log_mutex);
    va_end(args);
}

FILE *log_lock(enum log_category category)
{
    if (!log_enabled(category))
        return NULL;
    pthread_mutex_lock(&log_mutex);
    return stream();
}

void log_unlock(FILE *locked)
{
    if (!locked)
        return;
    fflush(locked);
    pthread_mutex_unlock(&log_mutex);
}
