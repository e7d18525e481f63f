// SPDX-License-Identifier: MIT
// A signal that brings a vCPU out of KVM_RUN when it has been there for a while, to look where it is.
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hw/kvm/debug.h"

#ifndef sigev_notify_thread_id // as the kernel's header has it, and not every C library's
#define sigev_notify_thread_id _sigev_un._tid
#endif

bool kvm_debug_timer_create(timer_t *timer, int signal)
{
    struct sigevent event;
    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    return timer_create(CLOCK_MONOTONIC, &event, timer) == 0;
}

void kvm_debug_timer_set(timer_t timer, bool on)
{
    enum { AFTER_NS = 100000, AGAIN_NS = 2000000 };
    struct itimerspec when = {.it_value.tv_nsec = on ? AFTER_NS : 0, .it_interval.tv_nsec = on ? AGAIN_NS : 0};
    timer_settime(timer, 0, &when, NULL);
}
