// SPDX-License-Identifier: MIT
// The work list that tests/bench/compare runs inside a guest: each item prints "item NAME MILLISECONDS CHECKSUM".
// Times are the guest's monotonic clock; checksums must not depend on the machine.
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t item_fn(void);

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint64_t arithmetic(void)
{
    uint64_t a = 1, b = 2;
    for (unsigned i = 0; i < 60000000; i++) {
        a = a * 3 + (b ^ i);
        b += a >> 7;
    }
    return a ^ b;
}

static uint64_t sieve(void)
{
    enum { N = 4000000 };
    uint8_t *composite = calloc(N, 1);
    uint64_t count = 0;
    for (unsigned i = 2; i < N; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint64_t k = (uint64_t)i * i; k < N; k += i)
            composite[k] = 1;
    }
    free(composite);
    return count;
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static uint64_t sort(void)
{
    enum { N = 400000 };
    int *v = malloc(N * sizeof(*v));
    uint32_t state = 7;
    for (unsigned i = 0; i < N; i++)
        v[i] = (int)next_random(&state);
    qsort(v, N, sizeof(*v), compare_ints);
    uint64_t sum = 0;
    for (unsigned i = 0; i < N; i += 997)
        sum = sum * 31 + (uint32_t)v[i];
    free(v);
    return sum;
}

static uint64_t crc(void)
{
    uint32_t table[256], c = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t r = i;
        for (unsigned k = 0; k < 8; k++)
            r = r & 1 ? r >> 1 ^ 0xedb88320 : r >> 1;
        table[i] = r;
    }
    for (uint32_t i = 0; i < 40000000; i++)
        c = table[(c ^ i) & 255] ^ c >> 8;
    return c;
}

static uint64_t chase(void)
{
    enum { N = 1 << 20 };
    uint32_t *next = malloc(N * sizeof(*next)), state = 3, at = 0;
    for (uint32_t i = 0; i < N; i++)
        next[i] = i;
    for (uint32_t i = N - 1; i > 0; i--) {
        uint32_t k = next_random(&state) % i, t = next[i];
        next[i] = next[k];
        next[k] = t;
    }
    for (unsigned i = 0; i < 6000000; i++)
        at = next[at];
    free(next);
    return at;
}

static __attribute__((noinline)) unsigned fibonacci(unsigned n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t calls(void)
{
    return fibonacci(36);
}

static uint64_t add1(uint64_t x) { return x + 1; }
static uint64_t times3(uint64_t x) { return x * 3; }
static uint64_t half(uint64_t x) { return x >> 1; }
static uint64_t flip(uint64_t x) { return ~x; }

static uint64_t indirect(void)
{
    static uint64_t (*volatile const table[4])(uint64_t) = {add1, times3, half, flip};
    uint64_t x = 1;
    for (unsigned i = 0; i < 30000000; i++)
        x = table[(x ^ i) & 3](x);
    return x;
}

static uint64_t copies(void)
{
    uint8_t *a = malloc(1 << 20), *b = malloc(1 << 20);
    uint64_t sum = 0;
    memset(a, 0x5a, 1 << 20);
    for (unsigned i = 0; i < 600; i++) {
        memcpy(b, a, 1 << 20);
        memset(a, (int)i, 4096);
        sum += b[i];
    }
    free(a);
    free(b);
    return sum;
}

static uint64_t bits_of(double d)
{
    uint64_t u;
    memcpy(&u, &d, sizeof(u));
    return u;
}

static uint64_t mandelbrot(void)
{
    uint64_t sum = 0;
    for (int y = 0; y < 200; y++) {
        for (int x = 0; x < 200; x++) {
            double cr = x / 100.0 - 1.5, ci = y / 100.0 - 1.0, r = 0, i = 0;
            unsigned n = 0;
            for (; n < 500 && r * r + i * i < 4; n++) {
                double t = r * r - i * i + cr;
                i = 2 * r * i + ci;
                r = t;
            }
            sum += n;
        }
    }
    return sum;
}

static uint64_t matrix(void)
{
    enum { N = 160 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            a[i][k] = i + k * 0.5;
            b[i][k] = i - k * 0.25;
        }
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double sum = 0;
                for (int m = 0; m < N; m++)
                    sum += a[i][m] * b[m][k];
                c[i][k] = sum;
            }
    return bits_of(c[17][23]);
}

