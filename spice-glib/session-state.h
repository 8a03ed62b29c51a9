/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The private state of a session; included by the session-*.c files only. */
#pragma once

#include "session-private.h"
#include "uri-private.h"

G_BEGIN_DECLS

/* What a SPICE URI sets, all of it. */
typedef struct SessionAddress {
    gchar *unix_path;
    gchar *host;
    gchar *port;
    gchar *tls_port;
    gchar *username;
    gchar *password;
} SessionAddress;

struct _SpiceSessionPrivate {
    SessionAddress address;
    gchar *ca_file;
    GByteArray *ca;
    gchar *ciphers;
    gchar *cert_subject;
    GByteArray *pubkey;
    guint verify;
    gint protocol;
    SpiceURI *proxy;
    gchar **secure_channels;
    gboolean client_sockets;

    gboolean enable_audio, enable_smartcard, enable_usbredir;
    gchar **smartcard_certificates;
    gchar *smartcard_db;
    gboolean inhibit_keyboard_grab;
    gchar **disable_effects;
    gboolean read_only;
    gboolean gl_scanout;
    gint cache_size, glz_window_size;
    gint preferred_compression;
    gchar *shared_dir;
    gboolean share_dir_ro;

    gchar *name;
    guint8 uuid[16];
    guint32 connection_id;
    gint64 mm_offset; /* microseconds: monotonic time minus media time; atomic */
    gboolean mm_known;
    guint cache_generation;

    GList *channels;     /* newest first; one reference each */
    guint live_channels; /* channel objects that are not finalised yet */
    guint epoch;         /* counts connects: work that was put off knows whether it is stale */
    guint disconnect_idle;
    GArray *to_create; /* pairs of type and id, in the server's order */
    guint create_idle;

    SpiceSessionMigration migration_state;
    struct SpiceMigration *migration; /* of a source session while its machine moves */
    struct SpiceMigration *part_of;   /* of the copy: the migration that it serves */
    gboolean for_migration;
};

void session_address_clear(SessionAddress *address);
/* Fill an address from a URI; *address is untouched when the URI isn't valid. */
gboolean session_address_parse(SessionAddress *address, const gchar *uri, GError **error);
gchar *session_address_format(const SessionAddress *address);

enum {
    SESSION_CHANNEL_NEW,
    SESSION_CHANNEL_DESTROY,
    SESSION_DISCONNECTED,
    SESSION_MM_TIME_RESET,
    SESSION_N_SIGNALS
};
extern guint spice_session_signals[SESSION_N_SIGNALS];

/* Stop everything that still runs; from dispose. */
void spice_session_stop_work(SpiceSession *session);

G_END_DECLS
