/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a connection failed or ended, in words that say what to do: one text for the viewer's page
 * and the command line. */
#ifndef TOOLS_FAILURE_H
#define TOOLS_FAILURE_H

#include <spice-client.h>

/* The kinds are the exit statuses of spice-cli, so their numbers never change (see spice-cli.1). */
typedef enum FailureKind {
    FAILURE_OTHER = 1,
    FAILURE_USAGE = 2,
    FAILURE_CONNECT = 3, /* nobody answers there */
    FAILURE_TLS = 4,     /* the server couldn't be trusted */
    FAILURE_AUTH = 5,    /* wrong, missing or expired password */
    FAILURE_LINK = 6,    /* whatever answers doesn't speak our SPICE */
    FAILURE_LOST = 7,    /* was connected; the server is gone */
    FAILURE_TIMEOUT = 8, /* connected, but what was waited for didn't come */
} FailureKind;

typedef struct Failure {
    FailureKind kind;
    char *title;  /* one line, without a full stop: "Wrong password" */
    char *reason; /* what exactly happened; may be NULL */
    char *advice; /* what to do about it; may be NULL */
} Failure;

/* From an event of the main channel. error (may be NULL) is its spice_channel_get_error(). */
Failure *failure_from_event(SpiceChannelEvent event, const GError *error, SpiceSession *session);

/* Any other failure. reason and advice may be NULL. */
Failure *failure_new(FailureKind kind, const char *title, const char *reason, const char *advice);

Failure *failure_copy(const Failure *failure);
void failure_free(Failure *failure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Failure, failure_free)

/* "host:port" or the socket's path, as a person would name the server of this session. */
char *session_address(SpiceSession *session);

#endif
