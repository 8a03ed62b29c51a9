/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admission: listening sockets, TLS and WebSocket, the link stage and authentication, with bounded
 * work and memory before it is passed. Main thread.  docs/spec/server-api.md 7.1 to 7.3, 8 */
#ifndef SERVER_LINK_ADMISSION_H
#define SERVER_LINK_ADMISSION_H

#include "link/keys.h"
#include "server.h"

/* What peers may take before they have authenticated. */
typedef struct AdmissionLimits {
    unsigned deadline_ms;     /* from the connection to the link result */
    unsigned links;           /* at a time; one more drops the oldest */
    size_t memory;            /* bytes in buffers of more than a few KiB, of all links together */
    unsigned accept_pause_ms; /* without descriptors or memory: until it is tried again */
    unsigned key_lifetime_ms; /* of an RSA key, while links come */
} AdmissionLimits;
#define ADMISSION_LIMITS ((AdmissionLimits){15000, 128, 16 * 1024 * 1024, 200, KEY_LIFETIME_MS})

/* Open what the options ask for. NULL: something failed (one log line); all that was opened is
 * closed. */
Admission *admission_new(struct RedsState *server);
void admission_free(Admission *admission);
void admission_set_limits(Admission *admission, const AdmissionLimits *limits);
/* 0, or -1: the socket still belongs to the caller. */
int admission_add_client(Admission *admission, int socket, bool tls, bool skip_auth);
/* Links that have not come to an end yet. */
unsigned admission_links(const Admission *admission);
#endif
