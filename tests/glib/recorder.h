/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session emits, as text lines in order, and main loops that run until something has
 * happened. */
#pragma once

#include "spice-client.h"

G_BEGIN_DECLS

typedef struct Recorder {
    SpiceSession *session;
    GString *lines;            /* "main:0 OPENED\n" */
    gboolean connect_channels; /* call spice_channel_connect() in channel-new */
    /* the last error that came with an event */
    GQuark error_domain;
    gint error_code;
    gchar *error_text;
    void (*on_event)(struct Recorder *recorder, SpiceChannel *channel, SpiceChannelEvent event);
    gpointer data;
} Recorder;

/* Record a new session that connects to a port of the loopback address (0: none). */
Recorder *recorder_new(guint16 port, guint16 tls_port);
/* Disconnect, wait for the end, and check that the session goes. */
void recorder_free(Recorder *recorder);
/* Run until the lines contain this text; fails the test after some seconds. */
void recorder_wait(Recorder *recorder, const gchar *text);
/* Run until there are n lines with this text. */
void recorder_wait_count(Recorder *recorder, const gchar *text, guint n);
guint recorder_count(Recorder *recorder, const gchar *text);
/* Run as long as this is the case; fails the test after some seconds. */
void run_while(gboolean (*busy)(gpointer data), gpointer data);
/* Let what is ready run. */
void run_pending(void);
/* Run for a while, for things that must not happen. */
void run_for(guint milliseconds);
SpiceChannel *recorder_channel(Recorder *recorder, gint type);
void recorder_note(Recorder *recorder, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

G_END_DECLS
