/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What channels ask of their session and tell it: settings, name, media clock, caches. Spec:
 * client-glib.md 3 and 9.1. */
#include <string.h>
#include "session-state.h"

#define MIN_GLZ_WINDOW (12 * 1024 * 1024)
#define MAX_GLZ_WINDOW (64 * 1024 * 1024)
#define DEFAULT_CACHE (80 * 1024 * 1024)
#define MM_TIME_JUMP 500 /* milliseconds: a longer step forward is a reset of the clock */

const gchar *spice_session_get_host(SpiceSession *session)
{
    return session->priv->address.host;
}

const gchar *spice_session_get_port(SpiceSession *session)
{
    return session->priv->address.port;
}

const gchar *spice_session_get_tls_port(SpiceSession *session)
{
    return session->priv->address.tls_port;
}

const gchar *spice_session_get_unix_path(SpiceSession *session)
{
    return session->priv->address.unix_path;
}

const gchar *spice_session_get_username(SpiceSession *session)
{
    return session->priv->address.username;
}

const gchar *spice_session_get_password(SpiceSession *session)
{
    return session->priv->address.password;
}

const gchar *spice_session_get_ca_file(SpiceSession *session)
{
    return session->priv->ca_file;
}

GByteArray *spice_session_get_ca(SpiceSession *session)
{
    return session->priv->ca;
}

const gchar *spice_session_get_ciphers(SpiceSession *session)
{
    return session->priv->ciphers;
}

const gchar *spice_session_get_cert_subject(SpiceSession *session)
{
    return session->priv->cert_subject;
}

GByteArray *spice_session_get_pubkey(SpiceSession *session)
{
    return session->priv->pubkey;
}

guint spice_session_get_verify(SpiceSession *session)
{
    return session->priv->verify;
}

gint spice_session_get_protocol(SpiceSession *session)
{
    return session->priv->protocol;
}

gboolean spice_session_get_client_provided_sockets(SpiceSession *session)
{
    return session->priv->client_sockets;
}

guint32 spice_session_get_connection_id(SpiceSession *session)
{
    return session->priv->connection_id;
}

gint spice_session_get_cache_size(SpiceSession *session)
{
    return session->priv->cache_size;
}

gint spice_session_get_glz_window_size(SpiceSession *session)
{
    return session->priv->glz_window_size;
}

gint spice_session_get_preferred_compression(SpiceSession *session)
{
    return session->priv->preferred_compression;
}

gboolean spice_session_get_gl_scanout(SpiceSession *session)
{
    return session->priv->gl_scanout;
}

guint spice_session_get_cache_generation(SpiceSession *session)
{
    return session->priv->cache_generation;
}

const gchar *const *spice_session_get_disable_effects(SpiceSession *session)
{
    return (const gchar *const *)session->priv->disable_effects;
}

void spice_session_set_connection_id(SpiceSession *session, guint32 id)
{
    session->priv->connection_id = id;
}

gboolean spice_session_wants_tls(SpiceSession *session, gint channel_type)
{
    const gchar *const *names = (const gchar *const *)session->priv->secure_channels;

    return names && (g_strv_contains(names, "all") ||
                     g_strv_contains(names, spice_channel_type_to_string(channel_type)));
}

guint32 spice_session_get_mm_time(SpiceSession *session)
{
    gint64 offset = __atomic_load_n(&session->priv->mm_offset, __ATOMIC_RELAXED);

    return (guint32)((g_get_monotonic_time() - offset) / 1000);
}

void spice_session_set_mm_time(SpiceSession *session, guint32 time)
{
    SpiceSessionPrivate *s = session->priv;
    gint32 step = (gint32)(time - spice_session_get_mm_time(session));
    gboolean jumped = !s->mm_known || step < 0 || step > MM_TIME_JUMP;

    __atomic_store_n(&s->mm_offset, g_get_monotonic_time() - (gint64)time * 1000, __ATOMIC_RELAXED);
    s->mm_known = TRUE;
    if (jumped)
        g_signal_emit(session, spice_session_signals[SESSION_MM_TIME_RESET], 0);
}

void spice_session_set_cache_defaults(SpiceSession *session, guint32 ram_hint)
{
    SpiceSessionPrivate *s = session->priv;

    if (s->cache_size == 0)
        s->cache_size = DEFAULT_CACHE;
    if (s->glz_window_size == 0)
        s->glz_window_size = CLAMP(ram_hint / 2, MIN_GLZ_WINDOW, MAX_GLZ_WINDOW);
}

void spice_session_set_name(SpiceSession *session, const guint8 *name, gsize size)
{
    g_autofree gchar *text = g_strndup((const gchar *)name, size);

    g_free(session->priv->name);
    session->priv->name = g_utf8_make_valid(text, -1);
    g_object_notify(G_OBJECT(session), "name");
}

void spice_session_set_uuid(SpiceSession *session, const guint8 uuid[16])
{
    memcpy(session->priv->uuid, uuid, 16);
    g_object_notify(G_OBJECT(session), "uuid");
}

/**
 * spice_session_get_read_only:
 * @session: a #SpiceSession
 *
 * Returns: whether nothing that changes the guest is sent
 *
 * Since: 0.8
 */
gboolean spice_session_get_read_only(SpiceSession *session)
{
    g_return_val_if_fail(SPICE_IS_SESSION(session), FALSE);
    return session->priv->read_only;
}

/**
 * spice_session_get_proxy_uri:
 * @session: a #SpiceSession
 *
 * Get the proxy's address. User and password may be set on it, for the next connection.
 *
 * Returns: (transfer none) (nullable): the address, %NULL without a proxy
 *
 * Since: 0.24
 */
SpiceURI *spice_session_get_proxy_uri(SpiceSession *session)
{
    g_return_val_if_fail(SPICE_IS_SESSION(session), NULL);
    return session->priv->proxy;
}

/**
 * spice_session_is_for_migration:
 * @session: a #SpiceSession
 *
 * Returns: whether this is the temporary session that connects to a migration target
 *
 * Since: 0.27
 */
gboolean spice_session_is_for_migration(SpiceSession *session)
{
    g_return_val_if_fail(SPICE_IS_SESSION(session), FALSE);
    return session->priv->for_migration;
}
