// SPDX-License-Identifier: MIT
#include "ui/socket-open.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// A socket that a program left behind when it was killed.
static void remove_stale(const char *path, const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED)
        unlink(path);
    if (fd >= 0)
        close(fd);
}

int socket_open_unix(const char *path, bool server, int *fd, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(error, ENAMETOOLONG, "socket path '%s' is longer than %zu bytes", path,
                         sizeof(address.sun_path) - 1);
    strcpy(address.sun_path, path);
    if (server)
        remove_stale(path, &address);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return error_set(error, errno, "cannot make a socket: %s", strerror(errno));
    int status = server ? bind(*fd, (struct sockaddr *)&address, sizeof(address))
                        : connect(*fd, (struct sockaddr *)&address, sizeof(address));
    if (!status)
        return 0;
    status = errno;
    close(*fd);
    return error_set(error, status, "cannot %s socket '%s': %s", server ? "listen at" : "connect to", path,
                     strerror(status));
}

int socket_open_tcp(const char *host, const char *port, bool server, int *fd, struct error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = server ? AI_PASSIVE : 0}, *list = NULL;
    int status = getaddrinfo(host, port, &hints, &list), on = 1;
    if (status)
        return error_set(error, EINVAL, "'%s:%s' is no address: %s", host, port, gai_strerror(status));
    status = EADDRNOTAVAIL;
    *fd = -1;
    for (const struct addrinfo *a = list; a && *fd < 0; a = a->ai_next) {
        *fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (*fd < 0)
            continue;
        if (server)
            setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (!(server ? bind(*fd, a->ai_addr, a->ai_addrlen) : connect(*fd, a->ai_addr, a->ai_addrlen)))
            break;
        status = errno;
        close(*fd);
        *fd = -1;
    }
    freeaddrinfo(list);
    if (*fd >= 0)
        return 0;
    return error_set(error, status, "cannot %s %s:%s: %s", server ? "listen at" : "connect to", host, port,
                     strerror(status));
}
