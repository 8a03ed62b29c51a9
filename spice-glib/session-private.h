/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What channels need of their session. Main context only, except where it says otherwise. */
#pragma once

#include "spice-client.h"

G_BEGIN_DECLS

/* The context to which all sources of the library belong (NULL: the default one). */
GMainContext *spice_main_context(void);

/* Attach an idle of priority DEFAULT to it; returns the source id for spice_source_remove(). */
guint spice_idle_add(GSourceFunc function, gpointer data);
guint spice_idle_add_full(GSourceFunc function, gpointer data, GDestroyNotify destroy);
guint spice_timeout_add(guint milliseconds, GSourceFunc function, gpointer data);
void spice_source_remove(guint *id); /* sets *id to 0; nothing for 0 */

/* --- connection settings, borrowed strings --- */
const gchar *spice_session_get_host(SpiceSession *session);
const gchar *spice_session_get_port(SpiceSession *session);
const gchar *spice_session_get_tls_port(SpiceSession *session);
const gchar *spice_session_get_unix_path(SpiceSession *session);
const gchar *spice_session_get_username(SpiceSession *session);
const gchar *spice_session_get_password(SpiceSession *session);
const gchar *spice_session_get_ca_file(SpiceSession *session);
GByteArray *spice_session_get_ca(SpiceSession *session);
const gchar *spice_session_get_ciphers(SpiceSession *session);
const gchar *spice_session_get_cert_subject(SpiceSession *session);
GByteArray *spice_session_get_pubkey(SpiceSession *session);
guint spice_session_get_verify(SpiceSession *session);
gint spice_session_get_protocol(SpiceSession *session);
gboolean spice_session_get_client_provided_sockets(SpiceSession *session);
gboolean spice_session_wants_tls(SpiceSession *session, gint channel_type); /* secure-channels */
guint32 spice_session_get_connection_id(SpiceSession *session);
void spice_session_set_connection_id(SpiceSession *session, guint32 id);

/* --- for the display channel --- */
gint spice_session_get_cache_size(SpiceSession *session);      /* bytes */
gint spice_session_get_glz_window_size(SpiceSession *session); /* bytes */
gint spice_session_get_preferred_compression(SpiceSession *session);
gboolean spice_session_get_gl_scanout(SpiceSession *session);
/* Grows by one at each connect and at each migration that starts the caches anew (plain,
 * semi-seamless and switch-host; not seamless). Whoever keeps images or a GLZ window for the whole
 * session empties them when the number differs from the one that it knew. */
guint spice_session_get_cache_generation(SpiceSession *session);

/* Media clock, milliseconds, wraps. get: from any thread. */
guint32 spice_session_get_mm_time(SpiceSession *session);
void spice_session_set_mm_time(SpiceSession *session, guint32 time);

/* --- for the main channel --- */
/* Replace cache sizes that the application left at 0 by the defaults of client-glib.md 3.1. */
void spice_session_set_cache_defaults(SpiceSession *session, guint32 ram_hint);
void spice_session_set_name(SpiceSession *session, const guint8 *name, gsize size);
void spice_session_set_uuid(SpiceSession *session, const guint8 uuid[16]);
/* Create the channels of a list, each in an idle of its own, in order. n pairs of type and id. */
void spice_session_create_channels(SpiceSession *session, const guint8 *pairs, guint n);
/* Copies of borrowed strings of the session: disable-effects, NULL-terminated or NULL. */
const gchar *const *spice_session_get_disable_effects(SpiceSession *session);

/* --- for the base channel --- */
void spice_session_add_channel(SpiceSession *session,
                               SpiceChannel *channel); /* emits channel-new */
void spice_session_drop_channel(SpiceSession *session,
                                SpiceChannel *channel); /* emits channel-destroy, stops it */
void spice_session_channel_finalized(SpiceSession *session);
SpiceChannel *spice_session_find_channel(SpiceSession *session, gint type, gint id); /* borrowed */
/* A channel is READY and OPENED has been emitted. TRUE: it belongs to a migration, which takes it
 * from here. */
gboolean spice_session_channel_opened(SpiceSession *session, SpiceChannel *channel);
/* Recheck the channels that wait for others. */
void spice_session_wake_waiters(SpiceSession *session);
G_END_DECLS
