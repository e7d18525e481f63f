// SPDX-License-Identifier: MIT
// Raw mode and its undoing. The saved settings are the process's, as the terminal is: exit and signal handlers take
// no argument, so they cannot be in an instance.
#include "ui/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tcg/base/bits.h"

static struct {
    volatile sig_atomic_t raw;
    int fd;
    struct termios before, during;
} terminal;

void terminal_restore(void)
{
    if (!terminal.raw)
        return;
    terminal.raw = 0;
    int saved = errno;
    tcsetattr(terminal.fd, TCSANOW, &terminal.before);
    errno = saved;
}

void terminal_continue(void)
{
    if (terminal.raw)
        tcsetattr(terminal.fd, TCSANOW, &terminal.during);
}

// SA_RESETHAND has put the default action back: returning to a fault or raising again ends the program.
static void crashed(int number)
{
    terminal_restore();
    raise(number);
}

static void restore_on_crash(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct sigaction old, action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER};
        // Leave the handlers of sanitizers and the like alone.
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
    }
}

int terminal_make_raw(int fd, bool signals, struct error *error)
{
    static bool registered;
    if (terminal.raw)
        return error_set(error, EBUSY, "the terminal is in use already");
    if (tcgetattr(fd, &terminal.before))
        return error_set(error, errno, "cannot read the terminal's settings: %s", strerror(errno));
    terminal.during = terminal.before;
    cfmakeraw(&terminal.during);
    terminal.during.c_oflag |= OPOST; // messages on stderr still begin at the left edge
    if (signals)
        terminal.during.c_lflag |= ISIG;
    terminal.fd = fd;
    if (!registered) {
        registered = true;
        atexit(terminal_restore);
        restore_on_crash();
    }
    terminal.raw = 1;
    if (tcsetattr(fd, TCSANOW, &terminal.during)) {
        terminal.raw = 0;
        return error_set(error, errno, "cannot change the terminal's settings: %s", strerror(errno));
    }
    return 0;
}
