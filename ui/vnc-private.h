// SPDX-License-Identifier: MIT
// Between the files of the VNC server, which speaks the Remote Framebuffer Protocol, RFC 6143. Everything
// runs on the I/O thread with the device lock, but for encoding, which a thread of the server does.
//
// Clients are not trusted. What is read of one lies in a buffer of fixed size; what is sent to it is one
// update, made when it asks for one and has taken the one before, so that a client that does not read costs
// no more.
#pragma once

#include <pthread.h>
#include <sys/types.h>
#include <zlib.h>

#include "hw/core/display.h"
#include "hw/core/io-loop.h"
#include "ui/held-keys.h"
#include "ui/keymap.h"
#include "ui/listener.h"
#include "ui/ticker.h"
#include "ui/ui.h"

struct gnutls_session_int;
struct gnutls_certificate_credentials_st;
struct vnc;

// --- vnc-worker.c: a thread that works for the loop ---

// Embedded by its owner, who leaves it alone until `done` is called.
struct vnc_work {
    void (*run)(void *opaque);  // on the thread, without locks
    void (*done)(void *opaque); // then on the loop's, with the device lock
    void *opaque;
    struct vnc_work *next;
};

struct vnc_worker {
    struct io_loop *loop;
    struct io_task task;
    pthread_t thread;
    pthread_mutex_t mutex; // over what follows
    pthread_cond_t wake;
    struct vnc_work *waiting, *finished;
    bool quit;
};

// -errno when the host has no threads left.
int vnc_worker_start(struct vnc_worker *worker, struct io_loop *loop);
void vnc_worker_give(struct vnc_worker *worker, struct vnc_work *work);
// Waits for what is running; what else has been given is not done. Without the device lock.
void vnc_worker_stop(struct vnc_worker *worker);

// --- vnc-pixels.c: what pixels a client wants ---

enum { VNC_FORMAT_BYTES = 16 };

struct vnc_format {
    unsigned bytes;               // of a pixel: 1, 2 or 4
    unsigned short_bytes, offset; // of a CPIXEL, and where it begins in a pixel
    unsigned tight_bytes;         // of a TPIXEL
    // What a red, green or blue of 0 to 255 adds to a pixel, whose first byte is the lowest.
    uint32_t parts[3][256];
};

// A PIXEL_FORMAT (RFC 6143, 7.4). False: it makes no sense, or has a palette, which is not offered.
bool vnc_format_parse(struct vnc_format *format, const uint8_t *data);
// Ours, the one of surfaces.
void vnc_format_native(uint8_t *data);
static inline uint32_t vnc_pixel(const struct vnc_format *format, uint32_t pixel)
{
    return format->parts[0][pixel >> 16 & 0xff] | format->parts[1][pixel >> 8 & 0xff] |
           format->parts[2][pixel & 0xff];
}

// A TPIXEL: where it is shorter it is always red, green and blue.
static inline uint32_t vnc_tight_pixel(const struct vnc_format *format, uint32_t pixel)
{
    if (format->tight_bytes == format->bytes)
        return vnc_pixel(format, pixel);
    return (pixel >> 16 & 0xff) | (pixel & 0xff00) | (pixel & 0xff) << 16;
}

// --- vnc-encode.c: pictures as bytes ---

// They grow with what the guest shows, so that memory may be out: then it has failed.
struct vnc_bytes {
    uint8_t *data;
    size_t length, room;
    bool failed;
};

// Room for `count` more, which count as written; NULL: it has failed.
uint8_t *vnc_bytes_add(struct vnc_bytes *bytes, size_t count);
void vnc_bytes_free(struct vnc_bytes *bytes);

enum vnc_encoding {
    VNC_COMPRESS_LEAST = -256, // and the levels up to
    VNC_COMPRESS_MOST = -247,
    VNC_RAW = 0,
    VNC_TIGHT = 7,
    VNC_ZRLE = 16,
    VNC_DESKTOP_SIZE = -223,
    VNC_CURSOR = -239,
    VNC_EXTENDED_KEYS = -258,
    VNC_EXTENDED_SIZE = -308,
};

// The header of an update of that many rectangles, and that of a rectangle.
void vnc_encode_update(struct vnc_bytes *out, unsigned rects);
void vnc_encode_rect(struct vnc_bytes *out, struct display_rect rect, enum vnc_encoding encoding);
// A rectangle with the cursor, NULL for one that is not seen.
void vnc_encode_cursor(struct vnc_bytes *out, const struct vnc_format *format,
                       const struct display_cursor *cursor);

