// SPDX-License-Identifier: MIT
// To be preloaded: KVM that fails as told. By environment variables:
//   KVM_FAULT=REQUEST:ERRNO:N   the N-th call (from 1) of that ioctl, and all after it, fail; numbers are decimal
//             REQUEST:ERRNO:N:COUNT   not all, but so many
//   KVM_WITHOUT=CAPABILITY      KVM_CHECK_EXTENSION says no to it
//   KVM_REQUESTS=FILE           each request is added as a line when it is first made
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { SEEN_MAX = 128 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long seen[SEEN_MAX];
static unsigned seen_count, fault_calls;

static void note(unsigned long request)
{
    const char *path = getenv("KVM_REQUESTS");
    for (unsigned i = 0; i < seen_count; i++)
        if (seen[i] == request)
            return;
    FILE *file = path && seen_count < SEEN_MAX ? fopen(path, "a") : NULL;
    if (!file)
        return;
    seen[seen_count++] = request;
    fprintf(file, "%lu\n", request);
    fclose(file);
}

// The errno of the fault that is to happen now, or 0.
static int fault(unsigned long request)
{
    const char *text = getenv("KVM_FAULT");
    unsigned long which;
    int reason;
    unsigned from, count = UINT_MAX;
    if (!text || sscanf(text, "%lu:%d:%u:%u", &which, &reason, &from, &count) < 3 || which != request)
        return 0;
    return ++fault_calls >= from && fault_calls - from < count ? reason : 0;
}

static bool denied(unsigned long request, void *argument)
{
    const char *text = getenv("KVM_WITHOUT");
    return text && request == KVM_CHECK_EXTENSION && strtoul(text, NULL, 10) == (unsigned long)argument;
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    int reason = 0;
    pthread_mutex_lock(&lock);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    if (_IOC_TYPE(request) == KVMIO) {
        note(request);
        reason = fault(request);
    }
    pthread_mutex_unlock(&lock);
    if (reason) {
        errno = reason;
        return -1;
    }
    return denied(request, argument) ? 0 : real(fd, request, argument);
}
