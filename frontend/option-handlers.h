// SPDX-License-Identifier: MIT
// The functions that options.inc names, an option_handler each.
#pragma once

struct error;
struct settings;

int option_accel(struct settings *settings, const char *argument, struct error *error);
int option_action(struct settings *settings, const char *argument, struct error *error);
int option_append(struct settings *settings, const char *argument, struct error *error);
int option_bios(struct settings *settings, const char *argument, struct error *error);
int option_boot(struct settings *settings, const char *argument, struct error *error);
int option_cdrom(struct settings *settings, const char *argument, struct error *error);
int option_chardev(struct settings *settings, const char *argument, struct error *error);
int option_completion(struct settings *settings, const char *argument, struct error *error);
int option_cpu(struct settings *settings, const char *argument, struct error *error);
int option_d(struct settings *settings, const char *argument, struct error *error);
int option_device(struct settings *settings, const char *argument, struct error *error);
int option_dfilter(struct settings *settings, const char *argument, struct error *error);
int option_display(struct settings *settings, const char *argument, struct error *error);
int option_drive(struct settings *settings, const char *argument, struct error *error);
int option_dtb(struct settings *settings, const char *argument, struct error *error);
int option_echr(struct settings *settings, const char *argument, struct error *error);
int option_fda(struct settings *settings, const char *argument, struct error *error);
int option_fdb(struct settings *settings, const char *argument, struct error *error);
int option_hda(struct settings *settings, const char *argument, struct error *error);
int option_hdb(struct settings *settings, const char *argument, struct error *error);
int option_hdc(struct settings *settings, const char *argument, struct error *error);
int option_hdd(struct settings *settings, const char *argument, struct error *error);
int option_help(struct settings *settings, const char *argument, struct error *error);
int option_initrd(struct settings *settings, const char *argument, struct error *error);
int option_kernel(struct settings *settings, const char *argument, struct error *error);
int option_log_file(struct settings *settings, const char *argument, struct error *error);
int option_guest_symbols(struct settings *settings, const char *argument, struct error *error);
int option_jitdump(struct settings *settings, const char *argument, struct error *error);
int option_m(struct settings *settings, const char *argument, struct error *error);
int option_machine(struct settings *settings, const char *argument, struct error *error);
int option_monitor(struct settings *settings, const char *argument, struct error *error);
int option_name(struct settings *settings, const char *argument, struct error *error);
int option_net(struct settings *settings, const char *argument, struct error *error);
int option_no_reboot(struct settings *settings, const char *argument, struct error *error);
int option_no_shutdown(struct settings *settings, const char *argument, struct error *error);
int option_no_user_config(struct settings *settings, const char *argument, struct error *error);
int option_snapshot(struct settings *settings, const char *argument, struct error *error);
int option_nodefaults(struct settings *settings, const char *argument, struct error *error);
int option_nographic(struct settings *settings, const char *argument, struct error *error);
int option_perfmap(struct settings *settings, const char *argument, struct error *error);
int option_pflash(struct settings *settings, const char *argument, struct error *error);
int option_pidfile(struct settings *settings, const char *argument, struct error *error);
int option_rtc(struct settings *settings, const char *argument, struct error *error);
int option_semihosting(struct settings *settings, const char *argument, struct error *error);
int option_semihosting_config(struct settings *settings, const char *argument, struct error *error);
int option_serial(struct settings *settings, const char *argument, struct error *error);
int option_smp(struct settings *settings, const char *argument, struct error *error);
int option_start_paused(struct settings *settings, const char *argument, struct error *error);
int option_uuid(struct settings *settings, const char *argument, struct error *error);
int option_version(struct settings *settings, const char *argument, struct error *error);
int option_vga(struct settings *settings, const char *argument, struct error *error);