// --- vnc-deflate.c ---

struct vnc_deflater {
    z_stream stream;
    bool begun;
    int level;
};

// Appends what is compressed of `data`, all that is needed to read it.
void vnc_deflate(struct vnc_deflater *deflater, int level, const struct vnc_bytes *data,
                 struct vnc_bytes *out);
void vnc_deflater_end(struct vnc_deflater *deflater);

// --- updates of part of a surface ---

enum { VNC_TIGHT_STREAMS = 3 };

struct vnc_frame {
    struct vnc_work work;
    struct surface *surface; // a reference
    struct display_damage damage;
    struct vnc_format format;
    enum vnc_encoding encoding; // of pixels
    int level;                  // of compression, zlib's
    struct vnc_deflater zrle, tight[VNC_TIGHT_STREAMS];
    struct vnc_bytes out;
};

// vnc-encode.c. Appends to the frame's `out`. Any thread.
void vnc_encode_frame(struct vnc_frame *frame);
void vnc_frame_end(struct vnc_frame *frame);
// Pixels can change while they are read: whoever looks at one twice looks at this copy.
void vnc_read_pixels(const struct surface *surface, const struct display_rect *rect, uint32_t *pixels);

// Each in a file of its own. They append rectangles, and tell how many.
unsigned vnc_encode_tight(struct vnc_frame *frame, const struct display_rect *rect);
unsigned vnc_encode_zrle(struct vnc_frame *frame, const struct display_rect *rect);

// --- vnc-stream.c: a connection, with TLS or without ---

struct vnc_stream {
    int fd;
    struct gnutls_session_int *tls; // NULL: none
    bool shaking_hands;             // TLS does
};

// What was read or written, 0: nothing goes now, -1: the connection has ended.
ssize_t vnc_stream_read(struct vnc_stream *stream, void *data, size_t length);
ssize_t vnc_stream_write(struct vnc_stream *stream, const void *data, size_t length);
// Whether there is something to read of which the descriptor does not tell, and whether writing must go on
// before anything is read.
bool vnc_stream_pending(const struct vnc_stream *stream);
bool vnc_stream_wants_write(const struct vnc_stream *stream);
// TLS from here on, as the server. False: it cannot be.
bool vnc_stream_encrypt(struct vnc_stream *stream, struct gnutls_certificate_credentials_st *credentials);
void vnc_stream_close(struct vnc_stream *stream);

// --- clients ---

enum { VNC_KEYS_MAX = 64, VNC_IN_BYTES = 4096, VNC_PASSWORD_MAX = 255, VNC_ANSWERS_MAX = 16 };

enum vnc_state {
    VNC_VERSION, // what is waited for
    VNC_SECURITY,
    VNC_VENCRYPT_VERSION,
    VNC_VENCRYPT_KIND,
    VNC_TLS, // until what was sent in the clear has gone
    VNC_PASSWORD,
    VNC_ATTEMPT, // until its password is looked at
    VNC_REFUSED, // until it hears that it was wrong
    VNC_INIT,
    VNC_READY,
    VNC_ENDING, // until what was sent has gone
};

// A keysym that is down, and the key that was pressed for it.
struct vnc_pressed {
    uint32_t keysym; // 0: free
    enum input_key key;
};

struct vnc_client {
    struct vnc *vnc;
    struct vnc_client *next;
    struct vnc_stream stream;
    struct io_watch *watch;
    bool broken; // to be dropped; freed when its frame is not with the worker
    bool busy;   // its frame is with the worker
    bool joined; // it sees the display

    enum vnc_state state;
    bool right;        // the password
    unsigned patience; // ticks of the door's until something has to have happened
    unsigned minor;    // of the version of the protocol: 3, 7 or 8
    uint8_t in[VNC_IN_BYTES];
    size_t in_length;
    uint64_t skip;           // so many bytes are of no interest
    unsigned encodings_left; // so many are still to come of a SetEncodings
    struct vnc_bytes out;
    size_t out_sent;

    struct vnc_format format;
    bool has_encoding; // the one of the frames was chosen
    enum vnc_encoding encoding;
    int level;                                 // of compression
    bool knows_size, knows_cursor, knows_keys; // it understands these pseudo-encodings
    unsigned width, height;                    // of its framebuffer
    bool cursor_stale, keys_told;
    bool requested;
    struct display_damage damage;
    struct vnc_frame frame;

    bool knows_layout, layout_due, resized_by_other;
    uint8_t answers[VNC_ANSWERS_MAX]; // to its requests for another size, to be sent
    unsigned answer_count;

