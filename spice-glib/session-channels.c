/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channels of a session: list, creation, connect and disconnect. Spec: client-glib.md 2.2, 3.4
 * and 5. */
#include <string.h>
#include <unistd.h>
#include "channel-state.h"
#include "session-state.h"
#include "session-migrate.h"

/* --- the list --- */

void spice_session_add_channel(SpiceSession *session, SpiceChannel *channel)
{
    SpiceSessionPrivate *s = session->priv;

    s->channels = g_list_prepend(s->channels, g_object_ref(channel));
    s->live_channels++;
    g_signal_emit(session, spice_session_signals[SESSION_CHANNEL_NEW], 0, channel);
}

void spice_session_drop_channel(SpiceSession *session, SpiceChannel *channel)
{
    SpiceSessionPrivate *s = session->priv;
    GList *link = g_list_find(s->channels, channel);

    if (!link)
        return;
    g_object_ref(session);
    g_object_ref(channel);
    g_signal_emit(session, spice_session_signals[SESSION_CHANNEL_DESTROY], 0, channel);
    /* A handler may have dropped it as well. */
    link = g_list_find(s->channels, channel);
    if (link) {
        s->channels = g_list_delete_link(s->channels, link);
        spice_channel_detach(channel);
        g_object_unref(channel);
        spice_session_wake_waiters(session);
    }
    g_object_unref(channel);
    g_object_unref(session);
}

static gboolean tell_disconnected(gpointer data)
{
    SpiceSession *session = data;

    /* A new connection may have begun meanwhile. */
    if (!session->priv->channels && session->priv->live_channels == 0)
        g_signal_emit(session, spice_session_signals[SESSION_DISCONNECTED], 0);
    return G_SOURCE_REMOVE;
}

void spice_session_channel_finalized(SpiceSession *session)
{
    SpiceSessionPrivate *s = session->priv;

    s->live_channels--;
    /* In an idle, because a garbage collector may finalise in any place. */
    if (s->live_channels == 0 && !s->channels)
        spice_idle_add_full(tell_disconnected, g_object_ref(session), g_object_unref);
}

SpiceChannel *spice_session_find_channel(SpiceSession *session, gint type, gint id)
{
    for (GList *l = session->priv->channels; l; l = l->next) {
        SpiceChannel *channel = l->data;

        if (spice_channel_get_channel_type(channel) == type &&
            spice_channel_get_channel_id(channel) == id)
            return channel;
    }
    return NULL;
}

void spice_session_wake_waiters(SpiceSession *session)
{
    for (GList *l = session->priv->channels; l; l = l->next)
        spice_channel_check_waits(l->data);
}

/**
 * spice_session_get_channels:
 * @session: a #SpiceSession
 *
 * Get the channels, the newest first.
 *
 * Returns: (element-type SpiceChannel) (transfer container): a new list of the session's channels
 */
GList *spice_session_get_channels(SpiceSession *session)
{
    g_return_val_if_fail(SPICE_IS_SESSION(session), NULL);
    return g_list_copy(session->priv->channels);
}

/**
 * spice_session_has_channel_type:
 * @session: a #SpiceSession
 * @type: a channel type
 *
 * Returns: whether a channel of this type is in the list, connected or not
 */
gboolean spice_session_has_channel_type(SpiceSession *session, gint type)
{
    g_return_val_if_fail(SPICE_IS_SESSION(session), FALSE);
    for (GList *l = session->priv->channels; l; l = l->next)
        if (spice_channel_get_channel_type(l->data) == type)
            return TRUE;
    return FALSE;
}

/* --- the server's channel list --- */

