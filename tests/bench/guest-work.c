// SPDX-License-Identifier: MIT
// The work list that tests/bench/compare runs inside a guest and natively: guest-work [-c CPUS] [GROUP|ITEM|GROUP/ITEM]
// runs what is named, or all of it, and prints "item GROUP/NAME MILLISECONDS CHECKSUM" for each. Times are those of the
// monotonic clock. -c keeps the program to so many CPUs, -e ends it at once (what the exec item starts). Files are made
// in the current folder, which should be a tmpfs. The group parallel needs two CPUs and is left out where there is one.
// guest-work [-c CPUS] -t GROUP/NAME COMMAND... times a command instead, whose output is summed; one that fails or
// prints nothing has no such line.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

static void print_item(const char *path, double ms, uint64_t sum)
{
    printf("item %s %.3f %016llx\n", path, ms, (unsigned long long)sum);
    fflush(stdout);
}

static void run_item(const char *path, const struct work_item *item)
{
    double start = now_ms();
    uint64_t sum = item->run();
    print_item(path, now_ms() - start, sum);
}

// Runs a command with its output in a pipe. Returns the program's exit status.
static int run_command(const char *path, char **command)
{
    int ends[2], status;
    double start = now_ms();
    if (pipe(ends))
        work_fail("pipe");
    pid_t child = fork();
    if (child < 0)
        work_fail("fork");
    if (!child) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    close(ends[1]);
    unsigned char bytes[4096];
    uint64_t sum = 0, total = 0;
    ssize_t got;
    while ((got = read(ends[0], bytes, sizeof(bytes))) > 0) {
        total += (uint64_t)got;
        for (ssize_t i = 0; i < got; i++)
            sum = work_mix(sum, bytes[i]);
    }
    if (waitpid(child, &status, 0) != child)
        work_fail("waitpid");
    double ms = now_ms() - start;
    if (status || !total) {
        fprintf(stderr, "%s: status %d, %llu bytes of output\n", path, status, (unsigned long long)total);
        return 1;
    }
    print_item(path, ms, sum);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: guest-work [-c CPUS] [GROUP|ITEM|GROUP/ITEM]\n"
                    "       guest-work [-c CPUS] -t GROUP/NAME COMMAND...\n");
    return 1;
}

int main(int argc, char **argv)
{
    int option;
    const char *timed = NULL;
    while ((option = getopt(argc, argv, "+c:et:")) != -1) {
        if (option == 'e')
            return 0;
        if (option == 'c' && atoi(optarg) > 0)
            use_cpus((unsigned)atoi(optarg));
        else if (option == 't')
            timed = optarg;
        else
            return usage();
    }
    if (timed)
        return argv[optind] ? run_command(timed, argv + optind) : usage();
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
