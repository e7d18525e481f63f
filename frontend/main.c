// SPDX-License-Identifier: MIT
// lyrebird: reads the command line, makes the machine, runs it until it ends.
//
// Exit status: 0 when the guest powered off or the user ended the program (quit, Ctrl-A x, SIGTERM, SIGINT); 1 for
// anything that went wrong, after one line on stderr.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frontend/help.h"
#include "frontend/machine-setup.h"
#include "frontend/options.h"
#include "frontend/signals.h"
#include "hw/core/machine.h"
#include "tcg/base/log.h"

static int fail(const struct error *error)
{
    fprintf(stderr, "lyrebird: %s\n", error->text);
    return 1;
}

static int write_pidfile(const char *path, struct error *error)
{
    FILE *file = fopen(path, "w");
    if (file && fprintf(file, "%d\n", getpid()) > 0 && !fclose(file))
        return 0;
    return error_set(error, errno, "cannot write -pidfile '%s': %s", path, strerror(errno));
}

// Runs the machine on this thread until it is shut down. A positive result is the guest's exit status.
static int run(struct machine *machine, struct error *error)
{
    struct signals *signals = signals_listen(machine, error);
    if (!signals)
        return -1;
    vcpu_group_start(&machine->vcpus);
    enum shutdown_reason reason = machine_run(machine);
    vcpu_group_stop(&machine->vcpus);
    signals_close(signals);
    return reason == SHUTDOWN_GUEST ? atomic_load(&machine->exit_status) : 0;
}

static int run_settings(struct settings *settings, struct error *error)
{
    struct setup setup;
    int status = 0;
    log_set_mask(settings->log_mask);
    if (settings->log_file && (status = log_open(settings->log_file, error))) {
        error_prefix(error, "-D");
        return status;
    }
    signals_block();
    if ((status = setup_create(&setup, settings, error)))
        return status;
    if (settings->pidfile)
        status = write_pidfile(settings->pidfile, error);
    if (!status) {
        status = run(setup.machine, error);
        if (settings->pidfile)
            unlink(settings->pidfile);
    }
    setup_destroy(&setup);
    return status;
}

int main(int argc, char **argv)
{
    struct error error = {""};
    struct settings settings;
    settings_init(&settings, argc ? argv[0] : "lyrebird");
    int status = options_parse(&settings, argc, argv, &error);
    if (!status)
        status = settings.help != HELP_NONE ? help_print(&settings, stdout, &error) : run_settings(&settings, &error);
    settings_free(&settings);
    return status < 0 ? fail(&error) : status;
}
