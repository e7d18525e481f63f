// SPDX-License-Identifier: MIT
// Sockets to listen at or to connect with: all that is the same for every user of them.
#pragma once

#include <stdbool.h>

#include "tcg/base/error.h"

// Both make a socket that blocks and is closed on exec: bound when it is for a server (which is left to
// listen), else connected. Negative errno with a message that names the address. A socket that a program left
// behind when it was killed is removed first.
int socket_open_unix(const char *path, bool server, int *fd, struct error *error);
int socket_open_tcp(const char *host, const char *port, bool server, int *fd, struct error *error);