static gboolean create_next(gpointer data)
{
    SpiceSession *session = data;
    SpiceSessionPrivate *s = session->priv;
    guint8 pair[2];

    memcpy(pair, s->to_create->data, sizeof pair);
    g_array_remove_index(s->to_create, 0);
    if (s->to_create->len == 0)
        s->create_idle = 0;
    if (!spice_session_find_channel(session, pair[0], pair[1]))
        spice_channel_new(session, pair[0], pair[1]);
    /* Handlers may have ended the session, or got a new list. */
    return s->create_idle ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean is_queued(SpiceSessionPrivate *s, const guint8 pair[2])
{
    for (guint i = 0; i < s->to_create->len; i++)
        if (memcmp(s->to_create->data + 2 * i, pair, 2) == 0)
            return TRUE;
    return FALSE;
}

void spice_session_create_channels(SpiceSession *session, const guint8 *pairs, guint n)
{
    SpiceSessionPrivate *s = session->priv;
    guint epoch = s->epoch;

    g_object_notify(G_OBJECT(session), "uuid");
    if (s->epoch != epoch || !s->channels)
        return;
    /* A list may be long and repeat itself: only what can be made, and isn't there, is kept. */
    for (guint i = 0; i < n; i++, pairs += 2) {
        if (spice_channel_type_to_gtype(pairs[0]) == G_TYPE_INVALID)
            g_debug("the server's channel of type %u (%s) is not used", pairs[0],
                    spice_channel_type_to_string(pairs[0]));
        else if (!spice_session_find_channel(session, pairs[0], pairs[1]) && !is_queued(s, pairs))
            g_array_append_vals(s->to_create, pairs, 1);
    }
    if (s->to_create->len > 0 && !s->create_idle)
        s->create_idle = spice_idle_add_full(create_next, g_object_ref(session), g_object_unref);
}

/* --- connect and disconnect --- */

static void forget_connection(SpiceSession *session)
{
    SpiceSessionPrivate *s = session->priv;

    s->epoch++;
    g_array_set_size(s->to_create, 0);
    spice_source_remove(&s->create_idle);
    spice_session_abort_migration(session);
    s->connection_id = 0;
    s->mm_known = FALSE;
    g_clear_pointer(&s->name, g_free);
    memset(s->uuid, 0, sizeof s->uuid);
}

/* Drop every channel but main, and make main ready for a new connection. */
static SpiceChannel *prepare_connect(SpiceSession *session)
{
    SpiceSessionPrivate *s = session->priv;
    g_autoptr(GList) channels = NULL;
    SpiceChannel *main_channel;

    if (s->disconnect_idle) {
        g_critical("spice_session_connect: the session is being disconnected");
        return NULL;
    }
    forget_connection(session);
    channels = g_list_copy_deep(s->channels, (GCopyFunc)(void (*)(void))g_object_ref, NULL);
    for (GList *l = channels; l; l = l->next) {
        if (spice_channel_get_channel_type(l->data) == SPICE_CHANNEL_MAIN)
            spice_channel_disconnect(l->data, SPICE_CHANNEL_NONE);
        else
            spice_session_drop_channel(session, l->data);
        g_object_unref(l->data);
    }
    s->cache_generation++;
    main_channel = spice_session_find_channel(session, SPICE_CHANNEL_MAIN, 0);
    return main_channel ? main_channel : spice_channel_new(session, SPICE_CHANNEL_MAIN, 0);
}

/**
 * spice_session_connect:
 * @session: a #SpiceSession
 *
 * Connect to the server. A connection that is there is given up first. How it goes is told by
 * #SpiceChannel::channel-event of the main channel.
 *
 * Returns: whether a connection is being started
 */
gboolean spice_session_connect(SpiceSession *session)
{
    SpiceChannel *main_channel;
    gboolean started = FALSE;

    g_return_val_if_fail(SPICE_IS_SESSION(session), FALSE);
    g_object_ref(session);
    session->priv->client_sockets = FALSE;
    main_channel = prepare_connect(session);
    if (main_channel)
        started = spice_channel_connect(main_channel);
    g_object_unref(session);
    return started;
}

/**
 * spice_session_open_fd:
 * @session: a #SpiceSession
 * @fd: a connected socket, or -1 to be asked for one by #SpiceChannel::open-fd
 *
 * Connect over sockets that the application provides: this one for the main channel, and one for
 * each other channel.
 *
 * Returns: whether a connection is being started
 */
gboolean spice_session_open_fd(SpiceSession *session, int fd)
{
    SpiceChannel *main_channel;
    gboolean started = FALSE;

    g_return_val_if_fail(SPICE_IS_SESSION(session), FALSE);
    g_return_val_if_fail(fd >= -1, FALSE);
    g_object_ref(session);
    session->priv->client_sockets = TRUE;
    main_channel = prepare_connect(session);
    if (main_channel)
        started = spice_channel_open_fd(main_channel, fd);
    else if (fd >= 0)
        close(fd);
    g_object_unref(session);
    return started;
}

static gboolean disconnect_idle(gpointer data)
{
    SpiceSession *session = data;
    SpiceSessionPrivate *s = session->priv;
    g_autoptr(GList) channels = NULL;

    s->disconnect_idle = 0;
    forget_connection(session);
    if (!s->channels && s->live_channels == 0)
        tell_disconnected(session);
    channels = g_list_copy_deep(s->channels, (GCopyFunc)(void (*)(void))g_object_ref, NULL);
    for (GList *l = channels; l; l = l->next) {
        spice_session_drop_channel(session, l->data);
        g_object_unref(l->data);
    }
    return G_SOURCE_REMOVE;
}

/**
 * spice_session_disconnect:
 * @session: a #SpiceSession
 *
 * Disconnect and destroy all channels, from an idle of the main loop. #SpiceSession::disconnected
 * is emitted when the last channel is gone. The session may be dropped at once.
 */
void spice_session_disconnect(SpiceSession *session)
{
    SpiceSessionPrivate *s;

    g_return_if_fail(SPICE_IS_SESSION(session));
    s = session->priv;
    if (!s->disconnect_idle)
        s->disconnect_idle =
            spice_idle_add_full(disconnect_idle, g_object_ref(session), g_object_unref);
}

void spice_session_stop_work(SpiceSession *session)
{
    SpiceSessionPrivate *s = session->priv;

    spice_session_abort_migration(session);
    spice_source_remove(&s->create_idle);
    g_array_set_size(s->to_create, 0);
}

/**
 * spice_session_new:
 *
 * Create a session.
 *
 * Returns: a new session
 */
SpiceSession *spice_session_new(void)
{
    return g_object_new(SPICE_TYPE_SESSION, NULL);
}
