/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to link/: what admission.c (listeners, limits, time) and link.c (the state machine of one
 * connection) share. Main thread. */
#ifndef SERVER_LINK_LINK_H
#define SERVER_LINK_LINK_H

#include <openssl/ssl.h>

#include "link/admission.h"
#include "link/guard.h"
#include "link/helper.h"
#include "link/keys.h"
#include "link/link-sasl.h"
#include "server.h"

typedef struct Link Link;

typedef struct Listener {
    Admission *admission;
    int fd;
    bool tls, owned;
    LoopWatch *watch;
} Listener;

struct Admission {
    struct RedsState *server;
    Listener listeners[3];
    unsigned n_listeners;
    SSL_CTX *tls;        /* NULL: not configured */
    Helper *helper;      /* keys and TLS handshakes */
    Helper *sasl_helper; /* mechanisms: these may hang */
    KeyStore *keys;
    Guard guard;
    char *sasl_application;
    GQueue links; /* of Link, the oldest first */
    LoopTimer *timer, *accept_timer;
    int64_t timer_due; /* ms; 0: not armed */
    size_t memory;     /* bytes in large buffers of links */
    bool closing;
    AdmissionLimits limits;
    LogLimit log_peers, log_full;
};

/* Takes the stream (CONNECTED was told). False: the loop refused; the stream is still the
 * caller's. */
bool link_start(Admission *admission, Stream *stream, bool tls, bool skip_auth);
/* Close it now; reason: for the log, NULL: none. */
void link_drop(Link *link, const char *reason);
/* A key has become available. */
void link_key_ready(Link *link);
/* When something is to happen to it next (ms), and let it happen if it is due. */
int64_t link_due(const Link *link);
void link_timeout(Link *link, int64_t now);

/* In admission.c: the clock of links, and what to do when one comes, changes or goes. */
int64_t admission_now_ms(void);
void admission_add_link(Admission *admission, Link *link, GList *node);
void admission_remove_link(Admission *admission, GList *node);
void admission_arm(Admission *admission);

#endif
