// SPDX-License-Identifier: MIT
// From the version of the protocol to ServerInit (RFC 6143, 7.1 to 7.3), of versions 3.3, 3.7 and 3.8.
// Without a password there is no authentication; with one it is VeNCrypt 0.2 with X509Plain, by which a name
// and a password come by TLS.
#include <stdio.h>
#include <stdlib.h>

#include "tcg/base/endian.h"
#include "ui/vnc-private.h"

enum {
    SECURITY_NONE = 1,
    SECURITY_VENCRYPT = 19,
    VENCRYPT_X509_PLAIN = 262,
    VERSION_BYTES = 12,
    NAME_MAX_BYTES = 255
};

static void write_32(struct vnc_client *client, uint32_t value)
{
    uint8_t bytes[4];
    store_be32(bytes, value);
    vnc_client_write(client, bytes, sizeof(bytes));
}

static void write_text(struct vnc_client *client, const char *text)
{
    size_t length = strnlen(text, NAME_MAX_BYTES);
    write_32(client, (uint32_t)length);
    vnc_client_write(client, text, length);
}

static int end(struct vnc_client *client, const char *reason)
{
    write_32(client, 1);
    if (client->minor == 8)
        write_text(client, reason);
    client->state = VNC_ENDING;
    return 0;
}

static unsigned wanted_security(const struct vnc_client *client)
{
    return client->vnc->password ? SECURITY_VENCRYPT : SECURITY_NONE;
}

static int on_version(struct vnc_client *client, const uint8_t *data, size_t length)
{
    unsigned minor = 0;
    if (length < VERSION_BYTES)
        return 0;
    if (memcmp(data, "RFB 003.", 8) || data[11] != '\n')
        return -1;
    for (unsigned i = 8; i < 11; i++) {
        if (data[i] < '0' || data[i] > '9')
            return -1;
        minor = minor * 10 + data[i] - '0';
    }
    // Versions that do not exist count as 3.3 (7.1.1), but later ones as what we have told.
    client->minor = minor >= 8 ? 8 : minor == 7 ? 7 : 3;
    if (client->minor > 3) {
        vnc_client_write(client, (uint8_t[]){1, (uint8_t)wanted_security(client)}, 2);
        client->state = VNC_SECURITY;
    } else if (client->vnc->password) {
        write_32(client, 0);
        write_text(client, "This server wants a later version of the protocol");
        client->state = VNC_ENDING;
    } else {
        write_32(client, SECURITY_NONE);
        client->state = VNC_INIT;
    }
    return VERSION_BYTES;
}

static int on_security(struct vnc_client *client, const uint8_t *data, size_t length)
{
    (void)length;
    if (data[0] != wanted_security(client))
        return end(client, "This kind of security was not offered");
    if (client->vnc->password) {
        vnc_client_write(client, "\0\2", 2);
        client->state = VNC_VENCRYPT_VERSION;
        return 1;
    }
    if (client->minor == 8)
        write_32(client, 0);
    client->state = VNC_INIT;
    return 1;
}

// --- VeNCrypt ---

static int on_vencrypt_version(struct vnc_client *client, const uint8_t *data, size_t length)
{
    if (length < 2)
        return 0;
    bool known = data[0] == 0 && data[1] == 2;
    vnc_client_write(client, known ? "\0\1" : "\377", known ? 2 : 1); // then one kind
    if (known)
        write_32(client, VENCRYPT_X509_PLAIN);
    client->state = known ? VNC_VENCRYPT_KIND : VNC_ENDING;
    return 2;
}

static int on_vencrypt_kind(struct vnc_client *client, const uint8_t *data, size_t length)
{
    if (length < 4)
        return 0;
    bool known = load_be32(data) == VENCRYPT_X509_PLAIN;
    vnc_client_write(client, known ? "\1" : "\0", 1);
    client->state = known ? VNC_TLS : VNC_ENDING;
    return 4;
}

// What came in the clear after that was not by the user whose password is about to come.
void vnc_handshake_after_tls(struct vnc_client *client)
{
    vnc_door_ask_password(client);
    client->broken |= client->in_length || !vnc_stream_encrypt(&client->stream, client->vnc->credentials);
}

static int on_password(struct vnc_client *client, const uint8_t *data, size_t length)
{
    char user[VNC_PASSWORD_MAX + 1] = "", password[VNC_PASSWORD_MAX + 1] = "";
    if (length < 8)
        return 0;
    uint32_t user_length = load_be32(data), password_length = load_be32(data + 4);
    if (user_length > VNC_PASSWORD_MAX || password_length > VNC_PASSWORD_MAX)
        return end(client, "That is too long");
    if (length < 8 + user_length + password_length)
        return 0;
    memcpy(user, data + 8, user_length);
    memcpy(password, data + 8 + user_length, password_length);
    client->right = strlen(user) == user_length && strlen(password) == password_length &&
                    vnc_password_is_right(client->vnc, user, password);
    client->state = VNC_ATTEMPT;
    return (int)(8 + user_length + password_length);
}

void vnc_handshake_accept(struct vnc_client *client)
{
    write_32(client, 0);
    client->state = VNC_INIT;
}

void vnc_handshake_refuse(struct vnc_client *client)
{
    end(client, "The user's name or the password is wrong");
}

// --- coming in ---

static int on_init(struct vnc_client *client, const uint8_t *data, size_t length)
{
    struct vnc *vnc = client->vnc;
    uint8_t message[4 + VNC_FORMAT_BYTES];
    (void)length;
    for (struct vnc_client *other = vnc->clients; !data[0] && other; other = other->next)
        other->broken |= other != client && other->joined; // it wants to be alone
    vnc_join(vnc, client);
    client->width = vnc->shown->width;
    client->height = vnc->shown->height;
    store_be16(message, (uint16_t)client->width);
    store_be16(message + 2, (uint16_t)client->height);
    vnc_format_native(message + 4);
    vnc_client_write(client, message, sizeof(message));
    write_text(client, vnc->host->name ? vnc->host->name : "Lyrebird");
    client->state = VNC_READY;
    return 1;
}

// Nothing that comes matters until what was sent has gone: there is no answer to wait for.
static int on_nothing(struct vnc_client *client, const uint8_t *data, size_t length)
{
    (void)data;
    return client->state == VNC_ENDING ? (int)length : 0;
}

int vnc_handshake(struct vnc_client *client, const uint8_t *data, size_t length)
{
    static vnc_handler *const handlers[] = {
        [VNC_VERSION] = on_version,
        [VNC_SECURITY] = on_security,
        [VNC_VENCRYPT_VERSION] = on_vencrypt_version,
        [VNC_VENCRYPT_KIND] = on_vencrypt_kind,
        [VNC_TLS] = on_nothing,
        [VNC_PASSWORD] = on_password,
        [VNC_ATTEMPT] = on_nothing,
        [VNC_REFUSED] = on_nothing,
        [VNC_INIT] = on_init,
        [VNC_ENDING] = on_nothing,
    };
    return handlers[client->state](client, data, length);
}
