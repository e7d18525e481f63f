// SPDX-License-Identifier: MIT
#include <errno.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ui/vnc-private.h"

// What GnuTLS says, as the functions of this file do.
static ssize_t tls_result(ssize_t result)
{
    if (result > 0)
        return result;
    if (result == 0)
        return -1;
    return gnutls_error_is_fatal((int)result) ? -1 : 0;
}

static ssize_t socket_result(ssize_t result)
{
    if (result > 0)
        return result;
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static ssize_t shake_hands(struct vnc_stream *stream)
{
    int result = gnutls_handshake(stream->tls);
    stream->shaking_hands = result != GNUTLS_E_SUCCESS;
    return result < 0 && gnutls_error_is_fatal(result) ? -1 : 0;
}

ssize_t vnc_stream_read(struct vnc_stream *stream, void *data, size_t length)
{
    if (!stream->tls)
        return socket_result(recv(stream->fd, data, length, 0));
    if (stream->shaking_hands && shake_hands(stream) < 0)
        return -1;
    if (stream->shaking_hands)
        return 0;
    return tls_result(gnutls_record_recv(stream->tls, data, length));
}

ssize_t vnc_stream_write(struct vnc_stream *stream, const void *data, size_t length)
{
    if (!stream->tls)
        return socket_result(send(stream->fd, data, length, MSG_NOSIGNAL));
    return tls_result(gnutls_record_send(stream->tls, data, length));
}

bool vnc_stream_pending(const struct vnc_stream *stream)
{
    return stream->tls && !stream->shaking_hands && gnutls_record_check_pending(stream->tls);
}

bool vnc_stream_wants_write(const struct vnc_stream *stream)
{
    enum { TO_WRITE = 1 };
    return stream->shaking_hands && gnutls_record_get_direction(stream->tls) == TO_WRITE;
}

bool vnc_stream_encrypt(struct vnc_stream *stream, struct gnutls_certificate_credentials_st *credentials)
{
    if (gnutls_init(&stream->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        stream->tls = NULL;
        return false;
    }
    stream->shaking_hands = true;
    gnutls_transport_set_int(stream->tls, stream->fd);
    return gnutls_set_default_priority(stream->tls) >= 0 &&
           gnutls_credentials_set(stream->tls, GNUTLS_CRD_CERTIFICATE, credentials) >= 0;
}

void vnc_stream_close(struct vnc_stream *stream)
{
    if (stream->tls)
        gnutls_deinit(stream->tls);
    close(stream->fd);
    *stream = (struct vnc_stream){.fd = -1};
}