    struct held_keys held;
    struct vnc_pressed pressed[VNC_KEYS_MAX];
    unsigned modifiers; // enum display_modifier: what is down at the client
    bool alt_gr;        // likewise
    unsigned buttons;
    unsigned x, y; // where the pointer was
};

// Takes what has come; how many bytes were of use, 0: more are needed, -1: it is not worth talking to.
typedef int vnc_handler(struct vnc_client *client, const uint8_t *data, size_t length);

// vnc-client.c. A client that comes to its end is marked as broken; vnc_clients_drop drops those.
void vnc_client_accept(struct vnc *vnc, int fd);
// Goes on with what has come before.
void vnc_client_resume(struct vnc_client *client);
void vnc_client_write(struct vnc_client *client, const void *data, size_t length);
// Sends what there is to send, and what has changed to a client that has asked for it.
void vnc_client_update(struct vnc_client *client);
void vnc_clients_drop(struct vnc *vnc, bool all);

// vnc-handshake.c, vnc-messages.c
int vnc_handshake(struct vnc_client *client, const uint8_t *data, size_t length);
void vnc_handshake_after_tls(struct vnc_client *client);
void vnc_handshake_accept(struct vnc_client *client);
void vnc_handshake_refuse(struct vnc_client *client);
int vnc_message(struct vnc_client *client, const uint8_t *data, size_t length);

// vnc-door.c. False: there is no room for one more.
int vnc_door_open(struct vnc *vnc);
bool vnc_door_make_room(struct vnc *vnc);
void vnc_door_greet(struct vnc_client *client);
void vnc_door_ask_password(struct vnc_client *client);
// Looks at the passwords whose turn it is.
void vnc_door_judge(struct vnc *vnc);

// vnc-layout.c. Whether the client thinks of another size than the display has; and gives it that one.
bool vnc_layout_is_stale(const struct vnc_client *client);
void vnc_layout_follow(struct vnc_client *client);
// Writes an update if there is something to tell; it is none of those that the client has requested.
bool vnc_layout_write(struct vnc_client *client);
// The display has another size; and, regularly: the display is told what clients have asked for.
void vnc_layout_changed(struct vnc *vnc);
void vnc_layout_pass_on(struct vnc *vnc);
// SetDesktopSize, as a vnc_handler.
int vnc_layout_request(struct vnc_client *client, const uint8_t *data, size_t length);

// vnc-input.c
void vnc_input_key(struct vnc_client *client, uint32_t keysym, bool down);
// By its scan code of set 1, those with a prefix as bit 7.
void vnc_input_code(struct vnc_client *client, uint32_t code, uint32_t keysym, bool down);
void vnc_input_pointer(struct vnc_client *client, unsigned x, unsigned y, unsigned buttons);
// Lets go of all that the client holds in the guest.
void vnc_input_release(struct vnc_client *client);

// --- vnc.c: the server ---

// Properties.
struct vnc_options {
    char *address, *user, *password_file, *tls_key, *tls_cert;
};

enum { VNC_BLANK_BYTES = 1024 };

struct vnc {
    struct ui ui;
    const struct ui_host *host;
    const struct vnc_options *options;
    struct machine *machine;
    struct font *font;
    struct keymap *keymap;
    char *password; // NULL: none is needed
    struct gnutls_certificate_credentials_st *credentials;

    struct listener listener;
    char *path; // of the listener, to be removed
    struct ticker ticker, door;
    unsigned attempts; // at a password that may be made now
    struct vnc_worker worker;
    struct vnc_client *clients; // the newest first
    unsigned joined;            // how many see the display

    struct display_view view;
    struct surface *shown;         // a reference, never NULL
    struct display_cursor *cursor; // a reference
    unsigned frame;
    unsigned asked_width, asked_height; // that a client wants, 0: none
    struct vnc_client *asker;           // whom the next change of the size is due to, or NULL

    // A display that shows nothing: what the guest is doing.
    bool blank, blank_asked;
    struct vnc_work blank_work;
    char blank_text[VNC_BLANK_BYTES], blank_shown[VNC_BLANK_BYTES];
};

// A client begins to see the display, or will see no more of it.
void vnc_join(struct vnc *vnc, struct vnc_client *client);
void vnc_leave(struct vnc *vnc, struct vnc_client *client);
void vnc_show_console(struct vnc *vnc, unsigned index);
bool vnc_password_is_right(const struct vnc *vnc, const char *user, const char *password);
