/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread for what may take more than a moment before a link is authenticated: RSA keys, TLS
 * handshakes, SASL mechanisms (which may ask a directory server). One job at a time, in order: a
 * flood of peers costs one processor at most, and the main loop nothing. */
#ifndef SERVER_LINK_HELPER_H
#define SERVER_LINK_HELPER_H

#include "loop.h"

typedef struct Helper Helper;

/* Functions below: main thread. The thread starts with the first job. */
Helper *helper_new(Loop *loop);
/* work(data) on the helper's thread, then done(data) on the loop. False: no thread can be had;
 * neither is called. */
bool helper_run(Helper *helper, void (*work)(void *data), void (*done)(void *data), void *data);
/* Take back the job of these data, so that neither function is called; false: it has begun. What
 * waits behind a job that hangs holds nothing. */
bool helper_cancel(Helper *helper, const void *data);
/* Waits for the job that runs now; those that have not begun are not worked on. done() is called
 * for all of them before this returns. */
void helper_free(Helper *helper);

#endif
