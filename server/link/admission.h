/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admission: listening sockets, TLS and WebSocket, the link stage and authentication, with bounded
 * work and memory before it is passed. Main thread.  docs/spec/server-api.md 7.1 to 7.3, 8 */
#ifndef SERVER_LINK_ADMISSION_H
#define SERVER_LINK_ADMISSION_H

#include "server.h"

/* Open what the options ask for. NULL: something failed (one log line); all that was opened is
 * closed. */
Admission *admission_new(struct RedsState *server);
void admission_free(Admission *admission);
/* 0, or -1: the socket still belongs to the caller. */
int admission_add_client(Admission *admission, int socket, bool tls, bool skip_auth);
#endif
