// SPDX-License-Identifier: MIT
// The work list that tests/bench/compare runs inside a guest and natively: guest-work [-c CPUS] [GROUP|ITEM|GROUP/ITEM]
// runs what is named, or all of it, and prints "item GROUP/NAME MILLISECONDS CHECKSUM" for each. Times are those of the
// monotonic clock. -c keeps the program to so many CPUs, -e ends it at once (what the exec item starts). Files are made
// in the current folder, which should be a tmpfs. The group parallel needs two CPUs and is left out where there is one.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/work.h"

static const struct {
    const char *name;
    const struct work_item *items;
    unsigned cpus;
} groups[] = {
    {"integer", work_integer, 1},
    {"fp", work_fp, 1},
    {"kernel", work_kernel, 1},
    {"parallel", work_parallel, 2},
};

unsigned work_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set))
        work_fail("sched_getaffinity");
    return (unsigned)CPU_COUNT(&set);
}

void *work_alloc(size_t bytes)
{
    void *p = calloc(1, bytes);
    if (!p)
        work_fail("calloc");
    return p;
}

void work_fail(const char *what)
{
    perror(what);
    exit(1);
}

static void use_cpus(unsigned cpus)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set))
        work_fail("sched_getaffinity");
    for (unsigned i = 0, kept = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set) && kept++ >= cpus)
            CPU_CLR(i, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        work_fail("sched_setaffinity");
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void run_item(const char *path, const struct work_item *item)
{
    double start = now_ms();
    uint64_t sum = item->run();
    printf("item %s %.3f %016llx\n", path, now_ms() - start, (unsigned long long)sum);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "c:e")) != -1) {
        if (option == 'e')
            return 0;
        if (option != 'c' || atoi(optarg) < 1) {
            fprintf(stderr, "usage: guest-work [-c CPUS] [GROUP|ITEM|GROUP/ITEM]\n");
            return 1;
        }
        use_cpus((unsigned)atoi(optarg));
    }
    const char *only = argv[optind];
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        if (work_cpus() < groups[g].cpus)
            continue;
        for (const struct work_item *item = groups[g].items; item->name; item++) {
            char path[64];
            snprintf(path, sizeof(path), "%s/%s", groups[g].name, item->name);
            if (!only || !strcmp(only, groups[g].name) || !strcmp(only, item->name) || !strcmp(only, path))
                run_item(path, item);
        }
    }
    return 0;
}
