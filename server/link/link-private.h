/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to link.c and link-auth.c: one connection before it is a channel's. It expects some bytes
 * and goes on with a function when they are there and all output is out; or it waits for the
 * helper, a key or a time. */
#ifndef SERVER_LINK_LINK_PRIVATE_H
#define SERVER_LINK_LINK_PRIVATE_H

#include "link/link.h"
#include "net/stream-setup.h"

typedef void (*LinkFunc)(Link *link);

struct Link {
    Admission *admission;
    GList node; /* in admission->links */
    Stream *stream;
    LoopWatch *watch;
    bool skip_auth, websocket;
    bool running; /* inside link_run() */
    bool gone;    /* dropped; freed as soon as nobody works with it */
    Helper *busy; /* works for it, or will: stream, buffer and sasl are its own meanwhile */
    LinkFunc job_work, job_done;
    bool handshaking;
    bool waiting;              /* go on by link_go_on() only */
    bool waiting_key;          /* why */
    int64_t deadline, wake_at; /* ms; wake_at 0: none */

    LinkFunc next;
    bool any; /* next is called whenever something has come, not when all is there */
    uint8_t *buffer;
    size_t have, need, capacity, charged;
    WireBuffer out;
    size_t out_at;

    uint8_t header[WIRE_LINK_HEADER_SIZE];
    size_t request_size; /* of a WebSocket upgrade */
    WireLinkMess mess;
    uint32_t connection_id;
    LinkKey *key; /* that the peer was told */

    TlsStep tls_step;
    char error[160];

    LinkSasl *sasl;
    LinkSaslStep sasl_step;
    char mechanism[SASL_NAME_MAX + 1];
    bool sasl_started;
    const char *sasl_list;
    const void *sasl_out;
    size_t sasl_out_size;
};

/* Read 'size' bytes to the buffer (0: none), and go on with next. */
void link_expect(Link *link, size_t size, LinkFunc next);
/* Go on with next when what is to be sent now is out. */
void link_then(Link *link, LinkFunc next);
void link_queue(Link *link, const void *data, size_t size);
void link_queue_word(Link *link, uint32_t word);
/* Close when all output is out. */
void link_end(Link *link);
/* A link reply with an error, then the end. */
void link_refuse(Link *link, SpiceLinkErr error, const char *reason);
/* One line for what the peer did, limited. */
void link_log(Link *link, const char *reason);
/* link_drop() with one line for both. */
void link_drop_for(Link *link, const char *what, const char *why);
/* The helper does work(link), then done(link) is called if the link still lives. */
void link_work(Link *link, Helper *helper, LinkFunc work, LinkFunc done);
/* Wait until wake_at. */
void link_sleep(Link *link, int ms);
void link_go_on(Link *link);

/* link-auth.c: the link message was checked. */
void link_authenticate(Link *link);
/* The peer may in: link result, and over to its channel. */
void link_accept(Link *link);

#endif
