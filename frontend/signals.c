// SPDX-License-Identifier: MIT
// signalfd: nothing runs in a signal handler.
#include "frontend/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "hw/core/machine.h"
#include "tcg/base/alloc.h"
#include "ui/terminal.h"

struct signals {
    struct machine *machine;
    struct io_watch *watch;
    int fd;
};

static sigset_t handled(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    return set;
}

void signals_block(void)
{
    sigset_t set = handled();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void arrived(void *opaque, unsigned events)
{
    struct signals *signals = opaque;
    struct signalfd_siginfo info;
    (void)events;
    while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGCONT) {
            terminal_continue();
            continue;
        }
        fprintf(stderr, "lyrebird: terminating on signal %u from pid %u\n", info.ssi_signo, info.ssi_pid);
        machine_shutdown_request(signals->machine, SHUTDOWN_HOST);
    }
}

struct signals *signals_listen(struct machine *machine, struct error *error)
{
    sigset_t set = handled();
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        error_set(error, errno, "cannot listen for signals: %s", strerror(errno));
        return NULL;
    }
    struct signals *signals = ALLOC(struct signals);
    *signals = (struct signals){.machine = machine, .fd = fd};
    signals->watch = io_watch_add(machine->loop, fd, IO_READ, arrived, signals);
    return signals;
}

void signals_close(struct signals *signals)
{
    if (!signals)
        return;
    io_watch_remove(signals->watch);
    close(signals->fd);
    free(signals);
}
