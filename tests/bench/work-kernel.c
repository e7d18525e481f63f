// SPDX-License-Identifier: MIT
// The group kernel: system calls, signals, processes, threads, page faults and files, so that most of the time goes to
// the guest's kernel and what it asks of the machine. Natively that is the host's kernel: another version, with other
// options and, maybe, under a hypervisor of its own.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/bench/work.h"

enum { PAGE = 4096, FILE_BYTES = 4 << 20, CHUNK = 65536 };

static const char file_name[] = "guest-work.tmp", other_name[] = "guest-work.new";

static uint64_t null_calls(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 200000; i++)
        sum += syscall(SYS_getppid) > 0;
    return sum;
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static uint64_t signal_delivery(void)
{
    signal(SIGUSR1, on_signal);
    signals = 0;
    for (unsigned i = 0; i < 20000; i++)
        raise(SIGUSR1);
    return (uint64_t)signals;
}

static pid_t start_child(void)
{
    pid_t child = fork();
    if (child < 0)
        work_fail("fork");
    return child;
}

static uint64_t end_of_child(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        work_fail("waitpid");
    return (uint64_t)WEXITSTATUS(status);
}

static uint64_t pipes(void)
{
    int there[2], back[2];
    uint8_t byte = 0;
    uint64_t sum = 0;
    if (pipe(there) || pipe(back))
        work_fail("pipe");
    pid_t child = start_child();
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && byte++ != 255 && write(back[1], &byte, 1) == 1)
            ;
        _exit(3);
    }
    for (unsigned i = 0; i < 4000; i++) {
        byte = (uint8_t)(i & 15);
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            work_fail("pipe");
        sum = work_mix(sum, byte);
    }
    close(there[1]);
    sum += end_of_child(child);
    close(there[0]);
    close(back[0]);
    close(back[1]);
    return sum;
}

static uint8_t *map(int fd, int flags, size_t bytes)
{
    uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED)
        work_fail("mmap");
    return p;
}

// A page each: huge pages would leave little to do.
static uint64_t faults(void)
{
    enum { BYTES = 16 << 20 };
    uint64_t sum = 0;
    for (unsigned round = 0; round < 8; round++) {
        uint8_t *p = map(-1, MAP_PRIVATE | MAP_ANONYMOUS, BYTES);
        madvise(p, BYTES, MADV_NOHUGEPAGE); // fails in kernels without huge pages
        for (size_t i = 0; i < BYTES; i += PAGE)
            p[i] = (uint8_t)(i >> 12);
        for (size_t i = 0; i < BYTES; i += PAGE)
            sum += p[i];
        munmap(p, BYTES);
    }
    return sum;
}

static uint64_t forks(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 200; i++) {
        pid_t child = start_child();
        if (child == 0)
            _exit((int)(i & 63));
        sum += end_of_child(child);
    }
    return sum;
}

static uint64_t execs(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 60; i++) {
        pid_t child = start_child();
        if (child == 0) {
            execl("/proc/self/exe", "guest-work", "-e", (char *)NULL);
            _exit(9);
        }
        sum += end_of_child(child) + 1;
    }
    return sum;
}

static void *add_one(void *number)
{
    ++*(uint64_t *)number;
    return NULL;
}

static pthread_t start_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, argument))
        work_fail("pthread_create");
    return thread;
}

static uint64_t threads(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 600; i++)
        pthread_join(start_thread(add_one, &sum), NULL);
    return sum;
}

enum { TURNS = 20000 };

struct turns {
    uint32_t turn; // the futex: even numbers are one thread's, odd ones the other's
    uint64_t sum;
};

static void take_turns(struct turns *turns, uint32_t parity)
{
    for (;;) {
        uint32_t turn = __atomic_load_n(&turns->turn, __ATOMIC_ACQUIRE);
        if (turn >= TURNS)
            return;
        if ((turn & 1) != parity) {
            syscall(SYS_futex, &turns->turn, FUTEX_WAIT_PRIVATE, turn, NULL, NULL, 0);
            continue;
        }
        turns->sum = work_mix(turns->sum, turn);
        __atomic_store_n(&turns->turn, turn + 1, __ATOMIC_RELEASE);
        syscall(SYS_futex, &turns->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

static void *take_odd_turns(void *turns)
{
    take_turns(turns, 1);
    return NULL;
}

static uint64_t futexes(void)
{
    struct turns turns = {0};
    pthread_t other = start_thread(take_odd_turns, &turns);
    take_turns(&turns, 0);
    pthread_join(other, NULL);
    return turns.sum;
}

static int open_file(int flags)
{
    int fd = open(file_name, flags, 0600);
    if (fd < 0)
        work_fail(file_name);
    return fd;
}

// A file of FILE_BYTES, left open and already without a name.
static int full_file(void)
{
    static uint8_t chunk[CHUNK];
    int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);
    for (size_t at = 0; at < FILE_BYTES; at += CHUNK) {
        for (size_t i = 0; i < CHUNK; i += 64)
            chunk[i] = (uint8_t)((at + i) >> 10);
        if (write(fd, chunk, CHUNK) != CHUNK)
            work_fail(file_name);
    }
    unlink(file_name);
    return fd;
}

static uint64_t reads(void)
{
    static uint8_t page[PAGE];
    uint64_t sum = 0;
    int fd = full_file();
    for (unsigned round = 0; round < 30; round++)
        for (size_t at = 0; at < FILE_BYTES; at += PAGE) {
            if (pread(fd, page, PAGE, (off_t)at) != PAGE)
                work_fail(file_name);
            sum = work_mix(sum, page[64]);
        }
    close(fd);
    return sum;
}

static uint64_t writes(void)
{
    uint64_t sum = 0;
    for (unsigned round = 0; round < 10; round++) {
        int fd = full_file();
        sum += (uint64_t)lseek(fd, 0, SEEK_END);
        close(fd);
    }
    return sum;
}

static uint64_t maps(void)
{
    uint64_t sum = 0;
    int fd = full_file();
    for (unsigned round = 0; round < 30; round++) {
        uint8_t *p = map(fd, MAP_SHARED, FILE_BYTES);
        for (size_t i = 0; i < FILE_BYTES; i += PAGE)
            sum += ++p[i];
        munmap(p, FILE_BYTES);
    }
    close(fd);
    return sum;
}

static uint64_t names(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 3000; i++) {
        close(open_file(O_WRONLY | O_CREAT | O_EXCL));
        if (rename(file_name, other_name) || access(other_name, R_OK) || !access(file_name, R_OK) || unlink(other_name))
            work_fail(other_name);
        sum += i;
    }
    return sum;
}

const struct work_item work_kernel[] = {
    {"null-call", null_calls}, {"signal", signal_delivery}, {"pipe", pipes},  {"fault", faults}, {"fork", forks},
    {"exec", execs},           {"thread", threads},         {"futex", futexes}, {"read", reads}, {"write", writes},
    {"map", maps},             {"names", names},            {NULL, NULL},
};
