// SPDX-License-Identifier: MIT
// Raw mode, and that the terminal is restored however the program ends.
#include "ui/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static struct termios before;
static struct error error;

static void begin(void)
{
    cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    tcgetattr(slave, &before);
}

TestSuite(terminal, .init = begin);

static bool is_raw(void)
{
    struct termios now;
    tcgetattr(slave, &now);
    return !(now.c_lflag & (ICANON | ECHO));
}

static bool is_as_before(void)
{
    struct termios now;
    tcgetattr(slave, &now);
    return now.c_lflag == before.c_lflag && now.c_iflag == before.c_iflag && now.c_oflag == before.c_oflag;
}

Test(terminal, raw_and_back)
{
    cr_assert_eq(terminal_make_raw(slave, false, &error), 0);
    cr_assert(is_raw());
    struct termios now;
    tcgetattr(slave, &now);
    cr_assert_not(now.c_lflag & ISIG, "Ctrl-C is for the guest");
    cr_assert_lt(terminal_make_raw(slave, false, &error), 0, "it has one user");
    terminal_restore();
    cr_assert(is_as_before());
    cr_assert_eq(terminal_make_raw(slave, true, &error), 0);
    tcgetattr(slave, &now);
    cr_assert(now.c_lflag & ISIG);
    terminal_restore();
}

Test(terminal, not_a_terminal)
{
    int fd = open("/dev/null", O_RDWR);
    cr_assert_lt(terminal_make_raw(fd, false, &error), 0);
}

// A process that makes it raw and ends by `how`.
static void end_by(void (*how)(void))
{
    pid_t child = fork();
    if (!child) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        static const int numbers[] = {SIGSEGV, SIGABRT, SIGILL, SIGBUS, SIGFPE};
        for (int i = 0; i < 5; i++)
            signal(numbers[i], SIG_DFL); // the test runner's
        if (terminal_make_raw(slave, false, &error) || !is_raw())
            _exit(99);
        how();
        _exit(98);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_neq(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 99);
    cr_assert_neq(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 98);
    cr_assert(is_as_before());
}

static void by_exit(void)
{
    exit(3);
}

static void by_abort(void)
{
    abort();
}

static void by_fault(void)
{
    raise(SIGSEGV);
}

Test(terminal, restored_by_exit)
{
    end_by(by_exit);
}

Test(terminal, restored_by_abort)
{
    end_by(by_abort);
}

Test(terminal, restored_by_a_crash)
{
    end_by(by_fault);
}
