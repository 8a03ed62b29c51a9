/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listening sockets, and what every accepted or given socket gets. docs/spec/server-api.md 7.1, 8.1
 */
#ifndef SERVER_LINK_LISTEN_H
#define SERVER_LINK_LISTEN_H

#include <stdbool.h>

/* A non-blocking listening TCP socket. address: NULL or "" for all; family: AF_*. The first address
 * that binds wins. -1: one log line says why. */
int listen_tcp(const char *address, int port, int family);
/* The same on a path; '@' at its start: in the abstract namespace. A file that is in the way is
 * removed first. */
int listen_unix(const char *path);
/* Non-blocking, no delay, keepalive. False: a socket that can't be used. */
bool listen_prepare(int fd);

#endif
