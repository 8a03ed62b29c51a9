/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of admission share: an application's main loop with poll(), socket pairs,
 * certificates, and a SASL database of one user. */
#ifndef TESTS_SERVER_NET_SUPPORT_H
#define TESTS_SERVER_NET_SUPPORT_H

#include "server.h"

/* ---- A core interface of one process-wide loop ---- */

SpiceCoreInterface *net_core(void);
/* Wait for at most ms and call what is due. */
void net_core_run(int ms);
/* Run until the condition holds or ms have passed; yields the condition. */
#define NET_WAIT(condition, ms)                               \
    ({                                                        \
        gint64 end_ = g_get_monotonic_time() + (ms)*1000;     \
        while (!(condition) && g_get_monotonic_time() < end_) \
            net_core_run(5);                                  \
        (condition);                                          \
    })
unsigned net_core_watches(void), net_core_timers(void);
/* As if that time had passed for all timers. */
void net_core_forward(unsigned ms);
/* Callbacks since the start: a loop that spins has many. */
unsigned net_core_calls(void);

typedef struct NetEvent {
    int event;
    SpiceChannelEventInfo *pointer, info;
} NetEvent;
extern GArray *net_events; /* of NetEvent, all so far */
unsigned net_events_of(int event);

/* ---- Certificates, in a temporary folder; the files are removed at exit ---- */

typedef struct NetFiles {
    char *ca, *cert, *key, *locked_key, *dh; /* locked_key: password "secret" */
} NetFiles;
const NetFiles *net_files(void);

/* ---- SASL: user "alice", password "wonder" ---- */

/* Before the first use of SASL in the process: the configuration of the application "spice-test"
 * and its password database. */
void net_sasl_init(void);
/* The next lookup of a password waits, in a thread of the test's, until the test lets it go. */
void net_sasl_hold(void);
/* Wait until a lookup does. */
void net_sasl_await_held(void);
/* False: nobody was held any more, after 5 s. */
bool net_sasl_let_go(void);

/* ---- Sockets ---- */

/* A connected pair; the first one is non-blocking. */
void net_pair(int fds[2]);
/* A connected pair over TCP on the loopback device. */
void net_tcp_pair(int fds[2]);
/* Write it all. */
bool net_send(int fd, const void *data, size_t size);
/* Read what comes until size bytes are there, the end, or ms have passed, while the core loop runs.
 * Returns how many; *ended: the end was seen. */
size_t net_receive(int fd, void *data, size_t size, int ms, bool *ended);

#endif