static uint64_t roots(void)
{
    double sum = 0;
    for (unsigned i = 1; i < 6000000; i++)
        sum += sqrt((double)i) / (double)(i + 1);
    return bits_of(sum);
}

static uint64_t axpy(void)
{
    enum { N = 4096 };
    static float x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)i * 0.001f;
    for (int round = 0; round < 3000; round++)
        for (int i = 0; i < N; i++)
            y[i] += x[i] * 0.5f;
    return bits_of((double)y[1234]);
}

static uint64_t null_calls(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 300000; i++)
        sum += (uint64_t)syscall(SYS_getppid) > 0;
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
    for (unsigned i = 0; i < 50000; i++)
        raise(SIGUSR1);
    return (uint64_t)signals;
}

static uint64_t pipes(void)
{
    int there[2], back[2];
    char byte = 0;
    uint64_t sum = 0;
    if (pipe(there) || pipe(back))
        return 0;
    pid_t child = fork();
    if (child == 0) {
        while (read(there[0], &byte, 1) == 1 && byte != 'q' && write(back[1], &byte, 1) == 1)
            ;
        _exit(0);
    }
    for (unsigned i = 0; i < 20000; i++) {
        byte = (char)(i & 15);
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return 0;
        sum += (uint64_t)byte;
    }
    byte = 'q';
    sum += (uint64_t)write(there[1], &byte, 1);
    waitpid(child, NULL, 0);
    return sum;
}

static uint64_t faults(void)
{
    uint64_t sum = 0;
    for (unsigned round = 0; round < 8; round++) {
        size_t bytes = 16 << 20;
        uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t i = 0; i < bytes; i += 4096)
            p[i] = (uint8_t)(i >> 12);
        for (size_t i = 0; i < bytes; i += 4096)
            sum += p[i];
        munmap(p, bytes);
    }
    return sum;
}

static uint64_t forks(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 400; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit((int)(i & 63));
        int status;
        waitpid(child, &status, 0);
        sum += (uint64_t)WEXITSTATUS(status);
    }
    return sum;
}

static uint64_t execs(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0) {
            execl("/bin/busybox", "busybox", "true", (char *)NULL);
            _exit(9);
        }
        int status;
        waitpid(child, &status, 0);
        sum += (uint64_t)WEXITSTATUS(status) + 1;
    }
    return sum;
}

static uint64_t files(void)
{
    static char buffer[65536];
    uint64_t sum = 0;
    for (unsigned round = 0; round < 20; round++) {
        int fd = open("/tmp/work", O_RDWR | O_CREAT | O_TRUNC, 0600);
        for (unsigned i = 0; i < 64; i++)
            sum += (uint64_t)write(fd, buffer, sizeof(buffer));
        lseek(fd, 0, SEEK_SET);
        while (read(fd, buffer, 4096) == 4096)
            sum++;
        close(fd);
    }
    unlink("/tmp/work");
    return sum;
}

static const struct {
    const char *group, *name;
    item_fn *fn;
} items[] = {
    {"integer", "arithmetic", arithmetic}, {"integer", "sieve", sieve},         {"integer", "sort", sort},
    {"integer", "crc", crc},               {"integer", "chase", chase},         {"integer", "calls", calls},
    {"integer", "indirect", indirect},     {"integer", "copies", copies},       {"fp", "mandelbrot", mandelbrot},
    {"fp", "matrix", matrix},              {"fp", "roots", roots},              {"fp", "axpy", axpy},
    {"kernel", "null-call", null_calls},   {"kernel", "signal", signal_delivery}, {"kernel", "pipe", pipes},
    {"kernel", "fault", faults},           {"kernel", "fork", forks},           {"kernel", "exec", execs},
    {"kernel", "file", files},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        if (argc > 1 && strcmp(argv[1], items[i].group) && strcmp(argv[1], items[i].name))
            continue;
        double start = now_ms();
        uint64_t sum = items[i].fn();
        printf("item %s/%s %.3f %016llx\n", items[i].group, items[i].name, now_ms() - start, (unsigned long long)sum);
        fflush(stdout);
    }
    return 0;
}
