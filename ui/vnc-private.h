// SPDX-License-Identifier: MIT
// Between the files of the VNC server. Everything runs on the I/O thread with the device lock.
#pragma once

#include "hw/core/display.h"
#include "ui/held-keys.h"
#include "ui/keymap.h"
#include "ui/ticker.h"
#include "ui/ui.h"

struct aml;
struct nvnc;
struct nvnc_display;

enum { VNC_KEYS_MAX = 64 };

// Properties.
struct vnc_options {
    char *address, *user, *password_file, *tls_key, *tls_cert;
};

// A keysym that is down, and the key that was pressed for it.
struct vnc_pressed {
    uint32_t keysym; // 0: free
    enum input_key key;
};

struct vnc {
    struct ui ui;
    const struct ui_host *host;
    const struct vnc_options *options;
    struct machine *machine;
    struct font *font;
    char *password; // NULL: none is needed

    struct aml *loop;
    struct nvnc *server;
    struct nvnc_display *screen;
    struct io_watch *watch;
    struct ticker ticker;
    unsigned clients;

    struct display_view view;
    unsigned width, height; // of what was shown last
    bool blank, blank_asked;
    unsigned frame;

    struct keymap *keymap;
    struct held_keys held;
    struct vnc_pressed pressed[VNC_KEYS_MAX];
    unsigned modifiers; // enum display_modifier, for terminals
    bool alt_gr;        // likewise
    unsigned buttons;
    unsigned x, y; // where the pointer was
};

// --- vnc.c ---
void vnc_show_console(struct vnc *vnc, unsigned index);

// --- vnc-input.c ---
void vnc_listen_to_input(struct vnc *vnc);
